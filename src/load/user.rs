//! One user of a load: chooses, signs, sends, looks at the answer, writes it down.
//!
//! What a user learns it keeps, and hands over now and then. Start at [`deliver`].

mod again;
mod choice;
mod due;
mod first;

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::oneshot;

pub(super) use self::again::deliver_again;
use self::choice::{Choice, Next};
use super::expected::is_expected;
use super::feed::feeding::{Feeding, Turn};
use super::forged::Sent;
use super::measure::{GIVEN_UP, NO_ERROR, Sample, error_of, has_left};
use super::mix::Kind;
use super::part::{Lot, Note};
use super::rate_profile::Model;
use super::shared::Shared;
use super::tally::Tally;
use super::unexpected;
use super::user_connection::UserConnection;
use crate::clock::{UnixMicros, iso};
use crate::contract::OtherBody;
use crate::delivery::{Answer, NoAnswer};
use crate::history::consistency::parts::OTHER_BODY;
use crate::history::consistency::{NEVER, Operation};
use crate::history::record::{Record, referred_in};
use crate::outcome::{Outcome, OutcomeSet};
use crate::random::Rng;
use crate::sign::sha256_hex;
use crate::transport::codec::decode::Surplus;

/// So many samples are kept before they are handed over.
const SAMPLES: usize = 1_024;
/// They are handed over after so long, that whoever looks on sees them.
const HAND_OVER_EVERY: Duration = Duration::from_millis(500);
/// So long a user waits after the first connection that could not be made; each time twice as long.
const FIRST_BACK_OFF: Duration = Duration::from_millis(5);
/// And this is the longest.
const LONGEST_BACK_OFF: Duration = Duration::from_millis(320);

/// What a user keeps for itself.
struct User<'s> {
    shared: &'s Shared,
    number: usize,
    line: UserConnection,
    dice: Rng,
    own_keys: Vec<u32>,
    next_own: usize,
    samples: Vec<Sample>,
    handed_over: Duration,
    history: Vec<Operation>,
    /// How much of it was handed on.
    told: usize,
    record: Record,
    json: Option<Value>,
    /// What the answer is that `record` has.
    outcome: OutcomeSet,
    /// What was answered last, over the connection that is open.
    answered: Option<Operation>,
    /// From this place of the history on, an answer may be that of the delivery before it: none has shown since that it is its own.
    own_until: usize,
    /// What was to be refused.
    forged: Sent,
    /// Comes when the load is over and nothing is waited for any more.
    given_up: oneshot::Receiver<()>,
    is_given_up: bool,
}

/// Delivers until the load ends.
pub async fn deliver(shared: &Shared, number: usize) {
    let mut user = User::new(shared, number, shared.given_up());
    match shared.model {
        Model::Closed => user.deliver_after_answers().await,
        Model::Open => user.deliver_when_due().await,
    }
    if let Some(surplus) = user.line.said_since() {
        user.was_followed(&surplus);
    }
    user.hand_over();
    shared.forged.add(&user.forged, &user.history);
    shared.histories.lock().unwrap_or_else(PoisonError::into_inner).push(user.history);
    shared.note_end_of_user();
}

impl<'s> User<'s> {
    fn new(shared: &'s Shared, number: usize, given_up: oneshot::Receiver<()>) -> Self {
        let record = Record {
            own_delay: Duration::ZERO,
            went_twice: false,
            key: String::new(),
            identity: String::new(),
            sha256: String::new(),
            delivery: shared.series_of(0).bare(),
            sent_at: UnixMicros(0),
            answered_at: UnixMicros(0),
            took: Duration::ZERO,
            result: Err(NoAnswer::Unreachable { cause: String::new() }),
            moved_us: 0,
            referred_as: None,
            refers_to: None,
        };
        Self {
            shared,
            number,
            line: UserConnection::new(&shared.target, shared.timeout, shared.reader.headers()),
            dice: Rng::new(shared.seed, number as u64),
            own_keys: Vec::new(),
            next_own: 0,
            samples: Vec::with_capacity(SAMPLES),
            handed_over: Duration::ZERO,
            history: Vec::new(),
            told: 0,
            record,
            json: None,
            outcome: OutcomeSet::NOTHING,
            answered: None,
            own_until: 0,
            forged: Sent::default(),
            given_up,
            is_given_up: false,
        }
    }

    async fn deliver_after_answers(&mut self) {
        let shared = self.shared;
        loop {
            if shared.is_out_of_turn(self.number) {
                self.hand_over();
            }
            if !shared.wait_for_turn(self.number).await
                || !shared.wait_for_share().await
                || shared.taken.fetch_add(1, Ordering::Relaxed) >= shared.most
            {
                break;
            }
            let Some(next) = self.next() else { break };
            let (began, latency) = self.one(next).await;
            self.write_down(began, latency);
            self.rest().await;
        }
    }

    /// What a user of the closed model does between deliveries.
    async fn rest(&mut self) {
        if !self.shared.mix.think.is_none() {
            if self.shared.part.notes.is_some() {
                self.hand_over();
            }
            let span = self.shared.mix.think.next(&mut self.dice);
            self.shared.wait_until(self.shared.began.elapsed() + span).await;
        }
        self.back_off().await;
    }

    /// A receiver that takes no connections is not asked as fast as it can refuse.
    async fn back_off(&self) {
        let refused = self.line.refusals();
        if refused > 0 {
            let span = FIRST_BACK_OFF.saturating_mul(1 << refused.min(10)).min(LONGEST_BACK_OFF);
            self.shared.wait_until(self.shared.began.elapsed() + span).await;
        }
    }

    /// One delivery, from its choice to its place in the history: when it was sent, and how long its answer took.
    async fn one(&mut self, next: Next) -> (Duration, Duration) {
        let shared = self.shared;
        let choice = match (next, &shared.feeding) {
            (Next::Fed(fed), Some(feeding)) => {
                let turn = feeding.turn(&shared.contract, &fed, |word| shared.made_body(word, fed.place.line), shared.began.elapsed());
                return self.send_fed(turn).await;
            }
            (Next::Repeated(choice), _) => {
                let (key, headers) = (shared.key(choice.key), shared.headers(choice.key));
                let body = shared.plain_body(choice.key, &key);
                return self.send(choice, key, body, &headers).await;
            }
            (Next::MadeUp | Next::Fed(_), _) => self.choose(),
        };
        let key = shared.key(choice.key);
        let body = match choice.kind {
            Kind::ConflictingBody => shared.plain_body(choice.key, &format!("{key}-other")),
            Kind::Fresh | Kind::Duplicate | Kind::Burst | Kind::MissingKey | Kind::Spoiled(_) => shared.plain_body(choice.key, &key),
        };
        self.send(choice, key, body, &[]).await
    }

    /// Sends what a feed has; what comes of it says what later lines of its key are.
    async fn send_fed(&mut self, turn: Turn) -> (Duration, Duration) {
        let shared = self.shared;
        let Turn { numbered, place, kind, .. } = turn;
        shared.next_key.fetch_max(numbered.number.saturating_add(1), Ordering::Relaxed);
        let choice = Choice { place, kind, key: numbered.number, is_own: numbered.is_known };
        let sent = self.send(choice, turn.key.clone(), turn.body.clone(), &turn.headers).await;
        if let (Some(feeding), Some(done)) = (&shared.feeding, self.history.last()) {
            feeding.note(&turn, done.outcome, shared.began.elapsed());
        }
        sent
    }

    async fn send(&mut self, choice: Choice, key: String, plain_body: Bytes, headers: &[(String, String)]) -> (Duration, Duration) {
        let shared = self.shared;
        let Choice { place, kind, key: number, is_own } = choice;
        let tamper = if let Kind::Spoiled(tamper) = kind { Some(tamper) } else { None };
        let began = shared.began.elapsed();
        self.tally().note_sent();
        self.record.sent_at = UnixMicros(shared.instant(began));
        shared.streams.iter().for_each(|streams| streams.note_sent(number, &key, self.record.sent_at));
        let (series, now, travels) = (shared.series_of(number), self.record.sent_at, kind != Kind::MissingKey);
        let made = if travels && tamper.is_none() && headers.is_empty() && series.is_quick() {
            self.record.delivery.body = series.travelling_body(plain_body, &key).unwrap_or_default();
            None
        } else {
            let made = series.one_with(travels.then_some(key.as_str()), &plain_body, tamper, headers, now);
            self.record.delivery.body = made.as_ref().map_or(plain_body, |made| made.delivery.body.clone());
            Some(made)
        };
        if !shared.mix.endpoints.is_empty() {
            self.record.delivery.path = series.bare().path;
        }
        if shared.hashes {
            self.record.sha256 = sha256_hex(&self.record.delivery.body);
        }
        let (line, delivery) = (&mut self.line, &self.record.delivery);
        let sent = async {
            match &made {
                None => line.send(series, delivery, &key, now).await,
                Some(Ok(made)) => line.send_as_it_is(made).await,
                // One of each kind was made before the load.
                Some(Err(cause)) => Err(NoAnswer::Unreachable { cause: cause.clone() }),
            }
        };
        let result = tokio::select! {
            biased;
            result = sent => Some(result),
            _ = &mut self.given_up, if !self.is_given_up => None,
        };
        let last = self.line.take_last();
        let ended = last.ended.map_or_else(|| shared.began.elapsed(), |ended| ended.since(shared.began));
        let took = if result.is_some() { last.took } else { ended.saturating_sub(began) };
        self.is_given_up |= result.is_none();
        let result = result.unwrap_or(Err(NoAnswer::TimedOut { after: took }));
        // Many receivers say the same to everybody, and it need not be read again.
        let is_the_same = matches!((&self.record.result, &result), (Ok(before), Ok(now)) if before == now);
        if !is_the_same {
            self.json = result.as_ref().ok().and_then(Answer::json);
        }
        self.record.result = result;
        self.record.key = key;
        self.record.answered_at = UnixMicros(shared.instant(ended));
        self.record.took = took;
        self.outcome = match &self.record.result {
            Ok(answer) if is_the_same && !shared.reader.hangs_on_delivery(answer) => self.outcome,
            Ok(answer) => shared.reader.read_with(answer, self.json.as_ref(), &self.record.values()),
            Err(_) => self.record.outcome(&shared.reader),
        };
        let outcome = self.outcome;
        let error = match &self.record.result {
            Ok(_) => NO_ERROR,
            Err(_) if self.is_given_up => GIVEN_UP,
            Err(none) => error_of(none, self.line.refused()),
        };
        match error {
            NO_ERROR => self.tally().note_answered(),
            // What went twice has left once, whatever kept it from going again.
            error if has_left(error) || last.went_twice => self.tally().note_unanswered(),
            // No connection could be made: the receiver was never asked.
            _ => {}
        }
        let is_allowed = self.record.result.is_ok() && is_expected(&shared.contract, &shared.mix, kind, outcome, is_own);
        // What went twice may have been taken the first time.
        let is_again =
            last.went_twice && outcome.may_be(Outcome::Duplicate) && matches!(kind, Kind::Fresh | Kind::Burst | Kind::ConflictingBody);
        let expected = (is_allowed || is_again) && (!outcome.is(Outcome::Duplicate) || self.tells_first(kind, number, is_own));
        if let Some(surplus) = last.before {
            self.was_followed(&surplus);
        }
        if last.went_twice {
            self.append_history(choice, OutcomeSet::only(Outcome::NoAnswer));
            shared.resent.fetch_add(1, Ordering::Relaxed);
        }
        let status = self.record.result.as_ref().map_or(0, |answer| answer.status);
        let answer_bytes = self.record.result.as_ref().map_or(0, |answer| u32::try_from(answer.body.len()).unwrap_or(u32::MAX));
        let of = u8::try_from(shared.mix.sample_place(place, number)).unwrap_or(u8::MAX);
        let went_twice = last.went_twice;
        let is_measured = place != usize::MAX && shared.is_measured(began);
        if self.record.result.is_ok() && !expected && is_measured {
            let name = || shared.mix.names().get(usize::from(of)).cloned().unwrap_or_default();
            let first = self.first_of(kind, number, is_own).filter(|_| is_allowed || is_again);
            shared.unexpected.note(of, || unexpected::of(&shared.contract, kind, name(), &self.record, first.as_ref()));
        }
        self.samples.push(Sample { kind: of, expected, error, status, ended, latency_us: 0, answer_bytes, went_twice });
        if self.record.result.is_ok() {
            self.forged.note(kind, self.history.len(), status, expected);
        }
        self.append_history(choice, outcome);
        // The first answer of a connection is that of its delivery, and so is one that names it.
        if last.is_first || (expected && self.record.result.as_ref().is_ok_and(|answer| shared.reader.hangs_on_delivery(answer))) {
            self.own_until = self.history.len();
        }
        self.answered = self.history.last().copied().filter(|_| self.record.result.is_ok());
        if let Some(surplus) = last.after {
            self.was_followed(&surplus);
        }
        let is_made_up = shared.feeding.as_ref().is_none_or(Feeding::is_mixed) && place != usize::MAX;
        if kind == Kind::Fresh && outcome.may_be(Outcome::Accepted) && is_made_up && shared.mix.repeats() {
            self.hold_for_repetition(number);
        }
        (began, took)
    }

    /// Something came behind the last answer. What came behind an earlier one may have been taken for the answer to the next delivery, and
    /// each answer since for that of the one before: what became of those is unknown, and breaks nothing else.
    fn was_followed(&mut self, surplus: &Surplus) {
        if let Some(answered) = self.answered {
            self.shared.surplus.note(answered, surplus);
        }
        if !surplus.is_an_answer() {
            return;
        }
        let from = self.own_until;
        for one in self.history.iter_mut().skip(from) {
            *one = Operation { outcome: OutcomeSet::only(Outcome::Other), returned: NEVER, refers_to: NEVER, ..*one };
        }
        self.forged.doubt(from);
        self.own_until = self.history.len();
    }

    /// Completes the last sample with its time, or drops it while the load warms up.
    fn write_down(&mut self, began: Duration, latency: Duration) {
        let Some(sample) = self.samples.last_mut() else { return };
        let ended = sample.ended;
        if !self.shared.is_measured(began) {
            self.samples.pop();
        } else {
            sample.latency_us = u32::try_from(latency.as_micros()).unwrap_or(u32::MAX);
            if sample.error == NO_ERROR {
                self.tally().note_measured();
            }
        }
        if self.samples.len() >= SAMPLES || ended.saturating_sub(self.handed_over) > HAND_OVER_EVERY {
            self.handed_over = ended;
            self.hand_over();
        }
    }

    fn append_history(&mut self, choice: Choice, outcome: OutcomeSet) {
        let refers_to = if outcome.is(Outcome::Duplicate) {
            let text = self.json.as_ref().and_then(|body| referred_in(&self.shared.contract, body));
            text.and_then(iso::read).map_or(NEVER, |(at, _)| at.0)
        } else {
            NEVER
        };
        // Where the body is a part of what a delivery is known by, another body is another delivery.
        let is_other =
            choice.kind == Kind::ConflictingBody && self.shared.contract.other_body == OtherBody::New && self.shared.feeding.is_none();
        let key = if is_other { choice.key | OTHER_BODY } else { choice.key };
        let returned = if outcome.is_unknown() { NEVER } else { self.record.answered_at.0 };
        let operation = Operation { key, outcome, invoked: self.record.sent_at.0, returned, refers_to };
        self.shared.streams.iter().for_each(|streams| streams.note_answered(&operation));
        self.history.push(operation);
    }

    fn tally(&self) -> &'s Tally {
        &self.shared.tallies[self.number % self.shared.tallies.len()]
    }

    fn hand_over(&mut self) {
        self.shared.measured.lock().unwrap_or_else(PoisonError::into_inner).take(&self.samples);
        let operations = &self.history[self.told..];
        self.shared.part.tell(|| Note::Learned(Lot { samples: self.samples.clone(), operations: operations.to_vec() }));
        self.told = self.history.len();
        self.samples.clear();
    }
}
