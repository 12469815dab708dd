//! Arguments of `hookgate compare` and `hookgate report`: what is done with reports afterwards.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{FormatArg, LanguageArgs, LifeArgs, at_least_one};
use crate::report::compare::rules::FailOn;

#[derive(Args)]
pub(crate) struct CompareArgs {
    /// The earlier report: a folder, a report.json or a load.json; a folder of such folders for a load that was repeated.
    #[arg(value_name = "BEFORE")]
    pub(crate) before: PathBuf,
    /// The later one.
    #[arg(value_name = "AFTER")]
    pub(crate) after: PathBuf,
    /// When the later report counts as worse: newly-broken (also where a must is no longer judged, or what conformed does not),
    /// only-broken (newly broken requirements and nothing else), slower, latency:10%, rate:10%, any (all of these).
    #[arg(long, value_name = "RULE,…", value_delimiter = ',', default_value = "newly-broken,slower", value_parser = FailOn::read)]
    pub(crate) fail_on: Vec<FailOn>,
    /// Two folders of reviewed snapshots, to tell what became of answers and rows; without them, those that the reports have with them.
    #[arg(long, num_args = 2, value_names = ["BEFORE", "AFTER"])]
    pub(crate) snapshots: Vec<PathBuf>,
    /// How to print the comparison.
    #[arg(long, value_enum, default_value_t = CompareFormat::Human)]
    pub(crate) format: CompareFormat,
    #[command(flatten)]
    pub(crate) language: LanguageArgs,
}

#[derive(Args)]
pub(crate) struct TrendArgs {
    /// The reports: folders, their report.json or load.json, or folders of such folders.
    #[arg(value_name = "DIR", required = true)]
    pub(crate) reports: Vec<PathBuf>,
    /// Only the last so many of each contract.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) last: Option<std::num::NonZeroU16>,
    /// How to print them.
    #[arg(long, value_enum, default_value_t = TrendFormat::Html)]
    pub(crate) format: TrendFormat,
    #[command(flatten)]
    pub(crate) language: LanguageArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TrendFormat {
    /// One page.
    Html,
    /// Markdown.
    Markdown,
    /// JSON.
    Json,
}

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct ReportArgs {
    #[command(subcommand)]
    pub(crate) command: Option<ReportCommand>,
    /// The report: a folder, a report.json or a load.json.
    #[arg(value_name = "DIR", required = true)]
    pub(crate) report: Option<PathBuf>,
    /// The form.
    #[arg(long, value_enum, default_value_t = FormatArg::Human)]
    pub(crate) format: FormatArg,
    #[command(flatten)]
    pub(crate) language: LanguageArgs,
}

#[derive(Subcommand)]
pub(crate) enum ReportCommand {
    /// See whether a report folder is as it was written, and its verdicts follow from what it holds.
    Verify(VerifyArgs),
    /// Join the report folders of shards (`run --shard 2/3`) into one.
    Merge(MergeArgs),
}

#[derive(Args)]
pub(crate) struct MergeArgs {
    /// The folders of all shards.
    #[arg(value_name = "DIR", required = true, num_args = 1..)]
    pub(crate) shards: Vec<PathBuf>,
    /// The folder for the joined report.
    #[arg(long, value_name = "DIR")]
    pub(crate) report: PathBuf,
    /// Seal it with the key in this environment variable.
    #[arg(long, value_name = "NAME")]
    pub(crate) seal_env: Option<String>,
    #[command(flatten)]
    pub(crate) language: LanguageArgs,
}

#[derive(Args)]
pub(crate) struct VerifyArgs {
    /// The folder.
    #[arg(value_name = "DIR")]
    pub(crate) report: PathBuf,
    /// The contract, when it is a file, or not the shipped one of that name.
    #[arg(long, value_name = "ID|FILE")]
    pub(crate) contract: Option<String>,
    /// The folder of scenarios that was played beside the shipped ones.
    #[arg(long, value_name = "DIR")]
    pub(crate) scenarios: Option<PathBuf>,
    /// The folder of scenarios that was played instead of the shipped ones.
    #[arg(long, value_name = "DIR", conflicts_with = "scenarios")]
    pub(crate) only_scenarios: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) life: LifeArgs,
    /// The environment variable with the key that the folder was sealed with.
    #[arg(long, value_name = "NAME")]
    pub(crate) seal_env: Option<String>,
}

#[derive(Args)]
pub(crate) struct ClaimsArgs {
    /// The phase report, Markdown.
    #[arg(value_name = "REPORT.md")]
    pub(crate) report: PathBuf,
    /// The evidence: the folder that `run --report` wrote, or its report.json.
    #[arg(long, value_name = "DIR")]
    pub(crate) evidence: PathBuf,
    /// The evidence of the phase before, to see what is new.
    #[arg(long, value_name = "DIR")]
    pub(crate) before: Option<PathBuf>,
    /// Rules for another form of reports; they are tried before the shipped ones.
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Vec<PathBuf>,
    /// What fails the command.
    #[arg(long, value_enum, value_name = "RULE,…", value_delimiter = ',', default_value = "contradicted")]
    pub(crate) fail_on: Vec<ClaimRule>,
    /// How to print what the claims are worth.
    #[arg(long, value_enum, default_value_t = ClaimsFormat::Human)]
    pub(crate) format: ClaimsFormat,
    #[command(flatten)]
    pub(crate) language: LanguageArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClaimRule {
    /// A claim that the evidence contradicts.
    Contradicted,
    /// A claim that the evidence does not show.
    NotShown,
    /// A report that does not agree with itself.
    Inconsistent,
    /// A line that looks like a claim and was not read.
    NotRead,
    /// Nothing does.
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClaimsFormat {
    /// For people.
    Human,
    /// For a merge request.
    Markdown,
    /// hookgate.claims/1.
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompareFormat {
    /// For people.
    Human,
    /// For a merge request.
    Markdown,
    /// hookgate.compare/1.
    Json,
    /// One page, compare.html.
    Html,
}
