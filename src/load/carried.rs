//! Carried measurements: what a load has measured, whole, as a file of numbers that others join to theirs.
//!
//! A [`Measurement`] in, a [`Carried`] out, and back: no count and no bucket of
//! a histogram is lost. Histograms are HdrHistogram's own compressed form (V2) in base64.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::{Deserializer as HistogramReader, Serializer as _, V2DeflateSerializer};
use hdrhistogram::{Counter, Histogram};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::measure::{ERRORS, Measurement, OfKind, Second, is_as_measured};
use super::window::Told;
use crate::number::{span, total};

/// The version of the form.
const SCHEMA: &str = "hookgate.measured/1";

/// What was measured.
///
/// **Invariant:** nothing has more answers than deliveries, nor more expected ones than answers, whoever wrote the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Carried {
    schema: String,
    /// Whether the load came to its end: otherwise it is what was measured until then.
    pub is_whole: bool,
    /// When, in seconds since the load opened.
    pub window: Told,
    #[serde(deserialize_with = "kinds")]
    kinds: Vec<CarriedKind>,
    #[serde(deserialize_with = "seconds")]
    series: Vec<CarriedSecond>,
    errors: BTreeMap<String, u64>,
    #[serde(default)]
    resent: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct CarriedKind {
    name: String,
    sent: u64,
    answered: u64,
    expected: u64,
    statuses: BTreeMap<u16, u64>,
    latency: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct CarriedSecond {
    count: u64,
    answered: u64,
    errors: u64,
    latency: String,
}

fn kinds<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<CarriedKind>, D::Error> {
    let kinds = Vec::<CarriedKind>::deserialize(from)?;
    let is_wrong = |kind: &&CarriedKind| {
        kind.answered > kind.sent || kind.expected.saturating_add(total(kind.statuses.values().copied())) != kind.answered
    };
    match kinds.iter().find(is_wrong) {
        Some(CarriedKind { name, sent, answered, expected, .. }) => Err(D::Error::custom(format!(
            "of kind `{name}` {sent} were sent, {answered} answered and {expected} as expected, which cannot be"
        ))),
        None => Ok(kinds),
    }
}

fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<CarriedSecond>, D::Error> {
    let seconds = Vec::<CarriedSecond>::deserialize(from)?;
    match seconds.iter().position(|second| second.answered.max(second.errors) > second.count) {
        Some(at) => Err(D::Error::custom(format!("its second {at} has more answers or errors than deliveries"))),
        None => Ok(seconds),
    }
}

impl Carried {
    /// What was measured until a moment.
    ///
    /// # Errors
    /// What a histogram's form refuses, in words.
    pub fn of(measurement: &Measurement, window: Told, is_whole: bool) -> Result<Self, String> {
        let kinds = measurement.kinds.iter().map(|kind| {
            let OfKind { name, sent, answered, expected, statuses, latency } = kind;
            let latency = written(latency)?;
            Ok(CarriedKind {
                name: name.clone(),
                sent: *sent,
                answered: *answered,
                expected: *expected,
                statuses: statuses.clone(),
                latency,
            })
        });
        let series = measurement.series.iter().map(|second| {
            let Second { count, answered, errors, latency } = second;
            Ok(CarriedSecond { count: *count, answered: *answered, errors: *errors, latency: written(latency)? })
        });
        let errors = measurement.errors.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        let (kinds, series) = (kinds.collect::<Result<_, String>>()?, series.collect::<Result<_, String>>()?);
        Ok(Self { schema: SCHEMA.to_owned(), is_whole, window, kinds, series, errors, resent: measurement.resent })
    }

    /// Adds it to what others have measured.
    ///
    /// * `later`: by so many seconds it lies behind them.
    ///
    /// # Errors
    /// What a histogram's form refuses, in words.
    pub fn add_to(&self, all: &mut Measurement, later: usize) -> Result<(), String> {
        if self.schema != SCHEMA {
            return Err(format!("it has another form, `{}`", self.schema));
        }
        for kind in &self.kinds {
            let latency = read::<u64>(&kind.latency)?;
            let Some(of) = all.kinds.iter_mut().find(|one| one.name == kind.name) else {
                return Err(format!("it has a kind `{}` that the others have not", kind.name));
            };
            of.sent = of.sent.saturating_add(kind.sent);
            of.answered = of.answered.saturating_add(kind.answered);
            of.expected = of.expected.saturating_add(kind.expected);
            for (status, count) in &kind.statuses {
                let known = of.statuses.entry(*status).or_default();
                *known = known.saturating_add(*count);
            }
            of.latency.add(latency).map_err(|cause| cause.to_string())?;
        }
        all.fill((later + self.series.len()) as f64);
        for (second, of) in self.series.iter().zip(all.series.iter_mut().skip(later)) {
            of.count = of.count.saturating_add(second.count);
            of.answered = of.answered.saturating_add(second.answered);
            of.errors = of.errors.saturating_add(second.errors);
            of.latency.add(read::<u32>(&second.latency)?).map_err(|cause| cause.to_string())?;
        }
        let (lost, errors) = (total(self.kinds.iter().map(|kind| kind.sent - kind.answered)), total(self.errors.values().copied()));
        if lost != errors {
            return Err(format!("it has {errors} errors, where {lost} deliveries were not answered"));
        }
        all.resent = all.resent.saturating_add(self.resent);
        for (name, count) in &self.errors {
            let known = ERRORS.iter().find(|known| *known == name).ok_or_else(|| format!("it has an error `{name}` that is not known"))?;
            let known = all.errors.entry(known).or_default();
            *known = known.saturating_add(*count);
        }
        Ok(())
    }

    /// The kinds' names, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.kinds.iter().map(|kind| kind.name.clone()).collect()
    }

    /// How many deliveries were measured.
    #[must_use]
    pub fn sent(&self) -> u64 {
        total(self.kinds.iter().map(|kind| kind.sent))
    }

    /// How many seconds it has.
    #[must_use]
    pub fn length(&self) -> usize {
        self.series.len()
    }

    /// How many of them were answered, in the last of its seconds that has an answer: its number.
    #[must_use]
    pub fn last_second(&self) -> Option<usize> {
        self.series.iter().rposition(|second| second.answered > 0)
    }

    /// How long after it was warm the last answer came.
    #[must_use]
    pub fn last_answer(&self) -> Duration {
        span(self.window.last_answer_s - self.window.warm_until_s)
    }
}

fn written<C: Counter>(latency: &Histogram<C>) -> Result<String, String> {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new().serialize(latency, &mut bytes).map_err(|cause| format!("{cause:?}"))?;
    Ok(STANDARD.encode(bytes))
}

/// A histogram as it is written into a file.
///
/// # Errors
/// When it is none, or has other digits or bounds than what is measured: it would take memory without a bound.
pub(super) fn read<C: Counter>(text: &str) -> Result<Histogram<C>, String> {
    let bytes = STANDARD.decode(text).map_err(|cause| cause.to_string())?;
    let latency = HistogramReader::new().deserialize(&mut Cursor::new(bytes)).map_err(|cause| format!("{cause:?}"))?;
    if is_as_measured(&latency) { Ok(latency) } else { Err("a histogram has other digits or bounds than any that is measured".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::measure::{NO_ERROR, Sample, quantiles};

    /// Half of the samples, carried and joined to the other half, come to what all of them come to.
    #[test]
    fn what_is_carried_is_joined_without_loss() {
        let names = ["fresh".to_owned(), "duplicate".to_owned()];
        let warm = Duration::from_secs(1);
        let sample = |at: u32| Sample {
            kind: u8::from(at.is_multiple_of(3)),
            expected: !at.is_multiple_of(10),
            error: if at.is_multiple_of(50) { 0 } else { NO_ERROR },
            status: 500,
            ended: warm + Duration::from_millis(u64::from(at) * 7),
            latency_us: at * at + 1,
            answer_bytes: 0,
            went_twice: false,
        };
        let samples: Vec<Sample> = (0..600).map(sample).collect();
        let measured = |samples: &[Sample]| {
            let mut measured = Measurement::new(&names, warm).expect("histograms");
            measured.take(samples);
            measured
        };
        let whole = measured(&samples);
        let (mut joined, other) = (measured(&samples[..300]), measured(&samples[300..]));
        let carried = Carried::of(&other, Told::default(), true).expect("it can be written");
        let text = serde_json::to_string(&carried).expect("JSON");
        let carried: Carried = serde_json::from_str(&text).expect("itself");
        carried.add_to(&mut joined, 0).expect("they belong together");
        let told = |one: &Measurement| {
            let series: Vec<_> =
                one.series.iter().map(|second| (second.count, second.answered, second.errors, second.quantile(0.9))).collect();
            let kinds: Vec<_> = one
                .kinds
                .iter()
                .map(|kind| (kind.sent, kind.answered, kind.expected, kind.statuses.clone(), quantiles(&kind.latency)))
                .collect();
            (series, kinds, one.errors.clone())
        };
        assert_eq!(told(&joined), told(&whole));
        assert_eq!((carried.sent(), carried.last_second()), (300, Some(4)));
    }
}
