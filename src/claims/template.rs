//! Lines with places in them, as rules write them: `{what}: {got} ({mark})`.
//!
//! In: a template, the marks, a line. Out: what stands in the places.

use super::encoding::same;
use super::form::Marks;

/// A longer line is no claim: what fits where would take time that grows with its square.
const LONGEST_LINE: usize = 1_000; // characters

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
        self.get("mark").map(|mark| marks.kept.iter().any(|one| one == mark))
    }
}

/// What stands in the places, when the whole line fits the template.
#[must_use]
pub fn fit(template: &str, marks: &Marks, line: &str) -> Option<Found> {
    let line = characters(line.trim())?;
    fits(&parts(template), marks, &line, true)
}

/// The same for a template that stands anywhere in a line.
#[must_use]
pub fn find(template: &str, marks: &Marks, line: &str) -> Option<Found> {
    let (line, parts) = (characters(line)?, parts(template));
    (0..line.len()).find_map(|at| fits(&parts, marks, &line[at..], false))
}

/// The characters of a line that is not too long.
fn characters(line: &str) -> Option<Vec<char>> {
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

fn fits(parts: &[Part<'_>], marks: &Marks, line: &[char], whole: bool) -> Option<Found> {
    let Some((part, others)) = parts.split_first() else {
        return (line.is_empty() || !whole).then(Found::default);
    };
    match part {
        Part::Text(text) => {
            let begins = line.len() >= text.len() && text.iter().zip(line).all(|(wanted, one)| same(*one, *wanted));
            begins.then(|| fits(others, marks, &line[text.len()..], whole)).flatten()
        }
        Part::Place(name) => {
            // The shortest that lets the rest fit; digits are taken as far as they go.
            let lengths: Box<dyn Iterator<Item = usize>> = if matches!(*name, "got" | "want" | "number" | "count") {
                Box::new((1..=line.len()).rev())
            } else {
                Box::new(1..=line.len())
            };
            lengths.filter(|length| may_be(name, marks, &line[..*length])).find_map(|length| {
                let mut found = fits(others, marks, &line[length..], whole)?;
                found.0.push(((*name).to_owned(), line[..length].iter().collect::<String>().trim().to_owned()));
                Some(found)
            })
        }
    }
}

fn may_be(place: &str, marks: &Marks, text: &[char]) -> bool {
    match place {
        "got" | "want" | "number" | "count" => text.iter().all(char::is_ascii_digit),
        "column" => text.iter().all(|one| one.is_ascii_alphanumeric() || *one == '_'),
        "type" => text.iter().all(char::is_ascii_uppercase),
        "mark" => {
            let text: String = text.iter().collect();
            marks.kept.iter().chain(&marks.broken).any(|mark| *mark == text)
        }
        _ => text.iter().any(|one| !one.is_whitespace()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
