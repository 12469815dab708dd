//! Counters: effects that a function counts, where the receiver and hookgate share a process.
//!
//! Only a test that judges its own receiver names one, never a contract.

use std::sync::Arc;
use std::time::Duration;

use super::{Asked, Can, EvidenceError, Question, Seen, Source, Told};

/// Says how often the work of a key was done.
type Count = dyn Fn(&str) -> u64 + Send + Sync;

/// A function that counts the effects of a key.
#[derive(Clone)]
pub struct Counter(Arc<Count>);

impl Counter {
    /// Counts by a function, which must not wait for the receiver.
    pub fn new(count: impl Fn(&str) -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(count))
    }
}

impl std::fmt::Debug for Counter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Counter(fn)")
    }
}

impl Source for Counter {
    fn name(&self) -> String {
        "a function of the test".to_owned()
    }

    fn can(&self) -> Can {
        Can { effects: true, ..Can::default() }
    }

    fn check_available(&self) -> Asked<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn rows(&self, _question: Question) -> Asked<'_, Seen> {
        Box::pin(async move { Err(EvidenceError::CannotShow { name: self.name(), what: "rows" }) })
    }

    fn count<'a>(&'a self, _prefix: &'a str, _told: &'a mut Told<'_>) -> Asked<'a, ()> {
        Box::pin(async move { Err(EvidenceError::CannotShow { name: self.name(), what: "rows" }) })
    }

    fn effects<'a>(&'a self, keys: &'a [String]) -> Asked<'a, Vec<u64>> {
        Box::pin(async move { Ok(keys.iter().map(|key| (self.0)(key)).collect()) })
    }

    fn rewind<'a>(&'a self, _keys: &'a [String], _by: Duration) -> Asked<'a, usize> {
        Box::pin(async move { Err(EvidenceError::NothingToMove { name: self.name() }) })
    }

    fn would_rewind(&self) -> Option<String> {
        None
    }
}
