//! What the receiver's database says of the keys of a load.
//!
//! In: a database's path and the word of the run that the keys are made of. Out: how many
//! rows each key has. Twenty bytes a key are kept, so that millions fit.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::check::consistency::Evidence;
use crate::contract::Contract;
use crate::contract::tables::Table;
use crate::evidence::sqlite::{Probe, ProbeError};
use crate::state::Row;

/// So many keys are asked for in one question.
const ASKED_AT_ONCE: usize = 5_000;
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
    /// Whether such rows can be told: not where keys begin with nothing in common.
    pub tells_strays: bool,
}

/// The rows of the keys with the numbers from 0 to `keys`, and those of `some` in full; nothing when the contract has no tables.
///
/// # Errors
/// [`ProbeError`]: why the database cannot be read.
pub async fn read(database: &Path, contract: &Contract, run_word: &str, keys: u32, some: Vec<String>) -> Result<Option<Read>, ProbeError> {
    if !contract.key.has_prefix() {
        return read_one_by_one(database, contract, run_word, keys, some).await;
    }
    let prefix = format!("{run_word}-");
    let (key_rows, audit_rows) = none_yet(contract);
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
        Ok(Read { evidence, rows, strays, tells_strays: true })
    })
    .await
}

/// No row of any key yet, in the tables that name keys: key rows, then audit rows.
fn none_yet(contract: &Contract) -> (Option<u32>, Option<u32>) {
    let tables = contract.state.as_ref();
    let none = |table: Option<&Table>| names_keys(table).then_some(0);
    (none(tables.and_then(|tables| tables.keys.as_ref())), none(tables.and_then(|tables| tables.audit.as_ref())))
}

/// The same where keys have nothing in common: the rows of each are asked for. What else is there cannot be told.
async fn read_one_by_one(
    database: &Path,
    contract: &Contract,
    run_word: &str,
    keys: u32,
    some: Vec<String>,
) -> Result<Option<Read>, ProbeError> {
    let Some(tables) = contract.state.clone() else { return Ok(None) };
    let (place, run_word) = (contract.key.clone(), run_word.to_owned());
    look(database, contract, move |probe| {
        let mut evidence = Vec::with_capacity(keys as usize);
        for first in (0..keys).step_by(ASKED_AT_ONCE) {
            let numbers = first..keys.min(first.saturating_add(ASKED_AT_ONCE as u32));
            let names: Vec<String> = numbers.clone().map(|number| place.unique_key(&run_word, u64::from(number))).collect();
            let found = probe.rows_of(&names, &names)?;
            let counts =
                |table: &Option<Table>, rows| table.as_ref().filter(|table| names_keys(Some(table))).map(|table| counted(table, rows));
            let (key_rows, audit_rows) = (counts(&tables.keys, &found.keys), counts(&tables.audit, &found.audit));
            let of = |counted: &Option<BTreeMap<&str, u32>>, name: &String| {
                counted.as_ref().map(|counted| counted.get(name.as_str()).copied().unwrap_or(0))
            };
            let evidence_of = |(key, name)| Evidence { key, audit_rows: of(&audit_rows, name), key_rows: of(&key_rows, name) };
            evidence.extend(numbers.zip(&names).map(evidence_of));
        }
        let rows = probe.rows_of(&[], &some)?.audit;
        Ok(Read { evidence, rows, strays: None, tells_strays: false })
    })
    .await
}

/// How many rows bear each key; audit rows of other events left out.
fn counted<'r>(table: &Table, rows: &'r [Row]) -> BTreeMap<&'r str, u32> {
    let mut counted = BTreeMap::new();
    for key in rows.iter().filter(|row| table.is_ours(row)).filter_map(|row| row.text(table.found_by())) {
        *counted.entry(key).or_default() += 1;
    }
    counted
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::check::consistency::Evidence;
    use crate::clock::UnixMicros;
    use crate::contract::reading::read_contract;
    use crate::files;
    use crate::load::sending::Maker;
    use crate::reference::Receiver;
    use crate::sqlite::SqliteStore;
    use crate::transport::Target;

    /// Rows are found by keys that begin alike, and by keys that have nothing in common.
    #[tokio::test]
    async fn rows_are_found_whatever_keys_look_like() {
        for (form, tells_strays) in [("bare", true), ("uuid", false)] {
            let text = files::shipped_contract("orch-phase3").unwrap().text.replace("form: bare", &format!("form: {form}"));
            let contract = Arc::new(read_contract("c", &text, &|_| None).unwrap());
            let signer = contract.signature.keyed(b"a secret").unwrap();
            let maker = Maker::new(&contract, signer.clone(), &Target::parse("http://h:1").unwrap(), b"{}", &[]).unwrap();
            let folder = tempfile::tempdir().unwrap();
            let database = folder.path().join("a.db");
            let store = SqliteStore::open(Arc::clone(&contract), &database).unwrap();
            let mut receiver = Receiver::new(Arc::clone(&contract), Some(signer), store, None).unwrap();
            for number in [0, 2] {
                let key = contract.key.unique_key("hg1", number);
                let made = maker.make(Some(&key), maker.body_with_key(maker.body("word", None), &key), None, UnixMicros(1));
                assert_eq!(receiver.deliver(&made, UnixMicros(1_000_000)).unwrap().status, 202);
            }
            let some = vec![contract.key.unique_key("hg1", 2)];
            let read = read(&database, &contract, "hg1", 4, some).await.unwrap().unwrap();
            let rows = |Evidence { key, audit_rows, key_rows }: &Evidence| (*key, *audit_rows, *key_rows);
            let counted: Vec<_> = read.evidence.iter().map(rows).collect();
            assert_eq!(counted, [(0, Some(1), Some(1)), (1, Some(0), Some(0)), (2, Some(1), Some(1)), (3, Some(0), Some(0))], "{form}");
            assert_eq!((read.rows.len(), read.tells_strays), (1, tells_strays));
        }
    }
}
