//! What all users of a load share: what is sent, when, and where what comes of it is put.
//!
//! Read by all, or counted in atomics; the lists are locked only when a user
//! hands a thousand of something over.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, oneshot};

use super::body::BodyTemplate;
use super::feed::feeding::Feeding;
use super::first_members::FirstMembers;
use super::followed::Followed;
use super::forged::Forged;
use super::measure::Measurement;
use super::mix::Mix;
use super::part::{Part, Steering};
use super::rate_profile::{Arrivals, Gaps, Model, RateProfile};
use super::streams::Streams;
use super::tally::Tally;
use super::unexpected::Wrongs;
use super::{LoadError, Plan, tally};
use crate::clock::{Clock as _, Moment, SystemClock, UnixMicros};
use crate::contract::Contract;
use crate::contract::outcome::MemberValue;
use crate::history::consistency::Operation;
use crate::history::consistency::parts::number_of;
use crate::outcome::reader::Reader;
use crate::random::Rng;
use crate::session::series::Series;
use crate::transport::Target;

/// Whoever waits looks so often whether the load has been stopped.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Who is ahead of the loads beside it looks so often whether it may go on.
const LOOK_FOR_SHARE: Duration = Duration::from_millis(1);
/// What was due and could not be sent is sent so long after the end of sending at the most: a moment in which a busy
/// machine did not run us takes nothing from the load, and a receiver that is too slow is not loaded any longer.
const LAST_CALL: Duration = Duration::from_millis(500);
/// What all users share.
pub struct Shared {
    /// The promise.
    pub contract: Arc<Contract>,
    /// Reads answers under it.
    pub reader: Reader,
    /// Where to.
    pub target: Target,
    /// What is sent, bodies aside: by the endpoints of the mix, or the contract's own.
    pub series: Vec<Series>,
    /// The bodies.
    pub bodies: BodyTemplate,
    /// What is delivered, where a feed says it.
    pub feeding: Option<Feeding>,
    /// How often which kind.
    pub mix: Mix,
    /// Whether an answer tells the hash of the body, so that it must be known.
    pub hashes: bool,
    /// What duplicates tell of the first delivery.
    pub firsts: FirstMembers,
    /// What the profile counts.
    pub model: Model,
    /// How many users, or deliveries a second, there are at each moment.
    pub profile: RateProfile,
    /// Random gaps of an open model.
    pub gaps: Option<Mutex<Gaps>>,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// What every key begins with.
    pub run_word: String,
    /// Who else has a hand in it.
    pub part: Part,
    /// The seed of what is random.
    pub seed: u64,
    /// Before it is warm-up: sent and judged, but not measured.
    pub warm_up: Duration,
    /// How many deliveries are sent at the most.
    pub most: u64,
    /// What was due and could not be sent by then is not sent any more.
    pub last_call: Duration,
    /// When it began.
    pub began: Moment,
    /// The same moment, by the machine's clock.
    pub began_at: UnixMicros,
    /// Ends it early.
    pub stop: AtomicBool,
    /// The keys that users have under way, for others to deliver at the same time.
    pub under_way: Vec<AtomicU32>,
    /// The burst that is forming: its key, and in the lower half how many are still to come.
    pub burst: AtomicU64,
    /// The next key's number.
    pub next_key: AtomicU32,
    /// The next user's number.
    pub next_user: AtomicU32,
    /// How many deliveries have been taken on.
    pub taken: AtomicU64,
    /// How many were sent late for the generator's own sake.
    pub late: AtomicU64,
    /// The longest that one was sent late for the generator's own sake, in microseconds.
    pub latest: AtomicU64,
    /// What each user has come to by now: what was measured is handed over later, and in lots.
    pub tallies: Vec<Tally>,
    /// How many were due when all users were waiting for answers.
    pub crowded: AtomicU64,
    /// How many went once more over a new connection: the history has them twice, they are one delivery each.
    pub resent: AtomicU64,
    /// What came behind answers.
    pub surplus: Followed,
    /// What was to be refused.
    pub forged: Forged,
    /// The first answers that should not have come.
    pub unexpected: Wrongs,
    /// Who reads of the deliveries on event streams.
    pub streams: Option<Arc<Streams>>,
    /// What was measured.
    pub measured: Mutex<Measurement>,
    /// What was sent and answered, a list a user.
    pub histories: Mutex<Vec<Vec<Operation>>>,
    /// How many users have come to their end, and a word to whoever waits for it.
    pub ended: (AtomicUsize, Notify),
    /// Whoever waits for an answer waits until its own is dropped.
    pub waiting: Mutex<Vec<oneshot::Sender<()>>>,
}

/// What the users of a plan share.
///
/// * `run_word`: what every key begins with.
pub(super) fn shared(
    plan: &Plan,
    series: Vec<Series>,
    bodies: BodyTemplate,
    (run_word, streams): (String, Option<Arc<Streams>>),
) -> Result<Shared, LoadError> {
    let life = plan.life().map(|life| Duration::from_micros(life.unsigned_abs()));
    let feeding = plan.feed.as_ref().map(|feed| Feeding::new(Arc::clone(feed), plan.mix.clone(), run_word.clone(), life, plan.seed));
    let feeding = feeding.transpose().map_err(|cause| LoadError::Feed(cause.to_string()))?;
    let measured = Measurement::new(&plan.mix.names(), plan.warm_up).map_err(|cause| LoadError::Engine(cause.to_string()))?;
    let began = Moment::now();
    // Users and subscribers have one clock.
    let began_at = streams.as_ref().map_or_else(|| SystemClock.now(), |streams| streams.instant(began));
    if let Some(streams) = &streams {
        streams.begin(began);
    }
    let gaps = (plan.arrivals == Arrivals::Poisson).then(|| Mutex::new(Gaps::new(plan.seed)));
    Ok(Shared {
        contract: Arc::clone(&plan.contract),
        reader: Reader::new(Arc::clone(&plan.contract)),
        target: plan.target.clone(),
        series,
        bodies,
        mix: plan.mix.clone(),
        hashes: answers_tell_hashes(&plan.contract),
        firsts: FirstMembers::of(plan),
        model: plan.model,
        profile: plan.profile.clone(),
        gaps,
        timeout: plan.timeout,
        feeding,
        run_word,
        part: plan.part.clone(),
        seed: plan.seed,
        warm_up: plan.warm_up,
        most: plan.most,
        last_call: plan.profile.length() + LAST_CALL.min(plan.drain),
        began,
        began_at,
        stop: AtomicBool::new(false),
        under_way: (0..plan.users).map(|_| AtomicU32::new(0)).collect(),
        burst: AtomicU64::new(0),
        next_key: AtomicU32::new(1),
        next_user: AtomicU32::new(0),
        taken: AtomicU64::new(0),
        late: AtomicU64::new(0),
        crowded: AtomicU64::new(0),
        resent: AtomicU64::new(0),
        latest: AtomicU64::new(0),
        tallies: std::iter::repeat_with(Tally::default).take(plan.users).collect(),
        surplus: Followed::default(),
        forged: Forged::default(),
        unexpected: Wrongs::default(),
        streams,
        measured: Mutex::new(measured),
        histories: Mutex::default(),
        ended: (AtomicUsize::new(0), Notify::new()),
        waiting: Mutex::default(),
    })
}

/// Whether an answer tells the hash of the body, so that it must be known.
pub(super) fn answers_tell_hashes(contract: &Contract) -> bool {
    let outcomes = &contract.outcomes;
    let members = outcomes
        .accepted
        .body
        .iter()
        .chain(outcomes.duplicate.iter().flat_map(|form| &form.body))
        .chain(outcomes.refused.values().flat_map(|one| &one.body));
    members
        .into_iter()
        .any(|member| matches!(&member.is, MemberValue::Text(text) if text.placeholders().any(|name| name.contains("sha256"))))
}

impl Shared {
    /// Whether what began then, counted from the load's beginning, belongs to what is measured.
    #[must_use]
    pub fn is_measured(&self, began: Duration) -> bool {
        began >= self.warm_up
    }

    /// How many deliveries were sent by now, and how many measured answers came.
    #[must_use]
    pub fn by_now(&self) -> (u64, u64) {
        (tally::sum(&self.tallies, Tally::sent), tally::sum(&self.tallies, Tally::measured))
    }

    /// How many deliveries were answered in all, and how many left and were never answered.
    #[must_use]
    pub fn answered_or_not(&self) -> (u64, u64) {
        (tally::sum(&self.tallies, Tally::answered), tally::sum(&self.tallies, Tally::unanswered))
    }

    /// What is sent with a key, its body aside.
    #[must_use]
    pub fn series_of(&self, key: u32) -> &Series {
        &self.series[self.mix.endpoint(number_of(key)).min(self.series.len() - 1)]
    }

    /// The key with this number.
    #[must_use]
    pub fn key(&self, number: u32) -> String {
        if let Some(written) = self.feeding.as_ref().and_then(|feeding| feeding.key(&self.contract, number_of(number))) {
            return written;
        }
        self.contract.key.unique_key(&self.run_word, u64::from(number_of(number)))
    }

    /// The body of a key's deliveries as it travels, before it is signed.
    #[must_use]
    pub fn body(&self, key: u32, word: &str) -> Bytes {
        // One body of them had room for the key, so all have.
        self.series_of(key).travelling_body(self.plain_body(key, word), &self.key(key)).unwrap_or_default()
    }

    /// The same before the key is put into it. Its size hangs on the key, so that a duplicate repeats its first delivery to the byte.
    #[must_use]
    pub fn plain_body(&self, key: u32, word: &str) -> Bytes {
        if let Some(feeding) = &self.feeding
            && let Some((line, _)) = feeding.line(number_of(key))
        {
            return line.body.unwrap_or_else(|| self.made_body(word, feeding.line_number(number_of(key))));
        }
        let size = self.bodies.size(Rng::new(self.seed, u64::from(key)).next_u64());
        let stream = self.streams.as_ref().map_or("", |streams| streams.name_of(key));
        self.bodies.body_on(word, stream, size)
    }

    /// A body that is made up for a line of a feed that has none.
    ///
    /// * `line`: what its size hangs on, so that a line repeats its body to the byte.
    #[must_use]
    pub fn made_body(&self, word: &str, line: u64) -> Bytes {
        self.bodies.body(word, self.bodies.size(Rng::new(self.seed, line).next_u64()))
    }

    /// The header lines of a key's own that a feed has.
    #[must_use]
    pub fn headers(&self, key: u32) -> Vec<(String, String)> {
        self.feeding.as_ref().map(|feeding| feeding.headers(&self.contract, number_of(key))).unwrap_or_default()
    }

    /// Microseconds since the epoch at a time of the load, by a clock that never goes back.
    #[must_use]
    pub fn instant(&self, since: Duration) -> i64 {
        self.began_at.plus(since).0
    }

    /// Joins the burst that is forming, if there is one: its key.
    #[must_use]
    pub fn join_burst(&self) -> Option<u32> {
        if self.burst.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let take = |word: u64| match word & 0xffff_ffff {
            0 => None,
            1 => Some(0),
            _ => Some(word - 1),
        };
        let before = self.burst.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).ok()?;
        u32::try_from(before >> 32).ok()
    }

    /// When the next delivery of an open model is due; none when the profile has come to its end.
    #[must_use]
    pub fn next_due(&self, number: u64) -> Option<Duration> {
        let count = match &self.gaps {
            None => number as f64,
            Some(gaps) => gaps.lock().unwrap_or_else(PoisonError::into_inner).next_count(),
        };
        self.profile.due(count).map(Duration::from_secs_f64)
    }

    /// Ends the load for all who still wait for an answer.
    pub fn give_up(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What a user waits for beside its answers: it comes when the load is given up.
    #[must_use]
    pub fn given_up(&self) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        receiver
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Whether somebody else says who delivers, and this user does not.
    #[must_use]
    pub fn is_out_of_turn(&self, number: usize) -> bool {
        self.part.steering.as_ref().is_some_and(|steering| steering.users() <= number)
    }

    /// Waits until a user of the closed model may deliver; false when it is not wanted any more.
    pub async fn wait_for_turn(&self, number: usize) -> bool {
        let now = self.began.elapsed().as_secs_f64();
        match &self.part.steering {
            Some(steering) => self.wait_until_called(steering, number).await,
            None => match self.profile.above(number as f64, now) {
                // Most of the time it is its turn already.
                Some(wanted) if wanted <= now => !self.is_stopped(),
                Some(wanted) => self.wait_until(Duration::from_secs_f64(wanted)).await,
                None => false,
            },
        }
    }

    /// Waits until one more delivery is not ahead of the loads beside this one; false when none is wanted any more.
    pub async fn wait_for_share(&self) -> bool {
        let Some(member) = &self.part.together else { return true };
        while !member.takes_one() {
            if self.is_over() {
                return false;
            }
            tokio::time::sleep(LOOK_FOR_SHARE).await;
        }
        true
    }

    /// Whether nothing more is to be sent.
    fn is_over(&self) -> bool {
        self.is_stopped() || self.taken.load(Ordering::Relaxed) >= self.most || self.began.elapsed() >= self.profile.length()
    }

    /// A user has come to its end: when all is sent, the loads beside this one do not wait for it.
    pub fn note_end_of_user(&self) {
        if let Some(member) = self.part.together.as_ref().filter(|_| self.is_over()) {
            member.end();
        }
        self.ended.0.fetch_add(1, Ordering::Release);
        self.ended.1.notify_one();
    }

    /// Waits until this user is called for; false when the load was stopped meanwhile.
    async fn wait_until_called(&self, steering: &Steering, number: usize) -> bool {
        loop {
            if self.is_stopped() || steering.is_over() {
                return false;
            }
            if number < steering.users() {
                return true;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Waits until `due`; false when the load was stopped meanwhile.
    pub async fn wait_until(&self, due: Duration) -> bool {
        loop {
            if self.is_stopped() {
                return false;
            }
            match due.checked_sub(self.began.elapsed()).filter(|left| !left.is_zero()) {
                None => return true,
                Some(left) => tokio::time::sleep(left.min(LOOK_AGAIN)).await,
            }
        }
    }
}
