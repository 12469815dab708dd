//! Judging a receiver, as a test author asks for it: a builder that can be awaited.

use std::future::{Future, IntoFuture};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use super::asked::{Asked, ContractChoice};
use super::background;
use super::clock::Clock;
use super::error::Error;
use super::verdict::Verdict;
use super::visit::Visit;
use crate::evidence::counter::Counter;

/// How long all of it may take.
const TIME_LIMIT: Duration = Duration::from_secs(600);

/// The future of a [`Judge`].
type Judging = Pin<Box<dyn Future<Output = Result<Verdict, Error>> + Send>>;

/// A receiver that is to be judged: under which contract, with which secret and evidence, and how far.
///
/// Made by [`judge`](crate::judge). Await it, or call [`Judge::blocking`]; nothing is sent before. Judging goes on in a
/// thread of its own, so that a receiver in the same test has the test's runtime for itself; dropping the future ends it.
/// No environment variable is read, no signal is handled, and nothing is printed.
#[derive(Clone, Debug)]
#[must_use = "nothing is judged before it is awaited, or `blocking` is called"]
pub struct Judge {
    pub(super) asked: Asked,
    pub(super) scenarios: Option<PathBuf>,
    pub(super) only_scenarios: Option<PathBuf>,
    pub(super) only: Vec<String>,
    pub(super) require: Vec<String>,
    pub(super) clock: Clock,
    pub(super) time_limit: Duration,
    pub(super) jobs: Option<NonZeroUsize>,
    pub(super) max_rate: Option<f64>,
    pub(super) must_only: bool,
}

impl Judge {
    pub(super) fn of(url: String) -> Self {
        Self {
            asked: Asked::of(url),
            scenarios: None,
            only_scenarios: None,
            only: Vec::new(),
            require: Vec::new(),
            clock: Clock::none(),
            time_limit: TIME_LIMIT,
            jobs: None,
            max_rate: None,
            must_only: false,
        }
    }

    /// The contract: the name of a shipped one (`stripe-webhook`; `hookgate list contracts` has them all), or the path of a
    /// file. Without it, `standard-webhooks`.
    pub fn contract(self, name_or_path: impl Into<String>) -> Self {
        Self { asked: Asked { contract: ContractChoice::Named(name_or_path.into()), ..self.asked }, ..self }
    }

    /// The contract as the text of a file (YAML), as `include_str!` gives it.
    pub fn contract_text(self, yaml: impl Into<String>) -> Self {
        Self { asked: Asked { contract: ContractChoice::of_text(yaml.into()), ..self.asked }, ..self }
    }

    /// The secret that the receiver shares, as its own settings have it (`whsec_…`). Without it, the published test secret
    /// of the contract. It is in no report, and nothing prints it.
    pub fn secret(self, secret: impl Into<String>) -> Self {
        Self { asked: Asked { secret: Some(secret.into().into()), ..self.asked }, ..self }
    }

    /// The previous secret of a receiver that is rotating, where the contract has one.
    pub fn previous_secret(self, secret: impl Into<String>) -> Self {
        Self { asked: Asked { previous_secret: Some(secret.into().into()), ..self.asked }, ..self }
    }

    /// A secret that the receiver must no longer take, where the contract has one.
    pub fn retired_secret(self, secret: impl Into<String>) -> Self {
        Self { asked: Asked { retired_secret: Some(secret.into().into()), ..self.asked }, ..self }
    }

    /// Counts how often the work of a key was done: what proves that a duplicate did nothing. The function must not wait for
    /// the receiver.
    pub fn effects(self, count: impl Fn(&str) -> u64 + Send + Sync + 'static) -> Self {
        Self { asked: Asked { effects: Some(Counter::new(count)), ..self.asked }, ..self }
    }

    /// Where the receiver remembers: a SQLite file, or `postgres://…`, `mysql://…`, `redis://…` without a password. It is read,
    /// and never written but under [`Clock::rewind`].
    pub fn db(self, place: impl Into<String>) -> Self {
        Self { asked: Asked { database: Some(place.into()), ..self.asked }, ..self }
    }

    /// The password of [`Judge::db`].
    pub fn db_password(self, password: impl Into<String>) -> Self {
        Self { asked: Asked { database_password: Some(password.into().into()), ..self.asked }, ..self }
    }

    /// Plays the scenarios of this folder, too.
    pub fn scenarios(self, folder: impl Into<PathBuf>) -> Self {
        Self { scenarios: Some(folder.into()), ..self }
    }

    /// Plays the scenarios of this folder instead of the contract's suite.
    pub fn only_scenarios(self, folder: impl Into<PathBuf>) -> Self {
        Self { only_scenarios: Some(folder.into()), ..self }
    }

    /// Plays only what has these ids or shows these requirements: `["DUP-*", "!DUP-3"]`, `["signature/*"]`.
    pub fn only<T: Into<String>>(self, patterns: impl IntoIterator<Item = T>) -> Self {
        Self { only: patterns.into_iter().map(Into::into).collect(), ..self }
    }

    /// What must have been judged, by names of requirements: `["DUP-*", "AUTH-*", "!AUTH-10"]`. A receiver of which one of them is not
    /// applicable, or undecided, does not conform then; the verdict says what to give so that it is judged.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), hookgate::Error> {
    /// # let receiver = hookgate::reference("standard-webhooks").serve().await?;
    /// // Whether the work of a delivery is done once is seen in no answer of this contract.
    /// let verdict = hookgate::judge(receiver.url()).only(["AUTH-2", "ONCE-*"]).require(["AUTH-2", "ONCE-1"]).await?;
    /// assert!(!verdict.conforms());
    /// assert_eq!(verdict.not_judged()[0].id(), "ONCE-1", "{verdict}");
    /// # Ok(())
    /// # }
    /// ```
    pub fn require<T: Into<String>>(self, patterns: impl IntoIterator<Item = T>) -> Self {
        Self { require: patterns.into_iter().map(Into::into).collect(), ..self }
    }

    /// How time passes for the receiver, so that the ends of lives can be judged. Without it, they are not.
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// How long the receiver keeps a key, when that is not what the contract says.
    pub fn ttl(self, ttl: Duration) -> Self {
        Self { asked: Asked { ttl: Some(ttl), ..self.asked }, ..self }
    }

    /// How long an answer is waited for; without it, 2 seconds longer than the contract allows, and 5 at least. What is given up before the
    /// contract's time is over is undecided.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { asked: Asked { timeout: Some(timeout), ..self.asked }, ..self }
    }

    /// How long all of it may take; what was not judged by then is undecided. Without it, 10 minutes.
    pub fn time_limit(self, time_limit: Duration) -> Self {
        Self { time_limit, ..self }
    }

    /// How many scenarios are played side by side; without it, 4, and up to 32 while they mostly wait for answers.
    pub fn jobs(self, jobs: NonZeroUsize) -> Self {
        Self { jobs: Some(jobs), ..self }
    }

    /// The seed of everything random, to judge as another run did; [`Verdict::seed`] tells it.
    pub fn seed(self, seed: u64) -> Self {
        Self { asked: Asked { seed: Some(seed), ..self.asked }, ..self }
    }

    /// Sends so many deliveries a second at the most.
    pub fn max_rate(self, per_second: f64) -> Self {
        Self { max_rate: Some(per_second), ..self }
    }

    /// Sends this header line with every delivery and every question, for a gateway before the receiver.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.asked.headers.push((name.into(), value.into()));
        self
    }

    /// The same with a value that is hidden in all that is told and written.
    pub fn secret_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.asked.secret_headers.insert(name.into(), value.into().into());
        self
    }

    /// With `https://`: believes the certificates of this CA (a PEM file) instead of the platform's.
    pub fn ca_cert(self, file: impl Into<PathBuf>) -> Self {
        Self { asked: Asked { ca_cert: Some(file.into()), ..self.asked }, ..self }
    }

    /// Judges only what a receiver *must* do, and not what it *should*.
    pub fn must_only(self) -> Self {
        Self { must_only: true, ..self }
    }

    /// Failures that are known, each with a reason, in a file as `hookgate baseline` writes it: they do not count, and one that
    /// no longer fails does.
    pub fn baseline(self, file: impl Into<PathBuf>) -> Self {
        Self { asked: Asked { baseline: Some(file.into()), ..self.asked }, ..self }
    }

    /// Writes `report.html`, `report.json`, `junit.xml` and the history of all deliveries to this folder.
    pub fn report(self, folder: impl Into<PathBuf>) -> Self {
        Self { asked: Asked { report: Some(folder.into()), ..self.asked }, ..self }
    }

    /// Judges on this thread, for tests without a runtime.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Runtime::new()?;
    /// # let receiver = runtime.block_on(hookgate::reference("standard-webhooks").serve())?;
    /// let verdict = hookgate::judge(receiver.url()).only(["signature/*"]).blocking()?;
    /// verdict.assert_conforms();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// What could not be judged, and why; a receiver that does not conform is a [`Verdict`].
    pub fn blocking(self) -> Result<Verdict, Error> {
        background::begin(|stop| self.judged(stop)).wait()
    }

    /// Sends a few deliveries and judges nothing: an honest one twice, a forgery, one without a key, one without a signature.
    /// Tells what each showed, and why honest ones are turned away.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), hookgate::Error> {
    /// let receiver = hookgate::reference("stripe-webhook").secret("whsec_theirs").serve().await?;
    /// let visit = hookgate::judge(receiver.url()).contract("stripe-webhook").secret("whsec_ours").visit().await?;
    /// assert!(!visit.is_as_promised());
    /// assert!(visit.refused().is_some(), "{visit}");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As when it is judged.
    pub async fn visit(self) -> Result<Visit, Error> {
        background::begin(|stop| self.visited(stop)).await
    }
}

impl IntoFuture for Judge {
    type Output = Result<Verdict, Error>;
    type IntoFuture = Judging;

    fn into_future(self) -> Judging {
        Box::pin(background::begin(|stop| self.judged(stop)))
    }
}
