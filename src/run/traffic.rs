//! Traffic: what is under way at a target, and how long its answers took.
//!
//! In: every delivery of a run when it sets out and when it is over. Out: a
//! [`Sight`] for whoever decides how many scenarios are played side by side,
//! and whether a late answer may be so for the sake of others.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Moment;
use crate::delivery::{Answer, NoAnswer};

/// More scenarios than this are never played at a time, however long they wait.
pub(super) const MOST_THAT_WAIT: usize = 64;
/// For answers that take so long more scenarios cost next to nothing, on a busy machine, too.
pub(super) const LONG_WAIT: Duration = Duration::from_millis(300);

/// How long answers took, and whether any came.
#[derive(Debug, Default)]
pub struct Traffic {
    samples: Mutex<Samples>,
    borne: AtomicUsize,
    /// How many deliveries were begun, and how many of them are over.
    begun: AtomicU64,
    over: AtomicU64,
    out: Mutex<BTreeMap<u64, Out>>,
    outs: AtomicU64,
}

/// What a scenario waits for.
#[derive(Clone, Copy, Debug)]
struct Out {
    since: Moment,
    is_fresh: bool,
}

/// A scenario that waits, until it is dropped.
#[derive(Debug)]
pub struct Waits<'t> {
    traffic: &'t Traffic,
    number: u64,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.traffic.out.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

/// Deliveries that are under way, until it is dropped.
#[derive(Debug)]
pub struct UnderWay<'t> {
    traffic: &'t Traffic,
    own: u64,
    _waits: Waits<'t>,
    /// How many were over when these began.
    over_before: u64,
}

impl UnderWay<'_> {
    /// How many others were under way at some moment meanwhile.
    #[must_use]
    pub fn others(&self) -> u64 {
        self.traffic.begun.load(Ordering::SeqCst).saturating_sub(self.over_before).saturating_sub(self.own)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.traffic.over.fetch_add(self.own, Ordering::SeqCst);
    }
}

#[derive(Debug, Default)]
struct Samples {
    /// How long fresh, honest deliveries took since the last look.
    fresh: Vec<Duration>,
    /// The quickest of all.
    quickest: Option<Duration>,
    /// How long all answers took since the last look, together.
    waited: Duration,
    count: u32,
    answered: u64,
    given_up: u64,
}

/// What was seen since the last look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sight {
    /// How long an answer took, on the average; nothing when none came.
    pub mean: Option<Duration>,
    /// How many answers came.
    pub answers: u32,
    /// How long a fresh delivery took, as a rule.
    pub fresh: Option<Duration>,
    /// How long the quickest fresh delivery of all took: what one alone takes.
    pub alone: Option<Duration>,
    /// Which part of the machine is idle; unknown on some systems.
    pub idle: Option<f64>,
    /// How many deliveries other than fresh ones have been waited for long by now.
    pub waiting: usize,
    /// For how long the fresh delivery has been waited for that is the longest under way.
    pub fresh_waits: Option<Duration>,
}

impl Traffic {
    /// So many deliveries set out together.
    ///
    /// * `is_fresh`: whether it is a fresh, honest one.
    pub fn set_out(&self, own: usize, is_fresh: bool) -> UnderWay<'_> {
        let own = own as u64;
        let over_before = self.over.load(Ordering::SeqCst);
        self.begun.fetch_add(own, Ordering::SeqCst);
        UnderWay { traffic: self, own, _waits: self.wait(is_fresh), over_before }
    }

    /// A scenario waits: for its turn, or for a delivery that is a fresh, honest one or not.
    pub fn wait(&self, is_fresh: bool) -> Waits<'_> {
        let number = self.outs.fetch_add(1, Ordering::Relaxed);
        self.out.lock().unwrap_or_else(PoisonError::into_inner).insert(number, Out { since: Moment::now(), is_fresh });
        Waits { traffic: self, number }
    }

    /// How many have been waited for long, and for how long the fresh one that is the longest under way.
    fn waiting(&self) -> (usize, Option<Duration>) {
        let out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let long = out.values().filter(|one| !one.is_fresh && one.since.elapsed() >= LONG_WAIT).count();
        (long, out.values().filter(|one| one.is_fresh).map(|one| one.since.elapsed()).max())
    }

    /// Whether a receiver that serves one delivery after the other would have been so late for the others' sake alone.
    ///
    /// * `late`: how much later than the contract allows; * `others`: how many were under way meanwhile.
    #[must_use]
    pub fn may_be_for_others(&self, late: Duration, others: u64) -> bool {
        let alone = self.samples.lock().unwrap_or_else(PoisonError::into_inner).quickest;
        alone.is_some_and(|alone| alone.saturating_mul(u32::try_from(others).unwrap_or(u32::MAX)) >= late)
    }

    /// What came of a fresh, honest delivery, and how long that took.
    pub fn note_fresh(&self, took: Duration, result: &Result<Answer, NoAnswer>) {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        if result.is_ok() {
            samples.fresh.push(took);
            samples.quickest = Some(samples.quickest.map_or(took, |quickest| quickest.min(took)));
        }
        samples.note(took, result);
    }

    /// What came of any other delivery, and how long that took.
    pub fn note(&self, took: Duration, result: &Result<Answer, NoAnswer>) {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner).note(took, result);
    }

    /// What came of a delivery through a network that went wrong: how long that took says nothing, whether it was answered does.
    pub fn note_through_fault(&self, result: &Result<Answer, NoAnswer>, was_answered: bool) {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Err(NoAnswer::TimedOut { .. }) if !was_answered => samples.given_up += 1,
            Ok(_) | Err(_) => samples.answered += u64::from(was_answered || result.is_ok()),
        }
    }

    /// So many side by side were borne so far.
    pub fn set_borne(&self, number: usize) {
        self.borne.store(number, Ordering::Relaxed);
    }

    /// How many deliveries may be sent side by side where nothing else is.
    #[must_use]
    pub fn borne(&self) -> usize {
        self.borne.load(Ordering::Relaxed).clamp(1, MOST_THAT_WAIT)
    }

    /// How many deliveries were given up, when none has ever been answered.
    #[must_use]
    pub fn never_answered(&self) -> Option<u64> {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        (samples.answered == 0).then_some(samples.given_up)
    }

    /// What was seen so far, without what only the machine knows.
    #[must_use]
    pub(super) fn sight(&self, idle: Option<f64>) -> Sight {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.fresh.sort_unstable();
        let (waiting, fresh_waits) = self.waiting();
        Sight {
            waiting,
            fresh_waits,
            mean: samples.waited.checked_div(samples.count),
            answers: samples.count,
            fresh: samples.fresh.get(samples.fresh.len() / 2).copied(),
            alone: samples.quickest,
            idle,
        }
    }

    /// Begins anew: what was seen before belongs to another number of scenarios.
    pub(super) fn forget(&self) {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.fresh.clear();
        (samples.waited, samples.count) = (Duration::ZERO, 0);
    }
}

impl Samples {
    fn note(&mut self, took: Duration, result: &Result<Answer, NoAnswer>) {
        self.waited += took;
        self.count += 1;
        match result {
            Ok(_) => self.answered += 1,
            Err(NoAnswer::TimedOut { .. }) => self.given_up += 1,
            // It ended by itself: nobody waited for it.
            Err(NoAnswer::Unreachable { .. } | NoAnswer::Broken { .. } | NoAnswer::Garbled { .. }) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn answered() -> Result<Answer, NoAnswer> {
        Ok(Answer { status: 200, headers: Vec::new(), body: bytes::Bytes::new() })
    }

    /// A late answer is laid to the others' charge where serving them one by one takes so long; not where nearly nobody was there.
    #[test]
    fn late_answers_may_be_for_the_sake_of_others() {
        let (traffic, ms) = (Traffic::default(), Duration::from_millis);
        let answer = Ok(Answer { status: 202, headers: Vec::new(), body: bytes::Bytes::new() });
        assert!(!traffic.may_be_for_others(ms(1), 1_000), "nothing is known of it");
        traffic.note_fresh(ms(10), &answer);
        let other = traffic.set_out(64, false);
        let this = traffic.set_out(1, false);
        drop(other);
        let later = traffic.set_out(35, false);
        assert_eq!((this.others(), later.others()), (99, 1));
        assert_eq!((traffic.may_be_for_others(ms(990), 99), traffic.may_be_for_others(ms(991), 99)), (true, false));
        drop((this, later));
        assert_eq!(traffic.set_out(1, false).others(), 0);
    }

    /// Who is under way has not waited long at once, and waits no more when it is over.
    #[test]
    fn who_waits_is_known_until_it_is_over() {
        let traffic = Traffic::default();
        let (fresh, other) = (traffic.set_out(1, true), traffic.set_out(2, false));
        assert_eq!((traffic.waiting().0, traffic.waiting().1.is_some()), (0, true), "nobody has waited long");
        drop((fresh, other));
        assert_eq!(traffic.waiting(), (0, None));
    }

    /// That nothing is ever answered is known only as long as nothing is.
    #[test]
    fn silence_ends_with_the_first_answer() {
        let traffic = Traffic::default();
        (0..3).for_each(|_| traffic.note(MS, &Err(NoAnswer::TimedOut { after: MS })));
        assert_eq!(traffic.never_answered(), Some(3));
        // Nor does a delivery count as answered whose answer was lost without having been given.
        traffic.note_through_fault(&Err(NoAnswer::TimedOut { after: MS }), false);
        assert_eq!(traffic.never_answered(), Some(4));
        traffic.note_through_fault(&Err(NoAnswer::TimedOut { after: MS }), true);
        assert_eq!(traffic.never_answered(), None);
        let other = Traffic::default();
        other.note(MS, &answered());
        assert_eq!(other.never_answered(), None);
    }
}
