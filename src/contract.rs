//! Contracts: what a kind of receiver promises, as data.
//!
//! A contract file says where deliveries go, how they are signed, how each
//! outcome looks on the wire, and where state can be seen. The reference
//! behaves by it, the sender signs by it, the judge compares with it: nothing
//! of any family of receivers is in code. Comes from YAML through `yaml`;
//! reading files is not done here.
//!
//! Start at [`Contract`]. Answers are in [`outcome`], where the key travels in
//! [`key`], which deliveries are the same in [`identity`], what follows from a
//! contract in [`facts`], tables in [`tables`], the contract as prose in [`prose`].

mod alternatives;
pub mod by_hand;
pub mod effects;
pub mod facts;
pub mod identity;
pub mod key;
pub mod limits;
pub mod outcome;
pub mod own_body;
pub mod own_headers;
pub mod policy;
pub mod prose;
pub mod reading;
mod signing;
pub mod stream;
pub mod tables;
pub mod usual_members;
mod wire;

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::span::Span;
use crate::contract::effects::EffectsPlace;
use crate::contract::key::KeyPlace;
pub use crate::contract::limits::Limits;
use crate::contract::outcome::Outcomes;
pub use crate::contract::policy::{AfterFailure, Failures, Fingerprint, Idempotency, InFlight, OtherBody, Provoke, Refusals};
use crate::contract::stream::EventStream;
use crate::contract::tables::StateTables;
use crate::contract::usual_members::UsualMember;
use crate::sign::{BadSecret, Scheme, Signer};
use crate::template::Template;

/// How much a demand weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Broken means that the receiver does not conform.
    #[default]
    Must,
    /// Broken means a warning.
    Should,
    /// Nobody is held to it; the reference does it so.
    Free,
}

/// The promise of one kind of receiver.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// Its name, as `--contract` takes it.
    pub contract: String,
    /// One line for people.
    pub title: String,
    /// What kind of receiver this is, in a few sentences; without it, the title says it all.
    #[serde(default)]
    pub about: String,
    /// Where these facts come from; without it, from whoever wrote the contract.
    #[serde(default = "own_source")]
    pub source: String,
    /// Another contract whose members hold where this file does not say otherwise (its name, or its file from this one's folder).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extends: Option<String>,
    /// The suite of scenarios that judges it: a folder under `scenarios/`; without it, `core`, which judges every contract.
    #[serde(default = "core_suite")]
    pub suite: String,
    /// Where deliveries go.
    pub endpoint: Endpoint,
    /// How to see that the receiver lives; without it, an honest delivery that is accepted shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// What an answer and a body may cost.
    #[serde(default)]
    pub limits: Limits,
    /// What the sender's own pages advise a receiver to do; nobody is judged by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver: Option<Advice>,
    /// Where the shared secret comes from; needless where deliveries bear no signature.
    #[serde(default)]
    pub secret: SecretSource,
    /// Whether a key makes a delivery idempotent, or every rightly signed delivery is taken.
    #[serde(default)]
    pub idempotency: Idempotency,
    /// Where the idempotency key travels.
    #[serde(default)]
    pub key: KeyPlace,
    /// How deliveries are signed.
    pub signature: Scheme,
    /// How long a key lives; without it, for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Ttl>,
    /// What a live key with another body gets.
    #[serde(default)]
    pub other_body: OtherBody,
    /// When two bodies are the same body; without it, another spelling of one JSON is not judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// What holds while a delivery is under way; its rivals' answer is `outcomes.in-flight`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<InFlight>,
    /// What follows a delivery that the receiver failed to work on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<Failures>,
    /// Whether a refusal is kept as the key's result.
    #[serde(default)]
    pub refusals: Refusals,
    /// How each outcome looks on the wire.
    pub outcomes: Outcomes,
    /// Where state can be seen in a database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<StateTables>,
    /// Where it can be counted how often the work of a key was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effects: Option<EffectsPlace>,
    /// Where the audit trail can be read over HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit_url: Option<AuditUrl>,
    /// Event streams that tell of accepted deliveries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<EventStream>,
    /// Where counters can be read (Prometheus text).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
    /// Words of the suite that no other member of the contract says; what follows from the contract ([`facts`]) need not be named.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// Requirements of the suite that this contract does not make, each with the reason.
    #[serde(default)]
    pub not_promised: BTreeMap<String, String>,
}

/// Where deliveries go.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// The method.
    pub method: String,
    /// The path, from the root of `--target`; without a query.
    pub path: String,
    /// The query that stands behind every path of deliveries, without its question mark: `tenant=7`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Other paths that take deliveries as well: with `key.scope: path`, each has keys of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<String>,
    /// The content type of an ordinary body.
    pub content_type: String,
    /// Header lines that every delivery and every question bears beside what the contract says: for a gateway, a tenant.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body of an ordinary delivery, in place of the suite's; `{unique}` in it becomes a word of the delivery's own. The suite's other bodies bear its members, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Members that every body bears beside what a scenario puts there, where it is a JSON object; fields, where deliveries are forms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<UsualMember>,
}

/// How to see that the receiver lives.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// The path that is asked with GET.
    pub path: String,
    /// The status of a receiver that is well.
    pub status: u16,
    /// What the reference says there; free for others.
    #[serde(default)]
    pub body: serde_json::Value,
}

/// What the sender's own pages advise a receiver to do.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Advice {
    /// What to answer.
    pub answer: String,
    /// How fast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Span>,
    /// What the sender sends again, when and how often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<String>,
    /// Which repeats to look for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<String>,
}

/// Where the shared secret comes from.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretSource {
    /// The environment variable that holds it.
    pub env: String,
    /// A published secret: used by the built-in reference alone, when the variable is not set. Without it, 64 digits, which are
    /// text, hexadecimal and base64 alike.
    #[serde(default = "published_secret")]
    pub for_tests: String,
    /// With `signature.by: ed25519`, the environment variable that holds the public key of receivers, for those who only verify.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<OtherSecret>,
    /// The secret before this one, while both are good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<OtherSecret>,
    /// A secret that was good once and is not any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired: Option<OtherSecret>,
}

/// A secret of another time: rotated out and still good, or retired.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OtherSecret {
    /// The environment variable that holds it.
    pub env: String,
    /// A published secret: used by the built-in reference alone, when the variable is not set.
    pub for_tests: String,
}

/// The source of a contract that names none.
fn own_source() -> String {
    "whoever wrote this contract".to_owned()
}

/// The suite of a contract that names none.
fn core_suite() -> String {
    "core".to_owned()
}

/// The published secret of a contract that has none of its own: text, hexadecimal and base64 alike.
fn published_secret() -> String {
    "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef".to_owned()
}

/// How long a key lives.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ttl {
    /// The receiver's own TTL, unless it is told otherwise.
    pub default: Span,
    /// A header that gives one delivery a TTL of its own, in whole seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
}

/// Where the audit trail can be read over HTTP.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditUrl {
    /// The path that is asked with GET; answers a JSON array of rows, newest first.
    pub path: String,
    /// The query parameter that limits the number of rows.
    pub limit: String,
    /// The query parameter that selects one kind of event.
    pub event: String,
}

/// Where counters can be read.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// The path that is asked with GET.
    pub path: String,
    /// The counters that the contract names.
    pub counters: Vec<Counter>,
}

/// One counter.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Counter {
    /// Its name with its labels, as it stands at the start of its line.
    pub name: String,
    /// What it counts.
    pub counts: Counted,
}

/// What a counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Counted {
    /// Deliveries whose signature passed.
    SignaturesPassed,
    /// Deliveries whose signature did not.
    SignaturesRefused,
    /// Deliveries accepted as new.
    Accepted,
    /// Deliveries answered as duplicates.
    Duplicates,
}

impl Endpoint {
    /// Whether deliveries are taken at `path`, to the letter; what follows a question mark does not count.
    #[must_use]
    pub fn is_at(&self, path: &str) -> bool {
        let path = path.split('?').next().unwrap_or_default();
        self.path == path || self.others.iter().any(|other| other == path)
    }

    /// A path with the query of deliveries behind it.
    #[must_use]
    pub fn addressed(&self, path: &str) -> String {
        let mark = if path.contains('?') { '&' } else { '?' };
        self.query.as_ref().map_or_else(|| path.to_owned(), |query| format!("{path}{mark}{query}"))
    }
}

impl Contract {
    /// The TTL in whole seconds that a key gets by default; `None` when keys live for ever.
    #[must_use]
    pub fn ttl_secs(&self) -> Option<u64> {
        self.ttl.as_ref().map(|ttl| ttl.default.0.as_secs())
    }

    /// The longest time that a key stays in flight after its delivery was cut off or failed; nothing, where the contract names none.
    #[must_use]
    pub fn lease(&self) -> Duration {
        self.in_flight.as_ref().and_then(|in_flight| in_flight.lease).map_or(Duration::ZERO, |lease| lease.0)
    }

    /// Whether the contract makes the promise `requirement`.
    #[must_use]
    pub fn promises(&self, requirement: &str) -> bool {
        !self.not_promised.contains_key(requirement)
    }

    /// Signs and verifies under the contract.
    ///
    /// * `secret`: the shared secret's text.
    /// * `previous`, `retired`: secrets of other times, where they are known.
    ///
    /// # Errors
    /// When a secret is not what the signature scheme says.
    pub fn signer(&self, secret: &[u8], previous: Option<&str>, retired: Option<&str>) -> Result<Signer, BadSecret> {
        let signer = self.signature.keyed(secret)?;
        let signer = previous.map_or_else(|| Ok(signer.clone()), |previous| signer.with_previous(previous.as_bytes()))?;
        retired.map_or_else(|| Ok(signer.clone()), |retired| signer.with_retired(retired.as_bytes()))
    }

    /// Every template of the contract with the place it stands at, so that all can be checked at once.
    #[must_use]
    pub fn templates(&self) -> Vec<(String, &Template)> {
        let mut all = self.outcomes.templates();
        all.push(("signature.message".to_owned(), &self.signature.message));
        for (at, header) in self.signature.headers.iter().enumerate() {
            all.push((format!("signature.headers[{at}].value"), &header.value));
        }
        for (at, form) in self.signature.narrower.iter().enumerate() {
            all.push((format!("signature.narrower[{at}].message"), &form.message));
            let values = form.headers.iter().enumerate();
            all.extend(values.map(|(line, header)| (format!("signature.narrower[{at}].headers[{line}].value"), &header.value)));
        }
        for (at, member) in self.signature.members.iter().enumerate() {
            all.push((format!("signature.members[{at}].value"), &member.value));
        }
        for (at, one) in self.signature.query.iter().enumerate() {
            all.push((format!("signature.query[{at}].value"), &one.value));
        }
        if let Some(state) = &self.state {
            all.extend(state.templates());
        }
        if let Some(effects) = &self.effects {
            all.extend(effects.path.iter().map(|path| ("effects.path".to_owned(), path)));
            all.extend(effects.count.iter().map(|count| ("effects.count".to_owned(), count)));
        }
        all.extend(self.stream.iter().flat_map(EventStream::templates));
        all
    }
}
