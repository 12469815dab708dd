//! What a receiver remembers: key rows, audit rows, and the shape of its tables.
//!
//! [`ReceiverState`] is made twice, by the reference from memory and by the
//! probe from a database, so that *what should be remembered* and *what is
//! remembered* are compared as two values of one type. Plain values; which
//! column means what is the contract's business.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::clock::UnixMicros;

/// One value of a database cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// SQL NULL.
    Null,
    /// A whole number.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// Text; bytes outside UTF-8 replaced.
    Text(String),
}

impl Cell {
    /// The text of a text cell.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Integer(_) | Self::Real(_) => None,
        }
    }

    /// The number of a whole-number cell.
    #[must_use]
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Null | Self::Real(_) | Self::Text(_) => None,
        }
    }
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Real(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
}

/// One row: column names and cells, in the contract's order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Row {
    /// The columns that the contract names, in its order.
    pub columns: Vec<(String, Cell)>,
}

impl Row {
    /// The cell under `column`.
    #[must_use]
    pub fn get(&self, column: &str) -> Option<&Cell> {
        self.columns.iter().find(|(name, _)| name == column).map(|(_, cell)| cell)
    }

    /// The text under `column`, when it is text.
    #[must_use]
    pub fn text(&self, column: &str) -> Option<&str> {
        self.get(column).and_then(Cell::text)
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, (name, cell)) in self.columns.iter().enumerate() {
            write!(f, "{}{name}={cell}", if at == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

/// A row of the key table.
pub type KeyRow = Row;
/// A row of the audit table.
pub type AuditRow = Row;

/// Everything that a receiver remembers, in the order its tables give it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReceiverState {
    /// Rows of the key table, oldest first.
    pub keys: Vec<KeyRow>,
    /// Rows of the audit table, oldest first.
    pub audit: Vec<AuditRow>,
}

/// Within so many microseconds of its end a key may live or not: receivers count it in seconds, milliseconds or days with a fraction.
const BOUNDARY_US: i64 = 2_000_000;

/// How many rows a database has at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The moment, by the receiver's clock.
    pub at: UnixMicros,
    /// Rows of keys that are live.
    pub keys: i64,
    /// Audit rows of the contract's event.
    pub audit: i64,
    /// For live keys that end within the hour: the first moment at which they live no more.
    pub ends: Vec<UnixMicros>,
}

impl Counts {
    /// By how many rows of live keys a table has grown since `earlier`, at least and at most: keys
    /// whose life ended meanwhile were no longer there to be counted. Of one that ends about now
    /// nobody knows whether the receiver, which may count whole seconds or less than that, has
    /// cleared it away.
    #[must_use]
    pub fn keys_grown_since(&self, earlier: &Self) -> RangeInclusive<i64> {
        let grown_with = |until: i64| {
            let ended = earlier.ends.iter().filter(|end| end.0 <= until).count();
            self.keys - (earlier.keys - i64::try_from(ended).unwrap_or(i64::MAX))
        };
        let ended = grown_with(self.at.0);
        // What lives by the harness's reading and is gone already was not lost.
        ended..=grown_with(self.at.0.saturating_add(BOUNDARY_US))
    }
}

/// One column as a database declares it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ColumnShape {
    /// Its name.
    pub name: String,
    /// Its declared type, upper case, as written.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether NULL is refused.
    pub not_null: bool,
    /// Its default as SQL text.
    pub default: Option<String>,
    /// Its place in the primary key, from 1; 0 when it has none.
    pub primary_key: u32,
}

/// One table as a database declares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TableShape {
    /// Its name.
    pub table: String,
    /// Its columns in their order.
    pub columns: Vec<ColumnShape>,
}

impl std::fmt::Display for ColumnShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.kind)?;
        if self.primary_key > 0 {
            f.write_str(" (PK)")?;
        }
        if self.not_null {
            f.write_str(" NOT NULL")?;
        }
        match &self.default {
            Some(default) => write!(f, " (DEFAULT {default})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key that ended between two counts does not hide one that came.
    #[test]
    fn growth_is_counted_without_the_keys_that_ended() {
        let earlier = Counts { at: UnixMicros::from_secs(100), keys: 3, audit: 3, ends: [104, 120].map(UnixMicros::from_secs).to_vec() };
        let later = |secs, keys| Counts { at: UnixMicros::from_secs(secs), keys, audit: 3, ends: Vec::new() };
        assert_eq!(later(101, 4).keys_grown_since(&earlier), 1..=1, "nothing has ended yet");
        assert_eq!(later(103, 4).keys_grown_since(&earlier), 1..=2, "one that ends in a second may have been cleared away");
        assert_eq!(later(104, 3).keys_grown_since(&earlier), 1..=1);
        assert_eq!(later(120, 1).keys_grown_since(&earlier), 0..=0);
        assert_eq!(later(110, 2).keys_grown_since(&earlier), 0..=0, "what ends long after is missed where it is lost");
    }
}
