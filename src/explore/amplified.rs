//! Races made sure: more senders and rounds of the same, and how many rounds a race of some rate takes.
//!
//! In: a step, and how often what is left fails. Out: the same step so often
//! that it fails at least once in nearly every play. Nothing is played here.

use crate::scenario::{Repeat, Step, Times};

/// Rounds that are enough.
pub(super) const ROUNDS: u32 = 40;
/// More senders show no more.
const MOST_SENDERS: usize = 32;

/// So many rounds of a race of this rate fail at least once, but for one time in ten thousand.
pub(super) fn rounds_for(rate: f64) -> u32 {
    let rate = rate.clamp(0.05, 0.95);
    ((0.0001_f64.ln() / (1.0 - rate).ln()).ceil() as u32).clamp(1, ROUNDS)
}

/// A burst of so many times as many senders, so many times in a row; one that is repeated already is repeated so many times as often.
pub(super) fn amplified(step: &Step, senders: usize, times: u32) -> Step {
    if let Some(block) = &step.repeat {
        // A crowd has a key each: more of it takes long, and shows nothing more.
        if !block.steps.iter().any(|inner| inner.burst.as_ref().is_some_and(|burst| burst.each > 1)) {
            return step.clone();
        }
        let steps = block.steps.iter().map(|inner| amplified(inner, senders, 1)).collect();
        let times = match block.times {
            Times::Rounds(rounds) => Times::Rounds(rounds.max(1).saturating_mul(times).min(rounds.max(ROUNDS))),
            Times::Kept => Times::Kept,
        };
        return Step { repeat: Some(Repeat { times, steps }), ..step.clone() };
    }
    let Some(burst) = &step.burst else { return step.clone() };
    let each = burst.each.saturating_mul(senders).min(MOST_SENDERS.max(burst.each));
    let mut more = step.clone();
    if let (Some(burst), Some(counts)) = (&mut more.burst, &mut more.counts)
        && burst.each > 1
    {
        let rest = each.saturating_sub(1);
        counts.repeated = counts.repeated.map(|_| rest);
        counts.rivals = counts.rivals.map(|_| rest);
        burst.each = each;
    }
    if times > 1 { Step { repeat: Some(Repeat { times: Times::Rounds(times), steps: vec![more] }), ..Step::default() } } else { more }
}

/// The steps, where what is repeated once is no repetition.
pub(super) fn unwrapped(steps: &[Step]) -> Vec<Step> {
    let inner = |step: &Step| match &step.repeat {
        Some(block) if matches!(block.times, Times::Rounds(1)) => unwrapped(&block.steps),
        Some(_) | None => vec![step.clone()],
    };
    steps.iter().flat_map(inner).collect()
}

/// Whether senders race for a key.
pub(super) fn has_burst(steps: &[Step]) -> bool {
    // Those that are told on a stream have a key each, and do not race.
    let races = |step: &Step| step.burst.as_ref().is_some_and(|burst| burst.deliver.stream_of.is_none());
    steps.iter().any(|step| races(step) || step.repeat.as_ref().is_some_and(|block| has_burst(&block.steps)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::pruned::{flow, pruned};

    fn more(text: &str, senders: usize, times: u32) -> String {
        let step: Step = serde_json::from_str(text).expect("it is a step");
        flow(&pruned(&amplified(&step, senders, times)).expect("it can be written"))
    }

    /// More senders and more rounds, also where the race stands inside rounds already; what does not race stays as it is.
    #[test]
    fn races_are_repeated_wherever_they_stand() {
        let burst = r#"{"burst": {"each": 2}, "counts": {"accepted": 1, "repeated": 1, "other": 0}}"#;
        let eight = "{burst: {each: 8}, counts: {accepted: 1, repeated: 7, other: 0}}";
        assert_eq!(more(burst, 4, 1), eight);
        assert_eq!(more(burst, 4, 5), format!("{{repeat: {{times: 5, steps: [{eight}]}}}}"));
        let inside = |rounds: u32| format!(r#"{{"repeat": {{"times": {rounds}, "steps": [{burst}]}}}}"#);
        assert_eq!(more(&inside(1), 4, 12), format!("{{repeat: {{times: 12, steps: [{eight}]}}}}"));
        assert_eq!(more(&inside(6), 4, 12), format!("{{repeat: {{times: {ROUNDS}, steps: [{eight}]}}}}"), "and no more than is enough");
        assert_eq!(more(&inside(60), 1, 2), inside_of(60, "{burst: {each: 2}, counts: {accepted: 1, repeated: 1, other: 0}}"));
        let calm = r#"{"repeat": {"times": 6, "steps": [{"deliver": {}, "expect": "accepted"}]}}"#;
        assert_eq!(more(calm, 4, 12), inside_of(6, "{deliver: {}, expect: accepted}"));
    }

    fn inside_of(rounds: u32, step: &str) -> String {
        format!("{{repeat: {{times: {rounds}, steps: [{step}]}}}}")
    }

    /// What is repeated once stands alone, and the rarer a race is, the more rounds it takes.
    #[test]
    fn rounds_are_as_many_as_it_takes() {
        let once: Step =
            serde_json::from_str(r#"{"repeat": {"times": 1, "steps": [{"burst": {"each": 2}, "counts": {}}]}}"#).expect("a step");
        assert!(unwrapped(&[once]).iter().all(|step| step.burst.is_some()));
        assert_eq!((rounds_for(0.99), rounds_for(0.5), rounds_for(0.01)), (4, 14, ROUNDS));
    }
}
