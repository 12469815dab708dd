//! Slips: the usual ways in which a receiver checks signatures otherwise than its contract says.
//!
//! In: a scheme. Out: what is worth trying, the likeliest first, each with the
//! scheme by which a delivery is signed for such a receiver. What is accepted
//! says what the receiver does.

use bytes::Bytes;
use serde_json::Value;

use crate::sign::diagnosis::{MESSAGES, spaced};
use crate::sign::{DigestName, Encoding, Proof, Scheme, SecretEncoding, SecretForm, TimeUnit};
use crate::template::Template;

/// How a receiver checks signatures, where that is not what its contract says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slip {
    /// By the secret's text, which stands for other bytes.
    SecretAsText,
    /// By the secret's text behind its prefix, which stands for other bytes.
    TextBehindPrefix,
    /// In another encoding.
    Encoding(Encoding),
    /// With another hash function.
    Digest(DigestName),
    /// Over another message.
    Message(&'static str),
    /// Without the mark before the signature.
    NoMark,
    /// With a time in another unit.
    Unit(TimeUnit),
    /// Over JSON that it has written anew, without blanks.
    Compact,
    /// Over JSON that it has written anew, with blanks behind commas and colons.
    Spaced,
}

impl Slip {
    /// Its name, as in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SecretAsText => "secret-as-text",
            Self::TextBehindPrefix => "text-behind-prefix",
            Self::Encoding(_) => "encoding",
            Self::Digest(_) => "digest",
            Self::Message(_) => "message",
            Self::NoMark => "no-mark",
            Self::Unit(_) => "unit",
            Self::Compact | Self::Spaced => "written-anew",
        }
    }

    /// How it is written there: the encoding, the message, the unit.
    #[must_use]
    pub fn written(self) -> String {
        let word = match self {
            Self::Encoding(Encoding::Hex) => "hex",
            Self::Encoding(Encoding::HexUpper) => "upper-case hex",
            Self::Encoding(Encoding::Base64) => "base64",
            Self::Encoding(Encoding::Base64url) => "base64url",
            Self::Encoding(Encoding::Text) => "text",
            Self::Digest(DigestName::Sha1) => "SHA-1",
            Self::Digest(DigestName::Sha256) => "SHA-256",
            Self::Digest(DigestName::Sha512) => "SHA-512",
            Self::Message(text) => text,
            Self::Unit(TimeUnit::Seconds) => "s",
            Self::Unit(TimeUnit::Milliseconds) => "ms",
            Self::Unit(TimeUnit::Rfc3339) => "RFC 3339",
            Self::NoMark => "{sig}",
            Self::SecretAsText | Self::TextBehindPrefix | Self::Compact | Self::Spaced => "none",
        };
        word.to_owned()
    }

    /// The scheme by which a delivery is signed for such a receiver; `None` where its contract's own is that.
    #[must_use]
    pub fn scheme(self, scheme: &Scheme) -> Option<Scheme> {
        let mut other = scheme.clone();
        match self {
            Self::SecretAsText => other.key = SecretForm::default(),
            Self::TextBehindPrefix => other.key.encoding = SecretEncoding::Utf8,
            Self::Encoding(encoding) => other.encoding = encoding,
            Self::Digest(digest) => other.digest = digest,
            Self::Message(text) => other.message = Template::read(text).ok()?,
            Self::NoMark => {
                let name = other.carrier()?.name.clone();
                let header = other.headers.iter_mut().find(|header| header.name == name)?;
                header.value = Template::read("{sig}").ok()?;
            }
            Self::Unit(unit) => other.time.as_mut()?.unit = unit,
            Self::Compact | Self::Spaced => {}
        }
        Some(other)
    }

    /// The body that such a receiver holds the signature against.
    #[must_use]
    pub fn body(self, body: &Bytes) -> Option<Bytes> {
        let value = || serde_json::from_slice::<Value>(body).ok();
        match self {
            Self::Compact => value().map(|value| value.to_string().into()),
            Self::Spaced => value().map(|value| spaced(&value).into()),
            Self::SecretAsText
            | Self::TextBehindPrefix
            | Self::Encoding(_)
            | Self::Digest(_)
            | Self::Message(_)
            | Self::NoMark
            | Self::Unit(_) => Some(body.clone()),
        }
    }
}

/// What is worth trying under a scheme; nothing where deliveries are not signed by an HMAC.
#[must_use]
pub fn slips(scheme: &Scheme) -> Vec<Slip> {
    if scheme.by != Proof::Hmac {
        return Vec::new();
    }
    let mut all = Vec::new();
    if scheme.key.encoding != SecretEncoding::Utf8 || !scheme.key.strip_prefix.is_empty() {
        all.push(Slip::SecretAsText);
    }
    if scheme.key.encoding != SecretEncoding::Utf8 && !scheme.key.strip_prefix.is_empty() {
        all.push(Slip::TextBehindPrefix);
    }
    if scheme.covers_body() {
        all.extend([Slip::Compact, Slip::Spaced]);
    }
    let encodings = [Encoding::Hex, Encoding::HexUpper, Encoding::Base64, Encoding::Base64url];
    all.extend(encodings.into_iter().filter(|one| *one != scheme.encoding).map(Slip::Encoding));
    let own = scheme.message.to_string();
    let can_be_known = |text: &&str| {
        let has = |name: &str| text.contains(&format!("{{{name}}}"));
        **text != own && (!has("t") || scheme.carries_time()) && (!has("id") || scheme.signs("id")) && !has("url")
    };
    all.extend(MESSAGES.into_iter().filter(can_be_known).map(Slip::Message));
    if scheme.carrier().is_some_and(|carrier| carrier.carries("sig") && !carrier.carries("t") && !carrier.value.is_only("sig")) {
        all.push(Slip::NoMark);
    }
    let digests = [DigestName::Sha1, DigestName::Sha256, DigestName::Sha512];
    all.extend(digests.into_iter().filter(|one| *one != scheme.digest).map(Slip::Digest));
    all.extend(scheme.time.and_then(|time| match time.unit {
        TimeUnit::Seconds => Some(Slip::Unit(TimeUnit::Milliseconds)),
        TimeUnit::Milliseconds => Some(Slip::Unit(TimeUnit::Seconds)),
        TimeUnit::Rfc3339 => None,
    }));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::reading::read_contract;
    use crate::files;

    fn names(contract: &str) -> Vec<String> {
        let file = files::shipped_contract(contract).expect("it is shipped");
        let scheme = read_contract(&file.path, &file.text, &|_| None).unwrap_or_else(|wrong| panic!("{wrong}")).signature;
        let all = slips(&scheme);
        // Each is another scheme than the contract's own, or another body.
        assert!(all.iter().all(|slip| slip.scheme(&scheme).is_some()));
        all.into_iter().map(|slip| format!("{} {}", slip.name(), slip.written())).collect()
    }

    /// What can be mistaken under a scheme is tried, and nothing that a receiver could not know.
    #[test]
    fn what_can_be_mistaken_is_tried() {
        let all = names("standard-webhooks");
        for wanted in [
            "secret-as-text none",
            "text-behind-prefix none",
            "encoding hex",
            "message {t}.{body}",
            "no-mark {sig}",
            "digest SHA-1",
            "unit ms",
            "written-anew none",
        ] {
            assert!(all.iter().any(|one| one == wanted), "{wanted}: {all:?}");
        }
        assert!(all.len() <= 20, "{all:?}");
        let all = names("github-webhook");
        assert!(
            !all.iter().any(|one| one.contains("{t}") || one.contains("{id}") || one.starts_with("secret") || one.starts_with("unit")),
            "{all:?}"
        );
        assert!(names("gitlab-webhook").is_empty());
    }
}
