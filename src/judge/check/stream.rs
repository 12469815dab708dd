//! One reading of an event stream against what was due: its head, its events, and what a step expects of them.
//!
//! In: a contract, a [`StreamReading`], and what is known of the scenario ([`Known`]). Out: [`Mismatch`]es, each with the part of the
//! stream that it is about, by which a suite's catalogue says who speaks of it. What every stream is held to stands in `form`; what a
//! step expects is here. Nothing is sent, and no clock is asked.

mod astray;
mod evicted;
mod form;
pub mod goal;
pub mod tellable;

pub use self::form::is_turned_away;

use std::time::Duration;

use self::astray::Astray;
use self::tellable::{Tellable, data_of};
use crate::clock::{UnixMicros, span};
use crate::contract::Level;
use crate::contract::stream::{AfterEnd, Begins, EventStream, Then};
use crate::event_stream::{Block, Id};
use crate::history::record::Record;
use crate::history::stream::{StreamEnd, StreamReading};
use crate::judge::check::{Bindings, Mismatch, describe};
use crate::outcome::mismatch::{Kind, MismatchCode};
use crate::scenario::stream::{StreamExpect, StreamStep};

/// A heartbeat may be late by so much, and a quarter of it: timers and networks are.
const LATE_HEARTBEAT: Duration = Duration::from_secs(1);
/// So many events are told in words.
const TOLD: usize = 12;

/// An event that was told in a scenario, and of what.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its id.
    pub id: String,
    /// What is the same when it comes again ([`Block::event_lines`]).
    pub lines: Vec<u8>,
    /// The place of its delivery among all that are known of its stream.
    pub of: Option<usize>,
}

/// What is known of a stream that was opened.
#[derive(Clone, Debug, Default)]
pub struct OpenStream {
    /// Its path.
    pub path: String,
    /// The events of it that came, in order.
    pub told: Vec<Told>,
    /// The id in force.
    pub last_event_id: String,
    /// The id that was sent when it was opened.
    pub sent_id: Option<String>,
    /// When it was asked for.
    pub asked_at: Option<UnixMicros>,
    /// Whether this connection has said when a client is to come back.
    pub retried: bool,
    /// Whether this connection has told of a delivery.
    pub has_told: bool,
    /// Whether others were clients of the same stream when it was opened, or before.
    pub has_others: bool,
}

/// What a reading is held against.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// The contract's form of streams.
    pub form: &'a EventStream,
    /// Every delivery of this scenario that this stream may tell of, in the order in which they were sent.
    pub deliveries: &'a [&'a Tellable],
    /// The events of this stream that came before, over whatever connection.
    pub before: &'a [Told],
    /// What is known of this connection.
    pub open: &'a OpenStream,
    /// All that is known of the scenario.
    pub bindings: &'a Bindings,
}

/// A mismatch about a part of a stream.
pub(super) fn about(part: &str, expected: impl Into<String>, observed: impl Into<String>) -> Mismatch {
    let kind = MismatchCode { table: Some(part.to_owned()), ..MismatchCode::of(Kind::Stream) };
    Mismatch::must(expected, observed).of(kind)
}

/// Holds a reading against what was due.
#[must_use]
pub fn judge(step: &StreamStep, reading: &StreamReading, known: Known<'_>) -> Vec<Mismatch> {
    let mut wrong = Vec::new();
    let goes_on = !reading.opened || form::head(step, reading, known, &mut wrong);
    if !goes_on || !wrong.iter().all(|one| one.level != Level::Must) {
        return wrong;
    }
    form::blocks(step, reading, known, &mut wrong);
    // Among events of others, or of nobody, nothing can be said of one's own: it may have been read no further because of them.
    let unreadable = ["foreign", "data", "utf-8", "blank-line"];
    if wrong.iter().any(|one| one.code.table.as_deref().is_some_and(|part| unreadable.contains(&part))) {
        return wrong;
    }
    if step.expects_finished() {
        wrong.extend(finished(reading, known));
    }
    for expect in &step.expect {
        let found = expected(step, expect, reading, known);
        let is_astray = !found.is_empty() && (expect.tells.is_some() || expect.tells_all.is_some() || expect.again.is_some());
        wrong.extend(found);
        if is_astray {
            // Where events are missing, nothing else that hangs on them can be judged: whether it ends, and whether they come again.
            break;
        }
    }
    wrong
}

/// The deliveries that an event tells of, as places among those that are known.
#[must_use]
pub fn told_by(form: &EventStream, block: &Block, deliveries: &[&Tellable]) -> Vec<usize> {
    if !is_telling(form, block) {
        return Vec::new();
    }
    let data = data_of(block);
    (0..deliveries.len()).filter(|at| deliveries[*at].is_told_by(form, block, data.as_ref())).collect()
}

/// Whether an event bears the name of those that tell of deliveries.
#[must_use]
pub fn is_telling(form: &EventStream, block: &Block) -> bool {
    block.event.as_ref().is_some_and(|event| event.name == form.event)
}

/// The id of an event that can be resumed from.
pub(super) fn id_of(block: &Block) -> Option<&str> {
    match &block.id {
        Some(Id::Given(id)) => Some(id),
        Some(Id::WithNul(_)) | None => None,
    }
}

/// What came back to a client of a finished stream: its last event once more, where the contract says so.
fn finished(reading: &StreamReading, known: Known<'_>) -> Option<Mismatch> {
    let last = known.before.iter().rfind(|told| Some(&told.id) == known.open.sent_id.as_ref());
    let came: Vec<&Block> = reading.blocks.iter().map(|(_, block)| block).filter(|block| is_telling(known.form, block)).collect();
    let repeats = known.form.finished.as_ref().is_some_and(|finished| finished.then == AfterEnd::RepeatsLast);
    let is_it = repeats && came.len() == 1 && last.is_some_and(|last| last.lines == came[0].event_lines());
    let observed = format!("{}; {}", tells(came.iter().copied(), known), ended(reading));
    (!is_it).then(|| about("finished", "the last event once more", observed))
}

fn expected(step: &StreamStep, expect: &StreamExpect, reading: &StreamReading, known: Known<'_>) -> Vec<Mismatch> {
    let form = known.form;
    let came: Vec<&Block> = reading.blocks.iter().map(|(_, block)| block).filter(|block| is_ours(block, known)).collect();
    if let Some(names) = &expect.tells {
        let due = due(names, step, reading, known);
        let is_it = |block: &Block, one: &Tellable| one.is_told_by(form, block, data_of(block).as_ref());
        if came.len() != due.len() || !came.iter().zip(&due).all(|(block, one)| is_it(block, one)) {
            let observed = format!("{}; {}", tells(came.iter().copied(), known), ended(reading));
            let code = times(&came, &due, form).code(step, reading, known);
            return vec![Mismatch::must(tells_due(&due, known), observed).of(code)];
        }
    }
    if let Some(names) = &expect.tells_all {
        let due = due(names, step, reading, known);
        let mut times = vec![0_usize; due.len()];
        let mut surplus = 0;
        for block in &came {
            match told_by(form, block, &due).first() {
                Some(at) => times[*at] += 1,
                None => surplus += 1,
            }
        }
        let of = |wanted: fn(usize) -> bool| times.iter().filter(|times| wanted(**times)).count();
        let (once, never, again) = (of(|times| times == 1), of(|times| times == 0), of(|times| times > 1));
        if once < due.len() || surplus > 0 {
            let counts = format!("{once} told once, {never} not at all, {again} again and again, {surplus} other event(s)");
            let code = self::times(&came, &due, form).code(step, reading, known);
            let expected = format!("{} events, each delivery told once", due.len());
            return vec![Mismatch::must(expected, format!("{counts}; {}", ended(reading))).of(code)];
        }
    }
    if let Some(other) = expect.again.as_ref().and_then(|name| known.bindings.streams.get(name)) {
        let from = reading_from(known).map_or(0, |id| other.told.iter().position(|told| told.id == id).map_or(0, |at| at + 1));
        let nothing = form.begins == Begins::Now && reading_from(known).is_none();
        let due: Vec<&Told> = other.told[from..].iter().filter(|_| !nothing).collect();
        let lines_of: Vec<Vec<u8>> = came.iter().map(|block| block.event_lines()).collect();
        if due.len() != came.len() || !due.iter().zip(&lines_of).all(|(due, came)| due.lines == *came) {
            let code = again((&came, &lines_of), &due, known).map(|astray| astray.code(step, reading, known));
            let due: Vec<&[u8]> = due.iter().map(|told| told.lines.as_slice()).collect();
            let came: Vec<&[u8]> = lines_of.iter().map(Vec::as_slice).collect();
            let wrong = about("again", lines(&due), lines(&came));
            return vec![match code {
                Some(code) => wrong.of(code),
                None => wrong,
            }];
        }
    }
    let mut wrong = Vec::new();
    if expect.evicted {
        wrong.extend(evicted::judge(step, reading, known));
    }
    if expect.heartbeat
        && let Some(beat) = form.heartbeat
    {
        wrong.extend(silence(reading, beat.0));
    }
    if expect.ends && !matches!(reading.end, StreamEnd::Receiver | StreamEnd::Broken(_)) {
        wrong.push(about("end", "the receiver ends the stream", ended(reading)));
    }
    if let Some(limit) = expect.opens_within {
        let took = Duration::from_micros(reading.times.opened.saturating_sub(reading.times.own_delay));
        if took > limit.0 {
            let observed = format!("it took {} ms", took.as_millis());
            wrong.push(about("held-back", format!("the head of the stream within {}", span::write(limit.0)), observed));
        }
    }
    wrong
}

/// The events that came against the deliveries that were due.
fn times<'a>(came: &[&Block], due: &[&'a Tellable], form: &EventStream) -> Astray<'a> {
    let told: Vec<Vec<usize>> = came.iter().map(|block| told_by(form, block, due)).collect();
    let missing: Vec<&Tellable> = (0..due.len()).filter(|at| !told.iter().any(|of| of.contains(at))).map(|at| due[at]).collect();
    Astray { fewer: missing.len(), surplus: came.len() > due.len() - missing.len(), missing }
}

/// The events that came against those that came to another client; `None` where one of them is not as it was.
fn again<'a>((came, lines): (&[&Block], &[Vec<u8>]), due: &[&Told], known: Known<'a>) -> Option<Astray<'a>> {
    let is_missing = |told: &&&Told| !lines.contains(&told.lines);
    let missing: Vec<Option<usize>> = due.iter().filter(is_missing).map(|told| told.of).collect();
    let is_told = |at: &Option<usize>| {
        at.and_then(|at| known.deliveries.get(at))
            .is_some_and(|one| came.iter().any(|block| !told_by(known.form, block, &[one]).is_empty()))
    };
    let surplus = came.len() > due.len() - missing.len();
    let of = missing.iter().filter_map(|at| at.and_then(|at| known.deliveries.get(at).copied()));
    (!missing.iter().any(is_told)).then(|| Astray { missing: of.collect(), fewer: missing.len(), surplus })
}

/// The id from which a client goes on.
fn reading_from(known: Known<'_>) -> Option<&str> {
    known.open.sent_id.as_deref().filter(|id| !id.is_empty())
}

/// Whether an event is about this scenario's deliveries: on a stream for all, others are told of as well.
fn is_ours(block: &Block, known: Known<'_>) -> bool {
    is_telling(known.form, block) && (known.form.of.is_some() || !told_by(known.form, block, known.deliveries).is_empty())
}

/// The deliveries that are due; those before a client that begins with what comes from now on are not.
fn due<'a>(names: &[String], step: &StreamStep, reading: &StreamReading, known: Known<'a>) -> Vec<&'a Tellable> {
    let from_now_on = known.form.begins == Begins::Now && reading_from(known).is_none() && !step.expects_unknown();
    let all = names.iter().flat_map(|name| known.bindings.all(name));
    let of = |record: &Record| known.deliveries.iter().copied().find(|one| is_same(&one.record, record));
    all.filter_map(of).filter(|one| !(from_now_on && one.record.answered_at <= reading.sent_at)).collect()
}

/// Whether two are deliveries of one key and body.
fn is_same(one: &Record, other: &Record) -> bool {
    one.key == other.key && one.sha256 == other.sha256
}

/// The longest silence against the heartbeat that is promised.
fn silence(reading: &StreamReading, beat: Duration) -> Option<Mismatch> {
    let instants = reading.blocks.iter().map(|(at, _)| *at).chain((!reading.is_over()).then_some(reading.times.over));
    let mut before = reading.times.heard.max(reading.times.opened);
    let mut longest = 0;
    for at in instants {
        longest = longest.max(at.saturating_sub(before));
        before = before.max(at);
    }
    let silent = Duration::from_micros(longest.saturating_sub(reading.times.own_delay));
    let observed = format!("nothing for {} ms", silent.as_millis());
    (silent > patience_with(beat)).then(|| about("silence", format!("something every {}", span::write(beat)), observed))
}

/// How long a heartbeat is waited for before it is called missing.
#[must_use]
pub fn patience_with(beat: Duration) -> Duration {
    beat.saturating_add(beat / 4).saturating_add(LATE_HEARTBEAT)
}

/// What is due to a client whose id is not kept: nothing but an answer, where the contract has one for it.
pub(super) fn answer_to_unknown(form: &EventStream) -> Option<u16> {
    match form.unknown.then {
        Then::NoContent => Some(204),
        Then::Refused => Some(form.unknown.status.unwrap_or(410)),
        Then::Reset | Then::Replay => None,
    }
}

/// What events tell of, in words.
pub(super) fn tells<'b, B: Iterator<Item = &'b Block>>(blocks: B, known: Known<'_>) -> String {
    let mut all: Vec<String> = blocks
        .map(|block| match told_by(known.form, block, known.deliveries).first() {
            Some(at) => name_of(&known.deliveries[*at].record, known),
            None => quoted(&block.bytes),
        })
        .collect();
    let count = all.len();
    if count > TOLD {
        all.truncate(TOLD);
        all.push(format!("… ({count})"));
    }
    if all.is_empty() { "no event".to_owned() } else { format!("events of {}", all.join(", ")) }
}

fn tells_due(due: &[&Tellable], known: Known<'_>) -> String {
    let all: Vec<String> = due.iter().map(|one| name_of(&one.record, known)).collect();
    if all.is_empty() { "no event".to_owned() } else { format!("events of {}", all.join(", ")) }
}

/// What a scenario calls a delivery.
fn name_of(record: &Record, known: Known<'_>) -> String {
    let all = &known.bindings.deliveries;
    let name = all.iter().find(|(_, of)| of.iter().any(|one| is_same(one, record))).map(|(name, of)| (name, of.len() > 1));
    match name {
        Some((name, false)) => format!("`{name}`"),
        Some((name, true)) => format!("`{name} ({})`", record.key),
        None => format!("`{}`", record.key),
    }
}

/// How a reading ended, in words.
pub(super) fn ended(reading: &StreamReading) -> String {
    let after = reading.times.over / 1_000;
    match &reading.end {
        StreamEnd::Open | StreamEnd::Waited => format!("and nothing more within {after} ms"),
        StreamEnd::Receiver => format!("and its end after {after} ms"),
        StreamEnd::Cut => "and it was cut".to_owned(),
        StreamEnd::Broken(cause) => format!("and it broke off: {cause}"),
    }
}

/// Lines of a stream in one line.
pub(super) fn quoted(bytes: &[u8]) -> String {
    const LONGEST: usize = 300;
    let text = String::from_utf8_lossy(bytes).replace('\n', " ⏎ ").replace('`', "'");
    let is_long = text.chars().count() > LONGEST;
    if is_long { format!("`{}…`", text.chars().take(LONGEST).collect::<String>()) } else { format!("`{text}`") }
}

fn lines(blocks: &[&[u8]]) -> String {
    let all: Vec<String> = blocks.iter().take(TOLD).map(|bytes| quoted(bytes)).collect();
    if all.is_empty() { "no event".to_owned() } else { all.join("\n") }
}

/// The head of a reading, in words.
pub(super) fn head_told(reading: &StreamReading) -> String {
    match &reading.head {
        Ok(answer) if answer.body.is_empty() => {
            format!("{} {}", answer.status, answer.header("content-type").unwrap_or_default()).trim_end().to_owned()
        }
        Ok(_) | Err(_) => describe(&reading.head),
    }
}

#[cfg(test)]
mod tests;
