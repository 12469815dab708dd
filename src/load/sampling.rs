//! Rows of a load, looked at one by one: what they hold, and in which order they say they came.
//!
//! Counting rows does not show what is in them, and reading all of millions
//! takes longer than the load. So some hundreds of accepted keys, spread evenly,
//! are held against what the contract says that their audit rows hold.

use std::time::Duration;

use crate::clock::iso;
use crate::contract::tables::Table;
use crate::delivery::Delivery;
use crate::history::consistency::Operation;
use crate::history::record::Record;
use crate::judge::check::rows::promised_row;
use crate::load::mix::Kind;
use crate::load::shared::Shared;
use crate::outcome::Outcome;
use crate::sign::sha256_hex;
use crate::state::Row;

/// So many keys are looked at.
const MOST_SAMPLED: usize = 1_000;

/// What is not as promised in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A cell.
    Cell,
    /// The cell with the body's hash.
    Hash,
    /// The instant: an earlier delivery, answered before this one was sent, has a later one.
    Order,
}

/// One row that is not as promised.
#[derive(Clone, Debug)]
pub struct Found {
    /// What is wrong.
    pub wrong: Wrong,
    /// The operation that the row belongs to.
    pub operation: Operation,
    /// What was expected and found, in one line.
    pub why: String,
}

/// What looking at rows one by one has shown.
#[derive(Clone, Debug, Default)]
pub struct Sampled {
    /// What is not as promised.
    pub found: Vec<Found>,
    /// How many rows were looked at.
    pub rows: u64,
    /// How many of their instants were held against each other.
    pub ordered: u64,
}

/// Accepted operations, spread evenly over a history.
#[must_use]
pub fn sample(history: &[Operation]) -> Vec<Operation> {
    let accepted = history.iter().filter(|one| one.outcome.is(Outcome::Accepted)).count();
    let step = accepted.div_ceil(MOST_SAMPLED).max(1);
    history.iter().filter(|one| one.outcome.is(Outcome::Accepted)).step_by(step).copied().collect()
}

/// Holds the audit rows of sampled operations against the contract.
///
/// * `history`: all operations, sorted by key: a row is of one of those that may have been accepted, and where they are several nobody
///   knows of which.
#[must_use]
pub fn judge(shared: &Shared, table: &Table, sampled: &[Operation], rows: &[Row], history: &[Operation]) -> Sampled {
    let (mut found, mut looked_at) = (Vec::new(), 0);
    let mut instants = Vec::new();
    let Some(column) = table.column_holding("key") else { return Sampled::default() };
    for one in sampled {
        let key = shared.key(one.key);
        // How many there are is counted elsewhere.
        let mut own = rows.iter().filter(|row| row.text(&column.name) == Some(key.as_str()) && table.is_ours(row));
        let (Some(row), None) = (own.next(), own.next()) else { continue };
        looked_at += 1;
        if let Some((at, _)) = table.instant_in(row).and_then(iso::read).filter(|_| is_alone(one.key, history)) {
            instants.push((*one, at.0));
        }
        // Of the bodies that it may be of, it is held against the one that it fits best.
        let wrongs = bodies(shared, one.key).map(|record| cells(table, row, &record)).min_by_key(Vec::len);
        // A body that bears its own signature is not kept, so nobody knows its hash afterwards.
        let known = |wrong: Wrong| wrong != Wrong::Hash || !shared.contract.signature.stands_in_body();
        found.extend(wrongs.into_iter().flatten().filter(|one| known(one.0)).map(|(wrong, why)| Found { wrong, operation: *one, why }));
    }
    found.extend(out_of_order(&mut instants));
    Sampled { found, rows: looked_at, ordered: instants.len() as u64 }
}

/// Whether no more than one delivery of a key can have been accepted.
fn is_alone(key: u32, history: &[Operation]) -> bool {
    let first = history.partition_point(|one| one.key < key);
    history[first..].iter().take_while(|one| one.key == key).filter(|one| one.outcome.may_have_effect()).count() == 1
}

/// The delivery of a key, and where a mix has them, the one with another body: whichever came first is remembered.
fn bodies<'s>(shared: &'s Shared, key: u32) -> impl Iterator<Item = Record> + 's {
    let word = shared.key(key);
    let other = shared.mix.has(Kind::ConflictingBody).then(|| format!("{word}-other"));
    std::iter::once(word.clone()).chain(other).map(move |text| record(shared, key, &word, shared.body(key, &text)))
}

fn record(shared: &Shared, number: u32, key: &str, body: bytes::Bytes) -> Record {
    let sha256 = sha256_hex(&body);
    let delivery = Delivery { path: shared.series_of(number).bare().path, body, ..Delivery::default() };
    let instant = crate::clock::UnixMicros(0);
    let result = Err(crate::delivery::NoAnswer::TimedOut { after: Duration::ZERO });
    let (referred_as, refers_to) = (None, None);
    Record {
        own_delay: Duration::ZERO,
        went_twice: false,
        key: key.to_owned(),
        identity: key.to_owned(),
        sha256,
        delivery,
        sent_at: instant,
        answered_at: instant,
        took: Duration::ZERO,
        result,
        moved_us: 0,
        referred_as,
        refers_to,
    }
}

fn cells(table: &Table, row: &Row, record: &Record) -> Vec<(Wrong, String)> {
    let instant = table.instant();
    let hash = table.column_holding("sha256").map(|column| column.name.as_str());
    let promised = promised_row(table, record).columns.into_iter().filter(|(name, _)| Some(name.as_str()) != instant);
    let wrong = promised.filter_map(|(name, wanted)| {
        let there = row.get(&name)?;
        let what = if Some(name.as_str()) == hash { Wrong::Hash } else { Wrong::Cell };
        (*there != wanted).then(|| (what, format!("{}.{name} is {there}, where the contract has {wanted}", table.table)))
    });
    wrong.collect()
}

/// Operations whose row says that it came before another's, which had been answered when they were sent.
fn out_of_order(instants: &mut [(Operation, i64)]) -> Vec<Found> {
    instants.sort_unstable_by_key(|(one, _)| one.invoked);
    let mut by_return: Vec<(i64, i64)> = instants.iter().map(|(one, at)| (one.returned, *at)).collect();
    by_return.sort_unstable();
    let mut returned = by_return.into_iter().peekable();
    let mut latest = i64::MIN;
    let late = instants.iter().filter_map(|(one, at)| {
        while let Some((_, instant)) = returned.next_if(|(until, _)| *until < one.invoked) {
            latest = latest.max(instant);
        }
        let by = latest.checked_sub(*at).filter(|by| latest != i64::MIN && *by > 0)?;
        let why = format!("its row's instant lies {by} µs before that of a delivery that had been answered when this one was sent");
        Some(Found { wrong: Wrong::Order, operation: *one, why })
    });
    late.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::OutcomeSet;

    /// The row of a key that was accepted twice, or that got no answer once, may be of either: it says nothing of the order.
    #[test]
    fn row_of_one_of_several_acceptances_is_in_no_order() {
        let one = |key, outcome| Operation { key, outcome: OutcomeSet::only(outcome), invoked: 1, returned: 2, refers_to: 3 };
        let history = [
            one(1, Outcome::Accepted),
            one(1, Outcome::Duplicate),
            one(2, Outcome::Accepted),
            one(2, Outcome::Accepted),
            one(3, Outcome::NoAnswer),
            one(3, Outcome::Accepted),
            one(4, Outcome::Accepted),
        ];
        assert_eq!([1, 2, 3, 4].map(|key| is_alone(key, &history)), [true, false, false, true]);
    }
}
