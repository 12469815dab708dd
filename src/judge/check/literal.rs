//! One answer against literal demands: status, headers, members, text, time.

use std::time::Duration;

use serde_json::Value;

use super::answer::header_kind;
use super::{Bindings, Mismatch};
use crate::clock::span;
use crate::contract::Contract;
use crate::contract::outcome::{AnswerForm, Member, MemberValue};
use crate::delivery::Answer;
use crate::history::record::Record;
use crate::message::{is_same, member_at};
use crate::outcome::mismatch::{Kind, MismatchCode};
use crate::scenario::expect::AnswerCheck;
use crate::secret::Redactor;
use crate::state::Cell;

/// What the judge of a literal check needs beside the answer.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// What is known of the scenario so far.
    pub bindings: &'a Bindings,
    /// How long the answer took.
    pub took: Duration,
    /// Find what no answer may reveal: the secrets, and the signature that would have passed.
    pub forbidden: &'a [&'a Redactor],
}

/// Holds an answer against literal demands.
#[must_use]
pub fn judge(contract: &Contract, check: &AnswerCheck, answer: &Answer, around: Surroundings<'_>) -> Vec<Mismatch> {
    let mut mismatches = Vec::new();
    let whole = || super::describe(&Ok(answer.clone()));
    if !check.status.is_empty() && !check.status.contains(&answer.status) {
        let wanted = check.status.iter().map(u16::to_string).collect::<Vec<_>>().join(" or ");
        mismatches
            .push(Mismatch::must(format!("status {wanted}"), whole()).of(MismatchCode { due: Some(wanted), ..MismatchCode::default() }));
    }
    for (name, start) in &check.headers {
        let found = answer.header(name);
        let begins = |value: &str| value.to_ascii_lowercase().starts_with(&start.to_ascii_lowercase());
        let says_json = name.eq_ignore_ascii_case("content-type") && is_json_type(start);
        let fits = found.as_ref().is_some_and(|value| start == "*" || begins(value) || (says_json && is_json_type(value)));
        if !fits {
            let observed = found.map_or_else(|| format!("no header {name}"), |value| format!("{name}: {value}"));
            mismatches.push(Mismatch::must(format!("header {name}: {start}"), observed).of(header_kind(name)));
        }
    }
    mismatches.extend(body_mismatches(check, answer, around.bindings));
    if let Some(Ok(wanted)) = check.same_as.as_ref().and_then(|name| around.bindings.one(name)).map(|record| &record.result)
        && (wanted.status != answer.status || (speaks_of_bodies(contract) && wanted.body != answer.body))
    {
        mismatches.push(Mismatch::must(super::describe(&Ok(wanted.clone())), whole()).of(MismatchCode::of(Kind::Body)));
    }
    if let Some(limit) = check.within
        && around.took > limit.0
    {
        let mismatch =
            Mismatch::must(format!("an answer within {}", span::write(limit.0)), format!("it took {} ms", around.took.as_millis()));
        mismatches.push(mismatch.of(MismatchCode::of(Kind::Late)));
    }
    if check.reveals_nothing && around.forbidden.iter().any(|secrets| reveals(answer, secrets)) {
        let mismatch =
            Mismatch::must("an answer that reveals neither the secret nor the signature it expects", "it does reveal one of them");
        mismatches.push(mismatch.of(MismatchCode::of(Kind::SecretTold)));
    }
    mismatches.extend(
        check
            .says_nothing_of
            .iter()
            .filter_map(|name| around.bindings.one(name))
            .flat_map(|first| told_of(contract, answer, first))
            .map(|one| one.of(MismatchCode::of(Kind::FirstTold))),
    );
    let of = |kind: Kind| move |mismatch: Mismatch| mismatch.of(MismatchCode::of(kind));
    mismatches.extend(row_mismatches(contract, check, answer, around.bindings).into_iter().map(of(Kind::Page)));
    mismatches.extend(counter_mismatches(contract, check, answer, around.bindings).into_iter().map(of(Kind::Counter)));
    mismatches
}

/// Whether a contract says anything of the bodies of deliveries that are taken: else they are the receiver's own affair.
fn speaks_of_bodies(contract: &Contract) -> bool {
    let says = |form: &AnswerForm| form.same_body_as_first || !form.body.is_empty();
    says(&contract.outcomes.accepted) || contract.duplicate().is_some_and(says)
}

/// Whether a media type says that a body is JSON: the type itself, or one that is built on it (RFC 6839).
fn is_json_type(value: &str) -> bool {
    let kind = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

fn body_mismatches(check: &AnswerCheck, answer: &Answer, bindings: &Bindings) -> Vec<Mismatch> {
    let mut mismatches = Vec::new();
    let json = answer.json();
    let wants_json = check.json || !check.body.is_empty() || !check.matches.is_empty();
    if wants_json && json.is_none() {
        return vec![Mismatch::must("a JSON body", super::describe(&Ok(answer.clone()))).of(MismatchCode::of(Kind::NoJson))];
    }
    let member = |path: &str| json.as_ref().and_then(|body| member_at(body, path));
    let shown = |path: &str| member(path).map_or_else(|| format!("the body has no member `{path}`"), |found| format!("{path} = {found}"));
    for (path, wanted) in &check.body {
        let wanted = match wanted {
            Value::String(text) => Value::String(bindings.fill(text)),
            other => other.clone(),
        };
        if member(path) != Some(&wanted) {
            mismatches.push(Mismatch::must(format!("{path} = {wanted}"), shown(path)).of(MismatchCode::named(Kind::Member, path)));
        }
    }
    for (path, pattern) in &check.matches {
        let fits =
            regex_lite::Regex::new(pattern).is_ok_and(|regex| member(path).and_then(Value::as_str).is_some_and(|t| regex.is_match(t)));
        if !fits {
            let mismatch = Mismatch::must(format!("{path} that matches {pattern}"), shown(path));
            mismatches.push(mismatch.of(MismatchCode::named(Kind::Member, path)));
        }
    }
    for path in &check.without {
        if member(path).is_some() {
            mismatches.push(Mismatch::must(format!("no member `{path}`"), shown(path)).of(MismatchCode::named(Kind::Member, path)));
        }
    }
    for text in check.contains.iter().map(|text| bindings.fill(text)) {
        if !String::from_utf8_lossy(&answer.body).contains(&text) {
            let mismatch = Mismatch::must(format!("{text:?} in the body"), super::describe(&Ok(answer.clone())));
            mismatches.push(mismatch.of(MismatchCode::of(Kind::Body)));
        }
    }
    for text in check.lacks.iter().map(|text| bindings.fill(text)) {
        if stands_in(answer, text.as_bytes()) {
            let mismatch = Mismatch::must(format!("{text:?} nowhere in the answer"), super::describe(&Ok(answer.clone())));
            mismatches.push(mismatch.of(MismatchCode::of(Kind::Body)));
        }
    }
    mismatches
}

/// What an answer tells of an earlier delivery: members that only its duplicate's answer has, its hash, its instant, its own answer.
fn told_of(contract: &Contract, answer: &Answer, first: &Record) -> Vec<Mismatch> {
    let mut mismatches = Vec::new();
    let json = answer.json();
    let form = contract.duplicate();
    let said = |member: &Member| serde_json::to_value(&member.is).ok();
    let in_acceptances =
        |member: &Member| contract.outcomes.accepted.body.iter().any(|one| one.member == member.member && said(one) == said(member));
    for member in form.into_iter().flat_map(|form| &form.body) {
        let Some(found) = json.as_ref().and_then(|body| member_at(body, &member.member)) else { continue };
        let tells = match &member.is {
            MemberValue::Text(text) if text.placeholders().any(|name| name.starts_with("first.")) => true,
            MemberValue::Text(text) => {
                !in_acceptances(member) && found.as_str().is_some_and(|found| text.fill(&|_| None).as_deref() == Some(found))
            }
            MemberValue::Constant(constant) => !in_acceptances(member) && is_same(found, constant),
        };
        if tells {
            mismatches.push(Mismatch::must(
                format!("no member `{}`, which tells of the first delivery", member.member),
                format!("{} = {found}", member.member),
            ));
        }
    }
    let known = [("hash", Some(&first.sha256)), ("instant", first.referred_as.as_ref())];
    for (what, text) in
        known.into_iter().filter_map(|(what, text)| Some((what, text?))).filter(|(_, text)| stands_in(answer, text.as_bytes()))
    {
        mismatches.push(Mismatch::must(format!("not the first delivery's {what}: {text:?}"), super::describe(&Ok(answer.clone()))));
    }
    let repeats = form.is_some_and(|form| form.same_body_as_first);
    if repeats && first.result.as_ref().is_ok_and(|given| !given.body.is_empty() && given.body == answer.body) {
        mismatches.push(Mismatch::must("not the first delivery's answer", super::describe(&Ok(answer.clone()))));
    }
    mismatches
}

/// Whether a secret stands in an answer, in any form: in the body, or in a header line.
fn reveals(answer: &Answer, secrets: &Redactor) -> bool {
    secrets.finds(&answer.body) || answer.headers.iter().any(|line| secrets.finds(&line.value) || secrets.finds(line.name.as_bytes()))
}

/// Whether bytes stand in an answer, letters in any case; they need not be text.
fn stands_in(answer: &Answer, text: &[u8]) -> bool {
    let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|here| here.eq_ignore_ascii_case(text));
    !text.is_empty() && (holds(&answer.body) || answer.headers.iter().any(|line| holds(&line.value)))
}

/// The audit trail over HTTP against the rows that deliveries should have left.
fn row_mismatches(contract: &Contract, check: &AnswerCheck, answer: &Answer, bindings: &Bindings) -> Vec<Mismatch> {
    let Some(audit) = contract.state.as_ref().and_then(|tables| tables.audit.as_ref()) else { return Vec::new() };
    let Some(Value::Array(rows)) = answer.json() else {
        let wanted = !check.shows_rows_of.is_empty();
        return if wanted { vec![Mismatch::must("a JSON array of audit rows", super::describe(&Ok(answer.clone())))] } else { Vec::new() };
    };
    let mut mismatches = Vec::new();
    for record in check.shows_rows_of.iter().flat_map(|name| bindings.all(name)) {
        let wanted = super::rows::promised_row(audit, record);
        let when = |found: &Value, instant: &str| {
            let told = found.get(instant).and_then(Value::as_str).and_then(crate::clock::iso::read);
            told.is_some_and(|(at, _)| super::answer::within(at, record))
        };
        let instant = audit.instant();
        let fits = |found: &Value| {
            let mut cells = wanted.columns.iter().filter(|(name, _)| Some(name.as_str()) != instant);
            cells.all(|(name, cell)| same(found.get(name), cell)) && instant.is_none_or(|instant| when(found, instant))
        };
        if !rows.iter().any(fits) {
            let observed = format!("{} rows, none of them it", rows.len());
            mismatches.push(Mismatch::must(format!("the row {wanted}"), observed));
        }
    }
    mismatches
}

fn same(found: Option<&Value>, cell: &Cell) -> bool {
    match cell {
        Cell::Null => found.is_none_or(Value::is_null),
        Cell::Text(text) => found.and_then(Value::as_str) == Some(text.as_str()),
        Cell::Integer(number) => found.and_then(Value::as_i64) == Some(*number),
        Cell::Real(number) => found.and_then(Value::as_f64) == Some(*number),
    }
}

/// Counters in Prometheus text against what they were at an earlier question.
fn counter_mismatches(contract: &Contract, check: &AnswerCheck, answer: &Answer, bindings: &Bindings) -> Vec<Mismatch> {
    let mut mismatches = Vec::new();
    let before = check.since.as_ref().and_then(|name| bindings.answers.get(name));
    for (what, least) in &check.risen {
        let named = |one: &&crate::contract::Counter| serde_json::to_value(one.counts).is_ok_and(|word| word.as_str() == Some(what));
        let Some(counter) = contract.metrics.as_ref().and_then(|metrics| metrics.counters.iter().find(named)) else { continue };
        let was = before.and_then(|answer| counter_value(answer, &counter.name)).unwrap_or(0.0);
        let is = counter_value(answer, &counter.name);
        if is.is_none_or(|is| is - was < *least as f64) {
            let observed = is.map_or_else(|| "no such counter".to_owned(), |is| format!("it was {was} and is {is}"));
            mismatches.push(Mismatch::must(format!("{} risen by at least {least}", counter.name), observed));
        }
    }
    mismatches
}

/// The value of a counter; labels may stand in any order and with any spacing.
fn counter_value(answer: &Answer, name: &str) -> Option<f64> {
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let wanted = labels(name);
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let (left, value) = line.trim_end().rsplit_once(' ')?;
        (labels(left) == wanted).then(|| value.parse().ok()).flatten()
    })
}

fn labels(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = name.split(['{', '}', ',']).map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect();
    parts.sort();
    parts
}

/// Reads the members that a check captures; a member that is not there is not captured.
pub fn capture(check: &AnswerCheck, answer: &Answer, bindings: &mut Bindings) {
    if let Some(name) = &check.name {
        bindings.answers.insert(name.clone(), answer.clone());
    }
    let Some(body) = answer.json() else { return };
    for (name, path) in &check.capture {
        if let Some(found) = member_at(&body, path) {
            let text = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
            bindings.captures.insert(name.clone(), text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::HeaderLine;

    /// Requirement AUTH-11: key bytes need not be text, and hex digits have two cases.
    #[test]
    fn bytes_are_found_wherever_they_stand() {
        let answer = |value: &'static [u8], body: &'static [u8]| Answer {
            status: 401,
            headers: vec![HeaderLine::new("X-Explanation", value)],
            body: body.into(),
        };
        for (value, body, secret, wanted) in [
            (&b"no"[..], &b"key \xff\xfe\x00 does not hold"[..], &b"\xff\xfe\x00"[..], true),
            (b"key=ABCDEF01", b"", b"abcdef01", true),
            (b"key=ABCDEF0", b"1", b"abcdef01", false),
            (b"", b"", b"abcdef01", false),
            (b"any", b"thing", b"", false),
        ] {
            assert_eq!(stands_in(&answer(value, body), secret), wanted, "{value:?} {body:?} {secret:?}");
        }
    }

    /// A type that is built on JSON says that a body is JSON; one that only begins so does not.
    #[test]
    fn types_built_on_json_are_json() {
        let fits = ["application/json", "Application/JSON;charset=utf-8", "application/problem+json", "application/vnd.x+json ; v=1"];
        let not = ["text/json", "application/jsonp", "application/xml", "application/problem+jsonx", "text/x+json", ""];
        assert!(fits.iter().all(|kind| is_json_type(kind)));
        assert!(!not.iter().any(|kind| is_json_type(kind)));
    }
}
