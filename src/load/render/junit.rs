//! JUnit: a load as `junit.xml`, for the machines that build and watch and read neither a page nor an exit code.
//!
//! A [`LoadReport`] in, XML out: a test case a gate, a kind of delivery, a requirement. Whatever keeps a load from conforming is
//! a case that has failed, or is an error where nothing is shown to be broken.

use quick_junit::{NonSuccessKind, Report as Junit, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::sentences::{example, judged, measured};
use crate::load::judging::Judged;
use crate::load::report::{KindReport, LoadReport};
use crate::load::streams::sentences as streams;
use crate::number::span;
use crate::report::human::{one_line, visible};
use crate::report::language::Language;
use crate::report::{Overall, Verdict};

/// So many violations of a requirement are told in full.
const TOLD: usize = 3;

/// `report` as `junit.xml`.
///
/// # Errors
/// When the XML cannot be written.
pub fn junit(report: &LoadReport) -> Result<String, SerializeError> {
    let mut suite = TestSuite::new(one_line(&format!("load of {}", report.contract)));
    suite.set_time(span(report.seconds));
    suite.add_property(("rate_per_s", format!("{:.2}", report.rate_per_s).as_str()));
    if let Some(wanted) = report.wanted_per_s {
        suite.add_property(("wanted_per_s", format!("{wanted:.2}").as_str()));
    }
    suite.add_property(("dropped", report.dropped.to_string().as_str()));
    suite.add_property(("kept_up", report.kept_up.to_string().as_str()));
    suite.add_property(("verdict", Language::En.overall(report.verdict).as_str()));
    let mut cases: Vec<(String, TestCaseStatus)> = Vec::new();
    for gate in &report.gates {
        let status = if gate.ok {
            TestCaseStatus::success()
        } else {
            because(NonSuccessKind::Failure, &format!("measured: {}", measured(gate, Language::En)))
        };
        cases.push((format!("gate {}", gate.gate), status));
    }
    cases.extend(report.kinds.iter().map(|(kind, one)| (format!("answers to {kind}"), answers(report, kind, one))));
    cases.extend(report.requirements.iter().map(|one| {
        let name = if one.sentence.is_empty() { one.id.clone() } else { format!("{} {}", one.id, one.sentence) };
        (name, requirement(report, one))
    }));
    // What some requirement tells is told there.
    if let Some(wrong) =
        report.streams.as_ref().filter(|streams| streams.broken() > 0).and_then(|_| joined(&streams::wrong(report, Language::En)))
    {
        cases.push(("event streams".to_owned(), because(NonSuccessKind::Failure, &wrong)));
    }
    if let Some(why) = report.aborted() {
        cases.push(("--abort-on".to_owned(), because(NonSuccessKind::Failure, why)));
    }
    let has_failed = cases.iter().any(|(_, status)| matches!(status, TestCaseStatus::NonSuccess { .. }));
    cases.extend(verdict(report, has_failed).map(|status| ("verdict".to_owned(), status)));
    suite.add_test_cases(cases.into_iter().map(|(name, status)| TestCase::new(one_line(&name), status)));
    let mut junit = Junit::new("hookgate");
    junit.add_test_suite(suite);
    junit.to_string()
}

fn because(kind: NonSuccessKind, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(one_line(message));
    status
}

fn skipped(why: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(one_line(why));
    status
}

fn joined(lines: &[String]) -> Option<String> {
    (!lines.is_empty()).then(|| lines.join("; "))
}

/// Whether a kind got the answers that it should get.
fn answers(report: &LoadReport, name: &str, kind: &KindReport) -> TestCaseStatus {
    let told = |(status, count): (&String, &u64)| format!("{count} times an answer (status {status}) that it should not get");
    let wrong: Vec<String> = kind.statuses.iter().map(told).collect();
    match joined(&wrong) {
        Some(wrong) => {
            let mut status = because(NonSuccessKind::Failure, &format!("{wrong}, of {} that were sent", kind.sent));
            let told = report.unexpected.iter().filter(|one| one.kind == name).map(|one| example(one, Language::En));
            status.set_description(visible(&told.collect::<Vec<_>>().join("\n")));
            status
        }
        None if kind.expected == 0 => skipped(&format!("of {} that were sent none was answered", kind.sent)),
        None => TestCaseStatus::success(),
    }
}

fn requirement(report: &LoadReport, one: &Judged) -> TestCaseStatus {
    match one.verdict {
        // What only should be so is told, and breaks nothing.
        Verdict::Pass | Verdict::Warn | Verdict::Known => TestCaseStatus::success(),
        Verdict::NotApplicable => skipped("not applicable"),
        Verdict::Undecided => skipped("undecided"),
        Verdict::Fail => {
            let mut status = because(NonSuccessKind::Failure, &judged(one, Language::En));
            status.set_type(one_line(&one.id));
            let told = report.violations.iter().filter(|violation| violation.requirement == one.id).take(TOLD);
            let text = |why: &str, key: &str, lines: &[String], curl: &str| format!("{key}: {why}\n{}\n{curl}", lines.join("\n"));
            let told: Vec<String> = told.map(|one| text(&one.why, &one.key, &one.operations, &one.curl)).collect();
            status.set_description(visible(told.join("\n\n").trim_end()));
            status
        }
    }
}

/// What the verdict says beyond every other case.
fn verdict(report: &LoadReport, has_failed: bool) -> Option<TestCaseStatus> {
    let word = Language::En.overall(report.verdict);
    let undecided = (report.undecided > 0).then(|| format!("{} keys are undecided", report.undecided));
    let errors = report.errors.iter().map(|(error, count)| format!("no answer: {count} times {error}"));
    let why =
        || std::iter::once(word.clone()).chain(undecided.clone()).chain(errors).chain(report.notes.iter().cloned()).collect::<Vec<_>>();
    match report.verdict {
        Overall::Conforms => Some(TestCaseStatus::success()),
        Overall::DoesNotConform if has_failed => None,
        Overall::DoesNotConform => Some(because(NonSuccessKind::Failure, &why().join("; "))),
        Overall::Undecided | Overall::Interrupted | Overall::Incomplete => Some(because(NonSuccessKind::Error, &why().join("; "))),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::load::gate::GateResult;
    use crate::load::report::Latency;

    fn load() -> LoadReport {
        let text = r#"{"schema": "hookgate.load/1", "tool": {"name": "hookgate", "version": "1"}, "target": "http://localhost",
            "contract": "one", "model": "closed", "started_at": "2026-11-28T00:00:00Z", "users": 1, "seed": 1, "deliveries": 9, "operations": 9,
            "seconds": 1.0, "rate_per_s": 9.0, "errors": {}, "series": [], "gates": [], "kept_up": true, "verdict": "conforms",
            "requirements": [{"id": "ONCE-3", "verdict": "pass", "checked": 9, "violations": 0}],
            "kinds": {"fresh": {"sent": 6, "answered": 6, "expected": 6, "unexpected": 0},
                      "bad-signature": {"sent": 3, "answered": 3, "expected": 3, "unexpected": 0}}}"#;
        serde_json::from_str(text).expect("a report")
    }

    /// Failures, errors and the whole text.
    fn told(report: &LoadReport) -> (usize, usize, String) {
        let text = junit(report).expect("XML");
        (text.matches("<failure").count(), text.matches("<error").count(), text)
    }

    #[test]
    fn what_conforms_has_no_failure() {
        let (failures, errors, text) = told(&load());
        assert_eq!((failures, errors), (0, 0), "{text}");
        assert!(text.contains("name=\"answers to bad-signature\"") && text.contains("name=\"verdict\""), "{text}");
    }

    /// Every reason why a load does not conform is a case of its own, and fails.
    #[test]
    fn whatever_does_not_conform_has_a_failure_that_says_why() {
        let broken = || LoadReport { verdict: Overall::DoesNotConform, ..load() };
        let mut forged = broken();
        let statuses = BTreeMap::from([("202".to_owned(), 2)]);
        forged.kinds.insert(
            "bad-signature".to_owned(),
            KindReport { sent: 3, answered: 3, expected: 1, unexpected: 2, statuses, latency_us: None::<Latency> },
        );
        let (failures, errors, text) = told(&forged);
        assert_eq!((failures, errors), (1, 0), "{text}");
        assert!(text.contains("2 times an answer (status 202) that it should not get, of 3 that were sent"), "{text}");
        let aborted = LoadReport { notes: vec!["Ended early: errors>1% was true after 3 s (4%).".to_owned()], ..broken() };
        let (failures, errors, text) = told(&aborted);
        assert!((failures, errors) == (1, 0) && text.contains("--abort-on") && text.contains("was true after 3 s (4%)"), "{text}");
        let gate = GateResult { gate: "p99<1ms".to_owned(), value: Some(2e3), unit: "us".to_owned(), ok: false, of_violations: false };
        let (failures, _, text) = told(&LoadReport { gates: vec![gate], ..broken() });
        assert!(failures == 1 && text.contains("gate p99&lt;1ms"), "{text}");
        let (failures, errors, text) = told(&broken());
        assert!((failures, errors) == (1, 0) && text.contains("name=\"verdict\""), "{text}");
        let mut twice = broken();
        (twice.requirements[0].verdict, twice.requirements[0].violations) = (Verdict::Fail, 1);
        twice.violations = vec![
            serde_json::from_str(
                r#"{"requirement": "ONCE-3", "key": "k-7", "why": "accepted twice", "operations": ["one"], "curl": "curl k-7"}"#,
            )
            .expect("a violation"),
        ];
        let (failures, _, text) = told(&twice);
        assert!(failures == 1 && text.contains("k-7: accepted twice") && text.contains("curl k-7"), "{text}");
    }

    /// What is not shown to be broken, and does not conform either, is an error with its reason.
    #[test]
    fn what_is_open_is_an_error() {
        for verdict in [Overall::Undecided, Overall::Interrupted, Overall::Incomplete] {
            let errors = BTreeMap::from([("connection refused".to_owned(), 4)]);
            let (failures, count, text) = told(&LoadReport { verdict, undecided: 7, errors, notes: vec!["A note.".to_owned()], ..load() });
            assert_eq!((failures, count), (0, 1), "{text}");
            assert!(text.contains("7 keys are undecided; no answer: 4 times connection refused; A note."), "{text}");
        }
    }
}
