//! What a subscriber is told, over the store in memory.

use std::sync::Arc;

use super::{Logged, Next, Opened, Page, Place, next, open};
use crate::clock::UnixMicros;
use crate::contract::Contract;
use crate::contract::reading::read_contract;
use crate::delivery::{Delivery, HeaderLine};
use crate::reference::Receiver;
use crate::reference::memory::MemoryStore;
use crate::reference::store::Store as _;

const PHASE_3: &str = include_str!("../../../fixtures/contracts/orch-phase3.yaml");
const PHASE_4: &str = include_str!("../../../fixtures/contracts/orch-phase4.yaml");
const NOW: i64 = 1_759_694_703_000_000;

fn contract(stream: &str) -> Arc<Contract> {
    let base = |name: &str| Some(if name == "orch-phase3" { PHASE_3 } else { PHASE_4 }.to_owned());
    let text = format!("contract: of-this-test\nextends: orch-phase4\ntitle: Of a test\nstream: {stream}\n");
    Arc::new(read_contract("of-this-test", &text, &base).expect("a contract without mistakes"))
}

fn receiver(stream: &str) -> Receiver<MemoryStore> {
    let contract = contract(stream);
    let signer = contract.signature.keyed(contract.secret.for_tests.as_bytes()).expect("a key");
    Receiver::new(Arc::clone(&contract), Some(signer), MemoryStore::new(contract), None).expect("a receiver")
}

fn deliver(receiver: &mut Receiver<MemoryStore>, key: &str, job: &str, status: &str, at: i64) {
    let body = format!(r#"{{"job_id":"{job}","status":"{status}"}}"#);
    let signer = receiver.contract().signature.keyed(receiver.contract().secret.for_tests.as_bytes()).expect("a key");
    let path = receiver.contract().endpoint.path.clone();
    let mut delivery = Delivery { method: "POST".into(), path, body: body.into_bytes().into(), ..Delivery::default() };
    delivery.headers.push(HeaderLine::new("Idempotency-Key", key.to_owned()));
    let lines = signer.header_lines(&delivery, key, "", UnixMicros(at));
    delivery.headers.extend(lines);
    let answer = receiver.deliver(&delivery, UnixMicros(at)).expect("memory does not fail");
    assert_eq!(answer.status, 202);
}

/// Three events of `a`, one of `b`; the first of them again, which is told on none.
fn told(stream: &str, last_status: &str) -> Receiver<MemoryStore> {
    let mut receiver = receiver(stream);
    for (key, job, status, at) in [("1", "a", "runs", 1), ("2", "b", "runs", 2), ("3", "a", "runs", 3), ("1", "a", "runs", 4)] {
        deliver(&mut receiver, key, job, status, NOW + at);
    }
    deliver(&mut receiver, "5", "a", last_status, NOW + 5);
    receiver
}

/// All that a client is told: the status, or the blocks in short, and whether the body ends.
fn all(receiver: &mut Receiver<MemoryStore>, last: Option<&str>) -> String {
    let mut place = match open(receiver, "a", last.map(str::as_bytes)).expect("memory does not fail") {
        Opened::Over => return "204".to_owned(),
        Opened::Refused(status) => return status.to_string(),
        Opened::Tells(place) => place,
    };
    let (text, end) = rest(receiver, &mut place);
    format!("{text}{end:?}")
}

fn rest(receiver: &mut Receiver<MemoryStore>, place: &mut Place) -> (String, Next) {
    let told = next(receiver, place).expect("memory does not fail");
    let text = String::from_utf8(told.bytes).expect("UTF-8");
    let short = |block: &str| {
        let mut lines: Vec<&str> = block.lines().collect();
        if block.starts_with("id: ") {
            let first = lines.remove(0);
            let id: i64 = first[4..].parse().expect("a number");
            return format!("{} ", id - NOW);
        }
        format!("[{}] ", lines.join("; ").replace(&NOW.to_string(), "NOW"))
    };
    (text.split_terminator("\n\n").map(short).collect(), told.then)
}

/// A client with an id gets what followed it; every other one gets what the contract says, and never a gap.
#[test]
fn a_client_goes_on_behind_its_id() {
    let id = |at: i64| (NOW + at).to_string();
    let mut receiver = told("{retry: ~}", "runs");
    for (last, expected) in [
        (None, "1 3 5 Waits"),
        (Some(String::new()), "1 3 5 Waits"),
        (Some(id(1)), "3 5 Waits"),
        (Some(id(3)), "5 Waits"),
        (Some(id(5)), "Waits"),
    ] {
        assert_eq!(all(&mut receiver, last.as_deref()), expected, "{last:?}");
    }
    let reset = format!("[event: reset; data: {{\"oldest\":\"{}\"}}] 1 3 5 Waits", id(1));
    let of_another = id(2);
    let (signed, padded) = (format!("+{}", id(1)), format!("0{}", id(1)));
    for unknown in ["0", "-1", "x", "1' OR '1'='1", "99999999999999999999999", " ", &of_another, &signed, &padded] {
        assert_eq!(all(&mut receiver, Some(unknown)), reset, "{unknown}");
    }
    assert_eq!(all(&mut told("{retry: 3 s}", "runs"), None), "[retry: 3000] 1 3 5 Waits");
}

/// The contract's other answers to an id that is not kept.
#[test]
fn an_id_that_is_not_kept_gets_what_the_contract_says() {
    let of = |unknown: &str| all(&mut told(&format!("{{retry: ~, unknown: {{{unknown}}}}}"), "runs"), Some("7"));
    assert_eq!(of("then: replay, event: ~"), "1 3 5 Waits");
    assert_eq!(of("then: no-content, event: ~"), "204");
    assert_eq!(of("then: refused, event: ~, status: 410"), "410");
    assert_eq!(of("event: gap"), format!("[event: gap; data: {{\"oldest\":\"{}\"}}] 1 3 5 Waits", NOW + 1));
    assert_eq!(all(&mut told("{retry: ~, begins: now}", "runs"), None), "Waits");
}

/// A stream that is over ends, and who comes back with the last id is told so.
#[test]
fn a_finished_stream_ends() {
    let last = (NOW + 5).to_string();
    let mut over = told("{retry: ~}", "done");
    assert_eq!(all(&mut over, None), "1 3 5 Ends");
    assert_eq!(all(&mut over, Some(&(NOW + 3).to_string())), "5 Ends");
    assert_eq!(all(&mut over, Some(&last)), "204");
    assert_eq!(all(&mut told("{retry: ~, finished: {then: repeats-last}}", "done"), Some(&last)), "5 Ends");
    assert_eq!(all(&mut told("{retry: ~, finished: ~}", "done"), Some(&last)), "Waits");
    deliver(&mut over, "6", "a", "runs", NOW + 6);
    assert_eq!(all(&mut over, Some(&last)), "6 Waits");
}

/// What is evicted while a slow client is on its way is no gap: its body ends, and it is told when it comes back.
#[test]
fn a_client_that_falls_behind_is_cut_off() {
    let mut receiver = told("{retry: ~, keeps: 2}", "runs");
    assert_eq!(all(&mut receiver, None), "3 5 Waits");
    let Ok(Opened::Tells(mut place)) = open(&mut receiver, "a", Some((NOW + 3).to_string().as_bytes())) else {
        unreachable!("3 is kept");
    };
    for at in [6, 7] {
        deliver(&mut receiver, &at.to_string(), "a", "runs", NOW + at);
    }
    assert_eq!(rest(&mut receiver, &mut place), (String::new(), Next::Ends));
    assert!(all(&mut receiver, Some(&(NOW + 3).to_string())).starts_with("[event: reset; "));
}

/// What was published and rolled back never was, and has evicted nothing.
#[test]
fn what_is_rolled_back_was_not_published() {
    let mut receiver = told("{keeps: 3}", "runs");
    let store = receiver.store();
    let before = store.log_behind("a", None, 9).expect("memory does not fail");
    store.publish(&Logged { id: 9, stream: "a".into(), data: "{}".into(), ends: false });
    store.roll_back();
    assert_eq!(store.log_behind("a", None, 9).expect("memory does not fail"), before);
    assert_eq!(store.log_behind("of nobody", Some(1), 9).expect("memory does not fail"), Page::default());
}
