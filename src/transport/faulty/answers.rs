//! Faults of answers: what the receiver has said, and the sender does not hear.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead as _, ReadBuf};

use super::{Rule, reading_of};
use crate::delivery::Answer;
use crate::transport::codec::decode::{Decoder, Progress};
use crate::transport::codec::encode::EncodedRequest;
use crate::transport::stream::{Stream, Wire as _};

/// So much is read at once.
const READ_BYTES: usize = 8 << 10;

/// How much of an answer is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Nothing,
    Half,
}

/// The answer is read to its end, and then lost, or broken off in the middle.
///
/// Interim answers are heard: a body that waits for one would not leave.
#[derive(Debug)]
pub(super) struct Withheld {
    heard: Heard,
    decoder: Decoder<'static>,
    inbox: BytesMut,
    /// Everything that came.
    raw: Vec<u8>,
    /// So much of it may be heard, and so much was.
    open: usize,
    told: usize,
    has_ended: bool,
    given: Option<Answer>,
}

impl Withheld {
    /// Nothing of the answer is heard.
    pub(super) fn all(request: &EncodedRequest) -> Self {
        Self::new(request, Heard::Nothing)
    }

    /// Its first half is heard.
    pub(super) fn half(request: &EncodedRequest) -> Self {
        Self::new(request, Heard::Half)
    }

    fn new(request: &EncodedRequest, heard: Heard) -> Self {
        let (inbox, raw) = (BytesMut::new(), Vec::new());
        Self { heard, decoder: Decoder::new(reading_of(request)), inbox, raw, open: 0, told: 0, has_ended: false, given: None }
    }

    /// The receiver has answered: what may be heard of it.
    fn answered(&mut self, answer: Answer) {
        let whole = self.raw.len() - self.inbox.len();
        match self.heard {
            Heard::Nothing => {}
            Heard::Half => self.open = self.open.max(whole / 2),
        }
        (self.given, self.has_ended) = (Some(answer), true);
    }

    /// There is no answer that could be lost: what came instead is heard, so that it is told.
    fn failed(&mut self) {
        (self.open, self.has_ended) = (self.raw.len(), true);
    }

    fn take(&mut self, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
        self.inbox.extend_from_slice(bytes);
        loop {
            match self.decoder.decode(&mut self.inbox) {
                Ok(Progress::NeedsMore) => return,
                Ok(Progress::Continue) => self.open = self.raw.len() - self.inbox.len(),
                Ok(Progress::Whole(answered)) => return self.answered(answered.answer),
                Err(_) => return self.failed(),
            }
        }
    }
}

impl Rule for Withheld {
    fn poll_read(&mut self, inner: &mut Stream, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while !self.has_ended && self.open == self.told {
            let mut some = [0; READ_BYTES];
            let mut read = ReadBuf::new(&mut some);
            ready!(Pin::new(&mut *inner).poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                match self.decoder.end(&mut self.inbox) {
                    Ok(answered) => self.answered(answered.answer),
                    Err(_) => self.failed(),
                }
            } else {
                self.take(read.filled());
                inner.hurry();
            }
        }
        let some = &self.raw[self.told..self.open];
        let some = &some[..some.len().min(buffer.remaining())];
        buffer.put_slice(some);
        self.told += some.len();
        // Nothing is the end of the stream.
        Poll::Ready(Ok(()))
    }

    fn given(&self) -> Option<&Answer> {
        self.given.as_ref()
    }
}
