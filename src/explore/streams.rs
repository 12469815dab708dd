//! Streams of a sequence: what was published on each, and how far its clients have read.
//!
//! In: a move (begin a stream, publish, open, read on, leave, come back, resume from an id, cut, end). Out: its steps, each with what a
//! right receiver tells: every delivery that was accepted on a stream, once, in order, from where the client stands. No receiver is
//! asked. Names of streams are fresh, so that what others publish is never told here.

mod steps;

use std::time::Duration;

use super::generator::Sequence;
use super::keys::Standing;
use super::letters::Letter;
use crate::contract::Contract;
use crate::contract::stream::Then;
use crate::scenario::deliver::Deliver;
use crate::scenario::stream::{Leaving, OpenStreams, StreamExpect, StreamStep, Until};

/// So long nothing more may come.
pub(super) const QUIET: Duration = Duration::from_millis(100);
/// So often of a hundred a reading looks whether more comes than is due.
const LOOKS_ON: usize = 50;
/// So often of a hundred the row of what was told is looked at.
const LOOKS_AT_ROWS: usize = 35;
/// So often of a hundred somebody reads a stream when the receiver is started again.
const READS_BEFORE: usize = 60;
/// So many are published at once.
const MANY: usize = 12;
/// So many events of this size are more than what lies between receiver and client can hold.
const LONG: (usize, usize) = (160, 60_000);
/// A contract that lets in more clients is not tried for its places.
const MOST_PLACES: usize = 2_000;

/// What is done with streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamMove {
    /// The first delivery of a stream of this name.
    Begin(&'static str),
    /// One more delivery on a stream.
    Publish,
    /// Many at once.
    Crowd,
    /// One that is refused, and perhaps the honest one behind it.
    Forged,
    /// So many clients come, without an id, with gzip or not, and read or wait.
    Open {
        /// How many.
        clients: usize,
        /// Whether they take gzip.
        gzip: bool,
        /// Whether they read at once.
        reads: bool,
    },
    /// A client reads on.
    Read,
    /// A client leaves, misses something, and comes back.
    Away,
    /// A client comes back.
    Back,
    /// A client comes with the id of an event that another has read.
    Resume,
    /// A client comes with an empty id.
    EmptyId,
    /// A client comes with an id that nobody gave.
    Unknown(&'static str),
    /// A client is cut after some bytes, and comes back.
    Cut,
    /// Much is published while a client is told what it missed.
    Meanwhile,
    /// The last delivery of a stream.
    End,
    /// A client waits for a heartbeat.
    Heartbeat,
    /// A client does not read, while another one does.
    Slow,
    /// Many come and go before one stays.
    Leaving,
}

/// A stream of a sequence.
#[derive(Clone, Debug)]
pub(super) struct Topic {
    brought_by: String,
    told: Vec<Told>,
    ended: bool,
}

/// What was published: a delivery, or those of a burst.
#[derive(Clone, Debug)]
struct Told {
    name: String,
    events: usize,
    in_order: bool,
}

/// A client of a stream: what it has read are the places from the one up to the other.
#[derive(Clone, Debug)]
pub(super) struct Client {
    name: String,
    topic: usize,
    from: usize,
    read: usize,
    open: bool,
    /// Whether an id is in force.
    has_id: bool,
}

/// Every move: its kind, the features by which a suite speaks of it, and how often it comes.
pub(super) fn moves(contract: &Contract) -> Vec<(&'static str, &'static [&'static str], f64, StreamMove)> {
    use StreamMove as M;
    let open = |clients, gzip, reads| M::Open { clients, gzip, reads };
    // What takes long comes seldom: a pair comes as often as the root of its weight.
    let beat = contract.stream.as_ref().and_then(|form| form.heartbeat).map_or(1.0, |beat| beat.0.as_secs_f64().max(1.0));
    vec![
        ("stream:begin", &["stream"], 1.0, M::Begin("job-{unique}")),
        ("stream:begin:wide", &["stream"], 0.2, M::Begin("j\u{f6}b-\u{2603}-{unique}")),
        ("stream:begin:line", &["stream"], 0.2, M::Begin("job-{unique}\nid: 1")),
        ("stream:publish", &["stream_of"], 2.0, M::Publish),
        ("stream:crowd", &["burst+stream_of"], 0.5, M::Crowd),
        ("stream:forged", &["stream_of"], 0.5, M::Forged),
        ("stream:open", &["stream:open"], 1.5, open(1, false, true)),
        ("stream:open:gzip", &["stream:gzip"], 0.7, open(1, true, true)),
        ("stream:open:many", &["stream:clients"], 0.3, open(8, false, true)),
        ("stream:open:later", &["stream:open"], 0.7, open(1, false, false)),
        ("stream:read", &["stream:read"], 2.5, M::Read),
        ("stream:away", &["stream:reconnect"], 1.0, M::Away),
        ("stream:back", &["stream:reconnect"], 1.0, M::Back),
        ("stream:resume", &["stream:resume"], 1.5, M::Resume),
        ("stream:empty-id", &["stream:empty-id"], 0.3, M::EmptyId),
        ("stream:unknown", &["stream:unknown"], 0.4, M::Unknown("4611686018427387904")),
        ("stream:unknown:word", &["stream:unknown"], 0.3, M::Unknown("no-such-id")),
        ("stream:unknown:minus", &["stream:unknown"], 0.3, M::Unknown("-1")),
        ("stream:cut", &["stream:cut"], 0.7, M::Cut),
        ("stream:meanwhile", &["stream:unread"], 0.4, M::Meanwhile),
        ("stream:end", &["ends_stream"], 0.6, M::End),
        ("stream:heartbeat", &["stream:heartbeat"], 0.1 / beat, M::Heartbeat),
        ("stream:slow", &["event_bytes"], 0.02, M::Slow),
        ("stream:leaving", &["stream:leaving"], 0.02, M::Leaving),
    ]
}

/// The features of a step with a stream.
pub(super) fn features_of(step: &StreamStep) -> Vec<String> {
    let id = step.last_event_id.as_deref();
    let expects = |wanted: fn(&StreamExpect) -> bool| step.expect.iter().any(wanted);
    let known = [
        ("open", step.open.is_some()),
        ("read", step.of.is_some()),
        ("reconnect", step.reconnect.is_some()),
        ("cut", step.cut_after.is_some()),
        ("unread", step.unread),
        ("gzip", step.gzip),
        ("clients", step.clients.is_some()),
        ("leaving", step.after_leaving.is_some()),
        ("empty-id", id == Some("")),
        ("resume", id.is_some_and(|id| id.contains("{id:"))),
        ("unknown", step.expects_unknown()),
        ("heartbeat", expects(|one| one.heartbeat)),
    ];
    known.into_iter().filter(|(_, there)| *there).map(|(name, _)| format!("stream:{name}")).collect()
}

impl StreamMove {
    /// How many more streams it has open at the most than there were.
    fn opens(self) -> usize {
        match self {
            Self::Open { clients, .. } => clients,
            Self::Slow | Self::Cut => 2,
            Self::Begin(name) => usize::from(name.contains('\n')),
            Self::Back | Self::Resume | Self::EmptyId | Self::Unknown(_) | Self::Meanwhile | Self::End | Self::Leaving => 1,
            // Who is away leaves its own place first.
            Self::Publish | Self::Crowd | Self::Forged | Self::Read | Self::Away | Self::Heartbeat => 0,
        }
    }
}

impl Topic {
    fn events(&self) -> usize {
        self.told.iter().map(|told| told.events).sum()
    }
}

impl Client {
    fn is_up_to_date(&self, topic: &Topic) -> bool {
        self.has_id && self.read == topic.told.len()
    }
}

impl Sequence<'_> {
    /// Which stream the next move is about: the newest as a rule.
    pub(super) fn choose_topic(&mut self) {
        let last = self.topics.len().checked_sub(1);
        self.topic = last.map(|last| if self.rng.percent(70) { last } else { self.rng.below(last + 1) });
    }

    /// How the stream stands that a move is about, in the words of keys.
    pub(super) fn topic_standing(&self, what: StreamMove) -> Standing {
        let begins = matches!(what, StreamMove::Begin(_) | StreamMove::Slow | StreamMove::Leaving);
        let Some(at) = self.topic.filter(|_| !begins) else { return Standing::Unknown };
        let clients = || self.clients.iter().filter(|client| client.topic == at);
        match clients().rfind(|client| client.open) {
            _ if self.topics[at].ended => Standing::Expired,
            Some(client) if client.read < self.topics[at].told.len() => Standing::InFlight,
            Some(_) => Standing::Live,
            None if clients().next().is_some() => Standing::Open,
            None => Standing::Unknown,
        }
    }

    /// Whether a move can be made of the stream that was chosen.
    pub(super) fn fits_stream(&self, what: StreamMove) -> bool {
        let Some(form) = &self.generator.contract.stream else { return false };
        let none = Topic { brought_by: String::new(), told: Vec::new(), ended: true };
        let topic = self.topic.and_then(|at| self.topics.get(at)).unwrap_or(&none);
        let (goes_on, has_room) = (!topic.ended, |more: usize| topic.events() + more <= form.keeps);
        let replays = self.generator.contract.can("replays");
        if OpenStreams::of(&self.steps).in_the_end() + what.opens() > form.at_once {
            return false;
        }
        match what {
            StreamMove::Begin(_) => true,
            StreamMove::Slow => self.generator.contract.can("long-events"),
            StreamMove::Leaving => form.at_once <= MOST_PLACES,
            StreamMove::Publish | StreamMove::Forged | StreamMove::End => goes_on && has_room(1),
            StreamMove::Crowd => goes_on && has_room(MANY),
            StreamMove::Open { .. } => (goes_on || replays) && !topic.told.is_empty(),
            StreamMove::Read => self.client(|client| client.open).is_some(),
            StreamMove::Away => goes_on && has_room(2) && self.client(|client| client.open && client.has_id).is_some(),
            StreamMove::Back => self.client(|client| client.has_id).is_some(),
            StreamMove::Resume => self.an_event().is_some(),
            StreamMove::EmptyId => goes_on && replays,
            StreamMove::Unknown(_) => goes_on,
            StreamMove::Cut => goes_on && replays && self.client(|client| client.from == 0 && client.is_up_to_date(topic)).is_some(),
            StreamMove::Meanwhile => goes_on && has_room(2 * MANY) && self.client(|client| client.is_up_to_date(topic)).is_some(),
            StreamMove::Heartbeat => goes_on && self.client(|client| client.open && client.is_up_to_date(topic)).is_some(),
        }
    }

    /// The newest client of the chosen stream that is as wanted.
    fn client(&self, wanted: impl Fn(&Client) -> bool) -> Option<usize> {
        self.clients.iter().rposition(|client| Some(client.topic) == self.topic && wanted(client))
    }

    /// A client, and the place of an event that it has read and that has one delivery.
    fn an_event(&self) -> Option<(usize, Vec<usize>)> {
        let topic = self.topics.get(self.topic?)?;
        let read = |client: &Client| -> Vec<usize> { (client.from..client.read).filter(|at| topic.told[*at].in_order).collect() };
        let at = self.client(|client| !read(client).is_empty())?;
        Some((at, read(&self.clients[at])))
    }

    /// Writes the steps of a move.
    pub(super) fn stream_move(&mut self, shows: &[String], what: StreamMove, letters: &[&Letter]) {
        let contract = self.generator.contract;
        let Some(form) = &contract.stream else { return };
        let topic = self.topic.unwrap_or_default();
        match what {
            StreamMove::Begin(name) => {
                self.begin(shows, name);
                // Where an odd name is refused, no stream tells of it, and the rest says nothing.
                if name.contains('\n') {
                    self.keys.pop();
                    self.open(shows, form, self.topics.len() - 1, StreamStep::default(), false);
                }
            }
            StreamMove::Publish => {
                let deliver = self.in_two_ways(&self.on(topic), letters);
                self.publish(shows, topic, &deliver);
            }
            StreamMove::Crowd => self.crowd(shows, topic, MANY, self.on(topic)),
            StreamMove::Forged => self.forged(shows, topic),
            StreamMove::Open { clients, gzip, reads } => {
                let clients = Some(clients).filter(|clients| *clients > 1);
                self.open(shows, form, topic, StreamStep { clients, gzip, ..StreamStep::default() }, reads);
            }
            StreamMove::Read => {
                if let Some(at) = self.client(|client| client.open) {
                    self.read(shows, at, None);
                }
            }
            StreamMove::Away => {
                if let Some(at) = self.client(|client| client.open && client.has_id) {
                    self.leave(at);
                    self.publish(shows, topic, &self.on(topic));
                    if self.rng.percent(50) {
                        self.publish(shows, topic, &self.on(topic));
                    }
                    self.back(shows, at);
                }
            }
            StreamMove::Back => {
                if let Some(at) = self.client(|client| client.has_id) {
                    if self.clients[at].open && self.rng.percent(70) {
                        self.leave(at);
                    }
                    self.back(shows, at);
                }
            }
            StreamMove::Resume => self.resume(shows, topic),
            StreamMove::EmptyId => {
                let (until, tells) = self.due(topic, 0);
                let step =
                    StreamStep { last_event_id: Some(String::new()), until: Some(until), expect: vec![tells], ..self.opening(topic) };
                self.push_stream(shows, step);
            }
            StreamMove::Unknown(id) => {
                let (until, tells) = self.due(topic, 0);
                let expect = vec![StreamExpect { unknown: true, ..StreamExpect::default() }, tells];
                let (name, last_event_id) = (self.stream_name(), Some(id.to_owned()));
                let step = StreamStep { name: Some(name.clone()), last_event_id, until: Some(until), expect, ..self.opening(topic) };
                self.push_stream(shows, step);
                if matches!(form.unknown.then, Then::Reset | Then::Replay) {
                    let read = self.topics[topic].told.len();
                    self.clients.push(Client { name, topic, from: 0, read, open: true, has_id: read > 0 });
                }
            }
            StreamMove::Cut => self.cut(shows, topic),
            StreamMove::Meanwhile => self.meanwhile(shows, topic),
            StreamMove::End => {
                self.publish(shows, topic, &Deliver { ends_stream: true, ..self.on(topic) });
                self.topics[topic].ended = true;
                if let Some(at) = self.client(|client| client.open) {
                    self.read(shows, at, None);
                    self.back(shows, at);
                }
            }
            StreamMove::Heartbeat => {
                if let Some(at) = self.client(|client| client.open && client.read == self.topics[topic].told.len()) {
                    let until = Some(Until { heartbeat: true, ..Until::default() });
                    let beats = StreamExpect { heartbeat: true, ..StreamExpect::default() };
                    let nothing = StreamExpect { tells: Some(Vec::new()), ..StreamExpect::default() };
                    let of = Some(self.clients[at].name.clone());
                    self.push_stream(shows, StreamStep { of, until, expect: vec![beats, nothing], ..StreamStep::default() });
                }
            }
            StreamMove::Slow => self.slow(shows, form),
            StreamMove::Leaving => {
                self.begin(shows, "job-{unique}");
                let topic = self.topics.len() - 1;
                let step = StreamStep { after_leaving: Some(Leaving::AtOnce), ..StreamStep::default() };
                self.open(shows, form, topic, step, false);
                self.publish(shows, topic, &self.on(topic));
                self.read(shows, self.clients.len() - 1, None);
            }
        }
    }

    /// Before a restart a stream has a client that has read something of it, more often than not; whether it is so.
    pub(super) fn reads_before_a_restart(&mut self) -> bool {
        let Some(form) = &self.generator.contract.stream else { return false };
        let begins = self.generator.promises.shows(&["stream"]);
        if begins.is_empty() || !self.rng.percent(READS_BEFORE) {
            return false;
        }
        let opens = self.generator.promises.shows(&["stream:open"]);
        let reads = |one: &Client| one.open && one.has_id && !self.topics[one.topic].ended;
        if let Some(at) = self.clients.iter().rposition(reads).filter(|at| self.topics[self.clients[*at].topic].events() < form.keeps) {
            self.topic = Some(self.clients[at].topic);
            return true;
        }
        if form.keeps < MANY || OpenStreams::of(&self.steps).in_the_end() >= form.at_once {
            return false;
        }
        self.begin(&begins, "job-{unique}");
        let topic = self.topics.len() - 1;
        self.topic = Some(topic);
        self.open(&opens, form, topic, StreamStep::default(), true);
        self.publish(&begins, topic, &self.on(topic));
        self.read(&opens, self.clients.len() - 1, None);
        true
    }

    /// A receiver that ends, ends every stream; who has read something comes back, as often as not.
    ///
    /// * `is_read`: somebody reads the stream that was chosen, and comes back in any case.
    pub(super) fn streams_end(&mut self, is_read: bool) {
        self.clients.iter_mut().for_each(|client| client.open = false);
        if !is_read {
            self.choose_topic();
        }
        let Some(topic) = self.topic else { return };
        if let Some(at) = self.client(|client| client.has_id).filter(|_| !self.topics[topic].ended && (is_read || self.rng.percent(50))) {
            let shows = self.generator.promises.shows(&["stream:reconnect", "stream:open"]);
            self.publish(&shows, topic, &self.on(topic));
            self.back(&shows, at);
        }
    }
}
