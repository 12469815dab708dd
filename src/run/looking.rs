//! Looks at a live target's database.

use super::live::Live;
use crate::check::rows::{Look, found_by};
use crate::contract::tables::Table;
use crate::evidence::{EvidenceError, Question, Which};
use crate::judge::At;
use crate::scenario::expect::StateCheck;
use crate::state::ReceiverState;

impl Live<'_> {
    /// Looks once, in one transaction.
    pub(super) async fn look_once(&self, at: At<'_>, check: &StateCheck) -> Result<Option<Look>, EvidenceError> {
        let whole_run = check.every_key_has_evidence || check.every_life_can_be_told;
        let (key_values, audit_values) = self.row_values(at);
        let counted = check.grown.is_some() || check.name.is_some();
        let question = Question {
            rows: if whole_run { Which::All } else { Which::Of(key_values, audit_values) },
            counts_at: counted.then(|| self.stage.clock.now()),
            shape: !check.schema.is_empty(),
        };
        let Some(mut seen) = self.stage.rows(question).await? else { return Ok(None) };
        let tables = self.stage.contract.state.as_ref();
        if let (true, Some(keys)) = (whole_run, tables.and_then(|tables| tables.keys.as_ref())) {
            // Other people's keys are other people's business.
            let key = keys.column_holding("key").map(|column| column.name.as_str());
            let run_word = self.stage.run_word();
            seen.state.keys.retain(|row| key.and_then(|key| row.text(key)).is_some_and(|key| key.starts_with(run_word)));
        }
        Ok(Some(Look { state: seen.state, counts: seen.counts, tables: seen.tables }))
    }

    /// Every row of this scenario's deliveries; `None` without a database.
    pub(super) async fn rows_of_all(&self, at: At<'_>) -> Result<Option<ReceiverState>, EvidenceError> {
        let (key_values, audit_values) = self.row_values(at);
        let question = Question { rows: Which::Of(key_values, audit_values), ..Question::default() };
        Ok(self.stage.rows(question).await?.map(|seen| seen.state))
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
