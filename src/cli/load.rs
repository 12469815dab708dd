//! `hookgate load`: load a receiver, and judge it under load.

mod asked;
mod folder;
mod joining;
mod live;
#[cfg(feature = "locust")]
mod locust;
mod several;

use std::io::{Write as _, stderr};
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use secrecy::ExposeSecret as _;

use self::asked::{body, conditions, course, gates, make_room, mix, secret};
use self::live::teller;
#[cfg(feature = "locust")]
pub(crate) use self::locust::locustfile;
use self::several::{Leaving, facts, keeper, which};
use super::args::{ArrivalsArg, LoadArgs, LoadCommand, LoadFormat, SuiteArgs};
use super::baseline::read_baseline;
use super::evidence::Sealing;
use super::exit::Exit;
use super::headers::Headers;
use super::launching::{self, folder_of_its_own};
use super::load_suite::{self, Suite};
use super::run::{exit_of_failure, say_in_force};
use super::secrets::{other_secrets, secrets_of, warn};
use super::signals::Ends;
use super::sources::choice;
use super::{Console, Failure};
use crate::api::places::as_seen;
use crate::clock::{Clock as _, SystemClock};
use crate::evidence::{Choice, Sources};
use crate::load::gate::Gate;
use crate::load::knee::Step;
use crate::load::measure::Measurement;
use crate::load::part::Part;
use crate::load::progress::Progress;
use crate::load::rate_profile::Arrivals;
use crate::load::report::LoadReport;
use crate::load::summing::nothing;
use crate::load::telling::knee_step;
use crate::load::worker::{Keeper, WorkerReport, looked_on};
use crate::load::{self, LoadError, Loaded, OnSecond, Plan, climb, exposition};
use crate::report::Overall;
use crate::secret::Redactor;
use crate::serve::Serving;
use crate::serve::text::{Page, serve_text};
use crate::session::clocks::ClockChoice;
use crate::session::error::SessionError;
use crate::session::target_under_test::origin;
use crate::session::{self, Session, TargetChoice};
use crate::target::usage::Of;

/// How long a source of evidence is waited for that is busy after a load.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the command.
pub(crate) fn load(args: &LoadArgs, console: &mut Console) -> Result<Exit, Failure> {
    if let Some(LoadCommand::Merge(args)) = &args.command {
        return joining::merge(args, console);
    }
    claim_interruptions()?;
    let ends = Ends::listen()?;
    let suite = load_suite::suite(&SuiteArgs { contract: args.contract.clone(), scenarios: Vec::new(), only_scenarios: None })?;
    if !args.require.is_empty() {
        return Err(Failure::usage("--require asks what a run has judged, and a load judges other things: give it to `hookgate run`"));
    }
    let mix = mix(args.mix.as_deref())?;
    let names = mix.names();
    let gates = gates(args, &names)?;
    let find_max = args.find_max.as_deref().map(|text| conditions(text, args, &names)).transpose()?;
    let abort_on = args.abort_on.iter().map(|text| Gate::condition(text, &names));
    let abort_on = abort_on.collect::<Result<Vec<Gate>, String>>().map_err(Failure::usage)?;
    let body = body(&mix, &suite)?;
    if args.evidence.db.is_some() && args.target.is_none() && args.launch.exec.is_none() {
        return Err(Failure::usage("--db is the database of a target: give the target too, with --target <URL> or --exec <CMD>"));
    }
    if args.evidence.evidence_cmd.is_some() && args.target.is_none() && args.launch.exec.is_none() {
        return Err(Failure::usage("--evidence-cmd counts the effects of a target: give the target too, with --target URL or --exec CMD"));
    }
    let baseline = args.baseline.as_deref().map(|path| read_baseline(path, &suite).map(Arc::new)).transpose()?;
    let folder = args.report.as_deref().map(|path| folder_of_its_own(path, "report.json", "run")).transpose()?;
    let played =
        args.mix.clone().unwrap_or_default() + &mix.weights().iter().map(|(kind, weight)| format!("\n{kind}={weight}")).collect::<String>();
    let sealing = Sealing::of(&args.contract, &played, args.seal_env.as_deref())?;
    let language = args.language.chosen();
    let target = target(args, &suite)?;
    let (course, model, users) = course(args)?;
    let secret = secret(args, &suite)?;
    let evidence = Choice { patience: PATIENCE, ..choice(&args.evidence, &suite.contract, (args.target.as_deref(), &args.reach))? };
    let starts_it = args.target.is_none() || args.launch.exec.is_some();
    let others = other_secrets(&suite.contract, starts_it)?;
    let variable = args.secret_env.clone().unwrap_or_else(|| suite.contract.secret.env.clone());
    let mut secrets = secrets_of(&suite.contract, &suite.catalogue, names.iter().map(String::as_str), (&variable, &secret), &others);
    if let Some(password) = &evidence.password {
        secrets.push_password("the database's password", password.expose_secret());
    }
    let headers = Headers::read(&args.headers, &suite.contract)?;
    for (line, variable) in &headers.secret {
        secrets.push_header(variable, &String::from_utf8_lossy(&line.value));
    }
    let redactor = secrets.redactor();
    let warnings = warn(&secrets, console);
    make_room(users, args.target.is_none() && args.launch.exec.is_none())?;
    let Ends { runtime, wanted: mut interrupted } = ends;
    let choice = session::Choice {
        contract: as_seen(&suite.contract, &evidence),
        target,
        evidence,
        secret,
        other_secrets: others,
        clock: ClockChoice::None,
        headers: headers.all(),
        bodies: Arc::clone(&suite.bodies),
        ordinary_body: suite.catalogue.ordinary_body.clone(),
        max_rate: None,
        max_wait: Duration::ZERO,
        seed: 0,
        timeout: args.timeout,
        ttl: args.ttl.map(|ttl| ttl.as_secs()),
    };
    if !matches!(choice.target, TargetChoice::BuiltIn { .. }) {
        // What cannot be meant is told before anything is started; nothing is asked of a source yet.
        choice.evidence.open(&choice.contract, &origin(&choice.target.address()), &str::to_owned).map_err(Failure::usage)?;
    }
    let live = console.live;
    if !args.quiet && args.format == LoadFormat::Human {
        say_in_force(args.project.as_deref(), console);
    }
    let show = !args.quiet && args.format == LoadFormat::Human;
    let leaving = Leaving { sealing: &sealing, redactor: &redactor, warnings, language, format: args.format, quiet: args.quiet };
    let ended: Result<Came, Failure> = runtime.block_on(async {
        let mut plan = Plan {
            contract: Arc::clone(&choice.contract),
            catalogue: Arc::clone(&suite.catalogue),
            target: choice.target.address(),
            sources: Sources::default(),
            headers: choice.headers.clone(),
            secret_headers: headers.secret,
            signer: choice.signer().map_err(Failure::usage)?,
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
            drain: args.drain,
            gates,
            abort_on,
            verify: !args.no_verify,
            ttl: args.ttl.map(|ttl| ttl.as_secs()),
            seed: args.seed.unwrap_or_else(|| SystemClock.now().0.unsigned_abs() % 1_000_000),
            beside: args.target_pid.map(Of::Tree),
            baseline,
            part: Part::default(),
        };
        launching::wait_until_ready(&args.launch, args.target.as_deref(), &args.reach).await?;
        let session = match Session::connect(&choice, &mut interrupted).await {
            Ok(session) => session,
            Err(failed) => return without_a_session(&plan, &failed, &redactor).map(|ended| Came::One(Box::new(ended), false)),
        };
        plan.target = session.url.clone();
        plan.sources = session.sources.clone();
        plan.beside = plan.beside.or(session.guard_id().await.map(Of::Children));
        let title = format!("load of {} ({})", plan.target, plan.contract.contract);
        let (on_second, metrics) = exposed(args.metrics, teller(show, console.live, title), console).await?;
        #[cfg(feature = "locust")]
        if let Some(master) = &args.locust_master {
            let all = (&leaving, folder.as_ref());
            let exit = locust::work_for(master, args, &plan, all, on_second, interrupted, console).await;
            if let Some(metrics) = metrics {
                metrics.kill().await;
            }
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
        plan.part = Part { word, notes: keeper.as_ref().map(Keeper::notes), steering: None };
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
                found.map(|found| Loaded { report: found.report, measurement: found.measurement })
            }
        };
        if let Some(metrics) = metrics {
            metrics.kill().await;
        }
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
            Ok(Loaded { report, measurement }) => (Some(report), Some(measurement), unkept, output),
            Err(failed) => {
                let why = redactor.text(&failed.to_string()).into_owned();
                match failed {
                    LoadError::Contract(_) => return Err(Failure::usage(why)),
                    LoadError::Session(_) | LoadError::Database(_) | LoadError::Crowd(_) => {
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
        #[cfg(feature = "locust")]
        Came::Several(exit) => Ok(exit),
    }
}

/// What came of the command: a load, or the worst of several.
enum Came {
    One(Box<Ended>, bool),
    #[cfg(feature = "locust")]
    Several(Exit),
}

/// Checks what a command line names, without loading anything: its mix, its gates, its course.
pub(crate) fn check(args: &LoadArgs) -> Result<(), Failure> {
    let mix = mix(args.mix.as_deref())?;
    let names = mix.names();
    gates(args, &names)?;
    if let Some(text) = args.find_max.as_deref() {
        conditions(text, args, &names)?;
    }
    for text in &args.abort_on {
        Gate::condition(text, &names).map_err(Failure::usage)?;
    }
    course(args).map(drop)
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

/// Who is loaded; on another machine only whoever says that it is theirs.
fn target(args: &LoadArgs, suite: &Suite) -> Result<TargetChoice, Failure> {
    let (target, told) = match (&args.launch.exec, &args.target) {
        (Some(command), url) => {
            let choice = launching::choice(&args.launch, (url.as_deref(), &args.reach), suite, (command, args.secret_env.as_deref()))?;
            let told = choice.url.clone();
            (TargetChoice::Launched(Box::new(choice)), told)
        }
        (None, Some(url)) => {
            let url = args.reach.target(url)?;
            let told = url.to_string();
            (TargetChoice::Foreign { url }, told)
        }
        (None, None) => (TargetChoice::BuiltIn { defect: None }, String::new()),
    };
    if !target.address().is_on_this_machine() && !args.i_own_this_target {
        return Err(Failure::usage(format!(
            "{told} is not on this machine, and a load can take a receiver down: give --i-own-this-target when it is yours"
        )));
    }
    Ok(target)
}

/// Ctrl-C is ours: a handler of goose's own would end the process.
fn claim_interruptions() -> Result<(), Failure> {
    // What is heard is heard by `Ends`; the library takes one handler only.
    ctrlc::set_handler(|| {}).map_err(|cause| Failure::harness(format!("cannot listen to Ctrl-C: {cause}")))
}

/// Shows what is told every second under `/metrics`, too.
async fn exposed(listen: Option<SocketAddr>, told: OnSecond, console: &mut Console) -> Result<(OnSecond, Option<Serving>), Failure> {
    let Some(listen) = listen else { return Ok((told, None)) };
    let page = Page::default();
    let serving = serve_text(listen, "/metrics", exposition::CONTENT_TYPE, Arc::clone(&page)).await;
    let serving = serving.map_err(|cause| Failure::usage(format!("cannot serve metrics on {listen}: {cause}; give another --metrics")))?;
    console.tell(&format!("metrics: http://{}/metrics\n", serving.address));
    let both = move |progress: &Progress<'_>| {
        let text = exposition::text(progress);
        *page.lock().unwrap_or_else(PoisonError::into_inner) = text;
        told(progress);
    };
    Ok((Arc::new(both), Some(serving)))
}
