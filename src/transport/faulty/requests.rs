//! Faults of requests: what leaves late, twice, or not at all.

use std::future::Future as _;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::AsyncWrite as _;
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

/// A part of the request leaves byte by byte, with a pause after each.
#[derive(Debug)]
pub(super) struct Dribbled {
    slow: Range<usize>,
    at: usize,
    pause: Duration,
    pausing: Option<Pin<Box<Sleep>>>,
}

impl Dribbled {
    /// Slow over these bytes of the request.
    pub(super) fn over(slow: Range<usize>, pause: Duration) -> Self {
        Self { slow, at: 0, pause, pausing: None }
    }
}

impl Rule for Dribbled {
    fn poll_write(&mut self, inner: &mut Stream, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(pausing) = &mut self.pausing {
            // What was written before is not to wait in here as well.
            ready!(Pin::new(&mut *inner).poll_flush(context))?;
            ready!(pausing.as_mut().poll(context));
            self.pausing = None;
        }
        let is_slow = self.slow.contains(&self.at);
        let most = if is_slow { 1 } else { self.slow.start.checked_sub(self.at).filter(|left| *left > 0).unwrap_or(bytes.len()) };
        let written = ready!(Pin::new(inner).poll_write(context, &bytes[..bytes.len().min(most)]))?;
        self.at += written;
        if is_slow {
            // Counted from when the byte has left, whatever the machine took for it.
            self.pausing = Some(Box::pin(sleep(self.pause)));
        }
        Poll::Ready(Ok(written))
    }
}
