//! Progress on a terminal: how many scenarios are done, and what has failed.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

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
            Verdict::Fail | Verdict::Undecided => self.bar.println(format!("{} {}", report.verdict.name(), report.id)),
            Verdict::Pass | Verdict::Warn | Verdict::NotApplicable | Verdict::Known => self.bar.set_message(report.id.clone()),
        }
    }

    /// The run is over: the line goes.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
