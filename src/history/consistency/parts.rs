//! Parts of a history: operations as 32 bytes each, and judgements of several parts as one.
//!
//! Whoever keeps a history in a file keeps it in this form; whoever judges it by ranges of keys joins what comes of each. A key's
//! operations are never in two parts: whoever divides a history divides it by [`number_of`] a key.
//!
//! Numbers are little-endian: the key, the outcome's bits, then three instants ([`Operation`] has their meaning). An operation of a
//! key that several machines deliver would need a name of its clock beside its instants, and a bound of how far clocks lie apart:
//! there is none, since a key belongs to one worker.

use super::{Explanation, Judgement, Operation, TOLD};
use crate::outcome::OutcomeSet;

/// So long is an operation.
pub const BYTES: usize = 32;
/// Marks the number of a key that came with another body, where that makes it another delivery.
pub const OTHER_BODY: u32 = 1 << 31;

/// The number that a key's deliveries share, whatever their bodies.
#[must_use]
pub fn number_of(key: u32) -> u32 {
    key & !OTHER_BODY
}

impl Operation {
    /// As bytes.
    #[must_use]
    pub fn packed(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..4].copy_from_slice(&self.key.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.outcome.bits().to_le_bytes());
        bytes[8..16].copy_from_slice(&self.invoked.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.returned.to_le_bytes());
        bytes[24..].copy_from_slice(&self.refers_to.to_le_bytes());
        bytes
    }

    /// From bytes; `None` when they are no operation.
    #[must_use]
    pub fn unpacked(bytes: &[u8; BYTES]) -> Option<Self> {
        let [word, outcome] = [0, 4].map(|at| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]));
        let instant = |at: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&bytes[at..at + 8]);
            i64::from_le_bytes(eight)
        };
        let outcome = OutcomeSet::of_bits(outcome)?;
        Some(Self { key: word, outcome, invoked: instant(8), returned: instant(16), refers_to: instant(24) })
    }
}

impl Judgement {
    /// Keys that are broken for a reason that something else may explain are undecided.
    pub fn leave_open(&mut self, is_open: fn(&Explanation) -> bool) {
        let open: usize = self.reasons.iter().filter(|(why, _)| is_open(why)).map(|(_, count)| *count).sum();
        self.reasons.retain(|(why, _)| !is_open(why));
        self.witnesses.retain(|one| !is_open(&one.why));
        self.broken -= open;
        self.undecided += open;
    }

    /// Takes in the judgement of other keys.
    pub fn join(&mut self, other: Self) {
        self.keys += other.keys;
        self.consistent += other.consistent;
        self.broken += other.broken;
        self.undecided += other.undecided;
        self.repeated += other.repeated;
        self.accepted += other.accepted;
        self.evidenced += other.evidenced;
        (0..self.refused.len()).for_each(|at| self.refused[at] += other.refused[at]);
        for (why, count) in other.reasons {
            match self.reasons.iter_mut().find(|one| std::mem::discriminant(&one.0) == std::mem::discriminant(&why)) {
                Some((_, known)) => *known += count,
                None => self.reasons.push((why, count)),
            }
        }
        let room = TOLD.saturating_sub(self.witnesses.len());
        self.witnesses.extend(other.witnesses.into_iter().take(room));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;
    use crate::history::consistency::{Law, judge};
    use crate::outcome::Outcome;

    proptest! {
        /// What was packed is unpacked as it was; and nothing that is no outcome becomes one.
        #[test]
        fn operations_survive_their_file(key: u32, bits: u32, times in any::<[i64; 3]>()) {
            let [invoked, returned, refers_to] = times;
            match OutcomeSet::of_bits(bits) {
                Some(outcome) => {
                    let one = Operation { key, outcome, invoked, returned, refers_to };
                    prop_assert_eq!(Operation::unpacked(&one.packed()), Some(one));
                }
                None => {
                    let mut bytes = [0; BYTES];
                    bytes[4..8].copy_from_slice(&bits.to_le_bytes());
                    prop_assert_eq!(Operation::unpacked(&bytes), None);
                }
            }
        }
    }

    /// Judged by ranges of keys, a history comes to what it comes to as a whole.
    #[test]
    fn judgements_of_parts_are_the_whole_ones() {
        let operation = |at: u32| Operation {
            key: at % 40,
            // Every tenth key is accepted twice; the others have duplicates.
            outcome: OutcomeSet::only(if at < 40 || at.is_multiple_of(10) { Outcome::Accepted } else { Outcome::Duplicate }),
            invoked: i64::from(at) * 10,
            returned: i64::from(at) * 10 + 5,
            refers_to: super::super::NEVER,
        };
        let all: Vec<Operation> = (0..80).map(operation).collect();
        let law = Law::default();
        let mut parts = Judgement::default();
        for range in [0..7, 7..31, 31..40] {
            let mut part: Vec<Operation> = all.iter().filter(|one| range.contains(&one.key)).copied().collect();
            parts.join(judge(&mut part, &mut [], law));
        }
        let whole = judge(&mut all.clone(), &mut [], law);
        assert_eq!((parts.broken, &parts), (4, &whole));
    }
}
