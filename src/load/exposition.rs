//! Exposition: a load that runs, in the text that Prometheus reads.
//!
//! A [`Progress`] in, [`Family`]s out, and their text; [`otlp`](super::otlp)
//! tells the same families to a collector. Counters only grow, and begin with
//! the load; latencies are a histogram a kind, in seconds, over bounds that
//! never change.
//!
//! Source: the text-based format, version 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::fmt::Write as _;

use super::measure::{ERRORS, OfKind};
use super::progress::Progress;
use super::streams::SoFar;

/// The type of the text, for whoever serves it.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Upper bounds of latencies, in microseconds: 1, 2.5 and 5 of each power of ten, from a tenth of a millisecond to ten seconds.
const BOUNDS_US: [u64; 16] =
    [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000];
const US_A_SECOND: f64 = 1e6;

/// Values under one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The name, as Prometheus has it.
    pub name: &'static str,
    /// What it says, in a sentence.
    pub help: &'static str,
    /// The values.
    pub values: Values,
}

/// The values of a family, by its kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// What only grows.
    Counter(Vec<(Labels, u64)>),
    /// What goes up and down.
    Gauge(f64),
    /// How long things took, in seconds.
    Histogram(Vec<(Labels, Buckets)>),
}

/// Names and values that tell values of one family apart.
pub type Labels = Vec<(&'static str, String)>;

/// A histogram.
#[derive(Clone, Debug, PartialEq)]
pub struct Buckets {
    /// Upper bounds in seconds, and how many were not longer.
    pub up_to: Vec<(f64, u64)>,
    /// How many there are.
    pub count: u64,
    /// Their sum in seconds.
    pub sum: f64,
}

/// What can be said of a load at this moment.
#[must_use]
pub fn families(progress: &Progress<'_>) -> Vec<Family> {
    let family = |name, help, values| Family { name, help, values };
    let gauge = |name, help, value| Family { name, help, values: Values::Gauge(value) };
    let all = progress.all();
    let kinds = &progress.measured.kinds;
    // A reason that has not come up yet is told, too: who looks for what grows does not miss the first.
    let errors = ERRORS.map(|reason| (vec![("reason", reason.to_owned())], progress.measured.errors.get(reason).copied().unwrap_or(0)));
    let mut all_families = vec![
        family(
            "hookgate_load_deliveries_total",
            "Deliveries by kind, and by what came of them.",
            Values::Counter(kinds.iter().flat_map(outcomes).collect()),
        ),
        family(
            "hookgate_load_latency_seconds",
            "How long deliveries took, from when they were due.",
            Values::Histogram(kinds.iter().map(|kind| (vec![("kind", kind.name.clone())], buckets(kind))).collect()),
        ),
        family("hookgate_load_errors_total", "Deliveries without an answer, by reason.", Values::Counter(errors.to_vec())),
        gauge(
            "hookgate_load_wanted_per_second",
            "What the open model is asked for at this moment; 0 in the closed model.",
            progress.wanted_per_s.unwrap_or(0.0),
        ),
        gauge("hookgate_load_achieved_per_second", "Answers a second since the load was warm.", all.rate),
        gauge(
            "hookgate_load_dropped",
            "Deliveries that were due by now and are not sent; at the end, those that never were.",
            progress.behind as f64,
        ),
        gauge("hookgate_load_users", "Users that deliver.", progress.users as f64),
        family(
            "hookgate_load_late_total",
            "Deliveries that were sent more than 2 ms late for the generator's own sake.",
            Values::Counter(vec![(Labels::new(), progress.late)]),
        ),
    ];
    all_families.extend(progress.streams.iter().flat_map(of_streams));
    all_families
}

/// What subscribers of event streams have come to.
fn of_streams(streams: &SoFar) -> Vec<Family> {
    let SoFar { open, events, resumed, doubled, out_of_order, latency } = *streams;
    let counter = |name, help, count| Family { name, help, values: Values::Counter(vec![(Labels::new(), count)]) };
    let gauge = |name, help, value| Family { name, help, values: Values::Gauge(value) };
    let p99 = latency.map(|latency| latency[3] as f64 / US_A_SECOND);
    let mut all = vec![
        gauge("hookgate_load_streams_open", "Event streams that are open.", open as f64),
        counter("hookgate_load_stream_events_total", "Events that came, over all subscribers.", events),
        counter("hookgate_load_stream_resumed_total", "How often an event stream was opened again.", resumed),
        counter("hookgate_load_stream_doubled_total", "Events that came once more with their id.", doubled),
        counter("hookgate_load_stream_out_of_order_total", "Events that came behind later ones.", out_of_order),
    ];
    all.extend(p99.map(|p99| gauge("hookgate_load_stream_latency_p99_seconds", "From acceptance to event, 99 in a hundred.", p99)));
    all
}

fn outcomes(kind: &OfKind) -> [(Labels, u64); 3] {
    let unexpected = kind.answered.saturating_sub(kind.expected);
    let unanswered = kind.sent.saturating_sub(kind.answered);
    [("expected", kind.expected), ("unexpected", unexpected), ("unanswered", unanswered)]
        .map(|(outcome, count)| (vec![("kind", kind.name.clone()), ("outcome", outcome.to_owned())], count))
}

fn buckets(kind: &OfKind) -> Buckets {
    let latency = &kind.latency;
    let up_to = BOUNDS_US.map(|bound| (bound as f64 / US_A_SECOND, latency.count_between(0, bound)));
    Buckets { up_to: up_to.to_vec(), count: latency.len(), sum: latency.mean() * latency.len() as f64 / US_A_SECOND }
}

/// The text of all families.
#[must_use]
pub fn text(progress: &Progress<'_>) -> String {
    let mut whole = String::new();
    for Family { name, help, values } in families(progress) {
        let kind = match &values {
            Values::Counter(_) => "counter",
            Values::Gauge(_) => "gauge",
            Values::Histogram(_) => "histogram",
        };
        let _ = writeln!(whole, "# HELP {name} {help}\n# TYPE {name} {kind}");
        match values {
            Values::Counter(values) => {
                for (labels, count) in values {
                    let _ = writeln!(whole, "{name}{} {count}", written(&labels, None));
                }
            }
            Values::Gauge(value) => {
                let _ = writeln!(whole, "{name} {value}");
            }
            Values::Histogram(values) => {
                for (labels, Buckets { up_to, count, sum }) in values {
                    for (bound, below) in up_to {
                        let _ = writeln!(whole, "{name}_bucket{} {below}", written(&labels, Some(&bound.to_string())));
                    }
                    let _ = writeln!(whole, "{name}_bucket{} {count}", written(&labels, Some("+Inf")));
                    let labels = written(&labels, None);
                    let _ = writeln!(whole, "{name}_sum{labels} {sum}\n{name}_count{labels} {count}");
                }
            }
        }
    }
    whole
}

/// Labels as they stand behind a name.
fn written(labels: &Labels, bound: Option<&str>) -> String {
    let bound = bound.map(|bound| ("le", bound));
    let all = labels.iter().map(|(name, value)| (*name, value.as_str())).chain(bound);
    let all: Vec<String> = all.map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(",")) }
}

/// The value of a label, as it stands between quotes.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
