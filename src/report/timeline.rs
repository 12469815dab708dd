//! Lanes: deliveries that were under way at the same time, each on a line of its own.
//!
//! In: when each was sent, how long its answer took, what it got; of an event stream, what came on it and when. Out: a drawing
//! that shows who overlapped whom, with the same in a table beside it, for those who cannot see it.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::language::Language;
use super::streams::{StreamLane, StreamMark};
use super::words::duration;

/// More lanes than this say nothing to the eye.
pub const MOST: usize = 64;

const WIDTH: f64 = 520.0;
const LEFT: f64 = 8.0;
const HIGH: f64 = 18.0;
const TOP: f64 = 4.0;
const BOTTOM: f64 = 22.0;
/// A delivery is never drawn thinner.
const THINNEST: f64 = 3.0;
/// So much room an answer's name takes beside its bar.
const BESIDE: f64 = 150.0;
/// The line of a stream.
const LINE: f64 = 3.0;
/// An event on it, from its middle; something else is half as large.
const DOT: f64 = 4.0;

/// One delivery, or one event stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineSpan {
    /// The key; of a stream, its path.
    pub key: String,
    /// When it was sent, in microseconds since the first one.
    pub start_us: u64,
    /// How long its answer took; absent when none came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_us: Option<u64>,
    /// What it got: `accepted`, `duplicate`, `401`, `no answer`; of a stream also `open`, `ended`, `cut`, `broken`.
    pub got: String,
    /// Where it is an event stream: what came on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamLane>,
}

impl TimelineSpan {
    fn end(&self) -> u64 {
        self.start_us.saturating_add(self.took_us.unwrap_or(0))
    }

    /// How long it took, in words.
    #[must_use]
    pub fn took(&self, language: Language) -> String {
        self.took_us.map_or_else(|| language.say("got-no-answer"), duration)
    }

    /// What it got, in words.
    #[must_use]
    pub fn got(&self, language: Language) -> String {
        match self.got.as_str() {
            "accepted" => language.say("got-accepted"),
            "duplicate" => language.say("got-duplicate"),
            "no answer" => language.say("got-no-answer"),
            "open" => language.say("got-open"),
            "ended" => language.say("got-ended"),
            "cut" => language.say("got-cut"),
            "broken" => language.say("got-broken"),
            other => other.to_owned(),
        }
    }
}

/// The drawing; its colours are the page's.
#[must_use]
pub fn svg(lanes: &[TimelineSpan], language: Language) -> String {
    let marked = |lane: &TimelineSpan| lane.stream.iter().flat_map(|stream| &stream.marks).map(|mark| mark.at_us).max().unwrap_or(0);
    let far = lanes.iter().map(|lane| lane.end().max(marked(lane))).max().unwrap_or(0).max(1) as f64;
    let height = TOP + HIGH * lanes.len() as f64 + BOTTOM;
    let room = WIDTH - LEFT - BESIDE;
    let at = |us: u64| LEFT + us as f64 / far * room;
    let title = title(lanes, &duration(far as u64), language);
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">", escaped(&title));
    for (row, lane) in lanes.iter().enumerate() {
        let y = TOP + HIGH * row as f64;
        // What was never answered goes to the edge.
        let end = if lane.took_us.is_some() { at(lane.end()) } else { LEFT + room };
        let (x, width) = (at(lane.start_us), (end - at(lane.start_us)).max(THINNEST));
        let (colour, thick) = match (lane.got.as_str(), &lane.stream) {
            (_, Some(_)) => ("s", LINE),
            ("accepted", None) => ("a", HIGH - 6.0),
            ("duplicate", None) => ("c", HIGH - 6.0),
            (_, None) => ("b", HIGH - 6.0),
        };
        let _ = write!(
            svg,
            "<rect class=\"{colour}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{thick:.1}\" rx=\"2\"/>",
            y + (HIGH - thick) / 2.0,
        );
        for mark in lane.stream.iter().flat_map(|stream| &stream.marks) {
            svg.push_str(&dot(mark, at(mark.at_us), y + HIGH / 2.0));
        }
        let _ = write!(svg, "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>", x + width + 6.0, y + HIGH - 5.0, escaped(&lane.got(language)));
    }
    let base = height - BOTTOM + 2.0;
    let _ = write!(svg, "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{base}\" y2=\"{base}\"/>", LEFT + room);
    let _ = write!(svg, "<text x=\"{LEFT}\" y=\"{:.1}\">0</text>", height - 5.0);
    let _ =
        write!(svg, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text></svg>", LEFT + room, height - 5.0, duration(far as u64));
    svg
}

/// What the drawing shows, in words.
fn title(lanes: &[TimelineSpan], took: &str, language: Language) -> String {
    let accepted = lanes.iter().filter(|lane| lane.got == "accepted").count();
    let streams = lanes.iter().filter(|lane| lane.stream.is_some()).count();
    let events = lanes.iter().flat_map(|lane| &lane.stream).flat_map(|stream| &stream.marks).filter(|mark| mark.event.is_some()).count();
    let deliveries = lanes.len() - streams;
    let facts = [("deliveries", deliveries.into()), ("took", took.into()), ("accepted", accepted.into())];
    if streams == 0 {
        return language.with("page-lanes", &facts);
    }
    let of_streams = [("streams", streams.into()), ("events", events.into())];
    language.with("page-lanes-streams", &[&facts[..], &of_streams].concat())
}

/// Something that came on a stream, where it came.
fn dot(mark: &StreamMark, x: f64, y: f64) -> String {
    let (class, size) = if mark.key.is_some() { ("e", DOT) } else { ("o", DOT / 2.0) };
    format!("<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{size}\"><title>{}</title></circle>", escaped(&mark.told()))
}

impl StreamMark {
    /// What it is, in words of its own: `status 7: key`.
    #[must_use]
    pub fn told(&self) -> String {
        let event = self.event.as_deref().unwrap_or(":");
        let words = [Some(event), self.id.as_deref(), self.key.as_deref()];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_delivery_has_a_bar_inside_the_drawing() {
        let lane =
            |start_us, took_us, got: &str| TimelineSpan { key: "k".to_owned(), start_us, took_us, got: got.to_owned(), stream: None };
        let drawing = svg(&[lane(0, Some(1_000), "accepted"), lane(10, None, "no answer"), lane(500, Some(0), "<409>")], Language::En);
        assert_eq!(drawing.matches("<rect").count(), 3);
        assert!(drawing.contains("aria-label=\"3 deliveries over 1.0 ms, 1 of them accepted as new\""), "{drawing}");
        assert!(drawing.contains("&lt;409&gt;") && !drawing.contains("NaN"), "{drawing}");
        for bar in drawing.split("<rect").skip(1) {
            let number = |name: &str| {
                bar.split(&format!("{name}=\"")).nth(1).and_then(|rest| rest.split('"').next()).and_then(|text| text.parse::<f64>().ok())
            };
            let (x, width) = (number(" x").expect("x"), number(" width").expect("width"));
            assert!(x >= LEFT && width >= THINNEST && x + width <= WIDTH - BESIDE + THINNEST, "{bar}");
        }
        assert!(svg(&[], Language::En).starts_with("<svg"));
    }

    /// A stream is a line with what came on it, inside the drawing also where it came after all that was asked.
    #[test]
    fn streams_are_lines_with_what_came_on_them() {
        let mark = |at_us, event: Option<&str>, key: Option<&str>| StreamMark {
            at_us,
            event: event.map(str::to_owned),
            id: Some("<7>".to_owned()),
            key: key.map(str::to_owned),
        };
        let marks = vec![mark(400, Some("status"), Some("k")), mark(900, None, None), mark(2_000, Some("reset"), None)];
        let stream = StreamLane { step: 2, name: Some("s".to_owned()), last_event_id: None, marks };
        let of_stream = TimelineSpan {
            key: "/jobs/7/events".to_owned(),
            start_us: 300,
            took_us: Some(1_000),
            got: "cut".to_owned(),
            stream: Some(stream),
        };
        let delivery = TimelineSpan { key: "k".to_owned(), start_us: 0, took_us: Some(350), got: "accepted".to_owned(), stream: None };
        let drawing = svg(&[delivery, of_stream], Language::En);
        let count = |what: &str| drawing.matches(what).count();
        assert_eq!((count("<circle class=\"e\""), count("<circle class=\"o\""), count("<rect class=\"s\"")), (1, 2, 1), "{drawing}");
        let said = "aria-label=\"1 deliveries, 1 of them accepted as new, and 1 event streams with 2 events over 2.0 ms\"";
        assert!(
            drawing.contains(said) && drawing.contains("<title>status &lt;7&gt; k</title>") && drawing.contains(">cut by us<"),
            "{drawing}"
        );
        for dot in drawing.split("cx=\"").skip(1) {
            let x: f64 = dot.split('"').next().and_then(|text| text.parse().ok()).expect("a number");
            assert!((LEFT..=WIDTH - BESIDE).contains(&x), "{dot}");
        }
    }
}
