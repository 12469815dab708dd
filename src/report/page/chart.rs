//! Charts: lines over time, as SVG that takes its colours from the page.
//!
//! In: points. Out: text. A reader who cannot see the drawing has its title
//! and description; the numbers stand in tables beside it.

use std::fmt::Write as _;

const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 30.0;
/// A line has no more points than can be seen.
const MOST_POINTS: usize = 400;

/// How a scale goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Evenly, from zero.
    Linear,
    /// A step for each power of ten.
    Logarithmic,
}

/// One line.
#[derive(Clone, Debug)]
pub struct Line<'a> {
    /// What it shows.
    pub name: &'a str,
    /// Its colour: `a`, `b` or `c`.
    pub colour: &'a str,
    /// Its points, in order of their first coordinate.
    pub points: Vec<(f64, f64)>,
}

/// A chart.
#[derive(Clone, Debug)]
pub struct Chart<'a> {
    /// What it shows, in one line.
    pub title: &'a str,
    /// The lines.
    pub lines: Vec<Line<'a>>,
    /// Places on the horizontal axis, with their words.
    pub places: Vec<(f64, String)>,
    /// How the vertical axis goes.
    pub scale: Scale,
    /// A value of the vertical axis in words.
    pub words: fn(f64) -> String,
    /// A place on the horizontal axis in words, as it is told under the pointer.
    pub at: fn(f64) -> String,
}

impl Chart<'_> {
    /// The drawing.
    #[must_use]
    pub fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let far = points().map(|point| point.0).chain(self.places.iter().map(|place| place.0)).fold(0.0, f64::max).max(1e-9);
        let high = points().map(|point| point.1).fold(0.0, f64::max).max(1e-9);
        let low = points().map(|point| point.1).filter(|value| *value > 0.0).fold(high, f64::min);
        let levels = match self.scale {
            Scale::Linear => linear_levels(high),
            Scale::Logarithmic => logarithmic_levels(low, high),
        };
        let (floor, top) = (levels.first().copied().unwrap_or(0.0), levels.last().copied().unwrap_or(1.0).max(high));
        let x = |value: f64| LEFT + value / far * (WIDTH - LEFT - RIGHT);
        let y = |value: f64| {
            let part = match self.scale {
                Scale::Linear => value / top,
                Scale::Logarithmic => (value.max(floor) / floor).log10() / (top / floor).log10().max(1e-9),
            };
            HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)
        };
        let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">", escaped(&self.describe()));
        for level in &levels {
            let at = y(*level);
            let _ = write!(svg, "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{:.1}\"/>", WIDTH - RIGHT);
            let _ = write!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 6.0,
                at + 4.0,
                escaped(&(self.words)(*level))
            );
        }
        for (place, words) in &self.places {
            let anchor = if *place <= 0.0 {
                "start"
            } else if *place >= far {
                "end"
            } else {
                "middle"
            };
            let _ =
                write!(svg, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>", x(*place), HEIGHT - 8.0, escaped(words));
        }
        for line in &self.lines {
            let mut path = String::new();
            for (at, value) in thinned(&line.points) {
                let _ = write!(path, "{}{:.1} {:.1}", if path.is_empty() { 'M' } else { 'L' }, x(at), y(value));
            }
            let _ = write!(svg, "<path class=\"{}\" d=\"{path}\"/>", line.colour);
        }
        svg + &self.under_the_pointer(&x) + "</svg>"
    }

    /// For each place that a line has, a strip over the whole height that tells every line's value there.
    fn under_the_pointer(&self, x: &dyn Fn(f64) -> f64) -> String {
        let mut places: Vec<f64> = self.lines.iter().flat_map(|line| thinned(&line.points)).map(|(at, _)| at).collect();
        places.sort_by(f64::total_cmp);
        places.dedup_by(|one, other| (*one - *other).abs() < f64::EPSILON);
        // Where lines were thinned at other places, each stands for those near it.
        let places: Vec<f64> =
            places.chunks(places.len().div_ceil(MOST_POINTS).max(1)).filter_map(|group| group.first().copied()).collect();
        let mut strips = String::new();
        for (place, at) in places.iter().enumerate() {
            let edge = |other: Option<&f64>, end: f64| other.map_or(end, |other| x((at + other) / 2.0));
            let left = edge(place.checked_sub(1).and_then(|before| places.get(before)), LEFT);
            let right = edge(places.get(place + 1), WIDTH - RIGHT);
            let values = self.lines.iter().filter_map(|line| {
                let near = line.points.iter().min_by(|one, other| (one.0 - at).abs().total_cmp(&(other.0 - at).abs()))?;
                Some(format!("{} {}", line.name, (self.words)(near.1)))
            });
            let told = format!("{}: {}", (self.at)(*at), values.collect::<Vec<_>>().join(", "));
            let _ = write!(
                strips,
                "<rect class=\"hit\" x=\"{left:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{}\"><title>{}</title></rect>",
                (right - left).max(0.0),
                HEIGHT - TOP - BOTTOM,
                escaped(&told)
            );
        }
        strips
    }

    /// The drawing in words: what each line ranges over.
    fn describe(&self) -> String {
        let mut text = self.title.to_owned();
        for line in &self.lines {
            let values = || line.points.iter().map(|point| point.1);
            if line.points.is_empty() {
                continue;
            }
            let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
            let _ = write!(text, "; {}: {} – {}", line.name, (self.words)(low), (self.words)(high));
        }
        text
    }
}

/// Every n-th of too many points, the highest of each group: peaks are what is looked for.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let group = points.len().div_ceil(MOST_POINTS).max(1);
    points.chunks(group).filter_map(|chunk| chunk.iter().copied().max_by(|one, other| one.1.total_cmp(&other.1))).collect()
}

/// About four levels from zero, at round numbers.
fn linear_levels(high: f64) -> Vec<f64> {
    let rough = high / 4.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|by| by * power).find(|step| *step >= rough).unwrap_or(power * 10.0);
    (0..=(high / step).ceil() as u32).map(|n| f64::from(n) * step).collect()
}

/// The powers of ten around what is shown.
fn logarithmic_levels(low: f64, high: f64) -> Vec<f64> {
    let (from, to) = (low.log10().floor() as i32, high.min(f64::MAX).log10().ceil() as i32);
    (from..=to.max(from + 1)).map(|power| 10f64.powi(power)).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

/// About six places on an axis of seconds, in words.
#[must_use]
pub fn seconds(length: f64) -> Vec<(f64, String)> {
    let rough = (length / 6.0).max(1.0);
    let step = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, 14_400.0];
    // Of what lasts for days, whole steps of four hours.
    let step = step.into_iter().find(|step| *step >= rough).unwrap_or_else(|| (rough / 14_400.0).ceil() * 14_400.0);
    let count = (length / step).floor() as u32;
    (0..=count).map(|n| f64::from(n) * step).map(|at| (at, format!("{at:.0} s"))).collect()
}

#[cfg(test)]
mod tests {
    use super::{Chart, Line, Scale, linear_levels, logarithmic_levels, seconds};

    #[test]
    fn levels_are_round_and_cover_everything() {
        assert_eq!(linear_levels(93.0), [0.0, 50.0, 100.0]);
        assert_eq!(linear_levels(410.0), [0.0, 200.0, 400.0, 600.0]);
        assert_eq!(logarithmic_levels(35.0, 4_200.0), [10.0, 100.0, 1_000.0, 10_000.0]);
    }

    /// However long it took, its axis has about six places.
    #[test]
    fn an_axis_of_seconds_has_few_places() {
        for length in [0.0, 1.0, 7.0, 100.0, 86_400.0, 1e6, 1e10, f64::MAX, f64::INFINITY, f64::NAN, -1.0] {
            assert!((1..=8).contains(&seconds(length).len()), "{length}");
        }
        assert_eq!(seconds(172_800.0).iter().map(|(_, words)| words.as_str()).collect::<Vec<_>>()[..2], ["0 s", "28800 s"]);
    }

    #[test]
    fn peaks_survive_in_a_long_line() {
        let mut points: Vec<(f64, f64)> = (0..10_000).map(|at| (f64::from(at), 1.0)).collect();
        points[5_003].1 = 77.0;
        let line = Line { name: "rate", colour: "a", points };
        let words = |value: f64| format!("{value}");
        let chart = Chart { title: "a < b", lines: vec![line], places: vec![], scale: Scale::Linear, words, at: |at| format!("{at} s") };
        let svg = chart.svg();
        assert!(svg.contains("a &lt; b; rate: 1 – 77"), "{svg}");
        assert_eq!(svg.matches("<title>").count(), 400);
        assert!(svg.contains("<title>5003 s: rate 77</title>"), "{svg}");
        // Nothing leaves the frame: the highest point lies on or under the top edge.
        assert!(svg.contains("L") && !svg.contains(" -"), "{svg}");
    }
}
