//! `load.md`: a load as Markdown, for a summary of a pipeline.

use std::fmt::Write as _;

use super::sentences::{amount, knee, measured, model, notes, rows, summary, unexpected};
use crate::load::report::LoadReport;
use crate::load::streams::sentences as streams;
use crate::report::language::Language;

/// `load.md`.
#[must_use]
pub fn markdown(report: &LoadReport, language: Language) -> String {
    let title = language.with("load-title", &[("target", format!("`{}`", report.target).into())]);
    let mut text = format!("# {title}\n\n{}\n", summary(report, language));
    let users = language.with("load-users", &[("users", report.users.into())]);
    for (key, value) in [
        ("md-contract", report.contract.clone()),
        ("load-model", format!("{}{}{users}", model(report, language), language.say("between"))),
        ("page-started", report.started_at.clone()),
    ] {
        let _ = writeln!(text, "- {}: {value}", language.say(key));
    }
    if let Some(project) = &report.project {
        let _ = writeln!(text, "- {}: `{}`", language.say("md-project"), project.told());
    }
    if let Some(found) = knee(report, language) {
        let _ = writeln!(text, "\n{found}");
    }
    text.push('\n');
    let rows: String = rows(report, language).iter().map(|cells| format!("| {} |\n", cells.join(" | "))).collect();
    let (head, rest) = rows.split_at(rows.find('\n').map_or(rows.len(), |at| at + 1));
    let _ = write!(text, "{head}|---|---|---|---|---|---|---|\n{rest}\n");
    let heads = |keys: &[&str]| {
        format!("| {} |\n|{}\n", keys.iter().map(|key| language.say(key)).collect::<Vec<_>>().join(" | "), "---|".repeat(keys.len()))
    };
    let wrong: String = unexpected(report, language).iter().map(|line| format!("- {line}\n")).collect();
    if !wrong.is_empty() {
        let _ = writeln!(text, "{wrong}");
    }
    if !report.requirements.is_empty() {
        text.push_str(&heads(&["label-requirement", "md-verdict", "load-keys", "load-broken", "page-sentence"]));
        for one in &report.requirements {
            let (verdict, sentence) = (language.verdict(one.verdict), one.sentence_in(language));
            let _ =
                writeln!(text, "| {} | {verdict} | {} | {} | {sentence} |", one.id, amount(one.checked, one.of, language), one.violations);
        }
        text.push('\n');
    }
    for one in &report.violations {
        let lines: String = one.operations.iter().chain(&one.rows).map(|line| format!("  - {line}\n")).collect();
        let _ = writeln!(text, "- {} `{}`: {}\n{lines}", one.requirement, one.key, language.retold(&one.why));
    }
    if !report.gates.is_empty() {
        text.push_str(&heads(&["gate", "gate-measured", "md-verdict"]));
        for gate in &report.gates {
            let holds = language.say(if gate.ok { "gate-holds" } else { "gate-broken" });
            let _ = writeln!(text, "| `{}` | {} | {holds} |", gate.gate, measured(gate, language));
        }
    }
    let of_streams = streams::facts(report, language);
    if !of_streams.is_empty() {
        let _ = writeln!(text, "\n## {}\n", language.say("load-streams"));
        of_streams.iter().for_each(|(name, value)| text.push_str(&format!("- {name}: {value}\n")));
        streams::wrong(report, language).iter().for_each(|line| text.push_str(&format!("- {line}\n")));
    }
    for note in notes(report, language) {
        let _ = writeln!(text, "\n{note}");
    }
    text
}
