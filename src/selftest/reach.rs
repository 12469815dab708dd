//! Reach: what each defect comes to under a contract that it was not made for.
//!
//! Takes a suite and a defect, plays in memory the scenarios that show what the
//! defect breaks, and says whether anything is found, whether the receiver acts
//! otherwise at all, or neither. Nothing is sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use crate::contract::Contract;
use crate::judge::{Setting, scenario};
use crate::reference::defect::Defect;
use crate::run::rehearsal::{Means, Rehearsed, rehearse, surroundings};
use crate::run::suite::reason_not_under;
use crate::scenario::expand::Loaded;
use crate::scenario::requirement::Catalogue;
use crate::session::supplies::Supplies;
use crate::sign::BadSecret;
use crate::sqlite::mutants;

/// What a defect comes to under a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It breaks what the contract promises: the suite must catch it, and the scenario of this id does in memory.
    Applies(String),
    /// It acts otherwise, and the contract holds nobody to that, or nothing tells it.
    Allowed,
    /// It does nothing there.
    Nothing,
}

/// How many defects come to what under one contract.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Counted {
    /// The contract.
    pub contract: &'static str,
    /// How many defects there are.
    pub defects: usize,
    /// How many apply.
    pub apply: usize,
    /// How many act otherwise, where the contract holds nobody to that.
    pub allowed: usize,
}

/// A contract with its suite, on which defects are tried.
pub struct Bench {
    setting: Setting,
    supplies: Supplies,
    scenarios: Vec<Loaded>,
    means: Means,
    /// What the right reference does, by scenario.
    right: BTreeMap<String, String>,
}

impl Bench {
    /// A bench for a contract.
    ///
    /// # Errors
    /// When the contract's published secret is not what its scheme says.
    pub fn new(
        contract: &Arc<Contract>,
        catalogue: &Arc<Catalogue>,
        bodies: &Arc<BTreeMap<String, Bytes>>,
        scenarios: &[Loaded],
    ) -> Result<Self, BadSecret> {
        let (setting, supplies) = surroundings(contract, catalogue, bodies)?;
        let means = Means::of(contract);
        let applies = |one: &&Loaded| reason_not_under(&setting, &supplies, one, means).is_none();
        let scenarios = scenarios.iter().filter(applies).cloned().collect();
        Ok(Self { setting, supplies, scenarios, means, right: BTreeMap::new() })
    }

    /// What a defect comes to here.
    pub fn reach(&mut self, defect: Defect) -> Reach {
        let shows = |one: &Loaded| one.scenario.shows.iter().any(|id| defect.breaks.contains(&id.as_str()));
        let mut of_it: Vec<Loaded> = self.scenarios.iter().filter(|one| shows(one)).cloned().collect();
        // The short ones first: most defects are caught by many.
        of_it.sort_by_key(|one| one.scenario.steps.len());
        let mut reach = Reach::Nothing;
        for loaded in of_it {
            let Some(played) = self.wrong(defect, &loaded) else { continue };
            let is_it = |id: &String| defect.breaks.contains(&id.as_str());
            if played.report.findings.iter().any(|finding| is_it(&finding.requirement)) {
                return Reach::Applies(loaded.id);
            }
            if reach == Reach::Nothing && acts(&played) != self.right(&loaded) {
                reach = Reach::Allowed;
            }
        }
        reach
    }

    fn wrong(&self, defect: Defect, loaded: &Loaded) -> Option<Rehearsed> {
        let signer = Some(self.supplies.signer.clone());
        let mut receiver = mutants::receiver(self.setting.contract(), signer, None, self.setting.ttl, defect).ok()?;
        receiver.set_origin(self.setting.origin.clone());
        rehearse(&self.setting, &self.supplies.for_rehearsal(), loaded, receiver, self.means)
    }

    fn right(&mut self, loaded: &Loaded) -> String {
        if let Some(known) = self.right.get(&loaded.id) {
            return known.clone();
        }
        let receiver = scenario::reference(&self.setting, &self.supplies.signer).ok();
        let played = receiver.and_then(|one| rehearse(&self.setting, &self.supplies.for_rehearsal(), loaded, one, self.means));
        let acts = played.as_ref().map(acts).unwrap_or_default();
        self.right.insert(loaded.id.clone(), acts.clone());
        acts
    }
}

/// All that was answered, as one text.
fn acts(played: &Rehearsed) -> String {
    serde_json::to_string(&played.history).unwrap_or_default()
}
