//! Whole runs from outside: on the built-in reference, on `serve`, on right and
//! wrong receivers in another language, and on a family that was made up.
#![expect(clippy::expect_used, clippy::panic, reason = "a test ends where something is not as it should be")]

use std::process::Command;

use serde_json::Value;

use crate::command_line::{Running, among_others, command, patiently};
use crate::surroundings::{Folder, project, tool};

const SECRET: &str = "a secret of the tests, shared with nobody";

/// What orch-phase3 does not promise: it signs no times and no lists, has one scope of keys, says nothing of what it does
/// meanwhile, and has no event streams.
const NOT_PROMISED: [&str; 36] = [
    "SIGT-1", "SIGT-2", "SIGT-3", "SIGT-4", "SIGT-5", "SIGL-1", "SIGL-2", "SIGL-3", "KEY-11", "SCOPE-1", "OTHER-3", "FLY-1", "FLY-2",
    "ERR-1", "ERR-2", "TTL-9", "EFF-1", "EFF-2", "DB-3", "SSE-1", "SSE-2", "SSE-3", "SSE-4", "SSE-5", "SSE-6", "SSE-7", "SSE-8", "SSE-9",
    "SSE-10", "SSE-11", "SSE-12", "SSE-13", "SSE-14", "SSE-15", "SSE-16", "SSE-17",
];

/// Runs `hookgate run … --format json` under the contract of phase 3, and gives the exit code and the report.
fn judge(args: &[&str]) -> (i32, Value) {
    judge_under("orch-phase3", args)
}

/// Runs `hookgate run … --format json`, and gives the exit code and the report.
fn judge_under(contract: &str, args: &[&str]) -> (i32, Value) {
    let mut run = command();
    let output = patiently(run.env("ORCH_WEBHOOK_SECRET", SECRET).arg("run").args(args).args(["--format", "json"]), contract);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let report = serde_json::from_str(&text).unwrap_or_else(|_| panic!("no report: {text}{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap_or(-1), report)
}

/// Ids of the scenarios with a verdict.
fn with_verdict(report: &Value, verdict: &str) -> Vec<String> {
    let scenarios = report["scenarios"].as_array().expect("scenarios");
    scenarios.iter().filter(|one| one["verdict"] == verdict).map(|one| one["id"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Requirements with a verdict.
fn requirements(report: &Value, verdict: &str) -> Vec<String> {
    let all = report["requirements"].as_array().expect("requirements");
    all.iter().filter(|one| one["verdict"] == verdict).map(|one| one["id"].as_str().unwrap_or_default().to_owned()).collect()
}

/// What failed and why, for the message of a test that fails.
fn told(report: &Value) -> String {
    let scenarios = report["scenarios"].as_array().expect("scenarios");
    let off = scenarios.iter().filter(|one| !["pass", "not-applicable"].contains(&one["verdict"].as_str().unwrap_or_default()));
    off.map(|one| format!("{} {} {:#} {}\n", one["id"], one["verdict"], one["findings"], one["reason"])).collect()
}

fn conforms((exit, report): &(i32, Value)) {
    assert_eq!(*exit, 0, "{}", told(report));
    assert_eq!(report["summary"]["verdict"], "conforms");
    assert_eq!((&report["summary"]["fail"], &report["summary"]["warn"]), (&0.into(), &0.into()), "{}", told(report));
}

#[test]
fn built_in_reference_conforms_and_nearly_everything_is_judged() {
    let judged = judge(&[]);
    conforms(&judged);
    let unjudged = requirements(&judged.1, "not-applicable");
    assert_eq!(unjudged, NOT_PROMISED, "{}", judged.1["requirements"]);
}

#[test]
fn built_in_reference_conforms_to_phase_2_and_to_the_ttl_extension() {
    conforms(&judge_under("orch-phase2", &[]));
    let extended = judge_under("orch-phase3-ttl", &[]);
    conforms(&extended);
    assert!(requirements(&extended.1, "pass").contains(&"TTL-9".to_owned()));
}

/// The same verdicts with one scenario at a time and with eight, whatever the seed.
#[test]
fn verdicts_do_not_depend_on_jobs_or_seed() {
    let verdicts = |args: &[&str]| {
        let (_, report) = judge(args);
        let scenarios = report["scenarios"].as_array().expect("scenarios").clone();
        scenarios.iter().map(|one| format!("{} {}", one["id"], one["verdict"])).collect::<Vec<_>>()
    };
    let one = verdicts(&["--jobs", "1", "--seed", "1"]);
    assert!(one.len() > 200);
    assert_eq!(one, verdicts(&["--jobs", "8", "--seed", "2"]));
}

/// Keys are unique to a run: a living server with a file is judged twice.
#[test]
fn served_reference_with_a_file_is_judged_twice_in_a_row() {
    let folder = Folder::new();
    let database = folder.path("f.db").display().to_string();
    let serving = Running::serve(SECRET, &["--db", &database]);
    for _ in 0..2 {
        let judged = judge(&["--target", &serving.url, "--db", &database, "--clock", "rewind"]);
        conforms(&judged);
        assert_eq!(requirements(&judged.1, "not-applicable"), NOT_PROMISED);
    }
}

#[test]
fn served_reference_with_a_virtual_clock_is_judged_through_its_control_address() {
    let serving = Running::serve(SECRET, &["--clock", "virtual"]);
    let control = serving.control.clone().expect("a control address");
    let judged = judge(&["--target", &serving.url, "--clock", "virtual", "--control", &control, "--select", "TTL-*"]);
    conforms(&judged);
    assert!(requirements(&judged.1, "pass").contains(&"TTL-3".to_owned()), "{}", told(&judged.1));
}

/// A target whose TTL is short is judged by really waiting.
#[test]
fn short_ttl_is_judged_by_waiting() {
    let serving = Running::serve(SECRET, &["--ttl", "1"]);
    let judged = judge(&["--target", &serving.url, "--clock", "wait", "--ttl", "1 s", "ttl/key-is-new-again-past-its-ttl"]);
    conforms(&judged);
    assert!(requirements(&judged.1, "pass").contains(&"TTL-3".to_owned()), "{}", told(&judged.1));
    let too_long = judge(&["--target", &serving.url, "--clock", "wait", "ttl/key-is-new-again-past-its-ttl"]);
    assert!(requirements(&too_long.1, "not-applicable").contains(&"TTL-3".to_owned()));
}

#[test]
fn without_database_and_clock_the_rest_is_judged_and_the_gaps_are_named() {
    let serving = Running::serve(SECRET, &[]);
    let judged = judge(&["--target", &serving.url]);
    conforms(&judged);
    assert!(requirements(&judged.1, "not-applicable").contains(&"DB-1".to_owned()));
    assert!(judged.1["run"]["notes"].as_array().is_some_and(|notes| notes.len() == 2), "{}", judged.1["run"]["notes"]);
}

/// A right receiver that shares no code with the judge.
#[test]
fn right_receiver_in_python_conforms_without_a_warning() {
    let Some(python) = tool("python3") else { return };
    let folder = Folder::new();
    let database = folder.path("orch.db").display().to_string();
    let script = project("tests/receivers/orch_phase3.py");
    let mut start = Command::new(python);
    start.arg(script).args(["--port", "0", "--db", &database]).env("ORCH_WEBHOOK_SECRET", SECRET);
    let running = Running::start(&mut start, 1);
    conforms(&judge(&["--target", &running.url, "--db", &database, "--clock", "rewind"]));
}

/// A wrong secret gives one finding and one sentence, not a hundred failures.
#[test]
fn wrong_secret_is_told_once() {
    let serving = Running::serve("another secret than the one in use", &[]);
    let (exit, report) = judge(&["--target", &serving.url]);
    assert_eq!(exit, 1);
    assert_eq!(requirements(&report, "fail"), ["AUTH-1"], "{}", told(&report));
    assert!(report["run"]["notes"].to_string().contains("honestly signed"));
}

/// A family that nobody wrote code for: base64 SHA-512 over time, id and body, the key in a JSON member.
#[test]
fn made_up_family_takes_one_contract_and_no_code() {
    let folder = Folder::new();
    let contract = folder.write("made-up.yaml", include_str!("../contracts/made-up.yaml"));
    let built_in = judge_under(&contract, &[]);
    conforms(&built_in);
    let passed = with_verdict(&built_in.1, "pass").len();
    assert!(passed > 60, "only {passed} scenarios were judged");
    let mut serve = command();
    let serving = Running::start(serve.env("MADE_UP_SECRET", "c2VjcmV0IG9mIGEgZmFtaWx5").args(["serve", "--contract", &contract]), 1);
    let mut run = command();
    run.env("MADE_UP_SECRET", "c2VjcmV0IG9mIGEgZmFtaWx5").args(["run", "--target", &serving.url, "--format", "json"]);
    let run = patiently(&mut run, &contract);
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stdout));
}

/// Deliveries that come by PUT, as forms, under odd names of headers: nobody is held to refusing the method of deliveries.
#[test]
fn made_up_family_of_forms_comes_by_its_own_method() {
    let folder = Folder::new();
    let contract = folder.write("made-up-form.yaml", include_str!("../contracts/made-up-form.yaml"));
    let checked = among_others(command().args(["check", &contract]));
    assert_eq!(checked.status.code(), Some(0), "{}", String::from_utf8_lossy(&checked.stderr));
    let built_in = judge_under(&contract, &[]);
    conforms(&built_in);
    let passed = with_verdict(&built_in.1, "pass").len();
    assert!(passed > 60, "only {passed} scenarios were judged");
}
