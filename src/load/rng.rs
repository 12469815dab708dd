//! Random numbers of a load: the same for the same seed.

/// Random numbers from a seed (`SplitMix64`).
#[derive(Clone, Copy, Debug)]
pub struct Rng(u64);

impl Rng {
    /// Dice of their own for each number.
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
}
