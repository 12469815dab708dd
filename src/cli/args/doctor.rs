//! Arguments of `hookgate doctor`: those of a run that say who is visited, and with what.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::{
    ClockArg, EvidenceArgs, FormatArg, HeaderArgs, LanguageArgs, LaunchArgs, LevelArg, ListFormat, ReachArgs, RunArgs, SuiteArgs, duration,
    duration_or_seconds, rate,
};

use crate::cli::project::InForce;

/// Longer than any visit takes.
const TIME_LIMIT: Duration = Duration::from_secs(600);

#[derive(Args)]
pub(crate) struct DoctorArgs {
    /// The receiver to visit, `http://host:port`, `https://…` or `unix:/path/to.sock`; without it, the built-in reference.
    #[arg(long, value_name = "URL")]
    pub(crate) target: Option<String>,
    #[command(flatten)]
    pub(crate) reach: ReachArgs,
    #[command(flatten)]
    pub(crate) launch: LaunchArgs,
    /// The contract: the name of a shipped one, or a file.
    #[arg(long, value_name = "ID|FILE", default_value = "orch-phase3")]
    pub(crate) contract: String,
    #[command(flatten)]
    pub(crate) evidence: EvidenceArgs,
    /// How time would pass for the receiver: whether it can be moved is looked at.
    #[arg(long, value_enum, value_name = "CLOCK")]
    pub(crate) clock: Option<ClockArg>,
    /// With `--clock virtual`: the control address that `hookgate serve` prints.
    #[arg(long, value_name = "URL")]
    pub(crate) control: Option<String>,
    /// The receiver's TTL, when it is not the contract's (`60 s`; a bare number is seconds).
    #[arg(long, value_name = "DURATION", value_parser = duration_or_seconds)]
    pub(crate) ttl: Option<Duration>,
    #[command(flatten)]
    pub(crate) headers: HeaderArgs,
    /// Send so much at the most (`50/s`).
    #[arg(long, value_name = "N/s", value_parser = rate)]
    pub(crate) max_rate: Option<f64>,
    /// The longest that a 429 or 503 is waited for that asks to come again (`Retry-After`).
    #[arg(long, value_name = "DURATION", default_value = "30 s", value_parser = duration)]
    pub(crate) max_wait: Duration,
    /// How long to wait for an answer.
    #[arg(long, value_name = "DURATION", default_value = "5 s", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// The environment variable that holds the shared secret, when it is not the contract's.
    #[arg(long, value_name = "NAME")]
    pub(crate) secret_env: Option<String>,
    /// For people, or as JSON.
    #[arg(long, value_enum, default_value_t = ListFormat::Human)]
    pub(crate) format: ListFormat,
    #[command(flatten)]
    pub(crate) language: LanguageArgs,
    /// The project file that is in force.
    #[arg(skip)]
    pub(crate) project: Option<Arc<InForce>>,
}

impl DoctorArgs {
    /// The run that would judge the same receiver, and keeps nothing.
    pub(crate) fn as_run(&self) -> RunArgs {
        RunArgs {
            only: Vec::new(),
            target: self.target.clone(),
            reach: self.reach.clone(),
            launch: self.launch.clone(),
            suite: SuiteArgs { contract: self.contract.clone(), scenarios: Vec::new(), only_scenarios: None },
            evidence: self.evidence.clone(),
            clock: self.clock,
            control: self.control.clone(),
            ttl: self.ttl,
            select: None,
            require: Vec::new(),
            shard: None,
            level: LevelArg::Should,
            jobs: None,
            seed: None,
            timeout: self.timeout,
            time_limit: TIME_LIMIT,
            headers: self.headers.clone(),
            max_rate: self.max_rate,
            max_wait: self.max_wait,
            report: None,
            seal_env: None,
            format: FormatArg::Human,
            language: self.language,
            secret_env: self.secret_env.clone(),
            dry_run: false,
            fail_fast: false,
            snapshots: None,
            update: None,
            baseline: None,
            repeat: 1,
            project: self.project.clone(),
        }
    }
}
