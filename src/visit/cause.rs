//! Causes: why honest deliveries are turned away, most likely.
//!
//! In: the answer that one got, and which [`Try`] was accepted in its place,
//! when one was. Out: a [`Code`] and the facts that its sentences speak of.
//! What was tried and accepted is known; everything else is read from the
//! answer.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::slips::Slip;
use super::tries::{Space, Try};
use crate::clock::span;
use crate::contract::Contract;
use crate::contract::outcome::Refusal;
use crate::delivery::Answer;

/// The most likely cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The receiver has another secret, or checks signatures otherwise.
    WrongSecret,
    /// Our secret has white space around it that the receiver's has not.
    SpaceInSecret,
    /// The receiver's secret has white space behind it that ours has not.
    SpaceInTheirs,
    /// The receiver's clock is ahead of ours.
    ClockAhead,
    /// The receiver's clock is behind ours.
    ClockBehind,
    /// The receiver checks signatures otherwise than the contract says.
    SignedOtherwise,
    /// The receiver holds the signature against another address than the one that is signed.
    WrongAddress,
    /// The deliveries go to another path.
    WrongPath,
    /// The path redirects.
    Redirect,
    /// The method is another.
    WrongMethod,
    /// Something allows no more deliveries for now.
    TooMany,
    /// A page for people came where a machine was asked.
    Page,
    /// Somebody asks for credentials.
    Credentials,
    /// The receiver finds no key.
    NoKeySeen,
    /// The receiver does not take the body.
    Body,
    /// The receiver fails.
    Failure,
    /// Nothing of that.
    Unknown,
}

impl Code {
    /// Its name, as in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WrongSecret => "wrong-secret",
            Self::SpaceInSecret => "space-in-secret",
            Self::SpaceInTheirs => "space-in-theirs",
            Self::ClockAhead => "clock-ahead",
            Self::ClockBehind => "clock-behind",
            Self::SignedOtherwise => "signed-otherwise",
            Self::WrongAddress => "wrong-address",
            Self::WrongPath => "wrong-path",
            Self::Redirect => "redirect",
            Self::WrongMethod => "wrong-method",
            Self::TooMany => "too-many",
            Self::Page => "page",
            Self::Credentials => "credentials",
            Self::NoKeySeen => "no-key-seen",
            Self::Body => "body",
            Self::Failure => "failure",
            Self::Unknown => "unknown",
        }
    }
}

/// What is known of a refusal beside its answer.
#[derive(Clone, Debug, Default)]
pub struct Known<'a> {
    /// What was accepted in its place.
    pub accepted: Option<&'a Try>,
    /// By how many seconds the receiver's clock is ahead of ours, where that was found out.
    pub ahead: Option<i64>,
    /// The path that was asked, with what stands before it in the address.
    pub asked: String,
    /// The address that was signed, where signatures cover one.
    pub signed: Option<String>,
    /// What other paths and methods answered, as `POST /hooks/ 404`.
    pub seen: Vec<String>,
    /// The variable that holds the secret.
    pub variable: &'a str,
    /// Whether the health check, which bears no signature, was not answered as it should be either.
    pub is_unwell: bool,
}

/// The names of facts, so that every sentence finds its own.
const FACTS: [&str; 18] = [
    "status",
    "due",
    "path",
    "url",
    "method",
    "found",
    "seen",
    "location",
    "allow",
    "seconds",
    "tolerance",
    "variable",
    "title",
    "place",
    "space",
    "slip",
    "written",
    "contracts",
];

/// The most likely cause, and what its sentences speak of.
#[must_use]
pub fn likely(contract: &Contract, answer: &Answer, known: &Known<'_>) -> (Code, BTreeMap<String, String>) {
    let nothing = || "none".to_owned();
    let mut facts: BTreeMap<String, String> = FACTS.iter().map(|name| ((*name).to_owned(), nothing())).collect();
    let mut put = |name: &str, value: String| drop(facts.insert(name.to_owned(), value));
    let header = |name| answer.header(name).map_or_else(nothing, |value| value.trim().to_owned());
    put("status", answer.status.to_string());
    put("due", contract.outcomes.accepted.statuses());
    put("path", known.asked.clone());
    put("url", known.signed.clone().unwrap_or_else(nothing));
    put("method", contract.endpoint.method.clone());
    put("variable", known.variable.to_owned());
    put("location", header("Location"));
    put("allow", header("Allow"));
    put("title", title(answer).unwrap_or_else(nothing));
    put("seen", if known.seen.is_empty() { nothing() } else { known.seen.join(", ") });
    put("place", place_of_the_key(contract));
    put("tolerance", contract.signature.time.map_or_else(nothing, |time| span::write(time.past.0)));
    put("seconds", known.ahead.map_or_else(nothing, |ahead| ahead.abs().to_string()));
    let code = match known.accepted {
        Some(Try::Trimmed) => Code::SpaceInSecret,
        Some(Try::Padded(space)) => {
            put(
                "space",
                match space {
                    Space::Line => "line",
                    Space::WindowsLine => "windows-line",
                    Space::Blank => "blank",
                }
                .to_owned(),
            );
            Code::SpaceInTheirs
        }
        Some(Try::At(at)) if known.ahead.unwrap_or(*at) >= 0 => Code::ClockAhead,
        Some(Try::At(_)) => Code::ClockBehind,
        Some(Try::SignedFor(address)) => {
            put("found", address.clone());
            Code::WrongAddress
        }
        Some(Try::Otherwise(slip)) => {
            put("slip", slip.name().to_owned());
            put("written", slip.written());
            put("contracts", contracts_own(contract, *slip));
            Code::SignedOtherwise
        }
        Some(Try::To(path)) => {
            put("found", path.clone());
            if (300..=399).contains(&answer.status) { Code::Redirect } else { Code::WrongPath }
        }
        Some(Try::By(method)) => {
            put("found", method.clone());
            Code::WrongMethod
        }
        Some(Try::Body(_)) | None => match by_answer(contract, answer, known.is_unwell) {
            // The secret is copied; the address is what each side makes up for itself.
            Code::WrongSecret if known.signed.is_some() => Code::WrongAddress,
            other => other,
        },
    };
    (code, facts)
}

/// What the contract says in the place of a slip.
fn contracts_own(contract: &Contract, slip: Slip) -> String {
    let scheme = &contract.signature;
    match slip {
        Slip::Encoding(_) => Slip::Encoding(scheme.encoding).written(),
        Slip::Digest(_) => Slip::Digest(scheme.digest).written(),
        Slip::Message(_) => scheme.message.to_string(),
        Slip::NoMark => scheme.carrier().map_or_else(String::new, |carrier| carrier.value.to_string()),
        Slip::Unit(_) => Slip::Unit(scheme.unit()).written(),
        Slip::SecretAsText | Slip::TextBehindPrefix | Slip::Compact | Slip::Spaced => "none".to_owned(),
    }
}

/// The cause as far as the answer alone tells.
fn by_answer(contract: &Contract, answer: &Answer, is_unwell: bool) -> Code {
    let refused = |why| contract.outcomes.refusal(why).is_some_and(|form| form.allows_status(answer.status));
    match answer.status {
        429 => Code::TooMany,
        300..=399 => Code::Redirect,
        _ if is_page(answer) && !matches!(answer.status, 404 | 405 | 410) => Code::Page,
        407 => Code::Credentials,
        // Who refuses what needs no signature, too, asks for something else.
        401 | 403 if is_unwell => Code::Credentials,
        401 if answer.header("WWW-Authenticate").is_some() && !refused(Refusal::Signature) => Code::Credentials,
        _ if refused(Refusal::Signature) && !told_as_another(contract, answer) => Code::WrongSecret,
        401 | 403 => Code::WrongSecret,
        405 | 501 => Code::WrongMethod,
        404 | 410 => Code::WrongPath,
        _ if refused(Refusal::MissingKey) && !refused(Refusal::Body) => Code::NoKeySeen,
        400 | 413 | 415 | 422 => Code::Body,
        500..=599 => Code::Failure,
        _ => Code::Unknown,
    }
}

/// Whether a status that refused signatures share with other refusals is more likely meant as one of those.
fn told_as_another(contract: &Contract, answer: &Answer) -> bool {
    let text = String::from_utf8_lossy(&answer.body).to_lowercase();
    let of_key = [Refusal::MissingKey, Refusal::Body]
        .into_iter()
        .any(|why| contract.outcomes.refusal(why).is_some_and(|form| form.allows_status(answer.status)));
    of_key && !["sign", "hmac", "auth", "secret", "token"].iter().any(|word| text.contains(word)) && !text.trim().is_empty()
}

/// Whether a page came where the contract has JSON, whatever its status.
#[must_use]
pub fn is_page_for_json(contract: &Contract, answer: &Answer) -> bool {
    let wants_json = !contract.outcomes.accepted.body.is_empty();
    wants_json && is_page(answer)
}

/// Whether an answer is a page for people.
fn is_page(answer: &Answer) -> bool {
    let body = answer.body.trim_ascii_start();
    let begins = |start: &[u8]| body.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start));
    let says = answer.header("Content-Type").is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
    begins(b"<!doctype html") || begins(b"<html") || begins(b"<head") || (says && begins(b"<"))
}

/// The title of a page, in one line.
fn title(answer: &Answer) -> Option<String> {
    const LONGEST: usize = 80;
    let text = String::from_utf8_lossy(&answer.body);
    let lower = text.to_ascii_lowercase();
    let from = lower.find("<title")?;
    let from = from + lower[from..].find('>')? + 1;
    let to = from + lower[from..].find("</title")?;
    let words = text.get(from..to)?.split_whitespace().collect::<Vec<_>>().join(" ");
    (is_page(answer) && !words.is_empty()).then(|| words.chars().take(LONGEST).collect())
}

/// Where the contract puts the key, as people say it.
fn place_of_the_key(contract: &Contract) -> String {
    match (&contract.key.header, &contract.key.body_member) {
        (Some(header), _) => header.clone(),
        (None, Some(member)) => member.clone(),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::reading::read_contract;
    use crate::delivery::HeaderLine;

    fn contract() -> Contract {
        let text = "{contract: c, title: t, about: a, source: s, suite: x, endpoint: {method: POST, path: /hook, content_type: a/b},
              secret: {env: S, for_tests: s}, key: {header: K},
              signature: {digest: sha256, encoding: hex, message: '{body}', headers: [{name: X, value: '{sig}'}]},
              outcomes: {accepted: {status: 202, body: [{member: a, is: b}]}, duplicate: {status: 208},
                refused: {signature: {status: 401}, missing-signature: {status: 401}, missing-key: {status: 400}}}}";
        read_contract("c.yaml", text, &|_| None).unwrap_or_else(|wrong| panic!("{wrong}"))
    }

    /// The code of an answer: a status, a header line, a body.
    fn code(status: u16, (name, value): (&'static str, &'static str), body: &'static str) -> &'static str {
        let answer = Answer { status, headers: vec![HeaderLine::new(name, value)], body: body.into() };
        likely(&contract(), &answer, &Known::default()).0.name()
    }

    #[test]
    fn each_answer_has_its_own_likely_cause() {
        let json = ("Content-Type", "application/json");
        let html = ("Content-Type", "text/html");
        for (status, line, body, wanted) in [
            (401, json, "{}", "wrong-secret"),
            (403, json, "{}", "wrong-secret"),
            (308, ("Location", "/hook/"), "", "redirect"),
            (404, json, "{}", "wrong-path"),
            (404, html, "<html>no</html>", "wrong-path"),
            (405, ("Allow", "PUT"), "", "wrong-method"),
            (429, json, "", "too-many"),
            (200, html, "<!DOCTYPE html><title>Sign in</title>", "page"),
            (502, html, "<html><title>502 Bad Gateway</title></html>", "page"),
            (407, json, "", "credentials"),
            (400, json, "{\"error\": \"no key\"}", "no-key-seen"),
            (422, json, "", "body"),
            (500, json, "", "failure"),
            (418, json, "", "unknown"),
        ] {
            assert_eq!(code(status, line, body), wanted, "{status} {body}");
        }
    }

    /// A body that is JSON is no page, whatever it is called, and neither is one where the contract asks for none.
    #[test]
    fn pages_are_told_by_what_is_in_them() {
        let answer =
            |body: &'static str| Answer { status: 202, headers: vec![HeaderLine::new("Content-Type", "text/html")], body: body.into() };
        let mut contract = contract();
        assert!(is_page_for_json(&contract, &answer(" <html>x</html>")));
        assert!(!is_page_for_json(&contract, &answer("{\"a\": \"b\"}")) && !is_page_for_json(&contract, &answer("ok")));
        assert_eq!(title(&answer("<html><TITLE>Sign\n in</TITLE>")).as_deref(), Some("Sign in"));
        contract.outcomes.accepted.body.clear();
        assert!(!is_page_for_json(&contract, &answer("<html>x</html>")));
    }

    #[test]
    fn what_was_accepted_in_its_place_is_the_cause() {
        let answer = Answer { status: 401, headers: Vec::new(), body: "".into() };
        let of = |accepted: Try, ahead| likely(&contract(), &answer, &Known { accepted: Some(&accepted), ahead, ..Known::default() }).0;
        assert_eq!(of(Try::Trimmed, None), Code::SpaceInSecret);
        assert_eq!(of(Try::Padded(Space::Line), None), Code::SpaceInTheirs);
        assert_eq!(of(Try::Otherwise(Slip::Compact), None), Code::SignedOtherwise);
        assert_eq!(of(Try::SignedFor("https://h/".to_owned()), None), Code::WrongAddress);
        let signed = Known { signed: Some("http://h/".to_owned()), ..Known::default() };
        assert_eq!(likely(&contract(), &answer, &signed).0, Code::WrongAddress);
        assert_eq!((of(Try::At(600), Some(500)), of(Try::At(-600), Some(-500))), (Code::ClockAhead, Code::ClockBehind));
        assert_eq!((of(Try::To("/".to_owned()), None), of(Try::By("PUT".to_owned()), None)), (Code::WrongPath, Code::WrongMethod));
    }
}
