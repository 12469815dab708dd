//! Before a load: does the receiver live, and is the evidence there that comes to be with a first delivery?

use super::shared::Shared;
use super::{LoadError, Plan};
use crate::clock::{Clock as _, SystemClock};
use crate::contract::own_headers;
use crate::delivery::Delivery;
use crate::transport::{Sender, Shipment, diagnosis};

/// Delivers once, with a key that is none of the load's, and waits for the evidence that comes to be with it.
pub(super) async fn deliver_first(plan: &Plan, shared: &Shared) -> Result<(), LoadError> {
    let key = plan.contract.key.unique_key(&format!("first{:x}", shared.began_at.0), 0);
    let body = shared.maker.body_with_key(shared.maker.body("first", None), &key);
    let first = shared.maker.make(Some(&key), body, None, SystemClock.now());
    // Whatever it is answered, the load is judged by itself.
    drop(Sender::new(plan.target.clone(), plan.timeout).send(Shipment::plain(first)).await);
    Ok(plan.sources.wait_to_be_there().await?)
}

/// Asks for the health page, where the contract names one.
pub(super) async fn see_that_it_lives(plan: &Plan) -> Result<(), LoadError> {
    let Some(health) = &plan.contract.health else { return Ok(()) };
    let path = health.path.clone();
    let headers = own_headers::joined(&plan.contract, &plan.headers);
    let question = Delivery { method: "GET".to_owned(), path: path.clone(), headers, ..Delivery::default() };
    let answer = Sender::new(plan.target.clone(), plan.timeout).send(Shipment::plain(question)).await.result;
    let unreachable = |cause: String| LoadError::Unreachable { url: plan.target.to_string(), path, cause };
    if !answer.as_ref().is_ok_and(|answer| answer.status == health.status)
        && let Some(cause) = diagnosis::reason(&plan.target, &answer).await
    {
        return Err(unreachable(cause));
    }
    match answer {
        Ok(answer) if answer.status == health.status => Ok(()),
        Ok(answer) => Err(unreachable(format!("it answers {}", answer.status))),
        Err(none) => Err(unreachable(none.to_string())),
    }
}
