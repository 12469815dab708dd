//! Simpler steps: what may be tried in place of a step that fails, the boldest first.
//!
//! In: a step. Out: steps that do less of the same: fewer senders, a plainer
//! body or key, a shorter time, one check fewer. Whether one of them still
//! fails is for `shrinking` to find out.

use super::pruned::pruned;
use crate::scenario::deliver::Deliver;
use crate::scenario::stream::{StreamStep, Until};
use crate::scenario::{Step, Times};
use serde_json::Value;

/// Members of a delivery that say which one it is, and are taken off last.
const OF_THE_KEY: [&str; 3] = ["as", "key_of", "body_of"];

/// What may be tried in place of a step.
#[must_use]
pub(super) fn simpler(step: &Step) -> Vec<Step> {
    let mut all = Vec::new();
    if let Some(block) = &step.repeat {
        if let [only] = block.steps.as_slice() {
            all.push(only.clone());
        }
        let rounds = match block.times {
            Times::Rounds(rounds) => rounds,
            Times::Kept => 0,
        };
        for times in [1, rounds / 4, rounds / 2, rounds.saturating_sub(1)] {
            if times > 0 && times < rounds {
                let mut fewer = step.clone();
                if let Some(block) = &mut fewer.repeat {
                    block.times = Times::Rounds(times);
                }
                all.push(fewer);
            }
        }
        for (at, inner) in block.steps.iter().enumerate() {
            if block.steps.len() > 1 {
                all.push(with_inner(step, |steps| drop(steps.remove(at))));
            }
            all.extend(simpler(inner).into_iter().map(|new| with_inner(step, |steps| steps[at] = new)));
        }
    }
    if let Some(deliver) = &step.deliver {
        all.extend(simpler_deliveries(deliver).into_iter().map(|one| Step { deliver: Some(one), ..step.clone() }));
    }
    if step.burst.is_some() {
        all.extend(smaller_bursts(step));
    }
    if let Some(by) = &step.advance {
        let shorter = ["1 s", "ttl / 2", "ttl - 2 s"].into_iter().take_while(|one| one != by);
        all.extend(shorter.map(|one| Step { advance: Some(one.to_owned()), ..step.clone() }));
    }
    if step.restart.as_ref().is_some_and(|restart| restart.kill) {
        let mut gentle = step.clone();
        if let Some(restart) = &mut gentle.restart {
            restart.kill = false;
        }
        all.push(gentle);
    }
    if let Some(stream) = &step.stream {
        all.extend(simpler_streams(stream).into_iter().map(|one| Step { stream: Some(one), ..step.clone() }));
    }
    all.extend(fewer_members(step, "answer"));
    all.extend(fewer_members(step, "state"));
    all
}

fn with_inner(step: &Step, change: impl FnOnce(&mut Vec<Step>)) -> Step {
    let mut new = step.clone();
    if let Some(block) = &mut new.repeat {
        change(&mut block.steps);
    }
    new
}

/// A delivery without one of its members, and with shorter bodies.
fn simpler_deliveries(deliver: &Deliver) -> Vec<Deliver> {
    let Some(Value::Object(members)) = pruned(deliver) else { return Vec::new() };
    let mut all = Vec::new();
    for name in members.keys().filter(|name| !OF_THE_KEY.contains(&name.as_str())) {
        let mut fewer = members.clone();
        fewer.remove(name);
        all.extend(serde_json::from_value::<Deliver>(Value::Object(fewer)).ok());
    }
    for name in ["body_of", "key_of"] {
        let mut fewer = members.clone();
        if fewer.remove(name).is_some() {
            all.extend(serde_json::from_value::<Deliver>(Value::Object(fewer)).ok());
        }
    }
    if let Some(bytes) = deliver.fill.as_ref().and_then(|fill| fill.bytes).filter(|bytes| *bytes > 1) {
        for less in [bytes / 2, bytes - bytes / 8, bytes - bytes / 64, bytes - 1] {
            let mut fewer = deliver.clone();
            if let Some(fill) = &mut fewer.fill {
                fill.bytes = Some(less);
            }
            all.push(fewer);
        }
    }
    if let Some(bytes) = deliver.random_bytes.filter(|bytes| *bytes > 1) {
        all.push(Deliver { random_bytes: Some(bytes / 2), ..deliver.clone() });
    }
    all
}

/// A stream with fewer clients, in a plainer way, of which less is expected.
fn simpler_streams(stream: &StreamStep) -> Vec<StreamStep> {
    let mut all = Vec::new();
    if let Some(clients) = stream.clients {
        let fewer = [None, Some(clients / 2)].into_iter().filter(|fewer| fewer.is_none_or(|fewer| fewer > 1));
        all.extend(fewer.map(|clients| StreamStep { clients, ..stream.clone() }));
    }
    if stream.gzip {
        all.push(StreamStep { gzip: false, ..stream.clone() });
    }
    if let Some(quiet) = stream.until.as_ref().and_then(|until| until.quiet.map(|_| Until { quiet: None, ..until.clone() }))
        && quiet.events.is_some()
    {
        all.push(StreamStep { until: Some(quiet), ..stream.clone() });
    }
    if let Some(left) = stream.cut_after.filter(|left| *left > 1) {
        all.push(StreamStep { cut_after: Some(left / 2), ..stream.clone() });
    }
    for at in 0..stream.expect.len() {
        let mut fewer = stream.clone();
        fewer.expect.remove(at);
        if fewer.expect.is_empty() {
            fewer.until = None;
        }
        all.push(fewer);
    }
    all
}

/// A burst of fewer senders, of fewer keys, of the same body.
fn smaller_bursts(step: &Step) -> Vec<Step> {
    let Some(burst) = &step.burst else { return Vec::new() };
    let with = |keys: usize, each: usize| {
        let mut new = step.clone();
        if let (Some(burst), Some(counts)) = (&mut new.burst, &mut new.counts) {
            (burst.keys, burst.each) = (keys, each);
            for rest in [&mut counts.repeated, &mut counts.rivals, &mut counts.duplicate].into_iter().flatten() {
                *rest = (*rest).min(each.saturating_sub(1));
            }
        }
        new
    };
    let mut sizes = vec![
        (1, 2),
        (1, burst.each),
        (burst.keys / 2, burst.each),
        (burst.keys, burst.each / 2),
        (burst.keys, burst.each.saturating_sub(1)),
    ];
    sizes.retain(|(keys, each)| {
        *keys > 0 && *each > 0 && (*keys, *each) != (burst.keys, burst.each) && *keys <= burst.keys && *each <= burst.each
    });
    sizes.dedup();
    let mut all: Vec<Step> = sizes.into_iter().map(|(keys, each)| with(keys, each)).collect();
    if burst.bodies != crate::scenario::deliver::BurstBodies::Alike {
        let mut alike = step.clone();
        if let (Some(burst), Some(counts)) = (&mut alike.burst, &mut alike.counts) {
            burst.bodies = crate::scenario::deliver::BurstBodies::Alike;
            counts.repeated = counts.rivals.take().or(counts.repeated);
        }
        all.push(alike);
    }
    let with_deliver = |one: Deliver| {
        let mut new = step.clone();
        if let Some(burst) = &mut new.burst {
            burst.deliver = one;
        }
        new
    };
    all.extend(simpler_deliveries(&burst.deliver).into_iter().map(with_deliver));
    all
}

/// The step without one of the things that it checks.
fn fewer_members(step: &Step, member: &str) -> Vec<Step> {
    let Some(Value::Object(members)) = pruned(step) else { return Vec::new() };
    let Some(Value::Object(checks)) = members.get(member).cloned() else { return Vec::new() };
    let mut all = Vec::new();
    let mut with = |value: Option<Value>| {
        let mut new = members.clone();
        match value {
            Some(value) => drop(new.insert(member.to_owned(), value)),
            None => drop(new.remove(member)),
        }
        all.extend(serde_json::from_value::<Step>(Value::Object(new)).ok().map(|new| Step { line: step.line, ..new }));
    };
    if step.expect.is_some() {
        with(None);
    }
    if checks.len() > 1 {
        for name in checks.keys() {
            let mut fewer = checks.clone();
            fewer.remove(name);
            with(Some(Value::Object(fewer)));
        }
    }
    for (name, value) in &checks {
        let Value::Array(rows) = value else { continue };
        for (at, row) in rows.iter().enumerate() {
            let Value::Object(cells) = row else { continue };
            for cell in cells.keys().filter(|cell| *cell != "rows_for") {
                let (mut fewer, mut rows, mut checks) = (cells.clone(), rows.clone(), checks.clone());
                fewer.remove(cell);
                if fewer.len() > 1 {
                    rows[at] = Value::Object(fewer);
                    checks.insert(name.clone(), Value::Array(rows));
                    with(Some(Value::Object(checks)));
                }
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Vec<String> {
        let step: Step = serde_json::from_str(text).expect("it is a step");
        simpler(&step).iter().filter_map(pruned).map(|value| super::super::pruned::flow(&value)).collect()
    }

    /// Senders go, members go, and what is left is still a step that expects something.
    #[test]
    fn steps_do_less_of_the_same() {
        let bursts = written(r#"{"burst": {"each": 8, "bodies": "unlike"}, "counts": {"accepted": 1, "rivals": 7, "other": 0}}"#);
        assert_eq!(bursts[0], "{burst: {bodies: unlike, each: 2}, counts: {accepted: 1, rivals: 1, other: 0}}");
        assert!(bursts.contains(&"{burst: {each: 8}, counts: {accepted: 1, repeated: 7, other: 0}}".to_owned()));
        let plain = written(r#"{"deliver": {"as": "a", "signature": "half", "framing": "chunked"}, "expect": "rejected"}"#);
        assert_eq!(
            plain,
            ["{deliver: {as: a, framing: chunked}, expect: rejected}", "{deliver: {as: a, signature: half}, expect: rejected}"]
        );
        assert_eq!(written(r#"{"advance": "ttl + 2 s"}"#).len(), 3);
        assert!(written(r#"{"advance": "1 s"}"#).is_empty());
    }
}
