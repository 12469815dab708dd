//! The small changes that tampers are made of.

use super::encoding::hex;
use super::mac::{DigestName, Keyed};
use super::parts::each_part;
use super::{Envelope, NarrowerForm, Scheme, Signer};
use crate::delivery::Delivery;
use crate::template::{Part, Template};

/// Names under which receivers were seen to look for a signature: members of bodies, parameters of queries.
pub const USUAL_NAMES: [&str; 8] = ["signature", "sig", "x-signature", "hmac", "hash", "digest", "token", "auth"];

/// `body` with one bit of its last letter or digit changed, so that JSON stays JSON where it can.
pub(super) fn with_other_bit(body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    let last = body.iter().rposition(u8::is_ascii_alphanumeric).or(body.len().checked_sub(1));
    match last {
        Some(at) => body[at] ^= 1,
        None => body.push(b' '),
    }
    body
}

/// `text` with another character of the same alphabet at byte `at`.
pub(super) fn with_other_char(text: &str, at: usize) -> String {
    let other = if text.as_bytes().get(at) == Some(&b'a') { 'b' } else { 'a' };
    text.char_indices().map(|(index, c)| if index == at { other } else { c }).collect()
}

/// `text` with every letter in the other case.
pub(super) fn in_other_case(text: &str) -> String {
    let turned = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    text.chars().map(turned).collect()
}

/// A signature as it stands in a query.
#[must_use]
pub fn in_query(signature: &str) -> String {
    signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

/// The message of a delivery in one piece.
fn message_of(signer: &Signer, delivery: &Delivery, envelope: Envelope<'_>) -> Vec<u8> {
    let mut message = Vec::new();
    let whole = signer.whole_address(&delivery.body);
    each_part(&signer.scheme.message, (delivery, whole.as_deref()), envelope, &mut |bytes| message.extend_from_slice(bytes));
    message
}

/// The HMAC of a delivery with another hash function.
pub(crate) fn other_hmac(signer: &Signer, delivery: &Delivery, envelope: Envelope<'_>) -> Vec<u8> {
    let other = match signer.scheme.digest {
        DigestName::Sha1 | DigestName::Sha512 => DigestName::Sha256,
        DigestName::Sha256 => DigestName::Sha1,
    };
    let mut mac = Keyed::new(other, signer.key_bytes());
    mac.update(&message_of(signer, delivery, envelope));
    mac.finish()
}

/// Whether lines of a scheme name its hash function, so that a delivery can name another one: `sha256={sig}`, `alg="hmac-sha256"`.
pub(super) fn names_its_digest(scheme: &Scheme) -> bool {
    let is_named = |text: &str| with_digest(text, scheme.digest, "") != text;
    let own = scheme.headers.iter().filter(|header| says_the_digest(&header.value));
    own.flat_map(|header| header.value.parts()).any(|part| matches!(part, Part::Literal(text) if is_named(text)))
}

/// The same key under the scheme with another hash function, which is named wherever the scheme names its own.
#[must_use]
pub(crate) fn naming(signer: &Signer, digest: DigestName) -> Signer {
    let mut scheme = signer.scheme.clone();
    let own = std::mem::replace(&mut scheme.digest, digest);
    let renamed = |text: &str| with_digest(text, own, digest.number());
    for header in scheme.headers.iter_mut().filter(|header| says_the_digest(&header.value)) {
        header.value = header.value.with_literals(renamed);
    }
    scheme.message = scheme.message.with_literals(renamed);
    signer.with_scheme(scheme).with_key(signer.key_bytes())
}

/// The same key under a form of the scheme that covers less.
#[must_use]
pub(crate) fn narrowed(signer: &Signer, form: &NarrowerForm) -> Signer {
    signer.with_scheme(form.of(&signer.scheme))
}

/// Whether a line may say with which hash function the signature is made: one that holds a digest of the body names that one's.
fn says_the_digest(line: &Template) -> bool {
    !line.placeholders().any(|name| name.ends_with("(body)"))
}

/// `text` with another number wherever it names a hash function: `sha256`, `SHA-256`.
fn with_digest(text: &str, digest: DigestName, number: &str) -> String {
    const FAMILY: &str = "sha";
    let lower = text.to_ascii_lowercase();
    let (mut renamed, mut at) = (String::new(), 0);
    while let Some(found) = lower[at..].find(FAMILY) {
        let name_ends = at + found + FAMILY.len();
        let from = name_ends + usize::from(lower[name_ends..].starts_with(['-', '_', '/']));
        let to = from + lower[from..].bytes().take_while(u8::is_ascii_digit).count();
        renamed.push_str(&text[at..from]);
        let own = &text[from..to];
        renamed.push_str(if own == digest.number() { number } else { own });
        at = to;
    }
    renamed.push_str(&text[at..]);
    renamed
}

/// The hash of `before` and the message, not an HMAC.
pub(crate) fn plain_hash(signer: &Signer, before: &[u8], delivery: &Delivery, envelope: Envelope<'_>) -> Vec<u8> {
    let message = [before, &message_of(signer, delivery, envelope)].concat();
    signer.scheme.digest.hash(&message)
}

/// The HMAC of a delivery whose secret is the public key: whoever lets a signature choose its algorithm takes it.
pub(crate) fn by_public_key(signer: &Signer, delivery: &Delivery, envelope: Envelope<'_>) -> Vec<u8> {
    let mut mac = Keyed::new(DigestName::Sha256, &signer.public_key().unwrap_or_default());
    mac.update(&message_of(signer, delivery, envelope));
    mac.finish()
}

/// A JSON object's text with one more text member in front (`value` is already escaped); other bytes are wrapped.
#[must_use]
pub fn with_member(body: &[u8], member: &str, value: &str) -> Vec<u8> {
    let start = body.iter().position(|b| !b.is_ascii_whitespace());
    match start.filter(|at| body[*at] == b'{') {
        Some(at) => {
            let rest = &body[at + 1..];
            let lone = rest.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'}');
            [&body[..=at], format!("\"{member}\":\"{value}\"{}", if lone { "" } else { "," }).as_bytes(), rest].concat()
        }
        None => format!("{{\"{member}\":\"{value}\",\"was\":\"{}\"}}", hex(body)).into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hash function is named in any writing, and other numbers are none of its names.
    #[test]
    fn names_of_hash_functions_are_found_in_every_writing() {
        for (text, renamed) in [
            ("sha256=", "sha1="),
            ("alg=\"hmac-sha256\"", "alg=\"hmac-sha1\""),
            ("HMAC-SHA-256:sha_256", "HMAC-SHA-1:sha_1"),
            ("sha2560= sha512= sharp-256 256 sh", "sha2560= sha512= sharp-256 256 sh"),
            ("\u{e9}sha/256\u{e9}", "\u{e9}sha/1\u{e9}"),
        ] {
            assert_eq!(with_digest(text, DigestName::Sha256, DigestName::Sha1.number()), renamed);
        }
        assert_eq!(with_digest("sha1=sha", DigestName::Sha1, DigestName::Sha512.number()), "sha512=sha");
    }
}
