//! Redaction: no secret leaves in any form that it is likely to travel in.
//!
//! Takes secrets once, then texts, JSON values or whole reports; gives them
//! back with `***` in the place of every form of every secret: raw, hex,
//! base64 (also in the middle of a longer base64 text), percent-encoded, and
//! escaped for JSON, XML, Rust and shells, escapes of escapes included.
//!
//! Hide first, lay out afterwards: wrapping, cutting and colouring may tear a
//! secret into pieces that no pattern knows. So [`Redactor::report`] comes
//! before a form is made, and [`Redactor::text`] stands behind it once more.
//!
//! **Invariant:** when the forms cannot be searched for, everything is hidden.

use std::borrow::Cow;
use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::report::{Finding, HistoryWitness, Report, RunFacts, SnapshotFacts, Target};

/// What stands in the place of a secret.
pub const HIDDEN: &str = "***";

/// A piece of base64 shorter than this is in every second text, and tells at most two bytes.
const SHORTEST_PIECE: usize = 4; // characters

/// Hides secrets.
///
/// ```
/// # use hookgate::report::redact::Redactor;
/// let redactor = Redactor::new(&[b"Jefe's key"]);
/// assert_eq!(redactor.text("key=Jefe's%20key hex=4a6566652773206b6579"), "key=*** hex=***");
/// ```
#[derive(Clone)]
pub struct Redactor {
    forms: Forms,
}

#[derive(Clone)]
enum Forms {
    None,
    Some(AhoCorasick),
    /// They could not be put together: then all text is taken for secret.
    Unsearchable,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redactor(***)")
    }
}

impl Redactor {
    /// Hides each of `secrets`, given as raw bytes; empty ones are no secrets.
    ///
    /// A short secret also hides where it stands by chance: `pass` would be
    /// hidden in every verdict.
    #[must_use]
    pub fn new(secrets: &[&[u8]]) -> Self {
        let forms: BTreeSet<Vec<u8>> = secrets.iter().filter(|secret| !secret.is_empty()).flat_map(|secret| forms_of(secret)).collect();
        if forms.is_empty() {
            return Self::none();
        }
        let built = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(forms);
        Self { forms: built.map_or(Forms::Unsearchable, Forms::Some) }
    }

    /// Hides nothing: there is no secret.
    #[must_use]
    pub fn none() -> Self {
        Self { forms: Forms::None }
    }

    /// `bytes` without any form of any secret.
    #[must_use]
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let forms = match &self.forms {
            Forms::None => return Cow::Borrowed(bytes),
            Forms::Unsearchable => return Cow::Borrowed(HIDDEN.as_bytes()),
            Forms::Some(forms) => forms,
        };
        if !forms.is_match(bytes) {
            return Cow::Borrowed(bytes);
        }
        let replace = |bytes: &[u8]| {
            let mut hidden = Vec::with_capacity(bytes.len());
            forms.replace_all_with_bytes(bytes, &mut hidden, |_, _, out| {
                out.extend_from_slice(HIDDEN.as_bytes());
                true
            });
            hidden
        };
        let mut hidden = replace(bytes);
        // Stars beside stars may make a secret of stars again; as long as it helps, once more.
        while forms.is_match(&hidden) {
            let again = replace(&hidden);
            if again.len() >= hidden.len() {
                break;
            }
            hidden = again;
        }
        Cow::Owned(hidden)
    }

    /// `text` without any form of any secret.
    ///
    /// A secret of odd bytes may begin or end inside a character; what is left
    /// of that character becomes U+FFFD.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.bytes(text.as_bytes()) {
            Cow::Borrowed(bytes) if bytes.len() == text.len() => Cow::Borrowed(text),
            hidden => Cow::Owned(String::from_utf8_lossy(&hidden).into_owned()),
        }
    }

    /// `value` with every string in it redacted; names of members and numbers are left alone.
    #[must_use]
    pub fn json(&self, value: &Value) -> Value {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
            Value::String(text) => Value::String(self.text(text).into_owned()),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.json(item)).collect()),
            Value::Object(members) => Value::Object(members.iter().map(|(name, value)| (name.clone(), self.json(value))).collect()),
        }
    }

    /// `report` with every free text in it redacted; verdicts, levels and ids of requirements stay as they are.
    #[must_use]
    pub fn report(&self, report: &Report) -> Report {
        let mut report = report.clone();
        let hide = |text: &mut String| {
            if let Cow::Owned(hidden) = self.text(text) {
                *text = hidden;
            }
        };
        hide(&mut report.contract);
        // Taken apart whole, so that a member that is added is not forgotten here.
        let Target { url, built_in: _, database, effects, tables, command, output } = &mut report.target;
        [url].into_iter().chain(database).chain(effects).chain(command).chain(output).for_each(hide);
        for table in tables {
            hide(&mut table.table);
            for column in &mut table.columns {
                hide(&mut column.name);
                hide(&mut column.kind);
                column.default.iter_mut().for_each(hide);
            }
        }
        let RunFacts {
            arguments,
            ended_early,
            notes,
            started_at: _,
            clock: _,
            seed: _,
            duration_ms: _,
            jobs: _,
            deliveries: _,
            shard: _,
            ttl_secs: _,
        } = &mut report.run;
        [arguments].into_iter().chain(ended_early).chain(notes).for_each(hide);
        report.baseline.iter_mut().flat_map(|one| [&mut one.file].into_iter().chain(&mut one.stale).chain(&mut one.holding)).for_each(hide);
        if let Some(SnapshotFacts { folder, new, changed, unreferenced, matched: _, pending: _, fails: _ }) = &mut report.snapshots {
            [folder].into_iter().chain(new).chain(changed).chain(unreferenced).for_each(hide);
        }
        report.repeat.iter_mut().flat_map(|one| &mut one.differing).for_each(|one| hide(&mut one.scenario));
        for witness in report.history.iter_mut().flat_map(|history| &mut history.witnesses) {
            let HistoryWitness { key, scenario, why, operations, lanes } = witness;
            let lanes = lanes.iter_mut().flat_map(|lane| [&mut lane.key, &mut lane.got]);
            [key, scenario, why].into_iter().chain(operations).chain(lanes).for_each(hide);
        }
        for scenario in &mut report.scenarios {
            [&mut scenario.id, &mut scenario.title, &mut scenario.file].into_iter().chain(&mut scenario.reason).for_each(hide);
            for lane in scenario.bursts.iter_mut().flat_map(|burst| &mut burst.lanes) {
                [&mut lane.key, &mut lane.got].into_iter().for_each(hide);
            }
            for finding in &mut scenario.findings {
                let Finding { step_name, expected, reference, observed, curl, requirement: _, level: _, step: _, line: _ } = finding;
                [expected, reference, observed, curl].into_iter().chain(step_name).for_each(hide);
            }
        }
        for one in &mut report.requirements {
            [&mut one.sentence, &mut one.topic].into_iter().chain(&mut one.reason).chain(&mut one.scenarios).for_each(hide);
            let translations = one.translations.values_mut();
            translations.flat_map(|words| [&mut words.sentence, &mut words.topic]).for_each(hide);
        }
        report
    }
}

/// Every form of one secret.
fn forms_of(secret: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut texts: BTreeSet<String> = BTreeSet::new();
    let lossy = String::from_utf8_lossy(secret).into_owned();
    texts.extend(escapes(&lossy).into_iter().flat_map(|once| escapes(&once).into_iter().chain([once])));
    texts.insert(secret.escape_ascii().to_string());
    for hex in [lower_hex(secret, ""), lower_hex(secret, "%"), lower_hex(secret, "\\x")] {
        // `%` and `\x` keep their letters; only the digits have a case.
        texts.insert(hex.to_ascii_uppercase().replace("\\X", "\\x"));
        texts.insert(hex);
    }
    for kept in ["-._~", "-._~!'()*", "-._~/", "-._~!'()*/:?#[]@$&+,;="] {
        for encoded in [percent(secret, kept, false), percent(secret, kept, true)] {
            texts.insert(encoded.replace("%20", "+"));
            texts.insert(encoded);
        }
    }
    for piece in base64_pieces(secret) {
        texts.insert(piece.replace('/', "\\/"));
        texts.insert(percent(piece.as_bytes(), "", false));
        texts.insert(percent(piece.as_bytes(), "", true));
        texts.insert(piece);
    }
    texts.into_iter().map(String::into_bytes).chain([secret.to_vec()]).collect()
}

/// `text` as JSON, XML, Rust and shells would have it written, and as it is.
fn escapes(text: &str) -> Vec<String> {
    let json = Value::String(text.to_owned()).to_string();
    let json = json[1..json.len() - 1].to_owned();
    let quoted = format!("{text:?}");
    let xml_text = text.replace('&', "&amp;").replace('<', "&lt;");
    let xml = xml_text.replace('>', "&gt;");
    let quotes = |quote: &str, apostrophe: &str| xml.replace('"', quote).replace('\'', apostrophe);
    vec![
        text.to_owned(),
        json.replace('/', "\\/"),
        ascii_json(&json, false),
        ascii_json(&json, true),
        ascii_json(&json.replace('/', "\\/"), false),
        json,
        quoted[1..quoted.len() - 1].to_owned(),
        quotes("&quot;", "'"),
        quotes("&quot;", "&apos;"),
        quotes("&quot;", "&#39;"),
        quotes("&#34;", "&#39;"),
        quotes("&quot;", "&#x27;"),
        xml_text,
        xml,
        text.replace('\'', "'\\''"),
        text.replace('\'', "'\"'\"'"),
    ]
}

/// JSON text whose characters outside ASCII are written as escapes of four hexadecimal digits.
fn ascii_json(json: &str, upper: bool) -> String {
    let mut ascii = String::new();
    for character in json.chars() {
        if character.is_ascii() {
            ascii.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            ascii.push_str(&if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") });
        }
    }
    ascii
}

fn lower_hex(bytes: &[u8], before_each: &str) -> String {
    bytes.iter().map(|byte| format!("{before_each}{byte:02x}")).collect()
}

/// Percent-encodes all but letters, digits and `kept`.
fn percent(bytes: &[u8], kept: &str, lower: bool) -> String {
    let encode = |byte: &u8| match *byte {
        byte if byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte) => char::from(byte).to_string(),
        byte if lower => format!("%{byte:02x}"),
        byte => format!("%{byte:02X}"),
    };
    bytes.iter().map(encode).collect()
}

/// The secret in base64: alone, and those characters that it decides alone when it stands in a longer text.
fn base64_pieces(secret: &[u8]) -> Vec<String> {
    let mut pieces = Vec::new();
    for (padded, bare) in [(&STANDARD, &STANDARD_NO_PAD), (&URL_SAFE, &URL_SAFE_NO_PAD)] {
        pieces.extend([padded.encode(secret), bare.encode(secret)]);
        for before in 0..3 {
            let text = bare.encode([&[0_u8; 2][..before], secret].concat());
            // 6 bits a character: the first and the last may belong in part to what stands around.
            let (from, to) = ((before * 8).div_ceil(6), (before + secret.len()) * 8 / 6);
            pieces.extend(text.get(from..to).map(str::to_owned));
        }
    }
    pieces.retain(|piece| piece.len() >= SHORTEST_PIECE);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a text looks like once `Jefe's <key>/ü` is hidden.
    fn hidden(text: &str) -> String {
        Redactor::new(&["Jefe's <key>/ü".as_bytes()]).text(text).into_owned()
    }

    /// Most of these are what Python makes of the secret: `hex`, `base64`, `urllib.parse`, `json`, `html` and `shlex`.
    #[test]
    fn known_forms_are_hidden() {
        for text in [
            "Jefe's <key>/ü",
            "4a6566652773203c6b65793e2fc3bc",
            "4A6566652773203C6B65793E2FC3BC",
            "SmVmZSdzIDxrZXk+L8O8",
            "SmVmZSdzIDxrZXk-L8O8",
            "Jefe%27s%20%3Ckey%3E/%C3%BC",
            "Jefe%27s%20%3Ckey%3E%2F%C3%BC",
            "Jefe%27s%20%3ckey%3e%2f%c3%bc",
            "Jefe%27s+%3Ckey%3E%2F%C3%BC",
            "%4a%65%66%65%27%73%20%3c%6b%65%79%3e%2f%c3%bc",
            r"Jefe's <key>/\u00fc",
            r"Jefe's <key>\/\u00fc",
            "Jefe's &lt;key&gt;/ü",
            "Jefe&apos;s &lt;key&gt;/ü",
            "Jefe&#39;s &lt;key&gt;/ü",
            "Jefe&#x27;s &lt;key&gt;/ü",
            r"Jefe'\''s <key>/ü",
            r#"Jefe'"'"'s <key>/ü"#,
        ] {
            assert_eq!(hidden(&format!("a {text} b")), "a *** b", "{text}");
        }
    }

    /// `xx`, the secret, `yy` in base64: only what the secret does not decide alone is left.
    #[test]
    fn a_secret_inside_longer_base64_is_hidden_at_every_alignment() {
        for before in ["", "x", "xx", "xxx"] {
            let shown = hidden(&STANDARD.encode(format!("{before}Jefe's <key>/üyy")));
            assert!(shown.contains(HIDDEN) && shown.len() <= 3 + 2 + before.len() * 2 + 4, "{shown}");
        }
    }

    #[test]
    fn other_text_is_lent_back_untouched() {
        let redactor = Redactor::new(&[b"correct horse", b""]);
        assert!(matches!(redactor.text("battery staple"), Cow::Borrowed("battery staple")));
        assert_eq!(Redactor::new(&[b""]).text("anything"), "anything");
        assert_eq!(Redactor::none().text("anything"), "anything");
    }

    #[test]
    fn members_and_numbers_of_json_are_left_alone() {
        let value = serde_json::json!({"correct horse": ["correct horse", 17, null, {"deep": "a correct horse!"}]});
        let expected = serde_json::json!({"correct horse": ["***", 17, null, {"deep": "a ***!"}]});
        assert_eq!(Redactor::new(&[b"correct horse"]).json(&value), expected);
    }

    #[test]
    fn debug_shows_no_secret() {
        assert_eq!(format!("{:?}", Redactor::new(&[b"correct horse"])), "Redactor(***)");
    }

    #[test]
    fn a_secret_of_stars_does_not_come_back() {
        assert!(!Redactor::new(&[b"********"]).text(&"*".repeat(61)).contains("********"));
    }

    #[test]
    fn a_secret_of_odd_bytes_is_hidden_in_bytes_and_in_text() {
        let redactor = Redactor::new(&[b"\x81\xff\x00odd bytes"]);
        assert_eq!(redactor.bytes(b"a\x81\xff\x00odd bytesb").as_ref(), b"a***b");
        assert_eq!(redactor.text("a\u{fffd}\u{fffd}\0odd bytesb"), "a***b");
    }
}
