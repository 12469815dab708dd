//! `hookgate load --locust-master`, and `hookgate locustfile`: a report for each load that the master calls for.

use std::path::PathBuf;

use tokio::sync::watch;

use super::super::args::{LoadArgs, LocustfileArgs};
use super::super::evidence::Sealing;
use super::super::exit::Exit;
use super::super::launching::folder_of_its_own;
use super::super::run::wrong_flags;
use super::super::{Console, Failure};
use super::several::{Leaving, facts, keeper, own_name};
use crate::api::load_options::mix;
use crate::clock::{Clock as _, SystemClock};
use crate::files::{FileError, ReportFolder};
use crate::load::locust::Store;
use crate::load::locust::worker::{Asked, work};
use crate::load::summing::nothing;
use crate::load::worker::{Keeper, OnLot, Which, WorkerReport};
use crate::load::{LoadError, Loaded, OnSecond, Plan};

/// Prints the file.
pub(crate) fn locustfile(args: &LocustfileArgs, console: &mut Console) -> Result<Exit, Failure> {
    console.print(&crate::load::locust::locustfile(&mix(args.mix.as_deref()).map_err(|wrong| wrong_flags(&wrong))?));
    Ok(Exit::Conforms)
}

/// Reports of one load after the other.
struct Reports<'a> {
    plan: &'a Plan,
    leaving: &'a Leaving<'a>,
    sealing: &'a Sealing,
    /// The folder of the first, and its path; the next has `-2` behind its name.
    first: Option<(ReportFolder, PathBuf)>,
    /// The folder of the load that runs.
    folder: Option<ReportFolder>,
    console: &'a mut Console,
    worst: Option<Exit>,
}

/// Works for a master until it ends us; the exit code is that of the worst of its loads.
pub(super) async fn work_for(
    master: &str,
    args: &LoadArgs,
    plan: &Plan,
    (leaving, folder): (&Leaving<'_>, Option<&ReportFolder>),
    on_second: OnSecond,
    interrupted: watch::Receiver<bool>,
    console: &mut Console,
) -> Result<Exit, Failure> {
    let now = SystemClock.now().0;
    let asked = Asked {
        master: master.to_owned(),
        name: own_name().to_owned(),
        run_word: args.run_word.clone().unwrap_or_else(|| format!("hg{now:x}")),
        word_is_given: args.run_word.is_some(),
    };
    let first = folder.cloned().zip(args.report.clone());
    let mut reports = Reports { plan, leaving, sealing: leaving.sealing, first, folder: None, console, worst: None };
    let was_interrupted = interrupted.clone();
    let ended = work(&asked, plan, &mut reports, on_second, interrupted).await;
    let worst = reports.worst;
    match (ended, worst) {
        // A load that has found something says more than why nobody wanted to hear of it.
        (Err(wrong), None | Some(Exit::Conforms)) => Err(Failure::harness(wrong)),
        (Err(wrong), Some(worst)) => {
            console.tell(&format!("error: {wrong}\n"));
            Ok(worst)
        }
        (Ok(()), Some(worst)) => Ok(worst),
        (Ok(()), None) if *was_interrupted.borrow() => Ok(Exit::Interrupted),
        (Ok(()), None) => {
            console.tell("the master has called for no load\n");
            Ok(Exit::Conforms)
        }
    }
}

impl Store for Reports<'_> {
    fn begin(&mut self, which: &Which, load: u32, on_lot: OnLot) -> Result<Keeper, FileError> {
        let path = match (&self.first, load) {
            (None, _) => None,
            (Some((folder, path)), 1) => {
                self.folder = Some(folder.clone());
                Some(path.clone())
            }
            (Some((_, path)), load) => {
                let mut name = path.as_os_str().to_owned();
                name.push(format!("-{load}"));
                let path = PathBuf::from(name);
                let made = folder_of_its_own(&path, "report.json", "run");
                let failed = |failure: Failure| FileError {
                    what: "write reports to",
                    path: path.clone(),
                    cause: std::io::Error::other(failure.message),
                };
                self.folder = Some(made.map_err(failed)?);
                Some(path)
            }
        };
        keeper(self.folder.as_ref(), path.as_ref(), facts(which, self.plan, self.sealing), on_lot)
    }

    fn end(&mut self, which: &Which, keeper: Keeper, users: usize, ended: Result<Loaded, LoadError>) {
        let kept = keeper.end(ended.as_ref().ok());
        let ended = match ended {
            Ok(mut loaded) => {
                loaded.report.users = users;
                loaded.report.workers = vec![WorkerReport::of(which, &loaded)];
                (Some(loaded.report), Some(loaded.measurement), None, None)
            }
            Err(failed) => (nothing(self.plan, &failed.to_string()), None, Some(Failure::harness(failed)), None),
        };
        let left = self.leaving.leave(ended, self.folder.as_ref(), true, self.console);
        let exit = left.and_then(|exit| kept.map(|_| exit).map_err(Failure::harness)).unwrap_or_else(|failure| {
            self.console.tell(&format!("error: {}\n", failure.message));
            failure.exit
        });
        // A broken promise says more than an interruption, and anything more than a load without a finding.
        let weight = |exit: Exit| match exit {
            Exit::Conforms | Exit::Guarded(_) => 0,
            Exit::Undecided => 1,
            Exit::Interrupted => 2,
            Exit::Usage | Exit::Harness => 3,
            Exit::DoesNotConform => 4,
        };
        self.worst = Some(self.worst.map_or(exit, |worst| if weight(exit) > weight(worst) { exit } else { worst }));
    }

    fn tell(&mut self, sentence: &str) {
        self.console.tell(&format!("{sentence}\n"));
    }
}
