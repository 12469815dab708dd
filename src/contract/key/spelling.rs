//! Spelling of keys: how a sender writes one, in a header, in JSON and in a form.
//!
//! The counterpart of [`KeyPlace::read`]: what is written here is read there as
//! the same key, for every form and place.

use std::borrow::Cow;

use super::{KeyForm, KeyPlace, KeyScope, is_uuid};
use crate::contract::Contract;
use crate::delivery::HeaderLine;
use crate::message::spelling::{as_form, quoted, with_form_field, with_member_at};

/// The content type of forms.
const FORM: &str = "application/x-www-form-urlencoded";
/// Who sends, and whoever else does, where a header names the caller.
const CALLERS: [&str; 2] = ["hookgate", "hookgate-elsewhere"];
/// Why a body has no room for the key: it is no JSON object.
const NO_OBJECT: &str = "the contract's key travels in a JSON object, and this body is not one";

impl Contract {
    /// Whether its deliveries are forms.
    #[must_use]
    pub fn sends_forms(&self) -> bool {
        self.endpoint.content_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(FORM))
    }

    /// The body that travels: a form, where deliveries are forms, and with the key in it, where it travels there.
    ///
    /// # Errors
    /// Why it has no room for the key, as a sentence.
    pub fn travelling_body<'b>(&self, body: &'b [u8], key: Option<&[u8]>) -> Result<Cow<'b, [u8]>, &'static str> {
        let in_form = if self.sends_forms() { as_form(body) } else { Cow::Borrowed(body) };
        let Some(key) = key else { return Ok(in_form) };
        let with_key = match &in_form {
            Cow::Borrowed(_) => return self.key.put_into_body(body, key),
            Cow::Owned(form) => self.key.put_into_body(form, key)?.into_owned(),
        };
        Ok(Cow::Owned(with_key))
    }
}

impl KeyPlace {
    /// The key as it travels.
    ///
    /// * `key`: as the receiver should understand it; bytes that no key may have are written as they are.
    #[must_use]
    pub fn write<'k>(&self, key: &'k [u8]) -> Cow<'k, [u8]> {
        let quotes = match self.form {
            KeyForm::Bare | KeyForm::Uuid => false,
            KeyForm::Quoted => true,
            // Bare, but for a key that begins with a quotation mark: that would be taken for the one of its form (RFC 8941, section 4.2.5).
            KeyForm::Either => key.trim_ascii_start().starts_with(b"\""),
        };
        if !quotes {
            return Cow::Borrowed(key);
        }
        let mut text = vec![b'"'];
        for byte in key {
            if matches!(byte, b'"' | b'\\') {
                text.push(b'\\');
            }
            text.push(*byte);
        }
        text.push(b'"');
        Cow::Owned(text)
    }

    /// What `{id}` stands for in a signature: the key's bytes as they travel, without the blanks that get lost on the way.
    #[must_use]
    pub fn signed_id<'k>(&self, key: &'k [u8]) -> &'k [u8] {
        match (&self.header, self.form) {
            (Some(_), KeyForm::Bare | KeyForm::Either | KeyForm::Uuid) => key.trim_ascii(),
            (Some(_), KeyForm::Quoted) | (None, _) => key,
        }
    }

    /// The body that travels: `body` with the key in it, where it travels there, and all other bytes as they are.
    ///
    /// # Errors
    /// Why it has no room for the key, as a sentence.
    pub fn put_into_body<'b>(&self, body: &'b [u8], key: &[u8]) -> Result<Cow<'b, [u8]>, &'static str> {
        match (&self.header, &self.body_member, &self.form_field) {
            (Some(_), _, _) | (None, None, None) => Ok(Cow::Borrowed(body)),
            (None, Some(path), _) => {
                let written = self.write(key);
                let text = std::str::from_utf8(&written).map_err(|_| "the contract's key travels in JSON, and these bytes are no text")?;
                let changed = with_member_at(body, path, &quoted(text)).ok_or(NO_OBJECT)?;
                // What only looks like JSON (nested too deeply, half of a character) hides its key from every reader.
                let is_there = crate::message::member_text(&changed, path).is_some_and(|read| read == text);
                if is_there { Ok(Cow::Owned(changed)) } else { Err(NO_OBJECT) }
            }
            (None, None, Some(field)) => Ok(Cow::Owned(with_form_field(body, field, &self.write(key)))),
        }
    }

    /// `body` with a key as a number at its place: what looks like the text of that key and is none.
    ///
    /// # Errors
    /// Why there can be no such number, as a sentence.
    pub fn put_number_into_body(&self, body: &[u8], key: &[u8]) -> Result<Vec<u8>, &'static str> {
        let path = self.body_member.as_ref().ok_or("the contract's key does not travel in a JSON body")?;
        let text = std::str::from_utf8(key).ok().filter(|text| serde_json::from_str::<serde_json::Number>(text).is_ok());
        let number = text.ok_or("this key is no number")?;
        with_member_at(body, path, number).ok_or(NO_OBJECT)
    }

    /// The header line that names the caller, where the contract has one.
    #[must_use]
    pub fn caller_line(&self, elsewhere: bool) -> Option<HeaderLine> {
        let is_scope = self.scope == Some(KeyScope::Caller);
        self.caller.as_ref().map(|header| HeaderLine::new(header.clone(), CALLERS[usize::from(elsewhere && is_scope)]))
    }

    /// Whether the contract's keys are free text: any visible ASCII.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.form != KeyForm::Uuid && self.alphabet.is_none()
    }

    /// Says why text cannot be sent as a key where keys are not free text; a blank one always can.
    ///
    /// # Errors
    /// The reason, as a sentence.
    pub fn permits(&self, key: &[u8]) -> Result<(), String> {
        if key.trim_ascii().is_empty() {
            return Ok(());
        }
        // White space gets lost around a header's value; in quotation marks and in bodies it is the key's own.
        let is_kept = self.header.is_none() || self.form == KeyForm::Quoted;
        let key = if is_kept { key } else { key.trim_ascii() };
        if self.form == KeyForm::Uuid && !is_uuid(key) {
            return Err("the contract's keys are UUIDs (`key.form`), and this one is not".to_owned());
        }
        match (&self.alphabet, key.iter().find(|byte| !self.allows(**byte))) {
            (Some(alphabet), Some(byte)) => {
                let letter = if byte.is_ascii_graphic() { char::from(*byte).to_string() } else { format!("byte {byte:02x}") };
                Err(format!("the contract's keys have the characters {alphabet} (`key.alphabet`), and this one has `{letter}`"))
            }
            (Some(_), None) | (None, _) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::contract::key::places;
    use crate::delivery::Delivery;

    /// What arrives when `key` is sent in `place`.
    fn sent(place: &KeyPlace, key: &[u8], body: &[u8]) -> Delivery {
        let body = place.put_into_body(body, key).unwrap().into_owned().into();
        let headers = place.header.iter().map(|name| HeaderLine::new(name.clone(), place.write(key).into_owned())).collect();
        Delivery { headers, body, ..Delivery::default() }
    }

    proptest! {
        /// Requirement on both sides: a key that is written is read back, whatever its place and form.
        #[test]
        fn what_is_written_is_read(key in "[ -~]{1,40}", body in prop::sample::select(vec!["{}", "{\"data\":{\"a\":[1]},\"b\":2}", "{ \"id\": 7 }"])) {
            for place in places() {
                let bare = !matches!(place.form, KeyForm::Quoted);
                // White space around a bare key is the header's, not the key's.
                let key = if bare { key.trim() } else { key.as_str() };
                if key.trim().is_empty() || place.permits(key.as_bytes()).is_err() || (place.form == KeyForm::Either && key != key.trim()) {
                    continue;
                }
                let read = place.read(&sent(&place, key.as_bytes(), body.as_bytes()));
                prop_assert_eq!(read.as_deref(), Ok(key), "{:?}", place);
            }
        }
    }

    /// A key that begins with a quotation mark is never sent bare where both forms mean the same: half a string is no key.
    #[test]
    fn key_that_looks_like_half_a_string_is_quoted() {
        let place = KeyPlace { header: Some("K".to_owned()), form: KeyForm::Either, ..KeyPlace::default() };
        for (key, written) in [(r#""a''"#, r#""\"a''""#), (r#"a"b""#, r#"a"b""#), (r#""a""#, r#""\"a\"""#)] {
            assert_eq!(place.write(key.as_bytes()).as_ref(), written.as_bytes(), "{key}");
        }
    }

    /// A body that cannot hold the key is told, not sent.
    #[test]
    fn bodies_without_room_are_told() {
        let place = KeyPlace { body_member: Some("data.id".to_owned()), ..KeyPlace::default() };
        let deep = [&b"{\"a\":"[..], &b"[".repeat(500), &b"]".repeat(500), b"}"].concat();
        for body in [&b"[1]"[..], b"text", b"", b"{\"a\":", b"{\"data\":7}", b"{\"a\":\"\\ud800\"}", &deep] {
            assert_eq!(place.put_into_body(body, b"k").unwrap_err(), NO_OBJECT, "{}", String::from_utf8_lossy(body));
        }
        assert!(place.put_into_body(b"{}", &[0xff]).is_err());
    }

    /// What the form does not have is told.
    #[test]
    fn keys_outside_the_form_are_told() {
        let says = |form, alphabet: Option<&str>, key: &[u8]| {
            KeyPlace { form, alphabet: alphabet.map(str::to_owned), ..KeyPlace::default() }.permits(key).err()
        };
        assert_eq!(says(KeyForm::Bare, None, b"\xff anything"), None);
        let around = |form| {
            KeyPlace { header: Some("K".to_owned()), form, alphabet: Some("a-z".to_owned()), ..KeyPlace::default() }.permits(b"a ").err()
        };
        assert_eq!((around(KeyForm::Bare).is_none(), around(KeyForm::Quoted).is_none()), (true, false), "quotation marks keep blanks");
        assert_eq!(says(KeyForm::Uuid, None, b"0192b1c4-98f1-7a64-8c1d-0123456789ab"), None);
        assert_eq!(says(KeyForm::Uuid, None, b"  "), None);
        assert_eq!(says(KeyForm::Uuid, None, b"hg-1").as_deref(), Some("the contract's keys are UUIDs (`key.form`), and this one is not"));
        let narrow = says(KeyForm::Bare, Some("a-f"), b"abz");
        assert_eq!(narrow.as_deref(), Some("the contract's keys have the characters a-f (`key.alphabet`), and this one has `z`"));
    }
}
