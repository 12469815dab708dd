//! Arguments of commands that make one delivery, or look at one.

use std::path::PathBuf;

use clap::Args;

use super::{ContractArgs, ListFormat, SecretArgs};

/// What a delivery is made of.
#[derive(Args)]
pub(crate) struct DeliveryArgs {
    /// The body; `-` reads standard input. The same as --body.
    #[arg(value_name = "FILE", conflicts_with = "body")]
    pub(crate) file: Option<PathBuf>,
    /// The body, byte for byte; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) body: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) contract: ContractArgs,
    /// When it is signed, in seconds since 1970; without it, now.
    #[arg(long, value_name = "UNIX")]
    pub(crate) at: Option<i64>,
    /// The id that is signed, for schemes that sign one; without it, the key.
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// The idempotency key; without it, the id, or one that nobody else has.
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// The address that the sender delivers to, for schemes that sign it.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    #[command(flatten)]
    pub(crate) secret: SecretArgs,
}

#[derive(Args)]
pub(crate) struct SignArgs {
    #[command(flatten)]
    pub(crate) delivery: DeliveryArgs,
    /// Write the body as it travels, for schemes whose signature stands in it.
    #[arg(long, value_name = "FILE")]
    pub(crate) body_out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct SendArgs {
    /// Where to: the receiver's address; the contract's path is put behind it where it has none.
    #[arg(long = "target", visible_alias = "to", value_name = "URL")]
    pub(crate) to: String,
    #[command(flatten)]
    pub(crate) delivery: DeliveryArgs,
}

/// A delivery that was captured.
#[derive(Args)]
pub(crate) struct CapturedArgs {
    /// Its header lines, with its request line or without; `-` reads standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["har", "curl"])]
    pub(crate) headers: Option<PathBuf>,
    /// Its body, byte for byte.
    #[arg(long, value_name = "FILE", requires = "headers")]
    pub(crate) body: Option<PathBuf>,
    /// A HAR with it.
    #[arg(long, value_name = "FILE", conflicts_with = "curl")]
    pub(crate) har: Option<PathBuf>,
    /// Which request of the HAR, from 1; without it, the first that bears the signature's header.
    #[arg(long, value_name = "N", requires = "har")]
    pub(crate) entry: Option<usize>,
    /// A curl command that sends it; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) curl: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct VerifyDeliveryArgs {
    #[command(flatten)]
    pub(crate) captured: CapturedArgs,
    #[command(flatten)]
    pub(crate) contract: ContractArgs,
    /// When it came, in seconds since 1970; without it, when the HAR says, or now.
    #[arg(long, value_name = "UNIX")]
    pub(crate) at: Option<i64>,
    /// The address that it was sent to, as the sender knew it, for schemes that sign it.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    #[command(flatten)]
    pub(crate) secret: SecretArgs,
    /// For people, or as JSON.
    #[arg(long, value_enum, default_value_t = ListFormat::Human)]
    pub(crate) format: ListFormat,
}
