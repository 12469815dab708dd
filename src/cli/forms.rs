//! Forms of a report, on standard output and in a folder.
//!
//! Takes a report in which every secret is hidden, and what belongs to it;
//! writes all of a folder or says what could not be written.

use std::path::Path;

use super::args::FormatArg;
use super::evidence::Sealing;
use super::{Console, Failure, Look};
use crate::files::{self, ReportFolder};
use crate::history::Operation;
use crate::report::language::Language;
use crate::report::{Report, github, html, human, junit, manifest, markdown, sarif, tap};
use crate::secret::Redacted;
use crate::snapshot::kept::{self, Kept};

/// The files of a report folder.
pub(crate) const FILES: [&str; 7] = ["report.json", "report.html", "report.md", "junit.xml", "history.jsonl", kept::FILE, "target.log"];

/// In a GitHub workflow: annotations beside the code, and the report as the step's summary.
#[expect(clippy::disallowed_methods, reason = "the roof is where the environment is read")]
pub(crate) fn for_github(report: &Redacted<Report>, console: &mut Console, language: Language) -> Result<(), Failure> {
    if std::env::var_os("GITHUB_ACTIONS").is_none_or(|value| value != "true") {
        return Ok(());
    }
    console.print(&github::write(report));
    if let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) {
        let text = markdown::write(report, language).map_err(Failure::harness)?;
        files::append_text(Path::new(&path), &text).map_err(Failure::harness)?;
    }
    Ok(())
}

/// A report in the form that was asked for.
pub(crate) fn in_format(report: &Redacted<Report>, format: FormatArg, look: Look, language: Language) -> Result<String, Failure> {
    match format {
        FormatArg::Human => Ok(human::write_in(report, look.colour, language, look.width)),
        FormatArg::Json => json(report),
        FormatArg::Junit => junit::write(report).map_err(Failure::harness),
        FormatArg::Markdown => markdown::write(report, language).map_err(Failure::harness),
        FormatArg::Html => html::write(report, language).map_err(Failure::harness),
        FormatArg::Tap => Ok(tap::write(report)),
        FormatArg::Sarif => serde_json::to_string_pretty(&sarif::write(report)).map(|text| text + "\n").map_err(Failure::harness),
        FormatArg::Github => Ok(github::write(report)),
    }
}

fn json(report: &Report) -> Result<String, Failure> {
    serde_json::to_string_pretty(report).map(|text| text + "\n").map_err(Failure::harness)
}

/// Writes the folder of a run.
///
/// * `output`: what the target has written, when hookgate has started it.
pub(crate) fn write_folder(
    folder: &ReportFolder,
    report: &Redacted<Report>,
    history: &[Redacted<Operation>],
    kept: &Redacted<Kept>,
    (output, sealing): (Option<&str>, &Sealing),
    language: Language,
) -> Result<(), Failure> {
    let mut lines = String::new();
    for operation in history {
        lines.push_str(&serde_json::to_string(&**operation).map_err(Failure::harness)?);
        lines.push('\n');
    }
    write_forms(folder, report, lines, kept, language)?;
    match output {
        Some(output) => folder.write("target.log", output),
        None => folder.forget("target.log"),
    }
    .map_err(Failure::harness)?;
    sealing.write(folder, &FILES, &report.tool)
}

/// Writes a report in all of its forms, with its history.
///
/// * `history`: the lines of history.jsonl, of redacted deliveries.
pub(crate) fn write_forms(
    folder: &ReportFolder,
    report: &Redacted<Report>,
    history: String,
    kept: &Redacted<Kept>,
    language: Language,
) -> Result<(), Failure> {
    let files = [
        ("report.json", json(report)?),
        ("junit.xml", junit::write(report).map_err(Failure::harness)?),
        ("report.md", markdown::write(report, language).map_err(Failure::harness)?),
        ("report.html", html::write(report, language).map_err(Failure::harness)?),
        ("history.jsonl", history),
        (kept::FILE, serde_json::to_string_pretty(&**kept).map_err(Failure::harness)? + "\n"),
    ];
    // Whatever comes in between: a folder with half a report has no manifest that says it was whole.
    folder.forget(manifest::FILE).map_err(Failure::harness)?;
    for (name, text) in files {
        folder.write(name, &text).map_err(Failure::harness)?;
    }
    Ok(())
}
