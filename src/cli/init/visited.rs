//! A visit of `hookgate init`: the receiver is found or started, looked at, and stopped again.

use std::time::Duration;

use bytes::Bytes;
use secrecy::{ExposeSecret as _, SecretString};

use crate::cli::Failure;
use crate::cli::args::ReachArgs;
use crate::cli::exit::Exit;
use crate::cli::signals::Ends;
use crate::contract::{Contract, Health};
use crate::init::sightings::Sightings;
use crate::init::visiting::{Extent, Visit, visit};
use crate::init::{Known, Whereabouts};
use crate::session::target_under_test::{LaunchChoice, Launched, Ready};
use crate::sign::Proof;
use crate::suites::{self, SuiteChoice};
use crate::transport::Target;

/// How long a command may take to become ready.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// Visits the receiver, which is started where a command was given.
pub(super) fn visited(
    known: &Known,
    reach: &ReachArgs,
    contract: &Contract,
    (secret, extent): (Option<&SecretString>, Extent),
) -> Result<(Sightings, Option<Health>), Failure> {
    if extent == Extent::Nothing {
        return Ok((Sightings::default(), None));
    }
    let ends = Ends::listen()?;
    let contract = &reach.meant(contract.clone())?;
    let for_tests: SecretString = contract.secret.for_tests.clone().into();
    let looked = async {
        match &known.at {
            Whereabouts::Url(url) => Ok(visit(&of_visit(contract, reach.target(url)?, secret, extent)).await),
            Whereabouts::Exec(command) => {
                let unseen = |why: String| (Sightings { answers: Vec::new(), unseen: vec![why] }, None);
                let choice = launch(command, known, contract)?;
                // What is started gets the published secret, where none is set: as a run does it.
                let secret = secret.unwrap_or(&for_tests);
                let mut launched = match Launched::prepared(&choice, contract, (secret, None)) {
                    Ok(launched) => launched,
                    Err(why) => return Ok(unseen(why.to_string())),
                };
                let seen = match launched.begin().await {
                    Ok(()) => visit(&of_visit(contract, launched.url().clone(), Some(secret), extent)).await,
                    Err(why) => unseen(format!(
                        "{}; nothing was seen of what the receiver does",
                        why.to_string().replace(secret.expose_secret(), "***")
                    )),
                };
                launched.end(true).await;
                Ok(seen)
            }
        }
    };
    let mut wanted = ends.wanted.clone();
    let seen = ends.runtime.block_on(async {
        tokio::select! {
            seen = looked => Some(seen),
            _ = wanted.wait_for(|wanted| *wanted) => None,
        }
    });
    ends.runtime.shutdown_background();
    seen.unwrap_or_else(|| Err(Failure { exit: Exit::Interrupted, message: "interrupted, and nothing was written".to_owned() }))
}

fn of_visit<'v>(contract: &'v Contract, target: Target, secret: Option<&'v SecretString>, extent: Extent) -> Visit<'v> {
    let texts = suites::SuiteTexts::of(&SuiteChoice::default(), contract).ok();
    let body = texts.and_then(|texts| texts.bodies.get(&texts.catalogue.ordinary_body).cloned());
    Visit { contract, target, secret, body: body.unwrap_or_else(|| Bytes::from_static(b"{}")), extent }
}

fn launch(command: &str, known: &Known, contract: &Contract) -> Result<LaunchChoice, Failure> {
    let url = "http://127.0.0.1:{port}".to_owned();
    let ready = match &known.ready {
        None => Ready::Health,
        Some(text) if text.contains("://") => Ready::Url(text.clone()),
        Some(path) if path.starts_with('/') => Ready::Url(format!("{url}{path}")),
        Some(text) => Ready::Text(text.clone()),
    };
    let withheld = if contract.signature.by == Proof::Ed25519 { vec![contract.secret.env.clone()] } else { Vec::new() };
    Ok(LaunchChoice {
        zone: None,
        command: command.to_owned(),
        reached: Target::parse("http://127.0.0.1:1").map_err(Failure::usage)?,
        url,
        ready,
        patience: READY_WITHIN,
        stop_signal: "TERM".to_owned(),
        secret_env: contract.secret.env.clone(),
        withheld,
        faketime: None,
    })
}
