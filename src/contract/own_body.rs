//! Own body: what deliveries of this sender bear, in place of the suite's ordinary body.
//!
//! In: the body files of a suite. Out: the same, of which the ordinary one is
//! `endpoint.body`, and those that are JSON objects bear its members, so that a
//! receiver that looks into bodies takes them, too. What a body is about (a
//! number in another spelling, letters beyond ASCII) stays as it was.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::Contract;
use crate::message::spelling::with_member_at;
use crate::message::{canonical_json, member_in};

/// What stands for a delivery's own word in the text of a body.
pub const UNIQUE: &str = "{unique}";

impl Contract {
    /// The body files of a suite as this contract's sender has them; as they are, where it has no body of its own.
    ///
    /// * `ordinary`: the one that deliveries bear that do not say which.
    #[must_use]
    pub fn with_own_body(&self, ordinary: &str, mut bodies: BTreeMap<String, Bytes>) -> BTreeMap<String, Bytes> {
        let Some(text) = &self.endpoint.body else { return bodies };
        let usual = bodies.insert(ordinary.to_owned(), Bytes::from(text.clone()));
        let (Some(own), Some(usual)) = (object(text.as_bytes()), usual.as_deref().and_then(object)) else { return bodies };
        for (name, body) in &mut bodies {
            if name != ordinary
                && let Some(dressed) = dressed(body, &own, &usual)
            {
                *body = Bytes::from(dressed);
            }
        }
        bodies
    }

    /// The members of the body of one's own, for bodies that stand in a scenario itself; empty where there are none.
    pub(super) fn members_of_its_own(&self) -> Map<String, Value> {
        let text = self.endpoint.body.as_ref().filter(|_| !self.sends_forms());
        text.and_then(|text| object(text.replace(UNIQUE, "other").as_bytes())).unwrap_or_default()
    }
}

/// What cannot be meant, each with its place and the way out.
pub(super) fn diagnostics(contract: &Contract) -> Vec<(String, String, Option<String>)> {
    let Some(body) = &contract.endpoint.body else { return Vec::new() };
    let mut all = Vec::new();
    let mut say = |message: String, way_out: String| all.push(("endpoint.body".to_owned(), message, Some(way_out)));
    if !body.contains(UNIQUE) {
        say(
            format!("this has no `{UNIQUE}`: the bodies of two deliveries would be the same"),
            format!("put it where any text may stand, as \"note\": \"{UNIQUE}\""),
        );
    }
    if let Some(path) = contract.key.body_member.as_ref().filter(|path| member_in(body.as_bytes(), path).is_some()) {
        say(format!("`{path}` is the key's own place"), "leave it out".to_owned());
    }
    if body.len() >= contract.limits.body_bytes() {
        say(
            format!("this has {} bytes, and `limits.body_bytes` allows {}", body.len(), contract.limits.body_bytes()),
            "shorten it".to_owned(),
        );
    }
    all
}

/// A body with the members of `own`: those that it lacks, and those that are only there because every body of the suite has them.
fn dressed(body: &[u8], own: &Map<String, Value>, usual: &Map<String, Value>) -> Option<Vec<u8>> {
    let said = object(body)?;
    let is_put = |name: &String| !name.contains('.') && (!said.contains_key(name) || usual.contains_key(name));
    let dressed = own
        .iter()
        .filter(|(name, _)| is_put(name))
        .try_fold(body.to_vec(), |body, (name, value)| with_member_at(&body, name, &value.to_string()))?;
    // Another body stays another one.
    let is_other = canonical_json(&dressed) != canonical_json(Value::Object(own.clone()).to_string().as_bytes());
    is_other.then_some(dressed)
}

fn object(body: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Some(members),
        Ok(_) | Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::reading::read_contract;

    fn bodies(own: &str, others: &[(&str, &'static str)]) -> String {
        let text = format!(
            "{{contract: c, title: t, about: a, source: s, suite: x,
              endpoint: {{method: POST, path: /hook, content_type: application/json, body: {}}},
              secret: {{env: S, for_tests: s}}, key: {{header: K}},
              signature: {{digest: sha256, encoding: hex, message: '{{body}}', headers: [{{name: X, value: '{{sig}}'}}]}},
              outcomes: {{accepted: {{status: 202}}, duplicate: {{status: 208}}, refused: {{signature: {{status: 401}}, missing-key: {{status: 400}}}}}}}}",
            Value::from(own)
        );
        let contract = read_contract("c.yaml", &text, &|_| None).unwrap_or_else(|wrong| panic!("{wrong}"));
        let all = others.iter().map(|(name, text)| ((*name).to_owned(), Bytes::from_static(text.as_bytes()))).collect();
        let all = contract.with_own_body("usual", all);
        all.iter().map(|(name, body)| format!("{name} {}\n", String::from_utf8_lossy(body))).collect()
    }

    /// A body that all deliveries would share, or that has the key in it, is a mistake.
    #[test]
    fn body_leaves_room_for_what_differs() {
        let wrong = |body: &str| {
            let text = format!(
                "{{contract: c, extends: stripe-webhook, title: t, limits: {{body_bytes: 90}}, endpoint: {{body: {}}}}}",
                Value::from(body)
            );
            let shipped = |name: &str| crate::files::shipped_contract(name).map(|file| file.text);
            read_contract("c.yaml", &text, &shipped).map_or_else(|wrong| wrong.to_string(), |_| "right".to_owned())
        };
        assert_eq!(wrong(r#"{"n":"{unique}"}"#), "right");
        assert!(wrong(r#"{"n":1}"#).contains("this has no `{unique}`"), "{}", wrong(r#"{"n":1}"#));
        assert!(wrong(r#"{"id":"evt_1","n":"{unique}"}"#).contains("`id` is the key's own place"));
        let long = format!(r#"{{"n":"{{unique}}{}"}}"#, "x".repeat(90));
        assert!(wrong(&long).contains("`limits.body_bytes` allows 90"), "{}", wrong(&long));
    }

    /// The ordinary body is the sender's own, and the others bear its members, each beside what it is about.
    #[test]
    fn bodies_of_a_suite_are_the_senders() {
        let suite = [
            ("usual", r#"{"id":"{unique}","status":"done"}"#),
            ("failed", r#"{"id":"{unique}","status":"failed","code":1}"#),
            ("numbers", "{\"id\": \"{unique}\",\n \"amount\": 1E+2}"),
            ("broken", r#"{"id":"#),
        ];
        insta::assert_snapshot!(bodies(r#"{"type":"paid","amount":5,"status":"ok","hookgate":"{unique}"}"#, &suite), @r#"
        broken {"id":
        failed {"hookgate":"{unique}","amount":5,"type":"paid","id":"{unique}","status":"ok","code":1}
        numbers {"hookgate":"{unique}","status":"ok","type":"paid","id": "{unique}",
         "amount": 1E+2}
        usual {"type":"paid","amount":5,"status":"ok","hookgate":"{unique}"}
        "#);
        // What would be the ordinary body again stays what it was; a body that is no object changes nothing else.
        let same = bodies(r#"{"id":"{unique}","status":"ok"}"#, &[suite[0], ("other", r#"{"status":"failed","id":"{unique}"}"#)]);
        assert!(same.contains(r#"other {"status":"failed","id":"{unique}"}"#), "{same}");
        let text = bodies("<event>{unique}</event>", &suite);
        assert!(
            text.contains("usual <event>{unique}</event>") && text.contains(r#"failed {"id":"{unique}","status":"failed","code":1}"#),
            "{text}"
        );
    }
}
