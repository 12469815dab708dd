//! Lines of curl that findings hand over: pasted into a shell, they get what the finding tells, however the receiver is reached.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::io::{Read as _, Write as _, copy};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::command_line::{Running, among_others, command};
use crate::surroundings::{Folder, tool};
use crate::tls::{Files, SECRET};

const TOKEN: (&str, &str) = ("GATEWAY_TOKEN", "Bearer it's a `token` of $the tests");
/// Forgeries get 403 in place of 401.
const WRONG: [&str; 2] = ["--defect", "bad-signature-answered-403"];

/// A Unix socket that passes on to a port, and remembers what came through it.
fn socket_before(url: &str, socket: &Path) -> Arc<Mutex<Vec<u8>>> {
    let listener = UnixListener::bind(socket).expect("a socket");
    let port: u16 = url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let seen: Arc<Mutex<Vec<u8>>> = Arc::default();
    let kept = Arc::clone(&seen);
    std::thread::spawn(move || {
        for caller in listener.incoming().map_while(Result::ok) {
            let Ok(there) = TcpStream::connect(("127.0.0.1", port)) else { return };
            let kept = Arc::clone(&kept);
            std::thread::spawn(move || pass(caller, there, &kept));
        }
    });
    seen
}

fn pass(mut caller: UnixStream, there: TcpStream, kept: &Mutex<Vec<u8>>) {
    let (Ok(mut back), Ok(mut answers), mut there) = (caller.try_clone(), there.try_clone(), there) else { return };
    std::thread::spawn(move || {
        drop(copy(&mut answers, &mut back));
        drop(back.shutdown(Shutdown::Both));
    });
    let mut some = [0; 8 << 10];
    while let Ok(count @ 1..) = caller.read(&mut some) {
        kept.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&some[..count]);
        if there.write_all(&some[..count]).is_err() {
            return;
        }
    }
    drop(there.shutdown(Shutdown::Write));
}

/// The findings of a run at this target.
fn findings(args: &[&str]) -> Vec<Value> {
    let mut run = command();
    run.envs([SECRET, TOKEN]).args(["run", "signature/*", "--format", "json"]).args(args);
    let output = among_others(&mut run);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("of $the tests"), "a secret is in the report");
    let report: Value = serde_json::from_str(&text).expect("JSON");
    let scenarios = report["scenarios"].as_array().expect("a list");
    scenarios.iter().flat_map(|one| one["findings"].as_array().cloned().unwrap_or_default()).collect()
}

/// Pastes the line of every finding that tells of a 403: the same answer comes. Gives the lines.
fn pasted(args: &[&str]) -> Vec<String> {
    let mut lines = Vec::new();
    for finding in findings(args) {
        let (observed, line) = (finding["observed"].as_str().expect("text"), finding["curl"].as_str().expect("text"));
        if !observed.starts_with("403") || line.contains("body.bin") {
            continue;
        }
        // Of the proxies of whoever runs the tests nothing is known here.
        let output = Command::new("sh").args(["-c", &format!("{line} -w ' %{{http_code}}'")]).envs([TOKEN, ("no_proxy", "*")]).output();
        let output = output.expect("a shell");
        let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let body = observed.trim_start_matches("403").trim();
        assert!(said.ends_with(" 403") && said.contains(body), "{line}\n{said}\n{told}\n{observed}");
        lines.push(line.to_owned());
    }
    assert!(!lines.is_empty(), "{args:?} found nothing");
    lines
}

/// Over a Unix socket, with a prefix and without; header lines of one's own are there, and a secret one is the shell's to fill in.
#[test]
fn lines_reach_unix_sockets_and_bear_lines_of_ones_own() {
    if tool("curl").is_none() {
        return;
    }
    let (folder, receiver) = (Folder::new(), Running::serve(SECRET.1, &WRONG));
    let socket = folder.path("a receiver's.sock");
    let seen = socket_before(&receiver.url, &socket);
    let target = format!("unix:{}", socket.display());
    let lines = pasted(&["--target", &target, "-H", "X-Tenant: it's 7", "--header-env", "Authorization=GATEWAY_TOKEN"]);
    assert!(lines.iter().all(|line| line.contains(" --unix-socket ") && line.contains("${GATEWAY_TOKEN}")), "{lines:?}");
    let seen = String::from_utf8_lossy(&seen.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
    let of_curl: Vec<&str> = seen.split("\r\n\r\n").filter(|head| head.contains("User-Agent: curl")).collect();
    assert_eq!(of_curl.len(), lines.len());
    for head in of_curl {
        assert!(head.contains("\r\nX-Tenant: it's 7") && head.contains(&format!("\r\nAuthorization: {}", TOKEN.1)), "{head}");
        assert!(head.contains("\r\nHost: localhost\r\n"), "{head}");
    }
}

/// By another name, with and without TLS; what the name's certificate needs is there, too.
#[test]
fn lines_reach_names_and_certificates() {
    if tool("curl").is_none() {
        return;
    }
    let files = Files::new();
    let plain = Running::serve(SECRET.1, &WRONG);
    let lines = pasted(&["--target", &plain.url, "--host", "receiver.example"]);
    assert!(lines.iter().all(|line| line.contains(" --connect-to ") && line.contains("'http://receiver.example/")), "{lines:?}");
    let named = files.serve("named", &[&WRONG[..], &["--tls-client-ca", &files.ca]].concat());
    let (cert, key) = (files.file("client.pem"), files.file("client.key"));
    let client = ["--client-cert", &cert, "--client-key", &key];
    pasted(&[&["--target", &named.url, "--ca-cert", &files.ca, "--host", "receiver.example:443"], &client[..]].concat());
    pasted(&[&["--target", &named.url, "--insecure"], &client[..]].concat());
    let expired = files.serve("expired", &WRONG);
    let lines = pasted(&["--target", &expired.url, "--insecure"]);
    assert!(lines.iter().all(|line| line.contains(" -k ")), "{lines:?}");
}

/// Under load, too.
#[cfg(feature = "load")]
#[test]
fn lines_of_a_load_reach_the_receiver() {
    if tool("curl").is_none() {
        return;
    }
    let (folder, receiver) = (Folder::new(), Running::serve(SECRET.1, &["--defect", "checks-then-marks"]));
    let socket = folder.path("receiver.sock");
    drop(socket_before(&receiver.url, &socket));
    let mut load = command();
    load.envs([SECRET, TOKEN]).args(["load", "--target", &format!("unix:{}", socket.display()), "--format", "json"]);
    load.args(["--deliveries", "400", "--users", "16", "--mix", "fresh=1,burst=1", "--header-env", "Authorization=GATEWAY_TOKEN"]);
    let output = among_others(&mut load);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let line = report["violations"][0]["curl"].as_str().expect("a line");
    assert!(line.contains("-H \"authorization: ${GATEWAY_TOKEN}\"") || line.contains("-H \"Authorization: ${GATEWAY_TOKEN}\""), "{line}");
    let output = Command::new("sh").args(["-c", &format!("{line} -w ' %{{http_code}}'")]).env(TOKEN.0, TOKEN.1).output().expect("a shell");
    assert!(String::from_utf8_lossy(&output.stdout).ends_with(" 202"), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
}
