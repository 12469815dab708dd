//! Encoder of HTTP/1.1 requests: the bytes of a transmission, to the letter.
//!
//! In: a target and a transmission. Out: the head and the pieces of the body, in
//! the exact case, order and framing that was asked for. [`Template`] writes
//! what a load sends a million times, by the same lines. No sockets in here.

use std::io::Write as _;

use bytes::{BufMut, Bytes, BytesMut};

use crate::delivery::Delivery;
use crate::scenario::deliver::{Framing, HeaderCase};
use crate::transport::url::Target;
use crate::transport::{Transmission, codec::decode};

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
    /// Makes the bytes of `transmission`; `closing` says so to the receiver.
    #[must_use]
    pub fn new(target: &Target, transmission: &Transmission, closing: bool) -> Self {
        let delivery = &transmission.delivery;
        let with_body = has_body(delivery);
        let mut head = Vec::with_capacity(512);
        put_beginning(&mut head, target, delivery, transmission.header_case);
        if put_added(&mut head, transmission, closing) {
            // Writing to memory does not fail.
            drop(write!(head, "{}\r\n", delivery.body.len()));
        }
        head.extend_from_slice(b"\r\n");
        let body = match transmission.framing {
            Framing::Chunked | Framing::ChunkedSmall if with_body => chunked(&delivery.body, transmission.framing),
            Framing::ContentLength | Framing::ExpectContinue | Framing::Chunked | Framing::ChunkedSmall => vec![delivery.body.clone()],
        };
        let is_question = matches!(delivery.method.as_str(), "GET" | "HEAD");
        let body_waits = transmission.framing == Framing::ExpectContinue && with_body;
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

/// What is the same in every request of a series, as it travels: all but the value of one header line, the lines that are added behind
/// all others, and a body of a stated length.
#[derive(Clone, Debug)]
pub struct Template {
    /// The request line, `Host`, and the header lines up to the name of that one.
    beginning: Vec<u8>,
    /// The header lines behind it.
    middle: Vec<u8>,
    /// What the encoder adds, up to the length.
    ending: Vec<u8>,
    case: HeaderCase,
}

impl Template {
    /// Requests like `transmission`; none where it has no line of the name `varying`, or says its body's length in no line that is added.
    #[must_use]
    pub fn new(target: &Target, transmission: &Transmission, varying: &str) -> Option<Self> {
        let (delivery, case) = (&transmission.delivery, transmission.header_case);
        let at = delivery.headers.iter().position(|line| line.name.eq_ignore_ascii_case(varying))?;
        let (mut beginning, mut middle, mut ending) = (Vec::new(), Vec::new(), Vec::new());
        put_request_line(&mut beginning, target, delivery, case);
        delivery.headers[..at].iter().for_each(|line| put_line(&mut beginning, &line.name, &line.value, case));
        put_name(&mut beginning, &delivery.headers[at].name, case);
        delivery.headers[at + 1..].iter().for_each(|line| put_line(&mut middle, &line.name, &line.value, case));
        let has_length = put_added(&mut ending, transmission, false) && transmission.framing == Framing::ContentLength;
        has_length.then_some(Self { beginning, middle, ending, case })
    }

    /// Writes a request behind what `outbox` holds: the value of the header line, the lines behind all others, and the body.
    pub fn write<'l>(&self, outbox: &mut Vec<u8>, value: &[u8], lines: impl Iterator<Item = (&'l str, &'l [u8])>, body: &[u8]) {
        outbox.extend_from_slice(&self.beginning);
        outbox.extend_from_slice(value);
        outbox.extend_from_slice(b"\r\n");
        outbox.extend_from_slice(&self.middle);
        lines.for_each(|(name, value)| put_line(outbox, name, value, self.case));
        outbox.extend_from_slice(&self.ending);
        // Writing to memory does not fail.
        drop(write!(outbox, "{}\r\n\r\n", body.len()));
        outbox.extend_from_slice(body);
    }
}

/// The request line, `Host`, and the delivery's own lines.
fn put_beginning(head: &mut Vec<u8>, target: &Target, delivery: &Delivery, case: HeaderCase) {
    put_request_line(head, target, delivery, case);
    delivery.headers.iter().for_each(|own| put_line(head, &own.name, &own.value, case));
}

/// The request line and `Host`.
fn put_request_line(head: &mut Vec<u8>, target: &Target, delivery: &Delivery, case: HeaderCase) {
    for part in [delivery.method.as_bytes(), b" ", target.path(&delivery.path).as_bytes(), b" HTTP/1.1\r\n"] {
        head.extend_from_slice(part);
    }
    if delivery.header("Host").is_none() {
        put_line(head, "Host", target.authority().as_bytes(), case);
    }
}

/// The lines that are added behind the delivery's own; true when its body's length is to follow, whose name is the last.
fn put_added(head: &mut Vec<u8>, transmission: &Transmission, closing: bool) -> bool {
    let (delivery, case) = (&transmission.delivery, transmission.header_case);
    let with_body = has_body(delivery);
    let lacks = |name: &str| delivery.header(name).is_none();
    if lacks("Accept") {
        put_line(head, "Accept", b"*/*", case);
    }
    if closing && lacks("Connection") {
        put_line(head, "Connection", b"close", case);
    }
    if transmission.framing == Framing::ExpectContinue && with_body && lacks("Expect") {
        put_line(head, "Expect", b"100-continue", case);
    }
    match transmission.framing {
        Framing::Chunked | Framing::ChunkedSmall => {
            if with_body && lacks("Transfer-Encoding") {
                put_line(head, "Transfer-Encoding", b"chunked", case);
            }
            false
        }
        Framing::ContentLength | Framing::ExpectContinue => {
            let is_stated = with_body && lacks("Content-Length");
            if is_stated {
                put_name(head, "Content-Length", case);
            }
            is_stated
        }
    }
}

fn put_line(head: &mut Vec<u8>, name: &str, value: &[u8], case: HeaderCase) {
    put_name(head, name, case);
    head.extend_from_slice(value);
    head.extend_from_slice(b"\r\n");
}

/// A name in its case, and the colon behind it.
fn put_name(head: &mut Vec<u8>, name: &str, case: HeaderCase) {
    match case {
        HeaderCase::AsWritten => head.extend_from_slice(name.as_bytes()),
        HeaderCase::Any | HeaderCase::Lower => head.extend(name.bytes().map(|letter| letter.to_ascii_lowercase())),
        HeaderCase::Upper => head.extend(name.bytes().map(|letter| letter.to_ascii_uppercase())),
        HeaderCase::Mixed => {
            let turn = |(at, letter): (usize, u8)| if at % 2 == 0 { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() };
            head.extend(name.bytes().enumerate().map(turn));
        }
    }
    head.extend_from_slice(b": ");
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
            let request = EncodedRequest::new(&target, &Transmission::plain(delivery), true);
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
