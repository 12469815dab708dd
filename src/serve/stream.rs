//! Streams on a port: one task for each subscriber, between the log and its connection.
//!
//! Whoever publishes wakes the subscribers of that stream and waits for nobody; each of them reads the log from its own place. What has
//! not been read by a client stands in a short queue: when nothing moves in it for a while the task ends, its slot is free, and the body
//! ends behind what stands in the queue, so that the client comes back with the last id that it has read.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use http_body::Frame;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::{Shared, lock, respond, store_failed};
use crate::contract::Contract;
use crate::reference::pages::json_page;
use crate::reference::store::Store;
use crate::reference::streaming::{self, Next, Opened, PING, Place};

/// So many pieces wait for a client that reads slowly.
const QUEUE: usize = 2;
/// So long a client may read nothing while the queue is full.
const STALLED: Duration = Duration::from_secs(10);
/// Where a contract promises no heartbeat, somebody who is gone is noticed by one all the same.
const NO_HEARTBEAT: Duration = Duration::from_secs(60);

/// Who listens to which stream, and how many may.
pub(super) struct Hub {
    listening: Mutex<HashMap<String, watch::Sender<()>>>,
    slots: Arc<Semaphore>,
    heartbeat: Duration,
    ended: watch::Receiver<()>,
    /// Where all wait for the slowest: whose turn it is to be told.
    turn: tokio::sync::Mutex<()>,
}

impl Hub {
    /// * `ended`: its sender is gone when the server ends.
    pub(super) fn new(contract: &Contract, ended: watch::Receiver<()>) -> Self {
        let form = contract.stream.as_ref();
        let slots = form.map_or(0, |form| form.at_once.min(Semaphore::MAX_PERMITS));
        // Well within what is promised: a timer is late, and the network takes its time.
        let heartbeat = form.and_then(|form| form.heartbeat).map_or(NO_HEARTBEAT, |beat| beat.0.mul_f64(0.8));
        let (listening, turn) = Default::default();
        Self { listening, slots: Arc::new(Semaphore::new(slots)), heartbeat, ended, turn }
    }

    /// Something was published on a stream.
    pub(super) fn wake(&self, name: &str) {
        if let Some(listening) = self.listening.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            listening.send_replace(());
        }
    }

    /// Waits for the subscriber whose turn it is.
    pub(super) async fn all_are_told(&self) {
        tokio::task::yield_now().await;
        drop(self.turn.lock().await);
    }

    fn listen(self: &Arc<Self>, name: &str) -> Seat {
        let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        let news = listening.entry(name.to_owned()).or_insert_with(|| watch::channel(()).0).subscribe();
        Seat { hub: Arc::clone(self), name: name.to_owned(), news }
    }
}

/// One that listens; with the last one of a stream, its place in the hub goes.
struct Seat {
    hub: Arc<Hub>,
    name: String,
    news: watch::Receiver<()>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut listening = self.hub.listening.lock().unwrap_or_else(PoisonError::into_inner);
        if listening.get(&self.name).is_some_and(|sender| sender.receiver_count() <= 1) {
            listening.remove(&self.name);
        }
    }
}

/// Answers a request for a stream.
pub(super) fn answer<S: Store + 'static>(shared: &Arc<Shared<S>>, name: &str, request: &Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return respond(json_page(405, &json!({"error": "method not allowed"})));
    }
    // Listening before looking: what is published in between is heard.
    let seat = shared.hub.listen(name);
    let last = request.headers().get("last-event-id").map(HeaderValue::as_bytes);
    let opened = streaming::open(&mut lock(shared), name, last);
    let place = match opened {
        Err(failed) => return store_failed(&failed),
        Ok(Opened::Over) => return StatusCode::NO_CONTENT.into_response(),
        Ok(Opened::Refused(status)) => return respond(json_page(status, &json!({"error": "this id is not kept"}))),
        Ok(Opened::Tells(place)) => place,
    };
    let gzip = request.headers().get("accept-encoding").is_some_and(|coding| coding.as_bytes().windows(4).any(|four| four == b"gzip"));
    let (holds_back, may_be_cached) = {
        let receiver = lock(shared);
        (receiver.hooks().holds_back(gzip), receiver.hooks().may_be_cached())
    };
    let body = if *request.method() == Method::HEAD {
        Body::empty()
    } else {
        let Ok(slot) = Arc::clone(&shared.hub.slots).try_acquire_owned() else {
            return respond(json_page(503, &json!({"error": "no more streams can be open"})));
        };
        let (tell, told) = mpsc::channel(QUEUE);
        tokio::spawn(feed(Arc::clone(shared), place, seat, Subscriber { tell, holds_back }, slot));
        Body::new(Events { told })
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    if !may_be_cached {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    // Proxies of this kind hold answers back otherwise.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// Tells one subscriber all that is published, until it goes or the stream ends.
async fn feed<S: Store + 'static>(
    shared: Arc<Shared<S>>,
    mut place: Place,
    mut seat: Seat,
    subscriber: Subscriber,
    slot: OwnedSemaphorePermit,
) {
    tell_all(&shared, &mut place, &mut seat, &subscriber).await;
    if !lock(&shared).hooks().frees_places() {
        slot.forget();
    }
}

/// Who is told.
struct Subscriber {
    tell: mpsc::Sender<Bytes>,
    /// Whether nothing is told before the end.
    holds_back: bool,
}

async fn tell_all<S: Store + 'static>(shared: &Arc<Shared<S>>, place: &mut Place, seat: &mut Seat, subscriber: &Subscriber) {
    let tell = &subscriber.tell;
    let mut ended = shared.hub.ended.clone();
    let mut held = Vec::new();
    let (waits_for_the_slowest, ping) = {
        let receiver = lock(shared);
        (receiver.hooks().waits_for_the_slowest(), receiver.hooks().ping(PING).into_owned())
    };
    loop {
        seat.news.mark_unchanged();
        // Who could not be told of a failure comes back, and is told then.
        let Ok(told) = streaming::next(&mut lock(shared), place) else { return };
        held.extend(told.bytes);
        if !held.is_empty() && (told.then == Next::Ends || !subscriber.holds_back) {
            let _turn = if waits_for_the_slowest { Some(shared.hub.turn.lock().await) } else { None };
            if !say(tell, &mut ended, std::mem::take(&mut held).into()).await {
                return;
            }
        }
        match told.then {
            Next::Ends => return,
            Next::More => continue,
            Next::Waits => {}
        }
        tokio::select! {
            _ = ended.changed() => return,
            () = tell.closed() => return,
            changed = seat.news.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(shared.hub.heartbeat) => {
                if !subscriber.holds_back && !ping.is_empty() && !say(tell, &mut ended, Bytes::from(ping.clone())).await {
                    return;
                }
            }
        }
    }
}

/// Whether the client has taken it into its queue.
async fn say(tell: &mpsc::Sender<Bytes>, ended: &mut watch::Receiver<()>, bytes: Bytes) -> bool {
    tokio::select! {
        _ = ended.changed() => false,
        sent = tokio::time::timeout(STALLED, tell.send(bytes)) => matches!(sent, Ok(Ok(()))),
    }
}

/// The body of a stream: what its task says.
struct Events {
    told: mpsc::Receiver<Bytes>,
}

impl HttpBody for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.get_mut().told.poll_recv(context).map(|told| told.map(|bytes| Ok(Frame::data(bytes))))
    }
}
