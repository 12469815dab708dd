//! Deliveries of which it is seen whether their row is there when their event is told.
//!
//! In: a delivery, and an open stream that is to tell of it. Out: its answer, and its rows as they were when its event had come. What the
//! stream tells meanwhile is put aside, so that a later step reads it as if nobody had looked.

use std::time::Duration;

use super::super::live::Live;
use super::stream::Subscriber;
use crate::clock::{Moment, UnixMicros};
use crate::contract::tables::Table;
use crate::delivery::NoAnswer;
use crate::evidence::{EvidenceError, Question, Which};
use crate::history::record::Record;
use crate::judge::check::rows::found_by;
use crate::judge::check::stream::tellable::Tellable;
use crate::judge::check::stream::told_by;
use crate::judge::{At, ScenarioEnd};
use crate::session::deliveries::PreparedDelivery;
use crate::state::ReceiverState;
use crate::transport::Exchange;

/// How long an event is waited for; that it does not come at all is for other steps to say.
const PATIENCE: Duration = Duration::from_secs(5);

impl Live<'_> {
    /// Sends a delivery; and looks at its rows when its event has come on the stream of that name, whether it was answered by then or not.
    ///
    /// # Errors
    /// [`ScenarioEnd::Undecided`] when the evidence cannot be read.
    pub(in crate::run) async fn send_and_look(
        &mut self,
        at: At<'_>,
        built: &PreparedDelivery,
        stream: Option<&str>,
    ) -> Result<(Exchange, Option<ReceiverState>), ScenarioEnd> {
        let context = self.context;
        let sending = context.send(built.transmission.clone());
        let Some((name, mut subscriber)) = stream.and_then(|name| self.streams.remove_entry(name)) else {
            return Ok((sending.await, None));
        };
        let record = record_of(built, self.context.clock.now());
        let (exchange, seen) = tokio::join!(sending, self.rows_when_told(&record, &mut subscriber));
        self.streams.insert(name, subscriber);
        let seen = seen.map_err(|wrong| ScenarioEnd::Undecided(format!("step {}: {wrong}", at.number)))?;
        Ok((exchange, seen))
    }

    /// The rows of a delivery as soon as its event has come; `None` where none comes, or nobody can look.
    async fn rows_when_told(&self, record: &Record, subscriber: &mut Subscriber) -> Result<Option<ReceiverState>, EvidenceError> {
        let Some((form, tables)) = self.context.contract.stream.as_ref().zip(self.context.contract.state.as_ref()) else { return Ok(None) };
        let tellable = Tellable::new(form, record);
        let began = Moment::now();
        let mut is_told = false;
        while !is_told {
            let left = PATIENCE.saturating_sub(began.elapsed());
            match subscriber.overhear(left).await {
                Some(block) => is_told = !told_by(form, block, &[&tellable]).is_empty(),
                None => return Ok(None),
            }
        }
        let values = |table: &Option<Table>| table.iter().filter_map(|table| found_by(table, record)).collect();
        let question = Question { rows: Which::Of(values(&tables.keys), values(&tables.audit)), ..Question::default() };
        Ok(self.context.rows(question).await?.map(|seen| seen.state))
    }
}

/// A delivery that has no answer yet.
fn record_of(built: &PreparedDelivery, sent_at: UnixMicros) -> Record {
    let result = Err(NoAnswer::Broken { cause: "it is under way".to_owned() });
    let sent = built.sent(sent_at, Duration::ZERO, result);
    Record {
        identity: sent.key.clone(),
        key: sent.key,
        sha256: sent.sha256,
        delivery: sent.delivery,
        sent_at,
        answered_at: sent_at,
        took: Duration::ZERO,
        own_delay: Duration::ZERO,
        went_twice: false,
        result: sent.result,
        moved_us: 0,
        referred_as: None,
        refers_to: None,
    }
}
