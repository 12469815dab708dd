//! Exit codes: what a pipeline learns without reading a word. Never renumbered.

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// 0: the receiver conforms; or the command did what it was asked.
    Conforms = 0,
    /// 1: the receiver does not conform.
    DoesNotConform = 1,
    /// 2: the command line, a scenario, a contract or a configuration file is
    /// wrong, or nothing was selected. No report is written.
    Usage = 2,
    /// 3: the harness could not work: target unreachable, database unreadable.
    Harness = 3,
    /// 4: nothing failed, but something is undecided.
    Undecided = 4,
    /// 130: interrupted (128 + SIGINT, as shells have it).
    Interrupted = 130,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
