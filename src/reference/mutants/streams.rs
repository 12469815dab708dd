//! What defects tell otherwise on event streams.

use std::borrow::Cow;

use super::Mutant;
use crate::reference::hooks::GoesOn;
use crate::reference::store::Acceptance;
use crate::reference::streaming::Logged;

/// Of so many acceptances one is not told.
const NOT_TOLD: u64 = 3;
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
