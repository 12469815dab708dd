//! What a report says of the streams of a load.
//!
//! **Invariant:** members are read by other tools; one is added, never renamed.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::load::Plan;
use crate::load::gate::MeasuredStreams;
use crate::load::report::Latency;
use crate::number::total;

/// What subscribers have read beside the deliveries.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct StreamsReport {
    /// How many subscribers there were.
    pub subscribers: u64,
    /// How many streams they read.
    pub streams: u64,
    /// How many events came, over all subscribers.
    pub events: u64,
    /// How many were due: every acceptance once for each subscriber of its stream.
    pub due: u64,
    /// Whether that was judged.
    #[serde(default)]
    pub judged: bool,
    /// How many never came.
    pub lost: u64,
    /// How many came more often than their delivery was accepted.
    pub doubled: u64,
    /// How many came behind one that should have come later.
    pub out_of_order: u64,
    /// How many told of no accepted delivery of their stream.
    pub strange: u64,
    /// How often an id was not known any more that should have been.
    pub forgotten: u64,
    /// How many were evicted while their subscriber was away, which was told so.
    pub evicted: u64,
    /// How many had not come when the load was over, while others still came: nothing is said of them.
    pub open: u64,
    /// How many streams were opened, the first time and again.
    pub opened: u64,
    /// How many of them were opened again.
    pub resumed: u64,
    /// How many we have cut.
    pub cut: u64,
    /// How many the receiver has ended, or broken off.
    pub ended: u64,
    /// How often a stream was not opened, by the status or the error.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, u64>,
    /// From acceptance to event, or from when the subscriber came back; absent without samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_us: Option<Latency>,
    /// Second by second.
    #[serde(default)]
    pub series: Vec<StreamSecond>,
    /// The first of each kind of what is wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wrong: Vec<WrongEvent>,
}

/// One second.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct StreamSecond {
    /// How many events came that were measured.
    pub events: u64,
    /// Microseconds.
    pub p50_us: u64,
    /// Microseconds.
    pub p99_us: u64,
}

/// What is wrong with an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WrongEvent {
    /// `lost`, `doubled`, `out of order`, `strange`, `forgotten` or `refused`.
    pub kind: String,
    /// The stream's path.
    pub stream: String,
    /// Which of the subscribers, from 1.
    pub subscriber: u64,
    /// The key of its delivery, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What is wrong.
    pub why: String,
}

impl StreamsReport {
    /// How many events are wrong.
    #[must_use]
    pub fn broken(&self) -> u64 {
        total([self.not_once(), self.strange, self.out_of_order])
    }

    /// How many were not told once.
    #[must_use]
    pub fn not_once(&self) -> u64 {
        total([self.lost, self.doubled, self.forgotten])
    }

    /// In the form that gates read.
    #[must_use]
    pub fn measured(&self) -> MeasuredStreams {
        let latency = self.latency_us.map(|latency| [latency.p50, latency.p90, latency.p95, latency.p99, latency.p999, latency.max]);
        MeasuredStreams { latency, wrong: self.judged.then_some([self.lost, self.doubled, self.out_of_order]) }
    }

    /// Whether something is wrong that the catalogue has no requirement for.
    #[must_use]
    pub fn is_broken_beside_requirements(&self, plan: &Plan) -> bool {
        let always = &plan.catalogue.always;
        (always.acceptances_are_streamed_once.is_none() && self.not_once() > 0)
            || (always.streams_tell_their_own.is_none() && self.strange > 0)
            || (always.streams_keep_their_order.is_none() && self.out_of_order > 0)
    }
}
