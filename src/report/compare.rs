//! Two reports side by side: what got better, what broke, what is no longer shown.
//!
//! In: two reports of runs, of whatever targets, contracts and days. Out: a
//! [`Comparison`], which says of every requirement what became of it, and
//! whether the second is worse, by a rule that the caller names. A requirement
//! that is not judged any more is never counted as kept.

mod page;
pub mod rules;
pub mod snapshots;
mod tables;
mod text;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::Level;
use crate::history::NO_STATUS;
use crate::report::language::Language;
use crate::report::{ProjectFacts, Report, ScenarioReport, Verdict};

/// The version of a comparison's form.
pub const SCHEMA: &str = "hookgate.compare/1";

/// Characters of a SHA-256 in hex.
const DIGEST: usize = 64;
/// So many of them tell two files apart.
const SHOWN_OF_DIGEST: usize = 12;

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
    /// Its name, as in compare.json.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NewlyBroken => "newly-broken",
            Self::NoLongerJudged => "no-longer-judged",
            Self::StillBroken => "still-broken",
            Self::NewlyKept => "newly-kept",
            Self::NewlyShown => "newly-shown",
            Self::StillKept => "still-kept",
            Self::NeverJudged => "never-judged",
        }
    }

    /// The change in words.
    #[must_use]
    pub fn words(self, language: Language) -> String {
        language.say(&format!("change-{}", self.name()))
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
    /// How much it weighs.
    #[serde(default)]
    pub level: Level,
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
    /// Between what it lay in the first: over repeated loads, or else over the seconds of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_spread: Option<[f64; 2]>,
    /// The same in the second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_spread: Option<[f64; 2]>,
    /// How far apart two equal loads may lie; absent where there are too few loads and seconds to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<f64>,
    /// `better`, `worse`, `same` (within the noise) or `unknown` (too few seconds, or too few of them hold the difference).
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
    /// What its lines are told in.
    #[serde(skip)]
    pub language: Language,
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

/// What the reports say of a requirement beside its verdict.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Its sentence; empty where a report has none.
    pub sentence: String,
    /// Why the second did not judge it.
    pub reason: Option<String>,
    /// How much it weighs.
    pub level: Level,
}

/// Every requirement that either report knows, the worst changes first.
#[must_use]
pub fn requirements(
    before: &BTreeMap<String, Verdict>,
    after: &BTreeMap<String, Verdict>,
    about: &dyn Fn(&str) -> About,
    language: Language,
) -> Vec<RequirementChange> {
    let mut ids: Vec<&String> = before.keys().chain(after.keys()).collect();
    ids.sort();
    ids.dedup();
    let of = |id: &String| {
        let About { sentence, reason, level } = about(id);
        let (before, after) = (before.get(id).copied(), after.get(id).copied());
        let change = change(before, after);
        let is_unjudged = change == Change::NoLongerJudged || change == Change::NeverJudged;
        let reason = if after.is_none() { Some(language.say("compare-not-there")) } else { reason };
        RequirementChange { id: id.clone(), level, sentence, change, before, after, reason: reason.filter(|_| is_unjudged) }
    };
    let mut changes: Vec<RequirementChange> = ids.into_iter().map(of).collect();
    changes.sort_by_key(|one| one.change);
    changes
}

/// Compares two reports of runs.
///
/// * `before`, `after`: each with the path that it was named by.
#[must_use]
pub fn runs(before: (&str, &Report), after: (&str, &Report), language: Language) -> Comparison {
    let verdicts = |report: &Report| report.requirements.iter().map(|one| (one.id.clone(), one.verdict)).collect::<BTreeMap<_, _>>();
    let about = |id: &str| {
        let find = |report: &Report| report.requirements.iter().find(|one| one.id == id).cloned();
        let later = find(after.1);
        let reason = later.as_ref().and_then(|one| one.reason.as_deref().map(|reason| language.retold(reason)));
        let one = later.or_else(|| find(before.1));
        let sentence = one.as_ref().map(|one| one.sentence_in(language).to_owned()).unwrap_or_default();
        About { sentence, reason, level: one.map_or(Level::Must, |one| one.level) }
    };
    let side = |(path, report): (&str, &Report)| Side {
        path: path.to_owned(),
        kind: "run".to_owned(),
        contract: report.contract.clone(),
        verdict: report.summary.verdict.words().to_owned(),
    };
    // Contracts of different names are different files.
    let is_same = before.1.contract == after.1.contract;
    let [file, file_now] = [before.1, after.1].map(|report| if is_same { report.made_from.contract_sha256.clone() } else { String::new() });
    let [judged, judged_now] = [before.1, after.1].map(|report| target(report, language));
    let [[project, text], [project_now, text_now]] = projects([&before.1.project, &after.1.project], language);
    Comparison {
        schema: SCHEMA.to_owned(),
        before: side(before),
        after: side(after),
        requirements: requirements(&verdicts(before.1), &verdicts(after.1), &about, language),
        tables: tables::changes(&before.1.target.tables, &after.1.target.tables, language),
        numbers: Vec::new(),
        answers: statuses(before.1, after.1, language),
        environment: differences(
            &[
                ("made-version", &before.1.tool.version, &after.1.tool.version),
                ("made-contract", &before.1.contract, &after.1.contract),
                ("made-contract-file", &file, &file_now),
                ("made-scenarios", &before.1.made_from.scenarios_sha256, &after.1.made_from.scenarios_sha256),
                ("made-clock", &before.1.run.clock, &after.1.run.clock),
                ("made-target", &judged, &judged_now),
                ("made-arguments", &arguments(before.1, language), &arguments(after.1, language)),
                ("made-project", &project, &project_now),
                ("made-project-text", &text, &text_now),
            ],
            language,
        ),
        worse: Vec::new(),
        language,
    }
}

/// `what: before → after` of all that differ; `what` is a key of the language's.
#[must_use]
pub fn differences(pairs: &[(&str, &String, &String)], language: Language) -> Vec<String> {
    let told = |(what, before, after): &(&str, &String, &String)| {
        format!("{}: {} → {}", language.say(what), short(before, language), short(after, language))
    };
    pairs.iter().filter(|(_, before, after)| before != after).map(told).collect()
}

/// Which project file each had, and the digests of its text, where that is the same file.
#[must_use]
pub fn projects(of: [&Option<ProjectFacts>; 2], language: Language) -> [[String; 2]; 2] {
    let told = of.map(|one| one.as_ref().map_or_else(|| language.say("made-none"), ProjectFacts::told));
    let is_same = told[0] == told[1];
    let digests = of.map(|one| one.as_ref().filter(|_| is_same).map(|one| one.sha256.clone()).unwrap_or_default());
    let ([one, other], [digest, digest_now]) = (told, digests);
    [[one, digest], [other, digest_now]]
}

/// Who was judged: by the command that started it, or by its address.
fn target(report: &Report, language: Language) -> String {
    match &report.target.command {
        Some(command) => command.clone(),
        None if report.target.built_in => language.say("the-reference"),
        None => report.target.url.clone(),
    }
}

/// The arguments of a run beside its contract, which is told for itself.
fn arguments(report: &Report, language: Language) -> String {
    let rest = report.run.arguments.replace(&format!("--contract {}", report.contract), "");
    if rest.trim().is_empty() { language.say("made-none") } else { rest.trim().to_owned() }
}

/// A digest by its first figures, nothing by a word, the rest as it is.
fn short(text: &str, language: Language) -> String {
    let is_digest = text.len() == DIGEST && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match text {
        "" => language.say("made-unknown"),
        digest if is_digest => format!("{}…", &digest[..SHOWN_OF_DIGEST]),
        other => other.to_owned(),
    }
}

/// What became of statuses: scenarios of both runs whose deliveries got others, each kind of change once.
/// How often each came is left out: of deliveries that race, as many as time allows are sent.
fn statuses(before: &Report, after: &Report, language: Language) -> Vec<String> {
    let told = |one: &ScenarioReport| {
        let answered = one.statuses.keys().filter(|status| *status != NO_STATUS);
        answered.map(String::as_str).collect::<Vec<_>>().join(", ")
    };
    let mut changes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for is in &after.scenarios {
        let Some(was) = before.scenarios.iter().find(|was| was.id == is.id) else { continue };
        let (was, now) = (told(was), told(is));
        // Where one of them sent nothing, its scenario was not played.
        if was != now && !was.is_empty() && !now.is_empty() {
            changes.entry(format!("{was} → {now}")).or_default().push(&is.id);
        }
    }
    let line = |(change, ids): (String, Vec<&str>)| {
        let facts = [("change", change.into()), ("count", ids.len().into()), ("name", ids.first().copied().unwrap_or_default().into())];
        language.with("answers-statuses", &facts)
    };
    changes.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::{Change, change};
    use crate::report::Verdict::{Fail, Known, NotApplicable, Pass, Undecided, Warn};

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
}
