//! A store that remembers wrongly on purpose: the defects of what is written,
//! found, removed and shown.
//!
//! It stands over a right store, and does one thing differently. Where it
//! writes, it does so in the delivery's own transaction.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::params_from_iter;

use super::sql::{expiry_expression, order_of, quoted};
use super::{SqliteStore, failed};
use crate::clock::{UnixMicros, iso};
use crate::contract::Contract;
use crate::contract::tables::Table;
use crate::reference::Receiver;
use crate::reference::defect::Defect;
use crate::reference::mutants::{Mutant, misread_contract};
use crate::reference::store::{Acceptance, First, Store, StoreError};
use crate::reference::streaming::Page;
use crate::sign::Signer;
use crate::state::{ReceiverState, Row, TableShape};

/// By how much some defects miss the end of a key's life.
const TEN_SECONDS: Duration = Duration::from_secs(10);
/// How close together deliveries are that a racing store gets wrong.
const RACE: Duration = Duration::from_millis(30);
/// One defect writes its audit rows so late.
const HALF_A_SECOND: Duration = Duration::from_millis(500);
/// So many keys are known after a restart, with one defect.
const LOADED: usize = 100;
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
) -> Result<Receiver<MutantStore>, StoreError> {
    let contract = misread_contract(contract, defect);
    let inner = match database {
        Some(path) => SqliteStore::open(Arc::clone(&contract), path)?,
        None => SqliteStore::in_memory(Arc::clone(&contract))?,
    };
    let hooks = Mutant::new(defect, &contract);
    let mut receiver = Receiver::new(contract, signer, MutantStore::over(inner, defect)?, ttl_secs)?;
    receiver.set_hooks(Box::new(hooks));
    Ok(receiver)
}

/// A store with one defect in it.
pub struct MutantStore {
    inner: SqliteStore,
    defect: Defect,
    /// Audit rows that are not written yet, and when they are.
    late: Vec<(UnixMicros, Row)>,
    cleanups: u32,
}

impl MutantStore {
    /// Puts `defect` over a store that was opened just now.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn over(inner: SqliteStore, defect: Defect) -> Result<Self, StoreError> {
        let store = Self { inner, defect, late: Vec::new(), cleanups: 0 };
        match store.defect.name {
            "forgets-on-restart" => drop(store.forget_every_key()?),
            "newest-keys-are-loaded" => store.forget_older_keys()?,
            "ids-start-anew" => drop(store.run("DELETE FROM hookgate_events", &[])?),
            _ => {}
        }
        Ok(store)
    }

    fn is(&self, name: &str) -> bool {
        debug_assert!(Defect::named(name).is_some(), "{name} is not in the catalogue");
        self.defect.name == name
    }

    fn keys(&self) -> Option<Table> {
        self.inner.contract.state.as_ref()?.keys.clone()
    }

    fn audit(&self) -> Option<Table> {
        self.inner.contract.state.as_ref()?.audit.clone()
    }

    /// Forgets which keys are known, in whichever table it stands; says how many.
    fn forget_every_key(&self) -> Result<usize, StoreError> {
        let side = self.inner.sql.has_side_table.then(|| self.run("DELETE FROM hookgate_first", &[])).transpose()?;
        let rows = self.keys().map(|table| self.run(&format!("DELETE FROM {}", quoted(&table.table)), &[])).transpose()?;
        Ok(rows.or(side).unwrap_or(0))
    }

    /// Forgets all keys but the newest.
    fn forget_older_keys(&self) -> Result<(), StoreError> {
        let side = self.inner.sql.has_side_table.then(|| "hookgate_first".to_owned());
        for table in side.into_iter().chain(self.keys().map(|table| table.table)) {
            let table = quoted(&table);
            let newest = format!("SELECT rowid FROM {table} ORDER BY rowid DESC LIMIT {LOADED}");
            self.run(&format!("DELETE FROM {table} WHERE rowid NOT IN ({newest})"), &[])?;
        }
        Ok(())
    }

    fn run(&self, sql: &str, values: &[&str]) -> Result<usize, StoreError> {
        self.inner.connection.execute(sql, params_from_iter(values)).map_err(failed("do what its defect wants"))
    }

    fn write_audit(&self, row: &Row) -> Result<(), StoreError> {
        let Some(sql) = &self.inner.sql.put_audit else { return Ok(()) };
        self.inner.put(sql, row).map(|_| ()).map_err(failed("write an audit row"))
    }

    /// Writes the newest audit row of a key (or of a body, where rows do not name their key) again, at another instant.
    fn audit_again(&self, key: &str, sha256: &str, at: UnixMicros) -> Result<(), StoreError> {
        let Some((audit, (found_by, value))) = self.audit().and_then(|audit| Some((audit.clone(), found_in(&audit, key, sha256)?))) else {
            return Ok(());
        };
        let table = quoted(&audit.table);
        let column = |name: &str| if Some(name) == audit.instant() { "?2".to_owned() } else { quoted(name) };
        let into: Vec<String> = audit.columns.iter().map(|one| quoted(&one.name)).collect();
        let from: Vec<String> = audit.columns.iter().map(|one| column(&one.name)).collect();
        let sql = format!(
            "INSERT OR IGNORE INTO {table} ({}) SELECT {} FROM {table} WHERE {found_by} = ?1 {} LIMIT 1",
            into.join(", "),
            from.join(", "),
            order_of(&audit, "DESC")
        );
        let (at, values) = (iso::write(at), audit.instant().map_or(1, |_| 2));
        self.run(&sql, &[value, &at][..values]).map(|_| ())
    }

    /// What is done differently once a delivery is written.
    fn after_acceptance(&mut self, acceptance: &Acceptance) -> Result<(), StoreError> {
        let row = &acceptance.audit_row;
        let Some(audit) = self.audit() else { return Ok(()) };
        let (Some(instant), Some(ts)) = (audit.instant().map(quoted), audit.instant_in(row).map(str::to_owned)) else { return Ok(()) };
        let table = quoted(&audit.table);
        let remove = format!("DELETE FROM {table} WHERE {instant} = ?1");
        let is_second = self.is("event-before-row-and-answer") && self.is_second_of_its_stream(acceptance)?;
        match self.defect.name {
            "no-audit-row" => self.run(&remove, &[&ts]).map(|_| ()),
            "audit-row-late" | "event-before-its-audit-row" => {
                self.late.push((acceptance.key.ts.plus(HALF_A_SECOND), row.clone()));
                self.run(&remove, &[&ts]).map(|_| ())
            }
            "event-before-row-and-answer" if is_second => {
                self.late.push((acceptance.key.ts.plus(HALF_A_SECOND), row.clone()));
                self.run(&remove, &[&ts]).map(|_| ())
            }
            "audit-rows-twice" => self.audit_again(&acceptance.key.key, &acceptance.sha256, UnixMicros(acceptance.key.ts.0 + 1)),
            "whole-second-instants" => {
                let whole = iso::write(UnixMicros::from_secs(acceptance.key.ts.secs()));
                self.run(&format!("UPDATE OR IGNORE {table} SET {instant} = ?2 WHERE {instant} = ?1"), &[&ts, &whole])?;
                // Where the second was taken, the row is still as it was, and is lost.
                if ts == whole { Ok(()) } else { self.run(&remove, &[&ts]).map(|_| ()) }
            }
            _ => Ok(()),
        }
    }

    /// Whether an acceptance is the second that its stream tells of.
    fn is_second_of_its_stream(&mut self, acceptance: &Acceptance) -> Result<bool, StoreError> {
        let Some(event) = &acceptance.event else { return Ok(false) };
        Ok(self.inner.log_behind(&event.stream, None, 3)?.events.len() == 2)
    }

    /// Removes the audit rows of keys that have ended.
    fn remove_audit_of_ended(&self, now: UnixMicros) -> Result<(), StoreError> {
        let (Some(keys), Some(audit)) = (self.keys(), self.audit()) else { return Ok(()) };
        let (Some(key), Some(of), Some(end)) = (keys.column_holding("key"), audit.column_holding("key"), expiry_expression(&keys)) else {
            return Ok(());
        };
        let ended = format!("SELECT {} FROM {} WHERE {end} < datetime(?1)", quoted(&key.name), quoted(&keys.table));
        self.run(&format!("DELETE FROM {} WHERE {} IN ({ended})", quoted(&audit.table), quoted(&of.name)), &[&iso::write(now)]).map(drop)
    }

    /// Lets the life of a live key begin again.
    fn prolong(&self, key: &str, sha256: &str, now: UnixMicros) -> Result<(), StoreError> {
        if let Some(keys) = self.keys()
            && let (Some(instant), Some((found_by, value))) = (keys.instant(), found_in(&keys, key, sha256))
        {
            let sql = format!("UPDATE {} SET {} = ?2 WHERE {found_by} = ?1", quoted(&keys.table), quoted(instant));
            self.run(&sql, &[value, &iso::write(now)])?;
        } else {
            self.run("UPDATE hookgate_first SET begins = ?2 WHERE key = ?1", &[key, &iso::write(now)])?;
        }
        Ok(())
    }
}

/// The column by which a table finds the rows of a delivery, in quotation marks, and what stands there.
fn found_in<'v>(table: &Table, key: &'v str, sha256: &'v str) -> Option<(String, &'v str)> {
    let by = |placeholder, value| table.column_holding(placeholder).map(|column| (quoted(&column.name), value));
    by("key", key).or_else(|| by("sha256", sha256))
}

/// The key that an identity begins with.
fn key_in(identity: &str) -> &str {
    identity.split('\n').next().unwrap_or(identity)
}

impl Store for MutantStore {
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
        let half = Duration::from_secs(self.inner.contract.ttl_secs().unwrap_or_default() / 2);
        self.cleanups += 1;
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.late).into_iter().partition(|(due, _)| *due <= now);
        self.late = later;
        for (_, row) in due {
            self.write_audit(&row)?;
        }
        match self.defect.name {
            "cleanup-never-runs" | "key-never-expires" => Ok(0),
            "expires-on-cleanup-only" if !self.cleanups.is_multiple_of(SELDOM) => Ok(0),
            "cleanup-removes-live-keys" => self.inner.remove_expired(now.plus(half)),
            "key-lives-ten-seconds-too-long" => self.inner.remove_expired(now.minus(TEN_SECONDS)),
            "cleanup-removes-every-key" => match self.inner.remove_expired(now)? {
                0 => Ok(0),
                _ => self.forget_every_key(),
            },
            "cleanup-removes-audit" => {
                self.remove_audit_of_ended(now)?;
                self.inner.remove_expired(now)
            }
            _ => self.inner.remove_expired(now),
        }
    }

    fn find(&mut self, identity: &str, now: UnixMicros) -> Result<Option<First>, StoreError> {
        let half = Duration::from_secs(self.inner.contract.ttl_secs().unwrap_or_default() / 2);
        let at = match self.defect.name {
            "key-never-expires" | "expires-on-cleanup-only" => UnixMicros(0),
            "key-forgotten-at-half-its-life" => now.plus(half),
            "key-forgotten-ten-seconds-early" => now.plus(TEN_SECONDS),
            "key-lives-ten-seconds-too-long" => now.minus(TEN_SECONDS),
            _ => now,
        };
        let found = self.inner.find(identity, at)?;
        let Some(first) = &found else { return Ok(found) };
        let key = key_in(identity);
        if self.is("duplicate-writes-audit-row") || (self.is("every-racer-audits") && now.since(first.ts) < RACE) {
            self.audit_again(key, &first.sha256, now.max(UnixMicros(first.ts.0 + 1)))?;
        }
        if self.is("duplicate-prolongs-key") {
            self.prolong(key, &first.sha256, now)?;
        }
        Ok(found)
    }

    fn accept(&mut self, acceptance: &Acceptance) -> Result<(), StoreError> {
        if let (true, Some(audit)) = (self.is("re-acceptance-overwrites-audit"), self.audit())
            && let Some((found_by, value)) = found_in(&audit, &acceptance.key.key, &acceptance.sha256)
        {
            self.run(&format!("DELETE FROM {} WHERE {found_by} = ?1", quoted(&audit.table)), &[value])?;
        }
        self.inner.accept(acceptance)?;
        self.after_acceptance(acceptance)
    }

    fn note_effect(&mut self, key: &str) -> Result<(), StoreError> {
        self.inner.note_effect(key)
    }

    fn effects_of(&mut self, key: &str) -> Result<Option<u64>, StoreError> {
        self.inner.effects_of(key)
    }

    fn log_behind(&mut self, stream: &str, after: Option<i64>, most: usize) -> Result<Page, StoreError> {
        if self.is("events-of-other-jobs") {
            return self.inner.log_of_all(after, most);
        }
        if self.is("jobs-in-another-case-share-a-stream") {
            return self.inner.log_behind(&stream.to_lowercase(), after, most);
        }
        self.inner.log_behind(stream, after, most)
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
