//! Verdicts on loads, as a test author reads them: what was measured, whether thresholds hold, and what is broken.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::load_folder;
use super::verdict::Judged;
use crate::load::gate::GateResult;
use crate::load::render::sentences;
use crate::load::report::LoadReport;
use crate::report::human::{copyable, one_line};
use crate::report::language::Language;
use crate::report::{Overall, Verdict};
use crate::secret::Redacted;

/// So many keys of which a promise is broken are told.
const MOST_VIOLATIONS: usize = 3;

/// What a load has come to.
///
/// Its `Display` is what a failing test should print: the verdict with what was measured, each threshold that does not hold,
/// each requirement that is broken with a key that shows it, and what a reader should know.
#[derive(Clone)]
pub struct LoadVerdict {
    report: Redacted<LoadReport>,
    latency: Option<Histogram<u64>>,
    folder: Option<PathBuf>,
}

impl LoadVerdict {
    pub(super) fn of(report: Redacted<LoadReport>, latency: Option<Histogram<u64>>, folder: Option<PathBuf>) -> Self {
        Self { report, latency, folder }
    }

    /// Whether every threshold holds, every answer was one that its delivery may get, no promise is broken, and nothing is left
    /// undecided.
    #[must_use]
    pub fn conforms(&self) -> bool {
        self.report.verdict == Overall::Conforms
    }

    /// Panics with what is wrong, unless the receiver conforms.
    ///
    /// # Panics
    /// When it does not: the message is the `Display` of this verdict.
    #[track_caller]
    pub fn assert_conforms(&self) {
        assert!(self.conforms(), "{self}");
    }

    /// How many deliveries were measured, the warm-up left out.
    #[must_use]
    pub fn deliveries(&self) -> u64 {
        self.report.deliveries
    }

    /// Achieved: answers a second.
    #[must_use]
    pub fn rate_per_s(&self) -> f64 {
        self.report.rate_per_s
    }

    /// How long the answers of this share of deliveries took at the most: `0.99` for p99, `1.0` for the longest. `None` where
    /// nothing was answered.
    #[must_use]
    pub fn latency(&self, share: f64) -> Option<Duration> {
        let latency = self.latency.as_ref().filter(|latency| !latency.is_empty())?;
        Some(Duration::from_micros(latency.value_at_quantile(share)))
    }

    /// What was asked for, each with what was measured.
    #[must_use]
    pub fn thresholds(&self) -> Vec<Threshold<'_>> {
        self.report.gates.iter().map(Threshold).collect()
    }

    /// What was learned about a requirement by its name (`DUP-1`); `None` for one that a load does not judge.
    #[must_use]
    pub fn requirement(&self, id: &str) -> Option<Judged> {
        self.report.requirements.iter().find(|one| one.id == id).map(|one| Judged::of(one.verdict))
    }

    /// The seed of what was random, for [`Load::seed`](crate::Load::seed).
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.report.seed
    }

    /// The whole report as JSON, in the form that `schema/load.json` describes.
    #[must_use]
    pub fn report_json(&self) -> String {
        load_folder::json(&self.report).unwrap_or_default()
    }

    /// The report as a value; its members are not part of what this library promises.
    #[doc(hidden)]
    #[must_use]
    pub fn report(&self) -> &LoadReport {
        &self.report
    }
}

impl fmt::Debug for LoadVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A histogram has thousands of cells, which nobody wants to see in the output of a test.
        f.debug_tuple("LoadVerdict").field(&self.to_string()).finish()
    }
}

impl fmt::Display for LoadVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let language = Language::default();
        let report = &*self.report;
        write!(
            f,
            "load of {} ({}): {}",
            one_line(&report.target),
            one_line(&report.contract),
            sentences::summary(report, language).trim_end()
        )?;
        for threshold in self.thresholds().iter().filter(|one| !one.holds()) {
            write!(f, "\n   threshold    {} does not hold: {}", threshold.text(), threshold.measured())?;
        }
        for line in sentences::unexpected(report, language) {
            write!(f, "\n   unexpected   {}", one_line(&line))?;
        }
        for one in report.requirements.iter().filter(|one| matches!(one.verdict, Verdict::Fail | Verdict::Warn)) {
            write!(f, "\n   broken       {} in {} of {} keys: {}", one.id, one.violations, one.checked, one_line(&one.sentence))?;
        }
        for one in report.violations.iter().take(MOST_VIOLATIONS) {
            write!(f, "\n   key          {}: {}", one_line(&one.key), one_line(&one.why))?;
            if !one.curl.is_empty() {
                write!(f, "\n   curl         {}", copyable(&one.curl))?;
            }
        }
        for note in sentences::notes(report, language) {
            write!(f, "\n   note         {}", one_line(&note))?;
        }
        if let Some(folder) = self.folder.as_ref().filter(|_| !self.conforms()) {
            write!(f, "\n   report       {}", folder.join("load.html").display())?;
        }
        Ok(())
    }
}

/// What a load had to keep to, and whether it did.
#[derive(Clone, Copy, Debug)]
pub struct Threshold<'v>(&'v GateResult);

impl<'v> Threshold<'v> {
    /// As it was asked for, without blanks: `p99<250ms`.
    #[must_use]
    pub fn text(&self) -> &'v str {
        &self.0.gate
    }

    /// Whether it holds; one over nothing does not.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.0.ok
    }

    /// What was measured, with its unit.
    #[must_use]
    pub fn measured(&self) -> String {
        sentences::measured(self.0, Language::default())
    }
}
