//! Secrets that may have been used in place of the right one: its text as people paste it, its bytes as libraries read them, other secrets.
//!
//! Takes a case, gives signers, each with its code and its words.

use super::super::encoding::SecretEncoding;
use super::super::{Proof, Scheme, Signer};
use super::{Case, Deviation, Diagnosis};

/// So far from its beginning a secret's prefix ends with an underscore.
const LONGEST_PREFIX: usize = 16;

/// Forms of a secret's text that people paste, each with what it is.
fn texts_of(secret: &[u8]) -> Vec<Deviation<Vec<u8>>> {
    let with = |end: &[u8]| [secret, end].concat();
    let mut all = vec![
        ("secret-line-end", "the sender's secret has a line end behind it (LF)", with(b"\n")),
        ("secret-line-end", "the sender's secret has a line end behind it (CR LF)", with(b"\r\n")),
        ("secret-line-end", "the sender's secret has half a line end behind it (CR)", with(b"\r")),
        ("secret-blank", "the sender's secret has a blank behind it", with(b" ")),
        ("secret-blank", "the sender's secret has a blank before it", [b" ", secret].concat()),
        ("secret-quotes", "the sender's secret stands in quotation marks", [b"\"", secret, b"\""].concat()),
        ("secret-quotes", "the sender's secret stands in quotation marks", [b"'", secret, b"'"].concat()),
    ];
    let trimmed = secret.trim_ascii();
    if trimmed != secret {
        all.push((
            "secret-line-end",
            "the secret given here has white space or a line end around it, and the sender's has none",
            trimmed.to_vec(),
        ));
    }
    let quoted =
        secret.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).or_else(|| secret.strip_prefix(b"'")?.strip_suffix(b"'"));
    all.extend(quoted.map(|inner| ("secret-quotes", "the secret given here stands in quotation marks", inner.to_vec())));
    all
}

/// Forms of the key that are made of the secret otherwise than the scheme says.
fn forms_of(scheme: &Scheme, secret: &[u8]) -> Vec<(&'static str, String, Scheme)> {
    if scheme.by != Proof::Hmac {
        return Vec::new();
    }
    let with = |encoding: SecretEncoding, prefix: &str| {
        let mut other = scheme.clone();
        other.key.encoding = encoding;
        other.key.strip_prefix = prefix.to_owned();
        other
    };
    let code = "secret-encoding";
    let mut all = Vec::new();
    if scheme.key.encoding != SecretEncoding::Utf8 || !scheme.key.strip_prefix.is_empty() {
        let whole = "the whole text of the secret was taken for the key, prefix and all, and not decoded";
        all.push((code, whole.to_owned(), with(SecretEncoding::Utf8, "")));
        let behind = "the text of the secret behind its prefix was taken for the key, and not decoded";
        all.push((code, behind.to_owned(), with(SecretEncoding::Utf8, scheme.key.strip_prefix.as_str())));
    } else {
        for prefix in prefixes_of(secret) {
            all.push(("secret-prefix", format!("the secret was taken without its prefix {prefix}"), with(SecretEncoding::Utf8, prefix)));
            all.push((
                code,
                format!("the secret was decoded from base64, behind its prefix {prefix}"),
                with(SecretEncoding::Base64, prefix),
            ));
        }
        all.push((code, "the secret was decoded from base64".to_owned(), with(SecretEncoding::Base64, "")));
        all.push((code, "the secret was decoded from hex digits".to_owned(), with(SecretEncoding::Hex, "")));
    }
    all
}

/// What a secret may begin with that is no part of it: `whsec_`, `pdl_ntfset_`.
fn prefixes_of(secret: &[u8]) -> Vec<&str> {
    let ends = secret.iter().take(LONGEST_PREFIX).enumerate().filter(|(at, byte)| **byte == b'_' && *at > 0);
    let is_word = |prefix: &&str| prefix.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    ends.filter_map(|(at, _)| std::str::from_utf8(&secret[..=at]).ok()).filter(is_word).collect()
}

/// Signers by other secrets than the right one, the likeliest first.
pub(super) fn by_other_secrets<'c>(case: &'c Case<'_>) -> impl Iterator<Item = (&'static str, String, Signer)> + 'c {
    let first = case.secrets.first().map(|(_, secret)| secret.as_slice()).unwrap_or_default();
    let texts =
        texts_of(first).into_iter().filter_map(|(code, words, text)| Some((code, words.to_owned(), case.scheme.keyed(&text).ok()?)));
    let forms =
        forms_of(case.scheme, first).into_iter().filter_map(move |(code, words, scheme)| Some((code, words, scheme.keyed(first).ok()?)));
    let known = case.secrets.iter().skip(1).filter_map(|(what, secret)| {
        Some(("wrong-secret", format!("it is signed with another secret: {what}"), case.scheme.keyed(secret).ok()?))
    });
    let empty = case.scheme.keyed(b"").ok().map(|signer| ("wrong-secret", "it is signed with an empty secret".to_owned(), signer));
    let has_private = !case.is_public;
    texts.chain(forms).chain(known).chain(empty).filter(move |_| has_private)
}

/// A secret that is no key of the scheme, but for what stands around it.
pub(super) fn around_it(case: &Case<'_>, secret: &[u8]) -> Option<Diagnosis> {
    let is_key = |text: &[u8]| if case.is_public { case.scheme.keyed_by_public(text).is_ok() } else { case.scheme.keyed(text).is_ok() };
    texts_of(secret).into_iter().find_map(|(code, words, text)| is_key(&text).then(|| Diagnosis::of(code, words)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_with_an_underscore() {
        assert_eq!(prefixes_of(b"whsec_abc"), ["whsec_"]);
        assert_eq!(prefixes_of(b"pdl_ntfset_abcdefg_h"), ["pdl_", "pdl_ntfset_"]);
        assert!(prefixes_of(b"It's_a").is_empty() && prefixes_of(b"_a").is_empty() && prefixes_of(b"").is_empty());
    }
}
