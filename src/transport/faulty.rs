//! Faults: a network between hookgate and the receiver that goes wrong, as a wrapper of the stream.
//!
//! In: a stream, and what is to go wrong with one request and its answer. Out:
//! the same stream, which loses, cuts, delays and doubles what it carries. It
//! lies above TLS, and nobody else knows of it: the codec writes and reads as
//! always, `Host` and signed addresses stay what they are.
//!
//! Start at [`Sender::send_faulty`]. A rule is a struct with its [`Rule`].
//!
//! **Invariant:** bytes are cut, held back or sent twice; none is changed.

mod answers;
mod requests;

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use self::answers::Withheld;
pub use self::requests::Meanwhile;
use self::requests::{CutRequest, Dribbled, HalfClosed, Untouched, Written};
use super::codec::decode::{Decoder, Reading, Surplus};
use super::codec::encode::EncodedRequest;
use super::connection::{Outgoing, carry};
use super::exchange::Stopwatch;
use super::stream::{Stream, Wire};
use super::{Exchange, Sender, Transmission};
use crate::clock::{Clock as _, SystemClock};
use crate::delivery::{Answer, NoAnswer};
use crate::scenario::fault::{CutAt, Fault, Part};

/// How long a second answer is waited for.
const SECOND_ANSWER: Duration = Duration::from_millis(500);
/// What goes wrong with a request and its answer. What a rule does not say, goes right.
pub trait Rule: fmt::Debug + Send {
    /// Takes bytes of the request.
    fn poll_write(&mut self, inner: &mut Stream, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(inner).poll_write(context, bytes)
    }

    /// Everything that was written leaves.
    fn poll_flush(&mut self, inner: &mut Stream, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(inner).poll_flush(context)
    }

    /// Gives bytes of the answer.
    fn poll_read(&mut self, inner: &mut Stream, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(inner).poll_read(context, buffer)
    }

    /// The receiver's answer, when the rule has seen it and nobody else may.
    fn given(&self) -> Option<&Answer> {
        None
    }
}

/// A stream with something wrong.
#[derive(Debug)]
pub struct FaultyStream {
    inner: Stream,
    rule: Box<dyn Rule>,
}

impl FaultyStream {
    /// `inner`, with what `fault` does to `request`.
    #[must_use]
    pub fn new(inner: Stream, fault: &Fault, request: &EncodedRequest, meanwhile: Meanwhile) -> Self {
        let (head, whole) = (request.head_bytes, request.len());
        let rule: Box<dyn Rule> = match fault {
            Fault::LoseAnswer => Box::new(Withheld::all(request)),
            Fault::CutAnswer => Box::new(Withheld::half(request)),
            Fault::HalfClose => Box::new(HalfClosed::after(whole)),
            Fault::Twice => Box::new(Written::twice(whole)),
            Fault::CutRequest(at) => Box::new(CutRequest::after(match at {
                CutAt::Headers => head / 2,
                CutAt::Body => head + (whole - head) / 2,
                CutAt::Bytes(bytes) => (*bytes).min(whole.saturating_sub(1)),
            })),
            Fault::Dribble(dribble) => {
                let slow = match dribble.part {
                    None => 0..whole,
                    Some(Part::Headers) => 0..head,
                    Some(Part::Body) => head..whole,
                };
                Box::new(Dribbled::over(slow, dribble.pause.0, meanwhile))
            }
            Fault::Delay(_) => Box::new(Untouched),
        };
        Self { inner, rule }
    }
}

impl AsyncWrite for FaultyStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Self { inner, rule } = self.get_mut();
        rule.poll_write(inner, context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { inner, rule } = self.get_mut();
        rule.poll_flush(inner, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(context)
    }
}

impl AsyncRead for FaultyStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { inner, rule } = self.get_mut();
        rule.poll_read(inner, context, buffer)
    }
}

impl Wire for FaultyStream {
    fn hurry(&self) {
        self.inner.hurry();
    }
}

/// What came of a delivery through a faulty network.
#[derive(Debug)]
pub struct Faulted {
    /// What the sender saw.
    pub exchange: Exchange,
    /// The receiver's answer, also one that the network has kept.
    pub given: Option<Answer>,
}

impl Sender {
    /// Sends `transmission` over a connection of its own, through a network with `fault` in it.
    ///
    /// The time-out is longer by what the fault itself holds back.
    pub async fn send_faulty(&self, transmission: &Transmission, fault: &Fault) -> Faulted {
        self.send_faulty_while(transmission, fault, Meanwhile::nothing()).await
    }

    /// The same, as slowly as the fault says for as long as something is done beside it.
    pub async fn send_faulty_while(&self, transmission: &Transmission, fault: &Fault, meanwhile: Meanwhile) -> Faulted {
        let request = EncodedRequest::new(self.target(), transmission, false);
        if let Fault::Delay(span) = fault {
            // Before a connection is made: many receivers give up one that stays silent.
            tokio::time::sleep(span.0).await;
        }
        let mut watch = Stopwatch::start();
        let stream = match Stream::open(self.target(), self.timeout()).await {
            Ok(stream) => stream,
            Err(none) => return Faulted { exchange: Exchange::unreached(watch, none.into()), given: None },
        };
        let mut wire = FaultyStream::new(stream, fault, &request, meanwhile);
        let mut inbox = BytesMut::new();
        let reading = reading_of(&request);
        let mut decoder = Decoder::new(reading);
        let mut outgoing = Outgoing::of(&request);
        let sent_at = SystemClock.now();
        watch.sends();
        // What the network takes for itself is not the receiver's to answer in; a delay is over by now.
        let held_back = match fault {
            Fault::Delay(_) => Duration::ZERO,
            other => other.holds_back(request.head_bytes, request.len() - request.head_bytes),
        };
        let limit = self.timeout().saturating_sub(watch.elapsed()).saturating_add(held_back);
        let carried = tokio::time::timeout(limit, carry(&mut wire, &mut inbox, &mut decoder, &mut outgoing)).await;
        let took = watch.took();
        let result = carried.unwrap_or(Err(NoAnswer::TimedOut { after: self.timeout() })).map(|answered| answered.answer);
        if *fault == Fault::Twice && result.is_ok() {
            let mut again = Decoder::new(reading);
            // What it has in store is looked at first; a receiver may also close after the first.
            let second = async {
                if !matches!(again.decode(&mut inbox), Ok(super::codec::decode::Progress::Whole(_))) {
                    drop(carry(&mut wire, &mut inbox, &mut again, &mut Outgoing::borrowed(&[])).await);
                }
            };
            drop(tokio::time::timeout(SECOND_ANSWER, second).await);
        } else if let (Ok(_), Some(surplus)) = (&result, Surplus::of(&inbox)) {
            self.manners().remark(&transmission.delivery, surplus);
        }
        let given = wire.rule.given().or(result.as_ref().ok()).cloned();
        // An answer that ends with its connection seems whole wherever it is cut.
        let is_cut = matches!(fault, Fault::LoseAnswer | Fault::CutAnswer) && wire.rule.given().is_some();
        let cut = || NoAnswer::Broken { cause: "the connection was closed in the middle of the answer".to_owned() };
        let result = if is_cut && result.is_ok() { Err(cut()) } else { result };
        Faulted { exchange: Exchange::ended(sent_at, took, result), given }
    }
}

/// How the answer to a request is read.
pub(super) fn reading_of(request: &EncodedRequest) -> Reading<'static> {
    Reading { bodiless: request.bodiless_answer, most_bytes: request.most_answer_bytes, ..Reading::default() }
}
