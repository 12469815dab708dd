//! Deliveries through a faulty network.

use super::building::Built;
use super::play::{Halt, Place, Play};
use crate::check::classify::{Class, classify};
use crate::check::{Breach, Record, describe};
use crate::fault::{Proxy, Rule};
use crate::http::{Exchange, KeptConnection, Sender, Target};
use crate::report::curl::curl;
use crate::scenario::deliver::Deliver;
use crate::scenario::fault::Fault;

impl Play<'_> {
    /// Sends one delivery through a network with `fault` in it.
    ///
    /// An answer that was lost was given all the same: whoever loses it knows that it was.
    /// Where none was given, the delivery is undecided, as it is without a proxy.
    pub(super) async fn send_through(&mut self, place: Place<'_>, built: &Built, fault: &Fault) -> Result<Exchange, Halt> {
        let stage = self.stage;
        let failed =
            |cause: &dyn std::fmt::Display| Halt::Undecided(format!("step {}: no faulty network could be made: {cause}", place.number));
        let rules = vec![Rule::always(fault.clone())];
        let proxy =
            Proxy::start(stage.url.host().to_owned(), stage.url.port(), rules, stage.seed()).await.map_err(|cause| failed(&cause))?;
        let through = Target::parse(&stage.url.url("").replacen(&stage.url.authority(), &proxy.address.to_string(), 1))
            .map_err(|cause| failed(&cause))?;
        let sender = Sender::new(through, stage.timeout);
        let mut connection = KeptConnection::default();
        let slow = sender.send_kept(&mut connection, built.shipment.clone());
        let exchange = match fault {
            Fault::Dribble(dribble) if dribble.meanwhile > 0 => {
                let (exchange, others) = tokio::join!(slow, self.others(dribble.meanwhile));
                self.judge_others(place, others?)?;
                exchange
            }
            _ => slow.await,
        };
        let answered = proxy.happened().first().is_some_and(|one| one.answer.is_some());
        if exchange.result.is_err() && !answered && matches!(fault, Fault::LoseAnswer | Fault::CutAnswer) {
            return Err(Halt::Undecided(format!("step {}: there was no answer that could be lost", place.number)));
        }
        Ok(exchange)
    }

    /// Ordinary deliveries, one after the other.
    async fn others(&self, count: usize) -> Result<Vec<(Built, Exchange)>, Halt> {
        let mut others = Vec::with_capacity(count);
        for _ in 0..count {
            let built = self.workshop().build(&Deliver::default(), None, None).map_err(Halt::NotApplicable)?;
            let exchange = self.stage.send(built.shipment.clone()).await;
            others.push((built, exchange));
        }
        Ok(others)
    }

    fn judge_others(&mut self, place: Place<'_>, others: Vec<(Built, Exchange)>) -> Result<(), Halt> {
        let count = others.len();
        let mut wrong: Vec<Record> = Vec::new();
        for (built, exchange) in others {
            let delivery = built.shipment.delivery.clone();
            let reference = self.ask_reference(&delivery);
            let sent_at = exchange.sent_at;
            let record = self.record(&built, delivery, sent_at, exchange);
            self.keep(place.number, None, &record);
            self.watch_time(place, &record, &reference);
            if record.result.is_ok() && classify(&self.stage.contract, &record) != Class::Accepted {
                wrong.push(record);
            }
        }
        let Some(first) = wrong.first() else { return Ok(()) };
        let line = curl(&self.stage.origin, &first.delivery);
        let observed = format!("{} of {count} were not, the first: {}", wrong.len(), describe(&first.result));
        self.report_breaches(place, vec![Breach::must("deliveries beside a slow one are accepted", observed)], "accepts them", &line)
    }
}
