//! Diagnostics of tables: what a schema cannot say of them.
//!
//! In: the tables of a contract. Out: for each mistake the member's path, what
//! is wrong, and the way out.

use super::{StateTables, Table};
use crate::contract::Contract;
use crate::yaml::diagnostic::hint;

/// A member's path, what is wrong there, and the way out.
type Wrong = (String, String, Option<String>);

impl StateTables {
    /// What is wrong with the tables of a contract.
    #[must_use]
    pub fn diagnostics(&self, contract: &Contract) -> Vec<Wrong> {
        let way_out = || Some("give `keys` or `audit`, or leave `state` out".to_owned());
        let neither = self.all().next().is_none().then(|| ("state".to_owned(), "this names no table".to_owned(), way_out()));
        let keys = self.keys.iter().flat_map(|table| of_table("state.keys", table));
        let audit = self.audit.iter().flat_map(|table| of_table("state.audit", table).into_iter().chain(loses_rows(table, contract)));
        neither.into_iter().chain(keys).chain(audit).collect()
    }
}

fn of_table(path: &str, table: &Table) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let columns: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let only = table.only.as_ref().map(|only| only.column.as_str());
    let named = [("found_by", table.found_by.as_deref()), ("instant", table.instant.as_deref()), ("only.column", only)];
    for (member, column) in named.into_iter().filter_map(|(member, column)| Some((member, column?))) {
        let message = match table.columns.iter().find(|one| one.name == column) {
            None => format!("the table `{}` has no column `{column}`", table.table),
            Some(found) if found.free && member != "only.column" => format!("anything may stand in the column `{column}`: it is free"),
            Some(_) => continue,
        };
        wrong.push((format!("{path}.{member}"), message, hint(column, "its columns", &columns)));
    }
    if table.found_by().is_empty() {
        let message = format!("nothing tells by which column the rows of the table `{}` are found", table.table);
        wrong.push((path.to_owned(), message, Some("let a column hold {key} or {sha256}, or name it with `found_by`".to_owned())));
    }
    for (at, column) in table.columns.iter().enumerate() {
        if columns[..at].contains(&column.name.as_str()) {
            let message = format!("the table `{}` has two columns `{}`", table.table, column.name);
            wrong.push((format!("{path}.columns[{at}].name"), message, None));
        }
        if column.not_null && column.holds.is_none() && !column.free {
            let message = format!("the column `{}` refuses NULL, and holds nothing", column.name);
            wrong.push((format!("{path}.columns[{at}].not_null"), message, Some("say what it `holds`, or that it is `free`".to_owned())));
        }
    }
    wrong
}

/// A primary key that two acceptances of one key, or two keys with one body, would share: the second row could not be written.
fn loses_rows(audit: &Table, contract: &Contract) -> Option<Wrong> {
    let primary = || audit.columns.iter().enumerate().filter(|(_, column)| column.primary_key > 0);
    let tells =
        |name: &str| primary().any(|(_, column)| column.holds.as_ref().is_some_and(|holds| holds.placeholders().any(|p| p == name)));
    let tells_acceptances = tells("ts") || primary().any(|(_, column)| column.free);
    let tells_keys = tells("key") && contract.ttl.is_none() && contract.key_alone_identifies() && contract.is_by_key();
    let (at, _) = primary().next().filter(|_| !tells_acceptances && !tells_keys)?;
    let message = "audit rows are only added, and two acceptances would have the same primary key".to_owned();
    let way_out = "let the column that holds {ts}, or a free one, be part of it".to_owned();
    Some((format!("state.audit.columns[{at}].primary_key"), message, Some(way_out)))
}

#[cfg(test)]
mod tests {
    use crate::contract::reading::read_contract;

    const WHOLE: &str = include_str!("../../../fixtures/contracts/orch-phase3.yaml");

    /// What is told of phase 3 with this `state` in its place.
    fn told(state: &str) -> String {
        let (before, rest) = WHOLE.split_once("\nstate:\n").unwrap_or((WHOLE, ""));
        let after = rest.split_once("\naudit_url").map_or("", |(_, after)| after);
        let text = format!("{before}\nstate:\n{state}\naudit_url{after}");
        read_contract("of-this-test", &text, &|_| None).map_or_else(|wrong| wrong.to_string(), |_| "no mistake".to_owned())
    }

    /// A line of the table: the tables, and what is told of them (nothing: they are right).
    #[test]
    fn tables_are_optional_and_free_in_name() {
        let key = r#"{name: k, type: TEXT, primary_key: 1, holds: "{key}"}"#;
        let hash = r#"{name: h, type: TEXT, holds: "{sha256}"}"#;
        let time = r#"{name: at, type: TEXT, primary_key: 1, holds: "{ts}"}"#;
        for (state, expected) in [
            (format!("  keys: {{table: t, columns: [{key}]}}"), ""),
            (format!("  audit: {{table: t, columns: [{hash}, {time}]}}"), ""),
            (format!("  audit: {{table: t, columns: [{hash}, {{name: id, type: TEXT, primary_key: 1, free: true}}]}}"), ""),
            (format!("  keys: {{table: t, columns: [{key}, {{name: x, type: TEXT, not_null: true, free: true}}]}}"), ""),
            ("  {}".to_owned(), "this names no table"),
            (format!("  keys: {{table: t, columns: [{time}]}}"), "nothing tells by which column the rows of the table `t` are found"),
            (format!("  keys: {{table: t, found_by: x, columns: [{key}]}}"), "the table `t` has no column `x`"),
            (
                format!("  keys: {{table: t, instant: x, columns: [{key}, {{name: x, type: TEXT, free: true}}]}}"),
                "anything may stand in the column `x`: it is free",
            ),
            (
                format!("  keys: {{table: t, columns: [{key}, {{name: x, type: TEXT, not_null: true}}]}}"),
                "the column `x` refuses NULL, and holds nothing",
            ),
            (format!("  audit: {{table: t, columns: [{key}]}}"), "audit rows are only added"),
            (r#"  keys: {table: t, columns: [{name: k, type: TEXT, holds: "{kei}"}]}"#.to_owned(), "unknown placeholder `{kei}`"),
        ] {
            let told = told(&state);
            let fits = if expected.is_empty() { told == "no mistake" } else { told.contains(expected) };
            assert!(fits, "{state}\n{told}");
        }
    }
}
