//! First delivery: made before a load, where evidence comes to be with one.

use super::body::BodyTemplate;
use super::{LoadError, Plan};
use crate::clock::{Clock as _, SystemClock};
use crate::session::series::Series;
use crate::transport::Sender;

/// Delivers once, with a key that is none of the load's, and waits for the evidence that comes to be with it.
pub(super) async fn deliver_first(plan: &Plan, series: &[Series], bodies: &BodyTemplate) -> Result<(), LoadError> {
    let now = SystemClock.now();
    let key = plan.contract.key.unique_key(&format!("first{:x}", now.0), 0);
    let Some(series) = series.first() else { return Ok(()) };
    let first = series.one(Some(&key), &bodies.body("first", None), None, now).map_err(LoadError::Contract)?;
    // Whatever it is answered, the load is judged by itself.
    drop(Sender::new(plan.target.clone(), plan.timeout).send(first).await);
    Ok(plan.sources.wait_to_be_there().await?)
}
