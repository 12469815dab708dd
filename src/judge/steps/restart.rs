//! Restarts: what was answered before is remembered after.
//!
//! Every delivery that the restart broke in on is sent again afterwards, twice.
//! One that was answered before must be remembered. One that was not may be
//! known or new; whatever it is said to be, the next time it is a duplicate of
//! the same acceptance.

use std::sync::Arc;

use crate::check::answer::{Judged, against};
use crate::check::{Breach, Record, describe, is_broken};
use crate::contract::Contract;
use crate::judge::findings::Place;
use crate::judge::scenario::Play;
use crate::judge::{At, ScenarioEnd, Source};
use crate::outcome::Outcome;
use crate::report::curl::curl;
use crate::scenario::{Restart, UnderWay};

impl<S: Source> Play<'_, S> {
    /// Ends the receiver and starts it again.
    pub(in crate::judge) async fn restart(&mut self, place: Place<'_>, restart: &Restart) -> Result<(), ScenarioEnd> {
        match &restart.under_way {
            None => self.source.restart(restart).await,
            Some(under_way) => self.break_in(place, restart, under_way).await,
        }
    }

    async fn break_in(&mut self, place: Place<'_>, restart: &Restart, under_way: &UnderWay) -> Result<(), ScenarioEnd> {
        let at = At { number: place.number, records: &self.records, keys: &self.keys };
        let sent = self.source.break_in(at, restart, under_way).await?;
        let mut firsts = Vec::with_capacity(sent.len());
        for one in &sent {
            self.ask_reference(&one.delivery);
            firsts.push(self.record(place.number, None, one));
        }
        let contract = Arc::clone(self.setting.contract());
        let (mut forgotten, mut answered): (Vec<(Record, Breach)>, usize) = (Vec::new(), 0);
        for (at, first) in firsts.into_iter().enumerate() {
            answered += usize::from(first.outcome(&self.setting.reader).may_be(Outcome::Accepted));
            if let Some(found) = self.judge_again(place, at, first, &contract).await? {
                forgotten.push(found);
            }
        }
        if answered == 0 {
            return Err(ScenarioEnd::Undecided(format!("step {}: nothing was answered before the restart", place.number)));
        }
        let Some((one, breach)) = forgotten.first() else { return Ok(()) };
        let line = curl(&self.setting.origin, &one.delivery);
        let observed = format!(
            "{} of them are not, the first: {}\n{}, where {} was due",
            forgotten.len(),
            describe(&one.result),
            breach.observed,
            breach.expected
        );
        let breach =
            Breach::must(format!("all {answered} deliveries that were answered before the restart are duplicates after it"), observed);
        self.file(place, vec![breach], "remembers them", &line)
    }

    /// Sends one delivery again, twice: what came that does not fit, and why.
    async fn judge_again(
        &mut self,
        place: Place<'_>,
        at: usize,
        first: Record,
        contract: &Contract,
    ) -> Result<Option<(Record, Breach)>, ScenarioEnd> {
        let reader = &self.setting.reader.clone();
        // The acceptance that duplicates must refer to, once there is one, and the instant that the first duplicate referred to.
        let mut accepted = first.outcome(reader).is(Outcome::Accepted).then(|| first.clone());
        let must_be_known = first.outcome(reader).may_be(Outcome::Accepted);
        let (mut was_taken, mut refers_to): (bool, Option<String>) = (must_be_known, None);
        for _ in 0..2 {
            let surroundings = At { number: place.number, records: &self.records, keys: &self.keys };
            let sent = self.source.once_more(surroundings, at).await?;
            self.ask_reference(&sent.delivery);
            let again = self.record(place.number, None, &sent);
            self.watch_time(place, &again, "remembers them at once");
            if again.result.is_ok() && again.took > contract.limits.answer.0 {
                // One that is too late is told; waiting for all of them would take minutes.
                return Err(ScenarioEnd::Broken);
            }
            let Ok(answer) = again.result.clone() else {
                return Err(ScenarioEnd::Undecided(format!("step {}: after the restart there was no answer", place.number)));
            };
            let set = again.outcome(reader);
            let judged = Judged { answer: &answer, record: &again, records: &self.records };
            let due = |expected: &str| Breach::must(expected, describe(&again.result));
            let breach = if !set.is_taken() {
                Some(due("an acceptance or a duplicate"))
            } else if set.is(Outcome::Accepted) && was_taken {
                Some(due("a duplicate"))
            } else if set.is(Outcome::Duplicate) {
                let form = contract.duplicate();
                let broken = form.map_or_else(Vec::new, |form| against(form, judged, accepted.as_ref()));
                let differs = refers_to.is_some() && again.refers_to != refers_to;
                broken
                    .into_iter()
                    .find(|breach| is_broken(std::slice::from_ref(breach)))
                    .or_else(|| differs.then(|| due("the same reference as before")))
            } else {
                None
            };
            if let Some(breach) = breach {
                return Ok(Some((again, breach)));
            }
            was_taken = true;
            refers_to = refers_to.or_else(|| again.refers_to.clone());
            if set.is(Outcome::Accepted) {
                accepted.get_or_insert(again);
            }
        }
        Ok(None)
    }
}
