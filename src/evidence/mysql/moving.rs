//! Moving lives back in MySQL: the one write, in one transaction, of the rows of named keys alone.

use std::time::Duration;

use mysql_async::Value;

use super::MysqlSource;
use super::values::{among, quoted, quoted_table, text_in};
use crate::evidence::sql::{self, ASKED_AT_ONCE, Kind};
use crate::evidence::{EvidenceError, Source as _, cells};
use crate::state::Cell;

impl MysqlSource {
    /// Moves the instants of the rows of `keys` by `by` into the past; says how many rows were moved.
    pub(super) async fn moved(&self, keys: &[String], by: Duration) -> Result<usize, EvidenceError> {
        let named = self.tables.keys.as_ref().and_then(|table| Some((table, table.instant()?, table.column_holding("key")?)));
        let Some((table, instant, key)) = named else { return Err(EvidenceError::NothingToMove { name: self.name() }) };
        let mut at = self.connection().await?;
        let there = self.columns(&mut at, &table.table).await?;
        let kind = |name: &str| there.iter().find(|one| one.shape.name == name).map(|one| one.kind).unwrap_or_default();
        let (name, column) = (quoted_table(&table.table), quoted(instant));
        self.run(&mut at, "START TRANSACTION").await?;
        let mut moved = 0;
        for some in keys.chunks(ASKED_AT_ONCE) {
            let (filter, params) = among(&key.name, kind(&key.name), some);
            let arithmetic = match kind(instant) {
                Kind::Local | Kind::Instant => Some(format!("{column} - INTERVAL {} MICROSECOND", by.as_micros())),
                Kind::Whole | Kind::Number => Some(sql::moved_number(&column, by.as_secs_f64())),
                Kind::Text | Kind::Words | Kind::Bytes | Kind::Span => None,
            };
            if let Some(earlier) = arithmetic {
                let sql = format!("UPDATE {name} SET {column} = {earlier} WHERE {filter}");
                self.query(&mut at, &sql, params).await?;
                moved += at.affected_rows();
                continue;
            }
            let sql = format!("SELECT DISTINCT {column} FROM {name} WHERE {filter} FOR UPDATE");
            for row in self.query(&mut at, &sql, params).await? {
                let Some(text) = text_in(&row, 0) else { continue };
                let Some(Cell::Text(earlier)) = cells::moved_back(&Cell::Text(text.clone()), by) else {
                    return Err(EvidenceError::NotATime { name: self.name(), key: some.join(", "), found: format!("{text:?}") });
                };
                let (filter, mut params) = among(&key.name, kind(&key.name), some);
                params.insert(0, Value::from(earlier));
                params.push(Value::from(text));
                self.query(&mut at, &format!("UPDATE {name} SET {column} = ? WHERE {filter} AND BINARY {column} = ?"), params).await?;
                moved += at.affected_rows();
            }
        }
        self.done(at).await?;
        Ok(usize::try_from(moved).unwrap_or(usize::MAX))
    }
}
