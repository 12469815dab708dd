//! Feeding: a feed under a load, line after line, and which of its keys is which.
//!
//! In: users who want the next delivery, and what was answered to each. Out: a [`Fed`] when it is to be waited for, a [`Turn`] when it
//! is sent; and for judging the key and the body of every number. Lines are read when they are due, and again when one is to be told:
//! none is held.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::line::{Line, Read, read};
use super::numbers::{Numbered, Numbers, hash_of};
use super::ongoing::{Ongoing, Taken};
use super::past::Past;
use super::{Feed, Order};
use crate::contract::{Contract, OtherBody, own_headers};
use crate::delivery::Delivery;
use crate::files::FileError;
use crate::files::records::{RecordPlace, RecordReader};
use crate::load::mix::{Kind, Mix, kind};
use crate::outcome::{Outcome, OutcomeSet};

/// One delivery, before its turn.
#[derive(Clone, Debug)]
pub struct Fed {
    /// Where its line stands.
    pub place: RecordPlace,
    /// Which round it is, from 0.
    pub round: u32,
    /// What is written there.
    pub line: Line,
    /// When it is due, where it was recorded.
    pub due: Option<Duration>,
}

/// A delivery as it is sent.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Its key's number, and what it is to that key.
    pub numbered: Numbered,
    /// The place of its kind in the mix.
    pub place: usize,
    /// Its kind.
    pub kind: Kind,
    /// The key that travels.
    pub key: String,
    /// The body before the key is put into it: the line's own, or one that is made up.
    pub body: Bytes,
    /// Its own header lines.
    pub headers: Vec<(String, String)>,
    /// What its body is compared by; of an honest delivery only.
    pub fingerprint: Option<String>,
}

/// A feed under a load.
pub struct Feeding {
    feed: Arc<Feed>,
    run_word: String,
    life: Option<Duration>,
    mix: Mix,
    position: Ongoing,
    /// Reads lines once more, for whoever tells of them.
    again: Mutex<RecordReader>,
    numbers: Mutex<Numbers>,
    past: OnceLock<Past>,
    failed: Mutex<Option<String>>,
}

impl Feeding {
    /// Begins.
    ///
    /// * `life`: how long keys live; `seed`: of what is drawn at random.
    ///
    /// # Errors
    /// [`FileError`] when the file cannot be read any more.
    pub fn new(feed: Arc<Feed>, mix: Mix, run_word: String, life: Option<Duration>, seed: u64) -> Result<Self, FileError> {
        let position = feed.ongoing.clone().map_or_else(|| Ongoing::begin(&feed, seed), Ok)?;
        let again = Mutex::new(feed.open()?);
        let numbers = Mutex::default();
        let (past, failed) = Default::default();
        Ok(Self { feed, run_word, life, mix, position, again, numbers, past, failed })
    }

    /// The feed.
    #[must_use]
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// The next line; none when the feed is over, or cannot be read any more ([`Feeding::failure`]).
    #[must_use]
    pub fn next(&self) -> Option<Fed> {
        loop {
            let found = self.position.take(&self.feed);
            match found {
                Ok(None) => return None,
                Ok(Some(Taken::Back(fed))) => return Some(*fed),
                Ok(Some(Taken::Record(place, round, bytes))) => match read(&self.feed.survey.form, &bytes) {
                    Ok(Read::Line(line)) if is_ours(self.feed.share, &line, place) => {
                        let due = line.at.filter(|_| self.feed.order == Order::Recorded).map(|at| self.feed.due(at));
                        return Some(Fed { place, round, line: *line, due });
                    }
                    Ok(Read::Line(_) | Read::LeftOut(_)) => {}
                    Err(what) => {
                        self.fail(format!("{}:{}: it has changed since the load began: {what}", self.feed.path.display(), place.line));
                        return None;
                    }
                },
                Err(wrong) => {
                    self.fail(wrong.to_string());
                    return None;
                }
            }
        }
    }

    /// Takes a line back that could not be sent in time: whoever goes on with the feed sends it first.
    pub fn give_back(&self, fed: Fed) {
        self.position.give_back(fed);
    }

    /// Whether a mix says which lines are delivered once more, and which are spoiled.
    #[must_use]
    pub fn is_mixed(&self) -> bool {
        self.feed.mixed.is_some()
    }

    /// How a line is delivered next, where a mix says it: one of those that were there, or the next one, spoiled or not.
    #[must_use]
    pub fn choose(&self, random: u64) -> Option<Kind> {
        self.feed.mixed.as_ref().map(|mixed| mixed.choose(random).1)
    }

    /// The next line as one of a kind, unless it names its own.
    #[must_use]
    pub fn next_as(&self, wanted: Kind) -> Option<Fed> {
        let mut fed = self.next()?;
        if fed.line.kind.is_none() && !is_honest(wanted) {
            fed.line.kind = self.feed.mixed.as_ref().and_then(|mixed| mixed.name_of(wanted));
        }
        Some(fed)
    }

    /// Makes a delivery of a line, now that its turn has come.
    ///
    /// * `now`: since the load opened.
    #[must_use]
    pub fn turn(&self, contract: &Contract, fed: &Fed, ordinary: impl FnOnce(&str) -> Bytes, now: Duration) -> Turn {
        self.position.note_sent();
        let Line { key, body, kind: named, .. } = &fed.line;
        let spoiled = named.as_deref().and_then(|name| kind(name).ok()).filter(|kind| !is_honest(*kind));
        let own = key.clone().or_else(|| body.as_ref().and_then(|body| key_in(contract, body)));
        let written = own.map(|key| self.written(contract, key, fed.round));
        let fingerprint = |body: &Bytes| spoiled.is_none().then(|| contract.fingerprint_of(body));
        let with_own_body = body.as_ref().and_then(fingerprint).or_else(|| spoiled.is_none().then(String::new));
        let is_keyless = spoiled == Some(Kind::MissingKey);
        let identity =
            written.as_ref().filter(|_| !is_keyless).map(|key| self.identity(contract, key, fed.round, with_own_body.as_deref()));
        let mut numbers = lock(&self.numbers);
        let numbered = numbers.number(identity, with_own_body.as_deref(), (fed.place, fed.round), (now, self.life));
        let is_past = identity.is_some_and(|_| {
            let past = self.past.get();
            past.zip(written.as_deref()).is_some_and(|(past, key)| fed.round == 0 && past.has(key))
        });
        if is_past {
            numbers.note_past(numbered.number);
        }
        drop(numbers);
        let unique = || contract.key.unique_key(&self.run_word, u64::from(numbered.number));
        let key = match written {
            Some(written) if self.feed.is_as_written() => written.into_owned(),
            Some(_) | None => unique(),
        };
        let kind = spoiled.unwrap_or(numbered.kind);
        let name = named.as_deref().filter(|_| spoiled.is_some());
        let place = self.mix.place(name, kind);
        let body = body.clone().unwrap_or_else(|| ordinary(&key));
        let headers = taken_headers(contract, &fed.line);
        Turn { numbered, place, kind, key, body, headers, fingerprint: with_own_body }
    }

    /// A key in its round, as it travels where keys are those that are written.
    fn written(&self, contract: &Contract, key: String, round: u32) -> Cow<'static, str> {
        if round == 0 {
            return Cow::Owned(key);
        }
        let next = format!("{key}-{}r{}", self.run_word, round + 1);
        let is_usable =
            next.len() <= contract.key.longest && next.bytes().all(|byte| contract.key.allows(byte)) && contract.key.has_prefix();
        Cow::Owned(if is_usable { next } else { contract.key.unique_key(&next, 0) })
    }

    fn identity(&self, contract: &Contract, key: &str, round: u32, fingerprint: Option<&str>) -> u128 {
        let fingerprint = fingerprint.filter(|_| contract.other_body == OtherBody::New).unwrap_or_default();
        hash_of(&format!("{key}\n{round}\n{fingerprint}"))
    }

    /// What was answered to a delivery: keys that are known to be taken have duplicates from then on.
    pub fn note(&self, turn: &Turn, outcome: OutcomeSet, now: Duration) {
        if let Some(fingerprint) = turn.fingerprint.as_deref().filter(|_| outcome.is(Outcome::Accepted) || outcome.is(Outcome::Duplicate)) {
            lock(&self.numbers).note_taken(turn.numbered.number, fingerprint, now, outcome.is(Outcome::Accepted));
        }
    }

    /// The key with this number, as it travelled, where it is written; none where it was given one of its own.
    #[must_use]
    pub fn key(&self, contract: &Contract, number: u32) -> Option<String> {
        if !self.feed.is_as_written() {
            return None;
        }
        let (line, round) = self.line(number)?;
        // One that travels without a key has none of its own either.
        if line.kind.as_deref() == Some("missing-key") {
            return None;
        }
        let own = line.key.or_else(|| key_in(contract, line.body.as_ref()?))?;
        Some(self.written(contract, own, round).into_owned())
    }

    /// The number of the first honest line of a key in the file; 0 where there is none.
    #[must_use]
    pub fn line_number(&self, number: u32) -> u64 {
        lock(&self.numbers).place(number).map_or(0, |(place, _)| place.line)
    }

    /// The header lines of the first honest line of a key.
    #[must_use]
    pub fn headers(&self, contract: &Contract, number: u32) -> Vec<(String, String)> {
        self.line(number).map(|(line, _)| taken_headers(contract, &line)).unwrap_or_default()
    }

    /// The first honest line of a key, and its round.
    #[must_use]
    pub fn line(&self, number: u32) -> Option<(Line, u32)> {
        let (place, round) = lock(&self.numbers).place(number)?;
        let mut reader = lock(&self.again);
        reader.go_to(place).ok()?;
        let record = reader.next_record().ok()??;
        match read(&self.feed.survey.form, &record.bytes).ok()? {
            Read::Line(line) => Some((*line, round)),
            Read::LeftOut(_) => None,
        }
    }

    /// Whether the rows of a key are those of its first line, and of nothing else.
    #[must_use]
    pub fn is_plain(&self, number: u32) -> bool {
        lock(&self.numbers).is_plain(number)
    }

    /// Whether the receiver had a key before the load.
    #[must_use]
    pub fn is_past(&self, number: u32) -> bool {
        lock(&self.numbers).is_past(number)
    }

    /// Whether it is known which keys the receiver had before the load, or none can have been there.
    #[must_use]
    pub fn knows_the_past(&self) -> bool {
        !self.feed.is_as_written() || self.past.get().is_some()
    }

    /// What the receiver had before the load.
    pub fn set_past(&self, past: Past) {
        drop(self.past.set(past));
    }

    /// How many keys there are, and how many deliveries brought another body than theirs.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        lock(&self.numbers).counts()
    }

    /// Why it ended before its end.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        lock(&self.failed).clone()
    }

    fn fail(&self, why: String) {
        lock(&self.failed).get_or_insert(why);
    }
}

/// Whether a line falls to a worker: all lines of a key do, or none.
pub(super) fn is_ours(share: Option<(u64, u64)>, line: &Line, place: RecordPlace) -> bool {
    let by = line.key.as_deref().map_or(u128::from(place.line), hash_of);
    share.is_none_or(|(number, of)| by % u128::from(of) == u128::from(number - 1))
}

/// The header lines of a line; of a recorded one, those that the contract and the signature do not write anew.
fn taken_headers(contract: &Contract, line: &Line) -> Vec<(String, String)> {
    let is_taken = |(name, value): &&(String, String)| !line.is_recorded || own_headers::refusal(contract, name, value).is_none();
    line.headers.iter().filter(is_taken).cloned().collect()
}

fn is_honest(kind: Kind) -> bool {
    match kind {
        Kind::Fresh | Kind::Duplicate | Kind::ConflictingBody => true,
        Kind::Burst | Kind::MissingKey | Kind::Spoiled(_) => false,
    }
}

/// The key that a body brings along, where keys travel in bodies.
pub(super) fn key_in(contract: &Contract, body: &Bytes) -> Option<String> {
    contract.has_key_in_body().then(|| contract.key.read(&Delivery { body: body.clone(), ..Delivery::default() }).ok())?
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
