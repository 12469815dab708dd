//! Needles: where forms of secrets stand in bytes.
//!
//! In: forms, then bytes. Out: the places to hide, apart and in order. Letters
//! are compared in any case; line breaks are passed over, raw or escaped, with
//! what indents the next line. A backslash may be the secret's own, and the
//! letter behind it the text's: so escaped breaks are read as letters, too. Of a long form its first or its last bytes are
//! enough to be found: as far as it goes on, it is hidden, so that a piece
//! of a secret that was cut off is found, too. Where a text says itself that it
//! was cut (`…`), a shorter piece will do.

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

/// So many bytes of a long form are looked for, at its beginning and at its end.
const ANCHOR: usize = 32;
/// So many bytes of a form beside `…` are a piece of it.
const PIECE: usize = 6;
/// What a cut text says at the place.
const CUT: &[u8] = "…".as_bytes();

/// The forms to look for.
#[derive(Clone, Default)]
pub(super) struct Needles {
    forms: Vec<Vec<u8>>,
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

impl Needles {
    /// Looks for each of `forms`.
    pub(super) fn new(forms: impl Iterator<Item = Vec<u8>>) -> Self {
        let both = |form: Vec<u8>| [Escapes::Breaks, Escapes::Letters].map(|escapes| compact(&form, escapes).0);
        let mut forms: Vec<Vec<u8>> = forms.flat_map(both).filter(|form| !form.is_empty()).collect();
        forms.sort();
        forms.dedup();
        if forms.is_empty() {
            return Self::default();
        }
        let mut belongs = Vec::new();
        let mut patterns: Vec<&[u8]> = Vec::new();
        for (at, form) in forms.iter().enumerate() {
            let long = form.len() > 2 * ANCHOR;
            let whole = 0..form.len();
            let places = if long { [Some(0..ANCHOR), Some(form.len() - ANCHOR..form.len())] } else { [Some(whole), None] };
            for place in places.into_iter().flatten() {
                belongs.push((at, place.start));
                patterns.push(&form[place]);
            }
        }
        let built = AhoCorasick::builder().match_kind(MatchKind::Standard).build(patterns);
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
        let mut found = self.places_in(anchors, bytes, Escapes::Breaks, with_pieces);
        if bytes.windows(2).any(|pair| matches!(pair, br"\r" | br"\n")) {
            found.extend(self.places_in(anchors, bytes, Escapes::Letters, with_pieces));
        }
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

    /// Where forms stand in `bytes`, read in one way; line breaks inside a place belong to it.
    fn places_in(&self, anchors: &AhoCorasick, bytes: &[u8], escapes: Escapes, with_pieces: bool) -> Vec<Range<usize>> {
        let (text, origins) = compact(bytes, escapes);
        let mut found: Vec<Range<usize>> = Vec::new();
        let mut reached = vec![0; self.forms.len()];
        for hit in anchors.find_overlapping_iter(&text) {
            let (which, offset) = self.belongs[hit.pattern().as_usize()];
            if hit.end() <= reached[which] {
                continue; // inside what was found of this form already
            }
            let place = extended(&text, hit.start(), hit.end(), &self.forms[which], offset);
            reached[which] = place.end;
            found.push(place);
        }
        if with_pieces {
            let cuts = text.windows(CUT.len()).enumerate().filter(|(_, here)| *here == CUT);
            found.extend(cuts.flat_map(|(at, _)| self.pieces_at(&text, at)));
        }
        found.into_iter().map(|place| origins.of(place.start)..origins.of(place.end - 1) + 1).collect()
    }

    /// The longest pieces of forms that end where a text was cut, and that begin after it.
    fn pieces_at(&self, text: &[u8], cut: usize) -> Vec<Range<usize>> {
        let (before, after) = (&text[..cut], &text[cut + CUT.len()..]);
        let longest = |fits: &dyn Fn(&[u8], usize) -> bool, room: usize| {
            let of_one = |form: &Vec<u8>| (PIECE..form.len().min(room + 1)).rev().find(|length| fits(form, *length));
            self.forms.iter().filter_map(of_one).max()
        };
        let head = longest(&|form, length| before.ends_with(&form[..length]), before.len());
        let tail = longest(&|form, length| after.starts_with(&form[form.len() - length..]), after.len());
        let from = cut + CUT.len();
        [head.map(|length| cut - length..cut), tail.map(|length| from..from + length)].into_iter().flatten().collect()
    }
}

/// As far as a form goes on in both directions from what was found of it.
fn extended(text: &[u8], start: usize, end: usize, form: &[u8], offset: usize) -> Range<usize> {
    let same = |pair: &(&u8, &u8)| pair.0 == pair.1;
    let before = text[..start].iter().rev().zip(form[..offset].iter().rev()).take_while(same).count();
    let after = text[end..].iter().zip(form[offset + (end - start)..].iter()).take_while(same).count();
    start - before..end + after
}

/// Where each byte of a compact text came from.
pub(super) struct Origins(Option<Vec<usize>>);

impl Origins {
    fn of(&self, at: usize) -> usize {
        self.0.as_ref().map_or(at, |all| all[at])
    }
}

/// What a backslash with `r` or `n` behind it is taken for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Escapes {
    /// A line break, as JSON writes it.
    Breaks,
    /// Two characters that follow each other.
    Letters,
}

/// Bytes in lower case without their line breaks, and where each of them stood.
pub(super) fn compact(bytes: &[u8], escapes: Escapes) -> (Vec<u8>, Origins) {
    let breaks = |byte: &u8| matches!(byte, b'\r' | b'\n' | b'\\');
    if !bytes.iter().any(breaks) {
        return (bytes.to_ascii_lowercase(), Origins(None));
    }
    let (mut text, mut origins) = (Vec::with_capacity(bytes.len()), Vec::with_capacity(bytes.len()));
    let mut at = 0;
    while at < bytes.len() {
        let length = match (bytes[at], bytes.get(at + 1)) {
            (b'\r' | b'\n', _) => 1,
            (b'\\', Some(b'r' | b'n')) if escapes == Escapes::Breaks => 2,
            _ => 0,
        };
        if length == 0 {
            text.push(bytes[at].to_ascii_lowercase());
            origins.push(at);
            at += 1;
            continue;
        }
        at += length;
        while matches!(bytes.get(at), Some(b' ' | b'\t')) {
            at += 1;
        }
    }
    (text, Origins(Some(origins)))
}
