//! Soundness of what `hookgate init` writes: the reference passes the whole suite under it.
//!
//! In: what is known, and what was seen. Out: the findings with which it does;
//! what contradicts the contract is left out, with a word. A captured body is
//! proven and goes last, a status that was seen on one delivery goes first.

use secrecy::{ExposeSecret as _, SecretString};

use super::read;
use crate::cli::Failure;
use crate::cli::args::InitArgs;
use crate::cli::inspect::keeps_itself;
use crate::init::example::Example;
use crate::init::sightings::Findings;
use crate::init::{CONTRACT_FILE, Known};
use crate::suites::{self, SuiteChoice};

/// Findings, and a captured body, with which the contract keeps itself: the reference passes the whole suite under it.
pub(super) fn sound(args: &InitArgs, known: &mut Known, mut found: Findings, secret: Option<&SecretString>) -> Findings {
    // What a receiver answers is its own; a secret that it tells is not written down.
    let tells = |text: &str| secret.is_some_and(|secret| !secret.expose_secret().is_empty() && text.contains(secret.expose_secret()));
    found.adopted.retain(|_, one| !one.members.iter().any(|(_, value)| tells(value)));
    let bare = Known { example: Example::default(), ..known.clone() };
    let keeps = |with_body: bool, found: &Findings| {
        let contract = read(args, if with_body { known } else { &bare }, found)?;
        let suite = suites::suite_of(&SuiteChoice::of(CONTRACT_FILE), contract).map_err(Failure::usage)?;
        keeps_itself(CONTRACT_FILE, &suite)
    };
    let (with_body, found) = kept(!known.example.is_empty(), found, keeps);
    if !with_body {
        *known = bare;
    }
    found
}

/// What of a captured body and of findings may stand together, with a warning for what goes; `keeps` tries.
///
/// What was proven goes before what was seen: first a status of a refusal goes, which may be another one for this body, then the body, and
/// last everything that was seen.
fn kept(body: bool, mut found: Findings, keeps: impl Fn(bool, &Findings) -> Result<(), Failure>) -> (bool, Findings) {
    if found.adopted.is_empty() && !body {
        return (body, found);
    }
    let Err(failure) = keeps(body, &found) else { return (body, found) };
    if body {
        for place in found.adopted.keys().filter(|place| place.starts_with("refused.")).cloned().collect::<Vec<_>>() {
            let mut wider = found.clone();
            wider.adopted.remove(&place);
            if keeps(body, &wider).is_ok() {
                let why = first_line(&failure);
                wider.warnings.push(format!(
                    "the one status that was seen for {place} is not in the contract, for it contradicts the captured body: {why}"
                ));
                return (body, wider);
            }
        }
        if found.adopted.is_empty() || keeps(false, &found).is_ok() {
            found.warnings.push(without_body(&failure));
            return (false, found);
        }
    }
    found.adopted.clear();
    found.warnings.push(format!("what was seen contradicts the contract, and is not in it: {}", first_line(&failure)));
    match keeps(body, &found) {
        Err(failure) if body => {
            found.warnings.push(without_body(&failure));
            (false, found)
        }
        _ => (body, found),
    }
}

/// What is told where the captured body goes.
pub(super) fn without_body(failure: &Failure) -> String {
    format!("the captured body contradicts the contract, and is not in it: {}", first_line(failure))
}

fn first_line(failure: &Failure) -> &str {
    failure.message.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::kept;
    use crate::cli::Failure;
    use crate::init::sightings::{Adopted, Findings};

    const SEEN: [&str; 3] = ["accepted", "refused.missing_signature", "refused.signature"];

    /// What is left of a body and of all that was seen, and of what the warnings speak, where `keeps` says whether they stand together.
    fn left(body: bool, keeps: impl Fn(bool, &[&str]) -> bool) -> (bool, Vec<String>, Vec<String>) {
        let adopted = SEEN.map(|place| (place.to_owned(), Adopted::default())).into();
        let (body, found) = kept(body, Findings { adopted, warnings: Vec::new() }, |body, found| {
            let places: Vec<&str> = found.adopted.keys().map(String::as_str).collect();
            if keeps(body, &places) { Ok(()) } else { Err(Failure::usage("DUP-1\nand more")) }
        });
        let warnings = found.warnings.iter().map(|one| one.split_once(" contradicts").map_or(one.as_str(), |(what, _)| what).to_owned());
        assert!(found.warnings.iter().all(|one| one.ends_with(": DUP-1")), "{:?}", found.warnings);
        (body, found.adopted.into_keys().collect(), warnings.collect())
    }

    #[test]
    fn only_what_contradicts_goes_and_it_is_told() {
        let all = || SEEN.map(str::to_owned).to_vec();
        let told = |what: &str| vec![what.to_owned()];
        assert_eq!(left(true, |_, _| true), (true, all(), Vec::new()));
        // A status that this body is not refused with.
        let (body, places, why) = left(true, |body, places| !(body && places.contains(&"refused.signature")));
        assert_eq!((body, places), (true, vec!["accepted".to_owned(), "refused.missing_signature".to_owned()]));
        assert!(why.len() == 1 && why[0].starts_with("the one status that was seen for refused.signature"), "{why:?}");
        // A body that is wrong whatever was seen.
        assert_eq!(left(true, |body, _| !body), (false, all(), told("the captured body")));
        // Sightings that are wrong, whatever is sent.
        for body in [true, false] {
            assert_eq!(left(body, |_, places| places.is_empty()), (body, Vec::new(), told("what was seen")));
        }
        // Both, and each by itself.
        let both = left(true, |body, places| !body && places.is_empty());
        assert_eq!(both, (false, Vec::new(), vec!["what was seen".to_owned(), "the captured body".to_owned()]));
    }

    /// A contract that says nothing but what its base does is not tried: the base was.
    #[test]
    fn nothing_of_ones_own_is_not_tried() {
        let (body, found) = kept(false, Findings::default(), |_, _| Err(Failure::usage("it was tried")));
        assert!(!body && found == Findings::default());
    }
}
