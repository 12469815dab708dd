//! Statements for PostgreSQL: names in quotation marks, columns as text, and which kind each one is.

use tokio_postgres::types::ToSql;

use crate::contract::tables::Column;
use crate::evidence::cells;
use crate::evidence::sql::{Kind, number};
use crate::state::Cell;

/// The columns of a table: name, type, whether NULL is refused, default, place in the primary key.
pub(super) const COLUMNS: &str = "SELECT a.attname::text, format_type(a.atttypid, NULL), a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
    coalesce((SELECT (array_position(i.indkey::int2[], a.attnum) - array_lower(i.indkey::int2[], 1) + 1)::int4
              FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisprimary), 0)
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = to_regclass($1::text) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";
/// The tables that a name without a schema may mean.
pub(super) const TABLES: &str =
    "SELECT c.relname::text FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm') AND pg_table_is_visible(c.oid)
     AND c.relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname IN ('pg_catalog', 'information_schema')) ORDER BY 1";
const INSTANT: &str = "'YYYY-MM-DD\"T\"HH24:MI:SS.US'";

/// What is in a column of a type.
pub(super) fn kind_of(kind: &str) -> Kind {
    match kind {
        "smallint" | "integer" | "bigint" => Kind::Whole,
        "real" | "double precision" | "numeric" => Kind::Number,
        "text" | "character varying" => Kind::Words,
        "bytea" => Kind::Bytes,
        "timestamp without time zone" => Kind::Local,
        "timestamp with time zone" => Kind::Instant,
        "interval" => Kind::Span,
        _ => Kind::Text,
    }
}

/// A column as text.
pub(super) fn read(name: &str, kind: Kind) -> String {
    let column = quoted(name);
    match kind {
        Kind::Text | Kind::Words | Kind::Whole | Kind::Number => format!("{column}::text"),
        Kind::Bytes => format!("encode({column}, 'hex')"),
        Kind::Local => format!("to_char({column}, {INSTANT})"),
        Kind::Instant => format!("to_char({column} AT TIME ZONE 'UTC', {INSTANT}) || 'Z'"),
        Kind::Span => format!("extract(epoch FROM {column})::text"),
    }
}

/// A column that names keys, as text.
pub(super) fn key_text(name: &str, kind: Kind) -> String {
    match kind {
        Kind::Bytes => format!("encode({}, 'escape')", quoted(name)),
        Kind::Text | Kind::Words | Kind::Whole | Kind::Number | Kind::Local | Kind::Instant | Kind::Span => {
            format!("{}::text", quoted(name))
        }
    }
}

/// The cell that text of a column is.
pub(super) fn cell(column: &Column, kind: Kind, text: String) -> Cell {
    match kind {
        Kind::Whole | Kind::Number | Kind::Span => number(text),
        Kind::Bytes => {
            let digits: Vec<u8> =
                text.bytes().filter_map(|digit| char::from(digit).to_digit(16)).filter_map(|digit| u8::try_from(digit).ok()).collect();
            let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
            Cell::Text(cells::text_of(Some(column), &bytes))
        }
        Kind::Text | Kind::Words | Kind::Local | Kind::Instant => Cell::Text(text),
    }
}

/// The filter that finds some values in a column, and its parameter.
pub(super) fn among(name: &str, kind: Kind, values: &[String]) -> (String, Box<dyn ToSql + Sync + Send>) {
    let column = quoted(name);
    // No text of PostgreSQL holds this character.
    let values = || values.iter().filter(|value| !value.contains('\0'));
    match kind {
        Kind::Bytes => {
            let unhexed = values().filter(|value| value.len() == 64).map(|value| format!("\\x{value}"));
            let plain = values().map(|value| format!("\\x{}", value.bytes().map(|byte| format!("{byte:02x}")).collect::<String>()));
            let all: Vec<String> =
                plain.chain(unhexed.filter(|value| value.bytes().skip(2).all(|digit| digit.is_ascii_hexdigit()))).collect();
            (format!("{column} = ANY ($1::text[]::bytea[])"), Box::new(all))
        }
        Kind::Words => (format!("{column} = ANY ($1)"), Box::new(values().cloned().collect::<Vec<String>>())),
        Kind::Text | Kind::Whole | Kind::Number | Kind::Local | Kind::Instant | Kind::Span => {
            (format!("{column}::text = ANY ($1)"), Box::new(values().cloned().collect::<Vec<String>>()))
        }
    }
}

/// An identifier in quotation marks.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A table's name, with its schema where a dot divides them.
pub(super) fn quoted_table(name: &str) -> String {
    name.split('.').map(quoted).collect::<Vec<_>>().join(".")
}
