//! Load: how many signed deliveries a second, at which latency, and is it still right?
//!
//! A [`Plan`] goes in, a [`LoadReport`] comes out. Users deliver over
//! connections of their own ([`user_connection`], [`user`]), goose starts and ramps
//! them ([`engine`]), every answer is held against what its kind allows, and
//! afterwards answers and rows of every key are judged ([`judging`]).
//!
//! Start at [`run`]. Gates are in [`gate`], the mix in [`mix`].
//!
//! **Invariant:** nothing is sent twice but duplicates and what a kept connection
//! was closed under (it is counted), and after the load what [`afterwards`] asks.

pub mod afterwards;
pub mod body;
pub mod carried;
pub mod climb;
pub mod compare;
mod conclusion;
pub mod contracts;
pub mod effects;
pub mod effort;
pub mod ending;
pub mod engine;
pub mod evidence;
pub mod expected;
pub mod feed;
mod first;
mod first_members;
pub mod followed;
pub mod forged;
pub mod exposition;
mod foreign;
pub mod gate;
pub mod highest;
pub mod heat;
pub mod hlog;
pub mod joining;
pub mod judging;
pub mod knee;
#[cfg(feature = "locust")]
pub mod locust;
pub mod measure;
pub mod mix;
pub mod noise;
pub mod rate_profile;
pub mod otlp;
pub mod paging;
pub mod part;
mod patience;
pub mod progress;
pub mod verify;
pub mod report;
pub mod sampling;
pub mod user_connection;
pub mod shared;
pub mod silence;
pub mod streams;
pub mod summing;
pub mod tally;
pub mod render;
pub mod think;
pub mod together;
pub mod trend;
pub mod unexpected;
pub mod user;
pub mod window;
pub mod worker;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::{Clock as _, SystemClock, UnixMicros};
use crate::contract::{Contract, own_headers};
use crate::delivery::HeaderLine;
use crate::evidence::{EvidenceError, Sources};
use crate::history::consistency::Operation;
use crate::load::body::BodyTemplate;
use crate::load::conclusion::judged;
use crate::load::effort::Meter;
use crate::load::engine::goose::Engine;
use crate::load::feed::Feed;
use crate::load::gate::Gate;
use crate::load::measure::Measurement;
use crate::load::mix::Mix;
use crate::load::part::{Lot, Note, Part};
use crate::load::progress::Progress;
use crate::load::rate_profile::{Arrivals, Model, RateProfile};
use crate::load::report::LoadReport;
use crate::load::shared::Shared;
use crate::load::streams::running::Subscribers;
use crate::load::summing::{Facts, summed};
use crate::load::user_connection::series;
use crate::load::window::Window;
use crate::outcome::Outcome;
use crate::report::baseline::Baseline;
use crate::scenario::requirement::Catalogue;
use crate::session::error::SessionError;
use crate::session::preflight::check_health;
use crate::sign::Signer;
use crate::target::usage::Of;
use crate::transport::Target;

/// What to load, with what, how long.
#[derive(Clone)]
pub struct Plan {
    /// The promise.
    pub contract: Arc<Contract>,
    /// The requirements.
    pub catalogue: Arc<Catalogue>,
    /// The receiver.
    pub target: Target,
    /// Where evidence is read.
    pub sources: Sources,
    /// Header lines of the user's own, which every delivery and every question bears.
    pub headers: Vec<HeaderLine>,
    /// Those of them that came from the environment: the line, and the variable.
    pub secret_headers: Vec<(HeaderLine, String)>,
    /// Signs as an honest sender does.
    pub signer: Signer,
    /// The body, with `{unique}` and `{padding}` in it.
    pub body: Vec<u8>,
    /// Which kinds.
    pub mix: Mix,
    /// What is delivered, where a file says it; the mix then has its kinds ([`Feed::mix`]).
    pub feed: Option<Arc<Feed>>,
    /// How many users there are at the most, each with a connection.
    pub users: usize,
    /// How many users are started a second.
    pub hatch_rate: f64,
    /// What the profile counts.
    pub model: Model,
    /// How many users, or deliveries a second, there are at each moment; warm-up included.
    pub profile: RateProfile,
    /// How deliveries of an open model are spread.
    pub arrivals: Arrivals,
    /// How many at the most.
    pub most: u64,
    /// So long nothing is measured.
    pub warm_up: Duration,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// How long answers are waited for after the end of sending.
    pub drain: Duration,
    /// What must be kept to.
    pub gates: Vec<Gate>,
    /// What ends the load as soon as it is true.
    pub abort_on: Vec<Gate>,
    /// Whether the history is judged.
    pub verify: bool,
    /// The target's own TTL in seconds, when it is not the contract's.
    pub ttl: Option<u64>,
    /// The seed of what is random.
    pub seed: u64,
    /// Whose processor and memory are looked at beside our own.
    pub beside: Option<Of>,
    /// Failures that are known.
    pub baseline: Option<Arc<Baseline>>,
    /// What makes it one of several loads.
    pub part: Part,
    /// Who starts the users.
    pub engine: Engine,
    /// Who reads event streams meanwhile.
    pub streams: Option<streams::Asked>,
}

impl Plan {
    /// How long keys live, in microseconds.
    #[must_use]
    pub fn life(&self) -> Option<i64> {
        let secs = self.contract.ttl_secs().map(|usual| self.ttl.unwrap_or(usual));
        secs.map(|secs| i64::try_from(secs).unwrap_or(i64::MAX).saturating_mul(1_000_000))
    }
}

/// Why there is no load.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The contract's deliveries cannot be made at speed.
    #[error("{0}")]
    Contract(String),
    /// The target does not live, or cannot be read.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The database cannot be read.
    #[error(transparent)]
    Database(#[from] EvidenceError),
    /// The feed cannot be read any more.
    #[error("{0}")]
    Feed(String),
    /// The load could not be started.
    #[error("{0}")]
    Engine(String),
}

/// What a load has come to.
pub struct Loaded {
    /// The report.
    pub report: LoadReport,
    /// All that was measured, for those who want the histograms themselves.
    pub measurement: Measurement,
    /// Why it ended before its time.
    pub cut: Option<Cut>,
}

/// Called every second with how far the load is.
pub type OnSecond = Arc<dyn Fn(&Progress<'_>) + Send + Sync>;

/// Why a load ended before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The user wanted it.
    Interrupted,
    /// A condition of `--abort-on` came true; its text and value.
    Aborted(String),
    /// Nothing was answered any more.
    Dead,
}

/// Loads a receiver, and judges it.
///
/// # Errors
/// [`LoadError`]; a target that dies under the load is no error, it is reported.
pub async fn run(plan: &Plan, on_second: OnSecond, mut interrupted: watch::Receiver<bool>) -> Result<Loaded, LoadError> {
    // Another load may have come before it.
    check_health(&plan.contract, &plan.target, own_headers::joined(&plan.contract, &plan.headers), plan.timeout).await?;
    // What is wrong with a database is told before anything is written to it; some are made with the first delivery.
    let is_to_be_born = match plan.sources.check_available().await {
        Err(wrong) if !wrong.is_not_there_yet() => return Err(wrong.into()),
        seen => seen.is_err(),
    };
    let sizes = plan.mix.body.as_ref().map_or(&[][..], |body| &body.sizes);
    let bodies = BodyTemplate::naming(&plan.body, sizes, plan.streams.is_some());
    let series = series(plan, &bodies.body("word", None)).map_err(LoadError::Contract)?;
    let past = match &plan.feed {
        Some(feed) if plan.verify && !is_to_be_born => feed::past::ask(feed, &plan.contract, &plan.sources).await?,
        // A database that is not there yet has nothing of any key.
        Some(_) if plan.verify && is_to_be_born => Some(feed::past::Past::default()),
        Some(_) | None => None,
    };
    if is_to_be_born {
        first::deliver_first(plan, &series, &bodies).await?;
    }
    let word = plan.part.word.clone().unwrap_or_else(|| format!("hg{:x}", SystemClock.now().0));
    let subscribers = Subscribers::begin(plan, &word, &series).await.map_err(LoadError::Contract)?;
    let streams = subscribers.as_ref().map(|subscribers| Arc::clone(&subscribers.streams));
    if let Some(member) = &plan.part.together
        && !member.begin().await
    {
        return Err(LoadError::Engine("the load beside this one could not begin".to_owned()));
    }
    let shared = Arc::new(shared::shared(plan, series, bodies, (word, streams))?);
    if let Some((feeding, past)) = shared.feeding.as_ref().zip(past) {
        feeding.set_past(past);
    }
    plan.part.tell(|| Note::Began(shared.began_at));
    let engine = match (&plan.part.steering, plan.engine) {
        (None, Engine::Goose) => tokio::spawn(engine::goose::run(Arc::clone(&shared), plan.users, plan.hatch_rate)),
        (None, Engine::Own) => tokio::spawn(engine::goose::run_own(Arc::clone(&shared), plan.users, plan.hatch_rate)),
        (Some(steering), _) => tokio::spawn(engine::goose::run_steered(Arc::clone(&shared), Arc::clone(steering), plan.users)),
    };
    let mut meter = Meter::new(plan.beside);
    let (cut, ended) = ending::watch(engine, plan, &shared, &mut meter, &on_second, &mut interrupted).await?;
    meter.look(shared.began.elapsed());
    plan.part.steering.iter().for_each(|steering| steering.note_end());
    let mut history = collected(&shared);
    let mut measurement = lock(&shared.measured).clone();
    // What went twice is one delivery, whose first outcome is unknown.
    let operations = (history.len() as u64).saturating_sub(shared.resent.load(Ordering::Relaxed));
    let window = Window {
        warm_until: plan.warm_up,
        planned_end: ended.sending,
        last_answer: measurement.last_answer,
        last_sent: history.iter().map(|one| one.invoked).max().map_or(Duration::ZERO, |at| since(shared.began_at, at)),
    };
    measurement.fill(window.seconds());
    let due = match plan.model {
        Model::Closed => operations,
        Model::Open => plan.profile.due_by(ended.due_until, plan.most, plan.arrivals, plan.seed),
    };
    let dropped = due.saturating_sub(operations);
    on_second(&ending::over(plan, &shared, &measurement, window.closed(), dropped));
    // It is asked in what is left of the drain.
    let left = ended.at_the_latest.saturating_sub(shared.began.elapsed());
    let mut after = afterwards::ask(plan, &shared, &history, left).await;
    let was_refused = !measurement.errors.is_empty() || history.iter().any(|one| one.outcome.is(Outcome::NoAnswer));
    // Who ends a load by hand may have ended the receiver with it.
    if was_refused && cut != Some(Cut::Interrupted) {
        after.gone = afterwards::gone(plan).await;
    }
    plan.part.tell(|| Note::Learned(Lot { samples: Vec::new(), operations: after.operations.clone() }));
    history.extend(&after.operations);
    let streamed = match subscribers {
        Some(subscribers) => Some(subscribers.end(plan, &shared, &mut history, cut.as_ref()).await),
        None => None,
    };
    let mut found = None;
    if plan.verify {
        effects::wait_for_late_work(plan, &history, &mut interrupted).await;
        found = Some(judged(plan, &shared, &mut history, &after).await);
    }
    if let (Some(found), Some(streamed)) = (&mut found, &streamed) {
        found.add_streams(plan, streamed);
    }
    if let (Some(found), Some(why)) = (&mut found, &after.gone) {
        found.add_death(&plan.catalogue, &plan.contract, why);
    }
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let facts = Facts {
        began_at: shared.began_at,
        window,
        late: count(&shared.late),
        crowded: count(&shared.crowded),
        effort: meter.told(Duration::from_micros(count(&shared.latest))),
        dropped,
        cut: cut.clone(),
        operations,
        unexpected: shared.unexpected.told(),
        after,
        followed: shared.surplus.count(),
        feed: shared.feeding.as_ref().map(|feeding| (feeding.feed().report(feeding.counts()), feeding.failure())),
        streams: streamed,
    };
    let report = summed(plan, &measurement, found, &facts);
    Ok(Loaded { report, measurement, cut })
}

/// How long after the load opened an instant of its history lies.
fn since(began_at: UnixMicros, at: i64) -> Duration {
    Duration::from_micros(u64::try_from(at.saturating_sub(began_at.0)).unwrap_or(0))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What all users wrote down, as one list; theirs are freed one by one, so that it is never there twice.
fn collected(shared: &Shared) -> Vec<Operation> {
    let lists = std::mem::take(&mut *lock(&shared.histories));
    let mut history = Vec::with_capacity(lists.iter().map(Vec::len).sum());
    for list in lists {
        history.extend(list);
    }
    history
}
