//! Tampers with the signed time: rightly signed, and no time that may pass.
//!
//! The MAC is made over exactly the text that is sent, so that a receiver has
//! nothing to refuse it for but its time.

use std::time::Duration;

use super::making::Making;
use crate::clock::UnixMicros;
use crate::delivery::{Delivery, HeaderLine};
use crate::sign::signer::filled;
use crate::sign::{Envelope, Scheme, SignatureHeader, TimeUnit};
use crate::template::Template;

/// How far two times lie apart of which one is signed: inside every tolerance.
pub(super) const STEP: Duration = Duration::from_secs(1);

/// Which of two times is the signed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    RightFirst,
    RightLast,
}

/// Where a time stands by itself.
pub(super) enum Place<'a> {
    /// In a header line of its own.
    Line(&'a SignatureHeader),
    /// In an item of the signature's list, between these separators.
    Item(&'a SignatureHeader, &'a str),
}

/// Where the scheme's time stands by itself, if it does; not where two lines carry it.
pub(super) fn place_of_time(scheme: &Scheme) -> Option<Place<'_>> {
    let mut carrying = scheme.headers.iter().filter(|header| header.carries("t"));
    let (header, None) = (carrying.next()?, carrying.next()) else { return None };
    if !header.carries("sig") {
        return Some(Place::Line(header));
    }
    let separator = scheme.separator_of(header)?;
    header.value.split(separator).iter().any(is_time_alone).then_some(Place::Item(header, separator))
}

fn is_time_alone(item: &Template) -> bool {
    let has = |name: &str| item.placeholders().any(|one| one == name);
    has("t") && !has("sig")
}

/// The present and 2 to the 64th: whoever counts in 64 bits and does not look for what is lost reads the present.
pub(super) fn wrapped(at: UnixMicros, unit: TimeUnit) -> String {
    (i128::from(number(at, unit)) + (1_i128 << 64)).to_string()
}

/// The present in hex digits, as some languages write and read numbers.
pub(super) fn in_hex(at: UnixMicros, unit: TimeUnit) -> String {
    format!("0x{:x}", number(at, unit))
}

/// The number that the unit writes; seconds, where it writes no number.
fn number(at: UnixMicros, unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Seconds | TimeUnit::Rfc3339 => at.secs(),
        TimeUnit::Milliseconds => at.0.div_euclid(1_000),
    }
}

impl Making<'_> {
    fn signed_over(&self, time: &str) -> String {
        self.signer.signature(&self.delivery, Envelope { time, id: self.sending.id, origin: self.sending.origin })
    }

    /// Rightly signed over this text in place of the time.
    pub(super) fn with_signed_time(self, time: &str) -> Delivery {
        let lines = self.signer.lines_with(&self.signed_over(time), time, self.sending.id);
        self.with_lines(lines)
    }

    /// Signed over the right time, with this one in its place.
    pub(super) fn with_time_after_signing(self, time: &str) -> Delivery {
        let lines = self.signer.lines_with(&self.right, time, self.sending.id);
        self.with_lines(lines)
    }

    /// Signed over an empty time, whose header line or item is left out.
    pub(super) fn without_time(self) -> Delivery {
        let signature = self.signed_over("");
        let lines = self.signer.lines_with(&signature, "", self.sending.id);
        let lines = self.with_times(lines, &signature, &[]);
        self.with_lines(lines)
    }

    /// Signed over the right time, with another beside it.
    pub(super) fn with_time_twice(self, order: Order) -> Delivery {
        let other = self.signer.scheme().unit().write(self.sending.at.minus(STEP));
        let times: [&str; 2] = match order {
            Order::RightFirst => [&self.time, &other],
            Order::RightLast => [&other, &self.time],
        };
        let lines = self.with_times(self.lines(&self.right), &self.right, &times);
        self.with_lines(lines)
    }

    /// These lines with so many times as are given, where they have one.
    fn with_times(&self, lines: Vec<HeaderLine>, signature: &str, times: &[&str]) -> Vec<HeaderLine> {
        let id = self.sending.id;
        let (header, values) = match place_of_time(self.signer.scheme()) {
            None => return lines,
            Some(Place::Line(header)) => (header, times.iter().map(|time| filled(&header.value, "", time, id)).collect::<Vec<_>>()),
            Some(Place::Item(header, separator)) => {
                let mut items = Vec::new();
                for item in header.value.split(separator) {
                    if is_time_alone(&item) {
                        items.extend(times.iter().map(|time| filled(&item, "", time, id)));
                    } else {
                        items.push(filled(&item, signature, "", id));
                    }
                }
                (header, vec![items.join(separator.as_bytes())])
            }
        };
        let is_other = |line: &HeaderLine| line.name != header.name;
        let its_place = lines.iter().position(|line| !is_other(line)).unwrap_or(lines.len());
        let mut all: Vec<HeaderLine> = lines.into_iter().filter(is_other).collect();
        let own = values.into_iter().map(|value| HeaderLine::new(header.name.clone(), value));
        all.splice(its_place..its_place, own);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2^64 + 1759694703 = 18446744075469246319: twenty digits that a counter of 64 bits reads as the present.
    #[test]
    fn a_wrapped_time_is_the_present_for_a_careless_reader() {
        let at = UnixMicros(1_759_694_703_123_456);
        assert_eq!(wrapped(at, TimeUnit::Seconds), "18446744075469246319");
        assert_eq!(wrapped(at, TimeUnit::Milliseconds), "18446745833404254739");
        assert_eq!((in_hex(at, TimeUnit::Rfc3339), in_hex(at, TimeUnit::Milliseconds)), ("0x68e2cf6f".into(), "0x199b5fa4a13".into()));
    }
}
