//! Bursts: many deliveries released together, judged key by key.

use std::time::Duration;

use bytes::Bytes;

use crate::clock::span;
use crate::contract::Level;
use crate::delivery::NoAnswer;
use crate::history::record::Record;
use crate::judge::attribution::told_of_delivery;
use crate::judge::check::burst::{judge, tally};
use crate::judge::findings::StepContext;
use crate::judge::scenario::Play;
use crate::judge::{At, Released, ScenarioEnd, Sent, Source};
use crate::outcome::Outcome;
use crate::outcome::mismatch::{Kind, When};
use crate::outcome::reader::Reader;
use crate::report::BurstFacts;
use crate::report::timeline::{MOST, TimelineSpan};
use crate::scenario::deliver::{Burst, BurstBodies};

impl<S: Source> Play<'_, S> {
    /// Releases a burst and judges it.
    pub(in crate::judge) async fn burst(&mut self, place: StepContext<'_>, burst: &Burst) -> Result<(), ScenarioEnd> {
        let at = At { number: place.number, bindings: &self.bindings, keys: &self.keys };
        let Released { sent, spread, most_at_once } = self.source.burst(at, burst).await?;
        let reference = self.reference_burst(&sent);
        let mut records: Vec<Record> = Vec::with_capacity(sent.len());
        for one in &sent {
            records.push(self.record(place.number, burst.name.as_deref(), one));
        }
        if let Some(late) = records.iter().find(|record| record.result.is_err() || record.took > self.setting.contract().limits.answer.0) {
            self.watch_time(place, &late.clone(), &reference);
        }
        let reader = &self.setting.reader;
        let lanes = records.iter().zip(&sent).take(MOST).map(|(record, sent)| lane(reader, record, sent.start_us)).collect();
        self.report.bursts.push(BurstFacts {
            step: place.number,
            deliveries: sent.len(),
            release_spread_us: u64::try_from(spread.as_micros()).unwrap_or(u64::MAX),
            most_at_once,
            lanes,
        });
        let mut mismatches = place.step.counts.as_ref().map_or_else(Vec::new, |counts| judge(reader, counts, &records));
        if mismatches.iter().any(|one| one.level == Level::Must)
            && let Some(why) = self.was_ours(&records)
        {
            return Err(ScenarioEnd::Undecided(format!("step {}: what was waited for did not come, and {why}", place.number)));
        }
        for mismatch in &mut mismatches {
            let odd = records.first().map_or_else(Vec::new, |first| self.before.when(&burst.deliver, first));
            let unlike = (burst.bodies == BurstBodies::Unlike).then_some(When::OtherBody);
            let told = self.setting.contract().outcomes.in_flight.is_some() && is_of_rivals(mismatch.code.kind);
            let under_way = told.then_some(When::UnderWay);
            let when: Vec<When> = std::iter::once(When::AtOnce)
                .chain(under_way)
                .chain(unlike)
                .chain(odd.into_iter().filter(|when| *when != When::Later))
                .collect();
            told_of_delivery(&mut mismatch.code, None, &burst.deliver, &when);
            let outcomes = &self.setting.contract().outcomes;
            mismatch.code.due = match mismatch.code.kind {
                Kind::HonestRefused | Kind::HonestFailed => Some(outcomes.accepted.statuses()),
                Kind::RepeatRefused | Kind::RepeatFailed | Kind::DuplicateOtherwise => {
                    Some(self.setting.contract().duplicate().unwrap_or(&outcomes.accepted).statuses())
                }
                _ => None,
            };
        }
        for record in &records {
            self.before.learn(&burst.deliver, record, record.outcome(&self.setting.reader));
        }
        let line = records.first().map(|record| self.setting.curl.line(&record.delivery)).unwrap_or_default();
        if let Some(name) = &burst.name {
            // The one that was accepted comes last: it is what `duplicate_of` means.
            records.sort_by_key(|record| record.outcome(reader).is(Outcome::Accepted));
            self.bindings.plain_bodies.insert(name.clone(), sent.first().map_or_else(Bytes::new, |one| one.plain_body.clone()));
            self.bindings.deliveries.insert(name.clone(), records);
        }
        self.file(place, mismatches, &reference, &line)
    }

    /// What it was with us that deliveries were not answered in time, where they were for no other reason: they say nothing of the
    /// receiver. We were late ourselves, or have given up before its time was over.
    fn was_ours(&self, records: &[Record]) -> Option<String> {
        let limit = self.setting.contract().limits.answer.0;
        let given_up = records.iter().find_map(|record| record.result.as_ref().err().filter(|none| none.is_premature(limit)));
        if let Some(none) = given_up {
            return Some(format!("the contract allows {} for it: {none}", span::write(limit)));
        }
        let unanswered = records.iter().filter(|record| record.result.is_err() && !record.own_delay.is_zero());
        unanswered
            .filter(|record| record.took.saturating_sub(record.own_delay) <= limit)
            .map(|record| record.own_delay)
            .max()
            .map(|late| format!("we were late ourselves by {} ms meanwhile", late.as_millis()))
    }

    /// What the reference answers to the same deliveries, one after the other, in words.
    fn reference_burst(&mut self, sent: &[Sent]) -> String {
        let now = self.source.now();
        let mut records = Vec::with_capacity(sent.len());
        for one in sent {
            let result = self.reference.deliver(&one.delivery, now).map_err(|failed| NoAnswer::Broken { cause: failed.to_string() });
            records.push(Record {
                own_delay: Duration::ZERO,
                went_twice: false,
                key: one.key.clone(),
                identity: String::new(),
                sha256: one.sha256.clone(),
                delivery: one.delivery.clone(),
                sent_at: now,
                answered_at: now,
                took: Duration::ZERO,
                result,
                moved_us: self.source.moved_us(),
                referred_as: None,
                refers_to: None,
            });
        }
        tally(&self.setting.reader, &records).first().map_or_else(String::new, |(_, tally)| tally.describe())
    }
}

/// Whether it is the answer to one that overlaps another of its key.
fn is_of_rivals(kind: Kind) -> bool {
    matches!(kind, Kind::RepeatFailed | Kind::RepeatRefused | Kind::DuplicateOtherwise)
}

/// A delivery, to be drawn.
pub(super) fn lane(reader: &Reader, record: &Record, start_us: u64) -> TimelineSpan {
    let set = record.outcome(reader);
    let got = match &record.result {
        Ok(_) if set.is_taken() || set.is(Outcome::InFlight) => set.to_string(),
        Ok(answer) => answer.status.to_string(),
        Err(_) => "no answer".to_owned(),
    };
    let took_us = record.result.is_ok().then(|| u64::try_from(record.took.as_micros()).unwrap_or(u64::MAX));
    TimelineSpan { key: record.key.clone(), start_us, took_us, got, stream: None }
}
