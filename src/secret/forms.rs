//! Forms of a secret: every text that tells it to whoever reads it.
//!
//! In: the secret's bytes. Out: raw, in Latin-1, hex (plain, with colons,
//! blanks, `%` or `\x` between), base64 and base64url (padded or not, alone or
//! in the middle of a longer text), percent-encoded, and escaped for JSON, XML,
//! Rust and shells, escapes of escapes included. Letters are compared in any
//! case, and line breaks are passed over, by whoever looks for them (`needles`).
//!
//! Which characters of a text are escaped, and how, is each writer's own choice:
//! whoever looks takes escapes back before (`readings`). The usual ones are
//! written out here all the same, because what stands before a text can be
//! taken for a part of its first escape, and all escapes are read amiss then.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::Value;

/// Every form of one secret; an empty one has none.
#[must_use]
pub fn forms(secret: &[u8]) -> BTreeSet<Vec<u8>> {
    if secret.is_empty() {
        return BTreeSet::new();
    }
    let mut texts: BTreeSet<String> = BTreeSet::new();
    let lossy = String::from_utf8_lossy(secret).into_owned();
    // A form of a page has it so, when its other escapes are taken back.
    texts.insert(lossy.replace(' ', "+"));
    texts.extend(escapes(&lossy).into_iter().flat_map(|once| escapes(&once).into_iter().chain([once])));
    texts.insert(secret.escape_ascii().to_string());
    let hex = |before_each: &str| secret.iter().map(|byte| format!("{before_each}{byte:02x}")).collect::<String>();
    texts.extend(["", ":", " ", "%", "\\x"].map(|before| hex(before).trim_start_matches([':', ' ']).to_owned()));
    for kept in ["-._~", "-._~!'()*", "-._~/", "-._~!'()*/:?#[]@$&+,;="] {
        let encoded = percent(secret, kept);
        texts.insert(encoded.replace("%20", "+"));
        texts.insert(encoded);
    }
    for piece in base64_pieces(secret) {
        texts.insert(piece.replace('/', "\\/"));
        texts.insert(percent(piece.as_bytes(), ""));
        texts.insert(piece);
    }
    // What a byte escape stands for where characters have one byte each (`\xfc`), and a header line.
    let latin_1: Option<Vec<u8>> =
        std::str::from_utf8(secret).ok().and_then(|text| text.chars().map(|one| u8::try_from(one).ok()).collect());
    texts.into_iter().map(String::into_bytes).chain([secret.to_vec()]).chain(latin_1).collect()
}

/// What a base64 text stands for, when it is one.
pub(super) fn decoded(word: &str) -> Option<Vec<u8>> {
    let bare = word.trim_end_matches('=');
    STANDARD_NO_PAD.decode(bare).or_else(|_| URL_SAFE_NO_PAD.decode(bare)).ok()
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
        ascii_json(&json, ""),
        // As Go writes it, and as frameworks do that have it stand in a page.
        ascii_json(&json, "<>&"),
        ascii_json(&json, "<>&'"),
        ascii_json(&json.replace('/', "\\/"), ""),
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

/// JSON text whose characters outside ASCII, and those of `more`, are written as escapes of four hexadecimal digits.
fn ascii_json(json: &str, more: &str) -> String {
    let mut ascii = String::new();
    for character in json.chars() {
        if character.is_ascii() && !more.contains(character) {
            ascii.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            ascii.push_str(&format!("\\u{unit:04x}"));
        }
    }
    ascii
}

/// Percent-encodes all but letters, digits and `kept`.
fn percent(bytes: &[u8], kept: &str) -> String {
    let encode = |byte: &u8| match *byte {
        byte if byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte) => char::from(byte).to_string(),
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
    pieces
}
