//! Baselines: what is known does not fail a run, what no longer fails does; and runs that are repeated.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use serde_json::Value;

use crate::command_line::{Running, hookgate, hookgate_with};
use crate::surroundings::Folder;

const SECRET: &str = "a secret of the test";

/// A run of `duplicate` against a receiver with a defect, with more arguments.
fn run(serving: &Running, more: &[&str]) -> String {
    let fixed = ["run", "duplicate", "--target", &serving.url];
    hookgate_with(&[("ORCH_WEBHOOK_SECRET", SECRET)], &[&fixed, more].concat())
}

fn wrong() -> Running {
    Running::serve(SECRET, &["--defect", "duplicate-answered-409"])
}

fn report(folder: &Folder) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.path("out/report.json")).expect("a report")).expect("JSON")
}

/// A requirement or scenarios that are listed are known, with their reason, in every form; the run conforms.
#[test]
fn what_is_listed_is_known_and_does_not_fail() {
    let (serving, folder) = (wrong(), Folder::new());
    let out = folder.path("out").display().to_string();
    let unlisted = run(&serving, &["--report", &out]);
    assert!(unlisted.starts_with("exit 1"), "{unlisted}");
    let requirements = report(&folder)["requirements"].as_array().expect("a list").clone();
    let broken = requirements
        .iter()
        .filter(|one| one["verdict"] == "fail")
        .map(|one| format!("  - requirement: {}\n    reason: duplicates get 409 until spring\n", one["id"]));
    let file = folder.write("known.yaml", &format!("known:\n{}", broken.collect::<String>()));
    let known = run(&serving, &["--baseline", &file, "--report", &out]);
    assert!(known.starts_with("exit 0"), "{known}");
    let told = report(&folder);
    assert!(told["summary"]["known"].as_u64() > Some(0) && told["summary"]["fail"] == 0, "{}", told["summary"]);
    assert!(told["requirements"].as_array().expect("a list").iter().any(|one| one["verdict"] == "known"));
    let junit = std::fs::read_to_string(folder.path("out/junit.xml")).expect("junit");
    assert!(junit.contains("<skipped") && junit.contains("duplicates get 409 until spring"), "{junit}");
    let scenarios = folder.write("by-scenario.yaml", "known:\n  - {scenario: 'duplicate/*', reason: all of it}\n");
    assert!(run(&serving, &["--baseline", &scenarios]).starts_with("exit 0"));
    let one = folder.write("one.yaml", "known:\n  - {scenario: duplicate/duplicate-is-told-as-one, reason: only this}\n");
    assert!(run(&serving, &["--baseline", &one]).starts_with("exit 1"), "others still fail");
}

/// An entry that no longer fails, or is past its date, fails the run; one that was not judged does not.
#[test]
fn what_no_longer_holds_fails() {
    let folder = Folder::new();
    let stale = folder.write("stale.yaml", "known:\n  - {requirement: DUP-1, reason: was wrong once}\n");
    let told = hookgate(&["run", "duplicate", "--baseline", &stale]);
    assert!(told.starts_with("exit 1") && told.contains("stale.yaml:2: requirement DUP-1 no longer fails"), "{told}");
    let elsewhere = folder.write("elsewhere.yaml", "known:\n  - {scenario: 'ttl/*', reason: not run here}\n");
    assert!(hookgate(&["run", "duplicate", "--baseline", &elsewhere]).starts_with("exit 0"));
    let serving = wrong();
    let dated =
        |until: &str| folder.write("dated.yaml", &format!("known:\n  - {{scenario: 'duplicate/*', reason: soon, until: {until}}}\n"));
    assert!(run(&serving, &["--baseline", &dated("2999-12-31")]).starts_with("exit 0"));
    let past = run(&serving, &["--baseline", &dated("2020-01-31")]);
    assert!(past.starts_with("exit 1") && past.contains("was to be right after 2020-01-31"), "{past}");
}

/// Every mistake of a baseline is told with its place.
#[test]
fn mistakes_of_a_baseline_are_told_at_once() {
    let folder = Folder::new();
    let file = folder.write(
        "wrong.yaml",
        "known:\n  - {requirement: DUP-11, reason: x}\n  - {scenario: duplicate/duplicate-is-told-as-on, reason: ''}\n  - {reason: y}\n  - {requirement: DUP-1, reason: z, until: soon}\n",
    );
    let told = hookgate(&["run", "--baseline", &file]);
    assert!(told.starts_with("exit 2") && told.contains("5 mistakes"), "{told}");
    for part in
        ["unknown requirement `DUP-11`", "no scenario fits", "did you mean", "a reason says why", "one of them", "`soon` is no date"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(hookgate(&["run", "--baseline", "/no/such/file.yaml"]).starts_with("exit 2"));
}

/// `update` makes a file that the same run passes with, keeps reasons, and drops what no longer fails.
#[test]
fn update_writes_what_is_known_now() {
    let (serving, folder) = (wrong(), Folder::new());
    let out = folder.path("out").display().to_string();
    let file = folder.path("known.yaml").display().to_string();
    run(&serving, &["--report", &out]);
    let told = hookgate(&["baseline", "update", &file, "--from", &out]);
    assert!(told.starts_with("exit 0") && told.contains("added    scenario duplicate/") && told.contains("to be explained"), "{told}");
    assert!(run(&serving, &["--baseline", &file, "--report", &out]).starts_with("exit 0"));
    let text = std::fs::read_to_string(&file).expect("the baseline");
    folder.write("known.yaml", &text.replacen("to be explained", "the team of payments sees to it", 1));
    assert!(hookgate(&["baseline", "update", &file, "--from", &out]).contains("0 added, 0 dropped"));
    assert!(std::fs::read_to_string(&file).expect("the baseline").contains("the team of payments sees to it"));
    hookgate(&["run", "duplicate", "--report", &out]);
    let told = hookgate(&["baseline", "update", &file, "--from", &out]);
    assert!(told.contains("dropped  scenario duplicate/"), "{told}");
    assert!(std::fs::read_to_string(&file).expect("the baseline").contains("known: []"));
    let told = hookgate(&["baseline", "update", &file, "--from", &out, "--contract", "orch-phase2"]);
    assert!(told.starts_with("exit 2") && told.contains("the report is of contract orch-phase3"), "{told}");
}

/// A contract of one's own need not be named again: the report says which it was; and where it is there no more, the report is enough.
#[test]
fn update_knows_the_contract_from_the_report() {
    let folder = Folder::new();
    let contract = folder.write("mine.yaml", "contract: mine\nextends: orch-phase3\ntitle: Mine\n");
    let [out, file] = ["out", "known.yaml"].map(|name| folder.path(name).display().to_string());
    let serving = Running::serve(SECRET, &["--contract", &contract, "--defect", "duplicate-answered-409"]);
    assert!(run(&serving, &["--contract", &contract, "--report", &out]).starts_with("exit 1"));
    let told = hookgate(&["baseline", "update", &file, "--from", &out]);
    assert!(told.starts_with("exit 0") && told.contains("added    scenario duplicate/"), "{told}");
    assert!(run(&serving, &["--contract", &contract, "--baseline", &file]).starts_with("exit 0"));
    std::fs::remove_file(&contract).expect("it was there");
    let told = hookgate(&["baseline", "update", &file, "--from", &out]);
    assert!(told.starts_with("exit 0") && told.contains("0 added, 0 dropped"), "{told}");
    folder.write("known.yaml", "known:\n  - {requirement: DPU-1, reason: a slip}\n");
    let told = hookgate(&["baseline", "update", &file, "--from", &out]);
    assert!(told.starts_with("exit 2") && told.contains("did you mean"), "{told}");
}

/// A steady receiver gets the same verdicts every time.
#[test]
fn repeated_runs_of_a_steady_receiver_agree() {
    let folder = Folder::new();
    let out = folder.path("out").display().to_string();
    let told = hookgate(&["run", "duplicate", "--repeat", "3", "--report", &out]);
    assert!(told.starts_with("exit 0"), "{told}");
    assert_eq!(report(&folder)["repeat"], serde_json::json!({"runs": 3, "differing": []}));
}

/// One that differs from run to run does not conform, and it is told how.
#[test]
fn repeated_runs_that_differ_are_told() {
    // Of all deliveries every hundredth fails, and what a run and its visit send is no divisor of a hundred: it is another each time.
    let serving = Running::serve(SECRET, &["--defect", "every-hundredth-gives-503"]);
    let (env, scenario) = ([("ORCH_WEBHOOK_SECRET", SECRET)], "duplicate/duplicate-is-told-as-one");
    let told = hookgate_with(&env, &["run", scenario, "key/missing-key*", "--target", &serving.url, "--repeat", "140"]);
    assert!(told.starts_with("exit 1") && told.contains(&format!("differs  {scenario}: ")), "{told}");
}
