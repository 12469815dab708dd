//! Answers from outcomes: a description and a delivery's values go in, the
//! answer's bytes come out.

use bytes::Bytes;
use serde_json::Value;

use crate::contract::outcome::{AnswerForm, MemberValue};
use crate::delivery::{Answer, HeaderLine};
use crate::message::put_member;
use crate::outcome::members::Values;

/// The answer that `form` describes.
///
/// * `first`: the answer of the first delivery, for descriptions that repeat it.
#[must_use]
pub fn answer(form: &AnswerForm, values: &Values<'_>, first: Option<&Answer>) -> Answer {
    let kept = first.filter(|_| form.same_body_as_first);
    let body = match kept {
        Some(first) => first.body.clone(),
        None if form.body.is_empty() => Bytes::new(),
        None => Bytes::from(json_body(form, values).to_string()),
    };
    let mut headers: Vec<HeaderLine> = form.headers.iter().map(|(name, value)| HeaderLine::new(name.clone(), value.clone())).collect();
    if !body.is_empty() && !form.headers.keys().any(|name| name.eq_ignore_ascii_case("content-type")) {
        let of_first = kept.and_then(|first| first.header("content-type"));
        headers.push(HeaderLine::new("Content-Type", of_first.unwrap_or_else(|| "application/json".to_owned())));
    }
    Answer { status: form.status, headers, body }
}

fn json_body(form: &AnswerForm, values: &Values<'_>) -> Value {
    let mut body = Value::Object(serde_json::Map::new());
    for member in &form.body {
        let value = match &member.is {
            MemberValue::Constant(constant) => constant.clone(),
            MemberValue::Text(text) => text.fill(&|name| values.get(name)).map_or(Value::Null, Value::String),
        };
        put_member(&mut body, &member.member, value);
    }
    body
}
