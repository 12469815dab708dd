//! Reads a report by a form's rules.
//!
//! In: the report's text and a form. Out: a [`Reading`], every claim with its
//! line. What a claim is worth is not looked at here.

use std::collections::{HashMap, VecDeque};

use super::claim::{Claim, ClaimKind, Column, Reading};
use super::encoding::contains;
use super::form::{Form, LineKind};
use super::markdown::{self, Fence};
use super::sql::{self, State, Statement};
use super::template::{Found, Template, characters};

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
    /// The fenced block.
    fence: Option<Fence>,
    /// The table whose columns follow.
    table: Option<String>,
    /// Whether some of them have come.
    has_columns: bool,
    /// A `CREATE TABLE`: the line on which it begins, that line, and what has come of it.
    declaring: Option<(usize, String, Statement)>,
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
        has_columns: false,
        declaring: None,
        last_column: 0,
        reading: Reading::default(),
    };
    let all: Vec<&str> = text.lines().collect();
    let mut at = 0;
    while let Some(line) = all.get(at) {
        let below = all.get(at + 1).copied().unwrap_or_default();
        let heads = markdown::cells(line).filter(|heads| place.is_text() && markdown::is_rule(below) == Some(heads.len()));
        match heads {
            Some(heads) => at += 2 + place.table(at + 3, &heads, all.get(at + 2..).unwrap_or_default()),
            None => {
                place.line(at + 1, line);
                at += 1;
            }
        }
    }
    place.declared();
    place.claim_heading();
    let mut reading = place.reading;
    merge_columns(&mut reading.claims);
    reading.claims.sort_by_key(|claim| claim.line);
    reading.unread.sort();
    reading
}

impl Place<'_> {
    /// Whether it stands neither in a block of code nor in a declaration.
    fn is_text(&self) -> bool {
        self.fence.is_none() && self.declaring.is_none()
    }

    fn line(&mut self, number: usize, line: &str) {
        if let Some(fence) = markdown::fence(line) {
            match &self.fence {
                None => self.fence = Some(fence),
                Some(open) if open.is_closed_by(&fence) => self.fence = None,
                Some(_) => return,
            }
            // Nobody declares from one block into the next.
            self.declared();
            return;
        }
        if self.fence.is_none() && (line.trim().is_empty() || line.starts_with('#')) {
            self.declared();
        }
        if self.fence.is_none()
            && let Some(heading) = line.strip_prefix('#')
        {
            self.heading(number, heading);
            return;
        }
        if self.declares(number, line) {
            return;
        }
        if self.fence.as_ref().is_some_and(|fence| fence.language == "diff") {
            return;
        }
        if let Some((name, value)) = label(line)
            && let Some(known) = self.form.labels.iter().find(|known| known.says.iter().any(|says| is_same(&name, says)))
        {
            self.reading.facts.entry(known.is.clone()).or_insert((number, value));
            return;
        }
        let plain = markdown::plain(line);
        let Some(text) = characters(&plain) else {
            self.unread(number, line);
            return;
        };
        if text.is_empty() {
            // Markdown has a blank line between a sentence and its list.
            if self.has_columns {
                self.table = None;
            }
            return;
        }
        if !self.rule(number, &plain, &text) {
            let item = plain.strip_prefix("- ");
            let is_listed = item.is_some() && self.table.is_some();
            self.has_columns |= is_listed;
            if item.is_none() {
                self.table = None;
            }
            if self.is_marked(&plain) || is_listed || item.is_some_and(tells_an_answer) {
                self.unread(number, line);
            }
        }
        let said = self.counts.iter().filter_map(|count| count.find(&text)?.number("count"));
        self.reading.counts.extend(said.map(|count| (number, count)));
    }

    /// Claims what a line says by the first rule that it fits, as a numbered item also without its number.
    fn rule(&mut self, number: usize, plain: &str, text: &[char]) -> bool {
        // What stands under no table is no column of one.
        let has_table = self.table.is_some();
        let fits = |text: &[char]| {
            let mut rules = self.lines.iter().filter(|(is, _)| has_table || *is != LineKind::Column);
            rules.find_map(|(is, rule)| Some((*is, rule.fit(text)?)))
        };
        let (line, fitting) = match fits(text) {
            Some(fitting) => (plain.to_owned(), Some(fitting)),
            None => {
                let item = markdown::unnumbered(plain);
                let fitting = item.as_deref().and_then(characters).as_deref().and_then(&fits);
                (item.unwrap_or_default(), fitting)
            }
        };
        let Some((is, found)) = fitting else { return false };
        self.claim(number, &line, is, &found);
        true
    }

    fn heading(&mut self, number: usize, rest: &str) {
        let level = 1 + rest.chars().take_while(|one| *one == '#').count();
        self.claim_heading();
        self.headings.retain(|(above, _, _)| *above < level);
        self.headings.push((level, number, shortened(rest.trim_start_matches('#').trim())));
        self.table = None;
    }

    /// The heading that ends here claims something, when the form says so and no table stands under it.
    fn claim_heading(&mut self) {
        let Some((level, number, text)) = self.headings.last().cloned() else { return };
        let rule = self.form.headings.iter().find(|rule| rule.level == level);
        let stands_under = |words: &[String]| {
            self.headings.iter().filter(|(above, _, _)| *above < level).any(|(_, _, one)| words.iter().any(|word| contains(one, word)))
        };
        if rule.is_some_and(|rule| stands_under(&rule.under)) && self.last_column <= number {
            let section = self.headings.iter().rev().nth(1).map_or_else(String::new, |(_, _, one)| one.clone());
            self.reading.claims.push(Claim { line: number, section, text, kept: None, kind: ClaimKind::Statement });
        } else if self.is_marked(&text) {
            self.unread(number, &text);
        }
    }

    fn section(&self) -> String {
        self.headings.last().map_or_else(String::new, |(_, _, text)| text.clone())
    }

    fn claim(&mut self, line: usize, whole: &str, is: LineKind, found: &Found) {
        let text = |place: &str| found.get(place).unwrap_or_default().trim_matches('*').trim().to_owned();
        let kind = match is {
            LineKind::Table => {
                self.table = text("table").split_whitespace().last().map(|name| shortened(name.trim_matches(['`', '"', '*'])));
                self.has_columns = false;
                return;
            }
            LineKind::Column => {
                let named = Some(shortened(&text("table"))).filter(|name| !name.is_empty());
                let Some(table) = named.or_else(|| self.table.clone()) else {
                    self.unread(line, whole);
                    return;
                };
                self.has_columns = true;
                let mut column = Column { table, name: text("column"), kind: text("type"), ..Column::default() };
                for extra in text("extra").split(',').map(str::trim) {
                    match extra.split_once(' ') {
                        Some((word, value)) if word.eq_ignore_ascii_case("DEFAULT") && value.eq_ignore_ascii_case("NULL") => {}
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
                None => {
                    self.unread(line, whole);
                    return;
                }
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
        let mut rest = line;
        let mut is_one = false;
        loop {
            if self.declaring.is_none() {
                let code = rest.trim_start().trim_start_matches([';', '+']);
                if !sql::begins(code, self.fence.is_some()) {
                    return is_one;
                }
                self.declaring = Some((number, shortened(code.trim()), Statement::default()));
            }
            is_one = true;
            let Some((_, _, statement)) = &mut self.declaring else { return is_one };
            match statement.push(number, rest.trim_start_matches(';')) {
                State::Open => return true,
                State::Other => {
                    self.declared();
                    return true;
                }
                State::Closed(end) => {
                    let behind = rest.trim_start_matches(';').get(end..).unwrap_or_default();
                    self.declared();
                    // Another one may follow on the same line, behind what belongs to this one.
                    let Some((_, next)) = behind.split_once(';') else { return true };
                    rest = next;
                }
            }
        }
    }

    fn declared(&mut self) {
        let Some((begun, text, statement)) = self.declaring.take() else { return };
        let Some(declared) = statement.declared() else {
            self.reading.unread.push((begun, text));
            return;
        };
        // What was cut off has columns that nobody sees.
        if !statement.is_closed() {
            self.reading.unread.push((begun, text));
        }
        let section = self.section();
        for (line, mut column) in declared.columns {
            (column.table, column.name) = (shortened(&column.table), shortened(&column.name));
            let text = column.to_string();
            self.last_column = self.last_column.max(line);
            self.reading.claims.push(Claim { line, section: section.clone(), text, kept: None, kind: ClaimKind::Column(column) });
        }
    }

    /// The rows of a table below a line of heads; how many lines it has.
    fn table(&mut self, number: usize, heads: &[String], rows: &[&str]) -> usize {
        let is_called = |head: &str| self.form.heads.iter().find(|known| known.says.iter().any(|word| is_same(head, word)));
        let places: Vec<Option<String>> = heads.iter().map(|head| Some(is_called(head)?.is.clone())).collect();
        let mut count = 0;
        for (at, row) in rows.iter().enumerate() {
            let Some(cells) = markdown::cells(row) else { break };
            count += 1;
            let in_places = cells.iter().zip(&places).filter_map(|(cell, place)| Some((place.clone()?, cell.clone())));
            let found = Found::of(in_places.collect());
            let has = |place: &str| found.get(place).is_some_and(|text| !text.is_empty());
            let is = match () {
                () if has("column") && has("type") => LineKind::Column,
                () if has("what") && found.number::<u16>("got").is_some() => LineKind::Answer,
                () if has("what") && !has("got") && found.is_marked(&self.form.marks) => LineKind::Statement,
                () => {
                    if self.is_marked(row) || cells.iter().any(|cell| is_status(cell)) {
                        self.unread(number + at, row);
                    }
                    continue;
                }
            };
            self.claim(number + at, &cells.join(" | "), is, &found);
        }
        count
    }

    /// Whether one of the form's marks stands in a line.
    fn is_marked(&self, line: &str) -> bool {
        let marks = &self.form.marks;
        marks.kept.iter().chain(&marks.broken).any(|mark| line.contains(mark.as_str()))
    }

    /// What looks like a claim, and fits no rule.
    fn unread(&mut self, number: usize, line: &str) {
        self.reading.unread.push((number, shortened(line.trim())));
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
        let declared = open.entry((listed.table.to_ascii_lowercase(), listed.name.to_ascii_lowercase())).or_default();
        match declared.pop_front().and_then(|at| merged.get_mut(at)).map(|one| &mut one.kind) {
            Some(ClaimKind::Column(column)) => {
                let same = column.kind.eq_ignore_ascii_case(&listed.kind)
                    && column.primary_key == listed.primary_key
                    && column.default == listed.default;
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

/// Whether a text is the status of an answer.
fn is_status(text: &str) -> bool {
    text.len() == 3 && text.parse::<u16>().is_ok_and(|status| (100..600).contains(&status))
}

/// Whether an item tells an answer: a status stands behind a colon.
fn tells_an_answer(item: &str) -> bool {
    item.split([':', '：'])
        .skip(1)
        .any(|behind| is_status(behind.split(|one: char| !one.is_alphanumeric()).find(|word| !word.is_empty()).unwrap_or_default()))
}

#[cfg(test)]
mod tests;
