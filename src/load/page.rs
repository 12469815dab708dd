//! `load.html`: a load on one page, with its charts.

use minijinja::value::Serde;
use minijinja::{Error, Value, context};

use super::report::LoadReport;
use super::telling::{measured, model, summary, unexpected};
use crate::report::language::Language;
use crate::report::page::chart::{Chart, Line, Scale, seconds};
use crate::report::page::{page as fill, svg};
use crate::report::words::duration;

const BODY: &str = include_str!("load.html.j2");

/// The page.
///
/// # Errors
/// When the template names what is not there.
pub fn page(report: &LoadReport, language: Language) -> Result<String, Error> {
    let each = |pick: fn(&super::report::Second) -> u64| {
        report.series.iter().enumerate().map(|(at, second)| (at as f64, pick(second) as f64)).collect::<Vec<_>>()
    };
    let places = seconds(report.series.len().saturating_sub(1) as f64);
    let latency = |value: f64| duration(value as u64);
    let count = |value: f64| format!("{value:.0}");
    let [latency_title, rate_title, curve_title, a_second, wrong, all] =
        ["load-latency-chart", "load-rate-chart", "load-curve-chart", "load-a-second", "load-not-as", "load-all"]
            .map(|key| language.say(key));
    let latency_chart = Chart {
        title: &latency_title,
        lines: vec![
            Line { name: "p50", colour: "a", points: each(|second| second.p50_us) },
            Line { name: "p99", colour: "b", points: each(|second| second.p99_us) },
        ],
        places: places.clone(),
        scale: Scale::Linear,
        words: latency,
    };
    let rate_chart = Chart {
        title: &rate_title,
        lines: vec![
            Line { name: &a_second, colour: "a", points: each(|second| second.deliveries) },
            Line { name: &wrong, colour: "b", points: each(|second| second.errors) },
        ],
        places,
        scale: Scale::Linear,
        words: count,
    };
    // The further right, the fewer deliveries were slower: each step is a tenth of the one before.
    let nines = |quantile: f64| -(1.0 - quantile).max(1e-6).log10();
    let curve = report.curve.iter().filter(|point| point.quantile < 1.0).map(|point| (nines(point.quantile), point.us as f64)).collect();
    let curve_chart = Chart {
        title: &curve_title,
        lines: vec![Line { name: &all, colour: "a", points: curve }],
        places: [(0.0, "0%"), (1.0, "90%"), (2.0, "99%"), (3.0, "99.9%"), (4.0, "99.99%")]
            .map(|(at, words)| (at, words.to_owned()))
            .to_vec(),
        scale: Scale::Logarithmic,
        words: latency,
    };
    fill(
        BODY,
        context! {
            report => Value::from(Serde(report)),
            words => language.overall(report.verdict),
            verdict => report.verdict.words().replace(' ', "-"),
            summary => summary(report, language),
            model => model(report, language),
            rows_read => report.requirements.iter().any(|one| one.id.starts_with("DB-") && one.checked > 0),
            outcomes => unexpected(report, language),
            measured => report.gates.iter().map(|gate| measured(gate, language)).collect::<Vec<_>>(),
            latency_chart => svg(&latency_chart),
            rate_chart => svg(&rate_chart),
            curve_chart => svg(&curve_chart),
        },
        language,
    )
}
