//! The terminal's text after a load: the kinds, the requirements, what was violated, and the verdict last.

use std::fmt::Write as _;

use super::sentences::{effort, judged, knee, measured, model, notes, per_second, rows, summary, unexpected};
use crate::load::report::LoadReport;
use crate::load::streams::sentences as streams;
use crate::report::language::Language;
use crate::report::words::{columns, duration, padded};

/// So much farther in goes what did not fit in a line.
const INDENT: usize = 4; // columns
/// Narrower than this no line is broken.
const NARROWEST: usize = 40; // columns
/// So many violations are told on a terminal.
const TOLD: usize = 5;

/// The terminal's text, for so many columns: what is longer goes on in the next line, but for commands, which are there to be copied.
#[must_use]
pub fn human(report: &LoadReport, language: Language, width: usize) -> String {
    let text = unbroken(report, language);
    let again = format!("  {}  ", language.say("label-again"));
    let lines = text.lines().map(|line| if line.starts_with(&again) { line.to_owned() } else { folded(line, width) });
    lines.map(|line| line + "\n").collect()
}

/// A line broken at a width, further lines a little farther in than the first.
fn folded(line: &str, width: usize) -> String {
    if columns(line) <= width {
        return line.to_owned();
    }
    let indent = " ".repeat(line.len() - line.trim_start().len() + INDENT);
    let options = textwrap::Options::new(width.max(NARROWEST)).subsequent_indent(&indent);
    textwrap::wrap(line, options.word_splitter(textwrap::WordSplitter::NoHyphenation)).join("\n")
}

fn unbroken(report: &LoadReport, language: Language) -> String {
    let facts = [
        ("target", report.target.as_str().into()),
        ("contract", report.contract.as_str().into()),
        ("model", model(report, language).into()),
        ("users", report.users.into()),
        ("seed", report.seed.to_string().into()),
    ];
    let mut text = format!("\n{}\n\n", language.with("load-head", &facts));
    let right = |cell: &str, width: usize| format!("{}{cell}", " ".repeat(width.saturating_sub(columns(cell))));
    let rows = rows(report, language);
    let widest = |at: usize| rows.iter().map(|cells| columns(&cells[at])).max().unwrap_or(0);
    for cells in &rows {
        text.push_str(&padded(&cells[0], widest(0)));
        cells.iter().enumerate().skip(1).for_each(|(at, cell)| text.push_str(&format!("  {}", right(cell, widest(at)))));
        text.push('\n');
    }
    for line in unexpected(report, language) {
        let _ = writeln!(text, "  {line}");
    }
    text.push('\n');
    for one in &report.requirements {
        let (id, verdict, sentence) = (padded(&one.id, 10), padded(&language.verdict(one.verdict), 15), one.sentence_in(language));
        let line = format!("{id} {verdict} {}", padded(&judged(one, language), 32));
        let _ = writeln!(text, "{}", format!("{line} {sentence}").trim_end());
    }
    for one in report.violations.iter().take(TOLD) {
        let _ = writeln!(
            text,
            "\n{}\n  {}",
            language.with("load-violation-of", &[("requirement", one.requirement.as_str().into()), ("key", one.key.as_str().into())]),
            language.retold(&one.why)
        );
        for line in one.operations.iter().chain(&one.rows) {
            let _ = writeln!(text, "    {line}");
        }
        let _ = writeln!(text, "  {}  {}", language.say("label-again"), one.curl);
    }
    for gate in &report.gates {
        let holds = language.say(if gate.ok { "gate-holds" } else { "gate-broken" });
        let _ = writeln!(text, "{} {} {} {}", language.say("gate"), padded(&gate.gate, 24), padded(&holds, 7), measured(gate, language));
    }
    for note in notes(report, language) {
        let _ = writeln!(text, "{}  {note}", language.say("label-note"));
    }
    let of_streams: Vec<String> = streams::facts(report, language).into_iter().map(|(name, value)| format!("{name} {value}")).collect();
    if !of_streams.is_empty() {
        let _ = writeln!(text, "{}  {}", language.say("load-streams"), of_streams.join(&language.say("between")));
    }
    for line in streams::wrong(report, language) {
        let _ = writeln!(text, "  {line}");
    }
    let took: Vec<String> = effort(report, language).into_iter().map(|(name, value)| format!("{name} {value}")).collect();
    if !took.is_empty() {
        let _ = writeln!(text, "{}  {}", language.say("load-effort"), took.join(&language.say("between")));
    }
    if let Some(found) = knee(report, language) {
        for step in report.knee.iter().flat_map(|knee| &knee.steps) {
            let mark = language.say(if step.kept { "knee-kept" } else { "knee-broken" });
            let cells = [
                per_second(step.wanted_per_s),
                per_second(step.rate_per_s),
                duration(step.p50_us),
                duration(step.p99_us),
                step.dropped.to_string(),
            ];
            let cells: String = cells.iter().map(|cell| format!(" {}", right(cell, 10))).collect();
            let _ = writeln!(text, "{}{cells}  {}", padded(&mark, 9), step.why.join(", "));
        }
        let _ = writeln!(text, "\n{found}");
    }
    text + "\n" + &summary(report, language)
}
