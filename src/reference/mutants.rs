//! What each defect does, at the hooks of the reference.
//!
//! One defect at a time: [`Mutant`] holds its name, and every hook asks whether
//! it is its own.

mod answers;
mod beside;
mod claim;
mod contract;
mod door;
mod keys;
mod loosely;
mod passing;
mod rows;
mod signed;
mod streams;

pub use contract::misread_contract;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::defect::Defect;
use super::hooks::{Answering, Around, GoesOn, Hooks};
use super::store::{Acceptance, First};
use super::streaming::Logged;
use crate::clock::UnixMicros;
use crate::contract::outcome::Refusal;
use crate::contract::tables::StateTables;
use crate::contract::{Contract, Endpoint};
use crate::delivery::{Answer, Delivery};
use crate::message::member_text;
use crate::reference::mutants::answers::failure;
use crate::reference::mutants::beside::Beside;
use crate::reference::mutants::claim::Claim;

/// How many later keys one defect remembers a key among.
const FEW_KEYS: usize = 500;
/// How close together deliveries are that a racing receiver gets wrong.
const RACE: Duration = Duration::from_millis(30);
/// How long an answer is held back that comes too late.
const TOO_LATE: Duration = Duration::from_secs(3);
/// Rivals in few scenarios only: so late that no machine is busy enough to take the blame.
const FAR_TOO_LATE: Duration = Duration::from_secs(6);
/// Where two defects think that a body ends.
const HALF_A_MEBIBYTE: usize = 512 << 10;

/// Hooks with one defect in them.
pub struct Mutant {
    defect: Defect,
    tables: Option<StateTables>,
    recent: VecDeque<String>,
    duplicates: BTreeMap<String, usize>,
    refusals: BTreeMap<String, Answer>,
    oldest: BTreeMap<String, First>,
    accepted: u64,
    answered: u64,
    last_ttl: Option<u64>,
    /// Whether the delivery under way found its key marked a moment ago.
    races: bool,
    pause: Duration,
    refused: bool,
    odd_ttl: bool,
    /// Whether the delivery under way came in a way that is not checked.
    unverified: bool,
    /// Where deliveries are taken to the letter.
    endpoint: Endpoint,
    /// What is remembered beside the rows.
    beside: Beside,
    /// Events that one subscriber has taken from the others.
    told: BTreeSet<(String, i64)>,
}

impl Mutant {
    /// Hooks with `defect` in them, for a receiver of `contract`.
    #[must_use]
    pub fn new(defect: Defect, contract: &Contract) -> Self {
        let (tables, endpoint) = (contract.state.clone(), contract.endpoint.clone());
        let (recent, duplicates, refusals, oldest) = Default::default();
        let (accepted, answered, last_ttl, races, pause, refused, odd_ttl, unverified) = Default::default();
        let (beside, told) = Default::default();
        Self {
            defect,
            tables,
            recent,
            duplicates,
            refusals,
            oldest,
            accepted,
            answered,
            last_ttl,
            races,
            pause,
            refused,
            odd_ttl,
            unverified,
            endpoint,
            beside,
            told,
        }
    }

    fn is(&self, name: &str) -> bool {
        debug_assert!(Defect::named(name).is_some(), "{name} is not in the catalogue");
        self.defect.name == name
    }
}

impl Hooks for Mutant {
    fn read(&mut self, delivery: &Delivery) -> Option<Delivery> {
        (self.races, self.pause) = (false, Duration::ZERO);
        let mut read = delivery.clone();
        if self.is("own-ttl-ignored") {
            read.headers.retain(|line| !line.name.eq_ignore_ascii_case("x-idempotency-ttl"));
        }
        if self.is("other-methods-accepted") && matches!(delivery.method.as_str(), "PUT" | "PATCH" | "DELETE" | "GET") {
            read.method = "POST".to_owned();
        }
        let own_ttl = delivery.header("x-idempotency-ttl").map(|ttl| String::from_utf8_lossy(ttl).into_owned());
        self.odd_ttl = self.is("odd-ttl-stored-as-null") && own_ttl.is_some_and(|ttl| ttl.parse::<u32>().map_or(true, |ttl| ttl == 0));
        if self.odd_ttl {
            read.headers.retain(|line| !line.name.eq_ignore_ascii_case("x-idempotency-ttl"));
        }
        if self.is("form-parser-eats-body") && delivery.header("content-type").is_some_and(|kind| kind.ends_with(b"-www-form-urlencoded")) {
            read.body = Bytes::new();
        }
        if self.is("chunked-read-as-empty") && delivery.header("transfer-encoding").is_some() {
            read.body = Bytes::new();
        }
        if self.is("long-body-is-cut") {
            read.body.truncate(HALF_A_MEBIBYTE);
        }
        let lines = |name: &str| delivery.header_values(name).count();
        if self.is("first-signature-line-wins") && lines("x-signature") > 1 {
            let first = delivery.headers.iter().position(|line| line.name.eq_ignore_ascii_case("x-signature"));
            let mut at = 0..;
            read.headers.retain(|line| at.next() == first || !line.name.eq_ignore_ascii_case("x-signature"));
        }
        if self.is("last-signature-line-wins") && lines("x-signature") > 1 {
            let last = delivery.headers.iter().rposition(|line| line.name.eq_ignore_ascii_case("x-signature"));
            let mut at = 0..;
            read.headers.retain(|line| at.next() == last || !line.name.eq_ignore_ascii_case("x-signature"));
        }
        self.read_by_another_way(delivery, &mut read);
        (read != *delivery).then_some(read)
    }

    fn is_at(&self, path: &str, endpoint: &str) -> bool {
        self.finds(path, endpoint)
    }

    fn key(&mut self, read: Result<String, Refusal>, delivery: &Delivery) -> Result<String, Refusal> {
        let raw = || delivery.header("idempotency-key").map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default();
        match read {
            Err(Refusal::MissingKey) if self.is("missing-key-passes") => Ok("none".to_owned()),
            Err(Refusal::EmptyKey) if self.is("empty-key-passes") => Ok(String::new()),
            Err(Refusal::UnusableKey) if self.is("key-cut-at-255") && raw().is_ascii() => Ok(raw().chars().take(255).collect()),
            Err(Refusal::UnusableKey) if self.is("number-is-its-text") => {
                member_text(&delivery.body, "event.id").ok_or(Refusal::UnusableKey)
            }
            Err(Refusal::UnusableKey) if self.odd_key(delivery).is_some() => Ok(self.odd_key(delivery).unwrap_or_default()),
            other => self.key_otherwise(other, delivery),
        }
    }

    fn reads_one_at_a_time(&self) -> bool {
        self.is("slow-sender-holds-up-others")
    }

    fn says_too_much(&self) -> bool {
        self.is("says-more-than-the-answer")
    }

    fn verified(&mut self, honest: Result<(), Refusal>, around: Around<'_>) -> Result<(), Refusal> {
        let Some(signer) = around.signer else { return honest };
        if self.unverified {
            return Ok(());
        }
        if let Some(said) = self.said_of(honest, around, signer) {
            return said;
        }
        let claim = Claim::of(around, signer);
        let passes = match honest {
            Ok(()) if self.is("right-signature-refused") => return Err(Refusal::Signature),
            Ok(()) if self.signs_otherwise() => claim.each().iter().any(|one| one.holds_over(&self.signed_body(around))),
            Ok(()) => return Ok(()),
            // Of two lines none is looked at by whoever does not make it a habit.
            Err(_) if claim.stands_twice(around) && !self.is("any-signature-passes") => false,
            Err(_) => {
                let counts = self.time_counts(around, signer);
                claim.each().iter().any(|one| self.lets_pass(one, around, counts))
            }
        };
        if passes { Ok(()) } else { honest.and(Err(Refusal::Signature)) }
    }

    fn looks_up_first(&self) -> bool {
        self.is("looks-up-before-signature")
    }

    fn identity(&mut self, key: String, sha256: &str) -> String {
        if self.is("body-alone-identifies") {
            return sha256.to_owned();
        }
        if self.is("key-and-body-identify") { format!("{key} {}", &sha256[..16]) } else { key }
    }

    fn found(&mut self, first: Option<First>, around: Around<'_>) -> Option<First> {
        let first = self.found_beside(first, around);
        let key = around.key.to_owned();
        self.races = first.as_ref().is_some_and(|first| around.now.since(first.ts) < RACE);
        if self.races && self.is("checks-then-marks") {
            return None;
        }
        if self.is("forgets-among-many-others") && !self.recent.contains(&key) {
            return None;
        }
        if first.is_some() {
            let duplicates = self.duplicates.entry(key.clone()).or_default();
            *duplicates += 1;
            if *duplicates > 1 && self.is("only-first-duplicate-is-known") {
                return None;
            }
        }
        if self.is("duplicate-refers-to-oldest-row") {
            return first.map(|first| self.oldest.get(&key).cloned().unwrap_or(first));
        }
        first
    }

    fn rival(&mut self, rival: Option<String>, around: Around<'_>) -> Option<String> {
        self.rival_beside(rival, around)
    }

    fn marks_failed(&self) -> bool {
        self.is("failure-is-remembered-as-acceptance") || self.is("failure-leaves-an-audit-row")
    }

    fn instant(&mut self, ts: UnixMicros) -> UnixMicros {
        self.accepted += 1;
        let hours = |hours: i64| UnixMicros(ts.0 + hours * 3_600_000_000);
        if self.is("audit-in-local-time") {
            return hours(2);
        }
        if self.is("clock-goes-back") && self.accepted.is_multiple_of(2) { UnixMicros(ts.0 - 3_000_000) } else { ts }
    }

    fn ttl(&mut self, ttl: Option<u64>) -> Option<u64> {
        if self.is("ttl-in-minutes") {
            return ttl.map(|ttl| (ttl / 60).max(1));
        }
        if self.is("ttl-of-an-hour") {
            return ttl.map(|_| 3_600);
        }
        if self.is("own-ttl-for-all") {
            let usual = self.last_ttl.or(ttl);
            self.last_ttl = ttl.filter(|ttl| *ttl != 86_400).or(self.last_ttl);
            return if ttl == Some(86_400) { usual } else { ttl };
        }
        ttl
    }

    fn acceptance(&mut self, acceptance: &mut Acceptance, around: Around<'_>) {
        self.writes_otherwise(acceptance, around);
        self.publishes_otherwise(acceptance);
    }

    fn goes_on(&self) -> GoesOn {
        self.goes_on_otherwise()
    }

    fn tells_of_gaps(&self) -> bool {
        !self.is("unknown-id-is-a-silent-gap")
    }

    fn tells_of_evictions(&self) -> bool {
        !self.is("evicted-id-is-a-silent-gap")
    }

    fn ends_streams(&self) -> bool {
        !self.is("finished-stream-is-empty-for-ever")
    }

    fn tells(&mut self, event: &Logged) -> bool {
        !self.is("subscribers-share-one-queue") || self.told.insert((event.stream.clone(), event.id))
    }

    fn event(&mut self, written: String, event: &Logged) -> String {
        self.event_otherwise(written, event)
    }

    fn retry(&self, millis: String) -> String {
        if self.is("retry-is-not-a-number") { format!("{millis} ms") } else { millis }
    }

    fn ping(&self, usual: &'static str) -> Cow<'static, str> {
        self.ping_otherwise(usual)
    }

    fn holds_back(&self, gzip: bool) -> bool {
        self.is("stream-is-buffered-to-its-end") || (gzip && self.is("gzip-is-buffered"))
    }

    fn may_be_cached(&self) -> bool {
        self.is("stream-may-be-cached")
    }

    fn frees_places(&self) -> bool {
        !self.is("place-is-never-free-again")
    }

    fn waits_for_the_slowest(&self) -> bool {
        self.is("slow-reader-blocks-all") || self.answers_behind_readers()
    }

    fn answers_behind_readers(&self) -> bool {
        self.is("slow-reader-blocks-answers")
    }

    fn writes_refused(&self, why: Refusal, key: &str) -> Option<String> {
        let signature = matches!(why, Refusal::Signature | Refusal::MalformedSignature | Refusal::MissingSignature);
        let uses_up = (why == Refusal::Body && self.is("cut-body-uses-key-up"))
            || (why == Refusal::MissingSignature && self.is("missing-signature-uses-key-up"))
            || (why == Refusal::MalformedSignature && self.is("malformed-signature-uses-key-up"));
        if uses_up || (why == Refusal::StaleSignature && self.is("stale-delivery-uses-key-up")) {
            return Some(key.to_owned());
        }
        if signature && (self.is("refused-signature-uses-key-up") || self.is("marks-before-signature")) {
            return Some(key.to_owned());
        }
        ((signature && self.is("rows-for-refusals")) || (why == Refusal::OtherBody && self.is("other-body-writes-rows")))
            .then(|| format!("{key} refused"))
    }

    fn works_again(&mut self, what: Answering, around: Around<'_>) -> Option<Duration> {
        self.works_for(what, around)
    }

    fn answer(&mut self, what: Answering, answer: Answer, around: Around<'_>) -> Answer {
        self.answered += 1;
        self.answering_beside(what, around);
        if self.is("every-hundredth-gives-503") && self.answered.is_multiple_of(100) {
            return Answer { status: 503, ..failure() };
        }
        self.refused |= match what {
            Answering::Refused(Refusal::Signature) => self.is("unwell-after-a-refusal"),
            Answering::Refused(Refusal::Body) => self.is("unwell-after-a-cut-body"),
            Answering::Refused(_) | Answering::Accepted | Answering::Duplicate | Answering::InFlight | Answering::Failed => false,
        };
        self.pause = match what {
            Answering::Accepted if self.is_a_race() => RACE,
            Answering::Accepted if self.is("event-before-row-and-answer") => self.pause,
            Answering::Duplicate if self.races && self.is("loser-waits") => FAR_TOO_LATE,
            Answering::Duplicate if self.is("first-duplicate-is-slow") && self.duplicates.get(around.key) == Some(&1) => TOO_LATE,
            Answering::Accepted | Answering::Duplicate | Answering::InFlight | Answering::Failed | Answering::Refused(_) => Duration::ZERO,
        };
        let keeps = self.is("refusal-is-repeated")
            || (self.is("refusal-of-another-body-is-kept") && !matches!(what, Answering::Refused(why) if why != Refusal::OtherBody));
        if keeps && !around.key.is_empty() {
            return match what {
                Answering::Refused(_) => self.refusals.entry(around.key.to_owned()).or_insert(answer).clone(),
                Answering::Accepted | Answering::Duplicate | Answering::InFlight | Answering::Failed => {
                    self.refusals.get(around.key).cloned().unwrap_or(answer)
                }
            };
        }
        match what {
            Answering::Accepted => self.accepted_answer(answer, around),
            Answering::Duplicate => self.duplicate_answer(answer, around),
            Answering::InFlight => self.in_flight_answer(answer),
            Answering::Failed => answer,
            Answering::Refused(why) => self.refused_answer(why, answer, around),
        }
    }

    fn pause(&self) -> Duration {
        self.pause
    }

    fn is_well(&self) -> bool {
        !self.refused
    }
}

fn reserialised(body: &[u8]) -> Vec<u8> {
    serde_json::from_slice::<Value>(body).map_or_else(|_| body.to_vec(), |value| value.to_string().into_bytes())
}
