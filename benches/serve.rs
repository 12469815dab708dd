//! How fast the reference answers: against a bare handler that reads the body and answers a constant.
//!
//! `cargo bench --bench serve` prints deliveries a second for each, in turn, and
//! the ratio to the bare handler of the same round. Client and server share the
//! machine; every delivery is signed, has a key of its own, and is made before
//! the clock starts.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench ends where something fails, and prints what it measured")]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::routing::post;
use hookgate::clock::{Moment, SystemClock, UnixMicros};
use hookgate::contract::Contract;
use hookgate::contract::reading::read_contract;
use hookgate::delivery::{Delivery, HeaderLine};
use hookgate::files::{self, Scratch};
use hookgate::reference::Receiver;
use hookgate::reference::memory::MemoryStore;
use hookgate::reference::store::Store;
use hookgate::serve::{Serving, serve};
use hookgate::sign::Signer;
use hookgate::sqlite::SqliteStore;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const ROUNDS: usize = 5;
const CONNECTIONS: usize = 32;
const DELIVERIES_EACH: usize = 1_000;
const ANSWER: &str = r#"{"accepted":true,"payload_sha256":"0000000000000000000000000000000000000000000000000000000000000000"}"#;

#[tokio::main]
async fn main() {
    let base = |name: &str| files::shipped_contract(name).map(|file| file.text);
    let text = files::shipped_contract("orch-phase3").expect("a shipped contract").text;
    let contract = Arc::new(read_contract("orch-phase3", &text, &base).expect("a contract"));
    let signer = contract.signature.keyed(b"a secret of the bench").expect("a key");
    let scratch = Scratch::new().expect("a folder");
    let bare = bare_handler(&contract.endpoint.path).await;
    println!("deliveries/s over {CONNECTIONS} connections, {} a round; ratio to the bare handler", CONNECTIONS * DELIVERIES_EACH);
    for round in 0..ROUNDS {
        let memory = MemoryStore::new(Arc::clone(&contract));
        let in_memory = reference(&contract, &signer, memory).await;
        let sqlite = open(&contract, &scratch.path().join(format!("{round}.db")));
        let in_file = reference(&contract, &signer, sqlite).await;
        let rates = [
            rate(bare, &contract, &signer, round * 3).await,
            rate(in_memory.address, &contract, &signer, round * 3 + 1).await,
            rate(in_file.address, &contract, &signer, round * 3 + 2).await,
        ];
        let ratio = |at: usize| rates[at] / rates[0] * 100.0;
        in_memory.stop().await;
        in_file.stop().await;
        println!("bare {:>8.0}   memory {:>8.0} ({:.0}%)   file {:>8.0} ({:.0}%)", rates[0], rates[1], ratio(1), rates[2], ratio(2));
    }
}

fn open(contract: &Arc<Contract>, path: &Path) -> SqliteStore {
    SqliteStore::open(Arc::clone(contract), path).expect("a database")
}

async fn reference<S: Store + 'static>(contract: &Arc<Contract>, signer: &Signer, store: S) -> Serving {
    let receiver = Receiver::new(Arc::clone(contract), Some(signer.clone()), store, None).expect("a receiver");
    serve(receiver, Arc::new(SystemClock), SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port")
}

async fn bare_handler(path: &str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let answer = |body: Bytes| async move {
        assert!(!body.is_empty());
        (StatusCode::ACCEPTED, [(header::CONTENT_TYPE, "application/json")], ANSWER)
    };
    let router = Router::new().route(path, post(answer));
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| stream.set_nodelay(true).expect("a socket"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// Deliveries a second over all connections.
async fn rate(to: SocketAddr, contract: &Contract, signer: &Signer, series: usize) -> f64 {
    let mut connections = Vec::new();
    for connection in 0..CONNECTIONS {
        let stream = TcpStream::connect(to).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        let made: Vec<Vec<u8>> = (0..DELIVERIES_EACH).map(|at| wire(contract, signer, &format!("b{series}-{connection}-{at}"))).collect();
        connections.push((stream, made));
    }
    let began = Moment::now();
    let tasks: Vec<_> = connections.into_iter().map(|(stream, made)| tokio::spawn(deliver_all(stream, made))).collect();
    for task in tasks {
        task.await.expect("a connection ends well");
    }
    (CONNECTIONS * DELIVERIES_EACH) as f64 / began.elapsed().as_secs_f64()
}

async fn deliver_all(mut stream: TcpStream, made: Vec<Vec<u8>>) {
    let mut answer = [0_u8; 4096];
    for delivery in made {
        stream.write_all(&delivery).await.expect("it is sent");
        let mut read = 0;
        // Both answers end with the only closing brace at the end of what was read.
        while read == 0 || answer[read - 1] != b'}' {
            read += stream.read(&mut answer[read..]).await.expect("an answer");
        }
        assert!(answer.starts_with(b"HTTP/1.1 202"), "{}", String::from_utf8_lossy(&answer[..read]));
    }
}

fn wire(contract: &Contract, signer: &Signer, key: &str) -> Vec<u8> {
    let body = format!("{{\"task_id\":\"{key}\",\"job_id\":\"{key}\",\"status\":\"done\",\"log\":\"{}\"}}", "x".repeat(120));
    let headers = vec![HeaderLine::new("Content-Type", "application/json"), HeaderLine::new("Idempotency-Key", key.to_owned())];
    let mut delivery = Delivery { method: "POST".into(), path: contract.endpoint.path.clone(), headers, body: body.into() };
    let lines = signer.header_lines(&delivery, key, "", UnixMicros(0));
    delivery.headers.extend(lines);
    let mut bytes = format!("POST {} HTTP/1.1\r\nHost: bench\r\nContent-Length: {}\r\n", delivery.path, delivery.body.len()).into_bytes();
    for line in &delivery.headers {
        bytes.extend_from_slice(format!("{}: {}\r\n", line.name, String::from_utf8_lossy(&line.value)).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&delivery.body);
    bytes
}
