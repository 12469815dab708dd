//! Events astray: what kind of thing it is when events do not tell of the deliveries that were due.
//!
//! In: a reading, the deliveries whose events are missing in it, and whether there are others. Out: a code. An event that is missing was
//! told to nobody, or to others only, or to everybody but a client that came back; or nothing came at all, which says nothing of events.
//! What shows that an event was passed over is a sign of life behind it: a comment, or the event of a delivery that was sent later.

use std::time::Duration;

use super::tellable::Tellable;
use super::{Known, answer_to_unknown, is_telling, told_by};
use crate::clock::UnixMicros;
use crate::contract::stream::Then;
use crate::event_stream::Block;
use crate::history::stream::{StreamEnd, StreamReading};
use crate::outcome::mismatch::{Kind, MismatchCode};
use crate::scenario::stream::StreamStep;

/// Events that are missing in a reading, and whether others are there.
pub(super) struct Astray<'a> {
    /// The deliveries that are not told of, as far as they are known.
    pub(super) missing: Vec<&'a Tellable>,
    /// How many events are missing.
    pub(super) fewer: usize,
    /// Whether events came that are not due, or not so often.
    pub(super) surplus: bool,
}

impl Astray<'_> {
    /// What kind of thing it is.
    pub(super) fn code(&self, step: &StreamStep, reading: &StreamReading, known: Known<'_>) -> MismatchCode {
        let client = Client::of(step, reading, known);
        // Who waits for a number of events reads no further than surplus ones.
        let is_hidden = self.surplus && reading.end == StreamEnd::Open;
        if self.fewer == 0 || is_hidden {
            // What comes on a connection that has told of deliveries before does not come because somebody came back.
            let surplus = if known.open.has_told && !reading.opened { "twice" } else { client.surplus() };
            return code(if self.surplus { surplus } else { "order" }, None);
        }
        match reading.end {
            StreamEnd::Receiver | StreamEnd::Broken(_) => return code("cut-short", None),
            StreamEnd::Open | StreamEnd::Waited | StreamEnd::Cut => {}
        }
        let alive = sign_of_life(reading, known);
        let is_passed_over = |one: &&Tellable| alive.is_some_and(|alive| alive > one.record.answered_at);
        let passed_over: Vec<&Tellable> = self.missing.iter().copied().filter(is_passed_over).collect();
        let waits = reading.end == StreamEnd::Waited && passed_over.is_empty() && !self.missing.is_empty();
        let looked_at = if passed_over.is_empty() { &self.missing } else { &passed_over };
        let told = || known.before.iter().filter_map(|told| told.of.and_then(|at| known.deliveries.get(at)));
        let is_told = |one: &&Tellable| told().any(|of| std::ptr::eq(*of, *one));
        let part = match client {
            Client::New if looked_at.iter().any(is_told) || known.open.has_others => "missed",
            Client::New => "lost",
            Client::ComesBack => "gap",
            Client::Unknown => "unknown",
        };
        let has_told = !known.before.is_empty() || reading.blocks.iter().any(|(_, block)| is_telling(known.form, block));
        if waits && !has_told {
            return code("stuck", Some(part));
        }
        let may_be_others = part == "missed" && !looked_at.iter().any(is_told);
        code(part, if waits { Some("stuck") } else { may_be_others.then_some("maybe") })
    }
}

fn code(part: &str, role: Option<&str>) -> MismatchCode {
    MismatchCode { table: Some(part.to_owned()), role: role.map(str::to_owned), ..MismatchCode::of(Kind::Stream) }
}

/// How a client came to a stream.
#[derive(Clone, Copy)]
enum Client {
    /// Without an id, or with one that is not kept, and was told so.
    New,
    /// With an id.
    ComesBack,
    /// With an id that is not kept, and was not told so.
    Unknown,
}

impl Client {
    fn of(step: &StreamStep, reading: &StreamReading, known: Known<'_>) -> Self {
        let resets = known.form.unknown.then == Then::Reset && answer_to_unknown(known.form).is_none();
        let is_reset = |block: &Block| block.event.as_ref().is_some_and(|event| event.name == known.form.reset_event());
        if !step.expects_unknown() {
            return if known.open.sent_id.is_some() { Self::ComesBack } else { Self::New };
        }
        if resets && reading.blocks.iter().any(|(_, block)| is_reset(block)) { Self::New } else { Self::Unknown }
    }

    fn surplus(self) -> &'static str {
        match self {
            Self::New => "twice",
            Self::ComesBack => "retold",
            Self::Unknown => "unknown",
        }
    }
}

/// The latest instant of which it is known that whatever had been answered before it was due by then.
fn sign_of_life(reading: &StreamReading, known: Known<'_>) -> Option<UnixMicros> {
    let sign = |(at, block): &(u64, Block)| {
        if !is_telling(known.form, block) {
            return Some(reading.sent_at.plus(Duration::from_micros(*at)));
        }
        let of = told_by(known.form, block, known.deliveries);
        of.first().map(|at| known.deliveries[*at].record.sent_at)
    };
    reading.blocks.iter().filter_map(sign).max()
}
