//! The reference's store in SQLite: the contract's tables, the seed's SQL.
//!
//! One transaction a delivery. What the contract's own tables cannot hold (a
//! first answer that is repeated byte for byte, a first hash where audit rows
//! do not name their key, which scope or body a key is known with) goes into a
//! side table of our own, `hookgate_first` (`sqlite::side`). A file is opened in WAL
//! mode, so that a probe reads while deliveries come in.

mod effects;
mod events;
mod side;
mod sql;
pub mod mutants;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::{ToSql, ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};

use crate::clock::{UnixMicros, iso};
use crate::contract::Contract;
use crate::contract::tables::{StateTables, Table};
use crate::reference::store::{Acceptance, First, KeyRecord, Store, StoreError};
use crate::reference::streaming::Page;
use crate::sqlite::sql::{OWN_EXPIRY, Sql, create_statement, declaration, expiry_expression, keys_that_tell, order_of, quoted};
use crate::state::{Cell, ColumnShape, ReceiverState, Row, TableShape};

/// How long another connection is waited for.
const BUSY: Duration = Duration::from_secs(5);

/// A store in a SQLite database.
pub struct SqliteStore {
    contract: Arc<Contract>,
    connection: Connection,
    sql: Sql,
}

/// A cell on its way into the database.
struct Bound<'a>(&'a Cell);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Cell::Null => ValueRef::Null,
            Cell::Integer(number) => ValueRef::Integer(*number),
            Cell::Real(number) => ValueRef::Real(*number),
            Cell::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

fn failed(what: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |cause| StoreError { what, cause: cause.to_string() }
}

impl SqliteStore {
    /// Opens or makes a database file, and brings its tables to the contract.
    ///
    /// A database of an earlier phase gets the columns it lacks; its rows stay.
    ///
    /// # Errors
    /// When the file cannot be opened or written.
    pub fn open(contract: Arc<Contract>, path: &Path) -> Result<Self, StoreError> {
        let opened = Connection::open(path)
            .map_err(|cause| StoreError { what: "open its database", cause: format!("{}: {cause}", path.display()) })?;
        opened
            .pragma_update(None, "journal_mode", "WAL")
            .map_err(|cause| StoreError { what: "open its database", cause: format!("{}: {cause}", path.display()) })?;
        // A process that is killed loses nothing in this mode; only a machine that loses power may (SQLite, pragma synchronous).
        opened.pragma_update(None, "synchronous", "NORMAL").map_err(failed("open its database"))?;
        // A checkpoint syncs two files: every 32 MiB of log instead of every 4.
        opened.pragma_update(None, "wal_autocheckpoint", 8192).map_err(failed("open its database"))?;
        Self::set_up(contract, opened)
    }

    /// A database in memory.
    ///
    /// # Errors
    /// When SQLite has no memory.
    pub fn in_memory(contract: Arc<Contract>) -> Result<Self, StoreError> {
        Self::set_up(contract, Connection::open_in_memory().map_err(failed("open its database"))?)
    }

    fn set_up(contract: Arc<Contract>, connection: Connection) -> Result<Self, StoreError> {
        connection.busy_timeout(BUSY).map_err(failed("open its database"))?;
        connection.set_prepared_statement_cache_capacity(32);
        let sql = Sql::of(&contract);
        let store = Self { contract, connection, sql };
        store.make_tables().map_err(failed("make its tables"))?;
        Ok(store)
    }

    fn make_tables(&self) -> rusqlite::Result<()> {
        let tables = || self.contract.state.iter().flat_map(StateTables::all);
        for table in tables() {
            self.connection.execute_batch(&create_statement(table))?;
            self.add_missing_columns(table)?;
        }
        if self.contract.effects.is_some() {
            effects::make(&self.connection)?;
        }
        if self.contract.stream.is_some() {
            events::make(&self.connection)?;
        }
        // It may be of another contract.
        self.connection.execute_batch("DROP TRIGGER IF EXISTS hookgate_moved")?;
        if self.sql.has_side_table {
            side::make(&self.connection, &self.contract)?;
        }
        // These make finding and cleaning up cost the same in a large table as in a small one.
        if self.sql.has_side_table && self.contract.ttl.is_some() {
            self.index_ends("hookgate_first", OWN_EXPIRY)?;
        }
        if let Some((table, expiry)) = keys_that_tell(&self.contract).and_then(|own| Some((own.table, expiry_expression(own.table)?))) {
            self.index_ends(&table.table, &expiry)?;
        }
        let Some(audit) = self.contract.state.as_ref().and_then(|tables| tables.audit.as_ref()) else { return Ok(()) };
        let by = audit.column_holding("key").map_or(audit.found_by(), |column| column.name.as_str());
        let columns: Vec<String> = std::iter::once(by).chain(audit.instant()).map(quoted).collect();
        let index = quoted(&format!("{}_by_{by}", audit.table));
        self.connection.execute_batch(&format!("CREATE INDEX IF NOT EXISTS {index} ON {} ({})", quoted(&audit.table), columns.join(", ")))
    }

    fn index_ends(&self, table: &str, expiry: &str) -> rusqlite::Result<()> {
        let index = quoted(&format!("{table}_by_end"));
        match self.connection.execute_batch(&format!("CREATE INDEX IF NOT EXISTS {index} ON {} ({expiry})", quoted(table))) {
            // Where a row of somebody else says `now`, SQLite makes no such index: cleaning up is slower then, and right.
            Err(refused) if refused.to_string().contains("non-deterministic") => Ok(()),
            made => made,
        }
    }

    fn add_missing_columns(&self, table: &Table) -> rusqlite::Result<()> {
        let there = table_shape(&self.connection, &table.table)?;
        for column in table.shape().columns {
            if !there.columns.iter().any(|one| one.name == column.name) {
                let declared = declaration(&column);
                self.connection.execute_batch(&format!("ALTER TABLE {} ADD COLUMN {declared}", quoted(&table.table)))?;
            }
        }
        Ok(())
    }

    /// The record of an identity, live or not.
    fn record(&self, identity: &str) -> Result<Option<KeyRecord>, StoreError> {
        let mut find = self.connection.prepare_cached(&self.sql.find).map_err(failed("look a key up"))?;
        let found = find.query_row(params![identity], |row| Ok((row.get::<_, Value>(0)?, row.get::<_, Value>(1)?)));
        let Some((ts, ttl)) = found.optional().map_err(failed("look a key up"))? else { return Ok(None) };
        // A time that cannot be read belongs to a key that never ends, as the seed's SQL has it.
        let readable = match &ts {
            Value::Text(text) => iso::read(text).map(|(at, _)| at),
            Value::Null | Value::Integer(_) | Value::Real(_) | Value::Blob(_) => None,
        };
        let ttl = match (ttl, self.contract.ttl_secs()) {
            (_, None) => None,
            (Value::Null, default) => default,
            (Value::Integer(seconds), _) => u64::try_from(seconds).ok(),
            (_, _) => None,
        };
        let (identity, ttl) = (identity.to_owned(), ttl.filter(|_| readable.is_some()));
        Ok(Some(KeyRecord { key: identity.clone(), identity, ts: readable.unwrap_or_default(), ttl }))
    }

    fn first_from_audit(&self, key: &str) -> Result<Option<First>, StoreError> {
        let Some(sql) = &self.sql.newest_audit_of_key else { return Ok(None) };
        let mut find = self.connection.prepare_cached(sql).map_err(failed("look an audit row up"))?;
        find.query_row(params![key], |row| {
            // A row that somebody else wrote may have no hash.
            let (ts, sha256) = (cell_of(row.get_ref(0)?), cell_of(row.get_ref(1)?));
            let at = ts.text().and_then(iso::read).map(|(at, _)| at).unwrap_or_default();
            let sha256 = sha256.text().unwrap_or_default().to_owned();
            Ok(First { ts: at, fingerprint: sha256.clone(), sha256, answer: None })
        })
        .optional()
        .map_err(failed("look an audit row up"))
    }

    fn put(&self, sql: &str, row: &Row) -> rusqlite::Result<usize> {
        self.connection.prepare_cached(sql)?.execute(params_from_iter(row.columns.iter().map(|(_, cell)| Bound(cell))))
    }

    fn rows(&self, table: &Table, rest: &str, values: &[&dyn ToSql]) -> Result<Vec<Row>, StoreError> {
        let columns: Vec<String> = table.columns.iter().map(|column| quoted(&column.name)).collect();
        let sql = format!("SELECT {} FROM {} {rest}", columns.join(", "), quoted(&table.table));
        let mut query = self.connection.prepare_cached(&sql).map_err(failed("read its rows"))?;
        let found = query.query_map(values, |row| read_row(table, row)).map_err(failed("read its rows"))?;
        found.collect::<rusqlite::Result<_>>().map_err(failed("read its rows"))
    }
}

impl SqliteStore {
    /// What the logs of all streams know together, for a defect.
    fn log_of_all(&self, after: Option<i64>, most: usize) -> Result<Page, StoreError> {
        events::behind_all(&self.connection, after, most).map_err(failed("read its log of events"))
    }
}

impl Store for SqliteStore {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.connection.prepare_cached("BEGIN IMMEDIATE").and_then(|mut sql| sql.execute([])).map_err(failed("begin a transaction"))?;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let done = self.connection.prepare_cached("COMMIT").and_then(|mut sql| sql.execute([])).map_err(failed("commit"));
        if done.is_err() {
            self.roll_back();
        }
        done.map(|_| ())
    }

    fn roll_back(&mut self) {
        // Without an open transaction there is nothing to take back.
        drop(self.connection.execute_batch("ROLLBACK"));
    }

    fn remove_expired(&mut self, now: UnixMicros) -> Result<usize, StoreError> {
        let mut removed = 0;
        for sql in &self.sql.clean_up {
            let mut clean = self.connection.prepare_cached(sql).map_err(failed("remove expired keys"))?;
            removed = removed.max(clean.execute(params![iso::write(now)]).map_err(failed("remove expired keys"))?);
        }
        Ok(removed)
    }

    fn find(&mut self, identity: &str, now: UnixMicros) -> Result<Option<First>, StoreError> {
        match self.record(identity)? {
            None => Ok(None),
            Some(record) if record.expired(now) => Ok(None),
            Some(record) => {
                let first = if self.sql.has_side_table {
                    side::first(&self.connection, identity).map_err(failed("look a first delivery up"))?
                } else {
                    self.first_from_audit(identity)?
                };
                // A key without evidence is live all the same: it was marked by somebody else.
                let (sha256, fingerprint) = Default::default();
                Ok(Some(first.unwrap_or(First { ts: record.ts, sha256, fingerprint, answer: None })))
            }
        }
    }

    fn accept(&mut self, acceptance: &Acceptance) -> Result<(), StoreError> {
        let mut key_row = None;
        if let Some(sql) = &self.sql.put_key {
            self.put(sql, &acceptance.key_row).map_err(failed("write its rows"))?;
            key_row = Some(self.connection.last_insert_rowid());
        }
        if let Some(sql) = &self.sql.put_audit {
            self.put(sql, &acceptance.audit_row).map_err(failed("write its rows"))?;
        }
        if self.sql.has_side_table {
            let linked = key_row.filter(|_| self.sql.rewind.is_none());
            side::put(&self.connection, acceptance, linked).map_err(failed("keep a first delivery"))?;
        }
        if let (Some(event), Some(form)) = (&acceptance.event, &self.contract.stream) {
            events::put(&self.connection, event, form.keeps).map_err(failed("log an event"))?;
        }
        Ok(())
    }

    fn note_effect(&mut self, key: &str) -> Result<(), StoreError> {
        let kept = self.contract.effects.is_some();
        if kept { effects::note(&self.connection, key).map_err(failed("note an effect")) } else { Ok(()) }
    }

    fn effects_of(&mut self, key: &str) -> Result<Option<u64>, StoreError> {
        let kept = self.contract.effects.is_some();
        kept.then(|| effects::of(&self.connection, key).map_err(failed("count effects"))).transpose()
    }

    fn log_behind(&mut self, stream: &str, after: Option<i64>, most: usize) -> Result<Page, StoreError> {
        events::behind(&self.connection, stream, after, most).map_err(failed("read its log of events"))
    }

    fn newest_instant(&mut self) -> Result<Option<UnixMicros>, StoreError> {
        let audit = self.contract.state.as_ref().and_then(|tables| tables.audit.as_ref());
        let sql = match audit.and_then(|table| Some((table, table.instant()?))) {
            Some((table, instant)) => format!("SELECT max({}) FROM {}", quoted(instant), quoted(&table.table)),
            // Without such audit rows there is a side table.
            None => "SELECT max(ts) FROM hookgate_first".to_owned(),
        };
        let newest: Option<String> = self.connection.query_row(&sql, [], |row| row.get(0)).map_err(failed("read its newest instant"))?;
        Ok(newest.and_then(|text| iso::read(&text)).map(|(at, _)| at))
    }

    fn state(&mut self) -> Result<ReceiverState, StoreError> {
        let Some(tables) = self.contract.state.clone() else { return Ok(ReceiverState::default()) };
        let all = |table: Option<&Table>| table.map_or_else(|| Ok(Vec::new()), |table| self.rows(table, &order_of(table, "ASC"), &[]));
        Ok(ReceiverState { keys: all(tables.keys.as_ref())?, audit: all(tables.audit.as_ref())? })
    }

    fn newest_audit(&mut self, limit: usize, event: Option<&str>) -> Result<Vec<Row>, StoreError> {
        let Some(audit) = self.contract.state.as_ref().and_then(|tables| tables.audit.clone()) else { return Ok(Vec::new()) };
        let (order, limit) = (order_of(&audit, "DESC"), i64::try_from(limit).unwrap_or(i64::MAX));
        match (&audit.only, event) {
            (Some(only), Some(event)) => {
                self.rows(&audit, &format!("WHERE {} = ?1 {order} LIMIT ?2", quoted(&only.column)), &[&event, &limit])
            }
            (_, _) => self.rows(&audit, &format!("{order} LIMIT ?1"), &[&limit]),
        }
    }

    fn tables(&mut self) -> Result<Vec<TableShape>, StoreError> {
        let tables = self.contract.state.iter().flat_map(StateTables::all);
        tables.map(|table| table_shape(&self.connection, &table.table).map_err(failed("read its tables"))).collect()
    }

    fn rewind(&mut self, keys: &[String], seconds: u64) -> Result<(), StoreError> {
        let by = Duration::from_secs(seconds);
        for key in keys {
            match &self.sql.rewind {
                Some(sql) => {
                    let Some(record) = self.record(key)? else { continue };
                    self.connection.execute(sql, params![key, iso::write(record.ts.minus(by))]).map(drop)
                }
                None => side::rewind(&self.connection, &self.contract, key, by),
            }
            .map_err(failed("move a key's time"))?;
        }
        Ok(())
    }
}

fn read_row(table: &Table, row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let mut columns = Vec::with_capacity(table.columns.len());
    for (at, column) in table.columns.iter().enumerate() {
        columns.push((column.name.clone(), cell_of(row.get_ref(at)?)));
    }
    Ok(Row { columns })
}

fn cell_of(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Real(number) => Cell::Real(number),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Cell::Text(String::from_utf8_lossy(bytes).into_owned()),
    }
}

fn table_shape(connection: &Connection, table: &str) -> rusqlite::Result<TableShape> {
    let mut info = connection.prepare("SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info(?1)")?;
    let columns = info.query_map(params![table], |row| {
        let kind: String = row.get(1)?;
        Ok(ColumnShape {
            name: row.get(0)?,
            kind: kind.to_uppercase(),
            not_null: row.get(2)?,
            default: row.get(3)?,
            primary_key: row.get(4)?,
        })
    })?;
    Ok(TableShape { table: table.to_owned(), columns: columns.collect::<rusqlite::Result<_>>()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::reading::read_contract;

    const NO_TTL: &str = include_str!("../fixtures/contracts/orch-phase2.yaml");
    const PHASE_3: &str = include_str!("../fixtures/contracts/orch-phase3.yaml");
    const NO_TABLES: &str = include_str!("../tests/contracts/made-up.yaml");

    /// How SQLite goes about a statement of a store of this contract.
    fn plan(contract: &str, statement: impl Fn(&Sql) -> Option<String>) -> String {
        let base = |_: &str| Some(PHASE_3.to_owned());
        let contract = read_contract("of-this-test", contract, &base).expect("a contract without mistakes");
        let store = SqliteStore::in_memory(Arc::new(contract)).expect("a database in memory");
        let Some(sql) = statement(&store.sql) else { return "no statement".to_owned() };
        let mut query = store.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("SQL");
        let steps = query.query_map(["2025-10-05T20:05:03"], |row| row.get::<_, String>("detail")).expect("a plan");
        steps.map(|step| step.expect("a step")).collect::<Vec<_>>().join("; ")
    }

    /// What every delivery does costs the same in a large table as in a small one.
    #[test]
    fn statements_of_a_delivery_search_by_an_index() {
        let clean_up = |sql: &Sql| sql.clean_up.last().cloned();
        let find = |sql: &Sql| Some(sql.find.clone());
        let newest = |sql: &Sql| sql.newest_audit_of_key.clone();
        for (plan, expected) in [
            (plan(PHASE_3, clean_up), "SEARCH idempotency_keys USING INDEX idempotency_keys_by_end (<expr><?)"),
            (plan(PHASE_3, find), "SEARCH idempotency_keys USING INDEX sqlite_autoindex_idempotency_keys_1 (key=?)"),
            (plan(PHASE_3, newest), "SEARCH audit_events USING INDEX audit_events_by_idem_key (idem_key=?)"),
            (plan(NO_TTL, clean_up), "no statement"),
            (plan(NO_TABLES, clean_up), "SEARCH hookgate_first USING INDEX hookgate_first_by_end (<expr><?)"),
            (plan(NO_TABLES, find), "SEARCH hookgate_first USING INDEX sqlite_autoindex_hookgate_first_1 (identity=?)"),
        ] {
            assert_eq!(plan, expected);
        }
    }
}
