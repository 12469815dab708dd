//! One answer against one outcome.

use serde_json::Value;

use super::{Breach, INSTANT_TOLERANCE, Record, Records, is_broken};
use crate::clock::{UnixMicros, iso};
use crate::contract::key::KeyScope;
use crate::contract::outcome::{AnswerForm, Member, MemberValue, Refusal};
use crate::contract::{AfterFailure, Contract, Fingerprint, Level, OtherBody, Refusals};
use crate::delivery::Answer;
use crate::scenario::expect::Expect;
use crate::template::Template;

/// The delivery that an answer belongs to, and the one that it may be a duplicate of.
#[derive(Clone, Copy)]
pub struct Judged<'a> {
    /// The answer.
    pub answer: &'a Answer,
    /// Key and hash of the delivery, and when it was under way.
    pub record: &'a Record,
    /// What is known of the scenario's earlier deliveries.
    pub records: &'a Records,
}

/// Holds an answer against what is expected.
///
/// An empty list means that everything is as promised; breaches of level
/// `should` alone leave the outcome standing.
#[must_use]
pub fn judge(contract: &Contract, expect: &Expect, judged: Judged<'_>) -> Vec<Breach> {
    match expect {
        Expect::Accepted => against(&contract.outcomes.accepted, judged, None),
        Expect::DuplicateOf(first) => duplicate_of(contract, judged, first),
        Expect::Refused(why) => match refusal(contract, *why) {
            Some(outcome) => against(outcome, judged, None),
            None => rejected(judged.answer),
        },
        Expect::Rejected => rejected(judged.answer),
        Expect::NoAnswer => vec![Breach::must(describe(contract, expect), super::describe(&Ok(judged.answer.clone())))],
        Expect::AnyOf(any) => {
            let each: Vec<Vec<Breach>> = any.iter().map(|one| judge(contract, one, judged)).collect();
            match each.iter().find(|breaches| !is_broken(breaches)) {
                Some(fits) => fits.clone(),
                None => vec![Breach::must(describe(contract, expect), super::describe(&Ok(judged.answer.clone())))],
            }
        }
        Expect::Rather(ranked) => rather(contract, ranked, expect, judged),
        Expect::Failed | Expect::NotTaken => status_alone(contract, expect, judged),
        Expect::ReuseOf(first) => match refused_before(judged, first) {
            // What was refused used no key up, or its refusal is given again.
            Some(refused) if contract.refusals == Refusals::Kept && refused.status == judged.answer.status => Vec::new(),
            Some(_) if contract.other_body == OtherBody::Refused => duplicate_of(contract, judged, first),
            Some(_) | None => resolved(contract, expect).map_or_else(Vec::new, |one| judge(contract, &one, judged)),
        },
        Expect::ElsewhereOf(_) | Expect::Respelled(_) | Expect::AgainAfter(_) => {
            resolved(contract, expect).map_or_else(Vec::new, |one| judge(contract, &one, judged))
        }
    }
}

/// The refusal that an earlier delivery got, when it got one.
fn refused_before<'a>(judged: Judged<'a>, first: &str) -> Option<&'a Answer> {
    let earlier = judged.records.one(first).and_then(|record| record.result.as_ref().ok());
    earlier.filter(|answer| (400..=499).contains(&answer.status))
}

/// The outcome that a contract gives to what is done with an earlier delivery; `None` when it says nothing of it.
#[must_use]
pub fn resolved(contract: &Contract, expect: &Expect) -> Option<Expect> {
    let reuse = |first: &String| match contract.other_body {
        OtherBody::Duplicate => Expect::DuplicateOf(first.clone()),
        OtherBody::Refused => Expect::Refused(Refusal::OtherBody),
        OtherBody::New => Expect::Accepted,
    };
    match expect {
        Expect::ReuseOf(first) => Some(reuse(first)),
        Expect::ElsewhereOf(first) => contract.key.scope.map(|scope| match scope {
            KeyScope::Receiver => Expect::DuplicateOf(first.clone()),
            KeyScope::Path | KeyScope::PathAndQuery | KeyScope::Caller => Expect::Accepted,
        }),
        Expect::Respelled(first) => contract.fingerprint.map(|fingerprint| match fingerprint {
            Fingerprint::Json => Expect::DuplicateOf(first.clone()),
            Fingerprint::Raw => reuse(first),
        }),
        Expect::AgainAfter(_) => contract.failures.as_ref().map(|failures| match failures.then {
            AfterFailure::Retried => Expect::Accepted,
            AfterFailure::Replayed => Expect::Failed,
        }),
        Expect::Accepted
        | Expect::DuplicateOf(_)
        | Expect::Refused(_)
        | Expect::Rejected
        | Expect::NoAnswer
        | Expect::AnyOf(_)
        | Expect::Rather(_)
        | Expect::Failed
        | Expect::NotTaken => Some(expect.clone()),
    }
}

/// Outcomes that only the status tells.
fn status_alone(contract: &Contract, expect: &Expect, judged: Judged<'_>) -> Vec<Breach> {
    let status = judged.answer.status;
    let provoked = contract.failures.as_ref().and_then(|failures| failures.provoke.as_ref()).map(|provoke| provoke.status);
    let holds = if *expect == Expect::NotTaken { !(200..=299).contains(&status) } else { provoked.is_none_or(|wanted| wanted == status) };
    if holds { Vec::new() } else { vec![Breach::must(describe(contract, expect), super::describe(&Ok(judged.answer.clone())))] }
}

/// A delivery that was refused was never accepted: nothing can be its duplicate.
fn duplicate_of(contract: &Contract, judged: Judged<'_>, first: &str) -> Vec<Breach> {
    let earlier = judged.records.one(first);
    match refused_before(judged, first) {
        Some(refused) => {
            let expected = format!("no duplicate of `{first}`, which was refused with {}", refused.status);
            vec![Breach::must(expected, super::describe(&Ok(judged.answer.clone())))]
        }
        None => contract.duplicate().map_or_else(Vec::new, |form| against(form, judged, earlier)),
    }
}

fn rather(contract: &Contract, ranked: &[Expect], expect: &Expect, judged: Judged<'_>) -> Vec<Breach> {
    let place = ranked.iter().position(|one| !is_broken(&judge(contract, one, judged)));
    let observed = || super::describe(&Ok(judged.answer.clone()));
    match (place, ranked.first()) {
        (Some(0), Some(best)) => judge(contract, best, judged),
        (Some(_), Some(best)) => {
            vec![Breach { level: Level::Should, ..Breach::must(describe(contract, best), observed()) }]
        }
        (_, _) => vec![Breach::must(describe(contract, expect), observed())],
    }
}

/// The outcome that the contract describes for a refusal, or for the plainer one that it is a case of.
#[must_use]
pub fn refusal(contract: &Contract, why: Refusal) -> Option<&AnswerForm> {
    contract.outcomes.refusal(why).or_else(|| contract.outcomes.refusal(why.plainer()))
}

fn rejected(answer: &Answer) -> Vec<Breach> {
    if (400..=499).contains(&answer.status) {
        Vec::new()
    } else {
        vec![Breach::must("a refusal: a status from 400 to 499", super::describe(&Ok(answer.clone())))]
    }
}

/// What is expected, in words.
#[must_use]
pub fn describe(contract: &Contract, expect: &Expect) -> String {
    match expect {
        Expect::Accepted => format!("accepted as new ({})", contract.outcomes.accepted.statuses()),
        Expect::DuplicateOf(first) => {
            format!("a duplicate of `{first}` ({})", contract.duplicate().unwrap_or(&contract.outcomes.accepted).statuses())
        }
        Expect::Refused(why) => match refusal(contract, *why) {
            Some(outcome) => format!("refused for its {} ({})", why.name().replace('-', " "), outcome.statuses()),
            None => "a refusal: a status from 400 to 499".to_owned(),
        },
        Expect::NoAnswer => "no answer".to_owned(),
        Expect::Rejected => "a refusal: a status from 400 to 499".to_owned(),
        Expect::AnyOf(any) => any.iter().map(|one| describe(contract, one)).collect::<Vec<_>>().join(", or "),
        Expect::Rather(ranked) => ranked.iter().map(|one| describe(contract, one)).collect::<Vec<_>>().join(", rather than "),
        Expect::Failed => {
            let provoked = contract.failures.as_ref().and_then(|failures| failures.provoke.as_ref());
            provoked.map_or_else(|| "a failure".to_owned(), |provoke| format!("the failure that was provoked ({})", provoke.status))
        }
        Expect::NotTaken => "neither an acceptance nor a duplicate: no status from 200 to 299".to_owned(),
        Expect::ReuseOf(_) | Expect::ElsewhereOf(_) | Expect::Respelled(_) | Expect::AgainAfter(_) => {
            resolved(contract, expect).map_or_else(|| "any answer".to_owned(), |one| describe(contract, &one))
        }
    }
}

/// Holds an answer against one outcome; `first` is the delivery it should repeat.
#[must_use]
pub fn against(outcome: &AnswerForm, judged: Judged<'_>, first: Option<&Record>) -> Vec<Breach> {
    let answer = judged.answer;
    let mut breaches = Vec::new();
    if !outcome.allows_status(answer.status) {
        let expected = format!("status {}", outcome.statuses());
        return vec![Breach { shows: outcome.shows.clone(), ..Breach::must(expected, super::describe(&Ok(answer.clone()))) }];
    }
    for (name, start) in &outcome.headers {
        let found = answer.header(name);
        if !found.as_deref().is_some_and(|value| value.to_ascii_lowercase().starts_with(&start.to_ascii_lowercase())) {
            let observed = found.map_or_else(|| format!("no header {name}"), |value| format!("{name}: {value}"));
            breaches.push(Breach { shows: outcome.shows.clone(), ..Breach::must(format!("header {name}: {start}"), observed) });
        }
    }
    if outcome.same_body_as_first {
        let same = first.and_then(|first| first.result.as_ref().ok()).is_none_or(|reply| reply.body == answer.body);
        if !same {
            let observed = super::describe(&Ok(answer.clone()));
            breaches.push(Breach { shows: outcome.shows.clone(), ..Breach::must("the first delivery's body, byte for byte", observed) });
        }
    }
    let json = answer.json();
    for member in outcome.body.iter().filter(|member| member.level != Level::Free) {
        breaches.extend(member_breach(member, json.as_ref(), judged, first));
    }
    for name in &outcome.without {
        if let Some(found) = json.as_ref().and_then(|body| member_at(body, name)) {
            breaches.push(Breach::must(format!("no member `{name}` in the body"), format!("{name} = {found}")));
        }
    }
    breaches
}

/// Whether an answer breaks no *must* of an outcome whose first delivery is not known: [`against`] without the words.
///
/// * `json`: the answer's body as JSON, when it is, so that it is read once for several outcomes.
#[must_use]
pub fn fits(outcome: &AnswerForm, judged: Judged<'_>, json: Option<&Value>) -> bool {
    let starts = |name: &str, start: &str| {
        let value = judged.answer.headers.iter().find(|line| line.name.eq_ignore_ascii_case(name)).map(|line| &line.value);
        value.and_then(|value| value.get(..start.len())).is_some_and(|begin| begin.eq_ignore_ascii_case(start.as_bytes()))
    };
    outcome.allows_status(judged.answer.status)
        && outcome.headers.iter().all(|(name, start)| starts(name, start))
        && outcome.body.iter().filter(|member| member.level == Level::Must).all(|member| member_holds(member, json, judged, None))
        && outcome.without.iter().all(|name| json.is_none_or(|body| member_at(body, name).is_none()))
}

fn member_holds(member: &Member, json: Option<&Value>, judged: Judged<'_>, first: Option<&Record>) -> bool {
    let Some(body) = json else { return false };
    let found = member_at(body, &member.member);
    let text_found = found.and_then(Value::as_str);
    match &member.is {
        MemberValue::Constant(constant) => found == Some(constant),
        MemberValue::Text(text) if text.is_only("first.ts") => text_found.is_some_and(|instant| instant_fits(instant, first)),
        MemberValue::Text(text) if text.is_only("ts") => text_found.is_some_and(|instant| instant_fits(instant, Some(judged.record))),
        // Where nothing is known of the first delivery, any text will do.
        MemberValue::Text(text) => text_of(text, judged, first).map_or(text_found.is_some(), |wanted| text_found == Some(wanted.as_str())),
    }
}

fn member_breach(member: &Member, json: Option<&Value>, judged: Judged<'_>, first: Option<&Record>) -> Option<Breach> {
    if member_holds(member, json, judged, first) {
        return None;
    }
    let breach = |expected: String, observed: String| {
        Some(Breach { shows: member.shows.clone(), level: member.level, expected: format!("{} = {expected}", member.member), observed })
    };
    let Some(body) = json else {
        return breach("…".to_owned(), "the body is not JSON".to_owned());
    };
    let found = member_at(body, &member.member);
    let shown = found.map_or_else(|| format!("the body has no member `{}`", member.member), |v| format!("{} = {v}", member.member));
    let expected = match &member.is {
        MemberValue::Constant(constant) => constant.to_string(),
        MemberValue::Text(text) if text.is_only("first.ts") => describe_instant(first),
        MemberValue::Text(text) if text.is_only("ts") => describe_instant(Some(judged.record)),
        MemberValue::Text(text) => text_of(text, judged, first).map_or_else(|| "text".to_owned(), |wanted| format!("{wanted:?}")),
    };
    breach(expected, shown)
}

fn text_of(text: &Template, judged: Judged<'_>, first: Option<&Record>) -> Option<String> {
    text.fill(&|name| match name {
        "sha256" => Some(judged.record.sha256.clone()),
        "key" => Some(judged.record.key.clone()),
        "first.sha256" => first.map(|first| first.sha256.clone()),
        other => other.strip_prefix("body:").and_then(|names| {
            names.split('|').find_map(|name| crate::reference::answering::body_member(&judged.record.delivery.body, name))
        }),
    })
}

/// Whether an instant is the one that was told before, or lies when the delivery was under way.
fn instant_fits(instant: &str, about: Option<&Record>) -> bool {
    match (iso::read(instant), about) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some((at, _)), Some(about)) => match &about.referred_as {
            Some(before) => before == instant,
            None => within(at, about),
        },
    }
}

/// Whether `at` lies within the tolerance of the time in which a delivery was under way.
#[must_use]
pub fn within(at: UnixMicros, about: &Record) -> bool {
    at >= about.sent_at.minus(INSTANT_TOLERANCE) && at <= about.answered_at.plus(INSTANT_TOLERANCE)
}

fn describe_instant(about: Option<&Record>) -> String {
    match about {
        None => "a time, ISO 8601".to_owned(),
        Some(Record { referred_as: Some(before), .. }) => format!("{before:?}, as before"),
        Some(record) => format!("the time of the first delivery, about {:?}", iso::write(record.sent_at)),
    }
}

/// The member under a dotted path.
#[must_use]
pub fn member_at<'v>(body: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(body, |value, name| match value {
        Value::Array(items) => name.parse::<usize>().ok().and_then(|at| items.get(at)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => value.get(name),
    })
}

/// The instant that a duplicate's answer refers to, where the contract has a member for it.
#[must_use]
pub fn referred_instant(contract: &Contract, answer: &Answer) -> Option<String> {
    referred_in(contract, &answer.json()?).map(str::to_owned)
}

/// The same, in a body that was read already.
#[must_use]
pub fn referred_in<'v>(contract: &Contract, body: &'v Value) -> Option<&'v str> {
    crate::message::member_at(body, contract.reference_member()?)?.as_str()
}
