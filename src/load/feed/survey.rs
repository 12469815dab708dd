//! Survey: a feed is read through once before anything is sent.
//!
//! In: a path and the contract that its deliveries are to be made under. Out: what is in it, where lines can be found again, and every
//! mistake with file and line. A record at a time is held; places are kept of every line only where lines are not in the order of their
//! time, and else of so many at the most.

use std::collections::BTreeSet;
use std::path::Path;

use super::FeedError;
use super::feeding::{is_ours, key_in};
use super::line::{Form, Line, Read, columns, read};
use crate::contract::{Contract, own_headers};
use crate::delivery::{Delivery, HeaderLine};
use crate::files::records::{RecordForm, RecordPlace, RecordReader, sha256_of};
use crate::sign::Signer;

/// So many places are kept of lines that are drawn at random: the lines between two of them are read to find one.
const MOST_PLACES: usize = 1 << 20;
/// So many mistakes are told at a time.
const MOST_TOLD: usize = 20;

/// What is in a feed.
#[derive(Clone, Debug)]
pub struct Survey {
    /// In which form its lines stand.
    pub form: Form,
    /// How its records stand in the file.
    pub records: RecordForm,
    /// Where its first delivery stands: behind the row of columns.
    pub first: RecordPlace,
    /// How many deliveries there are.
    pub lines: u64,
    /// How many of them fall to this worker; all of them without others.
    pub ours: u64,
    /// Lines that cannot be sent again, and why.
    pub left_out: Vec<(&'static str, u64)>,
    /// The kinds that its lines name, in order.
    pub kinds: BTreeSet<String>,
    /// SHA-256 of the file, lower-case hex.
    pub sha256: String,
    /// Every so many-th delivery stands at one of these places.
    pub places: Vec<RecordPlace>,
    /// How many deliveries lie from one place to the next.
    pub stride: u64,
    /// Deliveries by their time, where the file has them in another order: instant and place.
    pub by_time: Option<Vec<(i64, RecordPlace)>>,
    /// The first and the last instant.
    pub span: Option<(i64, i64)>,
}

/// What lines must keep to.
#[derive(Clone, Copy)]
pub struct Keeping<'a> {
    /// The contract.
    pub contract: &'a Contract,
    /// Says which bodies it signs; absent where a file is only checked.
    pub signer: Option<&'a Signer>,
    /// Whether keys travel as they are written.
    pub as_written: bool,
    /// Whether it is recorded traffic, whose lines need a time and whose header lines are taken where they can be.
    pub is_recorded: bool,
    /// Of several workers, which this one is, from 1, and how many there are.
    pub share: Option<(u64, u64)>,
}

/// Reads a feed through.
///
/// # Errors
/// [`FeedError`]: it cannot be read, or every mistake of its lines (the first `MOST_TOLD`).
pub fn survey(path: &Path, keeping: Keeping<'_>) -> Result<Survey, FeedError> {
    let is_csv = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    let records = if is_csv { RecordForm::Csv } else { RecordForm::Lines };
    let mut reader = RecordReader::open(path, records)?;
    let mut diagnostics: Vec<String> = Vec::new();
    let name = path.display();
    let mut form = Form::Json;
    if is_csv {
        let first = reader.next_record()?.ok_or_else(|| FeedError::Empty(name.to_string()))?;
        let wrong = |what| FeedError::Mistakes(format!("{name}:{}: {what}", first.place.line));
        form = Form::Csv(columns(&first.bytes).map_err(wrong)?);
    }
    let mut found = Survey {
        form,
        records,
        first: RecordPlace::default(),
        lines: 0,
        ours: 0,
        left_out: Vec::new(),
        kinds: BTreeSet::new(),
        sha256: String::new(),
        places: Vec::new(),
        stride: 1,
        by_time: keeping.is_recorded.then(Vec::new),
        span: None,
    };
    let mut told = 0_usize;
    while let Some(record) = reader.next_record()? {
        let checked = read(&found.form, &record.bytes).and_then(|read| match read {
            Read::Line(line) => check(&line, keeping).map(|()| Ok(line)),
            Read::LeftOut(why) => Ok(Err(why)),
        });
        match checked {
            Ok(Ok(line)) => {
                found.ours += u64::from(is_ours(keeping.share, &line, record.place));
                found.add(&line, record.place);
            }
            Ok(Err(why)) => match found.left_out.iter_mut().find(|(known, _)| *known == why) {
                Some((_, count)) => *count += 1,
                None => found.left_out.push((why, 1)),
            },
            Err(what) => {
                told += 1;
                if diagnostics.len() < MOST_TOLD {
                    diagnostics.push(format!("{name}:{}: {what}", record.place.line));
                }
            }
        }
    }
    if told > diagnostics.len() {
        diagnostics.push(format!("{name}: and {} more lines with a mistake", told - diagnostics.len()));
    }
    if !diagnostics.is_empty() {
        return Err(FeedError::Mistakes(diagnostics.join("\n")));
    }
    if found.lines == 0 {
        return Err(FeedError::Empty(name.to_string()));
    }
    found.sha256 = sha256_of(path)?;
    // What stands in the order of its time is read as it stands.
    found.by_time = found.by_time.filter(|all| !all.is_sorted_by_key(|(at, _)| *at));
    if let Some(by_time) = &mut found.by_time {
        by_time.sort_by_key(|(at, place)| (*at, *place));
    }
    Ok(found)
}

impl Survey {
    fn add(&mut self, line: &Line, place: RecordPlace) {
        if self.lines == 0 {
            self.first = place;
        }
        if self.lines.is_multiple_of(self.stride) {
            if self.places.len() == MOST_PLACES {
                // Twice as far apart, there is room for as many again.
                let mut at = 0_usize;
                self.places.retain(|_| {
                    at += 1;
                    at % 2 == 1
                });
                self.stride *= 2;
            }
            if self.lines.is_multiple_of(self.stride) {
                self.places.push(place);
            }
        }
        self.lines += 1;
        self.kinds.extend(line.kind.clone());
        if let Some(at) = line.at {
            let (first, last) = self.span.unwrap_or((at, at));
            self.span = Some((first.min(at), last.max(at)));
            if let Some(by_time) = &mut self.by_time {
                by_time.push((at, place));
            }
        }
    }
}

/// Whether a delivery can be made of a line.
fn check(line: &Line, keeping: Keeping<'_>) -> Result<(), String> {
    let Keeping { contract, signer, as_written, is_recorded, share: _ } = keeping;
    if is_recorded && line.at.is_none() {
        return Err("it has no time (`at`, or the `sent_at` of a history), and is to be sent again at its own".to_owned());
    }
    for (name, value) in line.headers.iter().filter(|_| !line.is_recorded) {
        if let Some(why) = own_headers::refusal(contract, name, value) {
            return Err(why);
        }
    }
    if let (Some(key), true) = (&line.key, as_written) {
        usable(contract, key)?;
    }
    if let (Some(key), false) = (&line.key, line.is_recorded || contract.key.is_somewhere()) {
        return Err(format!("it has the key `{key}`, and the contract `{}` has no place for keys", contract.contract));
    }
    let Some(body) = &line.body else { return Ok(()) };
    let is_without = line.kind.as_deref() == Some("missing-key");
    if is_without && key_in(contract, body).is_some() {
        return Err("it is to have no key (`kind`), and its body has one".to_owned());
    }
    if !is_without && contract.key.is_somewhere() {
        let key = line.key.clone().filter(|_| as_written).unwrap_or_else(|| contract.key.unique_key("hg", 0));
        contract.travelling_body(body, Some(key.as_bytes())).map_err(str::to_owned)?;
    }
    signer.map_or(Ok(()), |signer| signer.permits(body).map_err(str::to_owned))
}

/// Whether a receiver reads a key as it is written here.
fn usable(contract: &Contract, key: &str) -> Result<(), String> {
    if !contract.key.is_somewhere() {
        return Ok(());
    }
    contract.key.permits(key.as_bytes())?;
    let headers = contract.key.header.iter();
    let headers = headers.map(|name| HeaderLine::new(name.clone(), contract.key.write(key.as_bytes()).into_owned())).collect();
    let body = contract.travelling_body(b"{}", Some(key.as_bytes())).map_err(str::to_owned)?.into_owned().into();
    let read = contract.key.read(&Delivery { headers, body, ..Delivery::default() });
    match read {
        Ok(read) if read == key => Ok(()),
        Ok(_) | Err(_) => Err(format!(
            "its key `{}` is none that the contract `{}` has (`key`): a receiver would read another one, or none; \
             --feed-keys fresh gives each key its own",
            key.escape_debug(),
            contract.contract
        )),
    }
}
