//! Choice: what a user delivers next.
//!
//! In: the mix or the feed, random numbers, and the keys that this user and others have delivered. Out: a kind and a key.

use std::sync::atomic::Ordering;

use std::time::Duration;

use super::User;
use crate::load::feed::feeding::Fed;
use crate::load::mix::Kind;

/// What a user delivers next.
pub(super) enum Next {
    /// What the mix says, when its turn has come.
    MadeUp,
    /// A line of the feed.
    Fed(Box<Fed>),
    /// A key of the feed that this user has delivered.
    Repeated(Choice),
}

impl Next {
    /// When it is due, where it was recorded.
    pub(super) fn recorded(&self) -> Option<Duration> {
        match self {
            Self::Fed(fed) => fed.due,
            Self::MadeUp | Self::Repeated(_) => None,
        }
    }
}

/// One delivery's choice.
#[derive(Clone, Copy)]
pub(super) struct Choice {
    pub(super) place: usize,
    pub(super) kind: Kind,
    pub(super) key: u32,
    /// Whether this user has the key's answer already.
    pub(super) is_own: bool,
}

impl User<'_> {
    pub(super) fn hold_for_repetition(&mut self, number: u32) {
        let most = self.shared.mix.reuse_distance;
        if self.own_keys.len() < most {
            self.own_keys.push(number);
        } else {
            self.own_keys[self.next_own] = number;
            self.next_own = (self.next_own + 1) % most;
        }
    }

    /// What comes next; nothing when the feed is over.
    pub(super) fn next(&mut self) -> Option<Next> {
        let shared = self.shared;
        let Some(feeding) = &shared.feeding else { return Some(Next::MadeUp) };
        let fed = |fed| Next::Fed(Box::new(fed));
        if !feeding.is_mixed() {
            return feeding.next().map(fed);
        }
        match feeding.choose(self.dice.next_u64()) {
            Some(kind @ Kind::Duplicate) if !self.own_keys.is_empty() => {
                let key = self.own_keys[self.dice.next_u64() as usize % self.own_keys.len()];
                Some(Next::Repeated(Choice { place: shared.mix.place(None, kind), kind, key, is_own: true }))
            }
            kind => feeding.next_as(kind.unwrap_or(Kind::Fresh)).map(fed),
        }
    }

    /// What could not be sent is left to whoever goes on with the feed.
    pub(super) fn give_back(&self, next: Next) {
        if let (Next::Fed(fed), Some(feeding)) = (next, &self.shared.feeding) {
            feeding.give_back(*fed);
        }
    }

    /// The kind of the next delivery, and its key: without one to repeat, a duplicate is a first delivery.
    pub(super) fn choose(&mut self) -> Choice {
        let shared = self.shared;
        if let Some(place) = shared.mix.bursts()
            && let Some(key) = shared.join_burst()
        {
            return Choice { place, kind: Kind::Burst, key, is_own: false };
        }
        let (place, kind) = shared.mix.choose(self.dice.next_u64());
        let fresh = |kind| {
            let key = shared.next_key.fetch_add(1, Ordering::Relaxed);
            if matches!(kind, Kind::Fresh) {
                shared.under_way[self.number % shared.under_way.len()].store(key, Ordering::Relaxed);
            }
            Choice { place, kind, key, is_own: false }
        };
        match kind {
            Kind::Fresh | Kind::MissingKey | Kind::Spoiled(_) => fresh(kind),
            Kind::Burst => {
                let choice = fresh(kind);
                shared.burst.store((u64::from(choice.key) << 32) | u64::from(shared.mix.together - 1), Ordering::Relaxed);
                choice
            }
            Kind::Duplicate | Kind::ConflictingBody => {
                let random = self.dice.next_u64();
                let (own, at) = (self.own_keys.len(), (random >> 8) as usize);
                // Who has no key of its own repeats another's; nobody's is repeated as long as nobody has any.
                let tries = if own == 0 { shared.under_way.len() } else { usize::from(random & 1 == 0) };
                let others = |step: usize| shared.under_way[at.wrapping_add(step) % shared.under_way.len()].load(Ordering::Relaxed);
                if let Some(key) = (0..tries).map(others).find(|key| *key != 0) {
                    return Choice { place, kind, key, is_own: false };
                }
                match own {
                    0 => Choice { place: shared.mix.place_of_fresh(place), ..fresh(Kind::Fresh) },
                    own => Choice { place, kind, key: self.own_keys[at % own], is_own: true },
                }
            }
        }
    }
}
