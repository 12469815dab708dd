//! Histories: is there an order of events that explains every answer?
//!
//! In: operations (who was asked what about which key, from when to when, and
//! what came back), the law (how long a key lives), and, where a database was
//! read, the evidence. Out: for every key *consistent*, *broken* with the
//! smallest set of operations that shows it, or *undecided*.
//!
//! An operation takes effect at one instant between its invocation and its
//! return; one without an answer may take effect at any time after its
//! invocation, or never. Under the contract a key is accepted once a life, and
//! only a live key has duplicates. So a history is broken when no choice of
//! instants keeps that; whatever is not shown to be broken is left in peace.
//!
//! Memory is the operations' own (32 bytes each) and what is told; time is
//! that of sorting them. Start at [`judge`].
//!
//! Source: the definition of linearizability in Herlihy and Wing, "Linearizability:
//! a correctness condition for concurrent objects" (1990), for an object that
//! only learns keys and forgets them in time.

mod counting;
pub mod explanation;
pub mod parts;

pub use counting::{acceptances, works};
pub use explanation::Explanation;

use crate::outcome::{Outcome, OutcomeSet};
use counting::most_acceptances;

/// A second: keys live for whole ones, so either side of the boundary conforms.
const SECOND: i64 = 1_000_000;
/// How far from the boundary of a life both answers are right (contract: two whole seconds).
const LIFE_TOLERANCE: i64 = 2 * SECOND;
/// How far an instant that a receiver wrote may lie from when it was asked.
const INSTANT_TOLERANCE: i64 = 5 * SECOND;
/// Without an answer, an operation may take effect until the end of time.
pub const NEVER: i64 = i64::MAX;
/// So many broken keys are told in full.
const TOLD: usize = 20;

/// One delivery of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The key, as a number.
    pub key: u32,
    /// What came back.
    pub outcome: OutcomeSet,
    /// When it was sent: microseconds, any origin.
    pub invoked: i64,
    /// When its answer had come; [`NEVER`] without one, and where it may take effect all the same. A failure that has an end has
    /// taken none.
    pub returned: i64,
    /// The instant that a duplicate's answer refers to, on the same scale; [`NEVER`] where it refers to none.
    pub refers_to: i64,
}

impl Operation {
    /// Whether it failed, and has surely taken no effect.
    fn has_failed(&self) -> bool {
        self.outcome.is(Outcome::Failed) && self.returned != NEVER
    }
}

/// How long keys live, and what becomes of failures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Law {
    /// Microseconds; `None` when keys are never forgotten.
    pub life: Option<i64>,
    /// Whether a failure is its key's result, and given again.
    pub replays_failures: bool,
}

/// What a database says of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The key.
    pub key: u32,
    /// How many audit rows name it; `None` where none can.
    pub audit_rows: Option<u32>,
    /// How many key rows there are; `None` where there can be none.
    pub key_rows: Option<u32>,
}

/// What is known of one key's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Some order of events explains it.
    Consistent,
    /// None does: why, and the places of the operations (in the sorted history) that show it.
    Broken(Explanation, Vec<usize>),
    /// Nothing that came back says whether it was taken.
    Undecided,
}

/// What a whole history came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// How many keys there are.
    pub keys: usize,
    /// How many histories are explained.
    pub consistent: usize,
    /// How many are not.
    pub broken: usize,
    /// How many say nothing.
    pub undecided: usize,
    /// How many were delivered more than once, refusals left out.
    pub repeated: usize,
    /// How many were accepted.
    pub accepted: usize,
    /// How many were accepted, or have rows.
    pub evidenced: usize,
    /// How many were refused every time; and how many of those have audit rows all the same.
    pub refused: [usize; 2],
    /// Why they are broken, and how many for each reason; numbers of rows are those of the first.
    pub reasons: Vec<(Explanation, usize)>,
    /// The first broken ones in full.
    pub witnesses: Vec<Witness>,
}

/// A broken history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The key.
    pub key: u32,
    /// Why no order explains it.
    pub why: Explanation,
    /// The operations that show it, in order of invocation.
    pub operations: Vec<Operation>,
}

/// Judges a history; sorts it by key and invocation.
///
/// `evidence` is what a database says of the same keys, in any order; keys it
/// does not name are judged by their answers alone.
pub fn judge(history: &mut [Operation], evidence: &mut [Evidence], law: Law) -> Judgement {
    history.sort_unstable_by_key(|one| (one.key, one.invoked, one.returned));
    evidence.sort_unstable_by_key(|one| one.key);
    let mut judgement = Judgement::default();
    let mut rows = evidence.iter().peekable();
    for of_key in history.chunk_by(|a, b| a.key == b.key) {
        let key = of_key[0].key;
        while rows.next_if(|one| one.key < key).is_some() {}
        let found = rows.next_if(|one| one.key == key);
        judgement.keys += 1;
        judgement.count(of_key, found);
        match verdict(of_key, found, law) {
            Verdict::Consistent => judgement.consistent += 1,
            Verdict::Undecided => judgement.undecided += 1,
            Verdict::Broken(why, places) => {
                judgement.broken += 1;
                let same = |one: &&mut (Explanation, usize)| std::mem::discriminant(&one.0) == std::mem::discriminant(&why);
                match judgement.reasons.iter_mut().find(same) {
                    Some((_, count)) => *count += 1,
                    None => judgement.reasons.push((why, 1)),
                }
                if judgement.witnesses.len() < TOLD {
                    let operations = places.iter().map(|at| of_key[*at]).collect();
                    judgement.witnesses.push(Witness { key, why, operations });
                }
            }
        }
    }
    judgement
}

impl Judgement {
    /// Counts what a key's history is about.
    fn count(&mut self, of_key: &[Operation], rows: Option<&Evidence>) {
        let is_refused = of_key.iter().all(|one| one.outcome.is_refusal());
        let is_accepted = of_key.iter().any(|one| one.outcome.is_taken() && !one.outcome.is(Outcome::Duplicate));
        let audit_rows = rows.and_then(|rows| rows.audit_rows).unwrap_or(0);
        let has_rows = audit_rows > 0 || rows.and_then(|rows| rows.key_rows).unwrap_or(0) > 0;
        self.repeated += usize::from(of_key.iter().filter(|one| !one.outcome.is_refusal()).count() > 1);
        self.accepted += usize::from(is_accepted);
        self.evidenced += usize::from(is_accepted || has_rows);
        self.refused[0] += usize::from(is_refused);
        self.refused[1] += usize::from(is_refused && audit_rows > 0);
    }
}

/// Judges the operations of one key, sorted by invocation.
#[must_use]
pub fn verdict(history: &[Operation], evidence: Option<&Evidence>, law: Law) -> Verdict {
    let places = |is: &dyn Fn(OutcomeSet) -> bool| (0..history.len()).filter(|at| is(history[*at].outcome)).collect::<Vec<usize>>();
    let accepted = places(&|set| set.is(Outcome::Accepted));
    let failed: Vec<usize> = (0..history.len()).filter(|at| history[*at].has_failed()).collect();
    let unknown: Vec<usize> = places(&OutcomeSet::is_unknown).into_iter().filter(|at| !history[*at].has_failed()).collect();
    // Told as an acceptance or a duplicate, and nobody can see which.
    let alike = places(&|set| set.is_taken() && !set.is(Outcome::Accepted) && !set.is(Outcome::Duplicate));
    let possible: Vec<usize> = unknown.iter().chain(&alike).copied().collect();
    let broken = accepted_too_soon(history, &accepted, law)
        .or_else(|| duplicate_of_nothing(history, &accepted, &possible, law))
        .or_else(|| failure_forgotten(history, &accepted, &failed, law))
        .or_else(|| in_flight_alone(history))
        .or_else(|| reference_astray(history, &accepted, &possible))
        .or_else(|| {
            evidence.and_then(|rows| rows_astray(history, *rows, &Known { accepted: &accepted, unknown: &unknown, alike: &alike }, law))
        });
    if let Some((why, places)) = broken {
        return Verdict::Broken(why, places);
    }
    // A failure that the contract describes says what came of it.
    let says_nothing = |one: &Operation| one.outcome.is_unknown() && !one.outcome.is(Outcome::Failed);
    let nothing_came = history.iter().any(says_nothing) && history.iter().all(|one| one.outcome.is_unknown());
    let nothing_told = alike.len() > 1 && accepted.is_empty();
    if (nothing_came || nothing_told) && evidence.is_none() { Verdict::Undecided } else { Verdict::Consistent }
}

/// The places of operations, by what is known of them.
struct Known<'a> {
    accepted: &'a [usize],
    unknown: &'a [usize],
    alike: &'a [usize],
}

type Broken = Option<(Explanation, Vec<usize>)>;

/// The earliest an acceptance may follow another.
fn apart(law: Law) -> i64 {
    law.life.map_or(NEVER, |life| life.saturating_sub(LIFE_TOLERANCE).max(0))
}

/// Two acceptances of which the second comes before the first one's life can have ended.
fn accepted_too_soon(history: &[Operation], accepted: &[usize], law: Law) -> Broken {
    // Each as early as it may be: that leaves the next one the most room.
    let mut last: Option<(usize, i64)> = None;
    for at in accepted {
        let one = &history[*at];
        let earliest = match last {
            None => one.invoked,
            Some((_, before)) => one.invoked.max(before.saturating_add(apart(law))),
        };
        if earliest > one.returned || earliest == NEVER {
            return Some((Explanation::AcceptedTwice, last.map(|(before, _)| before).into_iter().chain([*at]).collect()));
        }
        last = Some((*at, earliest));
    }
    None
}

/// A duplicate of a key that nobody can have made live.
fn duplicate_of_nothing(history: &[Operation], accepted: &[usize], unknown: &[usize], law: Law) -> Broken {
    // Accepted ones are sorted by invocation: with the latest return so far, the last that began in time decides.
    let mut latest = NEVER.wrapping_neg();
    let returns: Vec<i64> = accepted
        .iter()
        .map(|at| {
            latest = latest.max(history[*at].returned);
            latest
        })
        .collect();
    for (at, one) in history.iter().enumerate().filter(|(_, one)| one.outcome.is(Outcome::Duplicate)) {
        let began = accepted.partition_point(|other| history[*other].invoked <= one.returned);
        let lives = began.checked_sub(1).is_some_and(|last| lives_at(returns[last], one.invoked, law));
        if lives {
            continue;
        }
        // Somebody without an answer may have been accepted, unless an acceptance nearby leaves no room for it.
        let room = |other: &Operation| {
            let crowds = |near: &usize| {
                let near = &history[*near];
                near.returned.saturating_sub(other.invoked) < apart(law) && one.returned.saturating_sub(near.invoked) < apart(law)
            };
            other.invoked <= one.returned && lives_at(other.returned, one.invoked, law) && !accepted.iter().any(crowds)
        };
        if unknown.iter().any(|other| room(&history[*other])) {
            continue;
        }
        let why = if accepted.is_empty() { Explanation::DuplicateOfNothing } else { Explanation::DuplicateOutsideLife };
        let near = accepted.get(began.saturating_sub(1)).copied();
        let mut shown: Vec<usize> = near.into_iter().chain([at]).collect();
        shown.sort_unstable();
        return Some((why, shown));
    }
    None
}

/// Whether a key that was accepted no later than `accepted_by` may live at `at`.
fn lives_at(accepted_by: i64, at: i64, law: Law) -> bool {
    law.life.is_none_or(|life| at <= accepted_by.saturating_add(life).saturating_add(LIFE_TOLERANCE))
}

/// An acceptance after a failure that was to be given again.
fn failure_forgotten(history: &[Operation], accepted: &[usize], failed: &[usize], law: Law) -> Broken {
    let lives =
        |failed: &Operation, at: &Operation| at.invoked > failed.returned && at.returned < failed.invoked.saturating_add(apart(law));
    let mut pairs = failed.iter().flat_map(|failed| accepted.iter().map(move |at| (*failed, *at)));
    let found = pairs.find(|(failed, at)| law.replays_failures && lives(&history[*failed], &history[*at]));
    found.map(|(failed, at)| (Explanation::FailureForgotten, vec![failed, at]))
}

/// A delivery that was told of one under way, although none was.
fn in_flight_alone(history: &[Operation]) -> Broken {
    history.iter().enumerate().filter(|(_, one)| one.outcome.is(Outcome::InFlight)).find_map(|(at, one)| {
        let works = |other: &Operation| !other.outcome.is_refusal() && !other.outcome.is(Outcome::InFlight);
        // After a failure a key may be in flight until its lease ends.
        let ended = |other: &Operation| if other.has_failed() { NEVER } else { other.returned };
        let overlaps = |other: &Operation| other.invoked <= one.returned && one.invoked <= ended(other);
        let alone = !history.iter().enumerate().any(|(place, other)| place != at && works(other) && overlaps(other));
        alone.then(|| (Explanation::InFlightAlone, vec![at]))
    })
}

/// Duplicates that refer to an instant at which nothing can have been accepted, or to more instants than there were acceptances.
fn reference_astray(history: &[Operation], accepted: &[usize], unknown: &[usize]) -> Broken {
    let mut instants: Vec<(i64, usize)> = Vec::new();
    for (at, one) in history.iter().enumerate() {
        if !one.outcome.is(Outcome::Duplicate) || one.refers_to == NEVER || instants.iter().any(|(known, _)| *known == one.refers_to) {
            continue;
        }
        let near = |other: &usize| {
            let other = &history[*other];
            let from = other.invoked.saturating_sub(INSTANT_TOLERANCE);
            (from..=other.returned.saturating_add(INSTANT_TOLERANCE)).contains(&one.refers_to)
        };
        if !accepted.iter().chain(unknown).any(near) {
            let first = accepted.first().copied();
            return Some((Explanation::ReferenceElsewhere, first.into_iter().filter(|first| *first != at).chain([at]).collect()));
        }
        instants.push((one.refers_to, at));
        if instants.len() > accepted.len() + unknown.len() {
            return Some((Explanation::ReferencesDiffer, instants.iter().map(|(_, at)| *at).collect()));
        }
    }
    None
}

/// Rows that do not fit the answers.
fn rows_astray(history: &[Operation], rows: Evidence, known: &Known<'_>, law: Law) -> Broken {
    let Known { accepted, unknown, alike } = *known;
    // Of answers that are alike, the first was an acceptance, and no more of them than lives have room for.
    let least = if accepted.is_empty() && unknown.is_empty() { usize::from(!alike.is_empty()) } else { accepted.len() };
    let most = unknown.len() + if alike.is_empty() { accepted.len() } else { most_acceptances(history, known, law).max(accepted.len()) };
    let everything = || (0..history.len().min(TOLD)).collect::<Vec<usize>>();
    if let Some(rows) = rows.audit_rows.filter(|rows| (*rows as usize) < least) {
        let shown = if accepted.is_empty() { alike.iter().take(1).copied().collect() } else { accepted.to_vec() };
        return Some((Explanation::AuditRowsMissing { rows }, shown));
    }
    if let Some(rows) = rows.audit_rows.filter(|rows| *rows as usize > most) {
        let is_refused = history.iter().all(|one| one.outcome.is_refusal());
        let why = if is_refused { Explanation::AuditRowsOfRefused { rows } } else { Explanation::AuditRowsTooMany { rows } };
        return Some((why, everything()));
    }
    let rows = rows.key_rows?;
    if rows > 0 && most == 0 {
        return Some((Explanation::TraceOfRefused, everything()));
    }
    let ended = |at: &usize| {
        let seen_last = history.iter().map(|one| one.invoked).max().unwrap_or(0);
        !lives_at(history[*at].invoked, seen_last.saturating_add(2 * LIFE_TOLERANCE), law)
    };
    let forgotten = rows == 0 && accepted.last().is_some_and(|last| !ended(last));
    (forgotten || rows > 1).then(|| (Explanation::KeyRows { rows }, accepted.last().copied().into_iter().collect()))
}

#[cfg(test)]
mod tests;
