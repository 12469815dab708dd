//! Endpoints of a mix: several paths of one receiver under one contract, by weight.
//!
//! A key belongs to one of them, by its number, so that its duplicates go where it went. In: shares from a mix file. Out: which share a key
//! falls to, and what kinds are called there (`fresh@orders`).

use schemars::JsonSchema;
use serde::Deserialize;

use super::Mix;
use crate::random::Rng;

/// What draws endpoints is no user's.
const SEED: u64 = 0x656e_6470_6f69_6e74;

/// A path that takes deliveries, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointShare {
    /// What it is called in reports and gates: `fresh@orders.p99<50ms`.
    pub name: String,
    /// The path, from the root of `--target`.
    pub path: String,
    /// How often, compared with the others.
    pub weight: u32,
}

/// Whether shares can be meant.
///
/// # Errors
/// One sentence: what is wrong with them.
pub(super) fn checked(shares: Vec<EndpointShare>, kinds: usize) -> Result<Vec<EndpointShare>, String> {
    for (at, one) in shares.iter().enumerate() {
        let EndpointShare { name, path, weight } = one;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
            return Err(format!("the endpoint `{name}` is called by letters, digits, `-` and `_`"));
        }
        if !path.starts_with('/') || path.bytes().any(|byte| byte <= b' ') {
            return Err(format!("the path of the endpoint `{name}` begins with `/` and has no blanks, this is `{path}`"));
        }
        if !(1..=1_000_000).contains(weight) {
            return Err(format!("the weight of the endpoint `{name}` is a whole number from 1 to 1000000, this is `{weight}`"));
        }
        if shares[..at].iter().any(|other| other.name == *name || other.path == *path) {
            return Err(format!("the endpoint `{name}`, or its path, stands twice"));
        }
    }
    if shares.len() * kinds > usize::from(u8::MAX) {
        return Err(format!("{} endpoints with {kinds} kinds each are more than {}", shares.len(), u8::MAX));
    }
    Ok(shares)
}

impl Mix {
    /// The place of the endpoint that a key falls to; 0 where there is one.
    #[must_use]
    pub fn endpoint(&self, key: u32) -> usize {
        share_of(&self.endpoints, key)
    }

    /// The place among [`Mix::names`] of a kind, by its own place, with a key.
    #[must_use]
    pub fn sample_place(&self, place: usize, key: u32) -> usize {
        place.saturating_add(self.kinds.len() * self.endpoint(key))
    }
}

/// The place of the share that a key falls to; 0 without shares.
fn share_of(shares: &[EndpointShare], key: u32) -> usize {
    let total: u64 = shares.iter().map(|one| u64::from(one.weight)).sum();
    let Some(mut left) = Rng::new(SEED, u64::from(key)).next_u64().checked_rem(total) else { return 0 };
    let place = shares.iter().position(|one| match left.checked_sub(u64::from(one.weight)) {
        Some(rest) => {
            left = rest;
            false
        }
        None => true,
    });
    place.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_fall_to_endpoints_by_weight_and_stay_there() {
        let text = "title: t\nmix: {fresh: 1, duplicate: 2}\nendpoints: [{name: a, path: /a, weight: 3}, {name: b, path: /b, weight: 1}]\n";
        let mix = Mix::read_file("m.yaml", text).unwrap();
        assert_eq!(mix.names(), ["duplicate@a", "fresh@a", "duplicate@b", "fresh@b"]);
        let of_b = (0..10_000).filter(|key| mix.endpoint(*key) == 1).count();
        assert!((2_300..2_700).contains(&of_b), "{of_b}");
        assert_eq!((mix.sample_place(1, 7), mix.weights()["duplicate@a"]), (1 + 2 * mix.endpoint(7), 6));
        for (endpoints, told) in [
            ("[{name: a, path: b, weight: 1}]", "begins with `/`"),
            ("[{name: a.b, path: /b, weight: 1}]", "is called by letters"),
            ("[{name: a, path: /b, weight: 0}]", "from 1"),
            ("[{name: a, path: /b, weight: 1}, {name: c, path: /b, weight: 1}]", "twice"),
        ] {
            let read = Mix::read_file("m.yaml", &format!("title: t\nmix: {{fresh: 1}}\nendpoints: {endpoints}\n"));
            assert!(read.as_ref().is_err_and(|wrong| wrong.contains(told)), "{endpoints}: {read:?}");
        }
    }
}
