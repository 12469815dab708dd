//! The space of contracts: whatever a contract may promise, the reference keeps it, and a receiver without memory never passes.
//!
//! Contracts are made of one value of each axis; every value stands once beside
//! the usual ones, and pairs are drawn at random. Every scenario of the suite
//! is played in memory, by the judge that a run has. A right receiver that gets
//! a finding here is a mistake of the suite or the judge, and so is a wrong one
//! that gets none.
#![expect(clippy::expect_used, clippy::panic, reason = "a test ends where something is not as it should be")]

mod afterwards;
mod axes;
mod exploring;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hookgate::clock::UnixMicros;
use hookgate::contract::Contract;
use hookgate::contract::key::KeyForm;
use hookgate::contract::outcome::Refusal;
use hookgate::delivery::{Answer, Delivery};
use hookgate::history;
use hookgate::judge::kept::Kept;
use hookgate::judge::verify::at_once;
use hookgate::judge::{Setting, scenario};
use hookgate::reference::amnesiac::Amnesiac;
use hookgate::reference::hooks::{Answering, Around, Hooks};
use hookgate::reference::store::First;
use hookgate::report::{ScenarioReport, Verdict, tally};
use hookgate::run::rehearsal::{Means, Rehearsed, has_force, rehearse, surroundings};
use hookgate::run::suite::reason_not_under;
use hookgate::scenario::expand::Loaded;
use hookgate::session::supplies::Supplies;

use self::axes::{SUITE, contract, name, points};

/// Everything that is needed to rehearse under a contract.
struct Stage {
    setting: Setting,
    supplies: Supplies,
    means: Means,
}

impl Stage {
    fn of(contract: &Arc<Contract>) -> Self {
        let bodies = Arc::new(contract.with_own_body(&SUITE.catalogue.ordinary_body, SUITE.bodies.as_ref().clone()));
        let (setting, supplies) = surroundings(contract, &SUITE.catalogue, &bodies).expect("the published secret is a key");
        Self { setting, supplies, means: Means::of(contract) }
    }

    fn applicable(&self) -> impl Iterator<Item = &'static Loaded> {
        SUITE.scenarios.iter().filter(|one| reason_not_under(&self.setting, &self.supplies, one, self.means).is_none())
    }

    fn play(&self, loaded: &Loaded, hooks: Option<Box<dyn Hooks>>) -> Rehearsed {
        let mut receiver = scenario::reference(&self.setting, &self.supplies.signer).expect("memory does not fail");
        if let Some(hooks) = hooks {
            receiver.set_hooks(hooks);
        }
        rehearse(&self.setting, &self.supplies, loaded, receiver, self.means).expect("memory does not wait")
    }
}

/// Whatever a contract says, what the reference does under it is no finding; neither live nor judged again from its history.
#[test]
fn reference_keeps_every_contract() {
    let (mut wrong, mut played) = (Vec::new(), 0);
    for point in points() {
        let Some(contract) = contract(&point) else { continue };
        let stage = Stage::of(&contract);
        let mut all = Vec::new();
        for loaded in stage.applicable() {
            let Rehearsed { report, history, .. } = stage.play(loaded, None);
            played += 1;
            for finding in report.findings.iter().take(1) {
                wrong.push(format!(
                    "{}: {} step {}: {} where {} was due",
                    name(&point),
                    loaded.id,
                    finding.step,
                    finding.observed,
                    finding.expected
                ));
            }
            if report.verdict == Verdict::Undecided {
                wrong.push(format!("{}: {} undecided: {:?}", name(&point), loaded.id, report.reason));
            }
            if report.findings.is_empty() {
                let operations: Vec<&history::Operation> = history.iter().collect();
                let mut kept = Kept::new(&contract, &operations);
                let reference = scenario::reference(&stage.setting, &stage.supplies.signer).expect("memory does not fail");
                let (again, ..) = at_once(scenario::play(&stage.setting, &mut kept, loaded, reference)).expect("a history does not wait");
                if let Some(finding) = again.findings.first() {
                    wrong.push(format!(
                        "{}: {} judged again: {} where {} was due",
                        name(&point),
                        loaded.id,
                        finding.observed,
                        finding.expected
                    ));
                }
            }
            // Every rehearsal begins anew with the same words and the same moment.
            if let Some((judgement, _)) = history::judge(&history, &contract, contract.ttl_secs())
                && (judgement.broken > 0 || (judgement.undecided > 0 && stage.setting.reader.tells_duplicates()))
            {
                let witness = judgement.witnesses.first();
                wrong.push(format!("{}: {} history: {} undecided, {witness:?}", name(&point), loaded.id, judgement.undecided));
            }
            all.extend(history);
        }
    }
    assert!(played > 5_000, "only {played} scenarios were played");
    assert!(wrong.is_empty(), "{} of {played}:\n{}", wrong.len(), wrong.iter().take(30).cloned().collect::<Vec<_>>().join("\n"));
}

/// The verdicts of requirements over a receiver with these hooks, as a run sums them up.
fn requirements(stage: &Stage, hooks: &dyn Fn() -> Box<dyn Hooks>) -> Vec<(String, Verdict)> {
    let reports: Vec<ScenarioReport> = stage
        .applicable()
        .filter(|loaded| loaded.scenario.shows.iter().any(|id| id.starts_with("DUP-") || id.starts_with("ONCE-")))
        .map(|loaded| {
            let mut report = stage.play(loaded, Some(hooks())).report;
            report.without_force = !has_force(&stage.setting, &stage.supplies, loaded, stage.means);
            report
        })
        .collect();
    let asked: Vec<tally::Asked> = SUITE
        .catalogue
        .requirements
        .iter()
        .filter(|one| one.id.starts_with("DUP-") || one.id.starts_with("ONCE-"))
        .map(|one| tally::Asked { id: one.id.clone(), level: one.level, memory: one.memory, ..tally::Asked::default() })
        .collect();
    tally::requirements(&asked, &reports).into_iter().map(|one| (one.id, one.verdict)).collect()
}

/// A receiver without memory never passes what is about memory.
#[test]
fn amnesiac_never_passes_duplicates_or_concurrency() {
    let mut wrong = Vec::new();
    for point in points() {
        let Some(contract) = contract(&point) else { continue };
        let stage = Stage::of(&contract);
        let passed = requirements(&stage, &|| Box::new(Amnesiac))
            .into_iter()
            .filter(|(_, verdict)| matches!(verdict, Verdict::Pass | Verdict::Warn));
        wrong.extend(passed.map(|(id, _)| format!("{}: {id}", name(&point))));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Ways to be wrong that every contract has, and when they can be seen.
struct Class {
    name: &'static str,
    hooks: fn() -> Box<dyn Hooks>,
    can_be_seen: fn(&Contract, &Setting) -> bool,
}

/// Changes one thing.
struct One {
    key: fn(String) -> String,
    verified: fn(Result<(), Refusal>) -> Result<(), Refusal>,
    found: fn(Option<First>, UnixMicros) -> Option<First>,
    answer: fn(Answering, Answer) -> Answer,
    uses_up: bool,
}

impl Default for One {
    fn default() -> Self {
        Self { key: |key| key, verified: |honest| honest, found: |first, _| first, answer: |_, answer| answer, uses_up: false }
    }
}

impl Hooks for One {
    fn key(&mut self, read: Result<String, Refusal>, _delivery: &Delivery) -> Result<String, Refusal> {
        read.map(self.key)
    }

    fn verified(&mut self, honest: Result<(), Refusal>, _around: Around<'_>) -> Result<(), Refusal> {
        (self.verified)(honest)
    }

    fn found(&mut self, first: Option<First>, around: Around<'_>) -> Option<First> {
        (self.found)(first, around.now)
    }

    fn answer(&mut self, what: Answering, answer: Answer, _around: Around<'_>) -> Answer {
        (self.answer)(what, answer)
    }

    fn writes_refused(&self, why: Refusal, key: &str) -> Option<String> {
        (self.uses_up && why == Refusal::Signature).then(|| key.to_owned())
    }
}

fn sees_memory(contract: &Contract, setting: &Setting) -> bool {
    let audit = contract.state.as_ref().is_some_and(|tables| tables.audit.is_some());
    contract.is_by_key() && (setting.reader.tells_duplicates() || audit || contract.effects.is_some())
}

const CLASSES: &[Class] = &[
    Class { name: "remembers nothing", hooks: || Box::new(Amnesiac), can_be_seen: sees_memory },
    Class {
        name: "takes every signature",
        hooks: || Box::new(One { verified: |_| Ok(()), ..One::default() }),
        can_be_seen: |contract, _| contract.can("signed"),
    },
    Class {
        name: "gives duplicates a 500",
        hooks: || {
            Box::new(One {
                answer: |what, answer| if what == Answering::Duplicate { Answer { status: 500, ..answer } } else { answer },
                ..One::default()
            })
        },
        can_be_seen: |contract, _| contract.is_by_key(),
    },
    Class {
        name: "gives refusals a 500",
        hooks: || {
            Box::new(One {
                answer: |what, answer| if matches!(what, Answering::Refused(_)) { Answer { status: 500, ..answer } } else { answer },
                ..One::default()
            })
        },
        can_be_seen: |_, _| true,
    },
    Class {
        name: "folds keys",
        hooks: || Box::new(One { key: |key| key.to_lowercase(), ..One::default() }),
        can_be_seen: |contract, setting| {
            let has_both_cases = contract.key.form != KeyForm::Uuid && b"ORDERorder".iter().all(|byte| contract.key.allows(*byte));
            has_both_cases && sees_memory(contract, setting) && !contract.repeats_first_answer()
        },
    },
    Class {
        name: "cuts keys at 40 bytes",
        hooks: || Box::new(One { key: |key| key.chars().take(40).collect(), ..One::default() }),
        can_be_seen: |contract, setting| {
            contract.key.form != KeyForm::Uuid && sees_memory(contract, setting) && !contract.repeats_first_answer()
        },
    },
    Class {
        name: "accepts again after a minute",
        hooks: || Box::new(One { found: |first, now| first.filter(|first| now.since(first.ts).as_secs() < 30), ..One::default() }),
        can_be_seen: |contract, setting| contract.ttl.is_some() && contract.is_by_key() && setting.reader.tells_duplicates(),
    },
    Class {
        name: "uses keys up on refusals",
        hooks: || Box::new(One { uses_up: true, ..One::default() }),
        can_be_seen: |contract, setting| {
            contract.can("signed") && contract.key.header.is_some() && contract.is_by_key() && setting.reader.tells_duplicates()
        },
    },
];

/// Every way to be wrong that can be seen under a contract is seen.
#[test]
fn wrong_receivers_are_found_under_every_contract() {
    let mut missed = Vec::new();
    // What has found a class of them under another contract is played first: most find it again, and the rest need not be played.
    let mut finders: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for point in points() {
        let Some(contract) = contract(&point) else { continue };
        let stage = Stage::of(&contract);
        for class in CLASSES.iter().filter(|class| (class.can_be_seen)(&contract, &stage.setting)) {
            let known = finders.entry(class.name).or_default();
            let (first, then): (Vec<_>, Vec<_>) = stage.applicable().partition(|loaded| known.contains(loaded.id.as_str()));
            let finds = |loaded: &&Loaded| !stage.play(loaded, Some((class.hooks)())).report.findings.is_empty();
            match first.into_iter().chain(then).find(finds) {
                Some(finder) => drop(known.insert(&finder.id)),
                None => missed.push(format!("{}: {}", name(&point), class.name)),
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// Nearly every point is a contract; those that are none say why.
#[test]
fn points_are_contracts() {
    let all = points();
    let none: Vec<String> = all.iter().filter(|point| contract(point).is_none()).map(name).collect();
    assert!(none.len() * 5 < all.len(), "{} of {}: {none:#?}", none.len(), all.len());
}

/// Holds every answer back for so long.
struct Slow(Duration);

impl Hooks for Slow {
    fn pause(&self) -> Duration {
        self.0
    }
}

/// Slow and right is right: who answers within the contract's 2 s gets no finding, and is judged to the end of a key's life.
#[test]
fn slow_receiver_within_its_limit_is_judged_and_conforms() {
    let contract = contract(&points()[0]).expect("the usual contract");
    let stage = Stage::of(&contract);
    for millis in [300, 900, 1_500, 1_950] {
        for loaded in stage.applicable() {
            let Rehearsed { report, .. } = stage.play(loaded, Some(Box::new(Slow(Duration::from_millis(millis)))));
            let conforms = matches!(report.verdict, Verdict::Pass | Verdict::NotApplicable) && report.findings.is_empty();
            assert!(conforms, "{} at {millis} ms an answer: {:?} {:?} {:#?}", loaded.id, report.verdict, report.reason, report.findings);
        }
    }
}
