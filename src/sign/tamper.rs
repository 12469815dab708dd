//! The catalogue of broken signatures that scenarios may ask for.
//!
//! Takes a delivery that is signed honestly, gives one that is not. Every
//! tamper has a name (in scenarios), a sentence (in reports) and a unit test.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::spoiling::{other_hmac, plain_hash, with_member, with_other_bit, with_other_char};
use super::{Encoding, Envelope, Signer};
use crate::clock::UnixMicros;
use crate::delivery::{Delivery, HeaderLine};

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
    /// As many zeros as it has characters.
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
    /// Signed too long ago; only for schemes that sign the time.
    Stale,
    /// Signed too far in the future; only for schemes that sign the time.
    Early,
    /// The time changed after signing; only for schemes that sign the time.
    TimeChanged,
}

/// Another secret than the shared one; published, since it protects nothing.
const OTHER_SECRET: &[u8] = b"a secret that the receiver does not share";
/// Far outside every tolerance, near enough to be a time.
const LONG_AGO_SECS: i64 = 3_600;

/// What a tampered delivery needs to know of its sending.
#[derive(Clone, Copy, Debug)]
pub struct Sending<'a> {
    /// What `{id}` stands for: the delivery's key.
    pub id: &'a str,
    /// `http://host:port`.
    pub origin: &'a str,
    /// When it is sent, by the receiver's clock.
    pub at: UnixMicros,
}

impl Tamper {
    /// Every tamper, in the order of the catalogue.
    pub const ALL: [Self; 30] = [
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
    ];

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
            Self::PlainHash => "the signature is a plain hash, without any secret",
            Self::SecretThenMessage => "the signature is the hash of secret and message, not an HMAC",
            Self::Quoted => "the signature stands in quotation marks",
            Self::Prefixed => "the signature follows the name of its hash function",
            Self::CommaJoined => "the signature follows a wrong one in the same line",
            Self::InQuery => "the signature stands in the query instead of its header",
            Self::InBody => "the signature stands in the body instead of its header",
            Self::InOtherHeader => "the signature stands in another header",
            Self::TwiceRightFirst => "two signature lines are sent, the right one first",
            Self::TwiceRightLast => "two signature lines are sent, the right one last",
            Self::BodyChanged => "one bit of the body changed after signing",
            Self::Stale => "the signature was made an hour ago",
            Self::Early => "the signature was made an hour in the future",
            Self::TimeChanged => "the signed time changed after signing",
        }
    }

    /// Whether it only makes sense for schemes that sign the time.
    #[must_use]
    pub fn needs_time(self) -> bool {
        matches!(self, Self::Stale | Self::Early | Self::TimeChanged)
    }

    /// Adds this broken signature to `delivery`, which bears none yet.
    #[must_use]
    pub fn apply(self, signer: &Signer, delivery: Delivery, sending: Sending<'_>) -> Delivery {
        let time = sending.at.secs().to_string();
        let envelope = Envelope { time: &time, id: sending.id, origin: sending.origin };
        let right = signer.signature(&delivery, envelope);
        let lines = |signature: &str| signer.lines_with(signature, &time, sending.id);
        let carrier = signer.scheme.headers.iter().find(|h| h.value.placeholders().any(|p| p == "sig")).map_or("", |h| h.name.as_str());
        let is_carrier = |line: &HeaderLine| line.name.eq_ignore_ascii_case(carrier);
        let with_carrier_value = |value: &[u8]| {
            let mut all = lines(&right);
            all.iter_mut().filter(|line| is_carrier(line)).for_each(|line| line.value = value.to_vec().into());
            all
        };
        let without_carrier = || lines(&right).into_iter().filter(|line| !is_carrier(line)).collect::<Vec<_>>();
        let flipped = |at: usize| with_other_char(&right, at);
        match self {
            Self::Absent => add(delivery, without_carrier()),
            Self::Empty => add(delivery, with_carrier_value(b"")),
            Self::Blank => add(delivery, with_carrier_value(b"   ")),
            Self::WrongSecret => add_signed(delivery, &signer.with_key(OTHER_SECRET), sending),
            Self::EmptySecret => add_signed(delivery, &signer.with_key(b""), sending),
            Self::FirstCharacter => add(delivery, lines(&right[..1])),
            Self::Half => add(delivery, lines(&right[..right.len() / 2])),
            Self::Truncated => add(delivery, lines(&right[..right.len() - 1])),
            Self::Extended => add(delivery, lines(&format!("{right}0"))),
            Self::Doubled => add(delivery, lines(&right.repeat(2))),
            Self::AllZero => add(delivery, lines(&"0".repeat(right.len()))),
            Self::FlippedFirst => add(delivery, lines(&flipped(0))),
            Self::FlippedLast => {
                // Base64 ends in padding and in bits that do not count: the last character that does is earlier.
                let last = right.trim_end_matches('=').len() - if matches!(signer.scheme.encoding, Encoding::Base64) { 2 } else { 1 };
                add(delivery, lines(&flipped(last)))
            }
            Self::NotEncoded => add(delivery, lines(&"!".repeat(right.len()))),
            Self::NonAscii => add(delivery, with_carrier_value(&[0xe9, 0xff, 0x80, 0xfc].repeat(right.len() / 4))),
            Self::OtherDigest => add(delivery.clone(), lines(&signer.encode(&other_hmac(signer, &delivery, envelope)))),
            Self::PlainHash => add(delivery.clone(), lines(&signer.encode(&plain_hash(signer, &[], &delivery, envelope)))),
            Self::SecretThenMessage => add(delivery.clone(), lines(&signer.encode(&plain_hash(signer, &signer.key, &delivery, envelope)))),
            Self::Quoted => add(delivery, with_carrier_value(format!("\"{right}\"").as_bytes())),
            Self::Prefixed => add(delivery, with_carrier_value(format!("hmac={right}").as_bytes())),
            Self::CommaJoined => add(delivery, with_carrier_value(format!("{},{right}", flipped(0)).as_bytes())),
            Self::InQuery => {
                let mark = if delivery.path.contains('?') { '&' } else { '?' };
                let path = format!("{}{mark}signature={right}&{carrier}={right}", delivery.path);
                add(Delivery { path, ..delivery }, without_carrier())
            }
            Self::InBody => {
                let body = with_member(&delivery.body, "signature", &right);
                add(Delivery { body: body.into(), ..delivery }, without_carrier())
            }
            Self::InOtherHeader => {
                let mut all = without_carrier();
                all.push(HeaderLine::new("Authorization", right.clone()));
                all.push(HeaderLine::new(format!("{carrier}-256"), right.clone()));
                add(delivery, all)
            }
            Self::TwiceRightFirst => {
                let mut all = lines(&right);
                all.extend(lines(&flipped(0)).into_iter().filter(|line| is_carrier(line)));
                add(delivery, all)
            }
            Self::TwiceRightLast => {
                let mut all: Vec<HeaderLine> = lines(&flipped(0)).into_iter().filter(|line| is_carrier(line)).collect();
                all.extend(lines(&right));
                add(delivery, all)
            }
            Self::BodyChanged => {
                let body = with_other_bit(&delivery.body);
                add(Delivery { body: body.into(), ..delivery }, lines(&right))
            }
            Self::Stale => add_signed(delivery, signer, shifted(sending, -LONG_AGO_SECS)),
            Self::Early => add_signed(delivery, signer, shifted(sending, LONG_AGO_SECS)),
            Self::TimeChanged => {
                let later = (sending.at.secs() + 1).to_string();
                add(delivery, signer.lines_with(&right, &later, sending.id))
            }
        }
    }
}

fn shifted(sending: Sending<'_>, secs: i64) -> Sending<'_> {
    Sending { at: UnixMicros::from_secs(sending.at.secs() + secs), ..sending }
}

fn add(mut delivery: Delivery, lines: Vec<HeaderLine>) -> Delivery {
    delivery.headers.extend(lines);
    delivery
}

fn add_signed(delivery: Delivery, signer: &Signer, sending: Sending<'_>) -> Delivery {
    let lines = signer.header_lines(&delivery, sending.id, sending.origin, sending.at);
    add(delivery, lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::Scheme;
    use crate::sign::verify::BadSignature;

    const NOW: UnixMicros = UnixMicros::from_secs(1_759_694_703);

    fn scheme(yaml: &str) -> Signer {
        let scheme: Scheme = serde_saphyr::from_str(yaml).expect("the test writes a whole scheme");
        scheme.keyed(b"test-webhook-secret-key-for-e2e").expect("any text is a key")
    }

    fn plain() -> Signer {
        scheme("{digest: sha256, encoding: hex, message: '{body}', headers: [{name: X-Signature, value: '{sig}'}]}")
    }

    fn timed() -> Signer {
        scheme(
            "{digest: sha512, encoding: base64, message: '{t}.{id}.{body}', several: {separator: ','}, time: {past: 120 s, future: 120 s},
              headers: [{name: X-Signature, value: 't={t},v1={sig}'}]}",
        )
    }

    fn delivery() -> Delivery {
        Delivery { method: "POST".into(), path: "/callbacks".into(), body: "{\"job_id\":\"job-1\"}".into(), ..Delivery::default() }
    }

    fn verdict(signer: &Signer, tamper: Option<Tamper>) -> Result<(), BadSignature> {
        let sending = Sending { id: "k1", origin: "http://127.0.0.1:1", at: NOW };
        let delivery = match tamper {
            Some(tamper) => tamper.apply(signer, delivery(), sending),
            None => add_signed(delivery(), signer, sending),
        };
        signer.verify(&delivery, "k1", sending.origin, NOW)
    }

    /// What every tamper makes of a signature over the body alone.
    #[test]
    fn every_tamper_spoils_a_plain_signature() {
        assert_eq!(verdict(&plain(), None), Ok(()));
        for tamper in Tamper::ALL.into_iter().filter(|tamper| !tamper.needs_time()) {
            let wanted = match tamper {
                Tamper::Absent | Tamper::Empty | Tamper::Blank | Tamper::InQuery | Tamper::InBody | Tamper::InOtherHeader => {
                    BadSignature::Missing
                }
                Tamper::FirstCharacter
                | Tamper::Truncated
                | Tamper::Extended
                | Tamper::NotEncoded
                | Tamper::NonAscii
                | Tamper::Quoted
                | Tamper::Prefixed
                | Tamper::CommaJoined
                | Tamper::TwiceRightFirst
                | Tamper::TwiceRightLast => BadSignature::Malformed,
                _ => BadSignature::Wrong,
            };
            assert_eq!(verdict(&plain(), Some(tamper)), Err(wanted), "{tamper:?}: {}", tamper.sentence());
        }
    }

    /// A list of signatures with a time: every tamper is refused there too, and a stale time is told as stale.
    #[test]
    fn every_tamper_spoils_a_timed_signature_in_a_list() {
        assert_eq!(verdict(&timed(), None), Ok(()));
        for tamper in Tamper::ALL {
            let got = verdict(&timed(), Some(tamper));
            assert!(got.is_err(), "{tamper:?} passed: {}", tamper.sentence());
            if matches!(tamper, Tamper::Stale | Tamper::Early) {
                assert_eq!(got, Err(BadSignature::Stale), "{tamper:?}");
            }
        }
    }

    /// Names are unique, in kebab case, and read back as they are written.
    #[test]
    fn every_tamper_has_a_name_and_a_sentence() {
        for tamper in Tamper::ALL {
            let name = serde_json::to_string(&tamper).expect("a name");
            assert_eq!(serde_json::from_str::<Tamper>(&name).expect("read back"), tamper);
            assert!(tamper.sentence().len() > 10);
        }
    }

    /// A member is put in front of the others, and an empty object stays JSON.
    #[test]
    fn a_member_is_put_into_an_object() {
        for (body, wanted) in [("{}", r#"{"k":"v"}"#), (r#" {"a":1}"#, r#" {"k":"v","a":1}"#), ("[]", r#"{"k":"v","was":"5b5d"}"#)] {
            assert_eq!(String::from_utf8_lossy(&with_member(body.as_bytes(), "k", "v")), wanted);
        }
    }
}
