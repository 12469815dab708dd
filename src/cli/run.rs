//! `hookgate run`: judge a receiver.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::args::{ClockArg, FormatArg, LevelArg, RunArgs, UpdateArg};
use super::arguments::{arguments, visiting};
use super::baseline::read_baseline;
use super::evidence::Sealing;
use super::exit::Exit;
use super::forms::{for_github, in_format};
use super::headers::Headers;
use super::launching::{self, folder_of_its_own};
use super::load_suite::{self, Suite};
use super::progress::Progress;
use super::project::InForce;
use super::secrets::{OtherSecrets, other_secrets, secret_from, secrets_of, warn};
use super::selecting::select;
use super::signals::Ends;
use super::sources::choice;
use super::{Console, Failure, Look, dry_run, required};
use crate::api::folder::write_folder;
use crate::api::judging::{Afterwards, IsOwn, Judged, judge};
use crate::api::places::as_seen;
use crate::clock::{Clock as _, SystemClock};
use crate::contract::Level;
use crate::evidence::Choice;
use crate::files;
use crate::report::{Overall, Report};
use crate::run::Plan;
use crate::run::concurrency::Jobs;
use crate::run::steps::snapshot::{SnapshotChoice, Update, expected};
use crate::scenario::expand::Loaded;
use crate::secret::Secrets;
use crate::session::TargetChoice;
use crate::session::clocks::ClockChoice;
use crate::session::error::SessionError;
use crate::sign::Proof;
use crate::transport;

/// Runs the command.
pub(crate) fn run(args: &RunArgs, console: &mut Console) -> Result<Exit, Failure> {
    let ends = Ends::listen()?;
    let suite = load_suite::suite(&args.suite)?;
    let scenarios = select(args, &suite)?;
    let must = must_be_judged(args);
    required::known(must, &suite)?;
    let given = given(args, &suite, &scenarios)?;
    let sealing = Sealing::new(&args.suite, &suite.contract, args.seal_env.as_deref())?;
    let language = args.language.chosen();
    let redactor = given.secrets.redactor();
    let plan_once = || plan(args, &suite, scenarios.clone(), given.clone());
    let plans = (0..args.repeat).map(|_| plan_once()).collect::<Result<Vec<Plan>, Failure>>()?;
    if let (true, Some(plan)) = (args.dry_run, plans.first()) {
        return dry_run::tell(plan, console).map(|()| Exit::Conforms);
    }
    let folder = args.report.as_deref().map(|path| folder_of_its_own(path, "load.json", "load")).transpose()?;
    let warnings = warn(&given.secrets, console);
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
        required: must.to_vec(),
        snapshots: snapshot_choice(args, &suite),
        is_own: is_own(args),
    };
    ends.runtime.block_on(launching::wait_until_ready(&args.launch, args.target.as_deref(), &args.reach))?;
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
    if failed.is_none() || args.format != FormatArg::Human {
        let look = Look { colour: console.colour && failed.is_none(), width: console.width };
        console.print(&in_format(&report, args.format, look, language)?);
    }
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
fn all_of(failures: Vec<Failure>) -> Option<Failure> {
    failures.into_iter().reduce(|one, other| Failure { exit: other.exit, message: format!("{}\nerror: {}", one.message, other.message) })
}

/// The first of two results, or what is wrong with both.
fn together<T>(one: Result<T, Failure>, other: Result<(), Failure>) -> Result<T, Failure> {
    match (one, other) {
        (Ok(value), Ok(())) => Ok(value),
        (one, other) => {
            Err(all_of(one.err().into_iter().chain(other.err()).collect()).unwrap_or_else(|| Failure::usage("nothing is wrong")))
        }
    }
}

/// The target's address is looked at before the first mistake is told.
fn target_is_readable(args: &RunArgs) -> Result<(), Failure> {
    match (&args.target, &args.launch.exec) {
        (Some(url), None) => args.reach.target(url).map(drop),
        _ => Ok(()),
    }
}

fn secret(args: &RunArgs, suite: &Suite, variable: &str) -> Result<SecretString, Failure> {
    match secret_from(variable)? {
        Some(secret) => Ok(secret),
        // A target that hookgate starts gets the published test secret too.
        None if args.target.is_none() || args.launch.exec.is_some() || suite.contract.signature.by == Proof::None => {
            Ok(suite.contract.secret.for_tests.clone().into())
        }
        None => Err(Failure::usage(format!(
            "the environment variable {variable} is not set: it holds the secret that the target shares (or name another variable with --secret-env)"
        ))),
    }
}

/// What the environment gives a run.
#[derive(Clone)]
pub(super) struct Given {
    secret: SecretString,
    /// The variable that the secret came from.
    variable: String,
    others: OtherSecrets,
    pub(super) secrets: Secrets,
    evidence: Choice,
    headers: Headers,
}

/// What the environment gives the run of a command line.
pub(super) fn given(args: &RunArgs, suite: &Suite, scenarios: &[Loaded]) -> Result<Given, Failure> {
    let variable = args.secret_env.clone().unwrap_or_else(|| suite.contract.secret.env.clone());
    let secret = together(secret(args, suite, &variable), target_is_readable(args))?;
    let others = other_secrets(&suite.contract, args.target.is_none() || args.launch.exec.is_some())?;
    let ids = suite.scenarios.iter().chain(scenarios).map(|one| one.id.as_str());
    let mut secrets = secrets_of(&suite.contract, &suite.catalogue, ids, (&variable, &secret), &others);
    let evidence = choice(&args.evidence, &suite.contract, (args.target.as_deref(), &args.reach))?;
    if let Some(password) = &evidence.password {
        secrets.push_password("the database's password", password.expose_secret());
    }
    let headers = Headers::read(&args.headers, &suite.contract)?;
    for (line, variable) in &headers.secret {
        secrets.push_header(variable, &String::from_utf8_lossy(&line.value));
    }
    Ok(Given { secret, variable, others, secrets, evidence, headers })
}

pub(super) fn plan(
    args: &RunArgs,
    suite: &Suite,
    scenarios: Vec<Loaded>,
    Given { secret, variable, others: other_secrets, secrets, evidence, headers }: Given,
) -> Result<Plan, Failure> {
    if args.clock == Some(ClockArg::Faketime) && args.launch.exec.is_none() {
        return Err(Failure::usage("--clock faketime goes under a target that hookgate starts: give its command with --exec"));
    }
    let target = match (&args.launch.exec, &args.target) {
        (Some(command), _) => {
            let named = (command.as_str(), args.secret_env.as_deref());
            TargetChoice::Launched(Box::new(launching::choice(&args.launch, (args.target.as_deref(), &args.reach), suite, named)?))
        }
        (None, None) => built_in_target(args)?,
        (None, Some(url)) => TargetChoice::Foreign { url: args.reach.target(url)? },
    };
    if args.control.is_some() && args.clock != Some(ClockArg::Virtual) {
        return Err(Failure::usage("--control goes with --clock virtual"));
    }
    let clock = match args.clock {
        Some(ClockArg::Virtual) => {
            ClockChoice::Virtual(args.control.as_deref().map(transport::Target::parse).transpose().map_err(Failure::usage)?)
        }
        Some(ClockArg::Faketime) => ClockChoice::Faketime,
        Some(ClockArg::Rewind) if args.target.is_some() && args.evidence.db.is_none() => {
            return Err(Failure::usage("--clock rewind moves times in the target's database: give it with --db PATH"));
        }
        Some(ClockArg::Rewind) => ClockChoice::Rewind,
        Some(ClockArg::Wait) => ClockChoice::Wait(args.max_wait),
        Some(ClockArg::None) | None => ClockChoice::None,
    };
    Ok(Plan {
        contract: as_seen(&suite.contract, &evidence),
        catalogue: Arc::clone(&suite.catalogue),
        scenarios,
        bodies: Arc::clone(&suite.bodies),
        target,
        evidence,
        secret_variable: variable,
        secret,
        other_secrets,
        secrets,
        clock,
        jobs: args.jobs.map_or(Jobs::Adaptive, |jobs| Jobs::Fixed(usize::from(jobs))),
        time_limit: args.time_limit,
        headers: headers.all(),
        secret_headers: headers.secret,
        max_rate: args.max_rate,
        max_wait: args.max_wait,
        seed: args.seed.unwrap_or_else(|| SystemClock.now().0.unsigned_abs() % 1_000_000),
        timeout: args.timeout,
        ttl: args.ttl.map(|ttl| ttl.as_secs()),
        level: match args.level {
            LevelArg::Must => Level::Must,
            LevelArg::Should => Level::Should,
        },
        fail_fast: args.fail_fast,
        // A report folder keeps them, whether they are compared or not.
        takes_snapshots: args.snapshots.is_some() || args.report.is_some(),
        baseline: args.baseline.as_deref().map(|path| read_baseline(path, suite).map(Arc::new)).transpose()?,
        shard: args.shard.map(|shard| shard.to_string()),
        arguments: arguments(args),
        visiting: visiting(args),
        contract_file: own_file(&args.suite.contract),
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
    match args.clock {
        None | Some(ClockArg::Virtual) if args.control.is_none() => Ok(TargetChoice::BuiltIn { defect: None }),
        _ => Err(Failure::usage("the built-in reference has a clock of its own: --clock and --control go with --target URL")),
    }
}

/// A contract's file, where it is one that was named as a file.
fn own_file(contract: &str) -> Option<String> {
    (files::shipped_contract(contract).is_none() && load_suite::looks_like_a_file(contract)).then(|| contract.to_owned())
}

/// Whether a scenario's file is one of the user's own, so that what is found can be shown beside it.
fn is_own(args: &RunArgs) -> IsOwn {
    let named = args.only.clone();
    let folders: Vec<PathBuf> = args.suite.scenarios.iter().chain(&args.suite.only_scenarios).cloned().collect();
    Box::new(move |file| {
        let is_named = named.iter().any(|one| one == file);
        let is_inside = folders.iter().any(|dir| Path::new(file).starts_with(dir));
        (is_named || is_inside) && Path::new(file).is_file()
    })
}

/// A target that cannot be judged is exit 3; a command line that cannot be meant is exit 2.
pub(super) fn exit_of_failure(failed: &SessionError) -> Exit {
    match failed {
        SessionError::Unreachable { .. }
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
