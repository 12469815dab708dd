//! Messages: what stands in a body, by path and by field. Bytes in, text out.
//!
//! Reading is here; bodies are changed in [`spelling`].

pub mod spelling;

use serde_json::Value;

/// The member under a dotted path; a number counts into a list.
#[must_use]
pub fn member_at<'v>(body: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(body, |value, name| match value {
        Value::Array(items) => name.parse::<usize>().ok().and_then(|at| items.get(at)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => value.get(name),
    })
}

/// Whether two are the same JSON: of numbers the value counts, not the spelling (`7` is `7.0`; RFC 8259, section 6).
#[must_use]
pub fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) => a == b || (a.is_f64() != b.is_f64() && a.as_f64() == b.as_f64()),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b)),
        (Value::Object(a), Value::Object(b)) => a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| is_same(a, b))),
        (_, _) => one == other,
    }
}

/// Puts `value` under a dotted path, making the objects on the way.
pub fn put_member(into: &mut Value, path: &str, value: Value) {
    let mut place = into;
    for name in path.split('.') {
        if !place.is_object() {
            *place = Value::Object(serde_json::Map::new());
        }
        place = &mut place[name];
    }
    *place = value;
}

/// The member of a JSON body under a dotted path.
#[must_use]
pub fn member_in(body: &[u8], path: &str) -> Option<Value> {
    member_at(&serde_json::from_slice::<Value>(body).ok()?, path).cloned()
}

/// The text of a member of a JSON body, by its dotted path; numbers and flags as they are written.
#[must_use]
pub fn member_text(body: &[u8], path: &str) -> Option<String> {
    match &member_in(body, path)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The first value of a field of a form body (`application/x-www-form-urlencoded`), decoded.
#[must_use]
pub fn form_field(body: &[u8], field: &str) -> Option<Vec<u8>> {
    form_pairs(body).find(|(name, _)| name == field.as_bytes()).map(|(_, value)| value)
}

/// Every name of a form body with its value, decoded, in the order of the body.
pub fn form_pairs(body: &[u8]) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> + '_ {
    body.split(|byte| *byte == b'&').map(|pair| {
        let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        (decoded(&pair[..end]), decoded(pair.get(end + 1..).unwrap_or_default()))
    })
}

fn decoded(text: &[u8]) -> Vec<u8> {
    unescaped(text, b' ')
}

/// Bytes as a part of a path: all but letters, digits and `-._~` are percent-encoded.
#[must_use]
pub fn percent_encoded(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len()), |mut text, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(char::from(*byte)),
            other => text.push_str(&format!("%{other:02X}")),
        }
        text
    })
}

/// A part of a path, decoded: a plus stands for itself.
#[must_use]
pub fn percent_decoded(text: &[u8]) -> Vec<u8> {
    unescaped(text, b'+')
}

/// * `plus`: what a plus stands for.
fn unescaped(text: &[u8], plus: u8) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low),
            (_, _) => None,
        };
        rest = if escaped.is_some() { &tail[2..] } else { tail };
        match escaped {
            Some(byte) => bytes.push(byte),
            None => bytes.push(if *first == b'+' { plus } else { *first }),
        }
    }
    bytes
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// JSON in one spelling: members in the order of their names, no white space; `None` for what is no JSON.
#[must_use]
pub fn canonical_json(body: &[u8]) -> Option<String> {
    fn sorted(value: Value) -> Value {
        match value {
            Value::Object(members) => {
                let mut all: Vec<(String, Value)> = members.into_iter().map(|(name, value)| (name, sorted(value))).collect();
                all.sort_by(|a, b| a.0.cmp(&b.0));
                Value::Object(all.into_iter().collect())
            }
            Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
        }
    }
    serde_json::from_slice(body).ok().map(|value| sorted(value).to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Two spellings of one JSON become the same text.
    #[test]
    fn json_has_one_spelling() {
        assert_eq!(canonical_json(b"{ \"b\": [1, {\"d\":2,\"c\":3}],\"a\":null}").as_deref(), Some(r#"{"a":null,"b":[1,{"c":3,"d":2}]}"#));
        assert_eq!(canonical_json(b"nothing"), None);
    }

    /// Numbers are the same by their value, wherever they stand; whole ones that a float cannot tell apart are two.
    #[test]
    fn numbers_are_compared_by_value() {
        for (one, other, same) in [
            (json!(7), json!(7.0), true),
            (json!({"a": [1.0, "x"]}), json!({"a": [1, "x"]}), true),
            (json!(7), json!(7.5), false),
            (json!(7), json!("7"), false),
            (json!(9_007_199_254_740_993_i64), json!(9_007_199_254_740_992_i64), false),
            (json!({"a": 1}), json!({"a": 1, "b": 2}), false),
        ] {
            assert_eq!(is_same(&one, &other), same, "{one} {other}");
        }
    }
}
