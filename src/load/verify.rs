//! Evidence: does the report of a load agree with itself?
//!
//! In: a report as it was read from its file, and the log of latencies beside it. Out: what does not follow from
//! the rest of it, a sentence each. Nothing is read here.

mod log;
mod rates;
mod requirements;

use super::gate::{Gate, GateResult, Measured};
use super::judging::Checked;
use super::knee::Knee;
use super::render::sentences::measured;
use super::report::{KindReport, Latency, LoadReport};
use super::streams::report::StreamsReport;
use super::window::Told;
use crate::contract::Contract;
use crate::number::total;
use crate::report::language::Language;
use crate::report::{Overall, Verdict};
use crate::scenario::requirement::Catalogue;

/// A rate is told as the quotient of two members; it may be off by so much of itself.
const ROUNDED: f64 = 1e-6;

/// Where a report does not follow from the log of latencies that lies beside it.
#[must_use]
pub fn against_log(report: &LoadReport, log: &str) -> Vec<String> {
    log::wrong(report, log)
}

/// Where a report lacks a requirement that every load under its contract tells, or tells it otherwise than the catalogue has it.
#[must_use]
pub fn against_catalogue(report: &LoadReport, contract: &Contract, catalogue: &Catalogue) -> Vec<String> {
    requirements::wrong(report, contract, catalogue)
}

/// Where a report does not follow from its own numbers.
#[must_use]
pub fn judged_again(report: &LoadReport) -> Vec<String> {
    let mut wrong = Vec::new();
    let sum = |of: fn(&KindReport) -> u64| total(report.kinds.values().map(of));
    let (sent, unexpected) = (sum(|kind| kind.sent), sum(|kind| kind.unexpected));
    if sent != report.deliveries {
        wrong.push(format!("{} deliveries are said to be measured, and its kinds have {sent}", report.deliveries));
    }
    let seconds = total(report.series.iter().map(|second| second.deliveries));
    if seconds != report.deliveries {
        wrong.push(format!("{} deliveries are said to be measured, and its seconds have {seconds}", report.deliveries));
    }
    for (name, kind) in report.kinds.iter().filter(|(_, kind)| kind.expected.checked_add(kind.unexpected) != Some(kind.sent)) {
        wrong.push(format!("{} of kind {name} were sent, {} as expected and {} not", kind.sent, kind.expected, kind.unexpected));
    }
    let told = total(report.errors.values().chain(report.kinds.values().flat_map(|kind| kind.statuses.values())).copied());
    if told != unexpected {
        wrong.push(format!("{unexpected} deliveries did not get what they should have, and {told} errors and statuses are told"));
    }
    if !report.workers.is_empty() {
        let of_workers = total(report.workers.iter().map(|one| one.deliveries));
        if of_workers != report.deliveries {
            wrong.push(format!("{} deliveries are said to be measured, and its workers have {of_workers}", report.deliveries));
        }
    }
    if !report.contracts.is_empty() {
        let of_contracts = total(report.contracts.iter().map(|one| one.deliveries));
        if of_contracts != report.deliveries {
            wrong.push(format!("{} deliveries are said to be measured, and its contracts have {of_contracts}", report.deliveries));
        }
        for one in report.contracts.iter().filter(|one| one.verdict == Overall::DoesNotConform && report.verdict != one.verdict) {
            wrong.push(format!("the contract {} is said to be broken, and the verdict is `{}`", one.name, report.verdict.words()));
        }
    }
    wrong.extend(rates::wrong(report));
    wrong.extend(counts_wrong(report));
    for one in &report.requirements {
        if one.verdict == Verdict::Pass && one.checked == 0 {
            wrong.push(format!("{} is said to be `{}`, and nothing was checked", one.id, one.verdict.name()));
        }
        if matches!(one.verdict, Verdict::Fail | Verdict::Warn | Verdict::Known) != (one.violations > 0) {
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
    wrong.extend(report.knee.as_ref().map(knee_wrong).unwrap_or_default());
    wrong.extend(report.streams.as_ref().and_then(streams_wrong));
    wrong.extend(verdict_wrong(report));
    wrong
}

/// What is told twice is told alike, and gates have measured what the report tells.
fn counts_wrong(report: &LoadReport) -> Vec<String> {
    let mut wrong = Vec::new();
    let has_answers = report.window != Told::default();
    for (name, kind) in report.kinds.iter().filter(|_| has_answers) {
        let unexpected = total(kind.statuses.values().copied());
        if kind.answered != kind.expected.saturating_add(unexpected) {
            wrong.push(format!("{} of kind {name} were answered, {} as expected and {unexpected} not", kind.answered, kind.expected));
        }
    }
    if report.operations < report.deliveries {
        wrong.push(format!("{} deliveries are said to be measured, of {} in all", report.deliveries, report.operations));
    }
    if !report.mix.is_empty() && !report.mix.keys().eq(report.kinds.keys()) {
        wrong.push("its mix has other kinds than were measured".to_owned());
    }
    let is_open = match report.model.as_str() {
        "open" => true,
        "closed" => false,
        other => {
            wrong.push(format!("there is no model `{other}`"));
            report.wanted_per_s.is_some()
        }
    };
    if report.wanted_per_s.is_some() && !is_open {
        wrong.push("a rate is said to be wanted of a closed model".to_owned());
    }
    // Of several contracts one may not have been judged.
    if !report.judged && !report.requirements.is_empty() && report.contracts.is_empty() {
        wrong.push(format!("nothing is said to be judged, and {} requirements are told", report.requirements.len()));
    }
    // A feed may have brought keys of before the load.
    if report.feed.is_none() && report.keys > report.operations {
        wrong.push(format!("{} keys are told of {} deliveries", report.keys, report.operations));
    }
    let of_keys = report.requirements.iter().filter(|one| report.keys > 0 && one.of == Checked::Keys && one.checked > report.keys);
    wrong.extend(
        of_keys.map(|one| format!("{} is said to have been checked of {} keys, where {} are told", one.id, one.checked, report.keys)),
    );
    wrong.extend(gates_wrong(report));
    wrong
}

/// What gates have measured is what the report tells.
fn gates_wrong(report: &LoadReport) -> Vec<String> {
    let names: Vec<String> = report.kinds.keys().cloned().collect();
    let answered = total(report.kinds.values().map(|kind| kind.answered));
    let seconds = report.seconds;
    let rate = |count: u64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
    let latency = |told: Option<Latency>| told.map(|one| [one.p50, one.p90, one.p95, one.p99, one.p999, one.max]);
    let of_kind = |kind: &KindReport| Measured {
        sent: kind.sent,
        errors: kind.unexpected,
        latency: latency(kind.latency_us),
        rate: rate(kind.answered),
        ..Measured::default()
    };
    let kinds = report.kinds.iter().map(|(name, kind)| (name.clone(), of_kind(kind))).collect();
    let all = Measured {
        sent: report.deliveries,
        errors: total(report.kinds.values().map(|kind| kind.unexpected)),
        latency: latency(report.latency_us),
        // It was written before answers were told.
        rate: if report.window == Told::default() { report.rate_per_s } else { rate(answered) },
        violations: total(report.requirements.iter().filter(|one| one.verdict == Verdict::Fail).map(|one| one.violations)),
        dropped: report.dropped,
        resent: Some(report.resent),
        streams: report.streams.as_ref().map(StreamsReport::measured),
    };
    let is_near = |one: f64, other: f64| (one - other).abs() <= ROUNDED * one.abs().max(other.abs()).max(1.0);
    let look = |gate: &GateResult| {
        let again = Gate::read(&gate.gate, &names).ok()?.judge(&all, &kinds);
        // What was not judged has no violations that could be counted.
        let value = again.value.filter(|_| !again.of_violations || report.judged);
        let agrees = match (gate.value, value) {
            (Some(told), Some(again)) => is_near(told, again),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        (!agrees).then(|| format!("gate {} has measured {}, and the report tells {}", gate.gate, number(gate.value), number(value)))
    };
    report.gates.iter().filter_map(look).collect()
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |value| value.to_string())
}

/// What subscribers have read follows from what was due and what is wrong.
fn streams_wrong(streams: &StreamsReport) -> Option<String> {
    let missing = total([streams.lost, streams.evicted, streams.open]);
    let of_series = total(streams.series.iter().map(|second| second.events));
    if streams.due > streams.events.saturating_add(missing) {
        let StreamsReport { due, events, .. } = streams;
        return Some(format!("{due} events are said to be due, {events} to have come, and {missing} to lack"));
    }
    if of_series > streams.events {
        return Some(format!("{} events are said to have come, and its seconds have {of_series}", streams.events));
    }
    let is_told = streams.wrong.is_empty() != (streams.broken() > 0);
    (!is_told).then(|| format!("{} events are said to be wrong, and {} examples are told", streams.broken(), streams.wrong.len()))
}

/// The ends of a search follow from its steps.
fn knee_wrong(knee: &Knee) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut look = |name: &str, rate: Option<f64>, told: [u32; 2], kept: bool| {
        let Some(rate) = rate else { return };
        let tries = || knee.steps.iter().filter(|step| (step.wanted_per_s - rate).abs() <= ROUNDED * rate.max(1.0));
        let found = [tries().count(), tries().filter(|step| step.kept == kept).count()];
        if found != told.map(|count| count as usize) || found[1] == 0 {
            wrong.push(format!(
                "{name} is said to be {rate} a second, in {} of {} tries, and its steps have {} of {}",
                told[1], told[0], found[1], found[0]
            ));
        }
    };
    look("the highest rate that was kept", knee.last_good_per_s, knee.last_good_votes, true);
    look("the lowest rate that was not", knee.first_bad_per_s, knee.first_bad_votes, false);
    if knee.ok != knee.last_good_per_s.is_some_and(|good| knee.at_least_per_s.is_none_or(|least| good >= least)) {
        wrong.push(format!("the search is said to have {}, and its ends say otherwise", if knee.ok { "succeeded" } else { "failed" }));
    }
    wrong
}

fn verdict_wrong(report: &LoadReport) -> Option<String> {
    let is_broken = report.requirements.iter().any(|one| one.verdict == Verdict::Fail)
        || report.gates.iter().any(|gate| !gate.ok)
        // A search allows as many unexpected answers as its conditions do.
        || report.knee.as_ref().map_or_else(|| report.kinds.values().any(|kind| !kind.statuses.is_empty()), |knee| !knee.ok);
    // A load that was ended by a condition breaks without breaking anything else.
    let may_break = report.notes.iter().any(|note| note.starts_with("Ended early"))
        // Where no requirement of the catalogue speaks of events, what is wrong with them breaks by itself.
        || report.streams.as_ref().is_some_and(|streams| streams.broken() > 0);
    let is_search = report.knee.is_some();
    let is_open = report.undecided > 0 || report.requirements.iter().any(|one| one.verdict == Verdict::Undecided);
    let agrees = match report.verdict {
        Overall::DoesNotConform => is_broken || may_break,
        // A search that was interrupted, or whose generator was late, has come to no end of its own.
        Overall::Interrupted => is_search || !is_broken,
        Overall::Undecided => !is_broken || report.knee.as_ref().is_some_and(|knee| knee.generator_was_late),
        Overall::Conforms => !is_broken && (!is_open || is_search),
        Overall::Incomplete => !is_broken,
    };
    (!agrees).then(|| format!("the verdict is `{}`, and its requirements, gates and answers say otherwise", report.verdict.words()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::contract::Level;
    use crate::load::effort::Effort;
    use crate::load::heat::HeatMap;
    use crate::load::judging::Judged;
    use crate::load::report::{SCHEMA, Second};
    use crate::report::Tool;
    use crate::report::manifest::MadeFrom;

    /// A report of nothing.
    pub(super) fn report() -> LoadReport {
        LoadReport {
            schema: SCHEMA.to_owned(),
            tool: Tool { name: "hookgate".to_owned(), version: "0".to_owned() },
            target: "http://h".to_owned(),
            contract: "c".to_owned(),
            made_from: MadeFrom::default(),
            project: None,
            model: "closed".to_owned(),
            arrivals: None,
            started_at: "2026-01-01T00:00:00Z".to_owned(),
            users: 1,
            seed: 1,
            mix: BTreeMap::new(),
            feed: None,
            deliveries: 0,
            operations: 0,
            seconds: 0.0,
            window: Told::default(),
            rate_per_s: 0.0,
            wanted_per_s: None,
            dropped: 0,
            resent: 0,
            late: 0,
            effort: Effort::default(),
            kinds: BTreeMap::new(),
            latency_us: None,
            errors: BTreeMap::new(),
            curve: Vec::new(),
            series: Vec::new(),
            heat: HeatMap::default(),
            knee: None,
            judged: true,
            undecided: 0,
            keys: 0,
            unexpected: Vec::new(),
            requirements: Vec::new(),
            violations: Vec::new(),
            gates: Vec::new(),
            kept_up: true,
            notes: Vec::new(),
            workers: Vec::new(),
            contracts: Vec::new(),
            streams: None,
            verdict: Overall::Conforms,
        }
    }

    /// What is altered in one place, and told in another, is seen.
    #[test]
    fn numbers_that_do_not_follow_are_told() {
        let latency = Latency { p50: 1_000, p90: 2_000, p95: 3_000, p99: 4_000, p999: 5_000, max: 6_000 };
        let kind = KindReport { sent: 100, answered: 100, expected: 100, latency_us: Some(latency), ..KindReport::default() };
        let gate = |text: &str, value: f64| GateResult {
            gate: text.to_owned(),
            value: Some(value),
            unit: String::new(),
            ok: true,
            of_violations: false,
        };
        let right = LoadReport {
            mix: BTreeMap::from([("fresh".to_owned(), 1)]),
            kinds: BTreeMap::from([("fresh".to_owned(), kind)]),
            deliveries: 100,
            operations: 100,
            seconds: 2.0,
            rate_per_s: 50.0,
            window: Told { warm_until_s: 0.0, planned_end_s: 2.0, last_answer_s: 0.5 },
            latency_us: Some(latency),
            series: vec![Second { deliveries: 100, answers: 100, ..Second::default() }],
            gates: vec![gate("p99<5ms", 4_000.0), gate("errors==0%", 0.0), gate("fresh.rate>=1/s", 50.0), gate("resent<1%", 0.0)],
            ..report()
        };
        assert_eq!(judged_again(&right), Vec::<String>::new());
        let looks = |change: fn(&mut LoadReport), wanted: &str| {
            let mut other = right.clone();
            change(&mut other);
            let told = judged_again(&other);
            assert!(told.iter().any(|one| one.contains(wanted)), "{wanted}: {told:?}");
        };
        looks(|report| report.latency_us.as_mut().unwrap().p99 = 4_900, "gate p99<5ms has measured 4000, and the report tells 4900");
        looks(|report| report.kinds.get_mut("fresh").unwrap().answered = 99, "99 of kind fresh were answered");
        looks(|report| report.operations = 99, "of 99 in all");
        let checked = Judged {
            id: "ONCE-3".to_owned(),
            level: Level::Must,
            sentence: String::new(),
            translations: BTreeMap::new(),
            verdict: Verdict::Pass,
            checked: 0,
            of: Checked::Keys,
            violations: 0,
        };
        let told = judged_again(&LoadReport { judged: false, requirements: vec![checked], ..right.clone() });
        for wanted in ["nothing is said to be judged", "ONCE-3 is said to be `pass`, and nothing was checked"] {
            assert!(told.iter().any(|one| one.contains(wanted)), "{wanted}: {told:?}");
        }
        looks(|report| report.undecided = 7, "say otherwise");
        looks(|report| report.keys = 101, "101 keys are told of 100 deliveries");
        looks(|report| report.model.push('x'), "there is no model `closedx`");
        looks(|report| report.resent = 50, "gate resent<1% has measured 0, and the report tells 50");
        looks(|report| report.mix.extend([("burst".to_owned(), 1)]), "its mix has other kinds");
    }
}
