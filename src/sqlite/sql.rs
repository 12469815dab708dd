//! The SQL of the reference's store, made from the contract's tables.
//!
//! Takes a contract, gives text; nothing is executed here. Columns are found by
//! what they hold. Names go in quotation marks, values are bound later.

use crate::contract::tables::Table;
use crate::contract::{Contract, Fingerprint};
use crate::state::ColumnShape;

/// When a key of our own table ends.
pub(super) const OWN_EXPIRY: &str = "datetime(begins, '+' || ttl || ' seconds')";

/// The statements, made once from the contract.
pub(super) struct Sql {
    /// Remove what has ended at `?1`.
    pub(super) clean_up: Vec<String>,
    /// The instant and the TTL of the identity `?1`.
    pub(super) find: String,
    pub(super) newest_audit_of_key: Option<String>,
    pub(super) put_key: Option<String>,
    pub(super) put_audit: Option<String>,
    /// Where the contract's own table tells which keys live: move the instant of key `?1` to `?2`.
    pub(super) rewind: Option<String>,
    pub(super) has_side_table: bool,
}

impl Sql {
    /// The statements of a contract.
    pub(super) fn of(contract: &Contract) -> Self {
        let own = keys_that_tell(contract);
        let (keys, audit) = contract.state.as_ref().map_or((None, None), |tables| (tables.keys.as_ref(), tables.audit.as_ref()));
        let has_side_table = own.is_none() || newest_audit_statement(audit).is_none() || !audit_is_enough(contract);
        let (find, rewind) = match own {
            None => ("SELECT begins, ttl FROM hookgate_first WHERE identity = ?1".to_owned(), None),
            Some(own) => {
                let ttl = own.ttl.map_or_else(|| "NULL".to_owned(), quoted);
                let (table, key, instant) = (quoted(&own.table.table), quoted(own.key), quoted(own.instant));
                (
                    format!("SELECT {instant}, {ttl} FROM {table} WHERE {key} = ?1"),
                    Some(format!("UPDATE {table} SET {instant} = ?2 WHERE {key} = ?1")),
                )
            }
        };
        let mut clean_up = Vec::new();
        if contract.ttl.is_some() {
            let ended = format!("{OWN_EXPIRY} < datetime(?1)");
            clean_up.extend(match (own, keys) {
                (Some(own), _) => {
                    expiry_expression(own.table).map(|end| format!("DELETE FROM {} WHERE {end} < datetime(?1)", quoted(&own.table.table)))
                }
                (None, keys) => keys.map(|table| {
                    format!("DELETE FROM {} WHERE rowid IN (SELECT key_row FROM hookgate_first WHERE {ended})", quoted(&table.table))
                }),
            });
            clean_up.extend(has_side_table.then(|| format!("DELETE FROM hookgate_first WHERE {ended}")));
        }
        Self {
            clean_up,
            find,
            newest_audit_of_key: newest_audit_statement(audit),
            put_key: keys.map(|table| insert_statement(table, "INSERT OR REPLACE")),
            put_audit: audit.map(|table| insert_statement(table, "INSERT")),
            rewind,
            has_side_table,
        }
    }
}

/// A table of keys that tells by itself which deliveries are known, and how long.
#[derive(Clone, Copy)]
pub(super) struct Telling<'c> {
    pub(super) table: &'c Table,
    key: &'c str,
    instant: &'c str,
    ttl: Option<&'c str>,
}

/// The contract's table of keys, where it tells by itself which deliveries are known; otherwise our own table does.
pub(super) fn keys_that_tell(contract: &Contract) -> Option<Telling<'_>> {
    let table = contract.state.as_ref()?.keys.as_ref().filter(|_| contract.key_alone_identifies())?;
    let (key, instant) = (table.column_holding("key")?, table.instant()?);
    let ttl = table.column_holding("ttl").map(|column| column.name.as_str());
    // A row that takes another's place must be of the same key.
    let keeps_others = key.primary_key > 0 || table.columns.iter().all(|column| column.primary_key == 0);
    (keeps_others && (ttl.is_some() || contract.ttl.is_none())).then_some(Telling { table, key: &key.name, instant, ttl })
}

/// Whether audit rows say everything that is asked of a first delivery.
fn audit_is_enough(contract: &Contract) -> bool {
    !contract.keeps_answers() && contract.fingerprint != Some(Fingerprint::Json)
}

fn newest_audit_statement(audit: Option<&Table>) -> Option<String> {
    let table = audit?;
    let (key, sha256, instant) = (table.column_holding("key")?, table.column_holding("sha256")?, quoted(table.instant()?));
    let (key, sha256, name) = (quoted(&key.name), quoted(&sha256.name), quoted(&table.table));
    Some(format!("SELECT {instant}, {sha256} FROM {name} WHERE {key} = ?1 ORDER BY {instant} DESC LIMIT 1"))
}

/// When a key ends, as SQL: the seed's own expression, a NULL TTL read as the default.
pub(super) fn expiry_expression(keys: &Table) -> Option<String> {
    let (ttl, instant) = (keys.column_holding("ttl")?, keys.instant()?);
    let seconds = match &ttl.default {
        Some(default) => format!("COALESCE({}, {default})", quoted(&ttl.name)),
        None => quoted(&ttl.name),
    };
    Some(format!("datetime({}, '+' || {seconds} || ' seconds')", quoted(instant)))
}

/// The order in which a table's rows were written.
pub(super) fn order_of(table: &Table, direction: &str) -> String {
    let instant = table.instant().map_or_else(String::new, |instant| format!("{} {direction}, ", quoted(instant)));
    format!("ORDER BY {instant}rowid {direction}")
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
