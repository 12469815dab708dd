//! The faulty network, rule by rule, before a small server that writes down what reaches it.
#![expect(clippy::expect_used, clippy::panic, reason = "a test ends where something is not as it should be")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookgate::clock::Moment;
use hookgate::clock::span::Span;
use hookgate::fault::{Proxy, Rule};
use hookgate::scenario::fault::{CutAt, Dribble, Fault, Part};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const REQUEST: &str = "POST /in HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123456789";
const HEAD: usize = REQUEST.len() - 10;
const ANSWER: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok";

/// What reached the server: the bytes of every connection, and after how many reads.
type Reached = Arc<Mutex<Vec<(Vec<u8>, usize)>>>;

/// Answers every whole request, and half ones not at all.
async fn server() -> (SocketAddr, Reached) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let reached: Reached = Arc::default();
    let seen = Arc::clone(&reached);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                let (mut bytes, mut reads, mut answered) = (Vec::new(), 0, 0);
                while stream.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
                    reads += 1;
                    while bytes.len() >= (answered + 1) * REQUEST.len() {
                        answered += 1;
                        stream.write_all(ANSWER.as_bytes()).await.expect("the proxy listens");
                    }
                }
                seen.lock().expect("no panic").push((bytes, reads));
            });
        }
    });
    (address, reached)
}

/// Sends the request through a network with these rules; gives what came back and the proxy.
async fn through(rules: Vec<Rule>) -> (String, Proxy, Reached) {
    let (address, reached) = server().await;
    let proxy = Proxy::start("127.0.0.1".to_owned(), address.port(), rules, 7).await.expect("a proxy");
    let answer = ask(&proxy).await;
    (answer, proxy, reached)
}

async fn ask(proxy: &Proxy) -> String {
    let mut client = TcpStream::connect(proxy.address).await.expect("a connection");
    client.write_all(REQUEST.as_bytes()).await.expect("it is sent");
    let mut answer = Vec::new();
    drop(client.read_to_end(&mut answer).await);
    String::from_utf8_lossy(&answer).into_owned()
}

/// The bytes of the first connection, once it has ended.
async fn reached(by: &Reached) -> (String, usize) {
    for _ in 0..2_000 {
        if let Some((bytes, reads)) = by.lock().expect("no panic").first() {
            return (String::from_utf8_lossy(bytes).into_owned(), *reads);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("the connection did not end");
}

#[tokio::test]
async fn without_a_rule_nothing_is_changed() {
    let (answer, proxy, by) = through(Vec::new()).await;
    assert_eq!((answer.as_str(), reached(&by).await.0.as_str()), (ANSWER, REQUEST));
    assert_eq!(proxy.happened()[0].fault, None);
}

#[tokio::test]
async fn answer_is_lost_after_the_request_arrived_whole() {
    let (answer, proxy, by) = through(vec![Rule::always(Fault::LoseAnswer)]).await;
    assert_eq!((answer.as_str(), reached(&by).await.0.as_str()), ("", REQUEST));
    let happened = &proxy.happened()[0];
    assert_eq!((happened.request_bytes, happened.answer.as_deref()), (REQUEST.len(), Some(ANSWER.as_bytes())));
}

#[tokio::test]
async fn answer_breaks_off_in_the_middle() {
    let (answer, _, by) = through(vec![Rule::always(Fault::CutAnswer)]).await;
    assert_eq!((answer.as_str(), reached(&by).await.0.as_str()), (&ANSWER[..ANSWER.len() / 2], REQUEST));
}

#[tokio::test]
async fn request_breaks_off_where_it_should() {
    for (at, bytes) in [(CutAt::Headers, HEAD / 2), (CutAt::Body, HEAD + 5), (CutAt::Bytes(3), 3), (CutAt::Bytes(9_999), REQUEST.len() - 1)]
    {
        let (answer, proxy, by) = through(vec![Rule::always(Fault::CutRequest(at))]).await;
        assert_eq!((answer.as_str(), reached(&by).await.0.as_str()), ("", &REQUEST[..bytes]), "{at:?}");
        assert_eq!(proxy.happened()[0].answer, None);
    }
}

#[tokio::test]
async fn request_is_held_back() {
    let begun = Moment::now();
    let (answer, _, _) = through(vec![Rule::always(Fault::Delay(Span(Duration::from_millis(50))))]).await;
    assert_eq!(answer, ANSWER);
    assert!(begun.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn request_arrives_byte_by_byte() {
    let slow = |part| Fault::Dribble(Dribble { pause: Span(Duration::from_millis(1)), part, meanwhile: 0 });
    for (part, least) in [(None, REQUEST.len() / 2), (Some(Part::Body), 5), (Some(Part::Headers), HEAD / 2)] {
        let (answer, _, by) = through(vec![Rule::always(slow(part))]).await;
        let (bytes, reads) = reached(&by).await;
        assert_eq!((answer.as_str(), bytes.as_str()), (ANSWER, REQUEST));
        // The system may join two bytes that wait for a busy reader.
        assert!(reads >= least, "{part:?}: {reads} reads");
    }
}

#[tokio::test]
async fn request_travels_twice_in_one_piece() {
    let (answer, _, by) = through(vec![Rule::always(Fault::Twice)]).await;
    let (bytes, _) = reached(&by).await;
    assert_eq!((answer.as_str(), bytes), (ANSWER, [REQUEST, REQUEST].concat()));
}

/// A server that answers only when it has seen the end of what it reads.
#[tokio::test]
async fn sender_closes_its_side_and_still_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.expect("the end");
        assert_eq!(bytes, REQUEST.as_bytes());
        stream.write_all(ANSWER.as_bytes()).await.expect("the proxy listens");
    });
    let proxy = Proxy::start("127.0.0.1".to_owned(), port, vec![Rule::always(Fault::HalfClose)], 7).await.expect("a proxy");
    let answer = tokio::time::timeout(Duration::from_secs(5), ask(&proxy)).await;
    assert_eq!(answer.expect("the server sees the end"), ANSWER);
}

/// The first rule that fits wins, and one for other connections does not fit.
#[tokio::test]
async fn first_rule_that_fits_wins() {
    let second_only = Rule { connections: Some(1..2), ..Rule::always(Fault::LoseAnswer) };
    let (first, proxy, _) = through(vec![second_only, Rule::always(Fault::CutAnswer)]).await;
    let second = ask(&proxy).await;
    assert_eq!((first.as_str(), second.as_str()), (&ANSWER[..ANSWER.len() / 2], ""));
}
