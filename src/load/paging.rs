//! After a load: does the audit trail over HTTP show the newest rows?
//!
//! One question is asked, of the page that the contract names; the keys that
//! were accepted last must be on it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::contract::Contract;
use crate::history::consistency::{NEVER, Operation};
use crate::load::shared::Shared;
use crate::outcome::Outcome;
use crate::transport::{Sender, Transmission};

/// So many of the newest keys are looked for, beside those that may have been under way with them.
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
    // Who was answered last need not have the newest row: all that were under way with it may. And as many rows may hide one.
    let users = shared.under_way.len();
    let most = certain(ROWS, users);
    let mut newest = newest(history, most);
    if newest.is_empty() || most < NEWEST {
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
    newest.truncate(on_page(rows.len(), history.iter().filter(is_accepted).count(), users));
    if newest.is_empty() {
        return None;
    }
    let is_there = |one: &Operation| {
        let key = shared.key(one.key);
        rows.iter().any(|row| row[column.as_str()].as_str() == Some(key.as_str()))
    };
    let missing = newest.iter().filter(|one| !is_there(one)).copied().collect();
    Some(Page { looked_for: newest.len() as u64, missing, said })
}

/// How many of the keys that were answered last must stand on a page of so many newest rows, whatever else was under way with them.
fn certain(rows: usize, users: usize) -> usize {
    (users + NEWEST).min(rows.saturating_sub(users))
}

/// How many of them must stand on the page that came. A receiver may show fewer rows than it is asked for; where it shows none, or as many as were
/// accepted, nothing excuses what is missing.
fn on_page(rows: usize, accepted: usize, users: usize) -> usize {
    if rows == 0 || rows >= accepted { usize::MAX } else { certain(rows, users.min(accepted)) }
}

/// Whether a delivery was accepted, and its answer came.
fn is_accepted(one: &&Operation) -> bool {
    one.outcome.is(Outcome::Accepted) && one.returned != NEVER
}

/// The deliveries that were accepted last, so many of them, the last first.
fn newest(history: &[Operation], count: usize) -> Vec<Operation> {
    let mut newest = BinaryHeap::with_capacity(count + 1);
    for (at, one) in history.iter().enumerate().filter(|(_, one)| is_accepted(one)) {
        let is_full = newest.len() >= count;
        if is_full && newest.peek().is_none_or(|Reverse((least, _))| one.returned <= *least) {
            continue;
        }
        newest.push(Reverse((one.returned, at)));
        if is_full {
            newest.pop();
        }
    }
    newest.into_sorted_vec().iter().filter_map(|Reverse((_, at))| history.get(*at).copied()).collect()
}

fn path(contract: &Contract) -> Option<String> {
    let url = contract.audit_url.as_ref()?;
    let only = contract.state.as_ref()?.audit.as_ref()?.only.as_ref();
    let event = only.map_or_else(String::new, |only| format!("&{}={}", url.event, only.is));
    Some(format!("{}?{}={ROWS}{event}", url.path, url.limit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::OutcomeSet;

    /// Those answered last are found in any order of the history; refusals and what has no answer are none of them.
    #[test]
    fn newest_are_those_that_were_answered_last() {
        let one =
            |key: u32, outcome, returned| Operation { key, outcome: OutcomeSet::only(outcome), invoked: 0, returned, refers_to: NEVER };
        let accepted = |key, returned| one(key, Outcome::Accepted, returned);
        let history = [
            accepted(1, 10),
            one(2, Outcome::Duplicate, 90),
            accepted(3, 30),
            accepted(4, NEVER),
            accepted(5, 20),
            one(6, Outcome::Rejected, 80),
            accepted(7, 5),
        ];
        // Of 74 keys, a page that ends after 100 rows must have 36; an empty one, or a whole one, all.
        let pages = [(100, 500), (0, 500), (500, 500), (999, 2_000), (30, 500), (399, 400)];
        assert_eq!(pages.map(|(rows, accepted)| on_page(rows, accepted, 64)), [36, usize::MAX, usize::MAX, 74, 0, 74]);
        let keys = |count| newest(&history, count).iter().map(|one| one.key).collect::<Vec<_>>();
        assert_eq!((keys(2), keys(3), keys(10), keys(0)), (vec![3, 5], vec![3, 5, 1], vec![3, 5, 1, 7], vec![]));
    }
}
