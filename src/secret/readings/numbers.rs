//! Numbers: bytes that are written as a list of numbers, one a byte.
//!
//! In: a text. Out: its lists, as the bytes that they count, and where each number stands: `[97, 98]`, `[97 98]`, `{"0":97,"1":98}`,
//! `61-62-63`, `<Buffer 61 62>`, `0x61, 0x62`, `141 142`, negative ones as Java writes them. What stands between two numbers is blanks and
//! the marks that lists have; whatever else comes ends the list. A point is none: `97.98.99.100` is an address.

use std::ops::Range;

/// Fewer numbers are no list.
const SHORTEST: usize = 4;

/// A list.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::secret) struct List {
    /// The bytes that it counts.
    pub bytes: Vec<u8>,
    /// Where each of them stands in the text.
    places: Vec<Range<usize>>,
}

impl List {
    /// Where some of its bytes stand in the text.
    pub(in crate::secret) fn origin(&self, place: &Range<usize>) -> Range<usize> {
        match self.places.get(place.clone()) {
            Some([first, .., last]) => first.start..last.end,
            Some([one]) => one.clone(),
            Some([]) | None => 0..0,
        }
    }

    /// Where its first number stands, and its last.
    pub(in crate::secret) fn span(&self) -> Range<usize> {
        self.origin(&(0..self.places.len()))
    }
}

/// No number of a list is longer: `0x61`.
const LONGEST: usize = 4; // bytes

/// How the numbers of a list are written.
#[derive(Clone, Copy)]
enum Written {
    Decimal,
    /// Two digits each.
    Hex,
    /// Three digits each.
    Octal,
}

/// The lists of a text, those of each way to write numbers apart: one text may be read in several.
pub(in crate::secret) fn lists(text: &[u8]) -> Vec<List> {
    let mut lists = Vec::new();
    let mut open =
        [Written::Decimal, Written::Hex, Written::Octal].map(|written| (written, List { bytes: Vec::new(), places: Vec::new() }));
    // Most of a text is no list, and passed over quickly.
    let mut is_open = false;
    let mut at = 0;
    while at < text.len() {
        let length = text[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let word = at..at + length;
        at += length.max(1);
        let may_be_number = (1..=LONGEST).contains(&length) && text[word.start].is_ascii_hexdigit();
        if !may_be_number {
            if is_open && (length > 0 || !is_between(text[word.start])) {
                open.iter_mut().for_each(|(_, list)| close(list, &mut lists));
                is_open = false;
            }
            continue;
        }
        if is_index(text, &word) {
            continue;
        }
        for (written, list) in &mut open {
            match value(text, &word, *written) {
                Some((byte, place)) => {
                    list.bytes.push(byte);
                    list.places.push(place);
                    is_open = true;
                }
                None => close(list, &mut lists),
            }
        }
    }
    open.iter_mut().for_each(|(_, list)| close(list, &mut lists));
    lists
}

/// What may stand between the numbers of a list.
fn is_between(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b',' | b';' | b':' | b'-' | b'_' | b'|' | b'"' | b'\'')
}

/// Ends a list; one that is long enough is kept.
fn close(list: &mut List, lists: &mut Vec<List>) {
    if list.bytes.len() < SHORTEST {
        list.bytes.clear();
        list.places.clear();
    } else {
        lists.push(std::mem::replace(list, List { bytes: Vec::new(), places: Vec::new() }));
    }
}

/// Whether a word is the name of a member, and its value the number: `"0":97`.
fn is_index(text: &[u8], word: &Range<usize>) -> bool {
    let is_quoted = word.start.checked_sub(1).is_some_and(|before| text[before] == b'"') && text.get(word.end) == Some(&b'"');
    let behind = text[word.end..].iter().skip(1).find(|byte| !byte.is_ascii_whitespace());
    is_quoted && behind == Some(&b':')
}

/// The byte that a word stands for, and the place of the number with its sign.
fn value(text: &[u8], word: &Range<usize>, written: Written) -> Option<(u8, Range<usize>)> {
    let digits = std::str::from_utf8(text.get(word.clone()).filter(|word| word.len() <= LONGEST)?).ok()?;
    let byte = match written {
        Written::Decimal if digits.len() <= 3 => {
            let number: u16 = digits.parse().ok()?;
            // What stands between two digits is no sign.
            let sign = word.start.checked_sub(1).filter(|at| text[*at] == b'-');
            let sign = sign.filter(|at| at.checked_sub(1).is_none_or(|before| !text[before].is_ascii_alphanumeric()));
            return match sign {
                None => Some((u8::try_from(number).ok()?, word.clone())),
                Some(sign) if (1..=128).contains(&number) => Some((u8::try_from(256 - number).ok()?, sign..word.end)),
                Some(_) => None,
            };
        }
        Written::Hex => match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
            Some(digits) if matches!(digits.len(), 1 | 2) => u8::from_str_radix(digits, 16),
            None if digits.len() == 2 => u8::from_str_radix(digits, 16),
            Some(_) | None => return None,
        },
        Written::Octal if digits.len() == 3 => u8::from_str_radix(digits, 8),
        Written::Decimal | Written::Octal => return None,
    };
    Some((byte.ok()?, word.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_however_numbers_are_written() {
        for text in [
            "[116 101 115 116]",
            "[116,101,115,116]",
            "[\n  116,\n  101,\n  115,\n  116\n]",
            r#"{"0":116,"1":101,"2" : 115,"3":116}"#,
            r#"["74","65","73","74"]"#,
            "74-65-73-74",
            "74:65:73:74",
            "<Buffer 74 65 73 74>",
            "[]byte{0x74, 0x65, 0x73, 0x74}",
            "0000000 164 145 163 164",
            "<<116,101,115,116>>",
        ] {
            assert!(lists(text.as_bytes()).iter().any(|list| list.bytes.ends_with(b"test")), "{text}: {:?}", lists(text.as_bytes()));
        }
        assert_eq!(lists(b"[-1, -128, 0, 127]")[0].bytes, [255, 128, 0, 127]);
        assert_eq!(lists(b"[-1, -128, 0, 127]")[0].span(), 1..17);
        for none in ["116.101.115.116", "test", "116 101 115", "[116, 101, x, 115, 116]", "[380, 381, 382, 383]", "7465-6573", ""] {
            assert_eq!(lists(none.as_bytes()), [], "{none}");
        }
    }
}
