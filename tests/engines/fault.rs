//! The faulty network, rule by rule, before a small server that writes down what reaches it.
#![expect(clippy::expect_used, clippy::panic, reason = "a test ends where something is not as it should be")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookgate::clock::span::Span;
use hookgate::delivery::{Delivery, HeaderLine, NoAnswer};
use hookgate::scenario::deliver::Framing;
use hookgate::scenario::fault::{CutAt, Dribble, Fault, Part};
use hookgate::transport::codec::encode::EncodedRequest;
use hookgate::transport::faulty::{Faulted, Meanwhile};
use hookgate::transport::{Sender, Target, Transmission};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const PLENTY: Duration = Duration::from_secs(20);
const FRAMINGS: [Framing; 4] = [Framing::ContentLength, Framing::Chunked, Framing::ChunkedSmall, Framing::ExpectContinue];

/// Answers in every framing, the body of each being `ok`; whether the end of the connection ends it.
const ANSWERS: [(&str, bool); 5] = [
    ("HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok", false),
    ("HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\no\r\n1\r\nk\r\n0\r\nX-Sum: 1\r\n\r\n", false),
    ("HTTP/1.1 202 Accepted\r\n\r\nok", true),
    ("HTTP/1.0 202 Accepted\r\n\r\nok", true),
    ("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok", false),
];

/// What reached the server: the bytes of every connection.
type Reached = Arc<Mutex<Vec<Vec<u8>>>>;

fn transmission(framing: Framing) -> Transmission {
    let headers = vec![HeaderLine::new("X-Signature", "of the address and the body")];
    let delivery = Delivery { method: "POST".to_owned(), path: "/in?a=b".to_owned(), headers, body: "0123456789".into() };
    Transmission { framing, ..Transmission::plain(delivery) }
}

/// Answers every request that is `whole`, and half ones not at all.
async fn server(whole: impl Fn(&Target) -> usize, answer: &'static str, closes: bool) -> (Target, Reached) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let target = Target::parse(&format!("http://{}/prefix", listener.local_addr().expect("its address"))).expect("an address");
    let reached: Reached = Arc::default();
    let (seen, length) = (Arc::clone(&reached), whole(&target));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                let (mut bytes, mut answered) = (Vec::new(), 0);
                while stream.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
                    while bytes.len() >= (answered + 1) * length {
                        answered += 1;
                        drop(stream.write_all(answer.as_bytes()).await);
                        if closes {
                            drop(stream.shutdown().await);
                        }
                    }
                }
                seen.lock().expect("no panic").push(bytes);
            });
        }
    });
    (target, reached)
}

/// Sends a delivery through `fault`; what came of it, what should have travelled, and what reached the server.
async fn through(fault: &Fault, framing: Framing, answer: &'static str, closes: bool) -> (Faulted, Vec<u8>, Vec<u8>) {
    let transmission = transmission(framing);
    let encoded = |target: &Target| EncodedRequest::new(target, &transmission, false);
    let (target, by) = server(|target| encoded(target).len(), answer, closes).await;
    let whole = encoded(&target).whole().to_vec();
    let faulted = Sender::new(target, PLENTY).send_faulty(&transmission, fault).await;
    (faulted, whole, reached(&by).await)
}

/// The bytes of the first connection, once it has ended.
async fn reached(by: &Reached) -> Vec<u8> {
    for _ in 0..20_000 {
        if let Some(bytes) = by.lock().expect("no panic").first() {
            return bytes.clone();
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("the connection did not end");
}

fn is_ok(faulted: &Faulted) -> bool {
    faulted.exchange.result.as_ref().is_ok_and(|answer| (answer.status, &answer.body[..]) == (202, b"ok"))
}

fn was_given(faulted: &Faulted) -> bool {
    faulted.given.as_ref().is_some_and(|answer| (answer.status, &answer.body[..]) == (202, b"ok"))
}

/// Every fault under every framing of requests and of answers: what reaches the receiver, what is heard of its answer, and
/// what the network knows of it.
#[tokio::test]
async fn every_fault_is_itself_under_every_framing() {
    let dribble = |part| Fault::Dribble(Dribble { pause: Span(Duration::from_micros(50)), part, meanwhile: 0 });
    for framing in FRAMINGS {
        for (answer, closes) in ANSWERS {
            for fault in [
                Fault::LoseAnswer,
                Fault::CutAnswer,
                Fault::HalfClose,
                Fault::Twice,
                Fault::Delay(Span(Duration::from_millis(1))),
                dribble(None),
                dribble(Some(Part::Headers)),
                dribble(Some(Part::Body)),
            ] {
                // Nobody asks for a body that waits, so it takes a second: once is enough.
                let may_wait = (answer, closes) == ANSWERS[0] && matches!(fault, Fault::LoseAnswer | Fault::HalfClose);
                if framing == Framing::ExpectContinue && !may_wait {
                    continue;
                }
                let (faulted, whole, reached) = through(&fault, framing, answer, closes).await;
                let told = format!("{fault:?} {framing:?} {answer:?}: {faulted:?}");
                assert!(was_given(&faulted), "{told}");
                match fault {
                    // Of one that ends with the connection half is none either.
                    Fault::LoseAnswer | Fault::CutAnswer => {
                        assert!(matches!(faulted.exchange.result, Err(NoAnswer::Broken { .. })), "{told}");
                    }
                    _ => assert!(is_ok(&faulted), "{told}"),
                }
                let twice = fault == Fault::Twice;
                assert_eq!(reached, if twice { [whole.clone(), whole].concat() } else { whole }, "{told}");
            }
        }
    }
}

/// A request breaks off where it should, under every framing, and is answered by nobody.
#[tokio::test]
async fn request_breaks_off_where_it_should() {
    for framing in [Framing::ContentLength, Framing::Chunked, Framing::ChunkedSmall] {
        for at in [CutAt::Headers, CutAt::Body, CutAt::Bytes(3), CutAt::Bytes(9_999)] {
            let (faulted, whole, reached) = through(&Fault::CutRequest(at), framing, ANSWERS[0].0, false).await;
            let head = whole.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
            let wanted = match at {
                CutAt::Headers => head / 2,
                CutAt::Body => head + (whole.len() - head) / 2,
                CutAt::Bytes(bytes) => bytes.min(whole.len() - 1),
            };
            assert_eq!(String::from_utf8_lossy(&reached), String::from_utf8_lossy(&whole[..wanted]), "{at:?}");
            assert!(matches!(faulted.exchange.result, Err(NoAnswer::Broken { .. })) && faulted.given.is_none(), "{faulted:?}");
        }
    }
}

/// What a signature may cover of a request stays what it is: the receiver's own name and the path.
#[tokio::test]
async fn host_and_path_stay_the_receivers() {
    let (faulted, _, reached) = through(&Fault::LoseAnswer, Framing::ContentLength, ANSWERS[0].0, false).await;
    let text = String::from_utf8_lossy(&reached).into_owned();
    assert!(text.starts_with("POST /prefix/in?a=b HTTP/1.1\r\nhost: 127.0.0.1:"), "{text} {faulted:?}");
}

/// A receiver that asks for the body gets it, also when its answer is lost.
#[tokio::test]
async fn body_is_asked_for_also_when_the_answer_is_lost() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let target = Target::parse(&format!("http://{}", listener.local_addr().expect("its address"))).expect("an address");
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            stream.read_buf(&mut bytes).await.expect("a head");
        }
        let held_back = bytes.len();
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.expect("it listens");
        while bytes.len() < held_back + 10 {
            stream.read_buf(&mut bytes).await.expect("a body");
        }
        stream.write_all(ANSWERS[0].0.as_bytes()).await.expect("it listens");
        bytes.split_off(held_back)
    });
    let faulted = Sender::new(target, PLENTY).send_faulty(&transmission(Framing::ExpectContinue), &Fault::LoseAnswer).await;
    assert!(was_given(&faulted) && faulted.exchange.result.is_err(), "{faulted:?}");
    assert_eq!(server.await.expect("no panic"), b"0123456789");
}

/// A server that answers only when it has seen the end of what it reads.
#[tokio::test]
async fn sender_closes_its_side_and_still_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let target = Target::parse(&format!("http://{}", listener.local_addr().expect("its address"))).expect("an address");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.expect("the end");
        stream.write_all(ANSWERS[0].0.as_bytes()).await.expect("it listens");
    });
    let faulted = Sender::new(target, PLENTY).send_faulty(&transmission(Framing::ContentLength), &Fault::HalfClose).await;
    assert!(is_ok(&faulted), "{faulted:?}");
}

/// Where no answer was given, none can be lost, and what was seen instead is told.
#[tokio::test]
async fn garbage_is_told_and_not_taken_for_a_lost_answer() {
    for fault in [Fault::LoseAnswer, Fault::CutAnswer] {
        let (faulted, _, _) = through(&fault, Framing::ContentLength, "SSH-2.0-OpenSSH\r\n", true).await;
        assert!(matches!(faulted.exchange.result, Err(NoAnswer::Garbled { .. })) && faulted.given.is_none(), "{faulted:?}");
    }
}

/// A slow request is slow as long as something is done beside it; then the rest leaves at once, whatever its pauses are.
#[tokio::test]
async fn a_slow_request_ends_with_what_is_done_beside_it() {
    const AN_HOUR: Duration = Duration::from_secs(3600);
    let mut transmission = transmission(Framing::ContentLength);
    transmission.delivery.body = "01".into();
    let encoded = |target: &Target| EncodedRequest::new(target, &transmission, false);
    let (target, by) = server(|target| encoded(target).len(), ANSWERS[0].0, false).await;
    let whole = encoded(&target).whole().to_vec();
    let fault = Fault::Dribble(Dribble { pause: Span(AN_HOUR), part: Some(Part::Body), meanwhile: 1 });
    let sender = Sender::new(target, PLENTY);
    let (meanwhile, has_begun, is_over) = Meanwhile::new();
    let beside = async {
        has_begun.await.expect("it is under way");
        assert!(by.lock().expect("no panic").is_empty(), "it is not over before what is done beside it");
        drop(is_over);
    };
    let both = async { tokio::join!(sender.send_faulty_while(&transmission, &fault, meanwhile), beside).0 };
    let faulted = tokio::time::timeout(PLENTY, both).await.expect("nobody waits for an hour");
    assert!(is_ok(&faulted), "{faulted:?}");
    drop(sender);
    assert_eq!(reached(&by).await, whole);
}
