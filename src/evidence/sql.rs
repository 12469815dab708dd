//! SQL: what the servers that speak it have in common.
//!
//! Columns as a server declares them, which of the contract's are there, and
//! lives as they are counted. Statements are each server's own.

use crate::clock::{UnixMicros, iso};
use crate::contract::tables::{StateTables, Table};
use crate::evidence::EvidenceError;
use crate::state::{Cell, ColumnShape, Counts, Row, TableShape};

/// Ends of lives are told for the hour that comes.
const SOON: i64 = 3_600;
/// So many keys are asked for in one statement.
pub(super) const ASKED_AT_ONCE: usize = 1_000;
/// So many rows are fetched at once.
pub(super) const FETCHED_AT_ONCE: i32 = 5_000;

/// One column as a server declares it.
#[derive(Clone, Debug, Default)]
pub(super) struct Declared {
    pub(super) shape: ColumnShape,
    /// What is in it.
    pub(super) kind: Kind,
}

/// What is in a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text of some kind.
    #[default]
    Text,
    /// Text that compares as such: an index on it is used.
    Words,
    /// Whole numbers.
    Whole,
    /// Numbers with a fraction.
    Number,
    /// Bytes.
    Bytes,
    /// A date and time without a zone.
    Local,
    /// An instant.
    Instant,
    /// A span of time.
    Span,
}

/// Sees that what rows are found by is there.
pub(super) fn see_columns(name: &str, table: &Table, there: &[Declared]) -> Result<(), EvidenceError> {
    let has = |column: &str| there.iter().any(|one| one.shape.name == column);
    let missing: Vec<&str> = std::iter::once(table.found_by()).chain(table.instant()).filter(|column| !has(column)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let all = there.iter().map(|one| one.shape.name.as_str()).collect::<Vec<_>>().join(", ");
    let (name, table) = (name.to_owned(), table.table.clone());
    Err(EvidenceError::NoColumn { name, table, missing: missing.join(", "), there: all })
}

/// A table's shape.
pub(super) fn shape(table: &Table, there: &[Declared]) -> TableShape {
    TableShape { table: table.table.clone(), columns: there.iter().map(|one| one.shape.clone()).collect() }
}

/// A number as text, in a cell.
pub(super) fn number(text: String) -> Cell {
    match text.parse::<i64>() {
        Ok(whole) => Cell::Integer(whole),
        Err(_) => text.parse::<f64>().map_or(Cell::Text(text), Cell::Real),
    }
}

/// Takes the life of one row of keys into the counts: a row whose life cannot be told never ends.
pub(super) fn count_life(counts: &mut Counts, instant: &Cell, ttl: &Cell) {
    let seconds = match ttl {
        Cell::Integer(seconds) => Some(*seconds),
        Cell::Real(seconds) => Some(*seconds as i64),
        Cell::Text(text) => text.parse().ok(),
        Cell::Null => None,
    };
    let begins = instant.text().and_then(iso::read).map(|(at, _)| at.secs());
    match begins.zip(seconds).map(|(at, seconds)| at.saturating_add(seconds)) {
        Some(end) if end < counts.at.secs() => {}
        Some(end) => {
            counts.keys += 1;
            counts.ends.extend((end <= counts.at.secs().saturating_add(SOON)).then_some(UnixMicros::from_secs(end.saturating_add(1))));
        }
        None => counts.keys += 1,
    }
}

/// The names of the columns that tell a key's life.
pub(super) fn life_columns(tables: &StateTables) -> Option<(&Table, &str, &str)> {
    let keys = tables.keys.as_ref()?;
    Some((keys, keys.instant()?, keys.column_holding("ttl")?.name.as_str()))
}

/// Rows of the contract, oldest first where they tell when they were written.
pub(super) fn in_order(table: &Table, mut rows: Vec<Row>) -> Vec<Row> {
    rows.retain(|row| table.is_ours(row));
    if table.instant().is_some() {
        rows.sort_by_key(|row| table.instant_in(row).and_then(iso::read).map_or(UnixMicros(i64::MIN), |(at, _)| at));
    }
    rows
}

/// The arithmetic that moves a column of numbers back by so many seconds, whatever its unit is.
pub(super) fn moved_number(column: &str, seconds: f64) -> String {
    let by = |units: f64| format!("{:.0}", seconds * units);
    format!(
        "{column} - (CASE WHEN abs({column}) < 1e11 THEN {} WHEN abs({column}) < 1e14 THEN {} WHEN abs({column}) < 1e17 THEN {} ELSE {} END)",
        by(1.0),
        by(1e3),
        by(1e6),
        by(1e9)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ended, ending within the hour, ending later, and never.
    #[test]
    fn lives_are_counted_while_they_last() {
        let mut counts = Counts { at: UnixMicros::from_secs(1_759_694_703), ..Counts::default() };
        let at = Cell::Text("2025-10-05T20:05:00Z".to_owned());
        for ttl in [Cell::Integer(2), Cell::Integer(3), Cell::Text("60".to_owned()), Cell::Integer(86_400), Cell::Null] {
            count_life(&mut counts, &at, &ttl);
        }
        assert_eq!((counts.keys, counts.ends), (4, [1_759_694_704, 1_759_694_761].map(UnixMicros::from_secs).to_vec()));
    }
}
