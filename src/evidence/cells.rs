//! Cells: values of databases as the contract speaks of them.
//!
//! Instants may stand as text, as native timestamps, or as a number since the
//! epoch (seconds, ms, µs, with or without a fraction): here they become text
//! that `check` reads, and go back to the form they were found in.

use std::time::Duration;

use crate::clock::{UnixMicros, iso};
use crate::contract::tables::{Column, Table};
use crate::state::Cell;

/// Numbers below this are seconds since the epoch (until the year 5138), then milliseconds, then microseconds.
const SECONDS_END: f64 = 1e11;
const MILLIS_END: f64 = 1e14;
const MICROS_END: f64 = 1e17;

/// How many of its units a second has, for a number that is an instant.
#[must_use]
pub fn units_a_second(number: f64) -> f64 {
    let size = number.abs();
    if size < SECONDS_END {
        1.0
    } else if size < MILLIS_END {
        1e3
    } else if size < MICROS_END {
        1e6
    } else {
        1e9
    }
}

/// The instant that a number stands for.
#[must_use]
pub fn instant_of(number: &Cell) -> Option<UnixMicros> {
    match number {
        Cell::Integer(whole) => {
            let whole = *whole;
            let units = units_a_second(whole as f64) as i64;
            // Whole numbers are divided as such: a float has not digits enough for microseconds.
            let micros = if units <= 1_000_000 { whole.checked_mul(1_000_000 / units)? } else { whole / (units / 1_000_000) };
            Some(UnixMicros(micros))
        }
        Cell::Real(number) if number.is_finite() => {
            let micros = number / units_a_second(*number) * 1e6;
            (micros.abs() < 9e18).then(|| UnixMicros(micros.round() as i64))
        }
        Cell::Real(_) | Cell::Null | Cell::Text(_) => None,
    }
}

/// A cell as the contract speaks of it: an instant is text, a life is a whole number of seconds.
#[must_use]
pub fn as_contract(table: &Table, column: &Column, cell: Cell) -> Cell {
    if table.instant() == Some(column.name.as_str()) {
        return instant_of(&cell).map_or(cell, |at| Cell::Text(iso::write(at)));
    }
    if column.holds_only("ttl")
        && let Cell::Real(seconds) = cell
        && seconds.fract() == 0.0
        && seconds.abs() < 9e15
    {
        return Cell::Integer(seconds as i64);
    }
    cell
}

/// Text of a number, read as one; other text stays as it is. For stores that have no types.
#[must_use]
pub fn number_in(text: &str) -> Cell {
    if let Ok(whole) = text.parse::<i64>() {
        return Cell::Integer(whole);
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-')) => {
            Cell::Real(number)
        }
        Ok(_) | Err(_) => Cell::Text(text.to_owned()),
    }
}

/// The same kind of value, `by` earlier; `None` for what is no time.
#[must_use]
pub fn moved_back(found: &Cell, by: Duration) -> Option<Cell> {
    match found {
        Cell::Text(text) => match iso::read(text) {
            Some((at, form)) => Some(Cell::Text(form.write(at.minus(by)))),
            None => number_moved_back(text, by).map(Cell::Text),
        },
        Cell::Integer(whole) => {
            let units = units_a_second(*whole as f64) as u128;
            let less = i64::try_from(by.as_nanos() * units / 1_000_000_000).ok()?;
            Some(Cell::Integer(whole.checked_sub(less)?))
        }
        Cell::Real(number) => Some(Cell::Real(number - by.as_secs_f64() * units_a_second(*number))),
        Cell::Null => None,
    }
}

/// A number that stands as text, as a column of type TEXT makes of every number; its fraction is kept as it is.
fn number_moved_back(text: &str, by: Duration) -> Option<String> {
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    let readable = fraction.bytes().skip(1).all(|digit| digit.is_ascii_digit());
    let whole: i64 = whole.parse().ok().filter(|_| readable)?;
    match moved_back(&Cell::Integer(whole), by)? {
        Cell::Integer(earlier) => Some(format!("{earlier}{fraction}")),
        Cell::Null | Cell::Real(_) | Cell::Text(_) => None,
    }
}

/// The bytes of a cell as text: 32 of them in a column for a hash are written in hex.
#[must_use]
pub fn text_of(column: Option<&Column>, bytes: &[u8]) -> String {
    let is_hash = bytes.len() == 32 && column.is_some_and(|column| column.holds_only("sha256"));
    if is_hash { bytes.iter().map(|byte| format!("{byte:02x}")).collect() } else { String::from_utf8_lossy(bytes).into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One instant in every form that it is kept in, and the same a minute earlier. The number is `date -u -d 2025-10-05T20:05:03 +%s`.
    #[test]
    fn instants_are_read_and_moved_in_the_form_they_are_kept_in() {
        for (kept, read, earlier) in [
            (Cell::Integer(1_759_694_703), "2025-10-05T20:05:03.000000", Cell::Integer(1_759_694_643)),
            (Cell::Integer(1_759_694_703_123), "2025-10-05T20:05:03.123000", Cell::Integer(1_759_694_643_123)),
            (Cell::Integer(1_759_694_703_123_456), "2025-10-05T20:05:03.123456", Cell::Integer(1_759_694_643_123_456)),
            (Cell::Integer(1_759_694_703_123_456_789), "2025-10-05T20:05:03.123456", Cell::Integer(1_759_694_643_123_456_789)),
            (Cell::Real(1_759_694_703.5), "2025-10-05T20:05:03.500000", Cell::Real(1_759_694_643.5)),
        ] {
            assert_eq!(instant_of(&kept).map(iso::write).as_deref(), Some(read), "{kept}");
            assert_eq!(moved_back(&kept, Duration::from_secs(60)), Some(earlier), "{kept}");
        }
        let text = |text: &str| moved_back(&Cell::Text(text.to_owned()), Duration::from_secs(60));
        assert_eq!(text("2025-10-05 20:05:03"), Some(Cell::Text("2025-10-05 20:04:03".to_owned())));
        assert_eq!(text("1759694703.25"), Some(Cell::Text("1759694643.25".to_owned())));
        assert_eq!((text("yesterday"), moved_back(&Cell::Null, Duration::ZERO)), (None, None));
    }
}
