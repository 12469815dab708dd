//! Report folders of runs: all forms of a report, its history and its manifest.
//!
//! Takes a report in which every secret is hidden, and what belongs to it;
//! writes all of a folder or says what could not be written.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::{ExposeSecret as _, SecretString};

use super::judging::Judged;
use crate::files::{FileError, ReportFolder};
use crate::report::language::Language;
use crate::report::manifest::{FILE, MadeFrom, Manifest};
use crate::report::{Report, Tool, html, junit, markdown};
use crate::secret::Redacted;
use crate::snapshot::kept::{self, Kept};

/// The files of a report folder.
pub(crate) const FILES: [&str; 7] = ["report.json", "report.html", "report.md", "junit.xml", "history.jsonl", kept::FILE, "target.log"];

/// Why a folder was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FolderError {
    /// A file could not be.
    #[error(transparent)]
    File(#[from] FileError),
    /// A form of the report could not be made.
    #[error("a form of the report could not be made: {0}")]
    Form(String),
}

impl FolderError {
    pub(crate) fn form(cause: impl std::fmt::Display) -> Self {
        Self::Form(cause.to_string())
    }
}

/// What a manifest is made with.
pub(crate) struct Seal {
    /// The digests of contract and scenarios.
    pub(crate) made_from: MadeFrom,
    /// The key of the seal, where one is wanted.
    pub(crate) key: Option<SecretString>,
}

impl Seal {
    /// Writes the manifest of what is in the folder.
    pub(crate) fn write(&self, folder: &ReportFolder, names: &[&str], tool: &Tool) -> Result<(), FolderError> {
        let all = folder.read_all()?;
        let ours: BTreeMap<String, Vec<u8>> = all.into_iter().filter(|(name, _)| names.contains(&name.as_str())).collect();
        let key = self.key.as_ref().map(|key| key.expose_secret().as_bytes());
        let manifest = Manifest::of(tool.clone(), self.made_from.clone(), &ours, key);
        let text = serde_json::to_string_pretty(&manifest).map_err(FolderError::form)? + "\n";
        Ok(folder.write(FILE, &text)?)
    }
}

/// Writes the folder of a run.
pub(crate) fn write_folder(folder: &ReportFolder, judged: &Judged, seal: &Seal, language: Language) -> Result<(), FolderError> {
    let mut lines = String::new();
    for operation in &judged.history {
        lines.push_str(&serde_json::to_string(&**operation).map_err(FolderError::form)?);
        lines.push('\n');
    }
    write_forms(folder, &judged.report, lines, &judged.kept, language)?;
    match &judged.target_output {
        Some(output) => folder.write("target.log", output)?,
        None => folder.forget("target.log")?,
    }
    seal.write(folder, &FILES, &judged.report.tool)
}

/// A report as `report.json` has it.
pub(crate) fn json(report: &Report) -> Result<String, FolderError> {
    serde_json::to_string_pretty(report).map(|text| text + "\n").map_err(FolderError::form)
}

/// The forms of a report that follow from it alone, with the names of their files.
pub(crate) fn forms(report: &Report, language: Language) -> Result<Vec<(&'static str, String)>, FolderError> {
    Ok(vec![
        ("junit.xml", junit::write(report).map_err(FolderError::form)?),
        ("report.md", markdown::write(report, language).map_err(FolderError::form)?),
        ("report.html", html::write(report, language).map_err(FolderError::form)?),
    ])
}

/// Which of a folder's files are not what a report makes of them, in any of its languages; a sentence each.
///
/// * `version`: that of the hookgate that wrote it. Another may have other forms, and is not held against this one's.
/// * `of`: the forms of the report in a language.
pub(crate) fn forms_again(
    all: &BTreeMap<String, Vec<u8>>,
    version: &str,
    of: &dyn Fn(Language) -> Result<Vec<(&'static str, String)>, FolderError>,
) -> Vec<String> {
    if version != env!("CARGO_PKG_VERSION") {
        return Vec::new();
    }
    let made: Vec<(&str, String)> = Language::ALL.into_iter().filter_map(|language| of(language).ok()).flatten().collect();
    let names: BTreeSet<&str> = made.iter().map(|(name, _)| *name).collect();
    let differs =
        |name: &&str| all.get(*name).is_some_and(|bytes| !made.iter().any(|(of, text)| of == name && text.as_bytes() == bytes.as_slice()));
    names.into_iter().filter(differs).map(|name| format!("{name} is not what its report makes of it")).collect()
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
) -> Result<(), FolderError> {
    let mut files = vec![("report.json", json(report)?)];
    files.extend(forms(report, language)?);
    files.push(("history.jsonl", history));
    files.push((kept::FILE, serde_json::to_string_pretty(&**kept).map_err(FolderError::form)? + "\n"));
    // Whatever comes in between: a folder with half a report has no manifest that says it was whole.
    folder.forget(FILE)?;
    for (name, text) in files {
        folder.write(name, &text)?;
    }
    Ok(())
}
