//! Scripts for Redis, and what they give: what stands under a name, when it expires, and the row that it is.

use redis::Value;
use serde_json::Value as Json;

use crate::clock::{UnixMicros, iso};
use crate::contract::tables::{Column, Table};
use crate::evidence::{EXPIRES, cells};
use crate::message::member_at;
use crate::state::{Cell, Row};

/// For each name: nothing, or its type, the millisecond at which it expires (-1: never), and its value.
pub(super) const READ: &str = r"
local out = {}
local now = redis.call('TIME')
for i, name in ipairs(KEYS) do
  local kind = redis.call('TYPE', name)['ok']
  if kind == 'none' then
    out[i] = false
  else
    local value = ''
    if kind == 'string' then value = redis.call('GET', name)
    elseif kind == 'hash' then value = redis.call('HGETALL', name)
    elseif kind == 'ReJSON-RL' then value = redis.call('JSON.GET', name) end
    local left = redis.call('PTTL', name)
    local at = -1
    if left >= 0 then
      at = redis.pcall('PEXPIRETIME', name)
      if type(at) == 'table' then at = now[1] * 1000 + math.floor(now[2] / 1000) + left end
    end
    out[i] = {kind, string.format('%.0f', at), value}
  end
end
return out";
/// For each name: the number that stands there, or how much does.
pub(super) const TALLY: &str = r"
local out = {}
for i, name in ipairs(KEYS) do
  local kind = redis.call('TYPE', name)['ok']
  local count = 0
  if kind == 'string' then count = math.floor(tonumber(redis.call('GET', name)) or 0)
  elseif kind == 'list' then count = redis.call('LLEN', name)
  elseif kind == 'stream' then count = redis.call('XLEN', name)
  elseif kind == 'set' then count = redis.call('SCARD', name)
  elseif kind == 'zset' then count = redis.call('ZCARD', name)
  elseif kind == 'hash' then count = redis.call('HLEN', name) end
  out[i] = count
end
return out";
/// Takes so many milliseconds from each life (ARGV[1]), and writes the earlier time into the field (ARGV[2]) of a hash.
pub(super) const MOVE: &str = r"
local moved = 0
for i, name in ipairs(KEYS) do
  local left = redis.call('PTTL', name)
  local earlier = ARGV[2 + i]
  if earlier ~= '' then redis.call('HSET', name, ARGV[2], earlier) end
  if left >= 0 then redis.call('PEXPIRE', name, string.format('%.0f', left - tonumber(ARGV[1]))) end
  local is_endless = left == -1 and ARGV[2] == ''
  if left >= 0 or earlier ~= '' or is_endless then moved = moved + 1 end
end
return moved";

/// What stands under a name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Kept {
    /// When it expires; `None` for what never does.
    pub(super) expires: Option<UnixMicros>,
    pub(super) is_hash: bool,
    value: Stored,
}

#[derive(Clone, Debug, PartialEq)]
enum Stored {
    /// Fields of a hash.
    Fields(Vec<(String, String)>),
    /// A JSON object.
    Members(Json),
    /// Text as it stands.
    Text(String),
}

impl Kept {
    /// The text of a field, or of a JSON member by its dotted path.
    pub(super) fn member(&self, name: &str) -> Option<String> {
        match &self.value {
            Stored::Fields(fields) => fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone()),
            Stored::Members(json) => match member_at(json, name)? {
                Json::Null => None,
                Json::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            },
            Stored::Text(_) => None,
        }
    }
}

/// One element of what [`READ`] gives.
pub(super) fn kept_in(found: Value) -> Option<Kept> {
    let Value::Array(parts) = found else { return None };
    let mut parts = parts.into_iter();
    let (kind, at, value) = (text(parts.next()?)?, text(parts.next()?)?, parts.next()?);
    let millis: i64 = at.parse().ok()?;
    let expires = (millis >= 0).then(|| UnixMicros(millis.saturating_mul(1_000)));
    let is_hash = kind == "hash";
    let value = match value {
        Value::Array(items) => {
            let words: Vec<String> = items.into_iter().filter_map(text).collect();
            Stored::Fields(words.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect())
        }
        Value::Map(pairs) => Stored::Fields(pairs.into_iter().filter_map(|(name, value)| text(name).zip(text(value))).collect()),
        other => {
            let text = text(other).unwrap_or_default();
            match serde_json::from_str::<Json>(&text) {
                Ok(json) if json.is_object() => Stored::Members(json),
                Ok(_) | Err(_) => Stored::Text(text),
            }
        }
    };
    Some(Kept { expires, is_hash, value })
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Value::SimpleString(text) => Some(text),
        Value::Int(number) => Some(number.to_string()),
        Value::Okay => Some("OK".to_owned()),
        _ => None,
    }
}

/// The row that stands under a name: the contract's columns, and when it expires.
pub(super) fn row(table: &Table, key: &str, kept: &Kept) -> Row {
    let cell = |column: &Column| {
        let is_role = column.holds_only("ttl") || table.instant() == Some(column.name.as_str());
        match (kept.member(&column.name), &kept.value) {
            // Redis has no types: a number is text.
            (Some(text), _) if is_role => cells::number_in(&text),
            (Some(text), _) => Cell::Text(text),
            (None, _) if column.holds_only("key") => Cell::Text(key.to_owned()),
            (None, Stored::Text(text)) if !is_role => Cell::Text(text.clone()),
            (None, Stored::Text(_) | Stored::Fields(_) | Stored::Members(_)) => Cell::Null,
        }
    };
    let columns = table.columns.iter().map(|column| (column.name.clone(), cells::as_contract(table, column, cell(column))));
    let expires = kept.expires.map_or(Cell::Null, |at| Cell::Text(iso::write(at)));
    Row { columns: columns.chain([(EXPIRES.to_owned(), expires)]).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: &str, at: i64, value: Value) -> String {
        let table: Table = serde_json::from_value(serde_json::json!({"table": "idem:{key}", "columns": [
            {"name": "k", "type": "string", "holds": "{key}"}, {"name": "life", "type": "expiry", "holds": "{ttl}"},
            {"name": "at", "type": "string", "holds": "{ts}"}, {"name": "hash", "type": "string", "holds": "{sha256}"}]}))
        .expect("a table");
        let bulk = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let kept = kept_in(Value::Array(vec![bulk(kind), bulk(&at.to_string()), value])).expect("something");
        row(&table, "k1", &kept).to_string()
    }

    /// A string, a hash and JSON are rows of the same columns; a life may stand in a field, or be the expiry.
    #[test]
    fn what_stands_under_a_name_is_a_row() {
        let bulk = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        assert_eq!(
            told("string", 1_759_694_703_000, bulk("abc")),
            r#"k="k1" life=NULL at=NULL hash="abc" (expires)="2025-10-05T20:05:03.000000""#
        );
        let hash = Value::Array(["hash", "h", "life", "60", "at", "1759694703.5"].map(bulk).to_vec());
        assert_eq!(told("hash", -1, hash), r#"k="k1" life=60 at="2025-10-05T20:05:03.500000" hash="h" (expires)=NULL"#);
        let json = bulk(r#"{"k": "K1", "hash": "h", "at": "2025-10-05T20:05:03Z"}"#);
        assert_eq!(told("string", -1, json), r#"k="K1" life=NULL at="2025-10-05T20:05:03Z" hash="h" (expires)=NULL"#);
        assert_eq!(kept_in(Value::Nil), None);
    }
}
