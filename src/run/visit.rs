//! Visiting: what is sent to a receiver before a suite, and what is tried where honest deliveries are turned away.
//!
//! In: the context, before anything is judged. Out: a [`Visit`]. What an answer
//! means is `visit`'s affair; here it is sent. Keys are fresh, nothing goes
//! into the history, and whoever asks to come again is waited for.
//!
//! **Invariant:** a receiver that accepted anything, or did not answer, is judged by the suite.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use secrecy::ExposeSecret as _;

use super::Plan;
use super::context::RunContext;
use crate::clock::{Clock as _, Moment, SystemClock, UnixMicros};
use crate::contract::Contract;
use crate::delivery::{Answer, NoAnswer};
use crate::judge::check::{Bindings, describe};
use crate::outcome::members::Values;
use crate::outcome::{Outcome, OutcomeSet};
use crate::report::visited;
use crate::scenario::deliver::{ConnectionUse, Deliver};
use crate::session::deliveries::{DeliveryBuilder, PlainBodies, PreparedDelivery};
use crate::session::patience::asks_to_wait;
use crate::session::supplies::Supplies;
use crate::sign::sha256_hex;
use crate::sign::tamper::Tamper;
use crate::transport::{Exchange, Transmission};
use crate::visit::cause::{Known, likely};
use crate::visit::tries::{Try, tries};
use crate::visit::{Code, Line, Probe, Refused, Visit, effect_line, is_let_in, line};

/// So long a receiver that fails at first is given to come to itself.
const A_WHILE: Duration = Duration::from_secs(3);
/// A moment between two honest deliveries meanwhile.
const COME_AGAIN: Duration = Duration::from_millis(200);
/// So long it is found out why honest deliveries are turned away.
const TRIED_FOR: Duration = Duration::from_secs(8);
/// Numbers of the deliveries that are made from other supplies, beyond those of a run.
const OTHER_NUMBERS: u64 = 1 << 32;

/// A delivery that was sent, and what came of it.
pub(super) struct Seen {
    pub(super) built: PreparedDelivery,
    result: Result<Answer, NoAnswer>,
    took: Duration,
    pub(super) set: OutcomeSet,
}

impl Seen {
    fn told(&self) -> String {
        describe(&self.result)
    }
}

impl RunContext {
    /// Visits the receiver: a line for each delivery, and why nothing else can be judged, when nothing can.
    ///
    /// * `is_well`: whether its health check was answered as it should be.
    pub(super) async fn visit(&self, plan: &Plan, is_well: bool) -> Visit {
        let honest = match self.honest().await {
            Ok(honest) => honest,
            Err(why) => return Visit { lines: vec![not_sent(Probe::Honest, why)], refused: None },
        };
        let contract = &*self.contract;
        let judged = |probe, seen: Result<Seen, String>| match seen {
            Ok(seen) => line(contract, probe, &seen.result, seen.set, seen.told()),
            Err(why) => not_sent(probe, why),
        };
        let first = line(contract, Probe::Honest, &honest.result, honest.set, honest.told());
        // Who does not answer one delivery is not asked to leave six more without.
        if honest.result.is_err() {
            return Visit { lines: std::iter::once(first).chain(self.visit_health().await).collect(), refused: None };
        }
        let spoiled = |tamper| Deliver { signature: Some(tamper), ..Deliver::default() };
        let (forged, keyless, unsigned) =
            (spoiled(Tamper::WrongSecret), Deliver { no_key: true, ..Deliver::default() }, spoiled(Tamper::Absent));
        let plain = Deliver::default();
        let (again, forgery, no_key, no_signature, get, health) = tokio::join!(
            self.deliver(&self.supplies, &plain, Some(&honest.built), 0),
            self.deliver(&self.supplies, &forged, None, 0),
            self.deliver(&self.supplies, &keyless, None, 0),
            self.deliver(&self.supplies, &unsigned, None, 0),
            self.visit_endpoint(),
            self.visit_health(),
        );
        let let_in = |seen: &Seen| seen.result.is_ok() && is_let_in(contract, &seen.result, seen.set);
        let others = [&forgery, &no_key, &no_signature];
        let is_refused = !let_in(&honest) && !others.into_iter().flatten().any(let_in);
        let mut lines = vec![first, judged(Probe::Repeat, again)];
        lines.extend(self.visit_effect(&honest).await);
        lines.push(judged(Probe::Forgery, forgery));
        lines.extend([judged(Probe::NoKey, no_key), judged(Probe::NoSignature, no_signature)]);
        lines.extend(get.into_iter().chain(health));
        let refused = if is_refused { self.find_the_cause(plan, &honest, is_well).await } else { None };
        Visit { lines, refused }
    }

    /// An honest delivery; one that is turned away is followed by others with keys of their own, and the last one counts.
    async fn honest(&self) -> Result<Seen, String> {
        let began = Moment::now();
        let mut times = 0;
        loop {
            let honest = self.deliver(&self.supplies, &Deliver::default(), None, 0).await?;
            // How long a first delivery takes says how many may be played side by side.
            self.traffic.note_fresh(honest.took, &honest.result);
            let Ok(answer) = &honest.result else { return Ok(honest) };
            if is_let_in(&self.contract, &honest.result, honest.set) {
                return Ok(honest);
            }
            times += 1;
            let may_pass = matches!(answer.status, 425 | 429 | 500..=599) && began.elapsed() < A_WHILE;
            if times > 1 && !may_pass {
                return Ok(honest);
            }
            tokio::time::sleep(COME_AGAIN).await;
        }
    }

    /// Builds a delivery and sends it; an answer that asks to come again is waited for.
    ///
    /// * `like`: the delivery whose key and body it has; * `later`: as if it were sent so many seconds later.
    pub(super) async fn deliver(
        &self,
        supplies: &Supplies,
        deliver: &Deliver,
        like: Option<&PreparedDelivery>,
        later: i64,
    ) -> Result<Seen, String> {
        let (bindings, plain_bodies) = (Bindings::default(), PlainBodies::new());
        let now = UnixMicros(self.clock.now().0.saturating_add(later.saturating_mul(1_000_000)));
        let builder = DeliveryBuilder { supplies, now, signs_at: now, bindings: &bindings, plain_bodies: &plain_bodies };
        let key = like.map(|one| one.key.as_bytes()).filter(|key| !key.is_empty());
        let built = builder.build(deliver, key, like.map(|one| &one.plain_body))?;
        let Exchange { result, took, .. } = self.send_patiently(&built.transmission).await;
        let body = &built.transmission.delivery.body;
        let sha256 = sha256_hex(body);
        let set = self.setting.reader.read_result(&result, &Values { body, key: &built.key, sha256: &sha256, ..Values::default() });
        Ok(Seen { built, result, took, set })
    }

    async fn send_patiently(&self, transmission: &Transmission) -> Exchange {
        let mut patience = self.max_wait;
        loop {
            let exchange = self.send(transmission.clone()).await;
            let wait = asks_to_wait(&self.contract, &exchange.result).and_then(|wait| Some((wait, patience.checked_sub(wait)?)));
            let Some((wait, left)) = wait else { return exchange };
            patience = left;
            self.held_up.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(wait).await;
        }
    }

    /// How often the work of the honest delivery was done, its repeat included; nothing where nobody counts, or it was not accepted.
    async fn visit_effect(&self, honest: &Seen) -> Option<Line> {
        let source = self.sources.effects.as_ref().filter(|_| self.contract.is_by_key() && honest.set.may_be(Outcome::Accepted))?;
        let within = self.contract.effects.as_ref().and_then(|effects| effects.within).map_or(A_WHILE, |within| within.0);
        let (began, keys) = (Moment::now(), [honest.built.key.clone()]);
        loop {
            let counted = source.effects(&keys).await.map(|counts| counts.first().copied().unwrap_or_default());
            match counted {
                Ok(0) if began.elapsed() < within => tokio::time::sleep(COME_AGAIN).await,
                counted => return Some(effect_line(counted.map_err(|wrong| wrong.to_string()))),
            }
        }
    }

    /// A GET where deliveries go; nothing where that is how they come.
    async fn visit_endpoint(&self) -> Option<Line> {
        if self.contract.endpoint.method.eq_ignore_ascii_case("GET") {
            return None;
        }
        let result = self
            .send_patiently(&Transmission::plain(
                self.supplies.question("GET", &self.contract.endpoint.addressed(&self.contract.endpoint.path)),
            ))
            .await
            .result;
        Some(self.told_of(Probe::Get, &result))
    }

    /// The health check; nothing where the contract names none.
    async fn visit_health(&self) -> Option<Line> {
        let health = self.contract.health.as_ref()?;
        let transmission =
            Transmission { connection: ConnectionUse::New, ..Transmission::plain(self.supplies.question("GET", &health.path)) };
        let result = self.send_patiently(&transmission).await.result;
        Some(self.told_of(Probe::Health, &result))
    }

    fn told_of(&self, probe: Probe, result: &Result<Answer, NoAnswer>) -> Line {
        line(&self.contract, probe, result, self.setting.reader.read_result(result, &Values::default()), describe(result))
    }

    /// Why honest deliveries are turned away, most likely; `None` where one is accepted that differs in nothing that is promised.
    async fn find_the_cause(&self, plan: &Plan, honest: &Seen, is_well: bool) -> Option<Refused> {
        let Ok(answer) = &honest.result else { return None };
        let bodies: Vec<String> = self.bodies_of_the_suite();
        let date = seconds_ahead(answer);
        let began = Moment::now();
        let (mut accepted, mut seen) = (None, Vec::new());
        let called = self.called();
        for one in tries(&self.contract, answer, (plan.secret.expose_secret(), &called), date, &bodies) {
            if began.elapsed() > TRIED_FOR {
                break;
            }
            let Ok(got) = self.attempt(plan, honest, &one).await else { continue };
            let delivery = &got.built.transmission.delivery;
            let status = got.result.as_ref().map_or_else(ToString::to_string, |answer| answer.status.to_string());
            match &one {
                Try::To(_) | Try::By(_) => seen.push(format!("{} {} {status}", delivery.method, self.url.path(&delivery.path))),
                Try::Trimmed | Try::Padded(_) | Try::At(_) | Try::SignedFor(_) | Try::Otherwise(_) | Try::Body(_) => {}
            }
            if got.set.may_be(Outcome::Accepted) && is_let_in(&self.contract, &got.result, got.set) {
                accepted = Some(one);
                break;
            }
        }
        if let Some(Try::Body(_)) = accepted {
            return None;
        }
        let ahead = match accepted {
            Some(Try::At(at)) => Some(self.seconds_off(plan, honest, at).await),
            _ => None,
        };
        let delivery = &honest.built.transmission.delivery;
        let known = Known {
            accepted: accepted.as_ref(),
            ahead,
            asked: self.url.path(&self.contract.endpoint.addressed(&self.contract.endpoint.path)),
            signed: called.into_iter().next().filter(|_| self.contract.signature.signs_the_address()),
            seen,
            variable: &plan.secret_variable,
            is_unwell: !is_well,
        };
        let (code, facts) = likely(&self.contract, answer, &known);
        let mut refused = Refused {
            code,
            facts,
            sentence: String::new(),
            advice: String::new(),
            expected: self.contract.outcomes.accepted.statuses(),
            observed: honest.told(),
            status: answer.status,
            requirement: self.catalogue.always.honest_is_accepted.clone().unwrap_or_default(),
            curl: self.setting.curl.line(delivery),
            is_told_by_scenarios: is_well && code != Code::TooMany,
        };
        refused.sentence = visited::sentence(&refused, crate::report::language::Language::En);
        refused.advice = visited::advice(&refused, crate::report::language::Language::En);
        Some(refused)
    }

    /// The addresses by which the receiver is called, the one that is signed first; then the one without `--host`.
    fn called(&self) -> Vec<String> {
        let path = self.contract.endpoint.addressed(&self.contract.endpoint.path);
        let signed = self.contract.signature.address.clone().unwrap_or_else(|| self.url.url(&path));
        let mut all = vec![signed, self.url.url(&path)];
        if self.url.socket().is_none() {
            all.push(format!("{}{path}", self.url));
        }
        all.dedup();
        all
    }

    /// The suite's other bodies, as far as honest deliveries may have them.
    fn bodies_of_the_suite(&self) -> Vec<String> {
        /// So many are enough to see that a body is what is refused.
        const MOST: usize = 4;
        let limit = self.contract.limits.body_bytes();
        let fits = |(name, bytes): &(&String, &bytes::Bytes)| **name != self.supplies.ordinary_body && bytes.len() < limit;
        self.supplies.bodies.iter().filter(fits).map(|(name, _)| name.clone()).take(MOST).collect()
    }

    async fn attempt(&self, plan: &Plan, honest: &Seen, one: &Try) -> Result<Seen, String> {
        let plain = Deliver::default();
        let secret = plan.secret.expose_secret();
        match one {
            Try::Trimmed => self.deliver(&self.with_secret(plan, secret.trim())?, &plain, None, 0).await,
            Try::Padded(space) => self.deliver(&self.with_secret(plan, &format!("{secret}{}", space.text()))?, &plain, None, 0).await,
            Try::At(later) => self.deliver(&self.supplies, &plain, None, *later).await,
            Try::SignedFor(address) => {
                let signer = self.supplies.signer.addressed(address);
                self.deliver(&Supplies { signer, ..self.other_supplies() }, &plain, None, 0).await
            }
            Try::Otherwise(slip) => {
                let mut contract = Contract::clone(&self.contract);
                contract.signature = slip.scheme(&contract.signature).ok_or("the contract's own scheme is that")?;
                let signer = contract.signer(secret.as_bytes(), None, None).map_err(|wrong| wrong.to_string())?;
                let supplies = Supplies { contract: Arc::new(contract), signer, ..self.other_supplies() };
                let body = slip.body(&honest.built.plain_body).ok_or("its body is no JSON")?;
                // A key of its own, and the same body.
                let (transmission, key) = (honest.built.transmission.clone(), String::new());
                let like = PreparedDelivery { transmission, key, plain_body: body, right_signature: Vec::new() };
                self.deliver(&supplies, &plain, Some(&like), 0).await
            }
            Try::To(path) => {
                let mut contract = Contract::clone(&self.contract);
                contract.endpoint.path.clone_from(path);
                self.deliver(&Supplies { contract: Arc::new(contract), ..self.other_supplies() }, &plain, None, 0).await
            }
            Try::By(method) => self.deliver(&self.supplies, &Deliver { method: Some(method.clone()), ..plain }, None, 0).await,
            Try::Body(name) => self.deliver(&self.supplies, &Deliver { body: Some(name.clone()), ..plain }, None, 0).await,
        }
    }

    fn with_secret(&self, plan: &Plan, secret: &str) -> Result<Supplies, String> {
        let (previous, retired) = &plan.other_secrets;
        let text = |other: &Option<secrecy::SecretString>| other.as_ref().map(|other| other.expose_secret().to_owned());
        let signer = self.contract.signer(secret.as_bytes(), text(previous).as_deref(), text(retired).as_deref());
        Ok(Supplies { signer: signer.map_err(|wrong| wrong.to_string())?, ..self.other_supplies() })
    }

    /// Supplies whose keys are none of the run's.
    fn other_supplies(&self) -> Supplies {
        let supplies = &self.supplies;
        Supplies {
            run_word: supplies.run_word.clone(),
            counter: AtomicU64::new(OTHER_NUMBERS + supplies.number()),
            ..supplies.for_rehearsal()
        }
    }

    /// By how many seconds the receiver's clock is ahead of ours, where a delivery that is signed `at` seconds later is accepted:
    /// the middle of what it accepts.
    async fn seconds_off(&self, plan: &Plan, honest: &Seen, at: i64) -> i64 {
        let past = self.contract.signature.time.map_or(0, |time| time.past.0.as_secs().cast_signed());
        let oldest = self.edge(plan, honest, at, -1, past).await;
        match (oldest, self.edge(plan, honest, at, 1, past).await) {
            (Some(oldest), Some(newest)) => i64::midpoint(oldest, newest),
            (Some(oldest), None) => oldest + past,
            (None, Some(newest)) => newest - past,
            (None, None) => at,
        }
    }

    /// The last moment that is accepted in one direction from `at`, to the second; `None` where there is no end near it.
    async fn edge(&self, plan: &Plan, honest: &Seen, at: i64, direction: i64, tolerance: i64) -> Option<i64> {
        let far = tolerance.saturating_mul(4).max(2);
        let is_in = async |off: i64| {
            let got = self.attempt(plan, honest, &Try::At(at + direction * off)).await;
            got.is_ok_and(|got| got.set.may_be(Outcome::Accepted))
        };
        if is_in(far).await {
            return None;
        }
        let (mut inside, mut outside) = (0, far);
        while outside - inside > 1 {
            let middle = i64::midpoint(inside, outside);
            if is_in(middle).await { inside = middle } else { outside = middle }
        }
        Some(at + direction * inside)
    }
}

/// A delivery that cannot be made under the contract.
fn not_sent(probe: Probe, why: String) -> Line {
    Line { probe, found: crate::visit::Found::NotJudged, due: String::new(), observed: why }
}

/// By how many seconds an answer's `Date` is ahead of this machine's clock.
fn seconds_ahead(answer: &Answer) -> Option<i64> {
    let date = httpdate::parse_http_date(answer.header("Date")?.trim()).ok()?;
    let theirs = date.duration_since(UNIX_EPOCH).ok()?.as_secs().cast_signed();
    Some(theirs - SystemClock.now().0 / 1_000_000)
}
