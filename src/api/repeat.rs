//! Repeated runs: what differs between them is told, and the worst one stands.

use std::collections::BTreeMap;

use tokio::sync::watch;

use crate::report::{Differing, Overall, RepeatFacts, tally};
use crate::run::{self, OnDone, Outcome, Plan};

/// Runs plans one after the other, until one cannot be run or the user has had enough; without plans there is no outcome.
pub(crate) async fn run_all(plans: Vec<Plan>, on_done: OnDone, interrupted: watch::Receiver<bool>) -> Option<Outcome> {
    let repeats = plans.len() > 1;
    let mut outcomes: Vec<Outcome> = Vec::new();
    for plan in plans {
        let outcome = Box::pin(run::run(plan, OnDone::clone(&on_done), interrupted.clone())).await;
        let ends = outcome.failed.is_some() || *interrupted.borrow();
        outcomes.push(outcome);
        if ends {
            break;
        }
    }
    let facts = RepeatFacts { runs: outcomes.len(), differing: differing(&outcomes) };
    let mut worst = outcomes.into_iter().reduce(worse)?;
    if repeats {
        if !facts.differing.is_empty() {
            tally::fail(&mut worst.report.summary);
        }
        worst.report.repeat = Some(facts);
    }
    Some(worst)
}

/// Scenarios that did not get the same verdict every time.
fn differing(outcomes: &[Outcome]) -> Vec<Differing> {
    let mut verdicts: BTreeMap<&str, BTreeMap<String, usize>> = BTreeMap::new();
    for scenario in outcomes.iter().flat_map(|outcome| &outcome.report.scenarios) {
        *verdicts.entry(&scenario.id).or_default().entry(scenario.verdict.name().to_owned()).or_default() += 1;
    }
    let differs = verdicts.into_iter().filter(|(_, counts)| counts.len() > 1);
    differs.map(|(scenario, verdicts)| Differing { scenario: scenario.to_owned(), verdicts }).collect()
}

/// The one of two outcomes that a user should see.
fn worse(one: Outcome, other: Outcome) -> Outcome {
    let weight = |outcome: &Outcome| {
        let summary = &outcome.report.summary;
        let not_well = summary.verdict != Overall::Conforms;
        // What could not be judged at all weighs most, then failures, then what is undecided.
        (outcome.failed.is_some(), summary.fail, not_well, summary.undecided, summary.warn)
    };
    if weight(&other) > weight(&one) { other } else { one }
}
