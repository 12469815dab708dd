//! Receivers that die, are slow to live or never answer: who is blamed, what is started again, and where a run ends.
#![expect(clippy::expect_used, clippy::panic, reason = "a test ends where something is not as it should be")]

use serde_json::Value;

use crate::command_line::{among_others, command, hookgate};
use crate::surroundings::{Folder, tool};

/// The exit code, the report and what was told of a run on the receiver in this trouble.
fn judged(trouble: &str, args: &[&str]) -> Option<(i32, Value, String)> {
    tool("python3")?;
    let mut run = command();
    run.env("TROUBLE", trouble).arg("run").args(args).args(["--seed", "1", "--format", "json", "--db", "{dir}/orch.db"]);
    run.args(["--exec", "exec python3 tests/receivers/troubled.py --port {port} --db {dir}/orch.db"]);
    let output = among_others(&mut run);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{trouble}: no report: {told}"));
    Some((output.status.code().expect("it ends by itself"), report, told))
}

/// The ids of the scenarios with this verdict.
fn with(report: &Value, verdict: &str) -> Vec<String> {
    let all = report["scenarios"].as_array().expect("scenarios").iter().filter(|one| one["verdict"] == verdict);
    all.map(|one| one["id"].as_str().expect("an id").to_owned()).collect()
}

/// Who kills a receiver has the finding; those who were under way at the same time have none, and all the others are judged.
#[test]
fn a_receiver_that_dies_is_the_finding_of_who_kills_it() {
    let selected = ["http/body-is-read-whole-however-framed", "http/framing-does-not-change-the-hash", "duplicate", "key"];
    let Some((exit, report, told)) = judged("dies-of-chunks", &selected) else { return };
    assert_eq!(exit, 1, "{told}");
    let failed = with(&report, "fail");
    assert!(!failed.is_empty() && failed.iter().all(|id| id.contains("[chunked")), "{failed:?}");
    for one in report["scenarios"].as_array().expect("scenarios").iter().filter(|one| one["verdict"] == "fail") {
        let lives = one["findings"].as_array().expect("findings").iter().find(|finding| finding["requirement"] == "LIVE-1");
        let observed = lives.and_then(|finding| finding["observed"].as_str()).expect("who kills it has the finding");
        assert!(observed.contains("has ended (exit code 9), and was started again"), "{observed}: {told}: {}", report["run"]);
    }
    assert!(with(&report, "undecided").is_empty(), "{:?}", with(&report, "undecided"));
    assert!(with(&report, "pass").len() > 20, "{report:#}");
}

/// One that dies of every delivery is not started for ever: that is told, and what was not played is undecided.
#[test]
fn a_receiver_that_dies_of_everything_ends_the_run() {
    let Some((exit, report, told)) = judged("dies-of-all", &["duplicate", "key"]) else { return };
    assert_eq!(exit, 1, "{told}");
    let early = report["run"]["ended_early"].as_str().expect("it ended early");
    assert!(early.contains("died 8 times in a row") && early.contains("not started again"), "{early}");
    assert!(with(&report, "undecided").len() > 20 && with(&report, "pass").is_empty(), "{report:#}");
}

/// A death that happened in company, and that nobody repeats alone, is a failure all the same.
#[test]
fn a_death_in_company_is_not_passed_over() {
    let Some((exit, report, told)) = judged("dies-once", &["duplicate", "--jobs", "4"]) else { return };
    // The first delivery of all is the trial before any scenario: that nobody repeats it is nobody's finding.
    assert_eq!((exit, with(&report, "fail")), (0, Vec::new()), "{told}");
}

/// A receiver that is dead again before a scenario has begun is not that scenario's finding, as others may have killed it: it is played
/// again, alone, and that the receiver died is told with how.
#[test]
fn a_death_before_the_first_step_is_not_the_scenarios() {
    let Some((exit, report, told)) = judged("dies-when-asked", &["duplicate", "key", "--jobs", "1"]) else { return };
    let failed = with(&report, "fail");
    assert_eq!((exit, failed.len()), (1, 1), "{failed:?}: {told}");
    let scenarios = report["scenarios"].as_array().expect("scenarios");
    let finding = &scenarios.iter().find(|one| one["verdict"] == "fail").expect("it is there")["findings"][0];
    let observed = finding["observed"].as_str().expect("what was seen");
    assert_eq!(finding["requirement"], "LIVE-1", "{finding:#}");
    assert!(observed.contains("(exit code 7)") && observed.contains("none of them kills it alone"), "{observed}");
}

/// A health page that takes a second, and one that flaps at first, are waited for.
#[test]
fn slow_and_flapping_health_is_ready_in_time() {
    for trouble in ["slow-health", "flapping-health"] {
        let Some((exit, report, told)) = judged(trouble, &["key/missing-key-is-refused"]) else { return };
        assert_eq!((exit, &report["summary"]["verdict"]), (0, &"conforms".into()), "{trouble}: {told}");
    }
}

/// A receiver that answers no delivery is not asked for ever: the run ends, and says so.
#[test]
fn a_mute_receiver_ends_the_run() {
    let (folder, text) = (Folder::new(), "contract: quick\nextends: orch-phase3\ntitle: Quick\nlimits: {answer: 500 ms}\n");
    let contract = folder.path("quick.yaml");
    std::fs::write(&contract, text).expect("a file");
    let contract = contract.display().to_string();
    let args = ["duplicate", "key", "--timeout", "500ms", "--contract", &contract];
    let Some((exit, report, told)) = judged("mute", &args) else { return };
    assert_eq!(exit, 1, "{told}");
    let note = report["run"]["notes"][0].as_str().expect("a note");
    assert!(note.contains("no delivery has been answered"), "{note}");
    let played = with(&report, "fail").len();
    assert!(played < 40 && with(&report, "undecided").len() > 40, "{played}");
}

/// A receiver that the user waits for less long than the contract lets it take has broken nothing: that is told once, and all is
/// undecided, in the report that is judged again, too. Where it never answers at all, the run ends all the same.
#[test]
fn what_was_not_waited_for_is_undecided() {
    let folder = Folder::new();
    let kept = folder.path("out").display().to_string();
    let selected = ["duplicate", "key", "concurrency", "--timeout", "500ms", "--report", &kept];
    let Some((exit, report, told)) = judged("mute", &selected) else { return };
    assert_eq!((exit, with(&report, "fail").len(), with(&report, "pass").len()), (4, 0, 0), "{told}");
    let notes: Vec<&str> = report["run"]["notes"].as_array().expect("notes").iter().filter_map(Value::as_str).collect();
    let told = |what: &str| notes.iter().filter(|note| note.contains(what)).count();
    assert_eq!((told("--timeout"), told("no delivery has been answered")), (1, 1), "{notes:?}");
    assert!(with(&report, "undecided").len() > 40, "{report:#}");
    let verified = hookgate(&["report", "verify", &kept]);
    assert!(verified.starts_with("exit 0"), "{verified}");
}

/// When its time is over a run ends: what was judged stands, the rest is undecided with the reason, and it is no error of the harness.
#[test]
fn a_run_ends_with_its_time_limit() {
    let Some((exit, report, told)) = judged("slow-health", &["duplicate", "key", "--time-limit", "5s", "--jobs", "1"]) else { return };
    assert_eq!(exit, 4, "{told}");
    let undecided = with(&report, "undecided");
    assert!(!undecided.is_empty(), "{report:#}");
    let reason = report["scenarios"].as_array().expect("scenarios").iter().find(|one| one["id"] == undecided[0].as_str());
    assert!(reason.expect("it is there")["reason"].as_str().is_some_and(|reason| reason.contains("--time-limit")), "{report:#}");
    assert!(report["run"]["ended_early"].is_null(), "{report:#}");
}

/// A delivery whose connection was closed before an answer began is sent again, and may have been taken: it is judged so, told, and
/// judged again alike.
#[test]
fn a_delivery_that_went_twice_may_have_been_taken() {
    let folder = Folder::new();
    let out = folder.path("out").display().to_string();
    let part = ["duplicate", "key", "http", "reuse", "signature", "--report", &out, "--jobs", "2"];
    let Some((exit, report, told)) = judged("hangs-up", &part) else { return };
    let failed: Vec<&Value> = report["scenarios"].as_array().expect("scenarios").iter().filter(|one| one["verdict"] == "fail").collect();
    assert!(failed.is_empty() && matches!(exit, 0 | 4), "exit {exit}: {told}\n{failed:#?}");
    let notes = report["run"]["notes"].to_string();
    assert!(notes.contains("sent again over a new one"), "{notes}");
    let history = std::fs::read_to_string(folder.path("out/history.jsonl")).expect("a history");
    let lines: Vec<Value> = history.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let attempts = lines.iter().filter(|one| one["goes_again"] == true && one["answer"].is_null()).count();
    assert!(attempts > 0 && with(&report, "pass").len() > 20, "{attempts} attempts, {report:#}");
    let verified = hookgate(&["report", "verify", &out]);
    assert!(verified.starts_with("exit 0"), "{verified}");
}

/// A redirect is no acceptance, and nobody follows it; where it leads stands in the finding and in every report.
#[test]
fn redirects_are_told_with_where_they_lead() {
    let Some((exit, report, told)) = judged("redirects", &["duplicate", "key/missing-key*"]) else { return };
    assert_eq!(exit, 1, "{told}");
    let first = report["causes"][0]["example"]["observed"].as_str().expect("a cause");
    assert!(first.starts_with("308 Location: https://receiver.example/callbacks/terminal/"), "{first}");
    // Nothing else can be judged, and each scenario says why.
    let all: Vec<&str> = report["scenarios"].as_array().expect("scenarios").iter().filter_map(|one| one["reason"].as_str()).collect();
    let says = |one: &&str| one.contains("308 Location: https://receiver.example/") || one.contains("does not offer") || one.contains("--");
    assert!(!all.is_empty() && all.iter().all(says), "{all:#?}");
}
