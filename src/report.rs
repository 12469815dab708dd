//! Reports: what a run has learned, for people and for machines.
//!
//! [`Report`] is the one value that every form is made from: `report.json` is
//! this type written out, the others are texts made of it ([`human`],
//! [`markdown`], [`junit`]). Takes values, gives text; writing files and
//! terminals is done elsewhere.
//!
//! **Invariant:** the members of [`Report`] are read by other tools. Adding one
//! is allowed; renaming or removing one is a new schema version.
//! **Invariant:** what was learned from outside is hidden before any form is
//! made of it: files and terminals take a [`Redacted`](crate::secret::Redacted) report.

pub mod again;
pub mod asked;
pub mod baseline;
pub mod causes;
pub mod compare;
pub mod curl;
pub mod facts;
mod foreign;
pub mod github;
pub mod html;
pub mod human;
pub mod junit;
pub mod streams;
pub mod timeline;
pub mod lack;
pub mod language;
pub mod manifest;
pub mod markdown;
pub mod merge;
pub mod page;
pub mod replay;
pub mod required;
pub mod sarif;
pub mod tally;
pub mod tap;
pub mod traceback;
pub mod trend;
pub mod visited;
pub mod words;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::Level;
use crate::outcome::mismatch::MismatchCode;
pub use crate::report::causes::Cause;
pub use crate::report::facts::{
    BaselineFacts, Differing, HistoryFacts, HistoryWitness, ProjectFacts, RepeatFacts, RunFacts, SnapshotFacts, Tool,
};
use crate::report::lack::{Lack, NoForce, Reason};
use crate::report::manifest::MadeFrom;
use crate::report::required::RequiredFacts;
use crate::report::streams::StreamsFacts;
use crate::report::timeline::TimelineSpan;
use crate::scenario::requirement::InLanguage;
use crate::state::TableShape;
use crate::visit::Visit;

/// The version of the report's form.
pub const SCHEMA: &str = "hookgate.report/1";

/// What was learned about a scenario or a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything was as promised.
    Pass,
    /// Only a *should* is broken.
    Warn,
    /// A *must* is broken.
    Fail,
    /// What was seen allows no judgement.
    Undecided,
    /// Could not be judged here, with the reason; never counted as passed.
    NotApplicable,
    /// Broken, but listed in the baseline with a reason.
    Known,
}

impl Verdict {
    /// Its name, as in `report.json`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Undecided => "undecided",
            Self::NotApplicable => "not-applicable",
            Self::Known => "known",
        }
    }
}

/// The verdict of a whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Overall {
    /// Nothing failed and nothing is undecided.
    #[default]
    Conforms,
    /// Something failed.
    DoesNotConform,
    /// Nothing failed, but something is undecided.
    Undecided,
    /// The run was cut short; what was judged is in the report.
    Interrupted,
    /// The harness could not work to the end; what was judged is in the report.
    Incomplete,
}

impl Overall {
    /// The verdict in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Conforms => "conforms",
            Self::DoesNotConform => "does not conform",
            Self::Undecided => "undecided",
            Self::Interrupted => "interrupted",
            Self::Incomplete => "incomplete",
        }
    }
}

/// Everything that a run has learned.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// What made the report.
    pub tool: Tool,
    /// How it was run.
    pub run: RunFacts,
    /// What was judged.
    pub target: Target,
    /// The name of the contract.
    pub contract: String,
    /// The digests of contract and scenarios.
    #[serde(default)]
    pub made_from: MadeFrom,
    /// The project file that was in force, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectFacts>,
    /// Counts of scenarios by verdict.
    pub summary: Summary,
    /// What explains the findings, the cause that explains most first.
    #[serde(default)]
    pub causes: Vec<Cause>,
    /// What a few deliveries showed before anything was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visit: Option<Visit>,
    /// What the history of all deliveries came to, key by key; absent where answers alone cannot say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<HistoryFacts>,
    /// What a baseline made of it, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselineFacts>,
    /// How answers and rows compare with reviewed snapshots, when they were compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshots: Option<SnapshotFacts>,
    /// What had to be judged, and what of it was not (`--require`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<RequiredFacts>,
    /// What differed, when everything was run several times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<RepeatFacts>,
    /// Every scenario variant, in the order of its id.
    pub scenarios: Vec<ScenarioReport>,
    /// Every requirement of the catalogue, in its order.
    pub requirements: Vec<RequirementReport>,
}

/// What was judged.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// Its address; of the built-in reference, the one it got.
    pub url: String,
    /// Whether it is the reference that hookgate serves itself.
    pub built_in: bool,
    /// The database that was read, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// Where effects were counted, when they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effects: Option<String>,
    /// The contract's tables as the database declares them.
    #[serde(default)]
    pub tables: Vec<TableShape>,
    /// The command, when hookgate has started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The last lines that it wrote.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
}

/// Counts of scenarios by verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Passed.
    pub pass: usize,
    /// Only a *should* is broken.
    pub warn: usize,
    /// A *must* is broken.
    pub fail: usize,
    /// Not decided.
    pub undecided: usize,
    /// Not applicable.
    pub not_applicable: usize,
    /// Known failures.
    pub known: usize,
    /// The verdict of the run.
    pub verdict: Overall,
}

/// One scenario variant.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioReport {
    /// `duplicate/refers-to-the-first`, a variant with its name in brackets.
    pub id: String,
    /// The behaviour as a sentence.
    pub title: String,
    /// The same sentence in other languages, by the two letters of each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub titles: BTreeMap<String, String>,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, for `not-applicable` and `undecided`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What lacks by that reason, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lack: Option<Lack>,
    /// The requirements that it shows.
    pub shows: Vec<String>,
    /// How long it took.
    #[serde(deserialize_with = "crate::number::milliseconds")]
    pub duration_ms: f64,
    /// The file it comes from.
    pub file: String,
    /// Whether that is a file of the user's own, which is there to be looked at, and none that hookgate brings along.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own: bool,
    /// Whether a receiver without memory would have passed it, too: then it shows nothing of what must be remembered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_force: bool,
    /// Why it would have passed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_force: Option<NoForce>,
    /// Steps that were repeated fewer times than the scenario has, because the receiver is slow: judged by what was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shortened: Option<Vec<String>>,
    /// What it rests on: `answers`, `rows`, `effects`, `pages`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub rests_on: BTreeSet<String>,
    /// How many deliveries got each status; those without an answer under `none`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub statuses: BTreeMap<String, u64>,
    /// What was not as promised.
    pub findings: Vec<Finding>,
    /// Bursts: how close together the deliveries were released.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bursts: Vec<BurstFacts>,
    /// Event streams: what came on them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams: Option<StreamsFacts>,
}

/// How close together the deliveries of a burst were released.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BurstFacts {
    /// The step, from 1.
    pub step: usize,
    /// How many deliveries.
    pub deliveries: usize,
    /// Time from the first release to the last.
    pub release_spread_us: u64,
    /// How many were under way at the same time, at the most.
    pub most_at_once: usize,
    /// The deliveries one by one, where the scenario did not pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lanes: Vec<TimelineSpan>,
}

/// Something that is not as promised.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The requirement.
    pub requirement: String,
    /// How much it weighs.
    pub level: Level,
    /// The step, from 1, counted as in the file.
    pub step: usize,
    /// What the step is for, or what it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_name: Option<String>,
    /// The line of the scenario file.
    pub line: u32,
    /// What the requirement wants.
    pub expected: String,
    /// What the reference answered to the same.
    pub reference: String,
    /// What the target answered.
    pub observed: String,
    /// The command that sends the same delivery again; empty when no delivery is at fault.
    pub curl: String,
    /// What the target wrote while the delivery was under way, stacks of frames folded (`--exec`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
    /// Whether other deliveries were under way meanwhile, so that some of these lines may be about them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub output_shared: bool,
    /// The exception that it wrote then, by its type and its place, where the delivery failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
    /// What is not as promised, in codes.
    #[serde(default)]
    pub mismatch: MismatchCode,
    /// The requirement that the step is about, where another one speaks of what is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filed: Option<String>,
}

/// One requirement.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RequirementReport {
    /// Its name.
    pub id: String,
    /// How much it weighs.
    pub level: Level,
    /// The sentence.
    pub sentence: String,
    /// The topic, in words.
    pub topic: String,
    /// The verdict over all scenarios that show it.
    pub verdict: Verdict,
    /// Why it was not judged, when it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What lacks by that reason, where that is known; of several the first that can be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lack: Option<Lack>,
    /// Why no scenario shows it, when none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excluded: Option<String>,
    /// Why the contract does not promise it, when it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_promised: Option<String>,
    /// Whether it speaks of what is remembered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub memory: bool,
    /// The scenarios that showed it, or tried to.
    pub scenarios: Vec<String>,
    /// What the verdict rests on: `answers`, `rows`, `effects`, `pages`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub rests_on: BTreeSet<String>,
    /// Topic and sentence in other languages, by the two letters of each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub translations: BTreeMap<String, InLanguage>,
}

impl ScenarioReport {
    /// Sets why it was not judged, and what lacks.
    pub fn give_reason(&mut self, reason: Option<Reason>) {
        (self.reason, self.lack) = reason.map_or((None, None), |reason| (Some(reason.text), reason.lack));
    }
}
