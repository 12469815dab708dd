//! How far an `advance` step goes: a span, or a point relative to the TTL or to the lease of a key in flight.

use std::time::Duration;

use crate::clock::span;

/// How far an `advance` step goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// So far.
    Span(Duration),
    /// A TTL, and so much more.
    TtlPlus(Duration),
    /// A TTL less so much.
    TtlMinus(Duration),
    /// So many parts of a TTL's length: `ttl / 2` is its half.
    TtlOver(u32),
    /// The lease of a key in flight (`in_flight.lease`), and so much more.
    LeasePlus(Duration),
}

/// Text that does not say how far time goes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` does not say how far time goes; write a span (`2 s`), `ttl`, `ttl + 2 s`, `ttl - 2 s`, `ttl / 2` or `lease + 1 s`")]
pub struct NotAnAdvance {
    /// The text that was found.
    pub found: String,
}

/// Reads how far an `advance` step goes.
///
/// # Errors
/// [`NotAnAdvance`] when it is neither a span nor a point relative to `ttl`.
pub fn read_advance(text: &str) -> Result<Advance, NotAnAdvance> {
    let refuse = || NotAnAdvance { found: text.to_owned() };
    if let Some(rest) = text.trim().strip_prefix("lease") {
        let more = rest.trim_start().strip_prefix('+').map(str::trim).ok_or_else(refuse)?;
        return span::read(more).map(Advance::LeasePlus).map_err(|_| refuse());
    }
    let Some(rest) = text.trim().strip_prefix("ttl") else {
        return span::read(text).map(Advance::Span).map_err(|_| refuse());
    };
    let rest = rest.trim_start();
    if rest.is_empty() {
        return Ok(Advance::TtlPlus(Duration::ZERO));
    }
    let after = |sign: char| rest.strip_prefix(sign).map(str::trim);
    if let Some(more) = after('+') {
        span::read(more).map(Advance::TtlPlus).map_err(|_| refuse())
    } else if let Some(less) = after('-') {
        span::read(less).map(Advance::TtlMinus).map_err(|_| refuse())
    } else {
        after('/').and_then(|parts| parts.parse().ok()).filter(|parts| *parts > 0).map(Advance::TtlOver).ok_or_else(refuse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spans and points relative to the TTL are read as written.
    #[test]
    fn advances_are_read_as_written() {
        let secs = Duration::from_secs;
        for (text, by) in [
            ("86402 s", Advance::Span(secs(86_402))),
            ("ttl", Advance::TtlPlus(Duration::ZERO)),
            ("ttl + 2 s", Advance::TtlPlus(secs(2))),
            ("ttl-2s", Advance::TtlMinus(secs(2))),
            ("ttl / 2", Advance::TtlOver(2)),
            ("lease + 1 s", Advance::LeasePlus(secs(1))),
        ] {
            assert_eq!(read_advance(text), Ok(by), "{text}");
        }
        for text in ["", "2", "ttl +", "ttl * 2", "ttl / 0", "ttl / 2 s", "ttls", "2 s + ttl", "lease", "lease - 1 s"] {
            assert!(read_advance(text).is_err(), "{text}");
        }
    }
}
