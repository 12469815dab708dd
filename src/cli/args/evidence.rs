//! Arguments of evidence: where the receiver remembers, and how its effects are counted.

use clap::Args;

/// Where evidence is, beside what the contract names.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct EvidenceArgs {
    /// Where the receiver remembers (read only): a SQLite file, or sqlite:PATH, postgres://…, mysql://…, redis://…, without a password.
    #[arg(long, value_name = "PATH|URL")]
    pub(crate) db: Option<String>,
    /// The environment variable that holds the database's password [default: PGPASSWORD, MYSQL_PWD, REDISCLI_AUTH].
    #[arg(long, value_name = "NAME", requires = "db")]
    pub(crate) db_password_env: Option<String>,
    /// Count the effects of a key with this command line for `sh`, which prints a number, or rows as JSON; `{key}` is the key.
    #[arg(long, value_name = "CMD")]
    pub(crate) evidence_cmd: Option<String>,
}
