//! Filing: every finding under the requirement that explains it.
//!
//! Takes the findings of all scenarios with their codes, and moves each one
//! whose reason another shows more plainly: what underlies it, the same thing
//! with less that is special, the answers behind rows. Nothing is dropped and no
//! verdict of a scenario changes; a requirement whose findings all moved could
//! not be judged.
//!
//! Start at [`attribute`].

use super::{sporadic, statuses, streams};
use crate::contract::Level;
use crate::outcome::mismatch::{Kind, MismatchCode, When};
use crate::report::{Finding, ScenarioReport};

/// So many honest deliveries that failed show that failures come and go.
const COMES_AND_GOES: usize = 3;

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
        finding.mismatch.now_and_then = false;
        finding.mismatch.never_as_due = false;
    }
    for scenario in scenarios.iter_mut() {
        after_a_warning(&mut scenario.findings);
    }
    // What answers show first, then rows, then what hangs on both.
    let answers: Pass = |finding, all| if is_of_rows(&finding.mismatch) { None } else { underlying(finding, all) };
    let rows: Pass = |finding, all| match finding.mismatch.kind {
        // The same rows where less is special tell more than what answers showed elsewhere.
        Kind::RowSurplus | Kind::RowsChanged => underlying(finding, all).or_else(|| of_rows(finding, all)),
        _ => of_rows(finding, all).or_else(|| underlying(finding, all)),
    };
    let mut all: Vec<Finding> = scenarios.iter().flat_map(|one| one.findings.iter().cloned()).collect();
    // The plainer ones first: what explains another has found its own place by then.
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|at| all.get(*at).map(|one| (one.mismatch.special().len(), one.mismatch.when.len())));
    let mut explained_by: Vec<Option<usize>> = vec![None; all.len()];
    let now_and_then = sporadic::come_and_go(&all, scenarios);
    for (finding, requirement) in all.iter_mut().zip(&now_and_then).filter(|(one, _)| one.filed.is_none()) {
        let Some(requirement) = requirement else { continue };
        finding.mismatch.now_and_then = true;
        if finding.requirement != *requirement {
            finding.filed = Some(std::mem::replace(&mut finding.requirement, requirement.clone()));
        }
    }
    let of_answers = statuses::never_as_due(&all, scenarios);
    for (finding, requirement) in all.iter_mut().zip(of_answers).filter(|(one, _)| one.filed.is_none() && !one.mismatch.now_and_then) {
        let Some(requirement) = requirement else { continue };
        finding.mismatch.never_as_due = true;
        if finding.requirement != requirement {
            finding.filed = Some(std::mem::replace(&mut finding.requirement, requirement));
        }
    }
    let of_streams = streams::beside_others(&all, scenarios);
    for (finding, requirement) in all.iter_mut().zip(of_streams).filter(|(one, _)| one.filed.is_none()) {
        if let Some(requirement) = requirement {
            finding.filed = Some(std::mem::replace(&mut finding.requirement, requirement));
        }
    }
    for pass in [answers, rows, of_both, of_failures] {
        for at in &order {
            let Some(finding) = all.get(*at).filter(|one| one.filed.is_none() && !is_told(&one.mismatch)) else { continue };
            let Some(requirement) = pass(finding, &all).filter(|id| *id != finding.requirement) else { continue };
            let by = representative(finding, &requirement, &all);
            if let (Some(place), Some(finding)) = (explained_by.get_mut(*at), all.get_mut(*at)) {
                *place = by;
                finding.filed = Some(std::mem::replace(&mut finding.requirement, requirement));
            }
        }
    }
    follow(&mut all, &explained_by);
    let mut all = all.into_iter();
    for scenario in scenarios.iter_mut() {
        for (finding, filed) in scenario.findings.iter_mut().zip(all.by_ref()) {
            *finding = filed;
        }
        with_its_warning(&mut scenario.findings);
    }
}

/// Whether the whole run told already where it belongs.
fn is_told(about: &MismatchCode) -> bool {
    about.now_and_then || about.never_as_due
}

/// The finding of a requirement that explains another one: the plainest one that is like it.
fn representative(finding: &Finding, requirement: &str, all: &[Finding]) -> Option<usize> {
    let of_it = all.iter().enumerate().filter(|(_, one)| one.requirement == requirement);
    of_it.min_by_key(|(_, one)| (!like(&one.mismatch, &finding.mismatch), one.mismatch.when.len())).map(|(at, _)| at)
}

/// Files what is explained by a finding that is itself explained where that one is filed.
fn follow(all: &mut [Finding], explained_by: &[Option<usize>]) {
    for at in 0..all.len() {
        let (mut last, mut steps) = (at, 0);
        while let Some(Some(next)) = explained_by.get(last).filter(|_| steps <= all.len()) {
            (last, steps) = (*next, steps + 1);
        }
        // Two that explain each other stay where they are.
        let end = all.get(last).filter(|_| steps > 1 && steps <= all.len()).map(|one| one.requirement.clone());
        if let (Some(requirement), Some(finding)) = (end, all.get_mut(at)) {
            finding.requirement = requirement;
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

/// What follows a broken *should* goes where that one is filed.
fn with_its_warning(findings: &mut [Finding]) {
    let first = findings.first().filter(|one| one.level == Level::Should);
    let Some((own, now)) = first.and_then(|one| Some((one.filed.clone()?, one.requirement.clone()))) else { return };
    for finding in findings.iter_mut().skip(1).filter(|one| one.filed.is_some() && one.requirement == own) {
        finding.requirement.clone_from(&now);
    }
}

/// The requirement that explains a finding of another one.
///
/// One that underlies it, where the plainest delivery of its kind fails; or the one under which the same happens with less
/// that is special: whoever refuses odd bodies refuses odd bodies in chunks as well.
fn underlying(finding: &Finding, all: &[Finding]) -> Option<String> {
    let about = &finding.mismatch;
    if let Some(plain) = refused_otherwise_plainly(finding, all) {
        return Some(plain);
    }
    let within = |one: &Finding| {
        let (fewer, more) = (one.mismatch.special(), about.special());
        // What comes and goes explains nothing that always comes.
        !is_told(&one.mismatch) && fewer.iter().all(|when| more.contains(when)) && same_story(&one.mismatch, about)
    };
    // The further it stands from the finding, the plainer it must have failed.
    let is_plain =
        |one: &Finding| one.mismatch.special().is_empty() || matches!(one.mismatch.kind, Kind::HonestRefused | Kind::HonestFailed);
    let own = about.under.iter().position(|id| *id == finding.requirement);
    // What is filed under the more general one is moved to a more special one only by what is plainer than it.
    let reaches = |at: usize, one: &Finding| match own {
        Some(own) if at < own => one.mismatch.when.len() < about.when.len(),
        Some(_) | None => at == 0 || is_plain(one),
    };
    let general = about.under.iter().enumerate().rev().find(|(at, id)| {
        **id != finding.requirement
            && all.iter().any(|one| one.requirement == **id && reaches(*at, one) && like(&one.mismatch, about) && within(one))
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

/// The requirement of plain forgeries that are refused as otherwise as this one, which came in an odd way: the way explains nothing then.
fn refused_otherwise_plainly(finding: &Finding, all: &[Finding]) -> Option<String> {
    let about = &finding.mismatch;
    if about.kind != Kind::RefusedOtherwise || !about.when.contains(&When::OddWay) {
        return None;
    }
    let plain = all.iter().find(|one| {
        let other = &one.mismatch;
        other.kind == about.kind
            && (&other.why, other.status) == (&about.why, about.status)
            && other.special().is_empty()
            && one.requirement != finding.requirement
            && about.under.contains(&one.requirement)
    });
    plain.map(|one| one.requirement.clone())
}

/// Whether a mismatch is of rows, which follow from what answers show.
fn is_of_rows(about: &MismatchCode) -> bool {
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
fn same_story(one: &MismatchCode, other: &MismatchCode) -> bool {
    let alike = |when: When| one.when.contains(&when) == other.when.contains(&when);
    one.kind != Kind::NewToldAsDuplicate || (alike(When::Aged) && alike(When::AfterRefusal))
}

/// Whether two are the same thing as far as an answer shows it, whatever was due.
fn like(one: &MismatchCode, other: &MismatchCode) -> bool {
    let class = |about: &MismatchCode| match about.kind {
        Kind::HonestRefused | Kind::RepeatRefused | Kind::OddOtherwise | Kind::DuplicateOtherwise | Kind::AcceptedOtherwise => {
            Some((Kind::HonestRefused, about.status))
        }
        Kind::HonestFailed | Kind::RepeatFailed | Kind::OddFailed => Some((Kind::HonestFailed, None)),
        Kind::RefusalTaken | Kind::RefusalToldAsDuplicate => Some((Kind::RefusalTaken, None)),
        Kind::RefusalFailed | Kind::NewToldAsDuplicate | Kind::RepeatTakenAsNew | Kind::SecretTold => Some((about.kind, None)),
        // What duplicates refer to is a member of their answers, too.
        Kind::References | Kind::Member => Some((Kind::Member, None)),
        Kind::RowMissing | Kind::RowSurplus | Kind::Cell => Some((about.kind, None)),
        Kind::StillInFlight => Some((Kind::StillInFlight, None)),
        Kind::Late | Kind::Silent => Some((Kind::Late, None)),
        // What an answer looks like is one thing for each outcome; which it was, the requirement tells that speaks of it.
        Kind::MediaType | Kind::Header | Kind::NoJson | Kind::Body => Some((about.kind, None)),
        Kind::RefusedOtherwise
        | Kind::NoFailure
        | Kind::FirstTold
        | Kind::EffectMissing
        | Kind::EffectSurplus
        | Kind::EffectUndue
        | Kind::RowsChanged
        | Kind::Schema
        | Kind::NoEvidence
        | Kind::NoLife
        | Kind::InstantsGoBack
        | Kind::Page
        | Kind::Counter
        | Kind::Unwell
        | Kind::Stream
        | Kind::Unexplained
        | Kind::Other => None,
    };
    let is_form = |kind: Kind| matches!(kind, Kind::MediaType | Kind::Header | Kind::NoJson | Kind::Body);
    let same_place = one.table == other.table
        && (!is_form(one.kind) || (&one.name, &one.under) == (&other.name, &other.under))
        && (one.role == other.role || one.kind != Kind::Cell)
        && (one.name == other.name || one.kind != Kind::Member || one.is_plain() || is_of_new_lives(one, other));
    class(one).is_some_and(|of_one| Some(of_one) == class(other)) && same_place
}

/// Whether both are of answers after a key came to a new life: what is wrong with one member is wrong with the others.
fn is_of_new_lives(one: &MismatchCode, other: &MismatchCode) -> bool {
    one.when.contains(&When::Aged) && other.when.contains(&When::Aged)
}

/// The requirement of failures that come and go among honest deliveries, for a forgery that met one of them.
///
/// That is so where several honest deliveries failed in the same way with nothing special about them, and forgeries of this
/// kind did only once.
fn of_failures(finding: &Finding, all: &[Finding]) -> Option<String> {
    let about = &finding.mismatch;
    if about.kind != Kind::RefusalFailed {
        return None;
    }
    let alike = |one: &&Finding| one.mismatch.kind == Kind::RefusalFailed && one.requirement == finding.requirement;
    let honest = |one: &&Finding| {
        let fails = matches!(one.mismatch.kind, Kind::HonestFailed | Kind::RepeatFailed);
        fails && one.mismatch.status == about.status && one.mismatch.under.contains(&one.requirement)
    };
    let comes_and_goes = all.iter().filter(honest).count() >= COMES_AND_GOES && all.iter().filter(alike).count() == 1;
    if comes_and_goes { most_frequent(all.iter().filter(honest)) } else { None }
}

/// The requirement of what answers have shown already, for rows that follow from it.
fn of_rows(finding: &Finding, all: &[Finding]) -> Option<String> {
    let about = &finding.mismatch;
    let of = |fits: &dyn Fn(&MismatchCode) -> bool| most_frequent(all.iter().filter(|one| fits(&one.mismatch)));
    let no_row = || of(&|one| one.kind == Kind::RowMissing && one.table.as_deref() == Some("audit") && one.special().is_empty());
    let honest = || of(&|one| matches!(one.kind, Kind::HonestRefused | Kind::HonestFailed) && one.special().is_empty());
    match about.kind {
        // What is known by something else than its key is not found by it.
        Kind::RowMissing if about.role.as_deref() == Some("key") => {
            of(&|one| one.kind == Kind::NewToldAsDuplicate || (one.kind == Kind::RepeatTakenAsNew && one.when.contains(&When::OtherBody)))
                .or_else(honest)
        }
        Kind::RowMissing => honest(),
        // Work that is missing, or done too often, where nothing is special has another reason than what is special elsewhere.
        Kind::EffectMissing if about.when.contains(&When::AfterRefusal) => of(&|one| one.kind == about.kind && one.when.is_empty()),
        Kind::EffectSurplus if about.when.contains(&When::OtherBody) => of(&|one| one.kind == about.kind && one.when.is_empty()),
        // Where accepted deliveries have no row of the event, what evidence keys have cannot be told.
        Kind::NoEvidence => no_row(),
        // A key that lives on is in its table.
        Kind::RowSurplus if about.table.as_deref() == Some("keys") && about.when.contains(&When::Aged) => {
            of(&|one| one.kind == Kind::NewToldAsDuplicate && one.when.contains(&When::Aged))
        }
        // What is accepted anew is written anew, and so is what is refused and remembered: where anything came that could be.
        Kind::RowSurplus | Kind::RowsChanged => {
            let (repeated, refused) = (about.when.contains(&When::Later), about.when.contains(&When::AfterRefusal));
            let repeats = of(&|one| repeated && one.kind == Kind::RepeatTakenAsNew);
            let refusals = || of(&|one| refused && one.kind == Kind::RefusalTaken);
            let remembered = || of(&|one| refused && one.kind == Kind::NewToldAsDuplicate && one.when.contains(&When::AfterRefusal));
            let references = || of(&|one| repeated && one.kind == Kind::References);
            // A row that was not there in time is there later.
            repeats.or_else(refusals).or_else(remembered).or_else(references).or_else(no_row)
        }
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
    // Rows whose times go back are not where the newest ones stand.
    let back = |one: &&Finding| one.mismatch.kind == Kind::InstantsGoBack;
    most_frequent(all.iter().filter(rows)).or_else(|| most_frequent(all.iter().filter(back)))
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
