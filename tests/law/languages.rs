//! Languages: no sentence of a report lacks its translation, and no word is left in another language.

#![expect(clippy::expect_used, reason = "what a test cannot read fails it")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use hookgate::contract::reading::read_contract;
use hookgate::report::compare::runs;
use hookgate::report::language::{Language, phrases};
use hookgate::report::{BaselineFacts, Differing, HistoryFacts, RepeatFacts, Report, SnapshotFacts, html, human, markdown};
use hookgate::run::rehearsal::{Means, rehearse};
use hookgate::scenario::requirement::Catalogue;
use hookgate::sqlite::mutants;
use hookgate::template::{Part, Template};
use regex_lite::Regex;
use serde_json::Value;

use crate::kill_matrix::Stage;
use crate::latin::{latin, seen};
use crate::report_forms::sample::sample;
use crate::surroundings::project;

/// The sample report, with every fact that a run or a scenario brings along in no letters at all.
fn without_facts() -> Report {
    let mut report = sample();
    report.history = Some(HistoryFacts { keys: 9, consistent: 8, broken: 1, ..HistoryFacts::default() });
    report.baseline = Some(BaselineFacts { stale: vec!["…".to_owned()], ..BaselineFacts::default() });
    let verdicts = [("pass".to_owned(), 2), ("fail".to_owned(), 1)].into();
    report.repeat = Some(RepeatFacts { runs: 3, differing: vec![Differing { scenario: "…".to_owned(), verdicts }] });
    let all = || vec!["…".to_owned()];
    report.snapshots = Some(SnapshotFacts {
        folder: "…".to_owned(),
        new: all(),
        changed: all(),
        unreferenced: all(),
        pending: 1,
        fails: true,
        matched: 2,
    });
    report.run.ended_early = Some("…".to_owned());
    let mut value = serde_json::to_value(&report).expect("a report is JSON");
    blank(&mut value);
    serde_json::from_value(value).expect("it is still a report")
}

/// Facts, by the names of their members.
const FACTS: [&str; 24] = [
    "scenario",
    "again",
    "title",
    "reason",
    "expected",
    "reference",
    "observed",
    "curl",
    "step_name",
    "url",
    "database",
    "sentence",
    "topic",
    "file",
    "name",
    "type",
    "key",
    "arguments",
    "table",
    "command",
    "notes",
    "clock",
    "default",
    "id",
];

fn blank(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    // Ids hold the parts of the sample together.
                    Value::String(text) if name == "id" => *text = text.chars().map(|c| if c.is_lowercase() { '0' } else { c }).collect(),
                    Value::String(text) if FACTS.contains(&name.as_str()) => "…".clone_into(text),
                    Value::Array(texts) if FACTS.contains(&name.as_str()) => texts.fill("…".into()),
                    other => blank(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(blank),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn no_english_is_left_in_a_japanese_report() {
    let report = without_facts();
    let none = BTreeSet::new();
    assert_eq!(latin(&human::write(&report, false, Language::Ja)), none, "on a terminal");
    assert_eq!(latin(&markdown::write(&report, Language::Ja).expect("the template is right")), none, "in Markdown");
    assert_eq!(latin(&seen(&html::write(&report, Language::Ja).expect("the template is right"))), none, "on the page");
    let mut later = without_facts();
    later.requirements.truncate(3);
    later.target.tables.clear();
    later.contract = "…".to_owned();
    let mut comparison = runs(("…", &report), ("…", &later), Language::Ja);
    comparison.judge(&[hookgate::report::compare::rules::FailOn::Any]);
    assert_eq!(latin(&comparison.human()), none, "in a comparison");
    assert_eq!(latin(&comparison.markdown()), none, "in a comparison in Markdown");
    assert_eq!(latin(&seen(&comparison.html().expect("the template is right"))), none, "on the page of a comparison");
}

/// What a line has of the wire and of names in it: bodies, quoted text, code, header lines, cells, hashes, instants.
const WIRE: &str = r#"(?mx) ^\d{3}\ .*$ | \bttl\b | [\w.]+\ =\ ("[^"]*"|\{.*\}|\w+|…) | \{.*\} | "[^"]*" | `[^`]*` | \[.*\] | ヘッダ\ .* | [\w.]+\ =\ ("[^"]*"|\{.*\}|\w+|…) | \w+\ (TEXT|INTEGER) | \S*[=_:/.]\S* | \S*\d\S* | NULL | TEXT | INTEGER | PRIMARY\ KEY | DEFAULT | ISO"#;

/// Every phrase that the judge writes of any defect, and every reason, is told in Japanese: what is left in Latin letters came over the
/// wire, or is a name.
#[test]
fn whatever_is_found_is_told_in_japanese() {
    let wire = Regex::new(WIRE).expect("a pattern");
    let mut stages: BTreeMap<&str, Stage> = BTreeMap::new();
    let mut left: BTreeMap<String, String> = BTreeMap::new();
    for defect in hookgate::reference::defect::CATALOGUE {
        let stage = stages.entry(defect.under).or_insert_with(|| Stage::of(defect.under));
        let shows =
            |one: &&hookgate::scenario::expand::Loaded| one.scenario.shows.first().is_some_and(|id| defect.breaks.contains(&id.as_str()));
        for loaded in stage.scenarios.iter().filter(shows).filter(|one| !one.id.contains("thousand")).take(PLAYED) {
            let signer = Some(stage.supplies.signer.clone());
            let receiver = mutants::receiver(&stage.contract, signer, None, stage.setting.ttl, *defect).expect("a receiver in memory");
            let means = Means::of(&stage.contract);
            let played = rehearse(&stage.setting, &stage.supplies, loaded, receiver, means).expect("memory does not wait");
            let texts = played.report.findings.iter().flat_map(|one| [&one.expected, &one.observed, &one.reference]);
            for text in texts.chain(&played.report.reason) {
                let told = Language::Ja.retold(text);
                let words = latin(&wire.replace_all(&told, " "));
                if !words.is_empty() {
                    left.insert(format!("{words:?}"), text.clone());
                }
            }
        }
    }
    assert!(left.is_empty(), "left in English:\n{left:#?}");
}

/// A piece of a phrase that is shorter stands anywhere.
const SHORTEST: usize = 3;

/// So many scenarios are played for a defect.
const PLAYED: usize = 6;

/// Every scenario that is shipped has its title in every language, and it is in that language.
#[test]
fn every_scenario_has_its_title_in_every_language() {
    for name in ["orch-phase3", "every-policy", "orch-phase4"] {
        for one in Stage::of(name).scenarios {
            let title = one.scenario.titles.get("ja").unwrap_or_else(|| panic!("{} has no title in Japanese", one.id));
            let words = latin(title);
            let names = ["Content", "Type", "webhook", "EXTERNAL", "terminal", "callback", "audit", "events", "idempotency", "keys"];
            assert!(words.iter().all(|word| names.contains(&word.as_str())), "{}: {title}: {words:?}", one.id);
        }
    }
}

/// No phrase of the table is one that nobody says.
#[test]
fn every_phrase_is_said_somewhere() {
    let mut sources = String::new();
    gather(&project("src"), &mut sources);
    for folder in ["fixtures/contracts", "scenarios"] {
        gather_as(&project(folder), "yaml", &mut sources);
    }
    for (english, _) in phrases::lines() {
        let template = Template::read(english).expect("whole braces");
        let pieces: Vec<&str> = template
            .parts()
            .iter()
            .filter_map(|part| match part {
                Part::Literal(text) => Some(text.trim_matches([' ', '=', '.', ';', '(', ')', ':'])),
                Part::Placeholder(_) => None,
            })
            .filter(|piece| piece.len() >= SHORTEST)
            .collect();
        // Longer sentences are put together where they are said; codes are written with hyphens.
        let is_said = pieces.is_empty()
            || pieces.iter().any(|piece| {
                let piece = piece.split_inclusive(' ').take(2).collect::<String>();
                let piece = piece.trim();
                sources.contains(piece) || sources.contains(&piece.replace(' ', "-"))
            });
        assert!(is_said, "{english} is said by nobody");
    }
}

/// Two columns each: Japanese lines fit a terminal as English ones do, but for what is there to be copied.
#[test]
fn japanese_lines_fit_a_terminal() {
    let mut report = sample();
    for one in &mut report.requirements {
        one.sentence = "同じ冪等性キーの配信のうち、新規として受理されるのはちょうど一件である。".repeat(4);
    }
    for line in human::write(&report, false, Language::Ja).lines().filter(|line| !line.contains("curl ") && !line.contains("hookgate run"))
    {
        assert!(hookgate::report::words::columns(line) <= 100, "{} columns: {line}", hookgate::report::words::columns(line));
    }
}

/// The net has no holes: a report in English has plenty of what is looked for.
#[test]
fn what_is_looked_for_is_found_in_english() {
    let report = without_facts();
    for text in [human::write(&report, false, Language::En), seen(&html::write(&report, Language::En).expect("the template is right"))] {
        let found = latin(&text);
        assert!(
            ["observed", "undecided", "requirements"].iter().all(|word| found.iter().any(|one| one.to_lowercase() == *word)),
            "{found:?}"
        );
    }
}

/// Every requirement and every topic of a shipped suite has its translation, and none is left in English.
#[test]
fn every_requirement_is_translated() {
    let catalogue = |suite: &str| {
        let text = std::fs::read_to_string(project(&format!("scenarios/{suite}/requirements.yaml"))).expect("the catalogue");
        Catalogue::read("requirements.yaml", &text).expect("it has no mistake")
    };
    // Places are filled from a contract; what it says is the same in every language.
    let text = std::fs::read_to_string(project("fixtures/contracts/orch-phase3.yaml")).expect("a contract");
    let contract = read_contract("orch-phase3.yaml", &text, &|_| None).expect("it has no mistake");
    let orch = catalogue("orch").on(&catalogue("core")).said_of(&contract);
    let core = catalogue("core").said_of(&contract);
    for (catalogue, one) in [&core, &orch].into_iter().flat_map(|all| all.requirements.iter().map(move |one| (all, one))) {
        let words = catalogue.translations_of(&one.id);
        for language in Language::ALL.into_iter().filter(|language| *language != Language::En) {
            let words =
                words.get(language.code()).unwrap_or_else(|| panic!("{} has no sentence, or no topic, in {}", one.id, language.code()));
            assert_eq!(latin(&words.sentence), BTreeSet::new(), "{}", one.id);
        }
    }
}

/// Every text of the shipped rules for claims has its translation, and no translation is of a text that is not there.
#[test]
fn rules_for_claims_are_translated() {
    let text = std::fs::read_to_string(project("fixtures/claims/phase-report.yaml")).expect("the rules");
    let (form, _) = hookgate::yaml::read::<hookgate::claims::form::Form>("rules", &text).expect("they have no mistake");
    let texts: BTreeSet<&str> = form
        .topics
        .iter()
        .flat_map(|topic| topic.shown_by.iter().map(|part| part.what.as_str()).chain(topic.beyond_a_run.as_deref()))
        .collect();
    for language in Language::ALL.into_iter().filter(|language| *language != Language::En) {
        let translated: BTreeSet<&str> = form.translations[language.code()].keys().map(String::as_str).collect();
        assert_eq!(translated, texts, "{}", language.code());
    }
}

/// Keys that are put together from a verdict, a kind or the like.
const MADE: [&str; 22] = [
    "cause-",
    "when-",
    "refused-",
    "wrong-",
    "told-",
    "verdict-",
    "overall-",
    "change-",
    "worth-",
    "column-",
    "title-",
    "level-",
    "kind-",
    "visit-cause-",
    "visit-try-",
    "visit-probe-",
    "visit-found-",
    "number-",
    "model-",
    "arrivals-",
    "fact-",
    "got-",
];

/// Every key that code and templates name is there, and none is there for nothing.
#[test]
fn every_key_is_used_and_every_used_key_is_there() {
    let english = std::fs::read_to_string(project("src/report/language/en.ftl")).expect("the sentences");
    let known: BTreeSet<&str> = english
        .lines()
        .filter(|line| !line.starts_with([' ', '#']))
        .filter_map(|line| line.split_once(" = "))
        .map(|(key, _)| key)
        .collect();
    let mut sources = String::new();
    gather(&project("src"), &mut sources);
    // What stands in reports stands in the code that writes them.
    for (key, text) in english.lines().filter(|line| line.starts_with("told-")).filter_map(|line| line.split_once(" = ")) {
        assert!(sources.contains(&format!("\"{text}")), "{key} is said by nobody: {text}");
    }
    for key in &known {
        let is_made = MADE.iter().any(|prefix| key.starts_with(prefix));
        assert!(is_made || sources.contains(&format!("\"{key}\"")), "{key} is used nowhere");
    }
    // A mistake in a document is said at its place, with a hint; a sentence of a report by its key, with what fills it.
    let called = Regex::new(r#"(?:(?:\bt|\.with|labelled|label)\("([a-z]+(?:-[a-z]+)*)"|\.say\("([a-z]+(?:-[a-z]+)*)"(?:\)|,\s*&\[))"#);
    let called = called.expect("a pattern");
    for found in called.captures_iter(&sources) {
        let key = found.get(1).or_else(|| found.get(2)).map_or("", |key| key.as_str());
        assert!(known.contains(key) || key == "key", "{key} is not there");
    }
}

fn gather(folder: &Path, text: &mut String) {
    gather_as(folder, "rs", text);
    gather_as(folder, "j2", text);
}

fn gather_as(folder: &Path, wanted: &str, text: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources").flatten() {
        let path = entry.path();
        if path.is_dir() {
            gather_as(&path, wanted, text);
        } else if path.extension().is_some_and(|ending| ending == wanted) {
            text.push_str(&std::fs::read_to_string(&path).expect("a source"));
        }
    }
}
