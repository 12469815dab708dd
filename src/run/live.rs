//! A live target as a source of observations: what steps do to it, and what is seen.

use std::time::Duration;

use super::context::RunContext;
use super::executor::Company;
use super::gate::Pass;
use super::passes::Passes;
use crate::clock::{Clock as _, Moment, SystemClock, UnixMicros};
use crate::delivery::{Answer, NoAnswer};
use crate::history::Operation;
use crate::history::stream::StreamReading;
use crate::judge::check::rows::Observation;
use crate::judge::{Ahead, AskedStream, At, LONGEST_LEASE, Released, ScenarioEnd, Sent, Source, Told};
use crate::run::steps::stream::Streams;
use crate::scenario::deliver::{Burst, ConnectionUse, Deliver, Get};
use crate::scenario::expand::Loaded;
use crate::scenario::expect::StateCheck;
use crate::scenario::fault::Fault;
use crate::scenario::{Restart, Snap, UnderWay};
use crate::session::deliveries::{DeliveryBuilder, PreparedDelivery, burst_of};
use crate::session::signing_moment::SigningMoment;
use crate::snapshot::Normaliser;
use crate::transport::{KeptConnection, Transmission};

/// How long to wait before asking or looking again, where a step gives time.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// So long steps are repeated; then what was seen is enough.
const LONGEST_REPEAT: Duration = Duration::from_secs(45);
/// So often they are repeated all the same.
const FEWEST_ROUNDS: u32 = 5;

/// One scenario's view of the target.
pub struct Live<'s> {
    pub(super) context: &'s RunContext,
    pub(super) loaded: &'s Loaded,
    kept: Option<KeptConnection>,
    pub(super) broken_in_on: Vec<PreparedDelivery>,
    pub(super) moved_us: i64,
    history: Vec<Operation>,
    /// When the deliveries of a step were under way, by this machine's clock.
    under_way: Vec<(usize, UnixMicros, UnixMicros)>,
    given: Option<Moment>,
    signing: SigningMoment,
    /// When the steps that are repeated began.
    repeating: Option<Moment>,
    /// Who may be played beside it.
    company: Company,
    passes: Passes<'s>,
    /// Whether an answer was late, and may have been so for the others' sake.
    late_among_others: bool,
    /// How often the receiver had died when the scenario began.
    deaths: Option<u32>,
    pub(super) snaps: usize,
    /// How long this scenario will still wait for those who ask for it.
    pub(super) patience: Duration,
    pub(super) normaliser: Normaliser,
    /// Event streams that are open.
    pub(super) streams: Streams,
}

impl<'s> Live<'s> {
    /// The target of a context, for one scenario.
    #[must_use]
    pub fn new(context: &'s RunContext, loaded: &'s Loaded, company: Company) -> Self {
        Self {
            context,
            loaded,
            kept: None,
            broken_in_on: Vec::new(),
            moved_us: 0,
            history: Vec::new(),
            under_way: Vec::new(),
            given: None,
            signing: SigningMoment::new(&context.contract),
            repeating: None,
            company,
            passes: Passes::default(),
            late_among_others: false,
            deaths: None,
            snaps: 0,
            patience: context.max_wait,
            normaliser: Normaliser::new(context.run_word()).hiding(context.redactor.clone()),
            streams: Streams::new(),
        }
    }

    /// What of the time of an answer was our own lateness, where it took longer than the contract allows.
    ///
    /// * `others`: how many deliveries of others were under way meanwhile.
    fn own_share(&mut self, took: Duration, begun: Moment, others: u64) -> Duration {
        let limit = self.context.contract.limits.answer.0;
        let own = self.context.lateness.share_of(took, limit, begun);
        let late = took.saturating_sub(own).saturating_sub(limit);
        self.late_among_others |= !late.is_zero() && self.context.traffic.may_be_for_others(late, others);
        own
    }

    /// Leave to deliver; who waits for it is in nobody's way.
    pub(super) async fn pass_to_deliver(&mut self) -> Option<Pass<'s>> {
        let _waits = self.context.traffic.wait(false);
        self.passes.before_delivering(&self.context.gate).await
    }

    /// Whether the receiver died while the scenario was played, and not before it.
    pub(super) fn met_a_death(&self) -> bool {
        self.deaths.is_some_and(|deaths| deaths != self.context.liveness.deaths())
    }

    /// Whether an answer was late, and may have been so for the others' sake.
    pub(super) fn was_late_among_others(&self) -> bool {
        self.late_among_others
    }

    /// When the deliveries of a step were under way, by this machine's clock; it is told once.
    pub(super) fn take_under_way(&mut self) -> Vec<(usize, UnixMicros, UnixMicros)> {
        std::mem::take(&mut self.under_way)
    }

    /// Everything that was sent.
    #[must_use]
    pub fn into_history(self) -> Vec<Operation> {
        self.history
    }

    pub(super) fn builder<'a>(&'a self, at: At<'a>) -> DeliveryBuilder<'a> {
        let now = self.context.clock.now();
        let (supplies, bindings) = (&self.context.supplies, at.bindings);
        DeliveryBuilder { supplies, now, signs_at: self.signing.at(now), bindings, plain_bodies: &bindings.plain_bodies }
    }
}

impl Source for Live<'_> {
    fn now(&self) -> UnixMicros {
        self.context.clock.now()
    }

    fn moved_us(&self) -> i64 {
        self.moved_us
    }

    async fn deliver(&mut self, at: At<'_>, deliver: &Deliver) -> Result<Sent, ScenarioEnd> {
        let built = self.builder(at).build(deliver, None, None).map_err(ScenarioEnd::not_made)?;
        let is_honest = deliver.key.is_none() && deliver.key_of.is_none() && deliver.signature.is_none() && !deliver.no_key;
        let mut when_told = None;
        let (sent_at, exchange, beside, own_delay) = loop {
            let pass = self.pass_to_deliver().await;
            if deliver.fault.is_some() || deliver.connection == ConnectionUse::Kept {
                self.context.pace.turn(1).await;
            }
            let under_way = self.context.traffic.set_out(1, is_honest && deliver.fault.is_none());
            let (sent_at, begun) = (self.context.clock.now(), Moment::now());
            let (exchange, beside) = match (&deliver.fault, deliver.connection) {
                (Some(fault), _) => self.send_through(at, &built, fault).await?,
                (None, ConnectionUse::Kept) => {
                    let kept = self.kept.get_or_insert_with(KeptConnection::default);
                    (self.context.sender().send_kept(kept, built.transmission.clone()).await, Vec::new())
                }
                (None, ConnectionUse::Any | ConnectionUse::New) => {
                    let (exchange, seen) = self.send_and_look(at, &built, deliver.row_when_told.as_deref()).await?;
                    when_told = seen;
                    (exchange, Vec::new())
                }
            };
            drop(pass);
            let others = under_way.others();
            drop(under_way);
            if !self.waits(at, &exchange.result).await? {
                let own_delay = self.own_share(exchange.took, begun, others);
                break (sent_at, exchange, beside, own_delay);
            }
        };
        // Only an acceptance says how long accepting takes: what is refused at the door is refused at once.
        let accepted = exchange.result.as_ref().is_ok_and(|answer| answer.status == self.context.contract.outcomes.accepted.status);
        match &deliver.fault {
            None if is_honest && accepted => self.context.traffic.note_fresh(exchange.took, &exchange.result),
            None => self.context.traffic.note(exchange.took, &exchange.result),
            Some(_) => {}
        }
        let arrives = deliver.fault.as_ref().is_none_or(Fault::lets_the_request_through);
        Ok(Sent { arrives, beside, own_delay, when_told, ..built.exchanged(sent_at, exchange) })
    }

    async fn burst(&mut self, at: At<'_>, burst: &Burst) -> Result<Released, ScenarioEnd> {
        let built = burst_of(&self.builder(at), burst).map_err(ScenarioEnd::not_made)?;
        let transmissions = built.iter().map(|one| one.transmission.clone()).collect();
        let pass = self.pass_to_deliver().await;
        self.context.pace.turn(built.len()).await;
        let (sent_at, begun, under_way) = (self.context.clock.now(), Moment::now(), self.context.traffic.set_out(built.len(), false));
        let mut release = self.context.sender().burst(transmissions).await;
        drop(pass);
        let others = under_way.others();
        drop(under_way);
        if let Some(one) = release.exchanges.iter().find(|one| one.result.is_ok()).or(release.exchanges.first()) {
            self.context.traffic.note(one.took, &one.result);
        }
        self.release_again(at, burst, &built, &mut release.exchanges).await?;
        let began = release.exchanges.iter().map(|one| one.sent_at.0).min().unwrap_or(0);
        let released = built.iter().zip(release.exchanges).map(|(built, exchange)| {
            let start_us = exchange.sent_at.0.abs_diff(began);
            let own_delay = self.own_share(exchange.took, begun, others);
            Sent { start_us, own_delay, ..built.exchanged(sent_at, exchange) }
        });
        Ok(Released { sent: released.collect(), spread: release.release_spread, most_at_once: release.most_at_once })
    }

    async fn advance(&mut self, at: At<'_>, by: Ahead) -> Result<(), ScenarioEnd> {
        if by.is_lease && self.context.clock.moves_rows() {
            if by.by > LONGEST_LEASE {
                let told = "the lease is longer than a minute, and this clock moves rows: leases pass by the receiver's own clock";
                return Err(ScenarioEnd::NotApplicable(told.to_owned().into()));
            }
            tokio::time::sleep(by.by).await;
            self.signing.forget();
            return self.moved(at, None, by.by);
        }
        let pass = match self.context.clock.locks_the_database() {
            true => {
                let _waits = self.context.traffic.wait(false);
                Some(self.passes.before_moving(&self.context.gate).await)
            }
            false => None,
        };
        let (ends_within_a_life, by) = (by.since.is_some(), by.left(self.context.clock.now()));
        let rows = self.context.clock.advance(by, at.keys).await.map_err(ScenarioEnd::Undecided)?;
        self.signing.forget();
        if let Some(pass) = pass.filter(|_| ends_within_a_life) {
            self.passes.deliver_at_once(pass);
        }
        self.moved(at, rows, by)
    }

    async fn look(&mut self, at: At<'_>, check: &StateCheck) -> Result<Option<Observation>, ScenarioEnd> {
        self.tells_its_keys(check)?;
        self.passes.before_looking(&self.context.gate, self.company == Company::Counting && check.name.is_some()).await;
        let look = self.look_once(at, check).await;
        self.passes.looked(check.grown.is_some());
        look.map_err(|wrong| ScenarioEnd::Undecided(format!("step {}: {wrong}", at.number)))
    }

    async fn effects(&mut self, at: At<'_>, keys: &[String]) -> Result<Option<Vec<u64>>, ScenarioEnd> {
        self.effects_of(at, keys).await
    }

    async fn effects_of_bytes(&mut self, at: At<'_>, keys: &[Vec<u8>]) -> Result<Option<Vec<u64>>, ScenarioEnd> {
        self.effects_of_raw(at, keys).await
    }

    fn tells_effects_of(&self, key: &str) -> bool {
        self.context.sources.effects.as_ref().is_none_or(|source| source.tells(key))
    }

    fn effects_missing(&self) -> Option<String> {
        self.context.sources.effects.as_ref().and_then(|source| source.is_missing())
    }

    async fn give_time(&mut self, at: At<'_>, patience: Duration, tries: usize) -> Result<bool, ScenarioEnd> {
        if self.context.clock.moves_everyone() {
            let is_first = tries == 0 && !patience.is_zero();
            if is_first {
                self.context.clock.advance(patience, at.keys).await.map_err(ScenarioEnd::Undecided)?;
                self.signing.forget();
            }
            return Ok(is_first);
        }
        let began = if tries == 0 { *self.given.insert(Moment::now()) } else { *self.given.get_or_insert_with(Moment::now) };
        if began.elapsed() >= patience {
            return Ok(false);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        Ok(true)
    }

    async fn ask(&mut self, at: At<'_>, get: &Get) -> Result<Option<Told>, ScenarioEnd> {
        let path = self.path_of(&get.what).map_err(ScenarioEnd::not_made)?;
        let method = get.method.clone().unwrap_or_else(|| "GET".to_owned());
        let question = self.context.supplies.question(&method, &path);
        let begun = Moment::now();
        let exchange = loop {
            let exchange = self.context.send(Transmission::plain(question.clone())).await;
            if !self.waits(at, &exchange.result).await? {
                break exchange;
            }
        };
        Ok(Some(Told { question, took: exchange.took.saturating_sub(self.own_share(exchange.took, begun, 0)), result: exchange.result }))
    }

    async fn stream(&mut self, at: At<'_>, asked: &AskedStream<'_>) -> Result<Vec<StreamReading>, ScenarioEnd> {
        self.read_streams(at, asked).await
    }

    async fn leave_stream(&mut self, name: &str) {
        self.streams.remove(name);
    }

    async fn health(&mut self) -> Option<Result<Answer, NoAnswer>> {
        let Some(deaths) = self.deaths else {
            let before = self.context.liveness.deaths();
            let health = self.context.health_before().await;
            // Who is left by a death without a receiver that is well has met it: others may have killed it anew.
            self.deaths = Some(if health.is_ok() { self.context.liveness.deaths() } else { before });
            return Some(health);
        };
        self.passes = Passes::default();
        match self.context.health().await {
            Ok(answer) => Some(Ok(answer)),
            Err(none) => Some(self.context.find_out(none, deaths).await),
        }
    }

    async fn restart(&mut self, restart: &Restart) -> Result<(), ScenarioEnd> {
        self.kept = None;
        self.passes.end_delivering_at_once();
        self.context.restart(!restart.kill).await.map_err(ScenarioEnd::Undecided)
    }

    async fn break_in(&mut self, at: At<'_>, restart: &Restart, under_way: &UnderWay) -> Result<Vec<Sent>, ScenarioEnd> {
        self.kept = None;
        self.passes.end_delivering_at_once();
        self.break_in_on(at, restart, under_way).await
    }

    async fn once_more(&mut self, at: At<'_>) -> Result<Vec<Sent>, ScenarioEnd> {
        self.all_once_more(at).await
    }

    fn goes_on(&mut self, _at: At<'_>, round: u32) -> bool {
        if round == 0 {
            self.repeating = Some(Moment::now());
        }
        round < FEWEST_ROUNDS || self.repeating.is_none_or(|began| began.elapsed() < LONGEST_REPEAT)
    }

    async fn snapshot(&mut self, at: At<'_>, snap: &Snap, answer: Option<&Answer>) -> Result<(), ScenarioEnd> {
        self.snap(at, snap, answer).await
    }

    fn keep(&mut self, operation: Operation) {
        self.context.note_answer();
        let now = SystemClock.now();
        let took = i64::try_from(operation.took_us).unwrap_or(i64::MAX);
        self.under_way.push((operation.step, UnixMicros(now.0.saturating_sub(took)), now));
        self.history.push(operation);
    }
}
