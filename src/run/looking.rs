//! Looks at a live target's database.

use super::live::Live;
use crate::check::rows::{Look, found_by};
use crate::contract::tables::Table;
use crate::evidence::sqlite::ProbeError;
use crate::judge::At;
use crate::scenario::expect::StateCheck;
use crate::state::{Counts, ReceiverState};

impl Live<'_> {
    /// Looks once, in one transaction.
    pub(super) async fn look_once(&self, at: At<'_>, check: &StateCheck) -> Result<Option<Look>, ProbeError> {
        let whole_run = check.every_key_has_evidence || check.every_life_can_be_told;
        let (key_values, audit_values) = self.row_values(at);
        let (schema, counted) = (!check.schema.is_empty(), check.grown.is_some() || check.name.is_some());
        let (run_word, now) = (self.stage.run_word().to_owned(), self.stage.clock.now());
        let tables = self.stage.contract.state.clone();
        let look = self.stage.look(move |probe| {
            let mut state = if whole_run { probe.state()? } else { probe.rows_of(&key_values, &audit_values)? };
            if let (true, Some(keys)) = (whole_run, tables.as_ref().and_then(|tables| tables.keys.as_ref())) {
                // Other people's keys are other people's business.
                let key = keys.column_holding("key").map(|column| column.name.as_str());
                state.keys.retain(|row| key.and_then(|key| row.text(key)).is_some_and(|key| key.starts_with(&run_word)));
            }
            let counts = if counted { probe.counts(now)? } else { Counts::default() };
            let tables = if schema { probe.tables()? } else { Vec::new() };
            Ok(Look { state, counts, tables })
        });
        look.await
    }

    /// Every row of this scenario's deliveries; `None` without a database.
    pub(super) async fn rows_of_all(&self, at: At<'_>) -> Result<Option<ReceiverState>, ProbeError> {
        let (key_values, audit_values) = self.row_values(at);
        self.stage.look(move |probe| probe.rows_of(&key_values, &audit_values)).await
    }

    /// The values by which the two tables find this scenario's rows.
    fn row_values(&self, at: At<'_>) -> (Vec<String>, Vec<String>) {
        let Some(tables) = &self.stage.contract.state else { return (Vec::new(), Vec::new()) };
        let all = || at.records.deliveries.values().flatten();
        let values = |table: &Option<Table>| {
            let mut values: Vec<String> = table.iter().flat_map(|table| all().filter_map(|record| found_by(table, record))).collect();
            values.sort();
            values.dedup();
            values
        };
        (values(&tables.keys), values(&tables.audit))
    }
}
