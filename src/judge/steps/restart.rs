//! Restarts: what was answered before is remembered after.
//!
//! Every delivery that the restart broke in on is sent again afterwards, twice.
//! One that was answered before must be remembered. One that was not may be
//! known or new; whatever it is said to be, the next time it is a duplicate of
//! the same acceptance. Its key may still be in flight, for the restart broke its
//! work off: then it is asked again when the lease is over, where there is one.

use std::sync::Arc;

use crate::history::record::Record;
use crate::judge::check::answer::{Judged, against};
use crate::judge::check::{Mismatch, describe, is_broken};
use crate::judge::findings::StepContext;
use crate::judge::scenario::{MOST_LATE, Play};
use crate::judge::{AFTER_THE_LEASE, At, LONGEST_LEASE, ScenarioEnd, Source};
use crate::outcome::mismatch::{Kind, MismatchCode, When};
use crate::outcome::reader::Reader;
use crate::outcome::{Outcome, OutcomeSet};
use crate::scenario::{Restart, UnderWay};

impl<S: Source> Play<'_, S> {
    /// Ends the receiver and starts it again.
    pub(in crate::judge) async fn restart(&mut self, place: StepContext<'_>, restart: &Restart) -> Result<(), ScenarioEnd> {
        let done = match &restart.under_way {
            None => {
                let before = self.counted_before_restart(place.number).await;
                let restarted = self.source.restart(restart).await;
                self.answered.restarted_at = Some(self.now_us());
                if restarted.is_ok()
                    && let Some(before) = before
                {
                    let at = At { number: place.number, bindings: &self.bindings, keys: &self.keys };
                    self.answered.learn_lost(self.source, at, &before).await;
                }
                restarted
            }
            Some(under_way) => self.break_in(place, restart, under_way).await,
        };
        self.before.restarted = true;
        done
    }

    async fn break_in(&mut self, place: StepContext<'_>, restart: &Restart, under_way: &UnderWay) -> Result<(), ScenarioEnd> {
        let at = At { number: place.number, bindings: &self.bindings, keys: &self.keys };
        let sent = self.source.break_in(at, restart, under_way).await?;
        self.answered.restarted_at = Some(self.now_us());
        let mut firsts = Vec::with_capacity(sent.len());
        for one in &sent {
            self.ask_reference(&one.delivery);
            firsts.push(self.record(place.number, None, one));
        }
        let reader = self.setting.reader.clone();
        let answered =
            firsts.iter().filter(|first| first.outcome(&reader).may_be(Outcome::Accepted) || first.repeats_itself(&reader)).count();
        let mut lives: Vec<Life> = firsts.into_iter().map(|first| Life::of(first, &reader)).collect();
        for _ in 0..2 {
            let at = At { number: place.number, bindings: &self.bindings, keys: &self.keys };
            let again = self.source.once_more(at).await?;
            let mut records = Vec::with_capacity(again.len());
            for one in &again {
                self.ask_reference(&one.delivery);
                records.push(self.record(place.number, None, one));
            }
            for (life, record) in lives.iter_mut().zip(records) {
                self.judge_again(place, life, record)?;
            }
            if self.late >= MOST_LATE {
                break; // that they are late is told; once more would only take longer
            }
        }
        if self.late < MOST_LATE && lives.iter().any(Life::is_in_flight) {
            self.ask_after_the_lease(place, &mut lives).await?;
        }
        if let Some(name) = &under_way.name {
            let taken = lives.iter().filter_map(|life| life.taken.clone()).collect();
            self.bindings.deliveries.insert(name.clone(), taken);
        }
        let forgotten: Vec<(Record, Mismatch, bool)> =
            lives.into_iter().filter_map(|life| life.forgotten.map(|(again, mismatch)| (again, mismatch, life.was_answered))).collect();
        if answered == 0 {
            return Err(ScenarioEnd::Undecided(format!("step {}: nothing was answered before the restart", place.number)));
        }
        // What was promised is told before what only breaks off.
        let Some((one, first_mismatch, was_answered)) = forgotten.iter().find(|(_, _, answered)| *answered).or(forgotten.first()) else {
            return Ok(());
        };
        let line = self.setting.curl.line(&one.delivery);
        let wrong = |answered: bool| forgotten.iter().filter(|(_, _, one)| *one == answered).count();
        let others = match (was_answered, wrong(false)) {
            (true, 1..) => format!("\n{} that had no answer before it are neither accepted nor duplicates", wrong(false)),
            (true, 0) | (false, _) => String::new(),
        };
        let observed = format!(
            "{} of them are not, the first: {}\n{}, where {} was due{others}",
            wrong(*was_answered),
            describe(&one.result),
            first_mismatch.observed,
            first_mismatch.expected
        );
        let expected = if *was_answered {
            format!("all {answered} deliveries that were answered before the restart are duplicates after it")
        } else {
            "deliveries that the restart broke off are accepted or duplicates after it".to_owned()
        };
        let told = Mismatch::must(expected, observed);
        let code = MismatchCode { when: vec![When::Restarted], ..first_mismatch.code.clone() };
        let mismatch = Mismatch { shows: first_mismatch.shows.clone(), ..told.of(code) };
        self.file(place, vec![mismatch], "remembers them", &line)
    }

    /// Keys that a restart left in flight are free when their lease is over; where there is none, or time cannot be waited for, nobody
    /// knows when, and they are left undecided.
    async fn ask_after_the_lease(&mut self, place: StepContext<'_>, lives: &mut [Life]) -> Result<(), ScenarioEnd> {
        let contract = Arc::clone(self.setting.contract());
        let lease = contract.in_flight.as_ref().and_then(|in_flight| in_flight.lease).map(|lease| lease.0);
        // What was signed before is sent again: it must not have grown stale meanwhile.
        let longest = contract.signature.time.map_or(LONGEST_LEASE, |time| LONGEST_LEASE.min(time.past.0 / 2));
        let Some(lease) = lease.filter(|lease| *lease <= longest) else { return Ok(()) };
        let patience = lease.saturating_add(AFTER_THE_LEASE);
        let mut tries = 0;
        loop {
            let at = At { number: place.number, bindings: &self.bindings, keys: &self.keys };
            if !self.source.give_time(at, patience, tries).await? {
                break;
            }
            tries += 1;
        }
        for is_last in [false, true] {
            let at = At { number: place.number, bindings: &self.bindings, keys: &self.keys };
            let again = match self.source.once_more(at).await {
                // A history that was kept earlier ends here.
                Err(ScenarioEnd::Lacks(_)) if !is_last => return Ok(()),
                again => again?,
            };
            let mut records = Vec::with_capacity(again.len());
            for one in &again {
                self.ask_reference(&one.delivery);
                records.push(self.record(place.number, None, one));
            }
            for (life, record) in lives.iter_mut().zip(records) {
                life.lease_is_over = true;
                self.judge_again(place, life, record)?;
            }
        }
        Ok(())
    }

    /// Judges a delivery that was sent once more.
    fn judge_again(&mut self, place: StepContext<'_>, life: &mut Life, again: Record) -> Result<(), ScenarioEnd> {
        self.watch_time(place, &again, "remembers them at once");
        let Ok(answer) = again.result.clone() else {
            return Err(ScenarioEnd::Undecided(format!("step {}: after the restart there was no answer", place.number)));
        };
        if life.forgotten.is_some() {
            return Ok(());
        }
        let contract = Arc::clone(self.setting.contract());
        let set = again.outcome(&self.setting.reader);
        let judged = Judged { answer: &answer, record: &again, bindings: &self.bindings };
        let due = |kind: Kind, expected: &str| {
            let statuses = contract.duplicate().unwrap_or(&contract.outcomes.accepted).statuses();
            let name = contract.reference_member().filter(|_| kind == Kind::References).map(str::to_owned);
            let code = MismatchCode { status: Some(answer.status), due: Some(statuses), name, ..MismatchCode::of(kind) };
            Mismatch::must(expected, describe(&again.result)).of(code)
        };
        life.in_flight = set.is(Outcome::InFlight);
        let mismatch = if life.is_in_flight() && !life.lease_is_over {
            // The restart broke its work off: its key is free when the lease is over, and no sooner.
            return Ok(());
        } else if !set.is_taken() {
            let form = contract.duplicate().filter(|form| form.allows_status(answer.status));
            let wrong = form.and_then(|form| against(form, judged, life.accepted.as_ref()).into_iter().next());
            let told = due(kind_of(set, answer.status), "an acceptance or a duplicate");
            Some(wrong.map_or_else(|| told.clone(), |wrong| Mismatch { shows: wrong.shows, code: wrong.code, ..told.clone() }))
        } else if set.is(Outcome::Accepted) && life.was_taken {
            Some(due(Kind::RepeatTakenAsNew, "a duplicate"))
        } else if set.is(Outcome::Duplicate) {
            let broken = contract.duplicate().map_or_else(Vec::new, |form| against(form, judged, life.accepted.as_ref()));
            let differs = life.refers_to.is_some() && again.refers_to != life.refers_to;
            broken
                .into_iter()
                .find(|mismatch| is_broken(std::slice::from_ref(mismatch)))
                .or_else(|| differs.then(|| due(Kind::References, "the same reference as before")))
        } else {
            None
        };
        if let Some(mismatch) = mismatch {
            life.forgotten = Some((again, mismatch));
            return Ok(());
        }
        life.was_taken = true;
        life.in_flight = false;
        life.taken.get_or_insert_with(|| again.clone());
        life.refers_to = life.refers_to.take().or_else(|| again.refers_to.clone());
        if set.is(Outcome::Accepted) {
            life.accepted.get_or_insert(again);
        }
        Ok(())
    }
}

/// What kind of thing it is that a delivery of before the restart is neither accepted nor a duplicate after it.
fn kind_of(set: OutcomeSet, status: u16) -> Kind {
    match status {
        _ if set.is(Outcome::InFlight) => Kind::StillInFlight,
        500.. => Kind::RepeatFailed,
        200..=299 => Kind::DuplicateOtherwise,
        _ => Kind::RepeatRefused,
    }
}

/// What is known of one delivery that the restart broke in on.
struct Life {
    /// The acceptance that duplicates must refer to, once there is one.
    accepted: Option<Record>,
    /// What was told first of its having been taken.
    taken: Option<Record>,
    /// Whether it was taken, as far as was told.
    was_taken: bool,
    /// Whether that was told before the restart.
    was_answered: bool,
    /// Whether it was told last that its key is under way.
    in_flight: bool,
    /// Whether a key that the restart left in flight must be free by now.
    lease_is_over: bool,
    /// The instant that the first duplicate referred to.
    refers_to: Option<String>,
    /// What came that does not fit, and why.
    forgotten: Option<(Record, Mismatch)>,
}

impl Life {
    fn of(first: Record, reader: &Reader) -> Self {
        let set = first.outcome(reader);
        let was_taken = set.may_be(Outcome::Accepted) || (set.is(Outcome::Duplicate) && first.went_twice);
        let (is_accepted, refers_to) = (set.is(Outcome::Accepted), first.refers_to.clone());
        let taken = was_taken.then(|| first.clone());
        let accepted = is_accepted.then_some(first);
        Self { accepted, taken, was_taken, was_answered: was_taken, in_flight: false, lease_is_over: false, refers_to, forgotten: None }
    }

    /// Whether its key may still be in flight from before the restart: nobody was told that it was taken.
    fn is_in_flight(&self) -> bool {
        self.in_flight && !self.was_taken && self.forgotten.is_none()
    }
}
