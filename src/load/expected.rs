//! Expected: which answers a delivery of each kind may get under the contract.
//!
//! In: a kind, and what the answer may be. Out: yes or no. What of another user may
//! have come first is allowed for; what becomes of keys is judged afterwards.

use super::mix::{Kind, Mix};
use crate::contract::outcome::Refusal;
use crate::contract::{Contract, OtherBody};
use crate::outcome::{Outcome, OutcomeSet};

/// Whether an answer is one of those that its kind may get under the contract.
///
/// * `is_own`: whether this user has the key's answer already, so that nobody can have come before.
#[must_use]
pub fn is_expected(contract: &Contract, mix: &Mix, kind: Kind, outcome: OutcomeSet, is_own: bool) -> bool {
    let (accepted, duplicate) = (outcome.may_be(Outcome::Accepted), outcome.may_be(Outcome::Duplicate));
    // Where keys make nothing idempotent, every honest delivery is accepted.
    let by_key = contract.is_by_key();
    let in_flight = by_key && outcome.may_be(Outcome::InFlight);
    let is_refused =
        |whys: &[Refusal]| whys.iter().any(|why| outcome.may_be(Outcome::Refused(*why)) || is_described(contract, outcome, *why));
    match kind {
        // Another user may have delivered the key while it was under way.
        Kind::Fresh => accepted || (mix.repeats() && (duplicate || in_flight || may_conflict(mix, outcome))),
        Kind::Burst => accepted || duplicate || in_flight,
        // Of a key that was answered before, it is a duplicate; of one under way it may be the first.
        Kind::Duplicate => duplicate || (accepted && (!is_own || !by_key)) || (!is_own && (in_flight || may_conflict(mix, outcome))),
        Kind::ConflictingBody if !by_key => accepted,
        Kind::ConflictingBody => match contract.other_body {
            OtherBody::Duplicate => duplicate || (!is_own && (accepted || in_flight)),
            // A rival with this body may have come first, or come before.
            OtherBody::Refused => is_refused(&[Refusal::OtherBody]) || (!is_own && (accepted || duplicate || in_flight)),
            // The same other body may have been delivered before.
            OtherBody::New => accepted || duplicate || in_flight,
        },
        Kind::MissingKey => is_refused(&[Refusal::MissingKey]) || (!by_key && accepted),
        Kind::Spoiled(_) => {
            is_refused(&[Refusal::Signature, Refusal::MissingSignature, Refusal::MalformedSignature, Refusal::StaleSignature])
        }
    }
}

/// Whether a rival with another body may have come first.
fn may_conflict(mix: &Mix, outcome: OutcomeSet) -> bool {
    mix.has(Kind::ConflictingBody) && outcome.may_be(Outcome::Refused(Refusal::OtherBody))
}

/// Whether an answer is the refusal of the plainer reason that the contract describes.
fn is_described(contract: &Contract, outcome: OutcomeSet, why: Refusal) -> bool {
    contract.outcomes.refusal(why).is_none() && outcome.may_be(Outcome::Refused(why.plainer()))
}
