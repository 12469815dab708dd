//! Signing moments: the instant that honest deliveries of a scenario say they were signed at.
//!
//! In: the present. Out: one instant for all of them, as long as it is fresh, so
//! that a repeat differs from its first delivery only where a step wants it to:
//! without that, whether a second has passed between the two, and with it what a
//! receiver's answer says, would hang on how busy this machine is.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::clock::UnixMicros;
use crate::contract::Contract;

/// So old a moment gets at the most.
const OLDEST: Duration = Duration::from_secs(30);
/// This part of what the contract lets a signed time be old is never more than used up.
const PART_OF_THE_TOLERANCE: u32 = 4;
/// Where a signed time may be no older than this, none of it is used up: a busy machine needs it all.
const SHORT: Duration = Duration::from_secs(10);
/// No moment yet.
const NONE: i64 = i64::MIN;

/// The moment that is signed, until time is moved or it grows old.
#[derive(Debug)]
pub struct SigningMoment {
    at: AtomicI64,
    oldest: Duration,
}

impl SigningMoment {
    /// None yet, under a contract that may bound how old it gets.
    #[must_use]
    pub fn new(contract: &Contract) -> Self {
        let part = |past: Duration| if past <= SHORT { Duration::ZERO } else { past / PART_OF_THE_TOLERANCE };
        let tolerance = contract.signature.time.map(|time| part(time.past.0));
        Self { at: AtomicI64::new(NONE), oldest: tolerance.map_or(OLDEST, |part| part.min(OLDEST)) }
    }

    /// The moment that is signed at `now`.
    #[must_use]
    pub fn at(&self, now: UnixMicros) -> UnixMicros {
        let at = UnixMicros(self.at.load(Ordering::Relaxed));
        let is_fresh = at.0 != NONE && at <= now && now.since(at) <= self.oldest;
        if is_fresh {
            return at;
        }
        self.at.store(now.0, Ordering::Relaxed);
        now
    }

    /// Time was moved: whatever comes now is signed anew.
    pub fn forget(&self) {
        self.at.store(NONE, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::reading::read_contract;

    fn at_seconds(moment: &SigningMoment, seconds: i64) -> i64 {
        moment.at(UnixMicros(seconds * 1_000_000)).secs()
    }

    /// A repeat is signed at its first's moment until that is old by the tolerance's measure, time is moved, or a clock goes back.
    #[test]
    fn one_moment_is_signed_while_it_is_fresh() {
        let text = "{contract: c, title: t, about: a, source: s, suite: x, endpoint: {method: POST, path: /hook, content_type: a/b},
              secret: {env: S, for_tests: s}, key: {header: K},
              signature: {digest: sha256, encoding: hex, message: '{t}{body}', time: {past: 40 s},
                headers: [{name: X, value: '{sig}'}, {name: T, value: '{t}'}]},
              outcomes: {accepted: {status: 202}, duplicate: {status: 208}, refused: {signature: {status: 401}, missing-key: {status: 400}}}}";
        let contract = read_contract("c.yaml", text, &|_| None).unwrap_or_else(|wrong| panic!("{wrong}"));
        let moment = SigningMoment::new(&contract);
        let signed = [100, 101, 110, 111, 121, 122, 119].map(|now| at_seconds(&moment, now));
        assert_eq!(signed, [100, 100, 100, 111, 111, 122, 119]);
        moment.forget();
        assert_eq!(at_seconds(&moment, 120), 120);
    }
}
