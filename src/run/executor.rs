//! The executor: plays scenarios, several side by side, until all are played or something ends the run.
//!
//! In: scenarios, longest first. Out: a report of each. What was under way
//! while the receiver died is played again alone, so that the finding is that
//! of the scenario which kills it. What ends a run (a person, its time limit,
//! a receiver that is gone or never answers) leaves the rest undecided, with
//! the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinSet;

use super::OnDone;
use super::attempt::{self, Again, Attempt};
use super::concurrency::Concurrency;
use super::context::RunContext;
use super::length::{LONG, deliveries};
use super::recount::Uncounted;
use crate::clock::{Moment, span};
use crate::files::turn::Turn;
use crate::judge::scenario::blank_report;
use crate::report::baseline::Baseline;
use crate::report::{ScenarioReport, Verdict, tally};
use crate::scenario::expand::Loaded;
use crate::scenario::stream::OpenStreams;
use crate::session::until_true;
use crate::target::machine::Ticks;

/// So often it is looked at how many scenarios may be under way.
const LOOK: Duration = Duration::from_millis(100);
/// So many scenarios that were late among others are played again alone, when they are late there, too.
const LATE_BY_ITSELF: usize = 3;
/// So many deliveries are given up, at the most, before a receiver that has answered none is not asked any more.
const NEVER_ANSWERED: u64 = 5;
/// So many at the least, however long each was waited for.
const FEWEST_GIVEN_UP: u64 = 2;
/// Whoever has answered nothing in so long a time in all is not asked any more.
const LONG_ENOUGH: Duration = Duration::from_secs(25);

/// Why a run ends before all is played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// A person wants it to.
    Interrupted,
    /// At the first failure, as asked.
    FirstFailure,
    /// The harness or the target does not go on, with the reason.
    Broken(String),
    /// Nothing more can be learned in the time that there is, with the reason.
    Undecided(String),
}

impl End {
    /// What the report says of a run that ended early; nothing where it came to an end of its own, with much undecided.
    #[must_use]
    pub fn ended_early(&self) -> Option<String> {
        match self {
            Self::Interrupted => Some(tally::INTERRUPTED.to_owned()),
            Self::FirstFailure => Some("stopped at the first failure, as asked".to_owned()),
            Self::Broken(why) => Some(why.clone()),
            Self::Undecided(_) => None,
        }
    }

    /// What a reader of the report should know first.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        match self {
            Self::Undecided(why) => Some(format!("The run ended before everything was played: {why}.")),
            Self::Interrupted | Self::FirstFailure | Self::Broken(_) => None,
        }
    }

    /// Why what was not played is undecided.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Interrupted => Some(format!("not played: {}", tally::INTERRUPTED)),
            Self::FirstFailure => Some("not played: stopped at the first failure, as asked".to_owned()),
            Self::Broken(why) | Self::Undecided(why) => Some(why.clone()),
        }
    }
}

/// Plays scenarios, and has what came of them so far.
pub struct Executor {
    pub(super) context: Arc<RunContext>,
    pub(super) on_done: OnDone,
    pub(super) interrupted: watch::Receiver<bool>,
    pub(super) fail_fast: bool,
    pub(super) began: Moment,
    pub(super) time_limit: Duration,
    pub(super) concurrency: Concurrency,
    /// Failures that are known end nothing.
    pub(super) known: Option<Arc<Baseline>>,
    /// Whose turn it is at the target's database, among runs side by side.
    pub(super) turn: Turn,
    /// The ids of those that were not played to their end.
    pub(super) left: BTreeSet<String>,
    /// Every scenario that was judged.
    pub(super) judged: Vec<ScenarioReport>,
    /// Whose effects are to be counted once more.
    pub(super) uncounted: Vec<Uncounted>,
    /// Those that are to be played again, alone.
    pub(super) again: Vec<Loaded>,
    /// What came of those that were late among others, until it is known whether they are when they are alone.
    pub(super) late: Late,
    /// The ids of those that were under way when the receiver died.
    pub(super) suspects: Vec<String>,
    /// Since when scenarios are played, and for how long: what is under way then is broken off, and nothing is said of it.
    pub(super) bound: Option<(Moment, Duration)>,
    /// Those that were broken off, or not begun.
    pub(super) broken_off: Vec<Loaded>,
    /// Why the run ended early, when it did.
    pub(super) end: Option<End>,
}

/// Whether a report tells of an answer that was late.
#[must_use]
pub fn is_late(context: &RunContext, report: &ScenarioReport) -> bool {
    let in_time = context.catalogue.always.answers_in_time.as_ref();
    report.findings.iter().any(|one| Some(&one.requirement) == in_time)
}

/// Scenarios whose answers were late while others were played.
#[derive(Debug, Default)]
pub struct Late {
    among_others: BTreeMap<String, Attempt>,
    /// How many of them were late alone, too.
    alone: usize,
}

impl Late {
    /// What came of a scenario among others, where that holds: a receiver that was late alone so often is late by itself.
    fn holds(&mut self, id: &str) -> Option<Attempt> {
        (self.alone >= LATE_BY_ITSELF).then(|| self.among_others.remove(id)).flatten()
    }
}

/// Whether a scenario has the target to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    /// Others are played beside it.
    Others,
    /// Others that count as it does: what they write would be taken for this one's.
    Counting,
    /// Nobody.
    Nobody,
}

impl Executor {
    /// Plays scenarios until all are played or something ends the run.
    pub async fn play_all(&mut self, mut scenarios: Vec<Loaded>, company: Company) {
        if self.end.is_some() {
            scenarios.extend(std::mem::take(&mut self.again));
            self.leave(scenarios);
            return;
        }
        self.come_in(company).await;
        if self.left_of_its_bound().is_zero() {
            self.turn.over().await;
            self.break_off(scenarios);
            return;
        }
        // Long ones first, so that the last of all is not the longest; otherwise in their order.
        scenarios.sort_by_key(|loaded| std::cmp::Reverse(deliveries(&loaded.scenario.steps) / LONG));
        scenarios.reverse();
        let mut left = scenarios;
        let mut under_way: JoinSet<(Loaded, Result<Attempt, Again>)> = JoinSet::new();
        let mut names: BTreeMap<tokio::task::Id, Loaded> = BTreeMap::new();
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut ticks, mut stop) = (Ticks::now(), false);
        let time_is_up = tokio::time::sleep(self.time_limit.saturating_sub(self.began.elapsed()));
        let bound_is_met = tokio::time::sleep(self.left_of_its_bound());
        tokio::pin!(time_is_up, bound_is_met);
        let mut is_broken_off = false;
        loop {
            let is_alone = company == Company::Nobody || !self.context.liveness.wants_company();
            let places = if is_alone { 1 } else { self.concurrency.now() };
            while !stop && under_way.len() < places {
                let Some(loaded) = left.pop() else { break };
                if let Some(attempt) = self.late.holds(&loaded.id) {
                    stop |= self.take(loaded, Ok(attempt));
                    continue;
                }
                let (context, playing) = (Arc::clone(&self.context), loaded.clone());
                let company = if is_alone { Company::Nobody } else { company };
                let handle = under_way.spawn(async move {
                    let _leave = leave_to_open(&context, &playing).await;
                    let attempt = attempt::play(&context, &playing, company).await;
                    (playing, attempt)
                });
                names.insert(handle.id(), loaded);
            }
            if under_way.is_empty() {
                break;
            }
            let end = tokio::select! {
                biased;
                () = until_true(&mut self.interrupted) => Some(End::Interrupted),
                () = &mut time_is_up => Some(self.out_of_time()),
                () = &mut bound_is_met, if self.bound.is_some() => {
                    is_broken_off = true;
                    None
                }
                done = under_way.join_next_with_id() => {
                    match done {
                        Some(Ok((id, (loaded, attempt)))) => {
                            names.remove(&id);
                            stop |= self.take(loaded, attempt);
                        }
                        Some(Err(failed)) => {
                            if let Some(loaded) = names.remove(&failed.id()) {
                                self.lose(&loaded, &failed);
                            }
                        }
                        None => {}
                    }
                    self.hopeless()
                }
                _ = looks.tick() => {
                    let now = Ticks::now();
                    let idle = now.zip(ticks).and_then(|(now, before)| now.idle_since(before));
                    if idle.is_some() {
                        ticks = now;
                    }
                    self.concurrency.adapt(&self.context.traffic, idle);
                    self.context.traffic.set_borne(self.concurrency.now());
                    self.hopeless()
                }
            };
            if let Some(end) = end {
                self.end.get_or_insert(end);
                under_way.abort_all(); // what is under way is not judged
                break;
            }
            if is_broken_off {
                // A receiver that is being started anew is not left half started: whoever does so holds this.
                let _is_no_restart = self.context.managed.lock().await;
                under_way.shutdown().await;
                break;
            }
        }
        self.turn.over().await;
        let rest: Vec<Loaded> = names.into_values().chain(left).collect();
        if self.end.is_some() {
            let again = std::mem::take(&mut self.again);
            self.leave(rest.into_iter().chain(again).collect());
        } else if is_broken_off {
            self.break_off(rest);
        }
    }

    /// How long scenarios may still be played.
    fn left_of_its_bound(&self) -> Duration {
        self.bound.map_or(Duration::MAX, |(began, time)| time.saturating_sub(began.elapsed()))
    }

    /// Nothing is said of those whose time was over.
    fn break_off(&mut self, scenarios: Vec<Loaded>) {
        self.left.extend(scenarios.iter().map(|one| one.id.clone()));
        self.broken_off.extend(scenarios);
    }

    /// Waits for the turn of these scenarios among other runs at the same database; whoever wants to stop is not kept.
    async fn come_in(&mut self, company: Company) {
        let (turn, left) = (self.turn.clone(), self.left_of_its_bound());
        let wait = async move {
            match company {
                Company::Others => turn.with_others().await,
                Company::Counting | Company::Nobody => turn.alone().await,
            }
        };
        tokio::select! {
            biased;
            () = until_true(&mut self.interrupted) => {}
            () = tokio::time::sleep(left) => {}
            () = wait => {}
        }
    }

    /// Takes what came of a scenario; whether no other one is to be begun.
    fn take(&mut self, loaded: Loaded, attempt: Result<Attempt, Again>) -> bool {
        let Attempt { report, history, uncounted } = match attempt {
            Ok(attempt) => attempt,
            Err(why) => {
                match why {
                    Again::Died => self.suspects.push(loaded.id.clone()),
                    Again::Counted => {}
                    Again::Late(was) => drop(self.late.among_others.insert(loaded.id.clone(), *was)),
                }
                self.again.push(loaded);
                return false;
            }
        };
        if self.late.among_others.remove(&loaded.id).is_some() && is_late(&self.context, &report) {
            self.late.alone += 1;
        }
        self.context.append_history(history);
        self.uncounted.extend(uncounted);
        (self.on_done)(&report);
        let stop = self.stops_at(&report);
        self.judged.push(report);
        stop
    }

    /// Whether this is the first failure, and nothing more is to be played.
    pub(super) fn stops_at(&mut self, report: &ScenarioReport) -> bool {
        let is_known = self.known.as_ref().is_some_and(|baseline| baseline.knows(report));
        let stop = self.fail_fast && report.verdict == Verdict::Fail && !is_known;
        if stop {
            self.end.get_or_insert(End::FirstFailure);
        }
        stop
    }

    /// A fault of ours: it is told, and the rest goes on.
    fn lose(&mut self, loaded: &Loaded, failed: &tokio::task::JoinError) {
        let reason = Some(format!("hookgate itself failed here: {failed}"));
        let report = ScenarioReport { reason, ..blank_report(loaded, Verdict::Undecided) };
        (self.on_done)(&report);
        self.judged.push(report);
    }

    /// Why nothing more can be learned, when that is so.
    fn hopeless(&self) -> Option<End> {
        if let Some(why) = self.context.liveness.gone() {
            return Some(End::Broken(why));
        }
        // What the visit waited for is no verdict yet: whoever answers nothing has broken a promise, and a scenario says which.
        // One that was not waited for as long as it may take has broken none, and never will.
        let may_break = self.context.timeout >= self.context.contract.limits.answer.0;
        if may_break && !self.judged.iter().any(|one| one.verdict == Verdict::Fail) {
            return None;
        }
        let given_up = self.context.traffic.never_answered().filter(|given_up| *given_up >= enough(self.context.timeout))?;
        Some(End::Undecided(format!(
            "no delivery has been answered: {given_up} were waited for, {} each; the rest was not played",
            span::write(self.context.timeout)
        )))
    }

    pub(super) fn out_of_time(&self) -> End {
        let limit = span::write(self.time_limit);
        End::Undecided(format!("the time limit of the run was over before it was played ({limit}; give it longer with --time-limit)"))
    }

    /// Tells of scenarios that were not played to their end.
    fn leave(&mut self, left: Vec<Loaded>) {
        let Some(reason) = self.end.as_ref().and_then(End::reason) else { return };
        for loaded in left {
            self.left.insert(loaded.id.clone());
            let report = ScenarioReport { reason: Some(reason.clone()), ..blank_report(&loaded, Verdict::Undecided) };
            (self.on_done)(&report);
            self.judged.push(report);
        }
    }
}

/// How many deliveries are given up before a receiver that has answered none is not asked any more, where each is waited for so long.
fn enough(timeout: Duration) -> u64 {
    let many = LONG_ENOUGH.as_millis().div_ceil(timeout.as_millis().max(1));
    u64::try_from(many).unwrap_or(NEVER_ANSWERED).clamp(FEWEST_GIVEN_UP, NEVER_ANSWERED)
}

/// Leave to have as many streams open as a scenario has; who waits for it is in nobody's way.
async fn leave_to_open(context: &RunContext, loaded: &Loaded) -> Option<OwnedSemaphorePermit> {
    let streams = OpenStreams::of(&loaded.scenario.steps).at_most();
    let _waits = context.traffic.wait(false);
    context.places.leave_for(streams).await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The longer each is waited for, the fewer show that nobody answers.
    #[test]
    fn silence_is_believed_the_sooner_the_longer_it_lasts() {
        for (timeout_ms, given_up) in [(0, 5), (400, 5), (5_000, 5), (7_000, 4), (12_000, 3), (17_000, 2), (60_000, 2)] {
            assert_eq!(enough(Duration::from_millis(timeout_ms)), given_up, "{timeout_ms}");
        }
    }
}
