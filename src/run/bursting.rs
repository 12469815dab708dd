//! Bursts: many deliveries released together, judged key by key.

use std::time::Duration;

use bytes::Bytes;

use super::building::Built;
use super::play::{Halt, Place, Play};
use crate::check::answer::{Judged, against};
use crate::check::classify::{Class, Tally, classify, describe_counts, tally};
use crate::check::{Breach, Record};
use crate::contract::Contract;
use crate::delivery::NoAnswer;
use crate::http::{Exchange, burst as send_burst};
use crate::report::BurstFacts;
use crate::report::curl::curl;
use crate::report::lanes::{Lane, MOST};
use crate::scenario::Counts;
use crate::scenario::deliver::{Burst, BurstBodies};

/// So many keys are told in full; the rest are counted.
const KEYS_TOLD: usize = 3;

impl Play<'_> {
    /// Releases a burst and judges it.
    pub(super) async fn burst(&mut self, place: Place<'_>, burst: &Burst) -> Result<(), Halt> {
        let built = self.build_burst(burst)?;
        let reference = self.reference_burst(&built);
        let shipments = built.iter().map(|one| one.shipment.clone()).collect();
        let sent_at = self.stage.clock.now();
        let release = send_burst(&self.stage.url, shipments, self.stage.timeout).await;
        self.report.bursts.push(BurstFacts {
            step: place.number,
            deliveries: built.len(),
            release_spread_us: u64::try_from(release.release_spread.as_micros()).unwrap_or(u64::MAX),
            most_at_once: release.most_at_once,
            lanes: Vec::new(),
        });
        let began = release.exchanges.iter().map(|one| one.sent_at.0).min().unwrap_or(0);
        let starts: Vec<u64> = release.exchanges.iter().map(|one| one.sent_at.0.abs_diff(began)).collect();
        let mut records: Vec<Record> = Vec::with_capacity(built.len());
        for (one, exchange) in built.iter().zip(release.exchanges) {
            let delivery = one.shipment.delivery.clone();
            let record = self.record(one, delivery, sent_at, exchange);
            self.keep(place.number, burst.name.as_deref(), &record);
            records.push(record);
        }
        if let Some(late) = records.iter().find(|record| record.result.is_err() || record.took > self.stage.contract.limits.answer.0) {
            self.watch_time(place, &late.clone(), &reference);
        }
        let contract = &self.stage.contract;
        let lanes = records.iter().zip(starts).take(MOST).map(|(record, start_us)| lane(contract, record, start_us)).collect();
        if let Some(facts) = self.report.bursts.last_mut() {
            facts.lanes = lanes;
        }
        let breaches = self.judge_burst(place, &records);
        let line = records.first().map(|record| curl(&self.stage.origin, &record.delivery)).unwrap_or_default();
        if let Some(name) = &burst.name {
            // The one that was accepted comes last: it is what `duplicate_of` means.
            records.sort_by_key(|record| classify(&self.stage.contract, record) == Class::Accepted);
            self.plain_bodies.insert(name.clone(), built.first().map_or_else(Bytes::new, |one| one.plain_body.clone()));
            self.records.deliveries.insert(name.clone(), records);
        }
        self.report_breaches(place, breaches, &reference, &line)
    }

    /// What the reference answers to the same deliveries, one after the other, in words.
    fn reference_burst(&mut self, built: &[Built]) -> String {
        let at = self.stage.clock.now();
        let mut records = Vec::with_capacity(built.len());
        for one in built {
            let answer = self.reference.deliver(&one.shipment.delivery, at);
            let result = answer.map_err(|failed| NoAnswer::Broken { cause: failed.to_string() });
            let exchange = Exchange { sent_at: at, answered_at: at, took: Duration::ZERO, result };
            records.push(self.record(one, one.shipment.delivery.clone(), at, exchange));
        }
        match tally(&self.stage.contract, &records).first() {
            Some((_, tally)) => tally.describe(),
            None => String::new(),
        }
    }

    fn build_burst(&self, burst: &Burst) -> Result<Vec<Built>, Halt> {
        let workshop = self.workshop();
        let keys: Vec<String> = (0..burst.keys).map(|_| self.stage.unique_key()).collect();
        let body_for = |unique: &str| workshop.body(&burst.deliver, unique).map_err(Halt::NotApplicable);
        let shared: Vec<Bytes> = keys.iter().map(|key| body_for(key)).collect::<Result<_, _>>()?;
        let mut built = Vec::with_capacity(burst.keys * burst.each);
        for _ in 0..burst.each {
            // Keys in turn, so that the duplicates of one key lie among those of the others.
            for (key, body) in keys.iter().zip(&shared) {
                let body = match burst.bodies {
                    BurstBodies::Alike => body.clone(),
                    BurstBodies::Unlike => body_for(&self.stage.unique())?,
                };
                built.push(workshop.build(&burst.deliver, Some(key.as_bytes()), Some(&body)).map_err(Halt::NotApplicable)?);
            }
        }
        Ok(built)
    }

    fn judge_burst(&self, place: Place<'_>, records: &[Record]) -> Vec<Breach> {
        let Some(counts) = &place.step.counts else { return Vec::new() };
        let contract = &self.stage.contract;
        let tallies = tally(contract, records);
        let off: Vec<&(String, Tally)> = tallies.iter().filter(|(_, tally)| !tally.fits(counts)).collect();
        if !off.is_empty() {
            return vec![count_breach(counts, &off, tallies.len())];
        }
        tallies.iter().filter_map(|(key, tally)| self.disagreement(key, tally, records)).take(KEYS_TOLD).collect()
    }

    /// Duplicates of one key that do not refer to the one delivery that was accepted.
    fn disagreement(&self, key: &str, tally: &Tally, records: &[Record]) -> Option<Breach> {
        let contract = &self.stage.contract;
        let of_key = || records.iter().filter(|record| record.key == key);
        let accepted = of_key().find(|record| classify(contract, record) == Class::Accepted)?;
        let duplicate = contract.duplicate()?;
        let reference = contract.reference_member().and_then(|path| duplicate.body.iter().find(|member| member.member == path));
        if tally.references.len() > 1 {
            let expected = format!("key {key:?}: every duplicate refers to the same delivery");
            let observed = format!("{} different instants: {}", tally.references.len(), tally.references.join(", "));
            return Some(Breach { shows: reference.and_then(|member| member.shows.clone()), ..Breach::must(expected, observed) });
        }
        of_key().filter(|record| classify(contract, record) == Class::Duplicate).find_map(|record| {
            let answer = record.result.as_ref().ok()?;
            against(duplicate, Judged { answer, record, records: &self.records }, Some(accepted)).into_iter().next()
        })
    }
}

/// A delivery of a burst, to be drawn.
fn lane(contract: &Contract, record: &Record, start_us: u64) -> Lane {
    let got = match (classify(contract, record), &record.result) {
        (Class::Accepted, _) => "accepted".to_owned(),
        (Class::Duplicate, _) => "duplicate".to_owned(),
        (Class::Other, Ok(answer)) => answer.status.to_string(),
        (Class::Other, Err(_)) => "no answer".to_owned(),
    };
    let took_us = record.result.is_ok().then(|| u64::try_from(record.took.as_micros()).unwrap_or(u64::MAX));
    Lane { key: record.key.clone(), start_us, took_us, got }
}

/// One breach for all keys whose counts are off: the first ones in full.
fn count_breach(counts: &Counts, off: &[&(String, Tally)], keys: usize) -> Breach {
    let wanted = describe_counts(counts);
    if keys == 1 {
        let observed = off.first().map_or_else(String::new, |(_, tally)| tally.describe());
        return Breach::must(wanted, observed);
    }
    let told = off.iter().take(KEYS_TOLD).map(|(key, tally)| format!("{key}: {}", tally.describe())).collect::<Vec<_>>().join("\n");
    Breach::must(format!("for each of {keys} keys: {wanted}"), format!("off for {} of {keys} keys\n{told}", off.len()))
}
