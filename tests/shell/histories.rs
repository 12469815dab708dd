//! Histories of runs: judged in the report, and again from the file that was left.

use crate::command_line::{Running, hookgate, hookgate_with};
use crate::surroundings::Folder;

/// A run's history is judged in the report, and again from the file; one line altered is found out.
#[test]
fn history_of_a_run_is_judged_again_from_its_file() {
    let folder = Folder::new();
    let out = folder.path("out").display().to_string();
    let run = hookgate(&["run", "duplicate", "ttl", "concurrency", "--report", &out]);
    assert!(run.starts_with("exit 0") && run.contains("every answer explained"), "{run}");
    let file = folder.path("out/history.jsonl");
    let path = file.display().to_string();
    let told = hookgate(&["history", "check", &path]);
    assert!(told.starts_with("exit 0") && told.contains("0 that no order of events explains"), "{told}");
    let text = std::fs::read_to_string(&file).expect("the history");
    let altered = text.replacen("\"outcome\":\"duplicate\"", "\"outcome\":\"accepted\"", 1);
    assert_ne!(text, altered);
    let told = hookgate(&["history", "check", &folder.write("altered.jsonl", &altered)]);
    assert!(told.starts_with("exit 1") && told.contains("BROKEN") && told.contains("accepted as new again"), "{told}");
    let json = hookgate(&["history", "check", &folder.write("altered.jsonl", &altered), "--format", "json"]);
    assert!(json.contains("\"broken\": 1"), "{json}");
    let cut = folder.write("cut.jsonl", &text[..text.len() - 20]);
    let told = hookgate(&["history", "check", &cut]);
    assert!(told.starts_with("exit 2") && told.contains("this is no line of a history"), "{told}");
    assert!(hookgate(&["history", "check", &folder.write("empty.jsonl", "")]).contains("has no deliveries"));
}

/// The history finds what a scenario without expectations about others cannot see.
#[test]
fn history_of_a_wrong_receiver_is_broken() {
    let serving = Running::serve("a secret", &["--defect", "checks-then-marks"]);
    let folder = Folder::new();
    let out = folder.path("out").display().to_string();
    let told = hookgate_with(&[("ORCH_WEBHOOK_SECRET", "a secret")], &["run", "concurrency", "--target", &serving.url, "--report", &out]);
    assert!(told.starts_with("exit 1") && told.contains("that no order explains"), "{told}");
    let told = hookgate(&["history", "check", &folder.path("out/history.jsonl").display().to_string()]);
    assert!(told.starts_with("exit 1") && told.contains("accepted as new again"), "{told}");
}
