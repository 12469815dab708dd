//! A message of HTTP/1.1 as the proxy carries it: where its head and its body end.
//!
//! In: what comes on a connection. Out: its bytes, as they came. Requests and
//! answers end where RFC 9112 §6.3 says: with their last chunk and its
//! trailers, after their length, or, where an answer says neither, with the
//! connection. Interim answers (`100 Continue`) belong to the one after them.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Longest head of a request or an answer, and longest line between chunks.
const MOST_HEAD_BYTES: usize = 1 << 20;

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A request.
    Request,
    /// An answer.
    Answer,
    /// An answer to `HEAD`, which has no body whatever it says.
    AnswerToHead,
}

impl Kind {
    /// What answers a request.
    pub(super) fn answering(request: &[u8]) -> Self {
        if request.starts_with(b"HEAD ") { Self::AnswerToHead } else { Self::Answer }
    }
}

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Follows {
    Nothing,
    Another,
    Sized(usize),
    Chunks,
    UntilClosed,
}

/// Reads one message; gives it, and how long its head is. One that breaks off in its body is given as far as it came.
pub(super) async fn read_message(from: &mut (impl AsyncRead + Unpin), kind: Kind) -> io::Result<(Vec<u8>, usize)> {
    let mut bytes = Vec::with_capacity(1 << 10);
    let mut begin = 0;
    loop {
        let head = read_head(from, &mut bytes, begin).await?;
        let end = match what_follows(&bytes[begin..head], kind) {
            Follows::Another => {
                begin = head;
                continue;
            }
            Follows::Nothing => head,
            Follows::Sized(length) => fill(from, &mut bytes, head.saturating_add(length)).await?,
            Follows::Chunks => read_chunks(from, &mut bytes, head).await?,
            Follows::UntilClosed => {
                while from.read_buf(&mut bytes).await? > 0 {}
                bytes.len()
            }
        };
        // A second message may have come along.
        bytes.truncate(end);
        return Ok((bytes, head));
    }
}

/// Where the head ends that begins at `begin`.
async fn read_head(from: &mut (impl AsyncRead + Unpin), bytes: &mut Vec<u8>, begin: usize) -> io::Result<usize> {
    loop {
        if let Some(end) = bytes[begin..].windows(4).position(|window| window == b"\r\n\r\n") {
            return Ok(begin + end + 4);
        }
        if bytes.len() - begin > MOST_HEAD_BYTES || from.read_buf(bytes).await? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "no whole message"));
        }
    }
}

/// Reads until there are `end` bytes, or no more come; how many of them there are.
async fn fill(from: &mut (impl AsyncRead + Unpin), bytes: &mut Vec<u8>, end: usize) -> io::Result<usize> {
    while bytes.len() < end && from.read_buf(bytes).await? > 0 {}
    Ok(end.min(bytes.len()))
}

/// Reads chunks from `at` to the last, and the trailers behind it; where they end.
async fn read_chunks(from: &mut (impl AsyncRead + Unpin), bytes: &mut Vec<u8>, mut at: usize) -> io::Result<usize> {
    loop {
        let Some(after) = line_end(from, bytes, at).await? else { return Ok(bytes.len()) };
        let Some(size) = chunk_size(&bytes[at..after]) else {
            // No chunk at all: whoever reads it will say so.
            while from.read_buf(bytes).await? > 0 {}
            return Ok(bytes.len());
        };
        if size == 0 {
            at = after;
            break;
        }
        let end = after.saturating_add(size).saturating_add(2);
        if fill(from, bytes, end).await? < end {
            return Ok(bytes.len());
        }
        at = end;
    }
    loop {
        let Some(after) = line_end(from, bytes, at).await? else { return Ok(bytes.len()) };
        if bytes[at..after].trim_ascii().is_empty() {
            return Ok(after);
        }
        at = after;
    }
}

/// The place after the line that begins at `at`; `None` when it does not end.
async fn line_end(from: &mut (impl AsyncRead + Unpin), bytes: &mut Vec<u8>, at: usize) -> io::Result<Option<usize>> {
    loop {
        if let Some(end) = bytes[at..].iter().position(|byte| *byte == b'\n') {
            return Ok(Some(at + end + 1));
        }
        if bytes.len() - at > MOST_HEAD_BYTES || from.read_buf(bytes).await? == 0 {
            return Ok(None);
        }
    }
}

/// The size in a chunk's line, whose extensions nobody reads.
fn chunk_size(line: &[u8]) -> Option<usize> {
    let digits = line.split(|byte| *byte == b';').next()?;
    usize::from_str_radix(std::str::from_utf8(digits).ok()?.trim(), 16).ok()
}

fn what_follows(head: &[u8], kind: Kind) -> Follows {
    let is_answer = kind != Kind::Request;
    match status_of(head).filter(|_| is_answer) {
        Some(100..=199) => return Follows::Another,
        Some(204 | 304) => return Follows::Nothing,
        Some(_) | None => {}
    }
    if kind == Kind::AnswerToHead {
        return Follows::Nothing;
    }
    if value_of(head, b"transfer-encoding").is_some_and(|value| value.to_ascii_lowercase().ends_with(b"chunked")) {
        return Follows::Chunks;
    }
    let length = value_of(head, b"content-length").and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
    match length {
        Some(length) => Follows::Sized(length),
        None if is_answer => Follows::UntilClosed,
        None => Follows::Nothing,
    }
}

/// The status of an answer's head.
fn status_of(head: &[u8]) -> Option<u16> {
    let digits = head.strip_prefix(b"HTTP/1.")?.get(2..5)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The value of the first header line of this name, which is given in small letters.
fn value_of<'h>(head: &'h [u8], name: &[u8]) -> Option<&'h [u8]> {
    head.split(|byte| *byte == b'\n').skip(1).find_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        line[..colon].eq_ignore_ascii_case(name).then(|| line[colon + 1..].trim_ascii())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every message ends where it says, and what comes after it is left out.
    #[tokio::test]
    async fn messages_end_where_they_say() {
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-ENCODING: gzip, chunked\r\n\r\n";
        for (kind, head, body, rest) in [
            (Kind::Answer, "HTTP/1.1 200 OK\r\ncontent-LENGTH: 3\r\n\r\n", "abc", "HTTP/1.1"),
            (Kind::Answer, chunked, "3;name=value\r\nabc\r\nA \r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n", "more"),
            (Kind::Answer, chunked, "0\r\n\r\n", "more"),
            (Kind::Answer, "HTTP/1.1 204 No Content\r\n\r\n", "", "more"),
            (Kind::Answer, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "", "more"),
            (Kind::Answer, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 201 C\r\nContent-Length: 1\r\n\r\n", "a", "b"),
            (Kind::AnswerToHead, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "", "more"),
            (Kind::Answer, "HTTP/1.1 200 OK\r\nX-Content-Length: 3\r\n\r\n", "all that comes", ""),
            (Kind::Request, "POST / HTTP/1.1\r\nHost: h\r\n\r\n", "", "more"),
            (Kind::Request, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "2\r\nab\r\n0\r\n\r\n", "more"),
        ] {
            let all = format!("{head}{body}{rest}");
            let (read, at) = read_message(&mut all.as_bytes(), kind).await.expect("a message");
            assert_eq!(String::from_utf8_lossy(&read), format!("{head}{body}"));
            assert_eq!(at, head.len(), "{head}");
        }
    }

    /// One that breaks off in its body is carried as far as it came; without a whole head there is none.
    #[tokio::test]
    async fn broken_bodies_are_carried_and_broken_heads_are_not() {
        for half in [
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno chunk",
        ] {
            let (read, _) = read_message(&mut half.as_bytes(), Kind::Answer).await.expect("a message");
            assert_eq!(String::from_utf8_lossy(&read), half);
        }
        assert!(read_message(&mut "HTTP/1.1 200 OK\r\nContent".as_bytes(), Kind::Answer).await.is_err());
        assert!(read_message(&mut "HTTP/1.1 100 Continue\r\n\r\n".as_bytes(), Kind::Answer).await.is_err());
    }
}
