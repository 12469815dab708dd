//! MACs: HMAC over three hash functions, and SHA-256 alone.
//!
//! Takes key and message bytes, gives digests, and compares them in constant time.

use hmac::{Hmac, KeyInit, Mac};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use super::encoding::{hex, unhex};

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

impl DigestName {
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

/// An HMAC that has taken its key: cloned for every message, so that the key
/// is hashed once.
#[derive(Clone)]
pub(super) enum Keyed {
    Sha1(Hmac<sha1::Sha1>),
    Sha256(Hmac<sha2::Sha256>),
    Sha512(Hmac<sha2::Sha512>),
}

impl Keyed {
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
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha1(mac) => mac.finalize().into_bytes().to_vec(),
            Self::Sha256(mac) => mac.finalize().into_bytes().to_vec(),
            Self::Sha512(mac) => mac.finalize().into_bytes().to_vec(),
        }
    }

    /// Compares in constant time.
    pub(super) fn holds(self, claimed: &[u8]) -> bool {
        match self {
            Self::Sha1(mac) => mac.verify_slice(claimed).is_ok(),
            Self::Sha256(mac) => mac.verify_slice(claimed).is_ok(),
            Self::Sha512(mac) => mac.verify_slice(claimed).is_ok(),
        }
    }
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
