//! The captured body of `hookgate init`: taken into the contract where it may stand there.

use secrecy::{ExposeSecret as _, SecretString};

use crate::delivery::Delivery;
use crate::init::Base;
use crate::init::example::Example;
use crate::secret::Redactor;
use crate::sign::material::material;

/// The suite whose bodies may be anybody's; those of others are of their family.
const OF_ANYBODY: &str = "core";

/// What a captured body comes to, and a sentence about it; an empty example where it is not taken.
pub(super) fn example(base: &Base, delivery: &Delivery, secret: Option<&SecretString>) -> (Example, Option<String>) {
    let (key, scheme) = match base {
        Base::Extended { contract, .. } if contract.suite != OF_ANYBODY => return (Example::default(), None),
        Base::Extended { contract, .. } => (&contract.key, &contract.signature),
        Base::Own { scheme, key } => (key.as_ref(), scheme.as_ref()),
    };
    let secrets = secret.map(|secret| material(secret.expose_secret().as_bytes(), scheme)).unwrap_or_default();
    let secrets = Redactor::new(&secrets.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let places = key.body_member.iter().chain(&key.form_field).chain(scheme.members.iter().map(|one| &one.member));
    let filled: Vec<&str> = places.map(String::as_str).collect();
    match Example::of(delivery, &filled, &secrets) {
        Ok(example) => {
            let hidden = example.told().map_or_else(String::new, |told| format!(" {told}"));
            (example, Some(format!("Deliveries bear the captured body: look it through before it is committed.{hidden}")))
        }
        Err(why) => (Example::default(), Some(format!("The captured body is not taken: {why}; deliveries bear those of the suite."))),
    }
}
