//! Baselines: failures that a team knows of, each with a reason.
//!
//! YAML in; verdicts of scenarios are changed to *known* where every finding is
//! listed, and entries that no longer hold come out as sentences. What fails
//! and is not listed still fails. No clock is asked: today is an argument.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::iso;
use crate::report::{BaselineFacts, Finding, ScenarioReport, Verdict};
use crate::scenario::pattern::{Names, means};
use crate::yaml;
use crate::yaml::diagnostic::{Diagnostic, Diagnostics, hint, nearest, shown};
use crate::yaml::tree::{Kind, Node};

/// What stands as the reason of an entry that nobody has explained yet.
pub const UNEXPLAINED: &str = "to be explained";

/// For so many mistakes it is guessed what was meant, which takes a look at every scenario; a file with more is of another suite.
const MOST_GUESSES: usize = 100;

/// A baseline file.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// What is known to fail.
    pub known: Vec<Entry>,
}

/// Something that is known to fail: a scenario or a requirement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Scenarios: an id, with `*` for any characters; a variant only by its whole id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    /// A requirement, whatever scenario shows that it is broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirement: Option<String>,
    /// Why it fails, and who sees to it.
    pub reason: String,
    /// The last day on which it may fail, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

impl Entry {
    fn name(&self) -> String {
        match (&self.scenario, &self.requirement) {
            (Some(scenario), _) => format!("scenario {scenario}"),
            (None, Some(requirement)) => format!("requirement {requirement}"),
            (None, None) => String::new(),
        }
    }

    fn covers(&self, scenario: &ScenarioReport, finding: &Finding) -> bool {
        self.scenario.as_ref().is_some_and(|pattern| means(pattern, &scenario.id))
            || self.requirement.as_ref().is_some_and(|id| *id == finding.requirement || Some(id) == finding.filed.as_ref())
    }

    /// Whether a scenario that was judged speaks of it.
    fn concerns(&self, scenario: &ScenarioReport) -> bool {
        let judged = matches!(scenario.verdict, Verdict::Pass | Verdict::Warn | Verdict::Fail | Verdict::Known);
        let named = self.scenario.as_ref().is_some_and(|pattern| means(pattern, &scenario.id));
        judged && (named || self.requirement.as_ref().is_some_and(|id| scenario.shows.contains(id)))
    }

    fn is_broken_in(&self, scenario: &ScenarioReport) -> bool {
        scenario.findings.iter().any(|finding| self.covers(scenario, finding))
    }
}

/// A baseline, read and checked.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    name: String,
    entries: Vec<(Entry, u32)>,
}

impl Baseline {
    /// Reads a baseline file, and holds it against the scenarios and requirements that there are.
    ///
    /// # Errors
    /// Every mistake of the file.
    pub fn read(name: &str, text: &str, scenarios: &[&str], requirements: &[&str]) -> Result<Self, Diagnostics> {
        let (file, tree) = yaml::read::<File>(name, text)?;
        let empty = Vec::new();
        let nodes = match tree.root.entry("known").map(|(_, node)| &node.kind) {
            Some(Kind::List(items)) => items,
            _ => &empty,
        };
        let mut diagnostics = Vec::new();
        let names = Names::of(scenarios);
        for (entry, node) in file.known.iter().zip(nodes) {
            let guesses = diagnostics.len() < MOST_GUESSES;
            diagnostics.extend(mistakes_of(entry, node, (scenarios, &names, requirements), guesses));
        }
        if !diagnostics.is_empty() {
            return Err(Diagnostics::new(name, text, diagnostics));
        }
        let lines = tree.lines();
        let lines = nodes.iter().map(|node| lines.line_of(&node.span));
        Ok(Self { name: name.to_owned(), entries: file.known.into_iter().zip(lines).collect() })
    }

    /// Whether everything that a scenario breaks is listed.
    #[must_use]
    pub fn knows(&self, scenario: &ScenarioReport) -> bool {
        let is_listed = |finding: &Finding| self.entries.iter().any(|(entry, _)| entry.covers(scenario, finding));
        !scenario.findings.is_empty() && scenario.findings.iter().all(is_listed)
    }

    /// Changes failures that are listed to *known*; gives what no longer holds.
    ///
    /// * `today`: `YYYY-MM-DD`, UTC.
    pub fn apply(&self, scenarios: &mut [ScenarioReport], today: &str) -> BaselineFacts {
        let (mut stale, mut holding) = (Vec::new(), Vec::new());
        for (entry, line) in &self.entries {
            let place = format!("{}:{line}: {} ", self.name, entry.name());
            let told = |what: &str| format!("{place}{what}");
            let mut concerned = scenarios.iter().filter(|one| entry.concerns(one)).peekable();
            if let Some(until) = entry.until.as_ref().filter(|until| until.as_str() < today) {
                stale.push(told(&format!("was to be right after {until}; see to it, or give it another date")));
            } else if concerned.peek().is_none() {
                continue;
            } else if concerned.any(|one| entry.is_broken_in(one)) {
                holding.push(place);
            } else {
                stale.push(told("no longer fails; take the entry out (`hookgate baseline update` does)"));
            }
        }
        for scenario in scenarios.iter_mut().filter(|one| matches!(one.verdict, Verdict::Fail | Verdict::Warn)) {
            let entry_of = |finding: &Finding| self.entries.iter().find(|(entry, _)| entry.covers(scenario, finding));
            let entries: Option<Vec<&(Entry, u32)>> = scenario.findings.iter().map(entry_of).collect();
            if let Some(reasons) = entries.filter(|entries| !entries.is_empty()) {
                let mut reasons: Vec<&str> = reasons.into_iter().map(|(entry, _)| entry.reason.as_str()).collect();
                reasons.dedup();
                scenario.reason = Some(format!("known: {}", reasons.join("; ")));
                scenario.verdict = Verdict::Known;
            }
        }
        BaselineFacts { file: self.name.clone(), entries: self.entries.len(), stale, holding }
    }

    /// Why a requirement is known to be broken, wherever that shows; nothing when it is not listed, or was to be right by now.
    ///
    /// * `today`: begins with `YYYY-MM-DD`, UTC.
    #[must_use]
    pub fn reason_for(&self, requirement: &str, today: &str) -> Option<&str> {
        let holds = |entry: &&Entry| entry.until.as_deref().is_none_or(|until| today.get(..until.len()).is_some_and(|day| until >= day));
        let mut entries = self.entries.iter().map(|(entry, _)| entry);
        entries.find(|entry| entry.requirement.as_deref() == Some(requirement) && holds(entry)).map(|entry| entry.reason.as_str())
    }

    /// The file anew, after a run: what still fails or was not judged is kept, what no longer fails is
    /// dropped, and every failure that is not listed is added. Gives the text, what was dropped, what was added.
    #[must_use]
    pub fn updated(&self, scenarios: &[ScenarioReport]) -> (String, Vec<String>, Vec<String>) {
        let (mut kept, mut dropped): (Vec<Entry>, Vec<String>) = (Vec::new(), Vec::new());
        for (entry, _) in &self.entries {
            let concerned: Vec<&ScenarioReport> = scenarios.iter().filter(|one| entry.concerns(one)).collect();
            if concerned.is_empty() || concerned.iter().any(|one| entry.is_broken_in(one)) {
                kept.push(entry.clone());
            } else {
                dropped.push(entry.name());
            }
        }
        let mut added = Vec::new();
        for scenario in scenarios.iter().filter(|one| matches!(one.verdict, Verdict::Fail | Verdict::Known)) {
            let listed = scenario.findings.iter().all(|finding| kept.iter().any(|entry| entry.covers(scenario, finding)));
            if !listed {
                let entry = Entry { scenario: Some(scenario.id.clone()), reason: UNEXPLAINED.to_owned(), ..Entry::default() };
                added.push(entry.name());
                kept.push(entry);
            }
        }
        (written(&kept), dropped, added)
    }
}

/// A file with these entries; text is quoted as JSON does, which YAML reads alike.
fn written(entries: &[Entry]) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut text = "# What is known to fail, and why. An entry that no longer fails, or is past its date, fails the run.\n".to_owned();
    text.push_str(if entries.is_empty() { "known: []\n" } else { "known:\n" });
    for entry in entries {
        let (member, name) = match (&entry.scenario, &entry.requirement) {
            (Some(scenario), _) => ("scenario", scenario.as_str()),
            (None, requirement) => ("requirement", requirement.as_deref().unwrap_or_default()),
        };
        // Writing to a string cannot fail.
        let _ = write!(text, "  - {member}: {}\n    reason: {}\n", quoted(name), quoted(&entry.reason));
        if let Some(until) = &entry.until {
            let _ = writeln!(text, "    until: {}", quoted(until));
        }
    }
    text
}

/// * `guesses`: whether the name that is meant is looked for.
fn mistakes_of(
    entry: &Entry,
    node: &Node,
    (scenarios, names, requirements): (&[&str], &Names<'_>, &[&str]),
    guesses: bool,
) -> Vec<Diagnostic> {
    let at = |member: &str| node.entry(member).map_or_else(|| node.span.clone(), |(_, value)| value.span.clone());
    let mut diagnostics = Vec::new();
    let mut say = |span, message: String, hint: Option<String>| diagnostics.push(Diagnostic { span, message, hint });
    match (&entry.scenario, &entry.requirement) {
        (Some(pattern), None) if !names.has(pattern) => {
            let near = nearest(pattern, scenarios.iter().copied().filter(|_| guesses)).map(|near| format!("did you mean `{near}`?"));
            say(
                at("scenario"),
                format!("no scenario fits `{}`", shown(pattern)),
                near.or_else(|| Some("`hookgate list` shows them".to_owned())),
            );
        }
        (None, Some(id)) if !requirements.contains(&id.as_str()) => {
            say(at("requirement"), format!("unknown requirement `{}`", shown(id)), hint(id, "there are", requirements));
        }
        (Some(_), None) | (None, Some(_)) => {}
        (Some(_), Some(_)) | (None, None) => {
            say(node.span.clone(), "an entry names a scenario or a requirement, one of them".to_owned(), None);
        }
    }
    if entry.reason.trim().is_empty() {
        say(at("reason"), "a reason says why it fails".to_owned(), Some("and who sees to it".to_owned()));
    }
    let is_date = |text: &str| text.len() == 10 && iso::read(&format!("{text}T00:00:00")).is_some();
    if let Some(until) = entry.until.as_ref().filter(|until| !is_date(until)) {
        say(at("until"), format!("`{until}` is no date"), Some("write YYYY-MM-DD".to_owned()));
    }
    diagnostics
}
