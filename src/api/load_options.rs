//! Options of a load: what is delivered, by how many, how long, and what it must keep to; as values, and the one way to a plan.
//!
//! In: what a builder ([`Load`](super::Load)) or a command line says. Out: what it
//! means ([`Meant`]), every mistake told before anything is sent, and the plan.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::options::{Options, Wrong};
use crate::evidence::Sources;
use crate::files::{self, TextFile};
use crate::load::Plan;
use crate::load::engine::goose::Engine;
use crate::load::feed::{Feed, Order};
use crate::load::gate::{Gate, GatesFile, Metric};
use crate::load::mix::{BodyFrom, Mix};
use crate::load::part::Part;
use crate::load::rate_profile::{Arrivals, Model, RateProfile};
use crate::load::streams::{self, Asked};
use crate::load::think::Think;
use crate::session::{self, TargetChoice};
use crate::suites::{Suite, looks_like_a_file, nearest};
use crate::target::limits::allow_open_files;
use crate::target::usage::Of;
use crate::yaml;

/// How long a load takes when nobody says.
const USUAL_RUN_TIME: Duration = Duration::from_secs(10);
/// So many users deliver when nobody says.
const USUAL_USERS: u16 = 64;
/// So many a master of Locust may call for when nobody says.
const USUAL_MOST_USERS: u16 = 1_000;
/// A longest time; a load that runs on is a mistake.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// What hookgate itself has open beside its connections.
const OWN_FILES: u64 = 64;
/// How many users are started a second when nobody says, for each user that there is.
const USUAL_HATCH: f64 = 10.0;

/// Who says how much is delivered.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// So many users, one delivery after the other.
    Users,
    /// A clock: so many deliveries a second.
    Rate(f64),
    /// A profile of users or, with `of_rates`, of deliveries a second.
    Stages {
        /// The profile.
        profile: RateProfile,
        /// What it counts.
        of_rates: bool,
    },
    /// Whoever sent what was recorded.
    Recorded,
    /// Somebody else, while it runs.
    #[cfg_attr(not(feature = "locust"), expect(dead_code, reason = "only a master calls"))]
    Called,
}

/// What a load was asked for.
#[derive(Clone, Debug)]
pub(crate) struct LoadOptions {
    /// `fresh=80,duplicate=20`, a shipped mix, or a file; without it, the usual mix.
    pub(crate) mix: Option<String>,
    /// What is delivered, where a file says it; the mix then is the feed's.
    pub(crate) feed: Option<Arc<Feed>>,
    /// How long users wait between deliveries, where the mix is not to say it.
    pub(crate) think: Option<Think>,
    /// Files of gates, and shipped ones.
    pub(crate) gate_files: Vec<String>,
    /// Gates as text.
    pub(crate) gates: Vec<String>,
    /// What ends the load.
    pub(crate) abort_on: Vec<String>,
    /// How many users there are at the most.
    pub(crate) users: Option<u16>,
    /// How many are started a second.
    pub(crate) hatch_rate: Option<f64>,
    /// Who says how much.
    pub(crate) shape: Shape,
    /// How deliveries of a clock are spread.
    pub(crate) arrivals: Arrivals,
    /// How long, without the warm-up.
    pub(crate) run_time: Option<Duration>,
    /// How many at the most.
    pub(crate) deliveries: Option<u64>,
    /// So long nothing is measured.
    pub(crate) warm_up: Duration,
    /// How long answers are waited for after the end of sending.
    pub(crate) drain: Duration,
    /// Whether the history is judged.
    pub(crate) verify: bool,
    /// Who starts the users.
    pub(crate) engine: Engine,
    /// Whose processor and memory are looked at beside our own.
    pub(crate) beside: Option<Of>,
    /// Who reads event streams meanwhile.
    pub(crate) streams: Option<Asked>,
}

/// What options mean.
pub(crate) struct Meant {
    /// Which kinds.
    pub(crate) mix: Mix,
    /// What must be kept to.
    pub(crate) gates: Vec<Gate>,
    /// How many users there are at the most.
    pub(crate) users: usize,
    abort_on: Vec<Gate>,
    profile: RateProfile,
    model: Model,
}

impl LoadOptions {
    /// What they mean.
    ///
    /// # Errors
    /// The first mistake.
    pub(crate) fn meant(&self) -> Result<Meant, Wrong> {
        self.meant_with(match &self.feed {
            Some(feed) => feed.mix().map_err(Wrong::Said)?,
            None => mix(self.mix.as_deref())?,
        })
    }

    /// The same with a mix that was read already.
    ///
    /// # Errors
    /// The first mistake.
    pub(crate) fn meant_with(&self, mut mix: Mix) -> Result<Meant, Wrong> {
        mix.think = self.think.unwrap_or(mix.think);
        let (gates, abort_on) = self.conditions(&mix.names())?;
        let (profile, model, users) = self.profile()?;
        Ok(Meant { mix, gates, users, abort_on, profile, model })
    }

    /// What must hold, and what ends the load.
    ///
    /// * `names`: the kinds that they may name.
    ///
    /// # Errors
    /// The first mistake.
    pub(crate) fn conditions(&self, names: &[String]) -> Result<(Vec<Gate>, Vec<Gate>), Wrong> {
        let abort_on: Vec<Gate> =
            self.abort_on.iter().map(|text| Gate::condition(text, names)).collect::<Result<_, _>>().map_err(Wrong::Said)?;
        let gates = self.read_gates(names)?;
        if let (None, Some(gate)) = (self.streams, gates.iter().chain(&abort_on).find(|gate| matches!(gate.metric, Metric::Stream(_)))) {
            return Err(Wrong::Said(format!("`{}` is about event streams, and nobody reads any: give --streams N", gate.text)));
        }
        Ok((gates, abort_on))
    }

    /// What was played, for a digest: the mix as it was named, and what it came to.
    pub(crate) fn played(&self, mix: &Mix) -> String {
        let kinds: String = mix.weights().iter().map(|(kind, weight)| format!("\n{kind}={weight}")).collect();
        let fed = self.feed.as_ref().map(|feed| format!("\nfeed {}", feed.survey.sha256));
        self.mix.clone().unwrap_or_default() + &kinds + &fed.unwrap_or_default()
    }

    /// The plan, for the target of a session that is still to be connected.
    ///
    /// # Errors
    /// A body that the suite does not have, a baseline that cannot be read, a secret that cannot be used.
    pub(crate) fn plan(&self, meant: &Meant, options: &Options, suite: &Suite, choice: &session::Choice) -> Result<Plan, Wrong> {
        options.check(&suite.contract)?;
        Ok(Plan {
            contract: Arc::clone(&choice.contract),
            catalogue: Arc::clone(&suite.catalogue),
            target: choice.target.address(),
            sources: Sources::default(),
            headers: choice.headers.clone(),
            secret_headers: options.headers.secret().to_vec(),
            signer: choice.signer().map_err(|wrong| Wrong::Secret(wrong.to_string()))?,
            body: self.body(&meant.mix, suite)?,
            mix: meant.mix.clone(),
            feed: self.feed.clone(),
            users: meant.users,
            hatch_rate: self.hatch_rate.unwrap_or(meant.users as f64 * USUAL_HATCH),
            model: meant.model,
            profile: meant.profile.clone(),
            arrivals: self.arrivals,
            most: self.most(),
            warm_up: self.warm_up,
            timeout: options.patience(&suite.contract),
            drain: self.drain,
            gates: meant.gates.clone(),
            abort_on: meant.abort_on.clone(),
            verify: self.verify,
            ttl: choice.ttl,
            seed: options.seed(),
            beside: self.beside,
            baseline: options.baseline(suite)?,
            part: Part::default(),
            engine: self.engine,
            streams: self.streams,
        })
    }

    /// How long it takes; one that is fed once, without a time of its own, until its feed is over.
    fn length(&self) -> Duration {
        let fed = self.feed.as_ref().filter(|feed| feed.order == Order::Once && self.run_time.is_none());
        match (fed, &self.shape) {
            (None, _) => self.warm_up + self.run_time.unwrap_or(USUAL_RUN_TIME),
            (Some(feed), Shape::Rate(rate)) => Duration::try_from_secs_f64(feed.survey.ours as f64 / rate).unwrap_or(Duration::MAX),
            (Some(_), Shape::Users | Shape::Stages { .. } | Shape::Recorded | Shape::Called) => LONGEST,
        }
    }

    /// How many deliveries there are at the most: as many as were asked for, and as the feed has.
    fn most(&self) -> u64 {
        let fed = self.feed.as_ref().filter(|feed| matches!(feed.order, Order::Once | Order::Recorded)).map(|feed| feed.survey.ours);
        self.deliveries.into_iter().chain(fed).min().unwrap_or(u64::MAX)
    }

    /// What is sent; with streams, it names one.
    fn body(&self, mix: &Mix, suite: &Suite) -> Result<Vec<u8>, Wrong> {
        let body = body(mix, suite)?;
        match self.streams {
            Some(asked) => streams::body(&suite.contract, asked, body).map_err(Wrong::Said),
            None => Ok(body),
        }
    }

    fn read_gates(&self, kinds: &[String]) -> Result<Vec<Gate>, Wrong> {
        let mut gates = Vec::new();
        for named in &self.gate_files {
            let file: TextFile = match files::shipped_gates(named) {
                Some(shipped) => shipped,
                None => files::read_text("read the gates", Path::new(named)).map_err(Wrong::said)?,
            };
            let (read, _) = yaml::read::<GatesFile>(&file.path, &file.text).map_err(Wrong::said)?;
            for text in &read.gates {
                gates.push(Gate::read(text, kinds).map_err(|wrong| Wrong::Said(format!("{}: {wrong}", file.path)))?);
            }
        }
        for text in &self.gates {
            gates.push(Gate::read(text, kinds).map_err(Wrong::Said)?);
        }
        Ok(gates)
    }

    /// The profile, what it counts, and how many users it needs.
    fn profile(&self) -> Result<(RateProfile, Model, usize), Wrong> {
        let users = usize::from(self.users.unwrap_or(USUAL_USERS));
        let length = self.length();
        let (profile, model, users) = match &self.shape {
            Shape::Recorded => match &self.feed {
                Some(feed) => (feed.profile().map_err(Wrong::said)?, Model::Open, users),
                None => return Err(Wrong::said("there is nothing recorded to send again")),
            },
            Shape::Called => {
                let most = usize::from(self.users.unwrap_or(USUAL_MOST_USERS));
                return Ok((RateProfile::level(most as f64, LONGEST), Model::Closed, most));
            }
            Shape::Stages { profile, of_rates: true } => (profile.clone(), Model::Open, users),
            Shape::Stages { profile, of_rates: false } => (profile.clone(), Model::Closed, profile.highest().ceil() as usize),
            Shape::Rate(rate) if !rate.is_finite() || *rate <= 0.0 => return Err(Wrong::Rate(*rate)),
            Shape::Rate(rate) => (RateProfile::level(*rate, length), Model::Open, users),
            Shape::Users => (RateProfile::level(users as f64, length), Model::Closed, users),
        };
        if profile.length() > LONGEST {
            return Err(Wrong::said(match &self.shape {
                Shape::Recorded => "a load takes a day at the most, and this recording takes longer: give it more --speed",
                Shape::Users | Shape::Rate(_) | Shape::Stages { .. } | Shape::Called => "a load takes a day at the most",
            }));
        }
        if model == Model::Open && self.think.is_some() {
            return Err(Wrong::said(
                "--think is how long users wait, and stages of rates (`30s:100/s`) wait for nobody: leave one of them out",
            ));
        }
        if self.warm_up >= profile.length() {
            return Err(Wrong::said("the warm-up is as long as the load: nothing would be measured"));
        }
        if model == Model::Closed && self.arrivals == Arrivals::Poisson {
            return Err(Wrong::said("--arrivals poisson needs --rate, or stages of rates (`30s:100/s`)"));
        }
        match u16::try_from(users) {
            Ok(0) => Err(Wrong::said("a load without users delivers nothing: give one at least")),
            Ok(_) => Ok((profile, model, users)),
            Err(_) => Err(Wrong::Said(format!("{users} users are more than one machine has ports for: at most {}", u16::MAX))),
        }
    }
}

/// An inline mix, a shipped one, or a file, under one contract.
pub(crate) fn mix(named: Option<&str>) -> Result<Mix, Wrong> {
    let mix = any_mix(named)?;
    if mix.contracts.is_empty() {
        return Ok(mix);
    }
    Err(Wrong::Said(format!(
        "the mix `{}` has several contracts, and here is one: `hookgate load --mix FILE` loads all of them at once",
        named.unwrap_or_default()
    )))
}

/// The same, under one contract or several.
pub(crate) fn any_mix(named: Option<&str>) -> Result<Mix, Wrong> {
    let Some(named) = named else { return Ok(Mix::default()) };
    let file = match files::shipped_mix(named) {
        Some(shipped) => shipped,
        None if looks_like_a_file(named) && !named.contains('=') => {
            files::read_text("read the mix", Path::new(named)).map_err(Wrong::said)?
        }
        None if named.contains('=') || named.contains(',') => return Mix::read(named).map_err(Wrong::said),
        None => {
            let known = files::shipped_mixes();
            let hint =
                nearest(named, known.iter().map(String::as_str)).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            return Err(Wrong::Said(format!(
                "there is no mix `{named}`: write `fresh=80,duplicate=20`, give a file (…/{named}.yaml), or one of {}{hint}",
                known.join(", ")
            )));
        }
    };
    Mix::read_file(&file.path, &file.text).map_err(Wrong::said)
}

/// What is sent.
fn body(mix: &Mix, suite: &Suite) -> Result<Vec<u8>, Wrong> {
    let named = |name: &str| {
        let known = || suite.bodies.keys().cloned().collect::<Vec<_>>().join(", ");
        let body = suite.bodies.get(name).map(|body| body.to_vec());
        body.ok_or_else(|| Wrong::Said(format!("the suite has no body `{name}`: {}", known())))
    };
    match mix.body.as_ref().map(|body| &body.from) {
        Some(BodyFrom::Template(text)) => Ok(text.clone().into_bytes()),
        Some(BodyFrom::File(name)) => named(name),
        None => named(&suite.catalogue.ordinary_body),
    }
}

/// Every user has a connection, and every connection is an open file; a receiver in this process has the other end.
pub(crate) fn make_room(users: usize, both_ends: bool) -> Result<(), Wrong> {
    let needed = users as u64 * if both_ends { 2 } else { 1 } + OWN_FILES;
    allow_open_files(needed).map_err(|most| Wrong::NoRoom { users, needed, most })
}

/// Only whoever says that it is theirs loads a receiver on another machine.
pub(crate) fn check_target_is_local(target: &TargetChoice, is_owned: bool) -> Result<(), Wrong> {
    if is_owned || target.address().is_on_this_machine() {
        return Ok(());
    }
    let address = match target {
        TargetChoice::BuiltIn { .. } => String::new(),
        TargetChoice::Foreign { url } => url.to_string(),
        TargetChoice::Launched(choice) => choice.url.clone(),
    };
    Err(Wrong::Elsewhere { address })
}
