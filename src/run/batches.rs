//! Batches: scenarios played in one context, one batch after the other, and what a report needs when the last is over.
//!
//! In: a [`Plan`], and scenarios whenever there are some. Out: what came of
//! each batch ([`Played`]): its reports with everything that was found in
//! them, and its deliveries. Nothing of a batch is kept, so that an engine may
//! play as many as its time allows; what it hands back at the end is reported.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::concurrency::Concurrency;
use super::context::RunContext;
use super::executor::{self, Company, End, Executor};
use super::{OnDone, Outcome, Plan, assemble, explanation, millis, shortened_note, unasked};
use crate::clock::Moment;
use crate::files::turn::Turn;
use crate::history::{Operation, sent_again_note};
use crate::judge::scenario::blank_report;
use crate::report::merge::fails_beside_its_scenarios;
use crate::report::{HistoryFacts, Report, RunFacts, ScenarioReport, Verdict, causes, tally};
use crate::scenario::expand::Loaded;
use crate::session::error::SessionError;
use crate::session::until_true;

/// A context in which scenarios are played.
pub struct Batches {
    context: Arc<RunContext>,
    executor: Executor,
    began: Moment,
    started_at: String,
    /// Whether effects are counted once more after each batch.
    counts_late_work: bool,
}

/// What came of a batch.
#[derive(Default)]
pub struct Played {
    /// A report of each scenario, in the order of the ids.
    pub scenarios: Vec<ScenarioReport>,
    /// Every delivery of those that were judged.
    pub history: Vec<Operation>,
    /// Whether some order of events explains them, where answers alone can say.
    pub explained: Option<HistoryFacts>,
    /// How many deliveries went twice because their connection was closed by the receiver.
    pub sent_again: usize,
    /// Those of which nothing is said, because their time was over before they were played to their end.
    pub broken_off: Vec<Loaded>,
}

impl Batches {
    /// Sets the context up.
    ///
    /// * `began`, `started_at`: when the run did.
    ///
    /// # Errors
    /// [`SessionError`]: why nothing can be judged.
    pub async fn begin(
        plan: &Plan,
        on_done: OnDone,
        mut interrupted: watch::Receiver<bool>,
        (began, started_at): (Moment, String),
    ) -> Result<Self, SessionError> {
        let context = tokio::select! {
            biased;
            () = until_true(&mut interrupted) => Err(SessionError::Interrupted),
            set = RunContext::set(plan) => set,
        }?;
        let context = Arc::new(context);
        let executor = Executor {
            context: Arc::clone(&context),
            on_done,
            interrupted,
            fail_fast: plan.fail_fast,
            began,
            time_limit: plan.time_limit,
            concurrency: Concurrency::new(plan.jobs, plan.contract.limits.answer.0),
            known: plan.baseline.clone(),
            // Other runs may be at the same database, each in a process of its own.
            turn: Turn::at(plan.evidence.file().as_deref()),
            judged: Vec::new(),
            left: BTreeSet::new(),
            again: Vec::new(),
            late: executor::Late::default(),
            uncounted: Vec::new(),
            suspects: Vec::new(),
            bound: None,
            broken_off: Vec::new(),
            end: None,
        };
        Ok(Self { context, executor, began, started_at, counts_late_work: true })
    }

    /// Leaves work that is late alone, unless time costs nothing: whoever plays many batches cannot wait after each.
    pub fn spare_late_work(&mut self) {
        self.counts_late_work = self.context.clock.is_of_the_reference();
    }

    /// What all scenarios share.
    #[must_use]
    pub fn context(&self) -> &Arc<RunContext> {
        &self.context
    }

    /// Why nothing more is played, when that is so.
    #[must_use]
    pub fn end(&self) -> Option<&End> {
        self.executor.end.as_ref()
    }

    /// Plays scenarios for so long at the most; what is under way then is broken off.
    pub async fn play_within(&mut self, scenarios: Vec<Loaded>, time: Duration) -> Played {
        self.executor.bound = Some((Moment::now(), time));
        let played = self.play(scenarios).await;
        self.executor.bound = None;
        played
    }

    /// Plays scenarios; those that do not apply here are told with the reason.
    pub async fn play(&mut self, scenarios: Vec<Loaded>) -> Played {
        let (context, executor) = (Arc::clone(&self.context), &mut self.executor);
        let restarts = restarts_in(&scenarios);
        let (mut together, mut counting, mut alone) = (Vec::new(), Vec::new(), Vec::new());
        for loaded in scenarios {
            let reason = context.reason_not_to_play(&loaded).map(|reason| (Verdict::NotApplicable, reason));
            if let Some((verdict, reason)) =
                reason.or_else(|| context.reason_not_to_judge(&loaded).map(|reason| (Verdict::Undecided, reason)))
            {
                let mut skipped = blank_report(&loaded, verdict);
                skipped.give_reason(Some(reason));
                (executor.on_done)(&skipped);
                executor.judged.push(skipped);
                continue;
            }
            match context.company_of(&loaded.scenario) {
                Company::Others => together.push(loaded),
                Company::Counting => counting.push(loaded),
                Company::Nobody => alone.push(loaded),
            }
        }
        executor.play_all(together, Company::Others).await;
        executor.play_all(counting, Company::Counting).await;
        alone.append(&mut executor.again);
        let restarted = !restarts_in(&alone).is_empty();
        if self.counts_late_work && restarted {
            executor.count_before_a_restart().await;
        }
        executor.play_all(alone, Company::Nobody).await;
        if self.counts_late_work {
            executor.count_late_work().await;
        }
        executor.uncounted.clear();
        let mut scenarios = std::mem::take(&mut executor.judged);
        let (suspects, mut left) = (std::mem::take(&mut executor.suspects), std::mem::take(&mut executor.left));
        context.blame(&suspects, &mut scenarios);
        context.settle(&mut scenarios);
        left.extend(context.doubt_moved_rows(&mut scenarios).await);
        scenarios.sort_by(|a, b| a.id.cmp(&b.id));
        let mut history = context.take_history();
        // What was sent for a scenario that was not judged to its end says nothing.
        history.retain(|one| !left.contains(&one.scenario));
        explanation::count_statuses(&mut scenarios, &history);
        let explained = explanation::explain(&history, &context.contract, context.ttl);
        if let Some(facts) = &explained {
            explanation::add_findings(&mut scenarios, facts, &context.contract, &context.catalogue);
        }
        let remarks = context.sender().remarks().await;
        unasked::add_findings(&mut scenarios, &remarks, &history, (&context.contract, &context.catalogue, &context.setting.curl));
        let sent_again = history.iter().filter(|one| one.goes_again && !restarts.contains(&(one.scenario.clone(), one.step))).count();
        Played { scenarios, history, explained, sent_again, broken_off: std::mem::take(&mut executor.broken_off) }
    }

    /// Ends the session, and reports what was played.
    ///
    /// * `played`: what the report is to tell of.
    pub async fn close(self, plan: Plan, mut played: Played) -> Outcome {
        let Self { context, executor, began, started_at, .. } = self;
        let Executor { end, concurrency, .. } = executor;
        causes::attribute(&mut played.scenarios);
        let today = started_at.split('T').next().unwrap_or_default().to_owned();
        let baseline = plan.baseline.as_ref().map(|baseline| baseline.apply(&mut played.scenarios, &today));
        let Played { scenarios, history, explained, sent_again, broken_off: _ } = played;
        let facts = RunFacts {
            shard: plan.shard,
            contract_file: plan.contract_file,
            ttl_secs: plan.ttl,
            seed: plan.seed,
            started_at,
            duration_ms: millis(began.elapsed()),
            clock: context.clock.name().to_owned(),
            jobs: concurrency.most_so_far(),
            deliveries: history.len() as u64,
            hidden_answers: 0,
            ended_early: end.as_ref().and_then(End::ended_early),
            arguments: plan.arguments,
            visiting: plan.visiting,
            notes: end
                .iter()
                .filter_map(End::note)
                .chain(shortened_note(&scenarios))
                .chain(sent_again_note(sent_again))
                .chain(context.notes())
                .collect(),
        };
        let target = context.target_facts().await;
        context.shutdown().await;
        let target_output = context.target_output();
        let assembled = assemble(&plan.contract, &plan.catalogue, plan.level, facts, target, scenarios);
        let mut report = Report { history: explained, baseline, visit: Some(context.visited().clone()), ..assembled };
        report.causes = causes::causes(&report);
        if fails_beside_its_scenarios(&report) {
            tally::fail(&mut report.summary);
        }
        Outcome { report, history, snapshots: context.take_snapshots(), target_output, failed: None }
    }
}

/// The steps, by scenario and number, that start the receiver anew: that a connection was closed under them says nothing of anybody.
fn restarts_in(scenarios: &[Loaded]) -> BTreeSet<(String, usize)> {
    let of_one = |one: &Loaded| {
        let steps = one.scenario.steps.iter().zip(1_usize..).filter(|(step, _)| step.restart.is_some());
        steps.map(|(_, number)| (one.id.clone(), number)).collect::<Vec<_>>()
    };
    scenarios.iter().flat_map(of_one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    /// What our own kill broke off is no news of the receiver; what broke in another step is.
    #[test]
    fn steps_that_start_the_receiver_anew_are_known() {
        let steps =
            r#"[{"deliver": {"as": "before"}}, {"restart": {"kill": true, "under_way": {"senders": 4, "answers": 8}}}, {"deliver": {}}]"#;
        let scenario: Scenario =
            serde_json::from_str(&format!(r#"{{"title": "t", "shows": ["A-1"], "steps": {steps}}}"#)).expect("a scenario");
        let all = [Loaded { id: "restart/x".to_owned(), file: String::new(), variant: None, scenario }];
        assert_eq!(restarts_in(&all), BTreeSet::from([("restart/x".to_owned(), 2)]));
    }
}
