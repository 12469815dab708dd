//! Restarts of a live target, with deliveries under way or without.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use super::super::context::RunContext;
use super::super::live::Live;
use crate::clock::{Clock as _, SystemClock};
use crate::contract::Contract;
use crate::delivery::NoAnswer;
use crate::judge::{At, ScenarioEnd, Sent};
use crate::scenario::deliver::Deliver;
use crate::scenario::{Restart, UnderWay};
use crate::session::deliveries::PreparedDelivery;
use crate::session::pace::Pace;
use crate::session::patience::asks_to_wait;
use crate::transport::{Exchange, Sender, Transmission};

/// More than any sender gets through before the receiver is ended.
const MOST_A_SENDER: usize = 2_000;

/// So long one sender waits at the most for who asks to be asked later: the others are still under way.
const LONGEST_PAUSE: Duration = Duration::from_millis(2_500);

impl Live<'_> {
    /// Ends the receiver while several senders deliver, and starts it again.
    pub(in crate::run) async fn break_in_on(
        &mut self,
        at: At<'_>,
        restart: &Restart,
        under_way: &UnderWay,
    ) -> Result<Vec<Sent>, ScenarioEnd> {
        let most = (under_way.answers * 4).clamp(under_way.senders, MOST_A_SENDER);
        let built: Vec<PreparedDelivery> = (0..most)
            .map(|_| self.builder(at).build(&Deliver::default(), None, None))
            .collect::<Result<_, _>>()
            .map_err(ScenarioEnd::not_made)?;
        let (began, began_there) = (SystemClock.now(), self.context.clock.now());
        let counter = Arc::new(Traffic::default());
        let mut senders = JoinSet::new();
        for first in 0..under_way.senders {
            let own: Vec<(usize, Transmission)> = built
                .iter()
                .enumerate()
                .skip(first)
                .step_by(under_way.senders)
                .map(|(place, one)| (place, one.transmission.clone()))
                .collect();
            senders.spawn(deliver_all(
                Arc::clone(&self.context.contract),
                Arc::clone(&self.context.pace),
                self.context.sender(),
                own,
                Arc::clone(&counter),
                under_way.answers,
            ));
        }
        // All senders may have come to their end before: then nothing is under way, and the judge's counts say so.
        counter.enough.notified().await;
        let restarted = self.context.restart(!restart.kill).await;
        counter.stop.store(true, Ordering::SeqCst);
        let mut exchanges: Vec<(usize, Exchange)> = senders.join_all().await.into_iter().flatten().collect();
        // In the order in which they were sent, as the history has them.
        exchanges.sort_by_key(|(_, exchange)| exchange.sent_at);
        restarted.map_err(ScenarioEnd::Undecided)?;
        let mut slots: Vec<Option<PreparedDelivery>> = built.into_iter().map(Some).collect();
        let mut all = Vec::with_capacity(exchanges.len());
        self.broken_in_on.clear();
        for (place, exchange) in exchanges {
            let Some(built) = slots.get_mut(place).and_then(Option::take) else { continue };
            let later = Duration::from_micros(exchange.sent_at.0.saturating_sub(began.0).unsigned_abs());
            all.push(built.exchanged(began_there.plus(later), exchange));
            self.broken_in_on.push(built);
        }
        Ok(all)
    }

    /// Sends every delivery that was broken in on once more, several side by side.
    pub(in crate::run) async fn all_once_more(&mut self, at: At<'_>) -> Result<Vec<Sent>, ScenarioEnd> {
        let places = Arc::new(Semaphore::new(self.context.traffic.borne()));
        let mut sending = JoinSet::new();
        for (place, built) in self.broken_in_on.iter().enumerate() {
            let (sender, transmission, places) = (self.context.sender(), built.transmission.clone(), Arc::clone(&places));
            let pace = Arc::clone(&self.context.pace);
            sending.spawn(async move {
                let _place = places.acquire_owned().await;
                pace.turn(1).await;
                (place, sender.send(transmission).await)
            });
        }
        let (began, began_there) = (SystemClock.now(), self.context.clock.now());
        let mut exchanges: Vec<(usize, Exchange)> = Vec::with_capacity(self.broken_in_on.len());
        while let Some(joined) = sending.join_next().await {
            let (place, exchange) = joined.map_err(|failed| ScenarioEnd::Undecided(failed.to_string()))?;
            exchanges.push((place, exchange));
        }
        exchanges.sort_by_key(|(place, _)| *place);
        let mut all = Vec::with_capacity(exchanges.len());
        for (place, mut exchange) in exchanges {
            let Some(built) = self.broken_in_on.get(place) else { continue };
            let transmission = built.transmission.clone();
            while self.waits(at, &exchange.result).await? {
                exchange = self.context.send(transmission.clone()).await;
            }
            let Some(built) = self.broken_in_on.get(place) else { continue };
            let later = Duration::from_micros(exchange.sent_at.0.saturating_sub(began.0).unsigned_abs());
            all.push(built.exchanged(began_there.plus(later), exchange));
        }
        Ok(all)
    }
}

impl RunContext {
    /// Ends the target and starts it again, at the same address and over the same files.
    ///
    /// # Errors
    /// Why it cannot be started again, as a sentence; the target is then gone.
    pub async fn restart(&self, gently: bool) -> Result<(), String> {
        // Connections to the old process are of no use to anyone, and may keep it from ending.
        self.hang_up();
        let restarted = self.managed.lock().await.restart(gently).await;
        restarted.map_err(|failed| {
            self.liveness.mark_gone(failed.to_string());
            failed.to_string()
        })
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
async fn deliver_all(
    contract: Arc<Contract>,
    pace: Arc<Pace>,
    sender: Sender,
    transmissions: Vec<(usize, Transmission)>,
    traffic: Arc<Traffic>,
    enough: usize,
) -> Vec<(usize, Exchange)> {
    let mut exchanges = Vec::new();
    for (at, transmission) in transmissions {
        if traffic.stop.load(Ordering::SeqCst) {
            break;
        }
        pace.turn(1).await;
        let exchange = sender.send(transmission).await;
        if let Some(wait) = asks_to_wait(&contract, &exchange.result) {
            // It did not reach the receiver; the next one goes later.
            tokio::time::sleep(wait.min(LONGEST_PAUSE)).await;
            continue;
        }
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
