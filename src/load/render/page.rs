//! `load.html`: a load on one page, with its charts.

use minijinja::value::Serde;
use minijinja::{Error, Value, context};

use super::sentences::{amount, effort, knee, measured, model, notes, per_second, summary, unexpected};
use crate::load::knee::Step;
use crate::load::report::LoadReport;
use crate::load::streams::report::StreamSecond;
use crate::load::streams::sentences as streams;
use crate::report::ProjectFacts;
use crate::report::language::Language;
use crate::report::page::chart::{Chart, Line, Scale, seconds};
use crate::report::page::page as fill;
use crate::report::words::duration;

/// In a page of charts, one.
#[derive(Debug, serde::Serialize)]
struct Drawn {
    title: String,
    svg: String,
    /// The colour and the name of every line.
    legend: Vec<(String, String)>,
}

const BODY: &str = include_str!("load.html.j2");

/// The page.
///
/// # Errors
/// When the template names what is not there.
pub fn page(report: &LoadReport, language: Language) -> Result<String, Error> {
    let charts = charts(report, language);
    let [title] = ["load-heat-chart"].map(|key| language.say(key));
    fill(
        BODY,
        context! {
            report => Value::from(Serde(report)),
            project => report.project.as_ref().map(ProjectFacts::told),
            words => language.overall(report.verdict),
            verdict => report.verdict.words().replace(' ', "-"),
            summary => summary(report, language),
            model => model(report, language),
            rows_read => report.requirements.iter().any(|one| one.id.starts_with("DB-") && one.checked > 0),
            sentences => report.requirements.iter().map(|one| one.sentence_in(language).to_owned()).collect::<Vec<_>>(),
            checked => report.requirements.iter().map(|one| amount(one.checked, one.of, language)).collect::<Vec<_>>(),
            notes => notes(report, language),
            achieved => per_second(report.rate_per_s),
            wanted => report.wanted_per_s.map(per_second),
            outcomes => unexpected(report, language),
            measured => report.gates.iter().map(|gate| measured(gate, language)).collect::<Vec<_>>(),
            charts => Value::from(Serde(charts)),
            heat => report.heat.svg(&title).map(Value::from_safe_string),
            knee_found => knee(report, language),
            knee_heads => ["load-wanted", "load-achieved", "page-verdict", "p50", "p99", "knee-between", "load-dropped-label", "knee-why"]
                .map(|key| if key.starts_with('p') && key.len() == 3 { key.to_owned() } else { language.say(key) }).to_vec(),
            knee_steps => report.knee.iter().flat_map(|knee| &knee.steps).map(|step| row(step, language)).collect::<Vec<_>>(),
            effort => effort(report, language),
            streams => streams::facts(report, language),
            streams_wrong => streams::wrong(report, language),
        },
        language,
    )
}

fn drawn(chart: &Chart<'_>) -> Drawn {
    let legend = chart.lines.iter().map(|line| (line.colour.to_owned(), line.name.to_owned())).collect();
    Drawn { title: chart.title.to_owned(), svg: chart.svg(), legend }
}

/// Words below a chart stand so far apart at the least, as a share of its width.
const APART: f64 = 0.25;

/// What there is to draw: the knee of a search first, then one load over time.
fn charts(report: &LoadReport, language: Language) -> Vec<Drawn> {
    let say = |key: &str| language.say(key);
    let latency = |value: f64| duration(value as u64);
    let count = |value: f64| format!("{value:.0}");
    let percent = |value: f64| format!("{value:.0}%");
    let second = |at: f64| format!("{at:.0} s");
    let rate = |at: f64| per_second(at);
    let mut charts = Vec::new();
    if let Some(knee) = &report.knee {
        // Of a rate that was tried again, the last try.
        let mut steps: Vec<&Step> = knee.steps.iter().rev().collect();
        steps.sort_by(|one, other| one.wanted_per_s.total_cmp(&other.wanted_per_s));
        steps.dedup_by(|one, other| (one.wanted_per_s - other.wanted_per_s).abs() < f64::EPSILON);
        let each = |pick: fn(&Step) -> u64| steps.iter().map(|step| (step.wanted_per_s, pick(step) as f64)).collect::<Vec<_>>();
        let last = steps.last().map(|step| step.wanted_per_s);
        // Two words at one place could not be read.
        let is_apart = |last: &f64| knee.last_good_per_s.is_none_or(|good| (last - good).abs() > last * APART);
        let ends = [knee.last_good_per_s, last.filter(is_apart)];
        let places: Vec<(f64, String)> = std::iter::once(0.0).chain(ends.into_iter().flatten()).map(|at| (at, per_second(at))).collect();
        let (title, dropped, name) = (say("knee-latency-chart"), say("knee-dropped-chart"), say("load-dropped-label"));
        let lines = vec![
            Line { name: "p50", colour: "a", points: each(|step| step.p50_us) },
            Line { name: "p99", colour: "b", points: each(|step| step.p99_us) },
        ];
        let scale = Scale::Logarithmic;
        charts.push(drawn(&Chart { title: &title, lines, places: places.clone(), scale, words: latency, at: rate }));
        let lines = vec![Line { name: &name, colour: "b", points: each(|step| step.dropped) }];
        charts.push(drawn(&Chart { title: &dropped, lines, places, scale: Scale::Linear, words: count, at: rate }));
    }
    let each = |pick: fn(&crate::load::report::Second) -> u64| {
        report.series.iter().enumerate().map(|(at, second)| (at as f64, pick(second) as f64)).collect::<Vec<_>>()
    };
    let places = seconds(report.series.len().saturating_sub(1) as f64);
    // A second in which nothing was answered has no latency, least of all the best.
    let answered = |pick| each(pick).into_iter().filter(|(_, us)| *us > 0.0).collect();
    let lines = vec![
        Line { name: "p50", colour: "a", points: answered(|second| second.p50_us) },
        Line { name: "p90", colour: "d", points: answered(|second| second.p90_us) },
        Line { name: "p99", colour: "b", points: answered(|second| second.p99_us) },
        Line { name: "p99.9", colour: "c", points: answered(|second| second.p999_us) },
    ];
    let title = say("load-latency-chart");
    charts.push(drawn(&Chart { title: &title, lines, places: places.clone(), scale: Scale::Linear, words: latency, at: second }));
    let (title, a_second, wrong, wanted) = (say("load-rate-chart"), say("load-a-second"), say("load-not-as"), say("load-wanted"));
    let mut lines = vec![
        Line { name: &a_second, colour: "a", points: each(|second| second.answers) },
        Line { name: &wrong, colour: "b", points: each(|second| second.errors) },
    ];
    if report.wanted_per_s.is_some() {
        lines.insert(0, Line { name: &wanted, colour: "d", points: each(|second| second.wanted.unwrap_or(0)) });
    }
    charts.push(drawn(&Chart { title: &title, lines, places, scale: Scale::Linear, words: count, at: second }));
    if let Some(streams) = &report.streams {
        let each = |pick: fn(&StreamSecond) -> u64| {
            streams.series.iter().enumerate().map(|(at, second)| (at as f64, pick(second) as f64)).collect::<Vec<_>>()
        };
        let places = seconds(streams.series.len().saturating_sub(1) as f64);
        let lines = vec![
            Line { name: "p50", colour: "a", points: each(|second| second.p50_us) },
            Line { name: "p99", colour: "b", points: each(|second| second.p99_us) },
        ];
        let title = say("load-to-event-chart");
        charts.push(drawn(&Chart { title: &title, lines, places, scale: Scale::Linear, words: latency, at: second }));
    }
    // The further right, the fewer deliveries were slower: each step is a tenth of the one before.
    let nines = |quantile: f64| -(1.0 - quantile).max(1e-6).log10();
    let curve = report.curve.iter().filter(|point| point.quantile < 1.0).map(|point| (nines(point.quantile), point.us as f64)).collect();
    let (title, all) = (say("load-curve-chart"), say("load-all"));
    charts.push(drawn(&Chart {
        title: &title,
        lines: vec![Line { name: &all, colour: "a", points: curve }],
        places: [(0.0, "0%"), (1.0, "90%"), (2.0, "99%"), (3.0, "99.9%"), (4.0, "99.99%")]
            .map(|(at, words)| (at, words.to_owned()))
            .to_vec(),
        scale: Scale::Logarithmic,
        words: latency,
        at: |nines| format!("{:.3}%", (1.0 - 10f64.powf(-nines)) * 100.0),
    }));
    let looks = &report.effort.looks;
    if looks.iter().any(|look| look.own_cpu_percent.is_some()) {
        let each = |pick: fn(&crate::load::effort::Reading) -> Option<f64>| {
            looks.iter().filter_map(|look| Some((look.at_s, pick(look)?))).collect::<Vec<(f64, f64)>>()
        };
        let (title, own, receiver) = (say("load-effort-chart"), say("load-generator"), say("load-receiver"));
        let mut lines = vec![Line { name: &own, colour: "a", points: each(|look| look.own_cpu_percent) }];
        if looks.iter().any(|look| look.receiver_cpu_percent.is_some()) {
            lines.push(Line { name: &receiver, colour: "b", points: each(|look| look.receiver_cpu_percent) });
        }
        let places = seconds(looks.last().map_or(0.0, |look| look.at_s));
        charts.push(drawn(&Chart { title: &title, lines, places, scale: Scale::Linear, words: percent, at: second }));
    }
    charts
}

/// A step of a search, as a row of its table.
fn row(step: &Step, language: Language) -> Vec<String> {
    let [low, high] = step.p99_between_us;
    vec![
        per_second(step.wanted_per_s),
        per_second(step.rate_per_s),
        language.say(if step.kept { "knee-kept" } else { "knee-broken" }),
        duration(step.p50_us),
        duration(step.p99_us),
        format!("{}–{}", duration(low), duration(high)),
        step.dropped.to_string(),
        step.why.join(", "),
    ]
}
