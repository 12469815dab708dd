//! Think times: how long a user of the closed model waits between two deliveries.
//!
//! Text in (`200ms`, `200ms..2s`, `~1s`), a [`Think`] out, and from it and random numbers one time after the other.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::clock::span;
use crate::random::Rng;

/// A random time is hardly ever longer than so many times its mean.
const LONGEST_THOUGHT: u32 = 8;

/// How long a user waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Think {
    /// Not at all.
    #[default]
    No,
    /// Always as long.
    Constant(Duration),
    /// From one time to another, each as likely.
    Between(Duration, Duration),
    /// At random with this mean, as between events that know nothing of each other.
    Random(Duration),
}

/// A think time as it stands in a mix: `1 s` at random, on average; `200ms..2s` between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub struct ThinkTime(pub Think);

impl<'de> Deserialize<'de> for ThinkTime {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Think::read_in_file(&String::deserialize(from)?).map(Self).map_err(serde::de::Error::custom)
    }
}

impl Think {
    /// Reads what stands on a command line: `200ms` is always as long, `200ms..2s` lies between, `~1s` is a mean.
    ///
    /// # Errors
    /// One sentence: what is wrong, and how it is written.
    pub fn read(text: &str) -> Result<Self, String> {
        let wrong = |cause: &str| format!("think time `{text}`: {cause}; write `500ms`, `200ms..2s`, or `~1s` for a mean of random times");
        let span = |text: &str| span::read(text).map_err(|cause| wrong(&cause.to_string()));
        let text = text.trim();
        if let Some(mean) = text.strip_prefix('~') {
            return span(mean).map(|mean| if mean.is_zero() { Self::No } else { Self::Random(mean) });
        }
        let Some((least, most)) = text.split_once("..") else {
            return span(text).map(|span| if span.is_zero() { Self::No } else { Self::Constant(span) });
        };
        let (least, most) = (span(least)?, span(most)?);
        if least > most {
            return Err(wrong("the shorter time comes first"));
        }
        Ok(if most.is_zero() { Self::No } else { Self::Between(least, most) })
    }

    /// Reads what stands in a mix: the same, but that a span alone is a mean.
    ///
    /// # Errors
    /// As [`Think::read`].
    pub fn read_in_file(text: &str) -> Result<Self, String> {
        Self::read(text).map(|read| match read {
            Self::Constant(mean) => Self::Random(mean),
            Self::No | Self::Between(..) | Self::Random(_) => read,
        })
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::No
    }

    /// The next time.
    #[must_use]
    pub fn next(self, rng: &mut Rng) -> Duration {
        match self {
            Self::No => Duration::ZERO,
            Self::Constant(span) => span,
            Self::Between(least, most) => least + (most - least).mul_f64((rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64),
            Self::Random(mean) => mean.mul_f64(rng.gap()),
        }
    }

    /// No time, or hardly any, is longer.
    #[must_use]
    pub fn longest(self) -> Duration {
        match self {
            Self::No => Duration::ZERO,
            Self::Constant(span) | Self::Between(_, span) => span,
            Self::Random(mean) => mean.saturating_mul(LONGEST_THOUGHT),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_lie_where_they_are_wanted() {
        let ms = Duration::from_millis;
        for (text, wanted) in [
            ("0s", Think::No),
            ("200ms", Think::Constant(ms(200))),
            ("200ms..2s", Think::Between(ms(200), ms(2_000))),
            ("200ms .. 200 ms", Think::Between(ms(200), ms(200))),
            ("~1s", Think::Random(ms(1_000))),
        ] {
            assert_eq!(Think::read(text), Ok(wanted), "{text}");
        }
        assert_eq!(Think::read_in_file("200ms"), Ok(Think::Random(ms(200))));
        for (text, told) in [("5", "unit"), ("2s..1s", "shorter"), ("..1s", "not a span"), ("~", "not a span")] {
            assert!(Think::read(text).is_err_and(|wrong| wrong.contains(told)), "{text}: {:?}", Think::read(text));
        }
        let (mut rng, between) = (Rng::new(7, 1), Think::Between(ms(200), ms(2_000)));
        let drawn: Vec<Duration> = (0..1_000).map(|_| between.next(&mut rng)).collect();
        assert!(drawn.iter().all(|one| (ms(200)..=ms(2_000)).contains(one)));
        // The mean of a thousand lies within five of its deviations (16 ms) of 1100 ms.
        let mean = drawn.iter().sum::<Duration>() / 1_000;
        assert!((ms(1_018)..ms(1_182)).contains(&mean), "{mean:?}");
    }
}
