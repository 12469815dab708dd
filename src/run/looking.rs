//! Looking: at the target's database, and at what it tells when asked.

use std::time::Duration;

use super::play::{Halt, Place, Play};
use crate::check::literal::{self, Surroundings};
use crate::check::rows::{self, Look, found_by};
use crate::check::{Breach, describe, is_broken};
use crate::clock::Moment;
use crate::contract::tables::Table;
use crate::delivery::Delivery;
use crate::http::Shipment;
use crate::probe::ProbeError;
use crate::reference::store::Store as _;
use crate::report::curl::curl;
use crate::scenario::deliver::{Asked, Get};
use crate::scenario::expect::{RowCheck, StateCheck};
use crate::state::{Counts, ReceiverState, Row};

/// How long to wait before looking again, where a step gives time.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How many audit rows are asked for over HTTP.
const AUDIT_ROWS: usize = 500;

impl Play<'_> {
    /// Looks at the database until it fits, or the step's time is over.
    pub(super) async fn look(&mut self, place: Place<'_>, check: &StateCheck) -> Result<(), Halt> {
        let began = Moment::now();
        let patience = check.within.map_or(Duration::ZERO, |within| within.0);
        let contract = std::sync::Arc::clone(&self.stage.contract);
        let mut time_was_given = false;
        loop {
            let look = self.look_once(check).await.map_err(|wrong| Halt::Undecided(format!("step {}: {wrong}", place.number)))?;
            let breaches = rows::judge(&contract, check, &look, &self.records, self.stage.ttl);
            let waits = !breaches.is_empty() && began.elapsed() < patience;
            if waits && !time_was_given && self.stage.clock.moves_everyone() {
                // Where time can be moved, nobody waits for it.
                time_was_given = true;
                self.stage.clock.advance(patience, &self.keys).await.map_err(Halt::Undecided)?;
            } else if !waits || time_was_given {
                if let Some(name) = &check.name {
                    self.records.counts.insert(name.clone(), look.counts);
                    self.records.looks.insert(name.clone(), look.state);
                }
                let reference = self.reference_rows(check);
                return self.report_breaches(place, breaches, &reference, "");
            } else {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
    }

    async fn look_once(&self, check: &StateCheck) -> Result<Look, ProbeError> {
        let whole_run = check.every_key_has_evidence || check.every_life_can_be_told;
        let (key_values, audit_values) = self.row_values();
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
        Ok(look.await?.unwrap_or_default())
    }

    /// Every row of this scenario's deliveries; `None` without a database.
    pub(super) async fn rows_of_all(&self) -> Result<Option<ReceiverState>, ProbeError> {
        let (key_values, audit_values) = self.row_values();
        self.stage.look(move |probe| probe.rows_of(&key_values, &audit_values)).await
    }

    /// The values by which the two tables find this scenario's rows.
    fn row_values(&self) -> (Vec<String>, Vec<String>) {
        let Some(tables) = &self.stage.contract.state else { return (Vec::new(), Vec::new()) };
        let all = || self.records.deliveries.values().flatten();
        let values = |table: &Option<Table>| {
            let mut values: Vec<String> = table.iter().flat_map(|table| all().filter_map(|record| found_by(table, record))).collect();
            values.sort();
            values.dedup();
            values
        };
        (values(&tables.keys), values(&tables.audit))
    }

    /// What the reference remembers of the deliveries that a check speaks of, in words.
    fn reference_rows(&mut self, check: &StateCheck) -> String {
        let contract = std::sync::Arc::clone(&self.stage.contract);
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
                let value = self.records.one(name).and_then(|record| found_by(table, record))?;
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

    /// Asks the target something, until the answer fits or the step's time is over.
    pub(super) async fn ask(&mut self, place: Place<'_>, get: &Get) -> Result<(), Halt> {
        let path = self.path_of(&get.what).map_err(Halt::NotApplicable)?;
        let method = get.method.clone().unwrap_or_else(|| "GET".to_owned());
        let question = Delivery { method, path, ..Delivery::default() };
        let reference = self.reference_tells(&get.what, &question);
        let began = Moment::now();
        let patience = get.within.map_or(Duration::ZERO, |within| within.0);
        let contract = std::sync::Arc::clone(&self.stage.contract);
        loop {
            let exchange = self.stage.send(Shipment::plain(question.clone())).await;
            let answer = match &exchange.result {
                Ok(answer) => answer.clone(),
                Err(none) => return Err(Halt::Undecided(format!("step {} got no answer: {none}", place.number))),
            };
            let around = Surroundings { records: &self.records, took: exchange.took, forbidden: &self.stage.forbidden };
            let breaches: Vec<Breach> =
                place.step.answer.as_ref().map_or_else(Vec::new, |check| literal::judge(&contract, check, &answer, around));
            if !is_broken(&breaches) || began.elapsed() >= patience {
                if let Some(check) = &place.step.answer {
                    literal::capture(check, &answer, &mut self.records);
                }
                return self.report_breaches(place, breaches, &reference, &curl(&self.stage.origin, &question));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    fn path_of(&self, what: &Asked) -> Result<String, String> {
        let contract = &self.stage.contract;
        match what {
            Asked::Health => {
                contract.health.as_ref().map(|one| one.path.clone()).ok_or_else(|| "the contract names no health page".to_owned())
            }
            Asked::Endpoint => Ok(contract.endpoint.path.clone()),
            Asked::Path(path) => Ok(path.clone()),
            Asked::Metrics => {
                contract.metrics.as_ref().map(|one| one.path.clone()).ok_or_else(|| "the contract names no counters".to_owned())
            }
            Asked::Audit => {
                let url = contract.audit_url.as_ref().ok_or("the contract names no URL of the audit trail")?;
                let only = contract.state.as_ref().and_then(|tables| tables.audit.as_ref()?.only.as_ref());
                let event = only.map_or_else(String::new, |only| format!("&{}={}", url.event, only.is));
                Ok(format!("{}?{}={AUDIT_ROWS}{event}", url.path, url.limit))
            }
        }
    }

    /// What the reference says to the same question, in words.
    fn reference_tells(&mut self, what: &Asked, question: &Delivery) -> String {
        match what {
            Asked::Health => self.stage.contract.health.as_ref().map_or_else(String::new, |one| format!("{} {}", one.status, one.body)),
            Asked::Endpoint => {
                let answer = self.reference.deliver(question, self.stage.clock.now());
                answer.map_or_else(|failed| failed.to_string(), |answer| describe(&Ok(answer)))
            }
            Asked::Audit => {
                let rows = self.reference.store().newest_audit(AUDIT_ROWS, None).unwrap_or_default();
                rows.iter().take(4).map(ToString::to_string).collect::<Vec<_>>().join("\n")
            }
            Asked::Metrics => {
                self.reference.counters().iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join("\n")
            }
            Asked::Path(_) => "404".to_owned(),
        }
    }
}
