//! The reference receiver: what a right receiver does, by contract.
//!
//! A state machine: a delivery and the present instant go in, an answer comes
//! out, and a [`Store`] remembers. No network, no clock of its own, no
//! database: `serve` puts it on a port, `sqlite` gives it tables, `run` asks it
//! alongside every target.
//!
//! Read [`Receiver::begin`] first: with [`Receiver::finish`] it is the whole
//! promise. Between the two a delivery is under way, and its key is claimed.

pub mod amnesiac;
pub mod answering;
pub mod claims;
pub mod defect;
pub mod effects;
pub mod memory;
pub mod pages;
pub mod hooks;
pub mod store;
pub mod streaming;
mod working;
pub mod mutants;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{UnixMicros, iso};
use crate::contract::outcome::Refusal;
use crate::contract::tables::Table;
use crate::contract::{Contract, Counted, OtherBody, Refusals};
use crate::delivery::{Answer, Delivery};
use crate::outcome::members::Values;
use crate::outcome::reader::refusal_form;
use crate::reference::answering::answer;
use crate::reference::claims::{Claims, Ticket};
use crate::reference::effects::Effects;
use crate::reference::hooks::{Answering, Around, Hooks, Right};
use crate::reference::store::{Acceptance, First, KeyRecord, Store, StoreError};
use crate::sign::Signer;
use crate::sign::sha256_hex;
use crate::sign::verify::BadSignature;

/// Ten years: the longest TTL that is stored (contract, section 3).
const LONGEST_TTL_SECS: u64 = 315_360_000;

/// A receiver that keeps its contract.
pub struct Receiver<S> {
    contract: Arc<Contract>,
    signer: Option<Signer>,
    store: S,
    ttl: Option<u64>,
    origin: String,
    newest: Option<UnixMicros>,
    counters: BTreeMap<Counted, u64>,
    effects: Effects,
    claims: Claims,
    hooks: Box<dyn Hooks>,
    /// The stream on which something was published last.
    published: Option<String>,
}

/// How a delivery begins.
pub enum Begun {
    /// It is answered at once: a duplicate, a refusal, a rival of one under way that is told so.
    Answered(Answer),
    /// A rival is under way: ask again once it is done.
    Waits,
    /// It is new, and nobody else may work on it until [`Receiver::finish`] or [`Receiver::abandon`].
    UnderWay(Ticket),
}

impl<S: Store> Receiver<S> {
    /// A receiver of `contract` that remembers in `store`.
    ///
    /// * `signer`: the contract's scheme with the shared secret; `None` when
    ///   the secret is not set, and then every signature is refused.
    /// * `ttl_secs`: the receiver's own default TTL, when it is not the contract's.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn new(contract: Arc<Contract>, signer: Option<Signer>, mut store: S, ttl_secs: Option<u64>) -> Result<Self, StoreError> {
        let newest = store.newest_instant()?;
        let ttl = contract.ttl_secs().map(|default| ttl_secs.unwrap_or(default));
        let claims = Claims::new(&contract);
        let (origin, counters, effects, published) = Default::default();
        Ok(Self { contract, signer, store, ttl, origin, newest, counters, effects, claims, hooks: Box::new(Right), published })
    }

    /// Takes one delivery at `now`, from its beginning to its end: nobody else is under way meanwhile.
    ///
    /// # Errors
    /// When the store fails; then nothing was written.
    pub fn deliver(&mut self, delivery: &Delivery, now: UnixMicros) -> Result<Answer, StoreError> {
        match self.begin(delivery, now)? {
            Begun::Answered(answer) => Ok(answer),
            Begun::UnderWay(ticket) => self.finish(ticket, now),
            // Whoever delivers from beginning to end has left nobody under way; a ticket of somebody else is told as one.
            Begun::Waits => Ok(Answer { status: 503, headers: Vec::new(), body: bytes::Bytes::new() }),
        }
    }

    /// Begins a delivery at `now`: key, signature, duplicate, claim, in that order.
    ///
    /// The signature is checked before anything is looked up, so that nobody
    /// without the secret learns which keys were used (requirement AUTH-7), and
    /// a refusal writes nothing, so that it uses no key up (KEY-7).
    ///
    /// # Errors
    /// When the store fails; then nothing was written.
    pub fn begin(&mut self, delivery: &Delivery, now: UnixMicros) -> Result<Begun, StoreError> {
        let understood = self.hooks.read(delivery);
        let delivery = understood.as_ref().unwrap_or(delivery);
        if !delivery.method.eq_ignore_ascii_case(&self.contract.endpoint.method) {
            return self.refuse(Refusal::Method, delivery, "", now).map(Begun::Answered);
        }
        if delivery.body.len() > self.contract.limits.body_bytes() {
            return self.refuse(Refusal::TooLarge, delivery, "", now).map(Begun::Answered);
        }
        let read = if self.contract.key.is_somewhere() { self.contract.key.read(delivery) } else { Ok(String::new()) };
        let key = match self.hooks.key(read, delivery) {
            Ok(key) => key,
            Err(why) => return self.refuse(why, delivery, "", now).map(Begun::Answered),
        };
        let mut ticket = self.ticket(delivery, key.clone(), now);
        if self.hooks.looks_up_first()
            && let Some(first) = self.store.find(&ticket.identity, now)?
        {
            return self.repeat(&ticket, &first, now).map(Begun::Answered);
        }
        let honest = self.check_signature(delivery, &key, now);
        let around = Around { delivery, key: &key, signer: self.signer.as_ref(), origin: &self.origin, now };
        if let Err(why) = self.hooks.verified(honest, around) {
            self.count(Counted::SignaturesRefused);
            return self.refuse(why, delivery, &ticket.key, now).map(Begun::Answered);
        }
        self.count(Counted::SignaturesPassed);
        if self.contract.is_by_key()
            && self.hooks.remembers_results()
            && let Some(kept) = self.claims.result(&ticket.identity, now)
        {
            return Ok(Begun::Answered(kept));
        }
        match self.ttl_of(delivery) {
            Ok(ttl) => ticket.ttl = self.hooks.ttl(ttl),
            Err(why) => {
                let answer = self.refuse(why, delivery, &ticket.key, now)?;
                if self.contract.refusals == Refusals::Kept {
                    self.claims.keep(&ticket.identity, &answer, now, self.ttl);
                }
                return Ok(Begun::Answered(answer));
            }
        }
        let rival = self.claims.rival(&ticket.identity, now).filter(|_| self.contract.is_by_key());
        let around = Around { delivery, key: &ticket.key, signer: self.signer.as_ref(), origin: &self.origin, now };
        if let Some(rival) = self.hooks.rival(rival, around) {
            let Some(form) = &self.contract.outcomes.in_flight else { return Ok(Begun::Waits) };
            let reply = answer(form, &ticket.values(None, None, None), None);
            return self.reply(Answering::InFlight, reply, delivery, &rival, now).map(Begun::Answered);
        }
        self.look_up(ticket, now)
    }

    /// A delivery that is who it says it is: known, or new and claimed.
    fn look_up(&mut self, ticket: Ticket, now: UnixMicros) -> Result<Begun, StoreError> {
        self.store.begin()?;
        let found = self.store.remove_expired(now).and_then(|_| self.store.find(&ticket.identity, now));
        let found = match found {
            Ok(found) => self.store.commit().map(|()| found)?,
            Err(failed) => {
                self.store.roll_back();
                return Err(failed);
            }
        };
        let around = Around { delivery: &ticket.delivery, key: &ticket.key, signer: self.signer.as_ref(), origin: &self.origin, now };
        match self.hooks.found(found, around).filter(|_| self.contract.is_by_key()) {
            Some(first) if self.contract.other_body == OtherBody::Refused && !ticket.has_body_of(&first) => {
                self.refuse(Refusal::OtherBody, &ticket.delivery, &ticket.key, now).map(Begun::Answered)
            }
            Some(first) => self.repeat(&ticket, &first, now).map(Begun::Answered),
            None => {
                self.claims.take(&ticket, now);
                Ok(Begun::UnderWay(ticket))
            }
        }
    }

    /// A live key: the first delivery's answer again, nothing written.
    fn repeat(&mut self, ticket: &Ticket, first: &First, now: UnixMicros) -> Result<Answer, StoreError> {
        self.count(Counted::Duplicates);
        let form = self.contract.duplicate().unwrap_or(&self.contract.outcomes.accepted);
        let first_ts = iso::write(first.ts);
        let reply = answer(form, &ticket.values(None, Some(&first_ts), Some(&first.sha256)), first.answer.as_ref());
        self.reply(Answering::Duplicate, reply, &ticket.delivery, &ticket.key, now)
    }

    /// Ends a delivery that is under way: the work is done and its rows are written, or it fails as it was provoked to.
    ///
    /// # Errors
    /// When the store cannot be written; then the key is free again.
    #[expect(clippy::needless_pass_by_value, reason = "a ticket is good for one end")]
    pub fn finish(&mut self, ticket: Ticket, now: UnixMicros) -> Result<Answer, StoreError> {
        self.claims.free(&ticket);
        let lines = || ticket.delivery.headers.iter().map(|line| (line.name.as_str(), &line.value[..]));
        if let Some(provoke) = self.contract.provoke().filter(|provoke| provoke.is_asked_by(lines())) {
            let failed = Answer { status: provoke.status, headers: Vec::new(), body: bytes::Bytes::new() };
            if self.contract.replays_failures() {
                self.claims.keep(&ticket.identity, &failed, now, ticket.ttl);
            }
            if self.hooks.marks_failed() {
                self.write(&ticket, now)?;
            }
            return self.reply(Answering::Failed, failed, &ticket.delivery, &ticket.key, now);
        }
        self.write(&ticket, now)
    }

    /// Writes an acceptance, whole or not at all.
    fn write(&mut self, ticket: &Ticket, now: UnixMicros) -> Result<Answer, StoreError> {
        self.store.begin()?;
        match self.accept(ticket, now) {
            Ok(answer) => self.store.commit().map(|()| answer),
            Err(failed) => {
                self.store.roll_back();
                Err(failed)
            }
        }
    }

    /// Gives up a delivery that is under way: its sender is gone, or its work was cancelled. The key is free again.
    pub fn abandon(&mut self, ticket: &Ticket) {
        self.claims.free(ticket);
    }

    /// A new key: one key row, one audit row, both at an instant that no other row bears.
    fn accept(&mut self, ticket: &Ticket, now: UnixMicros) -> Result<Answer, StoreError> {
        // The primary key (ts, event) would lose one of two rows of the same microsecond.
        let ts = self.newest.map_or(now, |newest| now.max(UnixMicros(newest.0 + 1)));
        self.newest = Some(ts);
        let ts = self.hooks.instant(ts);
        let written = iso::write(ts);
        let values = ticket.values(Some(&written), None, None);
        let event = self.event_of(ticket, &values, ts);
        let reply = answer(&self.contract.outcomes.accepted, &values, None);
        let cell = |name: &str| if name == "answer" { Some(String::from_utf8_lossy(&reply.body).into_owned()) } else { values.get(name) };
        let row = |table: Option<&Table>| table.map(|t| t.row(&cell)).unwrap_or_default();
        let tables = self.contract.state.as_ref();
        let mut acceptance = Acceptance {
            key_row: row(tables.and_then(|t| t.keys.as_ref())),
            audit_row: row(tables.and_then(|t| t.audit.as_ref())),
            event,
            answer: self.contract.keeps_answers().then(|| reply.clone()),
            key: KeyRecord { identity: ticket.identity.clone(), key: ticket.key.clone(), ts, ttl: ticket.ttl },
            sha256: ticket.sha256.clone(),
            fingerprint: ticket.fingerprint.clone(),
        };
        let around = Around { delivery: &ticket.delivery, key: &ticket.key, signer: self.signer.as_ref(), origin: &self.origin, now };
        self.hooks.acceptance(&mut acceptance, around);
        self.published = acceptance.event.as_ref().map(|event| event.stream.clone());
        self.store.accept(&acceptance)?;
        self.work(&ticket.key)?;
        self.count(Counted::Accepted);
        self.reply(Answering::Accepted, reply, &ticket.delivery, &ticket.key, now)
    }

    /// What is known of a delivery before anything is looked up.
    fn ticket(&mut self, delivery: &Delivery, key: String, now: UnixMicros) -> Ticket {
        let sha256 = sha256_hex(&delivery.body);
        let fingerprint = self.contract.fingerprint_with(&delivery.body, || sha256.clone());
        let key = self.hooks.identity(key, &sha256);
        let identity = self.contract.identity(&key, &self.contract.scope_of(delivery), &fingerprint);
        Ticket { delivery: delivery.clone(), key, identity, fingerprint, sha256, ttl: self.ttl, began: now }
    }

    fn check_signature(&self, delivery: &Delivery, key: &str, now: UnixMicros) -> Result<(), Refusal> {
        let Some(signer) = &self.signer else { return Err(Refusal::Signature) };
        signer.verify(delivery, self.contract.key.travelling(delivery, key), &self.origin, now).map_err(|why| match why {
            BadSignature::Missing => Refusal::MissingSignature,
            BadSignature::Malformed => Refusal::MalformedSignature,
            BadSignature::Stale => Refusal::StaleSignature,
            BadSignature::Wrong => Refusal::Signature,
        })
    }

    /// The TTL that this delivery's key will have; only a positive whole number is ever stored.
    fn ttl_of(&self, delivery: &Delivery) -> Result<Option<u64>, Refusal> {
        let own = self.contract.ttl.as_ref().and_then(|ttl| ttl.header.as_deref()).and_then(|header| delivery.header(header));
        match own {
            None => Ok(self.ttl),
            Some(value) => std::str::from_utf8(value)
                .ok()
                .and_then(|text| text.trim().parse().ok())
                .filter(|ttl| (1..=LONGEST_TTL_SECS).contains(ttl))
                .map(Some)
                .ok_or(Refusal::Body),
        }
    }

    /// Turns a delivery away; nothing is written.
    fn refuse(&mut self, why: Refusal, delivery: &Delivery, key: &str, now: UnixMicros) -> Result<Answer, StoreError> {
        self.write_refused(why, delivery, key, now)?;
        let reply = match refusal_form(&self.contract, why) {
            Some(form) => answer(form, &Values::default(), None),
            None => Answer { status: 400, headers: Vec::new(), body: bytes::Bytes::new() },
        };
        self.reply(Answering::Refused(why), reply, delivery, key, now)
    }

    /// Writes a refused delivery all the same: never, unless the receiver is wrong on purpose.
    fn write_refused(&mut self, why: Refusal, delivery: &Delivery, key: &str, now: UnixMicros) -> Result<(), StoreError> {
        let Some(key) = self.hooks.writes_refused(why, key) else { return Ok(()) };
        let ticket = self.ticket(delivery, key, now);
        match self.look_up(ticket, now)? {
            Begun::UnderWay(ticket) => self.finish(ticket, now).map(drop),
            Begun::Answered(_) | Begun::Waits => Ok(()),
        }
    }

    fn count(&mut self, what: Counted) {
        *self.counters.entry(what).or_default() += 1;
    }

    /// Turns away what was not read whole: a body that is too long or broken.
    ///
    /// * `delivery`: what is known of it, its header lines.
    /// * `usual`: the status where the contract says nothing of it.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn turn_away(&mut self, why: Refusal, usual: u16, delivery: &Delivery, now: UnixMicros) -> Result<Answer, StoreError> {
        let key = self.contract.key.read(delivery).unwrap_or_default();
        self.write_refused(why, delivery, &key, now)?;
        let reply = match self.contract.outcomes.refusal(why) {
            Some(form) => answer(form, &Values::default(), None),
            None => Answer { status: usual, headers: Vec::new(), body: bytes::Bytes::new() },
        };
        let around = Around { delivery, key: "", signer: None, origin: &self.origin, now };
        Ok(self.hooks.answer(Answering::Refused(why), reply, around))
    }

    /// Whether deliveries are taken at a path, to the letter; without its query.
    #[must_use]
    pub fn is_at(&self, path: &str) -> bool {
        self.contract.endpoint.is_at(path) || self.hooks.is_at(path, &self.contract.endpoint.path)
    }

    /// Where it is wrong on purpose, for whoever carries its bytes: nowhere, unless it is.
    #[must_use]
    pub fn hooks(&self) -> &dyn Hooks {
        self.hooks.as_ref()
    }

    /// How long the last answer is to be held back: not at all, unless the receiver is wrong on purpose.
    #[must_use]
    pub fn pause(&self) -> Duration {
        self.hooks.pause()
    }

    /// Whether the health check says that all is well: always, unless the receiver is wrong on purpose.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.hooks.is_well()
    }

    /// Puts other hooks in place: a receiver that is wrong on purpose.
    pub fn set_hooks(&mut self, hooks: Box<dyn Hooks>) {
        self.hooks = hooks;
    }

    /// The contract.
    #[must_use]
    pub fn contract(&self) -> &Arc<Contract> {
        &self.contract
    }

    /// What it remembers with.
    #[must_use]
    pub fn store(&mut self) -> &mut S {
        &mut self.store
    }

    /// Tells the receiver its own address, `http://host:port`, for schemes that sign the URL.
    pub fn set_origin(&mut self, origin: String) {
        self.origin = origin;
    }

    /// The counters that the contract names, in its order: name with labels, and value.
    #[must_use]
    pub fn counters(&self) -> Vec<(String, u64)> {
        let value = |counts| self.counters.get(&counts).copied().unwrap_or(0);
        let metrics = self.contract.metrics.as_ref();
        metrics.map_or_else(Vec::new, |m| m.counters.iter().map(|one| (one.name.clone(), value(one.counts))).collect())
    }
}
