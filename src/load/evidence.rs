//! What the receiver's database says of the keys of a load.
//!
//! In: a database's path and the word that the keys begin with. Out: how many
//! rows each key has. Twelve bytes a key are kept, so that millions fit.

use std::path::Path;
use std::time::Duration;

use crate::check::consistency::Evidence;
use crate::contract::Contract;
use crate::probe::{Probe, ProbeError};

/// How long a busy database is waited for.
const BUSY: Duration = Duration::from_secs(30);

/// Whether the database can be read at all: better seen before a load than after it.
///
/// # Errors
/// [`ProbeError`]: what is missing, or why it cannot be read.
pub async fn see_that_it_can_be_read(database: &Path, contract: &Contract) -> Result<(), ProbeError> {
    look(database, contract, |probe| probe.rows_by_key("no key begins so", |_, _| (), |_, _| ())).await.map(drop)
}

/// The rows of the keys `PREFIX0` to `PREFIXn`; nothing when the contract has no tables.
///
/// # Errors
/// [`ProbeError`]: why the database cannot be read.
pub async fn read(database: &Path, contract: &Contract, prefix: &str, keys: u32) -> Result<Option<Vec<Evidence>>, ProbeError> {
    let prefix = prefix.to_owned();
    look(database, contract, move |probe| {
        let mut evidence: Vec<Evidence> = (0..keys).map(|key| Evidence { key, audit_rows: 0, key_rows: 0 }).collect();
        let number = |text: &str| text.strip_prefix(&prefix).and_then(|digits| digits.parse::<usize>().ok());
        let cell = std::cell::RefCell::new(&mut evidence);
        let count = |key: &str, add: &dyn Fn(&mut Evidence)| {
            if let Some(row) = number(key)
                && let Some(row) = cell.borrow_mut().get_mut(row)
            {
                add(row);
            }
        };
        probe.rows_by_key(
            &prefix,
            |key, rows| count(key, &|row| row.key_rows = rows),
            |key, rows| count(key, &|row| row.audit_rows = rows),
        )?;
        Ok(evidence)
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
