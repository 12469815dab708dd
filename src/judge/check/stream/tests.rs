//! Readings against what was due, a row each: what came, and the parts of the stream that are not as promised.
//!
//! Three deliveries, `1` to `3`, are sent at their second; the stream is asked for a second and a half after the beginning, so that the
//! first was told of before and the others are told of meanwhile.

use std::time::Duration;

use super::tellable::Tellable;
use super::{Known, OpenStream, Told, judge};
use crate::clock::UnixMicros;
use crate::contract::stream::EventStream;
use crate::delivery::{Answer, Delivery, HeaderLine, NoAnswer};
use crate::event_stream::Decoder;
use crate::history::record::Record;
use crate::history::stream::{StreamEnd, StreamReading, StreamTimes};
use crate::judge::check::Bindings;
use crate::scenario::stream::StreamStep;
use crate::sign::sha256_hex;

const FORM: &str = r#"{"path": "/jobs/{stream}", "of": "{body:job}", "event": "status", "data": {"key": "{key}", "hash": "{sha256}", "again": "{key}"},
    "finished": {"member": "state", "is": ["done"]}, "heartbeat": "4 s", "retry": "3 s"}"#;
const SECOND: i64 = 1_000_000;
const ASKED: UnixMicros = UnixMicros(SECOND * 3 / 2);

fn record(number: i64) -> Record {
    let body = format!("{{\"job\": \"j\", \"n\": {number}}}");
    Record {
        own_delay: Duration::ZERO,
        went_twice: false,
        key: format!("k{number}"),
        identity: format!("k{number}"),
        sha256: sha256_hex(body.as_bytes()),
        delivery: Delivery { body: body.into(), ..Delivery::default() },
        sent_at: UnixMicros(number * SECOND),
        answered_at: UnixMicros(number * SECOND + 1_000),
        took: Duration::from_millis(1),
        result: Ok(Answer { status: 202, headers: Vec::new(), body: bytes::Bytes::new() }),
        moved_us: 0,
        referred_as: None,
        refers_to: None,
    }
}

/// The bytes of a word: the event of a delivery (`2`), with another id (`2#7`), with more in its block (`2+retry`, `2+comment`); `retry`, `ping`, `reset`; or blocks as they stand.
fn block(word: &str) -> Vec<u8> {
    match word {
        "retry" => b"retry: 3000\n\n".to_vec(),
        "ping" => b": ping\n\n".to_vec(),
        "reset" => b"event: reset\ndata: {}\n\n".to_vec(),
        "hello" => b"event: hello\ndata: {}\n\n".to_vec(),
        "beat" => b":\n".to_vec(),
        "foreign" => b"id: 5\nevent: status\ndata: {\"key\": \"other\", \"hash\": \"0\"}\n\n".to_vec(),
        "no-text" => b"id: 5\nevent: status\ndata: \xff\n\n".to_vec(),
        with_more if with_more.contains('+') => {
            let (word, more) = with_more.split_once('+').unwrap_or_default();
            let event = String::from_utf8(block(word)).expect("text");
            event.replacen("\nevent", &format!("\n{}\nevent", if more == "retry" { "retry: 3000" } else { ": more" }), 1).into_bytes()
        }
        raw if raw.contains(':') => raw.replace("\\n", "\n").into_bytes(),
        _ => {
            let (number, id) = word.split_once('#').unwrap_or((word, ""));
            let one = record(number.parse().expect("the number of a delivery"));
            let id = if id.is_empty() { format!("{number}0") } else { id.to_owned() };
            let (key, hash) = (one.key, one.sha256);
            format!("id: {id}\nevent: status\ndata: {{\"key\": \"{key}\", \"hash\": \"{hash}\", \"again\": \"{key}\"}}\n\n").into_bytes()
        }
    }
}

/// A status, and header lines.
type Head<'a> = (u16, &'a [(&'a str, &'a str)]);

/// What a row says beside its blocks.
struct Seen<'a> {
    form: &'a str,
    step: &'a str,
    head: Result<Head<'a>, NoAnswer>,
    /// Words of [`block`] with the second in which each came (`ping@9`).
    came: &'a str,
    end: StreamEnd,
    unfinished: Option<&'a str>,
    /// The id that was sent.
    sent: Option<&'a str>,
    /// What another subscriber was told before.
    other: &'a str,
    has_others: bool,
    /// It was opened and told of a delivery in an earlier step, with `retry` or without.
    earlier: Option<bool>,
}

impl Default for Seen<'_> {
    fn default() -> Self {
        let (form, step, head) = (FORM, "{}", Ok((200, LINES)));
        Self {
            form,
            step,
            head,
            came: "",
            end: StreamEnd::Waited,
            unfinished: None,
            sent: None,
            other: "",
            has_others: false,
            earlier: None,
        }
    }
}

const LINES: &[(&str, &str)] = &[("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache")];

/// The parts that are not as promised, each with its role.
fn wrong(seen: Seen<'_>) -> String {
    let form: EventStream = serde_json::from_str(seen.form).expect("a form of streams");
    let step: StreamStep = serde_json::from_str(seen.step).expect("a step");
    let records: Vec<Record> = (1..=3).map(record).collect();
    let told: Vec<Tellable> = records.iter().map(|one| Tellable::new(&form, one)).collect();
    let deliveries: Vec<&Tellable> = told.iter().collect();
    let mut decoder = Decoder::resumed(seen.sent.unwrap_or_default());
    let mut blocks = Vec::new();
    for word in seen.came.split_whitespace() {
        let (word, at) = word.split_once('@').unwrap_or((word, "1"));
        let read = decoder.push(&block(&word.replace('_', " "))).expect("short blocks");
        blocks.extend(read.into_iter().map(|block| (at.parse::<u64>().expect("seconds") * 1_000_000, block)));
    }
    let before: Vec<Told> = seen
        .other
        .split_whitespace()
        .map(|word| {
            let (number, id) = word.split_once('#').unwrap_or((word, ""));
            let id = if id.is_empty() { format!("{number}0") } else { id.to_owned() };
            let lines = Decoder::default().push(&block(word)).expect("short blocks").remove(0).event_lines();
            Told { id, lines, of: number.parse::<usize>().ok().map(|number| number - 1) }
        })
        .collect();
    let other = OpenStream { told: before.clone(), ..OpenStream::default() };
    let bound = records.into_iter().enumerate().map(|(at, one)| (format!("d{}", at + 1), vec![one])).collect();
    let records = Bindings { deliveries: bound, streams: [("other".to_owned(), other)].into(), ..Bindings::default() };
    let over = blocks.last().map_or(11 * 1_000_000, |(at, _)| *at);
    let head = seen.head.map(|(status, lines)| {
        let headers = lines.iter().map(|(name, value)| HeaderLine::new(*name, (*value).to_owned())).collect();
        Answer { status, headers, body: bytes::Bytes::new() }
    });
    let reading = StreamReading {
        question: Delivery::default(),
        opened: seen.earlier.is_none(),
        sent_at: ASKED,
        head,
        last_event_id: seen.sent.unwrap_or_default().to_owned(),
        blocks,
        end: seen.end,
        unfinished: seen.unfinished.map(|text| text.as_bytes().to_vec()),
        times: StreamTimes { opened: 1_000, heard: 1_000, over, ..StreamTimes::default() },
    };
    let open = OpenStream { sent_id: seen.sent.map(str::to_owned), has_others: seen.has_others, ..OpenStream::default() };
    let open = OpenStream { has_told: seen.earlier.is_some(), retried: seen.earlier == Some(true), ..open };
    let known = Known { form: &form, deliveries: &deliveries, before: &before, open: &open, bindings: &records };
    let found = judge(&step, &reading, known);
    let told = found.iter().map(|one| {
        let part = one.code.table.clone().unwrap_or_default();
        one.code.role.as_ref().map_or_else(|| part.clone(), |role| format!("{part}.{role}"))
    });
    told.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_head_of_a_stream_says_that_it_is_one() {
    let html: &[(&str, &str)] = &[("Content-Type", "text/html")];
    let latin: &[(&str, &str)] = &[("Content-Type", "text/event-stream; charset=latin-1"), ("Cache-Control", "no-store")];
    let loud: &[(&str, &str)] = &[("Content-Type", "Text/Event-Stream; charset=\"UTF-8\"")];
    let unknown = r#"{"expect": [{"unknown": true}]}"#;
    let refuses = FORM.replace(r#""retry""#, r#""unknown": {"then": "refused", "status": 503}, "retry""#);
    let rows = [
        (FORM, "{}", 200, LINES, ""),
        (FORM, "{}", 404, LINES, "answer"),
        (FORM, "{}", 200, html, "answer"),
        (FORM, "{}", 200, latin, "utf-8"),
        (FORM, "{}", 200, loud, "caching"),
        // Who is told that there is no place now is told nothing of what was asked.
        (FORM, "{}", 503, LINES, "place"),
        (FORM, "{}", 429, LINES, "place"),
        (FORM, unknown, 503, LINES, "place"),
        (FORM, unknown, 404, LINES, "unknown"),
        (FORM, r#"{"clients": 20}"#, 500, LINES, "place"),
        (&refuses, unknown, 503, LINES, ""),
        (&refuses, unknown, 200, LINES, "unknown"),
        (FORM, r#"{"expect": [{"finished": true}]}"#, 204, LINES, ""),
        (FORM, r#"{"expect": [{"finished": true}]}"#, 200, LINES, "finished"),
    ];
    for (form, step, status, lines, parts) in rows {
        assert_eq!(wrong(Seen { form, step, head: Ok((status, lines)), ..Seen::default() }), parts, "{status} {lines:?} to {step}");
    }
    let late = NoAnswer::TimedOut { after: Duration::from_secs(10) };
    assert_eq!(wrong(Seen { head: Err(late), ..Seen::default() }), "held-back");
    assert_eq!(wrong(Seen { head: Err(NoAnswer::Broken { cause: "reset".to_owned() }), ..Seen::default() }), "answer");
}

#[test]
fn every_block_is_held_to_what_streams_are() {
    let rows = [
        ("retry 1 ping 2", ""),
        ("1", "retry"),
        ("retry:_3000_ms\\n\\n 1", "retry"),
        ("retry:_2000\\n\\n 1", "retry"),
        ("retry no-text", "utf-8"),
        ("retry foreign", "foreign"),
        ("retry event:_status\\nid:_7\\ndata:_{\"key\":\"k1\",\"again\":\"k1\"}\\n\\n", "data"),
        // What nobody can read tells of no other stream's delivery either.
        ("retry id:_7\\nevent:_status\\ndata:_{\"key\":_\"k\"1\"}\\n\\n", "data"),
        ("retry id:_99\\n:_ping\\n\\n", "comment"),
        // One that tells of a delivery under another name; where another tells of it, it is something else.
        ("retry id:_10\\ndata:_{\"key\":\"k1\",\"again\":\"k1\",\"hash\":\"HASH\"}\\n\\n", "data"),
        ("retry id:_9\\ndata:_{\"key\":\"k1\",\"again\":\"k1\",\"hash\":\"HASH\"}\\n\\n 1", "comment"),
        ("retry id:_9\\ndata:_{\"key\":\"k1\"}\\n\\n", "comment"),
        ("retry id:_job\\nid:_7\\nevent:_status\\ndata:_{\"key\":\"k1\",\"again\":\"k1\",\"hash\":\"HASH\"}\\n\\n", "id"),
        ("retry id:_7\\nid:7\\nevent:_status\\ndata:_{\"key\":\"k1\",\"again\":\"k1\",\"hash\":\"HASH\"}\\n\\n", ""),
        ("retry 1 2", ""),
        ("retry event:_status\\ndata:_{\"key\":\"k1\",\"again\":\"k1\",\"hash\":\"HASH\"}\\n\\n", "id"),
        // Of an id that stands for two events it is not asked whether it rises.
        ("retry 1#7 2#7", "id"),
        ("retry 1#7 1#7", ""),
        ("retry 1#7 1#7+retry", ""),
        ("retry 2#7 1#6", "rising"),
        ("retry 1#x", "rising"),
        ("retry reset 1", "unknown"),
    ];
    let hash = record(1).sha256;
    for (came, parts) in rows {
        assert_eq!(wrong(Seen { came: &came.replace("HASH", &hash), ..Seen::default() }), parts, "{came}");
    }
    // Beside what another subscriber was told, or what was told before.
    let beside =
        [("retry 2#20", "1", ""), ("retry 2#20", "1#30", "rising"), ("retry 1#11", "1", "changed"), ("retry 2#10", "1", "changed rising")];
    for (came, other, parts) in beside {
        assert_eq!(wrong(Seen { came, other, ..Seen::default() }), parts, "{came} behind {other}");
    }
    let cut = Seen { came: "retry 1", end: StreamEnd::Receiver, unfinished: Some("data: x"), ..Seen::default() };
    assert_eq!(wrong(cut), "blank-line");
}

/// When to come back may be said behind the event for which a reading ended: it is missing where more was waited for.
#[test]
fn retry_is_missing_where_it_was_waited_for() {
    let quiet = r#"{"until": {"quiet": "300 ms"}}"#;
    let rows = [
        ("{}", "1", StreamEnd::Open, None, ""),
        (quiet, "1", StreamEnd::Open, None, "retry"),
        (quiet, "1 retry", StreamEnd::Open, None, ""),
        (quiet, "1+retry", StreamEnd::Open, None, ""),
        (quiet, "ping", StreamEnd::Open, None, ""),
        ("{}", "1", StreamEnd::Receiver, None, "retry"),
        ("{}", "1", StreamEnd::Cut, None, ""),
        ("{}", "1", StreamEnd::Broken("reset".to_owned()), None, ""),
        // The same connection is read on.
        ("{}", "2", StreamEnd::Open, Some(false), ""),
        (quiet, "", StreamEnd::Open, Some(false), "retry"),
        (quiet, "2 retry", StreamEnd::Open, Some(false), ""),
        (quiet, "2", StreamEnd::Open, Some(true), ""),
    ];
    for (step, came, end, earlier, parts) in rows {
        assert_eq!(
            wrong(Seen { step, came, end: end.clone(), earlier, ..Seen::default() }),
            parts,
            "{came:?}, {end:?}, {earlier:?}: {step}"
        );
    }
}

#[test]
fn what_is_missing_is_told_by_what_came_behind_it() {
    let tells = |names: &str| format!(r#"{{"expect": [{{"tells": [{names}]}}, {{"ends": true}}]}}"#);
    let (one, two, three, none) = (tells(r#""d1""#), tells(r#""d1", "d2""#), tells(r#""d1", "d2", "d3""#), tells(""));
    let rows = [
        // Nothing at all came: that says nothing of the event.
        (&one, "", None, "", false, "stuck.lost"),
        (&one, "", Some("5"), "", false, "stuck.gap"),
        (&one, "", None, "", true, "stuck.missed"),
        // Something came behind it: it was passed over.
        (&one, "retry", None, "", false, "lost"),
        (&three, "retry 1 3@2", None, "", false, "lost"),
        (&two, "retry 1 ping@5", None, "", false, "lost"),
        // It may be on its way.
        (&two, "retry@0 1@0", None, "", false, "lost.stuck"),
        (&two, "retry", None, "1", true, "missed"),
        (&tells(r#""d2""#), "retry@0", None, "1", true, "missed.stuck"),
        (&two, "retry 1 ping@5", None, "1", true, "missed.maybe"),
        (&two, "retry 1 ping@5", None, "1 2", true, "missed"),
        // Who comes back with an id.
        (&tells(r#""d2""#), "retry ping@5", Some("10"), "1", false, "gap"),
        (&tells(r#""d2""#), "retry@0", Some("10"), "1", false, "gap.stuck"),
        (&two, "retry ping@5 2", Some(""), "", false, "gap"),
        (&none, "retry 1", Some("10"), "1", false, "retold"),
        (&two, "retry 1 2 2", Some("5"), "", false, "retold"),
        (&two, "retry reset 1 2", Some("5"), "", false, "reset end"),
        // Without one.
        (&two, "retry 1 2 2", None, "", false, "twice"),
        (&none, "retry 1", None, "1", false, "twice"),
    ];
    for (step, came, sent, other, has_others, parts) in rows {
        let seen = Seen { step, came, sent, other, has_others, ..Seen::default() };
        assert_eq!(wrong(seen), parts, "{came:?} to {sent:?} beside {other:?}: {step}");
    }
    // On a connection that is read on nobody has come back.
    let read_on = |earlier| wrong(Seen { step: &none, came: "retry 1", sent: Some("99"), other: "1", earlier, ..Seen::default() });
    assert_eq!((read_on(Some(true)), read_on(None)), ("twice".to_owned(), "retold".to_owned()));
    let ended = |came, end| wrong(Seen { step: &two, came, end, ..Seen::default() });
    assert_eq!(ended("retry 1 2", StreamEnd::Receiver), "");
    assert_eq!(ended("retry 1 2", StreamEnd::Waited), "end");
    assert_eq!(ended("retry 1", StreamEnd::Receiver), "cut-short");
    // Who waits for two events reads no further than the first one told twice.
    assert_eq!(ended("retry 1 1", StreamEnd::Open), "twice");
    let opaque = FORM.replace(r#""retry""#, r#""ids": "opaque", "retry""#);
    assert_eq!(wrong(Seen { form: &opaque, step: &two, came: "retry 2 1", ..Seen::default() }), "order");
}

#[test]
fn a_client_whose_id_is_not_kept_is_told_so() {
    let step = r#"{"expect": [{"unknown": true}, {"tells": ["d1", "d2"]}]}"#;
    let replays = FORM.replace(r#""retry""#, r#""unknown": {"then": "replay"}, "retry""#);
    let rows = [
        (FORM, "retry reset 1 2", ""),
        (FORM, "retry 1 2", "unknown"),
        (FORM, "retry 1 reset 2", "unknown unknown"),
        // What tells of no delivery may precede it; it comes once.
        (FORM, "retry hello ping reset 1 2", ""),
        (FORM, "retry hello 1 2", "unknown"),
        (FORM, "retry reset hello reset 1 2", "unknown"),
        (FORM, "retry ping@5", "unknown"),
        (FORM, "", "stuck.unknown"),
        // Who was told of the gap begins anew.
        (FORM, "retry reset 1 ping@5", "lost"),
        (&replays, "retry 1 2", ""),
        (&replays, "retry 2 ping@5", "unknown"),
    ];
    for (form, came, parts) in rows {
        assert_eq!(wrong(Seen { form, step, came, sent: Some("99"), ..Seen::default() }), parts, "{came}");
    }
}

/// As long as an id must be kept, whatever is astray behind it has its own name.
#[test]
fn what_must_be_kept_comes_behind_its_id() {
    let step = r#"{"until": {"quiet": "1 s"}, "expect": [{"evicted": true}]}"#;
    let opaque = FORM.replace(r#""retry""#, r#""ids": "opaque", "retry""#);
    let rows = [
        (FORM, "retry 2 3", ""),
        (FORM, "retry ping@5 3", "gap"),
        (FORM, "retry 1 2 3", "retold"),
        (FORM, "retry reset 1 2 3", "reset"),
        (&opaque, "retry 3 2", "order"),
    ];
    for (form, came, parts) in rows {
        assert_eq!(wrong(Seen { form, step, came, sent: Some("10"), other: "1", ..Seen::default() }), parts, "{came}");
    }
}

#[test]
fn what_comes_again_is_as_it_was() {
    let again = r#"{"expect": [{"again": "other"}]}"#;
    let all = r#"{"expect": [{"tells_all": ["d1", "d2"]}, {"again": "other"}]}"#;
    let rows = [
        (again, "retry 2 3", Some("10"), ""),
        (again, "retry 2 ping@5", Some("10"), "gap"),
        (again, "retry 1 2 3", Some("10"), "retold"),
        (again, "retry 2 3#40", Some("10"), "changed again"),
        // A comment, or when to come back, is no part of an event.
        (again, "2+retry 3+comment", Some("10"), ""),
        (again, "2+retry 3#40+comment", Some("10"), "changed again"),
        (again, "retry 1 2 3", None, ""),
        (all, "retry 1 2 ping@9", None, "missed"),
        (all, "retry 2 ping@5", None, "missed"),
        (all, "retry 1 2 3", None, "twice"),
    ];
    for (step, came, sent, parts) in rows {
        assert_eq!(wrong(Seen { step, came, sent, other: "1 2 3", ..Seen::default() }), parts, "{came} to {sent:?}: {step}");
    }
}

#[test]
fn silence_and_delay_are_measured() {
    let beats = r#"{"expect": [{"heartbeat": true}]}"#;
    // Four seconds, a quarter of them, and one.
    for (came, parts) in [("ping@6 ping@12", ""), ("beat@6 beat@12", ""), ("ping@7", "silence"), ("ping@2 ping@9", "silence")] {
        assert_eq!(wrong(Seen { step: beats, came, ..Seen::default() }), parts, "{came}");
    }
    assert_eq!(wrong(Seen { step: r#"{"expect": [{"opens_within": "1 ms"}]}"#, ..Seen::default() }), "");
    assert_eq!(wrong(Seen { step: r#"{"expect": [{"opens_within": "0 ms"}]}"#, ..Seen::default() }), "held-back");
}
