//! The guard: a process between hookgate and the command that it started.
//!
//! It takes orders on standard input: `stop` (the stop signal, then patience),
//! `kill`, or the end of the pipe, which means that hookgate is gone. It ends
//! when the command has ended, and leaves nothing of it behind: the command
//! has a process group of its own, and on Linux whoever leaves that group and
//! is orphaned becomes the guard's child, and ends with it.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, kill_process_group, test_kill_process_group, wait};

use super::GRACE;
use crate::clock::Moment;

/// What a guard says when its command cannot be started, as shells do.
const CANNOT_START: u8 = 126;
/// So many rounds of killing orphans, a moment apart.
const ROUNDS: usize = 200;
/// The moment between them.
const ROUND: Duration = Duration::from_millis(5);

/// The signals that may stop a target.
const SIGNALS: [(&str, Signal); 7] = [
    ("TERM", Signal::TERM),
    ("INT", Signal::INT),
    ("HUP", Signal::HUP),
    ("QUIT", Signal::QUIT),
    ("USR1", Signal::USR1),
    ("USR2", Signal::USR2),
    ("KILL", Signal::KILL),
];

/// The signal called `name`, with or without `SIG`.
///
/// # Errors
/// A sentence with those that there are.
pub fn signal(name: &str) -> Result<Signal, String> {
    let upper = name.to_ascii_uppercase();
    let plain = upper.strip_prefix("SIG").unwrap_or(&upper);
    SIGNALS.iter().find(|(known, _)| *known == plain).map(|(_, signal)| *signal).ok_or_else(|| {
        let known: Vec<&str> = SIGNALS.iter().map(|(known, _)| *known).collect();
        format!("unknown signal `{name}`; there are {}", known.join(", "))
    })
}

enum Heard {
    Stop,
    Kill,
    Ended(Option<ExitStatus>),
}

/// Starts `command` and stands by it until its end; gives the exit code.
#[must_use]
pub fn guard(command: &str, stop: Signal, settings: &[(String, String)]) -> u8 {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).ok();
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(command).envs(settings.iter().cloned()).stdin(Stdio::null()).process_group(0);
    let Ok(mut child) = shell.spawn() else { return CANNOT_START };
    let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return CANNOT_START };
    let (say, hear) = channel();
    let told = say.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(std::io::stdin()).lines() {
            match line.as_deref() {
                Ok("stop") => drop(told.send(Heard::Stop)),
                Ok(_) | Err(_) => break,
            }
        }
        // Sent by a guard whose pipe has closed, or that was told to kill.
        drop(told.send(Heard::Kill));
    });
    std::thread::spawn(move || drop(say.send(Heard::Ended(child.wait().ok()))));
    let ended = until_the_end(&hear, group, stop);
    if let Ending::Gentle(since, _) = ended {
        // The shell may have died of the signal at once; whoever it has started has its five seconds all the same.
        give_the_rest_time(&hear, group, since);
    }
    end_all(group);
    let status = match ended {
        Ending::Gentle(_, status) | Ending::ByItself(status) => status,
        Ending::Killed => None,
    };
    status
        .and_then(|status| status.code().or_else(|| status.signal().map(|signal| 128 + signal)))
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(137)
}

/// How the command ended.
enum Ending {
    /// After the stop signal, which it got then.
    Gentle(Moment, Option<ExitStatus>),
    /// Without being told.
    ByItself(Option<ExitStatus>),
    /// It is to be killed now.
    Killed,
}

/// Waits for the command's end, and passes the stop signal on.
fn until_the_end(hear: &Receiver<Heard>, group: Pid, stop: Signal) -> Ending {
    let mut stopped: Option<Moment> = None;
    loop {
        let heard = match stopped {
            None => hear.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(since) => hear.recv_timeout(GRACE.saturating_sub(since.elapsed())),
        };
        match heard {
            Ok(Heard::Stop) => {
                kill_process_group(group, stop).ok();
                stopped = Some(Moment::now());
            }
            Ok(Heard::Ended(status)) => return stopped.map_or(Ending::ByItself(status), |since| Ending::Gentle(since, status)),
            Ok(Heard::Kill) | Err(_) => return Ending::Killed,
        }
    }
}

/// Waits until nobody of the group is left, but no longer than the stop signal gives, and not when all is to be killed.
fn give_the_rest_time(hear: &Receiver<Heard>, group: Pid, since: Moment) {
    loop {
        // Orphans of the group are ours, and stay in it until they are waited for.
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
        let left = GRACE.saturating_sub(since.elapsed());
        if left.is_zero() || test_kill_process_group(group).is_err() {
            return;
        }
        if let Ok(Heard::Kill) = hear.recv_timeout(ROUND.min(left)) {
            return;
        }
    }
}

/// Kills what is left of the group, and every orphan of it.
#[expect(clippy::disallowed_methods, reason = "the guard has no tasks: it is one process that waits for others to die")]
fn end_all(group: Pid) {
    for _ in 0..ROUNDS {
        let group_is_gone = kill_process_group(group, Signal::KILL).is_err();
        let orphans = children();
        for orphan in &orphans {
            kill_process(*orphan, Signal::KILL).ok();
        }
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
        if group_is_gone && orphans.is_empty() {
            return;
        }
        std::thread::sleep(ROUND);
    }
}

/// The processes whose parent is this one, where the system tells.
fn children() -> Vec<Pid> {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok().and_then(Pid::from_raw)).collect::<Vec<_>>()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signals have the names that `kill` gives them.
    #[test]
    fn signals_are_named_as_kill_names_them() {
        assert_eq!(signal("SIGINT"), Ok(Signal::INT));
        assert_eq!(signal("term"), Ok(Signal::TERM));
        assert_eq!(signal("STOPP"), Err("unknown signal `STOPP`; there are TERM, INT, HUP, QUIT, USR1, USR2, KILL".to_owned()));
    }
}
