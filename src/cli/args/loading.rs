//! Arguments of `hookgate load`.

use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{LanguageArgs, duration, duration_or_seconds};
use crate::load::pace::Course;

#[derive(Args)]
pub(crate) struct LoadArgs {
    /// The receiver, `http://host:port`; without it, the built-in reference on a database of its own.
    #[arg(long, value_name = "URL")]
    pub(crate) target: Option<String>,
    /// The contract: the name of a shipped one, or a file.
    #[arg(long, value_name = "ID|FILE", default_value = "orch-phase3")]
    pub(crate) contract: String,
    /// Where the receiver remembers (read only): a SQLite file, or sqlite:PATH, postgres://…, mysql://…, redis://…, without a password.
    #[arg(long, value_name = "PATH|URL", requires = "target")]
    pub(crate) db: Option<String>,
    /// The environment variable that holds the database's password [default: PGPASSWORD, MYSQL_PWD, REDISCLI_AUTH].
    #[arg(long, value_name = "NAME", requires = "db")]
    pub(crate) db_password_env: Option<String>,
    /// How many users deliver, each over a connection of its own.
    #[arg(long, value_name = "N", default_value = "64")]
    pub(crate) users: NonZeroU16,
    /// How many users are started a second; without it, all within a tenth of a second.
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) hatch_rate: Option<f64>,
    /// Deliver so often (`2000/s`), whether answers come or not; without it, each user waits for its answers.
    #[arg(long, value_name = "N/s", value_parser = rate)]
    pub(crate) rate: Option<f64>,
    /// With an open model: deliveries come evenly, or at random with the same mean.
    #[arg(long, value_enum, default_value_t = ArrivalsArg::Constant)]
    pub(crate) arrivals: ArrivalsArg,
    /// Go from level to level: `30s:100,1m:500,30s:0` users, or with `/s` behind each level deliveries a second.
    #[arg(long, value_name = "TIME:LEVEL,…", value_parser = stages, conflicts_with_all = ["rate", "run_time"])]
    pub(crate) stages: Option<Stages>,
    /// How long [default: 10 s].
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) run_time: Option<Duration>,
    /// End after so many deliveries.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub(crate) deliveries: Option<u64>,
    /// So long deliveries are made and judged, but not measured.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) warm_up: Option<Duration>,
    /// What is delivered, by weight (`fresh=80,duplicate=15,bad-signature=3`), a shipped mix (ordinary, impatient, sizes), or a file.
    #[arg(long, value_name = "KIND=WEIGHT,…|ID|FILE")]
    pub(crate) mix: Option<String>,
    /// What must be kept to: `p95<100ms`, `rate>=200/s`, `errors<0.1%`, `violations==0`, `duplicate.p99<50ms`.
    #[arg(long, value_name = "GATE")]
    pub(crate) gate: Vec<String>,
    /// Gates from a file, or the shipped ones of the source system (orch).
    #[arg(long, value_name = "ID|FILE")]
    pub(crate) gates: Vec<String>,
    /// End early, and fail, as soon as this is true: `errors>5%`, `p99>2s`.
    #[arg(long, value_name = "CONDITION")]
    pub(crate) abort_on: Vec<String>,
    /// Do not judge the history afterwards.
    #[arg(long)]
    pub(crate) no_verify: bool,
    /// How long to wait for an answer.
    #[arg(long, value_name = "DURATION", default_value = "5 s", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// The receiver's TTL, when it is not the contract's (`60 s`; a bare number is seconds).
    #[arg(long, value_name = "DURATION", value_parser = duration_or_seconds)]
    pub(crate) ttl: Option<Duration>,
    /// The seed of what is random; printed, so that a load can be made again.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// The environment variable that holds the shared secret, when it is not the contract's.
    #[arg(long, value_name = "NAME")]
    pub(crate) secret_env: Option<String>,
    /// Write load.json, load.html, load.md, series.csv, latency.hlog, junit.xml and manifest.json to this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) report: Option<PathBuf>,
    /// Seal the manifest of the report folder with the key in this environment variable.
    #[arg(long, value_name = "NAME", requires = "report")]
    pub(crate) seal_env: Option<String>,
    /// What to print on standard output.
    #[arg(long, value_enum, default_value_t = LoadFormat::Human)]
    pub(crate) format: LoadFormat,
    #[command(flatten)]
    pub(crate) language: LanguageArgs,
    /// Print only the summary line.
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Load a target that is not on this machine: it is yours, and may go down.
    #[arg(long)]
    pub(crate) i_own_this_target: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ArrivalsArg {
    /// Evenly.
    Constant,
    /// At random, as senders come that know nothing of each other.
    Poisson,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LoadFormat {
    /// For people.
    Human,
    /// load.json.
    Json,
    /// load.md.
    Markdown,
    /// junit.xml.
    Junit,
}

/// Stages, and whether their levels are rates.
#[derive(Clone, Debug)]
pub(crate) struct Stages {
    pub(crate) course: Course,
    pub(crate) of_rates: bool,
}

fn stages(text: &str) -> Result<Stages, String> {
    let course = Course::stages(text)?;
    let levels: Vec<bool> = text.split(',').map(|stage| stage.trim().ends_with("/s") || stage.trim().ends_with(":0")).collect();
    let of_rates = text.contains("/s");
    if of_rates && levels.contains(&false) {
        return Err(format!("stages `{text}`: some levels are rates (`/s`), some are users; write all of them alike"));
    }
    Ok(Stages { course, of_rates })
}

fn positive(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0).ok_or_else(|| format!("`{text}` is not a number above 0"))
}

fn rate(text: &str) -> Result<f64, String> {
    let number = text.trim().strip_suffix("/s").ok_or_else(|| format!("`{text}` has no unit; write `{text}/s`"))?;
    positive(number.trim())
}
