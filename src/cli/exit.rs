//! Exit codes: what a pipeline learns without reading a word. Never renumbered.

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: the receiver conforms; or the command did what it was asked.
    Conforms,
    /// 1: the receiver does not conform.
    DoesNotConform,
    /// 2: the command line, a scenario, a contract or a configuration file is
    /// wrong, or nothing was selected. No report is written.
    Usage,
    /// 3: the harness could not work: target unreachable, database unreadable.
    Harness,
    /// 4: nothing failed, but something is undecided.
    Undecided,
    /// 130: interrupted (128 + SIGINT, as shells have it).
    Interrupted,
    /// That of a command which the hidden guard stood by; nobody but hookgate reads it.
    Guarded(u8),
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Conforms => 0,
            Self::DoesNotConform => 1,
            Self::Usage => 2,
            Self::Harness => 3,
            Self::Undecided => 4,
            Self::Interrupted => 130,
            Self::Guarded(code) => code,
        }
    }
}

/// The codes and what they say, for manual pages and the guide.
pub const MEANINGS: [(u8, &str); 6] = [
    (0, "the receiver conforms; or the command did what it was asked"),
    (1, "the receiver does not conform; a comparison is worse, a claim is contradicted, a gate is broken"),
    (2, "the command line, a scenario, a contract or a configuration file is wrong, or nothing was selected; no report is written"),
    (3, "the harness could not work: target unreachable, database unreadable, disk full"),
    (4, "nothing failed, but something is undecided"),
    (130, "interrupted (Ctrl-C); what was judged until then is reported"),
];

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
