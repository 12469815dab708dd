//! The receivers under examples/, judged as their own gates do: right as they are, and found by the right cause when broken.
//! examples/axum-receiver has its gate in `cargo test`, which .ci/run runs.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use serde_json::Value;

use crate::command_line::{alone, command};
use crate::surroundings::{project, python_with_vendors};

/// The exit code and the report of a run on the receiver in Flask, over scenarios of these names; over all without any.
fn flask(python: &std::path::Path, forget: &str, only: &[&str]) -> (Option<i32>, Value) {
    let app = project("examples/flask-receiver/app.py");
    let exec = format!("exec '{}' '{}' --port {{port}} --db {{dir}}/payments.db {forget}", python.display(), app.display());
    let contract = project("examples/flask-receiver/webhooks.yaml");
    let mut run = command();
    run.arg("run").args(only).arg("--contract").arg(contract).args(["--exec", &exec, "--jobs", "4", "--seed", "1", "--format", "json"]);
    let output = alone(&mut run);
    let told = || String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), serde_json::from_slice(&output.stdout).map_err(|_| told()).expect("a report"))
}

#[test]
fn receiver_in_flask_conforms_by_what_it_wrote() {
    let Some(python) = python_with_vendors() else { return };
    let (exit, report) = flask(&python, "", &[]);
    let requirements = report["requirements"].as_array().expect("requirements");
    let verdict_of = |id: &str| requirements.iter().find(|one| one["id"] == id).map(|one| one["verdict"].clone());
    assert_eq!(exit, Some(0), "{:#}", report["causes"]);
    for id in ["AUTH-4", "SIGT-1", "EFF-1", "ONCE-1", "DUP-8"] {
        assert_eq!(verdict_of(id), Some("pass".into()), "{id}");
    }
}

#[test]
fn receiver_in_flask_that_forgets_is_found_by_its_cause() {
    let Some(python) = python_with_vendors() else { return };
    let (exit, report) = flask(&python, "--forget", &["duplicate/*"]);
    assert_eq!((exit, &report["causes"][0]["requirement"]), (Some(1), &"EFF-1".into()));
}
