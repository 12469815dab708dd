//! Bursts: what the deliveries of each key got, and whether it is what was asked for.
//!
//! Which of many was first nobody can see, so answers are counted as sets: an
//! answer that may be an acceptance or a duplicate counts as either. Whether
//! duplicates agree about the one that was accepted is judged here, too.

use std::collections::BTreeMap;

use super::answer::{Judged, against};
use super::{Bindings, Mismatch};
use crate::contract::outcome::Refusal;
use crate::contract::{Contract, OtherBody};
use crate::history::record::{Record, referred_instant};
use crate::outcome::mismatch::{Kind, MismatchCode, When};
use crate::outcome::reader::Reader;
use crate::outcome::{Outcome, OutcomeSet};
use crate::scenario::Counts;

/// So many keys are told in full; the rest are counted.
const KEYS_TOLD: usize = 3;

/// What the deliveries of one key got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Accepted as new.
    pub accepted: usize,
    /// Answered as duplicates.
    pub duplicate: usize,
    /// One or the other: answers are alike.
    pub alike: usize,
    /// Told that the key is under way.
    pub in_flight: usize,
    /// Refused for their other body.
    pub other_body: usize,
    /// Anything else, in words.
    pub other: Vec<String>,
    /// The status of the first of these; none where no answer came.
    pub other_status: Option<u16>,
    /// The different instants that duplicates referred to.
    pub references: Vec<String>,
}

impl Tally {
    fn all(&self) -> usize {
        self.accepted + self.duplicate + self.alike + self.in_flight + self.other_body + self.other.len()
    }

    /// Whether the counts are those that were asked for, under a contract.
    #[must_use]
    pub fn fits(&self, counts: &Counts, contract: &Contract) -> bool {
        let Counts { accepted, duplicate, repeated, rivals, other } = counts;
        if !contract.is_by_key() || (rivals.is_some() && contract.other_body == OtherBody::New) {
            // Nothing makes them one: whatever would be accepted or repeat it is accepted.
            let wanted = [accepted, duplicate, repeated, rivals].into_iter().flatten().sum::<usize>();
            return self.accepted + self.alike == wanted && other.is_none_or(|n| n + wanted == self.all());
        }
        let may_be_in_flight = contract.outcomes.in_flight.is_some() && (repeated.is_some() || rivals.is_some());
        let may_be_refused = contract.other_body == OtherBody::Refused && rivals.is_some();
        let beside = if may_be_in_flight { self.in_flight } else { 0 } + if may_be_refused { self.other_body } else { 0 };
        let others = self.all() - self.accepted - self.duplicate - self.alike - beside;
        let taken = self.accepted + self.duplicate + self.alike;
        accepted.is_none_or(|n| (self.accepted..=self.accepted + self.alike).contains(&n))
            && duplicate
                .is_none_or(|n| (self.duplicate..=self.duplicate + self.alike).contains(&n) && accepted.is_none_or(|a| a + n == taken))
            && repeated.or(*rivals).is_none_or(|n| accepted.is_none_or(|a| a + n == taken + beside))
            && other.is_none_or(|n| n == others)
            && (repeated.or(*rivals).is_none() || others == other.unwrap_or(0))
    }

    /// What is wrong with counts that do not fit.
    fn code(&self, counts: &Counts) -> MismatchCode {
        let failed = self.other_status.is_some_and(|status| status >= 500);
        let wants = |n: Option<usize>| n.is_some_and(|n| n > 0);
        let refusals = wants(counts.other) && !wants(counts.accepted);
        let repeats = wants(counts.duplicate) || wants(counts.repeated) || wants(counts.rivals);
        let kind = if refusals {
            if failed { Kind::RefusalFailed } else { Kind::RefusalTaken }
        } else if self.accepted > counts.accepted.unwrap_or(self.accepted) {
            Kind::RepeatTakenAsNew
        } else if counts.accepted.is_some_and(|n| self.accepted + self.alike < n) && self.other.is_empty() {
            Kind::NewToldAsDuplicate
        } else if counts.accepted.is_some_and(|n| self.accepted + self.alike >= n) && repeats {
            match self.other_status {
                Some(status) if status >= 500 => Kind::RepeatFailed,
                Some(status) if (200..=299).contains(&status) => Kind::DuplicateOtherwise,
                Some(_) | None => Kind::RepeatRefused,
            }
        } else {
            match self.other_status {
                _ if self.other.is_empty() => Kind::Other,
                None => Kind::Silent,
                Some(status) if status >= 500 => Kind::HonestFailed,
                Some(status) if (200..=299).contains(&status) => Kind::AcceptedOtherwise,
                Some(_) => Kind::HonestRefused,
            }
        };
        let why = refusals.then_some(Refusal::Signature);
        MismatchCode { status: self.other_status, why, when: vec![When::AtOnce], ..MismatchCode::of(kind) }
    }

    /// The counts in words: `5 accepted as new, 3 duplicates, 0 other`.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = format!("{} accepted as new, {} duplicates", self.accepted, self.duplicate);
        for (count, what) in
            [(self.alike, "accepted or duplicates"), (self.in_flight, "told of one in flight"), (self.other_body, "refused for their body")]
        {
            if count > 0 {
                text.push_str(&format!(", {count} {what}"));
            }
        }
        text.push_str(&format!(", {} other", self.other.len()));
        if let Some(first) = self.other.first() {
            text.push_str(&format!(" (the first: {first})"));
        }
        text
    }
}

/// Counts in words, as they are asked for.
#[must_use]
pub fn describe_counts(counts: &Counts) -> String {
    let part = |n: Option<usize>, one: &str, several: &str| n.map(|n| format!("{n} {}", if n == 1 { one } else { several }));
    let parts = [
        part(counts.accepted, "accepted as new", "accepted as new"),
        part(counts.duplicate, "duplicate", "duplicates"),
        part(counts.repeated, "repetition", "repetitions"),
        part(counts.rivals, "rival with a body of its own", "rivals with bodies of their own"),
        part(counts.other, "other", "other"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Counts the answers of a burst, key by key, in order of first use.
#[must_use]
pub fn tally(reader: &Reader, burst: &[Record]) -> Vec<(String, Tally)> {
    let mut order: Vec<String> = Vec::new();
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for record in burst {
        let tally = tallies.entry(&record.key).or_insert_with(|| {
            order.push(record.key.clone());
            Tally::default()
        });
        let set = record.outcome(reader);
        if set.is(Outcome::Accepted) {
            tally.accepted += 1;
        } else if set.is(Outcome::Duplicate) {
            tally.duplicate += 1;
            let answer = record.result.as_ref().ok();
            push_new(&mut tally.references, answer.and_then(|answer| referred_instant(reader.contract(), answer)));
        } else if set.is_taken() {
            tally.alike += 1;
        } else if set.may_be(Outcome::InFlight) {
            tally.in_flight += 1;
        } else if set.may_be(Outcome::Refused(Refusal::OtherBody)) {
            tally.other_body += 1;
        } else {
            if tally.other.is_empty() {
                tally.other_status = record.result.as_ref().ok().map(|answer| answer.status);
            }
            tally.other.push(super::describe(&record.result));
        }
    }
    order.into_iter().map(|key| (key.clone(), tallies.remove(key.as_str()).unwrap_or_default())).collect()
}

fn push_new(all: &mut Vec<String>, one: Option<String>) {
    if let Some(one) = one.filter(|one| !all.contains(one)) {
        all.push(one);
    }
}

/// Holds the answers of a burst against the counts that were asked for, and against each other.
#[must_use]
pub fn judge(reader: &Reader, counts: &Counts, burst: &[Record]) -> Vec<Mismatch> {
    let tallies = tally(reader, burst);
    let off: Vec<&(String, Tally)> = tallies.iter().filter(|(_, tally)| !tally.fits(counts, reader.contract())).collect();
    if let Some((key, _)) = off.first() {
        let mismatch = count_mismatch(counts, &off, tallies.len());
        return vec![form_of(reader, key, &mismatch, burst)];
    }
    tallies.iter().filter_map(|(key, tally)| disagreement(reader, key, tally, burst)).take(KEYS_TOLD).collect()
}

/// Whether an answer is counted as none of those that have a name.
fn is_other(set: OutcomeSet) -> bool {
    !set.is_taken() && !set.may_be(Outcome::InFlight) && !set.may_be(Outcome::Refused(Refusal::OtherBody))
}

/// A mismatch of counts, told by what is wrong with the first answer that has the status of what was due and not its form.
fn form_of(reader: &Reader, key: &str, mismatch: &Mismatch, burst: &[Record]) -> Mismatch {
    let contract = reader.contract();
    let of_key = || burst.iter().filter(|record| record.key == key);
    let accepted = of_key().find(|record| record.outcome(reader).is(Outcome::Accepted));
    let form = match mismatch.code.kind {
        Kind::DuplicateOtherwise => contract.duplicate(),
        Kind::AcceptedOtherwise => Some(&contract.outcomes.accepted),
        _ => None,
    };
    let none = Bindings::default();
    let wrong = form.and_then(|form| {
        let record = of_key().find(|record| is_other(record.outcome(reader)) && record.result.is_ok())?;
        let answer = record.result.as_ref().ok().filter(|answer| form.allows_status(answer.status))?;
        against(form, Judged { answer, record, bindings: &none }, accepted).into_iter().find(|one| !one.code.is_of_outcome())
    });
    match wrong {
        Some(wrong) => Mismatch { shows: wrong.shows, code: wrong.code, ..mismatch.clone() },
        None => mismatch.clone(),
    }
}

/// One mismatch for all keys whose counts are off: the first ones in full.
fn count_mismatch(counts: &Counts, off: &[&(String, Tally)], keys: usize) -> Mismatch {
    let wanted = describe_counts(counts);
    let code = off.first().map_or_else(MismatchCode::default, |(_, tally)| tally.code(counts));
    if keys == 1 {
        let observed = off.first().map_or_else(String::new, |(_, tally)| tally.describe());
        return Mismatch::must(wanted, observed).of(code);
    }
    let told = off.iter().take(KEYS_TOLD).map(|(key, tally)| format!("{key}: {}", tally.describe())).collect::<Vec<_>>().join("\n");
    Mismatch::must(format!("for each of {keys} keys: {wanted}"), format!("off for {} of {keys} keys\n{told}", off.len())).of(code)
}

/// Duplicates of one key that do not refer to the one delivery that was accepted, or do not get its answer.
fn disagreement(reader: &Reader, key: &str, tally: &Tally, burst: &[Record]) -> Option<Mismatch> {
    let contract = reader.contract();
    let form = contract.duplicate()?;
    let of_key = || burst.iter().filter(|record| record.key == key);
    if contract.repeats_first_answer() && contract.other_body != OtherBody::New {
        let bodies = || of_key().filter(|record| record.outcome(reader).is_taken()).filter_map(|record| record.result.as_ref().ok());
        let first = bodies().next()?;
        let other = bodies().find(|answer| answer.body != first.body)?;
        let expected =
            format!("key {key:?}: every repetition gets the first's answer, byte for byte: {}", super::describe(&Ok(first.clone())));
        let mismatch = Mismatch::must(expected, super::describe(&Ok(other.clone()))).of(MismatchCode::of(Kind::Body));
        return Some(Mismatch { shows: form.shows.clone(), ..mismatch });
    }
    if tally.references.len() > 1 {
        let path = contract.reference_member();
        let member = form.body.iter().find(|member| Some(member.member.as_str()) == path);
        let expected = format!("key {key:?}: every duplicate refers to the same delivery");
        let observed = format!("{} different instants: {}", tally.references.len(), tally.references.join(", "));
        let code = MismatchCode { name: path.map(str::to_owned), ..MismatchCode::of(Kind::References) };
        let mismatch = Mismatch::must(expected, observed).of(code);
        return Some(Mismatch { shows: member.and_then(|member| member.shows.clone()), ..mismatch });
    }
    let accepted = of_key().find(|record| record.outcome(reader).is(Outcome::Accepted))?;
    let none = Bindings::default();
    of_key().filter(|record| record.outcome(reader).is(Outcome::Duplicate)).find_map(|record| {
        let answer = record.result.as_ref().ok()?;
        against(form, Judged { answer, record, bindings: &none }, Some(accepted)).into_iter().next()
    })
}
