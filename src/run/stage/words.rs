//! Words, keys and bytes that a run makes up: unique ones from a counter, random ones from its seed.

use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::Stage;

impl Stage {
    /// A word that no other delivery of any run bears; visible ASCII, no longer than 32 characters.
    #[must_use]
    pub fn unique(&self) -> String {
        self.word(self.number())
    }

    /// A number that no other delivery of this run bears.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }

    /// The unique word of a number.
    #[must_use]
    pub fn word(&self, number: u64) -> String {
        format!("{}-{number}", self.run_word)
    }

    /// A key that no other delivery of any run bears, in the form of the contract's keys.
    #[must_use]
    pub fn unique_key(&self) -> String {
        self.contract.key.unique_key(&self.run_word, self.number())
    }

    /// The seed of everything random.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// What every key of this run begins with.
    #[must_use]
    pub fn run_word(&self) -> &str {
        &self.run_word
    }

    /// So many random bytes; the same for the same seed and the same order of asking.
    #[must_use]
    pub fn random_bytes(&self, count: usize) -> Bytes {
        let mut state = self.seed ^ self.random_counter.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x2545_f491_4f6c_dd1d);
        let mut bytes = Vec::with_capacity(count + 8);
        while bytes.len() < count {
            // SplitMix64 (Steele, Lea, Flood 2014): small, and good enough for bodies.
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = state;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            bytes.extend_from_slice(&(word ^ (word >> 31)).to_le_bytes());
        }
        bytes.truncate(count);
        bytes.into()
    }
}
