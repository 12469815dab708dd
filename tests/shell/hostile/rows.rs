//! Rows: how each hostile receiver behaves, and what a run must make of it.

use super::Wanted;
use super::receiver::Behaviour::{self, Connection as FromTheFirstByte, Delivery, Flaps, GoesOn, Head, NeverAccepts, Says};
use super::receiver::{After, Connection};

/// A receiver, and what a run must make of it.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) scheme: &'static str,
    pub(super) behaviour: Behaviour,
    pub(super) wanted: Wanted,
}

/// A receiver of which nothing can be judged.
const fn unusable(name: &'static str, behaviour: Behaviour, says: &'static str) -> Row {
    Row { name, scheme: "http", behaviour, wanted: Wanted { code: 3, verdict: "incomplete", says } }
}

/// A receiver that lives, and does not conform.
const fn wrong(name: &'static str, behaviour: Behaviour, says: &'static str) -> Row {
    Row { name, scheme: "http", behaviour, wanted: Wanted { code: 1, verdict: "does-not-conform", says } }
}

const fn over_tls(mut row: Row) -> Row {
    row.scheme = "https";
    row
}

const KEEP: After = After::Keep;
const CLOSE: After = After::Close;
const SILENCE: After = After::Silence;

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    unusable("never accepts", NeverAccepts, "does not answer its health check /status: no answer within 2500 ms"),
    unusable("accepts and is silent", FromTheFirstByte(|_| SILENCE), "does not answer its health check /status: no answer within 2500 ms"),
    unusable("closes at once", FromTheFirstByte(|_| CLOSE), "does not answer its health check /status: the connection ended"),
    unusable("resets at once", FromTheFirstByte(Connection::reset), "does not answer its health check /status: the connection ended"),
    unusable("speaks first", FromTheFirstByte(|one| one.says(b"220 mail.example ESMTP\r\n", SILENCE)), "what came is not an HTTP answer"),
    unusable("HTTP/0.9", FromTheFirstByte(|one| one.says(b"<html>welcome</html>\n", CLOSE)), "what came is not an HTTP answer"),
    unusable("HTTP/2", FromTheFirstByte(|one| one.says(b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80\0\x04\0\x01\0\0\0\x05\0\xff\xff\xff", SILENCE)), "it speaks HTTP/2, and hookgate only HTTP/1"),
    unusable("TLS on the plain port", FromTheFirstByte(|one| one.says(b"\x15\x03\x01\0\x02\x02\x46", CLOSE)), "it speaks TLS; give its address"),
    over_tls(unusable("plain where TLS is wanted", FromTheFirstByte(|one| one.says(b"HTTP/1.1 400 Bad Request\r\n\r\n", CLOSE)), "what came is not TLS")),
    over_tls(unusable("a handshake without an end", FromTheFirstByte(|_| SILENCE), "no connection: none was made within")),
    unusable("noise from the first byte on", FromTheFirstByte(|one| one.send_for_ever(b"\x00\xff\x13noise")), "what came is not an HTTP answer"),
    unusable("a health page without an end", FromTheFirstByte(|one| { one.send(b"HTTP/1.1 200 OK\r\n\r\n"); one.send_for_ever(b"x") }), "does not answer its health check /status: the connection ended before the answer was whole: given up"),
    unusable("a health page one byte a second", FromTheFirstByte(|one| one.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n")), "no answer within 2500 ms"),
    wrong("a health page that flaps", Flaps(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"), "500"),
    wrong("silent to deliveries", Delivery(|_| SILENCE), "no answer within 2500 ms"),
    wrong("closes after the head", Head(|_| CLOSE), "the connection ended before the answer was whole"),
    wrong("closes after the body", Delivery(|_| CLOSE), "it was closed without a word"),
    wrong("resets after the head", Head(Connection::reset), "the connection ended before the answer was whole"),
    wrong("resets within the answer's head", Head(|one| { one.send(b"HTTP/1.1 202 Acc"); one.reset() }), "the connection ended before the answer was whole"),
    wrong("resets within the answer's body", Head(|one| { one.send(b"HTTP/1.1 202 Accepted\r\nContent-Length: 900\r\n\r\n{"); one.reset() }), "the connection ended before the answer was whole"),
    wrong("an endless head", GoesOn(b"HTTP/1.1 202 Accepted\r\n", b"X-More: and more\r\n"), "what came is not an HTTP answer: too many headers"),
    wrong("an endless header line", GoesOn(b"HTTP/1.1 202 Accepted\r\nX-More: ", b"y"), "a head of more than 64 KiB"),
    wrong("a head of 10 MB", Delivery(|one| { one.send(b"HTTP/1.1 202 Accepted\r\n"); one.send(&b"X-More: more\r\n".repeat(720_000)); one.says(b"\r\n", CLOSE) }), "what came is not an HTTP answer: too many headers"),
    wrong("an endless body", GoesOn(b"HTTP/1.1 202 Accepted\r\n\r\n", b"{"), "given up, the body of the answer is over 1 MiB"),
    wrong("endless chunks", GoesOn(b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n", b"4\r\nmore\r\n"), ""),
    wrong("endless trailers", GoesOn(b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X-More: x\r\n"), "trailers of more than 64 KiB behind the last chunk"),
    wrong("endless interim answers", GoesOn(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"), "more than 32 interim answers before the answer"),
    wrong("100 Continue and nothing more", Says(b"HTTP/1.1 100 Continue\r\n\r\n", SILENCE), "no answer within 2500 ms"),
    wrong("a length that is too long", Says(b"HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\n{}", SILENCE), "no answer within 2500 ms"),
    wrong("a length that is too short", Says(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}{\"accepted\":true}", KEEP), "HTTP-8"),
    wrong("a length of 10^19", Says(b"HTTP/1.1 202 Accepted\r\nContent-Length: 10000000000000000000\r\n\r\n{}", SILENCE), "given up, the body of the answer is over 1 MiB"),
    wrong("a negative length", Says(b"HTTP/1.1 202 Accepted\r\nContent-Length: -1\r\n\r\n{}", CLOSE), "a Content-Length of `-1`"),
    wrong("two lengths", Says(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ", CLOSE), "two unlike lengths in Content-Length"),
    wrong("a length and chunks", Says(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", CLOSE), ""),
    wrong("a chunk of no size", Says(b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", CLOSE), "a chunk size of `zz"),
    wrong("a chunk of 2^64", Says(b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n{}\r\n0\r\n\r\n", CLOSE), "a chunk size of `10000000000000000"),
    wrong("a chunk longer than it says", Says(b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}{}\r\n0\r\n\r\n", CLOSE), "a chunk that is longer than it says"),
    wrong("NUL in the head", Says(b"HTTP/1.1 202 Accepted\r\nX-\0: a\0b\r\nContent-Length: 2\r\n\r\n{}", CLOSE), "invalid header name"),
    wrong("CR in the head", Says(b"HTTP/1.1 202 Accepted\r\nX-A: a\rb\r\nContent-Length: 2\r\n\r\n{}", CLOSE), "invalid header value"),
    wrong("a line without a colon", Says(b"HTTP/1.1 202 Accepted\r\nnonsense\r\nContent-Length: 2\r\n\r\n{}", CLOSE), "invalid header name"),
    wrong("ten thousand header lines", Delivery(|one| { one.send(b"HTTP/1.1 202 Accepted\r\n"); one.send(&b"X: y\r\n".repeat(10_000)); one.says(b"\r\n", CLOSE) }), "too many headers"),
    wrong("a GB compressed", Delivery(compressed), "bytes that are not UTF-8"),
    wrong("a body nested 100,000 deep", Delivery(|one| { one.send(b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"); one.says(&[b'['; 100_000], KEEP) }), "202 [[[["),
    wrong("a body that is no UTF-8", Says(b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\n\xff\xfe\x00{", KEEP), "4 bytes that are not UTF-8"),
    wrong("an early answer", Head(|one| one.says(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}", CLOSE)), ""),
    wrong("two answers to one request", Says(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\n{}", KEEP), "HTTP-8"),
    wrong("answers off by one", Delivery(|one| if one.number == 0 { KEEP } else { one.says(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}", KEEP) }), ""),
    wrong("keeps and closes", Says(b"HTTP/1.1 202 Accepted\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}", CLOSE), ""),
    wrong("redirects to itself", Says(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /callbacks/terminal\r\nContent-Length: 0\r\n\r\n", KEEP), "/callbacks/terminal"),
    wrong("status 99", Says(b"HTTP/1.1 99 Low\r\nContent-Length: 2\r\n\r\n{}", CLOSE), "invalid response status"),
    wrong("status 1000", Says(b"HTTP/1.1 1000 High\r\nContent-Length: 2\r\n\r\n{}", CLOSE), "invalid response status"),
    wrong("101 Switching Protocols", Says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", SILENCE), "101 Switching Protocols, which nobody asked for"),
    wrong("204 with a body", Says(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", KEEP), "204"),
    wrong("one byte a second", Delivery(|one| one.drip(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}")), "no answer within 2500 ms"),
    wrong("asks to come again in thirty years", Says(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 999999999\r\nContent-Length: 0\r\n\r\n", KEEP), "503"),
];

/// As many zeros as nobody has room for, in 900 kB: members of gzip one behind the other.
fn compressed(one: &mut Connection) -> After {
    let mut member = b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec();
    member.extend(miniz_oxide::deflate::compress_to_vec(&vec![0; 1 << 20], 9));
    // The CRC of a MiB of zeros, and its length.
    member.extend(0xa738_ea1c_u32.to_le_bytes());
    member.extend((1_u32 << 20).to_le_bytes());
    let all = member.repeat((900 << 10) / member.len());
    one.send(format!("HTTP/1.1 202 Accepted\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", all.len()).as_bytes());
    one.says(&all, After::Keep)
}
