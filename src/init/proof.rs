//! Proof: the signature scheme of a delivery that no contract fits, found by computing it anew with the secret.
//!
//! In: a captured delivery and the secret. Out: a [`Scheme`] that gives the
//! very signature that the delivery bears, whatever its header is called: an
//! HMAC over the body, with its time or its id in front or behind, in hex or
//! base64, after any prefix; or the secret itself as a token. And where the
//! key seems to travel, which nothing can prove ([`key_place`]).
//!
//! **Invariant:** a scheme that is given verifies the delivery.

use std::time::Duration;

use super::recognition::{Capture, content_type};
use crate::clock::span::Span;
use crate::contract::key::{KeyForm, KeyPlace};
use crate::delivery::Delivery;
use crate::message::{form_field, form_pairs, member_text};
use crate::sign::diagnosis::{Case, diagnose};
use crate::sign::{
    Bodies, DigestName, Encoding, Envelope, Proof, Scheme, SecretEncoding, SecretForm, Several, SignatureHeader, TimeUnit, Tolerance,
};
use crate::template::Template;

/// What an HMAC may cover, the usual forms first.
const MESSAGES: [&str; 20] = [
    "{body}",
    "{t}.{body}",
    "{t}:{body}",
    "{t}{body}",
    "{body}{t}",
    "{body}.{t}",
    "v0:{t}:{body}",
    "v1:{t}:{body}",
    "v1.{t}.{body}",
    "{t}|{body}",
    "{id}.{t}.{body}",
    "{t}.{id}.{body}",
    "{id}{t}{body}",
    "{t}{id}{body}",
    "{id}.{body}",
    "{id}{body}",
    "{url}{body}",
    "{t}{method}{path}{body}",
    "{t}.{method}.{path}.{body}",
    "{method}{path}{t}{body}",
];
/// A shorter secret may stand in a header by chance.
const SHORTEST_TOKEN: usize = 8;
/// How old a signed time may usually be.
const USUAL_TOLERANCE: Span = Span(Duration::from_secs(300));
/// Digits of seconds and of milliseconds, from 2001 to 2286.
const DIGITS: [(usize, TimeUnit); 2] = [(10, TimeUnit::Seconds), (13, TimeUnit::Milliseconds)];

/// A time that stands in a header line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Time {
    line: usize,
    text: String,
    unit: TimeUnit,
}

/// The scheme that gives the signature of a captured delivery; `None` without a secret, or where none of the forms holds.
#[must_use]
pub fn proven(capture: Capture<'_>, key: &KeyPlace) -> Option<Scheme> {
    let secret = capture.secret.filter(|secret| !secret.is_empty())?;
    let id = key.read(capture.delivery).unwrap_or_default();
    let id = key.travelling(capture.delivery, &id).into_owned();
    let lines = lines(capture.delivery);
    let times = times(&lines);
    let messages: Vec<Template> = MESSAGES.iter().filter_map(|text| Template::read(text).ok()).collect();
    let signs = |message: &Template, name: &str| message.placeholders().any(|one| one == name);
    for form in secret_forms(secret) {
        for message in messages.iter().filter(|message| !id.is_empty() || !signs(message, "id")) {
            let none = [None];
            let some: Vec<Option<&Time>> = times.iter().map(Some).collect();
            let signed: &[Option<&Time>] = if signs(message, "t") { &some } else { &none };
            for (digest, time) in [DigestName::Sha256, DigestName::Sha1, DigestName::Sha512]
                .into_iter()
                .flat_map(|digest| signed.iter().map(move |time| (digest, *time)))
            {
                let bare = bare(form.clone(), digest, message.clone(), time);
                if let Some(scheme) = carried(&bare, (capture, &id, secret), &lines, time, key) {
                    return Some(scheme);
                }
            }
        }
    }
    token((capture, &id, secret), &lines, key)
}

/// Forms of the secret that its text may stand for.
fn secret_forms(secret: &[u8]) -> Vec<SecretForm> {
    let letters = secret.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
    let prefix = match secret.get(letters) {
        Some(b'_') if letters > 0 => std::str::from_utf8(&secret[..=letters]).unwrap_or_default(),
        Some(_) | None => "",
    };
    let of = |encoding, prefix: &str| SecretForm { encoding, strip_prefix: prefix.to_owned() };
    let mut forms = vec![of(SecretEncoding::Utf8, "")];
    if !prefix.is_empty() {
        forms.extend([of(SecretEncoding::Base64, prefix), of(SecretEncoding::Utf8, prefix), of(SecretEncoding::Hex, prefix)]);
    }
    forms.extend([of(SecretEncoding::Base64, ""), of(SecretEncoding::Hex, ""), of(SecretEncoding::Base64url, "")]);
    forms.into_iter().filter(|form| form.key_bytes(secret).is_ok_and(|bytes| !bytes.is_empty())).collect()
}

fn bare(key: SecretForm, digest: DigestName, message: Template, time: Option<&Time>) -> Scheme {
    let tolerance = time.map(|time| Tolerance { unit: time.unit, past: USUAL_TOLERANCE, future: Some(USUAL_TOLERANCE) });
    Scheme {
        by: Proof::Hmac,
        key,
        digest,
        encoding: Encoding::Hex,
        message,
        headers: Vec::new(),
        members: Vec::new(),
        query: Vec::new(),
        address: None,
        bodies: Bodies::Utf8,
        not_judged: std::collections::BTreeMap::new(),
        narrower: Vec::new(),
        several: None,
        time: tolerance,
    }
}

/// Header lines as text, without those of every delivery.
fn lines(delivery: &Delivery) -> Vec<(String, String)> {
    const OF_EVERY_DELIVERY: [&str; 9] =
        ["host", "content-type", "content-length", "accept", "accept-encoding", "connection", "user-agent", "transfer-encoding", "cookie"];
    let text = |line: &crate::delivery::HeaderLine| Some((line.name.clone(), std::str::from_utf8(&line.value).ok()?.trim().to_owned()));
    let all = delivery.headers.iter().filter_map(text);
    all.filter(|(name, value)| !value.is_empty() && !OF_EVERY_DELIVERY.contains(&name.to_ascii_lowercase().as_str())).collect()
}

/// Every time that stands in a line, alone or as an item of it.
fn times(lines: &[(String, String)]) -> Vec<Time> {
    let mut all = Vec::new();
    for (line, (_, value)) in lines.iter().enumerate() {
        if TimeUnit::Rfc3339.read(value).is_some() {
            all.push(Time { line, text: value.clone(), unit: TimeUnit::Rfc3339 });
        }
        for word in value.split(|c: char| !c.is_ascii_alphanumeric()) {
            let unit = DIGITS.into_iter().find(|(digits, _)| word.len() == *digits && word.chars().all(|c| c.is_ascii_digit()));
            all.extend(unit.map(|(_, unit)| Time { line, text: word.to_owned(), unit }));
        }
    }
    all
}

/// What a scheme is tried on: the capture, the id as it travels, the secret.
type Tried<'c> = (Capture<'c>, &'c [u8], &'c [u8]);

/// The scheme with the lines that carry its signature, where a line of the delivery does.
fn carried(
    bare: &Scheme,
    (capture, id, secret): Tried<'_>,
    lines: &[(String, String)],
    time: Option<&Time>,
    key: &KeyPlace,
) -> Option<Scheme> {
    for encoding in [Encoding::Hex, Encoding::HexUpper, Encoding::Base64, Encoding::Base64url] {
        let scheme = Scheme { encoding, ..bare.clone() };
        let signer = scheme.keyed(secret).ok()?;
        let written = signer.signature(capture.delivery, Envelope { time: time.map_or("", |time| &time.text), id, origin: capture.origin });
        let Some((at, _)) = lines.iter().enumerate().find(|(_, (_, value))| value.contains(&written)) else { continue };
        for separator in [" ", ",", ";", ""] {
            let found = with_lines(&scheme, lines, (at, &written), time, separator, key);
            if let Some(found) = found.filter(|found| holds(found, (capture, id, secret))) {
                return Some(found);
            }
        }
    }
    None
}

/// The scheme with its lines: that of the signature, and that of the time, where it is another.
///
/// * `separator`: where the line is a list, what stands between its items; those that carry nothing are other signatures.
fn with_lines(
    scheme: &Scheme,
    lines: &[(String, String)],
    (at, written): (usize, &str),
    time: Option<&Time>,
    separator: &str,
    key: &KeyPlace,
) -> Option<Scheme> {
    let mut scheme = scheme.clone();
    let (name, value) = lines.get(at)?;
    let items: Vec<String> = if separator.is_empty() { vec![value.clone()] } else { value.split(separator).map(str::to_owned).collect() };
    let own_time = time.filter(|time| time.line == at);
    let mut kept: Vec<String> = Vec::new();
    for item in &items {
        let carries = item.contains(written) || own_time.is_some_and(|time| item.contains(&time.text));
        if carries || separator.is_empty() {
            kept.push(template_of(item, written, own_time));
        }
    }
    if !separator.is_empty() {
        // What is named like the items that carry something, and carries nothing, is another signature, of another version or secret.
        let is_named = |item: &String| item.contains('=') || separator == " " && item.contains(',');
        if kept.len() == items.len() || !items.iter().all(is_named) {
            return None;
        }
        scheme.several = Some(Several { separator: separator.to_owned(), blanks: false, lines: None });
    }
    let header =
        |name: &str, value: &str| Some(SignatureHeader { name: name.to_owned(), value: Template::read(value).ok()?, is_the_keys: false });
    if let Some(time) = time.filter(|time| time.line != at) {
        let (name, value) = lines.get(time.line)?;
        scheme.headers.push(header(name, &template_of(value, "", Some(time)))?);
    }
    scheme.headers.push(header(name, &kept.join(separator))?);
    scheme.settle(key.header.as_deref());
    Some(scheme)
}

/// A line's value with its signature and its time as placeholders.
fn template_of(value: &str, written: &str, time: Option<&Time>) -> String {
    let escaped = |text: &str| text.replace('{', "{{").replace('}', "}}");
    let timed = |text: &str| match time.and_then(|time| text.split_once(time.text.as_str())) {
        Some((before, after)) => format!("{}{{t}}{}", escaped(before), escaped(after)),
        None => escaped(text),
    };
    match value.split_once(written).filter(|_| !written.is_empty()) {
        Some((before, after)) if time.is_some_and(|time| before.contains(&time.text)) => {
            format!("{}{{sig}}{}", timed(before), escaped(after))
        }
        Some((before, after)) => format!("{}{{sig}}{}", escaped(before), timed(after)),
        None => timed(value),
    }
}

fn holds(scheme: &Scheme, (capture, id, secret): Tried<'_>) -> bool {
    let secrets = [("the one that was given", secret.to_vec())];
    let Capture { delivery, origin, at, .. } = capture;
    let case = Case { scheme, secrets: &secrets, is_public: false, delivery, id, id_place: "its id", origin, at, others: &[] };
    matches!(diagnose(&case).code, "right" | "stale" | "early")
}

/// The secret itself in a line.
fn token(tried: Tried<'_>, lines: &[(String, String)], key: &KeyPlace) -> Option<Scheme> {
    let secret = std::str::from_utf8(tried.2).ok().filter(|secret| secret.len() >= SHORTEST_TOKEN)?;
    let (name, value) = lines.iter().find(|(_, value)| value.contains(secret))?;
    let mut scheme = bare(SecretForm::default(), DigestName::Sha256, Template::default(), None);
    scheme.by = Proof::Token;
    let value = Template::read(&template_of(value, secret, None)).ok()?;
    scheme.headers.push(SignatureHeader { name: name.clone(), value, is_the_keys: false });
    scheme.settle(key.header.as_deref());
    holds(&scheme, tried).then_some(scheme)
}

/// Words of header names that name what makes a repeat a repeat, the surest first.
const KEY_WORDS: [&str; 7] = ["idempotency", "event-id", "delivery", "message-id", "webhook-id", "notification-id", "-id"];
/// Words of header names whose values name somebody, a try, or a subscription.
const NO_KEY_WORDS: [&str; 12] =
    ["client", "app", "account", "trace", "request", "user", "shop", "tenant", "hook-id", "correlation", "session", "signature"];
/// The content type of forms.
const FORM: &str = "application/x-www-form-urlencoded";
/// Members of bodies that are ids of events, the surest first.
const KEY_MEMBERS: [&str; 11] = [
    "idempotency_key",
    "event_id",
    "eventId",
    "delivery_id",
    "message_id",
    "messageId",
    "id",
    "uuid",
    "event.id",
    "data.id",
    "meta.event_id",
];

/// Where the key of a delivery seems to travel.
#[must_use]
pub fn key_place(delivery: &Delivery) -> Option<KeyPlace> {
    let lines = lines(delivery);
    let lower = |name: &str| name.to_ascii_lowercase();
    let named = |word: &&str| {
        lines.iter().find(|(name, _)| {
            let name = lower(name);
            name.contains(*word) && (*word == "webhook-id" || !NO_KEY_WORDS.iter().any(|no| name.contains(no)))
        })
    };
    if let Some((name, value)) = KEY_WORDS.iter().find_map(named) {
        return Some(KeyPlace { header: Some(name.clone()), form: form_of(value), ..KeyPlace::default() });
    }
    if is_form(delivery) {
        let field = KEY_MEMBERS.iter().find(|name| form_field(&delivery.body, name).is_some_and(|value| !value.trim_ascii().is_empty()))?;
        return Some(KeyPlace { form_field: Some((*field).to_owned()), ..KeyPlace::default() });
    }
    let member = KEY_MEMBERS.iter().find(
        |path| matches!(crate::message::member_in(&delivery.body, path), Some(serde_json::Value::String(text)) if !text.trim().is_empty()),
    )?;
    let form = member_text(&delivery.body, member).map_or(KeyForm::Bare, |text| form_of(&text));
    let form = if form == KeyForm::Quoted { KeyForm::Bare } else { form };
    Some(KeyPlace { body_member: Some((*member).to_owned()), form, ..KeyPlace::default() })
}

/// The members of a captured body in which a key could stand, by their names: those of a form, or of a JSON object.
#[must_use]
pub fn members_of(delivery: &Delivery) -> Vec<String> {
    if is_form(delivery) {
        return form_pairs(&delivery.body).map(|(name, _)| String::from_utf8_lossy(&name).into_owned()).collect();
    }
    match serde_json::from_slice(&delivery.body) {
        Ok(serde_json::Value::Object(members)) => members.into_iter().map(|(name, _)| name).collect(),
        Ok(_) | Err(_) => Vec::new(),
    }
}

/// The place that `path` names in a captured body; `None` where nothing stands there.
#[must_use]
pub fn member_place(delivery: &Delivery, path: &str) -> Option<KeyPlace> {
    if is_form(delivery) {
        form_field(&delivery.body, path)?;
        return Some(KeyPlace { form_field: Some(path.to_owned()), ..KeyPlace::default() });
    }
    member_text(&delivery.body, path)?;
    Some(KeyPlace { body_member: Some(path.to_owned()), ..KeyPlace::default() })
}

/// Whether its body is a form.
fn is_form(delivery: &Delivery) -> bool {
    content_type(delivery).is_some_and(|kind| kind == FORM)
}

/// How a key is written.
#[must_use]
pub fn form_of(value: &str) -> KeyForm {
    const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
    let groups: Vec<&str> = value.split('-').collect();
    let is_uuid = groups.len() == GROUPS.len()
        && groups.iter().zip(GROUPS).all(|(group, length)| group.len() == length && group.chars().all(|c| c.is_ascii_hexdigit()));
    if is_uuid {
        KeyForm::Uuid
    } else if value.len() > 1 && value.starts_with('"') && value.ends_with('"') {
        KeyForm::Quoted
    } else {
        KeyForm::Bare
    }
}

#[cfg(test)]
mod tests;
