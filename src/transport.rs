//! Transport: deliveries and questions go out, answers come back, to the byte.
//!
//! In: a [`Target`] and a [`Transmission`] (a delivery, and how it is to travel).
//! Out: an [`Exchange`] with its times and the answer, or why there is none.
//! One codec writes and reads HTTP/1.1 ([`codec`]), over one kind of stream
//! ([`stream`]: TCP, TLS, Unix sockets), for ordinary deliveries, for many at
//! the same moment ([`burst`]), through a faulty network ([`faulty`]) and
//! under load alike. The delivery's header lines stay as they are;
//! `Host`, `Accept` and the framing are added.
//!
//! Start at [`Sender`].
//!
//! **Invariant:** nothing here judges. A status of 500 is an answer.
//! **Invariant:** nothing is sent twice, but for what met the closing of a
//! connection that had been used before: it goes once more, over a new one.
//! **Invariant:** no wait outlasts the time-out, interim answers included.

mod as_curl;
pub mod burst;
pub mod codec;
pub mod collector;
pub mod connection;
pub mod control;
pub mod diagnosis;
pub mod event_stream;
pub mod exchange;
pub mod faulty;
pub mod manners;
mod pool;
mod reached;
pub mod stream;
pub mod tls;
pub mod url;

use std::sync::Arc;
use std::time::Duration;

use self::codec::decode::{Answered, Reading};
use self::codec::encode::{EncodedRequest, has_body};
use self::connection::{Connection, Exchanged, Outgoing};
use self::exchange::Stopwatch;
use self::manners::Manners;
use self::pool::{Pool, Resting};
use crate::clock::{Clock as _, SystemClock};
use crate::delivery::{Delivery, NoAnswer};
use crate::scenario::deliver::{ConnectionUse, Framing, HeaderCase};

pub use burst::Release;
pub use exchange::Exchange;
pub use manners::Remark;
pub use tls::{Tls, TlsChoice};
pub use url::{BadTarget, Target};

/// Above this a body travels over a connection of its own: whoever refuses it early (413) leaves the rest of it unread.
const POOLED_BODY_BYTES: usize = 256 << 10;

/// A delivery, and how it is to travel.
#[derive(Clone, Debug, Default)]
pub struct Transmission {
    /// What travels. `Host` and the framing are added; a line of such a name
    /// that is already there stands in place of the added one.
    pub delivery: Delivery,
    /// How the body is framed.
    pub framing: Framing,
    /// The case of header names.
    pub header_case: HeaderCase,
    /// Which connection it goes over.
    pub connection: ConnectionUse,
}

impl Transmission {
    /// A delivery that travels in the usual way.
    #[must_use]
    pub fn plain(delivery: Delivery) -> Self {
        Self { delivery, ..Self::default() }
    }

    /// Whether it may share a connection with others: whatever a receiver makes of it, the next request can be told from it.
    fn may_share(&self) -> bool {
        let frames = ["Host", "Content-Length", "Transfer-Encoding", "Expect", "Connection"];
        self.framing == Framing::ContentLength
            && self.connection == ConnectionUse::Any
            && matches!(self.header_case, HeaderCase::Any | HeaderCase::Lower)
            && self.delivery.body.len() <= POOLED_BODY_BYTES
            && frames.iter().all(|name| self.delivery.header(name).is_none())
            && (has_body(&self.delivery) || self.delivery.body.is_empty())
    }
}

/// A connection that is kept between deliveries. Opened when it is first used,
/// and again when the receiver has closed it.
#[derive(Debug, Default)]
pub struct KeptConnection {
    resting: Option<Resting>,
    opened: usize,
}

impl KeptConnection {
    /// How often it had to be opened so far.
    #[must_use]
    pub fn opened(&self) -> usize {
        self.opened
    }
}

/// Sends to one receiver; clones share a pool of connections.
#[derive(Clone, Debug)]
pub struct Sender {
    base: Target,
    timeout: Duration,
    pool: Arc<Pool>,
}

impl Sender {
    /// A sender to `base` that waits at most `timeout` for each answer, connecting included.
    #[must_use]
    pub fn new(base: Target, timeout: Duration) -> Self {
        Self { base, timeout, pool: Arc::new(Pool::new(Arc::default())) }
    }

    /// The same sender without any of its connections; what it knows of the receiver's manners stays.
    #[must_use]
    pub fn renewed(&self) -> Self {
        Self { pool: Arc::new(Pool::new(Arc::clone(&self.pool.manners))), ..self.clone() }
    }

    /// The receiver that is sent to.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.base
    }

    /// How long an answer is waited for.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    fn manners(&self) -> &Manners {
        &self.pool.manners
    }

    /// Sends `transmission` over a pooled connection, or over one of its own where
    /// it asks for that or might be taken for what comes after it.
    ///
    /// [`ConnectionUse::Kept`] needs [`Sender::send_kept`]; here it is a new connection.
    pub async fn send(&self, transmission: Transmission) -> Exchange {
        let shares = transmission.may_share();
        let request = EncodedRequest::new(&self.base, &transmission, !shares);
        let first = if shares { self.pool.take() } else { None };
        let (said, left) = self.over(first, &request).await;
        if let (Some((connection, keep)), Ok(answer)) = (left, &said.exchange.result) {
            self.pool.put(connection, answer, &transmission.delivery, keep && shares);
        }
        self.told(said, &transmission.delivery)
    }

    /// Sends `transmission` over `kept`, which is opened when it is not, or no longer is.
    pub async fn send_kept(&self, kept: &mut KeptConnection, transmission: Transmission) -> Exchange {
        let request = EncodedRequest::new(&self.base, &transmission, false);
        let before = match kept.resting.take() {
            Some(resting) => {
                tokio::time::sleep(resting.left()).await;
                resting.wake(self.manners())
            }
            None => None,
        };
        let was_open = before.is_some();
        let (said, left) = self.over(before, &request).await;
        kept.opened += usize::from(!was_open || said.exchange.went_twice);
        if let (Some((connection, keep)), Ok(answer)) = (left, &said.exchange.result) {
            if self.manners().are_bad() {
                // Whoever speaks unasked is listened to beside the scenario, not in its way.
                self.pool.put(connection, answer, &transmission.delivery, false);
            } else {
                kept.resting = Resting::after(self.manners(), connection, answer, &transmission.delivery, keep);
            }
        }
        self.told(said, &transmission.delivery)
    }

    /// What came behind answers so far; waits a moment for those that were given last, and closes every connection.
    pub async fn remarks(&self) -> Vec<Remark> {
        self.pool.close().await;
        self.manners().take_remarks()
    }

    /// Remarks on what came after the answer, at once.
    fn told(&self, said: Said, delivery: &Delivery) -> Exchange {
        if let Some(surplus) = said.after {
            self.manners().remark(delivery, surplus);
        }
        said.exchange
    }

    /// Sends over `first` if there is one; when that dies before a word of an answer, once more over a new connection.
    async fn over(&self, first: Option<(Connection, Delivery)>, request: &EncodedRequest) -> (Said, Option<(Connection, bool)>) {
        let mut watch = Stopwatch::start();
        let (mut next, mut went_twice) = (first, false);
        loop {
            let was_used = next.is_some();
            let (mut connection, before) = match next.take() {
                Some((connection, before)) => (connection, Some(before)),
                None => match Connection::open(&self.base, self.timeout.saturating_sub(watch.elapsed())).await {
                    Ok(connection) => (connection, None),
                    Err(none) => return (Said::nothing(Exchange::unreached(watch, none.into()), went_twice), None),
                },
            };
            let sent_at = SystemClock.now();
            watch.sends();
            let reading = Reading { bodiless: request.bodiless_answer, most_bytes: request.most_answer_bytes, ..Reading::default() };
            let asked = connection.ask(Outgoing::of(request), reading);
            let ended = tokio::time::timeout(self.timeout.saturating_sub(watch.elapsed()), asked).await;
            let took = watch.took();
            let Ok(Exchanged { result, was_heard, before: surplus, after }) = ended else {
                let timed_out = Err(NoAnswer::TimedOut { after: self.timeout });
                return (Said::nothing(Exchange::ended(sent_at, took, timed_out), went_twice), None);
            };
            if let (Some(delivery), Some(surplus)) = (&before, surplus) {
                self.manners().remark(delivery, surplus);
            }
            if matches!(result, Err(NoAnswer::Broken { .. })) && was_used && !was_heard {
                went_twice = true;
                watch.connects();
                continue;
            }
            let (result, left) = match result {
                Ok(Answered { answer, keep }) => (Ok(answer), Some((connection, keep))),
                Err(none) => (Err(none), None),
            };
            let exchange = Exchange { went_twice, ..Exchange::ended(sent_at, took, result) };
            return (Said { exchange, after }, left);
        }
    }
}

/// An exchange, and what came after its answer at once.
struct Said {
    exchange: Exchange,
    after: Option<codec::decode::Surplus>,
}

impl Said {
    fn nothing(exchange: Exchange, went_twice: bool) -> Self {
        Self { exchange: Exchange { went_twice, ..exchange }, after: None }
    }
}
