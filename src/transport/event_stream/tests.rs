//! Event streams over a socket: in every framing, in any pieces, cut after any byte, broken off.

use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{Ended, EndedBy, EventStreamConnection, Next};
use crate::delivery::Delivery;
use crate::transport::{Sender, Target};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);
const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
const EVENTS: &str = "id: 1\ndata: a\n\n: pings\n\nid: 2\ndata: b\n\n";

/// Opens a stream of a receiver that answers these pieces, each when the one before was read, and then hangs or ends.
async fn opened(pieces: Vec<Vec<u8>>, ends: bool, cut_after: Option<usize>) -> (EventStreamConnection, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let task = tokio::spawn(async move {
        let (mut peer, _) = listener.accept().await.unwrap();
        let mut asked = BytesMut::new();
        while !asked.ends_with(b"\r\n\r\n") {
            peer.read_buf(&mut asked).await.unwrap();
        }
        for piece in pieces {
            peer.write_all(&piece).await.unwrap();
            peer.flush().await.unwrap();
            tokio::task::yield_now().await;
        }
        if !ends {
            // Until the client goes.
            drop(peer.read_buf(&mut asked).await);
        }
    });
    let question = Delivery { method: "GET".to_owned(), path: "/events".to_owned(), ..Delivery::default() };
    (Sender::new(target, PATIENCE).open_stream(&question, "", cut_after).await.unwrap(), task)
}

/// All that comes, as text; how it ended behind it.
async fn told(stream: &mut EventStreamConnection) -> (Vec<String>, Option<Ended>) {
    let mut blocks = Vec::new();
    loop {
        match stream.next(PATIENCE).await {
            Next::Block(came) => blocks.push(String::from_utf8(came.block.bytes).unwrap()),
            Next::Ended(ended) => return (blocks, Some(ended)),
            Next::Nothing => return (blocks, None),
        }
    }
}

fn framed(framing: &str, body: &str) -> Vec<u8> {
    match framing {
        "chunked" => {
            let chunks: String = body.as_bytes().chunks(3).map(|piece| format!("3\r\n{:3}\r\n", String::from_utf8_lossy(piece))).collect();
            format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n").into_bytes()
        }
        "sized" => format!("{HEAD}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes(),
        _ => format!("{HEAD}\r\n{body}").into_bytes(),
    }
}

/// However its body is framed, and wherever its bytes are cut, the blocks are the same, and its end is its end.
#[tokio::test]
async fn blocks_are_read_as_they_come_in_every_framing() {
    // A length of whole chunks, so that no chunk is filled up.
    assert_eq!(EVENTS.len() % 3, 0);
    for framing in ["chunked", "sized", "until closed"] {
        for size in [1, 7, 1000] {
            let pieces = framed(framing, EVENTS).chunks(size).map(<[u8]>::to_vec).collect();
            let (mut stream, task) = opened(pieces, true, None).await;
            assert_eq!(stream.head().header("content-type").as_deref(), Some("text/event-stream"));
            let (blocks, ended) = told(&mut stream).await;
            assert_eq!(blocks, ["id: 1\ndata: a", ": pings", "id: 2\ndata: b"], "{framing} in pieces of {size}");
            assert_eq!(ended, Some(Ended { why: EndedBy::Receiver, unfinished: None }));
            assert_eq!(stream.last_event_id(), "2");
            task.await.unwrap();
        }
    }
}

/// A stream that goes on is read no further than it has come; cut after any byte, it has told the blocks that were whole by then, a comment
/// with its line.
#[tokio::test]
async fn stream_is_cut_after_any_byte() {
    for bytes in 0..=EVENTS.len() {
        let (mut stream, task) = opened(vec![framed("until closed", EVENTS)], false, Some(bytes)).await;
        let (blocks, ended) = told(&mut stream).await;
        let whole = [15, 23, 39].iter().filter(|end| **end <= bytes).count();
        assert_eq!(blocks.len(), whole, "after {bytes} bytes");
        assert_eq!(ended.map(|ended| ended.why), Some(EndedBy::Cut));
        drop(stream);
        task.await.unwrap();
    }
    let (mut stream, task) = opened(vec![framed("until closed", "data: a\n\ndata: b")], false, None).await;
    assert!(matches!(stream.next(PATIENCE).await, Next::Block(_)));
    assert!(matches!(stream.next(Duration::ZERO).await, Next::Nothing));
    drop(stream);
    task.await.unwrap();
}

/// A connection that breaks is told from a body that ends, and what was left of a block with it.
#[tokio::test]
async fn what_breaks_off_is_told() {
    let broken = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n7\r\ndata: a\r\n").into_bytes();
    let (mut stream, task) = opened(vec![broken], true, None).await;
    let (blocks, ended) = told(&mut stream).await;
    assert_eq!((blocks.len(), ended.clone().and_then(|ended| ended.unfinished)), (0, Some(b"data: a".to_vec())));
    assert!(matches!(ended.map(|ended| ended.why), Some(EndedBy::Broken(_))));
    task.await.unwrap();
    let page = b"HTTP/1.1 410 Gone\r\nContent-Length: 4\r\n\r\ngone".to_vec();
    let (mut stream, task) = opened(vec![page], true, None).await;
    let page = stream.page(PATIENCE).await;
    assert_eq!((page.status, page.body.as_ref()), (410, &b"gone"[..]));
    task.await.unwrap();
}
