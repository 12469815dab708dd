//! The wire: what is written is read alike by others, what follows answers, and what costs no memory.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use hookgate::clock::{Clock as _, SystemClock};
use hookgate::contract::reading::read_contract;
use hookgate::delivery::{Answer, Delivery, HeaderLine, NoAnswer};
use hookgate::files;
use hookgate::reference::Receiver;
use hookgate::reference::memory::MemoryStore;
use hookgate::scenario::deliver::{ConnectionUse, Framing, HeaderCase};
use hookgate::serve::serve;
use hookgate::sign::sha256_hex;
use hookgate::transport::codec::encode::EncodedRequest;
use hookgate::transport::{KeptConnection, Sender, Target, Transmission};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const PLENTY: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(200);

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

fn delivery(number: usize) -> Delivery {
    let headers = vec![HeaderLine::new("Idempotency-Key", format!("key-{number}"))];
    Delivery { method: "POST".to_owned(), path: "/in".to_owned(), headers, body: "{}".into() }
}

/// A server whose connections are each served by `serve`, one request after the other: the stream, and the request's number there.
async fn server<F: Future<Output = ()> + Send>(serve: impl Fn(TcpStream) -> F + Send + Sync + Clone + 'static) -> Target {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let target = Target::parse(&format!("http://{}", listener.local_addr().expect("its address"))).expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let serve = serve.clone();
            tokio::spawn(async move { serve(stream).await });
        }
    });
    target
}

/// Reads one request off a connection; whether there was one.
async fn read_one(stream: &mut TcpStream) -> bool {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"{}") {
        if !matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {
            return false;
        }
    }
    true
}

const OK: &[u8] = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok";

/// What follows an answer, at once or a moment later, is told of that answer's delivery, and the next is read as it is: over
/// pooled connections, kept ones and in bursts.
#[tokio::test]
async fn what_follows_an_answer_is_told_of_that_answer() {
    for (late, more) in [(false, &b"X"[..]), (false, OK), (true, b"X"), (true, OK), (true, b"\r\n")] {
        // Only the third delivery of a connection's, or the first of one, is followed by something.
        let target = server(move |mut stream| async move {
            while read_one(&mut stream).await {
                if late {
                    drop(stream.write_all(OK).await);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    drop(stream.write_all(more).await);
                } else {
                    drop(stream.write_all(&[OK, more].concat()).await);
                }
            }
        })
        .await;
        let sender = Sender::new(target, PLENTY);
        let mut kept = KeptConnection::default();
        for number in 0..6 {
            let transmission = Transmission::plain(delivery(number));
            let exchange = if number % 2 == 0 { sender.send(transmission).await } else { sender.send_kept(&mut kept, transmission).await };
            let answer = exchange.result.expect("an answer");
            assert_eq!((answer.status, &answer.body[..]), (202, &b"ok"[..]), "{late} {}: {number}", more.escape_ascii());
        }
        let remarks = sender.remarks().await;
        let wanted = format!("{} {} after the answer", more.len(), if more.len() == 1 { "byte" } else { "bytes" });
        assert!(remarks.iter().any(|one| one.delivery == delivery(0)), "{remarks:?}");
        assert!(remarks.iter().all(|one| one.surplus.to_string().starts_with(&wanted)), "{remarks:?}");
        if !late {
            let release = sender.burst(vec![Transmission::plain(delivery(7)), Transmission::plain(delivery(8))]).await;
            assert!(release.exchanges.iter().all(|one| one.result.is_ok()));
            assert_eq!(sender.remarks().await.len(), 2);
        }
    }
}

/// Servers without a word too many are not remarked on, whatever ends their answers.
#[tokio::test]
async fn nothing_is_told_of_whoever_says_no_more() {
    let target = server(|mut stream| async move {
        for turn in 0.. {
            if !read_one(&mut stream).await || turn == 3 {
                return; // closed between two answers, or before one, without a word
            }
            drop(stream.write_all(OK).await);
        }
    })
    .await;
    let sender = Sender::new(target, PLENTY);
    for number in 0..10 {
        let exchange = sender.send(Transmission::plain(delivery(number))).await;
        assert!(exchange.result.is_ok(), "{exchange:?}");
    }
    assert_eq!(sender.remarks().await, []);
}

/// Interim answers without end cost the time-out, or are given up before; never more.
#[tokio::test]
async fn interim_answers_without_end_are_given_up() {
    let target = server(|mut stream| async move {
        if read_one(&mut stream).await {
            while stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.is_ok() {}
        }
    })
    .await;
    let told = Sender::new(target, PLENTY).send(Transmission::plain(delivery(1))).await.result;
    assert!(matches!(&told, Err(NoAnswer::Garbled { cause }) if cause.contains("interim answers")), "{told:?}");
    let slowly = server(|mut stream| async move {
        if read_one(&mut stream).await {
            while stream.write_all(b"HTTP/1.1 102 Processing\r\n\r\n").await.is_ok() {
                tokio::time::sleep(SHORT / 5).await;
            }
        }
    })
    .await;
    let told = Sender::new(slowly, SHORT).send(Transmission::plain(delivery(1))).await.result;
    assert_eq!(told, Err(NoAnswer::TimedOut { after: SHORT }));
}

/// A body without end, and a chunk of a gigabyte, are given up early, by every way there is.
#[tokio::test]
async fn bodies_without_end_are_given_up() {
    for head in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40000000\r\n"] {
        let target = server(move |mut stream| async move {
            if read_one(&mut stream).await {
                drop(stream.write_all(head.as_bytes()).await);
                while stream.write_all(&[b'x'; 65_536]).await.is_ok() {}
            }
        })
        .await;
        let sender = Sender::new(target, PLENTY);
        let transmission = |connection| Transmission { connection, ..Transmission::plain(delivery(1)) };
        let mut told = vec![
            sender.send(transmission(ConnectionUse::Any)).await.result,
            sender.send(transmission(ConnectionUse::New)).await.result,
            sender.send_kept(&mut KeptConnection::default(), transmission(ConnectionUse::Kept)).await.result,
        ];
        told.extend(sender.burst(vec![transmission(ConnectionUse::Any); 3]).await.exchanges.into_iter().map(|one| one.result));
        for one in told {
            assert!(matches!(&one, Err(NoAnswer::Broken { cause }) if cause.contains("over 1 MiB")), "{one:?}");
        }
    }
}

/// A delivery that meets the end of a connection that had been used before goes once more, over a new one, and says so.
#[tokio::test]
async fn what_met_the_end_of_a_used_connection_goes_once_more() {
    let target = server(|mut stream| async move {
        if read_one(&mut stream).await {
            drop(stream.write_all(OK).await);
            // The second delivery is read, and never answered.
            read_one(&mut stream).await;
        }
    })
    .await;
    let sender = Sender::new(target, PLENTY);
    // The first of its kind rests, so the pool has none to give for a moment: a kept one is used again at once.
    let mut kept = KeptConnection::default();
    let first = sender.send_kept(&mut kept, Transmission::plain(delivery(1))).await;
    let second = sender.send_kept(&mut kept, Transmission::plain(delivery(2))).await;
    assert_eq!((first.went_twice, second.went_twice, kept.opened()), (false, true, 2));
    assert_eq!(second.result.map(|answer| answer.status), Ok(202));
}

/// What a server saw of a request: method, path, header lines in order, body.
type Seen = (String, String, Vec<(String, Vec<u8>)>, Vec<u8>);

/// Any delivery, in any framing and case.
fn arbitrary_transmission() -> impl Strategy<Value = Transmission> {
    let method = prop_oneof![Just("POST"), Just("PUT"), Just("PATCH")];
    let header = ("X-[A-Za-z0-9-]{0,10}", "[!-~]([ -~]{0,16}[!-~])?").prop_map(|(name, value)| HeaderLine::new(name, value));
    let framing =
        prop_oneof![Just(Framing::ContentLength), Just(Framing::Chunked), Just(Framing::ChunkedSmall), Just(Framing::ExpectContinue)];
    let case = prop_oneof![Just(HeaderCase::Any), Just(HeaderCase::AsWritten), Just(HeaderCase::Upper), Just(HeaderCase::Mixed)];
    let body = prop_oneof![prop::collection::vec(any::<u8>(), 0..300), prop::collection::vec(any::<u8>(), 20_000..40_000)];
    (method, "/[a-z0-9/._~%-]{0,20}([?][a-z=&]{0,10})?", prop::collection::vec(header, 0..6), body, framing, case).prop_map(
        |(method, path, headers, body, framing, header_case)| {
            // A lone `%` is no path that hyper takes.
            let path = path.replace('%', "%41");
            let delivery = Delivery { method: method.to_owned(), path, headers, body: body.into() };
            Transmission { framing, header_case, ..Transmission::plain(delivery) }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// `httparse` and hyper read what was meant: method, path, header lines in order, body.
    #[test]
    fn what_is_written_others_read_alike(transmission in arbitrary_transmission()) {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let by = Arc::clone(&seen);
        let (answer, target) = runtime().block_on(async {
            let router = axum::Router::new().fallback(async move |request: Request| {
                let (parts, body) = request.into_parts();
                let lines = parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
                let path = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
                let body = to_bytes(body, usize::MAX).await.expect("a body").to_vec();
                by.lock().expect("no panic").push((parts.method.to_string(), path, lines, body));
                StatusCode::ACCEPTED
            });
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let target = Target::parse(&format!("http://{}", listener.local_addr().expect("its address"))).expect("an address");
            tokio::spawn(async move { axum::serve(listener, router).await });
            (Sender::new(target.clone(), PLENTY).send(transmission.clone()).await.result, target)
        });
        prop_assert_eq!(answer.map(|answer| answer.status), Ok(202));
        let (method, path, lines, body) = seen.lock().expect("no panic").remove(0);
        let wanted = &transmission.delivery;
        prop_assert_eq!((&method, &path, &body[..]), (&wanted.method, &wanted.path, &wanted.body[..]));
        // hyper groups lines by name; those of one name keep their order.
        for line in &wanted.headers {
            let name = line.name.to_ascii_lowercase();
            let ours: Vec<_> = wanted.header_values(&line.name).map(|value| value.to_vec()).collect();
            let theirs: Vec<_> = lines.iter().filter(|(other, _)| *other == name).map(|(_, value)| value.clone()).collect();
            prop_assert_eq!(theirs, ours);
        }
        let bytes = EncodedRequest::new(&target, &transmission, true).whole();
        let mut room = [httparse::EMPTY_HEADER; 32];
        let mut parsed = httparse::Request::new(&mut room);
        let head = parsed.parse(&bytes).expect("a head");
        prop_assert!(head.is_complete());
        prop_assert_eq!((parsed.method, parsed.path), (Some(wanted.method.as_str()), Some(wanted.path.as_str())));
        let theirs: Vec<_> = parsed.headers.iter().filter(|line| line.name.len() > 1 && line.name[..2].eq_ignore_ascii_case("x-")).map(|line| line.value.to_vec()).collect();
        prop_assert_eq!(theirs, wanted.headers.iter().map(|line| line.value.to_vec()).collect::<Vec<_>>());
    }
}

/// The reference hashes what was meant, whatever the framing and the connection.
#[tokio::test]
async fn the_reference_reads_every_framing_alike() {
    let text = files::shipped_contract("orch-phase3").expect("a contract").text;
    let contract = Arc::new(read_contract("c", &text, &|_| None).expect("no mistakes"));
    let signer = contract.signature.keyed(b"a secret").expect("a key");
    let store = MemoryStore::new(Arc::clone(&contract));
    let receiver = Receiver::new(Arc::clone(&contract), Some(signer.clone()), store, None).expect("a receiver");
    let serving = serve(receiver, Arc::new(SystemClock), SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port");
    let sender = Sender::new(Target::parse(&format!("http://{}", serving.address)).expect("an address"), PLENTY);
    let mut kept = KeptConnection::default();
    let bodies: [Vec<u8>; 3] = [Vec::new(), br#"{"task_id":"a"}"#.to_vec(), (0..70_000_u32).map(|n| (n % 253) as u8).collect()];
    for (at, body) in bodies.iter().enumerate() {
        for framing in [Framing::ContentLength, Framing::Chunked, Framing::ChunkedSmall, Framing::ExpectContinue] {
            for connection in [ConnectionUse::Any, ConnectionUse::Kept] {
                let key = format!("key-{at}-{framing:?}-{connection:?}");
                let (method, path) = (contract.endpoint.method.clone(), contract.endpoint.path.clone());
                let headers = vec![HeaderLine::new("Idempotency-Key", key.clone())];
                let mut delivery = Delivery { method, path, headers, body: body.clone().into() };
                delivery.headers.extend(signer.header_lines(&delivery, &key, "", SystemClock.now()));
                let transmission = Transmission { framing, connection, ..Transmission::plain(delivery) };
                let exchange = match connection {
                    ConnectionUse::Kept => sender.send_kept(&mut kept, transmission).await,
                    ConnectionUse::Any | ConnectionUse::New => sender.send(transmission).await,
                };
                let told = exchange.result.as_ref().ok().and_then(Answer::json).expect("JSON");
                assert_eq!(told["payload_sha256"], sha256_hex(body).as_str(), "{key}: {exchange:?}");
            }
        }
    }
    serving.kill().await;
}
