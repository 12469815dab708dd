//! Every command that the README prints works as it is printed there.
#![expect(clippy::expect_used, clippy::disallowed_methods, reason = "a test ends where something is not as it should be")]

use regex_lite::Regex;

use crate::command_line::{Running, command, hookgate, hookgate_with};
use crate::surroundings::{Folder, project, say_skipped};

const SECRET: &str = "the-secret-that-your-receiver-has";

/// The lines of the README's `sh` blocks.
fn commands(readme: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in readme.lines().map(str::trim) {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            command if inside => found.push(command.to_owned()),
            _ => {}
        }
    }
    found
}

/// The first scenario that the README prints.
fn scenario(readme: &str) -> &str {
    let start = readme.find("# yaml-language-server").expect("a scenario");
    let end = readme[start..].find("```").expect("its end");
    &readme[start..start + end]
}

/// A command line as a shell takes it apart: blanks, and single quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().expect("one word at least").push(c),
        }
    }
    words
}

#[test]
fn every_command_of_the_readme_works() {
    let readme = std::fs::read_to_string(project("README.md")).expect("the README");
    let folder = Folder::new();
    let database = folder.path("orch.db").display().to_string();
    folder.write("checks/duplicate/mine.yaml", scenario(&readme));
    let checks = folder.path("checks/duplicate/mine.yaml").display().to_string();
    let mine = folder.path("mine").display().to_string();
    let known = folder.path("known.yaml").display().to_string();
    let out = folder.path("out").display().to_string();
    let plain = Running::serve(SECRET, &["--db", &database]);
    let short = Running::serve(SECRET, &["--ttl", "2s"]);
    let (mut tried, mut served) = (0, 0);
    for line in commands(&readme) {
        if line.starts_with("cargo ") || line.starts_with("export ") {
            continue; // the first two are what runs this test, and what .ci/run calls
        }
        let receiver = if line.contains("--ttl 2s") { &short } else { &plain };
        let line = line
            .replace("http://127.0.0.1:5001", &receiver.url)
            .replace("--addr 127.0.0.1:5001 --db data/orch.db", "--addr 127.0.0.1:0")
            .replace("data/orch.db", &database)
            .replace("checks/duplicate/mine.yaml", &checks)
            .replace("known.yaml", &known)
            .replace("--snapshots mine", &format!("--snapshots {mine}"))
            .replace("--dir mine", &format!("--dir {mine}"))
            .replace("shard1", &folder.path("shard1").display().to_string())
            .replace("shard2", &folder.path("shard2").display().to_string())
            .replace("loaded/", &folder.path("loaded").display().to_string())
            .replace("before", &folder.path("before").display().to_string())
            .replace("after", &folder.path("after").display().to_string())
            .replace("out/", &format!("{out}/"));
        let line = line.replace("'hookgate serve", &format!("'{} serve", env!("CARGO_BIN_EXE_hookgate")));
        let words = words(&line);
        if line.contains("faketime")
            && hookgate(&["run", "key/blank-key-is-refused", "--exec", "true", "--clock", "faketime"]).contains("needs libfaketime")
        {
            assert!(std::env::var_os("HOOKGATE_REQUIRE_TOOLS").is_none(), "libfaketime is not here, and HOOKGATE_REQUIRE_TOOLS is set");
            say_skipped("libfaketime is not here");
            continue;
        }
        assert_eq!(words[0], "hookgate", "{line}");
        let arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        if arguments[0] == "serve" && !line.contains("--list-defects") {
            drop(Running::serve(SECRET, &arguments[1..]));
            served += 1;
            continue;
        }
        let own_secret = line.contains("made-up");
        let mut run = command();
        if !own_secret {
            run.env("ORCH_WEBHOOK_SECRET", SECRET);
        }
        let output = run.args(&arguments).output().expect("it starts");
        let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{line}\n{told}");
        tried += 1;
    }
    assert!(tried >= 20 && served == 2, "{tried} commands were tried, {served} served");
    assert!(folder.path("out/report.json").is_file());
    // Every folder that they have left agrees with itself.
    for name in ["out", "shard1", "shard2", "loaded", "before/1", "before/2", "after/1"] {
        let told = hookgate(&["report", "verify", &folder.path(name).display().to_string()]);
        assert!(told.starts_with("exit 0"), "{name}: {told}");
    }
}

/// A text without what differs from run to run: numbers, hashes, times, paths.
fn without_numbers(text: &str) -> String {
    let replace = |text: String, pattern: &str, by: &str| Regex::new(pattern).expect("a pattern").replace_all(&text, by).into_owned();
    let text = replace(text.to_owned(), r"(--db|database) \S+", "$1 #");
    let text = replace(text, r"\bhg[0-9a-f]+-\d+", "#");
    let text = replace(text, r"[0-9a-f]{32,}|\d+(\.\d+)?", "#");
    replace(text, r"# (µs|ms|s)\b", "# t")
}

/// What the README shows of a failure is what is printed, from the first line to the example of what explains it.
#[test]
fn failure_in_the_readme_is_the_one_that_is_printed() {
    let readme = std::fs::read_to_string(project("README.md")).expect("the README");
    let section = readme.split("## What a failure looks like").nth(1).expect("the section");
    let shown = section.split("```text\n").nth(1).and_then(|rest| rest.split("\n```").next()).expect("its sample");
    let folder = Folder::new();
    let database = folder.path("l.db").display().to_string();
    let receiver = Running::serve(SECRET, &["--db", &database, "--defect", "checks-then-marks"]);
    let told = hookgate_with(
        &[("ORCH_WEBHOOK_SECRET", SECRET)],
        &[
            "run",
            "concurrency/exactly-one-is-accepted*",
            "--target",
            &receiver.url,
            "--db",
            &database,
            "--clock",
            "rewind",
            "--seed",
            "177894",
        ],
    );
    let from = told.find("orch-phase3 against").expect("the first line");
    let to = told.find("\nrequirements ").expect("the table");
    assert_eq!(without_numbers(shown.trim()), without_numbers(told[from..to].trim()));
}
