//! `list`, `check`, `explain`, `coverage`: looking at a suite without running it.

mod contracts;
mod project_file;

use std::fmt::Write as _;
use std::path::Path;

use serde_json::json;

use super::args::{CheckArgs, CoverageArgs, ExplainArgs, ListArgs, ListFormat, SuiteArgs};
use super::exit::Exit;
use super::load_suite::{self, Suite, looks_like_a_file, nearest};
use super::{Console, Failure};
use crate::contract::reading::unknown_words;
use crate::contract::{Level, prose};
use crate::files::{self, TextFile};
use crate::outcome::overlap::overlaps;
use crate::run::rehearsal::{self, Means, contradiction, contradiction_told};
use crate::run::suite::reason_not_under;
use crate::scenario::expand::{self, Loaded};
use crate::scenario::requirement::Catalogue;
use crate::suites::selection::{Selection, fits_scenario};
use crate::suites::{SuiteChoice, SuiteTexts};

/// `hookgate list`
pub(crate) fn list(args: &ListArgs, console: &mut Console) -> Result<Exit, Failure> {
    if args.contracts {
        return contracts::list(args.format, console);
    }
    let suite = load_suite::suite(&args.suite)?;
    let selection = Selection::read(args.select.as_deref().unwrap_or(""));
    let chosen: Vec<&Loaded> = suite.scenarios.iter().filter(|loaded| selection.takes(loaded)).collect();
    if chosen.is_empty() {
        return Err(Failure::usage("nothing is selected (`hookgate list` without --select shows every scenario)"));
    }
    match args.format {
        ListFormat::Json => {
            let all: Vec<serde_json::Value> = chosen
                .iter()
                .map(|one| {
                    let scenario = &one.scenario;
                    json!({"id": one.id, "title": scenario.title, "shows": scenario.shows, "needs": scenario.needs, "file": one.file})
                })
                .collect();
            console.print(&format!("{:#}\n", serde_json::Value::Array(all)));
        }
        ListFormat::Human => {
            let width = chosen.iter().map(|one| one.id.chars().count()).max().unwrap_or(0).min(60);
            let mut text = String::new();
            for one in &chosen {
                line(&mut text, format_args!("{:<width$}  {}  ({})", one.id, one.scenario.title, one.scenario.shows.join(", ")));
            }
            line(&mut text, format_args!("{} scenario{}", chosen.len(), if chosen.len() == 1 { "" } else { "s" }));
            console.print(&text);
        }
    }
    Ok(Exit::Conforms)
}

/// `hookgate check`
pub(crate) fn check(args: &CheckArgs, console: &mut Console) -> Result<Exit, Failure> {
    let mut checked = 0;
    let mut diagnostics: Vec<String> = Vec::new();
    let mut note = |result: Result<(), Failure>| {
        checked += 1;
        if let Err(failure) = result {
            diagnostics.push(failure.message);
        }
    };
    if args.files.is_empty() {
        let contract = load_suite::contract(&args.suite.contract.name)?;
        for name in files::shipped_contracts() {
            note(load_suite::contract(&name).and_then(|contract| keeps_itself(&name, &load_suite::suite_of(&args.suite, contract)?)));
        }
        for one in load_suite::texts(&args.suite, &contract)?.scenarios {
            let (_, wrong) = load_suite::read_scenarios(std::slice::from_ref(&one));
            note(wrong.into_iter().next().map_or(Ok(()), |wrong| Err(Failure::usage(wrong))));
        }
    }
    let mut warnings = Vec::new();
    if let Some(path) = args.project.as_ref().and_then(|project| project.file.as_deref()).filter(|_| args.files.is_empty()) {
        note(project_file::check(path, &mut warnings));
    }
    for path in &args.files {
        note(check_file(path, args, &mut warnings));
    }
    for warning in &warnings {
        console.tell(&format!("warning: {warning}\n"));
    }
    if diagnostics.is_empty() {
        console.print(&format!("{checked} file{} checked, no mistake\n", if checked == 1 { "" } else { "s" }));
        return Ok(Exit::Conforms);
    }
    Err(Failure::usage(diagnostics.join("\n")))
}

/// Checks one file as what it is: a contract, a catalogue or a scenario.
fn check_file(path: &Path, args: &CheckArgs, warnings: &mut Vec<String>) -> Result<(), Failure> {
    if path.extension().is_some_and(|ending| ending == "toml") {
        return project_file::check(path, warnings);
    }
    #[cfg(feature = "load")]
    if path.extension().is_some_and(|ending| ending == "jsonl" || ending == "csv") {
        return super::load::check_feed(path, &load_suite::contract(&args.suite.contract.name)?);
    }
    let file = files::read_text("read", path).map_err(Failure::usage)?;
    let begins = |member: &str| file.text.lines().any(|line| line.starts_with(&format!("{member}:")));
    if begins("contract") {
        return check_contract(&file, &args.suite, warnings);
    }
    if begins("requirements") {
        return Catalogue::read(&file.path, &file.text).map(|_| ()).map_err(Failure::usage);
    }
    let contract = load_suite::contract(&args.suite.contract.name)?;
    let known = load_suite::texts(&args.suite, &contract)?.known();
    expand::load("checked", &file.path, &file.text, &known).map(|_| ()).map_err(Failure::usage)
}

/// Checks a contract: by itself, against the words of its suite, and on the reference; all mistakes of the file at once.
fn check_contract(file: &TextFile, suite_args: &SuiteArgs, warnings: &mut Vec<String>) -> Result<(), Failure> {
    let read = load_suite::read_contract_file(file);
    // The suite's words are looked at also where something else is wrong.
    let named = read.as_ref().ok().map(|contract| contract.suite.clone()).or_else(|| load_suite::suite_named_in(file));
    let words = named.and_then(|suite| SuiteTexts::of_suite(&suite_args.choice(), &suite).ok()).map(|texts| texts.catalogue);
    let unknown = words.and_then(|catalogue| {
        // What another suite requires is no mistake in a contract either: it may be judged by that one, too.
        let shipped = files::shipped_suites().into_iter().filter_map(|suite| SuiteTexts::of_suite(&SuiteChoice::default(), &suite).ok());
        let all: Vec<_> = std::iter::once(catalogue.clone()).chain(shipped.map(|texts| texts.catalogue)).collect();
        let ids: Vec<&str> = all.iter().flat_map(|one| &one.requirements).map(|one| one.id.as_str()).collect();
        let capabilities: Vec<&str> = catalogue.capabilities.keys().map(String::as_str).collect();
        let can = |word: &str| read.as_ref().map_or(true, |contract| contract.can(word));
        unknown_words((&file.path, &file.text), &ids, &capabilities, &can)
    });
    match (read, unknown) {
        (Ok(contract), None) => {
            let suite = load_suite::suite_of(suite_args, contract)?;
            warnings.extend(overlaps(&suite.contract).into_iter().map(|told| format!("{}: {told}", file.path)));
            keeps_itself(&file.path, &suite)
        }
        (Ok(_), Some(unknown)) => Err(Failure::usage(unknown)),
        (Err(failure), None) => Err(failure),
        (Err(failure), Some(unknown)) => Err(Failure::usage(format!("{}\n{unknown}", failure.message))),
    }
}

/// Plays the suite on the reference, in memory: what it gets wrong is a contradiction between contract and scenario.
pub(super) fn keeps_itself(path: &str, suite: &Suite) -> Result<(), Failure> {
    let contract = &suite.contract;
    let (setting, supplies) = rehearsal::surroundings(contract, &suite.catalogue, &suite.bodies).map_err(Failure::usage)?;
    let means = Means::of(contract);
    let applies = |one: &&Loaded| reason_not_under(&setting, &supplies, one, means).is_none();
    let told: Vec<String> = suite
        .scenarios
        .iter()
        .filter(applies)
        .filter_map(|one| Some(format!("{path}: {}: {}", one.id, contradiction_told(&contradiction(&setting, &supplies, one, means)?))))
        .collect();
    if told.is_empty() { Ok(()) } else { Err(Failure::usage(told.join("\n"))) }
}

/// `hookgate explain`
pub(crate) fn explain(args: &ExplainArgs, console: &mut Console) -> Result<Exit, Failure> {
    let what = args.what.as_str();
    if files::shipped_contract(what).is_some() || (looks_like_a_file(what) && Path::new(what).is_file() && is_contract(what)?) {
        console.print(&prose::explain(&load_suite::contract(what)?));
        return Ok(Exit::Conforms);
    }
    let suite = load_suite::suite(&args.suite)?;
    if suite.catalogue.get(&what.to_uppercase()).is_some() {
        console.print(&explain_requirement(&suite, &what.to_uppercase()));
        return Ok(Exit::Conforms);
    }
    let fitting: Vec<&Loaded> = suite.scenarios.iter().filter(|one| fits_scenario(what, one)).collect();
    if fitting.is_empty() {
        let contracts = files::shipped_contracts();
        let names = suite.catalogue.requirements.iter().map(|one| one.id.as_str()).chain(suite.scenarios.iter().map(|one| one.id.as_str()));
        let hint = nearest(what, names.chain(contracts.iter().map(String::as_str)))
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return Err(Failure::usage(format!("`{what}` is no requirement, scenario or contract{hint}")));
    }
    let mut text = String::new();
    for one in fitting {
        explain_scenario(&suite, one, &mut text);
    }
    console.print(&text);
    Ok(Exit::Conforms)
}

fn is_contract(path: &str) -> Result<bool, Failure> {
    let TextFile { text, .. } = files::read_text("read", Path::new(path)).map_err(Failure::usage)?;
    Ok(text.lines().any(|line| line.starts_with("contract:")))
}

fn explain_requirement(suite: &Suite, id: &str) -> String {
    let mut text = String::new();
    let Some(one) = suite.catalogue.get(id) else { return text };
    line(&mut text, format_args!("{id} ({}): {}", level_word(one.level), one.sentence));
    line(&mut text, format_args!("topic: {}", suite.catalogue.topic_of(id)));
    line(&mut text, format_args!("source: {}", one.source));
    if let Some(why) = suite.contract.not_promised.get(id) {
        line(&mut text, format_args!("{} does not promise it: {why}", suite.contract.contract));
    }
    if let Some(why) = &one.excluded {
        line(&mut text, format_args!("not shown: {why}"));
    }
    line(&mut text, format_args!("shown by:"));
    for scenario in shown_by(suite, id) {
        line(&mut text, format_args!("  {}  {}", scenario.id, scenario.scenario.title));
    }
    text
}

fn explain_scenario(suite: &Suite, one: &Loaded, text: &mut String) {
    let scenario = &one.scenario;
    line(text, format_args!("{}: {}", one.id, scenario.title));
    if let Some(about) = &scenario.about {
        line(text, format_args!("{}", about.trim()));
    }
    for id in &scenario.shows {
        let sentence = suite.catalogue.get(id).map_or("", |one| one.sentence.as_str());
        line(text, format_args!("  shows {id}: {sentence}"));
    }
    for need in &scenario.needs {
        let meaning = suite.catalogue.meaning_of(need).unwrap_or_default();
        line(text, format_args!("  needs {need}: {meaning}"));
    }
    line(text, format_args!("  {} steps, in {}\n", scenario.steps.len(), one.file));
}

/// `hookgate coverage`
pub(crate) fn coverage(args: &CoverageArgs, console: &mut Console) -> Result<Exit, Failure> {
    let suite = load_suite::suite(&args.suite)?;
    let rows: Vec<(&crate::scenario::requirement::Requirement, Vec<&Loaded>)> =
        suite.catalogue.requirements.iter().map(|one| (one, shown_by(&suite, &one.id))).collect();
    let bare: Vec<&str> = rows.iter().filter(|(one, by)| by.is_empty() && one.excluded.is_none()).map(|(one, _)| one.id.as_str()).collect();
    match args.format {
        ListFormat::Json => {
            let all: Vec<serde_json::Value> = rows
                .iter()
                .map(|(one, by)| {
                    let ids: Vec<&str> = by.iter().map(|loaded| loaded.id.as_str()).collect();
                    json!({"id": one.id, "level": level_word(one.level), "sentence": one.sentence, "excluded": one.excluded, "scenarios": ids})
                })
                .collect();
            console.print(&format!("{:#}\n", serde_json::Value::Array(all)));
        }
        ListFormat::Human => {
            let mut text = String::new();
            for (one, by) in &rows {
                line(&mut text, format_args!("{:<8} {:<6} {}", one.id, level_word(one.level), one.sentence));
                for file in distinct_files(by) {
                    line(&mut text, format_args!("           {file}"));
                }
                if let Some(why) = &one.excluded {
                    line(&mut text, format_args!("           not yet whole: {why}"));
                }
            }
            let shown = rows.iter().filter(|(_, by)| !by.is_empty()).count();
            line(&mut text, format_args!("{shown} of {} requirements are shown by {} scenarios", rows.len(), suite.scenarios.len()));
            console.print(&text);
        }
    }
    if bare.is_empty() {
        return Ok(Exit::Conforms);
    }
    Err(Failure { exit: Exit::DoesNotConform, message: format!("no scenario shows {}, and no reason is given", bare.join(", ")) })
}

fn shown_by<'s>(suite: &'s Suite, id: &str) -> Vec<&'s Loaded> {
    suite.scenarios.iter().filter(|one| one.scenario.shows.iter().any(|shown| shown == id)).collect()
}

/// Ids without their variants, each once.
fn distinct_files(scenarios: &[&Loaded]) -> Vec<String> {
    let mut ids: Vec<String> = scenarios.iter().map(|one| one.id.split('[').next().unwrap_or(&one.id).to_owned()).collect();
    ids.dedup();
    ids
}

fn level_word(level: Level) -> &'static str {
    match level {
        Level::Must => "must",
        Level::Should => "should",
        Level::Free => "free",
    }
}

#[expect(clippy::expect_used, reason = "a String takes whatever is written")]
fn line(text: &mut String, what: std::fmt::Arguments<'_>) {
    writeln!(text, "{what}").expect("writing to a String cannot fail");
}
