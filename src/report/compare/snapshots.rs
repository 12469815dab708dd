//! What answers and rows have become, from two folders of reviewed snapshots.
//!
//! In: the snapshots of both by name, as text in which keys, instants and hashes
//! have names already. Out: what changed, each kind of change once.

use std::collections::BTreeMap;

use crate::report::language::Language;
use crate::snapshot::{self, ChangeTag};

/// So many kinds of change are told; the rest is a number.
const TOLD: usize = 12;

/// The changes from one folder to the other, the most frequent first.
#[must_use]
pub fn changes(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>, language: Language) -> Vec<String> {
    let mut kinds: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (name, is) in after {
        let Some(was) = before.get(name) else { continue };
        for change in hunks(was, is, language) {
            kinds.entry(change).or_default().push(name);
        }
    }
    let mut kinds: Vec<(String, Vec<&str>)> = kinds.into_iter().collect();
    kinds.sort_by(|one, other| other.1.len().cmp(&one.1.len()).then_with(|| one.0.cmp(&other.0)));
    let more = kinds.len().saturating_sub(TOLD);
    let mut lines: Vec<String> = kinds
        .into_iter()
        .take(TOLD)
        .map(|(change, names)| match names.as_slice() {
            [only] => format!("{change}  ({only})"),
            [first, ..] => {
                format!("{change}  ({})", language.with("answers-in-many", &[("count", names.len().into()), ("name", (*first).into())]))
            }
            [] => change,
        })
        .collect();
    if more > 0 {
        lines.push(language.with("answers-more", &[("count", more.into())]));
    }
    let only =
        |one: &BTreeMap<String, String>, other: &BTreeMap<String, String>| one.keys().filter(|name| !other.contains_key(*name)).count();
    for (count, key) in [(only(before, after), "answers-only-first"), (only(after, before), "answers-only-second")] {
        if count > 0 {
            lines.push(language.with(key, &[("count", count.into())]));
        }
    }
    lines
}

/// Each place that differs: what was there, and what is.
fn hunks(was: &str, is: &str, language: Language) -> Vec<String> {
    let (mut hunks, mut gone, mut come) = (Vec::new(), Vec::new(), Vec::new());
    let mut end = |gone: &mut Vec<String>, come: &mut Vec<String>| {
        let told = |lines: &mut Vec<String>| std::mem::take(lines).join(" ");
        let (old, new) = (told(gone), told(come));
        let (was, is) = (unnumbered(&old), unnumbered(&new));
        match (old.is_empty(), new.is_empty()) {
            (true, true) => {}
            (true, false) => hunks.push(language.with("answers-added", &[("lines", is.into())])),
            (false, true) => hunks.push(language.with("answers-gone", &[("lines", was.into())])),
            // Two that were equal, and are not any more, or the other way round.
            (false, false) if was == is => hunks.push(other_words(&old, &new)),
            (false, false) => hunks.push(match more(&was, &is) {
                Some(words) => language.with("answers-more-in-row", &[("words", words.into())]),
                None => format!("{was} → {is}"),
            }),
        }
    };
    for (tag, line) in snapshot::changes(was, is) {
        let line = line.trim().trim_end_matches(',').to_owned();
        match tag {
            ChangeTag::Delete => gone.push(line),
            ChangeTag::Insert => come.push(line),
            ChangeTag::Equal => end(&mut gone, &mut come),
        }
    }
    end(&mut gone, &mut come);
    hunks
}

/// What `new` has more than `old`, when it has all of that in its order.
fn more(old: &str, new: &str) -> Option<String> {
    let mut left = old.split(' ').peekable();
    let more: Vec<&str> = new.split(' ').filter(|word| left.next_if_eq(word).is_none()).collect();
    left.peek().is_none().then(|| more.join(" "))
}

/// The words that differ, of texts of equally many.
fn other_words(old: &str, new: &str) -> String {
    let (was, is): (Vec<&str>, Vec<&str>) = old.split(' ').zip(new.split(' ')).filter(|(was, is)| was != is).unzip();
    format!("{} → {}", was.join(" "), is.join(" "))
}

/// A line in which `<k1>` and `<k2>` are alike: which key it is makes no change of another kind.
fn unnumbered(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for (at, piece) in line.split('<').enumerate() {
        if at > 0 {
            text.push('<');
        }
        let name = piece.split_once('>').map(|(name, rest)| (name.trim_end_matches(|c: char| c.is_ascii_digit()), name, rest));
        match name {
            Some((letter @ ("k" | "t" | "h"), whole, rest)) if letter != whole => text.push_str(&format!("{letter}>{rest}")),
            Some(_) | None => text.push_str(piece),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_names_make_no_difference() {
        assert_eq!(other_words("key=<k1> ts=<t0> x", "key=<k1> ts=<t1> x"), "ts=<t0> → ts=<t1>");
        assert_eq!(unnumbered("a <k1> b=<t12>> <k> <x1> 1<2"), "a <k> b=<t>> <k> <x1> 1<2");
        assert_eq!(
            (more("a b c", "a x b c y").as_deref(), more("a b", "b a"), more("a", "a b a").as_deref()),
            (Some("x y"), None, Some("b a"))
        );
    }

    #[test]
    fn each_kind_of_change_is_told_once() {
        let folder =
            |all: &[(&str, &str)]| all.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect::<BTreeMap<_, _>>();
        let before = folder(&[("a", "202\n{\n}\nrow 1\n"), ("b", "202\n{\n}\n"), ("c", "same\n"), ("gone", "x\n")]);
        let after = folder(&[("a", "409\n{\n}\nrow 1 ttl\n"), ("b", "409\n{\n}\n"), ("c", "same\n")]);
        assert_eq!(
            changes(&before, &after, Language::En),
            ["202 → 409  (2 snapshots, as a)", "more in a row: ttl  (a)", "1 snapshot is only in the first"]
        );
    }
}
