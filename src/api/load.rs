//! Loads, as a test author asks for them: a builder that can be awaited, over the same plans as the command line's.

use std::future::{Future, IntoFuture};
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::{Mutex, watch};

use super::asked::{Asked, ContractChoice};
use super::background;
use super::error::Error;
use super::folder::Seal;
use super::load_folder::write_folder;
use super::load_options::{LoadOptions, Shape, check_target_is_local, make_room};
use super::load_verdict::LoadVerdict;
use crate::evidence::counter::Counter;
use crate::load::engine::goose::Engine;
use crate::load::rate_profile::Arrivals;
use crate::load::report::LoadReport;
use crate::load::{self, LoadError, Loaded};
use crate::report::language::Language;
use crate::report::manifest::MadeFrom;
use crate::session::Session;
use crate::sign::sha256_hex;
use crate::suites::{self, Suite, SuiteChoice};

/// How long answers are waited for after the end of sending.
const DRAIN: Duration = Duration::from_secs(10);
/// How long a source of evidence is waited for that is busy after a load.
const PATIENCE: Duration = Duration::from_secs(30);
/// Loads of one process take their turns: two at a time would measure each other.
static TURN: Mutex<()> = Mutex::const_new(());

/// The future of a [`Load`].
type Loading = Pin<Box<dyn Future<Output = Result<LoadVerdict, Error>> + Send>>;

/// A receiver that is to be loaded: with how much, how long, and what it must keep to.
///
/// Made by [`load`](crate::load()). Await it, or call [`Load::blocking`]; nothing is sent before. Without more, 64 users deliver
/// for 10 seconds, each as soon as it has its answer; afterwards what came back, and what the receiver has done, is judged.
/// The load runs in threads of its own, loads of one process one after the other; dropping the future ends it. No environment
/// variable is read, no signal is handled, and nothing is printed. The soft limit of open files is raised where the users need
/// more.
///
/// A test measures the machine that it runs on: ask for what a receiver must keep to, and not for what it can.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before it is awaited, or `blocking` is called"]
pub struct Load {
    asked: Asked,
    mix: Option<String>,
    thresholds: Vec<String>,
    users: Option<u16>,
    rate: Option<f64>,
    run_time: Option<Duration>,
    deliveries: Option<u64>,
    warm_up: Duration,
    owned: bool,
}

impl Load {
    pub(super) fn of(url: String) -> Self {
        Self {
            asked: Asked::of(url),
            mix: None,
            thresholds: Vec::new(),
            users: None,
            rate: None,
            run_time: None,
            deliveries: None,
            warm_up: Duration::ZERO,
            owned: false,
        }
    }

    /// The contract, as for [`Judge::contract`](crate::Judge::contract). Without it, `standard-webhooks`.
    pub fn contract(self, name_or_path: impl Into<String>) -> Self {
        Self { asked: Asked { contract: ContractChoice::Named(name_or_path.into()), ..self.asked }, ..self }
    }

    /// The contract as the text of a file (YAML), as `include_str!` gives it.
    pub fn contract_text(self, yaml: impl Into<String>) -> Self {
        Self { asked: Asked { contract: ContractChoice::of_text(yaml.into()), ..self.asked }, ..self }
    }

    /// The secret that the receiver shares. Without it, the published test secret of the contract.
    pub fn secret(self, secret: impl Into<String>) -> Self {
        Self { asked: Asked { secret: Some(secret.into().into()), ..self.asked }, ..self }
    }

    /// How many users deliver side by side, each over a connection of its own; without it, 64.
    pub fn users(self, users: u16) -> Self {
        Self { users: Some(users), ..self }
    }

    /// Delivers by a clock, so many a second, whether answers come or not (open load); what no user is free for is late, or
    /// dropped, and told. Without it, each user waits for its answer (closed load).
    pub fn rate(self, per_second: f64) -> Self {
        Self { rate: Some(per_second), ..self }
    }

    /// How long, without the warm-up; without it, 10 seconds.
    pub fn run_time(self, run_time: Duration) -> Self {
        Self { run_time: Some(run_time), ..self }
    }

    /// Ends it after so many deliveries.
    pub fn deliveries(self, most: u64) -> Self {
        Self { deliveries: Some(most), ..self }
    }

    /// So long nothing is measured; what is delivered is judged.
    pub fn warm_up(self, warm_up: Duration) -> Self {
        Self { warm_up, ..self }
    }

    /// What is delivered: `fresh=80,duplicate=20` (also `conflicting-body`, `burst`, `missing-key`, `bad-signature`), a shipped
    /// mix, or a file. Without it, the usual mix.
    pub fn mix(self, mix: impl Into<String>) -> Self {
        Self { mix: Some(mix.into()), ..self }
    }

    /// What it must keep to: `p99<250ms`, `rate>=200/s`, `errors<0.1%`, `violations==0`, `dropped==0`, or of one kind
    /// `duplicate.p95<50ms`. Where one does not hold, the receiver does not conform.
    pub fn thresholds<T: Into<String>>(self, thresholds: impl IntoIterator<Item = T>) -> Self {
        Self { thresholds: thresholds.into_iter().map(Into::into).collect(), ..self }
    }

    /// Counts how often the work of a key was done, as [`Judge::effects`](crate::Judge::effects); it is asked after the load.
    pub fn effects(self, count: impl Fn(&str) -> u64 + Send + Sync + 'static) -> Self {
        Self { asked: Asked { effects: Some(Counter::new(count)), ..self.asked }, ..self }
    }

    /// Where the receiver remembers, as [`Judge::db`](crate::Judge::db): its rows are read after the load.
    pub fn db(self, place: impl Into<String>) -> Self {
        Self { asked: Asked { database: Some(place.into()), ..self.asked }, ..self }
    }

    /// The password of [`Load::db`].
    pub fn db_password(self, password: impl Into<String>) -> Self {
        Self { asked: Asked { database_password: Some(password.into().into()), ..self.asked }, ..self }
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

    /// The seed of what is random.
    pub fn seed(self, seed: u64) -> Self {
        Self { asked: Asked { seed: Some(seed), ..self.asked }, ..self }
    }

    /// Sends this header line with every delivery and every question.
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

    /// Requirements that are known to fail, in a file as `hookgate baseline` writes it: they do not count.
    pub fn baseline(self, file: impl Into<PathBuf>) -> Self {
        Self { asked: Asked { baseline: Some(file.into()), ..self.asked }, ..self }
    }

    /// A receiver on another machine is loaded only by whoever says that it is theirs: a load can take it down.
    pub fn i_own_this_target(self) -> Self {
        Self { owned: true, ..self }
    }

    /// Writes `load.html`, `load.json`, `junit.xml` and the histogram of latencies to this folder.
    pub fn report(self, folder: impl Into<PathBuf>) -> Self {
        Self { asked: Asked { report: Some(folder.into()), ..self.asked }, ..self }
    }

    /// Loads on this thread, for tests without a runtime.
    ///
    /// # Errors
    /// Why there was no load; a receiver that does not keep to what was asked for is a [`LoadVerdict`].
    pub fn blocking(self) -> Result<LoadVerdict, Error> {
        background::begin(|stop| self.loaded(stop)).wait()
    }

    fn how(&self) -> LoadOptions {
        LoadOptions {
            mix: self.mix.clone(),
            feed: None,
            think: None,
            gate_files: Vec::new(),
            gates: self.thresholds.clone(),
            abort_on: Vec::new(),
            users: self.users,
            hatch_rate: None,
            shape: self.rate.map_or(Shape::Users, Shape::Rate),
            arrivals: Arrivals::Constant,
            run_time: self.run_time,
            deliveries: self.deliveries,
            warm_up: self.warm_up,
            drain: DRAIN,
            verify: true,
            // The process belongs to the test: its Ctrl-C, too.
            engine: Engine::Own,
            beside: None,
            streams: None,
        }
    }

    /// The contract with its suite, and the digest of its text.
    fn suite(&self) -> Result<(Suite, String), Error> {
        let file = self.asked.contract.file()?;
        let contract = suites::read_contract_file(&file)?;
        let suite = suites::suite_of(&SuiteChoice::of(&contract.contract), contract)?;
        Ok((suite, sha256_hex(file.text.as_bytes())))
    }

    /// Loads, judges, and writes the report where one is wanted.
    async fn loaded(self, mut stop: watch::Receiver<bool>) -> Result<LoadVerdict, Error> {
        let (suite, contract_sha256) = self.suite()?;
        let how = self.how();
        let meant = how.meant()?;
        let options = self.asked.options(&suite.contract, PATIENCE)?;
        check_target_is_local(&options.target, self.owned)?;
        let names = meant.mix.names();
        let secrets = options.secrets(&suite, names.iter().map(String::as_str));
        let choice = options.session(&suite);
        let mut plan = how.plan(&meant, &options, &suite, &choice)?;
        make_room(meant.users, choice.target.address().is_on_this_machine())?;
        let folder = self.asked.folder()?;
        let redactor = secrets.redactor();
        let hidden = |text: &str| redactor.text(text).into_owned();
        let _turn = TURN.lock().await;
        let session = Session::connect(&choice, &mut stop).await.map_err(|failed| Error::of_session(&failed, hidden))?;
        plan.target = session.url.clone();
        plan.sources = session.sources.clone();
        let ended = load::run(&plan, std::sync::Arc::new(|_| {}), stop).await;
        session.shutdown().await;
        let Loaded { report, measurement, .. } = ended.map_err(|failed| match &failed {
            LoadError::Session(failed) => Error::of_session(failed, hidden),
            LoadError::Database(failed) => Error::Evidence(hidden(&failed.to_string())),
            LoadError::Contract(_) | LoadError::Feed(_) | LoadError::Engine(_) => Error::Machine(hidden(&failed.to_string())),
        })?;
        let made_from = MadeFrom { contract_sha256, scenarios_sha256: sha256_hex(how.played(&meant.mix).as_bytes()) };
        let notes = report.notes.into_iter().chain(secrets.warnings()).collect();
        let report = redactor.redacted(LoadReport { made_from: made_from.clone(), notes, ..report });
        if let Some(folder) = &folder {
            let names = write_folder(folder, &report, Some(&measurement), None, Language::default())?;
            Seal { made_from, key: None }.write(folder, &names, &report.tool)?;
        }
        Ok(LoadVerdict::of(report, measurement.latency(), self.asked.report))
    }
}

impl IntoFuture for Load {
    type Output = Result<LoadVerdict, Error>;
    type IntoFuture = Loading;

    fn into_future(self) -> Loading {
        Box::pin(background::begin(|stop| self.loaded(stop)))
    }
}
