//! MACs: HMAC over three hash functions, and SHA-256 alone; beside them what stands in their place, a key pair or a token.
//!
//! Takes key and message bytes, gives digests, and compares them in constant time.

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use super::encoding::{hex, unhex};
use super::pair::Pair;
use super::{Proof, Scheme};

/// A hash function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DigestName {
    /// SHA-1 (only for schemes that still use it).
    Sha1,
    /// SHA-256.
    #[default]
    Sha256,
    /// SHA-512.
    Sha512,
}

impl DigestName {
    /// Every hash function.
    pub const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];

    /// What stands in its name behind `sha`.
    #[must_use]
    pub fn number(self) -> &'static str {
        match self {
            Self::Sha1 => "1",
            Self::Sha256 => "256",
            Self::Sha512 => "512",
        }
    }

    /// The hash of a message, without any secret.
    #[must_use]
    pub fn hash(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => sha1::Sha1::digest(message).to_vec(),
            Self::Sha256 => sha2::Sha256::digest(message).to_vec(),
            Self::Sha512 => sha2::Sha512::digest(message).to_vec(),
        }
    }
}

/// An HMAC, or what a scheme has in its place, that has taken its key: cloned for every message, so that the key
/// is hashed once.
#[derive(Clone)]
pub(super) enum Keyed {
    Sha1(Hmac<sha1::Sha1>),
    Sha256(Hmac<sha2::Sha256>),
    Sha512(Hmac<sha2::Sha512>),
    /// A key pair signs the message as a whole.
    Pair(Arc<Pair>, Vec<u8>),
    /// Whatever the message is.
    Token(Arc<[u8]>),
    Nothing,
}

impl Keyed {
    /// What the scheme signs with.
    pub(super) fn of(scheme: &Scheme, key: &[u8]) -> Self {
        match scheme.by {
            Proof::Hmac => Self::new(scheme.digest, key),
            Proof::Ed25519 => Self::Pair(Arc::new(Pair::of_private(key)), Vec::new()),
            Proof::Token => Self::Token(key.into()),
            Proof::None => Self::Nothing,
        }
    }

    #[expect(clippy::expect_used, reason = "the key's length is the only thing that could be refused")]
    pub(super) fn new(digest: DigestName, key: &[u8]) -> Self {
        const ANY_LENGTH: &str = "HMAC takes a key of any length (RFC 2104, section 2)";
        match digest {
            DigestName::Sha1 => Self::Sha1(Hmac::new_from_slice(key).expect(ANY_LENGTH)),
            DigestName::Sha256 => Self::Sha256(Hmac::new_from_slice(key).expect(ANY_LENGTH)),
            DigestName::Sha512 => Self::Sha512(Hmac::new_from_slice(key).expect(ANY_LENGTH)),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(mac) => mac.update(bytes),
            Self::Sha256(mac) => mac.update(bytes),
            Self::Sha512(mac) => mac.update(bytes),
            Self::Pair(_, message) => message.extend_from_slice(bytes),
            Self::Token(_) | Self::Nothing => {}
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha1(mac) => mac.finalize().into_bytes().to_vec(),
            Self::Sha256(mac) => mac.finalize().into_bytes().to_vec(),
            Self::Sha512(mac) => mac.finalize().into_bytes().to_vec(),
            Self::Pair(pair, message) => pair.sign(&message),
            Self::Token(token) => token.to_vec(),
            Self::Nothing => Vec::new(),
        }
    }

    /// Compares in constant time.
    pub(super) fn holds(self, claimed: &[u8]) -> bool {
        match self {
            Self::Sha1(mac) => mac.verify_slice(claimed).is_ok(),
            Self::Sha256(mac) => mac.verify_slice(claimed).is_ok(),
            Self::Sha512(mac) => mac.verify_slice(claimed).is_ok(),
            Self::Pair(pair, message) => pair.holds(&message, claimed),
            Self::Token(token) => is_equal(&token, claimed),
            Self::Nothing => true,
        }
    }
}

/// Whether two texts are the same; what they have in common does not change how long it takes.
fn is_equal(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |unlike, (a, b)| unlike | (a ^ b)) == 0
}

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
