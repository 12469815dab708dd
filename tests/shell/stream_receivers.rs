//! Receivers that tell of what they accept over event streams: a right one in Python's standard library, and the same wrong in one way.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use serde_json::Value;

use crate::command_line::{command, patiently};
use crate::surroundings::tool;

const EXEC: &str = "exec python3 tests/receivers/orch_phase4.py --port {port} --db {dir}/orch.db";

/// The exit code and the report of a run.
fn judged(knob: &str, more: &[&str]) -> (Option<i32>, Value) {
    let mut run = command();
    run.env("ORCH_WEBHOOK_SECRET", "a-secret-of-this-test").env("ORCH_WEBHOOK_PREVIOUS_SECRET", "the-one-before").env("KNOB", knob);
    run.arg("run").args(["--exec", EXEC, "--db", "{dir}/orch.db", "--jobs", "8", "--seed", "1", "--format", "json"]).args(more);
    let output = patiently(&mut run, "orch-phase4");
    let report = serde_json::from_slice(&output.stdout).map_err(|_| format!("{knob}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), report.expect("a report"))
}

fn verdicts<'r>(report: &'r Value, of: &str) -> Vec<(&'r str, &'r str)> {
    let text = |one: &'r Value, member: &str| one[member].as_str().expect("text");
    report[of].as_array().expect("a list").iter().map(|one| (text(one, "id"), text(one, "verdict"))).collect()
}

/// The right one passes every requirement of streams, and none of them is left out.
#[test]
fn right_receiver_with_streams_conforms() {
    if tool("python3").is_none() {
        return;
    }
    let (exit, report) = judged("right", &["--select", "SSE-*"]);
    let odd: Vec<&Value> = report["scenarios"].as_array().expect("a list").iter().filter(|one| one["verdict"] != "pass").collect();
    assert!(odd.is_empty(), "{odd:#?}");
    let streams: Vec<(&str, &str)> = verdicts(&report, "requirements").into_iter().filter(|(id, _)| id.starts_with("SSE-")).collect();
    assert_eq!(streams.len(), 16, "{streams:?}");
    assert!(streams.iter().all(|(_, verdict)| *verdict == "pass"), "{streams:?}");
    assert_eq!(exit, Some(0));
}

/// Each wrong one is found, on what it breaks.
#[test]
fn wrong_receivers_with_streams_are_found() {
    if tool("python3").is_none() {
        return;
    }
    for (knob, scenarios, requirement) in [
        ("gap", "stream/resume-goes-on*", "SSE-5"),
        ("twice", "stream/resume-goes-on*", "SSE-5"),
        ("silent-gap", "stream/unknown-id*", "SSE-6"),
        ("memory-only", "stream/ids-stay*", "SSE-9"),
        ("no-end", "stream/finished*", "SSE-11"),
        ("no-id", "stream/resume-goes-on*", "SSE-4"),
        ("other-jobs", "stream/streams-are*", "SSE-15"),
        ("retry-in-words", "stream/retry*", "SSE-10"),
        ("plain-text", "stream/stream-is-opened*", "SSE-1"),
    ] {
        let (exit, report) = judged(knob, &["--select", scenarios]);
        let broken: Vec<&str> = verdicts(&report, "requirements").into_iter().filter(|(_, of)| *of == "fail").map(|(id, _)| id).collect();
        assert_eq!((exit, broken.contains(&requirement)), (Some(1), true), "{knob}: {broken:?}");
    }
}
