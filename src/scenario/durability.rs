//! Durability: what the steps of a scenario take to be remembered over a restart.
//!
//! In: steps. Out: whether a step behind a restart asks for what came before
//! it, and for which kind of memory. That keys outlive a restart is a promise
//! of its own ([`Always`]): whatever else a scenario is about, it says nothing
//! of a receiver that does not make it.
//!
//! A stream that is opened anew, by the name of an earlier delivery, asks for
//! nothing: that name stands in the body of the next delivery, too.

use std::collections::BTreeSet;

use crate::scenario::Step;
use crate::scenario::deliver::Deliver;
use crate::scenario::requirement::Always;
use crate::scenario::stream::StreamStep;

/// What is remembered over a restart, as far as the steps ask for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Durability {
    /// Keys, and what was done for them.
    pub keys: bool,
    /// Ids of events, and what followed them.
    pub ids: bool,
}

impl Durability {
    /// What these steps rest on.
    #[must_use]
    pub fn of(steps: &[Step]) -> Self {
        let mut seen = Seen::default();
        seen.steps(steps);
        seen.rests_on
    }

    /// The requirements that promise it.
    pub fn promised_by(self, always: &Always) -> impl Iterator<Item = &String> {
        let keys = always.keys_outlive_restarts.as_ref().filter(|_| self.keys);
        keys.into_iter().chain(always.ids_outlive_restarts.as_ref().filter(|_| self.ids))
    }
}

/// What was named before the last restart, and what since.
#[derive(Default)]
struct Seen<'a> {
    before: BTreeSet<&'a str>,
    since: BTreeSet<&'a str>,
    rests_on: Durability,
}

impl<'a> Seen<'a> {
    fn steps(&mut self, steps: &'a [Step]) {
        for step in steps {
            self.step(step);
        }
    }

    fn step(&mut self, step: &'a Step) {
        if let Some(restart) = &step.restart {
            self.before.append(&mut self.since);
            // What it breaks in on was delivered before, and comes again after it.
            self.rests_on.keys |= restart.under_way.is_some();
        }
        self.rests_on.keys |= asked_of(step).into_iter().any(|name| self.before.contains(name));
        self.rests_on.ids |= step.stream.iter().flat_map(resumed).any(|name| self.before.contains(name));
        for name in named(step).into_iter().flatten() {
            // A name that is given again is what it was given last.
            self.before.remove(name);
            self.since.insert(name);
        }
        if let Some(block) = &step.repeat {
            self.steps(&block.steps);
        }
    }
}

/// The names that a step gives.
fn named(step: &Step) -> [Option<&str>; 5] {
    [
        step.deliver.as_ref().and_then(|one| one.name.as_deref()),
        step.burst.as_ref().and_then(|one| one.name.as_deref()),
        step.state.as_ref().and_then(|one| one.name.as_deref()),
        step.answer.as_ref().and_then(|one| one.name.as_deref()),
        step.stream.as_ref().and_then(|one| one.name.as_deref()),
    ]
}

/// The earlier deliveries and looks of which a step wants to find again what a receiver knows of them.
fn asked_of(step: &Step) -> Vec<&str> {
    let mut asked: Vec<&str> = Vec::new();
    let deliveries = step.deliver.iter().chain(step.burst.iter().map(|burst| &burst.deliver));
    asked.extend(deliveries.flat_map(keys_of));
    asked.extend(step.burst.iter().filter_map(|burst| burst.keys_of.as_deref()));
    asked.extend(step.expect.as_ref().and_then(|expect| expect.first()));
    if let Some(state) = &step.state {
        asked.extend(state.keys.iter().chain(&state.audit).map(|row| row.rows_for.as_str()));
        asked.extend(state.grown.iter().map(|grown| grown.since.as_str()));
        asked.extend(state.unchanged.iter().flat_map(|same| same.rows_for.iter().chain([&same.since]).map(String::as_str)));
        asked.extend(state.instants_never_go_back.iter().map(String::as_str));
    }
    asked.extend(step.effects.iter().flat_map(|effects| effects.of.iter().map(String::as_str)));
    if let Some(answer) = &step.answer {
        asked.extend(answer.shows_rows_of.iter().chain(&answer.same_as).chain(&answer.since).map(String::as_str));
    }
    asked
}

/// The deliveries whose keys a delivery bears, or a key that is made of theirs.
fn keys_of(deliver: &Deliver) -> impl Iterator<Item = &str> {
    let made_of = deliver.key.iter().flat_map(|key| key.split("{key:").skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)));
    deliver.key_of.as_deref().into_iter().chain(made_of)
}

/// The streams, and the deliveries told on them, behind which a client comes back.
fn resumed(step: &StreamStep) -> impl Iterator<Item = &str> {
    let texts = step.last_event_id.iter().chain(step.until.iter().filter_map(|until| until.id.as_ref()));
    let of_ids = texts.flat_map(|text| text.split("{id:").skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)));
    let told = step.expect.iter().flat_map(|one| one.tells.iter().chain(&one.tells_all).flatten().chain(&one.again));
    step.reconnect.as_deref().into_iter().chain(of_ids.flat_map(|place| place.split('.'))).chain(told.map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    /// What steps in YAML rest on: `keys`, `ids`, both or nothing.
    fn rests_on(steps: &str) -> String {
        #[derive(serde::Deserialize, schemars::JsonSchema)]
        struct Steps {
            steps: Vec<Step>,
        }
        let (read, _) = yaml::read::<Steps>("steps.yaml", &format!("{{steps: [{steps}]}}")).unwrap();
        let Durability { keys, ids } = Durability::of(&read.steps);
        [(keys, "keys"), (ids, "ids")].into_iter().filter_map(|(is, word)| is.then_some(word)).collect::<Vec<_>>().join(" ")
    }

    /// Whoever asks behind a restart for what came before it rests on its being remembered; whoever asks for what came since does not.
    #[test]
    fn what_came_before_a_restart_is_told_from_what_came_since() {
        let first = "{deliver: {as: a}, expect: accepted}";
        for (behind, wanted) in [
            ("{deliver: {key_of: a}, expect: {duplicate_of: a}}", "keys"),
            ("{deliver: {key: '{key:a}-x'}, expect: accepted}", "keys"),
            ("{deliver: {body_of: a}, expect: accepted}", ""),
            ("{burst: {keys_of: a, each: 4}, counts: {duplicate: 4}}", "keys"),
            ("{effects: {of: [a], at_most: 1}}", "keys"),
            ("{state: {audit: [{rows_for: a, count: 1}]}}", "keys"),
            ("{repeat: {times: 2, steps: [{deliver: {key_of: a}, expect: {duplicate_of: a}}]}}", "keys"),
            ("{deliver: {as: a}, expect: accepted}, {deliver: {key_of: a}, expect: {duplicate_of: a}}", ""),
            ("{deliver: {as: b, stream_of: a}, expect: accepted}, {stream: {open: a, as: t, expect: [{tells: [b]}]}}", ""),
            ("{stream: {open: a, last_event_id: '{id:s.a}', as: t}}", "ids"),
            ("{stream: {reconnect: s, as: t}}", "ids"),
        ] {
            let opened = "{stream: {open: a, as: s}}";
            assert_eq!(rests_on(&format!("{first}, {opened}, {{restart: {{}}}}, {behind}")), wanted, "{behind}");
            assert_eq!(rests_on(&format!("{{restart: {{}}}}, {first}, {opened}, {behind}")), "", "{behind}");
        }
        assert_eq!(rests_on("{restart: {under_way: {senders: 2, answers: 4}}}"), "keys");
    }
}
