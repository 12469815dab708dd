//! Arguments of what is done with a run afterwards: its history, its baseline.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ContractArgs, LifeArgs, ListFormat};

#[derive(Args)]
pub(crate) struct HistoryArgs {
    #[command(subcommand)]
    pub(crate) command: HistoryCommand,
}

#[derive(Subcommand)]
pub(crate) enum HistoryCommand {
    /// Judge whether some order of events explains every answer, key by key.
    Check(HistoryCheckArgs),
}

#[derive(Args)]
pub(crate) struct HistoryCheckArgs {
    /// The `history.jsonl` of a report folder.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) contract: ContractArgs,
    #[command(flatten)]
    pub(crate) life: LifeArgs,
    /// How to print what was found.
    #[arg(long, value_enum, default_value_t = ListFormat::Human)]
    pub(crate) format: ListFormat,
}

#[derive(Args)]
pub(crate) struct BaselineArgs {
    #[command(subcommand)]
    pub(crate) command: BaselineCommand,
}

#[derive(Subcommand)]
pub(crate) enum BaselineCommand {
    /// Write a baseline from a report: what still fails is kept with its reason, what does not is dropped, the rest is added.
    Update(BaselineUpdateArgs),
}

#[derive(Args)]
pub(crate) struct BaselineUpdateArgs {
    /// The baseline; it is made when it is not there.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// A report folder, or its report.json.
    #[arg(long, value_name = "REPORT")]
    pub(crate) from: PathBuf,
    /// The contract: a shipped one by its name, or a file; without it, the one that the report was made with.
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) contract: Option<String>,
    /// Also know the scenarios of this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) scenarios: Vec<PathBuf>,
    /// Know the scenarios of this folder instead of the contract's suite.
    #[arg(long, value_name = "DIR", conflicts_with = "scenarios")]
    pub(crate) only_scenarios: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct SnapshotsArgs {
    #[command(subcommand)]
    pub(crate) command: SnapshotsCommand,
    /// The folder.
    #[arg(long, value_name = "DIR", default_value = "snapshots", global = true)]
    pub(crate) dir: PathBuf,
}

#[derive(Subcommand)]
pub(crate) enum SnapshotsCommand {
    /// List those that wait for review, and how many are reviewed.
    List,
    /// Show what changed; on a terminal, ask what to do with each.
    Review,
    /// Take over what waits.
    Accept(ChosenArgs),
    /// Throw away what waits.
    Reject(ChosenArgs),
    /// Throw away reviewed ones that no scenario of the shipped contracts takes any more.
    Prune,
}

#[derive(Args)]
pub(crate) struct ChosenArgs {
    /// Only these: names, `*` for any characters.
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
}
