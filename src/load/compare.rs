//! Two loads side by side: what is right, how fast, and whether the difference is more than noise.
//!
//! Either side may be one load or the same load made several times. How much a
//! number varies by itself is taken from the repetitions; with one load a side,
//! from its seconds, which know nothing of what differs from load to load.

use std::collections::{BTreeMap, BTreeSet};

use crate::load::report::{LoadReport, Second};
use crate::load::telling::unexpected;
use crate::report::compare::{Comparison, NumberChange, SCHEMA, Side, differences, requirements};
use crate::report::language::Language;
use crate::report::{Overall, Verdict};

/// With fewer seconds nothing can be said of how much a number varies by itself.
const FEWEST_SECONDS: usize = 5;
/// Two seconds that differ in nothing lie this many deviations apart once in a hundred times.
const DEVIATIONS: f64 = 2.6;
/// A histogram of three significant figures shows no smaller part of a number.
const SMALLEST: f64 = 0.002;
/// Student's t, two-sided, one in a hundred, for 1, 2, 3 … degrees of freedom; more of them change little.
const STUDENT: [f64; 12] = [63.66, 9.92, 5.84, 4.60, 4.03, 3.71, 3.50, 3.36, 3.25, 3.17, 3.11, 3.05];

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
    let facts: Vec<(&str, [String; 2])> = vec![
        ("made-version", fact(&|report| report.tool.version.clone())),
        ("made-contract", fact(&|report| report.contract.clone())),
        ("made-contract-file", fact(&|report| report.made_from.contract_sha256.clone())),
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
        requirements: requirements(&verdicts(one), &verdicts(other), &|_| (String::new(), None), language),
        numbers: numbers(one, other),
        answers,
        environment: differences(&pairs, language),
        language,
        ..Comparison::default()
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

/// A number of every load of a side, and how it lay second by second in the first of them.
struct Measured {
    each: Vec<f64>,
    seconds: Vec<f64>,
}

impl Measured {
    fn of(reports: &[LoadReport], whole: impl Fn(&LoadReport) -> Option<f64>, second: fn(&Second) -> u64) -> Self {
        // The last second is rarely whole.
        let series = reports.first().map(|report| report.series.split_last().map_or(&[][..], |(_, rest)| rest)).unwrap_or_default();
        Self { each: reports.iter().filter_map(whole).collect(), seconds: series.iter().map(|one| second(one) as f64).collect() }
    }

    /// What varies: repetitions where there are any, else seconds.
    fn varying(&self) -> &[f64] {
        if self.each.len() > 1 { &self.each } else { &self.seconds }
    }

    fn spread(&self) -> Option<[f64; 2]> {
        let low = self.varying().iter().copied().reduce(f64::min)?;
        let high = self.varying().iter().copied().reduce(f64::max)?;
        Some([low, high])
    }
}

/// How far apart the means of two sides may lie when nothing differs between them.
fn noise(before: &Measured, after: &Measured) -> Option<f64> {
    let (one, other) = (before.each.len(), after.each.len());
    if one < 2 && other < 2 {
        let long_enough = |measured: &Measured| measured.seconds.len() >= FEWEST_SECONDS;
        let both = long_enough(before) && long_enough(after);
        return both.then(|| deviation(&before.seconds).hypot(deviation(&after.seconds)) * DEVIATIONS);
    }
    // A side that was made once is taken to vary as the other does.
    let sides = [(one, &before.each), (other, &after.each)];
    let freedom: usize = sides.iter().filter(|(count, _)| *count > 1).map(|(count, _)| count - 1).sum();
    let squares: f64 =
        sides.iter().filter(|(count, _)| *count > 1).map(|(count, each)| deviation(each).powi(2) * (*count - 1) as f64).sum();
    let pooled = (squares / freedom as f64).sqrt();
    let student = STUDENT.get(freedom - 1).or(STUDENT.last()).copied().unwrap_or(DEVIATIONS);
    Some(student * pooled * (1.0 / one as f64 + 1.0 / other as f64).sqrt())
}

fn numbers(one: &[LoadReport], other: &[LoadReport]) -> Vec<NumberChange> {
    let mut numbers = Vec::new();
    let mut push = |name: &str, unit: &str, whole: &dyn Fn(&LoadReport) -> Option<f64>, second: fn(&Second) -> u64| {
        let (was, is) = (Measured::of(one, whole, second), Measured::of(other, whole, second));
        let Some(before) = mean(&was.each) else { return };
        // A number that is not there any more is no better for it: nothing was answered.
        let after_or_none = mean(&is.each);
        let after = after_or_none.unwrap_or_default();
        let noise = noise(&was, &is).map(|noise| noise.max(before * SMALLEST).max(1.0));
        let grew = after > before;
        let change = match noise {
            _ if after_or_none.is_none() || (unit == "/s" && after == 0.0) => "worse",
            None => "unknown",
            Some(noise) if (after - before).abs() <= noise => "same",
            // More a second is better, longer is worse.
            Some(_) if grew == (unit == "/s") => "better",
            Some(_) => "worse",
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
    push("rate", "/s", &|report| Some(report.rate_per_s), |second| second.deliveries);
    push("p50", "us", &|report| report.latency_us.map(|latency| latency.p50 as f64), |second| second.p50_us);
    push("p99", "us", &|report| report.latency_us.map(|latency| latency.p99 as f64), |second| second.p99_us);
    numbers
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The standard deviation of two values or more.
fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values).unwrap_or_default();
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (values.len() as f64 - 1.0).max(1.0)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(each: &[f64]) -> Measured {
        Measured { each: each.to_vec(), seconds: Vec::new() }
    }

    /// Two samples of three, by hand: both deviations are 1, t for 4 degrees of freedom is 4.60.
    #[test]
    fn noise_is_what_student_says() {
        let noise = noise(&measured(&[9.0, 10.0, 11.0]), &measured(&[19.0, 20.0, 21.0])).expect("repeated loads have noise");
        assert!((noise - 4.60 * (2.0_f64 / 3.0).sqrt()).abs() < 1e-9, "{noise}");
    }

    #[test]
    fn one_load_a_side_needs_seconds() {
        let of = |seconds: &[f64]| Measured { each: vec![1.0], seconds: seconds.to_vec() };
        assert_eq!(noise(&of(&[1.0; 4]), &of(&[1.0; 9])), None);
        assert_eq!(noise(&of(&[1.0; 5]), &of(&[1.0; 5])), Some(0.0));
    }
}
