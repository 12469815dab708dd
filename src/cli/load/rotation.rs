//! `hookgate load --rotate`: one load after the other without a pause, each with a report of its own, and all of them as one.
//!
//! A rotation sends until the next one begins, at that very moment; its answers are waited for, and its keys judged, while the next
//! one sends. A key belongs to one rotation, so that what is remembered of keys goes with it: memory hangs on a rotation's length, and not
//! on the load's. In the folder of each lies what a worker leaves, so that whatever ends the load leaves what was measured.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::super::exit::Exit;
use super::super::launching::folder_of_its_own;
use super::super::{Console, Failure};
use super::joining::read;
use super::several::{Leaving, facts, keeper};
use crate::clock::{Moment, span};
use crate::files::ReportFolder;
use crate::load::effort::Effort;
use crate::load::feed::Feed;
use crate::load::feed::ongoing::Ongoing;
use crate::load::joining::joined;
use crate::load::part::{Part, word_of};
use crate::load::render::sentences::summary;
use crate::load::report::LoadReport;
use crate::load::summing::nothing;
use crate::load::worker::{FOLDER, Keeper, OPERATIONS, Which, WorkerReport, looked_on};
use crate::load::{LoadError, Loaded, OnSecond, Plan, run};
use crate::report::Overall;
use crate::report::language::Language;

/// A rotation that runs.
struct Running {
    which: Which,
    path: PathBuf,
    folder: ReportFolder,
    keeper: Keeper,
    plan: Plan,
}

/// What one has come to, by its number.
type Done = (u32, Result<Loaded, LoadError>);

/// Rotations of one load.
pub(super) struct Rotations<'a> {
    /// The load as a whole.
    pub(super) plan: &'a Plan,
    /// How long each takes.
    pub(super) each: Duration,
    /// The word that all keys begin with.
    pub(super) run_word: String,
    /// The folder of all reports.
    pub(super) report: &'a Path,
    /// How reports are written.
    pub(super) leaving: &'a Leaving<'a>,
}

impl Rotations<'_> {
    /// Runs all of them; the exit code is that of all together.
    pub(super) async fn run(
        &self,
        folder: &ReportFolder,
        on_second: OnSecond,
        interrupted: watch::Receiver<bool>,
        console: &mut Console,
    ) -> Result<Exit, Failure> {
        let ongoing = self.plan.feed.as_ref().map(|feed| Ongoing::begin(feed, self.plan.seed)).transpose().map_err(Failure::harness)?;
        // The feed goes on where the rotation before has stopped.
        let feed = self.plan.feed.as_ref().map(|feed| Feed { ongoing, ..Feed::clone(feed) }).map(Arc::new);
        let is_fed_out = || feed.as_ref().and_then(|feed| feed.left()) == Some(0);
        let begun = Moment::now();
        let newest = Arc::new(AtomicU32::new(0));
        let (tell, mut done) = mpsc::unbounded_channel::<Done>();
        let (mut running, mut kept): (Vec<Running>, Vec<PathBuf>) = (Vec::new(), Vec::new());
        let (mut number, mut is_over) = (0, false);
        while !is_over {
            let from = self.each.saturating_mul(number);
            if from >= self.plan.profile.length() || *interrupted.borrow() || is_fed_out() {
                break;
            }
            number += 1;
            newest.store(number, Ordering::Relaxed);
            let to = (from + self.each).min(self.plan.profile.length());
            running.push(self.begin(number, (from, to), feed.as_ref(), (&on_second, &newest), &interrupted, &tell)?);
            loop {
                let left = to.saturating_sub(begun.elapsed());
                tokio::select! {
                    () = tokio::time::sleep(left) => break,
                    Some((which, ended)) = done.recv() => {
                        // Interrupted, aborted, or nobody answers: there is no next one. Who merely has nothing left to send is only early.
                        is_over |= which == number && (is_fed_out() || ended.as_ref().map_or(true, |loaded| loaded.cut.is_some()));
                        self.end(&mut running, &mut kept, which, ended, console)?;
                        if is_over {
                            break;
                        }
                    }
                }
            }
        }
        while !running.is_empty() {
            let Some((which, ended)) = done.recv().await else { break };
            self.end(&mut running, &mut kept, which, ended, console)?;
        }
        self.join(folder, &kept, console)
    }

    fn begin(
        &self,
        number: u32,
        (from, to): (Duration, Duration),
        feed: Option<&Arc<Feed>>,
        (on_second, newest): (&OnSecond, &Arc<AtomicU32>),
        interrupted: &watch::Receiver<bool>,
        tell: &mpsc::UnboundedSender<Done>,
    ) -> Result<Running, Failure> {
        let path = self.report.join(format!("{number:04}"));
        let folder = folder_of_its_own(&path, "report.json", "run")?;
        let which = Which { run_word: self.run_word.clone(), number, of: None, keys: word_of(&self.run_word, number, 1), master: None };
        let mut plan = Plan {
            profile: self.plan.profile.part(from, to),
            warm_up: self.plan.warm_up.saturating_sub(from).min(to - from),
            seed: self.plan.seed.wrapping_add(u64::from(number) - 1),
            feed: feed.cloned(),
            most: feed.and_then(|feed| feed.left()).unwrap_or(self.plan.most),
            ..self.plan.clone()
        };
        let facts = facts(&which, &plan, self.leaving.sealing);
        let keeper = keeper(Some(&folder), Some(&path), facts, Box::new(|_| {})).map_err(Failure::harness)?;
        plan.part = Part { word: Some(which.keys.clone()), notes: Some(keeper.notes()), ..Part::default() };
        let (all, newest) = (Arc::clone(on_second), Arc::clone(newest));
        // Whoever looks on sees the one that sends, not those whose answers are still waited for.
        let only_newest: OnSecond = Arc::new(move |progress| {
            if newest.load(Ordering::Relaxed) == number {
                all(progress);
            }
        });
        let so_far = looked_on(only_newest, keeper.notes());
        let (handle, tell, interrupted, loaded) = (tokio::runtime::Handle::current(), tell.clone(), interrupted.clone(), plan.clone());
        let body = move || drop(tell.send((number, handle.block_on(run(&loaded, so_far, interrupted)))));
        std::thread::Builder::new()
            .name("rotation".to_owned())
            .spawn(body)
            .map_err(|cause| Failure::harness(format!("no thread for a load: {cause}")))?;
        Ok(Running { which, path, folder, keeper, plan })
    }

    /// Writes the report of one that has ended.
    fn end(
        &self,
        running: &mut Vec<Running>,
        kept: &mut Vec<PathBuf>,
        number: u32,
        ended: Result<Loaded, LoadError>,
        console: &mut Console,
    ) -> Result<(), Failure> {
        let Some(at) = running.iter().position(|one| one.which.number == number) else { return Ok(()) };
        let Running { which, path, folder, keeper, plan } = running.remove(at);
        keeper.end(ended.as_ref().ok()).map_err(Failure::harness)?;
        let (report, measurement) = match ended {
            Ok(mut loaded) => {
                loaded.report.workers = vec![WorkerReport::of(&which, &loaded)];
                (loaded.report, Some(loaded.measurement))
            }
            Err(failed) => {
                let report = nothing(&plan, &failed.to_string()).ok_or_else(|| Failure::harness(&failed))?;
                (report, None)
            }
        };
        let report = self.leaving.file(report, measurement.as_ref(), Some(&folder), true)?;
        if report.verdict == Overall::Conforms {
            // It was judged, and nothing is left to look for.
            folder.forget(&format!("{FOLDER}/{OPERATIONS}")).map_err(Failure::harness)?;
        }
        // The last lines of a feed may have been sent by the rotation before: then there is nothing to tell of.
        if report.operations == 0 && self.plan.feed.is_some() && report.verdict == Overall::Undecided && !kept.is_empty() {
            return Ok(());
        }
        console.tell(&format!("{}: {}", path.display(), summary(&report, Language::En)));
        kept.push(path);
        Ok(())
    }

    /// All of them as one.
    fn join(&self, folder: &ReportFolder, kept: &[PathBuf], console: &mut Console) -> Result<Exit, Failure> {
        if kept.is_empty() {
            return Ok(Exit::Interrupted);
        }
        let count = u32::try_from(kept.len()).ok();
        let mut workers = kept.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
        workers.iter_mut().for_each(|one| one.facts.which.of = count);
        let loaded = joined(workers, &[], &self.plan.contract, &self.plan.catalogue, self.leaving.sealing.made_from());
        let Loaded { report, measurement, .. } = loaded.map_err(Failure::harness)?;
        let mut notes = vec![format!(
            "{} rotations of {}, one after the other without a pause; each has its report in a folder of its own, and no key was delivered in two of them.",
            kept.len(),
            span::write(self.each)
        )];
        notes.extend(report.notes.iter().filter(|note| !note.starts_with("Joined from")).cloned());
        let report = LoadReport { users: self.plan.users, effort: effort(&report, kept.len()), notes, ..report };
        self.leaving.leave((Some(report), Some(measurement), None, None), Some(folder), false, console)
    }
}

/// What one process took after the other: joined, its parts were added up.
fn effort(report: &LoadReport, count: usize) -> Effort {
    let mean = |sum: Option<f64>| sum.map(|sum| sum / count as f64);
    let peak = |sum: Option<u64>| sum.map(|sum| sum / count as u64);
    let Effort { own_cpu_percent, own_peak_bytes, latest_us, receiver_cpu_percent, receiver_peak_bytes, .. } = report.effort;
    Effort {
        own_cpu_percent: mean(own_cpu_percent),
        own_peak_bytes: peak(own_peak_bytes),
        latest_us,
        receiver_cpu_percent,
        receiver_peak_bytes,
        looks: Vec::new(),
    }
}
