//! Life: how long keys must live for a scenario to say anything.
//!
//! In: a scenario. Out: the shortest TTL under which what it expects to be
//! remembered is still within its life, also on a clock that runs on while
//! answers come, and under which what it expects to be forgotten would not be,
//! had a delivery in between begun the life anew. Nothing is played here.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::judge::span_of;
use crate::scenario::deliver::Deliver;
use crate::scenario::expect::Expect;
use crate::scenario::lint::read_advance;
use crate::scenario::{Scenario, Step};

/// Around the end of a life either answer conforms: so far from it a scenario stays.
const MARGIN: Duration = Duration::from_secs(1);
/// Longer lives than this need not be tried: no scenario lets more pass on its own account.
const LONGEST: u64 = 120; // seconds

/// The shortest life of keys, in seconds, with which a scenario can be played, and with every longer one; `None` where none is
/// short enough to be in its way.
///
/// * `lease`: how long a key in flight is held.
#[must_use]
pub fn shortest(scenario: &Scenario, lease: Duration) -> Option<u64> {
    let fits = |ttl: &u64| fits(&scenario.steps, *ttl, lease);
    (1..=LONGEST).rev().take_while(fits).last().filter(|ttl| *ttl > 1)
}

/// A key as the steps so far have it.
#[derive(Clone, Copy)]
struct Life {
    /// When it was accepted.
    born: Duration,
    /// When it was last delivered.
    touched: Duration,
    /// How long it lives.
    ttl: Duration,
}

/// The keys that the steps so far have delivered.
#[derive(Default)]
struct Lives<'s> {
    /// Whose key a named delivery bears: the name of that key's first one.
    owners: BTreeMap<&'s str, &'s str>,
    /// The accepted ones, by the name of their first delivery.
    lives: BTreeMap<&'s str, Life>,
    /// When named deliveries were sent.
    sent: BTreeMap<&'s str, Duration>,
}

impl<'s> Lives<'s> {
    fn owner(&self, name: &'s str) -> &'s str {
        self.owners.get(name).copied().unwrap_or(name)
    }

    /// Whether the life of what this delivery was would be over, or nearly: what is remembered of it could be forgotten.
    fn is_over(&self, name: &'s str, now: Duration, ttl: Duration) -> bool {
        let age = self.sent.get(name).map_or(Duration::ZERO, |at| now.saturating_sub(*at));
        // A delivery that brought a life of its own lives that.
        let own = self.lives.get(self.owner(name)).filter(|life| self.sent.get(name) == Some(&life.born));
        !age.is_zero() && age.saturating_add(MARGIN) >= own.map_or(ttl, |life| life.ttl)
    }

    /// Whether a key that is accepted anew would be so, too, had the delivery in between begun its life anew.
    fn shows_nothing(&self, owner: &'s str, now: Duration) -> bool {
        self.lives.get(owner).is_some_and(|life| {
            let since = now.saturating_sub(life.touched);
            life.touched > life.born && since.saturating_add(MARGIN) >= life.ttl
        })
    }

    fn deliver(&mut self, deliver: &'s Deliver, is_accepted: bool, now: Duration, ttl: Duration) {
        let name = deliver.name.as_deref();
        let Some(owner) = deliver.key_of.as_deref().map(|of| self.owner(of)).or(name) else { return };
        if let Some(name) = name {
            self.owners.insert(name, owner);
            self.sent.insert(name, now);
        }
        if is_accepted {
            let ttl = deliver.ttl.map_or(ttl, Duration::from_secs);
            self.lives.insert(owner, Life { born: now, touched: now, ttl });
        } else if let Some(life) = self.lives.get_mut(owner) {
            life.touched = now;
        }
    }
}

/// Whether everything that must be remembered is, with this life, and what must be forgotten tells anything.
fn fits(steps: &[Step], ttl: u64, lease: Duration) -> bool {
    let life = Duration::from_secs(ttl);
    let mut now = Duration::ZERO;
    let mut lives = Lives::default();
    for step in steps {
        if let Some(by) = step.advance.as_ref().and_then(|by| read_advance(by).ok()) {
            now = now.saturating_add(span_of(&by, ttl, lease));
        }
        let remembered = step.expect.iter().filter_map(|expect| match expect {
            Expect::DuplicateOf(first) => Some(first.as_str()),
            _ => None,
        });
        let rows = step.state.iter().flat_map(|state| &state.keys).filter(|row| row.count != Some(0)).map(|row| row.rows_for.as_str());
        if remembered.chain(rows).any(|first| lives.is_over(first, now, life)) {
            return false;
        }
        if let Some(deliver) = &step.deliver {
            let is_accepted = step.expect == Some(Expect::Accepted);
            let again = deliver.key_of.as_deref().filter(|_| is_accepted).map(|of| lives.owner(of));
            if again.is_some_and(|owner| lives.shows_nothing(owner, now)) {
                return false;
            }
            lives.deliver(deliver, is_accepted, now, life);
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

    /// A duplicate in between must be nearer to the acceptance than a life is long: else whoever begins the life anew passes, too.
    #[test]
    fn what_must_be_forgotten_needs_a_life() {
        let first = "  - deliver: {as: first}\n    expect: accepted\n";
        let again = "  - deliver: {key_of: first, body_of: first}\n    expect: {duplicate_of: first}\n";
        let forged = "  - deliver: {key_of: first, signature: wrong-secret}\n    expect: {refused: signature}\n";
        let renewed = "  - deliver: {as: renewed, key_of: first}\n    expect: accepted\n";
        for between in [again, forged] {
            assert_eq!(shortest_of(&format!("{first}  - advance: ttl - 2 s\n{between}  - advance: 4 s\n{renewed}")), Some(6));
            assert_eq!(
                shortest_of(&format!("{first}  - advance: ttl / 2\n{between}  - advance: ttl / 2\n  - advance: 2 s\n{renewed}")),
                Some(7)
            );
            assert_eq!(shortest_of(&format!("{first}{between}  - advance: ttl + 2 s\n{renewed}")), None, "it began with the life");
        }
        // A life of its own is what counts of a delivery that brings one.
        let short = "  - deliver: {as: first, ttl: 10}\n    expect: accepted\n";
        assert_eq!(shortest_of(&format!("{short}  - advance: 7 s\n{again}  - advance: 5 s\n{renewed}")), None);
    }

    /// With the lives that the guide names every scenario says something, and with shorter ones some say nothing.
    #[test]
    fn the_guide_names_lives_that_are_long_enough() {
        let files = crate::files::shipped_suite("core");
        let file = files.catalogue.expect("the suite has a catalogue");
        let catalogue = Catalogue::read(&file.path, &file.text).expect("it has no mistake");
        let known = Known::new(&catalogue, files.bodies.keys().cloned());
        let load = |(id, file): &(String, crate::files::TextFile)| {
            expand::load(id, &file.path, &file.text, &known).unwrap_or_else(|wrong| panic!("{wrong}"))
        };
        let all: Vec<Scenario> = files.scenarios.iter().flat_map(load).map(|loaded| loaded.scenario).collect();
        let brings_its_own = |one: &Scenario| one.needs.iter().any(|need| need == "ttl-per-delivery");
        let most = |own: bool| {
            all.iter().filter(|one| own || !brings_its_own(one)).filter_map(|one| shortest(one, Duration::ZERO)).max().unwrap_or(0)
        };
        assert_eq!([most(false), most(true)], [7, 25]);
        for told in [most(false), most(true)].map(|most| format!("`--ttl {most}s`")) {
            assert!(include_str!("../../docs/src/time.md").contains(&told), "{told}");
        }
    }
}
