//! Time: how far an `advance` step goes.

use std::time::Duration;

use crate::judge::findings::Place;
use crate::judge::scenario::Play;
use crate::judge::{At, ScenarioEnd, Source};
use crate::reference::store::Store as _;
use crate::scenario::lint::{Advance, read_advance};

impl<S: Source> Play<'_, S> {
    pub(in crate::judge) async fn advance(&mut self, place: Place<'_>, by: &str) -> Result<(), ScenarioEnd> {
        let by = read_advance(by).map_err(|wrong| ScenarioEnd::NotApplicable(wrong.to_string()))?;
        let by = self.span_until(&by);
        let moved_before = self.source.moved_us();
        let at = At { number: place.number, records: &self.records, keys: &self.keys };
        self.source.advance(at, by).await?;
        self.before.aged = true;
        let moved = self.source.moved_us().saturating_sub(moved_before);
        if moved > 0 {
            // The reference's rows are moved as the target's are.
            let seconds = u64::try_from(moved).unwrap_or(0) / 1_000_000;
            self.reference.store().rewind(&self.keys, seconds).map_err(|failed| ScenarioEnd::Undecided(failed.to_string()))?;
        }
        Ok(())
    }

    /// The span of a step. One that ends within a life counts from the scenario's first delivery: what a slow
    /// receiver has taken of its keys' lives already is not waited for again.
    fn span_until(&self, by: &Advance) -> Duration {
        let span = span_of(by, self.setting.ttl.unwrap_or(0), self.setting.contract().lease());
        let spent = self.began_at.map_or(Duration::ZERO, |began| self.source.now().since(began));
        match by {
            // Whole seconds: that is what rows are moved by.
            Advance::TtlMinus(_) if spent < span => Duration::from_secs(span.saturating_sub(spent).as_secs()),
            Advance::TtlMinus(_) | Advance::Span(_) | Advance::TtlPlus(_) | Advance::TtlOver(_) | Advance::LeasePlus(_) => span,
        }
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
