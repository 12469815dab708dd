//! `hookgate explore`: what it finds in wrong receivers, and that it finds nothing in right ones. Bounded by a count of sequences, not by time.

use serde_json::Value;

use crate::command_line::{Running, hookgate_with};
use crate::surroundings::{Folder, tool};

const SECRET: [(&str, &str); 1] = [("ORCH_WEBHOOK_SECRET", "a secret of tests")];

/// The right reference: no finding, a corpus of what was reached, and a report in the form of a run's.
#[test]
fn right_reference_has_no_finding() {
    let folder = Folder::new();
    let (keep, corpus, out) = (folder.path("keep"), folder.path("corpus"), folder.path("out"));
    let (keep, corpus, out) = (keep.display().to_string(), corpus.display().to_string(), out.display().to_string());
    let explore = ["explore", "--sequences", "8", "--for", "60s", "--seed", "3", "--keep", &keep, "--corpus", &corpus];
    let told = hookgate_with(&[], &[&explore[..], &["--report", &out]].concat());
    assert!(told.starts_with("exit 0") && told.contains("seed 3") && told.contains("conforms"), "{told}");
    let text = std::fs::read_to_string(folder.path("out").join("report.json")).expect("a report was written");
    let report: Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!((&report["summary"]["verdict"], &report["summary"]["fail"]), (&Value::from("conforms"), &Value::from(0)));
    assert!(folder.path("out").join("junit.xml").is_file() && !folder.path("keep").exists());
    let kept = std::fs::read_dir(folder.path("corpus")).expect("a corpus was written").count();
    assert!(kept > 0);
    // What was reached is played first the next time, and is a scenario like any other.
    let again = hookgate_with(&[], &["explore", "--sequences", "1", "--for", "60s", "--seed", "3", "--keep", &keep, "--corpus", &corpus]);
    assert!(again.starts_with("exit 0") && again.contains(&format!("{kept} scenarios")), "{again}");
    let run = hookgate_with(&[], &["run", "--only-scenarios", &corpus]);
    assert!(run.starts_with("exit 0"), "{run}");
}

/// A wrong receiver: a scenario of few steps, which fails on it again, and which the right one passes.
#[test]
fn finding_is_a_scenario_that_fails_again() {
    let serving = Running::serve(SECRET[0].1, &["--defect", "refused-signature-uses-key-up"]);
    let folder = Folder::new();
    let (keep, corpus) = (folder.path("keep").display().to_string(), folder.path("corpus").display().to_string());
    let told = hookgate_with(
        &SECRET,
        &["explore", "--target", &serving.url, "--for", "120s", "--seed", "1", "--fail-fast", "--keep", &keep, "--corpus", &corpus],
    );
    assert!(told.starts_with("exit 1") && told.contains("found  ") && told.contains("failed 20 of 20 times"), "{told}");
    let found: Vec<_> = std::fs::read_dir(folder.path("keep")).expect("a scenario was written").flatten().collect();
    assert_eq!(found.len(), 1);
    let text = std::fs::read_to_string(found[0].path()).expect("it can be read");
    let steps = text.lines().filter(|line| line.starts_with("  - ")).count();
    assert!((1..=3).contains(&steps) && text.starts_with("title: "), "{text}");
    let run = |of: &str| hookgate_with(&SECRET, &["run", "--only-scenarios", &keep, "--target", of]);
    let again = run(&serving.url);
    assert!(again.starts_with("exit 1"), "{again}");
    let right = Running::serve(SECRET[0].1, &[]);
    let passes = run(&right.url);
    assert!(passes.starts_with("exit 0"), "{passes}");
}

/// A receiver that is wrong in company alone: what a sequence was played beside is played again with it, and what is left is a scenario that
/// a run fails, too. That many sequences fail and nothing can be said of it is not the answer.
#[test]
fn what_fails_in_company_alone_is_found() {
    if tool("python3").is_none() {
        return;
    }
    let folder = Folder::new();
    let (keep, corpus) = (folder.path("keep").display().to_string(), folder.path("corpus").display().to_string());
    let env = [SECRET[0], ("TROUBLE", "few-keys")];
    let exec = ["--exec", "exec python3 tests/receivers/troubled.py --port {port} --db {dir}/orch.db"];
    let explore = ["explore", "--sequences", "24", "--for", "120s", "--seed", "2", "--fail-fast", "--keep", &keep, "--corpus", &corpus];
    let told = hookgate_with(&env, &[&explore[..], &exec].concat());
    assert!(told.starts_with("exit 1") && told.contains("found  "), "{told}");
    let again = hookgate_with(&env, &[&["run", "--only-scenarios", &keep][..], &exec].concat());
    assert!(again.starts_with("exit 1"), "{again}");
}

/// The same seed makes the same sequences; a value that is none is a mistake.
#[test]
fn seeds_repeat_and_mistakes_are_told() {
    let corpus = |folder: &Folder| {
        let keep = folder.path("keep").display().to_string();
        let dir = folder.path("corpus").display().to_string();
        let told = hookgate_with(&[], &["explore", "--sequences", "3", "--for", "60s", "--seed", "9", "--keep", &keep, "--corpus", &dir]);
        assert!(told.starts_with("exit 0"), "{told}");
        let mut names: Vec<_> = std::fs::read_dir(folder.path("corpus")).expect("a corpus").flatten().map(|one| one.file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(corpus(&Folder::new()), corpus(&Folder::new()));
    assert!(hookgate_with(&[], &["explore", "--for", "soon"]).starts_with("exit 2"));
    assert!(hookgate_with(&[], &["explore", "--target", "http://127.0.0.1:1"]).starts_with("exit 2"));
}

/// A scenario of many steps becomes one of few, which the reader reads and the receiver fails; one that passes is left as it is.
#[test]
fn long_scenario_becomes_a_short_one() {
    let serving = Running::serve(SECRET[0].1, &["--defect", "duplicate-answered-409"]);
    let folder = Folder::new();
    let long = [
        "title: Long",
        "shows: [DUP-1]",
        "steps:",
        "  - deliver: {as: other, body: long-log.json}",
        "    expect: accepted",
        "  - deliver: {as: forged, signature: wrong-secret}",
        "    expect: {refused: signature}",
        "  - deliver: {as: first, framing: chunked}",
        "    expect: accepted",
        "  - deliver: {key_of: first, body_of: first, header_case: upper}",
        "    expect: {duplicate_of: first}",
        "",
    ];
    let long = folder.write("long.yaml", &long.join("\n"));
    let keep = folder.path("keep").display().to_string();
    let told = hookgate_with(&SECRET, &["shrink", &long, "--target", &serving.url, "--keep", &keep]);
    assert!(told.starts_with("exit 1") && told.contains("2 steps"), "{told}");
    let found: Vec<_> = std::fs::read_dir(folder.path("keep")).expect("a scenario was written").flatten().collect();
    let text = std::fs::read_to_string(found[0].path()).expect("it can be read");
    assert!(text.contains("deliver: {as: first}") && text.contains("deliver: {body_of: first, key_of: first}"), "{text}");
    let right = Running::serve(SECRET[0].1, &[]);
    let passes = hookgate_with(&SECRET, &["shrink", &long, "--target", &right.url, "--keep", &keep]);
    assert!(passes.starts_with("exit 0"), "{passes}");
    let nothing = folder.write("history.jsonl", "{}\n");
    assert!(hookgate_with(&SECRET, &["shrink", &nothing, "--target", &right.url]).starts_with("exit 2"));
}

/// Event streams are explored, too: what a client misses that comes back is a scenario of few steps, which fails again, and which the right
/// receiver passes.
#[test]
fn streams_are_explored() {
    let phase4 = ["--contract", "orch-phase4"];
    let serving = Running::serve(SECRET[0].1, &["--contract", "orch-phase4", "--defect", "events-of-other-jobs"]);
    let folder = Folder::new();
    let (keep, corpus) = (folder.path("keep").display().to_string(), folder.path("corpus").display().to_string());
    let explore =
        ["explore", "--target", &serving.url, "--for", "120s", "--seed", "2", "--fail-fast", "--keep", &keep, "--corpus", &corpus];
    let told = hookgate_with(&SECRET, &[&explore[..], &phase4].concat());
    assert!(told.starts_with("exit 1") && told.contains("SSE-15"), "{told}");
    let found: Vec<_> = std::fs::read_dir(folder.path("keep")).expect("a scenario was written").flatten().collect();
    let text = std::fs::read_to_string(found[0].path()).expect("it can be read");
    let steps = text.lines().filter(|line| line.starts_with("  - ")).count();
    assert!((2..=4).contains(&steps) && text.contains("stream: {"), "{text}");
    let run = |of: &str| hookgate_with(&SECRET, &[&["run", "--only-scenarios", &keep, "--target", of][..], &phase4].concat());
    assert!(run(&serving.url).starts_with("exit 1"), "{text}");
    let right = Running::serve(SECRET[0].1, &phase4);
    let passes = run(&right.url);
    assert!(passes.starts_with("exit 0"), "{passes}");
}

/// A long scenario of streams becomes a short one: what is published no more is told no more.
#[test]
fn long_scenario_of_streams_becomes_a_short_one() {
    let serving = Running::serve(SECRET[0].1, &["--contract", "orch-phase4", "--defect", "resume-tells-an-event-twice"]);
    let folder = Folder::new();
    let long = [
        "title: Long",
        "shows: [SSE-5]",
        "needs: [stream, streams]",
        "steps:",
        "  - deliver: {as: first, stream: \"job-{unique}\"}",
        "    expect: accepted",
        "  - deliver: {as: other, stream: \"other-{unique}\"}",
        "    expect: accepted",
        "  - stream: {open: first, as: s, until: {events: 1}, expect: [{tells: [first]}]}",
        "  - deliver: {as: second, stream_of: first}",
        "    expect: accepted",
        "  - deliver: {as: third, stream_of: first}",
        "    expect: accepted",
        "  - stream: {of: s, until: {events: 2}, expect: [{tells: [second, third]}]}",
        "  - stream: {close: s}",
        "  - deliver: {as: fourth, stream_of: first}",
        "    expect: accepted",
        "  - stream: {reconnect: s, as: t, until: {events: 1, quiet: 100 ms}, expect: [{tells: [fourth]}]}",
        "",
    ];
    let long = folder.write("long.yaml", &long.join("\n"));
    let keep = folder.path("keep").display().to_string();
    let shrink = ["shrink", &long, "--target", &serving.url, "--keep", &keep, "--contract", "orch-phase4"];
    let told = hookgate_with(&SECRET, &shrink);
    assert!(told.starts_with("exit 1") && told.contains("3 steps"), "{told}");
}
