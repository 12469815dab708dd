//! Target under test: the reference served here, a receiver that is already there,
//! or one that hookgate starts; and how it is started again.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use super::clocks::{ClockChoice, TargetClock};
use super::error::SessionError;
use super::{Choice, TargetChoice};
use crate::clock::VirtualClock;
use crate::contract::Contract;
use crate::evidence::{self, Named, Origin, Sources};
use crate::files::Scratch;
use crate::reference::defect::Defect;
use crate::reference::{Receiver, pages};
use crate::serve::{Serving, serve};
use crate::sign::Signer;
use crate::sqlite::{SqliteStore, mutants};
use crate::target::{Launch, Output, Running, faketime};
use crate::transport;

/// How long the reference's own database is waited for.
const BUSY: Duration = Duration::from_secs(5);

/// A receiver that hookgate is to start; `{port}` and `{dir}` are still to be filled in.
#[derive(Clone, Debug)]
pub struct LaunchChoice {
    /// Its time zone, when somebody names one.
    pub zone: Option<String>,
    /// The command line.
    pub command: String,
    /// Its address.
    pub url: String,
    /// How it is reached: TLS and name are those of this target.
    pub reached: transport::Target,
    /// When it is ready.
    pub ready: Ready,
    /// How long that may take.
    pub patience: Duration,
    /// The signal that stops it gently.
    pub stop_signal: String,
    /// The variable that it reads its secret from.
    pub secret_env: String,
    /// Variables that it must not have: private keys, of which it is handed the public half.
    pub withheld: Vec<String>,
    /// libfaketime, when it was named.
    pub faketime: Option<PathBuf>,
}

/// When a target that was started is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ready {
    /// When it answers the contract's health check.
    Health,
    /// When it answers here with a status from 200 to 299.
    Url(String),
    /// When it has written this.
    Text(String),
}

/// The receiver that is judged, as it was found or started.
pub struct TargetUnderTest {
    /// Its address.
    pub url: transport::Target,
    /// Where evidence is read.
    pub sources: Sources,
    /// Its time.
    pub clock: TargetClock,
    /// What hookgate has started.
    pub managed: ManagedTarget,
}

/// What hookgate has started, and how to start it again.
pub enum ManagedTarget {
    /// The reference, in this process.
    BuiltIn(BuiltIn),
    /// A command.
    Launched(Launched),
    /// Nothing: the receiver is somebody else's.
    Foreign,
}

/// The reference, in this process.
pub struct BuiltIn {
    contract: Arc<Contract>,
    signer: Signer,
    ttl: Option<u64>,
    defect: Option<Defect>,
    clock: Arc<VirtualClock>,
    database: PathBuf,
    serving: Option<Serving>,
    _scratch: Scratch,
}

/// A command that was started.
pub struct Launched {
    pub(super) launch: Launch,
    pub(super) zone: String,
    pub(super) ready: Ready,
    pub(super) url: transport::Target,
    /// The path of the health page, and the status of a receiver that is well.
    pub(super) health: Option<(String, u16)>,
    pub(super) patience: Duration,
    pub(super) output: Arc<Output>,
    pub(super) running: Option<Running>,
    pub(super) port: u16,
    pub(super) dir: PathBuf,
    pub(super) scratch: Scratch,
}

/// How pages of a receiver are reached.
#[must_use]
pub fn origin(url: &transport::Target) -> Origin {
    let named = url.named_otherwise().map(|_| Named {
        name: url.server_name(),
        authority: url.authority(),
        host: url.host().to_owned(),
        port: url.port(),
    });
    let address = match &named {
        Some(named) if named.name.contains(':') => url.url("").replacen(&named.authority, &format!("[{}]", named.name), 1),
        Some(named) => url.url("").replacen(&named.authority, &named.name, 1),
        None => url.url(""),
    };
    Origin { url: address, socket: url.socket().map(Path::to_owned), named }
}

impl TargetUnderTest {
    /// Finds or starts the receiver.
    ///
    /// # Errors
    /// [`SessionError`]: what is missing, and the way out. What was started is stopped again.
    pub async fn find(choice: &Choice, signer: &Signer) -> Result<Self, SessionError> {
        match &choice.target {
            TargetChoice::BuiltIn { defect } => built_in(choice, signer, *defect).await,
            TargetChoice::Foreign { url } => {
                let sources = choice.evidence.open(&choice.contract, &origin(url), &str::to_owned)?;
                let clock = foreign_clock(choice, &sources)?;
                Ok(Self { url: url.clone(), sources, clock, managed: ManagedTarget::Foreign })
            }
            TargetChoice::Launched(launch) => launched(choice, launch).await,
        }
    }
}

impl ManagedTarget {
    /// Whether it is the reference in this process.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        matches!(self, Self::BuiltIn(_))
    }

    /// Whether it is the reference in this process, with nothing wrong in it.
    #[must_use]
    pub fn is_right_reference(&self) -> bool {
        matches!(self, Self::BuiltIn(BuiltIn { defect: None, .. }))
    }

    /// How long it may take to become ready, and has not taken yet: health may flap at first.
    #[must_use]
    pub fn patience(&self) -> Duration {
        match self {
            Self::Launched(launched) => launched.patience,
            Self::BuiltIn(_) | Self::Foreign => Duration::ZERO,
        }
    }

    /// The process whose children it is, while hookgate runs it.
    #[must_use]
    pub fn guard_id(&self) -> Option<u32> {
        match self {
            Self::Launched(launched) => launched.guard_id(),
            Self::BuiltIn(_) | Self::Foreign => None,
        }
    }

    /// How its process ended, when hookgate has started it and it has.
    pub async fn ended(&mut self) -> Option<String> {
        match self {
            Self::Launched(launched) => launched.running.as_mut()?.ended().await,
            Self::BuiltIn(_) | Self::Foreign => None,
        }
    }

    /// Whether hookgate can start it again.
    #[must_use]
    pub fn can_restart(&self) -> bool {
        !matches!(self, Self::Foreign)
    }

    /// The time zone that it was started in.
    #[must_use]
    pub fn zone(&self) -> Option<&str> {
        match self {
            Self::Launched(launched) => Some(&launched.zone),
            Self::BuiltIn(_) | Self::Foreign => None,
        }
    }

    /// The command, and what it has written.
    #[must_use]
    pub fn output(&self) -> Option<(String, Arc<Output>)> {
        match self {
            Self::Launched(launched) => Some((launched.launch.command.clone(), Arc::clone(&launched.output))),
            Self::BuiltIn(_) | Self::Foreign => None,
        }
    }

    /// Ends it; whoever is judged in this process lets its last answers go out.
    pub async fn end(&mut self, gently: bool) {
        match self {
            Self::BuiltIn(built_in) => {
                if let Some(serving) = built_in.serving.take() {
                    if gently { serving.stop().await } else { serving.kill().await }
                }
            }
            Self::Launched(launched) => launched.end(gently).await,
            Self::Foreign => {}
        }
    }

    /// Starts it again at the same address, over the same files, and waits until it is ready.
    ///
    /// # Errors
    /// Why it cannot be started, or never became ready.
    pub async fn begin(&mut self) -> Result<(), SessionError> {
        match self {
            Self::BuiltIn(built_in) => {
                let address = built_in.serving.as_ref().map(|serving| serving.address);
                built_in.serve(address.unwrap_or(LOOPBACK)).await.map(drop)
            }
            Self::Launched(launched) => launched.begin().await,
            Self::Foreign => Ok(()),
        }
    }

    /// Ends it and starts it again.
    ///
    /// # Errors
    /// Why it cannot be started, or never became ready.
    pub async fn restart(&mut self, gently: bool) -> Result<(), SessionError> {
        let address = match self {
            Self::BuiltIn(built_in) => built_in.serving.as_ref().map(|serving| serving.address),
            Self::Launched(_) | Self::Foreign => None,
        };
        self.end(gently).await;
        match (self, address) {
            (Self::BuiltIn(built_in), Some(address)) => built_in.serve(address).await.map(drop),
            (Self::Launched(launched), _) => launched.begin_again().await,
            (other, _) => other.begin().await,
        }
    }
}

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

async fn built_in(choice: &Choice, signer: &Signer, defect: Option<Defect>) -> Result<TargetUnderTest, SessionError> {
    let scratch = Scratch::new().map_err(|cause| not_served(&cause))?;
    let clock = Arc::new(VirtualClock::default());
    let database = scratch.path().join("reference.db");
    let mut built_in = BuiltIn {
        contract: Arc::clone(&choice.contract),
        signer: signer.clone(),
        ttl: choice.ttl,
        defect,
        clock: Arc::clone(&clock),
        database: database.clone(),
        serving: None,
        _scratch: scratch,
    };
    let address = built_in.serve(LOOPBACK).await?;
    let url = transport::Target::parse(&format!("http://{address}")).map_err(|cause| not_served(&cause))?;
    let db = choice.contract.state.is_some().then(|| database.display().to_string());
    let evidence = evidence::Choice { db, patience: choice.evidence.patience.max(BUSY), ..evidence::Choice::default() };
    let sources = evidence.open(&pages::as_served(&choice.contract), &origin(&url), &str::to_owned)?;
    Ok(TargetUnderTest { url, sources, clock: TargetClock::Own(clock), managed: ManagedTarget::BuiltIn(built_in) })
}

fn not_served(cause: &dyn std::fmt::Display) -> SessionError {
    SessionError::BuiltIn(cause.to_string())
}

impl BuiltIn {
    async fn serve(&mut self, listen: SocketAddr) -> Result<SocketAddr, SessionError> {
        let contract = Arc::clone(&self.contract);
        let time = Arc::<VirtualClock>::clone(&self.clock);
        let signer = Some(self.signer.clone());
        let serving = match self.defect {
            None => {
                let store = SqliteStore::open(Arc::clone(&contract), &self.database).map_err(|cause| not_served(&cause))?;
                let receiver = Receiver::new(contract, signer, store, self.ttl).map_err(|cause| not_served(&cause))?;
                serve(receiver, time, listen).await
            }
            Some(defect) => {
                let receiver = mutants::receiver(&contract, signer, Some(&self.database), self.ttl, defect);
                serve(receiver.map_err(|cause| not_served(&cause))?, time, listen).await
            }
        };
        let serving = serving.map_err(|cause| not_served(&cause))?;
        let address = serving.address;
        self.serving = Some(serving);
        Ok(address)
    }
}

async fn launched(choice: &Choice, launch: &LaunchChoice) -> Result<TargetUnderTest, SessionError> {
    let failed = |cause: &dyn std::fmt::Display| SessionError::Launch(format!("the target could not be started: {cause}"));
    let mut launched = Launched::prepared(launch, &choice.contract, (&choice.secret, choice.other_secrets.0.as_ref()))?;
    let sources = choice.evidence.open(&choice.contract, &origin(launched.url()), &|text| launched.filled(text))?;
    let clock = match &choice.clock {
        ClockChoice::Faketime => {
            let library = faketime::library(launch.faketime.as_deref()).map_err(SessionError::Launch)?;
            let file = launched.scratch.path().join("faketime");
            faketime::set(&file, Duration::ZERO).map_err(|cause| failed(&cause))?;
            launched.launch.settings.extend(faketime::settings(&library, &file));
            TargetClock::Faketime { file, ahead: AtomicI64::new(0) }
        }
        _ => foreign_clock(choice, &sources)?,
    };
    launched.check_port_is_free().await?;
    launched.begin().await?;
    Ok(TargetUnderTest { url: launched.url.clone(), sources, clock, managed: ManagedTarget::Launched(launched) })
}

fn foreign_clock(choice: &Choice, sources: &Sources) -> Result<TargetClock, SessionError> {
    match &choice.clock {
        ClockChoice::None => Ok(TargetClock::None),
        ClockChoice::Wait(most) => Ok(TargetClock::Wait(*most)),
        ClockChoice::Virtual(Some(at)) => Ok(TargetClock::Control { at: at.clone(), ahead: AtomicI64::new(0), timeout: choice.timeout }),
        ClockChoice::Moved(by) => Ok(TargetClock::Moved { by: by.clone(), ahead: AtomicI64::new(0) }),
        ClockChoice::Virtual(None) => Err(SessionError::Clock(
            "--clock virtual needs the control address that `hookgate serve --clock virtual` prints: --control http://127.0.0.1:PORT",
        )),
        ClockChoice::Faketime => Err(SessionError::Clock("--clock faketime goes under a target that hookgate starts: give it with --exec")),
        ClockChoice::Rewind => match &sources.rows {
            None => Err(SessionError::Clock("--clock rewind moves times in the target's database: give it with --db")),
            Some(source) if source.can().rewind => Ok(TargetClock::Rewind { source: Arc::clone(source) }),
            Some(_) => Err(SessionError::Clock(
                "--clock rewind moves the times of key rows, and the contract has no table of keys with a column for {key} and one for {ts}",
            )),
        },
    }
}
