//! What stands in the database against what should.

use serde_json::Value;

use super::answer::within;
use super::{Bindings, Mismatch};
use crate::clock::{UnixMicros, iso};
use crate::contract::Contract;
use crate::contract::tables::{Column, Table};
use crate::history::record::Record;
use crate::message::member_text;
use crate::outcome::mismatch::{Kind, MismatchCode};
use crate::scenario::expect::{Grown, RowCheck, StateCheck, TableName};
use crate::state::{Cell, Counts, ReceiverState, Row, TableShape};

/// What contracts call the two tables.
const KEYS: &str = "keys";
const AUDIT: &str = "audit";
/// What columns hold of a delivery.
const ROLES: [&str; 4] = ["key", "sha256", "ts", "ttl"];

/// What was found at one look.
#[derive(Clone, Debug, Default)]
pub struct Observation {
    /// The rows of the scenario's deliveries (or all rows, when a check asks for them).
    pub state: ReceiverState,
    /// How many rows each whole table has.
    pub counts: Counts,
    /// The tables as the database declares them.
    pub tables: Vec<TableShape>,
}

/// Why a check cannot be made under a contract: no table that it looks at is there, or one does not tell what it asks for.
///
/// Where a check counts rows of both tables and the contract has one of them, what stands there is looked at.
#[must_use]
pub fn cannot_be_seen(contract: &Contract, check: &StateCheck) -> Option<String> {
    let Some(tables) = &contract.state else { return Some("the contract does not say where state can be seen".to_owned()) };
    let (keys, audit) = (tables.keys.as_ref(), tables.audit.as_ref());
    let grown = |of: fn(&Grown) -> Option<i64>| check.grown.as_ref().is_some_and(|grown| of(grown).is_some());
    let (evidence, lives, order) = (check.every_key_has_evidence, check.every_life_can_be_told, !check.instants_never_go_back.is_empty());
    let counts_keys = !check.keys.is_empty() || grown(|grown| grown.keys);
    let counts_audit = !check.audit.is_empty() || grown(|grown| grown.audit);
    let asks_keys = evidence || lives || check.schema.contains(&TableName::Keys) || (counts_keys && !(counts_audit && audit.is_some()));
    let asks_audit = evidence || order || check.schema.contains(&TableName::Audit) || (counts_audit && !(counts_keys && keys.is_some()));
    let of = |table, checks, asked, member| rows_cannot_be_seen(table, checks, asked, member);
    let lacks = |table: Option<&Table>, asked: bool, held: &[&str], member: &str| {
        let table = table.filter(|_| asked)?;
        let missing = held.iter().find(|one| column_for(table, one).is_none())?;
        Some(format!("no column of the contract's `{member}` holds {{{missing}}}"))
    };
    of(keys, &check.keys, asks_keys, "state.keys")
        .or_else(|| of(audit, &check.audit, asks_audit, "state.audit"))
        .or_else(|| lacks(keys, evidence, &["key"], "state.keys"))
        .or_else(|| lacks(keys, lives, &["ts", "ttl"], "state.keys"))
        .or_else(|| lacks(audit, evidence, &["key"], "state.audit"))
        .or_else(|| lacks(audit, order, &["ts"], "state.audit"))
}

/// Why rows of one table cannot be looked at as these checks do.
fn rows_cannot_be_seen(table: Option<&Table>, checks: &[RowCheck], asked: bool, member: &str) -> Option<String> {
    let Some(table) = table else { return asked.then(|| format!("the contract names no table under `{member}`")) };
    let columns = || table.columns.iter().map(|column| &column.name);
    checks.iter().find_map(|one| {
        let dated = one.written_at.is_some() || one.referred_to_by.is_some();
        let holds = one.holds.as_ref();
        let held = [
            ("ts", dated),
            ("key", holds.is_some_and(|holds| holds.key.is_some())),
            ("sha256", holds.is_some_and(|holds| holds.sha256.is_some())),
            ("ttl", holds.is_some_and(|holds| holds.ttl.is_some())),
        ];
        let missing = held.into_iter().find(|(role, asked)| *asked && column_for(table, role).is_none());
        let unheld = missing.map(|(role, _)| format!("no column of the contract's `{member}` holds {{{role}}}"));
        let unnamed = || one.columns.keys().find(|name| !columns().any(|column| column == *name));
        unheld.or_else(|| unnamed().map(|name| format!("the contract's `{member}` has no column `{name}`")))
    })
}

/// The column that has a role.
fn column_for<'t>(table: &'t Table, role: &str) -> Option<&'t str> {
    if role == "ts" { table.instant() } else { table.column_holding(role).map(|column| column.name.as_str()) }
}

/// Holds a look against a check; what [`cannot_be_seen`] is passed over.
#[must_use]
pub fn judge(contract: &Contract, check: &StateCheck, look: &Observation, bindings: &Bindings, ttl: Option<u64>) -> Vec<Mismatch> {
    let Some(tables) = &contract.state else { return Vec::new() };
    let keys = tables.keys.as_ref().map(|table| Side { name: KEYS, table, rows: &look.state.keys, bindings, ttl });
    let audit = tables.audit.as_ref().map(|table| Side { name: AUDIT, table, rows: &look.state.audit, bindings, ttl });
    let mut mismatches = Vec::new();
    for (side, checks) in [(keys, &check.keys), (audit, &check.audit)] {
        for (side, one) in side.into_iter().flat_map(|side| checks.iter().map(move |one| (side, one))) {
            mismatches.extend(row_check(side, one));
        }
    }
    if let Some(grown) = &check.grown
        && let Some(earlier) = bindings.counts.get(&grown.since)
    {
        let audit_grown = look.counts.audit - earlier.audit;
        mismatches.extend(keys.and_then(|side| growth(side, grown.keys, &look.counts.keys_grown_since(earlier))));
        mismatches.extend(audit.and_then(|side| growth(side, grown.audit, &(audit_grown..=audit_grown))));
    }
    if let Some(unchanged) = &check.unchanged
        && let Some(before) = bindings.looks.get(&unchanged.since)
    {
        for key in unchanged.rows_for.iter().flat_map(|name| bindings.all(name)) {
            mismatches.extend(keys.and_then(|side| same_rows(side, &before.keys, key)));
            mismatches.extend(audit.and_then(|side| same_rows(side, &before.audit, key)));
        }
    }
    for name in &check.schema {
        let side = match name {
            TableName::Keys => keys,
            TableName::Audit => audit,
        };
        mismatches.extend(side.into_iter().flat_map(|side| shape(side, &look.tables)));
    }
    if let (true, Some(keys), Some(audit)) = (check.every_key_has_evidence, keys, audit) {
        mismatches.extend(evidence(keys, audit));
    }
    if let (true, Some(keys)) = (check.every_life_can_be_told, keys) {
        mismatches.extend(lives(keys));
    }
    if let (false, Some(audit)) = (check.instants_never_go_back.is_empty(), audit) {
        mismatches.extend(order(audit, &check.instants_never_go_back));
    }
    mismatches
}

/// One table as it was found, and what is known of those whose rows stand there.
#[derive(Clone, Copy)]
struct Side<'l> {
    /// Its member in contracts.
    name: &'static str,
    table: &'l Table,
    rows: &'l [Row],
    bindings: &'l Bindings,
    ttl: Option<u64>,
}

/// The value by which a table finds the rows of a delivery.
#[must_use]
pub fn found_by(table: &Table, record: &Record) -> Option<String> {
    promised_row(table, record).text(table.found_by()).map(str::to_owned)
}

/// The row that a delivery should have left: the cells of which the delivery alone tells what stands there.
#[must_use]
pub fn promised_row(table: &Table, record: &Record) -> Row {
    let cells = table.columns.iter().filter_map(|column| Some((column.name.clone(), promised_cell(column, record)?)));
    Row { columns: cells.collect() }
}

/// What a delivery should have left in a column; `None` where anything may stand, or where the delivery alone does not tell.
fn promised_cell(column: &Column, record: &Record) -> Option<Cell> {
    let untold = |name: &str| matches!(name, "ts" | "ttl" | "answer");
    if column.free || column.holds.as_ref().is_some_and(|holds| holds.placeholders().any(untold)) {
        return None;
    }
    let cell = column.cell(&|name| match name {
        "key" => Some(record.key.clone()),
        "sha256" => Some(record.sha256.clone()),
        other => other.strip_prefix("body:").and_then(|names| names.split('|').find_map(|n| member_text(&record.delivery.body, n))),
    });
    // Where NULL is refused, nobody has said what stands in its place.
    (cell != Cell::Null || !column.not_null).then_some(cell)
}

fn rows_of<'r>(table: &Table, rows: &'r [Row], record: &Record) -> Vec<&'r Row> {
    let Some(value) = found_by(table, record) else { return Vec::new() };
    rows.iter().filter(|row| row.text(table.found_by()) == Some(value.as_str()) && table.is_ours(row)).collect()
}

fn row_check(side: Side<'_>, check: &RowCheck) -> Vec<Mismatch> {
    let Side { name, table, rows, bindings, .. } = side;
    let mut mismatches = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for record in bindings.all(&check.rows_for) {
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
            let kind = if found.len() < count { Kind::RowMissing } else { Kind::RowSurplus };
            let mismatch = Mismatch::must(expected, format!("{} row{}{shown}", found.len(), plural(found.len())));
            let role = (Some(table.found_by()) == column_for(table, "key")).then(|| "key".to_owned());
            mismatches.push(mismatch.of(MismatchCode { role, ..MismatchCode::of_table(kind, name) }));
            continue;
        }
        let Some(newest) = found.iter().max_by_key(|row| table.instant_in(row).and_then(iso::read).map(|(at, _)| at)) else {
            continue;
        };
        mismatches.extend(cells(side, newest, check, record));
    }
    mismatches
}

fn cells(side: Side<'_>, row: &Row, check: &RowCheck, record: &Record) -> Vec<Mismatch> {
    let Side { name, table, bindings, ttl, .. } = side;
    let mut mismatches = Vec::new();
    let mut wrong = |kind: Kind, column: &str, wanted: String| {
        let found = row.get(column).map_or_else(|| "no such column".to_owned(), ToString::to_string);
        let role = ROLES.into_iter().find(|role| column_for(table, role) == Some(column)).map(str::to_owned);
        let code = MismatchCode { role, name: Some(column.to_owned()), ..MismatchCode::of_table(kind, name) };
        mismatches.push(Mismatch::must(format!("{}.{column} = {wanted}", table.table), format!("{column} = {found}")).of(code));
    };
    if check.as_promised {
        for column in table.columns.iter().filter(|column| Some(column.name.as_str()) != table.instant()) {
            let wanted = if column.holds_only("ttl") { Some(ttl_cell(ttl)) } else { promised_cell(column, record) };
            if let Some(wanted) = wanted.filter(|wanted| row.get(&column.name) != Some(wanted)) {
                wrong(Kind::Cell, &column.name, wanted.to_string());
            }
            if column.holds_only("answer") && !is_an_answer_of(row.text(&column.name), record, bindings) {
                wrong(Kind::Cell, &column.name, "the body of the first answer".to_owned());
            }
        }
    }
    for (column, wanted) in &check.columns {
        let wanted = match wanted {
            Value::String(word) if word == "ttl" => ttl_cell(ttl),
            Value::String(text) => Cell::Text(bindings.fill(text)),
            Value::Number(number) => number.as_i64().map_or(Cell::Null, Cell::Integer),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Cell::Null,
        };
        if row.get(column) != Some(&wanted) {
            wrong(Kind::Cell, column, wanted.to_string());
        }
    }
    let seconds = |wanted: &Value| wanted.as_i64().map_or_else(|| ttl_cell(ttl), Cell::Integer);
    let held = check.holds.iter().flat_map(|holds| {
        let of = |name: &Option<String>, text: fn(&Record) -> &String| Some(Cell::Text(text(bindings.one(name.as_ref()?)?).clone()));
        let cells = [
            ("key", of(&holds.key, |record| &record.key)),
            ("sha256", of(&holds.sha256, |record| &record.sha256)),
            ("ttl", holds.ttl.as_ref().map(seconds)),
        ];
        cells.into_iter().filter_map(|(role, wanted)| Some((column_for(table, role)?, wanted?)))
    });
    for (column, wanted) in held {
        if row.get(column) != Some(&wanted) {
            wrong(Kind::Cell, column, wanted.to_string());
        }
    }
    let Some(column) = table.instant() else { return mismatches };
    let instant = row.text(column);
    if let Some(referring) = check.referred_to_by.as_ref().and_then(|name| bindings.one(name))
        && !is_referred_to(table, referring.refers_to.as_deref(), instant, moved_between(bindings.one(&check.rows_for), referring))
    {
        wrong(
            Kind::References,
            column,
            format!("{:?}, as the duplicate's answer says", referring.refers_to.as_deref().unwrap_or("nothing")),
        );
    }
    if let Some(about) = check.written_at.as_ref().and_then(|name| bindings.one(name)) {
        let fits = instant.and_then(|text| read_instant(name, text)).is_some_and(|at| within(at, about));
        if !fits {
            wrong(Kind::Cell, column, format!("{:?}, give or take 5 s", iso::write(about.sent_at)));
        }
    }
    mismatches
}

/// How far rows were moved back between a first delivery and its duplicate, in microseconds.
fn moved_between(first: Option<&Record>, duplicate: &Record) -> i64 {
    first.map_or(0, |first| duplicate.moved_us.saturating_sub(first.moved_us))
}

/// Whether an answer refers to a row's instant: by the letter where the contract keeps text, else as far as the row is written.
///
/// * `moved`: how far the row of the key was moved back before the answer, in microseconds: the answer may be read from there.
fn is_referred_to(table: &Table, refers_to: Option<&str>, instant: Option<&str>, moved: i64) -> bool {
    if refers_to == instant {
        return true;
    }
    let kind =
        table.columns.iter().find(|column| Some(column.name.as_str()) == table.instant()).map_or("TEXT", |column| column.kind.as_str());
    let kind = kind.to_ascii_uppercase();
    let (Some((said, _)), Some((kept, _))) = (refers_to.and_then(iso::read), instant.and_then(iso::read)) else { return false };
    if moved > 0 && said.0.saturating_add(moved).abs_diff(kept.0) < 1_000_000 {
        return true;
    }
    // A column of whole seconds or milliseconds has no more to say.
    let unit = if kept.0 % 1_000_000 == 0 {
        1_000_000
    } else if kept.0 % 1_000 == 0 {
        1_000
    } else {
        2
    };
    !kind.contains("TEXT") && !kind.contains("CHAR") && said.0.abs_diff(kept.0) < unit
}

/// Whether some delivery of the same key got this body; one without an answer may have got any.
fn is_an_answer_of(text: Option<&str>, record: &Record, bindings: &Bindings) -> bool {
    let mut of_key = bindings.deliveries.values().flatten().chain([record]).filter(|other| other.key == record.key);
    of_key.any(|other| other.result.as_ref().map_or(true, |answer| text.is_some_and(|text| String::from_utf8_lossy(&answer.body) == text)))
}

/// The instant of a row: in a key's row any spelling of it, and in the audit trail in UTC, as it is promised of no other table.
fn read_instant(table: &str, text: &str) -> Option<UnixMicros> {
    let in_utc = |zone: &str| matches!(zone, "" | "Z" | "+00:00");
    iso::read(text).filter(|(_, form)| table != "audit" || in_utc(&form.zone)).map(|(at, _)| at)
}

fn ttl_cell(ttl: Option<u64>) -> Cell {
    ttl.and_then(|ttl| i64::try_from(ttl).ok()).map_or(Cell::Null, Cell::Integer)
}

/// * `grown`: by how many rows, at least and at most.
fn growth(side: Side<'_>, wanted: Option<i64>, grown: &std::ops::RangeInclusive<i64>) -> Option<Mismatch> {
    let wanted = wanted.filter(|wanted| !grown.contains(wanted))?;
    let kind = if *grown.end() < wanted { Kind::RowMissing } else { Kind::RowSurplus };
    let mismatch = Mismatch::must(format!("{wanted} more rows in {}", side.table.table), format!("{} more rows", grown.start()));
    Some(mismatch.of(MismatchCode::of_table(kind, side.name)))
}

fn same_rows(side: Side<'_>, before: &[Row], record: &Record) -> Option<Mismatch> {
    let Side { name, table, rows: now, .. } = side;
    let (was, is) = (rows_of(table, before, record), rows_of(table, now, record));
    let show = |rows: &[&Row]| rows.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    (was != is).then(|| {
        let mismatch =
            Mismatch::must(format!("{}: still {}", table.table, show(&was)), if is.is_empty() { "no row".to_owned() } else { show(&is) });
        mismatch.of(MismatchCode::of_table(Kind::RowsChanged, name))
    })
}

fn shape(side: Side<'_>, found: &[TableShape]) -> Vec<Mismatch> {
    let wanted = side.table.shape();
    let code = MismatchCode::of_table(Kind::Schema, side.name);
    let Some(found) = found.iter().find(|one| one.table == wanted.table) else {
        return vec![Mismatch::must(format!("a table {}", wanted.table), "no such table").of(code)];
    };
    let mut mismatches = Vec::new();
    for column in &wanted.columns {
        let is = found.columns.iter().find(|one| one.name == column.name);
        if is.is_none_or(|is| !same_column(is, column)) {
            let observed = is.map_or_else(|| format!("no column {}", column.name), ToString::to_string);
            let mismatch = Mismatch::must(format!("{}: column {column}", wanted.table), observed);
            mismatches.push(mismatch.of(MismatchCode { name: Some(column.name.clone()), ..code.clone() }));
        }
    }
    mismatches
}

/// A primary key is not null by itself; saying so again is free.
fn same_column(is: &crate::state::ColumnShape, wanted: &crate::state::ColumnShape) -> bool {
    let bare = |default: &Option<String>| default.as_ref().map(|text| text.trim_matches(['\'', '(', ')', ' ']).to_owned());
    is.kind == wanted.kind
        && is.primary_key == wanted.primary_key
        && bare(&is.default) == bare(&wanted.default)
        && (is.not_null == wanted.not_null || wanted.primary_key > 0)
}

fn evidence(keys: Side<'_>, audit: Side<'_>) -> Vec<Mismatch> {
    let (Some(of_key), Some(of_audit)) = (keys.table.column_holding("key"), audit.table.column_holding("key")) else { return Vec::new() };
    let named = |key: &str| audit.rows.iter().any(|row| row.text(&of_audit.name) == Some(key));
    let lone = keys.rows.iter().filter_map(|row| row.text(&of_key.name)).filter(|key| !named(key));
    let told = |key: &str| Mismatch::must(format!("an audit row with {} = {key:?}", of_audit.name), "a key row without one");
    lone.take(3).map(|key| told(key).of(MismatchCode::of(Kind::NoEvidence))).collect()
}

fn lives(keys: Side<'_>) -> Vec<Mismatch> {
    let (Some(ttl), Some(instant)) = (keys.table.column_holding("ttl"), keys.table.instant()) else { return Vec::new() };
    let told = |row: &&Row| {
        row.get(&ttl.name).and_then(Cell::integer).is_some_and(|ttl| ttl > 0) && row.text(instant).and_then(iso::read).is_some()
    };
    let expected = format!("{instant} a time and {} a positive whole number", ttl.name);
    let mismatch = |row: &Row| Mismatch::must(expected.clone(), row.to_string()).of(MismatchCode::of(Kind::NoLife));
    keys.rows.iter().filter(|row| !told(row)).take(3).map(mismatch).collect()
}

/// Instants of the named deliveries, in the order in which they were accepted one after the other.
fn order(audit: Side<'_>, names: &[String]) -> Vec<Mismatch> {
    let Some(column) = audit.table.instant() else { return Vec::new() };
    let instants: Vec<(String, UnixMicros)> = names
        .iter()
        .flat_map(|name| audit.bindings.all(name))
        .filter_map(|record| rows_of(audit.table, audit.rows, record).last().and_then(|row| row.text(column)))
        .filter_map(|text| iso::read(text).map(|(at, _)| (text.to_owned(), at)))
        .collect();
    let backwards = instants.windows(2).filter(|pair| pair[1].1 < pair[0].1);
    let mismatch = |pair: &[(String, UnixMicros)]| Mismatch::must(format!("{column} not before {}", pair[0].0), pair[1].0.clone());
    backwards.take(1).map(|pair| mismatch(pair).of(MismatchCode::of(Kind::InstantsGoBack))).collect()
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests;
