//! Arguments of commands that look and judge nothing: what there is, what it means, how it is written.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::SuiteArgs;
use crate::cli::project::InForce;

#[derive(Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) suite: SuiteArgs,
    /// List the contracts that are shipped, each with its source, in place of scenarios.
    #[arg(long, conflicts_with = "select")]
    pub(crate) contracts: bool,
    /// Only what shows these requirements or has these ids.
    #[arg(long, value_name = "EXPR")]
    pub(crate) select: Option<String>,
    /// For people, or as JSON.
    #[arg(long, value_enum, default_value_t = ListFormat::Human)]
    pub(crate) format: ListFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// A line each.
    Human,
    /// A JSON array.
    Json,
}

#[derive(Args)]
pub(crate) struct CheckArgs {
    /// Scenario, contract, requirement or project files; without any, everything that is shipped (or in --scenarios), and the project file with what it names.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) suite: SuiteArgs,
    /// The project file that is in force.
    #[arg(skip)]
    pub(crate) project: Option<Arc<InForce>>,
}

#[derive(Args)]
pub(crate) struct ExplainArgs {
    /// A requirement (`DUP-2`), a scenario (`duplicate/…`) or a contract (`orch-phase3`, or a file).
    #[arg(value_name = "WHAT")]
    pub(crate) what: String,
    #[command(flatten)]
    pub(crate) suite: SuiteArgs,
}

#[derive(Args)]
pub(crate) struct ShowArgs {
    /// A scenario (`duplicate/…`, also with its variant, `*` for any characters), a contract (`orch-phase3`), or the requirements of a suite (`core/requirements`).
    #[arg(value_name = "WHAT")]
    pub(crate) what: String,
    #[command(flatten)]
    pub(crate) suite: SuiteArgs,
}

#[derive(Args)]
pub(crate) struct CoverageArgs {
    #[command(flatten)]
    pub(crate) suite: SuiteArgs,
    /// For people, or as JSON.
    #[arg(long, value_enum, default_value_t = ListFormat::Human)]
    pub(crate) format: ListFormat,
}

#[derive(Args)]
pub(crate) struct SchemaArgs {
    /// Of what.
    #[arg(value_enum)]
    pub(crate) of: SchemaOf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    /// Scenario files.
    Scenario,
    /// Contract files.
    Contract,
    /// hookgate.toml.
    Config,
    /// requirements.yaml.
    Requirements,
    /// Baseline files.
    Baseline,
    /// report.json.
    Report,
    /// load.json.
    #[cfg(feature = "load")]
    Load,
    /// Mixes of deliveries, as `load --mix` takes them.
    #[cfg(feature = "load")]
    Mix,
    /// snapshots.json of a report folder.
    Snapshots,
    /// manifest.json of a report folder.
    Manifest,
    /// What `compare --format json` prints.
    Compare,
    /// What `claims --format json` prints.
    Claims,
    /// Rules for a form of phase reports, as `claims --rules` takes them.
    ClaimRules,
    /// Files of gates, as `load --gates` takes them.
    #[cfg(feature = "load")]
    Gates,
}

#[derive(Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Args)]
pub(crate) struct ManArgs {
    /// The command whose page it is (`run`, `report verify`); without it, hookgate's own.
    #[arg(value_name = "COMMAND")]
    pub(crate) of: Vec<String>,
    /// Write a page for each command into this folder (`hookgate.1`, `hookgate-run.1`, …).
    #[arg(long, value_name = "DIR", conflicts_with = "of")]
    pub(crate) dir: Option<PathBuf>,
}
