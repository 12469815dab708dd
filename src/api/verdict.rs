//! Verdicts, as a test author reads them: whether a receiver conforms, what is wrong, and each requirement by its name.

use std::fmt;
use std::path::PathBuf;

use super::folder;
use crate::report::causes::sentences;
use crate::report::human::{copyable, one_line};
use crate::report::language::Language;
use crate::report::{self, Overall, Report, RequirementReport};
use crate::secret::Redacted;

/// So many causes are told with an example.
const MOST_IN_FULL: usize = 3;
/// So many scenarios that are undecided are told.
const MOST_UNDECIDED: usize = 3;
/// A longer command is not told; the report has it.
const LONGEST_CURL: usize = 2000;

/// What was learned about a receiver.
///
/// Its `Display` is what a failing test should print: the verdict, and of each cause what is wrong, one example, the command
/// that sends it again, and how to judge only that again.
#[derive(Clone, Debug)]
pub struct Verdict {
    report: Redacted<Report>,
    folder: Option<PathBuf>,
}

/// What was learned about one requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Judged {
    /// It is kept.
    Pass,
    /// It says what a receiver *should* do, and is broken.
    Warn,
    /// It is broken.
    Fail,
    /// What was seen allows no judgement.
    Undecided,
    /// It could not be judged here; never counted as passed.
    NotApplicable,
    /// It is broken, and the baseline gives a reason.
    Known,
}

impl Judged {
    pub(super) fn of(verdict: report::Verdict) -> Self {
        match verdict {
            report::Verdict::Pass => Self::Pass,
            report::Verdict::Warn => Self::Warn,
            report::Verdict::Fail => Self::Fail,
            report::Verdict::Undecided => Self::Undecided,
            report::Verdict::NotApplicable => Self::NotApplicable,
            report::Verdict::Known => Self::Known,
        }
    }
}

impl Verdict {
    pub(super) fn of(report: Redacted<Report>, folder: Option<PathBuf>) -> Self {
        Self { report, folder }
    }

    /// Whether nothing that was judged is broken, and nothing is left undecided.
    ///
    /// What could not be judged (expiry without a clock, work that was done twice without a count of effects) does not change
    /// this: [`Verdict::requirement`] and [`Verdict::requirements`] tell it.
    #[must_use]
    pub fn conforms(&self) -> bool {
        self.report.summary.verdict == Overall::Conforms
    }

    /// Panics with what is wrong, unless the receiver conforms.
    ///
    /// # Panics
    /// When it does not: the message is the `Display` of this verdict.
    #[track_caller]
    pub fn assert_conforms(&self) {
        assert!(self.conforms(), "{self}");
    }

    /// What is wrong, grouped by what explains it, the cause that explains most first. Empty where nothing is.
    #[must_use]
    pub fn causes(&self) -> Vec<Cause<'_>> {
        self.report.causes.iter().map(Cause).collect()
    }

    /// Every requirement of the contract's suite.
    #[must_use]
    pub fn requirements(&self) -> Vec<Requirement<'_>> {
        self.report.requirements.iter().map(Requirement).collect()
    }

    /// A requirement by its name (`DUP-1`); `None` where the suite has none that is called so.
    #[must_use]
    pub fn requirement(&self, id: &str) -> Option<Requirement<'_>> {
        self.report.requirements.iter().find(|one| one.id == id).map(Requirement)
    }

    /// What of [`Judge::require`](crate::Judge::require) was not judged, each with its reason. Empty where nothing was asked for.
    #[must_use]
    pub fn not_judged(&self) -> Vec<Requirement<'_>> {
        let missing = self.report.required.iter().flat_map(|one| &one.missing);
        missing.filter_map(|one| self.requirement(&one.id)).collect()
    }

    /// The seed that everything random was made from, for [`Judge::seed`](crate::Judge::seed).
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.report.run.seed
    }

    /// The whole report as JSON, in the form that `schema/report.json` describes.
    #[must_use]
    pub fn report_json(&self) -> String {
        folder::json(&self.report).unwrap_or_default()
    }

    /// The report as a value; its members are not part of what this library promises.
    #[doc(hidden)]
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    fn head(&self) -> String {
        let summary = &self.report.summary;
        let counts = [
            (summary.fail, "failed"),
            (summary.warn, "with a warning"),
            (summary.undecided, "undecided"),
            (summary.known, "known to fail"),
            (summary.not_applicable, "not applicable here"),
            (summary.pass, "passed"),
        ];
        let told: Vec<String> = counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        let (target, contract) = (one_line(&self.report.target.url), one_line(&self.report.contract));
        let verdict = match summary.verdict {
            Overall::Conforms => format!("{target} conforms to {contract}"),
            Overall::DoesNotConform => format!("{target} does not conform to {contract}"),
            Overall::Undecided | Overall::Interrupted | Overall::Incomplete => {
                format!("whether {target} conforms to {contract} is not decided")
            }
        };
        format!("{verdict} (scenarios: {})", told.join(", "))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.head())?;
        if let Some(why) = &self.report.run.ended_early {
            write!(f, "\n   it ended early: {}", one_line(why))?;
        }
        for missing in self.report.required.iter().flat_map(|one| &one.missing) {
            write!(f, "\n   required     {}", one_line(&missing.told(Language::default())))?;
        }
        let causes = self.causes();
        for (at, cause) in causes.iter().enumerate() {
            write!(f, "\n{}  {cause}", at + 1)?;
            if at < MOST_IN_FULL {
                cause.example(f)?;
                let scenario = one_line(&cause.0.example.scenario);
                write!(f, "\n   again        .only([{scenario:?}]).seed({})", self.seed())?;
            }
        }
        if !self.conforms() {
            let undecided = self.report.scenarios.iter().filter(|one| one.verdict == report::Verdict::Undecided);
            for one in undecided.take(MOST_UNDECIDED) {
                write!(f, "\n   undecided    {}: {}", one_line(&one.id), one_line(one.reason.as_deref().unwrap_or_default()))?;
            }
        }
        for stale in self.report.baseline.iter().flat_map(|one| &one.stale) {
            write!(f, "\n   baseline     {} no longer fails", one_line(stale))?;
        }
        // Where nothing is wrong, what was not judged is what a reader should know.
        for note in self.report.run.notes.iter().filter(|_| causes.is_empty()) {
            write!(f, "\n   note         {}", one_line(note))?;
        }
        if let Some(folder) = self.folder.as_ref().filter(|_| !self.conforms()) {
            write!(f, "\n   report       {}", folder.join("report.html").display())?;
        }
        Ok(())
    }
}

/// What explains some of what is wrong.
#[derive(Clone, Copy, Debug)]
pub struct Cause<'v>(&'v report::Cause);

impl<'v> Cause<'v> {
    /// The requirement that speaks of it: `DUP-1`.
    #[must_use]
    pub fn requirement(&self) -> &'v str {
        &self.0.requirement
    }

    /// It as a sentence without a full stop.
    #[must_use]
    pub fn sentence(&self) -> &'v str {
        &self.0.sentence
    }

    /// A scenario that has shown it.
    #[must_use]
    pub fn scenario(&self) -> &'v str {
        &self.0.example.scenario
    }

    /// What was due there.
    #[must_use]
    pub fn expected(&self) -> &'v str {
        &self.0.example.expected
    }

    /// What came.
    #[must_use]
    pub fn observed(&self) -> &'v str {
        &self.0.example.observed
    }

    /// The command that sends the same delivery again; empty where no single delivery is at fault.
    #[must_use]
    pub fn curl(&self) -> &'v str {
        &self.0.example.curl
    }

    fn example(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(advice) = sentences::advice(self.0, Language::default()) {
            write!(f, "\n   try          {}", one_line(&advice))?;
        }
        let first = |text: &str| one_line(text.lines().next().unwrap_or_default());
        for (label, text) in [("expected", self.expected()), ("observed", self.observed())] {
            if !text.is_empty() {
                write!(f, "\n   {label:<13}{}", first(text))?;
            }
        }
        if !self.curl().is_empty() && self.curl().chars().count() <= LONGEST_CURL {
            write!(f, "\n   curl         {}", copyable(self.curl()))?;
        }
        Ok(())
    }
}

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let language = Language::default();
        let (sentence, explains) = (sentences::sentence(self.0, language), sentences::explains(self.0, language));
        write!(f, "{}  {}: {explains}", one_line(self.requirement()), one_line(&sentence))
    }
}

/// One requirement, and what was learned about it.
#[derive(Clone, Copy, Debug)]
pub struct Requirement<'v>(&'v RequirementReport);

impl<'v> Requirement<'v> {
    /// Its name: `DUP-1`.
    #[must_use]
    pub fn id(&self) -> &'v str {
        &self.0.id
    }

    /// What it wants, as a sentence.
    #[must_use]
    pub fn sentence(&self) -> &'v str {
        &self.0.sentence
    }

    /// What was learned about it.
    #[must_use]
    pub fn judged(&self) -> Judged {
        Judged::of(self.0.verdict)
    }

    /// Why it was not judged, when it was not.
    #[must_use]
    pub fn reason(&self) -> Option<&'v str> {
        self.0.reason.as_deref()
    }
}
