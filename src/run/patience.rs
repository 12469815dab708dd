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
use crate::session::deliveries::PreparedDelivery;
use crate::session::patience::asks_to_wait;
use crate::transport::Exchange;

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

impl Live<'_> {
    /// Releases those of a burst once more that were asked to wait, until none is.
    pub(super) async fn release_again(
        &mut self,
        at: At<'_>,
        built: &[PreparedDelivery],
        exchanges: &mut [Exchange],
    ) -> Result<(), ScenarioEnd> {
        loop {
            let asked = |one: &Exchange| asks_to_wait(&self.context.contract, &one.result);
            let waits: Vec<(usize, Duration)> =
                exchanges.iter().enumerate().filter_map(|(place, one)| Some((place, asked(one)?))).collect();
            let Some(longest) = waits.iter().map(|(_, wait)| *wait).max() else { return Ok(()) };
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
