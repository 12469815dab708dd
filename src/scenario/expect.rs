//! What must come of a step: outcomes, literal answers, rows.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::span::Span;
use crate::contract::outcome::Refusal;

/// An outcome that is promised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// Taken as new.
    Accepted,
    /// Answered as a duplicate of the named delivery.
    DuplicateOf(String),
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
    /// A live key with another body: whatever the contract says of it (`other_body`); after a refusal that is kept, that refusal again.
    ReuseOf(String),
    /// The key and body of the named delivery in another scope: new, or a duplicate, as `key.scope` says.
    ElsewhereOf(String),
    /// The key of the named delivery with the same JSON in another spelling: as `fingerprint` says.
    Respelled(String),
    /// The same delivery after the named one, which failed: as `failures.then` says.
    AgainAfter(String),
    /// The failure that was provoked, with its status.
    Failed,
    /// Anything but an acceptance or a duplicate: no status from 200 to 299.
    #[serde(rename = "not_taken")]
    NotTaken,
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
            | Self::Refused(_)
            | Self::Rejected
            | Self::ReuseOf(_)
            | Self::ElsewhereOf(_)
            | Self::Respelled(_)
            | Self::AgainAfter(_)
            | Self::Failed
            | Self::NotTaken => false,
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
    /// The same by what a column holds, whatever it is called: `{sha256: "{sha256:NAME}"}`; a table without such a column is passed over.
    pub holds: BTreeMap<String, serde_json::Value>,
    /// Every column is as the contract says.
    pub as_promised: bool,
    /// The newest row's instant is the one that this duplicate's answer referred to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referred_to_by: Option<String>,
    /// The newest row was written when this delivery was accepted (within the contract's tolerance).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written_at: Option<String>,
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
