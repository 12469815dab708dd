//! Time: the only room that reads a clock.
//!
//! Everything else takes the moment as an argument ([`UnixMicros`]), so that a
//! receiver, a signature or a verdict can be computed again later to the byte.
//! In: nothing, or a number of seconds to move. Out: instants and spans.
//!
//! Start at [`Clock`]. Text forms of an instant are in [`iso`], spans as people
//! write them (`86402 s`, `24h`) in [`span`].
//!
//! **Invariant:** nobody else calls `SystemTime::now` or `Instant::now`
//! (`clippy.toml` refuses it).

pub mod iso;
pub mod span;

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

const MICROS_PER_SECOND: i64 = 1_000_000;

/// An instant: microseconds since 1970-01-01T00:00:00 UTC, leap seconds not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMicros(pub i64);

impl UnixMicros {
    /// The instant `seconds` whole seconds after the epoch.
    #[must_use]
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(MICROS_PER_SECOND))
    }

    /// Whole seconds since the epoch, rounded towards the past.
    #[must_use]
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(MICROS_PER_SECOND)
    }

    /// This instant `span` later; stops at the end of the range.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(micros(span)))
    }

    /// This instant `span` earlier; stops at the start of the range.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(micros(span)))
    }

    /// How long after `earlier` this instant lies; zero when it does not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// Whoever can say what time it is.
pub trait Clock: Send + Sync {
    /// The present instant, UTC.
    fn now(&self) -> UnixMicros;
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the room that reads the time")]
    fn now(&self) -> UnixMicros {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => UnixMicros(micros(since)),
            Err(before) => UnixMicros(-micros(before.duration())),
        }
    }
}

/// The machine's clock plus an offset that is moved by hand, forwards only.
///
/// Between moves it runs at the ordinary speed, as a target's clock does.
#[derive(Debug, Default)]
pub struct VirtualClock {
    ahead_micros: AtomicI64,
}

impl VirtualClock {
    /// Moves the clock `span` into the future, at once.
    pub fn advance(&self, span: Duration) {
        self.ahead_micros.fetch_add(micros(span), Ordering::SeqCst);
    }

    /// How far the clock has been moved so far.
    #[must_use]
    pub fn ahead(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.ahead_micros.load(Ordering::SeqCst)).unwrap_or(0))
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> UnixMicros {
        SystemClock.now().plus(self.ahead())
    }
}

/// A moment for measuring how long something takes; never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Instant);

impl Moment {
    /// This very moment.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the room that reads the time")]
    pub fn now() -> Self {
        Self(Instant::now())
    }

    /// Time since this moment.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        Self::now().0.saturating_duration_since(self.0)
    }

    /// Time from `earlier` to this moment; zero when it lies after.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A virtual clock is where it was moved to, and runs on from there.
    #[test]
    fn virtual_clock_is_ahead_by_what_it_was_moved() {
        let clock = VirtualClock::default();
        let before = clock.now();
        clock.advance(Duration::from_secs(86_402));
        assert!(clock.now().since(before) >= Duration::from_secs(86_402));
        assert_eq!(clock.ahead(), Duration::from_secs(86_402));
    }

    /// Seconds before the epoch are rounded towards the past, as SQLite does.
    #[test]
    fn seconds_round_towards_the_past() {
        assert_eq!(UnixMicros(-1).secs(), -1);
        assert_eq!(UnixMicros(1_999_999).secs(), 1);
    }
}
