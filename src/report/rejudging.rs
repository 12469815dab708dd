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
use crate::check::classify::{Class, classify, describe_counts, tally};
use crate::check::literal::{self, Surroundings};
use crate::check::{Breach, Record, Records, requirement_of};
use crate::contract::{Contract, Level};
use crate::history::{self, BodyBytes, Operation};
use crate::report::merge::{asked, fails_beside_its_scenarios};
use crate::report::redact::HIDDEN;
use crate::report::tally::Asked;
use crate::report::{HistoryFacts, Report, ScenarioReport, Summary, Verdict, tally as counted};
use crate::scenario::expand::Loaded;
use crate::scenario::fault::Fault;
use crate::scenario::{Scenario, Step};
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
    let mut wrong = kept.mistakes();
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
    if report.run.deliveries != operations.len() as u64 {
        let (said, there) = (report.run.deliveries, operations.len());
        again.wrong.push(format!("{said} deliveries are said to have been made, and the history has {there}"));
    }
    let unknown = by_scenario.keys().filter(|id| !report.scenarios.iter().any(|one| one.id == **id));
    again.wrong.extend(unknown.map(|id| format!("the history has deliveries of {id}, and the report has no such scenario")));
    let statuses = history::statuses(operations);
    for said in &report.scenarios {
        if statuses.get(said.id.as_str()).unwrap_or(&BTreeMap::new()) != &said.statuses {
            again.wrong.push(format!("the statuses of {} are not those of the history", said.id));
        }
        let Some(loaded) = scenarios.iter().find(|loaded| loaded.id == said.id) else { continue };
        let mut replay = Replay { report, said, scenario: &loaded.scenario, contract, records: Records::default(), again: &mut again };
        replay.play(by_scenario.get(said.id.as_str()).map_or(&[][..], Vec::as_slice));
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
    // Without an answer the run may know more: half a request can never be taken. An outcome may hang on a body that was not kept.
    let record = one.record(contract).filter(|record| record.result.is_ok() && one.body.whole().is_some())?;
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
    report: &'r Report,
    said: &'r ScenarioReport,
    scenario: &'r Scenario,
    contract: &'r Contract,
    records: Records,
    again: &'r mut AnswersAgain,
}

/// The rest of a scenario cannot be played again.
struct Ends;

impl Replay<'_> {
    fn play(&mut self, operations: &[&Operation]) {
        for (at, step) in self.scenario.steps.iter().enumerate() {
            let number = at + 1;
            let sent: Vec<&Operation> = operations.iter().filter(|one| one.step == number).copied().collect();
            let mut left = sent.iter().copied();
            if self.step(number, step, &mut left).is_err() {
                return;
            }
            let more = left.count();
            if more > 0 {
                self.again.wrong.push(format!("the history of {} has {more} deliveries more than its step {number} makes", self.said.id));
                return;
            }
        }
    }

    /// One step, with the operations of the step that it stands in.
    fn step(&mut self, number: usize, step: &Step, left: &mut dyn Iterator<Item = &Operation>) -> Result<(), Ends> {
        if let Some(block) = &step.repeat {
            for _ in 0..block.times {
                for inner in &block.steps {
                    self.step(number, inner, left)?;
                }
            }
        } else if let Some(deliver) = &step.deliver {
            let Some(mut one) = left.next() else { return self.lacks(number) };
            // Beside a slow sender others deliver, in any order.
            if matches!(&deliver.fault, Some(Fault::Dribble(dribble)) if dribble.meanwhile > 0) {
                let all: Vec<&Operation> = std::iter::once(one).chain(left).collect();
                one = all.iter().copied().find(|one| one.name == deliver.name).ok_or(Ends)?;
            }
            let record = one.record(self.contract).ok_or(Ends)?;
            let breaches = self.judge(step, &record);
            self.hold_against(number, step, &breaches);
        } else if let Some(burst) = &step.burst {
            let many: Vec<&Operation> = left.take(burst.keys * burst.each).collect();
            if many.len() < burst.keys * burst.each {
                return self.lacks(number);
            }
            let mut records: Vec<Record> = many.iter().map(|one| one.record(self.contract)).collect::<Option<_>>().ok_or(Ends)?;
            if let Some(counts) = &step.counts {
                self.again.steps += 1;
                let off = tally(self.contract, &records).into_iter().find(|(_, tally)| !tally.fits(counts));
                let breach = off.map(|(_, tally)| Breach::must(describe_counts(counts), tally.describe()));
                self.hold_against(number, step, breach.as_slice());
            }
            // As in a run, the one that was accepted comes last.
            records.sort_by_key(|record| classify(self.contract, record) == Class::Accepted);
            if let Some(name) = &burst.name {
                self.records.deliveries.insert(name.clone(), records);
            }
        } else if step.get.is_some() && step.answer.as_ref().is_some_and(|check| !check.capture.is_empty()) {
            // What was captured is not in the history, and what follows may speak of it.
            return Err(Ends);
        } else if step.restart.as_ref().is_some_and(|restart| restart.under_way.is_some()) {
            // What was under way at a restart is judged as it comes, by what the receiver knows afterwards.
            left.for_each(drop);
        }
        Ok(())
    }

    /// The history has nothing more of a step: a scenario that failed ended there, one that passed did not.
    fn lacks(&mut self, number: usize) -> Result<(), Ends> {
        if matches!(self.said.verdict, Verdict::Pass | Verdict::Warn) {
            let (id, verdict) = (&self.said.id, self.said.verdict.name());
            self.again.wrong.push(format!("{id} is said to be `{verdict}`, and the history lacks its step {number}"));
        }
        Err(Ends)
    }

    fn judge(&mut self, step: &Step, record: &Record) -> Vec<Breach> {
        let name = step.deliver.as_ref().and_then(|deliver| deliver.name.as_ref());
        let mut breaches = Vec::new();
        if let (Ok(answer), Some(expect)) = (&record.result, &step.expect) {
            breaches.extend(answer::judge(self.contract, expect, Judged { answer, record, records: &self.records }));
        }
        // A literal check may speak of the delivery that it belongs to.
        if let Some(name) = name {
            self.records.deliveries.insert(name.clone(), vec![record.clone()]);
        }
        let Ok(answer) = &record.result else { return Vec::new() };
        self.again.steps += 1;
        if let Some(check) = &step.answer {
            let around = Surroundings { records: &self.records, took: record.took, forbidden: &[] };
            breaches.extend(literal::judge(self.contract, check, answer, around));
            literal::capture(check, answer, &mut self.records);
        }
        self.records.learn_reference(record, step.expect.as_ref());
        breaches
    }

    /// What is broken must have been found, where it was asked for and promised.
    fn hold_against(&mut self, number: usize, step: &Step, breaches: &[Breach]) {
        if self.said.findings.iter().any(|finding| finding.step == number) {
            return;
        }
        let only_musts = self.report.requirements.iter().all(|one| one.level == Level::Must);
        let was_asked = |breach: &&Breach| {
            let requirement = requirement_of(self.contract, &self.scenario.shows, step, breach);
            let asked = self.report.requirements.iter().find(|one| one.id == requirement);
            let weighs = asked.is_some_and(|one| !only_musts || one.level.max(breach.level) == Level::Must);
            weighs && self.contract.promises(&requirement)
        };
        if let Some(first) = breaches.iter().find(was_asked) {
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
