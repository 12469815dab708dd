//! Pages: what a receiver tells beside its endpoint: that it lives, its audit trail, its counters.
//!
//! A contract names them; here is what stands on them. `serve` puts them on a
//! port, a rehearsal asks them in memory.

use serde_json::{Value, json};

use super::Receiver;
use super::store::{Store, StoreError};
use crate::contract::Contract;
use crate::contract::effects::EffectsPlace;
use crate::delivery::{Answer, HeaderLine};
use crate::message::{form_field, put_member};
use crate::state::{Cell, Row};
use crate::template::Template;

/// How many audit rows are shown when nobody says how many.
const USUAL_AUDIT_ROWS: usize = 100;
/// Of how many keys effects are told at once.
const MOST_KEYS_A_PAGE: usize = 100;
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

/// Where effects are counted when a contract names no page of the receiver: `hookgate serve` has one all the same.
#[must_use]
pub fn own_effects() -> EffectsPlace {
    let template = |text: &str| Template::read(text).ok();
    let (path, count) = (template("/__effects?key={key}"), template("/by_key/{key}"));
    EffectsPlace { path, count, keys_a_page: Some(MOST_KEYS_A_PAGE), ..EffectsPlace::default() }
}

/// The page of effects that a contract names, where it is one of the receiver itself; else [`own_effects`].
#[must_use]
pub fn effects_place(contract: &Contract) -> Option<EffectsPlace> {
    let named = contract.effects.as_ref()?;
    let is_here = named.path.as_ref().is_some_and(|path| path.to_string().starts_with('/'));
    Some(if is_here { named.clone() } else { own_effects() })
}

/// The contract as the reference serves it: effects are counted on a page of its own, wherever others count theirs.
#[must_use]
pub fn as_served(contract: &Contract) -> Contract {
    Contract { effects: effects_place(contract), ..contract.clone() }
}

/// The keys that a path and query ask the page of effects for; `None` where it is another page.
///
/// * `value`: the decoded values of the query, in their order.
#[must_use]
pub fn effects_asked(place: &EffectsPlace, path: &str, values: &[(String, String)]) -> Option<Vec<String>> {
    let text = place.path.as_ref()?.to_string();
    let (wanted, query) = text.split_once('?').unwrap_or((text.as_str(), ""));
    let in_path = match wanted.split_once("{key}") {
        None if path == wanted => Vec::new(),
        None => return None,
        Some((before, after)) => {
            let encoded = path.strip_prefix(before)?.strip_suffix(after)?;
            let decoded = form_field(format!("key={encoded}").as_bytes(), "key")?;
            vec![String::from_utf8_lossy(&decoded).into_owned()]
        }
    };
    let named = query.split('&').filter_map(|part| part.split_once('=')).find(|(_, value)| *value == "{key}");
    let in_query = values.iter().filter(|(name, _)| named.is_some_and(|(wanted, _)| wanted == name)).map(|(_, value)| value.clone());
    Some(in_path.into_iter().chain(in_query).take(MOST_KEYS_A_PAGE).collect())
}

/// The page of effects: a count for each key that is asked for, where the contract says that it stands.
///
/// # Errors
/// When the store cannot be read.
pub fn effects<S: Store>(receiver: &mut Receiver<S>, place: &EffectsPlace, keys: &[String]) -> Result<Answer, StoreError> {
    if let (Some(rows), Some(member)) = (&place.rows, &place.key) {
        let mut list = Vec::new();
        for key in keys {
            for _ in 0..receiver.effects(key)? {
                let mut row = json!({});
                put_member(&mut row, member, json!(key));
                list.push(row);
            }
        }
        let mut page = Value::Null;
        put_at(&mut page, rows, Value::Array(list));
        return Ok(json_page(200, &page));
    }
    let mut page = json!({});
    let count = place.count.as_ref().map(ToString::to_string).unwrap_or_default();
    // Without a key the page is there, and says nothing of any.
    if let Some((before, _)) = count.split_once("{key}") {
        put_at(&mut page, before.rsplit_once('/').map_or("", |(parent, _)| parent), json!({}));
    }
    for key in keys {
        let pointer = count.replace("{key}", &key.replace('~', "~0").replace('/', "~1"));
        put_at(&mut page, &pointer, json!(receiver.effects(key)?));
    }
    Ok(json_page(200, &page))
}

/// Puts a value where a JSON pointer leads, making the objects on the way.
fn put_at(page: &mut Value, pointer: &str, value: Value) {
    let mut place = page;
    for name in pointer.split('/').skip(1) {
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[name.replace("~1", "/").replace("~0", "~").as_str()];
    }
    *place = value;
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
