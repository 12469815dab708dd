//! Visit: a few deliveries before a suite is played, what each of them showed,
//! and why nothing else can be judged, when honest ones are turned away.
//!
//! In: a contract, and what came of an honest delivery, its repeat, a forgery,
//! one without a key, one without a signature, a GET and the health check. Out:
//! a [`Line`] each, and, where no honest delivery was accepted, the most likely
//! [`Refused`]. Nothing is sent in here: an engine does that (`run::visit`),
//! and tries what [`tries`] names. Sentences are made of codes in `report`.
//!
//! **Invariant:** a receiver that accepts anything is never stopped here.

pub mod cause;
pub mod slips;
pub mod tries;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::cause::Code;
use crate::contract::Contract;
use crate::contract::outcome::{AnswerForm, Refusal};
use crate::delivery::{Answer, NoAnswer};
use crate::outcome::reader::refusal_form;
use crate::outcome::{Outcome, OutcomeSet};

/// What is sent on a visit, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Probe {
    /// An honest delivery with a key of its own.
    Honest,
    /// The same once more.
    Repeat,
    /// What the two have done, where effects are counted.
    Effect,
    /// One that was signed with another secret.
    Forgery,
    /// An honest one without a key.
    NoKey,
    /// One without a signature.
    NoSignature,
    /// A GET where deliveries go.
    Get,
    /// The health check.
    Health,
}

impl Probe {
    /// Its name, as in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Honest => "honest",
            Self::Repeat => "repeat",
            Self::Effect => "effect",
            Self::Forgery => "forgery",
            Self::NoKey => "no-key",
            Self::NoSignature => "no-signature",
            Self::Get => "get",
            Self::Health => "health",
        }
    }
}

/// Whether what came is what the contract says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// It is.
    Right,
    /// It is not.
    Wrong,
    /// The contract does not say what is due, or nothing came.
    NotJudged,
}

impl Found {
    /// Its name, as in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::NotJudged => "not-judged",
        }
    }
}

/// What one of them showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// What was sent.
    pub probe: Probe,
    /// Whether that is as promised.
    pub found: Found,
    /// The statuses that were due; empty where the contract does not say.
    pub due: String,
    /// What came, in one line; or why it was not sent.
    pub observed: String,
}

/// Why nothing else can be judged: honest deliveries are turned away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refused {
    /// The most likely cause.
    pub code: Code,
    /// What its sentences speak of, by name.
    pub facts: BTreeMap<String, String>,
    /// The cause in English, as a sentence without a full stop.
    pub sentence: String,
    /// What to try, in English.
    pub advice: String,
    /// The statuses that were due.
    pub expected: String,
    /// What came.
    pub observed: String,
    /// The status that came.
    pub status: u16,
    /// The requirement that speaks of it.
    pub requirement: String,
    /// The command that sends the same delivery again.
    pub curl: String,
    /// Whether scenarios that show only this are played all the same.
    #[serde(skip)]
    pub is_told_by_scenarios: bool,
}

/// What a visit showed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Visit {
    /// A line each.
    pub lines: Vec<Line>,
    /// Why nothing else can be judged, when nothing can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
}

impl Visit {
    /// Whether something is not as promised.
    #[must_use]
    pub fn finds_something(&self) -> bool {
        self.refused.is_some() || self.lines.iter().any(|line| line.found == Found::Wrong)
    }
}

/// Whether what came of an honest delivery with a fresh key is an acceptance, or anything but turning it away: told as
/// a duplicate or as under way, wrong in its form, or not known.
#[must_use]
pub fn is_let_in(contract: &Contract, result: &Result<Answer, NoAnswer>, set: OutcomeSet) -> bool {
    let Ok(answer) = result else { return true };
    if cause::is_page_for_json(contract, answer) {
        return false;
    }
    if set.is_refusal() {
        return false;
    }
    let is_known = [Outcome::Accepted, Outcome::Duplicate, Outcome::InFlight].into_iter().any(|one| set.may_be(one));
    is_known || (200..=299).contains(&answer.status) || contract.outcomes.accepted.allows_status(answer.status)
}

/// What a probe showed, held against the contract.
///
/// * `set`: what its answer may be.
/// * `told`: the answer in one line.
#[must_use]
pub fn line(contract: &Contract, probe: Probe, result: &Result<Answer, NoAnswer>, set: OutcomeSet, told: String) -> Line {
    let due = due(contract, probe);
    let found = match (result, due.is_empty()) {
        (_, true) => Found::NotJudged,
        (Err(none), false) if none.is_premature(contract.limits.answer.0) => Found::NotJudged,
        (Err(_), false) => Found::Wrong,
        (Ok(answer), false) if is_as_due(contract, probe, answer, set) => Found::Right,
        (Ok(_), false) => Found::Wrong,
    };
    Line { probe, found, due, observed: told }
}

/// The requirement that speaks of a probe, where a contract may leave it out.
fn requirement(probe: Probe) -> Option<&'static str> {
    match probe {
        Probe::Honest | Probe::Repeat | Probe::Effect | Probe::Health => None,
        Probe::Forgery => Some("AUTH-2"),
        Probe::NoKey => Some("KEY-1"),
        Probe::NoSignature => Some("AUTH-3"),
        Probe::Get => Some("HTTP-2"),
    }
}

/// What the honest delivery and its repeat have done, as it was counted: the work is done once.
#[must_use]
pub fn effect_line(counted: Result<u64, String>) -> Line {
    const ONCE: u64 = 1;
    let found = match counted {
        Ok(ONCE) => Found::Right,
        Ok(_) => Found::Wrong,
        Err(_) => Found::NotJudged,
    };
    Line { probe: Probe::Effect, found, due: ONCE.to_string(), observed: counted.map_or_else(|why| why, |count| count.to_string()) }
}

/// The statuses that are due; empty where the contract does not say.
fn due(contract: &Contract, probe: Probe) -> String {
    if requirement(probe).is_some_and(|id| !contract.promises(id)) {
        return String::new();
    }
    let refused = |why: Refusal| refusal_form(contract, why).map_or_else(String::new, AnswerForm::statuses);
    match probe {
        Probe::Honest => contract.outcomes.accepted.statuses(),
        Probe::Repeat if !contract.is_by_key() => contract.outcomes.accepted.statuses(),
        Probe::Repeat => contract.duplicate().map_or_else(String::new, AnswerForm::statuses),
        Probe::Forgery => refused(Refusal::Signature),
        Probe::NoKey => refused(Refusal::MissingKey),
        Probe::NoSignature => refused(Refusal::MissingSignature),
        Probe::Effect => String::new(),
        Probe::Get => contract.outcomes.refusal(Refusal::Method).map_or_else(String::new, AnswerForm::statuses),
        Probe::Health => contract.health.as_ref().map_or_else(String::new, |health| health.status.to_string()),
    }
}

fn is_as_due(contract: &Contract, probe: Probe, answer: &Answer, set: OutcomeSet) -> bool {
    let refused = |why: Refusal| refusal_form(contract, why).is_some_and(|form| form.allows_status(answer.status));
    match probe {
        Probe::Honest => set.may_be(Outcome::Accepted),
        Probe::Repeat if !contract.is_by_key() => set.may_be(Outcome::Accepted),
        // Another delivery of the visit is under way beside it, never its own.
        Probe::Repeat => set.may_be(Outcome::Duplicate) || (set.may_be(Outcome::Accepted) && contract.repeats_first_answer()),
        Probe::Forgery => refused(Refusal::Signature),
        Probe::NoKey => refused(Refusal::MissingKey),
        Probe::NoSignature => refused(Refusal::MissingSignature),
        // Counted, not answered: see `effect_line`.
        Probe::Effect => false,
        Probe::Get => contract.outcomes.refusal(Refusal::Method).is_some_and(|form| form.allows_status(answer.status)),
        Probe::Health => contract.health.as_ref().is_some_and(|health| health.status == answer.status),
    }
}
