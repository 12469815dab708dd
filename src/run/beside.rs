//! Beside: what a target has written while the delivery of a finding was under way.
//!
//! In: findings, and when the deliveries of each step were under way. Out: the
//! lines of those moments beside the finding, stacks of frames folded, and the
//! exception among them. It is taken for the cause only where the delivery
//! failed, and where it is told whose it is: one exception in the time of the
//! delivery, or no other delivery under way meanwhile. Of stacks that are
//! woven into each other the exception is told by those that stand whole
//! elsewhere. All that is known when the run is over ([`RunContext::settle`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use std::time::Duration;

use super::context::RunContext;
use crate::clock::{Clock as _, SystemClock, UnixMicros};
use crate::outcome::mismatch::{Kind, MismatchCode};
use crate::report::traceback::{Folded, fold};
use crate::report::{Finding, ScenarioReport};

/// So much later a line may come that is about a delivery, in microseconds: it travels through a pipe.
const LATER: i64 = 50_000;

/// When a step's deliveries were under way.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: UnixMicros,
    to: UnixMicros,
}

impl Span {
    fn meets(self, other: Self) -> bool {
        self.from.0 <= other.to.0 && other.from.0 <= self.to.0
    }
}

/// What is known of the target's lines beside deliveries.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// When deliveries were under way, by scenario and step.
    under_way: Vec<(String, usize, Span)>,
    /// What was written meanwhile, for steps with a finding.
    written: BTreeMap<(String, usize), (Span, Folded)>,
}

impl Beside {
    /// Which exception a failed delivery's is, and whether the lines beside it may be those of others.
    fn told(&self, of: &(String, usize), known: &BTreeSet<String>) -> (Option<String>, bool) {
        let Some((span, folded)) = self.written.get(of) else { return (None, false) };
        let others = self.under_way.iter().any(|(scenario, step, other)| (scenario, step) != (&of.0, &of.1) && other.meets(*span));
        let shared = others && !folded.lines.is_empty();
        let mut candidates = folded.candidates(known);
        // Whoever is alone has written all of it, and its last exception is the one that ended it.
        let last = candidates.pop();
        let is_one = candidates.iter().all(|one| Some(one) == last.as_ref());
        (last.filter(|_| is_one || !others), shared)
    }

    /// Every exception that stands whole somewhere.
    fn known(&self) -> BTreeSet<String> {
        self.written.values().flat_map(|(_, folded)| folded.whole()).collect()
    }
}

impl RunContext {
    /// Puts the target's lines beside the findings of a scenario.
    pub(super) async fn stand_beside(&self, scenario: &str, findings: &mut [Finding], under_way: &[(usize, UnixMicros, UnixMicros)]) {
        let Some(output) = self.output() else { return };
        let spans = under_way.iter().map(|(step, from, to)| (scenario.to_owned(), *step, Span { from: *from, to: *to }));
        self.beside.lock().unwrap_or_else(PoisonError::into_inner).under_way.extend(spans);
        if findings.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_micros(LATER.unsigned_abs())).await;
        for finding in findings {
            // Where a step has many deliveries, the one at fault is not known.
            let of_step = || under_way.iter().filter(|(step, ..)| *step == finding.step);
            let Some(from) = of_step().map(|(_, from, _)| *from).min_by_key(|from| from.0) else { continue };
            let to = of_step().map(|(.., to)| to.0).max().unwrap_or(from.0);
            let mut folded = fold(&output.between(from, UnixMicros(to.saturating_add(LATER))));
            if folded.unfinished {
                // On a busy machine the end of a stack comes later than its beginning.
                folded = fold(&output.between(from, SystemClock.now()));
            }
            let of = (scenario.to_owned(), finding.step);
            let mut beside = self.beside.lock().unwrap_or_else(PoisonError::into_inner);
            finding.output.clone_from(&folded.lines);
            beside.written.insert(of.clone(), (Span { from, to: UnixMicros(to) }, folded));
            tell(finding, beside.told(&of, &beside.known()));
        }
    }

    /// Tells once more whose exceptions are whose, now that all of them are known.
    pub(super) fn settle(&self, scenarios: &mut [ScenarioReport]) {
        let beside = self.beside.lock().unwrap_or_else(PoisonError::into_inner);
        let known = beside.known();
        for scenario in scenarios.iter_mut() {
            for finding in &mut scenario.findings {
                let of = (scenario.id.clone(), finding.step);
                if beside.written.contains_key(&of) {
                    tell(finding, beside.told(&of, &known));
                }
            }
        }
    }
}

fn tell(finding: &mut Finding, (exception, shared): (Option<String>, bool)) {
    finding.exception = exception.filter(|_| has_failed(&finding.mismatch));
    finding.output_shared = shared;
}

/// Whether a delivery failed, or got no answer.
fn has_failed(about: &MismatchCode) -> bool {
    let failure = about.status.is_some_and(|status| status >= 500);
    failure
        || matches!(
            about.kind,
            Kind::HonestFailed | Kind::RepeatFailed | Kind::RefusalFailed | Kind::OddFailed | Kind::Silent | Kind::Unwell
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 'k'\n";
    const VALUE: &str = "Traceback (most recent call last):\n  File \"b.py\", line 2, in g\nValueError: 'v'\n";
    /// Two of `KEY`'s, woven into one of `VALUE`'s.
    const WOVEN: &str = "Traceback (most recent call last):\nTraceback (most recent call last):\n  File \"b.py\", line 2, in g\n  File \"a.py\", line 1, in f\nKeyError: 'k'\nValueError: 'v'\n";

    /// The exceptions of steps `(from, to, what was written)`, each of a scenario of its own.
    fn told(steps: &[(i64, i64, &str)]) -> Vec<(Option<String>, bool)> {
        let mut beside = Beside::default();
        for (at, (from, to, text)) in steps.iter().enumerate() {
            let span = Span { from: UnixMicros(*from), to: UnixMicros(*to) };
            beside.under_way.push((at.to_string(), 1, span));
            beside.written.insert((at.to_string(), 1), (span, fold(text)));
        }
        let known = beside.known();
        (0..steps.len()).map(|at| beside.told(&(at.to_string(), 1), &known)).collect()
    }

    /// One exception in the time of a delivery is its own, whoever else was under way; of several nobody knows.
    #[test]
    fn exception_is_taken_for_the_cause_where_it_is_told_whose_it_is() {
        let (key, value) = (Some("KeyError at a.py:1 in f".to_owned()), Some("ValueError at b.py:2 in g".to_owned()));
        let both = format!("{KEY}{VALUE}");
        assert_eq!(told(&[(0, 5, KEY), (6, 9, &both)]), [(key.clone(), false), (value.clone(), false)]);
        assert_eq!(told(&[(0, 5, KEY), (4, 9, &both)]), [(key.clone(), true), (None, true)]);
        assert_eq!(told(&[(0, 5, &format!("{KEY}{KEY}")), (4, 9, KEY)]), [(key.clone(), true), (key.clone(), true)]);
        // What is woven is known by what stands whole elsewhere, and is of two exceptions all the same.
        assert_eq!(told(&[(0, 5, KEY), (6, 9, VALUE), (12, 19, WOVEN), (18, 22, WOVEN)])[2..], [(None, true), (None, true)]);
        assert_eq!(told(&[(0, 5, "GET / 200\n"), (4, 9, "")]), [(None, true), (None, false)]);
    }
}
