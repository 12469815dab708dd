//! What a schema cannot say of expectations: what they refer to, and whether
//! what is sent can have the outcome.

use std::sync::Arc;

use super::{Lint, Named};
use crate::scenario::deliver::Deliver;
use crate::scenario::expect::{AnswerCheck, Expect};

/// How to mend a duplicate whose body is another one.
const WHICH_BODY: &str = "give `body_of`, or expect `reuse_of`; where only the key counts, the scenario needs `key-alone`";

impl Lint<'_> {
    /// The body that a delivery sends, as a name for its bytes; `None` when no other delivery has them.
    pub(super) fn body_sent(&self, deliver: &Deliver) -> Option<Arc<str>> {
        if let Some(of) = &deliver.body_of {
            return self.sent.get(of).cloned();
        }
        let text = deliver.raw.as_ref().or(deliver.json.as_ref()).filter(|text| !text.contains("{unique}"));
        let bytes = || deliver.hex.as_ref().map(|digits| format!("the bytes {digits}"));
        text.map(|text| format!("the text {text}")).or_else(bytes).map(Arc::from)
    }

    /// A live key with the same body is a duplicate; with another one it is whatever the contract says.
    pub(super) fn same_body(&mut self, path: &str, deliver: &Deliver, expect: &Expect) {
        if deliver.key_of.is_none() {
            return;
        }
        let sent = self.body_sent(deliver);
        let is_that_of = |name: &str| self.sent.get(name).map(|body| sent.as_ref() == Some(body));
        let unlike = expect.firsts().into_iter().find(|first| is_that_of(first) == Some(false)).map(str::to_owned);
        let alike = match expect {
            Expect::ReuseOf(first) => is_that_of(first) == Some(true),
            Expect::Accepted
            | Expect::DuplicateOf(_)
            | Expect::Refused(_)
            | Expect::AnyOf(_)
            | Expect::Rather(_)
            | Expect::NoAnswer
            | Expect::Rejected
            | Expect::ElsewhereOf(_)
            | Expect::Respelled(_)
            | Expect::AgainAfter(_)
            | Expect::KeptRefusalOf(_)
            | Expect::OnceWith(_)
            | Expect::Failed
            | Expect::NotTaken => false,
        };
        if let Some(first) = unlike
            && !self.says_it_needs("key-alone")
        {
            let message = format!("the key alone does not say which body, and this one is not that of `{first}`");
            self.say_if_whole(format!("{path}.key_of"), message, Some(WHICH_BODY.to_owned()));
        }
        if alike {
            let way_out = Some("expect `duplicate_of`".to_owned());
            self.say_if_whole(format!("{path}.body_of"), "this is the same body: nothing is used for another", way_out);
        }
    }

    pub(super) fn expect(&mut self, path: &str, expect: &Expect) {
        match expect {
            Expect::DuplicateOf(name) => self.refers(format!("{path}.duplicate_of"), name, &[Named::Delivery]),
            Expect::OnceWith(name) => self.refers(format!("{path}.once_with"), name, &[Named::Delivery]),
            Expect::AnyOf(several) => self.several(&format!("{path}.any_of"), several),
            Expect::Rather(several) => self.several(&format!("{path}.rather"), several),
            Expect::ReuseOf(name) => self.refers(format!("{path}.reuse_of"), name, &[Named::Delivery]),
            Expect::ElsewhereOf(name) => self.refers(format!("{path}.elsewhere_of"), name, &[Named::Delivery]),
            Expect::Respelled(name) => self.refers(format!("{path}.respelled"), name, &[Named::Delivery]),
            Expect::AgainAfter(name) => self.refers(format!("{path}.again_after"), name, &[Named::Delivery]),
            Expect::KeptRefusalOf(name) => {
                let path = format!("{path}.kept_refusal_of");
                self.refers(path.clone(), name, &[Named::Delivery]);
                self.need("refusals-kept", "expects a refusal that is kept", &path);
            }
            Expect::Accepted | Expect::Refused(_) | Expect::Rejected | Expect::NoAnswer | Expect::Failed | Expect::NotTaken => {}
        }
    }

    fn several(&mut self, path: &str, several: &[Expect]) {
        if several.len() < 2 {
            self.say_if_whole(path, "a choice is between at least two outcomes", None);
        }
        for (at, one) in several.iter().enumerate() {
            self.expect(&format!("{path}[{at}]"), one);
        }
    }

    pub(super) fn answer(&mut self, path: &str, answer: &AnswerCheck) {
        for (member, pattern) in &answer.matches {
            if let Err(wrong) = regex_lite::Regex::new(pattern) {
                self.say(format!("{path}.matches.{member}"), format!("`{pattern}` is not a regular expression: {wrong}"), None);
            }
        }
        for (member, value) in &answer.body {
            if let Some(text) = value.as_str() {
                self.refers_in(&format!("{path}.body.{member}"), text);
            }
        }
        for (member, all) in [("contains", &answer.contains), ("lacks", &answer.lacks)] {
            for (at, text) in all.iter().enumerate() {
                self.refers_in(&format!("{path}.{member}[{at}]"), text);
            }
        }
        for (member, name) in [("same_as", &answer.same_as), ("says_nothing_of", &answer.says_nothing_of)] {
            if let Some(name) = name {
                self.refers(format!("{path}.{member}"), name, &[Named::Delivery]);
            }
        }
        self.rows_of(&format!("{path}.shows_rows_of"), &answer.shows_rows_of);
        match &answer.since {
            Some(name) => self.refers(format!("{path}.since"), name, &[Named::Answer]),
            None if answer.risen.is_empty() => {}
            None => self.say_if_whole(
                format!("{path}.risen"),
                "`risen` compares with an earlier answer",
                Some("name it with `since`".to_owned()),
            ),
        }
    }
}
