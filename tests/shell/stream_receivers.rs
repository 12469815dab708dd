//! Receivers that tell of what they accept over event streams: a right one in Python's standard library, and the same wrong in one way.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use serde_json::Value;

use crate::command_line::{binary, command, hookgate, patiently};
use crate::evidence::with_digests_mended;
use crate::surroundings::{Folder, tool};

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
    assert_eq!(streams.len(), 17, "{streams:?}");
    assert!(streams.iter().all(|(_, verdict)| *verdict == "pass"), "{streams:?}");
    assert_eq!(exit, Some(0));
}

/// With places for few clients, together no more streams are open than the contract lets in; those who have gone keep their places until
/// the receiver writes to them. Its heartbeat is a comment line alone, and what is said of a connection stands in the blocks of its events.
#[test]
fn right_receiver_with_few_places_conforms() {
    let folder = Folder::new();
    let stream = "{at_once: 5, heartbeat: 1 s, unknown: {then: reset}}";
    folder.write("few.yaml", &format!("contract: few\nextends: orch-phase4\ntitle: Few places\nstream: {stream}\n"));
    let contract = folder.path("few.yaml").display().to_string();
    let select = ["streams-are*", "resume-*", "published-while*", "subscribers*", "unknown*", "retry*", "silence*", "twenty*"];
    let judged_by = |exec: Option<&str>| {
        let mut run = command();
        run.env("ORCH_WEBHOOK_SECRET", "a-secret-of-this-test").env("ORCH_WEBHOOK_PREVIOUS_SECRET", "the-one-before");
        run.args(["run", "--jobs", "8", "--seed", "1", "--format", "json"]);
        run.args(["--select", &select.map(|one| format!("stream/{one}")).join(",")]);
        run.args(exec.iter().flat_map(|exec| ["--exec", exec]));
        let output = patiently(&mut run, &contract);
        let report = serde_json::from_slice(&output.stdout).map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned());
        (output.status.code(), report.expect("a report"))
    };
    let odd = format!("{EXEC} --places 5 --heartbeat 0.8 --odd");
    for exec in [None, tool("python3").map(|_| odd.as_str())] {
        let (exit, report): (_, Value) = judged_by(exec);
        let not_passed: Vec<_> = verdicts(&report, "scenarios").into_iter().filter(|(_, verdict)| *verdict != "pass").collect();
        assert_eq!(
            (exit, not_passed),
            (Some(0), vec![("stream/twenty-clients-are-served-at-once", "not-applicable")]),
            "{exec:?}: {report:#}"
        );
        let why = report["scenarios"].as_array().expect("a list").iter().find_map(|one| one["reason"].as_str());
        assert_eq!(why, Some("it has up to 20 streams open at once, and the contract lets in 5 (`stream.at_once`)"));
    }
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
        ("any-number", "stream/unknown-id*", "SSE-6"),
        ("evicted-gap", "stream/evicted*", "SSE-6"),
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

/// A receiver that is started without a previous secret is handed the published ones, or is not judged by what it cannot know.
#[test]
fn nobody_is_held_to_a_secret_that_it_was_not_given() {
    let folder = Folder::new();
    let serve = format!("exec {} serve --contract orch-phase4 --addr 127.0.0.1:{{port}}", binary());
    let told = |secret: Option<&str>| {
        let mut run = command();
        run.env_remove("ORCH_WEBHOOK_PREVIOUS_SECRET").env_remove("ORCH_WEBHOOK_RETIRED_SECRET");
        run.envs(secret.map(|secret| ("ORCH_WEBHOOK_SECRET", secret)));
        run.args([
            "run",
            "--exec",
            &serve,
            "--select",
            "SIGL-3",
            "--format",
            "json",
            "--report",
            &folder.path("report").display().to_string(),
        ]);
        let output = patiently(&mut run, "orch-phase4");
        let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
        let text = |one: &Value| one.as_str().unwrap_or_default().to_owned();
        (output.status.code(), text(&report["scenarios"][0]["verdict"]), text(&report["scenarios"][0]["reason"]))
    };
    assert_eq!(told(None), (Some(0), "pass".to_owned(), String::new()));
    let (exit, verdict, reason) = told(Some("a-secret-of-this-test"));
    assert_eq!((exit, verdict.as_str()), (Some(4), "not-applicable"), "{reason}");
    assert!(reason.contains("set ORCH_WEBHOOK_PREVIOUS_SECRET for hookgate"), "{reason}");
}

/// What a receiver of streams has told stands in the report's timeline, mark by mark, and `verify` counts it again.
#[test]
fn streams_stand_in_the_timeline_and_are_verified() {
    if tool("python3").is_none() {
        return;
    }
    let folder = Folder::new();
    let out = folder.path("report").display().to_string();
    let (_, report) = judged("gap", &["--select", "stream/resume-goes-on*", "--report", &out]);
    let streams = &report["scenarios"][0]["streams"];
    let of_streams = |lane: &&Value| lane["stream"].is_object();
    let lanes = streams["lanes"].as_array().expect("lanes");
    assert!(streams["opened"].as_u64() >= Some(2) && lanes.iter().filter(of_streams).count() >= 2, "{streams:#}");
    let marks = lanes.iter().filter(of_streams).flat_map(|lane| lane["stream"]["marks"].as_array().expect("marks"));
    assert!(marks.clone().any(|mark| mark["event"] == "status" && mark["key"].is_string() && mark["id"].is_string()), "{streams:#}");
    let page = std::fs::read_to_string(folder.path("report/report.html")).expect("a page");
    assert!(page.contains("Event streams beside deliveries") && page.contains("<circle class=\"e\""), "the page has no lane of a stream");
}

/// What was read of streams is counted again from the history; and a snapshot of a stream is the same in every run, ids and instants aside.
#[test]
fn streams_are_verified_and_stand_in_snapshots() {
    let folder = Folder::new();
    let [out, snapshots] = ["report", "snapshots"].map(|name| folder.path(name).display().to_string());
    let run = ["run", "--contract", "orch-phase4", "--select", "stream/finished*", "--snapshots", &snapshots];
    let again = |more: &[&str]| hookgate(&[&run[..], more].concat());
    let told = again(&["--update", "always", "--report", &out]);
    assert!(told.starts_with("exit 0"), "{told}");
    let taken = |name: &str| std::fs::read_to_string(folder.path("snapshots/orch-phase4/stream").join(name)).expect("a snapshot");
    let whole = taken("finished-stream-is-over.1.snap");
    for part in
        ["content-type: text/event-stream", "\nretry: 3000\n", "\nid: <i1>\n", "\nid: <i2>\n", "\"key\": \"<k", "(ended by the receiver)"]
    {
        assert!(whole.contains(part), "{part}: {whole}");
    }
    assert!(taken("finished-stream-is-over.2.snap").ends_with("---\n204\n"));
    let told = again(&["--update", "no"]);
    assert!(told.starts_with("exit 0"), "{told}");
    assert!(hookgate(&["report", "verify", &out]).starts_with("exit 0"));
    let told = with_digests_mended(&out, "report.json", |text| text.replacen("\"opened\": 2", "\"opened\": 3", 1));
    assert!(told.contains("is said to have read 3 event stream(s) with 2 event(s), and in the history there are 2"), "{told}");
}

/// Streams beside what cannot go with them are refused, with the reason.
#[test]
fn streams_beside_what_cannot_go_with_them_are_refused() {
    let load = ["load", "--contract", "orch-phase4", "--streams", "2"];
    for (more, told) in [
        (&["--rotate", "1m", "--report", "nowhere"][..], "--streams does not go with --rotate: one load begins while"),
        (&["--worker", "1/2", "--run-word", "a", "--report", "nowhere"], "--streams does not go with --worker: `load merge`"),
    ] {
        let said = hookgate(&[&load[..], more].concat());
        assert!(said.starts_with("exit 2") && said.contains(told), "{said}");
    }
    let said = hookgate(&["load", "--contract", "orch-phase4", "--find-max", "stream_p99<1s"]);
    assert!(said.starts_with("exit 2") && said.contains("nobody reads any: give --streams N"), "{said}");
}
