//! The mix: which kinds of deliveries there are, and how often each is sent.

use serde::Deserialize as _;
use serde::de::value::{Error, StrDeserializer};

use crate::sign::tamper::Tamper;

/// A kind of delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A key of its own, honestly signed.
    Fresh,
    /// A key that this user, or another a moment ago, has delivered.
    Duplicate,
    /// The same, with another body.
    ConflictingBody,
    /// No key.
    MissingKey,
    /// A key of its own, its signature spoiled.
    Spoiled(Tamper),
}

/// Kinds with their weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix {
    kinds: Vec<(String, Kind, u32)>,
    total: u32,
}

impl Default for Mix {
    fn default() -> Self {
        Self { kinds: vec![("fresh".to_owned(), Kind::Fresh, 1)], total: 1 }
    }
}

impl Mix {
    /// Reads `fresh=80,duplicate=15,bad-signature=3`; a tamper by its own name.
    ///
    /// # Errors
    /// One sentence: what is wrong, and what there is.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut kinds: Vec<(String, Kind, u32)> = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, weight) = part.split_once('=').ok_or_else(|| format!("`{part}` has no weight; write `{part}=10`"))?;
            let (name, weight) = (name.trim(), weight.trim());
            let kind = kind(name)?;
            let weight: u32 = weight
                .parse()
                .ok()
                .filter(|weight| (1..=1_000_000).contains(weight))
                .ok_or_else(|| format!("the weight of `{name}` is a whole number from 1 to 1000000, this is `{weight}`"))?;
            if kinds.iter().any(|(known, _, _)| known == name) {
                return Err(format!("`{name}` stands twice in the mix"));
            }
            kinds.push((name.to_owned(), kind, weight));
        }
        if kinds.is_empty() {
            return Err("the mix is empty; write `fresh=80,duplicate=20`".to_owned());
        }
        if kinds.iter().all(|(_, kind, _)| matches!(kind, Kind::Duplicate | Kind::ConflictingBody)) {
            return Err("the mix has duplicates of nothing; add `fresh=80`".to_owned());
        }
        let total = kinds.iter().map(|(_, _, weight)| weight).sum();
        Ok(Self { kinds, total })
    }

    /// Whether any kind repeats keys.
    #[must_use]
    pub fn repeats(&self) -> bool {
        self.kinds.iter().any(|(_, kind, _)| matches!(kind, Kind::Duplicate | Kind::ConflictingBody))
    }

    /// The kinds' names, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.kinds.iter().map(|(name, _, _)| name.clone()).collect()
    }

    /// The kind, and its place, that a random number means.
    #[must_use]
    pub fn choose(&self, random: u64) -> (usize, Kind) {
        let mut left = u32::try_from(random % u64::from(self.total.max(1))).unwrap_or(0);
        for (place, (_, kind, weight)) in self.kinds.iter().enumerate() {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return (place, *kind),
            }
        }
        (0, Kind::Fresh)
    }
}

fn kind(name: &str) -> Result<Kind, String> {
    Ok(match name {
        "fresh" => Kind::Fresh,
        "duplicate" => Kind::Duplicate,
        "conflicting-body" => Kind::ConflictingBody,
        "missing-key" => Kind::MissingKey,
        "bad-signature" => Kind::Spoiled(Tamper::WrongSecret),
        other => {
            let tamper: Result<Tamper, Error> = Tamper::deserialize(StrDeserializer::new(other));
            Kind::Spoiled(tamper.map_err(|_| {
                format!("there is no kind `{other}`: fresh, duplicate, conflicting-body, missing-key, bad-signature, or a way to spoil a signature (`hookgate explain` has them: wrong-secret, truncated, absent, …)")
            })?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{Kind, Mix};
    use crate::sign::tamper::Tamper;

    #[test]
    fn weights_are_kept() {
        let mix = Mix::read("fresh=80, duplicate=15,truncated=5").unwrap_or_else(|wrong| unreachable!("{wrong}"));
        let mut counts = [0; 3];
        for random in 0..1_000 {
            counts[mix.choose(random).0] += 1;
        }
        assert_eq!((counts, mix.choose(99).1), ([800, 150, 50], Kind::Spoiled(Tamper::Truncated)));
    }

    #[test]
    fn mixes_that_cannot_be_meant_are_told() {
        for (text, told) in [
            ("", "empty"),
            ("fresh", "no weight"),
            ("fresh=0", "from 1"),
            ("fresh=1,fresh=2", "twice"),
            ("duplicate=1", "of nothing"),
            ("freshh=1", "there is no kind `freshh`"),
        ] {
            assert!(Mix::read(text).is_err_and(|wrong| wrong.contains(told)), "{text}");
        }
    }
}
