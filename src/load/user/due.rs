//! Due: how a user of the open model delivers, by the clock and not after answers.
//!
//! What stalls makes those wait that come after, too; what only the generator was late with is told as such.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::User;

/// A timer that wakes later than this is the generator's own fault, and is told.
const LATE: Duration = Duration::from_millis(2);
/// So long a user may take to begin: what was due meanwhile nobody had in hand, and it waited for no answer.
const BEGINNING: Duration = Duration::from_millis(100);

impl User<'_> {
    pub(super) async fn deliver_when_due(&mut self) {
        let shared = self.shared;
        let mut has_begun = false;
        loop {
            let number = shared.taken.fetch_add(1, Ordering::Relaxed);
            if number >= shared.most {
                break;
            }
            let Some(next) = self.next() else { break };
            let Some(due) = next.recorded().or_else(|| shared.next_due(number)) else {
                self.give_back(next);
                break;
            };
            let was_early = shared.began.elapsed() <= due;
            // What is due and cannot be sent in time is dropped: counted, and not sent.
            if !shared.wait_until(due).await || shared.began.elapsed() > shared.last_call {
                self.give_back(next);
                break;
            }
            let (began, took) = self.one(next).await;
            // Who stalls makes those wait that come after, too: they count from when they were due. A timer
            // that wakes a little late is not the receiver's fault.
            let behind = began.saturating_sub(due);
            let is_first = !std::mem::replace(&mut has_begun, true);
            match (was_early, behind > LATE) {
                (true, false) => self.write_down(began, took),
                (false, _) if is_first && behind <= BEGINNING => self.write_down(began, took),
                (false, _) if is_first => self.write_down_late(began, took, behind),
                (true, true) => self.write_down_late(began, took, behind),
                (false, _) => {
                    if shared.is_measured(began) {
                        shared.crowded.fetch_add(1, Ordering::Relaxed);
                    }
                    self.write_down(began, took + behind);
                }
            }
            self.back_off().await;
        }
    }

    /// What was sent late for the generator's own sake.
    fn write_down_late(&mut self, began: Duration, took: Duration, behind: Duration) {
        // What is late before anything is measured is no part of what was measured.
        if self.shared.is_measured(began) {
            self.shared.late.fetch_add(1, Ordering::Relaxed);
            self.shared.latest.fetch_max(u64::try_from(behind.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        self.write_down(began, took + behind);
    }
}
