//! Restarts: the receiver is ended and started again, with deliveries under way or without.
//!
//! Every delivery that the restart broke in on is sent again afterwards, twice.
//! One that was answered before must be remembered. One that was not may be
//! known or new; whatever it is said to be, the next time it is a duplicate.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};

use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::building::Built;
use super::play::{Halt, Place, Play};
use super::stage::Stage;
use crate::check::answer::{Judged, against};
use crate::check::classify::{Class, classify};
use crate::check::{Breach, Record, describe, is_broken};
use crate::clock::UnixMicros;
use crate::delivery::NoAnswer;
use crate::http::{Exchange, Sender, Shipment};
use crate::report::curl::curl;
use crate::scenario::deliver::Deliver;
use crate::scenario::{Restart, UnderWay};

/// More than any sender gets through before the receiver is ended.
const MOST_A_SENDER: usize = 2_000;

impl Play<'_> {
    /// Ends the receiver and starts it again.
    pub(super) async fn restart(&mut self, place: Place<'_>, restart: &Restart) -> Result<(), Halt> {
        self.kept = None;
        match &restart.under_way {
            None => self.stage.restart(!restart.kill).await.map_err(Halt::Undecided),
            Some(under_way) => self.break_in(place, restart, under_way).await,
        }
    }

    async fn break_in(&mut self, place: Place<'_>, restart: &Restart, under_way: &UnderWay) -> Result<(), Halt> {
        let most = (under_way.answers * 4).clamp(under_way.senders, MOST_A_SENDER);
        let built: Vec<Built> = (0..most)
            .map(|_| self.workshop().build(&Deliver::default(), None, None))
            .collect::<Result<_, _>>()
            .map_err(Halt::NotApplicable)?;
        let sent_at = self.stage.clock.now();
        let counter = Arc::new(Traffic::default());
        let mut senders = JoinSet::new();
        for at in 0..under_way.senders {
            let own: Vec<(usize, Shipment)> =
                built.iter().enumerate().skip(at).step_by(under_way.senders).map(|(at, one)| (at, one.shipment.clone())).collect();
            senders.spawn(deliver_all(self.stage.sender(), own, Arc::clone(&counter), under_way.answers));
        }
        // All senders may have come to their end before: then nothing is under way, and the counts below say so.
        counter.enough.notified().await;
        let restarted = self.stage.restart(!restart.kill).await;
        counter.stop.store(true, Ordering::SeqCst);
        let mut exchanges: Vec<(usize, Exchange)> = senders.join_all().await.into_iter().flatten().collect();
        exchanges.sort_by_key(|(at, _)| *at);
        restarted.map_err(Halt::Undecided)?;
        let mut firsts: Vec<(usize, Record)> = Vec::with_capacity(exchanges.len());
        for (at, exchange) in exchanges {
            let record = self.known(&built[at], sent_at, exchange);
            self.keep(place.number, None, &record);
            firsts.push((at, record));
        }
        self.judge_again(place, &built, firsts).await
    }

    /// A delivery that also the reference knows, as far as it was answered.
    fn known(&mut self, built: &Built, sent_at: UnixMicros, exchange: Exchange) -> Record {
        let delivery = built.shipment.delivery.clone();
        self.ask_reference(&delivery);
        self.record(built, delivery, sent_at, exchange)
    }

    /// Sends everything again, twice, and judges what comes.
    async fn judge_again(&mut self, place: Place<'_>, built: &[Built], firsts: Vec<(usize, Record)>) -> Result<(), Halt> {
        let contract = Arc::clone(&self.stage.contract);
        let (mut forgotten, mut answered): (Vec<Record>, usize) = (Vec::new(), 0);
        for (at, first) in firsts {
            let was_accepted = classify(&contract, &first) == Class::Accepted;
            answered += usize::from(was_accepted);
            let mut known = was_accepted.then_some(first);
            for _ in 0..2 {
                let again = self.once_more(place, &built[at]).await;
                self.watch_time(place, &again, "remembers them at once");
                if again.result.is_ok() && again.took > contract.limits.answer.0 {
                    // One that is too late is told; waiting for all of them would take minutes.
                    return Err(Halt::Broken);
                }
                let Ok(answer) = again.result.clone() else {
                    return Err(Halt::Undecided(format!("step {}: after the restart there was no answer", place.number)));
                };
                let judged = Judged { answer: &answer, record: &again, records: &self.records };
                let fits = match &known {
                    Some(first) => !is_broken(&against(contract.duplicate().unwrap_or(&contract.outcomes.accepted), judged, Some(first))),
                    None => classify(&contract, &again) != Class::Other,
                };
                if !fits {
                    forgotten.push(again);
                    break;
                }
                known.get_or_insert(again);
            }
        }
        if answered == 0 {
            return Err(Halt::Undecided(format!("step {}: nothing was answered before the restart", place.number)));
        }
        let Some(one) = forgotten.first() else { return Ok(()) };
        let line = curl(&self.stage.origin, &one.delivery);
        let observed = format!("{} of them are not, the first: {}", forgotten.len(), describe(&one.result));
        let breach =
            Breach::must(format!("all {answered} deliveries that were answered before the restart are duplicates after it"), observed);
        self.report_breaches(place, vec![breach], "remembers them", &line)
    }

    async fn once_more(&mut self, place: Place<'_>, built: &Built) -> Record {
        let sent_at = self.stage.clock.now();
        let exchange = self.stage.send(built.shipment.clone()).await;
        let record = self.known(built, sent_at, exchange);
        self.keep(place.number, None, &record);
        record
    }
}

impl Stage {
    /// Ends the target and starts it again, at the same address and over the same files.
    ///
    /// # Errors
    /// Why it cannot be started again, as a sentence; the target is then gone.
    pub async fn restart(&self, gently: bool) -> Result<(), String> {
        // Connections to the old process are of no use to anyone, and may keep it from ending.
        self.hang_up();
        let restarted = self.servant.lock().await.restart(gently).await;
        restarted.map_err(|failed| {
            self.mark_gone();
            failed.to_string()
        })
    }

    /// Closes every connection of the pool.
    pub(super) fn hang_up(&self) {
        *self.sender.write().unwrap_or_else(PoisonError::into_inner) = Sender::new(self.url.clone(), self.timeout);
    }

    /// Whether the target can be started again.
    #[must_use]
    pub fn can_restart(&self) -> bool {
        self.can_restart
    }
}

/// How far several senders have come.
#[derive(Default)]
struct Traffic {
    answers: AtomicUsize,
    stop: AtomicBool,
    enough: Notify,
}

/// Delivers one after the other until the receiver is gone.
async fn deliver_all(sender: Sender, shipments: Vec<(usize, Shipment)>, traffic: Arc<Traffic>, enough: usize) -> Vec<(usize, Exchange)> {
    let mut exchanges = Vec::new();
    for (at, shipment) in shipments {
        if traffic.stop.load(Ordering::SeqCst) {
            break;
        }
        let exchange = sender.send(shipment).await;
        let gone = exchange.result.is_err();
        let never_sent = matches!(exchange.result, Err(NoAnswer::Unreachable { .. }));
        if !never_sent {
            exchanges.push((at, exchange));
        }
        if traffic.answers.fetch_add(1, Ordering::SeqCst) + 1 == enough {
            traffic.enough.notify_one();
        }
        if gone {
            break;
        }
    }
    traffic.enough.notify_one();
    exchanges
}
