//! `hookgate serve` as a command: its output, its files, its signals, its mistakes.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use serde_json::Value;

use crate::command_line::{Running, command};
use crate::surroundings::Folder;

const SECRET: &str = "a secret of the tests, shared with nobody";

/// One request on a connection of its own: status and body.
fn ask(url: &str, head: &str, body: &str) -> (u16, String) {
    ask_host(url, "test", head, body)
}

fn ask_host(url: &str, host: &str, head: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).expect("a connection");
    let text = format!("{head}\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(text.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

/// The signature that `hookgate sign` makes, its header line alone.
fn sign(folder: &Folder, body: &str) -> String {
    let file = folder.write("body.json", body);
    let output = command().env("ORCH_WEBHOOK_SECRET", SECRET).args(["sign", &file]).output().expect("it starts");
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    lines.lines().find(|line| line.starts_with("X-Signature: ")).expect("a signature").to_owned()
}

/// A client that has sent half a delivery and says no more does not keep the server from stopping.
#[test]
fn half_a_delivery_does_not_keep_it_from_stopping() {
    let mut serving = Running::serve(SECRET, &[]);
    let mut silent = TcpStream::connect(serving.url.trim_start_matches("http://")).expect("a connection");
    silent.write_all(b"POST /callbacks/terminal HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\n01234").expect("sent");
    let (status, _) = ask(&serving.url, "GET /status HTTP/1.1", "");
    assert_eq!(status, 200);
    let asked = Command::new("/bin/sh").args(["-c", &format!("kill -TERM {}", serving.id())]).status().expect("a shell");
    assert!(asked.success());
    assert_eq!(serving.ended(), Some(0));
    drop(silent);
}

#[test]
fn delivery_is_accepted_audited_and_counted() {
    let folder = Folder::new();
    let serving = Running::serve(SECRET, &["--db", &folder.path("data/f.db").display().to_string()]);
    let body = r#"{"job_id":"job-1","status":"done"}"#;
    let head = format!("POST /callbacks/terminal HTTP/1.1\r\nIdempotency-Key: k1\r\n{}", sign(&folder, body));
    let (first, duplicate) = (ask(&serving.url, &head, body), ask(&serving.url, &head, body));
    assert_eq!((first.0, duplicate.0), (202, 202));
    assert!(!first.1.contains("reference") && duplicate.1.contains(r#""type":"duplicate""#), "{duplicate:?}");
    assert_eq!(ask(&serving.url, "POST /callbacks/terminal HTTP/1.1\r\nIdempotency-Key: k2\r\nX-Signature: 00", body).0, 401);
    assert_eq!(ask(&serving.url, "POST /callbacks/terminal HTTP/1.1", body).0, 400);
    assert_eq!(ask(&serving.url, "DELETE /callbacks/terminal HTTP/1.1", "").0, 405);
    assert_eq!(ask(&serving.url, "GET /status HTTP/1.1", ""), (200, r#"{"status":"ok"}"#.to_owned()));
    assert_eq!(ask(&serving.url, "GET /elsewhere HTTP/1.1", "").0, 404);

    let (_, trail) = ask(&serving.url, "GET /audit/events?limit=5&type=terminal_callback HTTP/1.1", "");
    let rows: Value = serde_json::from_str(&trail).expect("an array");
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{trail}");
    assert_eq!((&rows[0]["idem_key"], &rows[0]["task_id"]), (&"k1".into(), &"job-1".into()));
    assert_eq!(ask(&serving.url, "GET /audit/events?type=login HTTP/1.1", "").1, "[]");
    assert_eq!(ask(&serving.url, "GET /audit/events?limit=many HTTP/1.1", "").0, 400);

    let (_, counters) = ask(&serving.url, "GET /metrics HTTP/1.1", "");
    assert!(counters.contains("orch_webhook_signatures_verified_total{status=\"success\"} 2\n"), "{counters}");
    assert!(counters.contains("orch_webhook_signatures_verified_total{status=\"failure\"} 1\n"), "{counters}");
    assert!(
        counters.contains("# TYPE orch_webhook_deliveries_accepted_total counter\norch_webhook_deliveries_accepted_total 1\n"),
        "{counters}"
    );
}

/// What was accepted is still known to the next server on the same file, and instants go on rising.
#[test]
fn keys_outlive_the_server() {
    let folder = Folder::new();
    let database = folder.path("f.db").display().to_string();
    let body = r#"{"job_id":"job-1"}"#;
    let head = format!("POST /callbacks/terminal HTTP/1.1\r\nIdempotency-Key: k1\r\n{}", sign(&folder, body));
    let accepted = ask(&Running::serve(SECRET, &["--db", &database]).url, &head, body);
    let again = ask(&Running::serve(SECRET, &["--db", &database]).url, &head, body);
    assert!(!accepted.1.contains("reference") && again.1.contains("duplicate"), "{again:?}");
}

#[test]
fn body_over_the_limit_is_refused_and_the_next_delivery_works() {
    let folder = Folder::new();
    let serving = Running::serve(SECRET, &[]);
    let mut stream = TcpStream::connect(serving.url.trim_start_matches("http://")).expect("a connection");
    let head = "POST /callbacks/terminal HTTP/1.1\r\nHost: test\r\nIdempotency-Key: big\r\nContent-Length: 99999999\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("an answer before the body");
    assert_eq!(&answer, b"HTTP/1.1 413");
    let head = format!("POST /callbacks/terminal HTTP/1.1\r\nIdempotency-Key: k1\r\n{}", sign(&folder, "{}"));
    assert_eq!(ask(&serving.url, &head, "{}").0, 202);
}

#[test]
fn control_address_moves_the_clock_forwards_only() {
    let serving = Running::serve(SECRET, &["--clock", "virtual"]);
    let control = serving.control.clone().expect("a control address");
    let (address, token) = control.rsplit_once('/').expect("a token");
    let ask = |head: &str, body: &str| {
        let head = head.replacen(" /", &format!(" /{token}/"), 1) + "\r\nContent-Type: application/json";
        ask_host(address, address.trim_start_matches("http://"), &head, body)
    };
    let ahead = |answer: (u16, String)| serde_json::from_str::<Value>(&answer.1).expect("JSON")["ahead_seconds"].as_f64();
    assert_eq!(ahead(ask("POST /advance HTTP/1.1", r#"{"seconds": 86402}"#)), Some(86_402.0));
    assert_eq!(ahead(ask("POST /advance HTTP/1.1", r#"{"span": "1.5h"}"#)), Some(91_802.0));
    assert_eq!(ahead(ask("GET /now HTTP/1.1", "")), Some(91_802.0));
    for wrong in ["", "{}", r#"{"seconds": -1}"#, r#"{"seconds": "1"}"#, r#"{"span": "1"}"#] {
        let (status, body) = ask("POST /advance HTTP/1.1", wrong);
        assert!(status == 400 && body.contains("error"), "{wrong}: {status} {body}");
    }
}

/// SIGTERM ends it with exit code 0.
#[test]
fn server_drains_when_it_is_told_to_stop() {
    let mut serving = Running::serve(SECRET, &[]);
    assert_eq!(ask(&serving.url, "GET /status HTTP/1.1", "").0, 200);
    let sent = Command::new("sh").args(["-c", &format!("kill -TERM {}", serving.id())]).status().expect("a shell");
    assert!(sent.success());
    assert_eq!(serving.ended(), Some(0));
}

#[test]
fn address_that_is_taken_is_told() {
    let serving = Running::serve(SECRET, &[]);
    let taken = serving.url.trim_start_matches("http://").to_owned();
    let output = command().args(["serve", "--addr", &taken]).output().expect("it starts");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains(&format!("cannot listen on {taken}: ")), "{told}");
}
