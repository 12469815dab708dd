//! The SQL of the reference's store, made from the contract's tables.
//!
//! Takes a contract, gives text; nothing is executed here. Names go in
//! quotation marks, values are bound later.

use crate::contract::Contract;
use crate::contract::tables::Table;
use crate::state::ColumnShape;

/// When a key of our own table ends.
pub(super) const OWN_EXPIRY: &str = "datetime(ts, '+' || ttl || ' seconds')";

/// The statements, made once from the contract.
pub(super) struct Sql {
    pub(super) clean_up: Option<String>,
    pub(super) find_key: String,
    pub(super) newest_audit_of_key: Option<String>,
    pub(super) put_key: Option<String>,
    pub(super) put_audit: Option<String>,
    pub(super) rewind: String,
}

impl Sql {
    /// The statements of a contract.
    pub(super) fn of(contract: &Contract) -> Self {
        let Some(tables) = &contract.state else {
            return Self {
                clean_up: Some(format!("DELETE FROM hookgate_first WHERE {OWN_EXPIRY} < datetime(?1)")),
                find_key: "SELECT ts, ttl FROM hookgate_first WHERE key = ?1".to_owned(),
                newest_audit_of_key: None,
                put_key: None,
                put_audit: None,
                rewind: "UPDATE hookgate_first SET ts = ?2 WHERE key = ?1".to_owned(),
            };
        };
        let (keys, audit) = (&tables.keys, &tables.audit);
        let name = |table: &Table, placeholder: &str| table.column_holding(placeholder).map(|column| quoted(&column.name));
        let key_table = quoted(&keys.table);
        let clean_up = expiry_expression(keys).map(|end| format!("DELETE FROM {key_table} WHERE {end} < datetime(?1)"));
        let ttl = name(keys, "ttl").unwrap_or_else(|| "NULL".to_owned());
        let found_by = quoted(&keys.found_by);
        let newest = match (name(audit, "key"), name(audit, "sha256")) {
            (Some(key), Some(sha256)) => Some(format!(
                "SELECT {instant}, {sha256} FROM {table} WHERE {key} = ?1 ORDER BY {instant} DESC LIMIT 1",
                instant = quoted(&audit.instant),
                table = quoted(&audit.table)
            )),
            (_, _) => None,
        };
        Self {
            clean_up,
            find_key: format!("SELECT {}, {ttl} FROM {key_table} WHERE {found_by} = ?1", quoted(&keys.instant)),
            newest_audit_of_key: newest,
            put_key: Some(insert_statement(keys, "INSERT OR REPLACE")),
            put_audit: Some(insert_statement(audit, "INSERT")),
            rewind: format!("UPDATE {key_table} SET {} = ?2 WHERE {found_by} = ?1", quoted(&keys.instant)),
        }
    }
}

/// Whether the contract's own tables cannot tell what a duplicate's answer needs.
pub(super) fn needs_side_table(contract: &Contract) -> bool {
    let told_by_audit = contract.state.as_ref().is_some_and(|tables| tables.audit.column_holding("key").is_some());
    !told_by_audit || contract.keeps_answers() || !contract.key_alone_identifies()
}

/// When a key ends, as SQL: the seed's own expression, a NULL TTL read as the default.
pub(super) fn expiry_expression(keys: &Table) -> Option<String> {
    let ttl = keys.column_holding("ttl")?;
    let seconds = match &ttl.default {
        Some(default) => format!("COALESCE({}, {default})", quoted(&ttl.name)),
        None => quoted(&ttl.name),
    };
    Some(format!("datetime({}, '+' || {seconds} || ' seconds')", quoted(&keys.instant)))
}

/// The statement that makes a table, when it is not there.
pub(super) fn create_statement(table: &Table) -> String {
    let shape = table.shape();
    let mut parts: Vec<String> = shape.columns.iter().map(declaration).collect();
    let mut key: Vec<&ColumnShape> = shape.columns.iter().filter(|column| column.primary_key > 0).collect();
    key.sort_by_key(|column| column.primary_key);
    if !key.is_empty() {
        parts.push(format!("PRIMARY KEY ({})", key.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ")));
    }
    format!("CREATE TABLE IF NOT EXISTS {} ({})", quoted(&table.table), parts.join(", "))
}

/// A column's declaration.
pub(super) fn declaration(column: &ColumnShape) -> String {
    let not_null = if column.not_null { " NOT NULL" } else { "" };
    let default = column.default.as_ref().map_or_else(String::new, |default| format!(" DEFAULT {default}"));
    format!("{} {}{not_null}{default}", quoted(&column.name), column.kind)
}

fn insert_statement(table: &Table, how: &str) -> String {
    let columns: Vec<String> = table.columns.iter().map(|column| quoted(&column.name)).collect();
    let marks: Vec<String> = (1..=columns.len()).map(|at| format!("?{at}")).collect();
    format!("{how} INTO {} ({}) VALUES ({})", quoted(&table.table), columns.join(", "), marks.join(", "))
}

/// An identifier in quotation marks.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
