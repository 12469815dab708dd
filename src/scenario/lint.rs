//! What a schema cannot say of a scenario: names that refer to nothing, steps
//! of two kinds, promises that nobody has written down.
//!
//! Takes a scenario that has the right shape and what there is to refer to,
//! gives findings by path (`steps[2].deliver.key_of`); where they stand in
//! the file is the tree's business. Nothing is sent or judged.
//!
//! Start at [`lint`].

mod advance;
mod deliveries;
mod outcomes;
mod rows;
mod streams;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::contract::facts::COMPUTED;
use crate::scenario::requirement::Catalogue;
use crate::scenario::{Scenario, Step, Times, UnderWay};
use crate::yaml::diagnostic::{Diagnostic, hint, listed};
use crate::yaml::tree::Node;

pub use self::advance::{Advance, NotAnAdvance, read_advance};

/// The kinds of steps, in the order in which they are told.
const KINDS: [&str; 11] = ["deliver", "burst", "advance", "restart", "snapshot", "state", "effects", "get", "stream", "repeat", "for_each"];
/// More rounds than this are a slip of the hand.
const MOST_ROUNDS: u32 = 100_000;
/// A brace that is not closed after so many bytes begins no reference.
const LONGEST_REFERENCE: usize = 500; // bytes

/// What scenarios may refer to.
#[derive(Clone, Debug, Default)]
pub struct Known {
    requirements: Vec<String>,
    capabilities: Vec<String>,
    bodies: BTreeSet<String>,
}

impl Known {
    /// What a catalogue and the names of its body files give.
    #[must_use]
    pub fn new(catalogue: &Catalogue, bodies: impl IntoIterator<Item = String>) -> Self {
        Self {
            requirements: catalogue.requirements.iter().map(|one| one.id.clone()).collect(),
            capabilities: catalogue
                .capabilities
                .keys()
                .cloned()
                .chain(COMPUTED.iter().map(|(word, _)| (*word).to_owned()))
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
            bodies: bodies.into_iter().collect(),
        }
    }
}

/// One thing that is wrong, and the path of its place.
#[derive(Clone, Debug)]
pub struct Finding {
    path: String,
    at_key: bool,
    message: String,
    hint: Option<String>,
    follows: bool,
}

impl Finding {
    /// Whether it may only follow from a member that is wrong in shape, and is then better left unsaid.
    #[must_use]
    pub fn may_follow(&self) -> bool {
        self.follows
    }

    /// The mistake at its place in `tree`.
    #[must_use]
    pub fn place(self, tree: &Node) -> Diagnostic {
        let span = if self.at_key { tree.key_span_at(&self.path) } else { tree.span_at(&self.path) };
        Diagnostic { span, message: self.message, hint: self.hint }
    }
}

/// Everything that is wrong with a scenario whose `for_each` has been expanded.
#[must_use]
pub fn lint(scenario: &Scenario, known: &Known) -> Vec<Finding> {
    let mut lint =
        Lint { known, scenario, names: BTreeMap::new(), sent: BTreeMap::new(), findings: Vec::new(), told_needs: BTreeSet::new() };
    lint.head();
    lint.steps("steps", &scenario.steps);
    lint.last_step();
    lint.findings
}

/// What a name was given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Delivery,
    Burst,
    Look,
    Answer,
    Stream,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Delivery => "a delivery",
            Self::Burst => "a burst",
            Self::Look => "a look at the database",
            Self::Answer => "an answer",
            Self::Stream => "an event stream",
        })
    }
}

/// The topic of a requirement: what stands before its dash.
fn letters(id: &str) -> &str {
    id.split('-').next().unwrap_or(id)
}

/// Whatever has rows of its own.
const DELIVERIES: &[Named] = &[Named::Delivery, Named::Burst];

struct Lint<'a> {
    known: &'a Known,
    scenario: &'a Scenario,
    names: BTreeMap<String, Named>,
    /// Bodies of named deliveries: two that are equal are the same bytes.
    sent: BTreeMap<String, Arc<str>>,
    findings: Vec<Finding>,
    told_needs: BTreeSet<&'static str>,
}

impl Lint<'_> {
    fn say(&mut self, path: impl Into<String>, message: impl Into<String>, hint: Option<String>) {
        self.findings.push(Finding { path: path.into(), at_key: false, message: message.into(), hint, follows: false });
    }

    fn say_at_key(&mut self, path: impl Into<String>, message: impl Into<String>, hint: Option<String>) {
        self.findings.push(Finding { path: path.into(), at_key: true, message: message.into(), hint, follows: false });
    }

    /// Says what may only follow from a mistake of shape.
    fn say_if_whole(&mut self, path: impl Into<String>, message: impl Into<String>, hint: Option<String>) {
        self.findings.push(Finding { path: path.into(), at_key: false, message: message.into(), hint, follows: true });
    }

    fn head(&mut self) {
        let scenario = self.scenario;
        if scenario.shows.is_empty() {
            self.say_if_whole("shows", "a scenario shows at least one requirement", None);
        }
        self.requirements("shows", &scenario.shows);
        for (at, need) in scenario.needs.iter().enumerate() {
            if !self.known.capabilities.contains(need) {
                let known: Vec<&str> = self.known.capabilities.iter().map(String::as_str).collect();
                self.say(format!("needs[{at}]"), format!("unknown capability `{need}`"), hint(need, "known capabilities", &known));
            }
        }
        if scenario.steps.is_empty() {
            self.say_if_whole("steps", "a scenario has at least one step", None);
        }
    }

    fn requirements(&mut self, path: &str, ids: &[String]) {
        for (at, id) in ids.iter().enumerate() {
            if !self.known.requirements.contains(id) {
                let known: Vec<&str> = self.known.requirements.iter().map(String::as_str).collect();
                // Ids differ by a digit or two: the nearest is the one with the same letters.
                let alike: Vec<&str> = known.iter().copied().filter(|one| letters(one) == letters(id)).collect();
                let way_out = if alike.is_empty() {
                    let mut all: Vec<&str> = known.iter().map(|one| letters(one)).collect();
                    all.dedup();
                    hint(letters(id), "ids begin with", &all)
                } else {
                    Some(format!("there are: {}", listed(alike)))
                };
                self.say(format!("{path}[{at}]"), format!("unknown requirement `{id}`"), way_out);
            } else if ids[..at].contains(id) {
                self.say(format!("{path}[{at}]"), format!("`{id}` stands here twice"), None);
            }
        }
    }

    fn steps(&mut self, path: &str, steps: &[Step]) {
        for (at, step) in steps.iter().enumerate() {
            self.step(&format!("{path}[{at}]"), step);
        }
    }

    fn step(&mut self, path: &str, step: &Step) {
        self.kind(path, step);
        self.expectation(path, step);
        self.requirements(&format!("{path}.shows"), &step.shows);
        for (at, id) in step.shows.iter().enumerate() {
            if self.known.requirements.contains(id) && !self.scenario.shows.contains(id) {
                let way_out = Some(format!("the scenario shows: {}", listed(&self.scenario.shows)));
                self.say(format!("{path}.shows[{at}]"), format!("`{id}` is not among what the scenario shows"), way_out);
            }
        }
        if let Some(deliver) = &step.deliver {
            self.deliver(&format!("{path}.deliver"), deliver);
        }
        if let Some(burst) = &step.burst {
            self.burst(&format!("{path}.burst"), burst);
        }
        if let Some(by) = &step.advance {
            self.need("time", "lets time pass", &format!("{path}.advance"));
            if let Err(wrong) = read_advance(by) {
                self.say(format!("{path}.advance"), wrong.to_string(), None);
            }
        }
        if let Some(snap) = &step.snapshot {
            self.snapshot(&format!("{path}.snapshot"), snap);
        }
        if let Some(restart) = &step.restart {
            self.need("restart", "ends the receiver and starts it again", &format!("{path}.restart"));
            if let Some(UnderWay { senders, answers, .. }) = &restart.under_way
                && (!(1..=64).contains(senders) || !(1..=10_000).contains(answers))
            {
                let way_out = Some("from 1 to 64 senders, from 1 to 10000 answers".to_owned());
                self.say_at_key(format!("{path}.restart.under_way"), "these deliveries are none, or too many", way_out);
            }
        }
        if let Some(expect) = &step.expect {
            if expect.allows_no_answer() && step.deliver.as_ref().is_some_and(|deliver| deliver.fault.is_none()) {
                let way_out = Some("give the delivery a `fault`".to_owned());
                self.say(format!("{path}.expect"), "only a faulty network loses an answer", way_out);
            }
            self.expect(&format!("{path}.expect"), expect);
            if let Some(deliver) = &step.deliver {
                self.same_body(&format!("{path}.deliver"), deliver, expect);
            }
        }
        // An answer may be held against what was sent: its own delivery has its name by now.
        if let Some((deliver, name)) = step.deliver.as_ref().and_then(|one| Some((one, one.name.as_deref()?))) {
            self.name(&format!("{path}.deliver.as"), name, Named::Delivery);
            self.sent.insert(name.to_owned(), self.body_sent(deliver).unwrap_or_else(|| format!("that of {name}").into()));
        }
        if let Some(name) = step.burst.as_ref().and_then(|one| one.name.as_deref()) {
            self.name(&format!("{path}.burst.as"), name, Named::Burst);
        }
        if let Some(name) = step.restart.as_ref().and_then(|one| one.under_way.as_ref()?.name.as_deref()) {
            self.name(&format!("{path}.restart.under_way.as"), name, Named::Burst);
        }
        if let Some(answer) = &step.answer {
            self.answer(&format!("{path}.answer"), answer);
        }
        if let Some(state) = &step.state {
            self.state(&format!("{path}.state"), state);
        }
        if let Some(effects) = &step.effects {
            self.effects(&format!("{path}.effects"), effects);
        }
        if let Some(stream) = &step.stream {
            self.stream(&format!("{path}.stream"), stream);
        }
        if let Some(block) = &step.repeat {
            match block.times {
                Times::Kept => self.need("stream", "fills what a stream keeps", &format!("{path}.repeat.times")),
                Times::Rounds(1..=MOST_ROUNDS) => {}
                Times::Rounds(times) => {
                    let message = format!("a block is repeated from 1 to {MOST_ROUNDS} times, this is {times}");
                    self.say(format!("{path}.repeat.times"), message, None);
                }
            }
            if block.steps.is_empty() {
                self.say_if_whole(format!("{path}.repeat.steps"), "a block has at least one step", None);
            }
            self.steps(&format!("{path}.repeat.steps"), &block.steps);
        }
        // A look and an answer can be compared with only once they are there.
        if let Some(name) = step.state.as_ref().and_then(|one| one.name.as_deref()) {
            self.name(&format!("{path}.state.as"), name, Named::Look);
        }
        if let Some(name) = step.answer.as_ref().and_then(|one| one.name.as_deref()) {
            self.name(&format!("{path}.answer.as"), name, Named::Answer);
        }
    }

    fn kind(&mut self, path: &str, step: &Step) {
        let has = [
            step.deliver.is_some(),
            step.burst.is_some(),
            step.advance.is_some(),
            step.restart.is_some(),
            step.snapshot.is_some(),
            step.state.is_some(),
            step.effects.is_some(),
            step.get.is_some(),
            step.stream.is_some(),
            step.repeat.is_some(),
            step.for_each.is_some(),
        ];
        let kinds: Vec<&str> = KINDS.iter().zip(has).filter(|(_, has)| *has).map(|(kind, _)| *kind).collect();
        match kinds.as_slice() {
            [] => self.say_if_whole(path, "this step does nothing", Some(format!("a step has one of: {}", listed(KINDS)))),
            [_] => {}
            [first, second, ..] => {
                let way_out = Some("make a step of each".to_owned());
                self.say_at_key(
                    format!("{path}.{second}"),
                    format!("a step does one thing, this one has `{first}` and `{second}`"),
                    way_out,
                );
            }
        }
        let belongs = [
            ("expect", step.expect.is_some(), step.deliver.is_some(), "`deliver`"),
            ("answer", step.answer.is_some(), step.deliver.is_some() || step.get.is_some(), "`deliver` or `get`"),
            ("counts", step.counts.is_some(), step.burst.is_some(), "`burst`"),
        ];
        for (member, there, fits, with) in belongs {
            if there && !fits && !kinds.is_empty() {
                let way_out = match (member, kinds.first()) {
                    ("expect", Some(&"burst")) => Some("a burst has `counts`".to_owned()),
                    ("counts", Some(&"deliver")) => Some("a delivery has `expect`".to_owned()),
                    ("expect", Some(&"get")) => Some("a question has `answer`".to_owned()),
                    _ => None,
                };
                self.say_at_key(format!("{path}.{member}"), format!("`{member}` goes with {with}"), way_out);
            }
        }
    }

    fn says_it_needs(&self, word: &str) -> bool {
        self.scenario.needs.iter().any(|need| need == word)
    }

    fn need(&mut self, word: &'static str, does: &str, path: &str) {
        if !self.says_it_needs(word) && self.told_needs.insert(word) {
            let message = format!("this step {does}, and the scenario does not say that it needs `{word}`");
            self.findings.push(Finding {
                path: path.to_owned(),
                at_key: true,
                message,
                hint: Some(format!("add `{word}` to the scenario's `needs`")),
                follows: true,
            });
        }
    }

    fn name(&mut self, path: &str, name: &str, what: Named) {
        if self.names.insert(name.to_owned(), what).is_some() {
            self.say(path, format!("the name `{name}` is taken"), Some("give this one another".to_owned()));
        }
    }

    /// A reference to an earlier step.
    fn refers(&mut self, path: impl Into<String>, name: &str, wants: &[Named]) {
        let path = path.into();
        match self.names.get(name) {
            Some(what) if wants.contains(what) => {}
            Some(what) => {
                let wanted = wants.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
                self.say(path, format!("`{name}` is {what}, and this takes {wanted}"), None);
            }
            None => {
                let fitting: Vec<&str> =
                    self.names.iter().filter(|(_, what)| wants.contains(what)).map(|(name, _)| name.as_str()).collect();
                let way_out = hint(name, "earlier names", &fitting).or_else(|| Some("name the earlier step with `as`".to_owned()));
                self.say_if_whole(path, format!("no earlier step is called `{name}`"), way_out);
            }
        }
    }

    /// References in text: `{sha256:NAME}`, `{key:NAME}`.
    fn refers_in(&mut self, path: &str, text: &str) {
        for mark in ["{sha256:", "{key:"] {
            for (at, _) in text.match_indices(mark) {
                let behind = &text[at + mark.len()..];
                let end = behind.bytes().take(LONGEST_REFERENCE).position(|byte| byte == b'}');
                if let Some(name) = end.and_then(|end| behind.get(..end)) {
                    self.refers(path, name, DELIVERIES);
                }
            }
        }
    }
}
