//! A subscriber of a load: opens its stream, reads, is cut, is away for a while, and comes back with the id that it has read last.
//!
//! What it does follows from the seed of the load. It is never cut before it has an id to come back with: what is published
//! meanwhile would be nobody's promise.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch::Receiver;
use tokio::task::JoinSet;

use super::{Phase, Streams, lock};
use crate::clock::Moment;
use crate::contract::stream::{Begins, Then};
use crate::delivery::{Delivery, HeaderLine};
use crate::event_stream::Retry;
use crate::event_stream::client::{Client, RECONNECTION_TIME, Stop};
use crate::judge::check::stream::is_turned_away;
use crate::random::Rng;
use crate::session::places::Seat;
use crate::transport::Sender;
use crate::transport::event_stream::{EndedBy, EventStreamConnection, Next};

/// Who hears nothing for so long, when all deliveries have ended, has heard what there is.
pub(super) const QUIET: Duration = Duration::from_secs(1);
/// Nobody is away for longer: a load is no browser, whose user waits.
const LONGEST_AWAY: Duration = Duration::from_secs(1);
/// So long a subscriber waits that was not let in; each time twice as long.
const FIRST_BACK_OFF: Duration = Duration::from_millis(20);
/// And this is the longest.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(1);
/// One in so many streams that are resumed is cut within what it is told at first.
const CUT_EARLY: u64 = 4;
/// Within so many bytes.
const EARLY_BYTES: u64 = 2_048;
/// The seeds of subscribers are not those of users.
const OF_SUBSCRIBERS: u64 = 1 << 40;

/// Starts all subscribers, and waits until each has had an answer.
pub(super) async fn start(streams: &Arc<Streams>) -> JoinSet<()> {
    let mut begun = JoinSet::new();
    for number in 0..streams.asked.count {
        begun.spawn(subscribe(Arc::clone(streams), number));
    }
    while streams.tried.0.load(Ordering::Acquire) < streams.asked.count as u64 {
        streams.tried.1.notified().await;
    }
    begun
}

/// Reads until the load is over.
async fn subscribe(streams: Arc<Streams>, number: usize) {
    let mut one = Subscriber {
        rng: Rng::new(streams.seed, OF_SUBSCRIBERS + number as u64),
        phase: streams.phase.subscribe(),
        sender: Sender::new(streams.target.clone(), streams.timeout),
        retry: RECONNECTION_TIME,
        back_off: FIRST_BACK_OFF,
        number,
        streams: &streams,
    };
    let mut is_first = true;
    while one.phase() != Phase::Over {
        let opened = one.open().await;
        if std::mem::take(&mut is_first) {
            streams.tried.0.fetch_add(1, Ordering::AcqRel);
            streams.tried.1.notify_one();
        }
        let Some((connection, asked, _seat)) = opened else {
            let wait = one.back_off;
            one.back_off = (wait * 2).min(LONGEST_BACK_OFF);
            one.rest(wait, Phase::Over).await;
            continue;
        };
        one.back_off = FIRST_BACK_OFF;
        streams.tallies.open.fetch_add(1, Ordering::Relaxed);
        one.read(connection, asked).await;
        streams.tallies.open.fetch_sub(1, Ordering::Relaxed);
        let away = one.retry.min(LONGEST_AWAY).mul_f64((one.rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64);
        one.rest(away, Phase::Settling).await;
    }
}

struct Subscriber<'s> {
    streams: &'s Streams,
    number: usize,
    sender: Sender,
    phase: Receiver<Phase>,
    rng: Rng,
    retry: Duration,
    back_off: Duration,
}

impl Subscriber<'_> {
    fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Waits, but not beyond the beginning of a phase.
    async fn rest(&mut self, span: Duration, until: Phase) {
        let is_there = move |phase: &Phase| *phase == until || *phase == Phase::Over;
        // Whoever is not told of a phase any more has nothing to wait for.
        drop(tokio::time::timeout(span, self.phase.wait_for(is_there)).await);
    }

    /// Opens the stream, from the id that was read last: the connection, when it was asked for, and its place.
    async fn open(&mut self) -> Option<(EventStreamConnection, Moment, Seat)> {
        let streams = self.streams;
        let (stream, id, was_open) = {
            let reading = lock(&streams.readings[self.number]);
            (reading.stream, reading.last_id.clone(), reading.was_open)
        };
        let mut question = Delivery { path: streams.path(stream), ..streams.question.clone() };
        question.headers.push(HeaderLine::new("Accept", "text/event-stream".to_owned()));
        question.headers.push(HeaderLine::new("Cache-Control", "no-cache".to_owned()));
        if !id.is_empty() {
            question.headers.push(HeaderLine::new("Last-Event-ID", id.clone()));
        }
        let is_cut_early = !id.is_empty() && self.rng.next_u64().is_multiple_of(CUT_EARLY) && self.phase() == Phase::Running;
        let cut_after = is_cut_early.then(|| 1 + (self.rng.next_u64() % EARLY_BYTES) as usize);
        let (asked, mut seat) = (Moment::now(), streams.places.enter());
        let opened = {
            let _turn = streams.openings.acquire().await.ok()?;
            self.sender.open_stream(&question, &id, cut_after).await
        };
        let mut reading = lock(&streams.readings[self.number]);
        reading.is_silent = false;
        let shut = match &opened {
            Err(none) => Some((none.to_string(), false)),
            Ok(connection) => {
                let head = connection.head();
                Client::default().opened(head.status, head.header("content-type").as_deref()).err().map(|stop| (said(&stop), true))
            }
        };
        if let Some((why, is_refused)) = shut {
            *lock(&streams.refused).entry(why.clone()).or_default() += 1;
            let is_turned_away = opened.as_ref().is_ok_and(|connection| is_turned_away(&streams.form, connection.head()));
            let status = opened.ok().map(|connection| connection.head().status);
            if is_refused && !id.is_empty() && self.is_answer_to_unknown(status) {
                // As the contract says of an id that is not kept: a client that wants more begins anew.
                let is_told_in_time = streams.may_be_evicted(&reading);
                reading.start_anew(is_told_in_time, streams.instant(asked).0, &question.path);
                reading.last_id.clear();
            }
            // The place of one that was cut a moment ago may be taken still: then nothing is said of what it misses.
            let for_others = is_turned_away && streams.places.may_be_taken();
            seat.turned_away();
            (reading.shut, reading.is_refused) = (Some(why), is_refused && !for_others);
            return None;
        }
        let connection = opened.ok()?;
        if id.is_empty() && (streams.form.begins == Begins::Now || streams.may_be_evicted(&reading)) {
            // Who begins without an id is told what is kept, or what comes: nothing else is promised.
            reading.excused_before = reading.excused_before.max(streams.instant(connection.opened()).0);
        }
        (reading.was_open, reading.is_begun, reading.shut) = (true, false, None);
        drop(reading);
        streams.tallies.opened.fetch_add(1, Ordering::Relaxed);
        streams.tallies.resumed.fetch_add(u64::from(was_open), Ordering::Relaxed);
        Some((connection, asked, seat))
    }

    fn is_answer_to_unknown(&self, status: Option<u16>) -> bool {
        let unknown = &self.streams.form.unknown;
        match unknown.then {
            Then::NoContent => status == Some(204),
            Then::Refused => status == Some(unknown.status.unwrap_or(410)),
            Then::Reset | Then::Replay => false,
        }
    }

    /// Reads until the stream is cut, ends, or the load is over.
    async fn read(&mut self, mut connection: EventStreamConnection, asked: Moment) {
        let streams = self.streams;
        let life = streams.asked.life.mul_f64(self.rng.gap());
        let mut cut = std::pin::pin!(tokio::time::sleep(life));
        let mut is_old = false;
        // A heartbeat is no event: who is told nothing of deliveries for so long is told nothing more.
        let mut quiet_since = Moment::now();
        loop {
            if is_old && self.phase() == Phase::Running && !lock(&streams.readings[self.number]).last_id.is_empty() {
                streams.tallies.cut.fetch_add(1, Ordering::Relaxed);
                return;
            }
            tokio::select! {
                next = connection.next(QUIET) => match next {
                    Next::Block(came) => {
                        if let Some(Retry::Millis(millis)) = came.block.retry {
                            self.retry = Duration::from_millis(millis);
                        }
                        streams.take(self.number, &came.block, (came.at, asked));
                        if came.block.event.as_ref().is_some_and(|event| event.name == streams.form.event) {
                            quiet_since = Moment::now();
                        } else if self.phase() != Phase::Running && quiet_since.elapsed() > QUIET {
                            lock(&streams.readings[self.number]).is_silent = true;
                        }
                    }
                    Next::Nothing => lock(&streams.readings[self.number]).is_silent = self.phase() != Phase::Running,
                    Next::Ended(ended) => {
                        let counter = if ended.why == EndedBy::Cut { &streams.tallies.cut } else { &streams.tallies.ended };
                        counter.fetch_add(1, Ordering::Relaxed);
                        return;
                    }
                },
                () = &mut cut, if !is_old => is_old = true,
                changed = self.phase.changed() => {
                    quiet_since = Moment::now();
                    if changed.is_err() || self.phase() == Phase::Over {
                        return;
                    }
                }
            }
        }
    }
}

/// Why a stream was not opened, in a word or two.
fn said(stop: &Stop) -> String {
    match stop {
        Stop::NoContent => "204".to_owned(),
        Stop::Status(status) => status.to_string(),
        Stop::Type(kind) if kind.is_empty() => "no content type".to_owned(),
        Stop::Type(kind) => format!("content type {kind}"),
    }
}
