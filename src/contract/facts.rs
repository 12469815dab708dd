//! Facts: what follows from a contract, so that nobody has to tick it.
//!
//! Scenarios name what they need in words ([`COMPUTED`]); whether a contract
//! offers it is read from its members. Words of a suite that no member says
//! stand under `capabilities`.

use super::outcome::{AnswerForm, MemberValue, Refusal};
use super::{AfterFailure, Contract, Idempotency, OtherBody, Provoke, Refusals};
use crate::contract::key::KeyForm;
use crate::contract::stream::{Begins, Ids};
use crate::sign::{ListLines, Proof};

/// The words that follow from a contract, each with what it means.
pub const COMPUTED: &[(&str, &str)] = &[
    ("by-key", "a key makes a delivery idempotent (`idempotency: by-key`)"),
    ("key", "deliveries bear a key (`key`)"),
    ("key-in-header", "the key travels in a header (`key.header`)"),
    ("key-in-body", "the key is a member of a JSON body (`key.body_member`)"),
    ("any-json-key", "a number may stand in the key's place in the body (no `key.text_only`)"),
    ("free-keys", "keys are any visible ASCII (`key.form: bare`, no `alphabet`)"),
    ("formed-keys", "keys have a form or an alphabet of their own (`key.form: quoted` or `uuid`, `key.alphabet`)"),
    ("key-alone", "a live key with another body is a duplicate (`other_body: duplicate`)"),
    ("one-per-key", "a live key has one acceptance, whatever the bodies (`other_body` is not `new`)"),
    ("refusals-forgotten", "a refusal uses no key up (`refusals: forgotten`)"),
    ("refusals-kept", "a refusal that comes after a right signature is its key's result (`refusals: kept`)"),
    ("other-body-refused", "a live key with another body is refused (`other_body: refused`)"),
    ("reference", "a duplicate's answer bears the instant of the first delivery (`{first.ts}`)"),
    ("first-hash", "a duplicate's answer bears the hash of the first body (`{first.sha256}`)"),
    ("ttl", "keys live for a time and are then forgotten (`ttl`)"),
    ("ttl-per-delivery", "a delivery may bring a TTL of its own (`ttl.header`)"),
    ("rows", "rows of keys or audit rows can be seen in a database (`state`)"),
    ("keys", "key rows can be seen in a database (`state.keys`)"),
    ("audit", "audit rows can be seen in a database (`state.audit`)"),
    ("key-ttl", "key rows tell how long the key lives (`{ttl}`)"),
    ("audit-key", "audit rows name the key of their delivery (`{key}`)"),
    ("audit-hash", "audit rows bear the hash of the body (`{sha256}`)"),
    ("effects", "it can be counted how often the work of a key was done (`effects`)"),
    ("audit-url", "the audit trail can be read over HTTP (`audit_url`)"),
    ("metrics", "counters can be read over HTTP (`metrics`)"),
    ("stream", "accepted deliveries are told on event streams (`stream`)"),
    ("streams", "each stream tells of the deliveries that name it in a member of their JSON body (`stream.of: \"{body:…}\"`)"),
    ("stream-end", "a stream is over at some time (`stream.finished`)"),
    ("stream-heartbeat", "a stream is never silent for long (`stream.heartbeat`)"),
    ("stream-retry", "a stream says when a client is to come back (`stream.retry`)"),
    ("long-events", "a member of a delivery's body stands in the data of its event (`stream.data`)"),
    ("replays", "a client without an id begins with the oldest event (`stream.begins: oldest`)"),
    ("rising-ids", "ids of events are numbers that rise (`stream.ids: rising`)"),
    ("health", "a page tells that the receiver lives (`health`)"),
    ("signed", "deliveries bear a proof of who sent them (`signature` is not `none`)"),
    ("signed-body", "the signature covers the body's bytes (`{body}`, or a digest of it)"),
    ("key-pair", "the signature is made by a private key (`signature.by: ed25519`)"),
    ("signed-time", "the time of signing is signed (`signature.time`)"),
    ("bounded-future", "a signed time in the future is refused (`signature.time.future`)"),
    ("single-signature", "a header holds one signature (no `signature.several`), or two lines of a list are refused (`several.lines`)"),
    ("signature-list", "a header holds several signatures (`signature.several`)"),
    ("previous-secret", "the secret before this one is still good (`secret.previous`)"),
    ("in-flight", "a rival of a delivery under way is told so (`outcomes.in-flight`)"),
    ("failures", "a test build can be made to fail (`failures.provoke`)"),
    ("failures-retried", "a delivery that was made to fail is tried again (`failures.then: retried`)"),
    ("scope", "it is said how far a key counts (`key.scope`)"),
    ("fingerprint", "it is said when two bodies are the same (`fingerprint`)"),
    ("body-limit", "the contract states how long a body may be (`limits.body_bytes`)"),
    ("method", "other methods have a refusal of their own (`outcomes.refused.method`)"),
];

/// Whether `word` follows from contracts.
#[must_use]
pub fn is_computed(word: &str) -> bool {
    COMPUTED.iter().any(|(known, _)| *known == word)
}

/// What a word that follows from contracts means.
#[must_use]
pub fn meaning_of(word: &str) -> Option<&'static str> {
    COMPUTED.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning)
}

impl Contract {
    /// Whether receivers of this kind can do `capability`.
    #[must_use]
    pub fn can(&self, capability: &str) -> bool {
        let keys = || self.state.as_ref().and_then(|tables| tables.keys.as_ref());
        let audit = || self.state.as_ref().and_then(|tables| tables.audit.as_ref());
        let time = self.signature.time;
        match capability {
            "by-key" => self.is_by_key(),
            "key" => self.key.is_somewhere(),
            "key-in-header" => self.key.header.is_some(),
            "key-in-body" => self.key.body_member.is_some(),
            "any-json-key" => self.key.body_member.is_some() && !self.key.text_only,
            "free-keys" => self.key.is_somewhere() && self.key.form != KeyForm::Uuid && self.key.alphabet.is_none(),
            "formed-keys" => {
                self.key.is_somewhere() && (matches!(self.key.form, KeyForm::Quoted | KeyForm::Uuid) || self.key.alphabet.is_some())
            }
            "key-alone" => self.is_by_key() && self.other_body == OtherBody::Duplicate,
            "one-per-key" => self.is_by_key() && self.other_body != OtherBody::New,
            "other-body-refused" => self.is_by_key() && self.other_body == OtherBody::Refused,
            "refusals-forgotten" => self.is_by_key() && self.refusals == Refusals::Forgotten,
            "refusals-kept" => self.is_by_key() && self.refusals == Refusals::Kept,
            "single-signature" => self.signature.several.as_ref().is_none_or(|several| several.lines == Some(ListLines::Refused)),
            "reference" => self.duplicate_tells("first.ts"),
            "first-hash" => self.duplicate_tells("first.sha256"),
            "ttl" => self.is_by_key() && self.ttl.is_some(),
            "ttl-per-delivery" => self.is_by_key() && self.ttl.as_ref().is_some_and(|ttl| ttl.header.is_some()),
            "rows" => keys().or_else(audit).is_some(),
            "keys" => keys().is_some(),
            "audit" => audit().is_some(),
            "key-ttl" => keys().is_some_and(|table| table.column_holding("ttl").is_some()),
            "audit-key" => audit().is_some_and(|table| table.column_holding("key").is_some()),
            "audit-hash" => audit().is_some_and(|table| table.column_holding("sha256").is_some()),
            "effects" => self.effects.is_some(),
            "streams" => self.stream.as_ref().is_some_and(|stream| stream.member().is_some()),
            "stream-end" => self.stream.as_ref().is_some_and(|stream| stream.finished.is_some() && stream.member().is_some()),
            "stream-heartbeat" => self.stream.as_ref().is_some_and(|stream| stream.heartbeat.is_some()),
            "stream-retry" => self.stream.as_ref().is_some_and(|stream| stream.retry.is_some()),
            "long-events" => self.stream.as_ref().is_some_and(|stream| !stream.told_members().is_empty()),
            "replays" => self.stream.as_ref().is_some_and(|stream| stream.begins == Begins::Oldest),
            "rising-ids" => self.stream.as_ref().is_some_and(|stream| stream.ids == Ids::Rising),
            "audit-url" => self.audit_url.is_some(),
            "metrics" => self.metrics.is_some(),
            "stream" => self.stream.is_some(),
            "health" => self.health.is_some(),
            "signed" => self.signature.by != Proof::None,
            "signed-body" => self.signature.covers_body(),
            "key-pair" => self.signature.by == Proof::Ed25519,
            "signed-time" => time.is_some(),
            "bounded-future" => time.is_some_and(|time| time.future.is_some()),
            "signature-list" => self.signature.several.is_some(),
            "previous-secret" => self.secret.previous.is_some(),
            "in-flight" => self.outcomes.in_flight.is_some(),
            "failures" => self.provoke().is_some(),
            "failures-retried" => self.provoke().is_some() && !self.replays_failures(),
            "scope" => self.key.scope.is_some(),
            // A form has no other spelling that is the same JSON.
            "fingerprint" => self.fingerprint.is_some() && self.key.form_field.is_none(),
            "body-limit" => self.limits.body_bytes.is_some(),
            "method" => self.outcomes.refusal(Refusal::Method).is_some(),
            other => self.capabilities.iter().any(|one| one == other),
        }
    }

    /// How a test build is made to fail, where the contract says it.
    #[must_use]
    pub fn provoke(&self) -> Option<&Provoke> {
        self.failures.as_ref()?.provoke.as_ref()
    }

    /// Whether a failure is its key's result, and given again.
    #[must_use]
    pub fn replays_failures(&self) -> bool {
        self.failures.as_ref().is_some_and(|failures| failures.then == AfterFailure::Replayed)
    }

    /// Whether a key makes a delivery idempotent.
    #[must_use]
    pub fn is_by_key(&self) -> bool {
        match self.idempotency {
            Idempotency::ByKey => self.outcomes.duplicate.is_some(),
            Idempotency::None => false,
        }
    }

    /// The form of a duplicate's answer; without idempotency there are none.
    #[must_use]
    pub fn duplicate(&self) -> Option<&AnswerForm> {
        self.outcomes.duplicate.as_ref().filter(|_| self.idempotency == Idempotency::ByKey)
    }

    /// Whether a duplicate gets the first's answer, byte for byte.
    #[must_use]
    pub fn repeats_first_answer(&self) -> bool {
        self.duplicate().is_some_and(|form| form.same_body_as_first)
    }

    /// Whether answers must be kept: to be given again.
    #[must_use]
    pub fn keeps_answers(&self) -> bool {
        self.repeats_first_answer() || self.replays_failures() || self.refusals == Refusals::Kept
    }

    /// The dotted path of the duplicate's member that is the instant of the first delivery.
    #[must_use]
    pub fn reference_member(&self) -> Option<&str> {
        let is_reference = |value: &MemberValue| matches!(value, MemberValue::Text(text) if text.is_only("first.ts"));
        self.duplicate()?.body.iter().find(|member| is_reference(&member.is)).map(|member| member.member.as_str())
    }

    fn duplicate_tells(&self, placeholder: &str) -> bool {
        let tells = |value: &MemberValue| matches!(value, MemberValue::Text(text) if text.placeholders().any(|name| name == placeholder));
        self.duplicate().is_some_and(|form| form.body.iter().any(|member| tells(&member.is)))
    }
}
