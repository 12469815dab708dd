//! Looking on: loads that run at one time, as one load that whoever looks on sees.
//!
//! In: the progress of each, every second. Out: one [`Progress`] for all; and the end of all, when a condition has come true.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::Conditions;
use crate::load::OnSecond;
use crate::load::effort::Reading;
use crate::load::ending;
use crate::load::gate::Gate;
use crate::load::measure::Measurement;
use crate::load::progress::{Phase, Progress};

/// How far one of them is.
#[derive(Clone)]
struct Seen {
    measured: Measurement,
    answered: u64,
    lately_per_s: Option<f64>,
    elapsed: Duration,
    length: Duration,
    drain: Duration,
    phase: Phase,
    wanted_per_s: Option<f64>,
    users: usize,
    behind: u64,
    late: u64,
    effort: Option<Reading>,
}

/// Who looks on, and what was seen last.
pub(super) struct LookingOn {
    seen: Mutex<Vec<Option<Seen>>>,
    aborted: Mutex<Option<String>>,
    gates: Vec<Gate>,
    abort_on: Vec<Gate>,
    on_second: OnSecond,
    stop: watch::Sender<bool>,
}

impl LookingOn {
    pub(super) fn new(count: usize, conditions: &Conditions, on_second: OnSecond, stop: watch::Sender<bool>) -> Self {
        let (gates, abort_on) = (conditions.gates.clone(), conditions.abort_on.clone());
        Self { seen: Mutex::new(vec![None; count]), aborted: Mutex::default(), gates, abort_on, on_second, stop }
    }

    /// Why all of them were ended, where a condition has.
    pub(super) fn aborted(&self) -> Option<String> {
        lock(&self.aborted).clone()
    }

    /// Who is told how far one of them is.
    pub(super) fn seen_by(this: &Arc<Self>, at: usize) -> OnSecond {
        let this = Arc::clone(this);
        Arc::new(move |progress| this.see(at, progress))
    }

    fn see(&self, at: usize, progress: &Progress<'_>) {
        let mut seen = lock(&self.seen);
        seen[at] = Some(Seen {
            measured: progress.measured.clone(),
            answered: progress.answered,
            lately_per_s: progress.lately_per_s,
            elapsed: progress.elapsed,
            length: progress.length,
            drain: progress.drain,
            phase: progress.phase,
            wanted_per_s: progress.wanted_per_s,
            users: progress.users,
            behind: progress.behind,
            late: progress.late,
            effort: progress.effort,
        });
        // The first that still runs says when it is told of all; the last that ends says that they are over.
        let teller = seen.iter().position(|one| one.as_ref().is_none_or(|one| one.phase != Phase::Over));
        if teller.is_none_or(|teller| teller == at) {
            let all: Vec<Seen> = seen.iter().flatten().cloned().collect();
            // Whoever looks on may take a while: the others are not held up.
            drop(seen);
            self.tell(&all);
        }
    }

    fn tell(&self, all: &[Seen]) {
        let measured: Vec<&Measurement> = all.iter().map(|one| &one.measured).collect();
        let Ok(measured) = Measurement::beside(&measured) else { return };
        let running = || all.iter().filter(|one| one.phase != Phase::Over);
        let phase = running().map(|one| one.phase).min_by_key(|phase| rank(*phase)).unwrap_or(Phase::Over);
        let longest = |of: fn(&Seen) -> Duration| all.iter().map(of).max().unwrap_or_default();
        let progress = Progress {
            measured: &measured,
            answered: all.iter().map(|one| one.answered).sum(),
            lately_per_s: all.iter().filter_map(|one| one.lately_per_s).reduce(|one, other| one + other),
            elapsed: longest(|one| one.elapsed),
            length: longest(|one| one.length),
            drain: longest(|one| one.drain),
            phase,
            wanted_per_s: all.iter().map(|one| one.wanted_per_s).sum(),
            users: all.iter().map(|one| one.users).sum(),
            behind: all.iter().map(|one| one.behind).sum(),
            late: all.iter().map(|one| one.late).sum(),
            gates: &self.gates,
            effort: running().chain(all).find_map(|one| one.effort),
            streams: None,
        };
        if phase != Phase::Over
            && let Some(why) = ending::true_now(&self.abort_on, &progress)
        {
            lock(&self.aborted).get_or_insert(why);
            self.stop.send_replace(true);
        }
        (self.on_second)(&progress);
    }
}

/// One that still warms up makes all of them warm up; one that still measures makes all of them measure.
fn rank(phase: Phase) -> u8 {
    match phase {
        Phase::WarmingUp => 0,
        Phase::Measuring => 1,
        Phase::Draining => 2,
        Phase::Over => 3,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
