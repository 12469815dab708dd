//! Questions: what the receiver tells when it is asked.

use std::time::Duration;

use crate::delivery::Delivery;
use crate::judge::check::literal::{self, Surroundings};
use crate::judge::check::{Mismatch, describe, is_broken};
use crate::judge::findings::StepContext;
use crate::judge::scenario::{Play, answer_of};
use crate::judge::{At, ScenarioEnd, Source};
use crate::reference::store::Store as _;
use crate::scenario::deliver::{Asked, Get};

/// How many audit rows the reference shows beside a question.
const AUDIT_ROWS: usize = 500;

impl<S: Source> Play<'_, S> {
    /// Asks the target something, until the answer fits or the step's time is over.
    pub(in crate::judge) async fn ask(&mut self, place: StepContext<'_>, get: &Get) -> Result<(), ScenarioEnd> {
        let patience = get.within.map_or(Duration::ZERO, |within| within.0);
        let mut tries = 0;
        let mut reference: Option<String> = None;
        loop {
            let at = At { number: place.number, bindings: &self.bindings, keys: &self.keys };
            let Some(told) = self.source.ask(at, get).await? else {
                // What was captured is not kept, and what follows may speak of it.
                let captures = place.step.answer.as_ref().is_some_and(|check| !check.capture.is_empty());
                return if captures { Err(ScenarioEnd::NotKept) } else { Ok(()) };
            };
            self.report.rests_on.insert("pages".to_owned());
            let reference = reference.get_or_insert_with(|| self.reference_tells(&get.what, &told.question)).clone();
            let answer = answer_of(place.number, &told.result)?;
            let around = Surroundings { bindings: &self.bindings, took: told.took, forbidden: &[&self.setting.forbidden] };
            let check = place.step.answer.as_ref();
            let mismatches: Vec<Mismatch> =
                check.map_or_else(Vec::new, |check| literal::judge(self.setting.contract(), check, &answer, around));
            let at = At { number: place.number, bindings: &self.bindings, keys: &self.keys };
            if !is_broken(&mismatches) || !self.source.give_time(at, patience, tries).await? {
                if let Some(check) = check {
                    literal::capture(check, &answer, &mut self.bindings);
                }
                if matches!(get.what, Asked::Audit | Asked::Metrics) {
                    self.excuse_counts(place, &mismatches)?;
                }
                return self.file(place, mismatches, &reference, &self.setting.curl.line(&told.question));
            }
            tries += 1;
        }
    }

    /// What the reference says to the same question, in words.
    fn reference_tells(&mut self, what: &Asked, question: &Delivery) -> String {
        match what {
            Asked::Health => {
                let health = self.setting.contract().health.as_ref();
                health.map_or_else(String::new, |one| format!("{} {}", one.status, one.body))
            }
            Asked::Endpoint => {
                let answer = self.reference.deliver(question, self.source.now());
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
