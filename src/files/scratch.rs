//! Scratch folders: there as long as they are needed, and gone afterwards, at the latest with the next one.
//!
//! A process that is killed leaves its folders behind. Each has a file that its
//! process holds locked as long as it lives: who makes a scratch folder looks
//! for others of its own whose file nobody holds, and takes those away.
//!
//! **Invariant:** a folder without that file, of somebody else, or behind a link is never touched.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Once;

/// What the names of scratch folders begin with.
const PREFIX: &str = "hookgate-";
/// The file that is locked by the process that made the folder.
const OWNER: &str = ".owner";
/// Its name while it is not locked yet.
const OWNER_TO_BE: &str = ".owner-to-be";

/// A folder that is there as long as it is needed, and gone afterwards.
#[derive(Debug)]
pub struct Scratch {
    folder: tempfile::TempDir,
    _owner: File,
}

impl Scratch {
    /// Makes one in the system's place for such folders; the first one takes away what killed processes have left.
    ///
    /// # Errors
    /// When the system has no room for it.
    pub fn new() -> io::Result<Self> {
        static LOOKED: Once = Once::new();
        LOOKED.call_once(|| take_left_ones(&std::env::temp_dir()));
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
        let owner = File::create_new(folder.path().join(OWNER_TO_BE))?;
        owner.lock()?;
        // Under this name it was never seen unlocked.
        std::fs::rename(folder.path().join(OWNER_TO_BE), folder.path().join(OWNER))?;
        Ok(Self { folder, _owner: owner })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Takes away the scratch folders whose processes are gone. What cannot be taken away stays: it hinders nobody.
fn take_left_ones(place: &Path) {
    for entry in std::fs::read_dir(place).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_named_so = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        let is_ours = || path.symlink_metadata().is_ok_and(|about| about.is_dir() && is_of_this_user(&about));
        let owner_is_ours = || path.join(OWNER).symlink_metadata().is_ok_and(|about| about.is_file() && is_of_this_user(&about));
        if is_named_so && is_ours() && owner_is_ours() {
            let owner = File::open(path.join(OWNER));
            if owner.is_ok_and(|owner| owner.try_lock().is_ok()) {
                drop(std::fs::remove_dir_all(&path));
            }
        }
    }
}

/// Whether a file or folder belongs to whoever runs this.
#[cfg(unix)]
fn is_of_this_user(about: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    about.uid() == rustix::process::geteuid().as_raw()
}

/// Whether a file or folder belongs to whoever runs this: elsewhere every user has a place for such folders.
#[cfg(not(unix))]
fn is_of_this_user(_about: &std::fs::Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder whose process lives stays, as does one that is none of ours; one that was left goes.
    #[test]
    fn only_what_was_left_is_taken_away() -> io::Result<()> {
        let place = tempfile::tempdir()?;
        let folder = |name: &str, owner: bool| {
            let path = place.path().join(name);
            std::fs::create_dir(&path)?;
            let file = if owner { Some(File::create_new(path.join(OWNER))?) } else { None };
            Ok::<_, io::Error>((path, file))
        };
        let (held, owner) = folder("hookgate-held", true)?;
        owner.as_ref().expect("it has one").lock()?;
        let (left, _) = folder("hookgate-left", true)?;
        let (unmarked, _) = folder("hookgate-other", false)?;
        let (named_otherwise, _) = folder("gatehook-left", true)?;
        std::os::unix::fs::symlink(&held, place.path().join("hookgate-link"))?;
        take_left_ones(place.path());
        assert!(held.exists() && unmarked.exists() && named_otherwise.exists() && !left.exists());
        drop(owner);
        take_left_ones(place.path());
        assert!(!held.exists());
        Ok(())
    }
}
