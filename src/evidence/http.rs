//! HTTP: effects that a receiver tells on a page, as JSON.
//!
//! In: the page that a contract names, and keys. Out: a count each, from a
//! number, from the length of a list, or from rows that name their key. Only
//! GET is sent.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;

use super::{Asked, Can, EvidenceError, Origin, Question, Seen, Source, TlsSettings, Told};
use crate::contract::effects::EffectsPlace;
use crate::message::member_at;
use crate::template::Template;

/// So many pages are asked for side by side.
const SIDE_BY_SIDE: usize = 16;
/// The longest page that is read.
const LONGEST: usize = 64 << 20;
/// A key that nobody has sent.
const NOBODYS: &str = "hookgate-asks-for-no-key";

/// A page of effects.
pub struct EffectsPage {
    client: reqwest::Client,
    /// What stands in `Host`, where that is not where the page is.
    host: Option<String>,
    url: Template,
    place: EffectsPlace,
    patience: Duration,
}

impl EffectsPage {
    /// The page that `place` names, at a target.
    ///
    /// * `origin`: how the receiver is reached, for pages that are paths.
    /// * `tls`: settings, where the page is reached by TLS.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new(place: &EffectsPlace, origin: &Origin, tls: Option<&TlsSettings>, patience: Duration) -> Result<Self, EvidenceError> {
        let path = place.path.as_ref().map(ToString::to_string).unwrap_or_default();
        let is_its_own = path.starts_with('/');
        let elsewhere = Origin::default();
        let reached = if is_its_own { origin } else { &elsewhere };
        let text = if is_its_own { format!("{}{path}", origin.url.trim_end_matches('/')) } else { path };
        let cannot = |cause: String| EvidenceError::CannotRead { name: format!("the effects page {text}"), cause };
        let url = Template::read(&text).map_err(|wrong| cannot(wrong.to_string()))?;
        let client = reached.client(tls, patience).map_err(cannot)?;
        let host = reached.named.as_ref().map(|named| named.authority.clone());
        Ok(Self { client, host, url, place: place.clone(), patience })
    }

    /// Whether each key has a page of its own, or a part of one.
    fn is_asked_by_key(&self) -> bool {
        self.url.placeholders().any(|name| name == "key")
    }

    /// The address for some keys: the parameter that has `{key}` is repeated for each of them.
    fn url_for(&self, keys: &[String]) -> String {
        let text = self.url.to_string();
        let fill = |part: &str, key: &str| part.replace("{key}", &encoded(key));
        let (path, query) = text.split_once('?').map_or((text.as_str(), None), |(path, query)| (path, Some(query)));
        let first = keys.first().map_or("", String::as_str);
        let Some(query) = query else { return fill(path, first) };
        let repeated = query.split('&').flat_map(|part| {
            let times = if part.contains("{key}") { keys } else { &keys[..keys.len().min(1)] };
            times.iter().map(move |key| fill(part, key)).collect::<Vec<_>>()
        });
        format!("{}?{}", fill(path, first), repeated.collect::<Vec<_>>().join("&"))
    }

    async fn page(&self, keys: &[String]) -> Result<Option<Value>, EvidenceError> {
        let url = self.url_for(keys);
        let name = || format!("the effects page {url}");
        let failed = |wrong: reqwest::Error| {
            let cause = super::innermost(&wrong);
            match (wrong.is_timeout(), wrong.is_connect()) {
                (true, _) => EvidenceError::Silent { name: name(), after: self.patience },
                (false, true) => EvidenceError::PageUnreachable { url: url.clone(), cause },
                (false, false) => EvidenceError::Gone { name: name(), cause },
            }
        };
        let mut asked = self.client.get(&url).header("Accept", "application/json");
        if let Some(host) = &self.host {
            asked = asked.header("Host", host);
        }
        let mut answer = asked.send().await.map_err(failed)?;
        let status = answer.status().as_u16();
        let of_the_key = self.url.to_string().split('?').next().is_some_and(|path| path.contains("{key}"));
        if status == 404 && of_the_key {
            // A page of a key that nothing was done for is not there.
            return Ok(None);
        }
        if status != 200 {
            let way_out = "name the page that counts effects under `effects.path`, or leave `effects` out".to_owned();
            return Err(EvidenceError::NotAsNamed { name: name(), what: format!("answers {status}, where 200 is due"), way_out });
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST {
                let way_out = "let the page be that of a key: {key} in `effects.path`".to_owned();
                return Err(EvidenceError::NotAsNamed { name: name(), what: format!("is longer than {LONGEST} bytes"), way_out });
            }
        }
        match serde_json::from_slice(&body) {
            Ok(page) => Ok(Some(page)),
            Err(cause) => {
                let way_out = "effects are read from JSON".to_owned();
                Err(EvidenceError::NotAsNamed { name: name(), what: format!("is no JSON ({cause})"), way_out })
            }
        }
    }

    /// The counts of keys on a page.
    fn counts(&self, keys: &[String], page: &Value) -> Result<Vec<u64>, EvidenceError> {
        if let (Some(rows), Some(member)) = (&self.place.rows, &self.place.key) {
            let list = page.pointer(rows).and_then(Value::as_array);
            let list = list.ok_or_else(|| self.not_there(keys, &format!("has no list at {rows:?}")))?;
            let mut by_key: HashMap<String, u64> = HashMap::new();
            for named in list.iter().filter_map(|row| text(member_at(row, member)?)) {
                *by_key.entry(named).or_default() += 1;
            }
            return Ok(keys.iter().map(|key| by_key.get(key).copied().unwrap_or(0)).collect());
        }
        let Some(pointer) = &self.place.count else { return Ok(vec![0; keys.len()]) };
        keys.iter()
            .map(|key| {
                self.count(pointer, key, page).ok_or_else(|| self.not_there(keys, &format!("has no count at {:?}", pointer.to_string())))
            })
            .collect()
    }

    /// The count of a key; a key that is not named on the page has none.
    fn count(&self, pointer: &Template, key: &str, page: &Value) -> Option<u64> {
        let escaped = key.replace('~', "~0").replace('/', "~1");
        let filled = pointer.fill(&|name| (name == "key").then(|| escaped.clone()))?;
        match page.pointer(&filled) {
            Some(Value::Number(number)) => {
                number.as_u64().or_else(|| number.as_f64().filter(|n| *n >= 0.0 && n.fract() == 0.0).map(|n| n as u64))
            }
            Some(Value::Array(items)) => Some(items.len() as u64),
            Some(Value::String(digits)) => digits.parse().ok(),
            Some(Value::Null) => Some(0),
            Some(Value::Bool(_) | Value::Object(_)) => None,
            None => {
                // What comes before the key must be there: a page without it is another page.
                let text = pointer.to_string();
                let before = text.split("{key}").next().filter(|_| text.contains("{key}"))?;
                let parent = before.rsplit_once('/').map_or("", |(parent, _)| parent);
                page.pointer(parent).is_some_and(Value::is_object).then_some(0)
            }
        }
    }

    fn not_there(&self, keys: &[String], what: &str) -> EvidenceError {
        let way_out = "name the place of the count under `effects.count`, as a JSON pointer".to_owned();
        EvidenceError::NotAsNamed {
            name: format!("the effects page {}", self.url_for(&keys[..keys.len().min(1)])),
            what: what.to_owned(),
            way_out,
        }
    }
}

impl Source for EffectsPage {
    fn name(&self) -> String {
        format!("GET {}", self.url)
    }

    fn can(&self) -> Can {
        Can { effects: true, ..Can::default() }
    }

    fn check_available(&self) -> Asked<'_, ()> {
        Box::pin(async move { self.effects(&[NOBODYS.to_owned()]).await.map(drop) })
    }

    fn rows(&self, _question: Question) -> Asked<'_, Seen> {
        Box::pin(async move { Err(EvidenceError::CannotShow { name: self.name(), what: "rows" }) })
    }

    fn count<'a>(&'a self, _prefix: &'a str, _told: &'a mut Told<'_>) -> Asked<'a, ()> {
        Box::pin(async move { Err(EvidenceError::CannotShow { name: self.name(), what: "rows" }) })
    }

    fn effects<'a>(&'a self, keys: &'a [String]) -> Asked<'a, Vec<u64>> {
        Box::pin(async move {
            if keys.is_empty() {
                return Ok(Vec::new());
            }
            if !self.is_asked_by_key() {
                let page = self.page(&keys[..1]).await?.unwrap_or(Value::Null);
                return self.counts(keys, &page);
            }
            let at_once = self.place.keys_a_page.unwrap_or(1).max(1);
            let mut counts = Vec::with_capacity(keys.len());
            let pages: Vec<&[String]> = keys.chunks(at_once).collect();
            for round in pages.chunks(SIDE_BY_SIDE) {
                for (keys, page) in round.iter().zip(super::all(round.iter().map(|keys| self.page(keys))).await) {
                    match page? {
                        Some(page) => counts.extend(self.counts(keys, &page)?),
                        None => counts.extend(keys.iter().map(|_| 0)),
                    }
                }
            }
            Ok(counts)
        })
    }

    fn rewind<'a>(&'a self, _keys: &'a [String], _by: Duration) -> Asked<'a, usize> {
        Box::pin(async move { Err(EvidenceError::NothingToMove { name: self.name() }) })
    }

    fn would_rewind(&self) -> Option<String> {
        None
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Text as it travels in a path or a query: all but letters, digits and `-._~` percent-encoded.
#[must_use]
pub fn encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    text.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(path: &str, count: Option<&str>, rows: Option<(&str, &str)>, keys_a_page: Option<usize>) -> EffectsPage {
        let template = |text: &str| Template::read(text).expect("the test writes whole braces");
        let place = EffectsPlace {
            path: Some(template(path)),
            count: count.map(template),
            rows: rows.map(|(rows, _)| rows.to_owned()),
            key: rows.map(|(_, key)| key.to_owned()),
            keys_a_page,
            ..EffectsPlace::default()
        };
        let origin = Origin { url: "http://h:1/".to_owned(), ..Origin::default() };
        EffectsPage::new(&place, &origin, None, Duration::from_secs(1)).expect("a client")
    }

    fn keys(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// A line of the table: the place of the count, the page, and what it says of `a/b` and `c`.
    #[test]
    fn counts_are_found_where_they_stand() {
        for (count, rows, json, expected) in [
            (Some("/by_key/{key}"), None, r#"{"by_key": {"a/b": 2, "c": [1, 2, 3]}}"#, Some([2, 3])),
            (Some("/by_key/{key}"), None, r#"{"by_key": {}}"#, Some([0, 0])),
            (Some("/by_key/{key}"), None, r#"{"error": "no such page"}"#, None),
            (Some("/by_key/{key}"), None, r#"{"by_key": {"a/b": true}}"#, None),
            (Some("/{key}/done"), None, r#"{"a/b": {"done": 1}}"#, Some([1, 0])),
            (Some(""), None, "4", Some([4, 4])),
            (Some("/n"), None, r#"{"n": "7"}"#, Some([7, 7])),
            (None, Some(("/items", "for.key")), r#"{"items": [{"for": {"key": "c"}}, {"for": {"key": "c"}}, {}]}"#, Some([0, 2])),
            (None, Some(("/items", "for.key")), "[]", None),
        ] {
            let page = page("/e?key={key}", count, rows, None);
            let value: Value = serde_json::from_str(json).expect("JSON");
            let found = page.counts(&keys(&["a/b", "c"]), &value);
            assert_eq!(found.ok(), expected.map(|counts| counts.to_vec()), "{count:?} {rows:?} {json}");
        }
    }

    /// Keys are percent-encoded, and the parameter that has them is repeated.
    #[test]
    fn several_keys_are_asked_for_at_once() {
        let url = |path: &str, names: &[&str]| page(path, Some("/{key}"), None, None).url_for(&keys(names));
        assert_eq!(url("/e?v=1&key={key}", &["a b", "c&d"]), "http://h:1/e?v=1&key=a%20b&key=c%26d");
        assert_eq!(url("/e/{key}/done", &["a/b"]), "http://h:1/e/a%2Fb/done");
        assert_eq!(url("http://other:2/e?key={key}", &["a"]), "http://other:2/e?key=a");
    }
}
