//! The two stores give the same answers and remember the same, whatever happens.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::sync::Arc;

use hookgate::clock::UnixMicros;
use hookgate::contract::Contract;
use hookgate::contract::reading::read_contract;
use hookgate::delivery::{Delivery, HeaderLine};
use hookgate::files;
use hookgate::reference::Receiver;
use hookgate::reference::memory::MemoryStore;
use hookgate::reference::store::Store;
use hookgate::sign::Signer;
use hookgate::sqlite::SqliteStore;
use proptest::prelude::*;

const START: UnixMicros = UnixMicros::from_secs(1_759_694_703);

/// What may happen to a receiver.
#[derive(Clone, Debug)]
enum Happening {
    /// A delivery: one of few keys (or none), one of few bodies, signed honestly or not.
    Delivery { key: Option<u8>, body: u8, honest: bool, ttl: Option<u64> },
    /// Time passes.
    Seconds(u32),
    /// Less than a second passes, or nothing at all.
    Micros(u32),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => (prop::option::weighted(0.9, 0u8..4), 0u8..3, prop::bool::weighted(0.85), prop::option::weighted(0.2, 1u64..200))
            .prop_map(|(key, body, honest, ttl)| Happening::Delivery { key, body, honest, ttl }),
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

fn signer(contract: &Contract) -> Signer {
    contract.signature.keyed(contract.secret.for_tests.as_bytes()).expect("the published secret is a key")
}

/// One delivery as it travels under `contract`.
fn delivery(contract: &Contract, signer: &Signer, key: Option<u8>, body: u8, honest: bool, ttl: Option<u64>, now: UnixMicros) -> Delivery {
    let mut headers = Vec::new();
    let key = key.map(|key| format!("key-{key}"));
    let mut body = format!("{{\"job_id\":\"job-{body}\"}}");
    match (&contract.key.header, &contract.key.body_member, &key) {
        (Some(header), _, Some(key)) => headers.push(HeaderLine::new(header.clone(), key.clone())),
        (None, Some(member), Some(key)) => body = body.replacen('{', &format!("{{\"{member}\":\"{key}\","), 1),
        (_, _, _) => {}
    }
    if let (Some(header), Some(ttl)) = (contract.ttl.as_ref().and_then(|ttl| ttl.header.clone()), ttl) {
        headers.push(HeaderLine::new(header, ttl.to_string()));
    }
    let mut delivery =
        Delivery { method: contract.endpoint.method.clone(), path: contract.endpoint.path.clone(), headers, body: body.into() };
    let lines = signer.header_lines(&delivery, key.as_deref().unwrap_or(""), "", now);
    delivery.headers.extend(lines);
    if !honest {
        delivery.body = "{\"job_id\":\"forged\"}".into();
    }
    delivery
}

/// Plays the same happenings to both receivers and compares after each.
fn both_agree(name: &str, own_ttl: Option<u64>, happenings: &[Happening]) -> Result<(), TestCaseError> {
    let contract = contract(name);
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
            Happening::Delivery { key, body, honest, ttl } => {
                let delivery = delivery(&contract, &signer, *key, *body, *honest, *ttl, now);
                let answers = (in_memory.deliver(&delivery, now).expect("memory"), in_sqlite.deliver(&delivery, now).expect("sqlite"));
                prop_assert_eq!(&answers.0, &answers.1, "{} answer {}: {:?}", name, at, happening);
            }
        }
        let (left, right) = (in_memory.store().state().expect("memory"), in_sqlite.store().state().expect("sqlite"));
        prop_assert_eq!(&left, &right, "{} state after {}: {:?}", name, at, happening);
    }
    prop_assert_eq!(in_memory.counters(), in_sqlite.counters());
    let newest = |limit| (limit, contract.state.as_ref().and_then(|tables| tables.audit.only.as_ref()).map(|only| only.is.clone()));
    let (limit, event) = newest(5);
    let trails = (in_memory.store().newest_audit(limit, event.as_deref()), in_sqlite.store().newest_audit(limit, event.as_deref()));
    prop_assert_eq!(trails.0.expect("memory"), trails.1.expect("sqlite"));
    Ok(())
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
