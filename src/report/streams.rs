//! Streams of a scenario: how many were opened, what came on them, and when, side by side with its deliveries.
//!
//! In: what a step has read of an event stream, piece by piece. Out: counts, and lanes for the timeline, which are kept where somebody
//! asks who told what when: where the scenario did not pass.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::timeline::{MOST, TimelineSpan};

/// So many marks a stream has at the most; more say nothing to the eye.
pub const MOST_MARKS: usize = 200;

/// The event streams of a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StreamsFacts {
    /// How many were opened.
    pub opened: usize,
    /// How many events came on them.
    pub events: usize,
    /// Deliveries and streams one by one, where the scenario did not pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lanes: Vec<TimelineSpan>,
}

/// What is beside the time of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StreamLane {
    /// The step that opened it, from 1.
    pub step: usize,
    /// What the scenario calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The id with which it was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_event_id: Option<String>,
    /// What came on it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<StreamMark>,
}

/// Something that came on a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StreamMark {
    /// When it had come, in microseconds since the first delivery.
    pub at_us: u64,
    /// The name of the event; absent of a comment, or of fields without data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Its own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The key of the delivery that it tells of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl StreamsFacts {
    /// A delivery was made.
    pub fn delivered(&mut self, lane: TimelineSpan) {
        if self.lanes.len() < MOST {
            self.lanes.push(lane);
        }
    }

    /// Something was read of a stream.
    ///
    /// * `lane`: the stream, as it is now, with what has come just now; * `events`: how many events that were, of which the lane may
    ///   have fewer;
    /// * `is_new`: whether it was opened for it.
    pub fn read(&mut self, lane: TimelineSpan, events: usize, is_new: bool) {
        let Some(stream) = &lane.stream else { return };
        self.opened += usize::from(is_new);
        self.events += events;
        let is_it =
            |known: &&mut TimelineSpan| known.stream.as_ref().is_some_and(|known| known.name == stream.name && known.name.is_some());
        let has_room = self.lanes.len() < MOST;
        match self.lanes.iter_mut().rfind(is_it).filter(|_| !is_new) {
            Some(known) => {
                (known.took_us, known.got) = (lane.took_us, lane.got);
                if let (Some(of), Some(more)) = (&mut known.stream, lane.stream) {
                    let room = MOST_MARKS.saturating_sub(of.marks.len());
                    of.marks.extend(more.marks.into_iter().take(room));
                }
            }
            None if has_room => self.lanes.push(lane),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_MARKS, StreamLane, StreamMark, StreamsFacts};
    use crate::report::timeline::{MOST, TimelineSpan};

    fn lane(name: Option<&str>, marks: usize) -> TimelineSpan {
        let mark = |at| StreamMark { at_us: at, event: Some("status".to_owned()), ..StreamMark::default() };
        let marks = (0..marks as u64).map(mark).collect();
        let stream = StreamLane { step: 1, name: name.map(str::to_owned), last_event_id: None, marks };
        TimelineSpan { got: "open".to_owned(), stream: Some(stream), ..TimelineSpan::default() }
    }

    /// What is read on stands in the lane of the stream that was opened last under its name; one without a name has a lane of its own.
    #[test]
    fn what_is_read_on_is_of_the_same_lane() {
        let mut facts = StreamsFacts::default();
        facts.read(lane(Some("s"), 1), 1, true);
        facts.read(lane(Some("s"), 2), 2, true);
        facts.read(lane(Some("s"), 3), 2, false);
        facts.read(lane(None, 0), 0, true);
        facts.read(lane(None, 1), 1, false);
        assert_eq!((facts.opened, facts.events), (3, 6));
        let marks: Vec<usize> = facts.lanes.iter().filter_map(|lane| lane.stream.as_ref()).map(|one| one.marks.len()).collect();
        assert_eq!(marks, [1, 5, 0, 1]);
    }

    /// However much comes, a lane and a drawing stay small; everything is counted.
    #[test]
    fn lanes_are_bounded() {
        let mut facts = StreamsFacts::default();
        facts.read(lane(Some("s"), MOST_MARKS - 1), 10 * MOST_MARKS, true);
        facts.read(lane(Some("s"), 10), 10, false);
        (0..2 * MOST).for_each(|_| facts.delivered(TimelineSpan::default()));
        facts.read(lane(Some("late"), 1), 1, true);
        assert_eq!((facts.opened, facts.events, facts.lanes.len()), (2, 10 * MOST_MARKS + 11, MOST));
        assert_eq!(facts.lanes[0].stream.as_ref().map(|one| one.marks.len()), Some(MOST_MARKS));
    }
}
