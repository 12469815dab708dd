//! Foreign text of a report: which of its members a secret may stand in.
//!
//! Verdicts, levels, ids of scenarios and requirements, and the sentences of a
//! catalogue are ours, and stay to the letter. Values are taken apart whole,
//! so that a member that is added is not forgotten here.

use super::causes::causes;
use super::streams::{StreamLane, StreamMark, StreamsFacts};
use super::timeline::TimelineSpan;
use super::{
    BaselineFacts, BurstFacts, Finding, HistoryFacts, HistoryWitness, ProjectFacts, Report, RunFacts, ScenarioReport, SnapshotFacts, Target,
};
use crate::report::visited;
use crate::secret::{Foreign, Redactor};
use crate::state::TableShape;
use crate::visit::{Refused, Visit};

impl Foreign for Report {
    fn hide(&mut self, redactor: &Redactor) {
        let Self {
            schema: _,
            tool: _,
            run,
            target,
            contract: _,
            made_from: _,
            project,
            summary: _,
            causes: _,
            visit,
            history,
            baseline,
            snapshots,
            required,
            repeat: _,
            scenarios,
            requirements,
        } = self;
        run.hide(redactor);
        project.hide(redactor);
        target.hide(redactor);
        visit.hide(redactor);
        history.hide(redactor);
        baseline.hide(redactor);
        snapshots.hide(redactor);
        required.iter_mut().flat_map(|one| &mut one.missing).for_each(|one| one.reason.hide(redactor));
        scenarios.hide(redactor);
        requirements
            .iter_mut()
            .flat_map(|one| [&mut one.reason, &mut one.excluded, &mut one.not_promised])
            .for_each(|one| one.hide(redactor));
        // Their examples are texts of findings: they are made anew from what is hidden by now.
        self.causes = causes(self);
    }
}

impl Foreign for ProjectFacts {
    fn hide(&mut self, redactor: &Redactor) {
        let Self { file, profile, sha256: _ } = self;
        file.hide(redactor);
        profile.hide(redactor);
    }
}

impl Foreign for Visit {
    fn hide(&mut self, redactor: &Redactor) {
        let Self { lines, refused } = self;
        lines.iter_mut().for_each(|line| line.observed.hide(redactor));
        if let Some(Refused { code: _, facts, sentence: _, advice: _, expected: _, observed, status: _, requirement: _, curl, .. }) =
            refused
        {
            facts.values_mut().for_each(|value| value.hide(redactor));
            [observed, curl].into_iter().for_each(|text| text.hide(redactor));
        }
        // Their facts are foreign, their words are ours.
        visited::retell(self);
    }
}

impl Foreign for Target {
    fn hide(&mut self, redactor: &Redactor) {
        let Self { url, built_in: _, database, tables, command, output, effects } = self;
        [url].into_iter().chain(database).chain(command).for_each(|text| text.hide(redactor));
        tables.hide(redactor);
        effects.hide(redactor);
        hide_lines(output, redactor);
    }
}

/// Lines of one text: a secret may go over from one to the next.
fn hide_lines(lines: &mut Vec<String>, redactor: &Redactor) {
    let mut whole = lines.join("\n");
    whole.hide(redactor);
    *lines = whole.lines().map(str::to_owned).collect();
}

impl Foreign for TableShape {
    fn hide(&mut self, redactor: &Redactor) {
        self.table.hide(redactor);
        for column in &mut self.columns {
            column.name.hide(redactor);
            column.kind.hide(redactor);
            column.default.hide(redactor);
        }
    }
}

impl Foreign for RunFacts {
    fn hide(&mut self, redactor: &Redactor) {
        let Self {
            arguments,
            ended_early,
            notes,
            started_at: _,
            clock: _,
            seed: _,
            duration_ms: _,
            jobs: _,
            deliveries: _,
            hidden_answers: _,
            shard: _,
            ttl_secs: _,
            contract_file,
            visiting,
        } = self;
        visiting.hide(redactor);
        contract_file.hide(redactor);
        arguments.hide(redactor);
        ended_early.hide(redactor);
        notes.hide(redactor);
    }
}

impl Foreign for BaselineFacts {
    fn hide(&mut self, redactor: &Redactor) {
        let Self { file, entries: _, stale, holding } = self;
        file.hide(redactor);
        stale.hide(redactor);
        holding.hide(redactor);
    }
}

impl Foreign for SnapshotFacts {
    fn hide(&mut self, redactor: &Redactor) {
        let Self { folder, new: _, changed, unreferenced, matched: _, pending: _, fails: _ } = self;
        folder.hide(redactor);
        changed.hide(redactor);
        unreferenced.hide(redactor);
    }
}

impl Foreign for HistoryFacts {
    fn hide(&mut self, redactor: &Redactor) {
        self.witnesses.hide(redactor);
    }
}

impl Foreign for HistoryWitness {
    fn hide(&mut self, redactor: &Redactor) {
        let Self { key, scenario: _, kind: _, why, operations, lanes } = self;
        key.hide(redactor);
        why.hide(redactor);
        operations.hide(redactor);
        lanes.hide(redactor);
    }
}

impl Foreign for TimelineSpan {
    fn hide(&mut self, redactor: &Redactor) {
        let Self { key, start_us: _, took_us: _, got, stream } = self;
        key.hide(redactor);
        got.hide(redactor);
        stream.hide(redactor);
    }
}

impl Foreign for StreamsFacts {
    fn hide(&mut self, redactor: &Redactor) {
        self.lanes.hide(redactor);
    }
}

impl Foreign for StreamLane {
    fn hide(&mut self, redactor: &Redactor) {
        let Self { step: _, name: _, last_event_id, marks } = self;
        last_event_id.hide(redactor);
        marks.hide(redactor);
    }
}

impl Foreign for StreamMark {
    fn hide(&mut self, redactor: &Redactor) {
        let Self { at_us: _, event, id, key } = self;
        event.hide(redactor);
        id.hide(redactor);
        key.hide(redactor);
    }
}

impl Foreign for ScenarioReport {
    fn hide(&mut self, redactor: &Redactor) {
        let Self {
            id: _,
            title,
            titles,
            verdict: _,
            reason,
            lack: _,
            shows: _,
            duration_ms: _,
            file,
            own: _,
            without_force: _,
            no_force: _,
            shortened: _,
            rests_on: _,
            statuses: _,
            findings,
            bursts,
            streams,
        } = self;
        title.hide(redactor);
        titles.values_mut().for_each(|title| title.hide(redactor));
        reason.hide(redactor);
        file.hide(redactor);
        findings.hide(redactor);
        bursts.hide(redactor);
        streams.hide(redactor);
    }
}

impl Foreign for BurstFacts {
    fn hide(&mut self, redactor: &Redactor) {
        self.lanes.hide(redactor);
    }
}

impl Foreign for Finding {
    fn hide(&mut self, redactor: &Redactor) {
        let Self {
            step_name,
            expected,
            reference,
            observed,
            curl,
            output,
            exception,
            requirement: _,
            level: _,
            step: _,
            line: _,
            mismatch: _,
            filed: _,
            output_shared: _,
        } = self;
        hide_lines(output, redactor);
        exception.hide(redactor);
        step_name.hide(redactor);
        [expected, reference, observed, curl].into_iter().for_each(|text| text.hide(redactor));
    }
}
