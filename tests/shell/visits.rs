//! Visits before a suite: each reason for which honest deliveries are turned away is named, and no receiver that can be judged is stopped.
#![expect(clippy::panic, reason = "a test ends where something is not as it should be")]

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::command_line::{Running, among_others, command, hookgate_with, nobody};
use crate::surroundings::{Folder, project, tool};

const SECRET: &str = "a-secret-of-the-visits";
const WEBHOOK_SECRET: &str = "whsec_c3RhbmRhcmQgd2ViaG9va3MsIGZvciB0ZXN0cw==";

/// A receiver that turns honest deliveries away, started.
fn turned_away(cause: &str, seconds: &str, folder: &Folder) -> Option<Running> {
    let mut start = Command::new(tool("python3")?);
    start.arg(project("tests/receivers/turned_away.py")).args(["--port", "0"]);
    if cause != "clock" {
        start.args(["--db", &folder.path("orch.db").display().to_string()]);
    }
    start.env("CAUSE", cause).env("SECONDS", seconds).env("ORCH_WEBHOOK_SECRET", SECRET).env("WEBHOOK_SECRET", WEBHOOK_SECRET);
    Some(if cause == "clock" { started_by_stderr(&mut start) } else { Running::start(&mut start, 1) })
}

/// The receiver for Standard Webhooks says on standard error where it listens.
fn started_by_stderr(start: &mut Command) -> Running {
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec \"$@\" 2>&1", "sh"]).arg(start.get_program()).args(start.get_args());
    for (name, value) in start.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    Running::start(&mut shell, 1)
}

/// Exit code and `report.json` of a run.
fn judged(url: &str, secret: &str, more: &[&str]) -> (Option<i32>, Value) {
    let mut run = command();
    run.env("ORCH_WEBHOOK_SECRET", secret).env("WEBHOOK_SECRET", WEBHOOK_SECRET);
    let output = among_others(run.args(["run", "--target", url, "--format", "json"]).args(more).stdin(Stdio::null()));
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr))))
}

/// What a command has printed as JSON on standard output.
fn json_of(told: &str) -> Value {
    let printed = told.split_once("--- stdout\n").and_then(|(_, rest)| rest.split_once("--- stderr"));
    printed.map_or(Value::Null, |(text, _)| serde_json::from_str(text).unwrap_or_else(|wrong| panic!("{wrong}: {text}")))
}

/// A text whose columns stand one blank apart.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The code of the cause that a visit named; empty when it named none.
fn code(report: &Value) -> &str {
    report["visit"]["refused"]["code"].as_str().unwrap_or_default()
}

#[test]
fn each_reason_to_turn_honest_deliveries_away_is_named() {
    if tool("python3").is_none() {
        return;
    }
    for (cause, wanted, says) in [
        ("other-secret", "wrong-secret", "ORCH_WEBHOOK_SECRET"),
        ("line-end", "space-in-theirs", "a line end"),
        ("moved", "wrong-path", "POST /callbacks/terminal are answered 404"),
        ("slash", "redirect", "/callbacks/terminal/"),
        ("elsewhere", "redirect", "https://hooks.example/in"),
        ("put", "wrong-method", "PUT is accepted"),
        ("limited", "too-many", "429"),
        ("page", "page", "502 Bad Gateway"),
        ("sign-in", "page", "Sign in"),
        ("broken", "failure", "500"),
    ] {
        let folder = Folder::new();
        let receiver = turned_away(cause, "0", &folder).expect("python");
        let (exit, report) = judged(&receiver.url, SECRET, &[]);
        let sentence = report["causes"][0]["sentence"].as_str().unwrap_or_default();
        assert_eq!((exit, code(&report)), (Some(1), wanted), "{cause}: {sentence}");
        assert!(sentence.contains(says), "{cause}: {sentence}");
        assert!(report["visit"]["refused"]["advice"].as_str().is_some_and(|advice| !advice.is_empty()));
        assert_eq!(report["causes"].as_array().map(Vec::len), Some(1), "{cause}");
        assert_eq!((&report["summary"]["pass"], &report["summary"]["verdict"]), (&0.into(), &"does-not-conform".into()), "{cause}");
    }
}

/// By how much a clock is off is told to the second or two, in both directions, whether `Date` says so or not.
#[test]
fn clock_that_is_off_is_named_with_its_seconds() {
    if tool("python3").is_none() {
        return;
    }
    let contract = project("tests/contracts/standard-webhooks-only.yaml").display().to_string();
    for (seconds, wanted) in [("700", "clock-ahead"), ("-4000", "clock-behind"), ("32400", "clock-ahead")] {
        let folder = Folder::new();
        let receiver = turned_away("clock", seconds, &folder).expect("python");
        let (exit, report) = judged(&receiver.url, SECRET, &["--contract", &contract]);
        assert_eq!((exit, code(&report)), (Some(1), wanted), "{seconds}: {:#}", report["visit"]);
        let told = report["visit"]["refused"]["facts"]["seconds"].as_str().and_then(|text| text.parse::<i64>().ok()).expect("seconds");
        let off: i64 = seconds.parse().expect("a number");
        assert!((told - off.abs()).abs() <= 2, "{seconds}: {told}");
    }
}

/// White space at the end of our own secret is found by leaving it out.
#[test]
fn space_in_our_own_secret_is_named() {
    let serving = Running::serve(SECRET, &[]);
    for padded in [format!("{SECRET}\n"), format!(" {SECRET}")] {
        let (exit, report) = judged(&serving.url, &padded, &[]);
        assert_eq!((exit, code(&report)), (Some(1), "space-in-secret"));
    }
}

/// Who accepts anything, or comes to itself, is judged by the suite.
#[test]
fn receivers_that_can_be_judged_are_not_stopped() {
    if tool("python3").is_none() {
        return;
    }
    for (cause, exit) in [("late-to-work", Some(0)), ("right", Some(0)), ("other-body", Some(1)), ("inverted", Some(1))] {
        let folder = Folder::new();
        let receiver = turned_away(cause, "0", &folder).expect("python");
        let told = judged(&receiver.url, SECRET, &["signature"]);
        assert_eq!((told.0, code(&told.1)), (exit, ""), "{cause}: {:#}", told.1["visit"]);
        assert_eq!(told.1["summary"]["undecided"], 0, "{cause}: the suite was played");
    }
}

/// The cause stands in the first ten lines, with what to try and what was seen; the folder is whole.
#[test]
fn cause_is_what_a_reader_sees_first() {
    let folder = Folder::new();
    let out = folder.path("out").display().to_string();
    let serving = Running::serve("another secret than the one in use", &[]);
    let env = [("ORCH_WEBHOOK_SECRET", SECRET)];
    let told = hookgate_with(&env, &["run", "--target", &serving.url, "--report", &out]);
    let top: Vec<&str> = told.lines().take(14).collect();
    assert!(told.starts_with("exit 1\n"), "{told}");
    assert!(top.iter().any(|line| line.contains("another secret than the one in ORCH_WEBHOOK_SECRET")), "{told}");
    assert!(top.iter().any(|line| line.trim_start().starts_with("try ")), "{told}");
    assert!(told.contains("✗ wrong  honest delivery"), "{told}");
    assert!(hookgate_with(&[], &["report", "verify", &out]).starts_with("exit 0\n"));
    for file in ["report.md", "report.html"] {
        let text = std::fs::read_to_string(folder.path(&format!("out/{file}"))).expect("a report");
        assert!(text.contains("most likely the receiver has another secret"), "{file}");
    }
}

/// A receiver that checks signatures otherwise than its contract says is told by the way in which its deliveries are signed.
#[test]
fn each_way_of_signing_otherwise_is_named() {
    for (signature, slip, says) in [
        ("{key: {encoding: utf8, strip_prefix: ''}}", "secret-as-text", "decoded"),
        ("{key: {encoding: utf8, strip_prefix: whsec_}}", "text-behind-prefix", "decoded"),
        ("{encoding: hex}", "encoding", "Written in hex, where the contract says base64"),
        ("{digest: sha512}", "digest", "By SHA-512"),
        ("{message: '{t}.{body}'}", "message", "Over `{t}.{body}`"),
        ("{headers: [{name: webhook-timestamp, value: '{t}'}, {name: webhook-signature, value: '{sig}'}]}", "no-mark", "As `{sig}`"),
        ("{time: {unit: ms, past: 5 m, future: 5 m}}", "unit", "in ms"),
    ] {
        let folder = Folder::new();
        let text = format!("contract: theirs\nextends: standard-webhooks\nsignature: {signature}\n");
        let theirs = folder.write("theirs.yaml", &text);
        let mut serve = command();
        serve.env("STANDARD_WEBHOOKS_SECRET", WEBHOOK_SECRET).args(["serve", "--contract", &theirs]);
        let receiver = Running::start(&mut serve, 1);
        let env = [("STANDARD_WEBHOOKS_SECRET", WEBHOOK_SECRET)];
        let told = hookgate_with(&env, &["doctor", "--contract", "standard-webhooks", "--target", &receiver.url, "--format", "json"]);
        let json = json_of(&told);
        let refused = &json["visit"]["refused"];
        assert_eq!((&refused["code"], &refused["facts"]["slip"]), (&"signed-otherwise".into(), &slip.into()), "{signature}: {told}");
        assert!(refused["sentence"].as_str().is_some_and(|sentence| sentence.contains(says)), "{signature}: {refused:#}");
    }
}

/// What a contract does not promise is not called wrong, and what the deliveries of the visit have done is counted, where it can be.
#[test]
fn visits_hold_to_what_is_promised_and_count_effects() {
    let folder = Folder::new();
    let database = folder.path("done.db").display().to_string();
    let contract = |column: &str| {
        let text = format!(
            "contract: theirs\nextends: orch-phase3\nnot_promised: {{KEY-1: its own affair}}\neffects: {{table: audit_events, key: {column}, within: 300 ms}}\n"
        );
        folder.write("theirs.yaml", &text)
    };
    let serving = Running::serve(SECRET, &["--db", &database, "--defect", "missing-key-passes"]);
    let env = [("ORCH_WEBHOOK_SECRET", SECRET)];
    for (column, exit, line) in [("idem_key", "exit 0\n", "✓ right effects of both"), ("event", "exit 1\n", "✗ wrong effects of both")]
    {
        let told = hookgate_with(&env, &["doctor", "--contract", &contract(column), "--target", &serving.url, "--db", &database]);
        let seen = squeezed(&told);
        assert!(told.starts_with(exit) && seen.contains(line), "{column}: {told}");
        assert!(seen.contains("· not judged without a key"), "{told}");
    }
}

/// `doctor` is the visit alone: a line each, evidence, and the exit codes of a run.
#[test]
fn doctor_visits_and_judges_nothing() {
    let folder = Folder::new();
    let database = folder.path("orch.db").display().to_string();
    let serving = Running::serve(SECRET, &["--db", &database]);
    let env = [("ORCH_WEBHOOK_SECRET", SECRET)];
    let told = hookgate_with(&env, &["doctor", "--target", &serving.url, "--db", &database]);
    assert!(told.starts_with("exit 0\n"), "{told}");
    for line in ["✓ right  honest delivery", "✓ right  its repeat", "✓ right  forgery", "✓ right  health check", "idempotency_keys ("]
    {
        assert!(told.contains(line), "{line}: {told}");
    }
    let wrong = Running::serve(SECRET, &["--defect", "bad-signature-answered-403"]);
    let told = hookgate_with(&env, &["doctor", "--target", &wrong.url]);
    assert!(told.starts_with("exit 1\n") && told.contains("✗ wrong  forgery"), "{told}");
    let told = hookgate_with(&env, &["doctor", "--target", &nobody()]);
    assert!(told.starts_with("exit 3\n") && told.contains("connection refused"), "{told}");
    assert!(hookgate_with(&[], &["doctor", "--target", &serving.url]).starts_with("exit 2\n"));
    let told = hookgate_with(&[("ORCH_WEBHOOK_SECRET", "wrong")], &["doctor", "--target", &serving.url, "--format", "json"]);
    let json = json_of(&told);
    assert_eq!((&json["verdict"], &json["visit"]["refused"]["code"]), (&"refused".into(), &"wrong-secret".into()), "{told}");
}

/// Every family that is shipped passes its own visit.
#[test]
fn references_of_all_families_pass_the_visit() {
    let listed = hookgate_with(&[], &["list", "--contracts", "--format", "json"]);
    let all = json_of(&listed);
    let ids: Vec<&str> = all.as_array().expect("a list").iter().filter_map(|one| one["id"].as_str().or(one["contract"].as_str())).collect();
    assert!(ids.len() >= 24, "{listed}");
    for id in ids {
        let told = hookgate_with(&[], &["doctor", "--contract", id]);
        assert!(told.starts_with("exit 0\n") && squeezed(&told).contains("✓ right honest delivery"), "{id}: {told}");
    }
}

/// Where a contract has no health page, a receiver that fails at every honest delivery is judged, and not one that could not be reached.
#[test]
fn receiver_without_a_health_page_that_fails_always_does_not_conform() {
    let token = "a-token-of-the-visits";
    let mut serve = command();
    serve.env("TWILIO_AUTH_TOKEN", token);
    serve.args(["serve", "--contract", "twilio-webhook", "--defect", "body-that-is-no-json-gives-500"]);
    let receiver = Running::start(&mut serve, 1);
    let mut run = command();
    run.env("TWILIO_AUTH_TOKEN", token);
    run.args(["run", "--contract", "twilio-webhook", "--target", &receiver.url, "--format", "json"]);
    let output = among_others(run.stdin(Stdio::null()));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let cause = &report["causes"][0];
    assert_eq!((output.status.code(), code(&report)), (Some(1), "failure"), "{cause:#}");
    assert_eq!((&cause["requirement"], report["causes"].as_array().map(Vec::len)), (&"AUTH-1".into(), Some(1)), "{cause:#}");
}

/// What the target wrote while a delivery failed stands beside its finding, folded and without the secret; one exception is one cause.
#[test]
fn exception_in_the_targets_output_names_the_cause() {
    if tool("python3").is_none() {
        return;
    }
    let exec = "CAUSE=raises exec python3 tests/receivers/turned_away.py --port {port} --db {dir}/orch.db";
    let mut run = command();
    run.env("ORCH_WEBHOOK_SECRET", SECRET);
    let args = ["run", "signature/honest*", "audit/*", "--exec", exec, "--db", "{dir}/orch.db", "--jobs", "8", "--format", "json"];
    let output = among_others(run.args(args).stdin(Stdio::null()));
    let text = String::from_utf8_lossy(&output.stdout);
    let report: Value = serde_json::from_str(&text).expect("a report");
    assert_eq!(output.status.code(), Some(1), "{text}");
    let cause = &report["causes"][0];
    let sentence = cause["sentence"].as_str().unwrap_or_default();
    assert!(sentence.contains("KeyError at turned_away.py:") && sentence.contains("in work"), "{sentence}");
    let lines = cause["example"]["output"].to_string();
    assert!(lines.contains("KeyError: '***' (turned_away.py:") && !text.contains(SECRET), "{lines}");
    let with = |one: &&Value| one["exception"].is_string();
    let all: Vec<&Value> = report["causes"].as_array().expect("a list").iter().filter(with).collect();
    assert_eq!(all.len(), 1, "one exception is one cause: {:#}", report["causes"]);
}
