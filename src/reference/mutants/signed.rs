//! What defects make of signed times, of lists of signatures, and of secrets that are rotated.
//!
//! They read the header lines of the contract's scheme, `t=…,v1=…[,v1=…]` or others, as careless receivers do.

use super::Mutant;
use crate::contract::outcome::Refusal;
use crate::delivery::Delivery;
use crate::reference::hooks::Around;
use crate::sign::{Envelope, Scheme, Signer};
use crate::template::{Part, Template};

/// With one defect it may lie so far.
const WIDE: i64 = 300;
/// With another one no farther than this.
const NARROW: i64 = 60;
/// So many seconds around a time one defect tries.
const TRIED: i64 = 5;
/// So long a prefix is one that somebody cut, and no slip.
const SHORTEST_PREFIX: usize = 8;
/// One defect breaks at lists that are longer.
const MANY: usize = 100;

/// What a signature header says.
struct Said<'d> {
    /// The whole line of the signature.
    text: &'d str,
    times: Vec<&'d str>,
    known: Vec<&'d [u8]>,
    unknown: Vec<&'d [u8]>,
}

impl<'d> Said<'d> {
    /// Nothing where the signature's header is not there once, or is no text.
    fn in_header(scheme: &Scheme, delivery: &'d Delivery) -> Option<Self> {
        let carrier = scheme.carrier()?;
        let mut said = Self { text: "", times: Vec::new(), known: Vec::new(), unknown: Vec::new() };
        for header in scheme.headers.iter().filter(|header| header.carries("t") || header.carries("sig")) {
            let separator = scheme.separator_of(header);
            let templates = separator.map_or_else(|| vec![header.value.clone()], |separator| header.value.split(separator));
            let mut lines = delivery.headers.iter().filter(|line| line.name.eq_ignore_ascii_case(&header.name)).peekable();
            if header.name == carrier.name && (lines.peek().is_none() || lines.clone().count() > 1) {
                return None;
            }
            for line in lines {
                let text = std::str::from_utf8(&line.value).ok()?.trim();
                if header.name == carrier.name {
                    said.text = text;
                }
                let items: Vec<&str> = separator.map_or_else(|| vec![text], |separator| text.split(separator).collect());
                items.into_iter().for_each(|item| said.take(item, &templates));
            }
        }
        Some(said)
    }

    /// Keeps what an item says; one that looks like a signature of another version is kept apart.
    fn take(&mut self, item: &'d str, templates: &[Template]) {
        let Some(found) = templates.iter().find_map(|template| template.matches(item.as_bytes())) else {
            let mark = templates.iter().find(|template| template.placeholders().any(|name| name == "sig")).and_then(|own| {
                match own.parts().first() {
                    Some(Part::Literal(mark)) => Some(mark.len()),
                    Some(Part::Placeholder(_)) | None => None,
                }
            });
            self.unknown.extend(mark.and_then(|mark| item.get(mark..)).map(str::as_bytes));
            return;
        };
        for (name, value) in found {
            match name {
                "t" => self.times.extend(std::str::from_utf8(value)),
                "sig" => self.known.push(value),
                _ => {}
            }
        }
    }
}

impl Mutant {
    /// What a defect says of a signature, where it has a say.
    pub(super) fn said_of(&self, honest: Result<(), Refusal>, around: Around<'_>, signer: &Signer) -> Option<Result<(), Refusal>> {
        if honest.is_ok()
            && let Some(why) = self.refuses_right(around)
        {
            return Some(Err(why));
        }
        let said = Said::in_header(signer.scheme(), around.delivery)?;
        let tolerance = signer.scheme().time.map_or(0, |time| i64::try_from(time.past.0.as_secs()).unwrap_or(i64::MAX));
        let by = |signer: &Signer, time: &str, signatures: &[&[u8]]| {
            let envelope = Envelope { time, id: around.key.as_bytes(), origin: around.origin };
            signer.mac_holds(around.delivery, envelope, signatures).is_ok()
        };
        let over = |time: &str| by(signer, time, &said.known);
        let time = said.times.first().copied().unwrap_or_default();
        let ahead = |time: i64| time.saturating_sub(around.now.secs());
        let read = time.parse::<i64>().ok();
        let lies = read.map(ahead).unwrap_or_default();
        let passes = match (honest, self.defect.name) {
            (Err(Refusal::StaleSignature), "stale-time-passes") => over(time),
            (Err(Refusal::StaleSignature), "future-time-passes") => lies > 0 && over(time),
            (Err(Refusal::StaleSignature), "tolerance-of-five-minutes") => lies.abs() <= WIDE && over(time),
            (Ok(()), "tolerance-of-a-minute") if lies.abs() > NARROW => return Some(Err(Refusal::StaleSignature)),
            (Err(Refusal::Signature), "changed-time-passes") => {
                read.is_some_and(|time| (-TRIED..=TRIED).any(|by| over(&time.saturating_add(by).to_string())))
            }
            (Err(_), "first-of-two-times-counts") => said.times.len() == 2 && over(time),
            (Err(_), "last-of-two-times-counts") => said.times.len() == 2 && over(said.times[1]),
            (Err(_), "missing-time-passes") => said.times.is_empty() && over(""),
            (Err(_), "empty-time-passes") => said.times == [""] && over(""),
            (Err(Refusal::MalformedSignature), name) if read_carelessly(name, time).is_some_and(|at| ahead(at).abs() <= tolerance) => {
                over(time)
            }
            (Ok(()), "only-first-signature-counts") => by(signer, time, &said.known[..said.known.len().min(1)]),
            (Ok(()), "only-last-signature-counts") => by(signer, time, &said.known[said.known.len().saturating_sub(1)..]),
            (Ok(()), "every-signature-must-be-right") => said.known.iter().all(|one| by(signer, time, &[one])),
            (Ok(()), "unknown-version-spoils-list") => said.unknown.is_empty(),
            (Err(_), "unknown-version-passes") => by(signer, time, &said.unknown),
            (Err(Refusal::Signature | Refusal::MalformedSignature), "prefix-in-list-passes")
                if signer.within_tolerance(time, around.now).is_ok() && said.times.len() == 1 =>
            {
                let right = signer.signature(around.delivery, Envelope { time, id: around.key.as_bytes(), origin: around.origin });
                said.known.iter().any(|one| one.len() >= SHORTEST_PREFIX && right.as_bytes().starts_with(one))
            }
            (Err(Refusal::Signature | Refusal::MalformedSignature), "signature-compared-without-case")
                if signer.within_tolerance(time, around.now).is_ok() =>
            {
                let right = signer.signature(around.delivery, Envelope { time, id: around.key.as_bytes(), origin: around.origin });
                said.known.iter().any(|one| one.eq_ignore_ascii_case(right.as_bytes()))
            }
            (Ok(()), "blank-in-list-is-refused") => !said.text.contains(", "),
            (Ok(()), "time-must-come-first") => said.text.starts_with("t="),
            (Err(_), "old-form-passes") => said.text == signer.over_body_alone(around.delivery),
            (Err(_), "empty-entry-passes") => said.known.len() > 1 && said.known.contains(&&b""[..]),
            (Ok(()), "previous-secret-is-refused") => {
                let current = signer.with_key(signer.key_bytes());
                current.verify(around.delivery, around.key, around.origin, around.now).is_ok()
            }
            (Err(_), "retired-secret-passes") => signer.by_retired().is_some_and(|retired| by(&retired, time, &said.known)),
            (_, _) => return None,
        };
        Some(if passes { Ok(()) } else { honest.and(Err(Refusal::Signature)) })
    }

    /// Whether the signed time of a delivery is there once, and one that a right receiver takes.
    pub(super) fn time_counts(&self, around: Around<'_>, signer: &Signer) -> bool {
        let scheme = signer.scheme();
        if !scheme.carries_time() {
            return true;
        }
        let said = Said::in_header(scheme, around.delivery);
        said.is_some_and(|said| said.times.len() == 1 && signer.within_tolerance(said.times[0], around.now).is_ok())
    }

    /// Whether a signature of a known version is there, over a time that counts, and cannot be read.
    pub(super) fn has_unreadable_signature(&self, around: Around<'_>) -> bool {
        let Some(signer) = around.signer else { return false };
        let has_one = || Said::in_header(signer.scheme(), around.delivery).is_some_and(|said| !said.known.is_empty());
        !signer.scheme().carries_time() || (self.time_counts(around, signer) && has_one())
    }

    /// Whether a defect breaks at the header of a delivery that is turned away.
    pub(super) fn breaks_at_header(&self, why: Refusal, around: Around<'_>) -> bool {
        let said = around.signer.and_then(|signer| Said::in_header(signer.scheme(), around.delivery));
        let Some(said) = said else { return false };
        let is_odd = |time: &&str| !time.bytes().all(|byte| byte.is_ascii_digit());
        match self.defect.name {
            "odd-time-gives-500" => why == Refusal::MalformedSignature && said.times.iter().any(is_odd),
            "long-list-gives-500" => said.known.len() > MANY,
            _ => false,
        }
    }
}

/// The seconds that a careless reader finds in a text.
fn read_carelessly(defect: &str, text: &str) -> Option<i64> {
    match defect {
        "fractional-time-passes" => text.split_once('.')?.0.parse().ok(),
        "hex-time-passes" => i64::from_str_radix(text.strip_prefix("0x")?, 16).ok(),
        "plus-before-time-passes" => text.strip_prefix('+')?.parse().ok(),
        "minus-before-time-passes" => text.strip_prefix('-')?.parse().ok(),
        "long-time-is-cut-to-64-bits" => i64::try_from(text.parse::<u128>().ok()? & u128::from(u64::MAX)).ok(),
        "time-in-milliseconds-passes" => text.parse::<i64>().ok().map(|millis| millis / 1_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0x68e2cf6f = 1759694703 = 18446744075469246319 - 2^64.
    #[test]
    fn careless_readers_find_a_time() {
        for (defect, text, wanted) in [
            ("fractional-time-passes", "1759694703.5", Some(1_759_694_703)),
            ("fractional-time-passes", "1759694703", None),
            ("hex-time-passes", "0x68e2cf6f", Some(1_759_694_703)),
            ("plus-before-time-passes", "+1759694703", Some(1_759_694_703)),
            ("minus-before-time-passes", "-1759694703", Some(1_759_694_703)),
            ("long-time-is-cut-to-64-bits", "18446744075469246319", Some(1_759_694_703)),
            ("time-in-milliseconds-passes", "1759694703123", Some(1_759_694_703)),
            ("any-signature-passes", "1759694703.5", None),
        ] {
            assert_eq!(read_carelessly(defect, text), wanted, "{defect} {text}");
        }
    }
}
