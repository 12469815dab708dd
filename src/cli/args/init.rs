//! Arguments of `hookgate init`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ClockArg, ReachArgs};

#[derive(Args)]
pub(crate) struct InitArgs {
    /// What the receiver promises: the name of a shipped contract, or a file; the written contract extends it.
    #[arg(long, value_name = "ID|FILE")]
    pub(crate) contract: Option<String>,
    /// A captured delivery (`-` reads standard input): a curl command, a HAR, or header lines, a blank line and the body.
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// With --from and a HAR: which request, from 1; without it, the first that bears a signature.
    #[arg(long, value_name = "N", requires = "from")]
    pub(crate) entry: Option<usize>,
    /// Where the receiver answers: `http://host:port`, `https://…` or `unix:/path/to.sock`; a path in it, and a query, is where deliveries go.
    #[arg(long, value_name = "URL", conflicts_with = "exec")]
    pub(crate) target: Option<String>,
    #[command(flatten)]
    pub(crate) reach: ReachArgs,
    /// The command line that starts the receiver; `{port}` in it stands for a free port.
    #[arg(long, value_name = "CMD")]
    pub(crate) exec: Option<String>,
    /// With --exec: it is ready when this address answers 2xx, or when it writes this text.
    #[arg(long, value_name = "URL|TEXT", requires = "exec")]
    pub(crate) ready: Option<String>,
    /// The path that takes deliveries, when it is not the contract's; a query behind it is borne by all of them.
    #[arg(long, value_name = "PATH")]
    pub(crate) path: Option<String>,
    /// The page that says with 200 that the receiver is well.
    #[arg(long, value_name = "PATH")]
    pub(crate) health: Option<String>,
    /// The header that makes a repeat a repeat, where no contract says it.
    #[arg(long, value_name = "NAME", conflicts_with = "key_member")]
    pub(crate) key_header: Option<String>,
    /// The member of the JSON body that does.
    #[arg(long, value_name = "PATH")]
    pub(crate) key_member: Option<String>,
    /// Only signatures are checked: no repeat is known, and every rightly signed delivery is taken.
    #[arg(long, conflicts_with_all = ["key_header", "key_member", "effects", "db", "clock"])]
    pub(crate) signatures_only: bool,
    /// Where the receiver remembers (it is only read): a SQLite file, or postgres://…, mysql://…, redis://…, without a password.
    #[arg(long, value_name = "PATH|URL")]
    pub(crate) db: Option<String>,
    /// The environment variable that holds the database's password.
    #[arg(long, value_name = "NAME", requires = "db")]
    pub(crate) db_password_env: Option<String>,
    /// Where it is counted how often work was done: `/page?key={key}#/count`, `table:NAME.COLUMN` (of --db), or `log:FILE:PATTERN`.
    #[arg(long, value_name = "PLACE")]
    pub(crate) effects: Option<String>,
    /// How time passes for the receiver.
    #[arg(long, value_enum, value_name = "CLOCK")]
    pub(crate) clock: Option<ClockArg>,
    /// The environment variable that holds the shared secret; the secret itself is written nowhere.
    #[arg(long, value_name = "NAME")]
    pub(crate) secret_env: Option<String>,
    /// How far the receiver is visited: `harmless` asks and sends what is to be refused, `full` sends one honest delivery, twice.
    #[arg(long, value_enum, value_name = "EXTENT")]
    pub(crate) visit: Option<VisitArg>,
    /// Write a pipeline, too.
    #[arg(long, value_enum, value_name = "WHOSE", value_delimiter = ',')]
    pub(crate) ci: Vec<CiArg>,
    /// Write a `compose.yaml`, too.
    #[arg(long)]
    pub(crate) compose: bool,
    /// The name of the written contract.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The folder to write into.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// Write files anew that are there already.
    #[arg(long)]
    pub(crate) force: bool,
    /// Ask nothing: what is not given is as usual, and what has no usual value is named.
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VisitArg {
    /// Send nothing.
    None,
    /// Ask, and send what is to be refused.
    Harmless,
    /// Send one honest delivery, too, twice.
    Full,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CiArg {
    /// `.github/workflows/hookgate.yml`.
    Github,
    /// `.gitlab-ci.hookgate.yml`.
    Gitlab,
}
