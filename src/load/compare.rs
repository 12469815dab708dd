//! Two loads side by side: what is right, how fast, and whether the difference is more than noise.
//!
//! Either side may be one load or the same load made several times. What is
//! noise is [`noise`](super::noise)'s affair.

use std::collections::{BTreeMap, BTreeSet};

use crate::contract::Level;
use crate::load::noise::{Compared, Margin, Measured, compared, quantiles_about};
use crate::load::render::sentences::unexpected;
use crate::load::report::{LoadReport, Second};
use crate::report::compare::{About, Comparison, NumberChange, SCHEMA, Side, differences, projects, requirements};
use crate::report::language::Language;
use crate::report::{Overall, Verdict};

/// What two loads that were made once each may differ by, and nothing has changed: the machine did other work.
struct Margins {
    rate: Margin,
    median: Margin,
    tail: Margin,
}

/// Where the fastest deliveries became slower too, or nothing is known of them. Latencies in microseconds.
const USUAL: Margins = Margins {
    rate: Margin { share: 0.2, least: 1.0, by_rank: true },
    median: Margin { share: 0.25, least: 1_000.0, by_rank: true },
    tail: Margin { share: 1.0, least: 10_000.0, by_rank: true },
};
/// Where the fastest tenth is as fast as before: whoever waits longer may have waited for the machine, some turns of its scheduler.
const SAME_FLOOR: Margins = Margins {
    rate: Margin { share: 0.5, least: 1.0, by_rank: true },
    median: Margin { share: 0.25, least: 20_000.0, by_rank: true },
    tail: Margin { share: 1.0, least: 50_000.0, by_rank: true },
};
/// Of the fastest tenth, which other work of the machine moves least: what every delivery takes longer is seen here first.
const FLOOR: Margin = Margin { share: 0.5, least: 2_000.0, by_rank: false };

/// Compares loads.
///
/// * `before`, `after`: each with the path that it was named by; one report, or several of the same load.
#[must_use]
pub fn loads(before: (&str, &[LoadReport]), after: (&str, &[LoadReport]), language: Language) -> Comparison {
    let (one, other) = (before.1, after.1);
    let (told, told_now) = (all_unexpected(one, language), all_unexpected(other, language));
    let only = |these: &BTreeSet<String>, those: &BTreeSet<String>, key: &str| {
        these.difference(those).map(|line| format!("{}: {line}", language.say(key))).collect::<Vec<_>>()
    };
    let mut answers = only(&told, &told_now, "compare-before");
    answers.extend(only(&told_now, &told, "compare-after"));
    let fact = |pick: &dyn Fn(&LoadReport) -> String| [one, other].map(|all| all.first().map(pick).unwrap_or_default());
    let file = |all: &[LoadReport]| all.first().and_then(|report| report.project.clone());
    let [[project, text], [project_now, text_now]] = projects([&file(one), &file(other)], language);
    let facts: Vec<(&str, [String; 2])> = vec![
        ("made-version", fact(&|report| report.tool.version.clone())),
        ("made-contract", fact(&|report| report.contract.clone())),
        ("made-contract-file", fact(&|report| report.made_from.contract_sha256.clone())),
        ("made-project", [project, project_now]),
        ("made-project-text", [text, text_now]),
        ("made-target", fact(&|report| report.target.clone())),
        ("made-model", fact(&|report| report.model.clone())),
        ("made-arrivals", fact(&|report| report.arrivals.clone().unwrap_or_default())),
        ("made-users", fact(&|report| report.users.to_string())),
        ("made-mix", fact(&mix)),
        ("made-repeats", [one.len(), other.len()].map(|count| count.to_string())),
    ];
    let pairs: Vec<(&str, &String, &String)> = facts.iter().map(|(key, [was, is])| (*key, was, is)).collect();
    Comparison {
        schema: SCHEMA.to_owned(),
        before: side(before),
        after: side(after),
        requirements: requirements(&verdicts(one), &verdicts(other), &|id| About::of(id, one, other, language), language),
        numbers: numbers(one, other),
        answers,
        environment: differences(&pairs, language),
        language,
        ..Comparison::default()
    }
}

impl About {
    fn of(id: &str, one: &[LoadReport], other: &[LoadReport], language: Language) -> Self {
        let judged = other.iter().chain(one).flat_map(|report| &report.requirements).find(|judged| judged.id == id);
        let sentence = judged.map(|judged| judged.sentence_in(language).to_owned()).unwrap_or_default();
        Self { sentence, reason: None, level: judged.map_or(Level::Must, |judged| judged.level) }
    }
}

fn side((path, reports): (&str, &[LoadReport])) -> Side {
    let worst = [Overall::DoesNotConform, Overall::Incomplete, Overall::Interrupted, Overall::Undecided, Overall::Conforms]
        .into_iter()
        .find(|verdict| reports.iter().any(|report| report.verdict == *verdict));
    Side {
        path: path.to_owned(),
        kind: "load".to_owned(),
        contract: reports.first().map(|report| report.contract.clone()).unwrap_or_default(),
        verdict: worst.unwrap_or_default().words().to_owned(),
    }
}

/// What was judged, the worst of all loads.
fn verdicts(reports: &[LoadReport]) -> BTreeMap<String, Verdict> {
    let weight = |verdict: Verdict| match verdict {
        Verdict::Fail => 5,
        Verdict::Known => 4,
        Verdict::Undecided => 3,
        Verdict::Warn => 2,
        Verdict::Pass => 1,
        Verdict::NotApplicable => 0,
    };
    let mut verdicts: BTreeMap<String, Verdict> = BTreeMap::new();
    for one in reports.iter().flat_map(|report| &report.requirements) {
        // What was held against nothing has not been kept.
        let verdict = if one.checked == 0 { Verdict::NotApplicable } else { one.verdict };
        let known = verdicts.entry(one.id.clone()).or_insert(verdict);
        if weight(verdict) > weight(*known) {
            *known = verdict;
        }
    }
    verdicts
}

fn all_unexpected(reports: &[LoadReport], language: Language) -> BTreeSet<String> {
    reports.iter().flat_map(|report| unexpected(report, language)).collect()
}

fn mix(report: &LoadReport) -> String {
    report.mix.iter().map(|(kind, weight)| format!("{kind}={weight}")).collect::<Vec<_>>().join(",")
}

/// What a number was in the loads of a side.
///
/// * `second`: what a second had of it; `quantile`: which it is, for latencies.
fn measured(
    reports: &[LoadReport],
    whole: &dyn Fn(&LoadReport) -> Option<f64>,
    second: fn(&Second) -> f64,
    quantile: Option<f64>,
) -> Measured {
    let first = reports.first();
    // The last second is rarely whole, and one without answers has no latency.
    let whole_seconds = |report: &LoadReport| (report.seconds.floor() as usize).min(report.series.len());
    let series = first.map(|report| &report.series[..whole_seconds(report)]).unwrap_or_default();
    let seconds = series.iter().map(second).filter(|value| *value > 0.0 || quantile.is_none()).collect();
    let counted = first.zip(quantile).and_then(|(report, quantile)| {
        let [low, high] = quantiles_about(quantile, report.deliveries);
        Some([on_curve(report, low)?, on_curve(report, high)?])
    });
    Measured { each: reports.iter().filter_map(whole).collect(), seconds, counted }
}

/// The latency that such a share of deliveries kept, in microseconds.
fn on_curve(report: &LoadReport, share: f64) -> Option<f64> {
    report.curve.iter().find(|point| point.quantile >= share).or(report.curve.last()).map(|point| point.us as f64)
}

fn numbers(one: &[LoadReport], other: &[LoadReport]) -> Vec<NumberChange> {
    let mut numbers = Vec::new();
    let floor = |report: &LoadReport| on_curve(report, 0.1);
    let [was, is] = [one, other].map(|all| measured(all, &floor, |_| 0.0, Some(0.1)));
    let margins = if compared(&was, &is, FLOOR).differ == Some(false) { SAME_FLOOR } else { USUAL };
    let mut push =
        |name: &str, unit: &str, margin: Margin, whole: &dyn Fn(&LoadReport) -> Option<f64>, second: fn(&Second) -> f64, quantile| {
            let (was, is) = (measured(one, whole, second, quantile), measured(other, whole, second, quantile));
            let Some(before) = was.mean() else { return };
            // A number that is not there any more is no better for it: nothing was answered.
            let after_or_none = is.mean();
            let after = after_or_none.unwrap_or_default();
            let Compared { noise, differ } = compared(&was, &is, margin);
            // More a second is better, longer is worse.
            let is_better = (after > before) == (unit == "/s");
            let change = match differ {
                _ if after_or_none.is_none() || (unit == "/s" && after == 0.0 && before > 0.0) => "worse",
                None => "unknown",
                Some(false) => "same",
                Some(true) if is_better => "better",
                Some(true) => "worse",
            };
            numbers.push(NumberChange {
                name: name.to_owned(),
                before,
                after,
                unit: unit.to_owned(),
                before_spread: was.spread(),
                after_spread: is.spread(),
                noise,
                change: change.to_owned(),
            });
        };
    push("rate", "/s", margins.rate, &|report| Some(report.rate_per_s), |second| second.deliveries as f64, None);
    push("p10", "us", FLOOR, &floor, |_| 0.0, Some(0.1));
    push(
        "p50",
        "us",
        margins.median,
        &|report| report.latency_us.map(|latency| latency.p50 as f64),
        |second| second.p50_us as f64,
        Some(0.5),
    );
    push(
        "p99",
        "us",
        margins.tail,
        &|report| report.latency_us.map(|latency| latency.p99 as f64),
        |second| second.p99_us as f64,
        Some(0.99),
    );
    numbers
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A load of five steady seconds: its fastest tenth, and its median, in microseconds.
    fn load(tenth: u64, median: u64) -> LoadReport {
        let second = json!({"deliveries": 100, "answers": 100, "errors": 0, "p50_us": median, "p99_us": 60_000});
        let curve = [(0.0, tenth), (0.3, tenth), (0.4, median), (0.9, median), (1.0, 60_000)];
        let curve: Vec<_> = curve.into_iter().map(|(quantile, us)| json!({"quantile": quantile, "us": us})).collect();
        let latency = json!({"p50": median, "p90": median, "p95": median, "p99": 60_000, "p999": 60_000, "max": 60_000});
        serde_json::from_value(json!({
            "schema": "hookgate.load/1", "tool": {"name": "hookgate", "version": "0"}, "target": "t", "contract": "c", "model": "open",
            "started_at": "2026-01-01T00:00:00", "users": 8, "seed": 1, "deliveries": 500, "operations": 500, "seconds": 5.0,
            "rate_per_s": 100.0, "kinds": {}, "latency_us": latency, "errors": {}, "curve": curve, "series": vec![second; 5],
            "requirements": [], "gates": [], "kept_up": true, "verdict": "conforms",
        }))
        .unwrap_or_else(|wrong| unreachable!("{wrong}"))
    }

    fn changes(before: (u64, u64), after: (u64, u64)) -> Vec<(String, String)> {
        let numbers = numbers(&[load(before.0, before.1)], &[load(after.0, after.1)]);
        numbers.into_iter().map(|one| (one.name, one.change)).filter(|(_, change)| change != "same").collect()
    }

    /// A sleep of 5 ms makes every delivery slower; a busy machine leaves the fastest as they were. Both were measured.
    #[test]
    fn what_every_delivery_takes_longer_is_worse() {
        let worse = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), "worse".to_owned())).collect::<Vec<_>>();
        assert_eq!(changes((517, 619), (5_600, 6_000)), worse(&["p10", "p50"]));
        assert_eq!(changes((517, 619), (563, 4_700)), worse(&[]));
        assert_eq!(changes((517, 619), (563, 40_000)), worse(&["p50"]));
        assert_eq!(changes((600, 4_000), (600, 4_000)), worse(&[]));
    }
}
