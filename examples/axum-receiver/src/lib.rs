//! Receiver of Standard Webhooks: verified, taken once, remembered for a week.
//!
//! `POST /webhooks` writes an order for each `webhook-id`, once; `GET /orders?webhook_id=…` says how many were written.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rusqlite::Connection;
use sha2::Sha256;

/// A signed time may be this far from now, in seconds.
const TOLERANCE: i64 = 300;
/// An id is remembered for so long, in seconds: longer than any sender tries.
const REMEMBERED: i64 = 7 * 24 * 3600;
/// The longest body that is read, in bytes.
const LONGEST_BODY: usize = 256 * 1024;

/// How the receiver is set up.
pub struct Settings {
    /// The secret that the sender shows: `whsec_…`.
    pub secret: String,
    /// Be wrong on purpose: write an order for every delivery, also for one that comes again.
    pub forgets: bool,
}

struct Shop {
    key: Vec<u8>,
    forgets: bool,
    orders: Mutex<Connection>,
}

/// The receiver, over a SQLite file.
///
/// # Errors
/// When the secret is not `whsec_` and base64, or the file cannot be opened.
pub fn app(settings: &Settings, database: &Path) -> Result<Router, Box<dyn std::error::Error + Send + Sync>> {
    let key = STANDARD.decode(settings.secret.strip_prefix("whsec_").unwrap_or(&settings.secret))?;
    let orders = Connection::open(database)?;
    orders.execute_batch(
        "PRAGMA journal_mode = wal;
         CREATE TABLE IF NOT EXISTS seen (webhook_id TEXT PRIMARY KEY, at INTEGER NOT NULL);
         CREATE TABLE IF NOT EXISTS orders (webhook_id TEXT NOT NULL, body TEXT NOT NULL);",
    )?;
    let shop = Arc::new(Shop { key, forgets: settings.forgets, orders: Mutex::new(orders) });
    Ok(Router::new()
        .route("/webhooks", post(receive))
        .route("/orders", get(count))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .with_state(shop))
}

async fn receive(State(shop): State<Arc<Shop>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let Some(id) = single(&headers, "webhook-id") else { return StatusCode::BAD_REQUEST };
    let (Some(time), Some(signatures)) = (single(&headers, "webhook-timestamp"), single(&headers, "webhook-signature")) else {
        return StatusCode::UNAUTHORIZED;
    };
    if !is_timely(time, now()) || !shop.has_signed(id, time, &body, signatures) {
        return StatusCode::UNAUTHORIZED;
    }
    if serde_json::from_slice::<serde_json::Value>(&body).is_err() {
        return StatusCode::BAD_REQUEST;
    }
    match shop.take(id, &body) {
        Ok(()) => StatusCode::NO_CONTENT,
        // The sender comes again.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

async fn count(State(shop): State<Arc<Shop>>, Query(asked): Query<HashMap<String, String>>) -> Result<String, StatusCode> {
    let id = asked.get("webhook_id").ok_or(StatusCode::BAD_REQUEST)?;
    let orders = shop.orders.lock().unwrap_or_else(PoisonError::into_inner);
    let count: i64 = orders
        .query_row("SELECT count(*) FROM orders WHERE webhook_id = ?1", [id], |row| row.get(0))
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(serde_json::json!({ "count": count }).to_string())
}

/// The one value of a header; `None` where it is missing, empty, given twice or no text.
fn single<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut lines = headers.get_all(name).iter();
    let value = lines.next()?.to_str().ok()?;
    (lines.next().is_none() && !value.is_empty()).then_some(value)
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Whole seconds, near to now: no sign, no fraction, no blank.
fn is_timely(text: &str, now: i64) -> bool {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let time = text.parse::<i64>().ok().filter(|_| is_plain);
    time.is_some_and(|time| now.abs_diff(time) <= TOLERANCE.unsigned_abs())
}

impl Shop {
    /// Whether one signature of the list is right; other versions are passed over.
    fn has_signed(&self, id: &str, time: &str, body: &[u8], signatures: &str) -> bool {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return false };
        for part in [id.as_bytes(), b".", time.as_bytes(), b".", body] {
            mac.update(part);
        }
        let given = signatures.split(' ').filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
        // In constant time, also where it is wrong.
        given.fold(false, |found, one| mac.clone().verify_slice(&one).is_ok() || found)
    }

    /// Writes the order of an id that was not seen, both in one transaction: a crash leaves both or none.
    fn take(&self, id: &str, body: &[u8]) -> rusqlite::Result<()> {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = orders.transaction()?;
        transaction.execute("DELETE FROM seen WHERE at < ?1", [now() - REMEMBERED])?;
        let is_new = transaction.execute("INSERT INTO seen VALUES (?1, ?2) ON CONFLICT DO NOTHING", rusqlite::params![id, now()])? == 1;
        if is_new || self.forgets {
            transaction.execute("INSERT INTO orders VALUES (?1, ?2)", rusqlite::params![id, String::from_utf8_lossy(body)])?;
        }
        transaction.commit()
    }
}
