//! What stands in the database against what should.

use serde_json::Value;

use super::answer::within;
use super::{Breach, Record, Records};
use crate::clock::{UnixMicros, iso};
use crate::contract::Contract;
use crate::contract::tables::{StateTables, Table};
use crate::reference::answering::body_member;
use crate::scenario::expect::{RowCheck, StateCheck, TableName};
use crate::state::{Cell, Counts, ReceiverState, Row, TableShape};

/// What was found at one look.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// The rows of the scenario's deliveries (or all rows, when a check asks for them).
    pub state: ReceiverState,
    /// How many rows each whole table has.
    pub counts: Counts,
    /// The tables as the database declares them.
    pub tables: Vec<TableShape>,
}

/// Holds a look against a check.
#[must_use]
pub fn judge(contract: &Contract, check: &StateCheck, look: &Look, records: &Records, ttl: Option<u64>) -> Vec<Breach> {
    let Some(tables) = &contract.state else { return Vec::new() };
    let mut breaches = Vec::new();
    for one in &check.keys {
        breaches.extend(row_check(&tables.keys, &look.state.keys, one, records, ttl));
    }
    for one in &check.audit {
        breaches.extend(row_check(&tables.audit, &look.state.audit, one, records, ttl));
    }
    if let Some(grown) = &check.grown
        && let Some(earlier) = records.counts.get(&grown.since)
    {
        breaches.extend(growth(&tables.keys, grown.keys, look.counts.keys_grown_since(earlier)));
        breaches.extend(growth(&tables.audit, grown.audit, look.counts.audit - earlier.audit));
    }
    if let Some(unchanged) = &check.unchanged
        && let Some(before) = records.looks.get(&unchanged.since)
    {
        for name in &unchanged.rows_for {
            for key in records.all(name) {
                breaches.extend(same_rows(&tables.keys, &before.keys, &look.state.keys, key));
                breaches.extend(same_rows(&tables.audit, &before.audit, &look.state.audit, key));
            }
        }
    }
    for name in &check.schema {
        let table = match name {
            TableName::Keys => &tables.keys,
            TableName::Audit => &tables.audit,
        };
        breaches.extend(shape(table, &look.tables));
    }
    if check.every_key_has_evidence {
        breaches.extend(evidence(tables, &look.state));
    }
    if check.every_life_can_be_told {
        breaches.extend(lives(tables, &look.state));
    }
    if !check.instants_never_go_back.is_empty() {
        breaches.extend(order(&tables.audit, &look.state.audit, &check.instants_never_go_back, records));
    }
    breaches
}

/// The value by which a table finds the rows of a delivery.
#[must_use]
pub fn found_by(table: &Table, record: &Record) -> Option<String> {
    promised_row(table, record).text(&table.found_by).map(str::to_owned)
}

/// The row that a delivery should have left; its instant and TTL are not known here.
#[must_use]
pub fn promised_row(table: &Table, record: &Record) -> Row {
    table.row(&|name| match name {
        "key" => Some(record.key.clone()),
        "sha256" => Some(record.sha256.clone()),
        other => other.strip_prefix("body:").and_then(|names| names.split('|').find_map(|n| body_member(&record.delivery.body, n))),
    })
}

fn rows_of<'r>(table: &Table, rows: &'r [Row], record: &Record) -> Vec<&'r Row> {
    let Some(value) = found_by(table, record) else { return Vec::new() };
    rows.iter().filter(|row| row.text(&table.found_by) == Some(value.as_str()) && table.is_ours(row)).collect()
}

fn row_check(table: &Table, rows: &[Row], check: &RowCheck, records: &Records, ttl: Option<u64>) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for record in records.all(&check.rows_for) {
        // A burst has many deliveries of one key: its rows are judged once.
        if seen.contains(&record.key.as_str()) && table.column_holding("key").is_some() {
            continue;
        }
        seen.push(&record.key);
        let found = rows_of(table, rows, record);
        if let Some(count) = check.count
            && found.len() != count
        {
            let expected = format!("{count} row{} in {} for key {:?}", plural(count), table.table, record.key);
            let shown = found.iter().take(4).map(|row| format!("; {row}")).collect::<String>();
            breaches.push(Breach::must(expected, format!("{} row{}{shown}", found.len(), plural(found.len()))));
            continue;
        }
        let Some(newest) = found.iter().max_by_key(|row| row.text(&table.instant).and_then(iso::read).map(|(at, _)| at)) else {
            continue;
        };
        breaches.extend(cells(table, newest, check, record, records, ttl));
    }
    breaches
}

fn cells(table: &Table, row: &Row, check: &RowCheck, record: &Record, records: &Records, ttl: Option<u64>) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut wrong = |column: &str, wanted: String| {
        let found = row.get(column).map_or_else(|| "no such column".to_owned(), ToString::to_string);
        breaches.push(Breach::must(format!("{}.{column} = {wanted}", table.table), format!("{column} = {found}")));
    };
    if check.as_promised {
        let promised = promised_row(table, record);
        for column in table.columns.iter().filter(|column| column.name != table.instant) {
            let is_ttl = column.holds.as_ref().is_some_and(|holds| holds.is_only("ttl"));
            let wanted = if is_ttl { ttl_cell(ttl) } else { promised.get(&column.name).cloned().unwrap_or(Cell::Null) };
            if row.get(&column.name) != Some(&wanted) {
                wrong(&column.name, wanted.to_string());
            }
        }
    }
    let by_role = check.holds.iter().filter_map(|(placeholder, wanted)| Some((&table.column_holding(placeholder)?.name, wanted)));
    for (column, wanted) in check.columns.iter().chain(by_role) {
        let wanted = match wanted {
            Value::String(word) if word == "ttl" => ttl_cell(ttl),
            Value::String(text) => Cell::Text(records.fill(text)),
            Value::Number(number) => number.as_i64().map_or(Cell::Null, Cell::Integer),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Cell::Null,
        };
        if row.get(column) != Some(&wanted) {
            wrong(column, wanted.to_string());
        }
    }
    let instant = row.text(&table.instant);
    if let Some(referring) = check.referred_to_by.as_ref().and_then(|name| records.one(name))
        && referring.refers_to.as_deref() != instant
    {
        wrong(&table.instant, format!("{:?}, as the duplicate's answer says", referring.refers_to.as_deref().unwrap_or("nothing")));
    }
    if let Some(about) = check.written_at.as_ref().and_then(|name| records.one(name)) {
        let fits = instant.and_then(read_contract_instant).is_some_and(|at| within(at, about));
        if !fits {
            wrong(&table.instant, format!("{:?}, give or take 5 s", iso::write(about.sent_at)));
        }
    }
    breaches
}

/// An instant in UTC: text with an offset of its own is another promise than the contract's.
fn read_contract_instant(text: &str) -> Option<UnixMicros> {
    iso::read(text).filter(|(_, form)| matches!(form.zone.as_str(), "" | "Z" | "+00:00")).map(|(at, _)| at)
}

fn ttl_cell(ttl: Option<u64>) -> Cell {
    ttl.and_then(|ttl| i64::try_from(ttl).ok()).map_or(Cell::Null, Cell::Integer)
}

fn growth(table: &Table, wanted: Option<i64>, grown: i64) -> Option<Breach> {
    let wanted = wanted.filter(|wanted| *wanted != grown)?;
    Some(Breach::must(format!("{wanted} more rows in {}", table.table), format!("{grown} more rows")))
}

fn same_rows(table: &Table, before: &[Row], now: &[Row], record: &Record) -> Option<Breach> {
    let (was, is) = (rows_of(table, before, record), rows_of(table, now, record));
    let show = |rows: &[&Row]| rows.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    (was != is).then(|| {
        Breach::must(format!("{}: still {}", table.table, show(&was)), if is.is_empty() { "no row".to_owned() } else { show(&is) })
    })
}

fn shape(table: &Table, found: &[TableShape]) -> Vec<Breach> {
    let wanted = table.shape();
    let Some(found) = found.iter().find(|one| one.table == wanted.table) else {
        return vec![Breach::must(format!("a table {}", wanted.table), "no such table")];
    };
    let mut breaches = Vec::new();
    for column in &wanted.columns {
        let is = found.columns.iter().find(|one| one.name == column.name);
        if is.is_none_or(|is| !same_column(is, column)) {
            let observed = is.map_or_else(|| format!("no column {}", column.name), ToString::to_string);
            breaches.push(Breach::must(format!("{}: column {column}", wanted.table), observed));
        }
    }
    breaches
}

/// A primary key is not null by itself; saying so again is free.
fn same_column(is: &crate::state::ColumnShape, wanted: &crate::state::ColumnShape) -> bool {
    let bare = |default: &Option<String>| default.as_ref().map(|text| text.trim_matches(['\'', '(', ')', ' ']).to_owned());
    is.kind == wanted.kind
        && is.primary_key == wanted.primary_key
        && bare(&is.default) == bare(&wanted.default)
        && (is.not_null == wanted.not_null || wanted.primary_key > 0)
}

fn evidence(tables: &StateTables, state: &ReceiverState) -> Vec<Breach> {
    let Some(column) = tables.audit.column_holding("key") else { return Vec::new() };
    let lone = state
        .keys
        .iter()
        .filter_map(|row| row.text(&tables.keys.found_by))
        .filter(|key| !state.audit.iter().any(|row| row.text(&column.name) == Some(key)));
    lone.take(3).map(|key| Breach::must(format!("an audit row with {} = {key:?}", column.name), "a key row without one")).collect()
}

fn lives(tables: &StateTables, state: &ReceiverState) -> Vec<Breach> {
    let Some(ttl) = tables.keys.column_holding("ttl") else { return Vec::new() };
    let told = |row: &&Row| {
        row.get(&ttl.name).and_then(Cell::integer).is_some_and(|ttl| ttl > 0)
            && row.text(&tables.keys.instant).and_then(iso::read).is_some()
    };
    let expected = format!("{} a time and {} a positive whole number", tables.keys.instant, ttl.name);
    state.keys.iter().filter(|row| !told(row)).take(3).map(|row| Breach::must(expected.clone(), row.to_string())).collect()
}

/// Instants of the named deliveries, in the order in which they were accepted one after the other.
fn order(table: &Table, rows: &[Row], names: &[String], records: &Records) -> Vec<Breach> {
    let instants: Vec<(String, UnixMicros)> = names
        .iter()
        .flat_map(|name| records.all(name))
        .filter_map(|record| rows_of(table, rows, record).last().and_then(|row| row.text(&table.instant)))
        .filter_map(|text| iso::read(text).map(|(at, _)| (text.to_owned(), at)))
        .collect();
    let backwards = instants.windows(2).filter(|pair| pair[1].1 < pair[0].1);
    backwards.take(1).map(|pair| Breach::must(format!("{} not before {}", table.instant, pair[0].0), pair[1].0.clone())).collect()
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
