//! Pages of reference in the guide: what there is, made from what there is; a page that says something else fails here.
//!
//! `HOOKGATE_UPDATE=1 cargo test --test law reference_pages` writes them anew.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use hookgate::cli::exit;
use hookgate::contract::prose;
use hookgate::reference::defect::CATALOGUE;
use hookgate::suites::{self, Suite, SuiteChoice};
use serde_json::Value;

use crate::surroundings::project;

mod messages;
mod members;

/// Who wrote them, on each.
const MADE: &str = "<!-- made by tests/law/reference_pages.rs: HOOKGATE_UPDATE=1 cargo test --test law reference_pages -->";
/// The suite in which every requirement stands.
const WHOLE: &str = "orch-phase3";

/// A page: its path under `docs/src/reference`, and its text.
type Page = (String, String);

/// Text that stands in a cell of a table, or in a line.
fn cell(text: &str) -> String {
    // What the sources link to is a word here.
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace("[`", "`").replace("`]", "`");
    // In code, signs are what they are; a stroke ends a cell there, too.
    let outside = |part: &str| part.replace('<', "&lt;").replace('*', "\\*").replace('[', "\\[");
    let parts = text.split('`').enumerate().map(|(at, part)| if at % 2 == 0 { outside(part) } else { part.to_owned() });
    parts.collect::<Vec<_>>().join("`").replace('|', "\\|")
}

fn page(title: &str, body: &str) -> String {
    format!("{MADE}\n\n# {title}\n\n{}\n", body.trim_end())
}

fn table(heads: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(heads.iter().map(|head| (*head).to_owned()).collect());
    text.push_str(&line(heads.iter().map(|_| "---".to_owned()).collect()));
    for row in rows {
        text.push_str(&line(row));
    }
    text
}

fn contract_pages(pages: &mut Vec<Page>) {
    let mut rows = Vec::new();
    for name in hookgate::files::shipped_contracts() {
        let contract = suites::contract(&name).expect("a shipped contract");
        rows.push(vec![format!("[`{name}`](contracts/{name}.md)"), cell(&contract.title), format!("`{}`", contract.suite)]);
        let mut text = format!("What `hookgate explain {name}` says. `hookgate show {name}` prints the file itself.\n\n");
        write!(text, "```text\n{}\n```\n", prose::explain(&contract).trim_end()).expect("a String takes it");
        if !contract.not_promised.is_empty() {
            text.push_str("\nWhat it does not promise:\n\n");
            for (id, why) in &contract.not_promised {
                writeln!(text, "- {}: {}", linked(id, "../"), cell(why)).expect("a String takes it");
            }
        }
        pages.push((format!("contracts/{name}.md"), page(&cell(&contract.title), &text)));
    }
    let head = "Every contract that hookgate brings along. One of your own may [extend](../contracts.md) any of them.\n\n";
    pages.push(("contracts.md".to_owned(), page("Contracts", &format!("{head}{}", table(&["contract", "what it is", "suite"], rows)))));
}

/// The letters of a requirement's family.
fn family(id: &str) -> &str {
    id.rsplit_once('-').map_or(id, |(family, _)| family)
}

/// A requirement with a link to its section.
fn linked(id: &str, up: &str) -> String {
    format!("[{id}]({up}requirements/{}.md#{})", family(id), id.to_lowercase())
}

fn requirement_pages(suite: &Suite, pages: &mut Vec<Page>) {
    let contracts: Vec<_> = hookgate::files::shipped_contracts();
    let contracts: Vec<_> = contracts.iter().map(|name| (name, suites::contract(name).expect("a contract"))).collect();
    let mut families: Vec<(&str, String)> = Vec::new();
    for one in &suite.catalogue.requirements {
        let id = one.id.as_str();
        if families.last().is_none_or(|(last, _)| *last != family(id)) {
            families.push((family(id), String::new()));
        }
        let (_, text) = families.last_mut().expect("one was put there");
        let level = format!("{:?}", one.level).to_lowercase();
        write!(text, "## {id}\n\n{}\n\nLevel: {level}. Source: {}.\n\n", cell(&one.sentence), cell(one.source.trim_end_matches('.')))
            .expect("a String takes it");
        if let Some(why) = &one.excluded {
            write!(text, "Not shown: {}\n\n", cell(why)).expect("a String takes it");
        }
        let shown: BTreeSet<&str> = suite
            .scenarios
            .iter()
            .filter(|loaded| loaded.scenario.shows.iter().any(|shown| shown == id))
            .map(|loaded| loaded.id.split('[').next().unwrap_or(&loaded.id))
            .collect();
        listed(text, "Shown by", shown.into_iter().map(|id| format!("`{id}`")));
        let broken = CATALOGUE.iter().filter(|defect| defect.breaks.contains(&id));
        listed(text, "Broken by a receiver in which", broken.map(|defect| format!("{} (`{}`)", cell(defect.sentence), defect.name)));
        let without = contracts.iter().filter(|(_, contract)| contract.not_promised.contains_key(id));
        listed(text, "Not promised by", without.map(|(name, _)| format!("[`{name}`](../contracts/{name}.md)")));
    }
    let mut rows = Vec::new();
    for (family, text) in families {
        let topic = suite.catalogue.topic_of(&format!("{family}-1")).clone();
        let ids: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        rows.push(vec![format!("[{family}](requirements/{family}.md)"), cell(&topic), ids.len().to_string()]);
        pages.push((format!("requirements/{family}.md"), page(&format!("{family}: {}", cell(&topic)), &text)));
    }
    let head = format!(
        "Every requirement that is judged, with its sentence as the contract `{WHOLE}` fills it. `hookgate explain DUP-2 --contract NAME` says it of\n\
         another contract; what a contract does not promise is not judged there.\n\n"
    );
    pages.push((
        "requirements.md".to_owned(),
        page("Requirements", &format!("{head}{}", table(&["family", "topic", "requirements"], rows))),
    ));
}

fn listed(text: &mut String, what: &str, items: impl Iterator<Item = String>) {
    let items: Vec<String> = items.collect();
    if !items.is_empty() {
        write!(text, "{what}:\n\n- {}\n\n", items.join("\n- ")).expect("a String takes it");
    }
}

/// The words of a catalogue in the schema of scenarios, each with what it says of itself.
fn words(name: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(project("schema/scenario.json")).expect("the schema");
    let schema: Value = serde_json::from_str(&text).expect("JSON");
    let one = |word: &Value| {
        let name = word["const"].as_str().or_else(|| word["required"][0].as_str()).expect("a word");
        vec![format!("`{name}`"), cell(word["description"].as_str().unwrap_or_default())]
    };
    schema["$defs"][name]["oneOf"].as_array().expect("words").iter().map(one).collect()
}

fn word_pages(pages: &mut Vec<Page>) {
    let tampers = "The ways in which a scenario may spoil a signature: `signature: wrong-secret` of a step. What does not fit a contract's scheme\n\
                   is not applicable there. How steps are written stands in [scenarios](../scenarios.md).\n\n";
    let tampers = format!("{tampers}{}", table(&["`signature:`", "what travels"], words("Tamper")));
    pages.push(("tampers.md".to_owned(), page("Tampers", &tampers)));
    let faults = "What may go wrong on the way of one delivery: `fault: lose-answer` of a step; those with a value are written\n\
                  `fault: {delay: 2 s}`. See [faults](../faults.md).\n\n";
    let faults = format!("{faults}{}", table(&["`fault:`", "what happens"], words("Fault")));
    pages.push(("faults.md".to_owned(), page("Faults", &faults)));
}

fn defect_page() -> Page {
    let mut by_contract: BTreeMap<&str, Vec<Vec<String>>> = BTreeMap::new();
    for one in CATALOGUE {
        let breaks: Vec<String> = one.breaks.iter().map(|id| linked(id, "")).collect();
        by_contract.entry(one.under).or_default().push(vec![format!("`{}`", one.name), cell(one.sentence), breaks.join(", ")]);
    }
    let mut text = format!(
        "The {} ways in which the reference receiver can be made wrong on purpose. `hookgate serve --defect NAME` serves one, so that you see\n\
         what a report of it looks like; [what the suite catches](../caught.md) is measured with them.\n",
        CATALOGUE.len()
    );
    for (contract, rows) in by_contract {
        write!(text, "\n## Under {contract}\n\n{}", table(&["defect", "what the receiver does", "breaks"], rows))
            .expect("a String takes it");
    }
    ("defects.md".to_owned(), page("Defects", &text))
}

fn exit_page() -> Page {
    let rows = exit::MEANINGS.iter().map(|(code, meaning)| vec![code.to_string(), cell(meaning)]);
    let text = "The exit code says what a pipeline needs to know. Codes are never renumbered.\n\n";
    ("exit-codes.md".to_owned(), page("Exit codes", &format!("{text}{}", table(&["code", "meaning"], rows))))
}

/// Every page, by its path.
fn all() -> BTreeMap<String, String> {
    let suite = suites::suite(&SuiteChoice::of(WHOLE)).expect("the whole suite");
    let mut pages = Vec::new();
    contract_pages(&mut pages);
    requirement_pages(&suite, &mut pages);
    word_pages(&mut pages);
    pages.push(defect_page());
    pages.push(exit_page());
    members::pages(&mut pages);
    pages.push(messages::page_of_errors());
    pages.into_iter().collect()
}

/// The summary's lines of pages that are made, below those of their kinds.
fn summary(written: &str, pages: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for line in written.lines().filter(|line| !line.contains("(reference/contracts/") && !line.contains("(reference/requirements/")) {
        text.push_str(line);
        text.push('\n');
        for kind in ["contracts", "requirements"].iter().filter(|kind| line.contains(&format!("(reference/{kind}.md)"))) {
            let indent = line.len() - line.trim_start().len() + 2;
            for path in pages.keys().filter(|path| path.starts_with(&format!("{kind}/"))) {
                let name = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".md");
                writeln!(text, "{:indent$}- [{name}](reference/{path})", "").expect("a String takes it");
            }
        }
    }
    text
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whoever writes the pages anew says so in the environment")]
fn pages_of_reference_say_what_there_is() {
    let made = all();
    let root = project("docs/src/reference");
    let at = project("docs/src/SUMMARY.md");
    let written = std::fs::read_to_string(&at).expect("the summary");
    let wanted = summary(&written, &made);
    if std::env::var_os("HOOKGATE_UPDATE").is_some_and(|value| value == "1") {
        drop(std::fs::remove_dir_all(&root));
        for (path, text) in &made {
            let file = root.join(path);
            std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            std::fs::write(file, text).expect("written");
        }
        std::fs::write(at, wanted).expect("written");
        return;
    }
    let anew = "write them anew: HOOKGATE_UPDATE=1 cargo test --test law reference_pages";
    for (path, text) in &made {
        let there = std::fs::read_to_string(root.join(path)).unwrap_or_default();
        let differs = there.lines().zip(text.lines()).find(|(there, made)| there != made);
        assert!(there == *text, "docs/src/reference/{path} is stale ({differs:?}); {anew}");
    }
    assert_eq!(written, wanted, "docs/src/SUMMARY.md is stale; {anew}");
    let more: Vec<String> = files_below("docs/src/reference").into_iter().filter(|path| !made.contains_key(path)).collect();
    assert!(more.is_empty(), "nothing makes {more:?} any more; {anew}");
}

/// The files below a folder, by their paths in it.
fn files_below(folder: &str) -> Vec<String> {
    let root = project(folder);
    let (mut found, mut left) = (Vec::new(), vec![root.clone()]);
    while let Some(dir) = left.pop() {
        for entry in std::fs::read_dir(dir).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                left.push(path);
            } else {
                found.push(path.strip_prefix(&root).expect("it is below").display().to_string());
            }
        }
    }
    found.sort();
    found
}

/// The anchor that a heading gets.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_')).collect::<String>();
    kept.replace(' ', "-")
}

/// The anchors of a page.
fn anchors(page: &str) -> Vec<String> {
    let mut inside = false;
    let outside = page.lines().filter(|line| {
        inside ^= line.starts_with("```");
        !inside
    });
    outside.filter(|line| line.starts_with('#')).map(|line| anchor(line.trim_start_matches('#').trim())).collect()
}

/// Every page is in the summary once, and no link of a page or of the README leads nowhere.
#[test]
fn links_of_the_guide_lead_somewhere() {
    let read = |path: &str| std::fs::read_to_string(project(path)).unwrap_or_default();
    let summary = read("docs/src/SUMMARY.md");
    let pages: Vec<String> = files_below("docs/src").into_iter().filter(|path| path.ends_with(".md") && path != "SUMMARY.md").collect();
    for page in &pages {
        assert_eq!(summary.matches(&format!("]({page})")).count(), 1, "SUMMARY.md has {page} not once");
    }
    let link = regex_lite::Regex::new(r"\]\(([^)\s]+)\)").expect("a pattern");
    let all = pages.iter().map(|page| format!("docs/src/{page}")).chain(["docs/src/SUMMARY.md".to_owned(), "README.md".to_owned()]);
    let mut wrong = Vec::new();
    for path in all {
        let text = read(&path);
        let outside: String = text.split("```").step_by(2).collect();
        for to in link.captures_iter(&outside).filter_map(|found| found.get(1)).map(|to| to.as_str()) {
            let (file, part) = to.split_once('#').unwrap_or((to, ""));
            if file.contains("://") {
                continue;
            }
            let folder = std::path::Path::new(&path).parent().expect("a folder");
            let target = if file.is_empty() { path.clone() } else { folder.join(file).display().to_string() };
            let there = project(&target).exists();
            if !there || (!part.is_empty() && !anchors(&read(&target)).contains(&part.to_owned())) {
                wrong.push(format!("{path}: {to}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
