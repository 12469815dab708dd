//! The kill matrix in memory: each defect is caught by some scenario, and the right receiver by none.
//!
//! The whole matrix, over HTTP and with every scenario, is `hookgate selftest`. Here a defect is done with at the first
//! scenario that catches it, and those that show what it breaks come first, so that it takes seconds.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use hookgate::contract::Contract;
use hookgate::contract::reading::read_contract;
use hookgate::files;
use hookgate::judge::Setting;
use hookgate::reference::Receiver;
use hookgate::reference::defect::{CATALOGUE, Defect};
use hookgate::reference::store::Store;
use hookgate::run::rehearsal::{Means, rehearse, surroundings};
use hookgate::run::suite::reason_not_under;
use hookgate::scenario::expand::{Loaded, load};
use hookgate::scenario::lint::Known;
use hookgate::scenario::requirement::Catalogue;
use hookgate::session::supplies::Supplies;
use hookgate::sqlite::{SqliteStore, mutants};

/// Defects that do not show in memory, each with the reason.
pub(crate) const NOT_HERE: [(&str, &str); 16] = [
    ("forgets-on-restart", "nobody is started again in memory"),
    ("newest-keys-are-loaded", "nobody is started again in memory"),
    ("racer-refers-to-itself", "in memory a burst is one moment, so its own time is that of the first"),
    ("work-is-done-again-after-a-restart", "nobody is started again in memory"),
    ("expired-key-is-renewed-twice", "in memory one delivery ends before the next begins: nobody has a rival"),
    ("rival-gets-500", "in memory one delivery ends before the next begins: nobody has a rival"),
    ("rival-is-asked-to-wait", "in memory one delivery ends before the next begins: nobody has a rival"),
    ("rival-is-accepted", "in memory one delivery ends before the next begins: nobody has a rival"),
    ("gzip-is-buffered", "in memory nothing is held back"),
    ("ids-start-anew", "nobody is started again in memory"),
    ("place-is-never-free-again", "in memory nobody takes a place"),
    ("says-more-than-the-answer", "in memory there are no connections"),
    ("slow-reader-blocks-all", "in memory nobody waits"),
    ("slow-reader-blocks-answers", "in memory nobody waits"),
    ("slow-sender-holds-up-others", "in memory a delivery arrives whole"),
    ("stream-is-buffered-to-its-end", "in memory nothing is held back"),
];

/// A contract with its suite, ready to be rehearsed.
pub(crate) struct Stage {
    pub(crate) contract: Arc<Contract>,
    pub(crate) setting: Setting,
    pub(crate) supplies: Supplies,
    pub(crate) scenarios: Vec<Loaded>,
}

/// A suite's catalogue, scenarios by id, and bodies.
type Layer = (Catalogue, BTreeMap<String, Vec<Loaded>>, BTreeMap<String, Bytes>);

/// A suite on top of those that it includes.
fn suite(name: &str) -> Layer {
    let files = files::shipped_suite(name);
    let file = files.catalogue.expect("a shipped suite has a catalogue");
    let mut catalogue = Catalogue::read(&file.path, &file.text).expect("a catalogue without mistakes");
    let (mut scenarios, mut bodies) = (BTreeMap::new(), BTreeMap::new());
    for included in catalogue.includes.clone() {
        let (base, of_base, with) = suite(&included);
        catalogue = catalogue.on(&base);
        scenarios.extend(of_base);
        bodies.extend(with);
    }
    bodies.extend(files.bodies);
    let known = Arc::new(Known::new(&catalogue, bodies.keys().cloned()));
    for (id, file) in files.scenarios {
        let loaded = load(&id, &file.path, &file.text, &known).expect("a scenario without mistakes");
        scenarios.insert(id, loaded);
    }
    (catalogue, scenarios, bodies)
}

impl Stage {
    pub(crate) fn of(name: &str) -> Self {
        let base = |name: &str| files::shipped_contract(name).map(|file| file.text);
        let contract = read_contract(name, &base(name).expect("a shipped contract"), &base).expect("a contract without mistakes");
        let contract = Arc::new(contract);
        let (catalogue, scenarios, bodies) = suite(&contract.suite);
        let catalogue = Arc::new(catalogue.said_of(&contract));
        let (setting, supplies) = surroundings(&contract, &catalogue, &Arc::new(bodies)).expect("a published secret that can be used");
        let means = Means::of(&contract);
        let applies = |one: &Loaded| reason_not_under(&setting, &supplies, one, means).is_none();
        let scenarios = scenarios.into_values().flatten().filter(applies).collect();
        Self { contract, setting, supplies, scenarios }
    }

    /// What a receiver gets wrong in a scenario, as requirements.
    fn found<S: Store>(&self, receiver: Receiver<S>, loaded: &Loaded) -> Vec<String> {
        let means = Means::of(&self.contract);
        let played = rehearse(&self.setting, &self.supplies, loaded, receiver, means);
        played.map_or_else(Vec::new, |one| one.report.findings.into_iter().map(|finding| finding.requirement).collect())
    }

    /// The first scenario that catches a defect.
    fn catches(&self, defect: Defect) -> Option<&str> {
        let shows = |loaded: &&Loaded| {
            let place = loaded.scenario.shows.iter().position(|id| defect.breaks.contains(&id.as_str()));
            (place.unwrap_or(usize::MAX), loaded.scenario.steps.len())
        };
        let mut scenarios: Vec<&Loaded> = self.scenarios.iter().collect();
        scenarios.sort_by_key(shows);
        let caught = scenarios.into_iter().find(|loaded| {
            let signer = Some(self.supplies.signer.clone());
            let mut receiver = mutants::receiver(&self.contract, signer, None, self.setting.ttl, defect).expect("a receiver in memory");
            receiver.set_origin(self.setting.origin.clone());
            self.found(receiver, loaded).iter().any(|id| defect.breaks.contains(&id.as_str()))
        });
        caught.map(|loaded| loaded.id.as_str())
    }
}

/// Every defect has a scenario that catches it on what it breaks; those that cannot show here are no more than are named.
#[test]
fn every_defect_is_caught_by_a_scenario() {
    let mut stages: BTreeMap<&str, Stage> = BTreeMap::new();
    let mut missed = Vec::new();
    for defect in CATALOGUE.iter().filter(|defect| NOT_HERE.iter().all(|(name, _)| *name != defect.name)) {
        let stage = stages.entry(defect.under).or_insert_with(|| Stage::of(defect.under));
        if stage.catches(*defect).is_none() {
            missed.push(format!("{} ({}, under {})", defect.name, defect.breaks.join(", "), defect.under));
        }
    }
    assert!(missed.is_empty(), "nothing catches\n{}", missed.join("\n"));
}

/// A count that is right says nothing of work that is done later: it is found when there was time for it, though none passes in the scenario.
#[test]
fn late_work_is_found_when_it_is_counted_once_more() {
    let stage = Stage::of("every-policy");
    let id = "effect/duplicates-have-no-effect";
    let loaded = stage.scenarios.iter().find(|one| one.id == id).expect("a scenario of the suite");
    let found = |name: &str| {
        let defect = Defect::named(name).expect("a defect of the catalogue");
        let signer = Some(stage.supplies.signer.clone());
        let receiver = mutants::receiver(&stage.contract, signer, None, stage.setting.ttl, defect).expect("a receiver in memory");
        stage.found(receiver, loaded)
    };
    assert_eq!(found("late-work-per-answer"), found("work-is-done-per-answer"));
    assert_eq!(found("late-work-per-answer").first().map(String::as_str), Some("EFF-2"));
}

/// What is left out is in the catalogue, and says why.
#[test]
fn what_is_left_out_is_there() {
    for (name, why) in NOT_HERE {
        assert!(Defect::named(name).is_some() && !why.is_empty(), "{name}");
    }
}

/// Under no shipped contract is a scenario played whose own subject is not promised: what else it shows rests on that. A receiver that
/// joins two lines of a key is free to, where the contract does not speak of them, and is told of no other fault for it.
#[test]
fn what_is_not_promised_is_judged_under_no_other_name() {
    let joins = Defect::named("two-key-lines-are-joined").expect("a defect of the catalogue");
    let mut free = 0;
    for name in files::shipped_contracts() {
        let stage = Stage::of(&name);
        let first = |loaded: &Loaded| loaded.scenario.shows.first().cloned().unwrap_or_default();
        for loaded in &stage.scenarios {
            assert!(stage.contract.promises(&first(loaded)), "{name}: {} is about {}", loaded.id, first(loaded));
        }
        if stage.contract.promises(joins.breaks[0]) {
            continue;
        }
        free += 1;
        for loaded in stage.scenarios.iter().filter(|loaded| loaded.id.starts_with("key/")) {
            let signer = Some(stage.supplies.signer.clone());
            let mut receiver = mutants::receiver(&stage.contract, signer, None, stage.setting.ttl, joins).expect("a receiver in memory");
            receiver.set_origin(stage.setting.origin.clone());
            let found = stage.found(receiver, loaded);
            assert!(found.is_empty(), "{name}: {} ({})", loaded.id, found.join(", "));
        }
    }
    assert!(free > 10, "{free}");
}

/// Under no shipped contract does a scenario find anything in the right receiver.
#[test]
fn the_right_receiver_is_left_in_peace() {
    let mut alarms = Vec::new();
    // Families that were told apart by data alone are played by `hookgate check` (tests/shell/families.rs), over a store in memory.
    for name in files::shipped_contracts().into_iter().filter(|name| Stage::of(name).contract.state.is_some()) {
        let stage = Stage::of(&name);
        for loaded in &stage.scenarios {
            let store = SqliteStore::in_memory(Arc::clone(&stage.contract)).expect("a database in memory");
            let signer = Some(stage.supplies.signer.clone());
            let mut receiver = Receiver::new(Arc::clone(&stage.contract), signer, store, stage.setting.ttl).expect("a receiver");
            receiver.set_origin(stage.setting.origin.clone());
            let found = stage.found(receiver, loaded);
            if !found.is_empty() {
                alarms.push(format!("{name}: {} ({})", loaded.id, found.join(", ")));
            }
        }
    }
    assert!(alarms.is_empty(), "{}", alarms.join("\n"));
}
