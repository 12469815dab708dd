//! Trend: the reports of many runs and loads over time, by contract: what broke when, and how fast it was.
//!
//! In: an [`Entry`] a report, in any order. Out: a [`Trend`], the earliest
//! first, as values; [`page`](Trend::html) and [`markdown`](Trend::markdown)
//! tell them. Reports are read, and passed over, elsewhere.

mod page;
mod markdown;

use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::iso;
use crate::contract::Level;
use crate::report::language::Language;
use crate::report::{Overall, Report, Verdict};

/// The version of the trend's form.
pub const SCHEMA: &str = "hookgate.trend/1";

/// Whether a report is of a run or of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Of {
    /// `hookgate run`.
    Run,
    /// `hookgate load`.
    Load,
}

/// One report, as far as a trend tells of it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Entry {
    /// Where it was read.
    pub path: String,
    /// Of what it is.
    pub of: Of,
    /// The contract.
    #[serde(skip)]
    pub contract: String,
    /// The receiver.
    pub target: String,
    /// When it began, UTC, ISO 8601.
    pub started_at: String,
    /// The verdict.
    pub verdict: Overall,
    /// How many requirements are broken.
    pub broken: usize,
    /// How long it took, in milliseconds.
    pub took_ms: f64,
    /// Of a load: answers a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_per_s: Option<f64>,
    /// Of a load: the median latency, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_us: Option<u64>,
    /// Of a load: what 99 in a hundred took at the most, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_us: Option<u64>,
    /// What each requirement came to.
    #[serde(skip)]
    pub requirements: Vec<Asked>,
}

/// What one report says of a requirement.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The requirement.
    pub id: String,
    /// How much it weighs.
    pub level: Level,
    /// Its sentence, in the reader's language.
    pub sentence: String,
    /// The verdict.
    pub verdict: Verdict,
}

/// All of them over time.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Trend {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// By contract, that of the last report first.
    pub contracts: Vec<OfContract>,
    /// What was passed over, and why.
    pub passed_over: Vec<String>,
    #[serde(skip)]
    language: Language,
}

/// The reports of one contract.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OfContract {
    /// The contract.
    pub contract: String,
    /// The reports, the earliest first.
    pub reports: Vec<Entry>,
    /// Every requirement that one of them judged.
    pub requirements: Vec<Row>,
}

/// One requirement over time.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Row {
    /// The requirement.
    pub id: String,
    /// How much it weighs.
    pub level: Level,
    /// Its sentence.
    pub sentence: String,
    /// The verdict in each of the reports; null where one does not have it.
    pub verdicts: Vec<Option<Verdict>>,
    /// Where it began to be broken, or to be kept again.
    pub turns: Vec<Turn>,
}

/// A requirement broke, or is kept again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Turn {
    /// The report that showed it first, counted from 0.
    pub at: usize,
    /// Whether it broke there; else it is kept again.
    pub broke: bool,
}

impl Row {
    /// Whether it was broken at any time.
    #[must_use]
    pub fn was_broken(&self) -> bool {
        self.verdicts.iter().flatten().any(|one| is_broken(*one))
    }
}

impl Trend {
    /// The trend of reports, the earliest first.
    ///
    /// * `passed_over`: what was passed over, a sentence each.
    #[must_use]
    pub fn of(mut entries: Vec<Entry>, passed_over: Vec<String>, language: Language) -> Self {
        let when = |one: &Entry| iso::read(&one.started_at).map_or(i64::MAX, |(at, _)| at.0);
        entries.sort_by(|one, other| when(one).cmp(&when(other)).then_with(|| one.path.cmp(&other.path)));
        let mut contracts: Vec<OfContract> = Vec::new();
        // Backwards, so that the contract of the last report comes first.
        for entry in entries.into_iter().rev() {
            match contracts.iter_mut().find(|one| one.contract == entry.contract) {
                Some(known) => known.reports.push(entry),
                None => {
                    contracts.push(OfContract { contract: entry.contract.clone(), reports: vec![entry], requirements: Vec::new() });
                }
            }
        }
        for one in &mut contracts {
            one.reports.reverse();
            one.requirements = rows(&one.reports);
        }
        Self { schema: SCHEMA.to_owned(), contracts, passed_over, language }
    }

    /// Leaves all but the last so many reports of each contract out.
    pub fn keep_last(&mut self, most: usize) {
        for one in &mut self.contracts {
            one.reports.drain(..one.reports.len().saturating_sub(most));
            one.requirements = rows(&one.reports);
        }
    }
}

impl Entry {
    /// What a trend tells of a run.
    #[must_use]
    pub fn of_run(path: &str, report: &Report, language: Language) -> Self {
        let requirements = report.requirements.iter().map(|one| Asked {
            id: one.id.clone(),
            level: one.level,
            sentence: one.sentence_in(language).to_owned(),
            verdict: one.verdict,
        });
        let requirements: Vec<Asked> = requirements.collect();
        Self {
            path: path.to_owned(),
            of: Of::Run,
            contract: report.contract.clone(),
            target: report.target.url.clone(),
            started_at: report.run.started_at.clone(),
            verdict: report.summary.verdict,
            broken: requirements.iter().filter(|one| is_broken(one.verdict)).count(),
            took_ms: report.run.duration_ms,
            rate_per_s: None,
            p50_us: None,
            p99_us: None,
            requirements,
        }
    }
}

/// Every requirement that was judged at any time, in the order of the last report that has it.
fn rows(reports: &[Entry]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (at, report) in reports.iter().enumerate().rev() {
        for asked in &report.requirements {
            let row = match rows.iter_mut().position(|row| row.id == asked.id) {
                Some(known) => rows.get_mut(known),
                None => {
                    let verdicts = vec![None; reports.len()];
                    let Asked { id, level, sentence, verdict: _ } = asked.clone();
                    rows.push(Row { id, level, sentence, verdicts, turns: Vec::new() });
                    rows.last_mut()
                }
            };
            if let Some(cell) = row.and_then(|row| row.verdicts.get_mut(at)) {
                *cell = Some(asked.verdict);
            }
        }
    }
    rows.retain(|row| row.verdicts.iter().flatten().any(|one| is_judged(*one)));
    for row in &mut rows {
        row.turns = turns(&row.verdicts);
    }
    rows
}

/// Where a requirement began to be broken, or to be kept again; what was not judged between changes nothing.
fn turns(verdicts: &[Option<Verdict>]) -> Vec<Turn> {
    let mut turns = Vec::new();
    let mut was_broken = false;
    for (at, verdict) in verdicts.iter().enumerate() {
        let Some(verdict) = verdict.filter(|one| is_judged(*one)) else { continue };
        if is_broken(verdict) != was_broken {
            was_broken = is_broken(verdict);
            turns.push(Turn { at, broke: was_broken });
        }
    }
    turns
}

/// Whether a verdict says that a requirement is broken, known or not.
fn is_broken(verdict: Verdict) -> bool {
    match verdict {
        Verdict::Fail | Verdict::Warn | Verdict::Known => true,
        Verdict::Pass | Verdict::Undecided | Verdict::NotApplicable => false,
    }
}

/// Whether a verdict says anything of a requirement.
fn is_judged(verdict: Verdict) -> bool {
    is_broken(verdict) || verdict == Verdict::Pass
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report of a day, with verdicts as `DUP-1 pass`.
    fn entry(day: u32, contract: &str, verdicts: &[(&str, Verdict)]) -> Entry {
        let asked = |(id, verdict): &(&str, Verdict)| Asked {
            id: (*id).to_owned(),
            level: Level::Must,
            sentence: String::new(),
            verdict: *verdict,
        };
        Entry {
            path: format!("out/{day}"),
            of: Of::Run,
            contract: contract.to_owned(),
            target: String::new(),
            started_at: format!("2026-11-{day:02}T10:00:00Z"),
            verdict: Overall::Conforms,
            broken: 0,
            took_ms: 1.0,
            rate_per_s: None,
            p50_us: None,
            p99_us: None,
            requirements: verdicts.iter().map(asked).collect(),
        }
    }

    #[test]
    fn reports_stand_in_the_order_of_their_times_by_contract() {
        let entries = vec![entry(3, "a", &[]), entry(1, "a", &[]), entry(9, "b", &[]), entry(2, "a", &[])];
        let trend = Trend::of(entries, Vec::new(), Language::En);
        let told: Vec<(&str, Vec<&str>)> = trend
            .contracts
            .iter()
            .map(|one| (one.contract.as_str(), one.reports.iter().map(|report| report.path.as_str()).collect()))
            .collect();
        assert_eq!(told, [("b", vec!["out/9"]), ("a", vec!["out/1", "out/2", "out/3"])]);
    }

    /// What broke when; a report that did not judge it, or lacks it, changes nothing.
    #[test]
    fn what_broke_is_told_with_its_report() {
        let (pass, fail) = (Verdict::Pass, Verdict::Fail);
        let entries = vec![
            entry(1, "a", &[("DUP-1", pass), ("TTL-1", fail), ("DB-1", Verdict::NotApplicable)]),
            entry(2, "a", &[("DUP-1", Verdict::Undecided)]),
            entry(3, "a", &[("DUP-1", fail), ("TTL-1", fail)]),
            entry(4, "a", &[("DUP-1", pass), ("TTL-1", fail)]),
        ];
        let trend = Trend::of(entries, Vec::new(), Language::En);
        let rows = &trend.contracts[0].requirements;
        let turns: Vec<(&str, Vec<(usize, bool)>)> =
            rows.iter().map(|row| (row.id.as_str(), row.turns.iter().map(|turn| (turn.at, turn.broke)).collect())).collect();
        assert_eq!(turns, [("DUP-1", vec![(2, true), (3, false)]), ("TTL-1", vec![(0, true)])]);
        assert_eq!(rows[0].verdicts, [Some(pass), Some(Verdict::Undecided), Some(fail), Some(pass)]);
        assert_eq!(rows[1].verdicts[1], None);
    }
}
