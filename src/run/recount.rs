//! Recounts: effects counted once more, when there was time for all work that may be late.
//!
//! A count that is right says nothing of what is done a moment later, so
//! no pass rests on it alone. In: what the keys of each scenario were
//! answered, and the reports. Out: the same reports, with the work that was
//! done too often since. All scenarios are waited for together, and only for
//! what is left since the last answer: that costs a run one `effects.within` at the most.

use std::sync::Arc;
use std::time::Duration;

use super::context::RunContext;
use super::executor::{Company, End, Executor};
use super::force::weigh;
use super::live::Live;
use crate::clock::span;
use crate::judge::ScenarioEnd;
use crate::judge::effects::{AnsweredKeys, count_again};
use crate::report::Verdict;
use crate::scenario::expand::Loaded;
use crate::session::until_true;

/// A scenario whose effects are to be counted once more.
#[derive(Debug)]
pub struct Uncounted {
    loaded: Loaded,
    answered: AnsweredKeys,
}

impl Uncounted {
    /// What is to be counted of a scenario; nothing where effects cannot be.
    #[must_use]
    pub fn of(context: &RunContext, loaded: &Loaded, answered: AnsweredKeys) -> Option<Self> {
        let counts = context.sources.effects.is_some() && !answered.is_empty();
        counts.then(|| Self { loaded: loaded.clone(), answered })
    }
}

impl Executor {
    /// Counts what is there by now of scenarios that are counted once more in the end: a receiver that counts in memory forgets it when
    /// it is started again.
    pub async fn count_before_a_restart(&mut self) {
        let uncounted = std::mem::take(&mut self.uncounted);
        for one in &uncounted {
            if self.end.is_some() || self.count_once_more(one).await.is_err() {
                break; // whoever counts is asked again in the end
            }
        }
        self.uncounted = uncounted;
    }

    /// Waits until all work is over that may be late, and counts once more; where a run ends early, what is there by then.
    pub async fn count_late_work(&mut self) {
        let uncounted = std::mem::take(&mut self.uncounted);
        if uncounted.is_empty() {
            return;
        }
        let ended_early = self.end.is_some();
        let mut lacks = if ended_early { None } else { self.wait_for_late_work().await.err() };
        for one in &uncounted {
            if let Err(why) = self.count_once_more(one).await {
                lacks.get_or_insert(why);
                break;
            }
        }
        // Who ends a run is told that it ended early, and takes what is known.
        let Some(why) = lacks.filter(|_| !ended_early && !matches!(self.end, Some(End::Interrupted | End::FirstFailure))) else { return };
        for report in self.judged.iter_mut().filter(|report| uncounted.iter().any(|one| one.loaded.id == report.id)) {
            if matches!(report.verdict, Verdict::Pass | Verdict::Warn) {
                report.verdict = Verdict::Undecided;
                report.give_reason(Some(why.clone().into()));
            }
        }
    }

    /// Gives the receiver what is left of the time that its work may take after its last answer.
    ///
    /// # Errors
    /// One sentence: why there was not enough of it.
    async fn wait_for_late_work(&mut self) -> Result<(), String> {
        let within = self.context.contract.looks_for_late_work();
        let clock = &self.context.clock;
        if clock.moves_everyone() {
            clock.advance(within, &[]).await?;
        }
        let left = if clock.is_of_the_reference() { Duration::ZERO } else { within.saturating_sub(self.context.quiet_for()) };
        let time = self.time_limit.saturating_sub(self.began.elapsed());
        tokio::select! {
            biased;
            () = until_true(&mut self.interrupted) => {
                self.end.get_or_insert(End::Interrupted);
                Ok(())
            }
            () = tokio::time::sleep(left.min(time)) => {
                if left <= time {
                    return Ok(());
                }
                let end = self.out_of_time();
                self.end.get_or_insert(end);
                Err(format!(
                    "its effects were not counted once more: the work may be done up to {} after its answer, and the time limit of the run was over",
                    span::write(within)
                ))
            }
        }
    }

    /// Counts the effects of one scenario, and files what was done too often since.
    ///
    /// # Errors
    /// One sentence: why they cannot be counted.
    async fn count_once_more(&mut self, one: &Uncounted) -> Result<(), String> {
        let context = Arc::clone(&self.context);
        let Some(place) = self.judged.iter().position(|report| report.id == one.loaded.id) else { return Ok(()) };
        let known = self.judged.get(place).filter(|report| !matches!(report.verdict, Verdict::Fail | Verdict::Undecided));
        let Some(mut report) = known.cloned() else { return Ok(()) };
        let mut source = Live::new(&context, &one.loaded, Company::Others);
        match count_again(&context.setting, &mut source, &one.loaded, &one.answered, &mut report).await {
            Ok(true) => {}
            Err(ScenarioEnd::Undecided(why)) => return Err(format!("its effects could not be counted once more: {why}")),
            Ok(false) | Err(ScenarioEnd::NotApplicable(_) | ScenarioEnd::Broken | ScenarioEnd::NotKept | ScenarioEnd::Lacks(_)) => {
                return Ok(());
            }
        }
        let report = weigh(&context, &one.loaded, report).await;
        self.stops_at(&report);
        if let Some(stands) = self.judged.get_mut(place) {
            *stands = report;
        }
        Ok(())
    }
}
