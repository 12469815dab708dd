//! Joins the reports of shards: what several runs have judged of one suite, as if one had.
//!
//! In: reports of which each played another part. Out: one report, whose
//! verdicts are tallied anew from all scenarios. A shard that is missing, there
//! twice or of another suite is told: a part that nobody played is never
//! counted as passed.

use crate::number::total;
use crate::report::causes::{attribute, causes};
use crate::report::required::required;
use crate::report::tally::{self, Asked, fail};
use crate::report::{
    BaselineFacts, HistoryFacts, ProjectFacts, RepeatFacts, Report, RequirementReport, ScenarioReport, SnapshotFacts, Verdict,
};

/// So many that are missing are told.
const TOLD: usize = 20;

/// One report of all shards, with the names of their folders.
///
/// # Errors
/// One sentence: what is missing, or does not belong together.
pub fn joined(shards: &[(String, Report)]) -> Result<Report, String> {
    let Some((_, first)) = shards.first() else { return Err("there is no shard to merge".to_owned()) };
    belong_together(shards)?;
    let mut report = first.clone();
    let mut scenarios: Vec<ScenarioReport> = shards.iter().flat_map(|(_, one)| one.scenarios.iter().cloned()).collect();
    scenarios.sort_by(|one, other| one.id.cmp(&other.id));
    if let Some(twice) = scenarios.windows(2).find(|pair| pair[0].id == pair[1].id) {
        return Err(format!("{} was played in two of the shards: each must have other scenarios", twice[0].id));
    }
    let all = || shards.iter().map(|(_, one)| one);
    report.run.shard = None;
    // Shards that were judged by different files were judged by none in common.
    report.project = ProjectFacts::in_common(&shards.iter().map(|(_, shard)| shard.project.as_ref()).collect::<Vec<_>>());
    report.run.started_at = all().map(|one| one.run.started_at.clone()).min().unwrap_or_default();
    report.run.duration_ms = all().map(|one| one.run.duration_ms).fold(0.0, f64::max);
    report.run.deliveries = total(all().map(|one| one.run.deliveries));
    report.run.hidden_answers = total(all().map(|one| one.run.hidden_answers));
    report.run.ended_early = all().find_map(|one| one.run.ended_early.clone());
    report.run.notes = all().flat_map(|one| one.run.notes.iter().cloned()).fold(Vec::new(), |mut notes, note| {
        if !notes.contains(&note) {
            notes.push(note);
        }
        notes
    });
    report.run.notes.push(format!("Joined from {} shards, which ran side by side.", shards.len()));
    report.history = all().map(|one| one.history.clone()).reduce(histories).flatten();
    report.baseline = all().filter_map(|one| one.baseline.clone()).reduce(baselines);
    if all().any(|one| one.snapshots.is_some()) != all().all(|one| one.snapshots.is_some()) {
        return Err("some shards were compared with snapshots and others were not: give all of them --snapshots, or none".to_owned());
    }
    report.snapshots = all().filter_map(|one| one.snapshots.clone()).reduce(snapshots);
    report.repeat = all().filter_map(|one| one.repeat.clone()).reduce(repeats);
    let refused = |one: &&Report| one.visit.as_ref().is_some_and(|visit| visit.refused.is_some());
    report.visit = all().find(refused).or(shards.first().map(|(_, one)| one)).and_then(|one| one.visit.clone());
    attribute(&mut scenarios);
    let reports: Vec<&Report> = all().collect();
    let asked: Vec<Asked> = first.requirements.iter().map(|one| asked(one, &reports)).collect();
    report.requirements = tally::requirements(&asked, &scenarios);
    report.summary = tally::summary(&scenarios, report.run.ended_early.as_deref());
    report.scenarios = scenarios;
    report.required = all().find_map(|one| one.required.as_ref()).map(|one| required(&one.asked, &report.requirements));
    report.causes = causes(&report);
    // What fails a shard for something else than a scenario fails the whole.
    if fails_beside_its_scenarios(&report) {
        fail(&mut report.summary);
    }
    Ok(report)
}

fn belong_together(shards: &[(String, Report)]) -> Result<(), String> {
    let mut of = None;
    let mut seen: Vec<(usize, &str)> = Vec::new();
    for (path, report) in shards {
        let part = report.run.shard.as_deref().and_then(|text| text.split_once('/'));
        let Some((Ok(number), Ok(count))) = part.map(|(number, count)| (number.parse::<usize>(), count.parse::<usize>())) else {
            return Err(format!("{path} is no shard: it was not made by `run --shard K/N`"));
        };
        let wanted = *of.get_or_insert(count);
        if wanted != count {
            return Err(format!("{path} is one of {count} shards, and the others are of {wanted}"));
        }
        if let Some((_, other)) = seen.iter().find(|(one, _)| *one == number) {
            return Err(format!("{path} and {other} are the same shard, {number}/{count}"));
        }
        seen.push((number, path));
    }
    // Of however many there are said to be, as many are told as anybody would read.
    let missing = (1..=of.unwrap_or(0)).filter(|number| seen.iter().all(|(one, _)| one != number));
    let missing: Vec<String> = missing.take(TOLD).map(|number| number.to_string()).collect();
    if !missing.is_empty() {
        return Err(format!("of {} shards, number {} is missing: give the folders of all", of.unwrap_or(0), missing.join(", ")));
    }
    let Some((path, first)) = shards.first() else { return Ok(()) };
    for (other, report) in shards {
        if (&report.contract, &report.tool) != (&first.contract, &first.tool) {
            let told = |report: &Report| format!("{} by version {}", report.contract, report.tool.version);
            return Err(format!("{other} is of {}, and {path} of {}", told(report), told(first)));
        }
    }
    Ok(())
}

/// What was asked, from what a shard says of a requirement that it did not judge.
pub(super) fn asked(one: &RequirementReport, reports: &[&Report]) -> Asked {
    let same = || reports.iter().flat_map(|report| &report.requirements).filter(|other| other.id == one.id);
    // Reports of before it was written down have it in the reason alone.
    let reasons = || same().filter(|other| other.verdict == Verdict::NotApplicable).filter_map(|other| other.reason.as_deref());
    let behind = |word: &str| reasons().find_map(|reason| reason.strip_prefix(word)).map(str::to_owned);
    Asked {
        id: one.id.clone(),
        level: one.level,
        sentence: one.sentence.clone(),
        topic: one.topic.clone(),
        translations: one.translations.clone(),
        memory: one.memory,
        excluded: same().find_map(|other| other.excluded.clone()).or_else(|| behind("excluded: ")),
        not_promised: same().find_map(|other| other.not_promised.clone()).or_else(|| behind("not promised by the contract: ")),
    }
}

fn histories(one: Option<HistoryFacts>, other: Option<HistoryFacts>) -> Option<HistoryFacts> {
    let (mut one, other) = (one?, other?);
    for (sum, more) in [
        (&mut one.keys, other.keys),
        (&mut one.consistent, other.consistent),
        (&mut one.broken, other.broken),
        (&mut one.undecided, other.undecided),
    ] {
        *sum = sum.saturating_add(more);
    }
    one.witnesses.extend(other.witnesses);
    Some(one)
}

fn baselines(mut one: BaselineFacts, other: BaselineFacts) -> BaselineFacts {
    one.holding.extend(other.holding);
    one.stale.extend(other.stale);
    // An entry is stale when no shard needs it, and each tells only of its own scenarios.
    one.stale.retain(|line| !one.holding.iter().any(|place| line.starts_with(place)));
    for list in [&mut one.stale, &mut one.holding] {
        list.sort();
        list.dedup();
    }
    one
}

fn repeats(mut one: RepeatFacts, other: RepeatFacts) -> RepeatFacts {
    one.runs = one.runs.max(other.runs);
    one.differing.extend(other.differing);
    one
}

/// Whether something else than a scenario makes a run not conform: snapshots, a baseline that is stale, verdicts that differ.
///
/// A part of a suite cannot tell that an entry of a baseline is stale, nor what the other parts judge.
#[must_use]
pub fn fails_beside_its_scenarios(report: &Report) -> bool {
    report.snapshots.as_ref().is_some_and(|facts| facts.fails)
        || (report.run.shard.is_none() && report.required.as_ref().is_some_and(|facts| !facts.missing.is_empty()))
        || (report.run.shard.is_none() && report.baseline.as_ref().is_some_and(|facts| !facts.stale.is_empty()))
        || report.repeat.as_ref().is_some_and(|facts| !facts.differing.is_empty())
        || report.visit.as_ref().is_some_and(|visit| visit.refused.is_some())
}

fn snapshots(mut one: SnapshotFacts, other: SnapshotFacts) -> SnapshotFacts {
    one.matched = one.matched.saturating_add(other.matched);
    one.new.extend(other.new);
    one.changed.extend(other.changed);
    one.unreferenced.retain(|name| other.unreferenced.contains(name));
    one.new.sort();
    one.changed.sort();
    one.pending = one.pending.saturating_add(other.pending);
    one.fails |= other.fails;
    one
}
