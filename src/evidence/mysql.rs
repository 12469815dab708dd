//! MySQL and MariaDB: rows, counts and effects, each question in one read-only snapshot.
//!
//! Keys are compared as bytes where they are counted: a column whose collation
//! folds case would make one of two. Times are read in UTC, whatever the server's zone is.

mod moving;
mod values;

use std::collections::HashMap;
use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{ClientIdentity, Conn, Error, OptsBuilder, Params, Row as SqlRow, SslOpts, Value};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;

use self::values::{among, cell, kind_of, quoted, quoted_table, text_in};
use super::place::{Server, Tls};
use super::reach;
use super::sql::{self, ASKED_AT_ONCE, Declared, Kind};
use super::{Asked, Can, EffectsTable, EvidenceError, Question, Role, Seen, Source, TlsSettings, Told, Which, cells};
use crate::clock::UnixMicros;
use crate::contract::tables::{Column, StateTables, Table};
use crate::state::{Cell, ColumnShape, Counts, ReceiverState, Row};

/// A table's columns, and those of its primary key; the schema's name stands in place of `{schema}`.
///
/// They are asked for one after the other, and not the key's for each column: with a subquery MariaDB 10.11.19 opens the schema's tables
/// for every row of the answer, and now and then it died of that (signal 11 in `create_tmp_table_for_schema`).
const COLUMNS: &str = "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE = 'NO', COLUMN_DEFAULT FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = {schema} AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION";
const PRIMARY_KEY: &str = "SELECT COLUMN_NAME, SEQ_IN_INDEX FROM information_schema.STATISTICS
    WHERE TABLE_SCHEMA = {schema} AND TABLE_NAME = ? AND INDEX_NAME = 'PRIMARY'";
const TABLES: &str = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1";
/// What the server says: no such table, and three ways to be kept out.
const NO_TABLE: u16 = 1146;
const DENIED_TABLE: u16 = 1142;
const DENIED_COLUMN: u16 = 1143;
const NOT_LET_IN: [u16; 3] = [1045, 1698, 1130];
const DENIED_DATABASE: u16 = 1044;
const NO_DATABASE: u16 = 1049;
/// Waits that ended: for a lock, for a statement (MySQL, MariaDB), a deadlock.
const WAITED: [u16; 4] = [1205, 3024, 1969, 1213];
/// The server goes down.
const GOES_DOWN: [u16; 2] = [1053, 1927];

/// A MySQL or MariaDB database.
pub struct MysqlSource {
    server: Server,
    tables: StateTables,
    effects: Option<EffectsTable>,
    password: Option<SecretString>,
    tls: Option<TlsSettings>,
    patience: Duration,
    idle: Mutex<Vec<Conn>>,
}

impl MysqlSource {
    /// The database at `server`; nothing is asked of it yet.
    #[must_use]
    pub fn new(
        server: Server,
        tables: StateTables,
        effects: Option<EffectsTable>,
        (password, tls): (Option<SecretString>, Option<TlsSettings>),
        patience: Duration,
    ) -> Self {
        Self { server, tables, effects, password, tls, patience, idle: Mutex::default() }
    }

    fn user(&self) -> String {
        self.server.user.clone().unwrap_or_else(|| "root".to_owned())
    }

    async fn connection(&self) -> Result<Conn, EvidenceError> {
        while let Some(mut one) = self.idle.lock().await.pop() {
            if one.ping().await.is_ok() {
                return Ok(one);
            }
        }
        let seconds = self.patience.as_secs().max(1);
        let mut options = OptsBuilder::default()
            .user(Some(self.user()))
            .pass(self.password.as_ref().map(|password| password.expose_secret().to_owned()))
            .db_name(self.server.database.clone())
            .prefer_socket(false)
            .init(vec![
                "SET time_zone = '+00:00'".to_owned(),
                "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ".to_owned(),
                format!("SET SESSION lock_wait_timeout = {seconds}, innodb_lock_wait_timeout = {seconds}"),
            ]);
        options = if self.server.host.starts_with('/') {
            options.socket(Some(self.server.host.clone())).prefer_socket(true)
        } else {
            options.ip_or_hostname(self.server.host.clone()).tcp_port(self.server.port)
        };
        if self.server.tls == Tls::Require {
            options = options.ssl_opts(self.tls_options()?);
        }
        let connecting = tokio::time::timeout(self.patience, Conn::new(options)).await;
        let connected = connecting.map_err(|_| EvidenceError::Unreachable { name: self.name(), cause: "it does not answer".to_owned() })?;
        connected.map_err(|wrong| self.why(&wrong, true))
    }

    /// TLS as this driver takes it: files, which it reads itself.
    fn tls_options(&self) -> Result<SslOpts, EvidenceError> {
        let tls = self.tls.as_ref().ok_or_else(|| EvidenceError::NoTls { name: self.name() })?;
        reach::choose_provider();
        let mut options = SslOpts::default().with_danger_accept_invalid_certs(tls.insecure);
        if tls.insecure {
            options = options.with_danger_skip_domain_validation(true);
        }
        if let Some(file) = &tls.ca_cert {
            options = options.with_disable_built_in_roots(true).with_root_certs(vec![file.clone().into()]);
        }
        if let Some((certificate, key)) = &tls.client {
            options = options.with_client_identity(Some(ClientIdentity::new(certificate.clone().into(), key.clone().into())));
        }
        Ok(options)
    }

    async fn in_time<T>(&self, asked: impl Future<Output = Result<T, EvidenceError>>) -> Result<T, EvidenceError> {
        let after = self.patience.saturating_mul(3);
        tokio::time::timeout(after, asked).await.unwrap_or_else(|_| Err(EvidenceError::Silent { name: self.name(), after }))
    }

    /// What a driver's error means, in a sentence.
    fn why(&self, wrong: &Error, connecting: bool) -> EvidenceError {
        let name = self.name();
        let Error::Server(told) = wrong else {
            let cause = reach::with_way_out(super::innermost(wrong));
            return if connecting { EvidenceError::Unreachable { name, cause } } else { EvidenceError::Gone { name, cause } };
        };
        let cause = told.message.clone();
        match told.code {
            code if NOT_LET_IN.contains(&code) => EvidenceError::NotLetIn { name, user: self.user(), cause, variable: "MYSQL_PWD" },
            NO_DATABASE => EvidenceError::NoDatabase { name, cause },
            DENIED_TABLE | DENIED_COLUMN | DENIED_DATABASE => {
                EvidenceError::Denied { name, cause, right: "read it (with --clock rewind, to update it)" }
            }
            code if WAITED.contains(&code) => {
                EvidenceError::Busy { name, after: self.patience, cause: format!("{cause}; another session may hold a lock") }
            }
            code if GOES_DOWN.contains(&code) => EvidenceError::Gone { name, cause },
            _ => EvidenceError::CannotRead { name, cause },
        }
    }

    async fn query(&self, at: &mut Conn, sql: &str, params: Vec<Value>) -> Result<Vec<SqlRow>, EvidenceError> {
        let params = if params.is_empty() { Params::Empty } else { Params::Positional(params) };
        at.exec(sql, params).await.map_err(|wrong| self.why(&wrong, false))
    }

    async fn run(&self, at: &mut Conn, sql: &str) -> Result<(), EvidenceError> {
        at.query_drop(sql).await.map_err(|wrong| self.why(&wrong, false))
    }

    /// A connection whose reading is of one moment; it ends with [`MysqlSource::done`].
    async fn snapshot(&self) -> Result<Conn, EvidenceError> {
        let mut at = self.connection().await?;
        self.run(&mut at, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY").await?;
        Ok(at)
    }

    async fn done(&self, mut at: Conn) -> Result<(), EvidenceError> {
        self.run(&mut at, "COMMIT").await?;
        self.idle.lock().await.push(at);
        Ok(())
    }

    async fn columns(&self, at: &mut Conn, table: &str) -> Result<Vec<Declared>, EvidenceError> {
        let (schema, name) = table.split_once('.').map_or((None, table), |(schema, name)| (Some(schema), name));
        let of = |sql: &str| sql.replace("{schema}", if schema.is_some() { "?" } else { "DATABASE()" });
        let params = || schema.into_iter().chain([name]).map(Value::from).collect::<Vec<_>>();
        let rows = self.query(at, &of(COLUMNS), params()).await?;
        if rows.is_empty() {
            // Whoever has no right to a table sees none of its columns.
            match at.query_drop(format!("SELECT 1 FROM {} LIMIT 0", quoted_table(table))).await {
                Err(Error::Server(told)) if told.code == NO_TABLE => {}
                Err(wrong) => return Err(self.why(&wrong, false)),
                Ok(()) => {}
            }
            let tables = self.query(at, TABLES, Vec::new()).await?;
            let names: Vec<String> = tables.iter().filter_map(|row| text_in(row, 0)).collect();
            let there = if names.is_empty() { "no table at all".to_owned() } else { names.join(", ") };
            return Err(EvidenceError::NoTable { name: self.name(), table: table.to_owned(), there });
        }
        let keyed = self.query(at, &of(PRIMARY_KEY), params()).await?;
        let number = |row: &SqlRow, place: usize| text_in(row, place).and_then(|text| text.parse::<u32>().ok()).unwrap_or(0);
        let place_of = |name: &str| keyed.iter().find(|row| text_in(row, 0).as_deref() == Some(name)).map_or(0, |row| number(row, 1));
        let declared = rows.iter().map(|row| {
            let name = text_in(row, 0).unwrap_or_default();
            let kind = kind_of(&text_in(row, 1).unwrap_or_default().to_lowercase());
            let shape = ColumnShape {
                primary_key: place_of(&name),
                name,
                kind: text_in(row, 2).unwrap_or_default().to_uppercase(),
                not_null: number(row, 3) > 0,
                default: text_in(row, 4).filter(|text| text != "NULL"),
            };
            Declared { shape, kind }
        });
        Ok(declared.collect())
    }

    async fn rows_in(&self, at: &mut Conn, table: &Table, filter: &str, params: Vec<Value>) -> Result<Vec<Row>, EvidenceError> {
        let there = self.columns(at, &table.table).await?;
        sql::see_columns(&self.name(), table, &there)?;
        let kind = |name: &str| there.iter().find(|one| one.shape.name == name).map(|one| one.kind);
        let expressions = table.columns.iter().map(|one| kind(&one.name).map_or_else(|| "NULL".to_owned(), |_| quoted(&one.name)));
        let select = format!("SELECT {} FROM {} {filter}", expressions.collect::<Vec<_>>().join(", "), quoted_table(&table.table));
        let found = self.query(at, &select, params).await?;
        let rows = found.into_iter().map(|row| {
            let values = table.columns.iter().zip(row.unwrap());
            let cells = values.map(|(column, value)| {
                let cell = cell(column, kind(&column.name).unwrap_or_default(), value);
                (column.name.clone(), cells::as_contract(table, column, cell))
            });
            Row { columns: cells.collect() }
        });
        Ok(sql::in_order(table, rows.collect()))
    }

    async fn rows_of(&self, at: &mut Conn, table: Option<&Table>, values: &[String]) -> Result<Vec<Row>, EvidenceError> {
        let Some(table) = table else { return Ok(Vec::new()) };
        if values.is_empty() {
            return self.rows_in(at, table, "LIMIT 0", Vec::new()).await;
        }
        let there = self.columns(at, &table.table).await?;
        let kind = there.iter().find(|one| one.shape.name == table.found_by()).map(|one| one.kind).unwrap_or_default();
        let mut rows = Vec::new();
        for some in values.chunks(ASKED_AT_ONCE) {
            let (filter, params) = among(table.found_by(), kind, some);
            rows.extend(self.rows_in(at, table, &format!("WHERE {filter}"), params).await?);
        }
        Ok(sql::in_order(table, rows))
    }

    async fn counts(&self, at: &mut Conn, now: UnixMicros) -> Result<Counts, EvidenceError> {
        let mut counts = Counts { at: now, ..Counts::default() };
        if let Some((keys, instant, ttl)) = sql::life_columns(&self.tables) {
            let there = self.columns(at, &keys.table).await?;
            let of = |name: &str| {
                let kind = there.iter().find(|one| one.shape.name == name).map(|one| one.kind).unwrap_or_default();
                keys.columns.iter().find(|one| one.name == name).map(|column| (column, kind))
            };
            let (of_instant, of_ttl) = (of(instant), of(ttl));
            let sql = format!("SELECT {}, {} FROM {}", quoted(instant), quoted(ttl), quoted_table(&keys.table));
            let mut rows = at.exec_iter(sql, Params::Empty).await.map_err(|wrong| self.why(&wrong, false))?;
            while let Some(row) = rows.next().await.map_err(|wrong| self.why(&wrong, false))? {
                let mut values = row.unwrap().into_iter();
                let mut next = |of: Option<(&Column, Kind)>| {
                    let value = values.next().unwrap_or(Value::NULL);
                    of.map_or(Cell::Null, |(column, kind)| cells::as_contract(keys, column, cell(column, kind, value)))
                };
                let (instant, ttl) = (next(of_instant), next(of_ttl));
                sql::count_life(&mut counts, &instant, &ttl);
            }
            drop(rows);
        } else if let Some(keys) = &self.tables.keys {
            let rows = self.query(at, &format!("SELECT COUNT(*) FROM {}", quoted_table(&keys.table)), Vec::new()).await?;
            counts.keys = rows.first().and_then(|row| text_in(row, 0)?.parse().ok()).unwrap_or(0);
        }
        if let Some(audit) = &self.tables.audit {
            let mut sql = format!("SELECT COUNT(*) FROM {}", quoted_table(&audit.table));
            let mut params = Vec::new();
            if let Some(only) = &audit.only {
                sql.push_str(&format!(" WHERE {} = ?", quoted(&only.column)));
                params.push(Value::from(only.is.as_str()));
            }
            let rows = self.query(at, &sql, params).await?;
            counts.audit = rows.first().and_then(|row| text_in(row, 0)?.parse().ok()).unwrap_or(0);
        }
        Ok(counts)
    }

    async fn seen(&self, question: &Question) -> Result<Seen, EvidenceError> {
        let mut at = self.snapshot().await?;
        let (keys, audit) = (self.tables.keys.as_ref(), self.tables.audit.as_ref());
        let mut state = ReceiverState::default();
        match &question.rows {
            Which::Nothing => {}
            Which::Of(of_keys, of_audit) => {
                state.keys = self.rows_of(&mut at, keys, of_keys).await?;
                state.audit = self.rows_of(&mut at, audit, of_audit).await?;
            }
            Which::All => {
                for (table, into) in [(keys, &mut state.keys), (audit, &mut state.audit)] {
                    if let Some(table) = table {
                        *into = self.rows_in(&mut at, table, "", Vec::new()).await?;
                    }
                }
            }
        }
        let counts = match question.counts_at {
            Some(now) => self.counts(&mut at, now).await?,
            None => Counts::default(),
        };
        let mut shapes = Vec::new();
        for table in self.tables.all().filter(|_| question.shape) {
            shapes.push(sql::shape(table, &self.columns(&mut at, &table.table).await?));
        }
        self.done(at).await?;
        Ok(Seen { state, counts, tables: shapes })
    }

    /// Counts the rows of each key as they come from the server, never all of them at once.
    async fn counted(&self, prefix: &str, told: &mut Told<'_>) -> Result<(), EvidenceError> {
        let mut at = self.snapshot().await?;
        for (role, table) in [(Role::Keys, &self.tables.keys), (Role::Audit, &self.tables.audit)] {
            let named = table.as_ref().and_then(|table| Some((table, table.column_holding("key")?)));
            let Some((table, column)) = named else { continue };
            let (key, name) = (quoted(&column.name), quoted_table(&table.table));
            let mut params = vec![Value::from(prefix)];
            let mut sql = format!("SELECT BINARY {key}, COUNT(*) FROM {name} WHERE LEFT({key}, {}) = ?", prefix.chars().count());
            if let Some(only) = &table.only {
                sql.push_str(&format!(" AND {} = ?", quoted(&only.column)));
                params.push(Value::from(only.is.as_str()));
            }
            sql.push_str(" GROUP BY BINARY ");
            sql.push_str(&key);
            let mut rows = at.exec_iter(sql, Params::Positional(params)).await.map_err(|wrong| self.why(&wrong, false))?;
            while let Some(row) = rows.next().await.map_err(|wrong| self.why(&wrong, false))? {
                if let (Some(key), Some(count)) = (text_in(&row, 0), text_in(&row, 1)) {
                    told(role, &key, count.parse().unwrap_or(u32::MAX));
                }
            }
            drop(rows);
        }
        self.done(at).await
    }

    async fn effects_of(&self, keys: &[String]) -> Result<Vec<u64>, EvidenceError> {
        let Some(effects) = &self.effects else { return Err(EvidenceError::CannotShow { name: self.name(), what: "effects" }) };
        let mut at = self.snapshot().await?;
        let there = self.columns(&mut at, &effects.table).await?;
        let Some(column) = there.iter().find(|one| one.shape.name == effects.key) else {
            let there = there.iter().map(|one| one.shape.name.as_str()).collect::<Vec<_>>().join(", ");
            let (table, missing) = (effects.table.clone(), effects.key.clone());
            return Err(EvidenceError::NoColumn { name: self.name(), table, missing, there });
        };
        let mut counts: HashMap<String, u64> = HashMap::new();
        for some in keys.chunks(ASKED_AT_ONCE) {
            let (filter, params) = among(&effects.key, column.kind, some);
            let (key, name) = (quoted(&effects.key), quoted_table(&effects.table));
            let sql = format!("SELECT BINARY {key}, COUNT(*) FROM {name} WHERE {filter} GROUP BY BINARY {key}");
            for row in self.query(&mut at, &sql, params).await? {
                counts.extend(text_in(&row, 0).zip(text_in(&row, 1).and_then(|count| count.parse().ok())));
            }
        }
        self.done(at).await?;
        Ok(keys.iter().map(|key| counts.get(key).copied().unwrap_or(0)).collect())
    }
}

impl Source for MysqlSource {
    fn name(&self) -> String {
        self.server.named("mysql")
    }

    fn can(&self) -> Can {
        super::can_of(&self.tables, self.effects.is_some())
    }

    fn check_available(&self) -> Asked<'_, ()> {
        let question = Question { rows: Which::Of(Vec::new(), Vec::new()), ..Question::default() };
        Box::pin(async move {
            self.in_time(self.seen(&question)).await?;
            if self.effects.is_some() { self.in_time(self.effects_of(&[])).await.map(drop) } else { Ok(()) }
        })
    }

    fn rows(&self, question: Question) -> Asked<'_, Seen> {
        Box::pin(async move { self.in_time(self.seen(&question)).await })
    }

    fn count<'a>(&'a self, prefix: &'a str, told: &'a mut Told<'_>) -> Asked<'a, ()> {
        Box::pin(async move { self.in_time(self.counted(prefix, told)).await })
    }

    fn effects<'a>(&'a self, keys: &'a [String]) -> Asked<'a, Vec<u64>> {
        Box::pin(async move { self.in_time(self.effects_of(keys)).await })
    }

    fn rewind<'a>(&'a self, keys: &'a [String], by: Duration) -> Asked<'a, usize> {
        Box::pin(async move { self.in_time(self.moved(keys, by)).await })
    }

    fn would_rewind(&self) -> Option<String> {
        let keys = self.tables.keys.as_ref().filter(|_| self.tables.can_be_rewound())?;
        let (table, instant) = (quoted_table(&keys.table), quoted(keys.instant()?));
        let key = quoted(&keys.column_holding("key")?.name);
        Some(format!("UPDATE {table} SET {instant} = {instant} - INTERVAL <so much> WHERE {key} IN (<the keys of the scenario>)"))
    }
}
