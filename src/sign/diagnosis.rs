//! Diagnosis: why a captured delivery's signature does not hold, found by trying what usually goes wrong.
//!
//! Takes a delivery as it came, the secrets that are known and the moment, tries
//! one deviation after the other (the secret's text, the body, the address, the
//! scheme), then two at once, and names the first that explains the header.
//! Nothing is guessed: what is named was computed, and it holds.

mod bodies;
mod secrets;
mod writing;

use std::borrow::Cow;
use std::time::Duration;

pub(crate) use bodies::spaced;
pub(crate) use writing::MESSAGES;

use bodies::{bodies_of, bytes_away, evidence_of};
use secrets::{around_it, by_other_secrets};
use writing::other_writing;

use super::address::spellings;
use super::verify::BadSignature;
use super::{Envelope, Proof, Scheme, SignatureHeader, Signer, TimeUnit};
use crate::clock::UnixMicros;
use crate::delivery::Delivery;
use crate::secret::Redactor;
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
    /// The id as it travelled; empty where none came.
    pub id: &'a [u8],
    /// Where the id comes, in words: `the header webhook-id`.
    pub id_place: &'a str,
    /// `https://host:port`, as the sender knew it.
    pub origin: &'a str,
    /// When it came.
    pub at: UnixMicros,
    /// Other schemes that may have been meant.
    pub others: &'a [Other<'a>],
}

impl Case<'_> {
    /// A text that came with the delivery, as it may be told: a sender that puts secrets where they do not belong has none of them printed.
    fn told<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let secrets: Vec<&[u8]> = self.secrets.iter().map(|(_, secret)| secret.as_slice()).collect();
        Redactor::new(&secrets).text(text)
    }
}

/// Another scheme, as a contract has it.
#[derive(Clone, Debug)]
pub struct Other<'a> {
    /// The contract's name.
    pub name: &'a str,
    /// Its scheme.
    pub scheme: &'a Scheme,
    /// The id as that contract reads it from the delivery; empty where none came.
    pub id: Vec<u8>,
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
        Err(wrong) => return around_it(case, secret).unwrap_or_else(|| Diagnosis::of("secret-form", wrong.to_string())),
    };
    match signer.verify(case.delivery, case.id, case.origin, case.at) {
        Ok(()) => Diagnosis::of("right", "the signature holds"),
        Err(BadSignature::Stale) if holds(&signer, case.delivery, case) => out_of_time(&signer, case),
        Err(BadSignature::Malformed) if holds(&signer, case.delivery, case) => odd_time(&signer, case),
        Err(BadSignature::Missing) => other_scheme(case).or_else(|| other_writing(case, &signer)).unwrap_or_else(|| missing(case)),
        Err(why) => wrong(case, &signer, why),
    }
}

/// A signature that does not hold: the first deviation that explains it.
fn wrong(case: &Case<'_>, signer: &Signer, why: BadSignature) -> Diagnosis {
    let found = other_secret(case)
        .or_else(|| other_body(case, signer))
        .or_else(|| other_address(case, signer))
        .or_else(|| digest_of_another_body(case, signer))
        .or_else(|| other_writing(case, signer))
        .or_else(|| other_scheme(case))
        .or_else(|| two_at_once(case))
        .or_else(|| altered_by_a_byte(case, signer));
    found.unwrap_or_else(|| unexplained(case, signer, why))
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
    let said = case.told(&time);
    let signed_at = signer.scheme().unit().read(&time).unwrap_or(case.at);
    let tolerance = signer.scheme().time;
    if let Some((unit, due)) = other_unit(signer.scheme().unit(), &time, case.at) {
        return Diagnosis::of("time-unit", format!("the signature is right, and its time {said} is in {unit} where {due} are due"));
    }
    let old = case.at.since(signed_at);
    // People read seconds; what lies nearer than one is told as one.
    let told = |span: Duration| crate::clock::span::write(Duration::from_secs(span.as_secs().max(1)));
    let (code, lies, allowed) = if old.is_zero() {
        ("early", format!("{} in the future", told(signed_at.since(case.at))), tolerance.and_then(|one| one.future))
    } else {
        ("stale", format!("{} in the past", told(old)), tolerance.map(|one| one.past))
    };
    let allowed = allowed.map_or_else(String::new, |span| format!(", and the contract allows {}", crate::clock::span::write(span.0)));
    let word = if code == "stale" { "stale" } else { "too early" };
    Diagnosis::of(code, format!("the signature is right, but {word}: its time {said} lies {lies}{allowed}"))
}

/// A time in seconds where milliseconds are due, or the other way round: it lies near when it is read so.
fn other_unit(unit: TimeUnit, time: &str, at: UnixMicros) -> Option<(&'static str, &'static str)> {
    const NEAR: Duration = Duration::from_secs(366 * 86_400);
    let (other, words) = match unit {
        TimeUnit::Seconds => (TimeUnit::Milliseconds, ("milliseconds", "seconds")),
        TimeUnit::Milliseconds => (TimeUnit::Seconds, ("seconds", "milliseconds")),
        TimeUnit::Rfc3339 => return None,
    };
    let is_near = |read: UnixMicros| at.since(read) < NEAR && read.since(at) < NEAR;
    other.read(time).filter(|read| is_near(*read) && !unit.read(time).is_some_and(is_near)).map(|_| words)
}

/// A right signature over a time that cannot be read.
fn odd_time(signer: &Signer, case: &Case<'_>) -> Diagnosis {
    let time = signer.claim(case.delivery).ok().and_then(|claim| claim.time.map(str::to_owned)).unwrap_or_default();
    let unit = signer.scheme().unit();
    match other_unit(unit, &time, case.at) {
        Some((other, due)) => Diagnosis::of(
            "time-unit",
            format!("the signature is right, and its time {} is in {other} where {due} are due", case.told(&time)),
        ),
        None => {
            let due = unit.write(case.at);
            Diagnosis::of(
                "malformed",
                format!(
                    "the signature is right, and its time `{}` is written otherwise than the contract says, as {due}",
                    case.told(&time)
                ),
            )
        }
    }
}

/// Where a header line or a member of the body stands, in words.
fn place(name: &str) -> String {
    name.strip_prefix("body:").map_or_else(|| format!("the header {name}"), |path| format!("the body's member {path}"))
}

/// Which header lines of the signature are not there.
fn missing(case: &Case<'_>) -> Diagnosis {
    let names = case.scheme.headers.iter().filter(|header| header.carries("sig")).map(|header| place(&header.name));
    Diagnosis::of("missing", format!("there is no signature: {} is not there, or empty", names.collect::<Vec<_>>().join(" and ")))
}

/// What is signed beside the body, and is not there.
fn lacking(case: &Case<'_>) -> Option<Diagnosis> {
    let scheme = case.scheme;
    let is_there = |name: &str| case.delivery.header_values(name).any(|line| !line.trim_ascii().is_empty());
    // A constant says nothing of a delivery: it is looked at only where it is signed.
    let says = |header: &&SignatureHeader| ["t", "id"].into_iter().any(|name| header.carries(name) && scheme.signs(name));
    let own = scheme.headers.iter().filter(says).filter(|header| !header.name.starts_with("body:")).map(|header| header.name.as_str());
    let signed = scheme.message.placeholders().filter_map(|name| name.strip_prefix("header:"));
    let mut names: Vec<String> = own.chain(signed).filter(|name| !is_there(name)).map(place).collect();
    let carries_id = scheme.headers.iter().any(|header| header.carries("id"));
    if scheme.signs("id") && !carries_id && case.id.is_empty() {
        names.push(case.id_place.to_owned());
    }
    names.dedup();
    let (are, they) = if names.len() > 1 { ("are", "they are") } else { ("is", "it is") };
    (!names.is_empty()).then(|| Diagnosis::of("missing", format!("{} {are} not there, or empty, and {they} signed", names.join(" and "))))
}

/// A time that is none in the scheme's form, under a signature that does not hold over it.
fn time_that_is_none(signer: &Signer, case: &Case<'_>) -> Option<Diagnosis> {
    let expanded = signer.expanded(case.delivery);
    let time = signer.claim(&expanded).ok()?.time?.to_owned();
    let unit = signer.scheme().unit();
    let due = unit.write(case.at);
    unit.read(&time).is_none().then(|| {
        Diagnosis::of(
            "malformed",
            format!(
                "its time `{}` is written otherwise than the contract says, as {due}, and the signature does not hold over it",
                case.told(&time)
            ),
        )
    })
}

fn other_secret(case: &Case<'_>) -> Option<Diagnosis> {
    by_other_secrets(case).find(|(_, _, signer)| holds(signer, case.delivery, case)).map(|(code, words, _)| Diagnosis::of(code, words))
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

/// A scheme that signs a digest, which stands in the delivery beside a body that it does not fit, or is to stand there and does not.
fn digest_of_another_body(case: &Case<'_>, signer: &Signer) -> Option<Diagnosis> {
    let scheme = signer.scheme();
    let is_digest = |value: &Template| value.placeholders().any(|name| name.ends_with("(body)"));
    let mut bare = scheme.clone();
    bare.headers.retain(|header| !(header.is_prepared() && is_digest(&header.value)));
    bare.query.clear();
    let query = case.delivery.path_and_query().split_once('?').map_or("", |(_, query)| query);
    let in_query = |name: &str| query.split('&').any(|pair| pair.split_once('=').is_some_and(|(own, _)| own == name));
    let digests = scheme.headers.iter().filter(|header| header.is_prepared() && is_digest(&header.value));
    let digests = digests.map(|header| (place(&header.name), case.delivery.header(&header.name).is_some()));
    let of_query = scheme.query.iter().filter(|one| is_digest(&one.value));
    let of_query = of_query.map(|one| (format!("the parameter {} of the address", one.name), in_query(&one.name)));
    let digests: Vec<(String, bool)> = digests.chain(of_query).collect();
    if digests.is_empty() || !holds(&signer.with_scheme(bare), case.delivery, case) {
        return None;
    }
    let missing = digests.iter().find(|(_, is_there)| !is_there);
    Some(missing.map_or_else(
        || Diagnosis::of("body-altered", "the body was altered: the signature is right, and the digest that it signs is of another body"),
        |(place, _)| {
            Diagnosis::of("missing", format!("the signature is right, and the body's digest is not there that it is to sign: {place}"))
        },
    ))
}

fn other_address(case: &Case<'_>, signer: &Signer) -> Option<Diagnosis> {
    if !case.scheme.signs_the_address() {
        return None;
    }
    let came = format!("{}{}", case.origin, case.delivery.path);
    let named = case.scheme.address.clone();
    let itself = named.as_ref().map(|_| ("the one that it came to".to_owned(), came.clone()));
    let mut all = itself.into_iter().chain(spellings(named.as_ref().unwrap_or(&came)));
    all.find(|(_, address)| holds(&signer.addressed(address), case.delivery, case)).map(|(words, address)| {
        Diagnosis::of("address", format!("it is signed for another address, with {words}: {}", case.told(&address)))
    })
}

fn other_scheme(case: &Case<'_>) -> Option<Diagnosis> {
    let mut keyed = case.others.iter().flat_map(|other| {
        let by =
            |secret: &Vec<u8>| if case.is_public { other.scheme.keyed_by_public(secret).ok() } else { other.scheme.keyed(secret).ok() };
        case.secrets.iter().filter_map(move |(_, secret)| Some((other, by(secret)?)))
    });
    let (other, _) = keyed.find(|(other, signer)| holds(signer, case.delivery, &Case { id: &other.id, ..*case }))?;
    Some(Diagnosis::of("wrong-scheme", format!("it is signed by another scheme: as `{}` has it, it is right", other.name)))
}

/// What goes wrong together: the secret and the body.
fn two_at_once(case: &Case<'_>) -> Option<Diagnosis> {
    by_other_secrets(case).find_map(|(code, words, signer)| {
        let body = other_body(case, &signer).or_else(|| other_address(case, &signer))?;
        Some(Diagnosis::of(code, format!("{words}; and {}", body.sentence)))
    })
}

/// A body of which one byte is another, too much, or missing.
fn altered_by_a_byte(case: &Case<'_>, signer: &Signer) -> Option<Diagnosis> {
    // A key pair takes too long for so many tries, and so do members of a body.
    let is_quick = case.scheme.by == Proof::Hmac && (case.scheme.signs("body") || case.scheme.covers_form());
    let claim = signer.claim(case.delivery).ok().filter(|_| is_quick)?;
    let envelope = Envelope { time: claim.time.unwrap_or_default(), id: claim.id.unwrap_or(case.id), origin: case.origin };
    let mut other = case.delivery.clone();
    let (words, _) = bytes_away(&case.delivery.body).find(|(_, body)| {
        other.body = body.clone().into();
        signer.mac_holds(&other, envelope, &claim.signatures).is_ok()
    })?;
    Some(Diagnosis::of("body-altered", format!("the body was altered: {words}")))
}

/// What stands in the delivery beside a body says whether that is the one that was sent.
fn unexplained(case: &Case<'_>, signer: &Signer, why: BadSignature) -> Diagnosis {
    // A claim is read only where the digests fit that the scheme has in the address.
    let in_the_address = || {
        (!case.scheme.query.is_empty() && signer.claim(case.delivery).is_ok())
            .then(|| ("its digest in the address fits it".to_owned(), true))
    };
    let evidence = evidence_of(case.delivery).or_else(in_the_address);
    if let Some((words, false)) = &evidence {
        return Diagnosis::of("body-altered", format!("the body was altered or cut: {words}"));
    }
    if let Some(told) = lacking(case).or_else(|| time_that_is_none(signer, case)) {
        return told;
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
    let parts = if case.scheme.stands_in_body() { "a signed member of the body" } else { "the body" };
    let time = if case.scheme.signs("t") { ", its time" } else { "" };
    let id = if case.scheme.signs("id") { ", its id" } else { "" };
    let key = if case.is_public { "key" } else { "secret" };
    let address = if case.scheme.signs_the_address() { ", or for another address than the one given here" } else { "" };
    if let Some((words, true)) = evidence {
        return Diagnosis::of(
            "wrong-secret",
            format!("it is signed with a wrong {key}{address}: the body is the one that was sent ({words})"),
        );
    }
    Diagnosis::of(
        "wrong-secret-or-body",
        format!(
            "nothing that usually goes wrong explains it: it is signed with a wrong {key}{address}, or {parts}{time}{id} was altered afterwards"
        ),
    )
}
