//! Board: what is told of the load that runs, from what its users hand over.
//!
//! Lots in, numbers and broken promises out; the first broken keys by name.

use std::sync::Arc;
use std::time::Duration;

use super::standing::Standing;
use super::stats::Stats;
use crate::clock::{Clock as _, SystemClock};
use crate::contract::Contract;
use crate::history::consistency::Law;
use crate::history::consistency::parts::number_of;
use crate::load::part::Lot;
use crate::load::worker::Which;
use crate::load::{Loaded, Plan};
use crate::report::Verdict;

/// So many broken keys are named to the master; others are counted.
const NAMED: u64 = 20;
/// Users hand over twice a second, and a busy machine is late.
const HANDED_OVER_WITHIN: Duration = Duration::from_secs(2);

/// What is told of the load that runs.
pub(super) struct Board {
    /// What Locust counts.
    pub(super) stats: Stats,
    standing: Standing,
    keys: String,
    contract: Arc<Contract>,
    /// The requirement that some order of events explains all answers, where the contract has it.
    requirement: Option<String>,
    told: u64,
}

impl Board {
    /// An empty one.
    pub(super) fn new(plan: &Plan, which: &Which) -> Self {
        let contract = Arc::clone(&plan.contract);
        let law = Law { life: plan.life(), replays_failures: contract.replays_failures() };
        let patience = plan.timeout + plan.mix.think.longest() + HANDED_OVER_WITHIN;
        let requirement = plan.catalogue.always.some_order_explains.clone();
        Self {
            stats: Stats::new(&contract.endpoint.method, plan.mix.names(), SystemClock.now()),
            standing: Standing::new(law, i64::try_from(patience.as_micros()).unwrap_or(i64::MAX / 4)),
            keys: which.keys.clone(),
            requirement: requirement.filter(|id| plan.verify && contract.is_by_key() && contract.promises(id)),
            contract,
            told: 0,
        }
    }

    /// Takes in what a user has learned.
    pub(super) fn take(&mut self, lot: &Lot) {
        for sample in &lot.samples {
            self.stats.count(sample);
        }
        let Some(requirement) = self.requirement.clone() else { return };
        for (key, why) in self.standing.take(&lot.operations) {
            self.told += 1;
            let sentence = if self.told <= NAMED {
                format!("{why}: key {}", self.contract.key.unique_key(&self.keys, u64::from(number_of(key))))
            } else {
                format!("{why}: more keys, which the worker's report names")
            };
            self.stats.break_promise(&requirement, sentence, 1, SystemClock.now());
        }
    }

    /// Adds what only the judgement of the whole load has found.
    pub(super) fn settle(&mut self, loaded: &Loaded) {
        for one in loaded.report.requirements.iter().filter(|one| one.verdict == Verdict::Fail) {
            let told = if self.requirement.as_ref() == Some(&one.id) { self.told } else { 0 };
            let more = one.violations.saturating_sub(told);
            if more > 0 {
                self.stats.break_promise(&one.id, "judged after the load".to_owned(), more, SystemClock.now());
            }
        }
    }
}
