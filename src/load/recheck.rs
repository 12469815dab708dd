//! Evidence: does the report of a load agree with itself?
//!
//! In: a report as it was read from its file. Out: what does not follow from
//! the rest of it, a sentence each. Nothing is read here.

use super::gate::Gate;
use super::report::{KindReport, LoadReport};
use super::telling::measured;
use crate::report::language::Language;
use crate::report::{Overall, Verdict};

/// A rate is told as the quotient of two members; it may be off by so much of itself.
const ROUNDED: f64 = 1e-6;

/// Where a report does not follow from its own numbers.
#[must_use]
pub fn judged_again(report: &LoadReport) -> Vec<String> {
    let mut wrong = Vec::new();
    let sum = |of: fn(&KindReport) -> u64| report.kinds.values().map(of).sum::<u64>();
    let (sent, unexpected) = (sum(|kind| kind.sent), sum(|kind| kind.unexpected));
    if sent != report.deliveries {
        wrong.push(format!("{} deliveries are said to be measured, and its kinds have {sent}", report.deliveries));
    }
    let seconds: u64 = report.series.iter().map(|second| second.deliveries).sum();
    if seconds != report.deliveries {
        wrong.push(format!("{} deliveries are said to be measured, and its seconds have {seconds}", report.deliveries));
    }
    for (name, kind) in report.kinds.iter().filter(|(_, kind)| kind.expected.checked_add(kind.unexpected) != Some(kind.sent)) {
        wrong.push(format!("{} of kind {name} were sent, {} as expected and {} not", kind.sent, kind.expected, kind.unexpected));
    }
    let told = report.errors.values().sum::<u64>() + report.kinds.values().flat_map(|kind| kind.statuses.values()).sum::<u64>();
    if told != unexpected {
        wrong.push(format!("{unexpected} deliveries did not get what they should have, and {told} errors and statuses are told"));
    }
    if (report.rate_per_s * report.seconds - report.deliveries as f64).abs() > 1.0 + report.deliveries as f64 * ROUNDED {
        wrong.push(format!("{} deliveries in {} s are not {} a second", report.deliveries, report.seconds, report.rate_per_s));
    }
    for one in &report.requirements {
        if matches!(one.verdict, Verdict::Fail | Verdict::Warn) != (one.violations > 0) {
            wrong.push(format!("{} is said to be `{}` with {} violations", one.id, one.verdict.name(), one.violations));
        }
    }
    let names: Vec<String> = report.kinds.keys().cloned().collect();
    for gate in &report.gates {
        match Gate::read(&gate.gate, &names) {
            Ok(read) if gate.ok == gate.value.is_some_and(|value| read.holds(value)) => {}
            Ok(_) => wrong.push(format!(
                "gate {} is said to {}, with {}",
                gate.gate,
                if gate.ok { "hold" } else { "break" },
                measured(gate, Language::En)
            )),
            Err(cause) => wrong.push(cause),
        }
    }
    wrong.extend(verdict_wrong(report));
    wrong
}

fn verdict_wrong(report: &LoadReport) -> Option<String> {
    let is_broken = report.requirements.iter().any(|one| one.verdict == Verdict::Fail)
        || report.gates.iter().any(|gate| !gate.ok)
        || report.kinds.values().any(|kind| !kind.statuses.is_empty());
    // A load that was ended by a condition breaks without breaking anything else.
    let may_break = report.notes.iter().any(|note| note.starts_with("Ended early"));
    let agrees = match report.verdict {
        Overall::DoesNotConform => is_broken || may_break,
        Overall::Conforms | Overall::Undecided | Overall::Interrupted | Overall::Incomplete => !is_broken,
    };
    (!agrees).then(|| format!("the verdict is `{}`, and its requirements, gates and answers say otherwise", report.verdict.words()))
}
