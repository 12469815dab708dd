//! Knee: the highest rate that a receiver kept, the first that it did not, and every step on the way.
//!
//! Values, as they stand in a report. How they come about is in [`climb`](super::climb).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::number;

/// The highest rate that was kept, and the way to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Knee {
    /// What had to hold.
    pub conditions: Vec<String>,
    /// The highest rate that was kept, deliveries a second; null when none was.
    #[serde(default, deserialize_with = "number::rate_or_none")]
    pub last_good_per_s: Option<f64>,
    /// How often it was tried, and kept.
    pub last_good_votes: [u32; 2],
    /// The lowest rate that was not kept; null when every one was.
    #[serde(default, deserialize_with = "number::rate_or_none")]
    pub first_bad_per_s: Option<f64>,
    /// How often it was tried, and not kept.
    pub first_bad_votes: [u32; 2],
    /// The rate that had to be kept at the least.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "number::rate_or_none")]
    pub at_least_per_s: Option<f64>,
    /// Whether it was; true where none was asked for and some rate was kept.
    pub ok: bool,
    /// Whether the generator itself was late in the lowest rate that was not kept, so that the receiver may take more.
    pub generator_was_late: bool,
    /// Every step, in the order in which it was tried.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// What was asked for, deliveries a second.
    #[serde(deserialize_with = "number::rate")]
    pub wanted_per_s: f64,
    /// Answers a second.
    #[serde(deserialize_with = "number::rate")]
    pub rate_per_s: f64,
    /// Whether it was kept.
    pub kept: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<String>,
    /// How long it was measured.
    #[serde(deserialize_with = "number::seconds")]
    pub seconds: f64,
    /// How many deliveries were measured.
    pub deliveries: u64,
    /// How many did not get what they should have.
    pub errors: u64,
    /// How many were due and never sent.
    pub dropped: u64,
    /// How many were sent late for the generator's own sake.
    pub late: u64,
    /// How many users there were.
    pub users: usize,
    /// Microseconds; 0 without answers.
    pub p50_us: u64,
    /// Microseconds.
    pub p99_us: u64,
    /// Between what the p99 lies, 99 times in a hundred, by how many deliveries there were.
    pub p99_between_us: [u64; 2],
}
