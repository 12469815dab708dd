//! What a load was asked for: from arguments and files to a mix, gates, a body and a course.
//!
//! Every mistake is told before anything is sent.

use std::num::NonZeroU16;
use std::path::Path;
use std::time::Duration;

use secrecy::SecretString;

use super::super::Failure;
use super::super::args::{ArrivalsArg, LoadArgs};
use super::super::load_suite::{Suite, looks_like_a_file, nearest};
use super::super::secrets::secret_from;
use crate::document;
use crate::files::{self, TextFile};
use crate::load::climb::{USUAL_STEP, Wanted};
use crate::load::gate::{Gate, GatesFile, Metric};
use crate::load::mix::{BodyFrom, Mix};
use crate::load::rate_profile::{Model, RateProfile};
use crate::sign::Proof;
use crate::target::limits::allow_open_files;

/// How long a load takes when nobody says.
const USUAL_RUN_TIME: Duration = Duration::from_secs(10);
/// So many users deliver when nobody says.
const USUAL_USERS: u16 = 64;
/// So many a master of Locust may call for when nobody says.
const USUAL_MOST_USERS: u16 = 1_000;
/// A longest time; a load that runs on is a mistake.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// What hookgate itself has open beside its connections.
const OWN_FILES: u64 = 64;

/// An inline mix, a shipped one, or a file.
pub(super) fn mix(named: Option<&str>) -> Result<Mix, Failure> {
    let Some(named) = named else { return Ok(Mix::default()) };
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

/// What `--find-max` looks for.
pub(super) fn conditions(text: &str, args: &LoadArgs, kinds: &[String]) -> Result<Wanted, Failure> {
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
    if args.no_verify && conditions.iter().any(|gate| gate.metric == Metric::Violations) {
        return Err(Failure::usage("--no-verify judges nothing, and `violations` is a condition of --find-max"));
    }
    Ok(Wanted { conditions, at_least: args.at_least, step: args.step.unwrap_or(USUAL_STEP) })
}

pub(super) fn gates(args: &LoadArgs, kinds: &[String]) -> Result<Vec<Gate>, Failure> {
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

pub(super) fn body(mix: &Mix, suite: &Suite) -> Result<Vec<u8>, Failure> {
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

pub(super) fn secret(args: &LoadArgs, suite: &Suite) -> Result<SecretString, Failure> {
    let variable = args.secret_env.clone().unwrap_or_else(|| suite.contract.secret.env.clone());
    match secret_from(&variable)? {
        Some(secret) => Ok(secret),
        // A receiver that hookgate starts gets the published test secret too.
        None if args.target.is_none() || args.launch.exec.is_some() || suite.contract.signature.by == Proof::None => {
            Ok(suite.contract.secret.for_tests.clone().into())
        }
        None => Err(Failure::usage(format!(
            "the environment variable {variable} is not set: it holds the secret that the target shares (or name another variable with --secret-env)"
        ))),
    }
}

/// Whether somebody else says how many users there are.
#[cfg(feature = "locust")]
fn is_under_a_master(args: &LoadArgs) -> bool {
    args.locust_master.is_some()
}

/// Nobody does, without Locust.
#[cfg(not(feature = "locust"))]
fn is_under_a_master(_: &LoadArgs) -> bool {
    false
}

/// The course, what it counts, and how many users it needs.
pub(super) fn course(args: &LoadArgs) -> Result<(RateProfile, Model, usize), Failure> {
    if is_under_a_master(args) {
        let most = usize::from(args.users.map_or(USUAL_MOST_USERS, NonZeroU16::get));
        return Ok((RateProfile::level(most as f64, LONGEST), Model::Closed, most));
    }
    let users = usize::from(args.users.map_or(USUAL_USERS, NonZeroU16::get));
    let warm_up = args.warm_up.unwrap_or_default();
    let (course, model) = match (&args.stages, args.rate) {
        (Some(stages), _) => (stages.course.clone(), if stages.of_rates { Model::Open } else { Model::Closed }),
        (None, Some(rate)) => (RateProfile::level(rate, warm_up + args.run_time.unwrap_or(USUAL_RUN_TIME)), Model::Open),
        (None, None) => (RateProfile::level(users as f64, warm_up + args.run_time.unwrap_or(USUAL_RUN_TIME)), Model::Closed),
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
pub(super) fn make_room(users: usize, both_ends: bool) -> Result<(), Failure> {
    let needed = users as u64 * if both_ends { 2 } else { 1 } + OWN_FILES;
    allow_open_files(needed).map_err(|most| {
        Failure::usage(format!(
            "{users} users need {needed} open files, and this process may have {most}: raise the limit (ulimit -Hn), or give fewer --users"
        ))
    })
}
