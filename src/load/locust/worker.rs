//! The worker: what it is told by Locust's master, what it tells, and the loads that it runs meanwhile.
//!
//! A plan goes in, and a [`Store`] that keeps what loads come to. The first users
//! that are called for begin a load; more or fewer of them steer it; `stop` ends
//! it, and another may follow; `quit` ends the worker. A load runs in a thread of
//! its own, so that the master hears of us also while it is judged.
//! When the master is lost the load goes on, and is told about when the master is there again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rmpv::Value;
use tokio::sync::watch;

use super::board::Board;
use super::effort::Effort;
use super::link::Link;
use super::message::{Order, Spawn, counts, map, order, within, written};
use super::running::{Ending, Running, Store, done, every, locked};
use super::stats::Stats;
use crate::clock::{Clock as _, Moment, SystemClock};
use crate::files::FileError;
use crate::load::part::{run_word, word_of};
use crate::load::worker::Which;
use crate::load::{LoadError, Loaded, OnSecond, Plan};

/// Locust's own `HEARTBEAT_INTERVAL`.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Locust's own `WORKER_REPORT_INTERVAL`.
const REPORT: Duration = Duration::from_secs(3);
/// Locust's own `CONNECT_TIMEOUT`: so long until we say again that we are ready.
const READY_AGAIN: Duration = Duration::from_secs(5);
/// A master that answers nothing for so long does not know us any more: Locust takes a worker for lost after three heartbeats.
const UNKNOWN_AFTER: Duration = Duration::from_secs(10);
/// Locust's own `MASTER_HEARTBEAT_TIMEOUT`: a master that is away for so long does not come back.
const LOST_AFTER: Duration = Duration::from_secs(60);
/// Locust's own `CONNECT_RETRY_COUNT` times `CONNECT_TIMEOUT`: so long a master may take to come up.
const COMES_UP_WITHIN: Duration = Duration::from_secs(300);
/// How often is looked whether the users have come to their end.
const LOOK: Duration = Duration::from_millis(20);
/// What a master takes for the version of a worker that is not Locust's own.
const ANY_VERSION: i64 = -1;

/// What a worker is asked to be.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `host:port` of the master.
    pub master: String,
    /// Our name, unlike any other worker's.
    pub name: String,
    /// The word of our keys, when the master has none.
    pub run_word: String,
    /// The locustfile may not say another.
    pub word_is_given: bool,
}

/// Why a worker has ended before its master ended it.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The master was never there, or did not come back.
    #[error("Locust's master at {0} {1}")]
    Master(String, String),
    /// What a load learns cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A worker, as long as it works.
struct Worker<'w> {
    asked: &'w Asked,
    plan: &'w Plan,
    on_second: OnSecond,
    interrupted: watch::Receiver<bool>,
    link: Link,
    /// Our name at this moment, and how many we had.
    name: String,
    names: u32,
    is_known: bool,
    index: u32,
    loads: u32,
    running: Option<Running>,
    next: Option<Spawn>,
    classes: BTreeMap<String, u64>,
    last_spawn: f64,
    state: &'static str,
    /// When the master was heard last, or first looked for.
    heard: Moment,
    was_known: bool,
    asked_at: Option<Moment>,
    effort: Effort,
}

/// Works for a master until it ends us, or is gone.
///
/// # Errors
/// [`WorkerError`]; what loads come to is the store's.
pub async fn work(
    asked: &Asked,
    plan: &Plan,
    store: &mut dyn Store,
    on_second: OnSecond,
    interrupted: watch::Receiver<bool>,
) -> Result<(), WorkerError> {
    let mut worker = Worker {
        asked,
        plan,
        on_second,
        interrupted: interrupted.clone(),
        link: Link::new(&asked.master, &asked.name),
        name: asked.name.clone(),
        names: 1,
        is_known: false,
        index: 0,
        loads: 0,
        running: None,
        next: None,
        classes: BTreeMap::new(),
        last_spawn: 0.0,
        state: "ready",
        heard: Moment::now(),
        was_known: false,
        asked_at: None,
        effort: Effort::default(),
    };
    let result = worker.go(store, interrupted).await;
    worker.link.linger().await;
    result
}

impl Worker<'_> {
    async fn go(&mut self, store: &mut dyn Store, mut interrupted: watch::Receiver<bool>) -> Result<(), WorkerError> {
        let (mut heartbeat, mut report, mut look) = (every(HEARTBEAT), every(REPORT), every(LOOK));
        let mut lost: Option<WorkerError> = None;
        let mut is_over = false;
        loop {
            if self.running.is_none() && (is_over || lost.is_some()) {
                return lost.map_or(Ok(()), Err);
            }
            tokio::select! {
                bytes = self.link.next() => if let Some(order) = bytes.as_deref().and_then(order) {
                    is_over |= self.obey(order, store).await?;
                },
                _ = heartbeat.tick() => {
                    if let Some(why) = self.beat(store).await {
                        let ending = WorkerError::Master(self.asked.master.clone(), why);
                        self.end(Ending::Quit);
                        lost.get_or_insert(ending);
                    }
                }
                _ = report.tick() => self.report().await,
                _ = look.tick(), if self.is_ending() => self.tell_the_last().await,
                ended = done(&mut self.running) => is_over |= self.finish(ended, store).await?,
                () = stopped(&mut interrupted), if !is_over => {
                    is_over = true;
                    // A load that runs hears of it, too, and says so when it has ended.
                    if self.running.is_none() {
                        self.send("quit", Value::Nil).await;
                    }
                }
            }
        }
    }

    async fn send(&mut self, kind: &str, data: Value) -> bool {
        self.link.send(written(kind, data, &self.name)).await
    }

    /// Does what the master says; true when there is nothing more to do for it.
    async fn obey(&mut self, order: Order, store: &mut dyn Store) -> Result<bool, WorkerError> {
        self.heard = Moment::now();
        match order {
            Order::Ack(index) => {
                if !self.is_known {
                    self.index = index.unwrap_or(0);
                    store.tell(&format!("worker {} of Locust's master at {}", self.index, self.asked.master));
                    // A master that did not know us has no load of ours: what runs was another's.
                    if self.was_known && self.running.as_ref().is_some_and(|one| one.ending == Ending::Not) {
                        store.tell("the master has begun anew: the load that it knew nothing of ends here");
                        self.end(Ending::Stop);
                    }
                }
                (self.is_known, self.was_known) = (true, true);
            }
            Order::Spawn(spawn) => {
                self.send("spawning", Value::Nil).await;
                if spawn.timestamp > self.last_spawn {
                    self.last_spawn = spawn.timestamp;
                    match &self.running {
                        Some(running) if running.ending != Ending::Not => self.next = Some(spawn),
                        Some(_) | None => self.call(spawn, store).await?,
                    }
                }
            }
            Order::Stop => {
                self.next = None;
                if self.running.is_some() {
                    self.end(Ending::Stop);
                } else {
                    self.be_ready().await;
                }
            }
            Order::Quit => {
                self.next = None;
                self.end(Ending::Quit);
                // What is known is told at once: the master does not wait for what is still to come.
                self.report().await;
                return Ok(true);
            }
            Order::Reconnect => self.link.close(),
            Order::Heartbeat | Order::Other(_) => {}
        }
        Ok(false)
    }

    /// Calls for users: the first ones begin a load.
    async fn call(&mut self, spawn: Spawn, store: &mut dyn Store) -> Result<(), WorkerError> {
        let most = self.plan.users;
        let wanted = usize::try_from(spawn.users()).unwrap_or(usize::MAX);
        if wanted > most {
            let told = format!("{wanted} users were asked of this worker, and it has {most} at the most: start it with --users {wanted}");
            store.tell(&told);
            self.send("exception", map([("msg", told.into()), ("traceback", "".into())])).await;
        }
        self.state = "spawning";
        self.classes = within(spawn.classes, most as u64);
        let users = wanted.min(most);
        if self.running.is_none() && users > 0 {
            self.begin(spawn.run_word.as_deref(), store)?;
        }
        if let Some(running) = &mut self.running {
            running.steering.call(users);
            running.users = running.users.max(users);
        }
        let told = map([("user_classes_count", counts(&self.classes)), ("user_count", (users as u64).into())]);
        self.send("spawning_complete", told).await;
        self.state = "running";
        Ok(())
    }

    fn begin(&mut self, word: Option<&str>, store: &mut dyn Store) -> Result<(), WorkerError> {
        self.loads += 1;
        let of_master = word.filter(|_| !self.asked.word_is_given).and_then(|word| run_word(word).ok());
        let word = of_master.unwrap_or_else(|| self.asked.run_word.clone());
        let which = Which {
            keys: word_of(&word, self.index, self.loads),
            run_word: word,
            number: self.index,
            of: None,
            master: Some(self.asked.master.clone()),
        };
        let (on_second, interrupted) = (Arc::clone(&self.on_second), self.interrupted.clone());
        self.running = Some(Running::begin(self.plan, (which, self.loads), store, on_second, interrupted)?);
        Ok(())
    }

    /// Ends the load that runs, if one does.
    fn end(&mut self, ending: Ending) {
        match &mut self.running {
            // Until their last answers are told, they are users: a master that stops waits until there is none.
            Some(running) => running.end(ending),
            None => self.have_nobody(),
        }
    }

    fn have_nobody(&mut self) {
        self.classes.values_mut().for_each(|count| *count = 0);
    }

    fn is_ending(&self) -> bool {
        self.running.as_ref().is_some_and(Running::is_to_tell_its_last)
    }

    /// Tells what users learned last, when they have come to their end. A master that ends does not wait for slow answers: it is told
    /// of each as it comes.
    async fn tell_the_last(&mut self) {
        let Some(running) = &mut self.running else { return };
        if running.steering.has_ended() {
            running.tell_all().await;
            self.have_nobody();
            self.report().await;
        } else if running.ending == Ending::Quit && !locked(&running.board).stats.is_empty() {
            self.report().await;
        }
    }

    /// A load has come to its end: its verdict is told, and kept; true when it was the last.
    async fn finish(&mut self, ended: Result<Loaded, LoadError>, store: &mut dyn Store) -> Result<bool, WorkerError> {
        let Some(mut running) = self.running.take() else { return Ok(false) };
        self.have_nobody();
        if !running.last_is_told {
            running.tell_all().await;
        }
        if let Ok(loaded) = &ended {
            locked(&running.board).settle(loaded);
        }
        if let Err(failed) = &ended {
            self.send("exception", map([("msg", failed.to_string().into()), ("traceback", "".into())])).await;
        }
        let data = self.numbers(Some(&running.board));
        self.send("stats", data).await;
        store.end(&running.which, running.keeper, running.users, ended);
        match running.ending {
            Ending::Stop => {
                self.be_ready().await;
                if let Some(spawn) = self.next.take() {
                    self.call(spawn, store).await?;
                }
                Ok(false)
            }
            Ending::Quit => Ok(true),
            // It ended by itself: interrupted, aborted, or its receiver is gone.
            Ending::Not => {
                self.send("quit", Value::Nil).await;
                Ok(true)
            }
        }
    }

    async fn be_ready(&mut self) {
        self.send("client_stopped", Value::Nil).await;
        self.state = "ready";
        self.send("client_ready", ANY_VERSION.into()).await;
    }

    /// Every second: connects where there is no connection, says that we live; and why the master is lost, when it is.
    async fn beat(&mut self, store: &mut dyn Store) -> Option<String> {
        let silent = self.heard.elapsed();
        if self.is_known && silent > UNKNOWN_AFTER {
            self.be_another();
        }
        let patience = if self.was_known { LOST_AFTER } else { COMES_UP_WITHIN };
        if silent > patience {
            let secs = patience.as_secs();
            return Some(if self.was_known {
                format!("was silent for {secs} s: it is lost")
            } else {
                format!("did not come up within {secs} s")
            });
        }
        if !self.link.is_open() {
            let was_open = self.asked_at.is_some();
            self.asked_at = None;
            if let Err(cause) = self.link.open().await {
                if was_open || !self.was_known && silent < HEARTBEAT {
                    store.tell(&format!("no connection to Locust's master at {} ({cause}): trying again", self.asked.master));
                }
                return None;
            }
        }
        if !self.is_known && self.asked_at.is_none_or(|at| at.elapsed() >= READY_AGAIN) {
            self.asked_at = Some(Moment::now());
            self.send("client_ready", ANY_VERSION.into()).await;
        }
        if self.is_known {
            let (cpu, memory) = self.effort.look();
            let told = map([("state", self.state.into()), ("current_cpu_usage", cpu.into()), ("current_memory_usage", memory.into())]);
            self.send("heartbeat", told).await;
        }
        None
    }

    /// Comes to the master as one whom it has not seen: it may still hold a connection of the name that we had, and takes no second.
    fn be_another(&mut self) {
        self.names += 1;
        self.name = format!("{}_{}", self.asked.name, self.names);
        self.link = Link::new(&self.asked.master, &self.name);
        (self.is_known, self.asked_at) = (false, None);
    }

    async fn report(&mut self) {
        if !self.is_known || !self.link.is_open() {
            // It is told when somebody is there to hear it.
            return;
        }
        let data = self.numbers(self.running.as_ref().map(|running| &running.board));
        self.send("stats", data).await;
    }

    /// The data of a message `stats`.
    fn numbers(&self, board: Option<&Arc<Mutex<Board>>>) -> Value {
        let now = SystemClock.now();
        let taken = match board {
            Some(board) => locked(board).stats.take(now),
            None => Stats::new("", Vec::new(), now).take(now),
        };
        let [stats, total, errors] = taken;
        let users: u64 = self.classes.values().sum();
        map([stats, total, errors, ("user_classes_count", counts(&self.classes)), ("user_count", users.into())])
    }
}

/// Comes when somebody wants this process to end.
async fn stopped(interrupted: &mut watch::Receiver<bool>) {
    if interrupted.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}
