//! Evidence: what a report folder holds, so that a change of it is found out.
//!
//! In: the files of a folder, and what they were made from. Out: a
//! [`Manifest`] with their digests, sealed with a key where there is one. Later
//! the same files in, what does not agree out. Without a seal a manifest shows
//! accidents and careless hands; whoever writes a new manifest too is found
//! only by the seal. Nothing is read or written here.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::{HistoryFacts, Report, ScenarioReport, Tool, Verdict, tally};
use crate::sign::{hmac_sha256_hex, is_hmac_sha256_hex, sha256_hex};

/// The version of a manifest's form.
pub const SCHEMA: &str = "hookgate.manifest/1";
/// The name of its file.
pub const FILE: &str = "manifest.json";

/// What a report folder holds, and what it was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// What made the report.
    pub tool: Tool,
    /// SHA-256 of the contract's file, lower-case hex.
    pub contract_sha256: String,
    /// SHA-256 over the scenario files that were there to be played: ids and texts in their order.
    pub scenarios_sha256: String,
    /// SHA-256 of every file of the folder by its name.
    pub files: BTreeMap<String, String>,
    /// HMAC-SHA256 over all of the above, lower-case hex; absent where there was no key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<String>,
}

impl Manifest {
    /// The manifest of these files.
    ///
    /// * `key`: what seals it, of any length.
    #[must_use]
    pub fn of(tool: Tool, made_from: MadeFrom, files: &BTreeMap<String, Vec<u8>>, key: Option<&[u8]>) -> Self {
        let files = files.iter().filter(|(name, _)| *name != FILE).map(|(name, bytes)| (name.clone(), sha256_hex(bytes))).collect();
        let MadeFrom { contract_sha256, scenarios_sha256 } = made_from;
        let mut manifest = Self { schema: SCHEMA.to_owned(), tool, contract_sha256, scenarios_sha256, files, seal: None };
        manifest.seal = key.map(|key| hmac_sha256_hex(key, manifest.sealed_text().as_bytes()));
        manifest
    }

    /// What is sealed: every member in one line, in a fixed order. Names of files have no line ends.
    fn sealed_text(&self) -> String {
        let mut text =
            format!("{}\n{} {}\n{}\n{}\n", self.schema, self.tool.name, self.tool.version, self.contract_sha256, self.scenarios_sha256);
        for (name, digest) in &self.files {
            let _ = writeln!(text, "{digest} {name}");
        }
        text
    }

    /// What does not agree with the files of the folder, a sentence each.
    #[must_use]
    pub fn disagreements(&self, files: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, digest) in &self.files {
            match files.get(name) {
                None => wrong.push(format!("{name} is not there any more")),
                Some(bytes) if sha256_hex(bytes) != *digest => wrong.push(format!("{name} is not as it was written: its SHA-256 differs")),
                Some(_) => {}
            }
        }
        for name in files.keys().filter(|name| *name != FILE && !self.files.contains_key(*name)) {
            wrong.push(format!("{name} was not there when the report was written"));
        }
        wrong
    }

    /// Whether the seal is that of this key.
    #[must_use]
    pub fn is_sealed_by(&self, key: &[u8]) -> bool {
        self.seal.as_ref().is_some_and(|seal| is_hmac_sha256_hex(key, self.sealed_text().as_bytes(), seal))
    }
}

/// What a report was made from, as digests: SHA-256, lower-case hex.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MadeFrom {
    /// Of the contract's file.
    pub contract_sha256: String,
    /// Of the scenario files that were there to be played, or of a load's mix.
    pub scenarios_sha256: String,
}

/// Where a report does not follow from its own findings, a sentence each.
///
/// * `history`: what the folder's history comes to when it is judged again.
#[must_use]
pub fn judged_again(report: &Report, history: Option<&HistoryFacts>) -> Vec<String> {
    let mut wrong: Vec<String> = report.scenarios.iter().filter_map(verdict_wrong).collect();
    let counted = tally::summary(&report.scenarios, report.run.ended_early.as_deref());
    let said = &report.summary;
    let counts = |summary: &crate::report::Summary| {
        (summary.pass, summary.warn, summary.fail, summary.undecided, summary.not_applicable, summary.known)
    };
    if counts(said) != counts(&counted) {
        wrong.push("the summary's counts are not those of the scenarios".to_owned());
    }
    // Snapshots and baselines can fail a run whose scenarios all passed; they cannot make one pass.
    let may_fail =
        report.snapshots.as_ref().is_some_and(|facts| facts.fails) || report.baseline.as_ref().is_some_and(|facts| !facts.stale.is_empty());
    if said.verdict != counted.verdict && !may_fail && report.repeat.is_none() {
        wrong.push(format!("the verdict is `{}`, and its scenarios come to `{}`", said.verdict.words(), counted.verdict.words()));
    }
    for requirement in &report.requirements {
        let shown = report.scenarios.iter().filter(|one| requirement.scenarios.contains(&one.id));
        let breaks = |one: &ScenarioReport| one.findings.iter().any(|finding| finding.requirement == requirement.id);
        let is_broken = shown.filter(|one| one.verdict == Verdict::Fail).any(breaks);
        if is_broken && requirement.verdict == Verdict::Pass {
            wrong.push(format!("{} is said to be kept, and a scenario that shows it has broken it", requirement.id));
        }
    }
    if let (Some(said), Some(again)) = (&report.history, history)
        && (said.keys, said.consistent, said.broken, said.undecided) != (again.keys, again.consistent, again.broken, again.undecided)
    {
        wrong.push(format!(
            "the history comes to {} keys, {} explained, {} broken, {} undecided; the report says {}, {}, {}, {}",
            again.keys, again.consistent, again.broken, again.undecided, said.keys, said.consistent, said.broken, said.undecided
        ));
    }
    wrong
}

/// A scenario whose verdict does not follow from its findings.
fn verdict_wrong(scenario: &ScenarioReport) -> Option<String> {
    let again = tally::scenario_verdict(&scenario.findings);
    let agrees = match scenario.verdict {
        Verdict::Pass | Verdict::Warn | Verdict::Fail => again == scenario.verdict,
        // Known failures keep their findings; what was not judged to its end has none that break a *must*.
        Verdict::Known => true,
        Verdict::Undecided | Verdict::NotApplicable => again != Verdict::Fail,
    };
    (!agrees).then(|| format!("{} is said to be `{}`, and its findings come to `{}`", scenario.id, scenario.verdict.name(), again.name()))
}
