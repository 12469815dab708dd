//! Workers: what each of several loads leaves in its report folder for whoever joins them, and the keeper who writes it.
//!
//! Under `worker/` lie its [`Facts`], written when it begins; its operations, 32
//! bytes each, written as they come; and what it has measured, written anew
//! every other second. So whatever ends a worker leaves what it has learned.
//! Users hand over to a channel, and the [`Keeper`]'s own thread writes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::carried::Carried;
use super::measure::Measurement;
use super::part::{Lot, Note};
use super::progress::Phase;
use super::window::Told;
use super::{Cut, Loaded, OnSecond};
use crate::clock::{UnixMicros, iso};
use crate::files::operations::OperationsWriter;
use crate::files::{FileError, ReportFolder};
use crate::number;
use crate::sign::sha256_hex;

/// The folder of these files in a report folder.
pub const FOLDER: &str = "worker";
/// The worker's facts.
pub const FACTS: &str = "worker.json";
/// Its operations.
pub const OPERATIONS: &str = "operations";
/// What it has measured.
pub const MEASURED: &str = "measured.json";
/// The version of the facts' form.
pub const SCHEMA: &str = "hookgate.worker/1";

/// A run has no more workers: each number up to the highest is looked for when they are joined.
const MOST_WORKERS: u32 = 10_000;

/// Which of several loads one is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Which {
    /// The word that its run's workers share.
    pub run_word: String,
    /// Its number: from 1 where it was given one, from 0 where Locust's master has.
    #[serde(deserialize_with = "number_of_worker")]
    pub number: u32,
    /// How many workers the run has; absent where nobody knew when it began.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "number_of_workers")]
    pub of: Option<u32>,
    /// What its keys begin with.
    pub keys: String,
    /// The master that it worked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master: Option<String>,
}

fn number_of_worker<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    possible(u32::deserialize(from)?)
}

fn number_of_workers<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    Option::deserialize(from)?.map(possible).transpose()
}

fn possible<E: serde::de::Error>(number: u32) -> Result<u32, E> {
    (number <= MOST_WORKERS)
        .then_some(number)
        .ok_or_else(|| E::custom(format!("there are {number} workers: a run has {MOST_WORKERS} at the most")))
}

/// What a worker is and does, as it stood when it began.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Facts {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Which of several it is.
    pub which: Which,
    /// The contract's name.
    pub contract: String,
    /// The digest of its file.
    pub contract_sha256: String,
    /// The receiver.
    pub target: String,
    /// `closed` or `open`.
    pub model: String,
    /// When it began: microseconds since the epoch, by its own clock; absent until then.
    pub began_at: Option<i64>,
    /// How long keys live, in microseconds; absent where they are never forgotten.
    pub life_us: Option<i64>,
    /// Its gates.
    pub gates: Vec<String>,
    /// The kinds of its mix with their weights, in order.
    pub mix: Vec<(String, u32)>,
    /// How many users it has at the most.
    pub users: usize,
    /// The seed of what is random.
    pub seed: u64,
    /// When it begins in the load that it is a rotation of, in seconds; absent for other workers.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "number::seconds_or_none")]
    pub from_s: Option<f64>,
    /// SHA-256 of what lies beside it, by name; empty until it has ended.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
    /// Whether its operations were judged, found right, and taken away.
    #[serde(default)]
    pub is_judged: bool,
}

impl Facts {
    /// Whether it is one of several loads that followed one another, and not one of several side by side.
    #[must_use]
    pub fn is_rotation(&self) -> bool {
        self.from_s.is_some() || (self.which.of.is_none() && self.which.master.is_none())
    }
}

/// How a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// By plan, with a report.
    Complete,
    /// Somebody has interrupted it; it has a report.
    Interrupted,
    /// It has no report: what it had written until then is all there is.
    CutShort,
    /// There is nothing of it.
    Missing,
}

/// A worker in the report of a load.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct WorkerReport {
    /// Which of several it is.
    #[serde(flatten)]
    pub which: Which,
    /// How it ended.
    pub state: State,
    /// When it began, UTC, ISO 8601, by its own clock; empty when it is missing.
    #[serde(default)]
    pub started_at: String,
    /// How many deliveries it has measured.
    pub deliveries: u64,
    /// How many it has sent in all.
    pub operations: u64,
}

impl WorkerReport {
    /// A worker with its own report.
    #[must_use]
    pub fn of(which: &Which, loaded: &Loaded) -> Self {
        // One that has found something and was interrupted was interrupted all the same.
        let state = if loaded.cut == Some(Cut::Interrupted) { State::Interrupted } else { State::Complete };
        let (deliveries, operations) = (loaded.report.deliveries, loaded.report.operations);
        Self { which: which.clone(), state, started_at: loaded.report.started_at.clone(), deliveries, operations }
    }
}

/// Called with everything that users hand over.
pub type OnLot = Box<dyn FnMut(&Lot) + Send>;

/// Writes down what a worker learns, in a thread of its own.
#[derive(Debug)]
pub struct Keeper {
    folder: Option<PathBuf>,
    notes: Sender<Note>,
    thread: JoinHandle<Result<Option<Written>, FileError>>,
}

impl Keeper {
    /// Begins.
    ///
    /// * `report`: the worker's report folder; without one, nothing is written.
    ///
    /// # Errors
    /// [`FileError`] when the folder cannot be written, or there is no thread.
    pub fn start(report: Option<&Path>, facts: Facts, on_lot: OnLot) -> Result<Self, FileError> {
        let (notes, told) = channel();
        let folder = report.map(|report| report.join(FOLDER));
        let mut written = match &folder {
            None => None,
            Some(path) => {
                let folder = ReportFolder::make(path)?;
                folder.forget(MEASURED)?;
                Some(Written { operations: OperationsWriter::create(&path.join(OPERATIONS))?, folder, facts })
            }
        };
        if let Some(written) = &written {
            written.write_facts()?;
        }
        let mut on_lot = on_lot;
        let thread = std::thread::Builder::new().name("keeper".to_owned()).spawn(move || {
            keep(&told, written.as_mut(), &mut on_lot)?;
            Ok(written)
        });
        let path = folder.clone().unwrap_or_default();
        let thread = thread.map_err(|cause| FileError { what: "start the thread that writes to", path, cause })?;
        Ok(Self { folder, notes, thread })
    }

    /// Where notes go.
    #[must_use]
    pub fn notes(&self) -> Sender<Note> {
        self.notes.clone()
    }

    /// Waits until all is written that it was told, and adds what was measured in all; gives its facts as they are then, where it has some.
    ///
    /// # Errors
    /// [`FileError`] when something could not be written.
    pub fn end(self, loaded: Option<&Loaded>) -> Result<Option<Facts>, FileError> {
        drop(self.notes.send(Note::Ended));
        let failed = |cause| FileError { what: "write to", path: self.folder.clone().unwrap_or_default(), cause };
        let written = self.thread.join().map_err(|_| failed(std::io::Error::other("the thread that writes has panicked")))??;
        let Some(mut written) = written else { return Ok(None) };
        if let Some(loaded) = loaded {
            let measured = write_measured(&written.folder, &loaded.measurement, loaded.report.window, true)?;
            let files = [(OPERATIONS, written.operations.sha256()), (MEASURED, sha256_hex(measured.as_bytes()))];
            written.facts.files = files.into_iter().map(|(name, digest)| (name.to_owned(), digest)).collect();
            written.write_facts()?;
        }
        Ok(Some(written.facts))
    }
}

/// Takes away the operations of a worker, which were judged and found right; its facts say so, for else they would be missed.
///
/// * `report`: its report folder; * `facts`: what [`Keeper::end`] gave.
///
/// # Errors
/// [`FileError`] when its facts cannot be written, or the operations stay.
pub fn take_operations_away(report: &Path, facts: &mut Facts) -> Result<(), FileError> {
    facts.is_judged = true;
    let folder = ReportFolder::at(&report.join(FOLDER))?;
    folder.write(FACTS, &serde_json::to_string_pretty(facts).unwrap_or_default())?;
    folder.forget(OPERATIONS)
}

/// The files of a worker.
#[derive(Debug)]
struct Written {
    folder: ReportFolder,
    operations: OperationsWriter,
    facts: Facts,
}

impl Written {
    fn write_facts(&self) -> Result<(), FileError> {
        self.folder.write(FACTS, &serde_json::to_string_pretty(&self.facts).unwrap_or_default())
    }
}

/// Hands on what was measured, beside whoever looks on: every other second, and a long load's, whose series is long, more seldom.
#[must_use]
pub fn looked_on(on_second: OnSecond, notes: Sender<Note>) -> OnSecond {
    /// Every other second.
    const USUAL: u64 = 2;
    /// With a minute of its series, a load's are a second further apart.
    const MINUTE: u64 = 60;
    /// So far apart at the most.
    const SELDOM: u64 = 120;
    let last = AtomicU64::new(0);
    Arc::new(move |progress| {
        let (now, minutes) = (progress.elapsed.as_secs(), progress.measured.series.len() as u64 / MINUTE);
        // The whole is written when it has ended.
        if progress.phase != Phase::Over && now >= last.load(Ordering::Relaxed) + (USUAL + minutes).min(SELDOM) {
            last.store(now, Ordering::Relaxed);
            // Whoever has gone does not want to know any more.
            drop(notes.send(Note::SoFar(Box::new(progress.measured.clone()), progress.elapsed)));
        }
        on_second(progress);
    })
}

fn keep(told: &Receiver<Note>, mut written: Option<&mut Written>, on_lot: &mut OnLot) -> Result<(), FileError> {
    while let Ok(first) = told.recv() {
        let mut next = Some(first);
        while let Some(note) = next {
            match (note, written.as_deref_mut()) {
                (Note::Ended, None) => return Ok(()),
                (Note::Ended, Some(written)) => return written.operations.flush(),
                (Note::Learned(lot), written) => {
                    if let Some(written) = written {
                        written.operations.append(&lot.operations)?;
                    }
                    on_lot(&lot);
                }
                (Note::Began(at), Some(written)) => {
                    written.facts.began_at = Some(at.0);
                    written.write_facts()?;
                }
                (Note::SoFar(measurement, elapsed), Some(written)) => {
                    let window = Told {
                        warm_until_s: measurement.warm_up.as_secs_f64(),
                        planned_end_s: elapsed.as_secs_f64(),
                        last_answer_s: measurement.last_answer.as_secs_f64(),
                    };
                    write_measured(&written.folder, &measurement, window, false)?;
                }
                (Note::Began(_) | Note::SoFar(..), None) => {}
                (Note::Told(waits), _) => drop(waits.send(())),
            }
            next = told.try_recv().ok();
        }
        // Nothing more has come: whoever ends us now loses nothing.
        if let Some(written) = written.as_deref_mut() {
            written.operations.flush()?;
        }
    }
    Ok(())
}

fn write_measured(folder: &ReportFolder, measurement: &Measurement, window: Told, is_whole: bool) -> Result<String, FileError> {
    let text =
        Carried::of(measurement, window, is_whole).and_then(|carried| serde_json::to_string(&carried).map_err(|cause| cause.to_string()));
    let path = PathBuf::from(MEASURED);
    let text = text.map_err(|cause| FileError { what: "write", path, cause: std::io::Error::other(cause) })?;
    folder.write(MEASURED, &text)?;
    Ok(text)
}

/// When a worker began, as a report tells it.
#[must_use]
pub fn started_at(facts: &Facts) -> String {
    facts.began_at.map(|at| iso::write(UnixMicros(at))).unwrap_or_default()
}
