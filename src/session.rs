//! Session: one receiver, from its start to its end; the same for runs and loads.
//!
//! In: a [`Choice`]: who is judged, where evidence lies, which secrets. Out: a
//! [`Session`] over a receiver that lives and whose evidence can be read, or a
//! [`SessionError`] with the way out; what was started is stopped again then.
//! Here, and nowhere else in an engine, a receiver is started, its health
//! asked, one honest delivery tried, its evidence opened and its end brought
//! about. Deliveries are built in [`deliveries`], by the thousand in [`series`].
//!
//! Start at [`Session::connect`].

mod bodies;
pub mod clocks;
pub mod deliveries;
pub mod error;
pub mod launched;
pub mod pace;
pub mod patience;
pub mod places;
pub mod preflight;
mod readiness;
pub mod series;
pub mod signing_moment;
mod streams;
pub mod supplies;
pub mod target_under_test;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;

use self::clocks::{ClockChoice, TargetClock};
use self::error::SessionError;
use self::pace::Pace;
use self::supplies::Supplies;
use self::target_under_test::{LaunchChoice, ManagedTarget, TargetUnderTest};
use crate::clock::{Clock as _, SystemClock};
use crate::contract::{Contract, own_headers};
use crate::delivery::HeaderLine;
use crate::evidence::{self, EvidenceError, Question, Seen, Sources};
use crate::reference::defect::Defect;
use crate::report;
use crate::sign::Signer;
use crate::target::Output;
use crate::transport::{self, Exchange, Sender, Transmission};

/// So many lines of a target's output stand in the report; its log has them all.
const LINES_KEPT: usize = 40;

/// Who is judged.
#[derive(Clone, Debug)]
pub enum TargetChoice {
    /// The reference, served in this process over real HTTP.
    BuiltIn {
        /// What it does wrong on purpose, when it does.
        defect: Option<Defect>,
    },
    /// A receiver that is already there.
    Foreign {
        /// Its address.
        url: transport::Target,
    },
    /// A receiver that hookgate starts.
    Launched(Box<LaunchChoice>),
}

impl TargetChoice {
    /// Its address, as far as it is known before it is found: the port of what is still to be started is not.
    #[must_use]
    pub fn address(&self) -> transport::Target {
        match self {
            Self::BuiltIn { .. } => transport::Target::here(),
            Self::Foreign { url } => url.clone(),
            Self::Launched(choice) => choice.reached.clone(),
        }
    }
}

/// What a session is made of.
#[derive(Clone)]
pub struct Choice {
    /// The promise.
    pub contract: Arc<Contract>,
    /// Who is judged.
    pub target: TargetChoice,
    /// Where evidence is read, beside what the contract names.
    pub evidence: evidence::Choice,
    /// The shared secret.
    pub secret: SecretString,
    /// Secrets of other times: the previous one, and a retired one.
    pub other_secrets: (Option<SecretString>, Option<SecretString>),
    /// How time passes for the target.
    pub clock: ClockChoice,
    /// Header lines of the user's own, which every delivery and every question bears.
    pub headers: Vec<HeaderLine>,
    /// Body files by name.
    pub bodies: Arc<BTreeMap<String, Bytes>>,
    /// The body file of deliveries that do not say which.
    pub ordinary_body: String,
    /// How many deliveries and questions a second there are at the most.
    pub max_rate: Option<f64>,
    /// How long those are waited for who ask to be asked later.
    pub max_wait: Duration,
    /// The seed of everything random.
    pub seed: u64,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// The target's own TTL in seconds, when it is not the contract's.
    pub ttl: Option<u64>,
}

impl Choice {
    /// Signs as an honest sender does.
    ///
    /// # Errors
    /// When a secret cannot be used.
    pub fn signer(&self) -> Result<Signer, SessionError> {
        let (previous, retired) = &self.other_secrets;
        let text = |other: &Option<SecretString>| other.as_ref().map(|other| other.expose_secret().to_owned());
        let signer = self.contract.signer(self.secret.expose_secret().as_bytes(), text(previous).as_deref(), text(retired).as_deref());
        Ok(signer?)
    }
}

/// One receiver, as long as it is judged or loaded.
pub struct Session {
    /// The promise.
    pub contract: Arc<Contract>,
    /// The target's address.
    pub url: transport::Target,
    /// Signs as an honest sender does.
    pub signer: Signer,
    /// Time.
    pub clock: TargetClock,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// The TTL that the target gives its keys, in seconds.
    pub ttl: Option<u64>,
    /// Where evidence is read.
    pub sources: Sources,
    /// What deliveries are made from.
    pub supplies: Supplies,
    /// How often the target is asked.
    pub pace: Arc<Pace>,
    /// How long those are waited for who ask to be asked later.
    pub max_wait: Duration,
    pub(crate) held_up: AtomicU64,
    /// Whether it is rivals of a delivery under way that are asked to wait, and nobody else; not known before it was tried.
    pub(crate) only_rivals_wait: OnceLock<bool>,
    pub(crate) managed: tokio::sync::Mutex<ManagedTarget>,
    sender: RwLock<Sender>,
    is_built_in: bool,
    is_right_reference: bool,
    can_restart: bool,
    output: Option<(String, Arc<Output>)>,
    zone: Option<String>,
    stopped_clock: Option<String>,
}

impl Session {
    /// Finds or starts the receiver, and sees that it lives and that its evidence can be read.
    ///
    /// `interrupted` turns true when the user wants to stop.
    ///
    /// # Errors
    /// [`SessionError`]: what is missing, and the way out.
    pub async fn connect(choice: &Choice, interrupted: &mut watch::Receiver<bool>) -> Result<Self, SessionError> {
        tokio::select! {
            biased;
            () = until_true(interrupted) => Err(SessionError::Interrupted),
            session = Self::begin_and_check(choice) => session,
        }
    }

    async fn begin_and_check(choice: &Choice) -> Result<Self, SessionError> {
        let mut session = Self::begin(choice).await?;
        if let Err(failed) = session.preflight().await {
            session.shutdown().await;
            return Err(failed);
        }
        session.check_clock().await;
        Ok(session)
    }

    /// Sees that time can be moved, where somebody moves it.
    pub(crate) async fn check_clock(&mut self) {
        self.stopped_clock = self.clock.check_movable().await.err();
    }

    /// Finds or starts the receiver; whether it is well is not asked yet.
    ///
    /// # Errors
    /// [`SessionError`]: what is missing, and the way out.
    pub(crate) async fn begin(choice: &Choice) -> Result<Self, SessionError> {
        let signer = choice.signer()?;
        let TargetUnderTest { url, sources, clock, managed } = TargetUnderTest::find(choice, &signer).await?;
        let contract = Arc::clone(&choice.contract);
        Ok(Self {
            ttl: contract.ttl_secs().map(|default| choice.ttl.unwrap_or(default)),
            sender: RwLock::new(Sender::new(url.clone(), choice.timeout)),
            supplies: Supplies {
                contract: Arc::clone(&contract),
                ordinary_body: choice.ordinary_body.clone(),
                own_headers: Arc::new(own_headers::joined(&contract, &choice.headers)),
                bodies: Arc::clone(&choice.bodies),
                signer: signer.clone(),
                origin: url.url(""),
                seed: choice.seed,
                run_word: format!("hg{:x}", SystemClock.now().0),
                counter: AtomicU64::new(supplies::FIRST_NUMBER),
                random_counter: AtomicU64::new(0),
            },
            contract,
            url,
            signer,
            clock,
            timeout: choice.timeout,
            sources,
            pace: Arc::new(Pace::new(choice.max_rate)),
            max_wait: choice.max_wait,
            held_up: AtomicU64::new(0),
            only_rivals_wait: OnceLock::new(),
            is_built_in: managed.is_built_in(),
            is_right_reference: managed.is_right_reference(),
            can_restart: managed.can_restart(),
            output: managed.output(),
            zone: managed.zone().map(str::to_owned),
            managed: tokio::sync::Mutex::new(managed),
            stopped_clock: None,
        })
    }

    /// Why time cannot be moved, although a clock was given that moves it.
    #[must_use]
    pub fn stopped_clock(&self) -> Option<&str> {
        self.stopped_clock.as_deref()
    }

    /// Sends one delivery over the session's pool of connections.
    pub async fn send(&self, transmission: Transmission) -> Exchange {
        self.pace.turn(1).await;
        self.sender().send(transmission).await
    }

    /// The sender; it is another one after a restart.
    #[must_use]
    pub fn sender(&self) -> Sender {
        self.sender.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Closes every connection of the pool.
    pub fn hang_up(&self) {
        let mut sender = self.sender.write().unwrap_or_else(PoisonError::into_inner);
        *sender = sender.renewed();
    }

    /// Begins with the receiver as if it had never been met: without a connection, and with nothing known of its manners.
    pub(crate) fn meet_anew(&self) {
        let mut sender = self.sender.write().unwrap_or_else(PoisonError::into_inner);
        *sender = Sender::new(sender.target().clone(), sender.timeout());
    }

    /// The seed of everything random.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.supplies.seed
    }

    /// What every key begins with.
    #[must_use]
    pub fn run_word(&self) -> &str {
        &self.supplies.run_word
    }

    /// Whether the target is the reference in this process, with nothing wrong in it.
    #[must_use]
    pub fn is_right_reference(&self) -> bool {
        self.is_right_reference
    }

    /// Whether the target can be started again.
    #[must_use]
    pub fn can_restart(&self) -> bool {
        self.can_restart
    }

    /// The process whose children the target is, while hookgate runs it.
    pub async fn guard_id(&self) -> Option<u32> {
        self.managed.lock().await.guard_id()
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

    /// What a reader of the report should know.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.sources.rows.is_none() && self.sources.effects.is_none() {
            notes.push("No database was given: whether receivers did the work once was judged by their answers alone (--db).".to_owned());
        }
        if matches!(self.clock, TargetClock::None) {
            notes.push("Time was not moved: whether keys expire was not judged (--clock).".to_owned());
        }
        notes.extend(self.given_up_note());
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

    /// Stops what this session has started.
    pub async fn shutdown(&self) {
        self.hang_up();
        self.managed.lock().await.end(true).await;
    }
}

/// Waits until a flag is true.
pub(crate) async fn until_true(flag: &mut watch::Receiver<bool>) {
    if flag.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await; // nobody is left who could interrupt
    }
}
