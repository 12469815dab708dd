//! Effects of a load: the work of every key is counted, page by page, and held against what its answers allow.
//!
//! In: the history, sorted by key, and a source that counts. Out: how many keys
//! were counted, and those whose work was done too often or not at all. They
//! are counted when what may be done after the last answer is done
//! ([`wait_for_late_work`]): neither a count that lacks something nor one that is right says anything before.

use std::time::Duration;

use tokio::sync::watch::Receiver;

use super::Plan;
use super::judging::{About, Checked, Found, Violation};
use crate::clock::{Clock as _, SystemClock, UnixMicros};
use crate::contract::Contract;
use crate::evidence::{EvidenceError, Source};
use crate::history::consistency::{Law, NEVER, Operation, works};
use crate::scenario::requirement::Catalogue;
use crate::session::until_true;

/// So many keys are counted at once.
const KEYS_A_PAGE: usize = 1_000;
/// So many violations of a requirement are told in full.
const TOLD: usize = 5;

/// A key whose work was not done as often as its answers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The key.
    pub key: u32,
    /// How often its work was done.
    pub effects: u64,
    /// How often it must and may have been.
    pub bounds: (u64, u64),
}

/// What counting came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// How many keys were counted that may have been accepted.
    pub accepted: u64,
    /// How many that cannot have been.
    pub refused: u64,
    /// Those that are not as they should be.
    pub wrong: Vec<Wrong>,
}

/// Counts the effects of every key of a history, which is sorted by key.
///
/// * `name`: what a key is called; and beside it which keys are not counted, since their work may have been done before.
///
/// # Errors
/// [`EvidenceError`]: why they cannot be counted.
pub async fn count(
    source: &dyn Source,
    history: &[Operation],
    (name, is_left_out): (&(dyn Fn(u32) -> String + Sync), &(dyn Fn(u32) -> bool + Sync)),
    law: Law,
    contract: &Contract,
) -> Result<Counted, EvidenceError> {
    let now = SystemClock.now().0;
    let mut counted = Counted::default();
    let mut page: Vec<(u32, (u64, u64))> = Vec::with_capacity(KEYS_A_PAGE);
    let mut of_keys = history.chunk_by(|a, b| a.key == b.key).peekable();
    while let Some(of_key) = of_keys.next() {
        let (least, most) = works(of_key, law, now);
        if !is_left_out(of_key[0].key) && source.tells(&name(of_key[0].key)) {
            page.push((of_key[0].key, (least as u64, most as u64)));
        }
        if page.len() == KEYS_A_PAGE || (of_keys.peek().is_none() && !page.is_empty()) {
            let accepted = page.iter().filter(|(_, (_, most))| *most > 0).count() as u64;
            counted.accepted += accepted;
            counted.refused += page.len() as u64 - accepted;
            counted.wrong.extend(wrong_in(source, &page, name).await?);
            page.clear();
        }
    }
    if counted.wrong.iter().any(|one| one.effects < one.bounds.0) {
        // Of a load that was interrupted nobody has waited for the work.
        tokio::time::sleep(left(contract, history)).await;
        let again: Vec<(u32, (u64, u64))> = counted.wrong.iter().map(|one| (one.key, one.bounds)).collect();
        counted.wrong.clear();
        for page in again.chunks(KEYS_A_PAGE) {
            counted.wrong.extend(wrong_in(source, page, name).await?);
        }
    }
    Ok(counted)
}

/// Waits until all work is done that may be done after the last answer, where it is counted; a person who wants to stop is not kept.
pub async fn wait_for_late_work(plan: &Plan, history: &[Operation], interrupted: &mut Receiver<bool>) {
    if plan.sources.effects.is_some() && plan.contract.is_by_key() {
        tokio::select! {
            biased;
            () = until_true(interrupted) => {}
            () = tokio::time::sleep(left(&plan.contract, history)) => {}
        }
    }
}

/// What is left of the time that the work may take after the last answer.
fn left(contract: &Contract, history: &[Operation]) -> Duration {
    let answered = history.iter().map(|one| one.returned).filter(|at| *at != NEVER).max();
    let quiet_for = answered.map_or(Duration::ZERO, |at| SystemClock.now().since(UnixMicros(at)));
    contract.looks_for_late_work().saturating_sub(quiet_for)
}

async fn wrong_in(
    source: &dyn Source,
    page: &[(u32, (u64, u64))],
    name: &(dyn Fn(u32) -> String + Sync),
) -> Result<Vec<Wrong>, EvidenceError> {
    let names: Vec<String> = page.iter().map(|(key, _)| name(*key)).collect();
    let counts = source.effects(&names).await?;
    let all = page.iter().zip(counts).map(|((key, bounds), effects)| Wrong { key: *key, effects, bounds: *bounds });
    Ok(all.filter(|one| !(one.bounds.0..=one.bounds.1).contains(&one.effects)).collect())
}

/// The requirements that counting effects tells of, under a contract.
pub fn told<'c>(catalogue: &'c Catalogue, contract: &'c Contract) -> impl Iterator<Item = &'c String> {
    let always = &catalogue.always;
    let both = [&always.work_is_done_once, &always.nothing_else_is_done];
    both.into_iter().filter_map(Option::as_ref).filter(|id| contract.promises(id))
}

impl Counted {
    fn keys_of(&self, is_accepted: bool) -> u64 {
        if is_accepted { self.accepted } else { self.refused }
    }
}

impl Found {
    /// Adds what counting effects shows; a key that was never accepted has none.
    pub fn add_effects(&mut self, catalogue: &Catalogue, counted: &Counted, history: &[Operation], about: &About<'_>) {
        let always = &catalogue.always;
        for (id, is_of_accepted) in [(&always.work_is_done_once, true), (&always.nothing_else_is_done, false)] {
            let Some(id) = id.as_ref().filter(|id| about.contract.promises(id)) else { continue };
            let wrong = || counted.wrong.iter().filter(move |one| (one.bounds.1 > 0) == is_of_accepted);
            self.add(catalogue, id, counted.keys_of(is_of_accepted), Checked::Keys, wrong().count() as u64);
            self.violations.extend(wrong().take(TOLD).map(|one| {
                let first = history.partition_point(|operation| operation.key < one.key);
                let operations =
                    history[first..].iter().take_while(|operation| operation.key == one.key).take(TOLD).map(super::judging::line);
                let (least, most) = one.bounds;
                let due = if least == most { format!("{least}") } else { format!("from {least} to {most}") };
                Violation {
                    requirement: id.clone(),
                    key: (about.key)(one.key),
                    why: format!("its work was done {} times, where {due} are due", one.effects),
                    operations: operations.collect(),
                    rows: None,
                    curl: (about.curl)(one.key),
                }
            }));
        }
        // What answers leave open is decided by what was done.
        self.undecided = 0;
    }
}
