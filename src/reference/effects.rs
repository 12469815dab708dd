//! Effects: how often the work of a key was done.
//!
//! Sixteen bytes a key are kept, so that millions fit: a digest of the key, and
//! a count.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};

use crate::clock::UnixMicros;

/// How often the work of each key was done.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    by_key: HashMap<u64, u32>,
    /// Work that is put off, and until when.
    put_off: Vec<(UnixMicros, String)>,
}

impl Effects {
    /// The work of `key` was done.
    pub fn add(&mut self, key: &str) {
        let count = self.by_key.entry(digest(key)).or_default();
        *count = count.saturating_add(1);
    }

    /// The work of `key` is put off until that instant.
    pub fn put_off(&mut self, key: &str, until: UnixMicros) {
        self.put_off.push((until, key.to_owned()));
    }

    /// The keys whose work was put off until `now`; they are told once.
    pub fn due(&mut self, now: UnixMicros) -> Vec<String> {
        self.put_off.extract_if(.., |(until, _)| *until <= now).map(|(_, key)| key).collect()
    }

    /// How often the work of `key` was done.
    #[must_use]
    pub fn of(&self, key: &str) -> u64 {
        self.by_key.get(&digest(key)).copied().map_or(0, u64::from)
    }
}

/// What is kept of a key.
#[must_use]
pub fn digest(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_counted_by_key() {
        let mut effects = Effects::default();
        for key in ["a", "b", "a", ""] {
            effects.add(key);
        }
        assert_eq!(["a", "b", "", "c"].map(|key| effects.of(key)), [2, 1, 1, 0]);
    }
}
