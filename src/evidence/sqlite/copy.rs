//! Copies: a database with a rollback journal, read without taking a lock.
//!
//! Where a receiver writes with a rollback journal, a reader's lock makes its
//! commit fail or wait; one that does not wait for locks would answer 500 on
//! our account. So the file's bytes are read as they stand, and taken for a
//! state of the database only when nothing can have been written meanwhile:
//! no journal that is at work before or after, and the same change counter,
//! length and time of writing (SQLite, "Database File Format", sections 1.3
//! and 3). A database with a write-ahead log is read with SQLite itself: its
//! readers hold nobody up.
//!
//! **Invariant:** a file that was opened here stays open until the process
//! ends. Closing it would take away every lock that this process has on it
//! (POSIX advisory locks), those of `rewind` too.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

use crate::clock::Moment;

/// A database that is longer than this is not copied, but read with a lock.
const LONGEST: u64 = 64 << 20;
/// The head of a database: its magic, its form, its change counter.
const HEAD: usize = 100;
const MAGIC: &[u8] = b"SQLite format 3\0";
/// Where it stands whether it has a write-ahead log (2) or a rollback journal (1).
const WRITE_VERSION: usize = 18;
const CHANGE_COUNTER: std::ops::Range<usize> = 24..28;
/// What a journal that can be rolled back begins with, and where it says how many pages are in it.
const JOURNAL_MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
const JOURNAL_PAGES: std::ops::Range<usize> = 8..12;
/// How long to wait before looking again, where somebody is writing.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// Files that are open for good.
static OPEN: Mutex<Vec<(u64, u64, Arc<File>)>> = Mutex::new(Vec::new());

/// What came of copying.
pub(super) enum Copied {
    /// A state of the database, in memory.
    Whole(Connection),
    /// It is to be read with SQLite's own locks: it has a write-ahead log, is no database, or is too long.
    NotHere,
    /// It was written all the time.
    Busy,
}

/// A state of the database at `path`; where somebody is writing it, that is waited for so long.
pub(super) fn of(path: &Path, patience: Duration) -> Copied {
    let began = Moment::now();
    loop {
        match at_once(path) {
            None => return Copied::NotHere,
            Some(Some(copy)) => return Copied::Whole(copy),
            Some(None) if began.elapsed() >= patience => return Copied::Busy,
            Some(None) => wait(),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a probe is asked on a thread of its own, where SQLite waits for locks in the same way")]
fn wait() {
    std::thread::sleep(LOOK_AGAIN);
}

/// A state of the database as it is now, where nobody is writing it; `None` where it is not to be copied.
fn at_once(path: &Path) -> Option<Option<Connection>> {
    let file = opened(path)?;
    let before = Mark::of(path, &file)?;
    if before.journal == Journal::Hot {
        return Some(None);
    }
    let bytes = whole(&file, before.length);
    let is_as_it_was = Mark::of(path, &file)? == before;
    Some(bytes.filter(|_| is_as_it_was).and_then(|bytes| in_memory(&bytes)))
}

/// What changes when a database is written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    counter: [u8; 4],
    length: u64,
    written_at: (i64, i64),
    journal: Journal,
}

/// What a rollback journal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Journal {
    /// There is none, or it has no page in it: nothing of a transaction stands in the database yet.
    Cold,
    /// Pages may be half written.
    Hot,
}

impl Mark {
    /// `None` for what is no database with a rollback journal, or too long.
    fn of(path: &Path, file: &File) -> Option<Self> {
        let mut head = [0; HEAD];
        file.read_exact_at(&mut head, 0).ok()?;
        let about = file.metadata().ok()?;
        let fits = head.starts_with(MAGIC) && head[WRITE_VERSION] == 1 && about.len() <= LONGEST;
        let counter = head.get(CHANGE_COUNTER).and_then(|bytes| bytes.try_into().ok()).filter(|_| fits)?;
        Some(Self { counter, length: about.len(), written_at: (about.mtime(), about.mtime_nsec()), journal: journal_of(path) })
    }
}

/// A journal is opened and closed like any file: SQLite has no lock on it.
fn journal_of(path: &Path) -> Journal {
    let mut name = OsString::from(path);
    name.push("-journal");
    let mut head = [0; 12];
    let Ok(()) = File::open(PathBuf::from(name)).and_then(|file| file.read_exact_at(&mut head, 0)) else { return Journal::Cold };
    let has_pages = head.get(JOURNAL_PAGES).is_some_and(|count| count.iter().any(|byte| *byte != 0));
    if head.starts_with(&JOURNAL_MAGIC) && has_pages { Journal::Hot } else { Journal::Cold }
}

fn whole(file: &File, length: u64) -> Option<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length).ok()?];
    file.read_exact_at(&mut bytes, 0).ok()?;
    Some(bytes)
}

fn in_memory(bytes: &[u8]) -> Option<Connection> {
    let mut connection = Connection::open_in_memory().ok()?;
    connection.deserialize_read_exact("main", bytes, bytes.len(), true).ok()?;
    Some(connection)
}

/// The file that stands under a path now.
fn opened(path: &Path) -> Option<Arc<File>> {
    let about = std::fs::metadata(path).ok()?;
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, _, file)) = open.iter().find(|(device, number, _)| (*device, *number) == (about.dev(), about.ino())) {
        return Some(Arc::clone(file));
    }
    let file = Arc::new(File::open(path).ok()?);
    let about = file.metadata().ok()?;
    open.push((about.dev(), about.ino(), Arc::clone(&file)));
    Some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(copied: &Copied) -> Option<i64> {
        match copied {
            Copied::Whole(copy) => copy.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).ok(),
            Copied::NotHere => Some(-1),
            Copied::Busy => Some(-2),
        }
    }

    /// What is committed is read beside every lock; what is half written is not.
    #[test]
    fn copy_is_of_what_is_committed() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let many = "INSERT INTO t SELECT value, hex(randomblob(500)) FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT 2000) SELECT * FROM n)";
        for (name, mode, transaction, during, after) in [
            ("rest", "DELETE", "SELECT 1", 1, 1),
            ("reserved", "DELETE", "BEGIN IMMEDIATE; INSERT INTO t VALUES (2, '')", 1, 2),
            ("exclusive", "DELETE", "BEGIN EXCLUSIVE; INSERT INTO t VALUES (2, '')", 1, 2),
            ("spilled", "DELETE", &format!("PRAGMA cache_size = 1; BEGIN EXCLUSIVE; {many}"), -2, 2001),
            ("truncated", "TRUNCATE", "BEGIN IMMEDIATE; INSERT INTO t VALUES (2, '')", 1, 2),
            ("kept", "PERSIST", &format!("PRAGMA cache_size = 1; BEGIN EXCLUSIVE; {many}"), -2, 2001),
            ("log", "WAL", "BEGIN IMMEDIATE; INSERT INTO t VALUES (2, '')", -1, -1),
        ] {
            let path = folder.path().join(name);
            let writer = Connection::open(&path)?;
            writer.pragma_update(None, "journal_mode", mode)?;
            writer.execute_batch("CREATE TABLE t (a, b); INSERT INTO t VALUES (1, '')")?;
            writer.execute_batch(transaction)?;
            assert_eq!(rows(&of(&path, Duration::ZERO)), Some(during), "{name}");
            if !writer.is_autocommit() {
                writer.execute_batch("COMMIT")?;
            }
            assert_eq!(rows(&of(&path, Duration::ZERO)), Some(after), "{name}");
        }
        Ok(())
    }
}
