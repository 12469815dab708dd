//! Rewound rows: whether what was moved back is what the receiver reads.
//!
//! `--clock rewind` moves rows and nothing else. A receiver that keeps its keys
//! in memory beside their rows is right by its own clock, and answers
//! duplicates all the same; so does one that never forgets. Answers alone do not
//! tell the two apart, a restart does: it leaves a receiver its rows.
//!
//! In: what was found, when all is played. Where a key lived on whose row had
//! ended, a delivery of our own is tried, and what moved rows cannot show is
//! taken back. Nothing is sent where no key lived on. And where there is no row
//! of keys that were accepted, no time has passed for them.

use std::collections::BTreeSet;
use std::time::Duration;

use super::context::{Moved, RunContext};
use super::live::Live;
use crate::judge::{At, ScenarioEnd};
use crate::outcome::Outcome;
use crate::outcome::mismatch::{Kind, When};
use crate::report::lack::{Lack, Reason};
use crate::report::{Finding, ScenarioReport, Verdict, tally};
use crate::scenario::deliver::Deliver;
use crate::session::clocks::TargetClock;

/// So long after its end a key is asked for: whole seconds, and either side of the end conforms.
const PAST_THE_END: Duration = Duration::from_secs(2);

/// Why nothing can be said of keys whose rows were moved.
const FROM_MEMORY: &str = "the receiver answers from its memory: a key whose row was moved past its end stayed a duplicate, and was accepted anew after a restart, so that moved rows do not show when its keys end (--clock faketime or --clock wait do)";
/// What a reader should know where nobody can tell.
const IN_DOUBT: &str = "A key whose row was moved past its end stayed a duplicate. That is judged as a key that does not end; a receiver that keeps its keys in memory beside their rows would answer so, too. Where hookgate starts the receiver (--exec), a restart tells the two apart; --clock wait and --clock faketime let time pass for its memory as well.";

/// Why nothing can be said of keys whose rows are not there.
const NO_ROW: &str = "its keys were accepted, and no row of them was found whose time could be moved: for them no time has passed (--clock faketime or --clock wait lets it pass)";

impl Live<'_> {
    /// Takes note of how far rows were moved.
    ///
    /// * `rows`: how many; `None` where time passes in another way.
    ///
    /// # Errors
    /// [`ScenarioEnd::Undecided`] where keys were accepted and none has a row, so that the receiver's answers show nothing of time.
    pub(super) fn moved(&mut self, at: At<'_>, rows: Option<usize>, by: Duration) -> Result<(), ScenarioEnd> {
        let Some(rows) = rows else { return Ok(()) };
        let mut sent = at.bindings.deliveries.values().flatten();
        let reader = &self.context.setting.reader;
        // Rows that were there once may be gone: an expired key's row is cleaned up.
        if rows == 0 && self.moved_us == 0 && sent.any(|record| reader.read_result(&record.result, &record.values()).is(Outcome::Accepted))
        {
            return Err(ScenarioEnd::Undecided(format!("step {}: {NO_ROW}", at.number)));
        }
        self.moved_us = self.moved_us.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX));
        Ok(())
    }
}

impl RunContext {
    /// Where a key lived on after its row was moved past its end, sees why, and takes back what says nothing then.
    ///
    /// Returns the scenarios that are judged no more.
    pub(super) async fn doubt_moved_rows(&self, scenarios: &mut [ScenarioReport]) -> BTreeSet<String> {
        let lived_on = |one: &Finding| one.mismatch.kind == Kind::NewToldAsDuplicate && hangs_on_time(one);
        let rewinds = matches!(self.clock, TargetClock::Rewind { .. });
        if !rewinds || !scenarios.iter().flat_map(|one| &one.findings).any(lived_on) {
            return BTreeSet::new();
        }
        match self.moved_row.get_or_init(|| self.try_a_moved_row()).await {
            Some(Moved::LivesInMemory) => take_back(scenarios),
            Some(Moved::LivesForWhateverReason | Moved::Ends | Moved::LivesOn) | None => BTreeSet::new(),
        }
    }

    /// What a reader should know of keys that lived on after their rows had ended, where nobody can tell why.
    pub(super) fn doubts(&self) -> Option<String> {
        let is_open = self.moved_row.get().is_some_and(|moved| *moved == Some(Moved::LivesForWhateverReason));
        is_open.then(|| IN_DOUBT.to_owned())
    }

    /// Delivers a key of its own, moves its row past its end, and delivers it again; `None` where that shows nothing.
    async fn try_a_moved_row(&self) -> Option<Moved> {
        let plain = Deliver::default();
        let first = self.deliver(&self.supplies, &plain, None, 0).await.ok().filter(|seen| seen.set.is(Outcome::Accepted))?;
        let past = Duration::from_secs(self.ttl?).saturating_add(PAST_THE_END);
        self.clock.advance(past, std::slice::from_ref(&first.built.key)).await.ok()?;
        let again = self.deliver(&self.supplies, &plain, Some(&first.built), 0).await.ok()?;
        if !again.set.is(Outcome::Duplicate) {
            return again.set.is(Outcome::Accepted).then_some(Moved::Ends);
        }
        if !self.can_restart() {
            return Some(Moved::LivesForWhateverReason);
        }
        self.restart(true).await.ok()?;
        let after = self.deliver(&self.supplies, &plain, Some(&first.built), 0).await.ok()?;
        if after.set.is(Outcome::Accepted) {
            return Some(Moved::LivesInMemory);
        }
        after.set.is(Outcome::Duplicate).then_some(Moved::LivesOn)
    }
}

fn hangs_on_time(finding: &Finding) -> bool {
    finding.mismatch.when.contains(&When::Aged)
}

/// Takes back what was found of keys after time was to pass for them; the scenarios of which nothing else is left.
fn take_back(scenarios: &mut [ScenarioReport]) -> BTreeSet<String> {
    let mut left = BTreeSet::new();
    for scenario in scenarios.iter_mut().filter(|one| one.findings.iter().any(hangs_on_time)) {
        scenario.findings.retain(|one| !hangs_on_time(one));
        if scenario.findings.is_empty() {
            scenario.verdict = Verdict::Undecided;
            scenario.give_reason(Some(Reason::of(Lack::Clock, FROM_MEMORY)));
            left.insert(scenario.id.clone());
        } else {
            scenario.verdict = tally::scenario_verdict(&scenario.findings);
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::scenario::blank_report;
    use crate::outcome::mismatch::MismatchCode;
    use crate::scenario::expand::Loaded;

    /// What hangs on time is taken back, and nothing else; a scenario that found nothing else is undecided.
    #[test]
    fn what_hangs_on_time_is_taken_back() {
        let finding = |when: &[When]| Finding {
            mismatch: MismatchCode { when: when.to_vec(), ..MismatchCode::of(Kind::NewToldAsDuplicate) },
            ..Finding::default()
        };
        let scenario = |id: &str, findings: Vec<Finding>| {
            let scenario = serde_json::from_str(r#"{"title": "t", "shows": ["A-1"], "steps": []}"#).expect("a scenario");
            let loaded = Loaded { id: id.to_owned(), file: String::new(), variant: None, scenario };
            ScenarioReport { findings: findings.clone(), ..blank_report(&loaded, tally::scenario_verdict(&findings)) }
        };
        let mut all = [
            scenario("aged", vec![finding(&[When::Later, When::Aged])]),
            scenario("both", vec![finding(&[]), finding(&[When::Aged])]),
            scenario("plain", vec![finding(&[When::Later])]),
            scenario("passed", Vec::new()),
        ];
        assert_eq!(take_back(&mut all), BTreeSet::from(["aged".to_owned()]));
        let verdicts: Vec<(Verdict, usize)> = all.iter().map(|one| (one.verdict, one.findings.len())).collect();
        assert_eq!(verdicts, [(Verdict::Undecided, 0), (Verdict::Fail, 1), (Verdict::Fail, 1), (Verdict::Pass, 0)]);
        assert_eq!(all[0].lack, Some(Lack::Clock));
    }
}
