//! Histories: every delivery of a run, what was sent and what came back, when.
//!
//! Takes what the run observed, gives one JSON line an [`Operation`]
//! (`history.jsonl`), and a line for each reading of an event stream ([`stream`]). Long bodies are kept as size and hash: enough to judge
//! again, not enough to fill a disk. Nothing is written to a file here.

pub mod consistency;
mod doubtful;
mod foreign;
pub mod record;
pub mod stream;

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::clock::{UnixMicros, iso};
use crate::contract::Contract;
use crate::delivery::{Answer, Delivery, HeaderLine, NoAnswer};
use crate::history::consistency::Judgement;
use crate::history::record::{Record, referred_instant};
use crate::history::stream::KeptReading;
use crate::outcome::reader::Reader;
use crate::outcome::{Outcome, OutcomeSet};
use crate::sign::sha256_hex;

/// What deliveries without an answer are counted under, beside the statuses.
pub const NO_STATUS: &str = "none";
/// Bodies up to this many bytes are kept whole.
const WHOLE_BODY_BYTES: usize = 4096;

/// One delivery and its answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Operation {
    /// The scenario variant.
    pub scenario: String,
    /// The step, from 1.
    pub step: usize,
    /// The name that the scenario gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The idempotency key; empty when there is none.
    pub key: String,
    /// What the delivery is known by, where that is not the key alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// When it was sent, by the receiver's clock, UTC.
    pub sent_at: String,
    /// When its answer had come, by the receiver's clock, UTC.
    pub answered_at: String,
    /// How long the answer took, in microseconds.
    pub took_us: u64,
    /// How much of that was our own lateness, in microseconds, where it took longer than the contract allows.
    #[serde(default, skip_serializing_if = "is_none")]
    pub own_delay_us: u64,
    /// Whether its connection met its end before an answer began, and the same delivery went again: the next line is of that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub goes_again: bool,
    /// What the answer is, under the contract.
    #[serde(default)]
    pub outcome: OutcomeSet,
    /// The instant that a duplicate's answer refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refers_to: Option<String>,
    /// How far the key's rows had been moved back by then, in microseconds: so much older the key is.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub moved_us: i64,
    /// Whether the delivery brought a TTL of its own, so that its key has another life.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own_ttl: bool,
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Header lines in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: BodyBytes,
    /// The answer, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<AnswerBytes>,
    /// Why there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_answer: Option<String>,
    /// It is no delivery: an event stream was asked for, and this came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<KeptReading>,
}

fn is_none(micros: &u64) -> bool {
    *micros == 0
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// An answer's bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AnswerBytes {
    /// The status.
    pub status: u16,
    /// Header lines in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: BodyBytes,
}

/// A body: whole when it is short, else its size and hash.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BodyBytes {
    /// How many bytes.
    pub bytes: usize,
    /// SHA-256, lower-case hex.
    pub sha256: String,
    /// The text, when it is short and UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The bytes in base64, when they are few and not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// Something in it was a secret, and is hidden: it is not the body any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

impl BodyBytes {
    /// A body as it is kept.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        let short = body.len() <= WHOLE_BODY_BYTES;
        let text = short.then(|| std::str::from_utf8(body).ok().map(str::to_owned)).flatten();
        let base64 = (short && text.is_none()).then(|| STANDARD.encode(body));
        Self { bytes: body.len(), sha256: sha256_hex(body), text, base64, hidden: false }
    }

    /// The body, when it was kept whole, and nothing of it is hidden.
    #[must_use]
    pub fn whole(&self) -> Option<Bytes> {
        if self.hidden {
            return None;
        }
        match (&self.text, &self.base64) {
            (Some(text), _) => Some(Bytes::copy_from_slice(text.as_bytes())),
            (None, Some(base64)) => STANDARD.decode(base64).ok().map(Bytes::from),
            (None, None) => None,
        }
    }

    /// Whether size and hash are those of `body`.
    #[must_use]
    pub fn is_of(&self, body: &[u8]) -> bool {
        body.len() == self.bytes && sha256_hex(body) == self.sha256
    }
}

impl Operation {
    /// What the delivery is known by.
    #[must_use]
    pub fn identity(&self) -> &str {
        self.identity.as_deref().unwrap_or(&self.key)
    }

    /// The record that left this line; `None` where it cannot be made again: the body of its answer was not kept, or something of it is hidden.
    #[must_use]
    pub fn record(&self, contract: &Contract) -> Option<Record> {
        let result = match &self.answer {
            Some(answer) => Ok(Answer {
                status: answer.status,
                headers: header_lines(&answer.headers),
                body: answer.body.whole().filter(|body| answer.body.is_of(body))?,
            }),
            None => Err(NoAnswer::read(self.no_answer.as_deref().unwrap_or_default())),
        };
        let at = |text: &str| iso::read(text).map_or(UnixMicros(0), |(at, _)| at);
        Some(Record {
            own_delay: Duration::from_micros(self.own_delay_us),
            went_twice: false,
            key: self.key.clone(),
            identity: self.identity().to_owned(),
            sha256: self.body.sha256.clone(),
            delivery: Delivery {
                method: self.method.clone(),
                path: self.path.clone(),
                headers: header_lines(&self.headers),
                // Of a long body the hash is enough: nothing else of it is judged.
                body: self.body.whole().unwrap_or_default(),
            },
            sent_at: at(&self.sent_at),
            answered_at: at(&self.answered_at),
            took: Duration::from_micros(self.took_us),
            refers_to: result.as_ref().ok().and_then(|answer| referred_instant(contract, answer)),
            result,
            moved_us: self.moved_us,
            referred_as: None,
        })
    }

    /// Whether it is of the same delivery as `other`, of which it was the first attempt.
    #[must_use]
    pub fn is_attempt_at(&self, other: &Self) -> bool {
        self.goes_again
            && (self.step, &self.key, &self.path, &self.headers) == (other.step, &other.key, &other.path, &other.headers)
            && self.body.sha256 == other.body.sha256
    }

    /// What one record of a scenario's step leaves in the history.
    #[must_use]
    pub fn of(scenario: &str, step: usize, name: Option<&str>, record: &Record, reader: &Reader, moved_us: i64) -> Self {
        let contract = reader.contract();
        let ttl_header = contract.ttl.as_ref().and_then(|ttl| ttl.header.as_deref());
        let answer = record.result.as_ref().ok().map(|answer| AnswerBytes {
            status: answer.status,
            headers: lines(&answer.headers),
            body: BodyBytes::of(&answer.body),
        });
        Self {
            scenario: scenario.to_owned(),
            step,
            name: name.map(str::to_owned),
            key: record.key.clone(),
            identity: (record.identity != record.key).then(|| record.identity.clone()),
            sent_at: iso::write(record.sent_at),
            answered_at: iso::write(record.answered_at),
            took_us: u64::try_from(record.took.as_micros()).unwrap_or(u64::MAX),
            own_delay_us: u64::try_from(record.own_delay.as_micros()).unwrap_or(u64::MAX),
            goes_again: false,
            outcome: record.outcome(reader),
            refers_to: record.refers_to.clone(),
            moved_us,
            own_ttl: ttl_header.is_some_and(|name| record.delivery.header(name).is_some()),
            method: record.delivery.method.clone(),
            path: record.delivery.path.clone(),
            headers: lines(&record.delivery.headers),
            body: BodyBytes::of(&record.delivery.body),
            answer,
            no_answer: record.result.as_ref().err().map(ToString::to_string),
            stream: None,
        }
    }
}

/// What a reader of the report should know of so many deliveries that went twice; nothing when none did.
#[must_use]
pub fn sent_again_note(times: usize) -> Option<String> {
    (times > 0).then(|| {
        format!(
            "{times} time(s) a connection that had been answered over was closed while a delivery went out, and the delivery was sent again over a new one. What became of the first is unknown: the second may be accepted, or be its duplicate."
        )
    })
}

/// How many answers hold something that is hidden.
#[must_use]
pub fn hidden_answers<'h, I: IntoIterator<Item = &'h Operation>>(operations: I) -> usize {
    operations.into_iter().filter(|one| one.answer.as_ref().is_some_and(|answer| answer.body.hidden)).count()
}

/// How many deliveries of each scenario got which status; those without an answer under `none`.
#[must_use]
pub fn statuses(operations: &[Operation]) -> BTreeMap<&str, BTreeMap<String, u64>> {
    let mut all: BTreeMap<&str, BTreeMap<String, u64>> = BTreeMap::new();
    for one in operations.iter().filter(|one| one.is_delivery()) {
        let status = one.answer.as_ref().map_or_else(|| NO_STATUS.to_owned(), |answer| answer.status.to_string());
        *all.entry(&one.scenario).or_default().entry(status).or_default() += 1;
    }
    all
}

/// Judges what was answered to every key; gives the keys by their numbers beside it.
///
/// Keys whose life another TTL than the law's decides, keys that a receiver may
/// write otherwise than they came, keys of which one delivery bore several, and
/// keys of which one was taken in a scope that is left open are left out. Where a key makes no delivery idempotent there is nothing to
/// judge: `None`.
#[must_use]
pub fn judge<'h>(operations: &'h [Operation], contract: &Contract, ttl_secs: Option<u64>) -> Option<(Judgement, Vec<&'h str>)> {
    if !contract.is_by_key() {
        return None;
    }
    let mut numbers: BTreeMap<&str, Option<u32>> = BTreeMap::new();
    let mut keys: Vec<&str> = Vec::new();
    for one in operations.iter().filter(|one| one.is_delivery()) {
        let plain = one.key.bytes().all(|byte| byte.is_ascii_graphic()) && (1..=255).contains(&one.key.len()) && !one.own_ttl;
        let known = numbers.entry(one.identity()).or_insert_with(|| {
            keys.push(one.identity());
            u32::try_from(keys.len() - 1).ok()
        });
        if !plain {
            *known = None;
        }
    }
    for identity in doubtful::identities(operations, contract) {
        if let Some(number) = numbers.get_mut(identity.as_str()) {
            *number = None;
        }
    }
    let instant = |text: &str| iso::read(text).map(|(at, _)| at.0);
    let lines = |one: &'h Operation| one.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let is_provoked = |one: &'h Operation| contract.provoke().is_some_and(|provoke| provoke.is_asked_by(lines(one)));
    // A failure that was provoked has taken no effect; any other one may have.
    let may_take_effect = |one: &'h Operation| one.outcome.is_unknown() && !(one.outcome.is(Outcome::Failed) && is_provoked(one));
    let mut history: Vec<consistency::Operation> = operations
        .iter()
        .filter(|one| one.is_delivery())
        .filter_map(|one| {
            let (sent, answered) = (instant(&one.sent_at)?, instant(&one.answered_at)?);
            // Where rows were moved back, what refers to them is on the clock as it was.
            let refers_to = one.refers_to.as_deref().filter(|_| one.moved_us == 0).and_then(instant);
            Some(consistency::Operation {
                key: numbers.get(one.identity()).copied().flatten()?,
                outcome: one.outcome,
                invoked: sent.saturating_add(one.moved_us),
                returned: if may_take_effect(one) { consistency::NEVER } else { answered.saturating_add(one.moved_us) },
                refers_to: refers_to.unwrap_or(consistency::NEVER),
            })
        })
        .collect();
    let life = ttl_secs.map(|ttl| i64::try_from(ttl).unwrap_or(i64::MAX).saturating_mul(1_000_000));
    Some((consistency::judge(&mut history, &mut [], consistency::Law { life, replays_failures: contract.replays_failures() }), keys))
}

fn header_lines(headers: &[(String, String)]) -> Vec<HeaderLine> {
    headers.iter().map(|(name, value)| HeaderLine { name: name.clone(), value: Bytes::copy_from_slice(value.as_bytes()) }).collect()
}

fn lines(headers: &[HeaderLine]) -> Vec<(String, String)> {
    headers.iter().map(|line| (line.name.clone(), String::from_utf8_lossy(&line.value).into_owned())).collect()
}
