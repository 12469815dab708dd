//! Tables: where a receiver's state can be seen, and what its rows mean.
//!
//! One description serves four times: the reference creates its tables by it
//! and fills them by it, the probe reads by it, the judge compares with it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::state::{Cell, ColumnShape, Row, TableShape};
use crate::template::Template;

/// The two tables that a contract may declare.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StateTables {
    /// The table of idempotency keys.
    pub keys: Table,
    /// The table of audit events.
    pub audit: Table,
}

/// One table.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its name.
    pub table: String,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// The column by which the rows of one delivery are found.
    pub found_by: String,
    /// The column that holds the instant of writing.
    pub instant: String,
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
    /// What stands in it: text with `{placeholders}`; without it, NULL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<Template>,
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
    pub(super) fn templates(&self) -> Vec<(String, &Template)> {
        [("keys", &self.keys), ("audit", &self.audit)]
            .into_iter()
            .flat_map(|(name, table)| {
                table
                    .columns
                    .iter()
                    .enumerate()
                    .filter_map(move |(at, column)| Some((format!("state.{name}.columns[{at}].holds"), column.holds.as_ref()?)))
            })
            .collect()
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
        self.columns.iter().find(|column| column.holds.as_ref().is_some_and(|holds| holds.is_only(placeholder)))
    }

    /// The row that a delivery leaves, each cell from its template.
    ///
    /// A placeholder without a value, and a column without a template, give NULL.
    /// A cell of a whole-number column becomes a number.
    #[must_use]
    pub fn row(&self, value_of: &dyn Fn(&str) -> Option<String>) -> Row {
        let cell = |column: &Column| match column.holds.as_ref().and_then(|holds| holds.fill(value_of)) {
            None => Cell::Null,
            Some(text) if column.kind.eq_ignore_ascii_case("INTEGER") => text.parse().map_or(Cell::Text(text), Cell::Integer),
            Some(text) => Cell::Text(text),
        };
        Row { columns: self.columns.iter().map(|column| (column.name.clone(), cell(column))).collect() }
    }

    /// Whether a row of this table belongs to the contract.
    #[must_use]
    pub fn is_ours(&self, row: &Row) -> bool {
        self.only.as_ref().is_none_or(|only| row.text(&only.column) == Some(only.is.as_str()))
    }
}
