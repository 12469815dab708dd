//! Doubts: what failed and did not fail again, when that is worth another try, and when it is certain all the same.
//!
//! In: what sequences showed, and which tries came to nothing. Out: whether the
//! next sequence that shows it is tried again. One that is late may be a busy
//! machine's doing: a few tries are enough. Whatever else fails is the
//! receiver's doing: it is tried again, the more seldom the more often that
//! was in vain, and what many sequences show is a finding also where none of
//! them fails again.

use std::collections::BTreeMap;

use super::sign::What;
use crate::history::Operation;
use crate::report::{Finding, ScenarioReport};
use crate::scenario::expand::Loaded;

/// What was late once and did not come again is tried again so often when it comes in another sequence.
const MOST_LATE: usize = 3;
/// What so many sequences show is no chance, where they are a tenth of all.
const MANY: usize = 5;
/// The tenth.
const SHARE: usize = 10;

/// A sequence that failed and did not fail again, as it was seen.
#[derive(Clone, Debug)]
pub struct Witness {
    /// The sequence.
    pub one: Loaded,
    /// What was wrong.
    pub finding: Finding,
    /// What was played beside it.
    pub others: Vec<Loaded>,
    /// What came of it.
    pub seen: (ScenarioReport, Vec<Operation>),
}

#[derive(Default)]
struct Doubt {
    seen: usize,
    tried: usize,
    witness: Option<Box<Witness>>,
}

/// What is in doubt.
#[derive(Default)]
pub struct Doubts {
    by_what: BTreeMap<What, Doubt>,
    sequences: usize,
}

impl Doubts {
    /// A sequence shows this, each once.
    pub fn see(&mut self, all: impl IntoIterator<Item = What>) {
        let mut all: Vec<What> = all.into_iter().collect();
        all.sort();
        all.dedup();
        self.sequences += usize::from(!all.is_empty());
        for what in all {
            self.by_what.entry(what).or_default().seen += 1;
        }
    }

    /// Whether a sequence that shows this is to be tried, by how often it was in vain so far.
    #[must_use]
    pub fn is_worth_a_try(&self, what: &What, is_of_time: bool) -> bool {
        let Some(doubt) = self.by_what.get(what) else { return true };
        let due = u32::try_from(doubt.tried).ok().and_then(|tried| 1_usize.checked_shl(tried)).unwrap_or(usize::MAX);
        if is_of_time { doubt.tried < MOST_LATE } else { doubt.seen >= due }
    }

    /// A try came to nothing.
    ///
    /// * `witness`: who may be kept for it, where no machine may have been it.
    pub fn in_vain(&mut self, what: What, witness: Option<Witness>) {
        let doubt = self.by_what.entry(what).or_default();
        doubt.tried += 1;
        doubt.witness = doubt.witness.take().or(witness.map(Box::new));
    }

    /// What so many of all sequences show that it is certain, and how many they are: that which most of them show.
    #[must_use]
    pub fn certain(self, sequences: usize) -> Option<(Witness, usize)> {
        let most_fail = self.sequences * 2 > sequences;
        let of_all = self.by_what.into_values().filter_map(|doubt| Some((*doubt.witness?, doubt.seen)));
        let (witness, seen) = of_all.max_by_key(|(_, seen)| *seen)?;
        (most_fail || (seen >= MANY && seen * SHARE >= sequences)).then_some((witness, seen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::vetting::{loaded, scenario_of};
    use crate::judge::scenario::blank_report;
    use crate::outcome::mismatch::Kind;
    use crate::report::Verdict;

    fn what(kind: Kind) -> What {
        (kind, None, Some(500))
    }

    fn witness() -> Option<Witness> {
        let one = loaded("explore/sequence-1", scenario_of(&[]));
        let report = blank_report(&one, Verdict::Fail);
        Some(Witness { one, finding: Finding::default(), others: Vec::new(), seen: (report, Vec::new()) })
    }

    /// What is late is tried three times; what is wrong is tried as long as it is seen, ever more seldom.
    #[test]
    fn what_is_wrong_is_tried_again_and_again() {
        let tries = |is_of_time: bool| {
            let mut doubts = Doubts::default();
            let mut at = Vec::new();
            for sequence in 1..=40 {
                doubts.see([what(Kind::HonestFailed), what(Kind::HonestFailed)]);
                if doubts.is_worth_a_try(&what(Kind::HonestFailed), is_of_time) {
                    doubts.in_vain(what(Kind::HonestFailed), None);
                    at.push(sequence);
                }
            }
            at
        };
        assert_eq!((tries(true), tries(false)), (vec![1, 2, 3], vec![1, 2, 4, 8, 16, 32]));
    }

    /// Of a receiver of which most sequences fail something is certain, and so is what a tenth of many show; one in a hundred is not.
    #[test]
    fn what_most_sequences_show_is_certain() {
        let after = |seen: usize, sequences: usize, witness: Option<Witness>| {
            let mut doubts = Doubts::default();
            (0..seen).for_each(|_| doubts.see([what(Kind::HonestFailed)]));
            doubts.in_vain(what(Kind::HonestFailed), witness);
            doubts.certain(sequences).map(|(_, seen)| seen)
        };
        assert_eq!((after(2, 3, witness()), after(194, 258, witness()), after(7, 64, witness())), (Some(2), Some(194), Some(7)));
        assert_eq!((after(7, 102, witness()), after(1, 100, witness()), after(2, 4, witness())), (None, None, None));
        assert_eq!(after(194, 258, None), None, "what may be the machine's doing has no witness");
    }
}
