//! Answers under load that are followed by something: counted as answers, and judged by the requirement that speaks of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hookgate::load::Plan;
use hookgate::report::{Overall, Verdict};
use hookgate::transport::Target;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::loads::{Shape, plan};

const ANSWER: &[u8] = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
/// Every so manieth answer is followed by something.
const EVERY: usize = 5;
const DELIVERIES: u64 = 42;

/// The keys in the order in which they were answered.
type Keys = Arc<Mutex<Vec<String>>>;

async fn answer(mut stream: TcpStream, keys: Keys, late: bool) {
    let mut buffer = Vec::new();
    loop {
        // Deliveries are empty: each ends with its head.
        while !buffer.ends_with(b"\r\n\r\n") {
            if !matches!(stream.read_buf(&mut buffer).await, Ok(1..)) {
                return;
            }
        }
        let head = String::from_utf8_lossy(&std::mem::take(&mut buffer)).to_ascii_lowercase();
        let key = head.lines().find_map(|line| line.strip_prefix("idempotency-key: ")).unwrap_or_default().to_owned();
        let answered = {
            let mut keys = keys.lock().unwrap_or_else(PoisonError::into_inner);
            keys.push(key);
            keys.len()
        };
        let more = if answered % EVERY == 0 { &b"X"[..] } else { b"" };
        let written = if late {
            // In a piece of its own: it meets the next delivery.
            drop(stream.write_all(ANSWER).await);
            stream.write_all(more).await
        } else {
            stream.write_all(&[ANSWER, more].concat()).await
        };
        if written.is_err() {
            return;
        }
    }
}

/// They are answers, and no errors of the wire; each that was followed breaks HTTP-8, under its own key.
#[tokio::test]
async fn answers_that_are_followed_break_the_requirement() {
    for late in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let target = Target::parse(&format!("http://{}", listener.local_addr().expect("its address"))).expect("an address");
        let keys = Keys::default();
        let kept = Arc::clone(&keys);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&kept), late));
            }
        });
        let shape = Shape { users: 1, most: DELIVERIES, ..Shape::open(200.0, Duration::from_secs(60)) };
        let plan = Plan { verify: true, gates: Vec::new(), ..plan(&shape, target) };
        let (_interrupt, interrupted) = watch::channel(false);
        let loaded = hookgate::load::run(&plan, Arc::new(|_| {}), interrupted).await.unwrap_or_else(|wrong| panic!("{wrong}"));
        task.abort();
        let report = loaded.report;
        let judged = report.requirements.iter().find(|one| one.id == "HTTP-8").expect("it is judged");
        let wanted = DELIVERIES / EVERY as u64;
        assert_eq!((judged.verdict, judged.checked, judged.violations), (Verdict::Fail, DELIVERIES, wanted), "{report:#?}");
        assert!(report.errors.is_empty() && report.verdict == Overall::DoesNotConform, "{report:#?}");
        assert!(report.kinds.values().all(|kind| (kind.answered, kind.unexpected) == (DELIVERIES, 0)), "{report:#?}");
        let keys = keys.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let followed: Vec<&String> = keys.iter().skip(EVERY - 1).step_by(EVERY).take(5).collect();
        let told: Vec<&String> = report.violations.iter().filter(|one| one.requirement == "HTTP-8").map(|one| &one.key).collect();
        assert_eq!(told, followed);
        assert!(report.violations.iter().all(|one| one.why == "1 byte after the answer, `X`"), "{report:#?}");
    }
}
