//! Secrets of a command: those that a contract names, from the environment, and what is to be hidden of them.
//!
//! One list ([`Secrets`]) that whoever takes another secret from the
//! environment adds it to; the words that a secret cannot be told from come
//! from the contract, the suite and all that is shipped.

use secrecy::{ExposeSecret as _, SecretString};

use super::{Console, Failure};
use crate::contract::{Contract, OtherSecret};
use crate::files;
use crate::report::language::Language;
use crate::scenario::requirement::Catalogue;
use crate::secret::{Secrets, Vocabulary};
use crate::sign::Signer;
use crate::sign::material::material;

/// The previous secret and a retired one, where a contract names them.
pub(crate) type OtherSecrets = (Option<SecretString>, Option<SecretString>);

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

/// All secrets of a contract, beside the words that they cannot be told from.
///
/// * `variable`: where the shared secret stands.
/// * `ids`: the names of scenarios and kinds, which are never hidden.
pub(crate) fn secrets_of<'i, I: IntoIterator<Item = &'i str>>(
    contract: &Contract,
    catalogue: &Catalogue,
    ids: I,
    (variable, secret): (&str, &SecretString),
    (previous, retired): &OtherSecrets,
) -> Secrets {
    let mut vocabulary = Vocabulary::default();
    files::shipped_texts().into_iter().chain(Language::texts()).for_each(|text| vocabulary.add(text));
    ids.into_iter().for_each(|id| vocabulary.add(id));
    catalogue.requirements.iter().for_each(|one| vocabulary.add(&one.id));
    vocabulary.add(&words_of(contract));
    let mut secrets = Secrets::beside(vocabulary);
    let of = |secret: &SecretString| material(secret.expose_secret().as_bytes(), &contract.signature);
    secrets.push_shared(variable, of(secret));
    for (named, other) in [(&contract.secret.previous, previous), (&contract.secret.retired, retired)] {
        if let (Some(named), Some(other)) = (named, other) {
            secrets.push_shared(&named.env, of(other));
        }
    }
    secrets
}

/// What must travel under a contract: a secret that is a word of that stands in honest answers.
fn words_of(contract: &Contract) -> String {
    let value = serde_json::to_value(contract).unwrap_or_default();
    ["contract", "endpoint", "health", "key", "ttl", "outcomes", "audit_url", "metrics"].map(|member| value[member].to_string()).join("\n")
}

/// Tells on standard error what cannot be hidden; gives the sentences, for the report.
pub(crate) fn warn(secrets: &Secrets, console: &mut Console) -> Vec<String> {
    let warnings = secrets.warnings();
    for warning in &warnings {
        console.tell(&format!("warning: {warning}\n"));
    }
    warnings
}
