//! Looks at a live target's database.

use super::super::live::Live;
use crate::clock::iso;
use crate::contract::tables::Table;
use crate::evidence::{EXPIRES, EvidenceError, Question, Which};
use crate::judge::check::rows::{Observation, found_by};
use crate::judge::{At, ScenarioEnd};
use crate::scenario::expect::StateCheck;
use crate::state::{Cell, ReceiverState, Row};

impl Live<'_> {
    /// Sees that the rows of this run can be told from others', where a check looks at all.
    pub(in crate::run) fn tells_its_keys(&self, check: &StateCheck) -> Result<(), ScenarioEnd> {
        if (check.every_key_has_evidence || check.every_life_can_be_told) && !self.context.contract.key.has_prefix() {
            let reason = "the contract's keys have no common beginning by which those of this run could be told from others";
            return Err(ScenarioEnd::NotApplicable(reason.to_owned().into()));
        }
        Ok(())
    }

    /// Looks once, in one transaction.
    pub(in crate::run) async fn look_once(&self, at: At<'_>, check: &StateCheck) -> Result<Option<Observation>, EvidenceError> {
        let whole_run = check.every_key_has_evidence || check.every_life_can_be_told;
        let (key_values, audit_values) = self.row_values(at);
        let counted = check.grown.is_some() || check.name.is_some();
        let question = Question {
            rows: if whole_run { Which::All } else { Which::Of(key_values, audit_values) },
            counts_at: counted.then(|| self.context.clock.now()),
            shape: !check.schema.is_empty(),
        };
        let Some(mut seen) = self.context.rows(question).await? else { return Ok(None) };
        let tables = self.context.contract.state.as_ref();
        if let (true, Some(keys)) = (whole_run, tables.and_then(|tables| tables.keys.as_ref())) {
            // Other people's keys are other people's business.
            let key = keys.column_holding("key").map(|column| column.name.as_str());
            let run_word = self.context.run_word();
            seen.state.keys.retain(|row| key.and_then(|key| row.text(key)).is_some_and(|key| key.starts_with(run_word)));
        }
        self.tell_lives(at, &mut seen.state);
        Ok(Some(Observation { state: seen.state, counts: seen.counts, tables: seen.tables }))
    }

    /// Every row of this scenario's deliveries; `None` without a database.
    pub(in crate::run) async fn rows_of_all(&self, at: At<'_>) -> Result<Option<ReceiverState>, EvidenceError> {
        let (key_values, audit_values) = self.row_values(at);
        let question = Question { rows: Which::Of(key_values, audit_values), ..Question::default() };
        let seen = self.context.rows(question).await?;
        Ok(seen.map(|mut seen| {
            self.tell_lives(at, &mut seen.state);
            seen.state
        }))
    }

    /// How often the work of each key was done; `None` where nobody counts.
    pub(in crate::run) async fn effects_of(&self, at: At<'_>, keys: &[String]) -> Result<Option<Vec<u64>>, ScenarioEnd> {
        let Some(source) = &self.context.sources.effects else { return Ok(None) };
        let counts = source.effects(keys).await;
        counts.map(Some).map_err(|wrong| ScenarioEnd::Undecided(format!("step {}: {wrong}", at.number)))
    }

    /// The same of keys that are no text; `None` where nobody can be asked for such.
    pub(in crate::run) async fn effects_of_raw(&self, at: At<'_>, keys: &[Vec<u8>]) -> Result<Option<Vec<u64>>, ScenarioEnd> {
        let Some(source) = &self.context.sources.effects else { return Ok(None) };
        source.effects_of_bytes(keys).await.map_err(|wrong| ScenarioEnd::Undecided(format!("step {}: {wrong}", at.number)))
    }

    /// Where a source tells when a key expires instead of how long it lives, its life is counted from the acceptance that fits best.
    fn tell_lives(&self, at: At<'_>, state: &mut ReceiverState) {
        let keys = self.context.contract.state.as_ref().and_then(|tables| tables.keys.as_ref());
        let Some((table, column)) = keys.and_then(|table| Some((table, table.column_holding("ttl")?))) else { return };
        let usual = self.context.ttl.and_then(|ttl| i64::try_from(ttl).ok()).unwrap_or(0);
        for row in &mut state.keys {
            let (Some(expires), Some(key)) = (row.text(EXPIRES).and_then(iso::read), found_key(table, row)) else { continue };
            let of_key = at.bindings.deliveries.values().flatten().filter(|record| record.key == key);
            let begun = of_key.filter(|record| record.outcome(&self.context.setting.reader).may_have_effect());
            // A life that was moved back began so much earlier.
            let begins = begun.flat_map(|record| [record.sent_at.0, record.sent_at.0.saturating_sub(self.moved_us)]);
            let lives = begins.map(|begin| (expires.0.0.saturating_sub(begin) as f64 / 1e6).round() as i64);
            let Some(life) = lives.min_by_key(|life| life.abs_diff(usual)) else { continue };
            if let Some((_, cell)) = row.columns.iter_mut().find(|(name, cell)| *name == column.name && *cell == Cell::Null) {
                *cell = Cell::Integer(life);
            }
        }
    }

    /// The values by which the two tables find this scenario's rows.
    fn row_values(&self, at: At<'_>) -> (Vec<String>, Vec<String>) {
        let Some(tables) = &self.context.contract.state else { return (Vec::new(), Vec::new()) };
        let all = || at.bindings.deliveries.values().flatten();
        let values = |table: &Option<Table>| {
            let mut values: Vec<String> = table.iter().flat_map(|table| all().filter_map(|record| found_by(table, record))).collect();
            values.sort();
            values.dedup();
            values
        };
        (values(&tables.keys), values(&tables.audit))
    }
}

/// The key that a row names.
fn found_key(table: &Table, row: &Row) -> Option<String> {
    row.text(&table.column_holding("key")?.name).map(str::to_owned)
}
