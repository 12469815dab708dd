//! `trend.html`: the trend on one page.

use minijinja::{Error, Value, context};

use super::markdown::{moment, numbers, sign, turns};
use super::{Entry, Of, OfContract, Row, Trend};
use crate::contract::Level;
use crate::report::language::Language;
use crate::report::page::chart::{Chart, Line, Scale};
use crate::report::page::page;
use crate::report::words::duration;
use crate::report::{Overall, Verdict};

const BODY: &str = include_str!("../page/trend.html.j2");
/// So many reports have their numbers under a chart; of more, every n-th.
const MOST_PLACES: usize = 10;

impl Trend {
    /// The page.
    ///
    /// # Errors
    /// When the template names what is not there.
    pub fn html(&self) -> Result<String, Error> {
        let language = self.language;
        let last = self.contracts.first().and_then(|one| one.reports.last());
        page(
            BODY,
            context! {
                contracts => self.contracts.iter().enumerate().map(|(at, one)| contract(at, one, language)).collect::<Vec<_>>(),
                passed_over => self.passed_over.clone(),
                reports => self.contracts.iter().map(|one| one.reports.len()).sum::<usize>(),
                verdict => last.map(|one| badge(one.verdict)),
                words => last.map(|one| language.overall(one.verdict)),
            },
            language,
        )
    }
}

fn contract(number: usize, one: &OfContract, language: Language) -> Value {
    let (open, kept): (Vec<&Row>, Vec<&Row>) = one.requirements.iter().partition(|row| row.was_broken());
    let row = |row: &Row| {
        let cells = row.verdicts.iter().zip(&one.reports).enumerate().map(|(at, (verdict, report))| {
            let words = verdict.map(|verdict| language.verdict(verdict)).unwrap_or_default();
            context! {
                sign => sign(*verdict),
                verdict => verdict.map(Verdict::name).unwrap_or_default(),
                told => format!("{} #{} {}: {words}", row.id, at + 1, moment(&report.started_at)),
                turns => row.turns.iter().any(|turn| turn.at == at),
            }
        });
        context! {
            id => row.id.clone(),
            sentence => row.sentence.clone(),
            must => row.level == Level::Must,
            cells => cells.collect::<Vec<_>>(),
        }
    };
    context! {
        anchor => format!("contract-{}", number + 1),
        contract => one.contract.clone(),
        turns => turns(one, language),
        reports => one.reports.iter().enumerate().map(|(at, report)| entry(at, report, language)).collect::<Vec<_>>(),
        open => open.into_iter().map(row).collect::<Vec<_>>(),
        kept => kept.into_iter().map(row).collect::<Vec<_>>(),
        charts => charts(one, language),
    }
}

fn entry(at: usize, report: &Entry, language: Language) -> Value {
    let [rate, p50, p99] = numbers(report);
    context! {
        number => at + 1,
        path => report.path.clone(),
        of => language.say(match report.of { Of::Run => "trend-of-run", Of::Load => "trend-of-load" }),
        when => moment(&report.started_at),
        verdict => badge(report.verdict),
        words => language.overall(report.verdict),
        broken => report.broken,
        took => duration((report.took_ms * 1000.0) as u64),
        rate, p50, p99,
    }
}

/// The class of a verdict's badge.
fn badge(verdict: Overall) -> String {
    verdict.words().replace(' ', "-")
}

/// Broken requirements and times of runs, rates and latencies of loads: a drawing each, where there is anything to draw.
fn charts(one: &OfContract, language: Language) -> Vec<Value> {
    let of = |wanted: Of| one.reports.iter().enumerate().filter(move |(_, report)| report.of == wanted);
    let points = |wanted: Of, value: &dyn Fn(&Entry) -> Option<f64>| -> Vec<(f64, f64)> {
        of(wanted).filter_map(|(at, report)| Some((at as f64, value(report)?))).collect()
    };
    let broken: Vec<(f64, f64)> = one.reports.iter().enumerate().map(|(at, report)| (at as f64, report.broken as f64)).collect();
    let took = points(Of::Run, &|report| Some(report.took_ms * 1000.0));
    let rates = points(Of::Load, &|report| report.rate_per_s);
    let (p50, p99) = (points(Of::Load, &|report| Some(report.p50_us? as f64)), points(Of::Load, &|report| Some(report.p99_us? as f64)));
    let whole: fn(f64) -> String = |value| if value.fract().abs() < 0.01 { format!("{value:.0}") } else { String::new() };
    let per_second: fn(f64) -> String = |value| format!("{value:.0}/s");
    let span: fn(f64) -> String = |value| duration(value.max(0.0) as u64);
    let (half, most) = (language.say("trend-p50"), language.say("trend-p99"));
    let (of_broken, of_took, of_rate) = (language.say("trend-broken"), language.say("trend-took"), language.say("trend-rate"));
    let of_latency = language.say("trend-latency");
    let line = |name, colour, points| Line { name, colour, points };
    let all = [
        (&of_broken, vec![line(of_broken.as_str(), "b", broken)], whole, Scale::Linear),
        (&of_took, vec![line(of_took.as_str(), "a", took)], span, Scale::Linear),
        (&of_rate, vec![line(of_rate.as_str(), "c", rates)], per_second, Scale::Linear),
        (&of_latency, vec![line(half.as_str(), "a", p50), line(most.as_str(), "b", p99)], span, Scale::Logarithmic),
    ];
    let places = places(one.reports.len());
    let drawn = all.into_iter().filter(|(_, lines, ..)| lines.iter().any(|line| line.points.len() > 1));
    drawn
        .map(|(title, lines, words, scale)| {
            let legend = lines.iter().map(|line| context! { name => line.name, colour => line.colour }).collect::<Vec<_>>();
            let chart = Chart { title, lines, places: places.clone(), scale, words, at: |at| format!("#{:.0}", at + 1.0) };
            context! { title => title.clone(), svg => Value::from_safe_string(chart.svg()), legend }
        })
        .collect()
}

/// The numbers of reports under a chart.
fn places(reports: usize) -> Vec<(f64, String)> {
    let step = reports.div_ceil(MOST_PLACES).max(1);
    (0..reports).step_by(step).map(|at| (at as f64, format!("#{}", at + 1))).collect()
}
