//! Streams in a snapshot: what an event stream has told, as text that can be reviewed.
//!
//! In: the head of a stream, and what was read of it step by step. Out: status, content type, and every block with its fields in the
//! order in which they came; ids have names (`<i1>` …), in the data of events, too. Comments come whenever a timer wants it: they are
//! shown where a step has waited for one, any number of them as one.

use std::collections::HashSet;
use std::fmt::Write as _;

use serde_json::Value;

use super::{Normaliser, place};
use crate::delivery::Answer;
use crate::event_stream::{Block, Id};
use crate::secret::Foreign as _;

/// So many bytes of a stream are shown.
const MOST_SHOWN: usize = 256 << 10;
/// A number in an event's data may be an id from so many digits on: shorter ones are numbers of anything.
const DIGITS_OF_AN_ID: usize = 6;

/// An event stream, as far as a scenario has read it.
#[derive(Clone, Debug, Default)]
pub struct StreamSoFar {
    answer: Option<Answer>,
    parts: Vec<Part>,
    size: usize,
    ended: bool,
}

/// A part of a stream.
#[derive(Clone, Debug)]
enum Part {
    Block(Block),
    Heartbeat(String),
    LeftOut,
}

impl StreamSoFar {
    /// A stream that was just opened; `None` where nothing came of it.
    #[must_use]
    pub fn opened(answer: Option<Answer>) -> Self {
        Self { answer, ..Self::default() }
    }

    /// More of it was read.
    ///
    /// * `blocks`: each with its instant;
    /// * `heartbeat`: whether the step has waited for one; * `ended`: whether the receiver has ended it.
    pub fn read(&mut self, blocks: &[(u64, Block)], heartbeat: bool, ended: bool) {
        for (_, block) in blocks {
            let is_comment = block.event.is_none() && block.id.is_none() && block.retry.is_none() && block.unknown.is_empty();
            match (is_comment, self.parts.last()) {
                (_, Some(Part::LeftOut)) | (true, Some(Part::Heartbeat(_))) => {}
                (true, _) if !heartbeat => {}
                (true, _) => self.parts.push(Part::Heartbeat(block.comments.join(" "))),
                (false, _) if self.size + block.bytes.len() > MOST_SHOWN => self.parts.push(Part::LeftOut),
                (false, _) => {
                    self.size += block.bytes.len();
                    self.parts.push(Part::Block(block.clone()));
                }
            }
        }
        self.ended |= ended;
    }
}

impl Normaliser {
    /// An event stream: status, content type, and its blocks.
    #[must_use]
    pub fn stream(&mut self, stream: &StreamSoFar) -> String {
        let mut text = match &stream.answer {
            Some(answer) => self.answer(answer),
            None => "no answer\n".to_owned(),
        };
        let given = |part: &Part| match part {
            Part::Block(Block { id: Some(Id::Given(id)), .. }) if !id.is_empty() => Some(id.clone()),
            Part::Block(_) | Part::Heartbeat(_) | Part::LeftOut => None,
        };
        let ids: HashSet<String> = stream.parts.iter().filter_map(given).collect();
        for part in &stream.parts {
            text.push('\n');
            match part {
                Part::Block(block) => self.block(block, &ids, &mut text),
                Part::Heartbeat(comment) => {
                    let comment = self.text(comment);
                    let _ = writeln!(text, ":{comment}");
                }
                Part::LeftOut => text.push_str("…\n"),
            }
        }
        if stream.ended && !stream.parts.is_empty() {
            text.push_str("\n(ended by the receiver)\n");
        }
        text.replace('\r', "␍")
    }

    fn block(&mut self, block: &Block, ids: &HashSet<String>, text: &mut String) {
        let lines = String::from_utf8_lossy(&block.bytes).into_owned();
        let mut page = block.event.as_ref().and_then(|event| serde_json::from_str::<Value>(&event.data).ok()).filter(Value::is_object);
        let mut was_told = false;
        for line in lines.split('\n') {
            let (field, value) =
                line.split_once(':').map_or((line, ""), |(field, value)| (field, value.strip_prefix(' ').unwrap_or(value)));
            let value = match (field, page.take()) {
                ("id", held) => {
                    page = held;
                    self.id(value, ids).unwrap_or_else(|| self.text(value))
                }
                // The lines of one JSON object are told where the first of them stands.
                ("data", Some(mut object)) => {
                    was_told = true;
                    object.hide(&self.redactor.clone());
                    self.name_ids(&mut object, ids);
                    self.value(&mut object);
                    format!("{object:#}")
                }
                ("data", None) if was_told => continue,
                (_, held) => {
                    page = held;
                    self.text(value)
                }
            };
            let field = self.text(field);
            let _ = writeln!(text, "{}", format!("{field}: {value}").trim_end());
        }
    }

    /// The name of an id of the stream.
    fn id(&mut self, id: &str, ids: &HashSet<String>) -> Option<String> {
        ids.contains(id).then(|| format!("<i{}>", place(&mut self.ids, &id.to_owned()) + 1))
    }

    /// Ids that stand in the data of an event (`{"oldest": …}`).
    fn name_ids(&mut self, value: &mut Value, ids: &HashSet<String>) {
        let named = match value {
            Value::String(text) => self.id(text, ids),
            Value::Number(number) => {
                Some(number.to_string()).filter(|text| text.len() >= DIGITS_OF_AN_ID).and_then(|text| self.id(&text, ids))
            }
            Value::Array(items) => return items.iter_mut().for_each(|item| self.name_ids(item, ids)),
            Value::Object(members) => return members.values_mut().for_each(|member| self.name_ids(member, ids)),
            Value::Null | Value::Bool(_) => None,
        };
        if let Some(named) = named {
            *value = Value::String(named);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_SHOWN, StreamSoFar};
    use crate::delivery::{Answer, HeaderLine};
    use crate::event_stream::{Block, Decoder};
    use crate::snapshot::Normaliser;

    fn blocks(stream: &str) -> Vec<(u64, Block)> {
        Decoder::default().push(stream.as_bytes()).expect("blocks that end").into_iter().map(|block| (0, block)).collect()
    }

    fn head(status: u16) -> Answer {
        Answer { status, headers: vec![HeaderLine::new("Content-Type", "text/event-stream")], body: bytes::Bytes::new() }
    }

    /// Fields stay in their order; ids, instants and words of the run have names, also within data.
    #[test]
    fn a_stream_is_named_where_it_differs() {
        let mut stream = StreamSoFar::opened(Some(head(200)));
        let first = "retry: 3000\n\n: ping\n\nevent: reset\ndata: {\"oldest\": \"1791\"}\n\nid: 1791\nevent: status\ndata: {\"key\": \"w-3\",\ndata: \"at\": \"2025-10-05T20:05:03.123456Z\", \"n\": 1791}\n\n";
        stream.read(&blocks(first), false, false);
        stream.read(&blocks(": ping\n\n: ping\n\n: ping\n\n"), true, false);
        stream.read(&blocks("id: 1792\ndata: of w-3\ndata:and w-4\n\n"), false, true);
        let text = Normaliser::new("w").stream(&stream);
        let expected = "200\ncontent-type: text/event-stream\n\nretry: 3000\n\nevent: reset\ndata: {\n  \"oldest\": \"<i1>\"\n}\n\n\
            id: <i1>\nevent: status\ndata: {\n  \"key\": \"<k1>\",\n  \"at\": \"<t0>\",\n  \"n\": 1791\n}\n\n: ping\n\n\
            id: <i2>\ndata: of <k1>\ndata: and <k2>\n\n(ended by the receiver)\n";
        assert_eq!(text, expected);
    }

    /// How often a heartbeat came is nobody's promise, and whether one came only where it was waited for.
    #[test]
    fn heartbeats_are_folded() {
        let shown = |stream: &str, waits: bool| {
            let mut so_far = StreamSoFar::opened(Some(head(200)));
            so_far.read(&blocks(stream), waits, false);
            Normaliser::new("w").stream(&so_far)
        };
        assert_eq!(shown(": a\n\n", true), shown(": a\n\n: a\n\n: b\n\n", true));
        assert_eq!(shown("data: 1\n\n", false), shown(": a\n\ndata: 1\n\n: a\n\n", false));
        assert_ne!(shown(": a\n\n", true), shown("", true));
    }

    /// A stream that never ends makes no snapshot that nobody could read; one that was not opened says so.
    #[test]
    fn what_is_shown_is_bounded() {
        let mut stream = StreamSoFar::opened(Some(head(200)));
        let block = blocks(&format!("data: {}\n\n", "x".repeat(1_000)));
        (0..1_000).for_each(|_| stream.read(&block, false, false));
        let text = Normaliser::new("w").stream(&stream);
        assert!(text.len() < MOST_SHOWN + 4_096 && text.ends_with("\n\n…\n"), "{}", text.len());
        assert_eq!(Normaliser::new("w").stream(&StreamSoFar::opened(None)), "no answer\n");
        assert_eq!(Normaliser::new("w").stream(&StreamSoFar::opened(Some(Answer { headers: Vec::new(), ..head(204) }))), "204\n");
    }
}
