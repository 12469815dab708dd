//! Bodies that may have been signed in place of the one that came.
//!
//! Takes a body, gives what line ends, white space and libraries that write JSON
//! anew make of it, each with its code and its words.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::super::DigestName;
use super::Deviation;
use crate::delivery::Delivery;
use crate::message::canonical_json;
use crate::message::spelling::quoted;

/// Bodies that may have been signed in place of the one that came.
pub(super) fn bodies_of(body: &[u8]) -> Vec<(&'static str, String, Vec<u8>)> {
    let with = |end: &[u8]| [body, end].concat();
    let mut all: Vec<Deviation<Vec<u8>>> = vec![
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
    all.push(("no-body", "the sender signed an empty body", Vec::new()));
    let mut all: Vec<(&'static str, String, Vec<u8>)> = all.into_iter().map(|(code, words, body)| (code, words.to_owned(), body)).collect();
    all.extend(spellings(body).into_iter().map(|(words, json)| ("re-serialised", words, json.into_bytes())));
    all
}

/// The JSON of a body in the spellings that libraries write: order, blanks and lines, escapes, a line end.
fn spellings(body: &[u8]) -> Vec<(String, String)> {
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return Vec::new() };
    let sorted = canonical_json(body).and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let mut all = Vec::new();
    for (order, value) in std::iter::once(("", &value)).chain(sorted.as_ref().map(|sorted| (" with sorted members", sorted))) {
        for (layout, text) in [
            ("compact form, without blanks", value.to_string()),
            ("form with blanks after commas and colons", spaced(value)),
            ("form in lines, indented by two", in_lines(value, "  ")),
            ("form in lines, indented by four", in_lines(value, "    ")),
            ("form in lines, indented by tabs", in_lines(value, "\t")),
        ] {
            for (escapes, text) in escaped(&text) {
                let words = format!("the body is JSON that was written anew: the signature holds over its {layout}{order}{escapes}");
                all.push((format!("{words}, with a line end behind it"), format!("{text}\n")));
                all.push((words, text));
            }
        }
    }
    all
}

/// A JSON text with the escapes that libraries write, and without any.
fn escaped(text: &str) -> Vec<(&'static str, String)> {
    let ascii = |text: &str| text.chars().map(|c| if c.is_ascii() { c.to_string() } else { utf16_escapes(c) }).collect::<String>();
    let marked = |text: &str| {
        let is_of_markup = |c: char| matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}');
        text.chars().map(|c| if is_of_markup(c) { utf16_escapes(c) } else { c.to_string() }).collect::<String>()
    };
    let slashes = text.replace('/', "\\/");
    let mut all = vec![
        ("", text.to_owned()),
        (" and escapes beyond ASCII", ascii(text)),
        (" and escapes of markup", marked(text)),
        (" and escaped slashes", slashes.clone()),
        (" and escapes beyond ASCII and of slashes", ascii(&slashes)),
        (" and escapes beyond ASCII and of markup", ascii(&marked(text))),
    ];
    all.dedup_by(|one, earlier| one.1 == earlier.1);
    all
}

/// JSON with a blank after each comma and colon, as Python's library writes it.
pub(crate) fn spaced(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let inner: Vec<String> = members.iter().map(|(name, value)| format!("{}: {}", quoted(name), spaced(value))).collect();
            format!("{{{}}}", inner.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(spaced).collect::<Vec<_>>().join(", ")),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

/// JSON in lines, indented by this text.
fn in_lines(value: &Value, indent: &str) -> String {
    let by_two = serde_json::to_string_pretty(value).unwrap_or_default();
    let lines = by_two.lines().map(|line| {
        let text = line.trim_start_matches(' ');
        format!("{}{text}", indent.repeat((line.len() - text.len()) / 2))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn utf16_escapes(c: char) -> String {
    let mut units = [0; 2];
    c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

/// Bodies that are longer are not tried byte by byte.
const LONGEST_TRIED: usize = 1024;

/// Every body from which this one is a byte away, with what became of it; bytes of text alone are put in.
pub(super) fn bytes_away(body: &[u8]) -> impl Iterator<Item = (String, Vec<u8>)> + '_ {
    let tried = if body.len() > LONGEST_TRIED { 0 } else { body.len() };
    let text = || (b' '..=b'~').chain(*b"\n\r\t");
    let changed = (0..tried).flat_map(move |at| {
        text().filter(move |byte| *byte != body[at]).map(move |byte| {
            let mut other = body.to_vec();
            other[at] = byte;
            (format!("its byte {at} is {}, and {} was signed", shown(body[at]), shown(byte)), other)
        })
    });
    let surplus = (0..tried).map(move |at| {
        let mut other = body.to_vec();
        let byte = other.remove(at);
        (format!("its byte {at}, {}, was not signed", shown(byte)), other)
    });
    let missing = (0..=tried).filter(move |_| tried > 0).flat_map(move |at| {
        text().map(move |byte| {
            let mut other = body.to_vec();
            other.insert(at, byte);
            (format!("{} is missing at byte {at}", shown(byte)), other)
        })
    });
    changed.chain(surplus).chain(missing)
}

fn shown(byte: u8) -> String {
    format!("`{}`", byte.escape_ascii())
}

/// Whether a body is the one that was sent, as far as its length and its digests tell that travel beside it, unsigned or not.
pub(super) fn evidence_of(delivery: &Delivery) -> Option<(String, bool)> {
    let text = |name: &str| delivery.header(name).and_then(|value| std::str::from_utf8(value).ok()).map(str::trim);
    let body = &delivery.body[..];
    if let Some(length) = text("content-length").and_then(|value| value.parse::<usize>().ok()).filter(|length| *length != body.len()) {
        return Some((format!("it has {} bytes, and Content-Length says {length}", body.len()), false));
    }
    let digest = |name: &str| match name.to_ascii_lowercase().as_str() {
        "sha-256" => Some(DigestName::Sha256.hash(body)),
        "sha-512" => Some(DigestName::Sha512.hash(body)),
        _ => None,
    };
    for header in ["Content-Digest", "Repr-Digest", "Digest"] {
        for item in text(header).unwrap_or_default().split(',') {
            let Some((name, value)) = item.trim().split_once('=') else { continue };
            if let Some(own) = digest(name) {
                let is_it = STANDARD.encode(own) == value.trim_matches(':');
                let words = if is_it { "fits it" } else { "is of another body" };
                return Some((format!("its digest in {header} {words}"), is_it));
            }
        }
    }
    None
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
            in_lines(&value, "    "),
            "{\n    \"b\": [\n        1,\n        {\n            \"a\": \"ë\"\n        }\n    ],\n    \"a\": null\n}"
        );
        assert_eq!(utf16_escapes('ë') + &utf16_escapes('😀'), "\\u00eb\\ud83d\\ude00");
    }
}
