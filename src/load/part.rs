//! Part: what makes a load one of several, lets somebody else say how many users there are, and hands on what it learns.
//!
//! A load alone has none of it. One of several begins its keys with a word of
//! its own, so that a key belongs to one of them and its duplicates do, too; it
//! hands on what its users learn as they learn it; and who steers it calls for
//! users, more or fewer, until it is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;

use tokio::sync::oneshot;

use super::measure::{Measurement, Sample};
use super::together::Member;
use crate::clock::UnixMicros;
use crate::history::consistency::Operation;

/// The longest word of a run: with the worker's own letters and a number, keys are as long as a load's own are.
const LONGEST_RUN_WORD: usize = 16;

/// What makes a load one of several.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// What every key begins with; without it, a word of the moment at which the load began.
    pub word: Option<String>,
    /// Who is told what is learned, as it is learned.
    pub notes: Option<Sender<Note>>,
    /// Who says how many users there are; without it, the profile does.
    pub steering: Option<Arc<Steering>>,
    /// The loads that it begins with, and keeps its share beside.
    pub together: Option<Member>,
}

/// What whoever keeps a load's history is told.
#[derive(Debug)]
pub enum Note {
    /// The load has begun.
    Began(UnixMicros),
    /// What a user has learned since it told last.
    Learned(Lot),
    /// What was measured so far, with the time since the load began.
    SoFar(Box<Measurement>, Duration),
    /// Whoever waits has been told all that was learned before.
    Told(oneshot::Sender<()>),
    /// There is nothing more to come.
    Ended,
}

/// What a user hands on at a time.
#[derive(Clone, Debug, Default)]
pub struct Lot {
    /// What was measured.
    pub samples: Vec<Sample>,
    /// What was sent, and what came back.
    pub operations: Vec<Operation>,
}

/// How many users are called for, and whether the load is over.
#[derive(Debug, Default)]
pub struct Steering {
    users: AtomicUsize,
    is_over: AtomicBool,
    /// Whether sending has ended, and every user has handed on what it knew.
    has_ended: AtomicBool,
}

impl Steering {
    /// Calls for so many users: the first ones deliver, the others wait.
    pub fn call(&self, users: usize) {
        self.users.store(users, Ordering::Release);
    }

    /// Ends the load: nothing more is sent.
    pub fn end(&self) {
        self.is_over.store(true, Ordering::Release);
    }

    /// How many users are called for.
    #[must_use]
    pub fn users(&self) -> usize {
        if self.is_over() { 0 } else { self.users.load(Ordering::Acquire) }
    }

    /// Whether it was ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// Whether all users have come to their end.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Acquire)
    }

    pub(super) fn note_end(&self) {
        self.has_ended.store(true, Ordering::Release);
    }
}

impl Part {
    /// Tells, if somebody listens.
    pub(super) fn tell(&self, note: impl FnOnce() -> Note) {
        if let Some(notes) = &self.notes {
            // Whoever has gone does not want to know any more.
            drop(notes.send(note()));
        }
    }

    /// Whether nobody is called for at this moment.
    pub(super) fn is_idle(&self) -> bool {
        self.steering.as_ref().is_some_and(|steering| steering.users() == 0)
    }
}

/// A word that all workers of a run share.
///
/// # Errors
/// One sentence: what is wrong with it.
pub fn run_word(text: &str) -> Result<String, String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if is_plain && (1..=LONGEST_RUN_WORD).contains(&text.len()) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is no word of a run: 1 to {LONGEST_RUN_WORD} lower-case letters and digits, such as `nightly7`"))
    }
}

/// What the keys of a worker begin with: no two workers of a run, and no two loads of a worker, begin alike.
///
/// * `load`: which of its loads it is, from 1.
#[must_use]
pub fn word_of(run_word: &str, worker: u32, load: u32) -> String {
    // A run's word may end with a digit: letters stand between all numbers.
    let again = if load > 1 { format!("t{load}") } else { String::new() };
    format!("{run_word}w{worker}{again}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_run_are_plain() {
        assert_eq!(run_word("nightly7"), Ok("nightly7".to_owned()));
        for wrong in ["", "a-b", "Run", "longer-than-keys-bear", "seventeenletters1"] {
            assert!(run_word(wrong).is_err(), "{wrong}");
        }
        let words = [word_of("a1", 1, 1), word_of("a1", 11, 1), word_of("a1", 1, 2), word_of("a1", 1, 12)];
        assert_eq!(words, ["a1w1", "a1w11", "a1w1t2", "a1w1t12"]);
    }

    #[test]
    fn nobody_is_called_for_when_it_is_over() {
        let steering = Steering::default();
        steering.call(5);
        assert_eq!(steering.users(), 5);
        steering.end();
        assert_eq!((steering.users(), steering.is_over(), steering.has_ended()), (0, true, false));
    }
}
