//! Moving lives back in PostgreSQL: the one write, in one transaction, of the rows of named keys alone.

use std::time::Duration;

use super::statements::{among, quoted, quoted_table};
use super::{Param, PostgresSource, bound};
use crate::evidence::sql::{self, ASKED_AT_ONCE, Kind};
use crate::evidence::{EvidenceError, Source as _, cells};
use crate::state::Cell;

impl PostgresSource {
    /// Moves the instants of the rows of `keys` by `by` into the past; says how many rows were moved.
    pub(super) async fn moved(&self, keys: &[String], by: Duration) -> Result<usize, EvidenceError> {
        let named = self.tables.keys.as_ref().and_then(|table| Some((table, table.instant()?, table.column_holding("key")?)));
        let Some((table, instant, key)) = named else { return Err(EvidenceError::NothingToMove { name: self.name() }) };
        let mut client = self.client().await?;
        let at = client.transaction().await.map_err(|wrong| self.why(&wrong, false))?;
        let there = self.columns(&at, &table.table).await?;
        let kind = |name: &str| there.iter().find(|one| one.shape.name == name).map(|one| one.kind).unwrap_or_default();
        let (name, column) = (quoted_table(&table.table), quoted(instant));
        let mut moved = 0;
        for some in keys.chunks(ASKED_AT_ONCE) {
            let (filter, param) = among(&key.name, kind(&key.name), some);
            let arithmetic = match kind(instant) {
                Kind::Local | Kind::Instant => Some(format!("{column} - make_interval(secs => {})", by.as_secs_f64())),
                Kind::Whole | Kind::Number => Some(sql::moved_number(&column, by.as_secs_f64())),
                Kind::Text | Kind::Words | Kind::Bytes | Kind::Span => None,
            };
            if let Some(earlier) = arithmetic {
                let sql = format!("UPDATE {name} SET {column} = {earlier} WHERE {filter}");
                moved += at.execute(&sql, &bound(&[param])).await.map_err(|wrong| self.why(&wrong, false))?;
                continue;
            }
            let sql = format!("SELECT {column}::text FROM {name} WHERE {filter} GROUP BY 1");
            for row in self.query(&at, &sql, &[param]).await? {
                let Some(text) = row.try_get::<_, Option<String>>(0).ok().flatten() else { continue };
                let Some(Cell::Text(earlier)) = cells::moved_back(&Cell::Text(text.clone()), by) else {
                    return Err(EvidenceError::NotATime { name: self.name(), key: some.join(", "), found: format!("{text:?}") });
                };
                let (filter, param) = among(&key.name, kind(&key.name), some);
                let sql = format!("UPDATE {name} SET {column} = $2 WHERE {filter} AND {column}::text = $3");
                let values: [Param; 3] = [param, Box::new(earlier), Box::new(text)];
                moved += at.execute(&sql, &bound(&values)).await.map_err(|wrong| self.why(&wrong, false))?;
            }
        }
        at.commit().await.map_err(|wrong| self.why(&wrong, false))?;
        self.put_back(client).await;
        Ok(usize::try_from(moved).unwrap_or(usize::MAX))
    }
}
