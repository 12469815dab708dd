//! Deliveries: one at a time, and those that are made beside a slow one.

use crate::history::record::Record;
use crate::judge::attribution::{Case, classify, follows, is_decided, meant, told_of_delivery};
use crate::judge::check::answer::{self, Judged};
use crate::judge::check::literal::{self, Surroundings};
use crate::judge::check::rows::{self, Observation};
use crate::judge::check::{Mismatch, describe, is_broken};
use crate::judge::findings::StepContext;
use crate::judge::scenario::{Play, answer_of};
use crate::judge::{AFTER_THE_LEASE, At, LONGEST_LEASE, ScenarioEnd, Sent, Source};
use crate::outcome::Outcome;
use crate::outcome::mismatch::{Kind, MismatchCode, When};
use crate::scenario::deliver::Deliver;
use crate::scenario::expect::{Expect, RowCheck, StateCheck};
use crate::secret::Redactor;
use crate::state::{Counts, ReceiverState};

impl<S: Source> Play<'_, S> {
    pub(in crate::judge) async fn deliver(&mut self, place: StepContext<'_>, deliver: &Deliver) -> Result<(), ScenarioEnd> {
        let at = At { number: place.number, bindings: &self.bindings, keys: &self.keys };
        let mut sent = self.source.deliver(at, deliver).await?;
        self.judge_beside(place, std::mem::take(&mut sent.beside))?;
        let mut reference_says = if sent.arrives { self.ask_reference(&sent.delivery) } else { "gets no whole request".to_owned() };
        let mut record = self.record(place.number, deliver.name.as_deref(), &sent);
        if let Some(again) = self.once_the_lease_is_over(place, deliver, &record).await? {
            reference_says = self.ask_reference(&again.delivery);
            record = self.record(place.number, deliver.name.as_deref(), &again);
            sent = again;
        }
        if let Some(name) = &deliver.name {
            self.bindings.plain_bodies.insert(name.clone(), sent.plain_body.clone());
        }
        let loses = deliver.fault.is_some() && record.result.is_err() && place.step.expect.as_ref().is_some_and(Expect::allows_no_answer);
        if loses {
            self.before.learn(deliver, &record, record.outcome(&self.setting.reader));
            self.bind(deliver.name.as_deref(), record);
            return Ok(());
        }
        // What the network held back is not the receiver's time.
        if deliver.fault.is_none() {
            self.watch_time(place, &record, &reference_says);
        }
        let answer = answer_of(place.number, &record.result);
        // Bound first: a literal check may speak of the delivery that it belongs to.
        self.bind(deliver.name.as_deref(), record.clone());
        let answer = answer?;
        self.last_answer = Some(answer.clone());
        let mut mismatches = Vec::new();
        if let Some(expect) = &place.step.expect {
            self.is_there_to_keep(place, expect)?;
            let mut found =
                answer::judge(&self.setting.reader, expect, Judged { answer: &answer, record: &record, bindings: &self.bindings });
            classify(
                self.setting.contract(),
                &self.case(&expect.under(self.setting.contract()), deliver, &record, answer.status),
                &mut found,
            );
            mismatches.extend(found);
            self.excuse_end_of_life(place, expect, &record, &mismatches)?;
            if let Some(wanted) = self.wanted(expect, &record).filter(|_| !is_broken(&mismatches)) {
                self.decide(place, wanted, &record);
            }
        }
        // What is demanded of a first answer says nothing of one to a repetition.
        let repeats_itself =
            mismatches.is_empty() && record.repeats_itself(&self.setting.reader) && self.wants_new(place.step.expect.as_ref());
        if let Some(check) = place.step.answer.as_ref().filter(|_| !repeats_itself) {
            let right: Vec<&[u8]> = sent.right_signature.iter().map(Vec::as_slice).filter(|_| check.reveals_nothing).collect();
            let forbidden = [&self.setting.forbidden, &Redactor::new(&right)];
            let around =
                Surroundings { bindings: &self.bindings, took: record.took.saturating_sub(record.own_delay), forbidden: &forbidden };
            let mut found = literal::judge(self.setting.contract(), check, &answer, around);
            let expect = place.step.expect.as_ref().map(|expect| expect.under(self.setting.contract()));
            let expect = expect.unwrap_or_else(|| meant(deliver, self.before.is_taken(&record.key)));
            // What an answer of another outcome has in it follows from that.
            let other = mismatches.iter().find(|one| is_decided(one.code.kind)).map(|one| one.code.clone());
            for mismatch in &mut found {
                if mismatch.code.is_of_outcome() {
                    classify(self.setting.contract(), &self.case(&expect, deliver, &record, answer.status), std::slice::from_mut(mismatch));
                }
                told_of_delivery(&mut mismatch.code, Some(&expect), deliver, &self.before.when(deliver, &record));
                if let Some(other) = other.as_ref().filter(|_| follows(mismatch.code.kind)) {
                    mismatch.code.clone_from(other);
                }
            }
            mismatches.extend(found);
            literal::capture(check, &answer, &mut self.bindings);
        }
        mismatches.extend(self.lacks_its_row(deliver, sent.when_told, is_broken(&mismatches)));
        let resolved = place.step.expect.as_ref().map(|expect| expect.under(self.setting.contract()));
        self.bindings.learn_reference(&record, resolved.as_ref());
        self.before.learn(deliver, &record, record.outcome(&self.setting.reader));
        let line = self.setting.curl.line(&record.delivery);
        self.file(place, mismatches, &reference_says, &line)
    }

    /// The same delivery again, when the lease is over, where a failure keeps its key in flight until then, as it may.
    async fn once_the_lease_is_over(
        &mut self,
        place: StepContext<'_>,
        deliver: &Deliver,
        record: &Record,
    ) -> Result<Option<Sent>, ScenarioEnd> {
        let lease = self.setting.contract().lease();
        let is_again = matches!(place.step.expect, Some(Expect::AgainAfter(_))) && deliver.key_of.is_some();
        let is_in_flight = record.outcome(&self.setting.reader).is(Outcome::InFlight);
        // Whoever has let time pass asks whether it was enough.
        if !is_again || !is_in_flight || lease.is_zero() || lease > LONGEST_LEASE || self.before.aged {
            return Ok(None);
        }
        let mut tries = 0;
        loop {
            let at = At { number: place.number, bindings: &self.bindings, keys: &self.keys };
            if !self.source.give_time(at, lease.saturating_add(AFTER_THE_LEASE), tries).await? {
                break;
            }
            tries += 1;
        }
        let at = At { number: place.number, bindings: &self.bindings, keys: &self.keys };
        match self.source.deliver(at, deliver).await {
            // A history that was kept earlier ends here.
            Err(ScenarioEnd::Lacks(_)) => Ok(None),
            again => again.map(Some),
        }
    }

    /// The audit row that was not there when its event had come.
    fn lacks_its_row(&mut self, deliver: &Deliver, seen: Option<ReceiverState>, is_broken: bool) -> Vec<Mismatch> {
        let Some((state, name)) = seen.zip(deliver.name.clone()).filter(|_| !is_broken) else { return Vec::new() };
        self.report.rests_on.insert("rows".to_owned());
        let audit = vec![RowCheck { rows_for: name, count: Some(1), ..RowCheck::default() }];
        let look = Observation { state, counts: Counts::default(), tables: Vec::new() };
        rows::judge(self.setting.contract(), &StateCheck { audit, ..StateCheck::default() }, &look, &self.bindings, self.setting.ttl)
    }

    /// A delivery, as far as a mismatch hangs on it.
    fn case<'c>(&self, expect: &'c Expect, deliver: &'c Deliver, record: &Record, status: u16) -> Case<'c> {
        let set = record.outcome(&self.setting.reader);
        Case { expect, deliver, set, status, known: self.before.is_taken(&record.key), when: self.before.when(deliver, record) }
    }

    /// Whether a delivery that is new to the receiver is expected to be accepted.
    fn wants_new(&self, expect: Option<&Expect>) -> bool {
        expect.is_some_and(|expect| matches!(expect.under(self.setting.contract()), Expect::Accepted))
    }

    /// Names a delivery for later steps.
    fn bind(&mut self, name: Option<&str>, record: Record) {
        if let Some(name) = name {
            self.bindings.deliveries.insert(name.to_owned(), vec![record]);
        }
    }

    /// What was not refused cannot show whether refusals are kept.
    fn is_there_to_keep(&self, place: StepContext<'_>, expect: &Expect) -> Result<(), ScenarioEnd> {
        let Expect::KeptRefusalOf(name) = expect else { return Ok(()) };
        let first = self.bindings.one(name).filter(|record| !record.is_turned_away(&self.setting.reader));
        match first.and_then(|record| record.result.as_ref().ok()) {
            None => Ok(()),
            Some(taken) => {
                let told =
                    format!("step {}: `{name}` was not refused ({}), so that there is no refusal to keep", place.number, taken.status);
                Err(ScenarioEnd::NotApplicable(told.into()))
            }
        }
    }

    /// Around the end of a life either answer conforms: a receiver that is slow, and may be, is not blamed for what falls there.
    fn excuse_end_of_life(
        &self,
        place: StepContext<'_>,
        expect: &Expect,
        record: &Record,
        mismatches: &[Mismatch],
    ) -> Result<(), ScenarioEnd> {
        let accepted = record.outcome(&self.setting.reader).may_be(Outcome::Accepted);
        if !mismatches.is_empty() && accepted && self.falls_to_the_end_of_a_life(expect, record) {
            return Err(ScenarioEnd::Undecided(format!(
                "step {}: the receiver is so slow that the delivery fell to the end of the key's life, where either answer conforms",
                place.number
            )));
        }
        Ok(())
    }

    /// Whether a delivery that is to be a duplicate came when its key's life may just have been over.
    fn falls_to_the_end_of_a_life(&self, expect: &Expect, record: &Record) -> bool {
        let wants_duplicate = matches!(expect.under(self.setting.contract()), Expect::DuplicateOf(_));
        let first = expect.first().and_then(|name| self.bindings.one(name));
        let (Some(first), Some(ttl), true) = (first, self.setting.ttl, wants_duplicate) else { return false };
        let moved = std::time::Duration::from_micros(u64::try_from(self.source.moved_us()).unwrap_or(0));
        let age = record.answered_at.plus(moved).since(first.sent_at);
        let life = std::time::Duration::from_secs(ttl);
        // A key lives for whole seconds: one less may be its last moment.
        age.saturating_add(std::time::Duration::from_secs(1)) > life && first.answered_at.since(first.sent_at) < life
    }

    /// Which of the two it must have been, where an answer may be that of an acceptance or of a duplicate.
    fn wanted(&self, expect: &Expect, record: &Record) -> Option<Outcome> {
        let under = expect.under(self.setting.contract());
        let is_duplicate = matches!(under, Expect::DuplicateOf(_)) && !self.falls_to_the_end_of_a_life(expect, record);
        match (matches!(under, Expect::Accepted), is_duplicate) {
            (true, _) => Some(Outcome::Accepted),
            (false, true) => Some(Outcome::Duplicate),
            (false, false) => None,
        }
    }

    /// Deliveries beside a slow one are accepted, and in time.
    fn judge_beside(&mut self, place: StepContext<'_>, beside: Vec<Sent>) -> Result<(), ScenarioEnd> {
        let count = beside.len();
        let mut wrong: Vec<Record> = Vec::new();
        for sent in beside {
            let reference = self.ask_reference(&sent.delivery);
            let record = self.record(place.number, None, &sent);
            self.watch_time(place, &record, &reference);
            let reader = &self.setting.reader;
            if record.result.is_ok() && !record.outcome(reader).may_be(Outcome::Accepted) && !record.repeats_itself(reader) {
                wrong.push(record);
            }
        }
        let Some(first) = wrong.first() else { return Ok(()) };
        let line = self.setting.curl.line(&first.delivery);
        let observed = format!("{} of {count} were not, the first: {}", wrong.len(), describe(&first.result));
        let status = first.result.as_ref().ok().map(|answer| answer.status);
        let kind = match status {
            Some(status) if status >= 500 => Kind::HonestFailed,
            Some(status) if (200..=299).contains(&status) => Kind::AcceptedOtherwise,
            Some(_) | None => Kind::HonestRefused,
        };
        let code = MismatchCode { status, when: vec![When::OddWay], ..MismatchCode::of(kind) };
        let mismatch = Mismatch::must("deliveries beside a slow one are accepted", observed).of(code);
        self.file(place, vec![mismatch], "accepts them", &line)
    }
}
