//! Together: loads that begin at one moment, and whose deliveries keep to their weights.
//!
//! In: a weight for each. Out: a [`Member`] for each, which its load asks. In the open model a clock says what is due to whom; in the closed
//! model a load that is ahead of its share waits for the others, so that a receiver that is slow in one place is loaded as it would be by
//! users who deliver all of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::{Barrier, watch};

/// So many deliveries one may be ahead of its share: answers do not come one by one.
const AHEAD: u64 = 16;

#[derive(Debug)]
struct Together {
    begin: Barrier,
    called_off: watch::Sender<bool>,
    shares: Vec<Share>,
}

#[derive(Debug)]
struct Share {
    weight: u64,
    taken: AtomicU64,
    has_ended: AtomicBool,
}

/// One of several loads.
#[derive(Clone, Debug)]
pub struct Member {
    all: Arc<Together>,
    at: usize,
}

/// A member for each weight.
#[must_use]
pub fn members(weights: &[u32]) -> Vec<Member> {
    let share = |weight: &u32| Share { weight: u64::from(*weight), taken: AtomicU64::new(0), has_ended: AtomicBool::new(false) };
    let shares = weights.iter().map(share).collect();
    let all = Arc::new(Together { begin: Barrier::new(weights.len()), called_off: watch::Sender::new(false), shares });
    (0..weights.len()).map(|at| Member { all: Arc::clone(&all), at }).collect()
}

impl Member {
    /// Waits until all are ready; false when one of them will never be.
    pub async fn begin(&self) -> bool {
        let mut called_off = self.all.called_off.subscribe();
        tokio::select! {
            biased;
            _ = called_off.wait_for(|is_off| *is_off) => false,
            _ = self.all.begin.wait() => true,
        }
    }

    /// Says that one of them will not begin: the others do not either.
    pub fn call_off(&self) {
        self.all.called_off.send_replace(true);
    }

    /// Takes on a delivery, if that is not too far ahead of the others.
    #[must_use]
    pub fn takes_one(&self) -> bool {
        let own = &self.all.shares[self.at];
        let taken = own.taken.load(Ordering::Relaxed);
        let is_ahead_of = |other: &Share| {
            let fair = other.taken.load(Ordering::Relaxed).saturating_add(1).saturating_mul(own.weight);
            taken.saturating_sub(AHEAD).saturating_mul(other.weight) >= fair
        };
        let others = self.all.shares.iter().enumerate().filter(|(at, other)| *at != self.at && !other.has_ended.load(Ordering::Relaxed));
        let may = others.map(|(_, other)| other).all(|other| !is_ahead_of(other));
        if may {
            own.taken.fetch_add(1, Ordering::Relaxed);
        }
        may
    }

    /// It is over: nobody waits for it any more.
    pub fn end(&self) {
        self.all.shares[self.at].has_ended.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that is never answered holds the other up; when it is over, nobody waits for it.
    #[test]
    fn nobody_is_far_ahead_of_its_share() {
        let [fast, slow] = &members(&[3, 1])[..] else { unreachable!("two") };
        let taken = |member: &Member| (0..1_000).take_while(|_| member.takes_one()).count();
        assert_eq!((taken(fast), fast.takes_one()), (19, false));
        assert!(slow.takes_one());
        assert_eq!(taken(fast), 3);
        slow.end();
        assert_eq!(taken(fast), 1_000);
        assert!(taken(slow) > 300, "what is behind does not wait");
    }

    #[tokio::test]
    async fn all_begin_or_none() {
        let [one, other] = &members(&[1, 1])[..] else { unreachable!("two") };
        assert_eq!(tokio::join!(one.begin(), other.begin()), (true, true));
        one.call_off();
        assert!(!other.begin().await);
    }
}
