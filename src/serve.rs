//! Serving: the reference receiver on a port, over HTTP/1.1.
//!
//! Takes a receiver and a clock, gives an address. The receiver decides every
//! answer; here are only sockets, the body limit, and the pages around the
//! endpoint: health, audit trail, counters. What a user sees of a failing
//! store is a 500 with a sentence.
//!
//! Start at [`serve`]. The control address of a virtual clock is in [`control`].

mod body;
pub mod control;
mod listener;
mod stream;
pub mod text;
pub mod tls;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rustls::ServerConfig;
use serde_json::json;
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::contract::Contract;
use crate::contract::outcome::Refusal;
use crate::delivery::{Answer, Delivery, HeaderLine};
use crate::reference::claims::Ticket;
use crate::reference::store::{Store, StoreError};
use crate::reference::{Begun, Receiver, pages};
use crate::serve::body::{NotTaken, Room, read_to_the_end};
use crate::serve::listener::Door;
use crate::serve::stream::Hub;

pub use tls::{BadTlsFile, TlsFiles};

/// How long what is under way may take when the server is told to stop.
const PATIENCE: Duration = Duration::from_secs(3);

/// A server that is running.
pub struct Serving {
    /// The address it listens on.
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Serving {
    /// Stops listening, lets what is under way end, and waits for it, but not for ever: a client that
    /// sends half a request would keep it.
    pub async fn stop(mut self) {
        if self.stop.send(()).is_ok() {
            // It fails only when the server is gone already.
            if tokio::time::timeout(PATIENCE, &mut self.task).await.is_err() {
                self.task.abort();
            }
        }
    }

    /// Stops listening at once; what is under way gets an answer only if it is quick.
    pub async fn kill(self) {
        self.task.abort();
        drop(self.task.await);
    }
}

/// What the handlers share.
struct Shared<S> {
    receiver: Mutex<Receiver<S>>,
    clock: Arc<dyn Clock>,
    contract: Arc<Contract>,
    /// Where bodies are read one after the other, whose turn it is.
    turn: Option<tokio::sync::Mutex<()>>,
    /// Room for bodies that are being read.
    room: Room,
    /// How long the work of a delivery takes.
    work: Duration,
    /// Told when a delivery that was under way is not any more.
    freed: Notify,
    /// Who listens to event streams.
    hub: Arc<Hub>,
}

/// Serves `receiver` on `listen`; port 0 takes a free one.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn serve<S: Store + 'static>(receiver: Receiver<S>, clock: Arc<dyn Clock>, listen: SocketAddr) -> std::io::Result<Serving> {
    serve_working(receiver, clock, listen, Duration::ZERO).await
}

/// The same, with work that takes time: so long a delivery is under way.
///
/// # Errors
/// As [`serve`].
pub async fn serve_working<S: Store + 'static>(
    receiver: Receiver<S>,
    clock: Arc<dyn Clock>,
    listen: SocketAddr,
    work: Duration,
) -> std::io::Result<Serving> {
    serve_over(receiver, clock, listen, work, None).await
}

/// The same, over TLS where there is a certificate for it.
///
/// # Errors
/// As [`serve`].
pub async fn serve_over<S: Store + 'static>(
    receiver: Receiver<S>,
    clock: Arc<dyn Clock>,
    listen: SocketAddr,
    work: Duration,
    tls: Option<Arc<ServerConfig>>,
) -> std::io::Result<Serving> {
    let contract = Arc::clone(receiver.contract());
    let scheme = if tls.is_some() { "https" } else { "http" };
    let door = Door::open(listen, tls, receiver.hooks().says_too_much()).await?;
    let mut receiver = receiver;
    receiver.set_origin(format!("{scheme}://{}", door.address()));
    let turn = receiver.hooks().reads_one_at_a_time().then(tokio::sync::Mutex::default);
    let (ending, ended) = watch::channel(());
    let hub = Arc::new(Hub::new(&contract, ended));
    let (room, freed, receiver) = (Room::default(), Notify::new(), Mutex::new(receiver));
    let shared = Arc::new(Shared { receiver, clock, contract, turn, room, work, freed, hub });
    let router = Router::new().fallback(page_at::<S>).with_state(shared);
    Ok(start(door, router, Some(ending)))
}

/// Runs a router until it is told to stop.
///
/// * `ending`: dropped then, however it ends; answers without an end listen to that.
fn start(door: Door, router: Router, ending: Option<watch::Sender<()>>) -> Serving {
    let (stop, stopped) = oneshot::channel::<()>();
    let address = door.address();
    let server = axum::serve(door, router).with_graceful_shutdown(async {
        drop(stopped.await);
        drop(ending);
    });
    let task = tokio::spawn(async move { drop(server.await) });
    Serving { address, stop, task }
}

/// The page that a request asks for. The contract's paths are compared to the letter: to a router, `/{id}` would be a pattern.
async fn page_at<S: Store + 'static>(State(shared): State<Arc<Shared<S>>>, request: Request) -> Response {
    let contract = &shared.contract;
    let path = request.uri().path();
    let is_endpoint = contract.endpoint.is_at(path) || shared.receiver.lock().unwrap_or_else(PoisonError::into_inner).is_at(path);
    if is_endpoint && request.method().as_str().eq_ignore_ascii_case(&contract.endpoint.method) {
        return deliver(&shared, request).await;
    }
    if !is_endpoint && let Some(name) = contract.stream.as_ref().and_then(|form| form.stream_at(path)) {
        return stream::answer(&shared, &name, &request);
    }
    let is_audit = contract.audit_url.as_ref().is_some_and(|url| path == url.path);
    let is_counters = contract.metrics.as_ref().is_some_and(|metrics| path == metrics.path);
    let is_health = contract.health.as_ref().is_some_and(|health| path == health.path);
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let is_another = !is_endpoint && !is_health && !is_audit && !is_counters;
    if reads
        && is_another
        && let Some(page) = effects(&shared, request.uri())
    {
        return page;
    }
    match (is_health, is_audit, is_counters) {
        (true, _, _) if reads => respond(pages::health(&lock(&shared))),
        (_, true, _) if reads => audit(&shared, request.uri()),
        (_, _, true) if reads => respond(pages::counters(&lock(&shared))),
        // Another method on the endpoint is the receiver's to refuse.
        (_, _, _) if is_endpoint => deliver(&shared, request).await,
        (false, false, false) => respond(pages::json_page(404, &json!({"error": "not found"}))),
        (_, _, _) => respond(pages::json_page(405, &json!({"error": "method not allowed"}))),
    }
}

async fn deliver<S: Store + 'static>(shared: &Shared<S>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let read = {
        let _turn = match &shared.turn {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        read_to_the_end(&parts.headers, body, shared.contract.limits.body_bytes(), &shared.room).await
    };
    let held;
    let headers = parts.headers.iter().map(|(name, value)| HeaderLine::new(name.as_str(), value.as_bytes().to_vec())).collect();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let mut delivery = Delivery { method: parts.method.as_str().to_owned(), path, headers, body: axum::body::Bytes::new() };
    match read {
        Ok((body, room)) => {
            delivery.body = body;
            held = room;
        }
        Err(NotTaken::TooLarge) => return refuse_body(shared, Refusal::TooLarge, 413, &delivery),
        Err(NotTaken::Broken) => return refuse_body(shared, Refusal::Body, 400, &delivery),
    }
    let (answered, pause) = take(shared, &delivery).await;
    drop((delivery, held));
    if !pause.is_zero() {
        tokio::time::sleep(pause).await;
        lock(shared).settle(shared.clock.now());
    }
    answered.map_or_else(|failed| store_failed(&failed), respond)
}

/// Takes a delivery from its beginning to its end; a rival of one under way waits where the contract does not say what it gets.
async fn take<S: Store + 'static>(shared: &Shared<S>, delivery: &Delivery) -> (Result<Answer, StoreError>, Duration) {
    loop {
        let mut freed = std::pin::pin!(shared.freed.notified());
        // Listening before looking: what is freed in between is heard.
        freed.as_mut().enable();
        let begun = {
            let mut receiver = lock(shared);
            // Asked under the lock, so that instants rise in the order of acceptance.
            let begun = receiver.begin(delivery, shared.clock.now());
            (begun, receiver.pause())
        };
        let ticket = match begun {
            (Ok(Begun::Answered(answer)), pause) => return (Ok(answer), pause),
            (Err(failed), pause) => return (Err(failed), pause),
            (Ok(Begun::Waits), _) => {
                freed.await;
                continue;
            }
            (Ok(Begun::UnderWay(ticket)), _) => ticket,
        };
        let mut under_way = UnderWay { shared, ticket: Some(ticket) };
        // Whoever is told of a rival must be able to come while it works.
        match shared.work {
            work if !work.is_zero() => tokio::time::sleep(work).await,
            _ if shared.contract.outcomes.in_flight.is_some() => tokio::task::yield_now().await,
            _ => {}
        }
        let Some(ticket) = under_way.ticket.take() else { continue };
        let (answered, pause, published, waits) = {
            let mut receiver = lock(shared);
            let answered = receiver.finish(ticket, shared.clock.now());
            let waits = receiver.hooks().answers_behind_readers();
            (answered, receiver.pause(), receiver.take_published(), waits)
        };
        if let Some(name) = published {
            shared.hub.wake(&name);
            if waits {
                shared.hub.all_are_told().await;
            }
        }
        shared.freed.notify_waiters();
        return (answered, pause);
    }
}

/// A delivery under way: when its sender goes away, its key is free again.
struct UnderWay<'s, S: Store> {
    shared: &'s Shared<S>,
    ticket: Option<Ticket>,
}

impl<S: Store> Drop for UnderWay<'_, S> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            lock(self.shared).abandon(&ticket);
            self.shared.freed.notify_waiters();
        }
    }
}

fn respond(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for line in answer.headers {
        if let (Ok(name), Ok(value)) = (header::HeaderName::try_from(line.name), HeaderValue::from_maybe_shared(line.value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

/// A body that was not read to its end: refused, and the connection cannot be used again.
fn refuse_body<S: Store + 'static>(shared: &Shared<S>, why: Refusal, usual: u16, delivery: &Delivery) -> Response {
    let now = shared.clock.now();
    let refusal = shared.receiver.lock().unwrap_or_else(PoisonError::into_inner).turn_away(why, usual, delivery, now);
    let mut response = refusal.map_or_else(|failed| store_failed(&failed), respond);
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

fn store_failed(failed: &StoreError) -> Response {
    respond(pages::json_page(500, &json!({"error": failed.to_string()})))
}

fn lock<S>(shared: &Shared<S>) -> std::sync::MutexGuard<'_, Receiver<S>> {
    shared.receiver.lock().unwrap_or_else(PoisonError::into_inner)
}

fn audit<S: Store + 'static>(shared: &Shared<S>, uri: &Uri) -> Response {
    let Some(url) = &shared.contract.audit_url else { return StatusCode::NOT_FOUND.into_response() };
    let Ok(Query(query)) = Query::<HashMap<String, String>>::try_from_uri(uri) else {
        return respond(pages::json_page(400, &json!({"error": "the query cannot be read"})));
    };
    let asked = |name: &String| query.get(name).map(String::as_str);
    let page = pages::audit(&mut lock(shared), asked(&url.limit), asked(&url.event));
    page.map_or_else(|failed| store_failed(&failed), respond)
}

/// The page of effects, where the contract counts any and this is it.
fn effects<S: Store + 'static>(shared: &Shared<S>, uri: &Uri) -> Option<Response> {
    let place = pages::effects_place(&shared.contract)?;
    let Query(values) = Query::<Vec<(String, String)>>::try_from_uri(uri).ok()?;
    let keys = pages::effects_asked(&place, uri.path(), &values)?;
    let mut receiver = lock(shared);
    let page = receiver.do_what_is_due(shared.clock.now()).and_then(|()| pages::effects(&mut receiver, &place, &keys));
    Some(page.map_or_else(|failed| store_failed(&failed), respond))
}
