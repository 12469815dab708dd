//! The table `hookgate_effects`: how often the work of each key was done; only where a contract counts effects.

use rusqlite::{Connection, OptionalExtension as _, params};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS hookgate_effects (key TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID";
const NOTE: &str = "INSERT INTO hookgate_effects VALUES (?1, 1) ON CONFLICT (key) DO UPDATE SET count = count + 1";

/// Makes the table.
pub(super) fn make(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(TABLE)
}

/// The work of `key` was done once more.
pub(super) fn note(connection: &Connection, key: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(NOTE)?.execute(params![key]).map(drop)
}

/// How often it was.
pub(super) fn of(connection: &Connection, key: &str) -> rusqlite::Result<u64> {
    let mut find = connection.prepare_cached("SELECT count FROM hookgate_effects WHERE key = ?1")?;
    let count: Option<i64> = find.query_row(params![key], |row| row.get(0)).optional()?;
    Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
}
