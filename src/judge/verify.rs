//! A run's answers, judged again from what its report folder holds.
//!
//! In: a report, the history of its deliveries, the scenarios and the contract
//! it was made with. Out: what does not agree, a sentence each, and how much
//! could not be judged again. The receiver is not asked, and nothing is read
//! here: the scenarios are played over the history ([`Kept`]) by the judge that
//! the run had, too.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::kept::Kept;
use super::{ScenarioEnd, Setting, scenario};
use crate::contract::{Contract, Level};
use crate::history::{self, BodyBytes, Operation};
use crate::outcome::reader::Reader;
use crate::report::curl::Curl;
use crate::report::{Finding, Report, ScenarioReport, Verdict};
use crate::scenario::expand::Loaded;
use crate::scenario::requirement::Catalogue;
use crate::secret::{HIDDEN, Redactor};
use crate::sign::Signer;

/// What judging the answers again came to.
#[derive(Clone, Debug, Default)]
pub struct AnswersAgain {
    /// How many deliveries were judged.
    pub deliveries: usize,
    /// How many answers could not be judged again: their bodies were too long to be kept, or were altered.
    pub lost: usize,
    /// How many scenarios have verdicts that the history alone does not show: they are taken as they are told.
    pub trusted: usize,
    /// What does not agree.
    pub wrong: Vec<String>,
}

/// What a scenario needs that is about more than what the history has: rows, effects, pages, clocks.
const BEYOND: [&str; 8] = ["state", "rows", "keys", "audit", "audit-url", "effects", "time", "restart"];
/// What a scenario rests on that the history has.
const WITHIN: [&str; 2] = ["answers", "streams"];

/// How the reason begins of a scenario that a contract contradicts.
pub(crate) const CONTRADICTION: &str = "the contract and this scenario contradict each other";

/// Whether a history does not show that a scenario's verdict is right: it rests on rows, effects or pages, or says that it was not judged.
fn is_trusted(said: &ScenarioReport, scenarios: &[Loaded]) -> bool {
    let loaded = scenarios.iter().find(|loaded| loaded.id == said.id);
    let needs_more = loaded.is_none_or(|loaded| loaded.scenario.needs.iter().any(|need| BEYOND.contains(&need.as_str())));
    let rests_on_more = said.rests_on.iter().any(|what| !WITHIN.contains(&what.as_str()));
    needs_more || rests_on_more || matches!(said.verdict, Verdict::Undecided | Verdict::NotApplicable)
}

/// Judges every answer of the history again, step by step.
///
/// * `scenarios`: those that the report was made with; others are left out.
/// * `signer`: any secret will do; the reference alongside signs nothing.
#[must_use]
pub fn answers_again(
    report: &Report,
    scenarios: &[Loaded],
    operations: &[Operation],
    contract: &Arc<Contract>,
    catalogue: &Arc<Catalogue>,
    signer: &Signer,
) -> AnswersAgain {
    let setting = setting_of(report, contract, catalogue);
    let trusted = report.scenarios.iter().filter(|said| is_trusted(said, scenarios)).count();
    let mut again = AnswersAgain { trusted, ..AnswersAgain::default() };
    again.wrong.extend(operations.iter().filter_map(|one| operation_wrong(one, &setting.reader)));
    let mut by_scenario: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    for one in operations {
        by_scenario.entry(&one.scenario).or_default().push(one);
    }
    if report.run.deliveries != operations.len() as u64 {
        let (said, there) = (report.run.deliveries, operations.len());
        again.wrong.push(format!("{said} deliveries are said to have been made, and the history has {there}"));
    }
    let (said, there) = (report.run.hidden_answers, history::hidden_answers(operations));
    if said != there as u64 {
        again.wrong.push(format!(
            "something is said to be hidden in {said} answers, and in the history it is in {there}: `{HIDDEN}` stands in them"
        ));
    }
    let unknown = by_scenario.keys().filter(|id| !report.scenarios.iter().any(|one| one.id == **id));
    again.wrong.extend(unknown.map(|id| format!("the history has deliveries of {id}, and the report has no such scenario")));
    let statuses = history::statuses(operations);
    for said in &report.scenarios {
        if statuses.get(said.id.as_str()).unwrap_or(&BTreeMap::new()) != &said.statuses {
            again.wrong.push(format!("the statuses of {} are not those of the history", said.id));
        }
        let Some(loaded) = scenarios.iter().find(|loaded| loaded.id == said.id) else { continue };
        let operations = by_scenario.get(said.id.as_str()).map_or(&[][..], Vec::as_slice);
        if !operations.is_empty() || matches!(said.verdict, Verdict::Pass | Verdict::Warn) {
            play_again(&setting, said, loaded, operations, signer, &mut again);
        }
    }
    again
}

/// The level that a report was judged by.
#[must_use]
pub fn level_of(report: &Report) -> Level {
    if report.requirements.iter().all(|one| one.level == Level::Must) { Level::Must } else { Level::Should }
}

fn setting_of(report: &Report, contract: &Arc<Contract>, catalogue: &Arc<Catalogue>) -> Setting {
    Setting {
        reader: Reader::new(Arc::clone(contract)),
        catalogue: Arc::clone(catalogue),
        ttl: contract.ttl_secs().map(|usual| report.run.ttl_secs.unwrap_or(usual)),
        level: level_of(report),
        origin: report.target.url.clone(),
        curl: Curl::at(&report.target.url),
        forbidden: Redactor::none(),
    }
}

/// A line of the history that does not agree with itself.
fn operation_wrong(one: &Operation, reader: &Reader) -> Option<String> {
    let about = || format!("the history of {} step {}", one.scenario, one.step);
    let mut bodies = std::iter::once(&one.body).chain(one.answer.as_ref().map(|answer| &answer.body));
    if bodies.any(is_altered) {
        return Some(format!("{}: a body is not the one that its hash is of", about()));
    }
    // Without an answer the run may know more: half a request can never be taken. An outcome may hang on a body that was not kept.
    let record = Some(one)
        .filter(|one| one.is_delivery())?
        .record(reader.contract())
        .filter(|record| record.result.is_ok() && one.body.whole().is_some())?;
    let reads = record.outcome(reader).name();
    (reads != one.outcome.name()).then(|| format!("{}: an answer is said to be `{}`, and reads `{reads}`", about(), one.outcome.name()))
}

/// Whether a body is not the one that its hash is of.
fn is_altered(body: &BodyBytes) -> bool {
    body.whole().is_some_and(|bytes| !body.is_of(&bytes))
}

/// One scenario, played again from its history.
fn play_again(
    setting: &Setting,
    said: &ScenarioReport,
    loaded: &Loaded,
    operations: &[&Operation],
    signer: &Signer,
    again: &mut AnswersAgain,
) {
    let Ok(reference) = scenario::reference(setting, signer) else { return };
    let mut kept = Kept::new(setting.contract(), operations);
    let played = at_once(scenario::play(setting, &mut kept, loaded, reference));
    let Some((report, end, _)) = played else { return };
    let passed = matches!(said.verdict, Verdict::Pass | Verdict::Warn);
    let (id, verdict) = (&said.id, said.verdict.name());
    again.lost += kept.lost.max(history::hidden_answers(operations.iter().copied()));
    again.deliveries += operations.len();
    // The history has nothing more of a step: a scenario that failed ended there, one that passed did not.
    if let (Some(ScenarioEnd::Lacks(step)), true) = (&end, passed) {
        let name =
            loaded.scenario.steps.get(step - 1).and_then(|step| step.name.as_deref()).map_or_else(String::new, |name| format!(" ({name})"));
        again.wrong.push(format!("{id} is said to be `{verdict}`, and the history lacks a delivery of its step {step}{name}"));
    }
    // What the reference itself gets wrong is nobody's finding: the run said so, and judged nothing of it.
    let contradicts = said.verdict == Verdict::Undecided && said.reason.as_deref().is_some_and(|why| why.starts_with(CONTRADICTION));
    if let Some(finding) = report.findings.iter().find(|finding| !contradicts && !is_told(finding, said)) {
        again.wrong.push(format!(
            "{id} is said to be `{verdict}`, and in its step {} the history has {}, where {} was due",
            finding.step,
            first_line(&finding.observed),
            first_line(&finding.expected)
        ));
    }
    if end.is_none() {
        again.wrong.extend(streams_wrong(said, &report));
        let steps = 1..=loaded.scenario.steps.len();
        if let Some((step, more)) = steps.map(|step| (step, kept.left(step))).find(|(_, more)| *more > 0) {
            let what = if more == 1 { "delivery" } else { "deliveries" };
            again.wrong.push(format!("the history of {id} has {more} {what} more than its step {step} makes"));
        }
    }
}

/// Streams of which something else is said than the history shows.
fn streams_wrong(said: &ScenarioReport, again: &ScenarioReport) -> Option<String> {
    let count = |one: &ScenarioReport| one.streams.as_ref().map_or((0, 0), |streams| (streams.opened, streams.events));
    let (said_of, shown) = (count(said), count(again));
    // Reports of versions that did not count them say nothing of them.
    (said.streams.is_some() && said_of != shown).then(|| {
        let told = |(streams, events): (usize, usize)| format!("{streams} event stream(s) with {events} event(s)");
        format!("{} is said to have read {}, and in the history there are {}", said.id, told(said_of), told(shown))
    })
}

/// What is broken must have been found, in the step where it was.
fn is_told(finding: &Finding, said: &ScenarioReport) -> bool {
    said.findings.iter().any(|one| one.step == finding.step)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// The value of a future that never waits; `None` for one that would.
pub fn at_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
