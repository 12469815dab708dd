//! Ending: when a load is over; until then it is looked at, and told, every second.
//!
//! A load ends when its users have come to their end; when its time is over and
//! the answers that are still out have had theirs (`--drain`); or before, when
//! it is interrupted, a condition comes true, or nothing answers any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch::Receiver;
use tokio::task::JoinHandle;

use super::effort::Meter;
use super::gate::Gate;
use super::measure::Measurement;
use super::progress::{Lately, Phase, Progress};
use super::rate_profile::Model;
use super::render::sentences;
use super::shared::{LOOK_AGAIN, Shared};
use super::silence::Silence;
use super::{Cut, LoadError, OnSecond, Plan, lock};
use crate::report::language::Language;

/// A target that has answered nothing for so long is not asked any more.
const DEAD_AFTER: Duration = Duration::from_secs(10);
/// Users that were told to end are waited for so long; what they wrote down is lost otherwise.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// When a load ended, since it opened.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// When sending ended: by plan, with the last of so many, or cut short.
    pub sending: Duration,
    /// What was due by then should have been sent.
    pub due_until: Duration,
    /// When nothing more may be asked of the receiver.
    pub at_the_latest: Duration,
}

impl Ended {
    fn of(plan: &Plan, cut_at: Option<Duration>) -> Self {
        let by_plan = match plan.model {
            // After so many the load is over: with the last answer.
            Model::Closed if plan.most < u64::MAX => Duration::ZERO,
            Model::Closed => plan.profile.length(),
            Model::Open => plan.profile.due(plan.most as f64).map_or(plan.profile.length(), Duration::from_secs_f64),
        };
        let (sending, due_until) = match cut_at {
            None => (by_plan, plan.profile.length()),
            Some(at) => (at.min(plan.profile.length()), at),
        };
        Self { sending, due_until, at_the_latest: cut_at.unwrap_or(plan.profile.length()).min(plan.profile.length()) + plan.drain }
    }
}

/// Waits for the engine's end, and gives the reason for an early one.
///
/// # Errors
/// What the engine says when it cannot be started.
pub async fn watch(
    mut engine: JoinHandle<Result<(), String>>,
    plan: &Plan,
    shared: &Arc<Shared>,
    meter: &mut Meter,
    on_second: &OnSecond,
    interrupted: &mut Receiver<bool>,
) -> Result<(Option<Cut>, Ended), LoadError> {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    // The first comes at once, when there is nothing to tell.
    second.tick().await;
    meter.look(shared.began.elapsed());
    let (mut cut, mut cut_at): (Option<Cut>, Option<Duration>) = (None, None);
    let mut silence = Silence::default();
    let mut lately = Lately::default();
    let mut given_up: Option<Duration> = None;
    loop {
        let elapsed = shared.began.elapsed();
        let end = Ended::of(plan, cut_at);
        let is_over = cut_at.is_some() || given_up.is_some() || elapsed >= plan.profile.length();
        let (ended, begun) = (shared.ended.0.load(Ordering::Acquire), shared.next_user.load(Ordering::Acquire) as usize);
        let is_lost = given_up.is_some_and(|at| elapsed >= at + LAST_WORDS);
        // The time of a short load may be over before its first user was started: what was due is sent all the same.
        let is_to_begin = begun == 0 && cut_at.is_none() && elapsed < shared.last_call;
        if ended >= plan.users || (is_over && ended >= begun && !is_to_begin) || is_lost {
            // goose looks round a few times a second, and there is nobody left to look for.
            engine.abort();
            return Ok((cut, end));
        }
        if elapsed >= end.at_the_latest && given_up.is_none() {
            given_up = Some(elapsed);
            shared.give_up();
        }
        let next = given_up.map_or(end.at_the_latest, |at| at + LAST_WORDS).saturating_sub(elapsed);
        tokio::select! {
            ended = &mut engine => {
                let ended = ended.map_err(|failed| LoadError::Engine(failed.to_string()))?;
                return ended.map(|()| (cut, Ended::of(plan, cut_at))).map_err(LoadError::Engine);
            }
            () = shared.ended.1.notified() => {}
            () = tokio::time::sleep(next) => {}
            () = called_off(plan), if cut_at.is_none() => {
                shared.stop.store(true, Ordering::Relaxed);
                cut_at = Some(shared.began.elapsed());
            }
            changed = interrupted.wait_for(|stop| *stop), if cut.is_none() => {
                cut = changed.is_ok().then_some(Cut::Interrupted);
            }
            _ = second.tick() => {
                let elapsed = shared.began.elapsed();
                meter.look(elapsed);
                let measured = lock(&shared.measured);
                let answers = shared.answered_or_not().0;
                let lately_per_s = lately.since(elapsed, answers);
                let progress = Progress { effort: meter.latest(), lately_per_s, ..progress(plan, shared, &measured, elapsed, cut_at) };
                on_second(&progress);
                let (sent, answered) = shared.by_now();
                // Answers count from when it is warm, and deliveries from the first.
                let owes = if plan.part.is_idle() || elapsed < plan.warm_up { 0 } else { sent };
                let is_dead = silence.at(elapsed, owes, answered) > DEAD_AFTER.max(plan.timeout.saturating_mul(2));
                cut = cut.or_else(|| true_now(&plan.abort_on, &progress).map(Cut::Aborted)).or_else(|| is_dead.then_some(Cut::Dead));
            }
        }
        if cut.is_some() && cut_at.is_none() {
            shared.stop.store(true, Ordering::Relaxed);
            cut_at = Some(shared.began.elapsed());
        }
    }
}

/// Comes when whoever steers the load has ended it.
async fn called_off(plan: &Plan) {
    let Some(steering) = &plan.part.steering else { return std::future::pending().await };
    while !steering.is_over() {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// What was due so long ago and is not sent is behind.
const ON_ITS_WAY: Duration = Duration::from_millis(100);

/// How far the load is.
fn progress<'a>(plan: &'a Plan, shared: &Shared, measured: &'a Measurement, elapsed: Duration, cut_at: Option<Duration>) -> Progress<'a> {
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let is_open = plan.model == Model::Open;
    // What is due at this very moment is on its way.
    let until = cut_at.unwrap_or(elapsed).min(elapsed.saturating_sub(ON_ITS_WAY));
    let due = if is_open { (plan.profile.area(until.as_secs_f64()) as u64).min(plan.most) } else { 0 };
    let begun = shared.next_user.load(Ordering::Relaxed) as usize;
    let called = plan.part.steering.as_ref().map_or(plan.users, |steering| steering.users().min(plan.users));
    let phase = match elapsed {
        _ if cut_at.is_some() || elapsed >= plan.profile.length() => Phase::Draining,
        early if early < plan.warm_up => Phase::WarmingUp,
        _ => Phase::Measuring,
    };
    let (sent, answered) = shared.by_now();
    Progress {
        measured,
        answered,
        lately_per_s: None,
        elapsed,
        length: plan.profile.length(),
        drain: plan.drain,
        phase,
        wanted_per_s: is_open.then(|| if phase == Phase::Draining { 0.0 } else { plan.profile.level_at(elapsed.as_secs_f64()) }),
        users: begun.min(called).saturating_sub(shared.ended.0.load(Ordering::Relaxed)),
        behind: due.saturating_sub(sent),
        late: count(&shared.late),
        gates: &plan.gates,
        effort: None,
        streams: shared.streams.as_ref().map(|streams| streams.so_far()),
    }
}

/// How far it was in the end.
///
/// * `at`: when measuring ended.
/// * `dropped`: how many were due and never sent.
pub(super) fn over<'a>(plan: &'a Plan, shared: &Shared, measured: &'a Measurement, at: Duration, dropped: u64) -> Progress<'a> {
    Progress {
        answered: measured.answered(),
        phase: Phase::Over,
        wanted_per_s: (plan.model == Model::Open).then_some(0.0),
        users: 0,
        behind: dropped,
        ..progress(plan, shared, measured, at, Some(at))
    }
}

/// The first condition that is true at this moment: its text, and what was measured.
pub(super) fn true_now(conditions: &[Gate], progress: &Progress<'_>) -> Option<String> {
    if conditions.is_empty() {
        return None;
    }
    let (all, kinds) = progress.measured();
    let true_now = conditions.iter().map(|gate| gate.judge(&all, &kinds)).find(|result| result.ok)?;
    let (after, value) = (progress.elapsed.as_secs(), sentences::measured(&true_now, Language::En));
    Some(format!("{} was true after {after} s ({value})", true_now.gate))
}
