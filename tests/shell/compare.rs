//! `hookgate compare`: two reports side by side, of runs and of loads.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use serde_json::{Value, json};

use crate::command_line::hookgate;
use crate::surroundings::{Folder, project};

fn report(name: &str) -> Value {
    let text = std::fs::read_to_string(project("reports").join(name).join("report.json")).expect("a committed report");
    serde_json::from_str(&text).expect("JSON")
}

/// A report whose requirement has another verdict, or none at all.
fn altered(id: &str, verdict: Option<&str>) -> Value {
    let mut report = report("orch-phase3");
    let all = report["requirements"].as_array_mut().expect("a list");
    match verdict {
        Some(verdict) => all.iter_mut().find(|one| one["id"] == id).expect("it is there")["verdict"] = json!(verdict),
        None => all.retain(|one| one["id"] != id),
    }
    report
}

/// The two phases of the reference in ten lines: what the phase report's own diff says in a hundred.
#[test]
fn two_phases_are_told_in_ten_lines() {
    let told = hookgate(&["compare", "reports/orch-phase2", "reports/orch-phase3"]);
    insta::assert_snapshot!(told, @r#"
    exit 0
    --- stdout
    reports/orch-phase2 (run of orch-phase2: conforms)
    reports/orch-phase3 (run of orch-phase3: conforms)

    newly shown (13)     AUD-4 DB-2 DB-4 DUP-2 DUP-3 TTL-1 TTL-2 TTL-3 TTL-4 TTL-5 TTL-6 TTL-7 TTL-8
    still kept (52)      AUD-1 AUD-2 AUD-3 AUD-5 AUD-6 AUD-7 AUD-8 AUTH-1 AUTH-10 AUTH-11 AUTH-2 AUTH-3 AUTH-4 AUTH-5 AUTH-6 AUTH-7 AUTH-8 AUTH-9 DB-1 DOOR-1 DOOR-2 DOOR-3 DUP-1 DUP-4 DUP-5 DUP-6 DUP-7 DUP-8 HTTP-1 HTTP-2 HTTP-3 HTTP-4 HTTP-5 HTTP-6 HTTP-7 HTTP-8 KEY-1 KEY-10 KEY-2 KEY-3 KEY-4 KEY-5 KEY-6 KEY-7 KEY-8 KEY-9 LIVE-1 ONCE-1 ONCE-2 ONCE-3 OTHER-1 OTHER-2
    not judged in either (36) DB-3 EFF-1 EFF-2 ERR-1 ERR-2 FLY-1 FLY-2 KEY-11 OTHER-3 SCOPE-1 SIGL-1 SIGL-2 SIGL-3 SIGT-1 SIGT-2 SIGT-3 SIGT-4 SIGT-5 SSE-1 SSE-10 SSE-11 SSE-12 SSE-13 SSE-14 SSE-15 SSE-16 SSE-17 SSE-2 SSE-3 SSE-4 SSE-5 SSE-6 SSE-7 SSE-8 SSE-9 TTL-9
    tables
      idempotency_keys: column added: ttl INTEGER (DEFAULT 86400)
      audit_events: column added: idem_key TEXT
    answers
      more in a row: idem_key="<k>"  (14 snapshots, as audit/row-says-who-and-what@job-done)
      more in a row: ttl=86400  (14 snapshots, as audit/row-says-who-and-what@job-done)
      "status": "duplicate" "message": "Request already processed" → "accepted": true "payload_sha256": "<h>" "reference": { "timestamp": "<t>" "type": "duplicate" }  (6 snapshots, as key/blank-key-is-refused@blank)
      5 snapshots are only in the second
    made differently     contract: orch-phase2 → orch-phase3

    the second report is not worse, by the rules of --fail-on
    --- stderr
    "#);
}

/// Answers and rows of the two phases, from their reviewed snapshots: each kind of change once.
#[test]
fn snapshots_tell_what_became_of_answers_and_rows() {
    let phases = ["compare", "reports/orch-phase2", "reports/orch-phase3", "--snapshots", "snapshots/orch-phase2"];
    let told = hookgate(&[&phases[..], &["snapshots/orch-phase3"]].concat());
    for line in [
        r"more in a row: ttl=86400  (14 snapshots",
        r#""status": "duplicate" "message": "Request already processed" → "accepted": true"#,
        "5 snapshots are only in the second",
    ] {
        assert!(told.starts_with("exit 0") && told.contains(line), "{line}: {told}");
    }
    let told = hookgate(&[&phases[..], &["schema"]].concat());
    assert!(told.starts_with("exit 2") && told.contains("schema has no reviewed snapshots"), "{told}");
}

#[test]
fn what_is_worse_decides_the_exit_code() {
    let folder = Folder::new();
    let write = |name: &str, report: &Value| folder.write(name, &report.to_string());
    let right = write("right.json", &report("orch-phase3"));
    let broken = write("broken.json", &altered("ONCE-1", Some("fail")));
    let vanished = write("vanished.json", &altered("ONCE-1", None));
    let mut fallen = report("orch-phase3");
    fallen["summary"]["verdict"] = json!("does-not-conform");
    let falls = write("falls.json", &fallen);
    for (before, after, rule, exit, told) in [
        (&right, &broken, "newly-broken", 1, "ONCE-1 is newly broken"),
        (&broken, &right, "newly-broken", 0, "newly kept (1)"),
        (&broken, &broken, "any", 0, "still broken (1)"),
        // A must that vanished is not a pass, and who does not mind says so.
        (&right, &vanished, "newly-broken", 1, "ONCE-1 is no longer judged"),
        (&right, &vanished, "only-broken", 0, "no longer judged (1)"),
        (&right, &falls, "newly-broken", 1, "what conformed does not conform any more"),
        (&right, &falls, "only-broken", 0, "not worse"),
        (&right, &vanished, "any", 1, "ONCE-1 is no longer judged"),
        (&vanished, &broken, "newly-broken", 1, "ONCE-1 is newly broken"),
    ] {
        let output = hookgate(&["compare", before, after, "--fail-on", rule]);
        assert!(output.starts_with(&format!("exit {exit}\n")) && output.contains(told), "{rule}: {output}");
    }
    let json = hookgate(&["compare", &right, &broken, "--format", "json"]);
    let text = json.split("--- stdout\n").nth(1).and_then(|rest| rest.split("--- stderr").next()).expect("what it printed");
    let comparison: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(comparison["schema"], "hookgate.compare/1");
    assert_eq!(comparison["requirements"][0]["change"], "newly-broken");
    assert!(hookgate(&["compare", &right, &broken, "--format", "markdown"]).contains("## newly broken (1)\n\n- ONCE-1  Of N concurrent"));
}

/// A load whose seconds vary by a few percent.
fn load(rate: u64, p99: u64) -> Value {
    let series: Vec<Value> = (0..11)
        .map(|at| json!({"deliveries": rate + at % 3 * rate / 100, "errors": 0, "p50_us": p99 / 2 + at % 3 * p99 / 50, "p99_us": p99 + at % 3 * p99 / 50}))
        .collect();
    let latency = json!({"p50": p99 / 2, "p90": p99, "p95": p99, "p99": p99, "p999": p99, "max": p99});
    json!({
        "schema": "hookgate.load/1", "tool": {"name": "hookgate", "version": "0.1.0"}, "target": "http://127.0.0.1:1", "contract": "orch-phase3",
        "model": "closed", "started_at": "2026-01-01T00:00:00", "users": 64, "seed": 1, "deliveries": rate * 10, "operations": rate * 10,
        "seconds": 10.0, "rate_per_s": rate as f64, "kinds": {}, "latency_us": latency, "errors": {}, "series": series,
        "requirements": [{"id": "ONCE-3", "verdict": "pass", "checked": 9, "violations": 0}], "gates": [], "kept_up": true, "verdict": "conforms"
    })
}

/// Two loads differ only by more than either varies by itself.
#[cfg(feature = "load")]
#[test]
fn loads_differ_by_more_than_their_noise() {
    let folder = Folder::new();
    let before = folder.write("before.json", &load(1_000, 10_000).to_string());
    for (after, rule, exit, told) in [
        (load(1_000, 10_200), "any", 0, "p99: 10.0 ms (10.0 ms–10.4 ms) → 10.2 ms (10.2 ms–10.6 ms) (+2.0%"),
        (load(1_000, 15_000), "latency:10%", 1, "p99 went from 10.0 ms to 15.0 ms (+50.0%)"),
        (load(1_000, 15_000), "latency:60%", 0, ": worse"),
        (load(1_000, 5_000), "any", 0, ": better"),
        (load(700, 10_000), "rate:10%", 1, "rate went from 1000/s to 700/s (-30.0%)"),
    ] {
        let after = folder.write("after.json", &after.to_string());
        let output = hookgate(&["compare", &before, &after, "--fail-on", rule]);
        assert!(output.starts_with(&format!("exit {exit}\n")) && output.contains(told), "{rule}: {output}");
    }
    // Too short a load says nothing of its noise, and nothing is held against it.
    let short = |seconds: usize| {
        let mut short = load(1_000, 90_000);
        short["series"].as_array_mut().expect("a list").truncate(seconds);
        hookgate(&["compare", &before, &folder.write("short.json", &short.to_string()), "--fail-on", "any"])
    };
    let output = short(2);
    assert!(output.starts_with("exit 0") && output.contains("too few loads and seconds to tell the noise): unknown"), "{output}");
    assert!(output.contains("rate, p50, p99 nothing can be said") && output.contains("5 s or longer"), "{output}");
    // A stall of two seconds in eleven is no noise, and no rank: it is not called the same.
    let mut stalled = load(1_000, 10_000);
    stalled["latency_us"]["p99"] = json!(1_960_000);
    for second in [4, 5] {
        stalled["series"][second]["p99_us"] = json!(1_960_000);
    }
    let output = hookgate(&["compare", &before, &folder.write("stalled.json", &stalled.to_string()), "--fail-on", "any"]);
    assert!(output.starts_with("exit 0") && output.contains("of p99 nothing can be said"), "{output}");
    assert!(!output.lines().any(|line| line.contains("p99:") && line.ends_with(": same")), "{output}");
    // Three seconds of which each took nine times as long are no accident.
    let output = short(3);
    assert!(output.starts_with("exit 1") && output.contains("p99 went from 10.0 ms to 90.0 ms"), "{output}");
}

/// A report that the manifest of its own folder contradicts is refused, whatever reads it.
#[cfg(feature = "load")]
#[test]
fn what_its_own_manifest_contradicts_is_refused() {
    let folder = Folder::new();
    let [right, altered] = ["right", "altered"].map(|name| {
        let text = load(1_000, 10_000).to_string();
        let path = folder.write(&format!("{name}/load.json"), &text);
        let files = json!({"load.json": hookgate_sha256(&text)});
        let tool = json!({"name": "hookgate", "version": "0"});
        let manifest =
            json!({"schema": "hookgate.manifest/1", "tool": tool, "contract_sha256": "", "scenarios_sha256": "", "files": files});
        folder.write(&format!("{name}/manifest.json"), &manifest.to_string());
        path.trim_end_matches("/load.json").to_owned()
    });
    assert!(hookgate(&["compare", &right, &altered]).starts_with("exit 0"));
    folder.write("altered/load.json", &load(99_999, 10_000).to_string());
    for arguments in [vec!["compare", &altered, &right], vec!["compare", &right, &altered], vec!["report", &altered]] {
        let told = hookgate(&arguments);
        assert!(told.starts_with("exit 2") && told.contains("is not as it was written"), "{arguments:?}: {told}");
    }
    let told = hookgate(&["trend", &right, &altered, "--format", "json"]);
    assert!(told.contains("passed over: ") && told.contains("is not as it was written") && !told.contains("99999"), "{told}");
}

fn hookgate_sha256(text: &str) -> String {
    hookgate::sign::sha256_hex(text.as_bytes())
}

/// Where nothing was answered, everything is worse, and nothing was kept.
#[cfg(feature = "load")]
#[test]
fn load_without_answers_is_worse() {
    let folder = Folder::new();
    let before = folder.write("before.json", &load(1_000, 10_000).to_string());
    let mut dead = load(0, 0);
    dead["series"] = json!([]);
    dead["latency_us"] = Value::Null;
    dead["requirements"] = json!([{"id": "ONCE-3", "verdict": "pass", "checked": 0, "violations": 0}]);
    let after = folder.write("after.json", &dead.to_string());
    for (rule, told) in
        [("any", "rate went from 1000/s to 0/s"), ("latency:10%", "p99 went from 10.0 ms to 0 µs"), ("rate:10%", "rate went")]
    {
        let output = hookgate(&["compare", &before, &after, "--fail-on", rule]);
        assert!(output.starts_with("exit 1") && output.contains(told) && output.contains("no longer judged (1)"), "{rule}: {output}");
    }
}

/// Statuses that a scenario's deliveries did not get before, each kind of change once; how often each came is no change.
#[test]
fn other_statuses_are_told() {
    let folder = Folder::new();
    let with = |name: &str, statuses: [Value; 3]| {
        let mut report = report("orch-phase3");
        for (at, statuses) in statuses.into_iter().enumerate() {
            report["scenarios"][at]["statuses"] = statuses;
        }
        folder.write(name, &report.to_string())
    };
    let before = with("before.json", [json!({"202": 2}), json!({"202": 1, "none": 1}), json!({"202": 9})]);
    let after = with("after.json", [json!({"202": 1, "409": 1}), json!({"202": 3, "409": 4}), json!({"202": 4, "none": 2})]);
    let told = hookgate(&["compare", &before, &after]);
    assert!(told.contains("statuses: 202 → 202, 409 (2 scenarios, as audit/") && told.matches("statuses:").count() == 1, "{told}");
}

/// A load that was made several times tells how much it varies from time to time, which its seconds do not know.
#[cfg(feature = "load")]
#[test]
fn repeated_loads_show_their_own_noise() {
    let folder = Folder::new();
    let side = |name: &str, rates: &[u64]| {
        for (at, rate) in rates.iter().enumerate() {
            folder.write(&format!("{name}/{at}/load.json"), &load(*rate, 10_000).to_string());
        }
        folder.path(name).to_str().expect("UTF-8").to_owned()
    };
    let before = side("before", &[900, 1_000, 1_100]);
    for (name, rates, exit, told) in [
        ("near", [1_000, 1_100, 1_200], 0, "rate: 1000/s (900/s–1100/s) → 1100/s (1000/s–1200/s) (+10.0%, noise 376/s): same"),
        ("far", [400, 500, 600], 1, "rate: 1000/s (900/s–1100/s) → 500/s (400/s–600/s) (-50.0%, noise 376/s): worse"),
    ] {
        let output = hookgate(&["compare", &before, &side(name, &rates), "--fail-on", "any"]);
        assert!(output.starts_with(&format!("exit {exit}")) && output.contains(told), "{output}");
    }
    // Loads that were all alike to the microsecond vary all the same: by less than a histogram shows.
    let alike = |name: &str, p99: u64| {
        for at in 0..2 {
            folder.write(&format!("{name}/{at}/load.json"), &load(1_000, p99).to_string());
        }
        folder.path(name).to_str().expect("UTF-8").to_owned()
    };
    let output = hookgate(&["compare", &alike("alike", 10_000), &alike("nearly", 10_010), "--fail-on", "any"]);
    assert!(output.starts_with("exit 0"), "{output}");
    // Each for itself, by its seconds, a tenth more would be called a change.
    let output = hookgate(&["compare", &format!("{before}/1"), &side("alone", &[1_100])]);
    assert!(output.contains("): better"), "{output}");
    let output = hookgate(&["compare", "reports", "reports/orch-phase3"]);
    assert!(output.starts_with("exit 2") && output.contains("reports has reports of several runs"), "{output}");
}

#[test]
fn what_cannot_be_compared_is_told() {
    let folder = Folder::new();
    let wrong = folder.write("wrong.json", r#"{"schema": "somebody.else/9"}"#);
    let cut = folder.write("cut.json", r#"{"schema": "#);
    let load = folder.write("load.json", &load(1_000, 10_000).to_string());
    let empty = folder.path("empty");
    std::fs::create_dir(&empty).expect("a folder");
    for (path, told) in [
        ("absent", "cannot read the report absent"),
        (empty.to_str().expect("UTF-8"), "has no report.json and no load.json"),
        (&wrong, "its schema is `somebody.else/9`"),
        (&cut, "is no JSON"),
        (&load, "are a run and a load"),
    ] {
        let output = hookgate(&["compare", "reports/orch-phase3", path]);
        assert!(output.starts_with("exit 2") && output.contains(told), "{path}: {output}");
    }
}
