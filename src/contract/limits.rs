//! Limits: what an answer and a body may cost.
//!
//! In: what a contract says of them. Out: beside that, how long an answer is
//! waited for. Nothing waits here. A contract that states how long bodies may
//! be has receivers take them up to there; one that states nothing holds nobody
//! to a length.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::span::Span;

/// An answer is waited for so much longer than the contract allows: a late one is then seen to be late, and not to be missing.
const SLACK: Duration = Duration::from_secs(2);
/// So much longer at the least.
const LEAST_SLACK: Duration = Duration::from_millis(500);
/// No answer is given up sooner where nobody says so.
const LEAST: Duration = Duration::from_secs(5);

/// What an answer and a body may cost.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Every answer comes within this time.
    pub answer: Span,
    /// Bodies longer than this many bytes may be refused, shorter ones are taken; without it 16 MiB, up to which nobody is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_bytes: Option<usize>,
}

impl Limits {
    /// The limit of bodies where a contract states none, in bytes.
    const USUAL_BODY_BYTES: usize = 16 * 1024 * 1024;

    /// How many bytes a body may have.
    #[must_use]
    pub fn body_bytes(&self) -> usize {
        self.body_bytes.unwrap_or(Self::USUAL_BODY_BYTES)
    }

    /// How long an answer is waited for, where the user does not say: never shorter than it may take.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.answer.0.saturating_add(SLACK).max(LEAST)
    }

    /// How long an answer is waited for.
    ///
    /// * `asked`: how long the user says. Whoever allows as long as the contract does is given a little more: nobody could tell silence
    ///   from what comes at the last moment.
    #[must_use]
    pub fn patience_of(&self, asked: Option<Duration>) -> Duration {
        match asked {
            Some(asked) if asked < self.answer.0 => asked,
            Some(asked) => asked.max(self.answer.0.saturating_add(LEAST_SLACK)),
            None => self.patience(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { answer: Span(Duration::from_secs(2)), body_bytes: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a contract allows is waited for, and a little more; a receiver that must be quick is given a while, too.
    #[test]
    fn nobody_is_given_up_before_the_contract_does() {
        for (answer_ms, patience_ms) in [(0, 5_000), (2_000, 5_000), (3_000, 5_000), (3_001, 5_001), (10_000, 12_000), (15_000, 17_000)] {
            let limits = Limits { answer: Span(Duration::from_millis(answer_ms)), ..Limits::default() };
            assert_eq!(limits.patience(), Duration::from_millis(patience_ms), "{answer_ms}");
        }
        for (asked_ms, patience_ms) in [(1_999, 1_999), (2_000, 2_500), (2_400, 2_500), (3_000, 3_000)] {
            let asked = Duration::from_millis(asked_ms);
            assert_eq!(Limits::default().patience_of(Some(asked)), Duration::from_millis(patience_ms), "{asked_ms}");
        }
        assert_eq!(Limits::default().patience_of(None), Limits::default().patience());
        let endless = Limits { answer: Span(Duration::MAX), ..Limits::default() };
        assert_eq!(endless.patience(), Duration::MAX);
    }
}
