//! A record: one delivery as it was sent, and what came back.
//!
//! Takes what travelled and when; says what came of it under a contract, and
//! which instant a duplicate's answer refers to. The judge holds records
//! against what is expected, a history keeps each as one line. No I/O.

use std::time::Duration;

use serde_json::Value;

use crate::clock::UnixMicros;
use crate::contract::Contract;
use crate::delivery::{Answer, Delivery, NoAnswer};
use crate::message::member_at;
use crate::outcome::members::Values;
use crate::outcome::reader::Reader;
use crate::outcome::{Outcome, OutcomeSet};

/// One delivery as it was sent, and what came back.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its key, as the receiver should understand it; empty when it has none.
    pub key: String,
    /// What the delivery is known by (`Contract::identity`).
    pub identity: String,
    /// SHA-256 of the body that travelled, lower-case hex.
    pub sha256: String,
    /// What travelled.
    pub delivery: Delivery,
    /// When it was sent, by the receiver's clock.
    pub sent_at: UnixMicros,
    /// When its answer had come, by the receiver's clock.
    pub answered_at: UnixMicros,
    /// How long the answer took.
    pub took: Duration,
    /// How much of that was our own lateness, where it took longer than the contract allows.
    pub own_delay: Duration,
    /// Whether it had gone once before, over a connection that met its end before an answer began: what came of that is unknown.
    pub went_twice: bool,
    /// What came back.
    pub result: Result<Answer, NoAnswer>,
    /// How far the scenario's rows had been moved back when it was sent (`--clock rewind`), in microseconds.
    pub moved_us: i64,
    /// The instant that a duplicate's answer gave for this delivery, once one did.
    pub referred_as: Option<String>,
    /// The instant that this answer refers to, when it is a duplicate's.
    pub refers_to: Option<String>,
}

impl Record {
    /// What placeholders stand for, as far as the delivery itself says.
    #[must_use]
    pub fn values(&self) -> Values<'_> {
        Values { body: &self.delivery.body, key: &self.key, sha256: &self.sha256, ..Values::default() }
    }

    /// Whether it may be its own repetition: it went twice, and the answer is what one that was taken gets again.
    #[must_use]
    pub fn repeats_itself(&self, reader: &Reader) -> bool {
        let set = self.outcome(reader);
        self.went_twice && (set.may_be(Outcome::Duplicate) || set.may_be(Outcome::InFlight))
    }

    /// What came of it, as far as its answer says.
    #[must_use]
    pub fn outcome(&self, reader: &Reader) -> OutcomeSet {
        reader.read_result(&self.result, &self.values())
    }

    /// Whether it was turned away: by its status, or as the contract describes a refusal that has another one.
    #[must_use]
    pub fn is_turned_away(&self, reader: &Reader) -> bool {
        self.result.as_ref().is_ok_and(|answer| (400..=499).contains(&answer.status)) || self.outcome(reader).is_refusal()
    }
}

/// The instant that a duplicate's answer refers to, where the contract has a member for it.
#[must_use]
pub fn referred_instant(contract: &Contract, answer: &Answer) -> Option<String> {
    referred_in(contract, &answer.json()?).map(str::to_owned)
}

/// The same, in a body that was read already.
#[must_use]
pub fn referred_in<'v>(contract: &Contract, body: &'v Value) -> Option<&'v str> {
    member_at(body, contract.reference_member()?)?.as_str()
}
