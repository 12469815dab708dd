//! Subscribers of a load, from before its first delivery to what they came to.
//!
//! In: a plan, and what users have sent and were answered. Out: the streams' part of the report.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::Streams;
use super::judging::Bounds;
use super::report::StreamsReport;
use super::subscriber;
use crate::history::consistency::{Law, Operation};
use crate::load::shared::Shared;
use crate::load::{Cut, Plan};
use crate::session::series::Series;

/// Subscribers that read.
pub struct Subscribers {
    /// What they read.
    pub streams: Arc<Streams>,
    begun: JoinSet<()>,
}

impl Subscribers {
    /// Opens all streams that a plan wants; nothing where it wants none.
    ///
    /// * `word`: what every key begins with.
    ///
    /// # Errors
    /// Why there are no such streams, as a sentence.
    pub async fn begin(plan: &Plan, word: &str, series: &[Series]) -> Result<Option<Self>, String> {
        let (Some(asked), Some(series)) = (plan.streams, series.first()) else { return Ok(None) };
        let question = series.supplies().question("GET", "");
        let wire = (plan.target.clone(), plan.timeout, question);
        let streams = Arc::new(Streams::new(&plan.contract, asked, word, wire, (plan.seed, plan.warm_up))?);
        let begun = subscriber::start(&streams).await;
        Ok(Some(Self { streams, begun }))
    }

    /// Waits for what is still due, and judges what came.
    ///
    /// * `cut`: why the load ended before its time.
    pub async fn end(mut self, plan: &Plan, shared: &Shared, history: &mut [Operation], cut: Option<&Cut>) -> StreamsReport {
        let law = Law { life: plan.life(), replays_failures: plan.contract.replays_failures() };
        let bounds = plan.verify.then(|| Bounds::of(history, plan.contract.is_by_key().then_some(law)));
        let is_whole = match cut {
            None | Some(Cut::Aborted(_)) => true,
            Some(Cut::Interrupted | Cut::Dead) => false,
        };
        let limit = if is_whole { plan.drain } else { Duration::ZERO };
        self.streams.settle(bounds.as_ref(), limit).await;
        while self.begun.join_next().await.is_some() {}
        self.streams.report(bounds.as_ref(), is_whole, &|number| shared.key(number))
    }
}
