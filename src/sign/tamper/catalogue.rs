//! Facts about tampers: what each does in words, and for which schemes it makes sense.
//!
//! Takes a tamper and a signer, gives a sentence. The one place that knows why
//! a tamper would be an honest delivery, or no delivery at all, under a scheme.

use std::time::Duration;

use super::list::{is_list, unknown_versions};
use super::time::{Place, place_of_time};
use super::{MARGIN, Tamper};
use crate::sign::spoiling::names_its_digest;
use crate::sign::{DigestName, Encoding, ListLines, Proof, Scheme, Signer, TimeUnit, Tolerance};

/// Of a shorter token nothing is left when it is cut.
const SHORTEST_TOKEN: usize = 8;

impl Tamper {
    /// What it does, as a sentence about the signature.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Absent => "the signature header is not sent",
            Self::Empty => "the signature header is empty",
            Self::Blank => "the signature header holds white space only",
            Self::WrongSecret => "the signature is made with another secret",
            Self::EmptySecret => "the signature is made with an empty secret",
            Self::FirstCharacter => "only the first character of the signature is sent",
            Self::Half => "only the first half of the signature is sent",
            Self::Truncated => "the last character of the signature is missing",
            Self::Extended => "one more character follows the signature",
            Self::Doubled => "the signature stands twice in a row",
            Self::AllZero => "the signature is all zeros",
            Self::FlippedFirst => "the first character of the signature is another",
            Self::FlippedLast => "the last character of the signature is another",
            Self::NotEncoded => "the signature is no text of its encoding",
            Self::NonAscii => "the signature is bytes outside ASCII",
            Self::OtherDigest => "the signature is made with another hash function",
            Self::Sha1Named => "the signature is an HMAC-SHA1, and is named so",
            Self::Sha256Named => "the signature is an HMAC-SHA256, and is named so",
            Self::Sha512Named => "the signature is an HMAC-SHA512, and is named so",
            Self::PlainHash => "the signature is a plain hash, without any secret",
            Self::SecretThenMessage => "the signature is the hash of secret and message, not an HMAC",
            Self::Quoted => "the signature stands in quotation marks",
            Self::Prefixed => "the signature follows the name of its hash function",
            Self::CommaJoined => "the signature follows a wrong one in the same line",
            Self::InQuery => "the signature stands in the query instead of its header, under usual names",
            Self::InBody => "the signature stands in the body instead of its header, under usual names",
            Self::InOtherHeader => "the signature stands in other headers than its own",
            Self::TwiceRightFirst => "two signature lines are sent, the right one first",
            Self::TwiceRightLast => "two signature lines are sent, the right one last",
            Self::BodyChanged => "one bit of the body changed after signing",
            Self::Stale => "the signature was made an hour before the tolerance begins",
            Self::Early => "the signature was made an hour after the tolerance ends",
            Self::TimeChanged => "the signed time changed after signing",
            Self::StaleJustOutside => "the signature is three seconds older than the tolerance allows",
            Self::StaleJustInside => "the signature is three seconds short of too old, and right",
            Self::EarlyJustOutside => "the signature is three seconds further in the future than the tolerance allows",
            Self::EarlyJustInside => "the signature is three seconds short of too far in the future, and right",
            Self::TimeMissing => "the signed time is left out",
            Self::TimeEmpty => "the signed time is empty",
            Self::TimeNegative => "the signed time is negative",
            Self::TimeFractional => "the signed time has a fraction",
            Self::TimeTwentyDigits => "the signed time has twenty digits",
            Self::TimeHex => "the signed time is in hex digits",
            Self::TimeSigned => "the signed time has a plus in front",
            Self::TimeOtherUnit => "the signed time is in another unit",
            Self::TimeTwice => "the time stands twice, first the signed one and then another",
            Self::TimeTwiceRightLast => "the time stands twice, first another and then the signed one",
            Self::RightFirstOfMany => "the right signature is the first of several",
            Self::RightLastOfMany => "the right signature is the last of several",
            Self::RightAmidUnknownVersions => "the right signature stands between entries of unknown versions",
            Self::NoneRightOfMany => "several signatures are sent, and none is right",
            Self::EmptyEntry => "a wrong signature and an empty entry are sent",
            Self::ThousandWrong => "a thousand signatures are sent, and none is right",
            Self::UnknownVersionOnly => "the right signature stands in an entry of an unknown version",
            Self::ByPreviousSecret => "the signature is made with the previous secret, which still counts",
            Self::ByRetiredSecret => "the signature is made with a secret that no longer counts",
            Self::ForOtherBytes => "the signature is right for another body",
            Self::MemberChanged => "a signed member of the body changed after signing",
            Self::CoversLess => "the signature covers less than the contract's message, and says so",
            Self::Malleable => "the number in the signature is not reduced",
            Self::SmallOrder => "the signature is a point of small order and nothing",
            Self::ByPublicKey => "the signature is an HMAC whose secret is the public key",
            Self::BlanksInList => "blanks stand around the items of the list, and the signature is right",
            Self::RightInFirstOfTwoLines => "the list goes on in a second line, and the right signature stands in the first",
            Self::RightInSecondOfTwoLines => "the list goes on in a second line, and the right signature stands there",
            Self::ItemsTurned => "the items of the list are in reverse order, and the signature is right",
            Self::PrefixInList => "a wrong signature and the first half of the right one are sent",
            Self::OldForm => "the signature covers the body alone and bears no mark, as in an older form",
            Self::OtherCase => "the letters of the signature are in the other case",
        }
    }

    /// Whether a right receiver takes the delivery: the signature is unusual, and honest.
    #[must_use]
    pub fn passes(self) -> bool {
        matches!(
            self,
            Self::StaleJustInside
                | Self::EarlyJustInside
                | Self::RightFirstOfMany
                | Self::RightLastOfMany
                | Self::RightAmidUnknownVersions
                | Self::ByPreviousSecret
                | Self::BlanksInList
                | Self::ItemsTurned
                | Self::RightInFirstOfTwoLines
                | Self::RightInSecondOfTwoLines
        )
    }

    /// Whether it only makes sense for schemes that carry a time.
    #[must_use]
    pub fn needs_time(self) -> bool {
        matches!(
            self,
            Self::Stale
                | Self::Early
                | Self::TimeChanged
                | Self::StaleJustOutside
                | Self::StaleJustInside
                | Self::EarlyJustOutside
                | Self::EarlyJustInside
                | Self::TimeMissing
                | Self::TimeEmpty
                | Self::TimeNegative
                | Self::TimeFractional
                | Self::TimeTwentyDigits
                | Self::TimeHex
                | Self::TimeSigned
                | Self::TimeOtherUnit
                | Self::TimeTwice
                | Self::TimeTwiceRightLast
        )
    }

    /// Whether it only makes sense for schemes whose header holds a list of signatures.
    #[must_use]
    pub fn needs_list(self) -> bool {
        matches!(
            self,
            Self::RightFirstOfMany
                | Self::RightLastOfMany
                | Self::RightAmidUnknownVersions
                | Self::NoneRightOfMany
                | Self::EmptyEntry
                | Self::ThousandWrong
                | Self::UnknownVersionOnly
                | Self::BlanksInList
                | Self::ItemsTurned
                | Self::RightInFirstOfTwoLines
                | Self::RightInSecondOfTwoLines
                | Self::PrefixInList
        )
    }

    /// Whether it only makes sense for a sender that knows another secret: one that still counts, or one that no longer does.
    #[must_use]
    pub fn needs_previous(self) -> bool {
        matches!(self, Self::ByPreviousSecret | Self::ByRetiredSecret)
    }

    /// Whether the tamper makes sense for a signer's scheme and secrets.
    ///
    /// # Errors
    /// Why not, as a sentence: then nothing can be judged by it.
    pub fn applies_to(self, signer: &Signer) -> Result<(), &'static str> {
        let is_zeros = signer.key_bytes().iter().all(|byte| *byte == 0);
        let has_letters = signer.scheme().by != Proof::Token || signer.key_bytes().iter().any(u8::is_ascii_alphabetic);
        let is_short = signer.scheme().by == Proof::Token && signer.key_bytes().len() < SHORTEST_TOKEN;
        match self {
            Self::FirstCharacter | Self::Half | Self::Truncated | Self::NonAscii if is_short => Err("the token is too short to be cut"),
            Self::EmptySecret if is_zeros => Err("the shared secret is empty, or zeros alone, which sign alike"),
            Self::ByPreviousSecret if signer.by_previous().is_none() => Err("no previous secret is known"),
            Self::ByRetiredSecret if signer.by_retired().is_none() => Err("no retired secret is known"),
            Self::OtherCase if !has_letters => Err("the token has no letters"),
            other => other.fits(signer.scheme()),
        }
    }

    /// Whether the tamper makes sense for a scheme, as far as that can be said without a secret.
    ///
    /// # Errors
    /// Why not, as a sentence.
    pub fn fits(self, scheme: &Scheme) -> Result<(), &'static str> {
        let demand = |holds: bool, otherwise: &'static str| if holds { Ok(()) } else { Err(otherwise) };
        if scheme.by == Proof::None {
            return Err("the contract's deliveries bear no signature");
        }
        if scheme.not_judged.contains_key(&self) {
            return Err("the contract holds nobody to that (signature.not_judged)");
        }
        match self {
            Self::OtherDigest | Self::PlainHash | Self::SecretThenMessage => demand(scheme.by == Proof::Hmac, NO_HMAC),
            Self::Sha1Named => names_another(scheme, DigestName::Sha1),
            Self::Sha256Named => names_another(scheme, DigestName::Sha256),
            Self::Sha512Named => names_another(scheme, DigestName::Sha512),
            Self::EmptySecret => demand(scheme.by != Proof::Token, "an empty token is no token"),
            Self::Malleable | Self::SmallOrder | Self::ByPublicKey => demand(scheme.by == Proof::Ed25519, NO_PAIR),
            Self::TwiceRightFirst | Self::TwiceRightLast if is_one_list(scheme) => Err("two lines of the contract's list are one list"),
            Self::TwiceRightFirst | Self::TwiceRightLast | Self::InBody => {
                demand(scheme.carrier().is_some_and(|carrier| carrier.member().is_none()), "the contract's signature travels in the body")
            }
            Self::ForOtherBytes => demand(scheme.covers_body() || scheme.covers_form(), NO_BODY),
            Self::MemberChanged => {
                demand(scheme.message.placeholders().any(|name| name.starts_with("member:")), "the contract's signatures cover no members")
            }
            Self::CoversLess => demand(!scheme.narrower.is_empty(), "the contract has no form of its signatures that covers less"),
            Self::CommaJoined => {
                let separator = scheme.several.as_ref().map(|several| several.separator.trim());
                demand(separator != Some(","), "the contract's signature header may hold several, joined by commas")
            }
            Self::BodyChanged => demand(scheme.covers_body() || scheme.covers_form(), NO_BODY),
            Self::TimeChanged => demand(scheme.carries_time() && scheme.signs("t"), NO_TIME),
            Self::Stale | Self::StaleJustOutside => tolerance(scheme).map(drop),
            Self::StaleJustInside => wide(tolerance(scheme)?.past.0),
            Self::Early | Self::EarlyJustOutside => future(scheme).map(drop),
            Self::EarlyJustInside => wide(future(scheme)?),
            Self::TimeMissing | Self::TimeTwice | Self::TimeTwiceRightLast => {
                tolerance(scheme)?;
                demand(place_of_time(scheme).is_some(), "the contract's time has neither a header nor an item of a list to itself")
            }
            Self::TimeEmpty | Self::TimeNegative | Self::TimeHex | Self::TimeSigned => tolerance(scheme).map(drop),
            Self::TimeFractional => {
                demand(tolerance(scheme)?.unit != TimeUnit::Rfc3339, "the contract's time is RFC 3339, which may have a fraction")
            }
            Self::TimeTwentyDigits => match tolerance(scheme)?.unit {
                // A number that is far in the future passes where any future does.
                TimeUnit::Seconds | TimeUnit::Milliseconds => future(scheme).map(drop),
                TimeUnit::Rfc3339 => Ok(()),
            },
            Self::TimeOtherUnit => match tolerance(scheme)?.unit {
                TimeUnit::Seconds => future(scheme).map(drop),
                // Seconds that are read as milliseconds are January 1970, and no tolerance is longer than ten years.
                TimeUnit::Milliseconds | TimeUnit::Rfc3339 => Ok(()),
            },
            Self::RightFirstOfMany
            | Self::RightLastOfMany
            | Self::NoneRightOfMany
            | Self::EmptyEntry
            | Self::ThousandWrong
            | Self::PrefixInList => demand(is_list(scheme), NO_LIST),
            Self::BlanksInList => {
                demand(is_list(scheme), NO_LIST)?;
                let passed_over = scheme.several.as_ref().is_some_and(|several| several.blanks);
                demand(passed_over, "the contract does not say that blanks around items are passed over (several.blanks)")
            }
            Self::RightInFirstOfTwoLines | Self::RightInSecondOfTwoLines => {
                demand(is_list(scheme), NO_LIST)?;
                demand(is_one_list(scheme), "the contract does not say that the lines of its list are one list (several.lines: joined)")
            }
            Self::ItemsTurned => {
                demand(is_list(scheme), NO_LIST)?;
                demand(matches!(place_of_time(scheme), Some(Place::Item(_, _))), "the contract's list has one kind of item")
            }
            Self::OtherCase => {
                demand(!matches!(scheme.encoding, Encoding::Hex | Encoding::HexUpper), "hex digits are the same value in either case")
            }
            Self::OldForm => {
                demand(scheme.by == Proof::Hmac, NO_HMAC)?;
                demand(
                    scheme.signs("body") && scheme.message.parts().len() > 1,
                    "the contract's signatures cover the body alone, or none of it",
                )
            }
            Self::RightAmidUnknownVersions | Self::UnknownVersionOnly => {
                demand(is_list(scheme), NO_LIST)?;
                demand(!unknown_versions(scheme).is_empty(), "the entries of the contract's list bear no version")
            }
            Self::Absent
            | Self::Empty
            | Self::Blank
            | Self::WrongSecret
            | Self::FirstCharacter
            | Self::Half
            | Self::Truncated
            | Self::Extended
            | Self::Doubled
            | Self::AllZero
            | Self::FlippedFirst
            | Self::FlippedLast
            | Self::NotEncoded
            | Self::NonAscii
            | Self::Quoted
            | Self::Prefixed
            | Self::InQuery
            | Self::InOtherHeader
            | Self::ByPreviousSecret
            | Self::ByRetiredSecret => Ok(()),
        }
    }
}

const NO_BODY: &str = "the contract's signatures do not cover the body";
const NO_HMAC: &str = "the contract's signatures are no HMACs";
const NO_PAIR: &str = "the contract's signatures are not made with a key pair";
const NO_TIME: &str = "the contract's signatures do not carry a time";
const NO_LIST: &str = "the contract's signature header holds one signature, not a list";

/// Whether a scheme names its hash function where a delivery can name this one.
fn names_another(scheme: &Scheme, digest: DigestName) -> Result<(), &'static str> {
    match scheme.digest == digest {
        _ if scheme.by != Proof::Hmac => Err(NO_HMAC),
        true => Err("it is the contract's own hash function"),
        false if !names_its_digest(scheme) => Err("no line of the contract's signature names its hash function"),
        false => Ok(()),
    }
}

/// Whether several lines of its list are one.
fn is_one_list(scheme: &Scheme) -> bool {
    scheme.several.as_ref().is_some_and(|several| several.lines == Some(ListLines::Joined))
}

fn tolerance(scheme: &Scheme) -> Result<Tolerance, &'static str> {
    scheme.time.filter(|_| scheme.carries_time()).ok_or(NO_TIME)
}

fn future(scheme: &Scheme) -> Result<Duration, &'static str> {
    tolerance(scheme)?.future.map(|future| future.0).ok_or("the contract lets every time in the future pass")
}

fn wide(tolerance: Duration) -> Result<(), &'static str> {
    if tolerance >= MARGIN { Ok(()) } else { Err("the contract's tolerance is narrower than a delivery may be on its way") }
}
