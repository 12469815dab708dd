//! Deliveries through a faulty network.

use super::super::live::Live;
use crate::judge::{At, ScenarioEnd, Sent};
use crate::scenario::deliver::Deliver;
use crate::scenario::fault::Fault;
use crate::session::deliveries::PreparedDelivery;
use crate::session::patience::asks_to_wait;
use crate::transport::Exchange;
use crate::transport::faulty::{Faulted, Meanwhile};

impl Live<'_> {
    /// Sends one delivery through a network with `fault` in it; what was delivered beside it comes with it.
    ///
    /// An answer that was lost was given all the same: whoever loses it knows that it was.
    /// Where none was given, the delivery is undecided, as it is without a fault.
    pub(in crate::run) async fn send_through(
        &mut self,
        at: At<'_>,
        built: &PreparedDelivery,
        fault: &Fault,
    ) -> Result<(Exchange, Vec<Sent>), ScenarioEnd> {
        let context = self.context;
        let sender = context.sender();
        let (Faulted { exchange, given }, beside) = match fault {
            Fault::Dribble(dribble) if dribble.meanwhile > 0 => {
                let (meanwhile, has_begun, is_over) = Meanwhile::new();
                let beside = async {
                    // Told or not: one that ends before it was under way keeps nobody waiting.
                    drop(has_begun.await);
                    let all = self.beside(at, dribble.meanwhile).await;
                    drop(is_over);
                    all
                };
                let (faulted, beside) = tokio::join!(sender.send_faulty_while(&built.transmission, fault, meanwhile), beside);
                (faulted, beside?)
            }
            _ => (sender.send_faulty(&built.transmission, fault).await, Vec::new()),
        };
        if fault.lets_the_request_through() {
            context.traffic.note_through_fault(&exchange.result, given.is_some());
        }
        if exchange.result.is_err()
            && let Some(answer) = &given
            && let Some(wait) = asks_to_wait(&context.contract, &Ok(answer.clone()))
        {
            // What was lost was no answer of the receiver's.
            self.wait(at, wait).await?;
            return Box::pin(self.send_through(at, built, fault)).await;
        }
        if exchange.result.is_err() && given.is_none() && matches!(fault, Fault::LoseAnswer | Fault::CutAnswer) {
            return Err(ScenarioEnd::Undecided(format!("step {}: there was no answer that could be lost", at.number)));
        }
        Ok((exchange, beside))
    }

    /// Ordinary deliveries, one after the other.
    async fn beside(&mut self, at: At<'_>, count: usize) -> Result<Vec<Sent>, ScenarioEnd> {
        let mut all = Vec::with_capacity(count);
        while all.len() < count {
            let built = self.builder(at).build(&Deliver::default(), None, None).map_err(ScenarioEnd::not_made)?;
            let sent_at = self.context.clock.now();
            let exchange = self.context.send(built.transmission.clone()).await;
            if !self.waits(at, &exchange.result).await? {
                all.push(built.exchanged(sent_at, exchange));
            }
        }
        Ok(all)
    }
}
