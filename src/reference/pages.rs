//! Pages: what a receiver tells beside its endpoint: that it lives, its audit trail, its counters.
//!
//! A contract names them; here is what stands on them. `serve` puts them on a
//! port, a rehearsal asks them in memory.

use serde_json::{Value, json};

use super::Receiver;
use super::store::{Store, StoreError};
use crate::delivery::{Answer, HeaderLine};
use crate::state::{Cell, Row};

/// How many audit rows are shown when nobody says how many.
const USUAL_AUDIT_ROWS: usize = 100;
/// How many audit rows are shown at the most.
const MOST_AUDIT_ROWS: usize = 10_000;

/// A page of JSON.
#[must_use]
pub fn json_page(status: u16, page: &Value) -> Answer {
    Answer { status, headers: vec![HeaderLine::new("Content-Type", "application/json")], body: page.to_string().into() }
}

/// The health page; 404 where the contract names none.
#[must_use]
pub fn health<S: Store>(receiver: &Receiver<S>) -> Answer {
    let contract = receiver.contract();
    let Some(health) = &contract.health else { return json_page(404, &json!({"error": "not found"})) };
    if !receiver.is_well() {
        return json_page(503, &json!({"error": "not well"}));
    }
    if health.body.is_null() {
        return Answer { status: health.status, headers: Vec::new(), body: bytes::Bytes::new() };
    }
    json_page(health.status, &health.body)
}

/// The audit trail, newest first.
///
/// * `limit`, `event`: the values of the query parameters that the contract names.
///
/// # Errors
/// When the store cannot be read.
pub fn audit<S: Store>(receiver: &mut Receiver<S>, limit: Option<&str>, event: Option<&str>) -> Result<Answer, StoreError> {
    let limit = match limit.map(str::parse::<usize>) {
        None => USUAL_AUDIT_ROWS,
        Some(Ok(limit)) => limit.min(MOST_AUDIT_ROWS),
        Some(Err(_)) => return Ok(json_page(400, &json!({"error": "the limit is not a number"}))),
    };
    let rows = receiver.store().newest_audit(limit, event)?;
    Ok(json_page(200, &rows.iter().map(row_page).collect()))
}

fn row_page(row: &Row) -> Value {
    let value = |cell: &Cell| match cell {
        Cell::Null => Value::Null,
        Cell::Integer(number) => json!(number),
        Cell::Real(number) => json!(number),
        Cell::Text(text) => json!(text),
    };
    row.columns.iter().map(|(name, cell)| (name.clone(), value(cell))).collect::<serde_json::Map<_, _>>().into()
}

/// The counters as Prometheus reads them: the lines of a family together, under one head.
#[must_use]
pub fn counters<S: Store>(receiver: &Receiver<S>) -> Answer {
    let values = receiver.counters();
    let mut families: Vec<(&str, String)> = Vec::new();
    for (name, value) in &values {
        let family = name.split('{').next().unwrap_or(name);
        let line = format!("{name} {value}\n");
        match families.iter_mut().find(|(one, _)| *one == family) {
            Some((_, lines)) => lines.push_str(&line),
            None => families.push((family, line)),
        }
    }
    let page: String = families.iter().map(|(family, lines)| format!("# TYPE {family} counter\n{lines}")).collect();
    let headers = vec![HeaderLine::new("Content-Type", "text/plain; version=0.0.4; charset=utf-8")];
    Answer { status: 200, headers, body: page.into() }
}
