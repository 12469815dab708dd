//! Receivers that hookgate starts: they are judged whole, and nothing of them is left, however the run ends.
#![expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test ends where something is not as it should be, and waits for processes"
)]

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Child, Stdio};

use crate::command_line::{binary, command, hookgate, until};
use crate::surroundings::{Folder, project, say_skipped, tool};

fn serve() -> String {
    format!("{} serve --addr 127.0.0.1:{{port}} --db {{dir}}/orch.db", binary())
}

/// Whether libfaketime is here; says aloud when it is not.
fn faketime_is_here() -> bool {
    let told = hookgate(&["run", "key/blank-key-is-refused", "--exec", &serve(), "--clock", "faketime"]);
    let missing = told.contains("needs libfaketime");
    assert!(!missing || std::env::var_os("HOOKGATE_REQUIRE_TOOLS").is_none(), "libfaketime is not here, and HOOKGATE_REQUIRE_TOOLS is set");
    if missing {
        say_skipped("libfaketime is not here");
    }
    !missing
}

/// A pipe with a name: who has it open to write lives.
struct Lifeline {
    path: String,
    _folder: Folder,
}

impl Lifeline {
    fn new() -> Self {
        let folder = Folder::new();
        let path = folder.path("lifeline").display().to_string();
        let made = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo");
        assert!(made.success());
        Self { path, _folder: folder }
    }

    /// A command of a shell that says `up` into the pipe, and `left` when nobody has ended it for so long.
    fn sleeper(&self) -> String {
        format!("sh -c 'echo up; sleep 60; echo left' >{}", self.path)
    }

    fn read_without_waiting(&self) -> File {
        let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        File::options().read(true).custom_flags(flags).open(&self.path).expect("a pipe")
    }

    /// The other end; there is none before a writer is there.
    fn read(&self) -> BufReader<File> {
        BufReader::new(File::open(&self.path).expect("a pipe"))
    }
}

/// What is said into the pipe before nobody is left who could.
fn last_words(mut lifeline: impl Read) -> String {
    let mut words = String::new();
    lifeline.read_to_string(&mut words).expect("words");
    words
}

/// The reference by `--exec` conforms, restarts included, with nothing undecided.
#[test]
fn a_receiver_that_is_started_here_is_judged_whole() {
    let told = hookgate(&["run", "restart", "duplicate", "--exec", &serve(), "--db", "{dir}/orch.db"]);
    assert!(told.starts_with("exit 0"), "{told}");
    assert!(told.contains("conforms") && !told.contains("undecided,"), "{told}");
}

/// One that keeps its keys in memory forgets them.
#[test]
fn a_receiver_that_forgets_is_found_out() {
    let forgets = serve().replace(" --db {dir}/orch.db", "");
    let told = hookgate(&["run", "restart", "--exec", &forgets, "--format", "json"]);
    assert!(told.starts_with("exit 1"), "{told}");
    let json = told.split("--- stdout\n").nth(1).and_then(|rest| rest.split("--- stderr").next()).expect("what it printed");
    let report: serde_json::Value = serde_json::from_str(json).expect("JSON");
    for id in ["keys-are-remembered-after-a-restart[killed]", "what-was-answered-before-a-kill-is-remembered[stopped]"] {
        let scenario = report["scenarios"].as_array().expect("a list").iter().find(|one| one["id"] == format!("restart/{id}"));
        assert_eq!(scenario.expect("it was played")["verdict"], "fail", "{id}");
    }
}

/// Where its contract does not promise that keys outlive a restart, one that keeps them in memory is right, also by its effects.
#[test]
fn keys_in_memory_are_right_where_nobody_promises_more() {
    let folder = Folder::new();
    let run = |name: &str, promises: &str| {
        folder.write(name, &format!("extends: every-policy\ncontract: mine\ntitle: Keys in memory\n{promises}"));
        let contract = folder.path(name).display().to_string();
        let serve = format!("{} serve --addr 127.0.0.1:{{port}} --contract {contract}", binary());
        hookgate(&["run", "restart", "effect", "--contract", &contract, "--exec", &serve])
    };
    let promised = run("promised.yaml", "");
    assert!(promised.starts_with("exit 1"), "{promised}");
    let not_promised = run("in-memory.yaml", "not_promised: {DUP-8: keys are kept in memory}\n");
    assert!(not_promised.starts_with("exit 0"), "{not_promised}");
}

/// libfaketime moves the time of a Rust server, whose keys then expire.
#[test]
fn faketime_moves_a_receiver_through_its_ttl() {
    if !faketime_is_here() {
        return;
    }
    let told = hookgate(&["run", "ttl", "--exec", &serve(), "--db", "{dir}/orch.db", "--clock", "faketime"]);
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
    let lifeline = Lifeline::new();
    // Whoever reads it without waiting finds its end where nobody has it open to write.
    let mut read = lifeline.read_without_waiting();
    let silent = hookgate(&["run", "--exec", &lifeline.sleeper(), "--ready", "I am here", "--ready-within", "200 ms"]);
    assert!(silent.starts_with("exit 3") && silent.contains("did not write `I am here`"), "{silent}");
    until("the silent one is gone", || matches!(read.read(&mut [0; 8]), Ok(0)));
    // What has no time left is not waited for, however long it may take to be ready.
    let limited =
        hookgate(&["run", "--exec", &lifeline.sleeper(), "--ready", "I am here", "--time-limit", "200 ms", "--ready-within", "1 h"]);
    assert!(limited.starts_with("exit 3") && limited.contains("within 200 ms"), "{limited}");
}

/// Ready is when it says so, or when an address answers.
#[test]
fn ready_is_a_text_or_an_address() {
    for ready in ["listening on", "http://127.0.0.1:{port}/status"] {
        let told = hookgate(&["run", "key/missing-key-is-refused", "--exec", &serve(), "--ready", ready]);
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
            &format!("echo my secret is $ORCH_WEBHOOK_SECRET; {}", serve()),
        ])
        .output()
        .expect("it starts");
    assert_eq!(told.status.code(), Some(0), "{told:?}");
    let log = std::fs::read_to_string(folder.path("out/target.log")).expect("the log");
    let report = std::fs::read_to_string(folder.path("out/report.json")).expect("the report");
    assert!(log.contains("my secret is") && report.contains("my secret is"), "{log}");
    assert!(!log.contains("a-secret-to-be-kept") && !report.contains("a-secret-to-be-kept"));
}

/// A run over a receiver with children, one of them in a session of its own, far from its end; and where they are heard of.
fn long_run(lifeline: &Lifeline) -> (Child, impl Read + use<>) {
    let sleeper = lifeline.sleeper();
    let receiver = format!("{sleeper} & setsid {sleeper} & {} & wait", serve());
    let mut run = command();
    run.args(["run", "--exec", &receiver, "--db", "{dir}/orch.db", "--clock", "wait", "--max-wait", "1000 s", "--ttl", "500 s"]);
    let run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut read = lifeline.read();
    for _ in 0..2 {
        let mut line = String::new();
        read.read_line(&mut line).expect("a line");
        assert_eq!(line, "up\n");
    }
    (run, read)
}

/// Ctrl-C, and a kill that hookgate itself never hears of.
#[test]
fn nothing_is_left_after_ctrl_c_and_after_a_kill() {
    for signal in ["-INT", "-KILL"] {
        let lifeline = Lifeline::new();
        let (mut run, read) = long_run(&lifeline);
        let killed = std::process::Command::new("/bin/sh").args(["-c", &format!("kill {signal} {}", run.id())]).status().expect("a shell");
        assert!(killed.success());
        let ended = run.wait().expect("it ends");
        assert_eq!(ended.code(), if signal == "-INT" { Some(130) } else { None });
        assert_eq!(last_words(read), "", "{signal}: everything is gone");
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
