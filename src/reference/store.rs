//! What the reference remembers with: a store of key rows and audit rows.
//!
//! A store keeps rows and finds them; what they mean is decided in
//! `reference`. Instants are arguments: a store has no clock.

use crate::clock::UnixMicros;
use crate::delivery::Answer;
use crate::reference::streaming::{Logged, Page};
use crate::state::{ReceiverState, Row, TableShape};

/// What a store did not manage to do.
#[derive(Debug, thiserror::Error)]
#[error("the store could not {what}: {cause}")]
pub struct StoreError {
    /// What was tried.
    pub what: &'static str,
    /// What the store said.
    pub cause: String,
}

/// One idempotency key as a store holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// What its delivery is known by ([`Contract::identity`](crate::contract::Contract::identity)); often the key alone.
    pub identity: String,
    /// The key.
    pub key: String,
    /// When it was accepted.
    pub ts: UnixMicros,
    /// Seconds it lives; `None` lives for ever (contracts without a TTL).
    pub ttl: Option<u64>,
}

impl KeyRecord {
    /// Whether the key has been forgotten at `now`: strict, in whole seconds,
    /// as `datetime(ts, '+' || ttl || ' seconds') < datetime('now')` has it.
    #[must_use]
    pub fn expired(&self, now: UnixMicros) -> bool {
        self.ttl.is_some_and(|ttl| self.ts.secs().saturating_add_unsigned(ttl) < now.secs())
    }
}

/// What is written, in one transaction, when a delivery is accepted.
#[derive(Clone, Debug)]
pub struct Acceptance {
    /// The key row's meaning.
    pub key: KeyRecord,
    /// The key row, cell by cell, as the contract's table has it; empty where there is no such table.
    pub key_row: Row,
    /// The audit row, cell by cell; empty where there is no such table.
    pub audit_row: Row,
    /// SHA-256 of the body, lower-case hex.
    pub sha256: String,
    /// What the body is compared by ([`Contract::fingerprint_of`](crate::contract::Contract::fingerprint_of)).
    pub fingerprint: String,
    /// The event that tells of it, where the contract has streams.
    pub event: Option<Logged>,
    /// The answer, kept only where the contract repeats it byte for byte.
    pub answer: Option<Answer>,
}

/// What is known of the delivery that a live key belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct First {
    /// The instant of the newest audit row of the key.
    pub ts: UnixMicros,
    /// SHA-256 of the first body, lower-case hex; empty where somebody else marked the key.
    pub sha256: String,
    /// What the first body is compared by; empty where somebody else marked the key.
    pub fingerprint: String,
    /// The first answer, where it is kept.
    pub answer: Option<Answer>,
}

/// A place to remember deliveries. Two of them exist, and give the same answers.
pub trait Store: Send {
    /// Begins the transaction of one delivery; everything until [`Store::commit`] happens together.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn begin(&mut self) -> Result<(), StoreError>;

    /// Makes what happened since [`Store::begin`] lasting.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing of it has happened.
    fn commit(&mut self) -> Result<(), StoreError>;

    /// Forgets what happened since [`Store::begin`]. Cannot fail: what is not committed is not there.
    fn roll_back(&mut self);

    /// Deletes every key that is expired at `now`, and nothing else; says how many.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn remove_expired(&mut self, now: UnixMicros) -> Result<usize, StoreError>;

    /// The first delivery with this identity while it is live at `now`.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn find(&mut self, identity: &str, now: UnixMicros) -> Result<Option<First>, StoreError>;

    /// Writes an accepted delivery. What an expired one of the same identity has left is replaced; audit rows are only added.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn accept(&mut self, acceptance: &Acceptance) -> Result<(), StoreError>;

    /// Notes that the work of `key` was done once, where the store keeps that; what is rolled back was not done.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn note_effect(&mut self, _key: &str) -> Result<(), StoreError> {
        Ok(())
    }

    /// How often the work of `key` was done; `None` where the store does not keep it.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn effects_of(&mut self, _key: &str) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }

    /// What the log of events knows of a stream.
    ///
    /// * `after`: the place in it; without one, its beginning.
    /// * `most`: how many events are asked for.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn log_behind(&mut self, stream: &str, after: Option<i64>, most: usize) -> Result<Page, StoreError>;

    /// The latest instant of any audit row, so that instants can rise strictly also after a restart.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn newest_instant(&mut self) -> Result<Option<UnixMicros>, StoreError>;

    /// Everything that is remembered, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn state(&mut self) -> Result<ReceiverState, StoreError>;

    /// Audit rows, newest first, at most `limit`, of one event when `event` is given.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn newest_audit(&mut self, limit: usize, event: Option<&str>) -> Result<Vec<Row>, StoreError>;

    /// The tables as the store declares them; empty when it has none.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn tables(&mut self) -> Result<Vec<TableShape>, StoreError>;

    /// Moves the instants of the named keys, in every scope and with every body, `seconds` back, as if that time had passed for them.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn rewind(&mut self, keys: &[String], seconds: u64) -> Result<(), StoreError>;
}
