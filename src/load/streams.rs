//! Streams of a load: subscribers beside the deliveries, who read of every acceptance, are cut at random, and come back.
//!
//! In: a contract with event streams, how many subscribers there are, and what users send and are answered. Out: how long events took
//! from their acceptance, and, when the load is over, what of them was lost, came twice or out of order: judged for every event of
//! every subscriber ([`judging`]). Several subscribers share a stream, so that streams that share one queue are found.
//!
//! Deliveries are spread over streams by the number of their key, whose name is put into the body where the contract's `stream.of`
//! reads it; no delivery ends its stream. Subscribers (`subscriber`) wait for nobody and delay nobody; what each has read is kept in
//! two bits an event ([`reading`]), so that a long load costs no more than a short one.
//!
//! Start at [`Streams::new`].

mod body;
pub mod judging;
pub mod reading;
pub mod report;
pub mod running;
mod subscriber;
pub mod sentences;

pub use self::body::{STREAM, body};

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::Value;
use tokio::sync::{Notify, Semaphore, watch};

use self::body::{form, key_member};
use self::reading::{Came, Reading, Sent};
use self::report::StreamSecond;
use super::measure::quantiles;
use crate::clock::{Clock as _, Moment, SystemClock, UnixMicros};
use crate::contract::Contract;
use crate::contract::stream::{EventStream, Ids, Then};
use crate::delivery::Delivery;
use crate::event_stream::{Block, Id};
use crate::history::consistency::parts::number_of;
use crate::history::consistency::{NEVER, Operation};
use crate::outcome::Outcome;
use crate::session::places::Places;
use crate::transport::Target;

/// So many subscribers read each stream, where the contract has several.
const SUBSCRIBERS_A_STREAM: usize = 2;
/// So many streams are opened at once.
const OPENED_AT_ONCE: usize = 32;
/// The longest time to an event that is told apart: an hour, in microseconds.
const LONGEST_US: u64 = 3_600_000_000;

/// How many subscribers a load has, and how long each reads at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// How many.
    pub count: usize,
    /// How long a stream is read on average before it is cut and resumed.
    pub life: Duration,
}

/// Where the load is, as subscribers see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Deliveries are made.
    Running,
    /// They have ended: nothing is cut any more, and what is due comes.
    Settling,
    /// Nothing is read any more.
    Over,
}

/// How keys are read back from events.
enum Keys {
    /// By what stands behind the word that all of them begin with.
    Prefix(String),
    /// By a table of those that were sent.
    Sent(Mutex<HashMap<u64, u32>>),
}

/// What subscribers have come to so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct SoFar {
    /// How many streams are open at this moment.
    pub open: u64,
    /// How many events have come.
    pub events: u64,
    /// How many times a stream was opened again.
    pub resumed: u64,
    /// How many events came once more.
    pub doubled: u64,
    /// How many came out of order.
    pub out_of_order: u64,
    /// From acceptance to event: p50, p90, p95, p99, p99.9, the longest, in microseconds; none without samples.
    pub latency: Option<[u64; 6]>,
}

/// Counters that anybody may read.
#[derive(Debug, Default)]
struct Tallies {
    open: AtomicU64,
    events: AtomicU64,
    opened: AtomicU64,
    resumed: AtomicU64,
    cut: AtomicU64,
    ended: AtomicU64,
    doubled: AtomicU64,
    out_of_order: AtomicU64,
}

/// How long events took, in all and by the second.
struct Measured {
    latency: Histogram<u64>,
    seconds: Vec<(u64, Histogram<u32>)>,
}

/// The streams of a load, and who reads them.
pub struct Streams {
    asked: Asked,
    form: EventStream,
    target: Target,
    timeout: Duration,
    question: Delivery,
    seed: u64,
    warm_up: Duration,
    /// The member of an event's data that is its delivery's key.
    key_member: String,
    keys: Keys,
    /// Their names: one that is empty where there is one stream for all.
    names: Vec<String>,
    /// What was sent on each stream, by the number of its key.
    sent: Vec<Mutex<Vec<Sent>>>,
    /// How many deliveries were sent on each.
    count: Vec<AtomicU64>,
    readings: Vec<Mutex<Reading>>,
    refused: Mutex<BTreeMap<String, u64>>,
    tallies: Tallies,
    measured: Mutex<Measured>,
    phase: watch::Sender<Phase>,
    openings: Semaphore,
    places: Places,
    /// How many subscribers have had a first answer, and a word to whoever waits for it.
    tried: (AtomicU64, Notify),
    base: (Moment, UnixMicros),
    /// When the load itself began.
    began: AtomicU64,
}

impl Streams {
    /// The streams of a contract.
    ///
    /// * `word`: what every key of the load begins with;
    /// * `question`: one by GET, with the header lines that every one bears; its path is filled in here.
    ///
    /// # Errors
    /// Why there are none, as a sentence.
    pub fn new(
        contract: &Contract,
        asked: Asked,
        word: &str,
        (target, timeout, question): (Target, Duration, Delivery),
        (seed, warm_up): (u64, Duration),
    ) -> Result<Self, String> {
        let form = form(contract)?;
        let key_member = key_member(form, contract)?;
        let own = if form.of.is_some() { asked.count.div_ceil(SUBSCRIBERS_A_STREAM) } else { 1 };
        let names: Vec<String> =
            if form.of.is_some() { (0..own).map(|stream| format!("{word}-s{stream}")).collect() } else { vec![String::new()] };
        let latency = Histogram::new_with_bounds(1, LONGEST_US, 3).map_err(|cause| cause.to_string())?;
        let keys = if contract.key.has_prefix() { Keys::Prefix(format!("{word}-")) } else { Keys::Sent(Mutex::default()) };
        Ok(Self {
            asked,
            form: form.clone(),
            target,
            timeout,
            question,
            seed,
            warm_up,
            key_member,
            keys,
            sent: names.iter().map(|_| Mutex::default()).collect(),
            count: names.iter().map(|_| AtomicU64::new(0)).collect(),
            readings: (0..asked.count).map(|number| Mutex::new(Reading::new(number % names.len(), form.ids == Ids::Rising))).collect(),
            names,
            refused: Mutex::default(),
            tallies: Tallies::default(),
            measured: Mutex::new(Measured { latency, seconds: Vec::new() }),
            phase: watch::channel(Phase::Running).0,
            openings: Semaphore::new(OPENED_AT_ONCE),
            places: Places::of(Some(form)),
            tried: (AtomicU64::new(0), Notify::new()),
            base: (Moment::now(), SystemClock.now()),
            began: AtomicU64::new(0),
        })
    }

    /// The name of the stream on which the deliveries of a key are told.
    #[must_use]
    pub fn name_of(&self, key: u32) -> &str {
        &self.names[number_of(key) as usize % self.names.len()]
    }

    /// An instant of the load's own clock, which never goes back.
    #[must_use]
    pub fn instant(&self, at: Moment) -> UnixMicros {
        self.base.1.plus(at.since(self.base.0))
    }

    /// The load begins: what comes before its warm-up is over is not measured.
    pub fn begin(&self, at: Moment) {
        let since = u64::try_from(at.since(self.base.0).as_micros()).unwrap_or(u64::MAX);
        self.began.store(since, Ordering::Relaxed);
    }

    /// A delivery is about to be sent.
    pub fn note_sent(&self, key: u32, text: &str, at: UnixMicros) {
        let (stream, place) = self.place(key);
        if let Keys::Sent(sent) = &self.keys {
            lock(sent).insert(hash(text), number_of(key));
        }
        self.count[stream].fetch_add(1, Ordering::Relaxed);
        let mut sent = lock(&self.sent[stream]);
        if sent.len() <= place {
            sent.resize(place + 1, Sent::default());
        }
        sent[place].at = sent[place].at.min(at.0);
    }

    /// A delivery was answered.
    pub fn note_answered(&self, operation: &Operation) {
        if operation.returned == NEVER || !operation.outcome.may_be(Outcome::Accepted) {
            return;
        }
        let (stream, place) = self.place(operation.key);
        if let Some(sent) = lock(&self.sent[stream]).get_mut(place) {
            sent.accepted = sent.accepted.min(operation.returned);
        }
    }

    /// What subscribers have come to so far.
    #[must_use]
    pub fn so_far(&self) -> SoFar {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Tallies { open, events, resumed, doubled, out_of_order, .. } = &self.tallies;
        SoFar {
            open: count(open),
            events: count(events),
            resumed: count(resumed),
            doubled: count(doubled),
            out_of_order: count(out_of_order),
            latency: quantiles(&lock(&self.measured).latency),
        }
    }

    /// All times from acceptance to event so far.
    #[must_use]
    pub fn latency(&self) -> Histogram<u64> {
        lock(&self.measured).latency.clone()
    }

    fn seconds(&self) -> Vec<StreamSecond> {
        let of = |(events, latency): &(u64, Histogram<u32>)| StreamSecond {
            events: *events,
            p50_us: latency.value_at_quantile(0.5),
            p99_us: latency.value_at_quantile(0.99),
        };
        lock(&self.measured).seconds.iter().map(of).collect()
    }

    /// The stream of a key, and its place there.
    fn place(&self, key: u32) -> (usize, usize) {
        let number = number_of(key) as usize;
        (number % self.names.len(), number / self.names.len())
    }

    fn key_of(&self, stream: usize, place: usize) -> u32 {
        u32::try_from(place * self.names.len() + stream).unwrap_or(u32::MAX)
    }

    /// The path of a subscriber's stream.
    fn path(&self, stream: usize) -> String {
        self.form.path_of(&self.names[stream])
    }

    /// Whether an event that `reading` has come to may have been evicted by now.
    fn may_be_evicted(&self, reading: &Reading) -> bool {
        let published = self.count[reading.stream].load(Ordering::Relaxed).saturating_sub(reading.different());
        published >= self.form.keeps as u64
    }

    /// The number of the key that an event tells of.
    fn key_in(&self, data: &str) -> Option<u32> {
        let text = match serde_json::from_str::<Value>(data).ok()?.get(&self.key_member)? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
        };
        match &self.keys {
            Keys::Prefix(prefix) => text.strip_prefix(prefix)?.parse().ok(),
            Keys::Sent(sent) => lock(sent).get(&hash(&text)).copied(),
        }
    }

    /// A block has come to a subscriber.
    ///
    /// * `open`: when the stream that it came on was asked for.
    fn take(&self, number: usize, block: &Block, (at, open): (Moment, Moment)) {
        let mut reading = lock(&self.readings[number]);
        let stream = reading.stream;
        let id = match &block.id {
            Some(Id::Given(id)) => id.as_str(),
            Some(Id::WithNul(_)) | None => "",
        };
        if let Some(event) = &block.event {
            if event.name == self.form.event {
                reading.is_silent = false;
                self.tallies.events.fetch_add(1, Ordering::Relaxed);
                self.take_event(&mut reading, (&event.data, id), (at, open));
            } else if self.form.unknown.then == Then::Reset && event.name == self.form.reset_event() {
                reading.is_silent = false;
                let is_told_in_time = self.may_be_evicted(&reading);
                reading.start_anew(is_told_in_time, self.instant(at).0, &self.path(stream));
            }
        }
        if let Some(Id::Given(id)) = &block.id {
            reading.last_id.clone_from(id);
        }
    }

    fn take_event(&self, reading: &mut Reading, (data, id): (&str, &str), (at, open): (Moment, Moment)) {
        let stream = reading.stream;
        let key = self.key_in(data);
        let place = key.map(|key| self.place(key)).filter(|(of, _)| *of == stream).map(|(_, place)| place);
        let sent = place.and_then(|place| lock(&self.sent[stream]).get(place).copied()).filter(|sent| sent.at != NEVER);
        let (Some(place), Some(sent)) = (place, sent) else {
            // Where all share a stream, others may deliver as well.
            if self.form.of.is_some() || key.is_some() {
                reading.note_strange(id, data);
            } else {
                reading.others += 1;
            }
            return;
        };
        let may_replay = self.form.unknown.then == Then::Replay && self.may_be_evicted(reading);
        let came = reading.event((place, sent), id, (self.instant(at).0, may_replay && !reading.is_begun));
        reading.is_begun = true;
        match came {
            Came::First => self.measure(sent, (at, open)),
            Came::OutOfOrder => {
                self.tallies.out_of_order.fetch_add(1, Ordering::Relaxed);
                self.measure(sent, (at, open));
            }
            Came::Again => {
                self.tallies.doubled.fetch_add(1, Ordering::Relaxed);
            }
            Came::Replayed => {}
        }
    }

    /// How long an event took: from its acceptance, or, when its subscriber was away then, from when that came back.
    fn measure(&self, sent: Sent, (at, open): (Moment, Moment)) {
        let began = Duration::from_micros(self.began.load(Ordering::Relaxed));
        let warm = self.base.1.plus(began + self.warm_up).0;
        if sent.at < warm {
            return;
        }
        let (now, open) = (self.instant(at).0, self.instant(open).0);
        // An event may come before the answer does.
        let from = if sent.accepted == NEVER { now } else { sent.accepted.max(open) };
        let took = u64::try_from(now.saturating_sub(from)).unwrap_or(0).clamp(1, LONGEST_US);
        let second = usize::try_from((now - warm) / 1_000_000).unwrap_or(0);
        let mut measured = lock(&self.measured);
        measured.latency.saturating_record(took);
        while measured.seconds.len() <= second {
            let Ok(latency) = Histogram::new(2) else { return };
            measured.seconds.push((0, latency));
        }
        let of = &mut measured.seconds[second];
        of.0 += 1;
        // Nothing longer than this is recorded, so that it cannot fail.
        let _ = of.1.record(took);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
