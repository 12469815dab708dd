//! Force: what a scenario that was played is worth.
//!
//! In: a report of it. Out: the same, where the reference and a receiver without
//! memory were asked, too: what the reference itself breaks is taken back, and
//! what such a receiver passes shows nothing of memory.

use std::sync::Arc;

use super::context::RunContext;
use super::rehearsal::{contradiction, contradiction_told, has_force, why_without_force};
use crate::report::{ScenarioReport, Verdict, tally};
use crate::scenario::expand::Loaded;

/// Takes back what no receiver can be blamed for, and what shows nothing.
pub(super) async fn weigh(context: &Arc<RunContext>, loaded: &Loaded, mut report: ScenarioReport) -> ScenarioReport {
    let shows_memory = loaded.scenario.shows.iter().filter_map(|id| context.catalogue.get(id)).any(|one| one.memory);
    let asks_for_force = shows_memory && matches!(report.verdict, Verdict::Pass | Verdict::Warn);
    let failed = matches!(report.verdict, Verdict::Fail | Verdict::Warn);
    if !failed && !asks_for_force {
        return report;
    }
    let means = context.means();
    let (at, loaded) = (Arc::clone(context), loaded.clone());
    // Away from the tasks that send: a rehearsal of a thousand keys takes a moment.
    let rehearsed = tokio::task::spawn_blocking(move || {
        let supplies = at.supplies.for_rehearsal();
        let contradiction = if failed { contradiction(&at.setting, &supplies, &loaded, means) } else { None };
        (contradiction, !asks_for_force || has_force(&at.setting, &supplies, &loaded, means))
    });
    let Ok((contradiction, has_force)) = rehearsed.await else { return report };
    if let Some(finding) = contradiction {
        // What came before the reference itself goes wrong stands.
        report.findings.retain(|one| one.step < finding.step);
        report.verdict = match tally::scenario_verdict(&report.findings) {
            Verdict::Fail => Verdict::Fail,
            Verdict::Pass | Verdict::Warn | Verdict::Undecided | Verdict::NotApplicable | Verdict::Known => Verdict::Undecided,
        };
        report.give_reason(Some(contradiction_told(&finding).into()));
        return report;
    }
    if !has_force {
        let why = why_without_force(&context.setting);
        report.without_force = true;
        report.no_force = Some(why);
        if loaded_shows_only_memory(context, &report) {
            report.verdict = Verdict::NotApplicable;
            report.give_reason(Some(why.reason()));
        }
    }
    report
}

fn loaded_shows_only_memory(context: &RunContext, report: &ScenarioReport) -> bool {
    report.findings.is_empty() && report.shows.iter().all(|id| context.catalogue.get(id).is_some_and(|one| one.memory))
}
