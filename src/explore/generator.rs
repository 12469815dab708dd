//! Sequences: random steps, each with what a right receiver answers to it.
//!
//! In: an alphabet, dice, and how often what was seen. Out: steps in the
//! language of scenarios. What a letter does to a key, and what must come of
//! it, is here; whether contract and reference agree with it is asked later
//! (`vetting`), so that nothing is judged that is not promised.

use super::coverage::{Coverage, Pair};
use super::keys::{Key, Now, Since, Standing};
use super::letters::{Form, Letter};
use super::promises::Promises;
use super::streams::{Client, Topic};
use crate::contract::Contract;
use crate::random::Rng;
use crate::scenario::deliver::{Burst, BurstBodies, Deliver};
use crate::scenario::expect::{AnswerCheck, Expect};
use crate::scenario::{Counts, Repeat, Restart, Step, Times, UnderWay};

/// A key that was used last is used again so often of a hundred times.
const STAYS: usize = 55;
/// So often of a hundred an honest delivery follows what was refused, cut or failed.
const FOLLOWS: usize = 80;
/// So often of a hundred a delivery is special in two ways.
const IN_TWO_WAYS: usize = 12;
/// So many keys are kept in mind; older ones are left alone.
const KEYS: usize = 12;

/// What sequences are made from.
pub struct Generator<'a> {
    /// The promise.
    pub contract: &'a Contract,
    /// What the suite says of kinds of steps.
    pub promises: &'a Promises,
    /// The kinds of steps.
    pub letters: &'a [Letter],
    /// The receiver's TTL in seconds.
    pub ttl: Option<u64>,
}

/// A sequence in the making.
pub struct Sequence<'a> {
    pub(super) generator: &'a Generator<'a>,
    pub(super) rng: &'a mut Rng,
    pub(super) steps: Vec<Step>,
    /// Of each step, the letter that it belongs to.
    pub(super) kinds: Vec<Pair>,
    pub(super) keys: Vec<Key>,
    /// The deliveries that were accepted, each with a key of its own, in their order.
    pub(super) accepted: Vec<String>,
    pub(super) now: Now,
    /// When the first delivery of the present lives was sent.
    pub(super) began: Option<u64>,
    /// Its event streams, which one the next step is about, and their clients.
    pub(super) topics: Vec<Topic>,
    pub(super) topic: Option<usize>,
    pub(super) clients: Vec<Client>,
    pub(super) opened: usize,
    names: usize,
    looks: usize,
    current: Option<Pair>,
}

impl Generator<'_> {
    /// Makes one sequence of about so many steps.
    ///
    /// * `share`: how often a letter is taken in this one, beside what it weighs: those that need the receiver alone (time,
    ///   restarts, counts) have sequences of their own.
    pub fn sequence(&self, rng: &mut Rng, steps: usize, coverage: &Coverage, share: &dyn Fn(&Letter) -> f64) -> (Vec<Step>, Vec<Pair>) {
        let letters: Vec<Letter> = self
            .letters
            .iter()
            .map(|letter| Letter { weight: letter.weight * share(letter), ..letter.clone() })
            .filter(|letter| letter.weight > 0.0)
            .collect();
        let letters: Vec<&Letter> = letters.iter().collect();
        let mut sequence = Sequence {
            generator: self,
            rng,
            steps: Vec::new(),
            kinds: Vec::new(),
            keys: Vec::new(),
            accepted: Vec::new(),
            now: Now::default(),
            began: None,
            topics: Vec::new(),
            topic: None,
            clients: Vec::new(),
            opened: 0,
            names: 0,
            looks: 0,
            current: None,
        };
        // Letters that fit nowhere at the moment cost a try each.
        for _ in 0..steps.saturating_mul(4) {
            if sequence.steps.len() >= steps {
                break;
            }
            sequence.letter(&letters, coverage);
        }
        (sequence.steps, sequence.kinds)
    }
}

impl Sequence<'_> {
    fn letter(&mut self, letters: &[&Letter], coverage: &Coverage) {
        let key = self.a_key();
        let standing = key.map_or(Some(Standing::Unknown), |at| self.keys[at].standing_at(self.now));
        let Some(standing) = standing else { return };
        self.choose_topic();
        // What is done with a stream hangs on how that one stands.
        let standing_of = |one: &Self, letter: &Letter| {
            if let Form::Stream(what) = &letter.form { one.topic_standing(*what) } else { standing }
        };
        let weights: Vec<f64> = letters
            .iter()
            .map(|letter| {
                if self.fits(letter, key, standing) { letter.weight * coverage.want(&letter.kind, standing_of(self, letter)) } else { 0.0 }
            })
            .collect();
        if weights.iter().all(|weight| *weight == 0.0) {
            return;
        }
        let Some(letter) = self.rng.weighted(&weights).and_then(|at| letters.get(at)) else { return };
        self.current = Some((letter.kind.clone(), standing_of(self, letter)));
        self.write(letter, key, standing, letters);
        let troubled = matches!(
            letter.form,
            Form::Refused(..)
                | Form::Cut(..)
                | Form::Failing
                | Form::Lost(..)
                | Form::Odd(..)
                | Form::OddKey(..)
                | Form::OddLife(..)
                | Form::OddWith(..)
        );
        if troubled && self.rng.percent(FOLLOWS) {
            self.follow();
        }
        // What another body has done is seen at the first one.
        if let (Form::OtherBody(_) | Form::Elsewhere, Some(at), true) = (&letter.form, key, self.rng.percent(FOLLOWS)) {
            let shows = self.generator.promises.shows(&["duplicate_of"]);
            self.honest(&shows, &Deliver::default(), Some(at), Standing::Live);
        }
        self.keys.drain(..self.keys.len().saturating_sub(KEYS));
    }

    /// The key of the next delivery; none for one that nobody has seen.
    fn a_key(&mut self) -> Option<usize> {
        if self.keys.is_empty() || self.rng.percent(30) {
            return None;
        }
        Some(if self.rng.percent(STAYS) { self.keys.len() - 1 } else { self.rng.below(self.keys.len()) })
    }

    /// Whether a letter can be written of a key that stands so.
    fn fits(&self, letter: &Letter, key: Option<usize>, standing: Standing) -> bool {
        let is_plain = key.is_none_or(|at| self.keys[at].is_plain);
        let is_live = standing == Standing::Live;
        match &letter.form {
            Form::Honest(_) => is_plain || is_live || standing == Standing::Refused || standing == Standing::Open,
            Form::Refused(deliver, _) => {
                // A key that cannot be used may be told before anything else.
                let is_odd = key.is_some_and(|at| standing == Standing::Open && self.keys[at].since == Since::OddKey);
                let has_a_body = deliver.raw.is_some() || deliver.hex.is_some() || deliver.json.is_some();
                standing == Standing::Unknown || !(is_odd || has_a_body)
            }
            Form::Body(_) => matches!(standing, Standing::Unknown | Standing::Refused | Standing::Expired) && is_plain,
            Form::Odd(deliver, _) | Form::OddWith(deliver, ..) => {
                let has_a_body = deliver.raw.is_some() || deliver.hex.is_some() || deliver.fill.is_some() || deliver.random_bytes.is_some();
                standing == Standing::Unknown || (standing == Standing::Refused && is_plain && !has_a_body)
            }
            Form::Key(_) | Form::OddKey(..) | Form::Alike { .. } | Form::OwnLife(_) | Form::OddLife(..) => standing == Standing::Unknown,
            Form::Lost(..) => matches!(standing, Standing::Unknown | Standing::Live | Standing::Refused) && is_plain,
            Form::Cut(..) | Form::Failing => standing == Standing::Unknown,
            Form::OtherBody(_) | Form::Respelled | Form::Elsewhere => {
                is_live && is_plain && key.is_some_and(|at| self.keys[at].since == Since::Delivered && !self.keys[at].is_told)
            }
            Form::Again(_) => is_live,
            Form::Burst(_) | Form::Crowd(_) | Form::Restart(_) | Form::BreakIn => true,
            Form::Advance(_) => !self.keys.is_empty(),
            Form::Look(_) => self.can_look(&letter.form, key, standing),
            Form::Stream(what) => self.fits_stream(*what),
        }
    }

    /// A name that no delivery has yet.
    pub(super) fn name(&mut self) -> String {
        self.names += 1;
        format!("d{}", self.names)
    }

    /// A name for a look.
    pub(super) fn look_name(&mut self) -> String {
        self.looks += 1;
        format!("before{}", self.looks)
    }

    /// Adds a step.
    pub(super) fn push(&mut self, shows: &[String], step: Step) {
        let kind = self.current.clone().unwrap_or_else(|| ("plain".to_owned(), Standing::Unknown));
        self.steps.push(Step { shows: shows.to_vec(), name: Some(name_of(&kind)), ..step });
        self.kinds.push(kind);
    }

    /// Writes the steps of a letter.
    fn write(&mut self, letter: &Letter, key: Option<usize>, standing: Standing, letters: &[&Letter]) {
        let shows = &letter.shows;
        match &letter.form {
            Form::Honest(deliver) => {
                let deliver = self.in_two_ways(deliver, letters);
                self.honest(shows, &deliver, key, standing);
            }
            Form::Body(deliver) | Form::Key(deliver) => self.honest(shows, deliver, key, standing),
            Form::OwnLife(life) => self.honest(shows, &Deliver { ttl: Some(*life), ..Deliver::default() }, key, standing),
            Form::Refused(deliver, expect) => {
                let deliver = self.in_two_ways(deliver, letters);
                self.refused(shows, &deliver, expect, key, standing);
            }
            Form::Odd(deliver, others) => self.odd(shows, deliver, others, (key, Since::OddWay), &[]),
            Form::OddWith(deliver, others, statuses) => self.odd(shows, deliver, others, (key, Since::OddWay), statuses),
            Form::OddLife(deliver, others) => self.odd(shows, deliver, others, (key, Since::OddLife), &[]),
            Form::OddKey(deliver, others) => self.odd(shows, deliver, others, (key, Since::OddKey), &[]),
            Form::Lost(deliver, expect) => self.lost(shows, deliver, expect, key, standing),
            Form::Cut(deliver, expect) => self.broken(shows, deliver, expect, Since::Cut),
            Form::Failing => {
                let deliver = Deliver { provoke_failure: true, ..Deliver::default() };
                self.broken(shows, &deliver, &Expect::Failed, Since::Failed);
            }
            Form::OtherBody(deliver) => self.other_body(shows, deliver, key),
            Form::Respelled => self.respelled(shows, key),
            Form::Elsewhere => self.elsewhere(shows, key),
            Form::Alike { base, each } => self.alike(shows, base, each),
            Form::Again(times) => self.again(shows, *times, key),
            Form::Burst(burst) => {
                let (name, each) = (self.name(), burst.each);
                let rivals = burst.bodies == BurstBodies::Unlike;
                let repeated = each.saturating_sub(1);
                let counts = match (each, rivals) {
                    (1, _) => Counts { accepted: Some(1), duplicate: Some(0), other: Some(0), ..Counts::default() },
                    (_, true) => Counts { accepted: Some(1), rivals: Some(repeated), other: Some(0), ..Counts::default() },
                    (_, false) => Counts { accepted: Some(1), repeated: Some(repeated), other: Some(0), ..Counts::default() },
                };
                let burst = Burst { name: Some(name.clone()), ..burst.clone() };
                self.push(shows, Step { burst: Some(burst), counts: Some(counts), ..Step::default() });
                if self.rng.percent(50) {
                    self.rows_of_burst(&name);
                }
            }
            Form::Crowd(rounds) => {
                let burst =
                    Burst { name: None, keys: 100, keys_of: None, each: 1, deliver: Deliver::default(), bodies: BurstBodies::Alike };
                let counts = Counts { accepted: Some(1), ..Counts::default() };
                let inner = Step { burst: Some(burst), counts: Some(counts), shows: shows.clone(), ..Step::default() };
                self.push(&[], Step { repeat: Some(Repeat { times: Times::Rounds(*rounds), steps: vec![inner] }), ..Step::default() });
                if key.is_some() && standing == Standing::Live {
                    self.honest(shows, &Deliver::default(), key, standing);
                }
            }
            Form::Advance(by) => self.advance(by),
            Form::Restart(kill) => {
                let is_read = self.reads_before_a_restart();
                self.push(&[], Step { restart: Some(Restart { kill: *kill, under_way: None }), ..Step::default() });
                // What was remembered must be, and what a restart has done is asked at once.
                let shows = self.generator.promises.shows(&["restarted:duplicate_of"]);
                let live = (0..self.keys.len()).rev().find(|at| self.keys[*at].standing_at(self.now) == Some(Standing::Live));
                match live {
                    Some(at) => self.honest(&shows, &Deliver::default(), Some(at), Standing::Live),
                    None => self.honest(&self.generator.promises.shows(&["accepted"]), &Deliver::default(), None, Standing::Unknown),
                }
                self.streams_end(is_read);
            }
            Form::BreakIn => {
                let restart = Restart { kill: self.rng.percent(50), under_way: Some(UnderWay { name: None, senders: 4, answers: 20 }) };
                self.push(shows, Step { restart: Some(restart), ..Step::default() });
                self.streams_end(false);
            }
            Form::Stream(what) => self.stream_move(shows, *what, letters),
            Form::Look(look) => self.look(shows, *look, key, standing),
        }
    }

    /// An honest delivery with the key of what was refused, cut or failed.
    fn follow(&mut self) {
        let Some(at) = self.keys.len().checked_sub(1) else { return };
        let Some(standing) = self.keys[at].standing_at(self.now) else { return };
        let shows = self.generator.promises.shows(&["after-refusal:accepted", "accepted"]);
        self.current = Some(("plain".to_owned(), standing));
        self.honest(&shows, &Deliver::default(), Some(at), standing);
        if self.rng.percent(50) && self.keys.get(at).and_then(|key| key.standing_at(self.now)) == Some(Standing::Live) {
            self.honest(&self.generator.promises.shows(&["duplicate_of"]), &Deliver::default(), Some(at), Standing::Live);
        }
    }

    /// The delivery, special in a second way now and then.
    pub(super) fn in_two_ways(&mut self, deliver: &Deliver, letters: &[&Letter]) -> Deliver {
        if !self.rng.percent(IN_TWO_WAYS) {
            return deliver.clone();
        }
        let honest: Vec<&Deliver> = letters
            .iter()
            .filter_map(|letter| match &letter.form {
                Form::Honest(more) if more.fault.is_none() && more.signature.is_none() => Some(more),
                _ => None,
            })
            .collect();
        let more = self.rng.pick(&honest).copied();
        let faulty = deliver.fault.is_some();
        more.filter(|_| !faulty).and_then(|more| super::pruned::laid_over(deliver, more)).unwrap_or_else(|| deliver.clone())
    }

    /// What an answer is held against beside its outcome, now and then.
    pub(super) fn checks(&mut self, refused_of: Option<&str>) -> Option<AnswerCheck> {
        let says_nothing_of = refused_of.filter(|_| self.generator.promises.know("answer:says_nothing_of") && self.rng.percent(60));
        let reveals_nothing = self.generator.promises.know("answer:reveals_nothing") && self.rng.percent(25);
        let check = AnswerCheck { says_nothing_of: says_nothing_of.map(str::to_owned), reveals_nothing, ..AnswerCheck::default() };
        (reveals_nothing || says_nothing_of.is_some()).then_some(check)
    }
}

/// What a pair is called where its step is told of.
fn name_of((kind, standing): &Pair) -> String {
    format!("{kind}, {}", standing.name())
}

/// The pair that a step was made for, by its name; a plain one where it says nothing of the kind.
#[must_use]
pub fn pair_in(step: &Step) -> Pair {
    let known = |name: &str| Standing::ALL.into_iter().find(|one| one.name() == name);
    let told = step.name.as_deref().and_then(|name| name.rsplit_once(", "));
    told.and_then(|(kind, standing)| Some((kind.to_owned(), known(standing)?))).unwrap_or_else(|| ("other".to_owned(), Standing::Unknown))
}
