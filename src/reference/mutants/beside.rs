//! What defects remember of keys beside their rows: whose delivery failed or was cut off, what came last.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;

use super::Mutant;
use super::loosely::loosely;
use crate::clock::UnixMicros;
use crate::contract::outcome::Refusal;
use crate::message::canonical_json;
use crate::reference::hooks::{Answering, Around};
use crate::reference::store::First;
use crate::sign::sha256_hex;

/// So long a key stays in flight after its answer, with one defect.
const LINGERING: Duration = Duration::from_secs(1);

/// Twice the lease of the contract under which that defect is measured.
const TWICE_THE_LEASE: Duration = Duration::from_secs(20);

/// Longer bodies are refused, with one defect.
const TAKEN: usize = 2 << 20;
/// So long after its answer a duplicate is worked on, with another: less than an answer may take under its contract.
const LATE: Duration = Duration::from_secs(1);

/// What is remembered beside the rows.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// Keys that stay in flight, and until when: for ever without an instant.
    stuck: BTreeMap<String, Option<UnixMicros>>,
    /// Keys whose delivery failed.
    failed: BTreeSet<String>,
    /// The fingerprint of the body that came last with a key.
    newest_body: BTreeMap<String, String>,
    /// The signature of a key's first delivery.
    signatures: BTreeMap<String, Bytes>,
    /// First deliveries whose keys came with another body.
    reused: BTreeMap<String, First>,
    /// When keys were accepted.
    accepted_at: BTreeMap<String, UnixMicros>,
}

impl Mutant {
    /// What a defect says of a right signature because of what came before it.
    pub(super) fn refuses_right(&self, around: Around<'_>) -> Option<Refusal> {
        if self.is("retry-with-another-signature-is-refused") && self.has_other_signature(around) {
            return Some(Refusal::Signature);
        }
        if self.is("body-over-two-mebibytes-is-refused") && around.delivery.body.len() > TAKEN {
            return Some(Refusal::TooLarge);
        }
        (self.is("failed-key-is-refused") && self.beside.failed.contains(around.key)).then_some(Refusal::OtherBody)
    }

    /// The first delivery as it is known, after what came since.
    pub(super) fn found_beside(&mut self, first: Option<First>, around: Around<'_>) -> Option<First> {
        let first = match first {
            None if self.is("other-body-prolongs-key") => return self.beside.reused.get(around.key).cloned(),
            first => first?,
        };
        if self.is("failure-leaves-an-audit-row") && self.beside.failed.remove(around.key) {
            return None;
        }
        if self.is("retry-is-known-by-its-signature") && self.has_other_signature(around) {
            return None;
        }
        let body = &around.delivery.body;
        let own = || canonical_json(body).map_or_else(|| sha256_hex(body), |text| sha256_hex(text.as_bytes()));
        if self.is("compares-4-kib-of-a-body") && self.beside.newest_body.get(around.key) == Some(&beginning_of(around)) {
            return Some(First { fingerprint: own(), ..first });
        }
        if self.is("bodies-are-compared-loosely") && self.beside.newest_body.get(around.key) == Some(&loosely(body)) {
            return Some(First { fingerprint: own(), ..first });
        }
        if self.is("other-body-prolongs-key") && own() != first.fingerprint {
            self.beside.reused.insert(around.key.to_owned(), first.clone());
        }
        if !self.is("other-body-overwrites-first") {
            return Some(first);
        }
        let own = own();
        let before = self.beside.newest_body.insert(around.key.to_owned(), own);
        Some(First { fingerprint: before.unwrap_or_else(|| first.fingerprint.clone()), ..first })
    }

    /// The rival that a key is said to have.
    pub(super) fn rival_beside(&self, rival: Option<String>, around: Around<'_>) -> Option<String> {
        if self.is("rival-is-accepted") || (self.is("expired-key-is-renewed-twice") && self.oldest.contains_key(around.key)) {
            return None;
        }
        let lingers = |at: &UnixMicros| around.now.since(*at) < LINGERING;
        let lingers = self.is("key-stays-in-flight-after-its-answer") && self.beside.accepted_at.get(around.key).is_some_and(lingers);
        let is_stuck = self.beside.stuck.get(around.key).is_some_and(|until| until.is_none_or(|until| around.now < until));
        if lingers || is_stuck { Some(around.key.to_owned()) } else { rival }
    }

    /// Remembers what is accepted.
    pub(super) fn accepted_beside(&mut self, around: Around<'_>) {
        let key = around.key.to_owned();
        if self.is("key-stays-in-flight-after-its-answer") {
            self.beside.accepted_at.insert(key, around.now);
        } else if self.is("retry-is-known-by-its-signature") || self.is("retry-with-another-signature-is-refused") {
            self.beside.signatures.insert(key, signature_in(around));
        } else if self.is("compares-4-kib-of-a-body") {
            self.beside.newest_body.insert(key, beginning_of(around));
        } else if self.is("bodies-are-compared-loosely") {
            self.beside.newest_body.insert(key, loosely(&around.delivery.body));
        }
    }

    /// Remembers what is answered.
    pub(super) fn answering_beside(&mut self, what: Answering, around: Around<'_>) {
        match what {
            Answering::Failed if self.is("failure-keeps-its-key-in-flight") || self.is("lease-is-twice-as-long") => {
                let until = self.stuck_until(around);
                self.beside.stuck.insert(around.key.to_owned(), until);
            }
            Answering::Failed if self.is("failed-key-is-refused") || self.is("failure-leaves-an-audit-row") => {
                self.beside.failed.insert(around.key.to_owned());
            }
            Answering::Refused(Refusal::Body) if self.is("cut-request-keeps-its-key-in-flight") || self.is("lease-is-twice-as-long") => {
                // Of a delivery that was not read whole only the header lines are known.
                let key = around.delivery.header("idempotency-key").map(|key| String::from_utf8_lossy(key).trim_matches('"').to_owned());
                let until = self.stuck_until(around);
                self.beside.stuck.extend(key.map(|key| (key, until)));
            }
            Answering::Accepted | Answering::Duplicate | Answering::InFlight | Answering::Failed | Answering::Refused(_) => {}
        }
    }

    /// How long a key stays in flight that a defect does not free: for ever, or for twice the lease.
    fn stuck_until(&self, around: Around<'_>) -> Option<UnixMicros> {
        self.is("lease-is-twice-as-long").then(|| around.now.plus(TWICE_THE_LEASE))
    }

    /// How long after an answer that asks for no work a defect works for it, where one does.
    pub(super) fn works_for(&self, what: Answering, around: Around<'_>) -> Option<Duration> {
        let is_at_once = match what {
            Answering::Duplicate => {
                self.is("work-is-done-per-answer")
                    || (self.races && self.is("losers-do-the-work-too"))
                    || (self.is("work-is-done-again-after-a-restart") && !self.oldest.contains_key(around.key))
            }
            Answering::Refused(_) => self.is("refusals-do-the-work"),
            Answering::Accepted | Answering::InFlight | Answering::Failed => false,
        };
        let is_late = what == Answering::Duplicate && self.is("late-work-per-answer");
        if is_late { Some(LATE) } else { is_at_once.then_some(Duration::ZERO) }
    }

    fn has_other_signature(&self, around: Around<'_>) -> bool {
        self.beside.signatures.get(around.key).is_some_and(|first| *first != signature_in(around))
    }
}

/// What one defect compares of a body.
fn beginning_of(around: Around<'_>) -> String {
    sha256_hex(&around.delivery.body[..around.delivery.body.len().min(4096)])
}

fn signature_in(around: Around<'_>) -> Bytes {
    around.delivery.header("x-signature").map(|value| Bytes::copy_from_slice(value)).unwrap_or_default()
}
