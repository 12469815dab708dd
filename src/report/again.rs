//! The command that runs one scenario again, to be pasted into a shell.

use crate::report::human::one_line;
use crate::report::{RunFacts, ScenarioReport};

/// How to run a scenario of a run again; one that was named as a file is named so again.
#[must_use]
pub fn again(run: &RunFacts, scenario: &ScenarioReport) -> String {
    let arguments = if run.arguments.is_empty() { String::new() } else { format!(" {}", one_line(&run.arguments)) };
    let in_folder = run.arguments.contains("scenarios ");
    let name = if scenario.own && !in_folder { &scenario.file } else { &scenario.id };
    format!("hookgate run {}{arguments} --seed {}", in_shell(&one_line(name)), run.seed)
}

/// A word as a shell takes it.
#[must_use]
pub fn in_shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}
