//! Errors of a judgement: why there is none. What was learned about a receiver is never one.

use super::folder::FolderError;
use super::options::Wrong;
use crate::session::error::SessionError;
use crate::suites::SuiteError;

/// Why nothing was judged: one sentence with the thing, the place and the way out.
///
/// A receiver that does not conform is no error but a [`Verdict`](crate::Verdict).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The contract, a scenario or a baseline is not there, or something in it is wrong: the text has a caret under each place.
    #[error("{0}")]
    Contract(String),
    /// Something else that was asked for cannot be meant: an address, a header, a selection.
    #[error("{0}")]
    Asked(String),
    /// The secret cannot be used under the contract.
    #[error("{0}")]
    Secret(String),
    /// The receiver does not answer, or is not well.
    #[error("{0}")]
    Unreachable(String),
    /// Evidence cannot be read.
    #[error("{0}")]
    Evidence(String),
    /// The report could not be written.
    #[error("{0}")]
    Report(String),
    /// This machine does not give what judging needs.
    #[error("{0}")]
    Machine(String),
}

impl Error {
    /// From what a session says; `hide` takes secrets out of its sentence.
    pub(super) fn of_session(failed: &SessionError, hide: impl Fn(&str) -> String) -> Self {
        let sentence = hide(&failed.to_string());
        match failed {
            SessionError::Unreachable { .. }
            | SessionError::Silent { .. }
            | SessionError::GivenUp { .. }
            | SessionError::NotWell { .. }
            | SessionError::Launch(_) => Self::Unreachable(sentence),
            SessionError::Database(_) => Self::Evidence(sentence),
            SessionError::Clock(_) => Self::Asked(sentence),
            SessionError::Secret(_) => Self::Secret(sentence),
            SessionError::Interrupted | SessionError::BuiltIn(_) => Self::Machine(sentence),
        }
    }

    pub(super) fn asked(wrong: impl std::fmt::Display) -> Self {
        Self::Asked(wrong.to_string())
    }

    pub(super) fn machine(cause: impl std::fmt::Display) -> Self {
        Self::Machine(cause.to_string())
    }
}

impl From<SuiteError> for Error {
    fn from(wrong: SuiteError) -> Self {
        Self::Contract(wrong.to_string())
    }
}

impl From<Wrong> for Error {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Suite(wrong) => Self::from(wrong),
            Wrong::NoTables { .. } => Self::Evidence(wrong.to_string()),
            Wrong::Secret(sentence) => Self::Secret(sentence),
            Wrong::RewindWithoutDatabase
            | Wrong::FaketimeWithoutStart
            | Wrong::Rate(_)
            | Wrong::Said(_)
            | Wrong::Elsewhere { .. }
            | Wrong::NoRoom { .. }
            | Wrong::NothingRequired { .. }
            | Wrong::NothingSelected { .. } => Self::asked(wrong),
        }
    }
}

impl From<FolderError> for Error {
    fn from(failed: FolderError) -> Self {
        Self::Report(failed.to_string())
    }
}
