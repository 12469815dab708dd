//! Exchanges: what came of a delivery, when, and how long it took.
//!
//! `took` is measured here and nowhere else, for runs and loads, with a fault
//! in the network or without.

use std::time::Duration;

use crate::clock::{Clock as _, Moment, SystemClock, UnixMicros};
use crate::delivery::{Answer, NoAnswer};

/// What came of a delivery.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Before the first byte went out, over a connection that stood; in a burst, the moment of its release.
    pub sent_at: UnixMicros,
    /// When the answer was whole, or given up.
    pub answered_at: UnixMicros,
    /// The time between, by a clock that never goes back. This is what `took` means everywhere, in runs and in loads: from the
    /// first byte of the request to the last of its answer. Connecting and TLS's handshake come before it; where no connection
    /// could be made, it is how long that was tried.
    pub took: Duration,
    /// The answer, or why there is none.
    pub result: Result<Answer, NoAnswer>,
    /// Whether it went twice, the second time over a new connection: the first met the end of one that had been used before.
    /// The receiver may have taken it then, and may call this one a duplicate.
    pub went_twice: bool,
}

impl Exchange {
    pub(crate) fn ended(sent_at: UnixMicros, took: Duration, result: Result<Answer, NoAnswer>) -> Self {
        Self { sent_at, answered_at: sent_at.plus(took), took, result, went_twice: false }
    }

    /// One for which no connection could be made.
    pub(super) fn unreached(watch: Stopwatch, none: NoAnswer) -> Self {
        let took = watch.took();
        Self::ended(SystemClock.now().minus(took), took, Err(none))
    }
}

/// What measures [`Exchange::took`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch {
    begun: Moment,
    sent: Option<Moment>,
}

impl Stopwatch {
    /// A connection is looked for, or taken.
    pub(crate) fn start() -> Self {
        Self { begun: Moment::now(), sent: None }
    }

    /// The first byte goes out.
    pub(crate) fn sends(&mut self) {
        self.sent = Some(Moment::now());
    }

    /// The first byte goes out over a connection that stood: none was looked for.
    pub(crate) fn sends_at_once(&mut self) {
        self.sent = Some(self.begun);
    }

    /// What was sent has met the end of its connection, and another one is looked for.
    pub(crate) fn connects(&mut self) {
        self.sent = None;
    }

    /// How long it has taken by now.
    pub(crate) fn took(self) -> Duration {
        self.took_until(Moment::now())
    }

    /// How long it had taken at a moment.
    pub(crate) fn took_until(self, ended: Moment) -> Duration {
        ended.since(self.sent.unwrap_or(self.begun))
    }

    /// How long it has been since the start, connecting and all.
    pub(crate) fn elapsed(self) -> Duration {
        self.begun.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::Stopwatch;

    /// What it takes begins with the first byte; where that met the end of its connection, with the search for one.
    #[test]
    fn time_begins_with_the_first_byte() {
        let mut watch = Stopwatch::start();
        while watch.elapsed().is_zero() {}
        let connecting = watch.elapsed();
        watch.sends();
        let took = watch.took();
        assert!(watch.elapsed() >= took + connecting);
        watch.connects();
        assert!(watch.took() >= took + connecting);
    }
}
