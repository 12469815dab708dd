//! What a captured delivery tells: which contract it keeps, its path and content type, and what was answered.

use std::path::Path;

use secrecy::ExposeSecret as _;

use super::address::without_query;
use crate::cli::args::InitArgs;
use crate::cli::captured::{self, Captured};
use crate::cli::secrets::secret_from;
use crate::cli::signing::read_body;
use crate::cli::{Failure, load_suite};
use crate::clock::{Clock as _, SystemClock};
use crate::contract::Contract;
use crate::contract::key::KeyPlace;
use crate::delivery::Delivery;
use crate::files;
use crate::init::Base;
use crate::init::example::lets_in;
use crate::init::proof::{form_of, key_place, member_place, members_of, proven};
use crate::init::recognition::{Capture, Held, Match, content_type, held, matches, matches_without_key};
use crate::init::sightings::Sightings;
use crate::sign::Proof;
use crate::visit::Probe;

/// What was recognised.
pub(super) struct Recognised {
    /// What the contract is built on.
    pub(super) base: Base,
    /// How it was recognised, in sentences.
    pub(super) told: Vec<String>,
    /// The path, without its query.
    pub(super) path: Option<String>,
    /// The query, where the scheme does not write it itself, and it lets nobody in.
    pub(super) query: Option<String>,
    /// The content type.
    pub(super) content_type: Option<String>,
    /// What was answered.
    pub(super) sightings: Sightings,
    /// What travelled.
    pub(super) delivery: Delivery,
}

/// Recognises a captured delivery.
pub(super) fn recognise(args: &InitArgs, file: &Path) -> Result<Recognised, Failure> {
    let shipped: Vec<Contract> = files::shipped_contracts().iter().filter_map(|name| load_suite::contract(name).ok()).collect();
    let captured = read(args, file, &shipped)?;
    let (base, mut told) = match &args.contract {
        Some(named) => by_name(args, named, &captured)?,
        None => by_lines(args, file, &captured, &shipped)?,
    };
    let mut sightings = Sightings::default();
    sightings.answers.extend(captured.answer.clone().map(|answer| (Probe::Honest, answer)));
    sightings.answers.extend(captured.again.clone().map(|answer| (Probe::Repeat, answer)));
    if !sightings.answers.is_empty() {
        told.push("What was answered stands in the capture, too.".to_owned());
    }
    let (path, query) = without_query(captured.delivery.path_and_query());
    let own = match &base {
        Base::Extended { contract, .. } => &contract.signature.query,
        Base::Own { scheme, .. } => &scheme.query,
    };
    let pairs: Vec<&str> = query.iter().flat_map(|query| query.split('&')).filter(|pair| !pair.is_empty()).collect();
    let is_own = |pair: &&&str| own.iter().any(|one| pair.split('=').next() == Some(one.name.as_str()));
    let kept: Vec<&str> = pairs.iter().filter(|pair| !is_own(pair)).copied().collect();
    let query = kept.join("&");
    if lets_in(&query) {
        told.push(
            "The captured address has a query that seems to hold a secret, and it is not written down: endpoint.query has one.".to_owned(),
        );
    }
    let query = Some(query).filter(|query| !query.is_empty() && !lets_in(query));
    Ok(Recognised {
        base,
        told,
        path: Some(path).filter(|path| path.starts_with('/')),
        query,
        content_type: content_type(&captured.delivery),
        sightings,
        delivery: captured.delivery,
    })
}

fn read(args: &InitArgs, file: &Path, shipped: &[Contract]) -> Result<Captured, Failure> {
    let bearing = shipped.iter().flat_map(|one| one.signature.headers.iter().filter(|header| header.carries("sig")));
    let names: Vec<String> = bearing.map(|header| header.name.clone()).collect();
    let beside = |path: &Path| read_body(path).map_err(|failure| failure.message);
    captured::from_any(&read_body(file)?, args.entry, &names, &beside)
        .map_err(|wrong| Failure::usage(format!("{}: {wrong}", file.display())))
}

fn capture<'c>(captured: &'c Captured, secret: Option<&'c secrecy::SecretString>) -> Capture<'c> {
    Capture {
        delivery: &captured.delivery,
        origin: captured.origin.as_deref().unwrap_or_default(),
        at: captured.at.unwrap_or_else(|| SystemClock.now()),
        secret: secret.map(|secret| secret.expose_secret().as_bytes()),
    }
}

/// A contract that was named: whether the capture keeps it.
fn by_name(args: &InitArgs, named: &str, captured: &Captured) -> Result<(Base, Vec<String>), Failure> {
    let contract = load_suite::contract(named)?;
    let variable = args.secret_env.as_deref().unwrap_or(&contract.secret.env);
    let secret = secret_from(variable)?;
    let told = told_of(&held(&contract, capture(captured, secret.as_ref())), variable);
    Ok((Base::Extended { extends: named.to_owned(), contract: Box::new(contract) }, vec![told]))
}

fn told_of(held: &Held, variable: &str) -> String {
    match held {
        Held::Proven => format!("The captured signature was computed anew with {variable}, and holds."),
        Held::Refuted(why) => format!("The captured signature does not hold with {variable}: {why}."),
        Held::Untried => format!("The captured signature was not computed anew: {variable} is not set."),
    }
}

/// The contract whose lines a delivery bears; or its scheme, proven, where none fits.
fn by_lines(args: &InitArgs, file: &Path, captured: &Captured, shipped: &[Contract]) -> Result<(Base, Vec<String>), Failure> {
    let named = args.secret_env.as_deref().map(secret_from).transpose()?.flatten();
    let mut found = matches(shipped, capture(captured, named.as_ref()));
    hold_by_own_secrets(args, captured, shipped, &mut found)?;
    let near = if found.is_empty() {
        let mut near = matches_without_key(shipped, capture(captured, named.as_ref()));
        hold_by_own_secrets(args, captured, shipped, &mut near)?;
        near
    } else {
        Vec::new()
    };
    // Names alone may be anybody's; a signature that holds is the family's.
    if let Some(one) = near.first().filter(|one| one.held == Held::Proven) {
        let (base, mut told) = family(args, one, &near, shipped);
        told.push(format!("Its key, {}, is not in the capture.", place_of_key(shipped, &one.contract)));
        return Ok((base, told));
    }
    let key = key_of(args, file, &captured.delivery)?;
    match found.first() {
        Some(one) if one.held != Held::Untried || named.is_none() => {
            if matches!(one.held, Held::Refuted(_))
                && let Some(own) = own(args, captured, named.as_ref(), key.as_ref())
            {
                return Ok(own);
            }
            Ok(family(args, one, &found, shipped))
        }
        Some(_) | None => match own(args, captured, named.as_ref(), key.as_ref()) {
            Some(own) => Ok(own),
            None => match near.first() {
                Some(one) => Err(without_its_key(file, one, shipped)),
                None => Err(unknown(args, file, captured, named.is_some())),
            },
        },
    }
}

/// Without a name, each family's own variable is tried for its own signature; the proven one comes first.
fn hold_by_own_secrets(args: &InitArgs, captured: &Captured, shipped: &[Contract], found: &mut [Match]) -> Result<(), Failure> {
    if args.secret_env.is_some() {
        return Ok(());
    }
    for one in &mut *found {
        let Some(contract) = shipped.iter().find(|contract| contract.contract == one.contract) else { continue };
        let secret = secret_from(&contract.secret.env)?;
        one.held = held(contract, capture(captured, secret.as_ref()));
    }
    found.sort_by_key(|one| one.held != Held::Proven);
    Ok(())
}

/// Where a shipped contract's key travels.
fn place_of_key(shipped: &[Contract], name: &str) -> String {
    shipped.iter().find(|contract| contract.contract == name).map_or_else(String::new, |contract| contract.key.place())
}

/// A delivery that is signed as a shipped family's, and bears no key.
fn without_its_key(file: &Path, one: &Match, shipped: &[Contract]) -> Failure {
    let (name, place) = (&one.contract, place_of_key(shipped, &one.contract));
    Failure::usage(format!(
        "{}: it bears the signature of `{name}` ({}), and its key, {place}, is not there: see that the capture has every header line; or \
         name the contract with --contract {name}, or the variable that holds the secret with --secret-env",
        file.display(),
        one.by.join(", ")
    ))
}

fn family(args: &InitArgs, one: &Match, found: &[Match], shipped: &[Contract]) -> (Base, Vec<String>) {
    let contract = shipped.iter().find(|contract| contract.contract == one.contract);
    let variable = args.secret_env.clone().or_else(|| contract.map(|contract| contract.secret.env.clone())).unwrap_or_default();
    let mut told = vec![format!("Recognised as `{}` by {}. {}", one.contract, one.by.join(", "), told_of(&one.held, &variable))];
    let alike: Vec<&str> = found
        .iter()
        .skip(1)
        .filter(|other| other.score == one.score && other.held == one.held)
        .map(|other| other.contract.as_str())
        .collect();
    if !alike.is_empty() && one.held != Held::Proven {
        told.push(format!("It could as well be {}: --contract says which.", alike.join(" or ")));
    }
    let base =
        Base::Extended { extends: one.contract.clone(), contract: Box::new(contract.cloned().unwrap_or_else(|| shipped[0].clone())) };
    (base, told)
}

/// A scheme of its own, which the secret proves.
fn own(
    args: &InitArgs,
    captured: &Captured,
    secret: Option<&secrecy::SecretString>,
    key: Option<&KeyPlace>,
) -> Option<(Base, Vec<String>)> {
    let key = key.cloned().unwrap_or_default();
    let scheme = proven(capture(captured, secret), &key)?;
    let variable = args.secret_env.as_deref().unwrap_or_default();
    let lines: Vec<&str> = scheme.headers.iter().map(|line| line.name.as_str()).collect();
    let lines = lines.join(" and ");
    let told = match scheme.by {
        Proof::Token => format!("No shipped contract fits; {lines} bears what {variable} holds, the secret itself."),
        Proof::Hmac | Proof::Ed25519 | Proof::None => {
            format!("No shipped contract fits; the signature in {lines} was computed anew with {variable}, over `{}`.", scheme.message)
        }
    };
    let lacks = (!key.is_somewhere() && !args.signatures_only).then(|| without_a_key(args, &captured.delivery));
    Some((Base::Own { scheme: Box::new(scheme), key: Box::new(key) }, std::iter::once(told).chain(lacks).collect()))
}

/// Where the key travels: as the flags say, or as it seems.
fn key_of(args: &InitArgs, file: &Path, delivery: &Delivery) -> Result<Option<KeyPlace>, Failure> {
    if let Some(name) = &args.key_header {
        let value = delivery.header(name).and_then(|value| std::str::from_utf8(value).ok()).unwrap_or_default();
        return Ok(Some(KeyPlace { header: Some(name.clone()), form: form_of(value.trim()), ..KeyPlace::default() }));
    }
    let Some(path) = &args.key_member else { return Ok(key_place(delivery)) };
    member_place(delivery, path).map(Some).ok_or_else(|| {
        let seen = seen(delivery).unwrap_or_else(|| "its body is no JSON object and no form".to_owned());
        Failure::usage(format!("--key-member {path}: no key stands there in the delivery of {}: {seen}", file.display()))
    })
}

/// The names of the members of a captured body, as a sentence; `None` where it has none.
fn seen(delivery: &Delivery) -> Option<String> {
    const MOST: usize = 12;
    let names = members_of(delivery);
    let more = if names.len() > MOST { ", …" } else { "" };
    let told: Vec<String> = names.iter().take(MOST).map(|name| name.escape_default().to_string()).collect();
    (!names.is_empty()).then(|| format!("its body has {}{more}", told.join(", ")))
}

/// What follows where no key was found.
fn without_a_key(args: &InitArgs, delivery: &Delivery) -> String {
    let seen = seen(delivery).map_or_else(String::new, |seen| format!(" ({seen})"));
    let of_no_use = if args.effects.is_some() || args.db.is_some() { "; --effects and --db say nothing then" } else { "" };
    format!(
        "No key was found in it, so that repeats will not be judged{of_no_use}: name what tells one delivery from another with --key-header \
         NAME or --key-member PATH{seen}."
    )
}

/// What is missing to know the scheme.
fn unknown(args: &InitArgs, file: &Path, captured: &Captured, has_secret: bool) -> Failure {
    let names: Vec<&str> = captured.delivery.headers.iter().map(|line| line.name.as_str()).collect();
    let lines = if names.is_empty() { "it bears no header line".to_owned() } else { format!("it bears {}", names.join(", ")) };
    let way_out = match (&args.secret_env, has_secret) {
        (None, _) => "name the variable that holds the secret with --secret-env, so that its signature can be computed anew".to_owned(),
        (Some(variable), false) => format!("{variable} is not set: export it, so that its signature can be computed anew"),
        (Some(variable), true) => format!(
            "none of the usual forms of an HMAC with the secret in {variable} gives its signature: see that the capture is whole to the byte, and \
             that it is the secret; or name a contract with --contract"
        ),
    };
    Failure::usage(format!("{}: no shipped contract is signed as this delivery is ({lines}): {way_out}", file.display()))
}
