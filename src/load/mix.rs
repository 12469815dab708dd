//! The mix: which kinds of deliveries there are, how often each is sent, and with which bodies.
//!
//! Text in (`fresh=80,duplicate=15`, or a file), a [`Mix`] out. What each kind
//! must be answered is `user`'s affair.

pub mod bodies;
pub mod contracts;
pub mod endpoints;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::{Error, StrDeserializer};

pub use self::bodies::{BodyFile, BodyFrom, BodyPlan, SizeFile};
use self::contracts::{ContractFile, ContractShare};
use self::endpoints::EndpointShare;
use crate::load::think::{Think, ThinkTime};
use crate::sign::tamper::Tamper;
use crate::yaml;

/// So many deliveries of one key are sent together when a file does not say.
const TOGETHER: u32 = 4;
/// A duplicate is one of so many keys before it when a file does not say.
const REUSE_DISTANCE: usize = 64;
/// Memory for keys that are used again; a user remembers no more.
const MOST_REUSE_DISTANCE: usize = 100_000;

/// A kind of delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A key of its own, honestly signed.
    Fresh,
    /// A key that this user has delivered, or that another has under way.
    Duplicate,
    /// The same, with another body.
    ConflictingBody,
    /// A key of its own that several users deliver at the same time.
    Burst,
    /// No key.
    MissingKey,
    /// A key of its own, its signature spoiled.
    Spoiled(Tamper),
}

/// Kinds with their weights, and what goes with them.
#[derive(Clone, Debug, PartialEq)]
pub struct Mix {
    kinds: Vec<(String, Kind, u32)>,
    total: u64,
    /// A duplicate is of one of so many keys that its user delivered last.
    pub reuse_distance: usize,
    /// How many users deliver the key of a burst.
    pub together: u32,
    /// How long a user of the closed model waits between deliveries.
    pub think: Think,
    /// Several paths, where the contract's own is not the only one.
    pub endpoints: Vec<EndpointShare>,
    /// Several contracts of one receiver, each with its own path and secret, where it is not the one that a load is under.
    pub contracts: Vec<ContractShare>,
    /// What is sent; the suite's ordinary body when there is nothing here.
    pub body: Option<BodyPlan>,
}

/// A mix as it stands in a file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MixFile {
    /// What this mix is like, in one sentence.
    pub title: String,
    /// Kinds with their weights: fresh, duplicate, conflicting-body, burst, missing-key, bad-signature, or any way to spoil a signature.
    pub mix: BTreeMap<String, u32>,
    /// A duplicate is of one of so many keys that its user delivered last (64).
    pub reuse_distance: Option<usize>,
    /// How many users deliver the key of a burst at the same time (4).
    pub together: Option<u32>,
    /// How long a user of the closed model waits between deliveries, on average, or from one time to another (not at all).
    pub think: Option<ThinkTime>,
    /// Several paths of the receiver under the one contract, by weight; a key and its duplicates go to one of them (the contract's own).
    #[serde(default)]
    pub endpoints: Vec<EndpointShare>,
    /// Several contracts of one receiver, by weight, each with its own path, secret and keys; all are loaded at once, and each is judged.
    #[serde(default)]
    pub contracts: Vec<ContractFile>,
    /// What is sent; the suite's ordinary body otherwise.
    pub body: Option<BodyFile>,
}

impl Default for Mix {
    fn default() -> Self {
        Self::of(vec![("fresh".to_owned(), Kind::Fresh, 1)])
    }
}

impl Mix {
    fn of(kinds: Vec<(String, Kind, u32)>) -> Self {
        let total = kinds.iter().map(|(_, _, weight)| u64::from(*weight)).sum();
        Self {
            kinds,
            total,
            reuse_distance: REUSE_DISTANCE,
            together: TOGETHER,
            think: Think::default(),
            endpoints: Vec::new(),
            contracts: Vec::new(),
            body: None,
        }
    }

    /// The kinds of a load whose deliveries come from elsewhere: none has a weight.
    ///
    /// * `given`: a mix that says what else there is to say.
    #[must_use]
    pub fn fed(kinds: Vec<(String, Kind, u32)>, given: Option<&Self>) -> Self {
        let mut mix = Self::of(kinds);
        if let Some(given) = given {
            (mix.reuse_distance, mix.think, mix.endpoints) = (given.reuse_distance, given.think, given.endpoints.clone());
            mix.body.clone_from(&given.body);
        }
        mix
    }

    /// The kinds' own names, in order.
    #[must_use]
    pub fn kind_names(&self) -> Vec<String> {
        self.kinds.iter().map(|(name, _, _)| name.clone()).collect()
    }

    /// The name of a kind, where there is one.
    #[must_use]
    pub fn name_of(&self, wanted: Kind) -> Option<String> {
        self.kinds.iter().find(|(_, kind, _)| *kind == wanted).map(|(name, _, _)| name.clone())
    }

    /// The place of a kind: by its name, where it has one of its own.
    #[must_use]
    pub fn place(&self, name: Option<&str>, kind: Kind) -> usize {
        let by_name = name.and_then(|name| self.kinds.iter().position(|(own, _, _)| own == name));
        by_name.or_else(|| self.kinds.iter().position(|(_, own, _)| *own == kind)).unwrap_or(usize::MAX)
    }

    /// Where first deliveries are counted; in a mix that has none of their own, where those are in whose place one is sent.
    #[must_use]
    pub fn place_of_fresh(&self, otherwise: usize) -> usize {
        self.kinds.iter().position(|(_, kind, _)| *kind == Kind::Fresh).unwrap_or(otherwise)
    }

    /// Reads `fresh=80,duplicate=15,bad-signature=3`; a tamper by its own name.
    ///
    /// # Errors
    /// One sentence: what is wrong, and what there is.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, weight) = part.split_once('=').ok_or_else(|| format!("`{part}` has no weight; write `{part}=10`"))?;
            let (name, weight) = (name.trim(), weight.trim());
            let number = weight.parse().map_err(|_| format!("the weight of `{name}` is a whole number, this is `{weight}`"))?;
            parts.push((name.to_owned(), number));
        }
        Self::weighed(parts)
    }

    /// Reads a mix from a file's text.
    ///
    /// * `name`: the file's name, as people should see it.
    ///
    /// # Errors
    /// Every mistake of the file, each with its place where it has one.
    pub fn read_file(name: &str, text: &str) -> Result<Self, String> {
        let (file, _) = yaml::read::<MixFile>(name, text).map_err(|diagnostics| diagnostics.to_string())?;
        let wrong = |what: String| format!("{name}: {what}");
        let mut mix = Self::weighed(file.mix.into_iter().collect()).map_err(wrong)?;
        if let Some(distance) = file.reuse_distance {
            if !(1..=MOST_REUSE_DISTANCE).contains(&distance) {
                return Err(wrong(format!("reuse_distance is from 1 to {MOST_REUSE_DISTANCE}, this is {distance}")));
            }
            mix.reuse_distance = distance;
        }
        if let Some(together) = file.together {
            if !(2..=10_000).contains(&together) {
                return Err(wrong(format!("together is from 2 to 10000, this is {together}")));
            }
            mix.together = together;
        }
        mix.think = file.think.map_or(Think::No, |think| think.0);
        mix.endpoints = endpoints::checked(file.endpoints, mix.kinds.len()).map_err(wrong)?;
        mix.body = file.body.map(BodyPlan::of).transpose().map_err(wrong)?;
        mix.contracts = contracts::checked(file.contracts, &mix).map_err(wrong)?;
        Ok(mix)
    }

    fn weighed(parts: Vec<(String, u32)>) -> Result<Self, String> {
        let mut kinds: Vec<(String, Kind, u32)> = Vec::new();
        for (name, weight) in parts {
            let kind = kind(&name)?;
            if !(1..=1_000_000).contains(&weight) {
                return Err(format!("the weight of `{name}` is a whole number from 1 to 1000000, this is `{weight}`"));
            }
            if kinds.iter().any(|(known, _, _)| *known == name) {
                return Err(format!("`{name}` stands twice in the mix"));
            }
            kinds.push((name, kind, weight));
        }
        if kinds.is_empty() {
            return Err("the mix is empty; write `fresh=80,duplicate=20`".to_owned());
        }
        if kinds.len() > usize::from(u8::MAX) {
            return Err(format!("the mix has more than {} kinds", u8::MAX));
        }
        if kinds.iter().all(|(_, kind, _)| matches!(kind, Kind::Duplicate | Kind::ConflictingBody)) {
            return Err("the mix has duplicates of nothing; add `fresh=80`".to_owned());
        }
        Ok(Self::of(kinds))
    }

    /// Whether any kind repeats keys.
    #[must_use]
    pub fn repeats(&self) -> bool {
        self.kinds.iter().any(|(_, kind, _)| matches!(kind, Kind::Duplicate | Kind::ConflictingBody))
    }

    /// Whether there is such a kind.
    #[must_use]
    pub fn has(&self, wanted: Kind) -> bool {
        self.kinds.iter().any(|(_, kind, _)| *kind == wanted)
    }

    /// The place of bursts, when there are any.
    #[must_use]
    pub fn bursts(&self) -> Option<usize> {
        self.kinds.iter().position(|(_, kind, _)| *kind == Kind::Burst)
    }

    /// The kinds' names, in order; with several endpoints, those of each.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.in_order().into_iter().map(|(name, _)| name).collect()
    }

    /// The same with their weights.
    #[must_use]
    pub fn in_order(&self) -> Vec<(String, u32)> {
        let kinds = || self.kinds.iter().map(|(name, _, weight)| (name, *weight));
        if self.endpoints.is_empty() {
            return kinds().map(|(name, weight)| (name.clone(), weight)).collect();
        }
        let of = |share: &EndpointShare| {
            kinds().map(|(name, weight)| (format!("{name}@{}", share.name), weight.saturating_mul(share.weight))).collect::<Vec<_>>()
        };
        self.endpoints.iter().flat_map(of).collect()
    }

    /// The weights by the kinds' names.
    #[must_use]
    pub fn weights(&self) -> BTreeMap<String, u32> {
        self.in_order().into_iter().collect()
    }

    /// The ways in which signatures are spoiled.
    pub fn tampers(&self) -> impl Iterator<Item = Tamper> {
        self.kinds.iter().filter_map(|(_, kind, _)| match kind {
            Kind::Spoiled(tamper) => Some(*tamper),
            Kind::Fresh | Kind::Duplicate | Kind::ConflictingBody | Kind::Burst | Kind::MissingKey => None,
        })
    }

    /// The kind, and its place, that a random number means.
    #[must_use]
    pub fn choose(&self, random: u64) -> (usize, Kind) {
        let mut left = random % self.total.max(1);
        for (place, (_, kind, weight)) in self.kinds.iter().enumerate() {
            match left.checked_sub(u64::from(*weight)) {
                Some(rest) => left = rest,
                None => return (place, *kind),
            }
        }
        (0, Kind::Fresh)
    }
}

/// The kind of a name.
///
/// # Errors
/// One sentence: what there is.
pub fn kind(name: &str) -> Result<Kind, String> {
    Ok(match name {
        "fresh" => Kind::Fresh,
        "duplicate" => Kind::Duplicate,
        "conflicting-body" => Kind::ConflictingBody,
        "burst" => Kind::Burst,
        "missing-key" => Kind::MissingKey,
        "bad-signature" => Kind::Spoiled(Tamper::WrongSecret),
        other => {
            let tamper: Result<Tamper, Error> = Tamper::deserialize(StrDeserializer::new(other));
            let tamper = tamper.map_err(|_| {
                format!("there is no kind `{other}`: fresh, duplicate, conflicting-body, burst, missing-key, bad-signature, or a way to spoil a signature (wrong-secret, truncated, absent, …: `hookgate schema scenario` has them all)")
            })?;
            if tamper.passes() {
                return Err(format!(
                    "`{other}` is an honest signature, which a right receiver takes: in a load it would be called a mistake"
                ));
            }
            Kind::Spoiled(tamper)
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

    #[test]
    fn files_that_cannot_be_meant_are_told() {
        for (text, told) in [
            ("mix: {fresh: 1}", "title"),
            ("title: t\nmix: {fresh: 1}\nthink: 5", "a span of time has a unit"),
            ("title: t\nmix: {fresh: 1}\ntogther: 5", "together"),
            ("title: t\nmix: {fresh: 1}\ntogether: 1", "from 2"),
            ("title: t\nmix: {fresh: 1}\nreuse_distance: 0", "from 1"),
            ("title: t\nmix: {fresh: 1}\nbody: {file: a, template: b}", "one of"),
            ("title: t\nmix: {fresh: 1}\nbody: {template: b, sizes: [{bytes: 9, weight: 1}]}", "{padding}"),
            ("title: t\nmix: {duplicate: 1}", "of nothing"),
        ] {
            assert!(
                Mix::read_file("m.yaml", text).is_err_and(|wrong| wrong.contains(told)),
                "{text}: {:?}",
                Mix::read_file("m.yaml", text)
            );
        }
    }

    /// An honest signature is no mistake of the receiver's; the others are held against the contract before the load begins.
    #[test]
    fn a_mix_has_no_honest_tampers() {
        let told = Mix::read("fresh=1,right-last-of-many=1");
        assert!(told.is_err_and(|told| told.contains("`right-last-of-many` is an honest signature")));
        let mix = Mix::read("fresh=1,stale=1,truncated=1").unwrap_or_else(|wrong| unreachable!("{wrong}"));
        assert_eq!(mix.tampers().collect::<Vec<_>>(), [Tamper::Stale, Tamper::Truncated]);
    }
}
