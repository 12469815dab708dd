//! The HTTP drivers against a listener that records every byte and answers what it is told.

#![expect(clippy::unwrap_used, reason = "a listener that cannot work fails the test")]

mod bursts;
mod listener;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use hookgate::delivery::{HeaderLine, NoAnswer};
use hookgate::scenario::deliver::{ConnectionUse, Framing, HeaderCase};
use hookgate::transport::{KeptConnection, Sender, Target, Transmission};

use listener::{
    OK, PLENTY, SHORT, both_drivers, head_end, is_whole, listen, read_one, record, send, send_within, status, transmission, wait_on,
};

/// Every case travels exactly so, with both lines of a repeated header, in order.
#[test]
fn header_names_travel_in_the_case_that_is_asked_for() {
    let cases = [
        (HeaderCase::AsWritten, ["Host: ", "Content-Type: ", "X-Signature: one\r\nX-Signature: two\r\n", "Content-Length: 2\r\n"]),
        (HeaderCase::Lower, ["host: ", "content-type: ", "x-signature: one\r\nx-signature: two\r\n", "content-length: 2\r\n"]),
        (HeaderCase::Upper, ["HOST: ", "CONTENT-TYPE: ", "X-SIGNATURE: one\r\nX-SIGNATURE: two\r\n", "CONTENT-LENGTH: 2\r\n"]),
        (HeaderCase::Mixed, ["HoSt: ", "CoNtEnT-TyPe: ", "X-SiGnAtUrE: one\r\nX-SiGnAtUrE: two\r\n", "CoNtEnT-LeNgTh: 2\r\n"]),
    ];
    for (header_case, expected) in cases {
        let (target, told) = record(OK);
        let exchange = send(&target, Transmission { header_case, connection: ConnectionUse::New, ..transmission("{}") });
        assert_eq!(status(&exchange), Ok(202));
        let seen = String::from_utf8(told.recv().unwrap()).unwrap();
        assert!(seen.starts_with("POST /base/hooks?x=1 HTTP/1.1\r\n"), "{seen}");
        for line in expected {
            assert!(seen.contains(&format!("\r\n{line}")), "{header_case:?} lacks {line:?} in {seen}");
        }
    }
}

/// The pool and the raw driver send the same lines, and read the same answer.
#[test]
fn both_drivers_send_and_read_the_same() {
    let sent = both_drivers().map(|transmission| {
        let (target, told) = record(OK);
        let exchange = send(&target, transmission);
        let answer = exchange.result.unwrap();
        let two: Vec<_> =
            answer.headers.iter().filter(|line| line.name.eq_ignore_ascii_case("x-two")).map(|line| line.value.clone()).collect();
        assert_eq!((answer.status, &answer.body[..], two), (202, &b"ok"[..], vec!["a".into(), "b".into()]));
        assert!(exchange.answered_at >= exchange.sent_at && exchange.answered_at.since(exchange.sent_at).abs_diff(exchange.took) < SHORT);
        let text = String::from_utf8(told.recv().unwrap()).unwrap().replace(&target.authority(), "HOST");
        let mut lines: Vec<_> = text.lines().map(str::to_owned).filter(|line| line != "connection: close").collect();
        lines.sort();
        lines
    });
    assert_eq!(sent[0], sent[1]);
}

/// Blank values, bytes outside ASCII and paths that a URL library would rewrite travel as they are.
#[test]
fn odd_lines_and_paths_travel_as_they_are() {
    let (target, told) = record(OK);
    let mut odd = transmission("x");
    odd.delivery.headers = vec![HeaderLine::new("X-Blank", "   "), HeaderLine::new("X-Odd", &b"\xff\x01\xc3"[..])];
    odd.delivery.path = "/a/../b?q='{}|".to_owned();
    assert_eq!(status(&send(&target, odd)), Ok(202));
    let seen = told.recv().unwrap();
    for expected in [&b"POST /base/a/../b?q='{}| HTTP/1.1\r\n"[..], b"\r\nx-blank:    \r\n", b"\r\nx-odd: \xff\x01\xc3\r\n"] {
        assert!(seen.windows(expected.len()).any(|part| part == expected), "{}", seen.escape_ascii());
    }
}

/// An empty POST says that it is empty; a GET has no body to speak of.
#[test]
fn empty_body_is_announced_where_a_body_is_expected() {
    for (method, announced) in [("POST", true), ("PUT", true), ("GET", false), ("HEAD", false)] {
        for connection in [ConnectionUse::Any, ConnectionUse::New] {
            let (target, told) = record(OK);
            let mut empty = Transmission { connection, ..transmission("") };
            empty.delivery.method = method.to_owned();
            assert_eq!(status(&send(&target, empty)), Ok(202), "{method}");
            let seen = String::from_utf8(told.recv().unwrap()).unwrap();
            assert_eq!(seen.contains("content-length: 0\r\n"), announced, "{seen}");
            assert_eq!(seen.to_lowercase().contains("content-length"), announced, "{seen}");
        }
    }
}

/// Chunked bodies arrive whole, in chunks of unlike sizes or of one byte each.
#[test]
fn chunks_arrive_whole() {
    let body: Vec<u8> = (0..50_000_u32).map(|n| (n % 253) as u8).collect();
    for (framing, first) in
        [(Framing::Chunked, &b"7\r\n\x00\x01\x02\x03\x04\x05\x06\r\n1\r\n"[..]), (Framing::ChunkedSmall, b"1\r\n\x00\r\n1\r\n\x01\r\n")]
    {
        let (target, told) = record(OK);
        assert_eq!(status(&send(&target, Transmission { framing, ..transmission(body.clone()) })), Ok(202));
        let seen = told.recv().unwrap();
        let (head, framed) = seen.split_at(head_end(&seen).unwrap());
        assert!(!String::from_utf8_lossy(head).contains("content-length"));
        assert!(framed.starts_with(first));
        let mut back = Vec::new();
        let mut rest = framed;
        loop {
            let line = rest.windows(2).position(|two| two == b"\r\n").unwrap();
            let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
            if size == 0 {
                break;
            }
            back.extend_from_slice(&rest[line + 2..line + 2 + size]);
            rest = &rest[line + 4 + size..];
        }
        assert_eq!(back, body);
    }
}

/// Reads a head, says `word`, and only then may the body come.
fn asks_for_the_body(word: &'static [u8], tell: mpsc::Sender<(bool, Vec<u8>)>) -> Target {
    let tell = std::sync::Mutex::new(tell);
    listen(move |mut stream| {
        let mut seen = Vec::new();
        while head_end(&seen).is_none() {
            let mut some = [0; 4096];
            let count = stream.read(&mut some).unwrap();
            seen.extend_from_slice(&some[..count]);
        }
        let held_back = seen.ends_with(b"\r\n\r\n");
        stream.write_all(word).unwrap();
        while !is_whole(&seen) {
            let mut some = [0; 4096];
            let Some(count) = stream.read(&mut some).ok().filter(|count| *count > 0) else { break };
            seen.extend_from_slice(&some[..count]);
        }
        tell.lock().unwrap().send((held_back, seen)).unwrap();
        let _ = stream.write_all(OK);
    })
}

/// `Expect: 100-continue`: the body is held back, and follows when it is asked
/// for, or after a second when nobody asks. 103 and the like are passed over.
#[test]
fn body_waits_for_continue_but_not_for_ever() {
    for word in [&b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"[..], b""] {
        let (tell, told) = mpsc::channel();
        let target = asks_for_the_body(word, tell);
        let exchange = send(&target, Transmission { framing: Framing::ExpectContinue, ..transmission("{\"a\":1}") });
        assert_eq!(status(&exchange), Ok(202));
        let (held_back, seen) = told.recv().unwrap();
        assert!(held_back && seen.ends_with(b"\r\n\r\n{\"a\":1}"));
        assert!(String::from_utf8_lossy(&seen).contains("\r\nexpect: 100-continue\r\n"));
    }
}

/// A refusal instead of `100 Continue` is the answer, and the body is never sent.
#[test]
fn refusal_instead_of_continue_is_the_answer() {
    let (tell, told) = mpsc::channel();
    let target = asks_for_the_body(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n", tell);
    assert_eq!(status(&send(&target, Transmission { framing: Framing::ExpectContinue, ..transmission("body") })), Ok(417));
    assert!(told.recv().unwrap().1.ends_with(b"\r\n\r\n"));
}

/// A kept connection carries delivery after delivery, and is opened again when the receiver has closed it.
#[test]
fn kept_connection_is_used_again() {
    let opened = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&opened);
    let target = listen(move |mut stream| {
        counter.fetch_add(1, Ordering::SeqCst);
        for turn in 1..=5 {
            let Some(_) = read_one(&mut stream) else { return };
            let answer: &[u8] = if turn == 5 { b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" } else { OK };
            stream.write_all(answer).unwrap();
        }
    });
    wait_on(async {
        let sender = Sender::new(target, PLENTY);
        let mut kept = KeptConnection::default();
        for framing in [Framing::ContentLength, Framing::Chunked].repeat(6) {
            let exchange = sender.send_kept(&mut kept, Transmission { framing, ..transmission("{}") }).await;
            assert!(exchange.result.is_ok(), "{exchange:?}");
        }
        assert_eq!(kept.opened(), 3);
    });
    assert_eq!(opened.load(Ordering::SeqCst), 3);
}

/// 413 before the body is fully sent is the answer, also when the receiver then closes on unread bytes.
#[test]
fn early_refusal_is_heard_while_the_body_is_written() {
    for framing in [Framing::ContentLength, Framing::Chunked] {
        let target = listen(|mut stream| {
            let mut some = [0; 1024];
            let _ = stream.read(&mut some).unwrap();
            stream.write_all(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge").unwrap();
        });
        let exchange = send(&target, Transmission { framing, ..transmission(vec![b'x'; 24 << 20]) });
        let answer = exchange.result.unwrap();
        assert_eq!((answer.status, &answer.body[..]), (413, &b"large"[..]));
    }
}

/// Answers in every framing are read whole, also byte by byte.
#[test]
fn answers_are_read_whole_however_they_come() {
    let answers: [&[u8]; 5] = [
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n2;ext=1\r\nhe\r\n3\r\nllo\r\n0\r\nTrailer: x\r\n\r\n",
        b"HTTP/1.0 202 Accepted\r\n\r\nhello",
        b"HTTP/1.1 202 Accepted\r\nConnection: close\r\n\r\nhello",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 \r\ncontent-length:5\r\n\r\nhello",
    ];
    for answer in answers {
        for at_once in [usize::MAX, 1] {
            for transmission in both_drivers() {
                let target = listen(move |mut stream| {
                    read_one(&mut stream).unwrap();
                    stream.set_nodelay(true).unwrap();
                    for piece in answer.chunks(at_once.min(answer.len())) {
                        stream.write_all(piece).unwrap();
                    }
                });
                let got = send(&target, transmission).result.unwrap();
                assert_eq!((got.status, &got.body[..]), (202, &b"hello"[..]), "{}", answer.escape_ascii());
            }
        }
    }
}

/// HEAD, 204 and 304 end with the head, whatever length it names.
#[test]
fn answers_without_a_body_end_with_the_head() {
    for (method, answer, expected) in [
        ("HEAD", &b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"[..], 200),
        ("POST", b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        ("POST", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", 304),
    ] {
        for mut transmission in both_drivers() {
            let (target, _told) = record(answer);
            transmission.delivery.method = method.to_owned();
            assert_eq!(status(&send(&target, transmission)), Ok(expected));
        }
    }
}

/// What comes back that is no answer is told apart: garbage, half an answer, nothing.
#[test]
fn no_answer_says_what_was_seen() {
    let seen: [(&[u8], &str); 7] = [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "what came is not an HTTP answer"),
        (b"HTTP/1.1 abc OK\r\n\r\n", "what came is not an HTTP answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "what came is not an HTTP answer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "what came is not an HTTP answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "the connection ended before the answer was whole"),
        (b"HTTP/1.1 200 OK\r\nConte", "the connection ended before the answer was whole"),
        (b"", "the connection ended before the answer was whole"),
    ];
    for (answer, sentence) in seen {
        for transmission in both_drivers() {
            let raw = transmission.connection;
            let target = listen(move |mut stream| {
                read_one(&mut stream).unwrap();
                stream.write_all(answer).unwrap();
            });
            let error = send(&target, transmission).result.unwrap_err();

            assert!(error.to_string().starts_with(sentence), "{raw:?} {:?}: {error}", String::from_utf8_lossy(answer));
        }
    }
}

/// A receiver that never answers costs the time-out and no more.
#[test]
fn silence_is_a_time_out() {
    for transmission in both_drivers() {
        let target = listen(|mut stream| while read_one(&mut stream).is_some() {});
        let exchange = send_within(SHORT, &target, transmission);
        assert_eq!(exchange.result, Err(NoAnswer::TimedOut { after: SHORT }));
    }
}

/// Nobody listens, or nobody is called so: both drivers say it in the same plain words.
#[test]
fn unreachable_receiver_is_named_plainly() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for (url, sentence) in [
        (format!("http://127.0.0.1:{port}"), "no connection: connection refused"),
        ("http://no-such-host.invalid".to_owned(), "no connection: no address is known for host `no-such-host.invalid`"),
    ] {
        for transmission in both_drivers() {
            let error = send(&Target::parse(&url).unwrap(), transmission).result.unwrap_err();
            assert_eq!(error.to_string(), sentence);
        }
    }
}

/// A redirect is an answer; nobody follows it.
#[test]
fn redirect_is_not_followed() {
    for transmission in both_drivers() {
        let (target, told) = record(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(status(&send(&target, transmission)), Ok(307));
        assert_eq!(told.try_iter().count(), 1);
    }
}

/// Addresses are read, or refused with what is wrong and the way out.
#[test]
fn addresses_are_read_or_refused_with_the_way_out() {
    let read = |text: &str| Target::parse(text).map(|target| target.to_string()).map_err(|error| error.to_string());
    for (text, expected) in [
        ("http://127.0.0.1:5001", "http://127.0.0.1:5001"),
        ("http://127.0.0.1:5001/base/", "http://127.0.0.1:5001/base"),
        ("HTTP://localhost", "http://localhost"),
        ("http://localhost:80/", "http://localhost"),
        ("http://[::1]:5001/a/b", "http://[::1]:5001/a/b"),
        ("HTTPS://localhost:443/a/", "https://localhost/a"),
        ("https://localhost:80", "https://localhost:80"),
    ] {
        assert_eq!(read(text), Ok(expected.to_owned()));
    }
    for (text, beginning) in [
        ("127.0.0.1:5001", "`127.0.0.1:5001` has no scheme; write `http://127.0.0.1:5001`"),
        ("ftp://h", "unknown scheme `ftp`"),
        ("http://me:pw@h", "the address has a user name or password"),
        ("http://h/p?q=1", "`?q=1` cannot be part of an address"),
        ("http://h#x", "`#x` cannot be part of an address"),
        ("http://", "`` is not a host"),
        ("http://[::1", "`[::1` is not a host"),
        ("http://a b", "`a b` is not a host"),
        ("http://h:0", "`0` is not a port"),
        ("http://h:65536", "`65536` is not a port"),
        ("http://h:+80", "`+80` is not a port"),
        ("http://h:", "`` is not a port"),
        ("http://h/a b", "the path `/a b` holds a blank"),
    ] {
        let message = read(text).unwrap_err();
        assert!(message.starts_with(beginning), "{text}: {message}");
    }
}

/// `localhost` and IPv6 addresses are found by both drivers.
#[test]
fn localhost_and_ipv6_are_reached() {
    let (v4, _told) = record(OK);
    let mut targets = vec![format!("http://localhost:{}", v4.port())];
    if let Ok(listener) = TcpListener::bind("[::1]:0") {
        targets.push(format!("http://{}", listener.local_addr().unwrap()));
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                read_one(&mut stream).unwrap();
                stream.write_all(OK).unwrap();
            }
        });
    }
    for url in targets {
        for transmission in both_drivers() {
            assert_eq!(status(&send(&Target::parse(&url).unwrap(), transmission)), Ok(202), "{url}");
        }
    }
}
