//! Standing judgement: keys whose promise is seen to be broken while a load still runs.
//!
//! Operations go in as users hand them over, broken keys come out, each once.
//! That a key was accepted twice is told at once, for nothing that comes later
//! undoes it. Everything else is judged when nobody can have anything to say of
//! the key any more, and then the key is forgotten: memory is that of the keys
//! of some seconds. The whole history is judged after the load all the same.

use std::collections::HashMap;

use crate::history::consistency::parts::number_of;
use crate::history::consistency::{Explanation, Law, NEVER, Operation, Verdict, verdict};

/// How often keys are looked through, in microseconds of the load.
const LOOK_EVERY: i64 = 1_000_000;

/// What is known of a key.
#[derive(Debug, Default)]
struct Known {
    operations: Vec<Operation>,
    last: i64,
    is_told: bool,
    is_judged: bool,
}

/// The keys of the last seconds.
#[derive(Debug)]
pub struct Standing {
    law: Law,
    /// After so many microseconds nobody has anything to say of a key any more.
    patience: i64,
    keys: HashMap<u32, Known>,
    /// Numbers below are forgotten: what still comes of them is judged after the load only.
    forgotten: u32,
    now: i64,
    looked: i64,
}

impl Standing {
    /// Nothing yet.
    ///
    /// * `patience_us`: within so many microseconds every user has handed over what it knows of a key.
    #[must_use]
    pub fn new(law: Law, patience_us: i64) -> Self {
        Self { law, patience: patience_us, keys: HashMap::new(), forgotten: 0, now: 0, looked: 0 }
    }

    /// Takes in what a user has handed over: the keys that are seen to be broken, and why.
    pub fn take(&mut self, operations: &[Operation]) -> Vec<(u32, Explanation)> {
        let mut broken = Vec::new();
        for one in operations {
            self.now = self.now.max(if one.returned == NEVER { one.invoked } else { one.returned });
            let is_forgotten = number_of(one.key) < self.forgotten;
            let known = match self.keys.get_mut(&one.key) {
                None if is_forgotten => continue,
                Some(known) => known,
                None => self.keys.entry(one.key).or_default(),
            };
            known.operations.push(*one);
            known.last = known.last.max(self.now);
            if known.operations.len() > 1 && !known.is_told {
                known.operations.sort_unstable_by_key(|one| (one.invoked, one.returned));
                if let Verdict::Broken(Explanation::AcceptedTwice, _) = verdict(&known.operations, None, self.law) {
                    known.is_told = true;
                    broken.push((one.key, Explanation::AcceptedTwice));
                }
            }
        }
        if self.now - self.looked >= LOOK_EVERY {
            self.looked = self.now;
            self.look(&mut broken);
        }
        broken
    }

    fn look(&mut self, broken: &mut Vec<(u32, Explanation)>) {
        let (now, patience, law) = (self.now, self.patience, self.law);
        let mut forgotten = self.forgotten;
        let mut late = Vec::new();
        self.keys.retain(|key, known| {
            let silent = now - known.last;
            if silent > patience && !known.is_judged {
                known.is_judged = true;
                if let (Verdict::Broken(why, _), false) = (verdict(&known.operations, None, law), known.is_told) {
                    known.is_told = true;
                    late.push((*key, why));
                }
            }
            let stays = silent <= 2 * patience;
            if !stays {
                forgotten = forgotten.max(number_of(*key) + 1);
            }
            stays
        });
        self.forgotten = forgotten;
        // The map has no order, what is told has one.
        late.sort_unstable_by_key(|(key, _)| *key);
        broken.extend(late);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Outcome, OutcomeSet};

    fn operation(key: u32, outcome: Outcome, at_ms: i64) -> Operation {
        let invoked = at_ms * 1_000;
        Operation { key, outcome: OutcomeSet::only(outcome), invoked, returned: invoked + 500, refers_to: NEVER }
    }

    /// Two acceptances are told at once and once; a duplicate of nothing when its first delivery cannot come any more.
    #[test]
    fn broken_keys_are_told_once_and_none_too_early() {
        let mut standing = Standing::new(Law::default(), 5_000_000);
        let (accepted, duplicate) = (Outcome::Accepted, Outcome::Duplicate);
        assert_eq!(standing.take(&[operation(1, accepted, 0), operation(2, duplicate, 0), operation(3, duplicate, 0)]), []);
        assert_eq!(standing.take(&[operation(1, accepted, 1)]), [(1, Explanation::AcceptedTwice)]);
        // Who delivered the second key first was slow, and hands it over late.
        assert_eq!(standing.take(&[operation(1, accepted, 2), operation(2, accepted, -1), operation(4, accepted, 3_000)]), []);
        assert_eq!(standing.take(&[operation(5, accepted, 5_600)]), [(3, Explanation::DuplicateOfNothing)]);
        // A key that was forgotten is not judged by half of what came of it.
        assert_eq!(standing.take(&[operation(6, accepted, 30_000)]), []);
        assert_eq!(standing.take(&[operation(1, duplicate, 30_100), operation(7, accepted, 60_000)]), []);
        assert!(standing.keys.len() <= 2, "{:?}", standing.keys);
    }
}
