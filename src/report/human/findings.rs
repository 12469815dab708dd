//! What was not as promised, scenario by scenario, as the terminal shows it.
//!
//! The first failures in full, the rest a line each: whoever broke everything
//! wants to know that, and whoever broke one thing wants to see it.

use super::{BOLD, DIM, Paint, again, copyable, counted, hanging, one_line, style_of, visible};
use crate::report::{Finding, Report, ScenarioReport, Verdict};

/// How many scenarios are told in full.
const MOST_IN_FULL: usize = 12;
/// How many findings of one scenario are told in full.
const MOST_FINDINGS: usize = 4;
/// How many lines an answer may take.
const MOST_LINES: usize = 4;
/// A command longer than this is left to `report.json`; cut off, it would be of no use.
const LONGEST_CURL: usize = 1200; // characters

/// Failures first, then warnings, what is known, and what is undecided.
pub(super) fn write(report: &Report, paint: Paint) -> String {
    let mut text = String::new();
    let mut told = 0;
    for verdict in [Verdict::Fail, Verdict::Warn] {
        let mut brief = 0;
        for scenario in report.scenarios.iter().filter(|one| one.verdict == verdict) {
            if told < MOST_IN_FULL {
                text.push_str(&in_full(report, scenario, paint));
            } else {
                text.push_str(&in_brief(scenario, paint));
                brief += 1;
            }
            told += 1;
        }
        if brief > 0 {
            text.push_str(&paint.with(DIM, "(a line each from here on; report.json has all of them)\n\n"));
        }
    }
    let mut open = 0;
    for verdict in [Verdict::Known, Verdict::Undecided] {
        for scenario in report.scenarios.iter().filter(|one| one.verdict == verdict) {
            let reason = scenario.reason.as_deref().unwrap_or("no reason was given");
            text.push_str(&format!("{}\n{}\n", title_line(scenario, paint), hanging("  ", &one_line(reason), MOST_LINES, str::to_owned)));
            open += 1;
        }
    }
    if open > 0 { text + "\n" } else { text }
}

fn title_line(scenario: &ScenarioReport, paint: Paint) -> String {
    format!("{} {}", paint.with(style_of(scenario.verdict), word(scenario.verdict)), paint.with(BOLD, &one_line(&scenario.id)))
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "PASS",
        Verdict::Warn => "WARN",
        Verdict::Fail => "FAIL",
        Verdict::Undecided => "UNDECIDED",
        Verdict::NotApplicable => "N/A",
        Verdict::Known => "KNOWN",
    }
}

fn in_brief(scenario: &ScenarioReport, paint: Paint) -> String {
    let mut broken: Vec<&str> = scenario.findings.iter().map(|finding| finding.requirement.as_str()).collect();
    broken.dedup();
    format!(
        "{} {}  {}\n",
        paint.with(style_of(scenario.verdict), word(scenario.verdict)),
        one_line(&scenario.id),
        one_line(&broken.join(", "))
    )
}

fn in_full(report: &Report, scenario: &ScenarioReport, paint: Paint) -> String {
    let mut text = format!("{}\n{}\n", title_line(scenario, paint), hanging("  ", &one_line(&scenario.title), MOST_LINES, str::to_owned));
    for finding in scenario.findings.iter().take(MOST_FINDINGS) {
        text.push_str(&block(report, scenario, finding, paint));
    }
    if scenario.findings.len() > MOST_FINDINGS {
        let more = counted(scenario.findings.len() - MOST_FINDINGS, "more finding", "more findings");
        text.push_str(&format!("  and {more}, in report.json\n"));
    }
    if let Some(reason) = &scenario.reason {
        text.push_str(&labelled("reason", &one_line(reason), paint));
    }
    // As with curl: there to be copied.
    text + &format!("  {}       {}\n\n", paint.with(DIM, "again"), again(report, scenario))
}

fn block(report: &Report, scenario: &ScenarioReport, finding: &Finding, paint: Paint) -> String {
    let sentence = report.requirements.iter().find(|one| one.id == finding.requirement).map_or("", |one| one.sentence.as_str());
    let step = finding.step_name.as_ref().map_or_else(String::new, |name| format!(" \"{}\"", one_line(name)));
    let mut text = labelled("requirement", one_line(&format!("{}  {sentence}", finding.requirement)).trim_end(), paint);
    for (label, value) in [("expected", &finding.expected), ("reference", &finding.reference), ("observed", &finding.observed)] {
        if !value.is_empty() {
            text.push_str(&labelled(label, &visible(value), paint));
        }
    }
    text.push_str(&labelled("at", &format!("{}:{}, step {}{step}", one_line(&scenario.file), finding.line, finding.step), paint));
    if finding.curl.chars().count() > LONGEST_CURL {
        text.push_str(&labelled("curl", "too long for a terminal; it is in report.json", paint));
    } else if !finding.curl.is_empty() {
        // Never broken or indented further: it is there to be copied.
        text.push_str(&format!("  {}        {}\n", paint.with(DIM, "curl"), copyable(&finding.curl)));
    }
    text
}

fn labelled(label: &str, text: &str, paint: Paint) -> String {
    format!("{}\n", hanging(&format!("  {label:<11} "), text, MOST_LINES, |label| paint.with(DIM, label)))
}
