//! Sources of evidence, as a command line names them: checked before anything is started.

use std::time::Duration;

use super::Failure;
use super::secrets::secret_from;
use crate::contract::Contract;
use crate::evidence::Choice;
use crate::evidence::place::Place;

/// How long a busy source is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the command line says of evidence, with the password from the environment.
pub(crate) fn choice(db: Option<&str>, password_env: Option<&str>, contract: &Contract) -> Result<Choice, Failure> {
    let place = db.map(Place::read).transpose().map_err(Failure::usage)?;
    if place.is_some() && contract.state.is_none() {
        return Err(Failure::usage(format!(
            "--db was given, but the contract `{}` does not say which tables to read (member `state`)",
            contract.contract
        )));
    }
    let usual = place.as_ref().and_then(Place::password_variable);
    let password = match (password_env, usual) {
        (Some(name), _) => Some(secret_from(name)?.ok_or_else(|| {
            Failure::usage(format!("the environment variable {name} is not set: it holds the database's password (--db-password-env)"))
        })?),
        (None, Some(name)) => secret_from(name)?,
        (None, None) => None,
    };
    Ok(Choice { db: db.map(str::to_owned), password, patience: PATIENCE })
}
