//! TAP: a run as the Test Anything Protocol, version 14.
//!
//! A test point a scenario variant. What could not be judged is skipped with
//! its reason, what is known to fail is a `TODO`. Takes a [`Report`], gives text.

use std::fmt::Write as _;

use crate::report::causes::beside_scenarios;
use crate::report::human::one_line;
use crate::report::{Report, ScenarioReport, Verdict};

/// `report` as TAP.
#[must_use]
pub fn write(report: &Report) -> String {
    let visit = beside_scenarios(report);
    let mut text = format!("TAP version 14\n1..{}\n", report.scenarios.len() + usize::from(visit.is_some()));
    for (at, scenario) in report.scenarios.iter().enumerate() {
        let (ok, directive) = match scenario.verdict {
            Verdict::Pass | Verdict::Warn => ("ok", String::new()),
            Verdict::Fail => ("not ok", String::new()),
            Verdict::Known => ("not ok", format!(" # TODO {}", reason(scenario))),
            Verdict::Undecided => ("ok", format!(" # SKIP undecided: {}", reason(scenario))),
            Verdict::NotApplicable => ("ok", format!(" # SKIP not applicable: {}", reason(scenario))),
        };
        let name = escaped(&one_line(&format!("{} {}", scenario.id, scenario.title)));
        let _ = writeln!(text, "{ok} {} - {name}{directive}", at + 1);
        if !scenario.findings.is_empty() {
            text.push_str("  ---\n");
            for finding in &scenario.findings {
                let _ = writeln!(text, "  - requirement: {}", finding.requirement);
                for (name, value) in [("expected", &finding.expected), ("reference", &finding.reference), ("observed", &finding.observed)] {
                    // A JSON string is a YAML string, whatever stands in it.
                    let _ = writeln!(text, "    {name}: {}", serde_json::Value::from(one_line(value)));
                }
                let _ = writeln!(text, "    at: {}", serde_json::Value::from(format!("{}:{}", scenario.file, finding.line)));
            }
            text.push_str("  ...\n");
        }
    }
    // What a visit has found, where no scenario tells it.
    if let Some(cause) = visit {
        let _ = writeln!(text, "not ok {} - visit {}", report.scenarios.len() + 1, escaped(&one_line(&cause.sentence)));
        let _ = writeln!(text, "  ---\n  - requirement: {}", cause.requirement);
        for (name, value) in [("expected", &cause.example.expected), ("observed", &cause.example.observed)] {
            let _ = writeln!(text, "    {name}: {}", serde_json::Value::from(one_line(value)));
        }
        text.push_str("  ...\n");
    }
    text
}

fn reason(scenario: &ScenarioReport) -> String {
    escaped(&one_line(scenario.reason.as_deref().unwrap_or("no reason was given")))
}

/// `#` begins a directive.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('#', "\\#")
}
