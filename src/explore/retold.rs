//! Readings of streams after steps have gone: what is published no more is told no more, and what is not read here is read later.
//!
//! In: steps before and after an edit. Out: the same steps, in which every reading speaks of what is still published, and waits for as
//! many events. Whether a right receiver does so is asked of the reference.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::span::Span;
use crate::scenario::Step;
use crate::scenario::stream::{StreamExpect, StreamStep, Until};

/// How many deliveries stand behind each name.
fn counts(steps: &[Step]) -> BTreeMap<&str, usize> {
    let mut all = BTreeMap::new();
    for step in steps {
        let own = step.deliver.as_ref().and_then(|one| one.name.as_deref()).map(|name| (name, 1));
        let burst = step.burst.as_ref().and_then(|one| Some((one.name.as_deref()?, one.keys)));
        all.extend(own.into_iter().chain(burst));
    }
    all
}

/// Readings of the steps as they were, held to what is published in those of after; others are left as they are.
pub fn retold(before: &[Step], after: &mut [Step]) {
    let (were, are) = (counts(before), counts(after).into_iter().map(|(name, count)| (name.to_owned(), count)).collect::<BTreeMap<_, _>>());
    for stream in after.iter_mut().filter_map(|step| step.stream.as_mut()) {
        let told: Vec<String> = stream.expect.iter().flat_map(StreamExpect::deliveries).cloned().collect();
        let changed = |name: &String| were.get(name.as_str()).copied() != are.get(name).copied();
        if !told.iter().any(changed) {
            continue;
        }
        let sum = |counts: &dyn Fn(&str) -> usize| told.iter().map(|name| counts(name)).sum::<usize>();
        let gone = sum(&|name| were.get(name).copied().unwrap_or(0)).saturating_sub(sum(&|name| are.get(name).copied().unwrap_or(0)));
        for names in stream.expect.iter_mut().flat_map(|expect| expect.tells.iter_mut().chain(expect.tells_all.iter_mut())) {
            names.retain(|name| are.contains_key(name));
        }
        if let Some(until) = &mut stream.until {
            *until = with_events(until, until.events.unwrap_or(0).saturating_sub(gone));
        }
    }
}

/// A reading that waits for so many events; where that is none, for a moment in which nothing comes.
fn with_events(until: &Until, events: usize) -> Until {
    let is_bounded = events > 0 || until.quiet.is_some() || until.id.is_some() || until.heartbeat || until.closed;
    let quiet = until.quiet.or((!is_bounded).then_some(Span(super::streams::QUIET)));
    Until { events: Some(events).filter(|events| *events > 0), quiet, ..until.clone() }
}

/// The names that a step gives, where only readings speak of them by what they tell: then it may go alone.
#[must_use]
pub fn is_only_told(step: &Step, name: &str) -> bool {
    let Some(stream) = &step.stream else { return false };
    let tells = stream.expect.iter().flat_map(StreamExpect::deliveries).any(|told| told == name);
    let mut without = stream.clone();
    for names in without.expect.iter_mut().flat_map(|expect| expect.tells.iter_mut().chain(expect.tells_all.iter_mut())) {
        names.retain(|told| told != name);
    }
    let rest = Step { stream: Some(without), ..Step::default() };
    tells && !super::edits::names_spoken_of(&rest).contains(name)
}

/// The steps without one reading: what it read is read by the next of its client.
#[must_use]
pub fn read_later(steps: &[Step], at: usize) -> Option<Vec<Step>> {
    let stream = steps.get(at)?.stream.as_ref()?;
    let until = stream.until.as_ref()?;
    let name = stream.of.as_ref().or(stream.name.as_ref())?;
    let next = steps.iter().skip(at + 1).position(|step| step.stream.as_ref().is_some_and(|one| one.of.as_ref() == Some(name)))? + at + 1;
    let mut rest = steps.to_vec();
    let later = rest.get_mut(next)?.stream.as_mut()?;
    let events = until.events.unwrap_or(0) + later.until.as_ref().and_then(|until| until.events).unwrap_or(0);
    later.until = Some(with_events(&later.until.clone().unwrap_or_default(), events));
    let earlier: Vec<String> = stream.expect.iter().flat_map(StreamExpect::deliveries).cloned().collect();
    for names in later.expect.iter_mut().flat_map(|expect| expect.tells.iter_mut().chain(expect.tells_all.iter_mut())) {
        names.splice(0..0, earlier.iter().cloned());
    }
    if stream.of.is_some() {
        rest.remove(at);
    } else {
        let opening = rest.get_mut(at)?.stream.as_mut()?;
        *opening = StreamStep { until: None, expect: Vec::new(), ..opening.clone() };
    }
    Some(rest)
}

/// Who looks for the shortest sequence does not wait as long as whoever judges by it.
const HASTE: Span = Span(Duration::from_millis(1_001));

/// The steps with little patience for streams, where none is said; or as they were before.
#[must_use]
pub fn with_haste(steps: &[Step], haste: bool) -> Vec<Step> {
    let (from, to) = if haste { (None, Some(HASTE)) } else { (Some(HASTE), None) };
    let mut all = steps.to_vec();
    let untils = all.iter_mut().filter_map(|step| step.stream.as_mut().and_then(|stream| stream.until.as_mut()));
    for until in untils.filter(|until| !until.heartbeat && until.within.map(|within| within.0) == from.map(|from: Span| from.0)) {
        until.within = to;
    }
    all
}

/// For how long the steps look for rows that may come or go later, at the most.
#[must_use]
pub fn longest_look(steps: &[Step]) -> Duration {
    let of_block = |step: &Step| step.repeat.as_ref().map_or(Duration::ZERO, |block| longest_look(&block.steps));
    let of_look = |step: &Step| step.state.as_ref().and_then(|state| state.within).map_or(Duration::ZERO, |within| within.0);
    steps.iter().map(|step| of_look(step).max(of_block(step))).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::edits::{remove, with_dependents};
    use crate::explore::pruned::{flow, pruned};

    fn steps(texts: &[&str]) -> Vec<Step> {
        texts.iter().map(|text| serde_json::from_str(text).expect("it is a step")).collect()
    }

    fn written(steps: &[Step]) -> Vec<String> {
        steps.iter().filter_map(pruned).map(|value| flow(&value)).collect()
    }

    const SEQUENCE: [&str; 6] = [
        r#"{"deliver": {"as": "d1", "stream": "job-{unique}"}, "expect": "accepted"}"#,
        r#"{"stream": {"open": "d1", "as": "s1", "until": {"events": 1}, "expect": [{"tells": ["d1"]}]}}"#,
        r#"{"deliver": {"as": "d2", "stream_of": "d1"}, "expect": "accepted"}"#,
        r#"{"burst": {"as": "d3", "keys": 4, "each": 1, "deliver": {"stream_of": "d1"}}, "counts": {"accepted": 1}}"#,
        r#"{"stream": {"of": "s1", "until": {"events": 5}, "expect": [{"tells_all": ["d2", "d3"]}]}}"#,
        r#"{"stream": {"open": "d1", "last_event_id": "{id:s1.d2}", "until": {"events": 4}, "expect": [{"tells_all": ["d3"]}]}}"#,
    ];

    /// What is published no more is told no more; who comes with its id goes with it.
    #[test]
    fn readings_tell_what_is_still_published() {
        let all = steps(&SEQUENCE);
        let gone = with_dependents(&all, &[2]);
        assert_eq!(gone, [2, 5].into());
        let mut rest = all.clone();
        remove(&mut rest, &gone);
        retold(&all, &mut rest);
        assert_eq!(written(&rest)[3], "{stream: {of: s1, until: {events: 4}, expect: [{tells_all: [d3]}]}}");
        let mut fewer = all.clone();
        if let Some(burst) = &mut fewer[3].burst {
            burst.keys = 1;
        }
        retold(&all, &mut fewer);
        assert_eq!(written(&fewer)[4], "{stream: {of: s1, until: {events: 2}, expect: [{tells_all: [d2, d3]}]}}");
        let mut nothing = vec![all[0].clone(), all[1].clone(), all[4].clone()];
        retold(&all, &mut nothing);
        assert_eq!(written(&nothing)[2], "{stream: {of: s1, until: {quiet: \"100 ms\"}, expect: [{tells_all: []}]}}");
    }

    /// What is not read here is read with what comes next.
    #[test]
    fn what_is_not_read_is_read_later() {
        let rest = read_later(&steps(&SEQUENCE), 1).expect("there is a next reading");
        assert_eq!(written(&rest)[1], "{stream: {open: d1, as: s1}}");
        assert_eq!(written(&rest)[4], "{stream: {of: s1, until: {events: 6}, expect: [{tells_all: [d1, d2, d3]}]}}");
        assert!(read_later(&steps(&SEQUENCE), 4).is_none());
    }

    /// Haste is said where no patience is, and taken back; a heartbeat takes its time.
    #[test]
    fn haste_is_taken_back() {
        let mut all = steps(&SEQUENCE);
        all.extend(steps(&[r#"{"stream": {"of": "s1", "until": {"heartbeat": true}, "expect": [{"heartbeat": true}]}}"#]));
        let hasty = with_haste(&all, true);
        let within = |at: usize| hasty[at].stream.as_ref().and_then(|stream| stream.until.as_ref()).and_then(|until| until.within);
        assert!(within(1).is_some() && within(6).is_none());
        assert_eq!(written(&with_haste(&hasty, false)), written(&all));
    }
}
