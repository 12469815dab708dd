//! Targets that hookgate starts itself: a command, its output, and its end.
//!
//! In: a [`Launch`]. Out: a [`Running`] process, what it wrote, whether it
//! still runs. Between hookgate and the command stands the [`guard`], a second
//! hookgate process that holds a pipe from the first: however hookgate ends,
//! by an error, by Ctrl-C or by `kill -9`, the pipe closes, and the guard takes
//! the command and all its children with it.
//!
//! **Invariant:** commands come from the command line; nothing here reads one
//! from a scenario or a contract.
//! **Invariant:** the secret travels in the environment, never in arguments.

pub mod faketime;
#[cfg(unix)]
pub mod guard;
pub mod limits;
pub mod machine;
pub mod shell;
pub mod usage;

use std::collections::VecDeque;
use std::io;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinHandle;

use crate::clock::{Clock as _, SystemClock, UnixMicros};

/// The hidden command that is the guard.
pub const GUARD_COMMAND: &str = "__guard";
/// Why nothing is started on other systems.
pub const NEEDS_UNIX: &str = "a receiver is started on Unix systems only, where it can be ended with all its children; start it yourself, and give its address with --target";
/// How long a target may take to stop after its stop signal.
pub const GRACE: Duration = Duration::from_secs(5);
/// So much longer the guard itself is waited for.
const GUARD_GRACE: Duration = Duration::from_secs(3);
/// So long the last words of a command that has ended are waited for.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// So many bytes of output are kept: the last ones.
const KEPT_BYTES: usize = 1 << 20;

/// What to start, and how.
#[derive(Clone, Debug)]
pub struct Launch {
    /// A command line for `sh`.
    pub command: String,
    /// The signal that stops it gently, `TERM` as a rule.
    pub stop_signal: String,
    /// Environment variables of the command that are no secret.
    pub settings: Vec<(String, String)>,
    /// The variables that the receiver checks signatures by, and what they hold: the shared secret and the one before it, or a public key.
    pub secrets: Vec<(String, SecretString)>,
    /// Variables of our own that it must not have: they hold private keys.
    pub withheld: Vec<String>,
}

/// What the command has written, on either stream.
#[derive(Debug, Default)]
pub struct Output(Mutex<Kept>);

/// The last of it, and when each piece of it came.
#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    /// How many bytes there were before those that are kept.
    before: usize,
    /// Where a piece begins, counted from the first byte of all, and when it came.
    pieces: VecDeque<(usize, UnixMicros)>,
}

impl Output {
    fn add(&self, bytes: &[u8]) {
        let now = SystemClock.now();
        let mut kept = self.kept();
        let begins = kept.before + kept.bytes.len();
        kept.pieces.push_back((begins, now));
        kept.bytes.extend_from_slice(bytes);
        let over = kept.bytes.len().saturating_sub(KEPT_BYTES);
        if over > 0 {
            // In large steps, so that a chatty target does not cost a copy a line.
            let cut = (over + KEPT_BYTES / 4).min(kept.bytes.len());
            kept.bytes.drain(..cut);
            kept.before += cut;
            let before = kept.before;
            while kept.pieces.get(1).is_some_and(|(at, _)| *at <= before) {
                kept.pieces.pop_front();
            }
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What came from one moment to another, up to the end of its last line.
    #[must_use]
    pub fn between(&self, from: UnixMicros, to: UnixMicros) -> String {
        let kept = self.kept();
        let all = kept.before + kept.bytes.len();
        let first = kept.pieces.iter().find(|(_, at)| *at >= from).map_or(all, |(begins, _)| *begins);
        let end = kept.pieces.iter().find(|(_, at)| *at > to).map_or(all, |(begins, _)| *begins);
        let place = |of: usize| of.saturating_sub(kept.before).min(kept.bytes.len());
        let (first, end) = (place(first), place(end.max(first)));
        let rest = kept.bytes.get(end..).unwrap_or_default();
        let is_whole = end == first || kept.bytes.get(..end).is_some_and(|bytes| bytes.ends_with(b"\n"));
        let more = if is_whole { 0 } else { rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()) };
        String::from_utf8_lossy(kept.bytes.get(first..end + more).unwrap_or_default()).into_owned()
    }

    /// All that was kept, bytes outside UTF-8 replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.kept().bytes).into_owned()
    }

    /// The last lines.
    #[must_use]
    pub fn tail(&self, lines: usize) -> Vec<String> {
        let text = self.text();
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].iter().map(|line| (*line).to_owned()).collect()
    }

    /// How often `text` stands in it.
    #[must_use]
    pub fn count(&self, text: &str) -> usize {
        if text.is_empty() { 0 } else { self.text().matches(text).count() }
    }
}

/// A command that was started.
#[derive(Debug)]
pub struct Running {
    guard: Child,
    orders: ChildStdin,
    /// What reads its two streams, until it has been heard out.
    readers: Vec<JoinHandle<()>>,
}

impl Running {
    /// Starts the command; what it writes is added to `output` as it comes.
    ///
    /// # Errors
    /// When no process can be started; elsewhere than on Unix always, for there is no guard that would end it.
    pub fn start(launch: &Launch, output: &Arc<Output>) -> io::Result<Self> {
        if !cfg!(unix) {
            return Err(io::Error::new(io::ErrorKind::Unsupported, NEEDS_UNIX));
        }
        // The program that runs, also when its file was replaced meanwhile.
        let mut guard = Command::new("/proc/self/exe");
        if !std::path::Path::new("/proc/self/exe").exists() {
            guard = Command::new(std::env::current_exe()?);
        }
        guard.arg(GUARD_COMMAND).args(["--stop-signal", &launch.stop_signal]);
        for (name, value) in &launch.settings {
            guard.args(["--set", &format!("{name}={value}")]);
        }
        guard.arg("--").arg(&launch.command);
        for name in &launch.withheld {
            guard.env_remove(name);
        }
        for (name, secret) in &launch.secrets {
            guard.env(name, secret.expose_secret());
        }
        // Ctrl-C goes to hookgate, which ends its run first.
        #[cfg(unix)]
        guard.process_group(0);
        guard.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut guard = guard.spawn()?;
        let missing = || io::Error::other("the guard has no pipes");
        let orders = guard.stdin.take().ok_or_else(missing)?;
        let (out, err) = (guard.stdout.take().ok_or_else(missing)?, guard.stderr.take().ok_or_else(missing)?);
        let readers = vec![tokio::spawn(read(out, Arc::clone(output))), tokio::spawn(read(err, Arc::clone(output)))];
        Ok(Self { guard, orders, readers })
    }

    /// The process whose children it is.
    #[must_use]
    pub fn guard_id(&self) -> Option<u32> {
        self.guard.id()
    }

    /// How it ended, when it has; what it wrote is all there then.
    pub async fn ended(&mut self) -> Option<String> {
        let how = match self.guard.try_wait() {
            Ok(Some(status)) => how_it_ended(status),
            Ok(None) => return None,
            Err(cause) => cause.to_string(),
        };
        self.hear_out().await;
        Some(how)
    }

    /// Reads what a command that has ended wrote last. A child of its own that has got away may keep a stream open for ever: nobody
    /// waits for that one.
    async fn hear_out(&mut self) {
        let readers = std::mem::take(&mut self.readers);
        let all = async {
            for reader in readers {
                drop(reader.await);
            }
        };
        drop(tokio::time::timeout(LAST_WORDS, all).await);
    }

    /// Ends it with all its children, and waits until they are gone.
    ///
    /// Gently is with the stop signal and [`GRACE`]; otherwise it is killed at once.
    pub async fn stop(mut self, gently: bool) {
        let order: &[u8] = if gently { b"stop\n" } else { b"kill\n" };
        // A guard that no longer reads has nothing left to stop.
        drop(self.orders.write_all(order).await);
        let patience = if gently { GRACE + GUARD_GRACE } else { GUARD_GRACE };
        if tokio::time::timeout(patience, self.guard.wait()).await.is_err() {
            drop(self.guard.start_kill());
        }
        self.hear_out().await;
    }
}

/// An end in words. The guard passes a signal on as shells do: 128 and its number.
fn how_it_ended(status: std::process::ExitStatus) -> String {
    match status.code() {
        Some(code @ 129..=192) => format!("killed by signal {}", code - 128),
        Some(code) => format!("exit code {code}"),
        None => status.to_string(),
    }
}

async fn read(mut stream: impl AsyncRead + Unpin, output: Arc<Output>) {
    let mut piece = vec![0; 8 << 10];
    while let Ok(bytes @ 1..) = stream.read(&mut piece).await {
        output.add(&piece[..bytes]);
    }
}

/// The zone that a target is started in, unless somebody names another: one whose time is never UTC's, nor a whole number of hours from it.
const ZONE: &str = "Pacific/Chatham";
/// The same, where zones have no names (POSIX).
const ZONE_WITHOUT_NAMES: &str = "<+1245>-12:45";

/// The time zone that a target is started in, as `TZ` takes it.
///
/// Where it is UTC, a receiver that stores local time cannot be told from a
/// right one. A command may set its own (`TZ=UTC exec …`).
///
/// * `named`: the one that somebody has asked for.
#[must_use]
pub fn time_zone(named: Option<&str>) -> String {
    // By its name where names are known, for some runtimes read no other form.
    let names_are_known = std::path::Path::new("/usr/share/zoneinfo").join(ZONE).exists();
    named.unwrap_or(if names_are_known { ZONE } else { ZONE_WITHOUT_NAMES }).to_owned()
}

/// A port of the loopback that was free a moment ago.
///
/// # Errors
/// When there is none.
pub fn free_port() -> io::Result<u16> {
    std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr().map(|address| address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of endless output the end is kept.
    #[test]
    fn output_keeps_its_end() {
        let output = Output::default();
        for at in 0..40_000 {
            output.add(format!("line {at} of a target that never stops talking\n").as_bytes());
        }
        assert!(output.text().len() <= KEPT_BYTES);
        assert_eq!(output.tail(1), ["line 39999 of a target that never stops talking"]);
        assert_eq!((output.count("line 39999 "), output.count("line 0 "), output.count("")), (1, 0, 0));
    }
}
