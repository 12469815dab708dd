//! Arguments: what may stand on the command line, and its help.

mod afterwards;
mod comparing;
mod delivering;
mod doctor;
mod evidence;
mod exploring;
#[cfg(feature = "load")]
mod feeding;
mod headers;
mod init;
mod launch;
mod looking;
mod project;
mod reaching;
mod selftest;
mod shared;
#[cfg(feature = "load")]
mod loading;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use afterwards::{
    BaselineArgs, BaselineCommand, BaselineUpdateArgs, HistoryArgs, HistoryCheckArgs, HistoryCommand, SnapshotsArgs, SnapshotsCommand,
};
pub(crate) use comparing::MergeArgs;
pub(crate) use comparing::{
    ClaimRule, ClaimsArgs, ClaimsFormat, CompareArgs, CompareFormat, ReportArgs, ReportCommand, TrendArgs, TrendFormat, VerifyArgs,
};
pub(crate) use delivering::{CapturedArgs, DeliveryArgs, SendArgs, SignArgs, VerifyDeliveryArgs};
pub(crate) use doctor::DoctorArgs;
pub(crate) use evidence::EvidenceArgs;
pub(crate) use exploring::{ExploreArgs, JudgedArgs, ShrinkArgs};
#[cfg(feature = "load")]
pub(crate) use feeding::{FeedArgs, FeedKeysArg, FeedOrderArg};
pub(crate) use headers::HeaderArgs;
pub(crate) use init::{CiArg, InitArgs, VisitArg};
#[cfg(unix)]
pub(crate) use launch::GuardArgs;
pub(crate) use launch::{LaunchArgs, Shard};
#[cfg(feature = "locust")]
pub(crate) use loading::LocustfileArgs;
#[cfg(feature = "load")]
pub(crate) use loading::{ArrivalsArg, JoinArgs, LoadArgs, LoadCommand, LoadFormat};
pub(crate) use looking::{
    CheckArgs, CompletionsArgs, CoverageArgs, ExplainArgs, ListArgs, ListFormat, ManArgs, SchemaArgs, SchemaOf, ShowArgs,
};
pub(crate) use project::{ConfigArgs, ProjectArgs, alone};
pub(crate) use reaching::ReachArgs;
pub(crate) use selftest::{MatrixFormat, SelftestArgs};
pub(crate) use shared::{ClockArgs, ContractArgs, LifeArgs, PaceArgs, PatienceArgs, SecretArgs};

use crate::cli::project::InForce;
use crate::clock::span;
use crate::report::language::Language;

/// Conformance tests for HTTP receivers of signed callbacks that promise idempotency.
#[derive(Parser)]
#[command(name = "hookgate", version, long_version = crate::cli::version::long(), about, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 conforms, 1 does not, 2 usage, 3 the harness could not work, 4 undecided, 130 interrupted.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Judge a receiver; without --target, the built-in reference.
    Run(Box<RunArgs>),
    /// Visit a receiver before it is judged: a few deliveries, what they show, and why honest ones are refused, when they are.
    Doctor(Box<DoctorArgs>),
    /// Begin: write hookgate.toml and a contract for a receiver, so that `hookgate run` needs no flag.
    Init(Box<InitArgs>),
    /// Print what is in force of hookgate.toml, its profiles, the environment and flags, and from where each value comes.
    Config(ConfigArgs),
    /// Run the reference receiver.
    Serve(ServeArgs),
    /// Explore a receiver: random sequences that nobody wrote down, judged by its contract, and the shortest scenario of what they find.
    Explore(Box<ExploreArgs>),
    /// Make a scenario that fails as short as it can be and still fail.
    Shrink(Box<ShrinkArgs>),
    /// Run the suite against every defect of the reference: what it catches, and what it stays silent about.
    Selftest(SelftestArgs),
    /// Load a receiver with signed deliveries, and judge it under load.
    #[cfg(feature = "load")]
    Load(Box<LoadArgs>),
    /// Print the locustfile for a master of Locust whose workers are `hookgate load --locust-master`.
    #[cfg(feature = "locust")]
    Locustfile(LocustfileArgs),
    /// List the scenarios.
    List(ListArgs),
    /// Check scenario, contract and requirement files, without running anything.
    Check(CheckArgs),
    /// Explain a requirement, a scenario or a contract.
    Explain(ExplainArgs),
    /// Print the file of a scenario or a contract that hookgate brings along.
    Show(ShowArgs),
    /// Show which scenarios show which requirement.
    Coverage(CoverageArgs),
    /// Print a JSON Schema, for editors and validators.
    Schema(SchemaArgs),
    /// Sign a body as a contract says, and print the header lines, ready for `curl -H @-`.
    Sign(SignArgs),
    /// Sign a body as a contract says, and send it.
    Send(SendArgs),
    /// Say whether a captured delivery is rightly signed, and why not.
    Verify(VerifyDeliveryArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
    /// Write down what is known to fail, so that only what is new fails a run.
    Baseline(BaselineArgs),
    /// Look at snapshots that wait for review, take them or throw them away.
    Snapshots(SnapshotsArgs),
    /// Two reports side by side: what got better, what broke, what is no longer shown.
    Compare(CompareArgs),
    /// The reports of many runs and loads on one page: what broke when, rates and latencies over time.
    Trend(TrendArgs),
    /// Set what a phase report claims beside what a run has shown.
    Claims(ClaimsArgs),
    /// Print a report of a run or a load again, in another form.
    Report(ReportArgs),
    /// Look at the history of a run again.
    History(HistoryArgs),
    /// Print a manual page, or write one for each command.
    Man(ManArgs),
    /// Stand between hookgate and a target that it has started.
    #[cfg(unix)]
    #[command(name = "__guard", hide = true)]
    Guard(GuardArgs),
}

/// Which contract, scenarios and requirements.
#[derive(Args, Clone)]
pub(crate) struct SuiteArgs {
    #[command(flatten)]
    pub(crate) contract: ContractArgs,
    /// Play the scenarios in this folder, too; one with the id of a shipped scenario is played in its place. May be given again.
    #[arg(long, value_name = "DIR", conflicts_with = "only_scenarios")]
    pub(crate) scenarios: Vec<PathBuf>,
    /// Play the scenarios in this folder instead of the shipped ones.
    #[arg(long, value_name = "DIR")]
    pub(crate) only_scenarios: Option<PathBuf>,
}

impl SuiteArgs {
    /// A contract with the suite that is shipped.
    pub(crate) fn of(contract: impl Into<String>) -> Self {
        Self { contract: ContractArgs { name: contract.into() }, scenarios: Vec::new(), only_scenarios: None }
    }
}

/// In which language.
#[derive(Args, Clone, Copy)]
pub(crate) struct LanguageArgs {
    /// The language of what people read (en, ja); without it, that of the environment (`LC_ALL`, `LC_MESSAGES`, `LANG`).
    #[arg(long = "lang", value_name = "LANGUAGE", value_parser = Language::read)]
    pub(crate) language: Option<Language>,
}

impl LanguageArgs {
    /// The language that was asked for, or that of the environment; English where that has none of ours.
    #[expect(clippy::disallowed_methods, reason = "the roof is where the environment is read")]
    pub(crate) fn chosen(self) -> Language {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale = || ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set);
        self.language.or_else(|| Language::of_locale(&locale()?)).unwrap_or_default()
    }
}

/// What counts for `--max-rate`, told where a run is asked for.
const MAX_RATE: &str =
    "Send so much at the most (`50/s`): every delivery and question is one, a burst of eight is eight, and is released in one piece";

#[derive(Args)]
#[command(mut_arg("max_rate", |arg| arg.help(MAX_RATE)))]
pub(crate) struct RunArgs {
    /// Only these scenarios: ids (`duplicate/*`), or files.
    #[arg(value_name = "SCENARIO")]
    pub(crate) only: Vec<String>,
    /// The receiver to judge, `http://host:port`, `https://…` or `unix:/path/to.sock`; without it, the built-in reference.
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
    #[command(flatten)]
    pub(crate) clocks: ClockArgs,
    /// Only what shows these requirements or has these ids: `TTL-*`, `AUTH-*,!AUTH-8`.
    #[arg(long, value_name = "EXPR")]
    pub(crate) select: Option<String>,
    /// What must have been judged: requirements (`DUP-*,!DUP-8`); one that is not applicable or undecided fails the run, with what to give.
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    pub(crate) require: Vec<String>,
    /// Play only one of several equal parts, as `2/3`; `hookgate report merge` joins their reports.
    #[arg(long, value_name = "K/N", value_parser = Shard::read)]
    pub(crate) shard: Option<Shard>,
    /// Judge only what a receiver must do, or also what it should do.
    #[arg(long, value_enum, default_value_t = LevelArg::Should)]
    pub(crate) level: LevelArg,
    /// How many scenarios run side by side; without it, 4, and up to 32 while they mostly wait for answers.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) jobs: Option<u16>,
    /// The seed of everything random; printed, so that a run can be made again.
    #[arg(long, value_name = "N", value_parser = whole)]
    pub(crate) seed: Option<u64>,
    #[command(flatten)]
    pub(crate) patience: PatienceArgs,
    /// How long the whole run may take; what was not judged by then is undecided.
    #[arg(long, value_name = "DURATION", default_value = "10 m", value_parser = duration)]
    pub(crate) time_limit: Duration,
    #[command(flatten)]
    pub(crate) pace: PaceArgs,
    /// Write report.json, report.html, report.md, junit.xml, history.jsonl, snapshots.json and manifest.json to this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) report: Option<PathBuf>,
    /// Seal the report folder with the key in this environment variable; `report verify` looks at the seal.
    #[arg(long, value_name = "NAME", requires = "report")]
    pub(crate) seal_env: Option<String>,
    /// What to print on standard output.
    #[arg(long, value_enum, default_value_t = FormatArg::Human)]
    pub(crate) format: FormatArg,
    #[command(flatten)]
    pub(crate) language: LanguageArgs,
    #[command(flatten)]
    pub(crate) secret: SecretArgs,
    /// Say what would be judged, read and written, and do nothing of it.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Stop at the first failure.
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Compare answers and rows with the reviewed snapshots in this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) snapshots: Option<PathBuf>,
    /// With --snapshots: what becomes of new and changed ones; `no` where the variable CI is set, else `new`.
    #[arg(long, value_enum, value_name = "WHEN", requires = "snapshots")]
    pub(crate) update: Option<UpdateArg>,
    /// Failures that are known, each with a reason; they do not fail the run, and one that no longer fails does.
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Run everything so often, and tell every verdict that differs; the report is that of the worst run.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) repeat: u16,
    /// The project file that is in force.
    #[arg(skip)]
    pub(crate) project: Option<Arc<InForce>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClockArg {
    /// The reference's own clock is moved, at once.
    Virtual,
    /// Times of the scenario's own key rows are moved back in --db: the only write hookgate ever does.
    Rewind,
    /// libfaketime is loaded under the target, which hookgate must start (--exec), and its time moved.
    Faketime,
    /// Time is really waited for, up to --max-wait.
    Wait,
    /// Time is not moved; what needs it is not applicable.
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum UpdateArg {
    /// Nothing is written; what is new, changed or unreferenced fails the run.
    No,
    /// They are written as `.snap.new`, and wait for `hookgate snapshots review`.
    New,
    /// They are taken over.
    Always,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LevelArg {
    /// Only what a receiver must do.
    Must,
    /// Also what it should do.
    Should,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// For people.
    Human,
    /// report.json.
    Json,
    /// JUnit XML.
    Junit,
    /// Markdown.
    Markdown,
    /// One page, report.html.
    Html,
    /// The Test Anything Protocol, version 14.
    Tap,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations, as GitHub's workflow commands.
    Github,
}

#[derive(Args)]
pub(crate) struct ServeArgs {
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) addr: SocketAddr,
    #[command(flatten)]
    pub(crate) contract: ContractArgs,
    /// Keep state in this SQLite file; without it, in memory.
    #[arg(long, value_name = "FILE")]
    pub(crate) db: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) life: LifeArgs,
    /// The longest silence of its event streams, when it is not the contract's (`2 s`).
    #[arg(long, value_name = "DURATION", value_parser = duration_or_seconds)]
    pub(crate) heartbeat: Option<Duration>,
    /// The machine's clock, or one that is moved through a control address.
    #[arg(long, value_enum, default_value_t = ServeClock::System)]
    pub(crate) clock: ServeClock,
    /// Speak TLS, with this certificate (PEM, with those between it and its root).
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The key of --tls-cert (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// With TLS: whoever delivers must show a certificate of this CA (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_client_ca: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) secret: SecretArgs,
    /// Be wrong on purpose, in this way.
    #[arg(long, value_name = "NAME")]
    pub(crate) defect: Option<String>,
    /// List the ways to be wrong on purpose, and the requirements that they break.
    #[arg(long)]
    pub(crate) list_defects: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ServeClock {
    /// The machine's clock.
    System,
    /// A clock that `POST /advance` on the control address moves.
    Virtual,
}

fn whole(text: &str) -> Result<u64, String> {
    text.trim().parse().map_err(|_| format!("`{text}` is no whole number from 0 to {}", u64::MAX))
}

fn at_least_one(text: &str) -> Result<std::num::NonZeroU16, String> {
    text.trim().parse().map_err(|_| format!("`{text}` is no whole number from 1 to {}", u16::MAX))
}

fn duration(text: &str) -> Result<Duration, String> {
    let read = span::read(text).map_err(|wrong| wrong.to_string())?;
    if read.is_zero() { Err("it must be longer than nothing".to_owned()) } else { Ok(read) }
}

/// What is wrong with a rate that is none a second.
fn no_unit(text: &str) -> String {
    let a_second = |number: &str, seconds: f64| number.trim().parse::<f64>().ok().map(|number| format!("write `{}/s`", number / seconds));
    let Some((number, unit)) = text.split_once('/') else { return format!("`{text}` has no unit; write `{text}/s`") };
    let way_out = match unit.trim() {
        "m" | "min" => a_second(number, 60.0),
        "h" => a_second(number, 3_600.0),
        _ => None,
    };
    format!("`{text}` is no rate a second; {}", way_out.unwrap_or_else(|| "write one as in `50/s`".to_owned()))
}

/// How often a second: `50/s`.
fn rate(text: &str) -> Result<f64, String> {
    let number = text.trim().strip_suffix("/s").ok_or_else(|| no_unit(text))?;
    match number.trim().parse::<f64>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok(number),
        Ok(_) | Err(_) => Err(format!("`{text}` is no rate; write a number above 0, as in `50/s`")),
    }
}

fn duration_or_seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u32>() {
        Ok(seconds) if seconds > 0 => Ok(Duration::from_secs(u64::from(seconds))),
        Ok(_) | Err(_) => duration(text),
    }
}
