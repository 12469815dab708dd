//! Lanes: deliveries that were under way at the same time, each on a line of its own.
//!
//! In: when each was sent, how long its answer took, what it got. Out: a drawing
//! that shows who overlapped whom, with the same in a table beside it, for
//! those who cannot see it.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::language::Language;
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

/// One delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineSpan {
    /// The key.
    pub key: String,
    /// When it was sent, in microseconds since the first one.
    pub start_us: u64,
    /// How long its answer took; absent when none came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_us: Option<u64>,
    /// What it got: `accepted`, `duplicate`, `401`, `no answer`.
    pub got: String,
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
            other => other.to_owned(),
        }
    }
}

/// The drawing; its colours are the page's.
#[must_use]
pub fn svg(lanes: &[TimelineSpan], language: Language) -> String {
    let far = lanes.iter().map(TimelineSpan::end).max().unwrap_or(0).max(1) as f64;
    let height = TOP + HIGH * lanes.len() as f64 + BOTTOM;
    let room = WIDTH - LEFT - BESIDE;
    let at = |us: u64| LEFT + us as f64 / far * room;
    let accepted = lanes.iter().filter(|lane| lane.got == "accepted").count();
    let facts = [("deliveries", lanes.len().into()), ("took", duration(far as u64).into()), ("accepted", accepted.into())];
    let title = language.with("page-lanes", &facts);
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">", escaped(&title));
    for (row, lane) in lanes.iter().enumerate() {
        let colour = match lane.got.as_str() {
            "accepted" => "a",
            "duplicate" => "c",
            _ => "b",
        };
        let y = TOP + HIGH * row as f64;
        // What was never answered goes to the edge.
        let end = if lane.took_us.is_some() { at(lane.end()) } else { LEFT + room };
        let (x, width) = (at(lane.start_us), (end - at(lane.start_us)).max(THINNEST));
        let _ = write!(
            svg,
            "<rect class=\"{colour}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\" rx=\"2\"/>",
            y + 3.0,
            HIGH - 6.0
        );
        let _ = write!(svg, "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>", x + width + 6.0, y + HIGH - 5.0, escaped(&lane.got(language)));
    }
    let base = height - BOTTOM + 2.0;
    let _ = write!(svg, "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{base}\" y2=\"{base}\"/>", LEFT + room);
    let _ = write!(svg, "<text x=\"{LEFT}\" y=\"{:.1}\">0</text>", height - 5.0);
    let _ =
        write!(svg, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text></svg>", LEFT + room, height - 5.0, duration(far as u64));
    svg
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_delivery_has_a_bar_inside_the_drawing() {
        let lane = |start_us, took_us, got: &str| TimelineSpan { key: "k".to_owned(), start_us, took_us, got: got.to_owned() };
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
}
