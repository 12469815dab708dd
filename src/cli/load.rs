//! `hookgate load`: load a receiver, and judge it under load.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use tokio::sync::watch;

use super::args::{LoadArgs, LoadFormat, SuiteArgs};
use super::exit::Exit;
use super::load_suite::{self, secret_from};
use super::run::until_interrupted;
use super::{Console, Failure};
use crate::clock::{Clock as _, SystemClock};
use crate::files::ReportFolder;
use crate::http;
use crate::load::gate::Gate;
use crate::load::measure::Measurement;
use crate::load::mix::Mix;
use crate::load::report::{LoadReport, human, junit, markdown, series, summary};
use crate::load::user::Pace;
use crate::load::{self, LoadError, Plan};
use crate::report::Overall;
use crate::report::redact::Redactor;

/// How often a line is told where nobody looks at a terminal.
const TOLD_EVERY: u64 = 5;

/// Runs the command.
pub(crate) fn load(args: &LoadArgs, console: &mut Console) -> Result<Exit, Failure> {
    let suite = load_suite::suite(&SuiteArgs { contract: args.contract.clone(), scenarios: None })?;
    let target = http::Target::parse(&args.target).map_err(Failure::usage)?;
    if !is_loopback(target.host()) && !args.i_own_this_target {
        return Err(Failure::usage(format!(
            "{target} is not on this machine, and a load can take a receiver down: give --i-own-this-target when it is yours"
        )));
    }
    let mix = args.mix.as_deref().map_or_else(|| Ok(Mix::default()), Mix::read).map_err(Failure::usage)?;
    let names = mix.names();
    let gates = args.gate.iter().map(|text| Gate::read(text, &names)).collect::<Result<Vec<Gate>, String>>().map_err(Failure::usage)?;
    let folder = args.report.as_deref().map(ReportFolder::make).transpose().map_err(Failure::usage)?;
    let variable = args.secret_env.clone().unwrap_or_else(|| suite.contract.secret.env.clone());
    let secret = secret_from(&variable)?.ok_or_else(|| {
        Failure::usage(format!("the environment variable {variable} is not set: it holds the secret that the target shares (or name another variable with --secret-env)"))
    })?;
    let redactor = Redactor::new(&[secret.expose_secret().as_bytes()]);
    let body = suite.bodies.get(&suite.catalogue.ordinary_body).map(|body| String::from_utf8_lossy(body).into_owned());
    let body = body.ok_or_else(|| Failure::usage("the suite has no ordinary body"))?;
    let users = usize::from(args.users.get());
    let plan = Plan {
        contract: Arc::clone(&suite.contract),
        catalogue: Arc::clone(&suite.catalogue),
        target,
        database: args.db.clone(),
        secret,
        body,
        mix,
        users,
        hatch_rate: args.hatch_rate.unwrap_or(users as f64 * 10.0),
        pace: args.rate.map_or(Pace::Closed, |rate| Pace::Open { rate, poisson: args.poisson }),
        run_time: args.run_time,
        most: args.deliveries.unwrap_or(u64::MAX),
        warm_up: args.warm_up.unwrap_or_default(),
        timeout: args.timeout,
        gates,
        verify: !args.no_verify,
        ttl: args.ttl.map(|ttl| ttl.as_secs()),
        seed: args.seed.unwrap_or_else(|| SystemClock.now().0.unsigned_abs() % 1_000_000),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::harness)?;
    let quiet = args.quiet || args.format != LoadFormat::Human;
    let ended = runtime.block_on(async {
        let (interrupt, interrupted) = watch::channel(false);
        let listener = tokio::spawn(async move {
            // goose brings a handler of its own, which ends the process at the second Ctrl-C: ours hears the first.
            until_interrupted().await;
            if interrupt.send(true).is_ok() {
                std::future::pending::<()>().await;
            }
        });
        let ended = load::run(plan, teller(quiet), interrupted).await;
        listener.abort();
        ended
    });
    runtime.shutdown_background();
    let report = ended.map_err(|failed| match failed {
        LoadError::Secret(_) | LoadError::Contract(_) => Failure::usage(redactor.text(&failed.to_string())),
        LoadError::Unreachable { .. } | LoadError::Database(_) | LoadError::Crowd(_) => {
            Failure::harness(redactor.text(&failed.to_string()))
        }
    })?;
    if let Some(folder) = &folder {
        write_folder(folder, &report, &redactor)?;
    }
    let text = match (args.format, args.quiet) {
        (LoadFormat::Json, _) => json(&report)?,
        (LoadFormat::Human, true) => summary(&report),
        (LoadFormat::Human, false) => human(&report),
    };
    console.print(&redactor.text(&text));
    Ok(match report.verdict {
        Overall::Conforms => Exit::Conforms,
        Overall::DoesNotConform => Exit::DoesNotConform,
        Overall::Undecided => Exit::Undecided,
        Overall::Interrupted => Exit::Interrupted,
        Overall::Incomplete => Exit::Harness,
    })
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A line a second on a terminal, over itself; one every few seconds elsewhere.
fn teller(quiet: bool) -> load::OnSecond {
    let live = std::io::stderr().is_terminal();
    let bar = (live && !quiet).then(indicatif::ProgressBar::new_spinner);
    let told = std::sync::atomic::AtomicU64::new(0);
    Arc::new(move |measured: &Measurement, elapsed: Duration| {
        if quiet {
            return;
        }
        let sent: u64 = measured.kinds.iter().map(|kind| kind.sent).sum();
        let wrong: u64 = measured.kinds.iter().map(|kind| kind.sent - kind.expected).sum();
        let last = measured.series.iter().rev().nth(1).map_or((0, 0), |second| (second.count, second.quantile(0.99)));
        let line = format!("{:>4} s  {sent} deliveries, {}/s, p99 {} µs, {wrong} not as they should be", elapsed.as_secs(), last.0, last.1);
        match &bar {
            Some(bar) => bar.set_message(line),
            None if told.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % TOLD_EVERY == TOLD_EVERY - 1 => {
                drop(std::io::Write::write_all(&mut std::io::stderr(), format!("{line}\n").as_bytes()));
            }
            None => {}
        }
    })
}

fn json(report: &LoadReport) -> Result<String, Failure> {
    serde_json::to_string_pretty(report).map(|text| text + "\n").map_err(Failure::harness)
}

fn write_folder(folder: &ReportFolder, report: &LoadReport, redactor: &Redactor) -> Result<(), Failure> {
    let files = [
        ("load.json", json(report)?),
        ("load.md", markdown(report)),
        ("series.csv", series(report)),
        ("junit.xml", junit(report).map_err(Failure::harness)?),
    ];
    for (name, text) in files {
        folder.write(name, &redactor.text(&text)).map_err(Failure::harness)?;
    }
    Ok(())
}
