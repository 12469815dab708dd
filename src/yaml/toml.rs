//! TOML as a tree with places: the same tree that YAML is read into.
//!
//! Takes text, gives a [`Tree`]; names and values are judged where those of
//! YAML are (`shape`). Where the text is not TOML, every place at which it is
//! not is told.

use std::ops::Range;

use serde_json::Number;
use toml::Spanned;
use toml::de::{DeFloat, DeInteger, DeTable, DeValue, Error};

use super::diagnostic::{Diagnostic, Diagnostics};
use super::tree::{Key, Kind, Node, Tree};

/// Reads a document.
///
/// * `name`: the file's name, as people should see it.
///
/// # Errors
/// Every place at which the text is not TOML, and members that stand there twice.
pub fn read(name: &str, text: &str) -> Result<Tree, Diagnostics> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut diagnostics: Vec<Diagnostic> = errors.iter().map(|error| not_toml(text, error)).collect();
    let kind = members(table.get_ref(), &mut diagnostics);
    if !diagnostics.is_empty() {
        return Err(Diagnostics::new(name, text, diagnostics));
    }
    let span = first_place(&kind).unwrap_or(0..0);
    Ok(Tree { name: name.to_owned(), text: text.to_owned(), root: Node { span, kind } })
}

/// A table's members, in the order of the file.
fn members(table: &DeTable<'_>, diagnostics: &mut Vec<Diagnostic>) -> Kind {
    let mut members: Vec<(Key, Node)> = Vec::new();
    for (key, value) in table {
        let key = Key { text: key.get_ref().to_string(), span: key.span() };
        let node = node(value, &key.span, diagnostics);
        members.push((key, node));
    }
    members.sort_by_key(|(key, _)| key.span.start);
    Kind::Map(members)
}

fn node(value: &Spanned<DeValue<'_>>, key: &Range<usize>, diagnostics: &mut Vec<Diagnostic>) -> Node {
    let span = value.span();
    let kind = match value.get_ref() {
        DeValue::String(text) => Kind::Text(text.to_string()),
        DeValue::Integer(number) => whole(number).unwrap_or_else(|| {
            diagnostics.push(Diagnostic::new(span.clone(), format!("{} is more than a number can be", number.as_str())));
            Kind::Null
        }),
        DeValue::Float(number) => fraction(number),
        DeValue::Boolean(value) => Kind::Bool(*value),
        DeValue::Datetime(found) => {
            diagnostics
                .push(Diagnostic::new(span.clone(), "a date has no place here").with_hint(format!("text goes in quotes: \"{found}\"")));
            Kind::Null
        }
        DeValue::Array(items) => Kind::List(items.iter().map(|item| node(item, &item.span(), diagnostics)).collect()),
        DeValue::Table(table) => members(table, diagnostics),
    };
    let span = match &kind {
        Kind::List(_) => span.start..span.start + 1,
        Kind::Map(_) => first_place(&kind).unwrap_or_else(|| key.clone()),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => span,
    };
    Node { span, kind }
}

/// The place of a map's first member.
fn first_place(kind: &Kind) -> Option<Range<usize>> {
    match kind {
        Kind::Map(members) => members.first().map(|(key, _)| key.span.clone()),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::List(_) => None,
    }
}

fn whole(number: &DeInteger<'_>) -> Option<Kind> {
    let (text, radix) = (number.as_str(), number.radix());
    let signed = || i64::from_str_radix(text, radix).ok().map(Number::from);
    let number = u64::from_str_radix(text, radix).ok().map(Number::from).or_else(signed)?;
    Some(Kind::Number(number))
}

fn fraction(number: &DeFloat<'_>) -> Kind {
    let read = number.as_str().parse::<f64>().ok().and_then(Number::from_f64);
    // JSON has no infinities; they stay what was written.
    read.map_or_else(|| Kind::Text(number.as_str().to_owned()), Kind::Number)
}

/// The reader's complaint in our own words.
fn not_toml(text: &str, error: &Error) -> Diagnostic {
    let span = error.span().unwrap_or(text.len()..text.len());
    let complaint = error.message().lines().next().unwrap_or_default();
    if complaint.starts_with("duplicate key") {
        let name = text.get(span.clone()).unwrap_or_default();
        return Diagnostic::new(span, format!("`{name}` stands here twice")).with_hint("keep one of them");
    }
    let expected = error.message().lines().skip(1).find(|line| line.starts_with("expected"));
    let diagnostic = Diagnostic::new(span, format!("this is not TOML: {complaint}"));
    match expected {
        Some(expected) => diagnostic.with_hint(expected),
        None => diagnostic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of every kind, tables of every form, each with its place.
    #[test]
    fn toml_becomes_the_tree_that_yaml_becomes() {
        let text = "a = 'x'\nb = [1, -2, 1.5, true]\nc.d = {e = \"f\"}\n[g]\nh = 0x10\n[g.i]\nj = []\n";
        let tree = read("test.toml", text).expect("the test writes TOML");
        assert_eq!(tree.to_json().to_string(), r#"{"a":"x","b":[1,-2,1.5,true],"c":{"d":{"e":"f"}},"g":{"h":16,"i":{"j":[]}}}"#);
        for (path, found) in [("a", "'x'"), ("b[1]", "-2"), ("c.d.e", "\"f\""), ("g.h", "0x10"), ("g.i.j", "j")] {
            assert_eq!(&text[tree.span_at(path)], found, "{path}");
        }
        assert_eq!(tree.line_of(&tree.span_at("g.h")), 5);
    }

    /// All places at which a text is not TOML are told, each with its line.
    #[test]
    fn what_is_not_toml_is_told_with_its_place() {
        let told = |text: &str| read("test.toml", text).expect_err("it is wrong").to_string();
        insta::assert_snapshot!(told("contract = orch\nclock = \"wait\"\nclock = \"none\"\n[target\nurl = 2020-01-01\n"));
    }
}
