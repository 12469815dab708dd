//! Exposition: a load that runs, in the text that Prometheus reads.
//!
//! A [`Progress`] in, text out. Counters only grow, and begin with the load;
//! latencies are a histogram a kind, in seconds, over bounds that never change.
//!
//! Source: the text-based format, version 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::fmt::Write as _;

use super::measure::OfKind;
use super::progress::Progress;

/// The type of the text, for whoever serves it.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Upper bounds of latencies, in microseconds: 1, 2.5 and 5 of each power of ten, from a tenth of a millisecond to ten seconds.
const BOUNDS_US: [u64; 16] =
    [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000];
const US_A_SECOND: f64 = 1e6;

/// The text.
#[must_use]
pub fn text(progress: &Progress<'_>) -> String {
    let head = |name: &str, kind: &str, help: &str| format!("# HELP hookgate_load_{name} {help}\n# TYPE hookgate_load_{name} {kind}\n");
    let mut whole = head("deliveries_total", "counter", "Deliveries by kind, and by what came of them.");
    for kind in &progress.measured.kinds {
        let unexpected = kind.answered.saturating_sub(kind.expected);
        for (outcome, count) in
            [("expected", kind.expected), ("unexpected", unexpected), ("unanswered", kind.sent.saturating_sub(kind.answered))]
        {
            let _ = writeln!(whole, "hookgate_load_deliveries_total{{kind=\"{}\",outcome=\"{outcome}\"}} {count}", escaped(&kind.name));
        }
    }
    whole += &head("latency_seconds", "histogram", "How long deliveries took, from when they were due.");
    for kind in &progress.measured.kinds {
        put_histogram(&mut whole, kind);
    }
    whole += &head("errors_total", "counter", "Deliveries without an answer, by reason.");
    for (error, count) in &progress.measured.errors {
        let _ = writeln!(whole, "hookgate_load_errors_total{{reason=\"{}\"}} {count}", escaped(error));
    }
    let all = progress.all();
    let mut gauge = |name: &str, help: &str, value: f64| {
        whole += &head(name, "gauge", help);
        let _ = writeln!(whole, "hookgate_load_{name} {value}");
    };
    gauge(
        "wanted_per_second",
        "What the open model is asked for at this moment; 0 in the closed model.",
        progress.wanted_per_s.unwrap_or(0.0),
    );
    gauge("achieved_per_second", "Answers a second since the load was warm.", all.rate);
    gauge("dropped", "Deliveries that were due by now and are not sent; at the end, those that never were.", progress.behind as f64);
    gauge("users", "Users that deliver.", progress.users as f64);
    whole += &head("late_total", "counter", "Deliveries that were sent more than 2 ms late for the generator's own sake.");
    let _ = writeln!(whole, "hookgate_load_late_total {}", progress.late);
    whole
}

fn put_histogram(text: &mut String, kind: &OfKind) {
    let name = escaped(&kind.name);
    for bound in BOUNDS_US {
        let (below, bound) = (kind.latency.count_between(0, bound), bound as f64 / US_A_SECOND);
        let _ = writeln!(text, "hookgate_load_latency_seconds_bucket{{kind=\"{name}\",le=\"{bound}\"}} {below}");
    }
    let (count, sum) = (kind.latency.len(), kind.latency.mean() * kind.latency.len() as f64 / US_A_SECOND);
    let _ = writeln!(text, "hookgate_load_latency_seconds_bucket{{kind=\"{name}\",le=\"+Inf\"}} {count}");
    let _ = writeln!(text, "hookgate_load_latency_seconds_sum{{kind=\"{name}\"}} {sum}");
    let _ = writeln!(text, "hookgate_load_latency_seconds_count{{kind=\"{name}\"}} {count}");
}

/// The value of a label, as it stands between quotes.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
