//! Annotations: findings as GitHub shows them beside the code.
//!
//! One workflow command a finding, at the line of its scenario. Takes a
//! [`Report`], gives text. Nothing from outside can begin a command of its
//! own: line ends and `%` are escaped.

use std::fmt::Write as _;

use crate::contract::Level;
use crate::report::{Report, Verdict};

/// So many annotations are shown of one step; what is more is in the report.
const MOST: usize = 50;

/// `report` as workflow commands.
#[must_use]
pub fn write(report: &Report) -> String {
    let mut text = String::new();
    let mut left = MOST;
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
                "::{command} file={},line={},title={}::{}",
                property(&scenario.file),
                finding.line.max(1),
                property(&format!("{} {}", finding.requirement, scenario.id)),
                data(&message)
            );
        }
    }
    text
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
