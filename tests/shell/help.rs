//! Help of every command: it ends with two examples, and each of them works as it stands there.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};

use crate::command_line::{among_others, binary, command, hookgate};
use crate::guide::{Scratch, is_served, side_by_side};
use crate::surroundings::project;

/// The commands that a command's help lists, but for `help` itself.
fn listed(path: &[String]) -> Vec<Vec<String>> {
    let words: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
    let told = hookgate(&words);
    let Some(section) = told.split("\nCommands:\n").nth(1) else { return Vec::new() };
    let names = section.lines().take_while(|line| !line.is_empty());
    let names = names.filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' '))?.split(' ').next());
    names.filter(|name| *name != "help").map(|name| [path, &[name.to_owned()]].concat()).collect()
}

/// Every command, and every command of a command.
fn every_command() -> Vec<Vec<String>> {
    let mut found = vec![Vec::new()];
    let mut at = 0;
    while at < found.len() {
        let inner = listed(&found[at]);
        found.extend(inner);
        at += 1;
    }
    found
}

/// The lines of a command's examples; one that goes on behind a backslash is one line.
fn examples(path: &[String]) -> Vec<String> {
    let words: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
    let told = hookgate(&words);
    assert!(told.starts_with("exit 0"), "{told}");
    let told = told.replace("--- stderr\n", "");
    let (_, last) = told.rsplit_once("\nExamples:\n").expect("examples at the end");
    let joined = last.replace("\\\n", " ");
    assert!(!joined.contains("\n\n"), "something follows the examples of {path:?}: {told}");
    let lines = joined.lines().filter_map(|line| line.strip_prefix("    ")).map(|line| line.trim().to_owned());
    lines.collect()
}

#[test]
fn help_of_every_command_ends_with_two_examples_that_work() {
    let commands = every_command();
    assert!(commands.len() > 30, "{commands:?}");
    let scratch = Scratch::new();
    scratch.furnish();
    let wrong: Mutex<Vec<String>> = Mutex::default();
    // Those of one command, and of its commands, one after the other.
    let groups: BTreeSet<&str> = commands.iter().map(|path| path.first().map_or("", String::as_str)).collect();
    side_by_side(&groups.into_iter().collect::<Vec<_>>(), |group| {
        for path in commands.iter().filter(|path| path.first().map_or("", String::as_str) == *group) {
            let two = examples(path);
            assert_eq!(two.len(), 2, "{path:?} has {two:?}");
            for line in two {
                assert!(line.contains("hookgate "), "{line}");
                if is_served(&line) {
                    drop(scratch.serve(&line));
                    continue;
                }
                if line.starts_with("hookgate snapshots accept") || line.starts_with("hookgate snapshots reject") {
                    scratch.leave_snapshots_to_review();
                }
                if let Err(told) = scratch.run(&line, 0) {
                    wrong.lock().unwrap_or_else(PoisonError::into_inner).push(told);
                }
            }
        }
    });
    let wrong = wrong.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// A page of the manual for each command, which a reader of manual pages takes.
#[test]
fn manual_pages_are_written_for_every_command() {
    let scratch = Scratch::new();
    let dir = scratch.path("man").display().to_string();
    assert!(hookgate(&["man", "--dir", &dir]).starts_with("exit 0"));
    for path in every_command() {
        let name = [&["hookgate".to_owned()][..], &path].concat().join("-");
        let page = std::fs::read_to_string(scratch.path(&format!("man/{name}.1"))).expect("its page");
        for part in [".TH ", ".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION", ".SH EXAMPLES", ".SH \"EXIT STATUS\""] {
            assert!(page.contains(part), "{name} has no {part}");
        }
        let examples = page.split(".SH EXAMPLES").nth(1).expect("they are there");
        assert_eq!(examples.matches("hookgate ").count(), 2 + examples.matches("exec 'hookgate").count(), "{name}: {examples}");
    }
    assert!(
        hookgate(&["man", "report", "verify"]).contains("hookgate\\-report\\-verify")
            || hookgate(&["man", "report", "verify"]).contains("verify")
    );
    let told = hookgate(&["man", "rnu"]);
    assert!(told.starts_with("exit 2") && told.contains("there is no command `rnu`; did you mean `run`?"), "{told}");
}

/// Nothing is suggested to words that nothing here resembles, and what is suggested may stand there.
#[test]
fn tips_suggest_what_is_meant_or_nothing() {
    for (args, wanted) in [
        (&["tset"][..], Some("there is no command `tset`")),
        (&["judge"], Some("there is no command `judge` (`hookgate --help` shows them)")),
        (&["webhook"], Some("there is no command `webhook` (")),
        (&["snapshots", "acept"], Some("did you mean `accept`? (`hookgate snapshots --help` shows them)")),
        (&["baseline", "run"], Some("there is no command `run` (`hookgate baseline --help` shows them)")),
        (&["run", "--tagret", "x"], Some("did you mean `--target`?")),
        (&["run", "--url", "x"], Some("there is no `--url` here (`hookgate run --help` shows what there is)")),
        (&["run", "--xyzzy"], Some("there is no `--xyzzy` here (")),
        (&["--clock", "wait", "run"], Some("it goes behind the command, as in `hookgate run --clock`")),
        (&["run", "--clock", "rewnd"], Some("did you mean `rewind`?")),
        (
            &["run", "--clock", "tuesday"],
            Some("--clock tuesday: there is no such value; there are: virtual, rewind, faketime, wait, none\n"),
        ),
        (&["run", "--format", "yaml"], Some("--format yaml: there is no such value")),
        (&["run", "--target"], Some("--target <URL> wants a value\n")),
        (&["explain", "DUP-99"], Some("`DUP-99` is no requirement, scenario or contract\n")),
        (&["explain", "hello-world"], Some("`hello-world` is no requirement, scenario or contract\n")),
        (&["explain", "dup-02"], None),
        (&["run", "signature/nothing-like-it"], Some("no scenario fits `signature/nothing-like-it` (")),
        (&["run", "--contract", "orch-phase9"], Some("there is no contract `orch-phase9`")),
        (&["run", "--contract", "strip-webhook"], Some("did you mean `stripe-webhook`?")),
        (&["run", "--contract", "github"], Some("did you mean `github-webhook`?")),
        (&["run", "--select", "ONEC-*"], Some("did you mean `ONCE-*`?")),
        (&["serve", "--defect", "a-bug"], Some("a-bug")),
    ] {
        let told = hookgate(args);
        assert!(told.starts_with("exit 2\n"), "{args:?}: {told}");
        assert!(!told.contains("tip:"), "{args:?}: {told}");
        let Some(wanted) = wanted else { continue };
        assert!(told.contains(wanted), "{args:?} without `{wanted}`: {told}");
        assert_eq!(told.contains("did you mean"), wanted.contains("did you mean"), "{args:?}: {told}");
    }
}

/// What the completion of a shell offers for a line whose last word is begun.
fn offered(line: &[&str]) -> Vec<String> {
    // As readline calls it: the words, where the cursor is, and the word it is in.
    let script = r#"
        source <("$HOOKGATE" completions bash)
        function=$(complete -p hookgate | sed -E 's/.*-F ([^ ]+).*/\1/')
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_TYPE=9
        "$function" hookgate "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}" 2>/dev/null
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut bash = std::process::Command::new("bash");
    bash.args(["-c", script, "bash"]).args(line).env("HOOKGATE", binary()).current_dir(project(""));
    let output = among_others(bash.stdin(Stdio::null()));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// Bash offers what there is: commands, flags, contracts, scenarios with their variants, requirements, defects, files.
#[test]
fn completion_knows_contracts_scenarios_requirements_and_defects() {
    if crate::surroundings::tool("bash").is_none() {
        return;
    }
    for (line, wanted) in [
        (&["hookgate", "ru"][..], &["run"][..]),
        (&["hookgate", "run", "--cont"], &["--contract", "--control"]),
        (&["hookgate", "run", "--contract", "stripe-"], &["stripe-api", "stripe-webhook"]),
        (&["hookgate", "run", "--contract", "=", "stripe-w"], &["stripe-webhook"]),
        (&["hookgate", "run", "--contract=stripe-w"], &["--contract=stripe-webhook"]),
        (&["hookgate", "run", "concurrency/exactly-one-is-accepted["], &["concurrency/exactly-one-is-accepted[eight-at-once]"]),
        (&["hookgate", "run", "duplicate/refers-to-the-first-w"], &["duplicate/refers-to-the-first-whatever-its-body"]),
        (&["hookgate", "explain", "dup-1"], &["DUP-1"]),
        (&["hookgate", "explain", "github-"], &["github-webhook"]),
        (&["hookgate", "list", "--select", "ONCE-1,!ONCE-"], &["ONCE-1,!ONCE-*", "ONCE-1,!ONCE-2"]),
        (&["hookgate", "serve", "--defect", "key-case"], &["key-case-folded"]),
        (&["hookgate", "selftest", "--defect", "key-cut-at-6"], &["key-cut-at-64"]),
        (&["hookgate", "man", "cover"], &["coverage"]),
        (&["hookgate", "config", "--cl"], &["--clock"]),
        (&["hookgate", "run", "--contract", "tests/contracts/body-key-m"], &["tests/contracts/body-key-marker.yaml"]),
        (&["hookgate", "run", "--clock", "re"], &["rewind"]),
    ] {
        let offered = offered(line);
        for one in wanted {
            assert!(offered.iter().any(|there| there == one), "{line:?} offers {offered:?}, not {one}");
        }
    }
    // Under a contract that lacks them, its suite's scenarios are not offered.
    let wire = offered(&["hookgate", "run", "--contract", "stripe-webhook", "audit/"]);
    assert!(wire.iter().all(|one| !one.contains("row-says-who-and-what")), "{wire:?}");
    assert!(!offered(&["hookgate", "run", "audit/"]).is_empty());
}

/// A script for each shell, which asks the program that printed it.
#[test]
fn scripts_ask_the_program_that_printed_them() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = command().args(["completions", shell]).output().expect("it starts");
        let script = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(script.contains("_HOOKGATE_COMPLETE") && script.contains(binary()), "{shell}: {script}");
        let mut asked = command();
        asked.env("_HOOKGATE_COMPLETE", shell).env("_CLAP_COMPLETE_INDEX", "3").env("_CLAP_IFS", "\n");
        let output = asked.args(["--", "hookgate", "run", "--contract", "svi"]).output().expect("it starts");
        assert!(String::from_utf8_lossy(&output.stdout).contains("svix"), "{shell}: {output:?}");
    }
}
