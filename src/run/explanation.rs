//! After a run: whether some order of events explains what every key was answered.

use crate::clock::{UnixMicros, iso};
use crate::contract::{Contract, Level};
use crate::history::consistency::{NEVER, Operation as Event};
use crate::history::{self, Operation};
use crate::judge::check::Mismatch;
use crate::outcome::mismatch::{Kind, MismatchCode};
use crate::report::timeline::{MOST, TimelineSpan};
use crate::report::{Finding, HistoryFacts, HistoryWitness, ScenarioReport, Verdict, tally};
use crate::scenario::requirement::Catalogue;

/// Judges a history as `history check` does, and puts it into the report's form.
#[must_use]
pub fn explain(operations: &[Operation], contract: &Contract, ttl_secs: Option<u64>) -> Option<HistoryFacts> {
    let (judgement, keys) = history::judge(operations, contract, ttl_secs)?;
    let witnesses = judgement.witnesses.iter().map(|witness| {
        let key = keys.get(witness.key as usize).copied().unwrap_or_default();
        let scenario = operations.iter().find(|one| one.key == key).map_or_else(String::new, |one| one.scenario.clone());
        let lines = witness.operations.iter().map(line).collect();
        HistoryWitness {
            key: key.to_owned(),
            scenario,
            kind: witness.why.name().to_owned(),
            why: witness.why.to_string(),
            operations: lines,
            lanes: lanes(&witness.operations),
        }
    });
    Some(HistoryFacts {
        keys: judgement.keys,
        consistent: judgement.consistent,
        broken: judgement.broken,
        undecided: judgement.undecided,
        witnesses: witnesses.collect(),
    })
}

/// Tells every scenario how many of its deliveries got which status.
pub fn count_statuses(scenarios: &mut [ScenarioReport], operations: &[Operation]) {
    let mut all = history::statuses(operations);
    for scenario in scenarios {
        scenario.statuses = all.remove(scenario.id.as_str()).unwrap_or_default();
    }
}

/// The operations side by side, from the moment of the first.
fn lanes(events: &[Event]) -> Vec<TimelineSpan> {
    let first = events.iter().map(|event| event.invoked).min().unwrap_or(0);
    let lane = |event: &Event| TimelineSpan {
        key: String::new(),
        start_us: event.invoked.saturating_sub(first).unsigned_abs(),
        took_us: (event.returned != NEVER).then(|| event.returned.saturating_sub(event.invoked).unsigned_abs()),
        got: if event.returned == NEVER { "no answer".to_owned() } else { event.outcome.to_string() },
        stream: None,
    };
    events.iter().take(MOST).map(lane).collect()
}

fn line(event: &Event) -> String {
    let at = |instant: i64| iso::write(UnixMicros(instant));
    let until = if event.returned == NEVER { "no answer".to_owned() } else { at(event.returned) };
    let outcome = event.outcome.to_string();
    let refers = if event.refers_to == NEVER { String::new() } else { format!(", refers to {}", at(event.refers_to)) };
    format!("{} to {until}: {outcome}{refers}", at(event.invoked))
}

/// Adds what the history shows to the scenarios that had found nothing.
pub fn add_findings(scenarios: &mut [ScenarioReport], facts: &HistoryFacts, contract: &Contract, catalogue: &Catalogue) {
    let Some(requirement) = catalogue.always.some_order_explains.clone().filter(|id| contract.promises(id)) else { return };
    for witness in &facts.witnesses {
        let Some(scenario) = scenarios.iter_mut().find(|one| one.id == witness.scenario && one.verdict != Verdict::Fail) else { continue };
        let observed = format!("key {}: {}\n{}", witness.key, witness.why, witness.operations.join("\n"));
        let mismatch = Mismatch::must("some order of events explains every answer that the key was given", observed);
        scenario.findings.push(Finding {
            requirement: requirement.clone(),
            level: Level::Must,
            expected: mismatch.expected,
            reference: "every history of the reference is explained".to_owned(),
            observed: mismatch.observed,
            mismatch: MismatchCode { name: Some(witness.kind.clone()), ..MismatchCode::of(Kind::Unexplained) },
            ..Finding::default()
        });
        scenario.verdict = tally::scenario_verdict(&scenario.findings);
    }
}
