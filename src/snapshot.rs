//! Snapshots: what a receiver answered and remembers, as text that can be reviewed.
//!
//! Answers and rows go in, text comes out in which everything that differs from
//! run to run has a name: instants are `<t0>`, `<t1>` …, words that are unique to
//! the run (keys first of all) `<k1>` …, hashes `<h1>` …, ids of events `<i1>` …, each in order of first
//! appearance, so that equal stays visibly equal and different different. The
//! form of a file is that of insta's `.snap`. No file is touched here.
//!
//! Start at [`Normaliser`].

pub mod kept;
pub mod stream;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hash::Hash;

use serde_json::Value;
pub use similar::ChangeTag;
use similar::TextDiff;

use crate::clock::{UnixMicros, iso};
use crate::contract::tables::{StateTables, Table};
use crate::delivery::Answer;
use crate::secret::{Foreign as _, Redactor};
use crate::state::{Cell, ReceiverState, Row};

/// What a hash of 32 bytes looks like.
const HASH_DIGITS: usize = 64;
/// Up to so many pairs of lines are compared with each other: 2,000 lines with as many.
const MOST_COMPARED: usize = 4_000_000;

/// Gives names to what differs from run to run.
#[derive(Clone, Debug, Default)]
pub struct Normaliser {
    run_word: String,
    redactor: Redactor,
    instants: HashMap<UnixMicros, usize>,
    words: HashMap<String, usize>,
    hashes: HashMap<String, usize>,
    ids: HashMap<String, usize>,
}

impl Normaliser {
    /// A normaliser for a run whose unique words all begin with `run_word` and a hyphen.
    #[must_use]
    pub fn new(run_word: &str) -> Self {
        Self { run_word: format!("{run_word}-"), ..Self::default() }
    }

    /// The same, with every secret hidden before anything is named.
    #[must_use]
    pub fn hiding(self, redactor: Redactor) -> Self {
        Self { redactor, ..self }
    }

    /// An answer: status, content type, body.
    #[must_use]
    pub fn answer(&mut self, answer: &Answer) -> String {
        let mut text = format!("{}\n", answer.status);
        if let Some(kind) = answer.header("content-type") {
            let _ = writeln!(text, "content-type: {}", self.redactor.text(&kind.to_ascii_lowercase()));
        }
        match answer.json() {
            Some(mut page) => {
                page.hide(&self.redactor);
                self.value(&mut page);
                text.push_str(&format!("{page:#}\n"));
            }
            None if answer.body.is_empty() => {}
            None => {
                let _ = writeln!(text, "{}", self.text(String::from_utf8_lossy(&answer.body).trim_end()));
            }
        }
        // A checkout may change line ends: one that the receiver wrote is shown.
        text.replace('\r', "␍")
    }

    /// Rows, a table at a time, in the order of their instants. What stands in a free column (a number that the database counts up) is
    /// nobody's promise and differs from run to run: it is `<any>`.
    #[must_use]
    pub fn state(&mut self, state: &ReceiverState, tables: &StateTables) -> String {
        let mut text = String::new();
        let tables = [(&tables.keys, &state.keys), (&tables.audit, &state.audit)];
        for (table, rows) in tables.into_iter().filter_map(|(table, rows)| Some((table.as_ref()?, rows))) {
            let count = if rows.len() == 1 { "1 row".to_owned() } else { format!("{} rows", rows.len()) };
            let _ = writeln!(text, "{}: {count}", table.table);
            for row in rows {
                let _ = writeln!(text, "  {}", self.row(row, table));
            }
        }
        text
    }

    fn row(&mut self, row: &Row, table: &Table) -> String {
        let is_free = |name: &str| table.columns.iter().any(|column| column.name == name && column.free);
        let cells = row.columns.iter().map(|(name, cell)| match cell {
            _ if is_free(name) => format!("{name}=<any>"),
            Cell::Text(text) => format!("{name}={}", Cell::Text(self.text(text))),
            Cell::Null | Cell::Integer(_) | Cell::Real(_) => format!("{name}={cell}"),
        });
        cells.collect::<Vec<_>>().join(" ")
    }

    fn value(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.value(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// One text: an instant, a hash, or words of the run within other text.
    pub fn text(&mut self, text: &str) -> String {
        let redactor = self.redactor.clone();
        let text = &*redactor.text(text);
        if let Some((at, _)) = iso::read(text) {
            return format!("<t{}>", place(&mut self.instants, &at));
        }
        if text.len() == HASH_DIGITS && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return format!("<h{}>", place(&mut self.hashes, &text.to_owned()) + 1);
        }
        let mut named = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(&self.run_word) {
            let (before, word) = rest.split_at(at);
            let digits = word[self.run_word.len()..].bytes().take_while(u8::is_ascii_digit).count();
            let (word, after) = word.split_at(self.run_word.len() + digits);
            named.push_str(before);
            let _ = write!(named, "<k{}>", place(&mut self.words, &word.to_owned()) + 1);
            rest = after;
        }
        named + rest
    }
}

/// Where it first appeared.
fn place<T: Clone + Eq + Hash>(known: &mut HashMap<T, usize>, what: &T) -> usize {
    let next = known.len();
    *known.entry(what.clone()).or_insert(next)
}

/// One snapshot: where it belongs, and its text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The contract, the scenario's id and the number of the step: [`name`].
    pub name: String,
    /// The scenario file.
    pub source: String,
    /// The scenario's id and step, for people.
    pub expression: String,
    /// The text.
    pub contents: String,
}

/// The name of a snapshot file without its ending: `orch-phase3/duplicate/told-as-one@variant.2`.
///
/// The number is left out when the scenario has one snapshot only.
#[must_use]
pub fn name(contract: &str, scenario: &str, number: usize, of: usize) -> String {
    let (plain, variant) = scenario.split_once('[').map_or((scenario, None), |(plain, rest)| (plain.trim_end(), rest.strip_suffix(']')));
    let variant = variant.map_or_else(String::new, |variant| format!("@{variant}"));
    let number = if of == 1 { String::new() } else { format!(".{number}") };
    format!("{contract}/{plain}{variant}{number}")
}

impl Snapshot {
    /// The file's text, in insta's form.
    #[must_use]
    pub fn file(&self) -> String {
        let quoted = |text: &str| Value::from(text).to_string();
        format!("---\nsource: {}\nexpression: {}\n---\n{}", self.source, quoted(&self.expression), self.contents)
    }
}

/// The contents of a snapshot file; what stands before them is not compared.
///
/// `None` when it is not in insta's form.
#[must_use]
pub fn contents(file: &str) -> Option<&str> {
    let rest = file.strip_prefix("---\n")?;
    rest.find("\n---\n").map(|at| &rest[at + 5..])
}

/// The lines of two texts beside each other, as similar tells them; each line with its end.
///
/// Finding the fewest changes takes time that grows with the square of what differs. So what both begin and end with is set aside, and
/// where more than `MOST_COMPARED` pairs of lines are left, those that stand at the same place are laid beside each other.
#[must_use]
pub fn changes<'t>(was: &'t str, is: &'t str) -> Vec<(ChangeTag, &'t str)> {
    let lines = |text: &'t str| text.split_inclusive('\n').collect::<Vec<_>>();
    let (was, is) = (lines(was), lines(is));
    let same = |(one, other): &(&&str, &&str)| one == other;
    let begin = was.iter().zip(&is).take_while(same).count();
    let end = was[begin..].iter().rev().zip(is[begin..].iter().rev()).take_while(same).count();
    let (old, new) = (&was[begin..was.len() - end], &is[begin..is.len() - end]);
    let mut all: Vec<(ChangeTag, &str)> = was[..begin].iter().map(|line| (ChangeTag::Equal, *line)).collect();
    if old.len().saturating_mul(new.len()) <= MOST_COMPARED {
        all.extend(TextDiff::from_slices(old, new).iter_all_changes().map(|change| (change.tag(), change.value())));
    } else {
        for at in 0..old.len().max(new.len()) {
            match (old.get(at), new.get(at)) {
                (Some(one), Some(other)) if one == other => all.push((ChangeTag::Equal, one)),
                (one, other) => {
                    all.extend(one.map(|line| (ChangeTag::Delete, *line)));
                    all.extend(other.map(|line| (ChangeTag::Insert, *line)));
                }
            }
        }
    }
    all.extend(was[was.len() - end..].iter().map(|line| (ChangeTag::Equal, *line)));
    all
}

/// What changed, line by line: `-` what was, `+` what is.
#[must_use]
pub fn difference(was: &str, is: &str) -> String {
    /// Of more lines than this on either side only the numbers are told: nobody reads on.
    const MOST: usize = 5_000;
    let lines = |text: &str| text.lines().count();
    if lines(was).max(lines(is)) > MOST {
        return format!("- {} lines, {} bytes\n+ {} lines, {} bytes\n", lines(was), was.len(), lines(is), is.len());
    }
    changes(was, is).into_iter().fold(String::new(), |mut text, (tag, line)| {
        let sign = match tag {
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
            ChangeTag::Equal => ' ',
        };
        let _ = writeln!(text, "{sign} {}", line.trim_end_matches('\n'));
        text
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ChangeTag, MOST_COMPARED, Normaliser, Snapshot, changes, contents, difference, name};
    use crate::delivery::{Answer, HeaderLine};

    /// Instants, keys and hashes have names in order of appearance; everything else stays.
    #[test]
    fn answer_is_named_where_it_differs() {
        let mut normaliser = Normaliser::new("hgab");
        let body = r#"{"accepted":true,"task":"task-hgab-7","at":"2025-10-05T20:05:03.123456","h":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}"#;
        let answer = Answer { status: 202, headers: vec![HeaderLine::new("Content-Type", "application/json")], body: body.into() };
        let first = normaliser.answer(&answer);
        assert_eq!(
            first,
            "202\ncontent-type: application/json\n{\n  \"accepted\": true,\n  \"task\": \"task-<k1>\",\n  \"at\": \"<t0>\",\n  \"h\": \"<h1>\"\n}\n"
        );
        assert_eq!(normaliser.answer(&answer), first);
        assert_eq!(normaliser.text("hgab-70 and hgab-7"), "<k2> and <k1>");
        // One instant, however it is written.
        assert_eq!(normaliser.text("2025-10-05T23:05:03.123456+03:00"), "<t0>");
        assert_eq!(normaliser.text("2025-10-05T20:05:03.123457"), "<t1>");
    }

    #[test]
    fn file_has_a_head_and_the_contents() {
        let snapshot = Snapshot {
            name: String::new(),
            source: "a.yaml".to_owned(),
            expression: "a/b, step 2".to_owned(),
            contents: "202\n".to_owned(),
        };
        assert_eq!(snapshot.file(), "---\nsource: a.yaml\nexpression: \"a/b, step 2\"\n---\n202\n");
        assert_eq!(contents(&snapshot.file()), Some("202\n"));
        assert_eq!(contents("202\n"), None);
        assert_eq!(name("c", "t/s[v]", 2, 2), "c/t/s@v.2");
        assert_eq!(difference("a\nb\n", "a\nc\n"), "  a\n- b\n+ c\n");
    }

    /// Texts that differ throughout are compared by place; of those that differ a little, what differs is found wherever it stands.
    #[test]
    fn what_is_compared_is_bounded() {
        let long = |word: &str, lines: usize| (0..lines).map(|at| format!("{word} {at}\n")).collect::<String>();
        let count = |was: &str, is: &str| changes(was, is).iter().filter(|(tag, _)| *tag != ChangeTag::Equal).count();
        let lines = MOST_COMPARED.isqrt() + 1;
        let (old, new) = (long("old", lines), long("new", lines));
        assert_eq!(count(&old, &new), 2 * lines);
        assert_eq!(count(&old, &format!("{}and more\n{}", long("old", 10), &old[long("old", 10).len()..])), 1);
        // A line more before lines that all differ moves every one of them.
        let most = MOST_COMPARED.isqrt() / 2;
        let (few, moved) = (long("old", most), format!("one\n{}two\n", long("old", most)));
        assert_eq!(count(&few, &moved), 2);
        assert_eq!(changes("a\nb", "a\nc"), [(ChangeTag::Equal, "a\n"), (ChangeTag::Delete, "b"), (ChangeTag::Insert, "c")]);
        assert_eq!((changes("", "").len(), count("", "a\n"), count("a\na\n", "a\n")), (0, 1, 1));
    }

    proptest! {
        /// Equal stays equal, and different different.
        #[test]
        fn naming_is_one_to_one(numbers in prop::collection::vec(0u32..20, 2..20)) {
            let mut normaliser = Normaliser::new("w");
            let named: Vec<String> = numbers.iter().map(|number| normaliser.text(&format!("w-{number}"))).collect();
            for (one, a) in numbers.iter().zip(&named) {
                for (other, b) in numbers.iter().zip(&named) {
                    prop_assert_eq!(one == other, a == b);
                }
            }
        }
    }
}
