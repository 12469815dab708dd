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
mod amplified;
pub mod company;
pub mod coverage;
mod deliveries;
pub mod doubts;
pub mod edits;
pub mod findings;
mod flavour;
pub mod generator;
pub mod keys;
pub mod letters;
mod looks;
pub mod promises;
pub mod pruned;
pub mod retold;
pub mod shrinking;
pub mod sign;
mod simpler;
mod spellings;
mod streams;
pub mod vetting;
pub mod writing;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use self::alphabet::alphabet;
use self::company::Company;
use self::coverage::{Coverage, Pair};
use self::doubts::Witness;
use self::findings::{Findings, Found, Told};
use self::flavour::Flavour;
use self::generator::Generator;
use self::letters::{Form, Look};
use self::promises::Promises;
use self::retold::longest_look;
use self::vetting::{Vetting, loaded, scenario_of};
use crate::clock::{Clock as _, Moment, SystemClock, iso};
use crate::history::Operation;
use crate::judge::scenario::blank_report;
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
/// So much longer an exploration may take at the least, and so long a finding has.
const LEAST: Duration = Duration::from_secs(3);

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

/// Explores a receiver until time, count, a finding or a person says that it is enough.
pub async fn explore(mut plan: Plan, choice: Choice, on_done: OnDone, interrupted: watch::Receiver<bool>) -> Explored {
    let began = Moment::now();
    let started_at = iso::write(SystemClock.now());
    let suite = std::mem::take(&mut plan.scenarios);
    // Exploring counts its own time; what is under way then comes to an end.
    plan.time_limit = choice.time.saturating_add(Duration::from_secs(120));
    let mut batches = match Batches::begin(&plan, on_done, interrupted, (began, started_at.clone())).await {
        Ok(batches) => batches,
        Err(failed) => {
            let outcome = nothing_judged(&plan, started_at, began, failed);
            return Explored { outcome, found: Vec::new(), reached: Vec::new(), done: Done::default() };
        }
    };
    batches.spare_late_work();
    let context = Arc::clone(batches.context());
    let vetting = Vetting::on(&context);
    let (setting, means) = (vetting.setting().clone(), vetting.means());
    let applies = |one: &&Loaded| reason_not_under(&setting, &context.supplies, one, means).is_none();
    let suite: Vec<&Loaded> = suite.iter().filter(applies).collect();
    let promises = Promises::of(&suite, |id| plan.contract.promises(id));
    let bodies: Vec<String> = plan.bodies.keys().cloned().collect();
    let mut letters = alphabet(&plan.contract, &context.supplies.signer, &promises, &bodies);
    // Where nobody moves the time of all, rows that go later are waited for: a minute each time.
    letters.retain(|letter| context.clock.moves_everyone() || !matches!(letter.form, Form::Look(Look::Gone)));
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
        findings: Findings::new(choice.folder.clone(), choice.origin.clone(), promises.clone()),
        kept: Played::default(),
        reached: Vec::new(),
        done: Done::default(),
        undecided: Vec::new(),
        doubts: Vec::new(),
        began: Moment::now(),
        has_tried_late: false,
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
    /// When the first sequence was due: what is made ready before, however long that takes, is no exploration.
    began: Moment,
    /// Whether a finding that came after the time was over was tried: one is.
    has_tried_late: bool,
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

    /// How much longer than it was asked for an exploration may take.
    fn grace(&self) -> Duration {
        (self.choice.time / 5).clamp(LEAST, 5 * LEAST)
    }

    /// Plays sequences, learns from them, and shrinks what fails in a new way.
    async fn play(&mut self, batch: Vec<(Loaded, Vec<Pair>)>) {
        let bound = (self.choice.time + self.grace() / 3).saturating_sub(self.began.elapsed());
        let all: Vec<Loaded> = batch.iter().map(|(one, _)| one.clone()).collect();
        let played = self.batches.play_within(all.clone(), bound).await;
        self.done.deliveries += played.history.len();
        for one in played.broken_off.iter().take(MOST_UNDECIDED) {
            let reason = Some("the time of the exploration was over before it was played to its end".to_owned());
            self.undecided.push(ScenarioReport { reason, ..blank_report(one, Verdict::Undecided) });
        }
        for report in played.scenarios {
            let Some((one, kinds)) = batch.iter().find(|(one, _)| one.id == report.id) else { continue };
            self.done.sequences += 1;
            let history: Vec<Operation> = played.history.iter().filter(|sent| sent.scenario == report.id).cloned().collect();
            let is_new = self.learn(kinds, &history);
            match report.verdict {
                Verdict::Fail | Verdict::Warn => {
                    self.done.failed += 1;
                    let company = Company::of(&report.id, &all, &played.history);
                    self.found((one, kinds, company), report, history).await;
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
    fn time_to_shorten(&self, steps: &[Step]) -> (Duration, Duration) {
        let left = (self.choice.time + self.grace()).saturating_sub(self.began.elapsed()).max(LEAST);
        let share = if self.choice.stops_at_first { left } else { self.choice.time / 3 }.clamp(2 * LEAST, 10 * LEAST).min(left);
        // What is looked for a minute each time is looked for a few times.
        let whole = share + 4 * longest_look(steps);
        (whole.mul_f64(0.6), whole)
    }

    async fn found(&mut self, (one, kinds, company): (&Loaded, &[Pair], Company), report: ScenarioReport, history: Vec<Operation>) {
        let new: Vec<_> = report.findings.iter().filter(|finding| self.findings.is_new(finding)).cloned().collect();
        let Some(finding) = self.findings.worth_a_try(&new, &self.vetting) else { return };
        let is_late = self.began.elapsed() >= self.choice.time;
        let has_found = !self.findings.found().is_empty();
        if (is_late && (has_found || self.has_tried_late)) || (self.choice.stops_at_first && has_found) {
            return;
        }
        self.has_tried_late |= is_late;
        let time = self.time_to_shorten(&one.scenario.steps);
        match self.findings.shrink((&mut self.batches, &self.vetting), (one, &finding, &company), time).await {
            Ok(told) => {
                if let Some(pair) = finding.step.checked_sub(1).and_then(|at| kinds.get(at)) {
                    self.coverage.avoid(pair);
                }
                self.done.tries += told.tries;
                self.keep(told);
            }
            Err(once) => {
                self.done.tries += once.tries;
                (self.done.failed, self.done.undecided) = (self.done.failed - 1, self.done.undecided + 1);
                let reason = Some(once.sentence());
                let doubt = ScenarioReport { verdict: Verdict::Undecided, findings: Vec::new(), reason, ..report.clone() };
                if once.is_of_time { &mut self.undecided } else { &mut self.doubts }.push(doubt);
                self.findings.in_vain(&once, Witness { one: one.clone(), finding, others: company.others, seen: (report, history) });
            }
        }
    }

    /// Reports a finding.
    fn keep(&mut self, Told { id, title, file, seen, .. }: Told) {
        let Some((scenario, sent)) = seen else { return };
        let scenario = ScenarioReport { id, title, file, ..scenario };
        self.kept.history.extend(sent.into_iter().map(|sent| Operation { scenario: scenario.id.clone(), ..sent }));
        self.kept.scenarios.push(scenario);
    }

    async fn close(mut self, plan: Plan) -> Explored {
        (self.done.pairs, self.done.answers) = self.coverage.counts();
        // Of a receiver of which most sequences fail more is known than that nothing can be said.
        if self.findings.found().is_empty()
            && let Some(told) = self.findings.certain(&self.vetting, self.done.sequences)
        {
            self.keep(told);
        }
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
