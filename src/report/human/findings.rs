//! What was not as promised, scenario by scenario, as the terminal shows it.
//!
//! The first failures in full, the rest a line each: whoever broke everything
//! wants to know that, and whoever broke one thing wants to see it.

use super::{BOLD, DIM, Voice, copyable, hanging, one_line, style_of, visible};
use crate::report::again::again;
use crate::report::words::padded;
use crate::report::{Finding, Report, ScenarioReport, Verdict};

/// How many scenarios are told in full.
const MOST_IN_FULL: usize = 12;
/// How many findings of one scenario are told in full.
const MOST_FINDINGS: usize = 4;
/// So many scenarios of one reason are told one by one; more are counted.
const MOST_OF_ONE_REASON: usize = 6;
/// How many lines an answer may take.
const MOST_LINES: usize = 4;
/// The columns that labels take.
const LABELS: usize = 12;
/// A command longer than this is left to `report.json`; cut off, it would be of no use.
pub(super) const LONGEST_CURL: usize = 1200; // characters

/// Failures first, then warnings, what is known, and what is undecided.
pub(super) fn write(report: &Report, voice: Voice) -> String {
    let mut text = String::new();
    let mut told = 0;
    for verdict in [Verdict::Fail, Verdict::Warn] {
        let mut brief = 0;
        for scenario in report.scenarios.iter().filter(|one| one.verdict == verdict) {
            if told < MOST_IN_FULL {
                text.push_str(&in_full(report, scenario, voice));
            } else {
                text.push_str(&in_brief(scenario, voice));
                brief += 1;
            }
            told += 1;
        }
        if brief > 0 {
            text.push_str(&format!("{}\n\n", voice.with(DIM, &voice.say("findings-brief", &[]))));
        }
    }
    let mut open: Vec<(Verdict, String, Vec<&ScenarioReport>)> = Vec::new();
    for verdict in [Verdict::Known, Verdict::Undecided] {
        for scenario in report.scenarios.iter().filter(|one| one.verdict == verdict) {
            let reason =
                scenario.reason.as_deref().map_or_else(|| voice.say("reason-none", &[]), |reason| one_line(&voice.language.retold(reason)));
            match open.iter_mut().find(|(of, known, _)| *of == verdict && *known == reason) {
                Some((_, _, all)) => all.push(scenario),
                None => open.push((verdict, reason, vec![scenario])),
            }
        }
    }
    for (verdict, reason, scenarios) in &open {
        let reason = hanging("  ", reason, MOST_LINES, voice.width, str::to_owned);
        if scenarios.len() > MOST_OF_ONE_REASON {
            let count = voice.say("count-scenarios", &[("count", scenarios.len().into())]);
            text.push_str(&format!("{} {}\n{reason}\n", voice.with(style_of(*verdict), &word(*verdict, voice)), voice.with(BOLD, &count)));
        } else {
            scenarios.iter().for_each(|scenario| text.push_str(&format!("{}\n{reason}\n", title_line(scenario, voice))));
        }
    }
    if open.is_empty() { text } else { text + "\n" }
}

fn title_line(scenario: &ScenarioReport, voice: Voice) -> String {
    format!("{} {}", voice.with(style_of(scenario.verdict), &word(scenario.verdict, voice)), voice.with(BOLD, &one_line(&scenario.id)))
}

fn word(verdict: Verdict, voice: Voice) -> String {
    voice.say(&format!("title-{}", verdict.name()), &[])
}

fn in_brief(scenario: &ScenarioReport, voice: Voice) -> String {
    let mut broken: Vec<&str> = scenario.findings.iter().map(|finding| finding.requirement.as_str()).collect();
    broken.dedup();
    format!(
        "{} {}  {}\n",
        voice.with(style_of(scenario.verdict), &word(scenario.verdict, voice)),
        one_line(&scenario.id),
        one_line(&broken.join(", "))
    )
}

fn in_full(report: &Report, scenario: &ScenarioReport, voice: Voice) -> String {
    let mut text = format!(
        "{}\n{}\n",
        title_line(scenario, voice),
        hanging("  ", &one_line(scenario.title_in(voice.language)), MOST_LINES, voice.width, str::to_owned)
    );
    for finding in scenario.findings.iter().take(MOST_FINDINGS) {
        text.push_str(&block(report, scenario, finding, voice));
    }
    if scenario.findings.len() > MOST_FINDINGS {
        let more = voice.say("findings-more", &[("count", (scenario.findings.len() - MOST_FINDINGS).into())]);
        text.push_str(&format!("  {more}\n"));
    }
    if let Some(reason) = &scenario.reason {
        text.push_str(&labelled("label-reason", &one_line(&voice.language.retold(reason)), voice));
    }
    // As with curl: there to be copied.
    text + &format!("{}{}\n\n", label("label-again", voice), again(&report.run, scenario))
}

fn block(report: &Report, scenario: &ScenarioReport, finding: &Finding, voice: Voice) -> String {
    let sentence = report.sentence_of(&finding.requirement, voice.language);
    let step = finding.step_name.as_ref().map_or_else(String::new, |name| format!(" \"{}\"", one_line(name)));
    let mut text = labelled("label-requirement", one_line(&format!("{}  {sentence}", finding.requirement)).trim_end(), voice);
    for (label, value) in
        [("label-expected", &finding.expected), ("label-reference", &finding.reference), ("label-observed", &finding.observed)]
    {
        if !value.is_empty() {
            text.push_str(&labelled(label, &visible(&voice.language.retold(value)), voice));
        }
    }
    for line in &finding.output {
        text.push_str(&labelled("label-output", &visible(line), voice));
    }
    if finding.output_shared {
        text.push_str(&labelled("label-output", &voice.say("output-shared", &[]), voice));
    }
    let place = format!("{}:{}", one_line(&scenario.file), finding.line);
    let place = voice.say("place-step", &[("place", place.into()), ("step", finding.step.into()), ("name", step.into())]);
    text.push_str(&labelled("label-at", &place, voice));
    if finding.curl.chars().count() > LONGEST_CURL {
        text.push_str(&labelled("label-curl", &voice.say("curl-too-long", &[]), voice));
    } else if !finding.curl.is_empty() {
        // Never broken or indented further: it is there to be copied.
        text.push_str(&format!("{}{}\n", label("label-curl", voice), copyable(&finding.curl)));
    }
    text
}

/// The label of a key, and the blanks behind it.
pub(super) fn label(key: &str, voice: Voice) -> String {
    let word = voice.say(key, &[]);
    let shown = voice.with(DIM, &word);
    format!("  {shown}{}", &padded(&word, LABELS)[word.len()..])
}

pub(super) fn labelled(key: &str, text: &str, voice: Voice) -> String {
    let label = format!("  {}", padded(&voice.say(key, &[]), LABELS));
    format!("{}\n", hanging(&label, text, MOST_LINES, voice.width, |label| voice.with(DIM, label)))
}
