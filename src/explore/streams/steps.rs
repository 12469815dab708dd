//! Steps of streams: what a move comes to in the language of scenarios, and how its stream and clients stand afterwards.

use std::time::Duration;

use super::{Client, LONG, LOOKS_AT_ROWS, LOOKS_ON, MANY, QUIET, Told, Topic};
use crate::clock::span::Span;
use crate::contract::stream::{Begins, EventStream};
use crate::explore::generator::Sequence;
use crate::explore::keys::Standing;
use crate::scenario::deliver::{Burst, BurstBodies, Deliver};
use crate::scenario::expect::{AnswerCheck, Expect, RowCheck, StateCheck};
use crate::scenario::stream::{StreamExpect, StreamStep, Until};
use crate::scenario::{Counts, Step};
use crate::sign::tamper::Tamper;

impl Sequence<'_> {
    pub(super) fn push_stream(&mut self, shows: &[String], stream: StreamStep) {
        self.push(shows, Step { stream: Some(stream), ..Step::default() });
    }

    pub(super) fn stream_name(&mut self) -> String {
        self.opened += 1;
        format!("s{}", self.opened)
    }

    /// A delivery on a stream that is there.
    pub(super) fn on(&self, topic: usize) -> Deliver {
        Deliver { stream_of: self.topics.get(topic).map(|topic| topic.brought_by.clone()), ..Deliver::default() }
    }

    /// A step that opens a stream.
    pub(super) fn opening(&self, topic: usize) -> StreamStep {
        StreamStep { open: self.topics.get(topic).map(|topic| topic.brought_by.clone()), ..StreamStep::default() }
    }

    pub(super) fn begin(&mut self, shows: &[String], name: &str) {
        let deliver = Deliver { stream: Some(name.to_owned()), ..Deliver::default() };
        let (own, deliver) = self.with_key(&deliver, None);
        // A name that is odd may be refused; then nothing is told.
        let answer = name.contains('\n').then(|| AnswerCheck { within: Some(Span(Duration::from_secs(5))), ..AnswerCheck::default() });
        let expect = answer.is_none().then_some(Expect::Accepted);
        self.push(shows, Step { deliver: Some(deliver.clone()), expect, answer, ..Step::default() });
        self.taken(&own, &deliver, None);
        self.topics.push(Topic { brought_by: own.clone(), told: Vec::new(), ended: false });
        self.was_told(self.topics.len() - 1, Told { name: own, events: 1, in_order: true });
    }

    /// What was published: its key is left to repetitions, for what else comes of it may be told, too.
    fn was_told(&mut self, topic: usize, told: Told) {
        if let Some(key) = self.keys.iter_mut().rfind(|key| key.last == told.name) {
            key.is_told = true;
        }
        self.topics[topic].told.push(told);
    }

    pub(super) fn publish(&mut self, shows: &[String], topic: usize, deliver: &Deliver) {
        let (name, deliver) = self.with_key(deliver, None);
        let expect = Some(Expect::Accepted);
        self.push(shows, Step { deliver: Some(deliver.clone()), expect, ..Step::default() });
        self.taken(&name, &deliver, None);
        self.was_told(topic, Told { name, events: 1, in_order: true });
    }

    pub(super) fn crowd(&mut self, shows: &[String], topic: usize, keys: usize, deliver: Deliver) {
        let name = self.name();
        let burst = Burst { name: Some(name.clone()), keys, keys_of: None, each: 1, deliver, bodies: BurstBodies::Alike };
        let counts = Counts { accepted: Some(1), other: Some(0), ..Counts::default() };
        self.push(shows, Step { burst: Some(burst), counts: Some(counts), ..Step::default() });
        self.was_told(topic, Told { name, events: keys, in_order: false });
    }

    pub(super) fn forged(&mut self, shows: &[String], topic: usize) {
        let Some(expect) = self.generator.promises.get("signature:wrong-secret").and_then(|promise| promise.expect.clone()) else { return };
        let forged = Deliver { signature: Some(Tamper::WrongSecret), ..self.on(topic) };
        self.refused(shows, &forged, &expect, None, Standing::Unknown);
        let Some(at) = self.keys.len().checked_sub(1) else { return };
        if self.rng.percent(50) {
            self.honest(shows, &Deliver::default(), Some(at), Standing::Refused);
            let name = self.keys[at].last.clone();
            self.was_told(topic, Told { name, events: 1, in_order: true });
        } else {
            self.keys.pop();
        }
    }

    /// How far a client reads that stands at a place, and what it is told.
    pub(super) fn due(&mut self, topic: usize, from: usize) -> (Until, StreamExpect) {
        let topic = &self.topics[topic];
        let due = topic.told.get(from..).unwrap_or_default();
        let names: Vec<String> = due.iter().map(|told| told.name.clone()).collect();
        let in_order = due.iter().all(|told| told.in_order);
        let events = due.iter().map(|told| told.events).sum();
        let quiet = (events == 0 || self.rng.percent(LOOKS_ON)).then_some(Span(QUIET));
        let until = Until { events: Some(events).filter(|events| *events > 0), quiet, ..Until::default() };
        let tells = if in_order {
            StreamExpect { tells: Some(names), ..StreamExpect::default() }
        } else {
            StreamExpect { tells_all: Some(names), ..StreamExpect::default() }
        };
        (until, tells)
    }

    /// The same of a stream that may be over: its end is read, too. Nothing is due to who has read all of it, and comes back.
    fn due_to_the_end(&mut self, topic: usize, from: usize, comes_back: bool) -> (Until, Vec<StreamExpect>) {
        let (until, tells) = self.due(topic, from);
        if !self.topics[topic].ended {
            return (until, vec![tells]);
        }
        let until = Until { quiet: None, closed: true, within: Some(Span(Duration::from_secs(5))), ..until };
        if comes_back && from >= self.topics[topic].told.len() {
            return (until, vec![StreamExpect { finished: true, ..StreamExpect::default() }]);
        }
        (until, vec![tells, StreamExpect { ends: true, ..StreamExpect::default() }])
    }

    /// A client comes without an id.
    pub(super) fn open(&mut self, shows: &[String], form: &EventStream, topic: usize, step: StreamStep, reads: bool) {
        let name = self.stream_name();
        let told = self.topics[topic].told.len();
        let from = if form.begins == Begins::Oldest { 0 } else { told };
        let (until, expect) = if reads {
            let (until, expect) = self.due_to_the_end(topic, 0, false);
            (Some(until), expect)
        } else {
            (None, Vec::new())
        };
        let step = StreamStep { name: Some(name.clone()), until, expect, ..StreamStep { open: self.opening(topic).open, ..step } };
        self.push_stream(shows, step);
        let open = !reads || !self.topics[topic].ended;
        self.clients.push(Client { name, topic, from, read: if reads { told } else { from }, open, has_id: reads && told > from });
    }

    /// A client reads on.
    pub(super) fn read(&mut self, shows: &[String], at: usize, within: Option<Span>) {
        let Client { name, topic, read, .. } = self.clients[at].clone();
        let (until, expect) = self.due_to_the_end(topic, read, false);
        let until = Some(Until { within: until.within.or(within), ..until });
        self.push_stream(shows, StreamStep { of: Some(name), until, expect, ..StreamStep::default() });
        let told = self.topics[topic].told.len();
        self.clients[at].has_id |= told > read;
        self.clients[at].read = told;
        self.clients[at].open &= !self.topics[topic].ended;
        self.row_of_the_last(topic, read);
    }

    /// The audit row of what was told last.
    fn row_of_the_last(&mut self, topic: usize, from: usize) {
        let contract = self.generator.contract;
        let shows = self.generator.promises.shows(&["audit:count"]);
        let Some(told) = self.topics[topic].told.get(from..).and_then(<[Told]>::last).cloned() else { return };
        if !shows.is_empty() && contract.can("audit") && contract.can("one-per-key") && self.rng.percent(LOOKS_AT_ROWS) {
            let row = RowCheck { rows_for: told.name, count: Some(1), ..RowCheck::default() };
            self.push(&shows, Step { state: Some(StateCheck { audit: vec![row], ..StateCheck::default() }), ..Step::default() });
        }
    }

    pub(super) fn leave(&mut self, at: usize) {
        let close = Some(self.clients[at].name.clone());
        self.push_stream(&[], StreamStep { close, ..StreamStep::default() });
        self.clients[at].open = false;
    }

    /// A client comes back with the id in force.
    pub(super) fn back(&mut self, shows: &[String], at: usize) {
        let Client { name, topic, read, has_id, .. } = self.clients[at].clone();
        if !has_id {
            return;
        }
        let (until, expect) = self.due_to_the_end(topic, read, true);
        let new = self.rng.percent(70).then(|| self.stream_name());
        let step = StreamStep { reconnect: Some(name), name: new.clone(), until: Some(until), expect, ..StreamStep::default() };
        self.push_stream(shows, step);
        let (told, open) = (self.topics[topic].told.len(), !self.topics[topic].ended);
        match new {
            Some(name) => self.clients.push(Client { name, topic, from: read, read: told, open, has_id }),
            None => (self.clients[at].read, self.clients[at].open) = (told, open),
        }
    }

    pub(super) fn resume(&mut self, shows: &[String], topic: usize) {
        let Some((of, places)) = self.an_event() else { return };
        let Some(place) = self.rng.pick(&places).copied() else { return };
        let known = self.clients[of].clone();
        let delivery = self.topics[topic].told[place].name.clone();
        let (until, mut expect) = self.due_to_the_end(topic, place + 1, true);
        let told = self.topics[topic].told.len();
        if known.read == told && place + 1 < told && self.rng.percent(50) {
            expect.push(StreamExpect { again: Some(known.name.clone()), ..StreamExpect::default() });
        }
        let (name, id) = (self.stream_name(), Some(format!("{{id:{}.{delivery}}}", known.name)));
        let step = StreamStep { name: Some(name.clone()), last_event_id: id, until: Some(until), expect, ..self.opening(topic) };
        self.push_stream(shows, step);
        let open = !self.topics[topic].ended;
        self.clients.push(Client { name, topic, from: place + 1, read: told, open, has_id: true });
    }

    /// A client is cut within the first event, as a rule, and goes on where it was cut.
    pub(super) fn cut(&mut self, shows: &[String], topic: usize) {
        let told = self.topics[topic].told.len();
        let Some(all) = self.client(|client| client.from == 0 && client.read == told) else { return };
        let all = self.clients[all].name.clone();
        let (cut, again) = (self.stream_name(), self.stream_name());
        let until = Some(Until { closed: true, ..Until::default() });
        let cut_after = Some(self.rng.below(70) + 1);
        self.push_stream(shows, StreamStep { name: Some(cut.clone()), cut_after, until, ..self.opening(topic) });
        let until = Some(Until { id: Some(format!("{{id:{all}}}")), ..Until::default() });
        let expect = vec![StreamExpect { again: Some(all), ..StreamExpect::default() }];
        self.push_stream(shows, StreamStep { reconnect: Some(cut), name: Some(again), until, expect, ..StreamStep::default() });
    }

    pub(super) fn meanwhile(&mut self, shows: &[String], topic: usize) {
        let told = self.topics[topic].told.len();
        let Some(at) = self.client(|client| client.read == told && client.has_id) else { return };
        let last_event_id = Some(format!("{{id:{}}}", self.clients[at].name));
        self.crowd(shows, topic, MANY, self.on(topic));
        let name = self.stream_name();
        self.push_stream(shows, StreamStep { name: Some(name.clone()), last_event_id, unread: true, ..self.opening(topic) });
        self.crowd(shows, topic, MANY, self.on(topic));
        self.clients.push(Client { name, topic, from: told, read: told, open: true, has_id: true });
        self.read(shows, self.clients.len() - 1, None);
    }

    /// One that does not read delays nobody; the stream is left alone afterwards.
    pub(super) fn slow(&mut self, shows: &[String], form: &EventStream) {
        self.begin(shows, "job-{unique}");
        let topic = self.topics.len() - 1;
        let ((keys, bytes), slow) = (LONG, self.stream_name());
        self.push_stream(shows, StreamStep { name: Some(slow), unread: true, ..self.opening(topic) });
        self.open(shows, form, topic, StreamStep::default(), false);
        let quick = self.clients.len() - 1;
        self.crowd(shows, topic, keys, Deliver { event_bytes: Some(bytes), ..self.on(topic) });
        self.publish(shows, topic, &self.on(topic));
        self.read(shows, quick, Some(Span(Duration::from_secs(8))));
        self.clients.truncate(quick);
        self.topics.truncate(topic);
    }
}
