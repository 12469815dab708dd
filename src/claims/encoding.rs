//! Texts that were read in the wrong encoding: recognised, named and mended as far as they can be.
//!
//! UTF-8 that somebody read as Windows-1252 or -1254 and saved as UTF-8 again
//! has `ã‚­` where a `キ` was. Going back gives the bytes, unless some were
//! dropped: those code pages have no character for five or seven bytes, and
//! U+00AD is often thrown away. A kana that lost a byte is mended when it can be
//! only one; everything else that is incomplete becomes U+FFFD, which
//! [`contains`] takes for any one character.

use std::borrow::Cow;

/// What a text went through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// As what its bytes were read.
    pub read_as: &'static str,
    /// How many characters had lost a byte and are mended.
    pub mended: usize,
    /// How many cannot be told any more.
    pub lost: usize,
}

/// The character for a character that is lost.
pub const LOST: char = '\u{fffd}';

/// A code page: its name, what it has from 0x80 to 0x9F (U+0000 for nothing), and where it differs above.
struct CodePage {
    name: &'static str,
    low: [char; 32],
    high: &'static [(u8, char)],
}

const NOTHING: char = '\0';
const WINDOWS_1252: CodePage = CodePage {
    name: "Windows-1252",
    low: [
        '€', NOTHING, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', NOTHING, 'Ž', NOTHING, NOTHING, '‘', '’', '“', '”', '•', '–',
        '—', '˜', '™', 'š', '›', 'œ', NOTHING, 'ž', 'Ÿ',
    ],
    high: &[],
};
const WINDOWS_1254: CodePage = CodePage {
    name: "Windows-1254",
    low: [
        '€', NOTHING, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', NOTHING, NOTHING, NOTHING, NOTHING, '‘', '’', '“', '”', '•',
        '–', '—', '˜', '™', 'š', '›', 'œ', NOTHING, NOTHING, 'Ÿ',
    ],
    high: &[(0xd0, 'Ğ'), (0xdd, 'İ'), (0xde, 'Ş'), (0xf0, 'ğ'), (0xfd, 'ı'), (0xfe, 'ş')],
};

impl CodePage {
    fn byte(&self, character: char) -> Option<u8> {
        if character.is_ascii() {
            return u8::try_from(character).ok();
        }
        if let Some((byte, _)) = self.high.iter().find(|(_, one)| *one == character) {
            return Some(*byte);
        }
        let low = self.low.iter().position(|one| *one == character).and_then(|at| u8::try_from(at + 0x80).ok());
        // A byte without a character is kept by some as the control of the same number.
        low.or_else(|| u8::try_from(u32::from(character)).ok().filter(|byte| self.high.iter().all(|(other, _)| other != byte)))
    }

    /// Whether reading with this page may have dropped the byte.
    fn drops(&self, byte: u8) -> bool {
        byte == 0xad || byte.checked_sub(0x80).and_then(|at| self.low.get(usize::from(at))) == Some(&NOTHING)
    }

    fn bytes(&self, text: &str) -> Option<Vec<u8>> {
        text.chars().map(|character| self.byte(character)).collect()
    }

    #[cfg(test)]
    fn misread(&self, bytes: &[u8]) -> String {
        let read = |byte: &u8| match byte {
            0x80..=0x9f => Some(self.low[usize::from(byte - 0x80)]).filter(|one| *one != NOTHING),
            0xad => None,
            byte => Some(self.high.iter().find(|(other, _)| other == byte).map_or(char::from(*byte), |(_, one)| *one)),
        };
        bytes.iter().filter_map(read).collect()
    }
}

/// The text as it was meant, and what had become of it; a text that is as it should be is given back untouched.
#[must_use]
pub fn mend(text: &str) -> (Cow<'_, str>, Option<Damage>) {
    for page in [&WINDOWS_1252, &WINDOWS_1254] {
        let Some(bytes) = page.bytes(text) else { continue };
        let (mended, whole, damage) = decode(&bytes, page);
        // Words of a language that has such characters give hardly a whole one; broken texts give many.
        if whole > 3 && whole > damage.lost {
            return (Cow::Owned(mended), Some(damage));
        }
    }
    (Cow::Borrowed(text), None)
}

/// The text, how many characters of several bytes were whole, and the damage.
fn decode(bytes: &[u8], page: &CodePage) -> (String, usize, Damage) {
    let mut damage = Damage { read_as: page.name, mended: 0, lost: 0 };
    let (mut text, mut whole) = (String::with_capacity(bytes.len()), 0);
    for chunk in bytes.utf8_chunks() {
        whole += chunk.valid().chars().filter(|character| !character.is_ascii()).count();
        text.push_str(chunk.valid());
        match chunk.invalid() {
            [] => {}
            broken => match only_kana(broken, page) {
                Some(kana) => {
                    damage.mended += 1;
                    text.push(kana);
                }
                None => {
                    damage.lost += 1;
                    text.push(LOST);
                }
            },
        }
    }
    (text, whole, damage)
}

/// The only kana that these bytes can be with one more that the page drops.
fn only_kana(broken: &[u8], page: &CodePage) -> Option<char> {
    let [0xe3, rest] = broken else { return None };
    let pairs = (0x80..=0xbf_u8).filter(|byte| page.drops(*byte)).flat_map(|lost| [[lost, *rest], [*rest, lost]]);
    let mut kana = pairs.filter_map(|[middle, last]| {
        let bytes = [0xe3, middle, last];
        std::str::from_utf8(&bytes).ok()?.chars().next().filter(|one| ('\u{3041}'..='\u{30fe}').contains(one))
    });
    let first = kana.next()?;
    kana.all(|other| other == first).then_some(first)
}

/// Whether `text` holds `word`, in any case; a lost character is any character.
#[must_use]
pub fn contains(text: &str, word: &str) -> bool {
    holds(&text.chars().collect::<Vec<_>>(), &word.chars().collect::<Vec<_>>())
}

/// The same, of characters: for a text that is asked for many words.
#[must_use]
pub fn holds(text: &[char], word: &[char]) -> bool {
    // A text of lost characters alone would hold everything.
    let fits = |at: &[char]| {
        at.iter().zip(word).all(|(one, wanted)| same(*one, *wanted)) && at.iter().filter(|one| **one != LOST).count() * 2 >= word.len()
    };
    !word.is_empty() && text.windows(word.len()).any(fits)
}

/// Whether a character of a text is the wanted one, or was lost.
#[must_use]
pub fn same(one: char, wanted: char) -> bool {
    one == wanted || one == LOST || one.eq_ignore_ascii_case(&wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "重複検出: 202 ✅ 期限切れキーの自動削除、無効署名 📊 ありがとう";

    #[test]
    fn misread_text_is_recognised_and_named() {
        for page in [&WINDOWS_1252, &WINDOWS_1254] {
            let broken = page.misread(TEXT.as_bytes());
            let (mended, damage) = mend(&broken);
            let damage = damage.expect("it is broken");
            assert_eq!(mended.chars().count(), TEXT.chars().count(), "{mended}");
            assert!(mended.chars().zip(TEXT.chars()).all(|(one, wanted)| same(one, wanted)), "{mended}");
            assert!(damage.mended > 0 && damage.lost > 0, "{damage:?}");
            assert_eq!(damage.read_as, page.name);
        }
    }

    /// The fixture of a broken report is the whole one, misread.
    #[test]
    fn broken_fixture_is_fresh() {
        let whole = include_str!("../../fixtures/reports/phase3.md");
        let broken = include_str!("../../fixtures/reports/phase3-misread.md");
        assert!(WINDOWS_1254.misread(whole.as_bytes()) == broken, "fixtures/reports/phase3-misread.md is not phase3.md, misread");
    }

    #[test]
    fn nothing_is_done_to_a_text_that_is_right() {
        for text in [TEXT, "plain", "déjà vu, naïve, Ærø, «là», ¼ €", "ıİğŞ", ""] {
            assert_eq!(mend(text), (Cow::Borrowed(text), None));
        }
    }

    #[test]
    fn lost_characters_are_any_but_not_all() {
        assert!(contains("ヘッダ欠\u{fffd}: 400", "ヘッダ欠落") && contains("Missing HEADER", "header"));
        assert!(!contains("\u{fffd}\u{fffd}\u{fffd}", "重複検") && !contains("重", "重複") && !contains("重複", ""));
    }
}
