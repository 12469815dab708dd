//! `hookgate load`: load a receiver, and judge it under load.

mod asked;
mod contracts;
mod exposed;
mod feeding;
mod forms;
mod joining;
mod live;
#[cfg(feature = "locust")]
mod locust;
mod rotation;
mod several;

use std::io::{Write as _, stderr};
use std::sync::Arc;
use std::time::Duration;

use self::asked::{meant, options, receiver, streams_alone};
use self::exposed::Exposed;
pub(crate) use self::feeding::check_feed;
use self::feeding::feed;
use self::live::teller;
#[cfg(feature = "locust")]
pub(crate) use self::locust::locustfile;
use self::several::{Leaving, facts, keeper, which};
use super::args::{LoadArgs, LoadCommand, LoadFormat, SuiteArgs};
use super::evidence::Sealing;
use super::exit::Exit;
use super::launching::{self, folder_of_its_own};
use super::load_suite;
use super::project::InForce;
use super::run::{exit_of_failure, say_in_force, wrong_flags};
use super::secrets::warn;
use super::signals::{self, Ends};
use super::{Console, Failure};
use crate::api::load_options::make_room;
use crate::clock::{Clock as _, SystemClock};
use crate::load::knee::Step;
use crate::load::measure::Measurement;
use crate::load::part::Part;
use crate::load::render::sentences::knee_step;
use crate::load::report::LoadReport;
use crate::load::summing::nothing;
use crate::load::worker::{Keeper, WorkerReport, looked_on};
use crate::load::{self, LoadError, Loaded, Plan, climb};
use crate::report::Overall;
use crate::secret::Redactor;
use crate::session::error::SessionError;
use crate::session::target_under_test::origin;
use crate::session::{Session, TargetChoice};
use crate::target::usage::Of;
use crate::transport::collector::address;

/// How long a source of evidence is waited for that is busy after a load.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the command.
pub(crate) fn load(args: &LoadArgs, console: &mut Console) -> Result<Exit, Failure> {
    if let Some(LoadCommand::Merge(args)) = &args.command {
        return joining::merge(args, console);
    }
    if let Some(shares) = contracts::shares(args)? {
        claim_interruptions()?;
        return contracts::load(args, &shares, console);
    }
    claim_interruptions()?;
    let ends = Ends::listen()?;
    let suite = load_suite::suite_for(&SuiteArgs::of(args.contract.name.clone()), &args.reach)?;
    if !args.require.is_empty() {
        return Err(Failure::usage("--require asks what a run has judged, and a load judges other things: give it to `hookgate run`"));
    }
    streams_alone(args)?;
    let how = options(args, feed(args, &suite.contract)?);
    let (meant, find_max) = meant(args, &how)?;
    let receiver = receiver(args, &suite)?;
    let names = meant.mix.names();
    let mut secrets = receiver.secrets(&suite, names.iter().map(String::as_str));
    let collector = exposed::collector(args, &mut secrets)?;
    let choice = receiver.session(&suite);
    let made = how.plan(&meant, &receiver, &suite, &choice).map_err(|wrong| wrong_flags(&wrong))?;
    let streams = made.streams.map_or(0, |streams| streams.count);
    make_room(meant.users + streams, matches!(choice.target, TargetChoice::BuiltIn { .. })).map_err(|wrong| wrong_flags(&wrong))?;
    let folder = args.report.as_deref().map(|path| folder_of_its_own(path, "report.json", "run")).transpose()?;
    let sealing = Sealing::of(&args.contract.name, &how.played(&meant.mix), args.seal_env.as_deref())?;
    let language = args.language.chosen();
    let redactor = secrets.redactor();
    let warnings = warn(&secrets, console);
    let Ends { runtime, wanted: mut interrupted } = ends;
    if !matches!(choice.target, TargetChoice::BuiltIn { .. }) {
        // What cannot be meant is told before anything is started; nothing is asked of a source yet.
        choice.evidence.open(&choice.contract, &origin(&choice.target.address()), &str::to_owned).map_err(Failure::usage)?;
    }
    let live = console.live;
    if !args.quiet && args.format == LoadFormat::Human {
        say_in_force(args.project.as_deref(), console);
    }
    let show = !args.quiet && args.format == LoadFormat::Human;
    let leaving = Leaving {
        sealing: &sealing,
        redactor: &redactor,
        warnings,
        language,
        format: args.format,
        quiet: args.quiet,
        project: args.project.as_deref().and_then(InForce::facts),
    };
    let ended: Result<Came, Failure> = runtime.block_on(async {
        let mut plan = made;
        launching::wait_until_ready(&args.launch, args.target.as_deref(), &args.reach).await?;
        let session = match Session::connect(&choice, &mut interrupted).await {
            Ok(session) => session,
            Err(failed) => return without_a_session(&plan, &failed, &redactor).map(|ended| Came::One(Box::new(ended), false)),
        };
        plan.target = session.url.clone();
        plan.sources = session.sources.clone();
        plan.beside = plan.beside.or(session.guard_id().await.map(Of::Children));
        let title = format!("load of {} ({})", plan.target, plan.contract.contract);
        let told = exposed::Told {
            contract: plan.contract.contract.clone(),
            target: plan.target.to_string(),
            which: which(args),
            redactor: &redactor,
        };
        let exposed = Exposed::begin(args, collector, told, teller(show, console.live, title), console).await?;
        let on_second = exposed.on_second();
        #[cfg(feature = "locust")]
        if let Some(master) = &args.locust_master {
            let all = (&leaving, folder.as_ref());
            let exit = locust::work_for(master, args, &plan, all, on_second, interrupted, console).await;
            exposed.end(&redactor, console).await;
            session.shutdown().await;
            return exit.map(Came::Several);
        }
        if let (Some(each), Some(folder), Some(report)) = (args.rotate, &folder, &args.report) {
            let run_word = args.run_word.clone().unwrap_or_else(|| format!("hg{:x}", SystemClock.now().0));
            let rotations = rotation::Rotations { plan: &plan, each, run_word, report, leaving: &leaving };
            let exit = rotations.run(folder, on_second, interrupted, console).await;
            exposed.end(&redactor, console).await;
            session.shutdown().await;
            return exit.map(Came::Several);
        }
        let which = which(args);
        let keeper = which.as_ref().map(|which| {
            keeper(folder.as_ref(), args.report.as_ref(), facts(which, &plan, &sealing), Box::new(|_| {})).map_err(Failure::harness)
        });
        let keeper = keeper.transpose()?;
        let on_second = keeper.as_ref().map_or_else(|| Arc::clone(&on_second), |keeper| looked_on(Arc::clone(&on_second), keeper.notes()));
        let word = which.as_ref().map(|which| which.keys.clone()).or_else(|| args.run_word.clone());
        plan.part = Part { word, notes: keeper.as_ref().map(Keeper::notes), ..Part::default() };
        let mut ended = match &find_max {
            None => load::run(&plan, on_second, interrupted).await,
            Some(wanted) => {
                let told = move |step: &Step| {
                    if show && !live {
                        drop(stderr().write_all(format!("{}\n", knee_step(step)).as_bytes()));
                    }
                };
                // What could not begin is told with the plan as it was.
                let plan = Plan { gates: wanted.conditions.clone(), ..plan.clone() };
                let found = climb::find(plan, wanted, on_second, interrupted, &told).await;
                found.map(|found| Loaded { report: found.report, measurement: found.measurement, cut: None })
            }
        };
        exposed.end(&redactor, console).await;
        session.shutdown().await;
        // What could not be kept is told when the report is written.
        let mut unkept = None;
        if let (Some(which), Some(keeper)) = (&which, keeper) {
            unkept = keeper.end(ended.as_ref().ok()).err().map(Failure::harness);
            if let Ok(loaded) = &mut ended {
                loaded.report.workers = vec![WorkerReport::of(which, loaded)];
            }
        }
        let output = session.target_output();
        let ended = match ended {
            Ok(Loaded { report, measurement, .. }) => (Some(report), Some(measurement), unkept, output),
            Err(failed) => {
                let why = redactor.text(&failed.to_string()).into_owned();
                match failed {
                    LoadError::Contract(_) => return Err(Failure::usage(why)),
                    LoadError::Session(_) | LoadError::Database(_) | LoadError::Feed(_) | LoadError::Engine(_) => {
                        (nothing(&plan, &why), None, Some(Failure::harness(why)), output)
                    }
                }
            }
        };
        Ok(Came::One(Box::new(ended), which.is_some()))
    });
    runtime.shutdown_background();
    match ended? {
        Came::One(ended, is_worker) => leaving.leave(*ended, folder.as_ref(), is_worker, console),
        Came::Several(exit) => Ok(exit),
    }
}

/// What came of the command: a load, or the worst of several.
enum Came {
    One(Box<Ended>, bool),
    Several(Exit),
}

/// Checks what a command line names, without loading anything: its mix, its gates, its profile.
pub(crate) fn check(args: &LoadArgs) -> Result<(), Failure> {
    if let Some(url) = &args.otlp {
        address(url).map_err(Failure::usage)?;
    }
    if let Some(shares) = contracts::shares(args)? {
        return contracts::parts(args, &shares).map(drop);
    }
    let suite = load_suite::suite_for(&SuiteArgs::of(args.contract.name.clone()), &args.reach)?;
    streams_alone(args)?;
    meant(args, &options(args, feed(args, &suite.contract)?)).map(drop)
}

/// What a load came to: a report, what was measured, what went wrong with us, and what a target that was started has written.
type Ended = (Option<LoadReport>, Option<Measurement>, Option<Failure>, Option<String>);

/// A load that could not begin is reported, too; where the command line cannot be meant, there is nothing to report.
fn without_a_session(plan: &Plan, failed: &SessionError, redactor: &Redactor) -> Result<Ended, Failure> {
    let why = redactor.text(&failed.to_string()).into_owned();
    let report = nothing(plan, &why);
    match exit_of_failure(failed) {
        Exit::Usage => Err(Failure::usage(why)),
        Exit::Interrupted => Ok((report.map(|report| LoadReport { verdict: Overall::Interrupted, ..report }), None, None, None)),
        Exit::Conforms | Exit::DoesNotConform | Exit::Harness | Exit::Undecided | Exit::Guarded(_) => {
            Ok((report, None, Some(Failure::harness(why)), None))
        }
    }
}

/// Ctrl-C is ours: a handler of goose's own would end the process.
fn claim_interruptions() -> Result<(), Failure> {
    // What comes later is heard by `Ends`; the library takes one handler only.
    ctrlc::set_handler(signals::note).map_err(|cause| Failure::harness(format!("cannot listen to Ctrl-C: {cause}")))
}
