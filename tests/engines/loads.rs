//! Loads of every shape: what a report says of one agrees with itself, and with what the receiver has counted.
#![expect(clippy::expect_used, clippy::panic, reason = "a test ends where something is not as it should be")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hookgate::contract::Contract;
use hookgate::contract::reading::read_contract;
use hookgate::files;
use hookgate::load::gate::Gate;
use hookgate::load::mix::Mix;
use hookgate::load::rate_profile::{Arrivals, Model, RateProfile};
use hookgate::load::report::LoadReport;
use hookgate::load::{Loaded, Plan, verify};
use hookgate::scenario::requirement::Catalogue;
use hookgate::transport::Target;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

const ANSWER: &[u8] = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

/// How a receiver behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Receives {
    /// It answers at once.
    AtOnce,
    /// It takes one delivery at a time, and so long for it.
    OneAtATime(Duration),
    /// After so many answers nothing is answered for a while, once.
    StallsAfter(u64, Duration),
    /// After so many answers it closes every connection, and takes no more.
    DiesAfter(u64),
    /// It reads, and never answers.
    Never,
}

/// A receiver in this process, which counts its answers.
pub(crate) struct Receiver {
    pub(crate) target: Target,
    answered: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl Receiver {
    pub(crate) async fn start(receives: Receives) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let target = Target::parse(&format!("http://{}", listener.local_addr().expect("its address"))).expect("an address");
        let answered = Arc::new(AtomicU64::new(0));
        let (count, turn) = (Arc::clone(&answered), Arc::new(Semaphore::new(1)));
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                if matches!(receives, Receives::DiesAfter(most) if count.load(Ordering::SeqCst) >= most) {
                    return;
                }
                connections.spawn(answer(stream, receives, Arc::clone(&count), Arc::clone(&turn)));
            }
        });
        Self { target, answered, task }
    }

    fn answered(&self) -> u64 {
        self.answered.load(Ordering::SeqCst)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A connection over which deliveries come. They are empty: each ends with its head.
pub(crate) struct Deliveries {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Deliveries {
    pub(crate) fn over(stream: TcpStream) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// Waits for the next; whether one has come.
    pub(crate) async fn next(&mut self) -> bool {
        const END: &[u8] = b"\r\n\r\n";
        loop {
            if let Some(at) = self.buffer.windows(END.len()).position(|window| window == END) {
                self.buffer.drain(..at + END.len());
                return true;
            }
            if !matches!(self.stream.read_buf(&mut self.buffer).await, Ok(1..)) {
                return false;
            }
        }
    }

    /// Answers it; whether that could be written.
    pub(crate) async fn answer(&mut self) -> bool {
        self.stream.write_all(ANSWER).await.is_ok()
    }
}

async fn answer(stream: TcpStream, receives: Receives, count: Arc<AtomicU64>, turn: Arc<Semaphore>) {
    let mut deliveries = Deliveries::over(stream);
    while deliveries.next().await {
        match receives {
            Receives::AtOnce => {}
            Receives::Never => continue,
            Receives::OneAtATime(span) => {
                let turn = turn.acquire().await.expect("it is never closed");
                tokio::time::sleep(span).await;
                drop(turn);
            }
            Receives::StallsAfter(most, span) if count.load(Ordering::SeqCst) == most => tokio::time::sleep(span).await,
            Receives::StallsAfter(..) => {}
            Receives::DiesAfter(most) if count.load(Ordering::SeqCst) >= most => return,
            Receives::DiesAfter(_) => {}
        }
        count.fetch_add(1, Ordering::SeqCst);
        if !deliveries.answer().await {
            return;
        }
    }
}

fn contract() -> Arc<Contract> {
    let text = "contract: of-loads\ntitle: t\nabout: a\nsource: s\nsuite: core\nendpoint: {method: POST, path: /in, content_type: application/json}\n\
                secret: {env: S, for_tests: a-secret-of-this-test}\nkey: {header: Idempotency-Key}\n\
                signature: {digest: sha256, encoding: hex, message: '{body}', headers: [{name: X-Signature, value: '{sig}'}]}\n\
                outcomes: {accepted: {status: 202}, duplicate: {status: 202}, refused: {signature: {status: 401}, missing-key: {status: 400}}}\n";
    Arc::new(read_contract("of-loads.yaml", text, &|_| None).unwrap_or_else(|wrong| panic!("{wrong}")))
}

/// A load of a few hundred milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) model: Model,
    pub(crate) profile: RateProfile,
    pub(crate) users: usize,
    pub(crate) warm_up: Duration,
    pub(crate) arrivals: Arrivals,
    pub(crate) most: u64,
    pub(crate) drain: Duration,
}

impl Shape {
    pub(crate) fn open(rate: f64, length: Duration) -> Self {
        Self {
            model: Model::Open,
            profile: RateProfile::level(rate, length),
            users: 8,
            warm_up: Duration::ZERO,
            arrivals: Arrivals::Constant,
            most: u64::MAX,
            drain: Duration::from_secs(5),
        }
    }

    fn closed(users: usize, length: Duration) -> Self {
        Self { model: Model::Closed, profile: RateProfile::level(users as f64, length), users, ..Self::open(1.0, length) }
    }
}

pub(crate) fn plan(shape: &Shape, target: Target) -> Plan {
    let file = files::shipped_suite("core").catalogue.expect("a catalogue");
    let mix = Mix::default();
    let gates = ["rate>=350/s", "fresh.rate>=1/s", "dropped==0", "errors<1%", "p99<10s"];
    let gates = gates.map(|text| Gate::read(text, &mix.names()).expect("a gate"));
    Plan {
        headers: Vec::new(),
        secret_headers: Vec::new(),
        contract: contract(),
        catalogue: Arc::new(Catalogue::read(&file.path, &file.text).unwrap_or_else(|wrong| panic!("{wrong}"))),
        target,
        sources: hookgate::evidence::Sources::default(),
        signer: contract().signer(b"a-secret-of-this-test", None, None).expect("a secret"),
        body: Vec::new(),
        mix,
        feed: None,
        users: shape.users,
        hatch_rate: shape.users as f64 * 50.0,
        model: shape.model,
        profile: shape.profile.clone(),
        arrivals: shape.arrivals,
        most: shape.most,
        warm_up: shape.warm_up,
        timeout: Duration::from_secs(20),
        drain: shape.drain,
        gates: gates.to_vec(),
        abort_on: Vec::new(),
        verify: false,
        ttl: None,
        seed: 11,
        beside: None,
        baseline: None,
        part: hookgate::load::part::Part::default(),
        engine: hookgate::load::engine::goose::Engine::Goose,
        streams: None,
    }
}

async fn load(shape: &Shape, receiver: &Receiver) -> Loaded {
    let (_interrupt, interrupted) = watch::channel(false);
    hookgate::load::run(&plan(shape, receiver.target.clone()), Arc::new(|_| {}), interrupted)
        .await
        .unwrap_or_else(|wrong| panic!("{wrong}"))
}

/// What a report says twice, it says alike; and as the receiver has counted.
fn agrees(shape: &Shape, receives: Receives, receiver: &Receiver, loaded: &Loaded) {
    let Loaded { report, measurement, cut: _ } = loaded;
    assert_eq!(verify::judged_again(report), Vec::<String>::new(), "{report:#?}");
    let of_kinds: u64 = report.kinds.values().map(|kind| kind.sent).sum();
    let of_seconds: u64 = report.series.iter().map(|second| second.deliveries).sum();
    let in_histogram = measurement.latency().map_or(0, |latency| latency.len());
    assert_eq!([of_kinds, of_seconds], [report.deliveries; 2]);
    let refused: u64 = ["connection refused", "no connection", "no port left"].iter().filter_map(|why| report.errors.get(*why)).sum();
    assert_eq!(in_histogram, report.deliveries - refused, "what never left has no latency");
    let lost: u64 = report.errors.values().sum();
    let answers = report.deliveries - lost;
    assert!((report.rate_per_s * report.seconds - answers as f64).abs() < 1e-6 * answers.max(1) as f64, "{report:#?}");
    let gate = |name: &str| report.gates.iter().find(|gate| gate.gate.starts_with(name)).and_then(|gate| gate.value);
    assert_eq!(gate("dropped"), Some(report.dropped as f64));
    assert_eq!(gate("rate"), (report.deliveries > 0).then_some(report.rate_per_s));
    assert_eq!(gate("fresh.rate"), gate("rate"), "there is one kind");
    let log = hookgate::load::hlog::write(report, measurement).expect("a log");
    assert_eq!(in_log(&log), [in_histogram; 2], "{log}");
    let series = hookgate::load::report::series(report);
    assert_eq!(series.lines().count(), report.series.len() + 1);

    // The receiver's own count.
    let answered = receiver.answered();
    if shape.warm_up.is_zero() {
        assert_eq!(report.operations, report.deliveries);
        assert!(answers <= answered, "{answers} answers of {answered}");
        if lost == 0 {
            assert_eq!(answers, answered);
        }
    } else {
        assert!(answered >= answers && report.operations >= report.deliveries);
    }
    if let Receives::OneAtATime(span) = receives {
        // It takes so long for each: nobody can have got more answers than that, but for the first.
        let most = (report.seconds / span.as_secs_f64() + shape.users as f64) / report.seconds;
        assert!(report.rate_per_s <= most, "{} of {most}: {report:#?}", report.rate_per_s);
    }
    if shape.model == Model::Open {
        let due = shape.profile.due_by(shape.profile.length(), shape.most, shape.arrivals, 11);
        assert_eq!(report.operations + report.dropped, due, "{report:#?}");
        assert!(!report.kept_up || (report.dropped == 0 && answers as f64 + 2.0 >= report.deliveries as f64 * 0.99), "{report:#?}");
    } else {
        assert_eq!((report.dropped, report.wanted_per_s), (0, None));
    }
}

/// How many values the lines without a tag, and those with one, hold.
fn in_log(log: &str) -> [u64; 2] {
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
    let mut counts = [0; 2];
    for entry in IntervalLogIterator::new(log.as_bytes()) {
        if let LogEntry::Interval(interval) = entry.expect("a line of the log") {
            let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, interval.encoded_histogram()).expect("base64");
            let histogram: hdrhistogram::Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).expect("a histogram");
            counts[usize::from(interval.tag().is_some())] += histogram.len();
        }
    }
    counts
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

fn tried(shape: &Shape, receives: Receives) -> LoadReport {
    runtime().block_on(async {
        let receiver = Receiver::start(receives).await;
        let loaded = load(shape, &receiver).await;
        agrees(shape, receives, &receiver, &loaded);
        loaded.report
    })
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Asked for four times what it takes: what it took is told, what was not sent is told, and nobody waits for the rest.
#[test]
fn slow_receiver_is_told_as_it_is() {
    let report = tried(&Shape::open(400.0, ms(1_500)), Receives::OneAtATime(ms(10)));
    assert_eq!((report.kept_up, report.wanted_per_s.map(f64::round)), (false, Some(400.0)));
    assert!(report.dropped > 200 && report.rate_per_s < 110.0, "{report:#?}");
    assert!(report.gates.iter().filter(|gate| !gate.ok).count() == 2, "{:?}", report.gates);
}

#[test]
fn receiver_that_never_answers_is_given_up_in_time() {
    let shape = Shape { drain: ms(100), ..Shape::open(100.0, ms(300)) };
    let report = tried(&shape, Receives::Never);
    assert_eq!((report.errors.get("still open at the end"), report.errors.len()), (Some(&8), 1), "{report:#?}");
    assert_eq!((report.kept_up, report.dropped, report.window.last_answer_s.to_bits()), (false, 22, 0));
}

#[test]
fn even_rate_is_kept() {
    let report = tried(&Shape::open(200.0, ms(1_000)), Receives::AtOnce);
    assert_eq!((report.operations, report.dropped), (200, 0));
    assert!(report.rate_per_s > 100.0, "{report:#?}");
}

fn receives() -> impl Strategy<Value = Receives> {
    prop_oneof![
        Just(Receives::AtOnce),
        (1u64..30).prop_map(|span| Receives::OneAtATime(ms(span))),
        (0u64..100, 50u64..300).prop_map(|(most, span)| Receives::StallsAfter(most, ms(span))),
        (0u64..100).prop_map(Receives::DiesAfter),
        Just(Receives::Never),
    ]
}

fn shapes() -> impl Strategy<Value = Shape> {
    let open = (20u32..900, any::<bool>()).prop_map(|(rate, random)| Shape {
        arrivals: if random { Arrivals::Poisson } else { Arrivals::Constant },
        ..Shape::open(f64::from(rate), ms(400))
    });
    let closed = (1usize..12).prop_map(|users| Shape::closed(users, ms(300)));
    let stages = (10u32..600).prop_map(|rate| Shape {
        profile: RateProfile::stages(&format!("200ms:{rate}/s,100ms:{rate}/s,100ms:0")).expect("stages"),
        ..Shape::open(1.0, ms(1))
    });
    let users = (1usize..9).prop_map(|users| Shape {
        profile: RateProfile::stages(&format!("150ms:{users},150ms:0")).expect("stages"),
        ..Shape::closed(users, ms(1))
    });
    let rest = (prop_oneof![Just(0u64), Just(150)], prop_oneof![Just(u64::MAX), 1u64..200], prop_oneof![Just(50u64), Just(400)]);
    (prop_oneof![open, closed, stages, users], rest).prop_map(|(shape, (warm_up, most, drain))| Shape {
        warm_up: ms(warm_up),
        most,
        drain: ms(drain),
        ..shape
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is loaded how, the report is of one piece.
    #[test]
    fn report_of_a_load_agrees_with_itself(shape in shapes(), receives in receives()) {
        tried(&shape, receives);
    }
}
