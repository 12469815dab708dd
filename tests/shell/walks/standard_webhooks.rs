//! A receiver of Standard Webhooks over axum, in this process: it shares no line with hookgate, and is wrong until it is mended.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};

/// So many seconds a timestamp may lie from now.
const TOLERANCE: i64 = 300;

struct Receiver {
    key: Vec<u8>,
    looks_at_the_time: AtomicBool,
    done: Mutex<HashMap<String, u64>>,
}

/// A receiver that is served until it is dropped.
pub(super) struct Served {
    receiver: Arc<Receiver>,
    address: std::net::SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Served {
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// It looks at the time from here on.
    pub(super) fn mend(&self) {
        self.receiver.looks_at_the_time.store(true, Ordering::SeqCst);
    }
}

/// Serves one that does not look at the time.
pub(super) fn serve(secret: &str) -> Served {
    let key = STANDARD.decode(secret.trim_start_matches("whsec_")).expect("base64");
    let receiver = Arc::new(Receiver { key, looks_at_the_time: AtomicBool::new(false), done: Mutex::default() });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let router = Router::new()
        .route("/webhooks", post(deliver))
        .route("/effects", get(effects))
        .route("/health", get(async || "well"))
        .layer(DefaultBodyLimit::max(2 << 20))
        .with_state(Arc::clone(&receiver));
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
    let address = listener.local_addr().expect("an address");
    runtime.spawn(async move { axum::serve(listener, router).await });
    Served { receiver, address, _runtime: runtime }
}

async fn effects(State(receiver): State<Arc<Receiver>>, Query(asked): Query<HashMap<String, String>>) -> String {
    let done = receiver.done.lock().unwrap_or_else(PoisonError::into_inner);
    format!("{{\"count\":{}}}", asked.get("key").and_then(|key| done.get(key)).copied().unwrap_or_default())
}

async fn deliver(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let one = |name: &str| {
        let mut lines = headers.get_all(name).iter();
        lines.next().filter(|_| lines.next().is_none()).and_then(|line| line.to_str().ok())
    };
    let (Some(id), Some(time), Some(signatures)) = (one("webhook-id"), one("webhook-timestamp"), one("webhook-signature")) else {
        return StatusCode::UNAUTHORIZED;
    };
    let at = Some(time)
        .filter(|time| time.chars().all(|c| c.is_ascii_digit()) && !time.starts_with('0'))
        .and_then(|time| time.parse::<i64>().ok());
    let now = now();
    if at.is_none_or(|at| receiver.looks_at_the_time.load(Ordering::SeqCst) && (now - at).abs() > TOLERANCE) {
        return StatusCode::UNAUTHORIZED;
    }
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&receiver.key).expect("any key");
    mac.update(format!("{id}.{time}.").as_bytes());
    mac.update(&body);
    let wanted = STANDARD.encode(mac.finalize().into_bytes());
    if !signatures.split(' ').any(|entry| entry.strip_prefix("v1,") == Some(&wanted)) {
        return StatusCode::UNAUTHORIZED;
    }
    if id.trim().is_empty() {
        return StatusCode::BAD_REQUEST;
    }
    receiver.done.lock().unwrap_or_else(PoisonError::into_inner).entry(id.to_owned()).or_insert(1);
    StatusCode::NO_CONTENT
}

/// Seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "a receiver has a clock of its own")]
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is later than 1970");
    i64::try_from(since.as_secs()).expect("it is earlier than that")
}
