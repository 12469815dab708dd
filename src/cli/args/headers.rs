//! Arguments of header lines of one's own.

use clap::Args;

/// Header lines beside what the contract says, for a gateway before the receiver.
#[derive(Args, Clone, Default)]
pub(crate) struct HeaderArgs {
    /// Send this header line with every delivery and every question; as often as needed.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub(crate) header: Vec<String>,
    /// The same, with the value from an environment variable; it is hidden in all that is written.
    #[arg(long, value_name = "NAME=VARIABLE")]
    pub(crate) header_env: Vec<String>,
}
