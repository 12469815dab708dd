//! Annotations: causes and findings as GitHub shows them beside the code.
//!
//! One workflow command a cause, the one that explains most first; then one a
//! finding, at the line of its scenario where that is a file of the user's own. Takes a
//! [`Report`], gives text. Nothing from outside can begin a command of its
//! own: line ends and `%` are escaped.

use std::fmt::Write as _;

use crate::contract::Level;
use crate::report::causes::sentences;
use crate::report::language::Language;
use crate::report::{Finding, Report, ScenarioReport, Verdict};

/// So many annotations are shown of one step; what is more is in the report.
const MOST: usize = 50;

/// `report` as workflow commands.
#[must_use]
pub fn write(report: &Report) -> String {
    let mut text = String::new();
    let mut left = MOST;
    for cause in &report.causes {
        left = left.saturating_sub(1);
        let command = if cause.level == Level::Must { "error" } else { "warning" };
        let one = &cause.example;
        let advice = sentences::advice(cause, Language::En).map_or_else(String::new, |advice| format!("\ntry       {advice}"));
        let message = format!(
            "{}{advice}\nexpected  {}\nreference {}\nobserved  {}\n{}\nagain     {}",
            sentences::explains(cause, Language::En),
            one.expected,
            one.reference,
            one.observed,
            one.curl,
            one.again
        );
        let title = format!("{}: {}", cause.requirement, sentences::sentence(cause, Language::En));
        let _ = writeln!(text, "::{command} {}title={}::{}", place(report, None), property(&title), data(&message));
    }
    for scenario in &report.scenarios {
        for finding in &scenario.findings {
            if left == 0 {
                return text;
            }
            left -= 1;
            let command = match (scenario.verdict, finding.level) {
                (Verdict::Known, _) | (_, Level::Free) => "notice",
                (_, Level::Should) => "warning",
                (_, Level::Must) => "error",
            };
            let message = format!(
                "{}\nexpected  {}\nreference {}\nobserved  {}",
                scenario.title, finding.expected, finding.reference, finding.observed
            );
            let _ = writeln!(
                text,
                "::{command} {}title={}::{}",
                place(report, Some((scenario, finding))),
                property(&format!("{} {}", finding.requirement, scenario.id)),
                data(&message)
            );
        }
    }
    text
}

/// Where an annotation stands: at the line of a scenario of the user's own, else at the contract's file, else nowhere.
fn place(report: &Report, found: Option<(&ScenarioReport, &Finding)>) -> String {
    match found.filter(|(scenario, _)| scenario.own).map(|(scenario, finding)| (scenario.file.as_str(), finding.line.max(1))) {
        Some((file, line)) => format!("file={},line={line},", property(file)),
        None => report.run.contract_file.as_ref().map_or_else(String::new, |file| format!("file={},line=1,", property(file))),
    }
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
