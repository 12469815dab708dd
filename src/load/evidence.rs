//! What the receiver's database says of the keys of a load.
//!
//! In: a database's path and the word of the run that the keys are made of. Out: how many
//! rows each key has. Twenty bytes a key are kept, so that millions fit.

use crate::contract::Contract;
use crate::contract::tables::Table;
use crate::evidence::{EvidenceError, Question, Role, Source, Which};
use crate::history::consistency::Evidence;
use crate::scenario::requirement::Catalogue;
use crate::state::Row;
use std::collections::BTreeMap;

/// So many keys are asked for in one question.
const ASKED_AT_ONCE: usize = 5_000;

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

/// The requirements that rows tell of, under a contract.
pub fn told<'c>(catalogue: &'c Catalogue, contract: &'c Contract) -> impl Iterator<Item = &'c String> {
    let always = &catalogue.always;
    let tables = contract.state.as_ref();
    let keys = names_keys(tables.and_then(|tables| tables.keys.as_ref()));
    let audit = tables.and_then(|tables| tables.audit.as_ref()).filter(|table| names_keys(Some(table)));
    let holds_hash = audit.is_some_and(|table| table.column_holding("sha256").is_some()) && !contract.signature.stands_in_body();
    let all = [
        (&always.acceptances_are_audited, audit.is_some()),
        (&always.keys_have_evidence, keys || audit.is_some()),
        (&always.refusals_leave_no_trace, keys),
        (&always.rows_are_as_promised, audit.is_some()),
        (&always.hashes_are_of_the_body, holds_hash),
        (&always.instants_never_go_back, audit.is_some_and(|table| table.instant().is_some())),
        (&always.refusals_are_not_audited, audit.is_some()),
    ];
    all.into_iter().filter_map(|(id, is_told)| id.as_ref().filter(|id| is_told && contract.promises(id)))
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
/// * `run_word`: what keys begin with; and beside it what they are called, where they were not made by it.
///
/// # Errors
/// [`EvidenceError`]: why they cannot be read.
pub async fn read(
    source: &dyn Source,
    contract: &Contract,
    (run_word, written): (&str, Option<&(dyn Fn(u32) -> String + Sync)>),
    keys: u32,
    some: Vec<String>,
) -> Result<Option<Read>, EvidenceError> {
    if contract.state.is_none() {
        return Ok(None);
    }
    let made = |number: u32| contract.key.unique_key(run_word, u64::from(number));
    let mut read = match written {
        None if contract.key.has_prefix() => read_by_prefix(source, contract, run_word, keys).await?,
        None => read_one_by_one(source, contract, &made, keys).await?,
        Some(written) => read_one_by_one(source, contract, written, keys).await?,
    };
    read.rows = source.rows(Question { rows: Which::Of(Vec::new(), some), ..Question::default() }).await?.state.audit;
    Ok(Some(read))
}

/// The counts of rows where all keys of the load begin alike.
async fn read_by_prefix(source: &dyn Source, contract: &Contract, run_word: &str, keys: u32) -> Result<Read, EvidenceError> {
    let prefix = format!("{run_word}-");
    let (key_rows, audit_rows) = none_yet(contract);
    let mut strays: Option<(String, u64)> = None;
    let mut evidence: Vec<Evidence> = (0..keys).map(|key| Evidence { key, audit_rows, key_rows }).collect();
    let number = |text: &str| text.strip_prefix(&prefix).and_then(|digits| digits.parse::<usize>().ok());
    let mut told = |role: Role, key: &str, rows: u32| match (number(key).and_then(|at| evidence.get_mut(at)), role) {
        (Some(one), Role::Keys) => one.key_rows = Some(rows),
        (Some(one), Role::Audit) => one.audit_rows = Some(rows),
        (None, Role::Keys) => {}
        (None, Role::Audit) => strays.get_or_insert_with(|| (key.to_owned(), 0)).1 += u64::from(rows),
    };
    source.count(&prefix, &mut told).await?;
    Ok(Read { evidence, rows: Vec::new(), strays, tells_strays: true })
}

/// No row of any key yet, in the tables that name keys: key rows, then audit rows.
fn none_yet(contract: &Contract) -> (Option<u32>, Option<u32>) {
    let tables = contract.state.as_ref();
    let none = |table: Option<&Table>| names_keys(table).then_some(0);
    (none(tables.and_then(|tables| tables.keys.as_ref())), none(tables.and_then(|tables| tables.audit.as_ref())))
}

/// The same where keys have nothing in common: the rows of each are asked for. What else is there cannot be told.
async fn read_one_by_one(
    source: &dyn Source,
    contract: &Contract,
    name: &(dyn Fn(u32) -> String + Sync),
    keys: u32,
) -> Result<Read, EvidenceError> {
    let tables = contract.state.as_ref();
    let (of_keys, of_audit) = (tables.and_then(|tables| tables.keys.as_ref()), tables.and_then(|tables| tables.audit.as_ref()));
    let mut evidence = Vec::with_capacity(keys as usize);
    for first in (0..keys).step_by(ASKED_AT_ONCE) {
        let numbers = first..keys.min(first.saturating_add(ASKED_AT_ONCE as u32));
        let names: Vec<String> = numbers.clone().map(name).collect();
        let found = source.rows(Question { rows: Which::Of(names.clone(), names.clone()), ..Question::default() }).await?.state;
        let counts = |table: Option<&Table>, rows| table.filter(|table| names_keys(Some(table))).map(|table| counted(table, rows));
        let (key_rows, audit_rows) = (counts(of_keys, &found.keys), counts(of_audit, &found.audit));
        let of = |counted: &Option<BTreeMap<&str, u32>>, name: &String| {
            counted.as_ref().map(|counted| counted.get(name.as_str()).copied().unwrap_or(0))
        };
        let evidence_of = |(key, name)| Evidence { key, audit_rows: of(&audit_rows, name), key_rows: of(&key_rows, name) };
        evidence.extend(numbers.zip(&names).map(evidence_of));
    }
    Ok(Read { evidence, rows: Vec::new(), strays: None, tells_strays: false })
}

/// Those of some keys that have rows.
///
/// # Errors
/// [`EvidenceError`]: why they cannot be read.
pub async fn with_rows(source: &dyn Source, contract: &Contract, names: &[String]) -> Result<Vec<String>, EvidenceError> {
    let Some(tables) = &contract.state else { return Ok(Vec::new()) };
    let found = source.rows(Question { rows: Which::Of(names.to_vec(), names.to_vec()), ..Question::default() }).await?.state;
    let mut all = Vec::new();
    for (table, rows) in [(&tables.keys, &found.keys), (&tables.audit, &found.audit)] {
        if let Some(table) = table.as_ref().filter(|table| names_keys(Some(table))) {
            all.extend(counted(table, rows).into_keys().map(str::to_owned));
        }
    }
    Ok(all)
}

/// How many rows bear each key; audit rows of other events left out.
fn counted<'r>(table: &Table, rows: &'r [Row]) -> BTreeMap<&'r str, u32> {
    let mut counted = BTreeMap::new();
    for key in rows.iter().filter(|row| table.is_ours(row)).filter_map(|row| row.text(table.found_by())) {
        *counted.entry(key).or_default() += 1;
    }
    counted
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::UnixMicros;
    use crate::contract::reading::read_contract;
    use crate::evidence::sqlite::SqliteSource;
    use crate::files;
    use crate::history::consistency::Evidence;
    use crate::reference::Receiver;
    use crate::scenario::deliver::Deliver;
    use crate::session::series::Series;
    use crate::session::supplies::Supplies;
    use crate::sqlite::SqliteStore;
    use crate::transport::Target;

    /// Rows are found by keys that begin alike, and by keys that have nothing in common.
    #[tokio::test]
    async fn rows_are_found_whatever_keys_look_like() {
        for (form, tells_strays) in [("bare", true), ("uuid", false)] {
            let text = files::shipped_contract("orch-phase3").unwrap().text.replace("form: bare", &format!("form: {form}"));
            let contract = Arc::new(read_contract("c", &text, &|_| None).unwrap());
            let signer = contract.signature.keyed(b"a secret").unwrap();
            let (target, body) = (Target::parse("http://h:1").unwrap(), "{}".into());
            let supplies = Supplies::without_bodies(Arc::clone(&contract), signer.clone(), Vec::new(), target.url(""));
            let series = Series::new(supplies, &target, Deliver::default(), &body).unwrap();
            let folder = tempfile::tempdir().unwrap();
            let database = folder.path().join("a.db");
            let store = SqliteStore::open(Arc::clone(&contract), &database).unwrap();
            let mut receiver = Receiver::new(Arc::clone(&contract), Some(signer), store, None).unwrap();
            for number in [0, 2] {
                let key = contract.key.unique_key("hg1", number);
                let made = series.one(Some(&key), &body, None, UnixMicros(1)).unwrap().delivery;
                assert_eq!(receiver.deliver(&made, UnixMicros(1_000_000)).unwrap().status, 202);
            }
            let some = vec![contract.key.unique_key("hg1", 2)];
            let source = SqliteSource::new(database, contract.state.clone().unwrap(), None, std::time::Duration::from_secs(30));
            let read = read(&source, &contract, ("hg1", None), 4, some).await.unwrap().unwrap();
            let rows = |Evidence { key, audit_rows, key_rows }: &Evidence| (*key, *audit_rows, *key_rows);
            let counted: Vec<_> = read.evidence.iter().map(rows).collect();
            assert_eq!(counted, [(0, Some(1), Some(1)), (1, Some(0), Some(0)), (2, Some(1), Some(1)), (3, Some(0), Some(0))], "{form}");
            assert_eq!((read.rows.len(), read.tells_strays), (1, tells_strays));
        }
    }
}
