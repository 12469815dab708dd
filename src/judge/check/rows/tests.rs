//! Rows of tables that have other names, other columns, or are not there.

use std::time::Duration;

use super::{Observation, cannot_be_seen, judge};
use crate::clock::UnixMicros;
use crate::contract::Contract;
use crate::contract::reading::read_contract;
use crate::delivery::{Answer, Delivery};
use crate::history::record::Record;
use crate::judge::check::Bindings;
use crate::scenario::expect::StateCheck;
use crate::sign::sha256_hex;
use crate::state::{Cell, ReceiverState, Row};

const PHASE_3: &str = include_str!("../../../../fixtures/contracts/orch-phase3.yaml");
const KEYS: &str = r#"{table: seen, found_by: ~, instant: ~, columns: [{name: word, type: TEXT, holds: "{key}"}, {name: lives, type: INTEGER, holds: "{ttl}"},
    {name: said, type: TEXT, holds: "{answer}"}, {name: note, type: TEXT, free: true}, {name: spare, type: TEXT}]}"#;
const AUDIT: &str = r#"{table: trail, found_by: ~, instant: ~, only: ~, columns: [{name: of, type: TEXT, holds: "{key}"}, {name: h, type: TEXT, holds: "{sha256}"},
    {name: at, type: TEXT, holds: "{ts}"}, {name: job, type: TEXT, not_null: true, holds: "{body:job}"}]}"#;

type Failed = Box<dyn std::error::Error>;

fn contract(keys: &str, audit: &str) -> Result<Contract, Failed> {
    let text = format!("contract: mine\nextends: orch-phase3\nstate: {{keys: {keys}, audit: {audit}}}\n");
    Ok(read_contract("mine", &text, &|_| Some(PHASE_3.to_owned()))?)
}

fn check(yaml: &str) -> Result<StateCheck, Failed> {
    Ok(serde_saphyr::from_str(yaml)?)
}

fn bindings() -> Bindings {
    let answer = Answer { status: 202, headers: Vec::new(), body: "hello".into() };
    let record = Record {
        own_delay: Duration::ZERO,
        went_twice: false,
        key: "k1".to_owned(),
        identity: "k1".to_owned(),
        sha256: sha256_hex(b"{}"),
        delivery: Delivery { body: "{}".into(), ..Delivery::default() },
        sent_at: UnixMicros(0),
        answered_at: UnixMicros(0),
        took: Duration::ZERO,
        result: Ok(answer),
        moved_us: 0,
        referred_as: None,
        refers_to: None,
    };
    Bindings { deliveries: [("first".to_owned(), vec![record])].into(), ..Bindings::default() }
}

fn row(cells: &[(&str, &str)]) -> Row {
    let cell =
        |text: &str| text.parse().map_or_else(|_| if text == "NULL" { Cell::Null } else { Cell::Text(text.to_owned()) }, Cell::Integer);
    Row { columns: cells.iter().map(|(name, text)| ((*name).to_owned(), cell(text))).collect() }
}

/// A row is held against what its columns hold: a free one may have anything, one that says nothing may not.
#[test]
fn cells_are_judged_by_what_they_hold() -> Result<(), Failed> {
    let (contract, bindings) = (contract(KEYS, AUDIT)?, bindings());
    let hash = sha256_hex(b"{}");
    let right_key = [("word", "k1"), ("lives", "60"), ("said", "hello"), ("note", "anything"), ("spare", "NULL")];
    let right_audit = [("of", "k1"), ("h", hash.as_str()), ("at", "1970-01-01T00:00:00"), ("job", "whatever")];
    let promised = "{keys: [{rows_for: first, count: 1, as_promised: true}], audit: [{rows_for: first, count: 1, as_promised: true, written_at: first}]}";
    let held = "{keys: [{rows_for: first, holds: {key: first, ttl: 60}}], audit: [{rows_for: first, holds: {sha256: first, key: first}}]}";
    for (wrong, table, promised_says, held_says) in [
        (("", ""), 0, vec![], vec![]),
        (("lives", "61"), 0, vec!["seen.lives = 60"], vec!["seen.lives = 60"]),
        (("said", "bye"), 0, vec!["seen.said = the body of the first answer"], vec![]),
        (("note", "NULL"), 0, vec![], vec![]),
        (("spare", "x"), 0, vec!["seen.spare = NULL"], vec![]),
        (("h", "x"), 1, vec![r#"trail.h = "HASH""#], vec![r#"trail.h = "HASH""#]),
        (("at", "1970-01-01T00:00:09"), 1, vec![r#"trail.at = "1970-01-01T00:00:00.000000", give or take 5 s"#], vec![]),
    ] {
        let mut state = ReceiverState { keys: vec![row(&right_key)], audit: vec![row(&right_audit)] };
        let place = if table == 0 { &mut state.keys[0] } else { &mut state.audit[0] };
        place.columns.iter_mut().filter(|(name, _)| name == wrong.0).for_each(|(_, cell)| *cell = row(&[wrong]).columns[0].1.clone());
        let look = Observation { state, ..Observation::default() };
        let told = |yaml: &str| -> Result<Vec<String>, Failed> {
            let mismatches = judge(&contract, &check(yaml)?, &look, &bindings, Some(60));
            Ok(mismatches.into_iter().map(|mismatch| mismatch.expected.replace(&hash, "HASH")).collect())
        };
        assert_eq!(told(promised)?, promised_says, "{wrong:?}");
        assert_eq!(told(held)?, held_says, "{wrong:?}");
    }
    Ok(())
}

/// What no table tells is not judged, and it is said why.
#[test]
fn what_no_table_tells_is_said() -> Result<(), Failed> {
    let looks = [
        ("{keys: [{rows_for: first}]}", "keys"),
        ("{audit: [{rows_for: first, written_at: first}]}", "audit"),
        ("{audit: [{rows_for: first, holds: {key: first}}]}", "audit"),
        ("{keys: [{rows_for: first, written_at: first}]}", "keys, ts"),
        ("{every_key_has_evidence: true}", "keys, audit"),
        ("{every_life_can_be_told: true}", "keys, ts"),
        ("{grown: {since: a, audit: 1}}", "audit"),
        ("{schema: [keys]}", "keys"),
        ("{instants_never_go_back: [first]}", "audit"),
        ("{audit: [{rows_for: first, columns: {actor: x}}]}", "audit, actor"),
        ("{as: before}", ""),
    ];
    // A table of keys has no instant here, and the table of audit events no actor.
    for (keys, audit, there) in [(KEYS, AUDIT, "keys audit"), (KEYS, "~", "keys"), ("~", AUDIT, "audit")] {
        let contract = contract(keys, audit)?;
        for (look, needs) in looks {
            let is_there = needs.split(", ").filter(|need| !need.is_empty()).all(|need| there.split(' ').any(|one| one == need));
            let why = cannot_be_seen(&contract, &check(look)?);
            assert_eq!(why.is_none(), is_there, "{look} with {there}: {why:?}");
        }
    }
    Ok(())
}

/// A key's row may spell its instant as it likes; the audit trail is kept in UTC.
#[test]
fn an_instant_of_a_keys_row_may_have_an_offset() -> Result<(), Failed> {
    let keys = r#"{table: seen, found_by: ~, instant: ~, columns: [{name: word, type: TEXT, holds: "{key}"}, {name: at, type: TEXT, holds: "{ts}"}]}"#;
    let (contract, bindings, hash) = (contract(keys, AUDIT)?, bindings(), sha256_hex(b"{}"));
    let told = |at: &str| -> Result<Vec<String>, Failed> {
        let key = row(&[("word", "k1"), ("at", at)]);
        let audit = row(&[("of", "k1"), ("h", hash.as_str()), ("at", at), ("job", "any")]);
        let look = Observation { state: ReceiverState { keys: vec![key], audit: vec![audit] }, ..Observation::default() };
        let asked = check("{keys: [{rows_for: first, written_at: first}], audit: [{rows_for: first, written_at: first}]}")?;
        let mismatches = judge(&contract, &asked, &look, &bindings, None);
        Ok(mismatches.into_iter().map(|mismatch| mismatch.code.table.unwrap_or_default()).collect())
    };
    assert_eq!(told("1970-01-01T00:00:00Z")?, Vec::<String>::new());
    assert_eq!(told("1970-01-01T05:45:00+05:45")?, ["audit"]);
    assert_eq!(told("1970-01-01T05:45:00Z")?, ["keys", "audit"]);
    Ok(())
}
