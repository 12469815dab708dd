//! Counting: how often a key was accepted and worked for, at least and at most.
//!
//! Answers alone say it, with how long keys live: rows, events and effects are held against it.

use super::{Known, Law, NEVER, Operation, apart};
use crate::outcome::{Outcome, OutcomeSet};

/// How many acceptances of one key a history has until `now`, at least and at most; it is sorted by invocation.
///
/// Whoever got no answer, or a failure, may have been accepted; but no more of them all than lives have room for.
#[must_use]
pub fn acceptances(history: &[Operation], law: Law, now: i64) -> (usize, usize) {
    let places = |is: &dyn Fn(OutcomeSet) -> bool| (0..history.len()).filter(|at| is(history[*at].outcome)).collect::<Vec<usize>>();
    let accepted = places(&|set| set.is(Outcome::Accepted));
    let alike = places(&|set| set.is_taken() && !set.is(Outcome::Accepted) && !set.is(Outcome::Duplicate));
    let unknown = places(&OutcomeSet::is_unknown);
    let is_known = history.iter().any(|one| one.outcome.is(Outcome::Duplicate)) || !alike.is_empty();
    if accepted.is_empty() && !is_known {
        return (0, unknown.len());
    }
    let mut ended = history.to_vec();
    ended.iter_mut().for_each(|one| one.returned = one.returned.min(now.max(one.invoked)));
    let possible: Vec<usize> = alike.iter().chain(&unknown).copied().collect();
    let known = Known { accepted: &accepted, unknown: &[], alike: &possible };
    let least = accepted.len().max(usize::from(is_known));
    (least, most_acceptances(&ended, &known, law).max(least))
}

/// How often the work of one key must and may be done until `now`: once a life, also where more deliveries were answered as
/// acceptances than there were lives; it is sorted by invocation.
#[must_use]
pub fn works(history: &[Operation], law: Law, now: i64) -> (usize, usize) {
    let (least, most) = acceptances(history, law, now);
    let accepted: Vec<usize> = (0..history.len()).filter(|at| history[*at].outcome.is(Outcome::Accepted)).collect();
    let lives = most_acceptances(history, &Known { accepted: &accepted, unknown: &[], alike: &[] }, law);
    // Of those that were told so wrongly the work is done once.
    let surplus = accepted.len().saturating_sub(lives);
    (least - surplus.min(least), most - surplus.min(most))
}

/// How many of those that may be acceptances can be: each at one instant of its own, and lives apart.
pub(super) fn most_acceptances(history: &[Operation], known: &Known<'_>, law: Law) -> usize {
    let mut candidates: Vec<&Operation> = known.accepted.iter().chain(known.alike).map(|at| &history[*at]).collect();
    candidates.sort_by_key(|one| one.returned);
    let mut last: Option<i64> = None;
    let mut count = 0;
    for one in candidates {
        let earliest = last.map_or(one.invoked, |last| one.invoked.max(last.saturating_add(apart(law))));
        if earliest <= one.returned && (last.is_none() || earliest != NEVER) {
            (last, count) = (Some(earliest), count + 1);
        }
    }
    count
}
