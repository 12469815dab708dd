//! Company: what a sequence was played beside, where it does not fail alone.
//!
//! In: the sequences of a batch, and the order in which they were sent. Out:
//! one sequence of them all, for what hangs on what came in between; and the
//! others as scenarios of their own, for what hangs on what comes at the same
//! time. The language has no two sequences side by side: those are two files
//! of a folder, which a run plays side by side.

use std::collections::BTreeMap;

use super::edits;
use crate::history::Operation;
use crate::scenario::Step;
use crate::scenario::expand::Loaded;

/// Who was played beside a sequence.
#[derive(Clone, Debug, Default)]
pub struct Company {
    /// The others.
    pub others: Vec<Loaded>,
    /// Scenario and step of every delivery of all of them, in the order of sending.
    order: Vec<(String, usize)>,
}

impl Company {
    /// The company of one sequence of a batch.
    #[must_use]
    pub fn of(id: &str, batch: &[Loaded], history: &[Operation]) -> Self {
        let others = batch.iter().filter(|one| one.id != id).cloned().collect();
        Self { others, order: history.iter().map(|sent| (sent.scenario.clone(), sent.step)).collect() }
    }

    /// The steps of all as one sequence, as they were sent, up to the one that failed; of the others their deliveries alone.
    ///
    /// * `step`: from 1; 0 where the finding is of no step.
    #[must_use]
    pub fn merged(&self, one: &Loaded, step: usize) -> Vec<Step> {
        let last = if step == 0 { one.scenario.steps.len() } else { step };
        let mut left: BTreeMap<&str, std::vec::IntoIter<Step>> = BTreeMap::new();
        for (number, other) in self.others.iter().enumerate() {
            left.insert(&other.id, with_names_of_its_own(&other.scenario.steps, number + 1).into_iter());
        }
        left.insert(&one.id, one.scenario.steps.iter().take(last).cloned().collect::<Vec<_>>().into_iter());
        let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
        let mut all = Vec::new();
        for (id, number) in &self.order {
            let (Some((id, steps)), true) =
                (left.get_key_value(id.as_str()).map(|(id, _)| *id).zip(left.get_mut(id.as_str())), *number > 0)
            else {
                continue;
            };
            let so_far = taken.entry(id).or_default();
            while *so_far < *number {
                *so_far += 1;
                all.extend(steps.next().filter(|step| id == one.id || delivers(step)));
            }
            if id == one.id && *so_far >= last {
                break;
            }
        }
        // What is sent by nobody, at its end: a look.
        all.extend(left.remove(one.id.as_str()).into_iter().flatten());
        all
    }
}

fn delivers(step: &Step) -> bool {
    step.deliver.is_some() || step.burst.is_some() || step.repeat.is_some()
}

/// The steps with names that no other sequence has.
fn with_names_of_its_own(steps: &[Step], number: usize) -> Vec<Step> {
    let mut names: Vec<String> = steps.iter().flat_map(edits::names_given).collect();
    names.dedup();
    // Three digits: none of those that a sequence gives itself.
    names.iter().fold(steps.to_vec(), |steps, name| edits::renamed(&steps, name, &format!("{name}{number:03}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::pruned::{flow, pruned};
    use crate::explore::vetting::{loaded, scenario_of};

    fn sequence(id: &str, steps: &[&str]) -> Loaded {
        let steps: Vec<Step> = steps.iter().map(|text| serde_json::from_str(text).expect("it is a step")).collect();
        loaded(id, scenario_of(&steps))
    }

    /// What two senders sent in turn is one sequence in that order, in which each speaks of its own deliveries; what comes after the
    /// step that failed is left out, and so is what others only look at.
    #[test]
    fn sequences_are_merged_as_they_were_sent() {
        let first = r#"{"deliver": {"as": "d1"}, "expect": "accepted"}"#;
        let again = r#"{"deliver": {"as": "d2", "key_of": "d1"}, "expect": {"duplicate_of": "d1"}}"#;
        let look = r#"{"state": {"keys": [{"rows_for": "d1", "count": 1}]}}"#;
        let batch = [sequence("a", &[first, look, again, first]), sequence("b", &[first, look, again])];
        let order = ["a1", "b1", "b3", "a3", "a4"].map(|one| (one[..1].to_owned(), one[1..].parse().unwrap_or(0)));
        let company = Company { others: vec![batch[1].clone()], order: order.to_vec() };
        let written: Vec<String> = company.merged(&batch[0], 3).iter().filter_map(pruned).map(|step| flow(&step)).collect();
        assert_eq!(
            written,
            [
                "{deliver: {as: d1}, expect: accepted}",
                "{deliver: {as: d1001}, expect: accepted}",
                "{deliver: {as: d2001, key_of: d1001}, expect: {duplicate_of: d1001}}",
                "{state: {keys: [{rows_for: d1, count: 1}]}}",
                "{deliver: {as: d2, key_of: d1}, expect: {duplicate_of: d1}}",
            ]
        );
    }
}
