//! Effects of a scenario's keys: how often the work of each was done, against how often it should have been.
//!
//! In: what the keys were answered, and a source that counts. Out: which are not as they should be, and findings of them. Work that is
//! done late is done when nobody looks any more: so a scenario hands over what its keys were answered ([`AnsweredKeys`]), and when
//! there was time enough for all work they are counted once more ([`count_again`]).

pub(super) mod lost;
mod story;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::contract::key::odd::{self, Spelling};
use crate::delivery::Delivery;
use crate::history::consistency::{self, Law, NEVER, Operation, Verdict, acceptances};
use crate::history::record::Record;
use crate::judge::check::Bindings;
use crate::judge::check::effects::{Bounded, Wrong, counted_as};
use crate::judge::findings::{self, Beside, StepContext};
use crate::judge::{At, ScenarioEnd, Setting, Source, attribution, check};
use crate::outcome::mismatch::When;
use crate::outcome::{Outcome, OutcomeSet};
use crate::report::{ScenarioReport, tally};
use crate::scenario::expand::Loaded;

/// What a right receiver does, told beside what another one did.
pub(super) const RIGHT: &str = "does the work of a key once";

/// So many keys are told in full.
pub(super) const TOLD: usize = 3;

/// What is known of a key's deliveries, identity by identity.
#[derive(Debug, Default)]
struct OfKey {
    by_identity: BTreeMap<String, Vec<Operation>>,
    /// How many were taken, by identity, whose body is nothing that work could be done of, and that no other one came before.
    unworkable: BTreeMap<String, u64>,
    first: Option<Delivery>,
    /// Whether a delivery brought a life of its own: then none is too soon after another.
    has_own_life: bool,
    /// Whether a delivery was taken in a scope that is left open: then its identities may be one.
    leaves_scope_open: bool,
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
        let apart = self.bounds_apart(law, now);
        if !self.leaves_scope_open {
            return apart;
        }
        // Answers tell which of both readings the receiver's is, where only one of them explains all.
        let mut as_one: Vec<Operation> = self.by_identity.values().flatten().copied().collect();
        as_one.sort_by_key(|operation| (operation.invoked, operation.returned));
        let explains = |history: &[Operation]| !matches!(consistency::verdict(history, None, law), Verdict::Broken(..));
        let idle: u64 = self.unworkable.values().sum();
        let (least, most) = acceptances(&as_one, law, now);
        let together = ((least as u64).saturating_sub(idle), most as u64);
        match (explains(&as_one), self.by_identity.values().all(|history| explains(history))) {
            (true, false) => together,
            (false, true) => apart,
            (true, true) | (false, false) => (together.0.min(apart.0), together.1.max(apart.1)),
        }
    }

    /// The same, where each identity is another delivery.
    fn bounds_apart(&self, law: Law, now: i64) -> (u64, u64) {
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

/// What a step demanded of the effects of keys, and had: it holds as long as nothing more comes of them.
#[derive(Debug)]
struct Demand {
    number: usize,
    keys: Vec<String>,
    bounds: (u64, u64),
}

/// What the keys of a scenario were answered, and what was demanded of their effects.
#[derive(Debug, Default)]
pub struct AnsweredKeys {
    by_key: BTreeMap<String, OfKey>,
    demands: Vec<Demand>,
    /// When the receiver had been started again, on the scale on which deliveries are noted.
    pub(super) restarted_at: Option<i64>,
    /// How much of what was counted before a restart was not there any more right after it: whoever counts anew has it behind him.
    lost: BTreeMap<String, u64>,
    moved_us: i64,
}

impl AnsweredKeys {
    /// Whether no key was sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// Keeps what a delivery says of its key's effects.
    ///
    /// * `moved`: by how much lives have been moved back, in microseconds: everything before lies so much earlier.
    pub(super) fn note(&mut self, setting: &Setting, record: &Record, outcome: OutcomeSet, moved: i64) {
        if record.key.is_empty() {
            return;
        }
        self.moved_us = moved;
        for demand in &mut self.demands {
            demand.keys.retain(|key| *key != record.key);
        }
        self.demands.retain(|demand| !demand.keys.is_empty());
        let returned = if record.result.is_ok() { record.answered_at.0.saturating_add(moved) } else { NEVER };
        let invoked = record.sent_at.0.saturating_add(moved);
        let wants_json = setting.contract().endpoint.content_type.contains("json");
        let life = law(setting).life;
        let own_life = setting.contract().ttl.as_ref().and_then(|ttl| ttl.header.as_deref());
        let of_key = self.by_key.entry(record.key.clone()).or_default();
        of_key.leaves_scope_open |= !outcome.is_refusal() && setting.contract().leaves_scope_open(&record.delivery.path);
        of_key.has_own_life |= own_life.is_some_and(|header| record.delivery.header(header).is_some());
        of_key.first.get_or_insert_with(|| record.delivery.clone());
        let operation = Operation { key: 0, outcome, invoked, returned, refers_to: NEVER };
        of_key.is_alike |= is_alike(outcome);
        of_key.learn(&record.identity, operation, !wants_json || is_object(&record.delivery.body), life);
    }

    /// Where answers do not tell an acceptance from a duplicate, a step that wants one of them says which it must have been: the effects
    /// of the key show whether it was.
    ///
    /// * `shown`: the requirement that the step of that number shows.
    pub(super) fn decide(&mut self, (number, shown): (usize, Option<&String>), wanted: Outcome, record: &Record) {
        let Some(of_key) = self.by_key.get_mut(&record.key) else { return };
        let is_first = of_key.by_identity.values().flatten().filter(|one| one.outcome.is_taken()).count() < 2;
        let last = of_key.by_identity.get_mut(&record.identity).and_then(|history| history.last_mut());
        let Some(last) = last.filter(|last| is_alike(last.outcome)) else { return };
        last.outcome = OutcomeSet::only(wanted);
        if wanted == Outcome::Accepted && !is_first {
            of_key.renewed = shown.map(|id| (number, id.clone()));
        }
    }

    /// The keys whose effects cannot be told from another's: those that the evidence does not tell, and those that stand in such a one,
    /// for which it may be taken.
    pub(super) fn untold<S: Source>(&self, source: &S) -> BTreeSet<&str> {
        let untold: Vec<&String> = self.by_key.keys().filter(|key| !source.tells_effects_of(key)).collect();
        let is_untold = |key: &&str| untold.iter().any(|one| one.contains(key));
        self.by_key.keys().map(String::as_str).filter(is_untold).collect()
    }

    /// Whether the answers to a key do not tell an acceptance from a duplicate, so that its effects alone do.
    pub(super) fn is_alike(&self, key: &str) -> bool {
        self.by_key.get(key).is_some_and(|of_key| of_key.is_alike)
    }

    /// Keeps what the step of that number demanded of the effects of `keys`, and had.
    pub(super) fn demand(&mut self, number: usize, keys: Vec<String>, bounds: (u64, u64)) {
        self.demands.push(Demand { number, keys, bounds });
    }

    /// How often the work of a key must and may have been done until `now`.
    pub(super) fn bounds(&self, key: &str, law: Law, now: i64) -> (u64, u64) {
        self.by_key.get(key).map_or((0, 0), |of_key| of_key.bounds(law, now))
    }

    /// The same of every key.
    pub(super) fn bounded(&self, law: Law, now: i64) -> Vec<Bounded> {
        self.by_key.iter().map(|(key, of_key)| Bounded { key: key.clone(), bounds: of_key.bounds(law, now) }).collect()
    }

    /// The line that sends the first delivery of a key again.
    pub(super) fn line_of(&self, setting: &Setting, key: Option<&String>) -> String {
        let first = key.and_then(|key| self.by_key.get(key)?.first.as_ref());
        first.map(|delivery| setting.curl.line(delivery)).unwrap_or_default()
    }

    /// Whether a receiver that was started again counts anew: nothing of what was done before is told any more.
    fn counts_anew(&self, counts: &BTreeMap<String, u64>) -> bool {
        let Some(restarted_at) = self.restarted_at else { return false };
        let is_before = |of_key: &OfKey| of_key.by_identity.values().flatten().any(|one| one.invoked < restarted_at);
        self.by_key.iter().filter(|(_, of_key)| is_before(of_key)).all(|(key, _)| counts.get(key).is_none_or(|count| *count == 0))
    }

    /// Files keys whose effects are not what their answers allow: whether a *must* is broken.
    pub(super) fn file(&self, report: &mut ScenarioReport, setting: &Setting, loaded: &Loaded, wrong: &[Wrong]) -> bool {
        let always = &setting.catalogue.always;
        let (Some(once), Some(none)) = (&always.work_is_done_once, &always.nothing_else_is_done) else { return false };
        let Some(step) = loaded.scenario.steps.last() else { return false };
        let place = StepContext { number: loaded.scenario.steps.len(), step };
        let mut is_broken = false;
        for one in wrong.iter().take(TOLD) {
            // Done before, and not again by the delivery that was to be new: that is what its step is about.
            let known = one.keys.first().and_then(|key| self.by_key.get(key));
            let renewed = known.and_then(|of_key| of_key.renewed.as_ref()).filter(|_| (1..one.bounds.0).contains(&one.count));
            let renewed_at = renewed.and_then(|(at, _)| Some((*at, loaded.scenario.steps.get(at.checked_sub(1)?)?)));
            let place = renewed_at.map_or(place, |(number, step)| StepContext { number, step });
            let requirement = match renewed {
                Some((_, shown)) => shown,
                None if one.bounds.1 == 0 => none,
                None => once,
            };
            let line = self.line_of(setting, one.keys.first());
            let beside = Beside { reference: RIGHT, curl: &line };
            let mut mismatch = one.mismatch();
            // Of what a refusal has used up, and of what a kill has lost, memory is not to blame.
            let of_refused = one.is_too_few() && one.keys.iter().any(|key| self.by_key.get(key).is_some_and(OfKey::was_refused_first));
            let is_lost = one.is_too_few() && self.restarted_at.is_some();
            mismatch.code.when.extend(of_refused.then_some(When::AfterRefusal));
            let of_reused = !one.is_too_few() && one.keys.iter().any(|key| self.by_key.get(key).is_some_and(OfKey::was_reused));
            mismatch.code.when.extend(of_reused.then_some(When::OtherBody));
            let spoken = if renewed.is_none() { attribution::of_circumstances(setting, &mismatch.code) } else { None };
            let requirement = spoken.unwrap_or(requirement);
            is_broken |= findings::add(report, setting, place, requirement.clone(), &mismatch, beside);
            if of_refused || is_lost {
                continue;
            }
            // Where answers are alike, effects decide what they leave open.
            let first = loaded.scenario.shows.first().filter(|id| setting.catalogue.get(id).is_some_and(|one| one.memory));
            let is_alike = renewed.is_none() && one.keys.iter().any(|key| self.by_key.get(key).is_some_and(|of_key| of_key.is_alike));
            if let (true, Some(id)) = (is_alike, first.filter(|id| *id != requirement)) {
                findings::add(report, setting, place, id.clone(), &mismatch, beside);
            }
        }
        is_broken
    }

    /// Counts the work of `keys`, and says which was not done as often as it should be; `None` where it cannot be counted.
    ///
    /// Keys with bytes outside ASCII stand in the evidence as the receiver reads bytes: under that of all spellings they are judged
    /// in which most is as it should be.
    ///
    /// * `forgives_restart`: whether a receiver that was started again may have forgotten what was done before.
    pub(super) async fn weighed<S: Source>(
        &self,
        source: &mut S,
        at: At<'_>,
        mut keys: Vec<Bounded>,
        forgives_restart: bool,
    ) -> Result<Option<Vec<Wrong>>, ScenarioEnd> {
        let untold = self.untold(&*source);
        keys.retain(|one| !untold.contains(one.key.as_str()));
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
            let Some(mut counts) = counted(source, at, texts).await? else { return Ok(None) };
            if spelling == Spelling::Text {
                if forgives_restart && self.counts_anew(&counts) {
                    keys.iter_mut().for_each(|one| one.bounds.0 = 0);
                }
                self.add_lost(&mut counts);
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
            match source.effects_of_bytes(at, &bytes).await? {
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
}

/// How often each text was found; `None` where nothing can be counted.
async fn counted<S: Source>(source: &mut S, at: At<'_>, texts: BTreeSet<String>) -> Result<Option<BTreeMap<String, u64>>, ScenarioEnd> {
    let texts: Vec<String> = texts.into_iter().collect();
    let counts = source.effects(at, &texts).await?;
    Ok(counts.map(|counts| texts.into_iter().zip(counts).collect()))
}

/// By which law the keys of a scenario live.
pub(super) fn law(setting: &Setting) -> Law {
    let micros = |secs: u64| i64::try_from(secs).unwrap_or(i64::MAX).saturating_mul(1_000_000);
    Law { life: setting.ttl.map(micros), ..Law::default() }
}

/// Counts the work of keys once more that was as it should be, when there was time for all that may still have been done.
///
/// Only what was done too often is told: a receiver that was started again since, or that keeps its counts for a while, is no news.
/// Whether there was any is returned; then it is in the report, whose verdict is that of all its findings.
///
/// # Errors
/// [`ScenarioEnd`]: why they cannot be counted.
pub async fn count_again<S: Source>(
    setting: &Setting,
    source: &mut S,
    loaded: &Loaded,
    answered: &AnsweredKeys,
    report: &mut ScenarioReport,
) -> Result<bool, ScenarioEnd> {
    let before = report.findings.len();
    if setting.contract().is_by_key() {
        answered.file_what_came_since(setting, source, loaded, report).await?;
    }
    let is_more = report.findings.len() > before;
    if is_more {
        report.verdict = tally::scenario_verdict(&report.findings);
        (report.without_force, report.no_force) = (false, None);
        report.give_reason(None);
    }
    Ok(is_more)
}

impl AnsweredKeys {
    async fn file_what_came_since<S: Source>(
        &self,
        setting: &Setting,
        source: &mut S,
        loaded: &Loaded,
        report: &mut ScenarioReport,
    ) -> Result<(), ScenarioEnd> {
        let (bindings, keys) = (Bindings::default(), self.by_key.keys().cloned().collect::<Vec<_>>());
        let at = At { number: loaded.scenario.steps.len(), bindings: &bindings, keys: &keys };
        for demand in &self.demands {
            let bounded = demand.keys.iter().map(|key| Bounded { key: key.clone(), bounds: demand.bounds }).collect();
            let Some(wrong) = self.weighed(source, at, bounded, false).await? else { return Ok(()) };
            let step = demand.number.checked_sub(1).and_then(|at| loaded.scenario.steps.get(at));
            let Some(place) = step.map(|step| StepContext { number: demand.number, step }) else { continue };
            let line = self.line_of(setting, demand.keys.first());
            let mismatches = wrong.iter().filter(|one| !one.is_too_few()).take(TOLD).map(Wrong::mismatch).collect();
            match findings::file(report, setting, place, mismatches, Beside { reference: RIGHT, curl: &line }) {
                // What is broken is told, and so is all that follows from it; nobody is to blame for what is not promised.
                Err(ScenarioEnd::Broken | ScenarioEnd::NotApplicable(_)) => return Ok(()),
                filed => filed?,
            }
        }
        let now = source.now().0.saturating_add(self.moved_us);
        let Some(mut wrong) = self.weighed(source, at, self.bounded(law(setting), now), false).await? else { return Ok(()) };
        wrong.retain(|one| !one.is_too_few());
        self.file(report, setting, loaded, &wrong);
        Ok(())
    }
}

/// Whether a body is a JSON object: a message.
fn is_object(body: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body).is_ok()
}

#[cfg(test)]
mod tests;
