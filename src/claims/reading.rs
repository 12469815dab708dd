//! Reads a report by a form's rules.
//!
//! In: the report's text and a form. Out: a [`Reading`], every claim with its
//! line. What a claim is worth is not looked at here.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use super::encoding::contains;
use super::form::{Form, LineKind};
use super::template::{Found, Template, characters};

/// Everything that a report says.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// What it says of itself: the line, and the value, by the label's name.
    pub facts: BTreeMap<String, (usize, String)>,
    /// What it claims, in the order of its lines.
    pub claims: Vec<Claim>,
    /// How many checks it says that it has made, with the line.
    pub counts: Vec<(usize, usize)>,
}

/// One claim.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// The line, from 1.
    pub line: usize,
    /// The heading that it stands under.
    pub section: String,
    /// What is claimed, in the report's words.
    pub text: String,
    /// Whether its mark says that it holds; none without a mark.
    pub kept: Option<bool>,
    /// What it is.
    pub kind: ClaimKind,
}

/// What is claimed.
#[derive(Clone, Debug, PartialEq)]
pub enum ClaimKind {
    /// An answer's status: the one that was seen, and the one that was expected.
    Answer {
        /// Seen.
        got: u16,
        /// Expected.
        want: Option<u16>,
    },
    /// A column of a table.
    Column(Column),
    /// Anything else.
    Statement,
}

/// A column, as a report declares or lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// Its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// Whether it belongs to the primary key.
    pub primary_key: bool,
    /// Whether it is said to be NOT NULL; a listing does not say.
    pub not_null: Option<bool>,
    /// Its default.
    pub default: Option<String>,
    /// Whether a diff adds it.
    pub is_new: bool,
    /// The line of the listing, for a column that a diff declares too; and what is not the same there.
    pub listed: Option<(usize, Option<String>)>,
}

impl std::fmt::Display for Column {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{} {}", self.table, self.name, self.kind)?;
        if self.primary_key {
            f.write_str(" (PK)")?;
        }
        if self.not_null == Some(true) {
            f.write_str(" NOT NULL")?;
        }
        if let Some(default) = &self.default {
            write!(f, " DEFAULT {default}")?;
        }
        if self.is_new { f.write_str(", new") } else { Ok(()) }
    }
}

/// So much of a heading or of a table's name is told again beside each claim that stands under it.
const LONGEST_NAME: usize = 500; // characters

/// Where the reader stands.
struct Place<'f> {
    form: &'f Form,
    /// The form's lines and counts, taken apart.
    lines: Vec<(LineKind, Template<'f>)>,
    counts: Vec<Template<'f>>,
    /// The headings above, with their levels.
    headings: Vec<(usize, usize, String)>,
    /// The language of the fenced block.
    fence: Option<String>,
    /// The table whose columns follow.
    table: Option<String>,
    /// The lines of a `CREATE TABLE`, with their numbers.
    declaring: Option<(String, Vec<(usize, String)>)>,
    /// The last line that claims a column.
    last_column: usize,
    reading: Reading,
}

/// Whether a report has this form.
#[must_use]
pub fn is_of(form: &Form, text: &str) -> bool {
    let mut told = text.lines().filter(|line| line.starts_with('#') || label(line).is_some());
    told.any(|line| form.recognised_by.iter().any(|word| contains(line, word)))
}

/// Reads a report.
#[must_use]
pub fn read(form: &Form, text: &str) -> Reading {
    let lines = form.lines.iter().map(|rule| (rule.is, Template::of(&rule.line, &form.marks))).collect();
    let counts = form.counts.iter().map(|count| Template::of(count, &form.marks)).collect();
    let mut place = Place {
        form,
        lines,
        counts,
        headings: Vec::new(),
        fence: None,
        table: None,
        declaring: None,
        last_column: 0,
        reading: Reading::default(),
    };
    for (at, line) in text.lines().enumerate() {
        place.line(at + 1, line);
    }
    place.claim_heading(usize::MAX);
    let mut reading = place.reading;
    merge_columns(&mut reading.claims);
    reading.claims.sort_by_key(|claim| claim.line);
    reading
}

impl Place<'_> {
    fn line(&mut self, number: usize, line: &str) {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            self.fence = if self.fence.is_some() { None } else { Some(language.trim().to_owned()) };
            // Nobody declares from one block into the next.
            self.declared();
            return;
        }
        if self.fence.is_none()
            && let Some(heading) = line.strip_prefix('#')
        {
            self.heading(number, heading);
            return;
        }
        if self.declares(number, line) || self.fence.as_deref() == Some("diff") {
            return;
        }
        if let Some((name, value)) = label(line)
            && let Some(known) = self.form.labels.iter().find(|known| known.says.iter().any(|says| is_same(&name, says)))
        {
            self.reading.facts.entry(known.is.clone()).or_insert((number, value));
            return;
        }
        let Some(text) = characters(line.trim()) else { return };
        if text.is_empty() {
            self.table = None;
            return;
        }
        if let Some((is, found)) = self.lines.iter().find_map(|(is, rule)| Some((*is, rule.fit(&text)?))) {
            self.claim(number, line, is, &found);
        }
        let said = self.counts.iter().filter_map(|count| count.find(&text)?.number("count"));
        self.reading.counts.extend(said.map(|count| (number, count)));
    }

    fn heading(&mut self, number: usize, rest: &str) {
        let level = 1 + rest.chars().take_while(|one| *one == '#').count();
        self.claim_heading(level);
        self.headings.retain(|(above, _, _)| *above < level);
        self.headings.push((level, number, shortened(rest.trim_start_matches('#').trim())));
        self.table = None;
    }

    /// The heading that ends here claims something, when the form says so and no table stands under it.
    fn claim_heading(&mut self, _next: usize) {
        let Some((level, number, text)) = self.headings.last().cloned() else { return };
        let rule = self.form.headings.iter().find(|rule| rule.level == level);
        let stands_under = |words: &[String]| {
            self.headings.iter().filter(|(above, _, _)| *above < level).any(|(_, _, one)| words.iter().any(|word| contains(one, word)))
        };
        if rule.is_some_and(|rule| stands_under(&rule.under)) && self.last_column <= number {
            let section = self.headings.iter().rev().nth(1).map_or_else(String::new, |(_, _, one)| one.clone());
            self.reading.claims.push(Claim { line: number, section, text, kept: None, kind: ClaimKind::Statement });
        }
    }

    fn section(&self) -> String {
        self.headings.last().map_or_else(String::new, |(_, _, text)| text.clone())
    }

    fn claim(&mut self, line: usize, whole: &str, is: LineKind, found: &Found) {
        let text = |place: &str| found.get(place).unwrap_or_default().trim_matches('*').trim().to_owned();
        let kind = match is {
            LineKind::Table => {
                self.table = text("table").split_whitespace().last().map(shortened);
                return;
            }
            LineKind::Column => {
                let Some(table) = self.table.clone() else { return };
                let mut column = Column { table, name: text("column"), kind: text("type"), ..Column::default() };
                for extra in text("extra").split(',').map(str::trim) {
                    match extra.split_once(' ') {
                        Some((word, value)) if word.eq_ignore_ascii_case("DEFAULT") => column.default = Some(value.to_owned()),
                        Some(_) if extra.eq_ignore_ascii_case("NOT NULL") => column.not_null = Some(true),
                        Some(_) if extra.eq_ignore_ascii_case("PRIMARY KEY") => column.primary_key = true,
                        _ => column.primary_key |= extra.eq_ignore_ascii_case("PK"),
                    }
                }
                ClaimKind::Column(column)
            }
            LineKind::Answer => match found.number("got") {
                Some(got) => ClaimKind::Answer { got, want: found.number("want") },
                None => return,
            },
            LineKind::Statement => ClaimKind::Statement,
        };
        let told =
            if let ClaimKind::Column(column) = &kind { column.to_string() } else { whole.trim().trim_start_matches("- ").to_owned() };
        let claim = Claim { line, section: self.section(), text: told, kept: found.is_kept(&self.form.marks), kind };
        if matches!(claim.kind, ClaimKind::Column(_)) {
            self.last_column = self.last_column.max(line);
        }
        self.reading.claims.push(claim);
    }

    /// Whether the line belongs to a `CREATE TABLE`; at its end the columns are claimed.
    fn declares(&mut self, number: usize, line: &str) -> bool {
        let plain = line.trim_start_matches(['+', '-']).trim();
        if let Some((_, lines)) = &mut self.declaring {
            if plain.starts_with(')') {
                self.declared();
            } else if let Some(last) = last_of_declaration(line) {
                lines.push((number, last.to_owned()));
                self.declared();
            } else {
                lines.push((number, line.to_owned()));
            }
            return true;
        }
        let Some(rest) = plain.strip_prefix("CREATE TABLE ") else { return false };
        let (head, inside) = rest.split_once('(').unwrap_or((rest, ""));
        // Prose may begin so, too.
        if self.fence.is_none() && !rest.contains('(') {
            return false;
        }
        let name = shortened(head.trim_start_matches("IF NOT EXISTS ").split(' ').next().unwrap_or_default());
        let on_one_line = last_of_declaration(inside);
        let columns = on_one_line.map(apart).unwrap_or_default().into_iter().map(|column| (number, column)).collect();
        self.declaring = Some((name, columns));
        if on_one_line.is_some() {
            self.declared();
        }
        true
    }

    fn declared(&mut self) {
        let Some((table, lines)) = self.declaring.take() else { return };
        let bare = |line: &str| {
            let code = line.trim_start_matches(['+', '-']).split("--").next().unwrap_or_default();
            code.trim().trim_end_matches(',').to_owned()
        };
        let removed: HashSet<String> = lines.iter().filter(|(_, line)| line.starts_with('-')).map(|(_, line)| bare(line)).collect();
        let mut columns: Vec<(usize, Column)> = Vec::new();
        let mut keys: HashSet<String> = HashSet::new();
        for (number, line) in lines.iter().filter(|(_, line)| !line.starts_with('-')) {
            let code = bare(line);
            if let Some(rest) = code.strip_prefix("PRIMARY KEY") {
                keys.extend(rest.trim().trim_matches(['(', ')']).split(',').map(|key| key.trim().to_owned()));
                continue;
            }
            if ["FOREIGN KEY", "UNIQUE", "CHECK", "CONSTRAINT"].iter().any(|word| code.starts_with(word)) {
                continue;
            }
            let mut words = code.split_whitespace();
            let (Some(name), Some(kind)) = (words.next(), words.next()) else { continue };
            let rest = words.collect::<Vec<_>>().join(" ");
            let default = rest.split_once("DEFAULT ").and_then(|(_, value)| value.split_whitespace().next()).map(str::to_owned);
            columns.push((
                *number,
                Column {
                    table: table.clone(),
                    name: name.to_owned(),
                    kind: kind.to_owned(),
                    primary_key: rest.contains("PRIMARY KEY"),
                    not_null: Some(rest.contains("NOT NULL")),
                    default,
                    // One that only got a comma behind it is not new.
                    is_new: line.starts_with('+') && !removed.contains(&code),
                    listed: None,
                },
            ));
        }
        let section = self.section();
        for (line, mut column) in columns {
            column.primary_key |= keys.contains(&column.name);
            let text = column.to_string();
            self.last_column = self.last_column.max(line);
            self.reading.claims.push(Claim { line, section: section.clone(), text, kept: None, kind: ClaimKind::Column(column) });
        }
    }
}

/// A column that is declared and listed is one claim.
fn merge_columns(claims: &mut Vec<Claim>) {
    let mut merged: Vec<Claim> = Vec::new();
    // Where those stand that are declared, and not listed yet.
    let mut open: HashMap<(String, String), VecDeque<usize>> = HashMap::new();
    for claim in claims.drain(..) {
        let ClaimKind::Column(listed) = &claim.kind else {
            merged.push(claim);
            continue;
        };
        let declared = open.entry((listed.table.clone(), listed.name.clone())).or_default();
        match declared.pop_front().and_then(|at| merged.get_mut(at)).map(|one| &mut one.kind) {
            Some(ClaimKind::Column(column)) => {
                let same = column.kind == listed.kind && column.primary_key == listed.primary_key && column.default == listed.default;
                column.listed = Some((claim.line, (!same).then(|| listed.to_string())));
            }
            Some(ClaimKind::Answer { .. } | ClaimKind::Statement) | None => {
                declared.push_back(merged.len());
                merged.push(claim);
            }
        }
    }
    *claims = merged;
}

/// As much of a name as is told.
fn shortened(name: &str) -> String {
    name.chars().take(LONGEST_NAME).collect()
}

/// A label and its value: what stands before and behind the first colon, without bullets and stars.
fn label(line: &str) -> Option<(String, String)> {
    let at = line.find([':', '：'])?;
    let (before, behind) = line.split_at(at);
    let is_trim = |one: char| one.is_whitespace() || "*-•".contains(one) || !(one.is_alphanumeric() || one == super::encoding::LOST);
    let name = before.trim_matches(is_trim).to_owned();
    let value = behind.trim_start_matches([':', '：', '*', ' ']).trim().to_owned();
    (!name.is_empty() && !value.is_empty()).then_some((name, value))
}

fn is_same(name: &str, word: &str) -> bool {
    name.chars().count() == word.chars().count() && contains(name, word)
}

/// The last line of a declaration, without the bracket that closes it.
fn last_of_declaration(line: &str) -> Option<&str> {
    let code = line.split("--").next().unwrap_or_default().trim_end().trim_end_matches(';').trim_end();
    let inside = code.strip_suffix(')')?;
    (code.matches(')').count() > code.matches('(').count()).then_some(inside)
}

/// Columns of one line, at the commas that stand in no brackets.
fn apart(text: &str) -> Vec<String> {
    let (mut pieces, mut depth) = (vec![String::new()], 0_usize);
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                pieces.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push(c);
        }
    }
    pieces
}
