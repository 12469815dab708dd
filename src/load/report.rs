//! The report of a load: `load.json`, and what other tools read of it. For people it is told by [`render`](super::render).
//!
//! **Invariant:** members are read by other tools; one is added, never renamed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::contracts::ContractReport;
use super::effort::Effort;
use super::feed::FeedReport;
use super::gate::GateResult;
use super::heat::HeatMap;
use super::judging::{Judged, Violation};
use super::knee::Knee;
use super::measure;
use super::streams::report::StreamsReport;
use super::unexpected::Unexpected;
use super::window::Told;
use super::worker::WorkerReport;
use crate::number;
use crate::report::manifest::MadeFrom;
use crate::report::{Overall, ProjectFacts, Tool};

/// The version of the report's form.
pub const SCHEMA: &str = "hookgate.load/1";

/// Everything that a load has learned.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LoadReport {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// What made the report.
    pub tool: Tool,
    /// The receiver.
    pub target: String,
    /// The contract.
    pub contract: String,
    /// The digests of contract and mix.
    #[serde(default)]
    pub made_from: MadeFrom,
    /// The project file that was in force, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectFacts>,
    /// `closed`: the next delivery follows the last answer; `open`: it follows the clock.
    pub model: String,
    /// How deliveries of the open model are spread: `constant` or `poisson`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrivals: Option<String>,
    /// When it began, UTC, ISO 8601.
    pub started_at: String,
    /// How many users there were, each with a connection.
    pub users: usize,
    /// The seed of what is random.
    pub seed: u64,
    /// The weights of the kinds.
    #[serde(default)]
    pub mix: BTreeMap<String, u32>,
    /// The feed that it was made from; absent where the mix says what is delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed: Option<FeedReport>,
    /// How many deliveries were measured, warm-up left out.
    pub deliveries: u64,
    /// How many were sent in all.
    pub operations: u64,
    /// How long was measured: until the last answer, and until the end of sending at least.
    #[serde(deserialize_with = "number::seconds")]
    pub seconds: f64,
    /// The times that `seconds` was made of.
    #[serde(default)]
    pub window: Told,
    /// Achieved: answers a second, over the time in which they came.
    #[serde(deserialize_with = "number::rate")]
    pub rate_per_s: f64,
    /// What the open model was asked for, deliveries a second; null in the closed model.
    #[serde(default, deserialize_with = "number::rate_or_none")]
    pub wanted_per_s: Option<f64>,
    /// How many deliveries were due and never sent.
    #[serde(default)]
    pub dropped: u64,
    /// How many went twice: a kept connection was closed under them before a byte of an answer, and they were sent again over a new one.
    #[serde(default)]
    pub resent: u64,
    /// How many were sent more than 2 ms late for the generator's own sake.
    #[serde(default)]
    pub late: u64,
    /// The processor and memory that the generator and the receiver took.
    #[serde(default)]
    pub effort: Effort,
    /// By kind.
    pub kinds: BTreeMap<String, KindReport>,
    /// Over all kinds; absent without samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_us: Option<Latency>,
    /// Why there was no answer, and how often.
    pub errors: BTreeMap<String, u64>,
    /// Latency by share of deliveries, from the fastest to the slowest.
    #[serde(default)]
    pub curve: Vec<CurvePoint>,
    /// Second by second.
    pub series: Vec<Second>,
    /// How latencies lay over time.
    #[serde(default)]
    pub heat: HeatMap,
    /// Where a search for the highest rate has led; the rest of the report is of the last rate that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub knee: Option<Knee>,
    /// Whether the history was judged.
    #[serde(default)]
    pub judged: bool,
    /// Of how many keys nothing can be said: no answer came, and no row is to be seen.
    #[serde(default)]
    pub undecided: u64,
    /// How many keys there were; 0 where keys make nothing idempotent, or nothing was judged.
    #[serde(default)]
    pub keys: u64,
    /// The first answers of each kind that it does not allow: what was due, and what came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unexpected: Vec<Unexpected>,
    /// What was judged.
    pub requirements: Vec<Judged>,
    /// The first broken promises in full.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<Violation>,
    /// The gates.
    pub gates: Vec<GateResult>,
    /// Whether the wanted rate was kept, and the generator itself was in time.
    pub kept_up: bool,
    /// What a reader should know.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The workers that it was joined from; or the one that it is, of several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workers: Vec<WorkerReport>,
    /// The contracts that it was under, where they were several: each has its report in a folder of its own name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contracts: Vec<ContractReport>,
    /// What subscribers of event streams have read; absent without --streams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams: Option<StreamsReport>,
    /// The verdict.
    pub verdict: Overall,
}

/// One kind of delivery.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct KindReport {
    /// How many were sent.
    pub sent: u64,
    /// How many were answered, rightly or not.
    #[serde(default)]
    pub answered: u64,
    /// How many got an answer that the kind allows.
    pub expected: u64,
    /// How many did not.
    pub unexpected: u64,
    /// Statuses that the kind does not allow, and how often each came.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub statuses: BTreeMap<String, u64>,
    /// The latency; absent without samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_us: Option<Latency>,
}

/// Quantiles in microseconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// Half are as fast.
    pub p50: u64,
    /// Nine in ten.
    pub p90: u64,
    /// 95 in a hundred.
    pub p95: u64,
    /// 99 in a hundred.
    pub p99: u64,
    /// 999 in a thousand.
    pub p999: u64,
    /// The longest.
    pub max: u64,
}

impl LoadReport {
    /// The condition of `--abort-on` that has ended it, as its note tells it.
    #[must_use]
    pub fn aborted(&self) -> Option<&str> {
        self.notes.iter().find(|note| note.starts_with("Ended early: ")).map(String::as_str)
    }

    /// Whether somebody has interrupted it, whatever it had found by then.
    #[must_use]
    pub fn was_interrupted(&self) -> bool {
        self.verdict == Overall::Interrupted || self.notes.iter().any(|note| note.starts_with("Interrupted after"))
    }
}

impl Latency {
    pub(super) fn of([p50, p90, p95, p99, p999, max]: [u64; 6]) -> Self {
        Self { p50, p90, p95, p99, p999, max }
    }
}

/// So many deliveries, as a share of all, took no longer.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CurvePoint {
    /// The share, from 0 to 1.
    pub quantile: f64,
    /// Microseconds.
    pub us: u64,
}

/// One second.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Second {
    /// How many were answered or given up.
    pub deliveries: u64,
    /// How many of them were answered, rightly or not.
    #[serde(default)]
    pub answers: u64,
    /// How many the open model was asked for; absent in the closed model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<u64>,
    /// How many did not get what they should have.
    pub errors: u64,
    /// Microseconds; null where nothing was answered.
    #[serde(with = "or_null")]
    #[schemars(with = "Option<u64>")]
    pub p50_us: u64,
    /// Microseconds; null where nothing was answered.
    #[serde(default, with = "or_null")]
    #[schemars(with = "Option<u64>")]
    pub p90_us: u64,
    /// Microseconds; null where nothing was answered.
    #[serde(with = "or_null")]
    #[schemars(with = "Option<u64>")]
    pub p99_us: u64,
    /// Microseconds; null where nothing was answered.
    #[serde(default, with = "or_null")]
    #[schemars(with = "Option<u64>")]
    pub p999_us: u64,
}

impl Second {
    pub(super) fn of(second: &measure::Second, wanted: Option<u64>) -> Self {
        Self {
            deliveries: second.count,
            answers: second.answered,
            wanted,
            errors: second.errors,
            p50_us: second.quantile(0.5),
            p90_us: second.quantile(0.9),
            p99_us: second.quantile(0.99),
            p999_us: second.quantile(0.999),
        }
    }
}

/// A latency where there is one: none is shorter than a microsecond.
mod or_null {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(us: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        Some(*us).filter(|us| *us > 0).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        Ok(Option::deserialize(deserializer)?.unwrap_or(0))
    }
}

/// `series.csv`; where nothing was answered, its latencies are empty.
#[must_use]
pub fn series(report: &LoadReport) -> String {
    let lines = report.series.iter().enumerate();
    lines.fold("second,deliveries,errors,p50_us,p99_us,answers,wanted,p90_us,p999_us\n".to_owned(), |mut text, (at, one)| {
        let wanted = one.wanted.map(|wanted| wanted.to_string()).unwrap_or_default();
        let Second { deliveries, errors, answers, .. } = one;
        let [p50_us, p99_us, p90_us, p999_us] = [one.p50_us, one.p99_us, one.p90_us, one.p999_us]
            .map(|us| Some(us).filter(|us| *us > 0).map(|us| us.to_string()).unwrap_or_default());
        let _ = writeln!(text, "{at},{deliveries},{errors},{p50_us},{p99_us},{answers},{wanted},{p90_us},{p999_us}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second without answers has no latency, in JSON as in the table; what is read back is the same, of old reports too.
    #[test]
    fn seconds_without_answers_have_no_latency() -> Result<(), serde_json::Error> {
        let told = serde_json::to_value(Second { deliveries: 1, errors: 1, p99_us: 7, ..Second::default() })?;
        assert!(told["p50_us"].is_null() && told["p999_us"].is_null() && told["p99_us"] == 7, "{told}");
        let again: Second = serde_json::from_value(told)?;
        assert_eq!((again.p50_us, again.p99_us), (0, 7));
        let old: Second = serde_json::from_str(r#"{"deliveries": 0, "errors": 0, "p50_us": 0, "p99_us": 0}"#)?;
        assert_eq!(old.p99_us, 0);
        Ok(())
    }
}
