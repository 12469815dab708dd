//! The probe: what a receiver remembers, read from its SQLite database.
//!
//! Opens the file read-only, also while the receiver is writing it (WAL or
//! rollback journal), reads in one transaction, and waits a bounded time for a
//! database that is busy. Gives rows as the contract names them; what they
//! should be is `check`'s business.
//!
//! **Invariant:** nothing here writes, but for [`rewind`], which moves the
//! times of key rows that a scenario itself has made, on `--clock rewind`.

pub mod rewind;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, params, params_from_iter};

use crate::clock::{UnixMicros, iso, span};
use crate::contract::tables::{StateTables, Table};
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
        probe.connection.busy_timeout(busy).map_err(|cause| probe.why(&cause))?;
        probe.connection.pragma_update(None, "query_only", true).map_err(|cause| probe.why(&cause))?;
        probe.see_that_tables_are_there()?;
        Ok(probe)
    }

    fn see_that_tables_are_there(&self) -> Result<(), ProbeError> {
        for table in [&self.tables.keys, &self.tables.audit] {
            let shape = shape_of(&self.connection, &table.table).map_err(|cause| self.why(&cause))?;
            if shape.columns.is_empty() {
                let there = self.table_names().map_err(|cause| self.why(&cause))?;
                let there = if there.is_empty() { "no table at all".to_owned() } else { there.join(", ") };
                return Err(ProbeError::NoTable { path: self.path.clone(), table: table.table.clone(), there });
            }
            let has = |name: &String| shape.columns.iter().any(|column| column.name == *name);
            let missing: Vec<String> = [&table.found_by, &table.instant].into_iter().filter(|name| !has(name)).cloned().collect();
            if !missing.is_empty() {
                let there = shape.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ");
                let (path, table) = (self.path.clone(), table.table.clone());
                return Err(ProbeError::NoColumn { path, table, missing: missing.join(", "), there });
            }
        }
        Ok(())
    }

    fn table_names(&self) -> rusqlite::Result<Vec<String>> {
        let mut query =
            self.connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")?;
        query.query_map([], |row| row.get(0))?.collect()
    }

    /// Everything that the contract's tables hold, oldest first; audit rows of other events left out.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn state(&self) -> Result<ReceiverState, ProbeError> {
        self.at_one_moment(|| {
            let all = |table| self.rows(table, "", &[]);
            Ok(ReceiverState { keys: all(&self.tables.keys)?, audit: all(&self.tables.audit)? })
        })
    }

    /// The rows that are found by these values, oldest first: cheap also in large tables.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn rows_of(&self, key_values: &[String], audit_values: &[String]) -> Result<ReceiverState, ProbeError> {
        self.at_one_moment(|| {
            let found = |table: &Table, values: &[String]| -> rusqlite::Result<Vec<Row>> {
                // One parameter for all of them: a statement has room for 32,766, and rows of several statements come in no order.
                let some = serde_json::Value::from(values).to_string();
                self.rows(table, &format!("WHERE {} IN (SELECT value FROM json_each(?1))", quoted(&table.found_by)), &[some])
            };
            Ok(ReceiverState { keys: found(&self.tables.keys, key_values)?, audit: found(&self.tables.audit, audit_values)? })
        })
    }

    /// Tells how many key rows, then how many audit rows, bear each key that begins with `prefix`; for deliveries by the million.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn rows_by_key(
        &self,
        prefix: &str,
        mut of_keys: impl FnMut(&str, u32),
        mut of_audit: impl FnMut(&str, u32),
    ) -> Result<(), ProbeError> {
        self.at_one_moment(|| {
            self.counted(&self.tables.keys, prefix, &mut of_keys)?;
            self.counted(&self.tables.audit, prefix, &mut of_audit)
        })
    }

    fn counted(&self, table: &Table, prefix: &str, told: &mut dyn FnMut(&str, u32)) -> rusqlite::Result<()> {
        let (column, only) = (quoted(&table.found_by), table.only.as_ref());
        let ours = only.map_or_else(String::new, |only| format!(" AND {} = ?3", quoted(&only.column)));
        let sql =
            format!("SELECT {column}, COUNT(*) FROM {} WHERE {column} >= ?1 AND {column} < ?2{ours} GROUP BY 1", quoted(&table.table));
        let end = format!("{prefix}\u{10ffff}");
        let mut query = self.connection.prepare(&sql)?;
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

    /// How many rows of live keys there are at `now`, and how many of the contract's audit rows.
    ///
    /// Expired key rows are left out, for a cleanup may take them away at any
    /// time; and the rows that will expire within the hour are told by their
    /// end, so that a later count can be compared with this one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn counts(&self, now: UnixMicros) -> Result<Counts, ProbeError> {
        self.at_one_moment(|| {
            let (keys, audit) = (&self.tables.keys, &self.tables.audit);
            let all = format!("SELECT count(*) FROM {}", quoted(&keys.table));
            let mut counts = Counts { at: now, ..Counts::default() };
            match keys.column_holding("ttl") {
                None => counts.keys = self.connection.query_row(&all, [], |row| row.get(0))?,
                Some(ttl) => {
                    let end = format!("datetime({}, '+' || {} || ' seconds')", quoted(&keys.instant), quoted(&ttl.name));
                    // A life that cannot be told never ends.
                    let live = format!("{all} WHERE COALESCE({end} >= datetime(?1), 1)");
                    counts.keys = self.connection.query_row(&live, params![iso::write(now)], |row| row.get(0))?;
                    let (table, soon) = (quoted(&keys.table), "datetime(?1, '+1 hour')");
                    let ends =
                        format!("SELECT CAST(strftime('%s', {end}) AS INTEGER) FROM {table} WHERE {end} BETWEEN datetime(?1) AND {soon}");
                    let mut query = self.connection.prepare(&ends)?;
                    counts.ends = query.query_map(params![iso::write(now)], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
                }
            }
            let table = quoted(&audit.table);
            counts.audit = match &audit.only {
                Some(only) => {
                    let sql = format!("SELECT count(*) FROM {table} WHERE {} = ?1", quoted(&only.column));
                    self.connection.query_row(&sql, params![only.is], |row| row.get(0))?
                }
                None => self.connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?,
            };
            Ok(counts)
        })
    }

    /// The contract's tables as the database declares them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn tables(&self) -> Result<Vec<TableShape>, ProbeError> {
        self.at_one_moment(|| {
            Ok(vec![shape_of(&self.connection, &self.tables.keys.table)?, shape_of(&self.connection, &self.tables.audit.table)?])
        })
    }

    /// Reads in one transaction, so that both tables are seen at one moment.
    fn at_one_moment<T>(&self, read: impl FnOnce() -> rusqlite::Result<T>) -> Result<T, ProbeError> {
        let transaction = self.connection.unchecked_transaction().map_err(|cause| self.why(&cause))?;
        let found = read().map_err(|cause| self.why(&cause))?;
        drop(transaction);
        Ok(found)
    }

    fn rows(&self, table: &Table, filter: &str, values: &[String]) -> rusqlite::Result<Vec<Row>> {
        let there = shape_of(&self.connection, &table.table)?;
        // A column that is missing reads as NULL here; that it is missing is told by the check of the tables.
        let column = |name: &String| if there.columns.iter().any(|one| one.name == *name) { quoted(name) } else { "NULL".to_owned() };
        let columns: Vec<String> = table.columns.iter().map(|one| column(&one.name)).collect();
        let sql =
            format!("SELECT {} FROM {} {filter} ORDER BY {}, rowid", columns.join(", "), quoted(&table.table), quoted(&table.instant));
        let mut query = self.connection.prepare(&sql)?;
        let rows = query.query_map(params_from_iter(values), |row| {
            let cells = table.columns.iter().enumerate().map(|(at, one)| Ok((one.name.clone(), cell(row.get_ref(at)?))));
            Ok(Row { columns: cells.collect::<rusqlite::Result<_>>()? })
        })?;
        let ours = rows.filter(|row| row.as_ref().map_or(true, |row| table.is_ours(row)));
        ours.collect()
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

/// An identifier in quotation marks.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Real(number) => Cell::Real(number),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Cell::Text(String::from_utf8_lossy(bytes).into_owned()),
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
