//! Reports that were written before: a folder, or its `report.json` or `load.json`.

use std::path::{Path, PathBuf};

use super::Failure;
use crate::files;
#[cfg(feature = "load")]
use crate::load::report::{LoadReport, SCHEMA as LOAD_SCHEMA};
use crate::report::manifest::{FILE, MadeFrom, Manifest};
use crate::report::{Report, SCHEMA};
use crate::sign::sha256_hex;

#[cfg(not(feature = "load"))]
const LOAD_SCHEMA: &str = "hookgate.load/1";

/// A report of either kind.
pub(crate) enum Stored {
    /// Of `hookgate run`.
    Run(Box<Report>),
    /// Of `hookgate load`.
    #[cfg(feature = "load")]
    Load(Box<LoadReport>),
}

impl Stored {
    /// The digests of what it was made from.
    pub(crate) fn made_from(&self) -> &MadeFrom {
        match self {
            Self::Run(report) => &report.made_from,
            #[cfg(feature = "load")]
            Self::Load(report) => &report.made_from,
        }
    }
}

/// The report in a folder, or the file itself.
pub(crate) fn read(path: &Path) -> Result<Stored, Failure> {
    let inside = ["report.json", "load.json"].map(|name| path.join(name)).into_iter().find(|file| file.is_file());
    if path.is_dir() && inside.is_none() {
        return Err(Failure::usage(format!("{} has no report.json and no load.json: name a report folder", path.display())));
    }
    let path = inside.unwrap_or_else(|| path.to_owned());
    let file = files::read_text("read the report", &path).map_err(Failure::usage)?;
    is_as_written(&path, &file.text)?;
    of_text(&file.path, &file.text).map_err(Failure::usage)
}

/// Refuses a file that the manifest of its folder contradicts; one without a manifest, or that it does not name, is taken as it is.
pub(crate) fn is_as_written(path: &Path, text: &str) -> Result<(), Failure> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else { return Ok(()) };
    let manifest = folder.join(FILE);
    if !manifest.is_file() {
        return Ok(());
    }
    let file = files::read_text("read the manifest", &manifest).map_err(Failure::usage)?;
    let manifest: Manifest =
        serde_json::from_str(&file.text).map_err(|cause| Failure::usage(format!("{} is no manifest: {cause}", file.path)))?;
    match manifest.files.get(name) {
        Some(digest) if *digest != sha256_hex(text.as_bytes()) => Err(Failure::usage(format!(
            "{} is not as it was written: its SHA-256 is not that of {FILE} beside it; `hookgate report verify {}` tells all",
            path.display(),
            if folder.as_os_str().is_empty() { Path::new(".").display() } else { folder.display() }
        ))),
        Some(_) | None => Ok(()),
    }
}

/// Reports that are compared as one.
pub(crate) enum StoredAll {
    /// Of `hookgate run`.
    Run(Box<Report>),
    /// Of `hookgate load`, which may have been repeated.
    #[cfg(feature = "load")]
    Loads(Vec<LoadReport>),
}

/// The report in a folder or a file; or those of a load that was repeated, in a folder of their folders.
pub(crate) fn read_all(path: &Path) -> Result<StoredAll, Failure> {
    let has_report = |folder: &Path| ["report.json", "load.json"].iter().any(|name| folder.join(name).is_file());
    let inside = if path.is_dir() && !has_report(path) { files::folders_in(path).map_err(Failure::usage)? } else { Vec::new() };
    let of_loads: Vec<&PathBuf> = inside.iter().filter(|folder| has_report(folder)).collect();
    if of_loads.is_empty() {
        return Ok(match read(path)? {
            Stored::Run(report) => StoredAll::Run(report),
            #[cfg(feature = "load")]
            Stored::Load(report) => StoredAll::Loads(vec![*report]),
        });
    }
    let several_runs = || Failure::usage(format!("{} has reports of several runs: name one of them", path.display()));
    #[cfg(feature = "load")]
    {
        let one = |folder: &&PathBuf| match read(folder)? {
            Stored::Run(_) => Err(several_runs()),
            Stored::Load(report) => Ok(*report),
        };
        of_loads.iter().map(one).collect::<Result<Vec<_>, _>>().map(StoredAll::Loads)
    }
    #[cfg(not(feature = "load"))]
    Err(several_runs())
}

/// The report of a run; a load is told as such.
///
/// * `wanted_for`: what it is needed for, as in `a baseline`.
pub(crate) fn read_run(path: &Path, wanted_for: &str) -> Result<Report, Failure> {
    // Without loads there is nothing else that it could be.
    let _ = wanted_for;
    match read(path)? {
        Stored::Run(report) => Ok(*report),
        #[cfg(feature = "load")]
        Stored::Load(_) => Err(Failure::usage(format!("{} is the report of a load, and {wanted_for} needs one of a run", path.display()))),
    }
}

/// The report in a text, whose form its `schema` tells; or a sentence that says why there is none.
pub(crate) fn of_text(path: &str, text: &str) -> Result<Stored, String> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|cause| format!("{path} is no JSON: {cause}"))?;
    let wrong = |cause: serde_json::Error| format!("{path} is no report: {cause}");
    match value["schema"].as_str() {
        Some(SCHEMA) => serde_json::from_value(value).map(|report| Stored::Run(Box::new(report))).map_err(wrong),
        #[cfg(feature = "load")]
        Some(LOAD_SCHEMA) => serde_json::from_value(value).map(|report| Stored::Load(Box::new(report))).map_err(wrong),
        other => {
            let found = other.map_or_else(|| "not told".to_owned(), |name| format!("`{name}`"));
            Err(format!("{path} is no report that this hookgate reads: its schema is {found}, not {SCHEMA} or {LOAD_SCHEMA}"))
        }
    }
}
