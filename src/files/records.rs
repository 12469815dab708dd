//! Records of a file that is read piece by piece: JSON lines, or rows of CSV, each with the line on which it begins.
//!
//! In: a path, and where to go on. Out: one record after the other, as bytes, with its line and its offset, so that it can be read
//! once more later. Never more than one record is held, and none is longer than [`LONGEST`]. What a record means is not this room's business.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::FileError;
use crate::sign::hex;

/// So many bytes a record has at the most: a body of 16 MB in base64, and something beside it.
pub const LONGEST: u64 = 24 << 20;
/// What a text may begin with that is none of its letters.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How records stand in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordForm {
    /// One a line.
    Lines,
    /// As RFC 4180 has it: what stands in quotation marks may have line breaks in it.
    Csv,
}

/// Where a record begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordPlace {
    /// Bytes from the beginning of the file.
    pub offset: u64,
    /// The line, from 1.
    pub line: u64,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where it begins.
    pub place: RecordPlace,
    /// Its bytes, without the line break at its end.
    pub bytes: Vec<u8>,
}

/// Reads records one by one.
#[derive(Debug)]
pub struct RecordReader {
    file: BufReader<File>,
    path: PathBuf,
    form: RecordForm,
    next: RecordPlace,
}

impl RecordReader {
    /// Opens a file.
    ///
    /// # Errors
    /// [`FileError`] when it cannot be read.
    pub fn open(path: &Path, form: RecordForm) -> Result<Self, FileError> {
        let failed = |cause| FileError { what: "read", path: path.to_owned(), cause };
        let file = File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.is_dir() {
            return Err(failed(io::Error::other("it is a folder")));
        }
        Ok(Self { file: BufReader::with_capacity(64 << 10, file), path: path.to_owned(), form, next: RecordPlace { offset: 0, line: 1 } })
    }

    /// Goes on at a place where a record begins.
    ///
    /// # Errors
    /// [`FileError`] when the file has no such place.
    pub fn go_to(&mut self, place: RecordPlace) -> Result<(), FileError> {
        // What is near is in the buffer already.
        let by = i64::try_from(place.offset).ok().zip(i64::try_from(self.next.offset).ok()).and_then(|(to, from)| to.checked_sub(from));
        let gone = match by {
            Some(by) => self.file.seek_relative(by),
            None => self.file.seek(SeekFrom::Start(place.offset)).map(drop),
        };
        self.next = place;
        gone.map_err(|cause| self.failed(cause))
    }

    /// The next record; blank lines are passed over. `None` at the end of the file.
    ///
    /// # Errors
    /// [`FileError`] when it cannot be read, is too long, or ends within quotation marks; the line is told.
    pub fn next_record(&mut self) -> Result<Option<Record>, FileError> {
        loop {
            let place = self.next;
            let mut bytes = Vec::new();
            while self.add_line(&mut bytes)? && self.form == RecordForm::Csv && is_open(&bytes) {
                if self.next.offset - place.offset > LONGEST {
                    return Err(self.wrong(place, "a quotation mark is opened here, and closed nowhere near"));
                }
            }
            if self.next == place {
                return Ok(None);
            }
            if self.form == RecordForm::Csv && is_open(&bytes) {
                return Err(self.wrong(place, "a quotation mark is opened here, and never closed"));
            }
            if place.offset == 0 && bytes.starts_with(BYTE_ORDER_MARK) {
                bytes.drain(..BYTE_ORDER_MARK.len());
            }
            while bytes.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
                bytes.pop();
            }
            if !bytes.trim_ascii().is_empty() {
                return Ok(Some(Record { place, bytes }));
            }
        }
    }

    /// Adds a line with its break; false at the end of the file.
    fn add_line(&mut self, bytes: &mut Vec<u8>) -> Result<bool, FileError> {
        let place = self.next;
        let mut line = self.file.by_ref().take(LONGEST + 1);
        let read = line.read_until(b'\n', bytes).map_err(|cause| self.failed(cause))? as u64;
        if read > LONGEST {
            return Err(self.wrong(place, &format!("it is longer than {LONGEST} bytes")));
        }
        self.next = RecordPlace { offset: place.offset + read, line: place.line + u64::from(read > 0) };
        Ok(read > 0)
    }

    fn wrong(&self, place: RecordPlace, what: &str) -> FileError {
        self.failed(io::Error::other(format!("line {}: {what}", place.line)))
    }

    fn failed(&self, cause: io::Error) -> FileError {
        FileError { what: "read", path: self.path.clone(), cause }
    }
}

/// SHA-256 of a file, lower-case hex.
///
/// # Errors
/// [`FileError`] when it cannot be read.
pub fn sha256_of(path: &Path) -> Result<String, FileError> {
    let failed = |cause| FileError { what: "read", path: path.to_owned(), cause };
    let mut file = File::open(path).map_err(failed)?;
    let (mut hash, mut block) = (Sha256::new(), vec![0; 64 << 10]);
    loop {
        match file.read(&mut block).map_err(failed)? {
            0 => return Ok(hex(&hash.finalize())),
            more => hash.update(&block[..more]),
        }
    }
}

/// Whether a quotation mark is still open: one that is meant stands twice, so that their number tells.
fn is_open(bytes: &[u8]) -> bool {
    bytes.iter().filter(|byte| **byte == b'"').count() % 2 == 1
}

/// The fields of a row.
///
/// # Errors
/// What is wrong with a quotation mark, as a sentence.
pub fn fields(row: &[u8]) -> Result<Vec<Vec<u8>>, &'static str> {
    let mut all = Vec::new();
    let mut rest = row;
    loop {
        let mut field = Vec::new();
        if let Some(mut inner) = rest.strip_prefix(b"\"") {
            loop {
                let at = inner.iter().position(|byte| *byte == b'"').ok_or("a quotation mark is never closed")?;
                field.extend_from_slice(&inner[..at]);
                inner = &inner[at + 1..];
                match inner.strip_prefix(b"\"") {
                    Some(more) => {
                        field.push(b'"');
                        inner = more;
                    }
                    None => break,
                }
            }
            if !matches!(inner.first(), None | Some(b',')) {
                return Err("something stands behind a field's closing quotation mark");
            }
            rest = inner;
        } else {
            let end = rest.iter().position(|byte| *byte == b',').unwrap_or(rest.len());
            if rest[..end].contains(&b'"') {
                return Err("a quotation mark stands within a field that does not begin with one");
            }
            field.extend_from_slice(&rest[..end]);
            rest = &rest[end..];
        }
        all.push(field);
        match rest.split_first() {
            Some((_, more)) => rest = more,
            None => return Ok(all),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: RecordForm, text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records");
        std::fs::write(&path, text).unwrap();
        let mut reader = RecordReader::open(&path, form).unwrap();
        let told = |record: Record| format!("{}@{} {}", record.place.line, record.place.offset, String::from_utf8(record.bytes).unwrap());
        let mut all = Vec::new();
        loop {
            match reader.next_record() {
                Ok(Some(record)) => all.push(told(record)),
                Ok(None) => return all,
                Err(wrong) => {
                    all.push(wrong.cause.to_string());
                    return all;
                }
            }
        }
    }

    #[test]
    fn records_are_told_with_the_line_on_which_they_begin() {
        assert_eq!(read(RecordForm::Lines, "\u{feff}{\"a\"}\r\n\n \nlast"), ["1@0 {\"a\"}", "4@13 last"]);
        assert_eq!(read(RecordForm::Csv, "key,body\na,\"x\n\"\"y\"\"\"\nb,z"), ["1@0 key,body", "2@9 a,\"x\n\"\"y\"\"\"", "4@21 b,z"]);
        assert_eq!(read(RecordForm::Csv, "k\n\"a\nb"), ["1@0 k", "line 2: a quotation mark is opened here, and never closed"]);
        assert_eq!(read(RecordForm::Lines, ""), Vec::<String>::new());
    }

    /// A record that was read can be read again, whatever was read since.
    #[test]
    fn a_place_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records");
        let text: String = (0..9_000).map(|number| format!("line {number}\n")).collect();
        std::fs::write(&path, text).unwrap();
        let mut reader = RecordReader::open(&path, RecordForm::Lines).unwrap();
        let mut all = Vec::new();
        while let Some(record) = reader.next_record().unwrap() {
            all.push(record);
        }
        for at in [8_999, 0, 4_000, 4_001, 3_999] {
            reader.go_to(all[at].place).unwrap();
            assert_eq!(reader.next_record().unwrap().as_ref(), Some(&all[at]));
        }
        assert_eq!(all[4_000].place.line, 4_001);
    }

    #[test]
    fn fields_are_read_as_rfc_4180_has_them() {
        let read =
            |row: &str| fields(row.as_bytes()).map(|all| all.into_iter().map(|one| String::from_utf8(one).unwrap()).collect::<Vec<_>>());
        assert_eq!(read("a,,\"b,\"\"c\"\"\",").unwrap(), ["a", "", "b,\"c\"", ""]);
        assert_eq!(read("").unwrap(), [""]);
        for wrong in ["\"a", "\"a\"b", "a\"b\""] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
