//! Odd keys: those with bytes outside ASCII, and the texts under which right receivers keep them.
//!
//! Who reads header bytes as Latin-1 (PEP 3333, Node.js, servlets) keeps another text than who reads them as UTF-8, and
//! who has none for them writes a mark or an escape. All of them keep two keys apart, and none is more right than another.
//! Nothing here says that a receiver takes such keys: that is the contract's.

use std::fmt::Write as _;

/// What makes text of a key that stands as a number in its place: whatever a receiver makes of it, it is not the key that this is the text of.
const AS_NUMBER: &str = " as a number";

/// The text by which a key is called: itself where it is text, with `\xff` for each byte that is none. No two keys have one text.
#[must_use]
pub fn text_of(key: &[u8]) -> String {
    let mut text = String::with_capacity(key.len());
    for chunk in key.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            escaped(&mut text, *byte);
        }
    }
    text
}

fn escaped(text: &mut String, byte: u8) {
    // Writing to a String never fails.
    let _ = write!(text, "\\x{byte:02x}");
}

/// The bytes of a key that is called so.
#[must_use]
pub fn bytes_of(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digits = tail.strip_prefix(b"x").and_then(|digits| digits.get(..2)).filter(|_| *first == b'\\');
        let byte = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()).filter(|byte| *byte > 0x7f);
        match byte {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[3..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    bytes
}

/// The name of what stands as a number in a key's place.
#[must_use]
pub fn number(digits: &str) -> String {
    format!("{digits}{AS_NUMBER}")
}

/// The digits of such a number, by its name.
#[must_use]
pub fn digits_of(key: &str) -> Option<&str> {
    key.strip_suffix(AS_NUMBER)
}

/// Whether a key has bytes outside ASCII, so that it may be kept under another text than its own.
#[must_use]
pub fn is_odd(key: &str) -> bool {
    !key.is_ascii() || !is_text(key)
}

/// Whether a key is text, whatever its letters.
#[must_use]
pub fn is_text(key: &str) -> bool {
    !key.contains("\\x") || std::str::from_utf8(&bytes_of(key)).is_ok()
}

/// A way in which a receiver writes down the bytes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// As UTF-8, and `\xff` for what is none.
    Text,
    /// Each byte as the letter of that number.
    Latin1,
    /// The same, with the letters that Windows has between 0x80 and 0x9f.
    Windows1252,
    /// As UTF-8, and one U+FFFD for what is none.
    Lossy,
    /// U+FFFD for each byte.
    ReplacedBytes,
    /// A question mark for each byte.
    MarkedBytes,
    /// A question mark for each letter.
    MarkedLetters,
    /// `%C3%A9`.
    Percent,
    /// `%c3%a9`.
    PercentLower,
    /// `\xc3\xa9`.
    Hex,
    /// `\xC3\xA9`.
    HexUpper,
    /// `\303\251`.
    Octal,
    /// `\u00e9`, of UTF-8.
    Unicode,
    /// `\u00c3\u00a9`, of Latin-1.
    UnicodeLatin1,
    /// `\udcc3\udca9`, as Python writes bytes that it could not read.
    Surrogates,
}

impl Spelling {
    /// All of them, what is most usual first.
    pub const ALL: [Self; 15] = [
        Self::Text,
        Self::Latin1,
        Self::Lossy,
        Self::Windows1252,
        Self::ReplacedBytes,
        Self::MarkedBytes,
        Self::MarkedLetters,
        Self::Percent,
        Self::PercentLower,
        Self::Hex,
        Self::HexUpper,
        Self::Octal,
        Self::Unicode,
        Self::UnicodeLatin1,
        Self::Surrogates,
    ];

    /// A key so written.
    ///
    /// * `key`: as it is called ([`text_of`]).
    #[must_use]
    pub fn of(self, key: &str) -> String {
        if self == Self::Text || !is_odd(key) {
            return key.to_owned();
        }
        let bytes = bytes_of(key);
        let each = |written: &dyn Fn(u8) -> String| {
            let one = |byte: &u8| if byte.is_ascii() { char::from(*byte).to_string() } else { written(*byte) };
            bytes.iter().map(one).collect::<String>()
        };
        match self {
            Self::Text => key.to_owned(),
            Self::Latin1 => each(&|byte| char::from(byte).to_string()),
            Self::Windows1252 => each(&|byte| windows_1252(byte).to_string()),
            Self::Lossy => String::from_utf8_lossy(&bytes).into_owned(),
            Self::ReplacedBytes => each(&|_| char::REPLACEMENT_CHARACTER.to_string()),
            Self::MarkedBytes => each(&|_| "?".to_owned()),
            Self::MarkedLetters => String::from_utf8_lossy(&bytes).chars().map(|one| if one.is_ascii() { one } else { '?' }).collect(),
            Self::Percent => each(&|byte| format!("%{byte:02X}")),
            Self::PercentLower => each(&|byte| format!("%{byte:02x}")),
            Self::Hex => each(&|byte| format!("\\x{byte:02x}")),
            Self::HexUpper => each(&|byte| format!("\\x{byte:02X}")),
            Self::Octal => each(&|byte| format!("\\{byte:03o}")),
            Self::Unicode => {
                let one = |unit: u16| match u8::try_from(unit).ok().filter(u8::is_ascii) {
                    Some(byte) => char::from(byte).to_string(),
                    None => format!("\\u{unit:04x}"),
                };
                String::from_utf8_lossy(&bytes).encode_utf16().map(one).collect()
            }
            Self::UnicodeLatin1 => each(&|byte| format!("\\u{:04x}", u16::from(byte))),
            Self::Surrogates => each(&|byte| format!("\\udc{byte:02x}")),
        }
    }

    /// Every text under which a key may stand; one where it is plain.
    #[must_use]
    pub fn all_of(key: &str) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for text in Self::ALL.iter().filter(|one| **one == Self::Text || is_odd(key)).map(|one| one.of(key)) {
            if !all.contains(&text) {
                all.push(text);
            }
        }
        all
    }
}

/// The letter of a byte as browsers and .NET read `latin1` (WHATWG Encoding, windows-1252).
fn windows_1252(byte: u8) -> char {
    const FROM_80: &[char] = &[
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•',
        '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    let at = usize::from(byte).checked_sub(0x80).and_then(|at| FROM_80.get(at));
    at.copied().unwrap_or(char::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two keys never have one name, and the name gives the bytes back.
    #[test]
    fn names_of_keys_are_their_own() {
        for (bytes, text) in [
            (&b"a\xff\xfe"[..], "a\\xff\\xfe"),
            (b"a\xfe\xff", "a\\xfe\\xff"),
            ("é".as_bytes(), "é"),
            (b"a\xe9b", "a\\xe9b"),
            (b"k-1", "k-1"),
        ] {
            assert_eq!(text_of(bytes), text);
            assert_eq!(bytes_of(text), bytes);
        }
        assert_eq!([is_odd("k-1"), is_odd("é"), is_odd("a\\xff"), is_odd("a\\x41")], [false, true, true, false]);
        assert_eq!([is_text("é"), is_text("a\\xff"), is_text("a\\x41")], [true, false, true]);
    }

    /// What receivers in the wild make of two bytes; a plain key has one spelling.
    #[test]
    fn keys_are_spelled_as_receivers_do() {
        let all = Spelling::all_of("k-é");
        for text in [
            "k-é",
            "k-Ã©",
            "k-\u{fffd}\u{fffd}",
            "k-??",
            "k-?",
            "k-%C3%A9",
            "k-\\xc3\\xa9",
            "k-\\303\\251",
            "k-\\u00e9",
            "k-\\udcc3\\udca9",
        ] {
            assert!(all.iter().any(|one| one == text), "{text} in {all:?}");
        }
        assert_eq!(Spelling::Latin1.of("k-\\xff\\xfe"), "k-ÿþ");
        assert_eq!(Spelling::Lossy.of("k-\\xff\\xfe"), "k-\u{fffd}\u{fffd}");
        assert_eq!(Spelling::Windows1252.of("k-\\x80"), "k-€");
        assert_eq!(Spelling::all_of("k-1"), ["k-1"]);
    }

    /// A number in a key's place is called by its digits, and is not the key that these are.
    #[test]
    fn numbers_have_names_of_their_own() {
        assert_eq!((digits_of(&number("17")), digits_of("17")), (Some("17"), None));
    }
}
