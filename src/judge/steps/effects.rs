//! Effects: how often the work of a key was done, against how often it should have been.
//!
//! A step asks for the keys of named deliveries. And at the end of every
//! scenario, where effects can be counted at all, each key is held against what
//! its own answers allow: so that a step whose answers are alike has force.

use std::time::Duration;

use crate::history::record::Record;
use crate::judge::check::effects::{Bounded, Wrong};
use crate::judge::effects::lost::Counts;
use crate::judge::effects::{RIGHT, TOLD, law};
use crate::judge::findings::StepContext;
use crate::judge::scenario::Play;
use crate::judge::{At, ScenarioEnd, Source};
use crate::outcome::{Outcome, OutcomeSet};
use crate::scenario::expect::EffectsCheck;

impl<S: Source> Play<'_, S> {
    /// Keeps what a delivery says of its key's effects.
    pub(in crate::judge) fn note(&mut self, record: &Record, outcome: OutcomeSet) {
        self.answered.note(self.setting, record, outcome, self.source.moved_us());
    }

    /// Where answers do not tell an acceptance from a duplicate, a step that wants one of them says which it must have been.
    pub(in crate::judge) fn decide(&mut self, place: StepContext<'_>, wanted: Outcome, record: &Record) {
        let shown = place.step.shows.first().or(self.loaded.scenario.shows.first());
        self.answered.decide((place.number, shown), wanted, record);
    }

    /// How long the work may take after its answer.
    fn patience(&self, check: Option<&EffectsCheck>) -> Duration {
        check.and_then(|check| check.within).map_or_else(|| self.setting.contract().work_within(), |within| within.0)
    }

    /// A step that counts the effects of named deliveries.
    pub(in crate::judge) async fn effects(&mut self, place: StepContext<'_>, check: &EffectsCheck) -> Result<(), ScenarioEnd> {
        let mut keys: Vec<String> = check.of.iter().flat_map(|name| self.bindings.keys_of(name)).collect();
        keys.dedup();
        let demanded = match (check.each, check.at_most) {
            (Some(each), _) => Some((each, each)),
            (None, Some(most)) => Some((0, most)),
            (None, None) => None,
        };
        let law = law(self.setting);
        let patience = self.patience(Some(check));
        let of_now = |play: &Self| {
            let now = play.now_us();
            let bounds = |key: &String| demanded.unwrap_or_else(|| play.answered.bounds(key, law, now));
            keys.iter().map(|key| Bounded { key: key.clone(), bounds: bounds(key) }).collect::<Vec<_>>()
        };
        let Some(wrong) = self.counted_in_time(place.number, patience, &of_now, false).await? else { return Ok(()) };
        let line = self.answered.line_of(self.setting, keys.first());
        let mismatches: Vec<_> = wrong.iter().take(TOLD).map(Wrong::mismatch).collect();
        if mismatches.is_empty() {
            self.check_told(&|key| keys.iter().any(|one| one == key))?;
        }
        if let Some(bounds) = demanded.filter(|_| mismatches.is_empty()) {
            self.answered.demand(place.number, keys, bounds);
        }
        self.file(place, mismatches, RIGHT, &line)
    }

    /// Holds every key of the scenario against what its answers allow.
    pub(in crate::judge) async fn count_effects(&mut self) -> Result<(), ScenarioEnd> {
        let always = &self.setting.catalogue.always;
        let is_judged = always.work_is_done_once.is_some() && always.nothing_else_is_done.is_some();
        if !is_judged || !self.setting.contract().is_by_key() || self.answered.is_empty() {
            return Ok(());
        }
        let number = self.loaded.scenario.steps.len();
        let law = law(self.setting);
        let of_now = |play: &Self| play.answered.bounded(law, play.now_us());
        let Some(wrong) = self.counted_in_time(number, self.patience(None), &of_now, true).await? else { return Ok(()) };
        let is_broken = self.answered.file(&mut self.report, self.setting, self.loaded, &wrong);
        if is_broken {
            return Err(ScenarioEnd::Broken);
        }
        // Where answers do not tell either, nothing does.
        self.check_told(&|key| self.answered.is_alike(key))
    }

    /// Sees that the effects of keys can be told: what they leave open nobody knows.
    ///
    /// * `among`: which of the scenario's keys count.
    fn check_told(&self, among: &dyn Fn(&str) -> bool) -> Result<(), ScenarioEnd> {
        let untold = self.answered.untold(&*self.source);
        let Some(key) = untold.into_iter().find(|key| among(key)) else { return Ok(()) };
        let told = format!("where effects are counted, those of the key {key:?} cannot be told from those of another one");
        Err(ScenarioEnd::NotApplicable(told.into()))
    }

    /// How often the work of each key was done, before the receiver is started again; `None` where nobody counts.
    pub(in crate::judge) async fn counted_before_restart(&mut self, number: usize) -> Option<Counts> {
        let (law, patience) = (law(self.setting), self.patience(None));
        let mut tries = 0;
        loop {
            let at = At { number, bindings: &self.bindings, keys: &self.keys };
            let counts = self.answered.counts(self.source, at).await?;
            let now = self.now_us();
            let is_missing = |key: &String, count: u64| count < self.answered.bounds(key, law, now).0;
            let at = At { number, bindings: &self.bindings, keys: &self.keys };
            // Work that is still to be done is no loss.
            let mut told = counts.clone();
            self.answered.add_lost(&mut told);
            let is_whole = !told.iter().any(|(key, count)| is_missing(key, *count));
            if is_whole || !self.source.give_time(at, patience, tries).await.unwrap_or(false) {
                return Some(counts);
            }
            tries += 1;
        }
    }

    /// Counts the work of keys until it is as it should be, or `patience` is over: what is wrong then; `None` where it cannot be counted.
    ///
    /// What has not been done may still be, whatever else is wrong; what was done twice stays so.
    ///
    /// * `of_now`: how often it must and may have been done by now; `forgives_restart`: as in [`weighed`].
    ///
    /// [`weighed`]: crate::judge::effects::AnsweredKeys::weighed
    async fn counted_in_time(
        &mut self,
        number: usize,
        patience: Duration,
        of_now: &(dyn Fn(&Self) -> Vec<Bounded> + Sync),
        forgives_restart: bool,
    ) -> Result<Option<Vec<Wrong>>, ScenarioEnd> {
        let mut tries = 0;
        loop {
            let bounded = of_now(self);
            let at = At { number, bindings: &self.bindings, keys: &self.keys };
            let Some(wrong) = self.answered.weighed(self.source, at, bounded, forgives_restart).await? else { return Ok(None) };
            self.report.rests_on.insert("effects".to_owned());
            if !wrong.iter().any(Wrong::is_too_few) || !self.source.give_time(at, patience, tries).await? {
                // A fail needs evidence as a pass does: where what would tell of effects has never been there, that is told, and
                // nobody is blamed.
                let are_too_few = !wrong.is_empty() && wrong.iter().all(Wrong::is_too_few);
                let missing = self.source.effects_missing().filter(|_| are_too_few);
                return missing.map_or(Ok(Some(wrong)), |why| Err(ScenarioEnd::Undecided(why)));
            }
            tries += 1;
        }
    }

    /// The present, on the scale on which deliveries are noted.
    pub(in crate::judge) fn now_us(&self) -> i64 {
        self.source.now().0.saturating_add(self.source.moved_us())
    }
}
