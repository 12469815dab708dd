//! Bad input: names that lead elsewhere, folders without an end, contracts that cannot work, words that nobody knows.

use std::os::unix::fs::symlink;
use std::process::Command;

use crate::command_line::{command, hookgate, hookgate_with};
use crate::surroundings::Folder;

fn scenario(folder: &Folder, variant: &str) -> String {
    let text = format!(
        "title: x\nshows: [DUP-1]\nneeds: [orch-wire]\nsteps:\n  - for_each:\n      variants:\n        {variant:?}: {{word: one}}\n      steps:\n        \
         - name: $word\n          deliver: {{as: first, body: terminal-done.json}}\n          answer: {{status: [202]}}\n        - snapshot: {{answer: true}}\n"
    );
    folder.write("scenarios/topic/one.yaml", &text)
}

/// A variant is a name: one that leads out of its folder, or is too long for a file, is refused where it stands.
#[test]
fn variants_are_names() {
    for (variant, wanted) in [("../../../../../x", "a name, not a path"), ("a/b", "a name, not a path"), (&"x".repeat(300), " bytes")] {
        let folder = Folder::new();
        let path = scenario(&folder, variant);
        let told = hookgate(&["check", &path]);
        assert!(told.starts_with("exit 2") && told.contains(wanted) && told.matches("error").count() == 1, "{told}");
        let snapshots = folder.path("snapshots").display().to_string();
        let dir = folder.path("scenarios").display().to_string();
        let told = hookgate(&["run", "--only-scenarios", &dir, "--snapshots", &snapshots]);
        assert!(told.starts_with("exit 2") && !folder.path("snapshots").exists() && !folder.path("x.snap.new").exists(), "{told}");
    }
}

/// A contract that cannot work is told all of its mistakes at once, those of its suite's words included.
#[test]
fn contracts_that_cannot_work_are_told_all_their_mistakes() {
    let shipped = include_str!("../../fixtures/contracts/orch-phase3.yaml");
    let folder = Folder::new();
    let with = |from: &str, to: &str| {
        assert!(shipped.contains(from), "{from}");
        folder.write("mine.yaml", &shipped.replacen(from, to, 1))
    };
    for (from, to, wanted) in [
        ("contract: orch-phase3", "contract: ../../x", "a name is one word"),
        ("suite: orch", "suite: ../orch", "a name is one word"),
        ("suite: orch", "suite: orhc", "has no requirements.yaml"),
        ("path: /callbacks/terminal", "path: callbacks/terminal", "a path begins with a slash"),
        ("path: /callbacks/terminal", "path: /callbacks/terminal?tenant=7", "a path has no query"),
        ("path: /status", "path: status", "a path begins with a slash"),
        ("header: Idempotency-Key", "header: content-type", "is that of `endpoint.content_type`, too"),
    ] {
        let told = hookgate(&["check", &with(from, to)]);
        assert!(told.starts_with("exit 2") && told.contains(wanted), "{to}: {told}");
    }
    let all = shipped.replacen("path: /callbacks/terminal", "path: callbacks/terminal?x=1", 1).replacen(
        "contract: orch-phase3",
        "contract: a/b",
        1,
    );
    let path = folder.write(
        "all.yaml",
        &format!("{all}\nnot_promised: {{DUPP-1: a slip of the pen}}\n").replacen("capabilities: [", "capabilities: [no-such-word, ", 1),
    );
    let told = hookgate(&["check", &path]);
    for wanted in ["a path begins with a slash", "a name is one word", "unknown requirement `DUPP-1`", "unknown capability `no-such-word`"]
    {
        assert!(told.starts_with("exit 2") && told.contains(wanted), "{wanted}: {told}");
    }
}

/// Outcomes that look alike are no mistake: what they keep from being judged is told.
#[test]
fn outcomes_that_overlap_are_told() {
    let told = hookgate(&["check", "tests/contracts/draft-like-first.yaml"]);
    assert!(told.starts_with("exit 0") && told.contains("warning: ") && told.contains("look alike"), "{told}");
    assert!(!hookgate(&["check", "fixtures/contracts/orch-phase3.yaml"]).contains("warning"));
}

/// Folders with links to themselves, a pipe, a device: each file once, and what has no end is refused at once.
#[test]
fn folders_have_an_end() {
    let folder = Folder::new();
    let shipped = include_str!("../../scenarios/orch/seed/duplicate-is-answered-202.yaml");
    folder.write("suite/topic/one.yaml", shipped);
    for name in ["suite/here", "suite/topic/here", "suite/topic/again"] {
        symlink(".", folder.path(name)).expect("a link");
    }
    let suite = folder.path("suite").display().to_string();
    let told = hookgate(&["list", "--only-scenarios", &suite]);
    assert!(told.contains("topic/one") && told.contains("\n1 scenario\n"), "{told}");
    symlink("/dev/zero", folder.path("suite/topic/zero.yaml")).expect("a link");
    let told = hookgate(&["list", "--only-scenarios", &suite]);
    assert!(told.starts_with("exit 2") && told.contains("it is no file with an end"), "{told}");
    std::fs::remove_file(folder.path("suite/topic/zero.yaml")).expect("it was there");
    let pipe = folder.path("suite/topic/pipe.yaml");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let told = hookgate(&["list", "--only-scenarios", &suite]);
    assert!(told.starts_with("exit 2") && told.contains("it is no file with an end"), "{told}");
    std::fs::remove_file(&pipe).expect("it was there");
    std::fs::create_dir(folder.path("suite/bodies")).expect("a folder");
    symlink("/etc/passwd", folder.path("suite/bodies/minimal.json")).expect("a link");
    let told = hookgate(&["list", "--only-scenarios", &suite]);
    assert!(told.starts_with("exit 2") && told.contains("the link leads out of its folder"), "{told}");
}

/// A checkout with the line ends of another system changes no snapshot.
#[test]
fn snapshots_match_whatever_their_line_ends() {
    let folder = Folder::new();
    let dir = folder.path("snapshots").display().to_string();
    let run = |env: &[(&str, &str)], more: &[&str]| hookgate_with(env, &[&["run", "seed", "--snapshots", &dir], more].concat());
    assert!(run(&[], &["--update", "always"]).starts_with("exit 0"));
    let mut left = vec![folder.path("snapshots")];
    let mut changed = 0;
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(std::fs::read_dir(&path).expect("a folder").flatten().map(|entry| entry.path()));
        } else {
            let text = std::fs::read_to_string(&path).expect("a snapshot");
            std::fs::write(&path, text.replace('\n', "\r\n")).expect("written");
            changed += 1;
        }
    }
    assert!(changed > 3);
    let told = run(&[("CI", "true")], &[]);
    assert!(told.starts_with("exit 0"), "{told}");
}

/// Words that nobody knows are told in one sentence, with the way out.
#[test]
fn mistyped_command_lines_are_told_in_a_sentence() {
    for (args, wanted) in [
        (&["rnu"][..], "error: there is no command `rnu`; did you mean `run`? (`hookgate --help` shows them)\n"),
        (&["-v"], "error: there is no `-v`: nothing more is to be told: --report DIR keeps every delivery"),
        (&["run", "-v"], "error: there is no `-v`: nothing more"),
        (&["--no-color", "run"], "error: there is no `--no-color`: colour is left out where"),
        (&["run", "--no-color"], "error: there is no `--no-color`: colour is left out where"),
        (&["load", "--users", "0"], "error: --users 0: `0` is no whole number from 1 to 65535\n"),
        (&["run", "--seed", "abc"], "error: --seed abc: `abc` is no whole number from 0 to"),
    ] {
        let told = hookgate(args);
        assert!(told.starts_with("exit 2\n--- stdout\n--- stderr\n") && told.contains(wanted), "{args:?}: {told}");
    }
}

/// What is wrong with the secret and what is wrong with the target are told together.
#[test]
fn secret_and_target_are_both_looked_at() {
    let told = hookgate(&["run", "--target", "127.0.0.1:9"]);
    assert!(told.starts_with("exit 2") && told.contains("ORCH_WEBHOOK_SECRET is not set") && told.contains("has no scheme"), "{told}");
}

/// `--exec` with `--target`: what answers there already is not the receiver that is started.
#[test]
fn somebody_else_at_the_target_is_not_taken_for_the_command() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let output = command().args(["run", "key/missing*", "--exec", "sleep 60", "--target", &url]).output().expect("it starts");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("before the command is started: --exec starts the receiver and --target says where it will be"), "{told}");
}
