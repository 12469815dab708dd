//! A YAML document as a tree in which every value knows its place.
//!
//! Takes text, gives nodes with byte ranges; finds the place of a path
//! (`steps[2].deliver.key_of`), lays one tree over another, and gives plain
//! JSON. Names and values are judged elsewhere (`shape`).

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use serde_saphyr::{Error, Location, Options, Spanned};

use super::diagnostic::{Diagnostic, Diagnostics};
use super::lines::Lines;

/// Deeper than any file that means something, and not so deep that a thread's stack runs out.
const DEEPEST: usize = 32;

/// A value and its place. A list or a map has the place of its first character.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its place in the text, in bytes; quotes included.
    pub span: Range<usize>,
    /// What it is.
    pub kind: Kind,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Nothing: `null`, `~`, or no value at all.
    Null,
    /// `true` or `false`; nothing else.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Members, in the order of the file.
    Map(Vec<(Key, Node)>),
}

/// The name of a member, and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The name.
    pub text: String,
    /// Its place in the text, in bytes.
    pub span: Range<usize>,
}

/// A document.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The file's name, for people.
    pub name: String,
    /// The whole text.
    pub text: String,
    /// Its value.
    pub root: Node,
}

impl Node {
    /// The member called `name`, if this is a map that has it.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Self> {
        self.entry(name).map(|(_, value)| value)
    }

    /// The member called `name` with its key.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&(Key, Self)> {
        self.members().iter().find(|(key, _)| key.text == name)
    }

    /// Every member, if this is a map; else none.
    #[must_use]
    pub fn members(&self) -> &[(Key, Self)] {
        match &self.kind {
            Kind::Map(members) => members,
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::List(_) => &[],
        }
    }

    /// Every item, if this is a list; else none.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::List(items) => items,
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::Map(_) => &[],
        }
    }

    /// The value as plain JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Number(value) => Value::Number(value.clone()),
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Kind::Map(members) => Value::Object(members.iter().map(|(key, value)| (key.text.clone(), value.to_json())).collect()),
        }
    }

    /// Lays `over` over this node: maps are merged member by member, anything
    /// else is replaced, and a null takes a member away.
    pub fn lay_over(&mut self, over: &Self) {
        let (Kind::Map(mine), Kind::Map(theirs)) = (&mut self.kind, &over.kind) else {
            *self = over.clone();
            return;
        };
        for (key, value) in theirs {
            let place = mine.iter().position(|(own, _)| own.text == key.text);
            match (place, &value.kind) {
                (Some(at), Kind::Null) => {
                    mine.remove(at);
                }
                (None, Kind::Null) => {}
                (Some(at), _) => {
                    mine[at].0 = key.clone();
                    mine[at].1.lay_over(value);
                }
                (None, _) => mine.push((key.clone(), value.clone())),
            }
        }
        self.span = over.span.clone();
    }

    /// Gives this node and everything in it one place.
    pub fn move_to(&mut self, span: &Range<usize>) {
        self.span = span.clone();
        match &mut self.kind {
            Kind::List(items) => items.iter_mut().for_each(|item| item.move_to(span)),
            Kind::Map(members) => {
                for (key, value) in members {
                    key.span = span.clone();
                    value.move_to(span);
                }
            }
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => {}
        }
    }
}

impl Tree {
    /// Reads a document.
    ///
    /// * `name`: the file's name, as people should see it.
    ///
    /// # Errors
    /// The one place at which the text stops being YAML, or a member that stands there twice.
    pub fn read(name: &str, text: &str) -> Result<Self, Diagnostics> {
        let mut options = Options::default();
        // `on`, `off`, `yes` and `no` are words, as in YAML 1.2.
        options.strict_booleans = true;
        options.with_snippet = false;
        if let Some(budget) = &mut options.budget {
            budget.max_depth = DEEPEST;
        }
        match serde_saphyr::from_str_with_options::<Node>(text, options) {
            Ok(root) => Ok(Self { name: name.to_owned(), text: text.to_owned(), root }),
            Err(error) => Err(Diagnostics::new(name, text, vec![not_yaml(text, &error)])),
        }
    }

    /// The document as plain JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        self.root.to_json()
    }

    /// Where the value at `path` stands, as [`Node::span_at`] finds it.
    #[must_use]
    pub fn span_at(&self, path: &str) -> Range<usize> {
        self.root.span_at(path)
    }

    /// The line on which a place begins, from 1.
    #[must_use]
    pub fn line_of(&self, span: &Range<usize>) -> u32 {
        self.lines().line_of(span)
    }

    /// Where lines end: for whoever asks for the lines of many places.
    #[must_use]
    pub fn lines(&self) -> Lines {
        Lines::of(&self.text)
    }
}

impl Node {
    /// Where the value at `path` stands: for a list or a map, its key.
    ///
    /// A path that leads nowhere ends at the last place that is there.
    #[must_use]
    pub fn span_at(&self, path: &str) -> Range<usize> {
        let (mut node, mut span, mut rest) = (self, self.span.clone(), path);
        while !rest.is_empty() {
            if let Some((at, after)) = rest.strip_prefix('[').and_then(|inside| inside.split_once(']')) {
                let Some(item) = at.parse().ok().and_then(|at: usize| node.items().get(at)) else { break };
                (node, span, rest) = (item, item.span.clone(), after.trim_start_matches('.'));
            } else {
                // Names may have dots in them: the longest one that fits.
                let fits = |name: &str| rest.strip_prefix(name).filter(|after| after.is_empty() || after.starts_with(['.', '[']));
                let found = node.members().iter().filter_map(|(key, value)| Some((key, value, fits(&key.text)?)));
                let Some((key, value, after)) = found.min_by_key(|(_, _, after)| after.len()) else { break };
                span = if value.is_scalar() { value.span.clone() } else { key.span.clone() };
                (node, rest) = (value, after.trim_start_matches('.'));
            }
        }
        span
    }

    /// Where the name of the member at `path` stands.
    #[must_use]
    pub fn key_span_at(&self, path: &str) -> Range<usize> {
        let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
        let entry = self.find(parent).and_then(|node| node.entry(name));
        entry.map_or_else(|| self.span_at(path), |(key, _)| key.span.clone())
    }

    /// The node at a path whose names have no dots.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&Self> {
        let mut pieces = path.split(['.', '[']).filter(|piece| !piece.is_empty());
        pieces.try_fold(self, |node, piece| match piece.strip_suffix(']') {
            Some(at) => node.items().get(at.parse::<usize>().ok()?),
            None => node.member(piece),
        })
    }

    pub(super) fn is_scalar(&self) -> bool {
        !matches!(self.kind, Kind::List(_) | Kind::Map(_))
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let read = Spanned::<Kind>::deserialize(from)?;
        let mut span = range(&read.referenced);
        if let Kind::Map(members) = &read.value
            && let Some((first, _)) = members.first()
        {
            span = first.span.clone();
        }
        if let Kind::List(_) = &read.value {
            span = span.start..span.start + 1;
        }
        Ok(Self { span, kind: read.value })
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(KindVisitor)
    }
}

struct KindVisitor;

impl<'de> Visitor<'de> for KindVisitor {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_none<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Kind, D::Error> {
        Kind::deserialize(from)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Kind, E> {
        Ok(Kind::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Kind, E> {
        Ok(Kind::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Kind, E> {
        Ok(Kind::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Kind, E> {
        // JSON has no infinities; they stay what was written, more or less.
        Ok(Number::from_f64(value).map_or_else(|| Kind::Text(value.to_string()), Kind::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Kind, E> {
        Ok(Kind::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Kind, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element()? {
            items.push(item);
        }
        Ok(Kind::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Kind, A::Error> {
        let mut members = Vec::new();
        while let Some((key, value)) = from.next_entry::<Spanned<String>, Node>()? {
            members.push((Key { span: range(&key.referenced), text: key.value }, value));
        }
        Ok(Kind::Map(members))
    }
}

fn range(place: &Location) -> Range<usize> {
    let start = place.span().byte_offset().and_then(|at| usize::try_from(at).ok()).unwrap_or(0);
    let length = place.span().byte_len().and_then(|length| usize::try_from(length).ok()).unwrap_or(1);
    start..start + length.max(1)
}

/// The reader's complaint in our own words.
fn not_yaml(text: &str, error: &Error) -> Diagnostic {
    let error = error.without_snippet();
    let span = error.location().map_or(text.len()..text.len(), |place| {
        // The scanner's complaints have no bytes, but they have a line and a column.
        let line: usize = text.split_inclusive('\n').take(usize::try_from(place.line()).unwrap_or(1).saturating_sub(1)).map(str::len).sum();
        let columns = usize::try_from(place.column()).unwrap_or(1).saturating_sub(1);
        let start = line + text[line..].chars().take(columns).map(char::len_utf8).sum::<usize>();
        start..start + range(&place).len()
    });
    match error {
        Error::DuplicateMappingKey { key, .. } => {
            let name = key.as_deref().map_or_else(|| "a member".to_owned(), |name| format!("`{name}`"));
            Diagnostic::new(span, format!("{name} stands here twice")).with_hint("keep one of them")
        }
        Error::Eof { .. } => Diagnostic::new(span, "the file ends too early"),
        Error::MultipleDocuments { .. } => {
            Diagnostic::new(span, "a second document begins here").with_hint("one file holds one document; take the `---` away")
        }
        Error::UnknownAnchor { .. } => {
            Diagnostic::new(span, "this alias refers to nothing").with_hint("text that begins with `*` goes in quotes")
        }
        Error::Budget { .. } => Diagnostic::new(span, "this is nested too deep, or too long, to be read"),
        Error::RecursiveReferencesRequireWeakTypes { .. } => Diagnostic::new(span, "this alias is inside of what it stands for"),
        other => Diagnostic::new(span, format!("this is not YAML: {}", bare(&other.to_string()))),
    }
}

/// A complaint without its place, on one line.
fn bare(complaint: &str) -> String {
    let line = complaint.lines().find(|line| !line.trim().is_empty()).unwrap_or("it cannot be read").trim();
    let line = line.strip_prefix("error:").unwrap_or(line).trim();
    let cut = [" at line ", " at byte "].iter().filter_map(|mark| line.find(mark)).min().unwrap_or(line.len());
    line[..cut].trim_end_matches(['.', ',', ':']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Tree {
        Tree::read("test.yaml", text).expect("the test writes YAML")
    }

    /// Scalars have their own place, lists and maps that of their name, and names may have dots in them.
    #[test]
    fn paths_lead_to_places() {
        let text = "a: [{b: 1}, {b: 'two'}]\nd.e: {f.g: [x, y]}\n";
        let tree = tree(text);
        for (path, found) in [("a[1].b", "'two'"), ("a", "a"), ("d.e.f.g[1]", "y"), ("d.e.f.g", "f.g"), ("a[1].c", "b"), ("a[7]", "a")] {
            assert_eq!(&text[tree.span_at(path)], found, "{path}");
        }
        assert_eq!(&text[tree.root.key_span_at("a[0].b")], "b");
        assert_eq!(tree.line_of(&tree.span_at("d.e")), 2);
    }

    /// Maps are merged, lists and scalars replaced, and a null takes away.
    #[test]
    fn one_tree_is_laid_over_another() {
        let mut below = tree("{a: {b: 1, c: 2, d: [1, 2]}, e: 3}").root;
        below.lay_over(&tree("{a: {b: ~, d: [3]}, e: {f: 4}, g: ~}").root);
        assert_eq!(below.to_json().to_string(), r#"{"a":{"c":2,"d":[3]},"e":{"f":4}}"#);
    }

    /// Only `true` and `false` are truth values: `on` and `no` are words.
    #[test]
    fn words_stay_words() {
        assert_eq!(tree("[on, no, yes, true, ~, 1, 1.5, '1']").to_json().to_string(), r#"["on","no","yes",true,null,1,1.5,"1"]"#);
    }
}
