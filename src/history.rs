//! Histories: every delivery of a run, what was sent and what came back, when.
//!
//! Takes what the run observed, gives one JSON line an [`Operation`]
//! (`history.jsonl`). Long bodies are kept as size and hash: enough to judge
//! again, not enough to fill a disk. Nothing is written to a file here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::check::Record;
use crate::clock::iso;
use crate::delivery::HeaderLine;
use crate::sign::sha256_hex;

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
    /// When it was sent, by the receiver's clock, UTC.
    pub sent_at: String,
    /// When its answer had come, by the receiver's clock, UTC.
    pub answered_at: String,
    /// How long the answer took, in microseconds.
    pub took_us: u64,
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
}

impl BodyBytes {
    /// A body as it is kept.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        let short = body.len() <= WHOLE_BODY_BYTES;
        let text = short.then(|| std::str::from_utf8(body).ok().map(str::to_owned)).flatten();
        let base64 = (short && text.is_none()).then(|| STANDARD.encode(body));
        Self { bytes: body.len(), sha256: sha256_hex(body), text, base64 }
    }
}

impl Operation {
    /// What one record of a scenario's step leaves in the history.
    #[must_use]
    pub fn of(scenario: &str, step: usize, name: Option<&str>, record: &Record) -> Self {
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
            sent_at: iso::write(record.sent_at),
            answered_at: iso::write(record.answered_at),
            took_us: u64::try_from(record.took.as_micros()).unwrap_or(u64::MAX),
            method: record.delivery.method.clone(),
            path: record.delivery.path.clone(),
            headers: lines(&record.delivery.headers),
            body: BodyBytes::of(&record.delivery.body),
            answer,
            no_answer: record.result.as_ref().err().map(ToString::to_string),
        }
    }
}

fn lines(headers: &[HeaderLine]) -> Vec<(String, String)> {
    headers.iter().map(|line| (line.name.clone(), String::from_utf8_lossy(&line.value).into_owned())).collect()
}
