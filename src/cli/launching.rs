//! Before anything is judged: which receiver is to be started, and which folder the report goes to. For `run` and `load` alike.

use std::path::Path;

use super::Failure;
use super::args::LaunchArgs;
use super::load_suite::Suite;
use crate::files::ReportFolder;
use crate::run::ground::{LaunchChoice, Ready};

/// What is to be started; without an address, it listens on the port that it is given.
#[expect(clippy::disallowed_methods, reason = "the roof is where the environment is read")]
pub(crate) fn choice(args: &LaunchArgs, url: Option<&str>, suite: &Suite, command: &str) -> LaunchChoice {
    let ready = match &args.ready {
        None => Ready::Health,
        Some(url) if url.starts_with("http://") => Ready::Url(url.clone()),
        Some(text) => Ready::Text(text.clone()),
    };
    LaunchChoice {
        zone: std::env::var("TZ").ok(),
        command: command.to_owned(),
        url: url.unwrap_or("http://127.0.0.1:{port}").to_owned(),
        ready,
        patience: args.ready_within,
        stop_signal: args.stop_signal.clone(),
        secret_env: suite.contract.secret.env.clone(),
        faketime: args.faketime_lib.clone(),
    }
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
