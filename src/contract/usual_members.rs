//! Usual members: what a sender's bodies bear beside what a scenario puts there.
//!
//! In: a body as a scenario has it. Out: the same with the members of
//! `endpoint.members`, where it is a JSON object; as a form, where deliveries
//! are forms. A scheme that signs members, or fields in their order, is checked
//! in earnest only over bodies that have several.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Contract;
use crate::message::member_at;
use crate::message::spelling::{as_form, with_form_field, with_member_at};

/// A member that every body bears.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsualMember {
    /// Its dotted path in JSON; in a form, the field's name.
    pub member: String,
    /// What stands there; in a form, as text.
    pub value: Value,
}

impl Contract {
    /// A body with the members that every body bears: the very bytes where the contract names none, or it is no JSON object.
    ///
    /// What a scenario says of such a member stays.
    #[must_use]
    pub fn with_usual_members<'b>(&self, body: &'b [u8]) -> Cow<'b, [u8]> {
        if self.endpoint.members.is_empty() && self.endpoint.body.is_none() {
            return Cow::Borrowed(body);
        }
        let Ok(said @ Value::Object(_)) = serde_json::from_slice::<Value>(body) else { return Cow::Borrowed(body) };
        let members = || self.endpoint.members.iter();
        if self.sends_forms() {
            let form = as_form(body).into_owned();
            return Cow::Owned(members().fold(form, |form, one| with_form_field(&form, &one.member, text_of(&one.value).as_bytes())));
        }
        let own = self.members_of_its_own();
        let own = own.iter().filter(|(name, _)| !name.contains('.')).map(|(name, value)| (name.as_str(), value));
        let all = members().map(|one| (one.member.as_str(), &one.value)).chain(own);
        let missing: Vec<(&str, &Value)> = all.filter(|(member, _)| member_at(&said, member).is_none()).collect();
        if missing.is_empty() {
            return Cow::Borrowed(body);
        }
        let dressed = |body: Vec<u8>, (member, value): (&str, &Value)| with_member_at(&body, member, &value.to_string()).unwrap_or(body);
        Cow::Owned(missing.into_iter().fold(body.to_vec(), dressed))
    }
}

/// A value as a form writes it.
fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use crate::contract::reading::read_contract;

    fn body(content_type: &str, body: &str) -> String {
        let text = format!(
            "{{contract: c, title: t, about: a, source: s, suite: x,
              endpoint: {{method: POST, path: /hook, content_type: {content_type},
                members: [{{member: b.c, value: 7}}, {{member: b.a, value: 'x y'}}]}},
              secret: {{env: S, for_tests: s}}, key: {{header: K}},
              signature: {{digest: sha256, encoding: hex, message: '{{body}}', headers: [{{name: X, value: '{{sig}}'}}]}},
              outcomes: {{accepted: {{status: 202}}, duplicate: {{status: 208}}, refused: {{signature: {{status: 401}}, missing-key: {{status: 400}}}}}}}}"
        );
        let contract = read_contract("c.yaml", &text, &|_| None).unwrap_or_else(|wrong| panic!("{wrong}"));
        String::from_utf8_lossy(&contract.with_usual_members(body.as_bytes())).into_owned()
    }

    /// Objects get what is missing, and everything else stays as it was.
    #[test]
    fn objects_bear_what_every_body_bears() {
        assert_eq!(body("application/json", r#"{"a": 1}"#), r#"{"b":{"a":"x y","c":7},"a": 1}"#);
        assert_eq!(body("application/json", r#"{"b": {"c": 1}}"#), r#"{"b": {"a":"x y","c": 1}}"#);
        assert_eq!(body("application/x-www-form-urlencoded", r#"{"a":1}"#), "payload=%7B%22a%22%3A1%7D&b.c=7&b.a=x+y");
        for odd in ["", "[1]", "{\"a\":", "a=b", "{}{}"] {
            assert_eq!(body("application/json", odd), odd);
            assert_eq!(body("application/x-www-form-urlencoded", odd), odd);
        }
    }
}
