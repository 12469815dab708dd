//! Outcomes: what came of a delivery, as far as its answer says.
//!
//! An answer may fit several descriptions of a contract, so what it may be is
//! a set ([`OutcomeSet`]), and never a guess. [`reader::Reader`] is the one
//! place that turns answers into sets: runs, bursts, histories, load and
//! `verify` ask it alike. What `{placeholders}` of descriptions stand for is
//! in [`members`], what is not as promised is told in codes of [`mismatch`].
//!
//! Start at [`reader::Reader::read`].

pub mod members;
pub mod mismatch;
pub mod overlap;
pub mod reader;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::contract::outcome::Refusal;

/// What came of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Accepted as new.
    Accepted,
    /// Answered as a duplicate.
    Duplicate,
    /// Told that its key is under way.
    InFlight,
    /// Turned away as the contract describes it.
    Refused(Refusal),
    /// Turned away with a status from 400 to 499 that the contract does not describe.
    Rejected,
    /// The failure that the contract describes (`failures`): unless it was provoked, it may have been taken.
    Failed,
    /// An answer that fits nothing, an undescribed failure among them: it may have been taken.
    Other,
    /// No answer: it may have been taken.
    NoAnswer,
}

/// The outcomes that an answer may stand for; never empty.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct OutcomeSet(u32);

/// The bit of the first refusal.
const FIRST_REFUSAL: u32 = 8;
const ANY_REFUSAL: u32 = (1 << 3) | (((1 << Refusal::ALL.len() as u32) - 1) << FIRST_REFUSAL);

impl Outcome {
    const PLAIN: [Self; 7] = [Self::Accepted, Self::Duplicate, Self::InFlight, Self::Rejected, Self::Failed, Self::Other, Self::NoAnswer];

    const fn bit(self) -> u32 {
        match self {
            Self::Accepted => 1,
            Self::Duplicate => 1 << 1,
            Self::InFlight => 1 << 2,
            Self::Rejected => 1 << 3,
            Self::Other => 1 << 4,
            Self::NoAnswer => 1 << 5,
            Self::Failed => 1 << 6,
            Self::Refused(why) => 1 << (FIRST_REFUSAL + why as u32),
        }
    }
}

impl OutcomeSet {
    /// Nothing yet: what a reader begins with.
    pub(crate) const NOTHING: Self = Self(0);

    /// The bits that stand for it in a file: their meaning never changes, and new ones come behind them.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// What bits stand for; `None` when there is no such outcome, or none at all.
    #[must_use]
    pub fn of_bits(bits: u32) -> Option<Self> {
        let known = Outcome::PLAIN.iter().fold(0, |all, one| all | one.bit()) | ANY_REFUSAL;
        (bits != 0 && bits & !known == 0).then_some(Self(bits))
    }

    /// The one outcome.
    #[must_use]
    pub const fn only(outcome: Outcome) -> Self {
        Self(outcome.bit())
    }

    /// With one outcome more.
    #[must_use]
    pub const fn or(self, outcome: Outcome) -> Self {
        Self(self.0 | outcome.bit())
    }

    /// Whether it may be `outcome`.
    #[must_use]
    pub const fn may_be(self, outcome: Outcome) -> bool {
        self.0 & outcome.bit() != 0
    }

    /// Whether it is `outcome` and nothing else.
    #[must_use]
    pub const fn is(self, outcome: Outcome) -> bool {
        self.0 == outcome.bit()
    }

    /// Whether nothing is in it yet.
    pub(crate) const fn is_nothing(self) -> bool {
        self.0 == 0
    }

    /// Whether it is a refusal, of whatever reason, and nothing else.
    #[must_use]
    pub const fn is_refusal(self) -> bool {
        self.0 & ANY_REFUSAL != 0 && self.0 & !ANY_REFUSAL == 0
    }

    /// Whether it is surely an acceptance or a duplicate, though it may not say which.
    #[must_use]
    pub const fn is_taken(self) -> bool {
        let taken = Outcome::Accepted.bit() | Outcome::Duplicate.bit();
        self.0 & taken != 0 && self.0 & !taken == 0
    }

    /// Whether nothing is known of what the receiver did.
    #[must_use]
    pub const fn is_unknown(self) -> bool {
        self.may_be(Outcome::Failed) || self.may_be(Outcome::Other) || self.may_be(Outcome::NoAnswer)
    }

    /// Whether it may be an acceptance: told as one, or not known.
    #[must_use]
    pub const fn may_have_effect(self) -> bool {
        self.may_be(Outcome::Accepted) || self.is_unknown()
    }

    /// Its name in histories: `accepted`, `duplicate`, `in-flight`, `refused`, `accepted-or-duplicate`, `failed`, `unknown`.
    ///
    /// Refusals have one name whatever their reason, which the status tells.
    #[must_use]
    pub fn name(self) -> String {
        if self.is_unknown() {
            return if self.is(Outcome::Failed) { "failed" } else { "unknown" }.to_owned();
        }
        let plain = [(Outcome::Accepted, "accepted"), (Outcome::Duplicate, "duplicate"), (Outcome::InFlight, "in-flight")];
        let mut names: Vec<&str> = plain.into_iter().filter(|(outcome, _)| self.may_be(*outcome)).map(|(_, name)| name).collect();
        if self.0 & ANY_REFUSAL != 0 {
            names.push("refused");
        }
        names.join("-or-")
    }

    /// The set that histories call `name`.
    fn named(name: &str) -> Option<Self> {
        match name {
            "unknown" => return Some(Self::only(Outcome::NoAnswer)),
            "failed" => return Some(Self::only(Outcome::Failed)),
            _ => {}
        }
        let mut set = Self::NOTHING;
        for word in name.split("-or-") {
            set = set.or(match word {
                "accepted" => Outcome::Accepted,
                "duplicate" => Outcome::Duplicate,
                "in-flight" => Outcome::InFlight,
                "refused" => Outcome::Rejected,
                _ => return None,
            });
        }
        Some(set)
    }
}

impl Default for OutcomeSet {
    fn default() -> Self {
        Self::only(Outcome::NoAnswer)
    }
}

impl std::fmt::Debug for OutcomeSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let refusals = Refusal::ALL.into_iter().map(Outcome::Refused);
        f.debug_set().entries(Outcome::PLAIN.into_iter().chain(refusals).filter(|one| self.may_be(*one))).finish()
    }
}

impl std::fmt::Display for OutcomeSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name().replace("-or-", " or ").replace("in-flight", "in flight"))
    }
}

impl Serialize for OutcomeSet {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.name())
    }
}

impl<'de> Deserialize<'de> for OutcomeSet {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        Self::named(&name).ok_or_else(|| serde::de::Error::custom(format!("there is no outcome `{name}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A set tells what it may be, and its name is read back as what histories need of it.
    #[test]
    fn sets_are_named_and_read_back() {
        let refused = OutcomeSet::only(Outcome::Refused(Refusal::Signature)).or(Outcome::Refused(Refusal::TooLarge));
        let alike = OutcomeSet::only(Outcome::Accepted).or(Outcome::Duplicate);
        for (set, name) in [
            (OutcomeSet::only(Outcome::Accepted), "accepted"),
            (alike, "accepted-or-duplicate"),
            (OutcomeSet::only(Outcome::InFlight), "in-flight"),
            (refused, "refused"),
            (OutcomeSet::only(Outcome::Failed), "failed"),
            (OutcomeSet::only(Outcome::Other), "unknown"),
            (OutcomeSet::default(), "unknown"),
        ] {
            let text = serde_json::to_string(&set).expect("a name");
            assert_eq!(text, format!("{name:?}"));
            let again: OutcomeSet = serde_json::from_str(&text).expect("it was written a moment ago");
            assert_eq!((again.name(), again.is_refusal(), again.is_taken()), (name.to_owned(), set.is_refusal(), set.is_taken()));
        }
        assert!(refused.is_refusal() && !alike.is_refusal() && alike.may_have_effect());
        assert!(serde_json::from_str::<OutcomeSet>("\"lost\"").is_err());
    }
}
