//! The reference's memory: a store without a database, the oracle of every run.
//!
//! What is live is kept by identity; rows stand in tables of their own, as they
//! would in a database: the contract's primary key decides which row takes the
//! place of which. A transaction keeps what it must undo; nothing is copied
//! that was not touched.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::store::{Acceptance, First, KeyRecord, Store, StoreError};
use crate::clock::{UnixMicros, iso};
use crate::contract::Contract;
use crate::contract::tables::{StateTables, Table};
use crate::reference::streaming::{Logged, Page};
use crate::state::{Cell, ReceiverState, Row, TableShape};

/// A live or expired key with everything that belongs to it.
#[derive(Clone, Debug)]
struct Kept {
    record: KeyRecord,
    /// The newest audit row's instant and hash.
    first: First,
    /// The number of its key row, unless another one has taken its place since.
    row: u64,
}

/// What a transaction has done, to be undone from its end.
#[derive(Clone, Debug)]
enum Done {
    /// What is known of an identity was changed.
    Known {
        identity: String,
        before: Option<Box<Kept>>,
    },
    /// A key row was changed.
    Row {
        number: u64,
        before: Option<Row>,
    },
    Audited,
    /// An event was logged, and perhaps another one evicted.
    Published {
        stream: String,
        evicted: Option<Logged>,
    },
}

/// A store in memory.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    contract: Arc<Contract>,
    known: BTreeMap<String, Kept>,
    /// Last second of life and identity, for keys that end.
    ends: BTreeSet<(i64, String)>,
    /// Key rows in the order in which they were written.
    rows: BTreeMap<u64, Row>,
    /// The row that has these cells in its primary key.
    primary: BTreeMap<String, u64>,
    audit: Vec<Row>,
    next: u64,
    newest: Option<UnixMicros>,
    /// The newest events of each stream.
    log: BTreeMap<String, VecDeque<Logged>>,
    journal: Vec<Done>,
}

impl MemoryStore {
    /// An empty store for receivers of `contract`.
    #[must_use]
    pub fn new(contract: Arc<Contract>) -> Self {
        let (known, ends, rows, primary, audit, next, newest, log, journal) = Default::default();
        Self { contract, known, ends, rows, primary, audit, next, newest, log, journal }
    }

    fn end_of(record: &KeyRecord) -> Option<i64> {
        record.ttl.map(|ttl| record.ts.secs().saturating_add_unsigned(ttl))
    }

    /// Sets what is known of an identity; gives what was.
    fn set_known(&mut self, identity: &str, kept: Option<Kept>) -> Option<Kept> {
        let before = self.known.remove(identity);
        if let Some(end) = before.as_ref().and_then(|kept| Self::end_of(&kept.record)) {
            self.ends.remove(&(end, identity.to_owned()));
        }
        if let Some(kept) = kept {
            self.ends.extend(Self::end_of(&kept.record).map(|end| (end, identity.to_owned())));
            self.known.insert(identity.to_owned(), kept);
        }
        before
    }

    /// Sets a key row; gives what was.
    fn set_row(&mut self, number: u64, row: Option<Row>) -> Option<Row> {
        let before = self.rows.remove(&number);
        if let Some(words) = before.as_ref().and_then(|row| self.primary_of(row)) {
            self.primary.remove(&words);
        }
        if let Some(row) = row {
            self.primary.extend(self.primary_of(&row).map(|words| (words, number)));
            self.rows.insert(number, row);
        }
        before
    }

    /// The cells of a row's primary key; `None` where nothing makes it one of its kind.
    fn primary_of(&self, row: &Row) -> Option<String> {
        let table = self.key_table()?;
        let cells = || table.columns.iter().zip(&row.columns).filter(|(column, _)| column.primary_key > 0).map(|(_, (_, cell))| cell);
        let tells = cells().next().is_some() && cells().all(|cell| *cell != Cell::Null);
        tells.then(|| cells().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    fn change_known(&mut self, identity: &str, kept: Option<Kept>) -> Option<Kept> {
        let before = self.set_known(identity, kept);
        self.journal.push(Done::Known { identity: identity.to_owned(), before: before.clone().map(Box::new) });
        before
    }

    fn change_row(&mut self, number: u64, row: Option<Row>) {
        let before = self.set_row(number, row);
        self.journal.push(Done::Row { number, before });
    }

    fn key_table(&self) -> Option<&Table> {
        self.contract.state.as_ref()?.keys.as_ref()
    }

    /// Logs an event; of its stream, the newest stay.
    pub(super) fn publish(&mut self, event: &Logged) {
        let keeps = self.contract.stream.as_ref().map_or(0, |form| form.keeps);
        let log = self.log.entry(event.stream.clone()).or_default();
        let id = log.back().map_or(event.id, |newest| event.id.max(newest.id + 1));
        log.push_back(Logged { id, ..event.clone() });
        let evicted = if log.len() > keeps { log.pop_front() } else { None };
        self.journal.push(Done::Published { stream: event.stream.clone(), evicted });
    }

    /// Takes back what was published last on a stream.
    fn unpublish(&mut self, stream: &str, evicted: Option<Logged>) {
        let Some(log) = self.log.get_mut(stream) else { return };
        log.pop_back();
        if let Some(evicted) = evicted {
            log.push_front(evicted);
        }
    }

    fn audit_table(&self) -> Option<&Table> {
        self.contract.state.as_ref()?.audit.as_ref()
    }
}

impl Store for MemoryStore {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.journal.clear();
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.journal.clear();
        Ok(())
    }

    fn roll_back(&mut self) {
        while let Some(done) = self.journal.pop() {
            match done {
                Done::Known { identity, before } => drop(self.set_known(&identity, before.map(|kept| *kept))),
                Done::Row { number, before } => drop(self.set_row(number, before)),
                Done::Audited => drop(self.audit.pop()),
                Done::Published { stream, evicted } => self.unpublish(&stream, evicted),
            }
        }
    }

    fn remove_expired(&mut self, now: UnixMicros) -> Result<usize, StoreError> {
        let mut removed = 0;
        while let Some((end, identity)) = self.ends.first().cloned() {
            if end >= now.secs() {
                break;
            }
            if let Some(ended) = self.change_known(&identity, None) {
                self.change_row(ended.row, None);
            }
            removed += 1;
        }
        Ok(removed)
    }

    fn find(&mut self, identity: &str, now: UnixMicros) -> Result<Option<First>, StoreError> {
        Ok(self.known.get(identity).filter(|kept| !kept.record.expired(now)).map(|kept| kept.first.clone()))
    }

    fn accept(&mut self, acceptance: &Acceptance) -> Result<(), StoreError> {
        let (fingerprint, answer) = (acceptance.fingerprint.clone(), acceptance.answer.clone());
        let first = First { ts: acceptance.key.ts, sha256: acceptance.sha256.clone(), fingerprint, answer };
        let number = self.next;
        self.next += 1;
        self.newest = self.newest.max(Some(acceptance.key.ts));
        let kept = Kept { record: acceptance.key.clone(), first, row: number };
        self.change_known(&acceptance.key.identity, Some(kept));
        if self.key_table().is_some() {
            let row = acceptance.key_row.clone();
            if let Some(other) = self.primary_of(&row).and_then(|words| self.primary.get(&words).copied()) {
                self.change_row(other, None);
            }
            self.change_row(number, Some(row));
        }
        if self.audit_table().is_some() {
            self.audit.push(acceptance.audit_row.clone());
            self.journal.push(Done::Audited);
        }
        if let Some(event) = &acceptance.event {
            self.publish(event);
        }
        Ok(())
    }

    fn log_behind(&mut self, stream: &str, after: Option<i64>, most: usize) -> Result<Page, StoreError> {
        let Some(log) = self.log.get(stream) else { return Ok(Page::default()) };
        let at = after.map_or(0, |after| log.partition_point(|event| event.id <= after));
        let has_place = after.is_some_and(|after| at > 0 && log.get(at - 1).is_some_and(|event| event.id == after));
        let events = log.iter().skip(at).take(most).cloned().collect();
        Ok(Page { events, has_place, oldest: log.front().map(|event| event.id), newest: log.back().cloned() })
    }

    fn newest_instant(&mut self) -> Result<Option<UnixMicros>, StoreError> {
        Ok(self.newest)
    }

    fn state(&mut self) -> Result<ReceiverState, StoreError> {
        let mut keys: Vec<Row> = self.rows.values().cloned().collect();
        if let Some(table) = self.key_table() {
            // What was written first stays first among those of one instant.
            keys.sort_by_key(|row| table.instant_in(row).and_then(iso::read).map(|(at, _)| at));
        }
        Ok(ReceiverState { keys, audit: self.audit.clone() })
    }

    fn newest_audit(&mut self, limit: usize, event: Option<&str>) -> Result<Vec<Row>, StoreError> {
        let only = self.audit_table().and_then(|table| table.only.as_ref());
        let column = only.map(|only| only.column.as_str());
        let fits = |row: &&Row| event.is_none_or(|event| column.is_none_or(|column| row.text(column) == Some(event)));
        Ok(self.audit.iter().rev().filter(fits).take(limit).cloned().collect())
    }

    fn tables(&mut self) -> Result<Vec<TableShape>, StoreError> {
        Ok(self.contract.state.iter().flat_map(StateTables::all).map(Table::shape).collect())
    }

    fn rewind(&mut self, keys: &[String], seconds: u64) -> Result<(), StoreError> {
        let instant = self.key_table().and_then(Table::instant).map(str::to_owned);
        let named = |kept: &&Kept| keys.contains(&kept.record.key);
        let all: Vec<Kept> = self.known.values().filter(named).cloned().collect();
        for mut kept in all {
            kept.record.ts = kept.record.ts.minus(Duration::from_secs(seconds));
            if let (Some(column), Some(mut row)) = (&instant, self.rows.get(&kept.row).cloned()) {
                for (_, cell) in row.columns.iter_mut().filter(|(name, _)| name == column) {
                    *cell = Cell::Text(iso::write(kept.record.ts));
                }
                self.set_row(kept.row, Some(row));
            }
            let identity = kept.record.identity.clone();
            self.set_known(&identity, Some(kept));
        }
        Ok(())
    }
}
