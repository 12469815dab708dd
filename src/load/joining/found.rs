//! Findings of several workers as one: answers as they are judged here, rows as each worker has found them.
//!
//! Values in, values out. Whether some order explains all answers is judged from the
//! workers' own histories; every other requirement is summed up from their reports.

use super::Worker;
use crate::contract::Contract;
use crate::history::consistency::Judgement;
use crate::history::consistency::parts::number_of;
use crate::load::judging::{Found, Judged, Violation, line};
use crate::load::report::LoadReport;
use crate::number::total;
use crate::outcome::reader::Reader;
use crate::report::Verdict;
use crate::scenario::requirement::Catalogue;

/// What all have found, whether anything was judged, and where a report does not follow from its worker's history.
pub(super) fn found(
    workers: &[Worker],
    judged: &[Option<Judgement>],
    contract: &Contract,
    catalogue: &Catalogue,
    all_ended: bool,
) -> (Found, bool, Vec<String>) {
    let reports = || workers.iter().filter_map(|worker| worker.report.as_ref());
    let was_judged = reports().any(|report| report.judged) || judged.iter().any(Option::is_some);
    let tells_duplicates = Reader::new(std::sync::Arc::new(contract.clone())).tells_duplicates();
    let mut found = Found::default();
    let mut doubts = Vec::new();
    let explained = catalogue.always.some_order_explains.clone().filter(|id| contract.promises(id) && contract.is_by_key());
    let mut ids: Vec<String> = Vec::new();
    let of_reports = reports().flat_map(|report| report.requirements.iter().map(|one| one.id.clone()));
    for id in explained.iter().cloned().chain(of_reports) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    for id in ids {
        let is_explained = explained.as_ref() == Some(&id);
        let each: Vec<Option<Judged>> = workers
            .iter()
            .zip(judged)
            .map(|(worker, judgement)| {
                let told = worker.report.as_ref().and_then(|report| report.requirements.iter().find(|one| one.id == id)).cloned();
                match (is_explained, judgement) {
                    (false, _) => told,
                    (true, judgement) if worker.history().is_open() => {
                        Some(of_open(&id, judgement.as_ref(), told, tells_duplicates, catalogue))
                    }
                    (true, None) => told,
                    (true, Some(judgement)) => Some(of_history(&id, judgement, told, tells_duplicates, catalogue)),
                }
            })
            .collect();
        found.requirements.extend(together(&id, &each, catalogue, all_ended));
    }
    for (worker, judgement) in workers.iter().zip(judged) {
        let (report, id) = (worker.report.as_ref(), explained.as_deref().unwrap_or_default());
        let is_open = worker.history().is_open();
        let others = report.into_iter().flat_map(|report| &report.violations);
        // What a worker has found before its history was cut stands.
        let others = others.filter(|one| judgement.is_none() || is_open || one.requirement != id).cloned().collect::<Vec<_>>();
        if let (Some(judgement), true) = (judgement, explained.is_some()) {
            let is_new = |one: &Violation| !others.iter().any(|other| other.requirement == id && other.key == one.key);
            found.violations.extend(violations(worker, judgement, id, contract).into_iter().filter(is_new));
            let told = report.and_then(|report| report.requirements.iter().find(|one| one.id == id)).map(|one| one.violations);
            if let Some(told) = told.filter(|told| !is_open && *told != judgement.broken as u64) {
                doubts.push(format!(
                    "The report in {} tells {told} keys that break {id}; its deliveries, judged again, show {}.",
                    worker.folder, judgement.broken
                ));
            }
        }
        found.violations.extend(others);
        let keys = match (report, judgement) {
            (Some(report), _) if report.keys > 0 => report.keys,
            (_, Some(judgement)) => judgement.keys as u64,
            (_, None) => 0,
        };
        found.keys = found.keys.saturating_add(keys);
        // Rows may have decided what answers alone leave open.
        let undecided = match (report, judgement) {
            (Some(report), _) => usize::try_from(report.undecided).unwrap_or(usize::MAX),
            (None, Some(judgement)) if tells_duplicates => judgement.undecided,
            (None, _) => 0,
        };
        found.undecided = found.undecided.saturating_add(undecided);
    }
    (found, was_judged, doubts)
}

/// One worker's answers.
fn of_history(id: &str, judgement: &Judgement, told: Option<Judged>, tells: bool, catalogue: &Catalogue) -> Judged {
    let broken = judgement.broken as u64;
    let keys = (judgement.repeated as u64).max(broken);
    let known = told.as_ref().is_some_and(|told| told.verdict == Verdict::Known);
    let was_told = told.is_some_and(|told| !matches!(told.verdict, Verdict::NotApplicable));
    let verdict = match (broken, tells || was_told) {
        (1.., _) if known => Verdict::Known,
        (1.., _) => Verdict::Fail,
        (0, true) if keys > 0 => Verdict::Pass,
        (0, _) => Verdict::NotApplicable,
    };
    Judged::of(catalogue, id, verdict, if tells || was_told { keys } else { 0 }, broken)
}

/// One worker's answers, of which some are lost: broken where that is to be seen, and open otherwise.
fn of_open(id: &str, judgement: Option<&Judgement>, told: Option<Judged>, tells: bool, catalogue: &Catalogue) -> Judged {
    let keys = judgement.map_or(0, |judgement| judgement.repeated as u64);
    let shown = judgement.map_or(0, |judgement| judgement.broken as u64).max(told.as_ref().map_or(0, |told| told.violations));
    let known = told.as_ref().is_some_and(|told| told.verdict == Verdict::Known);
    let is_judged = tells || told.is_some_and(|told| told.verdict != Verdict::NotApplicable);
    let verdict = match (shown, is_judged) {
        (1.., _) if known => Verdict::Known,
        (1.., _) => Verdict::Fail,
        (0, true) => Verdict::Undecided,
        (0, false) => Verdict::NotApplicable,
    };
    Judged::of(catalogue, id, verdict, if is_judged { keys } else { 0 }, shown)
}

/// One requirement over all workers: broken where one has broken it, and shown where all have shown it.
fn together(id: &str, each: &[Option<Judged>], catalogue: &Catalogue, is_whole: bool) -> Option<Judged> {
    let told = || each.iter().flatten();
    let sample = told().next()?;
    let any = |verdict: Verdict| told().any(|one| one.verdict == verdict);
    let worst = [Verdict::Fail, Verdict::Known, Verdict::Warn, Verdict::Undecided].into_iter().find(|verdict| any(*verdict));
    let verdict = match worst {
        Some(verdict) => verdict,
        None if !any(Verdict::Pass) => Verdict::NotApplicable,
        // What one worker would have shown is open.
        None if !is_whole => Verdict::Undecided,
        None => Verdict::Pass,
    };
    let (checked, violations) = (total(told().map(|one| one.checked)), total(told().map(|one| one.violations)));
    let known = Judged::of(catalogue, id, verdict, checked, violations).counting(sample.of);
    Some(if known.sentence.is_empty() { Judged { verdict, checked, violations, ..sample.clone() } } else { known })
}

/// The first broken keys of one worker, with the line that sends each again where its report has it.
fn violations(worker: &Worker, judgement: &Judgement, id: &str, contract: &Contract) -> Vec<Violation> {
    let told = |key: &str| {
        let of = |report: &LoadReport| report.violations.iter().find(|one| one.requirement == id && one.key == key).cloned();
        worker.report.as_ref().and_then(of)
    };
    let witnesses = judgement.witnesses.iter().map(|witness| {
        let key = contract.key.unique_key(&worker.facts.which.keys, u64::from(number_of(witness.key)));
        let known = told(&key);
        Violation {
            requirement: id.to_owned(),
            why: witness.why.to_string(),
            operations: witness.operations.iter().map(line).collect(),
            rows: known.as_ref().and_then(|one| one.rows.clone()),
            curl: known.map(|one| one.curl).unwrap_or_default(),
            key,
        }
    });
    witnesses.collect()
}
