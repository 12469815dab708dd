//! The SQLite file as a source: every question opens it anew, on a thread of its own.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;

use super::{Probe, ProbeError, quoted, rewind};
use crate::contract::tables::StateTables;
use crate::evidence::{Asked, Can, EffectsTable, EvidenceError, Question, Role, Seen, Source, Told};

/// So many keys are handed over at once while rows are counted.
const HANDED_OVER: usize = 2_000;

/// A database in a file.
pub struct SqliteSource {
    path: PathBuf,
    tables: StateTables,
    effects: Option<EffectsTable>,
    busy: Duration,
}

impl SqliteSource {
    /// The source in the file `path`; a lock of somebody else is waited for so long, at each question.
    #[must_use]
    pub fn new(path: PathBuf, tables: StateTables, effects: Option<EffectsTable>, busy: Duration) -> Self {
        Self { path, tables, effects, busy }
    }

    /// Asks away from the tasks that send.
    fn asked<'a, T: Send + 'static>(&'a self, read: impl FnOnce(&Probe) -> Result<T, ProbeError> + Send + 'static) -> Asked<'a, T> {
        let (path, tables, busy) = (self.path.clone(), self.tables.clone(), self.busy);
        Box::pin(async move {
            let task = tokio::task::spawn_blocking(move || Probe::open(&path, &tables, busy).and_then(|probe| read(&probe)));
            Ok(ended(task.await)?)
        })
    }
}

/// What a task has given; where it panicked, so does this one.
fn ended<T>(joined: Result<T, tokio::task::JoinError>) -> T {
    match joined.map_err(tokio::task::JoinError::try_into_panic) {
        Ok(found) => found,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        // Nobody aborts such a task; where the runtime ends, so does whoever asks.
        Err(Err(cancelled)) => std::panic::resume_unwind(Box::new(cancelled)),
    }
}

impl Source for SqliteSource {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn can(&self) -> Can {
        let (keys, audit) = (self.tables.keys.is_some(), self.tables.audit.is_some());
        Can { keys, audit, effects: self.effects.is_some(), shape: true, rewind: self.tables.can_be_rewound() }
    }

    fn check_available(&self) -> Asked<'_, ()> {
        let effects = self.effects.clone();
        self.asked(move |probe| {
            probe.rows_of(&[], &[])?;
            effects.map_or(Ok(()), |effects| probe.effects::<String>(&effects.table, &effects.key, &[]).map(drop))
        })
    }

    fn rows(&self, question: Question) -> Asked<'_, Seen> {
        self.asked(move |probe| probe.seen(&question))
    }

    fn count<'a>(&'a self, prefix: &'a str, told: &'a mut Told<'_>) -> Asked<'a, ()> {
        let (path, tables, busy, prefix) = (self.path.clone(), self.tables.clone(), self.busy, prefix.to_owned());
        Box::pin(async move {
            // Bounded, so that what is read never lies in memory as a whole.
            let (give, mut take) = mpsc::channel::<Vec<(Role, String, u32)>>(4);
            let task = tokio::task::spawn_blocking(move || {
                let probe = Probe::open(&path, &tables, busy)?;
                let batch = std::cell::RefCell::new(Vec::with_capacity(HANDED_OVER));
                let add = |role: Role, key: &str, rows: u32| {
                    let mut batch = batch.borrow_mut();
                    batch.push((role, key.to_owned(), rows));
                    if batch.len() == HANDED_OVER {
                        // Nobody listens any more: the rest is read for nothing.
                        drop(give.blocking_send(std::mem::take(&mut *batch)));
                    }
                };
                probe.rows_by_key(&prefix, |key, rows| add(Role::Keys, key, rows), |key, rows| add(Role::Audit, key, rows))?;
                drop(give.blocking_send(batch.into_inner()));
                Ok::<(), ProbeError>(())
            });
            while let Some(batch) = take.recv().await {
                for (role, key, rows) in batch {
                    told(role, &key, rows);
                }
            }
            Ok(ended(task.await)?)
        })
    }

    fn effects<'a>(&'a self, keys: &'a [String]) -> Asked<'a, Vec<u64>> {
        let Some(effects) = self.effects.clone() else {
            return Box::pin(async move { Err(EvidenceError::CannotShow { name: self.name(), what: "effects" }) });
        };
        let keys = keys.to_vec();
        self.asked(move |probe| probe.effects(&effects.table, &effects.key, &keys))
    }

    fn effects_of_bytes<'a>(&'a self, keys: &'a [Vec<u8>]) -> Asked<'a, Option<Vec<u64>>> {
        let Some(effects) = self.effects.clone() else { return Box::pin(async { Ok(None) }) };
        let keys = keys.to_vec();
        self.asked(move |probe| probe.effects(&effects.table, &effects.key, &keys).map(Some))
    }

    fn rewind<'a>(&'a self, keys: &'a [String], by: Duration) -> Asked<'a, usize> {
        let (path, table, keys, busy) = (self.path.clone(), self.tables.keys.clone(), keys.to_vec(), self.busy);
        Box::pin(async move {
            let Some(table) = table else { return Err(EvidenceError::NothingToMove { name: self.name() }) };
            let task = tokio::task::spawn_blocking(move || rewind::rewind(&path, &table, &keys, by, busy));
            Ok(ended(task.await)?)
        })
    }

    fn check_writable(&self) -> Asked<'_, ()> {
        let (path, busy) = (self.path.clone(), self.busy);
        Box::pin(async move {
            let task = tokio::task::spawn_blocking(move || rewind::check_writable(&path, busy));
            Ok(ended(task.await)?)
        })
    }

    fn would_rewind(&self) -> Option<String> {
        let keys = self.tables.keys.as_ref().filter(|_| self.tables.can_be_rewound())?;
        let (table, instant) = (quoted(&keys.table), quoted(keys.instant()?));
        let key = quoted(&keys.column_holding("key")?.name);
        Some(format!(
            "UPDATE {table} SET {instant} = <so much earlier> WHERE {key} = <a key of the scenario> AND {instant} IS <what was read>"
        ))
    }
}
