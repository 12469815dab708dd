//! Selection by name: `TTL-*`, `duplicate/*`, `AUTH-*,!AUTH-8`.

use crate::scenario::expand::Loaded;
pub use crate::scenario::pattern::fits;
use crate::scenario::pattern::means;

/// A selection: terms with commas between; `!` in front leaves out.
pub struct Selection<'a> {
    wanted: Vec<&'a str>,
    left_out: Vec<&'a str>,
}

impl<'a> Selection<'a> {
    /// Reads an expression.
    #[must_use]
    pub fn read(expression: &'a str) -> Self {
        let terms = expression.split(',').map(str::trim).filter(|term| !term.is_empty());
        let (left_out, wanted): (Vec<&str>, Vec<&str>) = terms.partition(|term| term.starts_with('!'));
        Self { wanted, left_out: left_out.into_iter().map(|term| term.trim_start_matches('!')).collect() }
    }

    /// Whether a scenario is selected: by its id, by the id without its variant, or by what it shows.
    #[must_use]
    pub fn takes(&self, loaded: &Loaded) -> bool {
        let is = |term: &&str| fits_scenario(term, loaded) || loaded.scenario.shows.iter().any(|id| fits(term, id));
        (self.wanted.is_empty() || self.wanted.iter().any(&is)) && !self.left_out.iter().any(is)
    }
}

/// Whether a pattern means a scenario: its id, its id without the variant, or its topic.
#[must_use]
pub fn fits_scenario(pattern: &str, loaded: &Loaded) -> bool {
    means(pattern, &loaded.id)
}
