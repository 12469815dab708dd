//! Claims: the keys that are under way, and the results that are kept beside acceptances.
//!
//! A claim lasts from the beginning of a delivery to its end, or until its
//! lease runs out; results that are not acceptances (a failure that is
//! replayed, a refusal that is kept) last as long as the key would.

use std::collections::BTreeMap;
use std::time::Duration;

use super::store::First;
use crate::clock::UnixMicros;
use crate::contract::Contract;
use crate::delivery::{Answer, Delivery};
use crate::outcome::members::Values;

/// A delivery that is under way.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// The delivery.
    pub delivery: Delivery,
    /// Its key.
    pub key: String,
    /// What it is known by.
    pub identity: String,
    /// What its body is compared by.
    pub fingerprint: String,
    /// SHA-256 of its body.
    pub sha256: String,
    /// How long its key will live, in seconds.
    pub ttl: Option<u64>,
    /// When it began.
    pub began: UnixMicros,
}

impl Ticket {
    /// Whether the first delivery of the key had the same body.
    #[must_use]
    pub fn has_body_of(&self, first: &First) -> bool {
        first.fingerprint == self.fingerprint
    }

    /// What placeholders stand for.
    pub(super) fn values<'a>(&'a self, ts: Option<&'a str>, first_ts: Option<&'a str>, first_sha256: Option<&'a str>) -> Values<'a> {
        Values { body: &self.delivery.body, key: &self.key, sha256: &self.sha256, ts, ttl: self.ttl, first_ts, first_sha256 }
    }
}

/// Keys under way, and results beside acceptances.
#[derive(Debug, Default)]
pub struct Claims {
    lease: Option<Duration>,
    under_way: BTreeMap<String, (String, UnixMicros)>,
    results: BTreeMap<String, (Answer, Option<UnixMicros>)>,
}

impl Claims {
    /// No claims yet, under a contract that may bound their time.
    #[must_use]
    pub fn new(contract: &Contract) -> Self {
        let lease = contract.in_flight.as_ref().and_then(|in_flight| in_flight.lease).map(|lease| lease.0);
        Self { lease, ..Self::default() }
    }

    /// The key of the rival that is under way, when there is one.
    #[must_use]
    pub fn rival(&mut self, identity: &str, now: UnixMicros) -> Option<String> {
        let (key, began) = self.under_way.get(identity)?;
        if self.lease.is_some_and(|lease| now.since(*began) > lease) {
            self.under_way.remove(identity);
            return None;
        }
        Some(key.clone())
    }

    /// Claims a key.
    pub fn take(&mut self, ticket: &Ticket, now: UnixMicros) {
        self.under_way.insert(ticket.identity.clone(), (ticket.key.clone(), now));
    }

    /// Frees a key.
    pub fn free(&mut self, ticket: &Ticket) {
        self.under_way.remove(&ticket.identity);
    }

    /// Keeps a result that is no acceptance.
    pub fn keep(&mut self, identity: &str, answer: &Answer, now: UnixMicros, ttl: Option<u64>) {
        let until = ttl.map(|ttl| now.plus(Duration::from_secs(ttl)));
        self.results.insert(identity.to_owned(), (answer.clone(), until));
    }

    /// The result that is kept for a key, while it lives.
    pub fn result(&mut self, identity: &str, now: UnixMicros) -> Option<Answer> {
        let (answer, until) = self.results.get(identity)?;
        if until.is_some_and(|until| until.secs() < now.secs()) {
            self.results.remove(identity);
            return None;
        }
        Some(answer.clone())
    }
}
