//! Loads with subscribers: a receiver of this test's own streams rightly, or in one of the ways that streams are wrong.
#![expect(clippy::expect_used, clippy::panic, reason = "a test ends where something is not as it should be")]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use futures_util::stream::unfold;
use hookgate::contract::Contract;
use hookgate::contract::reading::read_contract;
use hookgate::load::gate::Gate;
use hookgate::load::rate_profile::{Model, RateProfile};
use hookgate::load::report::LoadReport;
use hookgate::load::streams::{Asked, body};
use hookgate::load::{Plan, verify};
use hookgate::report::{Overall, Verdict};
use hookgate::transport::Target;
use serde_json::Value;
use tokio::sync::watch;

use crate::loads::{Shape, plan};

/// So often one that holds events back says that it is there: more often than a client takes for silence.
const HEARTBEAT: Duration = Duration::from_millis(100);

/// What the receiver does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Streams {
    Rightly,
    /// The same event twice.
    Twice,
    /// One acceptance, two events.
    TwoIds,
    /// Who comes back misses an event.
    GapOnResume,
    /// Who comes back gets the last one once more.
    RepeatsOnResume,
    /// Subscribers of one stream share its events.
    OneQueue,
    /// Every stream tells of every job.
    AllJobs,
    /// Two events at a time change places.
    Swapped,
    /// The newest event waits for the next one; heartbeats come meanwhile.
    HoldsTheNewest,
    /// Some acceptances are never told.
    Forgets,
    /// Some events name no delivery that was ever sent.
    Invents,
    /// The stream is another page.
    NoStream,
}

#[derive(Default)]
struct Log {
    events: Vec<String>,
    /// Where the queue of `OneQueue` is.
    taken: usize,
}

struct Shared {
    streams: Streams,
    logs: Mutex<HashMap<String, Log>>,
    news: watch::Sender<()>,
}

impl Shared {
    fn logs(&self) -> std::sync::MutexGuard<'_, HashMap<String, Log>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn deliver(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).expect("a key").to_owned();
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    let job = body["job"].as_str().expect("a job").to_owned();
    {
        let mut logs = shared.logs();
        let total: usize = logs.values().map(|log| log.events.len()).sum();
        let mut told = vec![key.clone()];
        match shared.streams {
            Streams::TwoIds => told.push(key),
            Streams::Forgets if total % 20 == 19 => told.clear(),
            Streams::Invents if total % 20 == 19 => told.push(format!("{key}9999")),
            _ => {}
        }
        let names: Vec<String> = if shared.streams == Streams::AllJobs { logs.keys().cloned().chain([job]).collect() } else { vec![job] };
        for name in names {
            let log = logs.entry(name).or_default();
            log.events.extend(told.iter().cloned());
        }
    }
    shared.news.send_replace(());
    StatusCode::ACCEPTED
}

async fn listen(State(shared): State<Arc<Shared>>, Path(job): Path<String>, headers: HeaderMap) -> Response {
    if shared.streams == Streams::NoStream {
        return StatusCode::NOT_FOUND.into_response();
    }
    let last: Option<usize> = headers.get("last-event-id").map(|id| id.to_str().expect("text").parse().expect("an id of ours"));
    let next = match (shared.streams, last) {
        (Streams::GapOnResume, Some(last)) => last + 1,
        (Streams::RepeatsOnResume, Some(last)) => last - 1,
        (_, last) => last.unwrap_or(0),
    };
    let news = shared.news.subscribe();
    let body = unfold((shared, job, next, news), |(shared, job, mut next, mut news)| async move {
        loop {
            news.mark_unchanged();
            let mut bytes = String::new();
            {
                let mut logs = shared.logs();
                let log = logs.entry(job.clone()).or_default();
                if shared.streams == Streams::OneQueue {
                    next = next.max(log.taken);
                }
                while next < log.events.len() {
                    let at = match shared.streams {
                        Streams::Swapped if next.is_multiple_of(2) && next + 1 == log.events.len() => break,
                        Streams::HoldsTheNewest if next + 1 == log.events.len() => break,
                        Streams::Swapped => next ^ 1,
                        _ => next,
                    };
                    let event = format!("id: {}\nevent: told\ndata: {{\"key\":\"{}\"}}\n\n", at + 1, log.events[at]);
                    bytes.push_str(&event);
                    if shared.streams == Streams::Twice {
                        bytes.push_str(&event);
                    }
                    next += 1;
                    if shared.streams == Streams::OneQueue {
                        log.taken = next;
                        break;
                    }
                }
            }
            if !bytes.is_empty() {
                return Some((Ok::<String, std::convert::Infallible>(bytes), (shared, job, next, news)));
            }
            match tokio::time::timeout(HEARTBEAT, news.changed()).await {
                Ok(changed) => changed.ok()?,
                Err(_) if shared.streams == Streams::HoldsTheNewest => {
                    return Some((Ok(":\n".to_owned()), (shared, job, next, news)));
                }
                Err(_) => {}
            }
        }
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(body)).into_response()
}

fn contract() -> Arc<Contract> {
    let text = "contract: of-streams\ntitle: t\nabout: a\nsource: s\nsuite: core\nendpoint: {method: POST, path: /in, content_type: application/json}\n\
                secret: {env: S, for_tests: a-secret-of-this-test}\nkey: {header: Idempotency-Key}\n\
                signature: {digest: sha256, encoding: hex, message: '{body}', headers: [{name: X-Signature, value: '{sig}'}]}\n\
                outcomes: {accepted: {status: 202}, duplicate: {status: 202}, refused: {signature: {status: 401}, missing-key: {status: 400}}}\n\
                stream: {path: '/jobs/{stream}/events', of: '{body:job}', event: told, data: {key: '{key}'}, keeps: 100000}\n";
    Arc::new(read_contract("of-streams.yaml", text, &|_| None).unwrap_or_else(|wrong| panic!("{wrong}")))
}

/// What a load of a second with ten subscribers finds.
async fn loaded(streams: Streams) -> LoadReport {
    let shared = Arc::new(Shared { streams, logs: Mutex::default(), news: watch::channel(()).0 });
    let router = Router::new().route("/in", post(deliver)).route("/jobs/{job}/events", get(listen)).with_state(shared);
    let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port");
    let target = Target::parse(&format!("http://{}", listener.local_addr().expect("an address"))).expect("an address");
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let shape = Shape {
        model: Model::Open,
        profile: RateProfile::level(400.0, Duration::from_millis(1_000)),
        users: 8,
        warm_up: Duration::ZERO,
        arrivals: hookgate::load::rate_profile::Arrivals::Constant,
        most: u64::MAX,
        // Whoever has lost nothing is waited for as long as it takes.
        drain: if streams == Streams::Rightly { Duration::from_secs(60) } else { Duration::from_millis(500) },
    };
    let asked = Asked { count: 10, life: Duration::from_millis(100) };
    let made = plan(&shape, target);
    let gates = ["stream_lost==0", "stream_doubled==0", "stream_out_of_order==0", "stream_p99<60s"];
    let plan = Plan {
        body: body(&contract(), asked, br#"{"n":1}"#.to_vec()).expect("a body"),
        contract: contract(),
        signer: contract().signer(b"a-secret-of-this-test", None, None).expect("a secret"),
        gates: gates.map(|text| Gate::read(text, &[]).expect("a gate")).to_vec(),
        verify: true,
        streams: Some(asked),
        ..made
    };
    let (_interrupt, interrupted) = watch::channel(false);
    let loaded = hookgate::load::run(&plan, Arc::new(|_| {}), interrupted).await.unwrap_or_else(|wrong| panic!("{wrong}"));
    serving.abort();
    assert_eq!(verify::judged_again(&loaded.report), Vec::<String>::new(), "{streams:?}: {:#?}", loaded.report.streams);
    loaded.report
}

/// Of a right receiver every event is read once and in order, over many cuts.
#[tokio::test(flavor = "multi_thread")]
async fn a_right_receiver_loses_and_doubles_nothing() {
    let report = loaded(Streams::Rightly).await;
    let streams = report.streams.as_ref().expect("streams");
    assert_eq!((streams.broken(), streams.open, streams.evicted), (0, 0, 0), "{streams:#?}");
    // Two subscribers read each stream.
    assert_eq!((streams.subscribers, streams.streams), (10, 5));
    assert_eq!(streams.due, 2 * report.kinds["fresh"].answered, "{streams:#?}");
    assert_eq!(streams.events, streams.due);
    assert!(streams.resumed > 0 && streams.cut > 0, "{streams:#?}");
    assert!(report.gates.iter().all(|gate| gate.ok && gate.value.is_some()), "{:#?}", report.gates);
    assert_eq!(report.verdict, Overall::Conforms, "{report:#?}");
}

/// Whatever is wrong with streams is found, and told by its kind.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_streams_is_found() {
    let all = [
        (Streams::Twice, "doubled"),
        (Streams::TwoIds, "doubled"),
        (Streams::GapOnResume, "lost"),
        (Streams::RepeatsOnResume, "doubled"),
        (Streams::OneQueue, "lost"),
        (Streams::AllJobs, "strange"),
        (Streams::Swapped, "out of order"),
        (Streams::HoldsTheNewest, "lost"),
        (Streams::Forgets, "lost"),
        (Streams::Invents, "strange"),
        (Streams::NoStream, "lost"),
    ];
    // Side by side: most of their time is waiting.
    let loads: Vec<_> = all.into_iter().map(|(streams, kind)| (streams, kind, tokio::spawn(loaded(streams)))).collect();
    for (streams, kind, load) in loads {
        let report = load.await.unwrap_or_else(|failed| panic!("{streams:?}: {failed}"));
        let found = report.streams.as_ref().expect("streams");
        assert!(found.wrong.iter().any(|one| one.kind == kind), "{streams:?}: {found:#?}");
        assert_eq!(report.verdict, Overall::DoesNotConform, "{streams:?}: {found:#?}");
        // Where clients were told less, or more, it is no pass that what they were told came in order.
        let order = report.requirements.iter().find(|one| one.id == "SSE-5").map(|one| one.verdict);
        assert_eq!(
            order.is_some_and(|verdict| verdict == Verdict::Pass),
            found.not_once() + found.out_of_order == 0,
            "{streams:?}: {order:?}"
        );
        let counts = [("lost", found.lost), ("doubled", found.doubled), ("out of order", found.out_of_order), ("strange", found.strange)];
        for (other, count) in counts {
            assert_eq!(found.wrong.iter().any(|one| one.kind == other), count > 0, "{streams:?}: {other}: {found:#?}");
        }
    }
}
