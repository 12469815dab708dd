//! A reading: what came of an event stream in one step, live or kept.
//!
//! A source gives it, the judge holds it against what was due, and a history keeps it beside the line of its question: block by block,
//! each with its instant since the stream was asked for. Blocks are kept as their lines, and read again by the decoder that read them.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{AnswerBytes, BodyBytes, Operation, header_lines, lines};
use crate::clock::{UnixMicros, iso};
use crate::delivery::{Answer, Delivery, NoAnswer};
use crate::event_stream::{Block, Decoder};
use crate::outcome::OutcomeSet;

/// Lines of a step's blocks up to this many bytes are kept.
const KEPT_BYTES: usize = 256 << 10;

/// What came of an event stream in one step.
#[derive(Clone, Debug)]
pub struct StreamReading {
    /// The question that opened it.
    pub question: Delivery,
    /// Whether that was in this step.
    pub opened: bool,
    /// When it was asked for, by the receiver's clock.
    pub sent_at: UnixMicros,
    /// Status and header lines; the body is empty, unless it is no stream.
    pub head: Result<Answer, NoAnswer>,
    /// The id in force before this step.
    pub last_event_id: String,
    /// The blocks that came, in order.
    pub blocks: Vec<(u64, Block)>,
    /// How it stood when the step was over.
    pub end: StreamEnd,
    /// What was left of a block when it ended.
    pub unfinished: Option<Vec<u8>>,
    /// Instants, in microseconds since it was asked for.
    pub times: StreamTimes,
}

/// Instants of a reading, in microseconds since the stream was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamTimes {
    /// When its head had come.
    pub opened: u64,
    /// When something had come last, before this step.
    pub heard: u64,
    /// When the step was over.
    pub over: u64,
    /// How much of that was our own lateness.
    #[serde(default, skip_serializing_if = "is_none")]
    pub own_delay: u64,
    /// Whether we were late ourselves for as long as we waited: of what did not come, nothing can be said.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub too_late: bool,
}

fn is_none(micros: &u64) -> bool {
    *micros == 0
}

/// How a stream stands when a step is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StreamEnd {
    /// Open: all that was waited for has come.
    Open,
    /// Open: what was waited for has not come in its time.
    Waited,
    /// Ended by the receiver.
    Receiver,
    /// Cut by us, as the step wants it.
    Cut,
    /// Its connection broke.
    Broken(String),
}

impl StreamReading {
    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        match self.end {
            StreamEnd::Open | StreamEnd::Waited => false,
            StreamEnd::Receiver | StreamEnd::Cut | StreamEnd::Broken(_) => true,
        }
    }

    /// The id in force after this step.
    #[must_use]
    pub fn id_in_force(&self) -> String {
        let mut decoder = Decoder::resumed(&self.last_event_id);
        for (_, block) in &self.blocks {
            drop(decoder.push(&block.bytes));
            drop(decoder.push(b"\n\n"));
        }
        decoder.last_event_id().to_owned()
    }
}

impl Operation {
    /// What a reading of an event stream leaves in the history.
    #[must_use]
    pub fn of_stream(scenario: &str, step: usize, name: Option<&str>, reading: &StreamReading, moved_us: i64) -> Self {
        let over = Duration::from_micros(reading.times.over);
        Self {
            scenario: scenario.to_owned(),
            step,
            name: name.map(str::to_owned),
            key: String::new(),
            identity: None,
            sent_at: iso::write(reading.sent_at),
            answered_at: iso::write(reading.sent_at.plus(over)),
            took_us: reading.times.over,
            own_delay_us: reading.times.own_delay,
            goes_again: false,
            outcome: OutcomeSet::default(),
            refers_to: None,
            moved_us,
            own_ttl: false,
            method: reading.question.method.clone(),
            path: reading.question.path.clone(),
            headers: lines(&reading.question.headers),
            body: BodyBytes::of(&reading.question.body),
            answer: reading.head.as_ref().ok().map(|answer| AnswerBytes {
                status: answer.status,
                headers: lines(&answer.headers),
                body: BodyBytes::of(&answer.body),
            }),
            no_answer: reading.head.as_ref().err().map(ToString::to_string),
            stream: Some(KeptReading::of(reading)),
        }
    }

    /// The reading that left this line; `None` where it cannot be made again.
    #[must_use]
    pub fn reading(&self) -> Option<StreamReading> {
        let head = match &self.answer {
            Some(answer) => Ok(Answer {
                status: answer.status,
                headers: header_lines(&answer.headers),
                body: answer.body.whole().filter(|body| answer.body.is_of(body))?,
            }),
            None => Err(NoAnswer::read(self.no_answer.as_deref().unwrap_or_default())),
        };
        let (method, path) = (self.method.clone(), self.path.clone());
        let question = Delivery { method, path, headers: header_lines(&self.headers), body: Bytes::new() };
        let sent_at = iso::read(&self.sent_at).map_or(UnixMicros(0), |(at, _)| at);
        self.stream.as_ref()?.reading(question, sent_at, head)
    }

    /// Whether it is a delivery, and not the reading of a stream.
    #[must_use]
    pub fn is_delivery(&self) -> bool {
        self.stream.is_none()
    }
}

/// A reading as a history keeps it, beside its question and the head of its answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeptReading {
    /// Whether the step opened it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub opened: bool,
    /// The id in force before it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_event_id: String,
    /// Instants, in microseconds since the stream was asked for.
    pub times: StreamTimes,
    /// The blocks that came, in order.
    pub blocks: Vec<KeptBlock>,
    /// How it stood in the end.
    pub end: StreamEnd,
    /// What was left of a block when it ended, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<String>,
    /// More came than is kept, or something in it is hidden: it cannot be judged again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
}

/// A block as a history keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeptBlock {
    /// When it had come, in microseconds since the stream was asked for.
    pub at_us: u64,
    /// Its lines, joined by LF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The same in base64, where they are no UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
}

impl KeptReading {
    /// What is kept of a reading.
    #[must_use]
    pub fn of(reading: &StreamReading) -> Self {
        let mut room = KEPT_BYTES;
        let mut blocks = Vec::with_capacity(reading.blocks.len());
        for (at_us, block) in &reading.blocks {
            let Some(left) = room.checked_sub(block.bytes.len()) else { break };
            room = left;
            let text = std::str::from_utf8(&block.bytes).ok().map(str::to_owned);
            let base64 = text.is_none().then(|| STANDARD.encode(&block.bytes));
            blocks.push(KeptBlock { at_us: *at_us, text, base64 });
        }
        let unfinished = reading.unfinished.as_ref().filter(|left| left.len() <= room);
        Self {
            opened: reading.opened,
            last_event_id: reading.last_event_id.clone(),
            times: reading.times,
            lost: blocks.len() < reading.blocks.len() || unfinished.is_some() != reading.unfinished.is_some(),
            unfinished: unfinished.map(|left| STANDARD.encode(left)),
            blocks,
            end: reading.end.clone(),
        }
    }

    /// The reading that left this; `None` where something of it is lost.
    #[must_use]
    pub fn reading(&self, question: Delivery, sent_at: UnixMicros, head: Result<Answer, NoAnswer>) -> Option<StreamReading> {
        if self.lost {
            return None;
        }
        let mut decoder = Decoder::resumed(&self.last_event_id);
        // Behind a first line no byte order mark is one.
        decoder.push(b"\n").ok()?;
        let mut blocks = Vec::with_capacity(self.blocks.len());
        for kept in &self.blocks {
            let lines = match (&kept.text, &kept.base64) {
                (Some(text), _) => text.clone().into_bytes(),
                (None, Some(base64)) => STANDARD.decode(base64).ok()?,
                (None, None) => return None,
            };
            let mut read = decoder.push(&lines).ok()?;
            read.extend(decoder.push(b"\n\n").ok()?);
            blocks.extend(read.into_iter().map(|block| (kept.at_us, block)));
        }
        let unfinished = self.unfinished.as_ref().map(|left| STANDARD.decode(left)).transpose().ok()?;
        let (opened, last_event_id, end, times) = (self.opened, self.last_event_id.clone(), self.end.clone(), self.times);
        Some(StreamReading { question, opened, sent_at, head, last_event_id, blocks, end, unfinished, times })
    }
}

#[cfg(test)]
mod tests {
    use super::{KeptReading, StreamEnd, StreamReading, StreamTimes};
    use crate::clock::UnixMicros;
    use crate::delivery::{Answer, Delivery};
    use crate::event_stream::Decoder;

    fn reading(stream: &[u8]) -> StreamReading {
        let blocks = Decoder::resumed("6").push(stream).expect("blocks that end");
        let head = Answer { status: 200, headers: Vec::new(), body: bytes::Bytes::new() };
        StreamReading {
            question: Delivery::default(),
            opened: true,
            sent_at: UnixMicros(1),
            head: Ok(head),
            last_event_id: "6".to_owned(),
            blocks: blocks.into_iter().map(|block| (7, block)).collect(),
            end: StreamEnd::Receiver,
            unfinished: Some(b"data: \xff".to_vec()),
            times: StreamTimes::default(),
        }
    }

    /// What is kept is read again as it was, over JSON, also what is no UTF-8; and what does not fit is told.
    #[test]
    fn readings_are_kept_and_read_again() {
        let seen = reading(b"data: a\n\nid: 7\ndata: \xff\n: x\n\n\xEF\xBB\xBFdata: c\nretry: x\n\n");
        let line = serde_json::to_string(&KeptReading::of(&seen)).expect("JSON");
        let kept: KeptReading = serde_json::from_str(&line).expect("its own JSON");
        let again = kept.reading(Delivery::default(), UnixMicros(1), seen.head.clone()).expect("nothing is lost");
        assert_eq!(again.blocks, seen.blocks);
        assert_eq!((again.unfinished, again.end), (seen.unfinished.clone(), seen.end.clone()));
        assert_eq!(seen.id_in_force(), "7");
        let long = reading(format!("data: {}\n\n", "x".repeat(300 << 10)).as_bytes());
        assert!(KeptReading::of(&long).reading(Delivery::default(), UnixMicros(1), long.head.clone()).is_none());
    }
}
