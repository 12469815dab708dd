//! Deliveries through a faulty network.

use super::building::Built;
use super::live::Live;
use super::patience::asks_to_wait_unseen;
use crate::fault::{Proxy, Rule};
use crate::judge::{At, ScenarioEnd, Sent};
use crate::scenario::deliver::Deliver;
use crate::scenario::fault::Fault;
use crate::transport::{Exchange, KeptConnection, Sender, Target};

/// So many bytes the lines have at most that are not the delivery's own: version, host, length, connection.
const LINES_OF_THE_WIRE: usize = 160;

impl Live<'_> {
    /// Sends one delivery through a network with `fault` in it; what was delivered beside it comes with it.
    ///
    /// An answer that was lost was given all the same: whoever loses it knows that it was.
    /// Where none was given, the delivery is undecided, as it is without a proxy.
    pub(super) async fn send_through(&mut self, at: At<'_>, built: &Built, fault: &Fault) -> Result<(Exchange, Vec<Sent>), ScenarioEnd> {
        let stage = self.stage;
        let failed =
            |cause: &dyn std::fmt::Display| ScenarioEnd::Undecided(format!("step {}: no faulty network could be made: {cause}", at.number));
        let rules = vec![Rule::always(fault.clone())];
        let proxy =
            Proxy::start(stage.url.host().to_owned(), stage.url.port(), rules, stage.seed()).await.map_err(|cause| failed(&cause))?;
        let through = Target::parse(&stage.url.url("").replacen(&stage.url.authority(), &proxy.address.to_string(), 1))
            .map_err(|cause| failed(&cause))?;
        // What the network takes for itself is not the receiver's to answer in.
        let sent = &built.shipment.delivery;
        let lines: usize = sent.headers.iter().map(|line| line.name.len() + line.value.len() + 4).sum();
        let head = sent.method.len() + sent.path.len() + lines + LINES_OF_THE_WIRE;
        let sender = Sender::new(through, stage.timeout.saturating_add(fault.holds_back(head, sent.body.len())));
        let mut connection = KeptConnection::default();
        let slow = sender.send_kept(&mut connection, built.shipment.clone());
        let (exchange, beside) = match fault {
            Fault::Dribble(dribble) if dribble.meanwhile > 0 => {
                let (exchange, beside) = tokio::join!(slow, self.beside(at, dribble.meanwhile));
                (exchange, beside?)
            }
            _ => (slow.await, Vec::new()),
        };
        let given = proxy.happened().into_iter().next().and_then(|one| one.answer);
        if exchange.result.is_err()
            && let Some(wait) = given.as_ref().and_then(|answer| asks_to_wait_unseen(&stage.contract, answer))
        {
            // What was lost was no answer of the receiver's.
            self.wait(at, wait).await?;
            return Box::pin(self.send_through(at, built, fault)).await;
        }
        let answered = given.is_some();
        if exchange.result.is_err() && !answered && matches!(fault, Fault::LoseAnswer | Fault::CutAnswer) {
            return Err(ScenarioEnd::Undecided(format!("step {}: there was no answer that could be lost", at.number)));
        }
        Ok((exchange, beside))
    }

    /// Ordinary deliveries, one after the other.
    async fn beside(&self, at: At<'_>, count: usize) -> Result<Vec<Sent>, ScenarioEnd> {
        let mut all = Vec::with_capacity(count);
        for _ in 0..count {
            let built = self.workshop(at).build(&Deliver::default(), None, None).map_err(ScenarioEnd::NotApplicable)?;
            let sent_at = self.stage.clock.now();
            let exchange = self.stage.send(built.shipment.clone()).await;
            all.push(built.sent(sent_at, exchange.took, exchange.result));
        }
        Ok(all)
    }
}
