//! Progress: what can be said of a load while it runs.
//!
//! Made every second by [`ending`](super::ending), for whoever looks on: the
//! live view, the line a second, the metrics. Values only; text is made there.

use std::collections::BTreeMap;
use std::time::Duration;

use super::effort::Reading;
use super::gate::{Gate, GateResult, Measured, MeasuredStreams};
use super::measure::Measurement;
use super::streams::SoFar;
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
    /// Nothing more comes: what was measured is all that there is. Told once, at the end of a load that has begun.
    Over,
}

/// A load, a moment after one of its seconds.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// What was measured so far and handed over: what came in the last moments lacks.
    pub measured: &'a Measurement,
    /// How many measured answers came by now.
    pub answered: u64,
    /// How many answers a second came since it was looked at last, measured or not; none where nobody has looked.
    pub lately_per_s: Option<f64>,
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
    pub effort: Option<Reading>,
    /// What subscribers of event streams have come to.
    pub streams: Option<SoFar>,
}

/// What was seen at the last look: time and count.
#[derive(Debug, Default)]
pub struct Lately(Duration, u64);

impl Lately {
    /// How many a second have come since the last look; the first is since the beginning.
    pub fn since(&mut self, elapsed: Duration, count: u64) -> Option<f64> {
        let Self(before, known) = std::mem::replace(self, Self(elapsed, count));
        let seconds = elapsed.saturating_sub(before).as_secs_f64();
        (seconds > 0.0).then(|| count.saturating_sub(known) as f64 / seconds)
    }
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
        self.measured().0
    }

    /// Everything so far, and each kind: rates are of the answers that came by now, of which kinds have their shares.
    #[must_use]
    pub fn measured(&self) -> (Measured, BTreeMap<String, Measured>) {
        let window = self.window();
        let (mut all, mut kinds) = self.measured.in_all(&window);
        let handed_over = self.measured.answered();
        let lacking = if handed_over == 0 { 1.0 } else { self.answered as f64 / handed_over as f64 };
        all.rate = window.rate(self.answered);
        all.dropped = self.behind;
        all.streams = self.streams.map(|streams| MeasuredStreams { latency: streams.latency, wrong: None });
        for kind in kinds.values_mut() {
            kind.rate *= lacking;
        }
        (all, kinds)
    }

    /// The gates so far.
    #[must_use]
    pub fn gates(&self) -> Vec<GateResult> {
        let (all, kinds) = self.measured();
        self.gates.iter().map(|gate| gate.judge(&all, &kinds)).collect()
    }

    /// p50 and p99 in microseconds of the second that has ended, as far as they were handed over.
    #[must_use]
    pub fn last_second(&self) -> Option<[u64; 2]> {
        let at = self.elapsed.saturating_sub(self.measured.warm_up).as_secs().checked_sub(1);
        let second = at.and_then(|at| self.measured.series.get(usize::try_from(at).ok()?));
        second.filter(|second| !second.latency.is_empty()).map(|second| [second.quantile(0.5), second.quantile(0.99)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::measure::{NO_ERROR, Sample};

    /// Each look tells what came since the one before, the first what came at all.
    #[test]
    fn each_look_tells_what_came_since_the_last() {
        let mut lately = Lately::default();
        let looks = [(1_000, 4_805), (2_000, 9_805), (2_000, 9_900), (3_500, 9_900), (4_000, 10_150)];
        let told = looks.map(|(ms, count)| lately.since(Duration::from_millis(ms), count));
        assert_eq!(told, [Some(4_805.0), Some(5_000.0), None, Some(0.0), Some(500.0)]);
    }

    /// Users hand over in lots what they have measured: the rate counts what came by now, and kinds have their shares of it.
    #[test]
    fn rates_are_of_what_came_by_now() {
        let mut measured = Measurement::new(&["fresh".to_owned(), "duplicate".to_owned()], Duration::from_secs(1)).expect("histograms");
        let sample = |kind| Sample {
            kind,
            expected: true,
            error: NO_ERROR,
            status: 202,
            ended: Duration::from_millis(1_500),
            latency_us: 300,
            answer_bytes: 0,
            went_twice: false,
        };
        let samples: Vec<Sample> = (0..60).map(|at| sample(u8::from(at % 3 == 0))).collect();
        measured.take(&samples);
        let progress = Progress {
            measured: &measured,
            answered: 90,
            lately_per_s: None,
            elapsed: Duration::from_secs(4),
            length: Duration::from_secs(10),
            drain: Duration::from_secs(10),
            phase: Phase::Measuring,
            wanted_per_s: Some(30.0),
            users: 4,
            behind: 2,
            late: 0,
            gates: &[],
            effort: None,
            streams: None,
        };
        let (all, kinds) = progress.measured();
        assert_eq!((all.rate, all.sent, all.dropped), (30.0, 60, 2));
        assert_eq!((kinds["fresh"].rate, kinds["duplicate"].rate), (20.0, 10.0));
    }
}
