//! The trend as Markdown, for a summary of a pipeline.

use super::{Of, OfContract, Row, Trend};
use crate::report::Verdict;
use crate::report::human::one_line;
use crate::report::language::Language;
use crate::report::words::duration;

impl Trend {
    /// As Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let language = self.language;
        let mut text = format!("# {}\n", language.say("trend-title"));
        for one in &self.contracts {
            text.push_str(&contract(one, language));
        }
        if !self.passed_over.is_empty() {
            text.push_str(&format!("\n## {}\n\n", language.say("trend-passed-over")));
            self.passed_over.iter().for_each(|why| text.push_str(&format!("- {}\n", cell(why))));
        }
        text
    }
}

fn contract(one: &OfContract, language: Language) -> String {
    let mut text = format!("\n## {}\n", cell(&one.contract));
    let told = turns(one, language);
    if !told.is_empty() {
        text.push_str(&format!("\n### {}\n\n", language.say("trend-broke")));
        told.iter().for_each(|line| text.push_str(&format!("- {}\n", cell(line))));
    }
    let heads = ["trend-report", "trend-when", "md-verdict", "trend-broken", "trend-took", "trend-rate", "trend-p50", "trend-p99"];
    text.push_str(&format!("\n| # | {} |\n|---:|---|---|---|---:|---:|---:|---:|---:|\n", heads.map(|key| language.say(key)).join(" | ")));
    for (at, report) in one.reports.iter().enumerate() {
        let [rate, p50, p99] = numbers(report);
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} | {rate} | {p50} | {p99} |\n",
            at + 1,
            cell(&report.path),
            moment(&report.started_at),
            language.overall(report.verdict),
            report.broken,
            duration((report.took_ms * 1000.0) as u64)
        ));
    }
    let broken: Vec<&Row> = one.requirements.iter().filter(|row| row.was_broken()).collect();
    if !broken.is_empty() {
        let numbers: Vec<String> = (1..=one.reports.len()).map(|number| number.to_string()).collect();
        let columns = "---|".repeat(one.reports.len());
        text.push_str(&format!("\n| {} | {} |\n|---|{columns}\n", language.say("label-requirement"), numbers.join(" | ")));
        for row in broken {
            let signs: Vec<&str> = row.verdicts.iter().map(|verdict| sign(*verdict)).collect();
            text.push_str(&format!("| {} | {} |\n", cell(&row.id), signs.join(" | ")));
        }
        text.push_str(&format!("\n{}\n", language.say("trend-signs")));
    }
    text
}

/// What broke when, a line each, the latest first.
pub(super) fn turns(one: &OfContract, language: Language) -> Vec<String> {
    let mut all: Vec<(usize, String)> = Vec::new();
    for row in &one.requirements {
        for turn in &row.turns {
            let Some(report) = one.reports.get(turn.at) else { continue };
            let key = match (turn.broke, turn.at) {
                (true, 0) => "trend-broken-from-the-first",
                (true, 1..) => "trend-turn-broke",
                (false, _) => "trend-turn-kept",
            };
            let facts = [
                ("id", row.id.as_str().into()),
                ("when", moment(&report.started_at).into()),
                ("path", one_line(&report.path).into()),
                ("number", (turn.at + 1).into()),
            ];
            all.push((turn.at, language.with(key, &facts)));
        }
    }
    all.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    all.into_iter().map(|(_, line)| line).collect()
}

/// The sign of a verdict.
pub(super) fn sign(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Pass) => "✓",
        Some(Verdict::Fail) => "✗",
        Some(Verdict::Warn) => "!",
        Some(Verdict::Known) => "k",
        Some(Verdict::Undecided) => "?",
        Some(Verdict::NotApplicable) => "·",
        None => "",
    }
}

/// Rate and latencies of a load in words; empty for a run.
pub(super) fn numbers(report: &super::Entry) -> [String; 3] {
    match report.of {
        Of::Run => Default::default(),
        Of::Load => [
            report.rate_per_s.map_or_else(String::new, |rate| format!("{rate:.0}/s")),
            report.p50_us.map_or_else(String::new, duration),
            report.p99_us.map_or_else(String::new, duration),
        ],
    }
}

/// An instant to the second, as people read it.
pub(super) fn moment(instant: &str) -> String {
    instant.chars().take(19).collect::<String>().replace('T', " ")
}

/// Text from outside in a table's cell.
fn cell(text: &str) -> String {
    let mut shown = String::new();
    for character in one_line(text).chars() {
        if "\\`*_{}[]<>|#".contains(character) {
            shown.push('\\');
        }
        shown.push(character);
    }
    shown
}
