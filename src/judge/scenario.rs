//! A scenario, played step by step over a source of observations, the reference alongside.
//!
//! The first broken *must* ends a scenario: what comes after it would be
//! judged on a footing that does not hold. Requirements that were not reached
//! are then undecided here, never passed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::circumstances::Before;
use super::effects::AnsweredKeys;
use super::findings::{self, Beside, StepContext};
use super::{At, ScenarioEnd, Sent, Setting, Source};
use crate::clock::UnixMicros;
use crate::clock::span;
use crate::delivery::{Delivery, NoAnswer};
use crate::history::Operation;
use crate::history::record::Record;
use crate::history::record::referred_instant;
use crate::judge::check::{Bindings, Mismatch, describe, is_broken};
use crate::outcome::mismatch::{Kind, MismatchCode};
use crate::reference::Receiver;
use crate::reference::memory::MemoryStore;
use crate::reference::store::StoreError;
use crate::report::lack::Reason;
use crate::report::{ScenarioReport, Verdict, tally};
use crate::scenario::expand::Loaded;
use crate::scenario::{Repeat, Step, Times};
use crate::sign::Signer;

/// So many late answers show that a receiver is late; a scenario that needs a hundred does not wait for them all.
pub(super) const MOST_LATE: usize = 2;
/// So many deliveries are made to fill what a stream keeps.
const MOST_KEPT: usize = 2_000;

/// One scenario that is being played.
pub(super) struct Play<'s, S> {
    pub(super) setting: &'s Setting,
    pub(super) source: &'s mut S,
    pub(super) loaded: &'s Loaded,
    pub(super) report: ScenarioReport,
    pub(super) bindings: Bindings,
    pub(super) reference: Receiver<MemoryStore>,
    /// Every key that was sent, for clocks that move rows.
    pub(super) keys: Vec<String>,
    /// The last answer, for snapshots.
    pub(super) last_answer: Option<crate::delivery::Answer>,
    /// What came before, for the circumstances of what comes next.
    pub(super) before: Before,
    /// When the first delivery of the present lives was sent, by the receiver's clock.
    pub(super) began_at: Option<UnixMicros>,
    /// How many answers came later than the contract allows.
    pub(super) late: usize,
    /// How long the slowest answer took.
    pub(super) slowest: Duration,
    /// What every key was answered, for its effects.
    pub(super) answered: AnsweredKeys,
    /// The step of the first delivery that went twice: nobody knows how many reached the receiver.
    pub(super) went_twice: Option<usize>,
    /// Whether any step reads an event stream.
    pub(super) reads_streams: bool,
    /// When the first delivery was sent: from there on the timeline counts.
    pub(super) timeline_from: Option<UnixMicros>,
}

/// A reference with an empty memory, to be asked beside a source.
///
/// # Errors
/// Never, as long as memory does not fail.
pub fn reference(setting: &Setting, signer: &Signer) -> Result<Receiver<MemoryStore>, StoreError> {
    let memory = MemoryStore::new(Arc::clone(setting.contract()));
    let mut reference = Receiver::new(Arc::clone(setting.contract()), Some(signer.clone()), memory, setting.ttl)?;
    reference.set_origin(setting.origin.clone());
    Ok(reference)
}

/// Plays a scenario to its end, or to the first thing that ends it.
///
/// Returns the report, why it ended, when something ended it, and what its keys were answered, for their effects to be counted once more
/// when late work is over: of a scenario that came to its end.
pub async fn play<S: Source>(
    setting: &Setting,
    source: &mut S,
    loaded: &Loaded,
    reference: Receiver<MemoryStore>,
) -> (ScenarioReport, Option<ScenarioEnd>, AnsweredKeys) {
    let mut play = Play {
        setting,
        source,
        loaded,
        report: blank_report(loaded, Verdict::Pass),
        bindings: Bindings::default(),
        reference,
        keys: Vec::new(),
        last_answer: None,
        before: Before::new(&setting.catalogue.ordinary_body, &setting.contract().signature),
        began_at: None,
        late: 0,
        slowest: Duration::ZERO,
        answered: AnsweredKeys::default(),
        went_twice: None,
        reads_streams: loaded.scenario.reads_streams(),
        timeline_from: None,
    };
    let end = play.all().await.err();
    let answered = std::mem::take(&mut play.answered);
    let report = play.close(end.clone());
    let answered = if end.is_none() { answered } else { AnsweredKeys::default() };
    (report, end, answered)
}

/// A scenario's report with nothing in it yet.
#[must_use]
pub fn blank_report(loaded: &Loaded, verdict: Verdict) -> ScenarioReport {
    ScenarioReport {
        id: loaded.id.clone(),
        title: loaded.scenario.title.clone(),
        titles: loaded.scenario.titles.clone(),
        verdict,
        reason: None,
        lack: None,
        shows: loaded.scenario.shows.clone(),
        duration_ms: 0.0,
        file: loaded.file.clone(),
        own: false,
        without_force: false,
        no_force: None,
        shortened: None,
        rests_on: BTreeSet::new(),
        statuses: BTreeMap::new(),
        findings: Vec::new(),
        bursts: Vec::new(),
        streams: None,
    }
}

impl<S: Source> Play<'_, S> {
    async fn all(&mut self) -> Result<(), ScenarioEnd> {
        self.check_health("before").await?;
        let steps = &self.loaded.scenario.steps;
        for (at, step) in steps.iter().enumerate() {
            let done = Box::pin(self.step(StepContext { number: at + 1, step })).await;
            if done.is_err() {
                // What the receiver did to itself is told beside what it answered.
                let alive = self.check_health("after").await;
                return done.and(alive);
            }
        }
        let counted = self.count_effects().await;
        let alive = self.check_health("after").await;
        counted.and(alive)
    }

    fn close(mut self, end: Option<ScenarioEnd>) -> ScenarioReport {
        let judged = tally::scenario_verdict(&self.report.findings);
        let (verdict, reason) = match end {
            None | Some(ScenarioEnd::Broken | ScenarioEnd::NotKept | ScenarioEnd::Lacks(_)) => (judged, None),
            Some(ScenarioEnd::Undecided(why)) => (Verdict::Undecided, Some(Reason::from(why))),
            Some(ScenarioEnd::NotApplicable(reason)) => (Verdict::NotApplicable, Some(reason)),
        };
        self.report.verdict = if judged == Verdict::Fail { judged } else { verdict };
        self.report.give_reason(reason);
        if self.report.verdict == Verdict::Pass {
            // Nobody asks who overlapped whom where all went well.
            self.report.bursts.iter_mut().for_each(|burst| burst.lanes.clear());
            self.report.streams.iter_mut().for_each(|streams| streams.lanes.clear());
        }
        self.report
    }

    /// One step of any kind.
    pub(super) async fn step(&mut self, place: StepContext<'_>) -> Result<(), ScenarioEnd> {
        let step = place.step;
        if self.late >= MOST_LATE && tally::scenario_verdict(&self.report.findings) == Verdict::Fail {
            return Err(ScenarioEnd::Undecided(format!(
                "step {} and what comes after it were not played: {} answers before it came later than the contract allows, and more of them would only take longer",
                place.number, self.late
            )));
        }
        if let Some(deliver) = &step.deliver {
            self.deliver(place, deliver).await
        } else if let Some(burst) = &step.burst {
            self.burst(place, burst).await
        } else if let Some(by) = &step.advance {
            self.advance(place, by).await
        } else if let Some(restart) = &step.restart {
            self.restart(place, restart).await
        } else if let Some(check) = &step.state {
            self.look(place, check).await
        } else if let Some(check) = &step.effects {
            self.effects(place, check).await
        } else if let Some(snap) = &step.snapshot {
            let at = At { number: place.number, bindings: &self.bindings, keys: &self.keys };
            self.source.snapshot(at, snap, self.last_answer.as_ref()).await
        } else if let Some(get) = &step.get {
            self.ask(place, get).await
        } else if let Some(stream) = &step.stream {
            self.stream(place, stream).await
        } else if let Some(block) = &step.repeat {
            Box::pin(self.repeat(place, block)).await
        } else {
            Ok(()) // `for_each` was expanded before
        }
    }

    /// The same steps again and again; fewer times than the scenario has where a slow receiver would take minutes.
    async fn repeat(&mut self, place: StepContext<'_>, block: &Repeat) -> Result<(), ScenarioEnd> {
        let counts = |step: &Step| step.state.as_ref().is_some_and(|state| state.grown.is_some());
        let is_counted = self.loaded.scenario.steps.iter().any(counts);
        let times = block.times.under(self.setting.contract());
        if times > MOST_KEPT && block.times == Times::Kept {
            let told = format!(
                "the contract keeps {} events of a stream (`stream.keeps`); up to {MOST_KEPT} are delivered to see the last of them go",
                times + 1
            );
            return Err(ScenarioEnd::NotApplicable(told.into()));
        }
        for round in 0..u32::try_from(times).unwrap_or(u32::MAX) {
            let at = At { number: place.number, bindings: &self.bindings, keys: &self.keys };
            if !is_counted && !self.source.goes_on(at, round) {
                let told = format!("step {}: {round} of {times} rounds were played, for its answers take long", place.number);
                self.report.shortened.get_or_insert_default().push(told);
                break;
            }
            for inner in &block.steps {
                Box::pin(self.step(StepContext { number: place.number, step: inner })).await?;
            }
        }
        Ok(())
    }

    /// What the reference answers to the same delivery, in words.
    pub(super) fn ask_reference(&mut self, delivery: &Delivery) -> String {
        if !self.setting.contract().endpoint.is_at(delivery.path_and_query()) {
            return "404: nothing is there".to_owned();
        }
        match self.reference.deliver(delivery, self.source.now()) {
            Ok(answer) => describe(&Ok(answer)),
            Err(failed) => failed.to_string(),
        }
    }

    /// One delivery as the judge keeps it, in the receiver's time; it goes into the history, too.
    pub(super) fn record(&mut self, number: usize, name: Option<&str>, sent: &Sent) -> Record {
        let contract = self.setting.contract();
        if !sent.key.is_empty() && !self.keys.contains(&sent.key) {
            self.keys.push(sent.key.clone());
        }
        self.began_at.get_or_insert(UnixMicros(sent.sent_at.0.saturating_add(self.source.moved_us())));
        self.slowest = self.slowest.max(sent.took.saturating_sub(sent.own_delay));
        let delivery = sent.delivery.clone();
        let refers_to = sent.result.as_ref().ok().and_then(|answer| referred_instant(contract, answer));
        let record = Record {
            own_delay: sent.own_delay,
            went_twice: sent.went_twice,
            identity: contract.identity(
                &sent.key,
                &contract.scope_of(&delivery),
                &contract.fingerprint_with(&delivery.body, || sent.sha256.clone()),
            ),
            key: sent.key.clone(),
            sha256: sent.sha256.clone(),
            delivery,
            sent_at: sent.sent_at,
            answered_at: sent.sent_at.plus(sent.took),
            took: sent.took,
            moved_us: self.source.moved_us(),
            // Where the answer speaks of the first attempt, its duplicates must speak of it alike.
            referred_as: refers_to.clone().filter(|_| sent.went_twice),
            refers_to,
            result: sent.result.clone(),
        };
        if sent.went_twice {
            self.keep_first_attempt(number, name, &record);
        }
        let mut operation = Operation::of(&self.loaded.id, number, name, &record, &self.setting.reader, self.source.moved_us());
        if !sent.arrives && record.result.is_err() {
            // Half a request can never be taken: that is no open question.
            operation.outcome = crate::outcome::OutcomeSet::only(crate::outcome::Outcome::Rejected);
        }
        self.note(&record, operation.outcome);
        self.note_for_streams(&record);
        self.draw_delivery(&record);
        self.report.rests_on.insert("answers".to_owned());
        self.source.keep(operation);
        record
    }

    /// The first attempt of a delivery that went twice: whether it was taken, nobody knows.
    fn keep_first_attempt(&mut self, number: usize, name: Option<&str>, second: &Record) {
        self.went_twice.get_or_insert(number);
        let cause = "its connection was closed before an answer began; it was sent again over a new one".to_owned();
        let result = Err(NoAnswer::Broken { cause });
        let first = Record { answered_at: second.sent_at, took: Duration::ZERO, result, refers_to: None, ..second.clone() };
        let operation = Operation::of(&self.loaded.id, number, name, &first, &self.setting.reader, self.source.moved_us());
        let operation = Operation { goes_again: true, ..operation };
        self.note(&first, operation.outcome);
        self.source.keep(operation);
    }

    /// Whether counts say nothing, for a delivery may have reached the receiver twice.
    ///
    /// # Errors
    /// [`ScenarioEnd::Undecided`] when they are not as they should be, and one has.
    pub(super) fn excuse_counts(&self, place: StepContext<'_>, mismatches: &[Mismatch]) -> Result<(), ScenarioEnd> {
        match self.went_twice.filter(|_| is_broken(mismatches)) {
            None => Ok(()),
            Some(step) => Err(ScenarioEnd::Undecided(format!(
                "step {}: the connection of a delivery was closed before an answer began (step {step}), it was sent again, and nobody knows whether the receiver has seen it once or twice",
                place.number
            ))),
        }
    }

    /// Holds every delivery against the contract's limit, whatever the scenario is about.
    pub(super) fn watch_time(&mut self, place: StepContext<'_>, record: &Record, reference: &str) {
        if self.late >= MOST_LATE {
            return; // what is known is not told a hundred times
        }
        let limit = self.setting.contract().limits.answer.0;
        let Some(requirement) = self.setting.catalogue.always.answers_in_time.clone() else { return };
        let observed = match &record.result {
            // What we were late ourselves is not the receiver's time.
            _ if record.took.saturating_sub(record.own_delay) <= limit && record.took >= limit => return,
            Ok(_) if record.took <= limit => return,
            // Nobody has waited so long as the receiver may take.
            Err(none) if none.is_premature(limit) => return,
            Ok(answer) => format!("{} after {} ms", answer.status, record.took.as_millis()),
            Err(none) => none.to_string(),
        };
        let kind = if record.result.is_ok() { Kind::Late } else { Kind::Silent };
        let code = MismatchCode { when: self.before.when_late(), ..MismatchCode::of(kind) };
        // Where a client that does not read may be the reason, it is told so; unless answers are late without one, too.
        let speaking = code
            .codes()
            .iter()
            .filter(|code| code.contains('@'))
            .find_map(|code| self.setting.catalogue.speaks.get(code)?.first().cloned());
        let code = MismatchCode { under: speaking.iter().map(|_| requirement.clone()).collect(), ..code };
        let requirement = speaking.filter(|id| self.setting.contract().promises(id)).unwrap_or(requirement);
        let mismatch = Mismatch::must(format!("an answer within {}", span::write(limit)), observed).of(code);
        let mismatch = Mismatch { shows: Some(requirement.clone()), ..mismatch };
        let line = self.setting.curl.line(&record.delivery);
        self.late +=
            usize::from(findings::add(&mut self.report, self.setting, place, requirement, &mismatch, Beside { reference, curl: &line }));
    }

    /// Reports mismatches by the requirement they speak of; a broken *must* ends the scenario.
    pub(super) fn file(
        &mut self,
        place: StepContext<'_>,
        mismatches: Vec<Mismatch>,
        reference: &str,
        curl: &str,
    ) -> Result<(), ScenarioEnd> {
        findings::file(&mut self.report, self.setting, place, mismatches, Beside { reference, curl })
    }
}

/// The answer, if there is one; else what that means.
///
/// # Errors
/// [`ScenarioEnd::Undecided`] without an answer.
pub(super) fn answer_of(number: usize, result: &Result<crate::delivery::Answer, NoAnswer>) -> Result<crate::delivery::Answer, ScenarioEnd> {
    match result {
        Ok(answer) => Ok(answer.clone()),
        Err(none) => Err(ScenarioEnd::Undecided(format!("step {number} got no answer: {none}"))),
    }
}
