//! The outcome reader: what an answer may be under a contract.
//!
//! In: a contract, once; then whole answers with what was sent. Out: the set
//! of outcomes that an answer fits. The most special description that fits
//! wins, so that a marker header counts also by its absence; where two fit
//! alike (a duplicate that gets the first's answer), the set has both.
//!
//! One answer alone does not show which delivery was first: members that hang
//! on the first delivery may be any text here. Whether they are right is
//! judged by `check`, which knows it.

use std::sync::Arc;

use serde_json::Value;

use super::members::Values;
use super::{Outcome, OutcomeSet};
use crate::contract::outcome::{AnswerForm, MemberValue, Refusal};
use crate::contract::{Contract, Level};
use crate::delivery::{Answer, HeaderLine, NoAnswer};
use crate::message::{is_same, member_at, put_member};
use crate::template::Template;

/// What a member must be.
#[derive(Clone, Debug, PartialEq)]
enum Want {
    /// This value.
    Constant(Value),
    /// This text, filled in from the delivery.
    Text(Template),
    /// An instant, or what hangs on the first delivery: any text.
    AnyText,
}

/// A description in the form in which answers are held against it.
#[derive(Clone, Debug)]
struct Form {
    outcome: Outcome,
    statuses: Vec<u16>,
    headers: Vec<(String, String)>,
    without_headers: Vec<String>,
    members: Vec<(String, Want)>,
    without: Vec<String>,
}

/// Reads answers under one contract.
#[derive(Clone, Debug)]
pub struct Reader {
    contract: Arc<Contract>,
    forms: Vec<Form>,
    /// The statuses of answers whose outcome hangs on the delivery.
    hanging: Vec<u16>,
}

impl Reader {
    /// A reader for answers of receivers of `contract`.
    #[must_use]
    pub fn new(contract: Arc<Contract>) -> Self {
        let outcomes = &contract.outcomes;
        let duplicate = contract.duplicate().map(|form| Form::duplicate(form, &outcomes.accepted));
        let in_flight = outcomes.in_flight.as_ref().filter(|_| contract.is_by_key());
        let refused = outcomes.refused.iter().map(|(why, form)| Form::of(Outcome::Refused(*why), form));
        let forms = std::iter::once(Form::of(Outcome::Accepted, &outcomes.accepted))
            .chain(duplicate)
            .chain(in_flight.map(|form| Form::of(Outcome::InFlight, form)))
            .chain(refused)
            .collect();
        Self::of_forms(contract, forms)
    }

    fn of_forms(contract: Arc<Contract>, forms: Vec<Form>) -> Self {
        let hangs = |form: &&Form| form.members.iter().any(|(_, want)| matches!(want, Want::Text(_)));
        let hanging = forms.iter().filter(hangs).flat_map(|form| form.statuses.iter().copied()).collect();
        Self { contract, forms, hanging }
    }

    /// Whether what an answer may be hangs on the delivery that it answers; else the same answer is always the same outcome.
    #[must_use]
    pub fn hangs_on_delivery(&self, answer: &Answer) -> bool {
        self.hanging.contains(&answer.status)
    }

    /// The contract.
    #[must_use]
    pub fn contract(&self) -> &Arc<Contract> {
        &self.contract
    }

    /// What an answer may be.
    ///
    /// * `sent`: key, body and hash of the delivery that it answers; what is known of the first is not asked.
    #[must_use]
    pub fn read(&self, answer: &Answer, sent: &Values<'_>) -> OutcomeSet {
        self.read_with(answer, answer.json().as_ref(), sent)
    }

    /// The same, with a body that was read as JSON already, when it is.
    #[must_use]
    pub fn read_with(&self, answer: &Answer, json: Option<&Value>, sent: &Values<'_>) -> OutcomeSet {
        let (mut set, mut weight) = (OutcomeSet::NOTHING, 0);
        for form in self.forms.iter().filter(|form| form.fits(answer, json, sent)) {
            let of_form = form.weight();
            if set.is_nothing() || of_form > weight {
                (set, weight) = (OutcomeSet::only(form.outcome), of_form);
            } else if of_form == weight {
                set = set.or(form.outcome);
            }
        }
        match answer.status {
            _ if !set.is_nothing() => set,
            400..=499 => OutcomeSet::only(Outcome::Rejected),
            status if self.contract.provoke().is_some_and(|provoke| provoke.status == status) => OutcomeSet::only(Outcome::Failed),
            _ => OutcomeSet::only(Outcome::Other),
        }
    }

    /// What came of a delivery whose answer may be missing; one that was never sent is as good as refused.
    #[must_use]
    pub fn read_result(&self, result: &Result<Answer, NoAnswer>, sent: &Values<'_>) -> OutcomeSet {
        match result {
            Ok(answer) => self.read(answer, sent),
            Err(NoAnswer::Unreachable { .. }) => OutcomeSet::only(Outcome::Rejected),
            Err(NoAnswer::TimedOut { .. } | NoAnswer::Broken { .. } | NoAnswer::Garbled { .. }) => OutcomeSet::only(Outcome::NoAnswer),
        }
    }

    /// Whether a first delivery's answer can be told from a duplicate's by looking at it.
    #[must_use]
    pub fn tells_duplicates(&self) -> bool {
        let sent = Values { key: "key", sha256: "hash", ..Values::default() };
        let is_told = |outcome| {
            let form = self.forms.iter().find(|form| form.outcome == outcome);
            form.is_some_and(|form| self.read(&form.example(&sent), &sent).is(outcome))
        };
        is_told(Outcome::Accepted) && is_told(Outcome::Duplicate)
    }

    /// The names of the headers that must be kept of an answer, so that it can be read.
    #[must_use]
    pub fn headers(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .forms
            .iter()
            .flat_map(|form| form.headers.iter().map(|(name, _)| name).chain(&form.without_headers))
            .map(|name| name.to_ascii_lowercase())
            .collect();
        names.sort();
        names.dedup();
        names
    }
}

impl Form {
    fn of(outcome: Outcome, form: &AnswerForm) -> Self {
        let members = form.body.iter().filter(|member| member.level == Level::Must).map(|member| {
            let want = match &member.is {
                MemberValue::Constant(constant) => Want::Constant(constant.clone()),
                MemberValue::Text(text) if text.placeholders().any(is_of_the_receiver) => Want::AnyText,
                MemberValue::Text(text) => Want::Text(text.clone()),
            };
            (member.member.clone(), want)
        });
        Self {
            outcome,
            statuses: std::iter::once(form.status).chain(form.also.iter().copied()).collect(),
            headers: form.headers.iter().map(|(name, start)| (name.clone(), start.clone())).collect(),
            without_headers: form.without_headers.clone(),
            members: members.collect(),
            without: form.without.clone(),
        }
    }

    /// A duplicate that gets the first's body has the members of an acceptance, about another delivery.
    fn duplicate(form: &AnswerForm, accepted: &AnswerForm) -> Self {
        let mut own = Self::of(Outcome::Duplicate, form);
        if form.same_body_as_first {
            let first = Self::of(Outcome::Duplicate, accepted);
            let about_the_first = |(path, want): (String, Want)| {
                let hangs_on_body = matches!(&want, Want::Text(text) if text.placeholders().any(|name| name != "key"));
                (path, if hangs_on_body { Want::AnyText } else { want })
            };
            own.members = first.members.into_iter().map(about_the_first).collect();
            own.without.extend(first.without);
            // The type belongs to the body.
            let says_type = |(name, _): &(String, String)| name.eq_ignore_ascii_case("content-type");
            if !own.headers.iter().any(says_type) {
                own.headers.extend(first.headers.into_iter().filter(says_type));
            }
        }
        own
    }

    fn fits(&self, answer: &Answer, json: Option<&Value>, sent: &Values<'_>) -> bool {
        let found = |path: &str| json.and_then(|body| member_at(body, path));
        let holds = |path: &str, want: &Want| match want {
            Want::Constant(constant) => found(path).is_some_and(|found| is_same(found, constant)),
            Want::AnyText => found(path).is_some_and(Value::is_string),
            Want::Text(text) => {
                let is = found(path).and_then(Value::as_str);
                // Where the delivery has no such member, any text will do.
                text.fill(&|name| sent.get(name)).map_or(is.is_some(), |wanted| is == Some(wanted.as_str()))
            }
        };
        self.statuses.contains(&answer.status)
            && self.headers.iter().all(|(name, start)| begins_with(header(answer, name), start))
            && self.without_headers.iter().all(|name| header(answer, name).is_none())
            && self.members.iter().all(|(path, want)| holds(path, want))
            && self.without.iter().all(|path| found(path).is_none())
    }

    /// How much it shows: of two descriptions that fit, the one that names more of what is there is meant. What must not be there
    /// shows nothing: an answer of the other kind may lack it as well.
    fn weight(&self) -> usize {
        self.headers.len() + self.members.len()
    }

    /// An answer that fits, and has nothing that it need not have.
    fn example(&self, sent: &Values<'_>) -> Answer {
        let mut body = Value::Null;
        for (path, want) in &self.members {
            let value = match want {
                Want::Constant(constant) => constant.clone(),
                Want::AnyText => Value::String(sent.sha256.to_owned()),
                Want::Text(text) => text.fill(&|name| sent.get(name)).unwrap_or_else(|| sent.sha256.to_owned()).into(),
            };
            put_member(&mut body, path, value);
        }
        Answer {
            status: self.statuses.first().copied().unwrap_or_default(),
            headers: self.headers.iter().map(|(name, start)| HeaderLine::new(name.clone(), start.clone())).collect(),
            body: if body.is_null() { bytes::Bytes::new() } else { body.to_string().into() },
        }
    }
}

/// Whether only the receiver can know what a placeholder stands for.
fn is_of_the_receiver(name: &str) -> bool {
    matches!(name, "ts" | "ttl" | "first.ts" | "first.sha256")
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a HeaderLine> {
    answer.headers.iter().find(|line| line.name.eq_ignore_ascii_case(name))
}

/// Whether a header line is there and its value begins with `start`, in any case.
#[must_use]
pub fn begins_with(line: Option<&HeaderLine>, start: &str) -> bool {
    line.and_then(|line| line.value.get(..start.len())).is_some_and(|begin| begin.eq_ignore_ascii_case(start.as_bytes()))
}

/// The refusal that the contract describes for a reason, or for the plainer one that it is a case of.
#[must_use]
pub fn refusal_form(contract: &Contract, why: Refusal) -> Option<&AnswerForm> {
    contract.outcomes.refusal(why).or_else(|| contract.outcomes.refusal(why.plainer()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::reading::read_contract;

    /// The reader of a contract with these outcomes.
    fn reader(accepted: &str, duplicate: &str) -> Reader {
        let text = format!(
            "{{contract: c, title: t, about: a, source: s, suite: x, endpoint: {{method: POST, path: /, content_type: a/b}},
              failures: {{then: replayed, provoke: {{header: F, status: 503}}}},
              secret: {{env: S, for_tests: s}}, key: {{header: K}},
              signature: {{digest: sha256, encoding: hex, message: '{{body}}', headers: [{{name: X, value: '{{sig}}'}}]}},
              outcomes: {{accepted: {accepted}, duplicate: {duplicate}, in-flight: {{status: 409}},
                refused: {{signature: {{status: 401}}, missing-signature: {{status: 401}}, missing-key: {{status: 400}}}}}}}}"
        );
        let contract = read_contract("c.yaml", &text, &|_| None).unwrap_or_else(|wrong| panic!("{wrong}"));
        Reader::new(Arc::new(contract))
    }

    /// Only where a member is filled in from the delivery is the same answer not always the same outcome, and only for answers
    /// that have the status for it.
    #[test]
    fn what_an_answer_is_may_hang_on_its_delivery() {
        let of = |status, accepted: &str, duplicate: &str| {
            let answer = Answer { status, headers: Vec::new(), body: bytes::Bytes::new() };
            reader(accepted, duplicate).hangs_on_delivery(&answer)
        };
        let hash = |status| format!("{{status: {status}, body: [{{member: hash, is: '{{sha256}}'}}]}}");
        assert!(!of(202, "{status: 202}", "{status: 208}"));
        assert!(!of(202, "{status: 202, body: [{member: ok, is: true}, {member: at, is: '{ts}'}]}", "{status: 208}"));
        assert!(of(202, &hash(202), "{status: 208}"));
        assert!(!of(202, "{status: 202}", &hash(208)));
        assert!(of(202, "{status: 202}", &hash(202)));
    }

    /// `"200 Marker:HIT {json}"` as it is read.
    fn read(reader: &Reader, answer: &str) -> String {
        let (status, rest) = answer.split_once(' ').unwrap_or((answer, ""));
        let (headers, body) = rest.split_at(rest.find('{').unwrap_or(rest.len()));
        let line = |pair: &str| pair.split_once(':').map(|(name, value)| HeaderLine::new(name, value.to_owned()));
        let headers = headers.split_whitespace().filter_map(line).collect();
        let answer = Answer { status: status.parse().expect("a status"), headers, body: body.to_owned().into() };
        reader.read(&answer, &Values { key: "k1", sha256: "ab", ..Values::default() }).to_string()
    }

    /// Own status, member, marker on one or both sides: each tells a duplicate, by what is there and by what is not.
    #[test]
    fn the_most_special_description_that_fits_wins() {
        let by_status = reader("{status: 201}", "{status: 200}");
        let by_member = reader(
            "{status: 200, body: [{member: ok, is: true}]}",
            "{status: 200, body: [{member: ok, is: true}, {member: seen, is: true}]}",
        );
        let by_marker = reader("{status: 200}", "{status: 200, headers: {Marker: HIT}}");
        let by_both = reader("{status: 200, headers: {Marker: MISS}}", "{status: 200, headers: {Marker: HIT}}");
        for (reader, answer, wanted) in [
            (&by_status, "201", "accepted"),
            (&by_status, "200 {}", "duplicate"),
            (&by_status, "409", "in flight"),
            (&by_status, "401", "refused"),
            (&by_status, "404", "refused"),
            (&by_status, "500", "unknown"),
            (&by_status, "503", "failed"),
            (&by_member, r#"200 {"ok":true}"#, "accepted"),
            (&by_member, r#"200 {"ok":true,"seen":true}"#, "duplicate"),
            (&by_member, r#"200 {"ok":1}"#, "unknown"),
            (&by_marker, "200", "accepted"),
            (&by_marker, "200 marker:hit", "duplicate"),
            (&by_marker, "200 Marker:MISS", "accepted"),
            (&by_both, "200 Marker:MISS", "accepted"),
            (&by_both, "200 Marker:HIT", "duplicate"),
            (&by_both, "200", "unknown"),
        ] {
            assert_eq!(read(reader, answer), wanted, "{answer}");
            assert!(reader.tells_duplicates());
        }
    }

    /// Answers that are alike are never told apart: the set has both.
    #[test]
    fn alike_answers_stay_open() {
        let alike = reader(
            "{status: 200, body: [{member: id, is: '{key}'}, {member: hash, is: '{sha256}'}]}",
            "{status: 200, same_body_as_first: true}",
        );
        assert_eq!(read(&alike, r#"200 {"id":"k1","hash":"ab"}"#), "accepted or duplicate");
        assert_eq!(read(&alike, r#"200 {"id":"k1","hash":"cd"}"#), "duplicate", "a hash of another body is the first's");
        assert_eq!(read(&alike, r#"200 {"id":"k2","hash":"ab"}"#), "unknown");
        assert!(!alike.tells_duplicates());
        let constant = reader("{status: 200, body: [{member: ok, is: true}]}", "{status: 200, body: [{member: ok, is: true}]}");
        assert!(!constant.tells_duplicates());
        let lacking =
            reader("{status: 200, body: [{member: ok, is: true}], without: [seen]}", "{status: 200, body: [{member: ok, is: true}]}");
        assert_eq!(read(&lacking, r#"200 {"ok":true}"#), "accepted or duplicate", "what is not there tells nothing");
        assert!(!lacking.tells_duplicates());
    }
}
