//! Playing one scenario: step by step, the reference alongside.
//!
//! The first broken *must* ends a scenario: what comes after it would be
//! judged on a footing that does not hold. Requirements that were not reached
//! are then undecided here, never passed.

use bytes::Bytes;

use super::building::{Built, PlainBodies, Workshop};
use super::clocks::span_of;
use super::stage::Stage;
use super::{blank_report, millis};
use crate::check::answer::{self, Judged, referred_instant};
use crate::check::literal::{self, Surroundings};
use crate::check::{Breach, Record, Records, describe, is_broken, requirement_of};
use crate::clock::{Moment, UnixMicros, span};
use crate::contract::Level;
use crate::delivery::{Answer, Delivery, NoAnswer};
use crate::history::{Operation, Taken};
use crate::http::{Exchange, KeptConnection};
use crate::reference::Receiver;
use crate::reference::memory::MemoryStore;
use crate::reference::store::Store as _;
use crate::report::curl::curl;
use crate::report::{Finding, ScenarioReport, Verdict, tally};
use crate::scenario::Step;
use crate::scenario::deliver::{ConnectionUse, Deliver};
use crate::scenario::expand::Loaded;
use crate::scenario::expect::Expect;
use crate::scenario::fault::Fault;
use crate::scenario::lint::read_advance;
use crate::snapshot::Normaliser;

/// Why a scenario went no further.
pub enum Halt {
    /// A *must* is broken.
    Broken,
    /// What was seen allows no further judgement, with the reason.
    Undecided(String),
    /// The contract or the surroundings do not allow the step, with the reason.
    NotApplicable(String),
}

/// One scenario that is being played.
pub struct Play<'s> {
    pub(super) stage: &'s Stage,
    pub(super) loaded: &'s Loaded,
    pub(super) report: ScenarioReport,
    pub(super) records: Records,
    pub(super) plain_bodies: PlainBodies,
    pub(super) reference: Receiver<MemoryStore>,
    pub(super) kept: Option<KeptConnection>,
    /// Every key that was sent, for clocks that move rows.
    pub(super) keys: Vec<String>,
    pub(super) history: Vec<Operation>,
    /// The last answer, for snapshots.
    pub(super) last_answer: Option<Answer>,
    /// How many snapshots were taken.
    pub(super) snaps: usize,
    pub(super) normaliser: Normaliser,
    /// How far the scenario's rows have been moved back.
    pub(super) moved_us: i64,
}

/// Where in the scenario something happens.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The step, from 1, as in the file.
    pub number: usize,
    /// The step itself.
    pub step: &'a Step,
}

/// Plays a scenario to its end, or to the first thing that ends it.
pub async fn play(stage: &Stage, loaded: &Loaded) -> ScenarioReport {
    let began = Moment::now();
    let mut report = blank_report(loaded, Verdict::Pass);
    match stage.reference() {
        Err(failed) => {
            report.verdict = Verdict::Undecided;
            report.reason = Some(format!("the reference could not be set beside it: {failed}"));
        }
        Ok(reference) => {
            let mut play = Play {
                stage,
                loaded,
                report,
                records: Records::default(),
                plain_bodies: PlainBodies::new(),
                reference,
                kept: None,
                keys: Vec::new(),
                history: Vec::new(),
                last_answer: None,
                snaps: 0,
                normaliser: Normaliser::new(stage.run_word()),
                moved_us: 0,
            };
            let halt = play.all().await;
            report = play.close(halt);
        }
    }
    report.duration_ms = millis(began.elapsed());
    report
}

impl Play<'_> {
    async fn all(&mut self) -> Result<(), Halt> {
        self.see_that_it_lives("before").await?;
        let steps = &self.loaded.scenario.steps;
        for (at, step) in steps.iter().enumerate() {
            let done = Box::pin(self.step(Place { number: at + 1, step })).await;
            if done.is_err() {
                // What the receiver did to itself is told beside what it answered.
                let alive = self.see_that_it_lives("after").await;
                return done.and(alive);
            }
        }
        self.see_that_it_lives("after").await
    }

    fn close(mut self, halt: Result<(), Halt>) -> ScenarioReport {
        self.stage.remember(std::mem::take(&mut self.history));
        let judged = tally::scenario_verdict(&self.report.findings);
        (self.report.verdict, self.report.reason) = match halt {
            Ok(()) | Err(Halt::Broken) => (judged, None),
            Err(Halt::Undecided(reason) | Halt::NotApplicable(reason)) if judged == Verdict::Fail => (Verdict::Fail, Some(reason)),
            Err(Halt::Undecided(reason)) => (Verdict::Undecided, Some(reason)),
            Err(Halt::NotApplicable(reason)) => (Verdict::NotApplicable, Some(reason)),
        };
        if self.report.verdict == Verdict::Pass {
            // Nobody asks who overlapped whom where all went well.
            self.report.bursts.iter_mut().for_each(|burst| burst.lanes.clear());
        }
        self.report
    }

    /// One step of any kind.
    pub(super) async fn step(&mut self, place: Place<'_>) -> Result<(), Halt> {
        let step = place.step;
        if let Some(deliver) = &step.deliver {
            self.deliver(place, deliver).await
        } else if let Some(burst) = &step.burst {
            self.burst(place, burst).await
        } else if let Some(by) = &step.advance {
            self.advance(by).await
        } else if let Some(restart) = &step.restart {
            self.restart(place, restart).await
        } else if let Some(check) = &step.state {
            self.look(place, check).await
        } else if let Some(snap) = &step.snapshot {
            self.snap(place.number, snap).await
        } else if let Some(get) = &step.get {
            self.ask(place, get).await
        } else if let Some(block) = &step.repeat {
            for _ in 0..block.times {
                for inner in &block.steps {
                    Box::pin(self.step(Place { number: place.number, step: inner })).await?;
                }
            }
            Ok(())
        } else {
            Ok(()) // `for_each` was expanded before
        }
    }

    async fn deliver(&mut self, place: Place<'_>, deliver: &Deliver) -> Result<(), Halt> {
        let built = self.workshop().build(deliver, None, None).map_err(Halt::NotApplicable)?;
        let arrives = deliver.fault.as_ref().is_none_or(Fault::lets_the_request_through);
        let reference_says = if arrives { self.ask_reference(&built.shipment.delivery) } else { "gets no whole request".to_owned() };
        let delivery = built.shipment.delivery.clone();
        let sent_at = self.stage.clock.now();
        let exchange = match (&deliver.fault, deliver.connection) {
            (Some(fault), _) => self.send_through(place, &built, fault).await?,
            (None, ConnectionUse::Kept) => {
                let kept = self.kept.get_or_insert_with(KeptConnection::default);
                self.stage.sender().send_kept(kept, built.shipment.clone()).await
            }
            (None, ConnectionUse::Any | ConnectionUse::New) => self.stage.send(built.shipment.clone()).await,
        };
        let forbidden: Vec<String> = self.stage.forbidden.iter().chain(&built.right_signature).cloned().collect();
        let record = self.record(&built, delivery, sent_at, exchange);
        self.keep(place.number, deliver.name.as_deref(), &record);
        if let (false, Err(_), Some(kept)) = (arrives, &record.result, self.history.last_mut()) {
            // Half a request can never be taken: that is no open question.
            kept.outcome = Taken::Refused;
        }
        if let Some(name) = &deliver.name {
            self.plain_bodies.insert(name.clone(), built.plain_body.clone());
        }
        let loses = deliver.fault.is_some() && record.result.is_err() && place.step.expect.as_ref().is_some_and(Expect::allows_no_answer);
        if loses {
            self.put_away(deliver.name.as_deref(), record);
            return Ok(());
        }
        // What the network held back is not the receiver's time.
        if deliver.fault.is_none() {
            self.watch_time(place, &record, &reference_says);
        }
        let answer = answer_of(place, &record);
        // Put away first: a literal check may speak of the delivery that it belongs to.
        self.put_away(deliver.name.as_deref(), record.clone());
        let answer = answer?;
        if self.stage.takes_snapshots() {
            self.last_answer = Some(answer.clone());
        }
        let mut breaches = Vec::new();
        if let Some(expect) = &place.step.expect {
            breaches.extend(answer::judge(
                &self.stage.contract,
                expect,
                Judged { answer: &answer, record: &record, records: &self.records },
            ));
        }
        if let Some(check) = &place.step.answer {
            let around = Surroundings { records: &self.records, took: record.took, forbidden: &forbidden };
            breaches.extend(literal::judge(&self.stage.contract, check, &answer, around));
            literal::capture(check, &answer, &mut self.records);
        }
        self.records.learn_reference(&record, place.step.expect.as_ref());
        let line = curl(&self.stage.origin, &record.delivery);
        self.report_breaches(place, breaches, &reference_says, &line)
    }

    /// What the reference answers to the same delivery, in words.
    pub(super) fn ask_reference(&mut self, delivery: &Delivery) -> String {
        match self.reference.deliver(delivery, self.stage.clock.now()) {
            Ok(answer) => describe(&Ok(answer)),
            Err(failed) => failed.to_string(),
        }
    }

    pub(super) fn workshop(&self) -> Workshop<'_> {
        Workshop { stage: self.stage, records: &self.records, plain_bodies: &self.plain_bodies }
    }

    /// One exchange as the judge keeps it, in the receiver's time.
    pub(super) fn record(&mut self, built: &Built, delivery: Delivery, sent_at: UnixMicros, exchange: Exchange) -> Record {
        if !built.key.is_empty() && !self.keys.contains(&built.key) {
            self.keys.push(built.key.clone());
        }
        let refers_to = exchange.result.as_ref().ok().and_then(|answer| referred_instant(&self.stage.contract, answer));
        Record {
            key: built.key.clone(),
            sha256: crate::sign::sha256_hex(&delivery.body),
            delivery,
            sent_at,
            answered_at: sent_at.plus(exchange.took),
            took: exchange.took,
            result: exchange.result,
            referred_as: None,
            refers_to,
        }
    }

    pub(super) fn keep(&mut self, step: usize, name: Option<&str>, record: &Record) {
        self.history.push(Operation::of(&self.loaded.id, step, name, record, &self.stage.contract, self.moved_us));
    }

    /// Holds every delivery against the contract's limit, whatever the scenario is about.
    pub(super) fn watch_time(&mut self, place: Place<'_>, record: &Record, reference: &str) {
        let limit = self.stage.contract.limits.answer.0;
        let Some(requirement) = self.stage.catalogue.always.answers_in_time.clone() else { return };
        let observed = match &record.result {
            Ok(_) if record.took <= limit => return,
            Ok(answer) => format!("{} after {} ms", answer.status, record.took.as_millis()),
            Err(none) => none.to_string(),
        };
        let breach =
            Breach { shows: Some(requirement.clone()), ..Breach::must(format!("an answer within {}", span::write(limit)), observed) };
        let line = curl(&self.stage.origin, &record.delivery);
        self.add_finding(place, requirement, &breach, reference, &line);
    }

    /// Names a delivery for later steps.
    fn put_away(&mut self, name: Option<&str>, record: Record) {
        if let Some(name) = name {
            self.records.deliveries.insert(name.to_owned(), vec![record]);
        }
    }

    async fn advance(&mut self, by: &str) -> Result<(), Halt> {
        let by = read_advance(by).map_err(|wrong| Halt::NotApplicable(wrong.to_string()))?;
        let by = span_of(&by, self.stage.ttl.unwrap_or(0), self.stage.contract.lease());
        self.stage.clock.advance(by, &self.keys).await.map_err(Halt::Undecided)?;
        if !self.stage.clock.moves_everyone() && self.stage.clock.name() == "rewind" {
            self.moved_us = self.moved_us.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX));
            // The reference's rows are moved as the target's are.
            let moved = self.reference.store().rewind(&self.keys, by.as_secs());
            moved.map_err(|failed| Halt::Undecided(failed.to_string()))?;
        }
        Ok(())
    }

    /// Reports breaches by the requirement they speak of; a broken *must* halts the scenario.
    pub(super) fn report_breaches(&mut self, place: Place<'_>, breaches: Vec<Breach>, reference: &str, curl: &str) -> Result<(), Halt> {
        let broken = is_broken(&breaches);
        let mut found = false;
        for breach in breaches {
            let requirement = self.requirement_of(place, &breach);
            found |= self.add_finding(place, requirement, &breach, reference, curl);
        }
        if broken && found && tally::scenario_verdict(&self.report.findings) == Verdict::Fail { Err(Halt::Broken) } else { Ok(()) }
    }

    /// The step's own requirements, or the scenario's; the contract's word decides among them.
    fn requirement_of(&self, place: Place<'_>, breach: &Breach) -> String {
        requirement_of(&self.stage.contract, &self.loaded.scenario.shows, place.step, breach)
    }

    /// Adds one finding; several breaches of one requirement in one step are one finding.
    fn add_finding(&mut self, place: Place<'_>, requirement: String, breach: &Breach, reference: &str, curl: &str) -> bool {
        let level = self.stage.catalogue.get(&requirement).map_or(Level::Must, |one| one.level).max(breach.level);
        if !self.stage.contract.promises(&requirement) || (self.stage.level == Level::Must && level != Level::Must) {
            return false;
        }
        let step = place.number;
        let same =
            |one: &&mut Finding| one.requirement == requirement && one.step == step && one.line == place.step.line && one.level == level;
        match self.report.findings.iter_mut().find(same) {
            Some(finding) => {
                finding.expected.push_str(&format!("\n{}", breach.expected));
                finding.observed.push_str(&format!("\n{}", breach.observed));
            }
            None => self.report.findings.push(Finding {
                requirement,
                level,
                step,
                step_name: place.step.name.clone(),
                line: place.step.line,
                expected: breach.expected.clone(),
                reference: reference.to_owned(),
                observed: breach.observed.clone(),
                curl: curl.to_owned(),
            }),
        }
        true
    }

    /// The receiver answers its health check before and after every scenario.
    async fn see_that_it_lives(&mut self, when: &str) -> Result<(), Halt> {
        let health: Result<Answer, NoAnswer> = self.stage.health().await;
        if health.as_ref().is_ok_and(|answer| self.stage.is_well(answer)) {
            return Ok(());
        }
        if health.is_err() {
            self.stage.mark_gone();
        }
        let page = self.stage.contract.health.as_ref();
        let path = page.map_or(&self.stage.contract.endpoint.path, |page| &page.path);
        let wanted = page.map_or(self.stage.contract.outcomes.accepted.status, |page| page.status);
        let observed = describe(&health);
        if let Some(requirement) = self.stage.catalogue.always.lives.clone() {
            let breach = Breach::must(format!("GET {path} answers {wanted} {when} the scenario"), observed.clone());
            let step = Step::default();
            let question = Delivery { method: "GET".to_owned(), path: path.clone(), headers: Vec::new(), body: Bytes::new() };
            let line = curl(&self.stage.origin, &question);
            self.add_finding(Place { number: 0, step: &step }, requirement, &breach, &wanted.to_string(), &line);
        }
        Err(Halt::Undecided(format!("the receiver did not answer its health check {when} the scenario: {observed}")))
    }
}

/// The answer, if there is one; else what that means.
fn answer_of(place: Place<'_>, record: &Record) -> Result<Answer, Halt> {
    match &record.result {
        Ok(answer) => Ok(answer.clone()),
        Err(none) => Err(Halt::Undecided(format!("step {} got no answer: {none}", place.number))),
    }
}
