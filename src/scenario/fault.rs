//! Faults: how a network between sender and receiver goes wrong, as data.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::span::Span;

/// A timer wakes up so late at most, as a rule.
const LATE: Duration = Duration::from_millis(2);

/// What goes wrong with one delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The request arrives whole, and its answer is lost.
    LoseAnswer,
    /// The request arrives whole, and its answer breaks off in the middle.
    CutAnswer,
    /// The sender closes its side of the connection once the request is out, and still listens.
    HalfClose,
    /// The request travels twice, in one piece, over one connection.
    Twice,
    /// The request breaks off.
    CutRequest(CutAt),
    /// The request is held back so long.
    Delay(Span),
    /// The request arrives byte by byte.
    Dribble(Dribble),
}

/// Where a request breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CutAt {
    /// In the middle of its header lines.
    Headers,
    /// In the middle of its body.
    Body,
    /// After so many bytes.
    Bytes(usize),
}

/// A request that arrives byte by byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dribble {
    /// The pause after each byte.
    pub pause: Span,
    /// Only this part; the rest travels in one piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// So many other deliveries are made meanwhile; each must be accepted, and in time.
    #[serde(default)]
    pub meanwhile: usize,
}

/// A part of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Request line and header lines.
    Headers,
    /// The body.
    Body,
}

impl Fault {
    /// Whether the request arrives whole.
    #[must_use]
    pub fn lets_the_request_through(&self) -> bool {
        !matches!(self, Self::CutRequest(_))
    }

    /// How long the network itself holds a delivery back at most: nobody who waits for an answer counts it as the receiver's.
    ///
    /// * `head`, `body`: how many bytes there are of each.
    #[must_use]
    pub fn holds_back(&self, head: usize, body: usize) -> Duration {
        match self {
            Self::Delay(by) => by.0,
            Self::Dribble(dribble) => {
                let bytes = match dribble.part {
                    None => head.saturating_add(body),
                    Some(Part::Headers) => head,
                    Some(Part::Body) => body,
                };
                dribble.pause.0.saturating_add(LATE).saturating_mul(u32::try_from(bytes).unwrap_or(u32::MAX))
            }
            Self::LoseAnswer | Self::CutAnswer | Self::CutRequest(_) | Self::Twice | Self::HalfClose => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A byte takes its pause, and what a timer is late; what travels in one piece takes nothing.
    #[test]
    fn slow_networks_say_how_slow_they_are() {
        let dribble = |part| Fault::Dribble(Dribble { pause: Span(Duration::from_millis(8)), part, meanwhile: 0 });
        for (fault, millis) in [
            (dribble(None), 6_000),
            (dribble(Some(Part::Headers)), 5_000),
            (dribble(Some(Part::Body)), 1_000),
            (Fault::Delay(Span(Duration::from_millis(700))), 700),
            (Fault::Twice, 0),
        ] {
            assert_eq!(fault.holds_back(500, 100), Duration::from_millis(millis), "{fault:?}");
        }
    }
}
