//! Clocks of a receiver, as a test author names them.

use std::time::Duration;

use super::error::Error;
use crate::session::clocks::{ClockChoice, Mover};
use crate::transport::Target;

/// How time passes for the receiver that is judged.
#[derive(Clone, Debug)]
pub struct Clock(Choice);

#[derive(Clone, Debug)]
enum Choice {
    Plain(ClockChoice),
    Control(String),
}

impl Clock {
    /// Time is not moved: whether keys expire is not judged.
    #[must_use]
    pub fn none() -> Self {
        Self(Choice::Plain(ClockChoice::None))
    }

    /// Time is really waited for, at most so long in one scenario.
    #[must_use]
    pub fn wait(most: Duration) -> Self {
        Self(Choice::Plain(ClockChoice::Wait(most)))
    }

    /// The times of the keys that a scenario itself has made are moved back where the receiver keeps them
    /// ([`Judge::db`](crate::Judge::db)): the only thing that is ever written there.
    #[must_use]
    pub fn rewind() -> Self {
        Self(Choice::Plain(ClockChoice::Rewind))
    }

    /// The receiver has a clock of its own, which this function moves forward; it has moved when the function returns.
    ///
    /// ```
    /// # use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
    /// let ahead = Arc::new(AtomicU64::new(0)); // the receiver adds it to the system's time
    /// let clock = hookgate::Clock::moved_by(move |by| {
    ///     ahead.fetch_add(by.as_secs(), Ordering::SeqCst);
    /// });
    /// ```
    pub fn moved_by(moves: impl Fn(Duration) + Send + Sync + 'static) -> Self {
        Self(Choice::Plain(ClockChoice::Moved(Mover::new(moves))))
    }

    /// The receiver is `hookgate serve --clock virtual`, which has printed this control address.
    #[must_use]
    pub fn control(url: impl Into<String>) -> Self {
        Self(Choice::Control(url.into()))
    }

    pub(super) fn choice(&self) -> Result<ClockChoice, Error> {
        match &self.0 {
            Choice::Plain(choice) => Ok(choice.clone()),
            Choice::Control(url) => Target::parse(url).map(|at| ClockChoice::Virtual(Some(at))).map_err(Error::asked),
        }
    }
}
