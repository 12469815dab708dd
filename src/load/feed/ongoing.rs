//! Ongoing: how far deliveries are in a feed, for one load, or for loads that follow one another and go on where the last one stopped.
//!
//! In: a feed. Out: its next record, and lines that somebody has taken and could not send. Two loads may ask at the same time.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::feeding::Fed;
use super::{Feed, Order};
use crate::files::FileError;
use crate::files::records::{RecordPlace, RecordReader};
use crate::random::Rng;

/// A place in a feed.
struct Position {
    reader: RecordReader,
    round: u32,
    given: u64,
    rng: Rng,
    back: VecDeque<Fed>,
}

/// How far deliveries are in a feed; whoever has a clone of it goes on from there.
#[derive(Clone)]
pub struct Ongoing {
    position: Arc<Mutex<Position>>,
    sent: Arc<AtomicU64>,
}

impl std::fmt::Debug for Ongoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ongoing").field("sent", &self.sent()).finish_non_exhaustive()
    }
}

/// What is delivered next.
pub(super) enum Taken {
    /// A line that was taken before, and not sent.
    Back(Box<Fed>),
    /// A record as it stands in the file, with its place and its round.
    Record(RecordPlace, u32, Vec<u8>),
}

impl Ongoing {
    /// At the beginning of a feed.
    ///
    /// * `seed`: of what is drawn at random.
    ///
    /// # Errors
    /// [`FileError`] when the file cannot be read any more.
    pub fn begin(feed: &Feed, seed: u64) -> Result<Self, FileError> {
        let position = Position { reader: feed.open()?, round: 0, given: 0, rng: Rng::new(seed, u64::MAX >> 2), back: VecDeque::new() };
        Ok(Self { position: Arc::new(Mutex::new(position)), sent: Arc::default() })
    }

    /// How many lines were sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(super) fn note_sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn give_back(&self, fed: Fed) {
        self.position.lock().unwrap_or_else(PoisonError::into_inner).back.push_back(fed);
    }

    /// What is delivered next; nothing when the feed is over.
    pub(super) fn take(&self, feed: &Feed) -> Result<Option<Taken>, FileError> {
        let mut position = self.position.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fed) = position.back.pop_front() {
            return Ok(Some(Taken::Back(Box::new(fed))));
        }
        let Position { reader, round, given, rng, .. } = &mut *position;
        let survey = &feed.survey;
        match feed.order {
            Order::Once | Order::Loop => {}
            Order::Random => {
                let number = rng.next_u64() % survey.lines;
                reader.go_to(survey.places[(number / survey.stride) as usize])?;
                for _ in 0..number % survey.stride {
                    drop(reader.next_record()?);
                }
            }
            Order::Recorded => {
                if let Some(by_time) = &survey.by_time {
                    let Some((_, place)) = by_time.get(*given as usize) else { return Ok(None) };
                    reader.go_to(*place)?;
                }
            }
        }
        *given += 1;
        let mut record = reader.next_record()?;
        if record.is_none() && matches!(feed.order, Order::Loop | Order::Random) {
            *round += u32::from(feed.order == Order::Loop);
            reader.go_to(survey.first)?;
            record = reader.next_record()?;
        }
        Ok(record.map(|record| Taken::Record(record.place, *round, record.bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::feeding::Feeding;
    use super::super::survey::{Keeping, survey};
    use super::super::{Feed, Keys};
    use super::*;

    /// Who goes on with a feed begins with what was given back, and goes on with what nobody has taken; what was sent is not left.
    #[test]
    fn nothing_is_lost_between_two_loads() {
        let path = std::env::temp_dir().join(format!("hookgate-ongoing-{}.jsonl", std::process::id()));
        std::fs::write(&path, "{\"body\":{}}\n{\"body\":{}}\n{\"body\":{}}\n").expect("a file");
        let contract = crate::suites::contract("orch-phase3").expect("a contract");
        let keeping = Keeping { contract: &contract, signer: None, as_written: false, is_recorded: false, share: None };
        let survey = survey(&path, keeping).expect("it is right");
        let mut feed = Feed { path, survey, order: Order::Once, keys: Keys::Fresh, speed: 1.0, share: None, mixed: None, ongoing: None };
        feed.ongoing = Some(Ongoing::begin(&feed, 7).expect("it is there"));
        let feed = Arc::new(feed);
        let of_a_load = || Feeding::new(Arc::clone(&feed), feed.mix().expect("kinds"), "w".to_owned(), None, 1).expect("it is there");
        let (one, other) = (of_a_load(), of_a_load());
        let next = |feeding: &Feeding| feeding.next().map(|fed| fed.place.line);
        assert_eq!(next(&one), Some(1));
        one.give_back(one.next().expect("the second"));
        assert_eq!([next(&other), next(&other), next(&other), next(&one)], [Some(2), Some(3), None, None]);
        assert_eq!(feed.left(), Some(3));
        let again = of_a_load();
        again.give_back(Fed { due: None, ..read_first(&feed) });
        let fed = again.next().expect("it was given back");
        drop(again.turn(&contract, &fed, |_| bytes::Bytes::new(), std::time::Duration::ZERO));
        assert_eq!(feed.left(), Some(2));
        std::fs::remove_file(&feed.path).expect("it was there");
    }

    /// The first line, as somebody who begins reads it.
    fn read_first(feed: &Arc<Feed>) -> Fed {
        let alone = Arc::new(Feed { ongoing: None, ..Feed::clone(feed) });
        let mix = alone.mix().expect("kinds");
        Feeding::new(alone, mix, "w".to_owned(), None, 1).expect("it is there").next().expect("the first")
    }
}
