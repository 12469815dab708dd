//! What is given: from a command line and the environment to options, for runs and loads alike.
//!
//! In: the arguments that both have. Out: [`Options`], in which nothing is a name of a variable any more.

use std::path::Path;
use std::time::Duration;

use secrecy::SecretString;

use super::Failure;
use super::args::{EvidenceArgs, HeaderArgs, ReachArgs};
use super::headers::headers;
use super::load_suite::Suite;
use super::secrets::{other_secrets, secret_from};
use super::sources::choice;
use crate::api::options::Options;
use crate::session::TargetChoice;
use crate::sign::Proof;

/// What of a command line says who is meant, and with what.
pub(super) struct Front<'a> {
    pub(super) target: Option<&'a str>,
    pub(super) reach: &'a ReachArgs,
    /// Whether hookgate starts the target.
    pub(super) starts_it: bool,
    pub(super) evidence: &'a EvidenceArgs,
    pub(super) headers: &'a HeaderArgs,
    pub(super) secret_env: Option<&'a str>,
    pub(super) timeout: Option<Duration>,
    pub(super) ttl: Option<Duration>,
    pub(super) seed: Option<u64>,
    pub(super) baseline: Option<&'a Path>,
}

/// Reads it.
///
/// * `target`: who is meant; asked for last.
pub(super) fn given(front: &Front<'_>, suite: &Suite, target: impl FnOnce() -> Result<TargetChoice, Failure>) -> Result<Options, Failure> {
    // A target that hookgate starts gets the published test secret too, and the built-in reference has it.
    let published = front.target.is_none() || front.starts_it;
    let contract = &suite.contract;
    let variable = front.secret_env.unwrap_or(&contract.secret.env);
    let secret = together(secret(variable, published || contract.signature.by == Proof::None), is_readable(front))?;
    // A receiver that is given a secret by its user knows no published one of before, and of a key pair none is handed over: what it was not given it cannot keep.
    let others = other_secrets(contract, published && (!front.starts_it || (secret.is_none() && contract.signature.by != Proof::Ed25519)))?;
    let evidence = choice(front.evidence, contract, (front.target, front.reach))?;
    let headers = headers(front.headers, contract)?;
    Ok(Options {
        target: target()?,
        secret,
        variable: Some(variable.to_owned()),
        others,
        evidence,
        headers,
        timeout: front.timeout,
        ttl: front.ttl,
        seed: front.seed,
        baseline: front.baseline.map(Path::to_path_buf),
    })
}

/// The shared secret; none where the published one will do.
fn secret(variable: &str, published_will_do: bool) -> Result<Option<SecretString>, Failure> {
    match secret_from(variable)? {
        None if !published_will_do => Err(Failure::usage(format!(
            "the environment variable {variable} is not set: it holds the secret that the target shares (or name another variable with --secret-env)"
        ))),
        secret => Ok(secret),
    }
}

/// The target's address is looked at before the first mistake is told.
fn is_readable(front: &Front<'_>) -> Result<(), Failure> {
    match front.target {
        Some(url) if !front.starts_it => front.reach.target(url).map(drop),
        Some(_) | None => Ok(()),
    }
}

/// The first of two results, or what is wrong with both.
fn together<T>(one: Result<T, Failure>, other: Result<(), Failure>) -> Result<T, Failure> {
    match (one, other) {
        (Ok(value), Ok(())) => Ok(value),
        (Err(one), Err(other)) => Err(Failure { exit: other.exit, message: format!("{}\nerror: {}", one.message, other.message) }),
        (Err(wrong), Ok(())) | (Ok(_), Err(wrong)) => Err(wrong),
    }
}
