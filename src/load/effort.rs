//! Effort: the processor and memory that the generator, and the receiver beside it, took while a load ran.
//!
//! In: looks at what the system tells, now and then. Out: an [`Effort`], as it
//! stands in a report. A generator that has no processor left measures itself.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::number;
use crate::target::usage::{Of, Usage};

/// So many looks are kept; of a longer load, every second one is left out.
const MOST_LOOKS: usize = 7_200;
/// Between two looks that are told lies so much at the least.
const SHORTEST: Duration = Duration::from_millis(250);

/// What a load took beside its answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Effort {
    /// The generator, with the built-in reference in it where that was loaded: percent of one core, on average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_cpu_percent: Option<f64>,
    /// The most memory that it had, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_peak_bytes: Option<u64>,
    /// The longest that a delivery was sent late for the generator's own sake, in microseconds.
    #[serde(default)]
    pub latest_us: u64,
    /// The receiver with all its processes (`--exec`, `--target-pid`): percent of one core, on average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver_cpu_percent: Option<f64>,
    /// The most memory that it had, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver_peak_bytes: Option<u64>,
    /// Look by look, about one a second.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looks: Vec<Reading>,
}

/// One look.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reading {
    /// Seconds since the load opened.
    #[serde(deserialize_with = "number::seconds")]
    pub at_s: f64,
    /// The generator's, percent of one core since the look before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_cpu_percent: Option<f64>,
    /// The receiver's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver_cpu_percent: Option<f64>,
    /// The receiver's memory, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver_bytes: Option<u64>,
}

/// Looks on.
#[derive(Debug)]
pub struct Meter {
    receiver: Option<Of>,
    first: Option<Seen>,
    last: Option<Seen>,
    peaks: (u64, u64),
    looks: Vec<Reading>,
}

/// What was seen at a moment.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    at: Duration,
    own: Option<Usage>,
    receiver: Option<Usage>,
}

impl Seen {
    fn percent_since(&self, before: &Self, of: fn(&Self) -> Option<Usage>) -> Option<f64> {
        let (now, then) = (of(self)?, of(before)?);
        let span = self.at.saturating_sub(before.at).as_secs_f64();
        // Of a child that has ended, its time is not counted any more.
        (span > 0.0).then(|| now.processor.saturating_sub(then.processor).as_secs_f64() * 100.0 / span)
    }
}

impl Meter {
    /// A meter that has not looked yet.
    #[must_use]
    pub fn new(receiver: Option<Of>) -> Self {
        Self { receiver, first: None, last: None, peaks: (0, 0), looks: Vec::new() }
    }

    /// Looks, at a time of the load.
    pub fn look(&mut self, at: Duration) {
        self.seen(Seen { at, own: Of::Ourselves.now(), receiver: self.receiver.and_then(Of::now) });
    }

    fn seen(&mut self, now: Seen) {
        let resident = |usage: Option<Usage>| usage.map_or(0, |usage| usage.resident);
        self.peaks = (self.peaks.0.max(resident(now.own)), self.peaks.1.max(resident(now.receiver)));
        // Processor time is counted in ticks: of a shorter while its share would be made up.
        if let Some(last) = self.last.as_ref().filter(|last| now.at.saturating_sub(last.at) >= SHORTEST) {
            if self.looks.len() >= MOST_LOOKS {
                let mut place = 0;
                self.looks.retain(|_| {
                    place += 1;
                    place % 2 == 0
                });
            }
            self.looks.push(Reading {
                at_s: now.at.as_secs_f64(),
                own_cpu_percent: now.percent_since(last, |seen| seen.own),
                receiver_cpu_percent: now.percent_since(last, |seen| seen.receiver),
                receiver_bytes: now.receiver.map(|usage| usage.resident),
            });
        }
        self.first.get_or_insert(now);
        self.last = Some(now);
    }

    /// The last look.
    #[must_use]
    pub fn latest(&self) -> Option<Reading> {
        self.looks.last().copied()
    }

    /// All of it.
    ///
    /// * `latest`: the longest that a delivery was sent late.
    #[must_use]
    pub fn told(self, latest: Duration) -> Effort {
        let (Some(first), Some(last)) = (self.first, self.last) else { return Effort::default() };
        let peak = |bytes: u64| (bytes > 0).then_some(bytes);
        Effort {
            own_cpu_percent: last.percent_since(&first, |seen| seen.own),
            own_peak_bytes: peak(self.peaks.0),
            latest_us: u64::try_from(latest.as_micros()).unwrap_or(u64::MAX),
            receiver_cpu_percent: last.percent_since(&first, |seen| seen.receiver),
            receiver_peak_bytes: peak(self.peaks.1),
            looks: self.looks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(at: u64, own: u64, receiver: Option<u64>) -> Seen {
        let usage = |ms: u64| Usage { processor: Duration::from_millis(ms), resident: ms + 1 };
        Seen { at: Duration::from_secs(at), own: Some(usage(own)), receiver: receiver.map(usage) }
    }

    /// A second of processor time in two seconds is half a core.
    #[test]
    fn processor_time_is_told_as_a_share_of_a_core() {
        let mut meter = Meter::new(None);
        for look in [seen(0, 100, None), seen(2, 1_100, Some(500)), seen(3, 1_100, Some(2_500))] {
            meter.seen(look);
        }
        // The end of a load comes a moment after its last second: ten milliseconds of work in one are no whole core.
        meter.seen(Seen { at: Duration::from_millis(3_006), ..seen(3, 1_100, Some(2_500)) });
        let told = meter.told(Duration::from_millis(3));
        let each: Vec<_> = told.looks.iter().map(|look| (look.own_cpu_percent, look.receiver_cpu_percent)).collect();
        assert_eq!(each, [(Some(50.0), None), (Some(0.0), Some(200.0))]);
        assert_eq!((told.own_peak_bytes, told.receiver_peak_bytes, told.latest_us), (Some(1_101), Some(2_501), 3_000));
        assert!(told.own_cpu_percent.is_some_and(|percent| (percent - 100_000.0 / 3_006.0).abs() < 1e-9), "{told:?}");
    }
}
