//! Lines with places in them, as rules write them: `{what}: {got} ({mark})`.
//!
//! In: a template, the marks, a line. Out: what stands in the places. A line
//! is looked through from its end once a part of the template, so that time
//! grows with its length and no faster.

use super::encoding::same;
use super::form::Marks;

/// A longer line is no claim that a person wrote.
const LONGEST_LINE: usize = 100_000; // characters

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part<'t> {
    Text(Vec<char>),
    Place(&'t str),
}

/// What stands in a line's places, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found(Vec<(String, String)>);

impl Found {
    /// What stands in places, each with its name.
    #[must_use]
    pub fn of(places: Vec<(String, String)>) -> Self {
        Self(places)
    }

    /// Whether what stands where its mark should is one.
    #[must_use]
    pub fn is_marked(&self, marks: &Marks) -> bool {
        self.get("mark").is_some_and(|mark| marks.kept.iter().chain(&marks.broken).any(|one| one == mark))
    }

    /// What stands in a place.
    #[must_use]
    pub fn get(&self, place: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == place).map(|(_, text)| text.as_str())
    }

    /// A number in a place.
    #[must_use]
    pub fn number<T: std::str::FromStr>(&self, place: &str) -> Option<T> {
        self.get(place)?.parse().ok()
    }

    /// Whether the mark says that it holds.
    #[must_use]
    pub fn is_kept(&self, marks: &Marks) -> Option<bool> {
        self.get("mark").filter(|_| self.is_marked(marks)).map(|mark| marks.kept.iter().any(|one| one == mark))
    }
}

/// A line with places in it, taken apart once for all lines that it is held against.
#[derive(Clone, Debug)]
pub struct Template<'t> {
    parts: Vec<Part<'t>>,
    /// All marks, the shortest first.
    marks: Vec<Vec<char>>,
}

impl<'t> Template<'t> {
    /// Takes a template apart.
    #[must_use]
    pub fn of(template: &'t str, marks: &Marks) -> Self {
        let mut marks: Vec<Vec<char>> = marks.kept.iter().chain(&marks.broken).map(|mark| mark.chars().collect()).collect();
        marks.sort_by_key(Vec::len);
        Self { parts: parts(template), marks }
    }

    /// What stands in the places, when the whole line fits; it begins and ends with no blank.
    #[must_use]
    pub fn fit(&self, line: &[char]) -> Option<Found> {
        // Most lines are no claims, and most say so with their first character or their last.
        let is_text = |part: Option<&Part<'_>>, at: Option<&char>, end: fn(&[char]) -> Option<&char>| match part {
            Some(Part::Text(text)) => end(text).is_none_or(|wanted| at.is_some_and(|one| same(*one, *wanted))),
            Some(Part::Place(_)) | None => true,
        };
        let (first, last) = (self.parts.first(), self.parts.last());
        if line.is_empty() || !is_text(first, line.first(), <[char]>::first) || !is_text(last, line.last(), <[char]>::last) {
            return None;
        }
        Fitting::new(self, line, true).found_at(0)
    }

    /// The same for a template that stands anywhere in a line.
    #[must_use]
    pub fn find(&self, line: &[char]) -> Option<Found> {
        let may_begin = |at: usize| self.parts.first().is_none_or(|part| part.begins(&line[at..]));
        if !(0..line.len()).any(may_begin) {
            return None;
        }
        let fitting = Fitting::new(self, line, false);
        (0..line.len()).find_map(|at| fitting.found_at(at))
    }
}

/// The characters of a line that is not too long.
#[must_use]
pub fn characters(line: &str) -> Option<Vec<char>> {
    let characters: Vec<char> = line.chars().take(LONGEST_LINE + 1).collect();
    (characters.len() <= LONGEST_LINE).then_some(characters)
}

fn parts(template: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, behind)) = after.split_once('}') else { break };
        parts.push(Part::Text(before.chars().collect()));
        parts.push(Part::Place(name));
        rest = behind;
    }
    parts.push(Part::Text(rest.chars().collect()));
    parts
}

impl Part<'_> {
    /// Whether a line may begin with it.
    fn begins(&self, line: &[char]) -> bool {
        match self {
            Self::Text(text) => line.len() >= text.len() && text.iter().zip(line).all(|(wanted, one)| same(*one, *wanted)),
            Self::Place(_) => true,
        }
    }
}

/// Where in a line each part of a template, with all that follow it, fits.
struct Fitting<'a> {
    template: &'a Template<'a>,
    line: &'a [char],
    /// By part, whether what begins at a character of the line fits it and those behind it; one more for the end.
    fits: Vec<Vec<bool>>,
}

impl<'a> Fitting<'a> {
    fn new(template: &'a Template<'a>, line: &'a [char], whole: bool) -> Self {
        let parts = &template.parts;
        let mut fitting = Self { template, line, fits: vec![Vec::new(); parts.len() + 1] };
        fitting.fits[parts.len()] = (0..=line.len()).map(|at| at == line.len() || !whole).collect();
        for (number, part) in parts.iter().enumerate().rev() {
            fitting.fits[number] = match part {
                Part::Text(text) => {
                    let behind = &fitting.fits[number + 1];
                    (0..=line.len()).map(|at| part.begins(&line[at..]) && behind[at + text.len()]).collect()
                }
                Part::Place(name) => fitting.place_fits(name, number),
            };
        }
        fitting
    }

    /// Where a place can begin, so that what is behind it fits: from the end of the line to its beginning.
    fn place_fits(&self, name: &str, number: usize) -> Vec<bool> {
        let behind = &self.fits[number + 1];
        let mut fits = vec![false; self.line.len() + 1];
        // Where what is behind the place fits next, and the end of the characters that it may have.
        let (mut next, mut last) = (None, self.line.len());
        let mut next_of_text = None;
        for at in (0..self.line.len()).rev() {
            if behind[at + 1] {
                next = Some(at + 1);
            }
            if !self.line[at].is_whitespace() {
                next_of_text = next;
            }
            if !may_have(name, self.line[at]) {
                last = at;
            }
            fits[at] = match name {
                "mark" => self.mark_at(at, behind).is_some(),
                "got" | "want" | "number" | "count" | "column" | "type" => next.is_some_and(|next| next <= last),
                _ => next_of_text.is_some(),
            };
        }
        fits
    }

    /// How long the mark is that begins here.
    fn mark_at(&self, at: usize, behind: &[bool]) -> Option<usize> {
        let fits = |mark: &&Vec<char>| !mark.is_empty() && self.line[at..].starts_with(mark) && behind[at + mark.len()];
        self.template.marks.iter().find(fits).map(Vec::len)
    }

    /// How long a place is that begins here: the shortest that lets the rest fit; digits are taken as far as they go.
    fn length(&self, name: &str, number: usize, at: usize) -> Option<usize> {
        let (behind, rest) = (&self.fits[number + 1], &self.line[at..]);
        let all = rest.iter().take_while(|one| may_have(name, **one)).count();
        match name {
            "mark" => self.mark_at(at, behind),
            "got" | "want" | "number" | "count" => (1..=all).rev().find(|length| behind[at + length]),
            "column" | "type" => (1..=all).find(|length| behind[at + length]),
            _ => {
                let first = rest.iter().position(|one| !one.is_whitespace())?;
                (first + 1..=all).find(|length| behind[at + length])
            }
        }
    }

    /// What stands in the places of what begins here.
    fn found_at(&self, mut at: usize) -> Option<Found> {
        if !self.fits[0][at] {
            return None;
        }
        let mut found = Found::default();
        for (number, part) in self.template.parts.iter().enumerate() {
            match part {
                Part::Text(text) => at += text.len(),
                Part::Place(name) => {
                    let length = self.length(name, number, at)?;
                    found.0.push(((*name).to_owned(), self.line[at..at + length].iter().collect::<String>().trim().to_owned()));
                    at += length;
                }
            }
        }
        // Of two places of one name the last is told.
        found.0.reverse();
        Some(found)
    }
}

/// Whether a place may have this character in it.
fn may_have(place: &str, one: char) -> bool {
    match place {
        "got" | "want" | "number" | "count" => one.is_ascii_digit(),
        "column" => one.is_ascii_alphanumeric() || one == '_',
        "type" => one.is_ascii_alphanumeric() || "_(),".contains(one),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(template: &str, marks: &Marks, line: &str) -> Option<Found> {
        Template::of(template, marks).fit(&characters(line.trim())?)
    }

    fn find(template: &str, marks: &Marks, line: &str) -> Option<Found> {
        Template::of(template, marks).find(&characters(line)?)
    }

    fn marks() -> Marks {
        Marks { kept: vec!["✅".to_owned(), "[x]".to_owned()], broken: vec!["❌".to_owned()] }
    }

    #[test]
    fn places_are_found_in_a_line() {
        let fit = |template, line| fit(template, &marks(), line);
        let found = fit("- {what}: {got} (期待: {want}) {mark}", "  - 重複検出: 202 (期待: 202) ✅").expect("it fits");
        assert_eq!((found.get("what"), found.number("got"), found.is_kept(&marks())), (Some("重複検出"), Some(202_u16), Some(true)));
        assert_eq!(fit("- {what}: {got}", "- no digits: 20x"), None);
        assert_eq!(fit("- {mark} {what}", "- ✔ another mark"), None);
        assert_eq!(fit("- {mark} {what}", "- ❌ it does not").and_then(|found| found.is_kept(&marks())), Some(false));
        let column = fit("- {column} {type} ({extra})", "- ttl INTEGER (DEFAULT 86400)").expect("a column");
        assert_eq!((column.get("column"), column.get("type"), column.get("extra")), (Some("ttl"), Some("INTEGER"), Some("DEFAULT 86400")));
        assert_eq!(find("全{count}項目", &marks(), "成功（全14項目パス）").and_then(|found| found.number("count")), Some(14));
    }

    /// The shortest that lets the rest fit, digits as far as they go, and back again where that leads nowhere.
    #[test]
    fn places_give_way_to_what_follows() {
        let found = |template, line: &str, places: &[&str]| {
            let found = fit(template, &marks(), line)?;
            Some(places.iter().map(|place| found.get(place).unwrap_or("-").to_owned()).collect::<Vec<_>>().join("|"))
        };
        for (template, line, places, wanted) in [
            ("{what}: {detail}", "a: b: c", &["what", "detail"][..], Some("a|b: c")),
            ("{what}: {got}", "a: b: 20", &["what", "got"], Some("a: b|20")),
            ("{got}0{want}", "12030", &["got", "want"], Some("12|30")),
            ("{got}{want}", "1234", &["got", "want"], Some("123|4")),
            ("{what} {mark}", "a [x] b [x]", &["what", "mark"], Some("a [x] b|[x]")),
            ("{what}", "   ", &["what"], None),
            ("{column} {type}", "a_1 TEXT", &["column", "type"], Some("a_1|TEXT")),
            ("{column} {type}", "a-1 TEXT", &["column", "type"], None),
            ("{what}.", "end..", &["what"], Some("end.")),
            ("{what} {what}", "one two", &["what"], Some("two")),
            ("plain", "plain", &[], Some("")),
            ("plain", "plainer", &[], None),
        ] {
            assert_eq!(found(template, line, places).as_deref(), wanted, "{template} {line}");
        }
        // A line that everything but its end fits, a hundred times as long as one that took seconds.
        let long = format!("- {}", "x: 2 ".repeat(19_000));
        assert_eq!(fit("- {what}: {got} (expected: {want}) {mark}", &marks(), &long), None);
        assert_eq!(find("all {count} checks", &marks(), &"all 1".repeat(19_000)), None);
    }
}
