//! Histories of the reference are explained whatever happens; altered ones are not.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::sync::Arc;

use hookgate::clock::UnixMicros;
use hookgate::contract::Contract;
use hookgate::contract::reading::read_contract;
use hookgate::delivery::{Answer, Delivery, HeaderLine};
use hookgate::files;
use hookgate::history::consistency::{Evidence, Judgement, Law, NEVER, Operation, judge};
use hookgate::outcome::{Outcome, OutcomeSet};
use hookgate::reference::Receiver;
use hookgate::reference::memory::MemoryStore;
use hookgate::reference::store::Store as _;
use proptest::prelude::*;

const START: i64 = 1_759_694_703_000_000;
const LAW: Law = Law { life: Some(86_400_000_000), replays_failures: false };

/// One delivery of a client: which key, how long it travels there and back, whether the answer is lost.
#[derive(Clone, Copy, Debug)]
struct Sent {
    key: u8,
    after: i64,
    there: i64,
    back: i64,
    lost: bool,
    honest: bool,
}

fn sent() -> impl Strategy<Value = Sent> {
    (0u8..5, 0i64..400, 1i64..1_000, 1i64..1_000, prop::bool::weighted(0.15), prop::bool::weighted(0.9))
        .prop_map(|(key, after, there, back, lost, honest)| Sent { key, after, there, back, lost, honest })
}

fn contract() -> Arc<Contract> {
    let text = files::shipped_contract("orch-phase3").expect("a shipped contract").text;
    let base = |name: &str| files::shipped_contract(name).map(|file| file.text);
    Arc::new(read_contract("orch-phase3", &text, &base).expect("a contract without mistakes"))
}

/// What several clients see of the reference when their deliveries arrive in the order in which they travel.
fn observed(clients: &[Vec<Sent>]) -> (Vec<Operation>, Vec<Evidence>) {
    let contract = contract();
    let signer = contract.signature.keyed(contract.secret.for_tests.as_bytes()).expect("a key");
    let memory = MemoryStore::new(Arc::clone(&contract));
    let mut receiver = Receiver::new(Arc::clone(&contract), Some(signer.clone()), memory, None).expect("a receiver");
    let mut arriving: Vec<(i64, i64, Sent)> = Vec::new();
    for client in clients {
        let mut free = START;
        for one in client {
            let invoked = free + one.after;
            arriving.push((invoked + one.there, invoked, *one));
            free = invoked + one.there + one.back;
        }
    }
    arriving.sort_by_key(|(arrived, invoked, _)| (*arrived, *invoked));
    let mut history = Vec::new();
    for (arrived, invoked, one) in arriving {
        let headers = vec![HeaderLine::new("Idempotency-Key", format!("key-{}", one.key))];
        let (method, path) = (contract.endpoint.method.clone(), contract.endpoint.path.clone());
        let mut delivery = Delivery { method, path, headers, body: format!("{{\"job_id\":\"{invoked}\"}}").into() };
        let lines = signer.header_lines(&delivery, "", "", UnixMicros(arrived));
        delivery.headers.extend(lines);
        if !one.honest {
            delivery.body = "{}".into();
        }
        let answer = receiver.deliver(&delivery, UnixMicros(arrived)).expect("memory does not fail");
        let (outcome, refers_to) = if one.lost { (OutcomeSet::only(Outcome::NoAnswer), NEVER) } else { read(&answer) };
        let returned = if one.lost { NEVER } else { arrived + one.back };
        history.push(Operation { key: u32::from(one.key), outcome, invoked, returned, refers_to });
    }
    let state = receiver.store().state().expect("memory does not fail");
    let evidence = (0..5u8).map(|key| {
        let name = format!("key-{key}");
        let bear = |row: &&hookgate::state::Row| row.columns.iter().any(|(_, cell)| *cell == hookgate::state::Cell::Text(name.clone()));
        let count = |rows: usize| u32::try_from(rows).expect("few rows");
        Evidence {
            key: u32::from(key),
            audit_rows: Some(count(state.audit.iter().filter(bear).count())),
            key_rows: Some(count(state.keys.iter().filter(bear).count())),
        }
    });
    let evidence = evidence.collect();
    (history, evidence)
}

fn read(answer: &Answer) -> (OutcomeSet, i64) {
    let page = answer.json().unwrap_or_default();
    let refers_to = page.pointer("/reference/timestamp").and_then(|text| text.as_str()).and_then(hookgate::clock::iso::read);
    match (answer.status, refers_to) {
        (202, Some((at, _))) => (OutcomeSet::only(Outcome::Duplicate), at.0),
        (202, None) => (OutcomeSet::only(Outcome::Accepted), NEVER),
        (_, _) => (OutcomeSet::only(Outcome::Rejected), NEVER),
    }
}

fn judged(history: &[Operation], evidence: &[Evidence]) -> Judgement {
    judge(&mut history.to_vec(), &mut evidence.to_vec(), LAW)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// What the reference answers under any interleaving, some order explains; and its rows fit.
    #[test]
    fn histories_of_the_reference_are_accepted(clients in prop::collection::vec(prop::collection::vec(sent(), 1..12), 1..8)) {
        let (history, evidence) = observed(&clients);
        let judgement = judged(&history, &evidence);
        prop_assert_eq!(judgement.broken, 0, "{:?}", judgement.witnesses);
    }

    /// One answer altered is found out, wherever no lost delivery could stand in for it.
    ///
    /// Not altered: a duplicate that overlaps everything, of a key with a lost delivery. Its answer could have been
    /// the acceptance, and the history would be another one, and right.
    #[test]
    fn one_answer_altered_is_rejected(clients in prop::collection::vec(prop::collection::vec(sent(), 3..12), 2..6), pick in any::<prop::sample::Index>()) {
        let steady: Vec<Vec<Sent>> = clients.iter().map(|client| client.iter().map(|one| Sent { lost: false, ..*one }).collect()).collect();
        let (history, evidence) = observed(&steady);
        let altered = pick.index(history.len());
        let change = |outcome, refers_to| {
            let mut other = history.clone();
            other[altered] = Operation { outcome: OutcomeSet::only(outcome), refers_to, ..other[altered] };
            other
        };
        let was = history[altered].outcome;
        let (others, rows): (Vec<Vec<Operation>>, bool) = if was.is(Outcome::Accepted) {
            // Told as a duplicate or refused, its audit row is one too many, or its duplicates are of nothing.
            (vec![change(Outcome::Duplicate, NEVER), change(Outcome::Rejected, NEVER)], true)
        } else if was.is(Outcome::Duplicate) {
            // Told as accepted, there are two in one life; referring elsewhere, nothing was there.
            (vec![change(Outcome::Accepted, NEVER), change(Outcome::Duplicate, START - 60_000_000)], false)
        } else {
            // Told as accepted, it has no row, or there are two.
            (vec![change(Outcome::Accepted, NEVER)], true)
        };
        for other in others {
            let found = judged(&other, if rows { &evidence } else { &[] });
            prop_assert_eq!(found.broken, 1, "{:?} became {:?}", history[altered], other[altered]);
        }
    }

    /// A row more or less is found out.
    #[test]
    fn one_row_altered_is_rejected(clients in prop::collection::vec(prop::collection::vec(sent(), 3..12), 2..6), key in 0usize..5, more in any::<bool>()) {
        let steady: Vec<Vec<Sent>> = clients.iter().map(|client| client.iter().map(|one| Sent { lost: false, ..*one }).collect()).collect();
        let (history, mut evidence) = observed(&steady);
        prop_assume!(history.iter().any(|one| one.key as usize == key) && (more || evidence[key].audit_rows > Some(0)));
        evidence[key].audit_rows = evidence[key].audit_rows.map(|rows| if more { rows + 1 } else { 0 });
        prop_assert_eq!(judged(&history, &evidence).broken, 1);
    }
}
