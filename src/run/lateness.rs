//! Lateness: how late this process itself was.
//!
//! On a busy machine an answer may lie ready while we do not get to read it.
//! In: nothing. Out: by how much our own tasks were late since a moment, which
//! is then not the receiver's time. A task of its own sleeps for a tick, again
//! and again, and notes by how much it woke too late. The reference in this
//! process has nothing in it that waits: whatever is late of it is our own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Moment;

/// How long one sleep is.
const TICK: Duration = Duration::from_millis(5);
/// Timers count in whole milliseconds, and wake a little late on an idle machine, too.
const USUAL: Duration = Duration::from_millis(2);
/// So many late ticks are kept: enough for the longest time-out on the busiest machine.
const KEPT: usize = 20_000;

/// Late ticks, oldest first: when each ended, and by how much it was late.
type Ticks = VecDeque<(Moment, Duration)>;

/// Measures how late this process is, until it is dropped.
#[derive(Debug)]
pub struct Lateness {
    ticks: Arc<Mutex<Ticks>>,
    task: tokio::task::JoinHandle<()>,
    /// Whether the receiver is the right reference, which runs when we do.
    is_ours: bool,
}

impl Lateness {
    /// Begins to measure.
    ///
    /// * `is_ours`: whether the receiver is the right reference, in this process.
    #[must_use]
    pub fn watch(is_ours: bool) -> Self {
        let ticks: Arc<Mutex<Ticks>> = Arc::default();
        let noted = Arc::clone(&ticks);
        let task = tokio::spawn(async move {
            loop {
                let began = Moment::now();
                tokio::time::sleep(TICK).await;
                note(&noted, Moment::now(), began.elapsed());
            }
        });
        Self { ticks, task, is_ours }
    }

    /// By how much this process was late since `began`, in all.
    #[must_use]
    pub fn since(&self, began: Moment) -> Duration {
        let ticks = self.ticks.lock().unwrap_or_else(PoisonError::into_inner);
        ticks.iter().rev().take_while(|(ended, _)| *ended > began).map(|(_, late)| *late).sum()
    }

    /// What of `took` was our own doing: nothing, unless it took longer than `limit`.
    #[must_use]
    pub fn share_of(&self, took: Duration, limit: Duration, began: Moment) -> Duration {
        match took.checked_sub(limit) {
            None | Some(Duration::ZERO) => Duration::ZERO,
            Some(late) if self.is_ours => late,
            Some(_) => self.since(began).min(took),
        }
    }
}

impl Drop for Lateness {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn note(ticks: &Mutex<Ticks>, ended: Moment, slept: Duration) {
    let late = slept.saturating_sub(TICK + USUAL);
    if late.is_zero() {
        return;
    }
    let mut ticks = ticks.lock().unwrap_or_else(PoisonError::into_inner);
    if ticks.len() >= KEPT {
        ticks.pop_front();
    }
    ticks.push_back((ended, late));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was late before a moment does not count, and what is usual never does.
    #[tokio::test]
    async fn only_late_ticks_since_a_moment_count() {
        let lateness = Lateness { ticks: Arc::default(), task: tokio::spawn(std::future::pending()), is_ours: false };
        let long = Duration::from_millis(900);
        note(&lateness.ticks, Moment::now(), TICK + USUAL + long);
        let began = Moment::now();
        assert_eq!(lateness.since(began), Duration::ZERO);
        for slept in [TICK, TICK + USUAL, TICK + USUAL + long] {
            note(&lateness.ticks, Moment::now(), slept);
        }
        assert_eq!(lateness.since(began), long);
        let limit = Duration::from_secs(2);
        assert_eq!(lateness.share_of(limit, limit, began), Duration::ZERO);
        assert_eq!(lateness.share_of(limit + TICK, limit, began), long);
    }

    /// What is late of the reference in this process is our own, to the last microsecond, whether or not our ticks were late.
    #[tokio::test]
    async fn the_reference_is_never_late() {
        let lateness = Lateness { ticks: Arc::default(), task: tokio::spawn(std::future::pending()), is_ours: true };
        let limit = Duration::from_secs(2);
        for late in [Duration::ZERO, TICK, limit] {
            assert_eq!(lateness.share_of(limit + late, limit, Moment::now()), late);
        }
        assert_eq!(lateness.share_of(TICK, limit, Moment::now()), Duration::ZERO);
    }
}
