//! Places: how many event streams are open at a receiver, and how many that were left may still count there.
//!
//! In: how many a contract lets in (`stream.at_once`), how many a scenario will have open at the most, and each stream that is opened
//! and left. Out: leave to begin, so that nobody holds a receiver to more streams than it promises; and whether a client that is
//! turned away may be so for the sake of others: a receiver that notices only when it writes the next time that a client has gone
//! keeps its place until then.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::Moment;
use crate::contract::stream::EventStream;
use crate::judge::check::stream::patience_with;

/// So long a place is waited for beyond a heartbeat.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The places of a receiver for clients of its streams.
#[derive(Debug)]
pub struct Places {
    at_once: usize,
    /// So long the place of a client that has gone may be taken.
    lingers: Duration,
    leave: Arc<Semaphore>,
    crowd: Arc<Mutex<Crowd>>,
}

#[derive(Debug, Default)]
struct Crowd {
    open: usize,
    /// When others have gone, the first of them in front.
    gone: VecDeque<Moment>,
    /// Somebody has waited for a place as long as may be, and there was none.
    is_hopeless: bool,
}

/// A stream that is opened, or open; left when it is dropped.
#[derive(Debug)]
pub struct Seat {
    crowd: Arc<Mutex<Crowd>>,
    was_let_in: bool,
}

impl Places {
    /// The places that a contract promises.
    #[must_use]
    pub fn of(form: Option<&EventStream>) -> Self {
        let at_once = form.map_or(0, |form| form.at_once);
        let lingers = form.and_then(|form| form.heartbeat).map_or(PATIENCE, |beat| patience_with(beat.0).saturating_add(PATIENCE));
        Self { at_once, lingers, leave: Arc::new(Semaphore::new(permits(at_once))), crowd: Arc::default() }
    }

    /// How long the place of a client that has gone may be taken.
    #[must_use]
    pub fn lingers(&self) -> Duration {
        self.lingers
    }

    /// Leave to have so many streams open at once, until it is dropped; nothing where there are none.
    pub async fn leave_for(&self, streams: usize) -> Option<OwnedSemaphorePermit> {
        let wanted = u32::try_from(permits(streams.min(self.at_once))).ok().filter(|wanted| *wanted > 0)?;
        Arc::clone(&self.leave).acquire_many_owned(wanted).await.ok()
    }

    /// A stream is about to be opened.
    #[must_use]
    pub fn enter(&self) -> Seat {
        lock(&self.crowd).open += 1;
        Seat { crowd: Arc::clone(&self.crowd), was_let_in: true }
    }

    /// Whether all places may be taken, by those that are open, the one that is being opened, and those that were left a moment ago.
    #[must_use]
    pub fn may_be_taken(&self) -> bool {
        let mut crowd = lock(&self.crowd);
        while crowd.gone.front().is_some_and(|gone| gone.elapsed() > self.lingers) {
            crowd.gone.pop_front();
        }
        !crowd.is_hopeless && crowd.open + crowd.gone.len() > self.at_once
    }

    /// A place was waited for until nobody's place could be taken any more, and there was none: nobody else need wait so long.
    pub fn despair(&self) {
        lock(&self.crowd).is_hopeless = true;
    }
}

impl Seat {
    /// It was turned away: it takes nobody's place.
    pub fn turned_away(&mut self) {
        self.was_let_in = false;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut crowd = lock(&self.crowd);
        crowd.open = crowd.open.saturating_sub(1);
        if self.was_let_in {
            crowd.gone.push_back(Moment::now());
        }
    }
}

/// As many as can be counted.
fn permits(streams: usize) -> usize {
    streams.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize)
}

fn lock(crowd: &Mutex<Crowd>) -> MutexGuard<'_, Crowd> {
    crowd.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Places;
    use crate::contract::stream::EventStream;

    fn places(at_once: usize) -> Places {
        let form = format!(r#"{{"path": "/e", "event": "e", "data": {{"key": "{{key}}"}}, "at_once": {at_once}, "heartbeat": "60 s"}}"#);
        Places::of(Some(&serde_json::from_str::<EventStream>(&form).expect("a form of streams")))
    }

    /// Together, those that have leave never have more streams open than are promised.
    #[tokio::test]
    async fn no_more_have_leave_than_there_are_places() {
        let places = places(5);
        let (first, second) = (places.leave_for(3).await, places.leave_for(2).await);
        assert!(first.is_some() && second.is_some());
        let mut third = Box::pin(places.leave_for(1));
        assert!(tokio::time::timeout(Duration::ZERO, &mut third).await.is_err(), "a sixth stream");
        drop(first);
        assert!(third.await.is_some());
        assert!(places.leave_for(0).await.is_none());
    }

    /// Who has gone a moment ago may count; who was turned away does not, and whoever waited in vain has waited for all.
    #[test]
    fn places_of_those_that_have_gone_may_be_taken() {
        let places = places(2);
        let (one, two) = (places.enter(), places.enter());
        assert!(!places.may_be_taken());
        let mut three = places.enter();
        assert!(places.may_be_taken());
        three.turned_away();
        drop(three);
        drop((one, two));
        assert!(!places.may_be_taken());
        let four = places.enter();
        assert!(places.may_be_taken());
        places.despair();
        assert!(!places.may_be_taken());
        drop(four);
    }
}
