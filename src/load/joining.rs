//! Joining: what several workers have measured and kept, as if one load had; and their histories judged anew.
//!
//! In: the folders of workers, whatever state they were left in, and their contract. Out: one [`Loaded`]. A key belongs to one
//! worker, so histories are judged a worker at a time, in parts for which there is room ([`judge_files`]); the answers of
//! every worker are judged here once more, and what rows have shown is taken from the workers' own reports. A worker
//! that is missing, has no report, or whose history is cut or damaged leaves the verdict undecided where nothing is broken.

mod axis;
mod found;
mod notes;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::Loaded;
use super::carried::Carried;
use super::effort::Effort;
use super::feed::FeedReport;
use super::gate::Gate;
use super::heat::HeatMap;
use super::report::{Latency, LoadReport, SCHEMA};
use super::worker::{Facts, OPERATIONS, State, Which, WorkerReport, started_at};
use super::{summing, unexpected};
use crate::clock::{UnixMicros, iso};
use crate::contract::Contract;
use crate::files::FileError;
use crate::files::operations::OperationsFile;
use crate::history::consistency::{Explanation, Judgement, Law, judge};
use crate::number::total;
use crate::report::manifest::MadeFrom;
use crate::report::{Overall, ProjectFacts, Tool, Verdict};
use crate::scenario::requirement::Catalogue;

/// So many operations are judged at a time by each thread: 64 MB of them.
pub const MOST_AT_ONCE: usize = 2 << 20;

/// A worker's folder, as it was read.
#[derive(Debug)]
pub struct Worker {
    /// The folder's name, as people should see it.
    pub folder: String,
    /// What it is.
    pub facts: Facts,
    /// What it has measured; absent where it was ended before it wrote any.
    pub carried: Option<Carried>,
    /// Its report; absent where it was cut short.
    pub report: Option<LoadReport>,
    /// Its history; absent where it kept none.
    pub operations: Option<OperationsFile>,
}

impl Worker {
    fn which(&self) -> &Which {
        &self.facts.which
    }

    fn law(&self, contract: &Contract) -> Law {
        Law { life: self.facts.life_us, replays_failures: contract.replays_failures() }
    }

    /// What there is of its history.
    fn history(&self) -> History {
        let Some(file) = &self.operations else {
            return match &self.report {
                None => History::Cut,
                Some(report) if self.facts.is_judged || report.operations == 0 => History::TakenAway,
                Some(_) => History::Lost,
            };
        };
        let as_written = self.facts.files.get(OPERATIONS).is_none_or(|digest| digest == file.sha256());
        match &self.report {
            None => History::Cut,
            // Its disk may have been full.
            Some(report) if file.count() < report.operations => History::Cut,
            Some(_) if !as_written => History::Damaged,
            Some(_) => History::Whole,
        }
    }

    fn state(&self) -> State {
        match &self.report {
            None => State::CutShort,
            Some(report) if report.was_interrupted() => State::Interrupted,
            Some(_) => State::Complete,
        }
    }
}

/// What there is of a worker's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum History {
    /// All that it has sent.
    Whole,
    /// Nothing: it was judged, and taken away.
    TakenAway,
    /// What it had written down until then: what explains an answer may be in the rest.
    Cut,
    /// Nothing, and nobody has taken it away.
    Lost,
    /// Not what it has written.
    Damaged,
}

impl History {
    /// Whether there may have been more than there is.
    fn is_open(self) -> bool {
        match self {
            Self::Whole | Self::TakenAway => false,
            Self::Cut | Self::Lost | Self::Damaged => true,
        }
    }
}

/// What an operation that is lost would explain: everything but two acceptances that are there.
fn is_of_the_lost(why: &Explanation) -> bool {
    match why {
        Explanation::AcceptedTwice => false,
        Explanation::DuplicateOfNothing
        | Explanation::DuplicateOutsideLife
        | Explanation::FailureForgotten
        | Explanation::InFlightAlone
        | Explanation::ReferenceElsewhere
        | Explanation::ReferencesDiffer
        | Explanation::AuditRowsMissing { .. }
        | Explanation::KeyRows { .. }
        | Explanation::AuditRowsTooMany { .. }
        | Explanation::AuditRowsOfRefused { .. }
        | Explanation::TraceOfRefused => true,
    }
}

/// Why loads cannot be joined.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// They do not belong together; a sentence.
    #[error("{0}")]
    Apart(String),
    /// One of them cannot be read.
    #[error("{0}: {1}")]
    Unreadable(String, String),
    /// One of their histories cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Judges histories in files, in parts of at most `most` operations, on as many threads as there are cores.
///
/// # Errors
/// [`FileError`] when one cannot be read any more.
pub fn judge_files(files: &[(&OperationsFile, Law)], most: usize) -> Result<Vec<Judgement>, FileError> {
    let parts: Vec<(usize, std::ops::RangeInclusive<u32>)> =
        files.iter().enumerate().flat_map(|(at, (file, _))| file.parts(most).into_iter().map(move |part| (at, part))).collect();
    let next = AtomicUsize::new(0);
    let judged: Mutex<Vec<(usize, Result<Judgement, FileError>)>> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get).min(parts.len());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((at, (of, keys))) = next_of(&next, &parts) {
                    let (file, law) = files[*of];
                    let one = file.read(keys).map(|mut history| judge(&mut history, &mut [], law));
                    judged.lock().unwrap_or_else(PoisonError::into_inner).push((at, one));
                }
            });
        }
    });
    let mut judged = judged.into_inner().unwrap_or_else(PoisonError::into_inner);
    // Whichever thread was first: what is told is in the order of workers and keys.
    judged.sort_by_key(|(at, _)| *at);
    let mut all = vec![Judgement::default(); files.len()];
    for (at, one) in judged {
        all[parts[at].0].join(one?);
    }
    Ok(all)
}

fn next_of<'p, T>(next: &AtomicUsize, parts: &'p [T]) -> Option<(usize, &'p T)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    parts.get(at).map(|part| (at, part))
}

/// All workers as one load.
///
/// * `gates`: what has to be kept to by all together, beside what each had to.
///
/// # Errors
/// [`JoinError`]: what does not belong together, or cannot be read.
pub fn joined(
    mut workers: Vec<Worker>,
    gates: &[String],
    contract: &Contract,
    catalogue: &Catalogue,
    made_from: MadeFrom,
) -> Result<Loaded, JoinError> {
    workers.sort_by(|one, other| {
        (&one.which().run_word, one.which().number, one.facts.began_at).cmp(&(
            &other.which().run_word,
            other.which().number,
            other.facts.began_at,
        ))
    });
    belong_together(&workers)?;
    let Some(first) = workers.first() else { return Err(JoinError::Apart("there is no worker to join".to_owned())) };
    let names: Vec<String> = first.facts.mix.iter().map(|(name, _)| name.clone()).collect();
    let missing = missing(&workers);
    let (measurement, window, shifts) = axis::measured(&workers, &names)?;
    let judged = judged(&workers, contract)?;
    let all_ended = missing.is_empty() && workers.iter().all(|worker| worker.report.is_some());
    let is_whole = all_ended && workers.iter().all(|worker| !worker.history().is_open());
    let (found, was_judged, doubts) = found::found(&workers, &judged, contract, catalogue, all_ended);
    let reports = || workers.iter().filter_map(|worker| worker.report.as_ref());
    let (mut all, by_kind) = measurement.in_all(&window);
    all.dropped = total(reports().map(|report| report.dropped));
    all.violations = total(found.requirements.iter().filter(|one| one.verdict == Verdict::Fail).map(|one| one.violations));
    let mut texts: Vec<&String> = Vec::new();
    for text in workers.iter().flat_map(|worker| &worker.facts.gates).chain(gates) {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    let gates = texts.into_iter().map(|text| Gate::read(text, &names)).collect::<Result<Vec<_>, _>>().map_err(JoinError::Apart)?;
    let mut gates: Vec<_> = gates.iter().map(|gate| gate.judge(&all, &by_kind)).collect();
    for gate in gates.iter_mut().filter(|gate| gate.of_violations && !was_judged) {
        (gate.ok, gate.value) = (false, None);
    }
    let kinds = summing::kinds(&measurement, &by_kind);
    let broken = found.requirements.iter().any(|one| one.verdict == Verdict::Fail)
        || gates.iter().any(|gate| !gate.ok)
        || kinds.values().any(|kind| !kind.statuses.is_empty())
        || reports().any(was_aborted);
    let verdict = match broken {
        true => Overall::DoesNotConform,
        false if reports().any(|report| report.verdict == Overall::Interrupted) => Overall::Interrupted,
        false if reports().any(|report| report.verdict == Overall::Incomplete) => Overall::Incomplete,
        false if !is_whole || measurement.answered() == 0 || found.undecided > 0 => Overall::Undecided,
        false if reports().any(|report| report.verdict == Overall::Undecided) => Overall::Undecided,
        false => Overall::Conforms,
    };
    let told: Vec<WorkerReport> = workers.iter().map(of_one).chain(missing.iter().cloned()).collect();
    let notes = notes::notes(&workers, &missing).into_iter().chain(doubts).collect();
    let is_open = first.facts.model == "open";
    let planned = (window.planned_end - window.warm_until.min(window.planned_end)).as_secs_f64();
    let wanted_in_all: f64 = reports()
        .filter_map(|report| Some(report.wanted_per_s? * (report.window.planned_end_s - report.window.warm_until_s).max(0.0)))
        .sum();
    let report = LoadReport {
        schema: SCHEMA.to_owned(),
        tool: Tool { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        target: first.facts.target.clone(),
        contract: contract.contract.clone(),
        made_from,
        project: ProjectFacts::in_common(&reports().map(|report| report.project.as_ref()).collect::<Vec<_>>()),
        model: first.facts.model.clone(),
        arrivals: reports().find_map(|report| report.arrivals.clone()),
        started_at: workers.iter().filter_map(|one| one.facts.began_at).min().map(|at| iso::write(UnixMicros(at))).unwrap_or_default(),
        users: users(&workers),
        seed: first.facts.seed,
        mix: first.facts.mix.iter().cloned().collect(),
        feed: FeedReport::joined(&reports().filter_map(|report| report.feed.as_ref()).collect::<Vec<_>>()),
        deliveries: all.sent,
        operations: total(told.iter().map(|one| one.operations)),
        seconds: window.seconds(),
        window: window.told(),
        rate_per_s: all.rate,
        wanted_per_s: (is_open && planned > 0.0).then(|| wanted_in_all / planned),
        dropped: all.dropped,
        resent: measurement.resent,
        late: total(reports().map(|report| report.late)),
        effort: effort(&workers),
        kinds,
        latency_us: all.latency.map(Latency::of),
        errors: measurement.errors.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
        curve: summing::curve(&measurement),
        series: axis::series(&measurement, &workers, &shifts),
        heat: HeatMap::of(&measurement),
        knee: None,
        judged: was_judged,
        undecided: found.undecided as u64,
        keys: found.keys,
        unexpected: unexpected::joined(&reports().collect::<Vec<_>>()),
        requirements: found.requirements,
        violations: found.violations,
        gates,
        kept_up: all_ended && reports().all(|report| report.kept_up),
        notes,
        workers: told,
        contracts: Vec::new(),
        streams: None,
        verdict,
    };
    Ok(Loaded { report, measurement, cut: None })
}

/// The history of each that has one, judged anew; what a lost part of it would explain is left open.
fn judged(workers: &[Worker], contract: &Contract) -> Result<Vec<Option<Judgement>>, FileError> {
    let has_some = |worker: &&Worker| worker.history() != History::Damaged;
    let file = |worker: &'_ Worker| worker.operations.is_some() && has_some(&worker);
    let files: Vec<(&OperationsFile, Law)> = workers
        .iter()
        .filter(|worker| file(worker))
        .filter_map(|worker| Some((worker.operations.as_ref()?, worker.law(contract))))
        .collect();
    let mut judgements = judge_files(&files, MOST_AT_ONCE)?.into_iter();
    let of = |worker: &Worker| {
        let mut judgement = file(worker).then(|| judgements.next()).flatten()?;
        if worker.history().is_open() {
            judgement.leave_open(is_of_the_lost);
        }
        Some(judgement)
    };
    Ok(workers.iter().map(of).collect())
}

fn was_aborted(report: &LoadReport) -> bool {
    report.notes.iter().any(|note| note.starts_with("Ended early") && report.verdict == Overall::DoesNotConform)
}

/// How many there were at one time.
fn users(workers: &[Worker]) -> usize {
    let all = workers.iter().map(|worker| worker.report.as_ref().map_or(worker.facts.users, |report| report.users));
    if workers.iter().all(|worker| worker.facts.is_rotation()) { all.max().unwrap_or(0) } else { all.fold(0, usize::saturating_add) }
}

fn of_one(worker: &Worker) -> WorkerReport {
    let report = worker.report.as_ref();
    WorkerReport {
        which: worker.which().clone(),
        state: worker.state(),
        started_at: started_at(&worker.facts),
        deliveries: worker.carried.as_ref().map_or(0, Carried::sent),
        operations: report.map(|one| one.operations).or(worker.operations.as_ref().map(OperationsFile::count)).unwrap_or(0),
    }
}

/// What they must have in common.
fn belong_together(workers: &[Worker]) -> Result<(), JoinError> {
    let Some(first) = workers.first() else { return Ok(()) };
    for (at, other) in workers.iter().enumerate().skip(1) {
        let apart = |what: &str| Err(JoinError::Apart(format!("{} and {} {what}", first.folder, other.folder)));
        if first.facts.contract_sha256 != other.facts.contract_sha256 {
            return apart("were loads under different contracts");
        }
        if first.facts.mix != other.facts.mix {
            return apart("had different mixes: their latencies are of different things");
        }
        if first.facts.model != other.facts.model {
            return apart("had different models, open and closed: their rates are different things");
        }
        if first.facts.target != other.facts.target && first.facts.which.master.is_none() && first.facts.which.of.is_some() {
            return apart(&format!("loaded different receivers, {} and {}", first.facts.target, other.facts.target));
        }
        if let Some(same) = workers[..at].iter().find(|one| one.which().keys == other.which().keys) {
            return Err(JoinError::Apart(format!(
                "{} and {} are the same worker, or had the same keys: both begin with `{}`",
                same.folder,
                other.folder,
                other.which().keys
            )));
        }
    }
    Ok(())
}

/// Workers that must have been there, and are not given: numbers that others leave out.
fn missing(workers: &[Worker]) -> Vec<WorkerReport> {
    let mut runs: BTreeMap<&str, Vec<&Which>> = BTreeMap::new();
    for worker in workers {
        runs.entry(worker.which().run_word.as_str()).or_default().push(worker.which());
    }
    let mut missing = Vec::new();
    for (word, there) in runs {
        let highest = there.iter().map(|one| one.number).max().unwrap_or(0);
        let of = there.iter().filter_map(|one| one.of).max();
        // A master numbers from 0, in the order in which workers came to it.
        let first = if there.iter().any(|one| one.master.is_some()) { 0 } else { 1 };
        let numbers = of.map_or(first..=highest, |of| 1..=of.max(highest));
        for number in numbers.filter(|number| there.iter().all(|one| one.number != *number)) {
            let which = Which { run_word: word.to_owned(), number, of, ..Which::default() };
            missing.push(WorkerReport { which, state: State::Missing, started_at: String::new(), deliveries: 0, operations: 0 });
        }
    }
    missing
}

/// What all generators took together; the receiver is one, and each of them saw it. Rotations are of one process, one after the other.
fn effort(workers: &[Worker]) -> Effort {
    let all = || workers.iter().filter_map(|worker| worker.report.as_ref()).map(|report| &report.effort);
    let are_rotations = workers.iter().all(|worker| worker.facts.is_rotation());
    let share = if are_rotations { 1.0 / all().filter(|one| one.own_cpu_percent.is_some()).count().max(1) as f64 } else { 1.0 };
    let peaks = || all().filter_map(|one| one.own_peak_bytes);
    Effort {
        own_cpu_percent: all().filter_map(|one| one.own_cpu_percent).reduce(|one, other| one + other).map(|sum| sum * share),
        own_peak_bytes: if are_rotations { peaks().max() } else { peaks().reduce(u64::saturating_add) },
        latest_us: all().map(|one| one.latest_us).max().unwrap_or(0),
        receiver_cpu_percent: all().filter_map(|one| one.receiver_cpu_percent).reduce(f64::max),
        receiver_peak_bytes: all().filter_map(|one| one.receiver_peak_bytes).max(),
        looks: Vec::new(),
    }
}
