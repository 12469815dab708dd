//! JUnit: a run as `junit.xml`, for the machines that build and watch.
//!
//! A test suite a topic folder, a test case a scenario variant. Takes a
//! [`Report`], gives XML; writing the file is done elsewhere.
//!
//! What JUnit has no word for: a warning is a success that says so in
//! `system-out`, undecided and not applicable are skipped with their reason.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, SerializeError, TestCase, TestCaseStatus, TestSuite, XmlString};

use crate::contract::Level;
use crate::number::span;
use crate::report::causes::{Cause, beside_scenarios};
use crate::report::human::{one_line, visible};
use crate::report::language::Language;
use crate::report::required::Missing;
use crate::report::{Finding, Report, ScenarioReport, Verdict};

/// `report` as JUnit XML.
///
/// # Errors
/// Only when the XML writer fails, which it does not in memory.
pub fn write(report: &Report) -> Result<String, SerializeError> {
    let mut xml = quick_junit::Report::new(format!("hookgate {}", visible(&report.contract)));
    // UTC is meant also where it is not written.
    xml.timestamp = format!("{}Z", report.run.started_at.trim_end_matches('Z')).parse().ok();
    xml.set_time(millis(report.run.duration_ms));
    let mut suites: Vec<(&str, Vec<&ScenarioReport>)> = Vec::new();
    for scenario in &report.scenarios {
        let topic = topic_of(&scenario.id);
        match suites.iter_mut().find(|(name, _)| *name == topic) {
            Some((_, scenarios)) => scenarios.push(scenario),
            None => suites.push((topic, vec![scenario])),
        }
    }
    for (topic, scenarios) in suites {
        let mut suite = TestSuite::new(visible(topic));
        suite.set_time(millis(scenarios.iter().map(|one| one.duration_ms).sum()));
        for scenario in scenarios {
            suite.add_test_case(test_case(&report.contract, scenario));
        }
        xml.add_test_suite(suite);
    }
    if let Some(cause) = beside_scenarios(report) {
        xml.add_test_suite(of_visit(report, cause));
    }
    let missing: Vec<&Missing> = report.required.iter().flat_map(|one| &one.missing).collect();
    if !missing.is_empty() {
        let mut suite = TestSuite::new("required");
        for one in missing {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type(one_line(&one.id));
            status.set_message(one_line(&one.told(Language::En)));
            let mut case = TestCase::new(one_line(&one.id), status);
            case.set_classname(one_line(&format!("{}.required", report.contract)));
            suite.add_test_case(case);
        }
        xml.add_test_suite(suite);
    }
    xml.to_string()
}

/// What a visit has found, where no scenario tells it.
fn of_visit(report: &Report, cause: &Cause) -> TestSuite {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type(one_line(&cause.requirement));
    let message = format!("{}: expected {}, observed {}", cause.requirement, cause.example.expected, cause.example.observed);
    status.set_message(one_line(&message));
    status.set_description(visible(&format!("{}\n{}", cause.sentence, cause.example.curl)));
    let mut case = TestCase::new("visit/honest-delivery", status);
    case.set_classname(one_line(&format!("{}.visit", report.contract)));
    case.add_property(Property::new("shows", one_line(&cause.requirement)));
    case.add_property(Property::new("verdict", Verdict::Fail.name()));
    let mut suite = TestSuite::new("visit");
    suite.add_test_case(case);
    suite
}

fn test_case(contract: &str, scenario: &ScenarioReport) -> TestCase {
    let mut case = TestCase::new(one_line(&scenario.id), status(scenario));
    case.set_classname(one_line(&format!("{contract}.{}", topic_of(&scenario.id))));
    case.set_time(millis(scenario.duration_ms));
    case.extra.insert(XmlString::new("file"), XmlString::new(one_line(&scenario.file)));
    if let Some(finding) = scenario.findings.first() {
        case.extra.insert(XmlString::new("line"), XmlString::new(finding.line.to_string()));
    }
    case.add_property(Property::new("title", one_line(&scenario.title)));
    case.add_property(Property::new("shows", one_line(&scenario.shows.join(" "))));
    case.add_property(Property::new("verdict", scenario.verdict.name()));
    if matches!(scenario.verdict, Verdict::Warn) {
        case.set_system_out(findings_text(&scenario.findings));
    }
    case
}

fn status(scenario: &ScenarioReport) -> TestCaseStatus {
    let skipped = |why: &str| {
        let mut status = TestCaseStatus::skipped();
        let reason = scenario.reason.as_deref().unwrap_or("no reason was given");
        status.set_message(one_line(&format!("{why}: {reason}")));
        status
    };
    match scenario.verdict {
        Verdict::Pass | Verdict::Warn => TestCaseStatus::success(),
        Verdict::Fail => failure(scenario),
        Verdict::Undecided => skipped("undecided"),
        Verdict::NotApplicable => skipped("not applicable"),
        Verdict::Known => {
            let mut status = skipped("known failure");
            status.set_description(findings_text(&scenario.findings));
            status
        }
    }
}

fn failure(scenario: &ScenarioReport) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    // The first broken *must* names the failure; all findings are in its text.
    let worst = scenario.findings.iter().find(|finding| finding.level == Level::Must).or(scenario.findings.first());
    if let Some(worst) = worst {
        status.set_type(one_line(&worst.requirement));
        let message = format!("{}: expected {}, observed {}", worst.requirement, worst.expected, worst.observed);
        status.set_message(one_line(&message));
    }
    status.set_description(findings_text(&scenario.findings));
    status
}

fn findings_text(findings: &[Finding]) -> String {
    let text = |finding: &Finding| {
        let step = finding.step_name.as_ref().map_or_else(String::new, |name| format!(" \"{name}\""));
        let Finding { requirement, expected, reference, observed, curl, step: number, line, .. } = finding;
        let text = format!(
            "{requirement}  step {number}{step}, line {line}\nexpected   {expected}\nreference  {reference}\nobserved   {observed}\n{curl}"
        );
        visible(text.trim_end())
    };
    findings.iter().map(text).collect::<Vec<_>>().join("\n\n")
}

/// The folder that a scenario lies in.
fn topic_of(id: &str) -> &str {
    id.split_once('/').map_or("scenarios", |(topic, _)| topic)
}

fn millis(count: f64) -> Duration {
    span(count / 1000.0)
}
