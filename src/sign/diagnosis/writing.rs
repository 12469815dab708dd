//! Signatures that are right and written otherwise: after another mark, in another header, in another encoding, by another hash function,
//! over another message.
//!
//! Takes a case, looks for the very signature in every header line, whatever stands
//! around it, and says how it is written there.

use super::super::{DigestName, Encoding, Envelope, Proof, Scheme, Signer};
use super::{Case, Diagnosis};
use crate::delivery::{Delivery, HeaderLine};
use crate::template::Template;

/// Digits of a time in seconds and in milliseconds, from 2001 to 2286.
const DIGITS_OF_TIME: [usize; 2] = [10, 13];
/// Messages that are signed in the wild.
pub(crate) const MESSAGES: [&str; 9] =
    ["{body}", "{t}.{body}", "{t}:{body}", "{t}{body}", "v0:{t}:{body}", "{id}.{t}.{body}", "{id}{t}{body}", "{url}{body}", "{body}{t}"];

/// Where a right signature stands, and what stands around it.
struct Written {
    /// The header's name.
    name: String,
    /// Its value, with places for signature and time. What else stands there came from outside, and is told by [`Case::told`] alone.
    value: String,
}

impl Written {
    /// As it may be told.
    fn told(&self, case: &Case<'_>) -> String {
        format!("{}: {}", case.told(&self.name), case.told(&self.value))
    }
}

/// The right signature, written otherwise than the scheme says; in another header only where its own is not there.
pub(super) fn other_writing(case: &Case<'_>, signer: &Signer) -> Option<Diagnosis> {
    if case.scheme.by == Proof::Token {
        return token(case);
    }
    if let Some(written) = found(case, signer) {
        return of_writing(case, &written, "prefix", "the signature is right");
    }
    let said = |code: &'static str, words: String, scheme: Scheme| {
        let signer = keyed(case, &scheme)?;
        let written = found(case, &signer)?;
        let own = case.scheme.carrier()?;
        let is_as_due = written.name.eq_ignore_ascii_case(&own.name) && written.value == own.value.to_string();
        let place = if is_as_due { String::new() } else { format!(", as `{}`", written.told(case)) };
        Some(Diagnosis::of(code, format!("{words}{place}")))
    };
    let hex_name = if case.scheme.encoding == Encoding::HexUpper { "lower-case hex" } else { "hex" };
    let encodings = [
        (Encoding::Hex, hex_name),
        (Encoding::HexUpper, "upper-case hex"),
        (Encoding::Base64, "base64"),
        (Encoding::Base64url, "base64url"),
    ];
    for (encoding, name) in encodings {
        // Of hex digits in the other case there is a sentence of its own.
        let is_told = encoding == Encoding::HexUpper && case.scheme.encoding == Encoding::Hex;
        if encoding != case.scheme.encoding && !is_told {
            let words = format!("the signature is right, and written in {name}");
            if let Some(told) = said("encoding", words, Scheme { encoding, ..case.scheme.clone() }) {
                return Some(told);
            }
        }
    }
    if let Some(told) = upper_case(case, signer) {
        return Some(told);
    }
    let digests = [(DigestName::Sha1, "SHA-1"), (DigestName::Sha256, "SHA-256"), (DigestName::Sha512, "SHA-512")];
    for (digest, name) in digests.into_iter().filter(|(digest, _)| case.scheme.by == Proof::Hmac && *digest != case.scheme.digest) {
        let words = format!("it is an HMAC with another hash function, {name}");
        if let Some(told) = said("digest", words, Scheme { digest, ..case.scheme.clone() }) {
            return Some(told);
        }
    }
    let own = case.scheme.message.to_string();
    MESSAGES.into_iter().filter(|text| *text != own).find_map(|text| {
        let words = format!("the signature covers another message, `{text}` in place of `{own}`");
        said("message", words, Scheme { message: Template::read(text).ok()?, ..case.scheme.clone() })
    })
}

/// Another scheme with the same secret.
fn keyed(case: &Case<'_>, scheme: &Scheme) -> Option<Signer> {
    let (_, secret) = case.secrets.first()?;
    if case.is_public { scheme.keyed_by_public(secret).ok() } else { scheme.keyed(secret).ok() }
}

fn of_writing(case: &Case<'_>, written: &Written, code: &'static str, words: &str) -> Option<Diagnosis> {
    let own = case.scheme.carrier()?;
    let due = own.value.to_string();
    if !written.name.eq_ignore_ascii_case(&own.name) {
        let told = written.told(case);
        return Some(Diagnosis::of("header", format!("{words}, and stands in another header, as `{told}`: `{}` is due", own.name)));
    }
    // It stands there as it should: something else is the matter.
    if written.value == due {
        return None;
    }
    let value = case.told(&written.value);
    let sentence = format!("{words}, and written as `{value}` where `{due}` is due: a prefix too much, too little, or another one");
    Some(Diagnosis::of(code, sentence))
}

/// The secret itself, with something around it.
fn token(case: &Case<'_>) -> Option<Diagnosis> {
    let (_, secret) = case.secrets.first()?;
    let secret = std::str::from_utf8(secret).ok().filter(|text| text.len() >= 8)?;
    let own = case.scheme.carrier()?;
    let lines = case.delivery.headers.iter().filter_map(|line| Some((&line.name, std::str::from_utf8(&line.value).ok()?)));
    let mut holding = lines.filter(|(_, value)| value.contains(secret)).collect::<Vec<_>>();
    holding.sort_by_key(|(name, _)| !name.eq_ignore_ascii_case(&own.name));
    let (name, value) = holding.first()?;
    let written = Written { name: (*name).clone(), value: value.trim().replace(secret, "{sig}") };
    of_writing(case, &written, "prefix", "the token is right")
}

/// Hex digits in upper case.
fn upper_case(case: &Case<'_>, signer: &Signer) -> Option<Diagnosis> {
    let carrier = case.scheme.carrier().filter(|_| case.scheme.encoding == Encoding::Hex)?;
    let mut lower = case.delivery.clone();
    for line in lower.headers.iter_mut().filter(|line| line.name.eq_ignore_ascii_case(&carrier.name)) {
        line.value = line.value.to_ascii_lowercase().into();
    }
    found(&Case { delivery: &lower, ..*case }, signer)?;
    Some(Diagnosis::of("encoding", "the signature is right, and its hex digits are in upper case"))
}

/// The line that holds the right signature, whatever stands around it: the scheme's own first.
fn found(case: &Case<'_>, signer: &Signer) -> Option<Written> {
    let scheme = signer.scheme();
    let carrier = scheme.carrier()?;
    let delivery = signer.expanded(case.delivery);
    let is_own = |line: &&HeaderLine| line.name.eq_ignore_ascii_case(&carrier.name);
    // Members of the body are lines of the expanded delivery; one that is not there has no other place.
    let (own, others): (Vec<_>, Vec<_>) = delivery.headers.iter().partition(is_own);
    let lines = if own.is_empty() { others } else { own };
    let times = times(scheme, &delivery);
    let id = id(scheme, &delivery).unwrap_or_else(|| case.id.to_vec());
    let length = scheme.encoding.write(&vec![0; bytes_of(scheme)]).len();
    for line in lines {
        for text in runs(scheme.encoding, &line.value, length) {
            for time in &times {
                let envelope = Envelope { time, id: &id, origin: case.origin };
                if signer.mac_holds(&delivery, envelope, &[text.as_bytes()]).is_ok() {
                    let value = String::from_utf8_lossy(&line.value).trim().replacen(&text, "{sig}", 1);
                    let value = if time.is_empty() || !carrier.carries("t") { value } else { value.replace(time.as_str(), "{t}") };
                    return Some(Written { name: line.name.clone(), value });
                }
            }
        }
    }
    None
}

/// How many bytes a signature of the scheme has.
fn bytes_of(scheme: &Scheme) -> usize {
    const ED25519: usize = 64;
    match scheme.by {
        Proof::Ed25519 => ED25519,
        Proof::Hmac | Proof::Token | Proof::None => scheme.digest.hash(b"").len(),
    }
}

/// Every text of this length that may be a signature: whole runs of its alphabet, or the ends of longer ones.
fn runs(encoding: Encoding, value: &[u8], length: usize) -> Vec<String> {
    let text = String::from_utf8_lossy(value);
    let mut all: Vec<String> = Vec::new();
    for run in text.split(|c: char| !encoding.may_hold(c)).filter(|run| run.is_ascii() && run.len() >= length) {
        for one in [&run[run.len() - length..], &run[..length]] {
            if !all.iter().any(|known| known == one) {
                all.push(one.to_owned());
            }
        }
    }
    all
}

/// What a line of its own says by the scheme's template.
fn said_by(scheme: &Scheme, delivery: &Delivery, name: &str) -> Option<Vec<u8>> {
    let header = scheme.headers.iter().find(|header| header.carries(name) && !header.carries("sig"))?;
    let line = delivery.header(&header.name)?;
    let found = header.value.matches(line.trim_ascii())?;
    found.into_iter().find(|(one, _)| *one == name).map(|(_, value)| value.to_vec())
}

fn id(scheme: &Scheme, delivery: &Delivery) -> Option<Vec<u8>> {
    said_by(scheme, delivery, "id")
}

/// Every time that may have been signed; an empty one, where none is.
fn times(scheme: &Scheme, delivery: &Delivery) -> Vec<String> {
    if !scheme.signs("t") {
        return vec![String::new()];
    }
    let mut all: Vec<String> = said_by(scheme, delivery, "t").and_then(|bytes| String::from_utf8(bytes).ok()).into_iter().collect();
    for line in &delivery.headers {
        let text = String::from_utf8_lossy(&line.value);
        let digits = text.split(|c: char| !c.is_ascii_digit()).filter(|run| DIGITS_OF_TIME.contains(&run.len()));
        all.extend(digits.map(str::to_owned));
    }
    all.sort_unstable();
    all.dedup();
    all
}
