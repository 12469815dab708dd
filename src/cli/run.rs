//! `hookgate run`: judge a receiver.

use std::sync::Arc;

use super::args::{ClockArg, FormatArg, LevelArg, RunArgs, UpdateArg};
use super::arguments::{arguments, visiting};
use super::evidence::Sealing;
use super::exit::Exit;
use super::forms::{for_github, print_judged};
use super::given::{Front, given};
use super::launching::{self, folder_of_its_own};
use super::load_suite::{self, Suite};
use super::progress::Progress;
use super::project::InForce;
use super::secrets::warn;
use super::selecting::select;
use super::signals::Ends;
use super::{Console, Failure, dry_run, required};
use crate::api::folder::write_folder;
use crate::api::judging::{Afterwards, Judged, is_own, judge};
use crate::api::options::{Options, RunOptions, Wrong};
use crate::contract::Level;
use crate::report::{Overall, Report};
use crate::run::Plan;
use crate::run::steps::snapshot::{SnapshotChoice, Update, expected};
use crate::scenario::expand::Loaded;
use crate::secret::Secrets;
use crate::session::TargetChoice;
use crate::session::clocks::ClockChoice;
use crate::session::error::SessionError;
use crate::suites::own_file;
use crate::transport;

/// Runs the command.
pub(crate) fn run(args: &RunArgs, console: &mut Console) -> Result<Exit, Failure> {
    let ends = Ends::listen()?;
    let suite = load_suite::suite_for(&args.suite, &args.reach)?;
    let scenarios = select(args, &suite)?;
    let must = must_be_judged(args);
    required::known(must, &suite)?;
    let Asked { options, how, secrets } = asked(args, &suite, &scenarios)?;
    let sealing = Sealing::new(&args.suite, &suite.contract, args.seal_env.as_deref())?;
    let language = args.language.chosen();
    let redactor = secrets.redactor();
    let plan = || how.plan(&options, &suite, scenarios.clone(), secrets.clone());
    let plans = (0..args.repeat).map(|_| plan()).collect::<Result<Vec<Plan>, Wrong>>().map_err(|wrong| wrong_flags(&wrong))?;
    if let (true, Some(plan)) = (args.dry_run, plans.first()) {
        return dry_run::tell(plan, console).map(|()| Exit::Conforms);
    }
    let folder = args.report.as_deref().map(|path| folder_of_its_own(path, "load.json", "load")).transpose()?;
    let warnings = warn(&secrets, console);
    let total = scenarios.len() * plans.len();
    if args.format == FormatArg::Human {
        say_in_force(args.project.as_deref(), console);
    }
    let progress = Progress::new(total, console.live && args.format == FormatArg::Human);

    let seen = progress.clone();
    let after = Afterwards {
        redactor: redactor.clone(),
        warnings,
        made_from: sealing.made_from(),
        project: args.project.as_deref().and_then(InForce::facts),
        required: must.to_vec(),
        snapshots: snapshot_choice(args, &suite),
        is_own: is_own(args.only.clone(), args.suite.scenarios.iter().chain(&args.suite.only_scenarios).cloned().collect()),
    };
    ends.runtime.block_on(launching::wait_until_ready(&args.launch.within(args.time_limit), args.target.as_deref(), &args.reach))?;
    let judged = ends.runtime.block_on(judge(plans, Arc::new(move |report| seen.done(report)), ends.wanted, after));
    ends.runtime.shutdown_background();
    progress.finish();

    let Some(judged) = judged else {
        return Err(Failure::usage("--repeat 0 runs nothing"));
    };
    if let Some(failed) = judged.failed.as_ref().filter(|failed| exit_of_failure(failed) == Exit::Usage) {
        return Err(Failure::usage(redactor.text(&failed.to_string())));
    }
    // What goes wrong from here on is told when the report has been: nothing of it may be lost.
    let mut trouble: Vec<Failure> = judged.not_compared.iter().map(Failure::harness).collect();
    if let Some(folder) = &folder {
        trouble.extend(write_folder(folder, &judged, sealing.seal(), language).err().map(Failure::harness));
    }
    let Judged { report, failed, .. } = judged;
    print_judged(&report, failed.is_some(), args.format, language, console)?;
    if failed.is_none() && args.format == FormatArg::Human {
        if let (Some(path), true) = (&args.report, trouble.is_empty()) {
            console.tell(&format!("report: {}\n", redactor.text(&path.display().to_string())));
        }
        trouble.extend(for_github(&report, console, language).err());
    }
    trouble
        .extend(failed.map(|failed| Failure { exit: exit_of_failure(&failed), message: redactor.text(&failed.to_string()).into_owned() }));
    all_of(trouble).map_or_else(|| Ok(exit_of(&report)), Err)
}

/// What must have been judged: what a file demands of the whole suite is not demanded of scenarios that were picked out by hand.
fn must_be_judged(args: &RunArgs) -> &[String] {
    let in_file = |flag: &str| args.project.as_ref().is_some_and(|project| project.has(flag, None));
    let picked = !args.only.is_empty() || (args.select.is_some() && !in_file("--select"));
    if picked && in_file("--require") { &[] } else { &args.require }
}

/// Says in one line which project file is in force, when one is.
pub(super) fn say_in_force(project: Option<&InForce>, console: &mut Console) {
    if let Some(line) = project.and_then(InForce::line) {
        console.print(&format!("{line}\n"));
    }
}

/// One failure of several: every message, the exit code of the last.
pub(super) fn all_of(failures: Vec<Failure>) -> Option<Failure> {
    failures.into_iter().reduce(|one, other| Failure { exit: other.exit, message: format!("{}\nerror: {}", one.message, other.message) })
}

/// Options that cannot be meant are a mistake of the command line.
pub(super) fn wrong_flags(wrong: &Wrong) -> Failure {
    Failure::usage(wrong.as_flags())
}

/// What a command line asks for.
pub(super) struct Asked {
    /// Who is judged, with what.
    pub(super) options: Options,
    /// How.
    pub(super) how: RunOptions,
    /// All that is hidden.
    pub(super) secrets: Secrets,
}

/// What the command line of a run asks for.
pub(super) fn asked(args: &RunArgs, suite: &Suite, scenarios: &[Loaded]) -> Result<Asked, Failure> {
    let front = Front {
        target: args.target.as_deref(),
        reach: &args.reach,
        starts_it: args.launch.exec.is_some(),
        evidence: &args.evidence,
        headers: &args.pace.headers,
        secret_env: args.secret.env.as_deref(),
        timeout: args.patience.timeout,
        ttl: args.clocks.life.ttl,
        seed: args.seed,
        baseline: args.baseline.as_deref(),
    };
    let options = given(&front, suite, || target(args, suite))?;
    let ids = suite.scenarios.iter().chain(scenarios).map(|one| one.id.as_str());
    let secrets = options.secrets(suite, ids);
    let how = RunOptions {
        clock: clock(args)?,
        jobs: args.jobs.map(usize::from),
        time_limit: args.time_limit,
        max_rate: args.pace.max_rate,
        max_wait: args.pace.max_wait,
        level: match args.level {
            LevelArg::Must => Level::Must,
            LevelArg::Should => Level::Should,
        },
        fail_fast: args.fail_fast,
        // A report folder keeps them, whether they are compared or not.
        takes_snapshots: args.snapshots.is_some() || args.report.is_some(),
        shard: args.shard.map(|shard| shard.to_string()),
        arguments: arguments(args),
        visiting: visiting(args),
        contract_file: own_file(&args.suite.contract.name),
    };
    Ok(Asked { options, how, secrets })
}

/// Who is judged.
fn target(args: &RunArgs, suite: &Suite) -> Result<TargetChoice, Failure> {
    match (&args.launch.exec, &args.target) {
        (Some(command), _) => {
            let named = (command.as_str(), args.secret.env.as_deref());
            let choice = launching::choice(&args.launch.within(args.time_limit), (args.target.as_deref(), &args.reach), suite, named)?;
            Ok(TargetChoice::Launched(Box::new(choice)))
        }
        (None, None) => built_in_target(args),
        (None, Some(url)) => Ok(TargetChoice::Foreign { url: args.reach.target(url)? }),
    }
}

fn clock(args: &RunArgs) -> Result<ClockChoice, Failure> {
    if args.clocks.control.is_some() && args.clocks.clock != Some(ClockArg::Virtual) {
        return Err(Failure::usage("--control goes with --clock virtual"));
    }
    Ok(match args.clocks.clock {
        Some(ClockArg::Virtual) => {
            ClockChoice::Virtual(args.clocks.control.as_deref().map(transport::Target::parse).transpose().map_err(Failure::usage)?)
        }
        Some(ClockArg::Faketime) => ClockChoice::Faketime,
        Some(ClockArg::Rewind) => ClockChoice::Rewind,
        Some(ClockArg::Wait) => ClockChoice::Wait(args.pace.max_wait),
        Some(ClockArg::None) | None => ClockChoice::None,
    })
}

/// Snapshots to compare with; the whole suite also tells which are left over.
#[expect(clippy::disallowed_methods, reason = "the roof is where the environment is read")]
fn snapshot_choice(args: &RunArgs, suite: &Suite) -> Option<SnapshotChoice> {
    let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
    let update = match args.update {
        Some(UpdateArg::No) => Update::No,
        Some(UpdateArg::New) => Update::New,
        Some(UpdateArg::Always) => Update::Always,
        None if in_ci => Update::No,
        None => Update::New,
    };
    let whole = args.only.is_empty() && args.select.is_none();
    let expected = whole.then(|| expected(&suite.contract.contract, &suite.scenarios));
    args.snapshots.clone().map(|folder| SnapshotChoice { folder, update, expected })
}

/// The built-in reference brings its own database and clock; asking for others is a mistake.
fn built_in_target(args: &RunArgs) -> Result<TargetChoice, Failure> {
    if args.evidence.db.is_some() {
        return Err(Failure::usage("--db is the database of a target: give the target too, with --target URL"));
    }
    if args.evidence.evidence_cmd.is_some() {
        return Err(Failure::usage("--evidence-cmd counts the effects of a target: give the target too, with --target URL"));
    }
    match args.clocks.clock {
        None | Some(ClockArg::Virtual) if args.clocks.control.is_none() => Ok(TargetChoice::BuiltIn { defect: None }),
        _ => Err(Failure::usage("the built-in reference has a clock of its own: --clock and --control go with --target URL or --exec CMD")),
    }
}

/// A target that cannot be judged is exit 3; a command line that cannot be meant is exit 2.
pub(super) fn exit_of_failure(failed: &SessionError) -> Exit {
    match failed {
        SessionError::Unreachable { .. }
        | SessionError::Silent { .. }
        | SessionError::GivenUp { .. }
        | SessionError::NotWell { .. }
        | SessionError::Database(_)
        | SessionError::Launch(_)
        | SessionError::BuiltIn(_) => Exit::Harness,
        SessionError::Clock(_) | SessionError::Secret(_) => Exit::Usage,
        SessionError::Interrupted => Exit::Interrupted,
    }
}

pub(crate) fn exit_of(report: &Report) -> Exit {
    match report.summary.verdict {
        Overall::Conforms => Exit::Conforms,
        Overall::DoesNotConform => Exit::DoesNotConform,
        Overall::Undecided => Exit::Undecided,
        Overall::Interrupted => Exit::Interrupted,
        Overall::Incomplete => Exit::Harness,
    }
}
