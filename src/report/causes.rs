//! Causes: findings grouped by what explains them, the one that explains most first.
//!
//! In: the findings of a report, each with its codes ([`Mismatch`]). Out: every
//! finding under the requirement that explains it, and the list of causes with
//! their counts and one example each. Where the plainest delivery of its kind
//! fails, whatever else fails in the same way says nothing of its own: it is
//! filed under the requirement that underlies it, and what its scenario was to
//! show could not be judged.
//!
//! Everything is a value of the report alone, so that `report verify` and
//! `report merge` come to the same. Sentences are made in `telling`.
//!
//! Start at [`attribute`], then [`causes`].

mod example;
pub mod telling;
mod visit;

pub use self::example::{Example, Explained};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::Level;
use crate::outcome::mismatch::{Kind, Mismatch, When};
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
    pub mismatch: Mismatch,
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

/// Says which requirement explains a finding, among all.
type Pass = fn(&Finding, &[Finding]) -> Option<String>;

/// Files every finding under the requirement that explains it.
///
/// What was filed by an earlier call is taken back first, so that findings of several runs can be put together.
pub fn attribute(scenarios: &mut [ScenarioReport]) {
    for finding in scenarios.iter_mut().flat_map(|one| &mut one.findings) {
        if let Some(own) = finding.filed.take() {
            finding.requirement = own;
        }
    }
    for scenario in scenarios.iter_mut() {
        after_a_warning(&mut scenario.findings);
    }
    // What answers show first, then rows, then what hangs on both.
    let answers: Pass = |finding, all| if is_of_rows(&finding.mismatch) { None } else { underlying(finding, all) };
    let rows: Pass = |finding, all| of_rows(finding, all).or_else(|| underlying(finding, all));
    for pass in [answers, rows, of_both] {
        let all: Vec<Finding> = scenarios.iter().flat_map(|one| one.findings.iter().cloned()).collect();
        for finding in scenarios.iter_mut().flat_map(|one| &mut one.findings).filter(|one| one.filed.is_none()) {
            if let Some(requirement) = pass(finding, &all).filter(|id| *id != finding.requirement) {
                finding.filed = Some(std::mem::replace(&mut finding.requirement, requirement));
            }
        }
    }
}

/// What follows a broken *should* in a scenario was judged on a footing that does not hold.
fn after_a_warning(findings: &mut [Finding]) {
    let Some(first) = findings.first().filter(|one| one.level == Level::Should).map(|one| one.requirement.clone()) else { return };
    for finding in findings.iter_mut().skip(1).filter(|one| one.requirement != first && one.mismatch.kind != Kind::Late) {
        finding.filed = Some(std::mem::replace(&mut finding.requirement, first.clone()));
    }
}

/// The requirement that explains a finding of another one.
///
/// One that underlies it, where the plainest delivery of its kind fails; or the one under which the same happens with less
/// that is special: whoever refuses odd bodies refuses odd bodies in chunks as well.
fn underlying(finding: &Finding, all: &[Finding]) -> Option<String> {
    let about = &finding.mismatch;
    let within = |one: &Finding| {
        let (fewer, more) = (one.mismatch.special(), about.special());
        fewer.iter().all(|when| more.contains(when)) && same_story(&one.mismatch, about)
    };
    // The further it stands from the finding, the plainer it must have failed.
    let is_plain =
        |one: &Finding| one.mismatch.special().is_empty() || matches!(one.mismatch.kind, Kind::HonestRefused | Kind::HonestFailed);
    let general = about.under.iter().enumerate().rev().find(|(at, id)| {
        **id != finding.requirement
            && all.iter().any(|one| one.requirement == **id && (*at == 0 || is_plain(one)) && like(&one.mismatch, about) && within(one))
    });
    if let Some((_, id)) = general {
        return Some(id.clone());
    }
    let explains = |one: &&Finding| {
        one.requirement != finding.requirement
            && one.level <= finding.level
            && like(&one.mismatch, about)
            && one.mismatch.tamper == about.tamper
            && within(one)
            && one.mismatch.special().len() < about.special().len()
    };
    let fewest = all.iter().filter(explains).map(|one| one.mismatch.special().len()).min();
    let simplest = all.iter().filter(explains).filter(|one| Some(one.mismatch.special().len()) == fewest);
    most_frequent(simplest).or_else(|| of_forms(finding, all))
}

/// Whether a mismatch is of rows, which follow from what answers show.
fn is_of_rows(about: &Mismatch) -> bool {
    matches!(about.kind, Kind::RowMissing | Kind::RowSurplus | Kind::RowsChanged | Kind::Cell)
}

/// The requirement of the form that answers have, where they are told by it as neither one thing nor the other.
fn of_forms(finding: &Finding, all: &[Finding]) -> Option<String> {
    let about = &finding.mismatch;
    let taken = about.status.is_some_and(|status| (200..=299).contains(&status));
    let untold = matches!(about.kind, Kind::DuplicateOtherwise | Kind::AcceptedOtherwise | Kind::OddOtherwise | Kind::RepeatRefused);
    let forms = |one: &&Finding| {
        let form = matches!(one.mismatch.kind, Kind::Member | Kind::Header | Kind::MediaType | Kind::NoJson | Kind::Body);
        form && one.requirement != finding.requirement
    };
    if taken && untold && about.due.as_deref() != about.status.map(|status| status.to_string()).as_deref() {
        return None;
    }
    if taken && untold { most_frequent(all.iter().filter(forms)) } else { None }
}

/// What a key has behind it tells why it is taken for a known one: that is another story than a new key that is.
fn same_story(one: &Mismatch, other: &Mismatch) -> bool {
    let alike = |when: When| one.when.contains(&when) == other.when.contains(&when);
    one.kind != Kind::NewToldAsDuplicate || (alike(When::Aged) && alike(When::AfterRefusal))
}

/// Whether two are the same thing as far as an answer shows it, whatever was due.
fn like(one: &Mismatch, other: &Mismatch) -> bool {
    let class = |about: &Mismatch| match about.kind {
        Kind::HonestRefused | Kind::RepeatRefused | Kind::OddOtherwise | Kind::DuplicateOtherwise | Kind::AcceptedOtherwise => {
            Some((Kind::HonestRefused, about.status))
        }
        Kind::HonestFailed | Kind::RepeatFailed | Kind::OddFailed => Some((Kind::HonestFailed, None)),
        Kind::RefusalTaken | Kind::RefusalToldAsDuplicate => Some((Kind::RefusalTaken, None)),
        Kind::RefusalFailed | Kind::NewToldAsDuplicate | Kind::RepeatTakenAsNew | Kind::SecretTold | Kind::References | Kind::Member => {
            Some((about.kind, None))
        }
        Kind::RowMissing | Kind::RowSurplus | Kind::Cell => Some((about.kind, None)),
        Kind::StillInFlight => Some((Kind::StillInFlight, None)),
        Kind::RefusedOtherwise
        | Kind::NoFailure
        | Kind::MediaType
        | Kind::Header
        | Kind::NoJson
        | Kind::Body
        | Kind::FirstTold
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
        | Kind::Unexplained
        | Kind::Other => None,
    };
    let same_place = one.table == other.table
        && (one.role == other.role || one.kind != Kind::Cell)
        && (one.name == other.name || one.kind != Kind::Member || one.is_plain());
    class(one).is_some_and(|of_one| Some(of_one) == class(other)) && same_place
}

/// The requirement of what answers have shown already, for rows that follow from it.
fn of_rows(finding: &Finding, all: &[Finding]) -> Option<String> {
    let about = &finding.mismatch;
    let of = |fits: &dyn Fn(&Mismatch) -> bool| most_frequent(all.iter().filter(|one| fits(&one.mismatch)));
    let honest = || of(&|one| matches!(one.kind, Kind::HonestRefused | Kind::HonestFailed) && one.special().is_empty());
    match about.kind {
        // What is known by something else than its key is not found by it.
        Kind::RowMissing if about.role.as_deref() == Some("key") => {
            of(&|one| one.kind == Kind::NewToldAsDuplicate || (one.kind == Kind::RepeatTakenAsNew && one.when.contains(&When::OtherBody)))
                .or_else(honest)
        }
        Kind::RowMissing => honest(),
        // What is accepted anew is written anew, and so is what is refused and remembered.
        Kind::RowSurplus | Kind::RowsChanged => of(&|one| one.kind == Kind::RepeatTakenAsNew)
            .or_else(|| of(&|one| one.kind == Kind::RefusalTaken))
            .or_else(|| of(&|one| one.kind == Kind::NewToldAsDuplicate && one.when.contains(&When::AfterRefusal)))
            .or_else(|| of(&|one| one.kind == Kind::References)),
        _ => None,
    }
}

/// The requirement of what explains a page or a history.
fn of_both(finding: &Finding, all: &[Finding]) -> Option<String> {
    if finding.mismatch.kind != Kind::Page {
        return of_history(finding, all);
    }
    let rows =
        |one: &&Finding| matches!(one.mismatch.kind, Kind::RowMissing | Kind::Cell) && one.mismatch.table.as_deref() == Some("audit");
    most_frequent(all.iter().filter(rows))
}

/// The requirement that most of some findings are filed under.
fn most_frequent<'f, I: Iterator<Item = &'f Finding>>(found: I) -> Option<String> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for one in found {
        match counts.iter_mut().find(|(id, _)| *id == one.requirement) {
            Some((_, count)) => *count += 1,
            None => counts.push((&one.requirement, 1)),
        }
    }
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(id, _)| id.to_owned())
}

/// The requirement of what explains a history that no order of events explains.
fn of_history(finding: &Finding, all: &[Finding]) -> Option<String> {
    if finding.mismatch.kind != Kind::Unexplained {
        return None;
    }
    let kinds: &[Kind] = match finding.mismatch.name.as_deref()? {
        "accepted-twice" => &[Kind::RepeatTakenAsNew],
        "duplicate-of-nothing" | "duplicate-outside-life" => &[Kind::NewToldAsDuplicate],
        "reference-elsewhere" | "references-differ" => &[Kind::References, Kind::Member],
        _ => return None,
    };
    most_frequent(all.iter().filter(|one| kinds.contains(&one.mismatch.kind)))
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
    let same_thing = a.kind == b.kind && (&a.table, &a.name) == (&b.table, &b.name);
    let refiled = one.filed.is_some() || other.filed.is_some();
    if same_requirement && a.kind == Kind::Unexplained && one.filed.is_some() {
        return true;
    }
    match a.kind {
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
    cause.sentence = telling::sentence(&cause, crate::report::language::Language::En);
    cause
}
