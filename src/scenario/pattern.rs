//! Names with `*` and `?` in them, and which scenarios they mean.

use std::collections::HashSet;

/// What stands between two stars and has a `?` in it is looked for at every place: nobody writes a longer one.
const LONGEST_PIECE: usize = 1_000; // bytes

/// Whether `text` fits `pattern`, in which `*` stands for any text and `?` for one character.
///
/// Each piece between stars is taken where it stands first, so that time grows with the lengths, not with their product.
#[must_use]
pub fn fits(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return begins(text, pattern) == Some(text.len()) };
    let (between, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(mut text) = begins(text, first).map(|length| &text[length..]) else { return false };
    for piece in between.split('*').filter(|piece| !piece.is_empty()) {
        match find(text, piece) {
            Some(end) => text = &text[end..],
            None => return false,
        }
    }
    let length = last.chars().count();
    let Some(from) = text.char_indices().rev().map(|(at, _)| at).nth(length.wrapping_sub(1)) else {
        return length == 0;
    };
    begins(&text[from..], last) == Some(text.len() - from)
}

/// How many bytes of `text` a piece without stars takes, where the text begins with it.
fn begins(text: &str, piece: &str) -> Option<usize> {
    if !piece.contains('?') {
        return text.starts_with(piece).then_some(piece.len());
    }
    let mut left = text.chars();
    for wanted in piece.chars() {
        let one = left.next()?;
        if wanted != '?' && wanted != one {
            return None;
        }
    }
    Some(text.len() - left.as_str().len())
}

/// Where a piece without stars ends that stands first in `text`.
fn find(text: &str, piece: &str) -> Option<usize> {
    if !piece.contains('?') {
        return text.find(piece).map(|at| at + piece.len());
    }
    if piece.len() > LONGEST_PIECE {
        return None;
    }
    text.char_indices().find_map(|(at, _)| Some(at + begins(&text[at..], piece)?))
}

/// Names of scenarios, for many patterns.
#[derive(Debug)]
pub struct Names<'n> {
    ids: &'n [&'n str],
    /// Every id, without its variant, and every topic.
    exact: HashSet<&'n str>,
}

impl<'n> Names<'n> {
    /// The names of these scenarios.
    #[must_use]
    pub fn of(ids: &'n [&'n str]) -> Self {
        Self { ids, exact: ids.iter().flat_map(|id| names(id)).collect() }
    }

    /// Whether a pattern means one of them.
    #[must_use]
    pub fn has(&self, pattern: &str) -> bool {
        self.exact.contains(pattern) || (pattern.contains(['*', '?']) && self.ids.iter().any(|id| means(pattern, id)))
    }
}

/// By what a scenario is called: its id, that without its variant, and its topic.
fn names(id: &str) -> [&str; 3] {
    let plain = id.split('[').next().unwrap_or(id);
    let topic = plain.split('/').next().unwrap_or(plain);
    [id, plain, topic]
}

/// Whether a pattern means the scenario with this id: the id, the id without its variant, or its topic.
#[must_use]
pub fn means(pattern: &str, id: &str) -> bool {
    names(id).iter().any(|name| fits(pattern, name))
}

#[cfg(test)]
mod tests {
    use super::{Names, fits, means};

    /// Stars take as much as they must, and no more than is there.
    #[test]
    fn patterns_fit_what_they_mean() {
        for (pattern, text, wanted) in [
            ("TTL-*", "TTL-3", true),
            ("TTL-*", "DUP-3", false),
            ("*", "", true),
            ("a*b*c", "a--b--c", true),
            ("a*b", "a-b-", false),
            ("duplicate/?ne", "duplicate/one", true),
            ("x[1]", "x[1]", true),
            ("a*", "a", true),
            ("a*a", "a", false),
            ("*?", "", false),
            ("*?", "é", true),
            ("?*é?", "xéé1", true),
            ("*b?d*", "abcabxd", true),
            ("*ab*ab", "abab", true),
            ("*ab*ab", "ab", false),
            ("**", "x", true),
            ("a?c", "ac", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(fits(pattern, text), wanted, "{pattern} {text}");
        }
    }

    /// Beginnings that fit nearly, over and over: the product of these lengths is nobody's to walk through.
    #[test]
    fn long_patterns_are_no_trouble() {
        let long = "a".repeat(300_000);
        assert!(!fits(&format!("*{long}b"), &format!("{long}{long}")) && fits(&format!("*{long}"), &long));
        assert!(!fits(&format!("*{}b", "*a".repeat(100_000)), &long));
    }

    #[test]
    fn names_are_those_that_patterns_mean() {
        let ids = ["seed/one", "ttl/two[300 s]"];
        let names = Names::of(&ids);
        for (pattern, wanted) in [("seed", true), ("ttl/two", true), ("ttl/two[300 s]", true), ("t*", true), ("two", false), ("s", false)] {
            assert_eq!((names.has(pattern), ids.iter().any(|id| means(pattern, id))), (wanted, wanted), "{pattern}");
        }
    }
}
