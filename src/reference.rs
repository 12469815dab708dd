//! The reference receiver: what a right receiver does, by contract.
//!
//! A state machine: a delivery and the present instant go in, an answer comes
//! out, and a [`Store`] remembers. No network, no clock of its own, no
//! database: `serve` puts it on a port, `sqlite` gives it tables, `run` asks it
//! alongside every target.
//!
//! Read [`Receiver::deliver`] first: it is the whole promise in one function.

pub mod answering;
pub mod defect;
pub mod effects;
pub mod memory;
pub mod seams;
pub mod store;
pub mod wrong;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::UnixMicros;
use crate::contract::outcome::Refusal;
use crate::contract::{Contract, Counted, OtherBody};
use crate::delivery::{Answer, Delivery};
use crate::reference::answering::{Values, answer};
use crate::reference::effects::Effects;
use crate::reference::seams::{Answering, Around, Right, Seams};
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
    seams: Box<dyn Seams>,
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
        let (origin, counters, effects) = Default::default();
        Ok(Self { contract, signer, store, ttl, origin, newest, counters, effects, seams: Box::new(Right) })
    }

    /// Takes one delivery at `now`: key, signature, duplicate, acceptance, in that order.
    ///
    /// The signature is checked before anything is looked up, so that nobody
    /// without the secret learns which keys were used (requirement AUTH-7), and
    /// a refusal writes nothing, so that it uses no key up (KEY-7).
    ///
    /// # Errors
    /// When the store fails; then nothing was written.
    pub fn deliver(&mut self, delivery: &Delivery, now: UnixMicros) -> Result<Answer, StoreError> {
        let understood = self.seams.read(delivery);
        let delivery = understood.as_ref().unwrap_or(delivery);
        if !delivery.method.eq_ignore_ascii_case(&self.contract.endpoint.method) {
            return self.refuse(Refusal::Method, delivery, "", now);
        }
        if delivery.body.len() > self.contract.limits.body_bytes {
            return self.refuse(Refusal::TooLarge, delivery, "", now);
        }
        let read = self.contract.key.read(delivery);
        let key = match self.seams.key(read, delivery) {
            Ok(key) => key,
            Err(why) => return self.refuse(why, delivery, "", now),
        };
        if self.seams.looks_up_first()
            && let Some(first) = self.store.find(&self.same(delivery, &key).0, now)?
        {
            return Ok(self.repeat(delivery, &key, &sha256_hex(&delivery.body), &first, now));
        }
        let honest = self.check_signature(delivery, &key, now);
        let around = Around { delivery, key: &key, signer: self.signer.as_ref(), now };
        if let Err(why) = self.seams.verified(honest, around) {
            self.count(Counted::SignaturesRefused);
            return self.refuse(why, delivery, &key, now);
        }
        self.count(Counted::SignaturesPassed);
        let ttl = match self.ttl_of(delivery) {
            Ok(ttl) => self.seams.ttl(ttl),
            Err(why) => return self.refuse(why, delivery, &key, now),
        };
        self.store.begin()?;
        match self.take(delivery, key, ttl, now) {
            Ok(answer) => self.store.commit().map(|()| answer),
            Err(failed) => {
                self.store.roll_back();
                Err(failed)
            }
        }
    }

    /// What happens to a delivery that is who it says it is: all in one transaction.
    fn take(&mut self, delivery: &Delivery, key: String, ttl: Option<u64>, now: UnixMicros) -> Result<Answer, StoreError> {
        self.store.remove_expired(now)?;
        let sha256 = sha256_hex(&delivery.body);
        let key = self.seams.identity(key, &sha256);
        let (identity, fingerprint) = self.same(delivery, &key);
        let found = self.store.find(&identity, now)?;
        let around = Around { delivery, key: &key, signer: self.signer.as_ref(), now };
        match self.seams.found(found, around) {
            Some(first) if self.contract.other_body == OtherBody::Refused && first.fingerprint != fingerprint => {
                self.refuse(Refusal::OtherBody, delivery, &key, now)
            }
            Some(first) => Ok(self.repeat(delivery, &key, &sha256, &first, now)),
            None => self.accept(delivery, &key, &sha256, ttl, now),
        }
    }

    /// What a delivery is known by, and what its body is compared by.
    fn same(&self, delivery: &Delivery, key: &str) -> (String, String) {
        let fingerprint = self.contract.fingerprint_of(&delivery.body);
        (self.contract.identity(key, &self.contract.scope_of(delivery), &fingerprint), fingerprint)
    }

    /// A live key: the first delivery's answer again, nothing written.
    fn repeat(&mut self, delivery: &Delivery, key: &str, sha256: &str, first: &First, now: UnixMicros) -> Answer {
        self.count(Counted::Duplicates);
        let values = Values { body: &delivery.body, key, sha256, ts: None, ttl: None, first: Some(first) };
        let reply = answer(self.contract.duplicate().unwrap_or(&self.contract.outcomes.accepted), &values);
        let around = Around { delivery, key, signer: self.signer.as_ref(), now };
        self.seams.answer(Answering::Duplicate, reply, around)
    }

    /// A new key: one key row, one audit row, both at an instant that no other row bears.
    fn accept(&mut self, delivery: &Delivery, key: &str, sha256: &str, ttl: Option<u64>, now: UnixMicros) -> Result<Answer, StoreError> {
        // The primary key (ts, event) would lose one of two rows of the same microsecond.
        let ts = self.newest.map_or(now, |newest| now.max(UnixMicros(newest.0 + 1)));
        self.newest = Some(ts);
        let ts = self.seams.instant(ts);
        let values = Values { body: &delivery.body, key, sha256, ts: Some(ts), ttl, first: None };
        let reply = answer(&self.contract.outcomes.accepted, &values);
        let cell = |name: &str| if name == "answer" { Some(String::from_utf8_lossy(&reply.body).into_owned()) } else { values.get(name) };
        let row = |table: Option<&crate::contract::tables::Table>| table.map(|t| t.row(&cell)).unwrap_or_default();
        let tables = self.contract.state.as_ref();
        let (identity, fingerprint) = self.same(delivery, key);
        let mut acceptance = Acceptance {
            key_row: row(tables.and_then(|t| t.keys.as_ref())),
            audit_row: row(tables.and_then(|t| t.audit.as_ref())),
            answer: self.contract.keeps_answers().then(|| reply.clone()),
            key: KeyRecord { identity, key: key.to_owned(), ts, ttl },
            sha256: sha256.to_owned(),
            fingerprint,
        };
        let around = Around { delivery, key, signer: self.signer.as_ref(), now };
        self.seams.acceptance(&mut acceptance, around);
        self.store.accept(&acceptance)?;
        self.effects.add(key);
        self.count(Counted::Accepted);
        let around = Around { delivery, key, signer: self.signer.as_ref(), now };
        Ok(self.seams.answer(Answering::Accepted, reply, around))
    }

    fn check_signature(&self, delivery: &Delivery, key: &str, now: UnixMicros) -> Result<(), Refusal> {
        let Some(signer) = &self.signer else { return Err(Refusal::Signature) };
        signer.verify(delivery, key, &self.origin, now).map_err(|why| match why {
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
        if let Some(key) = self.seams.writes_refused(why, key) {
            self.take(delivery, key, self.ttl, now)?;
        }
        let values = Values { body: &bytes::Bytes::new(), key: "", sha256: "", ts: None, ttl: None, first: None };
        let reply = match self.contract.outcomes.refusal(why).or_else(|| self.contract.outcomes.refusal(why.plainer())) {
            Some(outcome) => answer(outcome, &values),
            None => Answer { status: 400, headers: Vec::new(), body: bytes::Bytes::new() },
        };
        let around = Around { delivery, key, signer: self.signer.as_ref(), now };
        Ok(self.seams.answer(Answering::Refused(why), reply, around))
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
        if let Some(key) = self.seams.writes_refused(why, &key) {
            self.take(delivery, key, self.ttl, now)?;
        }
        let values = Values { body: &bytes::Bytes::new(), key: "", sha256: "", ts: None, ttl: None, first: None };
        let reply = match self.contract.outcomes.refusal(why) {
            Some(outcome) => answer(outcome, &values),
            None => Answer { status: usual, headers: Vec::new(), body: bytes::Bytes::new() },
        };
        let around = Around { delivery, key: "", signer: None, now };
        Ok(self.seams.answer(Answering::Refused(why), reply, around))
    }

    /// Whether bodies are read one after the other: never, unless the receiver is wrong on purpose.
    #[must_use]
    pub fn reads_one_at_a_time(&self) -> bool {
        self.seams.reads_one_at_a_time()
    }

    /// How long the last answer is to be held back: not at all, unless the receiver is wrong on purpose.
    #[must_use]
    pub fn pause(&self) -> Duration {
        self.seams.pause()
    }

    /// Whether the health check says that all is well: always, unless the receiver is wrong on purpose.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.seams.is_well()
    }

    /// Puts other seams in place: a receiver that is wrong on purpose.
    pub fn set_seams(&mut self, seams: Box<dyn Seams>) {
        self.seams = seams;
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

    /// How often the work of `key` was done, by this receiver: what was accepted with it, whatever the scope and the body.
    #[must_use]
    pub fn effects(&self, key: &str) -> u64 {
        self.effects.of(key)
    }

    /// The counters that the contract names, in its order: name with labels, and value.
    #[must_use]
    pub fn counters(&self) -> Vec<(String, u64)> {
        let value = |counts| self.counters.get(&counts).copied().unwrap_or(0);
        let metrics = self.contract.metrics.as_ref();
        metrics.map_or_else(Vec::new, |m| m.counters.iter().map(|one| (one.name.clone(), value(one.counts))).collect())
    }
}
