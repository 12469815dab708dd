//! Coverage: which kinds of steps have met which keys, and what was answered.
//!
//! In: what was made and what came of it. Out: how much each pair is wanted
//! next, and whether a sequence has reached something that none before it has.

use std::collections::{BTreeMap, BTreeSet};

use super::keys::Standing;

/// A kind of step, and how its key stood.
pub type Pair = (String, Standing);

/// What is known to fail is seldom met again: it hides what comes after it.
const AVOIDED: f64 = 0.01;
/// A pair that the contract refused so often when it was tried is no pair of this contract.
const HOPELESS: u32 = 2;

/// What was seen so far.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    pairs: BTreeMap<Pair, u32>,
    answers: BTreeSet<(Pair, String)>,
    avoided: BTreeSet<Pair>,
    refused: BTreeMap<Pair, u32>,
}

impl Coverage {
    /// How much a pair is wanted: the less it was seen, the more.
    #[must_use]
    pub fn want(&self, kind: &str, standing: Standing) -> f64 {
        let pair = (kind.to_owned(), standing);
        if self.refused.get(&pair).is_some_and(|times| *times >= HOPELESS) {
            return 0.0;
        }
        let seen = self.pairs.get(&pair).copied().unwrap_or(0);
        let avoided = if self.avoided.contains(&pair) { AVOIDED } else { 1.0 };
        avoided / f64::from(1 + seen)
    }

    /// A pair was made.
    pub fn made(&mut self, pair: &Pair) {
        *self.pairs.entry(pair.clone()).or_default() += 1;
    }

    /// A pair was met, and answered so: whether that is new.
    pub fn met(&mut self, pair: &Pair, answer: &str) -> bool {
        self.answers.insert((pair.clone(), answer.to_owned()))
    }

    /// A pair fails, and is not to hide others.
    pub fn avoid(&mut self, pair: &Pair) {
        self.avoided.insert(pair.clone());
    }

    /// Contract and reference do not agree about a pair, or it cannot be made.
    pub fn refuse(&mut self, pair: &Pair) {
        *self.refused.entry(pair.clone()).or_default() += 1;
    }

    /// How many pairs were met, and how many answers to them.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let pairs: BTreeSet<&Pair> = self.answers.iter().map(|(pair, _)| pair).collect();
        (pairs.len(), self.answers.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was seen least is wanted most, what fails hardly, and what no contract allows not at all.
    #[test]
    fn what_was_seen_least_is_wanted_most() {
        let mut coverage = Coverage::default();
        let pair = |kind: &str| (kind.to_owned(), Standing::Live);
        coverage.made(&pair("seen"));
        coverage.avoid(&pair("fails"));
        coverage.refuse(&pair("once"));
        coverage.refuse(&pair("never"));
        coverage.refuse(&pair("never"));
        let want = |kind: &str| coverage.want(kind, Standing::Live);
        assert!(want("new") > want("seen") && want("seen") > want("fails") && want("fails") > 0.0);
        assert!(want("once") > 0.0 && want("never") == 0.0 && coverage.want("never", Standing::Unknown) > 0.0);
        assert!(coverage.met(&pair("seen"), "202") && !coverage.met(&pair("seen"), "202") && coverage.met(&pair("seen"), "500"));
        assert_eq!(coverage.counts(), (1, 2));
    }
}
