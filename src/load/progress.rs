//! Progress: what can be said of a load while it runs.
//!
//! Made every second by [`ending`](super::ending), for whoever looks on: the
//! live view, the line a second, the metrics. Values only; text is made there.

use std::time::Duration;

use super::effort::Look;
use super::gate::{Gate, GateResult, Measured};
use super::measure::Measurement;
use super::window::Window;

/// Where a load is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// What is sent is not measured yet.
    WarmingUp,
    /// It is measured.
    Measuring,
    /// Nothing more is due; the answers that are still out are waited for.
    Draining,
}

/// A load, a moment after one of its seconds.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// What was measured so far.
    pub measured: &'a Measurement,
    /// The time since it opened.
    pub elapsed: Duration,
    /// How long sending takes by plan.
    pub length: Duration,
    /// How long answers are waited for afterwards.
    pub drain: Duration,
    /// Where it is.
    pub phase: Phase,
    /// What the open model is asked for at this moment, a second.
    pub wanted_per_s: Option<f64>,
    /// How many users deliver.
    pub users: usize,
    /// How many were due by now and are not sent.
    pub behind: u64,
    /// How many were sent late for the generator's own sake.
    pub late: u64,
    /// What has to be kept to.
    pub gates: &'a [Gate],
    /// The processor and memory of the last second.
    pub effort: Option<Look>,
}

impl Progress<'_> {
    /// The time that was measured so far.
    #[must_use]
    pub fn window(&self) -> Window {
        let Measurement { warm_up, last_answer, .. } = self.measured;
        Window { warm_until: *warm_up, planned_end: self.elapsed, last_answer: *last_answer, last_sent: self.elapsed }
    }

    /// Everything so far, as gates read it.
    #[must_use]
    pub fn all(&self) -> Measured {
        let (mut all, _) = self.measured.in_all(&self.window());
        all.dropped = self.behind;
        all
    }

    /// The gates so far.
    #[must_use]
    pub fn gates(&self) -> Vec<GateResult> {
        let (mut all, kinds) = self.measured.in_all(&self.window());
        all.dropped = self.behind;
        self.gates.iter().map(|gate| gate.judge(&all, &kinds)).collect()
    }

    /// The last whole second: how many answers came in it, and their p50 and p99 in microseconds.
    #[must_use]
    pub fn last_second(&self) -> (u64, Option<[u64; 2]>) {
        // Users hand over what they have measured twice a second: the last but one is whole.
        let at = self.elapsed.saturating_sub(self.measured.warm_up).as_secs().checked_sub(2);
        let second = at.and_then(|at| self.measured.series.get(usize::try_from(at).ok()?));
        second.map_or((0, None), |second| {
            (second.answered, (!second.latency.is_empty()).then(|| [second.quantile(0.5), second.quantile(0.99)]))
        })
    }
}
