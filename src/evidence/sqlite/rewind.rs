//! Moving time back in a target's rows: the one write that hookgate does.
//!
//! Only key rows whose keys the caller names are touched, only their instant,
//! and each is written in the form it was found in, so that the receiver reads
//! it as it reads its own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, params};

use super::copy::{self, Copied};
use crate::clock::span;
use crate::contract::tables::Table;
use crate::evidence::cells;
use crate::state::Cell;

/// So often rows are read anew that a receiver has written meanwhile.
const MOST_TRIES: usize = 20;

/// Why time could not be moved.
#[derive(Debug, thiserror::Error)]
pub enum RewindError {
    /// The database cannot be written.
    #[error("cannot move times in the database {}: {cause} (--clock rewind needs it writable)", path.display())]
    CannotWrite {
        /// The path.
        path: PathBuf,
        /// What SQLite said.
        cause: String,
    },
    /// Somebody else held the database too long.
    #[error(
        "cannot move times in the database {}: somebody else, most likely the target, held it locked for {} (where it keeps its database for itself, as with PRAGMA locking_mode = EXCLUSIVE, --clock faketime or wait let time pass)",
        path.display(),
        span::write(*after)
    )]
    Busy {
        /// The path.
        path: PathBuf,
        /// How long was waited.
        after: Duration,
    },
    /// A row's instant cannot be read, so it cannot be moved.
    #[error("cannot move the time of key {key:?}: {found} is not a time that is known here")]
    NotATime {
        /// The key.
        key: String,
        /// What stands there.
        found: String,
    },
}

/// Moves the instants of the rows of `keys` by `by` into the past; says how many rows were moved.
///
/// Keys without a row are passed over: there is nothing of them to expire. The
/// database is locked for as long as a statement a row takes: what to write is
/// known before, and a row that is no longer as it was read is read again.
///
/// # Errors
/// [`RewindError`]; then no row was moved.
pub fn rewind(path: &Path, table: &Table, keys: &[String], by: Duration, busy: Duration) -> Result<usize, RewindError> {
    let (Some(key), Some(instant)) = (table.column_holding("key"), table.instant()) else { return Ok(0) };
    let why = |cause| why(path, busy, &cause);
    let (name, instant, key) = (quoted(&table.table), quoted(instant), quoted(&key.name));
    let find = format!("SELECT DISTINCT {instant} FROM {name} WHERE {key} IN (?1, CAST(?1 AS BLOB))");
    let put = format!("UPDATE {name} SET {instant} = ?3 WHERE {key} IN (?1, CAST(?1 AS BLOB)) AND {instant} IS ?2");
    let mut connection = opened(path, busy).map_err(why)?;
    for _ in 0..MOST_TRIES {
        let mut changes: Vec<(&String, Value, Value)> = Vec::new();
        let copy = match copy::of(path, busy) {
            Copied::Whole(copy) => Some(copy),
            Copied::NotHere | Copied::Busy => None,
        };
        for one in keys {
            for found in instants(copy.as_ref().unwrap_or(&connection), &find, one).map_err(why)? {
                let earlier = moved_back(&found, by).ok_or_else(|| RewindError::NotATime { key: one.clone(), found: in_words(&found) })?;
                changes.push((one, found, earlier));
            }
        }
        if changes.is_empty() {
            return Ok(0);
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(why)?;
        let (mut moved, mut is_as_read) = (0, true);
        for (one, found, earlier) in changes {
            let rows = transaction.prepare_cached(&put).and_then(|mut put| put.execute(params![one, found, earlier])).map_err(why)?;
            (moved, is_as_read) = (moved + rows, is_as_read && rows > 0);
        }
        if is_as_read {
            transaction.commit().map_err(why)?;
            return Ok(moved);
        }
        transaction.rollback().map_err(why)?;
    }
    Err(RewindError::Busy { path: path.to_owned(), after: busy })
}

/// Sees that the database can be written: that nobody keeps it locked for as long as `busy`.
///
/// # Errors
/// [`RewindError`].
pub fn check_writable(path: &Path, busy: Duration) -> Result<(), RewindError> {
    let written = opened(path, busy).and_then(|mut connection| {
        // Whoever may lock it so may write; the lock is held for no longer than this takes.
        connection.transaction_with_behavior(TransactionBehavior::Immediate)?.rollback()
    });
    written.map_err(|cause| why(path, busy, &cause))
}

/// The database, to be written and left untidied: tidying up holds it locked for longer than writing does, and is the receiver's to do.
fn opened(path: &Path, busy: Duration) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(busy)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(connection)
}

fn why(path: &Path, busy: Duration, cause: &rusqlite::Error) -> RewindError {
    match cause.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => RewindError::Busy { path: path.to_owned(), after: busy },
        Some(_) | None => RewindError::CannotWrite { path: path.to_owned(), cause: cause.to_string() },
    }
}

fn instants(connection: &Connection, find: &str, key: &str) -> rusqlite::Result<Vec<Value>> {
    let mut find = connection.prepare_cached(find)?;
    find.query_map(params![key], |row| row.get(0))?.collect()
}

fn in_words(found: &Value) -> String {
    match found {
        Value::Text(text) => format!("{text:?}"),
        Value::Null => "NULL".to_owned(),
        Value::Integer(_) | Value::Real(_) | Value::Blob(_) => format!("{found:?}"),
    }
}

/// The same kind of value, `by` earlier.
fn moved_back(found: &Value, by: Duration) -> Option<Value> {
    let cell = match found {
        Value::Text(text) => Cell::Text(text.clone()),
        Value::Integer(number) => Cell::Integer(*number),
        Value::Real(number) => Cell::Real(*number),
        Value::Null | Value::Blob(_) => return None,
    };
    Some(match cells::moved_back(&cell, by)? {
        Cell::Text(text) => Value::Text(text),
        Cell::Integer(number) => Value::Integer(number),
        Cell::Real(number) => Value::Real(number),
        Cell::Null => Value::Null,
    })
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
