//! Faults: how a network between sender and receiver goes wrong, as data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::span::Span;

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
}
