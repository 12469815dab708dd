//! Before anything is judged: which receiver is to be started, and which folder the report goes to. For `run` and `load` alike.

use std::path::Path;
use std::time::Duration;

use super::Failure;
use super::args::{LaunchArgs, ReachArgs};
use super::load_suite::Suite;
use crate::clock::{Moment, span};
use crate::contract::Contract;
use crate::delivery::Delivery;
use crate::files::ReportFolder;
use crate::session::target_under_test::{LaunchChoice, Ready};
use crate::sign::Proof;
use crate::target::NEEDS_UNIX;
use crate::transport::{Sender, Transmission};

/// Where what is started listens, when nobody says.
const FREE: &str = "http://127.0.0.1:{port}";
/// How long one look whether a target is ready may take.
const LOOK: Duration = Duration::from_secs(1);
/// A moment between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

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
        Some(path) if path.starts_with('/') => Ready::Url(format!("{}{path}", origin(url.unwrap_or(FREE)))),
        Some(url) if ["http://", "https://", "unix:"].iter().any(|scheme| url.starts_with(scheme)) => Ready::Url(url.clone()),
        Some(text) => Ready::Text(text.clone()),
    };
    let address = url.unwrap_or(FREE);
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

/// Scheme and authority of an address.
fn origin(address: &str) -> &str {
    let begin = address.find("://").map_or(0, |at| at + 3);
    address[begin..].find('/').map_or(address, |at| &address[..begin + at])
}

/// Waits until a receiver that others have started is ready, where the user says by what.
pub(crate) async fn wait_until_ready(args: &LaunchArgs, url: Option<&str>, reach: &ReachArgs) -> Result<(), Failure> {
    let (None, Some(ready)) = (&args.exec, &args.ready) else { return Ok(()) };
    let Some(url) = url else {
        return Err(Failure::usage(format!(
            "--ready {ready} says when a receiver can be judged, and none is named: give its address with --target, or start it with --exec"
        )));
    };
    let target = reach.target(url)?;
    let (asked, path) = match ready.strip_prefix('/') {
        Some(_) => (target, ready.clone()),
        None if ready.contains("://") => target.page(ready).map_err(Failure::usage)?,
        None => {
            return Err(Failure::usage(format!(
                "--ready {ready}: what a receiver writes is seen with --exec alone; give an address or a path (`/health`)"
            )));
        }
    };
    let began = Moment::now();
    loop {
        let question = Delivery { method: "GET".to_owned(), path: path.clone(), ..Delivery::default() };
        let answer = Sender::new(asked.clone(), LOOK).send(Transmission::plain(question)).await.result;
        if answer.is_ok_and(|answer| (200..=299).contains(&answer.status)) {
            return Ok(());
        }
        if began.elapsed() >= args.ready_within {
            let within = span::write(args.ready_within);
            return Err(Failure::harness(format!(
                "the target was not ready within {within}: no status from 200 to 299 from {ready}; give it longer with --ready-within"
            )));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
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
