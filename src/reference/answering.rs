//! Answers from outcomes: an outcome's description and a delivery's values go
//! in, the answer's bytes come out.

use bytes::Bytes;
use serde_json::Value;

use crate::clock::{UnixMicros, iso};
use crate::contract::outcome::{AnswerForm, MemberValue};
use crate::delivery::{Answer, HeaderLine};
use crate::reference::store::First;

/// What `{placeholders}` of answers and rows stand for.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    /// The delivery's body.
    pub body: &'a Bytes,
    /// Its key.
    pub key: &'a str,
    /// SHA-256 of its body.
    pub sha256: &'a str,
    /// When it was accepted.
    pub ts: Option<UnixMicros>,
    /// The TTL of its key.
    pub ttl: Option<u64>,
    /// The first delivery of the key, for duplicates.
    pub first: Option<&'a First>,
}

/// The placeholders of answers and rows; `body:NAME|NAME` stands for members of the JSON body.
pub const PLACEHOLDERS: [&str; 7] = ["key", "ts", "ttl", "sha256", "first.ts", "first.sha256", "body:NAME|NAME"];

impl Values<'_> {
    /// The text that a placeholder stands for, when it has one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        match name {
            "key" => Some(self.key.to_owned()),
            "sha256" => Some(self.sha256.to_owned()),
            "ts" => self.ts.map(iso::write),
            "ttl" => self.ttl.map(|ttl| ttl.to_string()),
            "first.ts" => self.first.map(|first| iso::write(first.ts)),
            "first.sha256" => self.first.map(|first| first.sha256.clone()),
            other => other.strip_prefix("body:").and_then(|names| names.split('|').find_map(|member| body_member(self.body, member))),
        }
    }
}

/// The text of a top-level member of a JSON body; numbers and flags as they are written.
#[must_use]
pub fn body_member(body: &[u8], member: &str) -> Option<String> {
    match serde_json::from_slice::<Value>(body).ok()?.get(member)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The answer that `outcome` describes.
#[must_use]
pub fn answer(outcome: &AnswerForm, values: &Values<'_>) -> Answer {
    let kept = if outcome.same_body_as_first { values.first.and_then(|first| first.answer.as_ref()) } else { None };
    let body = match kept {
        Some(first) => first.body.clone(),
        None if outcome.body.is_empty() => Bytes::new(),
        None => Bytes::from(json_body(outcome, values).to_string()),
    };
    let mut headers: Vec<HeaderLine> = outcome.headers.iter().map(|(name, value)| HeaderLine::new(name.clone(), value.clone())).collect();
    if !body.is_empty() && !outcome.headers.keys().any(|name| name.eq_ignore_ascii_case("content-type")) {
        headers.push(HeaderLine::new("Content-Type", "application/json"));
    }
    Answer { status: outcome.status, headers, body }
}

fn json_body(outcome: &AnswerForm, values: &Values<'_>) -> Value {
    let mut body = Value::Object(serde_json::Map::new());
    for member in &outcome.body {
        let value = match &member.is {
            MemberValue::Constant(constant) => constant.clone(),
            MemberValue::Text(text) => text.fill(&|name| values.get(name)).map_or(Value::Null, Value::String),
        };
        put(&mut body, &member.member, value);
    }
    body
}

/// Puts `value` under a dotted path, making the objects on the way.
fn put(into: &mut Value, path: &str, value: Value) {
    let mut place = into;
    for name in path.split('.') {
        if !place.is_object() {
            *place = Value::Object(serde_json::Map::new());
        }
        place = &mut place[name];
    }
    *place = value;
}
