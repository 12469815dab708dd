//! Running: a load that a master has called for, in a thread of its own, and who keeps what it comes to.
//!
//! A plan and the worker's number go in; the end comes through a channel.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::board::Board;
use crate::files::FileError;
use crate::load::part::{Note, Part, Steering};
use crate::load::worker::{Keeper, OnLot, Which, looked_on};
use crate::load::{LoadError, Loaded, OnSecond, Plan, run};

/// A master that says `quit` is there for half a second more (`MasterRunner.quit`), whatever we have to say.
const LAST_WORDS: Duration = Duration::from_millis(350);
/// One that says `stop` waits for a minute: nothing is to be left behind.
const LAST_WORDS_OF_A_STOP: Duration = Duration::from_secs(2);

/// Keeps what the loads of a worker come to.
pub trait Store {
    /// A load begins: who writes down what it learns.
    ///
    /// * `load`: which of the worker's loads it is, from 1.
    ///
    /// # Errors
    /// [`FileError`] when nothing can be kept.
    fn begin(&mut self, which: &Which, load: u32, on_lot: OnLot) -> Result<Keeper, FileError>;

    /// A load has ended.
    ///
    /// * `users`: how many there were at the most.
    fn end(&mut self, which: &Which, keeper: Keeper, users: usize, ended: Result<Loaded, LoadError>);

    /// Something that whoever looks at this worker should know.
    fn tell(&mut self, sentence: &str);
}

/// How a load is ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It is not.
    Not,
    /// The master said `stop`: we are ready for another afterwards.
    Stop,
    /// The master said `quit`, or is gone: we end with it.
    Quit,
}

/// A load that runs.
pub(super) struct Running {
    pub(super) which: Which,
    pub(super) steering: Arc<Steering>,
    pub(super) keeper: Keeper,
    pub(super) board: Arc<Mutex<Board>>,
    done: oneshot::Receiver<Result<Loaded, LoadError>>,
    pub(super) ending: Ending,
    /// Whether what users learned last was told.
    pub(super) last_is_told: bool,
    /// How many users there were at the most.
    pub(super) users: usize,
}

impl Running {
    /// Begins a load, with nobody called for yet.
    ///
    /// * `load`: which of the worker's loads it is.
    ///
    /// # Errors
    /// [`FileError`] when nothing can be kept, or there is no thread.
    pub(super) fn begin(
        plan: &Plan,
        (which, load): (Which, u32),
        store: &mut dyn Store,
        on_second: OnSecond,
        interrupted: watch::Receiver<bool>,
    ) -> Result<Self, FileError> {
        let board = Arc::new(Mutex::new(Board::new(plan, &which)));
        let of_lots = Arc::clone(&board);
        let keeper = store.begin(&which, load, Box::new(move |lot| locked(&of_lots).take(lot)))?;
        let steering = Arc::new(Steering::default());
        let notes = keeper.notes();
        let part =
            Part { word: Some(which.keys.clone()), notes: Some(notes.clone()), steering: Some(Arc::clone(&steering)), together: None };
        let plan = Plan { part, ..plan.clone() };
        let (tell, done) = oneshot::channel();
        let handle = tokio::runtime::Handle::current();
        let so_far = looked_on(on_second, notes);
        // Whoever waited may have gone: then there is nobody to tell.
        let body = move || drop(tell.send(handle.block_on(run(&plan, so_far, interrupted))));
        let thread = std::thread::Builder::new().name("load".to_owned()).spawn(body);
        thread.map_err(|cause| FileError { what: "start the thread of", path: PathBuf::from("a load"), cause })?;
        Ok(Self { which, steering, keeper, board, done, ending: Ending::Not, last_is_told: false, users: 0 })
    }

    /// Whether it ends, and what its users learned last is not told.
    pub(super) fn is_to_tell_its_last(&self) -> bool {
        self.ending != Ending::Not && !self.last_is_told
    }

    /// Waits until the board has all that users have handed over: nothing more will come of it.
    pub(super) async fn tell_all(&mut self) {
        self.last_is_told = true;
        let patience = if self.ending == Ending::Quit { LAST_WORDS } else { LAST_WORDS_OF_A_STOP };
        let (tell, told) = oneshot::channel();
        if self.keeper.notes().send(Note::Told(tell)).is_ok() {
            drop(tokio::time::timeout(patience, told).await);
        }
    }

    /// Ends it; who was told to stop may be told to quit meanwhile, and not the other way round.
    pub(super) fn end(&mut self, ending: Ending) {
        self.steering.end();
        if self.ending != Ending::Quit {
            self.ending = ending;
        }
    }
}

/// Ticks that do not hurry after a pause.
pub(super) fn every(span: Duration) -> Interval {
    let mut ticks = interval(span);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// The end of the load that runs; never, when none does.
pub(super) async fn done(running: &mut Option<Running>) -> Result<Loaded, LoadError> {
    match running {
        Some(running) => {
            let gone = || LoadError::Engine("the thread of the load has ended without a word".to_owned());
            (&mut running.done).await.unwrap_or_else(|_| Err(gone()))
        }
        None => std::future::pending().await,
    }
}

pub(super) fn locked(board: &Arc<Mutex<Board>>) -> MutexGuard<'_, Board> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}
