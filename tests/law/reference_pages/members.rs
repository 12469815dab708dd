//! Members of files that programs read and people write: reports and `hookgate.toml`, from their schemas.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Page, cell, page, project, table};

/// How deep members are told: what is deeper stands in the schema.
const DEEPEST: usize = 4;

/// A schema of the project.
fn schema(name: &str) -> Value {
    let text = std::fs::read_to_string(project(&format!("schema/{name}.json"))).expect("a schema");
    serde_json::from_str(&text).expect("JSON")
}

/// What a reference leads to.
fn followed<'s>(root: &'s Value, one: &'s Value) -> &'s Value {
    let of = |one: &'s Value| one["$ref"].as_str().and_then(|at| root.pointer(at.trim_start_matches('#')));
    let inner = one["anyOf"].as_array().and_then(|all| all.iter().find(|part| part["type"] != "null"));
    of(one).or_else(|| inner.map(|part| of(part).unwrap_or(part))).unwrap_or(one)
}

/// What a member may be, in a word.
fn kind(one: &Value) -> String {
    if let Some(words) = one["enum"].as_array() {
        return words.iter().filter_map(Value::as_str).map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    }
    let consts: Vec<String> =
        one["oneOf"].as_array().into_iter().flatten().filter_map(|part| part["const"].as_str()).map(|word| format!("`{word}`")).collect();
    if !consts.is_empty() {
        return consts.join(", ");
    }
    let name = |one: &Value| one.as_str().filter(|word| *word != "null").map(str::to_owned);
    match &one["type"] {
        Value::Array(all) => all.iter().filter_map(name).collect::<Vec<_>>().join(" or "),
        other => name(other).unwrap_or_default(),
    }
}

fn rows(root: &Value, at: &Value, path: &str, depth: usize, seen: &mut Vec<String>, rows_of: &mut Vec<Vec<String>>) {
    for (name, member) in at["properties"].as_object().into_iter().flatten() {
        let inner = followed(root, member);
        let list = inner["type"] == "array" || inner["type"].as_array().is_some_and(|all| all.iter().any(|one| one == "array"));
        let below = if list { followed(root, &inner["items"]) } else { inner };
        let full = format!("{path}{name}{}", if list { "[]" } else { "" });
        let about = member["description"].as_str().or_else(|| inner["description"].as_str()).unwrap_or_default();
        let kind = if list { format!("list of {}", kind(below)).trim_end_matches("of ").trim().to_owned() } else { kind(inner) };
        rows_of.push(vec![format!("`{full}`"), kind, cell(about)]);
        let key = below.to_string();
        if depth < DEEPEST && below["properties"].is_object() && !seen.contains(&key) {
            seen.push(key);
            rows(root, below, &format!("{full}."), depth + 1, seen, rows_of);
            seen.pop();
        }
    }
}

fn members(root: &Value) -> String {
    let mut found = Vec::new();
    rows(root, root, "", 1, &mut Vec::new(), &mut found);
    table(&["member", "form", "what it says"], found)
}

/// The pages of `report.json`, `load.json` and `hookgate.toml`.
pub(super) fn pages(pages: &mut Vec<Page>) {
    let mut text = "Members of the two reports are an interface: one is added, never renamed or taken away. Their schemas are \
                    `hookgate schema report` and `hookgate schema load`.\n"
        .to_owned();
    for (name, title) in [("report", "report.json"), ("load", "load.json")] {
        write!(text, "\n## {title}\n\n{}", members(&schema(name))).expect("a String takes it");
    }
    pages.push(("report-members.md".to_owned(), page("Members of reports", &text)));
    let head = "What may stand in `hookgate.toml` ([how it is found and what goes first](../project.md)). A member is named as its flag is, with `_`\n\
                for `-`. A profile has the same members again.\n\n";
    let without: String =
        members(&schema("config")).lines().filter(|line| !line.contains("`profile.")).map(|line| format!("{line}\n")).collect();
    pages.push(("settings.md".to_owned(), page("Members of hookgate.toml", &format!("{head}{without}"))));
}
