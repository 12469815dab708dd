//! What is sent: deliveries, bursts of them, and plain questions.

use std::collections::BTreeMap;

pub use crate::scenario::door::{Door, MethodOverride};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::span::Span;
use crate::contract::key::unique::{NearUuid, Outside};
use crate::scenario::fault::Fault;
use crate::sign::tamper::Tamper;

/// One delivery. Without any member: a fresh key, an ordinary body, an honest signature.
///
/// In `key`, `body` files, `raw` and `json`, `{unique}` is replaced by a word
/// that no other delivery of any run bears; in `key` it is a key of the contract's own form.
/// In `raw` and `json`, `{key_name}` is the name of the member that bears the contract's key, without what it is nested in.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Deliver {
    /// A name by which later steps refer to this delivery.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,

    /// Body: a file under `fixtures/bodies/`, byte for byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Body: this text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// Body: these bytes, as hex digits; white space between them is free.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hex: Option<String>,
    /// Body: this text, which must be JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<String>,
    /// Body: text repeated up to a size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fill: Option<Fill>,
    /// Body: so many random bytes, from the run's seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub random_bytes: Option<usize>,
    /// Body: that of an earlier delivery, byte for byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_of: Option<String>,
    /// Body: that of an earlier delivery as the same JSON in another spelling: more white space, members in reverse order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub respell_of: Option<String>,

    /// Event stream: the delivery is told on the stream of this name, which its body gets; the name must hold `{unique}`. It does not
    /// end that stream, unless `ends_stream` says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// Event stream: that of an earlier delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_of: Option<String>,
    /// Event stream: this delivery ends it.
    pub ends_stream: bool,
    /// Event stream: its event is so many bytes longer, where the data of events has a member of the body in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_bytes: Option<usize>,
    /// Event stream: with `stream_of`: not that stream, but the one whose name differs from its name in the case of its letters only.
    pub in_other_case: bool,
    /// Event stream: the member of its body that stands in the data of its event is this text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_text: Option<String>,
    /// Event stream: its body lacks the member that would stand in the data of its event.
    pub event_lacks: bool,
    /// Event stream: as soon as its event has come on this open stream, and before its answer is waited for, its audit row is there. What
    /// came on the stream meanwhile is still there to be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row_when_told: Option<String>,

    /// Key: this text; it must hold `{unique}`, `{number}` (15 digits that no other delivery of any run bears), `{uuid}` (a UUID that
    /// none bears), or `{key:NAME}` for an earlier delivery's key, unless it is blank.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Key: that of an earlier delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_of: Option<String>,
    /// Key: with `key_of`, whose key is a `{uuid}`: not that key, but one that is near to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub near_uuid: Option<NearUuid>,
    /// Key: where it travels in a JSON body, behind all other members.
    pub key_last: bool,
    /// Key: unique, and exactly so many characters long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_length: Option<usize>,
    /// Key: unique, and so many characters long; shorter where the contract's keys are (`key.longest`), with room for one
    /// character more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_up_to: Option<usize>,
    /// Key: it may be longer than the contract's longest; without this, such a delivery is not made.
    pub over_longest: bool,
    /// Key: unique, followed by these bytes as hex digits; with `key_of`, that delivery's key followed by them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_hex: Option<String>,
    /// Key: unique, and none of the contract's: outside their form or their alphabet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_outside: Option<Outside>,
    /// Key: none at all.
    pub no_key: bool,
    /// Key: as a number instead of text, where it travels in a JSON body; the key must be made of digits.
    pub key_as_number: bool,
    /// Key: a second line of its header, right behind the first, with this text; `{own}` is the delivery's own key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second_key_line: Option<String>,
    /// Key: in another scope than usual, where the contract says how far a key counts (`key.scope`).
    pub elsewhere: bool,

    /// How the signature is spoiled; without it, it is honest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<Tamper>,
    /// Which one `signature` takes where there are several: of the signed members, counted from the last (`member-changed`), of the
    /// contract's narrower forms (`covers-less`). The first is 0; past the end it begins anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub which: Option<usize>,
    /// The signature is honest, but over this body file instead of what travels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_over: Option<String>,
    /// The signature is honest, but over this text instead of what travels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_over_raw: Option<String>,

    /// Another method than the contract's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Another spelling of the endpoint's path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub door: Option<Door>,
    /// Something beside the method that says that it means the contract's; `method` is the one that travels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method_override: Option<MethodOverride>,
    /// With the header that makes a test build of the receiver fail (`failures.provoke`).
    pub provoke_failure: bool,
    /// Another content type than the contract's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// More header lines: name and text.
    pub headers: BTreeMap<String, String>,
    /// The case in which header names travel.
    pub header_case: HeaderCase,
    /// How the body is framed.
    pub framing: Framing,
    /// Which connection it goes over.
    pub connection: ConnectionUse,
    /// What the network does to it; it then goes over a connection of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// A TTL of its own in seconds, where the contract has a header for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u64>,
}

/// Text repeated up to a size.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Fill {
    /// What stands before it, once.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub before: String,
    /// The text.
    pub text: String,
    /// What stands after it, once.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub after: String,
    /// The size of the body; the last repetition is cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<usize>,
    /// So many bytes more than the contract's limit (`limits.body_bytes`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over_limit: Option<usize>,
    /// So many bytes fewer than the contract's limit, with all that a body bears beside what a scenario says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub under_limit: Option<usize>,
}

impl Fill {
    /// The size of the body under a contract that limits bodies to `limit` bytes.
    #[must_use]
    pub fn size(&self, limit: usize) -> usize {
        let over = self.over_limit.map(|more| limit.saturating_add(more));
        over.or_else(|| self.under_limit.map(|fewer| limit.saturating_sub(fewer))).or(self.bytes).unwrap_or(0)
    }

    /// The body, so many bytes long, or as long as what stands around the text.
    #[must_use]
    pub fn body(&self, size: usize) -> Vec<u8> {
        let room = size.saturating_sub(self.before.len().saturating_add(self.after.len()));
        let mut text = self.text.as_bytes().repeat(room / self.text.len().max(1) + 1);
        text.truncate(room);
        [self.before.as_bytes(), text.as_slice(), self.after.as_bytes()].concat()
    }
}

/// The case in which header names travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HeaderCase {
    /// As the HTTP library writes them (lower case).
    #[default]
    Any,
    /// As the contract writes them.
    AsWritten,
    /// All lower case.
    Lower,
    /// All upper case.
    Upper,
    /// Letters in turn upper and lower.
    Mixed,
}

/// How a body is framed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Framing {
    /// One piece, with `Content-Length`.
    #[default]
    ContentLength,
    /// `Transfer-Encoding: chunked`, several chunks of unlike sizes.
    Chunked,
    /// Chunks of one byte each, for as long as that is reasonable (then longer ones).
    ChunkedSmall,
    /// `Expect: 100-continue`: the body follows when the receiver asks for it, or after a second.
    ExpectContinue,
}

/// Which connection a delivery goes over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionUse {
    /// Any connection of the run's pool.
    #[default]
    Any,
    /// A connection that the scenario keeps and uses again.
    Kept,
    /// A new connection, closed afterwards.
    New,
}

/// Many deliveries at once: connections are opened first, then all are released together.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Burst {
    /// A name by which later steps refer to all of them.
    #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many keys.
    #[serde(default = "one")]
    pub keys: usize,
    /// Whose keys they are: an earlier delivery's or burst's, of as many keys; without it, all are fresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys_of: Option<String>,
    /// How many deliveries of each key.
    pub each: usize,
    /// What each delivery is like; its `key` and `as` are the burst's business.
    #[serde(default)]
    pub deliver: Deliver,
    /// Every delivery has the body of its key, or a body of its own (`{unique}` differs in each).
    #[serde(default)]
    pub bodies: BurstBodies,
}

fn one() -> usize {
    1
}

/// Whether concurrent duplicates have the same body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BurstBodies {
    /// Duplicates have the same bytes.
    #[default]
    Alike,
    /// Every delivery has bytes of its own.
    Unlike,
}

/// A question without a body.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Get {
    /// What is asked.
    pub what: Asked,
    /// Another method than GET.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Ask until the answer fits, at most so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Span>,
}

/// What a question is about; the contract knows the path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Asked {
    /// The health check.
    Health,
    /// The audit trail over HTTP.
    Audit,
    /// The counters.
    Metrics,
    /// The endpoint of deliveries itself.
    Endpoint,
    /// Any other path, as it is.
    Path(String),
}
