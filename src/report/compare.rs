//! Two reports side by side: what got better, what broke, what is no longer shown.
//!
//! In: two reports of runs, of whatever targets, contracts and days. Out: a
//! [`Comparison`], which says of every requirement what became of it, and
//! whether the second is worse, by a rule that the caller names. A requirement
//! that is not judged any more is never counted as kept.

mod page;
pub mod snapshots;
mod telling;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::{Report, Verdict};
use crate::state::{ColumnShape, TableShape};

/// The version of a comparison's form.
pub const SCHEMA: &str = "hookgate.compare/1";

/// What became of a requirement, from the first report to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It is broken, and was not.
    NewlyBroken,
    /// It was judged, and is not any more.
    NoLongerJudged,
    /// It was broken, and still is.
    StillBroken,
    /// It was broken, and is kept.
    NewlyKept,
    /// It was not judged, and is kept.
    NewlyShown,
    /// It was kept, and still is.
    StillKept,
    /// It was not judged, and still is not.
    NeverJudged,
}

impl Change {
    /// The change in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::NewlyBroken => "newly broken",
            Self::NoLongerJudged => "no longer judged",
            Self::StillBroken => "still broken",
            Self::NewlyKept => "newly kept",
            Self::NewlyShown => "newly shown",
            Self::StillKept => "still kept",
            Self::NeverJudged => "not judged in either",
        }
    }

    /// All of them, the worst first.
    pub const ALL: [Self; 7] =
        [Self::NewlyBroken, Self::NoLongerJudged, Self::StillBroken, Self::NewlyKept, Self::NewlyShown, Self::StillKept, Self::NeverJudged];
}

/// One requirement in both reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequirementChange {
    /// Its name.
    pub id: String,
    /// Its sentence; empty where a report has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sentence: String,
    /// What became of it.
    pub change: Change,
    /// Its verdict in the first report; absent where that does not know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Verdict>,
    /// Its verdict in the second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Verdict>,
    /// Why it is not judged in the second, when it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A number in both reports, with how much it varies by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NumberChange {
    /// What it is: `p99`, `rate`, `fresh.p50`.
    pub name: String,
    /// In the first report.
    pub before: f64,
    /// In the second.
    pub after: f64,
    /// The unit: `us` or `/s`.
    pub unit: String,
    /// How far apart two equal loads may lie; absent where there are too few seconds to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<f64>,
    /// `better`, `worse`, `same` (within the noise) or `unknown` (too few seconds).
    pub change: String,
}

impl NumberChange {
    /// By how many percent it grew.
    #[must_use]
    pub fn percent(&self) -> f64 {
        if self.before > 0.0 { (self.after / self.before - 1.0) * 100.0 } else { 0.0 }
    }
}

/// What is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Side {
    /// The folder or file, as it was named.
    pub path: String,
    /// `run` or `load`.
    pub kind: String,
    /// The contract.
    pub contract: String,
    /// The verdict.
    pub verdict: String,
}

/// Two reports side by side.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The first report.
    pub before: Side,
    /// The second.
    pub after: Side,
    /// Requirements, the worst changes first.
    pub requirements: Vec<RequirementChange>,
    /// Tables and columns that were added, removed or changed, a line each.
    #[serde(default)]
    pub tables: Vec<String>,
    /// Rates and latencies of loads.
    #[serde(default)]
    pub numbers: Vec<NumberChange>,
    /// Answers of a load that should not have come, where they differ, a line each.
    #[serde(default)]
    pub answers: Vec<String>,
    /// What differs in how the reports were made, a line each.
    #[serde(default)]
    pub environment: Vec<String>,
    /// Why the second is worse, by the rule that was asked for; empty when it is not.
    #[serde(default)]
    pub worse: Vec<String>,
}

/// When the second report counts as worse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FailOn {
    /// A requirement is newly broken.
    NewlyBroken,
    /// A requirement is newly broken or no longer judged, or a number is worse.
    Any,
    /// A latency has grown by more than so many percent, and by more than the noise.
    Latency(f64),
    /// A rate has fallen by more than so many percent, and by more than the noise.
    Rate(f64),
}

impl FailOn {
    /// Reads `newly-broken`, `any`, `latency:10%` or `rate:10%`.
    ///
    /// # Errors
    /// One sentence: what is wrong, and what there is.
    pub fn read(text: &str) -> Result<Self, String> {
        let percent = |text: &str| text.strip_suffix('%').and_then(|number| number.parse::<f64>().ok()).filter(|number| *number >= 0.0);
        match text.split_once(':') {
            None if text == "newly-broken" => Ok(Self::NewlyBroken),
            None if text == "any" => Ok(Self::Any),
            Some(("latency", rest)) if percent(rest).is_some() => Ok(Self::Latency(percent(rest).unwrap_or_default())),
            Some(("rate", rest)) if percent(rest).is_some() => Ok(Self::Rate(percent(rest).unwrap_or_default())),
            _ => Err(format!("`{text}` is no rule: newly-broken, any, latency:10% or rate:10%")),
        }
    }
}

/// What became of a requirement with these verdicts.
#[must_use]
pub fn change(before: Option<Verdict>, after: Option<Verdict>) -> Change {
    #[derive(PartialEq)]
    enum State {
        Kept,
        Broken,
        Unjudged,
    }
    let state = |verdict: Option<Verdict>| match verdict {
        // A failure that somebody has written down is a failure; one that only a *should* forbids is a warning.
        Some(Verdict::Fail | Verdict::Known) => State::Broken,
        Some(Verdict::Pass | Verdict::Warn) => State::Kept,
        Some(Verdict::Undecided | Verdict::NotApplicable) | None => State::Unjudged,
    };
    match (state(before), state(after)) {
        (State::Broken, State::Broken) => Change::StillBroken,
        (State::Kept | State::Unjudged, State::Broken) => Change::NewlyBroken,
        (State::Broken, State::Kept) => Change::NewlyKept,
        (State::Kept, State::Kept) => Change::StillKept,
        (State::Unjudged, State::Kept) => Change::NewlyShown,
        (State::Kept | State::Broken, State::Unjudged) => Change::NoLongerJudged,
        (State::Unjudged, State::Unjudged) => Change::NeverJudged,
    }
}

/// Every requirement that either report knows, the worst changes first.
#[must_use]
pub fn requirements(
    before: &BTreeMap<String, Verdict>,
    after: &BTreeMap<String, Verdict>,
    about: &dyn Fn(&str) -> (String, Option<String>),
) -> Vec<RequirementChange> {
    let mut ids: Vec<&String> = before.keys().chain(after.keys()).collect();
    ids.sort();
    ids.dedup();
    let of = |id: &String| {
        let (sentence, reason) = about(id);
        let (before, after) = (before.get(id).copied(), after.get(id).copied());
        let change = change(before, after);
        let is_unjudged = change == Change::NoLongerJudged || change == Change::NeverJudged;
        let reason = if after.is_none() { Some("the second report does not have it".to_owned()) } else { reason };
        RequirementChange { id: id.clone(), sentence, change, before, after, reason: reason.filter(|_| is_unjudged) }
    };
    let mut changes: Vec<RequirementChange> = ids.into_iter().map(of).collect();
    changes.sort_by_key(|one| one.change);
    changes
}

/// Compares two reports of runs.
#[must_use]
pub fn runs(before: (&str, &Report), after: (&str, &Report)) -> Comparison {
    let verdicts = |report: &Report| report.requirements.iter().map(|one| (one.id.clone(), one.verdict)).collect::<BTreeMap<_, _>>();
    let about = |id: &str| {
        let find = |report: &Report| report.requirements.iter().find(|one| one.id == id).cloned();
        let later = find(after.1);
        let reason = later.as_ref().and_then(|one| one.reason.clone());
        (later.or_else(|| find(before.1)).map(|one| one.sentence).unwrap_or_default(), reason)
    };
    let side = |(path, report): (&str, &Report)| Side {
        path: path.to_owned(),
        kind: "run".to_owned(),
        contract: report.contract.clone(),
        verdict: report.summary.verdict.words().to_owned(),
    };
    Comparison {
        schema: SCHEMA.to_owned(),
        before: side(before),
        after: side(after),
        requirements: requirements(&verdicts(before.1), &verdicts(after.1), &about),
        tables: tables(&before.1.target.tables, &after.1.target.tables),
        numbers: Vec::new(),
        answers: Vec::new(),
        environment: differences(&[
            ("version", &before.1.tool.version, &after.1.tool.version),
            ("contract", &before.1.contract, &after.1.contract),
            ("clock", &before.1.run.clock, &after.1.run.clock),
            (
                "target",
                before.1.target.command.as_ref().unwrap_or(&String::new()),
                after.1.target.command.as_ref().unwrap_or(&String::new()),
            ),
        ]),
        worse: Vec::new(),
    }
}

/// `what: before → after` of all that differ.
#[must_use]
pub fn differences(pairs: &[(&str, &String, &String)]) -> Vec<String> {
    pairs.iter().filter(|(_, before, after)| before != after).map(|(what, before, after)| format!("{what}: {before} → {after}")).collect()
}

/// Tables and columns that were added, removed or changed.
fn tables(before: &[TableShape], after: &[TableShape]) -> Vec<String> {
    // A report without a database knows nothing of tables.
    if before.is_empty() || after.is_empty() {
        return Vec::new();
    }
    let mut lines = Vec::new();
    for table in after {
        let Some(earlier) = before.iter().find(|one| one.table == table.table) else {
            lines.push(format!("table {} added", table.table));
            continue;
        };
        let find = |columns: &[ColumnShape], name: &str| columns.iter().find(|one| one.name == name).map(ToString::to_string);
        for column in &table.columns {
            let (was, is) = (find(&earlier.columns, &column.name), column.to_string());
            match was {
                None => lines.push(format!("{}: column added: {is}", table.table)),
                Some(was) if was != is => lines.push(format!("{}: column changed: {was} → {is}", table.table)),
                Some(_) => {}
            }
        }
        for column in earlier.columns.iter().filter(|one| find(&table.columns, &one.name).is_none()) {
            lines.push(format!("{}: column removed: {column}", table.table));
        }
    }
    lines.extend(
        before.iter().filter(|one| !after.iter().any(|other| other.table == one.table)).map(|one| format!("table {} removed", one.table)),
    );
    lines
}

impl Comparison {
    /// Says why the second is worse, by these rules.
    pub fn judge(&mut self, rules: &[FailOn]) {
        let mut worse = Vec::new();
        let mut of = |change: Change| {
            worse
                .extend(self.requirements.iter().filter(|one| one.change == change).map(|one| format!("{} is {}", one.id, change.words())));
        };
        if rules.contains(&FailOn::NewlyBroken) || rules.contains(&FailOn::Any) {
            of(Change::NewlyBroken);
        }
        if rules.contains(&FailOn::Any) {
            of(Change::NoLongerJudged);
        }
        for number in self.numbers.iter().filter(|number| number.change == "worse") {
            let percent = number.percent();
            let is_rate = number.unit == "/s";
            let breaks = rules.iter().any(|rule| match rule {
                FailOn::Any => true,
                FailOn::Latency(most) => !is_rate && percent > *most,
                FailOn::Rate(most) => is_rate && -percent > *most,
                FailOn::NewlyBroken => false,
            });
            if breaks {
                worse.push(format!(
                    "{} went from {} to {} ({percent:+.1}%)",
                    number.name,
                    number.shown(number.before),
                    number.shown(number.after)
                ));
            }
        }
        self.worse = worse;
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, FailOn, change, tables};
    use crate::report::Verdict::{Fail, Known, NotApplicable, Pass, Undecided, Warn};
    use crate::state::{ColumnShape, TableShape};

    /// A requirement that vanished is not a pass, whatever it was before.
    #[test]
    fn every_pair_of_verdicts_has_its_change() {
        for (before, after, wanted) in [
            (Some(Pass), Some(Fail), Change::NewlyBroken),
            (None, Some(Fail), Change::NewlyBroken),
            (Some(NotApplicable), Some(Fail), Change::NewlyBroken),
            (Some(Pass), Some(Known), Change::NewlyBroken),
            (Some(Fail), Some(Fail), Change::StillBroken),
            (Some(Fail), Some(Pass), Change::NewlyKept),
            (Some(Fail), None, Change::NoLongerJudged),
            (Some(Pass), None, Change::NoLongerJudged),
            (Some(Warn), Some(Undecided), Change::NoLongerJudged),
            (None, Some(Pass), Change::NewlyShown),
            (Some(Pass), Some(Warn), Change::StillKept),
            (None, Some(NotApplicable), Change::NeverJudged),
        ] {
            assert_eq!(change(before, after), wanted, "{before:?} {after:?}");
        }
    }

    #[test]
    fn columns_are_compared_by_name() {
        let column = |name: &str, kind: &str| ColumnShape { name: name.to_owned(), kind: kind.to_owned(), ..ColumnShape::default() };
        let table = |columns: Vec<ColumnShape>| vec![TableShape { table: "keys".to_owned(), columns }];
        let lines = tables(
            &table(vec![column("key", "TEXT"), column("old", "TEXT")]),
            &table(vec![column("key", "BLOB"), column("ttl", "INTEGER")]),
        );
        assert_eq!(
            lines,
            ["keys: column changed: key TEXT → key BLOB", "keys: column added: ttl INTEGER", "keys: column removed: old TEXT"]
        );
        assert!(tables(&[], &table(vec![])).is_empty());
    }

    #[test]
    fn rules_are_read() {
        assert_eq!(FailOn::read("latency:10%"), Ok(FailOn::Latency(10.0)));
        assert_eq!(FailOn::read("any"), Ok(FailOn::Any));
        for wrong in ["latency", "latency:10", "latency:-1%", "worse", ""] {
            assert!(FailOn::read(wrong).is_err(), "{wrong}");
        }
    }
}
