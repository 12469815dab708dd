//! What a schema cannot say of deliveries and bursts, and of how a scenario ends.

use super::{DELIVERIES, Lint, Named};
use crate::scenario::Step;
use crate::scenario::deliver::{Burst, ConnectionUse, Deliver, Framing, MethodOverride};
use crate::scenario::expect::StateCheck;
use crate::sign::tamper::Tamper;
use crate::sign::unhex;
use crate::yaml::diagnostic::hint;

/// More deliveries at once than this are a slip of the hand.
const MOST_AT_ONCE: usize = 10_000;

/// How to mend a step that expects nothing.
const WAY_OUT: &str = "say what must come of it: `expect`, `answer`, `counts`, a `state` or an `effects` step";

impl Lint<'_> {
    pub(super) fn deliver(&mut self, path: &str, deliver: &Deliver) {
        let keys = [
            ("key", deliver.key.is_some()),
            ("key_of", deliver.key_of.is_some()),
            ("key_length", deliver.key_length.is_some()),
            ("key_up_to", deliver.key_up_to.is_some()),
            ("key_outside", deliver.key_outside.is_some()),
            // Behind another delivery's key they are one key.
            ("key_hex", deliver.key_hex.is_some() && deliver.key_of.is_none()),
            ("no_key", deliver.no_key),
        ];
        let bodies = [
            ("body", deliver.body.is_some()),
            ("raw", deliver.raw.is_some()),
            ("hex", deliver.hex.is_some()),
            ("json", deliver.json.is_some()),
            ("fill", deliver.fill.is_some()),
            ("random_bytes", deliver.random_bytes.is_some()),
            ("body_of", deliver.body_of.is_some()),
            ("respell_of", deliver.respell_of.is_some()),
            ("method_override", deliver.method_override == Some(MethodOverride::Form)),
        ];
        let signatures = [
            ("signature", deliver.signature.is_some()),
            ("signed_over", deliver.signed_over.is_some()),
            ("signed_over_raw", deliver.signed_over_raw.is_some()),
        ];
        if deliver.fault.is_some() && (deliver.framing != Framing::ContentLength || deliver.connection != ConnectionUse::Any) {
            let message = "a faulty network carries bodies with a length, over a connection of its own";
            self.say_at_key(format!("{path}.fault"), message, Some("leave `framing` and `connection` out".to_owned()));
        }
        self.at_most_one(path, "key", &keys);
        self.at_most_one(path, "body", &bodies);
        self.at_most_one(path, "signature", &signatures);
        if deliver.which.is_some() && !matches!(deliver.signature, Some(Tamper::MemberChanged | Tamper::CoversLess)) {
            let way_out = Some("it goes with `signature: member-changed` or `covers-less`".to_owned());
            self.say_at_key(format!("{path}.which"), "there are not several to choose from", way_out);
        }
        if let Some(key) = &deliver.key {
            if !key.trim().is_empty() && !["{unique}", "{number}", "{uuid}", "{key:"].iter().any(|mark| key.contains(mark)) {
                let way_out = Some(format!("write {{unique}} into it: \"{key}-{{unique}}\""));
                self.say(format!("{path}.key"), "a key must differ from run to run", way_out);
            }
            self.refers_in(&format!("{path}.key"), key);
        }
        if let Some(name) = &deliver.key_of {
            self.refers(format!("{path}.key_of"), name, &[Named::Delivery]);
        }
        if deliver.near_uuid.is_some() && deliver.key_of.is_none() {
            let way_out = Some("say whose with `key_of`, a delivery whose key is a `{uuid}`".to_owned());
            self.say_at_key(format!("{path}.near_uuid"), "this is near to nobody's key", way_out);
        }
        self.on_a_stream(path, deliver);
        for (member, name) in [("body_of", &deliver.body_of), ("respell_of", &deliver.respell_of)] {
            if let Some(name) = name {
                self.refers(format!("{path}.{member}"), name, &[Named::Delivery]);
            }
        }
        for (there, member, word, does) in [
            (deliver.provoke_failure, "provoke_failure", "failures", "makes the receiver fail"),
            (deliver.elsewhere, "elsewhere", "scope", "delivers in another scope"),
            (deliver.key_as_number, "key_as_number", "key-in-body", "writes a key as a number into a body"),
            (deliver.key_last, "key_last", "key-in-body", "puts a key behind what else stands in a body"),
            (deliver.respell_of.is_some(), "respell_of", "fingerprint", "writes a body in another spelling"),
        ] {
            if there {
                self.need(word, does, &format!("{path}.{member}"));
            }
        }
        self.doors(path, deliver);
        for (member, digits) in [("hex", &deliver.hex), ("key_hex", &deliver.key_hex)] {
            if let Some(digits) = digits {
                self.hex(&format!("{path}.{member}"), digits);
            }
        }
        if let Some(text) = &deliver.json
            && let Err(wrong) = serde_json::from_str::<serde::de::IgnoredAny>(text)
        {
            let way_out = Some("a body that is no JSON on purpose is `raw`".to_owned());
            self.say(format!("{path}.json"), format!("this is not JSON: {wrong}"), way_out);
        }
        for (member, file) in [("body", &deliver.body), ("signed_over", &deliver.signed_over)] {
            if let Some(file) = file {
                self.body_file(&format!("{path}.{member}"), file);
            }
        }
        if let Some(fill) = &deliver.fill {
            if fill.text.is_empty() {
                self.say(format!("{path}.fill.text"), "empty text fills nothing", None);
            }
            if [fill.bytes, fill.over_limit, fill.under_limit].iter().flatten().count() != 1 {
                let way_out = "give `bytes`, or `over_limit` or `under_limit` for more or fewer than the contract's limit";
                let way_out = Some(way_out.to_owned());
                self.say_if_whole(format!("{path}.fill"), "this does not say how long the body is", way_out);
            }
        }
    }

    fn doors(&mut self, path: &str, deliver: &Deliver) {
        if let Some(text) = &deliver.second_key_line {
            if deliver.no_key {
                self.say_at_key(format!("{path}.second_key_line"), "where there is no key, there is no second one", None);
            } else if !["{own}", "{unique}", "{key:"].iter().any(|mark| text.contains(mark)) {
                let way_out = Some(format!("the same key is \"{{own}}\", another one \"{{own}}-{text}\""));
                self.say(format!("{path}.second_key_line"), "a key must differ from run to run", way_out);
            }
            self.refers_in(&format!("{path}.second_key_line"), text);
        }
        if deliver.method_override.is_some() && deliver.method.is_none() {
            let way_out = Some("say which method travels: `method: GET`".to_owned());
            self.say_at_key(format!("{path}.method_override"), "this overrides the contract's own method with itself", way_out);
        }
    }

    pub(super) fn at_most_one(&mut self, path: &str, what: &str, forms: &[(&str, bool)]) {
        let mut there = forms.iter().filter(|(_, there)| *there).map(|(form, _)| *form);
        if let (Some(first), Some(second)) = (there.next(), there.next()) {
            let message = format!("a delivery has one {what}, this one has `{first}` and `{second}`");
            self.say_at_key(format!("{path}.{second}"), message, None);
        }
    }

    fn hex(&mut self, path: &str, digits: &str) {
        let digits: String = digits.chars().filter(|c| !c.is_whitespace()).collect();
        if unhex(digits.as_bytes()).is_none() {
            let odd = digits.chars().find(|c| !c.is_ascii_hexdigit());
            let message = match odd {
                Some(odd) => format!("`{odd}` is no hex digit"),
                None => format!("bytes are pairs of hex digits, and these are {} digits", digits.len()),
            };
            self.say(path, message, None);
        }
    }

    fn body_file(&mut self, path: &str, file: &str) {
        if !self.known.bodies.contains(file) {
            let known: Vec<&str> = self.known.bodies.iter().map(String::as_str).collect();
            self.say(path, format!("there is no body file `{file}`"), hint(file, "there are", &known));
        }
    }

    pub(super) fn burst(&mut self, path: &str, burst: &Burst) {
        let most = burst.keys.saturating_mul(burst.each);
        if most == 0 {
            self.say_at_key(format!("{path}.each"), "a burst of no deliveries shows nothing", None);
        } else if most > MOST_AT_ONCE {
            let message = format!("{} keys with {} deliveries each are more than {MOST_AT_ONCE} at once", burst.keys, burst.each);
            self.say_at_key(format!("{path}.each"), message, None);
        }
        if let Some(name) = &burst.keys_of {
            self.refers(format!("{path}.keys_of"), name, DELIVERIES);
            if let Some(keys) = keys_named(&self.scenario.steps, name).filter(|keys| *keys != burst.keys) {
                let message = format!("`{name}` has {keys} keys, and this burst has {}", burst.keys);
                self.say(format!("{path}.keys_of"), message, Some(format!("say `keys: {keys}`")));
            }
        }
        let deliver = &burst.deliver;
        if deliver.fault.is_some() {
            let way_out = Some("make a `deliver` of it".to_owned());
            self.say_at_key(format!("{path}.deliver.fault"), "a burst goes straight to the receiver", way_out);
        }
        let taken = [
            ("as", deliver.name.is_some()),
            ("key", deliver.key.is_some()),
            ("key_of", deliver.key_of.is_some()),
            ("key_length", deliver.key_length.is_some()),
            ("key_up_to", deliver.key_up_to.is_some()),
            ("key_hex", deliver.key_hex.is_some()),
            ("near_uuid", deliver.near_uuid.is_some()),
            ("key_outside", deliver.key_outside.is_some()),
            ("second_key_line", deliver.second_key_line.is_some()),
        ];
        for (member, _) in taken.into_iter().filter(|(_, there)| *there) {
            let way_out = match member {
                "as" => "name the burst: {as: …, each: …}",
                "key_of" => "name whose keys they are with the burst's `keys_of`",
                _ => "say how many keys there are with `keys`",
            };
            self.say_at_key(
                format!("{path}.deliver.{member}"),
                format!("`{member}` is the burst's own business"),
                Some(way_out.to_owned()),
            );
        }
        self.deliver(&format!("{path}.deliver"), deliver);
    }

    /// Whoever sends something says what must come of it: an expectation that was lost would be missed by nobody.
    pub(super) fn expectation(&mut self, path: &str, step: &Step) {
        if sends(step) && !expects_something(step) {
            self.say_if_whole(path, "nothing is expected of this step", Some(WAY_OUT.to_owned()));
        }
    }

    /// A scenario that ends without an expectation has done its last step for nothing.
    pub(super) fn last_step(&mut self) {
        let mut path = "steps".to_owned();
        let mut steps = self.scenario.steps.as_slice();
        while let [.., last] = steps {
            path = format!("{path}[{}]", steps.len() - 1);
            match &last.repeat {
                Some(block) => {
                    path.push_str(".repeat.steps");
                    steps = &block.steps;
                }
                None => {
                    if !sends(last) && !expects_something(last) {
                        self.say_if_whole(path, "nothing is expected of the last step", Some(WAY_OUT.to_owned()));
                    }
                    return;
                }
            }
        }
    }
}

/// How many keys the delivery or burst of a name has; `None` where there is none.
fn keys_named(steps: &[Step], name: &str) -> Option<usize> {
    steps.iter().find_map(|step| {
        let delivery = step.deliver.as_ref().filter(|one| one.name.as_deref() == Some(name)).map(|_| 1);
        let burst = step.burst.as_ref().filter(|one| one.name.as_deref() == Some(name)).map(|one| one.keys);
        delivery.or(burst).or_else(|| keys_named(&step.repeat.as_ref()?.steps, name))
    })
}

fn sends(step: &Step) -> bool {
    step.deliver.is_some() || step.burst.is_some() || step.get.is_some()
}

fn expects_something(step: &Step) -> bool {
    let looks = |state: &StateCheck| {
        let only_named = StateCheck { name: state.name.clone(), ..StateCheck::default() };
        serde_json::to_value(state).ok() != serde_json::to_value(only_named).ok()
    };
    let breaks_in = step.restart.as_ref().is_some_and(|restart| restart.under_way.is_some());
    breaks_in
        || step.effects.is_some()
        || step.snapshot.is_some()
        || step.expect.is_some()
        || step.stream.is_some()
        || step.answer.is_some()
        || step.counts.is_some()
        || step.state.as_ref().is_some_and(looks)
}
