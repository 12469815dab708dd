//! Looks at what the receiver remembers.

use std::sync::Arc;
use std::time::Duration;

use crate::contract::tables::Table;
use crate::history::record::Record;
use crate::judge::check::Mismatch;
use crate::judge::check::rows::{self, found_by};
use crate::judge::findings::StepContext;
use crate::judge::scenario::Play;
use crate::judge::{At, ScenarioEnd, Source};
use crate::reference::store::Store as _;
use crate::scenario::expect::{RowCheck, StateCheck};
use crate::state::Row;

impl<S: Source> Play<'_, S> {
    /// Looks until it fits, or the step's time is over.
    pub(in crate::judge) async fn look(&mut self, place: StepContext<'_>, check: &StateCheck) -> Result<(), ScenarioEnd> {
        let patience = check.within.map_or(Duration::ZERO, |within| within.0);
        let mut tries = 0;
        loop {
            let at = At { number: place.number, bindings: &self.bindings, keys: &self.keys };
            let Some(look) = self.source.look(at, check).await? else { return Ok(()) };
            self.report.rests_on.insert("rows".to_owned());
            let mismatches = rows::judge(self.setting.contract(), check, &look, &self.bindings, self.setting.ttl);
            if mismatches.is_empty() || !self.source.give_time(at, patience, tries).await? {
                if let Some(name) = &check.name {
                    self.bindings.counts.insert(name.clone(), look.counts);
                    self.bindings.looks.insert(name.clone(), look.state);
                }
                self.excuse_counts(place, &mismatches)?;
                let reference = self.reference_rows(check);
                return self.file(place, self.told_when(check, mismatches), &reference, "");
            }
            tries += 1;
        }
    }

    /// Adds under which circumstances the rows were written.
    fn told_when(&self, check: &StateCheck, mut mismatches: Vec<Mismatch>) -> Vec<Mismatch> {
        let names = check.keys.iter().chain(&check.audit).map(|one| &one.rows_for);
        let records: Vec<&Record> = names.flat_map(|name| self.bindings.all(name)).collect();
        let when = self.before.when_looked(&records);
        mismatches.iter_mut().for_each(|mismatch| mismatch.code.when.clone_from(&when));
        mismatches
    }

    /// What the reference remembers of the deliveries that a check speaks of, in words.
    fn reference_rows(&mut self, check: &StateCheck) -> String {
        let contract = Arc::clone(self.setting.contract());
        let (Some(tables), Ok(state)) = (&contract.state, self.reference.store().state()) else { return String::new() };
        if !check.schema.is_empty() {
            let columns = |table: &Table| {
                let columns: Vec<String> = table.shape().columns.iter().map(ToString::to_string).collect();
                format!("{}: {}", table.table, columns.join(", "))
            };
            return tables.all().map(columns).collect::<Vec<_>>().join("\n");
        }
        let of = |table: &Option<Table>, rows: &[Row], checks: &[RowCheck]| {
            let names = table.iter().flat_map(|table| checks.iter().map(move |one| (table, &one.rows_for)));
            let told = names.filter_map(|(table, name)| {
                let value = self.bindings.one(name).and_then(|record| found_by(table, record))?;
                let found: Vec<&Row> = rows.iter().filter(|row| row.text(table.found_by()) == Some(value.as_str())).collect();
                let row = found.last().map_or_else(String::new, |row| format!("; {row}"));
                Some(format!("{}: {} row(s){row}", table.table, found.len()))
            });
            told.collect::<Vec<String>>()
        };
        let told = [of(&tables.keys, &state.keys, &check.keys), of(&tables.audit, &state.audit, &check.audit)].concat();
        if told.is_empty() {
            format!("{} key rows, {} audit rows in this scenario", state.keys.len(), state.audit.len())
        } else {
            told.join("\n")
        }
    }
}
