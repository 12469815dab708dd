//! Mutations: how an input that is right is made wrong.
//!
//! In: inputs that are right, and a few numbers. Out: one of them, in which pieces are gone, doubled, moved, cut, or replaced by what
//! readers stumble over; and documents of JSON whose values are others. The numbers are the generator's; the same numbers make the same input.

use serde_json::{Value, json};

/// No input is longer.
pub(crate) const LONGEST: usize = 64 << 10; // bytes

/// Which mutation, where, how much, and with what.
pub(crate) type Mutation = (u8, u16, u8, u16);

/// What readers of this house may stumble over.
const WORDS: [&str; 64] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    ": ",
    "- ",
    "\n",
    "\r\n",
    "\r",
    "\0",
    "\u{feff}",
    "\u{fffd}",
    "é",
    "✅",
    "期待",
    "&a ",
    "*a",
    "!!str ",
    "|",
    ">-\n ",
    "---\n",
    "<<: *a",
    "null",
    "~",
    "true",
    "-1",
    "1e999",
    "NaN",
    "18446744073709551616",
    "0x7fffffffffffffff",
    "{key:",
    "{sha256:first}",
    "{unique}",
    "{member:a.b}",
    "$",
    "$$",
    "*",
    "?",
    "[^",
    "(a+)+$",
    "ttl + 99999999999 s",
    "99999999999999999999 s",
    "0 s",
    "2026-02-30T25:61:61Z",
    "9999-12-31T23:59:59.999999Z",
    "CREATE TABLE t (",
    "####### ",
    "```",
    "all {count} checks",
    "<k1>",
    "<t0>",
    "HTTP/1.1 200 OK\r\n",
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "ffffffffffffffff\r\n",
    "0\r\n\r\n",
    "\n\n",
    "data: ",
    "id: ",
    "retry: 99999999999999999999\n",
    "\\u0000",
    "[[a]]\n",
];

/// One of `seeds`, changed.
pub(crate) fn mutated(seeds: &[Vec<u8>], seed: u16, mutations: &[Mutation]) -> Vec<u8> {
    let Some(mut bytes) = seeds.get(usize::from(seed) % seeds.len().max(1)).cloned() else { return Vec::new() };
    for (kind, at, length, with) in mutations.iter().copied() {
        let from = usize::from(at) * bytes.len() / (usize::from(u16::MAX) + 1);
        let to = (from + usize::from(length)).min(bytes.len());
        let word = WORDS[usize::from(with) % WORDS.len()];
        match kind % 13 {
            0 => drop(bytes.drain(from..to)),
            1 => insert(&mut bytes, from, word.as_bytes()),
            2 => drop(bytes.splice(from..to, word.bytes())),
            3 => {
                let piece = bytes[from..to].to_vec();
                insert(&mut bytes, from, &piece.repeat(usize::from(with % 300)));
            }
            4 => {
                if let Some(byte) = bytes.get_mut(from) {
                    *byte = length;
                }
            }
            5 => {
                if let Some(byte) = bytes.get_mut(from) {
                    *byte ^= 1 << (length % 8);
                }
            }
            6 => bytes.truncate(from),
            7 => {
                let other = &seeds[usize::from(with) % seeds.len()];
                let start = usize::from(at) * other.len() / (usize::from(u16::MAX) + 1);
                let piece = other[start..(start + usize::from(length)).min(other.len())].to_vec();
                insert(&mut bytes, from, &piece);
            }
            8 => insert(&mut bytes, from, &word.as_bytes().repeat(usize::from(length) * 4)),
            9 => {
                let digits = bytes[from..].iter().position(u8::is_ascii_digit).map_or(bytes.len(), |at| from + at);
                let end = bytes[digits..].iter().position(|byte| !byte.is_ascii_digit()).map_or(bytes.len(), |at| digits + at);
                let number = [0, 1, i64::MAX, i64::MIN, -1, 65_536, 4_294_967_296, 1 << 53][usize::from(with % 8)];
                drop(bytes.splice(digits..end, number.to_string().into_bytes()));
            }
            10 => swap_lines(&mut bytes, from, to),
            11 => {
                if let Some(altered) = altered_at(&bytes, usize::from(at), usize::from(with)) {
                    bytes = altered;
                }
            }
            _ => {
                let letter = char::from_u32(u32::from(with)).unwrap_or('\u{10ffff}').to_string();
                insert(&mut bytes, from, letter.as_bytes());
            }
        }
        bytes.truncate(LONGEST);
    }
    bytes
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    drop(bytes.splice(at..at, piece.iter().copied().take(LONGEST)));
}

/// The line at one place and that at another change places.
fn swap_lines(bytes: &mut Vec<u8>, one: usize, other: usize) {
    let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let line_of = |at: usize| bytes[..at].iter().filter(|byte| **byte == b'\n').count();
    let (one, other) = (line_of(one), line_of(other));
    if one < lines.len() && other < lines.len() {
        lines.swap(one, other);
        *bytes = lines.concat();
    }
}

/// A value of a document, and what else may stand in its place: what is at the edge of its kind, none at all, or of another kind.
fn others(value: &Value) -> Vec<Value> {
    let mut others = match value {
        Value::Null => vec![json!(1), json!("x")],
        Value::Bool(value) => vec![json!(!value)],
        Value::Number(number) if number.is_f64() => vec![json!(0.0), json!(-1.0), json!(1e308), json!(1e-300), json!(f64::MAX)],
        Value::Number(_) => vec![json!(0), json!(1), json!(u32::MAX), json!(i64::MAX), json!(u64::MAX), json!(-1)],
        Value::String(text) => vec![json!(""), json!("\u{2028}é"), json!(text.chars().take(3).collect::<String>()), json!(text.repeat(3))],
        Value::Array(items) => {
            let last = items.last().cloned().into_iter();
            let longer: Vec<Value> = items.iter().cloned().chain(last).collect();
            let turned: Vec<Value> = items.iter().rev().cloned().collect();
            vec![json!([]), json!(items.iter().skip(1).collect::<Vec<_>>()), json!(longer), json!(turned)]
        }
        Value::Object(_) => vec![json!({})],
    };
    others.push(Value::Null);
    others
}

/// The places of all values, as JSON pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(number, item)| places(item, &format!("{at}/{number}"), found)),
        Value::Object(members) => {
            members.iter().for_each(|(name, item)| places(item, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A document in which something else stands at a place.
fn replaced(document: &Value, place: &str, other: Value) -> Option<Vec<u8>> {
    let mut altered = document.clone();
    *altered.pointer_mut(place)? = other;
    serde_json::to_vec(&altered).ok()
}

/// One value of a document is another one, by two numbers; nothing where the bytes are no JSON.
fn altered_at(bytes: &[u8], at: usize, with_what: usize) -> Option<Vec<u8>> {
    let document: Value = serde_json::from_slice(bytes).ok()?;
    let mut found = Vec::new();
    places(&document, "", &mut found);
    let place = found.get(at % found.len())?;
    let others = others(document.pointer(place)?);
    replaced(&document, place, others.get(with_what % others.len())?.clone())
}

/// A document of JSON with each of its values altered in each way, one input each; so each line of several. Of a list the last item
/// stands for all. Other inputs give none.
pub(crate) fn altered(seed: &[u8]) -> Vec<Vec<u8>> {
    let Ok(document) = serde_json::from_slice::<Value>(seed) else {
        let lines: Vec<&[u8]> = seed.split_inclusive(|byte| *byte == b'\n').collect();
        let of_line = |at: usize| {
            let (before, after) = (lines[..at].concat(), lines[at + 1..].concat());
            let is_document = serde_json::from_slice::<Value>(lines[at]).is_ok_and(|value| value.is_object());
            let altered = if is_document { altered(lines[at]) } else { Vec::new() };
            altered.into_iter().map(move |line| [&before[..], &line, b"\n", &after[..]].concat()).collect::<Vec<_>>()
        };
        return (0..lines.len()).flat_map(of_line).collect();
    };
    let mut found = Vec::new();
    places(&document, "", &mut found);
    let is_told = |place: &&String| {
        let parts: Vec<&str> = place.split('/').collect();
        (1..parts.len()).all(|at| match document.pointer(&parts[..at].join("/")) {
            Some(Value::Array(items)) => parts[at] == (items.len() - 1).to_string(),
            Some(_) | None => true,
        })
    };
    let of_place = |place: &String| {
        let others = document.pointer(place).map(others).unwrap_or_default();
        others.into_iter().filter_map(|other| replaced(&document, place, other)).collect::<Vec<_>>()
    };
    found.iter().filter(is_told).flat_map(of_place).collect()
}
