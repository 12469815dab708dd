//! The two stores give the same answers and remember the same, whatever happens.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::sync::Arc;
use std::time::Duration;

use hookgate::clock::UnixMicros;
use hookgate::contract::Contract;
use hookgate::contract::reading::read_contract;
use hookgate::delivery::{Delivery, HeaderLine};
use hookgate::evidence::sqlite::rewind::rewind;
use hookgate::files;
use hookgate::reference::Receiver;
use hookgate::reference::memory::MemoryStore;
use hookgate::reference::store::Store;
use hookgate::sign::Signer;
use hookgate::sqlite::SqliteStore;
use hookgate::state::{ReceiverState, Row};
use proptest::prelude::*;

const START: UnixMicros = UnixMicros::from_secs(1_759_694_703);

/// What may happen to a receiver.
#[derive(Clone, Debug)]
enum Happening {
    /// A delivery: one of few keys (or none), one of few bodies, in one of two scopes, signed honestly or not.
    Delivery { key: Option<u8>, body: u8, elsewhere: bool, honest: bool, ttl: Option<u64> },
    /// Time passes for one key alone.
    Rewind { key: u8, seconds: u64 },
    /// Time passes.
    Seconds(u32),
    /// Less than a second passes, or nothing at all.
    Micros(u32),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        8 => (prop::option::weighted(0.9, 0u8..4), 0u8..3, prop::bool::weighted(0.3), prop::bool::weighted(0.85), prop::option::weighted(0.2, 1u64..200))
            .prop_map(|(key, body, elsewhere, honest, ttl)| Happening::Delivery { key, body, elsewhere, honest, ttl }),
        1 => (0u8..4, prop_oneof![Just(61u64), Just(86_402), 0u64..100]).prop_map(|(key, seconds)| Happening::Rewind { key, seconds }),
        2 => prop_oneof![Just(58u32), Just(60), Just(61), Just(62), Just(86_400), Just(86_402), 0u32..100_000].prop_map(Happening::Seconds),
        1 => (0u32..2_000_000).prop_map(Happening::Micros),
    ]
}

fn contract(name: &str) -> Arc<Contract> {
    let text = match name {
        "made-up" => include_str!("../contracts/made-up.yaml").to_owned(),
        shipped => files::shipped_contract(shipped).expect("a shipped contract").text,
    };
    let base = |name: &str| files::shipped_contract(name).map(|file| file.text);
    Arc::new(read_contract(name, &text, &base).expect("a contract without mistakes"))
}

fn read(text: &str) -> Arc<Contract> {
    let base = |name: &str| files::shipped_contract(name).map(|file| file.text);
    let read = read_contract("any", text, &base);
    Arc::new(read.map_err(|wrong| format!("{text}\n{wrong}")).expect("a contract without mistakes"))
}

fn signer(contract: &Contract) -> Signer {
    contract.signature.keyed(contract.secret.for_tests.as_bytes()).expect("the published secret is a key")
}

/// One delivery as it travels under `contract`; of a happening that is none, one without a key.
fn delivery(contract: &Contract, signer: &Signer, happening: &Happening, now: UnixMicros) -> Delivery {
    let (key, body, elsewhere, honest, ttl) = match happening {
        Happening::Delivery { key, body, elsewhere, honest, ttl } => (*key, *body, *elsewhere, *honest, *ttl),
        Happening::Rewind { .. } | Happening::Seconds(_) | Happening::Micros(_) => (None, 0, false, true, None),
    };
    let mut headers = Vec::new();
    if let Some(caller) = &contract.key.caller {
        headers.push(HeaderLine::new(caller.clone(), if elsewhere { "b" } else { "a" }));
    }
    let path = contract.endpoint.others.first().filter(|_| elsewhere).unwrap_or(&contract.endpoint.path).clone();
    let key = key.map(|key| format!("key-{key}"));
    // The last body is the first one in another spelling.
    let mut body = if body == 2 { "{ \"job_id\": \"job-0\" }".to_owned() } else { format!("{{\"job_id\":\"job-{body}\"}}") };
    match (&contract.key.header, &contract.key.body_member, &key) {
        (Some(header), _, Some(key)) => headers.push(HeaderLine::new(header.clone(), key.clone())),
        (None, Some(member), Some(key)) => body = body.replacen('{', &format!("{{\"{member}\":\"{key}\","), 1),
        (_, _, _) => {}
    }
    if let (Some(header), Some(ttl)) = (contract.ttl.as_ref().and_then(|ttl| ttl.header.clone()), ttl) {
        headers.push(HeaderLine::new(header, ttl.to_string()));
    }
    let mut delivery = Delivery { method: contract.endpoint.method.clone(), path, headers, body: body.into() };
    let lines = signer.header_lines(&delivery, key.as_deref().unwrap_or(""), "", now);
    delivery.headers.extend(lines);
    if !honest {
        delivery.body = "{\"job_id\":\"forged\"}".into();
    }
    delivery
}

/// Plays the same happenings to both receivers and compares after each.
fn both_agree(name: &str, own_ttl: Option<u64>, happenings: &[Happening]) -> Result<(), TestCaseError> {
    agree_under(name, &contract(name), own_ttl, happenings)
}

fn agree_under(name: &str, contract: &Arc<Contract>, own_ttl: Option<u64>, happenings: &[Happening]) -> Result<(), TestCaseError> {
    let contract = Arc::clone(contract);
    let signer = signer(&contract);
    let memory = MemoryStore::new(Arc::clone(&contract));
    let sqlite = SqliteStore::in_memory(Arc::clone(&contract)).expect("a database in memory");
    let mut in_memory = Receiver::new(Arc::clone(&contract), Some(signer.clone()), memory, own_ttl).expect("a receiver");
    let mut in_sqlite = Receiver::new(Arc::clone(&contract), Some(signer.clone()), sqlite, own_ttl).expect("a receiver");
    let mut now = START;
    for (at, happening) in happenings.iter().enumerate() {
        match happening {
            Happening::Seconds(seconds) => now = UnixMicros(now.0 + i64::from(*seconds) * 1_000_000),
            Happening::Micros(micros) => now = UnixMicros(now.0 + i64::from(*micros)),
            Happening::Rewind { key, seconds } => {
                let keys = [format!("key-{key}")];
                in_memory.store().rewind(&keys, *seconds).expect("memory");
                in_sqlite.store().rewind(&keys, *seconds).expect("sqlite");
            }
            Happening::Delivery { .. } => {
                let delivery = delivery(&contract, &signer, happening, now);
                let answers = (in_memory.deliver(&delivery, now).expect("memory"), in_sqlite.deliver(&delivery, now).expect("sqlite"));
                prop_assert_eq!(&answers.0, &answers.1, "{} answer {}: {:?}", name, at, happening);
            }
        }
        let (left, right) = (told(in_memory.store()), told(in_sqlite.store()));
        prop_assert_eq!(&left, &right, "{} state after {}: {:?}", name, at, happening);
    }
    prop_assert_eq!(in_memory.counters(), in_sqlite.counters());
    for key in (0..4).map(|key| format!("key-{key}")) {
        prop_assert_eq!(in_memory.effects(&key).expect("memory"), in_sqlite.effects(&key).expect("sqlite"));
    }
    let newest =
        |limit| (limit, contract.state.as_ref().and_then(|tables| tables.audit.as_ref()?.only.as_ref()).map(|only| only.is.clone()));
    let (limit, event) = newest(5);
    let trails = (in_memory.store().newest_audit(limit, event.as_deref()), in_sqlite.store().newest_audit(limit, event.as_deref()));
    prop_assert_eq!(without_numbers(trails.0.expect("memory")), without_numbers(trails.1.expect("sqlite")));
    Ok(())
}

/// What a store remembers, without the numbers that a database gives its rows.
fn told(store: &mut impl Store) -> ReceiverState {
    let state = store.state().expect("it can be read");
    ReceiverState { keys: without_numbers(state.keys), audit: without_numbers(state.audit) }
}

fn without_numbers(rows: Vec<Row>) -> Vec<Row> {
    let plain = |row: Row| Row { columns: row.columns.into_iter().filter(|(name, _)| name != NUMBER).collect() };
    rows.into_iter().map(plain).collect()
}

/// A column that a database fills by itself.
const NUMBER: &str = "number";
const KEY_COLUMNS: [&str; 6] = [
    r#"{name: word, type: TEXT, primary_key: 1, holds: "{key}"}"#,
    r#"{name: word, type: TEXT, holds: "{key}"}"#,
    r#"{name: word, type: TEXT, primary_key: 1, holds: "{key}"}, {name: digest, type: TEXT, primary_key: 2, holds: "{sha256}"}"#,
    r#"{name: digest, type: TEXT, primary_key: 1, holds: "{sha256}"}"#,
    r#"{name: number, type: INTEGER, primary_key: 1, free: true}, {name: word, type: TEXT, holds: "{key}"}"#,
    r#"{name: said, type: TEXT, not_null: true, holds: "{answer}"}, {name: word, type: TEXT, primary_key: 1, not_null: true, holds: "{key}"}"#,
];
const LIFE_COLUMNS: [&str; 4] = [
    r#"{name: born, type: TEXT, not_null: true, holds: "{ts}"}, {name: lives, type: INTEGER, default: "86400", holds: "{ttl}"}"#,
    r#"{name: born, type: TEXT, holds: "{ts}"}"#,
    r#"{name: lives, type: INTEGER, holds: "{ttl}"}, {name: note, type: TEXT, not_null: true, free: true}"#,
    r"{name: kind, type: TEXT, not_null: true, holds: hook}",
];
const AUDIT_COLUMNS: [&str; 4] = [
    r#"{name: of, type: TEXT, holds: "{key}"}, {name: digest, type: TEXT, holds: "{sha256}"}, {name: at, type: TEXT, primary_key: 1, holds: "{ts}"}"#,
    r#"{name: at, type: TEXT, holds: "{ts}"}, {name: digest, type: TEXT, holds: "{sha256}"}"#,
    r#"{name: number, type: INTEGER, primary_key: 1, free: true}, {name: of, type: TEXT, holds: "{key}"}"#,
    r#"{name: job, type: TEXT, holds: "{body:job_id}"}, {name: of, type: TEXT, holds: "{key}"}, {name: at, type: TEXT, holds: "{ts}"}, {name: kind, type: TEXT, holds: hook}"#,
];

/// A contract of the space that a receiver's promises span: what identifies a delivery, what is remembered, where it can be seen.
fn any_contract() -> impl Strategy<Value = String> {
    let policies = (
        prop::sample::select(vec!["duplicate", "refused", "new"]),
        prop::sample::select(vec!["", "scope: receiver", "scope: path", "scope: path-and-query", "scope: caller, caller: X-Caller"]),
        prop::sample::select(vec!["", "fingerprint: raw", "fingerprint: json"]),
        prop::sample::select(vec!["ttl: ~", "ttl: {default: 1m}", "ttl: {default: 1m, header: X-Life}"]),
        any::<bool>(),
    );
    let keys = prop::option::weighted(
        0.8,
        (prop::sample::select(KEY_COLUMNS.to_vec()), prop::sample::select(LIFE_COLUMNS.to_vec()), any::<bool>()),
    );
    let audit = prop::option::weighted(0.8, prop::sample::select(AUDIT_COLUMNS.to_vec()));
    (policies, keys, audit).prop_map(|((other_body, scope, fingerprint, ttl, repeats), keys, audit)| {
        let duplicate = if repeats { "{same_body_as_first: true, body: ~, status: 200}" } else { "{}" };
        let keys = keys.map_or("~".to_owned(), |(key, life, turned)| {
            let (first, then) = if turned { (life, key) } else { (key, life) };
            format!("{{table: \"the keys\", found_by: ~, instant: ~, columns: [{first}, {then}]}}")
        });
        let audit = audit.map_or("~".to_owned(), |columns| format!("{{table: trail, found_by: ~, instant: ~, only: ~, columns: [{columns}]}}"));
        let state = if (keys.as_str(), audit.as_str()) == ("~", "~") { "~".to_owned() } else { format!("{{keys: {keys}, audit: {audit}}}") };
        let scope = if scope.is_empty() { "{}".to_owned() } else { format!("{{{scope}}}") };
        format!(
            "contract: any\nextends: orch-phase3\nother_body: {other_body}\nkey: {scope}\n{fingerprint}\n{ttl}\n\
             endpoint: {{others: [/elsewhere]}}\noutcomes: {{duplicate: {duplicate}, refused: {{other-body: {{status: 422}}}}}}\nstate: {state}\n"
        )
    })
}

/// Time that somebody else moves in key rows, as `--clock rewind` does, passes for every scope and body of the key.
#[test]
fn time_moved_from_outside_passes_for_what_our_own_table_knows() {
    let folder = tempfile::tempdir().expect("a folder");
    for (at, key_columns) in KEY_COLUMNS.iter().enumerate().filter(|(_, columns)| columns.contains("{key}")) {
        let text = format!(
            "contract: any\nextends: orch-phase3\nother_body: new\nttl: {{default: 1m}}\n\
             state: {{audit: ~, keys: {{table: seen, found_by: ~, instant: ~, columns: [{key_columns}, {}]}}}}\n",
            LIFE_COLUMNS[0]
        );
        let contract = read(&text);
        let path = folder.path().join(format!("{at}.db"));
        let (signer, store) = (signer(&contract), SqliteStore::open(Arc::clone(&contract), &path).expect("a database"));
        let mut receiver = Receiver::new(Arc::clone(&contract), Some(signer.clone()), store, None).expect("a receiver");
        let of = |body| Happening::Delivery { key: Some(0), body, elsewhere: false, honest: true, ttl: None };
        let mut accepted = |body| {
            let answer = receiver.deliver(&delivery(&contract, &signer, &of(body), START), START).expect("it works");
            answer.json().is_some_and(|page| page.get("reference").is_none())
        };
        assert!(accepted(0) && accepted(1) && !accepted(0) && !accepted(1), "{key_columns}");
        let keys = contract.state.as_ref().and_then(|tables| tables.keys.as_ref()).expect("a table");
        let moved = rewind(&path, keys, &["key-0".to_owned()], Duration::from_secs(62), Duration::from_secs(5)).expect("it moves");
        assert!(moved > 0 && accepted(0) && accepted(1), "{key_columns}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn phase_3_in_memory_and_in_sqlite(happenings in prop::collection::vec(happening(), 1..40)) {
        both_agree("orch-phase3", None, &happenings)?;
    }

    #[test]
    fn phase_3_with_a_ttl_of_a_minute(happenings in prop::collection::vec(happening(), 1..40)) {
        both_agree("orch-phase3", Some(60), &happenings)?;
    }

    #[test]
    fn phase_3_with_a_ttl_for_each_delivery(happenings in prop::collection::vec(happening(), 1..40)) {
        both_agree("orch-phase3-ttl", None, &happenings)?;
    }

    #[test]
    fn phase_2_in_memory_and_in_sqlite(happenings in prop::collection::vec(happening(), 1..40)) {
        both_agree("orch-phase2", None, &happenings)?;
    }

    #[test]
    fn family_without_tables_in_memory_and_in_sqlite(happenings in prop::collection::vec(happening(), 1..40)) {
        both_agree("made-up", None, &happenings)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever identifies a delivery, and whichever tables and columns there are, under whatever names and in whatever order.
    #[test]
    fn every_contract_in_memory_and_in_sqlite(text in any_contract(), happenings in prop::collection::vec(happening(), 1..40)) {
        agree_under(&text, &read(&text), None, &happenings)?;
    }
}
