//! Bursts: many deliveries at the same moment, each over a connection of its own.
//!
//! All connections are opened first; then one loop writes every transmission,
//! without a pause and without waiting for anything. Of a long one all but the
//! end is written before, so no receiver can have a delivery whole before the
//! release. Over TLS the handshakes are done and the records are sealed before,
//! so that the loop writes bytes and nothing else. In: transmissions. Out:
//! [`Release`], with the spread as it was measured.
//!
//! Measured with 32 deliveries on two cores, at a receiver with a thread a
//! connection: released within 0.5 ms, the last there whole 0.6 ms after the
//! first. With tasks at a barrier it is 2 ms after the first, with threads at
//! a barrier 3 ms, without `SETTLING` 1.5 ms, holding back single bytes 1 ms.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::codec::decode::{Answered, Reading, Surplus};
use super::codec::encode::EncodedRequest;
use super::connection::{Connection, Exchanged, Outgoing};
use super::stream::plain;
use super::{Exchange, Sender, Transmission};
use crate::clock::{Clock, Moment, SystemClock, UnixMicros};
use crate::delivery::{Answer, Delivery, NoAnswer};

/// So many connections are opened at a time, fewer than any common listen backlog.
const OPENING_AT_ONCE: usize = 64;
/// A receiver that takes one connection at a time leaves the others waiting:
/// after this the burst begins, and late ones send as soon as they are connected.
const PATIENCE: Duration = Duration::from_secs(1);
/// What the release writes of each transmission: short ones whole, so that they
/// travel in one piece, and so little of long ones that the loop stays quick.
const HELD_BACK_BYTES: usize = 4 << 10;
/// Time for the receiver to take its new connections up, so that the release finds it waiting.
const SETTLING: Duration = Duration::from_millis(2);

/// How a burst went.
#[derive(Clone, Debug)]
pub struct Release {
    /// One for each transmission, in the order they were given.
    pub exchanges: Vec<Exchange>,
    /// Time from the first release to the last; zero when fewer than two were released.
    pub release_spread: Duration,
    /// How many were under way at the same time, at the most.
    pub most_at_once: usize,
}

/// A connection that stands, and what is still to be written to it.
struct Ready {
    place: usize,
    connection: Connection,
    /// As it travels: sealed, where the stream seals.
    rest: Bytes,
    reading: Reading<'static>,
}

/// A transmission that was released.
struct Released {
    place: usize,
    at: Moment,
    sent_at: UnixMicros,
    ended: Moment,
    result: Result<Answer, NoAnswer>,
    /// What came behind its answer at once.
    after: Option<Surplus>,
}

impl Sender {
    /// Sends all `transmissions` at the same moment.
    ///
    /// Each waits at most the time-out for its connection, and as long for its
    /// answer. One whose connection fails gets [`NoAnswer::Unreachable`]; the
    /// others are sent all the same. A body that would wait for `100 Continue` is
    /// sent without waiting, as RFC 9110 §10.1.1 allows.
    pub async fn burst(&self, transmissions: Vec<Transmission>) -> Release {
        let (count, timeout) = (transmissions.len(), self.timeout());
        let deliveries: Vec<Delivery> = transmissions.iter().map(|transmission| transmission.delivery.clone()).collect();
        let begun = Moment::now();
        let mut opening = self.open_all(transmissions, begun);
        let mut ended: BTreeMap<usize, Exchange> = BTreeMap::new();
        let mut ready: Vec<Ready> = Vec::with_capacity(count);
        while let Ok(Some(opened)) = tokio::time::timeout(PATIENCE.saturating_sub(begun.elapsed()), opening.join_next()).await {
            sort_in(opened, &mut ready, &mut ended);
        }
        for line in &mut ready {
            line.write_ahead();
        }
        tokio::time::sleep(SETTLING).await;

        let mut answering = JoinSet::new();
        for (line, at, sent_at) in release(ready) {
            answering.spawn(line.finish(at, sent_at, timeout));
        }
        let mut fates: Vec<Released> = Vec::with_capacity(count);
        loop {
            tokio::select! {
                Some(late) = opening.join_next() => {
                    let mut one = Vec::new();
                    sort_in(late, &mut one, &mut ended);
                    for (line, at, sent_at) in release(one) {
                        answering.spawn(line.finish(at, sent_at, timeout));
                    }
                }
                Some(fate) = answering.join_next() => fates.extend(fate),
                else => break,
            }
        }
        for fate in &mut fates {
            if let (Some(surplus), Some(delivery)) = (fate.after.take(), deliveries.get(fate.place)) {
                self.manners().remark(delivery, surplus);
            }
        }
        Release {
            release_spread: spread(fates.iter().map(|fate| fate.at)),
            most_at_once: most_at_once(&fates),
            exchanges: in_order(count, fates, ended),
        }
    }

    fn open_all(&self, transmissions: Vec<Transmission>, since: Moment) -> JoinSet<Opened> {
        let turns = Arc::new(Semaphore::new(OPENING_AT_ONCE));
        let mut opening = JoinSet::new();
        for (place, transmission) in transmissions.into_iter().enumerate() {
            let (base, turns, timeout) = (self.target().clone(), Arc::clone(&turns), self.timeout());
            opening.spawn(async move {
                // Nobody closes the semaphore; without a turn it would connect all the same.
                let _turn = turns.acquire().await;
                let (sent_at, begun) = (SystemClock.now(), Moment::now());
                let request = EncodedRequest::new(&base, &transmission, true);
                let reading = super::faulty::reading_of(&request);
                let opened = Connection::open(&base, timeout.saturating_sub(since.elapsed())).await.map_err(NoAnswer::from);
                let sealed = opened.and_then(|mut connection| {
                    let sealed = connection.stream().seal(request.whole());
                    sealed.map(|rest| (connection, rest)).map_err(|error| NoAnswer::Unreachable { cause: plain(&error) })
                });
                let ready = sealed.map(|(connection, rest)| Ready { place, connection, rest, reading });
                (place, ready.map_err(|cause| (sent_at, begun.elapsed(), cause)))
            });
        }
        opening
    }
}

type Opened = (usize, Result<Ready, (UnixMicros, Duration, NoAnswer)>);

/// A task that was lost leaves no entry; [`in_order`] accounts for it.
fn sort_in(opened: Result<Opened, tokio::task::JoinError>, ready: &mut Vec<Ready>, ended: &mut BTreeMap<usize, Exchange>) {
    match opened {
        Ok((_, Ok(line))) => ready.push(line),
        Ok((place, Err((sent_at, took, cause)))) => {
            ended.insert(place, Exchange::ended(sent_at, took, Err(cause)));
        }
        Err(_) => {}
    }
}

/// Writes to every connection, one straight after the other.
fn release(ready: Vec<Ready>) -> Vec<(Ready, Moment, UnixMicros)> {
    let mut released: Vec<(Ready, Moment, UnixMicros)> = ready.into_iter().map(|line| (line, Moment::now(), SystemClock.now())).collect();
    for (line, at, sent_at) in &mut released {
        (*sent_at, *at) = (SystemClock.now(), Moment::now());
        line.write_some(line.rest.len());
    }
    released
}

impl Ready {
    /// Writes all but what the release is to write, as far as the socket takes it.
    fn write_ahead(&mut self) {
        while self.rest.len() > HELD_BACK_BYTES && self.write_some(self.rest.len() - HELD_BACK_BYTES) {}
    }

    /// Writes up to `most` bytes without waiting; whether anything was taken.
    /// An error shows again when the rest is written or the answer read.
    fn write_some(&mut self, most: usize) -> bool {
        match self.connection.stream().try_write_sealed(&self.rest[..most]) {
            Ok(taken) => {
                self.rest.advance(taken);
                taken > 0
            }
            Err(_) => false,
        }
    }

    async fn finish(mut self, at: Moment, sent_at: UnixMicros, timeout: Duration) -> Released {
        let rest = if self.rest.is_empty() { Vec::new() } else { vec![self.rest] };
        let asked = tokio::time::timeout(timeout, self.connection.ask(Outgoing::sealed(&rest), self.reading)).await;
        let ended = Moment::now();
        // Its connection ends here: a receiver that serves one at a time goes on to the next.
        let (result, after) = match asked {
            Ok(Exchanged { result, after, .. }) => (result.map(|Answered { answer, .. }| answer), after),
            Err(_) => (Err(NoAnswer::TimedOut { after: timeout }), None),
        };
        Released { place: self.place, at, sent_at, ended, result, after }
    }
}

fn spread(moments: impl Iterator<Item = Moment> + Clone) -> Duration {
    match (moments.clone().min(), moments.max()) {
        (Some(first), Some(last)) => last.since(first),
        (None, _) | (_, None) => Duration::ZERO,
    }
}

/// Walks all beginnings and ends in order of time; at the same moment an end comes first.
fn most_at_once(fates: &[Released]) -> usize {
    let mut events: Vec<(Moment, i32)> = fates.iter().flat_map(|fate| [(fate.at, 1), (fate.ended, -1)]).collect();
    events.sort_unstable();
    let mut under_way = 0;
    events
        .iter()
        .map(|(_, change)| {
            under_way += change;
            usize::try_from(under_way).unwrap_or(0)
        })
        .max()
        .unwrap_or(0)
}

fn in_order(count: usize, fates: Vec<Released>, mut ended: BTreeMap<usize, Exchange>) -> Vec<Exchange> {
    for fate in fates {
        ended.insert(fate.place, Exchange::ended(fate.sent_at, fate.ended.since(fate.at), fate.result));
    }
    let lost = || NoAnswer::Broken { cause: "the task that waited for the answer ended early".to_owned() };
    (0..count)
        .map(|place| ended.remove(&place).unwrap_or_else(|| Exchange::ended(SystemClock.now(), Duration::ZERO, Err(lost()))))
        .collect()
}
