//! Counts: what a store's state comes to, as a gauge of live rows would tell it.

use crate::clock::{UnixMicros, iso};
use crate::contract::tables::StateTables;
use crate::state::{Cell, Counts, ReceiverState, Row};

/// How many rows of live keys and of the contract's events there are.
pub(super) fn counts(tables: &StateTables, state: &ReceiverState, now: UnixMicros, usual_ttl: Option<u64>) -> Counts {
    let keys = tables.keys.as_ref();
    let ttl = keys.and_then(|table| table.column_holding("ttl")).map(|column| column.name.clone());
    let end = |row: &Row| {
        let (at, _) = keys?.instant_in(row).and_then(iso::read)?;
        let own = ttl.as_ref().and_then(|name| row.get(name)).and_then(Cell::integer).and_then(|ttl| u64::try_from(ttl).ok());
        Some(at.secs().saturating_add_unsigned(own.or(usual_ttl)?))
    };
    let ends: Vec<i64> = state.keys.iter().filter_map(end).filter(|end| *end >= now.secs()).collect();
    let endless = state.keys.iter().filter(|row| end(row).is_none()).count();
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let audit = tables.audit.as_ref().map_or(0, |table| state.audit.iter().filter(|row| table.is_ours(row)).count());
    let after: Vec<UnixMicros> = ends.iter().map(|end| UnixMicros::from_secs(end.saturating_add(1))).collect();
    Counts { at: now, keys: count(ends.len() + endless), audit: count(audit), ends: after }
}
