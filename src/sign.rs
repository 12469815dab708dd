//! Signature schemes: how a sender proves that it wrote a delivery.
//!
//! Takes the bytes that travel and a shared secret, gives header lines; and
//! the other way round, says why a delivery's signature does not hold. There
//! is no clock and no I/O in here: the moment of sending is an argument, so
//! that every signature under `fixtures/vectors/` can be recomputed.
//!
//! A scheme is data ([`Scheme`], a part of every contract). Start at
//! [`Scheme::keyed`]. Broken signatures that scenarios ask for are in
//! [`tamper`], reading signatures back in [`verify`].
//!
//! **Invariant:** bytes are signed as they travel. Nothing here parses JSON.

pub mod spoiling;
pub mod tamper;
pub mod verify;

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use crate::clock::UnixMicros;
use crate::clock::span::Span;
use crate::delivery::{Delivery, HeaderLine};
use crate::template::{Part, Template};

/// How deliveries of one contract are signed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scheme {
    /// How the secret's text becomes key bytes.
    #[serde(default)]
    pub key: SecretForm,
    /// The hash function under the HMAC.
    pub digest: DigestName,
    /// How the HMAC is written.
    pub encoding: Encoding,
    /// What is signed: `{body}`, `{t}` (time), `{id}` (the key), `{url}`, `{method}`, `{path}`, `{header:NAME}`, `{sha256hex(body)}`.
    pub message: Template,
    /// The header lines that carry signature `{sig}`, time `{t}` and id `{id}`.
    pub headers: Vec<SignatureHeader>,
    /// When one header line holds a list of signatures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub several: Option<Several>,
    /// How far the signed time may lie from now; only for messages with `{t}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Tolerance>,
}

/// How the secret's text becomes key bytes.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SecretForm {
    /// `utf8`: the text's own bytes; or bytes written in base64 or hex.
    pub encoding: SecretEncoding,
    /// Text in front of the secret that is no part of it, `whsec_`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub strip_prefix: String,
}

/// How key bytes are written as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SecretEncoding {
    /// The text's own bytes.
    #[default]
    Utf8,
    /// Standard base64.
    Base64,
    /// Hex digits.
    Hex,
}

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DigestName {
    /// SHA-1 (only for schemes that still use it).
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// How bytes are written as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// Lower-case hex digits.
    Hex,
    /// Standard base64 with padding.
    Base64,
}

/// A header line of the scheme.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignatureHeader {
    /// Its name.
    pub name: String,
    /// Its value: text with `{sig}`, `{t}`, `{id}`.
    pub value: Template,
}

/// A header line that is a list.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Several {
    /// What stands between the items; items are the header template's own, cut at it.
    pub separator: String,
}

/// How far a signed time may lie from now, both ends included.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tolerance {
    /// So far in the past.
    pub past: Span,
    /// So far in the future; without it, any future passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub future: Option<Span>,
}

/// A secret whose text is not what the scheme says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret is not {wanted}, as the contract's signature scheme says (key.encoding)")]
pub struct BadSecret {
    /// `base64` or `hex`.
    pub wanted: &'static str,
}

impl Scheme {
    /// Keys the scheme with a secret, once for many deliveries.
    ///
    /// `secret` is the text as it stands in the environment, of any length.
    ///
    /// # Errors
    /// [`BadSecret`] when the scheme wants base64 or hex and the text is not.
    pub fn keyed(&self, secret: &[u8]) -> Result<Signer, BadSecret> {
        let text = secret.strip_prefix(self.key.strip_prefix.as_bytes()).unwrap_or(secret);
        let key = match self.key.encoding {
            SecretEncoding::Utf8 => text.to_vec(),
            SecretEncoding::Base64 => STANDARD.decode(text).map_err(|_| BadSecret { wanted: "base64" })?,
            SecretEncoding::Hex => unhex(text).ok_or(BadSecret { wanted: "hex" })?,
        };
        Ok(Signer { mac: Keyed::new(self.digest, &key), key, scheme: self.clone() })
    }
}

/// A scheme with its key: signs and verifies.
#[derive(Clone)]
pub struct Signer {
    scheme: Scheme,
    mac: Keyed,
    key: Vec<u8>,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("scheme", &self.scheme).field("key", &"***").finish()
    }
}

/// An HMAC that has taken its key: cloned for every message, so that the key
/// is hashed once.
#[derive(Clone)]
enum Keyed {
    Sha1(Hmac<sha1::Sha1>),
    Sha256(Hmac<sha2::Sha256>),
    Sha512(Hmac<sha2::Sha512>),
}

impl Keyed {
    #[expect(clippy::expect_used, reason = "the key's length is the only thing that could be refused")]
    fn new(digest: DigestName, key: &[u8]) -> Self {
        const ANY_LENGTH: &str = "HMAC takes a key of any length (RFC 2104, section 2)";
        match digest {
            DigestName::Sha1 => Self::Sha1(Hmac::new_from_slice(key).expect(ANY_LENGTH)),
            DigestName::Sha256 => Self::Sha256(Hmac::new_from_slice(key).expect(ANY_LENGTH)),
            DigestName::Sha512 => Self::Sha512(Hmac::new_from_slice(key).expect(ANY_LENGTH)),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(mac) => mac.update(bytes),
            Self::Sha256(mac) => mac.update(bytes),
            Self::Sha512(mac) => mac.update(bytes),
        }
    }

    fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha1(mac) => mac.finalize().into_bytes().to_vec(),
            Self::Sha256(mac) => mac.finalize().into_bytes().to_vec(),
            Self::Sha512(mac) => mac.finalize().into_bytes().to_vec(),
        }
    }

    /// Compares in constant time.
    fn holds(self, claimed: &[u8]) -> bool {
        match self {
            Self::Sha1(mac) => mac.verify_slice(claimed).is_ok(),
            Self::Sha256(mac) => mac.verify_slice(claimed).is_ok(),
            Self::Sha512(mac) => mac.verify_slice(claimed).is_ok(),
        }
    }
}

/// What is signed beside the delivery itself.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The signed time as it is written: unix seconds.
    pub time: &'a str,
    /// The id of the delivery: its key, or the id header's value.
    pub id: &'a str,
    /// The receiver's address without the path, for schemes that sign the URL.
    pub origin: &'a str,
}

impl Signer {
    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// The key's bytes, for those who show what must not be done with them.
    pub(crate) fn key_bytes(&self) -> &[u8] {
        &self.key
    }

    /// The same scheme with other key bytes.
    #[must_use]
    pub fn with_key(&self, key: &[u8]) -> Self {
        Self { scheme: self.scheme.clone(), mac: Keyed::new(self.scheme.digest, key), key: key.to_vec() }
    }

    /// The signature of a delivery, as text in the scheme's encoding.
    ///
    /// Cannot fail: HMAC is defined for messages and keys of every length.
    #[must_use]
    pub fn signature(&self, delivery: &Delivery, envelope: Envelope<'_>) -> String {
        self.encode(&self.fed(delivery, envelope).finish())
    }

    /// The header lines that an honest sender adds to `delivery` at `sent_at`.
    ///
    /// * `id`: what `{id}` stands for: the delivery's key.
    /// * `origin`: `http://host:port`, for schemes that sign the URL.
    #[must_use]
    pub fn header_lines(&self, delivery: &Delivery, id: &str, origin: &str, sent_at: UnixMicros) -> Vec<HeaderLine> {
        let time = sent_at.secs().to_string();
        let signature = self.signature(delivery, Envelope { time: &time, id, origin });
        self.lines_with(&signature, &time, id)
    }

    fn lines_with(&self, signature: &str, time: &str, id: &str) -> Vec<HeaderLine> {
        let line = |header: &SignatureHeader| {
            let value = header.value.fill_bytes(&|name| {
                Some(Cow::Borrowed(match name {
                    "sig" => signature.as_bytes(),
                    "t" => time.as_bytes(),
                    "id" => id.as_bytes(),
                    _ => return None,
                }))
            });
            HeaderLine::new(header.name.clone(), value)
        };
        self.scheme.headers.iter().map(line).collect()
    }

    /// Feeds the message part by part, so that a long body is never copied.
    fn fed(&self, delivery: &Delivery, envelope: Envelope<'_>) -> Keyed {
        let mut mac = self.mac.clone();
        each_part(&self.scheme.message, delivery, envelope, &mut |bytes| mac.update(bytes));
        mac
    }

    fn encode(&self, bytes: &[u8]) -> String {
        match self.scheme.encoding {
            Encoding::Hex => hex(bytes),
            Encoding::Base64 => STANDARD.encode(bytes),
        }
    }

    fn decode(&self, text: &str) -> Option<Vec<u8>> {
        match self.scheme.encoding {
            // Upper-case digits are another text than the one that was signed; the contract says lower case.
            Encoding::Hex if text.bytes().any(|b| b.is_ascii_uppercase()) => None,
            Encoding::Hex => unhex(text.as_bytes()),
            Encoding::Base64 => STANDARD.decode(text).ok(),
        }
    }
}

/// Gives the parts of a message in order.
fn each_part(message: &Template, delivery: &Delivery, envelope: Envelope<'_>, take: &mut dyn FnMut(&[u8])) {
    for part in message.parts() {
        match part {
            Part::Literal(text) => take(text.as_bytes()),
            Part::Placeholder(name) => match name.as_str() {
                "body" => take(&delivery.body),
                "t" => take(envelope.time.as_bytes()),
                "id" => take(envelope.id.as_bytes()),
                "method" => take(delivery.method.as_bytes()),
                "path" => take(delivery.path.as_bytes()),
                "url" => {
                    take(envelope.origin.as_bytes());
                    take(delivery.path.as_bytes());
                }
                "sha256hex(body)" => take(sha256_hex(&delivery.body).as_bytes()),
                other => {
                    if let Some(value) = other.strip_prefix("header:").and_then(|header| delivery.header(header)) {
                        take(value);
                    }
                }
            },
        }
    }
}

/// The placeholders that a signature message may hold; `header:NAME` stands for any header.
pub const MESSAGE_PLACEHOLDERS: [&str; 8] = ["body", "t", "id", "method", "path", "url", "sha256hex(body)", "header:NAME"];

/// SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(bytes).into()
}

/// SHA-256 as 64 lower-case hex digits.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&sha256(bytes))
}

/// HMAC-SHA256 (RFC 2104) as 64 lower-case hex digits.
#[must_use]
pub fn hmac_sha256_hex(key: &[u8], bytes: &[u8]) -> String {
    let mut mac = Keyed::new(DigestName::Sha256, key);
    mac.update(bytes);
    hex(&mac.finish())
}

/// Whether `claimed` is the HMAC-SHA256 of `bytes`, compared in constant time.
#[must_use]
pub fn is_hmac_sha256_hex(key: &[u8], bytes: &[u8], claimed: &str) -> bool {
    let mut mac = Keyed::new(DigestName::Sha256, key);
    mac.update(bytes);
    // One seal has one text.
    let is_lower = !claimed.bytes().any(|digit| digit.is_ascii_uppercase());
    is_lower && unhex(claimed.as_bytes()).is_some_and(|claimed| mac.holds(&claimed))
}

/// Bytes as lower-case hex digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// Hex digits as bytes; `None` for an odd number of digits, or anything else.
#[must_use]
pub fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|d| u8::try_from(d).ok());
    digits.chunks_exact(2).map(|pair| Some(value(pair[0])? << 4 | value(pair[1])?)).collect()
}
