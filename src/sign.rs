//! Signature schemes: how a sender proves that it wrote a delivery.
//!
//! Takes the bytes that travel and a shared secret, gives header lines; and
//! the other way round, says why a delivery's signature does not hold. There
//! is no clock and no I/O in here: the moment of sending is an argument, so
//! that every signature under `fixtures/vectors/` can be recomputed.
//!
//! A scheme is data ([`Scheme`], a part of every contract). Start at
//! [`Scheme::keyed`], which gives a [`Signer`]. What is signed is in [`parts`],
//! broken signatures that scenarios ask for in [`tamper`], reading signatures back
//! in [`verify`], forms of the signed time in [`time`], what is made of the
//! secret in [`material`].
//!
//! **Invariant:** bytes are signed as they travel. JSON and forms are read only
//! where a scheme signs their members (`{member:PATH}`, `{form_sorted}`).

pub mod address;
pub mod diagnosis;
pub mod encoding;
pub mod mac;
pub mod material;
mod narrower;
mod pair;
pub mod parts;
pub mod signer;
pub mod spoiling;
pub mod tamper;
pub mod time;
pub mod verify;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sign::tamper::Tamper;

pub use crate::sign::encoding::{BadSecret, Encoding, SecretEncoding, hex, unhex};
pub use crate::sign::mac::{DigestName, hmac_sha256_hex, is_hmac_sha256_hex, sha256, sha256_hex};
pub use crate::sign::narrower::NarrowerForm;
pub use crate::sign::signer::{Envelope, Signer};
pub use crate::sign::time::{TimeUnit, Tolerance};

use crate::template::Template;

/// How deliveries of one contract are signed; `signature: none` is short for `{by: none}`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scheme {
    /// By what a delivery proves who sent it.
    #[serde(default, skip_serializing_if = "Proof::is_default")]
    pub by: Proof,
    /// How the secret's text becomes key bytes.
    #[serde(default)]
    pub key: SecretForm,
    /// The hash function under the HMAC; without it, SHA-256.
    #[serde(default)]
    pub digest: DigestName,
    /// How the signature is written; without it, in hex.
    #[serde(default)]
    pub encoding: Encoding,
    /// What is signed: `{body}`, `{t}` (time), `{id}` (the key), `{url}`, `{authority}`, `{method}`, `{path}` (with its query),
    /// `{path_only}`, `{header:NAME}`, `{sha256hex(body)}`, `{sha256base64(body)}`, `{sha512base64(body)}`, `{form_sorted}` (each name and
    /// value of a form, sorted), `{member:PATH}` (of a JSON body).
    #[serde(default)]
    pub message: Template,
    /// The header lines that carry signature `{sig}`, time `{t}` and id `{id}`. A line with none of them stands there before anything is
    /// signed: a digest of the body (`{sha256base64(body)}`), or a constant.
    #[serde(default)]
    pub headers: Vec<SignatureHeader>,
    /// Members of the JSON body that carry the signature `{sig}`, where it does not travel in a header.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<SignatureMember>,
    /// What stands in the query before anything is signed: a digest of the body.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<QueryParameter>,
    /// The address that is signed, where the sender knows the receiver by another one than it is called by here: `https://shop.example/hooks`.
    /// It stands for `{url}`, `{authority}`, `{path}` and `{path_only}`, wherever deliveries are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Which bodies the sender signs.
    #[serde(default, skip_serializing_if = "Bodies::is_default")]
    pub bodies: Bodies,
    /// Spoiled signatures that nobody is held to refuse, each with the reason; by the names that scenarios give them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub not_judged: BTreeMap<Tamper, String>,
    /// Forms that the sender never signs, although they cover a part of this message and say so themselves: whoever reads from a delivery
    /// what is covered, and asks for nothing, takes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub narrower: Vec<NarrowerForm>,
    /// When the header line of the signature holds a list of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub several: Option<Several>,
    /// How the signed time is written, and how far it may lie from now; only for messages with `{t}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Tolerance>,
}

/// By what a delivery proves who sent it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// An HMAC with the shared secret.
    #[default]
    Hmac,
    /// A signature by the sender's private key (Ed25519, RFC 8032): the secret is that key, and receivers have the public one.
    Ed25519,
    /// The shared secret itself.
    Token,
    /// Nothing: whoever comes is let in.
    None,
}

impl Proof {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Which bodies the sender signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Bodies {
    /// Any bytes.
    #[default]
    Any,
    /// Text in UTF-8 alone: whoever reads other bytes as text before the signature is checked is not blamed for it.
    Utf8,
}

impl Bodies {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
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

/// A member of the JSON body that carries the signature.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignatureMember {
    /// Its dotted path; a number counts into a list.
    pub member: String,
    /// Its value: text with `{sig}`.
    pub value: Template,
}

/// A parameter of the query that stands there before anything is signed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryParameter {
    /// Its name.
    pub name: String,
    /// Its value: a digest of the body, or a constant.
    pub value: Template,
}

/// What the name of a line begins with that is a member of the body; no header's name has a colon.
const IN_BODY: &str = "body:";

impl SignatureHeader {
    /// Whether its value has the placeholder `name`.
    #[must_use]
    pub fn carries(&self, name: &str) -> bool {
        self.value.placeholders().any(|one| one == name)
    }

    /// Whether it stands in a delivery before anything is signed: it carries neither signature, time nor id.
    #[must_use]
    pub fn is_prepared(&self) -> bool {
        !["sig", "t", "id"].into_iter().any(|name| self.carries(name))
    }

    /// The path of the member of the body that it is, where it is none of the header.
    #[must_use]
    pub fn member(&self) -> Option<&str> {
        self.name.strip_prefix(IN_BODY)
    }
}

/// A header line that is a list.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Several {
    /// What stands between the items; items are the header template's own, cut at it.
    pub separator: String,
    /// Whether blanks around an item are passed over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blanks: bool,
    /// What two lines of the header mean; without it, nobody is held to anything, and the reference refuses them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<ListLines>,
}

/// What two lines of a header mean that holds a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ListLines {
    /// Nothing: they are refused, as two lines of one signature are (requirement AUTH-10).
    Refused,
    /// One list, as HTTP joins lines (RFC 9110, section 5.3): one right signature in any of them is enough.
    Joined,
}

impl SecretForm {
    /// The key bytes that a secret's text stands for.
    ///
    /// # Errors
    /// [`BadSecret`] when the text is not written as the form says.
    pub fn key_bytes(&self, secret: &[u8]) -> Result<Vec<u8>, BadSecret> {
        let decoded = |text: &[u8]| self.encoding.decode(self.without_prefix(text));
        decoded(secret).map_err(|bad| BadSecret { has_blanks: decoded(secret.trim_ascii()).is_ok(), ..bad })
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
        Ok(Signer::new(self.clone(), self.key_bytes(secret)?))
    }

    /// Keys the scheme with a public key alone: what it gives verifies, and signs nothing.
    ///
    /// `public` is its text: hex digits, or base64, after a prefix or not.
    ///
    /// # Errors
    /// [`BadSecret`] when it is no public key of this scheme.
    pub fn keyed_by_public(&self, public: &[u8]) -> Result<Signer, BadSecret> {
        Signer::verifying(self.clone(), public).ok_or(BadSecret::of("an Ed25519 public key of 32 bytes in hex or base64"))
    }

    /// The key bytes of a secret's text, as [`SecretForm::key_bytes`] and fit for this scheme.
    ///
    /// # Errors
    /// [`BadSecret`] when the text is not written as the form says, or is no key of the scheme.
    pub fn key_bytes(&self, secret: &[u8]) -> Result<Vec<u8>, BadSecret> {
        let bytes = self.key.key_bytes(secret)?;
        match self.by {
            Proof::Hmac | Proof::None => Ok(bytes),
            Proof::Ed25519 if matches!(bytes.len(), 32 | 64) => Ok(bytes),
            Proof::Ed25519 => Err(BadSecret::of("an Ed25519 private key of 32 bytes (or of 64, with the public one)")),
            Proof::Token if !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic) => Ok(bytes),
            Proof::Token => Err(BadSecret::of("visible ASCII, which can travel in a header")),
        }
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

    /// Whether the message says anything of the address that deliveries go to.
    #[must_use]
    pub fn signs_the_address(&self) -> bool {
        ["url", "authority", "path", "path_only"].iter().any(|name| self.signs(name))
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

    /// Whether the signature covers the very bytes of the body, in the message or by a digest that is signed.
    #[must_use]
    pub fn covers_body(&self) -> bool {
        let digests = |value: &Template| value.placeholders().any(|name| name.ends_with("(body)"));
        let in_a_line =
            || self.headers.iter().any(|header| header.is_prepared() && digests(&header.value) && self.signs_header(&header.name));
        let in_the_query = || self.query.iter().any(|one| digests(&one.value)) && (self.signs("url") || self.signs("path"));
        self.signs("body") || digests(&self.message) || in_a_line() || in_the_query()
    }

    /// Whether it covers what a form in the body says, in whatever order and spelling.
    #[must_use]
    pub fn covers_form(&self) -> bool {
        self.signs("form_sorted")
    }

    /// Whether the signature stands in the body, so that what is sent has other bytes than what was signed.
    #[must_use]
    pub fn stands_in_body(&self) -> bool {
        self.headers.iter().any(|header| header.member().is_some())
    }

    fn signs_header(&self, name: &str) -> bool {
        self.message.placeholders().filter_map(|one| one.strip_prefix("header:")).any(|one| one.eq_ignore_ascii_case(name))
    }

    /// Whether all that it adds to a delivery are header lines, which are made of the signature, the time and the id.
    #[must_use]
    pub fn only_adds_lines(&self) -> bool {
        self.query.is_empty() && self.headers.iter().all(|header| !header.is_prepared() && header.member().is_none())
    }

    /// Makes the scheme whole, once its contract is read: members are lines of another place, a token is its own text.
    pub fn settle(&mut self, key_header: Option<&str>) {
        for SignatureMember { member, value } in std::mem::take(&mut self.members) {
            self.headers.push(SignatureHeader { name: format!("{IN_BODY}{member}"), value, is_the_keys: false });
        }
        if self.by == Proof::Token {
            self.encoding = Encoding::Text;
        }
        self.share_key_header(key_header);
    }

    /// Marks the header line that is the key's own: same name, in any case, and the id alone in it.
    pub fn share_key_header(&mut self, key_header: Option<&str>) {
        let narrower = self.narrower.iter_mut().flat_map(|form| &mut form.headers);
        for header in self.headers.iter_mut().chain(narrower) {
            header.is_the_keys = key_header.is_some_and(|name| header.name.eq_ignore_ascii_case(name)) && header.value.is_only("id");
        }
    }
}

/// The placeholders that a signature message may hold; `header:NAME` stands for any header, `member:PATH` for any member of a JSON body.
pub const MESSAGE_PLACEHOLDERS: [&str; 14] = [
    "body",
    "t",
    "id",
    "method",
    "path",
    "path_only",
    "url",
    "authority",
    "form_sorted",
    "sha256hex(body)",
    "sha256base64(body)",
    "sha512base64(body)",
    "header:NAME",
    "member:PATH",
];
/// Those that may stand in a line or a parameter before anything is signed.
pub const PREPARED_PLACEHOLDERS: [&str; 3] = ["sha256hex(body)", "sha256base64(body)", "sha512base64(body)"];
