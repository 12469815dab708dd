//! Sources of evidence, as a command line names them: checked before anything is started.

use std::time::Duration;

use super::Failure;
use super::args::{EvidenceArgs, ReachArgs};
use super::secrets::secret_from;
use crate::contract::Contract;
use crate::evidence::Choice;
use crate::evidence::place::Place;

/// How long a busy source is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the command line says of evidence, with the password from the environment.
///
/// * `reached`: the target's address, and how it is reached: TLS is spoken to sources by the same settings.
pub(crate) fn choice(args: &EvidenceArgs, contract: &Contract, (target, reach): (Option<&str>, &ReachArgs)) -> Result<Choice, Failure> {
    let (db, password_env, command) = (args.db.as_deref(), args.db_password_env.as_deref(), args.evidence_cmd.as_deref());
    let place = db.map(Place::read).transpose().map_err(Failure::usage)?;
    if command.is_some_and(|command| !command.contains("{key}") && !command.contains("HOOKGATE_KEY")) {
        return Err(Failure::usage("--evidence-cmd does not say whose effects it counts: put {key} where the key stands"));
    }
    let usual = place.as_ref().and_then(Place::password_variable);
    let password = match (password_env, usual) {
        (Some(name), _) => Some(secret_from(name)?.ok_or_else(|| {
            Failure::usage(format!("the environment variable {name} is not set: it holds the database's password (--db-password-env)"))
        })?),
        (None, Some(name)) => secret_from(name)?,
        (None, None) => None,
    };
    let page = contract.effects.as_ref().and_then(|effects| effects.path.as_ref()).map(ToString::to_string);
    let is_https = |address: &str| address.starts_with("https://");
    let page_by_tls = page.is_some_and(|page| is_https(&page) || page.starts_with('/') && target.is_some_and(is_https));
    let tls = reach.settings(target, page_by_tls || place.as_ref().is_some_and(Place::is_secured))?;
    Ok(Choice { db: db.map(str::to_owned), password, command: command.map(str::to_owned), counter: None, patience: PATIENCE, tls })
}
