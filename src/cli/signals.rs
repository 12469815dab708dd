//! Signals that end a command: Ctrl-C, `kill`, a terminal that goes away, `quit`.
//!
//! Heard from the command's first moment, long before anything is started: what
//! comes while files are read is not lost, and ends the command as soon as it
//! would begin. Whoever was started by `nohup` goes on when the terminal goes.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::runtime::Runtime;
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, watch};

use super::Failure;

/// What was noted of this process.
static NOTED: Noted = Noted::none();

/// Notes that somebody wants the command to end: for a handler that has to stand before [`Ends::listen`] does.
pub(crate) fn note() {
    NOTED.note();
}

/// Whether somebody wants the command to end, as told by a handler of another's, before the command listens or later: a signal may come
/// before it listens, and the handler's thread get to say so only afterwards.
struct Noted {
    is_wanted: AtomicBool,
    later: Notify,
}

impl Noted {
    const fn none() -> Self {
        Self { is_wanted: AtomicBool::new(false), later: Notify::const_new() }
    }

    fn note(&self) {
        self.is_wanted.store(true, Ordering::SeqCst);
        self.later.notify_one();
    }
}

/// The runtime of a command, and whether somebody wants it to end.
pub(crate) struct Ends {
    pub(crate) runtime: Runtime,
    /// Turns true when somebody does, and stays so.
    pub(crate) wanted: watch::Receiver<bool>,
}

impl Ends {
    /// Begins to listen.
    pub(crate) fn listen() -> Result<Self, Failure> {
        Ok(Self::begin(false, &NOTED)?.0)
    }

    /// Begins to listen on behalf of a command whose only product is what it prints: it ends, too, when nobody reads that any more.
    ///
    /// The second part turns true when that is why: then there is nobody to tell, either.
    pub(crate) fn listen_while_read() -> Result<(Self, watch::Receiver<bool>), Failure> {
        Self::begin(true, &NOTED)
    }

    fn begin(is_for_a_reader: bool, noted: &'static Noted) -> Result<(Self, watch::Receiver<bool>), Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::harness)?;
        let (want, wanted) = watch::channel(false);
        let inside = runtime.enter();
        let heard = heard().map_err(|cause| Failure::harness(format!("cannot listen to signals: {cause}")))?;
        drop(inside);
        want.send_replace(noted.is_wanted.load(Ordering::SeqCst));
        let (close, unread) = watch::channel(false);
        runtime.spawn(async move {
            tokio::select! {
                () = heard => {}
                () = noted.later.notified() => {}
                () = no_reader(), if is_for_a_reader => drop(close.send_replace(true)),
            }
            // The sender stays here, so that the flag is there for as long as anybody looks.
            want.send_replace(true);
            std::future::pending::<()>().await;
        });
        Ok((Self { runtime, wanted }, unread))
    }
}

/// Ready when one of the signals has come; they are listened to from now on.
#[cfg(unix)]
fn heard() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    // A limit of a file's size (`ulimit -f`) is then told by the write that meets it, as a full disk is, and does not end the process.
    drop(signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?);
    let mut signals: Vec<Signal> = Vec::new();
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::quit(), SignalKind::hangup()] {
        if kind == SignalKind::hangup() && is_ignored(kind.as_raw_value()) {
            continue;
        }
        signals.push(signal(kind)?);
    }
    Ok(std::future::poll_fn(move |context| {
        let heard = signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
        if heard { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    }))
}

/// Ready when the reader of standard output has gone; never where standard output is no pipe, or the system does not tell.
#[cfg(unix)]
async fn no_reader() {
    let (tell, told) = tokio::sync::oneshot::channel();
    // A thread of its own, which nobody waits for: it is asleep until there is something to tell, or this process ends.
    std::thread::spawn(move || {
        if is_closed(io::stdout()) {
            // Where nobody waits any more, the command has ended by itself.
            tell.send(()).unwrap_or_default();
        }
    });
    if told.await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Waits until the other end of a pipe is closed; `false` where that cannot be seen. Nothing is written.
#[cfg(unix)]
fn is_closed(output: impl std::os::fd::AsFd) -> bool {
    use rustix::event::{PollFd, PollFlags, poll};
    // Errors and ends are told whatever one asks for.
    let mut watched = [PollFd::new(&output, PollFlags::empty())];
    loop {
        match poll(&mut watched, None) {
            Ok(_) => return watched.iter().any(|one| one.revents().intersects(PollFlags::ERR | PollFlags::HUP)),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

/// Nobody tells.
#[cfg(windows)]
async fn no_reader() {
    std::future::pending::<()>().await;
}

/// Ready when one of the events of a console has come; they are listened to from now on.
#[cfg(windows)]
fn heard() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
    let (mut interrupt, mut stop, mut close, mut shutdown) = (ctrl_c()?, ctrl_break()?, ctrl_close()?, ctrl_shutdown()?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = stop.recv() => {}
            _ = close.recv() => {}
            _ = shutdown.recv() => {}
        }
    })
}

/// Whether this process was started with a signal ignored, where the system tells.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was noted before anybody listened is not lost, nor is what is noted afterwards.
    #[test]
    fn what_is_noted_is_heard_whenever_it_comes() {
        static EARLY: Noted = Noted::none();
        static NEVER: Noted = Noted::none();
        static LATER: Noted = Noted::none();
        EARLY.note();
        let wanted = |noted: &'static Noted| Ends::begin(false, noted).map(|(ends, _)| *ends.wanted.borrow());
        assert_eq!([wanted(&EARLY).ok(), wanted(&NEVER).ok()], [Some(true), Some(false)]);
        let Ok((mut ends, _)) = Ends::begin(false, &LATER) else { return assert!(wanted(&LATER).is_ok()) };
        LATER.note();
        assert_eq!(ends.runtime.block_on(ends.wanted.wait_for(|wanted| *wanted)).map(|wanted| *wanted).ok(), Some(true));
    }
}
