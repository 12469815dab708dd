//! Length: how long a scenario is, so that the longest begin first.

use crate::scenario::deliver::Deliver;
use crate::scenario::{Step, Times};

/// A scenario with so many deliveries one after the other is long; so is one that lets time pass, which waits for all that is under way.
pub(super) const LONG: usize = 20;

/// How many deliveries the steps wait for, one after the other, or as long as for so many.
pub(super) fn deliveries(steps: &[Step]) -> usize {
    let one = |step: &Step| {
        let beside = step.deliver.as_ref().and_then(|deliver: &Deliver| deliver.fault.as_ref()).map_or(0, |_| LONG);
        let passes = step.advance.as_ref().map_or(0, |_| LONG);
        let own = usize::from(step.deliver.is_some() || step.burst.is_some()) + beside + passes;
        let rounds = |times: Times| match times {
            Times::Rounds(rounds) => rounds as usize,
            Times::Kept => LONG * LONG, // as many as a contract keeps, which are hundreds
        };
        own + step.repeat.as_ref().map_or(0, |block| rounds(block.times).saturating_mul(deliveries(&block.steps)))
    };
    steps.iter().map(one).sum()
}
