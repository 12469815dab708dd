//! Visiting: a few deliveries to a receiver whose contract is still to be written.
//!
//! In: the contract as it would be, the receiver's address, and how far the
//! visit may go. Out: [`Sightings`], and where its health is asked. Harmless
//! is what any passer-by could send: questions, a delivery that is signed with
//! another secret, one that bears no signature. With leave, an honest one goes, twice.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use secrecy::{ExposeSecret as _, SecretString};

use super::sightings::Sightings;
use crate::clock::{Clock as _, SystemClock};
use crate::contract::own_body::UNIQUE;
use crate::contract::{Contract, Health, own_headers};
use crate::delivery::{Answer, Delivery, NoAnswer};
use crate::scenario::deliver::Deliver;
use crate::session::series::Series;
use crate::session::supplies::Supplies;
use crate::sign::Proof;
use crate::sign::tamper::Tamper;
use crate::transport::{Sender, Target, Transmission};
use crate::visit::Probe;

/// How long an answer is waited for at least: nobody knows the receiver yet.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where receivers usually say that they are well.
const HEALTH_PAGES: [&str; 4] = ["/health", "/healthz", "/status", "/ping"];
/// Where nobody has a page: who answers it as if there were one says nothing by a page of health.
const NO_PAGE: &str = "/hookgate-asks-for-no-page";

/// How far a visit may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Nothing is sent.
    Nothing,
    /// Questions, and deliveries that are to be refused.
    Harmless,
    /// Those, and one honest delivery, twice.
    Full,
}

/// What a visit is made of.
#[derive(Clone, Debug)]
pub struct Visit<'v> {
    /// The contract as it would be.
    pub contract: &'v Contract,
    /// Where the receiver is.
    pub target: Target,
    /// The shared secret, where it is at hand.
    pub secret: Option<&'v SecretString>,
    /// The body of an ordinary delivery.
    pub body: Bytes,
    /// How far it may go.
    pub extent: Extent,
}

/// What was seen: answers, and the page of health, where the contract names none and one was found.
pub async fn visit(visit: &Visit<'_>) -> (Sightings, Option<Health>) {
    let mut seen = Sightings::default();
    if visit.extent == Extent::Nothing {
        return (seen, None);
    }
    let sender = Sender::new(visit.target.clone(), visit.contract.limits.patience().max(PATIENCE));
    let health = match &visit.contract.health {
        Some(health) => match question(&sender, &health.path).await {
            Ok(answer) if answer.status == health.status => None,
            Ok(answer) => {
                seen.unseen.push(format!(
                    "the health check {} was answered {} where {} is due: `hookgate run` would not begin",
                    health.path, answer.status, health.status
                ));
                None
            }
            Err(none) => return (nobody(visit, &none), None),
        },
        None => match find_health(&sender).await {
            Ok(found) => found,
            Err(none) => return (nobody(visit, &none), None),
        },
    };
    let contract = visit.contract;
    let signer =
        contract.signature.keyed(visit.secret.map_or(contract.secret.for_tests.as_bytes(), |secret| secret.expose_secret().as_bytes()));
    let signer = match signer {
        Ok(signer) => signer,
        Err(wrong) => {
            seen.unseen.push(format!("nothing could be signed: {wrong}"));
            return (seen, health);
        }
    };
    let (own_headers, origin) = (own_headers::joined(contract, &[]), visit.target.url(""));
    let supplies = Supplies::without_bodies(Arc::new(contract.clone()), signer, own_headers, origin);
    let series = Series::new(supplies, &visit.target, Deliver::default(), &visit.body);
    let run_word = format!("hgi{:x}", SystemClock.now().0);
    let made = |number, tamper| {
        let key = contract.key.unique_key(&run_word, number);
        let word = format!("{run_word}-{number}");
        let body = std::str::from_utf8(&visit.body).map_or_else(|_| visit.body.clone(), |text| Bytes::from(text.replace(UNIQUE, &word)));
        series.as_ref().map_err(Clone::clone)?.one(Some(&key), &body, tamper, SystemClock.now())
    };
    if contract.signature.by != Proof::None {
        look(&sender, Probe::Forgery, made(1, Some(Tamper::WrongSecret)), &mut seen).await;
        look(&sender, Probe::NoSignature, made(2, Some(Tamper::Absent)), &mut seen).await;
    }
    match (visit.extent, visit.secret) {
        (Extent::Full, None) if contract.signature.by != Proof::None => {
            seen.unseen.push("no honest delivery was sent: the variable of the secret is not set".to_owned());
        }
        (Extent::Full, _) => {
            let honest = made(3, None);
            look(&sender, Probe::Honest, honest.clone(), &mut seen).await;
            look(&sender, Probe::Repeat, honest, &mut seen).await;
        }
        (Extent::Nothing | Extent::Harmless, _) => {}
    }
    (seen, health)
}

async fn question(sender: &Sender, path: &str) -> Result<Answer, NoAnswer> {
    let question = Delivery { method: "GET".to_owned(), path: path.to_owned(), ..Delivery::default() };
    sender.send(Transmission::plain(question)).await.result
}

async fn find_health(sender: &Sender) -> Result<Option<Health>, NoAnswer> {
    if question(sender, NO_PAGE).await?.status < 400 {
        return Ok(None);
    }
    for path in HEALTH_PAGES {
        if let Ok(answer) = question(sender, path).await
            && answer.status == 200
        {
            return Ok(Some(Health { path: path.to_owned(), status: 200, body: serde_json::Value::Null }));
        }
    }
    Ok(None)
}

fn nobody(visit: &Visit<'_>, none: &NoAnswer) -> Sightings {
    let unseen = format!("nobody answered at {} ({none}): nothing was seen of what the receiver does", visit.target);
    Sightings { answers: Vec::new(), unseen: vec![unseen] }
}

async fn look(sender: &Sender, probe: Probe, made: Result<Transmission, String>, seen: &mut Sightings) {
    match made {
        Err(why) => seen.unseen.push(format!("a delivery ({}) could not be made: {why}", probe.name())),
        Ok(transmission) => match sender.send(transmission).await.result {
            Ok(answer) => seen.answers.push((probe, answer)),
            Err(none) => seen.unseen.push(format!("a delivery ({}) got no answer: {none}", probe.name())),
        },
    }
}
