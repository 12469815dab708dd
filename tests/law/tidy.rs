//! The rules of the house, held by reading it: floors, rooms without I/O, heads, sizes.
//!
//! Every rule is a function from files (path and text) to the places where it
//! is broken. Each is tried twice: on the house, where it must find nothing,
//! and on a planted violation, which it must find.

#![expect(clippy::expect_used, reason = "a house that cannot be read fails the test")]

mod planted;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const WORDS: &[&str] = &["clock", "delivery", "event_stream", "message", "number", "random", "secret", "state", "stats", "template"];
const LAW: &[&str] = &[
    "yaml",
    "project",
    "sign",
    "contract",
    "outcome",
    "reference",
    "scenario",
    "history",
    "snapshot",
    "visit",
    "report",
    "judge",
    "claims",
];
const HANDS: &[&str] = &["evidence", "files", "serve", "sqlite", "target", "transport"];
const ENGINES: &[&str] = &["suites", "session", "run", "load", "explore", "selftest", "init"];
const FACADE: &[&str] = &["api"];
const ROOF: &[&str] = &["cli", "main"];
const FLOORS: [(&str, &[&str]); 6] =
    [("words", WORDS), ("law", LAW), ("hands", HANDS), ("engines", ENGINES), ("façade", FACADE), ("roof", ROOF)];

/// What reaches the outside world; words and law are values in, values or text out.
const IO: [&str; 15] = [
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "std::io",
    "std::thread",
    "tokio::",
    "rusqlite::",
    "reqwest::",
    "axum::",
    "print!",
    "println!",
    "eprint!",
    "eprintln!",
    "dbg!",
];
/// Members of `std` that are I/O also when they are imported in a group.
const IO_MEMBERS: [&str; 6] = ["fs", "net", "process", "env", "io", "thread"];

const MOST_LINES: usize = 400;
/// Files that may be longer, each with the reason.
const LONGER: [(&str, &str); 0] = [];
const SCENARIO_LINES: std::ops::RangeInclusive<usize> = 8..=60;
const SCENARIO_SCHEMA: &str = "schema/scenario.json";
const MIX_SCHEMA: &str = "schema/mix.json";

/// A file: its path from the root of the repository, and its text.
type File = (String, String);

/// Every file under `folder` whose name ends in `ending`, in the order of paths.
fn files(folder: &str, ending: &str) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("a folder that was opened can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                let text = fs::read_to_string(&path).expect("sources and scenarios are UTF-8");
                let name = path.strip_prefix(root).expect("it was found under the root").to_string_lossy().replace('\\', "/");
                found.push((name, text));
            }
        }
    }
    found.sort();
    found
}

/// Numbered lines of a source without comments and without `#[cfg(test)]` items, which may do as they like.
fn code(text: &str) -> Vec<(usize, &str)> {
    let mut kept = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            // rustfmt gives the item's last line the indentation of its first.
            let closing = format!("{}}}", &line[..line.len() - line.trim_start().len()]);
            for (_, inside) in lines.by_ref() {
                if inside == closing || (inside.trim_end().ends_with(';') && inside.len() - inside.trim_start().len() < closing.len()) {
                    break;
                }
            }
        } else if !line.trim_start().starts_with("//") {
            kept.push((at + 1, line));
        }
    }
    kept
}

/// Places where `word` stands by itself, not as the end of a longer name.
fn stands_in(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
}

fn room_of(path: &str) -> &str {
    path.trim_start_matches("src/").split(['/', '.']).next().unwrap_or_default()
}

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|(_, rooms)| rooms.contains(&room))
}

/// The rooms that a line names through `crate::`, or by climbing there with `super::`.
fn named_rooms(path: &str, code: &[(usize, &str)]) -> Vec<(usize, String)> {
    // `src/transport/raw.rs` is two deep: two `super` lead to the crate's root.
    let depth = path.trim_start_matches("src/").split('/').count();
    let climbing = "super::".repeat(depth);
    let mut named = Vec::new();
    for (place, (number, line)) in code.iter().enumerate() {
        let ways = ["crate::", climbing.as_str()];
        for (at, way) in ways.iter().flat_map(|way| line.match_indices(way)) {
            if line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let after = &line[at + way.len()..];
            match after.strip_prefix('{') {
                // A group may go on over the next lines.
                Some(first) => {
                    let group: String =
                        std::iter::once(first).chain(code[place + 1..].iter().map(|(_, line)| *line)).collect::<Vec<_>>().join(" ");
                    named.extend(heads_of_group(&group).into_iter().map(|room| (*number, room)));
                }
                None => named.push((*number, first_word(after))),
            }
        }
    }
    named
}

fn first_word(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// `a::{b, c}, d}` names `a` and `d`.
fn heads_of_group(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut heads) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                heads.push(first_word(&group[start..at]));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    heads.retain(|head| !head.is_empty());
    heads
}

/// The rooms in the order in which `src/lib.rs` lists them.
fn listed(files: &[File]) -> Vec<String> {
    let lib = files.iter().find(|(path, _)| path == "src/lib.rs").map_or("", |(_, text)| text);
    let module = |line: &str| line.trim().trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';').map(str::to_owned);
    lib.lines().filter_map(module).collect()
}

/// Rule: a room names only rooms on lower floors, or earlier on its own; hands never name each other.
fn floors_are_kept(files: &[File]) -> Vec<String> {
    let order = listed(files);
    let place = |room: &str| order.iter().position(|listed| listed == room);
    let mut broken = Vec::new();
    let floors: Vec<_> = order.iter().filter_map(|room| floor_of(room)).collect();
    if !floors.is_sorted() {
        broken.push("src/lib.rs: rooms are listed floor by floor, from the ground".to_owned());
    }
    for (path, text) in files.iter().filter(|(path, _)| path != "src/lib.rs") {
        let room = room_of(path);
        let Some(floor) = floor_of(room) else {
            broken.push(format!("{path}: room `{room}` is on no floor; tests/law/tidy.rs lists them"));
            continue;
        };
        for (line, named) in named_rooms(path, &code(text)) {
            let Some(its_floor) = floor_of(&named) else {
                broken.push(format!("{path}:{line}: `{named}` is no room of this house"));
                continue;
            };
            let sideways = its_floor == floor && named != room;
            if its_floor > floor {
                broken.push(format!(
                    "{path}:{line}: {} may not name `{named}`, which is above, among the {}",
                    FLOORS[floor].0, FLOORS[its_floor].0
                ));
            } else if sideways && FLOORS[floor].0 == "hands" {
                broken.push(format!("{path}:{line}: hands never name each other, and `{named}` is one"));
            } else if sideways && place(&named) >= place(room) {
                broken.push(format!("{path}:{line}: `{named}` comes after `{room}` in src/lib.rs"));
            }
        }
    }
    broken
}

/// Rule: words and law do no I/O.
fn words_and_law_do_no_io(files: &[File]) -> Vec<String> {
    let mut broken = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| matches!(floor_of(room_of(path)), Some(0 | 1))) {
        for (number, line) in code(text) {
            let grouped = line
                .trim()
                .strip_prefix("use std::{")
                .is_some_and(|group| heads_of_group(group).iter().any(|head| IO_MEMBERS.contains(&head.as_str())));
            if grouped || IO.iter().any(|word| stands_in(line, word)) {
                broken.push(format!("{path}:{number}: words and law do no I/O: {}", line.trim()));
            }
        }
    }
    broken
}

/// Rule: only `clock` reads the time.
fn only_clock_reads_the_time(files: &[File]) -> Vec<String> {
    let mut broken = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| room_of(path) != "clock") {
        for (number, line) in code(text) {
            if ["SystemTime::now", "Instant::now"].iter().any(|call| line.contains(call)) {
                broken.push(format!("{path}:{number}: only `clock` reads the time; take the moment as an argument, or a `clock::Moment`"));
            }
        }
    }
    broken
}

/// Rule: a file says first what it is for, and is short enough to be read at once.
fn files_have_heads_and_an_end(files: &[File]) -> Vec<String> {
    let mut broken = Vec::new();
    for (path, text) in files {
        if !text.starts_with("//! ") {
            broken.push(format!("{path}: begins without `//!`; say what goes in, what comes out, where to start"));
        }
        let lines = text.lines().count();
        if lines > MOST_LINES && !LONGER.iter().any(|(longer, _)| longer == path) {
            broken.push(format!("{path}: {lines} lines, and {MOST_LINES} is the most; find the part that has a name of its own"));
        }
    }
    broken
}

/// Rule: nothing is left for later, and names are imported by name.
fn nothing_is_left_for_later(files: &[File]) -> Vec<String> {
    let mut broken = Vec::new();
    for (path, text) in files {
        for (number, line) in code(text) {
            let unfinished = stands_in(line, "todo!(") || stands_in(line, "unimplemented!(");
            if unfinished || line.trim_start().starts_with("use super::*") {
                broken.push(format!("{path}:{number}: {}", line.trim()));
            }
        }
    }
    broken
}

/// Rule: a test is run or it is not there.
fn no_test_is_ignored(files: &[File]) -> Vec<String> {
    let mut broken = Vec::new();
    for (path, text) in files {
        for (at, _) in text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with("#[ignore")) {
            broken.push(format!("{path}:{}: a test is run or it is not there", at + 1));
        }
    }
    broken
}

/// Rule: a scenario is one behaviour on one screen, and editors find its schema.
fn scenarios_are_one_behaviour_each(files: &[File]) -> Vec<String> {
    let mut broken = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| !path.ends_with("/requirements.yaml")) {
        let lines = text.lines().count();
        // A mix of deliveries is no behaviour: it may be as short as it likes.
        let is_mix = path.starts_with("scenarios/load/");
        if !is_mix && !SCENARIO_LINES.contains(&lines) {
            broken.push(format!("{path}: {lines} lines; a scenario has {} to {}", SCENARIO_LINES.start(), SCENARIO_LINES.end()));
        }
        let up = "../".repeat(path.matches('/').count());
        let wanted = format!("# yaml-language-server: $schema={up}{}", if is_mix { MIX_SCHEMA } else { SCENARIO_SCHEMA });
        if text.lines().next() != Some(wanted.as_str()) {
            broken.push(format!("{path}:1: begins with `{wanted}`"));
        }
    }
    broken
}

fn nothing(broken: &[String]) {
    assert!(broken.is_empty(), "{} broken:\n{}", broken.len(), broken.join("\n"));
}

/// The house itself, rule by rule.
mod house {
    use super::*;

    #[test]
    fn keeps_its_floors() {
        let sources = files("src", ".rs");
        assert!(sources.len() > 10, "the sources were found");
        nothing(&floors_are_kept(&sources));
    }

    #[test]
    fn does_no_io_in_words_and_law() {
        nothing(&words_and_law_do_no_io(&files("src", ".rs")));
    }

    #[test]
    fn reads_the_time_in_one_room() {
        nothing(&only_clock_reads_the_time(&files("src", ".rs")));
    }

    #[test]
    fn has_heads_and_short_files() {
        nothing(&files_have_heads_and_an_end(&files("src", ".rs")));
        let known: BTreeSet<String> = files("src", ".rs").into_iter().map(|(path, _)| path).collect();
        assert!(
            LONGER.iter().all(|(path, reason)| known.contains(*path) && !reason.is_empty()),
            "an exempt file is there, and has a reason"
        );
    }

    #[test]
    fn leaves_nothing_for_later() {
        nothing(&nothing_is_left_for_later(&files("src", ".rs")));
        nothing(&no_test_is_ignored(&[files("src", ".rs"), files("tests", ".rs")].concat()));
    }

    #[test]
    fn has_scenarios_of_one_behaviour_each() {
        nothing(&scenarios_are_one_behaviour_each(&files("scenarios", ".yaml")));
    }
}
