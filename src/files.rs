//! Files: contracts, scenarios and bodies, from inside the binary or from a
//! folder; and reports, to a folder.
//!
//! What hookgate ships is compiled in, so that an installed binary needs no
//! checkout. Paths of shipped files are told as they stand in the project
//! (`scenarios/orch/…`). Contents are text and bytes here; what they mean is
//! not this room's business.
//!
//! **Invariant:** only [`ReportFolder`] and [`Scratch`] ever write.

pub mod snapshots;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use include_dir::{Dir, File, include_dir};

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
    let mut left = vec![root.clone()];
    while let Some(dir) = left.pop() {
        for path in entries(&dir)? {
            if path.is_dir() {
                left.push(path);
            } else if dir.file_name().is_some_and(|name| name == "bodies") {
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
                files.bodies.insert(name, read_bytes("read the body", &path)?);
            } else if let Some(id) = id_of(&path, &root) {
                files.scenarios.push((id, read_text("read scenario", &path)?));
            }
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
    let text = std::fs::read_to_string(path).map_err(|cause| FileError { what, path: path.to_owned(), cause })?;
    Ok(TextFile { path: path.display().to_string(), text })
}

fn read_bytes(what: &'static str, path: &Path) -> Result<Bytes, FileError> {
    std::fs::read(path).map(Bytes::from).map_err(|cause| FileError { what, path: path.to_owned(), cause })
}

/// Writes a text file whole: first beside its place, then into it.
///
/// # Errors
/// [`FileError`] when it cannot be written.
pub fn write_text(path: &Path, text: &str) -> Result<(), FileError> {
    let failed = |cause| FileError { what: "write", path: path.to_owned(), cause };
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("file");
    let beside = path.with_file_name(format!(".{name}.part"));
    std::fs::write(&beside, text).map_err(failed)?;
    std::fs::rename(&beside, path).map_err(failed)
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

/// A folder that reports are written to.
#[derive(Clone, Debug)]
pub struct ReportFolder {
    path: PathBuf,
}

impl ReportFolder {
    /// Makes the folder, and sees that it can be written to, before anything is judged.
    ///
    /// # Errors
    /// [`FileError`] when it cannot be made or written.
    pub fn make(path: &Path) -> Result<Self, FileError> {
        let failed = |cause| FileError { what: "write reports to", path: path.to_owned(), cause };
        std::fs::create_dir_all(path).map_err(failed)?;
        let probe = path.join(".hookgate-can-write");
        std::fs::write(&probe, b"").map_err(failed)?;
        std::fs::remove_file(&probe).map_err(failed)?;
        Ok(Self { path: path.to_owned() })
    }

    /// A folder that is there already.
    ///
    /// # Errors
    /// [`FileError`] when it is not a folder.
    pub fn at(path: &Path) -> Result<Self, FileError> {
        std::fs::read_dir(path).map_err(|cause| FileError { what: "read the report folder", path: path.to_owned(), cause })?;
        Ok(Self { path: path.to_owned() })
    }

    /// Every file in the folder, by its name; folders in it are left out.
    ///
    /// # Errors
    /// [`FileError`] when one cannot be read.
    pub fn read_all(&self) -> Result<BTreeMap<String, Vec<u8>>, FileError> {
        let mut all = BTreeMap::new();
        for path in entries(&self.path)?.into_iter().filter(|path| path.is_file()) {
            if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
                all.insert(name.to_owned(), read_bytes("read the report", &path)?.to_vec());
            }
        }
        Ok(all)
    }

    /// Takes a file out that an earlier report has left; it is all right when there is none.
    ///
    /// # Errors
    /// [`FileError`] when it is there and stays.
    pub fn forget(&self, name: &str) -> Result<(), FileError> {
        let path = self.path.join(name);
        match std::fs::remove_file(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(FileError { what: "take away", path, cause }),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Writes one file whole: first beside its place, then into it, so that no reader sees half a report.
    ///
    /// # Errors
    /// [`FileError`] when it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<(), FileError> {
        write_text(&self.path.join(name), text)
    }
}

/// A folder that is there as long as it is needed, and gone afterwards.
#[derive(Debug)]
pub struct Scratch(tempfile::TempDir);

impl Scratch {
    /// Makes one in the system's place for such folders.
    ///
    /// # Errors
    /// When the system has no room for it.
    pub fn new() -> io::Result<Self> {
        tempfile::Builder::new().prefix("hookgate-").tempdir().map(Self)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}
