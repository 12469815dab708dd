//! Judges a run again, from what its report folder holds.
//!
//! In: a report, the history of its deliveries, the snapshots that were taken,
//! the scenarios and the contract it was made with. Out: what does not follow,
//! a sentence each. The receiver is not asked, and nothing is read here.
//!
//! Answers are judged by the same judges as in a run. What a run learns
//! elsewhere (rows, time, whether an answer reveals the secret) is in its
//! findings only; verdicts must follow from those.

use std::collections::BTreeMap;

use crate::check::answer::{self, Judged};
use crate::check::classify::{Class, classify, tally};
use crate::check::literal::{self, Surroundings};
use crate::check::{Breach, Record, Records};
use crate::contract::Contract;
use crate::history::{self, BodyBytes, Operation};
use crate::report::redact::HIDDEN;
use crate::report::{HistoryFacts, Report, ScenarioReport, Summary, Verdict, tally as counted};
use crate::scenario::expand::Loaded;
use crate::scenario::{Scenario, Step};
use crate::snapshot::kept::Kept;

/// Where a report does not follow from its own findings.
///
/// * `history`: what the folder's history comes to when it is judged again.
#[must_use]
pub fn judged_again(report: &Report, history: Option<&HistoryFacts>) -> Vec<String> {
    let mut wrong: Vec<String> = report.scenarios.iter().filter_map(verdict_wrong).collect();
    let counted = counted::summary(&report.scenarios, report.run.ended_early.as_deref());
    let said = &report.summary;
    let counts = |summary: &Summary| {
        let Summary { pass, warn, fail, undecided, not_applicable, known, verdict: _ } = *summary;
        (pass, warn, fail, undecided, not_applicable, known)
    };
    if counts(said) != counts(&counted) {
        wrong.push("the summary's counts are not those of the scenarios".to_owned());
    }
    // Snapshots and baselines can fail a run whose scenarios all passed; they cannot make one pass.
    let may_fail =
        report.snapshots.as_ref().is_some_and(|facts| facts.fails) || report.baseline.as_ref().is_some_and(|facts| !facts.stale.is_empty());
    if said.verdict != counted.verdict && !may_fail && report.repeat.is_none() {
        wrong.push(format!("the verdict is `{}`, and its scenarios come to `{}`", said.verdict.words(), counted.verdict.words()));
    }
    for requirement in &report.requirements {
        let shown = report.scenarios.iter().filter(|one| requirement.scenarios.contains(&one.id));
        let breaks = |one: &ScenarioReport| one.findings.iter().any(|finding| finding.requirement == requirement.id);
        let is_broken = shown.filter(|one| one.verdict == Verdict::Fail).any(breaks);
        if is_broken && requirement.verdict == Verdict::Pass {
            wrong.push(format!("{} is said to be kept, and a scenario that shows it has broken it", requirement.id));
        }
    }
    if let (Some(said), Some(again)) = (&report.history, history)
        && (said.keys, said.consistent, said.broken, said.undecided) != (again.keys, again.consistent, again.broken, again.undecided)
    {
        wrong.push(format!(
            "the history comes to {} keys, {} explained, {} broken, {} undecided; the report says {}, {}, {}, {}",
            again.keys, again.consistent, again.broken, again.undecided, said.keys, said.consistent, said.broken, said.undecided
        ));
    }
    wrong
}

/// A scenario whose verdict does not follow from its findings.
fn verdict_wrong(scenario: &ScenarioReport) -> Option<String> {
    let again = counted::scenario_verdict(&scenario.findings);
    let agrees = match scenario.verdict {
        Verdict::Pass | Verdict::Warn | Verdict::Fail => again == scenario.verdict,
        // Known failures keep their findings; what was not judged to its end has none that break a *must*.
        Verdict::Known => true,
        Verdict::Undecided | Verdict::NotApplicable => again != Verdict::Fail,
    };
    (!agrees).then(|| format!("{} is said to be `{}`, and its findings come to `{}`", scenario.id, scenario.verdict.name(), again.name()))
}

/// Where what a report says of snapshots does not follow from those in its folder.
#[must_use]
pub fn snapshots_again(report: &Report, kept: &Kept) -> Vec<String> {
    let mut wrong = kept.mistakes();
    let Some(said) = &report.snapshots else { return wrong };
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

/// What judging the answers again came to.
#[derive(Clone, Debug, Default)]
pub struct AnswersAgain {
    /// How many steps were judged.
    pub steps: usize,
    /// What does not agree.
    pub wrong: Vec<String>,
}

/// Judges every answer of the history again, step by step.
///
/// * `scenarios`: those that the report was made with; others are left out.
#[must_use]
pub fn answers_again(report: &Report, scenarios: &[Loaded], operations: &[Operation], contract: &Contract) -> AnswersAgain {
    let mut again = AnswersAgain::default();
    again.wrong.extend(operations.iter().filter_map(|one| operation_wrong(one, contract)));
    let mut by_scenario: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    for one in operations {
        by_scenario.entry(&one.scenario).or_default().push(one);
    }
    let statuses = history::statuses(operations);
    for said in &report.scenarios {
        if statuses.get(said.id.as_str()).unwrap_or(&BTreeMap::new()) != &said.statuses {
            again.wrong.push(format!("the statuses of {} are not those of the history", said.id));
        }
        let Some(loaded) = scenarios.iter().find(|loaded| loaded.id == said.id) else { continue };
        let mut replay = Replay { said, contract, records: Records::default(), again: &mut again };
        replay.play(&loaded.scenario, by_scenario.get(said.id.as_str()).map_or(&[][..], Vec::as_slice));
    }
    again
}

/// A line of the history that does not agree with itself.
fn operation_wrong(one: &Operation, contract: &Contract) -> Option<String> {
    let about = || format!("the history of {} step {}", one.scenario, one.step);
    let mut bodies = std::iter::once(&one.body).chain(one.answer.as_ref().map(|answer| &answer.body));
    if bodies.any(is_altered) {
        return Some(format!("{}: a body is not the one that its hash is of", about()));
    }
    // Without an answer the run may know more: half a request can never be taken.
    let record = one.record(contract).filter(|record| record.result.is_ok())?;
    (history::taken(contract, &record) != one.outcome)
        .then(|| format!("{}: an answer is said to be `{:?}`, and reads otherwise", about(), one.outcome).to_lowercase())
}

/// Whether a body is not the one that its hash is of. Where a secret was taken out of it nothing can be said.
fn is_altered(body: &BodyBytes) -> bool {
    let is_redacted = body.text.as_ref().is_some_and(|text| text.contains(HIDDEN));
    !is_redacted && body.whole().is_some_and(|bytes| !body.is_of(&bytes))
}

/// One scenario, played again from its history.
struct Replay<'r> {
    said: &'r ScenarioReport,
    contract: &'r Contract,
    records: Records,
    again: &'r mut AnswersAgain,
}

impl Replay<'_> {
    fn play(&mut self, scenario: &Scenario, operations: &[&Operation]) {
        let was_played = matches!(self.said.verdict, Verdict::Pass | Verdict::Warn);
        for (at, step) in scenario.steps.iter().enumerate() {
            let number = at + 1;
            let sent: Vec<&Operation> = operations.iter().filter(|one| one.step == number).copied().collect();
            let sends = step.deliver.is_some() || step.burst.is_some();
            if was_played && sends && sent.is_empty() {
                self.again.wrong.push(format!(
                    "{} is said to be `{}`, and the history lacks its step {number}",
                    self.said.id,
                    self.said.verdict.name()
                ));
                return;
            }
            // What a `get` captured is not in the history, and what follows may speak of it.
            let captures = step.get.is_some() && step.answer.as_ref().is_some_and(|check| !check.capture.is_empty());
            let records: Option<Vec<Record>> = sent.iter().map(|one| one.record(self.contract)).collect();
            let (false, Some(records)) = (captures, records) else { return };
            let breaches = match (records.as_slice(), step) {
                ([only], Step { deliver: Some(_), .. }) => self.judge(step, only),
                (many, Step { burst: Some(_), counts: Some(counts), .. }) => {
                    self.again.steps += 1;
                    let off = tally(self.contract, many).into_iter().find(|(_, tally)| !tally.fits(counts));
                    off.map(|(_, tally)| Breach::must(crate::check::classify::describe_counts(counts), tally.describe()))
                        .into_iter()
                        .collect()
                }
                (_, _) => Vec::new(),
            };
            self.hold_against(number, &breaches);
            let mut named: BTreeMap<&String, Vec<Record>> = BTreeMap::new();
            for (one, record) in sent.iter().zip(records) {
                if let Some(name) = &one.name {
                    named.entry(name).or_default().push(record);
                }
            }
            for (name, mut records) in named {
                // As in a run, the one that was accepted comes last.
                records.sort_by_key(|record| classify(self.contract, record) == Class::Accepted);
                self.records.deliveries.insert(name.clone(), records);
            }
        }
    }

    fn judge(&mut self, step: &Step, record: &Record) -> Vec<Breach> {
        let Ok(answer) = &record.result else { return Vec::new() };
        self.again.steps += 1;
        let mut breaches = Vec::new();
        if let Some(expect) = &step.expect {
            breaches.extend(answer::judge(self.contract, expect, Judged { answer, record, records: &self.records }));
        }
        // A literal check may speak of the delivery that it belongs to.
        if let Some(name) = step.deliver.as_ref().and_then(|deliver| deliver.name.as_ref()) {
            self.records.deliveries.insert(name.clone(), vec![record.clone()]);
        }
        if let Some(check) = &step.answer {
            let around = Surroundings { records: &self.records, took: record.took, forbidden: &[] };
            breaches.extend(literal::judge(self.contract, check, answer, around));
            literal::capture(check, answer, &mut self.records);
        }
        self.records.learn_reference(record, step.expect.as_ref());
        breaches
    }

    /// What is broken must have been found.
    fn hold_against(&mut self, number: usize, breaches: &[Breach]) {
        let has_finding = self.said.findings.iter().any(|finding| finding.step == number);
        let may_lack = matches!(self.said.verdict, Verdict::Undecided | Verdict::NotApplicable);
        if let (Some(first), false, false) = (breaches.first(), has_finding, may_lack) {
            let line = |text: &str| text.lines().next().unwrap_or_default().to_owned();
            self.again.wrong.push(format!(
                "{} is said to be `{}`, and in its step {number} the history has {}, where {} was due",
                self.said.id,
                self.said.verdict.name(),
                line(&first.observed),
                line(&first.expected)
            ));
        }
    }
}
