//! Loads of hours, in little: rotations follow one another without a pause, each is reported, and so are all of them.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::command_line::{Running, among_others, command, hookgate, until};
use crate::surroundings::Folder;

const SECRET: (&str, &str) = ("ORCH_WEBHOOK_SECRET", "a secret of the tests, shared with nobody");

fn report(folder: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join("load.json")).expect("a report")).expect("JSON")
}

/// Requirement: reports rotate, nothing is lost between them, and all together are one load that agrees with itself.
#[test]
fn rotations_are_reported_one_by_one_and_together() {
    let folder = Folder::new();
    let db = folder.path("receiver.db").display().to_string();
    let serving = Running::serve(SECRET.1, &["--db", &db]);
    let out = folder.path("soak");
    let name = out.display().to_string();
    let args = ["load", "--target", &serving.url, "--db", &db, "--report", &name, "--rate", "100/s", "--run-time", "1500ms"];
    let output = among_others(command().env(SECRET.0, SECRET.1).args(args).args(["--rotate", "500ms", "--format", "json", "--users", "8"]));
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    // A busy machine may drop some of what was due: then fewer were delivered, and all are accounted for.
    let (delivered, dropped) = (told["operations"].as_u64().expect("a number"), told["dropped"].as_u64().expect("a number"));
    assert_eq!((output.status.code(), delivered + dropped), (Some(0), 150), "{told:#}");
    assert_eq!((told["users"].as_u64(), told["workers"].as_array().map(Vec::len)), (Some(8), Some(3)));
    let each: Vec<u64> = ["0001", "0002", "0003"].map(|one| report(&out.join(one))["operations"].as_u64().expect("a number")).to_vec();
    assert_eq!(each.iter().sum::<u64>(), delivered);
    assert!(told["notes"][0].as_str().is_some_and(|note| note.starts_with("3 rotations of 500 ms")), "{told:#}");
    // Every rotation lies where it was, whatever its start took.
    let wanted: Vec<u64> = told["series"].as_array().expect("a list").iter().filter_map(|one| one["wanted"].as_u64()).collect();
    assert_eq!((wanted[0], wanted[1], told["wanted_per_s"].as_f64()), (100, 50, Some(100.0)), "{told:#}");
    // Whoever joins them later is told the same.
    let joined = hookgate(&["load", "merge", &name, "--report", &folder.path("joined").display().to_string()]);
    assert!(joined.starts_with("exit 0") && joined.contains("Joined from 3 rotations") && !joined.contains("missing"), "{joined}");
    assert_eq!(report(&folder.path("joined"))["users"].as_u64(), Some(8));
    // Operations that nobody has taken away are missed.
    let facts = out.join("0002/worker/worker.json");
    let text = std::fs::read_to_string(&facts).expect("its facts");
    std::fs::write(&facts, text.replace("\"is_judged\": true", "\"is_judged\": false")).expect("they are altered");
    let lost = hookgate(&["load", "merge", &name, "--report", &folder.path("lost").display().to_string()]);
    assert!(lost.starts_with("exit 4") && lost.contains("The operations of rotation 2 are not there any more"), "{lost}");
    // What conforms is judged, and leaves no history; the reports agree with themselves.
    assert!(!out.join("0001/worker/operations").exists() && out.join("0001/worker/measured.json").exists());
    for one in [out.clone(), out.join("0002")] {
        let verified = hookgate(&["report", "verify", &one.display().to_string()]);
        assert!(verified.starts_with("exit 0"), "{verified}");
    }
}

/// Requirement: a wrong receiver is found in the rotation in which it was wrong, and all of them are worth no more than it.
#[test]
fn a_wrong_rotation_is_named() {
    let folder = Folder::new();
    let db = folder.path("receiver.db").display().to_string();
    let serving = Running::serve(SECRET.1, &["--db", &db, "--defect", "audit-rows-twice"]);
    let out = folder.path("soak");
    let name = out.display().to_string();
    let args = ["load", "--target", &serving.url, "--db", &db, "--report", &name, "--users", "2", "--run-time", "600ms"];
    let output =
        among_others(command().env(SECRET.0, SECRET.1).args(args).args(["--rotate", "300ms", "--think", "5ms..10ms", "--format", "json"]));
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let broken = told["requirements"].as_array().and_then(|all| all.iter().find(|one| one["id"] == "AUD-6")).expect("AUD-6");
    assert_eq!((output.status.code(), &broken["verdict"]), (Some(1), &"fail".into()), "{told:#}");
    assert!(out.join("0001/worker/operations").exists(), "what is broken keeps its history");
}

/// Requirement: Ctrl-C leaves what was measured.
#[cfg(unix)]
#[test]
fn an_interrupted_soak_reports_what_it_has() {
    let folder = Folder::new();
    let serving = Running::serve(SECRET.1, &[]);
    let out = folder.path("soak");
    let name = out.display().to_string();
    let args =
        ["load", "--target", &serving.url, "--report", &name, "--users", "1", "--run-time", "1h", "--rotate", "300ms", "--think", "5ms"];
    let mut child = command().env(SECRET.0, SECRET.1).args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    until("the second rotation", || out.join("0002/worker/worker.json").exists() && out.join("0001/load.json").exists());
    let sent = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status().expect("a shell");
    assert!(sent.success());
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    let told = report(&out);
    assert_eq!(told["verdict"], "interrupted");
    assert!(told["operations"].as_u64() > Some(0) && told["workers"].as_array().is_some_and(|all| all.len() >= 2), "{told:#}");
}

/// Requirement: a folder that cannot be written any more ends a soak; what was found is told all the same, and nothing panics.
#[test]
fn a_soak_that_cannot_be_written_tells_what_it_found() {
    let folder = Folder::new();
    let serving = Running::serve(SECRET.1, &["--defect", "any-signature-passes"]);
    let out = folder.path("soak");
    // A page cannot be written where a folder is.
    folder.write("soak/0001/load.html/inside", "");
    let name = out.display().to_string();
    let args = ["load", "--target", &serving.url, "--report", &name, "--users", "2", "--run-time", "30s", "--rotate", "300ms"];
    let rest = ["--mix", "fresh=1,bad-signature=1", "--think", "5ms..10ms"];
    let output = among_others(command().env(SECRET.0, SECRET.1).args(args).args(rest));
    let [told, said] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert_eq!(output.status.code(), Some(3), "{told}{said}");
    assert!(told.contains("does not conform") && told.contains("bad-signature"), "{told}{said}");
    assert!(said.contains("0001: does not conform") && said.contains("cannot write") && !said.contains("panicked"), "{said}");
}
