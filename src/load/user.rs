//! One user of a load: chooses, signs, sends, looks at the answer, writes it down.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::measure::{Measurement, NO_ERROR, Sample};
use super::mix::{Kind, Mix};
use super::sending::{Line, Maker};
use crate::check::answer::{Judged, against, referred_instant, refusal};
use crate::check::classify::{Class, classify};
use crate::check::consistency::{NEVER, Operation, Outcome};
use crate::check::{Record, Records, is_broken};
use crate::clock::{Moment, UnixMicros, iso};
use crate::contract::Contract;
use crate::contract::outcome::Refusal;
use crate::delivery::{Answer, NoAnswer};
use crate::http::Target;
use crate::sign::sha256_hex;

/// So many samples are kept before they are handed over.
const SAMPLES: usize = 1_024;
/// So many keys of its own a user remembers for duplicates.
const OWN_KEYS: usize = 64;
/// A generator that sends later than this, for its own sake, is told.
const LATE: Duration = Duration::from_millis(2);

/// When the next delivery is due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// As soon as the last one is answered.
    Closed,
    /// So many a second, from all users together.
    Open {
        /// Deliveries a second.
        rate: f64,
        /// Whether the gaps are random, with the same mean.
        poisson: bool,
    },
}

/// What all users share.
pub struct Shared {
    /// The promise.
    pub contract: Arc<Contract>,
    /// Where to.
    pub target: Target,
    /// What is sent.
    pub maker: Maker,
    /// How often which kind.
    pub mix: Mix,
    /// When.
    pub pace: Pace,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// What every key begins with.
    pub run_word: String,
    /// The seed of what is random.
    pub seed: u64,
    /// Before it is warm-up: sent and judged, but not measured.
    pub warm_up: Duration,
    /// When the load ends.
    pub ends: Duration,
    /// How many deliveries are sent at the most.
    pub most: u64,
    /// When it began.
    pub began: Moment,
    /// The same moment, by the machine's clock.
    pub began_at: UnixMicros,
    /// Ends it early.
    pub stop: AtomicBool,
    /// The keys that users have under way, for others to deliver at the same time.
    pub under_way: Vec<AtomicU32>,
    /// The next key's number.
    pub next_key: AtomicU32,
    /// The next user's number.
    pub next_user: AtomicU32,
    /// How many have been sent.
    pub sent: AtomicU64,
    /// How many were sent late for the generator's own sake.
    pub late: AtomicU64,
    /// What was measured.
    pub measured: Mutex<Measurement>,
    /// What was sent and answered, a list a user.
    pub histories: Mutex<Vec<Vec<Operation>>>,
}

impl Shared {
    /// The key with this number.
    #[must_use]
    pub fn key(&self, number: u32) -> String {
        format!("{}-{number}", self.run_word)
    }

    /// Microseconds since the epoch, by a clock that never goes back.
    fn now(&self) -> i64 {
        self.began_at.plus(self.began.elapsed()).0
    }
}

/// What a user keeps for itself.
struct User<'s> {
    shared: &'s Shared,
    number: usize,
    line: Line,
    random: u64,
    own_keys: Vec<u32>,
    samples: Vec<Sample>,
    history: Vec<Operation>,
    record: Record,
}

/// Delivers until the load ends.
pub async fn deliver(shared: &Shared) {
    let number = shared.next_user.fetch_add(1, Ordering::Relaxed) as usize;
    let mut user = User {
        shared,
        number,
        line: Line::new(&shared.target, shared.timeout),
        random: shared.seed ^ (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15),
        own_keys: Vec::with_capacity(OWN_KEYS),
        samples: Vec::with_capacity(SAMPLES),
        history: Vec::new(),
        record: Record {
            key: String::new(),
            sha256: String::new(),
            delivery: crate::delivery::Delivery::default(),
            sent_at: UnixMicros(0),
            answered_at: UnixMicros(0),
            took: Duration::ZERO,
            result: Err(NoAnswer::Unreachable { cause: String::new() }),
            referred_as: None,
            refers_to: None,
        },
    };
    let users = shared.under_way.len().max(1);
    let mut due = match shared.pace {
        Pace::Closed => Duration::ZERO,
        Pace::Open { rate, .. } => Duration::from_secs_f64(number as f64 / rate),
    };
    loop {
        let begun = shared.began.elapsed();
        let ended = shared.stop.load(Ordering::Relaxed) || begun.max(due) >= shared.ends;
        if ended || shared.sent.fetch_add(1, Ordering::Relaxed) >= shared.most {
            break;
        }
        if let Some(wait) = due.checked_sub(begun).filter(|wait| !wait.is_zero()) {
            user.hand_over_if_idle();
            tokio::time::sleep(wait).await;
            if shared.began.elapsed().saturating_sub(due) > LATE {
                shared.late.fetch_add(1, Ordering::Relaxed);
            }
        }
        user.one(due).await;
        if let Pace::Open { rate, poisson } = shared.pace {
            let mean = users as f64 / rate;
            let gap = if poisson { -mean * user.fraction().ln() } else { mean };
            due += Duration::from_secs_f64(gap);
        }
    }
    user.hand_over();
    shared.histories.lock().unwrap_or_else(PoisonError::into_inner).push(user.history);
}

impl User<'_> {
    /// A random number (`SplitMix64`).
    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.random;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A random number above 0, up to 1.
    fn fraction(&mut self) -> f64 {
        ((self.random() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    /// One delivery: made, sent, judged, written down.
    async fn one(&mut self, due: Duration) {
        let shared = self.shared;
        let (place, kind) = shared.mix.choose(self.random());
        let (number, is_own, kind) = self.key_for(kind);
        let key = shared.key(number);
        let word = if kind == Kind::ConflictingBody { format!("{key}-other") } else { key.clone() };
        let body = shared.maker.body(&word);
        let tamper = if let Kind::Spoiled(tamper) = kind { Some(tamper) } else { None };
        let travels = (kind != Kind::MissingKey).then_some(key.as_str());
        let delivery = shared.maker.make(travels, body, tamper, UnixMicros(shared.now()));
        if kind == Kind::Fresh {
            shared.under_way[self.number % shared.under_way.len()].store(number, Ordering::Relaxed);
        }
        self.record.sha256 = sha256_hex(&delivery.body);
        self.record.key = key;
        let (began, invoked) = (shared.began.elapsed(), shared.now());
        let result = self.line.send(delivery).await;
        let (ended, returned) = (shared.began.elapsed(), shared.now());
        self.record.sent_at = UnixMicros(invoked);
        self.record.answered_at = UnixMicros(returned);
        // Counted from when it was due: who stalls makes those wait that come after, too.
        let from = if shared.pace == Pace::Closed || began.saturating_sub(due) < LATE { began } else { due };
        self.record.took = ended.saturating_sub(from);
        self.record.result = result;
        let class = classify(&shared.contract, &self.record);
        let expected = self.is_expected(kind, class, is_own);
        self.write_down(place, number, expected, began, ended.saturating_sub(from));
        self.remember(number, class, invoked, returned);
        if kind == Kind::Fresh && class == Class::Accepted {
            if self.own_keys.len() == OWN_KEYS {
                self.own_keys.swap_remove(0);
            }
            self.own_keys.push(number);
        }
    }

    /// The key that a kind uses, whether this user has its answer already, and the kind itself: without a key
    /// to repeat, a duplicate is a first delivery.
    fn key_for(&mut self, kind: Kind) -> (u32, bool, Kind) {
        let shared = self.shared;
        let fresh = || shared.next_key.fetch_add(1, Ordering::Relaxed);
        if !matches!(kind, Kind::Duplicate | Kind::ConflictingBody) {
            return (fresh(), false, kind);
        }
        let random = self.random();
        let slot = (random >> 8) as usize % shared.under_way.len();
        let others = shared.under_way[slot].load(Ordering::Relaxed);
        if random & 1 == 0 && others != 0 {
            return (others, false, kind);
        }
        match self.own_keys.len() {
            0 => (fresh(), false, Kind::Fresh),
            own => (self.own_keys[(random >> 8) as usize % own], true, kind),
        }
    }

    fn is_expected(&self, kind: Kind, class: Class, is_own: bool) -> bool {
        let Ok(answer) = &self.record.result else { return false };
        let is_refused = |why| self.is_refused(answer, why);
        match kind {
            // Another user may have delivered the key while it was under way.
            Kind::Fresh => class == Class::Accepted || (class == Class::Duplicate && self.shared.mix.repeats()),
            // Of a key that was answered before, it is a duplicate; of one under way it may be the first.
            Kind::Duplicate => class == Class::Duplicate || (!is_own && class == Class::Accepted),
            Kind::ConflictingBody => class == Class::Duplicate || (!is_own && class == Class::Accepted) || is_refused(Refusal::OtherBody),
            Kind::MissingKey => is_refused(Refusal::MissingKey),
            Kind::Spoiled(_) => [Refusal::Signature, Refusal::MissingSignature, Refusal::MalformedSignature].into_iter().any(is_refused),
        }
    }

    fn is_refused(&self, answer: &Answer, why: Refusal) -> bool {
        let records = Records::default();
        let judged = Judged { answer, record: &self.record, records: &records };
        refusal(&self.shared.contract, why).is_some_and(|outcome| !is_broken(&against(outcome, judged, None)))
    }

    fn write_down(&mut self, place: usize, _number: u32, expected: bool, began: Duration, latency: Duration) {
        if began < self.shared.warm_up {
            return;
        }
        let error = match &self.record.result {
            Ok(_) => NO_ERROR,
            Err(NoAnswer::TimedOut { .. }) => 0,
            Err(NoAnswer::Unreachable { .. }) => 1,
            Err(NoAnswer::Broken { .. }) => 2,
            Err(NoAnswer::Garbled { .. }) => 3,
        };
        self.samples.push(Sample {
            kind: u8::try_from(place).unwrap_or(u8::MAX),
            expected,
            error,
            status: self.record.result.as_ref().map_or(0, |answer| answer.status),
            second: u32::try_from((began - self.shared.warm_up).as_secs()).unwrap_or(u32::MAX),
            latency_us: u32::try_from(latency.as_micros()).unwrap_or(u32::MAX),
        });
        if self.samples.len() == SAMPLES {
            self.hand_over();
        }
    }

    fn remember(&mut self, key: u32, class: Class, invoked: i64, returned: i64) {
        let (outcome, refers_to) = match (&self.record.result, class) {
            (_, Class::Accepted) => (Outcome::Accepted, NEVER),
            (Ok(answer), Class::Duplicate) => {
                let instant = referred_instant(&self.shared.contract, answer).and_then(|text| iso::read(&text));
                (Outcome::Duplicate, instant.map_or(NEVER, |(at, _)| at.0))
            }
            (Ok(answer), Class::Other) if (400..=499).contains(&answer.status) => (Outcome::Refused, NEVER),
            (Err(NoAnswer::Unreachable { .. }), _) => (Outcome::Refused, NEVER),
            (_, _) => (Outcome::Unknown, NEVER),
        };
        let returned = if outcome == Outcome::Unknown { NEVER } else { returned };
        self.history.push(Operation { key, outcome, invoked, returned, refers_to });
    }

    fn hand_over_if_idle(&mut self) {
        if self.samples.len() >= SAMPLES / 8 {
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        self.shared.measured.lock().unwrap_or_else(PoisonError::into_inner).take(&self.samples);
        self.samples.clear();
    }
}
