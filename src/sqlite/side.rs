//! The side table `hookgate_first`: what the contract's own tables cannot tell.
//!
//! One row an identity that lives: its key, its instant, its life (`begins` is
//! moved where time is moved, the instant is not), the first body's hash and
//! fingerprint, the first answer where it is kept, and which row of the
//! contract's key table it has written. Where that table does not tell which
//! deliveries are known, this one does.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::sql::{keys_that_tell, quoted};
use crate::clock::iso;
use crate::contract::Contract;
use crate::delivery::{Answer, HeaderLine};
use crate::reference::store::{Acceptance, First};

const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS hookgate_first (identity TEXT PRIMARY KEY, key TEXT NOT NULL, ts TEXT NOT NULL, begins TEXT NOT NULL,
    ttl INTEGER, sha256 TEXT NOT NULL, fingerprint TEXT NOT NULL, status INTEGER, headers TEXT, body BLOB, key_row INTEGER)";
/// A table of an earlier version knew keys alone.
const OF_KEYS: &str = "SELECT count(*) > 0 AND sum(name = 'identity') = 0 FROM pragma_table_info('hookgate_first')";

/// Makes the table, or brings it to its present form.
pub(super) fn make(connection: &Connection, contract: &Contract) -> rusqlite::Result<()> {
    let is_old: bool = connection.query_row(OF_KEYS, [], |row| row.get(0))?;
    if is_old {
        connection.execute_batch(&format!(
            "BEGIN; ALTER TABLE hookgate_first RENAME TO hookgate_first_of_keys; {TABLE};
             INSERT INTO hookgate_first (identity, key, ts, begins, ttl, sha256, fingerprint, status, headers, body)
             SELECT key, key, ts, ts, ttl, sha256, sha256, status, headers, body FROM hookgate_first_of_keys;
             DROP TABLE hookgate_first_of_keys; COMMIT"
        ))?;
    }
    connection.execute_batch(TABLE)?;
    let keys = contract.state.as_ref().and_then(|tables| tables.keys.as_ref());
    let Some(keys) = keys.filter(|_| keys_that_tell(contract).is_none()) else { return Ok(()) };
    connection.execute_batch(
        "CREATE INDEX IF NOT EXISTS hookgate_first_by_key ON hookgate_first (key);
         CREATE INDEX IF NOT EXISTS hookgate_first_by_row ON hookgate_first (key_row)",
    )?;
    let Some(instant) = keys.instant() else { return Ok(()) };
    // Who moves the time of a key row, as `--clock rewind` does, moves what belongs to it.
    let (table, instant) = (quoted(&keys.table), quoted(instant));
    let secs = |row: &str| format!("CAST(strftime('%s', substr({row}.{instant}, 1, 19)) AS INTEGER)");
    let by = format!("({} - {}) || ' seconds'", secs("NEW"), secs("OLD"));
    let which =
        if keys.has_one_row_a_key() { "key = (SELECT key FROM hookgate_first WHERE key_row = OLD.rowid)" } else { "key_row = OLD.rowid" };
    connection.execute_batch(&format!(
        "CREATE TRIGGER hookgate_moved AFTER UPDATE OF {instant} ON {table} BEGIN
         UPDATE hookgate_first SET begins = coalesce(strftime('%Y-%m-%dT%H:%M:%S', substr(begins, 1, 19), {by}) || substr(begins, 20), begins)
         WHERE {which}; END"
    ))
}

/// Keeps what is known of an accepted delivery.
///
/// * `key_row`: the row of the contract's key table that was written for it.
pub(super) fn put(connection: &Connection, acceptance: &Acceptance, key_row: Option<i64>) -> rusqlite::Result<()> {
    if let Some(number) = key_row {
        // The number of a row that is gone may be given again.
        connection.prepare_cached("UPDATE hookgate_first SET key_row = NULL WHERE key_row = ?1")?.execute(params![number])?;
    }
    let sql = "INSERT OR REPLACE INTO hookgate_first (identity, key, ts, begins, ttl, sha256, fingerprint, status, headers, body, key_row)
               VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let (key, answer) = (&acceptance.key, acceptance.answer.as_ref());
    connection.prepare_cached(sql)?.execute(params![
        key.identity,
        key.key,
        iso::write(key.ts),
        key.ttl.and_then(|ttl| i64::try_from(ttl).ok()),
        acceptance.sha256,
        acceptance.fingerprint,
        answer.map(|answer| answer.status),
        answer.map(|answer| headers_text(&answer.headers)),
        answer.map(|answer| answer.body.to_vec()),
        key_row,
    ])?;
    Ok(())
}

/// What is known of the first delivery of an identity.
pub(super) fn first(connection: &Connection, identity: &str) -> rusqlite::Result<Option<First>> {
    let sql = "SELECT ts, sha256, fingerprint, status, headers, body FROM hookgate_first WHERE identity = ?1";
    let mut find = connection.prepare_cached(sql)?;
    let found = find.query_row(params![identity], |row| {
        let ts: String = row.get(0)?;
        let status: Option<u16> = row.get(3)?;
        let headers: Option<String> = row.get(4)?;
        let body: Option<Vec<u8>> = row.get(5)?;
        let answer = status.map(|status| Answer {
            status,
            headers: headers_from(&headers.unwrap_or_default()),
            body: body.unwrap_or_default().into(),
        });
        let ts = iso::read(&ts).map(|(at, _)| at).unwrap_or_default();
        Ok(First { ts, sha256: row.get(1)?, fingerprint: row.get(2)?, answer })
    });
    found.optional()
}

/// Moves everything that is known of `key` back, with the key rows that belong to it.
pub(super) fn rewind(connection: &Connection, contract: &Contract, key: &str, by: Duration) -> rusqlite::Result<()> {
    let mut find = connection.prepare_cached("SELECT identity, begins, key_row FROM hookgate_first WHERE key = ?1")?;
    let found = find.query_map(params![key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let all: Vec<(String, String, Option<i64>)> = found.collect::<rusqlite::Result<_>>()?;
    let keys = contract.state.as_ref().and_then(|tables| tables.keys.as_ref());
    let moved = |ts: &str| iso::write(iso::read(ts).map(|(at, _)| at).unwrap_or_default().minus(by));
    if let Some((keys, instant)) = keys.and_then(|keys| Some((keys, keys.instant()?))) {
        let sql = format!("UPDATE {} SET {} = ?2 WHERE rowid = ?1", quoted(&keys.table), quoted(instant));
        for (_, ts, row) in &all {
            connection.prepare_cached(&sql)?.execute(params![row, moved(ts)])?;
        }
    }
    // Last, and to the instant: what the trigger has moved with a row is not moved twice.
    for (identity, ts, _) in &all {
        connection.prepare_cached("UPDATE hookgate_first SET begins = ?2 WHERE identity = ?1")?.execute(params![identity, moved(ts)])?;
    }
    Ok(())
}

fn headers_text(headers: &[HeaderLine]) -> String {
    headers.iter().map(|line| format!("{}: {}\n", line.name, String::from_utf8_lossy(&line.value))).collect()
}

fn headers_from(text: &str) -> Vec<HeaderLine> {
    text.lines().filter_map(|line| line.split_once(": ")).map(|(name, value)| HeaderLine::new(name.to_owned(), value.to_owned())).collect()
}
