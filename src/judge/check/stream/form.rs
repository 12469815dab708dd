//! The form of a stream: what each is held to, whatever a step expects of it.
//!
//! By the WHATWG's HTML standard, section 9.2, and by what the contract says of its streams.

use super::evicted::may_be_evicted;
use super::{Known, about, answer_to_unknown, ended, head_told, id_of, is_telling, quoted, tells, told_by};
use crate::contract::Level;
use crate::contract::stream::{AfterEnd, EventStream, Ids, Then};
use crate::delivery::{Answer, NoAnswer};
use crate::event_stream::{Block, Id, Retry};
use crate::history::stream::{StreamEnd, StreamReading};
use crate::judge::check::Mismatch;
use crate::judge::check::stream::tellable::data_of;
use crate::scenario::stream::StreamStep;

/// Holds the head of an answer against what was due: whether a stream follows.
pub(super) fn head(step: &StreamStep, reading: &StreamReading, known: Known<'_>, wrong: &mut Vec<Mismatch>) -> bool {
    let form = known.form;
    let answer = match &reading.head {
        Ok(answer) => answer,
        Err(none @ NoAnswer::TimedOut { .. }) => {
            wrong.push(about("held-back", "the head of the stream at once", none.to_string()));
            return false;
        }
        Err(none) => {
            wrong.push(about("answer", "200 text/event-stream", none.to_string()));
            return false;
        }
    };
    if is_turned_away(form, answer) {
        wrong.push(about("place", "200 text/event-stream", head_told(reading)));
        return false;
    }
    let repeats = form.finished.as_ref().is_some_and(|finished| finished.then == AfterEnd::RepeatsLast);
    let (due, part) = if step.expects_unknown() {
        (answer_to_unknown(form), "unknown")
    } else if step.expects_finished() {
        ((!repeats).then_some(204), "finished")
    } else if step.expects_evicted() {
        (None, "unknown")
    } else if step.after_leaving.is_some() || step.clients.is_some() {
        // Others have gone, or are there beside it: who is turned away has no place.
        (None, "place")
    } else {
        (None, "answer")
    };
    if let Some(status) = due {
        if answer.status != status {
            let came = reading.blocks.iter().map(|(_, block)| block).filter(|block| is_telling(form, block));
            let more = if answer.status == 200 { format!(", {}; {}", tells(came, known), ended(reading)) } else { String::new() };
            wrong.push(about(part, status.to_string(), format!("{}{more}", head_told(reading))));
        }
        return false;
    }
    // An empty id is none, or one that is not kept.
    let is_empty = known.open.sent_id.as_deref() == Some("");
    if is_empty && answer_to_unknown(form) == Some(answer.status) {
        return false;
    }
    if step.expects_evicted() && may_be_evicted(known) && answer_to_unknown(form) == Some(answer.status) {
        return false;
    }
    if answer.status != 200 {
        wrong.push(about(part, "200 text/event-stream", head_told(reading)));
        return false;
    }
    let kind = answer.header("content-type").unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("text/event-stream") {
        wrong.push(about("answer", "200 text/event-stream", head_told(reading)));
        return false;
    }
    wrong.extend(charset(&kind));
    wrong.extend(caching(answer));
    true
}

/// Whether a client is told that there is no place for it now.
#[must_use]
pub fn is_turned_away(form: &EventStream, answer: &Answer) -> bool {
    matches!(answer.status, 429 | 503) && answer_to_unknown(form) != Some(answer.status)
}

fn charset(kind: &str) -> Option<Mismatch> {
    let charset = kind.split(';').skip(1).find_map(|part| part.trim().to_ascii_lowercase().strip_prefix("charset=").map(str::to_owned))?;
    (charset.trim_matches('"') != "utf-8").then(|| about("utf-8", "`charset=utf-8`, or none", format!("`Content-Type: {kind}`")))
}

/// What may keep a stream must be told not to.
fn caching(answer: &Answer) -> Option<Mismatch> {
    let lines = answer.headers.iter().filter(|line| line.name.eq_ignore_ascii_case("cache-control"));
    let said: Vec<String> = lines.map(|line| String::from_utf8_lossy(&line.value).to_ascii_lowercase()).collect();
    let forbids = |word: &str| matches!(word.trim(), "no-cache" | "no-store");
    if said.iter().any(|line| line.split(',').any(forbids)) {
        return None;
    }
    let observed = if said.is_empty() { "no header Cache-Control".to_owned() } else { format!("`Cache-Control: {}`", said.join(", ")) };
    Some(Mismatch { level: Level::Should, ..about("caching", "`Cache-Control: no-cache`", observed) })
}

/// Holds each block against what streams and this contract's streams are.
pub(super) fn blocks(step: &StreamStep, reading: &StreamReading, known: Known<'_>, wrong: &mut Vec<Mismatch>) {
    let form = known.form;
    let mut retried = known.open.retried && !reading.opened;
    let mut told_before: Vec<(Option<usize>, &str)> = known.before.iter().map(|told| (told.of, told.id.as_str())).collect();
    let mut previous = known.open.told.last().map(|told| told.id.as_str());
    let mut is_first = reading.opened;
    let mut here: Vec<(&str, Vec<u8>)> = Vec::new();
    for (_, block) in &reading.blocks {
        if !block.is_utf8 {
            wrong.push(about("utf-8", "a stream in UTF-8", shown(block)));
        }
        match &block.retry {
            Some(Retry::NoNumber(value)) => wrong.push(about("retry", "a number of milliseconds in `retry`", format!("`retry: {value}`"))),
            Some(Retry::Millis(millis)) => {
                let due = form.retry.map(|retry| retry.0.as_millis());
                if due.is_some_and(|due| due != u128::from(*millis)) {
                    let due = due.unwrap_or_default();
                    wrong.push(about("retry", format!("retry: {due}"), format!("retry: {millis}")));
                }
            }
            None => {}
        }
        retried |= block.retry.is_some();
        if !is_telling(form, block) {
            if matches!(&block.id, Some(Id::Given(_))) {
                wrong.push(
                    misnamed(block, reading, known)
                        .unwrap_or_else(|| about("comment", "an id only where an event tells of a delivery", shown(block))),
                );
            }
            reset(step, block, known, is_first, wrong);
            is_first &= !is_reset(form, block);
            continue;
        }
        if is_first && step.expects_unknown() && form.unknown.then == Then::Reset {
            let due = format!("an event `{}`, before anything else is told", form.reset_event());
            wrong.push(about("unknown", due, shown(block)));
        }
        is_first = false;
        let of = told_by(form, block, known.deliveries);
        if of.is_empty() && form.of.is_some() && block.is_utf8 {
            wrong.push(of_nobody(block, known));
        }
        let Some(id) = id_of(block).filter(|id| !id.is_empty()) else {
            wrong.push(about("id", "an id by which it can be resumed from", shown(block)));
            continue;
        };
        if block.says_two_ids() {
            wrong.push(about("id", "one id for an event", shown(block)));
            continue;
        }
        let lines = block.event_lines();
        let is_taken = here.iter().any(|(other, known)| *other == id && *known != lines);
        if is_taken {
            // Of one that stands for two events nobody knows whether it rises.
            wrong.push(about("id", "an id of its own", shown(block)));
            continue;
        }
        wrong.extend(unlike_before(block, &lines, (id, &of), known));
        here.push((id, lines));
        if form.ids == Ids::Rising {
            wrong.extend(rising(id, previous, &of, &told_before, known));
        }
        previous = Some(id);
        told_before.push((of.first().copied(), id));
    }
    // It may stand behind the event for which the reading ended.
    let is_heard_out = match reading.end {
        StreamEnd::Waited | StreamEnd::Receiver => true,
        StreamEnd::Open => step.until.as_ref().is_some_and(|until| until.quiet.is_some()),
        StreamEnd::Cut | StreamEnd::Broken(_) => false,
    };
    let has_told = (known.open.has_told && !reading.opened) || reading.blocks.iter().any(|(_, block)| is_telling(form, block));
    if let Some(retry) = form.retry.filter(|_| is_heard_out && has_told && !retried) {
        wrong.push(about("retry", format!("retry: {}", retry.0.as_millis()), "no `retry`"));
    }
    if let (StreamEnd::Receiver, Some(left)) = (&reading.end, &reading.unfinished) {
        let observed = String::from_utf8_lossy(left).into_owned();
        if observed.lines().any(|line| line.starts_with("data") || line.starts_with("id")) {
            wrong.push(about("blank-line", "a blank line behind every event", quoted(observed.as_bytes())));
        }
    }
}

/// An event that tells of a gap: before anything that is kept, and only where there is one. Events that tell of no delivery may precede it.
fn reset(step: &StreamStep, block: &Block, known: Known<'_>, is_first: bool, wrong: &mut Vec<Mismatch>) {
    let form = known.form;
    // An empty id may be taken for one that is not kept.
    let is_due = step.expects_unknown() || step.expects_evicted() || known.open.sent_id.as_deref() == Some("");
    if is_reset(form, block) && !(is_due && is_first) {
        let part = if known.open.sent_id.is_some() && !step.expects_unknown() { "reset" } else { "unknown" };
        let due = if is_due {
            format!("one event `{}`, before anything that is kept is told", form.reset_event())
        } else {
            "nothing that tells of a gap where there is none".to_owned()
        };
        wrong.push(about(part, due, shown(block)));
    }
}

/// Whether an event tells of a gap, under a contract that has one for it.
fn is_reset(form: &EventStream, block: &Block) -> bool {
    form.unknown.then == Then::Reset && block.event.as_ref().is_some_and(|event| event.name == form.reset_event())
}

/// An event with the data and an id of one that tells of a delivery, under another name, where none has the right one.
fn misnamed(block: &Block, reading: &StreamReading, known: Known<'_>) -> Option<Mismatch> {
    let (event, data) = (block.event.as_ref()?, data_of(block));
    let of = known.deliveries.iter().find(|one| one.unlike(data.as_ref()).is_empty())?;
    let is_told = |(_, other): &(u64, Block)| of.is_told_by(known.form, other, data_of(other).as_ref());
    let is_named = !reading.blocks.iter().any(is_told);
    is_named.then(|| about("data", format!("event: {}", known.form.event), format!("event: {}", event.name)))
}

/// An event that tells of none of this stream's deliveries: of one, but otherwise, or of something else.
fn of_nobody(block: &Block, known: Known<'_>) -> Mismatch {
    let Some(data) = data_of(block) else { return about("data", "data that is a JSON object", shown(block)) };
    let near = known.deliveries.iter().map(|one| one.unlike(Some(&data))).min_by_key(Vec::len);
    match near.filter(|unlike| unlike.len() < known.form.data.len().div_ceil(2)) {
        Some(unlike) => {
            let due = unlike.iter().map(|(member, due, _)| format!("data.{member} = {due}"));
            let came = unlike.iter().map(|(member, _, came)| format!("data.{member} = {came}"));
            about("data", due.collect::<Vec<_>>().join("\n"), came.collect::<Vec<_>>().join("\n"))
        }
        None => about("foreign", "events of this stream's deliveries only", shown(block)),
    }
}

/// An event that came before must come as it was; and no two events have one id.
fn unlike_before(block: &Block, lines: &[u8], (id, of): (&str, &[usize]), known: Known<'_>) -> Option<Mismatch> {
    let same_id = known.before.iter().find(|told| told.id == id);
    if let Some(same) = same_id.filter(|same| same.lines != lines) {
        return Some(about("changed", quoted(&same.lines), shown(block)));
    }
    let same_delivery = known.before.iter().find(|told| told.of.is_some_and(|at| of == [at]));
    let other = same_delivery.filter(|other| other.id != id)?;
    Some(about("changed", format!("`id: {}`, as it was told before", other.id), format!("`id: {id}`")))
}

/// A number, above that of the event before, and above those of all deliveries that were accepted before its own.
fn rising(id: &str, previous: Option<&str>, of: &[usize], told: &[(Option<usize>, &str)], known: Known<'_>) -> Option<Mismatch> {
    let Some(number) = number(id) else { return Some(about("rising", "an id that is a decimal number", format!("`id: {id}`"))) };
    if let Some(before) = previous.filter(|before| *before != id)
        && self::number(before).is_some_and(|before| before > number)
    {
        return Some(about("rising", format!("an id above {before}"), format!("`id: {id}`")));
    }
    let [at] = of else { return None };
    let began = known.deliveries[*at].record.sent_at;
    let earlier = |(other, id): &(Option<usize>, &str)| {
        other.filter(|other| known.deliveries[*other].record.answered_at < began && other != at).and_then(|_| self::number(id))
    };
    let most = told.iter().filter_map(earlier).max().filter(|most| *most >= number)?;
    Some(about("rising", format!("an id above {most}, which a delivery before it has"), format!("`id: {id}`")))
}

/// A decimal number without a sign.
fn number(text: &str) -> Option<u128> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn shown(block: &Block) -> String {
    quoted(&block.bytes)
}
