//! Pace: how often a receiver is asked, at the most.
//!
//! In: a rate, and who wants to send. Out: their turn. Every delivery and every
//! question takes one turn; a burst of eight is released in one piece, as it
//! must be, and takes eight: the next one waits for them all.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Moment;

/// A rate that is kept to by all who send.
#[derive(Debug)]
pub struct Pace {
    began: Moment,
    /// Time between two turns; nothing where as many as like may send.
    apart: Option<Duration>,
    /// When the next turn is, counted from the beginning.
    next: Mutex<Duration>,
}

impl Pace {
    /// A pace of so many turns a second; without a rate there is always one.
    #[must_use]
    pub fn new(rate: Option<f64>) -> Self {
        let apart = rate.filter(|rate| rate.is_finite() && *rate > 0.0).map(|rate| Duration::from_secs_f64(1.0 / rate));
        Self { began: Moment::now(), apart, next: Mutex::default() }
    }

    /// Waits for the turn of so many deliveries that leave together.
    pub async fn turn(&self, deliveries: usize) {
        if let Some(wait) = self.wait(self.began.elapsed(), deliveries) {
            tokio::time::sleep(wait).await;
        }
    }

    /// How long somebody waits who comes at `now`; what was not used before is not made up for.
    fn wait(&self, now: Duration, deliveries: usize) -> Option<Duration> {
        let apart = self.apart?;
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = now.max(*next);
        *next = turn.saturating_add(apart.saturating_mul(u32::try_from(deliveries).unwrap_or(u32::MAX)));
        turn.checked_sub(now).filter(|wait| !wait.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Turns are so far apart, a burst takes as many as it has deliveries, and idle time is not saved up.
    #[test]
    fn turns_are_a_rate_apart() {
        let pace = Pace::new(Some(50.0));
        for (now, deliveries, wait) in [(0, 1, 0), (0, 1, 20), (0, 8, 40), (30, 1, 170), (10_000, 1, 0), (10_000, 1, 20)] {
            assert_eq!(pace.wait(MS * now, deliveries).unwrap_or_default(), MS * wait, "at {now} ms");
        }
        assert_eq!(Pace::new(None).wait(MS, 1_000), None);
    }
}
