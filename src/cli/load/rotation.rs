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
use crate::clock::{Moment, iso, span};
use crate::files::ReportFolder;
use crate::load::carried::Carried;
use crate::load::feed::Feed;
use crate::load::feed::ongoing::Ongoing;
use crate::load::joining::{Worker, joined};
use crate::load::part::{Part, word_of};
use crate::load::render::sentences::summary;
use crate::load::report::LoadReport;
use crate::load::summing::nothing;
use crate::load::worker::{Facts, Keeper, Which, WorkerReport, looked_on, take_operations_away};
use crate::load::{LoadError, Loaded, OnSecond, Plan, run};
use crate::report::Overall;
use crate::report::language::Language;

/// A rotation that runs.
struct Running {
    path: PathBuf,
    folder: ReportFolder,
    keeper: Keeper,
    plan: Plan,
    facts: Facts,
}

/// One that has ended.
enum Ended {
    /// It lies in its folder.
    Written(PathBuf),
    /// It could not be written, and is known here only.
    Unwritten(Box<Worker>),
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
        // Who interrupts the command interrupts all of them, and so does a folder that cannot be written any more.
        let (stop, stopped) = watch::channel(false);
        let forwards = tokio::spawn(forwarded(interrupted, stop.clone()));
        let (mut running, mut ended): (Vec<Running>, Vec<Ended>) = (Vec::new(), Vec::new());
        let (mut number, mut is_over, mut unwritten) = (0, false, None);
        while !is_over {
            let from = self.each.saturating_mul(number);
            if from >= self.plan.profile.length() || *stopped.borrow() || is_fed_out() {
                break;
            }
            number += 1;
            newest.store(number, Ordering::Relaxed);
            let to = (from + self.each).min(self.plan.profile.length());
            match self.begin(number, (from, to), feed.as_ref(), (&on_second, &newest), &stopped, &tell) {
                Ok(one) => running.push(one),
                Err(failed) => {
                    unwritten = Some(failed);
                    break;
                }
            }
            loop {
                let left = to.saturating_sub(begun.elapsed());
                tokio::select! {
                    () = tokio::time::sleep(left) => break,
                    Some((which, loaded)) = done.recv() => {
                        // Interrupted, aborted, or nobody answers: there is no next one. Who merely has nothing left to send is only early.
                        is_over |= which == number && (is_fed_out() || loaded.as_ref().map_or(true, |loaded| loaded.cut.is_some()));
                        unwritten = self.end(&mut running, &mut ended, which, loaded, console).err();
                        is_over |= unwritten.is_some();
                        if is_over {
                            break;
                        }
                    }
                }
            }
        }
        if unwritten.is_some() {
            stop.send_replace(true);
        }
        // Whatever could not be written: what runs is judged and told.
        while !running.is_empty() {
            let Some((which, loaded)) = done.recv().await else { break };
            let failed = self.end(&mut running, &mut ended, which, loaded, console).err();
            unwritten = unwritten.or(failed);
        }
        forwards.abort();
        let exit = self.join(folder, ended, console);
        unwritten.map_or(exit, Err)
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
        let facts = Facts { from_s: Some(from.as_secs_f64()), ..facts(&which, &plan, self.leaving.sealing) };
        let keeper = keeper(Some(&folder), Some(&path), facts.clone(), Box::new(|_| {})).map_err(Failure::harness)?;
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
        Ok(Running { path, folder, keeper, plan, facts })
    }

    /// Tells of one that has ended, and writes its report; a failure says why it is not written.
    fn end(
        &self,
        running: &mut Vec<Running>,
        all: &mut Vec<Ended>,
        number: u32,
        ended: Result<Loaded, LoadError>,
        console: &mut Console,
    ) -> Result<(), Failure> {
        let Some(at) = running.iter().position(|one| one.facts.which.number == number) else { return Ok(()) };
        let Running { path, folder, keeper, plan, facts } = running.remove(at);
        let kept = keeper.end(ended.as_ref().ok()).map_err(Failure::harness);
        let (report, measurement) = match ended {
            Ok(mut loaded) => {
                loaded.report.workers = vec![WorkerReport::of(&facts.which, &loaded)];
                (loaded.report, Some(loaded.measurement))
            }
            Err(failed) => {
                let report = nothing(&plan, &failed.to_string()).ok_or_else(|| Failure::harness(&failed))?;
                (report, None)
            }
        };
        let report = self.leaving.told(report);
        let written = kept.and_then(|facts| {
            self.leaving.write(&report, measurement.as_ref(), &folder, true)?;
            match facts {
                // It was judged, and nothing is left to look for.
                Some(mut facts) if report.verdict == Overall::Conforms => take_operations_away(&path, &mut facts).map_err(Failure::harness),
                Some(_) | None => Ok(()),
            }
        });
        // The last lines of a feed may have been sent by the rotation before: then there is nothing to tell of.
        if report.operations == 0 && self.plan.feed.is_some() && report.verdict == Overall::Undecided && !all.is_empty() {
            return written;
        }
        console.tell(&format!("{}: {}", path.display(), summary(&report, Language::En)));
        all.push(if written.is_ok() {
            Ended::Written(path)
        } else {
            let carried = measurement.and_then(|measurement| Carried::of(&measurement, report.window, true).ok());
            let began_at = iso::read(&report.started_at).map(|(at, _)| at.0);
            // Its report was made of all that it had sent.
            let facts = Facts { began_at, is_judged: true, ..facts };
            let report = Some(LoadReport::clone(&report));
            Ended::Unwritten(Box::new(Worker { folder: path.display().to_string(), facts, carried, report, operations: None }))
        });
        written
    }

    /// All of them as one.
    fn join(&self, folder: &ReportFolder, all: Vec<Ended>, console: &mut Console) -> Result<Exit, Failure> {
        if all.is_empty() {
            return Ok(Exit::Interrupted);
        }
        let number = all.len();
        let count = u32::try_from(number).ok();
        let worker = |one| match one {
            Ended::Written(path) => read(&path),
            Ended::Unwritten(worker) => Ok(*worker),
        };
        let mut workers = all.into_iter().map(worker).collect::<Result<Vec<_>, _>>()?;
        workers.iter_mut().for_each(|one| one.facts.which.of = count);
        let loaded = joined(workers, &[], &self.plan.contract, &self.plan.catalogue, self.leaving.sealing.made_from());
        let Loaded { report, measurement, .. } = loaded.map_err(Failure::harness)?;
        let mut notes = vec![format!(
            "{number} rotations of {}, one after the other without a pause; each has its report in a folder of its own, and no key was delivered in two of them.",
            span::write(self.each)
        )];
        notes.extend(report.notes.iter().filter(|note| !note.starts_with("Joined from")).cloned());
        let report = LoadReport { users: self.plan.users, notes, ..report };
        self.leaving.leave((Some(report), Some(measurement), None, None), Some(folder), false, console)
    }
}

/// What interrupts the load, until it is over.
async fn forwarded(mut interrupted: watch::Receiver<bool>, stop: watch::Sender<bool>) {
    if interrupted.wait_for(|stop| *stop).await.is_ok() {
        stop.send_replace(true);
    }
}
