//! Receivers that differ from the right one in one thing: right ones of another make are not blamed, and wrong ones are found.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use serde_json::Value;

use crate::command_line::{Running, binary, command, patiently};
use crate::surroundings::{Folder, project, tool};

const SECRET: &str = "a secret of these tests";
const EXEC: &str = "exec python3 tests/receivers/orch_changed.py --port {port} --db {dir}/orch.db";
const WITH_ROWS: &[&str] = &["--exec", EXEC, "--db", "{dir}/orch.db", "--clock", "rewind", "--seed", "1"];

/// The exit code and the report of a run under a contract, over scenarios of these names.
fn judged(contract: &str, env: &[(&str, &str)], scenarios: &[&str], more: &[&str]) -> (Option<i32>, Value) {
    let mut run = command();
    run.envs(env.iter().copied()).arg("run").args(scenarios).args(["--format", "json"]).args(more);
    let output = patiently(&mut run, contract);
    let told = || format!("{env:?}: {}", String::from_utf8_lossy(&output.stderr));
    let report = serde_json::from_slice(&output.stdout).map_err(|_| told());
    (output.status.code(), report.expect("a report"))
}

fn with_knob(knob: &str, scenarios: &[&str]) -> (Option<i32>, Value) {
    judged("orch-phase3", &[("ORCH_WEBHOOK_SECRET", SECRET), ("KNOB", knob)], scenarios, WITH_ROWS)
}

fn all<'r>(report: &'r Value, what: &str) -> &'r [Value] {
    report[what].as_array().expect("a list")
}

/// Those of which anything is said that is no praise.
fn off(report: &Value) -> Vec<(&Value, &Value, &Value)> {
    let is_off = |one: &&Value| !matches!(one["verdict"].as_str(), Some("pass" | "not-applicable"));
    all(report, "scenarios").iter().filter(is_off).map(|one| (&one["id"], &one["reason"], &one["findings"][0])).collect()
}

/// The requirements that are broken, and those under which a scenario that showed it filed it.
fn broken(report: &Value) -> Vec<&str> {
    let failed = all(report, "requirements").iter().filter(|one| one["verdict"] == "fail").filter_map(|one| one["id"].as_str());
    let filed = all(report, "scenarios").iter().flat_map(|one| all(one, "findings")).filter_map(|one| one["filed"].as_str());
    failed.chain(filed).collect()
}

/// Whoever keeps a database in another way, answers in another form, closes connections, is slow or takes more keys is right all the same.
#[test]
fn right_receivers_of_another_make_conform_without_a_finding() {
    if tool("python3").is_none() {
        return;
    }
    for (knob, scenarios) in [
        ("right-exclusive", &["duplicate/duplicate*", "duplicate/refers*", "ttl/*", "concurrency/*"][..]),
        ("right-rollback-journal-no-timeout", &["duplicate/duplicate*", "duplicate/refers*", "ttl/*", "concurrency/*", "audit/*"]),
        ("right-wal-no-timeout", &[]),
        ("right-first-of-two-key-lines", &["key/*"]),
        ("right-last-of-two-key-lines", &["key/*"]),
        ("right-keys-of-any-bytes", &["key/*", "duplicate/*"]),
        ("right-problem-json", &["http/*", "signature/*"]),
        ("right-chunked", &["http/*", "fault/*", "duplicate/*"]),
        ("right-few-a-connection", &["http/*", "fault/*", "concurrency/*"]),
        ("right-z", &["ttl/*", "audit/*", "duplicate/*"]),
        ("right-slow", &["ttl/key-stays*", "restart/what-was-answered*"]),
        ("right-one-at-a-time", &["concurrency/*", "duplicate/*", "http/*"]),
    ] {
        let (exit, report) = with_knob(knob, scenarios);
        assert_eq!((exit, off(&report)), (Some(0), Vec::new()), "{knob}");
        assert!(all(&report, "scenarios").iter().any(|one| one["verdict"] == "pass"), "{knob}: nothing was judged");
    }
}

#[test]
fn receivers_with_another_door_or_other_keys_are_found() {
    if tool("python3").is_none() {
        return;
    }
    for (knob, scenarios, requirement) in [
        ("other-spelling-of-path-is-not-verified", "door/*", "DOOR-1"),
        ("method-override-is-not-verified", "door/*", "DOOR-2"),
        ("gzip-inflated-before-the-check", "door/*", "DOOR-3"),
        ("two-key-lines-joined", "key/two*", "DUP-1"),
        ("odd-keys-read-with-replacement", "key/odd*", "KEY-10"),
        ("local-time-instants", "duplicate/refers*", "DUP-2"),
    ] {
        let (exit, report) = with_knob(knob, &[scenarios]);
        assert!(exit == Some(1) && broken(&report).contains(&requirement), "{knob}: {exit:?} {:?}", broken(&report));
    }
}

/// The time is signed: one that is never looked at is found; and which of two faults of a delivery is seen first is the receiver's affair.
#[test]
fn signed_times_are_looked_at_and_faults_in_any_order() {
    if tool("python3").is_none() {
        return;
    }
    let exec = "exec python3 tests/receivers/made_up.py --port {port} --kept {dir}/kept";
    for (knob, scenarios, wanted) in [
        ("right", &["key", "signed-time"][..], None),
        ("right-key-first", &["key", "signed-time"], None),
        ("no-time-check", &["signed-time"], Some("SIGT-1")),
    ] {
        let env = [("MADE_UP_SECRET", "bWFkZSB1cCBmb3IgdGhlIHRlc3Rz"), ("KNOB", knob)];
        let (exit, report) = judged("tests/contracts/made-up.yaml", &env, scenarios, &["--exec", exec, "--seed", "1"]);
        match wanted {
            None => assert_eq!((exit, off(&report)), (Some(0), Vec::new()), "{knob}"),
            Some(requirement) => {
                assert!(exit == Some(1) && broken(&report).contains(&requirement), "{knob}: {exit:?} {:?}", broken(&report));
            }
        }
    }
}

/// Answers are alike, so that memory shows in what was done: a page that counts in memory hides nothing, and blames nobody. And a key that
/// a failure keeps in flight no longer than the lease is waited for.
#[test]
fn pages_that_forget_hide_nothing_and_leases_are_waited_for() {
    if tool("python3").is_none() {
        return;
    }
    let exec = "exec python3 tests/receivers/forgetful.py {port} {dir}";
    for (knob, scenarios, wanted) in [
        ("right", &["restart/keys*", "restart/thousand*", "effect/no-effect*", "failure/failed*"][..], None),
        ("counts-in-memory", &["restart/keys*", "restart/thousand*", "effect/no-effect*"], None),
        ("keys-in-memory", &["restart/keys*"], Some("DUP-8")),
        ("keys-in-memory", &["effect/no-effect*"], Some("EFF-1")),
        ("keeps-its-lease", &["failure/failed*"], None),
    ] {
        let env = [("FORGETFUL_TOKEN", "a-token-of-this-test"), ("KNOB", knob)];
        let (exit, report) = judged("tests/contracts/forgetful.yaml", &env, scenarios, &["--exec", exec, "--seed", "1"]);
        match wanted {
            None => {
                assert_eq!((exit, off(&report)), (Some(0), Vec::new()), "{knob}");
                assert!(all(&report, "scenarios").iter().any(|one| one["verdict"] == "pass"), "{knob}: nothing was judged");
            }
            Some(requirement) => {
                assert!(exit == Some(1) && broken(&report).contains(&requirement), "{knob}: {exit:?} {:?}", broken(&report));
            }
        }
    }
}

/// Four shards side by side at one receiver and its database: each counts and moves its own, and none is blamed for another.
#[test]
fn shards_side_by_side_at_one_receiver_all_conform() {
    if tool("python3").is_none() {
        return;
    }
    let folder = Folder::new();
    let db = folder.path("orch.db").display().to_string();
    let receiver = project("tests/receivers/orch_phase3.py");
    let mut start = std::process::Command::new("python3");
    let right = Running::start(start.arg(receiver).args(["--port", "0", "--db", &db]).env("ORCH_WEBHOOK_SECRET", SECRET), 1);
    let shards: Vec<_> = (1..=4)
        .map(|number| {
            let mut run = command();
            run.env("ORCH_WEBHOOK_SECRET", SECRET).args([
                "run",
                "duplicate",
                "database",
                "audit",
                "ttl",
                "key",
                "--shard",
                &format!("{number}/4"),
            ]);
            run.args(["--target", &right.url, "--db", &db, "--clock", "rewind", "--format", "json", "--jobs", "2"]);
            run.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().expect("it starts")
        })
        .collect();
    for shard in shards {
        let output = shard.wait_with_output().expect("it ends");
        let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
        assert_eq!((output.status.code(), off(&report)), (Some(0), Vec::new()), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// A life of two seconds that is really waited for is judged, or is told to be too short; never held against the receiver.
#[test]
fn short_lives_that_are_waited_for_are_judged() {
    let folder = Folder::new();
    let db = folder.path("orch.db").display().to_string();
    let serving = Running::serve(SECRET, &["--ttl", "2s", "--db", &db]);
    let more = ["--target", &serving.url, "--db", &db, "--clock", "wait", "--ttl", "2s", "--select", "TTL-*", "--seed", "1"];
    let (exit, report) = judged("orch-phase3", &[("ORCH_WEBHOOK_SECRET", SECRET)], &[], &more);
    assert_eq!((exit, off(&report)), (Some(0), Vec::new()));
    let verdict = |id: &str| all(&report, "requirements").iter().find(|one| one["id"] == id).map(|one| &one["verdict"]);
    assert_eq!(verdict("TTL-3"), Some(&"pass".into()), "a key is new again after two seconds");
}

/// `{body_member: data.id}` is a member within a member, not one whose name has a dot in it.
#[test]
fn key_in_a_member_of_a_member_travels_there() {
    let folder = Folder::new();
    let contract =
        folder.write("nested.yaml", "contract: nested\nextends: orch-phase3\ntitle: nested\nkey: {header: null, body_member: data.id}\n");
    let out = folder.path("out").display().to_string();
    let (exit, report) = judged(&contract, &[], &["duplicate/duplicate-is-told*"], &["--report", &out]);
    assert_eq!((exit, off(&report)), (Some(0), Vec::new()));
    let history = std::fs::read_to_string(folder.path("out/history.jsonl")).expect("a history");
    for line in history.lines() {
        let one: Value = serde_json::from_str(line).expect("JSON");
        let body: Value = serde_json::from_str(one["body"]["text"].as_str().expect("a short body")).expect("JSON");
        assert_eq!((&body["data"]["id"], body.get("data.id")), (&one["key"], None), "{body}");
        assert!(one["key"].as_str().is_some_and(|key| key.len() > 4), "{line}");
    }
    assert!(history.lines().count() >= 2, "{history}");
}

/// Of a key pair the receiver gets the public half, and finds the private one nowhere in its environment.
#[test]
fn receiver_is_handed_the_public_key_alone() {
    let folder = Folder::new();
    let (seen, private) = (folder.path("seen").display().to_string(), "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    let serve = format!("env > '{seen}'; exec {} serve --contract discord-interactions --addr 127.0.0.1:{{port}}", binary());
    for variable in ["DISCORD_PRIVATE_KEY", "MY_KEY"] {
        let named: &[&str] = if variable == "MY_KEY" { &["--secret-env", "MY_KEY"] } else { &[] };
        let more = [&["--exec", &serve, "--seed", "1"], named].concat();
        let (exit, report) = judged("discord-interactions", &[(variable, private)], &["signature/honest*", "signature/wrong*"], &more);
        assert_eq!((exit, off(&report)), (Some(0), Vec::new()), "{variable}");
        let environment = std::fs::read_to_string(&seen).expect("it was written");
        assert!(!environment.contains(private), "{variable}: {environment}");
        let public = "DISCORD_PUBLIC_KEY=d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a\n";
        assert!(environment.contains(public), "{variable}: {environment}");
    }
}
