//! What the answers to a key tell of why its work may be missing, or done too often.

use super::OfKey;
use crate::contract::outcome::Refusal;
use crate::outcome::Outcome;

impl OfKey {
    /// Whether a delivery was refused before any was taken.
    pub(super) fn was_refused_first(&self) -> bool {
        let all = || self.by_identity.values().flatten();
        let first = all().filter(|one| one.outcome.is_taken()).map(|one| one.invoked).min();
        first.is_some_and(|first| all().any(|one| one.outcome.is_refusal() && one.invoked < first))
    }

    /// Whether a delivery was refused for another body.
    pub(super) fn was_reused(&self) -> bool {
        self.by_identity.values().flatten().any(|one| one.outcome.is(Outcome::Refused(Refusal::OtherBody)))
    }
}
