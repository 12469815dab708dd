//! Messages of errors, as the sources have them: of every room, with the place of what differs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Page, files_below, page, project};

/// What a message begins behind: typed errors, and what the command line says itself.
const BEGINNINGS: [&str; 7] = [
    "#[error(\"",
    "#[error(\n        \"",
    "Failure::usage(\"",
    "Failure::usage(format!(\"",
    "Failure::usage(format!(\n            \"",
    "Failure::harness(format!(\"",
    "Failure::harness(\"",
];
/// The sentence of an error without words of its own.
const WORDS: usize = 3;

/// A Rust string as it reads, from behind its first quote.
fn string(rest: &str) -> Option<String> {
    let (mut text, mut characters) = (String::new(), rest.chars().peekable());
    loop {
        match characters.next()? {
            '"' => return Some(text),
            '\\' => match characters.next()? {
                'n' => text.push(' '),
                '\n' => while characters.next_if(|c| c.is_whitespace()).is_some() {},
                other => text.push(other),
            },
            other => text.push(other),
        }
    }
}

/// `{found}` as `<found>`, and doubled braces as one.
fn with_places(text: &str) -> String {
    let text = text.replace("{{", "\u{1}").replace("}}", "\u{2}");
    let mut shown = String::new();
    for (at, part) in text.split('{').enumerate() {
        let Some((place, rest)) = part.split_once('}').filter(|_| at > 0) else {
            shown.push_str(part);
            continue;
        };
        let name = place.split(':').next().unwrap_or_default();
        if name == "hint" {
            shown.push_str(rest);
            continue;
        }
        let name = if name.is_empty() || name.chars().all(|c| c.is_ascii_digit()) { "…" } else { name.trim_end_matches(['(', ')']) };
        shown.push_str(&if name == "…" { name.to_owned() } else { format!("<{name}>") });
        shown.push_str(rest);
    }
    shown.replace('\u{1}', "{").replace('\u{2}', "}")
}

/// The messages of a source, in their order.
pub(super) fn messages(source: &str) -> Vec<String> {
    // What tests say is nobody's message.
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found: Vec<(usize, String)> = Vec::new();
    for beginning in BEGINNINGS {
        for (at, _) in source.match_indices(beginning) {
            found.extend(string(&source[at + beginning.len()..]).map(|text| (at, with_places(&text))));
        }
    }
    found.sort();
    let own = |text: &String| text.split(' ').filter(|word| !word.contains(['<', '…'])).count() >= WORDS;
    found.into_iter().map(|(_, text)| text).filter(own).collect()
}

/// What a room's errors are about.
fn title(room: &str) -> &str {
    match room {
        "cli" => "Command line",
        "clock" => "Spans and instants",
        "contract" => "Contracts",
        "evidence" => "Evidence",
        "files" => "Files",
        "load" => "Load",
        "project" => "hookgate.toml",
        "report" => "Reports and baselines",
        "scenario" => "Scenarios",
        "session" => "Receiver and session",
        "sign" => "Signatures",
        "suites" => "Suites",
        "target" => "Receivers that hookgate starts",
        "transport" => "Network",
        other => other,
    }
}

/// The page.
pub(super) fn page_of_errors() -> Page {
    let mut rooms: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in files_below("src").into_iter().filter(|path| path.ends_with(".rs")) {
        let source = std::fs::read_to_string(project(&format!("src/{path}"))).expect("a source");
        let room = path.split(['/', '.']).next().unwrap_or_default();
        rooms.entry(title(room).to_owned()).or_default().extend(messages(&source));
    }
    let mut text = "Sentences that end a command with exit code 2 or 3, by what they speak of; `<…>` stands for what differs. Mistakes in YAML and TOML\n\
                    files are told with file, line and a caret instead. The usual ones, with what to do, are in [troubleshooting](../troubleshooting.md).\n"
        .to_owned();
    for (room, mut messages) in rooms {
        messages.sort();
        messages.dedup();
        if !messages.is_empty() {
            write!(text, "\n## {room}\n\n").expect("a String takes it");
            for message in messages {
                // Twice the quotes, since messages have single ones in them.
                writeln!(text, "- `` {message} ``").expect("a String takes it");
            }
        }
    }
    ("errors.md".to_owned(), page("Error messages", &text))
}

/// Every message that the page of troubleshooting explains is one that there is.
#[test]
fn messages_that_are_explained_are_said() {
    let page = std::fs::read_to_string(project("docs/src/troubleshooting.md")).expect("the page");
    let mut said = String::new();
    for path in files_below("src") {
        said.push_str(&std::fs::read_to_string(project(&format!("src/{path}"))).unwrap_or_default());
    }
    let said = said.split("\\\n").map(str::trim_start).collect::<String>();
    let headings: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## `")?.strip_suffix('`')).collect();
    assert!(headings.len() >= 10, "{headings:?}");
    for heading in headings {
        let missing: Vec<&str> = heading.split('…').map(str::trim).filter(|part| !part.is_empty() && !said.contains(part)).collect();
        assert!(missing.is_empty(), "nothing says {missing:?} of `{heading}`");
    }
}
