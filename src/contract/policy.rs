//! Policies: what a contract promises of keys, bodies, rivals, failures and refusals.
//!
//! One enum a question; what a contract does not declare is not judged.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::span::Span;

/// Whether a key makes a delivery idempotent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Idempotency {
    /// A live key makes its delivery a duplicate.
    #[default]
    ByKey,
    /// Every rightly signed delivery is accepted: only signatures, HTTP and health are promised.
    None,
}

/// When two bodies are the same body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fingerprint {
    /// When their bytes are the same.
    Raw,
    /// When they are the same JSON, whatever its white space and the order of its members.
    Json,
}

/// What holds while a delivery is under way.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InFlight {
    /// After a cut request or a failure, the key is free again within this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Span>,
}

/// What follows a delivery that the receiver failed to work on (a status from 500 to 599).
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Failures {
    /// What the same delivery gets afterwards.
    pub then: AfterFailure,
    /// How a test build is made to fail; without it nothing can be judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provoke: Option<Provoke>,
}

/// What the same delivery gets after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AfterFailure {
    /// It is tried again, and accepted.
    Retried,
    /// It gets the same failure again.
    Replayed,
}

/// A header that makes a test build of the receiver fail.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provoke {
    /// Its name.
    pub header: String,
    /// Its value.
    #[serde(default = "one")]
    pub value: String,
    /// The status of the failure.
    pub status: u16,
}

impl Provoke {
    /// Whether a delivery with these header lines asks for the failure.
    #[must_use]
    pub fn is_asked_by<'l>(&self, mut lines: impl Iterator<Item = (&'l str, &'l [u8])>) -> bool {
        lines.any(|(name, value)| name.eq_ignore_ascii_case(&self.header) && value == self.value.as_bytes())
    }
}

fn one() -> String {
    "1".to_owned()
}

/// Whether a refusal is kept as the key's result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Refusals {
    /// A refusal leaves nothing behind: the key is as new.
    #[default]
    Forgotten,
    /// A refusal that comes after a right signature is the key's result, and is given again.
    Kept,
}

/// What a live key with another body gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OtherBody {
    /// The duplicate's answer: the key alone identifies.
    #[default]
    Duplicate,
    /// A refusal (`outcomes.refused.other-body`).
    Refused,
    /// Acceptance: key and body together identify.
    New,
}
