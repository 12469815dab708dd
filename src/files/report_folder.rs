//! Report folders: made and held before anything is judged, written file by file, read whole.
//!
//! A run holds its folder locked until its process ends, so that two of them
//! never mix their reports. No file in it is ever half written.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::folder::bytes_of;
use super::{FileError, entries, write_text};

/// A folder that reports are written to.
#[derive(Clone, Debug)]
pub struct ReportFolder {
    path: PathBuf,
    _held: Option<Arc<File>>,
}

impl ReportFolder {
    /// Makes the folder, holds it for this process alone, and sees that it can be written to, before anything is judged.
    ///
    /// # Errors
    /// [`FileError`] when it cannot be made or written, or when another process writes its report there.
    pub fn make(path: &Path) -> Result<Self, FileError> {
        let failed = |cause| FileError { what: "write reports to", path: path.to_owned(), cause };
        std::fs::create_dir_all(path).map_err(failed)?;
        let held = File::open(path).map_err(failed)?;
        match held.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(failed(io::Error::other("another run writes its report there: give each a folder of its own")));
            }
            // Where folders cannot be locked, nobody is kept out.
            Err(std::fs::TryLockError::Error(_)) => {}
        }
        let probe = path.join(".hookgate-can-write");
        std::fs::write(&probe, b"").map_err(failed)?;
        std::fs::remove_file(&probe).map_err(failed)?;
        Ok(Self { path: path.to_owned(), _held: Some(Arc::new(held)) })
    }

    /// A folder that is there already.
    ///
    /// # Errors
    /// [`FileError`] when it is not a folder.
    pub fn at(path: &Path) -> Result<Self, FileError> {
        std::fs::read_dir(path).map_err(|cause| FileError { what: "read the report folder", path: path.to_owned(), cause })?;
        Ok(Self { path: path.to_owned(), _held: None })
    }

    /// Every file in the folder, by its name; folders in it are left out.
    ///
    /// # Errors
    /// [`FileError`] when one cannot be read.
    pub fn read_all(&self) -> Result<BTreeMap<String, Vec<u8>>, FileError> {
        let mut all = BTreeMap::new();
        for path in entries(&self.path)?.into_iter().filter(|path| path.is_file()) {
            if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
                all.insert(name.to_owned(), bytes_of("read the report", &path)?);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever comes second is refused, and comes in when the first is gone; readers are always let in.
    #[test]
    fn folder_is_one_runs_at_a_time() -> Result<(), Box<dyn std::error::Error>> {
        let place = tempfile::tempdir()?;
        let path = place.path().join("out");
        let first = ReportFolder::make(&path)?;
        let second = ReportFolder::make(&path).map(drop).map_err(|wrong| wrong.to_string());
        assert!(second.is_err_and(|told| told.contains("another run writes its report there")));
        assert!(ReportFolder::at(&path).is_ok());
        drop(first);
        assert!(ReportFolder::make(&path).is_ok());
        Ok(())
    }
}
