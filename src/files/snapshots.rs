//! Folders of snapshots: reading them, writing pending ones, taking them over.

use std::path::{Path, PathBuf};

use super::folder::{bytes_of, files_under};
use super::{FileError, text_of, write_text};

/// The ending of a reviewed snapshot.
const REVIEWED: &str = "snap";
/// The ending of one that waits for review.
const PENDING: &str = "snap.new";

/// A folder of snapshots.
#[derive(Clone, Debug)]
pub struct SnapshotFolder {
    root: PathBuf,
}

impl SnapshotFolder {
    /// The folder at `root`, which need not be there yet.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Where the reviewed snapshot called `name` is.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.inside(name, REVIEWED)
    }

    fn pending_path(&self, name: &str) -> PathBuf {
        self.inside(name, PENDING)
    }

    /// A place in this folder: a name that would lead out of it loses what leads there.
    fn inside(&self, name: &str, ending: &str) -> PathBuf {
        let name = PathBuf::from(format!("{name}.{ending}"));
        let parts = name.components().filter(|part| matches!(part, std::path::Component::Normal(_)));
        self.root.join(parts.collect::<PathBuf>())
    }

    /// A reviewed snapshot's file, when there is one.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn reviewed(&self, name: &str) -> Result<Option<String>, FileError> {
        read_if_there(&self.path(name))
    }

    /// A pending snapshot's file, when there is one.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn pending(&self, name: &str) -> Result<Option<String>, FileError> {
        read_if_there(&self.pending_path(name))
    }

    /// Writes a snapshot as reviewed; one that waited is gone.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, file: &str) -> Result<(), FileError> {
        write(&self.path(name), file)?;
        remove(&self.pending_path(name))
    }

    /// Writes a snapshot that waits for review.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_pending(&self, name: &str, file: &str) -> Result<(), FileError> {
        write(&self.pending_path(name), file)
    }

    /// Takes a pending snapshot over.
    ///
    /// # Errors
    /// When it cannot be moved.
    pub fn accept(&self, name: &str) -> Result<(), FileError> {
        let (from, to) = (self.pending_path(name), self.path(name));
        std::fs::rename(&from, to).map_err(|cause| FileError { what: "accept", path: from, cause })
    }

    /// Throws a pending snapshot away.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn reject(&self, name: &str) -> Result<(), FileError> {
        remove(&self.pending_path(name))
    }

    /// Throws a pending snapshot away where `wanted`: it says nothing new any more.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn reject_if(&self, wanted: bool, name: &str) -> Result<(), FileError> {
        if wanted { self.reject(name) } else { Ok(()) }
    }

    /// Throws a reviewed snapshot away.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, name: &str) -> Result<(), FileError> {
        remove(&self.path(name))
    }

    /// The names of all snapshots: reviewed ones, and those that wait.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn names(&self) -> Result<(Vec<String>, Vec<String>), FileError> {
        let (mut reviewed, mut pending) = (Vec::new(), Vec::new());
        let files = if self.root.is_dir() { files_under(&self.root)? } else { Vec::new() };
        for path in files {
            let Some(inside) = path.strip_prefix(&self.root).ok().and_then(Path::to_str) else { continue };
            if let Some(name) = inside.strip_suffix(&format!(".{PENDING}")) {
                pending.push(name.to_owned());
            } else if let Some(name) = inside.strip_suffix(&format!(".{REVIEWED}")) {
                reviewed.push(name.to_owned());
            }
        }
        reviewed.sort();
        pending.sort();
        Ok((reviewed, pending))
    }
}

fn read_if_there(path: &Path) -> Result<Option<String>, FileError> {
    const WHAT: &str = "read the snapshot";
    if !path.exists() {
        return Ok(None);
    }
    let file = text_of(WHAT, path, bytes_of(WHAT, path)?)?;
    // A checkout may have given it the line ends of another system.
    Ok(Some(file.text.replace("\r\n", "\n")))
}

fn write(path: &Path, file: &str) -> Result<(), FileError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|cause| FileError { what: "make the folder", path: folder.to_owned(), cause })?;
    }
    write_text(path, file)
}

fn remove(path: &Path) -> Result<(), FileError> {
    match std::fs::remove_file(path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => Err(FileError { what: "remove", path: path.to_owned(), cause }),
        Ok(()) | Err(_) => Ok(()),
    }
}
