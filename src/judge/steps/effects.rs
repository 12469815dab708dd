//! Effects: how often the work of a key was done, against how often it should have been.
//!
//! A step asks for the keys of named deliveries. And at the end of every
//! scenario, where effects can be counted at all, each key is held against what
//! its own answers allow: so that a step whose answers are alike has force.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::delivery::Delivery;
use crate::history::consistency::{Law, NEVER, Operation, acceptances};
use crate::history::record::Record;
use crate::judge::check::Mismatch;
use crate::judge::findings::{self, Beside, StepContext};
use crate::judge::scenario::Play;
use crate::judge::{At, ScenarioEnd, Source};
use crate::outcome::{Outcome, OutcomeSet};
use crate::scenario::expect::EffectsCheck;

/// So many keys are told in full.
const TOLD: usize = 3;

/// What is known of a key's deliveries, identity by identity.
#[derive(Debug, Default)]
pub(in crate::judge) struct OfKey {
    by_identity: BTreeMap<String, Vec<Operation>>,
    first: Option<Delivery>,
    /// Whether a delivery brought a life of its own: then none is too soon after another.
    has_own_life: bool,
}

impl OfKey {
    /// How many effects there must and may be until `now`.
    fn bounds(&self, law: Law, now: i64) -> (u64, u64) {
        let law = if self.has_own_life { Law { life: Some(0), ..law } } else { law };
        let each = self.by_identity.values().map(|history| acceptances(history, law, now));
        each.fold((0, 0), |(least, most), (at_least, at_most)| (least + at_least as u64, most + at_most as u64))
    }

    /// Whether answers do not tell acceptances from duplicates.
    fn is_alike(&self) -> bool {
        let alike = |one: &Operation| one.outcome.is_taken() && !one.outcome.is(Outcome::Accepted) && !one.outcome.is(Outcome::Duplicate);
        self.by_identity.values().flatten().any(alike)
    }
}

impl<S: Source> Play<'_, S> {
    /// Keeps what a delivery says of its key's effects.
    pub(in crate::judge) fn note(&mut self, record: &Record, outcome: OutcomeSet) {
        if record.key.is_empty() {
            return;
        }
        // Where lives are moved back, everything before lies so much earlier.
        let moved = self.source.moved_us();
        let returned = if record.result.is_ok() { record.answered_at.0.saturating_add(moved) } else { NEVER };
        let invoked = record.sent_at.0.saturating_add(moved);
        let own_life = self.setting.contract().ttl.as_ref().and_then(|ttl| ttl.header.as_deref());
        let of_key = self.answered.entry(record.key.clone()).or_default();
        of_key.has_own_life |= own_life.is_some_and(|header| record.delivery.header(header).is_some());
        of_key.first.get_or_insert_with(|| record.delivery.clone());
        let operation = Operation { key: 0, outcome, invoked, returned, refers_to: NEVER };
        of_key.by_identity.entry(record.identity.clone()).or_default().push(operation);
    }

    fn law(&self) -> Law {
        let micros = |secs: u64| i64::try_from(secs).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        Law { life: self.setting.ttl.map(micros), ..Law::default() }
    }

    /// How long the work may take after its answer.
    fn patience(&self, check: Option<&EffectsCheck>) -> Duration {
        let contract = self.setting.contract();
        let named = || contract.effects.as_ref().and_then(|effects| effects.within);
        check.and_then(|check| check.within).or_else(named).map_or(contract.limits.answer.0, |within| within.0)
    }

    /// A step that counts the effects of named deliveries.
    pub(in crate::judge) async fn effects(&mut self, place: StepContext<'_>, check: &EffectsCheck) -> Result<(), ScenarioEnd> {
        let mut keys: Vec<String> = check.of.iter().flat_map(|name| self.bindings.keys_of(name)).collect();
        keys.dedup();
        let patience = self.patience(Some(check));
        let mut tries = 0;
        loop {
            let at = At { number: place.number, bindings: &self.bindings, keys: &self.keys };
            let Some(counts) = self.source.effects(at, &keys).await? else { return Ok(()) };
            self.report.rests_on.insert("effects".to_owned());
            let (law, now) = (self.law(), self.now_us());
            let mut mismatches = Vec::new();
            let mut are_too_few = true;
            for (key, count) in keys.iter().zip(&counts) {
                let (least, most) = match (check.each, check.at_most) {
                    (Some(each), _) => (each, each),
                    (None, Some(most)) => (0, most),
                    (None, None) => self.answered.get(key).map_or((0, 0), |of_key| of_key.bounds(law, now)),
                };
                if !(least..=most).contains(count) {
                    are_too_few &= *count < least;
                    mismatches.push(mismatch(key, (least, most), *count));
                }
            }
            // What has not been done may still be; what was done twice stays so.
            let at = At { number: place.number, bindings: &self.bindings, keys: &self.keys };
            if mismatches.is_empty() || !are_too_few || !self.source.give_time(at, patience, tries).await? {
                let line = self.line_of(keys.first());
                mismatches.truncate(TOLD);
                return self.file(place, mismatches, "does the work of a key once", &line);
            }
            tries += 1;
        }
    }

    /// Holds every key of the scenario against what its answers allow.
    pub(in crate::judge) async fn count_effects(&mut self) -> Result<(), ScenarioEnd> {
        let always = self.setting.catalogue.always.clone();
        let (Some(once), Some(none)) = (always.work_is_done_once, always.nothing_else_is_done) else { return Ok(()) };
        if !self.setting.contract().is_by_key() || self.answered.is_empty() {
            return Ok(());
        }
        let keys: Vec<String> = self.answered.keys().cloned().collect();
        let number = self.loaded.scenario.steps.len();
        let patience = self.patience(None);
        let mut tries = 0;
        let wrong = loop {
            let at = At { number, bindings: &self.bindings, keys: &self.keys };
            let Some(counts) = self.source.effects(at, &keys).await? else { return Ok(()) };
            self.report.rests_on.insert("effects".to_owned());
            let (law, now) = (self.law(), self.now_us());
            let counts_anew = self.counts_anew(&keys, &counts);
            let bounds = |key: &String| {
                let (least, most) = self.answered.get(key).map_or((0, 0), |of_key| of_key.bounds(law, now));
                (if counts_anew { 0 } else { least }, most)
            };
            let all = keys.iter().zip(counts).map(|(key, count)| (key.clone(), bounds(key), count));
            let wrong: Vec<(String, (u64, u64), u64)> = all.filter(|(_, (least, most), count)| !(*least..=*most).contains(count)).collect();
            let are_too_few = wrong.iter().all(|(_, (least, _), count)| count < least);
            let at = At { number, bindings: &self.bindings, keys: &self.keys };
            if wrong.is_empty() || !are_too_few || !self.source.give_time(at, patience, tries).await? {
                break wrong;
            }
            tries += 1;
        };
        let Some(step) = self.loaded.scenario.steps.last() else { return Ok(()) };
        let place = StepContext { number, step };
        let mut is_broken = false;
        for (key, bounds, count) in wrong.iter().take(TOLD) {
            let requirement = if bounds.1 == 0 { &none } else { &once };
            let line = self.line_of(Some(key));
            let beside = Beside { reference: "does the work of a key once", curl: &line };
            let mismatch = mismatch(key, *bounds, *count);
            is_broken |= findings::add(&mut self.report, self.setting, place, requirement.clone(), &mismatch, beside);
            // Where answers are alike, effects decide what they leave open.
            let first = self.loaded.scenario.shows.first().filter(|id| self.setting.catalogue.get(id).is_some_and(|one| one.memory));
            if let (true, Some(id)) = (self.answered.get(key).is_some_and(OfKey::is_alike), first.filter(|id| *id != requirement)) {
                findings::add(&mut self.report, self.setting, place, id.clone(), &mismatch, beside);
            }
        }
        if is_broken { Err(ScenarioEnd::Broken) } else { Ok(()) }
    }

    /// Whether a receiver that was started again counts anew: nothing of what was done before is told any more.
    fn counts_anew(&self, keys: &[String], counts: &[u64]) -> bool {
        let Some(restarted_at) = self.restarted_at else { return false };
        let is_before = |key: &String| {
            let of_key = self.answered.get(key);
            of_key.is_some_and(|of_key| of_key.by_identity.values().flatten().any(|one| one.invoked < restarted_at))
        };
        keys.iter().zip(counts).filter(|(key, _)| is_before(key)).all(|(_, count)| *count == 0)
    }

    /// The present, on the scale on which deliveries are noted.
    pub(in crate::judge) fn now_us(&self) -> i64 {
        self.source.now().0.saturating_add(self.source.moved_us())
    }

    fn line_of(&self, key: Option<&String>) -> String {
        let first = key.and_then(|key| self.answered.get(key)?.first.as_ref());
        first.map(|delivery| self.setting.curl.line(delivery)).unwrap_or_default()
    }
}

fn mismatch(key: &str, (least, most): (u64, u64), count: u64) -> Mismatch {
    let wanted = if least == most { effects(least) } else { format!("from {least} to {}", effects(most)) };
    Mismatch::must(format!("{wanted} of key {key:?}"), format!("{} of it", effects(count)))
}

fn effects(count: u64) -> String {
    format!("{count} effect{}", if count == 1 { "" } else { "s" })
}
