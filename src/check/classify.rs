//! Which outcome an answer is, where many came at once.
//!
//! One answer alone does not show which delivery was first, so here the
//! members that depend on the first delivery may be any text; whether all
//! duplicates agree is counted afterwards ([`Tally`]).

use std::collections::BTreeMap;

use serde_json::Value;

use super::answer::{Judged, fits, referred_instant};
use super::{Record, Records};
use crate::contract::Contract;
use crate::contract::outcome::{AnswerForm, Refusal};
use crate::delivery::Answer;
use crate::scenario::Counts;

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Accepted as new.
    Accepted,
    /// A duplicate.
    Duplicate,
    /// A refusal, an error, or no answer.
    Other,
}

/// The class of one delivery's answer.
#[must_use]
pub fn classify(contract: &Contract, record: &Record) -> Class {
    let Ok(answer) = &record.result else { return Class::Other };
    classify_read(contract, record, answer, answer.json().as_ref())
}

/// The same, with an answer whose body was read as JSON already, when it is.
#[must_use]
pub fn classify_read(contract: &Contract, record: &Record, answer: &Answer, json: Option<&Value>) -> Class {
    let none = Records::default();
    let fits = |outcome| fits(outcome, Judged { answer, record, records: &none }, json);
    // A duplicate says more than an acceptance: where both fit, it is an acceptance.
    if fits(&contract.outcomes.accepted) {
        Class::Accepted
    } else if contract.duplicate().is_some_and(fits) {
        Class::Duplicate
    } else {
        Class::Other
    }
}

/// What the deliveries of one key got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Accepted as new.
    pub accepted: usize,
    /// Answered as duplicates.
    pub duplicate: usize,
    /// Told that a rival is under way.
    pub in_flight: usize,
    /// Refused for their own body.
    pub other_body: usize,
    /// Anything else, in words.
    pub other: Vec<String>,
    /// The different instants that duplicates referred to.
    pub references: Vec<String>,
}

impl Tally {
    /// Whether the counts are those that were asked for.
    #[must_use]
    pub fn fits(&self, counts: &Counts) -> bool {
        let repeated = self.duplicate + self.in_flight;
        let rivals = repeated + self.other_body;
        // What was asked for as a rival or a repetition is no surprise beside it.
        let (expected_in_flight, expected_other_body) = (counts.repeated.or(counts.rivals).is_some(), counts.rivals.is_some());
        let surprises =
            self.other.len() + if expected_in_flight { 0 } else { self.in_flight } + if expected_other_body { 0 } else { self.other_body };
        counts.accepted.is_none_or(|n| n == self.accepted)
            && counts.duplicate.is_none_or(|n| n == self.duplicate)
            && counts.repeated.is_none_or(|n| n == repeated)
            && counts.rivals.is_none_or(|n| n == rivals)
            && counts.other.is_none_or(|n| n == surprises)
    }

    /// The counts in words: `5 accepted as new, 3 duplicates, 0 other`.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = format!("{} accepted as new, {} duplicates, ", self.accepted, self.duplicate);
        for (count, what) in [(self.in_flight, "in flight"), (self.other_body, "refused for their body")] {
            if count > 0 {
                text.push_str(&format!("{count} {what}, "));
            }
        }
        text.push_str(&format!("{} other", self.other.len()));
        if let Some(first) = self.other.first() {
            text.push_str(&format!(" (the first: {first})"));
        }
        text
    }
}

/// Counts in words, as they are asked for.
#[must_use]
pub fn describe_counts(counts: &Counts) -> String {
    let part = |n: Option<usize>, what: &str| n.map(|n| format!("{n} {what}"));
    let parts = [
        part(counts.accepted, "accepted as new"),
        part(counts.duplicate, "duplicates"),
        part(counts.repeated, "duplicates"),
        part(counts.rivals, "rivals"),
        part(counts.other, "other"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Counts the answers of a burst, key by key, in order of first use.
#[must_use]
pub fn tally(contract: &Contract, burst: &[Record]) -> Vec<(String, Tally)> {
    let mut order: Vec<String> = Vec::new();
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for record in burst {
        let tally = tallies.entry(&record.key).or_insert_with(|| {
            order.push(record.key.clone());
            Tally::default()
        });
        match classify(contract, record) {
            Class::Accepted => tally.accepted += 1,
            Class::Duplicate => {
                tally.duplicate += 1;
                let answer = record.result.as_ref().ok();
                push_new(&mut tally.references, answer.and_then(|answer| referred_instant(contract, answer)));
            }
            Class::Other if is(contract.outcomes.in_flight.as_ref(), record) => tally.in_flight += 1,
            Class::Other if is(contract.outcomes.refusal(Refusal::OtherBody), record) => tally.other_body += 1,
            Class::Other => tally.other.push(super::describe(&record.result)),
        }
    }
    order.into_iter().map(|key| (key.clone(), tallies.remove(key.as_str()).unwrap_or_default())).collect()
}

/// Whether a delivery got an answer of a form.
fn is(form: Option<&AnswerForm>, record: &Record) -> bool {
    let (Some(form), Ok(answer)) = (form, &record.result) else { return false };
    fits(form, Judged { answer, record, records: &Records::default() }, answer.json().as_ref())
}

fn push_new(all: &mut Vec<String>, one: Option<String>) {
    if let Some(one) = one.filter(|one| !all.contains(one)) {
        all.push(one);
    }
}
