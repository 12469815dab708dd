//! Measuring: latencies by kind and by second, and what went wrong.
//!
//! Users keep short lists of samples and hand them over now and then, so that
//! nothing is locked on the way of a delivery. In: samples. Out: quantiles,
//! a series a second, counts.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::time::Duration;

use hdrhistogram::{Counter, Histogram};

use super::gate::Measured;
use super::window::Window;
use crate::delivery::NoAnswer;
use crate::number::total;

/// The longest latency that is told apart: an hour, in microseconds.
const LONGEST_US: u64 = 3_600_000_000;
/// Three digits are kept: one part in a thousand.
const DIGITS: u8 = 3;
/// Two are enough for a second of a series.
const SERIES_DIGITS: u8 = 2;

/// What came of one delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The kind, by its place in the mix.
    pub kind: u8,
    /// Whether the answer was one that the kind allows.
    pub expected: bool,
    /// What went wrong on the wire, by its place in [`ERRORS`]; `NO_ERROR` when nothing did.
    pub error: u8,
    /// The status, 0 without an answer.
    pub status: u16,
    /// When it was answered or given up, since the load opened.
    pub ended: Duration,
    /// The latency in microseconds.
    pub latency_us: u32,
    /// How long the body of the answer was.
    pub answer_bytes: u32,
    /// Whether it went twice: the kept connection met its end under it, before a byte of an answer.
    pub went_twice: bool,
}

/// This machine had nothing to connect from.
pub const NO_PORT: &str = "no port left";
/// There was an answer.
pub const NO_ERROR: u8 = u8::MAX;
/// What may go wrong on the wire.
pub const ERRORS: [&str; 7] =
    ["time-out", "connection refused", NO_PORT, "no connection", "connection broken", "not HTTP", "still open at the end"];
/// The place in [`ERRORS`] of an answer that was not in time.
const TIMED_OUT: u8 = 0;
/// Nobody took the connection.
const REFUSED: u8 = 1;
/// [`NO_PORT`].
const PORTLESS: u8 = 2;
/// It could not be made for another reason.
const UNREACHABLE: u8 = 3;
/// It ended before the answer did.
const BROKEN: u8 = 4;
/// What came was no answer.
const GARBLED: u8 = 5;
/// The load was over before there was an answer.
pub const GIVEN_UP: u8 = 6;

/// The place in [`ERRORS`] of why there was no answer.
///
/// * `refused`: what the operating system said of a connection that could not be made.
#[must_use]
pub fn error_of(none: &NoAnswer, refused: Option<ErrorKind>) -> u8 {
    match (none, refused) {
        (NoAnswer::TimedOut { .. }, _) => TIMED_OUT,
        (NoAnswer::Unreachable { .. }, Some(ErrorKind::ConnectionRefused)) => REFUSED,
        (NoAnswer::Unreachable { .. }, Some(ErrorKind::AddrNotAvailable | ErrorKind::AddrInUse)) => PORTLESS,
        (NoAnswer::Unreachable { .. }, _) => UNREACHABLE,
        (NoAnswer::Broken { .. }, _) => BROKEN,
        (NoAnswer::Garbled { .. }, _) => GARBLED,
    }
}

/// Whether a delivery had left that was not answered: what kept the others from it was that no connection could be made.
#[must_use]
pub fn has_left(error: u8) -> bool {
    matches!(error, TIMED_OUT | BROKEN | GARBLED | GIVEN_UP)
}

/// Whether a delivery has a latency: it was answered, or waited for in vain. How fast a connection was refused says nothing of answers.
#[must_use]
pub fn was_timed(error: u8) -> bool {
    error == NO_ERROR || has_left(error)
}

/// One second of a load.
#[derive(Clone, Debug)]
pub struct Second {
    /// How many were answered or given up.
    pub count: u64,
    /// How many of them were answered, rightly or not.
    pub answered: u64,
    /// How many did not get what they should have.
    pub errors: u64,
    /// The latencies, in microseconds.
    pub latency: Histogram<u32>,
}

impl Second {
    fn new() -> Option<Self> {
        // It grows with what it holds: most seconds have short latencies only.
        Some(Self { count: 0, answered: 0, errors: 0, latency: Histogram::new(SERIES_DIGITS).ok()? })
    }

    /// A quantile of the latency, in microseconds; 0 where nothing was answered.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> u64 {
        self.latency.value_at_quantile(quantile)
    }
}

/// What one kind of delivery came to.
#[derive(Clone, Debug)]
pub struct OfKind {
    /// Its name in the mix.
    pub name: String,
    /// How many were sent.
    pub sent: u64,
    /// How many were answered, rightly or not.
    pub answered: u64,
    /// How many got what they should have.
    pub expected: u64,
    /// Statuses that were not expected, and how often each came.
    pub statuses: BTreeMap<u16, u64>,
    /// The latencies.
    pub latency: Histogram<u64>,
}

/// All that was measured.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// By kind, in the order of the mix.
    pub kinds: Vec<OfKind>,
    /// By the second, since the load was warm, in which they were answered or given up.
    pub series: Vec<Second>,
    /// Why there was no answer, and how often.
    pub errors: BTreeMap<&'static str, u64>,
    /// How many went twice, because a kept connection met its end under them.
    pub resent: u64,
    /// What was sent before is not measured.
    pub warm_up: Duration,
    /// When the last answer came, since the load opened; zero without one.
    pub last_answer: Duration,
}

impl Measurement {
    /// Nothing yet, for these kinds.
    ///
    /// * `warm_up`: seconds are counted from its end.
    ///
    /// # Errors
    /// Never: the bounds of the histograms are right.
    pub fn new(kinds: &[String], warm_up: Duration) -> Result<Self, hdrhistogram::CreationError> {
        let of_kind = |name: &String| {
            let latency = Histogram::new_with_bounds(1, LONGEST_US, DIGITS)?;
            Ok(OfKind { name: name.clone(), sent: 0, answered: 0, expected: 0, statuses: BTreeMap::new(), latency })
        };
        Ok(Self {
            kinds: kinds.iter().map(of_kind).collect::<Result<_, _>>()?,
            series: Vec::new(),
            errors: BTreeMap::new(),
            resent: 0,
            warm_up,
            last_answer: Duration::ZERO,
        })
    }

    /// Several of one time, each with kinds of its own, as one.
    ///
    /// # Errors
    /// Never: the bounds of all histograms are the same.
    pub fn beside(parts: &[&Self]) -> Result<Self, hdrhistogram::AdditionError> {
        let last_answer = parts.iter().map(|one| one.last_answer).max().unwrap_or_default();
        let warm_up = parts.first().map(|one| one.warm_up).unwrap_or_default();
        let mut all = Self { kinds: Vec::new(), series: Vec::new(), errors: BTreeMap::new(), resent: 0, warm_up, last_answer };
        for part in parts {
            all.kinds.extend(part.kinds.iter().cloned());
            all.resent += part.resent;
            part.errors.iter().for_each(|(why, count)| *all.errors.entry(why).or_default() += count);
            all.fill(part.series.len() as f64);
            for (of, second) in all.series.iter_mut().zip(&part.series) {
                of.count += second.count;
                of.answered += second.answered;
                of.errors += second.errors;
                of.latency.add(&second.latency)?;
            }
        }
        Ok(all)
    }

    /// Takes samples in.
    pub fn take(&mut self, samples: &[Sample]) {
        for sample in samples {
            let latency = u64::from(sample.latency_us.max(1));
            let is_answered = sample.error == NO_ERROR;
            if is_answered {
                self.last_answer = self.last_answer.max(sample.ended);
            }
            if let Some(kind) = self.kinds.get_mut(usize::from(sample.kind)) {
                kind.sent += 1;
                kind.answered += u64::from(is_answered);
                kind.expected += u64::from(sample.expected);
                if was_timed(sample.error) {
                    kind.latency.saturating_record(latency);
                }
                if !sample.expected && is_answered {
                    *kind.statuses.entry(sample.status).or_default() += 1;
                }
            }
            self.resent += u64::from(sample.went_twice);
            if let Some(error) = ERRORS.get(usize::from(sample.error)) {
                *self.errors.entry(error).or_default() += 1;
            }
            let second = sample.ended.saturating_sub(self.warm_up).as_secs() as usize;
            while self.series.len() <= second {
                let Some(next) = Second::new() else { return };
                self.series.push(next);
            }
            let of = &mut self.series[second];
            of.count += 1;
            of.answered += u64::from(is_answered);
            of.errors += u64::from(!sample.expected);
            if was_timed(sample.error) {
                // Nothing longer than this is recorded, so that it cannot fail.
                let _ = of.latency.record(latency.min(LONGEST_US));
            }
        }
    }

    /// How many deliveries were measured.
    #[must_use]
    pub fn sent(&self) -> u64 {
        total(self.kinds.iter().map(|kind| kind.sent))
    }

    /// How many of them were answered, rightly or not.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.sent().saturating_sub(total(self.errors.values().copied()))
    }

    /// The series has a second for each of so many, whether anything came in it or not.
    pub fn fill(&mut self, seconds: f64) {
        while (self.series.len() as f64) < seconds {
            let Some(next) = Second::new() else { return };
            self.series.push(next);
        }
    }

    /// In the form that gates read: all kinds together, and each by its name.
    #[must_use]
    pub fn in_all(&self, window: &Window) -> (Measured, BTreeMap<String, Measured>) {
        let by_kind: BTreeMap<String, Measured> = self.kinds.iter().map(|kind| (kind.name.clone(), kind.measured(window))).collect();
        let mut all = Measured { latency: self.latency().as_ref().and_then(quantiles), ..Measured::default() };
        for one in by_kind.values() {
            all.sent = all.sent.saturating_add(one.sent);
            all.errors = all.errors.saturating_add(one.errors);
        }
        all.resent = Some(self.resent);
        all.rate = window.rate(self.answered());
        (all, by_kind)
    }

    /// All kinds as one.
    #[must_use]
    pub fn latency(&self) -> Option<Histogram<u64>> {
        let mut kinds = self.kinds.iter();
        let mut all = kinds.next()?.latency.clone();
        for kind in kinds {
            all.add(&kind.latency).ok()?;
        }
        Some(all)
    }
}

/// p50, p90, p95, p99, p99.9 and the longest; nothing without samples.
#[must_use]
pub fn quantiles(latency: &Histogram<u64>) -> Option<[u64; 6]> {
    (!latency.is_empty()).then(|| {
        let at = |quantile| latency.value_at_quantile(quantile);
        [at(0.5), at(0.9), at(0.95), at(0.99), at(0.999), latency.max()]
    })
}

/// Whether a histogram has the digits and bounds of those that are measured, of a kind or of a second.
#[must_use]
pub fn is_as_measured<C: Counter>(latency: &Histogram<C>) -> bool {
    let is_of_kind = latency.sigfig() == DIGITS && latency.high() == LONGEST_US;
    // A second's grows with what it holds.
    is_of_kind || (latency.sigfig() == SERIES_DIGITS && latency.high() <= LONGEST_US.next_power_of_two())
}

impl OfKind {
    /// In the form that gates read.
    #[must_use]
    pub fn measured(&self, window: &Window) -> Measured {
        Measured {
            sent: self.sent,
            errors: self.sent.saturating_sub(self.expected),
            latency: quantiles(&self.latency),
            rate: window.rate(self.answered),
            violations: 0,
            dropped: 0,
            resent: None,
            streams: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was refused is quick, and no answer: it has no part in latencies, while what was waited for in vain has.
    #[test]
    fn only_what_was_waited_for_has_a_latency() {
        let mut measured = Measurement::new(&["fresh".to_owned()], Duration::ZERO).unwrap();
        let sample = |error: u8, latency_us: u32, second: u64| Sample {
            kind: 0,
            expected: error == NO_ERROR,
            error,
            status: 0,
            ended: Duration::from_secs(second),
            latency_us,
            answer_bytes: 0,
            went_twice: false,
        };
        measured.take(&[sample(NO_ERROR, 9_000, 0), sample(1, 100, 0), sample(1, 100, 1), sample(3, 100, 1), sample(2, 100, 1)]);
        assert_eq!((measured.sent(), measured.answered(), measured.latency().map(|all| all.len())), (5, 1, Some(1)));
        assert_eq!(measured.series.iter().map(|second| second.quantile(0.5) > 0).collect::<Vec<_>>(), [true, false]);
        measured.take(&[sample(0, 5_000_000, 6), sample(GIVEN_UP, 700, 6)]);
        assert_eq!(measured.latency().map(|all| all.len()), Some(3));
    }

    /// A receiver that is not there, and a machine that has no port left, are two things.
    #[test]
    fn errors_are_told_apart() {
        let unreachable = NoAnswer::Unreachable { cause: String::new() };
        let name = |none: &NoAnswer, refused| ERRORS[usize::from(error_of(none, refused))];
        assert_eq!(name(&unreachable, Some(ErrorKind::AddrNotAvailable)), NO_PORT);
        assert_eq!(name(&unreachable, Some(ErrorKind::ConnectionRefused)), "connection refused");
        assert_eq!(name(&unreachable, Some(ErrorKind::HostUnreachable)), "no connection");
        assert_eq!(name(&NoAnswer::TimedOut { after: Duration::from_secs(1) }, None), "time-out");
        assert_eq!(name(&NoAnswer::Broken { cause: String::new() }, None), "connection broken");
        assert_eq!(name(&NoAnswer::Garbled { cause: String::new() }, None), "not HTTP");
    }
}
