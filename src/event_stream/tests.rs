//! Event streams, tried: a table with a row for each rule, and random streams beside another implementation.

use proptest::prelude::*;

use super::{Block, Decoder, Id, MOST_OF_A_BLOCK, Retry, TooLong};

/// All blocks of a stream that comes in one piece.
fn blocks(stream: &[u8]) -> Vec<Block> {
    Decoder::default().push(stream).expect("short enough")
}

/// The events of a stream: name, data, id.
fn events(stream: &[u8]) -> Vec<(String, String, String)> {
    blocks(stream).into_iter().filter_map(|block| block.event).map(|event| (event.name, event.data, event.last_event_id)).collect()
}

/// One stream, and the events that a browser makes of it; each row is a rule of section 9.2.6, its examples among them.
#[test]
fn rules_of_the_standard() {
    type Row = (&'static str, &'static [u8], &'static [(&'static str, &'static str, &'static str)]);
    const TABLE: &[Row] = &[
        ("values of data are joined by LF", b"data: YHOO\ndata: +2\ndata: 10\n\n", &[("message", "YHOO\n+2\n10", "")]),
        (
            "comments are no events, an id stays until it is taken away",
            b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
            &[("message", "first event", "1"), ("message", "second event", ""), ("message", " third event", "")],
        ),
        ("data without a value", b"data\n\ndata\ndata\n\ndata:", &[("message", "", ""), ("message", "\n", "")]),
        ("one space is taken away", b"data:test\n\ndata: test\n\n", &[("message", "test", ""), ("message", "test", "")]),
        ("a tab is no space", b"data:\ttest\n\n", &[("message", "\ttest", "")]),
        ("CR ends a line", b"data: a\rdata: b\r\r", &[("message", "a\nb", "")]),
        ("CRLF ends a line", b"data: a\r\ndata: b\r\n\r\n", &[("message", "a\nb", "")]),
        ("ends of lines are mixed", b"data: a\r\ndata: b\rdata: c\n\r\n", &[("message", "a\nb\nc", "")]),
        ("LF and CR are two ends", b"data: a\n\rdata: b\n\n", &[("message", "a", ""), ("message", "b", "")]),
        ("one byte order mark is taken away", b"\xEF\xBB\xBFdata: a\n\n", &[("message", "a", "")]),
        ("a second one is part of the field's name", b"\xEF\xBB\xBF\xEF\xBB\xBFdata: a\n\ndata: b\n\n", &[("message", "b", "")]),
        ("one in the middle, too", b"data: a\n\n\xEF\xBB\xBFdata: b\n\n", &[("message", "a", "")]),
        ("the last event names the type", b"event: a\nevent: b\ndata: x\n\n", &[("b", "x", "")]),
        ("an empty type is message", b"event: a\nevent\ndata: x\n\n", &[("message", "x", "")]),
        ("a type does not outlive its block", b"event: a\n\ndata: x\n\n", &[("message", "x", "")]),
        ("an id without data is kept", b"id: 4\n\ndata: x\n\n", &[("message", "x", "4")]),
        ("an id with NUL is ignored", b"id: 4\n\nid: 5\0\ndata: x\n\n", &[("message", "x", "4")]),
        ("names of fields are told by case", b"Data: x\nDATA: y\n\n", &[]),
        ("a space before the colon is part of the name", b"data : x\n\n", &[]),
        ("what is not ended is dropped", b"data: a\n\ndata: b\n", &[("message", "a", "")]),
        ("only the first colon parts", b"data: a: b\n\n", &[("message", "a: b", "")]),
        ("bytes that are no UTF-8 are replaced", b"data: \xFFx\n\n", &[("message", "\u{FFFD}x", "")]),
        ("blank lines alone are nothing", b"\n\n\r\n\r\n", &[]),
    ];
    for (rule, stream, wanted) in TABLE {
        let found = events(stream);
        let found: Vec<_> = found.iter().map(|(name, data, id)| (name.as_str(), data.as_str(), id.as_str())).collect();
        assert_eq!(found, *wanted, "{rule}");
        // However it is cut.
        for first in 0..stream.len() {
            let mut decoder = Decoder::default();
            let pieces = [&stream[..first], &stream[first..]].map(|piece| decoder.push(piece).expect("short enough"));
            assert_eq!(pieces.concat(), blocks(stream), "{rule}, cut at {first}");
        }
    }
}

/// What a browser ignores is told all the same.
#[test]
fn what_is_ignored_is_told() {
    let told = &blocks(b"retry: x\n: ping\nid: a\0b\nfoo: 1\nnothing\n\n")[0];
    assert_eq!(told.event, None);
    assert_eq!(
        (told.comments.as_slice(), told.unknown.as_slice()),
        (&[" ping".to_owned()][..], &["foo".to_owned(), "nothing".to_owned()][..])
    );
    assert_eq!((told.retry.clone(), told.id.clone()), (Some(Retry::NoNumber("x".to_owned())), Some(Id::WithNul("a\0b".to_owned()))));
    assert!(told.is_utf8 && !blocks(b": \xC3\x28\n\n")[0].is_utf8);
    let told = &blocks(b"retry: 15\r\nid: 3\rdata: x\n\n")[0];
    assert_eq!((told.retry.clone(), told.id.clone()), (Some(Retry::Millis(15)), Some(Id::Given("3".to_owned()))));
    assert_eq!(told.bytes, b"retry: 15\nid: 3\ndata: x");
}

/// A comment has come when its line ends, also where no blank line follows; within other lines it is one of theirs.
#[test]
fn comments_are_heard_at_once() {
    let mut decoder = Decoder::default();
    let comments = |blocks: Vec<Block>| blocks.into_iter().map(|block| (block.bytes, block.comments)).collect::<Vec<_>>();
    let ping = |text: &str| vec![(format!(":{text}").into_bytes(), vec![text.to_owned()])];
    assert_eq!(comments(decoder.push(b":\n").expect("short enough")), ping(""));
    assert_eq!(comments(decoder.push(b": ping\r").expect("short enough")), ping(" ping"));
    assert_eq!(comments(decoder.push(b"\n\n\n").expect("short enough")), []);
    assert_eq!(comments(decoder.push(b"id: 1\n: between\n").expect("short enough")), []);
    let event = decoder.push(b"data: x\n\n").expect("short enough").remove(0);
    assert_eq!((event.bytes, event.comments), (b"id: 1\n: between\ndata: x".to_vec(), vec![" between".to_owned()]));
}

/// What is the same when an event comes again are its own lines.
#[test]
fn an_event_is_its_own_lines() {
    let rows: [(&[u8], &[u8]); 4] = [
        (b"retry: 3000\nid: 1\nevent: a\ndata: x\ndata: y\n\n", b"id: 1\nevent: a\ndata: x\ndata: y"),
        (b"id: 1\n: of this connection\ndata: x\nwhatever: 7\ndata\n\n", b"id: 1\ndata: x\ndata"),
        (b"idle: 1\ndata:x\n\n", b"data:x"),
        (b"retry: 1\n\n", b""),
    ];
    for (stream, lines) in rows {
        assert_eq!(blocks(stream)[0].event_lines(), lines, "{}", String::from_utf8_lossy(stream));
    }
}

/// An event that was cut is told, and no event that never ends fills the memory.
#[test]
fn what_does_not_end() {
    let left = |stream: &[u8]| {
        let mut decoder = Decoder::default();
        decoder.push(stream).expect("short enough");
        decoder.unfinished()
    };
    assert_eq!(left(b"data: a\n\n"), None);
    assert_eq!(left(b"data: a\n"), Some(b"data: a".to_vec()));
    assert_eq!(left(b"id: 1\r\ndata: a"), Some(b"id: 1\ndata: a".to_vec()));
    let mut endless = Decoder::default();
    let piece = vec![b'x'; 1 << 16];
    let read = (0..=MOST_OF_A_BLOCK / piece.len()).map(|_| endless.push(&piece)).find(Result::is_err);
    assert_eq!(read, Some(Err(TooLong)));
    let mut lines = Decoder::default();
    let line = [&vec![b'x'; 999][..], b"\n"].concat();
    assert!((0..=MOST_OF_A_BLOCK / line.len() + 1).any(|_| lines.push(&line).is_err()));
}

/// What a decoder holds, in bytes.
fn held(decoder: &Decoder) -> usize {
    let Decoder { line, block, data, name, next_id, last_event_id, has_lines: _, is_after_cr: _, is_begun: _ } = decoder;
    let texts = [data, name, next_id, last_event_id].map(String::capacity);
    line.capacity() + block.bytes.capacity() + texts.iter().sum::<usize>() + block.weight()
}

/// A stream that lives long, with ids, names, comments and fields as long as any may be, costs no more than its longest block.
#[test]
fn long_lived_streams_cost_no_more_than_a_block() {
    let long = |sign: &str| sign.repeat(MOST_OF_A_BLOCK / 8);
    let fields = ["id: ", "event: ", "data: ", ": ", "", "retry: "].map(|field| format!("{field}{}\n", long("x")));
    let mut decoder = Decoder::default();
    let mut most = 0;
    for round in 0..50_u32 {
        for field in &fields {
            for piece in field.as_bytes().chunks(4 << 10) {
                assert_eq!(decoder.push(piece), Ok(Vec::new()));
            }
            most = most.max(held(&decoder));
        }
        let ended = decoder.push(format!("id: {round}{}\n\n", long("y")).as_bytes()).expect("short enough");
        assert_eq!(ended.len(), 1);
        assert!(ended[0].weight() < 4 * MOST_OF_A_BLOCK, "{}", ended[0].weight());
        most = most.max(held(&decoder));
    }
    assert!(most < 6 * MOST_OF_A_BLOCK, "{most} bytes are held");
    // An endless line is given up, and what was held of it does not grow any more.
    let piece = vec![b'x'; 1 << 16];
    let given_up = (0..100).filter(|_| decoder.push(&piece).is_err()).count();
    assert!(given_up > 80 && held(&decoder) < 6 * MOST_OF_A_BLOCK, "{given_up}, {}", held(&decoder));
}

/// A block of lines that say next to nothing weighs what its parts take.
#[test]
fn many_short_lines_have_their_weight() {
    let of = |line: &str| blocks(format!("id\n{}\n", line.repeat(10_000)).as_bytes())[0].weight();
    assert!(of(":\n") > 10_000 * 24 && of("x\n") > 10_000 * 25, "{} {}", of(":\n"), of("x\n"));
    assert!(of("data: 12345678901234567890\n") < 600_000);
}

/// Another implementation's events. It is asked for what both understand alike: see the streams below.
fn by_another(stream: &[u8]) -> Vec<(String, String, String)> {
    use eventsource_stream::Eventsource as _;
    use futures_util::{FutureExt as _, StreamExt as _};
    let whole = futures_util::stream::iter([Ok::<Vec<u8>, std::convert::Infallible>(stream.to_vec())]).eventsource();
    let events = whole.collect::<Vec<_>>().now_or_never().expect("all of it is there");
    events.into_iter().map(|event| event.expect("it reads it")).map(|event| (event.event, event.data, event.id)).collect()
}

/// Lines that streams are made of.
fn line() -> impl Strategy<Value = String> {
    let field = prop_oneof![Just("data"), Just("id"), Just("event"), Just("retry"), Just("foo"), Just("")];
    let value = prop_oneof![Just(String::new()), "[a-z0-9 :é]{0,6}", "[0-9]{1,5}"];
    let parted = prop_oneof![Just(": "), Just(":"), Just(":  ")];
    prop_oneof![
        4 => (field, parted, value).prop_map(|(field, parted, value)| format!("{field}{parted}{value}")),
        1 => Just("data".to_owned()),
        2 => Just(String::new()),
    ]
}

proptest! {
    /// Streams at random, cut at random, give what another implementation reads in one piece.
    #[test]
    fn random_streams_are_read_as_another_reads_them(
        lines in prop::collection::vec((line(), prop_oneof![Just("\n"), Just("\r\n"), Just("\r")]), 0..24),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        // The other implementation waits for what follows a CR; a comment does.
        let stream: Vec<u8> = lines.iter().flat_map(|(line, end)| [line, *end].concat().into_bytes()).chain(*b":\n").collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).chain([0, stream.len()]).collect();
        cuts.sort_unstable();
        let mut decoder = Decoder::default();
        let mut found = Vec::new();
        for piece in cuts.windows(2) {
            found.extend(decoder.push(&stream[piece[0]..piece[1]]).expect("short enough"));
        }
        prop_assert_eq!(&found, &blocks(&stream));
        let read: Vec<_> = found.into_iter().filter_map(|block| block.event).map(|event| (event.name, event.data, event.last_event_id)).collect();
        prop_assert_eq!(read, by_another(&stream));
    }

    /// No bytes make it panic, and it says the same however they come.
    #[test]
    fn any_bytes_are_read_alike_however_they_come(bytes in prop::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b':'), any::<u8>()], 0..200)) {
        let mut decoder = Decoder::default();
        let one_by_one: Vec<Block> = bytes.iter().flat_map(|byte| decoder.push(&[*byte]).expect("short enough")).collect();
        prop_assert_eq!(one_by_one, blocks(&bytes));
    }
}
