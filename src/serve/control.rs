//! The control address of a virtual clock: its own port, so that no receiver's
//! path is in its way.
//!
//! `POST /TOKEN/advance` with `{"seconds": 86402}` or `{"span": "24h"}` moves the
//! clock; `GET /TOKEN/now` tells the time. The token is a new one each time, and
//! stands in the address that is printed.
//!
//! **Invariant:** nobody but who was given the address moves the clock: it is on
//! the loopback, a request of a web page (`Origin`, another `Host`, a form) is
//! refused, and so is one without the token.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::listener::Door;
use super::{Serving, respond, start};
use crate::clock::{Clock as _, VirtualClock, iso, span};
use crate::reference::pages::json_page;

/// Ten years, as long as the longest TTL: no scenario needs more at once.
const LONGEST_SECS: f64 = 315_360_000.0;
/// Longer than any order.
const LONGEST_BODY: usize = 4096; // bytes

/// A word that nobody guesses.
///
/// # Errors
/// When the system has no randomness to give.
pub fn token() -> std::io::Result<String> {
    let mut bytes = [0_u8; 16];
    std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut bytes)?;
    Ok(crate::sign::hex(&bytes))
}

/// Who may move the clock, and how.
#[derive(Clone)]
struct Control {
    clock: Arc<VirtualClock>,
    port: u16,
}

/// Serves the control of `clock` on a free port of the loopback, behind `/TOKEN`.
///
/// # Errors
/// When it cannot be listened on.
pub async fn serve(clock: Arc<VirtualClock>, token: &str) -> std::io::Result<Serving> {
    let door = Door::open((Ipv4Addr::LOCALHOST, 0).into(), None, false).await?;
    let control = Control { clock, port: door.address().port() };
    let router = Router::new()
        .route(&format!("/{token}/advance"), post(advance))
        .route(&format!("/{token}/now"), get(now))
        .fallback(without_token)
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(axum::middleware::from_fn_with_state(control.clone(), from_here))
        .with_state(control);
    Ok(start(door, router, None))
}

/// Refuses what a web page may have sent.
async fn from_here(State(control): State<Control>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let value = |name: header::HeaderName| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase());
    let hosts = ["127.0.0.1", "localhost"].map(|name| format!("{name}:{}", control.port));
    let refuse = |status, why: &str| respond(json_page(status, &json!({"error": why})));
    if !value(header::HOST).is_some_and(|host| hosts.contains(&host)) {
        return refuse(403, "this is the control of a clock: ask it by its own address");
    }
    if headers.contains_key(header::ORIGIN) {
        return refuse(403, "no web page moves this clock");
    }
    let kind = value(header::CONTENT_TYPE).unwrap_or_default();
    if *request.method() == Method::POST && kind.split(';').next().is_none_or(|kind| kind.trim() != "application/json") {
        return refuse(415, "send JSON, as application/json");
    }
    next.run(request).await
}

async fn without_token() -> Response {
    respond(json_page(404, &json!({"error": "not found: the address that was printed has a token"})))
}

async fn now(State(Control { clock, .. }): State<Control>) -> Response {
    page(&clock)
}

async fn advance(State(Control { clock, .. }): State<Control>, body: Bytes) -> Response {
    match read(&body) {
        Ok(by) => {
            clock.advance(by);
            page(&clock)
        }
        Err(wrong) => respond(json_page(400, &json!({"error": wrong}))),
    }
}

fn page(clock: &VirtualClock) -> Response {
    let now = clock.now();
    respond(json_page(200, &json!({"now": iso::write(now), "unix_micros": now.0, "ahead_seconds": clock.ahead().as_secs_f64()})))
}

fn read(body: &[u8]) -> Result<Duration, String> {
    let wanted = "send {\"seconds\": NUMBER} or {\"span\": \"24h\"}";
    let body: Value = serde_json::from_slice(body).map_err(|cause| format!("the body is not JSON ({cause}); {wanted}"))?;
    if let Some(text) = body.get("span").and_then(Value::as_str) {
        return span::read(text).map_err(|wrong| wrong.to_string());
    }
    let seconds = body.get("seconds").and_then(Value::as_f64).ok_or_else(|| format!("no number of seconds; {wanted}"))?;
    if (0.0..=LONGEST_SECS).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("seconds must lie between 0 and ten years: time never goes back".to_owned())
    }
}
