//! The table `hookgate_events`: the newest events of each stream; only where a contract has streams.
//!
//! An event is written in the transaction of its acceptance, and what it evicts goes with it.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::reference::streaming::{Logged, Page};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS hookgate_events
    (stream TEXT NOT NULL, id INTEGER NOT NULL, data TEXT NOT NULL, ends INTEGER NOT NULL, PRIMARY KEY (stream, id)) WITHOUT ROWID";
/// Ids of a stream rise, whatever the clock does.
const PUT: &str = "INSERT INTO hookgate_events VALUES
    (?1, max(?2, 1 + coalesce((SELECT max(id) FROM hookgate_events WHERE stream = ?1), 0)), ?3, ?4)";
const EVICT: &str = "DELETE FROM hookgate_events WHERE stream = ?1
    AND id <= (SELECT id FROM hookgate_events WHERE stream = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)";
const BEHIND: &str = "SELECT id, data, ends FROM hookgate_events WHERE stream = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
const NEWEST: &str = "SELECT id, data, ends FROM hookgate_events WHERE stream = ?1 ORDER BY id DESC LIMIT 1";
const OLDEST: &str = "SELECT (SELECT min(id) FROM hookgate_events WHERE stream = ?1),
    EXISTS (SELECT 1 FROM hookgate_events WHERE stream = ?1 AND id = ?2)";

/// Makes the table.
pub(super) fn make(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(TABLE)
}

/// Logs an event; of its stream, the newest `keeps` stay.
pub(super) fn put(connection: &Connection, event: &Logged, keeps: usize) -> rusqlite::Result<()> {
    connection.prepare_cached(PUT)?.execute(params![event.stream, event.id, event.data, event.ends])?;
    let keeps = i64::try_from(keeps).unwrap_or(i64::MAX);
    connection.prepare_cached(EVICT)?.execute(params![event.stream, keeps]).map(drop)
}

/// What is known of all streams together, seen from a place among their events; for a defect.
pub(super) fn behind_all(connection: &Connection, after: Option<i64>, most: usize) -> rusqlite::Result<Page> {
    const ALL: &str = "SELECT id, data, ends, stream FROM hookgate_events WHERE id > ?1 ORDER BY id LIMIT ?2";
    let logged = |row: &Row<'_>| Ok(Logged { id: row.get(0)?, stream: row.get(3)?, data: row.get(1)?, ends: row.get(2)? });
    let mut find = connection.prepare(ALL)?;
    let place = after.unwrap_or(i64::MIN);
    let mut events: Vec<Logged> = find.query_map(params![place, i64::MAX], logged)?.collect::<rusqlite::Result<_>>()?;
    let has_place =
        connection.query_row("SELECT EXISTS (SELECT 1 FROM hookgate_events WHERE id = ?1)", params![after], |row| row.get(0))?;
    let (oldest, newest) = (events.first().map(|event| event.id), events.last().cloned());
    events.truncate(most);
    Ok(Page { events, has_place, oldest, newest })
}

/// What is known of a stream, seen from a place in it.
pub(super) fn behind(connection: &Connection, stream: &str, after: Option<i64>, most: usize) -> rusqlite::Result<Page> {
    let logged = |row: &Row<'_>| Ok(Logged { id: row.get(0)?, stream: stream.to_owned(), data: row.get(1)?, ends: row.get(2)? });
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut find = connection.prepare_cached(BEHIND)?;
    let events = find.query_map(params![stream, after.unwrap_or(i64::MIN), most], logged)?.collect::<rusqlite::Result<_>>()?;
    let newest = connection.prepare_cached(NEWEST)?.query_row(params![stream], logged).optional()?;
    let (oldest, has_place) = connection.prepare_cached(OLDEST)?.query_row(params![stream, after], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Page { events, has_place, oldest, newest })
}
