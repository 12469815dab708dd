//! Patience with what stands before a receiver: a 429 or a 503 that asks to be tried again.
//!
//! A gateway that lets so many deliveries a second through says nothing of the
//! receiver behind it. Where an answer is none of the contract's, and says when
//! to come again (`Retry-After`), the delivery waits and is sent again; in each
//! scenario for so long and no longer. That it was so is told once.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::live::Live;
use crate::clock::span;
use crate::delivery::{Answer, NoAnswer};
use crate::judge::{At, ScenarioEnd};
use crate::scenario::deliver::Burst;
use crate::session::deliveries::{PreparedDelivery, burst_of};
use crate::session::patience::asks_to_wait;
use crate::transport::{Exchange, Transmission};

impl Live<'_> {
    /// Waits as long as `result` asks for: whether the delivery is to be sent again.
    ///
    /// # Errors
    /// [`ScenarioEnd::Undecided`] when no patience is left.
    pub(super) async fn waits(&mut self, at: At<'_>, result: &Result<Answer, NoAnswer>) -> Result<bool, ScenarioEnd> {
        let Some(wait) = asks_to_wait(&self.context.contract, result) else { return Ok(false) };
        self.wait(at, wait).await?;
        Ok(true)
    }

    /// Waits for so long, if there is so much patience left.
    pub(super) async fn wait(&mut self, at: At<'_>, wait: Duration) -> Result<(), ScenarioEnd> {
        let Some(left) = self.patience.checked_sub(wait) else {
            let (wait, patience) = (span::write(wait), span::write(self.context.max_wait));
            return Err(ScenarioEnd::Undecided(format!(
                "step {}: an answer that is none of the contract's asks to come again in {wait} (Retry-After), and a scenario waits for {patience} in all (--max-wait)",
                at.number
            )));
        };
        self.patience = left;
        self.context.held_up.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

/// So many rivals, and as many deliveries with fresh keys, are sent at once to see who is asked to wait.
const OF_EACH: u32 = 16;
/// So often that is tried.
const TRIES: usize = 4;
/// What would come about by chance less often than this is no chance.
const BY_CHANCE: f64 = 1e-4;

/// How probable it is that, of [`OF_EACH`] rivals and as many others, so many are asked to wait and all of them happen to be rivals.
fn chance_of(asked_to_wait: u32) -> f64 {
    (0..asked_to_wait).map(|one| f64::from(OF_EACH.saturating_sub(one)) / f64::from((2 * OF_EACH).saturating_sub(one))).product()
}

impl Live<'_> {
    /// Whether rivals of a delivery under way are asked to wait, and nobody else is: then it is the receiver's own answer to them.
    async fn only_rivals_wait(&mut self, at: At<'_>, burst: &Burst) -> Result<bool, ScenarioEnd> {
        if burst.each < 2 || burst.deliver.signature.is_some() || self.context.contract.outcomes.in_flight.is_none() {
            return Ok(false);
        }
        if let Some(known) = self.context.only_rivals_wait.get() {
            return Ok(*known);
        }
        let of_each = OF_EACH as usize;
        let rivals = Burst { name: None, keys: 1, keys_of: None, each: of_each, ..burst.clone() };
        let others = Burst { keys: of_each, each: 1, ..rivals.clone() };
        let mut chance = 1.0;
        for _ in 0..TRIES {
            let builder = self.builder(at);
            let rivals = burst_of(&builder, &rivals).map_err(ScenarioEnd::not_made)?;
            let others = burst_of(&builder, &others).map_err(ScenarioEnd::not_made)?;
            let in_turn = rivals.iter().zip(&others).flat_map(|(rival, other)| [rival.transmission.clone(), other.transmission.clone()]);
            let transmissions: Vec<Transmission> = in_turn.collect();
            let pass = self.pass_to_deliver().await;
            self.context.pace.turn(transmissions.len()).await;
            let under_way = self.context.traffic.set_out(transmissions.len(), false);
            let release = self.context.sender().burst(transmissions).await;
            drop(pass);
            drop(under_way);
            let waits = |one: &Exchange| asks_to_wait(&self.context.contract, &one.result).is_some();
            if release.exchanges.iter().skip(1).step_by(2).any(waits) {
                break; // whoever has a key of its own is asked to wait, too
            }
            let asked = release.exchanges.iter().step_by(2).filter(|one| waits(one)).count();
            chance *= chance_of(u32::try_from(asked).unwrap_or(OF_EACH));
            if chance < BY_CHANCE {
                return Ok(*self.context.only_rivals_wait.get_or_init(|| true));
            }
        }
        Ok(*self.context.only_rivals_wait.get_or_init(|| false))
    }

    /// Releases those of a burst once more that were asked to wait, until none is; nobody where that is the receiver's answer to rivals.
    pub(super) async fn release_again(
        &mut self,
        at: At<'_>,
        burst: &Burst,
        built: &[PreparedDelivery],
        exchanges: &mut [Exchange],
    ) -> Result<(), ScenarioEnd> {
        loop {
            let asked = |one: &Exchange| asks_to_wait(&self.context.contract, &one.result);
            let waits: Vec<(usize, Duration)> =
                exchanges.iter().enumerate().filter_map(|(place, one)| Some((place, asked(one)?))).collect();
            let Some(longest) = waits.iter().map(|(_, wait)| *wait).max() else { return Ok(()) };
            if self.only_rivals_wait(at, burst).await? {
                return Ok(());
            }
            self.wait(at, longest).await?;
            let transmissions = waits.iter().filter_map(|(place, _)| Some(built.get(*place)?.transmission.clone())).collect();
            self.context.pace.turn(waits.len()).await;
            let again = self.context.sender().burst(transmissions).await;
            for ((place, _), exchange) in waits.iter().zip(again.exchanges) {
                if let Some(one) = exchanges.get_mut(*place) {
                    *one = exchange;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// That one of both kinds is asked to wait, and it is a rival, is a toss; that all rivals are and nobody else is no chance.
    #[test]
    fn one_who_waits_tells_nothing_and_many_do() {
        assert!((chance_of(0) - 1.0).abs() < 1e-9);
        assert!((chance_of(1) - 0.5).abs() < 1e-9);
        assert!(chance_of(8) < 0.002 && chance_of(8) > BY_CHANCE);
        assert!(chance_of(15) < BY_CHANCE);
    }
}
