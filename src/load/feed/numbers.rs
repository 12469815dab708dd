//! Numbers of a feed's keys: which of its lines are of one key, and what of that key is known.
//!
//! In: keys and bodies as they are delivered, and what was answered. Out: for each line the number of its key, and whether the
//! line is the first of it, repeats it, or brings another body. A key costs some 80 bytes, whatever its bodies cost: those stay in the file.

use std::collections::HashMap;
use std::time::Duration;

use crate::files::records::RecordPlace;
use crate::load::mix::Kind;
use crate::sign::sha256;

/// What is known of one key.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Where the first line of it stands.
    place: RecordPlace,
    /// In which round it was delivered, from 0.
    round: u32,
    /// When it was first known to be taken: milliseconds since the load opened, and one; 0 until then.
    taken: u32,
    /// What its body is compared by; of several, that of the one that was taken.
    body: u64,
    /// Whether an honest delivery has borne it.
    has_come: bool,
    /// Whether it has come with other bodies.
    has_others: bool,
    /// Whether the receiver may have had it before the load.
    is_past: bool,
}

/// One line's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// The key's number, from 1.
    pub number: u32,
    /// What an honest line is to its key: [`Kind::Fresh`], [`Kind::Duplicate`] or [`Kind::ConflictingBody`].
    pub kind: Kind,
    /// Whether the key was taken before, and lives: nobody can have come in between.
    pub is_known: bool,
}

/// The keys of a load that is fed.
#[derive(Debug, Default)]
pub struct Numbers {
    by_key: HashMap<u128, u32>,
    entries: Vec<Entry>,
    conflicts: u64,
}

/// What a key, or what else a delivery is known by, is remembered as.
#[must_use]
pub fn hash_of(identity: &str) -> u128 {
    let hash = sha256(identity.as_bytes());
    hash.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
}

/// The same of a fingerprint.
fn short(fingerprint: &str) -> u64 {
    u64::try_from(hash_of(fingerprint) >> 64).unwrap_or_default()
}

impl Numbers {
    /// The number of a line's key.
    ///
    /// * `identity`: what the delivery is known by; none for one that nothing else is like.
    /// * `fingerprint`: what its body is compared by; none where it is not honest, and leaves its key as it was.
    /// * `now`: since the load opened; `life`: how long keys live.
    pub fn number(
        &mut self,
        identity: Option<u128>,
        fingerprint: Option<&str>,
        (place, round): (RecordPlace, u32),
        (now, life): (Duration, Option<Duration>),
    ) -> Numbered {
        let known = identity.and_then(|identity| self.by_key.get(&identity).copied());
        let number = known.unwrap_or_else(|| {
            let entry = Entry { place, round, taken: 0, body: 0, has_come: false, has_others: false, is_past: false };
            self.entries.push(entry);
            let number = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
            if let Some(identity) = identity {
                self.by_key.insert(identity, number);
            }
            number
        });
        let Some(entry) = self.entries.get_mut(number as usize - 1) else {
            return Numbered { number, kind: Kind::Fresh, is_known: false };
        };
        let Some(body) = fingerprint.map(short) else { return Numbered { number, kind: Kind::Fresh, is_known: false } };
        let lives = life.is_none_or(|life| now < Duration::from_millis(u64::from(entry.taken)) + life.saturating_sub(TOLERANCE));
        let is_known = entry.taken > 0 && lives;
        if !entry.has_come {
            (entry.has_come, entry.body, entry.place, entry.round) = (true, body, place, round);
            return Numbered { number, kind: Kind::Fresh, is_known: false };
        }
        let is_other = entry.body != body;
        self.conflicts += u64::from(is_other);
        entry.has_others |= is_other;
        Numbered { number, kind: if is_other { Kind::ConflictingBody } else { Kind::Duplicate }, is_known }
    }

    /// A delivery was taken: accepted now, or before.
    pub fn note_taken(&mut self, number: u32, fingerprint: &str, now: Duration, is_accepted: bool) {
        let Some(entry) = self.entry_mut(number) else { return };
        if is_accepted || entry.taken == 0 {
            entry.taken = u32::try_from(now.as_millis()).unwrap_or(u32::MAX - 1).saturating_add(1);
        }
        if is_accepted {
            entry.body = short(fingerprint);
        }
    }

    /// The receiver had this key before the load.
    pub fn note_past(&mut self, number: u32) {
        if let Some(entry) = self.entry_mut(number) {
            entry.is_past = true;
        }
    }

    /// Where the first honest line of a key stands, and its round.
    #[must_use]
    pub fn place(&self, number: u32) -> Option<(RecordPlace, u32)> {
        self.entry(number).map(|entry| (entry.place, entry.round))
    }

    /// Whether a key's rows are of one body, which is that of its first line, and of this load alone.
    #[must_use]
    pub fn is_plain(&self, number: u32) -> bool {
        self.entry(number).is_some_and(|entry| !entry.has_others && !entry.is_past)
    }

    /// Whether the receiver had a key before the load.
    #[must_use]
    pub fn is_past(&self, number: u32) -> bool {
        self.entry(number).is_some_and(|entry| entry.is_past)
    }

    /// How many keys there are, and how many deliveries brought another body.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.entries.len() as u64, self.conflicts)
    }

    fn entry(&self, number: u32) -> Option<&Entry> {
        self.entries.get((number as usize).checked_sub(1)?)
    }

    fn entry_mut(&mut self, number: u32) -> Option<&mut Entry> {
        self.entries.get_mut((number as usize).checked_sub(1)?)
    }
}

/// So long before the end of its life a key is not counted on any more: the clocks of receivers have their own seconds.
const TOLERANCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_one_key_are_told_apart_by_body_and_time() {
        let mut numbers = Numbers::default();
        let place = RecordPlace::default();
        let at = |secs: u64, key: &str, body: &str, numbers: &mut Numbers| {
            let life = Some(Duration::from_secs(60));
            numbers.number(Some(hash_of(key)), Some(body), (place, 0), (Duration::from_secs(secs), life))
        };
        let one = at(0, "a", "x", &mut numbers);
        assert_eq!(one, Numbered { number: 1, kind: Kind::Fresh, is_known: false });
        // Under way, anything may come of a rival.
        assert_eq!(at(0, "a", "x", &mut numbers), Numbered { number: 1, kind: Kind::Duplicate, is_known: false });
        numbers.note_taken(1, "x", Duration::from_secs(1), true);
        assert_eq!(at(2, "a", "x", &mut numbers), Numbered { number: 1, kind: Kind::Duplicate, is_known: true });
        assert_eq!(at(3, "a", "y", &mut numbers), Numbered { number: 1, kind: Kind::ConflictingBody, is_known: true });
        assert!(!at(60, "a", "x", &mut numbers).is_known, "its life may have ended");
        assert_eq!(at(4, "b", "x", &mut numbers).number, 2);
        // A forged delivery leaves its key as it was.
        let forged = numbers.number(Some(hash_of("c")), None, (place, 0), (Duration::ZERO, None));
        assert_eq!((forged.number, at(5, "c", "z", &mut numbers).kind), (3, Kind::Fresh));
        assert_eq!((numbers.is_plain(1), numbers.is_plain(2), numbers.counts()), (false, true, (3, 1)));
    }
}
