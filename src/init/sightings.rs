//! Sightings: answers that a receiver gave, beside what its contract says, and what follows for its contract.
//!
//! In: the contract as it would be without having seen anything, and answers,
//! each with what was sent. Out: [`Findings`]: what the contract leaves open
//! and the receiver decides (a status among several, how a duplicate is told),
//! and warnings about what it does otherwise than it should.
//!
//! **Invariant:** an answer that the contract does not allow is never adopted.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::contract::Contract;
use crate::contract::outcome::{AnswerForm, Refusal};
use crate::delivery::Answer;
use crate::outcome::reader::refusal_form;
use crate::sign::Proof;
use crate::visit::Probe;

/// Answers by what was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sightings {
    /// The answers.
    pub answers: Vec<(Probe, Answer)>,
    /// What was not seen, and why.
    pub unseen: Vec<String>,
}

impl Sightings {
    fn of(&self, probe: Probe) -> Option<&Answer> {
        self.answers.iter().find(|(one, _)| *one == probe).map(|(_, answer)| answer)
    }

    /// Adds what others have seen; what was seen already stays. A repeat is held against the first answer of its own receiver: where
    /// both were seen together, they stand in the place of an earlier first.
    pub fn extend(&mut self, more: Self) {
        if more.of(Probe::Honest).is_some() {
            self.answers.retain(|(probe, _)| !matches!(probe, Probe::Honest | Probe::Repeat));
        }
        for (probe, answer) in more.answers {
            if self.of(probe).is_none() {
                self.answers.push((probe, answer));
            }
        }
        self.unseen.extend(more.unseen);
    }
}

/// How one outcome looks here, where the contract leaves it open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adopted {
    /// The one status, where several would conform.
    pub status: Option<u16>,
    /// Further members of the outcome, as YAML.
    pub members: Vec<(&'static str, String)>,
    /// What was seen, beside what conforms.
    pub seen: String,
}

/// What follows from sightings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// By the outcome's path below `outcomes`, `refused.signature`.
    pub adopted: BTreeMap<String, Adopted>,
    /// What the receiver does otherwise than it should, and what could not be seen.
    pub warnings: Vec<String>,
}

/// The longest text of a member that can be the mark of duplicates.
const LONGEST_MARK: usize = 40;
/// Header lines that differ from answer to answer and mark nothing.
const OF_EVERY_ANSWER: [&str; 10] = [
    "date",
    "content-length",
    "connection",
    "keep-alive",
    "server",
    "etag",
    "last-modified",
    "transfer-encoding",
    "x-request-id",
    "set-cookie",
];

/// What follows from what was seen.
#[must_use]
pub fn findings(contract: &Contract, seen: &Sightings) -> Findings {
    let mut findings = Findings { warnings: seen.unseen.clone(), ..Findings::default() };
    let all = [Probe::Forgery, Probe::NoSignature].map(|probe| seen.of(probe).map(|answer| answer.status));
    if all.iter().all(|status| matches!(status, Some(404))) && seen.of(Probe::Honest).is_none_or(|answer| answer.status == 404) {
        let path = &contract.endpoint.path;
        findings.warnings.push(format!(
            "deliveries to {path} were answered 404, signed or not: name the path that takes them with --path, if that is another one"
        ));
        return findings;
    }
    if let Some(honest) = seen.of(Probe::Honest) {
        accepted(contract, honest, &mut findings);
        if let Some(repeat) = seen.of(Probe::Repeat).filter(|_| contract.is_by_key()) {
            duplicate(contract, (honest, repeat), &mut findings);
        }
    }
    let kinds = [(Probe::Forgery, Refusal::Signature), (Probe::NoSignature, Refusal::MissingSignature)];
    for (probe, why) in kinds.into_iter().filter(|_| contract.signature.by != Proof::None) {
        if let (Some(answer), Some(form)) = (seen.of(probe), refusal_form(contract, why)) {
            let seen = Refused { answer, form, honest: seen.of(Probe::Honest) };
            refused(contract, (probe, why), &seen, &mut findings);
        }
    }
    findings
}

/// One status among several that conform.
fn narrowed(form: &AnswerForm, status: u16) -> Option<Adopted> {
    form.allows_status(status).then(|| Adopted {
        status: (!form.also.is_empty()).then_some(status),
        members: Vec::new(),
        seen: if form.also.is_empty() {
            format!("seen: {status}, as promised")
        } else {
            format!("seen: {status}; {} would conform", form.statuses())
        },
    })
}

fn accepted(contract: &Contract, honest: &Answer, findings: &mut Findings) {
    let form = &contract.outcomes.accepted;
    match narrowed(form, honest.status) {
        Some(adopted) => drop(findings.adopted.insert("accepted".to_owned(), adopted)),
        None => findings.warnings.push(format!(
            "an honest delivery was answered {} where {} is due: that is not in the contract, and `hookgate run` says what is wrong",
            honest.status,
            form.statuses()
        )),
    }
}

fn duplicate(contract: &Contract, (honest, repeat): (&Answer, &Answer), findings: &mut Findings) {
    let Some(form) = contract.duplicate() else { return };
    let Some(mut adopted) = narrowed(form, repeat.status) else {
        findings.warnings.push(format!(
            "the same delivery once more was answered {} where {} is due: that is not in the contract; a sender that reads it as a failure \
             delivers again",
            repeat.status,
            form.statuses()
        ));
        return;
    };
    // What a contract says of a duplicate's form beside its status is a promise, and stays.
    if !form.body.is_empty() || !form.headers.is_empty() || !contract.outcomes.accepted.body.is_empty() {
        findings.adopted.insert("duplicate".to_owned(), adopted);
        return;
    }
    if honest.body == repeat.body {
        adopted.seen.push_str(", like the first answer");
    } else if let Some((member, value)) = mark_in_body(honest, repeat) {
        adopted.seen.push_str(&format!(", marked by its member {member}"));
        adopted.members.push(("body", format!("[{{member: {}, is: {value}}}]", super::yaml(&member))));
        adopted.members.push(("same_body_as_first", "false".to_owned()));
        if is_only_in(repeat, honest, &member)
            && let Some(first) = findings.adopted.get_mut("accepted")
        {
            first.members.push(("without", format!("[{}]", super::yaml(&member))));
        }
    } else if let Some((name, value)) = mark_in_headers(honest, repeat) {
        adopted.seen.push_str(&format!(", marked by its header {name}"));
        adopted.members.push(("headers", format!("{{{}: {}}}", super::yaml(&name), super::yaml(&value))));
        if let Some(first) = findings.adopted.get_mut("accepted") {
            first.members.push(("without_headers", format!("[{}]", super::yaml(&name))));
        }
        if form.same_body_as_first {
            adopted.members.push(("same_body_as_first", "false".to_owned()));
        }
    } else {
        adopted.seen.push_str(", with another body than the first answer, and no mark of a duplicate");
        findings.warnings.push(
            "the same delivery once more was answered with another body than the first time, which no mark explains: its work may have been \
             done twice; name where effects are counted with --effects, and that is judged"
                .to_owned(),
        );
    }
    findings.adopted.insert("duplicate".to_owned(), adopted);
}

/// The members of an answer's body that could be a mark: flags, and words without digits.
fn marks(answer: &Answer) -> BTreeMap<String, Value> {
    let Ok(Value::Object(members)) = serde_json::from_slice(&answer.body) else { return BTreeMap::new() };
    let is_word = |text: &str| {
        !text.is_empty() && text.len() <= LONGEST_MARK && text.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, '_' | '-' | ' '))
    };
    let is_mark = |value: &Value| value.is_boolean() || value.as_str().is_some_and(is_word);
    members.into_iter().filter(|(name, value)| is_mark(value) && !name.contains(['.', '{', '}'])).collect()
}

fn mark_in_body(honest: &Answer, repeat: &Answer) -> Option<(String, String)> {
    let first = marks(honest);
    let (member, value) = marks(repeat).into_iter().find(|(name, value)| first.get(name) != Some(value))?;
    Some((member, value.as_str().map_or_else(|| value.to_string(), super::yaml)))
}

/// Whether a member stands in one body and not in another.
fn is_only_in(one: &Answer, other: &Answer, member: &str) -> bool {
    let has = |answer: &Answer| serde_json::from_slice::<Value>(&answer.body).is_ok_and(|body| body.get(member).is_some());
    has(one) && !has(other)
}

fn mark_in_headers(honest: &Answer, repeat: &Answer) -> Option<(String, String)> {
    let line = repeat
        .headers
        .iter()
        .find(|line| honest.header(&line.name).is_none() && !OF_EVERY_ANSWER.contains(&line.name.to_ascii_lowercase().as_str()))?;
    let value = std::str::from_utf8(&line.value).ok()?.trim();
    (value.len() <= LONGEST_MARK && value.chars().all(|c| c.is_ascii_alphabetic())).then(|| (line.name.clone(), value.to_owned()))
}

/// What a delivery got that is to be refused.
struct Refused<'s> {
    answer: &'s Answer,
    /// How it is to be refused.
    form: &'s AnswerForm,
    /// What an honest one got, where one was sent.
    honest: Option<&'s Answer>,
}

impl Refused<'_> {
    /// The member by which a body says no, where its status does not.
    fn no_in_body(&self) -> Option<(String, String)> {
        match self.honest {
            Some(honest) => mark_in_body(honest, self.answer),
            None => marks(self.answer)
                .into_iter()
                .find(|(_, value)| value == &Value::Bool(false))
                .map(|(name, value)| (name, value.to_string())),
        }
    }
}

fn refused(contract: &Contract, (probe, why): (Probe, Refusal), seen: &Refused<'_>, findings: &mut Findings) {
    let Refused { answer, form, .. } = seen;
    let what = match probe {
        Probe::Forgery => "a delivery that is signed with another secret",
        Probe::NoSignature | Probe::Honest | Probe::Repeat | Probe::Effect | Probe::NoKey | Probe::Get | Probe::Health => {
            "a delivery without a signature"
        }
    };
    let status = answer.status;
    let said = seen.no_in_body().map_or_else(String::new, |(member, value)| {
        format!(
            "; where its body says no by `{member}`, which is {value}, write outcomes: {{refused: {{{}: {{status: {status}, also: [], body: [{{member: {}, is: {value}}}]}}}}}}",
            why.name(),
            super::yaml(&member)
        )
    });
    match narrowed(form, status) {
        Some(adopted) => drop(findings.adopted.insert(format!("refused.{}", why.name()), adopted)),
        None if !said.is_empty() => findings.warnings.push(format!(
            "{what} was answered {status}, as if it had been taken{said}; if that is no refusal, this receiver does not check signatures, and `hookgate run` will fail until it does"
        )),
        None if contract.outcomes.accepted.allows_status(status) || (200..=299).contains(&status) => findings.warnings.push(format!(
            "{what} was ACCEPTED ({status}): this receiver does not check it; the contract keeps {}, and `hookgate run` will fail until it does",
            form.statuses()
        )),
        None => findings.warnings.push(format!(
            "{what} was answered {status} where {} is due: that is not in the contract; say so there (outcomes.refused.{}), if it is meant",
            form.statuses(),
            why.name()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::reading::read_contract;
    use crate::delivery::HeaderLine;
    use crate::files;

    fn answer(status: u16, body: &'static str, headers: &[(&str, &'static str)]) -> Answer {
        Answer { status, headers: headers.iter().map(|(name, value)| HeaderLine::new(*name, *value)).collect(), body: body.into() }
    }

    /// What follows from these sightings under a family, a line each.
    fn told(family: &str, answers: Vec<(Probe, Answer)>) -> String {
        let file = files::shipped_contract(family).expect("a family");
        let contract = read_contract(&file.path, &file.text, &|_| None).expect("a contract");
        let Findings { adopted, warnings } = findings(&contract, &Sightings { answers, unseen: Vec::new() });
        let adopted = adopted.into_iter().map(|(place, one)| format!("{place}: {:?} {:?} # {}\n", one.status, one.members, one.seen));
        adopted.chain(warnings.into_iter().map(|one| format!("warning: {one}\n"))).collect()
    }

    /// A capture of another place, and a visit: a repeat is held against the first answer of its own receiver.
    #[test]
    fn repeats_are_held_against_the_first_answer_of_their_own_receiver() {
        let seen = |answers: Vec<(Probe, Answer)>| Sightings { answers, unseen: Vec::new() };
        let captured = || seen(vec![(Probe::Honest, answer(200, "ok", &[])), (Probe::Repeat, answer(200, "ok", &[]))]);
        let received = || answer(200, r#"{"received":true}"#, &[]);
        let mut both = captured();
        both.extend(seen(vec![(Probe::Honest, received()), (Probe::Repeat, received())]));
        assert_eq!(both, seen(vec![(Probe::Honest, received()), (Probe::Repeat, received())]));
        // Where no honest delivery was sent, the captured answers are all that is known.
        let mut harmless = captured();
        harmless.extend(seen(vec![(Probe::Forgery, answer(401, "", &[]))]));
        assert_eq!(harmless.answers.len(), 3);
    }

    /// A right receiver: each status is narrowed to its own, and a duplicate like the first stays so.
    #[test]
    fn what_the_family_leaves_open_is_narrowed() {
        insta::assert_snapshot!(told("stripe-webhook", vec![
            (Probe::Honest, answer(202, "{}", &[])),
            (Probe::Repeat, answer(200, "{}", &[])),
            (Probe::Forgery, answer(401, "", &[])),
            (Probe::NoSignature, answer(400, "", &[])),
        ]), @r"
        accepted: Some(202) [] # seen: 202; 200 or 201 or 202 or 204 would conform
        duplicate: Some(200) [] # seen: 200; 200 or 201 or 202 or 204 would conform, like the first answer
        refused.missing-signature: Some(400) [] # seen: 400; 400 or 401 or 403 would conform
        refused.signature: Some(401) [] # seen: 401; 400 or 401 or 403 would conform
        ");
    }

    /// Marks of duplicates: a flag, a word, a header; an id that differs is none.
    #[test]
    fn marks_of_duplicates_are_found() {
        let repeated = |first, again: Answer| told("github-webhook", vec![(Probe::Honest, first), (Probe::Repeat, again)]);
        let flag = repeated(answer(200, r#"{"ok":true}"#, &[]), answer(200, r#"{"ok":true,"duplicate":true}"#, &[]));
        assert!(flag.contains("[(\"without\", \"[duplicate]\")]") && flag.contains("[{member: duplicate, is: true}]"), "{flag}");
        let word = repeated(answer(200, r#"{"status":"accepted"}"#, &[]), answer(200, r#"{"status":"seen before"}"#, &[]));
        assert!(word.contains("is: \\\"seen before\\\"") && !word.contains("without"), "{word}");
        let header = repeated(answer(200, "a", &[]), answer(200, "a2", &[("Date", "now"), ("Idempotent-Replayed", "true")]));
        assert!(header.contains("{Idempotent-Replayed: \\\"true\\\"}") && header.contains("without_headers"), "{header}");
        let neither = repeated(answer(200, r#"{"id":"a1"}"#, &[]), answer(200, r#"{"id":"a2"}"#, &[]));
        assert!(neither.contains("warning: the same delivery once more was answered with another body"), "{neither}");
        assert!(!neither.contains("member"), "{neither}");
    }

    /// A refusal that only a body tells is no acceptance, and how that is written is told.
    #[test]
    fn refusal_in_a_body_is_told_with_the_line_for_it() {
        let line = "write outcomes: {refused: {signature: {status: 200, also: [], body: [{member: ok, is: false}]}}}";
        let of = |answers| told("github-webhook", answers);
        let forged = || (Probe::Forgery, answer(200, r#"{"ok":false,"error":"signature"}"#, &[]));
        assert!(of(vec![forged()]).contains(line), "{}", of(vec![forged()]));
        let both = of(vec![(Probe::Honest, answer(200, r#"{"ok":true}"#, &[])), (Probe::Forgery, answer(200, r#"{"ok":false}"#, &[]))]);
        assert!(both.contains(line), "{both}");
        assert!(!of(vec![(Probe::Forgery, answer(200, "", &[]))]).contains("write outcomes"));
    }

    /// Nothing that is wrong is adopted: it is warned of.
    #[test]
    fn what_is_wrong_is_warned_of_and_not_adopted() {
        let all = told(
            "github-webhook",
            vec![
                (Probe::Honest, answer(500, "", &[])),
                (Probe::Repeat, answer(409, "", &[])),
                (Probe::Forgery, answer(200, "", &[])),
                (Probe::NoSignature, answer(422, "", &[])),
            ],
        );
        insta::assert_snapshot!(all, @r"
        warning: an honest delivery was answered 500 where 200 or 201 or 202 or 204 is due: that is not in the contract, and `hookgate run` says what is wrong
        warning: the same delivery once more was answered 409 where 200 or 201 or 202 or 204 is due: that is not in the contract; a sender that reads it as a failure delivers again
        warning: a delivery that is signed with another secret was ACCEPTED (200): this receiver does not check it; the contract keeps 401 or 400 or 403, and `hookgate run` will fail until it does
        warning: a delivery without a signature was answered 422 where 401 or 400 or 403 is due: that is not in the contract; say so there (outcomes.refused.missing-signature), if it is meant
        ");
        let nowhere = told("github-webhook", vec![(Probe::Forgery, answer(404, "", &[])), (Probe::NoSignature, answer(404, "", &[]))]);
        assert!(nowhere.contains("--path") && nowhere.lines().count() == 1, "{nowhere}");
    }
}
