//! Tampers: the catalogue of broken signatures that scenarios may ask for.
//!
//! Takes a delivery that bears no signature, gives it one that is spoiled in
//! one catalogued way. Every tamper has a name (in scenarios), a sentence (in
//! reports), and says where it makes sense ([`Tamper::applies_to`]). A few are
//! honest: they show that a receiver does not refuse too much ([`Tamper::passes`]).

mod catalogue;
mod list;
mod making;
mod place;
mod time;
#[cfg(test)]
mod tests;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::making::Making;
use super::spoiling::{by_public_key, in_other_case, other_hmac, plain_hash, with_other_bit};
use super::{DigestName, Signer, TimeUnit, pair};
use crate::clock::UnixMicros;
use crate::delivery::Delivery;

/// A catalogued way to spoil a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tamper {
    /// The header is not sent.
    Absent,
    /// The header is sent without a value.
    Empty,
    /// The header holds white space only.
    Blank,
    /// Made with another secret.
    WrongSecret,
    /// Made with an empty secret.
    EmptySecret,
    /// Its first character only.
    FirstCharacter,
    /// Its first half only.
    Half,
    /// Its last character is missing.
    Truncated,
    /// One more character follows.
    Extended,
    /// It stands twice in a row, without anything between.
    Doubled,
    /// Zeros in place of its bytes, written as signatures are.
    AllZero,
    /// Its first character is another.
    FlippedFirst,
    /// Its last character is another.
    FlippedLast,
    /// As long, but no text of its encoding.
    NotEncoded,
    /// Bytes outside ASCII.
    NonAscii,
    /// HMAC with another hash function.
    OtherDigest,
    /// HMAC-SHA1 that says so; only for schemes that name another hash function beside their signature.
    Sha1Named,
    /// HMAC-SHA256 that says so; only for schemes that name another hash function beside their signature.
    Sha256Named,
    /// HMAC-SHA512 that says so; only for schemes that name another hash function beside their signature.
    Sha512Named,
    /// The hash of the message, without any secret.
    PlainHash,
    /// The hash of the secret followed by the message: not an HMAC.
    SecretThenMessage,
    /// Right, but in quotation marks.
    Quoted,
    /// Right, but after the name of its hash function, as another scheme writes it.
    Prefixed,
    /// Right, but after a wrong one and a comma in the same line.
    CommaJoined,
    /// Right, but in the query instead of the header.
    InQuery,
    /// Right, but in a member of the body instead of the header.
    InBody,
    /// Right, but in another header.
    InOtherHeader,
    /// Two header lines, the right one first.
    TwiceRightFirst,
    /// Two header lines, the right one last.
    TwiceRightLast,
    /// Right over the body, but one bit of the body changed afterwards.
    BodyChanged,
    /// Signed an hour before the tolerance begins.
    Stale,
    /// Signed an hour after the tolerance ends.
    Early,
    /// The time changed after signing; only for schemes that sign the time.
    TimeChanged,
    /// Signed three seconds before the tolerance begins.
    StaleJustOutside,
    /// Signed three seconds after the tolerance begins: an honest delivery.
    StaleJustInside,
    /// Signed three seconds after the tolerance ends.
    EarlyJustOutside,
    /// Signed three seconds before the tolerance ends: an honest delivery.
    EarlyJustInside,
    /// The signed time is empty, and its header or its item is left out.
    TimeMissing,
    /// The signed time is empty.
    TimeEmpty,
    /// The signed time has a minus in front.
    TimeNegative,
    /// The signed time has a fraction.
    TimeFractional,
    /// The signed time is the present and 2 to the 64th: twenty digits.
    TimeTwentyDigits,
    /// The signed time is in hex digits, after `0x`.
    TimeHex,
    /// The signed time has a plus in front.
    TimeSigned,
    /// The signed time is in milliseconds instead of seconds, or in seconds instead of another form.
    TimeOtherUnit,
    /// The time stands twice, first the one that is signed and then another.
    TimeTwice,
    /// The time stands twice, last the one that is signed and first another.
    TimeTwiceRightLast,
    /// A list of signatures, the right one first: an honest delivery.
    RightFirstOfMany,
    /// A list of signatures, the right one last: an honest delivery.
    RightLastOfMany,
    /// The right signature between entries of versions that nobody knows: an honest delivery.
    RightAmidUnknownVersions,
    /// A list of signatures, none of them right.
    NoneRightOfMany,
    /// A list of a wrong signature and an empty entry.
    EmptyEntry,
    /// A list of a thousand signatures, none of them right.
    ThousandWrong,
    /// The right signature, but in an entry of a version that nobody knows.
    UnknownVersionOnly,
    /// Made with the previous secret while it still counts: an honest delivery.
    ByPreviousSecret,
    /// Made with a secret that no longer counts.
    ByRetiredSecret,
    /// Right, but over another body.
    ForOtherBytes,
    /// A signed member of the body changed after signing; only for schemes that sign members.
    MemberChanged,
    /// Right, but over less than the contract's message, and it says so; only for schemes with `narrower` forms.
    CoversLess,
    /// The number in it is not reduced; only for key pairs.
    Malleable,
    /// A point of small order and the number nothing; only for key pairs.
    SmallOrder,
    /// An HMAC whose secret is the public key; only for key pairs.
    ByPublicKey,
    /// A list with a blank behind each separator: an honest delivery where blanks are passed over.
    BlanksInList,
    /// The items of the list in reverse order, the time last: an honest delivery.
    ItemsTurned,
    /// The list goes on in a second line; the right signature stands in the first.
    RightInFirstOfTwoLines,
    /// The list goes on in a second line; the right signature stands there.
    RightInSecondOfTwoLines,
    /// A list of a wrong signature, and the first half of the right one.
    PrefixInList,
    /// Made over the body alone and written without any mark, as older schemes do; only for schemes that sign more.
    OldForm,
    /// Its letters in the other case: another value, where its encoding tells them apart.
    OtherCase,
}

/// Another secret than the shared one; published, since it protects nothing.
const OTHER_SECRET: &[u8] = b"a secret that the receiver does not share";
/// Far outside the tolerance.
const FAR: Duration = Duration::from_secs(3_600);
/// Just inside or outside the tolerance: more than a delivery is on its way (requirement SIGT-1).
const MARGIN: Duration = Duration::from_secs(3);

/// The bytes of a signature whose number is not reduced (see [`Tamper::Malleable`]).
pub(crate) fn malleable(signer: &Signer, delivery: &Delivery, envelope: super::Envelope<'_>) -> Vec<u8> {
    pair::malleable(&signer.mac_of(delivery, envelope))
}

/// The bytes of a signature that is a point of small order and nothing (see [`Tamper::SmallOrder`]).
pub(crate) fn small_order() -> Vec<u8> {
    pair::small_order()
}

/// What a tampered delivery needs to know of its sending.
#[derive(Clone, Copy, Debug)]
pub struct Sending<'a> {
    /// What `{id}` stands for, byte for byte as it travels: the delivery's key.
    pub id: &'a [u8],
    /// `http://host:port`.
    pub origin: &'a str,
    /// When it is sent, by the receiver's clock.
    pub at: UnixMicros,
    /// Which one is taken where there are several: of signed members counted from the last, of narrower forms; anew behind the end.
    pub which: usize,
}

impl Tamper {
    /// Every tamper, in the order of the catalogue.
    pub const ALL: [Self; 69] = [
        Self::Absent,
        Self::Empty,
        Self::Blank,
        Self::WrongSecret,
        Self::EmptySecret,
        Self::FirstCharacter,
        Self::Half,
        Self::Truncated,
        Self::Extended,
        Self::Doubled,
        Self::AllZero,
        Self::FlippedFirst,
        Self::FlippedLast,
        Self::NotEncoded,
        Self::NonAscii,
        Self::OtherDigest,
        Self::Sha1Named,
        Self::Sha256Named,
        Self::Sha512Named,
        Self::PlainHash,
        Self::SecretThenMessage,
        Self::Quoted,
        Self::Prefixed,
        Self::CommaJoined,
        Self::InQuery,
        Self::InBody,
        Self::InOtherHeader,
        Self::TwiceRightFirst,
        Self::TwiceRightLast,
        Self::BodyChanged,
        Self::Stale,
        Self::Early,
        Self::TimeChanged,
        Self::StaleJustOutside,
        Self::StaleJustInside,
        Self::EarlyJustOutside,
        Self::EarlyJustInside,
        Self::TimeMissing,
        Self::TimeEmpty,
        Self::TimeNegative,
        Self::TimeFractional,
        Self::TimeTwentyDigits,
        Self::TimeHex,
        Self::TimeSigned,
        Self::TimeOtherUnit,
        Self::TimeTwice,
        Self::TimeTwiceRightLast,
        Self::RightFirstOfMany,
        Self::RightLastOfMany,
        Self::RightAmidUnknownVersions,
        Self::NoneRightOfMany,
        Self::EmptyEntry,
        Self::ThousandWrong,
        Self::UnknownVersionOnly,
        Self::ByPreviousSecret,
        Self::ByRetiredSecret,
        Self::ForOtherBytes,
        Self::MemberChanged,
        Self::CoversLess,
        Self::Malleable,
        Self::SmallOrder,
        Self::ByPublicKey,
        Self::BlanksInList,
        Self::ItemsTurned,
        Self::RightInFirstOfTwoLines,
        Self::RightInSecondOfTwoLines,
        Self::PrefixInList,
        Self::OldForm,
        Self::OtherCase,
    ];

    /// Adds this signature to `delivery`, which bears none yet.
    ///
    /// Where the tamper does not [apply](Self::applies_to), what is added is no honest signature, and nothing more is promised of it.
    #[must_use]
    pub fn apply(self, signer: &Signer, delivery: Delivery, sending: Sending<'_>) -> Delivery {
        let making = Making::new(signer, delivery, sending);
        let (right, time, unit, at) = (making.right.clone(), making.time.clone(), signer.scheme().unit(), sending.at);
        let (flipped, flipped_last) = (making.flipped(0), making.flipped(making.last_that_counts()));
        // Base64 ends in padding and in bits that do not count.
        let bare = making.bare_signature().to_owned();
        match self {
            Self::Absent => making.without_carrier(),
            Self::Empty => making.with_carrier_value(b""),
            Self::Blank => making.with_carrier_value(b"   "),
            Self::WrongSecret => making.signed_by(Some(signer.with_key(OTHER_SECRET))),
            Self::EmptySecret => making.signed_by(Some(signer.with_key(b""))),
            Self::FirstCharacter => making.with_signature(&right[..1]),
            Self::Half => making.with_signature(&right[..right.len() / 2]),
            Self::Truncated => making.with_signature(&bare[..bare.len() - 1]),
            Self::Extended => making.with_signature(&format!("{right}0")),
            Self::Doubled => making.with_signature(&right.repeat(2)),
            Self::AllZero => {
                let zeros = making.zeros();
                making.with_signature(&zeros)
            }
            Self::FlippedFirst => making.with_signature(&flipped),
            Self::FlippedLast => making.with_signature(&flipped_last),
            Self::NotEncoded => making.with_signature(&"!".repeat(right.len())),
            Self::NonAscii => making.with_carrier_value(&[0xe9, 0xff, 0x80, 0xfc].repeat(right.len() / 4)),
            Self::OtherDigest => making.with_mac(other_hmac),
            Self::Sha1Named => making.naming(DigestName::Sha1),
            Self::Sha256Named => making.naming(DigestName::Sha256),
            Self::Sha512Named => making.naming(DigestName::Sha512),
            Self::PlainHash => making.with_mac(|signer, delivery, envelope| plain_hash(signer, &[], delivery, envelope)),
            Self::SecretThenMessage => {
                making.with_mac(|signer, delivery, envelope| plain_hash(signer, signer.key_bytes(), delivery, envelope))
            }
            Self::Quoted => making.with_signature(&format!("\"{right}\"")),
            Self::Prefixed => making.with_signature(&format!("hmac={right}")),
            Self::CommaJoined => {
                // In a list of another kind the whole line twice would be a list again.
                let joined = match signer.scheme().several {
                    None => [making.carrier_value(&flipped), making.carrier_value(&right)].join(&b','),
                    Some(_) => making.carrier_value(&format!("{flipped},{right}")),
                };
                making.with_carrier_value(&joined)
            }
            Self::InQuery => making.in_query(),
            Self::InBody => making.in_body(),
            Self::InOtherHeader => making.in_other_headers(),
            Self::TwiceRightFirst => making.twice(&[&right, &flipped]),
            Self::TwiceRightLast => making.twice(&[&flipped, &right]),
            Self::BodyChanged => {
                let body = with_other_bit(&making.delivery.body);
                let signed = making.with_signature(&right);
                Delivery { body: body.into(), ..signed }
            }
            Self::Stale => making.signed_at(at.minus(past(signer) + FAR)),
            Self::Early => making.signed_at(at.plus(future(signer) + FAR)),
            Self::StaleJustOutside => making.signed_at(at.minus(past(signer) + MARGIN)),
            Self::StaleJustInside => making.signed_at(at.minus(past(signer).saturating_sub(MARGIN))),
            Self::EarlyJustOutside => making.signed_at(at.plus(future(signer) + MARGIN)),
            Self::EarlyJustInside => making.signed_at(at.plus(future(signer).saturating_sub(MARGIN))),
            Self::TimeChanged => making.with_time_after_signing(&unit.write(at.plus(time::STEP))),
            Self::TimeMissing => making.without_time(),
            Self::TimeEmpty => making.with_signed_time(""),
            Self::TimeNegative => making.with_signed_time(&format!("-{time}")),
            Self::TimeFractional => making.with_signed_time(&format!("{time}.5")),
            Self::TimeTwentyDigits => making.with_signed_time(&time::wrapped(at, unit)),
            Self::TimeHex => making.with_signed_time(&time::in_hex(at, unit)),
            Self::TimeSigned => making.with_signed_time(&format!("+{time}")),
            Self::TimeOtherUnit => making.with_signed_time(&match unit {
                TimeUnit::Seconds => TimeUnit::Milliseconds.write(at),
                TimeUnit::Milliseconds | TimeUnit::Rfc3339 => TimeUnit::Seconds.write(at),
            }),
            Self::TimeTwice => making.with_time_twice(time::Order::RightFirst),
            Self::TimeTwiceRightLast => making.with_time_twice(time::Order::RightLast),
            Self::RightFirstOfMany => making.with_list(list::Right::First),
            Self::RightLastOfMany => making.with_list(list::Right::Last),
            Self::RightAmidUnknownVersions => making.with_unknown_versions(true),
            Self::NoneRightOfMany => making.with_list(list::Right::Nowhere),
            Self::EmptyEntry => making.with_an_empty_entry(),
            Self::ThousandWrong => making.with_a_thousand_wrong(),
            Self::UnknownVersionOnly => making.with_unknown_versions(false),
            Self::ByPreviousSecret => making.signed_by(signer.by_previous()),
            Self::ByRetiredSecret => making.signed_by(signer.by_retired()),
            Self::ForOtherBytes => making.signed_for_other_bytes(),
            Self::MemberChanged => making.with_a_member_changed(),
            Self::CoversLess => making.in_a_narrower_form(),
            Self::Malleable => making.with_mac(malleable),
            Self::SmallOrder => making.with_mac(|_, _, _| small_order()),
            Self::ByPublicKey => making.with_mac(by_public_key),
            Self::BlanksInList => making.with_blanks_in_list(),
            Self::ItemsTurned => making.with_items_turned(),
            Self::RightInFirstOfTwoLines => making.with_list_on_two_lines(list::Right::First),
            Self::RightInSecondOfTwoLines => making.with_list_on_two_lines(list::Right::Last),
            Self::PrefixInList => making.with_a_prefix_in_list(),
            Self::OldForm => making.in_old_form(),
            Self::OtherCase => making.with_signature(&in_other_case(&right)),
        }
    }
}

/// So far in the past a signed time may lie.
fn past(signer: &Signer) -> Duration {
    signer.scheme().time.map_or(Duration::ZERO, |tolerance| tolerance.past.0)
}

/// So far in the future a signed time may lie, where that is bounded.
fn future(signer: &Signer) -> Duration {
    let future = signer.scheme().time.and_then(|tolerance| tolerance.future);
    future.map_or(Duration::ZERO, |future| future.0)
}
