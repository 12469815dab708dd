//! What defects tell otherwise on event streams.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::{Map, Value};

use super::Mutant;
use crate::reference::hooks::GoesOn;
use crate::reference::store::Acceptance;
use crate::reference::streaming::Logged;

/// Of so many acceptances one is not told.
const NOT_TOLD: u64 = 3;
/// The answer behind an audit row that is written half a second late.
const BEHIND_THE_ROW: Duration = Duration::from_millis(600);
/// An id of nothing.
const NOWHERE: &str = "id: 99\n";

impl Mutant {
    /// Changes the event that is about to be published.
    pub(super) fn publishes_otherwise(&mut self, acceptance: &mut Acceptance) {
        let Some(event) = &mut acceptance.event else { return };
        if self.is("ids-start-anew") {
            // The log takes the next number where this one is taken.
            event.id = 1;
        }
        if self.is("jobs-in-another-case-share-a-stream") {
            event.stream = event.stream.to_lowercase();
        }
        if self.is("event-data-is-not-escaped") {
            event.data = unescaped(&event.data);
        }
        if self.is("what-lacks-is-told-empty") {
            event.data = event.data.replace(":null", ":\"\"");
        }
        if self.is("event-before-row-and-answer") {
            self.told.insert((event.stream.clone(), event.id));
            if self.told.iter().filter(|(stream, _)| *stream == event.stream).count() == 2 {
                self.pause = BEHIND_THE_ROW;
            }
        }
        if self.is("acceptance-without-event") && self.accepted.is_multiple_of(NOT_TOLD) {
            acceptance.event = None;
        }
    }

    /// Where a client goes on.
    pub(super) fn goes_on_otherwise(&self) -> GoesOn {
        if self.is("resume-leaves-a-gap") {
            GoesOn::BehindNext
        } else if self.is("resume-tells-an-event-twice") {
            GoesOn::At
        } else {
            GoesOn::Behind
        }
    }

    /// An event as it is told.
    pub(super) fn event_otherwise(&mut self, written: String, event: &Logged) -> String {
        let id = format!("id: {}\n", event.id);
        if self.is("ids-do-not-rise") {
            return written.replacen(&id, &format!("id: {}\n", i64::MAX - event.id), 1);
        }
        if self.is("id-has-a-line-end")
            && let Some(at) = event.stream.find('\n')
        {
            return written.replacen(&id, &format!("id: {}{}\n", event.id, &event.stream[at..]), 1);
        }
        written
    }

    /// What breaks a silence.
    pub(super) fn ping_otherwise(&self, usual: &'static str) -> Cow<'static, str> {
        if self.is("no-heartbeat") {
            Cow::Borrowed("")
        } else if self.is("heartbeat-bears-an-id") {
            Cow::Owned(format!("{NOWHERE}{usual}"))
        } else {
            Cow::Borrowed(usual)
        }
    }
}

/// The data of an event as whoever puts it together from pieces of text writes it.
fn unescaped(data: &str) -> String {
    let members: Map<String, Value> = serde_json::from_str(data).unwrap_or_default();
    let written = members.iter().map(|(name, value)| match value {
        Value::String(text) => format!("\"{name}\": \"{text}\""),
        other => format!("\"{name}\": {other}"),
    });
    format!("{{{}}}", written.collect::<Vec<_>>().join(", "))
}
