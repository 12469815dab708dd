//! The receivers under examples/, judged as their READMEs say, each in a folder of its own: right as they are, and found by the right
//! cause when broken. examples/axum-receiver has its gates in .ci/run, which builds it.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use serde_json::Value;

use crate::command_line::{alone, command};
use crate::surroundings::{Folder, path_variable, project, python_with_vendors};

/// The files of the receiver in Flask.
const FLASK: [&str; 3] = ["app.py", "hookgate.toml", "webhooks.yaml"];

/// What `hookgate run` comes to in a copy of the receiver in Flask: the exit code, and the report that its settings name.
///
/// * `forget`: as its README says, `--forget` behind `app.py`; * `only`: the scenarios, all without any.
fn flask(python: &std::path::Path, forget: bool, only: &[&str]) -> (Option<i32>, Value) {
    let folder = Folder::new();
    for name in FLASK {
        let text = std::fs::read_to_string(project("examples/flask-receiver").join(name)).expect("a file of the example");
        folder.write(name, &if forget { text.replace("python3 app.py", "python3 app.py --forget") } else { text });
    }
    // `python3` is the one that has Flask and Stripe's library, as after `pip install -r requirements.txt`.
    let beside = python.parent().expect("a folder").display().to_string();
    let path = std::env::join_paths([beside.into()].into_iter().chain(std::env::split_paths(&path_variable()))).expect("paths");
    let mut run = command();
    run.current_dir(folder.path("")).env("PATH", path).env_remove("STRIPE_WEBHOOK_SECRET").arg("run").args(only);
    let output = alone(&mut run);
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let report = std::fs::read_to_string(folder.path("hookgate-report/report.json"));
    (output.status.code(), report.ok().and_then(|text| serde_json::from_str(&text).ok()).ok_or(told).expect("a report"))
}

#[test]
fn receiver_in_flask_conforms_by_what_it_wrote() {
    let Some(python) = python_with_vendors() else { return };
    let (exit, report) = flask(&python, false, &[]);
    let requirements = report["requirements"].as_array().expect("requirements");
    let verdict_of = |id: &str| requirements.iter().find(|one| one["id"] == id).map(|one| one["verdict"].clone());
    assert_eq!(exit, Some(0), "{:#}{:#}", report["causes"], report["required"]);
    for id in ["AUTH-4", "SIGT-1", "EFF-1", "ONCE-1", "DUP-8"] {
        assert_eq!(verdict_of(id), Some("pass".into()), "{id}");
    }
    assert_eq!(report["project"]["file"], "hookgate.toml");
}

#[test]
fn receiver_in_flask_that_forgets_is_found_by_its_cause() {
    let Some(python) = python_with_vendors() else { return };
    let (exit, report) = flask(&python, true, &["duplicate/*"]);
    assert_eq!((exit, &report["causes"][0]["requirement"]), (Some(1), &"EFF-1".into()));
}
