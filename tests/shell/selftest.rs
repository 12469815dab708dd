//! `hookgate selftest`, and receivers that are wrong on purpose.

use hookgate::files;
use hookgate::reference::defect::CATALOGUE;
use serde_json::Value;

use crate::command_line::{Running, hookgate, hookgate_with};

/// One defect: a row, and exit 0.
#[test]
fn one_defect_is_caught_and_told() {
    let told = hookgate(&["selftest", "--defect", "key-case-folded", "--right", "1"]);
    assert!(told.starts_with("exit 0") && told.contains("caught key-case-folded") && told.contains("1 of 1 defects caught"), "{told}");
    let json = hookgate(&["selftest", "--defect", "key-case-folded", "--right", "1", "--format", "json"]);
    let json = json.split("--- stdout\n").nth(1).and_then(|rest| rest.split("--- stderr").next()).expect("what it printed");
    let matrix: Value = serde_json::from_str(json).expect("JSON");
    assert_eq!((&matrix["defects"][0]["caught"], &matrix["defects"][0]["breaks"][0]), (&Value::from(true), &Value::from("KEY-3")));
    assert_eq!((&matrix["right_runs"], &matrix["false_alarms"]), (&Value::from(1), &Value::Array(Vec::new())));
}

/// Who reads what comes in chunks as empty finds no key in it, and says so of forgeries, too: that is no matter of signatures.
#[test]
fn body_that_is_not_read_breaks_nothing_else() {
    let told = hookgate(&["selftest", "--contract", "discord-interactions", "--defect", "chunked-read-as-empty", "--right", "1"]);
    assert!(told.contains("1 of 1 defects caught") && !told.contains("CALLED BROKEN"), "{told}");
}

/// One status that differs is one cause, however the forgeries come.
#[test]
fn one_other_status_breaks_nothing_else() {
    let told = hookgate(&["selftest", "--defect", "bad-signature-answered-403", "--right", "1"]);
    assert!(told.contains("1 of 1 defects caught") && !told.contains("CALLED BROKEN"), "{told}");
}

/// Work that is done a second after its answer is found when a run counts once more, and nothing else is called broken for it.
#[test]
fn late_work_is_found_at_the_end_of_a_run() {
    let told = hookgate(&["selftest", "--defect", "late-work-per-answer", "--right", "1"]);
    assert!(told.contains("1 of 1 defects caught") && !told.contains("CALLED BROKEN"), "{told}");
}

/// Who only wants to know whether defects are caught waits no longer than that takes, and is told nothing of causes that nobody looked for.
#[test]
fn no_more_is_played_than_catches_a_defect() {
    let asked = ["selftest", "--defect", "key-case-*", "--right", "1", "--until-caught"];
    let told = hookgate(&asked);
    assert!(told.starts_with("exit 0") && told.contains("caught key-case-folded") && told.contains("0 false alarms"), "{told}");
    assert!(!told.contains("CAUSE") && !told.contains("first cause") && !told.contains("IDLE"), "{told}");
    let json = hookgate(&[&asked[..], &["--format", "json"]].concat());
    let json = json.split("--- stdout\n").nth(1).and_then(|rest| rest.split("--- stderr").next()).expect("what it printed");
    let matrix: Value = serde_json::from_str(json).expect("JSON");
    let rows = matrix["defects"].as_array().expect("defects");
    assert!(!rows.is_empty(), "{json}");
    for row in rows {
        assert_eq!((&row["caught"], &row["until_caught"], &row["first_cause"]), (&true.into(), &true.into(), &Value::Null), "{row}");
    }
}

/// A name that is none.
#[test]
fn unknown_defect_is_told_with_the_nearest() {
    for command in [&["selftest", "--defect", "key-case-foldet"][..], &["serve", "--defect", "key-case-foldet"]] {
        let told = hookgate(command);
        assert!(told.starts_with("exit 2") && told.contains("did you mean `key-case-folded`?"), "{told}");
    }
}

/// Every defect names requirements that there are, and a contract that is shipped; names are unique.
#[test]
fn catalogue_of_defects_is_sound() {
    let catalogue = ["core", "orch"].map(|suite| files::shipped_suite(suite).catalogue.expect("the requirements").text).concat();
    let contracts = files::shipped_contracts();
    let mut names: Vec<&str> = CATALOGUE.iter().map(|one| one.name).collect();
    for defect in CATALOGUE {
        assert!(!defect.sentence.is_empty() && !defect.breaks.is_empty(), "{}", defect.name);
        assert!(contracts.iter().any(|name| name == defect.under), "{}", defect.name);
        for id in defect.breaks {
            assert!(catalogue.contains(&format!("id: {id}\n")), "{} breaks {id}, which is no requirement", defect.name);
        }
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), CATALOGUE.len());
    assert!(names.len() >= 75);
    let listed = hookgate(&["serve", "--list-defects"]);
    assert!(CATALOGUE.iter().all(|one| listed.contains(one.name) && listed.contains(one.sentence)), "{listed}");
}

/// A served defect is wrong in the way that its sentence says.
#[test]
fn served_defect_is_found_by_a_run() {
    let serving = Running::serve("a secret", &["--defect", "duplicate-answered-409"]);
    let told = hookgate_with(&[("ORCH_WEBHOOK_SECRET", "a secret")], &["run", "duplicate", "--target", &serving.url]);
    assert!(told.starts_with("exit 1") && told.contains("DUP-1") && told.contains("409"), "{told}");
}

/// A defect that was made for one contract is tried under another one, where it applies; how many do is told.
#[test]
fn defects_are_tried_under_contracts_that_are_named() {
    let told = hookgate(&["selftest", "--contract", "gitlab-webhook", "--defect", "token-need-only-begin-right", "--right", "1"]);
    assert!(told.starts_with("exit 0") && told.contains("gitlab-webhook: of 1 defects 1 apply, 1 of 1 caught"), "{told}");
    let told = hookgate(&["selftest", "--contract", "gitlab-webhook", "--defect", "stale-time-passes", "--right", "1"]);
    assert!(told.starts_with("exit 2") && told.contains("applies under gitlab-webhook"), "{told}");
}
