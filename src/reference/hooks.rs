//! Hooks: the named places at which a receiver can be made wrong on purpose.
//!
//! The reference asks its hooks at each of them, and [`Right`] changes nothing:
//! whoever reads the reference may read past them. `mutants` changes one thing.

use std::borrow::Cow;
use std::time::Duration;

use crate::clock::UnixMicros;
use crate::contract::outcome::Refusal;
use crate::delivery::{Answer, Delivery};
use crate::reference::store::{Acceptance, First};
use crate::reference::streaming::Logged;
use crate::sign::Signer;

/// Which answer is about to be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answering {
    /// To a first delivery.
    Accepted,
    /// To a duplicate.
    Duplicate,
    /// To a rival of a delivery under way.
    InFlight,
    /// To a delivery that was provoked to fail.
    Failed,
    /// To a delivery that is turned away.
    Refused(Refusal),
}

/// Where a client goes on that comes back with an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoesOn {
    /// Behind the event of that id.
    Behind,
    /// At that event, which is told once more.
    At,
    /// Behind the event that follows it.
    BehindNext,
    /// With what is published from then on.
    WithNews,
}

/// What a hook may look at.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The delivery.
    pub delivery: &'a Delivery,
    /// Its key, as far as it is known.
    pub key: &'a str,
    /// The receiver's signer, when it has a secret.
    pub signer: Option<&'a Signer>,
    /// `http://host:port`, as the sender knows it.
    pub origin: &'a str,
    /// The present instant.
    pub now: UnixMicros,
}

/// Where a receiver can be made wrong; every default changes nothing.
pub trait Hooks: Send + Sync {
    /// Finding: whether deliveries are taken at another spelling of the endpoint's path.
    ///
    /// * `path`: without its query.
    fn is_at(&self, _path: &str, _endpoint: &str) -> bool {
        false
    }

    /// Reading: the delivery that is understood, when it is another than the one that came.
    fn read(&mut self, _delivery: &Delivery) -> Option<Delivery> {
        None
    }

    /// Reading: the key that is understood.
    ///
    /// # Errors
    /// Why the key cannot be used.
    fn key(&mut self, read: Result<String, Refusal>, _delivery: &Delivery) -> Result<String, Refusal> {
        read
    }

    /// Reading: whether bodies are read one after the other, so that a slow sender holds up the others.
    fn reads_one_at_a_time(&self) -> bool {
        false
    }

    /// Answering: whether something follows every answer on its connection.
    fn says_too_much(&self) -> bool {
        false
    }

    /// Verifying: whether the signature holds.
    ///
    /// # Errors
    /// Why the delivery is turned away.
    fn verified(&mut self, honest: Result<(), Refusal>, _around: Around<'_>) -> Result<(), Refusal> {
        honest
    }

    /// Looking up: whether duplicates are looked up before the signature is checked.
    fn looks_up_first(&self) -> bool {
        false
    }

    /// Looking up: what identifies a delivery.
    fn identity(&mut self, key: String, _sha256: &str) -> String {
        key
    }

    /// Looking up: what is known of the first delivery.
    fn found(&mut self, first: Option<First>, _around: Around<'_>) -> Option<First> {
        first
    }

    /// Looking up: the key of a rival that is under way.
    fn rival(&mut self, rival: Option<String>, _around: Around<'_>) -> Option<String> {
        rival
    }

    /// Looking up: whether failures and refusals that the contract keeps are remembered.
    fn remembers_results(&self) -> bool {
        true
    }

    /// Marking: when the delivery is said to have been accepted.
    fn instant(&mut self, ts: UnixMicros) -> UnixMicros {
        ts
    }

    /// Marking: how long the key will live, in seconds.
    fn ttl(&mut self, ttl: Option<u64>) -> Option<u64> {
        ttl
    }

    /// Marking and auditing: the rows that are about to be written.
    fn acceptance(&mut self, _acceptance: &mut Acceptance, _around: Around<'_>) {}

    /// Marking: the key under which a refused delivery is written all the same.
    fn writes_refused(&self, _why: Refusal, _key: &str) -> Option<String> {
        None
    }

    /// Marking: whether a delivery that fails is written as if it had been accepted.
    fn marks_failed(&self) -> bool {
        false
    }

    /// Working: how long after this answer the work of the key is done for it, too, where it is.
    fn works_again(&mut self, _what: Answering, _around: Around<'_>) -> Option<Duration> {
        None
    }

    /// Answering: the answer that is given.
    fn answer(&mut self, _what: Answering, answer: Answer, _around: Around<'_>) -> Answer {
        answer
    }

    /// Answering: how long the last answer is held back.
    fn pause(&self) -> Duration {
        Duration::ZERO
    }

    /// Streaming: where a client goes on that comes back with an id.
    fn goes_on(&self) -> GoesOn {
        GoesOn::Behind
    }

    /// Streaming: whether a client whose id is not kept is told so.
    fn tells_of_gaps(&self) -> bool {
        true
    }

    /// Streaming: whether a client whose id was kept once is told so, as one whose id never was.
    fn tells_of_evictions(&self) -> bool {
        true
    }

    /// Streaming: whether a finished stream is over.
    fn ends_streams(&self) -> bool {
        true
    }

    /// Streaming: whether an event is told to a subscriber whose turn it is to hear of it.
    fn tells(&mut self, _event: &Logged) -> bool {
        true
    }

    /// Streaming: an event as it travels.
    fn event(&mut self, written: String, _event: &Logged) -> String {
        written
    }

    /// Streaming: after how many milliseconds a client is to come back.
    fn retry(&self, millis: String) -> String {
        millis
    }

    /// Streaming: whether bytes wait for the end of the stream.
    ///
    /// * `gzip`: whether the client takes gzip.
    fn holds_back(&self, _gzip: bool) -> bool {
        false
    }

    /// Streaming: whether caches are told nothing.
    fn may_be_cached(&self) -> bool {
        false
    }

    /// Streaming: whether a subscriber that has gone leaves its place to others.
    fn frees_places(&self) -> bool {
        true
    }

    /// Streaming: whether all subscribers wait for the slowest.
    fn waits_for_the_slowest(&self) -> bool {
        false
    }

    /// Answering: whether answers wait for the slowest subscriber, too.
    fn answers_behind_readers(&self) -> bool {
        false
    }

    /// Streaming: what breaks a silence, each time; empty where nothing does.
    fn ping(&self, usual: &'static str) -> Cow<'static, str> {
        Cow::Borrowed(usual)
    }

    /// Answering: whether the health check says that all is well.
    fn is_well(&self) -> bool {
        true
    }
}

/// The hooks of a right receiver.
#[derive(Clone, Copy, Debug, Default)]
pub struct Right;

impl Hooks for Right {}
