//! `report.html`: a run on one page, to be searched, filtered and linked to.
//!
//! Takes a [`Report`], gives a page that needs nothing beside it. What differs
//! between what the reference answered and what came is marked word by word.

use std::collections::BTreeSet;

use minijinja::value::Serde;
use minijinja::{Error, Value, context};
use similar::{ChangeTag, TextDiff};

use crate::contract::Level;
use crate::report::causes::{Cause, sentences};
use crate::report::human::is_said_first;
use crate::report::language::Language;
use crate::report::page::page;
use crate::report::streams::StreamMark;
use crate::report::timeline::{TimelineSpan, svg};
use crate::report::visited;
use crate::report::words::duration;
use crate::report::{BurstFacts, Finding, ProjectFacts, Report, ScenarioReport, Verdict};

const BODY: &str = include_str!("page/report.html.j2");

/// The page.
///
/// # Errors
/// When the template names what is not there.
pub fn write(report: &Report, language: Language) -> Result<String, Error> {
    let (inapplicable, judged): (Vec<&ScenarioReport>, Vec<&ScenarioReport>) =
        report.scenarios.iter().partition(|one| one.verdict == Verdict::NotApplicable);
    let (open, passed): (Vec<&ScenarioReport>, Vec<&ScenarioReport>) =
        judged.into_iter().partition(|one| one.verdict != Verdict::Pass || !one.findings.is_empty());
    let topics: BTreeSet<&str> = report.scenarios.iter().map(|one| topic(&one.id)).collect();
    let verdicts: BTreeSet<&str> = report.scenarios.iter().map(|one| one.verdict.name()).collect();
    page(
        BODY,
        context! {
            report => Value::from(Serde(report)),
            first => report.run.notes.iter().filter(|note| is_said_first(note)).cloned().collect::<Vec<_>>(),
            notes => report.run.notes.iter().filter(|note| !is_said_first(note)).cloned().collect::<Vec<_>>(),
            project => report.project.as_ref().map(ProjectFacts::told),
            words => language.overall(report.summary.verdict),
            verdict => report.summary.verdict.words().replace(' ', "-"),
            took => duration((report.run.duration_ms * 1e3) as u64),
            topics => topics.into_iter().map(str::to_owned).collect::<Vec<String>>(),
            verdicts => verdicts.into_iter().map(str::to_owned).collect::<Vec<String>>(),
            requirements => report.requirements.iter().map(|one| context! {
                id => one.id.clone(),
                verdict => one.verdict.name(),
                level => if one.level == Level::Must { "must" } else { "should" },
                sentence => one.sentence_in(language).to_owned(),
                reason => one.reason.clone(),
            }).collect::<Vec<_>>(),
            required => report.required.iter().flat_map(|one| &one.missing).map(|one| one.told(language)).collect::<Vec<_>>(),
            visit => visited::rows(report, language),
            causes => report.causes.iter().map(|one| cause(one, report, language)).collect::<Vec<_>>(),
            inapplicable => folded(&inapplicable, report, language),
            open => open.into_iter().map(|one| shown(one, report, language)).collect::<Vec<_>>(),
            passed => passed.into_iter().map(|one| shown(one, report, language)).collect::<Vec<_>>(),
        },
        language,
    )
}

fn cause(one: &Cause, report: &Report, language: Language) -> Value {
    let example = &one.example;
    context! {
        id => one.id.clone(),
        verdict => if one.level == Level::Must { "must" } else { "should" },
        requirement => one.requirement.clone(),
        sentence => sentences::sentence(one, language),
        explains => sentences::explains(one, language),
        advice => sentences::advice(one, language),
        requires => report.sentence_of(&one.requirement, language).to_owned(),
        anchor => anchor(&example.scenario),
        scenario => example.scenario.clone(),
        expected => language.retold(&example.expected),
        reference => language.retold(&example.reference),
        observed => marked(&language.retold(&example.reference), &language.retold(&example.observed)),
        curl => example.curl.clone(),
        again => example.again.clone(),
        output => example.output.join("\n"),
        output_shared => example.output_shared,
    }
}

/// Scenarios that were not applicable, a line a reason, the most frequent first.
fn folded(scenarios: &[&ScenarioReport], report: &Report, language: Language) -> Vec<Value> {
    let none = language.say("reason-none");
    let mut reasons: Vec<(&str, Vec<&ScenarioReport>)> = Vec::new();
    for one in scenarios {
        let reason = one.reason.as_deref().unwrap_or(&none);
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, all)) => all.push(one),
            None => reasons.push((reason, vec![one])),
        }
    }
    reasons.sort_by_key(|(_, all)| std::cmp::Reverse(all.len()));
    let told = |(reason, all): &(&str, Vec<&ScenarioReport>)| {
        context! {
            reason => language.retold(reason),
            count => language.with("count-scenarios", &[("count", all.len().into())]),
            scenarios => all.iter().map(|one| shown(one, report, language)).collect::<Vec<_>>(),
        }
    };
    reasons.iter().map(told).collect()
}

fn topic(id: &str) -> &str {
    id.split('/').next().unwrap_or(id)
}

fn anchor(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}

fn shown(scenario: &ScenarioReport, report: &Report, language: Language) -> Value {
    let must = scenario.shows.iter().any(|id| report.requirements.iter().any(|one| one.id == *id && one.level == Level::Must));
    context! {
        id => scenario.id.clone(),
        anchor => anchor(&scenario.id),
        title => scenario.title_in(language).to_owned(),
        verdict => scenario.verdict.name(),
        reason => scenario.reason.clone(),
        shows => scenario.shows.clone(),
        file => scenario.file.clone(),
        topic => topic(&scenario.id).to_owned(),
        level => if must { "must" } else { "should" },
        took => duration((scenario.duration_ms * 1e3) as u64),
        bursts => scenario.bursts.iter().map(|one| burst(one, language)).collect::<Vec<_>>(),
        timelines => timelines(scenario, report, language),
        findings => scenario.findings.iter().map(|one| finding(one, report, language)).collect::<Vec<_>>(),
    }
}

fn burst(one: &BurstFacts, language: Language) -> String {
    let spread = duration(one.release_spread_us);
    let facts =
        [("step", one.step.into()), ("deliveries", one.deliveries.into()), ("spread", spread.into()), ("most", one.most_at_once.into())];
    language.with("page-burst", &facts)
}

/// Who overlapped whom: bursts, histories that no order explains, and event streams beside deliveries.
fn timelines(scenario: &ScenarioReport, report: &Report, language: Language) -> Vec<Value> {
    let timeline = |title: String, lanes: &[TimelineSpan]| {
        context! {
            title => title,
            svg => Value::from_safe_string(svg(lanes, language)),
            rows => lanes.iter().flat_map(|lane| rows_of(lane, language)).collect::<Vec<_>>(),
            streams => lanes.iter().any(|lane| lane.stream.is_some()),
        }
    };
    let streams = scenario.streams.iter().filter(|streams| streams.lanes.iter().any(|lane| lane.stream.is_some()));
    let bursts = scenario.bursts.iter().filter(|burst| !burst.lanes.is_empty());
    let histories =
        report.history.iter().flat_map(|history| &history.witnesses).filter(|one| one.scenario == scenario.id && !one.lanes.is_empty());
    bursts
        .map(|burst| timeline(language.with("page-overlap", &[("step", burst.step.into())]), &burst.lanes))
        .chain(histories.map(|one| {
            timeline(
                language.with("page-overlap-key", &[("key", one.key.as_str().into()), ("why", language.retold(&one.why).into())]),
                &one.lanes,
            )
        }))
        .chain(streams.map(|streams| {
            let facts = [("streams", streams.opened.into()), ("events", streams.events.into())];
            timeline(language.with("page-streams", &facts), &streams.lanes)
        }))
        .collect()
}

/// A lane in numbers; below a stream what came on it.
fn rows_of(lane: &TimelineSpan, language: Language) -> Vec<Value> {
    let row =
        |key: String, start: u64, took: String, got: String| context! { key => key, start => duration(start), took => took, got => got };
    let own = row(lane.key.clone(), lane.start_us, lane.took(language), lane.got(language));
    let marks = lane.stream.iter().flat_map(|stream| &stream.marks);
    let of_mark = |mark: &StreamMark| row(lane.key.clone(), mark.at_us, String::new(), mark.told());
    std::iter::once(own).chain(marks.map(of_mark)).collect()
}

fn finding(finding: &Finding, report: &Report, language: Language) -> Value {
    context! {
        requirement => finding.requirement.clone(),
        sentence => report.sentence_of(&finding.requirement, language).to_owned(),
        step => finding.step,
        step_name => finding.step_name.clone(),
        line => finding.line,
        expected => language.retold(&finding.expected),
        reference => language.retold(&finding.reference),
        observed => marked(&language.retold(&finding.reference), &language.retold(&finding.observed)),
        curl => finding.curl.clone(),
        output => finding.output.join("\n"),
        output_shared => finding.output_shared,
    }
}

/// `observed`, with the words that the reference's answer does not have marked.
fn marked(reference: &str, observed: &str) -> Value {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut html = String::new();
    let mut inside = false;
    for change in TextDiff::from_words(reference, observed).iter_all_changes() {
        let is_new = match change.tag() {
            ChangeTag::Delete => continue,
            ChangeTag::Insert => true,
            ChangeTag::Equal => false,
        };
        if is_new != inside {
            html.push_str(if is_new { "<mark>" } else { "</mark>" });
            inside = is_new;
        }
        html.push_str(&escaped(change.value()));
    }
    if inside {
        html.push_str("</mark>");
    }
    Value::from_safe_string(html)
}

#[cfg(test)]
mod tests {
    use super::marked;

    #[test]
    fn what_the_reference_does_not_say_is_marked() {
        assert_eq!(marked("202 accepted once", "202 accepted <twice>").to_string(), "202 accepted <mark>&lt;twice&gt;</mark>");
        assert_eq!(marked("same", "same").to_string(), "same");
    }
}
