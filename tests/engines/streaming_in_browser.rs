//! Event streams of the reference in a real browser: an `EventSource` in headless Chromium, whose connection is cut three times.
//!
//! Needs Chromium, Node.js and `npm ci` in `tests/npm`, which `.ci/run` installs; without them it is skipped aloud.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;

use hookgate::contract::Contract;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::streaming::{contract, deliver, serving};
use crate::surroundings::{npm, project, tool};

/// A page that writes down what an `EventSource` tells it, until that comes back no more.
const PAGE: &str = r#"<!doctype html><title>A page that listens</title><script>
const seen = { keys: [], ids: [], others: [], opened: 0, broken: 0 };
const source = new EventSource("/jobs/a/events");
source.addEventListener("open", () => { seen.opened += 1; });
source.addEventListener("status", (event) => { seen.keys.push(JSON.parse(event.data).key); seen.ids.push(event.lastEventId); });
for (const other of ["message", "reset"]) { source.addEventListener(other, (event) => seen.others.push(event.data)); }
source.addEventListener("error", () => {
  seen.broken += 1;
  if (source.readyState === EventSource.CLOSED) { window.over = seen; }
});
</script>"#;
/// Where the first three connections are cut: behind this text, and then behind the first of that. In the midst of an event's data;
/// between the two ends of line that end an event; behind an event. The fourth is not cut.
const CUTS: [(&str, &str); 3] = [("\"key\":\"3\"", ","), ("\"key\":\"5\"", "\n"), ("\"key\":\"7\"", "\n\n")];
/// What is published after each cut, while the browser is away, and at last while it listens: the last one ends the stream.
const AWAY: [&[&str]; 4] = [&["5"], &["6", "7"], &["8"], &["9", "10"]];

/// What a listening page came to, and which ids its browser brought.
struct Heard {
    page: Value,
    asked_with: Vec<String>,
}

/// Between a browser and the reference: gives out the page, cuts connections, and publishes meanwhile.
struct Cutter {
    contract: Arc<Contract>,
    reference: SocketAddr,
    /// Whether the reference learns what the browser has read.
    tells_ids: bool,
    asked_with: Vec<String>,
}

impl Cutter {
    /// One connection after the other, until the browser is told not to come back.
    async fn serve(mut self, listener: TcpListener) -> Vec<String> {
        loop {
            let (mut browser, _) = listener.accept().await.expect("a connection");
            let Some(head) = head_of(&mut browser).await else { continue };
            if !head.starts_with("GET /jobs/") {
                let (status, body) = if head.starts_with("GET / ") { ("200 OK", PAGE) } else { ("404 Not Found", "") };
                let head =
                    format!("HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                browser.write_all(format!("{head}{body}").as_bytes()).await.expect("the page is read");
                continue;
            }
            let id = head.lines().find_map(|line| line.strip_prefix("Last-Event-ID: ")).unwrap_or_default();
            self.asked_with.push(id.to_owned());
            // A browser that was told nothing of an end would come back for ever.
            if self.asked_with.len() > CUTS.len() + 1 && !self.tells_ids {
                browser.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await.expect("it is read");
                return self.asked_with;
            }
            if self.pass_on(&head, &mut browser).await == 204 {
                return self.asked_with;
            }
        }
    }

    /// Asks the reference, and tells the browser its answer up to the cut; its status.
    async fn pass_on(&self, head: &str, browser: &mut TcpStream) -> u16 {
        let number = self.asked_with.len() - 1;
        let lines = head
            .split_terminator("\r\n")
            .filter(|line| !line.is_empty() && !line.starts_with("Connection:") && (self.tells_ids || !line.starts_with("Last-Event-ID:")));
        let request: String = lines.chain(["Connection: close", ""]).map(|line| format!("{line}\r\n")).collect();
        let mut reference = TcpStream::connect(self.reference).await.expect("the reference is there");
        reference.write_all(request.as_bytes()).await.expect("it is read");
        let (mut told, mut passed, mut is_quiet) = (Vec::new(), 0, true);
        loop {
            if reference.read_buf(&mut told).await.expect("bytes") == 0 {
                return String::from_utf8_lossy(&told).get(9..12).and_then(|status| status.parse().ok()).unwrap_or_default();
            }
            let cut =
                CUTS.get(number).and_then(|(at, behind)| end_of(&told, at).and_then(|from| Some(from + end_of(&told[from..], behind)?)));
            let end = cut.unwrap_or(told.len());
            browser.write_all(&told[passed..end]).await.expect("the browser is there");
            passed = end;
            if cut.is_some() {
                // It has read all of it: what is closed with nothing unread is ended, not reset.
                browser.shutdown().await.expect("an end");
                self.publish(AWAY[number]).await;
                return 200;
            }
            // The last connection has told all that there was: now the browser listens.
            if number == CUTS.len() && std::mem::take(&mut is_quiet) {
                self.publish(AWAY[number]).await;
            }
        }
    }

    async fn publish(&self, keys: &[&str]) {
        for key in keys {
            let status = if *key == "10" { "done" } else { "runs" };
            deliver(&self.contract, self.reference, key, "a", status).await;
        }
    }
}

/// The head of a request; none when the browser says nothing on this connection.
async fn head_of(browser: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if browser.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    String::from_utf8(head).ok()
}

fn end_of(bytes: &[u8], text: &str) -> Option<usize> {
    bytes.windows(text.len()).position(|here| here == text.as_bytes()).map(|at| at + text.len())
}

/// A cutter on a port, before a reference with four acceptances.
async fn cutting(contract: &Arc<Contract>, reference: SocketAddr, tells_ids: bool) -> (String, JoinHandle<Vec<String>>) {
    for key in ["1", "2", "3", "4"] {
        deliver(contract, reference, key, "a", "runs").await;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let cutter = Cutter { contract: Arc::clone(contract), reference, tells_ids, asked_with: Vec::new() };
    (url, tokio::spawn(cutter.serve(listener)))
}

/// A browser loses and doubles nothing over three cuts; and where the receiver is not told what it has read, this test would see it.
#[tokio::test]
async fn a_browser_resumes_over_three_cuts() {
    let (Some(node), Some(chromium)) = (tool("node"), tool("chromium")) else { return };
    if npm("playwright-core").is_none() {
        return;
    }
    let (contract, folder) = (contract("{retry: 10 ms}"), tempfile::tempdir().expect("a folder"));
    let first = serving(&contract, &folder.path().join("resumed.db")).await;
    let second = serving(&contract, &folder.path().join("forgotten.db")).await;
    let (url, cutter) = cutting(&contract, first.address, true).await;
    let (other_url, other_cutter) = cutting(&contract, second.address, false).await;
    let mut listen = Command::new(node);
    listen.arg(project("tests/npm/listen.mjs")).arg(chromium).args([url, other_url]);
    let out = tokio::task::spawn_blocking(move || listen.output()).await.expect("it ends").expect("node starts");
    let told = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{told}{}", String::from_utf8_lossy(&out.stderr));
    let mut pages = told.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    let mut heard = |asked_with| Heard { page: pages.next().expect("a page"), asked_with };
    let resumed = heard(cutter.await.expect("it ends"));
    let forgotten = heard(other_cutter.await.expect("it ends"));

    let texts = |heard: &Heard, name: &str| -> Vec<String> {
        let all = heard.page[name].as_array().expect("a list");
        all.iter().map(|one| one.as_str().expect("a text").to_owned()).collect()
    };
    let every: Vec<String> = (1..=10).map(|key| key.to_string()).collect();
    assert_eq!(texts(&resumed, "keys"), every);
    let ids = texts(&resumed, "ids");
    let numbers: Vec<i64> = ids.iter().map(|id| id.parse().expect("a number")).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{ids:?}");
    assert_eq!(texts(&resumed, "others"), [""; 0]);
    // It came back with the last event that it had, three times after a cut and once after the end, which was the last. Whole events that
    // came just before a cut it may not have had: a page that is told of the cut before it has read them asks for them again.
    let whole = ["", &ids[1], &ids[3], &ids[6], &ids[9]];
    let had = |asked: &str| ids.iter().position(|id| id == asked);
    let asked: Vec<Option<usize>> = resumed.asked_with.iter().map(|asked| had(asked)).collect();
    assert!(resumed.asked_with.first().is_some_and(String::is_empty) && asked.is_sorted(), "{:?} of {ids:?}", resumed.asked_with);
    assert!(asked.iter().zip(whole).all(|(asked, whole)| *asked <= had(whole)), "{:?} of {ids:?}", resumed.asked_with);
    assert_eq!((asked.len(), asked.last()), (whole.len(), Some(&Some(9))), "{:?} of {ids:?}", resumed.asked_with);
    assert_eq!((&resumed.page["opened"], &resumed.page["broken"]), (&Value::from(4), &Value::from(5)));

    // Told from the beginning each time: as much as it read of each connection, and all of the last.
    let doubled = texts(&forgotten, "keys");
    assert!(doubled.ends_with(&every) && doubled.len() > every.len() && doubled.len() <= 23, "{doubled:?}");
    first.stop().await;
    second.stop().await;
}
