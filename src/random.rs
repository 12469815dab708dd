//! Random numbers: the same for the same seed, for loads and explorations alike.

/// Random numbers from a seed (`SplitMix64`).
#[derive(Clone, Copy, Debug)]
pub struct Rng(u64);

impl Rng {
    /// Numbers of their own for each number.
    #[must_use]
    pub fn new(seed: u64, number: u64) -> Self {
        Self(seed ^ (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// The next random number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A random gap whose mean is 1, as between events that know nothing of each other.
    #[must_use]
    pub fn gap(&mut self) -> f64 {
        let above_zero = ((self.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64;
        -above_zero.ln()
    }

    /// A random number below `end`; 0 where that is none.
    #[must_use]
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next_u64() % (end.max(1) as u64)).unwrap_or(0)
    }

    /// Whether something comes to pass that does so many times of a hundred.
    #[must_use]
    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// One of several, each as likely as the others.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }

    /// The place of one of several, each as likely as its weight says.
    #[must_use]
    pub fn weighted(&mut self, weights: &[f64]) -> Option<usize> {
        let whole: f64 = weights.iter().sum();
        let mut left = (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64 * whole;
        for (at, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return Some(at);
            }
        }
        weights.iter().rposition(|weight| *weight > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What has no weight never comes, what has all of it always does, and the same seed gives the same.
    #[test]
    fn weights_are_kept_and_seeds_repeat() {
        let mut rng = Rng::new(7, 1);
        let drawn: Vec<Option<usize>> = (0..50).map(|_| rng.weighted(&[0.0, 2.0, 0.0, 1.0])).collect();
        assert!(drawn.iter().all(|one| matches!(one, Some(1 | 3))) && drawn.contains(&Some(1)) && drawn.contains(&Some(3)));
        let mut again = Rng::new(7, 1);
        assert_eq!(drawn, (0..50).map(|_| again.weighted(&[0.0, 2.0, 0.0, 1.0])).collect::<Vec<_>>());
        assert_eq!((rng.weighted(&[]), rng.weighted(&[0.0]), rng.pick::<u8>(&[])), (None, None, None));
        assert!(!rng.percent(0) && rng.percent(100));
    }
}
