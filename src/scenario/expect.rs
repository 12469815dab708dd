//! What must come of a step: outcomes, literal answers, rows.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::span::Span;
use crate::contract::key::KeyScope;
use crate::contract::outcome::Refusal;
use crate::contract::{AfterFailure, Contract, Fingerprint, OtherBody, Refusals};

/// An outcome that is promised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// Taken as new.
    Accepted,
    /// Answered as a duplicate of the named delivery.
    DuplicateOf(String),
    /// Taken once, with the named delivery: its duplicate if that was taken, as new if that was turned away.
    OnceWith(String),
    /// Whatever the contract says of the named delivery's live key with another body (`other_body`).
    ReuseOf(String),
    /// Whatever the contract says of the named delivery's key in another scope (`key.scope`).
    ElsewhereOf(String),
    /// Whatever the contract says of the named delivery in another spelling of its JSON (`fingerprint`).
    Respelled(String),
    /// The failure that was provoked (`failures.provoke`).
    Failed,
    /// Whatever the contract says of the named delivery after its provoked failure (`failures.then`).
    AgainAfter(String),
    /// The refusal that the named delivery got, given again as its key's result (`refusals: kept`).
    KeptRefusalOf(String),
    /// Neither accepted nor a duplicate, and no status from 200 to 299: for forgeries at other doors.
    NotTaken,
    /// Turned away for this reason.
    Refused(Refusal),
    /// Any of these conforms.
    AnyOf(Vec<Expect>),
    /// The first conforms; the others draw a warning.
    Rather(Vec<Expect>),
    /// No answer comes back, whatever the receiver has done; only with a `fault`.
    #[serde(rename = "no-answer")]
    NoAnswer,
    /// Turned away for whatever reason: a status from 400 to 499, and not as an acceptance.
    Rejected,
}

impl Expect {
    /// Whether it is all right that no answer comes.
    #[must_use]
    pub fn allows_no_answer(&self) -> bool {
        match self {
            Self::NoAnswer => true,
            Self::AnyOf(any) | Self::Rather(any) => any.iter().any(Self::allows_no_answer),
            Self::Accepted
            | Self::DuplicateOf(_)
            | Self::ReuseOf(_)
            | Self::ElsewhereOf(_)
            | Self::Respelled(_)
            | Self::Failed
            | Self::AgainAfter(_)
            | Self::KeptRefusalOf(_)
            | Self::NotTaken
            | Self::OnceWith(_)
            | Self::Refused(_)
            | Self::Rejected => false,
        }
    }
}

impl Expect {
    /// What it comes to under a contract: policies become what the contract says of them.
    ///
    /// Where a key does not make a delivery idempotent, every repetition is accepted.
    #[must_use]
    pub fn under(&self, contract: &Contract) -> Self {
        let by_key = contract.is_by_key();
        let duplicate_of = |first: &String| if by_key { Self::DuplicateOf(first.clone()) } else { Self::Accepted };
        let reuse_of = |first: &String| match contract.other_body {
            OtherBody::Duplicate => duplicate_of(first),
            OtherBody::Refused if by_key => Self::Refused(Refusal::OtherBody),
            OtherBody::New | OtherBody::Refused => Self::Accepted,
        };
        match self {
            Self::DuplicateOf(first) => duplicate_of(first),
            Self::OnceWith(_) if !by_key => Self::AnyOf(vec![Self::Accepted, Self::Rejected]),
            Self::ReuseOf(first) => reuse_of(first),
            Self::ElsewhereOf(first) => match contract.key.scope {
                None | Some(KeyScope::Receiver) => duplicate_of(first),
                Some(KeyScope::Path | KeyScope::PathAndQuery | KeyScope::Caller) => Self::Accepted,
            },
            Self::Respelled(first) => match contract.fingerprint {
                Some(Fingerprint::Json) => duplicate_of(first),
                Some(Fingerprint::Raw) | None => reuse_of(first),
            },
            Self::AgainAfter(_) => match contract.failures.as_ref().map(|failures| failures.then) {
                Some(AfterFailure::Replayed) => Self::Failed,
                Some(AfterFailure::Retried) | None => Self::Accepted,
            },
            Self::KeptRefusalOf(_) if !by_key => Self::AnyOf(vec![Self::Accepted, Self::Rejected]),
            Self::KeptRefusalOf(_) if contract.refusals == Refusals::Forgotten => Self::Accepted,
            Self::AnyOf(any) => Self::AnyOf(any.iter().map(|one| one.under(contract)).collect()),
            Self::Rather(ranked) => Self::Rather(ranked.iter().map(|one| one.under(contract)).collect()),
            Self::Accepted
            | Self::Failed
            | Self::NotTaken
            | Self::Refused(_)
            | Self::NoAnswer
            | Self::Rejected
            | Self::OnceWith(_)
            | Self::KeptRefusalOf(_) => self.clone(),
        }
    }

    /// The delivery that the answer is held against, when there is one.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        match self {
            Self::DuplicateOf(first)
            | Self::ReuseOf(first)
            | Self::ElsewhereOf(first)
            | Self::Respelled(first)
            | Self::OnceWith(first)
            | Self::KeptRefusalOf(first)
            | Self::AgainAfter(first) => Some(first),
            Self::AnyOf(any) | Self::Rather(any) => any.iter().find_map(Self::first),
            Self::Accepted | Self::Failed | Self::NotTaken | Self::Refused(_) | Self::NoAnswer | Self::Rejected => None,
        }
    }

    /// The deliveries that it calls the first of a duplicate, whichever of several outcomes comes.
    #[must_use]
    pub fn firsts(&self) -> Vec<&str> {
        match self {
            Self::DuplicateOf(name) => vec![name],
            Self::AnyOf(any) | Self::Rather(any) => any.iter().flat_map(Self::firsts).collect(),
            Self::Accepted
            | Self::Refused(_)
            | Self::Rejected
            | Self::NoAnswer
            | Self::ReuseOf(_)
            | Self::ElsewhereOf(_)
            | Self::Respelled(_)
            | Self::AgainAfter(_)
            | Self::KeptRefusalOf(_)
            | Self::OnceWith(_)
            | Self::Failed
            | Self::NotTaken => Vec::new(),
        }
    }
}

/// What an answer must literally be.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AnswerCheck {
    /// One of these statuses.
    pub status: Vec<u16>,
    /// Headers that start with this text; `*` when any value will do.
    pub headers: BTreeMap<String, String>,
    /// Members of the JSON body (dotted paths) and their values; `{sha256:NAME}` and captures are replaced in text.
    pub body: BTreeMap<String, serde_json::Value>,
    /// Members of the JSON body whose text must match a regular expression.
    pub matches: BTreeMap<String, String>,
    /// Members that must not be there.
    pub without: Vec<String>,
    /// Nothing of the named delivery: no member that only a duplicate's answer has, not its hash, not its instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub says_nothing_of: Option<String>,
    /// The body is JSON.
    pub json: bool,
    /// Body and status are the same as those that the named delivery got.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_as: Option<String>,
    /// Text that must stand in the body; captures are replaced.
    pub contains: Vec<String>,
    /// Text that must not stand in the body or a header; captures are replaced.
    pub lacks: Vec<String>,
    /// The answer reveals neither the secret nor the signature that would have passed, in any encoding.
    pub reveals_nothing: bool,
    /// It came within this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<Span>,
    /// The same rows as the database's, for these deliveries (with `get: {what: audit}`).
    pub shows_rows_of: Vec<String>,
    /// Counters and the least by which they must have risen since the step named here (with `get: {what: metrics}`).
    pub risen: BTreeMap<String, u64>,
    /// With `risen`: the earlier `get` to compare with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Keeps members of the body under a name, for `{name}` in later checks.
    pub capture: BTreeMap<String, String>,
    /// Keeps the whole answer under a name (for `since`).
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What must stand in the database.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StateCheck {
    /// Keeps what is there now under a name.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Rows of the key table.
    pub keys: Vec<RowCheck>,
    /// Rows of the audit table.
    pub audit: Vec<RowCheck>,
    /// By how many rows each table has grown since an earlier look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grown: Option<Grown>,
    /// The rows of these deliveries are the same as at an earlier look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unchanged: Option<Unchanged>,
    /// These tables are declared as the contract says; more columns are free.
    pub schema: Vec<TableName>,
    /// Every key row of this run has an audit row.
    pub every_key_has_evidence: bool,
    /// Every key row has a life that can be told: a time, and a TTL that is a positive whole number.
    pub every_life_can_be_told: bool,
    /// Instants of audit rows never go back in the order of acceptance.
    pub instants_never_go_back: Vec<String>,
    /// Look again until it fits, at most so long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<Span>,
}

/// How often the work of deliveries must have been done.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EffectsCheck {
    /// The deliveries or bursts: each of their keys is counted.
    pub of: Vec<String>,
    /// So often for each key; without it and `at_most`, as often as the answers to the key allow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub each: Option<u64>,
    /// No more often, for each key: after a restart, where a receiver may count anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<u64>,
    /// Count again until it fits, at most so long; without it, as long as the contract says (`effects.within`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<Span>,
}

/// One of the contract's two tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TableName {
    /// The table of idempotency keys.
    Keys,
    /// The table of audit events.
    Audit,
}

/// Rows of one delivery (or of every key of a burst).
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RowCheck {
    /// The delivery or burst.
    pub rows_for: String,
    /// How many rows there must be (for each key).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    /// Columns and what they must hold: a literal value, `ttl` for the receiver's TTL, or text with `{sha256:NAME}` and `{key:NAME}`.
    pub columns: BTreeMap<String, serde_json::Value>,
    /// Cells by what their columns hold, whatever they are called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holds: Option<HeldCells>,
    /// Every column is as the contract says.
    pub as_promised: bool,
    /// The newest row's instant is the one that this duplicate's answer referred to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referred_to_by: Option<String>,
    /// The newest row was written when this delivery was accepted (within the contract's tolerance).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written_at: Option<String>,
}

/// Cells by what their columns hold.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HeldCells {
    /// The column for `{key}` has the key of this delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The column for `{sha256}` has the hash of this delivery's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The column for `{ttl}` has so many seconds, or, with the word `ttl`, the receiver's TTL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<serde_json::Value>,
}

/// Growth of whole tables.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Grown {
    /// The earlier look.
    pub since: String,
    /// More rows of live keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<i64>,
    /// More rows of the audit table, of the contract's event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<i64>,
}

/// Rows that stay.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Unchanged {
    /// The earlier look.
    pub since: String,
    /// The deliveries.
    pub rows_for: Vec<String>,
}
