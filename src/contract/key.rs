//! The idempotency key: where it travels, how it is written, and how far it counts.
//!
//! Reading a key out of a delivery is the one function [`KeyPlace::read`]: the
//! reference and whoever looks at histories ask it alike. Its counterpart, for
//! those who send, is in [`spelling`]; keys that nobody else has are in [`unique`].

pub mod odd;
pub mod spelling;
pub mod unique;

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::outcome::Refusal;
use crate::delivery::Delivery;
use crate::message::{form_field, member_in, member_text};

/// Where the idempotency key travels, and in which form.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KeyPlace {
    /// The header that carries it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The member of the JSON body that carries it; a dotted path, `data.id`, is nested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_member: Option<String>,
    /// The field of the form in the body that carries it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form_field: Option<String>,
    /// With `body_member`: whether the sender writes text there and nothing else; what a receiver makes of a number is its own affair then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub text_only: bool,
    /// How it is written.
    pub form: KeyForm,
    /// The characters that a key may have, as in a regular expression's brackets: `A-Za-z0-9_-`. Without it, visible ASCII.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alphabet: Option<String>,
    /// The longest key in bytes that the reference takes.
    pub longest: usize,
    /// How far a key counts; without it, nobody is held to anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<KeyScope>,
    /// With `scope: caller`, the header that names the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
}

impl Default for KeyPlace {
    fn default() -> Self {
        let (header, body_member, form_field, text_only, alphabet, scope, caller) = Default::default();
        // Requirement KEY-6 speaks of keys over 255 bytes.
        Self { header, body_member, form_field, text_only, form: KeyForm::default(), alphabet, longest: 255, scope, caller }
    }
}

/// How a key is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeyForm {
    /// As it is.
    #[default]
    Bare,
    /// As a quoted string (RFC 8941, section 3.3.3).
    Quoted,
    /// Bare or quoted; both mean the same key.
    Either,
    /// As a UUID (RFC 9562): five groups of hex digits, `8-4-4-4-12`.
    Uuid,
}

/// How far a key counts: within the same scope it is a duplicate, in another one it is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeyScope {
    /// Everywhere in the receiver.
    Receiver,
    /// On its path (`endpoint.others` names further ones).
    Path,
    /// On its path with its query.
    PathAndQuery,
    /// For its caller, whom the header `caller` names.
    Caller,
}

impl KeyPlace {
    /// Whether keys travel at all.
    #[must_use]
    pub fn is_somewhere(&self) -> bool {
        self.header.is_some() || self.body_member.is_some() || self.form_field.is_some()
    }

    /// Where keys travel, in words.
    #[must_use]
    pub fn place(&self) -> String {
        match (&self.header, &self.body_member, &self.form_field) {
            (Some(name), _, _) => format!("the header {name}"),
            (None, Some(member), _) => format!("the body's member {member}"),
            (None, None, Some(field)) => format!("the form's field {field}"),
            (None, None, None) => "a key".to_owned(),
        }
    }

    /// Whether a key may have `byte` in it.
    #[must_use]
    pub fn allows(&self, byte: u8) -> bool {
        match &self.alphabet {
            None => matches!(byte, 0x20..=0x7e),
            Some(set) => in_set(set.as_bytes(), byte),
        }
    }

    /// The key's bytes as they travel: what `{id}` stands for in a signature. A key in the body keeps the white space around it.
    ///
    /// * `key`: as the receiver understands it; what travels in quotation marks is signed without them.
    #[must_use]
    pub fn travelling<'d>(&self, delivery: &'d Delivery, key: &'d str) -> Cow<'d, [u8]> {
        let found = match (&self.header, &self.body_member, &self.form_field, self.form) {
            (Some(header), _, _, KeyForm::Bare | KeyForm::Uuid) => {
                let line = delivery.headers.iter().find(|line| line.name.eq_ignore_ascii_case(header));
                line.map(|line| Cow::Borrowed(line.value.trim_ascii()))
            }
            (None, Some(path), _, _) => member_text(&delivery.body, path).map(|text| Cow::Owned(text.into_bytes())),
            (None, None, Some(field), _) => form_field(&delivery.body, field).map(Cow::Owned),
            (Some(_), _, _, KeyForm::Quoted | KeyForm::Either) | (None, None, None, _) => None,
        };
        found.unwrap_or(Cow::Borrowed(key.as_bytes()))
    }

    /// The key that `delivery` bears, as the receiver understands it.
    ///
    /// # Errors
    /// Why the key cannot be used. One that does not parse as quoted counts as missing (RFC 8941, section 4.2);
    /// one on two header lines is unusable (requirement KEY-9).
    pub fn read(&self, delivery: &Delivery) -> Result<String, Refusal> {
        let raw: Vec<u8> = match (&self.header, &self.body_member, &self.form_field) {
            (Some(header), _, _) => {
                let mut lines = delivery.header_values(header);
                let first = lines.next().ok_or(Refusal::MissingKey)?.to_vec();
                if lines.next().is_some() {
                    return Err(Refusal::UnusableKey);
                }
                first
            }
            (None, Some(path), _) => match member_in(&delivery.body, path) {
                Some(Value::String(text)) => text.into_bytes(),
                // Readers of numbers disagree on them (`7.0`, twenty digits): a key is text.
                Some(Value::Number(_) | Value::Bool(_)) => return Err(Refusal::UnusableKey),
                Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => return Err(Refusal::MissingKey),
            },
            (None, None, Some(field)) => form_field(&delivery.body, field).ok_or(Refusal::MissingKey)?,
            (None, None, None) => return Err(Refusal::MissingKey),
        };
        // White space gets lost around a header's value, and nowhere else.
        let trimmed = if self.header.is_some() { raw.trim_ascii() } else { &raw };
        if trimmed.trim_ascii().is_empty() {
            return Err(Refusal::EmptyKey);
        }
        let has_quotes = is_in_quotes(trimmed);
        let inner = match self.form {
            KeyForm::Bare | KeyForm::Uuid => trimmed.to_vec(),
            KeyForm::Either if !has_quotes => trimmed.to_vec(),
            KeyForm::Quoted if !has_quotes => return Err(Refusal::MissingKey),
            KeyForm::Quoted | KeyForm::Either => unquoted(&trimmed[1..trimmed.len() - 1]).ok_or(Refusal::MissingKey)?,
        };
        if inner.trim_ascii().is_empty() {
            return Err(Refusal::EmptyKey);
        }
        let is_usable =
            inner.len() <= self.longest && inner.iter().all(|byte| self.allows(*byte)) && (self.form != KeyForm::Uuid || is_uuid(&inner));
        String::from_utf8(inner).ok().filter(|_| is_usable).ok_or(Refusal::UnusableKey)
    }
}

/// Whether text stands in quotation marks.
fn is_in_quotes(text: &[u8]) -> bool {
    text.len() >= 2 && text.starts_with(b"\"") && text.ends_with(b"\"")
}

/// What stands between the quotes of an RFC 8941 string; `None` where a backslash stands before anything but `"` and `\`.
fn unquoted(text: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => plain.push(bytes.next().filter(|next| matches!(next, b'"' | b'\\'))?),
            b'"' => return None,
            other => plain.push(other),
        }
    }
    Some(plain)
}

/// Whether text is five groups of hex digits, `8-4-4-4-12`.
fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(at, byte)| if matches!(at, 8 | 13 | 18 | 23) { *byte == b'-' } else { byte.is_ascii_hexdigit() })
}

/// Whether `byte` is in a set written as in a regular expression's brackets.
fn in_set(set: &[u8], byte: u8) -> bool {
    let mut rest = set;
    while let [first, tail @ ..] = rest {
        if let [b'-', last, after @ ..] = tail {
            if (*first..=*last).contains(&byte) {
                return true;
            }
            rest = after;
        } else {
            if *first == byte {
                return true;
            }
            rest = tail;
        }
    }
    false
}

/// A place of every kind with every form, for tests.
#[cfg(test)]
fn places() -> Vec<KeyPlace> {
    let forms = [KeyForm::Bare, KeyForm::Quoted, KeyForm::Either, KeyForm::Uuid];
    let text = |text: &str| Some(text.to_owned());
    let wheres = [(text("K"), None, None), (None, text("id"), None), (None, text("data.id"), None), (None, None, text("data.id"))];
    let alphabets = [None, text("A-Za-z0-9_-"), text("0-9"), text("a-f")];
    let mut all = Vec::new();
    for (form, (header, body_member, form_field)) in forms.into_iter().flat_map(|form| wheres.iter().map(move |one| (form, one.clone()))) {
        for alphabet in alphabets.iter().filter(|alphabet| form != KeyForm::Uuid || alphabet.is_none()) {
            let (header, body_member, form_field) = (header.clone(), body_member.clone(), form_field.clone());
            all.push(KeyPlace { header, body_member, form_field, form, alphabet: alphabet.clone(), ..KeyPlace::default() });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::HeaderLine;

    fn read(place: &KeyPlace, key: &str) -> String {
        let delivery = Delivery { headers: vec![HeaderLine::new("K", key.to_owned())], ..Delivery::default() };
        place.read(&delivery).unwrap_or_else(|why| format!("({})", why.name()))
    }

    /// Each form takes its own keys and says why it does not take others.
    #[test]
    fn keys_are_read_in_their_form() {
        let place = |form| KeyPlace { header: Some("k".to_owned()), form, ..KeyPlace::default() };
        let uuid = "0192b1c4-98f1-7a64-8c1d-0123456789ab";
        for (form, key, wanted) in [
            (KeyForm::Bare, "a b", "a b"),
            (KeyForm::Bare, "\"a\"", "\"a\""),
            (KeyForm::Bare, " ", "(empty-key)"),
            (KeyForm::Quoted, r#""a\"b\\""#, r#"a"b\"#),
            (KeyForm::Quoted, "a", "(missing-key)"),
            (KeyForm::Quoted, r#""a\b""#, "(missing-key)"),
            (KeyForm::Quoted, "\"\"", "(empty-key)"),
            (KeyForm::Quoted, "\"  \"", "(empty-key)"),
            (KeyForm::Either, "\"a\"", "a"),
            (KeyForm::Either, "a", "a"),
            (KeyForm::Uuid, uuid, uuid),
            (KeyForm::Uuid, "0192b1c4", "(unusable-key)"),
        ] {
            assert_eq!(read(&place(form), key), wanted, "{form:?} {key}");
        }
        let narrow = KeyPlace { alphabet: Some("a-c_-".to_owned()), ..place(KeyForm::Bare) };
        assert_eq!([read(&narrow, "ab_-c"), read(&narrow, "abd")], ["ab_-c", "(unusable-key)"]);
    }

    /// A key in the body is found by its path, in JSON and in a form.
    #[test]
    fn keys_are_found_in_bodies() {
        let of = |place: &KeyPlace, body: &'static str| place.read(&Delivery { body: body.into(), ..Delivery::default() });
        let nested = KeyPlace { body_member: Some("data.id".to_owned()), ..KeyPlace::default() };
        assert_eq!(of(&nested, r#"{"data":{"id":"k1"}}"#).as_deref(), Ok("k1"));
        assert_eq!(of(&nested, r#"{"data":{"id":" k1 "}}"#).as_deref(), Ok(" k1 "));
        assert_eq!(of(&nested, r#"{"data":{"id":"  "}}"#), Err(Refusal::EmptyKey));
        assert_eq!(of(&nested, r#"{"data.id":"k1"}"#), Err(Refusal::MissingKey));
        assert_eq!(of(&nested, r#"{"data":{"id":[]}}"#), Err(Refusal::MissingKey));
        assert_eq!(of(&nested, r#"{"data":{"id":7}}"#), Err(Refusal::UnusableKey), "a key is text");
        let field = KeyPlace { form_field: Some("id".to_owned()), ..KeyPlace::default() };
        assert_eq!(of(&field, "a=1&id=k%201+x").as_deref(), Ok("k 1 x"));
    }
}
