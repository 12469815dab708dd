//! What all scenarios of a run share: the target, its clock, its database, the
//! sender, and the words that make keys unique.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::Plan;
use super::clocks::TargetClock;
use super::concurrency::Traffic;
use super::gate::Gate;
use super::ground::{Ground, Servant};
use super::lateness::Lateness;
use super::liveness::Liveness;
use super::pace::Pace;
use super::supplies::Supplies;
use crate::clock::{Clock, SystemClock};
use crate::contract::{Contract, Level, own_headers};
use crate::evidence::{EvidenceError, Question, Seen, Sources};
use crate::files::turn::Turn;
use crate::history::Operation;
use crate::judge::Setting;
use crate::outcome::reader::Reader;
use crate::report;
use crate::scenario::requirement::Catalogue;
use crate::secret::Redactor;
use crate::sign::{BadSecret, Signer};
use crate::snapshot::Snapshot;
use crate::target::Output;
use crate::transport::{self, Exchange, Sender, Shipment};
use crate::visit::{Code, Visit};

/// So many lines of a target's output stand in the report; its log has them all.
const LINES_KEPT: usize = 40;

/// Why nothing can be judged.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The target does not answer.
    #[error("the target {url} does not answer its health check {path}: {cause}; start it, or give another --target")]
    Unreachable {
        /// Its address.
        url: String,
        /// The path that was asked.
        path: String,
        /// What was seen.
        cause: String,
    },
    /// The target answers, but is not well.
    #[error("the target {url} answers its health check {path} with status {status}, where the contract has {wanted}")]
    NotWell {
        /// Its address.
        url: String,
        /// The path that was asked.
        path: String,
        /// What it answered.
        status: u16,
        /// What it should answer.
        wanted: u16,
    },
    /// The database cannot be read.
    #[error(transparent)]
    Database(#[from] EvidenceError),
    /// A clock was asked for that cannot work here.
    #[error("{0}")]
    Clock(&'static str),
    /// The secret cannot be used.
    #[error(transparent)]
    Secret(#[from] BadSecret),
    /// The user wants to stop.
    #[error("interrupted before anything was judged")]
    Interrupted,
    /// The target could not be started.
    #[error("{0}")]
    Launch(String),
    /// The built-in reference could not be served.
    #[error("the built-in reference could not be served: {0}")]
    BuiltIn(String),
}

/// What all scenarios of a run share.
pub struct Stage {
    /// The promise.
    pub contract: Arc<Contract>,
    /// The requirements.
    pub catalogue: Arc<Catalogue>,
    /// The target's address.
    pub url: transport::Target,
    /// `http://host:port`, for schemes that sign the URL.
    pub origin: String,
    /// Signs as an honest sender does.
    pub signer: Signer,
    /// Time.
    pub clock: TargetClock,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// The TTL that the target gives its keys, in seconds.
    pub ttl: Option<u64>,
    /// The level that is judged.
    pub level: Level,
    /// What scenarios are judged by.
    pub setting: Setting,
    /// Where evidence is read.
    pub sources: Sources,
    /// Hides the secrets in what is kept.
    pub redactor: Redactor,
    pub(super) sender: RwLock<Sender>,
    /// What deliveries are made from.
    pub supplies: Supplies,
    /// Whether the target lives.
    pub liveness: Liveness,
    /// What may be under way at the same time.
    pub gate: Gate,
    /// How long answers take.
    pub traffic: Traffic,
    /// How late we are ourselves.
    pub lateness: Lateness,
    /// How often the target is asked.
    pub pace: Arc<Pace>,
    /// How long one scenario waits for those who ask to be asked later.
    pub max_wait: Duration,
    history: Mutex<Vec<Operation>>,
    pub(super) held_up: AtomicU64,
    pub(super) snapshots: Option<Mutex<Vec<Snapshot>>>,
    pub(super) servant: tokio::sync::Mutex<Servant>,
    is_built_in: bool,
    pub(super) can_restart: bool,
    output: Option<(String, Arc<Output>)>,
    zone: Option<String>,
    visited: Visit,
    stopped_clock: Option<String>,
}

impl Stage {
    /// Sets the stage: serves the built-in reference, or sees that the target lives and its database can be read.
    ///
    /// # Errors
    /// [`StageError`]: what is missing, and the way out.
    pub async fn set(plan: &Plan) -> Result<Self, StageError> {
        let signer = {
            let (previous, retired) = &plan.other_secrets;
            let text = |other: &Option<SecretString>| other.as_ref().map(|other| other.expose_secret().to_owned());
            plan.contract.signer(plan.secret.expose_secret().as_bytes(), text(previous).as_deref(), text(retired).as_deref())?
        };
        let Ground { url, sources, clock, servant } = Ground::find(plan, &signer).await?;
        let ttl = plan.contract.ttl_secs().map(|default| plan.ttl.unwrap_or(default));
        let setting = Setting {
            reader: Reader::new(Arc::clone(&plan.contract)),
            catalogue: Arc::clone(&plan.catalogue),
            ttl,
            level: plan.level,
            origin: url.url(""),
            curl: url.curl().bearing(own_headers::joined(&plan.contract, &plan.headers), plan.secret_headers.clone()),
            forbidden: plan.secrets.forbidden(),
        };
        let mut stage = Self {
            contract: Arc::clone(&plan.contract),
            catalogue: Arc::clone(&plan.catalogue),
            origin: url.url(""),
            sender: RwLock::new(Sender::new(url.clone(), plan.timeout)),
            url,
            signer: signer.clone(),
            clock,
            timeout: plan.timeout,
            ttl,
            level: plan.level,
            sources,
            supplies: Supplies {
                contract: Arc::clone(&plan.contract),
                ordinary_body: plan.catalogue.ordinary_body.clone(),
                own_headers: Arc::new(own_headers::joined(&plan.contract, &plan.headers)),
                bodies: Arc::clone(&plan.bodies),
                signer,
                origin: setting.origin.clone(),
                seed: plan.seed,
                run_word: format!("hg{:x}", SystemClock.now().0),
                counter: AtomicU64::new(0),
                random_counter: AtomicU64::new(0),
            },
            liveness: Liveness::default(),
            gate: Gate::default(),
            traffic: Traffic::default(),
            lateness: Lateness::watch(),
            pace: Arc::new(Pace::new(plan.max_rate)),
            max_wait: plan.max_wait,
            history: Mutex::new(Vec::new()),
            held_up: AtomicU64::new(0),
            snapshots: plan.takes_snapshots.then(Mutex::default),
            is_built_in: servant.is_built_in(),
            can_restart: servant.can_restart(),
            output: servant.output(),
            zone: servant.zone().map(str::to_owned),
            servant: tokio::sync::Mutex::new(servant),
            visited: Visit::default(),
            redactor: plan.secrets.redactor(),
            stopped_clock: None,
            setting,
        };
        let patience = stage.servant.lock().await.patience();
        match stage.see_that_it_stands(plan, patience).await {
            Ok(visited) => stage.visited = visited,
            Err(failed) => {
                stage.strike().await;
                return Err(failed);
            }
        }
        stage.stopped_clock = stage.clock.see_that_it_moves().await.err();
        Ok(stage)
    }

    /// Sees that it lives and that its evidence can be read, and visits it meanwhile.
    async fn see_that_it_stands(&self, plan: &Plan, patience: Duration) -> Result<Visit, StageError> {
        let lives = self.see_that_it_lives(patience).await;
        // One that answers, though not well, may tell why when it is visited.
        let unwell = match lives {
            Ok(()) => None,
            Err(unwell @ StageError::NotWell { .. }) => Some(unwell),
            Err(failed) => return Err(failed),
        };
        // What is wrong with a database is told before anything is written to it.
        match self.sources.see_that_they_are_there().await {
            Err(wrong) if unwell.is_none() && !wrong.is_not_there_yet() => return Err(wrong.into()),
            Ok(()) | Err(_) => {}
        }
        // Other runs may be counting the rows of this database.
        let turn = Turn::at(plan.evidence.file().as_deref());
        turn.with_others().await;
        let visited = Box::pin(self.visit(plan, unwell.is_none())).await;
        turn.over().await;
        match unwell {
            Some(unwell) if visited.refused.as_ref().is_none_or(|refused| matches!(refused.code, Code::Failure | Code::Credentials)) => {
                return Err(unwell);
            }
            // Nothing more is judged, whatever its evidence is.
            _ if visited.refused.is_some() => return Ok(visited),
            Some(_) | None => {}
        }
        self.sources.wait_to_be_there().await?;
        Ok(visited)
    }

    /// Where what it writes is kept, when hookgate has started it.
    #[must_use]
    pub fn output(&self) -> Option<&Output> {
        self.output.as_ref().map(|(_, output)| &**output)
    }

    /// What the target has written, when hookgate has started it.
    #[must_use]
    pub fn target_output(&self) -> Option<String> {
        self.output.as_ref().map(|(_, output)| output.text())
    }

    /// What a few deliveries showed before anything was judged.
    #[must_use]
    pub fn visited(&self) -> &Visit {
        &self.visited
    }

    /// Why time cannot be moved, although a clock was given that moves it.
    #[must_use]
    pub fn stopped_clock(&self) -> Option<&str> {
        self.stopped_clock.as_deref()
    }

    /// Sends one delivery over the run's pool of connections.
    pub async fn send(&self, shipment: Shipment) -> Exchange {
        self.pace.turn(1).await;
        self.sender().send(shipment).await
    }

    /// The sender; it is another one after a restart.
    #[must_use]
    pub fn sender(&self) -> Sender {
        self.sender.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The seed of everything random.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.supplies.seed
    }

    /// What every key of this run begins with.
    #[must_use]
    pub fn run_word(&self) -> &str {
        &self.supplies.run_word
    }

    /// Asks for rows; `None` when nobody keeps any.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn rows(&self, question: Question) -> Result<Option<Seen>, EvidenceError> {
        match &self.sources.rows {
            Some(source) => source.rows(question).await.map(Some),
            None => Ok(None),
        }
    }

    /// Keeps deliveries for the history.
    pub fn remember(&self, operations: Vec<Operation>) {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).extend(operations);
    }

    /// Everything that was kept, in order of sending.
    #[must_use]
    pub fn take_history(&self) -> Vec<Operation> {
        let mut all = std::mem::take(&mut *self.history.lock().unwrap_or_else(PoisonError::into_inner));
        all.sort_by(|a, b| a.sent_at.cmp(&b.sent_at));
        all
    }

    /// What a reader of the report should know.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(refused) = &self.visited.refused {
            notes.push(format!("An honestly signed delivery is refused, and nothing else was judged: {}", refused.observed));
        }
        if self.sources.rows.is_none() && self.sources.effects.is_none() {
            notes.push("No database was given: whether receivers did the work once was judged by their answers alone (--db).".to_owned());
        }
        if matches!(self.clock, TargetClock::None) {
            notes.push("Time was not moved: whether keys expire was not judged (--clock).".to_owned());
        }
        notes.extend(self.stopped_clock.as_ref().map(|why| format!("Whether keys expire was not judged: {why}.")));
        notes.extend(self.zone.iter().map(|zone| format!("The receiver was started in a time zone of its own (--tz): {zone}")));
        notes.extend(self.held_up_note());
        notes.extend(self.url.note().map(str::to_owned));
        notes
    }

    /// What the report says of the target.
    pub async fn target_facts(&self) -> report::Target {
        report::Target {
            url: self.url.to_string(),
            built_in: self.is_built_in,
            database: self.sources.rows.as_ref().filter(|_| !self.is_built_in).map(|source| source.name()),
            effects: self.sources.effects.as_ref().map(|source| source.name()),
            tables: self.rows(Question { shape: true, ..Question::default() }).await.ok().flatten().unwrap_or_default().tables,
            command: self.output.as_ref().map(|(command, _)| command.clone()),
            output: self.output.as_ref().map(|(_, output)| output.tail(LINES_KEPT)).unwrap_or_default(),
        }
    }

    /// Stops what this run has started.
    pub async fn strike(&self) {
        self.hang_up();
        self.servant.lock().await.end(true).await;
    }
}
