//! Two loads side by side: what is right, how fast, and whether the difference is more than noise.

use std::collections::BTreeMap;

use crate::load::report::{LoadReport, Second, unexpected};
use crate::report::compare::{Comparison, NumberChange, SCHEMA, Side, differences, requirements};

/// With fewer seconds nothing can be said of how much a number varies by itself.
const FEWEST_SECONDS: usize = 5;
/// Two loads that differ in nothing lie this many deviations apart once in a hundred times.
const DEVIATIONS: f64 = 2.6;

/// Compares two reports of loads.
#[must_use]
pub fn loads(before: (&str, &LoadReport), after: (&str, &LoadReport)) -> Comparison {
    let (one, other) = (before.1, after.1);
    let verdicts =
        |report: &LoadReport| report.requirements.iter().map(|judged| (judged.id.clone(), judged.verdict)).collect::<BTreeMap<_, _>>();
    let side = |(path, report): (&str, &LoadReport)| Side {
        path: path.to_owned(),
        kind: "load".to_owned(),
        contract: report.contract.clone(),
        verdict: report.verdict.words().to_owned(),
    };
    let mix = |report: &LoadReport| report.mix.iter().map(|(kind, weight)| format!("{kind}={weight}")).collect::<Vec<_>>().join(",");
    let (told, told_now) = (unexpected(one), unexpected(other));
    let gone = told.iter().filter(|line| !told_now.contains(line)).map(|line| format!("before: {line}"));
    let came = told_now.iter().filter(|line| !told.contains(line)).map(|line| format!("after: {line}"));
    Comparison {
        schema: SCHEMA.to_owned(),
        before: side(before),
        after: side(after),
        requirements: requirements(&verdicts(one), &verdicts(other), &|_| (String::new(), None)),
        tables: Vec::new(),
        numbers: numbers(one, other),
        answers: gone.chain(came).collect(),
        environment: differences(&[
            ("version", &one.tool.version, &other.tool.version),
            ("contract", &one.contract, &other.contract),
            ("model", &one.model, &other.model),
            ("users", &one.users.to_string(), &other.users.to_string()),
            ("mix", &mix(one), &mix(other)),
        ]),
        worse: Vec::new(),
    }
}

fn numbers(one: &LoadReport, other: &LoadReport) -> Vec<NumberChange> {
    let mut numbers = Vec::new();
    let whole = |report: &LoadReport, pick: fn(&Second) -> u64| {
        // The last second is rarely whole.
        let seconds = report.series.len().saturating_sub(1);
        report.series.iter().take(seconds).map(|second| pick(second) as f64).collect::<Vec<_>>()
    };
    let mut push = |name: &str, unit: &str, before: f64, after: f64, pick: fn(&Second) -> u64| {
        let noise = match (deviation(&whole(one, pick)), deviation(&whole(other, pick))) {
            (Some(first), Some(second)) => Some(first.hypot(second) * DEVIATIONS),
            (_, _) => None,
        };
        let grew = after > before;
        let change = match noise {
            None => "unknown",
            Some(noise) if (after - before).abs() <= noise => "same",
            // More a second is better, longer is worse.
            Some(_) if grew == (unit == "/s") => "better",
            Some(_) => "worse",
        };
        numbers.push(NumberChange { name: name.to_owned(), before, after, unit: unit.to_owned(), noise, change: change.to_owned() });
    };
    push("rate", "/s", one.rate_per_s, other.rate_per_s, |second| second.deliveries);
    if let (Some(before), Some(after)) = (one.latency_us, other.latency_us) {
        push("p50", "us", before.p50 as f64, after.p50 as f64, |second| second.p50_us);
        push("p99", "us", before.p99 as f64, after.p99 as f64, |second| second.p99_us);
    }
    numbers
}

/// The standard deviation of what was measured second by second.
fn deviation(values: &[f64]) -> Option<f64> {
    if values.len() < FEWEST_SECONDS {
        return None;
    }
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    Some((values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt())
}
