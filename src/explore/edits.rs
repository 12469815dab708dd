//! Edits: steps taken out of a scenario, and what then means nothing any more with them.
//!
//! In: steps and the places of some. Out: the rest, in which every name that
//! is spoken of was given before. Nothing is played here.

use std::collections::BTreeSet;

use serde_json::Value;

use super::pruned::pruned;
use crate::scenario::Step;
use crate::scenario::expect::Expect;

/// Takes items out, by their places.
pub fn remove<T>(items: &mut Vec<T>, places: &BTreeSet<usize>) {
    let mut at = 0;
    items.retain(|_| {
        at += 1;
        !places.contains(&(at - 1))
    });
}

/// The places of steps, and of all that speak of what those have named.
#[must_use]
pub fn with_dependents(steps: &[Step], places: &[usize]) -> BTreeSet<usize> {
    let mut gone: BTreeSet<usize> = places.iter().copied().collect();
    let mut names: BTreeSet<String> = BTreeSet::new();
    for (at, step) in steps.iter().enumerate() {
        // A reading that tells of it tells of the rest.
        let hangs_on = |name: &String| names.contains(name) && !super::retold::is_only_told(step, name);
        if gone.contains(&at) || names_spoken_of(step).iter().any(hangs_on) {
            gone.insert(at);
            names.extend(names_given(step));
        }
    }
    gone
}

/// Takes off the end what expects nothing: time that passes for nobody.
pub fn cut_what_expects_nothing(steps: &mut Vec<Step>) {
    let sends = |step: &Step| {
        step.deliver.is_some()
            || step.burst.is_some()
            || step.get.is_some()
            || step.stream.as_ref().is_some_and(|stream| stream.close.is_none())
            || step.repeat.is_some()
            || step.effects.is_some()
    };
    let looks = |step: &Step| {
        let checks =
            step.state.as_ref().and_then(pruned).and_then(|state| state.as_object().map(|members| members.keys().any(|name| name != "as")));
        checks.unwrap_or(false) || step.restart.as_ref().is_some_and(|restart| restart.under_way.is_some()) || step.snapshot.is_some()
    };
    while steps.last().is_some_and(|last| !sends(last) && !looks(last)) {
        steps.pop();
    }
}

/// The names that a step gives.
#[must_use]
pub fn names_given(step: &Step) -> Vec<String> {
    let own = step.deliver.as_ref().and_then(|one| one.name.clone());
    let burst = step.burst.as_ref().and_then(|one| one.name.clone());
    let look = step.state.as_ref().and_then(|one| one.name.clone());
    let answer = step.answer.as_ref().and_then(|one| one.name.clone());
    let stream = step.stream.as_ref().and_then(|one| one.name.clone());
    let inner = step.repeat.iter().flat_map(|block| block.steps.iter().flat_map(names_given));
    own.into_iter().chain(burst).chain(look).chain(answer).chain(stream).chain(inner).collect()
}

/// Every text of a step that may be the name of an earlier one, beside those that it gives.
#[must_use]
pub fn names_spoken_of(step: &Step) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if let Some(value) = pruned(step) {
        spoken_of(&value, &mut found);
    }
    for own in names_given(step) {
        found.remove(&own);
    }
    found
}

fn spoken_of(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            found.insert(text.clone());
            for mark in ["{key:", "{sha256:"] {
                found.extend(text.split(mark).skip(1).filter_map(|rest| rest.split('}').next()).map(str::to_owned));
            }
            let of_ids = text.split("{id:").skip(1).filter_map(|rest| rest.split('}').next());
            found.extend(of_ids.flat_map(|place| place.split('.')).map(str::to_owned));
        }
        Value::Array(items) => items.iter().for_each(|item| spoken_of(item, found)),
        Value::Object(members) => members.values().for_each(|member| spoken_of(member, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The steps with one name in place of another, wherever it stands.
#[must_use]
pub fn renamed(steps: &[Step], from: &str, to: &str) -> Vec<Step> {
    let one = |step: &Step| {
        let mut value = pruned(step)?;
        rename(&mut value, from, to);
        serde_json::from_value::<Step>(value).ok().map(|new| Step { line: step.line, ..new })
    };
    steps.iter().map(|step| one(step).unwrap_or_else(|| step.clone())).collect()
}

fn rename(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) if text == from => to.clone_into(text),
        Value::String(text) => {
            for mark in ["{key:", "{sha256:"] {
                *text = text.replace(&format!("{mark}{from}}}"), &format!("{mark}{to}}}"));
            }
            for (before, behind) in [("{id:", "}"), ("{id:", "."), (".", "}")] {
                if text.contains("{id:") {
                    *text = text.replace(&format!("{before}{from}{behind}"), &format!("{before}{to}{behind}"));
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, from, to)),
        Value::Object(members) => members.values_mut().for_each(|member| rename(member, from, to)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The steps without one delivery, whose place the next of its key takes: that one is new then, and bears the key.
#[must_use]
pub fn promoted(steps: &[Step], at: usize) -> Option<Vec<Step>> {
    let name = steps.get(at)?.deliver.as_ref()?.name.clone()?;
    let of_it = |step: &Step| step.deliver.as_ref().is_some_and(|deliver| deliver.key_of.as_ref() == Some(&name));
    let next = steps.iter().skip(at + 1).position(of_it)? + at + 1;
    let mut rest: Vec<Step> = steps.to_vec();
    let gone = steps.get(at)?.deliver.clone()?;
    let step = rest.get_mut(next)?;
    let deliver = step.deliver.as_mut()?;
    deliver.key_of = None;
    if deliver.body_of.as_ref() == Some(&name) {
        deliver.body_of = None;
        (deliver.body, deliver.raw, deliver.hex) = (gone.body, gone.raw, gone.hex);
        (deliver.stream, deliver.stream_of) = (gone.stream, gone.stream_of);
        (deliver.ends_stream, deliver.event_bytes) = (gone.ends_stream, gone.event_bytes);
        (deliver.in_other_case, deliver.event_text, deliver.event_lacks) = (gone.in_other_case, gone.event_text, gone.event_lacks);
    }
    let own = deliver.name.get_or_insert_with(|| name.clone()).clone();
    if step.expect.as_ref().is_some_and(|expect| expect.first().is_some()) {
        step.expect = Some(Expect::Accepted);
    }
    if let Some(answer) = &mut step.answer {
        (answer.same_as, answer.says_nothing_of) = (None, None);
    }
    rest.remove(at);
    Some(renamed(&rest, &name, &own))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(texts: &[&str]) -> Vec<Step> {
        texts.iter().map(|text| serde_json::from_str(text).expect("it is a step")).collect()
    }

    const SEQUENCE: [&str; 5] = [
        r#"{"deliver": {"as": "d1", "signature": "half"}, "expect": "rejected"}"#,
        r#"{"deliver": {"as": "d2", "key_of": "d1", "body_of": "d1"}, "expect": "accepted"}"#,
        r#"{"deliver": {"as": "d3"}, "expect": "accepted"}"#,
        r#"{"deliver": {"as": "d4", "key": "{key:d2}-a"}, "expect": "accepted"}"#,
        r#"{"state": {"audit": [{"rows_for": "d1", "count": 1}]}}"#,
    ];

    /// What speaks of a step that is gone goes with it, also where it speaks of its key alone.
    #[test]
    fn dependents_go_with_what_they_speak_of() {
        let all = steps(&SEQUENCE);
        assert_eq!(with_dependents(&all, &[0]), [0, 1, 3, 4].into());
        assert_eq!(with_dependents(&all, &[2]), [2].into());
        let mut rest = all;
        remove(&mut rest, &[0, 1, 3, 4].into());
        assert_eq!(rest.len(), 1);
    }

    /// The next delivery of a key takes the place of one that goes: its name stands wherever the other stood.
    #[test]
    fn next_of_a_key_takes_its_place() {
        let rest = promoted(&steps(&SEQUENCE), 0).expect("there is a next one");
        assert_eq!(rest.len(), 4);
        let first = rest[0].deliver.as_ref().expect("it is a delivery");
        assert_eq!((first.name.as_deref(), first.key_of.as_deref(), first.body_of.as_deref()), (Some("d2"), None, None));
        assert_eq!(rest[3].state.as_ref().map(|state| state.audit[0].rows_for.as_str()), Some("d2"));
    }

    /// Time that passes at the end passes for nobody.
    #[test]
    fn end_expects_something() {
        let mut all = steps(&[SEQUENCE[2], r#"{"advance": "1 s"}"#, r#"{"state": {"as": "before"}}"#]);
        cut_what_expects_nothing(&mut all);
        assert_eq!(all.len(), 1);
    }
}
