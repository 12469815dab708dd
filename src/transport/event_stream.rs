//! Event streams over the wire: one that is open, read while it comes.
//!
//! In: a question by GET. Out: the head of its answer, and then what comes of the stream, block by block, each with the moment in which
//! its last byte was read; how it ended, or that nothing came meanwhile. Whoever reads says how long it waits, and after which byte the
//! connection is to be cut. What stands in a block is `event_stream`'s business; nothing here reconnects, and nothing judges.
//!
//! Start at [`Sender::open_stream`].
//!
//! **Invariant:** what a receiver sends costs no more memory than the longest block, however long the stream is.
//! **Invariant:** [`EventStreamConnection::next`] may be given up while it waits: nothing is lost.

use std::collections::VecDeque;
use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt as _;

use super::codec::decode::{Decoder as Framing, Progress, Reading};
use super::codec::encode::EncodedRequest;
use super::codec::gunzip::Gunzip;
use super::connection::Outgoing;
use super::stream::{Stream, Wire as _, plain};
use super::{Sender, Transmission};
use crate::clock::{Clock as _, Moment, SystemClock, UnixMicros};
use crate::delivery::{Answer, Delivery, NoAnswer};
use crate::event_stream::{Block, Decoder};

/// So much is read at once.
const READ_BYTES: usize = 8 << 10;
/// The longest body that is kept of an answer which is no stream.
const MOST_OF_A_PAGE: usize = 64 << 10;

/// A block that has come.
#[derive(Clone, Debug)]
pub struct Came {
    /// The block.
    pub block: Block,
    /// When its end was read.
    pub at: Moment,
}

/// What comes next of a stream.
#[derive(Clone, Debug)]
pub enum Next {
    /// A block.
    Block(Box<Came>),
    /// Nothing within the time that was given.
    Nothing,
    /// Nothing any more.
    Ended(Ended),
}

/// How a stream ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Why.
    pub why: EndedBy,
    /// What was left of a block, which is dropped.
    pub unfinished: Option<Vec<u8>>,
}

/// Why a stream ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// Its body is over, by the rules of HTTP.
    Receiver,
    /// We cut it, after the byte that was asked for.
    Cut,
    /// Its connection broke, or what came over it is no body.
    Broken(String),
}

/// A stream that is open.
#[derive(Debug)]
pub struct EventStreamConnection {
    stream: Stream,
    inbox: BytesMut,
    framing: Framing<'static>,
    gunzip: Option<Gunzip>,
    decoder: Decoder,
    head: Answer,
    sent_at: UnixMicros,
    sent: Moment,
    opened: Moment,
    heard: Moment,
    came: VecDeque<Came>,
    /// How many bytes of the stream were read, and after how many it is cut.
    read: usize,
    cut_after: Option<usize>,
    ended: Option<Ended>,
}

impl Sender {
    /// Asks a question by GET, and reads the head of its answer within the sender's time-out; the body is read while it comes.
    ///
    /// * `last_event_id`: the id that is in force, as the client believes; it is not sent, that is the question's business.
    /// * `cut_after`: so many bytes of the stream are read, and then it is cut: what follows has never come, as far as the client knows.
    ///
    /// # Errors
    /// [`NoAnswer`] when no head came.
    pub async fn open_stream(
        &self,
        question: &Delivery,
        last_event_id: &str,
        cut_after: Option<usize>,
    ) -> Result<EventStreamConnection, NoAnswer> {
        let limit = self.timeout();
        let opening = EventStreamConnection::open(self, question, last_event_id, cut_after);
        tokio::time::timeout(limit, opening).await.unwrap_or(Err(NoAnswer::TimedOut { after: limit }))
    }
}

impl EventStreamConnection {
    async fn open(sender: &Sender, question: &Delivery, last_event_id: &str, cut_after: Option<usize>) -> Result<Self, NoAnswer> {
        let request = EncodedRequest::new(sender.target(), &Transmission::plain(question.clone()), false);
        let mut stream = Stream::open(sender.target(), sender.timeout()).await?;
        let (sent_at, sent) = (SystemClock.now(), Moment::now());
        let mut framing = Framing::new(Reading { most_bytes: usize::MAX, ..Reading::default() });
        let mut inbox = BytesMut::new();
        let mut outgoing = Outgoing::of(&request);
        let whole = poll_fn(|context| {
            loop {
                outgoing.poll_all(&mut stream, context);
                inbox.reserve(READ_BYTES);
                match pin!(stream.read_buf(&mut inbox)).poll(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(0)) => return Poll::Ready(framing.end(&mut inbox).map(Some)),
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(NoAnswer::Broken { cause: plain(&error) })),
                    Poll::Ready(Ok(_)) => stream.hurry(),
                }
                loop {
                    match framing.decode(&mut inbox) {
                        Err(wrong) => return Poll::Ready(Err(wrong)),
                        Ok(Progress::Whole(answered)) => return Poll::Ready(Ok(Some(answered))),
                        Ok(Progress::Continue) => {}
                        Ok(Progress::NeedsMore) if framing.begun().is_some() => return Poll::Ready(Ok(None)),
                        Ok(Progress::NeedsMore) => break,
                    }
                }
            }
        })
        .await?;
        let opened = Moment::now();
        let (head, body) = match whole {
            Some(answered) => (Answer { body: Bytes::new(), ..answered.answer.clone() }, Some(answered.answer.body)),
            None => (framing.begun().cloned().unwrap_or(Answer { status: 0, headers: Vec::new(), body: Bytes::new() }), None),
        };
        let is_gzip = head.header("content-encoding").is_some_and(|coding| coding.trim().eq_ignore_ascii_case("gzip"));
        let mut connection = Self {
            stream,
            inbox,
            framing,
            gunzip: is_gzip.then(Gunzip::default),
            decoder: Decoder::resumed(last_event_id),
            head,
            sent_at,
            sent,
            opened,
            heard: opened,
            came: VecDeque::new(),
            read: 0,
            cut_after,
            ended: None,
        };
        if cut_after == Some(0) {
            connection.end(EndedBy::Cut);
        }
        match body {
            Some(body) => {
                connection.take(&body);
                connection.end(EndedBy::Receiver);
            }
            None => {
                let body = connection.framing.take_body(&mut connection.inbox);
                connection.take(&body);
            }
        }
        Ok(connection)
    }

    /// Status and header lines of its answer.
    #[must_use]
    pub fn head(&self) -> &Answer {
        &self.head
    }

    /// When the question was sent.
    #[must_use]
    pub fn sent_at(&self) -> UnixMicros {
        self.sent_at
    }

    /// The same moment, on a clock that never goes back.
    #[must_use]
    pub fn sent(&self) -> Moment {
        self.sent
    }

    /// When the head of its answer had been read.
    #[must_use]
    pub fn opened(&self) -> Moment {
        self.opened
    }

    /// When anything was read of it last, the head included.
    #[must_use]
    pub fn heard(&self) -> Moment {
        self.heard
    }

    /// The id that is in force.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        self.decoder.last_event_id()
    }

    /// How it ended, when it has, and everything before was read.
    #[must_use]
    pub fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref().filter(|_| self.came.is_empty())
    }

    /// What comes next, within `limit`.
    pub async fn next(&mut self, limit: Duration) -> Next {
        match tokio::time::timeout(limit, self.read_on()).await {
            Ok(next) => next,
            Err(_) => Next::Nothing,
        }
    }

    /// The body of an answer that is no stream, as far as it comes within `limit`.
    pub async fn page(&mut self, limit: Duration) -> Answer {
        let mut body = Vec::new();
        let reading = async {
            loop {
                let next = self.read_on().await;
                let (lines, is_over) = match next {
                    Next::Block(came) => (came.block.bytes, false),
                    Next::Ended(ended) => (ended.unfinished.unwrap_or_default(), true),
                    Next::Nothing => (Vec::new(), true),
                };
                if !body.is_empty() && !lines.is_empty() {
                    body.extend_from_slice(b"\n\n");
                }
                body.extend(lines);
                if is_over || body.len() > MOST_OF_A_PAGE {
                    break;
                }
            }
        };
        // What came in time is told.
        drop(tokio::time::timeout(limit, reading).await);
        body.truncate(MOST_OF_A_PAGE);
        Answer { body: body.into(), ..self.head.clone() }
    }

    async fn read_on(&mut self) -> Next {
        loop {
            if let Some(came) = self.came.pop_front() {
                return Next::Block(Box::new(came));
            }
            if let Some(ended) = &self.ended {
                return Next::Ended(ended.clone());
            }
            self.inbox.reserve(READ_BYTES);
            let read = self.stream.read_buf(&mut self.inbox).await;
            self.heard = Moment::now();
            match read {
                Ok(0) => match self.framing.end(&mut self.inbox) {
                    Ok(answered) => {
                        self.take(&answered.answer.body);
                        self.end(EndedBy::Receiver);
                    }
                    Err(none) => self.end(EndedBy::Broken(none.to_string())),
                },
                Err(error) => self.end(EndedBy::Broken(plain(&error))),
                Ok(_) => {
                    self.stream.hurry();
                    self.decode();
                }
            }
        }
    }

    fn decode(&mut self) {
        loop {
            match self.framing.decode(&mut self.inbox) {
                Ok(Progress::NeedsMore) => {
                    let body = self.framing.take_body(&mut self.inbox);
                    return self.take(&body);
                }
                Ok(Progress::Continue) => {}
                Ok(Progress::Whole(answered)) => {
                    self.take(&answered.answer.body);
                    return self.end(EndedBy::Receiver);
                }
                Err(wrong) => {
                    let body = self.framing.take_body(&mut self.inbox);
                    self.take(&body);
                    return self.end(EndedBy::Broken(wrong.to_string()));
                }
            }
        }
    }

    /// Bytes of the body.
    fn take(&mut self, body: &[u8]) {
        if self.ended.is_some() || body.is_empty() {
            return;
        }
        let made = self.gunzip.as_mut().map(|gunzip| gunzip.push(body));
        let bytes = match &made {
            None => body,
            Some(Ok(plain)) => plain,
            Some(Err(wrong)) => return self.end(EndedBy::Broken(wrong.to_string())),
        };
        let left = self.cut_after.map_or(usize::MAX, |after| after.saturating_sub(self.read));
        let here = &bytes[..bytes.len().min(left)];
        self.read = self.read.saturating_add(here.len());
        let at = Moment::now();
        match self.decoder.push(here) {
            Ok(blocks) => self.came.extend(blocks.into_iter().map(|block| Came { block, at })),
            Err(too_long) => return self.end(EndedBy::Broken(too_long.to_string())),
        }
        if bytes.len() >= left {
            self.end(EndedBy::Cut);
        }
    }

    fn end(&mut self, why: EndedBy) {
        if self.ended.is_none() {
            let unfinished = self.decoder.clone().unfinished();
            self.ended = Some(Ended { why, unfinished });
        }
    }
}

#[cfg(test)]
mod tests;
