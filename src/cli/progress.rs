//! Progress on a terminal: how many scenarios are done, and what has failed.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::report::human::one_line;
use crate::report::{ScenarioReport, Verdict};

/// A line that is drawn while a run is under way, and gone afterwards.
#[derive(Clone)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A line for `total` scenarios; nothing is drawn unless `live`.
    pub(crate) fn new(total: usize, live: bool) -> Self {
        let target = if live { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total as u64), target);
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        Self { bar }
    }

    /// One scenario is done.
    pub(crate) fn done(&self, report: &ScenarioReport) {
        self.bar.inc(1);
        match report.verdict {
            Verdict::Fail | Verdict::Undecided => self.bar.println(line(report)),
            Verdict::Pass | Verdict::Warn | Verdict::NotApplicable | Verdict::Known => self.bar.set_message(report.id.clone()),
        }
    }

    /// One of many sequences was tried; what fails is told when it was shortened.
    pub(crate) fn tried(&self, report: &ScenarioReport) {
        self.bar.inc(1);
        self.bar.set_message(report.id.clone());
    }

    /// The run is over: the line goes.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// What is told of a scenario while others are still played: what it found first.
fn line(report: &ScenarioReport) -> String {
    let first = |text: &str| one_line(text.lines().next().unwrap_or_default());
    let found = report
        .findings
        .first()
        .map(|one| format!("  {}: expected {}, observed {}", one.requirement, first(&one.expected), first(&one.observed)));
    let reason = || report.reason.as_deref().map(|reason| format!("  {}", first(reason)));
    format!("{} {}{}", report.verdict.name(), one_line(&report.id), found.or_else(reason).unwrap_or_default())
}
