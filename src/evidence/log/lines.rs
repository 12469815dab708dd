//! Lines of a log that tell of effects: where a key stands in them, and how often each was read.
//!
//! In: a regular expression with `{key}`, and lines. Out: a count for each key
//! that is asked for. A line has one key; where the pattern ends with it, nobody
//! knows where it ends until it is known which keys are looked for: the longest
//! of them that the line goes on with, and that ends where a word does, is meant.
//!
//! **Invariant:** a key that lines cannot tell from another is not told ([`Pattern::tells`]), so that nobody is judged by it.

use std::collections::HashMap;

use regex_lite::Regex;

use crate::reference::effects::{Effects, digest};

/// A key that is followed by other text.
const ANYTHING: &str = "(?P<the_key>.+?)";
/// A key between quotation marks, as JSON has it.
const QUOTED: &str = r#"(?P<the_key>(?:\\.|[^"\\])*)"#;
/// A key behind which nothing is said, and whatever else stands there.
const REST: &str = "(?P<the_key>.+)";
/// What the key's group is called: a pattern may have groups of its own.
const GROUP: &str = "the_key";
/// What ends a word.
const ENDS: [char; 4] = ['"', '\'', ',', ';'];
/// At so many places a key may end, at the most.
const MOST_ENDS: usize = 64;

/// Where a key stands in a line.
enum Place {
    /// At the end of the pattern.
    Last,
    /// Between quotation marks.
    Quoted,
    /// Before other text; with what that would read as a key in a text.
    Before { read: Regex, may_begin_with_a_blank: bool },
}

/// What a line of an effect looks like.
pub(super) struct Pattern {
    line: Regex,
    place: Place,
    /// Whether what stands before the key takes blanks away from it.
    eats_blanks: bool,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When it is no regular expression.
    pub(super) fn new(pattern: &str) -> Result<Self, regex_lite::Error> {
        let (before, after) = pattern.split_once("{key}").unwrap_or((pattern, ""));
        let (group, place) = match after {
            "" => (REST, Place::Last),
            quoted if quoted.starts_with('"') => (QUOTED, Place::Quoted),
            other => {
                // With what stands before, a parenthesis that it opens is closed.
                let read = Regex::new(&format!("^{ANYTHING}{other}")).or_else(|_| Regex::new(&format!("^{ANYTHING}$")))?;
                (ANYTHING, Place::Before { read, may_begin_with_a_blank: other.starts_with(['\\', '[', '.', '(']) })
            }
        };
        let line = Regex::new(&format!("{before}{group}{after}"))?;
        Ok(Self { line, place, eats_blanks: before.ends_with(['*', '+', '?', '}']) })
    }

    /// Whether a line that is written as the pattern has it tells this key, and no other.
    pub(super) fn tells(&self, key: &str) -> bool {
        let is_one_line = !key.contains(['\n', '\r']);
        let has_its_beginning = !self.eats_blanks || !key.starts_with(char::is_whitespace);
        let has_its_end = match &self.place {
            Place::Last => ends_in(key).len() < MOST_ENDS,
            // Not every receiver writes as JSON does what stands between quotation marks.
            Place::Quoted => !key.contains(|one: char| one == '"' || one == '\\' || one.is_control()),
            Place::Before { read, may_begin_with_a_blank } => {
                let found = read.captures(key).and_then(|found| found.name(GROUP));
                found.is_none_or(|found| found.as_str() == key) && !(*may_begin_with_a_blank && key.ends_with(char::is_whitespace))
            }
        };
        is_one_line && has_its_beginning && has_its_end
    }
}

/// Where a key may end in a text, in bytes: before whatever ends a word, and at the end of all.
fn ends_in(text: &str) -> Vec<usize> {
    let ends = text.char_indices().filter(|(at, one)| *at > 0 && (one.is_whitespace() || ENDS.contains(one))).map(|(at, _)| at);
    ends.take(MOST_ENDS).chain([text.len()]).collect()
}

/// A place at which the key of a line may end.
struct End {
    /// Of the text up to there.
    digest: u64,
    line: u32,
    bytes: u32,
}

/// How often each key was read.
#[derive(Default)]
pub(super) struct Counts {
    plain: Effects,
    /// Of lines whose key may end at several places; sorted by digest when they are asked.
    ends: Vec<End>,
    lines: u32,
    is_sorted: bool,
}

impl Counts {
    /// Reads a line, without its end.
    pub(super) fn read(&mut self, pattern: &Pattern, line: &str) {
        let Some(found) = pattern.line.captures(line).and_then(|found| found.name(GROUP)) else { return };
        let text = found.as_str();
        match pattern.place {
            Place::Quoted => self.plain.add(&unescaped(text)),
            Place::Before { .. } => self.plain.add(text),
            Place::Last => match ends_in(text).as_slice() {
                [_] => self.plain.add(text),
                ends => {
                    self.lines = self.lines.wrapping_add(1);
                    let line = self.lines;
                    let one = |end: &usize| {
                        let key = text.get(..*end)?;
                        Some(End { digest: digest(key), line, bytes: u32::try_from(*end).unwrap_or(u32::MAX) })
                    };
                    self.ends.extend(ends.iter().filter_map(one));
                    self.is_sorted = false;
                }
            },
        }
    }

    /// How often each of these keys was read, in their order.
    pub(super) fn of(&mut self, keys: &[String]) -> Vec<u64> {
        if !self.is_sorted {
            self.ends.sort_unstable_by_key(|end| end.digest);
            self.is_sorted = true;
        }
        // Of the keys that a line goes on with the longest is meant.
        let mut meant: HashMap<u32, (u32, u64)> = HashMap::new();
        for key in keys {
            let digest = digest(key);
            let first = self.ends.partition_point(|end| end.digest < digest);
            for end in self.ends[first..].iter().take_while(|end| end.digest == digest) {
                let longest = meant.entry(end.line).or_insert((end.bytes, digest));
                if end.bytes > longest.0 {
                    *longest = (end.bytes, digest);
                }
            }
        }
        let mut counts: HashMap<u64, u64> = HashMap::new();
        for (_, digest) in meant.into_values() {
            *counts.entry(digest).or_default() += 1;
        }
        keys.iter().map(|key| self.plain.of(key) + counts.get(&digest(key)).copied().unwrap_or(0)).collect()
    }
}

/// A key in a line of JSON has its quotation marks and backslashes escaped.
fn unescaped(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    serde_json::from_str(&format!("\"{text}\"")).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts<const N: usize>(pattern: &str, lines: &[&str], keys: [&str; N]) -> [u64; N] {
        let pattern = Pattern::new(pattern).expect("a pattern");
        let mut counts = Counts::default();
        lines.iter().for_each(|line| counts.read(&pattern, line));
        let all = counts.of(&keys.map(str::to_owned));
        std::array::from_fn(|at| all[at])
    }

    /// Keys in the middle of a line, at its end, and in JSON.
    #[test]
    fn keys_are_found_in_lines() {
        for (pattern, line, key) in [
            ("key={key} done", "12:00 key=a b done", "a b"),
            ("key={key}", "12:00 key=a/b, done", "a/b"),
            ("DONE <{key}>$", r"DONE <a-\n>", r"a-\n"),
            (r#""key":"{key}""#, r#"{"done":true,"key":"a\"b","n":1}"#, "a\"b"),
            (r#""key":"{key}""#, r#"{"key":"a\\n","n":1}"#, r"a\n"),
            // Where nothing escapes it, a backslash is one.
            ("<{key}>$", r"done <a-\n>", r"a-\n"),
            ("key={key} done", r"key=a-\\x00 done", r"a-\\x00"),
            ("key={key}", r"key=a\u0041", r"a\u0041"),
            ("(key={key})", "key=a", "a"),
            ("(did|done) {key}$", "done a b", "a b"),
        ] {
            assert_eq!(counts(pattern, &[line], [key]), [1], "{pattern} {line}");
        }
        assert!(Pattern::new("({key}").is_err());
    }

    /// Where a pattern ends with its key, the line says no more of where it ends than which keys there are.
    #[test]
    fn key_at_the_end_is_the_longest_that_is_looked_for() {
        let lines = ["did a b", "did a b, for 3 EUR", "did a", "did a;b", "did 'q'", "did  a", "did abc"];
        assert_eq!(counts("did {key}", &lines, ["a", "a b", "a;b", "'q'", " a", "ab"]), [1, 2, 1, 1, 1, 0]);
        assert_eq!(counts("did {key}", &lines, ["a", "b", "a b c"]), [4, 0, 0], "what nobody looks for is text behind the key");
        assert_eq!(counts("did {key}", &lines, ["abc", "abc"]), [1, 1], "asked for twice");
    }

    /// What a line cannot tell from another key is nobody's evidence.
    #[test]
    fn keys_that_lines_cannot_tell_are_known() {
        let tells = |pattern: &str, key: &str| Pattern::new(pattern).expect("a pattern").tells(key);
        let cases: [(&str, &[&str], &[&str]); 6] = [
            ("did {key}", &["a", "a b", " a", "a ", "'a'", "a,b"], &["a\n", "\na", "a\r"]),
            ("did {key}$", &["a", "a b", " a", "a "], &["a\n", "a\nb"]),
            (r"did\s+{key}$", &["a", "a "], &[" a", "\ta"]),
            (r#""{key}""#, &["a", "a b", "é", "a,b"], &["a\"b", "a\\b", "a\n", "a\tb"]),
            ("did {key} now", &["a", "a b", "now"], &["a now b"]),
            (r"did {key}\s", &["a"], &["a b", "a "]),
        ];
        for (pattern, told, untold) in cases {
            for key in told {
                assert!(tells(pattern, key), "{pattern} tells {key:?}");
            }
            for key in untold {
                assert!(!tells(pattern, key), "{pattern} does not tell {key:?}");
            }
        }
    }
}
