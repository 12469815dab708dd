//! Visits, as a test author reads them: what a few deliveries showed.

use std::fmt;

use crate::report::language::Language;
use crate::report::{Report, human};
use crate::secret::Redacted;

/// So many columns its text takes.
const WIDTH: usize = 120;

/// What a few deliveries showed; its `Display` has a line each, and the most likely cause where honest ones are turned away.
#[derive(Clone, Debug)]
pub struct Visit(Redacted<Report>);

impl Visit {
    pub(super) fn of(report: Redacted<Report>) -> Self {
        Self(report)
    }

    /// Whether everything that was seen is as the contract says.
    #[must_use]
    pub fn is_as_promised(&self) -> bool {
        self.0.visit.as_ref().is_some_and(|visit| !visit.finds_something())
    }

    /// Why honest deliveries are turned away, most likely, where they are.
    #[must_use]
    pub fn refused(&self) -> Option<&str> {
        self.0.visit.as_ref()?.refused.as_ref().map(|refused| refused.sentence.as_str())
    }
}

impl fmt::Display for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(human::visit::alone(&self.0, (false, WIDTH), Language::default()).trim())
    }
}
