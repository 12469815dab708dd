//! Streaming: what the reference tells on its event streams, and from where a client that comes back goes on.
//!
//! Events stand in a log that is written in the transaction of their acceptance. A subscriber holds nothing but its place in it, so what
//! was told before, what is published meanwhile and what comes later are read in one way, and in one order. No socket and no clock:
//! `serve` asks [`open`] once and [`next`] whenever something may have been published.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Receiver;
use super::claims::Ticket;
use super::hooks::GoesOn;
use super::store::{Store, StoreError};
use crate::clock::UnixMicros;
use crate::contract::stream::{AfterEnd, Begins, EventStream, Then};
use crate::message::member_text;
use crate::outcome::members::Values;
use crate::template::Template;

/// So many events are read from the log at once.
const A_PAGE: usize = 16;
/// A comment: it keeps a connection alive, and changes nothing.
pub const PING: &str = ": ping\n\n";

/// An event as a log keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Its id: the instant of its acceptance in microseconds, so ids rise also over a restart.
    pub id: i64,
    /// The name of its stream.
    pub stream: String,
    /// Its data, one line.
    pub data: String,
    /// Whether it ends its stream.
    pub ends: bool,
}

/// What a log knows of a stream, seen from a place in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The events behind the place, in order, as many as were asked for.
    pub events: Vec<Logged>,
    /// Whether the event of the place itself is kept: if not, some behind it may be gone as well.
    pub has_place: bool,
    /// The id of the oldest event that is kept.
    pub oldest: Option<i64>,
    /// The newest event.
    pub newest: Option<Logged>,
}

/// How a request for a stream begins.
#[derive(Debug)]
pub enum Opened {
    /// 200, and what [`next`] says.
    Tells(Place),
    /// 204.
    Over,
    /// Another status.
    Refused(u16),
}

/// How far a subscriber has been told.
#[derive(Debug)]
pub struct Place {
    stream: String,
    after: Option<i64>,
    first: String,
}

/// What a subscriber is told next.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    /// Whole blocks; empty when nothing was published.
    pub bytes: Vec<u8>,
    /// What follows them.
    pub then: Next,
}

/// What follows what was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// There is more in the log.
    More,
    /// Nothing, until something is published.
    Waits,
    /// The body ends: the stream is finished, or what should follow is not kept any more, and who comes back is told so.
    Ends,
}

/// Where a client begins.
///
/// * `last`: the value of `Last-Event-ID`.
///
/// # Errors
/// When the store cannot be read.
pub fn open<S: Store>(receiver: &mut Receiver<S>, stream: &str, last: Option<&[u8]>) -> Result<Opened, StoreError> {
    let contract = Arc::clone(receiver.contract());
    let Some(form) = &contract.stream else { return Ok(Opened::Refused(404)) };
    let mut first = String::new();
    if let Some(retry) = form.retry {
        first.push_str(&format!("retry: {}\n\n", receiver.hooks.retry(retry.0.as_millis().to_string())));
    }
    let known = last.and_then(number);
    let page = receiver.store().log_behind(stream, known, 1)?;
    let newest = page.newest.as_ref();
    let goes_on = receiver.hooks.goes_on();
    let after = match last.filter(|last| !last.is_empty()) {
        _ if goes_on == GoesOn::WithNews => newest.map(|newest| newest.id),
        None if form.begins == Begins::Now => newest.map(|newest| newest.id),
        None => None,
        Some(_) if known.is_some() && page.has_place => match goes_on {
            GoesOn::Behind | GoesOn::WithNews => known,
            GoesOn::BehindNext => page.events.first().map(|next| next.id).or(known),
            GoesOn::At => {
                let again = receiver.store().log_behind(stream, known.map(|id| id - 1), 1)?.events;
                again.iter().for_each(|event| first.push_str(&written(form, event)));
                known
            }
        },
        // What is kept begins behind it.
        Some(_) if known.zip(page.oldest).is_some_and(|(id, oldest)| id < oldest) && !receiver.hooks.tells_of_evictions() => None,
        Some(_) if !receiver.hooks.tells_of_gaps() => newest.map(|newest| newest.id),
        Some(_) => match form.unknown.then {
            Then::Reset => {
                let oldest = page.oldest.map(|id| id.to_string());
                first.push_str(&format!("event: {}\ndata: {}\n\n", form.reset_event(), json!({"oldest": oldest})));
                None
            }
            Then::Replay => None,
            Then::NoContent => return Ok(Opened::Over),
            Then::Refused => return Ok(Opened::Refused(form.unknown.status.unwrap_or(410))),
        },
    };
    if let (Some(finished), Some(newest)) = (&form.finished, newest)
        && newest.ends
        && after == Some(newest.id)
        && receiver.hooks.ends_streams()
    {
        match finished.then {
            AfterEnd::NoContent => return Ok(Opened::Over),
            AfterEnd::RepeatsLast => {
                let block = written(form, newest);
                first.push_str(&receiver.hooks.event(block, newest));
            }
        }
    }
    Ok(Opened::Tells(Place { stream: stream.to_owned(), after, first }))
}

/// What a subscriber is told next.
///
/// # Errors
/// When the store cannot be read.
pub fn next<S: Store>(receiver: &mut Receiver<S>, place: &mut Place) -> Result<Told, StoreError> {
    let contract = Arc::clone(receiver.contract());
    let Some(form) = &contract.stream else { return Ok(Told { bytes: Vec::new(), then: Next::Ends }) };
    let mut bytes = std::mem::take(&mut place.first).into_bytes();
    let page = receiver.store().log_behind(&place.stream, place.after, A_PAGE)?;
    if place.after.is_some() && !page.has_place {
        return Ok(Told { bytes, then: Next::Ends });
    }
    for event in &page.events {
        if receiver.hooks.tells(event) {
            let block = written(form, event);
            bytes.extend_from_slice(receiver.hooks.event(block, event).as_bytes());
        }
        place.after = Some(event.id);
    }
    let is_at_end = page.newest.as_ref().is_none_or(|newest| place.after == Some(newest.id));
    let is_over = form.finished.is_some() && receiver.hooks.ends_streams() && is_at_end && page.newest.is_some_and(|newest| newest.ends);
    let then = match (is_over, is_at_end) {
        (true, _) => Next::Ends,
        (false, true) => Next::Waits,
        (false, false) => Next::More,
    };
    Ok(Told { bytes, then })
}

/// What a client is told that asks now, in words.
///
/// * `key`: that of the delivery whose event the client has read last; its id is meant, whatever `last` is.
pub fn described<S: Store>(receiver: &mut Receiver<S>, stream: &str, last: Option<&str>, key: Option<&str>) -> String {
    let own = key.and_then(|key| {
        let page = receiver.store().log_behind(stream, None, usize::MAX >> 1).ok()?;
        let names = |data: &str| {
            serde_json::from_str::<Value>(data).is_ok_and(|data| data.as_object().is_some_and(|all| all.values().any(|one| one == key)))
        };
        page.events.into_iter().find(|event| names(&event.data)).map(|event| event.id.to_string())
    });
    let last = own.as_deref().or(last);
    let told = open(receiver, stream, last.map(str::as_bytes)).map(|opened| match opened {
        Opened::Over => "204".to_owned(),
        Opened::Refused(status) => status.to_string(),
        Opened::Tells(mut place) => {
            let (mut bytes, mut then) = (Vec::new(), Next::More);
            while then == Next::More {
                let Ok(told) = next(receiver, &mut place) else { break };
                bytes.extend(told.bytes);
                then = told.then;
            }
            let text = String::from_utf8_lossy(&bytes);
            let events = text.lines().filter(|line| line.starts_with("event:")).count();
            format!("200 text/event-stream, {events} event(s) at once")
        }
    });
    told.unwrap_or_else(|failed| failed.to_string())
}

/// An id of ours: a number as it is written in one way only.
fn number(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    text.parse::<i64>().ok().filter(|id| *id >= 0 && id.to_string() == text)
}

fn written(form: &EventStream, event: &Logged) -> String {
    format!("id: {}\nevent: {}\ndata: {}\n\n", event.id, form.event, event.data)
}

impl<S: Store> Receiver<S> {
    /// The event that tells of a delivery which is accepted at `at`; none where the contract has no stream for it.
    pub(super) fn event_of(&mut self, ticket: &Ticket, values: &Values<'_>, at: UnixMicros) -> Option<Logged> {
        let form = self.contract.stream.as_ref()?;
        let value = |name: &str| values.get(name);
        let stream = match &form.of {
            None => String::new(),
            Some(of) => of.fill(&value)?,
        };
        let member = |(name, form): (&String, &Template)| (name.clone(), form.fill(&value).map_or(Value::Null, Value::String));
        let data: serde_json::Map<String, Value> = form.data.iter().map(member).collect();
        let ends = form
            .finished
            .as_ref()
            .is_some_and(|finished| member_text(&ticket.delivery.body, &finished.member).is_some_and(|value| finished.is.contains(&value)));
        Some(Logged { id: at.0, stream, data: Value::Object(data).to_string(), ends })
    }

    /// The stream on which something was published since this was asked; it may have been rolled back.
    pub fn take_published(&mut self) -> Option<String> {
        self.published.take()
    }
}

#[cfg(test)]
mod tests;
