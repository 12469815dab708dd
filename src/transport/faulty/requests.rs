//! Faults of requests: what leaves late, twice, or not at all.

use std::future::Future as _;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::AsyncWrite as _;
use tokio::sync::oneshot;
use tokio::time::{Sleep, sleep};

use super::Rule;
use crate::transport::stream::Stream;

/// Nothing goes wrong on the way.
#[derive(Debug)]
pub(super) struct Untouched;

impl Rule for Untouched {}

/// The request breaks off, and with it the sending side.
#[derive(Debug)]
pub(super) struct CutRequest {
    left: usize,
    has_ended: bool,
}

impl CutRequest {
    /// Breaks off after so many bytes.
    pub(super) fn after(bytes: usize) -> Self {
        Self { left: bytes, has_ended: false }
    }
}

impl Rule for CutRequest {
    fn poll_write(&mut self, inner: &mut Stream, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.left == 0 {
            return Poll::Ready(Ok(bytes.len()));
        }
        let some = &bytes[..bytes.len().min(self.left)];
        let written = ready!(Pin::new(inner).poll_write(context, some))?;
        self.left -= written;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(&mut self, inner: &mut Stream, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        end_when(self.left == 0, &mut self.has_ended, inner, context)
    }
}

/// The sender closes its side once the request is out.
#[derive(Debug)]
pub(super) struct HalfClosed {
    left: usize,
    has_ended: bool,
}

impl HalfClosed {
    /// Closes after so many bytes, which are the whole request.
    pub(super) fn after(bytes: usize) -> Self {
        Self { left: bytes, has_ended: false }
    }
}

impl Rule for HalfClosed {
    fn poll_write(&mut self, inner: &mut Stream, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(inner).poll_write(context, bytes))?;
        self.left = self.left.saturating_sub(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(&mut self, inner: &mut Stream, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        end_when(self.left == 0, &mut self.has_ended, inner, context)
    }
}

/// Flushes, and ends the sending side once it is time to.
fn end_when(it_is_time: bool, has_ended: &mut bool, inner: &mut Stream, context: &mut Context<'_>) -> Poll<io::Result<()>> {
    ready!(Pin::new(&mut *inner).poll_flush(context))?;
    if it_is_time && !*has_ended {
        ready!(Pin::new(inner).poll_shutdown(context))?;
        *has_ended = true;
    }
    Poll::Ready(Ok(()))
}

/// The request travels twice, in one piece.
#[derive(Debug)]
pub(super) struct Written {
    /// What was written so far; both, once it is whole.
    both: Vec<u8>,
    whole: usize,
    sent: usize,
}

impl Written {
    /// A request of so many bytes.
    pub(super) fn twice(bytes: usize) -> Self {
        Self { both: Vec::with_capacity(bytes.saturating_mul(2)), whole: bytes, sent: 0 }
    }
}

impl Rule for Written {
    fn poll_write(&mut self, _inner: &mut Stream, _context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.both.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(&mut self, inner: &mut Stream, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.both.len() == self.whole {
            self.both.extend_from_within(..);
        }
        if self.both.len() > self.whole {
            while self.sent < self.both.len() {
                self.sent += ready!(Pin::new(&mut *inner).poll_write(context, &self.both[self.sent..]))?;
            }
        }
        Pin::new(inner).poll_flush(context)
    }
}

/// After so many slow bytes a request is under way, and those who deliver beside it may begin.
const WELL_BEGUN: usize = 8;

/// What is done while a request travels slowly: it begins once the request is under way, and when it is over the rest leaves at once.
#[derive(Debug)]
pub struct Meanwhile {
    begun: Option<oneshot::Sender<()>>,
    over: Option<oneshot::Receiver<()>>,
}

impl Meanwhile {
    /// The word for the slow sender; the one that tells when the request is under way, and the one to tell that nothing is done beside it
    /// any more.
    #[must_use]
    pub fn new() -> (Self, oneshot::Receiver<()>, oneshot::Sender<()>) {
        let ((begun, has_begun), (is_over, over)) = (oneshot::channel(), oneshot::channel());
        (Self { begun: Some(begun), over: Some(over) }, has_begun, is_over)
    }

    /// Nothing is done beside it.
    pub(super) fn nothing() -> Self {
        Self { begun: None, over: None }
    }

    fn begin(&mut self) {
        // Where nobody waits any more, nobody is to be told.
        let _ = self.begun.take().map(|begun| begun.send(()));
    }

    /// Whether it is over; never where nothing is done.
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        let is_over = self.over.as_mut().is_some_and(|over| Pin::new(over).poll(context).is_ready());
        if is_over {
            self.over = None;
        }
        is_over
    }
}

/// A part of the request leaves byte by byte, with a pause after each.
#[derive(Debug)]
pub(super) struct Dribbled {
    slow: Range<usize>,
    at: usize,
    pause: Duration,
    pausing: Option<Pin<Box<Sleep>>>,
    meanwhile: Meanwhile,
}

impl Dribbled {
    /// Slow over these bytes of the request, as long as anything is done meanwhile.
    pub(super) fn over(slow: Range<usize>, pause: Duration, meanwhile: Meanwhile) -> Self {
        Self { slow, at: 0, pause, pausing: None, meanwhile }
    }
}

impl Rule for Dribbled {
    fn poll_write(&mut self, inner: &mut Stream, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(pausing) = &mut self.pausing {
            // What was written before is not to wait in here as well.
            ready!(Pin::new(&mut *inner).poll_flush(context))?;
            if self.meanwhile.is_over(context) {
                self.slow.end = self.at;
            } else {
                ready!(pausing.as_mut().poll(context));
            }
            self.pausing = None;
        }
        let is_slow = self.slow.contains(&self.at);
        let most = if is_slow { 1 } else { self.slow.start.checked_sub(self.at).filter(|left| *left > 0).unwrap_or(bytes.len()) };
        let written = ready!(Pin::new(inner).poll_write(context, &bytes[..bytes.len().min(most)]))?;
        self.at += written;
        if is_slow {
            // Counted from when the byte has left, whatever the machine took for it.
            self.pausing = Some(Box::pin(sleep(self.pause)));
            if self.at - self.slow.start >= WELL_BEGUN.min(self.slow.len() / 2) {
                self.meanwhile.begin();
            }
        }
        Poll::Ready(Ok(written))
    }
}
