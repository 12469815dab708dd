//! Phrases that stand in a report as they were written down, told in another language.
//!
//! A report keeps what was expected, what was observed and why something was
//! not judged as English text beside what came over the wire. One table
//! (`phrases.ja.txt`) has every phrase that the judge writes, with the places
//! that it fills, and what it is in Japanese; a text is told anew where it is
//! such a phrase whole, and else stands as it is: what a receiver said is
//! never translated.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::template::{Part, Template};

/// The table for Japanese.
const JA: &str = include_str!("phrases.ja.txt");
/// Longer than this nobody writes a phrase: it is what came over the wire.
const LONGEST: usize = 4_000; // bytes

/// A phrase in two languages.
#[derive(Debug)]
struct Phrase {
    english: Template,
    other: Template,
    /// How many characters of it stand for themselves: the more, the surer.
    literal: usize,
}

static JAPANESE: LazyLock<Vec<Phrase>> = LazyLock::new(|| read(JA));

/// The lines of the table, as they stand: English and the other language.
pub fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    JA.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" => "))
}

fn read(table: &'static str) -> Vec<Phrase> {
    let lines = table.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" => "));
    let phrase = |(english, other): (&str, &str)| {
        let (english, other) = (Template::read(english).ok()?, Template::read(other).ok()?);
        let of = |part: &Part| if let Part::Literal(text) = part { text.len() } else { 0 };
        let literal = english.parts().iter().map(of).sum();
        Some(Phrase { english, other, literal })
    };
    let mut phrases: Vec<Phrase> = lines.filter_map(phrase).collect();
    phrases.sort_by_key(|one| std::cmp::Reverse(one.literal));
    phrases
}

/// A text in Japanese, line by line; what is no phrase stands as it is.
///
/// * `known`: sentences that have a key of their own.
#[must_use]
pub fn in_japanese(text: &str, known: &dyn Fn(&str) -> Option<String>) -> String {
    let mut reading = Reading { phrases: &JAPANESE, known, told: HashMap::new() };
    text.split('\n').map(|line| reading.line(line)).collect::<Vec<_>>().join("\n")
}

/// What was found out about the pieces of one text.
struct Reading<'t, 'k> {
    phrases: &'static [Phrase],
    known: &'k dyn Fn(&str) -> Option<String>,
    told: HashMap<&'t str, Option<String>>,
}

impl<'t> Reading<'t, '_> {
    /// A line; of one with a name before a colon, as bursts are told key by key, what stands behind it.
    fn line(&mut self, line: &'t str) -> String {
        if let Some(told) = self.phrase(line) {
            return told;
        }
        let behind = line.split_once(": ").and_then(|(name, rest)| Some((name, self.phrase(rest)?)));
        behind.map_or_else(|| line.to_owned(), |(name, told)| format!("{name}: {told}"))
    }

    /// A phrase in the other language; `None` for what is none.
    fn phrase(&mut self, text: &'t str) -> Option<String> {
        if text.len() > LONGEST {
            return None;
        }
        if let Some(told) = self.told.get(text) {
            return told.clone();
        }
        // While it is being read, it is not a part of itself.
        self.told.insert(text, None);
        let phrases = self.phrases;
        let told = phrases.iter().find_map(|one| self.as_phrase(one, text)).or_else(|| (self.known)(text));
        self.told.insert(text, told.clone());
        told
    }

    fn as_phrase(&mut self, phrase: &'static Phrase, text: &'t str) -> Option<String> {
        let mut values = Vec::new();
        if !self.fits(phrase.english.parts(), text, &mut values) {
            return None;
        }
        phrase.other.fill(&|name| values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()))
    }

    /// Whether parts fit a text, with the values of the places; the shortest that fits, place by place.
    fn fits(&mut self, parts: &'static [Part], text: &'t str, values: &mut Vec<(&'static str, String)>) -> bool {
        match parts.split_first() {
            None => text.is_empty(),
            Some((Part::Literal(literal), rest)) => text.strip_prefix(literal.as_str()).is_some_and(|text| self.fits(rest, text, values)),
            Some((Part::Placeholder(name), rest)) => {
                let ends: Vec<usize> = match rest.first() {
                    Some(Part::Literal(next)) => text.match_indices(next.as_str()).map(|(at, _)| at).collect(),
                    Some(Part::Placeholder(_)) | None => vec![text.len()],
                };
                for end in ends {
                    let Some(value) = self.value(name, &text[..end]) else { continue };
                    values.push((name, value));
                    if self.fits(rest, &text[end..], values) {
                        return true;
                    }
                    values.pop();
                }
                false
            }
        }
    }

    /// What stands in a place, by its kind.
    fn value(&mut self, place: &str, text: &'t str) -> Option<String> {
        let plain = || Some(text.to_owned());
        match place.chars().last() {
            Some('#') => (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.to_owned()),
            Some('%') => statuses(text),
            Some('!') => self.phrase(text),
            Some('?') => self.phrase(text).or_else(plain),
            Some(_) | None => plain(),
        }
    }
}

/// Statuses, as a contract lists them.
fn statuses(text: &str) -> Option<String> {
    let all: Vec<&str> = text.split(" or ").collect();
    let is_status = |one: &&str| one.len() == 3 && one.bytes().all(|byte| byte.is_ascii_digit());
    all.iter().all(is_status).then(|| all.join("、"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        in_japanese(text, &|_| None)
    }

    #[test]
    fn phrases_are_told_with_what_fills_them() {
        assert_eq!(told("accepted as new (202)"), "新規として受理 (202)");
        assert_eq!(
            told("refused for its missing key (400), or accepted as new (201)"),
            "キーの欠落のため拒否 (400)、または新規として受理 (201)"
        );
        assert_eq!(
            told("5 accepted as new, 3 duplicates, 1 other (the first: 401 {\"error\":\"a, b\"})"),
            "新規受理 5 件、重複 3 件、その他 1 件 (最初は: 401 {\"error\":\"a, b\"})"
        );
        assert_eq!(
            told("for each of 8 keys: 1 accepted as new, 7 repetitions\nk-1: 8 accepted as new, 0 duplicates, 0 other"),
            "8 個のキーのそれぞれについて: 新規受理 1 件、繰り返し 7 件\nk-1: 新規受理 8 件、重複 0 件、その他 0 件"
        );
        assert_eq!(
            told("refused for its signature (401), or refused for its missing signature (401 or 400)"),
            "署名のため拒否 (401)、または署名の欠落のため拒否 (401、400)"
        );
        assert_eq!(told("step 3: nothing was answered before the restart"), "手順 3: 再起動の前に応答がなかった");
    }

    /// What a receiver said stands as it came, however much it looks like words of ours.
    #[test]
    fn the_wire_is_never_translated() {
        for said in
            ["401 {\"error\":\"accepted as new, or a duplicate\"}", "202 no answer, or what", "Retry, rather than wait", "key: value"]
        {
            assert_eq!(told(said), said);
        }
    }

    /// Every line is a phrase in both languages, with the same places, and none is there twice.
    #[test]
    fn every_line_of_the_table_is_read() {
        let count = JA.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).count();
        assert_eq!(read(JA).len(), count);
        let mut seen = std::collections::BTreeSet::new();
        for (english, other) in lines() {
            assert!(seen.insert(english), "{english} is there twice");
            let places = |text: &str| {
                let mut names: Vec<String> = Template::read(text).expect("whole braces").placeholders().map(str::to_owned).collect();
                names.sort();
                names
            };
            assert_eq!(places(english), places(other), "{english}");
        }
    }
}
