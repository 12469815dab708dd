//! The bytes of a shipment, as the raw driver writes them.
//!
//! In: a target and a shipment. Out: the head and the pieces of the body, in
//! the exact case, order and framing that was asked for. No sockets in here.

use std::borrow::Cow;

use bytes::{BufMut, Bytes, BytesMut};

use crate::delivery::Delivery;
use crate::scenario::deliver::{Framing, HeaderCase};
use crate::transport::{Shipment, Target};

/// Chunk sizes, taken in turn: tiny beside large, and none the same as its neighbour.
const UNLIKE_CHUNKS: [usize; 7] = [7, 1, 64, 3, 1_000, 11, 16_384];
/// So many bytes travel in chunks of their own before longer chunks follow.
const SINGLE_BYTE_CHUNKS: usize = 512;
/// The chunks after those.
const LONGER_CHUNK: usize = 8_192;
/// Chunks from this size on are not copied.
const WORTH_SHARING: usize = 1_024;

/// A shipment as it travels.
pub(super) struct Parcel {
    /// The request line, the header lines and the blank line.
    pub(super) head: Bytes,
    /// The framed body; the pieces follow one another.
    pub(super) body: Vec<Bytes>,
    /// The body is held back until the receiver asks for it.
    pub(super) body_waits: bool,
    /// The answer has a head only, whatever its header lines say.
    pub(super) bodiless_answer: bool,
}

impl Parcel {
    /// Makes the bytes of `shipment`; `closing` says so to the receiver.
    pub(super) fn new(target: &Target, shipment: &Shipment, closing: bool) -> Self {
        let delivery = &shipment.delivery;
        let with_body = has_body(delivery);
        let mut head = BytesMut::with_capacity(512);
        for part in [delivery.method.as_bytes(), b" ", target.path(&delivery.path).as_bytes(), b" HTTP/1.1\r\n"] {
            head.put_slice(part);
        }
        let mut line = |name: &str, value: &[u8]| {
            for part in [in_case(name, shipment.header_case).as_bytes(), b": ", value, b"\r\n"] {
                head.put_slice(part);
            }
        };
        let lacks = |name: &str| delivery.header(name).is_none();
        if lacks("Host") {
            line("Host", target.authority().as_bytes());
        }
        for own in &delivery.headers {
            line(&own.name, &own.value);
        }
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
        head.put_slice(b"\r\n");
        let body = match shipment.framing {
            Framing::Chunked | Framing::ChunkedSmall if with_body => chunked(&delivery.body, shipment.framing),
            Framing::ContentLength | Framing::ExpectContinue | Framing::Chunked | Framing::ChunkedSmall => vec![delivery.body.clone()],
        };
        Self {
            head: head.freeze(),
            body,
            body_waits: shipment.framing == Framing::ExpectContinue && with_body,
            bodiless_answer: delivery.method == "HEAD",
        }
    }

    /// All bytes in one buffer; a body that would wait does not.
    pub(super) fn joined(&self) -> Bytes {
        let mut all = BytesMut::with_capacity(self.head.len() + self.body.iter().map(Bytes::len).sum::<usize>());
        all.put_slice(&self.head);
        for piece in &self.body {
            all.put_slice(piece);
        }
        all.freeze()
    }
}

/// Whether the length of a body is stated: an empty one counts, unless the method is for asking.
pub(super) fn has_body(delivery: &Delivery) -> bool {
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
        for (path, wanted) in
            [("//a/%42;x", "POST /base//a/%42;x HTTP"), ("/./a", "POST /base/./a HTTP"), ("http://h:1/a", "POST http://h:1/a HTTP")]
        {
            let delivery = Delivery { method: "POST".to_owned(), path: path.to_owned(), ..Delivery::default() };
            let parcel = Parcel::new(&target, &Shipment::plain(delivery), true);
            assert!(parcel.head.starts_with(wanted.as_bytes()), "{}", String::from_utf8_lossy(&parcel.head));
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
