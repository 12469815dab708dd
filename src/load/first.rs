//! First delivery: made before a load, where evidence comes to be with one.

use super::shared::Shared;
use super::{LoadError, Plan};
use crate::clock::{Clock as _, SystemClock};
use crate::transport::Sender;

/// Delivers once, with a key that is none of the load's, and waits for the evidence that comes to be with it.
pub(super) async fn deliver_first(plan: &Plan, shared: &Shared) -> Result<(), LoadError> {
    let key = plan.contract.key.unique_key(&format!("first{:x}", shared.began_at.0), 0);
    let first =
        shared.series_of(0).one(Some(&key), &shared.bodies.body("first", None), None, SystemClock.now()).map_err(LoadError::Contract)?;
    // Whatever it is answered, the load is judged by itself.
    drop(Sender::new(plan.target.clone(), plan.timeout).send(first).await);
    Ok(plan.sources.wait_to_be_there().await?)
}
