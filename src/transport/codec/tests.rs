//! The decoder, by tables and at random: framings, limits, and answers that come in pieces.

use bytes::BytesMut;
use proptest::prelude::*;

use super::decode::*;
use crate::delivery::NoAnswer;

/// An answer: what comes, whether the connection then ends, and what is read: status, body, whether another request may follow,
/// and what is left.
type Row = (&'static str, bool, (u16, &'static str, bool, &'static str));

const ANSWERS: [Row; 18] = [
    ("HTTP/1.1 202 Accepted\r\nContent-Length: 5\r\n\r\nhello", false, (202, "hello", true, "")),
    ("HTTP/1.1 202 Accepted\r\ncontent-length:  5 \r\nConnection: Close\r\n\r\nhello", false, (202, "hello", false, "")),
    ("HTTP/1.1 202 \r\nContent-Length: 5\r\nContent-Length: 5\r\nConnection: x, close\r\n\r\nhello", false, (202, "hello", false, "")),
    ("HTTP/1.1 202 Accepted\r\nContent-Length: 5, 5\r\n\r\nhelloHTTP/1.1 2", false, (202, "hello", true, "HTTP/1.1 2")),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;e=\"1\"\r\nhe\r\n3\r\nllo\r\n0\r\nX-Sum: 1\r\n\r\nX",
        false,
        (200, "hello", true, "X"),
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: Chunked\r\nContent-Length: 9\r\n\r\n05\r\nhello\r\n000\r\n\r\n",
        false,
        (200, "hello", true, ""),
    ),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello", true, (200, "hello", false, "")),
    ("HTTP/1.1 200 OK\r\n\r\nhello", true, (200, "hello", false, "")),
    ("HTTP/1.0 200 OK\r\n\r\nhello", true, (200, "hello", false, "")),
    ("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, (200, "hello", false, "")),
    ("HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello", false, (200, "hello", true, "")),
    (
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        false,
        (200, "hello", false, ""),
    ),
    (
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 202 A\r\nContent-Length: 2\r\n\r\nok",
        false,
        (202, "ok", true, ""),
    ),
    ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", false, (204, "", true, "")),
    ("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", false, (304, "", true, "")),
    ("HTTP/1.1 200 OK\nContent-Length: 2\n\nok", false, (200, "ok", true, "")),
    ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, (200, "", true, "")),
    ("HTTP/1.1 200 OK\r\n\r\n", true, (200, "", false, "")),
];

/// Reads `bytes` in pieces; the answer, what is left of the inbox, and how many bytes were held at the most.
fn read(pieces: &[&[u8]], ends: bool, reading: Reading<'_>) -> (Result<Answered, NoAnswer>, Vec<u8>) {
    let (mut decoder, mut inbox) = (Decoder::new(reading), BytesMut::new());
    let mut found = None;
    for piece in pieces {
        inbox.extend_from_slice(piece);
        while found.is_none() {
            match decoder.decode(&mut inbox) {
                Ok(Progress::NeedsMore) => break,
                Ok(Progress::Continue) => {}
                Ok(Progress::Whole(answered)) => found = Some(Ok(answered)),
                Err(wrong) => found = Some(Err(wrong)),
            }
        }
    }
    let found = found.unwrap_or_else(|| {
        assert!(ends, "an answer that does not end");
        decoder.end(&mut inbox)
    });
    (found, inbox.to_vec())
}

#[test]
fn answers_end_where_they_say() {
    for (text, ends, wanted) in ANSWERS {
        let (answered, left) = read(&[text.as_bytes()], ends, Reading::default());
        let Answered { answer, keep } = answered.unwrap_or_else(|wrong| panic!("{text}: {wrong}"));
        let (body, left) = (String::from_utf8_lossy(&answer.body), String::from_utf8_lossy(&left));
        assert_eq!((answer.status, &*body, keep, &*left), wanted, "{text}");
    }
}

/// HEAD is answered by a head alone, whatever its lines announce.
#[test]
fn heads_alone_end_with_the_head() {
    let text = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n";
    let (answered, left) = read(&[text], false, Reading { bodiless: true, ..Reading::default() });
    assert!(answered.is_ok_and(|answered| answered.keep && answered.answer.body.is_empty()) && left.is_empty());
}

/// However an answer is cut into pieces, it is the same one: at every byte, and at all of them.
#[test]
fn cut_at_every_byte_it_reads_the_same() {
    for (text, ends, _) in ANSWERS {
        let bytes = text.as_bytes();
        let whole = read(&[bytes], ends, Reading::default());
        for at in 0..=bytes.len() {
            let (first, second) = bytes.split_at(at);
            let cut = read(&[first, second], ends, Reading::default());
            assert_eq!(cut, whole, "{text:?} at {at}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(&single, ends, Reading::default()), whole, "{text:?} byte by byte");
    }
}

/// All header lines are kept in the order and the case in which they came, or only those that are asked for.
#[test]
fn header_lines_are_kept_in_order() {
    let text = b"HTTP/1.1 200 OK\r\nX-B: 1\r\nx-a:\t2 \r\nX-b: \xff\r\nContent-Length: 0\r\n\r\n";
    let lines = |only: Option<&[String]>| {
        let (answered, _) = read(&[text], false, Reading { only, ..Reading::default() });
        let lines = answered.unwrap().answer.headers;
        lines.iter().map(|line| format!("{}={}", line.name, line.value.escape_ascii())).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(lines(None), "X-B=1 x-a=2 X-b=\\xff Content-Length=0");
    assert_eq!(lines(Some(&["X-A".to_owned()])), "x-a=2");
}

/// What is no answer, or breaks off, is told by what it is.
#[test]
fn what_is_no_answer_is_told() {
    for (bytes, told) in [
        (&b"SSH-2.0-OpenSSH_9.2\r\n"[..], "not an HTTP answer: invalid HTTP version, in `SSH-2.0-OpenSSH_9.2\\r\\n`"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "it speaks TLS; give its address as https://"),
        (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", "it speaks HTTP/2"),
        (b"HTTP/2 200\r\n\r\n", "it speaks HTTP/2"),
        (b"HTTP/1.1 101 Switching\r\n\r\n", "101 Switching Protocols, which nobody asked for"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello", "a Content-Length of `+5`"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n", "a Content-Length of ``"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "two unlike lengths"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "a chunk size of `zz\\r\\n`"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxyz", "a chunk that is longer than it says"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "closed after 4 of 10 bytes"),
        (b"HTTP/1.1 200 OK\r\nConte", "closed within the head"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "closed after an interim answer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", "closed between chunks"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n", "closed within the trailers"),
        (b"", "closed without a word"),
    ] {
        let wrong = read(&[bytes], true, Reading::default()).0.unwrap_err().to_string();
        assert!(wrong.contains(told), "{}: {wrong}", bytes.escape_ascii());
    }
}

/// Whatever comes without end is given up at its limit, and what was held of it until then is bounded.
#[test]
fn nothing_that_comes_without_end_costs_memory() {
    const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let slack = 16 << 10;
    for (begin, again, most, told) in [
        ("HTTP/1.1 200 OK\r\n\r\n", "endless ", MOST_ANSWER_BYTES, "over 1 MiB"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n", "x", 0, "over 1 MiB"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n", "x", 0, "over 1 MiB"),
        (CHUNKED, "40000000\r\n", 0, "over 1 MiB"),
        (CHUNKED, "4\r\nmore\r\n", MOST_ANSWER_BYTES / 4 * 9, "over 1 MiB"),
        (CHUNKED, "1;", MOST_CHUNK_LINE_BYTES, "a line of more than 8 KiB"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            "X-Trailer: x\r\n",
            MOST_TRAILER_BYTES,
            "trailers of more than 64 KiB",
        ),
        ("HTTP/1.1 200 OK\r\nX: ", "x", MOST_HEAD_BYTES * 2, "a head of more than 64 KiB"),
        ("HTTP/1.1 200 OK\r\n", "X: x\r\n", MOST_HEADER_LINES * 6 * 2, "too many headers"),
        ("", "HTTP/1.1 100 Continue\r\n\r\n", MOST_INTERIM_ANSWERS * 25, "more than 32 interim answers"),
        ("", "HTTP/1.1 102 Processing\r\n\r\n", MOST_INTERIM_ANSWERS * 27, "more than 32 interim answers"),
    ] {
        let (mut decoder, mut inbox) = (Decoder::new(Reading::default()), BytesMut::from(begin));
        let piece = again.repeat(1_000 / again.len() + 1);
        let mut fed = 0;
        let wrong = 'given_up: loop {
            loop {
                match decoder.decode(&mut inbox) {
                    Ok(Progress::NeedsMore) => break,
                    Ok(Progress::Continue) => {}
                    Ok(Progress::Whole(answered)) => panic!("{begin}{again}: {answered:?}"),
                    Err(wrong) => break 'given_up wrong.to_string(),
                }
            }
            assert!(fed <= most + slack, "{begin}{again}: {fed} bytes");
            inbox.extend_from_slice(piece.as_bytes());
            fed += piece.len();
        };
        assert!(wrong.contains(told), "{begin}{again}: {wrong}");
    }
}

/// What comes before an answer on a connection that was answered over belongs to the answer before; on a new one it is none.
#[test]
fn bytes_before_an_answer_belong_to_the_one_before() {
    let text = b"XHTTP/1.1 202 A\r\nContent-Length: 2\r\n\r\nok";
    for at in 0..text.len() {
        let (mut decoder, mut inbox) = (Decoder::new(Reading { follows_another: true, ..Reading::default() }), BytesMut::new());
        let mut answered = None;
        for piece in [&text[..at], &text[at..]] {
            inbox.extend_from_slice(piece);
            if let Progress::Whole(whole) = decoder.decode(&mut inbox).unwrap() {
                answered = Some(whole);
            }
        }
        assert_eq!(answered.map(|answered| answered.answer.status), Some(202), "cut at {at}");
        assert_eq!(decoder.before().map(ToString::to_string).as_deref(), Some("1 byte after the answer, `X`"));
    }
    assert!(read(&[text], true, Reading::default()).0.is_err());
}

fn arbitrary_answer() -> impl Strategy<Value = (u16, Vec<(String, String)>, Vec<u8>, u8)> {
    let header = ("[A-Za-z][A-Za-z0-9-]{0,12}", "[!-~]([ -~]{0,20}[!-~])?").prop_map(|(name, value)| (format!("X-{name}"), value));
    let status = prop_oneof![Just(200_u16), Just(202), Just(208), Just(400), Just(503)];
    (status, prop::collection::vec(header, 0..8), prop::collection::vec(any::<u8>(), 0..300), 0..3_u8)
}

/// An answer as a server might write it: by its length, in chunks, or until the connection ends.
fn written(status: u16, headers: &[(String, String)], body: &[u8], framing: u8) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} Word\r\n").into_bytes();
    for (name, value) in headers {
        text.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    match framing {
        0 => text.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes()),
        1 => text.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n"),
        _ => text.extend_from_slice(b"\r\n"),
    }
    if framing == 1 {
        for chunk in body.chunks(37) {
            text.extend_from_slice(format!("{:X};a=b\r\n", chunk.len()).as_bytes());
            text.extend_from_slice(chunk);
            text.extend_from_slice(b"\r\n");
        }
        text.extend_from_slice(b"0\r\n\r\n");
    } else {
        text.extend_from_slice(body);
    }
    text
}

proptest! {
    /// What any server writes is read back, in pieces of any size, and its head as `httparse` reads it.
    #[test]
    fn what_is_written_is_read_back((status, headers, body, framing) in arbitrary_answer(), sizes in prop::collection::vec(1..64_usize, 1..20)) {
        let text = written(status, &headers, &body, framing);
        let mut pieces = Vec::new();
        let (mut rest, mut turn) = (text.as_slice(), 0);
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(sizes[turn % sizes.len()].min(rest.len()));
            pieces.push(piece);
            (rest, turn) = (behind, turn + 1);
        }
        let (answered, left) = read(&pieces, true, Reading::default());
        let answer = answered.unwrap().answer;
        prop_assert!(left.is_empty());
        prop_assert_eq!((answer.status, &answer.body[..]), (status, &body[..]));
        let mut lines = [httparse::EMPTY_HEADER; 16];
        let mut parsed = httparse::Response::new(&mut lines);
        prop_assert!(parsed.parse(&text).unwrap().is_complete());
        let theirs: Vec<_> = parsed.headers.iter().map(|line| (line.name.to_owned(), line.value.to_vec())).collect();
        let ours: Vec<_> = answer.headers.iter().map(|line| (line.name.clone(), line.value.to_vec())).collect();
        prop_assert_eq!(ours, theirs);
    }

    /// No bytes whatever make the decoder panic, hold much, or say otherwise when they come one by one.
    #[test]
    fn any_bytes_are_read_alike_in_any_pieces(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = [&b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"[..], &bytes].concat();
        let whole = read(&[&text], true, Reading::default()).0;
        let single: Vec<&[u8]> = text.chunks(1).collect();
        let one_by_one = read(&single, true, Reading::default()).0;
        prop_assert_eq!(whole.is_ok(), one_by_one.is_ok());
    }
}
