//! Secrets of a command: those that a contract names, from the environment, and what is to be hidden of them.
//!
//! One list ([`Secrets`]) that whoever takes another secret from the
//! environment adds it to.

use secrecy::{ExposeSecret as _, SecretString};

use super::{Console, Failure};
pub(crate) use crate::api::hidden::OtherSecrets;
use crate::contract::{Contract, OtherSecret};
use crate::secret::Secrets;
use crate::sign::Signer;

/// The shared secret from the environment; `None` when the variable is not set or empty.
#[expect(clippy::disallowed_methods, reason = "the roof is where the environment is read")]
pub(crate) fn secret_from(variable: &str) -> Result<Option<SecretString>, Failure> {
    match std::env::var(variable) {
        Ok(secret) if secret.is_empty() => Ok(None),
        Ok(secret) => Ok(Some(secret.into())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Failure::usage(format!("the secret in {variable} is not UTF-8"))),
    }
}

/// The secrets of other times that a contract names: the previous one, and a retired one.
///
/// * `published`: whether the published ones are used where a variable is not set.
pub(crate) fn other_secrets(contract: &Contract, published: bool) -> Result<OtherSecrets, Failure> {
    let one = |other: &Option<OtherSecret>| match other {
        None => Ok(None),
        Some(other) => Ok(secret_from(&other.env)?.or_else(|| published.then(|| other.for_tests.clone().into()))),
    };
    Ok((one(&contract.secret.previous)?, one(&contract.secret.retired)?))
}

/// Signs and verifies under a contract.
pub(crate) fn signer(contract: &Contract, secret: &SecretString, (previous, retired): &OtherSecrets) -> Result<Signer, Failure> {
    let text = |other: &Option<SecretString>| other.as_ref().map(|other| other.expose_secret().to_owned());
    contract.signer(secret.expose_secret().as_bytes(), text(previous).as_deref(), text(retired).as_deref()).map_err(Failure::usage)
}

/// Tells on standard error what cannot be hidden; gives the sentences, for the report.
pub(crate) fn warn(secrets: &Secrets, console: &mut Console) -> Vec<String> {
    let warnings = secrets.warnings();
    for warning in &warnings {
        console.tell(&format!("warning: {warning}\n"));
    }
    warnings
}
