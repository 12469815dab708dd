//! Before anything is judged: which receiver is to be started, and which folder the report goes to. For `run` and `load` alike.

use std::path::Path;

use super::Failure;
use super::args::{LaunchArgs, ReachArgs};
use super::load_suite::Suite;
use crate::files::ReportFolder;
use crate::run::ground::{LaunchChoice, Ready};

/// What is to be started; without an address, it listens on the port that it is given.
pub(crate) fn choice(
    args: &LaunchArgs,
    (url, reach): (Option<&str>, &ReachArgs),
    suite: &Suite,
    command: &str,
) -> Result<LaunchChoice, Failure> {
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
        faketime: args.faketime_lib.clone(),
    })
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
