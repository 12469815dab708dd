//! libfaketime under a target: where it is, and how its time is moved.
//!
//! The library is loaded into the target before its own; it reads an offset
//! from a file each time the target asks for the time. The monotonic clock is
//! moved too: with `DONT_FAKE_MONOTONIC`, `sleep` fails in some runtimes (seen
//! with libfaketime 0.9.10 and `CPython` 3.11).

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The library's name; the one for programs with threads comes first.
const NAMES: [&str; 2] = ["libfaketimeMT.so.1", "libfaketime.so.1"];
/// Where distributions put it, `*` for any folder.
const FOLDERS: [&str; 5] = ["/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/lib64/faketime", "/usr/local/lib/faketime", "/usr/lib64"];

/// The library: the one that was named, or the one that is installed.
///
/// # Errors
/// One sentence with the way out.
pub fn library(named: Option<&Path>) -> Result<PathBuf, String> {
    if let Some(path) = named {
        return if path.is_file() { Ok(path.to_owned()) } else { Err(format!("--faketime-lib {}: there is no such file", path.display())) };
    }
    let folders = FOLDERS.iter().flat_map(|folder| match folder.split_once("/*/") {
        Some((above, below)) => {
            let inside = std::fs::read_dir(above).into_iter().flatten().flatten();
            inside.map(|entry| entry.path().join(below)).collect::<Vec<_>>()
        }
        None => vec![PathBuf::from(folder)],
    });
    folders.flat_map(|folder| NAMES.map(|name| folder.join(name))).find(|path| path.is_file()).ok_or_else(|| {
        "--clock faketime needs libfaketime, which is not here: install it (apt install libfaketime, dnf install libfaketime), \
         name it with --faketime-lib PATH, or move time in the database with --clock rewind"
            .to_owned()
    })
}

/// The environment of a target whose time stands in `file`.
#[must_use]
pub fn settings(library: &Path, file: &Path) -> Vec<(String, String)> {
    let text = |path: &Path| path.display().to_string();
    [
        ("LD_PRELOAD", text(library)),
        ("FAKETIME_TIMESTAMP_FILE", text(file)),
        // Without it the library looks into the file once in ten seconds.
        ("FAKETIME_NO_CACHE", "1".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

/// Sets a target's time to so much after the machine's.
///
/// # Errors
/// When the file cannot be written.
pub fn set(file: &Path, ahead: Duration) -> io::Result<()> {
    let beside = file.with_extension("part");
    std::fs::write(&beside, format!("+{}.{:06}\n", ahead.as_secs(), ahead.subsec_micros()))?;
    // At once: a target that reads half an offset would live in another time.
    std::fs::rename(&beside, file)
}
