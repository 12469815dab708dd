//! Bodies that may have been signed in place of the one that came.
//!
//! Takes a body, gives what line ends, white space and libraries that write JSON
//! anew make of it, each with its code and its words.

use serde_json::Value;

use super::Deviation;
use crate::message::canonical_json;
use crate::message::spelling::quoted;

/// Bodies that may have been signed in place of the one that came.
pub(super) fn bodies_of(body: &[u8]) -> Vec<Deviation<Vec<u8>>> {
    let with = |end: &[u8]| [body, end].concat();
    let mut all = vec![
        ("trailing-newline", "the sender signed the body with a line end behind it, which was lost", with(b"\n")),
        ("trailing-newline", "the sender signed the body with a line end (CR LF) behind it, which was lost", with(b"\r\n")),
    ];
    let without = body.strip_suffix(b"\r\n").or_else(|| body.strip_suffix(b"\n"));
    all.extend(without.map(|body| ("trailing-newline", "a line end stands behind the body that the sender did not sign", body.to_vec())));
    if body.trim_ascii() != body {
        all.push(("white-space", "white space stands around the body that the sender did not sign", body.trim_ascii().to_vec()));
    }
    let text = String::from_utf8_lossy(body);
    let lines = text.replace("\r\n", "\n");
    all.push(("line-ends", "the line ends of the body were changed from LF to CR LF", lines.clone().into_bytes()));
    all.push(("line-ends", "the line ends of the body were changed from CR LF to LF", lines.replace('\n', "\r\n").into_bytes()));
    all.extend(
        body.strip_prefix(b"\xef\xbb\xbf").map(|body| ("byte-order-mark", "a byte order mark stands before the body", body.to_vec())),
    );
    for (words, json) in spellings(body) {
        all.push(("re-serialised", words, json.into_bytes()));
    }
    all.push(("no-body", "the sender signed an empty body", Vec::new()));
    all
}

/// The JSON of a body in the spellings that libraries write.
fn spellings(body: &[u8]) -> Vec<(&'static str, String)> {
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return Vec::new() };
    let sorted = canonical_json(body).unwrap_or_default();
    let compact = value.to_string();
    let escaped = |text: &str| text.chars().map(|c| if c.is_ascii() { c.to_string() } else { utf16_escapes(c) }).collect::<String>();
    let with_blanks = spaced(&value);
    vec![
        ("the body is JSON that was written anew: the signature holds over its compact form, without blanks", compact.clone()),
        (
            "the body is JSON that was written anew: the signature holds over its form with blanks after commas and colons",
            with_blanks.clone(),
        ),
        ("the body is JSON that was written anew: the signature holds over its compact form with sorted members", sorted.clone()),
        (
            "the body is JSON that was written anew: the signature holds over its form with blanks and escapes beyond ASCII",
            escaped(&with_blanks),
        ),
        ("the body is JSON that was written anew: the signature holds over its compact form with escapes beyond ASCII", escaped(&compact)),
        ("the body is JSON that was written anew: the signature holds over its sorted form with escapes beyond ASCII", escaped(&sorted)),
        ("the body is JSON that was written anew: the signature holds over its form in lines, indented by two", in_lines(&value, 2)),
        ("the body is JSON that was written anew: the signature holds over its form in lines, indented by four", in_lines(&value, 4)),
        (
            "the body is JSON that was written anew: the signature holds over its compact form with escaped slashes",
            compact.replace('/', "\\/"),
        ),
    ]
}

/// JSON with a blank after each comma and colon, as Python's library writes it.
fn spaced(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let inner: Vec<String> = members.iter().map(|(name, value)| format!("{}: {}", quoted(name), spaced(value))).collect();
            format!("{{{}}}", inner.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(spaced).collect::<Vec<_>>().join(", ")),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

/// JSON in lines, indented by so many blanks.
fn in_lines(value: &Value, blanks: usize) -> String {
    let by_two = serde_json::to_string_pretty(value).unwrap_or_default();
    let lines = by_two.lines().map(|line| {
        let text = line.trim_start_matches(' ');
        format!("{}{text}", " ".repeat((line.len() - text.len()) / 2 * blanks))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn utf16_escapes(c: char) -> String {
    let mut units = [0; 2];
    c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Python 3 writes it: `json.dumps(v)`, and `json.dumps(v, indent=4)` without escapes.
    #[test]
    fn json_is_written_as_libraries_write_it() {
        let value: Value = serde_json::from_str(r#"{"b":[1,{"a":"\u00eb"}],"a":null}"#).expect("JSON");
        assert_eq!(spaced(&value), r#"{"b": [1, {"a": "ë"}], "a": null}"#);
        assert_eq!(
            in_lines(&value, 4),
            "{\n    \"b\": [\n        1,\n        {\n            \"a\": \"ë\"\n        }\n    ],\n    \"a\": null\n}"
        );
        assert_eq!(utf16_escapes('ë') + &utf16_escapes('😀'), "\\u00eb\\ud83d\\ude00");
    }
}
