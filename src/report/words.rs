//! Numbers as people read them, and texts in columns.

use unicode_width::UnicodeWidthStr as _;

/// A span of microseconds in the unit that leaves few digits: `850 µs`, `12.3 ms`, `1.25 s`.
#[must_use]
pub fn duration(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{:.1} ms", us as f64 / 1e3),
        _ => format!("{:.2} s", us as f64 / 1e6),
    }
}

/// How many columns of a terminal a text takes: two for each Japanese character.
#[must_use]
pub fn columns(text: &str) -> usize {
    text.width()
}

/// `text`, filled up with blanks on its right.
#[must_use]
pub fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}
