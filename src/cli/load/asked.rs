//! What a load was asked for: from arguments to options; every mistake is told before anything is sent.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use super::super::Failure;
use super::super::args::{ArrivalsArg, EvidenceArgs, LoadArgs};
use super::super::given::{Front, given};
use super::super::launching;
use super::super::load_suite::Suite;
use super::super::run::wrong_flags;
use super::PATIENCE;
use crate::api::load_options::{LoadOptions, Meant, Shape, check_target_is_local};
use crate::api::options::Options;
use crate::evidence::Choice;
use crate::load::climb::{USUAL_STEP, Wanted};
use crate::load::engine::goose::Engine;
use crate::load::feed::Feed;
use crate::load::gate::{Gate, Metric};
use crate::load::rate_profile::Arrivals;
use crate::load::streams::Asked;
use crate::session::TargetChoice;
use crate::target::usage::Of;

/// So long a stream is read on average before it is cut, when nobody says.
const USUAL_STREAM_LIFE: Duration = Duration::from_secs(3);

/// What is delivered, and what it must keep to.
pub(super) fn options(args: &LoadArgs, feed: Option<Arc<Feed>>) -> LoadOptions {
    LoadOptions {
        mix: args.mix.clone(),
        feed,
        think: args.think,
        gate_files: args.gates.clone(),
        gates: args.gate.clone(),
        abort_on: args.abort_on.clone(),
        users: args.users.map(NonZeroU16::get),
        hatch_rate: args.hatch_rate,
        shape: match (is_under_a_master(args), &args.stages, args.rate) {
            (true, _, _) => Shape::Called,
            (false, _, _) if args.feeding.replay.is_some() => Shape::Recorded,
            (false, Some(stages), _) => Shape::Stages { profile: stages.profile.clone(), of_rates: stages.of_rates },
            (false, None, Some(rate)) => Shape::Rate(rate),
            (false, None, None) => Shape::Users,
        },
        arrivals: match args.arrivals {
            ArrivalsArg::Constant => Arrivals::Constant,
            ArrivalsArg::Poisson => Arrivals::Poisson,
        },
        run_time: args.run_time,
        deliveries: args.deliveries,
        warm_up: args.warm_up.unwrap_or_default(),
        drain: args.drain,
        verify: !args.no_verify,
        // goose takes one load at a time for the process.
        engine: if args.rotate.is_some() { Engine::Own } else { Engine::Goose },
        beside: args.target_pid.map(Of::Tree),
        streams: args.streams.map(|count| Asked { count: usize::from(count.get()), life: args.stream_life.unwrap_or(USUAL_STREAM_LIFE) }),
    }
}

/// What they mean, and what `--find-max` looks for.
pub(super) fn meant(args: &LoadArgs, options: &LoadOptions) -> Result<(Meant, Option<Wanted>), Failure> {
    let meant = options.meant().map_err(|wrong| wrong_flags(&wrong))?;
    let names = meant.mix.names();
    let wanted = args.find_max.as_deref().map(|text| conditions(text, args, &names)).transpose()?;
    Ok((meant, wanted))
}

/// Who is loaded, with what; on another machine only whoever says that it is theirs.
pub(super) fn receiver(args: &LoadArgs, suite: &Suite) -> Result<Options, Failure> {
    receiver_with(args, suite, &args.evidence, args.secret.env.as_deref())
}

/// The same, with the evidence and the secret of one contract of several.
pub(super) fn receiver_with(args: &LoadArgs, suite: &Suite, evidence: &EvidenceArgs, secret_env: Option<&str>) -> Result<Options, Failure> {
    let target = target(args, suite)?;
    check_target_is_local(&target, args.i_own_this_target).map_err(|wrong| wrong_flags(&wrong))?;
    let front = Front {
        target: args.target.as_deref(),
        reach: &args.reach,
        starts_it: args.launch.exec.is_some(),
        evidence,
        headers: &args.headers,
        secret_env,
        timeout: args.patience.timeout,
        ttl: args.life.ttl,
        seed: args.seed,
        baseline: args.baseline.as_deref(),
    };
    let options = given(&front, suite, || Ok(target))?;
    Ok(Options { evidence: Choice { patience: PATIENCE, ..options.evidence.clone() }, ..options })
}

fn target(args: &LoadArgs, suite: &Suite) -> Result<TargetChoice, Failure> {
    let nobody = args.target.is_none() && args.launch.exec.is_none();
    if args.evidence.db.is_some() && nobody {
        return Err(Failure::usage("--db is the database of a target: give the target too, with --target <URL> or --exec <CMD>"));
    }
    if args.evidence.evidence_cmd.is_some() && nobody {
        return Err(Failure::usage("--evidence-cmd counts the effects of a target: give the target too, with --target URL or --exec CMD"));
    }
    match (&args.launch.exec, &args.target) {
        (Some(command), url) => {
            let choice = launching::choice(&args.launch, (url.as_deref(), &args.reach), suite, (command, args.secret.env.as_deref()))?;
            Ok(TargetChoice::Launched(Box::new(choice)))
        }
        (None, Some(url)) => Ok(TargetChoice::Foreign { url: args.reach.target(url)? }),
        (None, None) => Ok(TargetChoice::BuiltIn { defect: None }),
    }
}

/// What cannot go with subscribers of event streams, and why.
pub(super) fn streams_alone(args: &LoadArgs) -> Result<(), Failure> {
    let with = [
        (
            args.rotate.is_some(),
            "--rotate",
            "one load begins while the events of the last still come, so that twice as many streams would be open: give the load its whole --run-time, of which subscribers keep two bits an event",
        ),
        (
            args.worker.is_some(),
            "--worker",
            "`load merge` judges keys of several workers, and what subscribers have read of each stream is in none of their files: have one process read streams, beside the workers if need be",
        ),
        (
            is_under_a_master(args),
            "--locust-master",
            "its master counts answers, and has no place for events: have another process read streams beside it",
        ),
    ];
    match with.into_iter().find(|(there, _, _)| args.streams.is_some() && *there) {
        Some((_, flag, why)) => Err(Failure::usage(format!("--streams does not go with {flag}: {why}"))),
        None => Ok(()),
    }
}

/// What `--find-max` looks for.
fn conditions(text: &str, args: &LoadArgs, kinds: &[String]) -> Result<Wanted, Failure> {
    let conditions = text.split(',').filter(|part| !part.trim().is_empty()).map(|part| Gate::read(part, kinds));
    let conditions = conditions.collect::<Result<Vec<Gate>, String>>().map_err(Failure::usage)?;
    if conditions.is_empty() {
        return Err(Failure::usage("--find-max has no condition; write --find-max 'p99<250ms,errors<0.1%,violations==0'"));
    }
    if let Some(rate) = conditions.iter().find(|gate| gate.metric == Metric::Rate) {
        return Err(Failure::usage(format!(
            "--find-max looks for the rate itself: `{}` is no condition of it (--at-least 5000/s)",
            rate.text
        )));
    }
    if let (None, Some(gate)) = (args.streams, conditions.iter().find(|gate| matches!(gate.metric, Metric::Stream(_)))) {
        return Err(Failure::usage(format!("`{}` is about event streams, and nobody reads any: give --streams N", gate.text)));
    }
    if args.no_verify && conditions.iter().any(|gate| gate.metric == Metric::Violations) {
        return Err(Failure::usage("--no-verify judges nothing, and `violations` is a condition of --find-max"));
    }
    Ok(Wanted { conditions, at_least: args.at_least, step: args.step.unwrap_or(USUAL_STEP) })
}

/// Whether somebody else says how many users there are.
#[cfg(feature = "locust")]
pub(super) fn is_under_a_master(args: &LoadArgs) -> bool {
    args.locust_master.is_some()
}

/// Nobody does, without Locust.
#[cfg(not(feature = "locust"))]
pub(super) fn is_under_a_master(_: &LoadArgs) -> bool {
    false
}
