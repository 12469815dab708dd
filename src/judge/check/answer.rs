//! One answer against one outcome.

use std::borrow::Cow;

use serde_json::Value;

use super::{Bindings, INSTANT_TOLERANCE, Mismatch, is_broken};
use crate::clock::{UnixMicros, iso};
use crate::contract::outcome::{AnswerForm, Member, MemberValue};
use crate::contract::{Contract, Level, OtherBody, Refusals};
use crate::delivery::Answer;
use crate::history::record::Record;
use crate::message::{is_same, member_at};
use crate::outcome::members::Values;
use crate::outcome::mismatch::{Kind, MismatchCode};
use crate::outcome::reader::{Reader, refusal_form};
use crate::outcome::{Outcome, OutcomeSet};
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
    pub bindings: &'a Bindings,
}

impl Judged<'_> {
    /// What the answer may be.
    fn outcome(&self, reader: &Reader) -> OutcomeSet {
        reader.read(self.answer, &self.record.values())
    }
}

/// Holds an answer against what is expected.
///
/// An empty list means that everything is as promised; mismatches of level
/// `should` alone leave the outcome standing.
#[must_use]
pub fn judge(reader: &Reader, expect: &Expect, judged: Judged<'_>) -> Vec<Mismatch> {
    let contract = reader.contract();
    if let Expect::ReuseOf(first) = expect
        && let Some(refused) = refused_before(reader, judged, first)
    {
        // What was refused used no key up, or its refusal is given again.
        if contract.refusals == Refusals::Kept && refused.status == judged.answer.status {
            return Vec::new();
        }
        if contract.other_body == OtherBody::Refused {
            return duplicate_of(reader, judged, first);
        }
    }
    against_expectation(reader, &expect.under(reader.contract()), judged)
}

/// The same, for an expectation that was resolved under the contract.
fn against_expectation(reader: &Reader, expect: &Expect, judged: Judged<'_>) -> Vec<Mismatch> {
    let contract = reader.contract();
    let observed = || super::describe(&Ok(judged.answer.clone()));
    let mismatch = || vec![Mismatch::must(describe(contract, expect), observed())];
    match expect {
        Expect::Accepted => {
            let mismatches = outcome(reader, Outcome::Accepted, &contract.outcomes.accepted, judged, None);
            if is_broken(&mismatches) && judged.record.repeats_itself(reader) { repetition_of_itself(reader, judged) } else { mismatches }
        }
        Expect::DuplicateOf(first) => duplicate_of(reader, judged, first),
        Expect::Refused(why) => match refusal_form(contract, *why) {
            Some(form) => against(form, judged, None),
            None => rejected(reader, judged),
        },
        Expect::OnceWith(first) => match judged.bindings.one(first).filter(|record| record.result.is_ok()) {
            Some(earlier) if is_sent_away(reader, earlier) => against_expectation(reader, &Expect::Accepted, judged),
            Some(_) if !leaves_scope_open(contract, judged, first) => duplicate_of(reader, judged, first),
            // Without an answer it may have been taken, or not; and what another spelling of a path took may be of another scope.
            Some(_) | None => {
                against_expectation(reader, &Expect::AnyOf(vec![Expect::Accepted, Expect::DuplicateOf(first.clone())]), judged)
            }
        },
        Expect::Failed => {
            if contract.provoke().is_some_and(|provoke| provoke.status == judged.answer.status) {
                Vec::new()
            } else {
                mismatch()
            }
        }
        Expect::KeptRefusalOf(first) => match refused_before(reader, judged, first) {
            // Of refusals with the status of acceptances the body must say no again, too.
            Some(refused) if refused.status == judged.answer.status && rejected(reader, judged).is_empty() => Vec::new(),
            Some(refused) => vec![Mismatch::must(format!("{} again, as `{first}` was refused", refused.status), observed())],
            // It was taken: what follows is its duplicate.
            None => duplicate_of(reader, judged, first),
        },
        // By the status, unless the contract describes refusals of such a one: the members of an acceptance may tell of a body that was
        // changed before it was looked at.
        Expect::NotTaken => {
            let set = judged.outcome(reader);
            let is_good = (200..=299).contains(&judged.answer.status) && !set.is_refusal();
            let taken = set.may_be(Outcome::Accepted) || set.may_be(Outcome::Duplicate) || is_good;
            if taken { mismatch() } else { Vec::new() }
        }
        Expect::Rejected => rejected(reader, judged),
        Expect::NoAnswer => mismatch(),
        Expect::AnyOf(any) => {
            let each: Vec<Vec<Mismatch>> = any.iter().map(|one| against_expectation(reader, one, judged)).collect();
            // One whose status fits, and whose members do not, tells more than that none fits.
            let nearly = |mismatches: &&Vec<Mismatch>| mismatches.iter().all(|mismatch| !mismatch.code.is_of_outcome());
            // What repeats a delivery that was taken is held against its duplicate's answer first.
            let repeats = |one: &Expect| match one {
                Expect::DuplicateOf(first) => judged.bindings.one(first).and_then(|record| record.result.as_ref().ok()),
                _ => None,
            };
            let is_taken = |answer: &Answer| (200..=299).contains(&answer.status);
            let pairs = any.iter().zip(&each).rev().filter(|(_, mismatches)| nearly(mismatches));
            let nearest = pairs.min_by_key(|(one, mismatches)| (!repeats(one).is_some_and(is_taken), mismatches.len()));
            let nearest = nearest.map(|(_, mismatches)| mismatches);
            let best = each.iter().find(|mismatches| !is_broken(mismatches)).or(nearest);
            best.cloned().unwrap_or_else(mismatch)
        }
        Expect::Rather(ranked) => {
            let each: Vec<Vec<Mismatch>> = ranked.iter().map(|one| against_expectation(reader, one, judged)).collect();
            match (each.iter().position(|mismatches| !is_broken(mismatches)), ranked.first()) {
                (Some(0), _) => each[0].clone(),
                (Some(_), Some(best)) => vec![Mismatch { level: Level::Should, ..Mismatch::must(describe(contract, best), observed()) }],
                (_, _) => mismatch(),
            }
        }
        // Resolved under the contract before.
        Expect::ReuseOf(_) | Expect::ElsewhereOf(_) | Expect::Respelled(_) | Expect::AgainAfter(_) => mismatch(),
    }
}

/// Whether it is left open that a delivery and the one that it repeats are of one scope.
fn leaves_scope_open(contract: &Contract, judged: Judged<'_>, first: &str) -> bool {
    let both = judged.bindings.one(first).into_iter().chain([judged.record]);
    both.into_iter().any(|record| contract.leaves_scope_open(&record.delivery.path))
}

/// The answer to a delivery that went twice, and may have been taken the first time: that of its own duplicate, or of a rival of one under way.
fn repetition_of_itself(reader: &Reader, judged: Judged<'_>) -> Vec<Mismatch> {
    let contract = reader.contract();
    if let Some(form) = contract.outcomes.in_flight.as_ref().filter(|_| judged.outcome(reader).may_be(Outcome::InFlight)) {
        return against(form, judged, None);
    }
    contract.duplicate().map_or_else(Vec::new, |form| outcome(reader, Outcome::Duplicate, form, judged, Some(judged.record)))
}

/// An answer must fit a description, and must not fit a more special one better.
fn outcome(reader: &Reader, wanted: Outcome, form: &AnswerForm, judged: Judged<'_>, first: Option<&Record>) -> Vec<Mismatch> {
    let mismatches = against(form, judged, first);
    let set = judged.outcome(reader);
    if is_broken(&mismatches) || set.may_be(wanted) {
        return mismatches;
    }
    let expected = match wanted {
        Outcome::Accepted => "accepted as new",
        Outcome::Duplicate => "a duplicate",
        Outcome::InFlight | Outcome::Refused(_) | Outcome::Rejected | Outcome::Failed | Outcome::Other | Outcome::NoAnswer => {
            "another outcome"
        }
    };
    let observed = format!("an answer that says `{set}`: {}", super::describe(&Ok(judged.answer.clone())));
    vec![Mismatch { shows: form.shows.clone(), ..Mismatch::must(expected, observed) }]
}

/// The refusal that an earlier delivery got, when it got one.
fn refused_before<'a>(reader: &Reader, judged: Judged<'a>, first: &str) -> Option<&'a Answer> {
    judged.bindings.one(first).filter(|earlier| earlier.is_turned_away(reader)).and_then(|earlier| earlier.result.as_ref().ok())
}

/// Whether an earlier delivery was turned away, or sent elsewhere.
fn is_sent_away(reader: &Reader, earlier: &Record) -> bool {
    earlier.is_turned_away(reader) || earlier.result.as_ref().is_ok_and(|answer| (300..=399).contains(&answer.status))
}

/// A delivery that was refused was never accepted: nothing can be its duplicate.
fn duplicate_of(reader: &Reader, judged: Judged<'_>, first: &str) -> Vec<Mismatch> {
    let earlier = judged.bindings.one(first).map(|earlier| as_first(reader, earlier));
    let earlier = earlier.as_deref();
    match (refused_before(reader, judged, first), reader.contract().duplicate()) {
        (Some(refused), _) => {
            let expected = format!("no duplicate of `{first}`, which was refused with {}", refused.status);
            vec![Mismatch::must(expected, super::describe(&Ok(judged.answer.clone())))]
        }
        (None, Some(form)) => outcome(reader, Outcome::Duplicate, form, judged, earlier),
        (None, None) => Vec::new(),
    }
}

/// What a later duplicate is held against: one that was answered as a duplicate itself was not the first, which may be as old as it told.
fn as_first<'r>(reader: &Reader, earlier: &'r Record) -> Cow<'r, Record> {
    match &earlier.refers_to {
        Some(before) if earlier.referred_as.is_none() && earlier.outcome(reader).is(Outcome::Duplicate) => {
            let told = iso::read(before).map_or(earlier.sent_at, |(at, _)| at);
            Cow::Owned(Record { sent_at: earlier.sent_at.min(told), ..earlier.clone() })
        }
        _ => Cow::Borrowed(earlier),
    }
}

/// By its status, or by what the contract says of refusals that have another one (200, and a body that says no).
fn rejected(reader: &Reader, judged: Judged<'_>) -> Vec<Mismatch> {
    if (400..=499).contains(&judged.answer.status) || judged.outcome(reader).is_refusal() {
        Vec::new()
    } else {
        vec![Mismatch::must("a refusal: a status from 400 to 499", super::describe(&Ok(judged.answer.clone())))]
    }
}

/// What is expected, in words.
#[must_use]
pub fn describe(contract: &Contract, expect: &Expect) -> String {
    let any = |several: &[Expect], between: &str| several.iter().map(|one| describe(contract, one)).collect::<Vec<_>>().join(between);
    match expect.under(contract) {
        Expect::Accepted => format!("accepted as new ({})", contract.outcomes.accepted.statuses()),
        Expect::DuplicateOf(first) => {
            let statuses = contract.duplicate().unwrap_or(&contract.outcomes.accepted).statuses();
            format!("a duplicate of `{first}` ({statuses})")
        }
        Expect::Refused(why) => match refusal_form(contract, why) {
            Some(form) => format!("refused for its {} ({})", why.name().replace('-', " "), form.statuses()),
            None => "a refusal: a status from 400 to 499".to_owned(),
        },
        Expect::OnceWith(first) => format!("taken once with `{first}`: as new if that was turned away, else as its duplicate"),
        Expect::Failed => "the failure that was provoked".to_owned(),
        Expect::KeptRefusalOf(first) => format!("the refusal of `{first}` again"),
        Expect::NotTaken => "not taken: neither accepted nor a duplicate, and no status from 200 to 299".to_owned(),
        Expect::NoAnswer => "no answer".to_owned(),
        Expect::Rejected => "a refusal: a status from 400 to 499".to_owned(),
        Expect::AnyOf(several) => any(&several, ", or "),
        Expect::Rather(ranked) => any(&ranked, ", rather than "),
        Expect::ReuseOf(first) | Expect::ElsewhereOf(first) | Expect::Respelled(first) | Expect::AgainAfter(first) => {
            format!("what the contract says after `{first}`")
        }
    }
}

/// Holds an answer against one outcome; `first` is the delivery it should repeat.
#[must_use]
pub fn against(outcome: &AnswerForm, judged: Judged<'_>, first: Option<&Record>) -> Vec<Mismatch> {
    let answer = judged.answer;
    let mut mismatches = Vec::new();
    if !outcome.allows_status(answer.status) {
        let expected = format!("status {}", outcome.statuses());
        return vec![Mismatch { shows: outcome.shows.clone(), ..Mismatch::must(expected, super::describe(&Ok(answer.clone()))) }];
    }
    for (name, start) in &outcome.headers {
        let found = answer.header(name);
        if !found.as_deref().is_some_and(|value| value.to_ascii_lowercase().starts_with(&start.to_ascii_lowercase())) {
            let observed = found.map_or_else(|| format!("no header {name}"), |value| format!("{name}: {value}"));
            let kind = header_kind(name);
            mismatches
                .push(Mismatch { shows: outcome.shows.clone(), ..Mismatch::must(format!("header {name}: {start}"), observed).of(kind) });
        }
    }
    for name in &outcome.without_headers {
        if let Some(value) = answer.header(name) {
            let expected = format!("no header {name}");
            let mismatch = Mismatch::must(expected, format!("{name}: {value}")).of(MismatchCode::named(Kind::Header, name));
            mismatches.push(Mismatch { shows: outcome.shows.clone(), ..mismatch });
        }
    }
    if outcome.same_body_as_first {
        let same = first.and_then(|first| first.result.as_ref().ok()).is_none_or(|reply| reply.body == answer.body);
        if !same {
            let observed = super::describe(&Ok(answer.clone()));
            let mismatch = Mismatch::must("the first delivery's body, byte for byte", observed).of(MismatchCode::of(Kind::Body));
            mismatches.push(Mismatch { shows: outcome.shows.clone(), ..mismatch });
        }
    }
    let json = answer.json();
    for member in outcome.body.iter().filter(|member| member.level != Level::Free) {
        mismatches.extend(member_mismatch(member, json.as_ref(), judged, first));
    }
    for name in &outcome.without {
        if let Some(found) = json.as_ref().and_then(|body| member_at(body, name)) {
            let mismatch = Mismatch::must(format!("no member `{name}` in the body"), format!("{name} = {found}"));
            mismatches.push(mismatch.of(MismatchCode::named(Kind::Member, name)));
        }
    }
    mismatches
}

/// What is wrong with a header: that of the media type has a kind of its own.
pub(super) fn header_kind(name: &str) -> MismatchCode {
    if name.eq_ignore_ascii_case("content-type") { MismatchCode::of(Kind::MediaType) } else { MismatchCode::named(Kind::Header, name) }
}

fn member_holds(member: &Member, json: Option<&Value>, judged: Judged<'_>, first: Option<&Record>) -> bool {
    let Some(body) = json else { return false };
    let found = member_at(body, &member.member);
    let text_found = found.and_then(Value::as_str);
    match &member.is {
        MemberValue::Constant(constant) => found.is_some_and(|found| is_same(found, constant)),
        MemberValue::Text(text) if text.is_only("first.ts") => text_found.is_some_and(|instant| refers_to(instant, first, judged.record)),
        MemberValue::Text(text) if text.is_only("ts") => text_found.is_some_and(|instant| instant_fits(instant, judged.record)),
        // Where nothing is known of the first delivery, any text will do.
        MemberValue::Text(text) => text_of(text, judged, first).map_or(text_found.is_some(), |wanted| text_found == Some(wanted.as_str())),
    }
}

fn member_mismatch(member: &Member, json: Option<&Value>, judged: Judged<'_>, first: Option<&Record>) -> Option<Mismatch> {
    if member_holds(member, json, judged, first) {
        return None;
    }
    let mismatch = |expected: String, observed: String| {
        let kind = if json.is_none() { MismatchCode::of(Kind::NoJson) } else { MismatchCode::named(Kind::Member, &member.member) };
        let mismatch = Mismatch::must(format!("{} = {expected}", member.member), observed).of(kind);
        Some(Mismatch { shows: member.shows.clone(), level: member.level, ..mismatch })
    };
    let Some(body) = json else {
        return mismatch("…".to_owned(), "the body is not JSON".to_owned());
    };
    let found = member_at(body, &member.member);
    let shown = found.map_or_else(|| format!("the body has no member `{}`", member.member), |v| format!("{} = {v}", member.member));
    let expected = match &member.is {
        MemberValue::Constant(constant) => constant.to_string(),
        MemberValue::Text(text) if text.is_only("first.ts") => describe_instant(first),
        MemberValue::Text(text) if text.is_only("ts") => describe_instant(Some(judged.record)),
        MemberValue::Text(text) => text_of(text, judged, first).map_or_else(|| "text".to_owned(), |wanted| format!("{wanted:?}")),
    };
    mismatch(expected, shown)
}

fn text_of(text: &Template, judged: Judged<'_>, first: Option<&Record>) -> Option<String> {
    let values = Values { first_sha256: first.map(|first| first.sha256.as_str()), ..judged.record.values() };
    text.fill(&|name| values.get(name))
}

/// Whether an instant that a duplicate's answer gives is that of its first delivery: as it was told before, or, where rows were moved
/// back since, as the moved row of the key has it.
fn refers_to(instant: &str, first: Option<&Record>, duplicate: &Record) -> bool {
    let Some(first) = first else { return iso::read(instant).is_some() };
    let moved = duplicate.moved_us.saturating_sub(first.moved_us);
    let as_moved = |(at, _): (UnixMicros, _)| within(UnixMicros(at.0.saturating_add(moved)), first);
    instant_fits(instant, first) || (moved > 0 && iso::read(instant).is_some_and(as_moved))
}

/// Whether an instant is the one that was told before, or lies when the delivery was under way.
fn instant_fits(instant: &str, about: &Record) -> bool {
    match (iso::read(instant), &about.referred_as) {
        (None, _) => false,
        (Some(_), Some(before)) => before == instant,
        (Some((at, _)), None) => within(at, about),
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

#[cfg(test)]
mod tests;
