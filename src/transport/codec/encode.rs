//! Encoder of HTTP/1.1 requests: the bytes of a shipment, to the letter.
//!
//! In: a target and a shipment. Out: the head and the pieces of the body, in
//! the exact case, order and framing that was asked for. [`Template`] writes
//! what a load sends a million times, by the same lines. No sockets in here.

use std::borrow::Cow;
use std::io::Write as _;

use bytes::{BufMut, Bytes, BytesMut};

use crate::delivery::Delivery;
use crate::scenario::deliver::{Framing, HeaderCase};
use crate::transport::url::Target;
use crate::transport::{Shipment, codec::decode};

/// Chunk sizes, taken in turn: tiny beside large, and none the same as its neighbour.
const UNLIKE_CHUNKS: [usize; 7] = [7, 1, 64, 3, 1_000, 11, 16_384];
/// So many bytes travel in chunks of their own before longer chunks follow.
const SINGLE_BYTE_CHUNKS: usize = 512;
/// The chunks after those.
const LONGER_CHUNK: usize = 8_192;
/// Chunks from this size on are not copied.
const WORTH_SHARING: usize = 1_024;
/// Bodies up to this size are copied behind the head, so that both leave in one piece.
const COPIED_BODY_BYTES: usize = 16 << 10;

/// A request as it travels.
#[derive(Clone, Debug)]
pub struct EncodedRequest {
    /// The bytes, piece after piece; the first begins with the head.
    pub pieces: Vec<Bytes>,
    /// How long the request line, the header lines and the blank line are.
    pub head_bytes: usize,
    /// The body, all but the first piece, is held back until the receiver asks for it.
    pub body_waits: bool,
    /// The answer has a head only, whatever its header lines say.
    pub bodiless_answer: bool,
    /// The largest body that is read of its answer.
    pub most_answer_bytes: usize,
}

impl EncodedRequest {
    /// Makes the bytes of `shipment`; `closing` says so to the receiver.
    #[must_use]
    pub fn new(target: &Target, shipment: &Shipment, closing: bool) -> Self {
        let delivery = &shipment.delivery;
        let with_body = has_body(delivery);
        let mut head = Vec::with_capacity(512);
        put_beginning(&mut head, target, delivery, shipment.header_case);
        let mut line = |name: &str, value: &[u8]| put_line(&mut head, &in_case(name, shipment.header_case), value);
        let lacks = |name: &str| delivery.header(name).is_none();
        if lacks("Accept") {
            line("Accept", b"*/*");
        }
        if closing && lacks("Connection") {
            line("Connection", b"close");
        }
        if shipment.framing == Framing::ExpectContinue && with_body && lacks("Expect") {
            line("Expect", b"100-continue");
        }
        match shipment.framing {
            Framing::Chunked | Framing::ChunkedSmall if with_body && lacks("Transfer-Encoding") => line("Transfer-Encoding", b"chunked"),
            Framing::ContentLength | Framing::ExpectContinue if with_body && lacks("Content-Length") => {
                line("Content-Length", delivery.body.len().to_string().as_bytes());
            }
            Framing::ContentLength | Framing::ExpectContinue | Framing::Chunked | Framing::ChunkedSmall => {}
        }
        head.extend_from_slice(b"\r\n");
        let body = match shipment.framing {
            Framing::Chunked | Framing::ChunkedSmall if with_body => chunked(&delivery.body, shipment.framing),
            Framing::ContentLength | Framing::ExpectContinue | Framing::Chunked | Framing::ChunkedSmall => vec![delivery.body.clone()],
        };
        let is_question = matches!(delivery.method.as_str(), "GET" | "HEAD");
        let body_waits = shipment.framing == Framing::ExpectContinue && with_body;
        Self {
            head_bytes: head.len(),
            pieces: joined(head, body, body_waits),
            body_waits,
            bodiless_answer: delivery.method == "HEAD",
            most_answer_bytes: if is_question { decode::MOST_PAGE_BYTES } else { decode::MOST_ANSWER_BYTES },
        }
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }

    /// Whether there is nothing to send, which is never so: every request has a head.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All bytes in one buffer; a body that would wait does not.
    #[must_use]
    pub fn whole(&self) -> Bytes {
        match self.pieces.as_slice() {
            [only] => only.clone(),
            pieces => {
                let mut all = BytesMut::with_capacity(self.len());
                pieces.iter().for_each(|piece| all.put_slice(piece));
                all.freeze()
            }
        }
    }
}

/// What is the same in every request of a load, as it travels, up to the name of one header whose value comes first.
#[derive(Clone, Debug)]
pub struct Template {
    beginning: Vec<u8>,
}

impl Template {
    /// The beginning of requests like `delivery`: its request line, `Host` and its header lines, and at last the name of `header`.
    #[must_use]
    pub fn new(target: &Target, delivery: &Delivery, header: Option<&str>) -> Self {
        let mut beginning = Vec::new();
        put_beginning(&mut beginning, target, delivery, HeaderCase::AsWritten);
        if let Some(header) = header {
            beginning.extend_from_slice(header.as_bytes());
            beginning.extend_from_slice(b": ");
        }
        Self { beginning }
    }

    /// Writes a request behind what `outbox` holds: the value of the header, more lines, and the body.
    pub fn write<'l>(&self, outbox: &mut Vec<u8>, value: &[u8], lines: impl Iterator<Item = (&'l str, &'l [u8])>, body: &[u8]) {
        outbox.extend_from_slice(&self.beginning);
        outbox.extend_from_slice(value);
        outbox.extend_from_slice(b"\r\n");
        lines.for_each(|(name, value)| put_line(outbox, name, value));
        // Writing to memory does not fail.
        drop(write!(outbox, "content-length: {}\r\n\r\n", body.len()));
        outbox.extend_from_slice(body);
    }
}

/// The request line, `Host`, and the delivery's own lines.
fn put_beginning(head: &mut Vec<u8>, target: &Target, delivery: &Delivery, case: HeaderCase) {
    for part in [delivery.method.as_bytes(), b" ", target.path(&delivery.path).as_bytes(), b" HTTP/1.1\r\n"] {
        head.extend_from_slice(part);
    }
    if delivery.header("Host").is_none() {
        put_line(head, &in_case("Host", case), target.authority().as_bytes());
    }
    for own in &delivery.headers {
        put_line(head, &in_case(&own.name, case), &own.value);
    }
}

fn put_line(head: &mut Vec<u8>, name: &str, value: &[u8]) {
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        head.extend_from_slice(part);
    }
}

/// Head and body; what is small leaves in one piece, unless the body waits.
fn joined(mut head: Vec<u8>, body: Vec<Bytes>, body_waits: bool) -> Vec<Bytes> {
    let mut rest = body.into_iter().peekable();
    if let Some(first) = rest.next_if(|first| !body_waits && first.len() <= COPIED_BODY_BYTES) {
        head.extend_from_slice(&first);
    }
    std::iter::once(head.into()).chain(rest.filter(|piece| !piece.is_empty())).collect()
}

/// Whether the length of a body is stated: an empty one counts, unless the method is for asking.
pub(crate) fn has_body(delivery: &Delivery) -> bool {
    !delivery.body.is_empty() || !matches!(delivery.method.as_str(), "GET" | "HEAD" | "DELETE" | "OPTIONS" | "TRACE")
}

fn in_case(name: &str, case: HeaderCase) -> Cow<'_, str> {
    match case {
        HeaderCase::AsWritten => Cow::Borrowed(name),
        HeaderCase::Any | HeaderCase::Lower => Cow::Owned(name.to_ascii_lowercase()),
        HeaderCase::Upper => Cow::Owned(name.to_ascii_uppercase()),
        HeaderCase::Mixed => {
            let turn = |(at, letter): (usize, char)| if at % 2 == 0 { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() };
            Cow::Owned(name.chars().enumerate().map(turn).collect())
        }
    }
}

fn chunked(body: &Bytes, framing: Framing) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    let mut text = BytesMut::new();
    let mut rest = body.clone();
    let mut turn = 0;
    while !rest.is_empty() {
        let wanted = match framing {
            Framing::ChunkedSmall if turn < SINGLE_BYTE_CHUNKS => 1,
            Framing::ChunkedSmall => LONGER_CHUNK,
            Framing::Chunked | Framing::ContentLength | Framing::ExpectContinue => UNLIKE_CHUNKS[turn % UNLIKE_CHUNKS.len()],
        };
        let chunk = rest.split_to(wanted.min(rest.len()));
        text.put_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        if chunk.len() >= WORTH_SHARING {
            pieces.push(text.split().freeze());
            pieces.push(chunk);
        } else {
            text.put_slice(&chunk);
        }
        text.put_slice(b"\r\n");
        turn += 1;
    }
    text.put_slice(b"0\r\n\r\n");
    pieces.push(text.freeze());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path travels behind the target's prefix as it is written, a whole address as it is.
    #[test]
    fn request_lines_are_sent_to_the_letter() {
        let target = Target::parse("http://h:1/base").unwrap();
        for (path, wanted) in [
            ("//a/%42;x", "POST /base//a/%42;x HTTP"),
            ("/./a", "POST /base/./a HTTP"),
            ("http://h:1/a", "POST http://h:1/a HTTP"),
            ("https://h:1/a", "POST https://h:1/a HTTP"),
        ] {
            let delivery = Delivery { method: "POST".to_owned(), path: path.to_owned(), ..Delivery::default() };
            let request = EncodedRequest::new(&target, &Shipment::plain(delivery), true);
            assert!(request.pieces[0].starts_with(wanted.as_bytes()), "{}", String::from_utf8_lossy(&request.pieces[0]));
        }
    }

    /// Every chunk is announced by its own length, and together they are the body.
    #[test]
    fn chunks_add_up_to_the_body() {
        let body = Bytes::from((0..40_000_u32).map(|n| (n % 251) as u8).collect::<Vec<_>>());
        for framing in [Framing::Chunked, Framing::ChunkedSmall] {
            let wire = chunked(&body, framing).concat();
            let (mut at, mut back, mut sizes) = (0, Vec::new(), Vec::new());
            while let Ok(httparse::Status::Complete((skip, size))) = httparse::parse_chunk_size(&wire[at..]) {
                let size = usize::try_from(size).unwrap();
                back.extend_from_slice(&wire[at + skip..at + skip + size]);
                at += skip + size + 2;
                sizes.push(size);
            }
            assert_eq!(Bytes::from(back), body);
            assert_eq!(at, wire.len());
            assert!(sizes.contains(&1) && sizes.iter().any(|size| *size > 1_000), "{sizes:?}");
        }
    }
}
