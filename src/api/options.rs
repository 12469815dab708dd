//! Options: what a run or a load was asked for, as values, and the one way from them to what is played.
//!
//! In: what a builder ([`Judge`](super::Judge)) or a command line says, each read in its
//! own words: addresses, files, the environment. Out: the plan of a run, and the
//! session of a load. What options say of each other is held against it here,
//! whoever gave them; a front that has words of its own for an option tells
//! [`Wrong`] in those.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::headers::Headers;
use super::hidden::{OtherSecrets, secrets_of};
use super::places::as_seen;
use crate::clock::{Clock as _, SystemClock};
use crate::contract::{Contract, Level};
use crate::evidence;
use crate::report::baseline::Baseline;
use crate::report::required::means;
use crate::run::Plan;
use crate::run::concurrency::Jobs;
use crate::scenario::expand::Loaded;
use crate::secret::Secrets;
use crate::session::clocks::ClockChoice;
use crate::session::{self, TargetChoice};
use crate::suites::selection::Selection;
use crate::suites::{Suite, SuiteError, nearest};

/// Seeds that nobody has named are below this, so that they are short to read.
const SEEDS: u64 = 1_000_000;

/// Who is judged or loaded, with which secrets and evidence: what runs and loads have in common.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Who.
    pub(crate) target: TargetChoice,
    /// The shared secret; without it, the published one.
    pub(crate) secret: Option<SecretString>,
    /// Where a command line finds it; without it, the contract's variable.
    pub(crate) variable: Option<String>,
    /// Secrets of other times.
    pub(crate) others: OtherSecrets,
    /// Where evidence is read, beside what the contract names.
    pub(crate) evidence: evidence::Choice,
    /// Header lines of the user's own.
    pub(crate) headers: Headers,
    /// How long an answer is waited for; without it, as long as the contract allows, and a little more.
    pub(crate) timeout: Option<Duration>,
    /// The target's own TTL, when it is not the contract's.
    pub(crate) ttl: Option<Duration>,
    /// The seed of everything random; without it, one of the moment.
    pub(crate) seed: Option<u64>,
    /// The file of failures that are known.
    pub(crate) baseline: Option<PathBuf>,
}

/// How a run is played.
#[derive(Clone, Debug)]
pub(crate) struct RunOptions {
    /// How time passes for the target.
    pub(crate) clock: ClockChoice,
    /// How many scenarios run side by side; without it, as many as it bears.
    pub(crate) jobs: Option<usize>,
    /// How long the whole run may take.
    pub(crate) time_limit: Duration,
    /// How many deliveries and questions a second there are at the most.
    pub(crate) max_rate: Option<f64>,
    /// How long one scenario waits for those who ask to be asked later.
    pub(crate) max_wait: Duration,
    /// With `must`, only requirements of that level are judged.
    pub(crate) level: Level,
    /// Stop at the first failure.
    pub(crate) fail_fast: bool,
    /// Whether snapshots are taken.
    pub(crate) takes_snapshots: bool,
    /// Which part of the suite this is, as `2/3`.
    pub(crate) shard: Option<String>,
    /// The arguments that make the same target be judged the same way again.
    pub(crate) arguments: String,
    /// Those of them that a visit alone takes.
    pub(crate) visiting: String,
    /// The contract's file, where it is one of the user's own.
    pub(crate) contract_file: Option<String>,
}

/// Why options cannot be meant: each in one sentence, in the words of the library; [`Wrong::as_flags`] has those of the command line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Wrong {
    /// A baseline that cannot be read.
    #[error(transparent)]
    Suite(#[from] SuiteError),
    /// A database of which nothing would be read.
    #[error("a database was given, but the contract `{contract}` does not say which tables to read (member `state`)")]
    NoTables {
        /// The contract.
        contract: String,
    },
    /// Nothing can be moved.
    #[error("`Clock::rewind` moves times in the receiver's database: give it with `db`")]
    RewindWithoutDatabase,
    /// Nobody could be put under another time.
    #[error("only a receiver that hookgate starts can be put under another time")]
    FaketimeWithoutStart,
    /// Nothing would be sent, or everything at once.
    #[error("`{0}` deliveries a second is no rate; give a number above 0")]
    Rate(f64),
    /// A secret that the scheme cannot use.
    #[error("{0}")]
    Secret(String),
    /// A file or a text with a sentence of its own.
    #[error("{0}")]
    Said(String),
    /// A load of another machine.
    #[error("{address} is not on this machine, and a load can take a receiver down: say `i_own_this_target` when it is yours")]
    Elsewhere {
        /// Where it is.
        address: String,
    },
    /// More connections than this process may have.
    #[error("{users} users need {needed} open files, and this process may have {most}: raise the limit (ulimit -Hn), or give fewer users")]
    NoRoom {
        /// How many users were asked for.
        users: usize,
        /// What they need.
        needed: u64,
        /// What there is.
        most: u64,
    },
    /// A pattern of `require` that means no requirement.
    #[error("require {pattern:?}: no requirement fits{hint} (`hookgate coverage` lists them)")]
    NothingRequired {
        /// The pattern.
        pattern: String,
        /// The nearest name, where one is near.
        hint: String,
    },
    /// A selection of nothing.
    #[error("no scenario of {contract} fits `{expression}`{hint} (`hookgate list` shows them)")]
    NothingSelected {
        /// The contract.
        contract: String,
        /// What was to be selected.
        expression: String,
        /// The nearest name, where one is near.
        hint: String,
    },
}

impl Wrong {
    /// Something with a sentence of its own.
    pub(crate) fn said(wrong: impl std::fmt::Display) -> Self {
        Self::Said(wrong.to_string())
    }

    /// The sentence in the words of a command line.
    pub(crate) fn as_flags(&self) -> String {
        match self {
            Self::NoTables { contract } => {
                format!("--db was given, but the contract `{contract}` does not say which tables to read (member `state`)")
            }
            Self::RewindWithoutDatabase => "--clock rewind moves times in the target's database: give it with --db PATH".to_owned(),
            Self::FaketimeWithoutStart => {
                "--clock faketime goes under a target that hookgate starts: give its command with --exec".to_owned()
            }
            Self::NothingRequired { pattern, hint } => {
                format!("--require {pattern}: no requirement fits{hint} (`hookgate coverage` lists them)")
            }
            Self::NothingSelected { expression, hint, .. } => {
                format!("--select {expression} selects no scenario{hint} (`hookgate list` shows them)")
            }
            Self::Elsewhere { address } => {
                format!("{address} is not on this machine, and a load can take a receiver down: give --i-own-this-target when it is yours")
            }
            Self::NoRoom { users, needed, most } => format!(
                "{users} users need {needed} open files, and this process may have {most}: raise the limit (ulimit -Hn), or give fewer --users"
            ),
            Self::Suite(_) | Self::Rate(_) | Self::Secret(_) | Self::Said(_) => self.to_string(),
        }
    }
}

impl Options {
    /// The shared secret.
    fn secret(&self, contract: &Contract) -> SecretString {
        self.secret.clone().unwrap_or_else(|| contract.secret.for_tests.clone().into())
    }

    /// Where a command line finds it.
    fn variable(&self, contract: &Contract) -> String {
        self.variable.clone().unwrap_or_else(|| contract.secret.env.clone())
    }

    /// All that is hidden, beside the words that it cannot be told from.
    ///
    /// * `ids`: the names of scenarios and kinds.
    pub(crate) fn secrets<'i, I: IntoIterator<Item = &'i str>>(&self, suite: &Suite, ids: I) -> Secrets {
        let (variable, secret) = (self.variable(&suite.contract), self.secret(&suite.contract));
        let mut secrets = secrets_of(&suite.contract, &suite.catalogue, ids, (&variable, &secret), &self.others);
        if let Some(password) = &self.evidence.password {
            secrets.push_password("the database's password", password.expose_secret());
        }
        for (line, variable) in self.headers.secret() {
            secrets.push_header(variable, &String::from_utf8_lossy(&line.value));
        }
        secrets
    }

    /// The known failures, held against the suite.
    pub(crate) fn baseline(&self, suite: &Suite) -> Result<Option<Arc<Baseline>>, Wrong> {
        Ok(self.baseline.as_deref().map(|path| suite.baseline(path).map(Arc::new)).transpose()?)
    }

    /// The seed.
    pub(crate) fn seed(&self) -> u64 {
        self.seed.unwrap_or_else(|| SystemClock.now().0.unsigned_abs() % SEEDS)
    }

    /// Sees that what it says fits the contract.
    pub(crate) fn check(&self, contract: &Contract) -> Result<(), Wrong> {
        let counts = contract.effects.as_ref().is_some_and(|effects| effects.table.is_some());
        if self.evidence.db.is_some() && contract.state.is_none() && !counts {
            return Err(Wrong::NoTables { contract: contract.contract.clone() });
        }
        Ok(())
    }

    /// How long an answer is waited for.
    pub(crate) fn patience(&self, contract: &Contract) -> Duration {
        contract.limits.patience_of(self.timeout)
    }

    /// The session of a load: time is not moved, and nobody is waited for.
    #[cfg_attr(not(feature = "load"), expect(dead_code, reason = "only loads begin a session without a run"))]
    pub(crate) fn session(&self, suite: &Suite) -> session::Choice {
        session::Choice {
            contract: as_seen(&suite.contract, &self.evidence),
            target: self.target.clone(),
            evidence: self.evidence.clone(),
            secret: self.secret(&suite.contract),
            other_secrets: self.others.clone(),
            clock: ClockChoice::None,
            headers: self.headers.all(),
            bodies: Arc::clone(&suite.bodies),
            ordinary_body: suite.catalogue.ordinary_body.clone(),
            max_rate: None,
            max_wait: Duration::ZERO,
            seed: 0,
            timeout: self.patience(&suite.contract),
            ttl: self.ttl.map(|ttl| ttl.as_secs()),
        }
    }
}

impl RunOptions {
    /// The plan of a run.
    ///
    /// * `secrets`: what is hidden ([`Options::secrets`]).
    ///
    /// # Errors
    /// What cannot be meant, before anything is sent.
    pub(crate) fn plan(&self, options: &Options, suite: &Suite, scenarios: Vec<Loaded>, secrets: Secrets) -> Result<Plan, Wrong> {
        options.check(&suite.contract)?;
        match (&self.clock, &options.target) {
            (ClockChoice::Faketime, TargetChoice::BuiltIn { .. } | TargetChoice::Foreign { .. }) => {
                return Err(Wrong::FaketimeWithoutStart);
            }
            (ClockChoice::Rewind, TargetChoice::Foreign { .. } | TargetChoice::Launched(_)) if options.evidence.db.is_none() => {
                return Err(Wrong::RewindWithoutDatabase);
            }
            _ => {}
        }
        if let Some(rate) = self.max_rate.filter(|rate| !rate.is_finite() || *rate <= 0.0) {
            return Err(Wrong::Rate(rate));
        }
        Ok(self.unchecked(options, suite, scenarios, secrets, options.baseline(suite)?))
    }

    /// The same where nothing can be wrong: with what is shipped, against what is built in.
    pub(crate) fn unchecked(
        &self,
        options: &Options,
        suite: &Suite,
        scenarios: Vec<Loaded>,
        secrets: Secrets,
        baseline: Option<Arc<Baseline>>,
    ) -> Plan {
        Plan {
            contract: as_seen(&suite.contract, &options.evidence),
            catalogue: Arc::clone(&suite.catalogue),
            scenarios,
            bodies: Arc::clone(&suite.bodies),
            target: options.target.clone(),
            evidence: options.evidence.clone(),
            secret_variable: options.variable(&suite.contract),
            secret: options.secret(&suite.contract),
            other_secrets: options.others.clone(),
            secrets,
            clock: self.clock.clone(),
            jobs: self.jobs.map_or(Jobs::Adaptive, Jobs::Fixed),
            time_limit: self.time_limit,
            headers: options.headers.all(),
            secret_headers: options.headers.secret().to_vec(),
            max_rate: self.max_rate,
            max_wait: self.max_wait,
            seed: options.seed(),
            timeout: options.patience(&suite.contract),
            ttl: options.ttl.map(|ttl| ttl.as_secs()),
            level: self.level,
            fail_fast: self.fail_fast,
            takes_snapshots: self.takes_snapshots,
            baseline,
            shard: self.shard.clone(),
            arguments: self.arguments.clone(),
            visiting: self.visiting.clone(),
            contract_file: self.contract_file.clone(),
        }
    }
}

/// Those of some scenarios that an expression selects: `DUP-*,!DUP-3`.
///
/// # Errors
/// When it selects none.
pub(crate) fn selected(mut scenarios: Vec<Loaded>, expression: &str, suite: &Suite) -> Result<Vec<Loaded>, Wrong> {
    let selection = Selection::read(expression);
    scenarios.retain(|loaded| selection.takes(loaded));
    if scenarios.is_empty() {
        let ids = || suite.catalogue.requirements.iter().map(|one| one.id.as_str());
        let topics: Vec<String> = ids().filter_map(|id| Some(format!("{}-*", id.rsplit_once('-')?.0))).collect();
        let names = suite.scenarios.iter().map(|one| one.id.as_str());
        let known = topics.iter().map(String::as_str).chain(ids()).chain(names);
        let hint = hint(nearest(expression, known));
        return Err(Wrong::NothingSelected { contract: suite.contract.contract.clone(), expression: expression.to_owned(), hint });
    }
    Ok(scenarios)
}

/// Sees that each pattern of what must be judged means a requirement.
pub(crate) fn check_names_are_known(required: &[String], suite: &Suite) -> Result<(), Wrong> {
    let ids = || suite.catalogue.requirements.iter().map(|one| one.id.as_str());
    let unknown = required.iter().map(|pattern| pattern.trim()).find(|pattern| !ids().any(|id| means(pattern, id)));
    match unknown {
        None => Ok(()),
        Some(pattern) => Err(Wrong::NothingRequired { pattern: pattern.to_owned(), hint: hint(nearest(pattern, ids())) }),
    }
}

fn hint(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}
