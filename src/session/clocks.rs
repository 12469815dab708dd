//! How time passes for a target: at once, in its rows, really, or not at all.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::clock::{Clock, SystemClock, UnixMicros, VirtualClock, span};
use crate::evidence::Source;
use crate::target::faketime;
use crate::transport;

/// The clock that a user asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClockChoice {
    /// The reference's own clock, moved through its control address (none for the built-in one).
    Virtual(Option<transport::Target>),
    /// The scenario's own key rows are moved back in the target's database.
    Rewind,
    /// libfaketime under a target that hookgate starts.
    Faketime,
    /// The receiver is in this process, and a function moves its clock.
    Moved(Mover),
    /// Time is really waited for, at most so long in one scenario.
    Wait(Duration),
    /// Time cannot be moved.
    None,
}

/// A function that moves the clock of a receiver in this process.
#[derive(Clone)]
pub struct Mover(Arc<dyn Fn(Duration) + Send + Sync>);

impl Mover {
    /// Moves by a function, which has moved the clock when it returns.
    pub fn new(moves: impl Fn(Duration) + Send + Sync + 'static) -> Self {
        Self(Arc::new(moves))
    }
}

impl std::fmt::Debug for Mover {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mover(fn)")
    }
}

impl PartialEq for Mover {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Mover {}

/// A clock that is at work.
pub enum TargetClock {
    /// The built-in reference's clock.
    Own(Arc<VirtualClock>),
    /// The clock of a reference that is served elsewhere.
    Control {
        /// Its control address.
        at: transport::Target,
        /// How far it has been moved, in microseconds.
        ahead: AtomicI64,
        /// How long to wait for its answer.
        timeout: Duration,
    },
    /// A function moves it.
    Moved {
        /// The function.
        by: Mover,
        /// How far it has been moved, in microseconds.
        ahead: AtomicI64,
    },
    /// Rows are moved.
    Rewind {
        /// Where keys are kept.
        source: Arc<dyn Source>,
    },
    /// The time that a target reads is moved through a file.
    Faketime {
        /// The file.
        file: PathBuf,
        /// How far it has been moved, in microseconds.
        ahead: AtomicI64,
    },
    /// Time is waited for, at most so long.
    Wait(Duration),
    /// Time cannot be moved.
    None,
}

impl TargetClock {
    /// Its name in reports.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Own(_) | Self::Control { .. } | Self::Moved { .. } => "virtual",
            Self::Rewind { .. } => "rewind",
            Self::Faketime { .. } => "faketime",
            Self::Wait(_) => "wait",
            Self::None => "none",
        }
    }

    /// What time it is for the target.
    #[must_use]
    pub fn now(&self) -> UnixMicros {
        match self {
            Self::Own(clock) => clock.now(),
            Self::Control { ahead, .. } | Self::Moved { ahead, .. } | Self::Faketime { ahead, .. } => {
                UnixMicros(SystemClock.now().0.saturating_add(ahead.load(Ordering::SeqCst)))
            }
            Self::Rewind { .. } | Self::Wait(_) | Self::None => SystemClock.now(),
        }
    }

    /// Whether moving it moves time for every scenario at once.
    #[must_use]
    pub fn moves_everyone(&self) -> bool {
        match self {
            Self::Own(_) | Self::Control { .. } | Self::Moved { .. } | Self::Faketime { .. } => true,
            Self::Rewind { .. } | Self::Wait(_) | Self::None => false,
        }
    }

    /// Whether it is the reference's own: whatever the reference puts off is done by this clock.
    #[must_use]
    pub fn is_of_the_reference(&self) -> bool {
        match self {
            Self::Own(_) | Self::Control { .. } => true,
            Self::Moved { .. } | Self::Faketime { .. } | Self::Rewind { .. } | Self::Wait(_) | Self::None => false,
        }
    }

    /// Whether moving it holds the target's database locked for a moment: a receiver that does not wait for locks would fail then.
    #[must_use]
    pub fn locks_the_database(&self) -> bool {
        match self {
            Self::Rewind { .. } => true,
            Self::Own(_) | Self::Control { .. } | Self::Moved { .. } | Self::Faketime { .. } | Self::Wait(_) | Self::None => false,
        }
    }

    /// Whether it moves rows and nobody's clock: what the receiver has in memory does not grow older.
    #[must_use]
    pub fn moves_rows(&self) -> bool {
        self.locks_the_database()
    }

    /// Sees that it can move time at all.
    ///
    /// # Errors
    /// One sentence: what stands in its way.
    pub async fn check_movable(&self) -> Result<(), String> {
        match self {
            Self::Rewind { source } => source.check_writable().await.map_err(|failed| failed.to_string()),
            Self::Own(_) | Self::Control { .. } | Self::Moved { .. } | Self::Faketime { .. } | Self::Wait(_) | Self::None => Ok(()),
        }
    }

    /// Lets `by` pass for the given keys (or for all, where time is one).
    ///
    /// Returns how many rows were moved for it; `None` where no rows are.
    ///
    /// # Errors
    /// One sentence: what could not be done.
    pub async fn advance(&self, by: Duration, keys: &[String]) -> Result<Option<usize>, String> {
        match self {
            Self::Own(clock) => {
                clock.advance(by);
                Ok(None)
            }
            Self::Control { at, ahead, timeout } => {
                transport::control::move_clock(at, by, *timeout)
                    .await
                    .map_err(|none| format!("the clock's control address did not move it: {none}"))?;
                ahead.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::SeqCst);
                Ok(None)
            }
            Self::Moved { by: mover, ahead } => {
                (mover.0)(by);
                ahead.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::SeqCst);
                Ok(None)
            }
            Self::Rewind { source } => source.rewind(keys, by).await.map(Some).map_err(|failed| failed.to_string()),
            Self::Faketime { file, ahead } => {
                let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
                let all = ahead.load(Ordering::SeqCst).saturating_add(micros);
                let offset = Duration::from_micros(u64::try_from(all).unwrap_or(0));
                faketime::set(file, offset).map_err(|cause| format!("{} cannot be written: {cause}", file.display()))?;
                ahead.store(all, Ordering::SeqCst);
                Ok(None)
            }
            Self::Wait(_) => {
                tokio::time::sleep(by).await;
                Ok(None)
            }
            Self::None => Err("time cannot be moved here".to_owned()),
        }
    }
}

/// Why a scenario that lets `total` pass cannot be played with a clock that really waits.
#[must_use]
pub fn too_long(clock: &TargetClock, total: Duration) -> Option<String> {
    match clock {
        TargetClock::Wait(most) if total > *most => {
            Some(format!("it waits {}, longer than --max-wait {}", span::write(total), span::write(*most)))
        }
        TargetClock::Own(_)
        | TargetClock::Control { .. }
        | TargetClock::Moved { .. }
        | TargetClock::Rewind { .. }
        | TargetClock::Faketime { .. }
        | TargetClock::Wait(_)
        | TargetClock::None => None,
    }
}
