//! Secrets to hide: those of a contract, beside the words that they cannot be told from.
//!
//! Those words come from the contract, the suite and all that is shipped.

use secrecy::{ExposeSecret as _, SecretString};

use crate::contract::Contract;
use crate::files;
use crate::report::language::Language;
use crate::scenario::requirement::Catalogue;
use crate::secret::{Secrets, Vocabulary};
use crate::sign::material::material;

/// The previous secret and a retired one, where a contract names them.
pub(crate) type OtherSecrets = (Option<SecretString>, Option<SecretString>);

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
