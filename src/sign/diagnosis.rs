//! Diagnosis: why a captured delivery's signature does not hold, found by trying what usually goes wrong.
//!
//! Takes a delivery as it came, the secrets that are known and the moment, tries
//! one deviation after the other (the secret's text, the body, the address, the
//! scheme), then two at once, and names the first that explains the header.
//! Nothing is guessed: what is named was computed, and it holds.

mod bodies;

use bodies::bodies_of;

use super::encoding::SecretEncoding;
use super::verify::BadSignature;
use super::{DigestName, Encoding, Envelope, Proof, Scheme, Signer};
use crate::clock::UnixMicros;
use crate::delivery::Delivery;
use crate::template::Template;

/// What is known of a captured delivery.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The scheme that it should be signed by.
    pub scheme: &'a Scheme,
    /// Secrets, each with what it is; the first is the shared one.
    pub secrets: &'a [(&'a str, Vec<u8>)],
    /// Whether the first is a public key.
    pub is_public: bool,
    /// The delivery as it came.
    pub delivery: &'a Delivery,
    /// The id as it travelled.
    pub id: &'a [u8],
    /// `https://host:port`, as the sender knew it.
    pub origin: &'a str,
    /// When it came.
    pub at: UnixMicros,
    /// Other schemes by name.
    pub others: &'a [(String, Scheme)],
}

/// What a signature came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// One word; `right` when it holds.
    pub code: &'static str,
    /// The sentence, without a full stop.
    pub sentence: String,
}

impl Diagnosis {
    fn of(code: &'static str, sentence: impl Into<String>) -> Self {
        Self { code, sentence: sentence.into() }
    }

    /// Whether the delivery is right.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.code == "right"
    }
}

/// One deviation: its code, its words, and what it makes of a thing.
type Deviation<T> = (&'static str, &'static str, T);

/// Says what a captured delivery came to.
#[must_use]
pub fn diagnose(case: &Case<'_>) -> Diagnosis {
    if case.scheme.by == Proof::None {
        return Diagnosis::of("right", "deliveries of this contract bear no signature, so there is nothing to be wrong");
    }
    let Some((_, secret)) = case.secrets.first() else {
        return Diagnosis::of("no-secret", "no secret is known to hold the signature against");
    };
    let keyed = if case.is_public { case.scheme.keyed_by_public(secret) } else { case.scheme.keyed(secret) };
    let signer = match keyed {
        Ok(signer) => signer,
        Err(wrong) => return lines_end(case, secret).unwrap_or_else(|| Diagnosis::of("secret-form", wrong.to_string())),
    };
    match signer.verify(case.delivery, case.id, case.origin, case.at) {
        Ok(()) => Diagnosis::of("right", "the signature holds"),
        Err(BadSignature::Stale) if holds(&signer, case.delivery, case) => out_of_time(&signer, case),
        Err(BadSignature::Missing) => other_scheme(case).unwrap_or_else(|| missing(case)),
        Err(why) => wrong(case, &signer, why),
    }
}

/// A signature that does not hold: the first deviation that explains it.
fn wrong(case: &Case<'_>, signer: &Signer, why: BadSignature) -> Diagnosis {
    let found = other_secret(case)
        .or_else(|| other_body(case, signer))
        .or_else(|| other_address(case, signer))
        .or_else(|| digest_of_another_body(case, signer))
        .or_else(|| other_writing(case))
        .or_else(|| other_scheme(case))
        .or_else(|| two_at_once(case));
    found.unwrap_or_else(|| unexplained(case, why))
}

/// Whether the signature is right, whatever the clock says.
fn holds(signer: &Signer, delivery: &Delivery, case: &Case<'_>) -> bool {
    let expanded = signer.expanded(delivery);
    let Ok(claim) = signer.claim(&expanded) else { return false };
    let envelope = Envelope { time: claim.time.unwrap_or_default(), id: claim.id.unwrap_or(case.id), origin: case.origin };
    signer.mac_holds(&expanded, envelope, &claim.signatures).is_ok()
}

fn out_of_time(signer: &Signer, case: &Case<'_>) -> Diagnosis {
    let time = signer.claim(case.delivery).ok().and_then(|claim| claim.time.map(str::to_owned)).unwrap_or_default();
    let signed_at = signer.scheme().unit().read(&time).unwrap_or(case.at);
    let tolerance = signer.scheme().time;
    let old = case.at.since(signed_at);
    let (code, lies, allowed) = if old.is_zero() {
        ("early", format!("{} in the future", crate::clock::span::write(signed_at.since(case.at))), tolerance.and_then(|one| one.future))
    } else {
        ("stale", format!("{} in the past", crate::clock::span::write(old)), tolerance.map(|one| one.past))
    };
    let allowed = allowed.map_or_else(String::new, |span| format!(", and the contract allows {}", crate::clock::span::write(span.0)));
    Diagnosis::of(code, format!("the signature is right, but stale: its time {time} lies {lies}{allowed}"))
}

/// Which header lines are not there.
fn missing(case: &Case<'_>) -> Diagnosis {
    let place =
        |name: &str| name.strip_prefix("body:").map_or_else(|| format!("the header {name}"), |path| format!("the body's member {path}"));
    let names = case.scheme.headers.iter().filter(|header| header.carries("sig")).map(|header| place(&header.name));
    Diagnosis::of("missing", format!("there is no signature: {} is not there, or empty", names.collect::<Vec<_>>().join(" and ")))
}

/// Forms of a secret's text that people paste, each with what it is.
fn texts_of(secret: &[u8]) -> Vec<Deviation<Vec<u8>>> {
    let with = |end: &[u8]| [secret, end].concat();
    let mut all = vec![
        ("secret-line-end", "the sender's secret has a line end behind it (LF)", with(b"\n")),
        ("secret-line-end", "the sender's secret has a line end behind it (CR LF)", with(b"\r\n")),
        ("secret-blank", "the sender's secret has a blank behind it", with(b" ")),
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
fn forms_of(scheme: &Scheme) -> Vec<Deviation<Scheme>> {
    if scheme.by != Proof::Hmac {
        return Vec::new();
    }
    let with = |encoding: SecretEncoding, prefix: &str| {
        let mut other = scheme.clone();
        other.key.encoding = encoding;
        other.key.strip_prefix = prefix.to_owned();
        other
    };
    let mut all = Vec::new();
    if scheme.key.encoding != SecretEncoding::Utf8 || !scheme.key.strip_prefix.is_empty() {
        all.push((
            "secret-encoding",
            "the whole text of the secret was taken for the key, prefix and all, and not decoded",
            with(SecretEncoding::Utf8, ""),
        ));
        let prefix = scheme.key.strip_prefix.as_str();
        all.push((
            "secret-encoding",
            "the text of the secret behind its prefix was taken for the key, and not decoded",
            with(SecretEncoding::Utf8, prefix),
        ));
    } else {
        all.push(("secret-prefix", "the secret was taken without its prefix whsec_", with(SecretEncoding::Utf8, "whsec_")));
        all.push((
            "secret-encoding",
            "the secret was decoded from base64, behind its prefix whsec_",
            with(SecretEncoding::Base64, "whsec_"),
        ));
        all.push(("secret-encoding", "the secret was decoded from base64", with(SecretEncoding::Base64, "")));
        all.push(("secret-encoding", "the secret was decoded from hex digits", with(SecretEncoding::Hex, "")));
    }
    all
}

fn by_other_secrets<'c>(case: &'c Case<'_>) -> impl Iterator<Item = (&'static str, String, Signer)> + 'c {
    let first = case.secrets.first().map(|(_, secret)| secret.as_slice()).unwrap_or_default();
    let texts =
        texts_of(first).into_iter().filter_map(|(code, words, text)| Some((code, words.to_owned(), case.scheme.keyed(&text).ok()?)));
    let forms = forms_of(case.scheme)
        .into_iter()
        .filter_map(move |(code, words, scheme)| Some((code, words.to_owned(), scheme.keyed(first).ok()?)));
    let known = case.secrets.iter().skip(1).filter_map(|(what, secret)| {
        Some(("wrong-secret", format!("it is signed with another secret: {what}"), case.scheme.keyed(secret).ok()?))
    });
    let empty = case.scheme.keyed(b"").ok().map(|signer| ("wrong-secret", "it is signed with an empty secret".to_owned(), signer));
    let has_private = !case.is_public;
    texts.chain(forms).chain(known).chain(empty).filter(move |_| has_private)
}

fn other_secret(case: &Case<'_>) -> Option<Diagnosis> {
    by_other_secrets(case).find(|(_, _, signer)| holds(signer, case.delivery, case)).map(|(code, words, _)| Diagnosis::of(code, words))
}

/// A secret that is no key of the scheme, but for what stands around it.
fn lines_end(case: &Case<'_>, secret: &[u8]) -> Option<Diagnosis> {
    let mut texts = texts_of(secret).into_iter();
    let fits = texts.find_map(|(code, words, text)| case.scheme.keyed(&text).is_ok().then(|| Diagnosis::of(code, words)));
    fits.filter(|_| !case.is_public)
}

fn with_body(delivery: &Delivery, body: Vec<u8>) -> Delivery {
    Delivery { body: body.into(), ..delivery.clone() }
}

fn other_body(case: &Case<'_>, signer: &Signer) -> Option<Diagnosis> {
    let mut bodies = bodies_of(&case.delivery.body).into_iter().filter(|(_, _, body)| body.as_slice() != &case.delivery.body[..]);
    bodies
        .find(|(_, _, body)| holds(signer, &with_body(case.delivery, body.clone()), case))
        .map(|(code, words, _)| Diagnosis::of(code, words))
}

/// A scheme that signs a digest, which stands in the delivery beside a body that it does not fit.
fn digest_of_another_body(case: &Case<'_>, signer: &Signer) -> Option<Diagnosis> {
    let scheme = signer.scheme();
    let is_digest = |value: &Template| value.placeholders().any(|name| name.ends_with("(body)"));
    let mut bare = scheme.clone();
    bare.headers.retain(|header| !(header.is_prepared() && is_digest(&header.value)));
    bare.query.clear();
    let has_digest = bare.headers.len() != scheme.headers.len() || !scheme.query.is_empty();
    let holds_so = has_digest && holds(&signer.with_scheme(bare), case.delivery, case);
    holds_so.then(|| {
        Diagnosis::of("body-altered", "the body was altered: the signature is right, and the digest that it signs is of another body")
    })
}

fn other_address(case: &Case<'_>, signer: &Signer) -> Option<Diagnosis> {
    let signs = ["url", "authority", "path", "path_only"].iter().any(|name| case.scheme.signs(name));
    if !signs {
        return None;
    }
    let (scheme, rest) = case.origin.split_once("://").unwrap_or(("https", case.origin));
    let other_scheme = if scheme == "https" { "http" } else { "https" };
    let host = rest.split(':').next().unwrap_or(rest);
    let path = case.delivery.path.as_str();
    let slash = path.strip_suffix('/').map_or_else(|| format!("{path}/"), str::to_owned);
    let query = path.split('?').next().unwrap_or(path).to_owned();
    let origins = [
        ("another scheme", format!("{other_scheme}://{rest}")),
        ("no port", format!("{scheme}://{host}")),
        ("another scheme and no port", format!("{other_scheme}://{host}")),
        ("the port 443", format!("{scheme}://{host}:443")),
        ("the port 80", format!("{scheme}://{host}:80")),
    ];
    let with_path = |path: &str| Delivery { path: path.to_owned(), ..case.delivery.clone() };
    let found = origins
        .iter()
        .find(|(_, origin)| holds(signer, case.delivery, &Case { origin, ..*case }))
        .map(|(words, origin)| (*words, format!("{origin}{path}")));
    let found = found.or_else(|| {
        let paths = [("a slash more or less at its end", slash), ("no query", query)];
        paths
            .into_iter()
            .find(|(_, path)| holds(signer, &with_path(path), case))
            .map(|(words, path)| (words, format!("{}{path}", case.origin)))
    });
    found.map(|(words, address)| Diagnosis::of("address", format!("it is signed for another address, with {words}: {address}")))
}

/// The same scheme, written otherwise: without its mark, with another one, in another encoding, with another hash function.
fn other_writing(case: &Case<'_>) -> Option<Diagnosis> {
    let secret = case.secrets.first().map(|(_, secret)| secret.as_slice()).filter(|_| !case.is_public)?;
    let value = |text: &str| Template::read(text).ok();
    let mut all: Vec<(&'static str, String, Scheme)> = Vec::new();
    let carrier = case.scheme.headers.iter().position(|header| header.carries("sig"))?;
    let own = case.scheme.headers[carrier].value.to_string();
    for text in ["{sig}", "sha256={sig}", "sha1={sig}", "sha512={sig}", "v0={sig}", "v1={sig}", "v1,{sig}", "hmac={sig}", "Bearer {sig}"] {
        if let Some(value) = value(text).filter(|_| text != own && !own.contains("{t}")) {
            let mut other = case.scheme.clone();
            other.headers[carrier].value = value;
            all.push((
                "prefix",
                format!("the signature is right, and written as `{text}` where `{own}` is due: a prefix too much or too little"),
                other,
            ));
        }
    }
    for (encoding, name) in [(Encoding::Hex, "hex"), (Encoding::Base64, "base64"), (Encoding::Base64url, "base64url")] {
        if encoding != case.scheme.encoding {
            all.push(("encoding", format!("the signature is right, and written in {name}"), Scheme { encoding, ..case.scheme.clone() }));
        }
    }
    for (digest, name) in [(DigestName::Sha1, "SHA-1"), (DigestName::Sha256, "SHA-256"), (DigestName::Sha512, "SHA-512")] {
        if digest != case.scheme.digest {
            all.push(("digest", format!("it is an HMAC with another hash function, {name}"), Scheme { digest, ..case.scheme.clone() }));
        }
    }
    for text in ["{body}", "{t}.{body}", "{t}:{body}", "{t}{body}", "v0:{t}:{body}", "{id}.{t}.{body}", "{url}{body}"] {
        if let Some(message) = value(text).filter(|_| text != case.scheme.message.to_string()) {
            let words = format!("the signature covers another message, `{text}` in place of `{}`", case.scheme.message);
            all.push(("message", words, Scheme { message, ..case.scheme.clone() }));
        }
    }
    let found = all.into_iter().find(|(_, _, scheme)| scheme.keyed(secret).is_ok_and(|signer| holds(&signer, case.delivery, case)));
    found.map(|(code, words, _)| Diagnosis::of(code, words)).or_else(|| upper_case(case, secret))
}

/// Hex digits in upper case.
fn upper_case(case: &Case<'_>, secret: &[u8]) -> Option<Diagnosis> {
    let signer = case.scheme.keyed(secret).ok().filter(|_| case.scheme.encoding == Encoding::Hex)?;
    let carrier = case.scheme.carrier()?;
    let mut lower = case.delivery.clone();
    for line in lower.headers.iter_mut().filter(|line| line.name.eq_ignore_ascii_case(&carrier.name)) {
        line.value = line.value.to_ascii_lowercase().into();
    }
    holds(&signer, &lower, case).then(|| Diagnosis::of("encoding", "the signature is right, and its hex digits are in upper case"))
}

fn other_scheme(case: &Case<'_>) -> Option<Diagnosis> {
    let mut keyed = case.others.iter().flat_map(|(name, scheme)| {
        let by = |secret: &Vec<u8>| if case.is_public { scheme.keyed_by_public(secret).ok() } else { scheme.keyed(secret).ok() };
        case.secrets.iter().filter_map(move |(_, secret)| Some((name, by(secret)?)))
    });
    let (name, _) = keyed.find(|(_, signer)| holds(signer, case.delivery, case))?;
    Some(Diagnosis::of("wrong-scheme", format!("it is signed by another scheme: as `{name}` has it, it is right")))
}

/// What goes wrong together: the secret and the body.
fn two_at_once(case: &Case<'_>) -> Option<Diagnosis> {
    by_other_secrets(case).find_map(|(code, words, signer)| {
        let body = other_body(case, &signer).or_else(|| other_address(case, &signer))?;
        Some(Diagnosis::of(code, format!("{words}; and {}", body.sentence)))
    })
}

fn unexplained(case: &Case<'_>, why: BadSignature) -> Diagnosis {
    let length = case.delivery.header("content-length").and_then(|value| std::str::from_utf8(value).ok()?.trim().parse::<usize>().ok());
    if let Some(length) = length.filter(|length| *length != case.delivery.body.len()) {
        let has = case.delivery.body.len();
        return Diagnosis::of("body-altered", format!("the body was altered or cut: it has {has} bytes, and Content-Length says {length}"));
    }
    let carrier = case.scheme.carrier().map_or_else(String::new, |carrier| carrier.name.clone());
    if why == BadSignature::Malformed {
        let form = case.scheme.carrier().map_or_else(String::new, |carrier| carrier.value.to_string());
        return Diagnosis::of(
            "malformed",
            format!("`{carrier}` and what belongs to it cannot be read: its form is `{form}`, and it stands there once"),
        );
    }
    if case.scheme.by == Proof::Token {
        return Diagnosis::of("wrong-secret", "the token is another than the one given here");
    }
    let parts = if case.scheme.headers.iter().any(|header| header.member().is_some()) { "a signed member of the body" } else { "the body" };
    let time = if case.scheme.signs("t") { ", its time" } else { "" };
    let id = if case.scheme.signs("id") { ", its id" } else { "" };
    let key = if case.is_public { "key" } else { "secret" };
    Diagnosis::of(
        "wrong-secret-or-body",
        format!(
            "nothing that usually goes wrong explains it: it is signed with a wrong {key}, or {parts}{time}{id} was altered afterwards"
        ),
    )
}
