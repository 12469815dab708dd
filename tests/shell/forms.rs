//! Reports in other forms, from the command line: printed again, and in a pipeline.

use crate::command_line::{Running, hookgate, hookgate_with};
use crate::surroundings::Folder;

#[test]
fn report_is_printed_again_in_every_form() {
    for (format, begins) in [
        ("human", "orch-phase2 against"),
        ("json", "{"),
        ("junit", "<?xml"),
        ("markdown", "# "),
        ("html", "<!doctype html>"),
        ("tap", "TAP version 14\n1.."),
        ("sarif", "{"),
        ("github", ""),
    ] {
        let told = hookgate(&["report", "reports/orch-phase2", "--format", format]);
        let printed = told.strip_prefix("exit 0\n--- stdout\n").unwrap_or_else(|| unreachable!("{told}"));
        assert!(printed.trim_start().starts_with(begins), "{format}: {printed}");
    }
    let told = hookgate(&["report", "README.md"]);
    assert!(told.starts_with("exit 2") && told.contains("README.md is no JSON"), "{told}");
}

/// A full run's page is small enough to be kept with every build.
#[test]
fn page_of_a_full_run_is_below_a_megabyte() {
    let told = hookgate(&["report", "reports/orch-phase3", "--format", "html"]);
    assert!(told.len() < 1_000_000, "{} bytes", told.len());
}

#[test]
fn workflow_gets_annotations_and_a_summary() {
    let folder = Folder::new();
    let summary = folder.write("summary.md", "before\n");
    let env = [("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", summary.as_str())];
    let serving = Running::serve("a secret of the tests", &["--defect", "duplicate-answered-409"]);
    let secret = [("ORCH_WEBHOOK_SECRET", "a secret of the tests")];
    let told = hookgate_with(&[env.as_slice(), secret.as_slice()].concat(), &["run", "duplicate", "--target", &serving.url]);
    assert!(told.starts_with("exit 1"), "{told}");
    // What is shipped stands on no line of the user's repository.
    assert!(told.contains("\n::error title=DUP-") && !told.contains("::error file="), "{told}");
    let text = std::fs::read_to_string(&summary).expect("the summary");
    assert!(text.starts_with("before\n") && text.contains("DUP-1"), "{text}");
    let plain = hookgate_with(&secret, &["run", "duplicate", "--target", &serving.url]);
    assert!(!plain.contains("::error"), "{plain}");
}
