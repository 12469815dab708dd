//! Needles: where forms of secrets stand in bytes.
//!
//! In: forms, then bytes. Out: the places to hide, apart and in order. Letters
//! are compared in any case; line breaks are passed over, with what indents the
//! next line, and so are zeros (a text in UTF-16 has one beside each letter).
//! Each form is looked for in the bytes as they stand, in what they say when
//! escapes are taken back, and in what their lists of numbers count
//! (`readings`): a character may stand there in any of its forms. Of a long
//! form its first or its last bytes are enough to be found: as far as it goes
//! on, it is hidden, so that a piece of a secret that was cut off is found,
//! too. Where a text says itself that it was cut (`…`), a shorter piece will do.
//!
//! A form that stands in texts by chance is *faint*: it is found only where it
//! is written so that no chance would have it, mostly as escapes or as numbers.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::SHORTEST;
use super::readings::{List, Reading, lists};

/// So many bytes of a long form are looked for, at its beginning and at its end.
const ANCHOR: usize = 32;
/// So many bytes of a form beside `…` are a piece of it.
const PIECE: usize = 6;
/// A faint form that is shorter stands by chance also where it is written as escapes.
const SHORTEST_FAINT: usize = 4; // bytes
/// The longest escape that may be cut in its middle: `\U0000002`.
const HALF_ESCAPE: usize = 9; // bytes
/// What a cut text says at the place.
const CUT: &[u8] = "…".as_bytes();

/// A form to look for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Form {
    bytes: Vec<u8>,
    /// Whether it stands in texts by chance.
    is_faint: bool,
}

/// The forms to look for.
#[derive(Clone, Default)]
pub(super) struct Needles {
    forms: Vec<Form>,
    /// For each pattern of `anchors` the form that it belongs to, and where it stands in it.
    belongs: Vec<(usize, usize)>,
    anchors: Anchors,
}

#[derive(Clone, Default)]
enum Anchors {
    #[default]
    None,
    Some(AhoCorasick),
    /// They could not be put together: then all text is taken for secret.
    Unsearchable,
}

/// Where a form stands, and whether it is a faint one.
struct Hit {
    place: Range<usize>,
    is_faint: bool,
}

impl Needles {
    /// Looks for each of `forms`.
    ///
    /// * `is_told`: whether a form can be told from other text; one that cannot is faint.
    pub(super) fn new(forms: impl Iterator<Item = Vec<u8>>, is_told: impl Fn(&[u8]) -> bool) -> Self {
        let look = |form: Vec<u8>| Form { bytes: compact(&form).0, is_faint: !is_told(&form) };
        let is_looked_for = |form: &Form| form.bytes.len() >= if form.is_faint { SHORTEST_FAINT } else { 1 };
        let mut forms: Vec<Form> = forms.map(look).filter(is_looked_for).collect();
        // Of two that are one when compact, the one that can be told comes first.
        forms.sort();
        forms.dedup_by(|one, other| one.bytes == other.bytes);
        if forms.is_empty() {
            return Self::default();
        }
        let mut belongs = Vec::new();
        let mut patterns: Vec<&[u8]> = Vec::new();
        for (at, Form { bytes: form, .. }) in forms.iter().enumerate() {
            let long = form.len() > 2 * ANCHOR;
            let whole = 0..form.len();
            let places = if long { [Some(0..ANCHOR), Some(form.len() - ANCHOR..form.len())] } else { [Some(whole), None] };
            for place in places.into_iter().flatten() {
                belongs.push((at, place.start));
                patterns.push(&form[place]);
            }
        }
        // Some megabytes, and twice as fast as what is taken for so many patterns otherwise.
        let built = AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).match_kind(MatchKind::Standard).build(patterns);
        let anchors = built.map_or(Anchors::Unsearchable, Anchors::Some);
        Self { forms, belongs, anchors }
    }

    /// Where forms stand in `bytes`, apart and in order.
    ///
    /// * `with_pieces`: also where a text says that it was cut.
    pub(super) fn places(&self, bytes: &[u8], with_pieces: bool) -> Vec<Range<usize>> {
        let anchors = match &self.anchors {
            Anchors::None => return Vec::new(),
            Anchors::Unsearchable => return std::iter::once(0..bytes.len()).filter(|all| !all.is_empty()).collect(),
            Anchors::Some(anchors) => anchors,
        };
        let as_it_stands = self.hits(anchors, bytes, with_pieces).into_iter().filter(|hit| !hit.is_faint).map(|hit| hit.place);
        let mut found: Vec<Range<usize>> = as_it_stands.chain(self.listed(anchors, bytes, with_pieces)).collect();
        Reading::each(bytes, &mut |reading| {
            for Hit { place, is_faint } in self.hits(anchors, &reading.text, with_pieces) {
                let (length, written) = (place.len(), reading.origin(place));
                if !is_faint || written.len() >= SHORTEST.max(2 * length) {
                    found.push(written);
                }
            }
            found.extend(self.listed(anchors, &reading.text, with_pieces).into_iter().map(|place| reading.origin(place)));
        });
        found.sort_by_key(|place| place.start);
        let mut apart: Vec<Range<usize>> = Vec::new();
        for place in found {
            match apart.last_mut() {
                Some(last) if place.start < last.end => last.end = last.end.max(place.end),
                Some(_) | None => apart.push(place),
            }
        }
        apart
    }

    /// Where lists of numbers count the bytes of a form.
    fn listed(&self, anchors: &AhoCorasick, text: &[u8], with_pieces: bool) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        for list in lists(text) {
            let digits = |place: &Range<usize>| text[place.clone()].iter().filter(|byte| byte.is_ascii_alphanumeric()).count();
            let hits = self.hits(anchors, &list.bytes, false).into_iter().map(|hit| list.origin(&hit.place));
            found.extend(hits.filter(|place| digits(place) >= SHORTEST));
            if with_pieces {
                found.extend(self.pieces_of(&list, text));
            }
        }
        found
    }

    /// Where forms stand in `bytes` to the letter; line breaks inside a place belong to it.
    fn hits(&self, anchors: &AhoCorasick, bytes: &[u8], with_pieces: bool) -> Vec<Hit> {
        let (text, origins) = compact(bytes);
        let mut found: Vec<Hit> = Vec::new();
        let mut reached = vec![0; self.forms.len()];
        for hit in anchors.find_overlapping_iter(&text) {
            let (which, offset) = self.belongs[hit.pattern().as_usize()];
            if hit.end() <= reached[which] {
                continue; // inside what was found of this form already
            }
            let form = &self.forms[which];
            let place = extended(&text, hit.start(), hit.end(), &form.bytes, offset);
            reached[which] = place.end;
            found.push(Hit { place, is_faint: form.is_faint });
        }
        if with_pieces {
            let cuts = text.windows(CUT.len()).enumerate().filter(|(_, here)| *here == CUT).map(|(at, _)| at);
            let pieces = cuts.flat_map(|at| self.pieces_at(&text, at));
            found.extend(pieces.map(|place| Hit { place, is_faint: false }));
        }
        let origin = |place: Range<usize>| origins.of(place.start)..origins.of(place.end - 1) + 1;
        found.into_iter().map(|hit| Hit { place: origin(hit.place), ..hit }).collect()
    }

    /// The longest pieces of forms that end where a text was cut, and that begin after it.
    fn pieces_at(&self, text: &[u8], cut: usize) -> Vec<Range<usize>> {
        let (before, after) = (&text[..cut], &text[cut + CUT.len()..]);
        // It may have been cut in the middle of an escape, which says nothing then.
        let whole = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'#' | b'{');
        let half = before.iter().rev().take(HALF_ESCAPE).take_while(|byte| whole(byte)).count();
        let escape = cut.checked_sub(half + 1).filter(|at| matches!(before[*at], b'\\' | b'%' | b'&'));
        let ends = std::iter::once(cut).chain(escape);
        let head = ends.filter_map(|end| Some(end - self.head(&before[..end])?..end)).next();
        let from = cut + CUT.len();
        [head, self.tail(after).map(|length| from..from + length)].into_iter().flatten().collect()
    }

    /// The same of a list of numbers.
    fn pieces_of(&self, list: &List, text: &[u8]) -> Vec<Range<usize>> {
        let span = list.span();
        let is_blank = |byte: &u8| !byte.is_ascii_alphanumeric() && *byte != CUT[0] && byte.is_ascii();
        let (bytes, count) = (compact(&list.bytes).0, list.bytes.len());
        if bytes.len() != count {
            return Vec::new(); // what is no text is passed over here: pieces are of what people read
        }
        let behind = text[span.end..].iter().take_while(|byte| is_blank(byte)).count();
        let is_cut = text[span.end + behind..].starts_with(CUT);
        // The last number may have lost a digit.
        let ends = [count, count - 1].into_iter().filter(|_| is_cut);
        let head = ends.filter_map(|end| Some(end - self.head(&bytes[..end])?..end)).next();
        let ahead = text[..span.start].iter().rev().take_while(|byte| is_blank(byte)).count();
        let is_rest = text[..span.start - ahead].ends_with(CUT);
        let begins = [0, 1].into_iter().filter(|_| is_rest);
        let tail = begins.filter_map(|from| Some(from..from + self.tail(&bytes[from..])?)).next();
        [head, tail].into_iter().flatten().map(|place| list.origin(&place)).collect()
    }

    /// How long the longest beginning of a form is with which `text` ends.
    fn head(&self, text: &[u8]) -> Option<usize> {
        self.longest(text.len(), |form, length| text.ends_with(&form[..length]))
    }

    /// How long the longest end of a form is with which `text` begins.
    fn tail(&self, text: &[u8]) -> Option<usize> {
        self.longest(text.len(), |form, length| text.starts_with(&form[form.len() - length..]))
    }

    fn longest(&self, room: usize, fits: impl Fn(&[u8], usize) -> bool) -> Option<usize> {
        let of_one = |form: &Form| (PIECE..form.bytes.len().min(room + 1)).rev().find(|length| fits(&form.bytes, *length));
        self.forms.iter().filter(|form| !form.is_faint).filter_map(of_one).max()
    }
}

/// As far as a form goes on in both directions from what was found of it.
fn extended(text: &[u8], start: usize, end: usize, form: &[u8], offset: usize) -> Range<usize> {
    let same = |pair: &(&u8, &u8)| pair.0 == pair.1;
    let before = text[..start].iter().rev().zip(form[..offset].iter().rev()).take_while(same).count();
    let after = text[end..].iter().zip(form[offset + (end - start)..].iter()).take_while(same).count();
    start - before..end + after
}

/// Where each byte of a compact text came from: for each piece that was taken over, its beginning there and here.
pub(super) struct Origins(Vec<(usize, usize)>);

impl Origins {
    fn of(&self, at: usize) -> usize {
        let piece = self.0.partition_point(|(there, _)| *there <= at).checked_sub(1).map(|piece| self.0[piece]);
        piece.map_or(at, |(there, here)| at - there + here)
    }
}

/// Bytes in lower case without their line breaks and zeros, and where each of them stood.
pub(super) fn compact(bytes: &[u8]) -> (Vec<u8>, Origins) {
    let is_left_out = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
    if !bytes.iter().any(is_left_out) {
        return (bytes.to_ascii_lowercase(), Origins(Vec::new()));
    }
    let (mut text, mut origins) = (Vec::with_capacity(bytes.len()), Vec::new());
    let mut at = 0;
    while at < bytes.len() {
        let length = bytes[at..].iter().position(is_left_out).unwrap_or(bytes.len() - at);
        if length > 0 {
            origins.push((text.len(), at));
            text.extend(bytes[at..at + length].iter().map(u8::to_ascii_lowercase));
        }
        at += length + 1;
        if bytes.get(at - 1).is_some_and(|byte| *byte != 0) {
            at += bytes[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        }
    }
    (text, Origins(origins))
}
