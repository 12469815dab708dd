//! Failures that come and go: the same one among deliveries of every kind, where others of each kind went well.
//!
//! In: all findings in their order, and what passed. Out: for each finding
//! whether such failures explain it, and the requirement that does. A receiver
//! whose duplicates always fail, or whose odd keys do, is another story: there
//! one circumstance is common to what fails, or nothing of the kind passed.
//!
//! Start at [`come_and_go`].

use std::collections::BTreeSet;

use crate::outcome::mismatch::{Kind, MismatchCode, When};
use crate::report::{Finding, ScenarioReport, Verdict};

/// So many circumstances that have nothing in common show that none of them is to blame; two that are to blame by themselves, each
/// with first deliveries and with duplicates, come to four.
const UNLIKE: usize = 6;
/// What is plain counts so much: of a receiver whose plain deliveries fail at times, nothing else is to blame.
const PLAIN: usize = 2;
/// So many findings alike are no chance, unless as many of the kind passed.
const ALIKE: usize = 3;

/// The requirement that explains each finding, where failures that come and go do; in the order of the findings.
///
/// * `all`: the findings of the scenarios, one scenario after the other.
pub(super) fn come_and_go(all: &[Finding], scenarios: &[ScenarioReport]) -> Vec<Option<String>> {
    let mut explained = vec![None; all.len()];
    let passed: Vec<&[String]> = scenarios.iter().filter(|one| one.verdict == Verdict::Pass).map(|one| one.shows.as_slice()).collect();
    let shows: Vec<&[String]> = scenarios.iter().flat_map(|one| one.findings.iter().map(|_| one.shows.as_slice())).collect();
    let same = |one: &Finding| (one.mismatch.status, one.exception.clone());
    let failures: BTreeSet<_> = all.iter().filter(|one| is_failure(&one.mismatch)).map(same).collect();
    for of in failures {
        let alike: Vec<usize> =
            all.iter().enumerate().filter(|(_, one)| is_failure(&one.mismatch) && same(one) == of).map(|(at, _)| at).collect();
        let failed = Failed { of: alike.iter().filter_map(|at| all.get(*at).zip(shows.get(*at).copied())).collect(), passed: &passed };
        let Some(requirement) = failed.requirement() else { continue };
        for (at, (finding, shows)) in alike.iter().zip(&failed.of) {
            if failed.by_chance(finding, shows) {
                explained[*at] = Some(requirement.clone());
            }
        }
    }
    explained
}

/// Whether a delivery got a failure.
fn is_failure(about: &MismatchCode) -> bool {
    class(about.kind).is_some() && about.status.is_some_and(|status| status >= 500)
}

/// What a delivery was to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    First,
    Repeat,
    Refused,
}

fn class(kind: Kind) -> Option<Class> {
    let first = matches!(kind, Kind::HonestFailed | Kind::OddFailed).then_some(Class::First);
    let repeat = || (kind == Kind::RepeatFailed).then_some(Class::Repeat);
    first.or_else(repeat).or_else(|| (kind == Kind::RefusalFailed).then_some(Class::Refused))
}

/// Failures that are alike, each with what its scenario shows; and what the scenarios show that passed.
struct Failed<'r> {
    of: Vec<(&'r Finding, &'r [String])>,
    passed: &'r [&'r [String]],
}

impl Failed<'_> {
    /// The requirement that speaks of failures that come and go, where these do.
    fn requirement(&self) -> Option<String> {
        let unlike = [Class::First, Class::Repeat].map(|class| self.unlike(class));
        let is_told = !unlike.contains(&0) && unlike.iter().sum::<usize>() >= UNLIKE;
        if !is_told && !self.hits_plain_ones_of_several_kinds() {
            return None;
        }
        // What the suite says of honest deliveries that fail among others.
        let honest = || self.of.iter().map(|(finding, _)| &finding.mismatch).filter(|about| about.kind == Kind::HonestFailed);
        let among_others = |about: &&MismatchCode| about.special().is_empty() || about.when.contains(&When::AtOnce);
        let speaks = |about: &MismatchCode| about.under.first().cloned();
        let nearest = |about: &&MismatchCode| (among_others(about), about.under.len());
        honest().max_by_key(nearest).and_then(speaks)
    }

    /// Whether an honest first delivery failed of which nothing is special but its company, and a plain one of another kind did, too,
    /// while more of each kind went well: what they have in common is nothing but chance.
    fn hits_plain_ones_of_several_kinds(&self) -> bool {
        let of = |wanted: Class| self.of.iter().map(|(finding, _)| *finding).filter(move |one| class(one.mismatch.kind) == Some(wanted));
        let alone_or_in_company = |one: &&Finding| one.mismatch.special().iter().all(|when| *when == When::AtOnce);
        let honest = of(Class::First).filter(|one| one.mismatch.kind == Kind::HonestFailed).filter(alone_or_in_company).count();
        // Every scenario that passed has had honest deliveries accepted.
        let first_at_times = honest > 0 && self.passed.len() > honest;
        let plain_at_times = |wanted: Class| {
            let plain: Vec<&Finding> = of(wanted).filter(|one| one.mismatch.special().is_empty()).collect();
            plain.iter().any(|one| self.passed_of(&self.speak_of(one)) > plain.len())
        };
        first_at_times && (plain_at_times(Class::Repeat) || plain_at_times(Class::Refused))
    }

    /// Under how many circumstances that have nothing in common deliveries of a class failed.
    fn unlike(&self, of: Class) -> usize {
        let found = || self.of.iter().map(|(finding, _)| *finding).filter(|one| class(one.mismatch.kind) == Some(of));
        let sets: BTreeSet<Vec<When>> = found().map(|one| one.mismatch.special()).filter(|one| !one.is_empty()).collect();
        let least = |one: &&Vec<When>| !sets.iter().any(|other| other != *one && other.iter().all(|when| one.contains(when)));
        let plain: Vec<&Finding> = found().filter(|one| one.mismatch.special().is_empty()).collect();
        let at_times = plain.iter().any(|one| self.passed_of(&self.speak_of(one)) > plain.len());
        match (plain.is_empty(), at_times) {
            (true, _) => sets.iter().filter(least).count(),
            (false, true) => sets.iter().filter(least).count() + PLAIN,
            // The plainest of all fail always.
            (false, false) => 0,
        }
    }

    /// The requirements that speak of what is plain in a class; those of honest deliveries speak of all classes, and are left to them.
    fn speak_of(&self, finding: &Finding) -> Vec<String> {
        let of_honest = |id: &&String| {
            let honest = |one: &&Finding| one.mismatch.kind == Kind::HonestFailed && one.mismatch.under.contains(*id);
            class(finding.mismatch.kind) != Some(Class::First) && self.of.iter().map(|(one, _)| *one).any(|one| honest(&one))
        };
        finding.mismatch.under.iter().filter(|id| !of_honest(id)).cloned().collect()
    }

    /// How many scenarios passed that show one of some requirements.
    fn passed_of(&self, ids: &[String]) -> usize {
        self.passed.iter().filter(|shows| shows.iter().any(|id| ids.contains(id))).count()
    }

    /// Whether a finding is one that chance could hit: of those like it as many passed.
    fn by_chance(&self, finding: &Finding, shows: &[String]) -> bool {
        let about = &finding.mismatch;
        if about.when.contains(&When::AtOnce) {
            return true;
        }
        let is_alike = |other: &Finding| {
            let (kind, special) = (other.mismatch.kind == about.kind, other.mismatch.special() == about.special());
            kind && special && other.mismatch.tamper == about.tamper
        };
        let alike = self.of.iter().filter(|(other, _)| is_alike(other)).count();
        // That plain ones passed says nothing of those that are special.
        let is_refused = class(about.kind) == Some(Class::Refused);
        let mut ids = if is_refused || about.special().is_empty() { self.speak_of(finding) } else { Vec::new() };
        ids.push(finding.requirement.clone());
        if is_refused {
            ids.extend(shows.iter().cloned());
        }
        alike < ALIKE || self.passed_of(&ids) > alike
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Level;
    use crate::report::causes::attribute;

    /// Scenarios of which the failing ones are `KIND[.TAMPER][@WHEN,…] [UNDER,…] OWN`, and `passed` of each of these requirements passed.
    fn scenarios(failing: &str, passed: &[(&str, usize)]) -> Vec<ScenarioReport> {
        let word = |text: &str| serde_json::Value::String(text.to_owned());
        let one = |line: &str| {
            let parts: Vec<&str> = line.split_whitespace().collect();
            let (what, when) = parts[0].split_once('@').unwrap_or((parts[0], ""));
            let (kind, tamper) = what.split_once('.').unwrap_or((what, ""));
            let when = when.split(',').filter(|one| !one.is_empty()).map(|one| serde_json::from_value(word(one)).unwrap()).collect();
            let mismatch = MismatchCode {
                kind: serde_json::from_value(word(kind)).unwrap(),
                tamper: (!tamper.is_empty()).then(|| tamper.to_owned()),
                status: Some(503),
                when,
                under: parts[1].trim_matches(['[', ']']).split(',').map(str::to_owned).collect(),
                ..MismatchCode::default()
            };
            let finding = Finding { requirement: parts[2].to_owned(), level: Level::Must, mismatch, ..Finding::default() };
            ScenarioReport { verdict: Verdict::Fail, shows: vec![parts[2].to_owned()], findings: vec![finding], ..scenario() }
        };
        let passing = passed.iter().flat_map(|(id, times)| std::iter::repeat_n((*id).to_owned(), *times));
        let passing = passing.map(|id| ScenarioReport { verdict: Verdict::Pass, shows: vec![id], ..scenario() });
        failing.lines().filter(|line| !line.trim().is_empty()).map(one).chain(passing).collect()
    }

    fn scenario() -> ScenarioReport {
        serde_json::from_value(serde_json::json!({
            "id": "t/s", "title": "t", "file": "t/s.yaml", "verdict": "pass", "shows": [], "duration_ms": 0, "deliveries": 0, "findings": []
        }))
        .unwrap()
    }

    /// Under which requirements findings are filed, in their order, those that come and go marked by a star.
    fn filed(failing: &str, passed: &[(&str, usize)]) -> Vec<String> {
        let mut all = scenarios(failing, passed);
        attribute(&mut all);
        // What is filed once is filed so again.
        attribute(&mut all);
        let told = |one: &Finding| format!("{}{}", one.requirement, if one.mismatch.now_and_then { "*" } else { "" });
        all.iter().flat_map(|one| one.findings.iter().map(told)).collect()
    }

    /// What passed beside them, as a run of the whole suite has it.
    const PASSED: [(&str, usize); 10] = [
        ("AUTH-1", 5),
        ("DUP-1", 14),
        ("DUP-2", 4),
        ("AUTH-2", 11),
        ("AUTH-5", 10),
        ("AUTH-6", 5),
        ("KEY-7", 95),
        ("KEY-3", 20),
        ("KEY-10", 4),
        ("AUTH-4", 34),
    ];

    /// Every hundredth answer is a failure: whichever deliveries it meets, they are of one cause.
    #[test]
    fn failures_that_come_and_go_are_one_cause_whomever_they_meet() {
        let met_in_some_runs = [
            "repeat-failed@at-once [HTTP-5,DUP-1,AUTH-1] ONCE-1\n repeat-failed@at-once [HTTP-5,DUP-1,AUTH-1] ONCE-1
             odd-failed@odd-way,after-refusal,later [AUTH-1] DUP-1\n honest-failed@at-once [HTTP-5,AUTH-1] HTTP-5
             repeat-failed@later [DUP-1,AUTH-1] DUP-5\n honest-failed@at-once [HTTP-5,AUTH-1] HTTP-5
             repeat-failed@odd-way,later [DUP-1,AUTH-1] HTTP-3\n repeat-failed@later [DUP-1,AUTH-1] KEY-2
             repeat-failed@odd-key,later [DUP-1,AUTH-1] KEY-3\n honest-failed@odd-key,later [HTTP-5,AUTH-1] KEY-4
             odd-failed@odd-body [HTTP-4,AUTH-1] AUTH-4\n refusal-failed.wrong-secret [AUTH-2] AUTH-2
             honest-failed@after-refusal,later [HTTP-5,AUTH-1] AUTH-8",
            "repeat-failed@at-once,other-body [HTTP-5,DUP-1,AUTH-1] ONCE-1\n honest-failed@at-once [HTTP-5,AUTH-1] HTTP-5
             odd-failed@odd-way,later [AUTH-1] LIVE-1\n repeat-failed@odd-way [DUP-1,AUTH-1] HTTP-7
             honest-failed@after-refusal,later [HTTP-5,AUTH-1] HTTP-5\n repeat-failed@odd-key,later [DUP-1,AUTH-1] KEY-3
             refusal-failed.truncated [AUTH-5,AUTH-2] AUTH-5\n repeat-failed@restarted [DUP-1,AUTH-1] DUP-8
             odd-failed@odd-body [HTTP-4,AUTH-1] AUTH-4\n refusal-failed.in-other-header [AUTH-9,AUTH-3,AUTH-2] AUTH-9",
            "honest-failed@later [HTTP-5,AUTH-1] KEY-8\n repeat-failed@later [DUP-1,AUTH-1] HTTP-5
             odd-failed@odd-way [AUTH-1,DUP-1] DUP-1\n repeat-failed@odd-way [DUP-1,AUTH-1] HTTP-3\n honest-failed@at-once [HTTP-5,AUTH-1] HTTP-5
             repeat-failed@odd-key,later [DUP-1,AUTH-1] KEY-4\n refusal-failed.wrong-secret [AUTH-2] AUTH-2
             refusal-failed.half [AUTH-5,AUTH-2] AUTH-5",
        ];
        let met_in_short_suites = [
            "repeat-failed@at-once [HTTP-5,DUP-1,AUTH-1] ONCE-3\n repeat-failed@at-once [HTTP-5,DUP-1,AUTH-1] ONCE-1
             honest-failed@at-once [HTTP-5,AUTH-1] HTTP-5\n repeat-failed@later [DUP-1,AUTH-1] DUP-5
             honest-failed@at-once [HTTP-5,AUTH-1] HTTP-5\n repeat-failed@later [DUP-1,AUTH-1] HTTP-7
             refusal-failed.wrong-secret [AUTH-2] AUTH-2\n refusal-failed.wrong-secret@other-body,odd-body,later [AUTH-2] AUTH-7",
            "repeat-failed@later [DUP-1,AUTH-1] DUP-5\n honest-failed@at-once [HTTP-5,AUTH-1] HTTP-5",
            "honest-failed [AUTH-1] HTTP-5\n refusal-failed.wrong-secret [AUTH-2] AUTH-2\n honest-failed@at-once [HTTP-5,AUTH-1] HTTP-5",
        ];
        for met in met_in_some_runs.into_iter().chain(met_in_short_suites) {
            let filed = filed(met, &PASSED);
            assert!(filed.iter().all(|one| one == "HTTP-5*"), "{filed:?} of {met}");
        }
    }

    /// Where one circumstance is common to what fails, or nothing of a kind passed, failures do not come and go.
    #[test]
    fn failures_that_always_come_are_not_taken_for_chance() {
        // Duplicates always fail, and so do odd bodies.
        let duplicates = "repeat-failed@later [DUP-1,AUTH-1] DUP-1\n repeat-failed [DUP-1,AUTH-1] DUP-1
            repeat-failed@odd-key [DUP-1,AUTH-1] KEY-3\n repeat-failed@odd-way [DUP-1,AUTH-1] HTTP-3
            repeat-failed@restarted [DUP-1,AUTH-1] DUP-8\n repeat-failed@at-once [HTTP-5,DUP-1,AUTH-1] ONCE-1
            honest-failed@odd-body [HTTP-4,AUTH-1] AUTH-4\n odd-failed@odd-body [HTTP-4,AUTH-1] AUTH-4";
        let none_passed = [("AUTH-1", 5), ("AUTH-2", 11), ("KEY-7", 30)];
        assert!(filed(duplicates, &none_passed).iter().all(|one| !one.ends_with('*')), "{:?}", filed(duplicates, &none_passed));
        // Two things are to blame, each by itself.
        let two = "honest-failed@at-once [HTTP-5,AUTH-1] HTTP-5\n repeat-failed@at-once [HTTP-5,DUP-1,AUTH-1] ONCE-1
            honest-failed@odd-body [AUTH-1] AUTH-4\n repeat-failed@odd-body,later [DUP-1,AUTH-1] AUTH-4
            odd-failed@odd-body,odd-way [AUTH-1] HTTP-3\n honest-failed@at-once,odd-body [HTTP-5,AUTH-1] ONCE-1";
        assert!(filed(two, &PASSED).iter().all(|one| !one.ends_with('*')), "{:?}", filed(two, &PASSED));
        // Beside failures that come and go, odd keys that always fail are told by themselves.
        let beside = "honest-failed@later [HTTP-5,AUTH-1] KEY-8\n repeat-failed@later [DUP-1,AUTH-1] HTTP-5
            repeat-failed@odd-way [DUP-1,AUTH-1] HTTP-3\n honest-failed@at-once [HTTP-5,AUTH-1] HTTP-5
            honest-failed@odd-key [AUTH-1] KEY-4\n honest-failed@odd-key [AUTH-1] KEY-4\n honest-failed@odd-key [AUTH-1] KEY-4
            honest-failed@odd-key [AUTH-1] KEY-4";
        let filed = filed(beside, &PASSED);
        assert_eq!(&filed[..4], ["HTTP-5*"; 4], "{filed:?}");
        assert!(filed[4..].iter().all(|one| one == "KEY-4"), "{filed:?}");
    }
}
