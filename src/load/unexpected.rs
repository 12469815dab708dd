//! Unexpected: the first answers of each kind that it does not allow, with what was due and what came.
//!
//! In: deliveries whose answer should not have come. Out: examples for a report, told as a run tells a mismatch.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::mix::Kind;
use super::report::LoadReport;
use crate::clock::iso;
use crate::contract::outcome::{AnswerForm, Refusal};
use crate::contract::{Contract, Level, OtherBody};
use crate::history::record::Record;
use crate::judge::check::answer::{Judged, against, describe as described};
use crate::judge::check::{Bindings, describe};
use crate::outcome::reader::refusal_form;
use crate::scenario::expect::Expect;
use crate::secret::{Foreign, Redactor};

/// So many of a kind are told.
const TOLD: usize = 3;

/// An answer that its kind does not allow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unexpected {
    /// The kind.
    pub kind: String,
    /// The key.
    pub key: String,
    /// When its delivery was sent, UTC, ISO 8601.
    pub sent_at: String,
    /// The requirement that the contract names for what is wrong, where it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirement: Option<String>,
    /// What was due.
    pub expected: String,
    /// What came.
    pub observed: String,
}

/// The first of each kind, as they come.
#[derive(Debug, Default)]
pub struct Wrongs(Mutex<BTreeMap<u8, Vec<Unexpected>>>);

impl Wrongs {
    /// Notes one, while there is room for its kind.
    pub fn note(&self, kind: u8, make: impl FnOnce() -> Unexpected) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_kind = all.entry(kind).or_default();
        if of_kind.len() < TOLD {
            of_kind.push(make());
        }
    }

    /// All of them, by kind.
    #[must_use]
    pub fn told(&self) -> Vec<Unexpected> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().flatten().cloned().collect()
    }
}

/// What is wrong with an answer.
///
/// * `name`: what its kind is called.
/// * `first`: where it is the answer of a duplicate that was allowed, the delivery of which it should tell.
#[must_use]
pub fn of(contract: &Contract, kind: Kind, name: String, record: &Record, first: Option<&Record>) -> Unexpected {
    let (expect, form) = match (first, contract.duplicate()) {
        (Some(_), Some(form)) => (Expect::DuplicateOf("its first delivery".to_owned()), Some(form)),
        (Some(_) | None, _) => (due(contract, kind), form(contract, kind)),
    };
    let due = described(contract, &expect);
    let bindings = Bindings::default();
    let mismatch = record.result.as_ref().ok().and_then(|answer| {
        let judged = Judged { answer, record, bindings: &bindings };
        against(form?, judged, first).into_iter().find(|one| one.level == Level::Must)
    });
    let (requirement, expected, observed) = match mismatch {
        Some(one) => (one.shows, format!("{due}: {}", one.expected), one.observed),
        None => (None, due, describe(&record.result)),
    };
    Unexpected { kind: name, key: record.key.clone(), sent_at: iso::write(record.sent_at), requirement, expected, observed }
}

/// What a kind is answered with, if nobody came before.
fn due(contract: &Contract, kind: Kind) -> Expect {
    let first = || "its first delivery".to_owned();
    match kind {
        Kind::Fresh => Expect::Accepted,
        Kind::Burst => Expect::AnyOf(vec![Expect::Accepted, Expect::DuplicateOf(first())]),
        Kind::Duplicate => Expect::DuplicateOf(first()),
        Kind::ConflictingBody => match contract.other_body {
            OtherBody::Duplicate => Expect::DuplicateOf(first()),
            OtherBody::Refused => Expect::Refused(Refusal::OtherBody),
            OtherBody::New => Expect::Accepted,
        },
        Kind::MissingKey => Expect::Refused(Refusal::MissingKey),
        Kind::Spoiled(_) => Expect::Refused(Refusal::Signature),
    }
}

/// The form of that answer; nothing where the contract describes none.
fn form(contract: &Contract, kind: Kind) -> Option<&AnswerForm> {
    let (accepted, duplicate) = (&contract.outcomes.accepted, contract.duplicate());
    match kind {
        Kind::Fresh | Kind::Burst => Some(accepted),
        Kind::Duplicate => duplicate.or(Some(accepted)),
        Kind::ConflictingBody => match contract.other_body {
            OtherBody::Duplicate => duplicate.or(Some(accepted)),
            OtherBody::Refused => refusal_form(contract, Refusal::OtherBody),
            OtherBody::New => Some(accepted),
        },
        Kind::MissingKey => refusal_form(contract, Refusal::MissingKey),
        Kind::Spoiled(_) => refusal_form(contract, Refusal::Signature),
    }
}

/// Those of several reports, the first of each kind.
pub(super) fn joined(reports: &[&LoadReport]) -> Vec<Unexpected> {
    let mut by_kind: BTreeMap<&str, Vec<&Unexpected>> = BTreeMap::new();
    for one in reports.iter().flat_map(|report| &report.unexpected) {
        by_kind.entry(&one.kind).or_default().push(one);
    }
    by_kind.into_values().flat_map(|of_kind| of_kind.into_iter().take(TOLD)).cloned().collect()
}

/// Those of a contract of several, whose requirements bear its name.
pub(super) fn of_share(name: &str, report: &LoadReport) -> Vec<Unexpected> {
    let named = |one: &Unexpected| one.requirement.as_ref().map(|id| format!("{id}@{name}"));
    report.unexpected.iter().map(|one| Unexpected { requirement: named(one), ..one.clone() }).collect()
}

impl Foreign for Unexpected {
    fn hide(&mut self, redactor: &Redactor) {
        let Self { kind: _, key, sent_at: _, requirement: _, expected, observed } = self;
        [key, expected, observed].into_iter().for_each(|text| text.hide(redactor));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::UnixMicros;
    use crate::contract::reading::read_contract;
    use crate::delivery::{Answer, Delivery, HeaderLine};
    use crate::files;

    /// The member that is wrong is told with what it should be, and the requirement that speaks of it.
    #[test]
    fn first_wrong_answers_of_a_kind_are_told_with_what_was_due() {
        let text = files::shipped_contract("orch-phase3").unwrap().text;
        let contract = read_contract("c", &text, &|_| None).unwrap();
        let record = |status, body: &str| Record {
            key: "k1".to_owned(),
            identity: "k1".to_owned(),
            sha256: "ab".repeat(32),
            delivery: Delivery::default(),
            sent_at: UnixMicros(0),
            answered_at: UnixMicros(1),
            took: Duration::from_micros(1),
            own_delay: Duration::ZERO,
            went_twice: false,
            result: Ok(Answer {
                status,
                headers: vec![HeaderLine { name: "Content-Type".to_owned(), value: "application/json".into() }],
                body: body.to_owned().into(),
            }),
            moved_us: 0,
            referred_as: None,
            refers_to: None,
        };
        let swapped = format!("{{\"accepted\": true, \"payload_sha256\": \"{}\"}}", "cd".repeat(32));
        let told = of(&contract, Kind::Fresh, "fresh".to_owned(), &record(202, &swapped), None);
        assert!(told.expected.contains(&format!("payload_sha256 = \"{}\"", "ab".repeat(32))), "{told:?}");
        assert_eq!(told.observed, format!("payload_sha256 = \"{}\"", "cd".repeat(32)));
        let spoiled = Kind::Spoiled(crate::sign::tamper::Tamper::WrongSecret);
        let told = of(&contract, spoiled, "bad-signature".to_owned(), &record(503, "busy"), None);
        assert_eq!((told.expected.as_str(), told.observed.as_str()), ("refused for its signature (401): status 401", "503 busy"));
        let of_first = |hash: &str| {
            let reference = r#"{"timestamp": "1970-01-01T00:00:00Z", "type": "duplicate"}"#;
            let body = format!("{{\"accepted\": true, \"payload_sha256\": \"{}\", \"reference\": {reference}}}", hash.repeat(32));
            let (again, first) = (record(202, &body), record(202, ""));
            of(&contract, Kind::Duplicate, "duplicate".to_owned(), &again, Some(&first))
        };
        let told = of_first("cd");
        assert_eq!(told.requirement.as_deref(), Some("DUP-3"), "{told:?}");
        assert!(told.expected.contains(&"ab".repeat(32)) && told.observed.contains(&"cd".repeat(32)), "{told:?}");
        let wrongs = Wrongs::default();
        (0..9).for_each(|at| wrongs.note(at % 2, || of(&contract, Kind::Fresh, format!("{}", at % 2), &record(500, ""), None)));
        assert_eq!(wrongs.told().iter().map(|one| one.kind.as_str()).collect::<Vec<_>>(), ["0", "0", "0", "1", "1", "1"]);
    }
}
