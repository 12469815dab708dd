//! Signature schemes: how a sender proves that it wrote a delivery.
//!
//! Takes the bytes that travel and a shared secret, gives header lines; and
//! the other way round, says why a delivery's signature does not hold. There
//! is no clock and no I/O in here: the moment of sending is an argument, so
//! that every signature under `fixtures/vectors/` can be recomputed.
//!
//! A scheme is data ([`Scheme`], a part of every contract). Start at
//! [`Scheme::keyed`], which gives a [`Signer`]. Broken signatures that scenarios
//! ask for are in [`tamper`], reading signatures back in [`verify`], forms of the
//! signed time in [`time`], what is made of the secret in [`material`].
//!
//! **Invariant:** bytes are signed as they travel. Nothing here parses JSON.

pub mod encoding;
pub mod mac;
pub mod material;
pub mod signer;
pub mod spoiling;
pub mod tamper;
pub mod time;
pub mod verify;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::sign::encoding::{Encoding, SecretEncoding, hex, unhex};
pub use crate::sign::mac::{DigestName, hmac_sha256_hex, is_hmac_sha256_hex, sha256, sha256_hex};
pub use crate::sign::signer::{Envelope, Signer};
pub use crate::sign::time::{TimeUnit, Tolerance};

use crate::template::Template;

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
    /// When the header line of the signature holds a list of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub several: Option<Several>,
    /// How the signed time is written, and how far it may lie from now; only for messages with `{t}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Tolerance>,
}

/// How the secret's text becomes key bytes.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SecretForm {
    /// `utf8`: the text's own bytes; or bytes written in base64, base64url or hex.
    pub encoding: SecretEncoding,
    /// Text in front of the secret that is no part of it, `whsec_`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub strip_prefix: String,
}

/// A header line of the scheme.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignatureHeader {
    /// Its name.
    pub name: String,
    /// Its value: text with `{sig}`, `{t}`, `{id}`.
    pub value: Template,
    /// Whether it is the line of the key itself, which stands in the delivery already: it is read, and not written again.
    #[serde(skip)]
    pub is_the_keys: bool,
}

impl SignatureHeader {
    /// Whether its value has the placeholder `name`.
    #[must_use]
    pub fn carries(&self, name: &str) -> bool {
        self.value.placeholders().any(|one| one == name)
    }
}

/// A header line that is a list.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Several {
    /// What stands between the items; items are the header template's own, cut at it.
    pub separator: String,
}

/// A secret whose text is not what the scheme says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret is not {wanted}, as the contract's signature scheme says (key.encoding)")]
pub struct BadSecret {
    /// `base64`, `base64url` or `hex`.
    pub wanted: &'static str,
}

impl SecretForm {
    /// The key bytes that a secret's text stands for.
    ///
    /// # Errors
    /// [`BadSecret`] when the text is not written as the form says.
    pub fn key_bytes(&self, secret: &[u8]) -> Result<Vec<u8>, BadSecret> {
        self.encoding.decode(self.without_prefix(secret))
    }

    /// The secret's text without what stands in front of it.
    #[must_use]
    pub fn without_prefix<'a>(&self, secret: &'a [u8]) -> &'a [u8] {
        secret.strip_prefix(self.strip_prefix.as_bytes()).unwrap_or(secret)
    }
}

impl Scheme {
    /// Keys the scheme with a secret, once for many deliveries.
    ///
    /// `secret` is the text as it stands in the environment, of any length.
    ///
    /// # Errors
    /// [`BadSecret`] when the scheme wants base64 or hex and the text is not.
    pub fn keyed(&self, secret: &[u8]) -> Result<Signer, BadSecret> {
        Ok(Signer::new(self.clone(), self.key.key_bytes(secret)?))
    }

    /// The form of the signed time; seconds, where the scheme says nothing of it.
    #[must_use]
    pub fn unit(&self) -> TimeUnit {
        self.time.map_or(TimeUnit::Seconds, |tolerance| tolerance.unit)
    }

    /// Whether a header line carries the signed time.
    #[must_use]
    pub fn carries_time(&self) -> bool {
        self.headers.iter().any(|header| header.carries("t"))
    }

    /// Whether the message has the placeholder `name`.
    #[must_use]
    pub fn signs(&self, name: &str) -> bool {
        self.message.placeholders().any(|one| one == name)
    }

    /// The header that carries the signature.
    #[must_use]
    pub fn carrier(&self) -> Option<&SignatureHeader> {
        self.headers.iter().find(|header| header.carries("sig"))
    }

    /// What stands between the items of a header's line, where that line is a list: the signature's alone can be one.
    #[must_use]
    pub fn separator_of(&self, header: &SignatureHeader) -> Option<&str> {
        self.several.as_ref().map(|several| several.separator.as_str()).filter(|separator| !separator.is_empty() && header.carries("sig"))
    }

    /// Marks the header line that is the key's own: same name, in any case, and the id alone in it.
    pub fn share_key_header(&mut self, key_header: Option<&str>) {
        for header in &mut self.headers {
            header.is_the_keys = key_header.is_some_and(|name| header.name.eq_ignore_ascii_case(name)) && header.value.is_only("id");
        }
    }
}

/// The placeholders that a signature message may hold; `header:NAME` stands for any header.
pub const MESSAGE_PLACEHOLDERS: [&str; 8] = ["body", "t", "id", "method", "path", "url", "sha256hex(body)", "header:NAME"];
