//! Errors of a session: why there is none, each with the way out.

use crate::evidence::EvidenceError;
use crate::sign::BadSecret;

/// Why nothing can be judged.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The target does not answer.
    #[error("the target {url} does not answer its health check {path}: {cause}{}", way_out(cause))]
    Unreachable {
        /// Its address.
        url: String,
        /// The path that was asked.
        path: String,
        /// What was seen.
        cause: String,
    },
    /// The target, which has no health page, does not answer.
    #[error("the target {url} does not answer an honest delivery to {path}: {cause}; start it, or give another --target")]
    Silent {
        /// Its address.
        url: String,
        /// The path that was delivered to.
        path: String,
        /// What was seen.
        cause: String,
    },
    /// The target was not waited for as long as the contract lets it take.
    #[error("the target {url} has not answered yet at {path}: {cause}, and the contract allows {allowed}; wait longer with --timeout")]
    GivenUp {
        /// Its address.
        url: String,
        /// The path that was asked.
        path: String,
        /// What was seen.
        cause: String,
        /// How long an answer may take.
        allowed: String,
    },
    /// The target answers, but is not well.
    #[error("the target {url} answers its health check {path} with status {status}, where the contract has {wanted}")]
    NotWell {
        /// Its address.
        url: String,
        /// The path that was asked.
        path: String,
        /// What it answered.
        status: u16,
        /// What it should answer.
        wanted: u16,
    },
    /// The database cannot be read.
    #[error(transparent)]
    Database(#[from] EvidenceError),
    /// A clock was asked for that cannot work here.
    #[error("{0}")]
    Clock(&'static str),
    /// The secret cannot be used.
    #[error(transparent)]
    Secret(#[from] BadSecret),
    /// The user wants to stop.
    #[error("interrupted before anything was judged")]
    Interrupted,
    /// The target could not be started.
    #[error("{0}")]
    Launch(String),
    /// The built-in reference could not be served.
    #[error("the built-in reference could not be served: {0}")]
    BuiltIn(String),
}

/// What to do; a cause that names its own way out (a certificate, a port that speaks TLS) is that of a target that is there.
fn way_out(cause: &str) -> &'static str {
    if cause.contains("; ") { "" } else { "; start it, or give another --target" }
}
