//! Schemas: a document held against that of its type: names, kinds of values, words.
//!
//! Takes a tree and the JSON Schema of a Rust type (made by the type itself,
//! so that the two cannot disagree), gives every mistake at once, and what is
//! left of the tree without the members that are wrong: so that whoever
//! checks the meaning can go on. Knows the part of JSON Schema that schemars
//! writes, and no more.

use std::ops::Range;

use serde_json::Value;

use super::diagnostic::{Diagnostic, hint, listed, nearest, shown};
use super::tree::{Key, Kind, Node};

/// Holds `node` against `schema`; the mistakes, and what is right of the node.
#[must_use]
pub fn check(schema: &Value, node: &Node) -> (Vec<Diagnostic>, Node) {
    let mut checker = Checker { root: schema, diagnostics: Vec::new() };
    let whole = Subject { name: format!("the {}", words(schema["title"].as_str().unwrap_or("file"))), span: node.span.clone() };
    let rest = checker.node(schema, node, &whole).unwrap_or_else(|| Node { span: node.span.clone(), kind: Kind::Null });
    (checker.diagnostics, rest)
}

/// Text that every form of text accepts: a span of time, a template, a word.
pub(super) const STAND_IN_TEXT: &str = "1 s";
/// A number that is in every range: an HTTP status, a count.
const STAND_IN_NUMBER: u32 = 100;

struct Checker<'s> {
    root: &'s Value,
    diagnostics: Vec<Diagnostic>,
}

/// What is being judged, as a message names it, and where a caret points that cannot point at a scalar.
struct Subject {
    name: String,
    span: Range<usize>,
}

/// One way to be of an enum: a word, or a map with this one member.
enum Form<'s> {
    Word(&'s str),
    Member(&'s str, &'s Value),
}

impl<'s> Checker<'s> {
    fn complain(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Judges one node; `None` when nothing of it can be used.
    fn node(&mut self, schema: &'s Value, node: &Node, subject: &Subject) -> Option<Node> {
        let schema = self.resolved(schema);
        if accepts_all(schema) {
            return Some(node.clone());
        }
        if let Some(branches) = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array) {
            return self.one_of(branches, node, subject);
        }
        if let Some(words) = own_words(schema) {
            return self.word(&words.iter().map(|word| Form::Word(word)).collect::<Vec<_>>(), node, subject);
        }
        let types = types(schema);
        let fits = match &node.kind {
            Kind::Null => types.contains(&"null"),
            Kind::Bool(_) => types.contains(&"boolean"),
            Kind::Number(number) => types.contains(&"number") || (types.contains(&"integer") && !number.is_f64()),
            Kind::Text(_) => types.contains(&"string"),
            Kind::List(_) => types.contains(&"array"),
            Kind::Map(_) => types.contains(&"object"),
        };
        if !fits && !types.is_empty() {
            self.wrong_kind(schema, &types, node, subject);
            return None;
        }
        match &node.kind {
            Kind::Number(_) => self.in_range(schema, node, subject),
            Kind::List(items) => Some(Node { span: node.span.clone(), kind: Kind::List(self.items(schema, items, subject)) }),
            Kind::Map(members) => Some(Node { span: node.span.clone(), kind: Kind::Map(self.members(schema, members, node, subject)) }),
            Kind::Null | Kind::Bool(_) | Kind::Text(_) => Some(node.clone()),
        }
    }

    fn items(&mut self, schema: &'s Value, items: &[Node], subject: &Subject) -> Vec<Node> {
        let Some(of) = schema.get("items") else { return items.to_vec() };
        let name = match of["$ref"].as_str() {
            Some(reference) => with_article(&words(last_piece(reference))),
            None => format!("an item of {}", subject.name),
        };
        items.iter().filter_map(|item| self.node(of, item, &Subject { name: name.clone(), span: item.span.clone() })).collect()
    }

    fn members(&mut self, schema: &'s Value, members: &[(Key, Node)], node: &Node, subject: &Subject) -> Vec<(Key, Node)> {
        let properties = schema.get("properties").and_then(Value::as_object);
        let known: Vec<&str> = properties.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        let others = schema.get("additionalProperties");
        let mut kept = Vec::new();
        for (key, value) in members {
            let own = properties.and_then(|all| all.get(&key.text));
            let schema = match (own, others) {
                (Some(own), _) => own,
                (None, Some(Value::Bool(false))) => {
                    let message = format!("unknown member `{}` of {}", shown(&key.text), subject.name);
                    let hint = hint(&key.text, "known members", &known);
                    self.complain(Diagnostic { span: key.span.clone(), message, hint });
                    continue;
                }
                (None, Some(of)) => of,
                (None, None) => {
                    kept.push((key.clone(), value.clone()));
                    continue;
                }
            };
            let subject = Subject { name: format!("`{}`", shown(&key.text)), span: key.span.clone() };
            kept.extend(self.node(schema, value, &subject).map(|value| (key.clone(), value)));
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let required: Vec<&str> = required.collect();
        // A misspelt name has been complained of; that it is missing follows from it.
        let misspelt = |name: &str| {
            let near = |key: &Key| !known.contains(&key.text.as_str()) && nearest(&key.text, known.iter().copied()) == Some(name);
            members.iter().any(|(key, _)| near(key))
        };
        let missing = required.iter().filter(|name| node.member(name).is_none() && !misspelt(name));
        let missing: Vec<String> = missing.map(|name| format!("`{name}`")).collect();
        if let [_, more @ ..] = missing.as_slice() {
            let noun = if more.is_empty() { "member" } else { "members" };
            self.complain(Diagnostic::new(subject.span.clone(), format!("{} lacks the {noun} {}", subject.name, listed(&missing))));
        }
        for name in required {
            if !kept.iter().any(|(key, _)| key.text == name)
                && let Some(own) = properties.and_then(|all| all.get(name))
            {
                let span = node.entry(name).map_or_else(|| subject.span.clone(), |(_, value)| value.span.clone());
                kept.push((Key { text: name.to_owned(), span: span.clone() }, self.stand_in(own, &span)));
            }
        }
        kept
    }

    /// Something harmless of the right shape, so that the rest of the document can be judged.
    fn stand_in(&self, schema: &'s Value, span: &Range<usize>) -> Node {
        let schema = self.resolved(schema);
        let branches = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array);
        if let Some(first) = branches.and_then(|branches| branches.first()) {
            return self.stand_in(first, span);
        }
        let kind = match (own_words(schema).and_then(|words| words.first().copied()), types(schema).first()) {
            (Some(word), _) => Kind::Text(word.to_owned()),
            (None, Some(&"string")) => Kind::Text(STAND_IN_TEXT.to_owned()),
            (None, Some(&("integer" | "number"))) => Kind::Number(STAND_IN_NUMBER.into()),
            (None, Some(&"boolean")) => Kind::Bool(false),
            (None, Some(&"array")) => Kind::List(Vec::new()),
            (None, Some(&"object")) => {
                let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
                let member = |name: &str| {
                    let key = Key { text: name.to_owned(), span: span.clone() };
                    Some((key, self.stand_in(schema.get("properties")?.get(name)?, span)))
                };
                Kind::Map(required.filter_map(member).collect())
            }
            (None, _) => Kind::Null,
        };
        Node { span: span.clone(), kind }
    }

    /// One of several forms: an option, an enum, or anything.
    fn one_of(&mut self, branches: &'s [Value], node: &Node, subject: &Subject) -> Option<Node> {
        let branches: Vec<&'s Value> = branches.iter().map(|branch| self.resolved(branch)).collect();
        let nullable = branches.iter().any(|branch| types(branch) == ["null"]);
        let rest: Vec<&'s Value> = branches.into_iter().filter(|branch| types(branch) != ["null"]).collect();
        if nullable && node.kind == Kind::Null || rest.iter().any(|branch| accepts_all(branch)) {
            return Some(node.clone());
        }
        if let [only] = rest.as_slice() {
            return self.node(only, node, subject);
        }
        // A number beside words, as in `times: kept` or `times: 20`.
        let counts =
            |branch: &&&'s Value| own_words(branch).is_none() && types(branch).iter().any(|kind| matches!(*kind, "integer" | "number"));
        if let (Kind::Number(_), Some(number)) = (&node.kind, rest.iter().find(counts)) {
            return self.node(number, node, subject);
        }
        let mut forms = Vec::new();
        for branch in rest {
            if let Some(words) = own_words(branch) {
                forms.extend(words.into_iter().map(Form::Word));
            } else if let Some((name, schema)) = branch.get("properties").and_then(Value::as_object).and_then(|all| all.iter().next()) {
                forms.push(Form::Member(name, schema));
            }
        }
        self.word(&forms, node, subject)
    }

    /// A word out of a list, or a map of the one member that the word's value needs.
    fn word(&mut self, forms: &[Form<'s>], node: &Node, subject: &Subject) -> Option<Node> {
        let names: Vec<&str> = forms.iter().map(Form::name).collect();
        let at = node.span.clone();
        let (name, span, value) = match &node.kind {
            Kind::Text(text) => (text.as_str(), at, None),
            Kind::Map(members) if members.len() == 1 => (members[0].0.text.as_str(), members[0].0.span.clone(), Some(&members[0])),
            Kind::Map(members) if members.len() > 1 => {
                let found = listed(members.iter().map(|(key, _)| key.text.as_str()));
                let message = format!("{} takes one thing at a time, these are {}: {found}", subject.name, members.len());
                let way_out = names.contains(&"any_of").then(|| "what may be one or the other goes into a list under `any_of`".to_owned());
                self.complain(Diagnostic { span: members[1].0.span.clone(), message, hint: way_out });
                return None;
            }
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::List(_) | Kind::Map(_) => {
                let span = if node.is_scalar() { at } else { subject.span.clone() };
                let message = format!("{} takes a word, this is {}", subject.name, kind_word(node));
                self.complain(Diagnostic::new(span, message).with_hint(format!("expected one of: {}", listed(names))));
                return None;
            }
        };
        match (forms.iter().find(|form| form.name() == name), value) {
            (Some(Form::Word(_)), None) => Some(node.clone()),
            (Some(Form::Member(_, schema)), Some((key, value))) => {
                let inner = Subject { name: format!("`{name}`"), span: key.span.clone() };
                let value = self.node(schema, value, &inner)?;
                Some(Node { span: node.span.clone(), kind: Kind::Map(vec![(key.clone(), value)]) })
            }
            (Some(Form::Word(_)), Some(_)) => {
                self.complain(
                    Diagnostic::new(span, format!("`{name}` is a word without a value"))
                        .with_hint(format!("write {}: {name}", bare(&subject.name))),
                );
                None
            }
            (Some(Form::Member(_, _)), None) => {
                self.complain(
                    Diagnostic::new(span, format!("`{name}` takes a value"))
                        .with_hint(format!("write {}: {{{name}: …}}", bare(&subject.name))),
                );
                None
            }
            (None, _) => {
                let what = if value.is_some() { "member" } else { "word" };
                let message = format!("unknown {what} `{}` for {}", shown(name), subject.name);
                self.complain(Diagnostic { span, message, hint: hint(name, "expected one of", &names) });
                None
            }
        }
    }

    fn wrong_kind(&mut self, schema: &'s Value, types: &[&str], node: &Node, subject: &Subject) {
        let takes = kind_words(types);
        let raw = node.to_json();
        let mut spans = ["/$defs/Span", "/$defs/ThinkTime"].into_iter().filter_map(|place| self.root.pointer(place));
        let is_span = spans.any(|span| std::ptr::eq(span, schema));
        let way_out = match (&node.kind, types.iter().find(|kind| **kind != "null")) {
            (Kind::Number(_), _) if is_span => Some(format!("a span of time has a unit: {raw} s")),
            (Kind::Bool(_) | Kind::Number(_), Some(&"string")) => {
                Some(format!("text that looks like {} goes in quotes: \"{raw}\"", kind_word(node)))
            }
            (Kind::Text(text), Some(&"array")) => Some(format!("write [{}]", text.lines().next().unwrap_or_default())),
            (Kind::Number(_) | Kind::Bool(_), Some(&"array")) => Some(format!("write [{raw}]")),
            (Kind::Text(text), Some(&"integer" | &"number")) if text.parse::<f64>().is_ok() => Some(format!("write {text} without quotes")),
            (Kind::Text(text), Some(&"boolean")) => match text.to_lowercase().as_str() {
                "yes" | "on" | "y" | "true" => Some("write true".to_owned()),
                "no" | "off" | "n" | "false" => Some("write false".to_owned()),
                _ => None,
            },
            (_, Some(&"object")) => {
                let known: Vec<&str> =
                    schema.get("properties").and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.as_str()).collect();
                (!known.is_empty()).then(|| format!("known members: {}", listed(known)))
            }
            (_, _) => None,
        };
        let span = if node.is_scalar() { node.span.clone() } else { subject.span.clone() };
        let message = format!("{} takes {takes}, this is {}", subject.name, kind_word(node));
        self.complain(Diagnostic { span, message, hint: way_out });
    }

    fn in_range(&mut self, schema: &'s Value, node: &Node, subject: &Subject) -> Option<Node> {
        let Kind::Number(number) = &node.kind else { return Some(node.clone()) };
        let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
        let (least, most, value) = (bound("minimum"), bound("maximum"), number.as_f64().unwrap_or(0.0));
        if least.is_none_or(|least| value >= least) && most.is_none_or(|most| value <= most) {
            return Some(node.clone());
        }
        let range = match (least, most) {
            (Some(least), Some(most)) => format!("from {least} to {most}"),
            (Some(least), None) => format!("from {least} up"),
            (None, Some(most)) => format!("up to {most}"),
            (None, None) => return Some(node.clone()),
        };
        self.complain(Diagnostic::new(node.span.clone(), format!("{} takes numbers {range}, this is {number}", subject.name)));
        None
    }

    fn resolved(&self, schema: &'s Value) -> &'s Value {
        let mut schema = schema;
        // schemars never makes a ring of bare references.
        while let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            match self.root.pointer(reference.trim_start_matches('#')) {
                Some(target) => schema = target,
                None => break,
            }
        }
        schema
    }
}

impl<'s> Form<'s> {
    fn name(&self) -> &'s str {
        match self {
            Self::Word(name) | Self::Member(name, _) => name,
        }
    }
}

/// A schema without a demand: `true`, or an object of descriptions and defaults.
fn accepts_all(schema: &Value) -> bool {
    const DEMANDS: [&str; 7] = ["type", "anyOf", "oneOf", "enum", "const", "properties", "$ref"];
    schema.as_bool().unwrap_or(false) || schema.as_object().is_some_and(|all| DEMANDS.iter().all(|demand| !all.contains_key(*demand)))
}

fn own_words(schema: &Value) -> Option<Vec<&str>> {
    if let Some(word) = schema.get("const").and_then(Value::as_str) {
        return Some(vec![word]);
    }
    Some(schema.get("enum")?.as_array()?.iter().filter_map(Value::as_str).collect())
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        Some(_) | None => Vec::new(),
    }
}

fn kind_words(types: &[&str]) -> String {
    let word = |kind: &&str| match *kind {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "members",
        _ => "nothing",
    };
    types.iter().filter(|kind| **kind != "null").map(word).collect::<Vec<_>>().join(" or ")
}

fn kind_word(node: &Node) -> &'static str {
    match &node.kind {
        Kind::Null => "nothing",
        Kind::Bool(_) => "true or false",
        Kind::Number(number) if number.is_f64() => "a number with a fraction",
        Kind::Number(_) => "a number",
        Kind::Text(_) => "text",
        Kind::List(_) => "a list",
        Kind::Map(_) => "a map of members",
    }
}

/// `RowCheck` as words: `row check`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}

fn last_piece(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or(reference)
}

fn bare(name: &str) -> &str {
    name.trim_matches('`')
}
