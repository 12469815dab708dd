//! What a restart made forgotten of effects: whoever counts in memory counts anew.
//!
//! The keys of a scenario are counted right before a restart and right after it. What is missing then was done all the same, and
//! is added to what is told later: so work that is done once more after the restart is one too many, although no more than one is told.

use std::collections::BTreeMap;

use super::{AnsweredKeys, counted};
use crate::contract::key::odd;
use crate::judge::{At, Source};

/// How often the work of each key was done.
pub(in crate::judge) type Counts = BTreeMap<String, u64>;

impl AnsweredKeys {
    /// Adds what is told no more.
    pub(in crate::judge) fn add_lost(&self, counts: &mut Counts) {
        for (key, lost) in &self.lost {
            counts.entry(key.clone()).and_modify(|count| *count += lost);
        }
    }

    /// How often the work of the keys of named deliveries is told to have been done; `None` where nobody counts.
    ///
    /// Of bursts no key comes again by its name; and there may be a thousand.
    pub(in crate::judge) async fn counts<S: Source>(&self, source: &mut S, at: At<'_>) -> Option<Counts> {
        let untold = self.untold(&*source);
        let named = at.bindings.deliveries.values().filter_map(|all| if let [one] = all.as_slice() { Some(&one.key) } else { None });
        let is_told = |key: &&String| self.by_key.contains_key(*key) && odd::is_text(key) && !untold.contains(key.as_str());
        let told = named.filter(is_told).cloned().collect();
        counted(source, at, told).await.ok().flatten()
    }

    /// Learns what a receiver that was started again tells no more of what it told before.
    pub(in crate::judge) async fn learn_lost<S: Source>(&mut self, source: &mut S, at: At<'_>, before: &Counts) {
        let Some(after) = self.counts(source, at).await else { return };
        for (key, count) in before {
            let lost = count.saturating_sub(after.get(key).copied().unwrap_or_default());
            if lost > 0 {
                *self.lost.entry(key.clone()).or_default() += lost;
            }
        }
    }
}
