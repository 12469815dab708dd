//! Counts of rows in SQLite: keys that are live at a moment, and the contract's audit rows.

use rusqlite::{Connection, Row, params};

use super::quoted;
use crate::clock::{UnixMicros, iso};
use crate::contract::tables::{StateTables, Table};
use crate::state::Counts;

/// How many rows there are; expired keys are left out, and ends within the hour are told.
pub(super) fn counts(connection: &Connection, tables: &StateTables, now: UnixMicros) -> rusqlite::Result<Counts> {
    let mut counts = Counts { at: now, ..Counts::default() };
    if let Some(keys) = &tables.keys {
        count_keys(connection, keys, &mut counts)?;
    }
    if let Some(audit) = &tables.audit {
        let all = format!("SELECT count(*) FROM {}", quoted(&audit.table));
        counts.audit = match &audit.only {
            Some(only) => {
                connection.query_row(&format!("{all} WHERE {} = ?1", quoted(&only.column)), params![only.is], |row| row.get(0))?
            }
            None => connection.query_row(&all, [], |row| row.get(0))?,
        };
    }
    Ok(counts)
}

fn count_keys(connection: &Connection, keys: &Table, counts: &mut Counts) -> rusqlite::Result<()> {
    let (table, now) = (quoted(&keys.table), iso::write(counts.at));
    let all = format!("SELECT count(*) FROM {table}");
    let (Some(instant), Some(ttl)) = (keys.instant().map(quoted), keys.column_holding("ttl").map(|column| quoted(&column.name))) else {
        counts.keys = connection.query_row(&all, [], |row| row.get(0))?;
        return Ok(());
    };
    // A number is counted from the epoch: in seconds, ms, µs or ns, as its size tells.
    let unit = format!(
        "CASE WHEN abs({instant}) < 1e11 THEN 1 WHEN abs({instant}) < 1e14 THEN 1e3 WHEN abs({instant}) < 1e17 THEN 1e6 ELSE 1e9 END"
    );
    let after = format!("'+' || {ttl} || ' seconds'");
    let end = format!(
        "CASE WHEN typeof({instant}) IN ('integer', 'real') THEN datetime({instant} / ({unit}), 'unixepoch', {after}) ELSE datetime({instant}, {after}) END"
    );
    // A life that cannot be told never ends.
    let live = format!("{all} WHERE COALESCE({end} >= datetime(?1), 1)");
    counts.keys = connection.query_row(&live, params![now], |row| row.get(0))?;
    let soon = "datetime(?1, '+1 hour')";
    let ends = format!("SELECT CAST(strftime('%s', {end}) AS INTEGER) FROM {table} WHERE {end} BETWEEN datetime(?1) AND {soon}");
    let mut query = connection.prepare(&ends)?;
    // The last second of a life is lived to its end.
    let after = |row: &Row<'_>| Ok(UnixMicros::from_secs(row.get::<_, i64>(0)?.saturating_add(1)));
    counts.ends = query.query_map(params![now], after)?.collect::<rusqlite::Result<_>>()?;
    Ok(())
}
