//! Findings: what was not as promised, filed under the requirement that speaks of it.

use super::attribution::requirement_of;
use crate::contract::Level;
use crate::judge::check::Mismatch;
use crate::judge::{ScenarioEnd, Setting};
use crate::outcome::mismatch::MismatchCode;
use crate::report::lack::{Lack, Reason};
use crate::report::{Finding, ScenarioReport, Verdict, tally};
use crate::scenario::Step;

/// Where in the scenario something happens.
#[derive(Clone, Copy)]
pub struct StepContext<'a> {
    /// The step, from 1, as in the file.
    pub number: usize,
    /// The step itself.
    pub step: &'a Step,
}

/// What is told beside a mismatch.
#[derive(Clone, Copy)]
pub struct Beside<'a> {
    /// What the reference did.
    pub reference: &'a str,
    /// The line that sends the delivery again.
    pub curl: &'a str,
}

/// Files mismatches into a scenario's report.
///
/// # Errors
/// [`ScenarioEnd`] when a *must* is broken: what follows would be judged on a footing that does not hold. Where the
/// contract does not promise what is broken, nobody is to blame, and what follows is not judged either.
pub fn file(
    report: &mut ScenarioReport,
    setting: &Setting,
    place: StepContext<'_>,
    mismatches: Vec<Mismatch>,
    beside: Beside<'_>,
) -> Result<(), ScenarioEnd> {
    let (mut found, mut unpromised) = (false, None);
    let is_later = !report.findings.is_empty();
    for mut mismatch in mismatches {
        let requirement = requirement_of(&setting.catalogue, setting.contract(), &report.shows, place.step, &mut mismatch, is_later);
        let is_must = mismatch.level == Level::Must;
        if !setting.contract().promises(&requirement) {
            unpromised = unpromised.or_else(|| is_must.then(|| (requirement.clone(), mismatch.clone())));
        }
        let filed = add(report, setting, place, requirement, &mismatch, beside);
        found |= filed && is_must;
    }
    if found && tally::scenario_verdict(&report.findings) == Verdict::Fail {
        return Err(ScenarioEnd::Broken);
    }
    match unpromised {
        Some((requirement, mismatch)) => {
            let told = format!(
                "step {}: {} was due, and {} came; the contract does not promise it ({requirement}), and what follows would be judged on it",
                place.number,
                first_line(&mismatch.expected),
                first_line(&mismatch.observed)
            );
            Err(ScenarioEnd::NotApplicable(Reason::of(Lack::Promise, told)))
        }
        None => Ok(()),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// Adds one finding; several mismatches of one kind and requirement in one step are one finding. Whether it was filed.
pub fn add(
    report: &mut ScenarioReport,
    setting: &Setting,
    place: StepContext<'_>,
    requirement: String,
    mismatch: &Mismatch,
    beside: Beside<'_>,
) -> bool {
    let level = setting.catalogue.get(&requirement).map_or(Level::Must, |one| one.level).max(mismatch.level);
    if !setting.contract().promises(&requirement) || (setting.level == Level::Must && level != Level::Must) {
        return false;
    }
    let step = place.number;
    let kind = |one: &MismatchCode| (one.kind, one.table.clone());
    let same = |one: &&mut Finding| {
        one.requirement == requirement
            && one.step == step
            && one.line == place.step.line
            && one.level == level
            && kind(&one.mismatch) == kind(&mismatch.code)
    };
    match report.findings.iter_mut().find(same) {
        // The same thing found twice is told once.
        Some(finding) if stands_in(&finding.expected, &mismatch.expected) && stands_in(&finding.observed, &mismatch.observed) => {}
        Some(finding) => {
            finding.expected.push_str(&format!("\n{}", mismatch.expected));
            finding.observed.push_str(&format!("\n{}", mismatch.observed));
        }
        None => report.findings.push(Finding {
            requirement,
            level,
            step,
            step_name: place.step.name.clone(),
            line: place.step.line,
            expected: mismatch.expected.clone(),
            reference: beside.reference.to_owned(),
            observed: mismatch.observed.clone(),
            curl: beside.curl.to_owned(),
            mismatch: mismatch.code.clone(),
            filed: None,
            output: Vec::new(),
            output_shared: false,
            exception: None,
        }),
    }
    true
}

/// Whether a text has all lines of another one in it.
fn stands_in(text: &str, lines: &str) -> bool {
    lines.lines().all(|line| text.lines().any(|one| one == line))
}
