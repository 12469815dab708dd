//! The reference's store in SQLite: the contract's tables, the seed's SQL.
//!
//! One transaction a delivery. What the contract's own tables cannot hold (a
//! first answer that is repeated byte for byte, a first hash where audit rows
//! do not name their key) goes into a side table of our own,
//! `hookgate_first`. A file is opened in WAL mode, so that a probe reads while
//! deliveries come in.

mod sql;
pub mod wrong;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};

use crate::clock::{UnixMicros, iso};
use crate::contract::Contract;
use crate::contract::tables::{StateTables, Table};
use crate::delivery::{Answer, HeaderLine};
use crate::reference::store::{Acceptance, First, KeyRecord, Store, StoreError};
use crate::sqlite::sql::{OWN_EXPIRY, Sql, create_statement, declaration, expiry_expression, needs_side_table, quoted};
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
        let own = "CREATE TABLE IF NOT EXISTS hookgate_first (key TEXT PRIMARY KEY, ts TEXT NOT NULL, ttl INTEGER, sha256 TEXT NOT NULL,
                   status INTEGER, headers TEXT, body BLOB)";
        if self.contract.state.is_none() || needs_side_table(&self.contract) {
            self.connection.execute_batch(own)?;
        }
        if self.contract.state.is_none() {
            self.index_ends("hookgate_first", OWN_EXPIRY)?;
        }
        let Some(tables) = &self.contract.state else { return Ok(()) };
        for table in [&tables.keys, &tables.audit] {
            self.connection.execute_batch(&create_statement(table))?;
            self.add_missing_columns(table)?;
        }
        // These make finding and cleaning up cost the same in a large table as in a small one.
        if let Some(expiry) = expiry_expression(&tables.keys) {
            self.index_ends(&tables.keys.table, &expiry)?;
        }
        let index = quoted(&format!("{}_by_{}", tables.audit.table, tables.audit.found_by));
        let columns = format!("{}, {}", quoted(&tables.audit.found_by), quoted(&tables.audit.instant));
        self.connection.execute_batch(&format!("CREATE INDEX IF NOT EXISTS {index} ON {} ({columns})", quoted(&tables.audit.table)))
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

    /// The key's record, live or not.
    fn record(&self, key: &str) -> Result<Option<KeyRecord>, StoreError> {
        let mut find = self.connection.prepare_cached(&self.sql.find_key).map_err(failed("look a key up"))?;
        let found =
            find.query_row(params![key], |row| Ok((row.get::<_, rusqlite::types::Value>(0)?, row.get::<_, rusqlite::types::Value>(1)?)));
        let Some((ts, ttl)) = found.optional().map_err(failed("look a key up"))? else { return Ok(None) };
        // A time that cannot be read belongs to a key that never ends, as the seed's SQL has it.
        let readable = match &ts {
            rusqlite::types::Value::Text(text) => iso::read(text).map(|(at, _)| at),
            _ => None,
        };
        let ttl = match (ttl, self.contract.ttl_secs()) {
            (_, None) => None,
            (rusqlite::types::Value::Null, default) => default,
            (rusqlite::types::Value::Integer(seconds), _) => u64::try_from(seconds).ok(),
            (_, _) => None,
        };
        let record = KeyRecord { key: key.to_owned(), ts: readable.unwrap_or_default(), ttl: ttl.filter(|_| readable.is_some()) };
        Ok(Some(record))
    }

    fn first_from_side_table(&self, key: &str) -> Result<Option<First>, StoreError> {
        let sql = "SELECT ts, sha256, status, headers, body FROM hookgate_first WHERE key = ?1";
        let mut find = self.connection.prepare_cached(sql).map_err(failed("look a first delivery up"))?;
        find.query_row(params![key], |row| {
            let ts: String = row.get(0)?;
            let status: Option<u16> = row.get(2)?;
            let headers: Option<String> = row.get(3)?;
            let body: Option<Vec<u8>> = row.get(4)?;
            let answer = status.map(|status| Answer {
                status,
                headers: headers_from(&headers.unwrap_or_default()),
                body: body.unwrap_or_default().into(),
            });
            Ok(First { ts: iso::read(&ts).map(|(at, _)| at).unwrap_or_default(), sha256: row.get(1)?, answer })
        })
        .optional()
        .map_err(failed("look a first delivery up"))
    }

    fn first_from_audit(&self, key: &str) -> Result<Option<First>, StoreError> {
        let Some(sql) = &self.sql.newest_audit_of_key else { return Ok(None) };
        let mut find = self.connection.prepare_cached(sql).map_err(failed("look an audit row up"))?;
        find.query_row(params![key], |row| {
            // A row that somebody else wrote may have no hash.
            let (ts, sha256) = (cell_of(row.get_ref(0)?), cell_of(row.get_ref(1)?));
            let at = ts.text().and_then(iso::read).map(|(at, _)| at).unwrap_or_default();
            Ok(First { ts: at, sha256: sha256.text().unwrap_or_default().to_owned(), answer: None })
        })
        .optional()
        .map_err(failed("look an audit row up"))
    }

    fn rows(&self, table: &Table, rest: &str, values: &[&dyn ToSql]) -> Result<Vec<Row>, StoreError> {
        let columns: Vec<String> = table.columns.iter().map(|column| quoted(&column.name)).collect();
        let sql = format!("SELECT {} FROM {} {rest}", columns.join(", "), quoted(&table.table));
        let mut query = self.connection.prepare_cached(&sql).map_err(failed("read its rows"))?;
        let found = query.query_map(values, |row| read_row(table, row)).map_err(failed("read its rows"))?;
        found.collect::<rusqlite::Result<_>>().map_err(failed("read its rows"))
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
        let Some(sql) = &self.sql.clean_up else { return Ok(0) };
        let mut clean = self.connection.prepare_cached(sql).map_err(failed("remove expired keys"))?;
        clean.execute(params![iso::write(now)]).map_err(failed("remove expired keys"))
    }

    fn find(&mut self, key: &str, now: UnixMicros) -> Result<Option<First>, StoreError> {
        match self.record(key)? {
            None => Ok(None),
            Some(record) if record.expired(now) => Ok(None),
            Some(record) => {
                let first = if needs_side_table(&self.contract) { self.first_from_side_table(key)? } else { self.first_from_audit(key)? };
                // A key without evidence is live all the same: it was marked by somebody else.
                Ok(Some(first.unwrap_or(First { ts: record.ts, sha256: String::new(), answer: None })))
            }
        }
    }

    fn accept(&mut self, acceptance: &Acceptance) -> Result<(), StoreError> {
        for (sql, row) in [(&self.sql.put_key, &acceptance.key_row), (&self.sql.put_audit, &acceptance.audit_row)] {
            if let Some(sql) = sql {
                let mut put = self.connection.prepare_cached(sql).map_err(failed("write its rows"))?;
                let cells = row.columns.iter().map(|(_, cell)| Bound(cell));
                put.execute(params_from_iter(cells)).map_err(failed("write its rows"))?;
            }
        }
        if needs_side_table(&self.contract) {
            let answer = acceptance.answer.as_ref();
            let sql =
                "INSERT OR REPLACE INTO hookgate_first (key, ts, ttl, sha256, status, headers, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            let mut put = self.connection.prepare_cached(sql).map_err(failed("keep a first delivery"))?;
            put.execute(params![
                acceptance.key.key,
                iso::write(acceptance.key.ts),
                acceptance.key.ttl.and_then(|ttl| i64::try_from(ttl).ok()),
                acceptance.sha256,
                answer.map(|answer| answer.status),
                answer.map(|answer| headers_text(&answer.headers)),
                answer.map(|answer| answer.body.to_vec()),
            ])
            .map_err(failed("keep a first delivery"))?;
        }
        Ok(())
    }

    fn newest_instant(&mut self) -> Result<Option<UnixMicros>, StoreError> {
        let sql = match &self.contract.state {
            Some(StateTables { audit, .. }) => format!("SELECT max({}) FROM {}", quoted(&audit.instant), quoted(&audit.table)),
            None => "SELECT max(ts) FROM hookgate_first".to_owned(),
        };
        let newest: Option<String> = self.connection.query_row(&sql, [], |row| row.get(0)).map_err(failed("read its newest instant"))?;
        Ok(newest.and_then(|text| iso::read(&text)).map(|(at, _)| at))
    }

    fn state(&mut self) -> Result<ReceiverState, StoreError> {
        let Some(tables) = self.contract.state.clone() else { return Ok(ReceiverState::default()) };
        let order = |table: &Table| format!("ORDER BY {}, rowid", quoted(&table.instant));
        Ok(ReceiverState {
            keys: self.rows(&tables.keys, &order(&tables.keys), &[])?,
            audit: self.rows(&tables.audit, &order(&tables.audit), &[])?,
        })
    }

    fn newest_audit(&mut self, limit: usize, event: Option<&str>) -> Result<Vec<Row>, StoreError> {
        let Some(tables) = self.contract.state.clone() else { return Ok(Vec::new()) };
        let instant = quoted(&tables.audit.instant);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        match (&tables.audit.only, event) {
            (Some(only), Some(event)) => {
                let rest = format!("WHERE {} = ?1 ORDER BY {instant} DESC LIMIT ?2", quoted(&only.column));
                self.rows(&tables.audit, &rest, &[&event, &limit])
            }
            (_, _) => self.rows(&tables.audit, &format!("ORDER BY {instant} DESC LIMIT ?1"), &[&limit]),
        }
    }

    fn tables(&mut self) -> Result<Vec<TableShape>, StoreError> {
        let Some(tables) = self.contract.state.clone() else { return Ok(Vec::new()) };
        let shape = |table: &Table| table_shape(&self.connection, &table.table).map_err(failed("read its tables"));
        Ok(vec![shape(&tables.keys)?, shape(&tables.audit)?])
    }

    fn rewind(&mut self, keys: &[String], seconds: u64) -> Result<(), StoreError> {
        for key in keys {
            let Some(record) = self.record(key)? else { continue };
            let moved = iso::write(record.ts.minus(Duration::from_secs(seconds)));
            self.connection.execute(&self.sql.rewind, params![key, moved]).map_err(failed("move a key's time"))?;
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

fn headers_text(headers: &[HeaderLine]) -> String {
    headers.iter().map(|line| format!("{}: {}\n", line.name, String::from_utf8_lossy(&line.value))).collect()
}

fn headers_from(text: &str) -> Vec<HeaderLine> {
    text.lines().filter_map(|line| line.split_once(": ")).map(|(name, value)| HeaderLine::new(name.to_owned(), value.to_owned())).collect()
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
        let clean_up = |sql: &Sql| sql.clean_up.clone();
        let find = |sql: &Sql| Some(sql.find_key.clone());
        let newest = |sql: &Sql| sql.newest_audit_of_key.clone();
        for (plan, expected) in [
            (plan(PHASE_3, clean_up), "SEARCH idempotency_keys USING INDEX idempotency_keys_by_end (<expr><?)"),
            (plan(PHASE_3, find), "SEARCH idempotency_keys USING INDEX sqlite_autoindex_idempotency_keys_1 (key=?)"),
            (plan(PHASE_3, newest), "SEARCH audit_events USING INDEX audit_events_by_idem_key (idem_key=?)"),
            (plan(NO_TTL, clean_up), "no statement"),
            (plan(NO_TABLES, clean_up), "SEARCH hookgate_first USING INDEX hookgate_first_by_end (<expr><?)"),
            (plan(NO_TABLES, find), "SEARCH hookgate_first USING INDEX sqlite_autoindex_hookgate_first_1 (key=?)"),
        ] {
            assert_eq!(plan, expected);
        }
    }
}
