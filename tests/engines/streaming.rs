//! Event streams of the reference on a port: read by our own client, over cuts and restarts, beside readers that are slow.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hookgate::clock::{Clock as _, SystemClock};
use hookgate::contract::Contract;
use hookgate::contract::reading::read_contract;
use hookgate::delivery::{Delivery, HeaderLine};
use hookgate::event_stream::Block;
use hookgate::event_stream::client::Client;
use hookgate::files;
use hookgate::reference::Receiver;
use hookgate::serve::{Serving, serve};
use hookgate::sqlite::SqliteStore;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longer than anything here takes, so that a hanging stream is a failure and not a hanging test.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn contract(stream: &str) -> Arc<Contract> {
    let base = |name: &str| files::shipped_contract(name).map(|file| file.text);
    let text = format!("contract: of-this-test\nextends: orch-phase4\ntitle: Phase 4 of a test\nstream: {stream}\n");
    Arc::new(read_contract("of-this-test", &text, &base).expect("a contract without mistakes"))
}

pub(crate) async fn serving(contract: &Arc<Contract>, database: &Path) -> Serving {
    let signer = contract.signature.keyed(contract.secret.for_tests.as_bytes()).expect("a key");
    let store = SqliteStore::open(Arc::clone(contract), database).expect("a database");
    let receiver = Receiver::new(Arc::clone(contract), Some(signer), store, None).expect("a receiver");
    serve(receiver, Arc::new(SystemClock), SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port")
}

/// Delivers about a job, which is accepted.
pub(crate) async fn deliver(contract: &Contract, to: SocketAddr, key: &str, job: &str, status: &str) {
    let body = format!(r#"{{"job_id":"{job}","status":"{status}"}}"#);
    let signer = contract.signature.keyed(contract.secret.for_tests.as_bytes()).expect("a key");
    let path = contract.endpoint.path.clone();
    let mut delivery = Delivery { method: "POST".into(), path, body: body.clone().into_bytes().into(), ..Delivery::default() };
    delivery.headers.push(HeaderLine::new("Idempotency-Key", key.to_owned()));
    let lines = signer.header_lines(&delivery, key, "", SystemClock.now());
    delivery.headers.extend(lines);
    let mut request = format!("POST {} HTTP/1.0\r\nHost: test\r\nContent-Length: {}\r\n", contract.endpoint.path, body.len());
    for line in &delivery.headers {
        request.push_str(&format!("{}: {}\r\n", line.name, String::from_utf8_lossy(&line.value)));
    }
    let answer = ask(to, &format!("{request}\r\n{body}")).await;
    assert!(answer.starts_with("HTTP/1.0 202"), "{answer}");
}

/// All that is answered; in HTTP/1.0 a body ends with its connection.
async fn ask(to: SocketAddr, request: &str) -> String {
    let told = tokio::time::timeout(PATIENCE, async {
        let mut stream = TcpStream::connect(to).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("it is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer to its end");
        answer
    });
    told.await.expect("an answer in time")
}

/// A stream that is open.
struct Reading {
    head: String,
    stream: TcpStream,
    left: Vec<u8>,
}

impl Reading {
    /// Opens a job's stream; the client says from where.
    async fn open(to: SocketAddr, job: &str, client: &Client) -> Self {
        let last = client.last_event_id().map_or_else(String::new, |id| format!("Last-Event-ID: {id}\r\n"));
        let request = format!("GET /jobs/{job}/events HTTP/1.0\r\nHost: test\r\nAccept-Encoding: gzip\r\n{last}\r\n");
        let mut stream = TcpStream::connect(to).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("it is sent");
        let mut read = Vec::new();
        let end = loop {
            if let Some(at) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            let count = tokio::time::timeout(PATIENCE, stream.read_buf(&mut read)).await.expect("a head in time").expect("bytes");
            assert_ne!(count, 0, "a head");
        };
        let left = read.split_off(end);
        Self { head: String::from_utf8(read).expect("text").to_ascii_lowercase(), stream, left }
    }

    fn status(&self) -> u16 {
        self.head.get(9..12).and_then(|status| status.parse().ok()).expect("a status")
    }

    /// Blocks until `most` of them have data, or the stream ends.
    async fn blocks(&mut self, client: &mut Client, most: usize) -> Vec<Block> {
        self.until(client, |all| all.iter().filter(|block| block.event.is_some()).count() >= most).await
    }

    async fn until(&mut self, client: &mut Client, enough: impl Fn(&[Block]) -> bool) -> Vec<Block> {
        let mut all = Vec::new();
        while !enough(&all) {
            if self.left.is_empty() {
                let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.left)).await.expect("something in time");
                if read.expect("bytes") == 0 {
                    break;
                }
            }
            // Byte for byte: what follows the last block that is asked for stays for the next one.
            while !self.left.is_empty() && !enough(&all) {
                let byte: Vec<u8> = self.left.drain(..1).collect();
                all.extend(client.read(&byte).expect("a block that ends"));
            }
        }
        all
    }
}

fn opened(reading: &Reading, client: &mut Client) {
    let kind = reading.head.contains("\r\ncontent-type: text/event-stream\r\n").then_some("text/event-stream");
    client.opened(reading.status(), kind).expect("a stream");
    assert!(reading.head.contains("\r\ncache-control: no-cache\r\n"), "{}", reading.head);
    assert!(!reading.head.contains("content-encoding"), "{}", reading.head);
}

fn keys(blocks: &[Block]) -> Vec<String> {
    let key = |block: &Block| {
        let data: Value = serde_json::from_str(&block.event.as_ref()?.data).expect("JSON");
        data["key"].as_str().map(str::to_owned)
    };
    blocks.iter().filter_map(key).collect()
}

/// A client that is cut, away while something is published, and comes back to a receiver that was started anew, loses and doubles nothing.
#[tokio::test]
async fn a_client_resumes_over_a_restart() {
    let (contract, folder) = (contract("{}"), tempfile::tempdir().expect("a folder"));
    let database = folder.path().join("orch.db");
    let first = serving(&contract, &database).await;
    for (key, job) in [("1", "a"), ("2", "a"), ("of-b", "b"), ("3", "a")] {
        deliver(&contract, first.address, key, job, "runs").await;
    }
    let mut client = Client::default();
    let mut reading = Reading::open(first.address, "a", &client).await;
    opened(&reading, &mut client);
    let mut all = reading.blocks(&mut client, 3).await;
    assert_eq!(client.reconnection_time(), Duration::from_secs(3));
    deliver(&contract, first.address, "4", "a", "runs").await;
    all.extend(reading.blocks(&mut client, 1).await);
    drop(reading);
    drop(client.ended());
    deliver(&contract, first.address, "5", "a", "runs").await;
    // Somebody else is listening when the receiver stops: the stream ends, and nobody waits for it.
    let mut other = Client::default();
    let mut open = Reading::open(first.address, "a", &other).await;
    opened(&open, &mut other);
    assert_eq!(keys(&open.blocks(&mut other, 5).await), ["1", "2", "3", "4", "5"]);
    first.stop().await;
    assert!(open.blocks(&mut other, 1).await.is_empty());

    let second = serving(&contract, &database).await;
    let mut reading = Reading::open(second.address, "a", &client).await;
    opened(&reading, &mut client);
    all.extend(reading.blocks(&mut client, 1).await);
    deliver(&contract, second.address, "6", "a", "done").await;
    all.extend(reading.blocks(&mut client, 9).await);
    assert_eq!(keys(&all), ["1", "2", "3", "4", "5", "6"]);
    drop(client.ended());
    assert_eq!(Reading::open(second.address, "a", &client).await.status(), 204);

    // From every id, what followed it, byte for byte as it was told first; ids rise.
    let told: Vec<&Block> = all.iter().filter(|block| block.event.is_some()).collect();
    let id = |block: &Block| block.event.as_ref().map(|event| event.last_event_id.clone()).unwrap_or_default();
    let numbers: Vec<i64> = told.iter().map(|block| id(block).parse().expect("a number")).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    for at in 0..told.len() - 1 {
        let mut again = Client::from(&id(told[at]));
        let mut reading = Reading::open(second.address, "a", &again).await;
        opened(&reading, &mut again);
        let rest: Vec<Block> = reading.blocks(&mut again, 99).await.into_iter().filter(|block| block.event.is_some()).collect();
        let bytes = |blocks: &[&Block]| blocks.iter().map(|block| block.bytes.clone()).collect::<Vec<_>>();
        assert_eq!(bytes(&rest.iter().collect::<Vec<_>>()), bytes(&told[at + 1..]), "behind event {at}");
    }
    second.stop().await;
}

/// The stream and the audit trail tell the same, also to one that begins in the midst of it.
#[tokio::test]
async fn every_acceptance_is_told_once() {
    let (contract, folder) = (contract("{}"), tempfile::tempdir().expect("a folder"));
    let serving = serving(&contract, &folder.path().join("orch.db")).await;
    let deliveries = {
        let (contract, to) = (Arc::clone(&contract), serving.address);
        tokio::spawn(async move {
            for number in 0..40 {
                deliver(&contract, to, &format!("k{number}"), "a", "runs").await;
            }
        })
    };
    let (mut early, mut late) = (Client::default(), Client::default());
    let mut first = Reading::open(serving.address, "a", &early).await;
    let mut told = first.blocks(&mut early, 20).await;
    let mut second = Reading::open(serving.address, "a", &late).await;
    told.extend(first.blocks(&mut early, 20).await);
    let expected: Vec<String> = (0..40).map(|number| format!("k{number}")).collect();
    assert_eq!(keys(&told), expected);
    assert_eq!(keys(&second.blocks(&mut late, 40).await), expected);
    deliveries.await.expect("all are accepted");
    let page = ask(serving.address, "GET /audit/events?limit=99 HTTP/1.0\r\nHost: test\r\n\r\n").await;
    let rows: Value = serde_json::from_str(page.split_once("\r\n\r\n").expect("a body").1).expect("JSON");
    let of_rows: Vec<&str> = rows.as_array().expect("rows").iter().rev().filter_map(|row| row["idem_key"].as_str()).collect();
    assert_eq!(of_rows, expected);
    serving.stop().await;
}

/// Who does not read delays nobody, and loses nothing.
#[tokio::test]
async fn a_slow_reader_delays_no_other() {
    let (contract, folder) = (contract("{}"), tempfile::tempdir().expect("a folder"));
    let serving = serving(&contract, &folder.path().join("orch.db")).await;
    let (mut slow, mut quick) = (Client::default(), Client::default());
    let mut unread = Reading::open(serving.address, "a", &slow).await;
    let mut read = Reading::open(serving.address, "a", &quick).await;
    let long = "x".repeat(60_000);
    let mut told = Vec::new();
    for number in 0..100 {
        deliver(&contract, serving.address, &format!("k{number}"), "a", &long).await;
        told.extend(read.blocks(&mut quick, 1).await);
    }
    let expected: Vec<String> = (0..100).map(|number| format!("k{number}")).collect();
    assert_eq!(keys(&told), expected);
    let mut told = unread.blocks(&mut slow, 100).await;
    while keys(&told).len() < 100 {
        // It was cut off meanwhile, and comes back.
        drop(slow.ended());
        let left = 100 - keys(&told).len();
        unread = Reading::open(serving.address, "a", &slow).await;
        told.extend(unread.blocks(&mut slow, left).await);
    }
    assert_eq!(keys(&told), expected);
    serving.stop().await;
}

/// Silence is broken by comments, which change no id; and who goes away leaves its slot to others.
#[tokio::test]
async fn silence_ends_and_slots_are_freed() {
    let (contract, folder) = (contract("{heartbeat: 20 ms, at_once: 1}"), tempfile::tempdir().expect("a folder"));
    let serving = serving(&contract, &folder.path().join("orch.db")).await;
    deliver(&contract, serving.address, "1", "a", "runs").await;
    let mut client = Client::default();
    let mut reading = Reading::open(serving.address, "a", &client).await;
    opened(&reading, &mut client);
    let told = reading.until(&mut client, |all| all.iter().filter(|block| block.comments == [" ping"]).count() == 3).await;
    assert_eq!(keys(&told), ["1"]);
    assert!(client.last_event_id().is_some());
    assert!(told.iter().all(|block| block.comments.is_empty() || (block.id.is_none() && block.event.is_none())));
    assert_eq!(Reading::open(serving.address, "b", &Client::default()).await.status(), 503);
    drop(reading);
    let again = tokio::time::timeout(PATIENCE, async {
        while Reading::open(serving.address, "b", &Client::default()).await.status() != 200 {
            tokio::task::yield_now().await;
        }
    });
    again.await.expect("the slot is free");
    serving.stop().await;
}
