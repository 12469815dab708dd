//! Deliveries of a sequence: what is sent with which key, what must come of it, and how the key stands afterwards.

use super::generator::Sequence;
use super::keys::{Key, Now, Since, Standing};
use super::spellings;
use crate::contract::{OtherBody, Refusals};
use crate::judge::span_of;
use crate::scenario::deliver::Deliver;
use crate::scenario::expect::{AnswerCheck, Expect};
use crate::scenario::lint::{Advance, read_advance};
use crate::scenario::{Repeat, Step, Times};
use crate::sign::tamper::Tamper;

/// So often of a hundred a duplicate is held against the one before it.
const ALIKE: usize = 40;
/// So much less may pass where a step ends within a life, in seconds.
const LEFT: u64 = 6;

impl Sequence<'_> {
    /// A delivery with a key, or with a fresh one.
    pub(super) fn with_key(&mut self, deliver: &Deliver, key: Option<usize>) -> (String, Deliver) {
        let name = self.name();
        self.began.get_or_insert(self.now.at);
        let mut deliver = Deliver { name: Some(name.clone()), ..deliver.clone() };
        if let Some(key) = key.and_then(|at| self.keys.get(at)) {
            if !deliver.no_key && deliver.key.is_none() {
                deliver.key_of = Some(key.brought_by.clone());
            }
            if !key.body_of.is_empty() && !has_body(&deliver) {
                deliver.body_of = Some(key.body_of.clone());
            }
        }
        (name, deliver)
    }

    /// Remembers a key that was not there before.
    fn bring(&mut self, name: &str, body_of: &str, (standing, since): (Standing, Since)) {
        self.keys.push(Key {
            brought_by: name.to_owned(),
            last: name.to_owned(),
            body_of: body_of.to_owned(),
            duplicate: None,
            standing,
            since,
            acceptances: 0,
            born: self.now.at,
            born_slack: self.now.slack,
            life: self.generator.ttl,
            is_plain: true,
            is_told: false,
        });
    }

    /// What was accepted, by the key that it came with.
    pub(super) fn taken(&mut self, name: &str, deliver: &Deliver, key: Option<usize>) {
        let life = deliver.ttl.or(self.generator.ttl);
        let at = match key {
            Some(at) => at,
            None => {
                self.bring(name, name, (Standing::Live, Since::Delivered));
                self.keys.len() - 1
            }
        };
        let now = self.now;
        let body_of = deliver.body_of.clone().unwrap_or_else(|| name.to_owned());
        if key.is_none() {
            self.accepted.push(name.to_owned());
        }
        if let Some(key) = self.keys.get_mut(at) {
            key.accepted(name, &body_of, (now, life));
        }
    }

    /// The requirements that a plain delivery shows, by what came before it.
    fn shows(&self, own: &[String], deliver: &Deliver, features: &[&str]) -> Vec<String> {
        let is_plain = super::promises::features_of(deliver).is_empty();
        let by_state = if is_plain { self.generator.promises.shows(features) } else { Vec::new() };
        if by_state.is_empty() { own.to_vec() } else { by_state }
    }

    /// An honest delivery, whatever its key has seen.
    pub(super) fn honest(&mut self, shows: &[String], deliver: &Deliver, key: Option<usize>, standing: Standing) {
        let (name, deliver) = self.with_key(deliver, key);
        let known = key.and_then(|at| self.keys.get(at)).cloned();
        let Some(known) = known.filter(|_| standing != Standing::Unknown) else {
            let answer = self.checks(None);
            self.push(shows, Step { deliver: Some(deliver.clone()), expect: Some(Expect::Accepted), answer, ..Step::default() });
            return self.taken(&name, &deliver, None);
        };
        match standing {
            Standing::Live => {
                let aged = if self.now.at > known.born { "aged:duplicate_of" } else { "duplicate_of" };
                let mut shows = self.shows(shows, &deliver, &[aged, "duplicate_of"]);
                let mut answer = self.checks(None);
                let before = known.duplicate.filter(|_| deliver.ttl.is_none() && self.generator.promises.know("answer:same_as"));
                if let Some(before) = before.filter(|_| self.rng.percent(ALIKE)) {
                    shows = self.generator.promises.shows(&["answer:same_as"]);
                    answer.get_or_insert_with(AnswerCheck::default).same_as = Some(before);
                }
                self.push(
                    &shows,
                    Step { deliver: Some(deliver), expect: Some(Expect::DuplicateOf(known.last)), answer, ..Step::default() },
                );
                if let Some(key) = key.and_then(|at| self.keys.get_mut(at)) {
                    key.duplicate = Some(name);
                }
            }
            Standing::Open => {
                let (deliver, expect) = opened(&known, deliver, self.generator.contract.refusals);
                self.push(shows, Step { deliver: Some(deliver), expect: Some(expect), ..Step::default() });
                if known.since != Since::OddKey {
                    // What it is by now hangs on what it was: it is left alone.
                    key.map(|at| self.keys.remove(at));
                }
            }
            Standing::InFlight if known.since == Since::Failed => {
                self.push(shows, Step { deliver: Some(deliver.clone()), expect: Some(Expect::AgainAfter(known.last)), ..Step::default() });
                if !self.generator.contract.replays_failures() {
                    self.taken(&name, &deliver, key);
                }
            }
            Standing::Unknown | Standing::Refused | Standing::Expired | Standing::InFlight => {
                let features = if standing == Standing::Expired { "aged:accepted" } else { "after-refusal:accepted" };
                let shows = self.shows(shows, &deliver, &[features, "accepted"]);
                self.push(&shows, Step { deliver: Some(deliver.clone()), expect: Some(Expect::Accepted), ..Step::default() });
                self.taken(&name, &deliver, key);
            }
        }
    }

    /// A delivery that is refused whatever its key.
    pub(super) fn refused(&mut self, shows: &[String], deliver: &Deliver, expect: &Expect, key: Option<usize>, standing: Standing) {
        let (name, deliver) = self.with_key(deliver, key);
        let first = key.and_then(|at| self.keys.get(at)).filter(|_| standing == Standing::Live).map(|key| key.last.clone());
        let answer = self.checks(first.as_deref().filter(|_| deliver.key_of.is_some()));
        let step = Step { deliver: Some(deliver.clone()), expect: Some(expect.clone()), answer, ..Step::default() };
        self.push(shows, step);
        let has_key = !deliver.no_key && deliver.key.is_none();
        if key.is_none() && has_key {
            // A body that was changed on its way may be no JSON any more.
            let changed = matches!(deliver.signature, Some(Tamper::BodyChanged | Tamper::MemberChanged | Tamper::InBody));
            let body_of = if has_body(&deliver) || changed || deliver.method_override.is_some() { "" } else { name.as_str() };
            self.bring(&name, body_of, (Standing::Refused, Since::Delivered));
        }
    }

    /// A delivery that may be refused, too.
    pub(super) fn odd(
        &mut self,
        shows: &[String],
        deliver: &Deliver,
        others: &[Expect],
        (key, odd): (Option<usize>, Since),
        statuses: &[u16],
    ) {
        let (name, deliver) = self.with_key(deliver, key);
        let expect = Expect::AnyOf(std::iter::once(Expect::Accepted).chain(others.iter().cloned()).collect());
        let mut answer = self.checks(None);
        if !statuses.is_empty() {
            answer.get_or_insert_with(AnswerCheck::default).status = statuses.to_vec();
        }
        self.push(shows, Step { deliver: Some(deliver.clone()), expect: Some(expect), answer, ..Step::default() });
        let since = match odd {
            _ if has_own_body(&deliver) => Since::OddBody,
            // A second line of a key makes none of another kind.
            Since::OddKey if deliver.second_key_line.is_some() => Since::OddWay,
            other => other,
        };
        match key.and_then(|at| self.keys.get_mut(at)) {
            Some(key) => {
                (key.standing, key.since, key.is_plain) = (Standing::Open, since, false);
                key.last = name;
            }
            None => {
                let body_of = if since == Since::OddBody { "" } else { name.as_str() };
                self.bring(&name, body_of, (Standing::Open, since));
            }
        }
    }

    /// A delivery whose answer is lost: it was taken all the same.
    pub(super) fn lost(&mut self, shows: &[String], deliver: &Deliver, expect: &Expect, key: Option<usize>, standing: Standing) {
        let (name, deliver) = self.with_key(deliver, key);
        self.push(shows, Step { deliver: Some(deliver.clone()), expect: Some(expect.clone()), ..Step::default() });
        if standing != Standing::Live {
            self.taken(&name, &deliver, key);
        }
    }

    /// A delivery that breaks off, or fails.
    pub(super) fn broken(&mut self, shows: &[String], deliver: &Deliver, expect: &Expect, since: Since) {
        let (name, deliver) = self.with_key(deliver, None);
        self.push(shows, Step { deliver: Some(deliver), expect: Some(expect.clone()), ..Step::default() });
        self.bring(&name, &name, (Standing::InFlight, since));
    }

    /// A live key with another body.
    pub(super) fn other_body(&mut self, shows: &[String], deliver: &Deliver, key: Option<usize>) {
        let Some(known) = key.and_then(|at| self.keys.get(at)).cloned() else { return };
        let (_, deliver) = self.with_key(deliver, key);
        self.push(shows, Step { deliver: Some(deliver), expect: Some(Expect::ReuseOf(known.last)), ..Step::default() });
        self.has_another(key);
    }

    /// Where another body is a delivery of its own, the key's rows tell nothing of either.
    fn has_another(&mut self, key: Option<usize>) {
        let is_new = self.generator.contract.other_body == OtherBody::New;
        if let Some(key) = key.and_then(|at| self.keys.get_mut(at)) {
            key.is_plain &= !is_new;
        }
    }

    /// A live key with the same JSON in another spelling.
    pub(super) fn respelled(&mut self, shows: &[String], key: Option<usize>) {
        let Some(known) = key.and_then(|at| self.keys.get(at)).cloned() else { return };
        let respell = Deliver { respell_of: Some(known.body_of.clone()), ..Deliver::default() };
        let (_, deliver) = self.with_key(&respell, key);
        self.push(shows, Step { deliver: Some(deliver), expect: Some(Expect::Respelled(known.last)), ..Step::default() });
        self.has_another(key);
    }

    /// A live key in another scope, once.
    pub(super) fn elsewhere(&mut self, shows: &[String], key: Option<usize>) {
        let Some(known) = key.and_then(|at| self.keys.get(at)).cloned() else { return };
        let (_, deliver) = self.with_key(&Deliver { elsewhere: true, ..Deliver::default() }, key);
        self.push(shows, Step { deliver: Some(deliver), expect: Some(Expect::ElsewhereOf(known.last)), ..Step::default() });
        if let Some(key) = key.and_then(|at| self.keys.get_mut(at)) {
            (key.is_plain, key.since) = (false, Since::OddWay);
        }
    }

    /// Keys that look alike, and their duplicates.
    pub(super) fn alike(&mut self, shows: &[String], base: &Deliver, each: &[(Deliver, Vec<Expect>)]) {
        let (name, base) = self.with_key(base, None);
        let any = |first: Expect, others: &[Expect]| {
            if others.is_empty() { first } else { Expect::AnyOf(std::iter::once(first).chain(others.iter().cloned()).collect()) }
        };
        let usual: &[Expect] = if base.over_longest { each.first().map_or(&[], |(_, others)| others) } else { &[] };
        let expect = any(Expect::Accepted, usual);
        self.push(shows, Step { deliver: Some(base.clone()), expect: Some(expect), ..Step::default() });
        let mut spelled = Vec::new();
        for (deliver, others) in each {
            let mut deliver = deliver.clone();
            deliver.key = deliver.key.map(|text| text.replace("{key:base}", &format!("{{key:{name}}}")));
            deliver.key_of = deliver.key_of.map(|_| name.clone());
            deliver.body_of = Some(name.clone());
            let (own, deliver) = self.with_key(&deliver, None);
            self.push(shows, Step { deliver: Some(deliver), expect: Some(any(Expect::Accepted, others)), ..Step::default() });
            spelled.push((own, others));
        }
        for (own, others) in spelled.into_iter().filter(|(_, others)| others.len() < 2) {
            let again = Deliver { key_of: Some(own.clone()), body_of: Some(name.clone()), ..Deliver::default() };
            let (_, again) = self.with_key(&again, None);
            let expect = any(Expect::DuplicateOf(own), others);
            self.push(shows, Step { deliver: Some(again), expect: Some(expect), ..Step::default() });
        }
    }

    /// A duplicate, so many times in a row.
    pub(super) fn again(&mut self, shows: &[String], times: u32, key: Option<usize>) {
        let Some(known) = key.and_then(|at| self.keys.get(at)).cloned() else { return };
        let (_, deliver) = self.with_key(&Deliver::default(), key);
        let deliver = Deliver { name: None, ..deliver };
        let inner =
            Step { deliver: Some(deliver), expect: Some(Expect::DuplicateOf(known.last)), shows: shows.to_vec(), ..Step::default() };
        self.push(&[], Step { repeat: Some(Repeat { times: Times::Rounds(times), steps: vec![inner] }), ..Step::default() });
    }

    /// Time passes.
    pub(super) fn advance(&mut self, by: &str) {
        let Ok(read) = read_advance(by) else { return };
        let span = span_of(&read, self.generator.ttl.unwrap_or(0), self.generator.contract.lease()).as_secs();
        let span = match read {
            // A step that ends within a life counts from the first delivery of the life.
            Advance::TtlMinus(_) => {
                self.now.slack += LEFT;
                let spent = self.began.map(|began| self.now.at.saturating_sub(began)).filter(|spent| *spent < span);
                span.saturating_sub(spent.unwrap_or(0))
            }
            Advance::TtlPlus(_) => {
                self.began = None;
                span
            }
            Advance::Span(_) | Advance::TtlOver(_) | Advance::LeasePlus(_) => span,
        };
        self.push(&[], Step { advance: Some(by.to_owned()), ..Step::default() });
        let Now { at, slack } = self.now;
        self.now = Now { at: at.saturating_add(span), slack };
        for key in &mut self.keys {
            // Answers of another age are compared with none of this.
            key.duplicate = None;
        }
    }
}

/// What follows a delivery that may have been refused.
fn opened(known: &Key, deliver: Deliver, refusals: Refusals) -> (Deliver, Expect) {
    let last = known.last.clone();
    match known.since {
        Since::OddBody => {
            let deliver = if has_body(&deliver) { deliver } else { Deliver { raw: Some(spellings::OTHER.to_owned()), ..deliver } };
            (deliver, Expect::AnyOf(vec![Expect::Accepted, Expect::ReuseOf(last)]))
        }
        Since::OddKey => {
            let refused = Expect::Refused(crate::contract::outcome::Refusal::UnusableKey);
            (deliver, Expect::AnyOf(vec![Expect::DuplicateOf(last), refused]))
        }
        Since::OddLife if refusals == Refusals::Kept => (deliver, Expect::KeptRefusalOf(last)),
        // A life of no time may be over by now.
        Since::OddLife => (deliver, Expect::AnyOf(vec![Expect::Accepted, Expect::DuplicateOf(last)])),
        Since::Delivered | Since::Cut | Since::Failed | Since::OddWay => (deliver, Expect::OnceWith(last)),
    }
}

/// Whether a delivery says itself which body it has.
fn has_body(deliver: &Deliver) -> bool {
    has_own_body(deliver) || deliver.body_of.is_some() || deliver.respell_of.is_some() || deliver.body.is_some()
}

/// Whether its body is one that it brings along.
fn has_own_body(deliver: &Deliver) -> bool {
    let Deliver { raw, hex, json, fill, random_bytes, .. } = deliver;
    raw.is_some() || hex.is_some() || json.is_some() || fill.is_some() || random_bytes.is_some()
}
