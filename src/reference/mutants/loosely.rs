//! Bodies as one defect compares them: what is small in its eyes is left out.

use serde_json::Value;

/// What is left of a body: nothing of one that is no JSON, and of JSON neither the case and the blanks of its text, nor nulls, nor the
/// types of its values, nor the order of its lists.
pub(super) fn loosely(body: &[u8]) -> String {
    fn left(value: &Value) -> String {
        match value {
            Value::Object(members) => {
                let mut all: Vec<String> =
                    members.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| format!("{name}={}", left(value))).collect();
                all.sort();
                format!("{{{}}}", all.join(","))
            }
            Value::Array(items) => {
                let mut all: Vec<String> = items.iter().map(left).collect();
                all.sort();
                format!("[{}]", all.join(","))
            }
            Value::String(text) => text.trim().to_lowercase(),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        }
    }
    serde_json::from_slice::<Value>(body).map(|value| left(&value)).unwrap_or_default()
}
