//! Eviction: what is due to a client that comes back after many events.
//!
//! A contract says how many events of a stream are kept at least (`stream.keeps`). As long as no more have followed, an id is as good as
//! new, and all that followed it comes. After more of them the receiver may still have it, or answers as it does for an id that it does
//! not keep, and then all that it keeps comes. What never comes is a part of it and no word of the rest.

use super::tellable::{Tellable, data_of};
use super::{Known, about, answer_to_unknown, ended, is_ours, reading_from, tells, tells_due, times};
use crate::contract::stream::{EventStream, Then};
use crate::event_stream::Block;
use crate::history::stream::StreamReading;
use crate::judge::check::Mismatch;
use crate::scenario::stream::StreamStep;

/// The deliveries behind the one whose event has the id with which the stream was opened.
fn behind<'a>(known: Known<'a>) -> Option<&'a [&'a Tellable]> {
    let id = reading_from(known)?;
    let at = known.before.iter().find(|told| told.id == id)?.of?;
    known.deliveries.get(at + 1..)
}

/// Whether the event of the id with which the stream was opened may be gone by now; on a stream for all nobody knows what others did.
pub(super) fn may_be_evicted(known: Known<'_>) -> bool {
    known.form.of.is_none() || behind(known).is_some_and(|behind| behind.len() >= known.form.keeps)
}

/// Holds what came to such a client against what was due.
pub(super) fn judge(step: &StreamStep, reading: &StreamReading, known: Known<'_>) -> Option<Mismatch> {
    let form = known.form;
    let behind = behind(known)?;
    let came: Vec<&Block> = reading.blocks.iter().map(|(_, block)| block).filter(|block| is_ours(block, known)).collect();
    let is_it = |block: &Block, one: &Tellable| one.is_told_by(form, block, data_of(block).as_ref());
    let tells_all_of = |due: &[&Tellable]| came.len() == due.len() && came.iter().zip(due).all(|(block, one)| is_it(block, one));
    let has_reset = reading.blocks.iter().any(|(_, block)| is_reset(form, block));
    let observed = || {
        let told = format!("{}; {}", tells(came.iter().copied(), known), ended(reading));
        if has_reset { format!("`{}` first: {told}", form.reset_event()) } else { told }
    };
    if !may_be_evicted(known) {
        if has_reset {
            return Some(about("reset", tells_due(behind, known), observed()));
        }
        let astray = || times(&came, behind, form).code(step, reading, known);
        return (!tells_all_of(behind)).then(|| Mismatch::must(tells_due(behind, known), observed()).of(astray()));
    }
    // Whoever has kept it all tells it all.
    if !has_reset && tells_all_of(behind) {
        return None;
    }
    let says_so = match form.unknown.then {
        Then::Reset => has_reset,
        Then::Replay => true,
        Then::NoContent | Then::Refused => false,
    };
    let all = known.deliveries;
    let fewest = if form.of.is_some() { form.keeps.min(all.len()) } else { 0 };
    let newest = all.len().checked_sub(came.len()).and_then(|from| all.get(from..));
    if says_so && came.len() >= fewest && newest.is_some_and(tells_all_of) {
        return None;
    }
    let declared = match (form.unknown.then, answer_to_unknown(form)) {
        (Then::Reset, _) => format!("`{}` and the newest {} at least", form.reset_event(), form.keeps),
        (Then::Replay, _) => format!("the newest {} at least", form.keeps),
        (Then::NoContent | Then::Refused, status) => status.unwrap_or_default().to_string(),
    };
    let expected = format!("the {} events that followed, or else {declared}", behind.len());
    Some(about("unknown", expected, observed()))
}

/// Whether an event tells of a gap, as the contract has it.
fn is_reset(form: &EventStream, block: &Block) -> bool {
    form.unknown.then == Then::Reset && block.event.as_ref().is_some_and(|event| event.name == form.reset_event())
}
