//! What a report claims: values, as they were read.
//!
//! In: nothing. Out: a [`Reading`] with its [`Claim`]s, each with its line. Who fills it is [`reading`](super::reading).

use std::collections::BTreeMap;

/// Everything that a report says.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// What it says of itself: the line, and the value, by the label's name.
    pub facts: BTreeMap<String, (usize, String)>,
    /// What it claims, in the order of its lines.
    pub claims: Vec<Claim>,
    /// How many checks it says that it has made, with the line.
    pub counts: Vec<(usize, usize)>,
    /// What looks like a claim and cannot be read: the line, and its text.
    pub unread: Vec<(usize, String)>,
}

/// One claim.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// The line, from 1.
    pub line: usize,
    /// The heading that it stands under.
    pub section: String,
    /// What is claimed, in the report's words.
    pub text: String,
    /// Whether its mark says that it holds; none without a mark.
    pub kept: Option<bool>,
    /// What it is.
    pub kind: ClaimKind,
}

/// What is claimed.
#[derive(Clone, Debug, PartialEq)]
pub enum ClaimKind {
    /// An answer's status: the one that was seen, and the one that was expected.
    Answer {
        /// Seen.
        got: u16,
        /// Expected.
        want: Option<u16>,
    },
    /// A column of a table.
    Column(Column),
    /// Anything else.
    Statement,
}

/// A column, as a report declares or lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// Its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// Whether it belongs to the primary key.
    pub primary_key: bool,
    /// Whether it is said to be NOT NULL; a listing does not say.
    pub not_null: Option<bool>,
    /// Its default.
    pub default: Option<String>,
    /// Whether a diff adds it.
    pub is_new: bool,
    /// The line of the listing, for a column that a diff declares too; and what is not the same there.
    pub listed: Option<(usize, Option<String>)>,
}

impl std::fmt::Display for Column {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{} {}", self.table, self.name, self.kind)?;
        if self.primary_key {
            f.write_str(" (PK)")?;
        }
        if self.not_null == Some(true) {
            f.write_str(" NOT NULL")?;
        }
        if let Some(default) = &self.default {
            write!(f, " DEFAULT {default}")?;
        }
        if self.is_new { f.write_str(", new") } else { Ok(()) }
    }
}
