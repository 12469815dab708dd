//! Arguments of `hookgate explore` and `hookgate shrink`: those of a run that say who is judged, for how long, and where findings go.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::{
    ClockArg, EvidenceArgs, FormatArg, HeaderArgs, LanguageArgs, LaunchArgs, LevelArg, ReachArgs, RunArgs, SuiteArgs, at_least_one,
    duration, duration_or_seconds, rate, whole,
};

use crate::cli::project::InForce;

/// Who is judged, for how long, and where what is found goes.
#[derive(Args)]
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
    /// How time passes for the receiver.
    #[arg(long, value_enum, value_name = "CLOCK")]
    pub(crate) clock: Option<ClockArg>,
    /// With `--clock virtual`: the control address that `hookgate serve` prints.
    #[arg(long, value_name = "URL")]
    pub(crate) control: Option<String>,
    /// The receiver's TTL, when it is not the contract's (`60 s`; a bare number is seconds).
    #[arg(long, value_name = "DURATION", value_parser = duration_or_seconds)]
    pub(crate) ttl: Option<Duration>,
    /// Judge only what a receiver must do, or also what it should do.
    #[arg(long, value_enum, default_value_t = LevelArg::Should)]
    pub(crate) level: LevelArg,
    /// How many sequences run side by side; without it, 4, and up to 32 while they mostly wait for answers.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) jobs: Option<u16>,
    /// How long to wait for an answer.
    #[arg(long, value_name = "DURATION", default_value = "5 s", value_parser = duration)]
    pub(crate) timeout: Duration,
    #[command(flatten)]
    pub(crate) headers: HeaderArgs,
    /// Send so much at the most (`50/s`).
    #[arg(long, value_name = "N/s", value_parser = rate)]
    pub(crate) max_rate: Option<f64>,
    /// The longest that one sequence waits: with `--clock wait`, and for a 429 or 503 that asks to come again (`Retry-After`).
    #[arg(long, value_name = "DURATION", default_value = "30 s", value_parser = duration)]
    pub(crate) max_wait: Duration,
    /// Write report.json, report.html, report.md, junit.xml, history.jsonl, snapshots.json and manifest.json to this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) report: Option<PathBuf>,
    /// What to print on standard output.
    #[arg(long, value_enum, default_value_t = FormatArg::Human)]
    pub(crate) format: FormatArg,
    #[command(flatten)]
    pub(crate) language: LanguageArgs,
    /// The environment variable that holds the shared secret, when it is not the contract's.
    #[arg(long, value_name = "NAME")]
    pub(crate) secret_env: Option<String>,
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
            clock: self.clock,
            control: self.control.clone(),
            ttl: self.ttl,
            select: None,
            require: Vec::new(),
            shard: None,
            level: self.level,
            jobs: self.jobs,
            seed: self.seed,
            timeout: self.timeout,
            time_limit: self.time,
            headers: self.headers.clone(),
            max_rate: self.max_rate,
            max_wait: self.max_wait,
            report: self.report.clone(),
            seal_env: None,
            format: self.format,
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
