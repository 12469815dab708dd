//! Tally: what each user of a load has come to by now.
//!
//! Counts that whoever looks on adds up: what was measured is handed over later, and in lots.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a user has come to by now; nobody else writes it, and it shares no cache line with another's.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct Tally {
    sent: AtomicU64,
    measured: AtomicU64,
    answered: AtomicU64,
    unanswered: AtomicU64,
}

impl Tally {
    /// A delivery is on its way.
    pub fn note_sent(&self) {
        Self::one_more(&self.sent);
    }

    /// An answer came that is measured.
    pub fn note_measured(&self) {
        Self::one_more(&self.measured);
    }

    /// An answer came, whether it is measured or not.
    pub fn note_answered(&self) {
        Self::one_more(&self.answered);
    }

    /// A delivery has left, and no answer came.
    pub fn note_unanswered(&self) {
        Self::one_more(&self.unanswered);
    }

    /// How many deliveries are on their way, or have been.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// How many answers came that are measured.
    #[must_use]
    pub fn measured(&self) -> u64 {
        self.measured.load(Ordering::Relaxed)
    }

    /// How many answers came in all.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// How many deliveries have left, and were never answered.
    #[must_use]
    pub fn unanswered(&self) -> u64 {
        self.unanswered.load(Ordering::Relaxed)
    }

    /// With one writer this is no more than a load and a store.
    fn one_more(counter: &AtomicU64) {
        counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }
}

/// What all users have come to.
#[must_use]
pub fn sum(tallies: &[Tally], of: fn(&Tally) -> u64) -> u64 {
    tallies.iter().map(of).sum()
}
