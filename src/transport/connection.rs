//! Connection: one stream, over which request after request is answered.
//!
//! In: the bytes of a request. Out: the answer, also one that comes before the
//! body was fully sent, or why there is none. Everything that hookgate sends
//! and judges goes through `carry`: ordinary deliveries, bursts, kept
//! connections, faults and loads.
//!
//! **Invariant:** what the receiver says is read even when writing to it fails.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt as _;
use tokio::time::{Sleep, sleep};

use super::codec::decode::{Answered, Decoder, Progress, Reading, Surplus};
use super::codec::encode::EncodedRequest;
use super::stream::{Idle, Stream, Unreachable, Wire, plain};
use super::url::Target;
use crate::delivery::NoAnswer;

/// How long a body waits for `100 Continue` (RFC 9110 §10.1.1 leaves it to the client).
const CONTINUE_WAIT: Duration = Duration::from_secs(1);
/// So much is read at once.
const READ_BYTES: usize = 8 << 10;

/// A request on its way out.
pub(crate) struct Outgoing<'r> {
    pieces: &'r [Bytes],
    /// Or one piece that is borrowed, for those who write into the same room again and again.
    borrowed: &'r [u8],
    /// How much of the piece under way has left.
    left: usize,
    is_sealed: bool,
    /// Until when the body waits to be asked for, once the head has left.
    waits: bool,
    waiting: Option<Pin<Box<Sleep>>>,
    /// How it ended; nothing while it is under way.
    ended: Option<bool>,
}

impl<'r> Outgoing<'r> {
    /// A request.
    pub(crate) fn of(request: &'r EncodedRequest) -> Self {
        Self { waits: request.body_waits, ..Self::pieces(&request.pieces) }
    }

    /// Pieces, one after the other.
    fn pieces(pieces: &'r [Bytes]) -> Self {
        Self { pieces, borrowed: &[], left: 0, is_sealed: false, waits: false, waiting: None, ended: None }
    }

    /// What is left of a request that was sealed.
    pub(crate) fn sealed(rest: &'r [Bytes]) -> Self {
        Self { is_sealed: true, ..Self::pieces(rest) }
    }

    /// Bytes that somebody else keeps.
    pub(crate) fn borrowed(bytes: &'r [u8]) -> Self {
        Self { borrowed: bytes, ..Self::pieces(&[]) }
    }

    /// Whether everything has left.
    pub(crate) fn has_left(&self) -> bool {
        self.ended == Some(true)
    }

    /// The receiver asks for the body.
    fn go(&mut self) {
        (self.waits, self.waiting) = (false, None);
    }

    /// Writes as much as can be written now.
    fn poll(&mut self, wire: &mut impl Wire, context: &mut Context<'_>) {
        while self.ended.is_none() {
            let (piece, is_borrowed): (&[u8], bool) = match self.pieces.first() {
                _ if !self.borrowed.is_empty() => (self.borrowed, true),
                Some(first) => (first, false),
                None => {
                    match Pin::new(&mut *wire).poll_flush(context) {
                        Poll::Ready(flushed) => self.ended = Some(flushed.is_ok()),
                        Poll::Pending => {}
                    }
                    return;
                }
            };
            let bytes = &piece[self.left..];
            let wrote = match self.is_sealed {
                true => Pin::new(&mut *wire).poll_write_sealed(context, bytes),
                false => Pin::new(&mut *wire).poll_write(context, bytes),
            };
            match wrote {
                Poll::Pending => return,
                // The receiver may have answered and closed (413): that is read all the same.
                Poll::Ready(Ok(0) | Err(_)) => self.ended = Some(false),
                Poll::Ready(Ok(wrote)) if wrote < bytes.len() => self.left += wrote,
                Poll::Ready(Ok(_)) => {
                    self.left = 0;
                    if is_borrowed {
                        self.borrowed = &[];
                    } else {
                        self.pieces = &self.pieces[1..];
                    }
                    if self.waits && self.is_held(wire, context) {
                        return;
                    }
                }
            }
        }
    }

    /// Whether the body still waits to be asked for; after a while it goes unasked.
    fn is_held(&mut self, wire: &mut impl Wire, context: &mut Context<'_>) -> bool {
        // What sent the head may have kept some of it.
        drop(Pin::new(&mut *wire).poll_flush(context));
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(CONTINUE_WAIT)));
        if waiting.as_mut().poll(context).is_pending() {
            return true;
        }
        self.go();
        false
    }

    /// Looks whether a body that waits may go now.
    pub(super) fn poll_all(&mut self, wire: &mut impl Wire, context: &mut Context<'_>) {
        if self.waiting.is_none() || !self.is_held(wire, context) {
            self.poll(wire, context);
        }
    }
}

/// Writes a request and reads its answer at the same time.
///
/// An answer that comes early ends the writing. A failed write is not an error
/// by itself: what the receiver says is still read.
pub(crate) async fn carry<W: Wire>(
    wire: &mut W,
    inbox: &mut BytesMut,
    decoder: &mut Decoder<'_>,
    outgoing: &mut Outgoing<'_>,
) -> Result<Answered, NoAnswer> {
    poll_fn(|context| {
        loop {
            outgoing.poll_all(wire, context);
            inbox.reserve(READ_BYTES);
            // Dropped when nothing has come: reading keeps nothing back.
            let read = pin!(wire.read_buf(inbox)).poll(context);
            match read {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(0)) => return Poll::Ready(decoder.end(inbox)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(NoAnswer::Broken { cause: plain(&error) })),
                Poll::Ready(Ok(_)) => match decoder.decode(inbox) {
                    Err(wrong) => return Poll::Ready(Err(wrong)),
                    Ok(Progress::Whole(answered)) => return Poll::Ready(Ok(answered)),
                    Ok(Progress::NeedsMore) => wire.hurry(),
                    Ok(Progress::Continue) => {
                        outgoing.go();
                        // What came with it may be the answer already.
                        match decode_on(decoder, inbox) {
                            Err(wrong) => return Poll::Ready(Err(wrong)),
                            Ok(Some(answered)) => return Poll::Ready(Ok(answered)),
                            Ok(None) => {}
                        }
                    }
                },
            }
        }
    })
    .await
}

/// Reads on in what is here already.
fn decode_on(decoder: &mut Decoder<'_>, inbox: &mut BytesMut) -> Result<Option<Answered>, NoAnswer> {
    loop {
        match decoder.decode(inbox)? {
            Progress::Whole(answered) => return Ok(Some(answered)),
            Progress::NeedsMore => return Ok(None),
            Progress::Continue => {}
        }
    }
}

/// A stream, and what has come over it.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    inbox: BytesMut,
    answers: usize,
}

/// What came of one request over a connection.
#[derive(Debug)]
pub(crate) struct Exchanged {
    /// The answer, or why there is none.
    pub(crate) result: Result<Answered, NoAnswer>,
    /// Whether any byte of an answer had come.
    pub(crate) was_heard: bool,
    /// What came before it, and so after the answer before.
    pub(crate) before: Option<Surplus>,
    /// What came after it, at once.
    pub(crate) after: Option<Surplus>,
}

impl Connection {
    /// Opens a connection within `limit`.
    ///
    /// # Errors
    /// [`Unreachable`].
    pub async fn open(target: &Target, limit: Duration) -> Result<Self, Unreachable> {
        Ok(Self::over(Stream::open(target, limit).await?))
    }

    /// A connection over a stream that stands.
    pub(crate) fn over(stream: Stream) -> Self {
        Self { stream, inbox: BytesMut::new(), answers: 0 }
    }

    /// Its stream.
    pub(crate) fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }

    /// What it has said while nobody asked.
    pub(crate) fn idle(&mut self) -> Idle {
        self.stream.idle()
    }

    /// Sends a request and reads its answer; another may follow where the answer allows it, everything has left, and nothing
    /// more has come.
    pub(crate) async fn ask(&mut self, mut outgoing: Outgoing<'_>, reading: Reading<'_>) -> Exchanged {
        let mut decoder = Decoder::new(Reading { follows_another: self.answers > 0, ..reading });
        let result = carry(&mut self.stream, &mut self.inbox, &mut decoder, &mut outgoing).await;
        self.answers += 1;
        let after = if result.is_ok() { Surplus::of(&self.inbox) } else { None };
        let result = result.map(|answered| Answered { keep: answered.keep && outgoing.has_left() && after.is_none(), ..answered });
        Exchanged { was_heard: decoder.has_begun(&self.inbox) || result.is_ok(), before: decoder.before().cloned(), result, after }
    }
}

/// A wire in memory, for tests of what goes over one.
impl Wire for tokio::io::DuplexStream {}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::time::Instant;

    use super::*;
    use crate::delivery::Delivery;
    use crate::scenario::deliver::Framing;
    use crate::transport::Transmission;

    /// A body that waits for `100 Continue` leaves as soon as that comes, and after a second when it does not.
    #[tokio::test(start_paused = true)]
    async fn bodies_wait_to_be_asked_for_but_not_for_ever() {
        for (asks, waited) in [(true, Duration::ZERO), (false, CONTINUE_WAIT)] {
            let delivery = Delivery { method: "POST".to_owned(), path: "/".to_owned(), body: "the body".into(), ..Delivery::default() };
            let transmission = Transmission { framing: Framing::ExpectContinue, ..Transmission::plain(delivery) };
            let request = EncodedRequest::new(&Target::parse("http://h").unwrap(), &transmission, false);
            let (mut wire, mut peer) = tokio::io::duplex(64 << 10);
            let began = Instant::now();
            let server = tokio::spawn(async move {
                let (mut seen, mut answered) = (BytesMut::new(), !asks);
                while !seen.ends_with(b"the body") {
                    peer.read_buf(&mut seen).await.unwrap();
                    if !answered && seen.ends_with(b"\r\n\r\n") {
                        peer.write_all(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
                        answered = true;
                    }
                }
                peer.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
                began.elapsed()
            });
            let (mut inbox, mut decoder) = (BytesMut::new(), Decoder::new(Reading::default()));
            let answered = carry(&mut wire, &mut inbox, &mut decoder, &mut Outgoing::of(&request)).await;
            assert_eq!(answered.map(|answered| answered.answer.status), Ok(204));
            // By the clock of the test, on which nothing but waiting takes time.
            assert_eq!(server.await.unwrap().as_millis(), waited.as_millis());
        }
    }
}
