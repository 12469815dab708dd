//! Attribution: what kind of thing a mismatch is, and which requirement it is filed under.
//!
//! In: what was due, what came, and how the delivery differs from the plainest
//! one of its kind. Out: codes ([`MismatchCode`]), and the requirement that speaks
//! of them. A scenario's own requirement is the last resort: where an answer's
//! form is wrong, the one that speaks of the form is meant, and where the
//! plainest delivery of its kind fails, the one that everything else stands on.

use crate::contract::outcome::Refusal;
use crate::contract::{Contract, Level};
use crate::judge::Setting;
use crate::judge::check::Mismatch;
use crate::outcome::mismatch::{Kind, MismatchCode, When};
use crate::outcome::reader::refusal_form;
use crate::outcome::{Outcome, OutcomeSet};
use crate::scenario::Step;
use crate::scenario::deliver::Deliver;
use crate::scenario::expect::Expect;
use crate::scenario::requirement::Catalogue;
use crate::sign::tamper::Tamper;

/// The name of what is wrong with a failure that is not given again.
const AGAIN: &str = "again";
/// The names of what came instead of a refusal for another body: the duplicate's answer, or one that may be either's.
const AS_DUPLICATE: &str = "duplicate";
const AS_EITHER: &str = "either";

/// What was due, as far as it matters for a mismatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Accepted,
    Duplicate,
    Refused(Refusal),
    Rejected,
    Failure,
    Either,
}

/// What is known of a delivery whose outcome is another than was due.
#[derive(Clone)]
pub(super) struct Case<'a> {
    /// What was due, under the contract.
    pub(super) expect: &'a Expect,
    /// The delivery, as its step says it.
    pub(super) deliver: &'a Deliver,
    /// What its answer may be.
    pub(super) set: OutcomeSet,
    /// The answer's status.
    pub(super) status: u16,
    /// Whether its key was taken before.
    pub(super) known: bool,
    /// Under which circumstances it came.
    pub(super) when: Vec<When>,
}

/// Tells what kind of thing the mismatches of one answer are.
pub(super) fn classify(contract: &Contract, case: &Case<'_>, mismatches: &mut [Mismatch]) {
    let due = due(case.expect);
    let decided = decision(due, case.expect, case.set, case.known);
    for mismatch in mismatches {
        let whole = mismatch.code.is_of_outcome();
        // A description that fits another outcome as well is told by its outcome only.
        let astray = whole && due == Due::Duplicate && case.set.is(Outcome::Duplicate);
        let decided = if astray { Some(Kind::NewToldAsDuplicate) } else { decided };
        let decided = decided.map(|kind| {
            let forged = case.deliver.signature.is_some_and(|tamper| !tamper.passes());
            // Where answers are alike, what a forgery got may be the duplicate's.
            let spied = kind == Kind::RefusalTaken && forged && case.known && case.set.may_be(Outcome::Duplicate);
            if spied { Kind::RefusalToldAsDuplicate } else { kind }
        });
        // Whoever is told that a forgery's key came with another body was looked up before the signature was.
        let forged = case.deliver.signature.is_some_and(|tamper| !tamper.passes());
        let looked_up =
            forged && case.known && due != Due::Refused(Refusal::OtherBody) && case.set.is(Outcome::Refused(Refusal::OtherBody));
        let decided = if looked_up { Some(Kind::RefusalToldAsDuplicate) } else { decided };
        if decided.is_some() {
            // The members of another outcome's answer are not wrong: the outcome is.
            mismatch.shows = None;
            mismatch.code = MismatchCode::default();
        }
        if whole || decided.is_some() {
            mismatch.code.kind = decided.unwrap_or_else(|| by_status(due, case.status, case.set));
            mismatch.code.status = Some(case.status);
            mismatch.code.due = due_statuses(contract, due);
            mismatch.code.why = refusal_in(case.set);
            // The failure has come: it is its repetition that does not.
            let is_again = mismatch.code.kind == Kind::NoFailure && !case.deliver.provoke_failure;
            mismatch.code.name = is_again.then(|| AGAIN.to_owned()).or(mismatch.code.name.take());
            // The description names who speaks of its form, not of an outcome that is another.
            if matches!(mismatch.code.kind, Kind::RepeatRefused | Kind::RepeatFailed) {
                mismatch.shows = None;
            }
        }
        told_of(&mut mismatch.code, due, case.deliver, &case.when, case.known);
        // Whose key is in use is not taken anew where the first one's answer comes once more.
        if mismatch.code.kind == Kind::RefusalTaken && mismatch.code.why == Some(Refusal::OtherBody) && !case.set.is(Outcome::Accepted) {
            let name = if case.set.is(Outcome::Duplicate) { AS_DUPLICATE } else { AS_EITHER };
            mismatch.code.name = Some(name.to_owned());
        }
    }
}

/// Adds what is known of the delivery.
pub(super) fn told_of_delivery(code: &mut MismatchCode, expect: Option<&Expect>, deliver: &Deliver, when: &[When]) {
    told_of(code, expect.map_or(Due::Either, due), deliver, when, true);
}

fn told_of(code: &mut MismatchCode, due: Due, deliver: &Deliver, when: &[When], known: bool) {
    code.when = when.to_vec();
    if code.kind == Kind::NewToldAsDuplicate && !when.contains(&When::AfterRefusal) && !known {
        // Of a key that never came before neither its age nor its bodies tell anything.
        code.when.retain(|when| !matches!(when, When::Aged | When::Prolonged | When::OtherBody));
    }
    if !matches!(code.kind, Kind::NewToldAsDuplicate | Kind::HonestRefused) {
        // What came of a life is all that it can have been prolonged by.
        code.when.retain(|when| *when != When::Prolonged);
    }
    if code.when.contains(&When::Aged) && code.kind != Kind::HonestRefused {
        // What time has made of a key is another story than what a refusal has.
        code.when.retain(|when| *when != When::AfterRefusal);
    }
    // Of an honest delivery that was refused it is told how it was signed, too: whether its time lay just inside.
    let tells = |tamper: &Tamper| !tamper.passes() || code.kind == Kind::HonestRefused;
    code.tamper = deliver.signature.filter(tells).and_then(name_of);
    code.why = match (code.kind, due) {
        (Kind::RefusalTaken | Kind::RefusalToldAsDuplicate | Kind::RefusalFailed | Kind::RefusedOtherwise, Due::Refused(why)) => Some(why),
        (Kind::RefusalTaken | Kind::RefusalToldAsDuplicate | Kind::RefusalFailed | Kind::RefusedOtherwise, _) => Some(why_refused(deliver)),
        (_, _) => code.why,
    };
}

/// A tamper's name, as scenarios call it.
fn name_of(tamper: Tamper) -> Option<String> {
    serde_json::to_value(tamper).ok()?.as_str().map(str::to_owned)
}

/// Why an answer says that its delivery was refused, where it is a refusal that the contract describes.
fn refusal_in(set: OutcomeSet) -> Option<Refusal> {
    Refusal::ALL.into_iter().find(|why| set.is_refusal() && set.may_be(Outcome::Refused(*why)))
}

/// Why a delivery is refused that may be refused for several reasons.
fn why_refused(deliver: &Deliver) -> Refusal {
    match deliver.signature {
        Some(Tamper::Absent | Tamper::Empty | Tamper::Blank) => Refusal::MissingSignature,
        Some(_) => Refusal::Signature,
        None if deliver.no_key => Refusal::MissingKey,
        None if deliver.method.is_some() => Refusal::Method,
        None => Refusal::Signature,
    }
}

fn due(expect: &Expect) -> Due {
    match expect {
        Expect::Accepted => Due::Accepted,
        Expect::DuplicateOf(_) => Due::Duplicate,
        Expect::Refused(why) => Due::Refused(*why),
        Expect::Rejected | Expect::NotTaken => Due::Rejected,
        Expect::Failed => Due::Failure,
        Expect::Rather(ranked) => ranked.first().map_or(Due::Either, due),
        Expect::AnyOf(any) => {
            let each: Vec<Due> = any.iter().map(due).collect();
            match each.first() {
                Some(first @ Due::Refused(_)) if each.iter().all(|one| matches!(one, Due::Refused(_) | Due::Rejected)) => *first,
                Some(first) if each.iter().all(|one| one == first) => *first,
                Some(_) | None => Due::Either,
            }
        }
        Expect::OnceWith(_)
        | Expect::KeptRefusalOf(_)
        | Expect::NoAnswer
        | Expect::ReuseOf(_)
        | Expect::ElsewhereOf(_)
        | Expect::Respelled(_)
        | Expect::AgainAfter(_) => Due::Either,
    }
}

/// Whether one of several outcomes that conform is `wanted`; of what hangs on an earlier answer nobody knows.
fn allows(expect: &Expect, wanted: Due) -> bool {
    match expect {
        Expect::AnyOf(any) => any.iter().any(|one| allows(one, wanted)),
        Expect::OnceWith(_) => true,
        other => due(other) == wanted,
    }
}

/// What an answer says that is surely another outcome than was due.
///
/// * `known`: whether its key was taken before: an acceptance that is wrong is then that of a duplicate.
fn decision(due: Due, expect: &Expect, set: OutcomeSet, known: bool) -> Option<Kind> {
    match due {
        Due::Accepted if set.is(Outcome::Duplicate) => Some(Kind::NewToldAsDuplicate),
        Due::Duplicate if set.is(Outcome::Accepted) => Some(Kind::RepeatTakenAsNew),
        Due::Either if set.is(Outcome::Duplicate) && !allows(expect, Due::Duplicate) => Some(Kind::NewToldAsDuplicate),
        Due::Either if set.is(Outcome::Accepted) && (known || !allows(expect, Due::Accepted)) => Some(Kind::RepeatTakenAsNew),
        Due::Refused(_) | Due::Rejected if set.is_taken() => Some(Kind::RefusalTaken),
        Due::Accepted | Due::Duplicate | Due::Either | Due::Failure | Due::Refused(Refusal::OtherBody) if set.is(Outcome::InFlight) => {
            Some(Kind::StillInFlight)
        }
        Due::Accepted | Due::Duplicate | Due::Refused(_) | Due::Rejected | Due::Failure | Due::Either => None,
    }
}

fn by_status(due: Due, status: u16, set: OutcomeSet) -> Kind {
    // A contract may describe refusals with the status of acceptances, whose bodies say no.
    let (taken, failed) = ((200..=299).contains(&status) && !set.is_refusal(), status >= 500);
    match due {
        Due::Accepted if failed => Kind::HonestFailed,
        Due::Accepted if taken => Kind::AcceptedOtherwise,
        Due::Accepted => Kind::HonestRefused,
        Due::Duplicate if failed => Kind::RepeatFailed,
        Due::Duplicate if taken => Kind::DuplicateOtherwise,
        Due::Duplicate => Kind::RepeatRefused,
        Due::Refused(_) | Due::Rejected if failed => Kind::RefusalFailed,
        Due::Refused(_) | Due::Rejected if taken => Kind::RefusalTaken,
        Due::Refused(_) | Due::Rejected => Kind::RefusedOtherwise,
        Due::Failure => Kind::NoFailure,
        Due::Either if failed => Kind::OddFailed,
        Due::Either => Kind::OddOtherwise,
    }
}

fn due_statuses(contract: &Contract, due: Due) -> Option<String> {
    match due {
        Due::Accepted => Some(contract.outcomes.accepted.statuses()),
        Due::Duplicate => Some(contract.duplicate().unwrap_or(&contract.outcomes.accepted).statuses()),
        Due::Refused(why) => refusal_form(contract, why).map(crate::contract::outcome::AnswerForm::statuses),
        Due::Rejected | Due::Failure | Due::Either => None,
    }
}

/// The requirement that a mismatch is filed under, and the one that it stands on.
///
/// What the contract names for the very member; who speaks of such a thing whatever the scenario is about; who underlies it, where
/// the delivery was the plainest of its kind; and else the step's own, or the scenario's. Whether it is promised is another
/// question: what belongs to one is never moved to another.
///
/// * `is_later`: whether the scenario has found something before.
pub(super) fn requirement_of(
    catalogue: &Catalogue,
    contract: &Contract,
    shows: &[String],
    step: &Step,
    mismatch: &mut Mismatch,
    is_later: bool,
) -> String {
    let codes = mismatch.code.codes();
    let of = |map: &std::collections::BTreeMap<String, Vec<String>>| {
        let ids = codes.iter().find_map(|code| map.get(code)).into_iter().flatten();
        ids.filter(|id| catalogue.get(id).is_some() && contract.promises(id)).cloned().collect::<Vec<String>>()
    };
    let scope = if step.shows.is_empty() { shows } else { &step.shows };
    let own = scope.first().cloned().unwrap_or_default();
    let speaks_of_form = step.expect.as_ref().and_then(|expect| match expect.under(contract) {
        // Of several outcomes that conform, the first whose answers are spoken of.
        Expect::AnyOf(any) | Expect::Rather(any) => any.iter().find_map(|one| of_form(catalogue, contract, due(one))),
        one => of_form(catalogue, contract, due(&one)),
    });
    if mismatch.code.kind == Kind::NoJson && speaks_of_form.is_some() {
        mismatch.shows = None;
    }
    mismatch.code.under = of(&catalogue.underlies);
    mismatch.code.under.extend(mismatch.shows.clone().filter(|id| catalogue.get(id).is_some() && contract.promises(id)));
    if is_form(mismatch.code.kind) && mismatch.code.under.is_empty() {
        mismatch.code.under.extend(speaks_of_form.clone());
    }
    if mismatch.code.kind == Kind::NewToldAsDuplicate {
        mismatch.code.by_form = of_form(catalogue, contract, Due::Accepted);
    }
    // Where nothing of an answer can be read, no member of it is wrong.
    if mismatch.code.kind == Kind::NoJson
        && let Some(speaking) = of(&catalogue.speaks).into_iter().next().filter(|_| !is_later)
    {
        return speaking;
    }
    if let Some(named) = mismatch.shows.as_ref().filter(|id| scope.contains(id)) {
        return named.clone();
    }
    // What a suite says of circumstances is meant of them, whichever member it is.
    let of_circumstances = codes.iter().filter(|code| code.contains('@')).find_map(|code| catalogue.speaks.get(code));
    let promised = |id: &&String| catalogue.get(id).is_some() && contract.promises(id);
    let speaking: Vec<&String> = of_circumstances.into_iter().flatten().filter(promised).collect();
    if let Some(speaking) = speaking.iter().find(|id| scope.contains(id)).or(speaking.first()).filter(|_| !is_later) {
        return (*speaking).clone();
    }
    // What comes after another finding, or in an odd way, may be wrong because of that.
    let is_odd = |when: &When| matches!(when, When::OddKey | When::OddWay | When::Aged);
    let together = mismatch.code.kind == Kind::References && mismatch.code.when.contains(&When::AtOnce);
    let odd = together || mismatch.code.when.iter().any(is_odd);
    if let Some(named) = mismatch.shows.as_ref().filter(|id| !is_later && !odd && catalogue.get(id).is_some() && contract.promises(id)) {
        return named.clone();
    }
    // Of several that speak of it, the one that the scenario is about.
    let speaking = of(&catalogue.speaks);
    if let Some(speaking) = speaking.iter().find(|id| scope.contains(id)).or(speaking.first()).filter(|_| !is_later) {
        // Who refuses a forgery otherwise only when it comes in an odd way has not understood the way; where a plain one is refused so, too,
        // that explains both.
        let by_the_way = mismatch.code.kind == Kind::RefusedOtherwise && mismatch.code.when.contains(&When::OddWay);
        if by_the_way && !own.is_empty() {
            mismatch.code.under.insert(0, speaking.clone());
            return own;
        }
        return speaking.clone();
    }
    // Failures come and go: one among many that went well is no less plain for its coming later.
    let plain = mismatch.code.is_plain() || (mismatch.code.kind == Kind::HonestFailed && mismatch.code.special().is_empty());
    let by_form = is_form(mismatch.code.kind) && speaks_of_form.is_some() && mismatch.code.under.first() == speaks_of_form.as_ref();
    let plainly = plain && (by_form || is_decided(mismatch.code.kind)) && mismatch.level == Level::Must && !is_later;
    mismatch.code.under.first().filter(|_| plainly).cloned().or_else(|| keyless(catalogue, contract, &mismatch.code)).unwrap_or(own)
}

/// Who speaks of the circumstances of a mismatch, whatever the scenario is about, and is promised.
pub(super) fn of_circumstances<'s>(setting: &'s Setting, code: &MismatchCode) -> Option<&'s String> {
    let codes = code.codes();
    let spoken = codes.iter().filter(|code| code.contains('@')).find_map(|code| setting.catalogue.speaks.get(code));
    let promised = |id: &&String| setting.catalogue.get(id).is_some() && setting.contract().promises(id);
    spoken.into_iter().flatten().find(promised)
}

/// The requirement that a key is not missed, where one is and the contract does not promise it: that a delivery without a key was taken
/// breaks nothing else either.
fn keyless(catalogue: &Catalogue, contract: &Contract, code: &MismatchCode) -> Option<String> {
    let is_keyless = code.kind == Kind::RefusalTaken && matches!(code.why, Some(Refusal::MissingKey | Refusal::EmptyKey));
    let speaking = code.codes().iter().find_map(|code| catalogue.underlies.get(code)?.first().cloned());
    speaking.filter(|id| is_keyless && catalogue.get(id).is_some() && !contract.promises(id))
}

/// Whether it is what an outcome's answer looks like that is wrong, while the outcome is the one that was due.
fn is_form(kind: Kind) -> bool {
    matches!(kind, Kind::Member | Kind::Header | Kind::MediaType | Kind::NoJson | Kind::Body)
}

/// The requirement that speaks of an outcome's answer, which is not what the scenario is about: what is wrong with the plainest one is its.
fn of_form(catalogue: &Catalogue, contract: &Contract, due: Due) -> Option<String> {
    let code = match due {
        Due::Accepted => "accepted-otherwise".to_owned(),
        Due::Duplicate => "duplicate-otherwise".to_owned(),
        Due::Refused(why) => format!("refused-otherwise.{}", why.name()),
        Due::Rejected | Due::Failure | Due::Either => return None,
    };
    let speaking = catalogue.speaks.get(&code)?.iter().find(|id| catalogue.get(id).is_some() && contract.promises(id));
    speaking.cloned()
}

/// Whether an answer to the plainest delivery of its kind tells by itself who speaks of it.
pub(super) fn is_decided(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::HonestRefused
            | Kind::HonestFailed
            | Kind::NewToldAsDuplicate
            | Kind::RepeatTakenAsNew
            | Kind::RepeatRefused
            | Kind::RepeatFailed
            | Kind::RefusalTaken
            | Kind::RefusalToldAsDuplicate
            | Kind::RefusalFailed
    )
}

/// Whether such a thing follows from an answer's being that of another outcome.
pub(super) fn follows(kind: Kind) -> bool {
    matches!(kind, Kind::FirstTold | Kind::Member | Kind::Header | Kind::MediaType | Kind::NoJson | Kind::Body)
}

/// What a step that says only a status means by it: forgeries and deliveries without a key are refused, others taken.
pub(super) fn meant(deliver: &Deliver, known: bool) -> Expect {
    let forged = deliver.signature.is_some_and(|tamper| !tamper.passes());
    if forged || deliver.no_key {
        Expect::Rejected
    } else if known {
        Expect::DuplicateOf(String::new())
    } else {
        Expect::Accepted
    }
}
