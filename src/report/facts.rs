//! Facts of a run: how it was made, and what histories, baselines, snapshots and
//! repetition came to.
//!
//! Members of [`Report`](crate::report::Report) that are no scenario and no
//! requirement. Values only.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::number;
use crate::report::timeline::TimelineSpan;

/// What a baseline made of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BaselineFacts {
    /// The file.
    pub file: String,
    /// How many entries it has.
    pub entries: usize,
    /// Entries that no longer hold, a sentence each with its place and the way out.
    #[serde(default)]
    pub stale: Vec<String>,
    /// Entries that still hold, by their places: what one part of a suite needs is not stale for another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holding: Vec<String>,
}

/// How answers and rows compare with reviewed snapshots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SnapshotFacts {
    /// The folder.
    pub folder: String,
    /// How many are as they were.
    pub matched: usize,
    /// Those that nobody has reviewed yet.
    #[serde(default)]
    pub new: Vec<String>,
    /// Those that differ: the name, and below it the lines that changed.
    #[serde(default)]
    pub changed: Vec<String>,
    /// Files that no scenario takes any more.
    #[serde(default)]
    pub unreferenced: Vec<String>,
    /// How many wait for review.
    #[serde(default)]
    pub pending: usize,
    /// Whether the run fails for it.
    #[serde(default)]
    pub fails: bool,
}

/// Everything was run several times.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RepeatFacts {
    /// How often.
    pub runs: usize,
    /// Scenarios that did not get the same verdict every time.
    #[serde(default)]
    pub differing: Vec<Differing>,
}

/// A scenario whose verdict differed from run to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Differing {
    /// The scenario.
    pub scenario: String,
    /// How often each verdict was given.
    pub verdicts: BTreeMap<String, usize>,
}

/// Whether some order of events explains every answer, key by key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryFacts {
    /// How many keys were judged.
    pub keys: usize,
    /// How many histories some order explains.
    pub consistent: usize,
    /// How many no order explains.
    pub broken: usize,
    /// How many nothing was answered of.
    pub undecided: usize,
    /// The first broken ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<HistoryWitness>,
}

/// A key whose history no order of events explains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryWitness {
    /// The key.
    pub key: String,
    /// The scenario that used it.
    pub scenario: String,
    /// Why no order explains it, as a code.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Why no order explains it.
    pub why: String,
    /// The fewest operations that show it, a line each.
    pub operations: Vec<String>,
    /// The same, to be drawn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lanes: Vec<TimelineSpan>,
}

/// The project file that was in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectFacts {
    /// The file, as it was found from the working folder.
    pub file: String,
    /// The profile that was chosen in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The SHA-256 of the file, lower-case hex.
    pub sha256: String,
}

impl ProjectFacts {
    /// File and profile in one line: `hookgate.toml (profile ci)`.
    #[must_use]
    pub fn told(&self) -> String {
        self.profile.as_ref().map_or_else(|| self.file.clone(), |name| format!("{} (profile {name})", self.file))
    }

    /// The one of several reports that are joined, where all had the same: its path may differ from machine to machine.
    #[must_use]
    pub fn in_common(all: &[Option<&Self>]) -> Option<Self> {
        let first = (*all.first()?)?;
        let is_same = |other: &Self| other.sha256 == first.sha256 && other.profile == first.profile;
        all.iter().all(|other| other.is_some_and(is_same)).then(|| first.clone())
    }
}

/// How a run was made.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct RunFacts {
    /// The seed of everything random; `--seed` makes the same run again.
    pub seed: u64,
    /// When it began, UTC, ISO 8601.
    pub started_at: String,
    /// How long it took.
    #[serde(deserialize_with = "number::milliseconds")]
    pub duration_ms: f64,
    /// The kind of clock: `virtual`, `rewind`, `wait`, `none`.
    pub clock: String,
    /// How many scenarios ran side by side.
    pub jobs: usize,
    /// How many deliveries were sent.
    pub deliveries: u64,
    /// How many answers held something that was hidden: these cannot be judged again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub hidden_answers: u64,
    /// The arguments that make the same target be judged the same way again.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub arguments: String,
    /// Those of them that `hookgate doctor` takes, which only visits the target.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub visiting: String,
    /// The contract's file, where it was one of the user's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract_file: Option<String>,
    /// The receiver's TTL in seconds, when it was not the contract's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_secs: Option<u64>,
    /// Which part of the suite was played, as `2/3`; absent when it was all that was selected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// Why the run did not come to its end, when it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_early: Option<String>,
    /// What a reader should know: what went unjudged, and why.
    #[serde(default)]
    pub notes: Vec<String>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What made the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `hookgate`.
    pub name: String,
    /// Its version.
    pub version: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What all were made with is told of what was joined of them; what some were made with is not.
    #[test]
    fn project_file_in_common_is_that_of_all() {
        let one = |file: &str, profile: Option<&str>, sha256: &str| ProjectFacts {
            file: file.to_owned(),
            profile: profile.map(str::to_owned),
            sha256: sha256.to_owned(),
        };
        let (here, there) = (one("a/hookgate.toml", Some("ci"), "00"), one("b/hookgate.toml", Some("ci"), "00"));
        let in_common = |all: &[Option<&ProjectFacts>]| ProjectFacts::in_common(all);
        assert_eq!(in_common(&[Some(&here), Some(&there)]), Some(here.clone()));
        let (other, changed) = (one("a/hookgate.toml", None, "00"), one("a/hookgate.toml", Some("ci"), "01"));
        for apart in
            [&[Some(&here), Some(&other)][..], &[Some(&here), Some(&changed)], &[Some(&here), None], &[None, Some(&here)], &[None], &[]]
        {
            assert_eq!(in_common(apart), None);
        }
    }
}
