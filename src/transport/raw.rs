//! The raw driver: one shipment over one socket, to the byte.
//!
//! In: a target and a shipment with any header case, framing or connection
//! use. Out: the answer, also one that comes before the body was fully sent,
//! or why there is none. [`KeptConnection`] is a connection that a scenario
//! keeps between its deliveries.
//!
//! **Invariant:** what the receiver says is read even when writing to it fails.

use std::io;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::clock::span;
use crate::clock::{Clock, Moment, SystemClock};
use crate::delivery::{Answer, Delivery, NoAnswer};
use crate::transport::reading::{Reading, read_answer};
use crate::transport::wire::Parcel;
use crate::transport::{Exchange, Shipment, Target};

/// How long a body waits for `100 Continue` (RFC 9110 §10.1.1 leaves it to the client).
const CONTINUE_WAIT: Duration = Duration::from_secs(1);

/// A connection that is kept between deliveries. Opened when it is first used,
/// and again when the receiver has closed it.
#[derive(Debug, Default)]
pub struct KeptConnection {
    stream: Option<TcpStream>,
    opened: usize,
}

impl KeptConnection {
    /// How often it had to be opened so far.
    #[must_use]
    pub fn opened(&self) -> usize {
        self.opened
    }

    /// The connection as it stands, or a new one; `true` when it has been used before.
    async fn ready(&mut self, base: &Target, limit: Duration) -> Result<(TcpStream, bool), NoAnswer> {
        if let Some(stream) = self.stream.take()
            && is_quiet(&stream)
        {
            return Ok((stream, true));
        }
        let stream = connect(base, limit).await?;
        self.opened += 1;
        Ok((stream, false))
    }
}

/// Open, and nothing has come that nobody asked for.
pub(crate) fn is_quiet(stream: &TcpStream) -> bool {
    matches!(stream.try_read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// Sends over a connection of its own, and says that it will be closed.
pub(super) async fn send_alone(base: &Target, shipment: &Shipment, limit: Duration) -> Exchange {
    let parcel = Parcel::new(base, shipment, true);
    send_over(base, &mut KeptConnection::default(), &parcel, limit).await
}

/// Sends over a kept connection; it stays open when the receiver lets it.
pub(super) async fn send_kept(base: &Target, kept: &mut KeptConnection, shipment: &Shipment, limit: Duration) -> Exchange {
    let parcel = Parcel::new(base, shipment, false);
    send_over(base, kept, &parcel, limit).await
}

async fn send_over(base: &Target, kept: &mut KeptConnection, parcel: &Parcel, limit: Duration) -> Exchange {
    loop {
        let sent_at = SystemClock.now();
        let begun = Moment::now();
        let result = match kept.ready(base, limit).await {
            Ok((mut stream, was_used)) => {
                let mut inbox = BytesMut::new();
                match timeout(limit.saturating_sub(begun.elapsed()), exchange(&mut stream, &mut inbox, parcel)).await {
                    Ok(Ok((answer, reusable))) => {
                        kept.stream = reusable.then_some(stream);
                        Ok(answer)
                    }
                    // The receiver closed it between two answers, as it may: what met that goes over a new one.
                    Ok(Err(NoAnswer::Broken { .. })) if was_used && inbox.is_empty() => continue,
                    Ok(Err(cause)) => Err(cause),
                    Err(_) => Err(NoAnswer::TimedOut { after: limit }),
                }
            }
            Err(cause) => Err(cause),
        };
        return Exchange::ended(sent_at, begun.elapsed(), result);
    }
}

/// Opens a connection: every address that the host has is tried in turn.
pub(super) async fn connect(base: &Target, limit: Duration) -> Result<TcpStream, NoAnswer> {
    let opening = async {
        let addresses = tokio::net::lookup_host((base.host(), base.port())).await.map_err(|_| unknown_host(base.host()))?;
        let mut cause = unknown_host(base.host());
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => return stream.set_nodelay(true).map(|()| stream).map_err(|error| plain(&error)),
                Err(error) => cause = plain(&error),
            }
        }
        Err(cause)
    };
    match timeout(limit, opening).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(cause)) => Err(NoAnswer::Unreachable { cause }),
        Err(_) => Err(not_within(limit)),
    }
}

/// Writes `parcel` and reads its answer at the same time; `true` when another shipment may follow.
///
/// An answer that comes early ends the writing. A failed write is not an error
/// by itself: the receiver may have answered and closed (413), so the answer
/// is still read.
pub(super) async fn exchange(stream: &mut TcpStream, inbox: &mut BytesMut, parcel: &Parcel) -> Result<(Answer, bool), NoAnswer> {
    let (mut from, mut to) = stream.split();
    let go = Notify::new();
    let writing = write_parcel(&mut to, parcel, &go);
    let reading = Reading { bodiless: parcel.bodiless_answer, only: None };
    both(writing, read_answer(&mut from, inbox, reading, &go)).await
}

/// Waits for an answer while what asks for it is written; another may follow when both went well.
async fn both(
    writing: impl Future<Output = io::Result<()>>,
    reading: impl Future<Output = Result<(Answer, bool), NoAnswer>>,
) -> Result<(Answer, bool), NoAnswer> {
    tokio::pin!(writing, reading);
    let mut written = None;
    loop {
        tokio::select! {
            outcome = &mut writing, if written.is_none() => written = Some(outcome.is_ok()),
            answer = &mut reading => {
                return answer.map(|(answer, keep)| (answer, keep && written == Some(true)));
            }
        }
    }
}

/// Writes a whole request and reads its answer, of which only the header lines called `kept` are kept; `true` when
/// another request may follow. For those who send at speed: what is small leaves before anything else is set up.
pub(crate) async fn ask(stream: &mut TcpStream, inbox: &mut BytesMut, request: &[u8], kept: &[String]) -> Result<(Answer, bool), NoAnswer> {
    let quick = Reading { bodiless: false, only: Some(kept) };
    let sent = match stream.try_write(request) {
        Ok(sent) => sent,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
        // The receiver may have answered, and closed.
        Err(_) => return read_answer(stream, inbox, quick, &Notify::new()).await.map(|(answer, _)| (answer, false)),
    };
    let go = Notify::new();
    let rest = &request[sent..];
    if rest.is_empty() {
        return read_answer(stream, inbox, quick, &go).await;
    }
    let (mut from, mut to) = stream.split();
    both(to.write_all(rest), read_answer(&mut from, inbox, quick, &go)).await
}

/// The bytes of a delivery that travels as it is, with what every request needs.
pub(crate) fn write_plain(outbox: &mut Vec<u8>, target: &Target, delivery: Delivery) {
    let parcel = Parcel::new(target, &Shipment::plain(delivery), false);
    outbox.extend_from_slice(&parcel.head);
    parcel.body.iter().for_each(|piece| outbox.extend_from_slice(piece));
}

async fn write_parcel(to: &mut (impl AsyncWrite + Unpin), parcel: &Parcel, go: &Notify) -> io::Result<()> {
    let mut pieces = parcel.body.iter().cloned();
    if parcel.body_waits {
        to.write_all(&parcel.head).await?;
        // Asked for or not, after this time the body goes.
        let _ = timeout(CONTINUE_WAIT, go.notified()).await;
    } else {
        // One vectored write: head and body leave together, and nothing is copied.
        let first = pieces.next().unwrap_or_default();
        to.write_all_buf(&mut parcel.head.clone().chain(first)).await?;
    }
    for mut piece in pieces {
        to.write_all_buf(&mut piece).await?;
    }
    Ok(())
}

pub(super) fn too_long() -> NoAnswer {
    NoAnswer::Broken { cause: "given up, the body of the answer is over 64 MiB".to_owned() }
}

pub(super) fn not_within(limit: Duration) -> NoAnswer {
    NoAnswer::Unreachable { cause: format!("none was made within {}", span::write(limit)) }
}

pub(super) fn unknown_host(host: &str) -> String {
    format!("no address is known for host `{host}`")
}

/// What an operating system's error means, in plain words.
pub(crate) fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
        io::ErrorKind::ConnectionAborted => "connection aborted".to_owned(),
        io::ErrorKind::BrokenPipe => "closed by the receiver while it was being written to".to_owned(),
        io::ErrorKind::UnexpectedEof => "closed too early".to_owned(),
        io::ErrorKind::HostUnreachable => "the host cannot be reached".to_owned(),
        io::ErrorKind::NetworkUnreachable => "the network cannot be reached".to_owned(),
        io::ErrorKind::AddrNotAvailable => "no local address or port is left to connect from".to_owned(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or(&text).to_lowercase()
        }
    }
}
