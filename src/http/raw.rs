//! The raw driver: one shipment over one socket, to the byte.
//!
//! In: a target and a shipment with any header case, framing or connection
//! use. Out: the answer, also one that comes before the body was fully sent,
//! or why there is none. [`KeptConnection`] is a connection that a scenario
//! keeps between its deliveries.
//!
//! **Invariant:** what the receiver says is bounded (64 KiB of head, 64 MiB of
//! body), and is read even when writing to it fails.

use std::io;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::clock::span;
use crate::clock::{Clock, Moment, SystemClock};
use crate::delivery::{Answer, HeaderLine, NoAnswer};
use crate::http::wire::Parcel;
use crate::http::{Exchange, MOST_ANSWER_BYTES, Shipment, Target};

/// The largest head of an answer, or line of its framing.
const MOST_HEAD_BYTES: usize = 64 << 10;
/// More header lines than this are not an answer.
const MOST_HEADER_LINES: usize = 256;
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

    /// The connection as it stands, or a new one.
    async fn ready(&mut self, base: &Target, limit: Duration) -> Result<TcpStream, NoAnswer> {
        if let Some(stream) = self.stream.take()
            && is_quiet(&stream)
        {
            return Ok(stream);
        }
        let stream = connect(base, limit).await?;
        self.opened += 1;
        Ok(stream)
    }
}

/// Open, and nothing has come that nobody asked for.
fn is_quiet(stream: &TcpStream) -> bool {
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
    let sent_at = SystemClock.now();
    let begun = Moment::now();
    let result = match kept.ready(base, limit).await {
        Ok(mut stream) => {
            let mut inbox = BytesMut::new();
            match timeout(limit.saturating_sub(begun.elapsed()), exchange(&mut stream, &mut inbox, parcel)).await {
                Ok(Ok((answer, reusable))) => {
                    kept.stream = reusable.then_some(stream);
                    Ok(answer)
                }
                Ok(Err(cause)) => Err(cause),
                Err(_) => Err(NoAnswer::TimedOut { after: limit }),
            }
        }
        Err(cause) => Err(cause),
    };
    Exchange::ended(sent_at, begun.elapsed(), result)
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
    let reading = read_answer(&mut from, inbox, parcel.bodiless_answer, &go);
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

/// What follows the head of an answer.
enum Follows {
    Nothing,
    Sized(usize),
    Chunks,
    UntilClosed,
}

struct Head {
    answer: Answer,
    follows: Follows,
    keep: bool,
}

async fn read_answer(
    from: &mut (impl AsyncRead + Unpin),
    inbox: &mut BytesMut,
    bodiless: bool,
    go: &Notify,
) -> Result<(Answer, bool), NoAnswer> {
    let mut head = loop {
        let head = read_head(from, inbox, bodiless).await?;
        match head.answer.status {
            101 => return Err(garbled("101 Switching Protocols, which nobody asked for")),
            100 => go.notify_one(),
            102..=199 => {}
            _ => break head,
        }
    };
    let body = match head.follows {
        Follows::Nothing => BytesMut::new(),
        Follows::Sized(length) => {
            fill(from, inbox, length).await?;
            inbox.split_to(length)
        }
        Follows::Chunks => read_chunks(from, inbox).await?,
        Follows::UntilClosed => {
            while more(from, inbox).await? > 0 {
                if inbox.len() > MOST_ANSWER_BYTES {
                    return Err(too_long());
                }
            }
            inbox.split()
        }
    };
    head.answer.body = body.freeze();
    Ok((head.answer, head.keep && inbox.is_empty()))
}

async fn read_head(from: &mut (impl AsyncRead + Unpin), inbox: &mut BytesMut, bodiless: bool) -> Result<Head, NoAnswer> {
    loop {
        if let Some((head, length)) = parse_head(inbox, bodiless)? {
            inbox.advance(length);
            return Ok(head);
        }
        if inbox.len() > MOST_HEAD_BYTES {
            return Err(garbled("a head of more than 64 KiB"));
        }
        if more(from, inbox).await? == 0 {
            let cause = if inbox.is_empty() { "it was closed without a word" } else { "it was closed within the head of the answer" };
            return Err(broken(cause));
        }
    }
}

/// The head at the beginning of `inbox` and its length, when it is whole.
fn parse_head(inbox: &[u8], bodiless: bool) -> Result<Option<(Head, usize)>, NoAnswer> {
    let mut lines = [httparse::EMPTY_HEADER; MOST_HEADER_LINES];
    let mut response = httparse::Response::new(&mut lines);
    let length = match response.parse(inbox) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(garbled(&format!("{error}, in {}", beginning(inbox)))),
    };
    let status = response.code.unwrap_or_default();
    let headers: Vec<HeaderLine> =
        response.headers.iter().map(|line| HeaderLine::new(line.name, Bytes::copy_from_slice(line.value))).collect();
    let modern = response.version == Some(1);
    let answer = Answer { status, headers, body: Bytes::new() };
    let follows = what_follows(&answer, bodiless)?;
    let connection = answer.header("Connection").unwrap_or_default().to_ascii_lowercase();
    let keep = if modern { !connection.contains("close") } else { connection.contains("keep-alive") };
    let keep = keep && !matches!(follows, Follows::UntilClosed);
    Ok(Some((Head { answer, follows, keep }, length)))
}

/// RFC 9112 §6.3.
fn what_follows(answer: &Answer, bodiless: bool) -> Result<Follows, NoAnswer> {
    if bodiless || matches!(answer.status, 100..=199 | 204 | 304) {
        return Ok(Follows::Nothing);
    }
    if let Some(coding) = answer.header("Transfer-Encoding") {
        let chunked = coding.to_ascii_lowercase().trim_end().ends_with("chunked");
        return Ok(if chunked { Follows::Chunks } else { Follows::UntilClosed });
    }
    let mut lengths =
        answer.headers.iter().filter(|line| line.name.eq_ignore_ascii_case("Content-Length")).map(|line| line.value.trim_ascii());
    let Some(first) = lengths.next() else { return Ok(Follows::UntilClosed) };
    let text = String::from_utf8_lossy(first).into_owned();
    if lengths.any(|other| other != first) {
        return Err(garbled("two unlike lines of Content-Length"));
    }
    match text.parse::<usize>() {
        Ok(length) if length <= MOST_ANSWER_BYTES => Ok(Follows::Sized(length)),
        Ok(_) => Err(too_long()),
        Err(_) => Err(garbled(&format!("a Content-Length of `{text}`"))),
    }
}

async fn read_chunks(from: &mut (impl AsyncRead + Unpin), inbox: &mut BytesMut) -> Result<BytesMut, NoAnswer> {
    let mut body = BytesMut::new();
    loop {
        let line = read_line(from, inbox).await?;
        let size = match httparse::parse_chunk_size(&line) {
            Ok(httparse::Status::Complete((_, size))) => usize::try_from(size).unwrap_or(usize::MAX),
            Ok(httparse::Status::Partial) | Err(_) => return Err(garbled(&format!("a chunk size of {}", beginning(&line)))),
        };
        if size == 0 {
            break;
        }
        if size > MOST_ANSWER_BYTES - body.len() {
            return Err(too_long());
        }
        fill(from, inbox, size).await?;
        body.unsplit(inbox.split_to(size));
        if read_line(from, inbox).await?.as_ref() != b"\r\n" {
            return Err(garbled("a chunk that is longer than it says"));
        }
    }
    // Trailer lines, which nobody reads, up to the blank one.
    while read_line(from, inbox).await?.as_ref() != b"\r\n" {}
    Ok(body)
}

/// The next line with its end.
async fn read_line(from: &mut (impl AsyncRead + Unpin), inbox: &mut BytesMut) -> Result<BytesMut, NoAnswer> {
    let mut seen = 0;
    loop {
        if let Some(at) = inbox[seen..].iter().position(|byte| *byte == b'\n') {
            return Ok(inbox.split_to(seen + at + 1));
        }
        seen = inbox.len();
        if seen > MOST_HEAD_BYTES {
            return Err(garbled("a line of more than 64 KiB between chunks"));
        }
        if more(from, inbox).await? == 0 {
            return Err(broken("it was closed between chunks of the body"));
        }
    }
}

async fn fill(from: &mut (impl AsyncRead + Unpin), inbox: &mut BytesMut, length: usize) -> Result<(), NoAnswer> {
    while inbox.len() < length {
        if more(from, inbox).await? == 0 {
            return Err(broken(&format!("it was closed after {} of {length} bytes of the body", inbox.len())));
        }
    }
    Ok(())
}

/// Reads what has come, at least one byte; 0 when the receiver has closed.
async fn more(from: &mut (impl AsyncRead + Unpin), inbox: &mut BytesMut) -> Result<usize, NoAnswer> {
    inbox.reserve(8 << 10);
    from.read_buf(inbox).await.map_err(|error| NoAnswer::Broken { cause: plain(&error) })
}

fn broken(cause: &str) -> NoAnswer {
    NoAnswer::Broken { cause: cause.to_owned() }
}

fn garbled(cause: &str) -> NoAnswer {
    NoAnswer::Garbled { cause: cause.to_owned() }
}

/// The first bytes of something odd, fit for a message.
fn beginning(bytes: &[u8]) -> String {
    let first: String = bytes.iter().take(24).flat_map(|byte| byte.escape_ascii()).map(char::from).collect();
    if bytes.len() > 24 { format!("`{first}…`") } else { format!("`{first}`") }
}

pub(super) fn too_long() -> NoAnswer {
    broken("given up, the body of the answer is over 64 MiB")
}

pub(super) fn not_within(limit: Duration) -> NoAnswer {
    NoAnswer::Unreachable { cause: format!("none was made within {}", span::write(limit)) }
}

pub(super) fn unknown_host(host: &str) -> String {
    format!("no address is known for host `{host}`")
}

/// What an operating system's error means, in plain words.
pub(super) fn plain(error: &io::Error) -> String {
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
