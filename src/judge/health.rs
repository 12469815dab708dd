//! Health: a receiver lives before and after every scenario.

use std::sync::Arc;

use super::findings::{self, Beside, StepContext};
use super::scenario::Play;
use super::{ScenarioEnd, Source};
use crate::clock::span;
use crate::judge::check::{Mismatch, describe};
use crate::outcome::mismatch::{Kind, MismatchCode};
use crate::scenario::Step;

impl<S: Source> Play<'_, S> {
    /// The receiver answers its health check before and after every scenario.
    pub(super) async fn check_health(&mut self, when: &str) -> Result<(), ScenarioEnd> {
        let Some(health) = self.source.health().await else { return Ok(()) };
        let contract = Arc::clone(self.setting.contract());
        let page = contract.health.as_ref();
        // Without a page of its own, every answer but a failure shows that it lives.
        let is_well = health.as_ref().is_ok_and(|answer| page.map_or(answer.status < 500, |page| answer.status == page.status));
        if is_well {
            return Ok(());
        }
        if let Err(none) = health.as_ref()
            && none.is_premature(contract.limits.answer.0)
        {
            return Err(ScenarioEnd::Undecided(format!(
                "the health check {when} the scenario was given up before the contract's time was over: {none} ({} are allowed)",
                span::write(contract.limits.answer.0)
            )));
        }
        let path = page.map_or(&contract.endpoint.path, |page| &page.path);
        let wanted = page.map_or_else(|| "it".to_owned(), |page| page.status.to_string());
        let observed = describe(&health);
        if let Some(requirement) = self.setting.catalogue.always.lives.clone() {
            let asked = if page.is_some() { format!("GET {path} answers {wanted}") } else { format!("{path} is answered") };
            let mismatch = Mismatch::must(format!("{asked} {when} the scenario"), observed.clone()).of(MismatchCode::of(Kind::Unwell));
            let step = Step::default();
            // Without a page it is an honest delivery that is asked with.
            let line = page.map_or_else(String::new, |page| self.setting.curl.question(&page.path));
            let place = StepContext { number: 0, step: &step };
            findings::add(&mut self.report, self.setting, place, requirement, &mismatch, Beside { reference: &wanted, curl: &line });
        }
        Err(ScenarioEnd::Undecided(format!("the receiver did not answer its health check {when} the scenario: {observed}")))
    }
}
