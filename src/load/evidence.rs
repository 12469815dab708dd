//! What the receiver's database says of the keys of a load.
//!
//! In: a database's path and the word that the keys begin with. Out: how many
//! rows each key has. Twenty bytes a key are kept, so that millions fit.

use std::path::Path;
use std::time::Duration;

use crate::check::consistency::Evidence;
use crate::contract::Contract;
use crate::contract::tables::Table;
use crate::probe::{Probe, ProbeError};
use crate::state::Row;

/// How long a busy database is waited for.
const BUSY: Duration = Duration::from_secs(30);

/// Whether the database can be read at all: better seen before a load than after it.
///
/// # Errors
/// [`ProbeError`]: what is missing, or why it cannot be read.
pub async fn see_that_it_can_be_read(database: &Path, contract: &Contract) -> Result<(), ProbeError> {
    look(database, contract, |probe| probe.rows_by_key("no key begins so", |_, _| (), |_, _| ())).await.map(drop)
}

/// Whether rows name the key of their delivery, in one of the tables at least.
#[must_use]
pub fn tells_keys(contract: &Contract) -> bool {
    contract.state.as_ref().is_some_and(|tables| tables.all().any(|table| names_keys(Some(table))))
}

/// What the contract's tables do not tell, as a sentence; `None` where both name the keys of deliveries.
#[must_use]
pub fn what_is_not_told(contract: &Contract) -> Option<String> {
    let name = &contract.contract;
    let tables = contract.state.as_ref();
    let (keys, audit) = (tables.and_then(|tables| tables.keys.as_ref()), tables.and_then(|tables| tables.audit.as_ref()));
    let lacking = |table: Option<&Table>, member: &str| match table {
        None => Some(format!("the contract names no table under `{member}`")),
        Some(table) if !names_keys(Some(table)) => Some(format!("{} rows cannot be found by their key", table.table)),
        Some(_) => None,
    };
    match (lacking(keys, "state.keys"), lacking(audit, "state.audit")) {
        (None, None) => None,
        (Some(_), Some(_)) => Some(format!("Under {name} rows cannot be found by their key: what the database remembers was not judged.")),
        (Some(one), None) | (None, Some(one)) => Some(format!("Under {name} {one}: what they hold was not judged.")),
    }
}

fn names_keys(table: Option<&Table>) -> bool {
    table.is_some_and(|table| table.column_holding("key").is_some())
}

/// What a database has of a load's keys.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// How many rows each key has.
    pub evidence: Vec<Evidence>,
    /// The audit rows of some keys.
    pub rows: Vec<Row>,
    /// Audit rows under words that begin like the keys and are none of them: the first, and how many.
    pub strays: Option<(String, u64)>,
}

/// The rows of the keys `PREFIX0` to `PREFIXn`, and those of `some` in full; nothing when the contract has no tables.
///
/// # Errors
/// [`ProbeError`]: why the database cannot be read.
pub async fn read(database: &Path, contract: &Contract, prefix: &str, keys: u32, some: Vec<String>) -> Result<Option<Read>, ProbeError> {
    let prefix = prefix.to_owned();
    let tables = contract.state.as_ref();
    let none_yet = |named: bool| named.then_some(0);
    let key_rows = none_yet(names_keys(tables.and_then(|tables| tables.keys.as_ref())));
    let audit_rows = none_yet(names_keys(tables.and_then(|tables| tables.audit.as_ref())));
    look(database, contract, move |probe| {
        let mut strays: Option<(String, u64)> = None;
        let mut evidence: Vec<Evidence> = (0..keys).map(|key| Evidence { key, audit_rows, key_rows }).collect();
        let number = |text: &str| text.strip_prefix(&prefix).and_then(|digits| digits.parse::<usize>().ok());
        let cell = std::cell::RefCell::new(&mut evidence);
        let count = |key: &str, add: &dyn Fn(&mut Evidence)| match number(key).filter(|at| *at < keys as usize) {
            Some(at) => {
                add(&mut cell.borrow_mut()[at]);
                true
            }
            None => false,
        };
        probe.rows_by_key(
            &prefix,
            |key, rows| {
                count(key, &|row| row.key_rows = Some(rows));
            },
            |key, rows| {
                if !count(key, &|row| row.audit_rows = Some(rows)) {
                    strays.get_or_insert_with(|| (key.to_owned(), 0)).1 += u64::from(rows);
                }
            },
        )?;
        let rows = probe.rows_of(&[], &some)?.audit;
        Ok(Read { evidence, rows, strays })
    })
    .await
}

async fn look<T: Send + 'static>(
    database: &Path,
    contract: &Contract,
    read: impl FnOnce(&Probe) -> Result<T, ProbeError> + Send + 'static,
) -> Result<Option<T>, ProbeError> {
    let Some(tables) = contract.state.clone() else { return Ok(None) };
    let database = database.to_owned();
    let task = tokio::task::spawn_blocking(move || Probe::open(&database, &tables, BUSY).and_then(|probe| read(&probe)));
    match task.await {
        Ok(found) => found.map(Some),
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}
