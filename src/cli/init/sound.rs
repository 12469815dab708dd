//! Soundness of what `hookgate init` writes: the reference passes the whole suite under it.
//!
//! In: what is known, and what was seen. Out: the findings with which it does;
//! what contradicts the contract is left out, with a word. A captured body is
//! proven and goes last, a status that was seen on one delivery goes first.

use secrecy::{ExposeSecret as _, SecretString};

use super::body::without_example;
use super::read;
use crate::cli::Failure;
use crate::cli::args::InitArgs;
use crate::cli::inspect::keeps_itself;
use crate::init::example::Example;
use crate::init::sightings::Findings;
use crate::init::{CONTRACT_FILE, Known};
use crate::suites::{self, SuiteChoice};

/// Findings, and a captured body, with which the contract keeps itself: the reference passes the whole suite under it.
pub(super) fn sound(args: &InitArgs, known: &mut Known, mut found: Findings, secret: Option<&SecretString>) -> Result<Findings, Failure> {
    // What a receiver answers is its own; a secret that it tells is not written down.
    let tells = |text: &str| secret.is_some_and(|secret| !secret.expose_secret().is_empty() && text.contains(secret.expose_secret()));
    found.adopted.retain(|_, one| !one.members.iter().any(|(_, value)| tells(value)));
    let keeps = |known: &Known, found: &Findings| {
        let contract = read(args, known, found)?;
        let suite = suites::suite_of(&SuiteChoice::of(CONTRACT_FILE), contract).map_err(Failure::usage)?;
        keeps_itself(CONTRACT_FILE, &suite)
    };
    if found.adopted.is_empty() && known.example.is_empty() {
        return Ok(found);
    }
    let Err(failure) = keeps(known, &found) else { return Ok(found) };
    if !known.example.is_empty() {
        // What was proven goes before what was seen: a status of a refusal may be another one for this body.
        for place in found.adopted.keys().filter(|place| place.starts_with("refused.")).cloned().collect::<Vec<_>>() {
            let mut wider = found.clone();
            wider.adopted.remove(&place);
            if keeps(known, &wider).is_ok() {
                let why = failure.message.lines().next().unwrap_or_default();
                wider.warnings.push(format!(
                    "the one status that was seen for {place} is not in the contract, for it contradicts the captured body: {why}"
                ));
                return Ok(wider);
            }
        }
        let bare = Known { example: Example::default(), ..known.clone() };
        if found.adopted.is_empty() || keeps(&bare, &found).is_ok() {
            found.warnings.push(without_example(known, &failure));
            return Ok(found);
        }
    }
    found.adopted.clear();
    let why = failure.message.lines().next().unwrap_or_default().to_owned();
    found.warnings.push(format!("what was seen contradicts the contract, and is not in it: {why}"));
    if !known.example.is_empty()
        && let Err(failure) = keeps(known, &found)
    {
        found.warnings.push(without_example(known, &failure));
    }
    Ok(found)
}
