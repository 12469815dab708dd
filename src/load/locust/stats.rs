//! Stats as Locust counts them: what a worker tells its master every three seconds.
//!
//! Samples and broken promises in; a report in the form of `stats.py` out, which
//! begins from nothing again. Response times are milliseconds, rounded as Locust
//! rounds them. A broken promise is a failure without a request: it is counted under the requirement's name, and no rate changes.

use std::collections::BTreeMap;

use rmpv::Value;

use super::message::map;
use crate::clock::UnixMicros;
use crate::load::measure::{ERRORS, Sample};
use crate::sign::sha256_hex;

/// The method under which broken promises stand beside the contract's own.
const OF_HISTORY: &str = "HISTORY";
const MICROS: i64 = 1_000_000;

/// One line of Locust's table.
#[derive(Clone, Debug, Default)]
struct Entry {
    requests: u64,
    failures: u64,
    total_ms: f64,
    longest_ms: f64,
    shortest_ms: Option<f64>,
    bytes: u64,
    times: BTreeMap<i64, u64>,
    by_second: BTreeMap<i64, u64>,
    failed_by_second: BTreeMap<i64, u64>,
    last: Option<f64>,
}

/// What has happened since the last report.
#[derive(Clone, Debug)]
pub struct Stats {
    method: String,
    names: Vec<String>,
    /// When the load began.
    pub began_at: UnixMicros,
    /// When it was told last, in seconds since the epoch.
    since: f64,
    kinds: Vec<Entry>,
    promises: BTreeMap<String, Entry>,
    all: Entry,
    /// How often, by method, name and sentence.
    errors: BTreeMap<(String, String, String), u64>,
}

/// A response time as Locust's histogram has it: two digits, halves to the even side as Python rounds.
#[must_use]
pub fn bucket(ms: f64) -> i64 {
    let step = match ms {
        short if short < 100.0 => 1.0,
        short if short < 1_000.0 => 10.0,
        short if short < 10_000.0 => 100.0,
        _ => 1_000.0,
    };
    ((ms / step).round_ties_even() * step) as i64
}

impl Entry {
    fn count(&mut self, ms: f64, at: i64, bytes: u64) {
        self.requests += 1;
        self.total_ms += ms;
        self.longest_ms = self.longest_ms.max(ms);
        self.shortest_ms = Some(self.shortest_ms.map_or(ms, |shortest| shortest.min(ms)));
        self.bytes += bytes;
        *self.times.entry(bucket(ms)).or_default() += 1;
        *self.by_second.entry(at.div_euclid(MICROS)).or_default() += 1;
        self.last = Some(self.last.unwrap_or(0.0).max(at as f64 / MICROS as f64));
    }

    fn fail(&mut self, at: i64) {
        self.failures += 1;
        *self.failed_by_second.entry(at.div_euclid(MICROS)).or_default() += 1;
    }

    fn told(&self, name: &str, method: &str, since: f64) -> Value {
        let numbers = |map: &BTreeMap<i64, u64>| Value::Map(map.iter().map(|(key, count)| ((*key).into(), (*count).into())).collect());
        map([
            ("name", name.into()),
            ("method", method.into()),
            ("last_request_timestamp", self.last.map_or(Value::Nil, Value::from)),
            ("start_time", since.into()),
            ("num_requests", self.requests.into()),
            ("num_none_requests", 0.into()),
            ("num_failures", self.failures.into()),
            ("total_response_time", self.total_ms.into()),
            ("max_response_time", self.longest_ms.into()),
            ("min_response_time", self.shortest_ms.map_or(Value::Nil, Value::from)),
            ("total_content_length", self.bytes.into()),
            ("response_times", numbers(&self.times)),
            ("num_reqs_per_sec", numbers(&self.by_second)),
            ("num_fail_per_sec", numbers(&self.failed_by_second)),
        ])
    }

    fn is_empty(&self) -> bool {
        self.requests == 0 && self.failures == 0
    }
}

impl Stats {
    /// Nothing yet.
    ///
    /// * `method`: of the contract's endpoint; * `names`: the kinds of the mix, in order.
    #[must_use]
    pub fn new(method: &str, names: Vec<String>, began_at: UnixMicros) -> Self {
        let kinds = vec![Entry::default(); names.len()];
        Self {
            method: method.to_owned(),
            names,
            began_at,
            since: began_at.0 as f64 / MICROS as f64,
            kinds,
            promises: BTreeMap::new(),
            all: Entry::default(),
            errors: BTreeMap::new(),
        }
    }

    /// Whether nothing has happened since the last report.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Counts a delivery.
    pub fn count(&mut self, sample: &Sample) {
        let at = self.began_at.plus(sample.ended).0;
        let ms = f64::from(sample.latency_us) / 1_000.0;
        let Some(kind) = self.kinds.get_mut(usize::from(sample.kind)) else { return };
        kind.count(ms, at, u64::from(sample.answer_bytes));
        self.all.count(ms, at, u64::from(sample.answer_bytes));
        if sample.expected {
            return;
        }
        kind.fail(at);
        self.all.fail(at);
        let name = &self.names[usize::from(sample.kind)];
        let why = match ERRORS.get(usize::from(sample.error)) {
            Some(error) => (*error).to_owned(),
            None => format!("status {} is no answer that {name} may get", sample.status),
        };
        *self.errors.entry((self.method.clone(), name.clone(), why)).or_default() += 1;
    }

    /// Counts broken promises: `count` of a requirement, with a sentence.
    pub fn break_promise(&mut self, requirement: &str, why: String, count: u64, at: UnixMicros) {
        let entry = self.promises.entry(requirement.to_owned()).or_default();
        for _ in 0..count {
            entry.fail(at.0);
            self.all.fail(at.0);
        }
        *self.errors.entry((OF_HISTORY.to_owned(), requirement.to_owned(), why)).or_default() += count;
    }

    /// The members `stats`, `stats_total` and `errors` of a report; what is counted afterwards is the next one's.
    #[must_use]
    pub fn take(&mut self, now: UnixMicros) -> [(&'static str, Value); 3] {
        let since = self.since;
        let kinds = self.names.iter().zip(&self.kinds).filter(|(_, entry)| !entry.is_empty());
        let kinds = kinds.map(|(name, entry)| entry.told(name, &self.method, since));
        let promises = self.promises.iter().map(|(name, entry)| entry.told(name, OF_HISTORY, since));
        let stats = Value::Array(kinds.chain(promises).collect());
        let total = self.all.told("Aggregated", "", since);
        let seconds = now.0 as f64 / MICROS as f64;
        let errors = self.errors.iter().map(|((method, name, why), count)| {
            let told = map([
                ("name", name.as_str().into()),
                ("method", method.as_str().into()),
                ("error", why.as_str().into()),
                ("occurrences", (*count).into()),
                ("first_seen", since.into()),
                ("last_seen", seconds.into()),
            ]);
            (Value::from(sha256_hex(format!("{method}.{name}.{why}").as_bytes())), told)
        });
        let errors = Value::Map(errors.collect());
        let names = std::mem::take(&mut self.names);
        let fresh = Self::new(&self.method, names, self.began_at);
        *self = Self { since: seconds, ..fresh };
        [("stats", stats), ("stats_total", total), ("errors", errors)]
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::load::measure::NO_ERROR;

    /// The right column is that of `bucket_response_time` in Locust 2.47.0.
    #[test]
    fn response_times_are_rounded_as_locust_rounds_them() {
        for (ms, rounded) in [
            (0.2, 0),
            (0.5, 0),
            (1.5, 2),
            (2.5, 2),
            (99.4, 99),
            (99.6, 100),
            (104.9, 100),
            (105.0, 100),
            (115.0, 120),
            (147.0, 150),
            (995.0, 1_000),
            (1_050.0, 1_000),
            (1_150.0, 1_200),
            (3_432.0, 3_400),
            (9_951.0, 10_000),
            (10_500.0, 10_000),
            (58_760.0, 59_000),
        ] {
            assert_eq!(bucket(ms), rounded, "{ms}");
        }
    }

    /// A report tells what happened since the one before, and a broken promise is a failure without a request.
    #[test]
    fn reports_tell_what_is_new() {
        let began = UnixMicros(5_000_000);
        let mut stats = Stats::new("POST", vec!["fresh".to_owned()], began);
        let sample = |expected, status| Sample {
            kind: 0,
            expected,
            error: NO_ERROR,
            status,
            ended: Duration::from_millis(1_500),
            latency_us: 2_600,
            answer_bytes: 10,
            went_twice: false,
        };
        stats.count(&sample(true, 202));
        stats.count(&sample(false, 500));
        stats.break_promise("ONCE-3", "accepted twice".to_owned(), 2, UnixMicros(7_000_000));
        let [(_, told), (_, total), (_, errors)] = stats.take(UnixMicros(8_000_000));
        let text = |value: &Value| value.to_string();
        let fresh = r#"{"name": "fresh", "method": "POST", "last_request_timestamp": 6.5, "start_time": 5, "num_requests": 2, "num_none_requests": 0, "num_failures": 1, "total_response_time": 5.2, "max_response_time": 2.6, "min_response_time": 2.6, "total_content_length": 20, "response_times": {3: 2}, "num_reqs_per_sec": {6: 2}, "num_fail_per_sec": {6: 1}}"#;
        assert!(text(&told).contains(fresh), "{told}");
        assert!(text(&total).contains(r#""num_requests": 2, "num_none_requests": 0, "num_failures": 3"#), "{total}");
        assert!(text(&errors).contains(r#""error": "status 500 is no answer that fresh may get", "occurrences": 1"#), "{errors}");
        assert!(text(&errors).contains(r#""error": "accepted twice", "occurrences": 2"#), "{errors}");
        let [(_, told), (_, total), (_, errors)] = stats.take(UnixMicros(9_000_000));
        assert_eq!((text(&told), text(&errors)), ("[]".to_owned(), "{}".to_owned()));
        assert!(text(&total).contains(r#""start_time": 8, "num_requests": 0"#), "{total}");
    }
}
