//! The judge of scenarios: a scenario, and a source of observations, in; findings out.
//!
//! One driver ([`scenario`]) plays a scenario over whatever can be observed: a
//! live target, the reference in memory, or a history that was kept
//! ([`kept`]). Sources collect observations, the driver holds them against the
//! contract, so that a run, `check` and `report verify` judge by the same law.
//!
//! Start at [`scenario::play`]. What a source must do is [`Source`].

mod attribution;
pub mod check;
mod circumstances;
pub mod effects;
pub mod findings;
mod health;
pub mod kept;
pub mod scenario;
mod steps;
pub mod verify;

pub use steps::span_of;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::clock::UnixMicros;
use crate::contract::{Contract, Level};
use crate::delivery::{Answer, Delivery, HeaderLine, NoAnswer};
use crate::history::Operation;
use crate::history::stream::StreamReading;
use crate::judge::check::Bindings;
use crate::judge::check::rows::Observation;
use crate::outcome::reader::Reader;
use crate::report::curl::Curl;
use crate::report::lack::Reason;
use crate::scenario::deliver::{Burst, Deliver, Get};
use crate::scenario::expect::StateCheck;
use crate::scenario::requirement::Catalogue;
use crate::scenario::stream::StreamStep;
use crate::scenario::{Restart, Snap, UnderWay};
use crate::secret::Redactor;
use crate::state::ReceiverState;

/// What all scenarios are judged by.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The contract, and what reads answers under it.
    pub reader: Reader,
    /// The requirements.
    pub catalogue: Arc<Catalogue>,
    /// The TTL that the receiver gives its keys, in seconds.
    pub ttl: Option<u64>,
    /// The level that is judged.
    pub level: Level,
    /// `http://host:port`, for schemes that sign the URL.
    pub origin: String,
    /// Writes lines that send a delivery again.
    pub curl: Curl,
    /// Finds what no answer may reveal: the secrets that sign, in any form.
    pub forbidden: Redactor,
}

impl Setting {
    /// The contract.
    #[must_use]
    pub fn contract(&self) -> &Arc<Contract> {
        self.reader.contract()
    }
}

/// Why a scenario goes no further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScenarioEnd {
    /// A *must* is broken.
    Broken,
    /// What was seen allows no further judgement, with the reason.
    Undecided(String),
    /// The contract or the surroundings do not allow the step, with the reason.
    NotApplicable(Reason),
    /// A history does not have what the step would need: nothing more can be judged again.
    NotKept,
    /// A history has no such delivery of this step.
    Lacks(usize),
}

impl ScenarioEnd {
    /// A delivery cannot be made under the contract, with the reason.
    #[must_use]
    pub fn not_made(why: String) -> Self {
        Self::NotApplicable(why.into())
    }
}

/// One delivery as it was sent, and what was observed of it.
#[derive(Clone, Debug)]
pub struct Sent {
    /// What travelled.
    pub delivery: Delivery,
    /// SHA-256 of its body.
    pub sha256: String,
    /// The key as the receiver should understand it; empty when it has none.
    pub key: String,
    /// The body before a key was put into it.
    pub plain_body: Bytes,
    /// Text that no answer to it may reveal: the signature that would have passed.
    pub right_signature: Vec<Vec<u8>>,
    /// Whether the whole request reached the receiver.
    pub arrives: bool,
    /// When it was sent, by the receiver's clock.
    pub sent_at: UnixMicros,
    /// How long its answer took.
    pub took: Duration,
    /// How much of that was our own lateness, where it took longer than the contract allows.
    pub own_delay: Duration,
    /// Whether it had gone once before, over a connection that met its end before an answer began.
    pub went_twice: bool,
    /// After the first of a burst was released, in microseconds.
    pub start_us: u64,
    /// What came back.
    pub result: Result<Answer, NoAnswer>,
    /// Deliveries that were made beside it, while it travelled slowly.
    pub beside: Vec<Sent>,
    /// The rows that were there when its event had come, where that was looked for and could be seen.
    pub when_told: Option<ReceiverState>,
}

/// A burst as it was released.
#[derive(Clone, Debug, Default)]
pub struct Released {
    /// Its deliveries, in the order they were made.
    pub sent: Vec<Sent>,
    /// Time from the first release to the last.
    pub spread: Duration,
    /// How many were under way at the same time, at the most.
    pub most_at_once: usize,
}

/// A question and what was said to it.
#[derive(Clone, Debug)]
pub struct Told {
    /// The question.
    pub question: Delivery,
    /// How long the answer took.
    pub took: Duration,
    /// What came back.
    pub result: Result<Answer, NoAnswer>,
}

/// Where in a scenario something happens, and what is known there.
#[derive(Clone, Copy)]
pub struct At<'a> {
    /// The step, from 1, as in the file.
    pub number: usize,
    /// What is known so far.
    pub bindings: &'a Bindings,
    /// Every key that was sent so far.
    pub keys: &'a [String],
}

/// What is asked of an event stream.
#[derive(Clone, Debug)]
pub struct AskedStream<'s> {
    /// The step.
    pub step: &'s StreamStep,
    /// The stream's path.
    pub path: String,
    /// The value of `Last-Event-ID`; none without such a line.
    pub last_event_id: Option<String>,
    /// The id in force when the step begins.
    pub in_force: String,
    /// The id up to which it is read.
    pub until_id: Option<String>,
    /// How many events that tell of deliveries are waited for.
    pub events: Option<usize>,
}

impl<'s> AskedStream<'s> {
    /// The name under which the stream is known to later steps.
    #[must_use]
    pub fn name(&self) -> Option<&'s str> {
        let step = self.step;
        step.of.as_deref().or(step.name.as_deref()).or(step.reconnect.as_deref())
    }

    /// Its header lines, beside those that every question has.
    #[must_use]
    pub fn header_lines(&self) -> Vec<HeaderLine> {
        let mut lines = vec![HeaderLine::new("Accept", "text/event-stream")];
        lines.extend(self.step.gzip.then(|| HeaderLine::new("Accept-Encoding", "gzip")));
        lines.extend(self.last_event_id.as_ref().map(|id| HeaderLine::new("Last-Event-ID", id.clone())));
        lines
    }
}

/// How long after the lease a key that was left in flight is asked for.
const AFTER_THE_LEASE: Duration = Duration::from_secs(1);
/// A lease that is longer is not waited for.
pub const LONGEST_LEASE: Duration = Duration::from_secs(60);

/// How far time is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ahead {
    /// So far in all.
    pub by: Duration,
    /// What has passed since then, by the receiver's clock, is a part of it: what is waited for before time is moved, too.
    pub since: Option<UnixMicros>,
    /// Whether a lease is to be over then: no row may tell of it, and the receiver's own clock alone lets it pass.
    pub is_lease: bool,
}

impl Ahead {
    /// What is left to go at `now`; whole seconds of a span of which some has passed, for rows are moved by those.
    #[must_use]
    pub fn left(self, now: UnixMicros) -> Duration {
        let spent = self.since.map(|since| now.since(since)).filter(|spent| *spent < self.by);
        spent.map_or(self.by, |spent| Duration::from_secs(self.by.saturating_sub(spent).as_secs()))
    }
}

/// Where observations come from.
///
/// A source does what a step says and tells what it saw; it judges nothing.
pub trait Source: Send {
    /// What time it is for the receiver.
    fn now(&self) -> UnixMicros;

    /// How far the scenario's rows have been moved back, in microseconds.
    fn moved_us(&self) -> i64 {
        0
    }

    /// Sends one delivery.
    fn deliver(&mut self, at: At<'_>, deliver: &Deliver) -> impl Future<Output = Result<Sent, ScenarioEnd>> + Send;

    /// Releases a burst.
    fn burst(&mut self, at: At<'_>, burst: &Burst) -> impl Future<Output = Result<Released, ScenarioEnd>> + Send;

    /// Lets time pass.
    fn advance(&mut self, at: At<'_>, by: Ahead) -> impl Future<Output = Result<(), ScenarioEnd>> + Send;

    /// Looks at what is remembered; `None` where it cannot be seen.
    fn look(&mut self, at: At<'_>, check: &StateCheck) -> impl Future<Output = Result<Option<Observation>, ScenarioEnd>> + Send;

    /// How often the work of each key was done; `None` where it cannot be counted.
    fn effects(&mut self, at: At<'_>, keys: &[String]) -> impl Future<Output = Result<Option<Vec<u64>>, ScenarioEnd>> + Send;

    /// The same of keys that are no text; `None` where nobody can be asked for such.
    fn effects_of_bytes(&mut self, _at: At<'_>, _keys: &[Vec<u8>]) -> impl Future<Output = Result<Option<Vec<u64>>, ScenarioEnd>> + Send {
        std::future::ready(Ok(None))
    }

    /// Whether the effects of a key can be told from those of every other one.
    fn tells_effects_of(&self, _key: &str) -> bool {
        true
    }

    /// Why there are no effects to be counted at all, as a sentence: what would tell of them has never been there.
    fn effects_missing(&self) -> Option<String> {
        None
    }

    /// Gives the receiver time before it is asked again: whether there is any left of `patience`.
    fn give_time(&mut self, at: At<'_>, patience: Duration, tries: usize) -> impl Future<Output = Result<bool, ScenarioEnd>> + Send;

    /// Asks something; `None` where nobody can be asked.
    fn ask(&mut self, at: At<'_>, get: &Get) -> impl Future<Output = Result<Option<Told>, ScenarioEnd>> + Send;

    /// Opens an event stream, or reads on in one; a reading for each client.
    fn stream(&mut self, at: At<'_>, asked: &AskedStream<'_>) -> impl Future<Output = Result<Vec<StreamReading>, ScenarioEnd>> + Send;

    /// Leaves a stream that is open.
    fn leave_stream(&mut self, name: &str) -> impl Future<Output = ()> + Send;

    /// Asks the health page, or whatever shows that the receiver lives; `None` where nobody can be asked.
    fn health(&mut self) -> impl Future<Output = Option<Result<Answer, NoAnswer>>> + Send;

    /// Ends the receiver and starts it again.
    fn restart(&mut self, restart: &Restart) -> impl Future<Output = Result<(), ScenarioEnd>> + Send;

    /// The same, while several senders deliver: what they sent, in the order they were made.
    fn break_in(
        &mut self,
        at: At<'_>,
        restart: &Restart,
        under_way: &UnderWay,
    ) -> impl Future<Output = Result<Vec<Sent>, ScenarioEnd>> + Send;

    /// Sends every delivery of [`Source::break_in`] once more, in the order that it gave.
    fn once_more(&mut self, at: At<'_>) -> impl Future<Output = Result<Vec<Sent>, ScenarioEnd>> + Send;

    /// Whether a step is repeated once more; `round` counts from 0.
    fn goes_on(&mut self, _at: At<'_>, _round: u32) -> bool {
        true
    }

    /// Keeps a snapshot, where somebody wants any.
    fn snapshot(&mut self, at: At<'_>, snap: &Snap, answer: Option<&Answer>) -> impl Future<Output = Result<(), ScenarioEnd>> + Send;

    /// Takes a delivery into the history, where one is kept.
    fn keep(&mut self, _operation: Operation) {}
}
