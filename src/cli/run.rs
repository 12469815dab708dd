//! `hookgate run`: judge a receiver.

use std::path::Path;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;

use super::args::{ClockArg, FormatArg, LevelArg, RunArgs, UpdateArg};
use super::arguments::arguments;
use super::baseline::read_baseline;
use super::evidence::Sealing;
use super::exit::Exit;
use super::headers::Headers;
use super::launching::{self, folder_of_its_own};
use super::load_suite::{self, Suite};
use super::progress::Progress;
use super::secrets::{OtherSecrets, other_secrets, secret_from, secrets_of, warn};
use super::selecting::select;
use super::sources::{as_seen, choice};
use super::{Console, Failure, Look, dry_run, repeat};
use crate::clock::{Clock as _, SystemClock};
use crate::contract::Level;
use crate::evidence::Choice;
use crate::files::{self, ReportFolder};
use crate::history::{Operation, hidden_answers};
use crate::report::language::Language;
use crate::report::{Overall, Report, github, html, human, junit, markdown, sarif, tally, tap};
use crate::run::clocks::ClockChoice;
use crate::run::concurrency::Jobs;
use crate::run::snapping::{SnapshotChoice, Update, compare, expected};
use crate::run::stage::StageError;
use crate::run::{Outcome, Plan, TargetChoice};
use crate::scenario::expand::Loaded;
use crate::secret::{Redacted, Secrets};
use crate::sign::Proof;
use crate::snapshot::kept::{self, Kept};
use crate::transport;

/// The files of a report folder.
pub(crate) const FILES: [&str; 7] = ["report.json", "report.html", "report.md", "junit.xml", "history.jsonl", kept::FILE, "target.log"];

/// Runs the command.
pub(crate) fn run(args: &RunArgs, console: &mut Console) -> Result<Exit, Failure> {
    let suite = load_suite::suite(&args.suite)?;
    let scenarios = select(args, &suite)?;
    let folder = args.report.as_deref().map(|path| folder_of_its_own(path, "load.json", "load")).transpose()?;
    let sealing = Sealing::new(&args.suite, &suite.contract, args.seal_env.as_deref())?;
    let language = args.language.chosen();
    let variable = args.secret_env.clone().unwrap_or_else(|| suite.contract.secret.env.clone());
    let secret = secret(args, &suite, &variable)?;
    let others = other_secrets(&suite.contract, args.target.is_none() || args.launch.exec.is_some())?;
    let ids = suite.scenarios.iter().chain(&scenarios).map(|one| one.id.as_str());
    let mut secrets = secrets_of(&suite.contract, &suite.catalogue, ids, (&variable, &secret), &others);
    let evidence = choice(args.db.as_deref(), args.db_password_env.as_deref(), args.evidence_cmd.as_deref(), &suite.contract)?;
    if let Some(password) = &evidence.password {
        secrets.push_password("the database's password", password.expose_secret());
    }
    let headers = Headers::read(&args.headers, &suite.contract)?;
    for (line, variable) in &headers.secret {
        secrets.push_password(&format!("the header `{}` in {variable}", line.name), &String::from_utf8_lossy(&line.value));
    }
    let redactor = secrets.redactor();
    let given = Given { secret, others, secrets, evidence, headers };
    let plan_once = || plan(args, &suite, scenarios.clone(), given.clone());
    let plans = (0..args.repeat).map(|_| plan_once()).collect::<Result<Vec<Plan>, Failure>>()?;
    if let (true, Some(plan)) = (args.dry_run, plans.first()) {
        return dry_run::tell(plan, console).map(|()| Exit::Conforms);
    }
    let warnings = warn(&given.secrets, console);
    let total = scenarios.len() * plans.len();
    let progress = Progress::new(total, console.live && args.format == FormatArg::Human);

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::harness)?;
    let judged = runtime.block_on(async {
        let (interrupt, interrupted) = watch::channel(false);
        let listener = tokio::spawn(async move {
            until_interrupted().await;
            if interrupt.send(true).is_ok() {
                // The channel stays open: the run ends when it has seen the flag.
                std::future::pending::<()>().await;
            }
        });
        let seen = progress.clone();
        let judged = repeat::run_all(plans, Arc::new(move |report| seen.done(report)), interrupted).await;
        listener.abort();
        judged
    });
    runtime.shutdown_background();
    progress.finish();

    let Some(Outcome { mut report, history, snapshots, target_output, failed }) = judged else {
        return Err(Failure::usage("--repeat 0 runs nothing"));
    };
    if let Some(failed) = failed.as_ref().filter(|failed| exit_of_failure(failed) == Exit::Usage) {
        return Err(Failure::usage(redactor.text(&failed.to_string())));
    }
    report.run.notes.extend(warnings);
    let mut kept = Kept::of(snapshots.iter().cloned());
    if let (Some(choice), None) = (snapshot_choice(args, &suite), &failed) {
        let facts = compare(&snapshots, &mut kept, &choice, &suite.contract.contract).map_err(Failure::harness)?;
        if facts.fails {
            tally::fail(&mut report.summary);
        }
        report.snapshots = Some(facts);
    }
    report.made_from = sealing.made_from();
    mark_own(&mut report, args);
    let history: Vec<Redacted<Operation>> = history.into_iter().map(|one| redactor.redacted(one)).collect();
    report.run.hidden_answers = hidden_answers(history.iter().map(std::ops::Deref::deref)) as u64;
    let (report, kept) = (redactor.redacted(report), redactor.redacted(kept));
    if let Some(folder) = &folder {
        write_folder(folder, &report, &history, &kept, language)?;
        match &target_output {
            Some(output) => folder.write("target.log", &redactor.text(output)),
            None => folder.forget("target.log"),
        }
        .map_err(Failure::harness)?;
        sealing.write(folder, &FILES, &report.tool)?;
    }
    if let Some(failed) = &failed {
        if args.format != FormatArg::Human {
            console.print(&in_format(&report, args.format, Look { colour: false, width: console.width }, language)?);
        }
        return Err(Failure { exit: exit_of_failure(failed), message: redactor.text(&failed.to_string()).into_owned() });
    }
    console.print(&in_format(&report, args.format, console.look(), language)?);
    if args.format == FormatArg::Human {
        if let Some(hint) = locked_out(&report, &variable) {
            console.tell(&hint);
        }
        if let Some(path) = &args.report {
            console.tell(&format!("report: {}\n", redactor.text(&path.display().to_string())));
        }
        for_github(&report, console, language)?;
    }
    Ok(exit_of(&report))
}

/// In a GitHub workflow: annotations beside the code, and the report as the step's summary.
#[expect(clippy::disallowed_methods, reason = "the roof is where the environment is read")]
fn for_github(report: &Redacted<Report>, console: &mut Console, language: Language) -> Result<(), Failure> {
    if std::env::var_os("GITHUB_ACTIONS").is_none_or(|value| value != "true") {
        return Ok(());
    }
    console.print(&github::write(report));
    if let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) {
        let text = markdown::write(report, language).map_err(Failure::harness)?;
        files::append_text(Path::new(&path), &text).map_err(Failure::harness)?;
    }
    Ok(())
}

/// Ends when the user wants the run to end.
pub(crate) async fn until_interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        }
        (_, _) => std::future::pending().await, // the default action of the signals stays as it is
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
struct Given {
    secret: SecretString,
    others: OtherSecrets,
    secrets: Secrets,
    evidence: Choice,
    headers: Headers,
}

fn plan(
    args: &RunArgs,
    suite: &Suite,
    scenarios: Vec<Loaded>,
    Given { secret, others: other_secrets, secrets, evidence, headers }: Given,
) -> Result<Plan, Failure> {
    if args.clock == Some(ClockArg::Faketime) && args.launch.exec.is_none() {
        return Err(Failure::usage("--clock faketime goes under a target that hookgate starts: give its command with --exec"));
    }
    let target = match (&args.launch.exec, &args.target) {
        (Some(command), _) => {
            TargetChoice::Launched(launching::choice(&args.launch, (args.target.as_deref(), &args.reach), suite, command)?)
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
        Some(ClockArg::Rewind) if args.target.is_some() && args.db.is_none() => {
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
    if args.db.is_some() {
        return Err(Failure::usage("--db is the database of a target: give the target too, with --target URL"));
    }
    if args.evidence_cmd.is_some() {
        return Err(Failure::usage("--evidence-cmd counts the effects of a target: give the target too, with --target URL"));
    }
    match args.clock {
        None | Some(ClockArg::Virtual) if args.control.is_none() => Ok(TargetChoice::BuiltIn { defect: None }),
        _ => Err(Failure::usage("the built-in reference has a clock of its own: --clock and --control go with --target URL")),
    }
}

/// A report in the form that was asked for.
pub(crate) fn in_format(report: &Redacted<Report>, format: FormatArg, look: Look, language: Language) -> Result<String, Failure> {
    match format {
        FormatArg::Human => Ok(human::write_in(report, look.colour, language, look.width)),
        FormatArg::Json => json(report),
        FormatArg::Junit => junit::write(report).map_err(Failure::harness),
        FormatArg::Markdown => markdown::write(report, language).map_err(Failure::harness),
        FormatArg::Html => html::write(report, language).map_err(Failure::harness),
        FormatArg::Tap => Ok(tap::write(report)),
        FormatArg::Sarif => serde_json::to_string_pretty(&sarif::write(report)).map(|text| text + "\n").map_err(Failure::harness),
        FormatArg::Github => Ok(github::write(report)),
    }
}

fn json(report: &Report) -> Result<String, Failure> {
    serde_json::to_string_pretty(report).map(|text| text + "\n").map_err(Failure::harness)
}

fn write_folder(
    folder: &ReportFolder,
    report: &Redacted<Report>,
    history: &[Redacted<Operation>],
    kept: &Redacted<Kept>,
    language: Language,
) -> Result<(), Failure> {
    let mut lines = String::new();
    for operation in history {
        lines.push_str(&serde_json::to_string(&**operation).map_err(Failure::harness)?);
        lines.push('\n');
    }
    write_forms(folder, report, lines, kept, language)
}

/// Writes a report in all of its forms, with its history.
///
/// * `history`: the lines of history.jsonl, of redacted deliveries.
pub(crate) fn write_forms(
    folder: &ReportFolder,
    report: &Redacted<Report>,
    history: String,
    kept: &Redacted<Kept>,
    language: Language,
) -> Result<(), Failure> {
    let files = [
        ("report.json", json(report)?),
        ("junit.xml", junit::write(report).map_err(Failure::harness)?),
        ("report.md", markdown::write(report, language).map_err(Failure::harness)?),
        ("report.html", html::write(report, language).map_err(Failure::harness)?),
        ("history.jsonl", history),
        (kept::FILE, serde_json::to_string_pretty(&**kept).map_err(Failure::harness)? + "\n"),
    ];
    for (name, text) in files {
        folder.write(name, &text).map_err(Failure::harness)?;
    }
    Ok(())
}

/// A contract's file, where it is one that was named as a file.
fn own_file(contract: &str) -> Option<String> {
    (files::shipped_contract(contract).is_none() && load_suite::looks_like_a_file(contract)).then(|| contract.to_owned())
}

/// Marks the scenarios whose files are the user's own, so that what is found can be shown beside them.
fn mark_own(report: &mut Report, args: &RunArgs) {
    let named = |file: &str| args.only.iter().any(|one| one == file);
    let inside =
        |file: &str| [&args.suite.scenarios, &args.suite.only_scenarios].into_iter().flatten().any(|dir| Path::new(file).starts_with(dir));
    for scenario in &mut report.scenarios {
        scenario.own = (named(&scenario.file) || inside(&scenario.file)) && Path::new(&scenario.file).is_file();
    }
}

/// What to tell a user whose honest deliveries are all refused.
fn locked_out(report: &Report, variable: &str) -> Option<String> {
    let told = report.run.notes.iter().any(|note| note.contains("honestly signed"));
    told.then(|| format!("hint: is the secret in {variable} the one that the target has?\n"))
}

/// A target that cannot be judged is exit 3; a command line that cannot be meant is exit 2.
fn exit_of_failure(failed: &StageError) -> Exit {
    match failed {
        StageError::Unreachable { .. }
        | StageError::NotWell { .. }
        | StageError::Database(_)
        | StageError::Launch(_)
        | StageError::BuiltIn(_) => Exit::Harness,
        StageError::Clock(_) | StageError::Secret(_) => Exit::Usage,
        StageError::Interrupted => Exit::Interrupted,
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
