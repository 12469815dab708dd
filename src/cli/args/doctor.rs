//! Arguments of `hookgate doctor`: those of a run that say who is visited, and with what.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::{
    ClockArgs, ContractArgs, EvidenceArgs, LanguageArgs, LaunchArgs, ListFormat, PaceArgs, PatienceArgs, ReachArgs, RunArgs, SecretArgs,
    SuiteArgs,
};

use crate::cli::project::InForce;

/// Longer than any visit takes.
const TIME_LIMIT: Duration = Duration::from_secs(600);

/// Nothing is moved on a visit.
const CLOCK: &str = "How time would pass for the receiver: whether it can be moved is looked at";
/// Nobody plays a scenario on a visit.
const MAX_WAIT: &str = "The longest that a 429 or 503 is waited for that asks to come again (`Retry-After`)";

#[derive(Args)]
#[command(mut_arg("clock", |arg| arg.help(CLOCK)), mut_arg("max_wait", |arg| arg.help(MAX_WAIT)))]
pub(crate) struct DoctorArgs {
    /// The receiver to visit, `http://host:port`, `https://…` or `unix:/path/to.sock`; without it, the built-in reference.
    #[arg(long, value_name = "URL")]
    pub(crate) target: Option<String>,
    #[command(flatten)]
    pub(crate) reach: ReachArgs,
    #[command(flatten)]
    pub(crate) launch: LaunchArgs,
    #[command(flatten)]
    pub(crate) contract: ContractArgs,
    #[command(flatten)]
    pub(crate) evidence: EvidenceArgs,
    #[command(flatten)]
    pub(crate) clocks: ClockArgs,
    #[command(flatten)]
    pub(crate) pace: PaceArgs,
    #[command(flatten)]
    pub(crate) patience: PatienceArgs,
    #[command(flatten)]
    pub(crate) secret: SecretArgs,
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
            target: self.target.clone(),
            reach: self.reach.clone(),
            launch: self.launch.clone(),
            suite: SuiteArgs::of(self.contract.name.clone()),
            evidence: self.evidence.clone(),
            clocks: self.clocks.clone(),
            patience: self.patience,
            time_limit: TIME_LIMIT,
            pace: self.pace.clone(),
            language: self.language,
            secret: self.secret.clone(),
            project: self.project.clone(),
            ..RunArgs::of_no_flags()
        }
    }
}
