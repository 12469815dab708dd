//! A delivery that a stream may tell of: what its event has in its data, read once.

use serde_json::Value;

use crate::contract::stream::EventStream;
use crate::event_stream::Block;
use crate::history::record::Record;
use crate::outcome::members::Values;
use crate::sign::sha256_hex;

/// A delivery that a stream may tell of.
#[derive(Clone, Debug)]
pub struct Tellable {
    /// The delivery.
    pub record: Record,
    /// The path of its stream; none where it is told on none, or its body was not kept.
    pub path: Option<String>,
    /// The members of its event's data; of those without a value the receiver says what they are.
    due: Vec<(String, Option<Due>)>,
}

/// What a member of an event's data is.
#[derive(Clone, Debug)]
enum Due {
    Text(String),
    Null,
}

/// A member of an event's data that is not as it was due: its name, what was due, and what came.
pub(super) type Unlike = (String, String, String);

impl Tellable {
    /// A delivery under a contract with streams.
    #[must_use]
    pub fn new(form: &EventStream, record: &Record) -> Self {
        let values = Values { body: &record.delivery.body, key: &record.key, sha256: &record.sha256, ..Values::default() };
        let due = form.data.iter().map(|(member, template)| {
            // When it was accepted, and for how long, the receiver says.
            let is_free = template.placeholders().any(|name| matches!(name, "ts" | "ttl"));
            let due = || template.fill(&|name| values.get(name)).map_or(Due::Null, Due::Text);
            (member.clone(), (!is_free).then(due))
        });
        let due = due.collect();
        let is_kept = sha256_hex(&record.delivery.body) == record.sha256;
        let stream = match &form.of {
            None => Some(String::new()),
            Some(of) => of.fill(&|name| values.get(name)).filter(|_| is_kept),
        };
        Self { record: record.clone(), path: stream.map(|stream| form.path_of(&stream)), due }
    }

    /// The members of an event's data that are not those of this delivery.
    pub(super) fn unlike(&self, data: Option<&Value>) -> Vec<Unlike> {
        let mut unlike = Vec::new();
        for (member, due) in &self.due {
            let came = data.and_then(|data| data.get(member));
            let shown = |value: Option<&Value>| value.map_or_else(|| "null".to_owned(), ToString::to_string);
            match due {
                None if came.is_none_or(Value::is_null) => unlike.push((member.clone(), "a value".to_owned(), shown(came))),
                None => {}
                Some(Due::Null) if came.is_none_or(Value::is_null) => {}
                Some(Due::Null) => unlike.push((member.clone(), "null".to_owned(), shown(came))),
                Some(Due::Text(text)) if came.is_some_and(|came| is_text(came, text)) => {}
                Some(Due::Text(text)) => unlike.push((member.clone(), Value::from(text.as_str()).to_string(), shown(came))),
            }
        }
        unlike
    }

    /// Whether an event tells of this delivery.
    pub(super) fn is_told_by(&self, form: &EventStream, block: &Block, data: Option<&Value>) -> bool {
        // Asked of every event for every delivery: the first member that differs is enough.
        let is_due = |(member, due): &(String, Option<Due>)| match (due, data.and_then(|data| data.get(member))) {
            (None, came) => !came.is_none_or(Value::is_null),
            (Some(Due::Null), came) => came.is_none_or(Value::is_null),
            (Some(Due::Text(text)), came) => came.is_some_and(|came| is_text(came, text)),
        };
        block.event.as_ref().is_some_and(|event| event.name == form.event) && self.due.iter().all(is_due)
    }

    /// Whether it is this delivery.
    pub(super) fn is_of(&self, record: &Record) -> bool {
        self.record.key == record.key && self.record.sha256 == record.sha256
    }
}

/// Whether a value is this text, or is written so.
fn is_text(value: &Value, text: &str) -> bool {
    match value {
        Value::String(value) => value == text,
        Value::Number(number) => number.to_string() == text,
        Value::Bool(flag) => flag.to_string() == text,
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

/// The data of an event, where it is a JSON object.
pub(super) fn data_of(block: &Block) -> Option<Value> {
    serde_json::from_str::<Value>(&block.event.as_ref()?.data).ok().filter(Value::is_object)
}
