//! Why evidence cannot be read, one sentence each: the source, what is wrong, and the way out.

use std::time::Duration;

use crate::clock::span;
use crate::evidence::place::BadPlace;
use crate::evidence::sqlite::ProbeError;
use crate::evidence::sqlite::rewind::RewindError;

/// Why evidence cannot be read; no sentence has a password in it.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The place cannot be meant.
    #[error(transparent)]
    Place(#[from] BadPlace),
    /// The contract says nothing of tables.
    #[error("--db was given, but the contract `{contract}` does not say which tables to read (member `state`)")]
    NoTables {
        /// The contract.
        contract: String,
    },
    /// A SQLite database cannot be read.
    #[error(transparent)]
    Sqlite(#[from] ProbeError),
    /// Times in a SQLite database cannot be moved.
    #[error(transparent)]
    Rewind(#[from] RewindError),
    /// Nobody listens there.
    #[error("cannot reach {name}: {cause}; start it, or give another address with --db")]
    Unreachable {
        /// The source.
        name: String,
        /// What the system said.
        cause: String,
    },
    /// It speaks TLS, and nobody has said how.
    #[error("{name} is spoken to by TLS, and no settings of TLS were given")]
    NoTls {
        /// The source.
        name: String,
    },
    /// Nobody listens where the effects page should be.
    #[error("cannot reach the effects page {url}: {cause}; name the page that counts effects under `effects.path`")]
    PageUnreachable {
        /// Its address.
        url: String,
        /// What the system said.
        cause: String,
    },
    /// It does not let the user in.
    #[error(
        "{name} does not let {user} in: {cause}; the password is read from the environment variable {variable}, or from the one that --db-password-env names"
    )]
    NotLetIn {
        /// The source.
        name: String,
        /// Who wants in.
        user: String,
        /// What the server said.
        cause: String,
        /// Where the password is read.
        variable: &'static str,
    },
    /// There is no such database.
    #[error("{name} has no such database: {cause}; name one that is there with --db")]
    NoDatabase {
        /// The source.
        name: String,
        /// What the server said.
        cause: String,
    },
    /// A table of the contract is missing.
    #[error("{name} has no table `{table}`, which the contract names; it has {there}")]
    NoTable {
        /// The source.
        name: String,
        /// The table.
        table: String,
        /// The tables that are there, for people.
        there: String,
    },
    /// A column that rows are found by is missing.
    #[error("the table `{table}` of {name} has no column {missing}, which the contract names; it has {there}")]
    NoColumn {
        /// The source.
        name: String,
        /// The table.
        table: String,
        /// The columns that are missing.
        missing: String,
        /// The columns that are there.
        there: String,
    },
    /// The user may not read it.
    #[error("{name} denies it: {cause}; grant its user the right to {right}")]
    Denied {
        /// The source.
        name: String,
        /// What the server said.
        cause: String,
        /// What the user lacks: `read`, `write`.
        right: &'static str,
    },
    /// Somebody else held it too long.
    #[error("{name} was busy for {}: {cause}", span::write(*after))]
    Busy {
        /// The source.
        name: String,
        /// How long was waited.
        after: Duration,
        /// What the server said.
        cause: String,
    },
    /// It did not answer in time.
    #[error("{name} did not answer within {}", span::write(*after))]
    Silent {
        /// The source.
        name: String,
        /// How long was waited.
        after: Duration,
    },
    /// It went away in the middle.
    #[error("{name} went away while it was read: {cause}")]
    Gone {
        /// The source.
        name: String,
        /// What the system said.
        cause: String,
    },
    /// What came is not what the contract says.
    #[error("{name} {what}; {way_out}")]
    NotAsNamed {
        /// The source.
        name: String,
        /// What it gave, as the rest of a sentence.
        what: String,
        /// The way out.
        way_out: String,
    },
    /// A row's instant cannot be read, so it cannot be moved.
    #[error("cannot move the time of key {key:?} in {name}: {found} is not a time that is known here")]
    NotATime {
        /// The source.
        name: String,
        /// The key.
        key: String,
        /// What stands there.
        found: String,
    },
    /// Lives cannot be moved there.
    #[error(
        "{name} keeps no life that could be moved: --clock rewind needs a table of keys with a column for {{key}} and one for {{ts}}, or keys that expire in Redis"
    )]
    NothingToMove {
        /// The source.
        name: String,
    },
    /// It cannot show what was asked for.
    #[error("{name} cannot show {what}")]
    CannotShow {
        /// The source.
        name: String,
        /// What was asked for.
        what: &'static str,
    },
    /// Anything else.
    #[error("cannot read {name}: {cause}")]
    CannotRead {
        /// The source.
        name: String,
        /// What it said.
        cause: String,
    },
}

impl EvidenceError {
    /// Whether it may come to be there: a database, or a table, that is made with the first delivery.
    #[must_use]
    pub fn is_not_there_yet(&self) -> bool {
        match self {
            Self::Sqlite(wrong) => matches!(wrong, ProbeError::Absent { .. } | ProbeError::NoTable { .. }),
            Self::NoDatabase { .. } | Self::NoTable { .. } => true,
            Self::Place(_)
            | Self::NoTables { .. }
            | Self::Rewind(_)
            | Self::Unreachable { .. }
            | Self::PageUnreachable { .. }
            | Self::NoTls { .. }
            | Self::NotLetIn { .. }
            | Self::NoColumn { .. }
            | Self::Denied { .. }
            | Self::Busy { .. }
            | Self::Silent { .. }
            | Self::Gone { .. }
            | Self::NotAsNamed { .. }
            | Self::NotATime { .. }
            | Self::NothingToMove { .. }
            | Self::CannotShow { .. }
            | Self::CannotRead { .. } => false,
        }
    }
}
