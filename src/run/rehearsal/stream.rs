//! Event streams in memory: what a receiver that is a value tells its subscribers. Nobody waits: time is moved on instead.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;

use super::{A_MOMENT, Rehearsal};
use crate::clock::UnixMicros;
use crate::contract::stream::EventStream;
use crate::delivery::{Answer, Delivery, HeaderLine};
use crate::event_stream::{Block, Decoder};
use crate::history::stream::{StreamEnd, StreamReading, StreamTimes};
use crate::judge::check::stream::goal::Goal;
use crate::judge::{AskedStream, At, ScenarioEnd};
use crate::reference::Receiver;
use crate::reference::store::Store;
use crate::reference::streaming::{self, Next, Opened, PING, Place};

/// How long a step waits for what does not come, unless it says so.
const PATIENCE: Duration = Duration::from_secs(10);
/// A receiver's timers leave so much of the heartbeat unused.
const WELL_WITHIN: f64 = 0.8;

/// Streams that are open, by name.
pub(super) type Streams = BTreeMap<String, Subscriber>;

/// A client of a stream.
pub(super) struct Subscriber {
    question: Delivery,
    head: Answer,
    place: Option<Place>,
    decoder: Decoder,
    waiting: VecDeque<Block>,
    asked_at: UnixMicros,
    heard: u64,
    /// How many bytes are read before it is cut.
    left: Option<usize>,
    ended: Option<StreamEnd>,
}

impl<S: Store> Rehearsal<'_, Receiver<S>> {
    /// What a step reads of a stream.
    pub(super) fn read_stream(&mut self, at: At<'_>, asked: &AskedStream<'_>) -> Result<Vec<StreamReading>, ScenarioEnd> {
        let contract = std::sync::Arc::clone(self.setting.contract());
        let Some(form) = &contract.stream else { return Err(ScenarioEnd::not_made("the contract has no event streams".to_owned())) };
        let step = asked.step;
        let mut readings = Vec::new();
        for client in 0..step.clients.unwrap_or(1) {
            let known = asked.name().filter(|_| step.of.is_some()).and_then(|name| self.streams.remove(name));
            let mut subscriber = match known {
                Some(subscriber) => subscriber,
                None if step.of.is_some() => {
                    let name = asked.name().unwrap_or_default();
                    return Err(ScenarioEnd::Undecided(format!("step {}: the stream `{name}` is not open", at.number)));
                }
                None => self.subscribe(form, asked)?,
            };
            let mut reading = StreamReading {
                question: subscriber.question.clone(),
                opened: step.opens(),
                sent_at: subscriber.asked_at,
                head: Ok(subscriber.head.clone()),
                last_event_id: asked.in_force.clone(),
                blocks: Vec::new(),
                end: StreamEnd::Open,
                unfinished: None,
                times: StreamTimes { opened: micros(A_MOMENT), heard: subscriber.heard, ..StreamTimes::default() },
            };
            if step.until.is_some() {
                self.read_on(form, &mut subscriber, asked, Goal::of(asked, form, at.bindings), &mut reading)?;
            }
            reading.times.over = micros(self.now.since(subscriber.asked_at));
            readings.push(reading);
            if let Some(name) = asked.name().filter(|_| client == 0) {
                self.streams.insert(name.to_owned(), subscriber);
            }
        }
        Ok(readings)
    }

    /// A receiver that ends, ends its streams; what was told by then is there to be read.
    pub(super) fn end_streams(&mut self) -> Result<(), ScenarioEnd> {
        let mut streams = std::mem::take(&mut self.streams);
        for subscriber in streams.values_mut() {
            self.hear(subscriber)?;
            subscriber.ended.get_or_insert(StreamEnd::Receiver);
        }
        self.streams = streams;
        Ok(())
    }

    fn subscribe(&mut self, form: &EventStream, asked: &AskedStream<'_>) -> Result<Subscriber, ScenarioEnd> {
        let asked_at = self.now;
        self.now = self.now.plus(A_MOMENT);
        let question =
            Delivery { method: "GET".to_owned(), path: asked.path.clone(), headers: asked.header_lines(), ..Delivery::default() };
        let name = form.stream_at(&asked.path).unwrap_or_default();
        let last = asked.last_event_id.as_ref().map(String::as_bytes);
        let failed = |failed: crate::reference::store::StoreError| ScenarioEnd::Undecided(failed.to_string());
        let (status, place) = match streaming::open(&mut self.receiver, &name, last).map_err(failed)? {
            Opened::Tells(place) => (200, Some(place)),
            Opened::Over => (204, None),
            Opened::Refused(status) => (status, None),
        };
        let mut headers = vec![HeaderLine::new("Content-Type", "text/event-stream")];
        if !self.receiver.hooks().may_be_cached() {
            headers.push(HeaderLine::new("Cache-Control", "no-cache"));
        }
        headers.retain(|_| status == 200);
        let ended = if place.is_none() { Some(StreamEnd::Receiver) } else { None };
        let (decoder, left) = (Decoder::resumed(&asked.in_force), asked.step.cut_after);
        let head = Answer { status, headers, body: Bytes::new() };
        Ok(Subscriber { question, head, place, decoder, waiting: VecDeque::new(), asked_at, heard: micros(A_MOMENT), left, ended })
    }

    fn read_on(
        &mut self,
        form: &EventStream,
        subscriber: &mut Subscriber,
        asked: &AskedStream<'_>,
        mut goal: Goal<'_>,
        reading: &mut StreamReading,
    ) -> Result<(), ScenarioEnd> {
        let until = asked.step.until.clone().unwrap_or_default();
        self.hear(subscriber)?;
        self.take(subscriber, &mut goal, reading);
        if !goal.is_met() && subscriber.ended.is_none() {
            let beat = form.heartbeat.map_or(PATIENCE, |beat| beat.0).mul_f64(WELL_WITHIN);
            self.now = self.now.plus(beat);
            let ping = self.receiver.hooks().ping(PING).into_owned();
            self.feed(subscriber, ping.as_bytes());
            self.take(subscriber, &mut goal, reading);
        }
        if !goal.is_met() && subscriber.ended.is_none() {
            let beat = form.heartbeat.filter(|_| until.heartbeat).map_or(Duration::ZERO, |beat| beat.0.saturating_mul(2));
            self.now = self.now.plus(until.within.map_or(PATIENCE, |within| within.0).max(beat));
            reading.end = StreamEnd::Waited;
        } else if let (None, Some(quiet)) = (&subscriber.ended, until.quiet) {
            self.now = self.now.plus(quiet.0);
            self.hear(subscriber)?;
            while let Some(block) = subscriber.waiting.pop_front() {
                self.note(subscriber, block, reading);
            }
        }
        if let Some(ended) = subscriber.ended.clone().filter(|_| subscriber.waiting.is_empty()) {
            reading.end = ended;
            reading.unfinished = subscriber.decoder.clone().unfinished();
        }
        Ok(())
    }

    /// Takes what waits, until the goal is met.
    fn take(&self, subscriber: &mut Subscriber, goal: &mut Goal<'_>, reading: &mut StreamReading) {
        while !goal.is_met() {
            let Some(block) = subscriber.waiting.pop_front() else { break };
            goal.took(&block);
            self.note(subscriber, block, reading);
        }
    }

    fn note(&self, subscriber: &mut Subscriber, block: Block, reading: &mut StreamReading) {
        subscriber.heard = micros(self.now.since(subscriber.asked_at));
        reading.blocks.push((subscriber.heard, block));
    }

    /// Hears all that has been published.
    fn hear(&mut self, subscriber: &mut Subscriber) -> Result<(), ScenarioEnd> {
        while subscriber.ended.is_none() {
            let Some(place) = &mut subscriber.place else { break };
            let told = streaming::next(&mut self.receiver, place).map_err(|failed| ScenarioEnd::Undecided(failed.to_string()))?;
            self.feed(subscriber, &told.bytes);
            match told.then {
                Next::More => {}
                Next::Waits => break,
                Next::Ends => {
                    subscriber.ended.get_or_insert(StreamEnd::Receiver);
                }
            }
        }
        Ok(())
    }

    fn feed(&self, subscriber: &mut Subscriber, bytes: &[u8]) {
        let here = subscriber.left.map_or(bytes.len(), |left| left.min(bytes.len()));
        match subscriber.decoder.push(&bytes[..here]) {
            Ok(blocks) => subscriber.waiting.extend(blocks),
            Err(too_long) => subscriber.ended = Some(StreamEnd::Broken(too_long.to_string())),
        }
        if let Some(left) = &mut subscriber.left {
            *left -= here;
            if *left == 0 {
                subscriber.ended = Some(StreamEnd::Cut);
            }
        }
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
