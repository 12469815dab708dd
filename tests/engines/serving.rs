//! The reference on a port: its pages, its limits, and how it stops.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hookgate::clock::{Clock, SystemClock, UnixMicros, VirtualClock};
use hookgate::contract::Contract;
use hookgate::contract::reading::read_contract;
use hookgate::delivery::{Delivery, HeaderLine};
use hookgate::files;
use hookgate::reference::Receiver;
use hookgate::reference::memory::MemoryStore;
use hookgate::reference::store::Store;
use hookgate::serve::{Serving, control, serve};
use hookgate::sqlite::SqliteStore;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longer than anything here takes, so that a hanging server is a failure and not a hanging test.
const PATIENCE: Duration = Duration::from_secs(20);

/// Phase 3 with members of its own.
fn contract(members: &str) -> Arc<Contract> {
    let base = |name: &str| files::shipped_contract(name).map(|file| file.text);
    let text = format!("contract: of-this-test\nextends: orch-phase3\ntitle: Phase 3 with members of a test\n{members}");
    Arc::new(read_contract("of-this-test", &text, &base).expect("a contract without mistakes"))
}

async fn serve_store<S: Store + 'static>(contract: &Arc<Contract>, store: S) -> Serving {
    let signer = contract.signature.keyed(contract.secret.for_tests.as_bytes()).expect("a key");
    let receiver = Receiver::new(Arc::clone(contract), Some(signer), store, None).expect("a receiver");
    serve(receiver, Arc::new(SystemClock), SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port")
}

async fn serving(contract: &Arc<Contract>) -> Serving {
    serve_store(contract, MemoryStore::new(Arc::clone(contract))).await
}

/// A signed delivery as it stands on the wire.
fn wire(contract: &Contract, key: &str, body: &[u8]) -> Vec<u8> {
    let signer = contract.signature.keyed(contract.secret.for_tests.as_bytes()).expect("a key");
    let mut delivery = Delivery { method: "POST".into(), body: body.to_vec().into(), ..Delivery::default() };
    delivery.headers.push(HeaderLine::new("Idempotency-Key", key.to_owned()));
    let lines = signer.header_lines(&delivery, key, "", UnixMicros(0));
    delivery.headers.extend(lines);
    let mut bytes =
        format!("POST {} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: {}\r\n", contract.endpoint.path, body.len())
            .into_bytes();
    for line in &delivery.headers {
        bytes.extend_from_slice(format!("{}: {}\r\n", line.name, String::from_utf8_lossy(&line.value)).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").into_bytes()
}

fn post(path: &str, body: &str) -> Vec<u8> {
    format!("POST {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Sends bytes, all of them first, and reads to the end: the status and the body.
async fn say(to: SocketAddr, bytes: &[u8]) -> (u16, String) {
    let told = tokio::time::timeout(PATIENCE, async {
        let mut stream = TcpStream::connect(to).await.expect("a connection");
        stream.write_all(bytes).await.expect("it is sent");
        read_answer(&mut stream).await
    });
    told.await.expect("an answer in time")
}

async fn read_answer(stream: &mut TcpStream) -> (u16, String) {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer to its end");
    let text = String::from_utf8(answer).expect("text");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    (head.get(9..12).and_then(|status| status.parse().ok()).expect("a status"), body.to_owned())
}

fn page(body: &str) -> Value {
    serde_json::from_str(body).expect("the page is JSON")
}

/// Deliveries to `/` and a health check on `/` differ by their method alone.
#[tokio::test]
async fn endpoint_and_health_check_may_share_a_path() {
    let contract = contract("endpoint: {path: /}\nhealth: {path: /}\n");
    let serving = serving(&contract).await;
    assert_eq!(say(serving.address, &get("/")).await.0, 200);
    assert_eq!(say(serving.address, &wire(&contract, "k", b"{}")).await.0, 202);
    assert_eq!(say(serving.address, b"DELETE / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").await.0, 405);
    serving.stop().await;
}

/// What would be a pattern to a router is only a path here.
#[tokio::test]
async fn paths_of_a_contract_are_taken_to_the_letter() {
    for path in ["/hooks/{id}", "/hooks/:id", "/hooks/{*rest}", "/a%20b", "/*", "//"] {
        let contract = contract(&format!("endpoint: {{path: \"{path}\"}}\n"));
        let serving = serving(&contract).await;
        assert_eq!(say(serving.address, &wire(&contract, "k", b"{}")).await.0, 202, "{path}");
        assert_eq!(say(serving.address, &post("/hooks/7/", "{}")).await.0, 404, "{path}");
        assert_eq!(say(serving.address, &post("/hooks/7", "{}")).await.0, 404, "{path}");
        serving.stop().await;
    }
}

#[tokio::test]
async fn path_that_is_not_there_is_answered_as_json() {
    let serving = serving(&contract("")).await;
    let (status, body) = say(serving.address, &get("/nowhere")).await;
    assert_eq!((status, page(&body)), (404, json!({"error": "not found"})));
    serving.stop().await;
}

/// Requirement HTTP-6: the refusal is read also by a client that writes all of its body before it listens.
#[tokio::test]
async fn body_over_the_limit_is_refused_and_the_next_delivery_works() {
    let contract = contract("limits: {body_bytes: 1048576}\n");
    let serving = serving(&contract).await;
    for over in [1, 700_000, 3_000_000] {
        let (status, body) = say(serving.address, &wire(&contract, "large", &vec![b'x'; 1_048_576 + over])).await;
        assert_eq!((status, page(&body)), (413, json!({"error": "body too large"})), "{over} bytes over");
    }
    assert_eq!(say(serving.address, &wire(&contract, "large", &vec![b'x'; 1_048_576])).await.0, 202, "the limit itself is taken");
    assert_eq!(say(serving.address, &wire(&contract, "small", b"{}")).await.0, 202);
    serving.stop().await;
}

/// A length that is announced is enough to refuse it: nobody waits for the bytes.
#[tokio::test]
async fn announced_body_over_the_limit_is_refused_before_it_comes() {
    let contract = contract("");
    let serving = serving(&contract).await;
    let head = format!("POST {} HTTP/1.1\r\nHost: test\r\nContent-Length: 99999999999\r\n\r\n", contract.endpoint.path);
    let (status, body) = say(serving.address, head.as_bytes()).await;
    assert_eq!((status, page(&body)), (413, json!({"error": "body too large"})));
    serving.stop().await;
}

/// A body that cannot be read is not a body that is too long.
#[tokio::test]
async fn body_that_is_garbled_is_not_called_too_large() {
    let contract = contract("");
    let serving = serving(&contract).await;
    let head = format!("POST {} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\nnot a length\r\n", contract.endpoint.path);
    assert_eq!(say(serving.address, head.as_bytes()).await.0, 400);
    assert_eq!(say(serving.address, &wire(&contract, "next", b"{}")).await.0, 202);
    serving.stop().await;
}

/// Newest first, so many as are asked for, of the event that is asked for.
#[tokio::test]
async fn audit_trail_is_shown_newest_first() {
    let contract = contract("");
    let in_sqlite = serve_store(&contract, SqliteStore::in_memory(Arc::clone(&contract)).expect("a database")).await;
    for serving in [serving(&contract).await, in_sqlite] {
        for key in ["a", "b", "c"] {
            assert_eq!(say(serving.address, &wire(&contract, key, b"{}")).await.0, 202);
        }
        for (query, status, keys) in [
            ("", 200, vec!["c", "b", "a"]),
            ("?limit=2", 200, vec!["c", "b"]),
            ("?limit=0", 200, vec![]),
            ("?limit=99999999&type=terminal_callback", 200, vec!["c", "b", "a"]),
            ("?type=other", 200, vec![]),
            ("?limit=many", 400, vec![]),
            ("?limit=-1", 400, vec![]),
        ] {
            let (found, body) = say(serving.address, &get(&format!("/audit/events{query}"))).await;
            let rows = page(&body);
            let shown: Vec<&str> = rows.as_array().into_iter().flatten().filter_map(|row| row["idem_key"].as_str()).collect();
            assert_eq!((found, shown), (status, keys), "{query}");
        }
        serving.stop().await;
    }
}

/// Prometheus wants the lines of a family together, under one head (its text format, version 0.0.4).
#[tokio::test]
async fn counters_of_a_family_stand_together() {
    let counters = "metrics:\n  path: /metrics\n  counters:\n    - {name: 'signatures_total{status=\"success\"}', counts: signatures-passed}\n    \
                    - {name: accepted_total, counts: accepted}\n    - {name: 'signatures_total{status=\"failure\"}', counts: signatures-refused}\n";
    let contract = contract(counters);
    let serving = serving(&contract).await;
    assert_eq!(say(serving.address, &wire(&contract, "k", b"{}")).await.0, 202);
    let (status, body) = say(serving.address, &get("/metrics")).await;
    assert_eq!(status, 200);
    insta::assert_snapshot!(body, @r#"
    # TYPE signatures_total counter
    signatures_total{status="success"} 1
    signatures_total{status="failure"} 0
    # TYPE accepted_total counter
    accepted_total 1
    "#);
    serving.stop().await;
}

/// A delivery that is under way when the end is announced is answered; connections that say nothing hold nobody up.
#[tokio::test]
async fn stopping_waits_for_deliveries_and_not_for_silent_connections() {
    let contract = contract("");
    let serving = serving(&contract).await;
    let address = serving.address;
    let silent = TcpStream::connect(address).await.expect("a connection");
    let mut under_way = TcpStream::connect(address).await.expect("a connection");
    let bytes = wire(&contract, "k", b"{\"job_id\":\"1\"}");
    let (first, rest) = bytes.split_at(bytes.len() - 5);
    // The server asks for the body once it has the head: only then the delivery is surely under way.
    let text = String::from_utf8(first.to_vec()).expect("text").replacen("\r\n", "\r\nExpect: 100-continue\r\n", 1);
    under_way.write_all(text.as_bytes()).await.expect("sent");
    let mut asked = [0_u8; 25];
    under_way.read_exact(&mut asked).await.expect("100 Continue");
    assert!(asked.starts_with(b"HTTP/1.1 100"));
    let stopping = tokio::spawn(serving.stop());
    under_way.write_all(rest).await.expect("sent");
    assert_eq!(tokio::time::timeout(PATIENCE, read_answer(&mut under_way)).await.expect("in time").0, 202);
    tokio::time::timeout(PATIENCE, stopping).await.expect("it stops in time").expect("it stops well");
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    drop(silent);
}

#[tokio::test]
async fn virtual_clock_is_moved_from_its_control_address() {
    let clock = Arc::new(VirtualClock::default());
    let control = control::serve(Arc::clone(&clock), "t0ken").await.expect("a port");
    let order = |path: &str, more: &str, body: &str| {
        let port = control.address.port();
        format!("POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{more}Content-Length: {}\r\n\r\n{body}", body.len())
            .into_bytes()
    };
    const JSON: &str = "Content-Type: application/json; charset=utf-8\r\n";
    let post = |path: &str, body: &str| order(&format!("/t0ken{path}"), JSON, body);
    for body in [r#"{"seconds": 86402}"#, r#"{"seconds": 0.5}"#, r#"{"span": "1h"}"#] {
        assert_eq!(say(control.address, &post("/advance", body)).await.0, 200, "{body}");
    }
    assert_eq!(clock.ahead(), Duration::from_millis(86_402_500 + 3_600_000));
    for body in ["", "soon", "{}", r#"{"seconds": -1}"#, r#"{"seconds": 1e300}"#, r#"{"span": "5"}"#, r#"{"seconds": "5"}"#, "[]"] {
        let (status, told) = say(control.address, &post("/advance", body)).await;
        assert_eq!(status, 400, "{body}");
        assert!(page(&told)["error"].is_string(), "{told}");
    }
    assert_eq!(clock.ahead(), Duration::from_millis(86_402_500 + 3_600_000), "what is refused moves nothing");
    // What a web page could send, and whoever does not know the token.
    let move_it = r#"{"seconds": 90000}"#;
    for (path, more, status) in [
        ("/advance", JSON, 404),
        ("/other/advance", JSON, 404),
        ("/t0ken/advance", "Content-Type: text/plain\r\n", 415),
        ("/t0ken/advance", "", 415),
        ("/t0ken/advance", &format!("{JSON}Origin: https://evil.example\r\n"), 403),
        ("/t0ken/advance", &format!("{JSON}Origin: null\r\n"), 403),
    ] {
        assert_eq!(say(control.address, &order(path, more, move_it)).await.0, status, "{path} {more}");
    }
    let elsewhere =
        String::from_utf8(order("/t0ken/advance", JSON, move_it)).expect("text").replace("Host: 127.0.0.1", "Host: evil.example");
    assert_eq!(say(control.address, elsewhere.as_bytes()).await.0, 403);
    assert_eq!(clock.ahead(), Duration::from_millis(86_402_500 + 3_600_000), "what is refused moves nothing");
    let now = format!("GET /t0ken/now HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n", control.address.port());
    let (_, told) = say(control.address, now.as_bytes()).await;
    let told = page(&told)["unix_micros"].as_i64().expect("a number");
    assert!((clock.now().0 - told).abs() < 5_000_000);
    control.stop().await;
}
