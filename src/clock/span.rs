//! Spans of time as people write them: `86402 s`, `250ms`, `1.5h`, `2 m`.
//!
//! Takes text, gives a `Duration`, or what would have been accepted. A number
//! without a unit is refused: seconds and milliseconds are too easily confused.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A span of time as written in a file: `2 s`, `250 ms`, `24h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub struct Span(pub Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read(&String::deserialize(from)?).map(Self).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&write(self.0))
    }
}

/// Text that is not a span of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not a span of time; write a number and a unit: us, ms, s, m, h or d (`250ms`, `86402 s`)")]
pub struct NotASpan {
    /// The text that was found.
    pub found: String,
}

const UNITS: [(&str, f64); 6] = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0)];
/// Ten years: the longest TTL that the contract knows, and the longest span that is read.
const LONGEST_SECS: f64 = 315_360_000.0;

/// Reads a span of time, to the microsecond.
///
/// # Errors
/// [`NotASpan`] when the number or the unit is missing or unknown, or the span
/// is negative or longer than ten years.
pub fn read(text: &str) -> Result<Duration, NotASpan> {
    let refuse = || NotASpan { found: text.to_owned() };
    let trimmed = text.trim();
    let digits = trimmed.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    let (number, unit) = trimmed.split_at(digits);
    let number: f64 = number.parse().map_err(|_| refuse())?;
    let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit.trim_start()).ok_or_else(refuse)?;
    let secs = number * scale;
    if secs > LONGEST_SECS {
        return Err(refuse());
    }
    // Rounded to the microsecond, so that `0.1 s` is exactly 100 ms.
    Ok(Duration::from_micros((secs * 1e6).round() as u64))
}

/// Writes a span in the largest unit that leaves no fraction: `2 s`, `250 ms`.
#[must_use]
pub fn write(span: Duration) -> String {
    let micros = span.as_micros();
    match (micros % 1_000_000, micros % 1_000) {
        (0, _) => format!("{} s", micros / 1_000_000),
        (_, 0) => format!("{} ms", micros / 1_000),
        (_, _) => format!("{micros} us"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every unit, with and without a space, with and without a fraction.
    #[test]
    fn spans_are_read_as_written() {
        for (text, micros) in [
            ("86402 s", 86_402_000_000),
            ("250ms", 250_000),
            ("1.5h", 5_400_000_000),
            ("0.1 s", 100_000),
            ("2 m", 120_000_000),
            ("1d", 86_400_000_000),
            ("7us", 7),
        ] {
            assert_eq!(read(text), Ok(Duration::from_micros(micros)), "{text}");
        }
    }

    /// A bare number, an unknown unit, a negative or an endless span are refused.
    #[test]
    fn what_is_no_span_is_refused() {
        for text in ["5", "", "s", "-1 s", "3 weeks", "1e3 s", "11000 d"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
