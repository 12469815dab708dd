//! Instants as text, in every form that receivers were seen to store.
//!
//! Takes text like `2025-10-05T20:05:03.123456`, gives the instant and the
//! [`TimeForm`] it was written in, so that a moved instant can be written back
//! in the form it was found in. No time zone database: only `Z` and numeric
//! offsets are known, and text without one is UTC (contract, section 2).

use super::UnixMicros;

const SECONDS_PER_DAY: i64 = 86_400;
const MICROS: i64 = 1_000_000;
/// Days from 0000-03-01 to 1970-01-01 in the proleptic Gregorian calendar.
const EPOCH_FROM_MARCH_YEAR_ZERO: i64 = 719_468;
const DAYS_PER_400_YEARS: i64 = 146_097;

/// How an instant was written: enough to write another one alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeForm {
    /// `T` or a space between date and time.
    pub separator: char,
    /// Digits after the decimal point, 0 to 9; 0 means that there is no point.
    pub fraction_digits: usize,
    /// What follows the time: nothing, `Z`, or an offset such as `+02:00`.
    pub zone: String,
}

impl TimeForm {
    /// The form of the contract: `T`, microseconds, no zone.
    #[must_use]
    pub fn contract() -> Self {
        Self { separator: 'T', fraction_digits: 6, zone: String::new() }
    }

    /// Writes `at` in this form; a fraction is cut, not rounded.
    #[must_use]
    pub fn write(&self, at: UnixMicros) -> String {
        let local = at.0.saturating_add(offset_secs(&self.zone).unwrap_or(0).saturating_mul(MICROS));
        let (days, micros) = (local.div_euclid(SECONDS_PER_DAY * MICROS), local.rem_euclid(SECONDS_PER_DAY * MICROS));
        let (year, month, day) = civil_from_days(days);
        let (secs, micros) = (micros / MICROS, micros % MICROS);
        let mut text = format!("{year:04}-{month:02}-{day:02}{}{:02}:{:02}:{:02}", self.separator, secs / 3600, secs / 60 % 60, secs % 60);
        if self.fraction_digits > 0 {
            let nanos = format!("{:09}", micros * 1000);
            text.push('.');
            text.push_str(&nanos[..self.fraction_digits.min(9)]);
        }
        text.push_str(&self.zone);
        text
    }
}

/// Writes `at` as the contract does: `2025-10-05T20:05:03.123456`.
#[must_use]
pub fn write(at: UnixMicros) -> String {
    TimeForm::contract().write(at)
}

/// Reads an instant and the form it is written in.
///
/// `None` for anything that is not a date and time of the calendar: a bare
/// date, a 13th month, a number, trailing text.
#[must_use]
pub fn read(text: &str) -> Option<(UnixMicros, TimeForm)> {
    let bytes = text.as_bytes();
    let separator = char::from(*bytes.get(10)?);
    if bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') || !matches!(separator, 'T' | ' ') {
        return None;
    }
    let (year, month, day) = (number(text.get(0..4)?)?, number(text.get(5..7)?)?, number(text.get(8..10)?)?);
    if bytes.get(13) != Some(&b':') || bytes.get(16) != Some(&b':') {
        return None;
    }
    let (hour, minute, second) = (number(text.get(11..13)?)?, number(text.get(14..16)?)?, number(text.get(17..19)?)?);
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let rest = text.get(19..)?;
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(after) => {
            let digits = after.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 || digits > 9 {
                return None;
            }
            after.split_at(digits)
        }
        None => ("", rest),
    };
    let nanos = if fraction.is_empty() { 0 } else { number(&format!("{fraction:0<9}"))? };
    let secs = days_from_civil(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - offset_secs(zone)?;
    let form = TimeForm { separator, fraction_digits: fraction.len(), zone: zone.to_owned() };
    Some((UnixMicros(secs * MICROS + nanos / 1000), form))
}

/// Seconds east of UTC that a zone's text means; `None` when it is not one.
fn offset_secs(zone: &str) -> Option<i64> {
    if matches!(zone, "" | "Z" | "z") {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = zone[1..].chars().filter(|c| *c != ':').collect();
    if digits.len() != 4 || !digits.is_ascii() {
        return None;
    }
    Some(sign * (number(&digits[..2])? * 3600 + number(&digits[2..])? * 60))
}

fn number(digits: &str) -> Option<i64> {
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

// A year that begins in March puts the leap day last, so that every month but
// the last has a fixed length and days are counted by division alone.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * DAYS_PER_400_YEARS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH_FROM_MARCH_YEAR_ZERO
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH_FROM_MARCH_YEAR_ZERO;
    let (era, of_era) = (days.div_euclid(DAYS_PER_400_YEARS), days.rem_euclid(DAYS_PER_400_YEARS));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds computed with `date -u -d … +%s` (GNU coreutils).
    #[test]
    fn instants_are_read_as_the_system_reads_them() {
        for (text, secs) in [
            ("2025-10-05T20:05:03.123456", 1_759_694_703),
            ("1970-01-01 00:00:00", 0),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2024-12-31T23:30:00-01:00", 1_735_691_400),
            ("1969-12-31T23:59:59.5", -1),
        ] {
            assert_eq!(read(text).map(|(at, _)| at.secs()), Some(secs), "{text}");
        }
    }

    /// What was read is written back to the character.
    #[test]
    fn forms_survive_a_round_trip() {
        for text in [
            "2025-10-05T20:05:03.123456",
            "2025-10-05 20:05:03",
            "2025-10-05T20:05:03.5Z",
            "2025-10-05T20:05:03.123+05:30",
            "2024-02-29 00:00:00.000000-0800",
            "1969-12-31T23:59:59.999999",
        ] {
            let (at, form) = read(text).unwrap_or_else(|| panic!("{text} is a time"));
            assert_eq!(form.write(at), text);
        }
    }

    /// What is not a time is not taken for one.
    #[test]
    fn text_that_is_no_time_is_refused() {
        for text in [
            "",
            "1759694703",
            "2025-13-01T00:00:00",
            "2025-02-29T00:00:00",
            "2025-10-05",
            "2025-10-05T20:05:03.",
            "2025-10-05T20:05:03 UTC",
            // Four bytes, and none of them two digits.
            "2025-10-05T20:05:03+a€",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
