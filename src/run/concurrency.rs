//! Concurrency: how many scenarios are played side by side.
//!
//! In: how long answers take, how many are waited for, and how idle the machine
//! is. Out: a number. Where scenarios mostly wait for answers, more of them are
//! played at a time, as long as the machine has time left and the receiver
//! answers fresh deliveries as quickly as it does one alone. A receiver that
//! serves one delivery after the other is not made late by us: then it is fewer.
//!
//! **Invariant:** what is given with `--jobs` is kept to.

use std::time::Duration;

use super::traffic::{LONG_WAIT, MOST_THAT_WAIT, Sight, Traffic};

/// How many scenarios are played side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jobs {
    /// As many as the user says.
    Fixed(usize),
    /// As many as the machine and the receiver bear.
    Adaptive,
}

/// Where an adaptive run begins, and where it is on a busy machine.
const USUAL: usize = 4;
/// More than this are not played at a time where answers are quick enough to keep the receiver at work.
const MOST: usize = 32;
/// Shorter answers are not waited for: then it is we who work.
const WORTH_WAITING: Duration = Duration::from_millis(20);
/// So much slower an answer may be by chance, or by delayed acknowledgements, without a queue.
const SLACK: Duration = Duration::from_millis(60);
/// With less than this part of the machine idle no more are begun.
const IDLE_ENOUGH: f64 = 0.3;
/// With less than this it is fewer again.
const BUSY: f64 = 0.05;

/// A number of scenarios, as it is now.
#[derive(Clone, Copy, Debug)]
pub struct Concurrency {
    now: usize,
    most_so_far: usize,
    is_fixed: bool,
    limit: Duration,
}

impl Concurrency {
    /// The number to begin with.
    ///
    /// * `limit`: how long the contract lets an answer take.
    #[must_use]
    pub fn new(jobs: Jobs, limit: Duration) -> Self {
        let (now, is_fixed) = match jobs {
            Jobs::Fixed(jobs) => (jobs.max(1), true),
            Jobs::Adaptive => (USUAL, false),
        };
        Self { now, most_so_far: now, is_fixed, limit }
    }

    /// How many scenarios may be under way.
    #[must_use]
    pub fn now(&self) -> usize {
        self.now
    }

    /// How many there were at the most.
    #[must_use]
    pub fn most_so_far(&self) -> usize {
        self.most_so_far
    }

    /// Looks at what was seen, and changes the number where that helps.
    pub fn adapt(&mut self, traffic: &Traffic, idle: Option<f64>) {
        if self.is_fixed {
            return;
        }
        let next = self.next(&traffic.sight(idle));
        if next != self.now {
            self.now = next;
            self.most_so_far = self.most_so_far.max(next);
            traffic.forget();
        }
    }

    fn next(&self, sight: &Sight) -> usize {
        let is_in_a_queue = |took: Duration, alone: Duration| took > (alone + alone / 2).max(alone + SLACK);
        let is_busy = sight.idle.is_some_and(|idle| idle < BUSY);
        // Most of them wait, and what is fresh is answered at once: nobody is in their way.
        let fresh_is_quick = sight.alone.is_some_and(|alone| sight.fresh_waits.is_none_or(|waits| !is_in_a_queue(waits, alone)));
        let most_wait = fresh_is_quick && !is_busy && sight.waiting * 2 >= self.now;
        let Some(mean) = sight.mean else { return if most_wait { self.more(MOST_THAT_WAIT) } else { self.now } };
        let queues = sight.fresh.zip(sight.alone).is_some_and(|(fresh, alone)| is_in_a_queue(fresh, alone));
        if queues {
            let near_the_limit = sight.fresh.is_some_and(|fresh| fresh > self.limit / 2);
            return (self.now / 2).max(if near_the_limit { 1 } else { USUAL.min(self.now) });
        }
        let costs_nothing = mean >= LONG_WAIT;
        if !costs_nothing && is_busy {
            return (self.now / 2).max(USUAL.min(self.now));
        }
        let enough_seen = sight.answers as usize >= self.now;
        if most_wait || (enough_seen && costs_nothing) {
            return self.more(MOST_THAT_WAIT);
        }
        let waits = mean >= WORTH_WAITING && sight.idle.is_none_or(|idle| idle >= IDLE_ENOUGH);
        if enough_seen && waits { self.more(MOST) } else { self.now }
    }

    /// Twice as many, up to a most; no fewer.
    fn more(&self, most: usize) -> usize {
        (self.now * 2).min(most).max(self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::{Answer, NoAnswer};

    const MS: Duration = Duration::from_millis(1);

    fn answered() -> Result<Answer, NoAnswer> {
        Ok(Answer { status: 200, headers: Vec::new(), body: bytes::Bytes::new() })
    }

    /// From 4 scenarios, what a receiver leads to whose fresh deliveries take so long alone and side by side.
    fn from_four(alone: u32, fresh: u32, mean: u32, idle: f64) -> usize {
        let (mean, fresh, alone) = (Some(MS * mean), Some(MS * fresh), Some(MS * alone));
        let sight = Sight { mean, answers: 4, fresh, alone, idle: Some(idle), ..Sight::default() };
        Concurrency::new(Jobs::Adaptive, MS * 2_000).next(&sight)
    }

    /// More where scenarios wait and the machine is idle, fewer where the receiver has a queue or the machine is busy.
    #[test]
    fn the_number_follows_the_receiver_and_the_machine() {
        for (alone, fresh, mean, idle, wanted, why) in [
            (1_500, 1_501, 1_500, 0.9, 8, "slow, and alike side by side"),
            (2, 3, 2_000, 0.9, 8, "only duplicates are slow"),
            (1, 41, 20, 0.9, 8, "delayed acknowledgements"),
            (1, 1, 1, 0.9, 4, "nobody waits"),
            (1_500, 1_501, 1_500, 0.1, 8, "slow answers cost nothing, on a busy machine, too"),
            (40, 41, 40, 0.1, 4, "no machine left"),
            (40, 41, 40, 0.01, 4, "a busy machine, and no fewer than usual"),
            (300, 1_100, 1_000, 0.9, 2, "one after the other, and near the limit"),
            (100, 400, 400, 0.9, 4, "one after the other"),
        ] {
            assert_eq!(from_four(alone, fresh, mean, idle), wanted, "{why}");
        }
    }

    /// Where half of them wait long for what is not fresh, there is room for more before any of it is answered; not where fresh
    /// ones wait, too, nor on a busy machine, nor while nothing is known of what one alone takes.
    #[test]
    fn those_that_wait_make_room() {
        let waits = |waiting, fresh_waits, alone, idle| {
            let sight = Sight { waiting, fresh_waits: Some(MS * fresh_waits), alone, idle: Some(idle), ..Sight::default() };
            Concurrency::new(Jobs::Adaptive, MS * 2_000).next(&sight)
        };
        let alone = Some(MS * 2);
        assert_eq!((waits(2, 1, alone, 0.9), waits(1, 1, alone, 0.9)), (8, 4));
        assert_eq!((waits(4, 100, alone, 0.9), waits(4, 1, None, 0.9), waits(4, 1, alone, 0.01)), (4, 4, 4));
    }

    /// It ends at a most, does nothing before anything was seen, and keeps to what the user says.
    #[test]
    fn the_number_has_bounds() {
        let traffic = Traffic::default();
        let mut adaptive = Concurrency::new(Jobs::Adaptive, MS * 2_000);
        adaptive.adapt(&traffic, Some(1.0));
        assert_eq!(adaptive.now(), USUAL);
        let mut fixed = Concurrency::new(Jobs::Fixed(2), MS * 2_000);
        for _ in 0..10 {
            (0..MOST_THAT_WAIT).for_each(|_| traffic.note_fresh(MS * 500, &answered()));
            fixed.adapt(&traffic, Some(1.0));
            adaptive.adapt(&traffic, Some(1.0));
        }
        assert_eq!((adaptive.now(), adaptive.most_so_far(), fixed.now()), (MOST_THAT_WAIT, MOST_THAT_WAIT, 2));
    }
}
