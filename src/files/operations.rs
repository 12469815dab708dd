//! Files of operations: a history that is written while it is made, and read again by ranges of keys.
//!
//! A file is a line that says what it is, then 32 bytes an operation in the order in which they came. It is only ever
//! added to, so that a process that is killed leaves what it has written; half an operation at its end is passed over. Reading
//! goes through it once to see which keys lie where, and then takes out as many keys at a time as there is room for: what
//! was delivered at one time lies together, so that little is read twice. Start at [`OperationsFile::open`].

use std::fs::File;
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::FileError;
use crate::history::consistency::Operation;
use crate::history::consistency::parts::{BYTES, number_of};

/// What a file begins with: as long as an operation.
const HEAD: &[u8; BYTES] = b"hookgate operations, form 1    \n";
/// So many operations are read at a time: a megabyte.
const BLOCK: usize = 32_768;
/// Keys are counted by so many at a time, in bits: a key's bucket is its number without them.
const BUCKET_BITS: u32 = 10;

/// Writes operations to a file of its own.
#[derive(Debug)]
pub struct OperationsWriter {
    file: BufWriter<File>,
    path: PathBuf,
    digest: Sha256,
}

impl OperationsWriter {
    /// Begins a file; what an earlier process has left there is gone.
    ///
    /// # Errors
    /// [`FileError`] when it cannot be written.
    pub fn create(path: &Path) -> Result<Self, FileError> {
        let failed = |cause| FileError { what: "write the operations to", path: path.to_owned(), cause };
        let mut file = BufWriter::with_capacity(BLOCK * BYTES / 8, File::create(path).map_err(failed)?);
        file.write_all(HEAD).map_err(failed)?;
        Ok(Self { file, path: path.to_owned(), digest: Sha256::new_with_prefix(HEAD) })
    }

    /// Adds operations; they are in the file when [`OperationsWriter::flush`] has been called.
    ///
    /// # Errors
    /// [`FileError`] when they cannot be written.
    pub fn append(&mut self, operations: &[Operation]) -> Result<(), FileError> {
        for one in operations {
            let bytes = one.packed();
            self.file.write_all(&bytes).map_err(|cause| self.failed(cause))?;
            self.digest.update(bytes);
        }
        Ok(())
    }

    /// Hands over to the system what was added.
    ///
    /// # Errors
    /// [`FileError`] when it cannot be written.
    pub fn flush(&mut self) -> Result<(), FileError> {
        self.file.flush().map_err(|cause| self.failed(cause))
    }

    /// SHA-256 of all that was added so far, lower-case hex: as [`OperationsFile::sha256`].
    #[must_use]
    pub fn sha256(&self) -> String {
        hex(self.digest.clone())
    }

    fn failed(&self, cause: io::Error) -> FileError {
        FileError { what: "write the operations to", path: self.path.clone(), cause }
    }
}

/// A file of operations, and where in it which keys lie.
#[derive(Debug)]
pub struct OperationsFile {
    path: PathBuf,
    count: u64,
    /// How many operations each bucket of keys has.
    counts: Vec<u32>,
    /// The lowest and the highest number of a key in each block.
    blocks: Vec<(u32, u32)>,
    sha256: String,
}

impl OperationsFile {
    /// Looks through a file.
    ///
    /// # Errors
    /// [`FileError`] when it cannot be read, or is no file of operations.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let failed = |cause| failed(path, cause);
        let mut file = File::open(path).map_err(failed)?;
        let mut head = [0; BYTES];
        file.read_exact(&mut head).map_err(failed)?;
        if head != *HEAD {
            return Err(failed(io::Error::other("it is no file of operations of this version")));
        }
        let mut all = Self { path: path.to_owned(), count: 0, counts: Vec::new(), blocks: Vec::new(), sha256: String::new() };
        let mut digest = Sha256::new_with_prefix(HEAD);
        let mut block = vec![0; BLOCK * BYTES];
        loop {
            let whole = fill(&mut file, &mut block).map_err(failed)?;
            let (mut low, mut high) = (u32::MAX, 0);
            for bytes in block[..whole].chunks_exact(BYTES) {
                let number = number_of(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
                (low, high) = (low.min(number), high.max(number));
                let bucket = (number >> BUCKET_BITS) as usize;
                if all.counts.len() <= bucket {
                    all.counts.resize(bucket + 1, 0);
                }
                all.counts[bucket] += 1;
            }
            if whole > 0 {
                all.count += (whole / BYTES) as u64;
                all.blocks.push((low, high));
            }
            digest.update(&block[..whole]);
            if whole < block.len() {
                all.sha256 = hex(digest);
                return Ok(all);
            }
        }
    }

    /// How many operations there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// SHA-256 of its whole operations, with what stands before them; lower-case hex.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Ranges of keys, of which each has no more than `most` operations, unless neighbouring keys have more.
    #[must_use]
    pub fn parts(&self, most: usize) -> Vec<RangeInclusive<u32>> {
        let mut parts = Vec::new();
        let (mut first, mut inside) = (0_u32, 0_usize);
        for (bucket, count) in self.counts.iter().map(|count| *count as usize).enumerate() {
            let begins = u32::try_from(bucket << BUCKET_BITS).unwrap_or(u32::MAX);
            if inside > 0 && inside + count > most {
                parts.push(first..=begins - 1);
                (first, inside) = (begins, 0);
            }
            inside += count;
        }
        if inside > 0 {
            parts.push(first..=u32::MAX);
        }
        parts
    }

    /// The operations of the keys in a range, in the order in which they came.
    ///
    /// # Errors
    /// [`FileError`] when the file cannot be read any more, or holds what is no operation.
    pub fn read(&self, keys: &RangeInclusive<u32>) -> Result<Vec<Operation>, FileError> {
        let failed = |cause| failed(&self.path, cause);
        let mut file = File::open(&self.path).map_err(failed)?;
        let mut block = vec![0; BLOCK * BYTES];
        let buckets = (*keys.start() >> BUCKET_BITS) as usize..=(*keys.end() >> BUCKET_BITS) as usize;
        let expected: usize = self.counts.iter().enumerate().filter(|(at, _)| buckets.contains(at)).map(|(_, count)| *count as usize).sum();
        let mut found = Vec::with_capacity(expected);
        for (at, _) in self.blocks.iter().enumerate().filter(|(_, (low, high))| low <= keys.end() && high >= keys.start()) {
            file.seek(SeekFrom::Start((BYTES + at * BLOCK * BYTES) as u64)).map_err(failed)?;
            // Whoever still writes adds to the end: what is read is what was seen.
            let here = usize::try_from(self.count).unwrap_or(usize::MAX).saturating_sub(at * BLOCK).min(BLOCK) * BYTES;
            let whole = fill(&mut file, &mut block[..here]).map_err(failed)?;
            for bytes in block[..whole].as_chunks::<BYTES>().0 {
                let one = Operation::unpacked(bytes).ok_or_else(|| failed(io::Error::other("it holds what is no operation")))?;
                if keys.contains(&number_of(one.key)) {
                    found.push(one);
                }
            }
        }
        Ok(found)
    }
}

/// Reads until the block is full or the file is over: so many bytes of whole operations.
fn fill(file: &mut File, block: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < block.len() {
        match file.read(&mut block[filled..])? {
            0 => break,
            more => filled += more,
        }
    }
    Ok(filled - filled % BYTES)
}

fn hex(digest: Sha256) -> String {
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn failed(path: &Path, cause: io::Error) -> FileError {
    FileError { what: "read the operations in", path: path.to_owned(), cause }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::consistency::NEVER;
    use crate::history::consistency::parts::OTHER_BODY;
    use crate::outcome::{Outcome, OutcomeSet};

    /// Every operation is in one part, whatever its body; no part is larger than there is room for; and half an operation is none.
    #[test]
    fn parts_hold_every_operation_once() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("operations");
        let outcome = OutcomeSet::only(Outcome::Accepted);
        let operation = |at: u32| Operation {
            key: (at % 70_000) | if at.is_multiple_of(9) { OTHER_BODY } else { 0 },
            outcome,
            invoked: i64::from(at),
            returned: NEVER,
            refers_to: NEVER,
        };
        let all: Vec<Operation> = (0..100_000).map(operation).collect();
        let mut writer = OperationsWriter::create(&path)?;
        all.chunks(1_000).try_for_each(|some| writer.append(some))?;
        writer.flush()?;
        writer.file.write_all(&[7; 5])?;
        writer.flush()?;
        let file = OperationsFile::open(&path)?;
        let parts = file.parts(9_000);
        assert_eq!((file.count(), parts.len()), (100_000, 13));
        assert_eq!(file.sha256(), writer.sha256());
        let mut read = Vec::new();
        for part in &parts {
            let operations = file.read(part)?;
            assert!(operations.len() <= 9_000 && !operations.is_empty(), "{part:?}: {}", operations.len());
            read.extend(operations);
        }
        read.sort_by_key(|one| one.invoked);
        assert!(read == all, "what was read is not what was written");
        std::fs::write(&path, "something else, that is as long as a head")?;
        assert!(OperationsFile::open(&path).is_err_and(|wrong| wrong.to_string().contains("no file of operations")));
        Ok(())
    }
}
