//! Values of MySQL: which kind a column is, the cell that a value is, and names in quotation marks.

use mysql_async::{Row as SqlRow, Value};

use crate::clock::iso;
use crate::contract::tables::Column;
use crate::evidence::cells;
use crate::evidence::sql::{Kind, number};
use crate::state::Cell;

pub(super) fn kind_of(data_type: &str) -> Kind {
    match data_type {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => Kind::Whole,
        "float" | "double" | "decimal" => Kind::Number,
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => Kind::Bytes,
        "datetime" => Kind::Local,
        "timestamp" => Kind::Instant,
        "time" => Kind::Span,
        _ => Kind::Text,
    }
}

/// The cell that a value of a column is.
pub(super) fn cell(column: &Column, kind: Kind, value: Value) -> Cell {
    match value {
        Value::NULL => Cell::Null,
        Value::Int(number) => Cell::Integer(number),
        Value::UInt(number) => i64::try_from(number).map_or(Cell::Real(number as f64), Cell::Integer),
        Value::Float(number) => Cell::Real(f64::from(number)),
        Value::Double(number) => Cell::Real(number),
        Value::Date(year, month, day, hour, minute, second, micros) => {
            let zone = if kind == Kind::Instant { "Z" } else { "" };
            Cell::Text(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}{zone}"))
        }
        Value::Time(negative, days, hours, minutes, seconds, micros) => {
            let whole = i64::from(days) * 86_400 + i64::from(hours) * 3_600 + i64::from(minutes) * 60 + i64::from(seconds);
            let size = whole as f64 + f64::from(micros) / 1e6;
            Cell::Real(if negative { -size } else { size })
        }
        Value::Bytes(bytes) if kind == Kind::Bytes => Cell::Text(cells::text_of(Some(column), &bytes)),
        Value::Bytes(bytes) => {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            match kind {
                Kind::Number | Kind::Whole => number(text),
                // The text protocol writes a blank where the contract's form has a T.
                Kind::Local | Kind::Instant => iso::read(&text).map_or(Cell::Text(text), |(at, _)| Cell::Text(iso::write(at))),
                Kind::Text | Kind::Words | Kind::Bytes | Kind::Span => Cell::Text(text),
            }
        }
    }
}

/// The text of a value in a row, whatever it is.
pub(super) fn text_in(row: &SqlRow, place: usize) -> Option<String> {
    match row.as_ref(place)? {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::Int(number) => Some(number.to_string()),
        Value::UInt(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Double(number) => Some(number.to_string()),
        Value::Date(..) | Value::Time(..) => None,
    }
}

/// The filter that finds some values in a column, and its parameters.
pub(super) fn among(name: &str, kind: Kind, values: &[String]) -> (String, Vec<Value>) {
    let mut all: Vec<Value> = values.iter().map(|value| Value::from(value.as_bytes())).collect();
    if kind == Kind::Bytes {
        // A hash may be kept as its 32 bytes.
        let hex = |value: &String| {
            let digits: Option<Vec<u8>> =
                value.bytes().map(|digit| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
            digits
                .filter(|digits| digits.len() == 64)
                .map(|digits| digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect::<Vec<u8>>())
        };
        all.extend(values.iter().filter_map(hex).map(Value::from));
    }
    let places = vec!["?"; all.len().max(1)].join(", ");
    if all.is_empty() {
        all.push(Value::NULL);
    }
    (format!("{} IN ({places})", quoted(name)), all)
}

/// An identifier in quotation marks.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A table's name, with its database where a dot divides them.
pub(super) fn quoted_table(name: &str) -> String {
    name.split('.').map(quoted).collect::<Vec<_>>().join(".")
}
