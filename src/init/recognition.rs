//! Recognition: which contract a captured delivery keeps.
//!
//! In: a delivery as it came, the contracts that there are, and the secret,
//! where it is at hand. Out: [`Match`]es, the best first. A contract matches
//! where the line that bears its signature stands there, in its form, and its
//! key can be read; with the secret, its signature is computed anew.
//!
//! **Invariant:** no vendor is named here: names of headers are the contracts'.

use crate::clock::UnixMicros;
use crate::contract::Contract;
use crate::delivery::Delivery;
use crate::sign::diagnosis::{Case, diagnose};
use crate::sign::verify::BadSignature;
use crate::sign::{Proof, Signer};

/// A captured delivery, and what belongs to it.
#[derive(Clone, Copy, Debug)]
pub struct Capture<'c> {
    /// What travelled.
    pub delivery: &'c Delivery,
    /// `https://host`, as the sender knew it, where that is known.
    pub origin: &'c str,
    /// When it was sent, where that is known.
    pub at: UnixMicros,
    /// The shared secret's text, where it is at hand.
    pub secret: Option<&'c [u8]>,
}

/// Whether the secret gives the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// It does.
    Proven,
    /// It does not; the sentence says why.
    Refuted(String),
    /// There was no secret to try it with.
    Untried,
}

/// A contract that a delivery keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// The contract's name.
    pub contract: String,
    /// How much of it was found.
    pub score: u32,
    /// Whether the secret gives its signature.
    pub held: Held,
    /// The header lines by which it was recognised.
    pub by: Vec<String>,
}

/// What proves more than any number of names.
const PROVEN: u32 = 1_000;
/// The signature's line can be read as the scheme writes it.
const READABLE: u32 = 100;
/// A line of the contract that carries the signature, its time or id, or the key.
const TELLING: u32 = 10;

/// The contracts that a delivery keeps, the best first.
#[must_use]
pub fn matches(contracts: &[Contract], capture: Capture<'_>) -> Vec<Match> {
    best_first(contracts.iter().filter_map(|contract| matched(contract, capture, true)))
}

/// The contracts that a delivery would keep if it bore a key, the best first.
#[must_use]
pub fn matches_without_key(contracts: &[Contract], capture: Capture<'_>) -> Vec<Match> {
    best_first(contracts.iter().filter_map(|contract| matched(contract, capture, false)))
}

fn best_first(all: impl Iterator<Item = Match>) -> Vec<Match> {
    let mut all: Vec<Match> = all.collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.score));
    all
}

fn matched(contract: &Contract, capture: Capture<'_>, by_key: bool) -> Option<Match> {
    let (scheme, delivery) = (&contract.signature, capture.delivery);
    let carrier = scheme.carrier()?;
    let by_test_secret = scheme.keyed(contract.secret.for_tests.as_bytes()).ok()?;
    let key = contract.key.read(delivery).ok();
    let is_form = contract.sends_forms();
    // A contract of forms signs no JSON, and the other way round.
    let kind = content_type(delivery);
    if is_form != (kind.as_deref() == Some("application/x-www-form-urlencoded"))
        && kind.is_some()
        && (is_form || is_json(&contract.endpoint.content_type))
    {
        return None;
    }
    let is_readable = is_readable(&by_test_secret, capture);
    let has = |name: &str| delivery.header(name).is_some();
    let is_member = carrier.member().is_some();
    if !(has(&carrier.name) || is_member && is_readable) || (contract.key.is_somewhere() && key.is_none() && by_key) {
        return None;
    }
    let mut by: Vec<String> = scheme.headers.iter().filter(|header| has(&header.name)).map(|header| header.name.clone()).collect();
    let bears_key = contract.key.header.as_ref().filter(|name| has(name) && !by.iter().any(|one| one.eq_ignore_ascii_case(name)));
    by.extend(bears_key.cloned());
    let mut score = u32::try_from(by.len()).unwrap_or_default() * TELLING;
    score += if is_readable { READABLE } else { 0 };
    score += u32::from(kind.is_some_and(|kind| contract.endpoint.content_type.starts_with(&kind)));
    // What vendors say to receivers is in contracts of real senders.
    score += u32::from(contract.receiver.is_some());
    let held = held(contract, capture);
    score += if held == Held::Proven { PROVEN } else { 0 };
    (is_readable || by.len() > 1).then(|| Match { contract: contract.contract.clone(), score, held, by })
}

/// The content type without its parameters, in lower case.
#[must_use]
pub fn content_type(delivery: &Delivery) -> Option<String> {
    let value = delivery.header("content-type")?;
    let text = std::str::from_utf8(value).ok()?;
    Some(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()).filter(|kind| !kind.is_empty())
}

fn is_json(kind: &str) -> bool {
    kind.contains("json")
}

/// Whether the lines of the signature are in their form, whatever they say.
fn is_readable(signer: &Signer, Capture { delivery, origin, at, .. }: Capture<'_>) -> bool {
    !matches!(signer.verify(delivery, b"", origin, at), Err(BadSignature::Missing | BadSignature::Malformed))
}

/// Whether the secret gives the signature of a captured delivery, whenever that was sent.
#[must_use]
pub fn held(contract: &Contract, capture: Capture<'_>) -> Held {
    let Some(secret) = capture.secret else { return Held::Untried };
    if contract.signature.by == Proof::None {
        return Held::Untried;
    }
    let secrets = [("the one that was given", secret.to_vec())];
    let key = contract.key.read(capture.delivery).unwrap_or_default();
    let id = contract.key.travelling(capture.delivery, &key);
    let case = Case {
        scheme: &contract.signature,
        secrets: &secrets,
        is_public: false,
        delivery: capture.delivery,
        id: &id,
        id_place: &contract.key.place(),
        origin: capture.origin,
        at: capture.at,
        others: &[],
    };
    let said = diagnose(&case);
    match said.code {
        // A captured delivery is old; its signature is right.
        "right" | "stale" | "early" => Held::Proven,
        _ => Held::Refuted(said.sentence),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::reading::read_contract;
    use crate::delivery::HeaderLine;
    use crate::files;

    fn shipped() -> Vec<Contract> {
        let text = |name: &str| files::shipped_contract(name).map(|file| file.text);
        let all = files::shipped_contracts();
        all.iter().filter_map(|name| read_contract(name, &text(name)?, &text).ok()).collect()
    }

    /// A delivery as a contract's sender signs it, with a body of the family.
    fn signed(contract: &Contract, secret: &[u8], body: &str, at: UnixMicros) -> Delivery {
        let key = contract.key.unique_key("hg1", 1);
        let body = contract.body_by_hand(body.as_bytes(), &key).expect("a body");
        let mut headers = vec![HeaderLine::new("Content-Type", contract.endpoint.content_type.clone())];
        headers
            .extend(contract.key.header.iter().map(|name| HeaderLine::new(name.clone(), contract.key.write(key.as_bytes()).into_owned())));
        let bare = Delivery { method: "POST".into(), path: "/in".into(), headers, body };
        contract.signature.keyed(secret).expect("a secret").signed(bare, &key, "https://h", at)
    }

    const ADYEN: &str = r#"{"live":"false","notificationItems":[{"NotificationRequestItem":{"amount":{"currency":"EUR","value":1130},"pspReference":"7","eventCode":"AUTHORISATION","merchantAccountCode":"T","merchantReference":"1","success":"true"}}]}"#;

    /// Every shipped contract is recognised from what its own sender sends: among the best by its lines alone, the best with the secret.
    #[test]
    fn every_shipped_contract_is_recognised() {
        let all = shipped();
        let at = UnixMicros::from_secs(1_759_694_703);
        let mut seen = 0;
        for contract in &all {
            let body = if contract.contract == "adyen" {
                ADYEN
            } else if contract.sends_forms() {
                "a=1"
            } else {
                r#"{"a":1}"#
            };
            let secret = contract.secret.for_tests.as_bytes();
            let delivery = signed(contract, secret, body, at);
            let capture = Capture { delivery: &delivery, origin: "https://h", at, secret: None };
            let best = matches(&all, capture);
            // Contracts that differ in nothing that a delivery shows share their place.
            let fits = |found: &[Match]| {
                found.iter().take_while(|one| one.score + 1 >= found[0].score).any(|one| one.contract == contract.contract)
            };
            assert!(!best.is_empty() && fits(&best), "{}: {best:#?}", contract.contract);
            let proven = matches(&all, Capture { secret: Some(secret), ..capture });
            assert!(fits(&proven) && proven[0].held == Held::Proven, "{}: {proven:#?}", contract.contract);
            seen += 1;
        }
        assert_eq!(seen, files::shipped_contracts().len());
    }

    /// What is signed with another secret is recognised by its lines, and the reason is told; what bears no line of any is not.
    #[test]
    fn what_the_secret_does_not_give_is_told() {
        let all = shipped();
        let at = UnixMicros::from_secs(1_759_694_703);
        let github = all.iter().find(|one| one.contract == "github-webhook").expect("a family");
        let delivery = signed(github, b"one secret\n", "{}", at);
        let capture = Capture { delivery: &delivery, origin: "", at, secret: Some(b"one secret") };
        let best = matches(&all, capture);
        assert_eq!(best[0].contract, "github-webhook");
        assert!(matches!(&best[0].held, Held::Refuted(why) if why.contains("line end")), "{best:?}");
        let bare = Delivery { headers: vec![HeaderLine::new("X-Acme-Signature", "00")], ..delivery.clone() };
        assert_eq!(matches(&all, Capture { delivery: &bare, ..capture }), []);
    }
}
