//! Gates: what a load must keep to, as text: `p95<100ms`, `rate>=200/s`, `errors<0.1%`.
//!
//! Text in, a [`Gate`] out, with its unit checked; then numbers in, whether it
//! holds out. A gate over nothing is broken: no samples show nothing.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::words::duration;

/// What a gate looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// A latency, in microseconds: a quantile, in tenths of a percent of all, 1000 for the longest.
    Latency(u16),
    /// Answers a second.
    Rate,
    /// Deliveries without the answer they should have, in percent of those sent.
    Errors,
    /// Deliveries that went twice, since a kept connection met its end under them, in percent of those sent.
    Resent,
    /// Broken promises.
    Violations,
    /// Deliveries that were due and never sent.
    Dropped,
    /// What subscribers of event streams have read.
    Stream(OfStream),
}

/// What is looked at of event streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfStream {
    /// The time from acceptance to event, as a latency.
    Latency(u16),
    /// Events that never came.
    Lost,
    /// Events that came more often than once.
    Doubled,
    /// Events that came behind later ones.
    OutOfOrder,
}

/// What subscribers of event streams have read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MeasuredStreams {
    /// From acceptance to event, as `Measured::latency`.
    pub latency: Option<[u64; 6]>,
    /// Events that were lost, that came twice, and that came out of order; none where they were not judged.
    pub wrong: Option<[u64; 3]>,
}

/// The gates over streams that count, with the place of their count.
const COUNTS: [(&str, OfStream, usize); 3] =
    [("stream_lost", OfStream::Lost, 0), ("stream_doubled", OfStream::Doubled, 1), ("stream_out_of_order", OfStream::OutOfOrder, 2)];

/// One gate.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// The text it was made of, without blanks.
    pub text: String,
    /// The kind of delivery; all of them without one.
    pub kind: Option<String>,
    /// What is looked at.
    pub metric: Metric,
    /// Whether the value must lie below.
    below: bool,
    /// Whether it may be equal.
    equal: bool,
    /// Whether it may be only equal.
    only_equal: bool,
    /// The bound: microseconds, a second, percent, a count.
    pub bound: f64,
}

/// Gates as they stand in a file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatesFile {
    /// Whose gates these are, in one line.
    pub title: String,
    /// Where they come from.
    #[serde(default)]
    pub source: String,
    /// The gates, as `--gate` takes them.
    pub gates: Vec<String>,
}

/// What a load has measured, for one kind or for all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    /// How many were sent.
    pub sent: u64,
    /// How many did not get the answer they should have.
    pub errors: u64,
    /// p50, p90, p95, p99, p99.9, the longest, in microseconds; none without samples.
    pub latency: Option<[u64; 6]>,
    /// Answers a second.
    pub rate: f64,
    /// Broken promises.
    pub violations: u64,
    /// How many were due and never sent; they have no kind.
    pub dropped: u64,
    /// How many went twice; nothing of a kind.
    pub resent: Option<u64>,
    /// What subscribers have read, where there are some.
    pub streams: Option<MeasuredStreams>,
}

/// How a gate came out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GateResult {
    /// The gate.
    pub gate: String,
    /// What was measured, in the gate's unit; nothing where nothing was measured.
    pub value: Option<f64>,
    /// The unit: `us`, `/s`, `%`, or none for a count.
    pub unit: String,
    /// Whether it holds.
    pub ok: bool,
    /// Whether it counts violations, which are known only where a load was judged.
    #[serde(skip)]
    pub of_violations: bool,
}

impl GateResult {
    /// The value as people read it; nothing where nothing was measured.
    #[must_use]
    pub fn shown(&self) -> Option<String> {
        self.value.map(|value| match self.unit.as_str() {
            "us" => duration(value as u64),
            "" => format!("{value:.0}"),
            unit => format!("{value:.2}{unit}"),
        })
    }
}

const QUANTILES: [(&str, u16, usize); 6] =
    [("p50", 500, 0), ("p90", 900, 1), ("p95", 950, 2), ("p99.9", 999, 4), ("p99", 990, 3), ("max", 1000, 5)];
const UNITS: [(&str, f64); 4] = [("us", 1.0), ("µs", 1.0), ("ms", 1_000.0), ("s", 1_000_000.0)];

fn quantile(name: &str) -> Option<u16> {
    QUANTILES.iter().find(|(known, _, _)| *known == name).map(|(_, quantile, _)| *quantile)
}

fn place_of(quantile: u16) -> Option<usize> {
    QUANTILES.iter().find(|(_, known, _)| *known == quantile).map(|(_, _, place)| *place)
}

impl Gate {
    /// Reads a gate; `kinds` are the deliveries that the load has.
    ///
    /// # Errors
    /// One sentence: what is wrong, and how it is written.
    pub fn read(text: &str, kinds: &[String]) -> Result<Self, String> {
        let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let wrong = |what: &str| {
            format!(
                "gate `{text}`: {what}; write `p95<100ms`, `rate>=200/s`, `errors<0.1%`, `violations==0`, `dropped==0`, `resent<0.1%`, `stream_lost==0`, or `KIND.p99<50ms`"
            )
        };
        let at = plain.find(['<', '>', '=']).ok_or_else(|| wrong("nothing is compared"))?;
        let (name, rest) = plain.split_at(at);
        let sign_len = rest.find(|c| !"<>=".contains(c)).unwrap_or(rest.len());
        let (sign, bound) = rest.split_at(sign_len);
        let (below, equal, only_equal) = match sign {
            "<" => (true, false, false),
            "<=" => (true, true, false),
            ">" => (false, false, false),
            ">=" => (false, true, false),
            "==" => (false, true, true),
            _ => return Err(wrong(&format!("`{sign}` compares nothing"))),
        };
        let (kind, metric_name) = match name.rsplit_once('.') {
            // `p99.9` has a dot of its own.
            Some(("p99" | "stream_p99", "9")) => (None, name),
            Some((before, "9")) if before.ends_with(".p99") => (before.strip_suffix(".p99"), "p99.9"),
            Some((kind, metric)) => (Some(kind), metric),
            None => (None, name),
        };
        if let Some(kind) = kind.filter(|kind| !kinds.iter().any(|known| known == kind)) {
            return Err(wrong(&format!("there is no kind `{kind}` in the mix ({})", kinds.join(", "))));
        }
        let (metric, units): (Metric, &[(&str, f64)]) = match metric_name {
            "rate" => (Metric::Rate, &[("/s", 1.0)]),
            "errors" => (Metric::Errors, &[("%", 1.0)]),
            "resent" if kind.is_some() => return Err(wrong("what went twice is not counted by kind; write `resent<0.1%`")),
            "resent" => (Metric::Resent, &[("%", 1.0)]),
            "violations" => (Metric::Violations, &[("", 1.0)]),
            "dropped" if kind.is_some() => return Err(wrong("what was never sent has no kind; write `dropped==0`")),
            "dropped" => (Metric::Dropped, &[("", 1.0)]),
            of_streams if of_streams.starts_with("stream_") && kind.is_some() => {
                return Err(wrong(&format!("events have no kind; write `{of_streams}` alone")));
            }
            of_streams if let Some((_, metric, _)) = COUNTS.iter().find(|(known, _, _)| *known == of_streams) => {
                (Metric::Stream(*metric), &[("", 1.0)])
            }
            of_streams if let Some(quantile) = of_streams.strip_prefix("stream_").and_then(quantile) => {
                (Metric::Stream(OfStream::Latency(quantile)), &UNITS)
            }
            other => match QUANTILES.iter().find(|(known, _, _)| *known == other) {
                Some((_, quantile, _)) => (Metric::Latency(*quantile), &UNITS),
                None => return Err(wrong(&format!("`{other}` is not measured"))),
            },
        };
        let digits = bound.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(bound.len());
        let (number, unit) = bound.split_at(digits);
        if number.is_empty() {
            return Err(wrong(&format!("`{bound}` is no number")));
        }
        let factor = units.iter().find(|(known, _)| *known == unit).map(|(_, factor)| *factor);
        let known: Vec<&str> = units.iter().map(|(unit, _)| *unit).filter(|unit| !unit.is_empty()).collect();
        let factor = factor.ok_or_else(|| match (unit, known.as_slice()) {
            ("", units) => wrong(&format!("the bound has no unit ({})", units.join(", "))),
            (unit, []) => wrong(&format!("a count has no unit, this has `{unit}`")),
            (unit, units) => wrong(&format!("`{unit}` is not its unit ({})", units.join(", "))),
        })?;
        let bound = number.parse::<f64>().map_err(|_| wrong(&format!("`{number}` is no number")))? * factor;
        let gate = Self { text: plain.clone(), kind: kind.map(str::to_owned), metric, below, equal, only_equal, bound };
        gate.check_satisfiable().map_err(|what| wrong(&what))?;
        Ok(gate)
    }

    /// Reads a condition that ends a load early: the same text, over what is known while it runs.
    ///
    /// # Errors
    /// One sentence: what is wrong, and how it is written.
    pub fn condition(text: &str, kinds: &[String]) -> Result<Self, String> {
        let gate = Self::read(text, kinds)?;
        match gate.metric {
            Metric::Violations => Err(format!("condition `{text}`: violations are found after the load; write `errors>5%` or `p99>2s`")),
            Metric::Stream(OfStream::Lost | OfStream::Doubled | OfStream::OutOfOrder) => {
                Err(format!("condition `{text}`: what streams lack is known after the load; write `stream_p99>2s`"))
            }
            Metric::Dropped => Err(format!("condition `{text}`: what was dropped is known after the load; write `errors>5%` or `p99>2s`")),
            Metric::Latency(_) | Metric::Rate | Metric::Errors | Metric::Resent | Metric::Stream(OfStream::Latency(_)) => Ok(gate),
        }
    }

    /// A gate that always holds, or never, guards nothing.
    fn check_satisfiable(&self) -> Result<(), String> {
        if self.below && !self.equal && self.bound <= 0.0 {
            return Err("nothing lies below zero".to_owned());
        }
        if !self.below && self.equal && !self.only_equal && self.bound <= 0.0 {
            return Err("everything is zero or more".to_owned());
        }
        if self.metric == Metric::Errors && self.bound > 100.0 {
            return Err("there are no more than 100% errors".to_owned());
        }
        if self.metric == Metric::Resent && self.bound > 100.0 {
            return Err("no more than 100% can go twice".to_owned());
        }
        Ok(())
    }

    /// Whether a value, in the gate's unit, is within it.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        match (self.only_equal, self.below, self.equal) {
            (true, _, _) => (value - self.bound).abs() < f64::EPSILON,
            (false, true, false) => value < self.bound,
            (false, true, true) => value <= self.bound,
            (false, false, false) => value > self.bound,
            (false, false, true) => value >= self.bound,
        }
    }

    /// Whether it holds; `all` is the whole load, `kinds` what each kind measured.
    #[must_use]
    pub fn judge(&self, all: &Measured, kinds: &BTreeMap<String, Measured>) -> GateResult {
        let measured = self.kind.as_ref().map_or(Some(all), |kind| kinds.get(kind));
        // What was dropped is known where nothing was sent, too.
        let value = measured.filter(|one| one.sent > 0 || self.metric == Metric::Dropped).and_then(|one| match self.metric {
            Metric::Latency(quantile) => Some(one.latency?[place_of(quantile)?] as f64),
            Metric::Stream(OfStream::Latency(quantile)) => Some(one.streams?.latency?[place_of(quantile)?] as f64),
            Metric::Stream(count) => {
                let place = COUNTS.iter().find(|(_, known, _)| *known == count).map(|(_, _, place)| *place)?;
                Some(one.streams?.wrong?[place] as f64)
            }
            Metric::Rate => Some(one.rate),
            Metric::Errors => Some(one.errors as f64 * 100.0 / one.sent as f64),
            Metric::Resent => Some(one.resent? as f64 * 100.0 / one.sent as f64),
            Metric::Violations => Some(one.violations as f64),
            Metric::Dropped => Some(one.dropped as f64),
        });
        let unit = match self.metric {
            Metric::Latency(_) | Metric::Stream(OfStream::Latency(_)) => "us",
            Metric::Rate => "/s",
            Metric::Errors | Metric::Resent => "%",
            Metric::Violations | Metric::Dropped | Metric::Stream(_) => "",
        };
        let of_violations = self.metric == Metric::Violations;
        GateResult {
            gate: self.text.clone(),
            value,
            unit: unit.to_owned(),
            ok: value.is_some_and(|value| self.holds(value)),
            of_violations,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Gate, Measured, MeasuredStreams};

    fn kinds() -> Vec<String> {
        vec!["fresh".to_owned(), "duplicate".to_owned()]
    }

    #[test]
    fn gates_hold_and_break() {
        let all = Measured {
            sent: 1_000,
            errors: 1,
            latency: Some([100, 200, 99_999, 150_000, 180_000, 200_000]),
            rate: 200.0,
            violations: 0,
            dropped: 3,
            resent: Some(2),
            streams: Some(MeasuredStreams { latency: Some([1, 2, 3, 5_000, 6_000, 9_000]), wrong: Some([0, 2, 0]) }),
        };
        let slow = Measured { latency: Some([1, 2, 3, 51_000, 60_000, 70_000]), ..all };
        let by_kind = BTreeMap::from([("duplicate".to_owned(), slow)]);
        for (text, ok) in [
            ("p95<100ms", true),
            ("p95 < 99 ms", false),
            ("p99.9<=180ms", true),
            ("rate>=200/s", true),
            ("rate>200/s", false),
            ("errors<0.1%", false),
            ("errors<=0.1%", true),
            ("violations==0", true),
            ("dropped==0", false),
            ("dropped<=3", true),
            ("resent<=0.2%", true),
            ("resent==0%", false),
            ("duplicate.p99<50ms", false),
            ("duplicate.p99.9<=60ms", true),
            ("max<0.3s", true),
            ("fresh.p50<1s", false),
            ("stream_lost==0", true),
            ("stream_doubled==0", false),
            ("stream_out_of_order<=1", true),
            ("stream_p99<5ms", false),
            ("stream_p99.9<=6ms", true),
            ("stream_max<9.001ms", true),
        ] {
            let result = Gate::read(text, &kinds()).unwrap_or_else(|wrong| unreachable!("{wrong}")).judge(&all, &by_kind);
            assert_eq!(result.ok, ok, "{text}: {result:?}");
        }
        let nothing =
            Gate::read("p95<100ms", &kinds()).unwrap_or_else(|wrong| unreachable!("{wrong}")).judge(&Measured::default(), &by_kind);
        assert_eq!((nothing.ok, nothing.value), (false, None));
    }

    #[test]
    fn gates_that_cannot_be_meant_are_told() {
        for (text, told) in [
            ("p95", "nothing is compared"),
            ("p95<100", "no unit (us, µs, ms, s)"),
            ("p95<100%", "`%` is not its unit"),
            ("p97<100ms", "`p97` is not measured"),
            ("p95=<100ms", "compares nothing"),
            ("p95<fast", "`fast` is no number"),
            ("rate>=0/s", "everything is zero or more"),
            ("violations<0", "nothing lies below zero"),
            ("violations==0%", "a count has no unit"),
            ("errors<200%", "no more than 100%"),
            ("stale.p50<1ms", "there is no kind `stale`"),
            ("fresh.dropped==0", "has no kind"),
            ("fresh.stream_lost==0", "no kind"),
            ("stream_lost<1ms", "a count has no unit"),
            ("stream_p99<5", "no unit (us, µs, ms, s)"),
            ("stream_p42<5ms", "is not measured"),
        ] {
            assert!(Gate::read(text, &kinds()).is_err_and(|wrong| wrong.contains(told)), "{text}: {:?}", Gate::read(text, &kinds()));
        }
    }
}
