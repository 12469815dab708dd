//! Highest: the search for the highest rate that a receiver keeps.
//!
//! Asks for a rate to try, is told whether it was kept, and asks for the next:
//! it doubles until one is not kept, halves what lies between in proportion,
//! and tries both ends again until each has had its way twice more often than
//! not. There is no clock and no socket in here.
//!
//! Start at [`Search::next`].

use std::collections::BTreeMap;

/// Between the last rate that was kept and the first that was not, there is no more than this.
pub const PRECISION: f64 = 0.03;
/// So many rates are tried; a receiver whose limit moves has none.
const MOST_STEPS: u32 = 40;
/// A rate on either side must have been tried so often.
const VOTES: u32 = 2;
/// Nobody looks for less than this a second.
const LEAST: f64 = 1.0;
/// Rates are known by their hundredths.
const PARTS: f64 = 100.0;

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Next {
    /// Try this rate, a second.
    Try(f64),
    /// The search is over.
    Found {
        /// The highest rate that was kept.
        good: Option<f64>,
        /// The lowest that was not.
        bad: Option<f64>,
    },
}

/// How often a rate was tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Votes {
    /// How often it was kept.
    pub kept: u32,
    /// How often it was not.
    pub broken: u32,
}

/// A search.
#[derive(Clone, Debug)]
pub struct Search {
    start: f64,
    most: f64,
    steps: u32,
    votes: BTreeMap<u64, Votes>,
}

impl Search {
    /// A search that begins at `start`, and looks no higher than `most`.
    #[must_use]
    pub fn new(start: f64, most: f64) -> Self {
        Self { start: start.clamp(LEAST, most.max(LEAST)), most: most.max(LEAST), steps: 0, votes: BTreeMap::new() }
    }

    /// Takes in whether a rate was kept.
    pub fn saw(&mut self, rate: f64, kept: bool) {
        self.steps += 1;
        let votes = self.votes.entry(parts(rate)).or_default();
        if kept { votes.kept += 1 } else { votes.broken += 1 }
    }

    /// How often a rate was tried.
    #[must_use]
    pub fn votes(&self, rate: f64) -> Votes {
        self.votes.get(&parts(rate)).copied().unwrap_or_default()
    }

    /// What to do next.
    #[must_use]
    pub fn next(&self) -> Next {
        let (good, bad) = self.ends();
        if self.steps >= MOST_STEPS {
            return Next::Found { good, bad };
        }
        // As often as not says nothing.
        if let Some((rate, _)) = self.votes.iter().find(|(_, votes)| votes.kept == votes.broken) {
            return Next::Try(whole(*rate));
        }
        match (good, bad) {
            (None, None) => Next::Try(self.start),
            (Some(good), None) if good >= self.most => Next::Found { good: Some(good), bad: None },
            (Some(good), None) => Next::Try((good * 2.0).min(self.most)),
            (None, Some(bad)) if bad <= LEAST => Next::Found { good: None, bad: Some(bad) },
            (None, Some(bad)) => Next::Try((bad / 2.0).max(LEAST)),
            (Some(good), Some(bad)) => self.between(good, bad),
        }
    }

    fn between(&self, good: f64, bad: f64) -> Next {
        // A higher rate was kept: then this one was unlucky, or that one lucky.
        let is_contradicted = self.votes.iter().any(|(rate, votes)| *rate > parts(bad) && votes.kept > votes.broken);
        let tries = |rate: f64| {
            let Votes { kept, broken } = self.votes(rate);
            kept + broken
        };
        if is_contradicted && tries(bad) <= VOTES {
            return Next::Try(bad);
        }
        if bad / good > 1.0 + PRECISION {
            return Next::Try(whole(parts((good * bad).sqrt())));
        }
        match (tries(bad) < VOTES, tries(good) < VOTES) {
            (true, _) => Next::Try(bad),
            (false, true) => Next::Try(good),
            (false, false) => Next::Found { good: Some(good), bad: Some(bad) },
        }
    }

    /// The lowest rate that was rather broken, and the highest below it that was rather kept.
    #[must_use]
    pub fn ends(&self) -> (Option<f64>, Option<f64>) {
        let bad = self.votes.iter().find(|(_, votes)| votes.broken > votes.kept).map(|(rate, _)| *rate);
        let below = self.votes.iter().rev().find(|(rate, votes)| votes.kept > votes.broken && bad.is_none_or(|bad| **rate < bad));
        (below.map(|(rate, _)| whole(*rate)), bad.map(whole))
    }
}

fn parts(rate: f64) -> u64 {
    (rate * PARTS).round() as u64
}

fn whole(parts: u64) -> f64 {
    parts as f64 / PARTS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches a receiver whose limit is known; `lies` says which steps are told wrongly.
    fn found(limit: f64, start: f64, most: f64, lies: impl Fn(u32) -> bool) -> (Option<f64>, Option<f64>, u32) {
        let mut search = Search::new(start, most);
        loop {
            match search.next() {
                Next::Try(rate) => {
                    assert!((LEAST..=most).contains(&rate), "{rate}");
                    let lies = lies(search.steps);
                    search.saw(rate, (rate <= limit) != lies);
                }
                Next::Found { good, bad } => return (good, bad, search.steps),
            }
        }
    }

    /// Whatever the limit and wherever it begins, it lies between the two ends, and these are near.
    #[test]
    fn limit_lies_between_the_ends() {
        for limit in [1.5, 7.0, 99.0, 100.0, 187.3, 1_000.0, 5_432.0, 80_000.0] {
            for start in [1.0, 50.0, 400.0, 20_000.0] {
                let (good, bad, steps) = found(limit, start, 1e6, |_| false);
                let (good, bad) = (good.unwrap(), bad.unwrap());
                assert!(good <= limit && limit < bad && bad / good <= 1.0 + PRECISION + 0.01, "{limit} from {start}: {good} {bad}");
                assert!(steps <= MOST_STEPS, "{steps}");
            }
        }
    }

    /// One step in so many is told wrongly, as on a machine that has other work: the ends are still near the limit.
    #[test]
    fn one_unlucky_step_does_not_mislead() {
        for unlucky in 0..16 {
            let (good, bad, _) = found(500.0, 120.0, 1e6, |step| step == unlucky);
            let (good, bad) = (good.unwrap(), bad.unwrap());
            assert!(good >= 500.0 * 0.95 && bad <= 500.0 * 1.05, "step {unlucky}: {good} {bad}");
        }
    }

    #[test]
    fn ends_that_are_not_there_are_told() {
        assert_eq!(found(1e9, 100.0, 1_000.0, |_| false).0, Some(1_000.0));
        assert_eq!(found(1e9, 100.0, 1_000.0, |_| false).1, None);
        let (good, bad, _) = found(0.0, 8.0, 1_000.0, |_| false);
        assert_eq!((good, bad), (None, Some(1.0)));
    }
}
