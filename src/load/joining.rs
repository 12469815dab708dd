//! Joining: what several workers have measured and kept, as if one load had; and their histories judged anew.
//!
//! In: the folders of workers, whatever state they were left in, and their contract. Out: one [`Loaded`]. A key belongs to one
//! worker, so histories are judged a worker at a time, in parts for which there is room ([`judge_files`]); the answers of
//! every worker are judged here once more, and what rows have shown is taken from the workers' own reports. A worker
//! that is missing, or has no report, leaves the verdict undecided where nothing is broken.

mod found;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Loaded;
use super::carried::Carried;
use super::effort::Effort;
use super::feed::FeedReport;
use super::gate::Gate;
use super::heat::HeatMap;
use super::measure::Measurement;
use super::report::{Latency, LoadReport, SCHEMA, Second};
use super::window::{Told, Window};
use super::worker::{Facts, State, Which, WorkerReport, started_at};
use super::{summing, unexpected};
use crate::clock::{UnixMicros, iso};
use crate::contract::Contract;
use crate::files::FileError;
use crate::files::operations::OperationsFile;
use crate::history::consistency::{Judgement, Law, judge};
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

    /// When it was warm, in seconds since the epoch, by its own clock.
    fn warm_at(&self) -> f64 {
        let warm = self.carried.as_ref().map_or(0.0, |carried| carried.window.warm_until_s);
        self.facts.began_at.unwrap_or(0) as f64 / 1e6 + warm
    }

    fn state(&self) -> State {
        match &self.report {
            None => State::CutShort,
            Some(report) if report.was_interrupted() => State::Interrupted,
            Some(_) => State::Complete,
        }
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
    let (measurement, window, shifts) = measured(&workers, &names)?;
    let files: Vec<(&OperationsFile, Law)> =
        workers.iter().filter_map(|worker| Some((worker.operations.as_ref()?, worker.law(contract)))).collect();
    let mut judgements = judge_files(&files, MOST_AT_ONCE)?.into_iter();
    let judged: Vec<Option<Judgement>> = workers.iter().map(|worker| worker.operations.as_ref().and_then(|_| judgements.next())).collect();
    let is_whole = missing.is_empty() && workers.iter().all(|worker| worker.report.is_some() && !found::is_short(worker));
    let (found, was_judged, doubts) = found::found(&workers, &judged, contract, catalogue, is_whole);
    let reports = || workers.iter().filter_map(|worker| worker.report.as_ref());
    let (mut all, by_kind) = measurement.in_all(&window);
    all.dropped = reports().map(|report| report.dropped).sum();
    all.violations = found.requirements.iter().filter(|one| one.verdict == Verdict::Fail).map(|one| one.violations).sum();
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
    let notes = notes(&workers, &missing).into_iter().chain(doubts).collect();
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
        users: workers.iter().map(|worker| worker.report.as_ref().map_or(worker.facts.users, |report| report.users)).sum(),
        seed: first.facts.seed,
        mix: first.facts.mix.iter().cloned().collect(),
        feed: FeedReport::joined(&reports().filter_map(|report| report.feed.as_ref()).collect::<Vec<_>>()),
        deliveries: all.sent,
        operations: told.iter().map(|one| one.operations).sum(),
        seconds: window.seconds(),
        window: window.told(),
        rate_per_s: all.rate,
        wanted_per_s: (is_open && planned > 0.0).then(|| wanted_in_all / planned),
        dropped: all.dropped,
        resent: measurement.resent,
        late: reports().map(|report| report.late).sum(),
        effort: effort(&workers),
        kinds,
        latency_us: all.latency.map(Latency::of),
        errors: measurement.errors.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
        curve: summing::curve(&measurement),
        series: series(&measurement, &workers, &shifts),
        heat: HeatMap::of(&measurement),
        knee: None,
        judged: was_judged,
        undecided: found.undecided as u64,
        keys: found.keys,
        unexpected: unexpected::joined(&reports().collect::<Vec<_>>()),
        requirements: found.requirements,
        violations: found.violations,
        gates,
        kept_up: is_whole && reports().all(|report| report.kept_up),
        notes,
        workers: told,
        contracts: Vec::new(),
        streams: None,
        verdict,
    };
    Ok(Loaded { report, measurement, cut: None })
}

fn was_aborted(report: &LoadReport) -> bool {
    report.notes.iter().any(|note| note.starts_with("Ended early") && report.verdict == Overall::DoesNotConform)
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
        let numbers = of.map_or(0..=highest, |of| 1..=of.max(highest));
        for number in numbers.filter(|number| there.iter().all(|one| one.number != *number)) {
            let which = Which { run_word: word.to_owned(), number, of, ..Which::default() };
            missing.push(WorkerReport { which, state: State::Missing, started_at: String::new(), deliveries: 0, operations: 0 });
        }
    }
    missing
}

/// The measurements of all on one axis of time, which begins when the first of them was warm; and by how many seconds each lies behind it.
fn measured(workers: &[Worker], names: &[String]) -> Result<(Measurement, Window, Vec<usize>), JoinError> {
    let warm_until = workers.iter().filter_map(|worker| worker.carried.as_ref()).map(|one| one.window.warm_until_s).next().unwrap_or(0.0);
    let warm_until = Duration::try_from_secs_f64(warm_until).unwrap_or_default();
    let mut all = Measurement::new(names, warm_until).map_err(|cause| JoinError::Apart(cause.to_string()))?;
    let began = workers.iter().filter(|worker| worker.carried.is_some()).map(Worker::warm_at).fold(f64::INFINITY, f64::min);
    let mut window = Window { warm_until, planned_end: warm_until, ..Window::default() };
    let mut shifts = Vec::new();
    for worker in workers {
        let Some(carried) = &worker.carried else {
            shifts.push(0);
            continue;
        };
        let behind = Duration::try_from_secs_f64(worker.warm_at() - began).unwrap_or_default();
        let last = behind + carried.last_answer();
        // Whole seconds are joined, so that the second of each one's last answer is that in which it came.
        let whole = behind.as_secs() as usize;
        let shift = carried.last_second().map_or(whole, |second| (last.as_secs() as usize).saturating_sub(second));
        let failed = |cause| JoinError::Unreadable(worker.folder.clone(), cause);
        carried.add_to(&mut all, shift).map_err(failed)?;
        shifts.push(shift);
        let Told { warm_until_s, planned_end_s, .. } = carried.window;
        let planned = Duration::try_from_secs_f64(planned_end_s - warm_until_s).unwrap_or_default();
        window.planned_end = window.planned_end.max(warm_until + behind + planned);
        if carried.last_second().is_some() {
            window.last_answer = window.last_answer.max(warm_until + last);
        }
    }
    all.last_answer = window.last_answer;
    all.fill(window.seconds());
    Ok((all, window, shifts))
}

/// Second by second; what was wanted is what all of them were asked for.
fn series(measurement: &Measurement, workers: &[Worker], shifts: &[usize]) -> Vec<Second> {
    let mut wanted: BTreeMap<usize, u64> = BTreeMap::new();
    for (worker, shift) in workers.iter().zip(shifts) {
        for (at, second) in worker.report.iter().flat_map(|report| report.series.iter().enumerate()) {
            if let Some(one) = second.wanted {
                *wanted.entry(at + shift).or_default() += one;
            }
        }
    }
    let is_open = !wanted.is_empty();
    let seconds = measurement.series.iter().enumerate();
    seconds.map(|(at, second)| Second::of(second, is_open.then(|| wanted.get(&at).copied().unwrap_or(0)))).collect()
}

/// What all generators took together; the receiver is one, and each of them saw it.
fn effort(workers: &[Worker]) -> Effort {
    let all = || workers.iter().filter_map(|worker| worker.report.as_ref()).map(|report| &report.effort);
    let sum = |of: fn(&Effort) -> Option<f64>| all().filter_map(of).reduce(|one, other| one + other);
    Effort {
        own_cpu_percent: sum(|one| one.own_cpu_percent),
        own_peak_bytes: all().filter_map(|one| one.own_peak_bytes).reduce(|one, other| one + other),
        latest_us: all().map(|one| one.latest_us).max().unwrap_or(0),
        receiver_cpu_percent: all().filter_map(|one| one.receiver_cpu_percent).reduce(f64::max),
        receiver_peak_bytes: all().filter_map(|one| one.receiver_peak_bytes).max(),
        looks: Vec::new(),
    }
}

fn notes(workers: &[Worker], missing: &[WorkerReport]) -> Vec<String> {
    let of = workers.iter().filter_map(|worker| worker.which().of).max().map_or_else(String::new, |of| format!(" of {of}"));
    let count = workers.len();
    let what = if count == 1 { "worker" } else { "workers" };
    let mut notes = vec![format!(
        "Joined from {count} {what}{of}; their seconds are laid side by side by the clocks of their own machines, and no key was delivered by two of them."
    )];
    for one in missing {
        notes.push(format!("Worker {} is missing: nothing of it was given.", one.which.number));
    }
    for worker in workers {
        let number = worker.which().number;
        match worker.state() {
            State::CutShort => {
                let measured = worker.carried.as_ref().map_or_else(
                    || "nothing that it measured".to_owned(),
                    |carried| format!("what it had measured after {:.0} s ({} deliveries)", carried.window.planned_end_s, carried.sent()),
                );
                let kept = worker.operations.as_ref().map_or(0, OperationsFile::count);
                notes.push(format!(
                    "Worker {number} was cut short ({}): it left no report; {measured} is in here, and {kept} deliveries that it had written down are judged by their answers.",
                    worker.folder
                ));
            }
            State::Interrupted => notes.push(format!("Worker {number} was interrupted.")),
            State::Complete | State::Missing => {}
        }
        for note in worker.report.iter().flat_map(|report| &report.notes).filter(|note| !note.starts_with("Interrupted after")) {
            if !notes.contains(note) {
                notes.push(note.clone());
            }
        }
    }
    notes
}
