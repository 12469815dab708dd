//! Preflight: what is seen to before anything is judged or loaded.
//!
//! The receiver lives (its health page, or, without one, an honest delivery),
//! and its evidence can be read. In: a session that was begun. Out: nothing, or
//! why it cannot go on.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Session;
use super::deliveries::{DeliveryBuilder, PlainBodies};
use super::error::SessionError;
use super::patience::asks_to_wait;
use crate::clock::{Moment, span};
use crate::contract::Contract;
use crate::delivery::{Answer, Delivery, HeaderLine, NoAnswer};
use crate::judge::check::Bindings;
use crate::scenario::deliver::{ConnectionUse, Deliver};
use crate::transport::{Sender, Target, Transmission, diagnosis};

/// A moment between two questions to one that does not live yet.
const ASK_AGAIN: Duration = Duration::from_millis(50);

impl Session {
    /// Whether it lives, as far as a page of its own tells, and its evidence can be read; what is made with a first delivery may be missing.
    pub(super) async fn preflight(&self) -> Result<(), SessionError> {
        let patience = self.managed.lock().await.patience();
        if self.contract.health.is_some() {
            self.check_health(patience).await?;
        }
        match self.sources.check_available().await {
            Err(wrong) if !wrong.is_not_there_yet() => Err(wrong.into()),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn honest_delivery(&self) -> Result<Transmission, String> {
        let (bindings, plain_bodies) = (Bindings::default(), PlainBodies::new());
        let now = self.clock.now();
        let builder = DeliveryBuilder { supplies: &self.supplies, now, signs_at: now, bindings: &bindings, plain_bodies: &plain_bodies };
        Ok(builder.build(&Deliver::default(), None, None)?.transmission)
    }

    /// Asks the target whether it lives: its health page, or, without one, with an honest delivery. Where it does not
    /// seem to, it is asked again over a new connection.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn health(&self) -> Result<Answer, NoAnswer> {
        let health = self.ask_health(ConnectionUse::Any).await;
        match health {
            Ok(answer) if is_well(&self.contract, &answer) => Ok(answer),
            // It has been waited for as long as anybody is: once more would only take longer.
            Err(none @ NoAnswer::TimedOut { .. }) => Err(none),
            Ok(_) | Err(_) => self.ask_health(ConnectionUse::New).await,
        }
    }

    /// Asks over a connection of the pool or a new one; a gateway that asks to come again is waited for.
    pub(crate) async fn ask_health(&self, connection: ConnectionUse) -> Result<Answer, NoAnswer> {
        let mut patience = self.max_wait;
        loop {
            let health = self.ask_health_once(connection).await;
            let wait = asks_to_wait(&self.contract, &health).and_then(|wait| Some((wait, patience.checked_sub(wait)?)));
            let Some((wait, left)) = wait else { return health };
            patience = left;
            self.held_up.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(wait).await;
        }
    }

    async fn ask_health_once(&self, connection: ConnectionUse) -> Result<Answer, NoAnswer> {
        let transmission = match &self.contract.health {
            Some(health) => Transmission::plain(self.supplies.question("GET", &health.path)),
            None => self.honest_delivery().map_err(|cause| NoAnswer::Unreachable { cause })?,
        };
        self.send(Transmission { connection, ..transmission }).await.result
    }

    /// Sees that the receiver lives before anything is judged; one that was just started is given what is left of `patience`.
    pub(crate) async fn check_health(&self, patience: Duration) -> Result<(), SessionError> {
        let began = Moment::now();
        loop {
            let health = self.health().await;
            if health.as_ref().is_ok_and(|answer| is_well(&self.contract, answer)) {
                return Ok(());
            }
            if began.elapsed() >= patience {
                return Err(not_well(&self.contract, &self.url, health).await);
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }
}

/// Whether the receiver at an address still lives, as far as its health page says, between two parts of what is done to it.
///
/// * `headers`: what every question bears.
///
/// # Errors
/// [`SessionError`]: what was seen.
pub async fn check_health(contract: &Contract, target: &Target, headers: Vec<HeaderLine>, timeout: Duration) -> Result<(), SessionError> {
    let Some(page) = &contract.health else { return Ok(()) };
    let question = Delivery { method: "GET".to_owned(), path: page.path.clone(), headers, ..Delivery::default() };
    let health = Sender::new(target.clone(), timeout).send(Transmission::plain(question)).await.result;
    match health {
        Ok(answer) if is_well(contract, &answer) => Ok(()),
        health => Err(not_well(contract, target, health).await),
    }
}

/// Whether an answer to a question for its health is that of a receiver that lives; without a page, every answer but a failure is.
#[must_use]
pub fn is_well(contract: &Contract, answer: &Answer) -> bool {
    match &contract.health {
        Some(health) => answer.status == health.status,
        None => answer.status < 500,
    }
}

async fn not_well(contract: &Contract, target: &Target, health: Result<Answer, NoAnswer>) -> SessionError {
    let (url, page) = (target.to_string(), contract.health.as_ref());
    let path = page.map_or(&contract.endpoint.path, |page| &page.path).clone();
    let wanted = page.map_or(contract.outcomes.accepted.status, |page| page.status);
    let limit = contract.limits.answer.0;
    let silent = |(url, path, cause)| match page {
        Some(_) => SessionError::Unreachable { url, path, cause },
        None => SessionError::Silent { url, path, cause },
    };
    if let Some(cause) = diagnosis::reason(target, &health).await {
        return silent((url, path, cause));
    }
    match health {
        Ok(answer) => SessionError::NotWell { url, path, status: answer.status, wanted },
        Err(none) if none.is_premature(limit) => SessionError::GivenUp { url, path, cause: none.to_string(), allowed: span::write(limit) },
        Err(none) => silent((url, path, none.to_string())),
    }
}
