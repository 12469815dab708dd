//! Places: what a sentence of a requirement leaves to the contract.
//!
//! A suite that serves every contract cannot name a status, a header or a
//! span. It writes `{refused.signature}` instead; for one contract each place
//! is filled with what that contract says, in the language of the sentence.
//!
//! Start at [`fill`].

use crate::clock::span;
use crate::contract::Contract;
use crate::contract::outcome::{AnswerForm, Refusal};
use crate::template::{Part, Template};

/// The places beside the reasons of refusals, each with what stands there.
const PLACES: [&str; 12] = [
    "accepted",
    "duplicate",
    "in-flight",
    "failure",
    "key.header",
    "limits.answer",
    "limits.body",
    "ttl",
    "lease",
    "tolerance",
    "health.path",
    "health.status",
];
/// What the places of refusals begin with.
const REFUSED: &str = "refused.";

/// What is the same in every place of a language.
struct Words {
    or: &'static str,
    some_refusal: &'static str,
    no_own: &'static str,
    endless: &'static str,
    bytes: &'static str,
    header: &'static str,
}

const ENGLISH: Words = Words {
    or: " or ",
    some_refusal: "a status from 400 to 499",
    no_own: "not told apart",
    endless: "without an end",
    bytes: "bytes",
    header: "the place of the key",
};
const JAPANESE: Words = Words {
    or: " または ",
    some_refusal: "400 から 499 のいずれか",
    no_own: "区別なし",
    endless: "無期限",
    bytes: "バイト",
    header: "キーの場所",
};

/// A sentence with every place filled from a contract.
///
/// * `language`: the two letters of the sentence's language.
#[must_use]
pub fn fill(sentence: &str, contract: &Contract, language: &str) -> String {
    filled(sentence, contract, if language == "ja" { &JAPANESE } else { &ENGLISH })
}

/// Every place that there is.
#[must_use]
pub fn known() -> Vec<String> {
    let refusals = Refusal::ALL.iter().map(|why| format!("{REFUSED}{}", why.name()));
    PLACES.iter().map(|name| (*name).to_owned()).chain(refusals).collect()
}

/// What is wrong with the places of a sentence: one that is unknown, or a brace without its partner.
#[must_use]
pub fn unknown_in(sentence: &str) -> Option<String> {
    let template = match Template::read(sentence) {
        Ok(template) => template,
        Err(lone) => return Some(lone.to_string()),
    };
    let known = known();
    template.placeholders().find(|name| !known.iter().any(|one| one == name)).map(|name| format!("unknown place `{{{name}}}`"))
}

fn filled(sentence: &str, contract: &Contract, words: &Words) -> String {
    let Ok(template) = Template::read(sentence) else { return sentence.to_owned() };
    let part = |part: &Part| match part {
        Part::Literal(text) => text.clone(),
        Part::Placeholder(name) => said(name, contract, words).unwrap_or_else(|| format!("{{{name}}}")),
    };
    template.parts().iter().map(part).collect()
}

/// What stands in a place under a contract.
fn said(name: &str, contract: &Contract, words: &Words) -> Option<String> {
    let statuses = |form: &AnswerForm| form.statuses().replace(ENGLISH.or, words.or);
    let own = |form: Option<&AnswerForm>| form.map_or_else(|| words.no_own.to_owned(), statuses);
    let span_of = |time: Option<std::time::Duration>| time.map_or_else(|| words.endless.to_owned(), span::write);
    if let Some(reason) = name.strip_prefix(REFUSED) {
        let why = Refusal::ALL.into_iter().find(|why| why.name() == reason)?;
        let form = contract.outcomes.refusal(why).or_else(|| contract.outcomes.refusal(why.plainer()));
        return Some(form.map_or_else(|| words.some_refusal.to_owned(), statuses));
    }
    Some(match name {
        "accepted" => statuses(&contract.outcomes.accepted),
        "duplicate" => own(contract.duplicate()),
        "in-flight" => own(contract.outcomes.in_flight.as_ref()),
        "failure" => contract.provoke().map_or_else(|| "5xx".to_owned(), |provoke| provoke.status.to_string()),
        "key.header" => contract.key.header.clone().unwrap_or_else(|| words.header.to_owned()),
        "limits.answer" => span::write(contract.limits.answer.0),
        "limits.body" => size(contract.limits.body_bytes(), words),
        "ttl" => span_of(contract.ttl.as_ref().map(|ttl| ttl.default.0)),
        "lease" => span_of(contract.in_flight.as_ref().and_then(|in_flight| in_flight.lease).map(|lease| lease.0)),
        "tolerance" => span_of(contract.signature.time.map(|time| time.past.0)),
        "health.path" => contract.health.as_ref().map_or_else(|| contract.endpoint.path.clone(), |health| health.path.clone()),
        "health.status" => {
            contract.health.as_ref().map_or_else(|| statuses(&contract.outcomes.accepted), |health| health.status.to_string())
        }
        _ => return None,
    })
}

/// A size in the largest unit that leaves no fraction: `16 MiB`, `100 KiB`, `102401 bytes`.
fn size(bytes: usize, words: &Words) -> String {
    const KIB: usize = 1024;
    const MIB: usize = 1024 * 1024;
    match (bytes % MIB, bytes % KIB) {
        (0, _) => format!("{} MiB", bytes / MIB),
        (_, 0) => format!("{} KiB", bytes / KIB),
        (_, _) => format!("{bytes} {}", words.bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::reading::read_contract;

    const CONTRACT: &str = r#"
contract: mine
title: Mine
about: For this test.
source: this test
suite: core
endpoint: {method: POST, path: /, content_type: application/json}
limits: {answer: 750 ms, body_bytes: 102400}
secret: {env: SECRET, for_tests: published}
key: {header: Idempotency-Key}
signature: {digest: sha256, encoding: hex, message: "{body}", headers: [{name: X-Signature, value: "{sig}"}]}
outcomes:
  accepted: {status: 200, also: [201]}
  duplicate: {status: 208}
  refused: {signature: {status: 401, also: [403]}, missing-key: {status: 422}}
"#;

    /// Each place under a contract that says much, and what stands where it says nothing.
    #[test]
    fn places_are_filled_from_the_contract() {
        let contract = read_contract("mine.yaml", CONTRACT, &|_| None).expect("it has no mistake");
        for (sentence, english, japanese) in [
            ("{refused.signature}", "401 or 403", "401 または 403"),
            ("{refused.missing-signature}", "401 or 403", "401 または 403"),
            ("{refused.unusable-key}", "422", "422"),
            ("{refused.too-large}", "a status from 400 to 499", "400 から 499 のいずれか"),
            ("{accepted}, {duplicate}, {in-flight}", "200 or 201, 208, not told apart", "200 または 201, 208, 区別なし"),
            ("{limits.answer} {limits.body}", "750 ms 100 KiB", "750 ms 100 KiB"),
            ("{ttl} {key.header}", "without an end Idempotency-Key", "無期限 Idempotency-Key"),
            ("{health.path} {health.status}", "/ 200 or 201", "/ 200 または 201"),
            ("no place", "no place", "no place"),
        ] {
            assert_eq!(filled(sentence, &contract, &ENGLISH), english, "{sentence}");
            assert_eq!(filled(sentence, &contract, &JAPANESE), japanese, "{sentence}");
        }
        assert_eq!([size(16_777_216, &ENGLISH), size(102_401, &JAPANESE)], ["16 MiB", "102401 バイト"]);
        for name in known() {
            assert_eq!(unknown_in(&format!("{{{name}}}")), None);
            assert!(said(&name, &contract, &ENGLISH).is_some(), "{name}");
        }
        assert_eq!(unknown_in("a {statuss}").as_deref(), Some("unknown place `{statuss}`"));
    }
}
