//! `hookgate load merge`: the report folders of workers, joined into one.

use std::path::{Path, PathBuf};

use super::super::args::{JoinArgs, SuiteArgs};
use super::super::evidence::Sealing;
use super::super::exit::Exit;
use super::super::launching::folder_of_its_own;
use super::super::load_suite;
use super::super::stored::{self, Stored};
use super::super::{Console, Failure};
use super::forms::in_format;
use super::several::exit_of;
use crate::api::load_folder::write_folder;
use crate::files::operations::OperationsFile;
use crate::files::{self, ReportFolder};
use crate::load::joining::{JoinError, Worker, joined};
use crate::load::worker::{FACTS, FOLDER, Facts, MEASURED, OPERATIONS, SCHEMA};
use crate::report::manifest::{FILE, Manifest};
use crate::secret::Redacted;
use crate::sign::sha256_hex;

/// Runs the command; the exit code is that of the joined report.
pub(super) fn merge(args: &JoinArgs, console: &mut Console) -> Result<Exit, Failure> {
    let mut folders: Vec<PathBuf> = Vec::new();
    for path in &args.workers {
        folders.extend(workers_in(path)?);
    }
    let workers = folders.iter().map(|path| read(path)).collect::<Result<Vec<Worker>, Failure>>()?;
    let Some(first) = workers.first() else { return Err(Failure::usage("there is no worker to join")) };
    let named = args.contract.clone().unwrap_or_else(|| first.facts.contract.clone());
    let suite = load_suite::suite(&SuiteArgs::of(named.clone()))?;
    // A worker that was cut short has no manifest; the mix is the same in all.
    let manifest = folders.iter().find_map(|folder| manifest(folder).transpose()).transpose()?;
    let sealing = match &manifest {
        Some(manifest) => Sealing::from(manifest, args.seal_env.as_deref())?,
        None => {
            let mix = first.facts.mix.iter().map(|(kind, weight)| format!("\n{kind}={weight}")).collect::<String>();
            Sealing::of(&named, &mix, args.seal_env.as_deref())?
        }
    };
    if Sealing::of(&named, "", None)?.made_from().contract_sha256 != first.facts.contract_sha256 {
        return Err(Failure::usage(format!(
            "{} was a load under another contract than the `{named}` that is here: give the one that it was made with (--contract FILE)",
            first.folder
        )));
    }
    let loaded = joined(workers, &args.gate, &suite.contract, &suite.catalogue, sealing.made_from()).map_err(|wrong| match wrong {
        JoinError::Apart(_) | JoinError::Unreadable(..) => Failure::usage(wrong),
        JoinError::File(_) => Failure::harness(wrong),
    })?;
    let folder = folder_of_its_own(&args.report, "report.json", "run")?;
    if folders.iter().any(|one| is_same(one, &args.report)) {
        return Err(Failure::usage(format!("{} is a worker's own folder: give another with --report", args.report.display())));
    }
    // What the workers have written is redacted already, and nobody here knows the secret.
    let report = Redacted::as_stored(loaded.report);
    let language = args.language.chosen();
    let names = write_folder(&folder, &report, Some(&loaded.measurement), None, language).map_err(Failure::harness)?;
    sealing.write(&folder, &names, &report.tool)?;
    console.print(&in_format(&report, args.format, false, language, console.width)?);
    console.tell(&format!("report: {}\n", args.report.display()));
    Ok(exit_of(report.verdict))
}

fn is_same(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| std::fs::canonicalize(path).ok();
    place(one).is_some_and(|one| Some(one) == place(other))
}

/// A worker's folder, or all of those that lie in one.
fn workers_in(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let is_worker = |folder: &Path| folder.join(FOLDER).join(FACTS).is_file();
    if is_worker(path) {
        return Ok(vec![path.to_owned()]);
    }
    let inside = files::folders_in(path).map_err(Failure::usage)?;
    let inside: Vec<PathBuf> = inside.into_iter().filter(|folder| is_worker(folder)).collect();
    if inside.is_empty() {
        return Err(Failure::usage(format!(
            "{} is no worker's folder: it has no {FOLDER}/{FACTS}, which `load --worker K/N --run-word W --report DIR` and `load --locust-master … --report DIR` write",
            path.display()
        )));
    }
    Ok(inside)
}

/// What a worker has left.
pub(super) fn read(path: &Path) -> Result<Worker, Failure> {
    let inside = path.join(FOLDER);
    let named = |name: &str| inside.join(name);
    let file = files::read_text("read the worker's", &named(FACTS)).map_err(Failure::usage)?;
    let told = |cause: serde_json::Error| Failure::usage(format!("{} is not what a worker writes: {cause}", file.path));
    let facts: Facts = serde_json::from_str(&file.text).map_err(told)?;
    if facts.schema != SCHEMA {
        return Err(Failure::usage(format!("{} has another form, `{}`", file.path, facts.schema)));
    }
    let carried = match named(MEASURED).is_file() {
        false if facts.files.contains_key(MEASURED) => {
            let (file, path) = (named(MEASURED), path.display());
            return Err(Failure::usage(format!("{} is not there any more; join the others without {path}", file.display())));
        }
        false => None,
        true => {
            let file = files::read_text("read the worker's", &named(MEASURED)).map_err(Failure::usage)?;
            if facts.files.get(MEASURED).is_some_and(|digest| *digest != sha256_hex(file.text.as_bytes())) {
                return Err(Failure::usage(format!(
                    "{} is not as it was written: its SHA-256 differs; join the others without {}",
                    file.path,
                    path.display()
                )));
            }
            let read = serde_json::from_str(&file.text);
            Some(read.map_err(|cause| Failure::usage(format!("{} is not what a worker has measured: {cause}", file.path)))?)
        }
    };
    let report = match path.join("load.json").is_file() {
        false => None,
        true => {
            if let Some(manifest) = manifest(path)? {
                let all = ReportFolder::at(path).and_then(|folder| folder.read_all()).map_err(Failure::usage)?;
                if let Some(wrong) = manifest.disagreements(&all).first() {
                    return Err(Failure::usage(format!("{}: {wrong}; `hookgate report verify` tells all", path.display())));
                }
            }
            match stored::read(&path.join("load.json"))? {
                Stored::Load(report) => Some(*report),
                Stored::Run(_) => return Err(Failure::usage(format!("{} has the report of a run", path.display()))),
            }
        }
    };
    let operations = named(OPERATIONS);
    let operations = operations.is_file().then(|| OperationsFile::open(&operations)).transpose().map_err(Failure::usage)?;
    Ok(Worker { folder: path.display().to_string(), facts, carried, report, operations })
}

fn manifest(path: &Path) -> Result<Option<Manifest>, Failure> {
    let path = path.join(FILE);
    if !path.is_file() {
        return Ok(None);
    }
    let file = files::read_text("read the worker's", &path).map_err(Failure::usage)?;
    serde_json::from_str(&file.text).map(Some).map_err(|cause| Failure::usage(format!("{} is no manifest: {cause}", file.path)))
}
