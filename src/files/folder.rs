//! Folders that are read whole: every file in them once, and nothing that has no end.
//!
//! Links are followed, each folder and each file is taken once however many
//! names lead to it (its own name counts first), and a pipe or a device is
//! refused before it is opened.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::{FileError, entries};

/// A file of a folder that is longer than this is none that a person wrote.
pub(super) const LONGEST: u64 = 64 << 20; // bytes
/// More entries than any suite has.
const MOST_ENTRIES: usize = 100_000;

/// Every file under `root`, each once, in the order of their paths.
///
/// # Errors
/// When a folder cannot be read, or there is no end of entries.
pub fn files_under(root: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut found: Vec<PathBuf> = Vec::new();
    let (mut own, mut linked) = (VecDeque::from([root.to_owned()]), VecDeque::new());
    let mut seen: BTreeSet<PathBuf> = BTreeSet::new();
    // What is there by its own name comes before what is only linked to.
    while let Some(path) = own.pop_front().or_else(|| linked.pop_front()) {
        let Ok(real) = path.canonicalize() else { continue }; // a link that leads nowhere
        if !seen.insert(real) {
            continue;
        }
        if seen.len() > MOST_ENTRIES {
            let cause = io::Error::other(format!("it has more than {MOST_ENTRIES} files and folders"));
            return Err(FileError { what: "read the folder", path: root.to_owned(), cause });
        }
        if path.is_dir() {
            for inside in entries(&path)? {
                let is_link = inside.symlink_metadata().is_ok_and(|about| about.is_symlink());
                if is_link { linked.push_back(inside) } else { own.push_back(inside) }
            }
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The bytes of a file that has an end.
///
/// # Errors
/// When it cannot be read, is a pipe or a device, or is too long.
pub(super) fn bytes_of(what: &'static str, path: &Path) -> Result<Vec<u8>, FileError> {
    let failed = |cause| FileError { what, path: path.to_owned(), cause };
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(failed(io::Error::other("it is no file with an end, but a folder, a pipe or a device")));
    }
    bounded(std::fs::File::open(path).map_err(failed)?).map_err(failed)
}

/// All that can be read, up to a bound.
pub(super) fn bounded(file: std::fs::File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(io::Error::other(format!("it is longer than {} MiB", LONGEST >> 20)));
    }
    Ok(bytes)
}

/// Whether `path` stands in `folder` in truth, links followed.
pub(super) fn is_inside(path: &Path, folder: &Path) -> bool {
    matches!((path.canonicalize(), folder.canonicalize()), (Ok(path), Ok(folder)) if path.starts_with(&folder))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Links to where one is already, and to one another, end; what is there twice is there once.
    #[test]
    fn every_file_is_found_once() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("b"))?;
        std::fs::write(at("b/one.yaml"), "")?;
        symlink(".", at("here"))?;
        symlink("..", at("b/above"))?;
        symlink("b/one.yaml", at("a-link.yaml"))?;
        symlink("nowhere", at("lost.yaml"))?;
        let found = files_under(folder.path()).map_err(|wrong| wrong.cause)?;
        assert_eq!(found, [at("b/one.yaml")]);
        assert!(!is_inside(&at("b/above"), &at("b")) && is_inside(&at("a-link.yaml"), &at("b")));
        Ok(())
    }

    #[test]
    fn what_has_no_end_is_refused() {
        let refused = |path: &str| bytes_of("read", Path::new(path)).map_err(|wrong| wrong.to_string());
        assert_eq!(
            refused("/dev/zero"),
            Err("cannot read /dev/zero: it is no file with an end, but a folder, a pipe or a device".to_owned())
        );
        assert!(std::fs::File::open("/dev/zero").and_then(bounded).is_err());
    }
}
