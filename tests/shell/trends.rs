//! `hookgate trend` and `hookgate show`: reports over time, and files that are shipped.

use serde_json::Value;

use crate::command_line::{Running, hookgate, hookgate_with, stdout};
use crate::surroundings::{Folder, project};

/// Runs over time: kept, broken, kept again; broken and foreign folders beside them are named and passed over.
#[test]
fn what_broke_when_is_told_over_many_reports() {
    let folder = Folder::new();
    let at = |name: &str| folder.path(name).display().to_string();
    let env = [("ORCH_WEBHOOK_SECRET", "a-secret-of-the-trend")];
    let right = Running::serve(env[0].1, &[]);
    let wrong = Running::serve(env[0].1, &["--defect", "bad-signature-answered-403"]);
    for (name, target) in [("all/c", &right), ("all/a", &wrong), ("all/b", &right)] {
        hookgate_with(&env, &["run", "signature/wrong*", "signature/honest*", "--target", &target.url, "--report", &at(name)]);
    }
    folder.write("all/broken/report.json", "{");
    folder.write("all/foreign/report.json", "{\"schema\": \"somebody's/1\"}");
    let told = hookgate(&["trend", &at("all"), "--format", "json"]);
    let json = told.split_once("--- stdout\n").and_then(|(_, rest)| rest.split_once("--- stderr")).expect("both streams").0;
    let trend: Value = serde_json::from_str(json).expect("JSON");
    let reports = &trend["contracts"][0]["reports"];
    let paths: Vec<&str> = reports.as_array().expect("a list").iter().filter_map(|one| one["path"].as_str()).collect();
    assert_eq!(paths, [at("all/c"), at("all/a"), at("all/b")], "by their own times");
    let rows = trend["contracts"][0]["requirements"].as_array().expect("a list");
    let auth2 = rows.iter().find(|one| one["id"] == "AUTH-2").expect("a requirement");
    assert_eq!(auth2["verdicts"].to_string(), r#"["pass","fail","pass"]"#);
    assert_eq!(auth2["turns"].to_string(), r#"[{"at":1,"broke":true},{"at":2,"broke":false}]"#);
    let passed_over = told.lines().filter(|line| line.starts_with("passed over: ")).collect::<Vec<_>>();
    assert!(told.starts_with("exit 0\n") && passed_over.len() == 2, "{told}");
    assert!(passed_over[0].contains("broken/report.json is no JSON") && passed_over[1].contains("`somebody's/1`"), "{told}");
    let markdown = stdout(&["trend", &at("all"), "--format", "markdown"]);
    assert!(markdown.contains("- AUTH-2 broke at ") && markdown.contains("| AUTH-2 | ✓ | ✗ | ✓ |"), "{markdown}");
    let page = stdout(&["trend", &at("all")]);
    assert!(page.starts_with("<!doctype html>") && page.contains("<svg ") && page.contains("somebody"), "{page}");
    let last = stdout(&["trend", &at("all"), "--last", "1", "--format", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&last).expect("JSON")["contracts"][0]["reports"].as_array().map(Vec::len), Some(1));
    assert!(hookgate(&["trend", &at("all/broken")]).starts_with("exit 2\n"));
}

/// What is printed is the file as it stands in the project, to the byte.
#[test]
fn shipped_files_are_shown_as_they_are() {
    let file = |path: &str| std::fs::read_to_string(project(path)).expect("a file of the project");
    let scenario = "signature/honest-signature-is-accepted";
    for what in [scenario, "signature/honest-signature-is-accepted[job-done]"] {
        assert_eq!(stdout(&["show", what]), file(&format!("scenarios/core/{scenario}.yaml")), "{what}");
    }
    assert_eq!(stdout(&["show", "stripe-webhook"]), file("fixtures/contracts/stripe-webhook.yaml"));
    assert_eq!(stdout(&["show", "core/requirements"]), file("scenarios/core/requirements.yaml"));
    let told = hookgate(&["show", "signature/honest-signature-is-acepted"]);
    assert!(told.starts_with("exit 2\n") && told.contains("did you mean `signature/honest-signature-is-accepted"), "{told}");
    assert!(hookgate(&["show", "stripe-webhok"]).contains("did you mean `stripe-webhook`?"));
}
