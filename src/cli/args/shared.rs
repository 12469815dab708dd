//! Arguments that several commands have: contract, secret, TTL, clock, time-out, and how fast and how patiently it is sent.
//!
//! A flag's name, form, default and text stand here once; a command whose text differs says so with `mut_arg`.

use std::time::Duration;

use clap::{Args, FromArgMatches as _};

use super::{ClockArg, HeaderArgs, RunArgs, duration, duration_or_seconds, rate};

/// Under which contract.
#[derive(Args, Clone)]
pub(crate) struct ContractArgs {
    /// The contract: the name of a shipped one, or a file.
    #[arg(id = "contract", long = "contract", value_name = "ID|FILE", default_value = "orch-phase3")]
    pub(crate) name: String,
}

/// With which secret.
#[derive(Args, Clone)]
pub(crate) struct SecretArgs {
    /// The environment variable that holds the shared secret, when it is not the contract's.
    #[arg(id = "secret_env", long = "secret-env", value_name = "NAME")]
    pub(crate) env: Option<String>,
}

/// How long keys live.
#[derive(Args, Clone, Copy)]
pub(crate) struct LifeArgs {
    /// The receiver's TTL, when it is not the contract's (`60 s`; a bare number is seconds).
    #[arg(long, value_name = "DURATION", value_parser = duration_or_seconds)]
    pub(crate) ttl: Option<Duration>,
}

/// How time passes.
#[derive(Args, Clone)]
pub(crate) struct ClockArgs {
    /// How time passes for the receiver.
    #[arg(long, value_enum, value_name = "CLOCK")]
    pub(crate) clock: Option<ClockArg>,
    /// With `--clock virtual`: the control address that `hookgate serve` prints.
    #[arg(long, value_name = "URL")]
    pub(crate) control: Option<String>,
    #[command(flatten)]
    pub(crate) life: LifeArgs,
}

/// How long an answer is waited for.
#[derive(Args, Clone, Copy)]
pub(crate) struct PatienceArgs {
    /// How long to wait for an answer [default: 2 s longer than the contract's `limits.answer`, and 5 s at least].
    ///
    /// Where that is shorter than the contract allows, what is not answered by then is undecided; where it is not, half a second more than
    /// the contract allows is waited at the least.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
}

/// What is sent with everything, how fast, and how long those are waited for who ask to be asked later.
#[derive(Args, Clone)]
pub(crate) struct PaceArgs {
    #[command(flatten)]
    pub(crate) headers: HeaderArgs,
    /// Send so much at the most (`50/s`).
    #[arg(long, value_name = "N/s", value_parser = rate)]
    pub(crate) max_rate: Option<f64>,
    /// The longest that one scenario waits: with `--clock wait`, and for a 429 or 503 that asks to come again (`Retry-After`).
    #[arg(long, value_name = "DURATION", default_value = "30 s", value_parser = duration)]
    pub(crate) max_wait: Duration,
}

impl RunArgs {
    /// What `hookgate run` comes to without a flag, for commands that do a part of what it does.
    pub(crate) fn of_no_flags() -> Self {
        let command = Self::augment_args(clap::Command::new("run"));
        let read = command.try_get_matches_from(["run"]).and_then(|matches| Self::from_arg_matches(&matches));
        read.unwrap_or_else(|wrong| unreachable!("every flag of `run` may be left out: {wrong}"))
    }
}
