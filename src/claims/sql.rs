//! `CREATE TABLE`, as SQL has it: tokens, whatever lines, case, quotes and comments they stand in.
//!
//! In: the lines of a report, one by one, with the sign of a diff before them. Out: the table's name and its columns, each with the line
//! of its name; or that the statement cannot be read. Identifiers are quoted by `"`, `` ` ``, `[]` or `'`; nothing else of SQL is known.

use std::collections::HashSet;

use super::claim::Column;

/// Words with which a column's type has ended.
const BEHIND_A_TYPE: &str =
    "PRIMARY NOT NULL UNIQUE CHECK DEFAULT COLLATE REFERENCES GENERATED AS CONSTRAINT AUTO_INCREMENT AUTOINCREMENT ON COMMENT IDENTITY";

/// One token, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Token {
    text: String,
    line: usize,
    /// Whether a diff adds its line.
    is_added: bool,
}

impl Token {
    fn is(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }

    /// The identifier that it is, without its quotes.
    fn name(&self) -> String {
        let inside = |quote: char, end: char| {
            let inner = self.text.strip_prefix(quote)?.strip_suffix(end)?;
            Some(inner.replace(&format!("{end}{end}"), &end.to_string()))
        };
        let quoted = [('"', '"'), ('`', '`'), ('[', ']'), ('\'', '\'')].into_iter().find_map(|(quote, end)| inside(quote, end));
        quoted.unwrap_or_else(|| self.text.clone())
    }

    fn is_name(&self) -> bool {
        self.text.starts_with(|one: char| one.is_alphanumeric() || "_\"`['".contains(one))
    }
}

/// Where a statement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// More of it follows.
    Open,
    /// Its last bracket is closed: so many bytes of the last line belong to it.
    Closed(usize),
    /// It declares no columns.
    Other,
}

/// A statement that is being read.
#[derive(Clone, Debug, Default)]
pub(super) struct Statement {
    tokens: Vec<Token>,
    /// What a diff takes away, column by column.
    removed: HashSet<String>,
    depth: usize,
    /// What ends what was begun on an earlier line: a quote or a comment.
    ends_with: Option<&'static str>,
}

/// A declaration as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Declared {
    pub(super) table: String,
    /// Each with the line of its name.
    pub(super) columns: Vec<(usize, Column)>,
}

/// Whether a line begins a declaration; where prose may begin so as well, only one that opens its bracket.
pub(super) fn begins(line: &str, is_code: bool) -> bool {
    if !line.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("CREATE")) {
        return false;
    }
    let mut statement = Statement::default();
    let state = statement.push(0, line);
    let has_head = statement.tokens.first().is_some_and(|one| one.is("CREATE")) && statement.at_table().is_some();
    has_head && (is_code || (state != State::Other && statement.tokens.iter().any(|one| one.text == "(")))
}

impl Statement {
    /// Takes in a line; `+` or `-` before it are the signs of a diff.
    pub(super) fn push(&mut self, number: usize, line: &str) -> State {
        let trimmed = line.trim_start();
        let is_removed = trimmed.starts_with('-') && !trimmed.starts_with("--") && self.ends_with.is_none();
        let is_added = trimmed.starts_with('+') && self.ends_with.is_none();
        let code = if is_removed || is_added { &trimmed[1..] } else { line };
        let before = line.len() - code.len();
        if is_removed {
            let mut alone = Self::default();
            let _ = alone.tokens_of(number, code, false, false);
            self.removed.extend(split(&alone.tokens).iter().map(|item| spelled(item)));
            return State::Open;
        }
        let closed = self.tokens_of(number, code, is_added, true);
        if self.is_other() {
            return State::Other;
        }
        closed.map_or(State::Open, |end| State::Closed(before + end))
    }

    /// The tokens of a line; where its last bracket closes, how many bytes it has until there.
    fn tokens_of(&mut self, line: usize, text: &str, is_added: bool, is_counted: bool) -> Option<usize> {
        let mut rest = text;
        loop {
            if let Some(end) = self.ends_with {
                let (inside, behind) = match rest.find(end) {
                    Some(at) => (&rest[..at + end.len()], Some(&rest[at + end.len()..])),
                    None => (rest, None),
                };
                if end != "*/"
                    && let Some(last) = self.tokens.last_mut()
                {
                    last.text.push_str(inside);
                }
                let behind = behind?;
                // A quote that stands twice is meant.
                let is_doubled = end != "*/" && end != "]" && behind.starts_with(end);
                rest = behind;
                if !is_doubled {
                    self.ends_with = None;
                } else if let Some(last) = self.tokens.last_mut() {
                    last.text.push_str(end);
                    rest = &behind[end.len()..];
                }
                continue;
            }
            rest = rest.trim_start();
            let first = rest.chars().next()?;
            if rest.starts_with("--") {
                return None;
            }
            if let Some(behind) = rest.strip_prefix("/*") {
                (self.ends_with, rest) = (Some("*/"), behind);
                continue;
            }
            let quote = [('"', "\""), ('`', "`"), ('\'', "'"), ('[', "]")].into_iter().find(|(quote, _)| *quote == first);
            // Only a number has a point within it.
            let is_word = |one: char| one.is_alphanumeric() || "_$".contains(one) || (one == '.' && first.is_ascii_digit());
            let length = match quote {
                Some(_) => first.len_utf8(),
                None => rest.find(|one| !is_word(one)).unwrap_or(rest.len()).max(first.len_utf8()),
            };
            let (token, behind) = rest.split_at(length);
            self.ends_with = quote.map(|(_, end)| end);
            self.tokens.push(Token { text: token.to_owned(), line, is_added });
            rest = behind;
            match first {
                '(' => self.depth += 1,
                ')' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 && is_counted {
                        return Some(text.len() - rest.len());
                    }
                }
                _ => {}
            }
        }
    }

    /// The place behind `CREATE … TABLE`.
    fn at_table(&self) -> Option<usize> {
        let word = |at: usize, word: &str| self.tokens.get(at).is_some_and(|one| one.is(word));
        let at = 1 + usize::from(["TEMP", "TEMPORARY", "UNLOGGED"].iter().any(|one| word(1, one)));
        (word(0, "CREATE") && word(at, "TABLE")).then_some(at + 1)
    }

    /// The table's name and the place of its bracket, as far as they are there; nothing where something else follows.
    fn head(&self) -> Option<(String, Option<usize>)> {
        /// A database, a schema and a table, with points between them.
        const MOST: usize = 5;
        let mut at = self.at_table()?;
        if self.tokens.get(at).is_some_and(|one| one.is("IF")) {
            at += 3;
        }
        let (mut name, begins) = (String::new(), at);
        while let Some(token) = self.tokens.get(at) {
            match token.text.as_str() {
                "(" if !name.is_empty() => return Some((name, Some(at))),
                // The name of a schema stands before it.
                "." if at < begins + MOST => {}
                _ if token.is_name() && (name.is_empty() || self.tokens[at - 1].text == ".") => name = token.name(),
                _ => return None,
            }
            at += 1;
        }
        Some((name, None))
    }

    fn is_other(&self) -> bool {
        self.head().is_none()
    }

    /// Whether its last bracket has come.
    pub(super) fn is_closed(&self) -> bool {
        self.depth == 0
    }

    /// What it declares; nothing where it declares no columns that can be read.
    pub(super) fn declared(&self) -> Option<Declared> {
        let (table, bracket) = self.head()?;
        let inside = self.tokens.get(bracket? + 1..)?;
        let inside = if self.depth == 0 { inside.get(..inside.len().checked_sub(1)?)? } else { inside };
        let mut declared = Declared { table, columns: Vec::new() };
        let mut keys: HashSet<String> = HashSet::new();
        for item in split(inside) {
            let Some(first) = item.first() else { continue };
            if is_constraint(item) {
                keys.extend(primary_key(item));
            } else if first.is_name() {
                let column = self.column(&declared.table, item);
                declared.columns.push((first.line, column));
            } else {
                return None;
            }
        }
        for (_, column) in &mut declared.columns {
            column.primary_key |= keys.contains(&column.name.to_ascii_lowercase());
        }
        (!declared.columns.is_empty()).then_some(declared)
    }

    fn column(&self, table: &str, item: &[Token]) -> Column {
        let (name, rest) = (item[0].name(), &item[1..]);
        let behind = rest.iter().position(|one| BEHIND_A_TYPE.split(' ').any(|word| one.is(word))).unwrap_or(rest.len());
        let at = |words: [&str; 2]| rest.windows(2).any(|pair| pair[0].is(words[0]) && pair[1].is(words[1]));
        let default = rest.iter().position(|one| one.is("DEFAULT")).and_then(|at| value(&rest[at + 1..]));
        Column {
            table: table.to_owned(),
            name,
            kind: spelled(&rest[..behind]),
            primary_key: at(["PRIMARY", "KEY"]),
            not_null: Some(at(["NOT", "NULL"])),
            // What is NULL where nothing is given has none.
            default: default.filter(|value| !value.eq_ignore_ascii_case("NULL")),
            // One that only got a comma behind it is not new.
            is_new: item[0].is_added && !self.removed.contains(&spelled(item)),
            listed: None,
        }
    }
}

/// Items, at the commas that stand in no bracket.
fn split(tokens: &[Token]) -> Vec<&[Token]> {
    let mut depth = 0_usize;
    tokens
        .split(|one| {
            match one.text.as_str() {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && one.text == ","
        })
        .collect()
}

/// Tokens as a database tells them: `DECIMAL(10,2)`, `DOUBLE PRECISION`.
fn spelled(tokens: &[Token]) -> String {
    let mut text = String::new();
    for token in tokens {
        let is_close = matches!(token.text.as_str(), "(" | ")" | ",") || text.ends_with(['(', ',']) || text.is_empty();
        if !is_close {
            text.push(' ');
        }
        text.push_str(&token.text);
    }
    text
}

/// Whether an item of a declaration is none of a column. A column may be called `key`.
fn is_constraint(item: &[Token]) -> bool {
    let is = |at: usize, words: &[&str]| item.get(at).is_some_and(|one| words.iter().any(|word| one.is(word)));
    is(0, &["CONSTRAINT"])
        || (is(0, &["PRIMARY", "FOREIGN"]) && is(1, &["KEY"]))
        || (is(0, &["CHECK"]) && is(1, &["("]))
        || (is(0, &["UNIQUE"]) && (is(1, &["(", "KEY", "INDEX"]) || is(2, &["("])))
        || (is(0, &["KEY", "INDEX", "FULLTEXT", "SPATIAL"])
            && is(2, &["("])
            && item.get(1).is_some_and(Token::is_name)
            && is_last_bracket(item))
        || (is(0, &["EXCLUDE"]) && is(1, &["USING", "("]))
}

/// Whether nothing but columns in brackets follow the second token: `KEY name (columns)` is an index, and `key VARCHAR(9)` a column.
fn is_last_bracket(item: &[Token]) -> bool {
    let is_type = item.get(3).is_some_and(|one| one.text.starts_with(|first: char| first.is_ascii_digit() || first == '\''));
    !is_type && item.last().is_some_and(|one| one.text == ")")
}

/// The columns of a primary key that is declared by itself, in small letters.
fn primary_key(item: &[Token]) -> Vec<String> {
    let Some(at) = item.windows(2).position(|pair| pair[0].is("PRIMARY") && pair[1].is("KEY")) else { return Vec::new() };
    let Some(inside) = item.get(at + 3..item.len().saturating_sub(1)) else { return Vec::new() };
    split(inside).iter().filter_map(|one| Some(one.first()?.name().to_ascii_lowercase())).collect()
}

/// A default: one value with its sign, or what stands in brackets.
fn value(tokens: &[Token]) -> Option<String> {
    let first = tokens.first()?;
    match first.text.as_str() {
        "-" | "+" => Some(format!("{}{}", first.text, tokens.get(1)?.text)),
        "(" => {
            let mut depth = 0_usize;
            let end = tokens.iter().position(|one| {
                match one.text.as_str() {
                    "(" => depth += 1,
                    ")" => depth = depth.saturating_sub(1),
                    _ => {}
                }
                depth == 0
            })?;
            Some(spelled(&tokens[1..end]))
        }
        _ => Some(first.text.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Vec<String>> {
        let mut statement = Statement::default();
        for (at, line) in text.lines().enumerate() {
            match statement.push(at + 1, line) {
                State::Open => {}
                State::Closed(_) => break,
                State::Other => return None,
            }
        }
        Some(statement.declared()?.columns.iter().map(|(line, column)| format!("{line} {column}")).collect())
    }

    /// The same table, however it is written.
    #[test]
    fn declarations_are_read_whatever_their_spelling() {
        let wanted = ["1 t.key TEXT (PK) NOT NULL", "1 t.n INTEGER DEFAULT 5", "1 t.at TEXT"];
        for text in [
            "CREATE TABLE t (key TEXT NOT NULL, n INTEGER DEFAULT 5, at TEXT, PRIMARY KEY (key))",
            "create table if not exists t (key TEXT primary key not null, n INTEGER default 5, at TEXT default null);",
            "CREATE TEMP TABLE main.t(\"key\" TEXT NOT NULL PRIMARY KEY,`n` INTEGER DEFAULT (5),[at] TEXT, unique (n), check (n > 0))",
            "CREATE TABLE \"t\" ('key' TEXT NOT NULL, n INTEGER /* , x TEXT */ DEFAULT 5, at TEXT, CONSTRAINT k PRIMARY KEY (\"KEY\")) STRICT",
        ] {
            assert_eq!(read(text).as_deref(), Some(&wanted.map(str::to_owned)[..]), "{text}");
        }
    }

    #[test]
    fn a_declaration_has_as_many_lines_as_it_likes() {
        let text = "CREATE TABLE t\n(\n  a TEXT NOT NULL, b VARCHAR(20), -- c TEXT,\n  d DECIMAL(10, 2) DEFAULT -1 /* of\n two, lines */, key VARCHAR(9) NOT NULL,\n  e TEXT DEFAULT 'it''s, (so)', KEY by_b (b)\n);";
        let wanted = [
            "3 t.a TEXT NOT NULL",
            "3 t.b VARCHAR(20)",
            "4 t.d DECIMAL(10,2) DEFAULT -1",
            "5 t.key VARCHAR(9) NOT NULL",
            "6 t.e TEXT DEFAULT 'it''s, (so)'",
        ];
        assert_eq!(read(text).as_deref(), Some(&wanted.map(str::to_owned)[..]));
    }

    #[test]
    fn what_a_diff_adds_is_new_and_what_it_takes_away_is_not_there() {
        let text =
            "CREATE TABLE t (\n    key TEXT,\n-   ts TEXT NOT NULL\n-   old TEXT\n+   ts TEXT NOT NULL,\n+   ttl INTEGER -- seconds\n);";
        let wanted = ["2 t.key TEXT", "5 t.ts TEXT NOT NULL", "6 t.ttl INTEGER, new"];
        assert_eq!(read(text).as_deref(), Some(&wanted.map(str::to_owned)[..]));
    }

    #[test]
    fn what_declares_no_columns_is_none() {
        for text in [
            "CREATE TABLE t AS SELECT 1",
            "CREATE TABLE (a TEXT)",
            "CREATE TABLE t ()",
            "CREATE INDEX i ON t (a)",
            "CREATE TABLE t (1 TEXT, (x))",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert!(
            begins("create table t", true) && !begins("CREATE TABLE was run (once).", false) && begins("CREATE TABLE t (a TEXT);", false)
        );
    }
}
