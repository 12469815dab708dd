//! Tables: where a receiver's state can be seen, and what its rows mean.
//!
//! One description serves four times: the reference creates its tables by it
//! and fills them by it, the probe reads by it, the judge compares with it.
//! Tables and columns are free in name: a column is known by what it holds
//! ([`Table::column_holding`], [`Table::found_by`], [`Table::instant`]).

mod diagnostics;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::state::{Cell, ColumnShape, Row, TableShape};
use crate::template::Template;

/// The two tables that a contract may declare; at least one of them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StateTables {
    /// The table of idempotency keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Table>,
    /// The table of audit events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<Table>,
}

/// One table.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its name.
    pub table: String,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// The column by which the rows of one delivery are found; without it, the one that holds `{key}`, or else `{sha256}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) found_by: Option<String>,
    /// The column that holds the instant of writing; without it, the one that holds `{ts}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) instant: Option<String>,
    /// Only rows with this cell belong to the contract: a column and its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Only>,
}

/// Which rows of a shared table belong to the contract.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Only {
    /// The column.
    pub column: String,
    /// Its text in rows of the contract.
    pub is: String,
}

/// One column.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its declared type.
    #[serde(rename = "type")]
    pub kind: String,
    /// What stands in it: text with `{key}`, `{ts}`, `{ttl}`, `{sha256}`, `{answer}` (the first answer's body), `{body:PATH}`; without it, NULL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<Template>,
    /// Anything may stand in it: nobody is held to what it `holds`, the reference alone writes it so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub free: bool,
    /// Whether NULL is refused.
    #[serde(default)]
    pub not_null: bool,
    /// Its default, as SQL text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Its place in the primary key, from 1; 0 when it has none.
    #[serde(default)]
    pub primary_key: u32,
}

impl StateTables {
    /// The tables that there are, the table of keys first.
    pub fn all(&self) -> impl Iterator<Item = &Table> {
        self.keys.iter().chain(&self.audit)
    }

    /// Whether lives can be moved back in the rows of keys: they name their key, and when they were written.
    #[must_use]
    pub fn can_be_rewound(&self) -> bool {
        self.keys.as_ref().is_some_and(|keys| keys.instant().is_some() && keys.column_holding("key").is_some())
    }

    pub(super) fn templates(&self) -> Vec<(String, &Template)> {
        let named = [("keys", &self.keys), ("audit", &self.audit)];
        let tables = named.into_iter().filter_map(|(name, table)| Some((name, table.as_ref()?)));
        tables
            .flat_map(|(name, table)| {
                let columns = table.columns.iter().enumerate();
                columns.filter_map(move |(at, column)| Some((format!("state.{name}.columns[{at}].holds"), column.holds.as_ref()?)))
            })
            .collect()
    }
}

impl Column {
    /// Whether it holds the value of one placeholder (`key`, `sha256`) and nothing else; a free column holds nothing for certain.
    #[must_use]
    pub fn holds_only(&self, placeholder: &str) -> bool {
        !self.free && self.holds.as_ref().is_some_and(|holds| holds.is_only(placeholder))
    }

    /// What a delivery leaves in it; a placeholder without a value gives NULL, and so does a column that holds nothing.
    #[must_use]
    pub fn cell(&self, value_of: &dyn Fn(&str) -> Option<String>) -> Cell {
        match self.holds.as_ref().and_then(|holds| holds.fill(value_of)) {
            None => Cell::Null,
            Some(text) if self.is_integer() => text.parse().map_or(Cell::Text(text), Cell::Integer),
            Some(text) => Cell::Text(text),
        }
    }

    /// As [`Column::cell`], and never NULL where that is refused.
    fn written(&self, value_of: &dyn Fn(&str) -> Option<String>) -> Cell {
        let cell = self.cell(value_of);
        let numbers_itself = self.primary_key > 0 && self.is_integer();
        if cell != Cell::Null || numbers_itself {
            return cell;
        }
        match (self.free && self.primary_key > 0, self.not_null) {
            // A name of a row that nobody is held to: no two rows bear one instant.
            (true, _) => value_of("ts").map_or(Cell::Null, Cell::Text),
            (false, true) => Cell::Text(String::new()),
            (false, false) => Cell::Null,
        }
    }

    fn is_integer(&self) -> bool {
        let kind = self.kind.to_ascii_uppercase();
        // As SQLite has it (datatype3, section 3.1), but for two types that have other things in them.
        (kind.contains("INT") && !kind.contains("POINT") && !kind.contains("INTERVAL")) || kind == "BIGSERIAL" || kind == "SERIAL"
    }
}

impl Table {
    /// The table as a database should declare it.
    #[must_use]
    pub fn shape(&self) -> TableShape {
        let column = |c: &Column| ColumnShape {
            name: c.name.clone(),
            kind: c.kind.to_uppercase(),
            not_null: c.not_null,
            default: c.default.clone(),
            primary_key: c.primary_key,
        };
        TableShape { table: self.table.clone(), columns: self.columns.iter().map(column).collect() }
    }

    /// The column that holds a value of the delivery, by placeholder: `ttl`, `sha256`, `key`.
    #[must_use]
    pub fn column_holding(&self, placeholder: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.holds_only(placeholder))
    }

    /// The column by which the rows of one delivery are found; a contract that was read without a mistake has one.
    #[must_use]
    pub fn found_by(&self) -> &str {
        let held = || self.column_holding("key").or_else(|| self.column_holding("sha256")).map(|column| column.name.as_str());
        self.found_by.as_deref().or_else(held).unwrap_or_default()
    }

    /// The column that holds the instant of writing, where there is one.
    #[must_use]
    pub fn instant(&self) -> Option<&str> {
        self.instant.as_deref().or_else(|| self.column_holding("ts").map(|column| column.name.as_str()))
    }

    /// The text of a row's instant.
    #[must_use]
    pub fn instant_in<'r>(&self, row: &'r Row) -> Option<&'r str> {
        row.text(self.instant()?)
    }

    /// Whether one key has one row at the most: the column that holds it is the whole primary key.
    #[must_use]
    pub fn has_one_row_a_key(&self) -> bool {
        let mut primary = self.columns.iter().filter(|column| column.primary_key > 0);
        primary.next().is_some_and(|column| column.holds_only("key")) && primary.next().is_none()
    }

    /// The row that a delivery leaves, each cell from its template; never NULL where that is refused.
    #[must_use]
    pub fn row(&self, value_of: &dyn Fn(&str) -> Option<String>) -> Row {
        Row { columns: self.columns.iter().map(|column| (column.name.clone(), column.written(value_of))).collect() }
    }

    /// Whether a row of this table belongs to the contract.
    #[must_use]
    pub fn is_ours(&self, row: &Row) -> bool {
        self.only.as_ref().is_none_or(|only| row.text(&only.column) == Some(only.is.as_str()))
    }
}
