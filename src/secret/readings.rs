//! Readings: a text as it stands before somebody wrote its characters as escapes.
//!
//! In: bytes. Out: what they say once the escapes of JSON and its like, of URLs, or of markup are taken back, each kind by itself and all
//! together, escapes of escapes included; and lists of numbers (`[97, 98]`, `61-62`) as the bytes that they count. Each with the places
//! where its bytes stood. Any character of a text may be written in any of its escapes: writers differ in which they choose, so no list of
//! whole forms has them all. Start at [`Reading::each`].
//!
//! Time and memory are linear in the text: few readings follow each other, and only where escapes were hidden by others. A text without
//! escapes has no reading but itself, and most others have one.

mod entities;
mod numbers;

use std::ops::Range;

pub(super) use numbers::{List, lists};

/// So many readings follow each other, where each takes back another kind of escape: JSON in markup, JSON in JSON.
const MOST_DEEP: usize = 2;
/// And so many where each takes back all kinds.
const MOST_ALIKE: usize = 3;
/// In a longer text those of unlike kinds do not follow each other: it would take seconds, if it consisted of escapes.
const LONG: usize = 256 << 10; // bytes
/// The longest name of an entity, with its semicolon.
const LONGEST_ENTITY: usize = 12; // bytes

/// What is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `\"`, `\u002B`, `\u{2b}`, `\x2b`, `\053`, and a quote inside a quoted word of a shell.
    Backslash,
    /// `%2B`, `%u002B`.
    Percent,
    /// `&quot;`, `&#43;`, `&#x2b;`.
    Entity,
    /// Whichever comes.
    Any,
}

/// Bytes, and where each of them stood in the text that was read.
pub(super) struct Reading<'b> {
    /// What it says.
    pub text: Vec<u8>,
    origins: Origins,
    /// Whether escapes stand there that were hidden by others: in all other texts it does not matter which kind is taken back first.
    is_nested: bool,
    /// The reading of which it is one, where that is not the text itself.
    before: Option<&'b Reading<'b>>,
}

/// Where the bytes of a reading stood in the one before.
struct Origins(Vec<Piece>);

/// Bytes that were taken over, or one escape. There may be as many as a third of the bytes, so they are small: no text that is read has 4 GiB.
#[derive(Clone, Copy)]
struct Piece {
    /// Where it begins in the reading.
    at: u32,
    /// Where it began.
    from: u32,
    /// How long the escape was; 0 where bytes were taken over.
    escape: u32,
}

impl Piece {
    fn new(at: usize, from: usize, escape: usize) -> Self {
        let [at, from, escape] = [at, from, escape].map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        Self { at, from, escape }
    }
}

impl Reading<'_> {
    /// Shows every reading of `bytes` but the plainest, that they say what they say. No more than a few are there at a time.
    pub(super) fn each(bytes: &[u8], show: &mut dyn FnMut(&Reading<'_>)) {
        if bytes.iter().any(|byte| is_special(*byte)) {
            follow(bytes, None, if bytes.len() > LONG { 1 } else { MOST_DEEP }, show);
        }
    }

    /// Where it stood.
    pub(super) fn origin(&self, place: Range<usize>) -> Range<usize> {
        let place = self.origins.of(place);
        self.before.map_or_else(|| place.clone(), |before| before.origin(place.clone()))
    }
}

/// Shows what follows from a text, kind by kind, and then all kinds at once.
fn follow(text: &[u8], before: Option<&Reading<'_>>, deep: usize, show: &mut dyn FnMut(&Reading<'_>)) {
    let mut kinds = 0;
    for kind in [Kind::Backslash, Kind::Percent, Kind::Entity] {
        let Some(reading) = read(text, before, kind) else { continue };
        kinds += 1;
        show(&reading);
        match deep {
            _ if !reading.is_nested => {}
            0 | 1 => follow_alike(&reading.text, Some(&reading), 1, show),
            _ => follow(&reading.text, Some(&reading), deep - 1, show),
        }
    }
    // One kind at once is that kind by itself.
    if kinds > 1 {
        follow_alike(text, before, if before.is_none() { MOST_ALIKE } else { 1 }, show);
    }
}

/// Shows what follows from a text when all kinds are taken back, again and again.
fn follow_alike(text: &[u8], before: Option<&Reading<'_>>, deep: usize, show: &mut dyn FnMut(&Reading<'_>)) {
    let Some(reading) = read(text, before, Kind::Any).filter(|_| deep > 0) else { return };
    show(&reading);
    if reading.is_nested {
        follow_alike(&reading.text, Some(&reading), deep - 1, show);
    }
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'\\' | b'%' | b'&' | b'\'')
}

/// A text without its escapes of one kind; nothing where it has none.
fn read<'b>(text: &[u8], before: Option<&'b Reading<'b>>, kind: Kind) -> Option<Reading<'b>> {
    let begins = |byte: u8| match kind {
        Kind::Backslash => matches!(byte, b'\\' | b'\''),
        Kind::Percent => byte == b'%',
        Kind::Entity => byte == b'&',
        Kind::Any => is_special(byte),
    };
    let mut said = Vec::new();
    let mut pieces = Vec::new();
    let (mut from, mut at, mut is_nested) = (0, 0, false);
    while let Some(next) = text[at..].iter().position(|byte| begins(*byte)) {
        at += next;
        let Some((length, unescaped)) = unescaped(&text[at..]) else {
            at += 1;
            continue;
        };
        if said.capacity() == 0 {
            said.reserve(text.len());
        }
        if from < at {
            pieces.push(Piece::new(said.len(), from, 0));
            said.extend_from_slice(&text[from..at]);
        }
        pieces.push(Piece::new(said.len(), at, length));
        let begin = said.len();
        unescaped.write(&mut said);
        // A backslash that markup has no need to escape, and behind it what it has.
        is_nested |= said[begin..].iter().any(|byte| is_special(*byte)) || (at > 0 && text[at - 1] == b'\\' && text[at] != b'\\');
        at += length;
        from = at;
    }
    if pieces.is_empty() {
        return None;
    }
    pieces.push(Piece::new(said.len(), from, 0));
    said.extend_from_slice(&text[from..]);
    Some(Reading { text: said, origins: Origins(pieces), is_nested, before })
}

impl Origins {
    fn of(&self, place: Range<usize>) -> Range<usize> {
        let piece = |at: usize| {
            let Piece { at, from, escape } = self.0[self.0.partition_point(|piece| piece.at as usize <= at).saturating_sub(1)];
            (at as usize, from as usize, escape as usize)
        };
        let start = match piece(place.start) {
            (at, from, 0) => place.start - at + from,
            (_, from, _) => from,
        };
        let end = match piece(place.end.saturating_sub(1).max(place.start)) {
            (at, from, 0) => place.end - at + from,
            (_, from, escape) => from + escape,
        };
        start..end
    }
}

/// What an escape stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unescaped {
    Byte(u8),
    Character(char),
}

impl Unescaped {
    fn write(self, into: &mut Vec<u8>) {
        match self {
            Self::Byte(byte) => into.push(byte),
            Self::Character(character) => into.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// The escape that a text begins with: how long it is, and what it stands for.
fn unescaped(text: &[u8]) -> Option<(usize, Unescaped)> {
    match text.first()? {
        b'\\' => backslash(text),
        b'%' if text.get(1).is_some_and(|byte| matches!(byte, b'u' | b'U')) => units(text),
        b'%' => Some((3, Unescaped::Byte(u8::try_from(number(text.get(1..3)?, 16)?).ok()?))),
        b'&' => entity(text),
        // A quote inside a quoted word of a shell.
        b'\'' => [&br"'\''"[..], br#"'"'"'"#].into_iter().find(|one| text.starts_with(one)).map(|one| (one.len(), Unescaped::Byte(b'\''))),
        _ => None,
    }
}

fn backslash(text: &[u8]) -> Option<(usize, Unescaped)> {
    let control = |byte: u8| Some((2, Unescaped::Byte(byte)));
    match *text.get(1)? {
        b'u' if text.get(2) == Some(&b'{') => {
            let digits = text[3..].iter().take(7).position(|byte| *byte == b'}')?;
            Some((digits + 4, Unescaped::Character(char::from_u32(number(&text[3..3 + digits], 16)?)?)))
        }
        b'u' => units(text),
        b'U' => Some((10, Unescaped::Character(char::from_u32(number(text.get(2..10)?, 16)?)?))),
        b'x' => Some((4, Unescaped::Byte(u8::try_from(number(text.get(2..4)?, 16)?).ok()?))),
        digit @ b'0'..=b'7' => {
            let octal = text.get(1..4).and_then(|digits| number(digits, 8)).and_then(|code| u8::try_from(code).ok());
            octal.map(|byte| (4, Unescaped::Byte(byte))).or_else(|| (digit == b'0').then_some((2, Unescaped::Byte(0))))
        }
        b'n' => control(b'\n'),
        b'r' => control(b'\r'),
        b't' => control(b'\t'),
        b'b' => control(8),
        b'f' => control(12),
        b'v' => control(11),
        b'a' => control(7),
        byte if byte.is_ascii_punctuation() || byte == b' ' => control(byte),
        _ => None,
    }
}

/// Four hexadecimal digits behind two bytes, or two such escapes for a character outside the first plane.
fn units(text: &[u8]) -> Option<(usize, Unescaped)> {
    let unit = |text: &[u8]| u16::try_from(number(text.get(2..6)?, 16)?).ok();
    let first = unit(text)?;
    if let Some(character) = char::from_u32(u32::from(first)) {
        return Some((6, Unescaped::Character(character)));
    }
    let rest = text.get(6..).filter(|rest| rest.get(..2).is_some_and(|two| two.eq_ignore_ascii_case(&text[..2])))?;
    let character = char::decode_utf16([first, unit(rest)?]).next()?.ok()?;
    Some((12, Unescaped::Character(character)))
}

fn entity(text: &[u8]) -> Option<(usize, Unescaped)> {
    let end = text.iter().take(LONGEST_ENTITY).position(|byte| *byte == b';')?;
    let name = text.get(1..end)?;
    let character = match name {
        [b'#', b'x' | b'X', digits @ ..] => char::from_u32(number(digits, 16)?)?,
        [b'#', digits @ ..] => char::from_u32(number(digits, 10)?)?,
        name if name.iter().all(u8::is_ascii_alphanumeric) => entities::character(std::str::from_utf8(name).ok()?)?,
        _ => return None,
    };
    Some((end + 1, Unescaped::Character(character)))
}

/// Digits of a base and nothing else.
fn number(digits: &[u8], base: u32) -> Option<u32> {
    let text = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'))?;
    u32::from_str_radix(text, base).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a text says when all kinds are taken back once.
    fn said(text: &str) -> String {
        let reading = read(text.as_bytes(), None, Kind::Any);
        reading.map_or_else(|| "nothing else".to_owned(), |one| String::from_utf8_lossy(&one.text).into_owned())
    }

    /// How many readings there are.
    fn count(text: &str) -> usize {
        let mut count = 0;
        Reading::each(text.as_bytes(), &mut |_| count += 1);
        count
    }

    #[test]
    fn escapes_are_taken_back() {
        for (text, meant) in [
            (r"a\u002Bb \u{2b} \x2b \053 \U0000002b", "a+b + + + +"),
            (r#"\"\'\\\/\$\ "#, "\"'\\/$ "),
            (r"\ud83d\udd11 %uD83D%uDD11", "🔑 🔑"),
            ("a%2Bb%2b%u002b%C3%BC", "a+b++ü"),
            ("&#43;&#x2B;&plus;&quot;&uuml;&Uuml;&amp;amp;", "+++\"üÜ&amp;"),
            (r"it'\''s it'\u0027's", "it's it'''s"),
            (r#"it'"'"'s"#, "it's"),
            // What is none stays.
            (r"\q \ud83d \u12 %zz %2 &nobody; &# &;", "nothing else"),
            ("%", "nothing else"),
            ("\\", "nothing else"),
            ("&#x+41; %+1 \\u+041", "nothing else"),
        ] {
            assert_eq!(said(text), meant, "{text}");
        }
    }

    /// The place of what was written as escapes is that of the escapes, at any depth.
    #[test]
    fn places_are_those_of_the_text_that_was_read() {
        for text in [r"<k\u002By>", "<k&#43;y>", "<k%2By>", r"<k\\u002By>", "<k&amp;#43;y>", "<k%252By>", r"<k&#92;u002By>", "<k%5Cu002By>"]
        {
            let mut found = Vec::new();
            Reading::each(text.as_bytes(), &mut |one| {
                let at = one.text.windows(3).position(|here| here == b"k+y");
                found.extend(at.map(|at| one.origin(at..at + 3)));
            });
            assert!(!found.is_empty() && found.iter().all(|place| *place == (1..text.len() - 1)), "{text}: {found:?}");
        }
        assert_eq!(["nothing, to read", r"100 % & it's \q"].map(count), [0, 0]);
    }

    /// Of a text full of escapes of every kind there are some dozens of readings at the most, whatever it is.
    #[test]
    fn readings_are_bounded() {
        let most = count(&r"%5C\\&amp;%26'\''\x26".repeat(200));
        assert!((12..=3 + 9 + 9 + 3 + MOST_ALIKE).contains(&most), "{most}");
        assert_eq!([r#"{\"a\":\"%20 &quot;\"}"#, r#"a \"b\""#].map(count), [4, 1]);
    }
}
