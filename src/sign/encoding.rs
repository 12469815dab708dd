//! Encodings: bytes as text, for signatures and for secrets.
//!
//! Takes bytes, gives text in one of a few alphabets, and reads it back. One
//! value has one text: what is not written in the very form is refused.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How bytes are written as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// Lower-case hex digits.
    #[default]
    Hex,
    /// Upper-case hex digits.
    HexUpper,
    /// Standard base64 with padding.
    Base64,
    /// Base64 for addresses (`-` and `_`), without padding.
    Base64url,
    /// Its own text: a token.
    Text,
}

impl Encoding {
    /// Bytes as text.
    #[must_use]
    pub fn write(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => hex(bytes),
            Self::HexUpper => hex(bytes).to_ascii_uppercase(),
            Self::Base64 => STANDARD.encode(bytes),
            Self::Base64url => URL_SAFE_NO_PAD.encode(bytes),
            Self::Text => String::from_utf8_lossy(bytes).into_owned(),
        }
    }

    /// Text as bytes; `None` when it is not exactly what [`Encoding::write`] writes.
    #[must_use]
    pub fn read(self, text: &[u8]) -> Option<Vec<u8>> {
        match self {
            // Digits in the other case are another text than the one that was signed.
            Self::Hex if text.iter().any(u8::is_ascii_uppercase) => None,
            Self::HexUpper if text.iter().any(u8::is_ascii_lowercase) => None,
            Self::Hex | Self::HexUpper => unhex(text),
            Self::Base64 => STANDARD.decode(text).ok(),
            Self::Base64url => URL_SAFE_NO_PAD.decode(text).ok(),
            Self::Text => Some(text.to_vec()),
        }
    }

    /// Whether `c` may stand in text of this encoding.
    #[must_use]
    pub fn may_hold(self, c: char) -> bool {
        match self {
            Self::Hex | Self::HexUpper => c.is_ascii_hexdigit(),
            Self::Base64 => c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '='),
            Self::Base64url => c.is_ascii_alphanumeric() || matches!(c, '-' | '_'),
            Self::Text => c.is_ascii_graphic(),
        }
    }
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
    /// Base64 for addresses (`-` and `_`), with padding or without.
    Base64url,
    /// Hex digits.
    Hex,
}

impl SecretEncoding {
    /// The bytes that a secret's text stands for.
    ///
    /// # Errors
    /// [`BadSecret`] when the text is not written so.
    pub fn decode(self, text: &[u8]) -> Result<Vec<u8>, BadSecret> {
        match self {
            Self::Utf8 => Ok(text.to_vec()),
            Self::Base64 => STANDARD.decode(text).map_err(|_| BadSecret::of("base64")),
            Self::Base64url => {
                let padded = text.ends_with(b"=");
                let read = if padded { URL_SAFE.decode(text) } else { URL_SAFE_NO_PAD.decode(text) };
                read.map_err(|_| BadSecret::of("base64url"))
            }
            Self::Hex => unhex(text).ok_or(BadSecret::of("hex")),
        }
    }
}

/// Bytes as lower-case hex digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    // Bytes are put down four times as fast as characters, and every delivery has some.
    String::from_utf8(digits.collect()).unwrap_or_default()
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

/// A secret whose text is not what the scheme says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret is not {wanted}, as the contract's signature scheme says (key.encoding){}", self.of_blanks())]
pub struct BadSecret {
    /// `base64`, `base64url` or `hex`.
    pub wanted: &'static str,
    /// Whether it is but for a blank or a line end around it.
    pub has_blanks: bool,
}

impl BadSecret {
    pub(super) const fn of(wanted: &'static str) -> Self {
        Self { wanted, has_blanks: false }
    }

    fn of_blanks(&self) -> &'static str {
        if self.has_blanks { "; it would be without the blank or the line end around it: take that out" } else { "" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::SecretForm;

    /// One value has one text in each encoding (`printf '\xfb\xff' | basenc --base64url` and its like).
    #[test]
    fn one_value_has_one_text() {
        for (encoding, text, others) in [
            (Encoding::Hex, "fbff", ["FBFF", "fbf", "0xfbff", " fbff"]),
            (Encoding::Base64, "+/8=", ["+/8", "-_8=", "+/9=", "+/8=="]),
            (Encoding::Base64url, "-_8", ["-_8=", "+/8", "-_9", "-_8 "]),
        ] {
            assert_eq!(encoding.write(&[0xfb, 0xff]), text);
            assert_eq!(encoding.read(text.as_bytes()), Some(vec![0xfb, 0xff]), "{text}");
            assert!(text.chars().all(|c| encoding.may_hold(c)), "{text}");
            for other in others {
                assert_eq!(encoding.read(other.as_bytes()), None, "{encoding:?} {other}");
            }
        }
    }

    /// Secrets are copied from pages that write them with padding and without.
    #[test]
    fn secrets_are_read_in_every_encoding() {
        let bytes = || Ok(vec![0xfb, 0xff]);
        for (encoding, text, wanted) in [
            (SecretEncoding::Utf8, "-_8", Ok(b"-_8".to_vec())),
            (SecretEncoding::Base64, "+/8=", bytes()),
            (SecretEncoding::Base64, "-_8=", Err(BadSecret::of("base64"))),
            (SecretEncoding::Base64url, "-_8", bytes()),
            (SecretEncoding::Base64url, "-_8=", bytes()),
            (SecretEncoding::Base64url, "+/8=", Err(BadSecret::of("base64url"))),
            (SecretEncoding::Hex, "FBff", bytes()),
            (SecretEncoding::Hex, "fbf", Err(BadSecret::of("hex"))),
        ] {
            assert_eq!(encoding.decode(text.as_bytes()), wanted, "{encoding:?} {text}");
        }
    }

    /// A variable that was filled from a file has that file's line end: it is told, and never taken away in silence.
    #[test]
    fn blanks_around_a_secret_are_told() {
        let form = SecretForm { encoding: SecretEncoding::Base64, strip_prefix: "whsec_".to_owned() };
        let told = |secret: &str| form.key_bytes(secret.as_bytes()).map_err(|bad| bad.has_blanks);
        assert_eq!(told("whsec_+/8="), Ok(vec![0xfb, 0xff]));
        for (secret, blanks) in [("whsec_+/8=\n", true), (" whsec_+/8=", true), ("whsec_%\n", false), ("whsec_%", false)] {
            assert_eq!(told(secret), Err(blanks), "{secret:?}");
        }
        assert!(BadSecret { wanted: "base64", has_blanks: true }.to_string().contains("line end"));
    }
}
