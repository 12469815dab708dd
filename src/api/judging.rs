//! Judging: plans are played, and what came of them is compared, counted and hidden; for tests and the command line alike.
//!
//! In: plans of one target under one contract, and what becomes of their
//! outcome ([`Afterwards`]). Out: [`Judged`], in which no secret is left. Who
//! prints or writes it takes it from here.
//!
//! Start at [`judge`].

use std::path::{Path, PathBuf};

use tokio::sync::watch;

use super::repeat::run_all;
use crate::history::{Operation, hidden_answers};
use crate::report::manifest::MadeFrom;
use crate::report::required::required;
use crate::report::{ProjectFacts, Report, tally};
use crate::run::steps::snapshot::{SnapshotChoice, compare};
use crate::run::{OnDone, Outcome, Plan};
use crate::secret::{Redacted, Redactor};
use crate::session::error::SessionError;
use crate::snapshot::kept::Kept;

/// Says of the path of a scenario's file whether that is one of the user's own.
pub(crate) type IsOwn = Box<dyn Fn(&str) -> bool + Send>;

/// Whose scenarios are the user's own: those of these files, and those in these folders.
pub(crate) fn is_own(named: Vec<String>, folders: Vec<PathBuf>) -> IsOwn {
    Box::new(move |file| {
        let path = Path::new(file);
        let is_named = named.iter().any(|one| one == file);
        (is_named || folders.iter().any(|folder| path.starts_with(folder))) && path.is_file()
    })
}

/// What becomes of an outcome.
pub(crate) struct Afterwards {
    /// Hides every secret of the plans.
    pub(crate) redactor: Redactor,
    /// What cannot be hidden, for the report.
    pub(crate) warnings: Vec<String>,
    /// What the report is made from.
    pub(crate) made_from: MadeFrom,
    /// The project file that was in force.
    pub(crate) project: Option<ProjectFacts>,
    /// Requirements that must have been judged: names, `*` for any characters.
    pub(crate) required: Vec<String>,
    /// Reviewed snapshots to compare with.
    pub(crate) snapshots: Option<SnapshotChoice>,
    /// Which scenarios are the user's own, so that what is found can be shown beside them.
    pub(crate) is_own: IsOwn,
}

/// What was judged, without a secret in it.
pub(crate) struct Judged {
    /// The report; of several runs, that of the worst.
    pub(crate) report: Redacted<Report>,
    /// Every delivery.
    pub(crate) history: Vec<Redacted<Operation>>,
    /// Every snapshot, and what became of it.
    pub(crate) kept: Redacted<Kept>,
    /// What the target has written, when hookgate has started it.
    pub(crate) target_output: Option<String>,
    /// Why nothing could be judged, when nothing could.
    pub(crate) failed: Option<SessionError>,
    /// Why snapshots were not compared, when they were not.
    pub(crate) not_compared: Option<String>,
}

/// Plays plans one after the other; without plans nothing is judged.
pub(crate) async fn judge(plans: Vec<Plan>, on_done: OnDone, interrupted: watch::Receiver<bool>, after: Afterwards) -> Option<Judged> {
    run_all(plans, on_done, interrupted).await.map(|outcome| conclude(outcome, after))
}

/// Compares, counts and hides what came of a run.
pub(crate) fn conclude(outcome: Outcome, after: Afterwards) -> Judged {
    let Outcome { mut report, history, snapshots, target_output, failed } = outcome;
    report.run.notes.extend(after.warnings);
    if !after.required.is_empty() {
        let facts = required(&after.required, &report.requirements);
        // A part of a suite cannot tell: what is joined from all of them does.
        if failed.is_none() && report.run.shard.is_none() && !facts.missing.is_empty() {
            tally::fail(&mut report.summary);
        }
        report.required = Some(facts);
    }
    let mut kept = Kept::of(snapshots.iter().cloned());
    let mut not_compared = None;
    if let (Some(choice), None) = (&after.snapshots, &failed) {
        match compare(&snapshots, &mut kept, choice, &report.contract) {
            Ok(facts) => {
                if facts.fails {
                    tally::fail(&mut report.summary);
                }
                report.snapshots = Some(facts);
            }
            Err(cause) => {
                kept = Kept::of(snapshots.iter().cloned());
                let why = format!("snapshots were not compared: {cause}");
                report.run.ended_early.get_or_insert_with(|| why.clone());
                report.summary.verdict = tally::overall(&report.summary, report.run.ended_early.as_deref());
                not_compared = Some(after.redactor.text(&why).into_owned());
            }
        }
    }
    report.made_from = after.made_from;
    report.project = after.project;
    for scenario in &mut report.scenarios {
        scenario.own = (after.is_own)(&scenario.file);
    }
    let redactor = after.redactor;
    let history: Vec<Redacted<Operation>> = history.into_iter().map(|one| redactor.redacted(one)).collect();
    report.run.hidden_answers = hidden_answers(history.iter().map(std::ops::Deref::deref)) as u64;
    let target_output = target_output.map(|output| redactor.text(&output).into_owned());
    Judged { report: redactor.redacted(report), kept: redactor.redacted(kept), history, target_output, failed, not_compared }
}
