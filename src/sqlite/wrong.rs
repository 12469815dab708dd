//! A store that remembers wrongly on purpose: the defects of what is written,
//! found, removed and shown.
//!
//! It stands over a right store, and does one thing differently. Where it
//! writes, it does so in the delivery's own transaction.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{params, params_from_iter};

use super::sql::{expiry_expression, quoted};
use super::{Bound, SqliteStore, failed};
use crate::clock::{UnixMicros, iso};
use crate::contract::Contract;
use crate::contract::tables::{StateTables, Table};
use crate::reference::Receiver;
use crate::reference::defect::Defect;
use crate::reference::store::{Acceptance, First, Store, StoreError};
use crate::reference::wrong::{Wrong, misread};
use crate::sign::Signer;
use crate::state::{ReceiverState, Row, TableShape};

/// By how much some defects miss the end of a key's life.
const TEN_SECONDS: Duration = Duration::from_secs(10);
/// How close together deliveries are that a racing store gets wrong.
const RACE: Duration = Duration::from_millis(30);
/// One defect writes its audit rows so late.
const HALF_A_SECOND: Duration = Duration::from_millis(500);
/// One defect cleans up only so often.
const SELDOM: u32 = 50;

/// The reference with `defect` in it, as a receiver of `contract`; without a path its database is in memory.
///
/// # Errors
/// When its database cannot be opened.
pub fn receiver(
    contract: &Arc<Contract>,
    signer: Option<Signer>,
    database: Option<&Path>,
    ttl_secs: Option<u64>,
    defect: Defect,
) -> Result<Receiver<WrongStore>, StoreError> {
    let contract = misread(contract, defect);
    let inner = match database {
        Some(path) => SqliteStore::open(Arc::clone(&contract), path)?,
        None => SqliteStore::in_memory(Arc::clone(&contract))?,
    };
    let mut receiver = Receiver::new(contract, signer, WrongStore::over(inner, defect)?, ttl_secs)?;
    receiver.set_seams(Box::new(Wrong::new(defect)));
    Ok(receiver)
}

/// A store with one defect in it.
pub struct WrongStore {
    inner: SqliteStore,
    defect: Defect,
    /// Audit rows that are not written yet, and when they are.
    late: Vec<(UnixMicros, Row)>,
    cleanups: u32,
}

impl WrongStore {
    /// Puts `defect` over a store that was opened just now.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn over(inner: SqliteStore, defect: Defect) -> Result<Self, StoreError> {
        let store = Self { inner, defect, late: Vec::new(), cleanups: 0 };
        if store.defect.name == "forgets-on-restart"
            && let Some(tables) = store.tables_of()
        {
            store.run(&format!("DELETE FROM {}", quoted(&tables.keys.table)), &[])?;
        }
        Ok(store)
    }

    fn is(&self, name: &str) -> bool {
        debug_assert!(Defect::named(name).is_some(), "{name} is not in the catalogue");
        self.defect.name == name
    }

    fn tables_of(&self) -> Option<StateTables> {
        self.inner.contract.state.clone()
    }

    fn run(&self, sql: &str, values: &[&str]) -> Result<usize, StoreError> {
        self.inner.connection.execute(sql, params_from_iter(values)).map_err(failed("do what its defect wants"))
    }

    fn write_audit(&self, row: &Row) -> Result<(), StoreError> {
        let Some(sql) = &self.inner.sql.put_audit else { return Ok(()) };
        let cells = row.columns.iter().map(|(_, cell)| Bound(cell));
        self.inner.connection.execute(sql, params_from_iter(cells)).map(|_| ()).map_err(failed("write an audit row"))
    }

    /// Writes the newest audit row of a key again, at another instant.
    fn audit_again(&self, audit: &Table, key: &str, at: UnixMicros) -> Result<(), StoreError> {
        let (table, instant, found_by) = (quoted(&audit.table), quoted(&audit.instant), quoted(&audit.found_by));
        let column = |name: &str| if name == audit.instant { "?2".to_owned() } else { quoted(name) };
        let into: Vec<String> = audit.columns.iter().map(|one| quoted(&one.name)).collect();
        let from: Vec<String> = audit.columns.iter().map(|one| column(&one.name)).collect();
        let sql = format!(
            "INSERT OR IGNORE INTO {table} ({}) SELECT {} FROM {table} WHERE {found_by} = ?1 ORDER BY {instant} DESC LIMIT 1",
            into.join(", "),
            from.join(", ")
        );
        self.run(&sql, &[key, &iso::write(at)]).map(|_| ())
    }

    /// What is done differently once a delivery is written.
    fn after_acceptance(&mut self, tables: &StateTables, acceptance: &Acceptance) -> Result<(), StoreError> {
        let (audit, row) = (&tables.audit, &acceptance.audit_row);
        let (table, instant) = (quoted(&audit.table), quoted(&audit.instant));
        let Some(ts) = row.text(&audit.instant).map(str::to_owned) else { return Ok(()) };
        let remove = format!("DELETE FROM {table} WHERE {instant} = ?1");
        match self.defect.name {
            "no-audit-row" => self.run(&remove, &[&ts]).map(|_| ()),
            "audit-row-late" => {
                self.late.push((acceptance.key.ts.plus(HALF_A_SECOND), row.clone()));
                self.run(&remove, &[&ts]).map(|_| ())
            }
            "audit-rows-twice" => self.audit_again(audit, &acceptance.key.key, UnixMicros(acceptance.key.ts.0 + 1)),
            "whole-second-instants" => {
                let whole = iso::write(UnixMicros::from_secs(acceptance.key.ts.secs()));
                self.run(&format!("UPDATE OR IGNORE {table} SET {instant} = ?2 WHERE {instant} = ?1"), &[&ts, &whole])?;
                // Where the second was taken, the row is still as it was, and is lost.
                if ts == whole { Ok(()) } else { self.run(&remove, &[&ts]).map(|_| ()) }
            }
            _ => Ok(()),
        }
    }
}

impl Store for WrongStore {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.inner.begin()
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.inner.commit()
    }

    fn roll_back(&mut self) {
        self.inner.roll_back();
    }

    fn remove_expired(&mut self, now: UnixMicros) -> Result<usize, StoreError> {
        let Some(tables) = self.tables_of() else { return self.inner.remove_expired(now) };
        let half = Duration::from_secs(self.inner.contract.ttl_secs().unwrap_or_default() / 2);
        self.cleanups += 1;
        while let Some((_, row)) = self.late.pop_if(|(due, _)| *due <= now) {
            self.write_audit(&row)?;
        }
        match self.defect.name {
            "cleanup-never-runs" | "key-never-expires" => Ok(0),
            "expires-on-cleanup-only" if !self.cleanups.is_multiple_of(SELDOM) => Ok(0),
            "cleanup-removes-live-keys" => self.inner.remove_expired(now.plus(half)),
            "key-lives-ten-seconds-too-long" => self.inner.remove_expired(now.minus(TEN_SECONDS)),
            "cleanup-removes-every-key" => match self.inner.remove_expired(now)? {
                0 => Ok(0),
                _ => self.run(&format!("DELETE FROM {}", quoted(&tables.keys.table)), &[]),
            },
            "cleanup-removes-audit" => {
                if let Some(end) = expiry_expression(&tables.keys) {
                    let (keys, audit) = (&tables.keys, &tables.audit);
                    let ended = format!("SELECT {} FROM {} WHERE {end} < datetime(?1)", quoted(&keys.found_by), quoted(&keys.table));
                    let sql = format!("DELETE FROM {} WHERE {} IN ({ended})", quoted(&audit.table), quoted(&audit.found_by));
                    self.run(&sql, &[&iso::write(now)])?;
                }
                self.inner.remove_expired(now)
            }
            _ => self.inner.remove_expired(now),
        }
    }

    fn find(&mut self, key: &str, now: UnixMicros) -> Result<Option<First>, StoreError> {
        let half = Duration::from_secs(self.inner.contract.ttl_secs().unwrap_or_default() / 2);
        let at = match self.defect.name {
            "key-never-expires" | "expires-on-cleanup-only" => UnixMicros(0),
            "key-forgotten-at-half-its-life" => now.plus(half),
            "key-forgotten-ten-seconds-early" => now.plus(TEN_SECONDS),
            "key-lives-ten-seconds-too-long" => now.minus(TEN_SECONDS),
            _ => now,
        };
        let found = self.inner.find(key, at)?;
        let (Some(first), Some(tables)) = (&found, self.tables_of()) else { return Ok(found) };
        if self.is("duplicate-writes-audit-row") || (self.is("every-racer-audits") && now.since(first.ts) < RACE) {
            self.audit_again(&tables.audit, key, now.max(UnixMicros(first.ts.0 + 1)))?;
        }
        if self.is("duplicate-prolongs-key") {
            let (table, instant, found_by) = (quoted(&tables.keys.table), quoted(&tables.keys.instant), quoted(&tables.keys.found_by));
            self.run(&format!("UPDATE {table} SET {instant} = ?2 WHERE {found_by} = ?1"), &[key, &iso::write(now)])?;
        }
        Ok(found)
    }

    fn accept(&mut self, acceptance: &Acceptance) -> Result<(), StoreError> {
        let tables = self.tables_of();
        if let (true, Some(tables)) = (self.is("re-acceptance-overwrites-audit"), &tables) {
            let sql = format!("DELETE FROM {} WHERE {} = ?1", quoted(&tables.audit.table), quoted(&tables.audit.found_by));
            self.inner.connection.execute(&sql, params![acceptance.key.key]).map_err(failed("remove old audit rows"))?;
        }
        self.inner.accept(acceptance)?;
        tables.map_or(Ok(()), |tables| self.after_acceptance(&tables, acceptance))
    }

    fn newest_instant(&mut self) -> Result<Option<UnixMicros>, StoreError> {
        self.inner.newest_instant()
    }

    fn state(&mut self) -> Result<ReceiverState, StoreError> {
        self.inner.state()
    }

    fn newest_audit(&mut self, limit: usize, event: Option<&str>) -> Result<Vec<Row>, StoreError> {
        let mut rows = self.inner.newest_audit(limit, event)?;
        if self.is("audit-page-lacks-newest") && !rows.is_empty() {
            rows.remove(0);
        }
        Ok(rows)
    }

    fn tables(&mut self) -> Result<Vec<TableShape>, StoreError> {
        self.inner.tables()
    }

    fn rewind(&mut self, keys: &[String], seconds: u64) -> Result<(), StoreError> {
        self.inner.rewind(keys, seconds)
    }
}
