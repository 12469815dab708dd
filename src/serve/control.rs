//! The control address of a virtual clock: its own port, so that no receiver's
//! path is in its way.
//!
//! `POST /advance` with `{"seconds": 86402}` or `{"span": "24h"}` moves the
//! clock; `GET /now` tells the time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::listener::Door;
use super::{Serving, respond, start};
use crate::clock::{Clock as _, VirtualClock, iso, span};
use crate::reference::pages::json_page;

/// Ten years, as long as the longest TTL: no scenario needs more at once.
const LONGEST_SECS: f64 = 315_360_000.0;

/// Serves the control of `clock` on `listen`; port 0 takes a free one.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn serve(clock: Arc<VirtualClock>, listen: SocketAddr) -> std::io::Result<Serving> {
    let door = Door::open(listen, None, false).await?;
    let router = Router::new().route("/advance", post(advance)).route("/now", get(now)).with_state(clock);
    Ok(start(door, router))
}

async fn now(State(clock): State<Arc<VirtualClock>>) -> Response {
    page(&clock)
}

async fn advance(State(clock): State<Arc<VirtualClock>>, body: Bytes) -> Response {
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
