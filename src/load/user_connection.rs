//! Sending under load: one connection a user, deliveries signed as they go.
//!
//! In: a [`Series`] and what is different in a delivery. Out: its answer.
//! Requests leave one buffer in one piece. Writing, carrying and
//! reading are [`transport`](crate::transport)'s, as in a run; of an answer's
//! header lines only those are kept that a load looks at.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::Plan;
use super::mix::Kind;
use super::mix::endpoints::EndpointShare;
use crate::clock::{Clock as _, Moment, SystemClock, UnixMicros};
use crate::contract::{Contract, own_headers};
use crate::delivery::{Answer, Delivery, NoAnswer};
use crate::load::patience::Patience;
use crate::scenario::deliver::Deliver;
use crate::session::series::Series;
use crate::session::supplies::Supplies;
use crate::transport::codec::decode::{Reading, Surplus};
use crate::transport::codec::encode::EncodedRequest;
use crate::transport::connection::{Connection, Exchanged, Outgoing};
use crate::transport::exchange::Stopwatch;
use crate::transport::stream::Idle;
use crate::transport::{Target, Transmission};

/// A machine that is busy may tell us so late that a connection was closed while it was idle.
const TOLD_LATE: Duration = Duration::from_millis(500);

/// What is sent, to each endpoint of the mix.
pub(super) fn series(plan: &Plan, body: &Bytes) -> Result<Vec<Series>, String> {
    if plan.mix.endpoints.is_empty() {
        return series_to(plan, Arc::clone(&plan.contract), body).map(|series| vec![series]);
    }
    let to = |share: &EndpointShare| {
        let mut contract = plan.contract.as_ref().clone();
        contract.endpoint.path.clone_from(&share.path);
        series_to(plan, Arc::new(contract), body)
    };
    plan.mix.endpoints.iter().map(to).collect()
}

/// What is sent to one; one of each kind is made, so that what the contract does not allow is told before anything is.
fn series_to(plan: &Plan, contract: Arc<Contract>, body: &Bytes) -> Result<Series, String> {
    let own_headers = own_headers::joined(&contract, &plan.headers);
    let supplies = Supplies::without_bodies(contract, plan.signer.clone(), own_headers, plan.target.url(""));
    let series = Series::new(supplies, &plan.target, Deliver::default(), body)?;
    let key = plan.contract.key.unique_key("hg", 0);
    let now = SystemClock.now();
    plan.mix.tampers().try_for_each(|tamper| series.one(Some(&key), body, Some(tamper), now).map(drop))?;
    if plan.mix.has(Kind::MissingKey) {
        series.one(None, body, None, now)?;
    }
    Ok(series)
}

/// A user's connection; it is opened when it is needed, and again when it broke.
pub struct UserConnection {
    target: Target,
    kept: Vec<String>,
    patience: Patience,
    open: Option<Connection>,
    /// The request that leaves next; its room is used again and again.
    outbox: Vec<u8>,
    /// Why the last connection could not be made.
    refused: Option<ErrorKind>,
    /// How many in a row could not be made.
    refusals: u32,
    /// The fastest answer so far: no word of the receiver takes longer than that to come.
    fastest: Option<Duration>,
    last: Last,
}

/// What is known of the last delivery, beside its answer.
#[derive(Clone, Debug, Default)]
pub struct Last {
    /// How long it took, as in a run (`transport::Exchange::took`).
    pub took: Duration,
    /// When the last byte of its answer had come, or no more was waited for.
    pub ended: Option<Moment>,
    /// Whether it went twice, because a connection that had been used before met its end.
    pub went_twice: bool,
    /// What came behind its answer at once.
    pub after: Option<Surplus>,
    /// What had come behind the answer before it, on the same connection.
    pub before: Option<Surplus>,
    /// Whether it went over a connection of which nobody has used any before it.
    pub is_first: bool,
}

impl UserConnection {
    /// A connection to `target` that is not open yet.
    ///
    /// * `kept`: the names of the header lines of answers that are looked at; no others are kept.
    #[must_use]
    pub fn new(target: &Target, timeout: Duration, kept: Vec<String>) -> Self {
        let (target, last) = (target.clone(), Last::default());
        let patience = Patience::new(timeout);
        Self { target, kept, patience, open: None, outbox: Vec::new(), refused: None, refusals: 0, fastest: None, last }
    }

    /// Sends an honest delivery of a quick series and waits for its answer; `delivery` has the body that travels, and the rest is the series'.
    ///
    /// # Errors
    /// Why there is none; the connection is then opened anew for the next.
    pub async fn send(&mut self, series: &Series, delivery: &Delivery, key: &str, now: UnixMicros) -> Result<Answer, NoAnswer> {
        self.outbox.clear();
        series.write(&mut self.outbox, delivery, key, now);
        self.answered().await
    }

    /// Sends any delivery, as it stands.
    ///
    /// # Errors
    /// As [`UserConnection::send`].
    pub async fn send_as_it_is(&mut self, transmission: &Transmission) -> Result<Answer, NoAnswer> {
        self.outbox.clear();
        let request = EncodedRequest::new(&self.target, transmission, false);
        request.pieces.iter().for_each(|piece| self.outbox.extend_from_slice(piece));
        self.answered().await
    }

    async fn answered(&mut self) -> Result<Answer, NoAnswer> {
        let mut watch = Stopwatch::start();
        let begun = watch;
        self.last = Last::default();
        // One that the receiver has closed meanwhile is seen here, before anything is sent over it.
        let mut next = self.open.take();
        if let Some(connection) = &mut next {
            match connection.idle() {
                Idle::Quiet => {}
                Idle::Closed => next = None,
                Idle::Spoke(bytes) => (next, self.last.before) = (None, Surplus::of(&bytes)),
            }
        }
        let (target, outbox, kept) = (&self.target, self.outbox.as_slice(), self.kept.as_slice());
        let (refused, refusals, last, clock) = (&mut self.refused, &mut self.refusals, &mut self.last, &mut watch);
        let limit = self.patience.limit();
        // Whoever closes an idle connection is heard of by then; whoever closes later has had the request.
        let crossed = self.fastest.unwrap_or(limit).saturating_add(TOLD_LATE);
        let exchange = async move {
            loop {
                let was_used = next.is_some();
                let mut connection = match next.take() {
                    Some(connection) => connection,
                    None => {
                        let opened = Connection::open(target, limit).await;
                        *refused = opened.as_ref().err().and_then(|none| none.kind);
                        *refusals = if opened.is_err() { refusals.saturating_add(1) } else { 0 };
                        last.is_first = true;
                        opened?
                    }
                };
                if was_used {
                    clock.sends_at_once();
                } else {
                    clock.sends();
                }
                let sent = Moment::now();
                let reading = Reading { only: Some(kept), ..Reading::default() };
                let Exchanged { result, was_heard, before, after } = connection.ask(Outgoing::borrowed(outbox), reading).await;
                last.ended = Some(Moment::now());
                last.before = last.before.take().or(before);
                last.after = after;
                match result {
                    Err(NoAnswer::Broken { .. }) if was_used && !was_heard && sent.elapsed() < crossed => {
                        last.went_twice = true;
                        clock.connects();
                    }
                    Err(none) => return Err(none),
                    Ok(answered) => return Ok((answered.answer, answered.keep.then_some(connection))),
                }
            }
        };
        let ended = self.patience.within(|| begun.elapsed(), exchange).await.unwrap_or(Err(NoAnswer::TimedOut { after: limit }));
        let over = self.last.ended.filter(|_| ended.is_ok()).unwrap_or_else(Moment::now);
        (self.last.took, self.last.ended) = (watch.took_until(over), Some(over));
        let (answer, open) = ended?;
        self.fastest = Some(self.fastest.map_or(self.last.took, |fastest| fastest.min(self.last.took)));
        self.open = open;
        Ok(answer)
    }

    /// What is known of the last delivery, beside its answer; it is told once.
    #[must_use]
    pub fn take_last(&mut self) -> Last {
        std::mem::take(&mut self.last)
    }

    /// What has come behind the last answer since; the connection is closed.
    #[must_use]
    pub fn said_since(&mut self) -> Option<Surplus> {
        match self.open.take()?.idle() {
            Idle::Spoke(bytes) => Surplus::of(&bytes),
            Idle::Quiet | Idle::Closed => None,
        }
    }

    /// Why no connection could be made, when that was the reason for no answer.
    #[must_use]
    pub fn refused(&self) -> Option<ErrorKind> {
        self.refused
    }

    /// How many connections in a row could not be made.
    #[must_use]
    pub fn refusals(&self) -> u32 {
        self.refusals
    }
}
