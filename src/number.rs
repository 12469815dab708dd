//! Numbers that others have written: sums that do not overflow, and bounds that hold as soon as a file is read.
//!
//! What a report says of itself may have been altered. A count may be any; what is summed up stays at the highest there is. A span of
//! time that nothing can have lasted, or a rate below zero, is refused where it is read (`#[serde(deserialize_with = "…")]`), so that
//! nobody behind has to ask.

use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// No span of time is longer, in seconds: three hundred years.
pub const LONGEST_SECONDS: f64 = 1e10;

/// The sum; where it is too large to be told, the largest number there is.
pub fn total<I: IntoIterator<Item = u64>>(counts: I) -> u64 {
    counts.into_iter().fold(0, u64::saturating_add)
}

/// A span of so many seconds; nothing where they are below zero, and [`LONGEST_SECONDS`] where they are more than can be.
#[must_use]
pub fn span(seconds: f64) -> Duration {
    // A number that is none is taken for nothing.
    Duration::try_from_secs_f64(seconds.clamp(0.0, LONGEST_SECONDS)).unwrap_or_default()
}

/// Reads a span of time in seconds.
///
/// # Errors
/// When it is below zero, or longer than [`LONGEST_SECONDS`].
pub fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    within(f64::deserialize(from)?, "span of time", " s", LONGEST_SECONDS)
}

/// Reads a span of time that may be missing.
///
/// # Errors
/// As [`seconds`].
pub fn seconds_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    Option::deserialize(from)?.map(|value| within(value, "span of time", " s", LONGEST_SECONDS)).transpose()
}

/// Reads a span of time in milliseconds.
///
/// # Errors
/// As [`seconds`].
pub fn milliseconds<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    within(f64::deserialize(from)?, "span of time", " ms", LONGEST_SECONDS * 1_000.0)
}

/// Reads a rate.
///
/// # Errors
/// When it is below zero, or more than a count can be in a second.
pub fn rate<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    within(f64::deserialize(from)?, "rate", "/s", u64::MAX as f64)
}

/// Reads a rate that may be missing.
///
/// # Errors
/// As [`rate`].
pub fn rate_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    Option::deserialize(from)?.map(|value| within(value, "rate", "/s", u64::MAX as f64)).transpose()
}

fn within<E: Error>(value: f64, what: &str, unit: &str, most: f64) -> Result<f64, E> {
    if (0.0..=most).contains(&value) {
        Ok(value)
    } else {
        Err(E::custom(format!("{value}{unit} is no {what}: it lies between 0 and {most}{unit}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Told {
        #[serde(deserialize_with = "seconds")]
        s: f64,
        #[serde(default, deserialize_with = "rate_or_none")]
        r: Option<f64>,
    }

    #[test]
    fn what_cannot_be_is_refused_where_it_is_read() {
        let read = |text: &str| serde_json::from_str::<Told>(text).map(|told| (told.s, told.r)).map_err(|wrong| wrong.to_string());
        assert_eq!(read(r#"{"s": 1.5, "r": 40}"#), Ok((1.5, Some(40.0))));
        assert_eq!(read(r#"{"s": 0, "r": null}"#), Ok((0.0, None)));
        assert_eq!(read(r#"{"s": 0}"#), Ok((0.0, None)));
        for (text, wanted) in [
            (r#"{"s": 1e308}"#, "s is no span of time: it lies between 0 and 10000000000 s"),
            (r#"{"s": -1}"#, "-1 s is no span of time"),
            (r#"{"s": 1, "r": -0.5}"#, "-0.5/s is no rate"),
        ] {
            assert!(read(text).is_err_and(|told| told.contains(wanted)), "{text}");
        }
    }

    #[test]
    fn sums_and_spans_have_an_end() {
        assert_eq!((total([1, 2]), total([u64::MAX, 1]), total([])), (3, u64::MAX, 0));
        assert_eq!(span(1.5), Duration::from_millis(1_500));
        assert_eq!([f64::NAN, -1.0, f64::NEG_INFINITY].map(span), [Duration::ZERO; 3]);
        assert_eq!([1e308, f64::INFINITY].map(span), [Duration::from_secs(10_000_000_000); 2]);
    }
}
