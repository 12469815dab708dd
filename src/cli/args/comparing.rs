//! Arguments of `hookgate compare` and `hookgate report`: what is done with reports afterwards.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::FormatArg;
use crate::report::compare::FailOn;

#[derive(Args)]
pub(crate) struct CompareArgs {
    /// The earlier report: a folder, a report.json or a load.json.
    #[arg(value_name = "BEFORE")]
    pub(crate) before: PathBuf,
    /// The later one.
    #[arg(value_name = "AFTER")]
    pub(crate) after: PathBuf,
    /// When the later report counts as worse: newly-broken, any (also what is no longer judged, and slower), latency:10%, rate:10%.
    #[arg(long, value_name = "RULE,…", value_delimiter = ',', default_value = "newly-broken", value_parser = FailOn::read)]
    pub(crate) fail_on: Vec<FailOn>,
    /// How to print the comparison.
    #[arg(long, value_enum, default_value_t = CompareFormat::Human)]
    pub(crate) format: CompareFormat,
}

#[derive(Args)]
pub(crate) struct ReportArgs {
    /// The report: a folder, or a report.json.
    #[arg(value_name = "DIR")]
    pub(crate) report: PathBuf,
    /// The form.
    #[arg(long, value_enum, default_value_t = FormatArg::Human)]
    pub(crate) format: FormatArg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompareFormat {
    /// For people.
    Human,
    /// For a merge request.
    Markdown,
    /// hookgate.compare/1.
    Json,
}
