//! PostgreSQL: rows, counts and effects, each question in one read-only snapshot.
//!
//! Cells are read as text that the server makes of them, so that every type of
//! column can be read. Locks and statements are waited for so long and no
//! longer; a connection is used again, and made anew when the server went away.

mod moving;
mod statements;

use std::time::Duration;

use rustls::ClientConfig;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, IsolationLevel, NoTls, Row as SqlRow, Transaction};
use tokio_postgres_rustls::MakeRustlsConnect;

use self::statements::{COLUMNS, TABLES, among, key_text, quoted, quoted_table, read};
use super::place::{Server, Tls};
use super::reach;
use super::sql::{self, ASKED_AT_ONCE, Declared, FETCHED_AT_ONCE};
use super::{Asked, Can, EffectsTable, EvidenceError, Question, Role, Seen, Source, TlsSettings, Told, Which, cells};
use crate::contract::tables::{StateTables, Table};
use crate::state::{Cell, ColumnShape, Counts, ReceiverState, Row};

/// A PostgreSQL database.
pub struct PostgresSource {
    server: Server,
    tables: StateTables,
    effects: Option<EffectsTable>,
    password: Option<SecretString>,
    tls: Option<TlsSettings>,
    patience: Duration,
    idle: Mutex<Vec<Client>>,
}

/// A value on its way into a statement.
type Param = Box<dyn ToSql + Sync + Send>;

/// Values as the driver takes them.
fn bound(params: &[Param]) -> Vec<&(dyn ToSql + Sync)> {
    fn plain(one: &Param) -> &(dyn ToSql + Sync) {
        one.as_ref()
    }
    params.iter().map(plain).collect()
}

impl PostgresSource {
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

    async fn client(&self) -> Result<Client, EvidenceError> {
        while let Some(client) = self.idle.lock().await.pop() {
            if !client.is_closed() {
                return Ok(client);
            }
        }
        let user = self.server.user.clone().unwrap_or_else(|| "postgres".to_owned());
        let mut config = Config::new();
        config.host(&self.server.host).port(self.server.port).user(&user).connect_timeout(self.patience).application_name("hookgate");
        config.dbname(self.server.database.as_deref().unwrap_or(&user));
        if let Some(password) = &self.password {
            config.password(password.expose_secret());
        }
        let client = match self.server.tls {
            Tls::Off => {
                let (client, connection) =
                    config.ssl_mode(SslMode::Disable).connect(NoTls).await.map_err(|wrong| self.why(&wrong, true))?;
                tokio::spawn(async move { drop(connection.await) });
                client
            }
            Tls::Require => {
                let tls = MakeRustlsConnect::new(ClientConfig::clone(
                    &self.tls.as_ref().ok_or_else(|| EvidenceError::NoTls { name: self.name() })?.for_database(),
                ));
                let (client, connection) = config.ssl_mode(SslMode::Require).connect(tls).await.map_err(|wrong| self.why(&wrong, true))?;
                tokio::spawn(async move { drop(connection.await) });
                client
            }
        };
        let millis = self.patience.as_millis();
        let mut settings = format!("SET lock_timeout = {millis}; SET statement_timeout = {millis}");
        if !self.server.schemas.is_empty() {
            let schemas: Vec<String> = self.server.schemas.iter().map(|schema| quoted(schema)).collect();
            settings.push_str(&format!("; SET search_path TO {}", schemas.join(", ")));
        }
        client.batch_execute(&settings).await.map_err(|wrong| self.why(&wrong, false))?;
        Ok(client)
    }

    /// Bounds a question: several statements may each take their time.
    async fn in_time<T>(&self, asked: impl Future<Output = Result<T, EvidenceError>>) -> Result<T, EvidenceError> {
        let after = self.patience.saturating_mul(3);
        tokio::time::timeout(after, asked).await.unwrap_or_else(|_| Err(EvidenceError::Silent { name: self.name(), after }))
    }

    async fn put_back(&self, client: Client) {
        self.idle.lock().await.push(client);
    }

    /// What a driver's error means, in a sentence.
    fn why(&self, wrong: &tokio_postgres::Error, connecting: bool) -> EvidenceError {
        let name = self.name();
        let Some(told) = wrong.as_db_error() else {
            let cause = reach::with_way_out(super::innermost(wrong));
            let user = self.server.user.clone().unwrap_or_else(|| "postgres".to_owned());
            return if cause.contains("password missing") {
                EvidenceError::NotLetIn { name, user, cause: "no password was given".to_owned(), variable: "PGPASSWORD" }
            } else if connecting {
                EvidenceError::Unreachable { name, cause }
            } else {
                EvidenceError::Gone { name, cause }
            };
        };
        let cause = told.message().to_owned();
        let code = told.code();
        if [SqlState::INVALID_PASSWORD, SqlState::INVALID_AUTHORIZATION_SPECIFICATION].contains(code) {
            let user = self.server.user.clone().unwrap_or_else(|| "postgres".to_owned());
            EvidenceError::NotLetIn { name, user, cause, variable: "PGPASSWORD" }
        } else if *code == SqlState::INVALID_CATALOG_NAME {
            EvidenceError::NoDatabase { name, cause }
        } else if *code == SqlState::INSUFFICIENT_PRIVILEGE {
            EvidenceError::Denied { name, cause, right: "read it (with --clock rewind, to update it)" }
        } else if [SqlState::LOCK_NOT_AVAILABLE, SqlState::QUERY_CANCELED, SqlState::T_R_DEADLOCK_DETECTED].contains(code) {
            EvidenceError::Busy { name, after: self.patience, cause: format!("{cause}; another session may hold a lock") }
        } else if [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW].contains(code) {
            if connecting { EvidenceError::Unreachable { name, cause } } else { EvidenceError::Gone { name, cause } }
        } else {
            EvidenceError::CannotRead { name, cause }
        }
    }

    async fn query(&self, at: &Transaction<'_>, sql: &str, params: &[Param]) -> Result<Vec<SqlRow>, EvidenceError> {
        let params = bound(params);
        at.query(sql, &params).await.map_err(|wrong| self.why(&wrong, false))
    }

    async fn snapshot<'c>(&self, client: &'c mut Client) -> Result<Transaction<'c>, EvidenceError> {
        let begun = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start().await;
        begun.map_err(|wrong| self.why(&wrong, false))
    }

    /// The columns of a table as they are declared.
    async fn columns(&self, at: &Transaction<'_>, table: &str) -> Result<Vec<Declared>, EvidenceError> {
        let rows = self.query(at, COLUMNS, &[Box::new(quoted_table(table))]).await?;
        if rows.is_empty() {
            let tables = self.query(at, TABLES, &[]).await?;
            let names: Vec<String> = tables.iter().filter_map(|row| row.try_get(0).ok()).collect();
            let there = if names.is_empty() { "no table at all".to_owned() } else { names.join(", ") };
            return Err(EvidenceError::NoTable { name: self.name(), table: table.to_owned(), there });
        }
        let declared = rows.iter().map(|row| {
            let kind: String = row.try_get(1)?;
            let place: i32 = row.try_get(4)?;
            let shape = ColumnShape {
                name: row.try_get(0)?,
                kind: kind.to_uppercase(),
                not_null: row.try_get(2)?,
                default: row.try_get(3)?,
                primary_key: u32::try_from(place).unwrap_or(0),
            };
            Ok(Declared { kind: statements::kind_of(&kind), shape })
        });
        declared.collect::<Result<_, tokio_postgres::Error>>().map_err(|wrong| self.why(&wrong, false))
    }

    /// The rows of one table that a filter leaves.
    async fn rows_in(&self, at: &Transaction<'_>, table: &Table, filter: &str, params: &[Param]) -> Result<Vec<Row>, EvidenceError> {
        let there = self.columns(at, &table.table).await?;
        sql::see_columns(&self.name(), table, &there)?;
        let kind = |name: &str| there.iter().find(|one| one.shape.name == name).map(|one| one.kind);
        // A column that is missing reads as NULL here; that it is missing is told by the check of the tables.
        let expressions =
            table.columns.iter().map(|one| kind(&one.name).map_or_else(|| "NULL::text".to_owned(), |kind| read(&one.name, kind)));
        let select = format!("SELECT {} FROM {} {filter}", expressions.collect::<Vec<_>>().join(", "), quoted_table(&table.table));
        let found = self.query(at, &select, params).await?;
        let rows = found.iter().map(|row| {
            let cells = table.columns.iter().enumerate().map(|(place, column)| {
                let text: Option<String> = row.try_get(place).map_err(|wrong| self.why(&wrong, false))?;
                let cell = text.map_or(Cell::Null, |text| statements::cell(column, kind(&column.name).unwrap_or_default(), text));
                Ok((column.name.clone(), cells::as_contract(table, column, cell)))
            });
            Ok(Row { columns: cells.collect::<Result<_, EvidenceError>>()? })
        });
        Ok(sql::in_order(table, rows.collect::<Result<_, EvidenceError>>()?))
    }

    async fn rows_of(&self, at: &Transaction<'_>, table: Option<&Table>, values: &[String]) -> Result<Vec<Row>, EvidenceError> {
        let Some(table) = table else { return Ok(Vec::new()) };
        if values.is_empty() {
            // The rights to the table are seen to, all the same.
            return self.rows_in(at, table, "LIMIT 0", &[]).await;
        }
        let there = self.columns(at, &table.table).await?;
        let kind = there.iter().find(|one| one.shape.name == table.found_by()).map(|one| one.kind).unwrap_or_default();
        let mut rows = Vec::new();
        for some in values.chunks(ASKED_AT_ONCE) {
            let (filter, param) = among(table.found_by(), kind, some);
            rows.extend(self.rows_in(at, table, &format!("WHERE {filter}"), &[param]).await?);
        }
        Ok(sql::in_order(table, rows))
    }

    async fn counts(&self, at: &Transaction<'_>, now: crate::clock::UnixMicros) -> Result<Counts, EvidenceError> {
        let mut counts = Counts { at: now, ..Counts::default() };
        let all = |rows: &[SqlRow]| rows.first().and_then(|row| row.try_get::<_, i64>(0).ok()).unwrap_or(0);
        if let Some((keys, instant, ttl)) = sql::life_columns(&self.tables) {
            let there = self.columns(at, &keys.table).await?;
            let kind = |name: &str| there.iter().find(|one| one.shape.name == name).map(|one| one.kind).unwrap_or_default();
            let select = format!("SELECT {}, {} FROM {}", read(instant, kind(instant)), read(ttl, kind(ttl)), quoted_table(&keys.table));
            let column = |name: &str| keys.columns.iter().find(|one| one.name == name);
            let portal = at.bind(&select, &[]).await.map_err(|wrong| self.why(&wrong, false))?;
            loop {
                let rows = at.query_portal(&portal, FETCHED_AT_ONCE).await.map_err(|wrong| self.why(&wrong, false))?;
                for row in &rows {
                    let cell = |place: usize, name: &str| {
                        let text: Option<String> = row.try_get(place).ok().flatten();
                        let column = column(name)?;
                        let cell = statements::cell(column, kind(name), text?);
                        Some(cells::as_contract(keys, column, cell))
                    };
                    let (instant, ttl) = (cell(0, instant).unwrap_or(Cell::Null), cell(1, ttl).unwrap_or(Cell::Null));
                    sql::count_life(&mut counts, &instant, &ttl);
                }
                if rows.len() < FETCHED_AT_ONCE as usize {
                    break;
                }
            }
        } else if let Some(keys) = &self.tables.keys {
            counts.keys = all(&self.query(at, &format!("SELECT count(*) FROM {}", quoted_table(&keys.table)), &[]).await?);
        }
        if let Some(audit) = &self.tables.audit {
            let mut sql = format!("SELECT count(*) FROM {}", quoted_table(&audit.table));
            let mut params: Vec<Param> = Vec::new();
            if let Some(only) = &audit.only {
                sql.push_str(&format!(" WHERE {}::text = $1", quoted(&only.column)));
                params.push(Box::new(only.is.clone()));
            }
            counts.audit = all(&self.query(at, &sql, &params).await?);
        }
        Ok(counts)
    }

    async fn seen(&self, question: &Question) -> Result<Seen, EvidenceError> {
        let mut client = self.client().await?;
        let at = self.snapshot(&mut client).await?;
        let (keys, audit) = (self.tables.keys.as_ref(), self.tables.audit.as_ref());
        let state = match &question.rows {
            Which::Nothing => ReceiverState::default(),
            Which::Of(of_keys, of_audit) => {
                ReceiverState { keys: self.rows_of(&at, keys, of_keys).await?, audit: self.rows_of(&at, audit, of_audit).await? }
            }
            Which::All => {
                let mut state = ReceiverState::default();
                for (table, into) in [(keys, &mut state.keys), (audit, &mut state.audit)] {
                    if let Some(table) = table {
                        *into = self.rows_in(&at, table, "", &[]).await?;
                    }
                }
                state
            }
        };
        let counts = match question.counts_at {
            Some(now) => self.counts(&at, now).await?,
            None => Counts::default(),
        };
        let mut shapes = Vec::new();
        for table in self.tables.all().filter(|_| question.shape) {
            shapes.push(sql::shape(table, &self.columns(&at, &table.table).await?));
        }
        at.commit().await.map_err(|wrong| self.why(&wrong, false))?;
        self.put_back(client).await;
        Ok(Seen { state, counts, tables: shapes })
    }

    /// Counts the rows of each key by a cursor, some thousands at a time.
    async fn counted(&self, prefix: &str, told: &mut Told<'_>) -> Result<(), EvidenceError> {
        let mut client = self.client().await?;
        let at = self.snapshot(&mut client).await?;
        for (role, table) in [(Role::Keys, &self.tables.keys), (Role::Audit, &self.tables.audit)] {
            let named = table.as_ref().and_then(|table| Some((table, table.column_holding("key")?)));
            let Some((table, column)) = named else { continue };
            let there = self.columns(&at, &table.table).await?;
            let kind = there.iter().find(|one| one.shape.name == column.name).map(|one| one.kind).unwrap_or_default();
            let key = key_text(&column.name, kind);
            let mut params: Vec<Param> = vec![Box::new(prefix.to_owned())];
            let mut sql =
                format!("SELECT {key}, count(*) FROM {} WHERE left({key}, {}) = $1", quoted_table(&table.table), prefix.chars().count());
            if let Some(only) = &table.only {
                sql.push_str(&format!(" AND {}::text = $2", quoted(&only.column)));
                params.push(Box::new(only.is.clone()));
            }
            sql.push_str(" GROUP BY 1");
            let bound = bound(&params);
            let portal = at.bind(&sql, &bound).await.map_err(|wrong| self.why(&wrong, false))?;
            loop {
                let rows = at.query_portal(&portal, FETCHED_AT_ONCE).await.map_err(|wrong| self.why(&wrong, false))?;
                for row in &rows {
                    let (key, count): (Option<String>, i64) = (row.try_get(0).ok().flatten(), row.try_get(1).unwrap_or(0));
                    if let Some(key) = key {
                        told(role, &key, u32::try_from(count).unwrap_or(u32::MAX));
                    }
                }
                if rows.len() < FETCHED_AT_ONCE as usize {
                    break;
                }
            }
        }
        at.commit().await.map_err(|wrong| self.why(&wrong, false))?;
        self.put_back(client).await;
        Ok(())
    }

    async fn effects_of(&self, keys: &[String]) -> Result<Vec<u64>, EvidenceError> {
        let Some(effects) = &self.effects else { return Err(EvidenceError::CannotShow { name: self.name(), what: "effects" }) };
        let mut client = self.client().await?;
        let at = self.snapshot(&mut client).await?;
        let there = self.columns(&at, &effects.table).await?;
        let Some(column) = there.iter().find(|one| one.shape.name == effects.key) else {
            let there = there.iter().map(|one| one.shape.name.as_str()).collect::<Vec<_>>().join(", ");
            let (table, missing) = (effects.table.clone(), effects.key.clone());
            return Err(EvidenceError::NoColumn { name: self.name(), table, missing, there });
        };
        let mut counts = std::collections::HashMap::new();
        let key = key_text(&effects.key, column.kind);
        for some in keys.chunks(ASKED_AT_ONCE) {
            let (filter, param) = among(&effects.key, column.kind, some);
            let sql = format!("SELECT {key}, count(*) FROM {} WHERE {filter} GROUP BY 1", quoted_table(&effects.table));
            for row in self.query(&at, &sql, &[param]).await? {
                let (key, count): (Option<String>, i64) = (row.try_get(0).ok().flatten(), row.try_get(1).unwrap_or(0));
                counts.extend(key.map(|key| (key, u64::try_from(count).unwrap_or(0))));
            }
        }
        at.commit().await.map_err(|wrong| self.why(&wrong, false))?;
        self.put_back(client).await;
        Ok(keys.iter().map(|key| counts.get(key).copied().unwrap_or(0)).collect())
    }
}

impl Source for PostgresSource {
    fn name(&self) -> String {
        self.server.named("postgres")
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
        Some(format!("UPDATE {table} SET {instant} = {instant} - <so much> WHERE {key} = ANY (<the keys of the scenario>)"))
    }
}
