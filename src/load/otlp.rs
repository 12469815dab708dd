//! OTLP: a load that runs, told to a collector of OpenTelemetry.
//!
//! The families of [`exposition`](super::exposition) under the same names, as
//! the JSON encoding of OTLP/HTTP; counts are cumulative, and begin with each
//! load. [`Exporter`] posts them every five seconds and at the end of every
//! load, in a task of its own: whoever does not take them costs a load nothing,
//! and is told once.
//!
//! Written here and not by `opentelemetry-otlp`, which takes no histogram that
//! is there already: its SDK would be handed every delivery on its way.
//!
//! Source: <https://opentelemetry.io/docs/specs/otlp/> (1.x: `OTLP/HTTP`, "JSON Protobuf Encoding").

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use super::exposition::{Family, Labels, Values, families};
use super::progress::{Phase, Progress};
use crate::clock::{Clock as _, SystemClock, UnixMicros};
use crate::transport::collector::{Collector, Refused};

/// So far apart are the exports of a load that runs.
const EVERY: Duration = Duration::from_secs(5);
/// The last of a load is tried so often, with pauses that double.
const TRIES: u32 = 3;
/// The first of these pauses.
const PAUSE: Duration = Duration::from_millis(500);
/// When everything is told, what is still under way is waited for so long.
const LAST_WORDS: Duration = Duration::from_secs(15);
/// `AGGREGATION_TEMPORALITY_CUMULATIVE` of the protocol.
const CUMULATIVE: u8 = 2;

/// What is told at a time.
#[derive(Debug)]
struct Told {
    families: Vec<Family>,
    /// When the load began, and when this was so.
    times: [UnixMicros; 2],
    /// Whether the load is over.
    is_last: bool,
}

/// How exporting went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// So many times it was taken.
    pub taken: u64,
    /// So many times it was not.
    pub lost: u64,
    /// The first reason, as a sentence.
    pub why: Option<String>,
}

/// Told once, when something is not taken.
pub type OnTrouble = Box<dyn Fn(&str) + Send + Sync>;

/// Tells a collector how far loads are, beside them.
#[derive(Debug)]
pub struct Exporter {
    /// Nothing, when all is told.
    told: UnboundedSender<Option<Told>>,
    task: Mutex<Option<JoinHandle<Exported>>>,
    heard: Mutex<Heard>,
}

/// What was heard of the load that runs.
#[derive(Debug, Default)]
struct Heard {
    /// When it began; nothing between two loads.
    began: Option<UnixMicros>,
    /// How far it was.
    elapsed: Duration,
    /// From when on it is told again.
    next: Duration,
}

impl Exporter {
    /// Begins; nothing is sent until there is something to tell.
    ///
    /// * `resource`: who tells, as names and values.
    #[must_use]
    pub fn start(collector: Collector, resource: &[(&'static str, String)], on_trouble: OnTrouble) -> Self {
        let (told, waiting) = unbounded_channel();
        let task = tokio::spawn(export(collector, attributes(resource), waiting, on_trouble));
        Self { told, task: Mutex::new(Some(task)), heard: Mutex::default() }
    }

    /// Hears how far a load is; of what comes between two exports nothing is told, but for the last.
    pub fn hear(&self, progress: &Progress<'_>) {
        let (now, is_last) = (SystemClock.now(), progress.phase == Phase::Over);
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if progress.elapsed < heard.elapsed && !is_last {
            // The load before it has ended without a last word.
            *heard = Heard::default();
        }
        let began = *heard.began.get_or_insert_with(|| now.minus(progress.elapsed));
        if is_last || progress.elapsed >= heard.next {
            // Whoever exports is there until all of it has ended.
            drop(self.told.send(Some(Told { families: families(progress), times: [began, now], is_last })));
            heard.next = progress.elapsed + EVERY;
        }
        heard.elapsed = progress.elapsed;
        if is_last {
            *heard = Heard::default();
        }
    }

    /// Waits until all is told, for a moment; a second time there is nothing to wait for.
    pub async fn end(&self) -> Exported {
        drop(self.told.send(None));
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(task) = task else { return Exported::default() };
        let gone = || Exported { lost: 1, why: Some("the last export was not finished in time".to_owned()), ..Exported::default() };
        tokio::time::timeout(LAST_WORDS, task).await.ok().and_then(Result::ok).unwrap_or_else(gone)
    }
}

async fn export(collector: Collector, resource: Value, mut waiting: UnboundedReceiver<Option<Told>>, on_trouble: OnTrouble) -> Exported {
    let mut exported = Exported::default();
    let mut is_over = false;
    while !is_over {
        let Some(Some(mut told)) = waiting.recv().await else { break };
        // While one was under way, others came: the newest says what those before it did, but for the last of a load.
        while !told.is_last && !is_over {
            match waiting.try_recv() {
                Ok(Some(newer)) => told = newer,
                Ok(None) => is_over = true,
                Err(_) => break,
            }
        }
        match offered(&collector, &body(&resource, &told), told.is_last && exported.taken > 0).await {
            Ok(None) => exported.taken += 1,
            Ok(Some(but)) => {
                exported.taken += 1;
                note(&mut exported, &on_trouble, but);
            }
            Err(refused) => {
                exported.lost += 1;
                note(&mut exported, &on_trouble, refused.to_string());
            }
        }
    }
    exported
}

/// The first trouble is told; others are like it.
fn note(exported: &mut Exported, on_trouble: &OnTrouble, why: String) {
    if exported.why.is_none() {
        on_trouble(&why);
        exported.why = Some(why);
    }
}

/// Posts it; what matters more, again when it may be taken then.
async fn offered(collector: &Collector, body: &Value, again: bool) -> Result<Option<String>, Refused> {
    let (body, mut pause) = (body.to_string(), PAUSE);
    let mut left = if again { TRIES - 1 } else { 0 };
    loop {
        match collector.post(body.clone()).await {
            Err(refused) if left > 0 && refused.may_be_taken_later() => {
                left -= 1;
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            ended => return ended,
        }
    }
}

/// An `ExportMetricsServiceRequest`.
fn body(resource: &Value, told: &Told) -> Value {
    let [start, at] = told.times.map(|time| format!("{}000", time.0.max(0)));
    let metrics: Vec<Value> = told.families.iter().map(|family| metric(family, &start, &at)).collect();
    let scope = json!({"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")});
    json!({"resourceMetrics": [{"resource": {"attributes": resource}, "scopeMetrics": [{"scope": scope, "metrics": metrics}]}]})
}

/// A metric: numbers of 64 bits are text there, as JSON's own could lose digits.
fn metric(family: &Family, start: &str, at: &str) -> Value {
    let mut metric = json!({"name": family.name, "description": family.help});
    match &family.values {
        Values::Counter(values) => {
            let point = |(labels, count): &(Labels, u64)| json!({"attributes": attributes(labels), "startTimeUnixNano": start, "timeUnixNano": at, "asInt": count.to_string()});
            let points: Vec<Value> = values.iter().map(point).collect();
            metric["sum"] = json!({"dataPoints": points, "aggregationTemporality": CUMULATIVE, "isMonotonic": true});
        }
        Values::Gauge(value) => metric["gauge"] = json!({"dataPoints": [{"timeUnixNano": at, "asDouble": value}]}),
        Values::Histogram(values) => {
            metric["unit"] = "s".into();
            let points: Vec<Value> = values
                .iter()
                .map(|(labels, buckets)| {
                    let bounds: Vec<f64> = buckets.up_to.iter().map(|(bound, _)| *bound).collect();
                    // There each bucket has its own, and the last those that were longer than any bound.
                    let below = std::iter::once(0).chain(buckets.up_to.iter().map(|(_, below)| *below));
                    let up_to = buckets.up_to.iter().map(|(_, below)| *below).chain([buckets.count]);
                    let counts: Vec<String> = up_to.zip(below).map(|(up_to, below)| up_to.saturating_sub(below).to_string()).collect();
                    json!({
                        "attributes": attributes(labels), "startTimeUnixNano": start, "timeUnixNano": at,
                        "count": buckets.count.to_string(), "sum": buckets.sum, "bucketCounts": counts, "explicitBounds": bounds,
                    })
                })
                .collect();
            metric["histogram"] = json!({"dataPoints": points, "aggregationTemporality": CUMULATIVE});
        }
    }
    metric
}

fn attributes(labels: &[(&'static str, String)]) -> Value {
    labels.iter().map(|(name, value)| json!({"key": name, "value": {"stringValue": value}})).collect()
}
