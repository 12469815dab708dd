//! A listener that records every byte and answers what it is told, and what is sent to it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use hookgate::delivery::{Delivery, HeaderLine, NoAnswer};
use hookgate::scenario::deliver::{ConnectionUse, Framing, HeaderCase};
use hookgate::transport::{Exchange, Sender, Target, Transmission};

pub(crate) const OK: &[u8] = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nX-Two: a\r\nX-Two: b\r\n\r\nok";
pub(crate) const PLENTY: Duration = Duration::from_secs(20);
pub(crate) const SHORT: Duration = Duration::from_millis(50);

/// A listener whose connections are each handled by `handle` in a thread of their own.
pub(crate) fn listen(handle: impl Fn(TcpStream) + Send + Sync + 'static) -> Target {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = Target::parse(&format!("http://{}/base/", listener.local_addr().unwrap())).unwrap();
    let handle = Arc::new(handle);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handle = Arc::clone(&handle);
            thread::spawn(move || handle(stream));
        }
    });
    target
}

/// A listener that reads one whole delivery a time, reports its bytes and answers `answer`.
pub(crate) fn record(answer: &'static [u8]) -> (Target, mpsc::Receiver<Vec<u8>>) {
    let (tell, told) = mpsc::channel();
    let target = listen(move |mut stream| {
        while let Some(seen) = read_one(&mut stream) {
            tell.send(seen).unwrap();
            stream.write_all(answer).unwrap();
        }
    });
    (target, told)
}

/// Reads until the head and the framed body are there; `None` when the sender has closed.
pub(crate) fn read_one(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut seen = Vec::new();
    loop {
        let mut some = [0; 65_536];
        let count = stream.read(&mut some).ok().filter(|count| *count > 0)?;
        seen.extend_from_slice(&some[..count]);
        if is_whole(&seen) {
            return Some(seen);
        }
    }
}

pub(crate) fn is_whole(seen: &[u8]) -> bool {
    let Some(end) = head_end(seen) else { return false };
    let head = String::from_utf8_lossy(&seen[..end]).to_lowercase();
    match head.split("content-length: ").nth(1) {
        Some(rest) => seen.len() - end >= rest.lines().next().unwrap().parse().unwrap(),
        None => !head.contains("chunked") || seen.ends_with(b"\r\n0\r\n\r\n"),
    }
}

pub(crate) fn head_end(seen: &[u8]) -> Option<usize> {
    seen.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

pub(crate) fn transmission(body: impl Into<bytes::Bytes>) -> Transmission {
    Transmission {
        delivery: Delivery {
            method: "POST".to_owned(),
            path: "/hooks?x=1".to_owned(),
            headers: vec![
                HeaderLine::new("Content-Type", "application/json"),
                HeaderLine::new("X-Signature", "one"),
                HeaderLine::new("X-Signature", "two"),
            ],
            body: body.into(),
        },
        framing: Framing::ContentLength,
        header_case: HeaderCase::Any,
        connection: ConnectionUse::Any,
    }
}

pub(crate) fn wait_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}

pub(crate) fn send(target: &Target, transmission: Transmission) -> Exchange {
    send_within(PLENTY, target, transmission)
}

pub(crate) fn send_within(timeout: Duration, target: &Target, transmission: Transmission) -> Exchange {
    wait_on(async { Sender::new(target.clone(), timeout).send(transmission).await })
}

pub(crate) fn status(exchange: &Exchange) -> Result<u16, NoAnswer> {
    exchange.result.clone().map(|answer| answer.status)
}

/// The same transmission through the pool and over a connection of its own.
pub(crate) fn both_drivers() -> [Transmission; 2] {
    [transmission("{}"), Transmission { connection: ConnectionUse::New, ..transmission("{}") }]
}
