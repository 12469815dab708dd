//! Lines of a feed: what one record says of the delivery that it stands for.
//!
//! In: the bytes of a JSON line, a row of CSV, or a line of a `history.jsonl`. Out: a [`Line`], or what is wrong with it, as a
//! sentence without its place. Whether a contract allows such a delivery is asked elsewhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use crate::clock::iso;
use crate::files::records::fields;
use crate::history::Operation;
use crate::load::mix::{Kind, kind};
use crate::message::spelling::member_as_written;

/// What a column of CSV that is a header line begins with.
const HEADER: &str = "header.";
/// What lines of JSON may have, and columns of CSV.
const KNOWN: &str = "key, body, body_base64, id, headers, kind and at";
/// The same of CSV.
const COLUMNS: &str = "key, body, body_base64, id, kind, at, and `header.NAME` for each header line";

/// One delivery, as a feed has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// Its key; without one, it is given its own.
    pub key: Option<String>,
    /// Its body; without one, it is the suite's.
    pub body: Option<Bytes>,
    /// What people know it by.
    pub id: Option<String>,
    /// Header lines beside what the contract says.
    pub headers: Vec<(String, String)>,
    /// How it is spoiled, by the name of a kind; without one, it is honest.
    pub kind: Option<String>,
    /// When it was recorded, in microseconds of any origin.
    pub at: Option<i64>,
    /// Whether it was recorded as it travelled: what the contract and the signature write of it is then written anew.
    pub is_recorded: bool,
}

/// In which form lines stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// JSON objects.
    Json,
    /// Rows under these columns.
    Csv(Vec<String>),
}

/// What a record is.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    /// A delivery.
    Line(Box<Line>),
    /// Something that was recorded, and cannot be sent again; why, in a few words.
    LeftOut(&'static str),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonLine {
    key: Option<String>,
    body: Option<Value>,
    body_base64: Option<String>,
    id: Option<Value>,
    #[serde(default)]
    headers: serde_json::Map<String, Value>,
    kind: Option<String>,
    at: Option<Value>,
}

/// The columns of a CSV file, from its first row.
///
/// # Errors
/// What is wrong with them, as a sentence.
pub fn columns(row: &[u8]) -> Result<Vec<String>, String> {
    let names = fields(row)?.into_iter().map(|name| String::from_utf8_lossy(&name).trim().to_owned()).collect::<Vec<_>>();
    for (at, name) in names.iter().enumerate() {
        let is_known = ["key", "body", "body_base64", "id", "kind", "at"].contains(&name.as_str());
        if !is_known && name.strip_prefix(HEADER).is_none_or(str::is_empty) {
            return Err(format!("there is no column `{name}`: the first row has the columns' names, {COLUMNS}"));
        }
        if names[..at].contains(name) {
            return Err(format!("the column `{name}` stands twice"));
        }
    }
    Ok(names)
}

/// Reads one record.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub fn read(form: &Form, record: &[u8]) -> Result<Read, String> {
    match form {
        Form::Csv(columns) => row(columns, record).map(|line| Read::Line(Box::new(line))),
        Form::Json if is_of_a_history(record) => recorded(record),
        Form::Json => json(record).map(|line| Read::Line(Box::new(line))),
    }
}

/// A line of a history has members that no line of a feed has.
fn is_of_a_history(record: &[u8]) -> bool {
    const SENT_AT: &[u8] = b"\"sent_at\"";
    record.windows(SENT_AT.len()).any(|window| window == SENT_AT) && member_as_written(record, "sent_at").is_some()
}

fn json(record: &[u8]) -> Result<Line, String> {
    let read: JsonLine = serde_json::from_slice(record).map_err(|cause| {
        let cause = cause.to_string();
        // Its line is the file's, which is told beside it.
        let what = cause.rsplit_once(" at line ").map_or(cause.as_str(), |(what, _)| what);
        format!("this is no line of a feed: {what} (a JSON object with {KNOWN})")
    })?;
    let body = match (read.body, read.body_base64) {
        (Some(_), Some(_)) => return Err("a delivery has one of `body` and `body_base64`".to_owned()),
        (None | Some(Value::Null), None) => None,
        (None, Some(text)) => Some(decoded(&text)?),
        (Some(Value::String(text)), None) => Some(Bytes::from(text)),
        // Numbers and white space travel as they are written.
        (Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)), None) => {
            member_as_written(record, "body").map(Bytes::copy_from_slice)
        }
    };
    let text_of = |name: &str, value: Value| match value {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(format!("`{name}` is text or a number")),
    };
    let headers = read.headers.into_iter().map(|(name, value)| Ok((name.clone(), text_of(&name, value)?)));
    Ok(Line {
        key: read.key,
        body,
        id: read.id.map(|id| text_of("id", id)).transpose()?,
        headers: headers.collect::<Result<_, String>>()?,
        kind: read.kind.map(known_kind).transpose()?,
        at: read.at.map(|at| text_of("at", at)).transpose()?.map(|at| instant(&at)).transpose()?,
        is_recorded: false,
    })
}

fn row(columns: &[String], record: &[u8]) -> Result<Line, String> {
    let values = fields(record)?;
    if values.len() != columns.len() {
        return Err(format!("this row has {} fields, and the first one has {} columns", values.len(), columns.len()));
    }
    let mut line = Line::default();
    for (name, value) in columns.iter().zip(values) {
        // An empty field says nothing.
        if value.is_empty() {
            continue;
        }
        if name == "body" {
            if line.body.replace(Bytes::from(value)).is_some() {
                return Err("a delivery has one of `body` and `body_base64`".to_owned());
            }
            continue;
        }
        let text = String::from_utf8(value).map_err(|_| format!("`{name}` is no UTF-8"))?;
        match name.as_str() {
            "key" => line.key = Some(text),
            "body_base64" => {
                if line.body.replace(decoded(&text)?).is_some() {
                    return Err("a delivery has one of `body` and `body_base64`".to_owned());
                }
            }
            "id" => line.id = Some(text),
            "kind" => line.kind = Some(known_kind(text)?),
            "at" => line.at = Some(instant(&text)?),
            other => line.headers.push((other.strip_prefix(HEADER).unwrap_or(other).to_owned(), text)),
        }
    }
    Ok(line)
}

/// A delivery that a run has kept.
fn recorded(record: &[u8]) -> Result<Read, String> {
    let one: Operation = serde_json::from_slice(record).map_err(|cause| format!("this is no line of a history: {cause}"))?;
    if one.goes_again {
        return Ok(Read::LeftOut("a first attempt, whose second follows"));
    }
    let Some(body) = one.body.whole() else { return Ok(Read::LeftOut("a body that was not kept whole")) };
    let (at, _) = iso::read(&one.sent_at).ok_or_else(|| format!("`sent_at` is `{}`, which is no instant", one.sent_at))?;
    let key = (!one.key.is_empty()).then_some(one.key);
    Ok(Read::Line(Box::new(Line { key, body: Some(body), headers: one.headers, at: Some(at.0), is_recorded: true, ..Line::default() })))
}

fn decoded(text: &str) -> Result<Bytes, String> {
    STANDARD.decode(text).map(Bytes::from).map_err(|cause| format!("`body_base64` is no base64: {cause}"))
}

/// What a kind may be called; honest ones are told apart by what their key has been.
fn known_kind(name: String) -> Result<String, String> {
    match kind(&name)? {
        Kind::Burst => Err("`burst` is a kind of a mix: in a feed, lines of one key are delivered as they come".to_owned()),
        Kind::Fresh | Kind::Duplicate | Kind::ConflictingBody | Kind::MissingKey | Kind::Spoiled(_) => Ok(name),
    }
}

/// An instant as ISO 8601, or seconds with a fraction.
fn instant(text: &str) -> Result<i64, String> {
    /// In seconds: so far from any origin, microseconds are told apart still.
    const FARTHEST: f64 = 1e11;
    if let Some((at, _)) = iso::read(text) {
        return Ok(at.0);
    }
    match text.trim().parse::<f64>() {
        Ok(seconds) if seconds.abs() < FARTHEST => Ok((seconds * 1e6).round() as i64),
        _ => Err(format!("`at` is `{text}`: an instant (2026-11-28T09:00:00.250Z), or seconds (12.5)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(form: &Form, text: &str) -> Result<Line, String> {
        read(form, text.as_bytes()).map(|read| match read {
            Read::Line(line) => *line,
            Read::LeftOut(why) => unreachable!("{why}"),
        })
    }

    /// A body travels to the byte: text as its characters, JSON as it is written, base64 as its bytes.
    #[test]
    fn bodies_are_read_to_the_byte() {
        for (text, body) in [
            (r#"{"key":"k","body":"a \"b\" é"}"#, "a \"b\" é"),
            (
                r#"{"body": {"n": 1.50, "big":123456789012345678901234567890 ,"e":1e5}}"#,
                r#"{"n": 1.50, "big":123456789012345678901234567890 ,"e":1e5}"#,
            ),
            (r#"{"body":[ 1 ]}"#, "[ 1 ]"),
            (r#"{"body_base64":"AAH/"}"#, "\u{0}\u{1}?"),
        ] {
            let read = line(&Form::Json, text).unwrap().body.unwrap();
            let wanted = if body.ends_with('?') { vec![0, 1, 255] } else { body.as_bytes().to_vec() };
            assert_eq!(read, wanted, "{text}");
        }
        let columns = Form::Csv(columns(b"key,body,header.X-A,at").unwrap());
        let read = line(&columns, "k1,\"{\"\"a\"\":1}\",v,12.5").unwrap();
        let headers = vec![("X-A".to_owned(), "v".to_owned())];
        assert_eq!(read, Line { key: Some("k1".into()), body: Some("{\"a\":1}".into()), headers, at: Some(12_500_000), ..Line::default() });
    }

    #[test]
    fn lines_that_cannot_be_meant_are_told() {
        for (text, told) in [
            ("{", "no line of a feed"),
            (r#"{"kee":"k"}"#, "unknown field `kee`"),
            (r#"{"body":"a","body_base64":"AA=="}"#, "one of `body`"),
            (r#"{"body_base64":"*"}"#, "no base64"),
            (r#"{"kind":"burst"}"#, "kind of a mix"),
            (r#"{"kind":"frsh"}"#, "there is no kind `frsh`"),
            (r#"{"at":"yesterday"}"#, "`at` is `yesterday`"),
            (r#"{"headers":{"A":[]}}"#, "`A` is text"),
            ("[1]", "no line of a feed"),
        ] {
            assert!(line(&Form::Json, text).is_err_and(|wrong| wrong.contains(told)), "{text}: {:?}", line(&Form::Json, text));
        }
        for (row, told) in [("key,kee", "no column `kee`"), ("key,key", "twice"), ("header.", "no column")] {
            assert!(columns(row.as_bytes()).is_err_and(|wrong| wrong.contains(told)), "{row}");
        }
        assert!(line(&Form::Csv(vec!["key".to_owned()]), "a,b").is_err_and(|wrong| wrong.contains("2 fields")));
    }
}
