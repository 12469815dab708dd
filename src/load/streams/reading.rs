//! What one subscriber of a load has read: each event of its stream, how often, and in which order.
//!
//! In: events as they come, over all of its connections. Out: whether each is the first of its delivery, came again or out of order,
//! and for every delivery how often it was told, in two bits. No socket, no clock.

use crate::history::consistency::NEVER;

/// So often an event is told apart; what comes more often is no more wrong.
pub const MOST: u8 = 3;
/// An event is quoted so far.
const QUOTED: usize = 200;

/// When a delivery was sent first, and when it was first answered as accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Microseconds since the epoch, by the load's clock.
    pub at: i64,
    /// The same; `NEVER` until then.
    pub accepted: i64,
}

impl Default for Sent {
    fn default() -> Self {
        Self { at: NEVER, accepted: NEVER }
    }
}

/// What an event is to its subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// The first of its delivery, where it belongs.
    First,
    /// The first, behind one that should have come later.
    OutOfOrder,
    /// Once more.
    Again,
    /// Once more, as it may: everything that is kept is told again.
    Replayed,
}

/// What is wrong, the first time it is: which event, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The event's place in its stream, where it has one.
    pub place: Option<usize>,
    /// What is wrong.
    pub why: String,
}

/// What one subscriber has read.
#[derive(Debug, Default)]
pub struct Reading {
    /// Which stream.
    pub stream: usize,
    /// The id in force.
    pub last_id: String,
    /// Whether an event came on the connection that is open.
    pub is_begun: bool,
    /// Whether it was open and nothing came for a while, after the deliveries ended.
    pub is_silent: bool,
    /// Whether it was ever open.
    pub was_open: bool,
    /// What kept it from being open, when it was tried last.
    pub shut: Option<String>,
    /// Whether what kept it so was an answer.
    pub is_refused: bool,
    /// Events of deliveries that were sent before this instant may have been evicted, and it was told so.
    pub excused_before: i64,
    /// How many events came once more, with an id that had come before.
    pub doubled: u64,
    /// How many came out of order.
    pub out_of_order: u64,
    /// How many tell of no delivery of this stream.
    pub strange: u64,
    /// How many tell of deliveries that are nobody's here.
    pub others: u64,
    /// How many ids were not known any more that should have been.
    pub forgotten: u64,
    /// The first of each kind.
    pub examples: Vec<(&'static str, Example)>,
    counts: Vec<u8>,
    different: u64,
    ids_rise: bool,
    highest: Option<u128>,
    latest: i64,
    is_replaying: bool,
}

impl Reading {
    /// Nothing yet, of this stream.
    ///
    /// * `ids_rise`: whether ids are numbers that say the order.
    #[must_use]
    pub fn new(stream: usize, ids_rise: bool) -> Self {
        Self { stream, ids_rise, excused_before: i64::MIN, latest: i64::MIN, ..Self::default() }
    }

    /// How many deliveries it has read of.
    #[must_use]
    pub fn different(&self) -> u64 {
        self.different
    }

    /// How often it has read of the delivery with this place in its stream, up to [`MOST`].
    #[must_use]
    pub fn count(&self, place: usize) -> u8 {
        self.counts.get(place / 4).map_or(0, |four| (four >> (place % 4 * 2)) & MOST)
    }

    /// Whether it has read of a delivery that was sent when this one had been accepted.
    #[must_use]
    pub fn is_past(&self, sent: Sent) -> bool {
        sent.accepted < self.latest
    }

    /// An event of the delivery with this place in its stream.
    ///
    /// * `id`: the event's own; empty without one.
    /// * `now`, and whether what is kept may be told from its beginning, because the id that was brought was evicted.
    pub fn event(&mut self, (place, sent): (usize, Sent), id: &str, (now, may_replay): (i64, bool)) -> Came {
        let number = id.parse::<u128>().ok().filter(|_| self.ids_rise);
        let is_behind = number.zip(self.highest).is_some_and(|(number, highest)| number <= highest);
        let was_seen = self.count(place) > 0;
        if may_replay && was_seen {
            (self.is_replaying, self.excused_before) = (true, now);
        }
        if self.is_replaying {
            if was_seen && (number.is_none() || is_behind) {
                return Came::Replayed;
            }
            self.is_replaying &= is_behind;
        } else if was_seen && is_behind {
            self.doubled += 1;
            self.note("doubled", Some(place), || format!("the event with id {id} came once more"));
            return Came::Again;
        }
        let told_late = self.is_past(sent) && sent.at > self.excused_before;
        let is_late = !was_seen && !self.is_replaying && (is_behind || told_late);
        self.add(place);
        self.latest = self.latest.max(sent.at);
        self.highest = self.highest.max(number);
        if is_late {
            self.out_of_order += 1;
            let why = if is_behind { "one with a higher id" } else { "that of a delivery which was sent when this one had been accepted" };
            self.note("out of order", Some(place), || format!("the event with id {id} came behind {why}"));
            return Came::OutOfOrder;
        }
        Came::First
    }

    /// An event that tells of no delivery of this stream.
    pub fn note_strange(&mut self, id: &str, data: &str) {
        self.strange += 1;
        let data: String = data.chars().take(QUOTED).collect();
        self.note("strange", None, || format!("the event with id `{id}` tells of no delivery of its stream: {data}"));
    }

    /// It is told that the id it brought is not kept: everything that is kept is told anew.
    ///
    /// * `is_told_in_time`: whether so much was published since that it may have been evicted.
    pub fn start_anew(&mut self, is_told_in_time: bool, now: i64, path: &str) {
        self.is_replaying = true;
        if is_told_in_time {
            self.excused_before = now;
        } else {
            self.forgotten += 1;
            let id = self.last_id.clone();
            self.note("forgotten", None, || format!("{path} does not know the id {id} any more, which is among those that are kept"));
        }
    }

    fn note(&mut self, kind: &'static str, place: Option<usize>, why: impl FnOnce() -> String) {
        if !self.examples.iter().any(|(known, _)| *known == kind) {
            self.examples.push((kind, Example { place, why: why() }));
        }
    }

    fn add(&mut self, place: usize) {
        if self.counts.len() <= place / 4 {
            self.counts.resize(place / 4 + 1, 0);
        }
        let count = self.count(place);
        if count == 0 {
            self.different += 1;
        }
        if count < MOST {
            self.counts[place / 4] += 1 << (place % 4 * 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Came, Reading, Sent};

    /// Events `place:id` in this order, each delivery sent at ten times its place and accepted five later: what each is.
    fn read(reading: &mut Reading, events: &str, may_replay: bool) -> Vec<Came> {
        let one = |event: &str| {
            let (place, id) = event.split_once(':').expect("a place and an id");
            let at = 10 * place.parse::<i64>().expect("a number");
            let place: usize = place.parse().expect("a number");
            let sent = Sent { at, accepted: at + 5 };
            reading.event((place, sent), id, (1_000, may_replay))
        };
        events.split(' ').map(one).collect()
    }

    #[test]
    fn events_are_told_apart() {
        use Came::{Again, First, OutOfOrder, Replayed};
        let came = |events: &str| read(&mut Reading::new(0, true), events, false);
        assert_eq!(came("0:1 1:2 2:3"), [First, First, First]);
        // The same event again, at once or later.
        assert_eq!(came("0:1 0:1 1:2 0:1"), [First, Again, First, Again]);
        // Its delivery told once more, with an id of its own: how often that may be is the history's to say.
        assert_eq!(came("0:1 0:2"), [First, First]);
        // Ids that fall, and ids that rise in another order than acceptances.
        assert_eq!(came("1:5 0:4 2:6"), [First, OutOfOrder, First]);
        assert_eq!(came("1:5 0:6"), [First, OutOfOrder]);
        // Ids that are no numbers have no order of their own.
        assert_eq!(came("0:b 1:a 1:a"), [First, First, First]);
        // Numbers are compared as numbers.
        assert_eq!(came("0:9 1:10"), [First, First]);
        let mut replayed = Reading::new(0, true);
        assert_eq!(read(&mut replayed, "0:1 1:2 2:3", false), [First; 3]);
        assert_eq!(read(&mut replayed, "1:2", true), [Replayed]);
        assert_eq!(read(&mut replayed, "2:3 5:9 5:9", false), [Replayed, First, Again]);
        assert_eq!((replayed.excused_before, replayed.doubled, replayed.out_of_order), (1_000, 1, 0));
    }

    /// Deliveries that overlap have no order.
    #[test]
    fn what_overlaps_has_no_order() {
        let mut reading = Reading::new(0, true);
        let sent = |at, accepted| Sent { at, accepted };
        assert_eq!(reading.event((0, sent(20, 30)), "1", (0, false)), Came::First);
        assert_eq!(reading.event((1, sent(10, 20)), "2", (0, false)), Came::First);
        assert_eq!(reading.event((2, sent(10, 19)), "3", (0, false)), Came::OutOfOrder);
        assert_eq!(reading.event((3, sent(10, i64::MAX)), "4", (0, false)), Came::First);
    }

    /// An id that is not known any more is told in time, or was forgotten; counts end at three.
    #[test]
    fn what_starts_anew_is_excused_in_time() {
        let mut reading = Reading::new(0, true);
        read(&mut reading, "0:1 1:2", false);
        reading.start_anew(true, 15, "/s");
        assert_eq!((reading.forgotten, reading.excused_before), (0, 15));
        assert_eq!(read(&mut reading, "0:1 1:2 4:7", false), [Came::Replayed, Came::Replayed, Came::First]);
        reading.start_anew(false, 99, "/s");
        assert_eq!((reading.forgotten, reading.excused_before, reading.different()), (1, 15, 3));
        read(&mut reading, "9:20 9:21 9:22 9:23 9:24", false);
        assert_eq!([0, 1, 2, 4, 9].map(|place| reading.count(place)), [1, 1, 0, 1, 3]);
    }
}
