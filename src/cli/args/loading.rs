//! Arguments of `hookgate load`.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::{
    ContractArgs, EvidenceArgs, FeedArgs, HeaderArgs, LanguageArgs, LaunchArgs, LifeArgs, PatienceArgs, ReachArgs, SecretArgs, Shard,
    at_least_one, duration, rate, whole,
};
use crate::cli::project::InForce;
use crate::clock::span;
use crate::load::rate_profile::RateProfile;
use crate::load::think::Think;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct LoadArgs {
    #[command(subcommand)]
    pub(crate) command: Option<LoadCommand>,
    /// The receiver, `http://host:port`, `https://…` or `unix:/path/to.sock`; without it, the built-in reference on a database of its own.
    #[arg(long, value_name = "URL")]
    pub(crate) target: Option<String>,
    #[command(flatten)]
    pub(crate) reach: ReachArgs,
    #[command(flatten)]
    pub(crate) contract: ContractArgs,
    #[command(flatten)]
    pub(crate) evidence: EvidenceArgs,
    #[command(flatten)]
    pub(crate) headers: HeaderArgs,
    /// How many users deliver, each over a connection of its own; under Locust's master, how many at the most [default: 64; under a master, 1000].
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) users: Option<NonZeroU16>,
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
    #[arg(long, alias = "duration", value_name = "DURATION", value_parser = duration)]
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
    #[command(flatten)]
    pub(crate) feeding: FeedArgs,
    /// How long a user waits before its next delivery: always `500ms`, from `200ms..2s`, or `~1s` for a mean of random times.
    #[arg(long, value_name = "TIME", value_parser = Think::read, conflicts_with = "rate")]
    pub(crate) think: Option<Think>,
    /// What must be kept to: `p95<100ms`, `rate>=200/s`, `errors<0.1%`, `violations==0`, `dropped==0`, `duplicate.p99<50ms`; with --streams `stream_lost==0`, `stream_p99<1s`.
    #[arg(long, value_name = "GATE")]
    pub(crate) gate: Vec<String>,
    /// Gates from a file, or the shipped ones of the source system (orch).
    #[arg(long, value_name = "ID|FILE")]
    pub(crate) gates: Vec<String>,
    /// End early, and fail, as soon as this is true: `errors>5%`, `p99>2s`.
    #[arg(long, value_name = "CONDITION")]
    pub(crate) abort_on: Vec<String>,
    /// Refused: what a run must have judged is asked of a run.
    #[arg(long, value_name = "ID,…", value_delimiter = ',', hide = true)]
    pub(crate) require: Vec<String>,
    /// So many subscribers read the contract's event streams meanwhile, are cut at random, and come back: no event may lack, or come twice.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) streams: Option<NonZeroU16>,
    /// With --streams: how long a stream is read on average before it is cut [default: 3 s].
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "streams")]
    pub(crate) stream_life: Option<Duration>,
    /// Look for the highest rate at which all of this holds, and the rate is kept: `p99<250ms,errors<0.1%,violations==0`.
    #[arg(long, value_name = "GATE,…", conflicts_with_all = ["rate", "run_time", "stages", "deliveries", "warm_up", "gate", "gates", "abort_on"])]
    pub(crate) find_max: Option<String>,
    /// With --find-max: fail when it is less than this.
    #[arg(long, value_name = "N/s", value_parser = rate, requires = "find_max")]
    pub(crate) at_least: Option<f64>,
    /// With --find-max: how long a step is measured at the least; a percentile of few deliveries takes longer [default: 5 s].
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "find_max")]
    pub(crate) step: Option<Duration>,
    /// Do not judge the history afterwards.
    #[arg(long)]
    pub(crate) no_verify: bool,
    #[command(flatten)]
    pub(crate) patience: PatienceArgs,
    /// How long answers are waited for when the time is over; nothing is asked of the receiver afterwards.
    #[arg(long, value_name = "DURATION", default_value = "10 s", value_parser = no_time_or_more)]
    pub(crate) drain: Duration,
    #[command(flatten)]
    pub(crate) life: LifeArgs,
    #[command(flatten)]
    pub(crate) launch: LaunchArgs,
    /// Tell the processor and memory of this process and its children, which are the receiver, beside our own (with --exec: of what was started).
    #[arg(long, value_name = "PID")]
    pub(crate) target_pid: Option<u32>,
    /// While the load runs, serve what Prometheus reads at this address under /metrics; a port alone is one of this machine's own.
    #[arg(long, value_name = "ADDR", value_parser = listening)]
    pub(crate) metrics: Option<SocketAddr>,
    /// While the load runs, tell the same to a collector of OpenTelemetry, by OTLP over HTTP in JSON (`http://127.0.0.1:4318`).
    #[arg(long, value_name = "URL")]
    pub(crate) otlp: Option<String>,
    /// A header of these exports, with the value from an environment variable; it is hidden in all that is written.
    #[arg(long, value_name = "NAME=VARIABLE", requires = "otlp")]
    pub(crate) otlp_header_env: Vec<String>,
    /// Failures that are known, each with a reason: they do not fail the load. Of its entries those that name requirements count.
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// The seed of what is random; printed, so that a load can be made again.
    #[arg(long, value_name = "N", value_parser = whole)]
    pub(crate) seed: Option<u64>,
    #[command(flatten)]
    pub(crate) secret: SecretArgs,
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
    /// This load is one of several (`2/4`), whose reports `load merge` joins: its keys are its own.
    #[arg(long, value_name = "K/N", value_parser = Shard::read, requires = "run_word", requires = "report", conflicts_with = "find_max")]
    pub(crate) worker: Option<Shard>,
    /// For a load of hours: a report of its own every so often (`10m`), in a folder of its own, without a pause; and one of all at its end.
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "report", conflicts_with_all = ["worker", "find_max", "deliveries"])]
    pub(crate) rotate: Option<Duration>,
    /// The word that the keys of all workers of a run begin with, such as the number of a CI job.
    #[arg(long, value_name = "WORD", conflicts_with = "find_max", value_parser = crate::load::part::run_word)]
    pub(crate) run_word: Option<String>,
    /// Be a worker of Locust's master: it says how many users there are, and is told what they measure (`hookgate locustfile` prints its file).
    #[cfg(feature = "locust")]
    #[arg(long, value_name = "HOST:PORT", value_parser = master, conflicts_with_all = ["worker", "rate", "stages", "run_time", "deliveries", "hatch_rate", "find_max", "rotate"])]
    pub(crate) locust_master: Option<String>,
    /// Load a target that is not on this machine: it is yours, and may go down.
    #[arg(long)]
    pub(crate) i_own_this_target: bool,
    /// The project file that is in force.
    #[arg(skip)]
    pub(crate) project: Option<Arc<InForce>>,
}

#[derive(Subcommand)]
pub(crate) enum LoadCommand {
    /// Join the report folders of workers (`load --worker 2/4`, `load --locust-master`) into one, and judge all their keys.
    Merge(JoinArgs),
}

#[derive(Args)]
pub(crate) struct JoinArgs {
    /// The folders of all workers, or a folder of such folders.
    #[arg(value_name = "DIR", required = true, num_args = 1..)]
    pub(crate) workers: Vec<PathBuf>,
    /// The folder for the joined report.
    #[arg(long, value_name = "DIR")]
    pub(crate) report: PathBuf,
    /// The contract, when it is a file, or not the shipped one of that name.
    #[arg(long, value_name = "ID|FILE")]
    pub(crate) contract: Option<String>,
    /// What all workers together must keep to, beside the gates that each of them had.
    #[arg(long, value_name = "GATE")]
    pub(crate) gate: Vec<String>,
    /// Seal it with the key in this environment variable.
    #[arg(long, value_name = "NAME")]
    pub(crate) seal_env: Option<String>,
    /// What to print on standard output.
    #[arg(long, value_enum, default_value_t = LoadFormat::Human)]
    pub(crate) format: LoadFormat,
    #[command(flatten)]
    pub(crate) language: LanguageArgs,
}

/// For the master of workers that are hookgate's.
#[cfg(feature = "locust")]
#[derive(Args)]
pub(crate) struct LocustfileArgs {
    /// The mix whose kinds its page shows: by weight, a shipped one, or a file.
    #[arg(long, value_name = "KIND=WEIGHT,…|ID|FILE")]
    pub(crate) mix: Option<String>,
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
    pub(crate) profile: RateProfile,
    pub(crate) of_rates: bool,
}

fn stages(text: &str) -> Result<Stages, String> {
    let profile = RateProfile::stages(text)?;
    let levels: Vec<bool> = text.split(',').map(|stage| stage.trim().ends_with("/s") || stage.trim().ends_with(":0")).collect();
    let of_rates = text.contains("/s");
    if of_rates && levels.contains(&false) {
        return Err(format!("stages `{text}`: some levels are rates (`/s`), some are users; write all of them alike"));
    }
    Ok(Stages { profile, of_rates })
}

/// `9464`, `:9464` and `127.0.0.1:9464` alike; another address only when it is written out.
fn listening(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix(':').unwrap_or(text).parse::<u16>().ok();
    let address = port.map(|port| SocketAddr::from(([127, 0, 0, 1], port))).or_else(|| text.parse().ok());
    address.ok_or_else(|| format!("`{text}` is no address: write a port (`9464`), or `127.0.0.1:9464`"))
}

/// `10.0.0.7:5557`, or a host alone, with Locust's own port.
#[cfg(feature = "locust")]
fn master(text: &str) -> Result<String, String> {
    /// `--master-port` of Locust without another.
    const USUAL_PORT: u16 = 5557;
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    let port = if port.is_empty() { Some(USUAL_PORT) } else { port.parse().ok().filter(|port| *port > 0) };
    match port.filter(|_| !host.is_empty() && !host.contains('/') && (!host.contains(':') || host.starts_with('['))) {
        Some(port) => Ok(format!("{host}:{port}")),
        None => Err(format!("`{text}` is no master: write host and port, as in `10.0.0.7:{USUAL_PORT}`")),
    }
}

fn no_time_or_more(text: &str) -> Result<Duration, String> {
    span::read(text).map_err(|wrong| wrong.to_string())
}

fn positive(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0).ok_or_else(|| format!("`{text}` is not a number above 0"))
}
