//! Signed times: the forms that they are written in, and how far one may lie from now.
//!
//! Takes an instant, gives its text, and reads it back strictly: a sign, a
//! fraction of a number, a hex digit or a number that is too long is no time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::UnixMicros;
use crate::clock::iso::{self, TimeForm};
use crate::clock::span::Span;

const MICROS_PER_MILLI: i64 = 1_000;
/// Twelve digits of seconds are the year 33658; more is a slip, or an attempt.
const MOST_DIGITS_OF_SECONDS: usize = 12;
/// The same in milliseconds.
const MOST_DIGITS_OF_MILLIS: usize = 15;

/// How a signed time is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TimeUnit {
    /// Whole seconds since 1970.
    #[default]
    #[serde(rename = "s")]
    Seconds,
    /// Whole milliseconds since 1970.
    #[serde(rename = "ms")]
    Milliseconds,
    /// RFC 3339: `2025-10-05T20:05:03Z`.
    #[serde(rename = "rfc3339")]
    Rfc3339,
}

impl TimeUnit {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The instant as its text; what is finer than the unit is cut.
    #[must_use]
    pub fn write(self, at: UnixMicros) -> String {
        match self {
            Self::Seconds => at.secs().to_string(),
            Self::Milliseconds => at.0.div_euclid(MICROS_PER_MILLI).to_string(),
            Self::Rfc3339 => TimeForm { separator: 'T', fraction_digits: 0, zone: "Z".to_owned() }.write(at),
        }
    }

    /// The instant that a text means; `None` when it is not in exactly this form.
    ///
    /// Numbers are digits only, without zeros in front. RFC 3339 may have a
    /// fraction of a second, and an offset in place of `Z`.
    #[must_use]
    pub fn read(self, text: &str) -> Option<UnixMicros> {
        match self {
            Self::Seconds => number(text, MOST_DIGITS_OF_SECONDS).map(UnixMicros::from_secs),
            Self::Milliseconds => number(text, MOST_DIGITS_OF_MILLIS).map(|millis| UnixMicros(millis.saturating_mul(MICROS_PER_MILLI))),
            Self::Rfc3339 => {
                let (at, form) = iso::read(text)?;
                (form.separator == 'T' && is_zone(&form.zone)).then_some(at)
            }
        }
    }

    /// Whether `c` may stand in text of this form.
    #[must_use]
    pub fn may_hold(self, c: char) -> bool {
        match self {
            Self::Seconds | Self::Milliseconds => c.is_ascii_digit(),
            Self::Rfc3339 => c.is_ascii_digit() || matches!(c, 'T' | 'Z' | ':' | '-' | '+' | '.'),
        }
    }

    /// The instant without what is finer than the unit.
    #[must_use]
    pub fn floor(self, at: UnixMicros) -> UnixMicros {
        match self {
            Self::Milliseconds => UnixMicros(at.0.saturating_sub(at.0.rem_euclid(MICROS_PER_MILLI))),
            Self::Seconds | Self::Rfc3339 => UnixMicros::from_secs(at.secs()),
        }
    }
}

fn number(text: &str, most_digits: usize) -> Option<i64> {
    let is_number = !text.is_empty() && text.len() <= most_digits && text.bytes().all(|digit| digit.is_ascii_digit());
    let is_shortest = text == "0" || !text.starts_with('0');
    (is_number && is_shortest).then(|| text.parse().ok()).flatten()
}

/// `Z`, or an offset as RFC 3339 writes it: `+05:30`.
fn is_zone(zone: &str) -> bool {
    let below = |digits: Option<&str>, most: u8| digits.and_then(|two| two.parse::<u8>().ok()).is_some_and(|number| number <= most);
    zone == "Z" || (zone.len() == 6 && zone.as_bytes()[3] == b':' && below(zone.get(1..3), 23) && below(zone.get(4..6), 59))
}

/// How a signed time is written, and how far it may lie from now, both ends included.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tolerance {
    /// How it is written: `s` (seconds since 1970), `ms`, or `rfc3339`.
    #[serde(default, skip_serializing_if = "TimeUnit::is_default")]
    pub unit: TimeUnit,
    /// So far in the past.
    pub past: Span,
    /// So far in the future; without it, any future passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub future: Option<Span>,
}

impl Tolerance {
    /// Whether an instant lies near enough to now; compared in whole units.
    #[must_use]
    pub fn allows(&self, signed_at: UnixMicros, now: UnixMicros) -> bool {
        let now = self.unit.floor(now);
        let too_old = now.since(signed_at) > self.past.0;
        let too_early = self.future.is_some_and(|future| signed_at.since(now) > future.0);
        !too_old && !too_early
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: UnixMicros = UnixMicros(1_759_694_703_123_456);

    /// Seconds and date computed with `date -u -d @1759694703 +%FT%TZ` (GNU coreutils).
    #[test]
    fn an_instant_is_written_in_its_form_and_read_back() {
        for (unit, text, floor) in [
            (TimeUnit::Seconds, "1759694703", 1_759_694_703_000_000),
            (TimeUnit::Milliseconds, "1759694703123", 1_759_694_703_123_000),
            (TimeUnit::Rfc3339, "2025-10-05T20:05:03Z", 1_759_694_703_000_000),
        ] {
            assert_eq!(unit.write(NOW), text);
            assert_eq!(unit.read(text), Some(UnixMicros(floor)), "{text}");
            assert_eq!(unit.floor(NOW), UnixMicros(floor), "{text}");
        }
        assert_eq!(TimeUnit::Rfc3339.read("2025-10-06T01:35:03.5+05:30"), Some(UnixMicros(1_759_694_703_500_000)));
        assert_eq!(TimeUnit::Seconds.read("0"), Some(UnixMicros(0)));
    }

    /// What is written in another way is no time at all, whatever it might mean.
    #[test]
    fn what_is_not_in_the_very_form_is_no_time() {
        let never = ["", " ", "-1", "+1759694703", "-1759694703", "1759694703.0", "1759694703.5", "0x68e2cf2f", "1e9", "01759694703"];
        let long = ["18446744075469246319", "99999999999999999999", "1_759_694_703", " 1759694703", "1759694703 ", "１７５９", "17\u{0}"];
        for unit in [TimeUnit::Seconds, TimeUnit::Milliseconds, TimeUnit::Rfc3339] {
            for text in never.into_iter().chain(long) {
                assert_eq!(unit.read(text), None, "{unit:?} {text:?}");
            }
        }
        assert_eq!(TimeUnit::Seconds.read("1759694703123"), None, "milliseconds are no seconds");
        assert_eq!(TimeUnit::Milliseconds.read("1759694703123456"), None, "microseconds are no milliseconds");
        for text in [
            "1759694703",
            "2025-10-05 20:05:03Z",
            "2025-10-05T20:05:03",
            "2025-10-05T20:05:03z",
            "2025-10-05T20:05:03+0200",
            "2025-10-05T20:05:03+24:00",
            "2025-10-05T20:05:03+02:60",
            "2025-10-05T20:05:03.Z",
            "2025-02-29T20:05:03Z",
            "+2025-10-05T20:05:03Z",
            "-2025-10-05T20:05:03Z",
        ] {
            assert_eq!(TimeUnit::Rfc3339.read(text), None, "{text}");
        }
    }

    /// Both ends are inside, one unit further is outside.
    #[test]
    fn a_tolerance_includes_its_ends() {
        let two = Some(Span(Duration::from_secs(2)));
        for (unit, step) in [(TimeUnit::Seconds, 1_000_000), (TimeUnit::Milliseconds, 1_000), (TimeUnit::Rfc3339, 1_000_000)] {
            let tolerance = Tolerance { unit, past: Span(Duration::from_secs(2)), future: two };
            let now = unit.floor(NOW);
            for (shift, wanted) in [(-2_000_000, true), (-2_000_000 - step, false), (2_000_000, true), (2_000_000 + step, false)] {
                assert_eq!(tolerance.allows(UnixMicros(now.0 + shift), NOW), wanted, "{unit:?} {shift}");
            }
            let unbounded = Tolerance { future: None, ..tolerance };
            assert!(unbounded.allows(UnixMicros(i64::MAX), NOW), "{unit:?}");
            assert!(!tolerance.allows(UnixMicros(i64::MIN), NOW), "{unit:?}");
        }
    }
}
