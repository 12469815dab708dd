//! Before anything is judged: which receiver is to be started, and which folder the report goes to. For `run` and `load` alike.

use std::path::Path;

use super::Failure;
use super::args::{LaunchArgs, ReachArgs};
use super::load_suite::Suite;
use crate::contract::Contract;
use crate::files::ReportFolder;
use crate::session::target_under_test::{LaunchChoice, Ready};
use crate::sign::Proof;
use crate::target::NEEDS_UNIX;

/// What is to be started; without an address, it listens on the port that it is given.
///
/// * `secret_env`: the variable that the user names for the secret, instead of the contract's.
pub(crate) fn choice(
    args: &LaunchArgs,
    (url, reach): (Option<&str>, &ReachArgs),
    suite: &Suite,
    (command, secret_env): (&str, Option<&str>),
) -> Result<LaunchChoice, Failure> {
    if !cfg!(unix) {
        return Err(Failure::usage(format!("--exec cannot be used here: {NEEDS_UNIX}")));
    }
    let ready = match &args.ready {
        None => Ready::Health,
        Some(url) if ["http://", "https://", "unix:"].iter().any(|scheme| url.starts_with(scheme)) => Ready::Url(url.clone()),
        Some(text) => Ready::Text(text.clone()),
    };
    let address = url.unwrap_or("http://127.0.0.1:{port}");
    // Files of TLS and names are looked at before anything is started; the port is not known yet.
    let reached = reach.target(&address.replace("{port}", "1").replace("{dir}", "/dir"))?;
    Ok(LaunchChoice {
        zone: args.tz.clone(),
        command: command.to_owned(),
        url: address.to_owned(),
        reached,
        ready,
        patience: args.ready_within,
        stop_signal: args.stop_signal.clone(),
        secret_env: suite.contract.secret.env.clone(),
        withheld: private(&suite.contract, secret_env),
        faketime: args.faketime_lib.clone(),
    })
}

/// The variables that hold private keys, whichever the user has named: whoever verifies has none.
fn private(contract: &Contract, secret_env: Option<&str>) -> Vec<String> {
    if contract.signature.by != Proof::Ed25519 {
        return Vec::new();
    }
    let secret = &contract.secret;
    let other = [&secret.previous, &secret.retired].into_iter().flatten().map(|other| other.env.as_str());
    std::iter::once(secret.env.as_str()).chain(secret_env).chain(other).map(str::to_owned).collect()
}

/// A folder for a report, in which there is none of another kind.
///
/// * `other`: the file that would tell of one; * `whose`: what it is of.
pub(crate) fn folder_of_its_own(path: &Path, other: &str, whose: &str) -> Result<ReportFolder, Failure> {
    if path.join(other).exists() {
        return Err(Failure::usage(format!(
            "{} has the report of a {whose} ({other}), and a folder has one report: give another folder with --report",
            path.display()
        )));
    }
    ReportFolder::make(path).map_err(Failure::usage)
}
