//! Answers that hold against an expectation, and ones that do not.

use super::super::{Bindings, is_broken};
use super::{Judged, judge};
use crate::clock::UnixMicros;
use crate::contract::reading::read_contract;
use crate::delivery::{Answer, Delivery, HeaderLine};
use crate::history::record::Record;
use crate::outcome::reader::Reader;
use crate::scenario::expect::Expect;

const ACCEPTED: &str = r#"{"accepted":true,"payload_sha256":""}"#;
const DUPLICATE: &str =
    r#"{"accepted":true,"payload_sha256":"","reference":{"type":"duplicate","timestamp":"1970-01-01T00:00:00.000000"}}"#;

const PHASE_3: &str = include_str!("../../../../fixtures/contracts/orch-phase3.yaml");

fn reader() -> Reader {
    Reader::new(std::sync::Arc::new(read_contract("c", PHASE_3, &|_| None).unwrap()))
}

fn record(status: u16, body: &'static str) -> Record {
    let headers = vec![HeaderLine::new("Content-Type", "application/json")];
    Record {
        own_delay: std::time::Duration::ZERO,
        went_twice: false,
        key: "k".to_owned(),
        identity: "k".to_owned(),
        sha256: String::new(),
        delivery: Delivery::default(),
        sent_at: UnixMicros(0),
        answered_at: UnixMicros(0),
        took: std::time::Duration::ZERO,
        result: Ok(Answer { status, headers, body: body.into() }),
        moved_us: 0,
        referred_as: None,
        refers_to: None,
    }
}

/// Between two deliveries one is taken, whichever it is.
#[test]
fn of_two_deliveries_one_is_taken() {
    let reader = reader();
    let holds = |expect: &Expect, first: Record, second: &Record| {
        let mut bindings = Bindings::default();
        bindings.deliveries.insert("first".to_owned(), vec![first]);
        let answer = second.result.as_ref().unwrap();
        !is_broken(&judge(&reader, expect, Judged { answer, record: second, bindings: &bindings }))
    };
    let once = Expect::OnceWith("first".to_owned());
    for (first, accepted, duplicate) in [
        (record(202, ACCEPTED), false, true),
        (record(202, DUPLICATE), false, true),
        (record(401, "{}"), true, false),
        (record(404, ""), true, false),
        (record(308, ""), true, false),
    ] {
        let holds = |second: Record| holds(&once, first.clone(), &second);
        assert_eq!((holds(record(202, ACCEPTED)), holds(record(202, DUPLICATE))), (accepted, duplicate), "{:?}", first.result);
        assert!(!holds(record(401, "{}")));
    }
    let not_taken = [200, 202, 308, 401, 404, 501].map(|status| holds(&Expect::NotTaken, record(202, ""), &record(status, ACCEPTED)));
    assert_eq!(not_taken, [false, false, true, true, true, true]);
}

/// A duplicate of what was answered as a duplicate itself tells of the same first delivery, however long ago that was.
#[test]
fn duplicates_of_a_duplicate_tell_of_the_first() {
    let reader = reader();
    let told = |instant: &str, at: i64| {
        let body = DUPLICATE.replace("1970-01-01T00:00:00.000000", instant);
        let answer = Answer { body: body.into(), ..record(202, "").result.unwrap() };
        let (sent_at, refers_to) = (UnixMicros::from_secs(at), Some(instant.to_owned()));
        Record { sent_at, answered_at: sent_at, result: Ok(answer), refers_to, ..record(202, "") }
    };
    let holds = |second: &Record| {
        let mut bindings = Bindings::default();
        bindings.deliveries.insert("again".to_owned(), vec![told("1970-01-01T00:00:00.000000", 20)]);
        let answer = second.result.as_ref().unwrap();
        !is_broken(&judge(&reader, &Expect::DuplicateOf("again".to_owned()), Judged { answer, record: second, bindings: &bindings }))
    };
    let of = |instant| holds(&told(instant, 40));
    assert!(of("1970-01-01T00:00:00.000000"));
    assert!(!of("1970-01-01T00:00:40.000000"), "of itself");
    assert!(!of("1969-12-31T23:59:40.000000"), "of an older one");
}

/// Where rows were moved back, a duplicate may tell the instant as its audit row has it, or as the moved row of its key does.
#[test]
fn duplicates_may_tell_what_a_moved_row_says() {
    let reader = reader();
    let at = |secs: i64, instant: &str, moved_us: i64| {
        let answer = Answer { body: DUPLICATE.replace("1970-01-01T00:00:00.000000", instant).into(), ..record(202, "").result.unwrap() };
        let sent_at = UnixMicros::from_secs(secs);
        Record { sent_at, answered_at: sent_at, result: Ok(answer), refers_to: Some(instant.to_owned()), moved_us, ..record(202, "") }
    };
    let holds = |told_before: Option<&str>, instant: &str, moved_us: i64| {
        let first = Record { result: record(202, ACCEPTED).result, ..at(7_200, "", 0) };
        let first = Record { refers_to: None, referred_as: told_before.map(str::to_owned), ..first };
        let mut bindings = Bindings::default();
        bindings.deliveries.insert("first".to_owned(), vec![first]);
        let second = at(7_201, instant, moved_us);
        let answer = second.result.as_ref().unwrap();
        !is_broken(&judge(&reader, &Expect::DuplicateOf("first".to_owned()), Judged { answer, record: &second, bindings: &bindings }))
    };
    let (then, an_hour_before, hour) = ("1970-01-01T02:00:00.000000", "1970-01-01T01:00:00.000000", 3_600_000_000);
    for before in [None, Some(then)] {
        assert!(holds(before, then, hour) && holds(before, an_hour_before, hour), "{before:?}");
        assert!(holds(before, then, 0) && !holds(before, an_hour_before, 0), "nothing was moved: {before:?}");
        assert!(!holds(before, "1970-01-01T01:30:00.000000", hour), "neither of both: {before:?}");
    }
}
