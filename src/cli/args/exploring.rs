//! Arguments of `hookgate explore` and `hookgate shrink`: those of a run that say who is judged, for how long, and where findings go.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::{
    ClockArgs, EvidenceArgs, FormatArg, LanguageArgs, LaunchArgs, LevelArg, PaceArgs, PatienceArgs, ReachArgs, RunArgs, SecretArgs,
    SuiteArgs, at_least_one, duration, whole,
};

use crate::cli::project::InForce;

/// A sequence stands where a run has its scenario.
const MAX_WAIT: &str =
    "The longest that one sequence waits: with `--clock wait`, and for a 429 or 503 that asks to come again (`Retry-After`)";

/// Who is judged, for how long, and where what is found goes.
#[derive(Args)]
#[command(mut_arg("max_wait", |arg| arg.help(MAX_WAIT)))]
pub(crate) struct JudgedArgs {
    /// The receiver, `http://host:port`, `https://…` or `unix:/path/to.sock`; without it, the built-in reference.
    #[arg(long, value_name = "URL")]
    pub(crate) target: Option<String>,
    #[command(flatten)]
    pub(crate) reach: ReachArgs,
    #[command(flatten)]
    pub(crate) launch: LaunchArgs,
    #[command(flatten)]
    pub(crate) suite: SuiteArgs,
    #[command(flatten)]
    pub(crate) evidence: EvidenceArgs,
    /// How long to go on.
    #[arg(long = "for", value_name = "DURATION", default_value = "60 s", value_parser = duration)]
    pub(crate) time: Duration,
    /// The seed of everything random; printed, so that the same can be made again.
    #[arg(long, value_name = "N", value_parser = whole)]
    pub(crate) seed: Option<u64>,
    /// Write the scenario of each finding to this folder, beside your own.
    #[arg(long, value_name = "DIR", default_value = ".hookgate/found")]
    pub(crate) keep: PathBuf,
    #[command(flatten)]
    pub(crate) clocks: ClockArgs,
    /// Judge only what a receiver must do, or also what it should do.
    #[arg(long, value_enum, default_value_t = LevelArg::Should)]
    pub(crate) level: LevelArg,
    /// How many sequences run side by side; without it, 4, and up to 32 while they mostly wait for answers.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) jobs: Option<u16>,
    #[command(flatten)]
    pub(crate) patience: PatienceArgs,
    #[command(flatten)]
    pub(crate) pace: PaceArgs,
    /// Write report.json, report.html, report.md, junit.xml, history.jsonl, snapshots.json and manifest.json to this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) report: Option<PathBuf>,
    /// What to print on standard output.
    #[arg(long, value_enum, default_value_t = FormatArg::Human)]
    pub(crate) format: FormatArg,
    #[command(flatten)]
    pub(crate) language: LanguageArgs,
    #[command(flatten)]
    pub(crate) secret: SecretArgs,
    /// Stop at the first finding.
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// The project file that is in force.
    #[arg(skip)]
    pub(crate) project: Option<Arc<InForce>>,
}

#[derive(Args)]
pub(crate) struct ExploreArgs {
    #[command(flatten)]
    pub(crate) judged: JudgedArgs,
    /// How many steps a sequence has.
    #[arg(long, value_name = "N", default_value = "30", value_parser = at_least_one)]
    pub(crate) steps: std::num::NonZeroU16,
    /// No more sequences than so many.
    #[arg(long, value_name = "N", value_parser = whole)]
    pub(crate) sequences: Option<u64>,
    /// Sequences that reached something new, which are played first the next time.
    #[arg(long, value_name = "DIR", default_value = ".hookgate/corpus")]
    pub(crate) corpus: PathBuf,
}

#[derive(Args)]
pub(crate) struct ShrinkArgs {
    /// A scenario that fails: its file, or its id; or the history of a run in which some did, `history.jsonl`.
    #[arg(value_name = "SCENARIO|HISTORY")]
    pub(crate) of: String,
    #[command(flatten)]
    pub(crate) judged: JudgedArgs,
}

impl JudgedArgs {
    /// The run that would judge the same receiver.
    ///
    /// * `only`: the scenarios that it would play.
    pub(crate) fn as_run(&self, only: &[String]) -> RunArgs {
        RunArgs {
            only: only.to_vec(),
            target: self.target.clone(),
            reach: self.reach.clone(),
            launch: self.launch.clone(),
            suite: self.suite.clone(),
            evidence: self.evidence.clone(),
            clocks: self.clocks.clone(),
            level: self.level,
            jobs: self.jobs,
            seed: self.seed,
            patience: self.patience,
            time_limit: self.time,
            pace: self.pace.clone(),
            report: self.report.clone(),
            format: self.format,
            language: self.language,
            secret: self.secret.clone(),
            project: self.project.clone(),
            ..RunArgs::of_no_flags()
        }
    }
}
