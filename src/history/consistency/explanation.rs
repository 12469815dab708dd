//! Why no order of events explains a history, as sentences.

use std::fmt;

/// Why a history is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Explanation {
    /// Accepted again while the key must still live.
    AcceptedTwice,
    /// A duplicate, and nothing that can have been accepted before.
    DuplicateOfNothing,
    /// A duplicate before the acceptance began, or after its life has ended.
    DuplicateOutsideLife,
    /// Accepted after a failure that was to be given again.
    FailureForgotten,
    /// Told that the key is under way, and nobody else was.
    InFlightAlone,
    /// A duplicate refers to an instant at which nothing was under way.
    ReferenceElsewhere,
    /// Duplicates refer to more instants than there can be acceptances.
    ReferencesDiffer,
    /// An acceptance was answered, and is not in the audit trail.
    AuditRowsMissing {
        /// How many rows there are.
        rows: u32,
    },
    /// The audit trail has more rows than there can be acceptances.
    AuditRowsTooMany {
        /// How many rows there are.
        rows: u32,
    },
    /// The key was refused every time, and the audit trail has rows of it.
    AuditRowsOfRefused {
        /// How many rows there are.
        rows: u32,
    },
    /// The key was refused every time, and is there.
    TraceOfRefused,
    /// A live key has no row, or several.
    KeyRows {
        /// How many rows there are.
        rows: u32,
    },
}

impl Explanation {
    /// Its name in codes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AcceptedTwice => "accepted-twice",
            Self::FailureForgotten => "failure-forgotten",
            Self::DuplicateOfNothing => "duplicate-of-nothing",
            Self::DuplicateOutsideLife => "duplicate-outside-life",
            Self::InFlightAlone => "in-flight-alone",
            Self::ReferenceElsewhere => "reference-elsewhere",
            Self::ReferencesDiffer => "references-differ",
            Self::AuditRowsMissing { .. } => "audit-rows-missing",
            Self::AuditRowsTooMany { .. } => "audit-rows-too-many",
            Self::AuditRowsOfRefused { .. } => "audit-rows-of-refused",
            Self::TraceOfRefused => "trace-of-refused",
            Self::KeyRows { .. } => "key-rows",
        }
    }

    /// Whether it is the database that speaks, and not the answers.
    #[must_use]
    pub fn is_of_rows(self) -> bool {
        match self {
            Self::AuditRowsMissing { .. }
            | Self::AuditRowsTooMany { .. }
            | Self::AuditRowsOfRefused { .. }
            | Self::TraceOfRefused
            | Self::KeyRows { .. } => true,
            Self::AcceptedTwice
            | Self::DuplicateOfNothing
            | Self::DuplicateOutsideLife
            | Self::FailureForgotten
            | Self::InFlightAlone
            | Self::ReferenceElsewhere
            | Self::ReferencesDiffer => false,
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AcceptedTwice => f.write_str("accepted as new again while the key must still live"),
            Self::DuplicateOfNothing => f.write_str("answered as a duplicate although nothing can have been accepted before"),
            Self::DuplicateOutsideLife => f.write_str("answered as a duplicate before the acceptance began, or after the key's life"),
            Self::FailureForgotten => f.write_str("accepted as new although its failure was to be given again"),
            Self::InFlightAlone => f.write_str("told that its key is in flight although no other delivery of it was under way"),
            Self::ReferenceElsewhere => f.write_str("a duplicate refers to an instant at which no delivery of the key was under way"),
            Self::ReferencesDiffer => f.write_str("duplicates refer to more instants than there can be acceptances"),
            Self::AuditRowsMissing { rows } => write!(f, "accepted, and the audit trail has {rows} rows of it"),
            Self::AuditRowsTooMany { rows } => write!(f, "the audit trail has {rows} rows, more than there can be acceptances"),
            Self::AuditRowsOfRefused { rows } => write!(f, "refused every time, and the audit trail has {rows} rows of it"),
            Self::TraceOfRefused => f.write_str("refused every time, and its key is there"),
            Self::KeyRows { rows } => write!(f, "its key lives, and {rows} key rows bear it"),
        }
    }
}
