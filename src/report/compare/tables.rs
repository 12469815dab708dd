//! What became of tables and columns, as two databases declare them.

use crate::report::language::Language;
use crate::state::{ColumnShape, TableShape};

/// Tables and columns that were added, removed or changed.
pub(super) fn changes(before: &[TableShape], after: &[TableShape], language: Language) -> Vec<String> {
    // A report without a database knows nothing of tables.
    if before.is_empty() || after.is_empty() {
        return Vec::new();
    }
    let table_told = |key: &str, table: &TableShape| language.with(key, &[("table", table.table.as_str().into())]);
    let told = |key: &str, table: &TableShape, is: &str, was: &str| {
        language.with(key, &[("table", table.table.as_str().into()), ("column", is.into()), ("was", was.into())])
    };
    let mut lines = Vec::new();
    for table in after {
        let Some(earlier) = before.iter().find(|one| one.table == table.table) else {
            lines.push(table_told("table-added", table));
            continue;
        };
        let find = |columns: &[ColumnShape], name: &str| columns.iter().find(|one| one.name == name).map(ToString::to_string);
        for column in &table.columns {
            let (was, is) = (find(&earlier.columns, &column.name), column.to_string());
            match was {
                None => lines.push(told("column-added", table, &is, "")),
                Some(was) if was != is => lines.push(told("column-changed", table, &is, &was)),
                Some(_) => {}
            }
        }
        for column in earlier.columns.iter().filter(|one| find(&table.columns, &one.name).is_none()) {
            lines.push(told("column-removed", table, &column.to_string(), ""));
        }
    }
    let gone = before.iter().filter(|one| !after.iter().any(|other| other.table == one.table));
    lines.extend(gone.map(|table| table_told("table-removed", table)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_compared_by_name() {
        let column = |name: &str, kind: &str| ColumnShape { name: name.to_owned(), kind: kind.to_owned(), ..ColumnShape::default() };
        let table = |columns: Vec<ColumnShape>| vec![TableShape { table: "keys".to_owned(), columns }];
        let lines = changes(
            &table(vec![column("key", "TEXT"), column("old", "TEXT")]),
            &table(vec![column("key", "BLOB"), column("ttl", "INTEGER")]),
            Language::En,
        );
        assert_eq!(
            lines,
            ["keys: column changed: key TEXT → key BLOB", "keys: column added: ttl INTEGER", "keys: column removed: old TEXT"]
        );
        assert!(changes(&[], &table(vec![]), Language::En).is_empty());
    }
}
