//! Report folders of loads: every form of a report, and the histogram of latencies.

use super::folder::FolderError;
use crate::files::ReportFolder;
use crate::load::hlog;
use crate::load::measure::Measurement;
use crate::load::render::junit::junit;
use crate::load::render::markdown::markdown;
use crate::load::render::page::page;
use crate::load::report::{LoadReport, series};
use crate::report::language::Language;
use crate::report::manifest;
use crate::secret::Redacted;

/// A report as `load.json` has it.
pub(crate) fn json(report: &LoadReport) -> Result<String, FolderError> {
    serde_json::to_string_pretty(report).map(|text| text + "\n").map_err(FolderError::form)
}

/// The forms of a report that follow from it alone, with the names of their files.
pub(crate) fn forms(report: &LoadReport, language: Language) -> Result<Vec<(&'static str, String)>, FolderError> {
    Ok(vec![
        ("load.md", markdown(report, language)),
        ("load.html", page(report, language).map_err(FolderError::form)?),
        ("series.csv", series(report)),
        ("junit.xml", junit(report).map_err(FolderError::form)?),
    ])
}

/// Writes every file of the folder; gives their names.
///
/// * `output`: what the target has written, when hookgate has started it.
pub(crate) fn write_folder(
    folder: &ReportFolder,
    report: &Redacted<LoadReport>,
    measured: Option<&Measurement>,
    output: Option<&str>,
    language: Language,
) -> Result<Vec<&'static str>, FolderError> {
    let mut files = vec![("load.json", json(report)?)];
    files.extend(forms(report, language)?);
    if let Some(measured) = measured {
        files.push(("latency.hlog", hlog::write(report, measured).map_err(FolderError::form)?));
    }
    files.extend(output.map(|output| ("target.log", output.to_owned())));
    // What an earlier load has left would be no part of this one.
    for name in ["latency.hlog", "target.log"].into_iter().filter(|name| files.iter().all(|(known, _)| known != name)) {
        folder.forget(name)?;
    }
    folder.forget(manifest::FILE)?;
    for (name, text) in &files {
        folder.write(name, text)?;
    }
    Ok(files.into_iter().map(|(name, _)| name).collect())
}
