//! Running a suite: every scenario against the target, the reference alongside.
//!
//! A [`Plan`] goes in (what to judge, with what, how), a [`Report`] and the
//! history come out, whatever happens on the way: a run that is interrupted or
//! that loses its target reports what it has judged.
//!
//! Start at [`run`]. One scenario is played in [`live`]; what all scenarios
//! share is on the [`context`], over a [`session`].

pub mod attempt;
pub mod batches;
mod beside;
pub mod concurrency;
pub mod executor;
pub mod explanation;
mod force;
pub mod gate;
pub mod lateness;
mod length;
pub mod life;
pub mod live;
pub mod liveness;
mod passes;
mod patience;
pub mod recount;
pub mod rehearsal;
mod rewound;
pub mod context;
pub mod steps;
pub mod suite;
pub mod traffic;
pub mod unasked;
mod visit;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use secrecy::SecretString;
use tokio::sync::watch;

use crate::clock::{Clock, Moment, SystemClock, iso};
use crate::contract::{Contract, Level};
use crate::delivery::HeaderLine;
use crate::evidence;
use crate::history::Operation;
use crate::judge::scenario::blank_report;
use crate::report::asked::asked;
use crate::report::baseline::Baseline;
use crate::report::manifest::MadeFrom;
use crate::report::{Report, RunFacts, SCHEMA, ScenarioReport, Target, Tool, Verdict, causes, tally};
use crate::run::batches::Batches;
use crate::run::concurrency::Jobs;
use crate::scenario::expand::Loaded;
use crate::scenario::requirement::Catalogue;
use crate::secret::Secrets;
use crate::session::clocks::ClockChoice;
use crate::session::error::SessionError;
use crate::session::{self, TargetChoice};
use crate::snapshot::Snapshot;

/// What to judge, with what, and how.
pub struct Plan {
    /// The promise.
    pub contract: Arc<Contract>,
    /// The requirements of the contract's suite.
    pub catalogue: Arc<Catalogue>,
    /// The scenarios that were selected, variants expanded.
    pub scenarios: Vec<Loaded>,
    /// Body files by name.
    pub bodies: Arc<BTreeMap<String, Bytes>>,
    /// Who is judged.
    pub target: TargetChoice,
    /// Where evidence is read, beside what the contract names.
    pub evidence: evidence::Choice,
    /// The shared secret.
    pub secret: SecretString,
    /// The variable that it came from.
    pub secret_variable: String,
    /// Secrets of other times: the previous one, and a retired one.
    pub other_secrets: (Option<SecretString>, Option<SecretString>),
    /// All that is to be hidden: these secrets, and whatever else opens a way.
    pub secrets: Secrets,
    /// How time passes for the target.
    pub clock: ClockChoice,
    /// How many scenarios run side by side.
    pub jobs: Jobs,
    /// How long the whole run may take.
    pub time_limit: Duration,
    /// Header lines of the user's own, which every delivery and every question bears.
    pub headers: Vec<HeaderLine>,
    /// Those of them that came from the environment: the line, and the variable.
    pub secret_headers: Vec<(HeaderLine, String)>,
    /// How many deliveries and questions a second there are at the most.
    pub max_rate: Option<f64>,
    /// How long one scenario waits for those who ask to be asked later.
    pub max_wait: Duration,
    /// The seed of everything random.
    pub seed: u64,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// The target's own TTL in seconds, when it is not the contract's.
    pub ttl: Option<u64>,
    /// With `must`, only requirements of that level are judged.
    pub level: Level,
    /// Stop at the first failure.
    pub fail_fast: bool,
    /// Failures that are known, and do not count.
    pub baseline: Option<Arc<Baseline>>,
    /// Whether snapshots are taken.
    pub takes_snapshots: bool,
    /// Which part of the suite this is, as `2/3`.
    pub shard: Option<String>,
    /// The arguments that make the same target be judged the same way again, for reports.
    pub arguments: String,
    /// Those of them that a visit alone takes.
    pub visiting: String,
    /// The contract's file, where it is one of the user's own.
    pub contract_file: Option<String>,
}

impl Plan {
    /// What its session is made of.
    pub(crate) fn session(&self) -> session::Choice {
        session::Choice {
            contract: Arc::clone(&self.contract),
            target: self.target.clone(),
            evidence: self.evidence.clone(),
            secret: self.secret.clone(),
            other_secrets: self.other_secrets.clone(),
            clock: self.clock.clone(),
            headers: self.headers.clone(),
            bodies: Arc::clone(&self.bodies),
            ordinary_body: self.catalogue.ordinary_body.clone(),
            max_rate: self.max_rate,
            max_wait: self.max_wait,
            seed: self.seed,
            timeout: self.timeout,
            ttl: self.ttl,
        }
    }
}

/// What a run leaves.
pub struct Outcome {
    /// The report.
    pub report: Report,
    /// Every delivery.
    pub history: Vec<Operation>,
    /// Every snapshot that was taken.
    pub snapshots: Vec<Snapshot>,
    /// What the target has written, when hookgate has started it.
    pub target_output: Option<String>,
    /// Why nothing could be judged, when nothing could.
    pub failed: Option<SessionError>,
}

/// Called with every scenario's report as it is done.
pub type OnDone = Arc<dyn Fn(&ScenarioReport) + Send + Sync>;

/// Runs a plan.
///
/// `interrupted` turns true when the user wants to stop: scenarios under way
/// are dropped, and what is done is reported. Where nothing can be judged at
/// all (the target does not answer, its database cannot be read), the report
/// says so for every scenario, and [`Outcome::failed`] says why.
pub async fn run(mut plan: Plan, on_done: OnDone, interrupted: watch::Receiver<bool>) -> Outcome {
    let began = Moment::now();
    let started_at = iso::write(SystemClock.now());
    let mut batches = match Batches::begin(&plan, on_done, interrupted, (began, started_at.clone())).await {
        Ok(batches) => batches,
        Err(failed) => return nothing_judged(&plan, started_at, began, failed),
    };
    let played = batches.play(std::mem::take(&mut plan.scenarios)).await;
    batches.close(plan, played).await
}

/// The report of a run that could not begin.
pub(crate) fn nothing_judged(plan: &Plan, started_at: String, began: Moment, failed: SessionError) -> Outcome {
    let why = failed.to_string();
    let undecided = |loaded: &Loaded| ScenarioReport { reason: Some(why.clone()), ..blank_report(loaded, Verdict::Undecided) };
    let scenarios = plan.scenarios.iter().map(undecided).collect();
    let ended_early = if matches!(failed, SessionError::Interrupted) { tally::INTERRUPTED.to_owned() } else { why.clone() };
    let facts = RunFacts {
        seed: plan.seed,
        started_at,
        duration_ms: millis(began.elapsed()),
        jobs: 0,
        ended_early: Some(ended_early),
        arguments: plan.arguments.clone(),
        visiting: plan.visiting.clone(),
        shard: plan.shard.clone(),
        contract_file: plan.contract_file.clone(),
        ttl_secs: plan.ttl,
        ..RunFacts::default()
    };
    let target = match &plan.target {
        TargetChoice::BuiltIn { .. } => Target { built_in: true, ..Target::default() },
        TargetChoice::Foreign { url } => Target { url: url.to_string(), database: plan.evidence.db.clone(), ..Target::default() },
        TargetChoice::Launched(choice) => Target {
            url: choice.url.clone(),
            command: Some(choice.command.clone()),
            database: plan.evidence.db.clone(),
            ..Target::default()
        },
    };
    let report = assemble(&plan.contract, &plan.catalogue, plan.level, facts, target, scenarios);
    Outcome { report, history: Vec::new(), snapshots: Vec::new(), target_output: None, failed: Some(failed) }
}

/// What the report says of steps that were repeated fewer times than they have.
fn shortened_note(scenarios: &[ScenarioReport]) -> Option<String> {
    let shortened: Vec<&str> = scenarios.iter().filter(|one| one.shortened.is_some()).map(|one| one.id.as_str()).collect();
    let all = shortened.join(", ");
    (!shortened.is_empty()).then(|| format!("The receiver is slow: steps that are repeated were played fewer times than the scenario has, and judged by what was seen: {all}."))
}

/// A report of scenarios that were judged: its requirements tallied, its causes found; they must have been filed before.
#[must_use]
pub fn assemble(
    contract: &Contract,
    catalogue: &Catalogue,
    level: Level,
    facts: RunFacts,
    target: Target,
    scenarios: Vec<ScenarioReport>,
) -> Report {
    let asked = asked(contract, catalogue, level);
    let requirements = tally::requirements(&asked, &scenarios);
    let first = tally::said_first(&requirements).map(str::to_owned);
    let facts = RunFacts { notes: first.into_iter().chain(facts.notes).collect(), ..facts };
    let mut report = Report {
        schema: SCHEMA.to_owned(),
        tool: Tool { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        summary: tally::summary(&scenarios, facts.ended_early.as_deref()),
        run: facts,
        target,
        contract: contract.contract.clone(),
        made_from: MadeFrom::default(),
        project: None,
        history: None,
        causes: Vec::new(),
        visit: None,
        baseline: None,
        repeat: None,
        snapshots: None,
        required: None,
        scenarios,
        requirements,
    };
    report.causes = causes::causes(&report);
    report
}

/// A duration in milliseconds, to the microsecond.
#[must_use]
pub fn millis(span: Duration) -> f64 {
    span.as_micros() as f64 / 1000.0
}
