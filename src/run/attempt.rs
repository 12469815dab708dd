//! Attempts: one scenario, played against the target, and what came of it.
//!
//! Out: its report, what was sent, and what its keys were answered, for
//! their effects to be counted once more at the end of the run. What may
//! be the doing of those that a scenario had for company is told as that
//! ([`Again`]): it is played again, alone.

use std::sync::Arc;

use super::context::RunContext;
use super::executor::{Company, is_late};
use super::force::weigh;
use super::live::Live;
use super::recount::Uncounted;
use crate::clock::Moment;
use crate::history::Operation;
use crate::judge::scenario;
use crate::report::{ScenarioReport, Verdict};
use crate::scenario::expand::Loaded;

/// What came of a scenario.
#[derive(Debug)]
pub struct Attempt {
    /// What was found.
    pub report: ScenarioReport,
    /// What was sent.
    pub history: Vec<Operation>,
    /// Whose effects are to be counted once more.
    pub uncounted: Option<Uncounted>,
}

/// Why a scenario is to be played again, alone.
#[derive(Debug)]
pub enum Again {
    /// The receiver died while it was played.
    Died,
    /// What it counted may be the doing of others that counted.
    Counted,
    /// An answer was late, which may be the doing of all that was under way beside it. What came of it, should it not be played again.
    Late(Box<Attempt>),
}

/// Plays one scenario against the target.
///
/// What the reference itself gets wrong is no finding, and what a receiver without memory passes as well shows nothing of memory.
///
/// # Errors
/// [`Again`], when what was seen may be the doing of those that it had for company.
pub async fn play(context: &Arc<RunContext>, loaded: &Loaded, company: Company) -> Result<Attempt, Again> {
    let began = Moment::now();
    let mut attempt = match scenario::reference(&context.setting, &context.supplies.signer) {
        Err(failed) => {
            let mut report = scenario::blank_report(loaded, Verdict::Undecided);
            report.reason = Some(format!("the reference could not be set beside it: {failed}"));
            Attempt { report, history: Vec::new(), uncounted: None }
        }
        Ok(reference) => {
            let mut source = Live::new(context, loaded, company);
            let (report, _, answered) = scenario::play(&context.setting, &mut source, loaded, reference).await;
            let mut for_others = false;
            if report.verdict != Verdict::Pass && company != Company::Nobody && context.liveness.gone().is_none() {
                let in_time = context.catalogue.always.answers_in_time.as_ref();
                // That an answer is late is no doing of those that count.
                let counts = report.findings.is_empty() || report.findings.iter().any(|one| Some(&one.requirement) != in_time);
                if source.met_a_death() {
                    return Err(Again::Died);
                } else if company == Company::Counting && counts {
                    return Err(Again::Counted);
                }
                for_others = source.was_late_among_others() && is_late(context, &report);
            }
            if !source.met_a_death() {
                context.liveness.survived();
            }
            let under_way = source.take_under_way();
            let (history, mut report) = (source.into_history(), weigh(context, loaded, report).await);
            context.stand_beside(&loaded.id, &mut report.findings, &under_way).await;
            let attempt = Attempt { report, history, uncounted: Uncounted::of(context, loaded, answered) };
            if for_others && attempt.report.verdict == Verdict::Fail {
                let report = ScenarioReport { duration_ms: super::millis(began.elapsed()), ..attempt.report };
                return Err(Again::Late(Box::new(Attempt { report, ..attempt })));
            }
            attempt
        }
    };
    attempt.report.duration_ms = super::millis(began.elapsed());
    Ok(attempt)
}
