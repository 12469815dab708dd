//! After a run: what followed answers on their connections.
//!
//! In: what was remarked on while answers were read, and the history. Out:
//! findings, in the scenarios whose deliveries were answered so, and never in
//! those whose deliveries came next.

use crate::contract::{Contract, Level};
use crate::history::Operation;
use crate::report::curl::Curl;
use crate::report::{Finding, ScenarioReport, Verdict, tally};
use crate::scenario::requirement::Catalogue;
use crate::transport::Remark;

/// What is promised, in words.
const EXPECTED: &str = "nothing follows an answer on its connection";

/// Adds a finding to every scenario whose answers were followed by something.
///
/// * `curl`: writes the line that sends the delivery again.
pub fn add_findings(
    scenarios: &mut [ScenarioReport],
    remarks: &[Remark],
    history: &[Operation],
    (contract, catalogue, curl): (&Contract, &Catalogue, &Curl),
) {
    let Some(requirement) = catalogue.always.nothing_follows.clone().filter(|id| contract.promises(id)) else { return };
    for remark in remarks {
        let sent = history.iter().find(|one| is_of(one, remark));
        // What belongs to no scenario (a health check, a question) is told where this is the subject.
        let place = match sent {
            Some(operation) => scenarios.iter().position(|one| one.id == operation.scenario),
            None => scenarios.iter().position(|one| one.shows.first() == Some(&requirement) && one.verdict != Verdict::NotApplicable),
        };
        let Some(scenario) = place.and_then(|at| scenarios.get_mut(at)) else { continue };
        let step = sent.map_or(0, |operation| operation.step);
        if scenario.findings.iter().any(|one| one.requirement == requirement && one.expected == EXPECTED) {
            continue;
        }
        let (method, path) = (&remark.delivery.method, &remark.delivery.path);
        scenario.findings.push(Finding {
            requirement: requirement.clone(),
            level: Level::Must,
            step,
            expected: EXPECTED.to_owned(),
            reference: "nothing follows".to_owned(),
            observed: format!("{} to {method} {path}", remark.surplus),
            curl: curl.line(&remark.delivery),
            ..Finding::default()
        });
        scenario.verdict = tally::scenario_verdict(&scenario.findings);
    }
}

/// Whether a line of the history is of the delivery that was remarked on.
fn is_of(operation: &Operation, remark: &Remark) -> bool {
    let delivery = &remark.delivery;
    operation.method == delivery.method
        && operation.path == delivery.path
        && operation.headers.len() == delivery.headers.len()
        && operation.body.is_of(&delivery.body)
        && operation
            .headers
            .iter()
            .zip(&delivery.headers)
            .all(|((name, value), line)| *name == line.name && value.as_bytes() == String::from_utf8_lossy(&line.value).as_bytes())
}
