//! Circumstances: how a delivery differs from the plainest one of its kind.
//!
//! Takes every delivery of a scenario in turn, remembers what became of its
//! key, and says under which circumstances the next one comes. So a receiver
//! that refuses every honest delivery can be told from one that refuses odd
//! bodies only.

use std::collections::{BTreeMap, BTreeSet};

use crate::delivery::Delivery;
use crate::history::record::Record;
use crate::outcome::mismatch::When;
use crate::outcome::{Outcome, OutcomeSet};
use crate::scenario::deliver::{Deliver, Framing, HeaderCase};
use crate::scenario::stream::StreamStep;
use crate::sign::Scheme;

/// What came before in a scenario.
#[derive(Clone, Debug, Default)]
pub(super) struct Before {
    /// The body file of deliveries that do not say which.
    ordinary_body: String,
    /// How deliveries are signed, where the time is signed, too.
    signed_time: Option<Scheme>,
    deliveries: usize,
    /// Whether anything came that is to be refused.
    refusals: bool,
    /// Whether a key came more than once.
    repeats: bool,
    /// Whether time was moved.
    pub(super) aged: bool,
    /// Whether the receiver was started again.
    pub(super) restarted: bool,
    /// Whether the network has broken something.
    broken: bool,
    /// The bodies that were taken under each key, and whether any was refused.
    keys: BTreeMap<String, Standing>,
    odd_keys: BTreeSet<String>,
    odd_bodies: BTreeSet<String>,
    odd_ways: BTreeSet<String>,
    /// Streams that are open and whose clients do not read.
    unread: BTreeSet<String>,
}

/// What became of a key.
#[derive(Clone, Debug, Default)]
struct Standing {
    taken: Vec<String>,
    refused: bool,
    /// Whether it came again, or was turned away, since it was accepted.
    repeated: bool,
    /// Whether the last one got no answer.
    unanswered: bool,
    /// The signed time of the first that was taken.
    signed_at: Option<Vec<u8>>,
}

impl Before {
    /// Nothing came yet.
    pub(super) fn new(ordinary_body: &str, scheme: &Scheme) -> Self {
        let signed_time = scheme.carries_time().then(|| scheme.clone());
        Self { ordinary_body: ordinary_body.to_owned(), signed_time, ..Self::default() }
    }

    /// A step with a stream is done: whose client reads, or has gone, holds nobody up.
    pub(super) fn streamed(&mut self, step: &StreamStep) {
        for name in step.of.iter().filter(|_| step.until.is_some()).chain(&step.close).chain(&step.reconnect) {
            self.unread.remove(name);
        }
        self.unread.extend(step.name.as_ref().or(step.reconnect.as_ref()).filter(|_| step.unread).cloned());
    }

    /// What may be the reason of a late answer, whatever delivery it is to.
    pub(super) fn when_late(&self) -> Vec<When> {
        if self.unread.is_empty() { Vec::new() } else { vec![When::SlowReader] }
    }

    /// The time that a delivery says it was signed at, as it stands there.
    fn signed_at(&self, delivery: &Delivery) -> Option<Vec<u8>> {
        let scheme = self.signed_time.as_ref()?;
        let header = scheme.headers.iter().find(|header| header.carries("t"))?;
        let line = String::from_utf8_lossy(delivery.header(&header.name)?);
        let (templates, items) = match scheme.separator_of(header) {
            Some(separator) => (header.value.split(separator), line.split(separator).map(str::trim).collect::<Vec<_>>()),
            None => (vec![header.value.clone()], vec![line.trim()]),
        };
        let mut found = items.iter().filter_map(|item| templates.iter().find_map(|template| template.matches(item.as_bytes())));
        found.find_map(|found| found.iter().find(|(name, _)| *name == "t").map(|(_, time)| time.to_vec()))
    }

    /// Under which circumstances a delivery comes; none where it is the plainest of its kind.
    pub(super) fn when(&self, deliver: &Deliver, record: &Record) -> Vec<When> {
        let standing = self.keys.get(&record.key).filter(|_| !record.key.is_empty());
        let taken = standing.filter(|one| !one.taken.is_empty());
        let forged = deliver.signature.is_some_and(|tamper| !tamper.passes());
        let refused = standing.is_some_and(|one| one.refused) && !forged;
        let repeats = taken.is_some_and(|one| one.taken.contains(&record.sha256));
        let anew = |one: &Standing| one.signed_at.is_some() && one.signed_at != self.signed_at(&record.delivery);
        let found = [
            (When::Resigned, repeats && !forged && !self.aged && taken.is_some_and(anew)),
            (When::Restarted, self.restarted),
            (When::OddWay, comes_oddly(deliver) || self.broken || self.odd_ways.contains(&record.key)),
            // Nobody knows whether the one before it is still under way.
            (When::AtOnce, !self.aged && standing.is_some_and(|one| one.unanswered)),
            // A life of the delivery's own has another story.
            (When::Prolonged, self.aged && taken.is_some_and(|one| one.repeated) && !self.odd_ways.contains(&record.key)),
            (When::Aged, self.aged && taken.is_some()),
            (When::AfterRefusal, refused),
            (When::OtherBody, deliver.respell_of.is_none() && taken.is_some_and(|one| !one.taken.contains(&record.sha256))),
            (When::OddKey, is_odd_key(deliver) || self.odd_keys.contains(&record.key)),
            (When::OddBody, !repeats && (self.is_odd_body(deliver) || self.odd_bodies.contains(&record.sha256))),
            (When::Later, !self.is_plainest(deliver, taken.is_some(), forged)),
        ];
        found.into_iter().filter(|(_, is_so)| *is_so).map(|(when, _)| when).collect()
    }

    /// What is special about the rows of deliveries.
    pub(super) fn when_looked(&self, records: &[&Record]) -> Vec<When> {
        let found = [
            (When::Restarted, self.restarted),
            (When::AtOnce, records.len() > 1 && records.iter().any(|one| one.sent_at == records[0].sent_at && one.key != records[0].key)),
            (When::Aged, self.aged),
            (When::AfterRefusal, self.refusals),
            (When::OddKey, records.iter().any(|one| self.odd_keys.contains(&one.key))),
            (When::Later, self.repeats),
        ];
        found.into_iter().filter(|(_, is_so)| *is_so).map(|(when, _)| when).collect()
    }

    /// Whether a key was taken before.
    pub(super) fn is_taken(&self, key: &str) -> bool {
        self.keys.get(key).is_some_and(|one| !one.taken.is_empty())
    }

    /// Forgeries and deliveries without a key leave nothing behind; an honest one is the plainest when nothing came before it, and
    /// its repetition when only it did.
    fn is_plainest(&self, deliver: &Deliver, is_taken: bool, forged: bool) -> bool {
        if forged || deliver.no_key {
            return !is_taken;
        }
        if is_taken { self.deliveries == 1 } else { self.deliveries == 0 }
    }

    /// Remembers a delivery, and what came of it.
    pub(super) fn learn(&mut self, deliver: &Deliver, record: &Record, set: OutcomeSet) {
        self.deliveries += 1;
        self.broken |= deliver.fault.is_some();
        if is_odd_key(deliver) {
            self.odd_keys.insert(record.key.clone());
        }
        if self.is_odd_body(deliver) {
            self.odd_bodies.insert(record.sha256.clone());
        }
        if comes_oddly(deliver) {
            self.odd_ways.insert(record.key.clone());
        }
        let forged = deliver.signature.is_some_and(|tamper| !tamper.passes());
        let signed_at = self.signed_at(&record.delivery);
        self.refusals |= forged || deliver.no_key || deliver.method.is_some() || set.is_refusal();
        self.repeats |= self.keys.contains_key(&record.key);
        let standing = self.keys.entry(record.key.clone()).or_default();
        standing.unanswered = record.result.is_err();
        standing.repeated = !set.is(Outcome::Accepted) && !standing.taken.is_empty();
        if set.is_taken() {
            if set.is(Outcome::Accepted) {
                // A new life: what came in an earlier one is another body by now.
                standing.taken.clear();
            }
            if standing.taken.is_empty() {
                standing.signed_at = signed_at;
            }
            standing.taken.push(record.sha256.clone());
        } else if set.is_refusal() && (forged || standing.taken.is_empty()) {
            standing.refused = true;
        }
    }

    fn is_odd_body(&self, deliver: &Deliver) -> bool {
        let Deliver { body, raw, hex, json, fill, random_bytes, respell_of, signed_over, signed_over_raw, .. } = deliver;
        let made = [raw, hex, json, respell_of, signed_over, signed_over_raw].into_iter().any(Option::is_some);
        made || fill.is_some() || random_bytes.is_some() || body.as_ref().is_some_and(|file| *file != self.ordinary_body)
    }
}

fn is_odd_key(deliver: &Deliver) -> bool {
    let Deliver { key, key_length, key_hex, key_outside, near_uuid, second_key_line, key_as_number, key_last, .. } = deliver;
    *key_as_number
        || *key_last
        || key_outside.is_some()
        || near_uuid.is_some()
        || key.is_some()
        || key_length.is_some()
        || key_hex.is_some()
        || second_key_line.is_some()
}

fn comes_oddly(deliver: &Deliver) -> bool {
    let Deliver {
        elsewhere, method, door, method_override, provoke_failure, content_type, headers, header_case, framing, fault, ttl, ..
    } = deliver;
    let honest_tamper = deliver.signature.is_some_and(crate::sign::tamper::Tamper::passes);
    *elsewhere
        || *provoke_failure
        || honest_tamper
        || method.is_some()
        || door.is_some()
        || method_override.is_some()
        || content_type.is_some()
        || !headers.is_empty()
        || *header_case != HeaderCase::Any
        || *framing != Framing::ContentLength
        || fault.is_some()
        || ttl.is_some()
}
