//! Receivers that hookgate starts: they are judged whole, and nothing of them is left, however the run ends.
#![expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test ends where something is not as it should be, and waits for processes"
)]

use std::process::{Child, Stdio};

use crate::command_line::{command, hookgate, until};
use crate::surroundings::{Folder, project, say_skipped, tool};

const SERVE: &str = concat!(env!("CARGO_BIN_EXE_hookgate"), " serve --addr 127.0.0.1:{port} --db {dir}/orch.db");

/// Whether libfaketime is here; says aloud when it is not.
fn faketime_is_here() -> bool {
    let told = hookgate(&["run", "key/blank-key-is-refused", "--exec", SERVE, "--clock", "faketime"]);
    let missing = told.contains("needs libfaketime");
    assert!(!missing || std::env::var_os("HOOKGATE_REQUIRE_TOOLS").is_none(), "libfaketime is not here, and HOOKGATE_REQUIRE_TOOLS is set");
    if missing {
        say_skipped("libfaketime is not here");
    }
    !missing
}

/// The processes whose command line holds `mark`.
fn processes(mark: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("a list of processes").flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(mark) {
            found.push(line);
        }
    }
    found
}

/// The reference by `--exec` conforms, restarts included, with nothing undecided.
#[test]
fn a_receiver_that_is_started_here_is_judged_whole() {
    let told = hookgate(&["run", "restart", "duplicate", "--exec", SERVE, "--db", "{dir}/orch.db"]);
    assert!(told.starts_with("exit 0"), "{told}");
    assert!(told.contains("conforms") && !told.contains("undecided,"), "{told}");
}

/// One that keeps its keys in memory forgets them.
#[test]
fn a_receiver_that_forgets_is_found_out() {
    let forgets = SERVE.replace(" --db {dir}/orch.db", "");
    let told = hookgate(&["run", "restart", "--exec", &forgets, "--format", "json"]);
    assert!(told.starts_with("exit 1"), "{told}");
    let json = told.split("--- stdout\n").nth(1).and_then(|rest| rest.split("--- stderr").next()).expect("what it printed");
    let report: serde_json::Value = serde_json::from_str(json).expect("JSON");
    for id in ["keys-are-remembered-after-a-restart[killed]", "what-was-answered-before-a-kill-is-remembered[stopped]"] {
        let scenario = report["scenarios"].as_array().expect("a list").iter().find(|one| one["id"] == format!("restart/{id}"));
        assert_eq!(scenario.expect("it was played")["verdict"], "fail", "{id}");
    }
}

/// libfaketime moves the time of a Rust server, whose keys then expire.
#[test]
fn faketime_moves_a_receiver_through_its_ttl() {
    if !faketime_is_here() {
        return;
    }
    let told = hookgate(&["run", "ttl", "--exec", SERVE, "--db", "{dir}/orch.db", "--clock", "faketime"]);
    assert!(told.starts_with("exit 0"), "{told}");
    assert!(told.contains("clock faketime"), "{told}");
}

/// The same of a server in Python.
#[test]
fn faketime_moves_a_python_receiver_through_its_ttl() {
    if tool("python3").is_none() || !faketime_is_here() {
        return;
    }
    let receiver = format!("python3 {} --port {{port}} --db {{dir}}/orch.db", project("tests/receivers/orch_phase3.py").display());
    let told = hookgate(&["run", "ttl", "--exec", &receiver, "--db", "{dir}/orch.db", "--clock", "faketime"]);
    assert!(told.starts_with("exit 0"), "{told}");
}

/// A command that ends, one that is never ready, and one that is not there: a sentence, and what it wrote.
#[test]
fn a_receiver_that_does_not_start_is_told_with_its_last_words() {
    let ended = hookgate(&["run", "--exec", "echo no such port >&2; exit 7"]);
    assert!(ended.starts_with("exit 3") && ended.contains("ended before it was ready") && ended.contains("no such port"), "{ended}");
    let absent = hookgate(&["run", "--exec", "no-such-receiver --port {port}"]);
    assert!(absent.starts_with("exit 3") && absent.contains("no-such-receiver"), "{absent}");
    // A number that no other process of this machine sleeps for.
    let sleeps = format!("sleep 7{}0", std::process::id());
    let silent = hookgate(&["run", "--exec", &sleeps, "--ready", "I am here", "--ready-within", "200 ms"]);
    assert!(silent.starts_with("exit 3") && silent.contains("did not write `I am here`"), "{silent}");
    until("the silent one is gone", || processes(&sleeps).is_empty());
}

/// Ready is when it says so, or when an address answers.
#[test]
fn ready_is_a_text_or_an_address() {
    for ready in ["listening on", "http://127.0.0.1:{port}/status"] {
        let told = hookgate(&["run", "key/missing-key-is-refused", "--exec", SERVE, "--ready", ready]);
        assert!(told.starts_with("exit 0"), "{ready}: {told}");
    }
}

/// The secret is in no argument, and what the target writes is kept without it.
#[test]
fn the_targets_output_is_kept_without_the_secret() {
    let folder = Folder::new();
    let out = folder.path("out").display().to_string();
    let told = command()
        .env("ORCH_WEBHOOK_SECRET", "a-secret-to-be-kept")
        .args([
            "run",
            "key/missing-key-is-refused",
            "--report",
            &out,
            "--exec",
            &format!("echo my secret is $ORCH_WEBHOOK_SECRET; {SERVE}"),
        ])
        .output()
        .expect("it starts");
    assert_eq!(told.status.code(), Some(0), "{told:?}");
    let log = std::fs::read_to_string(folder.path("out/target.log")).expect("the log");
    let report = std::fs::read_to_string(folder.path("out/report.json")).expect("the report");
    assert!(log.contains("my secret is") && report.contains("my secret is"), "{log}");
    assert!(!log.contains("a-secret-to-be-kept") && !report.contains("a-secret-to-be-kept"));
}

/// A run over a receiver with children, one of them in a session of its own, far from its end.
fn long_run(mark: &str) -> Child {
    let receiver = format!("sleep {mark} & setsid sleep {mark} & {SERVE} & wait");
    let mut run = command();
    run.args(["run", "--exec", &receiver, "--db", "{dir}/orch.db", "--clock", "wait", "--max-wait", "1000 s", "--ttl", "500 s"]);
    let run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    until("the receiver and its children are there", || {
        processes(&format!("sleep {mark}")).iter().filter(|line| line.starts_with("sleep")).count() == 2
    });
    run
}

/// Ctrl-C, and a kill that hookgate itself never hears of.
#[test]
fn nothing_is_left_after_ctrl_c_and_after_a_kill() {
    for (last, signal) in [(1, "-INT"), (2, "-KILL")] {
        let mark = format!("7{}{last}", std::process::id());
        let mut run = long_run(&mark);
        let killed = std::process::Command::new("/bin/sh").args(["-c", &format!("kill {signal} {}", run.id())]).status().expect("a shell");
        assert!(killed.success());
        let ended = run.wait().expect("it ends");
        assert_eq!(ended.code(), if signal == "-INT" { Some(130) } else { None });
        until("everything is gone", || processes(&format!("sleep {mark}")).is_empty());
    }
}

/// What cannot be meant is told before anything is started.
#[test]
fn flags_that_do_not_fit_are_told() {
    for (flags, told) in [
        (vec!["--clock", "faketime"], "--exec"),
        (vec!["--ready", "x"], "--exec"),
        (vec!["--exec", "true", "--stop-signal", "NOISE"], "there are TERM"),
        (vec!["--exec", "true", "--clock", "faketime", "--faketime-lib", "/nowhere.so"], "/nowhere.so"),
    ] {
        let said = hookgate(&[vec!["run"], flags].concat());
        assert!((said.starts_with("exit 2") || said.starts_with("exit 3")) && said.contains(told), "{said}");
    }
}
