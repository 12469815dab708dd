//! A report, counted again: what does not follow from its own findings.
//!
//! In: a report, what its history comes to, its snapshots. Out: what does not
//! follow, a sentence each. Answers are judged again in `judge::verify`.

use crate::report::causes::{Cause, attribute, causes};
use crate::report::merge::{asked, fails_beside_its_scenarios};
use crate::report::required::{Missing, required};
use crate::report::tally::Asked;
use crate::report::{HistoryFacts, Report, ScenarioReport, Summary, Verdict, tally as counted};
use crate::snapshot::kept::Kept;

/// Where a report does not follow from its own findings.
///
/// * `history`: what the folder's history comes to when it is judged again.
#[must_use]
pub fn judged_again(report: &Report, history: Option<&HistoryFacts>) -> Vec<String> {
    let mut wrong: Vec<String> = report.scenarios.iter().filter_map(|one| verdict_wrong(one, report)).collect();
    let mut due = counted::summary(&report.scenarios, report.run.ended_early.as_deref());
    if fails_beside_its_scenarios(report) {
        counted::fail(&mut due);
    }
    let said = &report.summary;
    let counts = |summary: &Summary| {
        let Summary { pass, warn, fail, undecided, not_applicable, known, verdict: _ } = *summary;
        (pass, warn, fail, undecided, not_applicable, known)
    };
    if counts(said) != counts(&due) {
        wrong.push("the summary's counts are not those of the scenarios".to_owned());
    }
    if said.verdict != due.verdict {
        wrong.push(format!("the verdict is `{}`, and its scenarios come to `{}`", said.verdict.words(), due.verdict.words()));
    }
    let asked: Vec<Asked> = report.requirements.iter().map(|one| asked(one, &[report])).collect();
    for (said, due) in report.requirements.iter().zip(counted::requirements(&asked, &report.scenarios)) {
        if (said.verdict, &said.scenarios) != (due.verdict, &due.scenarios) {
            wrong.push(format!("{} is said to be `{}`, and its scenarios come to `{}`", said.id, said.verdict.name(), due.verdict.name()));
        }
    }
    if let Some(said) = &report.required {
        let names = |all: &[Missing]| all.iter().map(|one| one.id.clone()).collect::<Vec<_>>();
        let (said, due) = (names(&said.missing), names(&required(&said.asked, &report.requirements).missing));
        if said != due {
            wrong.push(format!("required and not judged are said to be {}, and are {}", said.join(", "), due.join(", ")));
        }
    }
    wrong.extend(causes_wrong(report));
    let facts = |facts: &HistoryFacts| (facts.keys, facts.consistent, facts.broken, facts.undecided);
    let told =
        |(keys, consistent, broken, undecided)| format!("{keys} keys, {consistent} explained, {broken} broken, {undecided} undecided");
    match (&report.history, history) {
        (Some(said), Some(again)) if facts(said) != facts(again) => {
            wrong.push(format!("the history comes to {}; the report says {}", told(facts(again)), told(facts(said))));
        }
        (None, Some(again)) if again.keys > 0 => {
            wrong.push(format!("the history comes to {}; the report says nothing of it", told(facts(again))));
        }
        (Some(_) | None, _) => {}
    }
    wrong
}

/// Where the requirements of a report are not those that a run is asked to judge, or do not come to what its scenarios come to.
///
/// * `asked`: those of the contract and the catalogue that it was made with.
#[must_use]
pub fn requirements_again(report: &Report, asked: &[Asked]) -> Vec<String> {
    let mut wrong = Vec::new();
    for due in counted::requirements(asked, &report.scenarios) {
        let mut of_id = report.requirements.iter().filter(|one| one.id == due.id);
        match (of_id.next(), of_id.next()) {
            (None, _) => wrong.push(format!("{} is a requirement of the contract, and the report says nothing of it", due.id)),
            (Some(_), Some(_)) => wrong.push(format!("{} is told twice", due.id)),
            (Some(said), None) if (said.level, &said.sentence) != (due.level, &due.sentence) => {
                wrong.push(format!("{} is told with another sentence or level than it has", due.id));
            }
            (Some(said), None) if said.verdict != due.verdict => {
                let (said, due_name) = (said.verdict.name(), due.verdict.name());
                wrong.push(format!("{} is said to be `{said}`, and its scenarios come to `{due_name}`", due.id));
            }
            (Some(_), None) => {}
        }
    }
    let added = report.requirements.iter().filter(|said| asked.iter().all(|one| one.id != said.id));
    wrong.extend(added.map(|said| format!("{} is told, and no requirement of the contract", said.id)));
    wrong
}

/// Where causes do not follow from the findings.
fn causes_wrong(report: &Report) -> Vec<String> {
    let mut again = report.clone();
    attribute(&mut again.scenarios);
    let filed = |report: &Report| {
        report.scenarios.iter().flat_map(|one| one.findings.iter().map(|one| one.requirement.clone())).collect::<Vec<_>>()
    };
    let mut wrong = Vec::new();
    if filed(&again) != filed(report) {
        wrong.push("findings are filed under other requirements than the causes that explain them".to_owned());
    }
    let told = |causes: &[Cause]| {
        causes.iter().map(|one| (one.requirement.clone(), one.sentence.clone(), one.explains.findings)).collect::<Vec<_>>()
    };
    if told(&causes(report)) != told(&report.causes) {
        wrong.push("the causes are not those that its findings come to".to_owned());
    }
    wrong
}

/// A scenario whose verdict does not follow from its findings.
fn verdict_wrong(scenario: &ScenarioReport, report: &Report) -> Option<String> {
    let again = counted::scenario_verdict(&scenario.findings);
    let agrees = match scenario.verdict {
        Verdict::Pass | Verdict::Warn | Verdict::Fail => again == scenario.verdict,
        // Known failures keep their findings.
        Verdict::Known => report.baseline.is_some() && !scenario.findings.is_empty(),
        // What was not judged to its end has no finding that breaks a *must*.
        Verdict::Undecided | Verdict::NotApplicable => again != Verdict::Fail,
    };
    (!agrees).then(|| format!("{} is said to be `{}`, and its findings come to `{}`", scenario.id, scenario.verdict.name(), again.name()))
}

/// Where what a report says of snapshots does not follow from those in its folder.
#[must_use]
pub fn snapshots_again(report: &Report, kept: &Kept) -> Vec<String> {
    let mut wrong = kept.diagnostics();
    let Some(said) = &report.snapshots else {
        if kept.compared {
            wrong.push("the snapshots were compared, and the report says nothing of it".to_owned());
        }
        return wrong;
    };
    let again = kept.compared();
    let names = |changed: &[String]| changed.iter().filter_map(|one| one.lines().next()).map(str::to_owned).collect::<Vec<_>>();
    if (said.matched, &said.new, names(&said.changed)) != (again.matched, &again.new, names(&again.changed)) {
        wrong.push(format!(
            "the snapshots come to {} as reviewed, {} changed, {} new; the report says {}, {}, {}",
            again.matched,
            again.changed.len(),
            again.new.len(),
            said.matched,
            said.changed.len(),
            said.new.len()
        ));
    }
    wrong
}
