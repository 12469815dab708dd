//! Foreign text of a load's report: which of its members a secret may stand in.
//!
//! The report is taken apart whole, so that a member that is added is not
//! forgotten here.

use std::collections::BTreeMap;

use super::judging::Violation;
use super::report::LoadReport;
use super::streams::report::{StreamsReport, WrongEvent};
use crate::secret::{Foreign, Redactor};

impl Foreign for LoadReport {
    fn hide(&mut self, redactor: &Redactor) {
        let Self {
            schema: _,
            tool: _,
            target,
            contract: _,
            made_from: _,
            project,
            model: _,
            arrivals: _,
            started_at: _,
            users: _,
            seed: _,
            mix: _,
            feed,
            deliveries: _,
            operations: _,
            seconds: _,
            window: _,
            rate_per_s: _,
            wanted_per_s: _,
            dropped: _,
            resent: _,
            late: _,
            effort: _,
            kinds: _,
            latency_us: _,
            errors,
            curve: _,
            series: _,
            heat: _,
            knee,
            judged: _,
            undecided: _,
            keys: _,
            unexpected,
            requirements: _,
            violations,
            gates: _,
            kept_up: _,
            notes,
            workers: _,
            contracts: _,
            streams,
            verdict: _,
        } = self;
        target.hide(redactor);
        project.hide(redactor);
        feed.iter_mut().for_each(|feed| feed.file.hide(redactor));
        violations.hide(redactor);
        unexpected.hide(redactor);
        notes.hide(redactor);
        knee.iter_mut().flat_map(|knee| &mut knee.steps).for_each(|step| step.why.hide(redactor));
        let mut causes: BTreeMap<String, u64> = BTreeMap::new();
        for (mut cause, count) in std::mem::take(errors) {
            cause.hide(redactor);
            let sum = causes.entry(cause).or_default();
            *sum = sum.saturating_add(count);
        }
        *errors = causes;
        streams.hide(redactor);
    }
}

impl Foreign for StreamsReport {
    fn hide(&mut self, redactor: &Redactor) {
        // All else are numbers.
        let mut refused: BTreeMap<String, u64> = BTreeMap::new();
        for (mut cause, count) in std::mem::take(&mut self.refused) {
            cause.hide(redactor);
            let sum = refused.entry(cause).or_default();
            *sum = sum.saturating_add(count);
        }
        self.refused = refused;
        self.wrong.hide(redactor);
    }
}

impl Foreign for WrongEvent {
    fn hide(&mut self, redactor: &Redactor) {
        let Self { kind: _, stream, subscriber: _, key, why } = self;
        [stream, why].into_iter().for_each(|text| text.hide(redactor));
        key.hide(redactor);
    }
}

impl Foreign for Violation {
    fn hide(&mut self, redactor: &Redactor) {
        let Self { requirement: _, key, why, operations, rows, curl } = self;
        [key, why, curl].into_iter().for_each(|text| text.hide(redactor));
        operations.hide(redactor);
        rows.hide(redactor);
    }
}
