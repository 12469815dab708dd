//! Load: how many signed deliveries a second, at which latency, and is it still right?
//!
//! A [`Plan`] goes in, a [`LoadReport`] comes out. Users deliver over
//! connections of their own ([`sending`], [`user`]), goose starts and ramps
//! them ([`crowd`]), every answer is held against what its kind allows, and
//! afterwards answers and rows of every key are judged ([`judging`]).
//!
//! Start at [`run`]. Gates are in [`gate`], the mix in [`mix`].
//!
//! **Invariant:** nothing is sent twice but duplicates, and lost answers once
//! more after the load, to see what became of them.

pub mod crowd;
pub mod gate;
pub mod judging;
pub mod measure;
pub mod mix;
pub mod report;
pub mod sending;
pub mod user;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;

use crate::check::consistency::{Evidence, Law, NEVER, Operation, Outcome};
use crate::clock::{Clock as _, Moment, SystemClock, UnixMicros, iso};
use crate::contract::Contract;
use crate::delivery::Delivery;
use crate::http::{Sender, Shipment, Target};
use crate::load::gate::{Gate, Measured};
use crate::load::judging::{Found, judge_all};
use crate::load::measure::{Measurement, quantiles};
use crate::load::mix::Mix;
use crate::load::report::{KindReport, Latency, LoadReport, SCHEMA};
use crate::load::sending::{Line, Maker};
use crate::load::user::{Pace, Shared};
use crate::probe::{Probe, ProbeError};
use crate::report::{Overall, Tool, Verdict};
use crate::scenario::requirement::Catalogue;
use crate::sign::BadSecret;

/// How long a busy database is waited for.
const BUSY: Duration = Duration::from_secs(30);
/// So many lost answers are followed up.
const MOST_FOLLOWED: usize = 10_000;
/// With more deliveries sent late than this, in percent, the generator could not keep up.
const LATE_PERCENT: f64 = 5.0;

/// What to load, with what, how long.
pub struct Plan {
    /// The promise.
    pub contract: Arc<Contract>,
    /// The requirements.
    pub catalogue: Arc<Catalogue>,
    /// The receiver.
    pub target: Target,
    /// Its database, when it can be read.
    pub database: Option<PathBuf>,
    /// The shared secret.
    pub secret: SecretString,
    /// The body, with `{unique}` in it.
    pub body: String,
    /// Which kinds.
    pub mix: Mix,
    /// How many users, each with a connection.
    pub users: usize,
    /// How many users are started a second.
    pub hatch_rate: f64,
    /// When deliveries are made.
    pub pace: Pace,
    /// How long.
    pub run_time: Duration,
    /// How many at the most.
    pub most: u64,
    /// So long nothing is measured.
    pub warm_up: Duration,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// What must be kept to.
    pub gates: Vec<Gate>,
    /// Whether the history is judged.
    pub verify: bool,
    /// The target's own TTL in seconds, when it is not the contract's.
    pub ttl: Option<u64>,
    /// The seed of what is random.
    pub seed: u64,
}

/// Why there is no load.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The secret cannot be used.
    #[error(transparent)]
    Secret(#[from] BadSecret),
    /// The contract's deliveries cannot be made at speed.
    #[error("{0}")]
    Contract(&'static str),
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
    /// The database cannot be read.
    #[error(transparent)]
    Database(#[from] ProbeError),
    /// The load could not be started.
    #[error("{0}")]
    Crowd(String),
}

/// Called every second with what was measured so far.
pub type OnSecond = Arc<dyn Fn(&Measurement, Duration) + Send + Sync>;

/// Loads a receiver, and judges it.
///
/// # Errors
/// [`LoadError`]; a target that dies under the load is no error, it is reported.
pub async fn run(plan: Plan, on_second: OnSecond, mut interrupted: watch::Receiver<bool>) -> Result<LoadReport, LoadError> {
    let signer = plan.contract.signature.keyed(plan.secret.expose_secret().as_bytes())?;
    see_that_it_lives(&plan).await?;
    if let Some(database) = &plan.database {
        look(database, &plan.contract, |probe| probe.rows_by_key("no key begins so").map(drop)).await?;
    }
    let maker = Maker::new(&plan.contract, signer, &plan.target, &plan.body).map_err(LoadError::Contract)?;
    let began_at = SystemClock.now();
    let names = plan.mix.names();
    let measurement = Measurement::new(&names).map_err(|cause| LoadError::Crowd(cause.to_string()))?;
    let shared = Arc::new(Shared {
        contract: Arc::clone(&plan.contract),
        target: plan.target.clone(),
        maker,
        mix: plan.mix.clone(),
        pace: plan.pace,
        timeout: plan.timeout,
        run_word: format!("hg{:x}", began_at.0),
        seed: plan.seed,
        warm_up: plan.warm_up,
        ends: plan.warm_up + plan.run_time,
        most: plan.most,
        began: Moment::now(),
        began_at,
        stop: AtomicBool::new(false),
        under_way: (0..plan.users).map(|_| AtomicU32::new(0)).collect(),
        next_key: AtomicU32::new(1),
        next_user: AtomicU32::new(0),
        sent: AtomicU64::new(0),
        late: AtomicU64::new(0),
        measured: Mutex::new(measurement),
        histories: Mutex::default(),
    });
    let crowd = tokio::spawn(crowd::run(Arc::clone(&shared), plan.users, plan.hatch_rate));
    let was_interrupted = watch_over(crowd, &shared, &on_second, &mut interrupted).await?;
    let seconds = shared.began.elapsed().min(shared.ends).saturating_sub(plan.warm_up).as_secs_f64();
    let mut history: Vec<Operation> = std::mem::take(&mut *lock(&shared.histories)).concat();
    let followed = follow_up(&shared, &history).await;
    history.extend(followed);
    let found = if plan.verify { Some(judged(&plan, &shared, &mut history).await?) } else { None };
    let measurement = lock(&shared.measured).clone();
    let late = shared.late.load(Ordering::Relaxed);
    Ok(reported(&plan, &measurement, found, Facts { began_at, seconds, late, was_interrupted, operations: history.len() as u64 }))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn see_that_it_lives(plan: &Plan) -> Result<(), LoadError> {
    let path = plan.contract.health.path.clone();
    let question = Delivery { method: "GET".to_owned(), path: path.clone(), ..Delivery::default() };
    let answer = Sender::new(plan.target.clone(), plan.timeout).send(Shipment::plain(question)).await.result;
    let unreachable = |cause: String| LoadError::Unreachable { url: plan.target.to_string(), path, cause };
    match answer {
        Ok(answer) if answer.status == plan.contract.health.status => Ok(()),
        Ok(answer) => Err(unreachable(format!("it answers {}", answer.status))),
        Err(none) => Err(unreachable(none.to_string())),
    }
}

/// Waits for the crowd's end; tells what is measured every second, and stops it when the user wants that.
async fn watch_over(
    mut crowd: tokio::task::JoinHandle<Result<(), String>>,
    shared: &Arc<Shared>,
    on_second: &OnSecond,
    interrupted: &mut watch::Receiver<bool>,
) -> Result<bool, LoadError> {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let mut was_interrupted = false;
    loop {
        tokio::select! {
            ended = &mut crowd => {
                let ended = ended.map_err(|failed| LoadError::Crowd(failed.to_string()))?;
                return ended.map(|()| was_interrupted).map_err(LoadError::Crowd);
            }
            changed = interrupted.wait_for(|stop| *stop), if !was_interrupted => {
                was_interrupted = changed.is_ok();
                shared.stop.store(was_interrupted, Ordering::Relaxed);
            }
            _ = second.tick() => on_second(&lock(&shared.measured), shared.began.elapsed()),
        }
    }
}

/// Sends again what got no answer: whatever is said now tells what became of it.
async fn follow_up(shared: &Shared, history: &[Operation]) -> Vec<Operation> {
    let mut line = Line::new(&shared.target, shared.timeout);
    let mut followed = Vec::new();
    for one in history.iter().filter(|one| one.outcome == Outcome::Unknown).take(MOST_FOLLOWED) {
        let key = shared.key(one.key);
        let now = || shared.began_at.plus(shared.began.elapsed());
        let invoked = now();
        let delivery = shared.maker.make(Some(&key), shared.maker.body(&key), None, invoked);
        let answer = line.send(delivery).await;
        let gone = answer.is_err();
        let outcome = match answer {
            Ok(answer) if shared.contract.outcomes.accepted.allows_status(answer.status) => {
                let refers = crate::check::answer::referred_instant(&shared.contract, &answer);
                if refers.is_some() { Outcome::Duplicate } else { Outcome::Unknown }
            }
            Ok(_) | Err(_) => Outcome::Unknown,
        };
        if outcome == Outcome::Duplicate {
            followed.push(Operation { key: one.key, outcome, invoked: invoked.0, returned: now().0, refers_to: NEVER });
        }
        if gone {
            break;
        }
    }
    followed
}

/// Reads the rows of every key, and judges.
async fn judged(plan: &Plan, shared: &Shared, history: &mut [Operation]) -> Result<Found, LoadError> {
    let life = plan.contract.ttl_secs().map(|usual| plan.ttl.unwrap_or(usual));
    let law = Law { life: life.map(|secs| i64::try_from(secs).unwrap_or(i64::MAX).saturating_mul(1_000_000)) };
    let key = |number: u32| shared.key(number);
    let Some(database) = plan.database.clone() else { return Ok(judge_all(history, None, law, &plan.catalogue, &key)) };
    let prefix = format!("{}-", shared.run_word);
    let last = shared.next_key.load(Ordering::Relaxed);
    let wanted = prefix.clone();
    let (keys, audit) = look(&database, &plan.contract, move |probe| probe.rows_by_key(&wanted)).await?.unwrap_or_default();
    let mut evidence: Vec<Evidence> = (0..last).map(|key| Evidence { key, audit_rows: 0, key_rows: 0 }).collect();
    let number = |text: &str| text.strip_prefix(&prefix).and_then(|digits| digits.parse::<usize>().ok());
    for (text, count) in keys {
        if let Some(row) = number(&text).and_then(|at| evidence.get_mut(at)) {
            row.key_rows = count;
        }
    }
    for (text, count) in audit {
        if let Some(row) = number(&text).and_then(|at| evidence.get_mut(at)) {
            row.audit_rows = count;
        }
    }
    Ok(judge_all(history, Some(&mut evidence), law, &plan.catalogue, &key))
}

async fn look<T: Send + 'static>(
    database: &std::path::Path,
    contract: &Contract,
    read: impl FnOnce(&Probe) -> Result<T, ProbeError> + Send + 'static,
) -> Result<Option<T>, LoadError> {
    let Some(tables) = contract.state.clone() else { return Ok(None) };
    let database = database.to_owned();
    let task = tokio::task::spawn_blocking(move || Probe::open(&database, &tables, BUSY).and_then(|probe| read(&probe)));
    match task.await {
        Ok(found) => Ok(Some(found?)),
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

struct Facts {
    began_at: UnixMicros,
    seconds: f64,
    late: u64,
    was_interrupted: bool,
    operations: u64,
}

fn reported(plan: &Plan, measurement: &Measurement, found: Option<Found>, facts: Facts) -> LoadReport {
    let mut all = Measured::default();
    let mut kinds = BTreeMap::new();
    let mut by_kind = BTreeMap::new();
    for kind in &measurement.kinds {
        let measured = kind.measured(facts.seconds);
        all.sent += measured.sent;
        all.errors += measured.errors;
        by_kind.insert(kind.name.clone(), measured);
        let statuses = kind.statuses.iter().map(|(status, count)| (status.to_string(), *count)).collect();
        let report = KindReport {
            sent: kind.sent,
            expected: kind.expected,
            unexpected: kind.sent - kind.expected,
            statuses,
            latency_us: measured.latency.map(Latency::of),
        };
        kinds.insert(kind.name.clone(), report);
    }
    let latency = measurement.latency();
    all.latency = latency.as_ref().and_then(quantiles);
    all.rate = if facts.seconds > 0.0 { all.sent as f64 / facts.seconds } else { 0.0 };
    let found = found.unwrap_or_default();
    all.violations = found.requirements.iter().map(|one| one.violations).sum();
    let gates: Vec<gate::GateResult> = plan.gates.iter().map(|gate| gate.judge(&all, &by_kind)).collect();
    let late_percent = if all.sent == 0 { 0.0 } else { facts.late as f64 * 100.0 / all.sent as f64 };
    let kept_up = late_percent <= LATE_PERCENT;
    let mut notes = Vec::new();
    if !kept_up {
        notes.push(format!("The generator itself could not keep up: {late_percent:.1}% of the deliveries were sent late. Latencies count from when they were due."));
    }
    if plan.verify && plan.database.is_none() {
        notes.push("No database was given: whether the work was done once was judged by answers alone (--db).".to_owned());
    }
    let broken = found.requirements.iter().any(|one| one.verdict == Verdict::Fail)
        || gates.iter().any(|gate| !gate.ok)
        || kinds.values().any(|kind| kind.statuses.values().sum::<u64>() > 0);
    let verdict = match (broken, facts.was_interrupted, all.sent, found.undecided) {
        (true, _, _, _) => Overall::DoesNotConform,
        (false, true, _, _) => Overall::Interrupted,
        (false, false, 0, _) | (false, false, _, 1..) => Overall::Undecided,
        (false, false, _, 0) => Overall::Conforms,
    };
    LoadReport {
        schema: SCHEMA.to_owned(),
        tool: Tool { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        target: plan.target.to_string(),
        contract: plan.contract.contract.clone(),
        model: if plan.pace == Pace::Closed { "closed" } else { "open" }.to_owned(),
        started_at: iso::write(facts.began_at),
        users: plan.users,
        seed: plan.seed,
        deliveries: all.sent,
        operations: facts.operations,
        seconds: facts.seconds,
        rate_per_s: all.rate,
        kinds,
        latency_us: all.latency.map(Latency::of),
        errors: measurement.errors.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
        series: measurement.series.iter().map(report::Second::of).collect(),
        requirements: found.requirements,
        violations: found.violations,
        gates,
        kept_up,
        notes,
        verdict,
    }
}
