//! From a scenario's text to scenarios: one a file, or one for every row of its `for_each`.
//!
//! Takes text and what it may refer to, gives checked scenarios or every
//! mistake at once. A row's values are put into the tree before it is
//! decoded, so that a row may give anything: a number, a word, a list.
//!
//! Start at [`load`].

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::LazyLock;

use serde_json::Value;

use crate::scenario::Scenario;
use crate::scenario::lint::{Known, lint};
use crate::yaml::diagnostic::{Diagnostic, Diagnostics, hint, listed};
use crate::yaml::name::variant_mistake;
use crate::yaml::tree::{Key, Kind, Node, Tree};
use crate::yaml::{self, Decoded};

static SCHEMA: LazyLock<Value> = LazyLock::new(yaml::schema_of::<Scenario>);

/// More rows than this are no table that somebody reads; each is a scenario of its own.
const MOST_ROWS: usize = 500;
/// What the rows of a file are filled with, all together: a value may stand in any number of places.
const MOST_FILLED: usize = 16 << 20; // bytes

/// A scenario that is ready to be played.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// `topic/name`, or `topic/name[variant]`.
    pub id: String,
    /// The file, as people should see it.
    pub file: String,
    /// The row of the file's `for_each` that this is.
    pub variant: Option<String>,
    /// The scenario, without `for_each`.
    pub scenario: Scenario,
}

/// Reads a scenario's text.
///
/// * `id`: `topic/name`.
/// * `file`: the file's name, as people should see it.
///
/// # Errors
/// Every mistake of the file; one that only some rows have says which.
pub fn load(id: &str, file: &str, text: &str, against: &Known) -> Result<Vec<Loaded>, Diagnostics> {
    let tree = Tree::read(file, text)?;
    let refuse = |diagnostics| Err(Diagnostics::new(file, text, diagnostics));
    let (at, table) = match find_table(&tree.root) {
        Ok(Some(found)) => found,
        Ok(None) => {
            let Checked { scenario, diagnostics, .. } = check(&tree, against);
            let loaded = |scenario| Loaded { id: id.to_owned(), file: file.to_owned(), variant: None, scenario };
            return match scenario {
                Some(scenario) if diagnostics.is_empty() => Ok(vec![loaded(scenario)]),
                Some(_) | None => refuse(diagnostics),
            };
        }
        Err(diagnostics) => return refuse(diagnostics),
    };
    let (mut scenarios, mut found, mut used, mut filled) = (Vec::new(), Vec::new(), BTreeSet::new(), 0);
    let without = without_step(&tree, at);
    for (name, row) in table.rows {
        let mut row = Row { members: row, used: &mut used, filled: &mut filled, diagnostics: Vec::new() };
        let steps: Vec<Node> = table.steps.items().iter().map(|step| row.filled(step)).collect();
        let mut diagnostics = row.diagnostics;
        let scenario_name = id.rsplit('/').next().unwrap_or(id);
        diagnostics.extend(variant_mistake(&name.text, scenario_name).map(|wrong| Diagnostic::new(name.span.clone(), wrong)));
        let Checked { scenario, diagnostics: more, whole } = check(&with_steps(&without, at, steps), against);
        diagnostics.extend(more);
        found.push(Told { row: name.text.as_str(), diagnostics, whole });
        scenarios.extend(scenario.map(|scenario| Loaded {
            id: format!("{id}[{}]", name.text),
            file: file.to_owned(),
            variant: Some(name.text.clone()),
            scenario,
        }));
    }
    let mut diagnostics = told_once(&found);
    for (key, _) in table.rows.iter().flat_map(|(_, row)| row.members()) {
        if used.insert(key.text.clone()) {
            diagnostics.push(Diagnostic::new(key.span.clone(), format!("no step uses `${}`", key.text)));
        }
    }
    if diagnostics.is_empty() { Ok(scenarios) } else { refuse(diagnostics) }
}

/// The `for_each` of a scenario.
struct Table<'t> {
    rows: &'t [(Key, Node)],
    steps: &'t Node,
}

/// Finds the one `for_each` and the number of its step.
fn find_table(root: &Node) -> Result<Option<(usize, Table<'_>)>, Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    let steps = root.member("steps").map_or(&[][..], Node::items);
    let mut found = steps.iter().enumerate().filter_map(|(at, step)| Some((at, step, step.entry("for_each")?)));
    let first = found.next();
    for (_, _, (key, _)) in found {
        diagnostics.push(Diagnostic::new(key.span.clone(), "a scenario has one `for_each`").with_hint("make a scenario of each"));
    }
    for step in steps {
        let inner = step.members().iter().filter_map(|(_, value)| value.member("steps"));
        for span in inner.flat_map(Node::items).flat_map(hidden_tables) {
            diagnostics.push(Diagnostic::new(span, "`for_each` stands among the scenario's own steps, not inside another block"));
        }
    }
    let Some((at, step, (key, table))) = first else {
        return if diagnostics.is_empty() { Ok(None) } else { Err(diagnostics) };
    };
    for (other, _) in step.members().iter().filter(|(other, _)| other.text != "for_each") {
        let message = format!("`{}` does not go with `for_each`", other.text);
        diagnostics.push(Diagnostic::new(other.span.clone(), message).with_hint("put it into the steps inside"));
    }
    const MEMBERS: [&str; 2] = ["variants", "steps"];
    for (other, _) in table.members().iter().filter(|(other, _)| !MEMBERS.contains(&other.text.as_str())) {
        let message = format!("unknown member `{}` of `for_each`", other.text);
        diagnostics.push(Diagnostic { span: other.span.clone(), message, hint: hint(&other.text, "known members", &MEMBERS) });
    }
    match (table.member("variants"), table.member("steps")) {
        (Some(variants), Some(steps)) if !variants.members().is_empty() && !steps.items().is_empty() => {
            for (name, row) in variants.members().iter().filter(|(_, row)| !matches!(row.kind, Kind::Map(_))) {
                let message = format!("the row `{}` takes members", name.text);
                diagnostics.push(Diagnostic::new(row.span.clone(), message).with_hint(format!("write {}: {{name: value}}", name.text)));
            }
            let rows = variants.members();
            if let Some((name, _)) = rows.get(MOST_ROWS) {
                let message = format!("a `for_each` has at most {MOST_ROWS} rows, this one has {}", rows.len());
                diagnostics.push(Diagnostic::new(name.span.clone(), message).with_hint("make several scenarios of it"));
            }
            if diagnostics.is_empty() { Ok(Some((at, Table { rows, steps }))) } else { Err(diagnostics) }
        }
        (_, _) => {
            let diagnostic = Diagnostic::new(key.span.clone(), "`for_each` takes `variants`, rows by name, and `steps`, a list");
            diagnostics.push(diagnostic.with_hint("{variants: {one: {word: a}, other: {word: b}}, steps: […]}"));
            Err(diagnostics)
        }
    }
}

fn hidden_tables(step: &Node) -> Vec<Range<usize>> {
    let own = step.entry("for_each").map(|(key, _)| key.span.clone());
    let inner = step.members().iter().filter_map(|(_, value)| value.member("steps"));
    own.into_iter().chain(inner.flat_map(Node::items).flat_map(hidden_tables)).collect()
}

/// One row, and what came of putting it in.
struct Row<'r> {
    members: &'r Node,
    used: &'r mut BTreeSet<String>,
    /// How much has been filled in, by this row and those before it.
    filled: &'r mut usize,
    diagnostics: Vec<Diagnostic>,
}

impl Row<'_> {
    /// The node with the row's values in it, every one at the place of its `$name`.
    fn filled(&mut self, node: &Node) -> Node {
        let kind = match &node.kind {
            Kind::Text(text) => self.filled_text(text, node),
            Kind::List(items) => Kind::List(items.iter().map(|item| self.filled(item)).collect()),
            Kind::Map(members) => Kind::Map(members.iter().map(|(key, value)| (key.clone(), self.filled(value))).collect()),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) => node.kind.clone(),
        };
        Node { span: node.span.clone(), kind }
    }

    fn filled_text(&mut self, text: &str, node: &Node) -> Kind {
        if let Some(name) = text.strip_prefix('$').filter(|name| !name.is_empty() && word_length(name) == name.len()) {
            return match self.value(name, node) {
                Some(value) => {
                    let mut value = value.clone();
                    value.move_to(&node.span);
                    value.kind
                }
                None => Kind::Text(text.to_owned()),
            };
        }
        let (mut filled, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once('$') {
            filled.push_str(before);
            let length = word_length(after);
            let (name, behind) = after.split_at(length);
            rest = behind;
            if let Some(behind) = after.strip_prefix('$') {
                filled.push('$');
                rest = behind;
            } else if length == 0 {
                filled.push('$');
            } else {
                match self.value(name, node).map(Node::to_json) {
                    Some(Value::String(text)) => filled.push_str(&text),
                    Some(other) => filled.push_str(&other.to_string()),
                    None => {}
                }
            }
        }
        filled.push_str(rest);
        Kind::Text(filled)
    }

    fn value(&mut self, name: &str, at: &Node) -> Option<&Node> {
        self.used.insert(name.to_owned());
        let value = self.members.member(name);
        *self.filled += value.map_or(0, size);
        if *self.filled > MOST_FILLED {
            let message = format!("the rows fill in more than {} MiB", MOST_FILLED >> 20);
            self.diagnostics.push(Diagnostic::new(at.span.clone(), message).with_hint("a long body goes into a file of its own"));
            return None;
        }
        if value.is_none() {
            let known: Vec<&str> = self.members.members().iter().map(|(key, _)| key.text.as_str()).collect();
            let message = format!("`${name}` stands for nothing in the row");
            let way_out = hint(name, "the row has", &known).or_else(|| Some("a dollar sign that is meant is written `$$`".to_owned()));
            self.diagnostics.push(Diagnostic { span: at.span.clone(), message, hint: way_out });
        }
        value
    }
}

/// How many bytes of the start of `text` are a name: letters, digits, `_`; no digit first.
fn word_length(text: &str) -> usize {
    let length = text.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    if text.starts_with(|c: char| c.is_ascii_digit()) { 0 } else { length }
}

/// About how many bytes a value takes.
fn size(node: &Node) -> usize {
    const OF_ITSELF: usize = size_of::<Node>();
    OF_ITSELF
        + match &node.kind {
            Kind::Null | Kind::Bool(_) | Kind::Number(_) => 0,
            Kind::Text(text) => text.len(),
            Kind::List(items) => items.iter().map(size).sum(),
            Kind::Map(members) => members.iter().map(|(key, value)| key.text.len() + size(value)).sum(),
        }
}

/// The tree with `steps` before the step number `at`.
fn with_steps(tree: &Tree, at: usize, steps: Vec<Node>) -> Tree {
    let mut tree = tree.clone();
    if let Kind::Map(members) = &mut tree.root.kind
        && let Some((_, Node { kind: Kind::List(items), .. })) = members.iter_mut().find(|(key, _)| key.text == "steps")
    {
        items.splice(at..at, steps);
    }
    tree
}

/// The tree without the step number `at`.
fn without_step(tree: &Tree, at: usize) -> Tree {
    let mut tree = tree.clone();
    if let Kind::Map(members) = &mut tree.root.kind
        && let Some((_, Node { kind: Kind::List(items), .. })) = members.iter_mut().find(|(key, _)| key.text == "steps")
    {
        items.remove(at);
    }
    tree
}

/// What came of checking one tree.
struct Checked {
    scenario: Option<Scenario>,
    diagnostics: Vec<Diagnostic>,
    /// Nothing is wrong with its shape, so that everything else was looked at.
    whole: bool,
}

/// The scenario of a tree without `for_each`, and everything that is wrong with it.
fn check(tree: &Tree, against: &Known) -> Checked {
    let Decoded { value, mut diagnostics, rest } = yaml::decode::<Scenario>(&SCHEMA, tree);
    if let Some(scenario) = &value {
        let whole = diagnostics.is_empty();
        let findings = lint(scenario, against).into_iter().filter(|finding| whole || !finding.may_follow());
        yaml::add_diagnostics(&mut diagnostics, findings.map(|finding| finding.place(&rest)));
        return Checked { scenario: value, diagnostics, whole };
    }
    Checked { scenario: None, diagnostics, whole: false }
}

/// What was told of one row.
struct Told<'r> {
    row: &'r str,
    diagnostics: Vec<Diagnostic>,
    whole: bool,
}

/// Each mistake once; one that not every row has says whose it is.
fn told_once(found: &[Told<'_>]) -> Vec<Diagnostic> {
    let mut told: Vec<(Diagnostic, Vec<usize>)> = Vec::new();
    let mut places: HashMap<(Range<usize>, &str), usize> = HashMap::new();
    for (row, one) in found.iter().enumerate() {
        for diagnostic in &one.diagnostics {
            let at = *places.entry((diagnostic.span.clone(), diagnostic.message.as_str())).or_insert(told.len());
            match told.get_mut(at) {
                Some((_, rows)) => rows.push(row),
                None => told.push((diagnostic.clone(), vec![row])),
            }
        }
    }
    let whole: Vec<usize> = (0..found.len()).filter(|row| found[*row].whole).collect();
    let name = |(diagnostic, rows): (Diagnostic, Vec<usize>)| {
        // Rows that are wrong in shape were not asked everything.
        let told_by_all = rows.len() == found.len() || (!whole.is_empty() && whole.iter().all(|row| rows.binary_search(row).is_ok()));
        if told_by_all {
            return diagnostic;
        }
        let message = format!("{} (variant {})", diagnostic.message, listed(rows.iter().map(|row| format!("`{}`", found[*row].row))));
        Diagnostic { message, ..diagnostic }
    };
    told.into_iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::expect::Expect;
    use crate::scenario::requirement::Catalogue;

    const TABLE: &str = "\
title: Rows
shows: [R-1]
steps:
  - deliver: {as: first}
    expect: accepted
  - for_each:
      variants:
        short: {length: 1, reason: signature, text: 'a$length$$'}
        long: {length: 200, reason: empty-key, text: b}
      steps:
        - deliver: {key_length: $length, raw: 'is $text, $length; costs $$5 or $ 5'}
          expect: {refused: $reason}
  - deliver: {key_of: first, body_of: first}
    expect: {duplicate_of: first}
";

    fn loaded() -> Vec<Loaded> {
        let catalogue = "{suite: x, ordinary_body: b, capabilities: {}, topics: {}, \
                         requirements: [{id: R-1, level: must, sentence: s, source: s}]}";
        let catalogue = Catalogue::read("requirements.yaml", catalogue).expect("it has no mistake");
        load("topic/name", "rows.yaml", TABLE, &Known::new(&catalogue, [])).expect("it has no mistake")
    }

    /// A row's values keep their kind where they stand alone, become text inside of text, and are not filled in again.
    #[test]
    fn each_row_becomes_a_scenario_of_its_own() {
        let told: Vec<String> = loaded()
            .iter()
            .map(|one| {
                let deliver = one.scenario.steps[1].deliver.as_ref().expect("the second step delivers");
                let Some(Expect::Refused(why)) = &one.scenario.steps[1].expect else { return "no refusal".to_owned() };
                format!("{} {:?} {:?} {}", one.id, deliver.key_length, deliver.raw.as_deref().unwrap_or_default(), why.name())
            })
            .collect();
        assert_eq!(
            told,
            [
                r#"topic/name[short] Some(1) "is a$length$$, 1; costs $5 or $ 5" signature"#,
                r#"topic/name[long] Some(200) "is b, 200; costs $5 or $ 5" empty-key"#,
            ]
        );
    }

    /// Findings point at the line of the file, also behind and inside of a table.
    #[test]
    fn every_step_knows_its_line() {
        for one in loaded() {
            assert_eq!(one.scenario.steps.iter().map(|step| step.line).collect::<Vec<_>>(), [4, 11, 13], "{}", one.id);
        }
    }
}
