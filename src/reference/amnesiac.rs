//! The amnesiac: a receiver that keeps its contract but for one thing, it remembers nothing.
//!
//! Every delivery finds an empty memory. A step whose expectation it meets as
//! well shows nothing of what is remembered: it has no force there.

use super::hooks::{Around, GoesOn, Hooks};
use super::store::First;

/// Hooks of a receiver without memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct Amnesiac;

impl Hooks for Amnesiac {
    fn found(&mut self, _first: Option<First>, _around: Around<'_>) -> Option<First> {
        None
    }

    fn remembers_results(&self) -> bool {
        false
    }

    fn goes_on(&self) -> GoesOn {
        GoesOn::WithNews
    }
}
