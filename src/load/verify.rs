//! Evidence: does the report of a load agree with itself?
//!
//! In: a report as it was read from its file. Out: what does not follow from
//! the rest of it, a sentence each. Nothing is read here.

use super::gate::Gate;
use super::knee::Knee;
use super::render::sentences::measured;
use super::report::{KindReport, LoadReport};
use super::streams::report::StreamsReport;
use super::window::Told;
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
    if !report.workers.is_empty() {
        let of_workers: u64 = report.workers.iter().map(|one| one.deliveries).sum();
        if of_workers != report.deliveries {
            wrong.push(format!("{} deliveries are said to be measured, and its workers have {of_workers}", report.deliveries));
        }
    }
    if !report.contracts.is_empty() {
        let of_contracts: u64 = report.contracts.iter().map(|one| one.deliveries).sum();
        if of_contracts != report.deliveries {
            wrong.push(format!("{} deliveries are said to be measured, and its contracts have {of_contracts}", report.deliveries));
        }
        for one in report.contracts.iter().filter(|one| one.verdict == Overall::DoesNotConform && report.verdict != one.verdict) {
            wrong.push(format!("the contract {} is said to be broken, and the verdict is `{}`", one.name, report.verdict.words()));
        }
    }
    wrong.extend(rates_wrong(report));
    for one in &report.requirements {
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

/// Rates follow from answers and the time in which they came, both of which the series has once more.
fn rates_wrong(report: &LoadReport) -> Vec<String> {
    let mut wrong = Vec::new();
    if report.window == Told::default() && report.seconds > 0.0 {
        // It was written before windows were told: its rate is of all deliveries, answered or not.
        if (report.rate_per_s * report.seconds - report.deliveries as f64).abs() > 1.0 + report.deliveries as f64 * ROUNDED {
            wrong.push(format!("{} deliveries in {} s are not {} a second", report.deliveries, report.seconds, report.rate_per_s));
        }
        return wrong;
    }
    let answers: u64 = report.series.iter().map(|second| second.answers).sum();
    let lost: u64 = report.errors.values().sum();
    if answers + lost != report.deliveries {
        wrong.push(format!(
            "its seconds have {answers} answers, where {} deliveries and {lost} without an answer are told",
            report.deliveries
        ));
    }
    let is_near = |one: f64, other: f64| (one - other).abs() <= ROUNDED * one.abs().max(other.abs()).max(1.0);
    if !is_near(report.window.seconds(), report.seconds) {
        wrong.push(format!("{} s are said to be measured, and its window has {} s", report.seconds, report.window.seconds()));
    }
    if !is_near(report.rate_per_s * report.seconds, answers as f64) {
        wrong.push(format!("{answers} answers in {} s are not {} a second", report.seconds, report.rate_per_s));
    }
    // The last answer came in the last second that has one.
    let last = report.series.iter().rposition(|second| second.answers > 0);
    let of_window = (report.window.last_answer_s - report.window.warm_until_s).max(0.0);
    if last.is_some_and(|last| of_window.floor() as usize != last) {
        wrong.push(format!("the last answer is said to have come after {of_window} s, and its seconds have it elsewhere"));
    }
    let wanted: Option<u64> = report.series.iter().map(|second| second.wanted).sum();
    if let (Some(each), Some(all)) = (wanted, report.wanted_per_s) {
        let planned = (report.window.planned_end_s - report.window.warm_until_s).max(0.0);
        // A profile that was cut short, or ended after so many, has asked for more than was to be sent.
        let is_short = each as f64 - planned * all > 1.0;
        // Each of several workers has counted its own from its own beginning.
        let off_by = report.workers.len().max(report.contracts.len()).max(1) as f64;
        if !is_short && (planned * all - each as f64).abs() > off_by {
            wrong.push(format!("{all} a second are said to be wanted for {planned} s, and its seconds want {each}"));
        }
    }
    if report.kept_up && report.dropped > 0 {
        wrong.push(format!("the wanted rate is said to be kept, and {} deliveries were dropped", report.dropped));
    }
    let streams = report.streams.as_ref();
    for gate in &report.gates {
        let told = match gate.gate.split(['<', '>', '=']).next() {
            Some("rate") => Some(report.rate_per_s),
            Some("dropped") => Some(report.dropped as f64),
            Some("stream_lost") => streams.map(|streams| streams.lost as f64),
            Some("stream_doubled") => streams.map(|streams| streams.doubled as f64),
            Some("stream_out_of_order") => streams.map(|streams| streams.out_of_order as f64),
            Some("stream_p99") => streams.and_then(|streams| streams.latency_us).map(|latency| latency.p99 as f64),
            _ => None,
        };
        if let (Some(told), Some(value)) = (told, gate.value)
            && !is_near(told, value)
        {
            wrong.push(format!("gate {} has measured {value}, and the report tells {told}", gate.gate));
        }
    }
    wrong
}

/// What subscribers have read follows from what was due and what is wrong.
fn streams_wrong(streams: &StreamsReport) -> Option<String> {
    let missing = streams.lost + streams.evicted + streams.open;
    let of_series: u64 = streams.series.iter().map(|second| second.events).sum();
    if streams.due > streams.events + missing {
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
    let agrees = match report.verdict {
        Overall::DoesNotConform => is_broken || may_break,
        // A search that was interrupted, or whose generator was late, has come to no end of its own.
        Overall::Interrupted => is_search || !is_broken,
        Overall::Undecided => !is_broken || report.knee.as_ref().is_some_and(|knee| knee.generator_was_late),
        Overall::Conforms | Overall::Incomplete => !is_broken,
    };
    (!agrees).then(|| format!("the verdict is `{}`, and its requirements, gates and answers say otherwise", report.verdict.words()))
}
