//! Event streams of a live receiver: opened, read, and left.
//!
//! What a step takes of a stream that never stops is bounded. Who reads an open one, `heard` has.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::super::live::Live;
use super::heard::{Heard, Reader, of_connection, task_of};
use crate::clock::{Moment, UnixMicros};
use crate::contract::stream::EventStream;
use crate::delivery::{Answer, Delivery, NoAnswer};
use crate::event_stream::Block;
use crate::history::stream::{StreamEnd, StreamReading, StreamTimes};
use crate::judge::check::stream::goal::Goal;
use crate::judge::check::stream::{is_turned_away, patience_with};
use crate::judge::{AskedStream, At, ScenarioEnd};
use crate::scenario::stream::{Leaving, Until};
use crate::session::places::Seat;
use crate::transport::event_stream::EndedBy;

/// How long a step waits for what does not come, unless it says so.
const PATIENCE: Duration = Duration::from_secs(10);
/// So many bytes of a stream are taken in one step.
const MOST_OF_A_READING: usize = 32 << 20;
/// So many clients come and go at the most.
const MOST_LEAVING: usize = 2_000;
/// Between two tries of a client that is turned away.
const TRY_AGAIN: Duration = Duration::from_millis(50);

/// Streams that are open, by name; with a scenario they end.
pub(in crate::run) type Streams = BTreeMap<String, Subscriber>;

/// A client of a stream.
pub(in crate::run) struct Subscriber {
    question: Delivery,
    head: Result<Answer, NoAnswer>,
    sent_at: UnixMicros,
    asked: Moment,
    opened: u64,
    heard: u64,
    reader: Reader,
    /// What was heard and not read yet.
    overheard: VecDeque<Heard>,
    seat: Seat,
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.leave(&StreamEnd::Cut);
    }
}

impl Live<'_> {
    /// What a step reads of a stream.
    pub(in crate::run) async fn read_streams(&mut self, at: At<'_>, asked: &AskedStream<'_>) -> Result<Vec<StreamReading>, ScenarioEnd> {
        let contract = Arc::clone(&self.context.contract);
        let Some(form) = &contract.stream else {
            return Err(ScenarioEnd::NotApplicable("the contract has no event streams (`stream`)".to_owned().into()));
        };
        let step = asked.step;
        if !step.opens() {
            let name = asked.name().unwrap_or_default();
            let Some(mut subscriber) = self.streams.remove(name) else {
                return Err(ScenarioEnd::Undecided(format!("step {}: the stream `{name}` is not open", at.number)));
            };
            let reading = self.read(form, &mut subscriber, asked, at).await;
            self.streams.insert(name.to_owned(), subscriber);
            return Ok(vec![reading]);
        }
        if let Some(name) = asked.name() {
            self.streams.remove(name);
        }
        let mut subscribers = match step.after_leaving {
            Some(leaving) => vec![self.after_leaving(form, asked, leaving).await?],
            None => {
                let clients = step.clients.unwrap_or(1);
                let mut subscribers = Vec::with_capacity(clients);
                for _ in 0..clients {
                    subscribers.push(self.let_in(form, asked).await);
                }
                subscribers
            }
        };
        let mut readings = Vec::with_capacity(subscribers.len());
        for subscriber in &mut subscribers {
            let reading = self.read(form, subscriber, asked, at).await;
            readings.push(StreamReading { opened: true, ..reading });
        }
        if let (Some(name), Some(first)) = (asked.name(), subscribers.into_iter().next()) {
            self.streams.insert(name.to_owned(), first);
        }
        Ok(readings)
    }

    /// A client of a stream; one that is turned away tries again as long as the places may be taken.
    async fn let_in(&self, form: &EventStream, asked: &AskedStream<'_>) -> Subscriber {
        let places = &self.context.places;
        let mut has_waited = false;
        loop {
            let mut one = self.subscribe(asked).await;
            if !one.head.as_ref().is_ok_and(|answer| is_turned_away(form, answer)) {
                return one;
            }
            let waits = places.may_be_taken();
            one.seat.turned_away();
            if !waits {
                if has_waited {
                    places.despair();
                }
                return one;
            }
            has_waited = true;
            drop(one);
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }

    async fn subscribe(&self, asked: &AskedStream<'_>) -> Subscriber {
        let mut question = self.context.supplies.question("GET", &asked.path);
        let lines = asked.header_lines();
        question.headers.retain(|own| !lines.iter().any(|line| line.name.eq_ignore_ascii_case(&own.name)));
        question.headers.extend(lines);
        self.context.pace.turn(1).await;
        let (sent_at, began, seat) = (self.context.clock.now(), Moment::now(), self.context.places.enter());
        let opened = self.context.sender().open_stream(&question, &asked.in_force, asked.step.cut_after).await;
        let connection = match opened {
            Ok(connection) => connection,
            Err(none) => {
                let over = StreamEnd::Broken(none.to_string());
                let (opened, reader) = (micros(began.elapsed()), Reader::Over(over));
                return Subscriber {
                    question,
                    head: Err(none),
                    sent_at,
                    asked: began,
                    opened,
                    heard: opened,
                    reader,
                    overheard: VecDeque::new(),
                    seat,
                };
            }
        };
        let (asked_at, opened) = (connection.sent(), micros(connection.opened().since(connection.sent())));
        let (head, reader) = of_connection(connection, asked.step.unread).await;
        Subscriber { question, head: Ok(head), sent_at, asked: asked_at, opened, heard: opened, reader, overheard: VecDeque::new(), seat }
    }

    /// A client that comes after many that came and went: it may be turned away until their places are free.
    async fn after_leaving(&self, form: &EventStream, asked: &AskedStream<'_>, leaving: Leaving) -> Result<Subscriber, ScenarioEnd> {
        let count = match leaving {
            Leaving::AtOnce => form.at_once,
            Leaving::Clients(clients) => clients,
        };
        if count > MOST_LEAVING {
            let told = format!("the contract lets in {count} streams at once; up to {MOST_LEAVING} are tried");
            return Err(ScenarioEnd::NotApplicable(told.into()));
        }
        let places = &self.context.places;
        let is_turned_away = |one: &Subscriber| one.head.as_ref().is_ok_and(|answer| is_turned_away(form, answer));
        for _ in 0..count {
            let mut one = self.subscribe(asked).await;
            if is_turned_away(&one) {
                one.seat.turned_away();
                break;
            }
        }
        // Who notices that a client has gone when it writes the next time, needs so long.
        let began = Moment::now();
        loop {
            let mut last = self.subscribe(asked).await;
            if !is_turned_away(&last) {
                return Ok(last);
            }
            let waits = began.elapsed() <= places.lingers() || places.may_be_taken();
            last.seat.turned_away();
            if !waits {
                places.despair();
                return Ok(last);
            }
            drop(last);
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }

    /// Reads on in a stream, as far as the step wants.
    async fn read(&self, form: &EventStream, subscriber: &mut Subscriber, asked: &AskedStream<'_>, at: At<'_>) -> StreamReading {
        let mut reading = StreamReading {
            question: subscriber.question.clone(),
            opened: false,
            sent_at: subscriber.sent_at,
            head: subscriber.head.clone(),
            last_event_id: asked.in_force.clone(),
            blocks: Vec::new(),
            end: StreamEnd::Open,
            unfinished: None,
            times: StreamTimes { opened: subscriber.opened, heard: subscriber.heard, ..StreamTimes::default() },
        };
        let began = if asked.step.opens() { subscriber.asked } else { Moment::now() };
        if let Some(until) = &asked.step.until {
            subscriber.listen();
            self.read_until(form, subscriber, until, Goal::of(asked, form, at.bindings), &mut reading).await;
        } else if let Reader::Over(end) = &subscriber.reader {
            reading.end = end.clone();
        }
        reading.times.over = micros(subscriber.asked.elapsed());
        let own = self.context.lateness.since(began);
        reading.times.own_delay = micros(own);
        if let (true, Err(NoAnswer::TimedOut { after })) = (asked.step.opens(), &subscriber.head) {
            // As of what is waited for: the right reference is never late by itself.
            let is_premature = *after < self.context.contract.limits.answer.0;
            reading.times.too_late = is_premature || own >= *after || self.context.session.is_right_reference();
        }
        reading
    }

    async fn read_until(
        &self,
        form: &EventStream,
        subscriber: &mut Subscriber,
        until: &Until,
        mut goal: Goal<'_>,
        reading: &mut StreamReading,
    ) {
        let beat = form.heartbeat.filter(|_| until.heartbeat).map(|beat| patience_with(beat.0));
        let within = until.within.map_or(PATIENCE, |within| within.0).max(beat.unwrap_or_default());
        let began = Moment::now();
        let mut quiet_since = began;
        let mut extended = Duration::ZERO;
        let mut room = MOST_OF_A_READING;
        loop {
            let is_met = goal.is_met();
            let left = match until.quiet.filter(|_| is_met) {
                Some(quiet) => quiet.0.saturating_sub(quiet_since.elapsed()),
                None if is_met => break,
                None => within.saturating_add(extended).saturating_sub(began.elapsed()),
            };
            match subscriber.next(left).await {
                Some(Heard::Block(at, block, place)) => {
                    drop(place);
                    let Some(left) = room.checked_sub(block.weight()) else {
                        reading.end =
                            StreamEnd::Broken(format!("more than {} MiB came in one step: it is read no further", MOST_OF_A_READING >> 20));
                        subscriber.leave(&reading.end);
                        break;
                    };
                    room = left;
                    subscriber.heard = micros(at.since(subscriber.asked));
                    let was_met = is_met;
                    goal.took(&block);
                    if goal.is_event(&block) || (!was_met && goal.is_met()) {
                        quiet_since = Moment::now();
                    }
                    reading.blocks.push((subscriber.heard, *block));
                    // Whoever never stops is heard long enough.
                    if was_met && began.elapsed() > within.saturating_add(PATIENCE) {
                        break;
                    }
                }
                Some(Heard::Ended(at, ended)) => {
                    subscriber.heard = micros(at.since(subscriber.asked));
                    reading.unfinished = ended.unfinished;
                    reading.end = match ended.why {
                        EndedBy::Receiver => StreamEnd::Receiver,
                        EndedBy::Cut => StreamEnd::Cut,
                        EndedBy::Broken(cause) => StreamEnd::Broken(cause),
                    };
                    subscriber.reader = Reader::Over(reading.end.clone());
                    break;
                }
                None if is_met => break,
                None => {
                    if let Reader::Over(end) = &subscriber.reader {
                        reading.end = end.clone();
                        break;
                    }
                    // What we were late ourselves is waited for once more.
                    let own = self.context.lateness.since(began).min(within);
                    if own <= extended {
                        reading.end = StreamEnd::Waited;
                        // The right reference is never late by itself.
                        reading.times.too_late = own >= within || self.context.session.is_right_reference();
                        break;
                    }
                    extended = own;
                }
            }
        }
    }
}

impl Subscriber {
    /// Reads no further: its connection is closed.
    fn leave(&mut self, end: &StreamEnd) {
        if let Reader::Task(_, task) = std::mem::replace(&mut self.reader, Reader::Over(end.clone())) {
            task.abort();
        }
    }

    /// Has a task read it, where nobody does.
    fn listen(&mut self) {
        if !matches!(self.reader, Reader::Nobody(_)) {
            return;
        }
        let over = Reader::Over(StreamEnd::Broken("nobody reads it".to_owned()));
        if let Reader::Nobody(connection) = std::mem::replace(&mut self.reader, over) {
            self.reader = task_of(*connection);
        }
    }

    /// What has been heard next, within `limit`.
    async fn next(&mut self, limit: Duration) -> Option<Heard> {
        let overheard = self.overheard.pop_front();
        if overheard.is_some() { overheard } else { self.hear(limit).await }
    }

    async fn hear(&mut self, limit: Duration) -> Option<Heard> {
        match &mut self.reader {
            Reader::Task(heard, _) => tokio::time::timeout(limit, heard.recv()).await.ok().flatten(),
            Reader::Nobody(_) | Reader::Over(_) => None,
        }
    }

    /// The block that comes next, within `limit`; it is still there to be read.
    pub(super) async fn overhear(&mut self, limit: Duration) -> Option<&Block> {
        self.listen();
        let heard = self.hear(limit).await?;
        self.overheard.push_back(heard);
        match self.overheard.back()? {
            Heard::Block(_, block, _) => Some(block),
            Heard::Ended(..) => None,
        }
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
