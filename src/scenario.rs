//! Scenarios: one behaviour of a receiver a file, as data.
//!
//! A scenario says what is delivered and which *outcome* is promised; how an
//! outcome looks on the wire is the contract's business. Comes from YAML
//! through `yaml`; this room holds the language's types, checks what the
//! schema cannot ([`lint`]), and expands variants ([`expand`]). Nothing is
//! sent or judged here.
//!
//! Start at [`Scenario`]. Deliveries are in [`deliver`], expectations in
//! [`expect`], the catalogue of requirements in [`requirement`], one suite on
//! top of another in [`inclusion`], what a sentence leaves to the contract in
//! [`places`], what must be remembered over a restart in [`durability`].

pub mod deliver;
pub mod door;
pub mod durability;
pub mod expand;
pub mod expect;
pub mod fault;
pub mod inclusion;
pub mod lint;
pub mod pattern;
pub mod places;
pub mod requirement;
pub mod stream;

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::span::Span;
use crate::contract::Contract;
use crate::scenario::deliver::{Burst, Deliver, Get};
use crate::scenario::expect::{AnswerCheck, EffectsCheck, Expect, StateCheck};
use crate::scenario::stream::StreamStep;

/// One behaviour: what is done, and what must come of it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The behaviour as a sentence.
    pub title: String,
    /// The same sentence in other languages, by the two letters of each: `{ja: …}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub titles: BTreeMap<String, String>,
    /// Why it matters, or what a reader must know; free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The requirements that it shows, the main one first.
    pub shows: Vec<String>,
    /// What a receiver and its surroundings must offer: `state`, `time`, or a capability of the contract.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Run while no other scenario runs. Implied by `advance` and by counting whole tables.
    #[serde(default)]
    pub alone: bool,
    /// Why the scenario stands although others catch what it catches; read by `hookgate selftest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stands: Option<String>,
    /// What is done, in order.
    pub steps: Vec<Step>,
}

impl Scenario {
    /// Whether any of its steps reads an event stream.
    #[must_use]
    pub fn reads_streams(&self) -> bool {
        fn reads(steps: &[Step]) -> bool {
            steps.iter().any(|step| step.stream.is_some() || step.repeat.as_ref().is_some_and(|block| reads(&block.steps)))
        }
        reads(&self.steps)
    }
}

/// One step: exactly one of its kinds, and what is expected of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    /// What the step is for, in reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The requirements that this step speaks of, when they are not the scenario's first.
    pub shows: Vec<String>,
    /// Kind: send one delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deliver: Option<Deliver>,
    /// Kind: send many deliveries at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<Burst>,
    /// Kind: let time pass: a span (`86402 s`), or a point relative to the TTL (`ttl + 2 s`, `ttl / 2`, `ttl - 2 s`),
    /// or to the lease of a key in flight (`lease + 1 s`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advance: Option<String>,
    /// Kind: end the receiver and start it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart: Option<Restart>,
    /// Kind: compare the last answer, or this scenario's rows, with a reviewed snapshot (`run --snapshots`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<Snap>,
    /// Kind: look at the receiver's database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<StateCheck>,
    /// Kind: count how often the work of named deliveries was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effects: Option<EffectsCheck>,
    /// Kind: ask the receiver something with GET (or another method without a body).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub get: Option<Get>,
    /// Kind: open an event stream, read on in one, or leave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamStep>,
    /// Kind: a block of steps, several times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Repeat>,
    /// Kind: the same steps for every row of a table; each row is reported by its own name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub for_each: Option<ForEach>,
    /// With `deliver`: the outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
    /// With `deliver` and `get`: what the answer must literally be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<AnswerCheck>,
    /// With `burst`: how many of each outcome there must be, for every key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// The line of the file that the step begins at; filled in by the reader.
    #[serde(rename = "@line", skip_serializing)]
    #[schemars(skip)]
    pub line: u32,
}

/// End the receiver and start it again; `{}` is gently, with its stop signal.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Restart {
    /// Kill it instead.
    pub kill: bool,
    /// Deliver meanwhile, and judge afterwards what became of every delivery: what was answered is remembered, what was not may be either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub under_way: Option<UnderWay>,
}

/// What a snapshot shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Snap {
    /// The last answer: status, content type, body.
    pub answer: bool,
    /// The rows of this scenario's deliveries.
    pub state: bool,
    /// An event stream that was opened before: what it has told so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
}

/// Deliveries that a restart breaks in on.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnderWay {
    /// A name by which later steps refer to those of them that were taken.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many senders deliver one fresh key after the other.
    pub senders: usize,
    /// After how many answers the receiver is ended.
    pub answers: usize,
}

/// A block of steps, several times.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// How often.
    pub times: Times,
    /// What. A name given inside (`as`) holds the last round's delivery.
    pub steps: Vec<Step>,
}

/// How often a block is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Times {
    /// As many deliveries as can follow an event of a stream that must still be kept then: `stream.keeps` less that one.
    Kept,
    /// So often.
    #[serde(untagged)]
    Rounds(u32),
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept => f.write_str("kept"),
            Self::Rounds(rounds) => write!(f, "{rounds}"),
        }
    }
}

impl Times {
    /// How often that is under a contract.
    #[must_use]
    pub fn under(self, contract: &Contract) -> usize {
        match self {
            Self::Kept => contract.stream.as_ref().map_or(0, |form| form.keeps.saturating_sub(1)),
            Self::Rounds(rounds) => rounds as usize,
        }
    }
}

/// The same steps for every row of a table.
///
/// In the steps, `$name` stands for the row's member `name`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForEach {
    /// Rows by name: what `$name` stands for in each.
    pub variants: BTreeMap<String, BTreeMap<String, serde_json::Value>>,
    /// What is done for each row.
    pub steps: Vec<Step>,
}

/// How many answers of each outcome a burst must have, for every key of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Counts {
    /// Accepted as new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<usize>,
    /// Answered as duplicates; all refer to the one that was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<usize>,
    /// Repeated: duplicates, or told that the key is in flight, where the contract says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeated: Option<usize>,
    /// With bodies of their own: repeated, or what the contract says of another body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rivals: Option<usize>,
    /// Anything else: refusals, errors, no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<usize>,
}

/// A bound on how long something may take, kept as written.
pub type Within = Span;
