//! What people read when their own file is wrong: every message, as it is shown.
//!
//! Each test writes a small file and holds everything that is told of it
//! against a snapshot: place, caret, and the way out.

#![expect(clippy::expect_used, reason = "a catalogue of the test's own that is wrong fails the test")]

mod contracts;
mod outcomes;
mod steps;
mod text;
mod values;
mod words;

use hookgate::contract::reading::read_contract_among;
use hookgate::scenario::expand;
use hookgate::scenario::lint::Known;
use hookgate::scenario::requirement::Catalogue;
use hookgate::yaml::diagnostic::Diagnostics;

const CATALOGUE: &str = "
suite: orch
ordinary_body: terminal-done.json
capabilities: {state: rows can be seen, time: time can pass}
topics: {}
requirements:
  - {id: DUP-1, level: must, sentence: A duplicate is told as one, source: here}
  - {id: DUP-2, level: must, sentence: It refers to the first, source: here}
  - {id: ONCE-1, level: must, sentence: One is accepted, source: here}
";

/// A contract without a mistake, for others to extend.
const WHOLE: &str = r#"
contract: whole
title: Whole
about: A contract that has everything.
source: this test
suite: orch
endpoint: {method: POST, path: /, content_type: application/json}
health: {path: /, status: 200}
secret: {env: SECRET, for_tests: published}
key: {header: Idempotency-Key}
signature: {digest: sha256, encoding: hex, message: "{body}", headers: [{name: X-Signature, value: "{sig}"}]}
outcomes:
  accepted: {status: 202}
  duplicate: {status: 202}
  refused: {signature: {status: 401}, missing-key: {status: 400}}
state:
  keys: {table: k, found_by: key, instant: ts, columns: [{name: key, type: TEXT, holds: "{key}"}, {name: ts, type: TEXT, holds: "{ts}"}]}
  audit: {table: a, found_by: ts, instant: ts, columns: [{name: ts, type: TEXT, holds: "{ts}"}]}
"#;

fn told<T>(result: Result<T, Diagnostics>) -> String {
    result.map_or_else(|mistakes| mistakes.to_string(), |_| "no mistake".to_owned())
}

fn catalogue(text: &str) -> String {
    told(Catalogue::read("requirements.yaml", text))
}

fn scenario(text: &str) -> String {
    let catalogue = Catalogue::read("requirements.yaml", CATALOGUE).expect("the catalogue has no mistake");
    let known = Known::new(&catalogue, ["terminal-done.json".to_owned(), "long-log.json".to_owned()]);
    told(expand::load("topic/name", "mine.yaml", text, &known))
}

/// A scenario of these steps.
fn steps(text: &str) -> String {
    scenario(&format!("title: Steps\nshows: [DUP-1]\nsteps:\n{text}"))
}

fn contract(text: &str) -> String {
    let base = |name: &str| match name {
        "whole" => Some(WHOLE.to_owned()),
        "ring" => Some("contract: ring\nextends: ring\n".to_owned()),
        _ => None,
    };
    told(read_contract_among("mine.yaml", text, &base, &["whole".to_owned(), "ring".to_owned()]))
}
