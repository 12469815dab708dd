//! Expectations that a contract decides: of another body, of rivals, of cells by what they hold, of what is told of a first delivery.

use std::sync::Arc;
use std::time::Duration;

use super::Bindings;
use super::answer::{Judged, judge};
use super::burst::tally;
use super::literal::{self, Surroundings};
use super::rows::{self, Observation};
use crate::clock::UnixMicros;
use crate::contract::Contract;
use crate::contract::outcome::Refusal;
use crate::contract::reading::read_contract;
use crate::delivery::{Answer, Delivery};
use crate::history::record::Record;
use crate::outcome::reader::Reader;
use crate::scenario::Counts;
use crate::scenario::expect::{AnswerCheck, Expect, StateCheck};
use crate::state::{Cell, ReceiverState, Row};

const CONTRACT: &str = r#"
contract: mine
title: Mine
about: For these tests.
source: this test
suite: core
endpoint: {method: POST, path: /, content_type: application/json}
secret: {env: SECRET, for_tests: published}
key: {header: Idempotency-Key}
signature: {digest: sha256, encoding: hex, message: "{body}", headers: [{name: X-Signature, value: "{sig}"}]}
OTHER
outcomes:
  accepted: {status: 201, body: [{member: status, is: taken}]}
  duplicate:
    status: 200
    body:
      - {member: status, is: seen}
      - {member: kind, is: duplicate}
      - {member: hash, is: "{first.sha256}"}
  in-flight: {status: 409}
  refused: {signature: {status: 401}, missing-key: {status: 400}, other-body: {status: 422}}
state:
  keys: {table: seen, found_by: k, instant: at, columns: [{name: k, type: TEXT, holds: "{key}"}, {name: at, type: TEXT, holds: "{ts}"}]}
  audit:
    table: log
    found_by: k
    instant: at
    columns: [{name: k, type: TEXT, holds: "{key}"}, {name: digest, type: TEXT, holds: "{sha256}"}, {name: at, type: TEXT, holds: "{ts}"}]
"#;

fn contract(other: &str) -> Contract {
    read_contract("mine.yaml", &CONTRACT.replace("OTHER", other), &|_| None).expect("it has no mistake")
}

fn reader(other: &str) -> Reader {
    Reader::new(Arc::new(contract(other)))
}

fn answer(status: u16, body: &'static str) -> Answer {
    Answer { status, headers: Vec::new(), body: body.into() }
}

fn record(status: u16, body: &'static str) -> Record {
    Record {
        own_delay: Duration::ZERO,
        went_twice: false,
        key: "k1".to_owned(),
        identity: "k1".to_owned(),
        sha256: "ab12".to_owned(),
        delivery: Delivery::default(),
        sent_at: UnixMicros(0),
        answered_at: UnixMicros(0),
        took: Duration::ZERO,
        result: Ok(answer(status, body)),
        moved_us: 0,
        referred_as: Some("2026-01-01T00:00:00Z".to_owned()),
        refers_to: None,
    }
}

/// `first` was accepted, `refused` was not.
fn bindings() -> Bindings {
    let mut bindings = Bindings::default();
    bindings.deliveries.insert("first".to_owned(), vec![record(201, r#"{"status":"taken"}"#)]);
    bindings.deliveries.insert("refused".to_owned(), vec![record(400, "{}")]);
    bindings
}

const SEEN: &str = r#"{"status":"seen","kind":"duplicate","hash":"ab12"}"#;

/// What a live key with another body must get follows the contract, and is not got by a key that was refused.
#[test]
fn contract_says_what_another_body_gets() {
    let holds = |other: &str, expect: &Expect, status: u16, body: &'static str| {
        let (bindings, record, answer) = (bindings(), record(status, body), answer(status, body));
        judge(&reader(other), expect, Judged { answer: &answer, record: &record, bindings: &bindings }).is_empty()
    };
    let of = |name: &str| Expect::ReuseOf(name.to_owned());
    for (other, name, status, body, wanted) in [
        ("other_body: duplicate", "first", 200, SEEN, true),
        ("other_body: duplicate", "first", 422, "{}", false),
        ("other_body: duplicate", "refused", 200, SEEN, false),
        ("other_body: refused", "first", 422, "{}", true),
        ("other_body: refused", "first", 200, SEEN, false),
        ("other_body: refused", "refused", 422, "{}", false),
        ("other_body: new", "first", 201, r#"{"status":"taken"}"#, true),
        ("other_body: new", "first", 200, SEEN, false),
        ("refusals: kept", "refused", 400, "{}", true),
        ("refusals: forgotten", "refused", 400, "{}", false),
    ] {
        assert_eq!(holds(other, &of(name), status, body), wanted, "{other}, {name}, {status}");
    }
    for (status, wanted) in [(400, true), (422, false), (201, false)] {
        assert_eq!(holds("refusals: kept", &Expect::KeptRefusalOf("refused".to_owned()), status, "{}"), wanted, "{status}");
    }
    for (status, wanted) in [(200, false), (204, false), (302, true), (401, true), (503, true)] {
        assert_eq!(holds("", &Expect::NotTaken, status, "{}"), wanted, "{status}");
    }
    let failing = "failures: {then: replayed, provoke: {header: X-Fail, status: 503}}";
    for (expect, status, wanted) in [
        (Expect::Failed, 503, true),
        (Expect::Failed, 500, false),
        (Expect::AgainAfter("first".to_owned()), 503, true),
        (Expect::AgainAfter("first".to_owned()), 201, false),
    ] {
        assert_eq!(holds(failing, &expect, status, "{}"), wanted, "{expect:?}, {status}");
    }
}

/// Outcomes in other scopes and spellings, and after failures, come to what the contract says; without a word, to what it says of others.
#[test]
fn outcomes_are_resolved_by_the_contract() {
    let first = || "first".to_owned();
    let duplicate = || Expect::DuplicateOf(first());
    for (other, expect, wanted) in [
        ("", Expect::ElsewhereOf(first()), duplicate()),
        ("", Expect::Respelled(first()), duplicate()),
        ("other_body: new", Expect::Respelled(first()), Expect::Accepted),
        ("", Expect::AgainAfter(first()), Expect::Accepted),
        ("fingerprint: json\nother_body: refused", Expect::Respelled(first()), duplicate()),
        ("fingerprint: raw\nother_body: refused", Expect::Respelled(first()), Expect::Refused(Refusal::OtherBody)),
        ("failures: {then: retried}", Expect::AgainAfter(first()), Expect::Accepted),
        ("failures: {then: replayed, provoke: {header: X-Fail, status: 503}}", Expect::AgainAfter(first()), Expect::Failed),
        ("", Expect::KeptRefusalOf(first()), Expect::Accepted),
        ("refusals: kept", Expect::KeptRefusalOf(first()), Expect::KeptRefusalOf(first())),
    ] {
        assert_eq!(expect.under(&contract(other)), wanted, "{other} {expect:?}");
    }
    let scoped = |scope: &str| {
        let text = CONTRACT
            .replace("OTHER", "")
            .replace("key: {header: Idempotency-Key}", &format!("key: {{header: Idempotency-Key, scope: {scope}}}"));
        Expect::ElsewhereOf(first()).under(&read_contract("mine.yaml", &text, &|_| None).expect("it has no mistake"))
    };
    assert_eq!((scoped("receiver"), scoped("path-and-query")), (duplicate(), Expect::Accepted));
}

/// Rivals that are told of one under way count as repeated; those that are refused for their own body only as rivals.
#[test]
fn bursts_count_repetitions_and_rivals() {
    let burst = [record(201, r#"{"status":"taken"}"#), record(200, SEEN), record(409, ""), record(422, ""), record(500, "")];
    let counted = |of: usize| tally(&reader("other_body: refused"), &burst[..of])[0].1.clone();
    let counts = |repeated, rivals, other| Counts { accepted: Some(1), repeated, rivals, other: Some(other), ..Counts::default() };
    for (of, counts, wanted) in [
        (3, counts(Some(2), None, 0), true),
        (3, counts(Some(1), None, 0), false),
        (3, counts(None, Some(2), 0), true),
        (3, counts(None, None, 1), true),
        (4, counts(None, Some(3), 0), true),
        (4, counts(Some(2), None, 0), false),
        (4, counts(Some(2), None, 1), true),
        (5, counts(None, Some(3), 0), false),
        (5, counts(None, Some(3), 1), true),
    ] {
        assert_eq!(counted(of).fits(&counts, &contract("other_body: refused")), wanted, "{of} {counts:?}");
    }
    assert_eq!(
        counted(5).describe(),
        "1 accepted as new, 1 duplicates, 1 told of one in flight, 1 refused for their body, 1 other (the first: 500)"
    );
}

/// Cells are found by what their column holds, whatever it is called; a table without such a column is passed over.
#[test]
fn cells_are_found_by_what_they_hold() {
    let text = |value: &str| Cell::Text(value.to_owned());
    let row = |digest: &str| Row { columns: vec![("k".to_owned(), text("k1")), ("digest".to_owned(), text(digest))] };
    let look = |digest: &str| Observation {
        state: ReceiverState { audit: vec![row(digest)], ..ReceiverState::default() },
        ..Observation::default()
    };
    let check = |holds: &str| {
        let text = format!("{{audit: [{{rows_for: first, count: 1, holds: {holds}}}]}}");
        crate::yaml::read::<StateCheck>("check", &text).expect("it has no mistake").0
    };
    let mismatches = |holds: &str, digest: &str| rows::judge(&contract(""), &check(holds), &look(digest), &bindings(), None);
    assert_eq!(mismatches("{sha256: first, key: first}", "ab12"), []);
    let wrong = mismatches("{sha256: first}", "cd34");
    assert!(wrong.len() == 1 && wrong[0].expected.contains("log.digest") && wrong[0].observed.contains("cd34"), "{wrong:?}");
    assert_eq!(mismatches("{ttl: 5}", "ab12"), [], "no column of the table holds a TTL");
}

/// What tells of a first delivery: its members, its hash, its instant; not what every answer may say.
#[test]
fn answers_that_tell_of_the_first_are_found() {
    let check = AnswerCheck { says_nothing_of: Some("first".to_owned()), ..AnswerCheck::default() };
    let bindings = bindings();
    let tells = |other: &str, body: &'static str| {
        let around = Surroundings { bindings: &bindings, took: Duration::ZERO, forbidden: &[] };
        !literal::judge(&contract(other), &check, &answer(401, body), around).is_empty()
    };
    for (body, wanted) in [
        (r#"{"error":"no"}"#, false),
        (r#"{"status":"refused"}"#, false),
        (r#"{"status":"taken"}"#, false),
        (r#"{"status":"seen"}"#, true),
        (r#"{"kind":"refusal"}"#, false),
        (r#"{"kind":"duplicate"}"#, true),
        (r#"{"hash":"of something"}"#, true),
        (r#"{"error":"like AB12"}"#, true),
        (r#"{"error":"since 2026-01-01T00:00:00Z"}"#, true),
    ] {
        assert_eq!(tells("", body), wanted, "{body}");
    }
}
