//! Files: contracts, scenarios and bodies, from inside the binary or from a
//! folder; and reports, to a folder.
//!
//! What hookgate ships is compiled in, so that an installed binary needs no
//! checkout. Paths of shipped files are told as they stand in the project
//! (`scenarios/orch/…`). Contents are text and bytes here; what they mean is
//! not this room's business.
//!
//! **Invariant:** only [`ReportFolder`], [`operations`] and [`Scratch`] ever write.

pub mod folder;
pub mod operations;
pub mod records;
mod report_folder;
mod scratch;
pub mod snapshots;
pub mod turn;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use include_dir::{Dir, File, include_dir};

pub use self::report_folder::ReportFolder;
pub use self::scratch::Scratch;

static SCENARIOS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/scenarios");
static CONTRACTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/fixtures/contracts");
static GATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/fixtures/gates");
static CLAIMS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/fixtures/claims");
static BODIES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/fixtures/bodies");

/// The name of a suite's catalogue in its folder.
const CATALOGUE: &str = "requirements.yaml";

/// A file that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} {}: {cause}", path.display())]
pub struct FileError {
    /// `read` or `write`, and what.
    pub what: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// What the operating system said.
    pub cause: io::Error,
}

/// One text file: where it stands, and what is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TextFile {
    /// The path, as people should read it.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Everything that a suite is made of, as text.
#[derive(Clone, Debug, Default)]
pub struct SuiteFiles {
    /// The catalogue of requirements.
    pub catalogue: Option<TextFile>,
    /// Scenario files with their ids (`topic/name`), in the order of the ids.
    pub scenarios: Vec<(String, TextFile)>,
    /// Body files by name.
    pub bodies: BTreeMap<String, Bytes>,
    /// The folder has no catalogue of its own: the shipped one stands in, and the scenarios are those of the folder alone.
    pub catalogue_stands_in: bool,
}

/// The names of the files that are shipped in a folder, without `.yaml`.
fn names(folder: Option<&Dir<'_>>) -> Vec<String> {
    let files = folder.into_iter().flat_map(Dir::files);
    let mut names: Vec<String> = files.filter_map(|file| Some(file.path().file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    names
}

/// A file that is shipped in a folder, by its name; `above` is the folder's place in the project.
fn shipped(folder: &Dir<'_>, above: &str, name: &str) -> Option<TextFile> {
    let text = folder.get_file(format!("{name}.yaml"))?.contents_utf8()?;
    Some(TextFile { path: format!("{above}/{name}.yaml"), text: text.to_owned() })
}

/// The names of the contracts that are shipped.
#[must_use]
pub fn shipped_contracts() -> Vec<String> {
    names(Some(&CONTRACTS))
}

/// A contract that is shipped.
#[must_use]
pub fn shipped_contract(name: &str) -> Option<TextFile> {
    shipped(&CONTRACTS, "fixtures/contracts", name)
}

/// Where the shipped mixes stand among the scenarios.
const MIXES: &str = "load";

/// The names of the mixes of deliveries that are shipped.
#[must_use]
pub fn shipped_mixes() -> Vec<String> {
    names(SCENARIOS.get_dir(MIXES))
}

/// A mix of deliveries that is shipped.
#[must_use]
pub fn shipped_mix(name: &str) -> Option<TextFile> {
    shipped(&SCENARIOS, "scenarios", &format!("{MIXES}/{name}"))
}

/// A file of gates that is shipped.
#[must_use]
pub fn shipped_gates(name: &str) -> Option<TextFile> {
    shipped(&GATES, "fixtures/gates", name)
}

/// The rules for forms of phase reports that are shipped.
#[must_use]
pub fn shipped_claim_rules() -> Vec<TextFile> {
    names(Some(&CLAIMS)).iter().filter_map(|name| shipped(&CLAIMS, "fixtures/claims", name)).collect()
}

/// The suite that is shipped under a name; empty when there is none.
#[must_use]
pub fn shipped_suite(suite: &str) -> SuiteFiles {
    let text_file =
        |file: &File<'_>| Some(TextFile { path: format!("scenarios/{}", file.path().display()), text: file.contents_utf8()?.to_owned() });
    let mut files = SuiteFiles { bodies: shipped_bodies(), ..SuiteFiles::default() };
    let Some(folder) = SCENARIOS.get_dir(suite) else { return files };
    files.catalogue = SCENARIOS.get_file(format!("{suite}/{CATALOGUE}")).and_then(text_file);
    let mut left: Vec<&Dir<'_>> = folder.dirs().collect();
    while let Some(dir) = left.pop() {
        left.extend(dir.dirs());
        for file in dir.files() {
            if let (Some(id), Some(file)) = (id_of(file.path(), Path::new(suite)), text_file(file)) {
                files.scenarios.push((id, file));
            }
        }
    }
    files.scenarios.sort();
    files
}

/// Every text of the shipped suites, mixes and bodies: words that no secret can be told from.
#[must_use]
pub fn shipped_texts() -> Vec<&'static str> {
    let mut left: Vec<&Dir<'static>> = vec![&SCENARIOS, &BODIES];
    let mut texts = Vec::new();
    while let Some(dir) = left.pop() {
        left.extend(dir.dirs());
        texts.extend(dir.files().filter_map(File::contents_utf8));
    }
    texts
}

fn shipped_bodies() -> BTreeMap<String, Bytes> {
    let name = |file: &File<'static>| file.path().file_name().and_then(|name| name.to_str()).map(str::to_owned);
    BODIES.files().filter_map(|file| Some((name(file)?, Bytes::from_static(file.contents())))).collect()
}

/// The suite in a folder: `FOLDER/SUITE/…` or `FOLDER` itself.
///
/// Where the folder has no catalogue, or no body of a name, the shipped ones stand in.
///
/// # Errors
/// [`FileError`] when the folder or a file in it cannot be read.
pub fn suite_in(folder: &Path, suite: &str) -> Result<SuiteFiles, FileError> {
    let shipped = shipped_suite(suite);
    let root = if folder.join(suite).is_dir() { folder.join(suite) } else { folder.to_owned() };
    let mut files = SuiteFiles { scenarios: Vec::new(), catalogue_stands_in: true, ..shipped };
    if root.join(CATALOGUE).is_file() {
        files.catalogue_stands_in = false;
        files.catalogue = Some(read_text("read the requirements", &root.join(CATALOGUE))?);
    }
    for path in folder::files_under(&root)? {
        if let Some(dir) = path.parent().filter(|dir| dir.file_name().is_some_and(|name| name == "bodies")) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            if !folder::is_inside(&path, dir) {
                let cause = io::Error::other("the link leads out of its folder: put the body itself there");
                return Err(FileError { what: "read the body", path, cause });
            }
            files.bodies.insert(name, Bytes::from(folder::bytes_of("read the body", &path)?));
        } else if let Some(id) = id_of(&path, &root) {
            let text = text_of("read scenario", &path, folder::bytes_of("read scenario", &path)?)?;
            files.scenarios.push((id, text));
        }
    }
    files.scenarios.sort();
    Ok(files)
}

/// The suite `included` that the suite in a folder builds on: beside it, where a catalogue stands there, or else the shipped one.
///
/// # Errors
/// [`FileError`] when the folder or a file in it cannot be read.
pub fn suite_beside(folder: &Path, suite: &str, included: &str) -> Result<SuiteFiles, FileError> {
    let above = if folder.join(suite).is_dir() { Some(folder) } else { folder.parent() };
    match above.map(|above| above.join(included)).filter(|beside| beside.join(CATALOGUE).is_file()) {
        Some(beside) => suite_in(&beside, included),
        None => Ok(shipped_suite(included)),
    }
}

/// The names of the suites that are shipped.
#[must_use]
pub fn shipped_suites() -> Vec<String> {
    let has_catalogue = |folder: &&Dir<'_>| folder.get_file(folder.path().join(CATALOGUE)).is_some();
    let mut names: Vec<String> = SCENARIOS.dirs().filter(has_catalogue).map(|folder| folder.path().display().to_string()).collect();
    names.sort();
    names
}

/// A scenario's id: its path under the suite's folder, without the ending.
fn id_of(path: &Path, root: &Path) -> Option<String> {
    let inside = path.strip_prefix(root).ok()?;
    let is_scenario = inside.extension().is_some_and(|end| end == "yaml" || end == "yml") && inside != Path::new(CATALOGUE);
    is_scenario.then(|| inside.with_extension("").to_str().map(|id| id.replace('\\', "/"))).flatten()
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, FileError> {
    let failed = |cause| FileError { what: "read the folder", path: dir.to_owned(), cause };
    let mut all =
        std::fs::read_dir(dir).map_err(failed)?.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    all.sort();
    Ok(all)
}

/// The folders in a folder, in the order of their names.
///
/// # Errors
/// When it cannot be read.
pub fn folders_in(path: &Path) -> Result<Vec<PathBuf>, FileError> {
    Ok(entries(path)?.into_iter().filter(|entry| entry.is_dir()).collect())
}

/// A text file's contents.
///
/// # Errors
/// [`FileError`] with `what` in it, also when the file is not UTF-8.
pub fn read_text(what: &'static str, path: &Path) -> Result<TextFile, FileError> {
    // Named by somebody, it may be a pipe (`<(…)`), as long as that has an end.
    let bytes = std::fs::File::open(path).and_then(folder::bounded).map_err(|cause| FileError { what, path: path.to_owned(), cause })?;
    text_of(what, path, bytes)
}

fn text_of(what: &'static str, path: &Path, bytes: Vec<u8>) -> Result<TextFile, FileError> {
    let no_text = |_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8");
    let text = String::from_utf8(bytes).map_err(no_text).map_err(|cause| FileError { what, path: path.to_owned(), cause })?;
    Ok(TextFile { path: path.display().to_string(), text })
}

/// Writes a text file whole: first beside its place, then into it.
///
/// # Errors
/// [`FileError`] when it cannot be written.
pub fn write_text(path: &Path, text: &str) -> Result<(), FileError> {
    let failed = |cause| FileError { what: "write", path: path.to_owned(), cause };
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("file");
    let beside = path.with_file_name(format!(".{name}.part"));
    std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, path)).map_err(|cause| {
        // Half of it is of no use to anyone.
        drop(std::fs::remove_file(&beside));
        failed(cause)
    })
}

/// Makes the folder that a file is to stand in.
///
/// # Errors
/// [`FileError`] when it cannot be made.
pub fn make_folder_of(file: &Path) -> Result<(), FileError> {
    let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    std::fs::create_dir_all(folder).map_err(|cause| FileError { what: "make the folder", path: folder.to_owned(), cause })
}

/// Adds to the end of a text file, which is made if it is not there.
///
/// # Errors
/// [`FileError`] when it cannot be written.
pub fn append_text(path: &Path, text: &str) -> Result<(), FileError> {
    let failed = |cause| FileError { what: "write", path: path.to_owned(), cause };
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
    io::Write::write_all(&mut file, text.as_bytes()).map_err(failed)
}
