//! Arguments of `hookgate selftest`: which defects, under which contracts.

use clap::{Args, ValueEnum};

use super::{at_least_one, duration, whole};

#[derive(Args)]
pub(crate) struct SelftestArgs {
    /// Only the defects that fit: a name, `*` for any characters.
    #[arg(long, value_name = "GLOB")]
    pub(crate) defect: Option<String>,
    /// Under this shipped contract: every defect that applies there, whatever contract it was made for. May be given again.
    #[arg(long, value_name = "ID")]
    pub(crate) contract: Vec<String>,
    /// Under every shipped contract.
    #[arg(long, conflicts_with = "contract")]
    pub(crate) all: bool,
    /// Play no more than it takes to catch each defect, the scenarios first that show what it breaks: minutes less, but nothing is known of causes
    /// and of idle scenarios then.
    #[arg(long)]
    pub(crate) until_caught: bool,
    /// Explore every defect instead, without playing the suite: what does `hookgate explore` find, and how long is what it leaves?
    #[arg(long, conflicts_with_all = ["contract", "all", "until_caught"])]
    pub(crate) explore: bool,
    /// With `--explore`: for how long each is explored; the first finding ends it.
    #[arg(long = "for", value_name = "DURATION", default_value = "60 s", value_parser = duration, requires = "explore")]
    pub(crate) time: std::time::Duration,
    /// With `--explore`: the seed of everything random.
    #[arg(long, value_name = "N", default_value = "1", value_parser = whole, requires = "explore")]
    pub(crate) seed: u64,
    /// How to print the matrix.
    #[arg(long, value_enum, default_value_t = MatrixFormat::Human)]
    pub(crate) format: MatrixFormat,
    /// How many defects are tried side by side.
    #[arg(long, value_name = "N", default_value = "6", value_parser = at_least_one)]
    pub(crate) jobs: std::num::NonZeroU16,
    /// How often the right reference is judged: it must give no failure and no warning.
    #[arg(long, value_name = "N", default_value = "3", value_parser = at_least_one)]
    pub(crate) right: std::num::NonZeroU16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MatrixFormat {
    /// A line each, with the scenarios that caught it.
    Human,
    /// Everything, as JSON.
    Json,
    /// The defects by topic, as the guide has them.
    Markdown,
}
