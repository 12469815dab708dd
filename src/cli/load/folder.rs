//! The report folder of a load: its files, and what is printed.

use super::super::Failure;
use super::super::args::LoadFormat;
use crate::files::ReportFolder;
use crate::load::hlog;
use crate::load::measure::Measurement;
use crate::load::page::page;
use crate::load::report::{LoadReport, junit, series};
use crate::load::telling::{human, markdown, summary};
use crate::report::language::Language;
use crate::report::manifest;
use crate::secret::Redacted;

/// A report in the form that was asked for.
pub(super) fn in_format(
    report: &Redacted<LoadReport>,
    format: LoadFormat,
    quiet: bool,
    language: Language,
    width: usize,
) -> Result<String, Failure> {
    match (format, quiet) {
        (LoadFormat::Json, _) => json(report),
        (LoadFormat::Markdown, _) => Ok(markdown(report, language)),
        (LoadFormat::Junit, _) => junit(report).map_err(Failure::harness),
        (LoadFormat::Human, true) => Ok(summary(report, language)),
        (LoadFormat::Human, false) => Ok(human(report, language, width)),
    }
}

fn json(report: &LoadReport) -> Result<String, Failure> {
    serde_json::to_string_pretty(report).map(|text| text + "\n").map_err(Failure::harness)
}

/// Writes every file of the folder; gives their names.
///
/// * `output`: what the target has written, when hookgate has started it.
pub(super) fn write_folder(
    folder: &ReportFolder,
    report: &Redacted<LoadReport>,
    measured: Option<&Measurement>,
    output: Option<&str>,
    language: Language,
) -> Result<Vec<&'static str>, Failure> {
    let mut files = vec![
        ("load.json", json(report)?),
        ("load.md", markdown(report, language)),
        ("load.html", page(report, language).map_err(Failure::harness)?),
        ("series.csv", series(report)),
        ("junit.xml", junit(report).map_err(Failure::harness)?),
    ];
    if let Some(measured) = measured {
        files.push(("latency.hlog", hlog::write(report, measured).map_err(Failure::harness)?));
    }
    files.extend(output.map(|output| ("target.log", output.to_owned())));
    // What an earlier load has left would be no part of this one.
    for name in ["latency.hlog", "target.log"].into_iter().filter(|name| files.iter().all(|(known, _)| known != name)) {
        folder.forget(name).map_err(Failure::harness)?;
    }
    folder.forget(manifest::FILE).map_err(Failure::harness)?;
    for (name, text) in &files {
        folder.write(name, text).map_err(Failure::harness)?;
    }
    Ok(files.into_iter().map(|(name, _)| name).collect())
}
