//! Afterwards: what is asked of a receiver when a load is over, before it is judged.
//!
//! In: the history, and how long there is. Out: more of the history, and whether the receiver is still there. Deliveries whose
//! answer does not tell what became of them are sent once more: whatever is said now tells.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::time::Duration;

use super::Plan;
use super::judging::{About, Checked, Found, Violation, line, verdict_of};
use super::shared::Shared;
use super::user::deliver_again;
use crate::clock::Moment;
use crate::contract::outcome::Refusal;
use crate::contract::{Contract, Refusals};
use crate::history::consistency::Operation;
use crate::outcome::Outcome;
use crate::scenario::requirement::Catalogue;
use crate::transport::connection::Connection;

/// So many deliveries are followed up.
const MOST_FOLLOWED: usize = 10_000;
/// So many violations are told in full.
const TOLD: usize = 5;
/// So many refused keys are delivered honestly.
const MOST_PROBED: usize = 64;
/// A receiver that takes no connection may be starting anew: it is given so long.
const PATIENCE: Duration = Duration::from_secs(2);
/// And is asked again after so long.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// What was learned after a load.
#[derive(Debug, Default)]
pub struct Afterwards {
    /// What was sent, and what came back.
    pub operations: Vec<Operation>,
    /// How many deliveries without an answer were delivered once more, and answered.
    pub unanswered: u64,
    /// How many whose answer left open what became of them.
    pub open: u64,
    /// How many refused keys were delivered honestly, and answered.
    pub probed: u64,
    /// What came of those that were not accepted: their refusal has used them up.
    pub burned: Vec<Operation>,
    /// Why the receiver takes no connections any more, where some were refused and it does not.
    pub gone: Option<String>,
}

/// Asks.
///
/// * `time`: what is left for it.
pub(super) async fn ask(plan: &Plan, shared: &Shared, history: &[Operation], time: Duration) -> Afterwards {
    if !plan.verify {
        return Afterwards::default();
    }
    let followed = open_in(history);
    let began = Moment::now();
    let again = deliver_again(shared, followed.iter().map(|(key, _)| *key), time).await;
    let refused = if again.answered.last() == Some(&false) || !can_burn(plan, shared) { Vec::new() } else { refused_in(history) };
    let probes = deliver_again(shared, refused.into_iter(), time.saturating_sub(began.elapsed())).await.operations;
    let Probed { probed, burned, taken } = Probed::of(probes);
    let answered = || followed.iter().zip(&again.answered).filter(|(_, is_answered)| **is_answered);
    let unanswered = answered().filter(|((_, was_answered), _)| !was_answered).count() as u64;
    let open = answered().count() as u64 - unanswered;
    let operations = again.operations.into_iter().chain(taken).collect();
    Afterwards { open, unanswered, operations, probed, burned, gone: None }
}

/// Whether a refusal can use a key up, and an answer tells that it has.
fn can_burn(plan: &Plan, shared: &Shared) -> bool {
    let contract = &plan.contract;
    // A feed says itself what is delivered after what.
    contract.is_by_key() && contract.refusals != Refusals::Kept && shared.reader.tells_duplicates() && shared.feeding.is_none()
}

/// What honest deliveries of refused keys have shown.
#[derive(Debug, Default, PartialEq, Eq)]
struct Probed {
    /// How many tell whether their key was used up.
    probed: u64,
    /// Those whose key was. Their deliveries were turned away, which says nothing of these keys' lives: they are no history.
    burned: Vec<Operation>,
    /// All others, which are more of the history.
    taken: Vec<Operation>,
}

impl Probed {
    /// * `operations`: one a key; two where its delivery went once more over a new connection, because the first met its end.
    fn of(operations: Vec<Operation>) -> Self {
        // What left and was not answered may have been the acceptance: a duplicate of such a key is one of our own first delivery.
        let open: BTreeSet<u32> = operations.iter().filter(|one| one.outcome.is_unknown()).map(|one| one.key).collect();
        let mut sorted = Self::default();
        for one in operations {
            if is_told_refused(&one) || (one.outcome.is(Outcome::Duplicate) && !open.contains(&one.key)) {
                sorted.burned.push(one);
                sorted.probed += 1;
            } else {
                // A duplicate is among them only where it tells nothing.
                sorted.probed += u64::from(one.outcome.is_taken() && !one.outcome.is(Outcome::Duplicate));
                sorted.taken.push(one);
            }
        }
        sorted
    }
}

/// Whether it was refused as the contract describes it; a delivery that never reached the receiver stands as turned away, too.
fn is_told_refused(one: &Operation) -> bool {
    one.outcome.is_refusal() && !one.outcome.may_be(Outcome::Rejected)
}

/// Some keys that were refused every time for their signature, spread over the history.
fn refused_in(history: &[Operation]) -> Vec<u32> {
    // One without a key, or with another's, was no delivery of this one.
    let is_refused = |one: &&Operation| {
        is_told_refused(one) && [Refusal::MissingKey, Refusal::OtherBody].iter().all(|why| !one.outcome.may_be(Outcome::Refused(*why)))
    };
    let step = history.iter().filter(is_refused).count().div_ceil(MOST_PROBED).max(1);
    let mut keys: BTreeSet<u32> = history.iter().filter(is_refused).step_by(step).map(|one| one.key).collect();
    for other in history.iter().filter(|one| !one.outcome.is_refusal()) {
        keys.remove(&other.key);
    }
    keys.into_iter().collect()
}

/// The keys of deliveries of which nobody knows what became, and whether they had an answer. What went twice and was answered the second
/// time is known by that.
fn open_in(history: &[Operation]) -> Vec<(u32, bool)> {
    let is_known = |one: &Operation, next: Option<&Operation>| {
        next.is_some_and(|next| next.key == one.key && next.invoked == one.invoked && !next.outcome.is_unknown())
    };
    let mut seen = BTreeSet::new();
    let open = history.iter().enumerate().filter(|(at, one)| one.outcome.is_unknown() && !is_known(one, history.get(at + 1)));
    let of_keys = open.filter(|(_, one)| seen.len() < MOST_FOLLOWED && seen.insert(one.key));
    of_keys.map(|(_, one)| (one.key, !one.outcome.is(Outcome::NoAnswer))).collect()
}

/// Why a receiver takes no connections any more; nothing where it does, or where only this machine's own trouble is known.
pub(super) async fn gone(plan: &Plan) -> Option<String> {
    let began = Moment::now();
    loop {
        let Err(gone) = Connection::open(&plan.target, plan.timeout.min(PATIENCE)).await else { return None };
        match gone.kind {
            Some(ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset | ErrorKind::NotFound | ErrorKind::HostUnreachable) => {}
            Some(_) | None => return None,
        }
        if began.elapsed() >= PATIENCE {
            return Some(gone.cause);
        }
        tokio::time::sleep(ASK_AGAIN).await;
    }
}

impl Found {
    /// Adds what honest deliveries of refused keys have shown.
    pub fn add_probes(&mut self, catalogue: &Catalogue, after: &Afterwards, about: &About<'_>) {
        let Some(id) = catalogue.always.refusals_leave_no_trace.as_ref().filter(|id| about.contract.promises(id)) else { return };
        let (probed, burned) = (after.probed, after.burned.len() as u64);
        if probed == 0 {
            return;
        }
        match self.requirements.iter_mut().find(|one| one.id == *id) {
            Some(one) => {
                // Rows may have shown every refused key already.
                (one.checked, one.violations) = (one.checked.max(probed), one.violations + burned);
                one.verdict = verdict_of(one.checked, one.violations);
            }
            None => self.add(catalogue, id, probed, Checked::Keys, burned),
        }
        self.violations.extend(after.burned.iter().take(TOLD).map(|one| Violation {
            requirement: id.clone(),
            key: (about.key)(one.key),
            why: "it was refused in the load, and its first honest delivery afterwards was not accepted".to_owned(),
            operations: vec![line(one)],
            rows: None,
            curl: (about.curl)(one.key),
        }));
    }

    /// Adds that the receiver has not outlived the load.
    pub fn add_death(&mut self, catalogue: &Catalogue, contract: &Contract, why: &str) {
        let Some(id) = catalogue.always.lives.as_ref().filter(|id| contract.promises(id)) else { return };
        self.add(catalogue, id, 1, Checked::Looks, 1);
        self.violations.push(Violation {
            requirement: id.clone(),
            key: String::new(),
            why: format!("after the load it took no connections any more: {why}"),
            operations: Vec::new(),
            rows: None,
            curl: String::new(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::consistency::NEVER;
    use crate::outcome::OutcomeSet;

    /// Of refused keys some are delivered honestly: those that were never anything else, and were there at all.
    #[test]
    fn refused_keys_are_delivered_honestly() {
        let refused = |why| Outcome::Refused(why);
        let one = |key, outcome| Operation { key, outcome: OutcomeSet::only(outcome), invoked: 1, returned: 2, refers_to: NEVER };
        let history = [
            one(1, refused(Refusal::Signature)),
            one(2, refused(Refusal::MissingKey)),
            one(3, refused(Refusal::Signature)),
            one(3, Outcome::Accepted),
            one(4, refused(Refusal::OtherBody)),
            one(5, Outcome::Accepted),
            one(6, refused(Refusal::MissingSignature)),
            one(7, Outcome::Rejected),
        ];
        assert_eq!(refused_in(&history), [1, 6]);
        assert_eq!(refused_in(&vec![history[0]; 1_000]), [1]);
    }

    /// A refusal, and a duplicate of nothing, show a key that was used up; a duplicate of a delivery of ours that went before it shows none.
    #[test]
    fn duplicate_of_what_was_sent_twice_is_no_burned_key() {
        let refused = Outcome::Refused(Refusal::Signature);
        let of = |outcomes: &[Outcome]| {
            let one =
                |outcome: &Outcome| Operation { key: 1, outcome: OutcomeSet::only(*outcome), invoked: 1, returned: 2, refers_to: NEVER };
            let Probed { probed, burned, taken } = Probed::of(outcomes.iter().map(one).collect());
            (probed, burned.len(), taken.len())
        };
        assert_eq!(of(&[Outcome::Accepted]), (1, 0, 1));
        assert_eq!(of(&[Outcome::Duplicate]), (1, 1, 0));
        assert_eq!(of(&[refused]), (1, 1, 0));
        assert_eq!(of(&[Outcome::Rejected]), (0, 0, 1));
        assert_eq!(of(&[Outcome::NoAnswer]), (0, 0, 1));
        // Sent twice.
        assert_eq!(of(&[Outcome::NoAnswer, Outcome::Accepted]), (1, 0, 2));
        assert_eq!(of(&[Outcome::NoAnswer, Outcome::Duplicate]), (0, 0, 2));
        assert_eq!(of(&[Outcome::NoAnswer, refused]), (1, 1, 1));
    }

    /// What went twice and was answered then is known; a time-out and a failure are not, and each key is asked about once.
    #[test]
    fn what_is_open_is_followed_up_once() {
        let one = |key, invoked, outcome| Operation { key, outcome: OutcomeSet::only(outcome), invoked, returned: NEVER, refers_to: NEVER };
        let history = [
            one(1, 10, Outcome::NoAnswer),
            one(1, 10, Outcome::Accepted),
            one(2, 20, Outcome::NoAnswer),
            one(3, 30, Outcome::Other),
            one(2, 40, Outcome::NoAnswer),
            one(2, 50, Outcome::Accepted),
            one(4, 60, Outcome::NoAnswer),
            one(4, 60, Outcome::NoAnswer),
        ];
        assert_eq!(open_in(&history), [(2, false), (3, true), (4, false)]);
    }
}
