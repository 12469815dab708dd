//! Snapshots: what is new, changed or left over is told; nothing is written where nobody reviews.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::command_line::{Running, binary, command, hookgate, hookgate_with};
use crate::surroundings::{Folder, project, tool};

const SCENARIOS: [&str; 2] = ["seed/first-delivery-is-answered-202", "ttl/key-is-new-again-past-its-ttl"];

fn run(dir: &str, more: &[&str]) -> String {
    let fixed = ["run", SCENARIOS[0], SCENARIOS[1], "--snapshots", dir];
    hookgate(&[&fixed, more].concat())
}

/// What a person at a terminal sees who answers so, and the exit code.
fn reviewed_by_hand(dir: &str, answers: &str) -> (Option<i32>, String) {
    const AT_A_TERMINAL: &str = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    let mut python = Command::new("python3");
    python.args(["-c", AT_A_TERMINAL, binary(), "snapshots", "review", "--dir", dir]);
    python.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut running = python.spawn().expect("python3 is there");
    running.stdin.as_mut().expect("a pipe").write_all(answers.as_bytes()).expect("it reads");
    // The pipe stays open meanwhile, as a person stays at the terminal.
    let mut seen = String::new();
    running.stdout.take().expect("a pipe").read_to_string(&mut seen).expect("text");
    (running.wait().expect("it ends").code(), seen)
}

/// At a terminal each one is asked about: `?` helps, `a` accepts one, `q` leaves all others waiting, `r` rejects, `A` accepts the rest.
#[test]
fn person_reviews_one_after_the_other() {
    if tool("python3").is_none() {
        return;
    }
    let folder = Folder::new();
    let (path, dir) = (folder.path("snaps"), folder.path("snaps").display().to_string());
    run(&dir, &["--update", "new"]);
    let waiting = || all(&path).iter().filter(|(name, _)| name.ends_with(".snap.new")).count();
    let (code, seen) = reviewed_by_hand(&dir, "?\na\nq\n");
    assert_eq!((code, all(&path).len(), waiting()), (Some(1), 2, 1), "{seen}");
    assert!(seen.contains("a  accept it") && seen.contains("q  quit") && seen.contains("1 pending"), "{seen}");
    assert_eq!(seen.matches("[?]? ").count(), 3, "{seen}");
    let (code, seen) = reviewed_by_hand(&dir, "what\nr\n");
    assert_eq!((code, all(&path).len(), waiting()), (Some(0), 1, 0), "{seen}");
    run(&dir, &["--update", "new"]);
    assert_eq!(reviewed_by_hand(&dir, "A\n").0, Some(0));
    assert_eq!((all(&path).len(), waiting()), (2, 0));
}

/// Every file under a folder with its text.
fn all(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut left = vec![folder.to_owned()];
    while let Some(dir) = left.pop() {
        for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                left.push(entry.path());
            } else {
                found.push((entry.path().display().to_string(), std::fs::read_to_string(entry.path()).expect("text")));
            }
        }
    }
    found.sort();
    found
}

/// The reviewed truth of every contract, with the reference as it is.
#[test]
fn reference_answers_and_remembers_as_it_was_reviewed() {
    for contract in ["orch-phase2", "orch-phase3", "orch-phase3-ttl"] {
        let told = hookgate(&["run", "--contract", contract, "--snapshots", "snapshots", "--update", "no"]);
        assert!(told.starts_with("exit 0") && told.contains("0 changed, 0 new, 0 unreferenced"), "{told}");
    }
}

/// New ones wait, are accepted, and then are as reviewed; in CI nothing is written and they fail.
#[test]
fn new_ones_wait_for_review() {
    let folder = Folder::new();
    let (path, dir) = (folder.path("snaps"), folder.path("snaps").display().to_string());
    let ci = hookgate_with(&[("CI", "true")], &["run", SCENARIOS[0], "--snapshots", &dir]);
    assert!(ci.starts_with("exit 1") && ci.contains("1 new") && all(&path).is_empty(), "{ci}");
    let told = run(&dir, &["--update", "new"]);
    assert!(told.starts_with("exit 0") && told.contains("2 new") && told.contains("snapshots review"), "{told}");
    assert!(
        all(&path).len() == 2 && all(&path).iter().all(|(name, text)| name.ends_with(".snap.new") && text.starts_with("---\nsource: "))
    );
    let list = hookgate(&["snapshots", "list", "--dir", &dir]);
    assert!(list.starts_with("exit 1") && list.contains("pending  orch-phase3/seed/") && list.contains("0 reviewed, 2 pending"), "{list}");
    let review = hookgate(&["snapshots", "review", "--dir", &dir]);
    assert!(review.starts_with("exit 1") && review.contains("+ 202") && review.contains("snapshots accept"), "{review}");
    assert!(hookgate(&["snapshots", "accept", "nothing-like-it", "--dir", &dir]).starts_with("exit 2"));
    assert!(hookgate(&["snapshots", "accept", "*/seed/*", "--dir", &dir]).contains("1 accepted"));
    assert!(hookgate(&["snapshots", "reject", "--dir", &dir]).contains("1 rejected"));
    assert!(hookgate(&["snapshots", "list", "--dir", &dir]).contains("1 reviewed, 0 pending"));
    assert!(run(&dir, &["--update", "always"]).contains("1 as reviewed"));
    let again = run(&dir, &["--update", "no"]);
    assert!(again.starts_with("exit 0") && again.contains("2 as reviewed"), "{again}");
}

/// A changed one fails, with the lines that changed, and what was reviewed stays.
#[test]
fn changed_ones_fail_with_their_lines() {
    let folder = Folder::new();
    let (path, dir) = (folder.path("snaps"), folder.path("snaps").display().to_string());
    run(&dir, &["--update", "always"]);
    let serving = Running::serve("a secret", &["--defect", "accepted-answered-200"]);
    let told = hookgate_with(
        &[("ORCH_WEBHOOK_SECRET", "a secret")],
        &["run", SCENARIOS[0], "--snapshots", &dir, "--update", "new", "--target", &serving.url, "--format", "json"],
    );
    assert!(told.starts_with("exit 1"), "{told}");
    let (name, text) = all(&path).into_iter().find(|(name, _)| name.contains("first-delivery")).expect("the snapshot");
    std::fs::write(&name, text.replace("EXTERNAL", "INTERNAL")).expect("it is changed");
    let told = run(&dir, &["--update", "no"]);
    assert!(
        told.starts_with("exit 1") && told.contains("- ") && told.contains("INTERNAL") && told.contains("+ ") && told.contains("1 changed"),
        "{told}"
    );
    assert_eq!(all(&path).len(), 2, "nothing was written");
    let told = run(&dir, &["--update", "new"]);
    assert!(told.starts_with("exit 1") && all(&path).iter().any(|(name, _)| name.ends_with(".snap.new")), "{told}");
}

/// One that no scenario takes is told by a whole run, and pruned.
#[test]
fn left_over_ones_are_told_and_pruned() {
    let folder = Folder::new();
    let dir = folder.path("snaps").display().to_string();
    hookgate(&["run", "--snapshots", &dir, "--update", "always"]);
    folder.write("snaps/orch-phase3/seed/long-gone.snap", "---\nsource: x\nexpression: y\n---\n202\n");
    let told = hookgate(&["run", "--snapshots", &dir, "--update", "no"]);
    assert!(told.starts_with("exit 1") && told.contains("unreferenced snapshot orch-phase3/seed/long-gone"), "{told}");
    assert!(hookgate(&["snapshots", "prune", "--dir", &dir]).contains("1 removed"));
    assert!(hookgate(&["run", "--snapshots", &dir, "--update", "no"]).starts_with("exit 0"));
    assert!(hookgate(&["snapshots", "list", "--dir", "/no/such/folder"]).starts_with("exit 2"));
}

/// The secret stands in no snapshot, though a receiver says it.
#[test]
fn no_snapshot_holds_the_secret() {
    let folder = Folder::new();
    let (path, dir) = (folder.path("snaps"), folder.path("snaps").display().to_string());
    let secret = "a-secret-of-the-receiver";
    let contract = std::fs::read_to_string(project("fixtures/contracts/orch-phase3.yaml")).expect("the contract");
    let file = folder.write("telling.yaml", &contract.replace("terminal_callback", secret));
    let told = command()
        .env("ORCH_WEBHOOK_SECRET", secret)
        .args(["run", SCENARIOS[0], "--contract", &file, "--snapshots", &dir, "--update", "new"])
        .output()
        .expect("it starts");
    assert!(told.status.code().is_some());
    let files = all(&path);
    assert!(!files.is_empty() && files.iter().all(|(_, text)| !text.contains(secret)), "{files:?}");
}

/// insta itself reads the files: a text that it compares with one of them is found equal.
#[test]
fn insta_reads_the_files() {
    let folder = Folder::new();
    run(&folder.path("snaps").display().to_string(), &["--update", "always"]);
    let (name, text) = all(&folder.path("snaps")).into_iter().find(|(name, _)| name.contains("first-delivery")).expect("the snapshot");
    let contents = hookgate::snapshot::contents(&text).expect("a head and contents");
    let place = Path::new(&name);
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(place.parent().expect("its folder"));
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!("first-delivery-is-answered-202", contents));
}
