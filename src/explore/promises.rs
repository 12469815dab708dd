//! Promises: under which requirement a step of a kind is filed, and what it expects where the contract alone does not say.
//!
//! In: the suite of a contract. Out: for every kind of step that a scenario of
//! it has, by its features (`signature:half`, `framing:chunked`), the
//! requirements that are shown by it, and the expectation. So no requirement
//! is named in here, and what no suite promises is not explored.

use std::collections::BTreeMap;

use serde_json::Value;

use super::pruned::pruned;
use crate::scenario::deliver::Deliver;
use crate::scenario::expand::Loaded;
use crate::scenario::expect::Expect;
use crate::scenario::{Scenario, Step};

/// What a suite says of a kind of step.
#[derive(Clone, Debug)]
pub struct Promise {
    /// The requirements, the main one first.
    pub shows: Vec<String>,
    /// What must come of it.
    pub expect: Option<Expect>,
    /// The statuses that its answer may have, where they are said.
    pub statuses: Vec<u16>,
    /// How plainly the suite speaks of it: the less beside it, the more.
    rank: (usize, usize, usize),
}

/// What a suite says of all kinds.
#[derive(Clone, Debug, Default)]
pub struct Promises {
    by_feature: BTreeMap<String, Promise>,
}

impl Promises {
    /// Those of scenarios that apply.
    ///
    /// * `is_promised`: whether the contract promises the requirement of an id.
    pub fn of(scenarios: &[&Loaded], is_promised: impl Fn(&str) -> bool) -> Self {
        let mut all = Self::default();
        for loaded in scenarios {
            let mut seen = Seen::default();
            all.learn(&loaded.scenario, &loaded.scenario.steps, &mut seen, &is_promised);
        }
        all
    }

    fn learn(&mut self, scenario: &Scenario, steps: &[Step], seen: &mut Seen, is_promised: &impl Fn(&str) -> bool) {
        for step in steps {
            if let Some(block) = &step.repeat {
                self.learn(scenario, &block.steps, seen, is_promised);
            }
            let said = if step.shows.is_empty() { scenario.shows.first().cloned().into_iter().collect() } else { step.shows.clone() };
            let shows: Vec<String> = said.into_iter().filter(|id| is_promised(id)).collect();
            let features = seen.features(step);
            if shows.is_empty() {
                continue;
            }
            let statuses = step.answer.as_ref().map_or_else(Vec::new, |answer| answer.status.clone());
            // What a step says of itself is beside its scenario's own subject.
            let beside = usize::from(!step.shows.is_empty());
            let rank = (features.len() + beside, scenario.needs.len() + scenario.shows.len(), scenario.steps.len());
            for feature in features {
                let promise = Promise { shows: shows.clone(), expect: step.expect.clone(), statuses: statuses.clone(), rank };
                match self.by_feature.get_mut(&feature) {
                    // Whoever demands most is right: a forgery that is to be answered 401 is not only to be refused somehow.
                    Some(known) if (freedom(&promise), promise.rank) < (freedom(known), known.rank) => *known = promise,
                    Some(_) => {}
                    None => drop(self.by_feature.insert(feature, promise)),
                }
            }
        }
    }

    /// What is promised of a feature.
    #[must_use]
    pub fn get(&self, feature: &str) -> Option<&Promise> {
        self.by_feature.get(feature)
    }

    /// The requirements under which the first of several features is filed that the suite knows.
    #[must_use]
    pub fn shows(&self, features: &[&str]) -> Vec<String> {
        features.iter().find_map(|one| self.get(one)).map_or_else(Vec::new, |promise| promise.shows.clone())
    }

    /// Says anew under which requirements deliveries and bursts are filed, where steps are not what they were made as: a burst of
    /// several bodies whose bodies are alike by now shows what such bursts show.
    pub fn retell(&self, steps: &mut [Step]) {
        self.retell_since(steps, &mut Seen::default());
    }

    fn retell_since(&self, steps: &mut [Step], seen: &mut Seen) {
        for step in steps {
            if let Some(block) = &mut step.repeat {
                self.retell_since(&mut block.steps, seen);
            }
            let features = seen.features(step);
            if let Some(promise) = self.plainest(step, &features) {
                step.shows.clone_from(&promise.shows);
            }
        }
    }

    /// What speaks of a delivery or a burst most plainly; nothing where its own words are the best.
    fn plainest(&self, step: &Step, features: &[String]) -> Option<&Promise> {
        if step.burst.is_some() {
            return features.iter().find_map(|feature| self.get(feature));
        }
        let outcome = step.expect.as_ref().filter(|_| step.deliver.is_some()).map(outcome_of)?;
        let compares = features.iter().find(|feature| *feature == "answer:same_as").and_then(|feature| self.get(feature));
        let comes_so = |promise: &&Promise| promise.expect.as_ref().map(outcome_of).as_ref() == Some(&outcome);
        let of_it: Vec<&Promise> =
            features.iter().filter(|feature| !feature.starts_with("answer:")).filter_map(|feature| self.get(feature)).collect();
        // Of several ways in which it is special, what its outcome hangs on.
        let best = of_it.iter().copied().find(comes_so).or(of_it.first().copied());
        let is_plain = step.deliver.as_ref().is_some_and(|deliver| features_of(deliver).is_empty());
        compares.or(best).or_else(|| self.get(&outcome).filter(|_| is_plain))
    }

    /// Whether the suite knows a feature.
    #[must_use]
    pub fn know(&self, feature: &str) -> bool {
        self.by_feature.contains_key(feature)
    }
}

/// How much an expectation leaves to a receiver.
fn freedom(promise: &Promise) -> usize {
    match &promise.expect {
        Some(Expect::AnyOf(any) | Expect::Rather(any)) => 1 + any.len(),
        Some(Expect::Rejected | Expect::NotTaken) => 10,
        Some(_) => 1,
        None => 20,
    }
}

/// What a scenario has done so far.
#[derive(Default)]
struct Seen {
    refused: Vec<String>,
    aged: bool,
    restarted: bool,
}

impl Seen {
    /// The features of a step, at its place.
    fn features(&mut self, step: &Step) -> Vec<String> {
        let mut found = Vec::new();
        self.aged |= step.advance.is_some();
        self.restarted |= step.restart.is_some();
        if let Some(deliver) = &step.deliver {
            let of_it = features_of(deliver);
            let outcome = step.expect.as_ref().map(outcome_of).unwrap_or_default();
            let refusal =
                step.expect.as_ref().is_some_and(|expect| matches!(expect, Expect::Refused(_) | Expect::Rejected | Expect::AnyOf(_)));
            if of_it.is_empty() {
                let after = deliver.key_of.as_ref().is_some_and(|name| self.refused.contains(name));
                for (is_so, when) in [(after, "after-refusal"), (self.restarted, "restarted"), (self.aged, "aged")] {
                    found.extend(is_so.then(|| format!("{when}:{outcome}")));
                }
                if !after && !self.aged && !self.restarted {
                    found.push(outcome);
                }
            }
            // Another body is what makes it one.
            if matches!(step.expect, Some(Expect::ReuseOf(_))) {
                found.push("reuse_of".to_owned());
            }
            if refusal {
                self.refused.extend(deliver.name.clone());
            }
            found.extend(of_it);
            let checks = step.answer.as_ref().and_then(pruned);
            found.extend(members(checks.as_ref()).map(|member| format!("answer:{member}")));
        }
        if let Some(burst) = &step.burst {
            let kind = pruned(burst).and_then(|value| value.get("bodies").cloned()).map_or("burst", |_| "burst-unlike");
            let of_it = features_of(&burst.deliver);
            found.extend(of_it.iter().map(|feature| format!("burst+{feature}")));
            found.push(if burst.each == 1 { "crowd".to_owned() } else { kind.to_owned() });
        }
        found.extend(step.stream.iter().flat_map(super::streams::features_of));
        if let Some(restart) = &step.restart {
            found.push(if restart.under_way.is_some() { "break-in" } else { "restart" }.to_owned());
        }
        if let Some(state) = step.state.as_ref().and_then(pruned) {
            for table in ["keys", "audit"] {
                let rows = state.get(table).and_then(Value::as_array).into_iter().flatten();
                found.extend(rows.flat_map(|row| members(Some(row)).map(|member| format!("{table}:{member}")).collect::<Vec<_>>()));
                let held = state.get(table).and_then(Value::as_array).into_iter().flatten().filter_map(|row| row.get("holds"));
                found.extend(held.flat_map(|held| members(Some(held)).map(|member| format!("{table}:holds:{member}")).collect::<Vec<_>>()));
            }
            found.extend(members(Some(&state)).map(|member| format!("state:{member}")));
        }
        if let Some(get) = step.get.as_ref().and_then(pruned).and_then(|get| get.get("what").and_then(Value::as_str).map(str::to_owned)) {
            found.push(format!("get:{get}"));
        }
        found
    }
}

fn members(value: Option<&Value>) -> impl Iterator<Item = String> {
    value.and_then(Value::as_object).into_iter().flat_map(|members| members.keys().cloned())
}

/// An outcome by its name, without whose it is.
#[must_use]
pub fn outcome_of(expect: &Expect) -> String {
    match serde_json::to_value(expect) {
        Ok(Value::String(name)) => name,
        Ok(Value::Object(members)) => members.keys().next().cloned().unwrap_or_default(),
        Ok(_) | Err(_) => String::new(),
    }
}

/// What is special about a delivery, member by member; nothing where it is plain.
#[must_use]
pub fn features_of(deliver: &Deliver) -> Vec<String> {
    /// What only says which delivery is meant.
    const NAMES: [&str; 4] = ["as", "key_of", "body_of", "over_longest"];
    /// Members of which every value is a kind of its own.
    const BY_VALUE: [&str; 5] = ["signature", "framing", "header_case", "method", "connection"];
    let Some(Value::Object(members)) = pruned(deliver) else { return Vec::new() };
    let forged = deliver.signature.is_some_and(|tamper| !tamper.passes());
    let mut found = Vec::new();
    for (name, value) in &members {
        let text = value.as_str().unwrap_or_default();
        match name.as_str() {
            name if NAMES.contains(&name) => {}
            name if BY_VALUE.contains(&name) => found.push(format!("{name}:{text}")),
            "key" if text.trim().is_empty() => found.push("key:blank".to_owned()),
            "key" if text.contains("{key:") => found.push("key:alike".to_owned()),
            "key" if text.contains('\'') || text.contains("--") => found.push("key:sql".to_owned()),
            "key_length" if deliver.key_length.is_some_and(|length| length > 255) => found.push("key:over-255".to_owned()),
            "fault" => found.push(format!("fault:{}", value.as_str().map_or_else(|| members_of(value), str::to_owned))),
            "door" | "method_override" => found.push(format!("{name}:{}", if forged { "forged" } else { "honest" })),
            "fill" if value.get("over_limit").is_some() => found.push("fill:over-limit".to_owned()),
            name => found.push(name.to_owned()),
        }
    }
    found
}

fn members_of(value: &Value) -> String {
    members(Some(value)).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::vetting::{loaded, scenario_of};

    /// A step that is not what it was made as is filed under what it is by now; what nobody speaks of keeps its own words.
    #[test]
    fn steps_are_filed_under_what_they_are_by_now() {
        let steps = |texts: &[&str]| texts.iter().map(|text| serde_json::from_str(text).expect("it is a step")).collect::<Vec<Step>>();
        let suite = steps(&[
            r#"{"burst": {"each": 8}, "counts": {"accepted": 1}, "shows": ["ONCE-1"]}"#,
            r#"{"burst": {"each": 8, "bodies": "unlike"}, "counts": {"accepted": 1}, "shows": ["OTHER-1"]}"#,
            r#"{"deliver": {"as": "first"}, "expect": "accepted", "shows": ["AUTH-1"]}"#,
            r#"{"deliver": {"key_of": "first"}, "expect": {"duplicate_of": "first"}, "shows": ["DUP-1"]}"#,
            r#"{"deliver": {"framing": "chunked"}, "expect": "accepted", "shows": ["HTTP-3"]}"#,
        ]);
        let one = loaded("t/s", scenario_of(&suite));
        let promises = Promises::of(&[&one], |_| true);
        let mut shortened = steps(&[
            r#"{"repeat": {"times": 3, "steps": [{"burst": {"each": 2}, "counts": {"accepted": 1}, "shows": ["OTHER-1"]}]}}"#,
            r#"{"deliver": {"as": "first"}, "expect": "accepted", "shows": ["HTTP-3"]}"#,
            r#"{"deliver": {"key_of": "first"}, "expect": {"duplicate_of": "first"}, "shows": ["HTTP-3"]}"#,
            r#"{"deliver": {"framing": "chunked"}, "expect": "accepted", "shows": ["AUTH-4"]}"#,
            r#"{"deliver": {"fault": "twice"}, "expect": "no-answer", "shows": ["HTTP-7"]}"#,
        ]);
        promises.retell(&mut shortened);
        assert_eq!(scenario_of(&shortened).shows, ["ONCE-1", "AUTH-1", "DUP-1", "HTTP-3", "HTTP-7"]);
    }

    /// What a suite has a scenario for is promised, under the requirement that speaks of it most plainly, and nothing else is.
    #[test]
    fn suites_say_what_is_promised_of_a_kind_of_step() {
        let texts = [
            r#"{"deliver": {"as": "first"}, "expect": "accepted", "shows": ["A-1"]}"#,
            r#"{"deliver": {"key_of": "first", "body": "other.json"}, "expect": {"reuse_of": "first"}, "shows": ["A-2"]}"#,
            r#"{"deliver": {"signature": "half"}, "expect": "rejected", "shows": ["A-3"]}"#,
            r#"{"deliver": {"signature": "half"}, "expect": {"refused": "signature"}, "shows": ["A-4"]}"#,
            r#"{"deliver": {"framing": "chunked"}, "expect": "accepted", "shows": ["B-1"]}"#,
        ];
        let steps: Vec<Step> = texts.iter().map(|text| serde_json::from_str(text).expect("it is a step")).collect();
        let one = loaded("t/s", scenario_of(&steps));
        let promises = Promises::of(&[&one], |id| id.starts_with('A'));
        assert_eq!(promises.shows(&["accepted"]), ["A-1"]);
        assert_eq!(promises.shows(&["reuse_of"]), ["A-2"]);
        assert_eq!(promises.shows(&["signature:half"]), ["A-4"], "who demands most is right");
        assert!(!promises.know("framing:chunked") && promises.shows(&["fault:twice"]).is_empty());
    }
}
