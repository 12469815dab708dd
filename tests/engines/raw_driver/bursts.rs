//! Bursts: all connections first, one release, one time-out.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use hookgate::delivery::NoAnswer;
use hookgate::scenario::deliver::Framing;
use hookgate::transport::{Release, Sender, Target, Transmission};

use super::listener::{OK, PLENTY, SHORT, head_end, listen, read_one, record, status, transmission, wait_on};

async fn burst(target: &Target, transmissions: Vec<Transmission>, timeout: Duration) -> Release {
    Sender::new(target.clone(), timeout).burst(transmissions).await
}

/// 32 deliveries: no byte of any comes before all connections stand, none is
/// whole before the release, and all are under way together.
#[test]
fn burst_opens_every_connection_first() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = Target::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let server = thread::spawn(move || {
        // The first read happens only when all have been accepted: a sender that waited for one answer would hang.
        let streams: Vec<TcpStream> = (0..32).map(|_| listener.accept().unwrap().0).collect();
        let seen: Vec<(TcpStream, Vec<u8>)> = streams
            .into_iter()
            .map(|mut stream| {
                let bytes = read_one(&mut stream).unwrap();
                (stream, bytes)
            })
            .collect();
        for (mut stream, bytes) in seen {
            let answer = format!("HTTP/1.1 202 Accepted\r\nContent-Length: {}\r\n\r\n", bytes.len() - head_end(&bytes).unwrap());
            stream.write_all(answer.as_bytes()).unwrap();
            stream.write_all(&bytes[head_end(&bytes).unwrap()..]).unwrap();
        }
    });
    let transmissions = (0..32).map(|n| transmission(format!("body {n}"))).collect();
    let release = wait_on(burst(&target, transmissions, PLENTY));
    server.join().unwrap();
    for (n, exchange) in release.exchanges.iter().enumerate() {
        assert_eq!(exchange.result.as_ref().unwrap().body, format!("body {n}"), "answers are in the order of the transmissions");
    }
    assert_eq!(release.most_at_once, 32);
    eprintln!("released within {:?}", release.release_spread);
    assert!(release.release_spread > Duration::ZERO);
}

/// Large and chunked bodies, bodies that would wait, and no body at all are released alike.
#[test]
fn burst_carries_every_framing() {
    let (target, told) = record(OK);
    let mut transmissions: Vec<Transmission> = [Framing::ContentLength, Framing::Chunked, Framing::ChunkedSmall, Framing::ExpectContinue]
        .map(|framing| Transmission { framing, ..transmission(vec![b'x'; 3 << 20]) })
        .to_vec();
    let mut question = transmission("");
    question.delivery.method = "GET".to_owned();
    transmissions.push(question);
    let release = wait_on(burst(&target, transmissions, PLENTY));
    assert!(release.exchanges.iter().all(|exchange| status(exchange) == Ok(202)), "{:?}", release.exchanges);
    assert_eq!(told.try_iter().count(), 5);
}

/// Without a listener every transmission of a burst is unreachable; an empty burst is over at once.
#[test]
fn burst_at_nobody_ends_at_once() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let target = Target::parse(&format!("http://127.0.0.1:{port}")).unwrap();
    let release = wait_on(burst(&target, vec![transmission("a"), transmission("b")], PLENTY));
    assert_eq!((release.exchanges.len(), release.most_at_once, release.release_spread), (2, 0, Duration::ZERO));
    for exchange in &release.exchanges {
        assert_eq!(exchange.result, Err(NoAnswer::Unreachable { cause: "connection refused".to_owned() }));
    }
    assert!(wait_on(burst(&target, Vec::new(), PLENTY)).exchanges.is_empty());
}

/// A burst's silent receivers cost one time-out, not one each.
#[test]
fn burst_waits_for_all_at_the_same_time() {
    let target = listen(|mut stream| while read_one(&mut stream).is_some() {});
    let release = wait_on(burst(&target, vec![transmission("a"); 20], SHORT));
    for exchange in &release.exchanges {
        assert_eq!(exchange.result, Err(NoAnswer::TimedOut { after: SHORT }));
    }
    assert_eq!(release.most_at_once, 20);
}
