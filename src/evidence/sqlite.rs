//! SQLite: what a receiver remembers, read from its database file.
//!
//! Opens the file read-only, also while the receiver is writing it, and never
//! holds a lock that the receiver could run into: one with a write-ahead log is
//! read in one short transaction, one with a rollback journal from a copy of
//! its bytes (`probe::copy`). A database that is busy is waited for a bounded time.
//! Gives rows as the contract names them; what they should be is `check`'s business.
//!
//! **Invariant:** nothing here writes, but for [`rewind`], which moves the
//! times of key rows that a scenario itself has made, on `--clock rewind`.

#[cfg(unix)]
mod copy;
#[cfg(not(unix))]
#[path = "sqlite/no_copy.rs"]
mod copy;
mod counts;
pub mod rewind;
mod source;

pub use self::source::SqliteSource;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, params, params_from_iter};

use self::copy::Copied;
use self::counts::counts;
use crate::clock::{UnixMicros, span};
use crate::contract::tables::{Column, StateTables, Table};
use crate::evidence::{Question, Seen, Which, cells};
use crate::state::{Cell, ColumnShape, Counts, ReceiverState, Row, TableShape};

/// Why a database cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// There is no such file.
    #[error("there is no database {}: give the path of the receiver's SQLite file with --db", path.display())]
    Absent {
        /// The path.
        path: PathBuf,
    },
    /// The file cannot be opened.
    #[error("cannot open the database {}: {cause} (a database in WAL mode needs a folder that can be written)", path.display())]
    CannotOpen {
        /// The path.
        path: PathBuf,
        /// What SQLite said.
        cause: String,
    },
    /// The file is something else.
    #[error("{} is not a SQLite database", path.display())]
    NotADatabase {
        /// The path.
        path: PathBuf,
    },
    /// A table of the contract is missing.
    #[error("the database {} has no table `{table}`, which the contract names; it has {there}", path.display())]
    NoTable {
        /// The path.
        path: PathBuf,
        /// The table.
        table: String,
        /// The tables that are there, for people.
        there: String,
    },
    /// A column that rows are found by is missing.
    #[error("the table `{table}` of {} has no column {missing}, which the contract names; it has {there}", path.display())]
    NoColumn {
        /// The path.
        path: PathBuf,
        /// The table.
        table: String,
        /// The columns that are missing.
        missing: String,
        /// The columns that are there.
        there: String,
    },
    /// Somebody else held the database too long.
    #[error("the database {} was busy for {}: another connection holds it locked", path.display(), span::write(*after))]
    Busy {
        /// The path.
        path: PathBuf,
        /// How long was waited.
        after: Duration,
    },
    /// Anything else.
    #[error("cannot read the database {}: {cause}", path.display())]
    CannotRead {
        /// The path.
        path: PathBuf,
        /// What SQLite said.
        cause: String,
    },
}

/// A database that is open for reading.
pub struct Probe {
    path: PathBuf,
    busy: Duration,
    tables: StateTables,
    connection: Connection,
}

impl Probe {
    /// Opens a database and sees that the contract's tables and columns are there.
    ///
    /// `busy` is how long another connection's lock is waited for, at each read.
    ///
    /// # Errors
    /// [`ProbeError`], one sentence that names the file and what is missing.
    pub fn open(path: &Path, tables: &StateTables, busy: Duration) -> Result<Self, ProbeError> {
        if !path.is_file() {
            return Err(ProbeError::Absent { path: path.to_owned() });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)
            .map_err(|cause| ProbeError::CannotOpen { path: path.to_owned(), cause: cause.to_string() })?;
        let probe = Self { path: path.to_owned(), busy, tables: tables.clone(), connection };
        // Whoever closes last tidies up, under a lock on the whole file: that is the receiver's to do.
        probe.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(|cause| probe.why(&cause))?;
        probe.connection.pragma_update(None, "query_only", true).map_err(|cause| probe.why(&cause))?;
        probe.check_tables()?;
        Ok(probe)
    }

    fn check_tables(&self) -> Result<(), ProbeError> {
        let found = self.at_one_moment(|connection| {
            let shapes = self.tables.all().map(|table| shape_of(connection, &table.table));
            Ok((shapes.collect::<rusqlite::Result<Vec<TableShape>>>()?, table_names(connection)?))
        });
        let (shapes, names) = found?;
        for (table, shape) in self.tables.all().zip(shapes) {
            if shape.columns.is_empty() {
                let there = if names.is_empty() { "no table at all".to_owned() } else { names.join(", ") };
                return Err(ProbeError::NoTable { path: self.path.clone(), table: table.table.clone(), there });
            }
            let has = |name: &str| shape.columns.iter().any(|column| column.name == name);
            let missing: Vec<&str> = std::iter::once(table.found_by()).chain(table.instant()).filter(|name| !has(name)).collect();
            if !missing.is_empty() {
                let there = shape.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ");
                let (path, table) = (self.path.clone(), table.table.clone());
                return Err(ProbeError::NoColumn { path, table, missing: missing.join(", "), there });
            }
        }
        Ok(())
    }

    /// Everything that the contract's tables hold, oldest first; audit rows of other events left out.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn state(&self) -> Result<ReceiverState, ProbeError> {
        self.seen(&Question { rows: Which::All, ..Question::default() }).map(|seen| seen.state)
    }

    /// The rows that are found by these values, oldest first: cheap also in large tables.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn rows_of(&self, key_values: &[String], audit_values: &[String]) -> Result<ReceiverState, ProbeError> {
        let rows = Which::Of(key_values.to_vec(), audit_values.to_vec());
        self.seen(&Question { rows, ..Question::default() }).map(|seen| seen.state)
    }

    /// All that is asked, as it was at one moment.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn seen(&self, question: &Question) -> Result<Seen, ProbeError> {
        self.at_one_moment(|connection| {
            let tables = &self.tables;
            let (keys, audit) = (tables.keys.as_ref(), tables.audit.as_ref());
            let state = match &question.rows {
                Which::Nothing => ReceiverState::default(),
                Which::Of(of_keys, of_audit) => {
                    let found =
                        |table: Option<&Table>, values| table.map_or_else(|| Ok(Vec::new()), |table| rows_of(connection, table, values));
                    ReceiverState { keys: found(keys, of_keys)?, audit: found(audit, of_audit)? }
                }
                Which::All => {
                    let all = |table: Option<&Table>| table.map_or_else(|| Ok(Vec::new()), |table| rows(connection, table, "", &[]));
                    ReceiverState { keys: all(keys)?, audit: all(audit)? }
                }
            };
            let counts = question.counts_at.map_or_else(|| Ok(Counts::default()), |now| counts(connection, tables, now))?;
            let shapes = || tables.all().map(|table| shape_of(connection, &table.table)).collect::<rusqlite::Result<Vec<TableShape>>>();
            Ok(Seen { state, counts, tables: if question.shape { shapes()? } else { Vec::new() } })
        })
    }

    /// Tells how many key rows, then how many audit rows, bear each key that begins with `prefix`; for deliveries by the million.
    ///
    /// Rows of a table that does not name keys are not told.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn rows_by_key(
        &self,
        prefix: &str,
        mut of_keys: impl FnMut(&str, u32),
        mut of_audit: impl FnMut(&str, u32),
    ) -> Result<(), ProbeError> {
        self.at_one_moment(|connection| {
            let count = |table: &Option<Table>, told: &mut dyn FnMut(&str, u32)| {
                let named = table.as_ref().and_then(|table| Some((table, table.column_holding("key")?)));
                named.map_or(Ok(()), |(table, column)| counted(connection, table, &column.name, prefix, told))
            };
            count(&self.tables.keys, &mut of_keys)?;
            count(&self.tables.audit, &mut of_audit)
        })
    }

    /// How often each of these keys stands in a column of a table, in their order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn effects<K: AsRef<[u8]>>(&self, table: &str, key: &str, keys: &[K]) -> Result<Vec<u64>, ProbeError> {
        self.at_one_moment(|connection| {
            // By bytes: what the column's own collation takes for one (NOCASE, RTRIM) are two keys.
            let sql =
                format!("SELECT count(*) FROM {} WHERE {key} COLLATE BINARY IN (CAST(?1 AS TEXT), ?1)", quoted(table), key = quoted(key));
            let mut query = connection.prepare(&sql)?;
            // Bound as bytes: text that is no UTF-8 is found as it stands there.
            let count = |key: &K| query.query_row(params![key.as_ref()], |row| row.get::<_, i64>(0));
            let counts = keys.iter().map(count).collect::<rusqlite::Result<Vec<i64>>>()?;
            Ok(counts.into_iter().map(|count| u64::try_from(count).unwrap_or(0)).collect())
        })
    }

    /// How many rows of live keys there are at `now`, and how many of the contract's audit rows.
    ///
    /// Expired key rows are left out, for a cleanup may take them away at any
    /// time; and the rows that will expire within the hour are told by their
    /// end, so that a later count can be compared with this one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn counts(&self, now: UnixMicros) -> Result<Counts, ProbeError> {
        self.seen(&Question { counts_at: Some(now), ..Question::default() }).map(|seen| seen.counts)
    }

    /// The contract's tables as the database declares them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn tables(&self) -> Result<Vec<TableShape>, ProbeError> {
        self.seen(&Question { shape: true, ..Question::default() }).map(|seen| seen.tables)
    }

    /// Reads all tables as they are at one moment: from a copy, or in one transaction, which ends with the reading.
    fn at_one_moment<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, ProbeError> {
        let patience = match copy::of(&self.path, self.busy) {
            Copied::Whole(copy) => return read(&copy).map_err(|cause| self.why(&cause)),
            Copied::NotHere => self.busy,
            // What could be waited for has been.
            Copied::Busy => Duration::ZERO,
        };
        self.connection.busy_timeout(patience).map_err(|cause| self.why(&cause))?;
        let transaction = self.connection.unchecked_transaction().map_err(|cause| self.why(&cause))?;
        let found = read(&self.connection).map_err(|cause| self.why(&cause))?;
        drop(transaction);
        Ok(found)
    }

    fn why(&self, cause: &rusqlite::Error) -> ProbeError {
        let path = self.path.clone();
        match cause.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => ProbeError::Busy { path, after: self.busy },
            Some(ErrorCode::NotADatabase) => ProbeError::NotADatabase { path },
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                ProbeError::CannotOpen { path, cause: cause.to_string() }
            }
            Some(_) | None => ProbeError::CannotRead { path, cause: cause.to_string() },
        }
    }
}

fn table_names(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut query = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")?;
    query.query_map([], |row| row.get(0))?.collect()
}

/// The rows that are found by these values.
fn rows_of(connection: &Connection, table: &Table, values: &[String]) -> rusqlite::Result<Vec<Row>> {
    if values.is_empty() {
        return Ok(Vec::new());
    }
    // One parameter for all of them: a statement has room for 32,766, and rows of several statements come in no order.
    let some = serde_json::Value::from(values).to_string();
    let column = quoted(table.found_by());
    // Some receivers store keys as bytes, which SQLite never takes for text.
    let of_bytes = "SELECT CAST(value AS BLOB) FROM json_each(?1)";
    // By bytes, whatever the column's own collation takes for one.
    let column = format!("{column} COLLATE BINARY");
    let filter = format!("WHERE {column} IN (SELECT value FROM json_each(?1)) OR {column} IN ({of_bytes})");
    rows(connection, table, &filter, &[some])
}

fn rows(connection: &Connection, table: &Table, filter: &str, values: &[String]) -> rusqlite::Result<Vec<Row>> {
    let there = shape_of(connection, &table.table)?;
    // A column that is missing reads as NULL here; that it is missing is told by the check of the tables.
    let column = |name: &String| if there.columns.iter().any(|one| one.name == *name) { quoted(name) } else { "NULL".to_owned() };
    let columns: Vec<String> = table.columns.iter().map(|one| column(&one.name)).collect();
    let select = format!("SELECT {} FROM {} {filter}", columns.join(", "), quoted(&table.table));
    let instant = table.instant().map(quoted);
    // Not every table numbers its rows.
    let numbered = instant.iter().cloned().chain(["rowid".to_owned()]).collect::<Vec<_>>().join(", ");
    let mut query = match (connection.prepare(&format!("{select} ORDER BY {numbered}")), instant) {
        (Ok(query), _) => query,
        (Err(_), Some(instant)) => connection.prepare(&format!("{select} ORDER BY {instant}"))?,
        (Err(_), None) => connection.prepare(&select)?,
    };
    let rows = query.query_map(params_from_iter(values), |row| {
        let cells = table
            .columns
            .iter()
            .enumerate()
            .map(|(at, one)| Ok((one.name.clone(), cells::as_contract(table, one, cell(one, row.get_ref(at)?)))));
        Ok(Row { columns: cells.collect::<rusqlite::Result<_>>()? })
    })?;
    let ours = rows.filter(|row| row.as_ref().map_or(true, |row| table.is_ours(row)));
    ours.collect()
}

fn counted(connection: &Connection, table: &Table, column: &str, prefix: &str, told: &mut dyn FnMut(&str, u32)) -> rusqlite::Result<()> {
    let (column, only) = (quoted(column), table.only.as_ref());
    let ours = only.map_or_else(String::new, |only| format!(" AND {} = ?3", quoted(&only.column)));
    let sql = format!(
        "SELECT {column}, COUNT(*) FROM {} WHERE {column} >= ?1 AND {column} < ?2{ours} GROUP BY {column} COLLATE BINARY",
        quoted(&table.table)
    );
    let end = format!("{prefix}\u{10ffff}");
    let mut query = connection.prepare(&sql)?;
    let mut values: Vec<&str> = vec![prefix, &end];
    values.extend(only.map(|only| only.is.as_str()));
    let mut rows = query.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        // A key of another type is none of ours.
        if let Ok(key) = row.get_ref(0)?.as_str() {
            told(key, row.get(1)?);
        }
    }
    Ok(())
}

/// An identifier in quotation marks.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn cell(column: &Column, value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Real(number) => Cell::Real(number),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Cell::Text(cells::text_of(Some(column), bytes)),
    }
}

fn shape_of(connection: &Connection, table: &str) -> rusqlite::Result<TableShape> {
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
