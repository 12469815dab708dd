//! `hookgate load`: load a receiver, and judge it under load.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;

use super::args::{ArrivalsArg, LoadArgs, LoadFormat, SuiteArgs};
use super::evidence::Sealing;
use super::exit::Exit;
use super::load_suite::{self, Suite, looks_like_a_file, nearest};
use super::load_telling::teller;
use super::secrets::{OtherSecrets, other_secrets, secret_from, secrets_of, signer, warn};
use super::sources::choice;
use super::{Console, Failure};
use crate::clock::{Clock as _, SystemClock};
use crate::document;
use crate::evidence::{Choice, Sources};
use crate::files::{self, ReportFolder, Scratch, TextFile};
use crate::load::gate::{Gate, GatesFile};
use crate::load::mix::{BodyFrom, Mix};
use crate::load::pace::{Arrivals, Course, Model};
use crate::load::page::page;
use crate::load::report::{LoadReport, junit, series};
use crate::load::summing::nothing;
use crate::load::telling::{human, markdown, summary};
use crate::load::{self, LoadError, Plan, measure};
use crate::reference::Receiver;
use crate::report::Overall;
use crate::report::language::Language;
use crate::secret::Redacted;
use crate::serve::{Serving, serve};
use crate::sign::Proof;
use crate::sqlite::SqliteStore;
use crate::target::limits::allow_open_files;
use crate::transport;

/// How long a load takes when nobody says.
const USUAL_RUN_TIME: Duration = Duration::from_secs(10);
/// How long a source of evidence is waited for that is busy after a load.
const PATIENCE: Duration = Duration::from_secs(30);
/// A longest time; a load that runs on is a mistake.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// What hookgate itself has open beside its connections.
const OWN_FILES: u64 = 64;

/// The target of a load: somebody's, or the reference in this process.
struct Ground {
    target: transport::Target,
    sources: Sources,
    built_in: Option<(Serving, Scratch)>,
}

/// Runs the command.
pub(crate) fn load(args: &LoadArgs, console: &mut Console) -> Result<Exit, Failure> {
    let suite = load_suite::suite(&SuiteArgs { contract: args.contract.clone(), scenarios: None })?;
    let mix = mix(args)?;
    let names = mix.names();
    let gates = gates(args, &names)?;
    let abort_on = args.abort_on.iter().map(|text| Gate::condition(text, &names));
    let abort_on = abort_on.collect::<Result<Vec<Gate>, String>>().map_err(Failure::usage)?;
    let body = body(&mix, &suite)?;
    let foreign = args.target.as_deref().map(|url| own_target(url, args)).transpose()?;
    let folder = args.report.as_deref().map(ReportFolder::make).transpose().map_err(Failure::usage)?;
    let played =
        args.mix.clone().unwrap_or_default() + &mix.weights().iter().map(|(kind, weight)| format!("\n{kind}={weight}")).collect::<String>();
    let sealing = Sealing::of(&args.contract, &played, args.seal_env.as_deref())?;
    let language = args.language.chosen();
    let (course, model, users) = course(args)?;
    let secret = secret(args, &suite)?;
    let evidence = Choice { patience: PATIENCE, ..choice(args.db.as_deref(), args.db_password_env.as_deref(), &suite.contract)? };
    let others = other_secrets(&suite.contract, args.target.is_none())?;
    let variable = args.secret_env.clone().unwrap_or_else(|| suite.contract.secret.env.clone());
    let mut secrets = secrets_of(&suite.contract, &suite.catalogue, names.iter().map(String::as_str), (&variable, &secret), &others);
    if let Some(password) = &evidence.password {
        secrets.push_password("the database's password", password.expose_secret());
    }
    let redactor = secrets.redactor();
    let warnings = warn(&secrets, console);
    make_room(users, foreign.is_none())?;
    let interrupted = interruption()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::harness)?;
    let show = !args.quiet && args.format == LoadFormat::Human;
    let ended: Result<_, Failure> = runtime.block_on(async {
        let ground = match foreign {
            Some(target) => {
                Ground { target, sources: evidence.open(&suite.contract, &str::to_owned).map_err(Failure::usage)?, built_in: None }
            }
            None => built_in(&suite, &secret, &others, args).await?,
        };
        let plan = Plan {
            contract: Arc::clone(&suite.contract),
            catalogue: Arc::clone(&suite.catalogue),
            target: ground.target,
            sources: ground.sources,
            secret,
            other_secrets: others,
            body,
            mix,
            users,
            hatch_rate: args.hatch_rate.unwrap_or(users as f64 * 10.0),
            model,
            course: course.clone(),
            arrivals: match args.arrivals {
                ArrivalsArg::Constant => Arrivals::Constant,
                ArrivalsArg::Poisson => Arrivals::Poisson,
            },
            most: args.deliveries.unwrap_or(u64::MAX),
            warm_up: args.warm_up.unwrap_or_default(),
            timeout: args.timeout,
            gates,
            abort_on,
            verify: !args.no_verify,
            ttl: args.ttl.map(|ttl| ttl.as_secs()),
            seed: args.seed.unwrap_or_else(|| SystemClock.now().0.unsigned_abs() % 1_000_000),
        };
        let ended = load::run(&plan, teller(show, console.live, course.length()), interrupted).await;
        if let Some((serving, scratch)) = ground.built_in {
            serving.kill().await;
            drop(scratch);
        }
        Ok(match ended {
            Ok(loaded) => (Some(loaded.report), Some(loaded.measurement), None),
            Err(failed) => {
                let why = redactor.text(&failed.to_string()).into_owned();
                match failed {
                    LoadError::Secret(_) | LoadError::Contract(_) => return Err(Failure::usage(why)),
                    LoadError::Unreachable { .. } | LoadError::Database(_) | LoadError::Crowd(_) => {
                        (nothing(&plan, &why), None, Some(Failure::harness(why)))
                    }
                }
            }
        })
    });
    runtime.shutdown_background();
    let (report, measurement, failed) = ended?;
    let report = report.map(|mut report| {
        report.notes.extend(warnings);
        redactor.redacted(LoadReport { made_from: sealing.made_from(), ..report })
    });
    if let (Some(folder), Some(report)) = (&folder, &report) {
        let names = write_folder(folder, report, measurement.as_ref(), language)?;
        sealing.write(folder, &names, &report.tool)?;
    }
    if let Some(failed) = failed {
        return Err(failed);
    }
    let Some(report) = report else { return Err(Failure::harness("the load has no report")) };
    let text = match (args.format, args.quiet) {
        (LoadFormat::Json, _) => json(&report)?,
        (LoadFormat::Markdown, _) => markdown(&report, language),
        (LoadFormat::Junit, _) => junit(&report).map_err(Failure::harness)?,
        (LoadFormat::Human, true) => summary(&report, language),
        (LoadFormat::Human, false) => human(&report, language),
    };
    console.print(&text);
    Ok(match report.verdict {
        Overall::Conforms => Exit::Conforms,
        Overall::DoesNotConform => Exit::DoesNotConform,
        Overall::Undecided => Exit::Undecided,
        Overall::Interrupted => Exit::Interrupted,
        Overall::Incomplete => Exit::Harness,
    })
}

/// An inline mix, a shipped one, or a file.
fn mix(args: &LoadArgs) -> Result<Mix, Failure> {
    let Some(named) = args.mix.as_deref() else { return Ok(Mix::default()) };
    let file = match files::shipped_mix(named) {
        Some(shipped) => shipped,
        None if looks_like_a_file(named) && !named.contains('=') => {
            files::read_text("read the mix", Path::new(named)).map_err(Failure::usage)?
        }
        None if named.contains('=') || named.contains(',') => return Mix::read(named).map_err(Failure::usage),
        None => {
            let known = files::shipped_mixes();
            let hint =
                nearest(named, known.iter().map(String::as_str)).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            return Err(Failure::usage(format!(
                "there is no mix `{named}`: write `fresh=80,duplicate=20`, give a file (…/{named}.yaml), or one of {}{hint}",
                known.join(", ")
            )));
        }
    };
    Mix::read_file(&file.path, &file.text).map_err(Failure::usage)
}

fn gates(args: &LoadArgs, kinds: &[String]) -> Result<Vec<Gate>, Failure> {
    let mut gates = Vec::new();
    for named in &args.gates {
        let file: TextFile = match files::shipped_gates(named) {
            Some(shipped) => shipped,
            None => files::read_text("read the gates", Path::new(named)).map_err(Failure::usage)?,
        };
        let (read, _) = document::read::<GatesFile>(&file.path, &file.text).map_err(Failure::usage)?;
        for text in &read.gates {
            gates.push(Gate::read(text, kinds).map_err(|wrong| Failure::usage(format!("{}: {wrong}", file.path)))?);
        }
    }
    for text in &args.gate {
        gates.push(Gate::read(text, kinds).map_err(Failure::usage)?);
    }
    Ok(gates)
}

fn body(mix: &Mix, suite: &Suite) -> Result<Vec<u8>, Failure> {
    let named = |name: &str| {
        let known = || suite.bodies.keys().cloned().collect::<Vec<_>>().join(", ");
        let body = suite.bodies.get(name).map(|body| body.to_vec());
        body.ok_or_else(|| Failure::usage(format!("the suite has no body `{name}`: {}", known())))
    };
    match mix.body.as_ref().map(|body| &body.from) {
        Some(BodyFrom::Template(text)) => Ok(text.clone().into_bytes()),
        Some(BodyFrom::File(name)) => named(name),
        None => named(&suite.catalogue.ordinary_body),
    }
}

fn own_target(url: &str, args: &LoadArgs) -> Result<transport::Target, Failure> {
    let target = transport::Target::parse(url).map_err(Failure::usage)?;
    let is_loopback = target.host() == "localhost" || target.host().parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    if !is_loopback && !args.i_own_this_target {
        return Err(Failure::usage(format!(
            "{target} is not on this machine, and a load can take a receiver down: give --i-own-this-target when it is yours"
        )));
    }
    Ok(target)
}

fn secret(args: &LoadArgs, suite: &Suite) -> Result<SecretString, Failure> {
    let variable = args.secret_env.clone().unwrap_or_else(|| suite.contract.secret.env.clone());
    match secret_from(&variable)? {
        Some(secret) => Ok(secret),
        None if args.target.is_none() || suite.contract.signature.by == Proof::None => Ok(suite.contract.secret.for_tests.clone().into()),
        None => Err(Failure::usage(format!(
            "the environment variable {variable} is not set: it holds the secret that the target shares (or name another variable with --secret-env)"
        ))),
    }
}

/// The course, what it counts, and how many users it needs.
fn course(args: &LoadArgs) -> Result<(Course, Model, usize), Failure> {
    let users = usize::from(args.users.get());
    let warm_up = args.warm_up.unwrap_or_default();
    let (course, model) = match (&args.stages, args.rate) {
        (Some(stages), _) => (stages.course.clone(), if stages.of_rates { Model::Open } else { Model::Closed }),
        (None, Some(rate)) => (Course::level(rate, warm_up + args.run_time.unwrap_or(USUAL_RUN_TIME)), Model::Open),
        (None, None) => (Course::level(users as f64, warm_up + args.run_time.unwrap_or(USUAL_RUN_TIME)), Model::Closed),
    };
    if course.length() > LONGEST {
        return Err(Failure::usage("a load takes a day at the most"));
    }
    if warm_up >= course.length() {
        return Err(Failure::usage("the warm-up is as long as the load: nothing would be measured"));
    }
    if model == Model::Closed && args.arrivals == ArrivalsArg::Poisson {
        return Err(Failure::usage("--arrivals poisson needs --rate, or stages of rates (`30s:100/s`)"));
    }
    let users = if args.stages.is_some() && model == Model::Closed { course.highest().ceil() as usize } else { users };
    match u16::try_from(users) {
        Ok(_) => Ok((course, model, users)),
        Err(_) => Err(Failure::usage(format!("{users} users are more than one machine has ports for: at most {}", u16::MAX))),
    }
}

/// Every user has a connection, and every connection is an open file; the reference in this process has the other end.
fn make_room(users: usize, both_ends: bool) -> Result<(), Failure> {
    let needed = users as u64 * if both_ends { 2 } else { 1 } + OWN_FILES;
    allow_open_files(needed).map_err(|most| {
        Failure::usage(format!(
            "{users} users need {needed} open files, and this process may have {most}: raise the limit (ulimit -Hn), or give fewer --users"
        ))
    })
}

/// Hears Ctrl-C and the signal to end. The handler is set before goose sets its own, which would end the process.
fn interruption() -> Result<watch::Receiver<bool>, Failure> {
    let (interrupt, interrupted) = watch::channel(false);
    let told = ctrlc::set_handler(move || {
        interrupt.send_replace(true);
    });
    told.map_err(|cause| Failure::harness(format!("cannot listen to Ctrl-C: {cause}")))?;
    Ok(interrupted)
}

async fn built_in(suite: &Suite, secret: &SecretString, others: &OtherSecrets, args: &LoadArgs) -> Result<Ground, Failure> {
    let scratch = Scratch::new().map_err(Failure::harness)?;
    let database = scratch.path().join("reference.db");
    let signer = signer(&suite.contract, secret, others)?;
    let contract = Arc::clone(&suite.contract);
    let store = SqliteStore::open(Arc::clone(&contract), &database).map_err(Failure::harness)?;
    let receiver = Receiver::new(contract, Some(signer), store, args.ttl.map(|ttl| ttl.as_secs())).map_err(Failure::harness)?;
    let serving = serve(receiver, Arc::new(SystemClock), ([127, 0, 0, 1], 0).into()).await.map_err(Failure::harness)?;
    let target = transport::Target::parse(&format!("http://{}", serving.address)).map_err(Failure::harness)?;
    let db = suite.contract.state.is_some().then(|| database.display().to_string());
    let choice = Choice { db, patience: PATIENCE, ..Choice::default() };
    let sources = choice.open(&suite.contract, &str::to_owned).map_err(Failure::harness)?;
    Ok(Ground { target, sources, built_in: Some((serving, scratch)) })
}

fn json(report: &LoadReport) -> Result<String, Failure> {
    serde_json::to_string_pretty(report).map(|text| text + "\n").map_err(Failure::harness)
}

fn write_folder(
    folder: &ReportFolder,
    report: &Redacted<LoadReport>,
    measured: Option<&measure::Measurement>,
    language: Language,
) -> Result<Vec<&'static str>, Failure> {
    let mut files = vec![
        ("load.json", json(report)?),
        ("load.md", markdown(report, language)),
        ("load.html", page(report, language).map_err(Failure::harness)?),
        ("series.csv", series(report)),
        ("junit.xml", junit(report).map_err(Failure::harness)?),
    ];
    if let Some(measured) = measured {
        files.push(("latency.hlog", load::hlog::write(report, measured).map_err(Failure::harness)?));
    }
    for (name, text) in &files {
        folder.write(name, text).map_err(Failure::harness)?;
    }
    Ok(files.into_iter().map(|(name, _)| name).collect())
}
