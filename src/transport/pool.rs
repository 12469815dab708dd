//! Pool: connections that ordinary deliveries share.
//!
//! In: connections that were answered over. Out: one that is quiet, when there
//! is one. A receiver may close a connection between two answers, and need not
//! say so; one that speaks while nobody asked is remarked on, and used no more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::codec::decode::Surplus;
use super::connection::Connection;
use super::manners::{Kind, Manners, REST, kind_of};
use super::stream::Idle;
use crate::clock::Moment;
use crate::delivery::{Answer, Delivery};

/// Shorter than the keep-alive of common servers (2 s and more), so that the
/// pool seldom writes to a connection that is being closed.
const POOL_IDLE: Duration = Duration::from_secs(1);
/// So often somebody looks after connections that nobody takes: a receiver may serve one at a time, and wait for its end.
const LOOKED_AFTER_EVERY: Duration = Duration::from_millis(50);
/// So many connections rest at a time; the oldest make room.
const MOST_IDLE: usize = 64;

/// A connection between two answers.
#[derive(Debug)]
pub(super) struct Resting {
    connection: Connection,
    since: Moment,
    /// How long it is only listened to.
    rest: Duration,
    /// Whether another request may go over it at all.
    is_reusable: bool,
    /// What was answered over it last, and how.
    last: Delivery,
    kind: Kind,
}

impl Resting {
    /// A connection whose answer has come; nothing where it is of no more use.
    pub(super) fn after(manners: &Manners, connection: Connection, answer: &Answer, last: &Delivery, keep: bool) -> Option<Self> {
        let kind = kind_of(answer);
        let rests = manners.rests(kind);
        let is_reusable = keep && !manners.are_bad();
        let rest = if rests { REST } else { Duration::ZERO };
        (rests || is_reusable).then(|| Self { connection, since: Moment::now(), rest, is_reusable, last: last.clone(), kind })
    }

    /// How long it still rests.
    pub(super) fn left(&self) -> Duration {
        self.rest.saturating_sub(self.since.elapsed())
    }

    /// The connection and what was answered over it, when it is quiet and may be used again; what it said unasked is remarked on.
    pub(super) fn wake(mut self, manners: &Manners) -> Option<(Connection, Delivery)> {
        let idle = self.connection.idle();
        if idle == Idle::Closed || (idle == Idle::Quiet && self.since.elapsed() >= REST) {
            manners.was_quiet(self.kind);
        }
        match idle {
            Idle::Quiet if self.is_reusable => Some((self.connection, self.last)),
            Idle::Quiet | Idle::Closed => None,
            Idle::Spoke(bytes) => {
                if let Some(surplus) = Surplus::of(&bytes) {
                    manners.remark(&self.last, surplus);
                }
                None
            }
        }
    }
}

/// Connections to one receiver.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) manners: Arc<Manners>,
    idle: Mutex<Vec<Resting>>,
    is_looked_after: AtomicBool,
}

impl Pool {
    /// A pool without a connection yet.
    pub(super) fn new(manners: Arc<Manners>) -> Self {
        Self { manners, idle: Mutex::default(), is_looked_after: AtomicBool::new(false) }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Resting>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that stands and is quiet, the one that was used last, and what was answered over it.
    pub(super) fn take(&self) -> Option<(Connection, Delivery)> {
        let mut idle = self.idle();
        while let Some(at) = idle.iter().rposition(|one| one.is_reusable && one.left().is_zero()) {
            let one = idle.remove(at);
            let is_old = one.since.elapsed() > POOL_IDLE;
            if let Some(quiet) = one.wake(&self.manners).filter(|_| !is_old) {
                return Some(quiet);
            }
        }
        None
    }

    /// Takes a connection back whose answer has come.
    pub(super) fn put(self: &Arc<Self>, connection: Connection, answer: &Answer, last: &Delivery, keep: bool) {
        let Some(resting) = Resting::after(&self.manners, connection, answer, last, keep) else { return };
        let mut idle = self.idle();
        if idle.len() >= MOST_IDLE {
            idle.remove(0).wake(&self.manners);
        }
        idle.push(resting);
        drop(idle);
        if !self.is_looked_after.swap(true, Ordering::SeqCst) {
            tokio::spawn(look_after(Arc::downgrade(self)));
        }
    }

    /// Ends those that have rested and are of no more use; what they have to say is heard.
    fn end_what_is_over(&self, idle: &mut Vec<Resting>) {
        let is_over = |one: &mut Resting| one.left().is_zero() && (!one.is_reusable || one.since.elapsed() > POOL_IDLE);
        for over in idle.extract_if(.., is_over) {
            over.wake(&self.manners);
        }
    }

    /// Waits until every connection has rested, and closes all.
    pub(super) async fn close(&self) {
        let all = std::mem::take(&mut *self.idle());
        let longest = all.iter().map(Resting::left).max().unwrap_or_default();
        if !longest.is_zero() {
            tokio::time::sleep(longest).await;
        }
        for one in all {
            one.wake(&self.manners);
        }
    }
}

/// Ends what nobody takes, as long as there is anything.
async fn look_after(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(LOOKED_AFTER_EVERY).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.idle();
        pool.end_what_is_over(&mut idle);
        if idle.is_empty() {
            // Told under the lock: whoever comes next begins anew.
            pool.is_looked_after.store(false, Ordering::SeqCst);
            return;
        }
    }
}
