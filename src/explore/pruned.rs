//! Values without what they say by saying nothing: a step as somebody would write it by hand.
//!
//! In: steps and their parts. Out: the same as JSON in which no member stands that is as it is without it; two
//! descriptions of a delivery laid over each other; and YAML in the flow style, as scenarios have it.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Members whose own members are somebody else's names: nothing in them is left out.
const FOREIGN: [&str; 6] = ["body", "columns", "headers", "matches", "capture", "risen"];
/// What members are without being said.
const USUAL: [(&str, &str); 4] = [("header_case", "any"), ("framing", "content-length"), ("connection", "any"), ("bodies", "alike")];
/// Members that say something also where they are empty.
const KEPT: [&str; 5] = ["deliver", "restart", "state", "raw", "text"];

/// A value without members that say nothing; `None` where it cannot be written at all.
pub fn pruned<T: Serialize>(value: &T) -> Option<Value> {
    serde_json::to_value(value).ok().map(without_the_usual)
}

fn without_the_usual(value: Value) -> Value {
    match value {
        Value::Object(mut members) => {
            // One key is what a burst has where it does not say how many.
            if members.contains_key("each") && members.get("keys").and_then(Value::as_u64) == Some(1) {
                members.remove("keys");
            }
            if members.contains_key("each")
                && members.get("deliver").is_some_and(|one| without_the_usual(one.clone()) == Value::Object(Map::new()))
            {
                members.remove("deliver");
            }
            Value::Object(members.into_iter().filter_map(said).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_the_usual).collect()),
        other => other,
    }
}

/// A member, where it says something.
fn said((name, value): (String, Value)) -> Option<(String, Value)> {
    if FOREIGN.contains(&name.as_str()) && value.is_object() {
        return (!value.as_object().is_some_and(Map::is_empty)).then_some((name, value));
    }
    let value = without_the_usual(value);
    let is_usual = match &value {
        Value::Null | Value::Bool(false) => true,
        // A stream that is to tell of nothing says so by an empty list.
        Value::Array(items) => items.is_empty() && name != "tells" && name != "tells_all",
        Value::Object(members) => members.is_empty() && !KEPT.contains(&name.as_str()),
        Value::String(text) => USUAL.contains(&(name.as_str(), text.as_str())),
        Value::Number(_) | Value::Bool(true) => false,
    };
    (!is_usual).then_some((name, value))
}

/// One description laid over another; `None` where both say something of the same member.
pub fn laid_over<T: Serialize + DeserializeOwned>(one: &T, other: &T) -> Option<T> {
    let (Value::Object(mut members), Value::Object(more)) = (pruned(one)?, pruned(other)?) else { return None };
    for (name, value) in more {
        if members.insert(name, value).is_some() {
            return None;
        }
    }
    serde_json::from_value(Value::Object(members)).ok()
}

/// A value in YAML's flow style, on one line.
pub fn flow(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let each: Vec<String> = members.iter().map(|(name, value)| format!("{}: {}", scalar(name), flow(value))).collect();
            format!("{{{}}}", each.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::String(text) => scalar(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// A text as YAML reads it, also within braces: plain where it is a word or several, else as JSON has it.
#[must_use]
pub fn scalar(text: &str) -> String {
    let begins = text.chars().next().is_some_and(|first| first.is_ascii_alphabetic());
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '+') || c == ' ';
    let is_word = !matches!(text.to_ascii_lowercase().as_str(), "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n");
    if begins && is_word && text.chars().all(plain) && text.trim() == text {
        text.to_owned()
    } else {
        // A control character that JSON lets through would be none of YAML's.
        let quoted = Value::String(text.to_owned()).to_string();
        quoted.chars().map(|c| if c.is_control() || c == '\u{feff}' { format!("\\u{:04x}", c as u32) } else { c.to_string() }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Step;
    use crate::scenario::deliver::{Deliver, Framing};

    fn step(text: &str) -> Step {
        serde_json::from_str(text).expect("it is a step")
    }

    /// What a step says stays, an empty body and a number that is nothing too, and is read again as it was.
    #[test]
    fn steps_are_written_as_by_hand_and_read_again() {
        for (text, written) in [
            (r#"{"deliver": {}, "expect": "accepted"}"#, "{deliver: {}, expect: accepted}"),
            (r#"{"deliver": {"raw": ""}, "answer": {"body": {"ok": false}}}"#, r#"{deliver: {raw: ""}, answer: {body: {ok: false}}}"#),
            (r#"{"burst": {"each": 2}, "counts": {"accepted": 1, "other": 0}}"#, "{burst: {each: 2}, counts: {accepted: 1, other: 0}}"),
            (r#"{"deliver": {"key": "{unique}: #1", "ttl": 0}}"#, r##"{deliver: {key: "{unique}: #1", ttl: 0}}"##),
            (r#"{"restart": {"kill": false}}"#, "{restart: {}}"),
            (r#"{"stream": {"of": "s", "unread": false, "expect": [{"tells": []}]}}"#, "{stream: {of: s, expect: [{tells: []}]}}"),
        ] {
            let value = pruned(&step(text)).expect("it is JSON");
            assert_eq!(flow(&value), written);
            assert_eq!(pruned(&step(&value.to_string())), Some(value), "{text}");
        }
    }

    /// Two descriptions are one where they do not speak of the same.
    #[test]
    fn deliveries_are_laid_over_each_other() {
        let chunked = Deliver { framing: Framing::Chunked, ..Deliver::default() };
        let long = Deliver { body: Some("long-log.json".to_owned()), ..Deliver::default() };
        let both = laid_over(&chunked, &long).expect("they speak of different things");
        assert_eq!((both.framing, both.body.as_deref()), (Framing::Chunked, Some("long-log.json")));
        assert!(laid_over(&both, &chunked).is_none());
    }
}
