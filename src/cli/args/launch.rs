//! Arguments of receivers that hookgate starts itself.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::duration;

/// A receiver that hookgate starts itself.
#[derive(Args, Clone)]
pub(crate) struct LaunchArgs {
    /// Start the receiver with this command line for `sh`, and stop it afterwards; `{port}` (also `$PORT`) is a free port, `{dir}` a new folder.
    #[arg(long, value_name = "CMD")]
    pub(crate) exec: Option<String>,
    /// It is ready when this address or path answers 2xx; with --exec also when it writes this text, and without --ready when it
    /// answers its health check.
    #[arg(long, value_name = "URL|PATH|TEXT")]
    pub(crate) ready: Option<String>,
    /// How long that may take.
    #[arg(long, value_name = "DURATION", default_value = "30 s", value_parser = duration)]
    pub(crate) ready_within: Duration,
    /// With --exec: the signal that stops it gently; what is left after five seconds is killed.
    #[arg(long, value_name = "SIGNAL", default_value = "TERM", value_parser = signal_name)]
    pub(crate) stop_signal: String,
    /// With --exec: its time zone (`TZ`); without it one that is not UTC, so that local time cannot pass for it.
    #[arg(long, value_name = "ZONE", requires = "exec")]
    pub(crate) tz: Option<String>,
    /// With --clock faketime: the library, when it is not where distributions put it.
    #[arg(long, value_name = "PATH", env = "HOOKGATE_FAKETIME_LIB")]
    pub(crate) faketime_lib: Option<PathBuf>,
}

impl LaunchArgs {
    /// The same where all of it has so long: nobody is waited for beyond that.
    pub(crate) fn within(&self, limit: Duration) -> Self {
        Self { ready_within: self.ready_within.min(limit), ..self.clone() }
    }
}

#[cfg(unix)]
fn signal_name(text: &str) -> Result<String, String> {
    crate::target::guard::signal(text).map(|_| text.to_owned())
}

/// Nothing is started where there is no guard, and so nothing stopped.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "clap's readers may fail")]
fn signal_name(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

/// See `target::guard`; no user types this.
#[cfg(unix)]
#[derive(Args)]
pub(crate) struct GuardArgs {
    #[arg(long, value_parser = crate::target::guard::signal)]
    pub(crate) stop_signal: rustix::process::Signal,
    #[arg(long, value_parser = setting)]
    pub(crate) set: Vec<(String, String)>,
    pub(crate) command: String,
}

#[cfg(unix)]
fn setting(text: &str) -> Result<(String, String), String> {
    text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or_else(|| "NAME=VALUE".to_owned())
}

/// One of several equal parts of a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    /// Which, from 1.
    pub(crate) number: usize,
    /// Of how many.
    pub(crate) of: usize,
}

impl Shard {
    fn read_parts(text: &str) -> Option<Self> {
        let (number, of) = text.split_once('/')?;
        let shard = Self { number: number.trim().parse().ok()?, of: of.trim().parse().ok()? };
        (1..=shard.of).contains(&shard.number).then_some(shard)
    }

    pub(crate) fn read(text: &str) -> Result<Self, String> {
        Self::read_parts(text).ok_or_else(|| format!("`{text}` is no part of anything: write 2/3 for the second of three"))
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}
