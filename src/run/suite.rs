//! Which scenarios apply: what a contract promises, what a target offers.

use std::time::Duration;

use bytes::Bytes;

use super::context::RunContext;
use super::executor::Company;
use super::life::shortest;
use super::rehearsal::{Means, contradiction};
use crate::contract::facts::is_computed;
use crate::contract::{Contract, Level};
use crate::judge::check::rows::cannot_be_seen;
use crate::judge::{Setting, span_of};
use crate::report::lack::{Lack, Reason};
use crate::scenario::deliver::Deliver;
use crate::scenario::durability::Durability;
use crate::scenario::expand::Loaded;
use crate::scenario::expect::Grown;
use crate::scenario::lint::read_advance;
use crate::scenario::stream::OpenStreams;
use crate::scenario::{Scenario, Step, Times};
use crate::session::clocks::{TargetClock, too_long};
use crate::session::supplies::Supplies;

/// Words that name the surroundings of a run, and not the contract.
const SURROUNDINGS: [&str; 3] = ["state", "time", "restart"];
/// Words of the contract for which a database must be given, too.
const SEEN_IN_A_DATABASE: [&str; 6] = ["rows", "keys", "audit", "key-ttl", "audit-key", "audit-hash"];

/// Why what counts effects is not judged, and the way out.
const NO_EFFECTS: &str = "effects cannot be counted: give `effects` in the contract, or --evidence-cmd";

/// Why a scenario is not applicable under a contract, whoever is judged by it, when it is not.
#[must_use]
pub fn reason_not_under(setting: &Setting, supplies: &Supplies, loaded: &Loaded, means: Means) -> Option<Reason> {
    let scenario = &loaded.scenario;
    let contract = setting.contract();
    // What a scenario does first of all is what its first requirement speaks of: where that is not promised, anything may come of it, and
    // what the others find in that is no fault.
    if let Some(why) = scenario.shows.first().and_then(|id| contract.not_promised.get(id)) {
        return Some(Reason::of(Lack::Promise, format!("{} does not promise it: {why}", contract.contract)));
    }
    if let Some(reason) = not_durable(setting, scenario) {
        return Some(reason);
    }
    let looks = || steps_of(&scenario.steps).into_iter().any(|step| step.state.is_some());
    if !contract.is_by_key() && looks() {
        let told = format!("{} promises no idempotency: what repeated deliveries leave behind is not promised", contract.contract);
        return Some(Reason::of(Lack::Idempotency, told));
    }
    let missing = |need: &String| match need.as_str() {
        "state" if contract.state.is_none() => Some(Reason::of(Lack::Tables, "the contract does not say where state can be seen")),
        // A contract names effects, or the command line does.
        "effects" if !means.effects => Some(Reason::of(Lack::Effects, NO_EFFECTS)),
        "effects" => None,
        word if SURROUNDINGS.contains(&word) || contract.can(word) => None,
        word => {
            let meaning = setting.catalogue.meaning_of(word).map_or_else(String::new, |m| format!(": {}", m.trim_end_matches('.')));
            Some(Reason::of(Lack::Capability, format!("{} does not offer `{word}`{meaning}", contract.contract)))
        }
    };
    let unseen = || steps_of(&scenario.steps).into_iter().find_map(|step| unseen_rows(contract, step));
    // Who takes deliveries by PUT is not held to refusing PUT.
    let is_own = |step: &&Step| {
        let method = step.deliver.as_ref().and_then(|deliver| deliver.method.as_deref());
        method.is_some_and(|method| method.eq_ignore_ascii_case(&contract.endpoint.method))
    };
    let own_method = || steps_of(&scenario.steps).into_iter().any(|step| is_own(&step));
    let own_method =
        || own_method().then(|| Reason::from(format!("{} is how deliveries come under this contract", contract.endpoint.method)));
    let too_long = || body_too_long(supplies, scenario);
    let missing = scenario.needs.iter().find_map(missing).or_else(unseen).or_else(own_method).or_else(too_long);
    let missing = missing.or_else(|| kept_too_short(contract, scenario)).or_else(|| too_many_streams(contract, scenario));
    missing.or_else(|| is_of_another_letter(setting, supplies, loaded, means))
}

/// Why a scenario is not applicable that asks behind a restart for what came before it: whatever it is about, that such things are
/// remembered is a promise of its own, and the contract does not make it.
fn not_durable(setting: &Setting, scenario: &Scenario) -> Option<Reason> {
    let contract = setting.contract();
    let unpromised = |id: &String| Some((id.clone(), contract.not_promised.get(id)?));
    let (id, why) = Durability::of(&scenario.steps).promised_by(&setting.catalogue.always).find_map(unpromised)?;
    let told = format!("{} does not promise what it asks for after a restart ({id}): {why}", contract.contract);
    Some(Reason::of(Lack::Promise, told))
}

/// Why a scenario is not applicable that holds receivers to the letter of a family: the contract, which says that it is of that
/// family, has changed what the scenario demands.
fn is_of_another_letter(setting: &Setting, supplies: &Supplies, loaded: &Loaded, means: Means) -> Option<Reason> {
    let ticked = loaded.scenario.needs.iter().find(|need| !is_computed(need) && !SURROUNDINGS.contains(&need.as_str()))?;
    let finding = contradiction(setting, &supplies.for_rehearsal(), loaded, means)?;
    let observed = finding.observed.lines().next().unwrap_or_default();
    Some(format!("{} changes what `{ticked}` demands: its own reference gives {observed}", setting.contract().contract).into())
}

/// The longest body that is sent, in bytes: what is built is held in memory, and sent a few times.
const LONGEST_SENT: usize = 64 * 1024 * 1024;

/// Why a scenario is not applicable whose bodies are longer than the contract's limit, or whose limit is further than any body goes;
/// one that goes over the limit on purpose is.
fn body_too_long(supplies: &Supplies, scenario: &Scenario) -> Option<Reason> {
    let limit = supplies.contract.limits.body_bytes();
    let measured = longest_measured(&scenario.steps, limit);
    if measured > LONGEST_SENT {
        let told = format!("its bodies have up to {measured} bytes, by the contract's limit, and none is sent of more than {LONGEST_SENT}");
        return Some(Reason::of(Lack::BodyLimit, told));
    }
    let longest = longest_body(&scenario.steps, &|name| supplies.bodies.get(name).map_or(0, Bytes::len));
    // A key that travels in the body makes it longer.
    let key = supplies.contract.key.put_into_body(b"{}", supplies.word(u64::MAX).as_bytes()).map_or(0, |body| body.len());
    let longest = if supplies.contract.key.header.is_some() { longest } else { longest.saturating_add(key) };
    (longest > limit)
        .then(|| Reason::of(Lack::BodyLimit, format!("its bodies have up to {longest} bytes, and the contract limits bodies to {limit}")))
}

/// Why a scenario is not applicable that comes back to a stream with more events than the contract keeps; one that is about what is kept
/// no longer is played.
fn kept_too_short(contract: &Contract, scenario: &Scenario) -> Option<Reason> {
    let keeps = contract.stream.as_ref()?.keeps;
    let is_about_it = steps_of(&scenario.steps).iter().any(|step| step.repeat.as_ref().is_some_and(|block| block.times == Times::Kept));
    let events = most_events(&scenario.steps);
    (events > keeps && !is_about_it)
        .then(|| format!("it has up to {events} events on a stream, and the contract keeps the newest {keeps} (`stream.keeps`)").into())
}

/// Why a scenario is not applicable that has more streams open at once than the contract lets in.
fn too_many_streams(contract: &Contract, scenario: &Scenario) -> Option<Reason> {
    let at_once = contract.stream.as_ref()?.at_once;
    let most = OpenStreams::of(&scenario.steps).at_most();
    (most > at_once)
        .then(|| format!("it has up to {most} streams open at once, and the contract lets in {at_once} (`stream.at_once`)").into())
}

/// How many events the steps have on streams, at the most.
fn most_events(steps: &[Step]) -> usize {
    let is_told = |deliver: &Deliver| usize::from(deliver.stream.is_some() || deliver.stream_of.is_some());
    let one = |step: &Step| {
        let alone = step.deliver.as_ref().map_or(0, is_told);
        let burst = step.burst.as_ref().map_or(0, |burst| burst.keys.saturating_mul(is_told(&burst.deliver)));
        let repeated = step.repeat.as_ref().map_or(0, |block| match block.times {
            Times::Rounds(rounds) => most_events(&block.steps).saturating_mul(rounds as usize),
            Times::Kept => 0,
        });
        alone.saturating_add(burst).saturating_add(repeated)
    };
    steps.iter().map(one).fold(0, usize::saturating_add)
}

impl RunContext {
    /// What can be seen here.
    #[must_use]
    pub fn means(&self) -> Means {
        Means { state: self.sources.rows.is_some(), effects: self.sources.effects.is_some() }
    }

    /// Why a scenario is not applicable here, when it is not.
    #[must_use]
    pub fn reason_not_to_play(&self, loaded: &Loaded) -> Option<Reason> {
        let scenario = &loaded.scenario;
        let contract = &self.contract;
        if self.level == Level::Must && scenario.shows.iter().all(|id| self.catalogue.get(id).is_some_and(|one| one.level == Level::Should))
        {
            return Some(Reason::of(Lack::Level, "it shows only what a receiver should do (--level must)"));
        }
        let means = self.means();
        let here = |need: &String| match need.as_str() {
            word if self.sources.rows.is_none() && (word == "state" || SEEN_IN_A_DATABASE.contains(&word)) => {
                Some(Reason::of(Lack::Database, "it looks at the database, and no --db was given"))
            }
            "time" if matches!(self.clock, TargetClock::None) => Some(Reason::of(Lack::Clock, "it moves time, and no --clock was given")),
            "time" => self.stopped_clock().map(|why| why.to_owned().into()),
            "restart" if !self.can_restart() => {
                Some(Reason::of(Lack::Start, "it starts the receiver again, and hookgate has not started it (--exec)"))
            }
            _ => None,
        };
        reason_not_under(&self.setting, &self.supplies, loaded, means)
            .or_else(|| scenario.needs.iter().find_map(here))
            .or_else(|| too_short_a_life(scenario, self.ttl, contract.lease()))
            .or_else(|| {
                let told = too_long(&self.clock, total_wait(&scenario.steps, self.ttl.unwrap_or(0), contract.lease()))?;
                Some(Reason::of(Lack::Time, told))
            })
    }

    /// Why a scenario cannot be judged: the receiver refuses honest deliveries, and this is not the scenario that says so.
    #[must_use]
    pub fn reason_not_to_judge(&self, loaded: &Loaded) -> Option<Reason> {
        let refused = self.visited().refused.as_ref()?;
        let says_so = self.catalogue.always.honest_is_accepted.as_ref().is_some_and(|id| loaded.scenario.shows == [id.as_str()]);
        (!says_so || !refused.is_told_by_scenarios)
            .then(|| format!("an honestly signed delivery is refused, and nothing else can be judged: {}", refused.observed))
            .map(|told| Reason::of(Lack::Honest, told))
    }

    /// Who may be played beside a scenario.
    #[must_use]
    pub fn company_of(&self, scenario: &Scenario) -> Company {
        let steps = steps_of(&scenario.steps);
        let restarts = steps.iter().any(|step| step.restart.is_some());
        let moves = steps.iter().any(|step| step.advance.is_some());
        if scenario.alone || restarts || (moves && self.clock.moves_everyone()) {
            return Company::Nobody;
        }
        let counts: Vec<&Grown> = steps.iter().filter_map(|step| step.state.as_ref()?.grown.as_ref()).collect();
        let nothing_grows = counts.iter().all(|grown| grown.keys.unwrap_or(0) == 0 && grown.audit.unwrap_or(0) == 0);
        match counts.as_slice() {
            [] => Company::Others,
            // Between two counts that are the same nobody writes: neither does anyone else who counts so.
            [_] if nothing_grows && !moves => Company::Counting,
            [_, ..] => Company::Nobody,
        }
    }
}

/// Why a scenario cannot be played with keys that live so short.
fn too_short_a_life(scenario: &Scenario, ttl: Option<u64>, lease: Duration) -> Option<Reason> {
    let (ttl, wanted) = (ttl?, shortest(scenario, lease)?);
    (ttl < wanted)
        .then(|| format!("its keys must live {wanted} s at least, and those of the receiver live {ttl} s: give it a longer life (--ttl)"))
        .map(|told| Reason::of(Lack::Life, told))
}

/// Why rows cannot be looked at as a step does.
fn unseen_rows(contract: &Contract, step: &Step) -> Option<Reason> {
    let told = cannot_be_seen(contract, step.state.as_ref()?)?;
    Some(Reason { text: told, lack: contract.state.is_none().then_some(Lack::Tables) })
}

/// Every step, also those that are repeated.
fn steps_of(steps: &[Step]) -> Vec<&Step> {
    let mut all = Vec::new();
    for step in steps {
        all.push(step);
        all.extend(step.repeat.iter().flat_map(|block| steps_of(&block.steps)));
    }
    all
}

/// The longest body that the steps send, unless it is made to be over a limit.
///
/// * `file`: the length of a body file.
fn longest_body(steps: &[Step], file: &dyn Fn(&str) -> usize) -> usize {
    let of = |deliver: &Deliver| {
        let texts = [&deliver.raw, &deliver.json].into_iter().flatten().map(String::len).max();
        let named = deliver.body.as_ref().map(|name| file(name));
        let hex = deliver.hex.as_ref().map(|digits| digits.len() / 2);
        let filled = deliver.fill.as_ref().and_then(|fill| fill.bytes);
        [texts, named, hex, filled, deliver.random_bytes].into_iter().flatten().max().unwrap_or(0)
    };
    let one = |step: &Step| {
        let sent = step.deliver.as_ref().map_or(0, of).max(step.burst.as_ref().map_or(0, |burst| of(&burst.deliver)));
        sent.max(step.repeat.as_ref().map_or(0, |block| longest_body(&block.steps, file)))
    };
    steps.iter().map(one).max().unwrap_or(0)
}

/// The longest body whose size is measured by the contract's limit.
fn longest_measured(steps: &[Step], limit: usize) -> usize {
    let of = |deliver: &Deliver| deliver.fill.as_ref().filter(|fill| fill.bytes.is_none()).map_or(0, |fill| fill.size(limit));
    let sent = |step: &&Step| {
        let burst = step.burst.as_ref().map_or(0, |burst| of(&burst.deliver));
        step.deliver.as_ref().map_or(0, of).max(burst)
    };
    steps_of(steps).iter().map(sent).max().unwrap_or(0)
}

/// How much time the steps let pass in all.
fn total_wait(steps: &[Step], ttl: u64, lease: Duration) -> Duration {
    let one = |step: &Step| {
        let advanced = step.advance.as_ref().and_then(|text| read_advance(text).ok()).map_or(Duration::ZERO, |by| span_of(&by, ttl, lease));
        let rounds = |times: Times| match times {
            Times::Rounds(rounds) => rounds,
            Times::Kept => 1, // in which no time passes
        };
        let repeated =
            step.repeat.as_ref().map_or(Duration::ZERO, |block| total_wait(&block.steps, ttl, lease).saturating_mul(rounds(block.times)));
        advanced.saturating_add(repeated)
    };
    steps.iter().map(one).fold(Duration::ZERO, Duration::saturating_add)
}
