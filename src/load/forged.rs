//! Forged: deliveries that are to be refused, whatever else happens, and were taken.
//!
//! In: the answers to them. Out: how many there were of each kind, and those that a receiver took, as violations of the requirement that
//! the suite's catalogue names for such a delivery (a forgery of that kind, one without a key). What a history of keys cannot show is
//! told here: a forgery that is taken is an acceptance that some order of events explains.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::judging::{About, Checked, Found, Judged, Violation, line, verdict_of};
use super::mix::Kind;
use crate::contract::Contract;
use crate::contract::outcome::Refusal;
use crate::history::consistency::Operation;
use crate::outcome::mismatch::{self, MismatchCode};
use crate::scenario::requirement::Catalogue;
use crate::sign::tamper::Tamper;

/// So many are told in full.
const TOLD: usize = 5;

/// How such a delivery is spoiled; without a tamper it has no key.
type Spoiled = Option<Tamper>;

/// What one user has sent of them.
#[derive(Debug, Default)]
pub struct Sent {
    answered: BTreeMap<Spoiled, u64>,
    /// Those that were taken, by their place in the user's history.
    taken: Vec<(usize, Spoiled)>,
}

impl Sent {
    /// A delivery was answered, and stands at this place of the history.
    pub fn note(&mut self, kind: Kind, place: usize, status: u16, is_expected: bool) {
        let spoiled = match kind {
            Kind::Spoiled(tamper) => Some(tamper),
            Kind::MissingKey => None,
            Kind::Fresh | Kind::Duplicate | Kind::ConflictingBody | Kind::Burst => return,
        };
        *self.answered.entry(spoiled).or_default() += 1;
        if !is_expected && (200..=299).contains(&status) {
            self.taken.push((place, spoiled));
        }
    }

    /// From this place of the history on, nobody knows which answer belongs to which delivery.
    pub fn doubt(&mut self, from: usize) {
        self.taken.retain(|(place, _)| *place < from);
    }
}

/// What all users have sent of them.
#[derive(Debug, Default)]
pub struct Forged(Mutex<BTreeMap<Spoiled, (u64, Vec<Operation>)>>);

impl Forged {
    /// Adds what a user has sent, whose history this is.
    pub fn add(&self, sent: &Sent, history: &[Operation]) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (spoiled, count) in &sent.answered {
            all.entry(*spoiled).or_default().0 += count;
        }
        for (place, spoiled) in &sent.taken {
            all.entry(*spoiled).or_default().1.extend(history.get(*place));
        }
    }
}

/// The requirement that such a delivery breaks when it is taken.
fn requirement(catalogue: &Catalogue, contract: &Contract, spoiled: Spoiled) -> Option<String> {
    let tamper = spoiled.and_then(|tamper| serde_json::to_value(tamper).ok()?.as_str().map(str::to_owned));
    let why = if spoiled.is_some() { Refusal::Signature } else { Refusal::MissingKey };
    let code = MismatchCode { tamper, why: Some(why), ..MismatchCode::of(mismatch::Kind::RefusalTaken) };
    let of = |code: &String| catalogue.speaks.get(code).or_else(|| catalogue.underlies.get(code));
    let ids = code.codes().iter().find_map(of)?;
    ids.iter().find(|id| catalogue.get(id).is_some() && contract.promises(id)).cloned()
}

impl Found {
    /// Adds what was to be refused and was taken.
    pub fn add_forged(&mut self, catalogue: &Catalogue, forged: &Forged, about: &About<'_>) {
        for (spoiled, (answered, taken)) in forged.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let Some(id) = requirement(catalogue, about.contract, *spoiled) else { continue };
            let violations = taken.len() as u64;
            match self.requirements.iter_mut().find(|one| one.id == id) {
                Some(one) => {
                    (one.checked, one.violations) = (one.checked + answered, one.violations + violations);
                    one.verdict = verdict_of(one.checked, one.violations);
                }
                None => {
                    let verdict = verdict_of(*answered, violations);
                    self.requirements.push(Judged::of(catalogue, &id, verdict, *answered, violations).counting(Checked::Answers));
                }
            }
            self.violations.extend(taken.iter().take(TOLD).map(|one| Violation {
                requirement: id.clone(),
                key: (about.key)(one.key),
                why: "it was to be refused, and was taken".to_owned(),
                operations: vec![line(one)],
                rows: None,
                curl: String::new(),
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::reading::read_contract;
    use crate::files;
    use crate::history::consistency::NEVER;
    use crate::outcome::{Outcome, OutcomeSet};

    /// A forgery that is taken breaks what its kind stands for; one whose answer may be another delivery's breaks nothing.
    #[test]
    fn what_is_taken_breaks_the_requirement_of_its_kind() {
        let contract = read_contract("c", &files::shipped_contract("orch-phase3").unwrap().text, &|_| None).unwrap();
        let told = |tamper| requirement(&suite(), &contract, tamper);
        assert_eq!(told(Some(Tamper::WrongSecret)).as_deref(), Some("AUTH-2"));
        assert_eq!(told(Some(Tamper::Absent)).as_deref(), Some("AUTH-3"));
        assert_eq!(told(None).as_deref(), Some("KEY-1"));
        let one = |key| Operation { key, outcome: OutcomeSet::only(Outcome::Accepted), invoked: 1, returned: 2, refers_to: NEVER };
        let history = [one(1), one(2), one(3), one(4)];
        let mut sent = Sent::default();
        let spoiled = Kind::Spoiled(Tamper::WrongSecret);
        sent.note(Kind::Fresh, 0, 202, true);
        sent.note(spoiled, 1, 202, false);
        sent.note(spoiled, 2, 401, true);
        sent.note(spoiled, 3, 202, false);
        sent.doubt(2);
        let forged = Forged::default();
        forged.add(&sent, &history);
        let mut found = Found::default();
        let (key, curl) = (|key: u32| key.to_string(), |_: u32| String::new());
        let about = About { key: &key, curl: &curl, tells_duplicates: true, contract: &contract, past_is_open: false };
        found.add_forged(&suite(), &forged, &about);
        let told: Vec<_> = found.requirements.iter().map(|one| (one.id.as_str(), one.checked, one.violations)).collect();
        assert_eq!(told, [("AUTH-2", 3, 1)]);
        assert_eq!(found.violations.iter().map(|one| one.key.as_str()).collect::<Vec<_>>(), ["2"]);
    }

    fn suite() -> Catalogue {
        let text = include_str!("../../scenarios/core/requirements.yaml");
        Catalogue::read("requirements.yaml", text).expect("it has no mistake")
    }
}
