//! Spelling: JSON and forms as text, changed in one place and left as they are in all others.
//!
//! Bytes in, bytes out: what is not changed keeps its white space, the order of
//! its members and the way its numbers are written.

use std::borrow::Cow;
use std::ops::Range;

use serde::de::IgnoredAny;
use serde_json::Deserializer;

use super::canonical_json;

/// The field that holds a body that is no form, where a form is asked for.
const PAYLOAD: &[u8] = b"payload";

/// `body` with `value` as its member `path`: replaced where it stands, else put in front of the innermost object
/// of the path that is there.
///
/// * `path`: dotted, `data.id` is nested; a number counts into a list, and `0` makes one.
/// * `value`: JSON text.
///
/// `None` where `body` is no JSON object, or something else than an object stands on the way.
#[must_use]
pub fn with_member_at(body: &[u8], path: &str, value: &str) -> Option<Vec<u8>> {
    with_member(body, path, value, New::First)
}

/// The same, but a member that is not there yet is put behind all others of the innermost object that is there.
#[must_use]
pub fn with_last_member_at(body: &[u8], path: &str, value: &str) -> Option<Vec<u8>> {
    with_member(body, path, value, New::Last)
}

/// Where a member is put that is not there yet.
#[derive(Clone, Copy)]
enum New {
    First,
    Last,
}

fn with_member(body: &[u8], path: &str, value: &str, new_one: New) -> Option<Vec<u8>> {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    if body.trim_ascii_start().first() == Some(&b'[') {
        let place = items(body)?.into_iter().nth(name.parse().ok()?)?;
        let new = match rest {
            None => value.as_bytes().to_vec(),
            Some(rest) => with_member(&body[place.clone()], rest, value, new_one)?,
        };
        let mut changed = body.to_vec();
        changed.splice(place, new);
        return Some(changed);
    }
    let members = members(body)?;
    let mut changed = body.to_vec();
    let mut found = false;
    // From the last to the first, so that earlier places stay where they are. Of two members with one name some readers
    // take the first, others the last: both are changed.
    for member in members.all.iter().rev().filter(|member| member.is_called(body, name)) {
        let new = match rest {
            None => value.as_bytes().to_vec(),
            Some(rest) => with_member(&body[member.value.clone()], rest, value, new_one)?,
        };
        changed.splice(member.value.clone(), new);
        found = true;
    }
    if !found {
        let mut inner = value.to_owned();
        for part in rest.into_iter().flat_map(|rest| rest.rsplit('.')) {
            inner = if part == "0" { format!("[{inner}]") } else { format!("{{{}:{inner}}}", quoted(part)) };
        }
        let comma = if members.all.is_empty() { "" } else { "," };
        let (at, text) = match new_one {
            New::First => (members.open + 1, format!("{}:{inner}{comma}", quoted(name))),
            New::Last => (members.close, format!("{comma}{}:{inner}", quoted(name))),
        };
        changed.splice(at..at, text.into_bytes());
    }
    Some(changed)
}

/// `body` without its member `path`, wherever it stands; as it is where it has none.
///
/// * `path`: as in [`with_member_at`].
///
/// `None` where `body` is no JSON object.
#[must_use]
pub fn without_member_at(body: &[u8], path: &str) -> Option<Vec<u8>> {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let mut changed = body.to_vec();
    if body.trim_ascii_start().first() == Some(&b'[') {
        // An item that is taken out would move those behind it.
        let place = name.parse().ok().and_then(|at: usize| items(body)?.into_iter().nth(at));
        if let (Some(place), Some(rest)) = (place, rest)
            && let Some(inner) = without_member_at(&body[place.clone()], rest)
        {
            changed.splice(place, inner);
        }
        return Some(changed);
    }
    if let Some(rest) = rest {
        for member in members(body)?.all.iter().rev().filter(|member| member.is_called(body, name)) {
            if let Some(inner) = without_member_at(&body[member.value.clone()], rest) {
                changed.splice(member.value.clone(), inner);
            }
        }
        return Some(changed);
    }
    // Of two members with one name some readers take the first, others the last: both go.
    loop {
        let all = members(&changed)?.all;
        let Some(at) = all.iter().position(|member| member.is_called(&changed, name)) else { return Some(changed) };
        // With the comma that parts it from the next one, or from the one before where it is the last.
        let place = match (all.get(at + 1), at.checked_sub(1).and_then(|before| all.get(before))) {
            (Some(next), _) => all[at].name.start..next.name.start,
            (None, Some(before)) => before.value.end..all[at].value.end,
            (None, None) => all[at].name.start..all[at].value.end,
        };
        changed.splice(place, []);
    }
}

/// The text of the member `name` as it stands in `body`, byte for byte; of two with one name the last.
///
/// `None` where `body` is no JSON object, or has no such member.
#[must_use]
pub fn member_as_written<'b>(body: &'b [u8], name: &str) -> Option<&'b [u8]> {
    let member = members(body)?.all.into_iter().rfind(|member| member.is_called(body, name))?;
    body.get(member.value)
}

/// The same JSON in another spelling: members in reverse order, blanks between what belongs together.
///
/// `None` for what is no JSON, and where the other order would mean something else (a name that stands twice).
#[must_use]
pub fn respelled(body: &[u8]) -> Option<Vec<u8>> {
    let same = canonical_json(body)?;
    let mut other = Vec::with_capacity(body.len() * 2);
    respell(body, &mut other)?;
    (other != body && canonical_json(&other)? == same).then_some(other)
}

fn respell(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    match text.trim_ascii_start().first()? {
        b'{' => {
            let all = members(text)?.all;
            out.extend_from_slice(b"{ ");
            for (at, member) in all.iter().rev().enumerate() {
                out.extend_from_slice(if at > 0 { b" , " } else { b"" });
                out.extend_from_slice(&text[member.name.clone()]);
                out.extend_from_slice(b" : ");
                respell(&text[member.value.clone()], out)?;
            }
            out.extend_from_slice(b" }");
        }
        b'[' => {
            out.extend_from_slice(b"[ ");
            for (at, item) in items(text)?.into_iter().enumerate() {
                out.extend_from_slice(if at > 0 { b" , " } else { b"" });
                respell(&text[item], out)?;
            }
            out.extend_from_slice(b" ]");
        }
        _ => out.extend_from_slice(text.trim_ascii()),
    }
    Some(())
}

/// Where an object's members stand in its text.
struct Members {
    /// Where its brace opens.
    open: usize,
    /// And closes.
    close: usize,
    all: Vec<Member>,
}

struct Member {
    name: Range<usize>,
    value: Range<usize>,
}

impl Member {
    fn is_called(&self, text: &[u8], name: &str) -> bool {
        serde_json::from_slice::<String>(&text[self.name.clone()]).is_ok_and(|own| own == name)
    }
}

fn members(text: &[u8]) -> Option<Members> {
    let open = skip_blanks(text, 0);
    let mut at = after(text, open, b'{')?;
    let mut all = Vec::new();
    if text.get(at) == Some(&b'}') {
        return is_end(text, at + 1).then_some(Members { open, close: at, all });
    }
    loop {
        let name = value_at(text, at)?;
        let value = value_at(text, after(text, skip_blanks(text, name.end), b':')?)?;
        let next = skip_blanks(text, value.end);
        all.push(Member { name, value });
        match text.get(next)? {
            b',' => at = skip_blanks(text, next + 1),
            b'}' => return is_end(text, next + 1).then_some(Members { open, close: next, all }),
            _ => return None,
        }
    }
}

fn items(text: &[u8]) -> Option<Vec<Range<usize>>> {
    let mut at = after(text, skip_blanks(text, 0), b'[')?;
    let mut all = Vec::new();
    if text.get(at) == Some(&b']') {
        return Some(all);
    }
    loop {
        let item = value_at(text, at)?;
        let next = skip_blanks(text, item.end);
        all.push(item);
        match text.get(next)? {
            b',' => at = skip_blanks(text, next + 1),
            b']' => return Some(all),
            _ => return None,
        }
    }
}

/// The place of the value that begins at `at`.
fn value_at(text: &[u8], at: usize) -> Option<Range<usize>> {
    let mut values = Deserializer::from_slice(text.get(at..)?).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    Some(at..at + values.byte_offset())
}

/// The first place that is not blank behind the mark that stands at `at`.
fn after(text: &[u8], at: usize, mark: u8) -> Option<usize> {
    (text.get(at) == Some(&mark)).then(|| skip_blanks(text, at + 1))
}

fn skip_blanks(text: &[u8], at: usize) -> usize {
    let is_blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    at + text.get(at..).unwrap_or_default().iter().take_while(is_blank).count()
}

fn is_end(text: &[u8], at: usize) -> bool {
    skip_blanks(text, at) == text.len()
}

/// Text as JSON writes it, with its quotation marks.
#[must_use]
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A form body with `value` as the field `field`: replaced where it stands, else put at the end.
///
/// A body that is no form is put whole into the field `payload`.
#[must_use]
pub fn with_form_field(body: &[u8], field: &str, value: &[u8]) -> Vec<u8> {
    let own = [&encoded(field.as_bytes())[..], b"=", &encoded(value)].concat();
    if body.is_empty() {
        return own;
    }
    if !is_form(body) {
        return [&own[..], b"&", &as_form(body)].concat();
    }
    let mut pairs: Vec<&[u8]> = body.split(|byte| *byte == b'&').collect();
    let is_own = |pair: &&[u8]| super::decoded(pair.split(|byte| *byte == b'=').next().unwrap_or_default()) == field.as_bytes();
    match pairs.iter().position(is_own) {
        Some(at) => pairs[at] = &own,
        None => pairs.push(&own),
    }
    pairs.join(&b'&')
}

/// A body as a form: as it is where it is one or empty, else whole in the field `payload`.
#[must_use]
pub fn as_form(body: &[u8]) -> Cow<'_, [u8]> {
    if body.is_empty() || is_form(body) {
        return Cow::Borrowed(body);
    }
    Cow::Owned([PAYLOAD, b"=", &encoded(body)].concat())
}

/// Whether bytes look like a form: names and values as an encoder writes them, and at least one pair.
#[must_use]
pub fn is_form(body: &[u8]) -> bool {
    body.contains(&b'=') && body.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.*+%~&=".contains(byte))
}

/// Bytes as `application/x-www-form-urlencoded` writes them.
fn encoded(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' => text.push(*byte),
            b' ' => text.push(b'+'),
            other => text.extend_from_slice(format!("%{other:02X}").as_bytes()),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{form_field, member_text};

    fn put(body: &str, path: &str) -> String {
        with_member_at(body.as_bytes(), path, "\"k\"").map_or_else(|| "-".to_owned(), |text| String::from_utf8_lossy(&text).into_owned())
    }

    /// A member is put where it belongs, and every other byte stays as it is.
    #[test]
    fn one_member_is_changed_and_no_other_byte() {
        for (body, path, wanted) in [
            ("{}", "id", r#"{"id":"k"}"#),
            (" { \"a\" : 1.0e2 }\n", "id", " {\"id\":\"k\", \"a\" : 1.0e2 }\n"),
            (r#"{"a":1,"id":"old" ,"b":[]}"#, "id", r#"{"a":1,"id":"k" ,"b":[]}"#),
            (r#"{"\u0069d":1}"#, "id", r#"{"\u0069d":"k"}"#),
            (r#"{"id":1,"id":2}"#, "id", r#"{"id":"k","id":"k"}"#),
            (r#"{"a":{"id":1}}"#, "id", r#"{"id":"k","a":{"id":1}}"#),
            (r#"{"a":1}"#, "data.id", r#"{"data":{"id":"k"},"a":1}"#),
            (r#"{"a":1}"#, "items.0.id", r#"{"items":[{"id":"k"}],"a":1}"#),
            (r#"{"items":[{"n":1} , {"id":2}]}"#, "items.1.id", r#"{"items":[{"n":1} , {"id":"k"}]}"#),
            (r#"{"items":[]}"#, "items.0.id", "-"),
            (r#"{"data" : { "b":2 },"a":1}"#, "data.id", r#"{"data" : {"id":"k", "b":2 },"a":1}"#),
            (r#"{"data":{"x":{}}}"#, "data.x.y.id", r#"{"data":{"x":{"y":{"id":"k"}}}}"#),
            (r#"{"data":[1]}"#, "data.id", "-"),
            (r#"{"a":1"#, "id", "-"),
            (r#"{"a":1} x"#, "id", "-"),
            ("[]", "id", "-"),
            ("", "id", "-"),
        ] {
            assert_eq!(put(body, path), wanted, "{body}");
            if wanted != "-" {
                assert_eq!(member_text(wanted.as_bytes(), path).as_deref(), Some("k"));
            }
        }
    }

    /// A member is taken out, and every other byte stays as it is.
    #[test]
    fn one_member_goes_and_no_other_byte() {
        for (body, path, wanted) in [
            (r#"{"id":1}"#, "id", "{}"),
            (r#"{ "a" : 1 , "id": 2 }"#, "id", r#"{ "a" : 1 }"#),
            (r#"{"id": [1, 2] , "a":"b"}"#, "id", r#"{"a":"b"}"#),
            (r#"{"a":1,"id":2,"b":3}"#, "id", r#"{"a":1,"b":3}"#),
            (r#"{"id":1,"id":2}"#, "id", "{}"),
            (r#"{"id":1,"a":0,"\u0069d":2}"#, "id", r#"{"a":0}"#),
            (r#"{"data":{"id":1,"b":2},"id":3}"#, "data.id", r#"{"data":{"b":2},"id":3}"#),
            (r#"{"items":[{"id":1},{"id":2}]}"#, "items.1.id", r#"{"items":[{"id":1},{}]}"#),
            (r#"{"data":[1]}"#, "data.id", r#"{"data":[1]}"#),
            (r#"{"a":1}"#, "id", r#"{"a":1}"#),
            (r#"{"a":1"#, "id", "-"),
            ("", "id", "-"),
        ] {
            let without =
                without_member_at(body.as_bytes(), path).map_or_else(|| "-".to_owned(), |text| String::from_utf8_lossy(&text).into_owned());
            assert_eq!(without, wanted, "{body}");
        }
    }

    /// Another spelling has other bytes and means the same.
    #[test]
    fn json_has_another_spelling() {
        let other = |body: &str| respelled(body.as_bytes()).map(|text| String::from_utf8_lossy(&text).into_owned());
        assert_eq!(
            other(r#"{"a":1.50,"b":[{"c":"x","d":{}}]}"#).as_deref(),
            Some(r#"{ "b" : [ { "d" : {  } , "c" : "x" } ] , "a" : 1.50 }"#)
        );
        assert_eq!(other(r#"{"a":1,"a":2}"#), None);
        assert_eq!(other("7"), None);
        assert_eq!(other("no JSON"), None);
    }

    /// A field is put into a form, and what is no form becomes one.
    #[test]
    fn one_field_is_changed() {
        let put = |body: &str| String::from_utf8_lossy(&with_form_field(body.as_bytes(), "id", b"k 1&")).into_owned();
        for (body, wanted) in [
            ("", "id=k+1%26"),
            ("a=1&b=", "a=1&b=&id=k+1%26"),
            ("a=1&i%64=2&c", "a=1&id=k+1%26&c"),
            ("{\"a\": 1}", "id=k+1%26&payload=%7B%22a%22%3A+1%7D"),
        ] {
            assert_eq!(put(body), wanted);
            assert_eq!(form_field(wanted.as_bytes(), "id").as_deref(), Some(&b"k 1&"[..]));
        }
        assert_eq!(form_field(put("{\"a\": 1}").as_bytes(), "payload").as_deref(), Some(&b"{\"a\": 1}"[..]));
    }
}
