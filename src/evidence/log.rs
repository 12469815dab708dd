//! Logs: effects that a receiver writes down, a line each.
//!
//! The file is followed from its end: what was in it before is of no key of
//! ours. It may come to be later, grow while it is read, be renamed and made
//! anew (what the old one still gets is read to its end, and one that came and
//! went between two looks is found under the name with `.1`), or be cut to nothing.

mod lines;

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use same_file::Handle;

use self::lines::{Counts, Pattern};
use super::{Asked, Can, EvidenceError, Question, Seen, Source, Told};

/// How often the log is looked at, asked or not, so that no rotation is missed.
const LOOKS_EVERY: Duration = Duration::from_millis(250);
/// So much is read at once.
const PIECE: usize = 256 << 10;
/// So many of the last bytes are remembered.
const REMEMBERED: usize = 256;
/// A line that is longer is cut: no key is so long.
const LONGEST_LINE: usize = 1 << 20;
/// A log of effects.
pub struct EffectsLog {
    path: PathBuf,
    written: String,
    pattern: Arc<Pattern>,
    tail: Arc<Mutex<Tail>>,
}

/// Where in the log reading stands.
struct Tail {
    path: PathBuf,
    pattern: Arc<Pattern>,
    /// The open file, which is equal to another handle when that is of the same file.
    file: Option<Handle>,
    offset: u64,
    /// The last bytes before the offset: where others stand, the file was begun again.
    before: Vec<u8>,
    rest: Vec<u8>,
    counts: Counts,
    failed: Option<String>,
}

impl EffectsLog {
    /// The log at `path`, followed from where it ends now.
    ///
    /// * `pattern`: a regular expression with `{key}` where the key stands.
    ///
    /// # Errors
    /// When the pattern is none.
    pub fn new(path: PathBuf, pattern: &str) -> Result<Self, EvidenceError> {
        let read = Pattern::new(pattern).map_err(|cause| EvidenceError::NotAsNamed {
            name: format!("the pattern `{pattern}` of the effects log"),
            what: format!("is no regular expression ({cause})"),
            way_out: "mend `effects.pattern`".to_owned(),
        })?;
        let read = Arc::new(read);
        let mut tail = Tail {
            path: path.clone(),
            pattern: Arc::clone(&read),
            file: None,
            offset: 0,
            before: Vec::new(),
            rest: Vec::new(),
            counts: Counts::default(),
            failed: None,
        };
        tail.begin_at_the_end();
        let tail = Arc::new(Mutex::new(tail));
        let weak = Arc::downgrade(&tail);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                while let Some(tail) = weak.upgrade() {
                    if tokio::task::spawn_blocking(move || look(&tail)).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(LOOKS_EVERY).await;
                }
            });
        }
        Ok(Self { path, written: pattern.to_owned(), pattern: read, tail })
    }
}

fn look(tail: &Mutex<Tail>) {
    let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
    tail.failed = tail.catch_up().err().map(|cause| cause.to_string());
}

impl Tail {
    fn begin_at_the_end(&mut self) {
        if let Ok((file, length)) = opened(&self.path) {
            (self.file, self.offset) = (Some(file), length);
        }
    }

    /// Reads whatever has come since the last look.
    fn catch_up(&mut self) -> std::io::Result<()> {
        self.read_on()?;
        let now = match opened(&self.path) {
            Ok(now) => now,
            // Between two files, or not made yet.
            Err(wrong) if wrong.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(wrong) => return Err(wrong),
        };
        let (file, length) = now;
        if self.file.as_ref() == Some(&file) {
            if length < self.offset || !self.is_as_it_was(file.as_file())? {
                // Cut to nothing, and begun again.
                (self.offset, self.rest, self.before) = (0, Vec::new(), Vec::new());
                self.read_on()?;
            }
            return Ok(());
        }
        let missed = self.file.is_some().then(|| opened(&with_one(&self.path)).ok()).flatten();
        // What was written between the last look and the renaming.
        self.read_on()?;
        if let Some((between, _)) = missed.filter(|(between, _)| self.file.as_ref() != Some(between) && *between != file) {
            (self.file, self.offset, self.rest, self.before) = (Some(between), 0, Vec::new(), Vec::new());
            self.read_on()?;
        }
        (self.file, self.offset, self.rest, self.before) = (Some(file), 0, Vec::new(), Vec::new());
        self.read_on()
    }

    /// Whether the bytes that were read last still stand where they stood.
    fn is_as_it_was(&self, mut file: &File) -> std::io::Result<bool> {
        let mut there = vec![0; self.before.len()];
        let begin = self.offset.saturating_sub(there.len() as u64);
        file.seek(SeekFrom::Start(begin))?;
        match file.read_exact(&mut there) {
            Ok(()) => Ok(there == self.before),
            Err(wrong) if wrong.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
            Err(wrong) => Err(wrong),
        }
    }

    /// Reads the open file to its end.
    fn read_on(&mut self) -> std::io::Result<()> {
        let Some(mut file) = self.file.as_ref().map(Handle::as_file) else { return Ok(()) };
        file.seek(SeekFrom::Start(self.offset))?;
        let mut piece = vec![0; PIECE];
        loop {
            let read = file.read(&mut piece)?;
            if read == 0 {
                return Ok(());
            }
            self.offset += read as u64;
            self.rest.extend_from_slice(&piece[..read]);
            self.before.extend_from_slice(&piece[..read]);
            self.before.drain(..self.before.len().saturating_sub(REMEMBERED));
            while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                let text = String::from_utf8_lossy(&line);
                self.counts.read(&self.pattern, text.trim_end_matches(['\n', '\r']));
            }
            if self.rest.len() > LONGEST_LINE {
                self.rest.clear();
            }
        }
    }
}

/// A file, and how long it is.
fn opened(path: &Path) -> std::io::Result<(Handle, u64)> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    Ok((Handle::from_file(file)?, length))
}

/// The name that a log gets when it is put away.
fn with_one(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    PathBuf::from(name)
}

impl Source for EffectsLog {
    fn name(&self) -> String {
        format!("{} (`{}`)", self.path.display(), self.written)
    }

    fn can(&self) -> Can {
        Can { effects: true, ..Can::default() }
    }

    fn check_available(&self) -> Asked<'_, ()> {
        // One that is not there yet is made with the first effect.
        Box::pin(async move { self.effects(&[]).await.map(drop) })
    }

    fn rows(&self, _question: Question) -> Asked<'_, Seen> {
        Box::pin(async move { Err(EvidenceError::CannotShow { name: self.name(), what: "rows" }) })
    }

    fn count<'a>(&'a self, _prefix: &'a str, _told: &'a mut Told<'_>) -> Asked<'a, ()> {
        Box::pin(async move { Err(EvidenceError::CannotShow { name: self.name(), what: "rows" }) })
    }

    fn effects<'a>(&'a self, keys: &'a [String]) -> Asked<'a, Vec<u64>> {
        let (tail, asked) = (Arc::clone(&self.tail), keys.to_vec());
        Box::pin(async move {
            let looked = tokio::task::spawn_blocking(move || {
                look(&tail);
                let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
                (tail.failed.clone(), tail.counts.of(&asked))
            });
            let (failed, counts) = looked.await.map_err(|wrong| self.unreadable(wrong.to_string()))?;
            match failed {
                Some(cause) => Err(self.unreadable(cause)),
                None => Ok(counts),
            }
        })
    }

    fn tells(&self, key: &str) -> bool {
        self.pattern.tells(key)
    }

    fn is_missing(&self) -> Option<String> {
        let was_there = self.tail.lock().unwrap_or_else(PoisonError::into_inner).file.is_some();
        let told = || {
            let place = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
            format!(
                "no effects log has come to be: {} is not there, though deliveries were accepted; see where the receiver writes it, and `effects.log`",
                place.display()
            )
        };
        (!was_there).then(told)
    }

    fn rewind<'a>(&'a self, _keys: &'a [String], _by: Duration) -> Asked<'a, usize> {
        Box::pin(async move { Err(EvidenceError::NothingToMove { name: self.name() }) })
    }

    fn would_rewind(&self) -> Option<String> {
        None
    }
}

impl EffectsLog {
    fn unreadable(&self, cause: String) -> EvidenceError {
        EvidenceError::CannotRead { name: format!("the effects log {}", self.path.display()), cause }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// What is appended, half a line, a file that was renamed, one that came and went, one that was cut: each effect counts once.
    #[test]
    fn log_is_followed_whatever_becomes_of_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("effects.log");
        let append = |text: &str| {
            let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path).expect("a file");
            file.write_all(text.as_bytes()).expect("written");
        };
        let rotate = || std::fs::rename(&path, with_one(&path)).expect("renamed");
        append("did a\n");
        let log = EffectsLog::new(path.clone(), "^did {key}$").expect("a pattern");
        let counts = || {
            look(&log.tail);
            let mut tail = log.tail.lock().expect("no panic");
            assert_eq!(tail.failed, None);
            tail.counts.of(&["a", "b", "c d", "e", "f"].map(str::to_owned))
        };
        assert_eq!(counts(), [0, 0, 0, 0, 0], "what was there before is not counted");
        append("did a\nother\ndid b\ndid c");
        assert_eq!(counts(), [1, 1, 0, 0, 0], "half a line is none");
        append(" d\n");
        rotate();
        assert_eq!(counts(), [1, 1, 1, 0, 0], "the old file is read to its end");
        append("did e\n");
        rotate();
        append("did f\n");
        assert_eq!(counts(), [1, 1, 1, 1, 1], "one that was put away before it was seen");
        File::options().write(true).truncate(true).open(&path).expect("cut");
        append("did e\n");
        assert_eq!(counts(), [1, 1, 1, 2, 1], "one that was cut to nothing");
    }

    /// A log that was never there is no evidence that nothing was done; one that was put away is.
    #[test]
    fn log_that_never_was_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("effects.log");
        let log = EffectsLog::new(path.clone(), "^did {key}$").expect("a pattern");
        look(&log.tail);
        let told = log.is_missing().unwrap_or_default();
        assert!(told.contains(&path.display().to_string()) && told.contains("`effects.log`"), "{told}");
        std::fs::write(&path, "").expect("written");
        look(&log.tail);
        assert_eq!(log.is_missing(), None);
        std::fs::rename(&path, with_one(&path)).expect("renamed");
        look(&log.tail);
        assert_eq!(log.is_missing(), None);
    }
}
