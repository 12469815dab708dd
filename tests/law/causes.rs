//! Causes: what explains most of what a wrong receiver does names what is wrong with it, and nothing else is called broken.
//!
//! Some defects of the reference, with the scenarios of some topics, in memory. All of them, over HTTP, is `hookgate selftest`.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use hookgate::contract::Level;
use hookgate::delivery::Answer;
use hookgate::reference::Receiver;
use hookgate::reference::defect::Defect;
use hookgate::reference::hooks::{Answering, Around, Hooks};
use hookgate::reference::mutants::Mutant;
use hookgate::report::replay::judged_again;
use hookgate::report::{Report, RunFacts, ScenarioReport, Target, Verdict, causes};
use hookgate::run::assemble;
use hookgate::run::explanation::{add_findings, explain};
use hookgate::run::rehearsal::{Means, rehearse};
use hookgate::sign::tamper::Tamper;
use hookgate::sqlite::mutants::{self, MutantStore};

use crate::kill_matrix::Stage;

/// The topics whose scenarios are played.
const TOPICS: [&str; 5] = ["signature/", "duplicate/", "database/", "seed/", "audit/row-"];

/// What a run of these topics says of a receiver with a defect, in memory.
fn report_of(stage: &Stage, defect: Defect) -> Report {
    let receiver = || mutants::receiver(&stage.contract, Some(stage.supplies.signer.clone()), None, stage.setting.ttl, defect);
    report_of_receiver(stage, &TOPICS, &|| receiver().expect("a receiver in memory"))
}

/// What a run of some topics says of a receiver, in memory.
fn report_of_receiver(stage: &Stage, topics: &[&str], receiver: &dyn Fn() -> Receiver<MutantStore>) -> Report {
    let means = Means::of(&stage.contract);
    let (mut scenarios, mut history): (Vec<ScenarioReport>, Vec<_>) = (Vec::new(), Vec::new());
    let short = |id: &str| topics.iter().any(|topic| id.starts_with(topic)) && !id.contains("mebibyte") && !id.contains("thousand");
    for loaded in stage.scenarios.iter().filter(|one| short(&one.id)) {
        let played = rehearse(&stage.setting, &stage.supplies, loaded, receiver(), means).expect("memory does not wait");
        scenarios.push(played.report);
        history.extend(played.history);
    }
    if let Some(facts) = explain(&history, &stage.contract, stage.setting.ttl) {
        add_findings(&mut scenarios, &facts, &stage.contract, &stage.setting.catalogue);
    }
    causes::attribute(&mut scenarios);
    let facts = RunFacts { seed: 1, ..RunFacts::default() };
    assemble(&stage.contract, &stage.setting.catalogue, Level::Should, facts, Target::default(), scenarios)
}

/// Requirements that are called broken.
fn broken(report: &Report) -> Vec<&str> {
    report.requirements.iter().filter(|one| matches!(one.verdict, Verdict::Fail | Verdict::Warn)).map(|one| one.id.as_str()).collect()
}

/// The first cause names what is wrong, explains most of it, and whatever could not be judged is not called broken.
#[test]
fn the_first_cause_names_what_is_wrong_and_nothing_else_is_called_broken() {
    let stage = Stage::of("orch-phase3");
    for (name, first, sentence) in [
        ("bad-signature-answered-403", "AUTH-2", "Refused signatures are answered 403 where the contract says 401"),
        ("missing-signature-passes", "AUTH-3", "Deliveries without a signature are accepted"),
        ("duplicate-answered-409", "DUP-1", "Duplicates are answered 409 where the contract says 202"),
    ] {
        let defect = Defect::named(name).expect("a defect");
        let report = report_of(&stage, defect);
        let cause = report.causes.first().expect("a cause");
        assert_eq!((cause.requirement.as_str(), cause.sentence.as_str()), (first, sentence), "{name}");
        let others: Vec<&str> = broken(&report).into_iter().filter(|id| !defect.breaks.contains(id)).collect();
        assert!(others.is_empty(), "{name} does not break {others:?}: {:#?}", report.causes);
        assert!(cause.explains.findings * 2 > cause.explains.of, "{name}: {:?}", cause.explains);
        // A report follows from its own findings, and one whose cause was taken out does not.
        assert_eq!(judged_again(&report, report.history.as_ref()), Vec::<String>::new(), "{name}");
        let without = Report { causes: Vec::new(), ..report };
        assert!(judged_again(&without, None).iter().any(|line| line.contains("causes")), "{name}");
    }
}

/// A forgery that is taken is filed under the requirement that speaks of its kind: a tamper that is new has a line of its own.
#[test]
fn every_forgery_has_a_requirement_that_speaks_of_it() {
    let stage = Stage::of("orch-phase3");
    let underlies = &stage.setting.catalogue.underlies;
    let forged = Tamper::ALL.into_iter().filter(|tamper| !tamper.passes());
    let names = forged.map(|tamper| serde_json::to_value(tamper).expect("a name").as_str().expect("text").to_owned());
    let unnamed: Vec<String> = names
        .flat_map(|name| ["refusal-taken", "refusal-failed"].map(|kind| format!("{kind}.{name}")))
        .filter(|code| !underlies.contains_key(code))
        .collect();
    assert_eq!(unnamed, Vec::<String>::new());
}

/// A right receiver but for the bodies of one kind of answer.
struct Garbled(Answering);

impl Hooks for Garbled {
    fn answer(&mut self, what: Answering, answer: Answer, _around: Around<'_>) -> Answer {
        if what == self.0 { Answer { body: "no JSON".into(), ..answer } } else { answer }
    }
}

/// What answers of an outcome look like is filed under the requirement that speaks of that outcome's answers, whatever the scenarios show.
#[test]
fn the_form_of_answers_is_filed_under_their_outcome() {
    let stage = Stage::of("every-policy");
    let any = Defect::named("right-signature-refused").expect("a defect of hooks alone");
    for (what, first) in [(Answering::Accepted, "AUTH-1"), (Answering::Duplicate, "DUP-1")] {
        let report = report_of_receiver(&stage, &["signature/", "duplicate/", "key/refused"], &|| {
            let signer = Some(stage.supplies.signer.clone());
            let mut receiver = mutants::receiver(&stage.contract, signer, None, stage.setting.ttl, any).expect("a receiver in memory");
            receiver.set_hooks(Box::new(Garbled(what)));
            receiver
        });
        let causes: Vec<(&str, &str)> = report.causes.iter().map(|one| (one.requirement.as_str(), one.sentence.as_str())).collect();
        assert_eq!(causes, [(first, "Answers are no JSON")], "{what:?}");
        assert_eq!(broken(&report), [first], "{what:?}");
    }
}

/// A failure that came, and is not given again, is told as that.
#[test]
fn a_failure_that_is_not_given_again_has_come() {
    let stage = Stage::of("every-policy");
    let defect = Defect::named("failure-is-forgotten").expect("a defect");
    let receiver = || mutants::receiver(&stage.contract, Some(stage.supplies.signer.clone()), None, stage.setting.ttl, defect);
    let report = report_of_receiver(&stage, &["failure/"], &|| receiver().expect("a receiver in memory"));
    let causes: Vec<(&str, &str)> = report.causes.iter().map(|one| (one.requirement.as_str(), one.sentence.as_str())).collect();
    assert_eq!(causes, [("ERR-1", "A failure is not given again to a delivery that got it: it is answered 201")]);
}

/// Topics in which pairs of defects are seen.
const TOPICS_OF_PAIRS: [&str; 7] = ["signature/", "duplicate/", "seed/", "audit/row-", "key/refused", "ttl/", "database/"];

/// Two defects that have nothing to do with each other: one of what is remembered, one of what is answered.
const PAIRS: [(&str, &str); 6] = [
    ("duplicate-writes-audit-row", "bad-signature-answered-403"),
    ("key-never-expires", "missing-signature-passes"),
    ("cleanup-removes-audit", "plain-hash-passes"),
    ("key-forgotten-at-half-its-life", "refusal-is-repeated"),
    ("duplicate-prolongs-key", "looks-up-before-signature"),
    ("cleanup-never-runs", "signature-compared-as-far-as-it-goes"),
];

/// Of two defects neither hides the other: both are named by a cause or called broken, and nothing passes that either makes fail.
#[test]
fn neither_of_two_defects_hides_the_other() {
    let stage = Stage::of("orch-phase3");
    let mut wrong: Vec<String> = Vec::new();
    for (remembers, answers) in PAIRS {
        let [remembers, answers] = [remembers, answers].map(|name| Defect::named(name).expect("a defect"));
        let alone = |defect: Defect| {
            let receiver = || mutants::receiver(&stage.contract, Some(stage.supplies.signer.clone()), None, stage.setting.ttl, defect);
            report_of_receiver(&stage, &TOPICS_OF_PAIRS, &|| receiver().expect("a receiver in memory"))
        };
        let both = report_of_receiver(&stage, &TOPICS_OF_PAIRS, &|| {
            let signer = Some(stage.supplies.signer.clone());
            let mut receiver =
                mutants::receiver(&stage.contract, signer, None, stage.setting.ttl, remembers).expect("a receiver in memory");
            receiver.set_hooks(Box::new(Mutant::new(answers, &stage.contract)));
            receiver
        });
        for defect in [remembers, answers] {
            let named = |id: &&str| both.causes.iter().any(|cause| cause.requirement == **id) || broken(&both).contains(id);
            if !defect.breaks.iter().any(named) {
                wrong.push(format!("{} is hidden by {answers:?} or {remembers:?}: {:?}", defect.name, broken(&both)));
            }
            for one in alone(defect).scenarios.iter().filter(|one| one.verdict == Verdict::Fail) {
                let verdict = both.scenarios.iter().find(|other| other.id == one.id).map(|other| other.verdict);
                if verdict == Some(Verdict::Pass) {
                    wrong.push(format!("{} fails with {} alone, and passes with both", one.id, defect.name));
                }
            }
        }
        let others: Vec<&str> =
            broken(&both).into_iter().filter(|id| !remembers.breaks.contains(id) && !answers.breaks.contains(id)).collect();
        if !others.is_empty() {
            wrong.push(format!("{} and {} do not break {others:?}", remembers.name, answers.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
