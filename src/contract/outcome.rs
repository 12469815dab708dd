//! Outcomes: how *accepted*, *duplicate*, *in flight* and each *refusal* look on the wire.
//!
//! One description serves twice: the reference answers by it, and the judge
//! holds answers against it. A member is a dotted path into the JSON body.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Level;
use crate::template::Template;

/// Every outcome that the contract knows.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outcomes {
    /// A first delivery.
    pub accepted: AnswerForm,
    /// A delivery whose key is live; not with `idempotency: none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<AnswerForm>,
    /// A delivery whose key is under way; without it, it waits and is a duplicate.
    #[serde(rename = "in-flight", default, skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<AnswerForm>,
    /// What is turned away, by reason.
    pub refused: BTreeMap<Refusal, AnswerForm>,
}

/// Why a delivery is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// The signature is not the one that the secret gives.
    Signature,
    /// There is no signature, or an empty one.
    MissingSignature,
    /// The signature cannot be read, or stands there twice.
    MalformedSignature,
    /// The time that was signed lies too far from now.
    StaleSignature,
    /// There is no key.
    MissingKey,
    /// The key is empty or blank.
    EmptyKey,
    /// The key is too long, or has bytes that a key may not have.
    UnusableKey,
    /// The live key came with another body.
    OtherBody,
    /// The method is not the endpoint's.
    Method,
    /// The body cannot be used.
    Body,
    /// The body is longer than the limit.
    TooLarge,
}

impl Refusal {
    /// Every reason, in the order of contracts.
    pub const ALL: [Self; 11] = [
        Self::Signature,
        Self::MissingSignature,
        Self::MalformedSignature,
        Self::StaleSignature,
        Self::MissingKey,
        Self::EmptyKey,
        Self::UnusableKey,
        Self::OtherBody,
        Self::Method,
        Self::Body,
        Self::TooLarge,
    ];

    /// Its name in contracts and scenarios.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::MissingSignature => "missing-signature",
            Self::MalformedSignature => "malformed-signature",
            Self::StaleSignature => "stale-signature",
            Self::MissingKey => "missing-key",
            Self::EmptyKey => "empty-key",
            Self::UnusableKey => "unusable-key",
            Self::OtherBody => "other-body",
            Self::Method => "method",
            Self::Body => "body",
            Self::TooLarge => "too-large",
        }
    }

    /// The refusal that a contract surely describes, for one that it may not tell apart.
    #[must_use]
    pub fn plainer(self) -> Self {
        match self {
            Self::MissingSignature | Self::MalformedSignature | Self::StaleSignature | Self::Signature => Self::Signature,
            Self::EmptyKey | Self::UnusableKey | Self::MissingKey => Self::MissingKey,
            Self::OtherBody | Self::Method | Self::Body | Self::TooLarge => self,
        }
    }
}

/// How the answer of one outcome looks.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerForm {
    /// The status that the reference answers.
    pub status: u16,
    /// Other statuses that conform as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<u16>,
    /// Headers: a name, and the start of the value (parameters may follow).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Members of the JSON body, in the order in which the reference writes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub body: Vec<Member>,
    /// Members that must not be there: what tells this outcome from another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
    /// Headers that must not be there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without_headers: Vec<String>,
    /// The body is the first delivery's answer, byte for byte.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub same_body_as_first: bool,
    /// The requirement that speaks of the status, when a scenario does not name a nearer one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shows: Option<String>,
}

/// One member of an answer's JSON body.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Dotted path, `reference.timestamp`.
    pub member: String,
    /// Its value; text may hold `{placeholders}`.
    pub is: MemberValue,
    /// How much it weighs.
    #[serde(default)]
    pub level: Level,
    /// The requirement that speaks of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shows: Option<String>,
}

/// The value of a member: text with placeholders, or a JSON constant.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum MemberValue {
    /// Text, in which `{placeholders}` are replaced.
    Text(Template),
    /// Any other JSON value, as it is.
    Constant(serde_json::Value),
}

impl Outcomes {
    /// The outcome of a refusal, when the contract describes it.
    #[must_use]
    pub fn refusal(&self, why: Refusal) -> Option<&AnswerForm> {
        self.refused.get(&why)
    }

    /// Every form with its place in a contract: `accepted`, `refused.signature`.
    #[must_use]
    pub fn all(&self) -> Vec<(String, &AnswerForm)> {
        let rivals = [("duplicate", self.duplicate.as_ref()), ("in-flight", self.in_flight.as_ref())];
        std::iter::once(("accepted".to_owned(), &self.accepted))
            .chain(rivals.into_iter().filter_map(|(name, form)| Some((name.to_owned(), form?))))
            .chain(self.refused.iter().map(|(why, form)| (format!("refused.{}", why.name()), form)))
            .collect()
    }

    pub(super) fn templates(&self) -> Vec<(String, &Template)> {
        self.all()
            .into_iter()
            .flat_map(|(name, outcome)| {
                outcome.body.iter().enumerate().filter_map(move |(at, member)| match &member.is {
                    MemberValue::Text(template) => Some((format!("outcomes.{name}.body[{at}].is"), template)),
                    MemberValue::Constant(_) => None,
                })
            })
            .collect()
    }
}

impl AnswerForm {
    /// Whether `status` conforms.
    #[must_use]
    pub fn allows_status(&self, status: u16) -> bool {
        self.status == status || self.also.contains(&status)
    }

    /// The statuses that conform, for people: `401 or 400`.
    #[must_use]
    pub fn statuses(&self) -> String {
        std::iter::once(self.status).chain(self.also.iter().copied()).map(|s| s.to_string()).collect::<Vec<_>>().join(" or ")
    }
}
