//! After a load: does the audit trail over HTTP show the newest rows?
//!
//! One question is asked, of the page that the contract names; the keys that
//! were accepted last must be on it.

use crate::contract::Contract;
use crate::history::consistency::{NEVER, Operation};
use crate::load::shared::Shared;
use crate::outcome::Outcome;
use crate::transport::{Sender, Transmission};

/// So many of the newest keys are looked for.
const NEWEST: usize = 10;
/// So many rows are asked for; with more users than that, as many newer rows may hide one.
const ROWS: usize = 1_000;

/// What the page shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// How many keys were looked for.
    pub looked_for: u64,
    /// Those that are not there.
    pub missing: Vec<Operation>,
    /// What the page said, in a few words.
    pub said: String,
}

/// Asks for the page; nothing where the contract names none, or nothing on it can be told.
pub async fn ask(shared: &Shared, history: &[Operation]) -> Option<Page> {
    let contract = &shared.contract;
    let column = &contract.state.as_ref()?.audit.as_ref()?.column_holding("key")?.name;
    let newest = newest(history);
    if newest.is_empty() || shared.under_way.len() + NEWEST > ROWS {
        return None;
    }
    let question = shared.series_of(0).supplies().question("GET", &path(contract)?);
    let exchange = Sender::new(shared.target.clone(), shared.timeout).send(Transmission::plain(question)).await;
    // Without an answer there is nothing to judge: whether it lives is told elsewhere.
    let answer = exchange.result.ok()?;
    let (rows, said) = match answer.json() {
        Some(serde_json::Value::Array(rows)) => {
            let said = format!("{} rows", rows.len());
            (rows, said)
        }
        _ => (Vec::new(), format!("{}, and no JSON array of rows", answer.status)),
    };
    let is_there = |one: &Operation| {
        let key = shared.key(one.key);
        rows.iter().any(|row| row[column.as_str()].as_str() == Some(key.as_str()))
    };
    let missing = newest.iter().filter(|one| !is_there(one)).copied().collect();
    Some(Page { looked_for: newest.len() as u64, missing, said })
}

/// The deliveries that were accepted last.
fn newest(history: &[Operation]) -> Vec<Operation> {
    let mut newest: Vec<Operation> = Vec::with_capacity(NEWEST + 1);
    for one in history.iter().filter(|one| one.outcome.is(Outcome::Accepted) && one.returned != NEVER) {
        let at = newest.partition_point(|other| other.returned > one.returned);
        if at < NEWEST {
            newest.insert(at, *one);
            newest.truncate(NEWEST);
        }
    }
    newest
}

fn path(contract: &Contract) -> Option<String> {
    let url = contract.audit_url.as_ref()?;
    let only = contract.state.as_ref()?.audit.as_ref()?.only.as_ref();
    let event = only.map_or_else(String::new, |only| format!("&{}={}", url.event, only.is));
    Some(format!("{}?{}={ROWS}{event}", url.path, url.limit))
}
