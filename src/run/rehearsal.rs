//! Rehearsals: a scenario in memory, over a receiver that is a value. No socket, no file, no waiting.
//!
//! The same judge as live, over the reference, over the amnesiac, or over the
//! reference with a defect in it. So it is known before anything is sent
//! whether a contract and a scenario contradict each other, and whether a
//! scenario has force: whether a receiver without memory would fail it.

mod counts;
mod stream;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use bytes::Bytes;

use self::counts::counts;
use crate::clock::UnixMicros;
use crate::contract::{Contract, Level, OtherSecret, own_headers};
use crate::delivery::{Answer, Delivery, HeaderLine, NoAnswer};
use crate::history::Operation;
use crate::history::stream::StreamReading;
use crate::judge::check::rows::Observation;
use crate::judge::effects::count_again;
use crate::judge::verify::{CONTRADICTION, at_once};
use crate::judge::{Ahead, AskedStream, At, Released, ScenarioEnd, Sent, Setting, Source, Told, scenario};
use crate::outcome::reader::Reader;
use crate::reference::amnesiac::Amnesiac;
use crate::reference::store::Store;
use crate::reference::{Receiver, pages};
use crate::report::curl::Curl;
use crate::report::lack::NoForce;
use crate::report::{Finding, ScenarioReport};
use crate::scenario::deliver::{Asked, Burst, Deliver, Framing, Get};
use crate::scenario::expand::Loaded;
use crate::scenario::expect::StateCheck;
use crate::scenario::fault::Fault;
use crate::scenario::requirement::Catalogue;
use crate::scenario::{Restart, Snap, UnderWay};
use crate::secret::Redactor;
use crate::session::deliveries::{DeliveryBuilder, PreparedDelivery, burst_of};
use crate::session::signing_moment::SigningMoment;
use crate::session::supplies::Supplies;
use crate::sign::BadSecret;
use crate::sign::material::material;

/// When rehearsals begin: any moment does, as long as it is the same each time.
const BEGINNING: UnixMicros = UnixMicros(1_759_694_703_000_000);
/// What a delivery takes.
const A_MOMENT: Duration = Duration::from_millis(1);

/// What can be seen and done in a rehearsal, as in the run that it is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Means {
    /// Whether rows can be looked at.
    pub state: bool,
    /// Whether effects can be counted.
    pub effects: bool,
}

impl Means {
    /// What a contract promises to be seen.
    #[must_use]
    pub fn of(contract: &Contract) -> Self {
        Self { state: contract.state.is_some(), effects: contract.effects.is_some() }
    }
}

/// A receiver in memory as a source of observations.
pub struct Rehearsal<'s, R> {
    setting: &'s Setting,
    supplies: &'s Supplies,
    receiver: R,
    means: Means,
    now: UnixMicros,
    signing: SigningMoment,
    broken_in_on: Vec<PreparedDelivery>,
    history: Vec<Operation>,
    streams: stream::Streams,
}

/// What a rehearsal came to.
pub struct Rehearsed {
    /// The report.
    pub report: ScenarioReport,
    /// Why it ended, when something ended it.
    pub end: Option<ScenarioEnd>,
    /// Every delivery.
    pub history: Vec<Operation>,
}

/// What rehearsals under a contract need, with its published secret.
///
/// # Errors
/// When that secret is not what the signature scheme says.
pub fn surroundings(
    contract: &Arc<Contract>,
    catalogue: &Arc<Catalogue>,
    bodies: &Arc<BTreeMap<String, Bytes>>,
) -> Result<(Setting, Supplies), BadSecret> {
    let secret = contract.secret.for_tests.as_bytes();
    let of = |other: &Option<OtherSecret>| other.as_ref().map(|other| other.for_tests.clone());
    let signer = contract.signer(secret, of(&contract.secret.previous).as_deref(), of(&contract.secret.retired).as_deref())?;
    let origin = "http://127.0.0.1:1".to_owned();
    let setting = Setting {
        reader: Reader::new(Arc::clone(contract)),
        catalogue: Arc::clone(catalogue),
        ttl: contract.ttl_secs(),
        level: Level::Should,
        origin: origin.clone(),
        curl: Curl::at(&origin),
        forbidden: Redactor::new(&material(secret, &contract.signature).iter().map(Vec::as_slice).collect::<Vec<_>>()),
    };
    let supplies = Supplies {
        contract: Arc::clone(contract),
        ordinary_body: catalogue.ordinary_body.clone(),
        bodies: Arc::clone(bodies),
        own_headers: Arc::new(own_headers::joined(contract, &[])),
        signer,
        origin,
        seed: 1,
        run_word: "hg0".to_owned(),
        counter: AtomicU64::new(0),
        random_counter: AtomicU64::new(0),
    };
    Ok((setting, supplies))
}

/// Plays a scenario over a receiver in memory; `None` only if memory fails.
pub fn rehearse<S: Store>(
    setting: &Setting,
    supplies: &Supplies,
    loaded: &Loaded,
    receiver: Receiver<S>,
    means: Means,
) -> Option<Rehearsed> {
    let reference = scenario::reference(setting, &supplies.signer).ok()?;
    let signing = SigningMoment::new(setting.contract());
    let (broken_in_on, history, streams) = Default::default();
    let mut source = Rehearsal { setting, supplies, receiver, means, now: BEGINNING, signing, broken_in_on, history, streams };
    let (mut report, end, answered) = at_once(scenario::play(setting, &mut source, loaded, reference))?;
    if !answered.is_empty() {
        source.now = source.now.plus(setting.contract().work_within());
        at_once(count_again(setting, &mut source, loaded, &answered, &mut report))?.ok()?;
    }
    Some(Rehearsed { report, end, history: source.history })
}

/// What the reference itself gets wrong in a scenario: then the contract or the scenario is at fault, and nobody else.
#[must_use]
pub fn contradiction(setting: &Setting, supplies: &Supplies, loaded: &Loaded, means: Means) -> Option<Finding> {
    let receiver = scenario::reference(setting, &supplies.signer).ok()?;
    rehearse(setting, supplies, loaded, receiver, means)?.report.findings.into_iter().next()
}

/// A contradiction as a sentence.
#[must_use]
pub fn contradiction_told(finding: &Finding) -> String {
    let line = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    format!(
        "{CONTRADICTION}: in its step {} the reference itself gives {}, where {} is due ({})",
        finding.step,
        line(&finding.observed),
        line(&finding.expected),
        finding.requirement
    )
}

/// Why a scenario that has no force shows nothing of what is remembered.
#[must_use]
pub fn why_without_force(setting: &Setting) -> NoForce {
    if !setting.contract().is_by_key() {
        NoForce::NoIdempotency
    } else if setting.reader.tells_duplicates() {
        NoForce::NothingRemembered
    } else {
        NoForce::AnswersAlike
    }
}

/// Whether a receiver without memory fails a scenario; one that it passes shows nothing of what is remembered.
#[must_use]
pub fn has_force(setting: &Setting, supplies: &Supplies, loaded: &Loaded, means: Means) -> bool {
    let Ok(mut receiver) = scenario::reference(setting, &supplies.signer) else { return false };
    receiver.set_hooks(Box::new(Amnesiac));
    // Undecided is not passed: it fell to the end of a short life, where either answer conforms.
    let fails = |one: Rehearsed| !one.report.findings.is_empty() || matches!(one.end, Some(ScenarioEnd::Undecided(_)));
    rehearse(setting, supplies, loaded, receiver, means).is_some_and(fails)
}

impl<S: Store> Rehearsal<'_, Receiver<S>> {
    fn builder<'a>(&'a self, at: At<'a>) -> DeliveryBuilder<'a> {
        let (signs_at, bindings) = (self.signing.at(self.now), at.bindings);
        DeliveryBuilder { supplies: self.supplies, now: self.now, signs_at, bindings, plain_bodies: &bindings.plain_bodies }
    }

    /// What the receiver is given: the delivery with the lines that its framing adds.
    fn as_it_arrives(built: &PreparedDelivery) -> Delivery {
        let mut delivery = built.transmission.delivery.clone();
        let line = match built.transmission.framing {
            Framing::ContentLength => None,
            Framing::Chunked | Framing::ChunkedSmall => Some(HeaderLine::new("Transfer-Encoding", "chunked")),
            Framing::ExpectContinue => Some(HeaderLine::new("Expect", "100-continue")),
        };
        delivery.headers.extend(line);
        delivery
    }

    /// One delivery, as it is received at this moment.
    fn receive(&mut self, built: &PreparedDelivery) -> Result<Answer, NoAnswer> {
        let delivery = Self::as_it_arrives(built);
        if !self.receiver.is_at(delivery.path_and_query()) {
            return Ok(pages::json_page(404, &serde_json::json!({"error": "not found"})));
        }
        self.receiver.deliver(&delivery, self.now).map_err(|failed| NoAnswer::Broken { cause: failed.to_string() })
    }

    fn send(&mut self, built: &PreparedDelivery) -> Sent {
        let (sent_at, result) = (self.now, self.receive(built));
        self.answered(built, sent_at, result)
    }

    /// What is told is told while a delivery is under way: its rows are seen then.
    fn send_and_look(&mut self, built: &PreparedDelivery) -> Result<Sent, ScenarioEnd> {
        let (sent_at, result) = (self.now, self.receive(built));
        let seen = self.means.state.then(|| self.receiver.store().state()).transpose();
        let when_told = seen.map_err(|failed| ScenarioEnd::Undecided(failed.to_string()))?;
        Ok(Sent { when_told, ..self.answered(built, sent_at, result) })
    }

    fn answered(&mut self, built: &PreparedDelivery, sent_at: UnixMicros, result: Result<Answer, NoAnswer>) -> Sent {
        let pause = self.receiver.pause();
        let took = A_MOMENT.saturating_add(pause);
        self.now = self.now.plus(took);
        if !pause.is_zero() {
            self.receiver.settle(self.now);
        }
        built.sent(sent_at, took, result)
    }
}

impl<S: Store> Source for Rehearsal<'_, Receiver<S>> {
    fn now(&self) -> UnixMicros {
        self.now
    }

    async fn deliver(&mut self, at: At<'_>, deliver: &Deliver) -> Result<Sent, ScenarioEnd> {
        let built = self.builder(at).build(deliver, None, None).map_err(ScenarioEnd::not_made)?;
        let lost = || Err(NoAnswer::Broken { cause: "the answer was lost".to_owned() });
        match &deliver.fault {
            None if deliver.row_when_told.is_some() => self.send_and_look(&built),
            None | Some(Fault::HalfClose | Fault::Delay(_)) => Ok(self.send(&built)),
            Some(Fault::LoseAnswer | Fault::CutAnswer) => Ok(Sent { result: lost(), ..self.send(&built) }),
            Some(Fault::Twice) => {
                let first = self.send(&built);
                drop(self.receive(&built));
                Ok(first)
            }
            Some(Fault::CutRequest(_)) => {
                let delivery = Delivery { body: Bytes::new(), ..Self::as_it_arrives(&built) };
                drop(self.receiver.turn_away(crate::contract::outcome::Refusal::Body, 400, &delivery, self.now));
                let sent_at = self.now;
                self.now = self.now.plus(A_MOMENT);
                Ok(Sent { arrives: false, ..built.sent(sent_at, A_MOMENT, lost()) })
            }
            Some(Fault::Dribble(dribble)) => {
                let mut beside = Vec::with_capacity(dribble.meanwhile);
                for _ in 0..dribble.meanwhile {
                    let other = self.builder(at).build(&Deliver::default(), None, None).map_err(ScenarioEnd::not_made)?;
                    beside.push(self.send(&other));
                }
                Ok(Sent { beside, ..self.send(&built) })
            }
        }
    }

    async fn burst(&mut self, at: At<'_>, burst: &Burst) -> Result<Released, ScenarioEnd> {
        let built = burst_of(&self.builder(at), burst).map_err(ScenarioEnd::not_made)?;
        // All at one moment, one after the other.
        let sent_at = self.now;
        let mut all = Vec::with_capacity(built.len());
        let mut longest = A_MOMENT;
        for one in &built {
            let result = self.receive(one);
            let took = A_MOMENT.saturating_add(self.receiver.pause());
            longest = longest.max(took);
            all.push(one.sent(sent_at, took, result));
        }
        self.now = self.now.plus(longest);
        Ok(Released { most_at_once: all.len(), sent: all, spread: Duration::ZERO })
    }

    async fn advance(&mut self, _at: At<'_>, by: Ahead) -> Result<(), ScenarioEnd> {
        self.now = self.now.plus(by.left(self.now));
        self.signing.forget();
        Ok(())
    }

    async fn look(&mut self, _at: At<'_>, _check: &StateCheck) -> Result<Option<Observation>, ScenarioEnd> {
        let contract = Arc::clone(self.setting.contract());
        let (true, Some(tables)) = (self.means.state, &contract.state) else { return Ok(None) };
        let failed = |cause: crate::reference::store::StoreError| ScenarioEnd::Undecided(cause.to_string());
        let state = self.receiver.store().state().map_err(failed)?;
        let shapes = self.receiver.store().tables().map_err(failed)?;
        let counts = counts(tables, &state, self.now, contract.ttl_secs());
        Ok(Some(Observation { state, counts, tables: shapes }))
    }

    async fn effects(&mut self, _at: At<'_>, keys: &[String]) -> Result<Option<Vec<u64>>, ScenarioEnd> {
        if !self.means.effects {
            return Ok(None);
        }
        self.receiver.do_what_is_due(self.now).map_err(|failed| ScenarioEnd::Undecided(failed.to_string()))?;
        let counts = keys.iter().map(|key| self.receiver.effects(key)).collect::<Result<Vec<u64>, _>>();
        counts.map(Some).map_err(|failed| ScenarioEnd::Undecided(failed.to_string()))
    }

    async fn give_time(&mut self, _at: At<'_>, patience: Duration, tries: usize) -> Result<bool, ScenarioEnd> {
        self.now = self.now.plus(patience);
        self.signing.forget();
        Ok(tries == 0 && !patience.is_zero())
    }

    async fn ask(&mut self, _at: At<'_>, get: &Get) -> Result<Option<Told>, ScenarioEnd> {
        let contract = Arc::clone(self.setting.contract());
        let method = get.method.clone().unwrap_or_else(|| "GET".to_owned());
        let question = |path: &str| Delivery { method: method.clone(), path: path.to_owned(), ..Delivery::default() };
        let (question, answer) = match &get.what {
            Asked::Health => (question("health"), Ok(pages::health(&self.receiver))),
            Asked::Metrics => (question("metrics"), Ok(pages::counters(&self.receiver))),
            Asked::Audit => {
                let only = contract.state.as_ref().and_then(|tables| tables.audit.as_ref()?.only.as_ref());
                (question("audit"), pages::audit(&mut self.receiver, None, only.map(|only| only.is.as_str())))
            }
            Asked::Endpoint => {
                let question = question(&contract.endpoint.path);
                let answer = self.receiver.deliver(&question, self.now);
                (question, answer)
            }
            Asked::Path(path) => (question(path), Ok(pages::json_page(404, &serde_json::Value::Null))),
        };
        let result = answer.map_err(|failed| NoAnswer::Broken { cause: failed.to_string() });
        Ok(Some(Told { question, took: A_MOMENT, result }))
    }

    async fn stream(&mut self, at: At<'_>, asked: &AskedStream<'_>) -> Result<Vec<StreamReading>, ScenarioEnd> {
        self.read_stream(at, asked)
    }

    async fn leave_stream(&mut self, name: &str) {
        self.streams.remove(name);
    }

    async fn health(&mut self) -> Option<Result<Answer, NoAnswer>> {
        self.setting.contract().health.as_ref().map(|_| Ok(pages::health(&self.receiver)))
    }

    async fn restart(&mut self, _restart: &Restart) -> Result<(), ScenarioEnd> {
        self.end_streams()
    }

    async fn break_in(&mut self, at: At<'_>, _restart: &Restart, under_way: &UnderWay) -> Result<Vec<Sent>, ScenarioEnd> {
        self.end_streams()?;
        self.broken_in_on.clear();
        let mut all = Vec::with_capacity(under_way.answers);
        for _ in 0..under_way.answers {
            let built = self.builder(at).build(&Deliver::default(), None, None).map_err(ScenarioEnd::not_made)?;
            all.push(self.send(&built));
            self.broken_in_on.push(built);
        }
        Ok(all)
    }

    async fn once_more(&mut self, _at: At<'_>) -> Result<Vec<Sent>, ScenarioEnd> {
        let built = std::mem::take(&mut self.broken_in_on);
        let again = built.iter().map(|one| self.send(one)).collect();
        self.broken_in_on = built;
        Ok(again)
    }

    async fn snapshot(&mut self, _at: At<'_>, _snap: &Snap, _answer: Option<&Answer>) -> Result<(), ScenarioEnd> {
        Ok(())
    }

    fn keep(&mut self, operation: Operation) {
        self.history.push(operation);
    }
}
