//! Reads an answer off a connection, by RFC 9112, to the byte.
//!
//! In: what comes, and an inbox for it that may hold the beginning already.
//! Out: the answer and whether another request may follow, or why there is
//! none. What comes after the answer stays in the inbox.
//!
//! **Invariant:** what the receiver says is bounded (64 KiB of head, 64 MiB of
//! body).

use std::mem::MaybeUninit;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::Notify;

use super::raw::{plain, too_long};
use crate::delivery::{Answer, HeaderLine, NoAnswer};
use crate::transport::MOST_ANSWER_BYTES;

/// The largest head of an answer, or line of its framing.
const MOST_HEAD_BYTES: usize = 64 << 10;
/// More header lines than this are not an answer.
const MOST_HEADER_LINES: usize = 256;
/// Bodies up to this size are copied, so that the room they came in can be used again.
const WORTH_SHARING: usize = 4 << 10;

/// How an answer is read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'k> {
    /// It has a head only, whatever its header lines say.
    pub(super) bodiless: bool,
    /// The names of the only header lines that are kept; none for all.
    pub(super) only: Option<&'k [String]>,
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

/// Reads the next answer; `go` is told when the receiver asks for the body.
pub(super) async fn read_answer(
    from: &mut (impl AsyncRead + Unpin),
    inbox: &mut BytesMut,
    reading: Reading<'_>,
    go: &Notify,
) -> Result<(Answer, bool), NoAnswer> {
    let mut head = loop {
        let head = read_head(from, inbox, reading).await?;
        match head.answer.status {
            101 => return Err(garbled("101 Switching Protocols, which nobody asked for")),
            100 => go.notify_one(),
            102..=199 => {}
            _ => break head,
        }
    };
    let body = match head.follows {
        Follows::Nothing => Bytes::new(),
        Follows::Sized(length) => {
            fill(from, inbox, length).await?;
            if length > WORTH_SHARING {
                inbox.split_to(length).freeze()
            } else {
                let body = Bytes::copy_from_slice(&inbox[..length]);
                inbox.advance(length);
                body
            }
        }
        Follows::Chunks => read_chunks(from, inbox).await?.freeze(),
        Follows::UntilClosed => {
            while more(from, inbox).await? > 0 {
                if inbox.len() > MOST_ANSWER_BYTES {
                    return Err(too_long());
                }
            }
            inbox.split().freeze()
        }
    };
    head.answer.body = body;
    Ok((head.answer, head.keep && inbox.is_empty()))
}

async fn read_head(from: &mut (impl AsyncRead + Unpin), inbox: &mut BytesMut, reading: Reading<'_>) -> Result<Head, NoAnswer> {
    loop {
        if let Some((head, length)) = parse_head(inbox, reading)? {
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
fn parse_head(inbox: &[u8], reading: Reading<'_>) -> Result<Option<(Head, usize)>, NoAnswer> {
    // Not filled beforehand: it is more than most answers.
    let mut lines = [const { MaybeUninit::uninit() }; MOST_HEADER_LINES];
    let mut response = httparse::Response::new(&mut []);
    let length = match httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut response, inbox, &mut lines) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(garbled(&format!("{error}, in {}", beginning(inbox)))),
    };
    let status = response.code.unwrap_or_default();
    let follows = what_follows(status, response.headers, reading.bodiless)?;
    let says = |word: &str| values(response.headers, "Connection").next().is_some_and(|value| lower(value).contains(word));
    let keep = if response.version == Some(1) { !says("close") } else { says("keep-alive") };
    let kept =
        response.headers.iter().filter(|line| reading.only.is_none_or(|only| only.iter().any(|name| line.name.eq_ignore_ascii_case(name))));
    let headers = kept.map(|line| HeaderLine::new(line.name, Bytes::copy_from_slice(line.value))).collect();
    let answer = Answer { status, headers, body: Bytes::new() };
    let keep = keep && !matches!(follows, Follows::UntilClosed);
    Ok(Some((Head { answer, follows, keep }, length)))
}

/// RFC 9112 §6.3.
fn what_follows(status: u16, headers: &[httparse::Header<'_>], bodiless: bool) -> Result<Follows, NoAnswer> {
    if bodiless || matches!(status, 100..=199 | 204 | 304) {
        return Ok(Follows::Nothing);
    }
    if let Some(coding) = values(headers, "Transfer-Encoding").next() {
        let chunked = lower(coding).trim_end().ends_with("chunked");
        return Ok(if chunked { Follows::Chunks } else { Follows::UntilClosed });
    }
    let mut lengths = values(headers, "Content-Length");
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

/// The values of the header lines of this name.
fn values<'h>(headers: &'h [httparse::Header<'_>], name: &str) -> impl Iterator<Item = &'h [u8]> {
    headers.iter().filter(move |line| line.name.eq_ignore_ascii_case(name)).map(|line| line.value.trim_ascii())
}

fn lower(value: &[u8]) -> String {
    String::from_utf8_lossy(value).to_ascii_lowercase()
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
