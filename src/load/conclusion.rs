//! Conclusion: after a load, what answers, rows and effects say of every key together.
//!
//! In: the plan, what its users shared, and the history. Out: what is found. The evidence is read here, once; what cannot be read any more
//! leaves open what it would have told.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::afterwards::Afterwards;
use super::feed::feeding::Feeding;
use super::judging::{About, Found, judge_all};
use super::mix::Kind;
use super::shared::Shared;
use super::{Plan, effects, evidence, paging, sampling};
use crate::contract::OtherBody;
use crate::history::consistency::{Law, NEVER, Operation};
use crate::outcome::{Outcome, OutcomeSet};

/// A key that a receiver had before the load may have come to it so long before.
const LONG_BEFORE: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Reads the rows of every key, and judges; what cannot be read any more leaves open what it would have told.
pub(super) async fn judged(plan: &Plan, shared: &Shared, history: &mut Vec<Operation>, after: &Afterwards) -> Found {
    let law = Law { life: plan.life(), replays_failures: shared.contract.replays_failures() };
    let key = |number: u32| shared.key(number);
    let as_curl = plan.target.curl().bearing(Vec::new(), plan.secret_headers.clone());
    let curl = |number: u32| {
        let key = shared.key(number);
        let made = shared.series_of(number).one(Some(&key), &shared.plain_body(number, &key), None, shared.began_at);
        made.map_or_else(|cause| cause, |made| as_curl.line(&made.delivery))
    };
    let keys = shared.next_key.load(Ordering::Relaxed);
    let tells_duplicates = shared.reader.tells_duplicates();
    let feeding = shared.feeding.as_ref();
    let past_is_open = feeding.is_some_and(|feeding| !feeding.knows_the_past());
    let about = About { key: &key, curl: &curl, tells_duplicates, contract: &plan.contract, past_is_open };
    let is_plain = |number: u32| feeding.is_none_or(|feeding| feeding.is_plain(number));
    let is_past = |number: u32| feeding.is_some_and(|feeding| feeding.is_past(number));
    let mut sampled = sampling::sample(history);
    sampled.retain(|one| is_plain(one.key));
    let page = paging::ask(shared, history).await;
    let mut read = match &plan.sources.rows {
        Some(source) if evidence::tells_keys(&plan.contract) && !bodies_divide_keys(plan) => {
            let names: Vec<String> = sampled.iter().map(|one| shared.key(one.key)).collect();
            let named: &(dyn Fn(u32) -> String + Sync) = &key;
            let written = feeding.filter(|feeding| feeding.feed().is_as_written()).map(|_| named);
            evidence::read(source.as_ref(), &plan.contract, (&shared.run_word, written), keys, names).await
        }
        Some(_) | None => Ok(None),
    };
    // Where keys make nothing idempotent, there is no history to explain.
    if !plan.contract.is_by_key() {
        let mut found = Found::default();
        found.add_forged(&plan.catalogue, &shared.forged, &about);
        found.add_followed(&plan.catalogue, shared.answered_or_not(), &shared.surplus, &about);
        return found;
    }
    // Of what was there before, rows say nothing of this load.
    if let Ok(Some(read)) = &mut read {
        read.evidence.retain(|one| !is_past(one.key));
    }
    let before = past_operations(feeding, shared, keys);
    history.extend(&before);
    let rows = read.as_mut().ok().and_then(Option::as_mut).map(|read| read.evidence.as_mut_slice());
    let mut found = judge_all(history, rows, law, &plan.catalogue, &about);
    let audit = plan.contract.state.as_ref().and_then(|tables| tables.audit.as_ref());
    if let (Some(audit), Ok(Some(read))) = (audit.filter(|table| table.column_holding("key").is_some()), &read) {
        let sampled = sampling::judge(shared, audit, &sampled, &read.rows, history);
        let strays = read.tells_strays.then_some(&read.strays);
        found.add_rows(&plan.catalogue, audit, &sampled, strays, &about);
    }
    if let (Some(source), false) = (&plan.sources.effects, bodies_divide_keys(plan)) {
        match effects::count(source.as_ref(), history, (&key, &is_past), law, &plan.contract).await {
            Ok(counted) => found.add_effects(&plan.catalogue, &counted, history, &about),
            Err(why) => found.leave_open(&plan.catalogue, &effects::told(&plan.catalogue, &plan.contract).collect::<Vec<_>>(), &why),
        }
    }
    found.add_probes(&plan.catalogue, after, &about);
    if let Err(why) = &read {
        found.leave_open(&plan.catalogue, &evidence::told(&plan.catalogue, &plan.contract).collect::<Vec<_>>(), why);
    }
    if let Some(page) = &page {
        found.add_page(&plan.catalogue, page, &about);
    }
    found.add_forged(&plan.catalogue, &shared.forged, &about);
    found.add_followed(&plan.catalogue, shared.answered_or_not(), &shared.surplus, &about);
    found
}

/// Whether one key has rows of several deliveries, so that its rows cannot be counted against its answers.
fn bodies_divide_keys(plan: &Plan) -> bool {
    plan.contract.other_body == OtherBody::New && plan.mix.has(Kind::ConflictingBody)
}

/// What may have been of keys that the receiver had before the load: each was taken once at some time.
fn past_operations(feeding: Option<&Feeding>, shared: &Shared, keys: u32) -> Vec<Operation> {
    let outcome = OutcomeSet::only(Outcome::NoAnswer);
    let long_before = i64::try_from(LONG_BEFORE.as_micros()).unwrap_or(i64::MAX);
    let (invoked, returned) = (shared.began_at.0.saturating_sub(long_before), shared.began_at.0);
    let of = |key: u32| Operation { key, outcome, invoked, returned, refers_to: NEVER };
    feeding.map_or_else(Vec::new, |feeding| (0..keys).filter(|number| feeding.is_past(*number)).map(of).collect())
}
