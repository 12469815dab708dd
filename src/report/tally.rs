//! The tally: verdicts of scenarios, of requirements and of the whole run.
//!
//! Takes findings and reports of scenarios, gives verdicts. Nothing here looks
//! at texts of findings; what was not judged is never counted as passed.
//!
//! Start at [`requirements`].

use std::collections::{BTreeMap, BTreeSet};

use crate::contract::Level;
use crate::report::lack::{Lack, NoForce, Reason, WITHOUT_FORCE, WITHOUT_IDEMPOTENCY};
use crate::report::{Finding, Overall, RequirementReport, ScenarioReport, Summary, Verdict};
use crate::scenario::requirement::InLanguage;

/// Why a run ended early, when a person wanted it to.
pub const INTERRUPTED: &str = "interrupted";

/// What a reader is told first where answers do not show what was remembered.
pub const ANSWERS_ALIKE: &str = "Answers to first deliveries and to duplicates are alike, and no effects were seen: signatures, keys, HTTP and health were judged, duplicates and concurrency were not. Give --db with the tables that the contract names under `state`, `effects` in the contract, or a contract whose duplicates can be told.";

/// What a reader is told first where nothing is promised to be remembered.
pub const NO_PROMISE: &str = "Judged on signatures, HTTP and health alone: the contract promises no idempotency, so duplicates, concurrency, lives of keys and what is stored were not judged. That would take `idempotency: by-key` and a `key` in the contract.";

/// How many reasons are named before the rest is only counted.
const MOST_REASONS: usize = 3;

/// A requirement as the run was asked to judge it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Its name.
    pub id: String,
    /// How much it weighs.
    pub level: Level,
    /// The sentence.
    pub sentence: String,
    /// The topic, in words.
    pub topic: String,
    /// Why no scenario shows it, when none does.
    pub excluded: Option<String>,
    /// Why the contract does not promise it, when it does not.
    pub not_promised: Option<String>,
    /// Whether it speaks of what is remembered: a scenario that a receiver without memory passes shows nothing of it.
    pub memory: bool,
    /// Topic and sentence in other languages.
    pub translations: BTreeMap<String, InLanguage>,
}

/// The verdict of a scenario that was played to its end, from its `findings` alone.
#[must_use]
pub fn scenario_verdict(findings: &[Finding]) -> Verdict {
    let any = |level| findings.iter().any(|finding| finding.level == level);
    match (any(Level::Must), any(Level::Should)) {
        (true, _) => Verdict::Fail,
        (false, true) => Verdict::Warn,
        (false, false) => Verdict::Pass,
    }
}

/// The verdict of each requirement, in the order of `asked`, over all `scenarios`.
///
/// A scenario that fails stops at the failure, so that it says nothing of the
/// other requirements that it shows: these are undecided unless another
/// scenario has shown them.
#[must_use]
pub fn requirements(asked: &[Asked], scenarios: &[ScenarioReport]) -> Vec<RequirementReport> {
    asked.iter().map(|one| requirement(one, scenarios)).collect()
}

/// Counts of scenarios by verdict, and the verdict of the run.
///
/// * `ended_early`: why the run did not come to its end, when it did not; [`INTERRUPTED`] when a person ended it.
#[must_use]
pub fn summary(scenarios: &[ScenarioReport], ended_early: Option<&str>) -> Summary {
    let mut summary = Summary::default();
    for scenario in scenarios {
        let count = match scenario.verdict {
            Verdict::Pass => &mut summary.pass,
            Verdict::Warn => &mut summary.warn,
            Verdict::Fail => &mut summary.fail,
            Verdict::Undecided => &mut summary.undecided,
            Verdict::NotApplicable => &mut summary.not_applicable,
            Verdict::Known => &mut summary.known,
        };
        *count += 1;
    }
    summary.verdict = overall(&summary, ended_early);
    summary
}

/// The verdict of a run from its counts; what stands in `summary.verdict` is not looked at.
///
/// A failure stands, however the run ended. A run that judged nothing at all
/// is undecided: it conforms no more than it does not.
#[must_use]
pub fn overall(summary: &Summary, ended_early: Option<&str>) -> Overall {
    let judged = summary.pass + summary.warn + summary.known;
    match ended_early {
        Some(INTERRUPTED) => Overall::Interrupted,
        Some(_) | None if summary.fail > 0 => Overall::DoesNotConform,
        Some(_) => Overall::Incomplete,
        None if summary.undecided > 0 || judged == 0 => Overall::Undecided,
        None => Overall::Conforms,
    }
}

/// What a reader must know first: that nothing of what is remembered was judged, and what it would take.
#[must_use]
pub fn said_first(requirements: &[RequirementReport]) -> Option<&'static str> {
    // A report of before lacks were told has the sentence alone.
    let of = |lack: Lack, told: &str| requirements.iter().any(|one| one.lack == Some(lack) || one.reason.as_deref() == Some(told));
    if of(Lack::Idempotency, WITHOUT_IDEMPOTENCY) {
        Some(NO_PROMISE)
    } else if of(Lack::AnswersAlike, WITHOUT_FORCE) {
        Some(ANSWERS_ALIKE)
    } else {
        None
    }
}

/// Makes a run not conform that otherwise would; one that ended early stays what it is.
pub fn fail(summary: &mut Summary) {
    if matches!(summary.verdict, Overall::Conforms | Overall::Undecided) {
        summary.verdict = Overall::DoesNotConform;
    }
}

fn requirement(asked: &Asked, scenarios: &[ScenarioReport]) -> RequirementReport {
    let breaks = |one: &ScenarioReport| one.findings.iter().any(|finding| finding.requirement == asked.id);
    let concerned: Vec<&ScenarioReport> = scenarios.iter().filter(|one| one.shows.contains(&asked.id) || breaks(one)).collect();
    let (verdict, reason) = broken(asked, &concerned).map_or_else(|| unbroken(asked, &concerned), |verdict| (verdict, None));
    RequirementReport {
        id: asked.id.clone(),
        level: asked.level,
        sentence: asked.sentence.clone(),
        topic: asked.topic.clone(),
        verdict,
        lack: reason.as_ref().and_then(|reason| reason.lack),
        reason: reason.map(|reason| reason.text),
        rests_on: rests_on(verdict, &concerned),
        scenarios: concerned.iter().map(|one| one.id.clone()).collect(),
        excluded: asked.excluded.clone(),
        not_promised: asked.not_promised.clone(),
        memory: asked.memory,
        translations: asked.translations.clone(),
    }
}

/// What a verdict rests on: on what was seen in the scenarios that were judged.
fn rests_on(verdict: Verdict, concerned: &[&ScenarioReport]) -> BTreeSet<String> {
    match verdict {
        Verdict::NotApplicable | Verdict::Undecided => BTreeSet::new(),
        Verdict::Pass | Verdict::Warn | Verdict::Fail | Verdict::Known => {
            let judged = concerned.iter().filter(|one| !matches!(one.verdict, Verdict::NotApplicable | Verdict::Undecided));
            judged.flat_map(|one| one.rests_on.iter().cloned()).collect()
        }
    }
}

/// The verdict by findings, when there are any that weigh something.
fn broken(asked: &Asked, concerned: &[&ScenarioReport]) -> Option<Verdict> {
    let weight = |scenario: &&ScenarioReport| {
        let levels =
            scenario.findings.iter().filter(|finding| finding.requirement == asked.id).map(|finding| finding.level.max(asked.level));
        match levels.min()? {
            Level::Must | Level::Should if scenario.verdict == Verdict::Known => Some(Verdict::Known),
            Level::Must => Some(Verdict::Fail),
            Level::Should => Some(Verdict::Warn),
            Level::Free => None,
        }
    };
    let found: Vec<Verdict> = concerned.iter().filter_map(weight).collect();
    [Verdict::Fail, Verdict::Warn, Verdict::Known].into_iter().find(|verdict| found.contains(verdict))
}

/// The verdict when nothing was found, and why it was not judged when it was not.
fn unbroken(asked: &Asked, concerned: &[&ScenarioReport]) -> (Verdict, Option<Reason>) {
    if let Some(why) = &asked.not_promised {
        return (Verdict::NotApplicable, Some(Reason::of(Lack::Promise, format!("not promised by the contract: {why}"))));
    }
    let with = |wanted: Verdict| concerned.iter().filter(move |one| one.verdict == wanted);
    let mut passed = with(Verdict::Pass).chain(with(Verdict::Warn));
    if passed.any(|one| !(asked.memory && one.without_force)) {
        return (Verdict::Pass, None);
    }
    let undecided = reasons(with(Verdict::Undecided).map(|one| given(one)));
    if let Some(undecided) = undecided {
        return (Verdict::Undecided, Some(undecided));
    }
    let stopped = reasons(with(Verdict::Fail).chain(with(Verdict::Known)).map(|one| (broken_first(one), None)));
    if let Some(stopped) = stopped {
        let told = format!("every scenario that shows it failed at something else: {}", stopped.text);
        return (Verdict::Undecided, Some(Reason::of(Lack::FailedFirst, told)));
    }
    if with(Verdict::Pass).chain(with(Verdict::Warn)).next().is_some() {
        // Reports of before it was written down: answers alike, unless another scenario tells that nothing is promised.
        let of_others = with(Verdict::NotApplicable).filter_map(|one| one.reason.as_deref());
        let otherwise =
            if of_others.into_iter().any(|reason| reason == WITHOUT_IDEMPOTENCY) { NoForce::NoIdempotency } else { NoForce::AnswersAlike };
        let why = with(Verdict::Pass).chain(with(Verdict::Warn)).find_map(|one| one.no_force).unwrap_or(otherwise);
        return (Verdict::NotApplicable, Some(why.reason()));
    }
    let inapplicable = reasons(with(Verdict::NotApplicable).map(|one| given(one)));
    let reason = match (inapplicable, &asked.excluded) {
        (Some(reasons), _) => reasons,
        (None, Some(why)) => format!("excluded: {why}").into(),
        (None, None) => Reason::of(Lack::Scenarios, "no scenario that shows it was played"),
    };
    (Verdict::NotApplicable, Some(reason))
}

/// The requirement that ended a scenario; the scenario itself where its findings do not tell.
fn broken_first(scenario: &ScenarioReport) -> &str {
    let worst = scenario.findings.iter().find(|finding| finding.level == Level::Must).or(scenario.findings.first());
    worst.map_or(scenario.id.as_str(), |finding| finding.requirement.as_str())
}

/// Reasons in the order they came, each once, the first few by name.
fn reasons<'r, I: Iterator<Item = (&'r str, Option<Lack>)>>(all: I) -> Option<Reason> {
    let mut distinct: Vec<(&str, Option<Lack>)> = Vec::new();
    for (reason, lack) in all {
        if !distinct.iter().any(|(known, _)| *known == reason) {
            distinct.push((reason, lack));
        }
    }
    let more = distinct.len().saturating_sub(MOST_REASONS);
    distinct.truncate(MOST_REASONS);
    let named = distinct.iter().map(|(reason, _)| *reason).collect::<Vec<_>>().join("; ");
    let lack = distinct.iter().filter_map(|(_, lack)| *lack).min();
    match (named.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(Reason { text: named, lack }),
        (false, more) => Some(Reason { text: format!("{named}; and {more} more"), lack }),
    }
}

/// Why a scenario was not judged, and what lacks.
fn given(scenario: &ScenarioReport) -> (&str, Option<Lack>) {
    (scenario.reason.as_deref().unwrap_or("no reason was given"), scenario.lack)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `"pass A-1"`, `"fail A-1 must:A-2"`, `"undecided A-1 because"`: a verdict, what is shown, then findings or a reason.
    fn scenario(line: &str) -> ScenarioReport {
        let words: Vec<&str> = line.split(' ').collect();
        let verdict = [Verdict::Pass, Verdict::Warn, Verdict::Fail, Verdict::Undecided, Verdict::NotApplicable, Verdict::Known]
            .into_iter()
            .find(|verdict| verdict.name() == words[0])
            .expect("the test names a verdict");
        let (findings, reason): (Vec<&str>, Vec<&str>) = words[2..].iter().partition(|word| word.contains(':'));
        ScenarioReport {
            id: format!("topic/{}", words[0]),
            title: String::new(),
            titles: BTreeMap::new(),
            verdict,
            reason: (!reason.is_empty()).then(|| reason.join(" ")),
            lack: None,
            shows: words[1].split(',').map(str::to_owned).collect(),
            duration_ms: 1.0,
            file: String::new(),
            own: false,
            rests_on: BTreeSet::new(),
            without_force: words[0] == "pass" && reason.first() == Some(&"without-force"),
            no_force: (reason.get(1) == Some(&"nothing-remembered")).then_some(NoForce::NothingRemembered),
            shortened: None,
            statuses: BTreeMap::new(),
            findings: findings.into_iter().map(finding).collect(),
            bursts: Vec::new(),
            streams: None,
        }
    }

    fn finding(word: &str) -> Finding {
        let (level, requirement) = word.split_once(':').expect("level:requirement");
        let level = match level {
            "must" => Level::Must,
            "should" => Level::Should,
            _ => Level::Free,
        };
        Finding { requirement: requirement.to_owned(), level, step: 1, line: 1, ..Finding::default() }
    }

    /// The verdict of requirement `A-1` of `level` over scenarios written as lines, with its reason.
    fn judged(asked: Asked, scenarios: &[&str]) -> String {
        let scenarios: Vec<ScenarioReport> = scenarios.iter().map(|line| scenario(line)).collect();
        let report = requirements(&[Asked { id: "A-1".to_owned(), ..asked }], &scenarios).remove(0);
        report.reason.map_or_else(|| report.verdict.name().to_owned(), |reason| format!("{}: {reason}", report.verdict.name()))
    }

    #[test]
    fn a_scenario_fails_by_a_must_and_warns_by_a_should() {
        let verdict = |words: &[&str]| scenario_verdict(&words.iter().map(|word| finding(word)).collect::<Vec<_>>());
        assert_eq!(verdict(&[]), Verdict::Pass);
        assert_eq!(verdict(&["free:A-1"]), Verdict::Pass);
        assert_eq!(verdict(&["should:A-1"]), Verdict::Warn);
        assert_eq!(verdict(&["should:A-1", "must:A-2"]), Verdict::Fail);
    }

    #[test]
    fn a_must_is_broken_by_one_finding_whatever_else_passed() {
        let must = Asked::default;
        assert_eq!(judged(must(), &["pass A-1", "fail A-1 must:A-1"]), "fail");
        assert_eq!(judged(must(), &["fail A-2 must:A-1"]), "fail", "found by a scenario about something else");
        assert_eq!(judged(must(), &["warn A-1 should:A-1", "undecided A-1 why"]), "warn");
        assert_eq!(judged(must(), &["known A-1 must:A-1", "pass A-1"]), "known");
        assert_eq!(judged(must(), &["known A-1 must:A-1", "fail A-1 must:A-1"]), "fail");
        assert_eq!(judged(must(), &["pass A-1 free:A-1"]), "pass");
    }

    #[test]
    fn a_should_is_at_most_a_warning() {
        let should = || Asked { level: Level::Should, ..Asked::default() };
        assert_eq!(judged(should(), &["fail A-1 must:A-1"]), "warn");
        assert_eq!(judged(should(), &["pass A-1"]), "pass");
    }

    #[test]
    fn what_was_not_seen_to_hold_is_not_passed() {
        let must = Asked::default;
        assert_eq!(judged(must(), &["undecided A-1 timed out", "pass A-1"]), "pass");
        assert_eq!(judged(must(), &["undecided A-1 timed out", "not-applicable A-1 no clock"]), "undecided: timed out");
        assert_eq!(judged(must(), &["fail A-1,A-2 must:A-2"]), "undecided: every scenario that shows it failed at something else: A-2");
        assert_eq!(judged(must(), &["not-applicable A-1 no clock", "not-applicable A-1 no clock"]), "not-applicable: no clock");
        assert_eq!(judged(must(), &["pass A-2"]), "not-applicable: no scenario that shows it was played");
        let memory = || Asked { memory: true, ..Asked::default() };
        assert_eq!(judged(must(), &["pass A-1 without-force"]), "pass");
        assert_eq!(judged(memory(), &["pass A-1 without-force", "pass A-1"]), "pass");
        assert!(judged(memory(), &["pass A-1 without-force"]).starts_with("not-applicable: answers alike"));
        assert!(judged(memory(), &["pass A-1 without-force nothing-remembered"]).starts_with("not-applicable: nothing of it hangs"));
        let excluded = Asked { excluded: Some("needs a restart".to_owned()), ..must() };
        assert_eq!(judged(excluded, &[]), "not-applicable: excluded: needs a restart");
        let not_promised = Asked { not_promised: Some("no TTL".to_owned()), ..must() };
        assert_eq!(judged(not_promised, &["pass A-1"]), "not-applicable: not promised by the contract: no TTL");
    }

    #[test]
    fn many_reasons_are_counted_each_once() {
        let lines =
            ["not-applicable A-1 a", "not-applicable A-1 b", "not-applicable A-1 a", "not-applicable A-1 c", "not-applicable A-1 d"];
        assert_eq!(judged(Asked::default(), &lines), "not-applicable: a; b; c; and 1 more");
    }

    /// Of several lacks the first that can be given is told, as far as its reason is named.
    #[test]
    fn what_lacks_is_kept_beside_its_reason() {
        let lacking = |line: &str, lack| ScenarioReport { lack, ..scenario(line) };
        let lack = |scenarios: &[ScenarioReport]| requirements(&[Asked { id: "A-1".to_owned(), ..Asked::default() }], scenarios)[0].lack;
        let all = [
            lacking("not-applicable A-1 room", Some(Lack::BodyLimit)),
            lacking("not-applicable A-1 clock", Some(Lack::Clock)),
            lacking("not-applicable A-1 else", None),
            lacking("not-applicable A-1 database", Some(Lack::Database)),
        ];
        assert_eq!(lack(&all), Some(Lack::Clock));
        assert_eq!(lack(&all[2..3]), None);
        assert_eq!(lack(&[]), Some(Lack::Scenarios));
        assert_eq!(lack(&[scenario("fail A-1,A-2 must:A-2")]), Some(Lack::FailedFirst));
    }

    /// The run's verdict over scenarios written as lines.
    fn run(scenarios: &[&str], ended_early: Option<&str>) -> Overall {
        summary(&scenarios.iter().map(|line| scenario(line)).collect::<Vec<_>>(), ended_early).verdict
    }

    #[test]
    fn a_run_conforms_when_nothing_failed_and_nothing_is_open() {
        assert_eq!(run(&["pass A-1", "warn A-1 should:A-1", "known A-1 must:A-1", "not-applicable A-1 why"], None), Overall::Conforms);
        assert_eq!(run(&["pass A-1", "undecided A-1 why"], None), Overall::Undecided);
        assert_eq!(run(&["fail A-1 must:A-1", "undecided A-1 why"], None), Overall::DoesNotConform);
    }

    #[test]
    fn a_run_that_judged_nothing_does_not_conform_by_that() {
        assert_eq!(run(&["not-applicable A-1 no clock"], None), Overall::Undecided);
        assert_eq!(run(&[], None), Overall::Undecided);
    }

    #[test]
    fn a_run_that_ended_early_says_so_unless_it_has_failed() {
        assert_eq!(run(&["pass A-1"], Some(INTERRUPTED)), Overall::Interrupted);
        assert_eq!(run(&["fail A-1 must:A-1"], Some(INTERRUPTED)), Overall::Interrupted);
        assert_eq!(run(&["pass A-1"], Some("the target stopped answering")), Overall::Incomplete);
        assert_eq!(run(&["fail A-1 must:A-1"], Some("the target stopped answering")), Overall::DoesNotConform);
    }
}
