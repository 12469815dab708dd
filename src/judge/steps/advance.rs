//! Time: how far an `advance` step goes.

use std::time::Duration;

use crate::clock::UnixMicros;
use crate::judge::findings::StepContext;
use crate::judge::scenario::Play;
use crate::judge::{Ahead, At, ScenarioEnd, Source};
use crate::reference::store::Store as _;
use crate::scenario::Step;
use crate::scenario::lint::{Advance, read_advance};

/// What of a life is left when the last of several deliveries is sent: a key lives for whole seconds.
const SPARE: Duration = Duration::from_secs(1);

impl<S: Source> Play<'_, S> {
    pub(in crate::judge) async fn advance(&mut self, place: StepContext<'_>, by: &str) -> Result<(), ScenarioEnd> {
        let by = read_advance(by).map_err(|wrong| ScenarioEnd::NotApplicable(wrong.to_string().into()))?;
        let over = matches!(by, Advance::TtlPlus(_));
        let by = self.span_until(place.number, &by);
        let moved_before = self.source.moved_us();
        let at = At { number: place.number, bindings: &self.bindings, keys: &self.keys };
        self.source.advance(at, by).await?;
        self.before.aged = true;
        if over {
            // The lives that began before are over: the next one begins with the next delivery.
            self.began_at = None;
        }
        let moved = self.source.moved_us().saturating_sub(moved_before);
        if moved > 0 {
            // The reference's rows are moved as the target's are.
            let seconds = u64::try_from(moved).unwrap_or(0) / 1_000_000;
            self.reference.store().rewind(&self.keys, seconds).map_err(|failed| ScenarioEnd::Undecided(failed.to_string()))?;
        }
        Ok(())
    }

    /// The span of a step. One that ends within a life counts from the first delivery of the life: what a slow receiver
    /// has taken of its keys' lives already is not waited for again. And it leaves as much of them as the deliveries
    /// that come next may take.
    fn span_until(&self, number: usize, by: &Advance) -> Ahead {
        let span = |by: &Advance| span_of(by, self.setting.ttl.unwrap_or(0), self.setting.contract().lease());
        match by {
            Advance::TtlMinus(less) => {
                let less = self.needed_for_what_follows(number).map_or(*less, |needed| needed.max(*less));
                // So far as rows were moved back meanwhile, their lives have passed, too.
                let moved = self.source.moved_us();
                let since = self.began_at.map(|began| UnixMicros(began.0.saturating_sub(moved)));
                Ahead { by: span(&Advance::TtlMinus(less)), since, is_lease: false }
            }
            Advance::Span(_) | Advance::TtlPlus(_) | Advance::TtlOver(_) => Ahead { by: span(by), since: None, is_lease: false },
            Advance::LeasePlus(_) => Ahead { by: span(by), since: None, is_lease: true },
        }
    }

    /// How long several deliveries take until the last of them is sent, at the pace of the slowest so far; nothing for a single one.
    fn needed_for_what_follows(&self, number: usize) -> Option<Duration> {
        let until_the_next = |step: &&Step| step.advance.is_none() && step.restart.is_none();
        let follow = self.loaded.scenario.steps.iter().skip(number).take_while(until_the_next);
        let before_the_last =
            follow.filter(|step| step.deliver.is_some() || step.burst.is_some()).count().checked_sub(1).filter(|n| *n > 0)?;
        let slowest = self.slowest.min(self.setting.contract().limits.answer.0);
        Some(slowest.saturating_mul(u32::try_from(before_the_last).unwrap_or(u32::MAX)).saturating_add(SPARE))
    }
}

/// The span that an `advance` step means, for a receiver whose keys live `ttl_secs` and are leased for `lease`.
#[must_use]
pub fn span_of(advance: &Advance, ttl_secs: u64, lease: Duration) -> Duration {
    let ttl = Duration::from_secs(ttl_secs);
    match advance {
        Advance::Span(by) => *by,
        Advance::TtlPlus(more) => ttl.saturating_add(*more),
        Advance::TtlMinus(less) => ttl.saturating_sub(*less),
        Advance::TtlOver(parts) => ttl / (*parts).max(1),
        Advance::LeasePlus(more) => lease.saturating_add(*more),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What passed since a span began is part of it, in whole seconds, and one that is over is begun anew.
    #[test]
    fn what_was_waited_for_is_not_waited_for_again() {
        let at = |millis: i64| UnixMicros(millis * 1_000);
        let by = Duration::from_secs(10);
        for (since, now, left) in
            [(None, 4_000, 10), (Some(at(0)), 0, 10), (Some(at(0)), 1, 9), (Some(at(0)), 3_500, 6), (Some(at(0)), 12_000, 10)]
        {
            assert_eq!(Ahead { by, since, is_lease: false }.left(at(now)), Duration::from_secs(left), "{since:?} {now}");
        }
    }
}
