//! Causes: findings grouped by what explains them, the one that explains most first.
//!
//! In: the findings of a report, each with its codes ([`MismatchCode`]). Out: every
//! finding under the requirement that explains it, and the list of causes with
//! their counts and one example each. Where the plainest delivery of its kind
//! fails, whatever else fails in the same way says nothing of its own: it is
//! filed under the requirement that underlies it, and what its scenario was to
//! show could not be judged.
//!
//! Everything is a value of the report alone, so that `report verify` and
//! `report merge` come to the same. Sentences are made in `sentences`.
//!
//! Start at [`attribute`], then [`causes`].

mod example;
pub mod filing;
mod sporadic;
mod statuses;
pub mod sentences;
mod streams;
mod visit;

pub use self::example::{Example, Explained};
pub use self::filing::attribute;
pub use self::visit::beside_scenarios;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::Level;
use crate::outcome::mismatch::{Kind, MismatchCode};
use crate::report::again::again;
use crate::report::{Finding, Report, RequirementReport, ScenarioReport, Verdict};
use crate::visit::Refused;

/// What explains a number of findings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    /// `cause-1`, in the order of how much they explain.
    pub id: String,
    /// The requirement that speaks of it.
    pub requirement: String,
    /// Every requirement that is broken by it, in the order of the catalogue.
    pub requirements: Vec<String>,
    /// How much it weighs.
    pub level: Level,
    /// It in English, as a sentence without a full stop; other languages make theirs of `mismatch`.
    pub sentence: String,
    /// What is not as promised, in codes.
    pub mismatch: MismatchCode,
    /// What it explains.
    pub explains: Explained,
    /// One of its findings.
    pub example: Example,
    /// The exception in the target's output that all of its findings have in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
    /// Why honest deliveries are turned away, where that is the cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Box<Refused>>,
}

/// A finding, and the scenario that it is of.
type Found<'r> = (&'r ScenarioReport, &'r Finding);

/// The causes of what a report has found; its findings were filed by [`attribute`], its requirements tallied after that.
#[must_use]
pub fn causes(report: &Report) -> Vec<Cause> {
    let counts = |one: &&ScenarioReport| one.verdict != Verdict::Known;
    let found: Vec<Found<'_>> =
        report.scenarios.iter().filter(counts).flat_map(|one| one.findings.iter().map(move |finding| (one, finding))).collect();
    let of = found.len();
    let mut groups: Vec<Vec<Found<'_>>> = Vec::new();
    for one in found {
        match groups.iter_mut().find(|group| group.first().is_some_and(|(_, first)| belongs(one.1, first))) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    let place = |id: &str| report.requirements.iter().position(|one| one.id == id).unwrap_or(usize::MAX);
    let mut all: Vec<Cause> = groups.iter().map(|group| cause(report, group, of, &place)).collect();
    all.sort_by_key(|one| (one.level, std::cmp::Reverse(one.explains.findings), place(&one.requirement)));
    let mut all = visit::first(report, all);
    for (at, one) in all.iter_mut().enumerate() {
        one.id = format!("cause-{}", at + 1);
    }
    all
}

/// Whether one cause explains two findings.
fn belongs(one: &Finding, other: &Finding) -> bool {
    if let (Some(one), Some(other)) = (&one.exception, &other.exception) {
        return one == other;
    }
    let (a, b) = (&one.mismatch, &other.mismatch);
    let same_requirement = one.requirement == other.requirement;
    if a.now_and_then || b.now_and_then {
        return a.now_and_then == b.now_and_then && same_requirement && a.status == b.status;
    }
    if a.never_as_due || b.never_as_due {
        return a.never_as_due == b.never_as_due && same_requirement && a.status == b.status;
    }
    let same_thing = a.kind == b.kind && (&a.table, &a.name) == (&b.table, &b.name);
    let refiled = one.filed.is_some() || other.filed.is_some();
    if same_requirement && a.kind == Kind::Unexplained && one.filed.is_some() {
        return true;
    }
    match a.kind {
        // What the other streams of a run explain is of one cause with them.
        Kind::Stream => a.is_alike(b) || (same_requirement && a.kind == b.kind && (same_thing || refiled)),
        Kind::RefusalTaken
        | Kind::RefusalToldAsDuplicate
        | Kind::RefusalFailed
        | Kind::StillInFlight
        | Kind::Other
        | Kind::OddFailed
        | Kind::OddOtherwise => same_requirement && same_thing,
        Kind::HonestRefused
        | Kind::HonestFailed
        | Kind::AcceptedOtherwise
        | Kind::NewToldAsDuplicate
        | Kind::RepeatTakenAsNew
        | Kind::RepeatRefused
        | Kind::RepeatFailed
        | Kind::DuplicateOtherwise
        | Kind::RefusedOtherwise
        | Kind::NoFailure
        | Kind::MediaType
        | Kind::Header
        | Kind::NoJson
        | Kind::Member
        | Kind::Body
        | Kind::SecretTold
        | Kind::FirstTold
        | Kind::References
        | Kind::RowMissing
        | Kind::RowSurplus
        | Kind::EffectMissing
        | Kind::EffectSurplus
        | Kind::EffectUndue
        | Kind::Cell
        | Kind::RowsChanged
        | Kind::Schema
        | Kind::NoEvidence
        | Kind::NoLife
        | Kind::InstantsGoBack
        | Kind::Page
        | Kind::Counter
        | Kind::Late
        | Kind::Silent
        | Kind::Unwell
        | Kind::Unexplained => a.is_alike(b) || (same_requirement && same_thing && (refiled || a.status == b.status)),
    }
}

fn cause(report: &Report, group: &[Found<'_>], of: usize, place: &dyn Fn(&str) -> usize) -> Cause {
    let mut requirements: Vec<String> = Vec::new();
    let mut scenarios: Vec<String> = Vec::new();
    let mut concerned: Vec<String> = Vec::new();
    let push = |all: &mut Vec<String>, one: &String| {
        if !all.contains(one) {
            all.push(one.clone());
        }
    };
    let open = |one: &RequirementReport| matches!(one.verdict, Verdict::Undecided | Verdict::Fail | Verdict::Warn);
    for (scenario, finding) in group {
        push(&mut requirements, &finding.requirement);
        push(&mut scenarios, &scenario.id);
        push(&mut concerned, &finding.requirement);
        let shown = report.requirements.iter().filter(|one| open(one) && scenario.shows.contains(&one.id));
        shown.for_each(|one| push(&mut concerned, &one.id));
    }
    let weight = |id: &str| {
        let of = || group.iter().filter(|(_, finding)| finding.requirement == id);
        (of().any(|(_, finding)| finding.level == Level::Must), of().count())
    };
    requirements.sort_by_key(|id| place(id));
    concerned.sort_by_key(|id| place(id));
    let requirement = requirements.iter().rev().max_by_key(|id| weight(id)).cloned().unwrap_or_default();
    // The plainest one that can be sent again, of the requirement itself.
    let rank = |(_, finding): &&Found<'_>| {
        (finding.requirement != requirement, finding.filed.is_some(), finding.mismatch.when.len(), finding.curl.is_empty())
    };
    let chosen = group.iter().min_by_key(rank);
    let (mismatch, example) = chosen.map_or_else(Default::default, |(scenario, finding)| {
        let example = Example {
            scenario: scenario.id.clone(),
            step: finding.step,
            expected: finding.expected.clone(),
            reference: finding.reference.clone(),
            observed: finding.observed.clone(),
            curl: finding.curl.clone(),
            again: again(&report.run, scenario),
            output: finding.output.clone(),
            output_shared: finding.output_shared,
        };
        (finding.mismatch.clone(), example)
    });
    let level = group.iter().map(|(_, finding)| finding.level).min().unwrap_or(Level::Must);
    let explains = Explained { findings: group.len(), of, scenarios, requirements: concerned };
    let mut cause = Cause {
        id: String::new(),
        requirement,
        requirements,
        level,
        sentence: String::new(),
        mismatch,
        explains,
        example,
        exception: example::common(group),
        refused: None,
    };
    cause.sentence = sentences::sentence(&cause, crate::report::language::Language::En);
    cause
}
