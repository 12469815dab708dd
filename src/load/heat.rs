//! Heat: how latencies lay over time, as counts in columns of time and rows of latency.
//!
//! A [`Measurement`] in, a [`HeatMap`] out, as a report keeps it; and from that the
//! drawing, in which every cell tells its value.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::measure::Measurement;
use crate::number::LONGEST_SECONDS;
use crate::report::page::chart::seconds;
use crate::report::words::duration;

/// So many columns are kept at the most; seconds of a longer load are put together.
const MOST_COLUMNS: usize = 120;
/// Upper bounds of rows, in microseconds: 1, 1.5, 2, 3, 5 and 7 of each power of ten.
const STEPS: [u64; 6] = [10, 15, 20, 30, 50, 70];
/// The lowest bound is ten microseconds, the highest beyond any time-out that somebody waits for.
const POWERS: u32 = 8;
const WIDTH: f64 = 520.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 30.0;
const ROW: f64 = 12.0;

/// Latencies over time.
///
/// **Invariant:** every column has a count for each bound, in what was read from a file as well.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Written")]
#[schemars(!try_from)]
pub struct HeatMap {
    /// How many seconds a column has.
    pub column_s: u64,
    /// The upper bounds of the rows, in microseconds; the first row begins at `from_us`.
    pub to_us: Vec<u64>,
    /// Where the first row begins.
    pub from_us: u64,
    /// By column, the count of each row.
    pub columns: Vec<Vec<u64>>,
}

/// The same, as it stands in a file, whoever wrote it.
#[derive(Deserialize)]
struct Written {
    column_s: u64,
    to_us: Vec<u64>,
    from_us: u64,
    columns: Vec<Vec<u64>>,
}

impl TryFrom<Written> for HeatMap {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { column_s, to_us, from_us, columns } = written;
        if let Some((at, column)) = columns.iter().enumerate().find(|(_, column)| column.len() != to_us.len()) {
            return Err(format!("the heat map has {} bounds, and its column {at} has {} counts", to_us.len(), column.len()));
        }
        if column_s as f64 * columns.len() as f64 > LONGEST_SECONDS {
            return Err(format!("the heat map has {} columns of {column_s} s: nothing lasts so long", columns.len()));
        }
        Ok(Self { column_s, to_us, from_us, columns })
    }
}

fn bounds() -> Vec<u64> {
    (0..POWERS).flat_map(|power| STEPS.map(|step| step * 10u64.pow(power))).collect()
}

impl HeatMap {
    /// The map of what was measured; rows at either end in which nothing lies are left out.
    #[must_use]
    pub fn of(measurement: &Measurement) -> Self {
        let bounds = bounds();
        let together = measurement.series.len().div_ceil(MOST_COLUMNS).max(1);
        let mut columns: Vec<Vec<u64>> = Vec::new();
        for group in measurement.series.chunks(together) {
            let mut rows = vec![0; bounds.len()];
            for value in group.iter().flat_map(|second| second.latency.iter_recorded()) {
                let row = bounds.partition_point(|bound| *bound < value.value_iterated_to()).min(bounds.len() - 1);
                rows[row] += u64::from(value.count_at_value());
            }
            columns.push(rows);
        }
        let has = |row: &usize| columns.iter().any(|rows| rows[*row] > 0);
        let (Some(first), Some(last)) = ((0..bounds.len()).find(has), (0..bounds.len()).rfind(has)) else { return Self::default() };
        Self {
            column_s: together as u64,
            from_us: first.checked_sub(1).map_or(0, |below| bounds[below]),
            to_us: bounds[first..=last].to_vec(),
            columns: columns.into_iter().map(|rows| rows[first..=last].to_vec()).collect(),
        }
    }

    /// The drawing; nothing where there is nothing to draw.
    ///
    /// * `title`: what it shows, for those who do not see it.
    #[must_use]
    pub fn svg(&self, title: &str) -> Option<String> {
        let most = self.columns.iter().flatten().copied().max().filter(|most| *most > 0)?;
        let height = TOP + BOTTOM + ROW * self.to_us.len() as f64;
        let width = (WIDTH - LEFT - RIGHT) / self.columns.len() as f64;
        let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">", escaped(title));
        let top_of = |row: usize| height - BOTTOM - ROW * (row + 1) as f64;
        for (row, bound) in
            self.to_us.iter().enumerate().filter(|(_, bound)| bound.to_string().starts_with('1') && !bound.to_string().starts_with("15"))
        {
            let at = top_of(row);
            let _ = write!(svg, "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{:.1}\"/>", WIDTH - RIGHT);
            let _ = write!(svg, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>", LEFT - 6.0, at + 4.0, duration(*bound));
        }
        for (place, rows) in self.columns.iter().enumerate() {
            let from = (place as u64).saturating_mul(self.column_s);
            let bounds = std::iter::once(&self.from_us).chain(&self.to_us).zip(&self.to_us);
            for (row, (count, (above, below))) in rows.iter().zip(bounds).enumerate().filter(|(_, (count, _))| **count > 0) {
                // A single one is seen beside thousands: by its logarithm.
                let share = 0.15 + 0.85 * ((*count as f64).ln_1p() / (most as f64).ln_1p());
                let _ = write!(
                    svg,
                    "<rect class=\"heat\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{ROW:.1}\" fill-opacity=\"{share:.2}\"><title>{from} s, {}–{}: {count}</title></rect>",
                    LEFT + place as f64 * width,
                    top_of(row),
                    width.max(1.0),
                    duration(*above),
                    duration(*below),
                );
            }
        }
        let length = self.columns.len() as f64 * self.column_s as f64;
        for (at, words) in seconds(length) {
            let anchor = if at <= 0.0 {
                "start"
            } else if at >= length {
                "end"
            } else {
                "middle"
            };
            let x = LEFT + at / length * (WIDTH - LEFT - RIGHT);
            let _ = write!(svg, "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{words}</text>", height - 8.0);
        }
        Some(svg + "</svg>")
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::load::measure::{NO_ERROR, Sample};

    /// What a file says of latencies over time is read only where it can be drawn.
    #[test]
    fn a_map_that_lacks_rows_or_never_ends_is_refused() {
        let read = |text: &str| serde_json::from_str::<HeatMap>(text).map_err(|wrong| wrong.to_string());
        let right = r#"{"column_s":1,"to_us":[10,15],"from_us":7,"columns":[[1,2],[0,0]]}"#;
        assert!(read(right).is_ok_and(|map| map.columns.len() == 2));
        for (from, to, wanted) in [
            ("[10,15]", "[10]", "has 1 bounds, and its column 0 has 2 counts"),
            ("[0,0]", "[0]", "has 2 bounds, and its column 1 has 1 counts"),
            ("\"column_s\":1", "\"column_s\":9000000000000000000", "nothing lasts so long"),
        ] {
            assert!(read(&right.replace(from, to)).is_err_and(|told| told.contains(wanted)), "{to}");
        }
    }

    /// Every delivery is in one cell, in the column of its second and the row of its latency.
    #[test]
    fn every_delivery_is_in_its_cell() {
        let mut measured = Measurement::new(&["fresh".to_owned()], Duration::ZERO).unwrap();
        for (second, latency_us, times) in [(0, 900, 3), (0, 45_000, 1), (250, 1_200, 2), (251, 1_200, 4)] {
            let ended = Duration::from_secs(second);
            let sample =
                Sample { kind: 0, expected: true, error: NO_ERROR, status: 202, ended, latency_us, answer_bytes: 0, went_twice: false };
            (0..times).for_each(|_| measured.take(&[sample]));
        }
        let map = HeatMap::of(&measured);
        assert_eq!(
            (map.column_s, map.columns.len(), map.from_us, map.to_us.first(), map.to_us.last()),
            (3, 84, 700, Some(&1_000), Some(&50_000))
        );
        assert_eq!(map.columns.iter().flatten().sum::<u64>(), 10);
        assert_eq!((map.columns[0][0], map.columns[0].last().copied(), map.columns[83][1]), (3, Some(1), 6));
        let svg = map.svg("a < b").unwrap();
        assert_eq!(svg.matches("<title>").count(), 3);
        assert!(svg.contains("249 s, 1.0 ms–1.5 ms: 6") && svg.contains("a &lt; b"), "{svg}");
        assert_eq!(HeatMap::default().svg("nothing"), None);
    }
}
