//! The cause of a visit: honest deliveries are turned away, and nothing else could be judged.

use super::{Cause, Example, Explained};
use crate::contract::Level;
use crate::outcome::mismatch::{Kind, MismatchCode};
use crate::report::{Report, Verdict};

/// The causes with that of the visit first, where it has found one; it explains all the others, unless something passed.
pub(super) fn first(report: &Report, others: Vec<Cause>) -> Vec<Cause> {
    let Some(refused) = report.visit.as_ref().and_then(|visit| visit.refused.as_ref()) else { return others };
    let passed = report.scenarios.iter().any(|one| matches!(one.verdict, Verdict::Pass | Verdict::Warn));
    let findings: usize = others.iter().map(|one| one.explains.findings).sum();
    let is_open = |one: &Verdict| matches!(one, Verdict::Fail | Verdict::Undecided);
    let concerned = report.requirements.iter().filter(|one| is_open(&one.verdict)).map(|one| one.id.clone());
    let broken = report.requirements.iter().any(|one| one.id == refused.requirement && one.verdict == Verdict::Fail);
    let mut mismatch = MismatchCode::of(Kind::HonestRefused);
    mismatch.status = Some(refused.status);
    let cause = Cause {
        id: String::new(),
        requirement: refused.requirement.clone(),
        requirements: Some(refused.requirement.clone()).filter(|_| broken).into_iter().collect(),
        level: Level::Must,
        sentence: refused.sentence.clone(),
        mismatch,
        explains: Explained {
            findings,
            of: findings,
            scenarios: report.scenarios.iter().filter(|one| is_open(&one.verdict)).map(|one| one.id.clone()).collect(),
            requirements: concerned.collect(),
        },
        example: Example {
            expected: refused.expected.clone(),
            observed: refused.observed.clone(),
            curl: refused.curl.clone(),
            again: doctor(report),
            ..Example::default()
        },
        exception: None,
        refused: Some(Box::new(refused.clone())),
    };
    std::iter::once(cause).chain(others.into_iter().filter(|_| passed)).collect()
}

/// The cause that a visit has found and no scenario tells of: forms that are lists of scenarios have it beside them.
#[must_use]
pub fn beside_scenarios(report: &Report) -> Option<&Cause> {
    report.causes.iter().find(|cause| cause.refused.is_some() && cause.explains.findings == 0)
}

/// The command that visits the receiver again.
fn doctor(report: &Report) -> String {
    let arguments = &report.run.visiting;
    if arguments.is_empty() { "hookgate doctor".to_owned() } else { format!("hookgate doctor {arguments}") }
}
