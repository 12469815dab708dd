//! `hookgate load` under several contracts: a mix that names them, one receiver that takes all of their deliveries, and a report for each
//! and for all.
//!
//! In: arguments whose mix has `contracts`. Each is what a load under it alone would be, with its share of what was asked for; every mistake
//! is told before anything is sent.

use std::sync::Arc;

use tokio::sync::watch;

use super::super::args::{EvidenceArgs, LoadArgs, LoadFormat, SuiteArgs};
use super::super::evidence::Sealing;
use super::super::exit::Exit;
use super::super::launching::{self, folder_of_its_own};
use super::super::load_suite::{self, Suite};
use super::super::project::InForce;
use super::super::run::{say_in_force, wrong_flags};
use super::super::secrets::warn;
use super::super::signals::Ends;
use super::super::{Console, Failure};
use super::asked::{is_under_a_master, options, receiver_with};
use super::exposed::{self, Exposed};
use super::live::teller;
use super::several::Leaving;
use super::without_a_session;
use crate::api::load_options::{LoadOptions, Meant, Shape, any_mix, make_room};
use crate::api::options::Options;
use crate::contract::Contract;
use crate::files::ReportFolder;
use crate::load::contracts::{Conditions, Several, Share, run_all};
use crate::load::engine::goose::Engine;
use crate::load::mix::contracts::{ContractShare, shared_out};
use crate::load::mix::endpoints::EndpointShare;
use crate::load::report::LoadReport;
use crate::load::summing::nothing;
use crate::load::{LoadError, OnSecond, Plan};
use crate::secret::{Redactor, Secrets};
use crate::session::error::SessionError;
use crate::session::{Choice, Session};
use crate::target::usage::Of;
use crate::transport::collector::Collector;

/// So many users deliver when nobody says, as in any load.
const USUAL_USERS: u16 = 64;

/// One of the contracts, checked.
pub(super) struct Part {
    share: ContractShare,
    suite: Suite,
    receiver: Options,
    choice: Choice,
    meant: Meant,
    asked: LoadOptions,
}

/// The contracts that a command line's mix names, where it names several.
pub(super) fn shares(args: &LoadArgs) -> Result<Option<Vec<ContractShare>>, Failure> {
    let Some(named) = &args.mix else { return Ok(None) };
    let shares = any_mix(Some(named)).map_err(|wrong| wrong_flags(&wrong))?.contracts;
    if shares.is_empty() {
        return Ok(None);
    }
    let refused = [
        (
            args.find_max.is_some(),
            "--find-max looks for one rate, and the rates of several contracts hang together by their weights: look for that of one contract at a time (--contract)",
        ),
        (args.rotate.is_some(), "--rotate joins rotations of one contract: soak each with a load of its own, side by side"),
        (args.worker.is_some(), "--worker is one of several loads under one contract: give each contract its own workers"),
        (is_under_a_master(args), "a worker of Locust's master is under one contract: start one for each, with --contract"),
        (args.streams.is_some(), "--streams reads the event streams of one contract: give it to a load of that contract"),
        (args.secret.env.is_some(), "--secret-env names one secret, and each contract of a mix has its own: name it there (`secret_env`)"),
        (
            args.reach.signed_url.is_some(),
            "--signed-url is one address, and each contract of a mix has its own: say it there (`signature: {address: …}`)",
        ),
        (
            args.launch.exec.is_some(),
            "--exec gives what it starts the secret of one contract: start the receiver yourself, and give its address with --target",
        ),
    ];
    match refused.into_iter().find(|(is_asked, _)| *is_asked) {
        Some((_, why)) => Err(Failure::usage(format!("the mix `{named}` has several contracts: {why}"))),
        None => Ok(Some(shares)),
    }
}

/// What each is to send: its share of what was asked for.
pub(super) fn parts(args: &LoadArgs, shares: &[ContractShare]) -> Result<(Vec<Part>, Conditions), Failure> {
    let weights: Vec<u32> = shares.iter().map(|share| share.weight).collect();
    let asked = options(args, None);
    let all = u64::from(asked.users.unwrap_or(USUAL_USERS));
    if all < shares.len() as u64 {
        return Err(Failure::usage(format!(
            "{all} users are fewer than the {} contracts of the mix: give --users {0} at least",
            shares.len()
        )));
    }
    let users = shared_out(all, &weights, 1);
    let deliveries = asked.deliveries.map(|all| shared_out(all, &weights, 1));
    let total: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
    let mut parts: Vec<Part> = Vec::new();
    for (at, share) in shares.iter().enumerate() {
        let suite = suite(share)?;
        let path = &suite.contract.endpoint.path;
        if let Some(other) = parts.iter().find(|other| other.suite.contract.endpoint.path == *path) {
            return Err(Failure::usage(format!(
                "the contracts `{}` and `{}` of the mix have one path, {path}: give each its own (`path`)",
                other.share.name, share.name
            )));
        }
        let part_of = f64::from(share.weight) / total;
        let mut mix = share.mix.clone();
        mix.endpoints = vec![EndpointShare { name: share.name.clone(), path: path.clone(), weight: share.weight }];
        let asked = LoadOptions {
            gates: Vec::new(),
            gate_files: Vec::new(),
            abort_on: Vec::new(),
            users: users.get(at).and_then(|users| u16::try_from(*users).ok()),
            hatch_rate: asked.hatch_rate.map(|rate| rate * part_of),
            deliveries: deliveries.as_ref().and_then(|shares| shares.get(at).copied()),
            shape: match &asked.shape {
                Shape::Rate(rate) => Shape::Rate(rate * part_of),
                Shape::Stages { profile, of_rates } => Shape::Stages { profile: profile.scaled(part_of), of_rates: *of_rates },
                Shape::Users => Shape::Users,
                Shape::Recorded => Shape::Recorded,
                Shape::Called => Shape::Called,
            },
            // goose takes one load at a time for the process.
            engine: Engine::Own,
            ..asked.clone()
        };
        let meant = asked.meant_with(mix).map_err(|wrong| wrong_flags(&wrong))?;
        let receiver = receiver_with(args, &suite, &evidence(args, &suite.contract), share.secret_env.as_deref())?;
        let choice = receiver.session(&suite);
        parts.push(Part { share: share.clone(), suite, receiver, choice, meant, asked });
    }
    if args.evidence.db.is_some() && parts.iter().all(|part| part.receiver.evidence.db.is_none()) {
        return Err(Failure::usage("--db was given, but no contract of the mix says which tables to read (member `state`)"));
    }
    let names: Vec<String> = parts.iter().flat_map(|part| part.meant.mix.names()).collect();
    let (gates, abort_on) = asked.conditions(&names).map_err(|wrong| wrong_flags(&wrong))?;
    Ok((parts, Conditions { gates, abort_on }))
}

/// The suite of one, with the path that the mix gives it.
fn suite(share: &ContractShare) -> Result<Suite, Failure> {
    let suite = load_suite::suite(&SuiteArgs::of(share.contract.clone()))?;
    let Some(path) = &share.path else { return Ok(suite) };
    let mut contract = Contract::clone(&suite.contract);
    contract.endpoint.path.clone_from(path);
    Ok(Suite { contract: Arc::new(contract), ..suite })
}

/// The database is asked by those whose contract says what stands in it.
fn evidence(args: &LoadArgs, contract: &Contract) -> EvidenceArgs {
    let counts = contract.effects.as_ref().is_some_and(|effects| effects.table.is_some());
    let is_told = contract.state.is_some() || counts;
    EvidenceArgs { db: args.evidence.db.clone().filter(|_| is_told), ..args.evidence.clone() }
}

/// Runs the command.
pub(super) fn load(args: &LoadArgs, shares: &[ContractShare], console: &mut Console) -> Result<Exit, Failure> {
    let Ends { runtime, wanted: interrupted } = Ends::listen()?;
    let (parts, conditions) = parts(args, shares)?;
    let mut secrets = Secrets::default();
    for part in &parts {
        let names = part.meant.mix.names();
        secrets.join(part.receiver.secrets(&part.suite, names.iter().map(String::as_str)));
    }
    let collector = exposed::collector(args, &mut secrets)?;
    let mut plans: Vec<Plan> = Vec::new();
    for part in &parts {
        let plan = part.asked.plan(&part.meant, &part.receiver, &part.suite, &part.choice);
        plans.push(plan.map_err(|wrong| wrong_flags(&wrong))?);
    }
    let is_built_in = args.target.is_none();
    make_room(plans.iter().map(|plan| plan.users).sum(), is_built_in).map_err(|wrong| wrong_flags(&wrong))?;
    let folder = args.report.as_deref().map(|path| folder_of_its_own(path, "report.json", "run")).transpose()?;
    let mut folders: Vec<Option<ReportFolder>> = Vec::new();
    let mut sealings: Vec<Sealing> = Vec::new();
    for part in &parts {
        let path = args.report.as_ref().map(|path| path.join(&part.share.name));
        folders.push(path.map(|path| folder_of_its_own(&path, "report.json", "run")).transpose()?);
        sealings.push(Sealing::of(&part.share.contract, &part.asked.played(&part.meant.mix), args.seal_env.as_deref())?);
    }
    let contracts: Vec<String> = shares.iter().map(|share| share.contract.clone()).collect();
    let played: String = parts.iter().map(|part| part.asked.played(&part.meant.mix) + "\n").collect();
    let sealing = Sealing::of_several(&contracts, &played, args.seal_env.as_deref())?;
    let redactor = secrets.redactor();
    let warnings = warn(&secrets, console);
    if !args.quiet && args.format == LoadFormat::Human {
        say_in_force(args.project.as_deref(), console);
    }
    let leaving = |sealing| leaving(args, sealing, &redactor, &warnings);
    let ended: Result<Ended, Failure> = runtime.block_on(async {
        launching::wait_until_ready(&args.launch, args.target.as_deref(), &args.reach).await?;
        let (mut sessions, mut loads) = (Vec::new(), Vec::new());
        for ((part, plan), sealing) in parts.iter().zip(&plans).zip(&sealings) {
            match Session::connect(&part.choice, &mut interrupted.clone()).await {
                Ok(session) => {
                    let plan = found(plan, &session).await;
                    let contract_sha256 = sealing.made_from().contract_sha256;
                    loads.push(Share { name: part.share.name.clone(), weight: part.share.weight, contract_sha256, plan });
                    sessions.push(session);
                }
                Err(failed) => {
                    shut_down(sessions).await;
                    return not_begun(plan, (&part.share, &failed), &redactor);
                }
            }
        }
        let several = run(args, (collector, &redactor), (&loads, &conditions), interrupted, console).await;
        shut_down(sessions).await;
        several
    });
    runtime.shutdown_background();
    match ended? {
        Ended::Several(several) => {
            let Several { whole, each } = *several;
            let mut unwritten = None;
            for ((one, folder), sealing) in each.into_iter().zip(&folders).zip(&sealings) {
                let (leaving, Some(folder)) = (leaving(sealing), folder) else { continue };
                let written = leaving.write(&leaving.told(one.report), Some(&one.measurement), folder, false);
                unwritten = unwritten.or(written.err());
            }
            // Whatever could not be written, the verdict is told.
            let exit = leaving(&sealing).leave((Some(whole.report), Some(whole.measurement), None, None), folder.as_ref(), false, console);
            unwritten.map_or(exit, Err)
        }
        Ended::NotBegun(report, failed) => {
            leaving(&sealing).leave((report.map(|report| *report), None, failed, None), folder.as_ref(), false, console)
        }
    }
}

/// What came of it.
enum Ended {
    Several(Box<Several>),
    /// Nothing was sent: a report that says so, and whose fault it is, where it is ours.
    NotBegun(Option<Box<LoadReport>>, Option<Failure>),
}

/// Loads all of them, while others look on.
async fn run(
    args: &LoadArgs,
    (collector, redactor): (Option<Collector>, &Redactor),
    (loads, conditions): (&[Share], &Conditions),
    interrupted: watch::Receiver<bool>,
    console: &mut Console,
) -> Result<Ended, Failure> {
    let Some(first) = loads.first() else { return Err(Failure::harness("there is no contract")) };
    let show = !args.quiet && args.format == LoadFormat::Human;
    let names: Vec<&str> = loads.iter().map(|load| load.plan.contract.contract.as_str()).collect();
    let title = format!("load of {} ({})", first.plan.target, names.join(", "));
    let told = exposed::Told { contract: names.join(", "), target: first.plan.target.to_string(), which: None, redactor };
    let exposed = Exposed::begin(args, collector, told, teller(show, console.live, title), console).await?;
    let on_second: OnSecond = exposed.on_second();
    let ended = run_all(loads, conditions, on_second, interrupted).await;
    exposed.end(redactor, console).await;
    Ok(match ended {
        Ok(several) => Ended::Several(Box::new(several)),
        Err(failed) => {
            let why = redactor.text(&failed.to_string()).into_owned();
            if matches!(failed, LoadError::Contract(_)) {
                return Err(Failure::usage(why));
            }
            Ended::NotBegun(nothing(&first.plan, &why).map(Box::new), Some(Failure::harness(why)))
        }
    })
}

/// A plan, for the receiver that was found.
async fn found(plan: &Plan, session: &Session) -> Plan {
    let beside = match plan.beside {
        None => session.guard_id().await.map(Of::Children),
        Some(of) => Some(of),
    };
    Plan { target: session.url.clone(), sources: session.sources.clone(), beside, ..plan.clone() }
}

fn not_begun(plan: &Plan, (share, failed): (&ContractShare, &SessionError), redactor: &Redactor) -> Result<Ended, Failure> {
    let told = |failure: Failure| Failure { message: format!("the contract `{}` of the mix: {}", share.name, failure.message), ..failure };
    let (report, _, failure, _) = without_a_session(plan, failed, redactor).map_err(told)?;
    Ok(Ended::NotBegun(report.map(Box::new), failure.map(told)))
}

async fn shut_down(sessions: Vec<Session>) {
    for session in sessions {
        session.shutdown().await;
    }
}

fn leaving<'a>(args: &'a LoadArgs, sealing: &'a Sealing, redactor: &'a Redactor, warnings: &[String]) -> Leaving<'a> {
    Leaving {
        sealing,
        redactor,
        warnings: warnings.to_vec(),
        language: args.language.chosen(),
        format: args.format,
        quiet: args.quiet,
        project: args.project.as_deref().and_then(InForce::facts),
    }
}
