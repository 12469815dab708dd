//! Exploring: random sequences of steps on a receiver and its model, and the shortest scenario where the two part.
//!
//! In: a [`Plan`] whose scenarios are the suite (they are not played: they say
//! what is promised of which kind of step), and how long to go on. A sequence
//! is a scenario like any other, so that one executor plays it, one judge
//! judges it, and the reference answers alongside; what the reference itself
//! does not do is taken out before. Out: a report, a scenario for every
//! finding, and the sequences that reached something new.
//!
//! Start at [`explore`]. The letters are in [`alphabet`](mod@alphabet), sequences are made in
//! [`generator`], vetted in [`vetting`], shortened in [`shrinking`].
//!
//! **Invariant:** the same seed makes the same sequences, as long as the receiver answers alike.

pub mod alphabet;
pub mod coverage;
mod deliveries;
pub mod edits;
pub mod findings;
pub mod generator;
pub mod keys;
pub mod letters;
mod looks;
pub mod promises;
pub mod pruned;
pub mod retold;
pub mod shrinking;
mod simpler;
mod spellings;
mod streams;
pub mod vetting;
pub mod writing;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use self::alphabet::alphabet;
use self::coverage::{Coverage, Pair};
use self::findings::{Findings, Found};
use self::generator::Generator;
use self::letters::{Form, Letter};
use self::promises::Promises;
use self::shrinking::Sign;
use self::vetting::{Vetting, loaded, scenario_of};
use crate::clock::{Clock as _, Moment, SystemClock, iso};
use crate::history::Operation;
use crate::random::Rng;
use crate::report::{ScenarioReport, Verdict};
use crate::run::batches::{Batches, Played};
use crate::run::suite::reason_not_under;
use crate::run::{OnDone, Outcome, Plan, explanation, nothing_judged};
use crate::scenario::Step;
use crate::scenario::expand::Loaded;

/// So many sequences that reached something new are kept at the most.
const MOST_KEPT: usize = 200;
/// So many sequences that nothing can be said of are told.
const MOST_UNDECIDED: usize = 5;

/// How to explore.
#[derive(Clone, Debug)]
pub struct Choice {
    /// How long; shrinking what was found takes its share of it.
    pub time: Duration,
    /// How many steps a sequence has.
    pub steps: usize,
    /// No more sequences than so many.
    pub sequences: Option<usize>,
    /// Sequences that are played first.
    pub corpus: Vec<Loaded>,
    /// Whether the first finding is enough.
    pub stops_at_first: bool,
    /// Where files of findings will be, as reports say it.
    pub folder: String,
    /// Where findings come from, as their files say it: `exploring with seed 7`.
    pub origin: String,
}

/// What came of exploring.
pub struct Explored {
    /// The report, as that of a run.
    pub outcome: Outcome,
    /// What was found.
    pub found: Vec<Found>,
    /// Sequences that reached something new: a file's name, and its text.
    pub reached: Vec<(String, String)>,
    /// How much was done.
    pub done: Done,
}

/// How much was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Sequences that were played.
    pub sequences: usize,
    /// Deliveries that were made.
    pub deliveries: usize,
    /// Pairs of a kind of step and how its key stood, that were met.
    pub pairs: usize,
    /// Answers to them, each counted once.
    pub answers: usize,
    /// Sequences that could not be judged to their end.
    pub undecided: usize,
    /// Sequences that failed.
    pub failed: usize,
    /// Tries of shrinking that were played.
    pub tries: usize,
}

/// What a batch of sequences may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flavour {
    Answers,
    Rows,
    Time,
    Restarts,
    Streams,
}

impl Flavour {
    const ALL: [Self; 5] = [Self::Answers, Self::Rows, Self::Time, Self::Restarts, Self::Streams];

    /// How often a letter comes: what the kind is for comes often.
    fn share(self, letter: &Letter) -> f64 {
        match (&letter.form, self) {
            (Form::Advance(_), Self::Time) => 8.0,
            (Form::OwnLife(_), Self::Time) => 3.0,
            (Form::Restart(_) | Form::BreakIn, Self::Restarts) => 30.0,
            (Form::Look(_), Self::Rows | Self::Time) => 3.0,
            (Form::Look(_), Self::Restarts) => 1.0,
            (Form::Stream(_), Self::Streams) => 8.0,
            (Form::Stream(_), Self::Restarts) => 3.0,
            (Form::Advance(_) | Form::Restart(_) | Form::BreakIn | Form::Look(_) | Form::Stream(_), _) => 0.0,
            // Beside streams, what streams are to say nothing of.
            (_, Self::Streams) => 0.1,
            (_, _) => 1.0,
        }
    }

    /// How many sequences of the kind are made at a time.
    fn size(self) -> usize {
        match self {
            Self::Answers => 12,
            Self::Rows | Self::Time | Self::Streams => 6,
            Self::Restarts => 2,
        }
    }

    fn weight(self) -> f64 {
        match self {
            Self::Answers | Self::Streams => 5.0,
            Self::Rows | Self::Time => 3.0,
            Self::Restarts => 1.5,
        }
    }
}

/// Explores a receiver until time, count, a finding or a person says that it is enough.
pub async fn explore(mut plan: Plan, choice: Choice, on_done: OnDone, interrupted: watch::Receiver<bool>) -> Explored {
    let began = Moment::now();
    let started_at = iso::write(SystemClock.now());
    let suite = std::mem::take(&mut plan.scenarios);
    // Exploring counts its own time; what is under way then comes to an end.
    plan.time_limit = choice.time.saturating_add(Duration::from_secs(120));
    let batches = match Batches::begin(&plan, on_done, interrupted, (began, started_at.clone())).await {
        Ok(batches) => batches,
        Err(failed) => {
            let outcome = nothing_judged(&plan, started_at, began, failed);
            return Explored { outcome, found: Vec::new(), reached: Vec::new(), done: Done::default() };
        }
    };
    let context = Arc::clone(batches.context());
    let vetting = Vetting::on(&context);
    let (setting, means) = (vetting.setting().clone(), vetting.means());
    let applies = |one: &&Loaded| reason_not_under(&setting, &context.supplies, one, means).is_none();
    let suite: Vec<&Loaded> = suite.iter().filter(applies).collect();
    let promises = Promises::of(&suite, |id| plan.contract.promises(id));
    let bodies: Vec<String> = plan.bodies.keys().cloned().collect();
    let letters = alphabet(&plan.contract, &context.supplies.signer, &promises, &bodies);
    let generator = Generator { contract: &plan.contract, promises: &promises, letters: &letters, ttl: context.ttl };
    let moves = |by: &str| Step { advance: Some(by.to_owned()), ..Step::default() };
    let can = [
        (Flavour::Answers, true),
        (Flavour::Rows, means.state),
        (Flavour::Time, Vetting::applies_on(&context, &["time", "ttl"], &[moves("ttl + 2 s"), moves("ttl / 2")])),
        (Flavour::Restarts, Vetting::applies_on(&context, &["restart"], &[])),
        (Flavour::Streams, letters.iter().any(|letter| matches!(letter.form, Form::Stream(_)))),
    ];
    let mut exploring = Exploring {
        batches,
        vetting,
        coverage: Coverage::default(),
        findings: Findings::new(choice.folder.clone(), choice.origin.clone()),
        kept: Played::default(),
        reached: Vec::new(),
        done: Done::default(),
        undecided: Vec::new(),
        doubts: Vec::new(),
        began,
        choice,
    };
    exploring.replay().await;
    let mut number = 0u64;
    while exploring.goes_on() {
        let mut rng = Rng::new(plan.seed, number);
        let weights = Flavour::ALL.map(|one| if can.contains(&(one, true)) { one.weight() } else { 0.0 });
        let flavour = rng.weighted(&weights).map_or(Flavour::Answers, |at| Flavour::ALL[at]);
        let mut batch = Vec::new();
        for _ in 0..exploring.room_for(flavour.size()) {
            number += 1;
            let mut rng = Rng::new(plan.seed, number);
            let (steps, kinds) = generator.sequence(&mut rng, exploring.choice.steps, &exploring.coverage, &|letter| flavour.share(letter));
            if let Some((steps, kinds)) = exploring.vetting.settle(steps, kinds, &mut exploring.coverage) {
                kinds.iter().for_each(|pair| exploring.coverage.made(pair));
                batch.push((loaded(&format!("explore/sequence-{number}"), scenario_of(&steps)), kinds));
            }
        }
        exploring.play(batch).await;
        number += 1;
    }
    exploring.close(plan).await
}

/// An exploration that is under way.
struct Exploring {
    batches: Batches,
    vetting: Vetting,
    coverage: Coverage,
    findings: Findings,
    kept: Played,
    reached: Vec<(String, String)>,
    done: Done,
    undecided: Vec<ScenarioReport>,
    doubts: Vec<ScenarioReport>,
    began: Moment,
    choice: Choice,
}

impl Exploring {
    fn goes_on(&self) -> bool {
        let enough = self.choice.sequences.is_some_and(|most| self.done.sequences >= most);
        let stops = self.choice.stops_at_first && !self.findings.found().is_empty();
        let refused = self.batches.context().visited().refused.is_some() && self.done.sequences > 0;
        !enough && !stops && !refused && self.batches.end().is_none() && self.began.elapsed() < self.choice.time
    }

    fn room_for(&self, sequences: usize) -> usize {
        self.choice.sequences.map_or(sequences, |most| sequences.min(most.saturating_sub(self.done.sequences))).max(1)
    }

    /// The sequences of the corpus, as far as they apply here.
    async fn replay(&mut self) {
        let corpus = std::mem::take(&mut self.choice.corpus);
        let fitting = corpus.into_iter().map(with_what_it_shows).filter(|one| self.vetting.agrees_with(one));
        let batch: Vec<(Loaded, Vec<Pair>)> = fitting
            .map(|one| {
                let kinds = one.scenario.steps.iter().map(generator::pair_in).collect();
                (one, kinds)
            })
            .collect();
        for part in batch.chunks(Flavour::Answers.size()) {
            if self.batches.end().is_some() || self.began.elapsed() >= self.choice.time {
                return;
            }
            self.play(part.to_vec()).await;
        }
    }

    /// Plays sequences, learns from them, and shrinks what fails in a new way.
    async fn play(&mut self, batch: Vec<(Loaded, Vec<Pair>)>) {
        let played = self.batches.play(batch.iter().map(|(one, _)| one.clone()).collect()).await;
        self.done.deliveries += played.history.len();
        for report in played.scenarios {
            let Some((one, kinds)) = batch.iter().find(|(one, _)| one.id == report.id) else { continue };
            self.done.sequences += 1;
            let history: Vec<Operation> = played.history.iter().filter(|sent| sent.scenario == report.id).cloned().collect();
            let is_new = self.learn(kinds, &history);
            match report.verdict {
                Verdict::Fail | Verdict::Warn => {
                    self.done.failed += 1;
                    let is_over = self.choice.stops_at_first || self.began.elapsed() >= self.choice.time;
                    if is_over && !self.findings.found().is_empty() {
                        continue;
                    }
                    self.found(one, kinds, report, history).await;
                }
                Verdict::Undecided => {
                    self.done.undecided += 1;
                    self.undecided.push(report);
                }
                Verdict::Pass if is_new && self.reached.len() < MOST_KEPT => {
                    self.reached.push(corpus_file(one));
                    self.kept.scenarios.push(report);
                    self.kept.history.extend(history);
                }
                // Why nothing was played is told where nothing else is.
                Verdict::NotApplicable if self.done.sequences <= MOST_UNDECIDED => self.undecided.push(report),
                Verdict::Pass | Verdict::NotApplicable | Verdict::Known => {}
            }
        }
    }

    /// Remembers what was met; whether any of it was new.
    fn learn(&mut self, kinds: &[Pair], history: &[Operation]) -> bool {
        let mut any = false;
        for sent in history {
            let Some(pair) = sent.step.checked_sub(1).and_then(|at| kinds.get(at)) else { continue };
            let status = sent.answer.as_ref().map_or_else(|| "none".to_owned(), |answer| answer.status.to_string());
            any |= self.coverage.met(pair, &format!("{} {status}", sent.outcome));
        }
        any
    }

    /// How long a finding may be shortened, and take in all.
    fn time_to_shorten(&self) -> (Duration, Duration) {
        let (least, most) = (Duration::from_secs(3), Duration::from_secs(15));
        let left = (self.choice.time + (self.choice.time / 5).clamp(least, most)).saturating_sub(self.began.elapsed()).max(least);
        let share = if self.choice.stops_at_first { left } else { self.choice.time / 3 }.clamp(2 * least, 2 * most).min(left);
        (share.mul_f64(0.6), share)
    }

    async fn found(&mut self, one: &Loaded, kinds: &[Pair], report: ScenarioReport, history: Vec<Operation>) {
        let new: Vec<_> = report.findings.iter().filter(|finding| self.findings.is_new(finding)).cloned().collect();
        // What a busy machine has no share in comes first.
        let in_time = self.vetting.setting().catalogue.always.answers_in_time.as_deref();
        let Some(finding) = new.iter().find(|one| !Sign::is_of_time(one, in_time)).or(new.first()) else { return };
        if let Some(pair) = finding.step.checked_sub(1).and_then(|at| kinds.get(at)) {
            self.coverage.avoid(pair);
        }
        let time = self.time_to_shorten();
        let told = match self.findings.shrink((&mut self.batches, &self.vetting), (one, finding), time).await {
            Ok(told) => told,
            Err(once) => {
                self.done.tries += once.tries;
                (self.done.failed, self.done.undecided) = (self.done.failed - 1, self.done.undecided + 1);
                let doubt = ScenarioReport { verdict: Verdict::Undecided, findings: Vec::new(), reason: Some(once.sentence()), ..report };
                return if once.is_of_time { &mut self.undecided } else { &mut self.doubts }.push(doubt);
            }
        };
        self.done.tries += told.tries;
        let (scenario, sent) = told.seen.unwrap_or((report, history));
        let scenario = ScenarioReport { id: told.id, title: told.title, file: told.file, ..scenario };
        let sent = sent.into_iter().map(|sent| Operation { scenario: scenario.id.clone(), ..sent });
        self.kept.history.extend(sent);
        self.kept.scenarios.push(scenario);
    }

    async fn close(mut self, plan: Plan) -> Explored {
        (self.done.pairs, self.done.answers) = self.coverage.counts();
        // One that could not be judged among many is told in a sentence; where it is most of them, nothing is known.
        if self.done.undecided * 2 > self.done.sequences || self.kept.scenarios.is_empty() {
            self.kept.scenarios.extend(self.undecided.drain(..).take(MOST_UNDECIDED));
        }
        if self.findings.found().is_empty() {
            self.kept.scenarios.extend(self.doubts.drain(..).take(MOST_UNDECIDED));
        }
        self.kept.scenarios.sort_by(|a, b| a.id.cmp(&b.id));
        let (contract, ttl) = (Arc::clone(&plan.contract), self.batches.context().ttl);
        self.kept.explained = explanation::explain(&self.kept.history, &contract, ttl);
        let told = note(&self.done, plan.seed);
        let mut outcome = self.batches.close(plan, self.kept).await;
        outcome.report.run.notes.push(told);
        Explored { outcome, found: self.findings.into_found(), reached: self.reached, done: self.done }
    }
}

/// What was done, in a sentence.
#[must_use]
pub fn note(done: &Done, seed: u64) -> String {
    let Done { sequences, deliveries, pairs, answers, undecided, failed, .. } = done;
    format!(
        "Explored with seed {seed}: {sequences} sequences, {deliveries} deliveries; {pairs} kinds of steps on keys that stood in some way, \
         {answers} answers to them. {failed} sequences failed, {undecided} could not be judged to their end."
    )
}

/// A scenario whose every step says what it shows: so it does when it is alone, too.
fn with_what_it_shows(mut one: Loaded) -> Loaded {
    fn said(steps: &mut [Step], first: &[String]) {
        for step in steps {
            if let Some(block) = &mut step.repeat {
                said(&mut block.steps, first);
            } else if step.shows.is_empty() {
                step.shows = first.to_vec();
            }
        }
    }
    let first: Vec<String> = one.scenario.shows.first().cloned().into_iter().collect();
    said(&mut one.scenario.steps, &first);
    one
}

/// A sequence as a file of the corpus: the same sequence has the same name.
fn corpus_file(one: &Loaded) -> (String, String) {
    let text = writing::write(&one.scenario);
    let digest = crate::sign::sha256_hex(text.as_bytes());
    (format!("{}.yaml", digest.get(..16).unwrap_or(&digest)), text)
}
