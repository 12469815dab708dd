//! Life: how long keys must live for a scenario to say anything.
//!
//! In: a scenario. Out: the shortest TTL under which what it expects to be
//! remembered is still within its life, also on a clock that runs on while
//! answers come. Nothing is played here.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::judge::span_of;
use crate::scenario::expect::Expect;
use crate::scenario::lint::read_advance;
use crate::scenario::{Scenario, Step};

/// Around the end of a life either answer conforms: so far from it a scenario stays.
const MARGIN: Duration = Duration::from_secs(1);
/// Longer lives than this need not be tried: no scenario lets more pass on its own account.
const LONGEST: u64 = 120; // seconds

/// The shortest life of keys, in seconds, with which a scenario can be played; `None` where none is short enough to be in its way.
///
/// * `lease`: how long a key in flight is held.
#[must_use]
pub fn shortest(scenario: &Scenario, lease: Duration) -> Option<u64> {
    let fits = |ttl: &u64| fits(&scenario.steps, *ttl, lease);
    (1..=LONGEST).find(fits).filter(|ttl| *ttl > 1)
}

/// Whether everything that must be remembered is, with this life.
fn fits(steps: &[Step], ttl: u64, lease: Duration) -> bool {
    let life = Duration::from_secs(ttl);
    let mut now = Duration::ZERO;
    let mut born: BTreeMap<&str, Duration> = BTreeMap::new();
    for step in steps {
        if let Some(by) = step.advance.as_ref().and_then(|by| read_advance(by).ok()) {
            now = now.saturating_add(span_of(&by, ttl, lease));
        }
        let remembered = step.expect.iter().filter_map(|expect| match expect {
            Expect::DuplicateOf(first) => Some(first.as_str()),
            _ => None,
        });
        let rows = step.state.iter().flat_map(|state| &state.keys).filter(|row| row.count != Some(0)).map(|row| row.rows_for.as_str());
        let is_over = |first: &str| {
            let age = born.get(first).map_or(Duration::ZERO, |at| now.saturating_sub(*at));
            !age.is_zero() && age.saturating_add(MARGIN) >= life
        };
        if remembered.chain(rows).any(is_over) {
            return false;
        }
        if let Some(name) = step.deliver.as_ref().and_then(|deliver| deliver.name.as_deref()) {
            born.insert(name, now);
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::expand;
    use crate::scenario::lint::Known;
    use crate::scenario::requirement::Catalogue;

    fn shortest_of(steps: &str) -> Option<u64> {
        let file = crate::files::shipped_suite("core").catalogue.expect("the suite has a catalogue");
        let catalogue = Catalogue::read(&file.path, &file.text).expect("it has no mistake");
        let text = format!("title: a life\nshows: [TTL-2]\nneeds: [ttl, time, keys]\nsteps:\n{steps}");
        let loaded = expand::load("ttl/a-life", "a.yaml", &text, &Known::new(&catalogue, ["minimal.json".to_owned()]));
        shortest(&loaded.map_err(|wrong| wrong.to_string()).expect("it has no mistake")[0].scenario, Duration::ZERO)
    }

    /// What stays within two seconds of the end needs no more than a moment; what lets four pass needs a life that is longer.
    #[test]
    fn what_must_be_remembered_needs_a_life() {
        let first = "  - deliver: {as: first}\n    expect: accepted\n";
        let again = "  - deliver: {key_of: first, body_of: first}\n    expect: {duplicate_of: first}\n";
        assert_eq!(shortest_of(&format!("{first}{again}")), None);
        assert_eq!(shortest_of(&format!("{first}  - advance: 4 s\n{again}")), Some(6));
        assert_eq!(shortest_of(&format!("{first}  - advance: ttl - 2 s\n{again}")), None);
        assert_eq!(
            shortest_of(&format!("{first}  - advance: ttl + 2 s\n  - deliver: {{as: new, key_of: first}}\n    expect: accepted\n")),
            None
        );
        assert_eq!(shortest_of(&format!("{first}  - advance: 4 s\n  - state: {{keys: [{{rows_for: first, count: 1}}]}}\n")), Some(6));
        assert_eq!(shortest_of(&format!("{first}  - advance: 4 s\n  - state: {{keys: [{{rows_for: first, count: 0}}]}}\n")), None);
    }
}
