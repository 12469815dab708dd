//! Evidence in a load's histogram log: does the report tell the latencies that lie in `latency.hlog`?
//!
//! In: a report and the text of the log beside it. Out: what does not follow from it, a sentence each. The log is read back into a
//! [`Measurement`], and from that everything is told once more that a report tells of latencies.

use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

use super::ROUNDED;
use crate::load::carried::read as histogram;
use crate::load::heat::HeatMap;
use crate::load::hlog;
use crate::load::measure::{Measurement, OfKind, Second, quantiles};
use crate::load::report::{Latency, LoadReport, Second as Told};
use crate::load::summing::curve;
use crate::number::total;

/// What does not follow from the log.
pub(super) fn wrong(report: &LoadReport, log: &str) -> Vec<String> {
    let measured = match read(report, log) {
        Ok(measured) => measured,
        Err(cause) => return vec![format!("latency.hlog cannot be read: {cause}")],
    };
    let mut wrong = Vec::new();
    for kind in &measured.kinds {
        let told = report.kinds.get(&kind.name).and_then(|one| one.latency_us);
        same_latency(&mut wrong, &format!("kind {}", kind.name), told, quantiles(&kind.latency));
    }
    let all = measured.latency();
    same_latency(&mut wrong, "the load", report.latency_us, all.as_ref().and_then(quantiles));
    if measured.series.len() == report.series.len() {
        for (at, (told, second)) in report.series.iter().zip(&measured.series).enumerate() {
            let again = Told::of(second, None);
            let of = |one: &Told| [one.p50_us, one.p90_us, one.p99_us, one.p999_us];
            if of(told) != of(&again) {
                wrong.push(format!(
                    "second {at} is said to have latencies that latency.hlog has not: {:?}, where it has {:?}",
                    of(told),
                    of(&again)
                ));
            }
        }
    } else {
        wrong.push(format!("its series has {} seconds, and latency.hlog {}", report.series.len(), measured.series.len()));
    }
    let again = curve(&measured);
    let is_same = again.len() == report.curve.len()
        && again.iter().zip(&report.curve).all(|(one, told)| one.us == told.us && (one.quantile - told.quantile).abs() <= ROUNDED);
    if !is_same {
        wrong.push("its curve is not that of latency.hlog".to_owned());
    }
    if HeatMap::of(&measured) != report.heat {
        wrong.push("its heat map is not that of latency.hlog".to_owned());
    }
    let timed: u64 = all.map_or(0, |all| all.len());
    let of_seconds = total(measured.series.iter().map(|second| second.latency.len()));
    let answered = total(report.kinds.values().map(|kind| kind.answered));
    if timed != of_seconds || timed < answered || timed > report.deliveries {
        wrong.push(format!(
            "latency.hlog has {timed} latencies by kind and {of_seconds} by second, where {} deliveries and {answered} answers are told",
            report.deliveries
        ));
    }
    // What was read is written again: a line that is no histogram is seen by that.
    if wrong.is_empty() && hlog::write(report, &measured).is_ok_and(|again| again != log) {
        wrong.push("latency.hlog has other lines than the report's seconds and kinds".to_owned());
    }
    wrong
}

fn same_latency(wrong: &mut Vec<String>, of: &str, told: Option<Latency>, again: Option<[u64; 6]>) {
    let told = told.map(|one| [one.p50, one.p90, one.p95, one.p99, one.p999, one.max]);
    if told != again {
        wrong.push(format!("{of} is said to have the latencies {}, and latency.hlog has {}", shown(told), shown(again)));
    }
}

fn shown(latencies: Option<[u64; 6]>) -> String {
    latencies.map_or_else(|| "of nothing".to_owned(), |all| format!("{all:?}"))
}

/// The histograms of a log, as they were measured.
fn read(report: &LoadReport, log: &str) -> Result<Measurement, String> {
    let names: Vec<String> = report.kinds.keys().cloned().collect();
    let mut measured = Measurement::new(&names, std::time::Duration::ZERO).map_err(|cause| cause.to_string())?;
    let mut kinds: Vec<OfKind> = Vec::new();
    for entry in IntervalLogIterator::new(log.as_bytes()) {
        let LogEntry::Interval(interval) = entry.map_err(|cause| format!("{cause:?}"))? else { continue };
        let encoded = interval.encoded_histogram();
        match interval.tag() {
            None => {
                let latency = histogram::<u32>(encoded)?;
                measured.series.push(Second { count: latency.len(), answered: latency.len(), errors: 0, latency });
            }
            Some(tag) => {
                let at = measured.kinds.iter().position(|kind| kind.name == tag.as_str());
                let at = at.ok_or_else(|| format!("it has a kind `{}` that the report has not", tag.as_str()))?;
                // In the order of the log, which is that of the mix.
                let kind = measured.kinds.swap_remove(at);
                kinds.push(OfKind { latency: histogram::<u64>(encoded)?, ..kind });
            }
        }
    }
    if let Some(lacks) = measured.kinds.first() {
        return Err(format!("it has no line for the kind `{}`", lacks.name));
    }
    measured.kinds = kinds;
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::load::measure::{NO_ERROR, Sample};
    use crate::load::summing::kinds;
    use crate::load::window::Window;

    /// Every latency that a report tells follows from its log, and no other does.
    #[test]
    fn latencies_follow_from_the_log() {
        let names = ["fresh".to_owned(), "duplicate".to_owned(), "burst".to_owned()];
        let mut measured = Measurement::new(&names, Duration::ZERO).unwrap();
        let sample = |at: u32| Sample {
            kind: u8::from(at.is_multiple_of(3)),
            expected: true,
            error: NO_ERROR,
            status: 202,
            ended: Duration::from_millis(u64::from(at) * 7),
            latency_us: at * at + 1,
            answer_bytes: 0,
            went_twice: false,
        };
        measured.take(&(0..600).map(sample).collect::<Vec<_>>());
        let (all, by_kind) = measured.in_all(&Window::default());
        let report = LoadReport {
            deliveries: 600,
            kinds: kinds(&measured, &by_kind),
            latency_us: all.latency.map(Latency::of),
            curve: curve(&measured),
            series: measured.series.iter().map(|second| Told::of(second, None)).collect(),
            heat: HeatMap::of(&measured),
            ..crate::load::verify::tests::report()
        };
        let log = hlog::write(&report, &measured).unwrap();
        assert_eq!(wrong(&report, &log), Vec::<String>::new());
        let looks = |change: fn(&mut LoadReport), wanted: &str| {
            let mut other = report.clone();
            change(&mut other);
            assert!(wrong(&other, &log).iter().any(|one| one.contains(wanted)), "{wanted}: {:?}", wrong(&other, &log));
        };
        looks(|report| report.latency_us.as_mut().unwrap().p99 = 7, "the load is said");
        looks(|report| report.kinds.get_mut("fresh").unwrap().latency_us.as_mut().unwrap().p50 += 1, "kind fresh is said");
        looks(|report| report.series[1].p99_us = 0, "second 1 is said");
        looks(|report| report.curve[3].us += 1, "its curve");
        looks(|report| report.heat.columns[0][0] += 1, "its heat map");
        looks(|report| report.series.truncate(1), "its series has");
        let last = log.trim_end().rfind('\n').unwrap();
        assert!(wrong(&report, &log[..=last])[0].contains("no line for the kind `burst`"), "{:?}", wrong(&report, &log[..=last]));
        assert!(!wrong(&report, &log.replacen(",0.", ",1.", 1)).is_empty());
    }
}
