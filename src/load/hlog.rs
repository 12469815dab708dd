//! `latency.hlog`: the latencies as an HdrHistogram log, to be merged with others and drawn by other tools.
//!
//! A line a second without a tag (the load as a whole, two digits), then a line
//! a kind under its tag (the whole time, three digits). Microseconds.

use std::time::{Duration, SystemTime};

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use super::measure::Measurement;
use super::report::LoadReport;
use crate::clock::iso;
use crate::number::span;

/// The largest value of a line is written in milliseconds beside it, as the format's readers expect.
const US_PER_MS: f64 = 1_000.0;
const SECOND: Duration = Duration::from_secs(1);

/// The log, as text.
///
/// # Errors
/// What the format refuses, in words.
pub fn write(report: &LoadReport, measured: &Measurement) -> Result<String, String> {
    let began = iso::read(&report.started_at).map_or(0, |(at, _)| at.0.unsigned_abs());
    let (mut bytes, mut serializer) = (Vec::new(), V2DeflateSerializer::new());
    let mut log = IntervalLogWriterBuilder::new()
        .add_comment("latencies in microseconds: a line a second for the whole load, then one a kind under its tag")
        .with_start_time(SystemTime::UNIX_EPOCH + Duration::from_micros(began))
        .with_base_time(SystemTime::UNIX_EPOCH + Duration::from_micros(began))
        .with_max_value_divisor(US_PER_MS)
        .begin_log_with(&mut bytes, &mut serializer)
        .map_err(|cause| cause.to_string())?;
    for (at, second) in measured.series.iter().enumerate() {
        let start = SECOND * u32::try_from(at).unwrap_or(u32::MAX);
        log.write_histogram(&second.latency, start, SECOND, None).map_err(|cause| format!("{cause:?}"))?;
    }
    for kind in &measured.kinds {
        let length = span(report.seconds);
        log.write_histogram(&kind.latency, Duration::ZERO, length, Tag::new(&kind.name)).map_err(|cause| format!("{cause:?}"))?;
    }
    String::from_utf8(bytes).map_err(|cause| cause.to_string())
}
