//! The reference's memory: a store without a database, the oracle of every run.
//!
//! A transaction keeps what it must undo; nothing is copied that was not touched.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::store::{Acceptance, First, KeyRecord, Store, StoreError};
use crate::clock::{UnixMicros, iso};
use crate::contract::Contract;
use crate::delivery::Answer;
use crate::state::{Cell, ReceiverState, Row, TableShape};

/// One live or expired key with everything that belongs to it.
#[derive(Clone, Debug)]
struct Kept {
    record: KeyRecord,
    row: Row,
    /// The newest audit row's instant and hash.
    first: First,
    /// The place in the order of acceptance.
    order: u64,
}

/// What a transaction has done, to be undone from its end.
#[derive(Clone, Debug)]
enum Done {
    Put { key: String, before: Option<Box<Kept>> },
    Audited,
}

/// A store in memory.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    contract: Arc<Contract>,
    keys: BTreeMap<String, Kept>,
    /// Last second of life and key, for keys that end.
    ends: BTreeSet<(i64, String)>,
    audit: Vec<Row>,
    next: u64,
    journal: Vec<Done>,
}

impl MemoryStore {
    /// An empty store for receivers of `contract`.
    #[must_use]
    pub fn new(contract: Arc<Contract>) -> Self {
        Self { contract, keys: BTreeMap::new(), ends: BTreeSet::new(), audit: Vec::new(), next: 0, journal: Vec::new() }
    }

    fn end_of(record: &KeyRecord) -> Option<i64> {
        record.ttl.map(|ttl| record.ts.secs().saturating_add_unsigned(ttl))
    }

    fn take(&mut self, key: &str) -> Option<Kept> {
        let kept = self.keys.remove(key)?;
        if let Some(end) = Self::end_of(&kept.record) {
            self.ends.remove(&(end, key.to_owned()));
        }
        Some(kept)
    }

    fn put(&mut self, kept: Kept) {
        if let Some(end) = Self::end_of(&kept.record) {
            self.ends.insert((end, kept.record.key.clone()));
        }
        self.keys.insert(kept.record.key.clone(), kept);
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
                Done::Put { key, before } => {
                    self.take(&key);
                    if let Some(before) = before {
                        self.put(*before);
                    }
                }
                Done::Audited => drop(self.audit.pop()),
            }
        }
    }

    fn remove_expired(&mut self, now: UnixMicros) -> Result<usize, StoreError> {
        let mut removed = 0;
        while let Some((end, key)) = self.ends.first().cloned() {
            if end >= now.secs() {
                break;
            }
            let before = self.take(&key).map(Box::new);
            self.journal.push(Done::Put { key, before });
            removed += 1;
        }
        Ok(removed)
    }

    fn find(&mut self, key: &str, now: UnixMicros) -> Result<Option<First>, StoreError> {
        Ok(self.keys.get(key).filter(|kept| !kept.record.expired(now)).map(|kept| kept.first.clone()))
    }

    fn accept(&mut self, acceptance: &Acceptance) -> Result<(), StoreError> {
        let before = self.take(&acceptance.key.key).map(Box::new);
        self.journal.push(Done::Put { key: acceptance.key.key.clone(), before });
        let answer: Option<Answer> = acceptance.answer.clone();
        let first = First { ts: acceptance.key.ts, sha256: acceptance.sha256.clone(), answer };
        self.put(Kept { record: acceptance.key.clone(), row: acceptance.key_row.clone(), first, order: self.next });
        self.next += 1;
        self.audit.push(acceptance.audit_row.clone());
        self.journal.push(Done::Audited);
        Ok(())
    }

    fn newest_instant(&mut self) -> Result<Option<UnixMicros>, StoreError> {
        let Some(tables) = &self.contract.state else { return Ok(self.keys.values().map(|kept| kept.first.ts).max()) };
        Ok(self.audit.last().and_then(|row| row.text(&tables.audit.instant)).and_then(iso::read).map(|(at, _)| at))
    }

    fn state(&mut self) -> Result<ReceiverState, StoreError> {
        if self.contract.state.is_none() {
            return Ok(ReceiverState::default());
        }
        let mut kept: Vec<&Kept> = self.keys.values().collect();
        kept.sort_by_key(|kept| (kept.record.ts, kept.order));
        Ok(ReceiverState { keys: kept.into_iter().map(|kept| kept.row.clone()).collect(), audit: self.audit.clone() })
    }

    fn newest_audit(&mut self, limit: usize, event: Option<&str>) -> Result<Vec<Row>, StoreError> {
        let Some(tables) = &self.contract.state else { return Ok(Vec::new()) };
        let column = tables.audit.only.as_ref().map(|only| only.column.as_str());
        let fits = |row: &&Row| event.is_none_or(|event| column.is_none_or(|column| row.text(column) == Some(event)));
        Ok(self.audit.iter().rev().filter(fits).take(limit).cloned().collect())
    }

    fn tables(&mut self) -> Result<Vec<TableShape>, StoreError> {
        Ok(self.contract.state.as_ref().map_or_else(Vec::new, |tables| vec![tables.keys.shape(), tables.audit.shape()]))
    }

    fn rewind(&mut self, keys: &[String], seconds: u64) -> Result<(), StoreError> {
        let instant = self.contract.state.as_ref().map(|tables| tables.keys.instant.clone());
        for key in keys {
            let Some(mut kept) = self.take(key) else { continue };
            kept.record.ts = kept.record.ts.minus(std::time::Duration::from_secs(seconds));
            if let Some(column) = &instant {
                for (name, cell) in &mut kept.row.columns {
                    if name == column {
                        *cell = Cell::Text(iso::write(kept.record.ts));
                    }
                }
            }
            self.put(kept);
        }
        Ok(())
    }
}
