//! Effects: how often the work of a key was done, against how often it should have been.
//!
//! A step asks for the keys of named deliveries. And at the end of every
//! scenario, where effects can be counted at all, each key is held against what
//! its own answers allow: so that a step whose answers are alike has force.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::contract::key::odd::{self, Spelling};
use crate::delivery::Delivery;
use crate::history::consistency::{Law, NEVER, Operation, acceptances};
use crate::history::record::Record;
use crate::judge::check;
use crate::judge::check::effects::{Bounded, Wrong, counted_as};
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
    /// How many were taken, by identity, whose body is nothing that work could be done of, and that no other one came before.
    unworkable: BTreeMap<String, u64>,
    first: Option<Delivery>,
    /// Whether a delivery brought a life of its own: then none is too soon after another.
    has_own_life: bool,
    /// Whether any answer did not tell an acceptance from a duplicate.
    is_alike: bool,
    /// The last step that wanted its key accepted anew where answers do not tell, and the requirement that it shows.
    renewed: Option<(usize, String)>,
}

/// How near a spelling of odd keys is, the nearest first: whether none of them was seen in it, how many are wrong, and how often they were.
type Rank = (bool, usize, Reverse<u64>);

impl OfKey {
    /// How many effects there must and may be until `now`.
    fn bounds(&self, law: Law, now: i64) -> (u64, u64) {
        let law = if self.has_own_life { Law { life: Some(0), ..law } } else { law };
        let each = self.by_identity.iter().map(|(identity, history)| {
            let (least, most) = acceptances(history, law, now);
            // Whoever takes what is no JSON, as he may, has nothing to do with it.
            let idle = self.unworkable.get(identity).copied().unwrap_or(0);
            ((least as u64).saturating_sub(idle), most as u64)
        });
        each.fold((0, 0), |(least, most), (at_least, at_most)| (least + at_least, most + at_most))
    }

    /// Keeps what came of a delivery.
    ///
    /// * `is_message`: whether its body is something that work can be done of; `life`: how long keys live, in microseconds.
    fn learn(&mut self, identity: &str, operation: Operation, is_message: bool, life: Option<i64>) {
        let history = self.by_identity.entry(identity.to_owned()).or_default();
        // What comes while another one's key lives is its duplicate.
        let age = |one: &Operation| operation.invoked.saturating_sub(one.returned);
        let lives = |one: &Operation| one.outcome.is_taken() && life.is_none_or(|life| age(one) < life);
        if !is_message && operation.outcome.is_taken() && !history.iter().any(lives) {
            *self.unworkable.entry(identity.to_owned()).or_default() += 1;
        }
        history.push(operation);
    }
}

/// Whether an answer does not tell an acceptance from a duplicate.
fn is_alike(set: OutcomeSet) -> bool {
    set.is_taken() && !set.is(Outcome::Accepted) && !set.is(Outcome::Duplicate)
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
        let wants_json = self.setting.contract().endpoint.content_type.contains("json");
        let life = self.law().life;
        let own_life = self.setting.contract().ttl.as_ref().and_then(|ttl| ttl.header.as_deref());
        let of_key = self.answered.entry(record.key.clone()).or_default();
        of_key.has_own_life |= own_life.is_some_and(|header| record.delivery.header(header).is_some());
        of_key.first.get_or_insert_with(|| record.delivery.clone());
        let operation = Operation { key: 0, outcome, invoked, returned, refers_to: NEVER };
        of_key.is_alike |= is_alike(outcome);
        of_key.learn(&record.identity, operation, !wants_json || is_object(&record.delivery.body), life);
    }

    /// Where answers do not tell an acceptance from a duplicate, a step that wants one of them says which it must have been: the effects
    /// of the key show whether it was.
    pub(in crate::judge) fn decide(&mut self, place: StepContext<'_>, wanted: Outcome, record: &Record) {
        let Some(of_key) = self.answered.get_mut(&record.key) else { return };
        let is_first = of_key.by_identity.values().flatten().filter(|one| one.outcome.is_taken()).count() < 2;
        let last = of_key.by_identity.get_mut(&record.identity).and_then(|history| history.last_mut());
        let Some(last) = last.filter(|last| is_alike(last.outcome)) else { return };
        last.outcome = OutcomeSet::only(wanted);
        if wanted == Outcome::Accepted && !is_first {
            let shown = place.step.shows.first().or(self.loaded.scenario.shows.first());
            of_key.renewed = shown.map(|id| (place.number, id.clone()));
        }
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
            let (law, now) = (self.law(), self.now_us());
            let bounds = |key: &String| match (check.each, check.at_most) {
                (Some(each), _) => (each, each),
                (None, Some(most)) => (0, most),
                (None, None) => self.answered.get(key).map_or((0, 0), |of_key| of_key.bounds(law, now)),
            };
            let bounded: Vec<Bounded> = keys.iter().map(|key| Bounded { key: key.clone(), bounds: bounds(key) }).collect();
            let Some(wrong) = self.weighed(place.number, bounded, false).await? else { return Ok(()) };
            // What has not been done may still be; what was done twice stays so.
            let are_too_few = wrong.iter().all(Wrong::is_too_few);
            let at = At { number: place.number, bindings: &self.bindings, keys: &self.keys };
            if wrong.is_empty() || !are_too_few || !self.source.give_time(at, patience, tries).await? {
                self.excuse_missing(!wrong.is_empty() && are_too_few)?;
                let line = self.line_of(keys.first());
                let mismatches = wrong.iter().take(TOLD).map(Wrong::mismatch).collect();
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
        let number = self.loaded.scenario.steps.len();
        let patience = self.patience(None);
        let mut tries = 0;
        let wrong = loop {
            let (law, now) = (self.law(), self.now_us());
            let bounded = self.answered.iter().map(|(key, of_key)| Bounded { key: key.clone(), bounds: of_key.bounds(law, now) });
            let Some(wrong) = self.weighed(number, bounded.collect(), true).await? else { return Ok(()) };
            let are_too_few = wrong.iter().all(Wrong::is_too_few);
            let at = At { number, bindings: &self.bindings, keys: &self.keys };
            if wrong.is_empty() || !are_too_few || !self.source.give_time(at, patience, tries).await? {
                self.excuse_missing(!wrong.is_empty() && are_too_few)?;
                break wrong;
            }
            tries += 1;
        };
        let Some(step) = self.loaded.scenario.steps.last() else { return Ok(()) };
        let place = StepContext { number, step };
        let mut is_broken = false;
        for one in wrong.iter().take(TOLD) {
            // Done before, and not again by the delivery that was to be new: that is what its step is about.
            let known = one.keys.first().and_then(|key| self.answered.get(key));
            let renewed = known.and_then(|of_key| of_key.renewed.as_ref()).filter(|_| (1..one.bounds.0).contains(&one.count));
            let renewed_at = renewed.and_then(|(at, _)| Some((*at, self.loaded.scenario.steps.get(at.checked_sub(1)?)?)));
            let place = renewed_at.map_or(place, |(number, step)| StepContext { number, step });
            let requirement = match renewed {
                Some((_, shown)) => shown,
                None if one.bounds.1 == 0 => &none,
                None => &once,
            };
            let line = self.line_of(one.keys.first());
            let beside = Beside { reference: "does the work of a key once", curl: &line };
            let mismatch = one.mismatch();
            is_broken |= findings::add(&mut self.report, self.setting, place, requirement.clone(), &mismatch, beside);
            // Where answers are alike, effects decide what they leave open.
            let first = self.loaded.scenario.shows.first().filter(|id| self.setting.catalogue.get(id).is_some_and(|one| one.memory));
            let is_alike = renewed.is_none() && one.keys.iter().any(|key| self.answered.get(key).is_some_and(|of_key| of_key.is_alike));
            if let (true, Some(id)) = (is_alike, first.filter(|id| *id != requirement)) {
                findings::add(&mut self.report, self.setting, place, id.clone(), &mismatch, beside);
            }
        }
        if is_broken { Err(ScenarioEnd::Broken) } else { Ok(()) }
    }

    /// A fail needs evidence as a pass does: where what would tell of effects has never been there, that is told, and nobody is blamed.
    fn excuse_missing(&self, are_too_few: bool) -> Result<(), ScenarioEnd> {
        self.source.effects_missing().filter(|_| are_too_few).map_or(Ok(()), |why| Err(ScenarioEnd::Undecided(why)))
    }

    /// Counts the work of keys, and says which was not done as often as it should be; `None` where it cannot be counted.
    ///
    /// Keys with bytes outside ASCII stand in the evidence as the receiver reads bytes: under that of all spellings they are judged
    /// in which most is as it should be.
    ///
    /// * `forgives_restart`: whether a receiver that was started again may have forgotten what was done before.
    async fn weighed(&mut self, number: usize, mut keys: Vec<Bounded>, forgives_restart: bool) -> Result<Option<Vec<Wrong>>, ScenarioEnd> {
        let is_odd = keys.iter().any(|one| odd::is_odd(&one.key));
        let mut best: Option<(Rank, Vec<Wrong>)> = None;
        let mut keep = |wrong: Vec<Wrong>, seen: u64| {
            // A spelling in which odd keys stand there is nearer than one in which none does.
            let rank = (seen == 0, wrong.len(), Reverse(seen));
            if best.as_ref().is_none_or(|(best, _)| rank < *best) {
                best = Some((rank, wrong));
            }
        };
        let mut as_text = BTreeMap::new();
        for spelling in Spelling::ALL.into_iter().filter(|one| is_odd || *one == Spelling::Text) {
            let text_of = |key: &str| counted_as(spelling, key);
            let texts: BTreeSet<String> = keys.iter().map(|one| text_of(&one.key)).collect();
            let Some(counts) = self.counted(number, texts).await? else { return Ok(None) };
            if spelling == Spelling::Text {
                if forgives_restart && self.counts_anew(&counts) {
                    keys.iter_mut().for_each(|one| one.bounds.0 = 0);
                }
                as_text.clone_from(&counts);
            }
            let wrong = check::effects::wrong(&keys, &text_of, &counts);
            if wrong.is_empty() {
                return Ok(Some(wrong));
            }
            let seen = keys.iter().filter(|one| odd::is_odd(&one.key)).filter_map(|one| counts.get(&text_of(&one.key))).sum();
            keep(wrong, seen);
        }
        let raw: Vec<String> = keys.iter().map(|one| one.key.clone()).filter(|key| !odd::is_text(key)).collect();
        let mut can_be_told = true;
        if !raw.is_empty() {
            let bytes: Vec<Vec<u8>> = raw.iter().map(|key| odd::bytes_of(key)).collect();
            let at = At { number, bindings: &self.bindings, keys: &self.keys };
            match self.source.effects_of_bytes(at, &bytes).await? {
                Some(counts) => {
                    as_text.extend(raw.into_iter().zip(counts));
                    let wrong = check::effects::wrong(&keys, &|key| counted_as(Spelling::Text, key), &as_text);
                    let seen = keys.iter().filter(|one| odd::is_odd(&one.key)).filter_map(|one| as_text.get(&one.key)).sum();
                    keep(wrong, seen);
                }
                None => can_be_told = false,
            }
        }
        let mut wrong = best.map(|(_, wrong)| wrong).unwrap_or_default();
        wrong.retain(|one| can_be_told || !one.cannot_be_told());
        Ok(Some(wrong))
    }

    /// How often each text was found; `None` where nothing can be counted.
    async fn counted(&mut self, number: usize, texts: BTreeSet<String>) -> Result<Option<BTreeMap<String, u64>>, ScenarioEnd> {
        let texts: Vec<String> = texts.into_iter().collect();
        let at = At { number, bindings: &self.bindings, keys: &self.keys };
        let Some(counts) = self.source.effects(at, &texts).await? else { return Ok(None) };
        self.report.rests_on.insert("effects".to_owned());
        Ok(Some(texts.into_iter().zip(counts).collect()))
    }

    /// Whether a receiver that was started again counts anew: nothing of what was done before is told any more.
    fn counts_anew(&self, counts: &BTreeMap<String, u64>) -> bool {
        let Some(restarted_at) = self.restarted_at else { return false };
        let is_before = |of_key: &OfKey| of_key.by_identity.values().flatten().any(|one| one.invoked < restarted_at);
        self.answered.iter().filter(|(_, of_key)| is_before(of_key)).all(|(key, _)| counts.get(key).is_none_or(|count| *count == 0))
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

/// Whether a body is a JSON object: a message.
fn is_object(body: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is taken although it is no message need not be worked on; what comes behind a message is its duplicate.
    #[test]
    fn what_is_no_message_need_not_be_worked_on() {
        let bounds = |bodies: &[bool]| {
            let mut of_key = OfKey::default();
            for (at, is_message) in (0_i64..).zip(bodies) {
                let outcome = OutcomeSet::only(Outcome::Accepted).or(Outcome::Duplicate);
                let operation = Operation { key: 0, outcome, invoked: at * 10, returned: at * 10 + 5, refers_to: NEVER };
                of_key.learn("k", operation, *is_message, None);
            }
            of_key.bounds(Law::default(), 1_000)
        };
        assert_eq!(bounds(&[false]), (0, 1));
        assert_eq!(bounds(&[true]), (1, 1));
        assert_eq!(bounds(&[true, false]), (1, 1));
        assert_eq!(bounds(&[false, true]).0, 0);
    }
}
